"""How much is left in so many years? One line with its interval for each way of pairing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ghostcat.language import Wording
from ghostcat.report.figures.svg import element, path

__all__ = ["TimeLine", "draw_time_lines"]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 820.0, 420.0, 62.0, 200.0, 48.0, 54.0

#: Okabe–Ito blue-green, vermilion, grey; dashes are the second cue.
_STYLES = (("#0b6e6e", None), ("#b3370f", "9 5"), ("#57524a", "2 5"), ("#5b3fa8", "12 4 2 4"))

Floats = NDArray[np.float64]
Scale = Callable[[float], float]


@dataclass(frozen=True, kw_only=True)
class TimeLine:
    """One line; NaN ends it."""

    name: str
    middle: Floats
    lower: Floats
    upper: Floats


def draw_time_lines(
    years: NDArray[np.int64],
    lines: Sequence[TimeLine],
    words: Wording,
    *,
    x_title: str,
    y_title: str,
    label: str,
    marks: Sequence[tuple[float, str]] = (),
    from_zero: bool = False,
) -> Markup:
    """Lines over years with shaded 95 % intervals, a name at the end of each.

    Parameters
    ----------
    years : (k,) calendar years, or years from today.
    marks : (value, words) of horizontal lines, such as a goal.
    """
    low, high = _range(lines, marks, from_zero=from_zero)
    first, last = float(years[0]), float(years[-1])

    def x(year: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (year - first) / max(last - first, 1.0)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    parts = _axes(words, (first, last), (low, high), x, y)
    for line, (colour, _) in zip(lines, _STYLES, strict=False):
        band = _band(years, line, x, y)
        if band:
            parts.append(element("path", d=band, fill=colour, class_="band"))
    for value, said in marks:
        parts.append(element("line", x1=x(first), x2=x(last), y1=y(value), y2=y(value), class_="goal"))
        parts.append(element("text", said, x=x(first) + 8, y=y(value) + 18, class_="goal"))
    for line, (colour, dash) in zip(lines, _STYLES, strict=False):
        points = _points(years, line.middle, x, y)
        if points:
            parts.append(element("path", d=path(points), stroke=colour, stroke_dasharray=dash, class_="line"))
    parts += _names(years, lines, x, y)
    parts += [
        element(
            "text", x_title, x=(x(first) + x(last)) / 2, y=_HEIGHT - 12, class_="title", text_anchor="middle"
        ),
        element("text", y_title, x=8.0, y=18.0, class_="title"),
    ]
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        class_="time",
        role="img",
        aria_label=label,
    )


def _range(
    lines: Sequence[TimeLine], marks: Sequence[tuple[float, str]], *, from_zero: bool
) -> tuple[float, float]:
    values = np.concatenate([np.concatenate([line.lower, line.upper, line.middle]) for line in lines])
    values = np.concatenate([values[np.isfinite(values)], [value for value, _ in marks]])
    if not len(values):
        return 0.0, 1.0
    low = 0.0 if from_zero else max(0.0, np.floor(20 * (values.min() - 0.01)) / 20)
    high = min(1.0, np.ceil(20 * (values.max() + 0.005)) / 20)
    return float(low), float(max(high, low + 0.05))


def _axes(
    words: Wording, xs: tuple[float, float], ys: tuple[float, float], x: Scale, y: Scale
) -> list[Markup]:
    parts = []
    span = xs[1] - xs[0]
    step = next((s for s in (1, 2, 5, 10, 20, 25, 50, 100) if span / s <= 8), 100)
    start = int(np.ceil(xs[0] / step) * step)
    for year in range(start, int(xs[1]) + 1, step):
        parts.append(element("line", x1=x(year), x2=x(year), y1=y(ys[0]), y2=y(ys[0]) + 5, class_="tick"))
        parts.append(
            element("text", str(year), x=x(year), y=y(ys[0]) + 21, class_="axis", text_anchor="middle")
        )
    step_y = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (ys[1] - ys[0]) / s <= 7), 0.2)
    k = int(np.ceil(ys[0] / step_y - 1e-9))
    while k * step_y <= ys[1] + 1e-9:
        value = k * step_y
        parts.append(element("line", x1=x(xs[0]), x2=x(xs[1]), y1=y(value), y2=y(value), class_="tick"))
        parts.append(
            element(
                "text",
                words.number(value, 2),
                x=x(xs[0]) - 10,
                y=y(value) + 4,
                class_="axis",
                text_anchor="end",
            )
        )
        k += 1
    return parts


def _points(years: NDArray[np.int64], values: Floats, x: Scale, y: Scale) -> list[tuple[float, float]]:
    return [(x(t), y(v)) for t, v in zip(years, values, strict=True) if np.isfinite(v)]


def _band(years: NDArray[np.int64], line: TimeLine, x: Scale, y: Scale) -> str:
    upper = _points(years, line.upper, x, y)
    lower = _points(years, line.lower, x, y)
    return path([*upper, *reversed(lower)], closed=True) if len(upper) > 1 else ""


def _names(years: NDArray[np.int64], lines: Sequence[TimeLine], x: Scale, y: Scale) -> list[Markup]:
    """A name beside the end of each line, with a piece of the line, moved apart where ends are near."""
    ends = []
    for line, (colour, dash) in zip(lines, _STYLES, strict=False):
        points = _points(years, line.middle, x, y)
        if points:
            ends.append((points[-1][1], line.name, colour, dash))
    ends.sort(key=lambda end: end[0])
    at, left = -np.inf, x(float(years[-1])) + 8
    parts = []
    for height, name, colour, dash in ends:
        at = max(at + 21.0, height)
        parts.append(
            element(
                "line",
                x1=left,
                x2=left + 24,
                y1=at,
                y2=at,
                stroke=colour,
                stroke_dasharray=dash,
                class_="line",
            )
        )
        parts.append(element("text", name, x=left + 30, y=at + 5, fill=colour, class_="direct"))
    return parts
