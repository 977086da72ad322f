"""The population portrait: what a survey says about a population, ready to be shown.

A `Portrait` holds numbers and references to photos, nothing rendered. Whoever shows it
(`report/`, a notebook, a web page) computes nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.survey.evidence import Finding, Snapshot

__all__ = [
    "MINIMUM_COUNT_RULE",
    "CatalogueEntry",
    "DensitySurface",
    "Effort",
    "Estimate",
    "Interval",
    "Portrait",
    "Refusal",
    "StationLine",
]

#: The rule behind `minimum_count` as survey/ computes it. The report translates this very sentence.
MINIMUM_COUNT_RULE = (
    "Animals told apart by their coats. Animals known from both flanks all count; of those known from one "
    "flank only, those of the side that has more of them count, since the others may be the same animals."
)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate that never travels without its 95 % interval."""

    estimate: float
    lower: float
    upper: float
    standard_error: float


@dataclass(frozen=True, kw_only=True)
class StationLine:
    """One station's share of the survey. `station_days` 0 means not sampled, never "no animals"."""

    station_id: str
    lon: float
    lat: float
    group: str
    cameras: int
    station_days: float
    camera_days: float
    dead_camera_days: float
    photos: int
    passes: int
    individuals: int


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What was surveyed."""

    first_day: date
    last_day: date
    stations: int
    stations_never_working: int
    cameras: int
    station_days: float
    camera_days: float
    dead_camera_days: float
    failures: tuple[tuple[str, str, datetime, datetime], ...]
    """(deployment id, cause, start, end)."""
    photos: int
    photos_by_state: Mapping[str, int]
    photos_with_animal: int
    passes: int
    passes_usable_left: int
    """Passes with a usable left flank, those with both flanks among them; so also for the right."""
    passes_usable_right: int
    passes_usable_both: int
    passes_not_usable: int
    unusable_reasons: Mapping[str, int]
    """Photos by the reason why no flank could be read."""
    lines: tuple[StationLine, ...]


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One animal as it is shown."""

    individual_id: str
    name: str
    sex: str
    left_photo: str
    """Media id of its best left flank; empty when that side is not known."""
    right_photo: str
    passes: int
    stations: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    joined: bool
    counted: bool
    sightings: tuple[tuple[str, datetime], ...]
    """(station id, time) of each pass, in time order."""


@dataclass(frozen=True, kw_only=True)
class DensitySurface:
    """Expected activity centres of animals per 100 km² in each mask cell, given the captures."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    cell_m: float
    crs: str
    per_100km2: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Density and abundance from spatial capture–recapture, each with its interval."""

    model: str
    region: str
    """In words: which area `abundance` is for."""
    region_area_km2: float
    abundance: Interval
    """Expected N of the region."""
    realised: Interval
    """Animals that lived in the region during this survey."""
    density_per_100km2: Interval
    sigma_m: Interval
    lambda0: Interval
    """Detections per station-day at distance zero."""
    effective_area_km2: float
    animals: int
    detections: int
    recaptures: int
    spatial_recaptures: int
    stations: int
    station_days: float
    buffer_m: float
    cell_m: float
    log_likelihood: float
    aic: float
    converged: bool
    diagnostics: tuple[Finding, ...]
    surface: DensitySurface | None = None
    region_code: Literal["", "buffer", "mask", "given"] = ""
    """Lets a screen say `region` in its own language: `buffer` is all land within `buffer_m` of the
    stations, `mask` the whole habitat mask that was given, `given` a region that the user named in
    `region`; empty means `region` is shown as it is."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why there is no estimate, and what would make one possible."""

    code: str
    reason: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """Everything that the report shows. A minimum count is never an estimate: they stay apart."""

    title: str
    made_at: datetime
    synthetic: bool
    effort: Effort
    catalogue: tuple[CatalogueEntry, ...]
    minimum_count: int
    minimum_count_rule: str
    questions: int
    """Pairs that wait for a person."""
    estimate: Estimate | Refusal
    left_out: tuple[Finding, ...]
    """Evidence that did not enter the estimate, and why."""
    findings: tuple[Finding, ...]
    """What `check` says of the survey."""
    provenance: Mapping[str, str]
    snapshot: Snapshot = field(repr=False)
    """For photos and boxes; not rendered as a whole."""
