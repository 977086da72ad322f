"""Partly known ancestry, DNA, exact retention, and wild and managed animals together."""

import itertools

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, FormatError, ParameterError
from ghostcat.formats.pedigree_matrix import read_kinship_table
from ghostcat.pedigree import (
    FEMALE,
    MALE,
    enter_founders,
    exact_retention,
    exchange_effect,
    founder_lines,
    gene_diversity,
    gene_drop_diversity,
    genomic_kinship,
    genomic_relationship,
    inbreeding,
    kinship,
    known_gene_diversity,
    known_kinship,
    known_mean_kinship,
    make_pedigree,
    population_members,
    sample_founder_kinship,
    well_known,
)


def random_pedigree(n, founders, seed, *, unknown=0.0):
    rng = np.random.default_rng(seed)
    names = [f"a{i}" for i in range(n)]
    dams, sires, sex = [], [], []
    for i in range(n):
        sex.append(1 + i % 2)
        for role, code in ((dams, 1), (sires, 0)):
            free = [k for k in range(i) if k % 2 == code]
            role.append("" if i < founders or rng.random() < unknown else names[rng.choice(free)])
    return make_pedigree(names, dams, sires, sex=sex)


def test_unknown_genes_are_left_out_of_the_pool():
    """c has a wild dam a and an unknown sire: all that is known of c is one gene of a."""
    pedigree = make_pedigree(["a", "b", "c"], ["", "", "a"], ["", "", ""], sire_unknown=[1, 1, 2])
    found = known_kinship(pedigree)
    assert found[0, 2] == 0.5
    assert found[2, 2] == 1.0
    # Pool of 2.5 genomes: ½ + ½ + ¼ + 2 · ¼ of 6.25.
    assert known_gene_diversity(pedigree) == pytest.approx(1 - 1.75 / 6.25)
    assert known_mean_kinship(pedigree)[2] == pytest.approx((0.25 + 0.25) / (0.5 * 2.5))
    assert well_known(pedigree, 0.6).tolist() == [0, 1]
    whole = make_pedigree(["a", "b", "c"], ["", "", "a"], ["", "", "b"])
    assert known_gene_diversity(whole) == pytest.approx(gene_diversity(whole))
    nothing = make_pedigree(["c"], [""], [""], dam_unknown=[2], sire_unknown=[2])
    with pytest.raises(EstimateRefused) as refused:
        known_gene_diversity(nothing)
    assert refused.value.code == "nothing_known"


def enumerated(pedigree, reference):
    """Retention per allele and gene uniqueness over every way of handing down alleles."""
    lines = [(i, "") for i in np.flatnonzero(pedigree.founders)]
    for role, parents in (("dam", pedigree.dam), ("sire", pedigree.sire)):
        lines += [(i, role) for i in np.flatnonzero((parents < 0) & ~pedigree.founders)]
    draws = [(i, s) for i in pedigree.order() for s in (0, 1) if (int(i), "") not in lines]
    kept, unique = np.zeros(len(lines)), np.zeros(len(reference))
    total = 0
    for bits in itertools.product((0, 1), repeat=len(draws)):
        total += 1
        way = {key: bit for key, bit in zip(draws, bits, strict=True)}
        alleles = {}
        for i in pedigree.order():
            if (i, "") in lines:
                alleles[i] = [(i, "", 0), (i, "", 1)]
                continue
            alleles[i] = []
            for side, role in enumerate(("dam", "sire")):
                parent = (pedigree.dam, pedigree.sire)[side][i]
                bit = way[i, side]
                alleles[i].append(alleles[parent][bit] if parent >= 0 else (i, role, bit))
        held = [set(alleles[i]) for i in reference]
        everything = set().union(*held)
        for k, (i, role) in enumerate(lines):
            kept[k] += sum((i, role, bit) in everything for bit in (0, 1)) / 2
        for k, i in enumerate(reference):
            others = set().union(*(held[m] for m in range(len(reference)) if m != k))
            unique[k] += sum(allele not in others for allele in alleles[i]) / 2
    return kept / total, unique / total


@pytest.mark.parametrize("seed", range(6))
def test_exact_retention_is_the_enumerated_one(seed):
    pedigree = random_pedigree(8, 3, seed, unknown=0.2)
    reference = np.array([4, 5, 6, 7])
    found = exact_retention(pedigree, reference)
    kept, unique = enumerated(pedigree, reference)
    np.testing.assert_allclose(found.retention, kept, atol=1e-12)
    np.testing.assert_allclose(found.uniqueness, unique, atol=1e-12)


def test_exact_retention_is_what_gene_drops_estimate():
    pedigree = random_pedigree(40, 8, 1)
    reference = np.arange(28, 40)
    try:
        exact = exact_retention(pedigree, reference, most_states=200_000)
    except EstimateRefused:
        pytest.fail("a pedigree of forty should be narrow enough")
    drop = gene_drop_diversity(pedigree, rng=np.random.default_rng(4), iterations=8000, reference=reference)
    np.testing.assert_allclose(drop.retention, exact.retention, atol=0.02)
    np.testing.assert_allclose(drop.uniqueness, exact.uniqueness, atol=0.02)
    with pytest.raises(EstimateRefused) as refused:
        exact_retention(pedigree, reference, most_states=3)
    assert refused.value.code == "too_wide"


def test_founders_enter_with_their_dna():
    pedigree = make_pedigree(["a", "b", "c"], ["", "", "a"], ["", "", "b"])
    found = enter_founders(pedigree, ["a", "b"], [[0.5, 0.125], [0.125, 0.5]], standard_error=0.05)
    assert inbreeding(found)[2] == pytest.approx(0.125)
    assert gene_diversity(found) < gene_diversity(pedigree)
    # Below 0 is noise about 0.
    assert inbreeding(enter_founders(pedigree, ["a", "b"], [[0.5, -0.1], [-0.1, 0.5]]))[2] == 0
    rng = np.random.default_rng(1)
    drawn = [inbreeding(sample_founder_kinship(found, rng))[2] for _ in range(300)]
    assert np.mean(drawn) == pytest.approx(0.125, abs=0.01)
    assert np.std(drawn) == pytest.approx(0.05, abs=0.008)
    # Three that cannot be: a like b, b like c, a unlike c. They are bent to what can be.
    loose = make_pedigree(["a", "b", "c"], [""] * 3, [""] * 3)
    impossible = [[0.5, 0.45, 0.0], [0.45, 0.5, 0.45], [0.0, 0.45, 0.5]]
    bent = kinship(enter_founders(loose, ["a", "b", "c"], impossible))
    assert np.linalg.eigvalsh(bent).min() > 0
    np.testing.assert_allclose(bent, impossible, atol=0.13)


def test_dna_that_says_what_the_pedigree_says_changes_nothing():
    pedigree = random_pedigree(30, 6, 3)
    genotyped = np.arange(10, 30, 2)
    own = kinship(pedigree, genotyped)
    found = genomic_kinship(pedigree, genotyped, own, animals=np.arange(30))
    np.testing.assert_allclose(found.kinship, kinship(pedigree), atol=1e-8)
    assert (found.intercept, found.slope) == pytest.approx((0, 1), abs=1e-9)
    assert not found.disagreeing


def test_dna_corrects_the_relatives_of_the_genotyped():
    """Founders a and b turn out to be sisters: the kinship of their ungenotyped offspring rises too."""
    pedigree = make_pedigree(["a", "b", "c", "d", "e"], ["", "", "", "a", "b"], ["", "", "", "c", "c"])
    dna = np.array([[0.5, 0.25, 0], [0.25, 0.5, 0], [0, 0, 0.5]])
    found = genomic_kinship(pedigree, [0, 1, 2], dna, animals=np.arange(5), weight=1.0, tuned=False)
    truth = kinship(enter_founders(pedigree, ["a", "b", "c"], dna))
    np.testing.assert_allclose(found.kinship, truth, atol=1e-10)
    assert kinship(pedigree)[3, 4] == 0.125
    assert found.kinship[3, 4] == pytest.approx(0.125 + 0.25 * 0.25)


def test_markers_on_another_base_are_brought_to_the_pedigree():
    pedigree = random_pedigree(60, 8, 5)
    rng = np.random.default_rng(2)
    drop_alleles = np.empty((60, 2, 4000), dtype=np.int8)
    frequency = rng.uniform(0.1, 0.9, 4000)
    for i in pedigree.order():
        for side, parent in enumerate((pedigree.dam[i], pedigree.sire[i])):
            if parent < 0:
                drop_alleles[i, side] = rng.random(4000) < frequency
            else:
                drop_alleles[i, side] = np.where(rng.random(4000) < 0.5, *drop_alleles[parent])
    genotyped = np.arange(30, 60)
    markers = 0.5 * genomic_relationship(drop_alleles[genotyped].sum(axis=1))
    known = kinship(pedigree, genotyped)
    # The sample is its own base: on average its animals seem unrelated.
    assert abs(markers.mean()) < 1e-10 < known.mean()
    found = genomic_kinship(pedigree, genotyped, markers)
    assert found.kinship.mean() == pytest.approx(known.mean(), abs=0.01)
    assert found.correlation > 0.6
    assert np.abs(found.kinship - known).mean() < np.abs(markers - known).mean()


def test_a_wrong_father_is_seen_in_the_dna():
    right = random_pedigree(24, 6, 8)
    genotyped = np.arange(24)
    dna = kinship(right)
    dam, sire = right.dam.copy(), right.sire.copy()
    child = int(np.flatnonzero((sire >= 0) & (np.arange(24) > 10))[0])
    sire[child] = next(k for k in range(0, 6, 2) if dna[k, child] < 0.05)
    names = list(right.ids)
    wrong = make_pedigree(
        names, [names[p] if p >= 0 else "" for p in dam], [names[p] if p >= 0 else "" for p in sire]
    )
    found = genomic_kinship(wrong, genotyped, dna, tuned=False)
    assert child in found.disagreeing[0][:2]


def test_a_matrix_that_is_none_is_refused():
    pedigree = make_pedigree(["a", "b"], ["", ""], ["", ""])
    with pytest.raises(ParameterError, match="not that of b with a"):
        enter_founders(pedigree, ["a", "b"], [[0.5, 0.1], [0.2, 0.5]])
    with pytest.raises(ParameterError, match="no number"):
        enter_founders(pedigree, ["a", "b"], [[0.5, np.nan], [np.nan, 0.5]])
    with pytest.raises(EstimateRefused) as refused:
        genomic_kinship(pedigree, [0], [[0.5]])
    assert refused.value.code == "too_few_genotyped"


def test_kinship_tables(tmp_path):
    square = tmp_path / "square.csv"
    square.write_text("id,a,b\nb,0.1,0.5\na,0.5,0.1\n")
    names, values = read_kinship_table(square)
    assert (names, values.tolist()) == (("a", "b"), [[0.5, 0.1], [0.1, 0.5]])
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("id1;id2;relatedness\na;b;0,5\na;c;0,25\nb;c;0\n")
    names, values = read_kinship_table(pairs)
    assert names == ("a", "b", "c")
    assert values.tolist() == [[0.5, 0.25, 0.125], [0.25, 0.5, 0], [0.125, 0, 0.5]]
    pairs.write_text("id1,id2,kinship\na,b,0.1\nb,a,0.2\n")
    with pytest.raises(FormatError, match="two different values"):
        read_kinship_table(pairs)
    pairs.write_text("id1,id2,kinship\na,b,0.1\nc,a,0.2\n")
    with pytest.raises(FormatError, match="b and c is missing"):
        read_kinship_table(pairs)


@pytest.fixture
def two_populations():
    """Wild founders w1, w2 with two young; zoo animals of the founders z1, z2 and of w1's line."""
    return make_pedigree(
        ["w1", "w2", "w3", "w4", "z1", "z2", "z3", "z4", "z5"],
        ["", "", "w2", "w2", "", "", "z1", "z1", "z3"],
        ["", "", "w1", "w1", "", "", "z2", "z2", "w1"],
        sex=[MALE, FEMALE, FEMALE, MALE, FEMALE, MALE, FEMALE, MALE, FEMALE],
        alive=[1, 1, 1, 1, 0, 1, 1, 1, 1],
        population=["wild"] * 4 + ["managed"] * 5,
    )


def test_lines_of_two_populations(two_populations):
    wild, managed = (population_members(two_populations, name) for name in ("wild", "managed"))
    assert managed.tolist() == [5, 6, 7, 8]
    lines = founder_lines(two_populations, wild=wild, managed=managed, rng=np.random.default_rng(1))
    found = {two_populations.ids[line.animal]: line for line in lines}
    assert {name: line.only_in for name, line in found.items()} == {
        "w1": "both",
        "w2": "wild",
        "z1": "managed",
        "z2": "managed",
    }
    # z1 is dead: of its two alleles z3 and z4 hold ¾ each; z5 adds none that z3 has not.
    assert found["z1"].kept_managed == pytest.approx(1.5, abs=0.03)
    assert found["z2"].kept_managed == 2.0
    assert found["w1"].share_managed == pytest.approx(0.125)
    assert found["w2"].lost_managed == 1.0
    assert sum(line.share_wild for line in lines) == pytest.approx(1)


def test_a_release_by_hand(two_populations):
    wild, managed = (population_members(two_populations, name) for name in ("wild", "managed"))
    found = exchange_effect(
        two_populations, [6], receiving=wild, giving=managed, rng=np.random.default_rng(1), iterations=20_000
    )
    table = kinship(two_populations, [0, 1, 2, 3])
    assert found.receiving_before == pytest.approx(1 - table.mean())
    assert found.receiving_after == pytest.approx(1 - (table.sum() + 0.5) / 25)
    assert found.gain.value == pytest.approx(found.receiving_after - found.receiving_before)
    # Nothing is uncertain; single loci vary, and the expected gain lies among them.
    assert found.gain.uncertainty == (found.gain.value, found.gain.value)
    assert found.gain.loci[0] <= found.gain.value <= found.gain.loci[1]
    assert {two_populations.ids[animal] for animal, _ in found.new_lines} == {"z1", "z2"}
    assert found.inbreeding_with_residents == 0
    # Males w1, w4 with females w2, w3: 0, ¼, ¼, ¼; with z3 two crosses of 0 more.
    assert found.inbreeding_before == pytest.approx(0.75 / 4)
    assert found.inbreeding_after == pytest.approx(0.75 / 6)
    assert found.giving_after == pytest.approx(gene_diversity(two_populations, [5, 7, 8]))
    # The zoo is no poorer for it: z3's genes are all in z4 and z5 as well.
    assert found.giving_change.value == pytest.approx(found.giving_after - found.giving_before)
    assert found.giving_change.value > 0


def test_a_cub_with_dna_uncertainty(two_populations):
    grown = two_populations.with_offspring([-1], [-1], ids=["cub"], population=["wild"])
    dna = np.full((3, 3), 0.05)
    np.fill_diagonal(dna, 0.5)
    known = enter_founders(grown, ["cub", "z1", "z2"], dna, standard_error=0.04)
    managed = population_members(two_populations, "managed")
    found = exchange_effect(known, [9], receiving=managed, rng=np.random.default_rng(2), draws=300)
    unrelated = exchange_effect(grown, [9], receiving=managed, rng=np.random.default_rng(2))
    assert found.gain.value < unrelated.gain.value
    low, high = found.gain.uncertainty
    assert low < found.gain.value < high
    assert found.new_lines == ((9, ""),)
    assert np.isnan(found.gain.loci).all()


def test_exchanges_that_cannot_be(two_populations):
    rng = np.random.default_rng(1)
    with pytest.raises(ParameterError, match="both sides"):
        exchange_effect(two_populations, [0], receiving=[0, 1], rng=rng)
    with pytest.raises(EstimateRefused):
        exchange_effect(two_populations, [0], receiving=np.zeros(9, dtype=bool), rng=rng)
    with pytest.raises(EstimateRefused) as refused:
        population_members(make_pedigree(["a"], [""], [""]), "wild")
    assert refused.value.code == "no_members"
