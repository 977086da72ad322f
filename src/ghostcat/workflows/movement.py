"""Collared animals: from a file of fixes to models, ranges and crossings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import InputError
from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from shapely import Geometry

    from ghostcat.movement import Crossings, KernelRange, MotionFit, RemovedFix, Selection, Track
    from ghostcat.movement.motion import Kind

__all__ = ["FittedTrack", "LoadedTracks", "TrackLikelihoods", "fit_tracks", "load_tracks", "to_degrees",
           "track_crossings", "track_log_likelihood"]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LoadedTracks:
    """Clean tracks of one file, and everything that was left out of them."""

    tracks: tuple[Track, ...]
    removed: dict[str, tuple[RemovedFix, ...]]
    """By animal."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedTrack:
    """Models of one animal's movement, best first, and its range."""

    track: Track
    selection: Selection
    akde: KernelRange | None
    """None where the track is too short for a range: `refusal` says so."""
    refusal: str


@dataclass(frozen=True, kw_only=True)
class TrackLikelihoods:
    """Log-likelihood of a track at fixed time constants."""

    animal: str
    fixes: int
    log_likelihood: float
    """At the covariance given; that of the sample by default."""
    profiled: float
    """With the covariance at its best."""
    mean_xy_m: tuple[float, float]
    covariance_m2: tuple[tuple[float, float], ...]
    best_covariance_m2: tuple[tuple[float, float], ...]


def load_tracks(
    path: str | Path,
    *,
    animal: str | None = None,
    crs: str = "",
    max_speed_m_s: float = 10.0,
    max_dop: float = 10.0,
    range_error_m: float | None = None,
) -> LoadedTracks:
    """Read and clean fixes.

    Parameters
    ----------
    path : Movebank, EarthRanger, Vectronic, Lotek or plain table, or GPX.
    animal : only this one. crs : projection of x and y, or to bring degrees into.
    max_speed_m_s, max_dop, range_error_m : see `movement.clean_fixes`.

    Raises
    ------
    FormatError : the file holds no fixes. InputError : there is no such animal.
    """
    import time

    from ghostcat.formats.tracks_reader import read_tracks
    from ghostcat.movement import clean_fixes

    read = read_tracks(path, crs=crs)
    chosen = [raw for raw in read.tracks if animal in (None, raw.name)]
    if not chosen:
        known = ", ".join(raw.name for raw in read.tracks)
        raise InputError(f"no animal is called {animal!r}", where=str(path), fix=f"The file holds: {known}.")
    clean = [
        clean_fixes(
            raw, max_speed_m_s=max_speed_m_s, max_dop=max_dop, range_error_m=range_error_m, now_s=time.time()
        )
        for raw in chosen
    ]
    return LoadedTracks(
        tracks=tuple(one.track for one in clean),
        removed={one.track.name: one.removed for one in clean},
        findings=read.findings,
    )


def track_log_likelihood(
    track: Track,
    *,
    model: Kind,
    isotropic: bool = False,
    tau_position_s: float | None = None,
    tau_velocity_s: float | None = None,
    covariance_m2: Sequence[Sequence[float]] | None = None,
) -> TrackLikelihoods:
    """Log-likelihood at fixed time constants, and at a fixed or the best covariance."""
    from ghostcat.movement import Motion, track_likelihood

    motion = Motion(kind=model, tau_position_s=tau_position_s, tau_velocity_s=tau_velocity_s)
    sample = np.cov(track.xy_m.T) if covariance_m2 is None else np.asarray(covariance_m2, dtype=np.float64)
    if isotropic:
        sample = np.eye(2) * 0.5 * np.trace(sample)
    at = track_likelihood(motion, track.time_s, track.xy_m, sample, isotropic=isotropic)
    best = track_likelihood(motion, track.time_s, track.xy_m, isotropic=isotropic)
    return TrackLikelihoods(
        animal=track.name,
        fixes=len(track),
        log_likelihood=at.value,
        profiled=best.value,
        mean_xy_m=(float(best.mean_xy_m[0]), float(best.mean_xy_m[1])),
        covariance_m2=tuple(map(tuple, sample.tolist())),
        best_covariance_m2=tuple(map(tuple, best.best_covariance_m2.tolist())),
    )


def fit_tracks(
    tracks: Sequence[Track], *, method: str = "pHREML", weighted: bool = False
) -> list[FittedTrack]:
    """Choose a movement model for each track and estimate its range."""
    from ghostcat.errors import EstimateRefused
    from ghostcat.movement import akde, select_motion

    fitted = []
    for track in tracks:
        selection = select_motion(track, method=method)
        refusal = ""
        kernel = None
        try:
            kernel = akde(track, selection.best, weighted=weighted)
        except EstimateRefused as refused:
            refusal = str(refused)
        fitted.append(FittedTrack(track=track, selection=selection, akde=kernel, refusal=refusal))
    return fitted


def track_crossings(
    track: Track,
    lines: str | Path,
    *,
    fit: MotionFit | None = None,
    lines_crs: str | None = None,
    name_column: str | None = None,
    draws: int = 200,
    seed: int = 1,
    utc_offset_hours: float = 0.0,
) -> tuple[Crossings, Track]:
    """Crossings of the lines of a map layer.

    Parameters
    ----------
    lines : GeoJSON, GeoPackage or shapefile. lines_crs : where the layer does not say it, or says it wrongly.
    name_column : column whose values tell classes of lines apart; all lines are one class by default.

    Returns
    -------
    The crossings, and the track with the projection that was used: a track in metres of a projection that
    its file does not name is taken to share that of the lines if the two overlap.

    Raises
    ------
    EstimateRefused : the fixes are too far apart in time. InputError : no lines, or an unknown projection.
    """
    from ghostcat.movement import find_crossings, select_motion

    shapes, names, crs = _read_lines(Path(lines), track, lines_crs, name_column)
    track = replace(track, crs=crs)
    model = fit or select_motion(track, kinds=("OU", "OUF")).best
    rng = np.random.default_rng(seed)
    found = find_crossings(
        track, model, shapes, names=names, rng=rng, draws=draws, utc_offset_hours=utc_offset_hours
    )
    return found, track


def to_degrees(
    track: Track, places: Sequence[tuple[float, float]]
) -> list[tuple[float | None, float | None]]:
    """Longitude and latitude of places in a track's projection; None where the projection is not known."""
    if not track.crs or not places:
        return [(None, None)] * len(places)
    from pyproj import Transformer

    x, y = zip(*places, strict=True)
    lon, lat = Transformer.from_crs(track.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return list(zip(map(float, lon), map(float, lat), strict=True))


def _read_lines(
    path: Path, track: Track, lines_crs: str | None, name_column: str | None
) -> tuple[list[Geometry], list[str], str]:
    crs = track.crs
    import geopandas

    try:
        layer = geopandas.read_file(path)
    except Exception as error:  # pyogrio raises its own many kinds
        raise InputError(
            f"not a map layer that can be read ({error})",
            where=str(path),
            fix="Give a GeoJSON, GeoPackage or shapefile.",
        ) from error
    if lines_crs:
        layer = layer.set_crs(lines_crs, allow_override=True)
    elif layer.crs is None or (layer.crs.is_geographic and np.abs(layer.total_bounds).max() > 360):
        # GeoJSON is read as degrees whatever it holds; metres can only be those of the track.
        layer = geopandas.GeoDataFrame(layer.drop(columns="geometry"), geometry=list(layer.geometry))
        layer = layer.set_crs(crs) if crs else layer
    if crs and layer.crs is not None:
        layer = layer.to_crs(crs)
    elif layer.crs is not None and layer.crs.is_projected and _overlap(track, layer.total_bounds):
        crs = layer.crs.to_string()
    elif layer.crs is not None:
        raise InputError(
            "the track is in metres of a projection it does not name, the lines are in another one",
            where=str(path),
            fix="Give the track's projection with --crs EPSG:…, or a track with longitude and latitude.",
        )
    layer = layer[~layer.geometry.is_empty & layer.geometry.notna()]
    if layer.empty:
        raise InputError(
            "the layer holds no lines", where=str(path), fix="Give roads, rivers, borders or fences."
        )
    if name_column is not None and name_column not in layer.columns:
        raise InputError(
            f"the layer has no column {name_column!r}",
            where=str(path),
            fix=f"Its columns are: {', '.join(map(str, layer.columns.drop('geometry')))}.",
        )
    shapes = [shape.boundary if shape.geom_type.endswith("Polygon") else shape for shape in layer.geometry]
    names = [path.stem] * len(layer) if name_column is None else [str(value) for value in layer[name_column]]
    return shapes, names, crs


def _overlap(track: Track, bounds: NDArray[np.float64]) -> bool:
    low, high = track.xy_m.min(axis=0), track.xy_m.max(axis=0)
    return bool((low <= bounds[2:]).all() and (high >= bounds[:2]).all())
