"""Read the table of camera deployments that a field team keeps: effort, failures and clocks.

The layout is that of the camera-trap table of camtrapR (Niedballa et al. 2016): one row a camera, with
set-up, pick-up and any number of problem periods. Dates without a clock count whole days, first and last
included, as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from ghostcat.errors import FormatError
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.dates import DateOrder, FieldTime, find_date_order, parse_time
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.field_stations import STATION_COLUMNS, FieldStations, parse_offset
from ghostcat.formats.numbers import parse_number
from ghostcat.formats.spelling import id_text, name_key, nearest
from ghostcat.formats.tables import Table
from ghostcat.survey.evidence import Failure, Finding

__all__ = ["DEPLOYMENT_COLUMNS", "PROBLEM_COLUMNS", "DeploymentRow", "FieldDeployments", "read_deployments"]

DEPLOYMENT_COLUMNS: Mapping[str, Sequence[str]] = {
    "station": STATION_COLUMNS["station"],
    "camera": (
        "camera id", "cam", "cam id", "slot", "камера", "фотоловушка", "номер камеры", "相机", "相机编号",
        "机位",
    ),
    "deployment": ("deployment id", "установка id", "布设编号"),
    "serial": ("serial number", "camera serial", "sn", "серийный номер", "заводской номер", "序列号"),
    "make": ("manufacturer", "brand", "camera make", "производитель", "марка", "品牌"),
    "model": ("camera model", "модель", "型号", "相机型号"),
    "setup": (
        "setup date", "start", "start date", "deployment start", "date set", "set", "установка",
        "дата установки",
        "начало", "начало работы", "安装日期", "布设日期", "开始日期", "开始时间", "安装时间", "布设时间",
    ),
    "setup_time": ("start time", "время установки"),
    "retrieval": (
        "retrieval date", "end", "end date", "deployment end", "date retrieved", "pickup", "pick up",
        "снятие", "дата снятия", "окончание", "конец работы",
        "回收日期", "取回日期", "结束日期", "结束时间", "回收时间",
    ),
    "retrieval_time": ("end time", "время снятия"),
    "height": ("camera height", "setup height", "высота", "高度", "安装高度"),
    "facing": ("heading", "azimuth", "direction", "camera heading", "азимут", "направление", "方位角"),
    "setup_by": ("set by", "установил", "安装人", "布设人"),
    "comments": ("comment", "notes", "note", "remarks", "примечание", "примечания", "комментарий", "备注"),
    "utc_offset_h": STATION_COLUMNS["utc_offset_h"],
    "problem_from": ("failure from", "отказ с", "故障开始"),
    "problem_to": ("failure to", "отказ по", "故障结束"),
    "problem_note": ("failure cause", "problem cause", "причина отказа", "故障原因"),
}  # fmt: skip
PROBLEM_COLUMNS: Mapping[str, Sequence[str]] = {
    "problem#_from": ("failure#_from", "отказ#_с", "неисправность#_с", "故障#开始"),
    "problem#_to": ("failure#_to", "отказ#_по", "неисправность#_по", "故障#结束"),
    "problem#_note": ("problem#_cause", "failure#_cause", "отказ#_причина", "故障#原因"),
}  # fmt: skip
_FIRST_YEAR = 1980


@dataclass(frozen=True, kw_only=True)
class DeploymentRow:
    """One row, with its times in UTC."""

    where: str
    station_key: str
    station: str
    slot: str
    serial: str
    make: str
    model: str
    deployment: str
    start: datetime
    end: datetime
    utc_offset_minutes: int | None
    failures: tuple[Failure, ...]
    height_m: float | None
    facing_deg: float | None
    setup_by: str
    comments: str
    covariates: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class FieldDeployments:
    """The rows of the table in its own order, and what was noticed."""

    rows: tuple[DeploymentRow, ...]
    findings: tuple[Finding, ...]
    columns: Columns


class _Noticed:
    """What is told once for the whole table."""

    def __init__(self) -> None:
        self.without_clock: list[str] = []
        self.from_serial: list[str] = []
        self.without_offset: list[str] = []
        self.open_failure: list[str] = []
        self.other_offset: list[str] = []


def read_deployments(
    table: Table,
    stations: FieldStations,
    *,
    utc_offset_minutes: int | None = None,
    date_order: DateOrder | None = None,
) -> FieldDeployments:
    """Read the rows of a deployments table.

    The offset of a clock is the one written in a time, else that of the row, else that of the station,
    else `utc_offset_minutes`; where none is known, times are kept as if the clock ran on UTC.

    Raises
    ------
    FormatError : columns missing, unknown stations, times that are none, a row that ends before it starts.
    """
    columns = match_columns(
        table, DEPLOYMENT_COLUMNS, required=("station", "setup", "retrieval"), numbered=PROBLEM_COLUMNS
    )
    if not table.rows:
        raise FormatError(
            "the table has a heading but no rows",
            where=table.file,
            fix="Add one row for each camera and period.",
        )
    order = date_order or find_date_order(_all_times(columns), where=table.file)
    faults, rows, noticed = RowFaults(), [], _Noticed()
    for row in range(len(table.rows)):
        with faults.collecting():
            rows.append(
                _row(columns, row, stations, order=order, default=utc_offset_minutes, noticed=noticed)
            )
    faults.raise_if_any()
    return FieldDeployments(
        rows=tuple(rows), findings=(*table.findings, *_findings(noticed, table.file)), columns=columns
    )


def _all_times(columns: Columns) -> list[str]:
    texts = []
    for row in range(len(columns.table.rows)):
        texts += [columns.value(row, name) for name in ("setup", "retrieval", "problem_from", "problem_to")]
        for name in ("problem#_from", "problem#_to"):
            texts += [columns.numbered_value(row, name, n) for n in columns.numbered.get(name, {})]
    return texts


def _row(
    columns: Columns,
    row: int,
    stations: FieldStations,
    *,
    order: DateOrder | None,
    default: int | None,
    noticed: _Noticed,
) -> DeploymentRow:
    where, station = columns.table.where(row), columns.text(row, "station")
    key = name_key(station)
    if key not in stations.stations:
        near = nearest(station, [s.id for s in stations.stations.values()]) if station else ""
        hint = f"Did you mean {near!r}? " if near else ""
        raise FormatError(
            f"the station {station!r} is not in {stations.columns.table.file}"
            if station
            else "the row has no station",
            where=where,
            fix=f"{hint}Write the name as in the stations table, or add the station there.",
        )
    written = columns.value(row, "utc_offset_h")
    offset = parse_offset(written, where=where) if written else stations.offsets_minutes.get(key, default)
    setup = _time(columns, row, "setup", order=order, clock=columns.value(row, "setup_time"))
    retrieval = _time(columns, row, "retrieval", order=order, clock=columns.value(row, "retrieval_time"))
    said = setup.utc_offset_minutes if setup.utc_offset_minutes is not None else retrieval.utc_offset_minutes
    if said is not None and offset is not None and said != offset:
        noticed.other_offset.append(where)
    offset = said if said is not None else offset
    start, end = _utc(setup, offset, last=False), _utc(retrieval, offset, last=True)
    if end <= start:
        raise FormatError(
            f"the deployment ends ({columns.text(row, 'retrieval')}) before it starts "
            f"({columns.text(row, 'setup')})",
            where=where,
            fix="Correct the dates; day and month, or the columns, may be swapped.",
        )
    for times, sink in (
        (lambda t: not t.has_clock, noticed.without_clock),
        (lambda t: t.from_serial, noticed.from_serial),
    ):
        if times(setup) or times(retrieval):
            sink.append(where)
    if offset is None:
        noticed.without_offset.append(where)
    return DeploymentRow(
        where=where,
        station_key=key,
        station=stations.stations[key].id,
        slot=id_text(columns.value(row, "camera")),
        serial=id_text(columns.value(row, "serial")),
        make=columns.value(row, "make"),
        model=columns.value(row, "model"),
        deployment=id_text(columns.value(row, "deployment")),
        start=start,
        end=end,
        utc_offset_minutes=offset,
        failures=_failures(columns, row, order=order, offset=offset, start=start, end=end, noticed=noticed),
        height_m=_number(columns, row, "height"),
        facing_deg=_number(columns, row, "facing"),
        setup_by=columns.value(row, "setup_by"),
        comments=columns.value(row, "comments"),
        covariates=columns.others(row),
    )


def _time(columns: Columns, row: int, name: str, *, order: DateOrder | None, clock: str = "") -> FieldTime:
    text = columns.value(row, name)
    if not text:
        advice = " If the camera was lost, write the time of its last photo." if name == "retrieval" else ""
        raise FormatError(
            f"there is no {columns.heading(name)}",
            where=columns.table.where(row),
            fix=f"Write the date, for example 2025-04-03 14:12.{advice}",
        )
    return _parsed(text, clock, order=order, where=columns.table.where(row), heading=columns.heading(name))


def _parsed(text: str, clock: str, *, order: DateOrder | None, where: str, heading: str) -> FieldTime:
    time = parse_time(text, order=order)
    if time is not None and clock and not time.has_clock:
        time = parse_time(f"{time.local:%Y-%m-%d} {clock}")
        text = f"{text} {clock}"
    if time is None:
        raise FormatError(
            f"{text!r} in column {heading!r} is no date, or one that does not exist",
            where=where,
            fix="Write it as YYYY-MM-DD or YYYY-MM-DD hh:mm.",
        )
    if not _FIRST_YEAR <= time.local.year <= 2200:
        raise FormatError(
            f"{text!r} in column {heading!r} lies in the year {time.local.year}, when no camera trap worked",
            where=where,
            fix="Correct the year.",
        )
    return time


def _utc(time: FieldTime, offset: int | None, *, last: bool) -> datetime:
    """The moment in UTC; a last day without a clock ends at midnight after it."""
    local = time.local + timedelta(days=1) if last and not time.has_clock else time.local
    own = time.utc_offset_minutes if time.utc_offset_minutes is not None else (offset or 0)
    return local.replace(tzinfo=timezone(timedelta(minutes=own))).astimezone(UTC)


def _failures(
    columns: Columns,
    row: int,
    *,
    order: DateOrder | None,
    offset: int | None,
    start: datetime,
    end: datetime,
    noticed: _Noticed,
) -> tuple[Failure, ...]:
    where = columns.table.where(row)
    failures = []
    for begun_text, ended_text, cause, heading in _problem_cells(columns, row):
        if not begun_text and not ended_text:
            if cause:
                raise FormatError(
                    f"the problem {cause!r} has no time",
                    where=where,
                    fix=f"Fill {heading}, or empty the note.",
                )
            continue
        if not begun_text:
            raise FormatError(
                f"the problem that ended {ended_text} has no beginning", where=where, fix=f"Fill {heading}."
            )
        begun = _utc(_parsed(begun_text, "", order=order, where=where, heading=heading), offset, last=False)
        if ended_text:
            ended = _utc(
                _parsed(ended_text, "", order=order, where=where, heading=heading), offset, last=True
            )
        else:
            ended = end
            noticed.open_failure.append(where)
        if ended <= begun or ended <= start or begun >= end:
            fault = "ends before it starts" if ended <= begun else "lies outside the deployment"
            raise FormatError(
                f"the problem from {begun_text} to {ended_text or 'pick-up'} {fault}",
                where=where,
                fix=f"Correct {heading} or the deployment's dates.",
            )
        failures.append(Failure(start=begun, end=ended, cause=cause))
    return tuple(sorted(failures, key=lambda failure: failure.start))


def _problem_cells(columns: Columns, row: int) -> list[tuple[str, str, str, str]]:
    cells = [
        (
            columns.value(row, "problem_from"),
            columns.value(row, "problem_to"),
            columns.value(row, "problem_note"),
            columns.heading("problem_from"),
        )
    ]
    numbers = sorted({n for positions in columns.numbered.values() for n in positions})
    for n in numbers:
        begun, ended, cause = (
            columns.numbered_value(row, f"problem#_{part}", n) for part in ("from", "to", "note")
        )
        cells.append((begun, ended, cause, f"problem{n}_from"))
    return cells


def _number(columns: Columns, row: int, name: str) -> float | None:
    text = columns.value(row, name)
    if not text:
        return None
    value = parse_number(text)
    if value is None:
        raise FormatError(
            f"{text!r} in column {columns.heading(name)!r} is no number",
            where=columns.table.where(row),
            fix="Write one number, or leave the cell empty.",
        )
    return value


def _findings(noticed: _Noticed, file: str) -> list[Finding]:
    told = (
        (
            "utc_offset_unknown",
            "warning",
            noticed.without_offset,
            "nobody said how far the camera clocks are from UTC; times are kept as if they ran on UTC. "
            "Effort and gaps are right, the hour of the day is the clock's",
            "Add a column utc_offset_h to the stations, or say --utc-offset.",
        ),
        (
            "utc_offset_differs",
            "warning",
            noticed.other_offset,
            "times are written with another UTC offset than that of the clock; the written one is used",
            "Make the two agree.",
        ),
        (
            "dates_without_clock",
            "note",
            noticed.without_clock,
            "set-up or pick-up has no time of day; both days count whole, so effort is up to a day too long",
            "Add the times if they are known.",
        ),
        (
            "dates_from_serial",
            "note",
            noticed.from_serial,
            "dates are numbers as a spreadsheet keeps them (days since 1900); they were read as such",
            "Check one of them; format the cells as dates to be sure.",
        ),
        (
            "failure_without_end",
            "note",
            noticed.open_failure,
            "a problem has no end; it is taken to last until pick-up",
            "Write the end if the camera worked again.",
        ),
    )
    return [
        Finding(
            code=code,
            severity=severity,  # type: ignore[arg-type]
            message=f"{len(places)} rows: {message}",
            fix=fix,
            ids=tuple(places),
            where=file,
        )
        for code, severity, places, message, fix in told
        if places
    ]
