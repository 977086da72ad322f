"""Relatedness: exact expectations, families with known truth, and the maximum of the likelihood."""

import numpy as np
import pytest
from scipy.optimize import minimize

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.genetics.genotypes import Genotypes, Locus
from ghostcat.genetics.relatedness import ESTIMATORS, moment_inbreeding, relatedness
from ghostcat.genetics.relatedness_likelihood import genotype_pair_probabilities, likelihood_relatedness


def families(seed, n_pairs=300, n_loci=30, n_alleles=5):
    """Pairs of strangers, half sibs, full sibs, mother and cub; with the true frequencies."""
    rng = np.random.default_rng(seed)
    p = np.clip(rng.dirichlet(np.ones(n_alleles), size=n_loci), 0.03, None)
    p /= p.sum(axis=1, keepdims=True)

    def founder():
        return (rng.random((n_pairs, n_loci, 2, 1)) > p.cumsum(axis=1)[None, :, None, :-1]).sum(axis=-1)

    def gamete(parent):
        side = rng.integers(0, 2, (n_pairs, n_loci, 1))
        return np.take_along_axis(parent, side, axis=2)[:, :, 0]

    mother, father, other = founder(), founder(), founder()
    cub, sib, half = (
        np.stack([gamete(mother), gamete(parent)], axis=2) for parent in (father, father, other)
    )
    groups = {"strangers": (founder(), founder(), 0.0), "half sibs": (cub, half, 0.25),
              "full sibs": (cub, sib, 0.5), "mother": (mother, cub, 0.5)}  # fmt: skip
    loci = tuple(Locus(f"L{at}", tuple(str(100 + 2 * k) for k in range(n_alleles))) for at in range(n_loci))
    found = {}
    for name, (one, two, truth) in groups.items():
        codes = np.concatenate([one, two]).astype(np.int16)
        genotypes = Genotypes(tuple(map(str, range(2 * n_pairs))), loci, codes)
        found[name] = genotypes, (np.arange(n_pairs), np.arange(n_pairs) + n_pairs), truth
    return found, tuple(p)


FAMILIES, FREQUENCIES = families(3)


@pytest.mark.parametrize("kin", FAMILIES)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_moments_are_unbiased(kin, estimator):
    genotypes, pairs, truth = FAMILIES[kin]
    values = relatedness(genotypes, estimators=[estimator], frequencies=FREQUENCIES, pairs=pairs).values[
        estimator
    ]
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(len(values)) + 0.005)


@pytest.mark.parametrize("kin", FAMILIES)
def test_likelihood_is_near_the_truth(kin):
    genotypes, pairs, truth = FAMILIES[kin]
    found = likelihood_relatedness(genotypes, frequencies=FREQUENCIES, pairs=pairs)
    # Held at 0 or above, so strangers come out a little related.
    assert found.relatedness.mean() == pytest.approx(truth, abs=0.07)
    assert np.sqrt(((found.relatedness - truth) ** 2).mean()) < 0.16
    assert (found.gap < 1e-4).all()
    assert found.states.sum(axis=1) == pytest.approx(1)


def test_a_clone_has_relatedness_one():
    genotypes, *_ = FAMILIES["strangers"]
    twins = genotypes.select([0, 0])
    for name in ("wang", "lynchli"):
        assert relatedness(twins, frequencies=FREQUENCIES).values[name] == pytest.approx(1)
    assert likelihood_relatedness(twins, frequencies=FREQUENCIES).relatedness == pytest.approx(1, abs=0.02)


def test_standard_errors_are_as_wide_as_the_estimates_scatter():
    genotypes, pairs, _ = FAMILIES["full sibs"]
    found = relatedness(genotypes, frequencies=FREQUENCIES, pairs=pairs, jackknife=True)
    for name in ESTIMATORS:
        ratio = found.standard_errors[name].mean() / found.values[name].std()
        assert 0.75 < ratio < 1.35, name


@pytest.mark.parametrize("inbreeding", [False, True])
def test_maximum_is_that_of_a_general_optimiser(inbreeding):
    genotypes, (first, second), _ = FAMILIES["half sibs"]
    pairs = first[:6], second[:6]
    found = likelihood_relatedness(genotypes, inbreeding=inbreeding, frequencies=FREQUENCIES, pairs=pairs)
    states = list(range(9)) if inbreeding else [6, 7, 8]
    for at in range(6):
        table = np.array(
            [
                genotype_pair_probabilities(genotypes.alleles[[pairs[0][at], pairs[1][at]], locus], p)[
                    :, 0, 1
                ]
                for locus, p in enumerate(FREQUENCIES)
            ]
        )

        def cost(x, table=table):
            share = np.zeros(9)
            share[states] = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
            return -np.log(table @ share).sum()

        best = min(
            minimize(cost, start, method="Nelder-Mead", options={"maxiter": 8000, "fatol": 1e-9}).fun
            for start in (np.zeros(len(states)), -3.0 * np.arange(len(states)))
        )
        mine = -np.log(table @ found.states[at]).sum()
        assert mine <= best + 2e-4
        strangers = -np.log(table[:, 8]).sum()
        assert found.log_likelihood_ratio[at] == pytest.approx(strangers - mine, abs=1e-6)


def test_probabilities_of_pairs_sum_to_one_in_every_state():
    p = np.array([0.5, 0.3, 0.2])
    ordered = np.array([(i, j) for i in range(3) for j in range(3)])
    assert genotype_pair_probabilities(ordered, p).sum(axis=(1, 2)) == pytest.approx(1)


def test_missing_loci_are_left_out_pair_by_pair():
    genotypes, *_ = FAMILIES["full sibs"]
    codes = genotypes.alleles[[0, 300]].copy()
    codes[0, :10] = -1
    gaps = Genotypes(("a", "b"), genotypes.loci, codes)
    fewer = genotypes.select([0, 300]).select_loci(list(range(10, 30)))
    one = relatedness(gaps, frequencies=FREQUENCIES)
    two = relatedness(fewer, frequencies=FREQUENCIES[10:])
    assert one.n_loci.tolist() == [20]
    for name in ESTIMATORS:
        assert one.values[name] == pytest.approx(two.values[name])
    ml = [likelihood_relatedness(gaps, frequencies=FREQUENCIES),
          likelihood_relatedness(fewer, frequencies=FREQUENCIES[10:])]  # fmt: skip
    assert ml[0].relatedness == pytest.approx(ml[1].relatedness, abs=1e-3)


def test_cubs_of_sibs_are_inbred():
    rng = np.random.default_rng(2)
    n, n_loci = 200, 40
    p = np.full((n_loci, 4), 0.25)
    codes = rng.integers(0, 4, size=(n, n_loci, 2))
    inbred = rng.random((n, n_loci)) < 0.25  # F of cubs of full sibs
    codes[inbred, 1] = codes[inbred, 0]
    loci = tuple(Locus(f"L{at}", ("100", "102", "104", "106")) for at in range(n_loci))
    found = moment_inbreeding(
        Genotypes(tuple(map(str, range(n))), loci, codes.astype(np.int16)), frequencies=tuple(p)
    )
    assert found.ritland.mean() == pytest.approx(0.25, abs=0.02)
    assert found.lynch_ritland.mean() == pytest.approx(0.25, abs=0.02)


def test_refusals():
    fixed = Genotypes.from_names(["a", "b"], ["L"], [[("1", "1")], [("1", "1")]])
    for estimate in (relatedness, likelihood_relatedness):
        with pytest.raises(EstimateRefused) as refused:
            estimate(fixed)
        assert refused.value.code == "no_variation"
    with pytest.raises(ParameterError, match="'milligan'"):
        relatedness(fixed, estimators=["milligan"])
