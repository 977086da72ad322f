"""Likelihoods of parentage against sums over every genotype, written out in the test."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.genetics.genotypes import Genotypes, Locus
from ghostcat.genetics.parentage_inference import trio_log_likelihood
from ghostcat.genetics.parentage_model import (
    TypingErrors,
    build_model,
    full_sib_log_ratios,
    pair_log_ratios,
)


def typings(alleles, n_alleles):
    loci = tuple(
        Locus(f"L{k}", tuple(str(100 + 2 * a) for a in range(n_alleles))) for k in range(len(alleles[0]))
    )
    return Genotypes(tuple(f"a{i}" for i in range(len(alleles))), loci, np.array(alleles, dtype=np.int16))


def reading_probability(read, true, errors, n_alleles):
    """Dropout first, then each allele misread by itself, in the words of the docstring of TypingErrors."""
    shown = [(true, 1.0)]
    if true[0] != true[1]:
        half = errors.dropout / 2
        shown = [(true, 1 - errors.dropout), ((true[0],) * 2, half), ((true[1],) * 2, half)]
    slip = errors.false_allele / 2

    def misread(a, b):
        return 1 - slip if a == b else slip / (n_alleles - 1)

    total = 0.0
    for (a, b), weight in shown:
        for i, j in {tuple(read), tuple(read)[::-1]}:
            total += weight * misread(a, i) * misread(b, j)
    return total


def pairs_of(n_alleles):
    return list(itertools.product(range(n_alleles), repeat=2))


def brute_parent_ratio(child, parent, relatedness, freq, errors):
    """P(child | one parent passes on as the candidate with probability r) over P(child), one locus."""
    n = len(freq)
    posterior = {}
    for g in pairs_of(n):
        posterior[g] = freq[g[0]] * freq[g[1]] * reading_probability(parent, g, errors, n)
    norm = sum(posterior.values())
    passes = [sum(w * (g.count(a) / 2) for g, w in posterior.items()) / norm for a in range(n)]
    passes = [(1 - relatedness) * f + relatedness * t for f, t in zip(freq, passes, strict=True)]
    with_parent = sum(
        passes[a] * freq[b] * reading_probability(child, (a, b), errors, n) for a, b in pairs_of(n)
    )
    alone = sum(freq[a] * freq[b] * reading_probability(child, (a, b), errors, n) for a, b in pairs_of(n))
    return with_parent / alone


CASES = [
    (2, TypingErrors(false_allele=0.01)),
    (2, TypingErrors(false_allele=0.02, dropout=0.1)),
    (4, TypingErrors(false_allele=0.01, dropout=0.15)),
]


@pytest.mark.parametrize(("n_alleles", "errors"), CASES)
@pytest.mark.parametrize("relatedness", [1.0, 0.5, 0.25])
def test_pair_likelihood_is_the_sum_over_true_genotypes(n_alleles, errors, relatedness):
    rng = np.random.default_rng(5)
    read = rng.integers(0, n_alleles, size=(6, 3, 2))
    read[1, 2] = -1
    genotypes = typings(read, n_alleles)
    freq = rng.dirichlet(np.ones(n_alleles), size=3)
    model = build_model(genotypes, errors, frequencies=freq)
    found = pair_log_ratios(model, relatedness)
    for o, c in itertools.permutations(range(6), 2):
        expected = sum(
            np.log(
                brute_parent_ratio(
                    tuple(genotypes.alleles[o, at].tolist()),
                    tuple(genotypes.alleles[c, at].tolist()),
                    relatedness,
                    freq[at].tolist(),
                    errors,
                )
            )
            for at in range(3)
            if genotypes.typed[o, at] and genotypes.typed[c, at]
        )
        assert found[o, c] == pytest.approx(expected, abs=2e-5)


def test_exclusion_without_errors_and_its_price_with_them():
    # textbook: an AA cub of a BB mother is impossible without errors; with them it costs about log ε
    genotypes = typings([[[0, 0]], [[1, 1]]], 2)
    freq = np.array([[0.5, 0.5]])
    strict = build_model(genotypes, TypingErrors(false_allele=0.0), frequencies=freq)
    assert pair_log_ratios(strict, 1.0)[0, 1] < -20
    lenient = build_model(genotypes, TypingErrors(false_allele=0.01), frequencies=freq)
    # either of the two genotypes misread: about ε/2 from each side, over P(AA) / p = 1/2
    assert np.exp(pair_log_ratios(lenient, 1.0)[0, 1]) == pytest.approx(2 * 0.01, rel=0.03)


def test_parent_offspring_ratio_by_hand():
    # P(AA | mother AA) / P(AA) = p / p² = 2 at p = ½; P(AA | mother AB) / P(AA) = (p/2) / p² = 1
    genotypes = typings([[[0, 0]], [[0, 0]], [[0, 1]]], 2)
    model = build_model(genotypes, TypingErrors(false_allele=0.0), frequencies=np.array([[0.5, 0.5]]))
    ratios = np.exp(pair_log_ratios(model, 1.0))
    assert ratios[0, 1] == pytest.approx(2.0, rel=1e-5)
    assert ratios[0, 2] == pytest.approx(1.0, rel=1e-5)
    # full sibs AA, AA: ¼ + ½·2 + ¼·4 = 2.25
    assert np.exp(full_sib_log_ratios(model))[0, 1] == pytest.approx(2.25, rel=1e-5)


def test_trio_likelihood_by_hand():
    # AB from AA × BB: always; AA from AB × AB: a quarter; AB of a stranger and BB: p = 0.3
    genotypes = typings([[[0, 1]], [[0, 0]], [[1, 1]], [[0, 0]], [[0, 1]], [[0, 1]]], 2)
    model = build_model(genotypes, TypingErrors(false_allele=0.0), frequencies=np.array([[0.3, 0.7]]))
    animals, dams, sires = np.array([0, 3, 0]), np.array([1, 4, -1]), np.array([2, 5, 2])
    found = np.exp(trio_log_likelihood(model, animals, dams, sires))
    assert found == pytest.approx([1.0, 0.25, 0.3], rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    n_alleles=st.integers(1, 5),
    false_allele=st.floats(0.0, 0.2),
    dropout=st.floats(0.0, 0.4),
    seed=st.integers(0, 2**16),
)
def test_readings_of_every_true_genotype_sum_to_one(n_alleles, false_allele, dropout, seed):
    everything = [[pair] for pair in itertools.combinations_with_replacement(range(n_alleles), 2)]
    model = build_model(
        typings(everything, n_alleles),
        TypingErrors(false_allele=false_allele, dropout=dropout),
        frequencies=np.random.default_rng(seed).dirichlet(np.ones(n_alleles), size=1),
    )
    np.testing.assert_allclose(model.reading[0, 1:].sum(axis=0), 1.0, atol=1e-12)
    np.testing.assert_allclose(model.base[0, 1:].sum(), 1.0, atol=1e-12)
    np.testing.assert_allclose(model.passes.sum(axis=2), 1.0, atol=1e-9)


def test_impossible_error_rates_are_refused():
    with pytest.raises(ParameterError, match=r"dropout rate is 0\.7"):
        TypingErrors(dropout=0.7)
