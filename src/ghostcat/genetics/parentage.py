"""Parentage: who are the mother and the father, with what odds, and how often is such a claim wrong?

No parent is given without its posterior probability, its odds against the likeliest other explanation and
the share of such parents that are wrong in a simulation of the same data.

References
----------
Marshall et al. (1998) Mol. Ecol. 7:639–655; Kalinowski et al. (2007) Mol. Ecol. 16:1099–1106;
Jones & Ardren (2003) Mol. Ecol. 12:2511–2523; Huisman (2017) Mol. Ecol. Resour. 17:1009–1024.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.parentage_candidates import CandidateRules, Candidates, LifeHistory, find_candidates
from ghostcat.genetics.parentage_dummies import SibGroup, group_sibs
from ghostcat.genetics.parentage_inference import (
    Belief,
    Inference,
    estimate_errors,
    first_errors,
    infer,
    trio_log_likelihood,
    typed_share,
)
from ghostcat.genetics.parentage_model import TypingErrors, expected_parent_lod
from ghostcat.genetics.parentage_thresholds import (
    CriticalValue,
    SimulatedParents,
    confidences,
    critical_value,
    lead,
    simulate_parents,
    wilson,
)

__all__ = ["Assignment", "Parentage", "SamplingFraction", "assign_parents"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Animals looked at for the laboratory errors.
_ANIMALS_FOR_ERRORS = 400
#: Families with candidates below which no share of typed parents is stated.
_LEAST_FAMILIES = 5
LN10 = float(np.log(10.0))


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Parents of one animal.

    Parameters
    ----------
    id : the animal.
    dam, sire : its parents; None where none is given.
    best_dam, best_sire : the likeliest typed candidate, given or not; None without candidates.
    dam_probability, sire_probability, pair_probability : posterior probability of the likeliest candidate,
        and of both.
    lod_dam, lod_sire, lod_pair : natural log of the likelihood as parent(s) over that as strangers.
    delta_dam, delta_sire : lead in LOD over the next candidate (all full sibs of the family together).
    llr_dam, llr_sire, llr_pair : log10 of the likelihood as parent(s) over that of the likeliest other
        explanation: another candidate, or a sibling, parent, aunt … of the animal.
    oh_dam, oh_sire : loci without a shared allele.
    me_pair : loci at which the genotype does not follow from both parents.
    loci_dam, loci_sire : loci typed in both.
    """

    id: str
    dam: str | None
    sire: str | None
    best_dam: str | None
    best_sire: str | None
    dam_probability: float
    sire_probability: float
    pair_probability: float
    lod_dam: float | None
    lod_sire: float | None
    lod_pair: float | None
    delta_dam: float | None
    delta_sire: float | None
    llr_dam: float | None
    llr_sire: float | None
    llr_pair: float | None
    oh_dam: int | None
    oh_sire: int | None
    me_pair: int | None
    loci_dam: int | None
    loci_sire: int | None


@dataclass(frozen=True, kw_only=True)
class SamplingFraction:
    """Share of parents that were typed, with a 95 % interval; `families` it rests on."""

    estimate: float
    interval: tuple[float, float]
    families: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Parentage:
    """Result of a parentage analysis.

    Parameters
    ----------
    assignments : one per animal, in the order of the typings.
    errors : laboratory errors used.
    errors_estimated : were they estimated? From `errors_animals` animals with a sure parent.
    dams_sampled, sires_sampled : share of parents that were typed; None with fewer than five families that
        have candidates, and where the markers are too weak to say (`expected_lod` below `needed_lod`).
    expected_lod : mean LOD (natural log) that a true parent has with these markers.
    needed_lod : what it needs to stand out among the candidates: log of their mean number, and 1.
    critical : rules for the stated confidence first, others for comparison.
    confidence : stated confidence.
    replicates : simulated data sets behind the rules.
    groups : full-sib groups and their parents, typed or made up.
    inference : everything behind it.
    """

    assignments: tuple[Assignment, ...]
    errors: TypingErrors
    errors_estimated: bool
    errors_animals: int
    dams_sampled: SamplingFraction | None
    sires_sampled: SamplingFraction | None
    expected_lod: float
    needed_lod: float
    critical: tuple[CriticalValue, ...]
    confidence: float
    replicates: int
    groups: tuple[SibGroup, ...]
    inference: Inference


def assign_parents(
    genotypes: Genotypes,
    life: LifeHistory | None = None,
    *,
    rng: np.random.Generator,
    rules: CandidateRules | None = None,
    errors: TypingErrors | None = None,
    confidence: float = 0.99,
    families: bool = True,
    replicates: int | None = None,
) -> Parentage:
    """Find the parents of every animal among all others.

    Parameters
    ----------
    genotypes : one row per animal.
    life : sex, birth, death, place and known parents of the same animals; nothing known when None.
    rng : randomness of the simulations behind the critical values.
    rules : limits of age and distance.
    errors : laboratory errors; estimated from the surest parents when None.
    confidence : share of given parents that should be right.
    families : use full sibs together and report sibship groups?
    replicates : simulated data sets; chosen by the size of the data when None.

    Raises
    ------
    ParameterError : two rows of one animal, a life history of other length, a confidence outside 0.5…1.
    EstimateRefused : fewer than two animals, or no locus with two alleles.
    """
    rules = rules or CandidateRules()
    life = life or LifeHistory.unknown(len(genotypes))
    _check(genotypes, life, confidence)
    candidates = find_candidates(life, rules)
    used, animals = errors or first_errors(genotypes), 0
    if errors is None:
        some = rng.permutation(len(genotypes))[:_ANIMALS_FOR_ERRORS]
        first = infer(genotypes, life, candidates, errors=used, families=False, only=np.sort(some))
        dropout = any(locus.marker == "microsatellite" for locus in genotypes.loci)
        used, animals = estimate_errors(genotypes, first, dropout=dropout)
    inference = infer(genotypes, life, candidates, errors=used, families=families)
    simulated = simulate_parents(
        genotypes, life, candidates, inference, rng=rng, replicates=replicates, families=families
    )
    critical = tuple(
        critical_value(simulated, side, level, real=real)
        for level in confidences(confidence)
        for side, real in (("dam", inference.dam_probability), ("sire", inference.sire_probability))
    )
    rule = {c.side: c.probability for c in critical if c.confidence == confidence}
    expected, needed = expected_parent_lod(inference.model), _needed_lod(candidates)
    dam = np.where(inference.dam_probability >= rule["dam"], inference.dam, -1)
    sire = np.where(inference.sire_probability >= rule["sire"], inference.sire, -1)
    return Parentage(
        assignments=_assignments(genotypes, inference, dam, sire),
        errors=used,
        errors_estimated=errors is None and animals >= 20,
        errors_animals=animals,
        dams_sampled=_sampled(inference, simulated, "dam") if expected >= needed else None,
        sires_sampled=_sampled(inference, simulated, "sire") if expected >= needed else None,
        expected_lod=expected,
        needed_lod=needed,
        critical=critical,
        confidence=confidence,
        replicates=simulated.replicates,
        groups=group_sibs(genotypes, inference, dam, sire) if families else (),
        inference=inference,
    )


def _needed_lod(candidates: Candidates) -> float:
    counts = np.concatenate([candidates.dam.sum(axis=1), candidates.sire.sum(axis=1)])
    counts = counts[counts > 0]
    return 1.0 + float(np.log(max(counts.mean(), 1.0))) if counts.size else 1.0


def _check(genotypes: Genotypes, life: LifeHistory, confidence: float) -> None:
    if genotypes.replicated:
        twice = next(s for s in genotypes.samples if genotypes.samples.count(s) > 1)
        raise ParameterError(
            f"animal {twice!r} has more than one row", fix="Make one consensus genotype of each animal first."
        )
    if len(life) != len(genotypes):
        raise ParameterError(f"{len(life)} life histories for {len(genotypes)} animals")
    if not 0.5 <= confidence < 1.0:
        raise ParameterError(
            f"the confidence is {confidence}", fix="Give a share from 0.5 to below 1, for example 0.95."
        )
    if len(genotypes) < 2:
        raise EstimateRefused(
            f"parentage needs at least two animals, not {len(genotypes)}",
            code="one_animal",
            fix="Give the genotypes of offspring and candidates in one file.",
        )
    if not (genotypes.n_alleles > 1).any():
        raise EstimateRefused(
            "no locus has two alleles, so nothing tells relatives from strangers",
            code="no_variation",
            fix="Use markers that vary in this population.",
        )


def _sampled(inference: Inference, simulated: SimulatedParents, side: str) -> SamplingFraction | None:
    """Share of parents typed, less the bias that the same estimator had in simulation.

    Busy parents and their many offspring make an untyped parent look likelier than it is, the more so
    the weaker the markers; the simulated sets, of which the share is known, show by how much.
    """
    share = typed_share(inference, side)
    if share is None:
        return None
    belief = inference.main
    h, p = belief.hypotheses, belief.posterior
    gaps, known = (h.dam_gaps, h.dam_known) if side == "dam" else (h.sire_gaps, h.sire_known)
    some = (gaps.sum(axis=1) > 0) & ~known
    count = int(some.sum())
    if count < _LEAST_FAMILIES:
        return None
    typed = (p.dam if side == "dam" else p.sire)[some, :-1].sum(axis=1)
    prior = p.shares.dam_sampled if side == "dam" else p.shares.sire_sampled
    low, high = _likely_shares(typed, prior, share)
    missed = simulated.typed_share[side]
    shift = float(missed.mean()) if missed.size else 0.0
    spread = 1.96 * float(missed.std(ddof=1)) if missed.size > 2 else 0.0
    estimate = float(np.clip(share + shift, 0.0, 1.0))
    few = wilson(estimate * count, count)
    return SamplingFraction(
        estimate=estimate,
        interval=(
            min(float(np.clip(estimate - max(share - low, spread), 0.0, 1.0)), few[0]),
            max(float(np.clip(estimate + max(high - share, spread), 0.0, 1.0)), few[1]),
        ),
        families=count,
    )


def _likely_shares(typed: Floats, prior: float, share: float) -> tuple[float, float]:
    """Shares whose log likelihood lies within 1.92 of the greatest; `typed` is posterior under `prior`.

    Where genotypes say little, families say little about the share, and the interval is wide.
    """
    grid = np.linspace(0.001, 0.999, 999)
    for_typed, for_untyped = typed / prior, (1.0 - typed) / (1.0 - prior)
    logs = np.log(np.maximum(grid[:, None] * for_typed + (1.0 - grid[:, None]) * for_untyped, 1e-300)).sum(
        axis=1
    )
    inside = grid[logs >= logs.max() - 1.92]
    return min(float(inside[0]), share), max(float(inside[-1]), share)


def _assignments(genotypes: Genotypes, inference: Inference, dam: Ints, sire: Ints) -> tuple[Assignment, ...]:
    model, n = inference.model, len(genotypes)
    everyone = np.arange(n)
    nobody = np.full(n, -1)
    strangers = trio_log_likelihood(model, everyone, nobody, nobody)
    lod_dam = trio_log_likelihood(model, everyone, inference.dam, nobody) - strangers
    lod_sire = trio_log_likelihood(model, everyone, nobody, inference.sire) - strangers
    lod_pair = trio_log_likelihood(model, everyone, inference.dam, inference.sire) - strangers
    counts = mismatches(genotypes, inference.dam, inference.sire)
    delta_dam, delta_sire = lead(inference, "dam"), lead(inference, "sire")
    rows = []
    for i in range(n):
        d, s = int(inference.dam[i]), int(inference.sire[i])
        has_d, has_s = d >= 0, s >= 0
        llr = log_ratios(inference, i, int(dam[i]), int(sire[i]))
        rows.append(
            Assignment(
                id=genotypes.samples[i],
                dam=genotypes.samples[d] if dam[i] >= 0 else None,
                sire=genotypes.samples[s] if sire[i] >= 0 else None,
                best_dam=genotypes.samples[d] if has_d else None,
                best_sire=genotypes.samples[s] if has_s else None,
                dam_probability=float(inference.dam_probability[i]),
                sire_probability=float(inference.sire_probability[i]),
                pair_probability=float(inference.pair_probability[i]) if has_d and has_s else 0.0,
                lod_dam=float(lod_dam[i]) if has_d else None,
                lod_sire=float(lod_sire[i]) if has_s else None,
                lod_pair=float(lod_pair[i]) if has_d and has_s else None,
                delta_dam=float(delta_dam[i]) if has_d else None,
                delta_sire=float(delta_sire[i]) if has_s else None,
                llr_dam=llr[0],
                llr_sire=llr[1],
                llr_pair=llr[2],
                oh_dam=int(counts[0][i]) if has_d else None,
                oh_sire=int(counts[1][i]) if has_s else None,
                me_pair=int(counts[2][i]) if has_d and has_s else None,
                loci_dam=int(counts[3][i]) if has_d else None,
                loci_sire=int(counts[4][i]) if has_s else None,
            )
        )
    return tuple(rows)


def mismatches(genotypes: Genotypes, dams: Ints, sires: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Loci that contradict each dam, each sire and each pair, and loci typed with dam and with sire.

    A pair is contradicted where no allele of one parent together with one of the other makes the
    genotype; a parent without a typing there could have passed on anything.
    """
    child, typed = genotypes.alleles, genotypes.typed
    found = []
    shared = []
    for parents in (dams, sires):
        theirs = genotypes.alleles[np.maximum(parents, 0)]
        known = typed[np.maximum(parents, 0)] & (parents >= 0)[:, None]
        # (n, L, 2): may this allele of the offspring come from the parent?
        gives = (child[:, :, :, None] == theirs[:, :, None, :]).any(axis=3) | ~known[:, :, None]
        shared.append(gives)
        found.append(((~gives.any(axis=2) & typed).sum(axis=1), (known & typed).sum(axis=1)))
    works = (shared[0][:, :, 0] & shared[1][:, :, 1]) | (shared[0][:, :, 1] & shared[1][:, :, 0])
    pair = (~works & typed).sum(axis=1)
    return found[0][0], found[1][0], pair, found[0][1], found[1][1]


def log_ratios(
    inference: Inference, animal: int, dam: int, sire: int
) -> tuple[float | None, float | None, float | None]:
    """log10 odds of the given dam, sire and pair against the likeliest other explanation of the typings."""
    if dam < 0 and sire < 0:
        return None, None, None
    for belief in (inference.main, inference.alone):
        found = _log_ratios(belief, animal, dam, sire)
        if found is not None:
            return found
    rows = np.full(4, animal)
    logs = trio_log_likelihood(
        inference.model, rows, np.array([dam, -1, dam, -1]), np.array([sire, sire, -1, -1])
    )
    return (
        float((logs[0] - logs[1]) / LN10) if dam >= 0 else None,
        float((logs[0] - logs[2]) / LN10) if sire >= 0 else None,
        float((logs[0] - logs[1:].max()) / LN10) if dam >= 0 and sire >= 0 else None,
    )


def _log_ratios(
    belief: Belief, animal: int, dam: int, sire: int
) -> tuple[float | None, float | None, float | None] | None:
    h, k = belief.hypotheses, int(belief.family[animal])
    if k < 0:
        return None
    length = h.animals.shape[1]
    place = {int(a): at for at, a in enumerate(h.animals[k]) if a >= 0}
    if (dam >= 0 and dam not in place) or (sire >= 0 and sire not in place):
        return None
    who = np.concatenate([[-1], np.tile(h.animals[k], 4)])
    possible = np.concatenate([[True], np.tile(h.animals[k] >= 0, 4)])
    table = np.where(possible[:, None] & possible[None, :], h.log_pair[k].astype(np.float64), -np.inf)
    table = np.where((who[:, None] == who[None, :]) & (who >= 0)[:, None], -np.inf, table)
    table[1 : 1 + length][h.dam_weight[k] <= 0] = -np.inf
    table[:, 1 : 1 + length][:, h.sire_weight[k] <= 0] = -np.inf
    at_dam = 1 + place[dam] if dam >= 0 else 0
    at_sire = 1 + place[sire] if sire >= 0 else 0
    value = table[at_dam, at_sire]
    if not np.isfinite(value):
        return None  # impossible for the family as a whole: the animal is judged alone
    sib = float(h.log_sib[k].max(initial=-np.inf))
    others = table.copy()
    others[at_dam, at_sire] = -np.inf
    of_dam = max(others[:, at_sire].max(), sib if sire < 0 else -np.inf)
    of_sire = max(others[at_dam].max(), sib if dam < 0 else -np.inf)
    return (
        float((value - of_dam) / LN10) if dam >= 0 else None,
        float((value - of_sire) / LN10) if sire >= 0 else None,
        float((value - max(others.max(), sib)) / LN10) if dam >= 0 and sire >= 0 else None,
    )
