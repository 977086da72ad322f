"""Sibship groups and the parents that nobody typed.

Full-sib families whose mother or father was not typed still say what that parent's genotype was. Two
families share an untyped parent when one animal explains both better than two strangers or two sisters
would; such families are joined best first, and the made-up parent is named (F0001 a mother, M0001 a father).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.parentage_inference import Inference

__all__ = ["SibGroup", "group_sibs"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Log odds that a join must have.
_CAUTION = 1.0
_DAM, _SIRE = 0, 1


@dataclass(frozen=True, kw_only=True)
class SibGroup:
    """Animals that share both parents.

    Parameters
    ----------
    members : their ids.
    surety : probability of each that it belongs here rather than elsewhere.
    dam, sire : typed parents, or names of made-up ones (F0001, M0001) that groups of half sibs share; None
        for a single animal's parent that nothing is known of.
    dam_typed, sire_typed : was the parent typed?
    dam_surety, sire_surety : probability of the typed parent, or that a made-up one is shared as shown; None
        where a made-up parent has only this group.
    sides_known : is it known which of two made-up parents is the mother?
    """

    members: tuple[str, ...]
    surety: tuple[float, ...]
    dam: str | None
    sire: str | None
    dam_typed: bool
    sire_typed: bool
    dam_surety: float | None
    sire_surety: float | None
    sides_known: bool


@dataclass
class _Parent:
    """A made-up parent: the (family, side) places it fills and how surely each was joined."""

    side: int
    message: Floats
    families: list[int]
    surety: dict[int, float] = field(default_factory=dict)


def group_sibs(genotypes: Genotypes, inference: Inference, dam: Ints, sire: Ints) -> tuple[SibGroup, ...]:
    """Full-sib groups with their parents, and half sibs through made-up parents.

    Parameters
    ----------
    genotypes : the typings.
    inference : what was inferred with families.
    dam, sire : (n,) rows of the parents that are given, −1 where none is.
    """
    if inference.sibs is None:
        return ()
    family, tables = inference.sibs.family, inference.sibs.log_tables
    count = len(tables)
    given = np.stack([_of_family(family, parent, count) for parent in (dam, sire)])
    founders = _without_candidates(inference, count)
    parents = _join_parents(inference, tables, given, founders & (np.bincount(family, minlength=count) == 1))
    members = [np.flatnonzero(family == k) for k in range(count)]
    # a made-up parent of one single animal says nothing
    telling = [p for p in parents if len(p.families) > 1 or len(members[p.families[0]]) > 1]
    named = _names(telling, set(genotypes.samples))
    groups = []
    for k in range(count):
        shown = [named.get((k, side), (None, None)) for side in (_DAM, _SIRE)]
        if len(members[k]) < 2 and shown[0][0] is None and shown[1][0] is None:
            continue
        groups.append(_group(genotypes, inference, k, members[k], given[:, k], shown))
    return tuple(groups)


def _of_family(family: Ints, parent: Ints, count: int) -> Ints:
    """(F,) the parent that most members were given, −1 where none was."""
    out = np.full(count, -1)
    for k in range(count):
        theirs = parent[family == k]
        theirs = theirs[theirs >= 0]
        if theirs.size:
            values, counts = np.unique(theirs, return_counts=True)
            out[k] = values[counts.argmax()]
    return out


def _without_candidates(inference: Inference, count: int) -> NDArray[np.bool_]:
    h = inference.main.hypotheses
    none: NDArray[np.bool_] = (h.dam_gaps.sum(axis=1) + h.sire_gaps.sum(axis=1)) == 0
    assert none.shape == (count,)
    return none


def _messages(
    inference: Inference, tables: NDArray[np.float32], rows: Ints, other: Floats, side: int
) -> Floats:
    """(m, L, S) likelihood of the genotypes of one parent, given a belief (m, L, S) about the other."""
    states = inference.states
    n_states = states.prior.shape[1]
    part = tables[rows]
    split = np.exp(part - part.max(axis=-1, keepdims=True))
    split = split.reshape(len(rows), -1, n_states, n_states)
    message = np.einsum("mlst,mlt->mls" if side == _DAM else "mlts,mlt->mls", split, other)
    scale = np.maximum(np.einsum("mls,ls->ml", message, states.prior), 1e-30)
    scaled: Floats = message / scale[:, :, None]
    return scaled


def _join_parents(
    inference: Inference, tables: NDArray[np.float32], given: Ints, left_out: NDArray[np.bool_]
) -> list[_Parent]:
    """Made-up parents of all families, joined where one parent explains several."""
    states, model = inference.states, inference.model
    prior = states.prior.astype(np.float64)
    locus = np.arange(model.n_loci)[None, :]
    parents: list[_Parent] = []
    for side in (_DAM, _SIRE):
        rows = np.flatnonzero((given[side] < 0) & ~left_out)
        if not rows.size:
            continue
        partner = given[1 - side][rows]
        typed = states.typed[locus, model.classes[np.maximum(partner, 0)]]
        other = np.where((partner >= 0)[:, None, None], typed, prior[None])
        messages = _messages(inference, tables, rows, other, side)
        parents += [_Parent(side, messages[i], [int(k)]) for i, k in enumerate(rows)]
    if not parents:
        return []
    sisters = 0.25 * prior[:, None, :] + 0.5 * states.steps + 0.25 * np.eye(prior.shape[1])
    score = _all_scores(parents, prior, sisters)
    both_open: NDArray[np.bool_] = (given[_DAM] < 0) & (given[_SIRE] < 0)
    while True:
        a, b = np.unravel_index(int(score.argmax()), score.shape)
        best = float(score[a, b])
        if best <= _CAUTION:
            break
        first, second = parents[a], parents[b]
        sure = 1.0 / (1.0 + np.exp(-best))
        for k in first.families + second.families:
            first.surety[k] = min(first.surety.get(k, 1.0), sure)
        first.message = first.message * second.message
        first.message /= np.maximum((first.message * prior).sum(axis=1), 1e-30)[:, None]
        first.families += second.families
        second.families = []
        score[b], score[:, b] = -np.inf, -np.inf
        changed = {int(a)}
        for k in first.families:
            if both_open[k]:
                changed |= _explain_away(inference, tables, parents, first, k)
        for at in changed:
            _rescore(score, parents, at, prior, sisters)
    return [p for p in parents if p.families]


def _explain_away(
    inference: Inference, tables: NDArray[np.float32], parents: list[_Parent], known: _Parent, k: int
) -> set[int]:
    """With one parent of family k pinned down, say anew what the family tells of the other one."""
    prior = inference.states.prior.astype(np.float64)
    belief = (known.message * prior)[None]
    belief = belief / np.maximum(belief.sum(axis=2, keepdims=True), 1e-30)
    for at, parent in enumerate(parents):
        # a parent of several families keeps what it was joined by
        if parent.side != known.side and parent.families == [k]:
            parent.message = _messages(inference, tables, np.array([k]), belief, parent.side)[0]
            return {at}
    return set()


def _all_scores(parents: list[_Parent], prior: Floats, sisters: Floats) -> Floats:
    score = np.full((len(parents), len(parents)), -np.inf)
    for at in range(len(parents)):
        _rescore(score, parents, at, prior, sisters)
    return score


def _rescore(score: Floats, parents: list[_Parent], at: int, prior: Floats, sisters: Floats) -> None:
    """Log odds that a made-up parent and each other one of its side are the same animal."""
    me = parents[at]
    score[at], score[:, at] = -np.inf, -np.inf
    taken = set(me.families)
    others = [
        i
        for i, p in enumerate(parents)
        if i != at and p.side == me.side and p.families and not taken & set(p.families)
    ]
    if not others or not me.families:
        return
    theirs = np.stack([parents[i].message for i in others])
    mine = me.message * prior
    same = _log_sum(np.einsum("ls,mls->ml", mine, theirs))
    sister = _log_sum(np.einsum("ls,mls->ml", np.einsum("ls,lst->lt", mine, sisters), theirs))
    # one animal in as many as there are places of this side, twice as likely a sister as the same
    rare = np.log(len(others) + 1.0)
    odds = same - rare - np.logaddexp(0.0, sister - rare + np.log(2.0))
    score[at, others] = odds
    score[others, at] = odds


def _log_sum(values: Floats) -> Floats:
    total: Floats = np.log(np.maximum(values, 1e-30)).sum(axis=1)
    return total


def _names(parents: list[_Parent], taken: set[str]) -> dict[tuple[int, int], tuple[str, _Parent]]:
    """Names of made-up parents by (family, side), the largest first; never the name of an animal."""
    named: dict[tuple[int, int], tuple[str, _Parent]] = {}
    for side, letter in ((_DAM, "F"), (_SIRE, "M")):
        of_side = [p for p in parents if p.side == side]
        of_side.sort(key=lambda p: (-len(p.families), min(p.families)))
        free = (name for n in range(1, 10**9) if (name := f"{letter}{n:04d}") not in taken)
        for parent, name in zip(of_side, free, strict=False):
            for k in parent.families:
                named[k, side] = (name, parent)
    return named


def _group(
    genotypes: Genotypes,
    inference: Inference,
    k: int,
    members: Ints,
    given: Ints,
    shown: list[tuple[str, _Parent] | tuple[None, None]],
) -> SibGroup:
    assert inference.sibs is not None
    sureties: list[float | None] = []
    names: list[str | None] = []
    for side in (_DAM, _SIRE):
        probability = (inference.dam_probability, inference.sire_probability)[side]
        if given[side] >= 0:
            names.append(genotypes.samples[int(given[side])])
            sureties.append(float(probability[members].mean()))
        else:
            name, parent = shown[side]
            names.append(name)
            sureties.append(parent.surety.get(k) if parent is not None else None)
    return SibGroup(
        members=tuple(genotypes.samples[i] for i in members),
        surety=tuple(float(inference.sibs.surety[i]) for i in members),
        dam=names[_DAM],
        sire=names[_SIRE],
        dam_typed=bool(given[_DAM] >= 0),
        sire_typed=bool(given[_SIRE] >= 0),
        dam_surety=sureties[_DAM],
        sire_surety=sureties[_SIRE],
        sides_known=bool((given >= 0).any()),
    )
