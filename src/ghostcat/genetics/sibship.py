"""Sibship groups: who shares both parents, by joint likelihood, whether or not a parent was typed.

Families start as single animals. The two families that most surely share both parents are joined, against
the alternatives that they share one parent or none, until no join is more likely than not; then single
animals are moved where they fit better, until nothing moves.

References
----------
Thomas & Hill (2002) Genet. Res. 79:227–234; Wang (2004) Genetics 166:1963–1979.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.parentage_families import ParentStates, log_total, one_parent
from ghostcat.genetics.parentage_model import MarkerModel, full_sib_log_ratios, pair_log_ratios

__all__ = ["FullSibs", "group_full_sibs"]

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Pairs of families are compared only when two of their members are at least this likely (log odds).
_WORTH_COMPARING = -5.0
_SWEEPS = 12
_CLEARLY_STRANGERS = -4.0


@dataclass(frozen=True, eq=False, kw_only=True)
class FullSibs:
    """Animals grouped by shared parents.

    Parameters
    ----------
    family : (n,) number of each animal's family.
    log_tables : (n_families, L, S·S) joint log likelihood of the family over its parents' genotypes.
    surety : (n,) probability that the animal belongs with its family rather than elsewhere; 1 alone.
    shares : (classes, 4) shares of full sibs, half sibs (or alike), strangers, parent with offspring.
    """

    family: Ints
    log_tables: Floats32
    surety: Floats
    shares: Floats


@dataclass(frozen=True, eq=False)
class _Odds:
    """Log shares of full sibs, half sibs and strangers by class of pair, (classes, 4) and (n, n)."""

    log_shares: Floats32
    classes: NDArray[np.int8]

    def __call__(
        self, full: NDArray[np.floating], half: NDArray[np.floating], rows: Ints, columns: Ints
    ) -> Floats:
        kind = self.classes[rows, columns]
        odds: Floats = (
            self.log_shares[:, 0][kind]
            + full
            - np.logaddexp(self.log_shares[:, 1][kind] + half, self.log_shares[:, 2][kind])
        )
        return odds


def pair_shares(full: Floats32, half: Floats32, parent: Floats32, *, rounds: int = 60) -> Floats:
    """(4,) shares of full sibs, half sibs, strangers and parent with offspring among pairs.

    By expectation and maximisation over log likelihood ratios to strangers; −inf where impossible.
    """
    count = len(full)
    # Most pairs are strangers beyond doubt; they only count.
    open_ = np.maximum(np.maximum(full, half), parent) > _CLEARLY_STRANGERS
    logs = np.stack([full[open_], half[open_], np.zeros(int(open_.sum())), parent[open_]]).astype(np.float64)
    likelihood = np.exp(logs - logs.max(axis=0, initial=0.0))
    strangers = np.array([0.0, 0.0, count - likelihood.shape[1], 0.0])
    shares = np.array([0.01, 0.05, 0.93, 0.01])
    for _ in range(rounds):
        weight = shares[:, None] * likelihood
        weight /= weight.sum(axis=0)
        revised = (weight.sum(axis=1) + strangers + np.array([0.1, 0.5, 10.0, 0.1])) / (count + 10.7)
        settled = np.abs(revised - shares).max() < 1e-6
        shares = revised
        if settled:
            break
    return shares


def group_full_sibs(
    model: MarkerModel,
    states: ParentStates,
    *,
    possible: NDArray[np.bool_],
    classes: NDArray[np.int8],
    parents: NDArray[np.bool_],
    caution: float = 1.0,
) -> FullSibs:
    """Group animals into full-sib families.

    Parameters
    ----------
    model, states : typings and their tables.
    possible : (n, n) may these two be full sibs?
    classes : (n, n) class of each pair; how common full sibs are is estimated per class.
    parents : (n, n) may one of the two be the other's parent? Then full sibs must fit better than that.
    caution : log odds a join must have.

    Returns
    -------
    FullSibs.
    """
    own = states.child[np.arange(model.n_loci)[None, :], model.classes]
    n = model.n_animals
    upper = np.triu(possible, 1)
    full = full_sib_log_ratios(model)
    half = pair_log_ratios(model, 0.5)
    parent = np.where(parents, pair_log_ratios(model, 1.0), np.float32(-np.inf))
    shares = np.tile([0.0, 0.0, 1.0, 0.0], (int(classes.max(initial=0)) + 1, 1))
    for kind in range(len(shares)):
        of_kind = upper & (classes == kind)
        if of_kind.any():
            shares[kind] = pair_shares(full[of_kind], half[of_kind], parent[of_kind])
    odds_of = _Odds(np.log(np.maximum(shares, 1e-12)).astype(np.float32), classes)
    everyone = np.arange(n)
    odds = odds_of(full, half, everyone[:, None], everyone[None, :])
    # one of the two as the other's parent: a likelier reading is never a family
    lead = odds_of.log_shares[:, 0] - odds_of.log_shares[:, 3]
    barred = full + lead[classes] < parent
    near = possible & (odds > _WORTH_COMPARING) & ~barred
    np.fill_diagonal(near, False)
    if not near.any():
        return FullSibs(family=everyone, log_tables=own, surety=np.ones(n), shares=shares)
    family = _join(own, odds, near, barred, states, odds_of, caution)
    family, surety = _settle(own, near, barred, family, states, odds_of, caution)
    return FullSibs(family=family, log_tables=_family_tables(own, family), surety=surety, shares=shares)


def _family_tables(own: Floats32, family: Ints) -> Floats32:
    count = int(family.max()) + 1
    tables = np.zeros((count, *own.shape[1:]), dtype=own.dtype)
    np.add.at(tables, family, own)
    return tables


def _pair_gains(
    a: Floats32, b: Floats32, rows: Ints, columns: Ints, states: ParentStates, odds_of: _Odds
) -> Floats:
    """Log odds that two families (m, L, S·S) share both parents, against one or none."""
    gain = np.empty(len(a))
    step = max(1, 4_000_000 // max(a[0].size, 1))
    for at in range(0, len(a), step):
        x, y = a[at : at + step], b[at : at + step]
        apart = log_total(x, states) + log_total(y, states)
        together = log_total(x + y, states) - apart
        (mine, log_mine), (yours, log_yours) = one_parent(x, states), one_parent(y, states)
        shared = np.maximum(np.einsum("mls,mls,ls->ml", mine, yours, states.prior), 1e-35)
        half = np.log(shared).sum(axis=-1, dtype=np.float64) + log_mine + log_yours - apart
        gain[at : at + step] = odds_of(together, half, rows[at : at + step], columns[at : at + step])
    return gain


def _join(
    own: Floats32,
    odds: Floats,
    near: NDArray[np.bool_],
    barred: NDArray[np.bool_],
    states: ParentStates,
    odds_of: _Odds,
    caution: float,
) -> Ints:
    """Join families best first; all pairs that are each other's best join in one round."""
    n = len(own)
    tables, barred = own.copy(), barred.copy()
    score = np.where(near, odds, -np.inf)
    members = [[i] for i in range(n)]
    while True:
        best = score.argmax(axis=1)
        value = score[np.arange(n), best]
        first = np.flatnonzero((value > caution) & (best[best] == np.arange(n)) & (np.arange(n) < best))
        if not first.size:
            break
        for i in first:
            j = int(best[i])
            members[i] += members[j]
            members[j] = []
            tables[i] += tables[j]
            barred[i] |= barred[j]
            barred[:, i] |= barred[:, j]
            linked = (np.isfinite(score[i]) | np.isfinite(score[j])) & ~barred[i]
            score[j], score[:, j] = -np.inf, -np.inf
            score[i], score[:, i] = np.where(linked, 0.0, -np.inf), np.where(linked, 0.0, -np.inf)
            score[i, i] = score[i, j] = score[j, i] = -np.inf
        alive = np.array([bool(m) for m in members])
        score[:, ~alive] = -np.inf
        touched = np.zeros((n, n), dtype=bool)
        touched[first] = True
        touched |= touched.T
        rows, columns = np.nonzero(touched & np.isfinite(score))
        once = rows < columns
        rows, columns = rows[once], columns[once]
        if rows.size:
            gain = _pair_gains(tables[rows], tables[columns], rows, columns, states, odds_of)
            score[rows, columns] = score[columns, rows] = gain
    family = np.empty(n, dtype=np.int64)
    for number, group in enumerate(g for g in members if g):
        family[group] = number
    return family


def _settle(
    own: Floats32,
    near: NDArray[np.bool_],
    barred: NDArray[np.bool_],
    family: Ints,
    states: ParentStates,
    odds_of: _Odds,
    caution: float,
) -> tuple[Ints, Floats]:
    """Move single animals to the family (or to a place of their own) where they fit best."""
    n = len(family)
    family = family.copy()
    tables = np.zeros_like(own)
    np.add.at(tables, family, own)
    gains = np.full((n, n), -np.inf)
    changed = np.ones(n, dtype=bool)
    near_pairs, barred_pairs = np.nonzero(near), np.nonzero(barred)
    for _ in range(_SWEEPS):
        sizes = np.bincount(family, minlength=n)
        _refresh(
            gains,
            changed & (sizes > 0),
            family,
            sizes,
            own,
            tables,
            near_pairs,
            barred_pairs,
            states,
            odds_of,
        )
        surety, best, where, now = _places(gains, family, sizes, caution)
        moves = np.flatnonzero((where != family) & (best > now + 0.1) & ((where >= 0) | (sizes[family] > 1)))
        if not moves.size:
            break
        changed[:] = False
        busy = np.zeros(n, dtype=bool)
        for i in moves[np.argsort(-(best[moves] - now[moves]), kind="stable")]:
            source = int(family[i])
            empty = np.flatnonzero((sizes == 0) & ~busy)
            if where[i] < 0 and not empty.size:
                continue
            target = int(where[i]) if where[i] >= 0 else int(empty[0])
            if busy[source] or busy[target]:
                continue
            busy[source] = busy[target] = changed[source] = changed[target] = True
            tables[source] -= own[i]
            tables[target] += own[i]
            family[i] = target
    sizes = np.bincount(family, minlength=n)
    _refresh(
        gains, changed & (sizes > 0), family, sizes, own, tables, near_pairs, barred_pairs, states, odds_of
    )
    surety = _places(gains, family, sizes, caution)[0]
    return np.unique(family, return_inverse=True)[1], surety


def _refresh(
    gains: Floats,
    changed: NDArray[np.bool_],
    family: Ints,
    sizes: Ints,
    own: Floats32,
    tables: Floats32,
    near: tuple[Ints, ...],
    barred: tuple[Ints, ...],
    states: ParentStates,
    odds_of: _Odds,
) -> None:
    """Log odds of every animal with every family that changed; −inf where it cannot belong."""
    n = len(family)
    which = np.flatnonzero(changed)
    gains[:, sizes == 0] = -np.inf
    if not which.size:
        return
    column_of = np.full(n, -1)
    column_of[which] = np.arange(len(which))
    reach = np.zeros((n, len(which) + 1), dtype=bool)  # the last column is for families that did not change
    reach[near[0], column_of[family[near[1]]]] = True
    reach[barred[0], column_of[family[barred[1]]]] = False
    home_column = column_of[family]
    reach[np.arange(n), home_column] = sizes[family] > 1
    reach = reach[:, :-1]
    gains[:, which] = -np.inf
    animal, column = np.nonzero(reach)
    if not animal.size:
        return
    to = which[column]
    goal = tables[to]
    home = family[animal] == to
    goal[home] -= own[animal[home]]
    first = np.full(n, -1)
    rows = np.arange(n)[::-1]
    first[family[rows]] = rows
    # at home the animal is compared with another member than itself
    partner = first[to]
    itself = partner == animal
    if itself.any():
        last = np.full(n, -1)
        last[family] = np.arange(n)
        partner[itself] = last[to[itself]]
    gains[animal, to] = _pair_gains(goal, own[animal], partner, animal, states, odds_of)


def _places(gains: Floats, family: Ints, sizes: Ints, caution: float) -> tuple[Floats, Floats, Ints, Floats]:
    """Surety at home, best log odds, best place (−1 is alone), log odds at home of each animal."""
    n = len(family)
    everyone = np.arange(n)
    where = gains.argmax(axis=1)
    best = gains[everyone, where]
    where = np.where(best > caution, where, -1)
    best = np.maximum(best, caution)
    now = np.where(sizes[family] > 1, gains[everyone, family], caution)
    total = np.exp(np.minimum(gains - best[:, None], 0.0)).sum(axis=1) + np.exp(caution - best)
    surety = np.exp(np.minimum(now - best, 0.0)) / total
    return surety, best, where, now
