"""Which flank each pass of a camera shows, settled for all passes at once.

One outline is weak evidence; together they are not alone. Facing cameras see opposite flanks of one
animal, and spots that match without a mirror lie on the same flank. Such relations tie passes into
groups that can only be turned as a whole; the outlines of the whole group vote which way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["SettledSides", "settle_sides"]

#: Outlines of one pass, one video, one animal err together: sums of log odds are damped by this power.
DAMPING = 0.5
#: Blocks that are turned as one are held together by ties of at least this; from loose to single passes.
BLOCK_TIES = (2.0, 3.0, 4.0, 5.0, np.inf)


@dataclass(frozen=True)
class SettledSides:
    """Per pass: True for the right flank, and P(that is so)."""

    right: NDArray[np.bool_]
    probability: NDArray[np.float64]


def settle_sides(
    log_odds_right: ArrayLike, ties: Sequence[tuple[int, int, float]], *, known: Sequence[int] = ()
) -> SettledSides:
    """Choose a flank for every pass.

    Parameters
    ----------
    log_odds_right : (n,) log odds, from the outlines of each pass, that it shows the right flank.
    ties : (u, v, strength): log odds that u and v show the *same* flank; negative for opposite flanks.
    known : passes whose side a person gave; their log odds are taken at face value and never damped.

    Returns
    -------
    SettledSides. The strongest ties are taken first (a maximum spanning forest); a weaker tie that
    contradicts them has no say in the first reading but counts when blocks and single passes are turned.
    """
    field = np.asarray(log_odds_right, dtype=np.float64)
    count = len(field)
    fixed = np.zeros(count, bool)
    fixed[list(known)] = True
    spin, group = _forest(count, ties)
    for label in np.unique(group):
        _orient(spin, field, fixed, group == label)
    spin[fixed] = np.where(field[fixed] < 0, -1, 1)
    for least in BLOCK_TIES:
        _turn_blocks(spin, field, fixed, ties, least)
    _, group = _forest(count, [tie for tie in ties if abs(tie[2]) >= BLOCK_TIES[0]])
    probability = np.empty(count)
    for label in np.unique(group):
        members = group == label
        probability[members] = _group_probability(spin, field, fixed, members)
    probability[fixed] = 1 / (1 + np.exp(-np.abs(field[fixed])))
    return SettledSides(right=spin > 0, probability=probability)


def _forest(
    count: int, ties: Sequence[tuple[int, int, float]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Spins ±1 that satisfy the strongest ties, and the group each pass belongs to."""
    spin = np.ones(count, np.int64)
    group = np.arange(count)
    for u, v, strength in sorted(ties, key=lambda tie: (-abs(tie[2]), tie[0], tie[1])):
        if group[u] == group[v] or strength == 0:
            continue
        if spin[u] * spin[v] != (1 if strength > 0 else -1):
            spin[group == group[v]] *= -1
        group[group == group[v]] = group[u]
    return spin, group


def _orient(
    spin: NDArray[np.int64], field: NDArray[np.float64], fixed: NDArray[np.bool_], members: NDArray[np.bool_]
) -> None:
    """Turn a whole group to where its labels, or else its outlines, point."""
    votes = spin * field
    labelled = members & fixed
    vote = votes[labelled].sum() if labelled.any() else votes[members].sum()
    if vote < 0:
        spin[members] *= -1


def _turn_blocks(
    spin: NDArray[np.int64],
    field: NDArray[np.float64],
    fixed: NDArray[np.bool_],
    ties: Sequence[tuple[int, int, float]],
    least: float,
) -> None:
    """Turn blocks of passes (held by ties of at least `least`) where ties and outlines then agree better."""
    _, block = _forest(len(spin), [tie for tie in ties if abs(tie[2]) >= least])
    between: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for tie in ties:
        u, v = int(block[tie[0]]), int(block[tie[1]])
        if u != v:
            between.setdefault((min(u, v), max(u, v)), []).append(tie)
    touching: dict[int, list[list[tuple[int, int, float]]]] = {}
    for pair, bundle in between.items():
        for label in pair:
            touching.setdefault(label, []).append(bundle)
    labels = [int(label) for label in np.unique(block) if not fixed[block == label].any()]
    for _ in range(10):
        turned = False
        for label in labels:
            members = block == label
            gain = (spin * field)[members].sum()
            for bundle in touching.get(label, []):
                # Ties between two blocks have one cause, a shared face or a shared coat: they are damped.
                pull = sum(strength * spin[u] * spin[v] for u, v, strength in bundle)
                gain += pull / len(bundle) ** DAMPING
            if gain < 0:
                spin[members] *= -1
                turned = True
        if not turned:
            return


def _group_probability(
    spin: NDArray[np.int64], field: NDArray[np.float64], fixed: NDArray[np.bool_], members: NDArray[np.bool_]
) -> float:
    votes = (spin * field)[members]
    labelled = fixed[members]
    if labelled.any():
        return float(1 / (1 + np.exp(-np.clip(votes[labelled].sum(), -30, 30))))
    speaking = votes[votes != 0]
    if not len(speaking):
        return 0.5
    return float(1 / (1 + np.exp(-np.clip(speaking.sum() / len(speaking) ** DAMPING, -30, 30))))
