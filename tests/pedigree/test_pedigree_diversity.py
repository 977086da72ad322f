"""Founder statistics against numbers worked out by hand, and gene drops against kinship."""

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree import (
    FEMALE,
    MALE,
    ParentOdds,
    ancestral_inbreeding,
    drop_genes,
    effective_ancestors,
    equivalent_generations,
    family_size_ne,
    founder_equivalents,
    founder_representation,
    gene_diversity,
    gene_drop_diversity,
    inbreeding,
    kinship,
    kinship_value,
    known_fraction,
    make_pedigree,
    mean_kinship,
    purged_inbreeding,
    realised_ne,
    reproductive_values,
    sample_parents,
)


@pytest.fixture
def family():
    """Two founders, four sibs, and two litters of sib pairs."""
    return make_pedigree(
        ["m", "f", "a", "b", "c", "d", "x", "y"],
        ["", "", "m", "m", "m", "m", "a", "c"],
        ["", "", "f", "f", "f", "f", "b", "d"],
        sex=[2, 1, 2, 1, 2, 1, 1, 2],
        reference=[0, 0, 0, 0, 0, 0, 1, 1],
    )


def test_sib_mating(family):
    # x and y: F = ¼ and kinship ¼ each through both sib pairs.
    assert inbreeding(family)[6:].tolist() == [0.25, 0.25]
    assert gene_diversity(family) == 1 - (0.625 + 0.25) / 2
    assert founder_equivalents(family) == 2.0
    assert equivalent_generations(family)[6] == 2.0
    # Each of x and y has increased by ¼ over one generation.
    ne = realised_ne(family)
    assert ne.estimate == pytest.approx(2.0)
    assert ne.n == 2


def test_a_bottleneck_is_seen_by_ancestors():
    """Three pairs of founders, and everybody descends from one son of one pair and two daughters."""
    pedigree = make_pedigree(
        ["s", "d1", "d2", "x1", "x2"],
        ["m1", "m2", "m3", "d1", "d2"],
        ["f1", "f2", "f3", "s", "s"],
        reference=[0, 0, 0, 1, 1],
    )
    # Founders: ¼ each for m1, f1 and ⅛ for the four others.
    assert founder_equivalents(pedigree) == pytest.approx(1 / (2 / 16 + 4 / 64))
    found = effective_ancestors(pedigree)
    # The son explains half and each daughter a quarter.
    assert found.effective == pytest.approx(1 / (1 / 4 + 2 / 16))
    assert sorted(found.share) == [0.25, 0.25, 0.5]
    assert found.number == 9


def test_gene_drops_agree_with_kinship(family):
    drop = drop_genes(family, 20_000, rng=np.random.default_rng(3), reference=np.arange(8))
    same = np.zeros((8, 8))
    for one in (0, 1):
        for two in (0, 1):
            same += (drop.alleles[:, None, one] == drop.alleles[None, :, two]).mean(axis=2) / 4
    np.testing.assert_allclose(same, kinship(family), atol=0.02)


def test_gene_drops_draw_uncertain_parents():
    odds = [
        ParentOdds(child=3, role="sire", parent=1, probability=0.7),
        ParentOdds(child=3, role="sire", parent=2, probability=0.2),
    ]
    pedigree = make_pedigree(list("abcd"), ["", "", "", "a"], [""] * 4, odds=odds)
    drop = drop_genes(pedigree, 20_000, rng=np.random.default_rng(1), reference=[3])
    line = drop.alleles[0, 1] // 2
    shares = np.bincount(line, minlength=4) / 20_000
    assert drop.line_parent[3] == "sire"
    np.testing.assert_allclose(shares, [0, 0.7, 0.2, 0.1], atol=0.015)
    rng = np.random.default_rng(2)
    sires = [int(sample_parents(pedigree, rng).sire[3]) for _ in range(2000)]
    np.testing.assert_allclose([sires.count(k) / 2000 for k in (1, 2, -1)], [0.7, 0.2, 0.1], atol=0.04)


def test_gene_drop_numbers():
    """Lacy 1989, Zoo Biol 8:111: FE 32/11; every founder allele is kept with chance ¾ by two offspring."""
    pedigree = make_pedigree(["C", "D", "F", "G"], ["B", "B", "E", "E"], ["A", "A", "D", "D"])
    assert founder_equivalents(pedigree) == pytest.approx(32 / 11)
    found = gene_drop_diversity(pedigree, rng=np.random.default_rng(1), iterations=20_000)
    np.testing.assert_allclose(found.retention, 0.75, atol=0.01)
    assert found.fg == pytest.approx(0.75 * 32 / 11, abs=0.05)
    # A gene of C from A (chance ½ that D has the other) is in nobody else if D lacks it: ½.
    assert found.uniqueness[0] == pytest.approx(0.5, abs=0.012)


def test_representation_counts_the_unknown():
    pedigree = make_pedigree(["a", "b", "c"], ["", "a", "b"], ["", "", "a"], sire_unknown=[1, 2, 1])
    found = founder_representation(pedigree, [2])
    assert found.share.sum() == pytest.approx(1)
    named = dict(zip(zip(found.animal.tolist(), found.parent, strict=True), found.share, strict=True))
    assert named[0, ""] == 0.75
    assert named[1, "sire"] == 0.25
    assert known_fraction(pedigree).tolist() == [1.0, 0.5, 0.75]


def test_purging_without_purging_is_inbreeding(family):
    np.testing.assert_allclose(purged_inbreeding(family, purging=0), inbreeding(family), atol=1e-14)
    assert purged_inbreeding(family, purging=0.25)[6] == 0.25
    with pytest.raises(ParameterError, match=r"outside 0…0\.5"):
        purged_inbreeding(family, purging=0.6)


def test_ancestral_inbreeding_by_hand(family):
    grown = family.with_offspring([7], [6], ids=["z"])
    # Both parents are inbred by ¼ and have no inbred ancestors.
    assert ancestral_inbreeding(grown)[8] == 0.25
    assert ancestral_inbreeding(family).tolist() == [0.0] * 8


def test_ne_is_refused_without_inbreeding():
    pedigree = make_pedigree(["a", "b"], ["m", "n"], ["f", "g"])
    with pytest.raises(EstimateRefused) as shallow:
        realised_ne(pedigree)
    assert shallow.value.code == "too_shallow"
    deep = make_pedigree(["a", "b", "x", "y"], ["m", "n", "a", "a"], ["f", "g", "b", "b"])
    with pytest.raises(EstimateRefused) as refused:
        realised_ne(deep)
    assert refused.value.code == "no_inbreeding"


def test_family_sizes():
    """Everyone the same number of offspring: Ne is near twice the number of breeders (Wright)."""
    names = [f"m{i}" for i in range(4)] + [f"f{i}" for i in range(4)]
    young = [f"y{i}" for i in range(8)]
    pedigree = make_pedigree(
        names + young,
        [""] * 8 + [f"f{i // 2}" for i in range(8)],
        [""] * 8 + [f"m{i // 2}" for i in range(8)],
        sex=[MALE] * 4 + [FEMALE] * 4 + [0] * 8,
    )
    found = family_size_ne(pedigree, np.arange(8), rng=np.random.default_rng(1))
    # (N k̄ − 1)/(k̄ − 1 + 0) = 7 for each sex: 4·7·7/14.
    assert found.estimate == pytest.approx(14.0)
    with pytest.raises(EstimateRefused) as refused:
        family_size_ne(pedigree, np.arange(4), rng=np.random.default_rng(1))
    assert refused.value.code == "one_sex"


def test_kinship_value(family):
    table = ([1.0, 0.8, 0.6, 0.0], [0.0, 1.0, 1.0, 0.0])
    aged = make_pedigree(
        family.ids,
        [family.ids[d] if d >= 0 else "" for d in family.dam],
        [family.ids[s] if s >= 0 else "" for s in family.sire],
        sex=family.sex,
        birth=[2000.0] * 6 + [2010.5, 2012.0],
        alive=[0] * 6 + [1, 1],
        reference=family.reference,
    )
    values = reproductive_values(aged, {MALE: table, FEMALE: table}, year=2012.6, rate=0.0)
    # Newborn 1.4; at age 2: 0.6/0.6 = 1; at age 0: itself.
    assert values[6] == pytest.approx(1.0 / 1.4)
    assert values[7] == pytest.approx(1.0)
    assert values[0] == 0
    found = kinship_value(aged, values)
    share = values[6] / (values[6] + values[7])
    assert found[6] == pytest.approx(share * 0.625 + (1 - share) * 0.25)
    equal = mean_kinship(aged)
    assert equal[6] == pytest.approx((0.625 + 0.25) / 2)
    with pytest.raises(EstimateRefused) as refused:
        kinship_value(aged, np.full(8, np.nan))
    assert refused.value.code == "no_reproductive_value"


def test_growth_is_solved_from_the_table(family):
    # One female offspring a year for ever with survival ½: R0 from ages 1 on is 1, so r = 0.
    age = np.arange(60)
    survival, births = 0.5**age, np.where(age > 0, 1.0, 0.0)
    values = reproductive_values(
        make_pedigree(["a"], [""], [""], sex=[FEMALE], birth=[2000.0]),
        {FEMALE: (survival, births)},
        year=2001.0,
    )
    assert values[0] == pytest.approx(2.0, rel=1e-6)
