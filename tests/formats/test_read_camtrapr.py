"""camtrapR's station table and individual records."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import FormatError, ParameterError
from ghostcat.formats.camtrapr_reader import read_camtrapr

STATIONS = """Station,utm_x,utm_y,Setup_date,Retrieval_date,Problem1_from,Problem1_to
StationA,526000,607000,2025-01-01,2025-01-11,,
StationB,529000,607000,2025-01-02,2025-01-11,2025-01-05,2025-01-06
"""
RECORDS = """Station,Species,Individual,DateTimeOriginal,Sex
StationA,leopard,L1,2025-01-02 10:00:00,F
StationA,leopard,L1,2025-01-02 23:00:00,F
StationB,leopard,L1,2025-01-04 04:00:00,NA
StationB,leopard,L2,2025-01-07 00:00:00,
"""


@pytest.fixture
def read(tmp_path):
    def reader(stations=STATIONS, records=RECORDS, **more):
        paths = []
        for name, text in (("stations.csv", stations), ("records.csv", records)):
            (tmp_path / name).write_text(text, encoding="utf-8")
            paths.append(tmp_path / name)
        return read_camtrapr(*paths, **more)

    return reader


def test_effort_counts_half_days_and_loses_problem_days(read):
    found = read()
    usage = found.array.usage
    assert usage.shape == (2, 11)
    assert usage[0].tolist() == [0.5, *[1.0] * 9, 0.5]
    assert usage[1].tolist() == [0.0, 0.5, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    assert read(whole_days=True).array.usage[0].tolist() == [1.0] * 11


def test_records_become_one_a_day_or_counts(read):
    found = read()
    array = found.array
    records = sorted(
        zip(array.animal.tolist(), array.occasion.tolist(), array.detector.tolist(), strict=True)
    )
    assert records == [(0, 1, 0), (0, 3, 1), (1, 6, 1)]
    assert found.animals == ("L1", "L2") and found.sex == ("female", "")
    assert any(f.code == "repeated_records" for f in found.findings)
    counts = read(kind="count").array
    assert counts.counts.sum() == 4 and counts.kind == "count"


def test_long_occasions_add_effort_up(read):
    daily, weekly = read().array, read(occasion_days=5).array
    assert weekly.usage.shape == (2, 3)
    assert weekly.usage.sum(axis=1) == pytest.approx(daily.usage.sum(axis=1))
    assert weekly.occasion.tolist() == [0, 0, 1]


def test_two_cameras_of_a_station_work_as_one(read):
    stations = """Station,Camera,longitude,latitude,Setup_date,Retrieval_date,Problem1_from,Problem1_to
A,1,131.30,43.10,2025-01-01 00:00,2025-01-05 00:00,2025-01-02 00:00,2025-01-04 00:00
A,2,131.30,43.10,2025-01-01 00:00,2025-01-03 00:00,,
B,1,131.35,43.10,2025-01-01 00:00,2025-01-05 00:00,,
"""
    records = "Station,Individual,DateTimeOriginal\nA,L1,2025-01-02 10:00\nB,L1,2025-01-02 11:00\n"
    found = read(stations, records)
    assert found.array.usage[0].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert found.crs == "EPSG:32652"
    gap = np.hypot(*(found.array.xy_m[1] - found.array.xy_m[0]))
    assert gap == pytest.approx(4068, rel=0.01)


def test_dates_with_the_day_first(read):
    stations = STATIONS.replace("2025-01-01", "01/01/2025").replace("2025-01-11", "31/01/2025")
    stations = stations.replace("2025-01-02", "02/01/2025")
    stations = stations.replace("2025-01-05", "05/01/2025").replace("2025-01-06", "06/01/2025")
    assert read(stations).array.usage.shape == (2, 31)


def test_nameless_records_are_said(read):
    found = read(records=RECORDS + "StationA,leopard,NA,2025-01-03 10:00:00,\n")
    note = next(f for f in found.findings if f.code == "records_without_individual")
    assert note.ids == ("records.csv row 6",)


def test_species_and_sessions_are_chosen_not_mixed(read):
    tigers = RECORDS + "StationA,tiger,T1,2025-01-03 10:00:00,\n"
    with pytest.raises(FormatError, match="2 species"):
        read(records=tigers)
    assert read(records=tigers, species="Tiger").animals == ("T1",)
    with pytest.raises(FormatError, match="no record of"):
        read(species="lynx")
    with pytest.raises(FormatError, match="sessions"):
        lines = [f"{a},{b}" for a, b in zip(STATIONS.split(), ("session", "1", "2"), strict=True)]
        read(stations="\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("stations", "records", "words"),
    [
        (STATIONS, RECORDS.replace("StationB,leopard,L2", "StationC,leopard,L2"), "station 'StationC'"),
        (STATIONS, RECORDS.replace("2025-01-07 00", "2025-01-05 12"), "no camera worked"),
        (STATIONS, RECORDS.replace("2025-01-07 00", "2026-01-05 12"), "no camera worked"),
        (STATIONS, RECORDS.replace("2025-01-07 00:00:00", "yesterday"), "no date"),
        (STATIONS.replace("526000", ""), RECORDS, "no coordinates"),
        (STATIONS.replace("2025-01-01,", "2025-02-01,"), RECORDS, "not after setup"),
        (STATIONS.replace(",2025-01-06", ","), RECORDS, "only one of its two dates"),
        (STATIONS.replace("2025-01-06", "2025-01-03"), RECORDS, "ends before"),
        (STATIONS.replace("StationB,529000", "StationA,529000"), RECORDS, "stands elsewhere"),
    ],
)
def test_faults_name_their_row(read, stations, records, words):
    with pytest.raises(FormatError, match=words) as fault:
        read(stations, records)
    assert "row" in fault.value.where


def test_occasions_are_at_least_a_day(read):
    with pytest.raises(ParameterError):
        read(occasion_days=0)


@settings(max_examples=20, deadline=None)
@given(
    starts=st.lists(st.integers(0, 20), min_size=2, max_size=4),
    lengths=st.lists(st.integers(1, 30), min_size=4, max_size=4),
    occasion=st.integers(1, 9),
)
def test_effort_is_the_time_between_setup_and_retrieval(tmp_path_factory, starts, lengths, occasion):
    folder = tmp_path_factory.mktemp("camtrapr")
    rows = ["Station,utm_x,utm_y,Setup_date,Retrieval_date"]
    day = np.datetime64("2025-03-01")
    for i, (start, length) in enumerate(zip(starts, lengths, strict=False)):
        rows.append(f"S{i},{600000 + 2000 * i},4780000,{day + start},{day + start + length}")
    (folder / "s.csv").write_text("\n".join(rows))
    (folder / "r.csv").write_text(f"Station,Individual,DateTimeOriginal\nS0,A,{day + starts[0]} 13:00:00\n")
    found = read_camtrapr(folder / "s.csv", folder / "r.csv", occasion_days=occasion)
    assert found.array.usage.sum(axis=1) == pytest.approx(lengths[: len(starts)])
    assert (found.array.usage <= occasion).all()
