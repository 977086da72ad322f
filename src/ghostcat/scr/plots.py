"""Figures of this room. Each asks its question in the title and has units on its axes.

matplotlib is loaded when a figure is drawn, without its global state: every figure is an object of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.mask import Mask
from ghostcat.scr.study import ExpectedSurvey

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ghostcat.scr.fitting import ModelFit

__all__ = ["plot_density", "plot_plan", "plot_profile"]

Floats = NDArray[np.float64]

# Okabe & Ito: told apart by colour-blind readers.
_BLUE, _ORANGE, _BLACK = "#0072B2", "#D55E00", "#000000"


def plot_plan(
    traps_xy_m: Floats, expected: ExpectedSurvey, *, unused_xy_m: Floats | None = None, title: str = ""
) -> Figure:
    """Map of a plan: the chance that an animal living somewhere is detected, and the work of each station.

    Parameters
    ----------
    traps_xy_m : (K, 2) stations of the plan, in the order of `expected.per_station`.
    expected : from `expected_survey`.
    unused_xy_m : sites that were considered and not chosen.
    title : the question; a sensible one by default.
    """
    figure, axes = _empty(title or "Where would an animal be detected?")
    surface = _cells(axes, expected.mask, expected.detection_probability)
    figure.colorbar(surface, ax=axes, label="chance of being detected at least once")
    if unused_xy_m is not None and len(unused_xy_m):
        x, y = unused_xy_m.T / 1000.0
        axes.scatter(x, y, s=4, color="0.6", marker=".", label="site not chosen")
    work = expected.per_station
    size = 12.0 + 60.0 * work / max(float(work.max(initial=0.0)), 1e-12)
    x, y = traps_xy_m.T / 1000.0
    axes.scatter(
        x,
        y,
        s=size,
        facecolors="white",
        edgecolors=_BLACK,
        linewidths=0.8,
        label=f"station (size: expected detections, up to {work.max(initial=0.0):.2g})",
    )
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.12), fontsize=7, frameon=False)
    margin = 100.0 * expected.relative_standard_error
    _caption(
        figure,
        f"{expected.stations} stations, {expected.station_days:.0f} station-days; expected "
        f"{expected.animals:.1f} animals, {expected.recaptures:.1f} recaptures; "
        f"RSE of density about {margin:.0f} %",
    )
    _scale_bar(axes)
    return figure


def plot_density(fit: ModelFit, *, session: int = 0, title: str = "") -> Figure:
    """Map of where the animals of a survey live: those seen by their posterior, and those expected unseen.

    Parameters
    ----------
    fit : of a full likelihood.
    session : which one.
    title : the question; a sensible one by default.
    """
    from ghostcat.scr.surfaces import density_map, region_abundance

    data = fit.model.sessions[session]
    figure, axes = _empty(title or "Where do the animals live?")
    surface = _cells(axes, data.mask, density_map(fit, session=session).realised)
    figure.colorbar(surface, ax=axes, label="activity centres per 100 km²")
    for array, marker in zip(data.arrays, "o^sDv" * len(data.arrays), strict=False):
        x, y = array.xy_m.T / 1000.0
        axes.scatter(
            x, y, s=12, marker=marker, facecolors="white", edgecolors=_BLACK, linewidths=0.7, label=array.name
        )
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.12), fontsize=7, frameon=False)
    number = region_abundance(fit, session=session).realised
    _caption(
        figure,
        f"{int(data.detected.sum())} animals detected; {number.estimate:.1f} lived on the mask, "
        f"95 % interval {number.lower:.0f}–{number.upper:.0f}",
    )
    _scale_bar(axes)
    return figure


def plot_profile(
    values: Sequence[float],
    log_likelihood: Sequence[float],
    *,
    name: str,
    unit: str = "",
    estimate: float,
    limits: tuple[float, float],
) -> Figure:
    """Profile of the log-likelihood of one parameter, with the 95 % interval that it gives.

    Parameters
    ----------
    values, log_likelihood : points of the profile.
    name, unit : of the parameter.
    estimate, limits : maximum and 95 % limits; infinite limits are not drawn.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.6), layout="constrained")
    axes = figure.subplots()
    top = max(log_likelihood)
    axes.plot(values, np.asarray(log_likelihood) - top, color=_BLUE, marker="o", markersize=3)
    axes.axhline(-1.9207, color="0.5", linestyle=":", linewidth=1)
    axes.axvline(estimate, color=_BLACK, linewidth=1)
    for limit in limits:
        if np.isfinite(limit):
            axes.axvline(limit, color=_ORANGE, linestyle="--", linewidth=1)
    axes.set_title(f"Which values of {name} do the data allow?", fontsize=10)
    axes.set_xlabel(f"{name}{f', {unit}' if unit else ''}")
    axes.set_ylabel("log-likelihood below the maximum")
    low, high = limits
    _caption(figure, f"estimate {estimate:.4g}, 95 % profile interval {low:.4g} to {high:.4g}")
    return figure


def _empty(title: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 5.4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=11)
    axes.set_aspect("equal")
    axes.set_xlabel("easting, km")
    axes.set_ylabel("northing, km")
    return figure, axes


def _cells(axes: Axes, mask: Mask, values: Floats) -> Any:
    """Squares of the mask, coloured on a scale that is monotone in lightness."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    corners = (mask.xy_m - mask.cell_m / 2.0) / 1000.0
    width = mask.cell_m / 1000.0
    squares = PatchCollection([Rectangle((x, y), width, width) for x, y in corners], cmap="viridis")
    squares.set_array(values)
    squares.set_edgecolor("face")
    squares.set_linewidth(0.1)
    squares.set_clim(0.0, max(float(values.max(initial=0.0)), 1e-12))
    axes.add_collection(squares)
    axes.autoscale_view()
    return squares


def _scale_bar(axes: Axes) -> None:
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    wanted = (right - left) / 5.0
    length = 10.0 ** np.floor(np.log10(wanted))
    length *= max(s for s in (1, 2, 5) if s * length <= wanted)
    x, y = left + 0.04 * (right - left), bottom + 0.04 * (top - bottom)
    axes.plot([x, x + length], [y, y], color=_BLACK, linewidth=2)
    axes.text(
        x + length / 2.0, y, f"{length:g} km", ha="center", va="bottom", fontsize=8, backgroundcolor="white"
    )
    axes.annotate(
        "N ↑",
        (right, top),
        xytext=(-12, -26),
        textcoords="offset points",
        ha="center",
        fontsize=8,
        backgroundcolor="white",
    )


def _caption(figure: Figure, text: str) -> None:
    figure.supxlabel(text, fontsize=7)
