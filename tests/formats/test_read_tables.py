"""Tables, columns, dates and numbers: whatever a spreadsheet writes comes back cell for cell."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ghostcat.errors import FormatError
from ghostcat.formats.columns import match_columns
from ghostcat.formats.dates import find_date_order, parse_time
from ghostcat.formats.numbers import parse_degrees, parse_number
from ghostcat.formats.tables import Table, read_table

_CELLS = st.text(st.sampled_from("abcXYZ019 ,;|\"'\nёЖшп东北é.-_/"), min_size=1, max_size=10).map(str.strip)
_ROWS = st.lists(st.lists(_CELLS, min_size=3, max_size=3), min_size=1, max_size=8)


@given(
    rows=_ROWS,
    separator=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str, encoding: str, end: str
) -> None:
    assume(all(any(row) for row in rows))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["station", "lon", "lat"], *rows])
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    table = read_table(path)
    assert table.header == ("station", "lon", "lat")
    assert [list(row) for row in table.rows] == rows


def test_row_numbers_are_those_of_the_editor(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'station,note\n\n"A","two\nlines"\n\nB,x\n')
    table = read_table(path)
    assert [table.where(row) for row in range(2)] == ["t.csv row 3", "t.csv row 6"]


@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "t.csv"
    path.write_bytes(content)
    try:
        table = read_table(path)
    except FormatError as error:
        assert error.where.startswith("t.csv") and error.fix
    else:
        assert all(len(row) == len(table.header) for row in table.rows)


_TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda t: t.replace(microsecond=0))


@given(
    moment=_TIMES,
    form=st.sampled_from(
        ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S",
         "%Y%m%d %H%M%S", "%d %b %Y %H:%M:%S", "%B %d, %Y %I:%M:%S %p", "%Y年%m月%d日 %H时%M分%S秒"]
    ),
)  # fmt: skip
def test_every_form_of_a_moment_is_read_back(moment: datetime, form: str) -> None:
    read = parse_time(moment.strftime(form))
    assert read is not None and read.local == moment and read.has_clock


@given(moment=_TIMES, offset=st.integers(-14 * 4, 14 * 4).map(lambda quarter: quarter * 15))
def test_offsets_are_read_back(moment: datetime, offset: int) -> None:
    sign, size = ("-" if offset < 0 else "+"), abs(offset)
    for zone in (f"{sign}{size // 60:02d}:{size % 60:02d}", f" {sign}{size // 60:02d}{size % 60:02d}"):
        read = parse_time(moment.isoformat() + zone)
        assert read is not None and (read.local, read.utc_offset_minutes) == (moment, offset)


@given(
    moment=st.datetimes(datetime(1955, 1, 1), datetime(2099, 1, 1)).map(lambda t: t.replace(microsecond=0))
)
def test_excel_serials(moment: datetime) -> None:
    days = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    read = parse_time(f"{days:.10f}")
    assert read is not None and read.from_serial
    assert abs(read.local - moment) <= timedelta(seconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-29",
        "31.04.2025",
        "2025-04-03 25:00",
        "2025-04-03T10:00+25:00",
        "1/13/2025",
        "99999",
    ],
)
def test_what_never_was_is_no_time(text: str) -> None:
    assert parse_time(text) is None


def test_order_of_day_and_month() -> None:
    assert find_date_order(["2025-04-03", "03.04.2025"], where="t") is None
    assert find_date_order(["3/4/2025", "23/4/2025"], where="t") == "dmy"
    assert find_date_order(["3/4/2025", "4/23/2025"], where="t") == "mdy"
    with pytest.raises(FormatError, match="no other date tells"):
        find_date_order(["3/4/2025", "5/6/2025"], where="t")


@given(value=st.floats(-180, 180).map(lambda v: round(v, 5)))
def test_degrees_in_every_writing(value: float) -> None:
    size, east = abs(value), value >= 0
    minutes, seconds = int(size * 60) % 60, round((size * 3600) % 60, 2)
    assume(seconds < 60 and (value != 0))
    forms = [f"{value:.5f}", f"{value:.5f}".replace(".", ","), f"{size:.5f}° {'E' if east else 'W'}"]
    for text in forms:
        read = parse_degrees(text)
        assert read is not None and abs(read - value) < 1e-9
    read = parse_degrees(f"{int(size)}°{minutes:02d}'{seconds:05.2f}\"{'E' if east else 'W'}")
    assert read is not None and abs(read - value) < 1e-5


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), ("1,5", 1.5), ("668 929,1", 668929.1), ("4,780,789.3", 4780789.3),
     ("4.780.789,3", 4780789.3),
     ("−12", -12.0), ("1.2.3", None), ("12 m", None), ("", None), ("0x10", None), ("1e999", None)],
)  # fmt: skip
def test_numbers(text: str, value: float | None) -> None:
    assert parse_number(text) == value


def test_columns_by_other_names_and_what_is_kept_aside() -> None:
    table = Table(
        file="t.csv", header=("№ ", "Широта (град)", "ДОЛГОТА", "problem_2_from"), rows=(), numbers=()
    )
    columns = match_columns(table, {"lat": ("широта",), "lon": ("долгота",)}, numbered={"problem#_from": ()})
    assert dict(columns.index) == {"lat": 1, "lon": 2}
    assert columns.numbered["problem#_from"] == {2: 3}
    assert [match.used_as for match in columns.matches()] == ["", "lat", "lon", "problem2_from"]


def test_our_own_name_wins_over_a_synonym() -> None:
    table = Table(file="t.csv", header=("site", "station"), rows=(), numbers=())
    assert match_columns(table, {"station": ("site",)}).index["station"] == 1
