"""Diversity by hand, by brute force, and where nothing can be known."""

import json
import math
from itertools import combinations

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.cli.genetics_commands import genetics_command
from ghostcat.genetics.differentiation import pairwise_weir_cockerham, weir_cockerham
from ghostcat.genetics.diversity import allelic_richness, diversity, nei_statistics, private_alleles
from ghostcat.genetics.frequencies import allele_frequencies
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.identity_probability import (
    identity_probability,
    locus_pid,
    locus_pid_sib,
    locus_pid_unbiased,
)


def cats(pairs, populations=()):
    rows = [[tuple(pair.split("/")) if pair else None] for pair in pairs]
    return Genotypes.from_names([f"c{i}" for i in range(len(rows))], ["L"], rows, populations=populations)


def test_by_hand():
    """Four cats AA, AB, AB, BB: p = ½, Ho = ½, He = 8/7·½, Hs = 4/3·(½ − ½/8)."""
    found = diversity(allele_frequencies(cats(["1/1", "1/2", "1/2", "2/2"])))
    assert found.ho.item() == 0.5
    assert found.he.item() == pytest.approx(4 / 7)
    assert found.hs.item() == pytest.approx(4 / 3 * (0.5 - 0.5 / 8))
    assert found.fis.item() == pytest.approx(1 - 0.5 / (4 / 3 * (0.5 - 0.5 / 8)))


def test_half_genotypes_and_untyped_populations():
    frequencies = allele_frequencies(cats(["1/2", "1/1", ""], ["P", "P", "Q"]))
    found = diversity(frequencies)
    assert frequencies.n_typed.tolist() == [[2], [0]]
    assert math.isnan(found.ho[1, 0]) and math.isnan(found.he[1, 0]) and math.isnan(found.richness[1, 0])
    assert frequencies.pooled().n_typed.tolist() == [[2]]


@given(st.lists(st.integers(0, 6), min_size=2, max_size=4), st.integers(1, 6))
def test_richness_is_the_mean_over_all_subsamples(counts, genes):
    pool = [allele for allele, count in enumerate(counts) for _ in range(count)]
    if genes > len(pool) or len(pool) > 12:
        return
    subsamples = [len(set(drawn)) for drawn in combinations(pool, genes)]
    assert allelic_richness(np.array(counts), genes).item() == pytest.approx(np.mean(subsamples))


def test_pid_is_the_chance_of_equal_genotypes():
    p = np.array([0.5, 0.3, 0.2])
    genotypes = {}
    for i in range(3):
        for j in range(3):
            key = tuple(sorted((i, j)))
            genotypes[key] = genotypes.get(key, 0) + p[i] * p[j]
    assert locus_pid(p) == pytest.approx(sum(share**2 for share in genotypes.values()))
    same = 0.0
    for mother in np.ndindex(3, 3):
        for father in np.ndindex(3, 3):
            chance = np.prod(p[list(mother)]) * np.prod(p[list(father)])
            cubs = [tuple(sorted((m, f))) for m in mother for f in father]
            same += chance * sum(one == two for one in cubs for two in cubs) / 16
    assert locus_pid_sib(p) == pytest.approx(same)


def test_unbiased_pid_is_unbiased():
    """Its mean over samples is the PID of the population, that of the plain form is not."""
    rng = np.random.default_rng(4)
    p = np.array([0.6, 0.3, 0.1])
    counts = rng.multinomial(12, p, size=40_000)
    unbiased = locus_pid_unbiased(counts / 12, np.full(len(counts), 12))
    error = unbiased.std() / math.sqrt(len(counts))
    assert abs(unbiased.mean() - locus_pid(p)) < 4 * error
    assert abs(locus_pid(counts / 12).mean() - locus_pid(p)) > 20 * error
    assert math.isnan(locus_pid_unbiased(p, np.array(3)).item())


def test_pid_leaves_out_and_names_loci_that_nobody_was_typed_at():
    rows = [[("1", "2"), None], [("1", "1"), None]]
    typed = Genotypes.from_names(["a", "b"], ["L", "M"], rows)
    (found,) = identity_probability(allele_frequencies(typed))
    assert found.loci == ("L",) and found.left_out == ("M",)
    assert found.loci_needed(0.0001) is None and found.loci_needed(1.0) == 1


def test_fst_of_populations_without_a_common_allele_is_one():
    apart = allele_frequencies(cats(["1/1"] * 5 + ["2/2"] * 5, ["P"] * 5 + ["Q"] * 5))
    assert weir_cockerham(apart).fst == pytest.approx(1)
    assert nei_statistics(apart).overall()["Fstp"] == pytest.approx(1)
    assert [(item.population, item.allele) for item in private_alleles(apart)] == [("P", "1"), ("Q", "2")]


def test_of_one_population_nothing_lies_between():
    one = allele_frequencies(cats(["1/1", "1/2", "2/2", "1/2"]))
    assert math.isnan(weir_cockerham(one).fst)
    assert math.isfinite(weir_cockerham(one).fis)
    assert math.isnan(nei_statistics(one).overall()["Fst"])
    assert private_alleles(one) == ()


def test_fst_is_unbiased_under_drift():
    """Populations that drifted apart to F = 0.1: the mean of θ over many loci is 0.1."""
    rng = np.random.default_rng(7)
    f, n_loci = 0.1, 1500
    p = rng.uniform(0.2, 0.8, n_loci)
    drifted = rng.beta(p * (1 - f) / f, (1 - p) * (1 - f) / f, size=(6, n_loci))
    counts = np.concatenate([rng.binomial(2, drifted[k], size=(15, n_loci)) for k in range(6)])
    snps = Genotypes.from_dosage(
        [str(i) for i in range(90)],
        [f"s{i}" for i in range(n_loci)],
        counts,
        populations=np.repeat(list("abcdef"), 15),
    )
    wc = weir_cockerham(allele_frequencies(snps))
    assert wc.fst == pytest.approx(f, abs=0.01)
    low, high = wc.fst_interval(rng)
    assert low < f < high and high - low < 0.03
    assert abs(wc.fis) < 0.01


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_neither_order_nor_names_matter(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, size=(14, 3, 2))
    populations = [str(k) for k in rng.integers(0, 3, 14)]

    def typed(order, names):
        rows = [[tuple(names[c] for c in codes[i, at]) for at in range(3)] for i in order]
        return Genotypes.from_names(
            [str(i) for i in order], list("LMN"), rows, populations=[populations[i] for i in order]
        )

    one = allele_frequencies(typed(range(14), ["100", "102", "104", "106"]))
    two = allele_frequencies(typed(rng.permutation(14), ["206", "202", "208", "200"]))
    assert weir_cockerham(one).fst == pytest.approx(weir_cockerham(two).fst, nan_ok=True)
    assert nei_statistics(one).overall() == pytest.approx(nei_statistics(two).overall(), nan_ok=True)
    again = [two.populations.index(name) for name in one.populations]
    assert diversity(one).he == pytest.approx(diversity(two.take(again)).he, nan_ok=True)


def test_a_locus_typed_in_one_population_does_not_draw_fst_down():
    rows = [[("1", "1"), ("1", "2")], [("1", "2"), ("1", "2")], [("2", "2"), None], [("2", "2"), None]]
    rows += [[("1", "1"), ("1", "1")], [("2", "2"), None]]
    typed = Genotypes.from_names(list("abcdef"), ["L", "M"], rows, populations=list("PPQQPQ"))
    frequencies = allele_frequencies(typed)
    alone = allele_frequencies(typed.select_loci(["L"]))
    assert pairwise_weir_cockerham(frequencies)[0, 1] == pytest.approx(pairwise_weir_cockerham(alone)[0, 1])
    drawn = pairwise_weir_cockerham(frequencies, unshared="within")[0, 1]
    assert drawn < pairwise_weir_cockerham(frequencies)[0, 1]


def test_command_prints_strict_json_and_a_table(tmp_path):
    path = tmp_path / "cats.csv"
    path.write_text(
        "id,pop,L1,L2\n" + "".join(f"c{i},{'PQ'[i % 2]},{100 + i % 3}/102,5/5\n" for i in range(12))
    )
    result = CliRunner().invoke(genetics_command, ["diversity", str(path), "--json", "--permutations", "200"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert [row["pop"] for row in found["perpop"]] == ["P", "Q"]
    assert {"overall", "perloc", "wc", "pid_all", "pid_perpop", "hwe_overall", "hwe_perpop", "ld"} <= set(
        found
    )
    assert any(finding["code"] == "locus_without_variation" for finding in found["findings"])
    text = CliRunner().invoke(genetics_command, ["diversity", str(path), "--permutations", "200"])
    assert text.exit_code == 0 and "PIDsib" in text.output
