"""Unique genotypes of the allelematch example, and its animals by likelihood.

Expected numbers: allelematch 3.0.0 on amExample1 (Galpern et al. 2012), exact counts. The data are
read beside the repository and not copied: their package is GPL.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from ghostcat.workflows.genetics_identify import identify_samples

SHARED = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).parents[2].parent / "shared"))
FOLDER = SHARED / "reference" / "genetics"

pytestmark = pytest.mark.skipif(
    not (FOLDER / "amExample1.csv").exists(),
    reason="the reference data are not beside the repository (set GHOSTCAT_SHARED)",
)


@pytest.fixture(scope="module")
def found():
    return identify_samples(FOLDER / "amExample1.csv")


def test_unique_genotypes_at_every_threshold(found):
    expected = json.loads((FOLDER / "amExample1.expected.json").read_text())["expected"]
    assert found["mismatch_profile"][:4] == expected
    names = {
        "samples": "n_samples", "unique": "n_unique", "unclassified": "n_unclassified",
        "multipleMatch": "n_multiplematch",
    }  # fmt: skip
    with (FOLDER / "amExample1.profile.csv").open() as file:
        for row, mine in zip(csv.DictReader(file), found["mismatch_profile"], strict=True):
            assert {ours: int(row[theirs]) for theirs, ours in names.items()} == {
                ours: mine[ours] for ours in names.values()
            }


def test_the_known_individuals_are_found(found):
    with (FOLDER / "amExample1.csv").open() as file:
        truth: dict[str, set[str]] = {}
        for row in csv.DictReader(file):
            truth.setdefault(row["knownIndividual"], set()).add(row["sampleId"])
    groups = [set(one["samples"]) for one in found["individuals"]]
    assert sorted(groups, key=min) == sorted(truth.values(), key=min)
    number = found["n_individuals"]
    assert number["count"] == 12 and number["estimate"] == pytest.approx(12, abs=0.2)
    assert min(one["probability"] for one in found["individuals"]) > 0.9
