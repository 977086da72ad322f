"""Every layout a laboratory sends is read, and every mistake is told with its row and what to do."""

import gzip

import numpy as np
import pytest
from click.testing import CliRunner

from ghostcat.cli.genetics_commands import genetics_command
from ghostcat.errors import FormatError, InputError
from ghostcat.formats.genotypes_reader import read_genotypes
from ghostcat.formats.genotypes_writer import write_genotypes
from ghostcat.genetics.genotypes import Genotypes

ALLELES = [[[0, 1], [0, 0]], [[1, 1], [-1, -1]]]


def write(folder, text, name="scats.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def names_of(read):
    genotypes = read.genotypes
    return [
        [
            tuple(locus.alleles[c] if c >= 0 else "" for c in genotypes.alleles[row, at])
            for at, locus in enumerate(genotypes.loci)
        ]
        for row in range(len(genotypes))
    ]


LAYOUTS = {
    "underscored": "id,L1_a,L1_b,L2_a,L2_b\nx,135,143,200,200\ny,143,143,,\n",
    "letters": "id,L1a,L1b,L2a,L2b\nx,135,143,200,200\ny,143,143,0,0\n",
    "allelematch": "sampleId,L1na,L1nb,L2na,L2nb\nx,135,143,200,200\ny,143,143,-99,-99\n",
    "dots": "sample,L1.1,L1.2,L2.1,L2.2\nx,143,135,200,200\ny,143,143,NA,NA\n",
    "underscored digits": "sample,L1_1,L1_2,L2_1,L2_2\nx,143,135,200,200\ny,143,143,?,?\n",
    "R duplicates": "ID,L1,L1.1,L2,L2.1\nx,135,143,200,200\ny,143,143,-9,-9\n",
    "same heading": "ID,L1,L1,L2,L2\nx,135,143,200,200\ny,143,143,,\n",
    "second unnamed": "ID,L1,,L2,\nx,135,143,200,200\ny,143,143,,\n",
    "allele words": "ID,L1 allele 1,L1 allele 2,L2 allele 1,L2 allele 2\nx,135,143,200,200\ny,143,143,,\n",
    "slashes": "ind,pop,L1,L2\nx,P,135/143,200/200\ny,P,143/143,\n",
    "bars": "ind,L1,L2\nx,135|143,200|200\ny,143|143,NA\n",
    "semicolons": "ind;L1;L2\nx;135/143;200/200\ny;143/143;0/0\n",
    "tabs": "ind\tL1\tL2\nx\t135/143\t200/200\ny\t143/143\t-\n",
    "whole decimals": "id,L1_a,L1_b,L2_a,L2_b\nx,135.0,143.0,200.0,200.0\ny,143.0,143.0,,\n",
    "Russian": "образец;популяция;L1_a;L1_b;L2_a;L2_b\nx;Юг;135;143;200;200\ny;Юг;143;143;;\n",
    "genepop": "title\nL1\nL2\nPop\nx , 135143 200200\ny , 143143 000000\n",
    "genepop loci in a line": "title\nL1, L2\nPOP\nx , 135143 200200\ny , 143143 000000\n",
    "structure": "L1 L2\nx 1 135 200\nx 1 143 200\ny 1 143 -9\ny 1 143 -9\n",
    "structure in a line": "L1 L2\nx 1 135 143 200 200\ny 1 143 143 -9 -9\n",
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path, layout):
    kind = "structure" if layout == "structure in a line" else None
    read = read_genotypes(write(tmp_path, LAYOUTS[layout]), kind=kind)
    assert read.genotypes.samples == ("x", "y")
    assert read.genotypes.locus_names == ("L1", "L2")
    assert read.genotypes.alleles.tolist() == ALLELES
    assert names_of(read)[0] == [("135", "143"), ("200", "200")]
    assert not [f for f in read.findings if f.severity != "note"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1251", "gb18030"])
def test_encodings(tmp_path, encoding):
    word = "样品甲" if encoding == "gb18030" else "Нарва"
    text = "id,pop,L1\n" + "".join(f"{word} {i},{word},135/143\n" for i in range(6))
    genotypes = read_genotypes(write(tmp_path, text, encoding=encoding)).genotypes
    assert genotypes.samples[0] == f"{word} 0"
    assert genotypes.population_names == (word,)


def test_counts_of_snps_zipped(tmp_path):
    path = tmp_path / "snps.csv.gz"
    path.write_bytes(gzip.compress(b"id,L1,L2,L3\nx,0,1,2\ny,-9,NA,0\n"))
    genotypes = read_genotypes(path).genotypes
    assert genotypes.dosage().tolist() == [[0, 1, 2], [-1, -1, 0]]


def test_snps_of_two_columns_and_bases(tmp_path):
    bases = read_genotypes(write(tmp_path, "id,s1,s2\nx,A/G,CC\ny,GG,\n")).genotypes
    assert [locus.marker for locus in bases.loci] == ["snp", "snp"]
    assert bases.loci[0].alleles == ("A", "G")
    coded = read_genotypes(write(tmp_path, "id,s1_a,s1_b,s2_a,s2_b\nx,1,2,1,1\ny,2,2,0,0\n")).genotypes
    assert coded.n_loci == 2
    assert coded.typed.tolist() == [[True, True], [True, False]]


def test_columns_that_are_no_loci_are_kept(tmp_path):
    text = "sample,date,station,sex,L1a,L1b,year\nx,2025-01-02,ST01,F,135,143,2025\n"
    genotypes = read_genotypes(write(tmp_path, text)).genotypes
    assert dict(genotypes.columns) == {
        "date": ("2025-01-02",), "station": ("ST01",), "sex": ("F",), "year": ("2025",)
    }  # fmt: skip
    assert genotypes.locus_names == ("L1",)


def test_side_of_the_border_as_population(tmp_path):
    text = "id,pop,land,L1\nx,P1,RU,135/143\ny,P1,CN,135/135\n"
    genotypes = read_genotypes(write(tmp_path, text), population="land").genotypes
    assert genotypes.populations == ("RU", "CN")
    assert genotypes.columns["pop"] == ("P1", "P1")
    with pytest.raises(FormatError, match="no column 'side'"):
        read_genotypes(write(tmp_path, text), population="side")


def test_replicates(tmp_path):
    text = "sample,replicate,L1\nx,1,135/143\nx,2,143/143\ny,1,\n"
    genotypes = read_genotypes(write(tmp_path, text)).genotypes
    assert genotypes.replicated
    assert genotypes.replicates == ("1", "2", "1")


BAD_CELLS = {
    "excel_date": ("id,L1,L2\nx,135/143,1/2\ny,Mar-36,1/2\nz,135/135,2/2\n", "row 3, locus L1"),
    "allele_not_binned": ("id,L1_a,L1_b\nx,135,143\ny,136.42,143\nz,135,135\n", "row 3, locus L1"),
    "allele_not_understood": ("id,L1_a,L1_b\nx,135,143\ny,14O,143\nz,135,135\n", "row 3, locus L1"),
    "allele_negative": ("id,L1_a,L1_b\nx,135,143\ny,-135,143\nz,135,135\n", "row 3, locus L1"),
    "three_alleles": ("id,L1\nx,135/143\ny,135/143/147\nz,135/135\n", "row 3, locus L1"),
    "one_allele": ("id,L1\nx,135/143\ny,135\nz,135/135\n", "row 3, locus L1"),
    "half_genotype": ("id,L1_a,L1_b\nx,135,143\ny,135,0\nz,135,135\n", "row 3, locus L1"),
}


@pytest.mark.parametrize("code", BAD_CELLS)
def test_bad_cells_are_findings_with_row_and_fix(tmp_path, code):
    text, place = BAD_CELLS[code]
    read = read_genotypes(write(tmp_path, text))
    (finding,) = [f for f in read.findings if f.code == code]
    assert place in finding.where
    assert finding.fix
    assert finding.severity in ("error", "warning")
    assert len(read.genotypes) == 3
    assert not read.genotypes.typed[1, 0]


def test_a_locus_of_dates_or_of_nothing_is_still_a_locus(tmp_path):
    text = "id,L1,L2,L3\nx,1/2,03.апр,\ny,1/1,2/3,\nz,1/2,2024-03-04 00:00:00,\n"
    read = read_genotypes(write(tmp_path, text))
    assert read.genotypes.locus_names == ("L1", "L2", "L3")
    (finding,) = [f for f in read.findings if f.code == "excel_date"]
    assert "row 2, locus L2" in finding.ids[0] and "row 4, locus L2" in finding.ids[1]


def test_columns_of_unknown_meaning_are_kept_and_told(tmp_path):
    read = read_genotypes(write(tmp_path, "id,L1,freezer\nx,1/2,box seven\ny,1/1,box eight\n"))
    assert read.genotypes.columns["freezer"] == ("box seven", "box eight")
    assert [f.code for f in read.findings] == ["columns_kept_aside"]


def test_decimal_comma_of_unbinned_lengths(tmp_path):
    read = read_genotypes(write(tmp_path, "id;L1_a;L1_b\nx;135,0;143,0\ny;136,42;143,1\n"))
    assert names_of(read)[0] == [("135", "143")]
    assert "allele_not_binned" in {f.code for f in read.findings}


def test_zero_is_missing_and_told(tmp_path):
    read = read_genotypes(write(tmp_path, "id,L1_a,L1_b\nx,135,143\ny,0,0\n"))
    assert not read.genotypes.typed[1, 0]
    assert "0" not in read.genotypes.loci[0].alleles
    (finding,) = read.findings
    assert finding.code == "zero_as_missing"


def test_zero_is_an_allele_where_all_are_zero_or_one(tmp_path):
    read = read_genotypes(write(tmp_path, "id,s1_a,s1_b\nx,0,1\ny,0,0\nz,-9,-9\n"))
    assert read.genotypes.loci[0].alleles == ("0", "1")
    assert read.genotypes.typed[:, 0].tolist() == [True, True, False]
    assert [f.code for f in read.findings] == ["zero_is_allele"]


def test_sample_ids_that_repeat_or_miss(tmp_path):
    read = read_genotypes(write(tmp_path, "id,L1\nx,135/143\nx,135/143\n,143/143\n"))
    codes = {f.code: f for f in read.findings}
    assert "row 2" in codes["duplicate_sample"].message and "row 3" in codes["duplicate_sample"].message
    assert "row 4" in codes["sample_without_id"].where
    assert read.genotypes.samples[2] == "row 4"


def test_populations_spelled_in_two_ways(tmp_path):
    read = read_genotypes(write(tmp_path, "id,pop,L1\nx,North,1/2\ny,north,1/2\nz,,2/2\n"))
    assert {"population_spelling", "sample_without_population"} <= {f.code for f in read.findings}


REFUSED = {
    "odd columns": ("id,L1_a,L1_b,L2_a\nx,135,143,200\n", "L2_a.*no partner"),
    "odd unnamed": ("id,one,two,three\nx,135,143,200\n", "no partner"),
    "locus twice": ("id,L1,l1\nx,135/143,135/143\n", "twice"),
    "no genotypes": ("id,remark\nx,hello\n", "no column holds genotypes"),
    "no samples": ("id,L1_a,L1_b\n", "no samples"),
    "strange count": ("id,S1,S2,S3\n" + "a,0,1,2\n" * 5 + "b,0,7,1\n", "value '7'"),
    "mixed digits": ("t\nL1\nL2\nPop\na , 135143 200200\nb , 0103 200200\n", "line 6.*'0103'"),
    "too few loci": ("t\nL1\nL2\nPop\na , 135143\n", "1 genotypes.*2 loci"),
    "no comma": ("t\nL1\nPop\na , 135143\nb 135143\n", "no comma"),
    "haploid": ("t\nL1\nPop\na , 135\n", "3 digits"),
    "one line": ("L1 L2\nx 1 135 200\nx 1 143 200\ny 1 143 -9\n", "'y' has one line"),
    "empty": ("", "empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_an_error_that_says_where_and_what_to_do(tmp_path, case):
    text, says = REFUSED[case]
    with pytest.raises(FormatError, match=says) as caught:
        read_genotypes(write(tmp_path, text))
    assert caught.value.where and caught.value.fix


def test_no_file_and_no_format(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_genotypes(tmp_path / "none.csv")
    with pytest.raises(InputError, match="no genotype format"):
        read_genotypes(write(tmp_path, LAYOUTS["slashes"]), kind="nexus")


def test_genepop_animals_that_share_the_name_of_their_population(tmp_path):
    read = read_genotypes(write(tmp_path, "t\nL1\nPop\nNarva , 0102\nNarva , 0101\nPop\na , 0202\n"))
    assert read.genotypes.populations == ("Narva", "Narva", "pop2")
    assert read.genotypes.samples == ("Narva_1", "Narva_2", "a")
    assert [f.code for f in read.findings] == ["samples_numbered"]


def simulated(rng, n=12, n_loci=4, n_alleles=5, missing=0.1):
    codes = rng.integers(0, n_alleles, size=(n, n_loci, 2))
    names = [str(100 + 2 * k) for k in range(n_alleles)]
    gone = rng.random((n, n_loci)) < missing
    rows = [
        [None if gone[i, at] else tuple(names[c] for c in codes[i, at]) for at in range(n_loci)]
        for i in range(n)
    ]
    return Genotypes.from_names(
        [f"scat {i}" for i in range(n)],
        [f"fca{at}" for at in range(n_loci)],
        rows,
        populations=["Юг" if i % 2 else "North" for i in range(n)],
    )


@pytest.mark.parametrize("kind", ["table", "joined", "cervus", "genepop", "structure"])
def test_what_is_written_reads_back(tmp_path, kind):
    genotypes = simulated(np.random.default_rng(2))
    suffix = {"genepop": ".gen", "structure": ".str"}.get(kind, ".csv")
    path = write_genotypes(genotypes, tmp_path / f"out{suffix}", kind=kind)
    back = read_genotypes(path).genotypes
    order = [back.samples.index(s if kind != "structure" else s.replace(" ", "_")) for s in genotypes.samples]
    back = back.select(order)
    assert [locus.alleles for locus in back.loci] == [locus.alleles for locus in genotypes.loci]
    assert back.locus_names == genotypes.locus_names
    assert (back.alleles == genotypes.alleles).all()
    if kind != "cervus":  # which has no place for populations
        assert back.populations == genotypes.populations


def test_counts_read_back_and_letters_do_not_fit_genepop(tmp_path):
    rng = np.random.default_rng(3)
    snps = Genotypes.from_dosage(list("abcd"), ["s1", "s2"], rng.integers(-1, 3, size=(4, 2)))
    back = read_genotypes(write_genotypes(snps, tmp_path / "s.csv", kind="dosage")).genotypes
    assert (back.dosage() == snps.dosage()).all()
    odd = Genotypes.from_names(["a"], ["L"], [[("long", "short")]])
    with pytest.raises(FormatError, match="'long'"):
        write_genotypes(odd, tmp_path / "x.gen", kind="genepop")


VCF = """##fileformat=VCFv4.2
##contig=<ID=1>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc
1\t10\trs1\tA\tG\t.\tPASS\t.\tGT\t0/0\t0|1\t./.
1\t20\t.\tC\tT,G\t.\tq10\t.\tGT\t1/2\t0/.\t2/2
"""


def test_vcf(tmp_path):
    read = read_genotypes(write(tmp_path, VCF, name="x.vcf"))
    assert read.kind == "vcf"
    assert read.genotypes.locus_names == ("rs1", "1:20")
    assert read.genotypes.alleles.tolist() == [
        [[0, 0], [1, 2]],
        [[0, 1], [0, -1]],
        [[-1, -1], [2, 2]],
    ]
    assert [f.code for f in read.findings] == ["variants_not_passed"]


def test_plink_binary_and_text_agree(tmp_path):
    from bed_reader import to_bed

    counts = np.array([[0, 1, 2], [2, np.nan, 0]])  # copies of the first allele of the bim file
    to_bed(
        tmp_path / "x.bed",
        counts,
        properties={
            "fid": ["F", "F"], "iid": ["a", "b"], "sex": [1, 2], "sid": ["s1", "s2", "s3"],
            "allele_1": ["A", "C", "A"], "allele_2": ["G", "T", "T"], "chromosome": ["1"] * 3,
        },
    )  # fmt: skip
    (tmp_path / "y.ped").write_text("F a 0 0 1 -9 G G C T A A\nF b 0 0 2 -9 A A 0 0 T T\n")
    (tmp_path / "y.map").write_text("1 s1 0 1\n1 s2 0 2\n1 s3 0 3\n")
    binary, text = (read_genotypes(tmp_path / name) for name in ("x.bed", "y.ped"))
    assert (binary.kind, text.kind) == ("plink", "ped")
    for one, two in zip(names_of(binary), names_of(text), strict=True):
        assert [sorted(pair) for pair in one] == [sorted(pair) for pair in two]
    assert binary.genotypes.populations == ("F", "F")
    assert binary.genotypes.columns["sex"] == text.genotypes.columns["sex"] == ("male", "female")
    (tmp_path / "x.fam").unlink()
    with pytest.raises(FormatError, match=r"x\.fam"):
        read_genotypes(tmp_path / "x.bed")


def test_convert_command_keeps_replicates(tmp_path):
    source = write(tmp_path, "sample,replicate,L1\nx,1,135/143\nx,2,143/143\n")
    result = CliRunner().invoke(
        genetics_command, ["convert", str(source), str(tmp_path / "out.csv"), "--to", "table"]
    )
    assert result.exit_code == 0, result.output
    assert len(read_genotypes(tmp_path / "out.csv").genotypes) == 2
