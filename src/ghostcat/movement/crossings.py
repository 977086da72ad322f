"""Where and how often an animal crosses roads, rivers, borders and fences.

Between two fixes the animal did not walk a straight line. Paths are drawn from the fitted movement model;
each crosses a line where it crosses it. Averages over draws give crossings per line with the doubt of the
path, and the place of each crossing with a radius that holds it in 90 of 100 cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.movement.fit import MotionFit
from ghostcat.movement.paths import draw_paths
from ghostcat.movement.results import Estimate
from ghostcat.movement.track import Track

if TYPE_CHECKING:
    from shapely import Geometry, STRtree

__all__ = ["Crossing", "Crossings", "LineRate", "find_crossings", "straight_crossings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DAY_S = 86_400.0
# Points of a drawn path between two fixes.
_POINTS = 24
_DRAWS_AT_ONCE = 20
_LONGEST_GAP = 12.0  # times the median interval: beyond it a gap is not bridged but left out, and said so


@dataclass(frozen=True, kw_only=True, eq=False)
class Crossing:
    """One interval between fixes in which a line was probably crossed."""

    line: int
    """Index of the line."""
    after_fix: int
    """Index of the fix before."""
    probability: float
    """Share of drawn paths that cross this line at least once in the interval."""
    xy_m: tuple[float, float]
    """The crossing point nearest, on average, to all drawn ones."""
    radius_m: float
    """Holds the crossing point in 90 % of draws that cross."""
    time_s: float
    """Median time of the drawn crossings."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LineRate:
    """How often one line, or a class of lines, was crossed."""

    name: str
    crossings: Estimate
    """In the time that was bridged."""
    per_day: Estimate
    """With the doubt of the path and of a Poisson count."""
    by_hour: tuple[float, ...]
    """(24,) mean crossings by hour of day, UTC plus the offset given."""
    by_month: tuple[float, ...]
    """(12,)."""
    length_km: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Crossings:
    """All crossings of a track."""

    crossings: tuple[Crossing, ...]
    rates: tuple[LineRate, ...]
    total: Estimate
    straight: int
    """Steps between consecutive fixes whose straight line touches any line: what is usually counted."""
    days_bridged: float
    gaps_left_out: int
    draws: int


def straight_crossings(track: Track, lines: Sequence[Geometry]) -> NDArray[np.bool_]:
    """(n − 1,) whether the straight step between two fixes touches any line."""
    import shapely

    steps = shapely.linestrings(np.stack([track.xy_m[:-1], track.xy_m[1:]], axis=1))
    tree = shapely.STRtree(list(lines))
    touched = np.zeros(len(steps), dtype=bool)
    touched[tree.query(steps, predicate="intersects")[0]] = True
    return touched


def find_crossings(
    track: Track,
    fit: MotionFit,
    lines: Sequence[Geometry],
    *,
    names: Sequence[str],
    rng: np.random.Generator,
    draws: int = 200,
    utc_offset_hours: float = 0.0,
    least_probability: float = 0.5,
) -> Crossings:
    """Crossings of lines by drawn paths.

    Parameters
    ----------
    track : fixes; fit : its movement model, OU or OUF (`EstimateRefused` for IID).
    lines : (m,) line geometries in the projection of the track. names : (m,) class or name of each; rates are
        given for each distinct one.
    draws : paths. least_probability : an interval is listed as a crossing from here on; rates use all.
    utc_offset_hours : for hours of the day.

    Raises
    ------
    EstimateRefused : `no_continuity`.
    """
    import shapely

    net = _Net(np.asarray(lines, dtype=object), shapely.STRtree(list(lines)))
    gaps = np.diff(track.time_s)
    bridged = gaps <= _LONGEST_GAP * np.median(gaps)
    near = np.flatnonzero(_near(track, fit, net, gaps) & bridged)
    events = _draw_events(track, fit, net, near, draws, rng)
    days = float(gaps[bridged].sum()) / _DAY_S
    clock = _Clock(days=days, utc_offset_hours=utc_offset_hours)
    labels = np.asarray(names, dtype=object)
    return Crossings(
        crossings=_list(events, draws, least_probability),
        rates=tuple(_rate(events, net, labels, name, clock, draws, rng) for name in sorted(set(names))),
        total=_counted(events, np.ones(len(events.line), dtype=bool), draws),
        straight=int(straight_crossings(track, lines).sum()),
        days_bridged=days,
        gaps_left_out=int((~bridged).sum()),
        draws=draws,
    )


@dataclass(frozen=True, eq=False)
class _Net:
    lines: NDArray[np.object_]
    tree: STRtree


@dataclass(frozen=True, kw_only=True)
class _Clock:
    days: float
    utc_offset_hours: float


@dataclass(frozen=True, eq=False)
class _Events:
    """Every crossing of every draw."""

    line: Ints
    draw: Ints
    interval: Ints
    xy_m: Floats
    time_s: Floats

    def select(self, kept: NDArray[np.bool_] | Ints) -> _Events:
        return _Events(
            self.line[kept], self.draw[kept], self.interval[kept], self.xy_m[kept], self.time_s[kept]
        )


def _near(track: Track, fit: MotionFit, net: _Net, gaps: Floats) -> NDArray[np.bool_]:
    """Intervals whose path could reach a line: within five standard deviations of a bridge."""
    import shapely

    from ghostcat.movement.motion import autocorrelation

    middle = autocorrelation(fit.motion, gaps / 2.0)
    whole = autocorrelation(fit.motion, gaps)
    # Variance halfway between two known places, per unit variance of the process.
    bridge = np.maximum(1.0 - 2.0 * middle**2 / (1.0 + whole), 0.0)
    reach = 5.0 * np.sqrt(bridge * float(np.linalg.eigvalsh(fit.covariance_m2)[1])) + 1.0
    if track.error_m is not None:
        reach += 5.0 * np.maximum(track.error_m[:-1], track.error_m[1:])
    steps = shapely.linestrings(np.stack([track.xy_m[:-1], track.xy_m[1:]], axis=1))
    pairs, away = net.tree.query_nearest(steps, return_distance=True, all_matches=False)
    distance = np.full(len(steps), math.inf)
    distance[pairs[0]] = away
    return np.asarray(distance <= reach)


def _draw_events(
    track: Track, fit: MotionFit, net: _Net, intervals: Ints, draws: int, rng: np.random.Generator
) -> _Events:
    """Draw paths through these intervals and cut them with the lines."""
    none = np.empty(0, dtype=np.int64)
    found = [_Events(none, none, none, np.empty((0, 2)), np.empty(0))]
    share = np.arange(_POINTS + 1) / _POINTS
    times = track.time_s[intervals, None] + np.diff(track.time_s)[intervals, None] * share
    flat = np.unique(times)
    place = np.searchsorted(flat, times)
    for first in range(0, draws if len(intervals) else 0, _DRAWS_AT_ONCE):
        size = min(_DRAWS_AT_ONCE, draws - first)
        paths = draw_paths(track, fit, flat, draws=size, rng=rng)
        found += [_cut(paths.xy_m[d][place], times, intervals, net, first + d) for d in range(size)]
    fields = ("line", "draw", "interval", "xy_m", "time_s")
    events = _Events(*(np.concatenate([getattr(part, name) for part in found]) for name in fields))
    if fit.motion.kind != "OU":
        return events
    # A path without velocity touches a line again and again: only whether it crossed is meaningful.
    keys = np.column_stack([events.draw, events.interval, events.line])
    return events.select(np.unique(keys, axis=0, return_index=True)[1])


def _cut(xy: Floats, times: Floats, intervals: Ints, net: _Net, draw: int) -> _Events:
    """Crossings of one drawn path, (intervals, points, 2), with all lines."""
    import shapely

    pieces = shapely.linestrings(np.stack([xy[:, :-1], xy[:, 1:]], axis=2).reshape(-1, 2, 2))
    piece, line = net.tree.query(pieces, predicate="intersects")
    cuts = shapely.intersection(pieces[piece], net.lines[line])
    parts, owner = shapely.get_parts(cuts, return_index=True)
    points = shapely.get_coordinates(shapely.centroid(parts))
    piece, line = piece[owner], line[owner]
    row, step = np.divmod(piece, xy.shape[1] - 1)
    begin, end = xy[row, step], xy[row, step + 1]
    along = np.linalg.norm(points - begin, axis=1) / np.maximum(np.linalg.norm(end - begin, axis=1), 1e-9)
    time = times[row, step] + along * (times[row, step + 1] - times[row, step])
    return _Events(line, np.full(len(line), draw), intervals[row], points, time)


def _list(events: _Events, draws: int, least: float) -> tuple[Crossing, ...]:
    """Intervals and lines that were crossed in at least this share of the draws."""
    keys, inverse = np.unique(np.column_stack([events.interval, events.line]), axis=0, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1) if len(order) else []
    listed = []
    for (interval, line), group in zip(keys, groups, strict=True):
        probability = len(np.unique(events.draw[group])) / draws
        if probability < least:
            continue
        centre, radius = _centre(events.xy_m[group])
        listed.append(
            Crossing(
                line=int(line),
                after_fix=int(interval),
                probability=probability,
                xy_m=centre,
                radius_m=radius,
                time_s=float(np.median(events.time_s[group])),
            )
        )
    return tuple(listed)


def _centre(points: Floats) -> tuple[tuple[float, float], float]:
    """The drawn point with the smallest mean distance to the others, and the radius that holds 90 %."""
    sample = points[:: max(1, len(points) // 300)]
    distance = np.linalg.norm(sample[:, None] - sample[None], axis=2)
    best = int(np.argmin(distance.mean(axis=1)))
    x, y = sample[best]
    return (float(x), float(y)), float(np.quantile(np.linalg.norm(points - sample[best], axis=1), 0.9))


def _counted(events: _Events, kept: NDArray[np.bool_], draws: int) -> Estimate:
    """Crossings in the time that was watched: mean and 95 % of the draws."""
    counts = np.bincount(events.draw[kept], minlength=draws)
    low, high = np.quantile(counts, [0.025, 0.975])
    return Estimate(estimate=float(counts.mean()), lower=float(low), upper=float(high))


def _rate(
    events: _Events,
    net: _Net,
    labels: NDArray[np.object_],
    name: str,
    clock: _Clock,
    draws: int,
    rng: np.random.Generator,
) -> LineRate:
    kept = labels[events.line] == name
    counts = np.bincount(events.draw[kept], minlength=draws)
    # Jeffreys' posterior of a Poisson rate, mixed over the draws.
    rates = rng.gamma(np.repeat(counts, 50) + 0.5) / clock.days
    low, high = np.quantile(rates, [0.025, 0.975])
    moment = (events.time_s[kept] + 3600.0 * clock.utc_offset_hours).astype("datetime64[s]")
    hour = (moment.astype("datetime64[h]").astype(np.int64) % 24).astype(int)
    month = (moment.astype("datetime64[M]").astype(np.int64) % 12).astype(int)
    return LineRate(
        name=name,
        crossings=_counted(events, kept, draws),
        per_day=Estimate(estimate=float(counts.mean()) / clock.days, lower=float(low), upper=float(high)),
        by_hour=tuple((np.bincount(hour, minlength=24) / draws).tolist()),
        by_month=tuple((np.bincount(month, minlength=12) / draws).tolist()),
        length_km=float(sum(line.length for line in net.lines[labels == name])) / 1000.0,
    )
