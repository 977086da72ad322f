"""Pedigree statistics against purgeR, kinship2, nadiv and ribd, on data that stay outside this repository.

Data and expected numbers: `reference/pedigree` of the shared folder (packages under the GPL, so nothing
of them is stored here). The folder is named by GHOSTCAT_SHARED, or lies as `shared` beside the
repository.
"""

import csv
import gzip
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ghostcat.cli.app import cli
from ghostcat.formats.pedigree_reader import read_pedigree
from ghostcat.pedigree import (
    ancestral_inbreeding,
    equivalent_generations,
    inbreeding,
    kinship,
    make_pedigree,
    mean_kinship,
    purged_inbreeding,
    relationship,
)

SHARED = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).parents[3] / "shared"))
REFERENCE = SHARED / "reference" / "pedigree"

pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason=f"reference data of other programs not found at {REFERENCE}; set GHOSTCAT_SHARED to run these",
)

# The README gives 1e-10 for dyadic quantities; both sides round in the last digits printed.
EXACT = 1e-9


def table(name):
    plain = REFERENCE / f"{name}.csv"
    packed = REFERENCE / f"{name}.csv.gz"
    raw = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    return list(csv.reader(io.StringIO(raw.decode())))


def expected(name):
    return json.loads((REFERENCE / f"{name}.summary.json").read_text())["expected"]


def columns(name):
    heading, *rows = table(f"{name}.expected")
    return {key: [row[i] for row in rows] for i, key in enumerate(heading)}


def numbers(cells):
    return np.array([np.nan if cell in ("NA", "") else float(cell) for cell in cells])


def command(*arguments):
    result = CliRunner().invoke(cli, ["pedigree", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", ["arrui", "dama", "FG90", "Mrode2"])
def test_each_animal(name):
    pedigree = read_pedigree(REFERENCE / f"{name}.csv").pedigree
    known = columns(name)
    computed = {
        "Fi": inbreeding,
        "f": inbreeding,
        "Fa": ancestral_inbreeding,
        "g25": purged_inbreeding,
        "t": equivalent_generations,
    }
    checked = 0
    for key, function in computed.items():
        if key in known:
            np.testing.assert_allclose(function(pedigree), numbers(known[key]), atol=EXACT, rtol=0)
            checked += 1
    assert checked


@pytest.mark.parametrize("name", ["arrui", "dama"])
def test_mean_kinship(name):
    pedigree = read_pedigree(REFERENCE / f"{name}.csv").pedigree
    wanted = numbers(columns(name)["MK_ref"])
    inside = np.isfinite(wanted)
    assert (inside == pedigree.reference).all()
    np.testing.assert_allclose(mean_kinship(pedigree)[inside], wanted[inside], atol=EXACT, rtol=0)


@pytest.mark.parametrize("name", ["arrui", "dama"])
def test_kinship_of_every_pair(name):
    found = command("kinship", REFERENCE / f"{name}.csv")
    heading, *rows = table(f"{name}.kinship")
    wanted = np.array([list(map(float, row)) for row in rows])
    order = [found["ids"].index(animal) for animal in heading]
    np.testing.assert_allclose(np.array(found["matrix"])[np.ix_(order, order)], wanted, atol=EXACT, rtol=0)


@pytest.mark.parametrize(
    ("name", "file", "options"),
    [
        ("Lacy1989", "Lacy1989.kinship", []),
        ("FG90", "FG90.A", ["--matrix", "A"]),
        ("FG90", "FG90.D", ["--matrix", "D"]),
        ("Mrode2", "Mrode2.A", ["--matrix", "A"]),
        ("Mrode2", "Mrode2.D", ["--matrix", "D"]),
        ("kinship2_sample", "kinship2_sample.ped1.kinship", ["--family", "1"]),
        ("kinship2_sample", "kinship2_sample.ped1.kinshipX", ["--family", "1", "--matrix", "X"]),
    ],
)
def test_named_matrices(name, file, options):
    found = command("kinship", REFERENCE / f"{name}.csv", *options)
    (_, *heading), *rows = table(file)
    assert sorted(found["ids"]) == sorted(heading)
    order = [found["ids"].index(animal) for animal in heading]
    wanted = np.array([numbers(row[1:]) for row in rows])
    assert [row[0] for row in rows] == heading
    ours = np.array(found["matrix"], dtype=float)[np.ix_(order, order)]
    np.testing.assert_allclose(ours, wanted, atol=EXACT, rtol=0)


@pytest.mark.parametrize("name", ["arrui", "dama"])
def test_summary_of_a_population(name):
    found, known = command("summary", REFERENCE / f"{name}.csv"), expected(name)
    for key in ("n", "n_ref", "mean_F", "max_F", "mean_kinship_all", "GD_ref", "FGE_ref"):
        assert found[key] == pytest.approx(known[key], abs=EXACT), key
    assert found["logdetA"] == pytest.approx(known["logdetA"], abs=1e-4)
    assert found["reference"] == known["reference"]
    for key in ("Ne", "se_Ne"):
        assert found["Ne_all_t_gt1"][key] == pytest.approx(known["Ne_all_t_gt1"][key], abs=EXACT)
    ours, theirs = found["Nancestors"], known["Nancestors"]
    for key in ("Nr", "Nf", "Nfe", "Na", "Nae"):
        assert ours[key] == pytest.approx(theirs[key], abs=EXACT), key
    # Both are means of 10,000 drops; se_Ng is the spread of single drops.
    error = np.hypot(theirs["se_Ng"], ours["se_Ng"]) / np.sqrt(10_000)
    assert abs(ours["Ng"] - theirs["Ng"]) < 4 * error
    assert ours["se_Ng"] == pytest.approx(theirs["se_Ng"], rel=0.05)


@pytest.mark.parametrize("name", ["FG90", "Mrode2"])
def test_summary_of_a_table(name):
    found, known = command("summary", REFERENCE / f"{name}.csv"), expected(name)
    for key in ("n", "mean_F", "max_F", "sumA", "sumD", "nnzA"):
        assert found[key] == pytest.approx(known[key], abs=EXACT), key
    assert found["logDetA"] == pytest.approx(known["logDetA"], abs=1e-4)
    rowsums = {row["id"]: row["A_rowsum"] for row in found["animals"]}
    wanted = columns(name)
    for animal, total in zip(wanted["id"], numbers(wanted["A_rowsum"]), strict=True):
        assert rowsums[animal] == pytest.approx(total, abs=EXACT)


def test_founders_of_lacy():
    found, known = command("summary", REFERENCE / "Lacy1989.csv"), expected("Lacy1989")
    assert found["FE"] == pytest.approx(known["FE"], abs=EXACT)
    assert found["population"] == known["population"]
    assert found["FGE_ref"] == pytest.approx(known["FGE_all_seven"], abs=EXACT)
    for key in ("FGE_descendants", "GD_descendants"):
        assert found[key] == pytest.approx(known[key], abs=EXACT)
    # 5,000 drops of theirs: a retention of ¾ over two alleles has a standard error of at most 0.0061.
    for founder, share in known["retention_gene_drop"].items():
        assert found["retention_gene_drop"][founder] == pytest.approx(share, abs=4 * 0.0061)
    assert found["FG_gene_drop"] == pytest.approx(known["FG_gene_drop"], abs=0.06)


def test_textbook_relationships():
    pedigree = make_pedigree(
        ["a", "b", "s1", "s2", "h", "x", "c", "d"],
        ["", "", "a", "a", "q", "", "x", "s2"],
        ["", "", "b", "b", "b", "", "s1", "y"],
    )
    pairs = {"FS": ("s1", "s2"), "HS": ("s1", "h"), "C1": ("c", "d")}
    for name, known in expected("relationships").items():
        one, other = pedigree.index(pairs[name])
        found = relationship(pedigree, int(one), int(other))
        assert found.kinship == known["kin"]
        np.testing.assert_allclose(found.kappa, known["kappa"], atol=1e-12)
        assert kinship(pedigree, [one], others=[other])[0, 0] == known["kin"]
