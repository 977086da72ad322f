"""How far from the centre of its life is an animal still photographed?"""

from __future__ import annotations

import math
from collections.abc import Callable

from markupsafe import Markup

from ghostcat.language import Wording
from ghostcat.portrait.portrait import Interval
from ghostcat.report.figures.svg import axis_ticks, element, path

__all__ = ["detection_curve"]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 620.0, 330.0, 62.0, 24.0, 26.0, 54.0
_PER_STATION_DAYS = 100.0

Scale = Callable[[float], float]


def detection_curve(
    lambda0: Interval, sigma_m: Interval, words: Wording, *, x_title: str, y_title: str, label: str
) -> Markup:
    """λ(d) = λ0 exp(−d²/2σ²) in detections per 100 station-days, with the intervals of λ0 and σ drawn.

    The two intervals are drawn where their parameters act, not as a band: their joint
    uncertainty is not known from the two alone.
    """
    reach_km = 3.4 * sigma_m.estimate / 1000
    reach_km = max(reach_km, 1.15 * sigma_m.upper / 1000) or 1.0
    top = _PER_STATION_DAYS * max(lambda0.upper, lambda0.estimate) * 1.06 or 1.0

    def x(km: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * km / reach_km

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / top)

    def rate(km: float) -> float:
        return _PER_STATION_DAYS * lambda0.estimate * math.exp(-0.5 * (1000 * km / sigma_m.estimate) ** 2)

    curve = [(x(reach_km * i / 120), y(rate(reach_km * i / 120))) for i in range(121)]
    at_sigma = (x(sigma_m.estimate / 1000), y(rate(sigma_m.estimate / 1000)))
    return element(
        "svg",
        *_grid(words, axis_ticks(reach_km, about=7), axis_ticks(top), x, y, reach_km),
        element("path", d=path([*curve, (x(reach_km), y(0)), (x(0), y(0))], closed=True), class_="area"),
        element("path", d=path(curve), class_="curve"),
        element(
            "line",
            x1=x(0),
            x2=x(0),
            y1=y(_PER_STATION_DAYS * lambda0.lower),
            y2=y(_PER_STATION_DAYS * lambda0.upper),
            class_="whisker",
        ),
        element("circle", cx=x(0), cy=y(_PER_STATION_DAYS * lambda0.estimate), r=5.5, class_="point"),
        element("text", "λ0", x=x(0) + 12, y=y(_PER_STATION_DAYS * lambda0.upper) + 12, class_="direct"),
        element(
            "line",
            x1=x(sigma_m.lower / 1000),
            x2=x(sigma_m.upper / 1000),
            y1=at_sigma[1],
            y2=at_sigma[1],
            class_="whisker",
        ),
        element("circle", cx=at_sigma[0], cy=at_sigma[1], r=5.5, class_="point"),
        element("text", "σ", x=x(sigma_m.upper / 1000) + 8, y=at_sigma[1] + 5, class_="direct"),
        element(
            "text",
            x_title,
            x=(_LEFT + _WIDTH - _RIGHT) / 2,
            y=_HEIGHT - 10,
            class_="title",
            text_anchor="middle",
        ),
        element("text", y_title, x=_LEFT - 44, y=_TOP - 10, class_="title"),
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        class_="detection",
        role="img",
        aria_label=label,
    )


def _grid(
    words: Wording, xs: list[float], ys: list[float], x: Scale, y: Scale, reach_km: float
) -> list[Markup]:
    lines = []
    for value in xs:
        lines.append(
            element(
                "text",
                words.number(value, _decimals(xs)),
                x=x(value),
                y=y(0) + 20,
                class_="axis",
                text_anchor="middle",
            )
        )
    for value in ys:
        lines.append(element("line", x1=x(0), x2=x(reach_km), y1=y(value), y2=y(value), class_="tick"))
        lines.append(
            element(
                "text",
                words.number(value, _decimals(ys)),
                x=x(0) - 12,
                y=y(value) + 4,
                class_="axis",
                text_anchor="end",
            )
        )
    return lines


def _decimals(ticks: list[float]) -> int:
    step = ticks[1] if len(ticks) > 1 else 1.0
    return next((d for d in range(6) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 6)
