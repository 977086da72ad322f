"""From fixes as they came to a track that can be analysed, with every fix that was left out and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.movement.track import Track

__all__ = ["CleanTrack", "RawFixes", "RemovedFix", "clean_fixes", "local_projection"]

Floats = NDArray[np.float64]
Reason = Literal[
    "no_time", "no_place", "marked_by_source", "null_island", "before_gps", "in_future", "poor_dop",
    "duplicate_time", "impossible_speed",
]  # fmt: skip

_FIRST_GPS_S = 315_964_800.0  # 1980-01-06, when GPS time begins: clocks that were never set say this or less
WORDS: Mapping[Reason, str] = {
    "no_time": "no time",
    "no_place": "no coordinates",
    "marked_by_source": "marked as an outlier by its source",
    "null_island": "at 0° N 0° E, which a receiver writes when it found no satellites",
    "before_gps": "the clock was not set",
    "in_future": "later than now",
    "poor_dop": "dilution of precision too high",
    "duplicate_time": "another fix has this time",
    "impossible_speed": "the animal would have had to be too fast to get there and away",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class RawFixes:
    """Fixes of one animal as a file holds them; NaN where there is nothing."""

    name: str
    time_s: Floats
    """(n,) seconds since 1970-01-01 UTC."""
    lon: Floats | None = None
    lat: Floats | None = None
    xy_m: Floats | None = None
    """(n, 2) in the projection `crs`; goes before degrees where both are there."""
    crs: str = ""
    dop: Floats | None = None
    error_m: Floats | None = None
    marked: NDArray[np.bool_] | None = None
    """Fixes that the source itself calls outliers."""
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(n,) row of the file."""


@dataclass(frozen=True, kw_only=True)
class RemovedFix:
    """A fix that is not in the track."""

    row: int
    code: Reason
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class CleanTrack:
    """The track, what was left out, and the rows it was made from."""

    track: Track
    removed: tuple[RemovedFix, ...]
    rows: NDArray[np.int64]
    lon: Floats | None
    lat: Floats | None


def local_projection(lon: Floats, lat: Floats) -> str:
    """Azimuthal equidistant projection around the fixes; also across the date line.

    >>> local_projection(np.array([179.5, -179.5]), np.array([65.0, 65.0]))
    '+proj=aeqd +lat_0=65 +lon_0=180 +datum=WGS84 +units=m'
    """
    angle = np.radians(lon)
    middle = math.degrees(math.atan2(float(np.sin(angle).mean()), float(np.cos(angle).mean())))
    return f"+proj=aeqd +lat_0={np.mean(lat):.6g} +lon_0={middle:.6g} +datum=WGS84 +units=m"


def clean_fixes(
    raw: RawFixes,
    *,
    max_speed_m_s: float = 10.0,
    max_dop: float = 10.0,
    range_error_m: float | None = None,
    now_s: float | None = None,
) -> CleanTrack:
    """Sort fixes, leave out what cannot be right, and project degrees to metres.

    Parameters
    ----------
    max_speed_m_s : a fix is left out if both the way to it and the way from it would be faster.
    max_dop : largest dilution of precision.
    range_error_m : user-equivalent range error; location error is this times DOP. None: only errors that the
        file itself states are used, and otherwise fixes count as exact.
    now_s : fixes later than this are left out.

    Raises
    ------
    ParameterError : neither coordinates in metres nor in degrees; no fix is left.
    """
    n = len(raw.time_s)
    code = np.full(n, "", dtype=object)

    def leave(where: NDArray[np.bool_], why: Reason) -> None:
        code[where & (code == "")] = why

    leave(np.isnan(raw.time_s), "no_time")
    xy, crs = _project(raw)
    leave(np.isnan(xy.sum(axis=1)), "no_place")
    if raw.marked is not None:
        leave(raw.marked, "marked_by_source")
    if raw.lon is not None and raw.lat is not None:
        leave(np.asarray((raw.lon == 0) & (raw.lat == 0)), "null_island")
    if np.nanmax(raw.time_s, initial=-math.inf) > _FIRST_GPS_S:  # otherwise seconds count from elsewhere
        leave(raw.time_s <= _FIRST_GPS_S, "before_gps")
    if now_s is not None:
        leave(raw.time_s > now_s, "in_future")
    if raw.dop is not None:
        leave(raw.dop > max_dop, "poor_dop")
    _leave_duplicates(raw, code)
    _leave_spikes(raw.time_s, xy, code, max_speed_m_s)
    kept = np.flatnonzero(code == "")
    kept = kept[np.argsort(raw.time_s[kept], kind="stable")]
    if not len(kept):
        reasons = ", ".join(sorted({WORDS[c] for c in code})) or "the file is empty"
        raise ParameterError(
            f"no fix of {raw.name or 'the track'} is left: {reasons}", fix="Look at the file."
        )
    return CleanTrack(
        track=Track(
            time_s=raw.time_s[kept],
            xy_m=xy[kept],
            error_m=_errors(raw, kept, range_error_m),
            name=raw.name,
            crs=crs,
        ),
        removed=tuple(
            RemovedFix(row=int(raw.rows[i]), code=code[i], reason=WORDS[code[i]])
            for i in np.flatnonzero(code != "")
        ),
        rows=raw.rows[kept],
        lon=None if raw.lon is None else raw.lon[kept],
        lat=None if raw.lat is None else raw.lat[kept],
    )


def _project(raw: RawFixes) -> tuple[Floats, str]:
    if raw.xy_m is not None:
        return raw.xy_m, raw.crs
    if raw.lon is None or raw.lat is None:
        raise ParameterError(
            "the fixes have no coordinates", where=raw.name, fix="Give x and y, or longitude and latitude."
        )
    from pyproj import Transformer

    there = np.isfinite(raw.lon) & np.isfinite(raw.lat) & ((raw.lon != 0) | (raw.lat != 0))
    xy = np.full((len(raw.lon), 2), math.nan)
    if not there.any():
        return xy, ""
    crs = raw.crs or local_projection(raw.lon[there], raw.lat[there])
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(raw.lon[there], raw.lat[there])
    xy[there] = np.column_stack([x, y])
    at_zero = (raw.lon == 0) & (raw.lat == 0)
    xy[at_zero] = 0.0  # named for what it is, not for missing coordinates
    return xy, crs


def _errors(raw: RawFixes, kept: NDArray[np.int64], range_error_m: float | None) -> Floats | None:
    if raw.error_m is not None and np.isfinite(raw.error_m[kept]).all():
        return raw.error_m[kept]
    if range_error_m is not None:
        dop = np.ones(len(kept)) if raw.dop is None else np.nan_to_num(raw.dop[kept], nan=1.0)
        return np.asarray(range_error_m * dop)
    return None


def _leave_duplicates(raw: RawFixes, code: NDArray[np.object_]) -> None:
    """Of fixes with one time, the one with the best precision stays, or the first."""
    open_rows = np.flatnonzero(code == "")
    quality = np.zeros(len(code)) if raw.dop is None else np.nan_to_num(raw.dop, nan=math.inf)
    order = open_rows[np.lexsort((open_rows, quality[open_rows], raw.time_s[open_rows]))]
    again = np.flatnonzero(np.diff(raw.time_s[order]) == 0) + 1
    code[order[again]] = "duplicate_time"


def _leave_spikes(time_s: Floats, xy: Floats, code: NDArray[np.object_], max_speed: float) -> None:
    """Fixes that are too far away from both neighbours in time, worst first, until none is left."""
    kept = np.flatnonzero(code == "")
    kept = kept[np.argsort(time_s[kept], kind="stable")]
    while len(kept) > 2:
        step = np.linalg.norm(np.diff(xy[kept], axis=0), axis=1) / np.diff(time_s[kept])
        # Both ways too fast; at an end, the only way, if the next fix is at peace with the one after it.
        both = np.concatenate([[min(step[0], math.inf) if step[1] <= max_speed else 0.0],
                               np.minimum(step[:-1], step[1:]),
                               [step[-1] if step[-2] <= max_speed else 0.0]])  # fmt: skip
        fast = both > max_speed
        if not fast.any():
            return
        # Of neighbours that accuse each other only the worst goes in one round.
        worst = (
            fast & (both >= np.concatenate([[0.0], both[:-1]])) & (both >= np.concatenate([both[1:], [0.0]]))
        )
        code[kept[worst]] = "impossible_speed"
        kept = kept[~worst]
