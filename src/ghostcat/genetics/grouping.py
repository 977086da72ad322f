"""Which samples are the same animal: the posterior of all ways to group them.

Nothing is decided by a number of mismatches. The posterior runs over partitions of the samples,
with the allele frequencies, the error rates, the shares of relatives and the unevenness of sampling
drawn anew between sweeps, each from its posterior given the partition of the moment: so their
uncertainty, too, is in the number of animals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics._partition_chain import Chain, canonical
from ghostcat.genetics.error_rates import (
    ErrorRates,
    copy_error,
    expected_errors,
    reading_probabilities,
    sample_log_likelihoods,
)
from ghostcat.genetics.kin import draw_shares, kin_ratios, parent_log_factor
from ghostcat.genetics.matching import RELATIONSHIPS, Population, Summaries, pair_log_ratios, summarise
from ghostcat.genetics.partition_prior import SHAPES, PartitionPrior
from ghostcat.genetics.reactions import Floats, Ints, Reactions, normalised_frequencies

__all__ = ["Grouping", "GroupingSettings", "group_samples"]

#: Pairs whose evidence for one animal is below this (natural log) are never tried together.
_TOO_UNLIKE = -7.0


@dataclass(frozen=True, kw_only=True)
class GroupingSettings:
    """How the posterior is drawn.

    Parameters
    ----------
    theta : background kinship of animals that are not close relatives.
    relatives : chances that an animal is a half-sib, a parent or offspring, or a full sib of another
        sampled one, or the offspring of two, before the data speak; the rest are strangers to all.
    relatives_weight : weight of those chances, in animals.
    kin_numbers : how many relatives of a kind an animal has if it has any; nobody knows, so all of
        these are tried in turn.
    error_weight : weight of the assumed or estimated starting rates, in readings; infinite holds them.
    epochs, sweeps, burn_in : draws of frequencies and rates; sweeps after each; epochs thrown away.
    chains : independent chains, the first from a greedy grouping, the others from all apart.
    """

    theta: float = 0.01
    relatives: tuple[float, float, float, float] = (0.1, 0.2, 0.2, 0.2)
    relatives_weight: float = 20.0
    kin_numbers: tuple[float, ...] = (1.0, 2.0, 4.0)
    error_weight: float = 200.0
    epochs: int = 20
    sweeps: int = 6
    burn_in: int = 6
    chains: int = 2

    def __post_init__(self) -> None:
        if min(self.epochs - self.burn_in, self.sweeps, self.chains) < 1 or self.burn_in < 1:
            raise ParameterError(
                f"{self.epochs} epochs with {self.burn_in} thrown away, {self.sweeps} sweeps, "
                f"{self.chains} chains leave no draw",
                fix="Use at least one of each, and more epochs than are thrown away.",
            )
        if min(self.relatives) < 0 or sum(self.relatives) >= 1:
            raise ParameterError(
                f"relatives are {self.relatives}", fix="Give four chances that sum to less than 1."
            )

    @property
    def prior_shares(self) -> Floats:
        """(5,) of `KIN`."""
        return np.array([1.0 - sum(self.relatives), *self.relatives])


@dataclass(frozen=True, eq=False)
class Draw:
    """Parameters at one moment of the chain."""

    frequencies: Floats
    dropout: Floats
    false_allele: Floats
    shares: Floats
    kin_number: float
    shape: int


@dataclass(frozen=True, eq=False)
class Grouping:
    """The posterior of partitions, as draws."""

    samples: tuple[str, ...]
    labels: NDArray[np.intp]
    """(D, S) group of each sample in each draw, groups numbered by first member."""
    chain_of: Ints
    """(D,) which chain each draw is from."""
    log_likelihood: Floats
    """(S, L, G) at the mean rates."""
    population: Population
    """Frequencies averaged over the draws: each animal weighs one."""
    dropout: Floats
    """(draws of parameters, L)."""
    false_allele: Floats
    shares: Floats
    """(5,) mean shares of `KIN`: what an animal is to the others."""
    population_size: NDArray[np.int64]
    """(D,) draws of the number of animals that could have left samples."""

    @property
    def n_animals(self) -> NDArray[np.intp]:
        """(D,) number of animals in each draw."""
        return np.asarray(self.labels.max(axis=1) + 1)

    def together(self) -> Floats:
        """(S, S) share of draws in which two samples are one animal."""
        n = self.labels.shape[1]
        shared = np.zeros((n, n))
        for row in self.labels:
            shared += row[:, None] == row[None, :]
        return shared / len(self.labels)


def group_samples(
    reactions: Reactions,
    *,
    rates: ErrorRates,
    rng: np.random.Generator,
    settings: GroupingSettings | None = None,
) -> Grouping:
    """Draw from the posterior of partitions of samples into animals.

    Parameters
    ----------
    reactions : readings, replicates included; samples without any reading stay apart.
    rates : where the error rates start, and what they lean on.
    rng : seeded generator; the same seed gives the same draws.

    References
    ----------
    Miller & Harrison (2018) JASA 113:340–356 (prior of partitions); Johnson & Haydon (2007) Genetics
    175:827–842 (errors); Neal (2000) J. Comp. Graph. Stat. 9:249–265 (algorithm 3).
    """
    settings = settings or GroupingSettings()
    prior = PartitionPrior.of(len(reactions))
    same, against_sibs = _same_animal(reactions, rates, settings)
    neighbours = [np.flatnonzero(row > _TOO_UNLIKE) for row in same]
    draws: list[NDArray[np.intp]] = []
    parameters: list[Draw] = []
    sizes: list[int] = []
    chain_of: list[int] = []
    for number in range(settings.chains):
        labels = np.arange(len(reactions))
        if number == 0:
            labels = _greedy(same, against_sibs)
        now = _start(reactions, rates, settings)
        for epoch in range(settings.epochs):
            now = _redraw(reactions, labels, now, rates, prior, settings, rng)
            chain = _chain(reactions, labels, now, neighbours, prior, settings)
            for _ in range(settings.sweeps):
                chain.sweep(rng)
                if epoch >= settings.burn_in:
                    draws.append(canonical(chain.label))
                    sizes.append(prior.draw_population(chain.n_animals, now.shape, rng))
                    chain_of.append(number)
            labels = canonical(chain.label)
            if epoch >= settings.burn_in:
                parameters.append(now)
    return _gather(reactions, draws, chain_of, parameters, sizes, settings)


def _likelihood(reactions: Reactions, dropout: Floats, false_allele: Floats) -> Floats:
    probabilities = reading_probabilities(
        reactions.table, reactions.n_alleles, dropout=dropout, false_allele=false_allele
    )
    return sample_log_likelihoods(reactions, probabilities)


def _same_animal(
    reactions: Reactions, rates: ErrorRates, settings: GroupingSettings
) -> tuple[Floats, Floats]:
    """(S, S) log evidence for one animal against two strangers, and against two full sibs.

    Under generous error rates, so that nothing is ruled out which a careful look would not.
    """
    population = Population(reactions.table, reactions.first_frequencies(), settings.theta)
    generous = np.maximum(rates.dropout_l, 0.15), np.maximum(rates.false_allele_l, 0.02)
    found = summarise(_likelihood(reactions, *generous), population)
    same, related = pair_log_ratios(found, found, population)
    against_sibs = same - related[list(RELATIONSHIPS).index("full_sibs")]
    typed = np.asarray(reactions.typed.any(axis=1))
    able = typed[:, None] & typed[None, :] & ~np.eye(len(reactions), dtype=bool)
    return np.where(able, same, -np.inf), np.where(able, against_sibs, -np.inf)


def _start(reactions: Reactions, rates: ErrorRates, settings: GroupingSettings) -> Draw:
    return Draw(
        reactions.first_frequencies(),
        rates.dropout_l,
        rates.false_allele_l,
        settings.prior_shares,
        2.0,
        SHAPES.index(2.0),
    )


def _chain(
    reactions: Reactions,
    labels: Ints,
    now: Draw,
    neighbours: list[Ints],
    prior: PartitionPrior,
    settings: GroupingSettings,
) -> Chain:
    likelihood = _likelihood(reactions, now.dropout, now.false_allele)
    population = Population(reactions.table, now.frequencies, settings.theta)
    return Chain(
        likelihood,
        population,
        labels,
        neighbours,
        log_kin=_log_kin(likelihood, labels, population, now),
        log_new=prior.log_new(now.shape),
        shape=SHAPES[now.shape],
    )


def _log_kin(likelihood: Floats, labels: Ints, population: Population, now: Draw) -> Floats:
    """(S,) what relatives add to the evidence for a sample as an animal of its own."""
    by_animal = np.zeros((int(labels.max()) + 1, *likelihood.shape[1:]))
    np.add.at(by_animal, labels, likelihood)
    animals, subjects = summarise(by_animal, population), summarise(likelihood, population)
    without = summarise(by_animal[labels] - likelihood, population)
    left = np.bincount(labels)[labels] - 1
    ratios = kin_ratios(subjects, animals, population, own=labels, without=without, left=left)
    as_parent, of_own = parent_log_factor(
        subjects,
        animals,
        population,
        own=labels,
        without=without,
        left=left,
        shares=now.shares,
        ratios=kin_ratios(animals, animals, population, own=np.arange(len(by_animal))),
    )
    # An animal that has relatives of a kind has several: it may look like any of them.
    ratios[1:4] *= now.kin_number
    return np.asarray(np.log(now.shares @ ratios + of_own) + as_parent)


def _greedy(same: Floats, against_sibs: Floats) -> Ints:
    """Average linkage of samples that are one animal rather than sibs, and than strangers by chance."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    n = len(same)
    if n < 2:
        return np.arange(n)
    evidence = np.minimum(same - np.log(n), against_sibs)
    distance = np.clip(50.0 - evidence, 0.0, 100.0)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    return canonical(fcluster(tree, 50.0, criterion="distance"))


def _redraw(
    reactions: Reactions,
    labels: NDArray[np.intp],
    now: Draw,
    rates: ErrorRates,
    prior: PartitionPrior,
    settings: GroupingSettings,
    rng: np.random.Generator,
) -> Draw:
    """Frequencies, error rates, shares of relatives and unevenness, given who is who."""
    n_groups = int(labels.max()) + 1
    population = Population(reactions.table, now.frequencies, settings.theta)
    by_group = np.zeros((n_groups, *population.expected.shape))
    np.add.at(by_group, labels, _likelihood(reactions, now.dropout, now.false_allele))
    found = summarise(by_group, population)
    typed = np.zeros((n_groups, len(reactions.loci)), dtype=bool)
    np.logical_or.at(typed, labels, reactions.typed)
    frequencies = _draw_frequencies(reactions, found, typed, rng)
    dropout, false_allele = _draw_rates(
        reactions, labels[reactions.sample_of], found, now, rates, settings, rng
    )
    logs = prior.log_probability(np.bincount(labels))
    chance = np.exp(logs - logs.max())
    return Draw(
        frequencies,
        dropout,
        false_allele,
        _shares(found, population, settings, rng),
        float(rng.choice(settings.kin_numbers)),
        int(rng.choice(len(SHAPES), p=chance / chance.sum())),
    )


def _draw_frequencies(
    reactions: Reactions, found: Summaries, typed: NDArray[np.bool_], rng: np.random.Generator
) -> Floats:
    counts = np.einsum("ulg,ga->la", found.genotype * typed[:, :, None], reactions.table.copies)
    known = np.maximum(reactions.n_alleles, 1)[:, None]
    has = np.arange(counts.shape[1]) < known
    shape = np.where(has, counts + 1.0 / known, 0.0)
    drawn = rng.standard_gamma(shape)
    # A drawn zero would forbid what was read.
    drawn = np.where(has, np.maximum(drawn, 1e-4), 0.0)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _draw_rates(
    reactions: Reactions,
    unit_of: Ints,
    found: Summaries,
    now: Draw,
    rates: ErrorRates,
    settings: GroupingSettings,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    if not np.isfinite(settings.error_weight):
        return rates.dropout_l, rates.false_allele_l
    counts = expected_errors(
        reactions, unit_of, found.genotype, dropout=now.dropout, false_allele=now.false_allele
    )
    weight = settings.error_weight

    def draw(errors: Floats, readings: Floats, start: Floats) -> Floats:
        common_start = float(np.clip(start.mean(), 1e-4, 0.9))
        a = weight * common_start + errors.sum()
        b = weight * (1.0 - common_start) + (readings - errors).sum()
        common = float(np.clip(rng.beta(a, max(b, 1e-3)), 1e-4, 0.9))
        # A locus leans on the common rate, moved as far as it started from it.
        own = np.clip(common * start / common_start, 1e-4, 0.9)
        left = np.maximum(readings - errors, 0.0)
        return np.clip(rng.beta(weight * own + errors, weight * (1.0 - own) + left), 1e-5, 0.9)

    dropout = draw(counts.drops, counts.heterozygotes, rates.dropout_l)
    e = draw(counts.false_copies, counts.copies, copy_error(rates.false_allele_l))
    return dropout, 1.0 - (1.0 - e) ** 2


def _shares(
    found: Summaries, population: Population, settings: GroupingSettings, rng: np.random.Generator
) -> Floats:
    n = len(found.evidence)
    if n < 3:
        return settings.prior_shares
    ratios = kin_ratios(found, found, population, own=np.arange(n))
    return draw_shares(ratios, settings.prior_shares, weight=settings.relatives_weight, rng=rng)


def _gather(
    reactions: Reactions,
    draws: list[NDArray[np.intp]],
    chain_of: list[int],
    parameters: list[Draw],
    sizes: list[int],
    settings: GroupingSettings,
) -> Grouping:
    counts = np.mean([one.frequencies for one in parameters], axis=0)
    frequencies = normalised_frequencies(counts, reactions.n_alleles, prior=0.0)
    dropout = np.stack([one.dropout for one in parameters])
    false_allele = np.stack([one.false_allele for one in parameters])
    return Grouping(
        samples=reactions.samples,
        labels=np.stack(draws),
        chain_of=np.array(chain_of, dtype=np.intp),
        log_likelihood=_likelihood(reactions, dropout.mean(axis=0), false_allele.mean(axis=0)),
        population=Population(reactions.table, frequencies, settings.theta),
        dropout=dropout,
        false_allele=false_allele,
        shares=np.mean([one.shares for one in parameters], axis=0),
        population_size=np.array(sizes, dtype=np.int64),
    )
