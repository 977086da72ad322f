"""How sure are we? One estimate with its 95 % interval on an axis that starts at zero."""

from __future__ import annotations

from markupsafe import Markup

from ghostcat.language import Wording
from ghostcat.portrait.portrait import Interval
from ghostcat.report.figures.svg import axis_ticks, element

__all__ = ["interval_strip"]

_WIDTH, _HEIGHT, _SIDE, _BAR_Y = 460.0, 104.0, 16.0, 46.0


def interval_strip(interval: Interval, words: Wording, *, decimals: int, label: str) -> Markup:
    """The interval as a bar, the estimate as a mark, both with their numbers.

    Parameters
    ----------
    interval : what is drawn; `lower` ≤ `estimate` ≤ `upper`.
    decimals : decimals of the numbers written.
    label : what a person who cannot see the figure is told.
    """
    top = max(interval.upper * 1.12, 1e-9)

    def x(value: float) -> float:
        return _SIDE + (_WIDTH - 2 * _SIDE) * min(value / top, 1.0)

    ticks = axis_ticks(top)
    step = ticks[1] if len(ticks) > 1 else 1.0
    tick_decimals = next((d for d in range(5) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 5)
    axis = [
        element(
            "g",
            element("line", x1=x(t), x2=x(t), y1=_BAR_Y + 19, y2=_BAR_Y + 25, class_="tick"),
            element(
                "text",
                words.number(t, tick_decimals),
                x=x(t),
                y=_BAR_Y + 44,
                class_="axis",
                text_anchor="middle",
            ),
        )
        for t in ticks
    ]
    low, mid, high = x(interval.lower), x(interval.estimate), x(interval.upper)
    return element(
        "svg",
        element("line", x1=_SIDE, x2=_WIDTH - _SIDE, y1=_BAR_Y + 19, y2=_BAR_Y + 19, class_="base"),
        *axis,
        element("rect", x=low, y=_BAR_Y - 11, width=max(high - low, 1.0), height=22.0, rx=11.0, class_="bar"),
        element("line", x1=mid, x2=mid, y1=_BAR_Y - 18, y2=_BAR_Y + 19, class_="point"),
        element("circle", cx=mid, cy=_BAR_Y, r=9.0, class_="point"),
        element(
            "text",
            words.number(interval.lower, decimals),
            x=max(low, 22.0),
            y=_BAR_Y - 24,
            class_="end",
            text_anchor="middle",
        ),
        element(
            "text",
            words.number(interval.upper, decimals),
            x=high,
            y=_BAR_Y - 24,
            class_="end",
            text_anchor="middle",
        ),
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        class_="interval",
        role="img",
        aria_label=label,
    )
