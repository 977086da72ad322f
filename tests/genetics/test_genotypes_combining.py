"""Tables of two laboratories: renamed, missing, swapped and shifted loci, samples in both."""

import numpy as np
import pytest
from click.testing import CliRunner

from ghostcat.cli.genetics_commands import genetics_command
from ghostcat.errors import ParameterError
from ghostcat.formats.genotypes_writer import write_genotypes
from ghostcat.genetics.combining import combine_genotypes
from ghostcat.genetics.genotypes import Genotypes


def laboratory(seed, loci=("fca8", "fca23", "fca43"), prefix="a", start=(100, 160, 240), shift=0):
    rng = np.random.default_rng(seed)
    rows = [
        [tuple(str(base + shift + 2 * k) for k in rng.binomial(4, 0.4, 2)) for base in start]
        for _ in range(20)
    ]
    return Genotypes.from_names(
        [f"{prefix}{i}" for i in range(20)], list(loci), rows, columns={"year": ["2025"] * 20}
    )


def codes(one, two):
    combined, findings = combine_genotypes([one, two], ["A.csv", "B.csv"])
    return combined, {finding.code: finding for finding in findings}


def test_alike_tables_join_without_a_word():
    one, two = laboratory(1), laboratory(2, prefix="b")
    combined, found = codes(one, two)
    assert found == {}
    assert len(combined) == 40 and combined.locus_names == one.locus_names
    for row, part, at in ((3, one, 3), (27, two, 7)):
        for locus in range(3):
            names = [part.loci[locus].alleles[c] for c in part.alleles[at, locus]]
            assert [combined.loci[locus].alleles[c] for c in combined.alleles[row, locus]] == names


def test_other_order_and_spelling_of_loci():
    one = laboratory(1)
    two = laboratory(2, prefix="b").select_loci([2, 0, 1])
    combined, found = codes(one, two)
    assert found == {} and combined.typed.all()
    respelled = laboratory(2, prefix="b", loci=("FCA-8", "FCA-23", "FCA-43"))
    combined, found = codes(one, respelled)
    assert set(found) == {"locus_spelling"} and combined.n_loci == 3


def test_loci_that_one_file_lacks_are_missing_there_and_told():
    combined, found = codes(laboratory(1), laboratory(2, prefix="b", loci=("fca8", "fca23", "fca433")))
    assert combined.locus_names == ("fca8", "fca23", "fca43", "fca433")
    assert set(found) == {"loci_differ"}
    assert "fca433 may be fca43" in found["loci_differ"].message
    assert not combined.typed[20:, 2].any() and not combined.typed[:20, 3].any()


def test_swapped_headings_between_files():
    _, found = codes(laboratory(1), laboratory(2, prefix="b", loci=("fca23", "fca8", "fca43")))
    assert set(found) == {"loci_swapped_between_files"}
    assert found["loci_swapped_between_files"].where == "B.csv"


def test_another_calibration():
    _, found = codes(laboratory(1), laboratory(2, prefix="b", shift=3))
    assert set(found) == {"lengths_shifted"}
    assert "+3 bp" in found["lengths_shifted"].message


def test_samples_in_both_files():
    _, found = codes(laboratory(1), laboratory(2))
    assert set(found) == {"sample_in_two_files"} and found["sample_in_two_files"].fix


def test_names_must_fit():
    with pytest.raises(ParameterError):
        combine_genotypes([laboratory(1)], [])


def test_command_takes_several_files(tmp_path):
    paths = [
        write_genotypes(laboratory(seed, prefix=prefix), tmp_path / f"{prefix}.csv")
        for seed, prefix in ((1, "a"), (2, "b"))
    ]
    arguments = ["diversity", str(paths[0]), "--also", str(paths[1]), "--by", "year", "--permutations", "200"]
    result = CliRunner().invoke(genetics_command, arguments)
    assert result.exit_code == 0, result.output
    assert "40 samples" in result.output
