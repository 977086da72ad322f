"""Known, new, or ask: what the photos of a survey say about who is who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.identity.calibrate import DEFAULT, Calibration, calibrate
from ghostcat.identity.camera_passes import (
    CameraPass,
    Found,
    best_scores,
    between,
    camera_passes,
    judged_scores,
    settle,
    weigh,
)
from ghostcat.identity.grouping import Evidence, Grouping, group_odds, group_passes
from ghostcat.identity.sides import SettledSides
from ghostcat.identity.sightings import (
    Comparison,
    Costs,
    Flank,
    Judgement,
    Link,
    Node,
    Outcome,
    Question,
    Sighting,
)

__all__ = ["decide_identities"]

#: A pass that matched nobody is called new only above this quality: else a match may have been missed.
NEW_LEAST_QUALITY = 0.4
#: P(nobody else here) at which a pass that matched nobody is called new.
NEW_LEAST_PROBABILITY = 0.6
#: How firmly the share of misses, measured within groups, leans on the default (in pairs).
HIT_LEANING = 8.0
MOST_HITS = 0.9
#: Questions below this expected change of the number of animals are not worth a person's time.
LEAST_VALUE = 0.02


def decide_identities(
    sightings: Sequence[Sighting],
    comparisons: Sequence[Comparison],
    decoys: Sequence[Comparison],
    *,
    judgements: Sequence[Judgement] = (),
    costs: Costs | None = None,
) -> Outcome:
    """Flanks, probabilities, animals and questions from the scores of a survey.

    Parameters
    ----------
    sightings : the usable photos that were compared.
    comparisons : scores of photo pairs of different encounters; pairs not listed scored 0.
    decoys : scores of a photo against the mirror image of another.
    judgements : what persons decided; they bind.
    costs : of mistakes and of questions.

    Returns
    -------
    Outcome; the same for any order of the arguments' rows.

    Raises
    ------
    ParameterError : a photo occurs twice.
    """
    costs = costs or Costs()
    ordered = sorted(sightings, key=lambda s: s.photo)
    if len({s.photo for s in ordered}) != len(ordered):
        raise ParameterError("a photo is listed twice among the sightings", fix="Give each photo once.")
    passes = camera_passes(ordered)
    real, mirror = best_scores(passes, comparisons), best_scores(passes, decoys)
    judged = judged_scores(passes, judgements, real)
    pairs = between(passes)
    sides = settle(passes, real, calibrate(_scores(real, pairs), _scores(mirror, pairs), judged=judged))
    alike = [(u, v) for u, v in pairs if sides.right[u] == sides.right[v]]
    facing = [(u, v) for u, v in pairs if sides.right[u] != sides.right[v]]
    fit = calibrate(_scores(real, alike), _scores(mirror, facing), judged=judged)
    evidence, encounters, behind = weigh(passes, real, sides, fit, judgements)
    grouping = group_passes(evidence, accept=costs.accept)
    # Against a join a miss counts as little as by default; for "nobody we know" it counts as measured.
    silence = float(np.log((1 - min(_hit_rate(grouping, evidence), MOST_HITS)) / (1 - fit.null_hit)))
    strict = replace(evidence, miss=min(silence, evidence.miss))
    return _outcome(passes, sides, fit, strict, encounters, behind, grouping, costs)


def _scores(found: Found, pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    return np.array([found[pair][2] if pair in found else 0.0 for pair in pairs], dtype=np.float64)


def _hit_rate(grouping: Grouping, evidence: Evidence) -> float:
    """Share of pairs within groups in which something agreed. Matches made the groups, so it flatters."""
    hits = total = 0.0
    for group in grouping.groups:
        if len(group) < 3:
            continue
        for u, v in combinations(sorted(group), 2):
            for flank in evidence.flanks[u] & evidence.flanks[v]:
                total += 1 / len(group)
                hits += ((u, v) in evidence.found[flank]) / len(group)
    return (hits + DEFAULT.same_hit * HIT_LEANING) / (total + HIT_LEANING)


def _outcome(
    passes: Sequence[CameraPass],
    sides: SettledSides,
    fit: Calibration,
    evidence: Evidence,
    encounters: Sequence[str],
    behind: dict[tuple[int, int, str], Comparison],
    grouping: Grouping,
    costs: Costs,
) -> Outcome:
    quality = {e: max(p.quality for p in passes if p.encounter == e) for e in encounters}
    counted, chance = _counted(grouping, evidence, [quality[e] for e in encounters])
    number = {k: i for i, k in enumerate(counted)}
    member = {e: k for k, group in enumerate(grouping.groups) for e in group}
    joined = {e: m.probability for m in grouping.merges for e in (*m.one, *m.other)}
    return Outcome(
        sides=_photo_sides(passes, sides),
        nodes=_nodes(passes, sides, encounters, member, number, joined, chance),
        groups=tuple(tuple(encounters[e] for e in sorted(grouping.groups[k])) for k in counted),
        flanks=tuple(_flanks(grouping.groups[k], evidence) for k in counted),
        links=_links(grouping, behind),
        questions=_questions(grouping, behind, number),
        calibration=fit,
        accept=costs.accept,
    )


def _counted(
    grouping: Grouping, evidence: Evidence, quality: Sequence[float]
) -> tuple[list[int], list[float]]:
    """Groups that are animals of their own, and each group's P(none of the animals before it).

    Groups of several passes count. Then single passes, the best photos first, if they are good enough and
    unlike all that count already: of two doubtful passes of one animal the first counts, the second is asked.
    """
    groups = grouping.groups
    counted = [k for k, group in enumerate(groups) if len(group) > 1]
    chance = [1.0] * len(groups)
    single = [k for k, group in enumerate(groups) if len(group) == 1]
    for k in sorted(single, key=lambda k: (-quality[min(groups[k])], k)):
        # A left flank cannot be asked whether it is somebody's right one: that is left to the count.
        seen = _flanks(groups[k], evidence)
        odds = [
            group_odds(groups[k], groups[j], evidence) for j in counted if seen & _flanks(groups[j], evidence)
        ]
        chance[k] = 1 / (1 + float(np.exp(np.minimum(odds, 30.0)).sum()))
        if chance[k] >= NEW_LEAST_PROBABILITY and quality[min(groups[k])] >= NEW_LEAST_QUALITY:
            counted.append(k)
    return sorted(counted), chance


def _flanks(group: frozenset[int], evidence: Evidence) -> frozenset[str]:
    return frozenset().union(*(evidence.flanks[e] for e in group))


def _photo_sides(passes: Sequence[CameraPass], sides: SettledSides) -> dict[str, tuple[Flank, float]]:
    return {
        s.photo: (_flank(right), float(p))
        for one, right, p in zip(passes, sides.right, sides.probability, strict=True)
        for s in one.sightings
    }


def _flank(right: bool | np.bool_) -> Flank:
    return "right" if right else "left"


def _nodes(
    passes: Sequence[CameraPass],
    sides: SettledSides,
    encounters: Sequence[str],
    member: dict[int, int],
    number: dict[int, int],
    joined: dict[int, float],
    chance: Sequence[float],
) -> tuple[Node, ...]:
    photos: dict[tuple[str, Flank], list[Sighting]] = {}
    for one, right in zip(passes, sides.right, strict=True):
        photos.setdefault((one.encounter, _flank(right)), []).extend(one.sightings)
    row = {e: k for k, e in enumerate(encounters)}
    nodes = []
    for (encounter, flank), seen in sorted(photos.items()):
        seen.sort(key=lambda s: (-s.quality, s.photo))
        e = row[encounter]
        k = member[e]
        known = e in joined
        nodes.append(
            Node(
                encounter=encounter,
                flank=flank,
                photo=seen[0].photo,
                photos=tuple(s.photo for s in seen),
                state="known" if known else "new" if k in number else "ask",
                probability=joined[e] if known else chance[k],
                group=number.get(k),
            )
        )
    return tuple(nodes)


def _links(grouping: Grouping, behind: dict[tuple[int, int, str], Comparison]) -> tuple[Link, ...]:
    """For each join the best comparison of each flank that supports it."""
    links = []
    for merge in grouping.merges:
        for flank in ("left", "right"):
            best = _best_between(merge.one, merge.other, flank, behind)
            if best is not None:
                a, b, score = best
                links.append(
                    Link(
                        photo_a=a,
                        photo_b=b,
                        flank="left" if flank == "left" else "right",
                        probability=merge.probability,
                        score=score,
                    )
                )
    return tuple(links)


def _best_between(
    one: frozenset[int], other: frozenset[int], flank: str, behind: dict[tuple[int, int, str], Comparison]
) -> Comparison | None:
    shown = [
        behind[key]
        for u in sorted(one)
        for v in sorted(other)
        if (key := (min(u, v), max(u, v), flank)) in behind
    ]
    return max(shown, key=lambda c: (c[2], c[0], c[1])) if shown else None


def _questions(
    grouping: Grouping, behind: dict[tuple[int, int, str], Comparison], number: dict[int, int]
) -> tuple[Question, ...]:
    """Pairs of groups that might be one animal, the answer that changes the count most first."""
    questions = []
    for (g, h), odds in grouping.open_odds.items():
        p = float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))
        both = g in number and h in number
        # Joining two counted animals takes one away; an uncounted pass becomes a sighting or an animal.
        value = p if both else 1 - abs(2 * p - 1)
        if value < LEAST_VALUE:
            continue
        shown = [
            (best, flank)
            for flank in ("left", "right")
            if (best := _best_between(grouping.groups[g], grouping.groups[h], flank, behind)) is not None
        ]
        if shown:
            (a, b, score), flank = max(shown, key=lambda item: item[0][2])
            questions.append(
                Question(
                    photo_a=a,
                    photo_b=b,
                    flank="left" if flank == "left" else "right",
                    probability=p,
                    value=value,
                    score=score,
                )
            )
    return tuple(sorted(questions, key=lambda q: (-q.value, q.photo_a, q.photo_b)))
