"""Effective size: simulated populations of known size, and data that carry none."""

import math

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused
from ghostcat.genetics.effective_size import effective_size_linkage, ne_from_r2
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.sibship_size import effective_size_sibship


def test_mean_r2_by_brute_force():
    """Burrows' r² of SNPs is the squared correlation of counts times (n/(n−1))², pair by pair."""
    rng = np.random.default_rng(1)
    counts = rng.binomial(2, 0.5, size=(20, 6))
    counts[rng.random(counts.shape) < 0.15] = -1
    snps = Genotypes.from_dosage([str(i) for i in range(20)], [f"s{i}" for i in range(6)], counts)
    top = bottom = 0.0
    for i in range(6):
        for j in range(i):
            both = (counts[:, i] >= 0) & (counts[:, j] >= 0)
            n = both.sum()
            r = np.corrcoef(counts[both, i], counts[both, j])[0, 1]
            top += n**2 * r**2 * (n / (n - 1)) ** 2
            bottom += n**2
    found = effective_size_linkage(snps)
    assert found.mean_r2 == pytest.approx(top / bottom)
    assert found.n_pairs == 15


def test_independent_comparisons_of_alleles(breed):
    """Two loci with three and four alleles allow 2 × 3 independent comparisons."""
    rng = np.random.default_rng(2)
    codes = np.stack([rng.integers(0, 3, (60, 2)), rng.integers(0, 4, (60, 2))], axis=1) + 100
    rows = [[tuple(map(str, pair)) for pair in animal] for animal in codes]
    typed = Genotypes.from_names([str(i) for i in range(60)], ["L", "M"], rows)
    assert effective_size_linkage(typed, jackknife=False).n_pairs == 6


@pytest.mark.parametrize("estimate", [effective_size_linkage, effective_size_sibship])
def test_small_and_large_populations_are_told_apart(breed, estimate):
    """Harmonic means over replicates lie near the true size of 20 and 80."""
    options = {"jackknife": False, "least_frequency": 0.05} if estimate is effective_size_linkage else {}
    for size, sampled in ((20, 18), (80, 40)):
        inverse = [1 / estimate(breed(size, sampled, 100, 2, seed), **options).ne for seed in range(6)]
        assert 0.75 * size < 1 / np.mean(inverse) < 1.5 * size


def test_jackknife_intervals_hold_the_truth(breed):
    held = []
    for seed in range(12):
        found = effective_size_linkage(breed(40, 30, 80, 2, seed), least_frequency=0.05)
        assert found.lower_jackknife <= found.ne <= found.upper_jackknife
        held.append(found.lower_jackknife <= 40 <= found.upper_jackknife)
    assert sum(held) >= 9


def test_no_drift_is_an_infinite_population():
    rng = np.random.default_rng(3)
    counts = rng.binomial(2, 0.5, size=(50, 30))
    estimates = [
        effective_size_linkage(
            Genotypes.from_dosage(
                [str(i) for i in range(50)], [f"s{i}" for i in range(30)], rng.permuted(counts, axis=0)
            )
        )
        for _ in range(12)
    ]
    assert any(found.infinite for found in estimates)
    assert all(math.isinf(found.upper) for found in estimates if found.infinite)
    assert ne_from_r2(0.0, 40) == ne_from_r2(-0.01, 40) == math.inf


def test_small_samples_have_their_own_formula():
    """Waples (2006): S = 20, r²′ = 0.01."""
    assert ne_from_r2(0.01, 20) == pytest.approx((0.308 + math.sqrt(0.308**2 - 2.08 * 0.01)) / 0.02)
    assert ne_from_r2(0.01, 30) == pytest.approx((1 / 3 + math.sqrt(1 / 9 - 2.76 * 0.01)) / 0.02)


def test_full_sibs_and_strangers(breed):
    """Two litters of eight: half of the pairs less one in fifteen are full sibs, so Ne is small."""
    founders = breed(200, 4, 60, 6, 5, generations=0)
    rng = np.random.default_rng(6)
    sides = rng.integers(0, 2, size=(2, 16, 60))
    parents = [np.repeat([0, 2], 8), np.repeat([1, 3], 8)]
    locus = np.arange(60)
    cubs = np.stack([founders.alleles[parents[k][:, None], locus, sides[k]] for k in (0, 1)], axis=2)
    found = effective_size_sibship(Genotypes(tuple(map(str, range(16))), founders.loci, cubs))
    assert found.full_sibs == pytest.approx(56 / 120, abs=0.12)
    assert found.ne < 8


@pytest.mark.parametrize(("n", "n_loci", "code"), [(3, 10, "few_animals"), (20, 1, "few_loci")])
def test_linkage_refuses(breed, n, n_loci, code):
    with pytest.raises(EstimateRefused) as refused:
        effective_size_linkage(breed(40, n, n_loci, 2, 1))
    assert refused.value.code == code and refused.value.fix


def test_sibship_refuses(breed):
    with pytest.raises(EstimateRefused, match="too few"):
        effective_size_sibship(breed(40, 5, 10, 4, 1))
    fixed = Genotypes.from_dosage([str(i) for i in range(9)], ["s"], np.zeros((9, 1), dtype=int))
    with pytest.raises(EstimateRefused) as refused:
        effective_size_sibship(fixed)
    assert refused.value.code == "no_variation"
