"""Likelihood ratios of relationships, kin of new animals, priors of partitions: against brute force."""

from __future__ import annotations

import itertools
from math import lgamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.genetics._partition_chain import canonical
from ghostcat.genetics.error_rates import ErrorRates, reading_probabilities, sample_log_likelihoods
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.kin import draw_shares, kin_ratios, parent_log_factor
from ghostcat.genetics.matching import (
    RELATIONSHIPS,
    Population,
    pair_log_ratios,
    paired_log_ratios,
    shared_by_descent,
    summarise,
)
from ghostcat.genetics.partition_prior import SHAPES, PartitionPrior
from ghostcat.genetics.reactions import arrange
from ghostcat.genetics.simulate_families import drop_genes, type_animals

P = np.array([[0.5, 0.3, 0.2], [0.6, 0.4, 0.0]])


def setting(theta=0.0):
    """Three samples at two loci, their likelihoods, and a population."""
    typed = Genotypes.from_names(
        ["a", "b", "c"],
        ["x", "y"],
        [[("1", "2"), ("1", "1")], [("1", "1"), ("1", "2")], [("3", "3"), None]],
    )
    reactions = arrange(typed)
    rates = ErrorRates.assumed(2, dropout=0.15, false_allele=0.03)
    p = reading_probabilities(
        reactions.table, reactions.n_alleles, dropout=rates.dropout_l, false_allele=rates.false_allele_l
    )
    return sample_log_likelihoods(reactions, p), Population(reactions.table, P, theta)


def joint(likelihood_a, likelihood_b, population, locus, k):
    """P(A, B | k) at a locus, over all genotypes and all ways to share alleles."""
    table, p = population.table, population.frequencies[locus]
    pairs = list(zip(table.first.tolist(), table.second.tolist(), strict=True))
    number = {pair: at for at, pair in enumerate(pairs)}
    a, b = np.exp(likelihood_a[locus]), np.exp(likelihood_b[locus])
    total = 0.0
    for w, x, y, z in itertools.product(range(3), repeat=4):
        first = number[tuple(sorted((w, x)))]
        strangers = p[w] * p[x] * p[y] * p[z]
        total += k[0] * strangers * a[first] * b[number[tuple(sorted((y, z)))]]
        if z == 0:  # one shared: w or x, with a new y
            for passed in (w, x):
                total += k[1] * 0.5 * p[w] * p[x] * p[y] * a[first] * b[number[tuple(sorted((passed, y)))]]
            if y == 0:
                total += k[2] * p[w] * p[x] * a[first] * b[first]
    return total


@pytest.mark.parametrize("relationship", list(RELATIONSHIPS))
def test_likelihood_ratios_are_those_of_all_genotypes_and_ways_to_share(relationship):
    likelihood, population = setting()
    found = summarise(likelihood, population)
    _, related = pair_log_ratios(found, found, population)
    at = list(RELATIONSHIPS).index(relationship)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        expected = 0.0
        for locus in range(2):
            pair = joint(likelihood[i], likelihood[j], population, locus, RELATIONSHIPS[relationship])
            alone = joint(likelihood[i], likelihood[j], population, locus, (1, 0, 0))
            expected += np.log(pair / alone)
        assert related[at, i, j] == pytest.approx(expected, abs=1e-10)


def test_same_animal_is_the_product_of_both_readings():
    likelihood, population = setting()
    found = summarise(likelihood, population)
    same, _ = pair_log_ratios(found, found, population)
    expected = 0.0
    for locus in range(2):
        p = population.expected[locus]
        a, b = (np.exp(likelihood[at][locus]) for at in (0, 1))
        expected += np.log((p * a * b).sum() / ((p * a).sum() * (p * b).sum()))
    assert same[0, 1] == pytest.approx(expected)
    one, related = paired_log_ratios(found, found, population)
    assert one == pytest.approx(np.diag(same))
    assert related.shape == (4, 3)


def test_a_missing_locus_says_nothing():
    likelihood, population = setting()
    without = likelihood.copy()
    without[:, 1] = 0.0
    found, less = summarise(likelihood, population), summarise(without, population)
    whole, _ = pair_log_ratios(found, found, population)
    part, _ = pair_log_ratios(less, less, population)
    assert whole[0, 2] == pytest.approx(part[0, 2])  # c was not read at y


@given(theta=st.floats(0.0, 0.2))
def test_background_kinship_keeps_chances_and_raises_sharing(theta):
    shares = shared_by_descent(theta)
    assert shares.sum(axis=1) == pytest.approx(np.ones(4))
    assert (shares >= 0).all()
    kinship = shares[:, 1] / 4 + shares[:, 2] / 2
    assert kinship[0] == pytest.approx(theta, abs=1e-12)
    assert (kinship >= shared_by_descent(0.0) @ [0, 0.25, 0.5] - 1e-12).all()


def test_kinship_out_of_range_is_refused():
    with pytest.raises(ParameterError, match="theta"):
        shared_by_descent(0.5)


def test_offspring_of_two_is_the_mendelian_ratio():
    likelihood, population = setting()
    found = summarise(likelihood, population)
    ratios = kin_ratios(found, found, population, own=np.arange(3))
    table = population.table
    expected = 1.0
    for locus in range(2):  # c from a and b
        u, v = (found.passed_on[at, locus] for at in (0, 1))
        cub = np.exp(likelihood[2][locus])
        chance = sum(
            u[x] * v[y] * cub[table.code(np.array([min(x, y), max(x, y)]))]
            for x, y in itertools.product(range(3), repeat=2)
        )
        expected *= chance / (cub * population.expected[locus]).sum()
    assert ratios[4, 2] == pytest.approx(expected)
    assert ratios[0] == pytest.approx(1.0)


def test_being_a_parent_helps_where_the_cub_needs_one():
    """Cub 1/3 with mother 1/1: who can give a 3 gains, who cannot loses."""
    typed = Genotypes.from_names(
        ["mother", "cub", "giver", "other"],
        [f"x{i}" for i in range(6)],
        [[("1", "1")] * 6, [("1", "3")] * 6, [("2", "3")] * 6, [("2", "2")] * 6],
    )
    reactions = arrange(typed)
    p = reading_probabilities(
        reactions.table, reactions.n_alleles, dropout=np.full(6, 0.01), false_allele=np.full(6, 0.001)
    )
    likelihood = sample_log_likelihoods(reactions, p)
    population = Population(reactions.table, np.tile([0.4, 0.4, 0.2], (6, 1)))
    found = summarise(likelihood, population)
    animals = summarise(likelihood[:2], population)
    three = summarise(np.concatenate([likelihood[:2], likelihood[3:]]), population)
    assert len(animals.evidence) == 2
    shares = np.full(5, 0.2)
    ratios = kin_ratios(three, three, population, own=np.arange(3))
    subjects = summarise(likelihood[2:], population)
    factor, of_own = parent_log_factor(
        subjects, three, population,
        own=np.array([2, 2]), without=summarise(np.zeros_like(likelihood[2:]), population),
        left=np.array([0, 0]), shares=shares, ratios=ratios,
    )  # fmt: skip
    assert factor[0] > factor[1]
    assert of_own.tolist() == [0.0, 0.0]
    assert len(found.evidence) == 4


def test_shares_go_where_the_ratios_point():
    rng = np.random.default_rng(1)
    prior = np.array([0.2, 0.2, 0.2, 0.2, 0.2])
    ratios = np.ones((5, 400))
    ratios[3] = 50.0
    drawn = draw_shares(ratios, prior, weight=5.0, rng=rng)
    assert drawn.sum() == pytest.approx(1.0) and drawn[3] > 0.9


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_the_prior_of_partitions_sums_to_one_and_prefers_as_defined(shape):
    """V(k) Π Γ(γ+n)/Γ(γ), against a sum over every N; and the weight of a new animal is its ratio."""
    prior = PartitionPrior.of(4)
    gamma = SHAPES[shape]
    for k in range(1, 4):  # four of four: no largest N would be large enough
        n = np.arange(k, 1000)
        terms = [
            np.exp(-np.log(m) + lgamma(m + 1) - lgamma(m - k + 1) + lgamma(m * gamma) - lgamma(m * gamma + 4))
            for m in n
        ]
        assert np.exp(prior.log_v[shape, k]) == pytest.approx(sum(terms), rel=0.05)
    new = prior.log_new(shape)
    assert new[2] == pytest.approx(np.log(gamma) + prior.log_v[shape, 3] - prior.log_v[shape, 2])
    sizes = np.array([2, 1, 1])
    expected = prior.log_v[shape, 3] + lgamma(gamma + 2) - lgamma(gamma) + 2 * np.log(gamma)
    assert prior.log_probability(sizes)[shape] == pytest.approx(expected)


def test_a_population_is_at_least_what_was_sampled():
    prior = PartitionPrior.of(10)
    rng = np.random.default_rng(2)
    drawn = [prior.draw_population(4, 2, rng) for _ in range(200)]
    assert min(drawn) >= 4 and 4 <= np.median(drawn) < 12


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_canonical_labels_keep_groups_and_count_from_the_first(labels):
    named = canonical(labels)
    assert named[0] == 0
    for i, j in itertools.combinations(range(len(labels)), 2):
        assert (labels[i] == labels[j]) == (named[i] == named[j])
    first = [named.tolist().index(k) for k in range(named.max() + 1)]
    assert first == sorted(first)


def test_strangers_average_to_one():
    """E[LR] = 1 under the denominator: the mean ratio of simulated strangers, few alleles, no errors."""
    rng = np.random.default_rng(5)
    frequencies = np.tile([0.6, 0.3, 0.1], (2, 1))
    alleles = drop_genes([-1] * 1500, [-1] * 1500, frequencies, rng=rng)
    typed = type_animals(
        alleles, [f"s{i}" for i in range(1500)], rng=rng, marker="microsatellite", n_alleles=3
    )
    reactions = arrange(typed)
    p = reading_probabilities(
        reactions.table, reactions.n_alleles, dropout=np.full(2, 0.1), false_allele=np.full(2, 0.01)
    )
    likelihood = sample_log_likelihoods(reactions, p)
    found = summarise(likelihood, Population(reactions.table, frequencies))
    half = len(found.evidence) // 2
    one = summarise(likelihood[:half], Population(reactions.table, frequencies))
    other = summarise(likelihood[half:], Population(reactions.table, frequencies))
    _, related = pair_log_ratios(one, other, Population(reactions.table, frequencies))
    assert np.exp(related).mean(axis=(1, 2)) == pytest.approx(np.ones(4), abs=0.08)
