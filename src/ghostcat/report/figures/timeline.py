"""When was this animal seen? One mark per pass over the survey's days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from markupsafe import Markup

from ghostcat.language import Wording
from ghostcat.report.figures.svg import element

__all__ = ["day_position", "month_starts", "sightings_strip"]

_WIDTH, _HEIGHT, _Y = 320.0, 36.0, 11.0


def sightings_strip(
    times: Sequence[datetime], words: Wording, *, first_day: date, last_day: date, colour: str, label: str
) -> Markup:
    """Passes of one animal along the survey, from `first_day` to `last_day`."""

    def x(fraction: float) -> float:
        return 6 + (_WIDTH - 12) * fraction

    months = [(day, day_position(day, first_day, last_day)) for day in month_starts(first_day, last_day)]
    every = -(-len(months) // 7) if months else 1
    labels = [
        element("text", words.month(day), x=x(at) + 3, y=_HEIGHT - 4, class_="axis")
        for day, at in months[::every]
        if at < 0.93
    ]
    return element(
        "svg",
        element("line", x1=x(0), x2=x(1), y1=_Y, y2=_Y, class_="base"),
        *(element("line", x1=x(at), x2=x(at), y1=_Y - 6, y2=_HEIGHT - 3, class_="tick") for _, at in months),
        *labels,
        *(
            element(
                "circle", cx=x(day_position(t, first_day, last_day)), cy=_Y, r=4.5, fill=colour, class_="seen"
            )
            for t in times
        ),
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        class_="timeline",
        role="img",
        aria_label=label,
    )


def month_starts(first_day: date, last_day: date) -> list[date]:
    """The first of each month that begins within the days given."""
    starts = []
    year, month = first_day.year, first_day.month
    while (day := date(year, month, 1)) <= last_day:
        if day >= first_day:
            starts.append(day)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return starts


def day_position(when: date | datetime, first_day: date, last_day: date) -> float:
    """Where `when` lies between the start of the first day (0) and the end of the last (1)."""
    span = (last_day - first_day).days + 1
    days = float(
        (when if not isinstance(when, datetime) else when.date()).toordinal() - first_day.toordinal()
    )
    if isinstance(when, datetime):
        days += (when.hour + when.minute / 60) / 24
    return min(max(days / span, 0.0), 1.0)
