"""`ghostcat pedigree`: strict JSON, exit codes, and a light start."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ghostcat.cli.app import cli

STUDBOOK = """id,dam,sire,sex,status,population,birth
W1,WILD,WILD,M,alive,wild,2001
W2,WILD,WILD,F,alive,wild,2002
W3,W2,W1,F,alive,wild,2008
Z1,WILD,WILD,F,dead,managed,1999
Z2,UNK,WILD,M,alive,managed,2000
Z3,Z1,Z2,F,alive,managed,2006
Z4,Z1,Z2,M,alive,managed,2007
Z5,Z3,Z4,F,alive,managed,2012
"""


@pytest.fixture
def studbook(tmp_path):
    path = tmp_path / "studbook.csv"
    path.write_text(STUDBOOK)
    return path


def run(*arguments, code=0):
    result = CliRunner().invoke(cli, ["pedigree", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout


def strict(text):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_kinship_json(studbook):
    found = strict(run("kinship", studbook, "--json"))
    assert found["ids"] == ["W1", "W2", "W3", "Z1", "Z2", "Z3", "Z4", "Z5"]
    assert found["matrix"][7][7] == 0.625
    x = strict(run("kinship", studbook, "--matrix", "X", "--json", "--animals", "Z5,Z4"))
    assert (x["ids"], x["kind"]) == (["Z5", "Z4"], "X")
    # A mother's X goes to her son whole; his own is 1 with itself.
    assert x["matrix"][1][1] == 1.0


def test_an_unknown_sex_is_null(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id,dam,sire,sex\na,,,\nb,,,M\n")
    found = strict(run("kinship", path, "--matrix", "X", "--json"))
    assert found["matrix"] == [[None, None], [None, 1.0]]


def test_summary_json(studbook):
    found = strict(run("summary", studbook, "--json", "--living"))
    assert found["n"] == 8
    assert found["reference"] == "living"
    assert found["max_F"] == 0.25
    assert found["GD_known"] is not None
    animals = {row["id"]: row for row in found["animals"]}
    assert animals["Z5"]["Fi"] == animals["Z5"]["f"] == 0.25
    assert animals["Z2"]["known_fraction"] == 0.5
    assert animals["Z1"]["MK_ref"] is None
    again = strict(run("summary", studbook, "--json", "--living"))
    assert again == found


def test_summary_for_people(studbook):
    text = run("summary", studbook)
    assert "gene diversity" in text
    assert "founder genome equivalents" in text


def test_check(studbook, tmp_path):
    assert "8 animals" in run("check", studbook)
    bad = tmp_path / "bad.csv"
    bad.write_text("id,dam,sire\na,b,\nb,a,\n")
    found = strict(run("check", bad, "--json", code=1))
    assert [finding["code"] for finding in found["findings"]] == ["own_ancestor"]
    assert found["findings"][0]["where"] == "bad.csv row 2"
    assert found["findings"][0]["fix"]


def test_joint(studbook):
    found = strict(run("joint", studbook, "--release", "Z3", "--cub", "W2,W1", "--json"))
    assert found["n_wild"] == 3
    assert found["release"]["GD_gain"]["value"] > 0
    assert found["cub"]["new_lines"] == ["W1", "W2"]
    assert "founders_taken_unrelated" in [finding["code"] for finding in found["findings"]]
    assert "founder lines: W1, W2" in run("joint", studbook, "--cub", "W2,W1")


def test_dna_of_founders_and_of_others(studbook, tmp_path):
    dna = tmp_path / "dna.csv"
    dna.write_text("id1,id2,kinship\nW1,Z1,0.125\nW1,Z3,0.06\nZ1,Z3,0.25\nQ,Z1,0\nQ,Z3,0\nQ,W1,0\n")
    found = strict(run("kinship", studbook, "--founder-kinship", dna, "--json"))
    at = {name: i for i, name in enumerate(found["ids"])}
    assert found["matrix"][at["W1"]][at["Z1"]] == pytest.approx(0.125)
    assert found["matrix"][at["W1"]][at["Z3"]] == pytest.approx(0.0625)
    codes = [finding["code"] for finding in found["findings"]]
    assert codes.count("dna_of_no_founder") == 2
    corrected = strict(run("kinship", studbook, "--genomic", dna, "--json"))
    assert corrected["matrix"][at["W1"]][at["Z3"]] > 0
    assert "dna_of_stranger" in [finding["code"] for finding in corrected["findings"]]


def test_small_pedigrees_need_no_compiler(studbook):
    """Numba and pandas take seconds to load; a studbook of a zoo needs neither."""
    program = (
        "import sys\n"
        "from ghostcat.workflows.pedigree import pedigree_summary, read_studbook\n"
        f"pedigree_summary(read_studbook({str(studbook)!r}), iterations=100)\n"
        "print([name for name in ('numba', 'pandas', 'matplotlib') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
