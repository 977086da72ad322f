"""Mistakes that only show when the table is seen as a whole."""

import numpy as np

from ghostcat.genetics.checks import check_genotypes
from ghostcat.genetics.genotypes import Genotypes


def table(seed=1, n=30):
    """Three loci of well separated lengths, all even."""
    rng = np.random.default_rng(seed)
    start = (100, 160, 240)
    return [[tuple(str(base + 2 * k) for k in rng.integers(0, 5, 2)) for base in start] for _ in range(n)]


def findings(rows, samples=None, loci=("L", "M", "N")):
    samples = samples or [f"s{i}" for i in range(len(rows))]
    origins = [f"t.csv row {i + 2}" for i in range(len(rows))]
    found = check_genotypes(Genotypes.from_names(samples, loci, rows, origins=origins))
    return {item.code: item for item in found}


def test_a_clean_table_has_no_findings():
    assert findings(table()) == {}


def test_swapped_loci_in_one_row():
    rows = table()
    rows[7][0], rows[7][1] = rows[7][1], rows[7][0]
    found = findings(rows)
    assert set(found) == {"loci_swapped"}
    assert found["loci_swapped"].where == "t.csv row 9"
    assert "L and M" in found["loci_swapped"].message and found["loci_swapped"].fix


def test_an_allele_far_from_all_others_and_one_off_the_ladder():
    rows = table()
    rows[3][2] = ("340", rows[3][2][0])
    rows[4][1] = ("163", rows[4][1][0])
    found = findings(rows)
    assert found["allele_out_of_range"].where == "t.csv row 5"
    assert "s3" in found["allele_out_of_range"].message
    assert found["allele_off_ladder"].where == "t.csv row 6"


def test_samples_and_loci_that_failed():
    rows = table()
    rows[0] = [None, None, None]
    rows[1] = [rows[1][0], None, None]
    for at in range(2, 20):
        rows[at][2] = None
    found = findings(rows)
    assert "s0" in found["sample_without_genotypes"].message
    assert "s1" in found["sample_poorly_typed"].message
    assert "N" in found["locus_poorly_typed"].message


def test_loci_without_variation_and_ids_that_look_alike():
    rows = [[row[0], row[1], ("240", "240")] for row in table()]
    found = findings(rows, samples=["Leo-1", "leo 1", *(f"s{i}" for i in range(28))])
    assert "N" in found["locus_without_variation"].message
    assert "'Leo-1'" in found["sample_spelling"].message


def test_samples_that_share_their_genotype():
    rows = [[*row, *row] for row in table()]
    rows[5] = list(rows[4])
    found = findings(rows, loci=("L", "M", "N", "O", "P", "Q"))
    assert "s4, s5" in found["same_genotype"].message


def test_an_empty_table():
    assert check_genotypes(Genotypes.from_names([], [], [])) == ()
