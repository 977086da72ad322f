"""Camera passes: the photos of one animal by one camera in one encounter, and what ties them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import hypot, log

import numpy as np

from ghostcat.identity.calibrate import Calibration
from ghostcat.identity.grouping import Evidence
from ghostcat.identity.sides import SettledSides, settle_sides
from ghostcat.identity.sightings import Comparison, Flank, Judgement, Sighting

__all__ = [
    "CameraPass",
    "Found",
    "best_scores",
    "between",
    "camera_passes",
    "judged_scores",
    "photos_to_compare",
    "settle",
    "weigh",
]

Found = Mapping[tuple[int, int], Comparison]
"""Per pair of camera passes (u < v) the best comparison between their photos."""

#: Facing cameras within this time see one animal passing, so opposite flanks.
SAME_MOMENT_S = 120.0
#: Log odds of that: two animals walk together, and cameras are not always set up facing.
FACING = 6.0
#: No match ties two passes to one flank harder than this: faces match across flanks.
TIE_MOST = 5.0
#: Nothing on four legs is at two places faster than this.
FASTEST_M_S = 10.0
LABEL_LOG_ODDS = 20.0


@dataclass(frozen=True)
class CameraPass:
    """All usable photos of one flank that one camera took in one encounter, best first."""

    encounter: str
    camera: str
    sightings: tuple[Sighting, ...]

    @property
    def first(self) -> Sighting:
        return self.sightings[0]

    @property
    def quality(self) -> float:
        return self.first.quality

    def times(self) -> tuple[float, float] | None:
        """First and last moment, None when no photo has a time."""
        moments = [s.time_s for s in self.sightings if s.time_s is not None]
        return (min(moments), max(moments)) if moments else None


def camera_passes(sightings: Sequence[Sighting]) -> list[CameraPass]:
    """Group photos by encounter and camera (and by labelled flank, where labels differ)."""
    parts: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for s in sightings:
        parts[s.encounter, s.camera].append(s)
    passes = []
    for (encounter, camera), members in sorted(parts.items()):
        labels = {s.labelled for s in members} - {"unknown"}
        for label in sorted(labels) if len(labels) > 1 else [""]:
            chosen = [s for s in members if s.labelled == label] if label else members
            chosen = sorted(chosen, key=lambda s: (-s.quality, s.photo))
            passes.append(CameraPass(encounter, camera, tuple(chosen)))
    return passes


def photos_to_compare(sightings: Sequence[Sighting], *, most: int = 3) -> list[str]:
    """Ids of the best photos of each camera pass, at most `most` of each, sorted: a burst repeats itself."""
    return sorted(s.photo for p in camera_passes(sightings) for s in p.sightings[:most])


def between(passes: Sequence[CameraPass]) -> list[tuple[int, int]]:
    """All pairs of camera passes of different encounters."""
    return [
        (u, v) for u, v in combinations(range(len(passes)), 2) if passes[u].encounter != passes[v].encounter
    ]


def best_scores(
    passes: Sequence[CameraPass], comparisons: Sequence[Comparison]
) -> dict[tuple[int, int], Comparison]:
    """The best comparison of each pair of camera passes; ties go to the first photos by id."""
    home = {s.photo: k for k, p in enumerate(passes) for s in p.sightings}
    best: dict[tuple[int, int], Comparison] = {}
    for a, b, score in comparisons:
        u, v = home.get(a, -1), home.get(b, -1)
        if u < 0 or v < 0 or score <= 0 or passes[u].encounter == passes[v].encounter:
            continue
        key, value = ((u, v), (a, b, score)) if u < v else ((v, u), (b, a, score))
        held = best.get(key)
        if held is None or (-score, value[:2]) < (-held[2], held[:2]):
            best[key] = value
    return best


def judged_scores(
    passes: Sequence[CameraPass], judgements: Sequence[Judgement], found: Found
) -> list[tuple[float, bool]]:
    """Scores of the comparisons that persons decided, for the calibration."""
    home = {s.photo: k for k, p in enumerate(passes) for s in p.sightings}
    decided = {}
    for j in judgements:
        if j.photo_a in home and j.photo_b in home and home[j.photo_a] != home[j.photo_b]:
            u, v = sorted((home[j.photo_a], home[j.photo_b]))
            decided[u, v] = j.same
    return [(found[pair][2] if pair in found else 0.0, same) for pair, same in sorted(decided.items())]


def settle(passes: Sequence[CameraPass], found: Found, fit: Calibration) -> SettledSides:
    """Flanks of all camera passes from outlines, labels, facing cameras and matches."""
    ties: list[tuple[int, int, float]] = []
    for (u, v), (_, _, score) in found.items():
        same = float(fit.probability(score)[0])
        # One coat means one flank; of two coats every second pair shows one flank too.
        ties.append((u, v, min(log((1 + same) / (1 - same)), TIE_MOST)))
    by_encounter: dict[str, list[int]] = defaultdict(list)
    for k, p in enumerate(passes):
        by_encounter[p.encounter].append(k)
    for members in by_encounter.values():
        ties += [(u, v, -FACING) for u, v in combinations(members, 2) if _facing(passes[u], passes[v])]
    known = [k for k, p in enumerate(passes) if p.first.labelled != "unknown" or _label(p)]
    return settle_sides([_log_odds_right(p) for p in passes], ties, known=known)


def _facing(one: CameraPass, other: CameraPass) -> bool:
    if one.camera == other.camera or one.first.station != other.first.station:
        return False
    if one.first.slot and one.first.slot == other.first.slot:
        return False
    here, there = one.times(), other.times()
    return here is None or there is None or max(here[0], there[0]) - min(here[1], there[1]) <= SAME_MOMENT_S


def _label(one: CameraPass) -> Flank | None:
    sides = [s.labelled for s in one.sightings if s.labelled != "unknown"]
    if not sides:
        return None
    return "right" if sides[0] == "right" else "left"


def _log_odds_right(one: CameraPass) -> float:
    label = _label(one)
    if label is not None:
        return LABEL_LOG_ODDS if label == "right" else -LABEL_LOG_ODDS
    odds = [log(p / (1 - p)) for p in (min(max(s.right, 0.01), 0.99) for s in one.sightings)]
    return float(sum(odds) / len(odds) ** 0.5)


def weigh(
    passes: Sequence[CameraPass],
    found: Found,
    sides: SettledSides,
    fit: Calibration,
    judgements: Sequence[Judgement],
) -> tuple[Evidence, list[str], dict[tuple[int, int, str], Comparison]]:
    """Evidence between *encounters*, their ids in the order of its rows, and the comparison behind each."""
    encounters = sorted({p.encounter for p in passes})
    row = {e: k for k, e in enumerate(encounters)}
    flank = [_flank(r) for r in sides.right]
    flanks: list[set[str]] = [set() for _ in encounters]
    for p, side in zip(passes, flank, strict=True):
        flanks[row[p.encounter]].add(side)
    ratios: dict[str, dict[tuple[int, int], float]] = {"left": {}, "right": {}}
    behind: dict[tuple[int, int, str], Comparison] = {}
    for (u, v), comparison in sorted(found.items()):
        if flank[u] != flank[v]:
            continue
        a, b = row[passes[u].encounter], row[passes[v].encounter]
        shown = comparison if a < b else (comparison[1], comparison[0], comparison[2])
        pair = (min(a, b), max(a, b))
        held = behind.get((*pair, flank[u]))
        if held is None or comparison[2] > held[2]:
            behind[(*pair, flank[u])] = shown
            ratios[flank[u]][pair] = float(fit.log_ratio(comparison[2])[0])
    home = {s.photo: row[p.encounter] for p in passes for s in p.sightings}
    together: set[tuple[int, int]] = set()
    apart = _impossible(passes, row)
    for j in judgements:
        a, b = home.get(j.photo_a, -1), home.get(j.photo_b, -1)
        if a >= 0 and b >= 0 and a != b:
            (together if j.same else apart).add((min(a, b), max(a, b)))
    evidence = Evidence(
        passes=len(encounters),
        flanks=tuple(frozenset(f) for f in flanks),
        found=ratios,
        miss=fit.miss,
        prior=log(fit.prior / (1 - fit.prior)),
        together=frozenset(together),
        apart=frozenset(apart - together),
    )
    return evidence, encounters, behind


def _flank(right: bool | np.bool_) -> Flank:
    return "right" if right else "left"


def _impossible(passes: Sequence[CameraPass], row: Mapping[str, int]) -> set[tuple[int, int]]:
    """Encounters too far apart for the time between them: two animals."""
    timed = [(p, t) for p in passes if (t := p.times()) is not None]
    timed.sort(key=lambda item: item[1][0])
    pairs = set()
    for k, (one, here) in enumerate(timed):
        for other, there in timed[k + 1 :]:
            gap = max(0.0, there[0] - here[1])
            if gap > 3600.0:
                break
            if one.first.station == other.first.station or one.encounter == other.encounter:
                continue
            if gap < _distance_m(one.first, other.first) / FASTEST_M_S:
                a, b = row[one.encounter], row[other.encounter]
                pairs.add((min(a, b), max(a, b)))
    return pairs


def _distance_m(one: Sighting, other: Sighting) -> float:
    if one.east_m is None or one.north_m is None or other.east_m is None or other.north_m is None:
        return 0.0
    return hypot(one.east_m - other.east_m, one.north_m - other.north_m)
