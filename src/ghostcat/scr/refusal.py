"""When captures cannot carry a density, and what a reader of one must be told."""

from __future__ import annotations

import math

import numpy as np

from ghostcat.errors import EstimateRefused
from ghostcat.scr.data import ScrData
from ghostcat.scr.mask import Mask, nearest_station_m, neighbour_distance, suggest_buffer
from ghostcat.scr.results import Diagnostic

__all__ = ["diagnose", "refuse_if_hopeless"]

# A missed part of the effective sampling area of this size is worth a warning.
_BUFFER_TOLERANCE = 0.01


def refuse_if_hopeless(data: ScrData) -> None:
    """Raise `EstimateRefused` if no spatial capture–recapture estimate can come from these data.

    Codes, in the order in which they are looked for: `no_effort`, `no_animals`, `one_animal`,
    `one_station`, `no_recaptures`, `all_at_one_station`, `no_spatial_recaptures`.

    >>> refuse_if_hopeless(ScrData([[1, 0], [0, 1]], [90.0, 90.0], [[0.0, 0.0], [2000.0, 0.0]]))
    Traceback (most recent call last):
    ghostcat.errors.EstimateRefused: 2 animals were detected once each and none was seen again. ...
    """
    n, places = data.animals, _places(data)
    if not data.station_days > 0:
        raise EstimateRefused(
            "no station operated: the effort is 0 station-days",
            code="no_effort",
            fix="Check the deployment dates and failures; effort 0 means not sampled, not absent.",
        )
    if n == 0:
        raise EstimateRefused(
            f"no animal was identified in {data.station_days:.0f} station-days",
            code="no_animals",
            fix="Review the photos that wait for a decision; if there are none, report the effort "
            "without a density.",
        )
    if n == 1:
        raise EstimateRefused(
            f"one animal ({data.animal_ids[0]}, {data.detections} detections) is no sample of a population",
            code="one_animal",
            fix="Report it as a minimum count. More stations over a wider area, or several seasons "
            "fitted together, would make a density possible.",
        )
    if data.stations < 2:
        raise EstimateRefused(
            "only one station operated; distance cannot be told from rate",
            code="one_station",
            fix="At least a handful of stations within reach of one animal are needed.",
        )
    if data.recaptures == 0:
        raise EstimateRefused(
            f"{n} animals were detected once each and none was seen again",
            code="no_recaptures",
            fix="Without recaptures detection and density cannot be told apart: survey longer, add "
            "cameras, or look for animals that were split into two names.",
        )
    if len(places) == 1:
        raise EstimateRefused(
            f"all {data.detections} detections are from one station ({data.station_ids[places[0]]})",
            code="all_at_one_station",
            fix="The scale of movement is unknown: stations must be close enough for one animal to "
            "be seen at several.",
        )
    if data.spatial_recaptures == 0:
        raise EstimateRefused(
            f"none of the {n} animals was seen at more than one station ({data.recaptures} recaptures, "
            "all where the animal was first seen)",
            code="no_spatial_recaptures",
            fix="The scale of movement is unknown: place stations closer together, about one to two "
            "σ, or bring σ from collars.",
        )


def diagnose(
    data: ScrData, mask: Mask, *, lambda0: float, sigma_m: float, relative_error: float
) -> tuple[Diagnostic, ...]:
    """What weakens a fitted estimate, worst first as far as it can be ordered."""
    found = [
        *_sample(data, relative_error),
        *_space(data, mask, lambda0, sigma_m),
        *_far_captures(data, sigma_m),
        *_effort(data),
    ]
    return tuple(found)


def _places(data: ScrData) -> np.ndarray:
    """One station of each distinct place with detections."""
    seen = np.flatnonzero(data.station_counts.sum(axis=0) > 0)
    _, first = np.unique(data.traps_xy_m[seen], axis=0, return_index=True)
    return np.asarray(seen[first])


def _sample(data: ScrData, relative_error: float) -> list[Diagnostic]:
    found = []
    smaller = min(data.animals, data.recaptures)
    if smaller < 20:
        found.append(
            Diagnostic(
                code="few_recaptures",
                severity="warning",
                message=f"{data.animals} animals and {data.recaptures} recaptures: as a rule the relative "
                f"standard error is about 1/√{smaller} = {1 / math.sqrt(smaller):.2f}.",
                fix="20 of both give about 0.22: survey longer, add stations, or join with other evidence.",
            )
        )
    if data.spatial_recaptures < 5:
        found.append(
            Diagnostic(
                code="few_spatial_recaptures",
                severity="warning",
                message=f"Only {data.spatial_recaptures} spatial recaptures carry the scale of movement.",
                fix="Closer stations, or σ from collars, would steady it.",
            )
        )
    if relative_error > 0.3:
        found.append(
            Diagnostic(
                code="wide_interval",
                severity="warning",
                message=f"The relative standard error of density is {relative_error:.2f}: a halving or a "
                "doubling of the population would not be noticed.",
                fix="Quote the interval, not the estimate; see what would add animals and recaptures.",
            )
        )
    return found


def _space(data: ScrData, mask: Mask, lambda0: float, sigma_m: float) -> list[Diagnostic]:
    found = []
    working = data.station_usage > 0
    traps, usage = data.traps_xy_m[working], data.station_usage[working]
    spacing = neighbour_distance(traps)
    extent = float(np.ptp(traps, axis=0).max())
    reach = float(nearest_station_m(mask.xy_m, traps).max())
    if not mask.clipped:
        needed = suggest_buffer(traps, usage, lambda0=lambda0, sigma_m=sigma_m, tolerance=_BUFFER_TOLERANCE)
        if needed > reach + mask.cell_m:
            found.append(
                Diagnostic(
                    code="buffer_too_small",
                    severity="warning",
                    message=f"The mask reaches {reach / 1000:.1f} km beyond the stations, but animals from "
                    f"{needed / 1000:.1f} km away could be detected (σ {sigma_m / 1000:.2f} km): density is "
                    "overestimated.",
                    fix=f"Use a buffer of {math.ceil(needed / 1000)} km, unless habitat ends at the mask.",
                )
            )
    if sigma_m < 0.5 * spacing:
        found.append(
            Diagnostic(
                code="stations_far_apart",
                severity="warning",
                message=f"Neighbouring stations are {spacing / 1000:.1f} km or {spacing / sigma_m:.1f} σ "
                "apart: few animals can be seen at two of them, and some live between stations unseen.",
                fix=f"Place stations about {1.5 * sigma_m / 1000:.1f} km apart.",
            )
        )
    if extent < 2.0 * sigma_m:
        found.append(
            Diagnostic(
                code="array_small",
                severity="warning",
                message=f"All stations lie within {extent / 1000:.1f} km, less than 2 σ "
                f"({2 * sigma_m / 1000:.1f} km): density and movement are hard to tell apart.",
                fix="Spread stations over more than one home range.",
            )
        )
    if mask.cell_m > sigma_m:
        found.append(
            Diagnostic(
                code="cell_too_coarse",
                severity="warning",
                message=f"Mask cells are {mask.cell_m:.0f} m wide, more than σ ({sigma_m:.0f} m).",
                fix=f"Use cells of {sigma_m / 2:.0f} m or less.",
            )
        )
    return found


def _far_captures(data: ScrData, sigma_m: float) -> list[Diagnostic]:
    """Captures of one animal so far apart that one name may hide two animals."""
    found = []
    counts = data.station_counts
    for i, name in enumerate(data.animal_ids):
        seen = data.traps_xy_m[counts[i] > 0]
        if len(seen) < 2:
            continue
        apart = float(np.sqrt(((seen[:, None] - seen[None]) ** 2).sum(axis=2)).max())
        if apart > 6.0 * sigma_m:
            found.append(
                Diagnostic(
                    code="far_captures",
                    severity="warning",
                    message=f"Animal {name} was seen at places {apart / 1000:.1f} km apart, "
                    f"{apart / sigma_m:.1f} σ: rare for one animal that stayed.",
                    fix="Look at its photos again (two animals under one name?), or at its sex and age.",
                )
            )
    return found


def _effort(data: ScrData) -> list[Diagnostic]:
    found = []
    idle = [name for name, u in zip(data.station_ids, data.station_usage, strict=True) if u == 0]
    if idle:
        shown = ", ".join(idle[:5]) + (" …" if len(idle) > 5 else "")
        found.append(
            Diagnostic(
                code="stations_without_effort",
                severity="note",
                message=f"{len(idle)} stations never operated ({shown}); they say nothing about absence.",
            )
        )
    shared = len(data.traps_xy_m) - len(np.unique(data.traps_xy_m, axis=0))
    if shared:
        found.append(
            Diagnostic(
                code="stations_share_a_place",
                severity="note",
                message=f"{shared} stations have the coordinates of another one; they count as one place.",
                fix="Cameras that face each other are one station with one effort.",
            )
        )
    return found
