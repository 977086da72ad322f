"""Hardy–Weinberg and linkage tests against enumeration, and their rate of false alarms."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.genetics.equilibrium import benjamini_hochberg, hardy_weinberg, holm, snp_exact_p
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.linkage import linkage_tests


def typed(pairs, populations=()):
    rows = [[pair] for pair in pairs]
    return Genotypes.from_names([str(i) for i in range(len(rows))], ["L"], rows, populations=populations)


def by_enumeration(pairs):
    """Exact p over all orders of the genes, without any formula for the probability of a table."""
    genes = [allele for pair in pairs for allele in pair]
    tables = {}
    for order in permutations(genes):
        table = tuple(sorted(tuple(sorted(order[i : i + 2])) for i in range(0, len(order), 2)))
        tables[table] = tables.get(table, 0) + 1
    seen = tables[tuple(sorted(tuple(sorted(pair)) for pair in pairs))]
    return sum(times for times in tables.values() if times <= seen) / sum(tables.values())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("12"), st.sampled_from("12")), min_size=2, max_size=4))
def test_two_alleles_against_enumeration(pairs):
    (test,) = hardy_weinberg(typed(pairs), np.random.default_rng(1))
    if len({allele for pair in pairs for allele in pair}) == 1:
        assert test.method == "none" and test.p_exact == 1.0
        return
    assert test.method == "enumeration"
    assert test.p_exact == pytest.approx(by_enumeration(pairs))


@pytest.mark.parametrize(
    "pairs", [["11", "12", "23", "33"], ["11", "22", "33", "12"], ["12", "13", "23", "11"]]
)
def test_three_alleles_against_enumeration(pairs):
    pairs = [tuple(pair) for pair in pairs]
    (test,) = hardy_weinberg(typed(pairs), np.random.default_rng(1), permutations=40_000)
    assert test.method == "permutation"
    assert test.p_exact == pytest.approx(by_enumeration(pairs), abs=5 * test.p_exact_error + 1e-9)
    assert test.p_exact_strict <= test.p_exact


def test_chi_square_by_hand():
    """AA 10, AB 20, BB 10 is equilibrium itself; AA 15, AB 10, BB 15 is not: χ² = 40·(1 − 10/20)²."""
    pairs = [("1", "1")] * 15 + [("1", "2")] * 10 + [("2", "2")] * 15
    (test,) = hardy_weinberg(typed(pairs), np.random.default_rng(1))
    assert (test.chi2, test.df) == (pytest.approx(10.0), 1)
    assert test.p_exact == pytest.approx(snp_exact_p(15, 10, 15))
    assert test.p_exact < 0.01


def test_false_alarms_are_as_often_as_stated():
    rng = np.random.default_rng(11)
    p = []
    for _ in range(150):
        genes = rng.choice(4, size=(25, 2), p=[0.4, 0.3, 0.2, 0.1])
        pairs = [tuple(str(100 + a) for a in pair) for pair in genes]
        p.append(hardy_weinberg(typed(pairs), rng, permutations=400)[0].p_exact)
    share = np.mean(np.array(p) < 0.05)
    assert share < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 150)
    assert 0.4 < np.mean(p) < 0.65


def test_corrections_keep_their_order_and_leave_nan():
    p = np.array([0.01, np.nan, 0.02, 0.9])
    assert holm(p)[[0, 2, 3]] == pytest.approx([0.03, 0.04, 0.9])
    assert benjamini_hochberg(p)[[0, 2, 3]] == pytest.approx([0.03, 0.03, 0.9])
    assert math.isnan(holm(p)[1]) and math.isnan(benjamini_hochberg(p)[1])


def linked(rng, n, share):
    """Two loci; a share of the animals has at the second the genotype of the first."""
    first = rng.integers(0, 3, size=(n, 2))
    second = np.where(rng.random((n, 1)) < share, first, rng.integers(0, 3, size=(n, 2)))
    rows = [[tuple(map(str, a + 100)), tuple(map(str, b + 200))] for a, b in zip(first, second, strict=True)]
    return Genotypes.from_names([str(i) for i in range(n)], ["L", "M"], rows)


def test_linked_loci_are_found_and_unlinked_ones_are_not():
    rng = np.random.default_rng(5)
    assert linkage_tests(linked(rng, 60, 0.7), rng, permutations=500)[0].p < 0.01
    p = [linkage_tests(linked(rng, 30, 0.0), rng, permutations=200)[0].p for _ in range(100)]
    assert np.mean(np.array(p) < 0.05) < 0.14


def test_populations_alone_do_not_make_linkage():
    """Two populations with other alleles at both loci: linked in the pool, not within."""
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 3, size=(60, 2, 2)) + np.repeat([0, 3], 30)[:, None, None]
    rows = [[tuple(map(str, codes[i, at] + 100)) for at in (0, 1)] for i in range(60)]
    apart = Genotypes.from_names(
        [str(i) for i in range(60)], ["L", "M"], rows, populations=["P"] * 30 + ["Q"] * 30
    )
    assert linkage_tests(apart, rng, permutations=500)[0].p > 0.01
    pooled = Genotypes.from_names([str(i) for i in range(60)], ["L", "M"], rows)
    assert linkage_tests(pooled, rng, permutations=500)[0].p < 0.01


def test_many_snps_at_once():
    rng = np.random.default_rng(8)
    counts = rng.binomial(2, 0.4, size=(80, 60))
    counts[:, 1] = counts[:, 0]
    snps = Genotypes.from_dosage([str(i) for i in range(80)], [f"s{i}" for i in range(60)], counts)
    tests = linkage_tests(snps, rng)
    assert len(tests) == 60 * 59 // 2
    lowest = min(tests, key=lambda test: test.p)
    assert (lowest.locus1, lowest.locus2, lowest.method) == ("s0", "s1", "composite")
    assert 0.03 < np.mean([test.p < 0.05 for test in tests]) < 0.07
