"""Error model, error rates and consensus genotypes, against hand calculation and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.genetics.consensus import call_consensus
from ghostcat.genetics.error_rates import (
    ErrorRates,
    estimate_error_rates,
    reading_probabilities,
    sample_log_likelihoods,
)
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.reactions import GenotypeTable, arrange
from ghostcat.genetics.simulate_families import drop_genes, type_animals


def brute_reading(read, truth, dropout, false_allele, alleles):
    """P(read | truth) by walking through every dropout and every false copy."""
    e = 1.0 - np.sqrt(1.0 - false_allele)
    ways = [(truth, 1.0)]
    if truth[0] != truth[1]:
        ways = [(truth, 1 - dropout), ((truth[0],) * 2, dropout / 2), ((truth[1],) * 2, dropout / 2)]
    total = 0.0
    for (a, b), chance in ways:
        for x, y in itertools.product(range(alleles), repeat=2):
            if tuple(sorted((x, y))) != read:
                continue
            step = 1.0
            for true, seen in ((a, x), (b, y)):
                step *= 1 - e if true == seen else e / (alleles - 1)
            total += chance * step
    return total


@pytest.mark.parametrize("alleles", [2, 3, 5])
def test_reading_probabilities_are_those_of_every_way_to_err(alleles):
    table = GenotypeTable.of(alleles)
    p = reading_probabilities(
        table, np.array([alleles]), dropout=np.array([0.2]), false_allele=np.array([0.07])
    )[0]
    pairs = list(zip(table.first.tolist(), table.second.tolist(), strict=True))
    for o, read in enumerate(pairs):
        for g, truth in enumerate(pairs):
            assert p[o, g] == pytest.approx(brute_reading(read, truth, 0.2, 0.07, alleles), abs=1e-13)
    assert p[: len(table)].sum(axis=0) == pytest.approx(np.ones(len(table)))


def test_alleles_that_a_locus_lacks_are_never_read():
    table = GenotypeTable.of(4)
    p = reading_probabilities(table, np.array([2]), dropout=np.array([0.1]), false_allele=np.array([0.1]))[0]
    own = (table.first < 2) & (table.second < 2)
    assert p[: len(table)][~own][:, own] == pytest.approx(0.0)
    assert p[: len(table)][own][:, own].sum(axis=0) == pytest.approx(1.0)


def test_half_a_reading_says_that_the_allele_was_seen():
    table = GenotypeTable.of(3)
    p = reading_probabilities(table, np.array([3]), dropout=np.array([0.1]), false_allele=np.array([0.02]))[0]
    whole, half = p[: len(table)], p[len(table) :]
    for allele in range(3):
        shows = (table.first == allele) | (table.second == allele)
        assert half[allele] == pytest.approx(whole[shows].sum(axis=0))


def replicated(rng, *, animals=60, loci=10, reactions=4, dropout=0.15, false_allele=0.02):
    """Simulated scats with replicates, and their true genotypes."""
    alleles = drop_genes([-1] * animals, [-1] * animals, np.tile([0.4, 0.3, 0.2, 0.1], (loci, 1)), rng=rng)
    owner = np.repeat(np.arange(animals), reactions)
    typed = type_animals(
        alleles[owner],
        [f"s{i}" for i in owner],
        rng=rng,
        marker="microsatellite",
        n_alleles=4,
        dropout=dropout,
        false_allele=false_allele,
        missing=0.1,
    )
    return typed, alleles


def test_error_rates_are_found_with_intervals_that_hold_the_truth():
    typed, _ = replicated(np.random.default_rng(11))
    found = estimate_error_rates(arrange(typed))
    assert found.converged and found.dropout.origin == found.false_allele.origin == "estimated"
    assert found.dropout.lower < 0.15 < found.dropout.upper
    assert found.false_allele.lower < 0.02 < found.false_allele.upper
    assert found.dropout.value == pytest.approx(0.15, abs=0.03)
    assert found.false_allele.value == pytest.approx(0.02, abs=0.008)
    assert len(found.dropout_by_locus) == 10
    for rate in (*found.dropout_by_locus, *found.false_allele_by_locus):
        assert rate.lower <= rate.value <= rate.upper


def test_the_estimate_is_at_the_top_of_the_likelihood():
    typed, _ = replicated(np.random.default_rng(12), loci=1, animals=400)
    reactions = arrange(typed)
    found = estimate_error_rates(reactions)

    def log_likelihood(dropout, false_allele):
        p = reading_probabilities(
            reactions.table, reactions.n_alleles,
            dropout=np.array([dropout]), false_allele=np.array([false_allele]),
        )  # fmt: skip
        expected = reactions.table.expected(np.array([[0.4, 0.3, 0.2, 0.1]]))
        logs = sample_log_likelihoods(reactions, p)[:, 0]
        return np.log(np.exp(logs) @ expected[0]).sum()

    top = log_likelihood(found.dropout.value, found.false_allele.value)
    for d, f in ((1.3, 1.0), (0.7, 1.0), (1.0, 1.6), (1.0, 0.5)):
        assert log_likelihood(found.dropout.value * d, found.false_allele.value * f) < top


def test_without_replicates_the_rates_are_assumptions():
    typed, _ = replicated(np.random.default_rng(13), reactions=1)
    found = estimate_error_rates(arrange(typed))
    assert found.dropout.origin == found.false_allele.origin == "assumed"
    assert (found.dropout.value, found.dropout.lower) == (0.10, None)


def test_clean_replicates_give_a_rate_with_zero_in_its_interval():
    typed, _ = replicated(np.random.default_rng(14), dropout=0.0, false_allele=0.0)
    found = estimate_error_rates(arrange(typed))
    assert found.dropout.lower == 0.0 and found.dropout.upper < 0.02
    assert found.false_allele.lower == 0.0 and found.false_allele.upper < 0.02


def test_consensus_by_hand():
    """One locus, p = q = ½, d = 0.2, no false alleles: readings AA, AA, AA."""
    typed = Genotypes.from_names(["s"] * 3 + ["t"], ["x"], [[("1", "1")]] * 3 + [[("1", "2")]])
    rates = ErrorRates.assumed(1, dropout=0.2, false_allele=0.0)
    half = np.array([[0.5, 0.5]])
    found = call_consensus(arrange(typed), rates, frequencies=half)
    expected = 0.25 / (0.25 + 0.5 * 0.1**3)
    assert found.probability[0, 0] == pytest.approx(expected)
    assert found.alleles[0, 0].tolist() == [0, 0]
    assert found.quality[0] == 1.0 and np.isnan(found.quality[1])


def test_a_homozygote_read_once_is_half_called():
    typed = Genotypes.from_names(["s", "t"], ["x"], [[("1", "1")], [("1", "2")]])
    rates = ErrorRates.assumed(1, dropout=0.3, false_allele=0.001)
    found = call_consensus(arrange(typed), rates, frequencies=np.array([[0.5, 0.5]]))
    assert found.alleles[0, 0].tolist() == [0, -1] and not found.called[0, 0]
    assert found.called[1, 0]
    first = found.reruns()[0]
    assert (first.sample, first.locus) == ("s", "x")


def test_information_is_that_of_the_posterior_after_every_possible_reading():
    typed = Genotypes.from_names(["s", "t"], ["x"], [[("1", "1")], [("2", "3")]])
    reactions = arrange(typed)
    rates = ErrorRates.assumed(1, dropout=0.25, false_allele=0.02)
    p = np.array([[0.5, 0.3, 0.2]])
    found = call_consensus(reactions, rates, frequencies=p)
    read = reading_probabilities(
        reactions.table, reactions.n_alleles, dropout=np.array([0.25]), false_allele=np.array([0.02])
    )[0, : len(reactions.table)]
    prior = reactions.table.expected(p)[0] * read[reactions.read[0, 0]]
    prior /= prior.sum()

    def entropy(q):
        return -(q[q > 0] * np.log2(q[q > 0])).sum()

    after = 0.0
    for o in range(len(read)):
        joint = prior * read[o]
        after += joint.sum() * entropy(joint / joint.sum())
    assert found.bits[0, 0] == pytest.approx((entropy(prior) - after) * 2.0 / 3.0)


def test_consensus_of_simulated_replicates_is_nearly_always_right():
    typed, alleles = replicated(np.random.default_rng(15))
    reactions = arrange(typed)
    found = call_consensus(reactions, estimate_error_rates(reactions))
    truth = np.sort(alleles, axis=2)
    called = found.called
    right = (found.alleles == truth).all(axis=2)[called]
    assert called.mean() > 0.85
    assert 1.0 - right.mean() < 1.5 * (1.0 - found.probability[called].mean()) + 0.005
    assert 0.6 < found.quality.mean() < 0.9  # a tenth missing, dropout and false alleles


def test_order_of_rows_does_not_matter():
    typed, _ = replicated(np.random.default_rng(16), animals=12)
    rows = np.random.default_rng(1).permutation(len(typed))
    reactions, shuffled = arrange(typed), arrange(typed.select(rows))
    rates = ErrorRates.assumed(10)
    one = call_consensus(reactions, rates)
    other = call_consensus(shuffled, rates)
    place = [other.samples.index(name) for name in one.samples]
    np.testing.assert_allclose(one.probability, other.probability[place], rtol=1e-9)


@pytest.mark.parametrize("wrong", [{"dropout": -0.1}, {"false_allele": 0.95}])
def test_rates_outside_their_range_are_refused(wrong):
    with pytest.raises(ParameterError):
        ErrorRates.assumed(3, **wrong)


def test_a_call_needs_a_probability():
    typed = Genotypes.from_names(["s"], ["x"], [[("1", "1")]])
    with pytest.raises(ParameterError, match="call_at"):
        call_consensus(arrange(typed), ErrorRates.assumed(1), call_at=0.2)
