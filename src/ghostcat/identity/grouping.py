"""From evidence between passes to groups of passes, one group per animal.

Two groups are joined when what *all* passes of the smaller one say together makes it likely: each pass
brings a match in the other group, a different one each, and pays when it has none. One chance match
between two well-known animals is outvoted by the passes that do not match, and one pass that looks like
both (a mixed-up photo, two animals in one frame) cannot vouch for a whole group: chains cannot grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Evidence", "Grouping", "Merge", "group_passes"]

#: Log odds that a person's word is worth: beyond what any photo says.
CERTAIN = 50.0
#: Passes of one animal look alike together, for better or worse: sums over k passes count as k^½.
DAMPING = 0.5
#: Passes of a group that does not match, asked in vain, count no more than this many times.
MOST_MISSES = 1.5
#: One flank alone cannot argue more than this against a join: some poses of an animal never match.
MOST_AGAINST = 5.0


@dataclass(frozen=True)
class Evidence:
    """What is known about pairs of passes.

    Attributes
    ----------
    passes : number of passes; those are rows 0 … passes − 1.
    flanks : per pass, the flanks that can be compared.
    found : per flank, {(u, v): log ratio} with u < v, where something agreed.
    miss : log ratio where nothing agreed (negative).
    prior : log odds that two passes drawn at random show one animal.
    together, apart : pairs (u, v), u < v, that a person or an impossibility decided.
    """

    passes: int
    flanks: tuple[frozenset[str], ...]
    found: Mapping[str, Mapping[tuple[int, int], float]]
    miss: float
    prior: float
    together: frozenset[tuple[int, int]] = frozenset()
    apart: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Merge:
    """Two groups that were joined: their passes, and P(one animal) when it happened."""

    one: frozenset[int]
    other: frozenset[int]
    probability: float


@dataclass(frozen=True)
class Grouping:
    """The groups, the joins that made them (in order), and all groups' open log odds with others."""

    groups: tuple[frozenset[int], ...]
    merges: tuple[Merge, ...]
    open_odds: Mapping[tuple[int, int], float]
    """{(g, h): log odds} for groups, by index into `groups`, with any agreement between them."""


def group_passes(evidence: Evidence, *, accept: float) -> Grouping:
    """Join groups, most likely first, while P(one animal) is at least `accept`.

    Person's decisions come first; a join that would put an `apart` pair into one group is never made.
    The order of passes does not matter except to break exact ties.
    """
    threshold = float(np.log(accept / (1 - accept)))
    groups: dict[int, frozenset[int]] = {k: frozenset([k]) for k in range(evidence.passes)}
    home = list(range(evidence.passes))
    merges: list[Merge] = []
    for u, v in sorted(evidence.together):
        if home[u] != home[v] and not _forbidden(groups[home[u]], groups[home[v]], evidence.apart):
            merges.append(_join(groups, home, home[u], home[v], 1.0))
    odds = {pair: group_odds(groups[pair[0]], groups[pair[1]], evidence) for pair in _linked(evidence, home)}
    while odds:
        pair, best = max(odds.items(), key=lambda item: (item[1], -item[0][0], -item[0][1]))
        if best < threshold:
            break
        g, h = pair
        neighbours = {x for p in odds if g in p or h in p for x in p} - {g, h}
        merges.append(_join(groups, home, g, h, float(1 / (1 + np.exp(-best)))))
        odds = {p: o for p, o in odds.items() if g not in p and h not in p}
        for x in neighbours:
            key = (min(g, x), max(g, x))
            odds[key] = group_odds(groups[key[0]], groups[key[1]], evidence)
    names = sorted(groups, key=lambda k: min(groups[k]))
    index = {name: k for k, name in enumerate(names)}
    open_odds = {}
    for (g, h), value in odds.items():
        a, b = sorted((index[g], index[h]))
        open_odds[a, b] = value
    return Grouping(tuple(groups[k] for k in names), tuple(merges), open_odds)


def group_odds(one: frozenset[int], other: frozenset[int], evidence: Evidence) -> float:
    """Log odds that two groups are one animal, both flanks taken together."""
    if _forbidden(one, other, evidence.apart):
        return -CERTAIN
    odds = evidence.prior
    for flank, found in sorted(evidence.found.items()):
        odds += _flank_evidence(one, other, flank, found, evidence)
    return odds


def _flank_evidence(
    one: frozenset[int],
    other: frozenset[int],
    flank: str,
    found: Mapping[tuple[int, int], float],
    evidence: Evidence,
) -> float:
    asked = sorted(k for k in one if flank in evidence.flanks[k])
    others = sorted(k for k in other if flank in evidence.flanks[k])
    if len(asked) > len(others):
        asked, others = others, asked
    if not asked:
        return 0.0
    matches = sorted(
        (
            (ratio, u, v)
            for u in asked
            for v in others
            if (ratio := found.get((min(u, v), max(u, v)), evidence.miss)) > 0
        ),
        key=lambda match: (-match[0], match[1], match[2]),
    )
    told: list[float] = []
    spoken: set[int] = set()
    vouched: set[int] = set()
    for ratio, u, v in matches:
        if u not in spoken and v not in vouched:
            spoken.add(u)
            vouched.add(v)
            rest = [found.get((min(u, w), max(u, w)), evidence.miss) for w in others if w != v]
            told.append(ratio + (float(np.mean(rest)) if rest else 0.0))
    # Beyond its match, a pass adds how the rest of the group looks to it on average.
    # The best of many chances looks good by chance. Once this is the prior's business (a large group is
    # as many times likelier to be met again); for every further pass it is subtracted.
    chances = float(np.log(len(others)))
    silence = evidence.miss * min(len(others) ** DAMPING, MOST_MISSES)
    total = sum(max(ratio - chances, silence) for ratio in told) + (chances if told else 0.0)
    total += silence * (len(asked) - len(spoken))
    return float(max(total / len(asked) ** DAMPING, -MOST_AGAINST))


def _linked(evidence: Evidence, home: list[int]) -> set[tuple[int, int]]:
    """Pairs of groups with any agreement: all others stay apart anyway."""
    pairs = set()
    for found in evidence.found.values():
        for (u, v), ratio in found.items():
            if ratio > evidence.miss and home[u] != home[v]:
                pairs.add((min(home[u], home[v]), max(home[u], home[v])))
    return pairs


def _forbidden(one: Iterable[int], other: frozenset[int], apart: frozenset[tuple[int, int]]) -> bool:
    return bool(apart) and any((min(u, v), max(u, v)) in apart for u in one for v in other)


def _join(groups: dict[int, frozenset[int]], home: list[int], g: int, h: int, probability: float) -> Merge:
    """Move group h into group g."""
    merge = Merge(groups[g], groups[h], probability)
    for k in groups[h]:
        home[k] = g
    groups[g] = groups[g] | groups.pop(h)
    return merge
