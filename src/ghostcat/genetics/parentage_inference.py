"""From typings to probabilities: laboratory errors, families, posterior of the parents of each animal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.parentage_candidates import Candidates, LifeHistory
from ghostcat.genetics.parentage_families import ParentStates, parent_states
from ghostcat.genetics.parentage_model import MarkerModel, TypingErrors, build_model
from ghostcat.genetics.parentage_posterior import (
    FamilyCandidates,
    Hypotheses,
    Posterior,
    Shares,
    compare_parents,
    weigh,
)
from ghostcat.genetics.sibship import FullSibs, group_full_sibs

__all__ = ["Belief", "Inference", "estimate_errors", "first_errors", "infer"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ERROR_GRID = (
    0.0002,
    0.0005,
    0.001,
    0.002,
    0.004,
    0.006,
    0.008,
    0.01,
    0.0125,
    0.015,
    0.02,
    0.03,
    0.04,
    0.06,
    0.1,
)
_DROPOUT_GRID = (0.0, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3)
_MOST_PARENTS_FOR_ERRORS = 300
#: Members of a family surer than this are not looked at by themselves again.
_SURE_MEMBER = 0.995


@dataclass(frozen=True, eq=False, kw_only=True)
class Belief:
    """Hypotheses and posterior of one way of grouping animals.

    Parameters
    ----------
    family : (n,) family of each animal.
    hypotheses, posterior : of the families.
    """

    family: Ints
    hypotheses: Hypotheses
    posterior: Posterior


@dataclass(frozen=True, eq=False, kw_only=True)
class Inference:
    """Probabilities of the parents of each animal.

    Parameters
    ----------
    model, states : typings and their tables.
    alone : belief with animals by themselves: all of them, or those whose family is not sure.
    together : belief with full sibs as families; None where families were not asked for.
    sibs : the families.
    dam, sire : (n,) most probable typed parent, −1 without any candidate.
    dam_probability, sire_probability : (n,) its probability.
    pair_probability : (n,) probability of both.
    female : (n,) probability of being female, given the parents' roles.
    """

    model: MarkerModel
    states: ParentStates
    alone: Belief
    together: Belief | None
    sibs: FullSibs | None
    dam: Ints
    sire: Ints
    dam_probability: Floats
    sire_probability: Floats
    pair_probability: Floats
    female: Floats

    @property
    def main(self) -> Belief:
        """The belief that odds are read from."""
        return self.together or self.alone


def infer(
    genotypes: Genotypes,
    life: LifeHistory,
    candidates: Candidates,
    *,
    errors: TypingErrors,
    families: bool = True,
    length: int = 6,
    only: Ints | None = None,
) -> Inference:
    """Posterior probabilities of the parents of every animal.

    Parameters
    ----------
    genotypes : one row per animal.
    life : life history of the same animals.
    candidates : who may be whose parent.
    errors : laboratory errors.
    families : use full sibs together?
    length : candidates compared exactly for each family.
    only : animals whose parents are asked for; without families only.
    """
    model = build_model(genotypes, errors)
    states = parent_states(model)
    n = model.n_animals
    inputs = _Inputs(model=model, states=states, life=life, candidates=candidates, length=length)
    if not families or n < 2:
        chosen = np.arange(n) if only is None else only
        alone = _believe_alone(inputs, chosen, None)
        return _blend(inputs, alone, None, None, np.zeros(n))
    parents = (candidates.dam + candidates.sire) > 0
    parents |= parents.T
    sibs = group_full_sibs(
        model,
        states,
        possible=candidates.sibs & _same_known(life),
        classes=candidates.sib_class,
        parents=parents,
    )
    together = _believe(inputs, sibs.log_tables, sibs.family, None)
    unsure = np.flatnonzero(sibs.surety < _SURE_MEMBER)
    shares = together.posterior.shares
    siblings = n / len(sibs.log_tables) - 1.0
    alone = _believe_alone(
        inputs, unsure, replace(shares, sib=float(np.clip(max(shares.sib, siblings), 0.0, 0.5)))
    )
    return _blend(inputs, alone, together, sibs, sibs.surety)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Inputs:
    model: MarkerModel
    states: ParentStates
    life: LifeHistory
    candidates: Candidates
    length: int


def _believe_alone(inputs: _Inputs, animals: Ints, shares: Shares | None) -> Belief:
    """Each of these animals as a family of one."""
    model = inputs.model
    family = np.full(model.n_animals, -1)
    family[animals] = np.arange(len(animals))
    own = inputs.states.child[np.arange(model.n_loci)[None, :], model.classes[animals]]
    return _believe(inputs, own, family, shares)


def _same_known(life: LifeHistory) -> NDArray[np.bool_]:
    same = np.ones((len(life), len(life)), dtype=bool)
    for known in (life.known_dam, life.known_sire):
        given = known >= 0
        same &= ~(given[:, None] & given[None, :] & (known[:, None] != known[None, :]))
    return same


def _believe(inputs: _Inputs, tables: NDArray[np.float32], family: Ints, shares: Shares | None) -> Belief:
    life = inputs.life
    hypotheses = compare_parents(
        inputs.model,
        inputs.states,
        tables,
        family=family,
        candidates=family_candidates(inputs.candidates, life, family),
        length=inputs.length,
    )
    posterior = weigh(hypotheses, known=shares)
    for _ in range(2):
        if not ((life.female > 0) & (life.female < 1)).any():
            break
        female = _sexes(life, Belief(family=family, hypotheses=hypotheses, posterior=posterior))
        chance = female[np.maximum(hypotheses.animals, 0)]
        hypotheses = replace(
            hypotheses,
            dam_weight=np.where(hypotheses.dam_weight > 0, chance, 0.0),
            sire_weight=np.where(hypotheses.sire_weight > 0, 1.0 - chance, 0.0),
        )
        posterior = weigh(hypotheses, known=shares)
    return Belief(family=family, hypotheses=hypotheses, posterior=posterior)


def family_candidates(candidates: Candidates, life: LifeHistory, family: Ints) -> FamilyCandidates:
    """Possible parents of all members of each family; ages by the first member."""
    members = np.flatnonzero(family >= 0)
    first = members[np.unique(family[members], return_index=True)[1]]
    dam, sire = candidates.dam[first].copy(), candidates.sire[first].copy()
    dam_known, sire_known = life.known_dam[first] >= 0, life.known_sire[first] >= 0
    for i in np.setdiff1d(members, first):
        k = family[i]
        np.minimum(dam[k], candidates.dam[i], out=dam[k])
        np.minimum(sire[k], candidates.sire[i], out=sire[k])
        dam_known[k] |= life.known_dam[i] >= 0
        sire_known[k] |= life.known_sire[i] >= 0
    return FamilyCandidates(
        dam=dam,
        sire=sire,
        gap=candidates.gap[first],
        reverse=candidates.reverse,
        dam_known=dam_known,
        sire_known=sire_known,
        n_gaps=candidates.n_gaps,
    )


def _sexes(life: LifeHistory, belief: Belief) -> Floats:
    """(n,) probability of being female: animals of unknown sex by the roles they take as parents."""
    n = len(life)
    odds = np.zeros(n)
    there = belief.hypotheses.animals >= 0
    animals = belief.hypotheses.animals[there]
    dam = belief.posterior.dam[:, :-1][there]
    sire = belief.posterior.sire[:, :-1][there]
    # A role that is hardly taken says nothing about the sex.
    floor = 0.05
    np.add.at(odds, animals, np.log((dam + floor) / (sire + floor)))
    unknown = (life.female > 0) & (life.female < 1)
    prior = np.log(np.clip(life.female, 1e-6, 1 - 1e-6) / np.clip(1 - life.female, 1e-6, 1 - 1e-6))
    revised = 1.0 / (1.0 + np.exp(-np.clip(prior + odds, -12, 12)))
    return np.where(unknown, revised, life.female)


def _blend(
    inputs: _Inputs, alone: Belief, together: Belief | None, sibs: FullSibs | None, surety: Floats
) -> Inference:
    """Average what the family and what the animal alone say, by how surely it belongs to the family."""
    n = inputs.model.n_animals
    by_itself = alone.family >= 0
    parts = [(alone, np.where(by_itself, 1.0 - surety, 0.0))]
    if together:
        parts.append((together, np.where(by_itself, surety, 1.0)))
    tables = np.zeros((2, n, n), dtype=np.float32)
    for belief, weight in parts:
        members = np.flatnonzero(belief.family >= 0)
        animals = belief.hypotheses.animals[belief.family[members]]
        at, columns = np.nonzero(animals >= 0)
        rows = members[at]
        for side, share in enumerate((belief.posterior.dam, belief.posterior.sire)):
            tables[side, rows, animals[at, columns]] += (
                weight[rows] * share[belief.family[rows], columns]
            ).astype(np.float32)
    everyone = np.arange(n)
    dam, sire = tables.argmax(axis=2)
    # One animal of unknown sex is not both parents: it keeps the likelier role.
    for i in np.flatnonzero((dam == sire) & (tables[0, everyone, dam] > 0) & (tables[1, everyone, sire] > 0)):
        weaker = 0 if tables[0, i, dam[i]] < tables[1, i, sire[i]] else 1
        tables[weaker, i, dam[i]] = 0.0
        (dam if weaker == 0 else sire)[i] = tables[weaker, i].argmax()
    of_dam, of_sire = tables[0, everyone, dam], tables[1, everyone, sire]
    pair = sum(weight * _pair_share(belief, dam, sire) for belief, weight in parts)
    return Inference(
        model=inputs.model,
        states=inputs.states,
        alone=alone,
        together=together,
        sibs=sibs,
        dam=np.where(of_dam > 0, dam, -1),
        sire=np.where(of_sire > 0, sire, -1),
        dam_probability=np.minimum(of_dam.astype(np.float64), 1.0),
        sire_probability=np.minimum(of_sire.astype(np.float64), 1.0),
        pair_probability=np.minimum(np.asarray(pair, dtype=np.float64), 1.0),
        female=_sexes(inputs.life, together or alone),
    )


def _pair_share(belief: Belief, dam: Ints, sire: Ints) -> Floats:
    """(n,) posterior probability of each animal's named pair; 0 for animals outside this belief."""
    share = np.zeros(len(dam))
    members = np.flatnonzero(belief.family >= 0)
    animals = belief.hypotheses.animals[belief.family[members]]
    is_dam, is_sire = animals == dam[members, None], animals == sire[members, None]
    pair = belief.posterior.pair[belief.family[members]][:, :-1, :-1]
    share[members] = (pair * is_dam[:, :, None] * is_sire[:, None, :]).sum(axis=(1, 2))
    return share


def typed_share(inference: Inference, side: str) -> float | None:
    """Mean probability that the parent of this side was typed, over animals with candidates."""
    belief = inference.main
    h, p = belief.hypotheses, belief.posterior
    gaps, known = (h.dam_gaps, h.dam_known) if side == "dam" else (h.sire_gaps, h.sire_known)
    some = (gaps.sum(axis=1) > 0) & ~known
    if not some.any():
        return None
    typed = (p.dam if side == "dam" else p.sire)[some, :-1].sum(axis=1)
    return float(np.clip((h.sizes[some] * typed).sum() / h.sizes[some].sum(), 0.0, 1.0))


def trio_log_likelihood(model: MarkerModel, animals: Ints, dams: Ints, sires: Ints) -> Floats:
    """(m,) log P(typing of the animal | its parents); −1 for a parent that was not typed."""
    locus = np.arange(model.n_loci)[None, :]
    freq = np.broadcast_to(model.frequencies, (len(animals), *model.frequencies.shape))
    given = []
    for parents in (dams, sires):
        typed = model.passes[locus, model.classes[np.maximum(parents, 0)]]
        given.append(np.where((parents >= 0)[:, None, None], typed, freq))
    reading = model.reading[locus, model.classes[animals]]
    value = np.einsum("mla,mlab,mlb->ml", given[0], reading, given[1], optimize=True)
    total: Floats = np.log(np.maximum(value, 1e-300)).sum(axis=1)
    return total


def first_errors(genotypes: Genotypes) -> TypingErrors:
    """Errors assumed until they are estimated: 1 % false alleles, dropout from missing heterozygotes.

    Where microsatellites show fewer heterozygotes than Hardy–Weinberg's law expects, the lack is taken
    for dropout (at most 30 %).
    """
    if all(locus.marker == "snp" for locus in genotypes.loci):
        return TypingErrors(false_allele=0.01)
    counts = genotypes.allele_counts().astype(np.float64)
    genes = counts.sum(axis=1)
    shares = counts / np.maximum(genes, 1.0)[:, None]
    expected = (1.0 - (shares**2).sum(axis=1)) * genes / np.maximum(genes - 1.0, 1.0)
    typed = genotypes.typed.sum(axis=0)
    seen, due = genotypes.heterozygous.sum(), (expected * typed).sum()
    lack = 1.0 - seen / due if due > 0 else 0.0
    return TypingErrors(false_allele=0.01, dropout=float(np.clip(lack, 0.01, 0.3)))


def estimate_errors(
    genotypes: Genotypes, inference: Inference, *, dropout: bool, seen: float = 0.5
) -> tuple[TypingErrors, int]:
    """Laboratory errors that make the surest parents likeliest, and from how many animals.

    Parameters
    ----------
    genotypes : the typings `inference` was made of.
    dropout : estimate allelic dropout as well as false alleles?
    seen : probability above which a parent is used. A higher one would choose those without errors.

    Returns
    -------
    TypingErrors and the number of animals with a sure parent; fewer than 20 leave the errors as they were.
    """
    sure_dam = np.where(inference.dam_probability > seen, inference.dam, -1)
    sure_sire = np.where(inference.sire_probability > seen, inference.sire, -1)
    animals = np.flatnonzero((sure_dam >= 0) | (sure_sire >= 0))
    both = (sure_dam[animals] >= 0) & (sure_sire[animals] >= 0)
    animals = animals[np.argsort(~both, kind="stable")][:_MOST_PARENTS_FOR_ERRORS]
    if len(animals) < 20:
        return inference.model.errors, len(animals)
    used = np.unique(np.concatenate([animals, sure_dam[animals], sure_sire[animals]]))
    used = used[used >= 0]
    place = np.full(len(genotypes) + 1, -1)
    place[used] = np.arange(len(used))
    part = genotypes.select(used)
    freq = inference.model.frequencies
    rows = (place[animals], place[sure_dam[animals]], place[sure_sire[animals]])

    def fit(false_allele: float, lost: float) -> float:
        model = build_model(part, TypingErrors(false_allele=false_allele, dropout=lost), frequencies=freq)
        return float(trio_log_likelihood(model, *rows).sum())

    best = (inference.model.errors.false_allele, inference.model.errors.dropout)
    for _ in range(2 if dropout else 1):
        best = (max(_ERROR_GRID, key=lambda e: fit(e, best[1])), best[1])
        if dropout:
            best = (best[0], max(_DROPOUT_GRID, key=lambda d: fit(best[0], d)))
    return TypingErrors(false_allele=best[0], dropout=best[1]), len(animals)
