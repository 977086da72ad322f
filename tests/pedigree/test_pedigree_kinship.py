"""Kinship by table, along ancestors and by enumeration: the three must agree."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ghostcat.pedigree.lineage as lineage_module
from ghostcat.errors import InputError, ParameterError
from ghostcat.pedigree import (
    ParentOdds,
    dominance,
    equivalent_generations,
    inbreeding,
    kinship,
    kinship_blocks,
    log_determinant,
    make_pedigree,
    mean_kinship,
    relationship,
    relationship_product,
    x_kinship,
)


def tabular(dam, sire):
    """Emik & Terrill 1949, animals in birth order."""
    n = len(dam)
    table = np.zeros((n + 1, n + 1))
    for i in range(n):
        table[i, :i] = table[:i, i] = 0.5 * (table[dam[i], :i] + table[sire[i], :i])
        table[i, i] = 0.5 * (1 + table[dam[i], sire[i]])
    return table[:n, :n]


@st.composite
def pedigrees(draw, largest=14):
    """Parents as positions, in birth order, with any of them unknown, and a shuffled order of rows."""
    n = draw(st.integers(2, largest))
    dam = [draw(st.integers(-1, i - 1)) for i in range(n)]
    sire = [draw(st.integers(-1, i - 1)) for i in range(n)]
    order = draw(st.permutations(range(n)))
    return np.array(dam), np.array(sire), list(order)


def named(dam, sire, order, **extra):
    names = [f"a{i}" for i in range(len(dam))]
    parent = ["" if p < 0 else names[p] for p in dam], ["" if p < 0 else names[p] for p in sire]
    return make_pedigree(
        [names[i] for i in order], [parent[0][i] for i in order], [parent[1][i] for i in order], **extra
    )


@settings(max_examples=60, deadline=None)
@given(pedigrees())
def test_row_order_does_not_matter(case):
    dam, sire, order = case
    known = tabular(dam, sire)[np.ix_(order, order)]
    pedigree = named(dam, sire, order)
    np.testing.assert_allclose(kinship(pedigree), known, atol=1e-14)
    np.testing.assert_allclose(inbreeding(pedigree), 2 * np.diag(known) - 1, atol=1e-14)
    np.testing.assert_allclose(mean_kinship(pedigree), known.mean(axis=1), atol=1e-13)
    determinant = np.linalg.slogdet(2 * known)[1]
    if np.isfinite(determinant) and determinant > -25:
        assert log_determinant(pedigree) == pytest.approx(determinant, abs=1e-7)


@pytest.fixture
def compiled(monkeypatch):
    """Take the way of large pedigrees for small ones."""
    monkeypatch.setattr(lineage_module, "TABULATED", 0)


@pytest.mark.parametrize("seed", range(4))
def test_the_compiled_way_agrees(seed, compiled):
    rng = np.random.default_rng(seed)
    n = 300
    dam, sire = (np.array([rng.integers(-1, i) if i else -1 for i in range(n)]) for _ in range(2))
    order = rng.permutation(n)
    known = tabular(dam, sire)[np.ix_(order, order)]
    pedigree = named(dam, sire, order)
    assert not pedigree.lineage.small
    np.testing.assert_allclose(inbreeding(pedigree), 2 * np.diag(known) - 1, atol=1e-13)
    chosen = rng.choice(n, 40, replace=False)
    np.testing.assert_allclose(kinship(pedigree, chosen), known[np.ix_(chosen, chosen)], atol=1e-13)
    weights = rng.normal(size=(n, 3))
    np.testing.assert_allclose(relationship_product(pedigree, weights), 2 * known @ weights, atol=1e-11)


def test_sparse_rows_and_products_agree(compiled, monkeypatch):
    rng = np.random.default_rng(5)
    n = 400
    dam, sire = (
        np.array([rng.integers(max(-1, i - 60), i) if i else -1 for i in range(n)]) for _ in range(2)
    )
    pedigree = named(dam, sire, np.arange(n))
    module = sys.modules["ghostcat.pedigree.kinship"]
    found = []
    for few in (True, False):
        monkeypatch.setattr(module, "_few_ancestors", lambda *_, few=few: few)
        found.append(
            np.vstack([block for _, block in kinship_blocks(pedigree, np.arange(300, 400), height=30)])
        )
    np.testing.assert_allclose(found[0], found[1], atol=1e-14)
    np.testing.assert_allclose(found[0], tabular(dam, sire)[300:, 300:], atol=1e-13)


def everything(pedigree):
    """Kinship averaged over every choice of the uncertain parents, weighted by its probability."""
    sets = {}
    for entry in pedigree.odds:
        key = (entry.role, entry.litter) if entry.litter else (entry.role, "", entry.child)
        sets.setdefault(key, {}).setdefault(entry.child, []).append(entry)
    choices = []
    for children in sets.values():
        first = next(iter(children.values()))
        rest = 1 - sum(entry.probability for entry in first)
        options = [(entry.parent, entry.probability) for entry in first]
        choices.append([(children, option) for option in [*options, (-1, rest)] if option[1] > 1e-12])
    total = 0.0
    for choice in itertools.product(*choices):
        dam, sire = pedigree.dam.copy(), pedigree.sire.copy()
        weight = 1.0
        shared = []
        for children, (parent, probability) in choice:
            weight *= probability
            role = next(iter(children.values()))[0].role
            for child in children:
                (dam if role == "dam" else sire)[child] = parent
            if parent < 0 and len(children) > 1:
                shared.append((role, list(children)))
        total = total + weight * tabular(dam, sire)
        assert not shared, "a litter of an unknown parent needs a row of its own here"
    return total


def test_uncertain_parents_are_averaged_exactly():
    names = list("abcdefgh")
    dams = ["", "", "", "a", "a", "d", "d", "f"]
    sires = ["", "", "", "b", "", "", "b", ""]
    odds = [
        ParentOdds(child=4, role="sire", parent=1, probability=0.6),
        ParentOdds(child=4, role="sire", parent=2, probability=0.3),
        ParentOdds(child=5, role="sire", parent=1, probability=0.5),
        ParentOdds(child=5, role="sire", parent=4, probability=0.5),
        ParentOdds(child=7, role="sire", parent=3, probability=0.25),
        ParentOdds(child=7, role="sire", parent=4, probability=0.25),
        ParentOdds(child=7, role="sire", parent=6, probability=0.5),
    ]
    pedigree = make_pedigree(names, dams, sires, odds=odds)
    np.testing.assert_allclose(kinship(pedigree), everything(pedigree), atol=1e-14)


def test_a_litter_shares_its_uncertain_sire(compiled):
    names = list("abcdef")
    odds = [
        ParentOdds(child=child, role="sire", parent=parent, probability=share, litter="x")
        for child in (3, 4)
        for parent, share in ((1, 0.5), (2, 0.3), (5, 0.2))
    ]
    pedigree = make_pedigree(names, ["", "", "", "a", "a", ""], [""] * 6, odds=odds)
    # Full sibs for certain: ¼ through the dam and through the sire, whoever he is.
    found = kinship(pedigree)
    assert found[3, 4] == pytest.approx(0.25, abs=1e-15)
    apart = make_pedigree(
        names,
        ["", "", "", "a", "a", ""],
        [""] * 6,
        odds=[
            ParentOdds(child=e.child, role="sire", parent=e.parent, probability=e.probability) for e in odds
        ],
    )
    # Drawn apart they share the sire with chance Σ p².
    assert kinship(apart)[3, 4] == pytest.approx(0.125 + 0.125 * (0.25 + 0.09 + 0.04), abs=1e-15)


def test_kinship_of_founders_from_dna(compiled):
    pedigree = make_pedigree(["a", "b", "c", "d", "e"], ["", "", "", "a", "a"], ["", "", "", "b", "c"])
    given_kinship = np.array([[0.5, 0.2, 0.05], [0.2, 0.55, -0.02], [0.05, -0.02, 0.5]])
    known = pedigree.with_founder_kinship(["a", "b", "c"], given_kinship)
    found = kinship(known)
    np.testing.assert_allclose(found[:3, :3], given_kinship, atol=1e-14)
    assert found[3, 3] == pytest.approx(0.5 * (1 + 0.2))
    assert found[3, 4] == pytest.approx(0.25 * (0.5 + 0.05 + 0.2 - 0.02))
    assert inbreeding(known)[3] == pytest.approx(0.2)
    assert equivalent_generations(known).tolist() == [0, 0, 0, 1, 1]


def test_kinship_from_dna_is_for_founders():
    pedigree = make_pedigree(["a", "b"], ["", "a"], ["", ""])
    with pytest.raises(ParameterError, match="known parent"):
        pedigree.with_founder_kinship(["b"], [[0.5]])


def test_a_loop_names_the_animals():
    pedigree = make_pedigree(["a", "b", "c"], ["b", "c", "a"], ["", "", ""])
    with pytest.raises(InputError, match=r"own ancestor: a \(row 1\) → b \(row 2\) → c \(row 3\)"):
        inbreeding(pedigree)


def test_x_chromosomes():
    # A father gives his X to his daughters and none to his sons.
    pedigree = make_pedigree(
        ["f", "m", "son", "daughter", "grandson", "odd"],
        ["", "", "m", "m", "daughter", ""],
        ["", "", "f", "f", "q", ""],
        sex=[1, 2, 1, 2, 1, 0],
    )
    found = x_kinship(pedigree)
    assert found[0, 2] == 0
    assert found[0, 3] == 0.5
    assert found[1, 2] == 0.5
    assert found[1, 3] == 0.25
    assert found[0, 4] == 0.5
    assert found[2, 3] == 0.25
    assert np.isnan(found[5]).all()


def test_dominance_of_sibs_and_cousins():
    pedigree = make_pedigree(
        ["s1", "s2", "h", "c1", "c2"], ["m", "m", "m", "s1", "s2"], ["f", "f", "g", "x", "y"]
    )
    found = dominance(pedigree)
    assert found[0, 1] == 0.25
    assert found[0, 2] == 0
    assert found[3, 4] == 0
    # Double first cousins share both pairs of grandparents.
    double = make_pedigree(
        ["s1", "s2", "t1", "t2", "c1", "c2"],
        ["m", "m", "n", "n", "t1", "t2"],
        ["f", "f", "g", "g", "s1", "s2"],
    )
    assert dominance(double)[4, 5] == pytest.approx(1 / 16)
    np.testing.assert_allclose(relationship(double, 4, 5).kappa, [9 / 16, 6 / 16, 1 / 16], atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(pedigrees(largest=8))
def test_identity_states_by_enumeration(case):
    dam, sire, _ = case
    pedigree = named(dam, sire, list(range(len(dam))))
    known = states_by_enumeration(dam, sire, 0, len(dam) - 1)
    np.testing.assert_allclose(relationship(pedigree, 0, len(dam) - 1).states, known, atol=1e-10)


def states_by_enumeration(dam, sire, one, other):
    """Every way of handing down alleles, each as likely; Jacquard's nine states counted."""
    n = len(dam)
    links = [(i, side) for i in range(n) for side in (0, 1) if (dam, sire)[side][i] >= 0]
    totals = np.zeros(9)
    for bits in itertools.product((0, 1), repeat=len(links)):
        chosen = dict(zip(links, bits, strict=True))
        alleles = []
        for i in range(n):
            own = [2 * i + 1000 * 0, 2 * i + 1]
            for side in (0, 1):
                if (i, side) in chosen:
                    own[side] = alleles[(dam, sire)[side][i]][chosen[i, side]]
            alleles.append(own)
        totals[state(*alleles[one], *alleles[other])] += 1
    return totals / totals.sum()


def state(a, b, c, d):
    if a == b:
        if c == d:
            return 0 if a == c else 1
        return 2 if a in (c, d) else 3
    if c == d:
        return 4 if c in (a, b) else 5
    shared = len({a, b} & {c, d})
    return {2: 6, 1: 7, 0: 8}[shared]


def test_offspring_are_appended():
    pedigree = make_pedigree(["a", "b", "c"], ["", "", "a"], ["", "", "b"], sex=[2, 1, 1])
    grown = pedigree.with_offspring([0, -1], [2, 1], ids=["d", "e"])
    assert grown.ids == ("a", "b", "c", "d", "e")
    assert inbreeding(grown)[3] == 0.25
    assert grown.living[3:].all()
    with pytest.raises(ParameterError, match="already"):
        pedigree.with_offspring([0], [1], ids=["a"])
