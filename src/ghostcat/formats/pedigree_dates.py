"""Dates of studbooks: to the day, the month or the year, or only guessed; as decimal years with a margin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from ghostcat.errors import FormatError
from ghostcat.formats.dates import DateOrder, find_date_order, parse_time
from ghostcat.formats.spelling import name_key
from ghostcat.survey.evidence import Finding

__all__ = ["FuzzyDate", "read_dates"]

_YEAR = re.compile(
    r"(?P<mark>[~≈<>c]|ca\.?|circa|около|примерно|约)?\s*(?P<y>1[89]\d\d|20\d\d)\s*(?P<tail>\?|г\.?|年|s|-?е)?"
)
_MONTH = re.compile(r"(?P<y>1[89]\d\d|20\d\d)[-/.年](?P<m>\d{1,2})月?")
_MONTH_FIRST = re.compile(r"(?P<m>\d{1,2})[-/.](?P<y>1[89]\d\d|20\d\d)")
_RANGE = re.compile(r"(?P<y>1[89]\d\d|20\d\d)\s*[-–/]\s*(?P<z>1[89]\d\d|20\d\d)")
_UNSPECIFIED = re.compile(r"(\d{4})-(\d\d)-00|(\d{4})-00-00")
_NOTHING = {
    *("", "0", "na", "n/a", "nan", "null", "none", "unknown", "unk", "?", "-", "–", ".", "undetermined"),
    *("неизвестно", "неизв.", "неизв", "未知", "不详", "0000-00-00", "00/00/0000", "indeterminate"),
}


@dataclass(frozen=True, kw_only=True)
class FuzzyDate:
    """A moment in decimal years, and the years it may be off to either side."""

    year: float
    margin: float
    kind: str


def read_dates(
    texts: list[str], *, estimates: list[str], what: str, places: list[str]
) -> tuple[list[FuzzyDate | None], list[Finding]]:
    """Read a column of dates; what cannot be read, or only in part, is a finding and keeps what is certain.

    Parameters
    ----------
    texts : cells of the column.
    estimates : how exact the studbook says each is ("Y" to the year, "M" to the month, …); may be empty.
    what : "birth" or "death".
    places : where each cell stands, for messages.
    """
    findings: list[Finding] = []
    order: DateOrder | None = None
    try:
        order = find_date_order(texts, where=what)
    except FormatError as fault:
        findings.append(
            Finding(
                code="date_order_unclear",
                severity="warning",
                message=f"{fault.what}; the {what} dates with slashes count to the year only",
                fix="Write all dates as YYYY-MM-DD.",
                where=next((p for t, p in zip(texts, places, strict=True) if "/" in t), ""),
            )
        )
    out: list[FuzzyDate | None] = []
    kinds: dict[str, str] = {}
    for text, estimate, place in zip(texts, estimates, places, strict=True):
        if name_key(text) in _NOTHING:
            out.append(None)
            continue
        found = _read(text.strip(), order)
        if found is None:
            findings.append(
                Finding(
                    code="date_not_read",
                    severity="warning",
                    message=f"{text!r} is no {what} date that can be read; it counts as not known",
                    fix="Write YYYY-MM-DD, YYYY-MM or YYYY.",
                    where=place,
                )
            )
        else:
            kinds.setdefault(found.kind, f"{text!r} at {place}")
            found = _blurred(found, estimate)
        out.append(found)
    if len(kinds) > 1:
        findings.append(
            Finding(
                code="date_formats_mixed",
                severity="note",
                message=f"{what} dates are written in {len(kinds)} ways: {'; '.join(kinds.values())}",
                fix="Nothing to do if they were read as meant; one way for all (YYYY-MM-DD) is safer.",
                where=places[0].rsplit(" row", 1)[0] if places else "",
            )
        )
    return out, findings


def _read(text: str, order: DateOrder | None) -> FuzzyDate | None:
    if match := _RANGE.fullmatch(text):
        first, last = int(match["y"]), int(match["z"])
        return FuzzyDate(year=(first + last + 1) / 2, margin=abs(last - first + 1) / 2, kind="range")
    if match := _UNSPECIFIED.fullmatch(text):
        if match[3]:
            return FuzzyDate(year=int(match[3]) + 0.5, margin=0.5, kind="year")
        return _month(int(match[1]), int(match[2]))
    if match := _MONTH.fullmatch(text) or _MONTH_FIRST.fullmatch(text):
        return _month(int(match["y"]), int(match["m"]))
    if match := _YEAR.fullmatch(text.casefold()):
        guessed = bool(match["mark"]) or match["tail"] in {"?", "s"}
        return FuzzyDate(year=int(match["y"]) + 0.5, margin=1.5 if guessed else 0.5, kind="year")
    if match := re.fullmatch(r"(1[89]\d\d|20\d\d)[.,](\d+)(?<!\.0)", text):
        return FuzzyDate(year=float(text.replace(",", ".")), margin=0.0, kind="decimal year")
    if match := re.fullmatch(r"(1[89]\d\d|20\d\d)\.0", text):
        return FuzzyDate(year=int(match[1]) + 0.5, margin=0.5, kind="year")
    parsed = parse_time(text, order=order)
    if parsed is not None:
        kind = "spreadsheet serial" if parsed.from_serial else _layout(text)
        return FuzzyDate(year=_decimal(parsed.local.date()), margin=0.0, kind=kind)
    if match := re.fullmatch(r"\d{1,2}[/-]\d{1,2}[/-]((?:18|19|20)\d\d)", text):
        return FuzzyDate(year=int(match[1]) + 0.5, margin=0.5, kind="slashes")
    return None


def _layout(text: str) -> str:
    if re.match(r"\d{8}$", text):
        return "YYYYMMDD"
    if re.match(r"\d{4}\D", text):
        return "year first"
    return (
        "dots"
        if "." in text
        else "slashes"
        if "/" in text
        else "words"
        if re.search(r"[^\W\d]", text)
        else "dashes"
    )


def _month(year: int, month: int) -> FuzzyDate | None:
    if not 1 <= month <= 12:
        return None
    return FuzzyDate(year=year + (month - 0.5) / 12, margin=0.5 / 12, kind="month")


def _decimal(day: date) -> float:
    first, after = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return day.year + (day - first).days / (after - first).days


def _blurred(found: FuzzyDate, estimate: str) -> FuzzyDate:
    """Widen a date that the studbook marks as estimated to the month, the year, or more."""
    key = name_key(estimate)
    margin = {
        "d": 0.0,
        "m": 1 / 12,
        "y": 1.0,
        "u": 5.0,
        "e": 1.0,
        "estimated": 1.0,
        "yes": 1.0,
        "true": 1.0,
    }.get(key, 0.0)
    if not margin and (match := re.fullmatch(r"(?:\+/-|±)?\s*(\d+(?:\.\d+)?)\s*(d|m|y)\w*", key)):
        margin = float(match[1]) / {"d": 365.25, "m": 12.0, "y": 1.0}[match[2]]
    return FuzzyDate(year=found.year, margin=max(found.margin, margin), kind=found.kind)
