"""`ghostcat genetics parentage`: contract of the output, and files as laboratories write them."""

import csv
import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner

from ghostcat.cli.genetics_parentage import parentage_command
from ghostcat.genetics.simulate_families import drop_genes, type_animals


def family_tables(folder, *, marker="snp"):
    """Two couples with six cubs each; the second father was never typed."""
    rng = np.random.default_rng(2)
    dam = [-1] * 4 + [0] * 6 + [2] * 6 + [-1] * 20
    sire = [-1] * 4 + [1] * 6 + [3] * 6 + [-1] * 20
    if marker == "snp":
        minor, width = rng.uniform(0.3, 0.5, 120), 2
        freq = np.c_[1 - minor, minor]
    else:
        freq, width = rng.dirichlet(np.full(8, 2.0), size=14), 8
    alleles = drop_genes(dam, sire, freq, rng=rng)
    keep = [i for i in range(36) if i != 3]
    names = [f"Tigr-{i}" for i in range(36)]
    read = type_animals(alleles[keep], [names[i] for i in keep], rng=rng, marker=marker, n_alleles=width)
    genotypes = folder / f"{marker}.csv.gz"
    with gzip.open(genotypes, "wt", encoding="utf-8") as out:
        writer = csv.writer(out)
        if marker == "snp":
            writer.writerow(["id", *read.locus_names])
            writer.writerows([s, *row] for s, row in zip(read.samples, read.dosage().tolist(), strict=True))
        else:
            writer.writerow(["id", *(f"{name}{side}" for name in read.locus_names for side in ("a", "b"))])
            for i, sample in enumerate(read.samples):
                pairs = read.alleles[i].ravel().tolist()
                writer.writerow([sample, *(read.loci[k // 2].alleles[a] for k, a in enumerate(pairs))])
    life = folder / "life.csv"
    rows = [("ID", "Sex", "BirthYear")]
    for i in range(36):
        cub = 4 <= i < 16
        rows.append((names[i], 3 if cub else 1 + i % 2, 2010 if cub else 2003))
    life.write_text("\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")
    return genotypes, life


def run(*arguments):
    result = CliRunner().invoke(parentage_command, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("marker", ["snp", "microsatellite"])
def test_json_contract(tmp_path, marker):
    genotypes, life = family_tables(tmp_path, marker=marker)
    out = json.loads(
        run(genotypes, "--life-history", life, "--json", "--confidence", 0.95, "--replicates", 6)
    )
    by_id = {row["id"]: row for row in out["assignments"]}
    assert len(by_id) == 35
    for i in range(4, 10):
        row = by_id[f"Tigr-{i}"]
        assert (row["dam"], row["sire"]) == ("Tigr-0", "Tigr-1")
        assert row["LLRdam"] > 0 and row["LLRsire"] > 0 and row["LLRpair"] > 0
        assert row["OHdam"] == row["OHsire"] == row["MEpair"] == 0
        assert 0.9 < row["probabilities"]["pair"] <= 1
        assert 0 <= row["false_assignment_rate"]["dam"] <= 0.05
    assert {(by_id[f"Tigr-{i}"]["dam"], by_id[f"Tigr-{i}"]["sire"]) for i in range(10, 16)} == {
        ("Tigr-2", None)
    }
    assert by_id["Tigr-20"]["dam"] is None and by_id["Tigr-20"]["LLRdam"] is None
    assert set(out["estimated"].values()) == {None}  # two families say nothing of a share
    dummy = next(d for d in out["dummies"] if d["role"] == "sire")
    assert set(dummy["offspring"]) == {f"Tigr-{i}" for i in range(10, 16)}
    assert dummy["id"].startswith("M0")
    assert [f["code"] for f in out["findings"]].count("not_genotyped") == 1


def test_text_output_and_no_life_history(tmp_path):
    genotypes, life = family_tables(tmp_path)
    text = run(genotypes, "--life-history", life, "--replicates", 6)
    assert "Tigr-0" in text and "of such parents are wrong" in text
    assert "no sex and no birth year is known" in run(genotypes, "--replicates", 1)


def test_what_is_wrong_in_the_life_history_is_said_with_its_row(tmp_path):
    genotypes, _ = family_tables(tmp_path)
    life = tmp_path / "bad.csv"
    life.write_text(
        "ID;Пол;BirthYear;Dam\n"
        "Tigr-0;самка;12.05.2003;\n"  # a date with dots
        "Tigr-1;M;2003-06-01;\n"  # ISO
        "Tigr-2;F;05/31/2003;\n"  # month first
        "Tigr-4;drake;2010;Tigr-5\n"  # impossible sex, mother of the same year
        "Tigr-5;2;2010;Tigr-1\n"  # a male as mother
        "Tigr-6;1;-1;Tigr-6\n"  # its own mother
        "Tigr-7;1;20100;\n"  # impossible year
        "Tigr-8;1;2010;\n"
        "Tigr-8;2;2010;\n"  # twice, and they disagree
        "Tigr_99;1;2010;\n",  # never typed
        encoding="utf-8",
    )
    out = json.loads(run(genotypes, "--life-history", life, "--json", "--replicates", 1))
    found = {f["code"]: f for f in out["findings"]}
    for code, row in {
        "sex_not_understood": 5,
        "parent_too_young": 5,
        "parent_of_wrong_sex": 6,
        "own_parent": 7,
        "year_not_understood": 8,
        "animal_twice_in_life_history": 10,
        "not_genotyped": 11,
    }.items():
        assert found[code]["where"] == f"bad.csv row {row}", code
        assert found[code]["fix"]
    assert "Tigr-9" in found["no_life_history"]["message"] or len(found["no_life_history"]["ids"]) > 20


def test_an_animal_listed_twice_keeps_what_agrees(tmp_path):
    genotypes, life = family_tables(tmp_path)
    rows = gzip.decompress(genotypes.read_bytes()).decode().splitlines()
    again = rows[5].split(",")
    again[1:25] = ["0" if cell == "2" else "2" for cell in again[1:25]]
    twice = tmp_path / "twice.csv"
    twice.write_text("\n".join([*rows, ",".join(again)]), encoding="utf-8")
    out = json.loads(run(twice, "--life-history", life, "--json", "--replicates", 1))
    found = next(f for f in out["findings"] if f["code"] == "animal_twice_with_different_genotypes")
    assert found["severity"] == "error" and found["ids"] == [again[0]]
    assert "row 6" in found["where"] and "row 37" in found["where"]
    assert len(out["assignments"]) == 35
