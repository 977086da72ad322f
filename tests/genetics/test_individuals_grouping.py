"""From samples to animals: the posterior of groups, the panel's limits, the mismatch diagnostic."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.genetics.encounters import encounter_history
from ghostcat.genetics.error_rates import ErrorRates
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.grouping import GroupingSettings, group_samples
from ghostcat.genetics.individuals import find_individuals
from ghostcat.genetics.markers import call_sex, call_species
from ghostcat.genetics.matching import Population
from ghostcat.genetics.mismatch_profile import allele_distances, mismatch_profile
from ghostcat.genetics.panel import confusion, judge_panel
from ghostcat.genetics.reactions import arrange
from ghostcat.genetics.simulate_families import drop_genes, type_animals

QUICK = GroupingSettings(epochs=8, burn_in=3, sweeps=4)


def scats(rng, *, animals=12, loci=12, alleles=5, most=4, dropout=0.1, false_allele=0.01, missing=0.1):
    """Samples of unrelated animals, in random order, and whose they are."""
    frequencies = rng.dirichlet(np.full(alleles, 2.0), size=loci)
    genes = drop_genes([-1] * animals, [-1] * animals, frequencies, rng=rng)
    owner = rng.permutation(np.repeat(np.arange(animals), rng.integers(1, most + 1, size=animals)))
    typed = type_animals(
        genes[owner], [f"s{i}" for i in range(len(owner))], rng=rng, marker="microsatellite",
        n_alleles=alleles, dropout=dropout, false_allele=false_allele, missing=missing,
    )  # fmt: skip
    return typed, owner


def grouped(typed, rng, **changed):
    settings = changed.pop("settings", QUICK)
    rates = ErrorRates.assumed(typed.n_loci, **changed)
    return group_samples(arrange(typed), rates=rates, rng=rng, settings=settings)


def test_a_good_panel_finds_the_animals():
    rng = np.random.default_rng(21)
    typed, owner = scats(rng)
    found = find_individuals(grouped(typed, rng))
    one = found.label[:, None] == found.label[None, :]
    truth = owner[:, None] == owner[None, :]
    assert (one & truth).sum() / truth.sum() > 0.95  # a sample with five errors may stand alone
    assert (one & ~truth).sum() == 0
    assert abs(found.number.count - 12) <= 1
    assert found.number.lower <= 12 <= found.number.upper
    assert found.number.estimate == pytest.approx(found.number.count, abs=0.5)
    assert min(animal.probability for animal in found.animals) > 0.5


def test_the_seed_decides_the_draws():
    typed, _ = scats(np.random.default_rng(22), animals=6)
    one, same = (grouped(typed, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.labels, same.labels)


def test_order_of_samples_does_not_matter_to_the_animals():
    typed, _ = scats(np.random.default_rng(23), animals=8)
    rows = np.random.default_rng(0).permutation(len(typed))
    one = find_individuals(grouped(typed, np.random.default_rng(1)))
    other = find_individuals(grouped(typed.select(rows), np.random.default_rng(2)))
    assert {frozenset(a.members) for a in one.animals} == {frozenset(a.members) for a in other.animals}


def test_two_loci_cannot_carry_a_number_and_the_interval_says_so():
    rng = np.random.default_rng(24)
    typed, _ = scats(rng, animals=15, loci=3, alleles=2, most=3)
    number = find_individuals(grouped(typed, rng)).number
    assert number.upper - number.lower >= 6
    assert number.lower <= 15 <= number.upper


def test_replicates_and_dropout_are_no_mismatch():
    """AB and AA at four loci: dropout at d = 0.3 explains them, at d = 0.001 nothing does."""
    names = [f"x{i}" for i in range(10)]
    full = [("1", "2")] * 10
    dropped = [("1", "1")] * 4 + [("1", "2")] * 6
    rng = np.random.default_rng(25)
    others = [[(str(a), str(b)) for a, b in rng.integers(1, 7, size=(10, 2))] for _ in range(20)]
    typed = Genotypes.from_names(["a", "b", *(f"o{i}" for i in range(20))], names, [full, dropped, *others])
    held = GroupingSettings(epochs=8, burn_in=3, sweeps=4, error_weight=np.inf)
    with_dropout = grouped(typed, rng, settings=held, dropout=0.3).together()[0, 1]
    without = grouped(typed, rng, settings=held, dropout=0.001, false_allele=0.0005).together()[0, 1]
    assert with_dropout > 0.9 > 0.2 > without


def test_samples_without_readings_join_nobody():
    rng = np.random.default_rng(26)
    typed, _ = scats(rng, animals=5)
    empty = np.array(typed.alleles)
    empty[0] = -1
    blank = Genotypes(typed.samples, typed.loci, empty)
    together = grouped(blank, rng).together()
    assert together[0, 1:].max() == 0.0


@pytest.mark.parametrize(
    "wrong", [{"epochs": 3, "burn_in": 3}, {"sweeps": 0}, {"relatives": (0.5, 0.5, 0.1, 0)}]
)
def test_settings_that_leave_no_draw_are_refused(wrong):
    with pytest.raises(ParameterError):
        GroupingSettings(**wrong)


def three_alleles(heterozygosity, loci):
    p = (1.0 + np.sqrt(1.0 - 3.0 * (2.0 * heterozygosity - 1.0))) / 3.0
    return np.tile([p, (1 - p) / 2, (1 - p) / 2], (loci, 1))


@pytest.mark.parametrize(
    ("heterozygosity", "loci", "pid", "sib", "tells"),
    [(0.35, 12, 6.8e-5, 0.0111, False), (0.43, 13, 2.0e-6, 0.0023, True)],
)
def test_panels_of_the_field(heterozygosity, loci, pid, sib, tells):
    """Published He of Amur leopard panels; PID and PIDsib of three alleles, one common."""
    panel = judge_panel(three_alleles(heterozygosity, loci), tuple("abcdefghijklm"[:loci]), n_animals=50)
    assert panel.pid == pytest.approx(pid, rel=0.02)
    assert panel.pid_sib == pytest.approx(sib, rel=0.02)
    assert panel.tells_sibs is tells
    assert panel.wrong_sib_merges == pytest.approx(25 * panel.pid_sib)
    assert panel.wrong_unrelated_merges == pytest.approx(1225 * panel.pid)
    assert (panel.loci_of_this_kind_needed <= loci) is tells


def test_confusion_without_errors_is_pidsib():
    """Perfect readings: sibs are taken for one just when they share the genotype."""
    rng = np.random.default_rng(27)
    frequencies = three_alleles(0.43, 5)
    genes = drop_genes([-1] * 40, [-1] * 40, frequencies, rng=rng)
    typed = type_animals(genes, [f"s{i}" for i in range(40)], rng=rng, marker="microsatellite", n_alleles=3)
    reactions = arrange(typed)
    rates = ErrorRates.assumed(5, dropout=0.0, false_allele=0.0)
    population = Population(reactions.table, frequencies)
    found = confusion(reactions, population, rates, rng=rng, pairs=8000)
    assert found.taken_for_one == pytest.approx(
        judge_panel(frequencies, tuple("abcde"), n_animals=2).pid_sib, abs=0.012
    )
    assert found.taken_for_two == 0.0


def test_mismatch_profile_by_hand():
    """a = b; c lacks a locus that a has (2 half mismatches); d differs in one allele from a."""
    a = [[0, 1], [2, 2], [0, 3]]
    c = [[0, 1], [-1, -1], [0, 3]]
    d = [[0, 1], [2, 4], [0, 3]]
    alleles = np.array([a, a, c, d])
    np.testing.assert_array_equal(
        allele_distances(alleles), [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]
    )
    profile = mismatch_profile(alleles, most=2)
    assert [one.n_unique for one in profile] == [3, 3, 1]
    assert [one.n_multiplematch for one in profile] == [0, 4, 0]


@given(st.integers(0, 10_000))
def test_nothing_allowed_counts_distinct_genotypes_and_everything_allowed_one(seed):
    alleles = np.sort(np.random.default_rng(seed).integers(-1, 3, size=(7, 4, 2)), axis=2)
    alleles[(alleles < 0).any(axis=2)] = -1
    profile = mismatch_profile(alleles, most=9)
    assert profile[0].n_unique == len(np.unique(alleles.reshape(7, -1), axis=0))
    assert max(one.n_unique for one in profile) == profile[0].n_unique
    assert profile[9].n_unique == 1  # eight alleles cannot differ more often


def test_sex_by_hand():
    """XY once at d = 0.1, f = 0.01, 1 male to 1.2 females: odds 0.9/0.01/1.2 = 75."""
    assert call_sex("s", ["XY"]).odds == pytest.approx(75.0)
    both = call_sex("s", ["XX", "?", "XX", ""])
    assert (both.value, both.called) == ("female", True)
    assert both.odds == pytest.approx(1.2 * 9.9**2)
    assert not call_sex("s", []).called and call_sex("s", ["NA"]).reason
    with pytest.raises(ParameterError, match="'XZ'"):
        call_sex("s", ["XZ"])


def test_species_needs_agreement():
    assert call_species("s", ["leopard"]).called
    assert not call_species("s", ["leopard", "lynx"]).called
    assert call_species("s", ["leopard", "lynx", "Leopard", "leopard"]).value == "leopard"
    assert not call_species("s", ["lynx"], candidates={"leopard": 98.0, "lynx": 1.0}).called
    with pytest.raises(ParameterError):
        call_species("s", ["lynx"], wrong=0.0)


def test_history_counts_and_names_what_it_leaves_out():
    day = {"a": date(2026, 1, 1), "b": date(2026, 1, 8), "c": date(2026, 1, 7), "d": date(2026, 3, 1)}
    place = {"a": "A4", "b": "A4", "c": "B4", "d": "B4", "e": "B4"}
    animal = {"a": "D1", "b": "D1", "c": "D2", "d": "D2", "e": "D2"}
    found = encounter_history(
        animal, place, day, samples=list("abcdef"), occasion_days=7,
        first_day=date(2026, 1, 1), last_day=date(2026, 1, 31),
    )  # fmt: skip
    assert found.captures == [("D1", 1, "A4", 1), ("D1", 2, "A4", 1), ("D2", 1, "B4", 1)]
    assert found.counts.shape == (2, 2, 5)
    assert dict(found.left_out) == {
        "d": "2026-03-01 is outside 2026-01-01 to 2026-01-31",
        "e": "no day",
        "f": "no animal and no place and no day",
    }
    with pytest.raises(EstimateRefused):
        encounter_history({}, {}, {}, samples=["a"], occasion_days=7)
    with pytest.raises(ParameterError):
        encounter_history(animal, place, day, samples=["a"], occasion_days=0)
