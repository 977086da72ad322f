"""What a proposed survey can be expected to bring: animals, recaptures, moves, and the margin of error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.checks import check_metres
from ghostcat.scr.detection import DetectionFunction, detection_hazard, detection_reach_m
from ghostcat.scr.mask import Mask, Polygon, make_mask

__all__ = ["Animals", "ExpectedSurvey", "expected_survey", "planning_mask", "square_grid"]

Floats = NDArray[np.float64]

_BLOCK = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Animals:
    """What is assumed of one class of animals (all of them, or one sex) before the survey."""

    density_per_100km2: float
    lambda0: float
    """Detections per station-day at distance 0; g0 for HN, HR and EX."""
    sigma_m: float
    detectfn: DetectionFunction = "HHN"
    shape: float = math.nan
    """z of HR, HHR and HCG."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.density_per_100km2) and self.density_per_100km2 > 0):
            raise ParameterError(f"density is {self.density_per_100km2} per 100 km², expected more than 0")
        detection_hazard(0.0, self.lambda0, self.sigma_m, detectfn=self.detectfn, shape=self.shape)

    @property
    def reach_m(self) -> float:
        """Distance beyond which these animals are practically never detected."""
        return detection_reach_m(self.sigma_m, detectfn=self.detectfn, shape=self.shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpectedSurvey:
    """Expectations over all surveys that could come out of one plan.

    `relative_standard_error` is the planning rule 1/√min(n, r), within about 10 % of the truth unless
    n ≈ r or the array is small against the range of the animals; simulation tells more.
    """

    animals: float
    """E(n), animals detected at least once."""
    detections: float
    recaptures: float
    """E(r), detections after an animal's first."""
    moves: float
    """E(m), recaptures at another station than the one before."""
    spatial_recaptures: float
    """Stations at which each animal is seen, less one, summed."""
    stations: int
    station_days: float
    effective_area_km2: float
    """n / D: the area within which, in effect, every animal is detected."""
    per_station: Floats = field(repr=False)
    """(K,) expected detections of each station."""
    mask: Mask = field(repr=False)
    detection_probability: Floats = field(repr=False)
    """(M,) chance that an animal living in the cell is detected, classes weighted by their density."""

    @property
    def relative_standard_error(self) -> float:
        """Expected RSE of density by the planning rule; infinite where no recapture is expected."""
        least = min(self.animals, self.recaptures)
        return 1.0 / math.sqrt(least) if least > 0 else math.inf

    @property
    def limiting(self) -> str:
        """Which of the two holds the margin of error back: "animals" or "recaptures"."""
        return "animals" if self.animals <= self.recaptures else "recaptures"


def expected_survey(
    traps_xy_m: ArrayLike,
    usage: ArrayLike,
    *,
    animals: Animals | Sequence[Animals],
    mask: Mask | None = None,
    relative_density: ArrayLike | None = None,
    detector: str = "count",
    occasions: int | None = None,
) -> ExpectedSurvey:
    """E(n), E(r), moves and the RSE of density of a plan, by formula.

    E(n) = a Σ D p.(m),  E(r) = a Σ D (expected detections) − E(n),  RSE ≈ 1/√min(E(n), E(r))

    Parameters
    ----------
    traps_xy_m : (K, 2) stations, metres.
    usage : (K,) station-days that each station will work, or one number for all.
    animals : what is assumed of them; several classes (sexes) add up.
    mask : where animals live; by default all cells within reach of a station.
    relative_density : (M,) positive weights with mean 1 over the mask, where density is not even.
    detector : "count" (Poisson), "proximity" (binary per occasion) or "multi".
    occasions : occasions over which the effort is spread evenly, for binary and multi-catch detectors;
        by default one a day of the station that works longest.

    Returns
    -------
    ExpectedSurvey

    Raises
    ------
    ParameterError : no station, effort missing or negative, an unknown detector.

    Notes
    -----
    A recapture is a move if it is at another station than the detection before:
    E(m) = a Σ D (recaptures at m) (1 − Σ_k π_k²), π_k the share of station k; exact for counts.

    References
    ----------
    Efford & Boulanger (2019) Methods in Ecology and Evolution 10:1529–1535.

    >>> traps = square_grid(side_m=60_000.0, stations=100)
    >>> plan = expected_survey(traps, 90.0, animals=Animals(density_per_100km2=1, lambda0=0.01, sigma_m=4000))
    >>> round(plan.animals), round(plan.recaptures), round(plan.relative_standard_error, 2)
    (38, 52, 0.16)
    """
    traps, effort = _checked_plan(traps_xy_m, usage)
    classes = (animals,) if isinstance(animals, Animals) else tuple(animals)
    if not classes:
        raise ParameterError("no class of animals was given")
    if detector not in ("count", "proximity", "multi"):
        raise ParameterError(f"detector is {detector!r}", fix='Use "count", "proximity" or "multi".')
    cells = mask if mask is not None else planning_mask(traps, classes)
    weight = _checked_weights(relative_density, cells)
    times = float(occasions or max(1.0, math.ceil(effort.max(initial=0.0))))
    n = seen = moves = places = 0.0
    per_station = np.zeros(len(traps))
    probability = np.zeros(cells.cells)
    total_density = sum(c.density_per_100km2 for c in classes)
    for kind in classes:
        per_cell = kind.density_per_100km2 / 100.0 * cells.cell_area_km2 * weight
        for part, hazard in _hazards(traps, cells.xy_m, kind):
            exposure = effort[:, None] * hazard
            p, detections, at = _detections(exposure, detector, times)
            share = at / np.maximum(at.sum(axis=0), 1e-300)
            here = per_cell[part]
            n += float(here @ p)
            seen += float(here @ detections)
            moves += float(here @ ((detections - p) * (1.0 - (share**2).sum(axis=0))))
            places += float(here @ (_ever(exposure, at, detector).sum(axis=0) - p))
            per_station += at @ here
            probability[part] += p * kind.density_per_100km2 / total_density
    return ExpectedSurvey(
        animals=n,
        detections=seen,
        recaptures=seen - n,
        moves=moves,
        spatial_recaptures=places,
        stations=int((effort > 0).sum()),
        station_days=float(effort.sum()),
        effective_area_km2=100.0 * n / total_density,
        per_station=per_station,
        mask=cells,
        detection_probability=probability,
    )


def planning_mask(
    traps_xy_m: ArrayLike, animals: Sequence[Animals], *, region: Polygon | None = None
) -> Mask:
    """Cells within reach of a station for the animals that range widest, half a σ of the others wide."""
    reach = max(a.reach_m for a in animals)
    width = min(a.sigma_m for a in animals) / 2.0
    return make_mask(traps_xy_m, buffer_m=reach, cell_m=width, region=region)


def square_grid(*, side_m: float, stations: int, origin_m: tuple[float, float] = (0.0, 0.0)) -> Floats:
    """Stations in the middle of the equal squares that fill a square region.

    Parameters
    ----------
    side_m : side of the region, metres.
    stations : how many; a square number.

    Returns
    -------
    (stations, 2) metres.

    >>> square_grid(side_m=4000.0, stations=4).tolist()
    [[1000.0, 1000.0], [3000.0, 1000.0], [1000.0, 3000.0], [3000.0, 3000.0]]
    """
    rows = math.isqrt(stations)
    if stations < 1 or rows * rows != stations:
        raise ParameterError(f"{stations} stations do not make a square grid", fix="Give a square number.")
    axis = (np.arange(rows) + 0.5) * side_m / rows
    return np.asarray(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2) + np.asarray(origin_m))


def _checked_plan(traps_xy_m: ArrayLike, usage: ArrayLike) -> tuple[Floats, Floats]:
    traps = check_metres(traps_xy_m, what="stations")
    if not len(traps):
        raise ParameterError("there is no station", fix="Give at least one row with x and y in metres.")
    effort = np.array(np.broadcast_to(np.asarray(usage, dtype=np.float64), (len(traps),)))
    bad = np.flatnonzero(~(np.isfinite(effort) & (effort >= 0)))
    if bad.size:
        raise ParameterError(
            f"effort is {effort[bad[0]]}, expected station-days ≥ 0", where=f"station {bad[0] + 1}"
        )
    return traps, effort


def _checked_weights(values: ArrayLike | None, mask: Mask) -> Floats:
    if values is None:
        return np.ones(mask.cells)
    weight = np.asarray(values, dtype=np.float64)
    if weight.shape != (mask.cells,) or not (np.isfinite(weight) & (weight >= 0)).all():
        raise ParameterError(
            f"relative_density has shape {weight.shape}, expected ({mask.cells},) numbers ≥ 0",
            fix="Give one weight per mask cell.",
        )
    return weight * mask.area_km2 / float(weight @ mask.cell_area_km2)


def _hazards(traps: Floats, xy: Floats, kind: Animals) -> Iterator[tuple[slice, Floats]]:
    size = max(1, _BLOCK // len(traps))
    for start in range(0, len(xy), size):
        part = slice(start, min(start + size, len(xy)))
        distance = np.hypot(traps[:, :1] - xy[part, 0], traps[:, 1:] - xy[part, 1])
        yield (
            part,
            detection_hazard(distance, kind.lambda0, kind.sigma_m, detectfn=kind.detectfn, shape=kind.shape),
        )


def _detections(exposure: Floats, detector: str, occasions: float) -> tuple[Floats, Floats, Floats]:
    """Chance of being seen at all, expected detections, and the latter by station, at each cell."""
    total = exposure.sum(axis=0)
    p = -np.expm1(-total)
    if detector == "count":
        return p, total, exposure
    if detector == "proximity":
        at = -occasions * np.expm1(-exposure / occasions)
        return p, at.sum(axis=0), at
    caught = -occasions * np.expm1(-total / occasions)
    return p, caught, exposure * (caught / np.maximum(total, 1e-300))


def _ever(exposure: Floats, at: Floats, detector: str) -> Floats:
    """Chance that an animal is seen at a station at all."""
    return -np.expm1(-(at if detector == "multi" else exposure))
