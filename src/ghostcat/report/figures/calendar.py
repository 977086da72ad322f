"""When did each camera work? One row per station, failures hatched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from ghostcat.language import Wording
from ghostcat.report.figures.labels import shortened
from ghostcat.report.figures.svg import element
from ghostcat.report.figures.timeline import day_position, month_starts

__all__ = ["CalendarRow", "effort_calendar"]

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 1000.0, 132.0, 10.0, 17.0, 26.0

Span = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class CalendarRow:
    """A station with its deployments (one lane each), its failures by lane, and its passes."""

    name: str
    lanes: tuple[Span, ...]
    failures: tuple[tuple[int, str, Span], ...]
    passes: tuple[datetime, ...]
    sampled: bool


def effort_calendar(
    rows: Sequence[CalendarRow], words: Wording, *, first_day: date, last_day: date, label: str, never: str
) -> Markup:
    """The calendar of all `rows`; `never` is what is written where no camera worked."""
    height = _TOP + _ROW * len(rows) + 8

    def x(when: date | datetime) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * day_position(when, first_day, last_day)

    def draw(i: int, row: CalendarRow) -> Markup:
        y, thick = _TOP + i * _ROW, _ROW - 5
        slots = _lanes(row.lanes)
        lane_height = thick / max(max(slots, default=0) + 1, 1)
        works = "" if row.sampled else " never"
        parts = [
            element(
                "rect",
                x=x(start),
                y=y + lane_height * slots[k],
                width=max(x(end) - x(start), 1.0),
                height=lane_height - 0.8,
                class_="works" + works,
            )
            for k, (start, end) in enumerate(row.lanes)
        ]
        parts += [
            element(
                "rect",
                element("title", cause, translate="no"),
                x=x(start),
                y=y + lane_height * slots[k],
                width=max(x(end) - x(start), 1.5),
                height=lane_height - 0.8,
                class_="failed",
                fill="url(#hatch-failed)",
            )
            for k, cause, (start, end) in row.failures
        ]
        parts += [
            element("circle", cx=x(t), cy=y + thick / 2 - 0.4, r=2.7, class_="pass") for t in row.passes
        ]
        if not row.lanes:
            parts.append(element("text", never, x=_LEFT + 6, y=y + thick - 2, class_="axis never"))
        shown = shortened(row.name, 18)
        name = element(
            "text",
            element("title", row.name),
            shown,
            x=_LEFT - 10,
            y=y + thick - 2,
            class_="axis name",
            text_anchor="end",
            translate="no",
        )
        return element("g", name, *parts)

    months = [
        element(
            "g",
            element("line", x1=x(day), x2=x(day), y1=16.0, y2=height - 6, class_="tick"),
            element("text", words.month(day), x=x(day) + 4, y=14.0, class_="axis"),
        )
        for day in month_starts(first_day, last_day)
        if day_position(day, first_day, last_day) < 0.97
    ]
    return element(
        "svg",
        *months,
        *(draw(i, row) for i, row in enumerate(rows)),
        viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}",
        class_="calendar",
        role="img",
        aria_label=label,
    )


def _lanes(spans: Sequence[Span]) -> list[int]:
    """The lane of each span: the lowest one that is free, so that paired cameras lie below each other."""
    ends: list[datetime] = []
    lanes = [0] * len(spans)
    for k in sorted(range(len(spans)), key=lambda k: spans[k]):
        start, end = spans[k]
        free = next((lane for lane, until in enumerate(ends) if until <= start), len(ends))
        ends[free : free + 1] = [end]
        lanes[k] = free
    return lanes
