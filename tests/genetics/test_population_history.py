"""Bottlenecks, migrants and trends: theory of the coalescent, and worlds in which the answer is known."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from ghostcat.cli.genetics_commands import genetics_command
from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.genetics.bottleneck import bottleneck, expected_heterozygosity
from ghostcat.genetics.coalescent import equilibrium_samples
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.migrants import detect_migrants
from ghostcat.genetics.trend import heterozygosity_trend


def diversity_of(states):
    counts = [np.unique(row, return_counts=True)[1] for row in states]
    n = states.shape[1]
    return np.array([n / (n - 1) * (1 - ((c / n) ** 2).sum()) for c in counts]), np.array(
        list(map(len, counts))
    )


def test_equilibrium_of_infinite_alleles_is_ewens():
    """E(H) = θ/(1+θ), E(K) = Σ θ/(θ+i)."""
    states = equilibrium_samples(12, np.full(6000, 2.0), np.random.default_rng(1), model="IAM")
    he, k = diversity_of(states)
    assert he.mean() == pytest.approx(2 / 3, abs=0.012)
    assert k.mean() == pytest.approx(sum(2 / (2 + i) for i in range(12)), abs=0.08)


def test_equilibrium_of_single_steps():
    """E(H) = 1 − 1/√(1+2θ) (Ohta & Kimura 1973); variance of lengths θ/2."""
    states = equilibrium_samples(12, np.full(6000, 3.0), np.random.default_rng(2), model="SMM")
    assert diversity_of(states)[0].mean() == pytest.approx(1 - 1 / np.sqrt(7), abs=0.012)
    assert states.var(axis=1, ddof=1).mean() == pytest.approx(1.5, rel=0.1)


def test_expected_heterozygosity_given_the_number_of_alleles():
    """Of two alleles under infinite alleles, counts (i, n−i) weigh 1/(i(n−i)) (Ewens 1972)."""
    n = 10
    weights = np.array([1 / (i * (n - i)) for i in range(1, n)])
    he = np.array([n / (n - 1) * (1 - (i**2 + (n - i) ** 2) / n**2) for i in range(1, n)])
    drawn = expected_heterozygosity(n, 2, np.random.default_rng(3), model="IAM", simulations=3000)
    assert drawn.mean() == pytest.approx((weights * he).sum() / weights.sum(), abs=0.015)


def equilibrium_population(rng, n_animals, n_loci, *, founders=None, theta=4.0):
    """Stepwise loci at equilibrium; after a bottleneck, the animals descend from a few genes."""
    genes = equilibrium_samples(
        2 * n_animals if founders is None else 400, np.full(n_loci, theta), rng, model="SMM"
    )
    if founders is not None:
        kept = np.stack([rng.choice(row, size=founders, replace=False) for row in genes])
        genes = np.stack([rng.choice(row, size=2 * n_animals) for row in kept])
    lengths = 200 + 2 * genes.reshape(n_loci, n_animals, 2)
    rows = [[tuple(map(str, lengths[at, i])) for at in range(n_loci)] for i in range(n_animals)]
    return Genotypes.from_names([str(i) for i in range(n_animals)], [f"L{at}" for at in range(n_loci)], rows)


def test_a_bottleneck_shows_and_equilibrium_does_not():
    rng = np.random.default_rng(4)
    steady = bottleneck(equilibrium_population(rng, 25, 20), rng, models=("SMM",), simulations=300)
    broken = bottleneck(
        equilibrium_population(rng, 25, 20, founders=8), rng, models=("SMM",), simulations=300
    )
    assert steady.tests[0].p_wilcoxon_excess > 0.02
    assert broken.tests[0].p_wilcoxon_excess < 0.01
    assert broken.tests[0].n_excess > steady.tests[0].n_excess
    assert broken.mode_shift and not steady.mode_shift
    assert broken.m_ratio.mean < steady.m_ratio.mean
    assert (broken.m_ratio.repeat_bp == 2).all()
    assert broken.m_ratio.lower <= broken.m_ratio.mean <= broken.m_ratio.upper


def test_bottleneck_refuses_small_samples():
    rng = np.random.default_rng(5)
    with pytest.raises(EstimateRefused) as refused:
        bottleneck(equilibrium_population(rng, 6, 10), rng)
    assert refused.value.code == "few_animals"
    with pytest.raises(EstimateRefused) as refused:
        bottleneck(equilibrium_population(rng, 20, 2), rng)
    assert refused.value.code == "few_loci"


def patches(seed, migrants=2, n=25, n_loci=14, f=0.15):
    """Two patches that drifted apart; the first animals of the second were born in the first."""
    rng = np.random.default_rng(seed)
    base = rng.dirichlet(np.ones(6), size=n_loci)
    drifted = [np.stack([rng.dirichlet(p * (1 - f) / f + 1e-3) for p in base]) for _ in range(2)]

    def born(patch, size):
        return np.stack([rng.choice(6, size=(size, 2), p=p / p.sum()) for p in drifted[patch]], axis=1)

    genes = np.concatenate([born(0, n + migrants), born(1, n - migrants)])
    rows = [[tuple(str(100 + 2 * a) for a in pair) for pair in animal] for animal in genes]
    names = [f"a{i}" for i in range(2 * n)]
    return Genotypes.from_names(
        names, [f"L{at}" for at in range(n_loci)], rows, populations=["W"] * n + ["E"] * n
    )


@pytest.mark.parametrize("criterion", ["ratio", "others", "home"])
def test_migrants_are_found_and_residents_left_in_peace(criterion):
    found_migrants = false = residents = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        result = detect_migrants(patches(seed), rng, criterion=criterion, simulations=1000)
        for item in result:
            if item.home == "E" and item.sample in ("a25", "a26"):
                found_migrants += item.p < 0.01
                assert item.likeliest == "W" or item.p > 0.01
            else:
                residents += 1
                false += item.p < 0.01
    assert found_migrants >= (6 if criterion != "home" else 3)
    assert false <= 0.01 * residents + 4 * np.sqrt(0.01 * residents)


def test_missing_loci_do_not_make_migrants():
    whole = patches(1, migrants=0)
    codes = whole.alleles.copy()
    codes[np.random.default_rng(2).random(codes.shape[:2]) < 0.4] = -1
    gaps = Genotypes(whole.samples, whole.loci, codes, populations=whole.populations)
    p = [item.p for item in detect_migrants(gaps, np.random.default_rng(3), simulations=1000)]
    assert np.mean(np.array(p) < 0.05) < 0.12


def test_one_population_has_no_migrants():
    with pytest.raises(EstimateRefused) as refused:
        detect_migrants(patches(1).select(range(25)), np.random.default_rng(1))
    assert refused.value.code == "one_population"


def test_a_fall_of_heterozygosity_is_seen_and_chance_is_not():
    rng = np.random.default_rng(6)
    years = np.repeat(np.arange(2000, 2020), 8)
    falling = rng.random((len(years), 40)) < (0.7 - 0.02 * (years - 2000))[:, None]
    snps = Genotypes.from_dosage(
        [str(i) for i in range(160)], [f"s{i}" for i in range(40)], np.where(falling, 1, 0)
    )
    found = heterozygosity_trend(snps, years, rng, generation_years=5, draws=500)
    assert found.upper < 0 and found.p < 0.01
    assert found.ne_if_drift == pytest.approx(0.51 / (2 * 0.02 * 5), rel=0.2)
    assert [period.year for period in found.periods] == list(range(2000, 2020))
    still = heterozygosity_trend(snps, rng.permutation(years), rng, draws=500)
    assert still.lower < 0 < still.upper


def test_trend_refuses():
    snps = Genotypes.from_dosage([str(i) for i in range(9)], ["s"], np.array([[0], [1], [2]] * 3))
    rng = np.random.default_rng(7)
    for years, code in (
        ([2000.0] * 9, "one_year"),
        ([float("nan")] * 5 + [2000.0, 2001, 2002, 2003], "few_animals"),
    ):
        with pytest.raises(EstimateRefused) as refused:
            heterozygosity_trend(snps, years, rng)
        assert refused.value.code == code
    with pytest.raises(ParameterError, match="2 years"):
        heterozygosity_trend(snps, [2000.0, 2001.0], rng)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ne"], ["migrants", "--simulations", "200"], ["relatedness"], ["trend", "--year", "year"],
        ["bottleneck", "--simulations", "200"],
    ],
)  # fmt: skip
def test_commands_print_strict_json_and_text(tmp_path, arguments):
    from ghostcat.formats.genotypes_writer import write_genotypes

    animals = patches(2, n=14, n_loci=6)
    dated = Genotypes(
        animals.samples, animals.loci, animals.alleles, populations=animals.populations,
        columns={"year": tuple(str(2000 + i % 5) for i in range(28))},
    )  # fmt: skip
    path = write_genotypes(dated, tmp_path / "cats.csv")
    command, *options = arguments
    result = CliRunner().invoke(genetics_command, [command, str(path), *options, "--json"])
    assert result.exit_code == 0, result.output
    json.loads(result.output, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    text = CliRunner().invoke(genetics_command, [command, str(path), *options])
    assert text.exit_code == 0 and text.output
