"""The data type: what it refuses, and that selections keep codes comparable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.genetics.genotypes import Genotypes, Locus
from ghostcat.genetics.replicates import majority_genotypes


def two_cats():
    return Genotypes.from_names(
        ["a", "b"],
        ["fca8", "fca23"],
        [[("143", "135"), ("136", None)], [("143", "143"), None]],
        populations=["P1", "P2"],
        columns={"date": ["2025-01-01", ""]},
    )


def test_alleles_are_sorted_by_length_and_missing_comes_last():
    cats = two_cats()
    assert cats.loci[0].alleles == ("135", "143")
    assert cats.alleles.tolist() == [[[0, 1], [0, -1]], [[1, 1], [-1, -1]]]
    assert cats.typed.tolist() == [[True, False], [True, False]]
    assert cats.heterozygous.tolist() == [[True, False], [False, False]]
    assert cats.loci[0].sizes.tolist() == [135, 143]


def test_nothing_can_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        two_cats().alleles[0, 0, 0] = 1
    with pytest.raises(TypeError):
        two_cats().columns["date"] = ("", "")


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Genotypes(("a",), (Locus("L", ("1",)),), np.zeros((2, 1, 2), dtype=int)), "shape"),
        (lambda: Genotypes(("a",), (Locus("L", ("1",)),), np.ones((1, 1, 2), dtype=int)), "allele code 1"),
        (lambda: Genotypes(("a",), (Locus("L", ("1",)),), np.full((1, 1, 2), -2)), "allele code -2"),
        (lambda: Genotypes((), (Locus("L", ()), Locus("L", ())), np.zeros((0, 2, 2), dtype=int)), "'L'"),
        (lambda: Genotypes((), (Locus("L", ("1", "1")),), np.zeros((0, 1, 2), dtype=int)), "twice"),
        (lambda: Genotypes.from_dosage(["a"], ["S"], np.array([[3]])), "is 3"),
        (lambda: Genotypes.from_names(["a"], ["L", "M"], [[("1", "2")]]), "1 genotypes for 2 loci"),
        (lambda: two_cats().select_loci(["fca9"]), "fca9"),
    ],
)
def test_what_does_not_fit_is_refused(build, says):
    with pytest.raises(ParameterError, match=says):
        build()


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1, 2]), min_size=3, max_size=3), min_size=1, max_size=8))
def test_counts_of_alleles_come_back(rows):
    counts = np.array(rows)
    snps = Genotypes.from_dosage([f"s{i}" for i in range(len(rows))], ["A", "B", "C"], counts)
    assert (snps.dosage() == counts).all()
    assert snps.loci[0].marker == "snp"


def test_counts_of_three_alleles_are_refused():
    three = Genotypes.from_names(["a", "b"], ["L"], [[("1", "2")], [("2", "3")]])
    with pytest.raises(ParameterError, match="3 alleles"):
        three.dosage()


def test_selections_keep_the_codes():
    cats = two_cats()
    one = cats.select([1])
    assert one.samples == ("b",)
    assert one.loci == cats.loci
    assert one.columns["date"] == ("",)
    assert cats.select(np.array([False, True])).samples == ("b",)
    assert cats.select_loci(["fca23"]).locus_names == ("fca23",)
    assert cats.rows_of("P2").tolist() == [1]


def test_majority_of_replicates():
    rows = [[("1", "2")], [("1", "1")], [("1", "2")], [("3", "3")], [("3", "4")], [None]]
    typed = Genotypes.from_names(["a", "a", "a", "b", "b", "c"], ["L"], rows)
    best = majority_genotypes(typed)
    assert best.samples == ("a", "b", "c")
    assert best.alleles[:, 0].tolist() == [[0, 1], [-1, -1], [-1, -1]]
