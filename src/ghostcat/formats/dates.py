"""Dates as field teams write them, read without guessing the order of day and month.

ISO dates and dates with dots can only mean one thing. `03/04/2025` can mean two: the order is taken from
the other dates of the same table when one of them has a day above 12, and asked for otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from ghostcat.errors import FormatError

__all__ = ["DateOrder", "FieldTime", "find_date_order", "parse_time"]

DateOrder = Literal["dmy", "mdy"]

_ISO = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:(?:[T ]|\s+)\s*(?P<clock>\S.*))?", re.IGNORECASE
)
_COMPACT = re.compile(r"(20\d\d|19\d\d)(\d\d)(\d\d)(?:[T ]?(?P<clock>\d{4}|\d{6})(?P<zone>Z|[+-]\d.*)?)?")
_DOTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d\d)(?:[, ]\s*(?P<clock>\S.*))?")
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:[, ]\s*(?P<clock>\S.*))?")
_NAMED = re.compile(
    r"(?:(?P<d1>\d{1,2})[-. ]+(?P<m1>[^\W\d]{3,10})\.?"
    r"|(?P<m2>[^\W\d]{3,10})\.?[ -]+(?P<d2>\d{1,2})(?:st|nd|rd|th)?)"
    r"[-,. ]+(?P<y>\d{4})(?:\s*г\.?)?(?:[, ]\s*(?P<clock>\S.*))?",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})[:.时h](?P<m>\d{2})(?:[:.分](?P<s>\d{2})(?P<f>[.,]\d+)?)?[分秒]?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<zone>Z|UTC|(?:UTC|GMT)?\s*[+\-−]\d{1,2}(?::?\d{2})?)?",
)
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
#: Serial days of Excel: 45750.5 is noon of 3 April 2025. Day 60 (29 February 1900) does not exist.
_EXCEL_EPOCH = datetime(1899, 12, 30)
_EXCEL_RANGE = (20000, 73050)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan янв",
            "feb фев",
            "mar мар",
            "apr апр",
            "may май мая",
            "jun июн",
            "jul июл",
            "aug авг",
            "sep сен",
            "oct окт",
            "nov ноя",
            "dec дек",
        ),
        start=1,
    )
    for name in names.split()
}


@dataclass(frozen=True, kw_only=True)
class FieldTime:
    """A moment on a local clock, with the offset if it was written, and how exact it is."""

    local: datetime
    utc_offset_minutes: int | None = None
    has_clock: bool = True
    from_serial: bool = False


def find_date_order(texts: Sequence[str], *, where: str) -> DateOrder | None:
    """Find the order of day and month in all dates of a table; None when none needs it.

    Raises
    ------
    FormatError : every date could be read both ways, or some only one way and some only the other.
    """
    matches = [match for text in texts if (match := _SLASHES.fullmatch(text.strip()))]
    if not matches:
        return None
    day_first = next((match for match in matches if int(match[1]) > 12), None)
    month_first = next((match for match in matches if int(match[2]) > 12), None)
    if day_first and month_first:
        raise FormatError(
            f"dates are written in two orders: {day_first.group()!r} has the day first, "
            f"{month_first.group()!r} the month",
            where=where,
            fix="Write all dates as YYYY-MM-DD.",
        )
    if not day_first and not month_first:
        raise FormatError(
            f"the date {matches[0].group()!r} could be day/month or month/day, and no other date tells",
            where=where,
            fix="Write the dates as YYYY-MM-DD, or say which comes first (date_order 'dmy' or 'mdy').",
        )
    return "dmy" if day_first else "mdy"


def parse_time(text: str, *, order: DateOrder | None = None) -> FieldTime | None:
    """Read one date or date with time; None when it is none or does not exist.

    >>> parse_time("2025-04-03T14:12:05+10:00").utc_offset_minutes
    600
    >>> parse_time("03.04.2025 7:05").local, parse_time("31.02.2025") is None
    (datetime.datetime(2025, 4, 3, 7, 5), True)
    """
    text = re.sub(r"[\s\u00a0]+", " ", text.strip().strip("'"))
    if _SERIAL.fullmatch(text):
        return _serial(float(text.replace(",", ".")))
    parts = _date_parts(text, order)
    if parts is None:
        return None
    year, month, day, clock, zone = parts
    try:
        date = datetime(year, month, day)
    except ValueError:
        return None
    if not clock:
        return FieldTime(local=date, has_clock=False)
    if re.fullmatch(r"\d{4}|\d{6}", clock):
        clock = ":".join(re.findall(r"\d\d", clock)) + (zone or "")
    return _with_clock(date, clock)


def _date_parts(text: str, order: DateOrder | None) -> tuple[int, int, int, str | None, str | None] | None:
    if match := _ISO.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3]), match["clock"], None
    if match := _COMPACT.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3]), match["clock"], match["zone"]
    if match := _DOTS.fullmatch(text):
        year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
        return year, int(match[2]), int(match[1]), match["clock"], None
    if match := _SLASHES.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        day, month = (first, second) if order == "dmy" else (second, first)
        return (int(match[3]), month, day, match["clock"], None) if order else None
    if match := _NAMED.fullmatch(text):
        named_month = _MONTHS.get((match["m1"] or match["m2"]).casefold()[:3])
        if named_month:
            return int(match["y"]), named_month, int(match["d1"] or match["d2"]), match["clock"], None
    return None


def _with_clock(date: datetime, clock: str) -> FieldTime | None:
    match = _CLOCK.fullmatch(clock.strip())
    if match is None:
        return None
    hour, minute, second = int(match["h"]), int(match["m"]), int(match["s"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"][0] in "Pp" else 0)
    fraction = timedelta(seconds=float("0" + match["f"].replace(",", "."))) if match["f"] else timedelta()
    midnight_after = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta()
    try:
        moment = date.replace(hour=hour % 24 if midnight_after else hour, minute=minute, second=second)
        offset = _offset(match["zone"])
    except ValueError:
        return None
    return FieldTime(local=moment + fraction + midnight_after, utc_offset_minutes=offset)


def _offset(zone: str | None) -> int | None:
    if not zone:
        return None
    match = re.search(r"([+\-−])(\d{1,2}):?(\d{2})?$", zone)
    if match is None:
        return 0
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    offset = -minutes if match[1] in "-−" else minutes
    timezone(timedelta(minutes=offset))  # refuses what is a day or more
    return offset


def _serial(days: float) -> FieldTime | None:
    if not _EXCEL_RANGE[0] <= days <= _EXCEL_RANGE[1]:
        return None
    moment = _EXCEL_EPOCH + timedelta(seconds=round(days * 86400))
    return FieldTime(local=moment, has_clock=days % 1 != 0, from_serial=True)
