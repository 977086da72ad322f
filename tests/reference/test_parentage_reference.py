"""Parentage against sequoia 3.2.0, on data that stay outside this repository.

Data and expected numbers: `reference/parentage` of the shared folder (sequoia's example pedigree HSg5 and
genotypes simulated on it; GPL-2, so nothing of them is stored here). The folder is named by
GHOSTCAT_SHARED, or lies as `shared` beside the repository.
"""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from ghostcat.genetics.simulate_families import drop_genes, type_animals
from ghostcat.workflows.genetics_parentage import ParentageOptions, parentage

SHARED = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).parents[3] / "shared"))
REFERENCE = SHARED / "reference" / "parentage"

pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason=f"reference data of other programs not found at {REFERENCE}; set GHOSTCAT_SHARED to run these",
)

LIFE = REFERENCE / "HSg5.lifehistory.csv"
#: One simulated set a case, so two or three animals mean nothing (README beside the data).
SLACK = 3


def truth():
    with (REFERENCE / "HSg5.pedigree_true.csv").open(encoding="utf-8") as file:
        return {row["id"]: (row["dam"], row["sire"]) for row in csv.DictReader(file)}


def counted(found):
    """(right, wrong, true parents typed) for dams and for sires."""
    true = truth()
    typed = {row["id"] for row in found["assignments"]}
    out = []
    for side, role in enumerate(("dam", "sire")):
        given = [(row["id"], row[role]) for row in found["assignments"] if row[role]]
        right = sum(parent == true[animal][side] for animal, parent in given)
        out.append((right, len(given) - right, sum(true[a][side] in typed for a in typed)))
    return out


def made_up(found, role, side):
    """Pairs of animals put under one made-up parent: how many truly share it, and how many do not."""
    true = truth()
    same = different = 0
    for dummy in found["dummies"]:
        if dummy["role"] == role:
            parents = [true[a][side] for a in dummy["offspring"]]
            for i, parent in enumerate(parents):
                same += sum(parent == other for other in parents[:i])
                different += sum(parent != other for other in parents[:i])
    return same, different


def test_hsg5_alone_and_with_sibships():
    expected = json.loads((REFERENCE / "HSg5.expected.json").read_text())["expected"]
    for families in (False, True):
        options = ParentageOptions(families=families)
        found = parentage(REFERENCE / "HSg5.geno.csv.gz", LIFE, options=options)
        for (right, wrong, typed), theirs in zip(
            counted(found), (expected["par_dam"], expected["par_sire"]), strict=True
        ):
            assert typed == theirs["n_true_genotyped"]
            assert right >= theirs["correct"]
            assert wrong <= theirs["wrong_assigned"] + (0 if families else SLACK)
    # with sibships: sequoia's full run matches all but 3 dams and 5 sires of the typed parents
    assert counted(found)[0][0] >= 534
    assert counted(found)[1][0] >= 538
    # and, as sequoia, every animal of an untyped parent is put with its sibs
    assert made_up(found, "dam", 0) == (48 * 8 * 7 // 2 - missing_pairs(found, 0), 0)
    assert made_up(found, "sire", 1)[1] == 0


def missing_pairs(found, side):
    """Pairs of sibs of untyped parents that cannot be seen because one of them is not typed."""
    true = truth()
    typed = {row["id"] for row in found["assignments"]}
    parents = {p[side] for p in true.values() if p[side]} - typed
    whole = sum(8 * 7 // 2 for _ in parents)
    seen = 0
    for parent in parents:
        n = sum(1 for a in typed if true[a][side] == parent)
        seen += n * (n - 1) // 2
    return whole - seen


def test_simulated_genotypes_of_200_snps():
    expected = json.loads((REFERENCE / "simHSg5_200.expected.json").read_text())["expected"]
    found = parentage(REFERENCE / "simHSg5_200.geno.csv.gz", LIFE)
    for (right, wrong, typed), theirs in zip(
        counted(found), (expected["dam"], expected["sire"]), strict=True
    ):
        assert typed == theirs["n_true_genotyped"]
        assert right >= theirs["correct"]
        assert wrong <= theirs["wrong"]


def test_scat_like_snps_beat_the_yardstick(tmp_path):
    """96 SNPs, 1 % error, 20 % missing, 40 % of the parents never typed; sequoia: 465/538 and 479/532."""
    genotypes = scat_like(tmp_path, seed=11)
    found = parentage(genotypes, LIFE)
    (dams, dams_wrong, dams_typed), (sires, sires_wrong, sires_typed) = counted(found)
    assert dams / dams_typed > 465 / 538
    assert sires / sires_typed > 479 / 532
    assert dams_wrong + sires_wrong < 30


def scat_like(folder, *, seed):
    rng = np.random.default_rng(seed)
    true = truth()
    with LIFE.open(encoding="utf-8") as file:
        born = {row["ID"]: int(row["BirthYear"]) for row in csv.DictReader(file)}
    order = sorted(true, key=born.__getitem__)
    place = {animal: at for at, animal in enumerate(order)}
    dam, sire = ([place.get(true[a][side], -1) for a in order] for side in (0, 1))
    minor = rng.uniform(0.3, 0.5, 96)
    alleles = drop_genes(dam, sire, np.c_[1 - minor, minor], rng=rng)
    parents = np.array(sorted({*dam, *sire} - {-1}))
    keep = np.setdiff1d(np.arange(len(order)), rng.choice(parents, int(0.4 * len(parents)), replace=False))
    read = type_animals(alleles[keep], [order[i] for i in keep], rng=rng, false_allele=0.01, missing=0.2)
    path = folder / "scat.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *read.locus_names])
        counts = np.where(read.dosage() < 0, -9, read.dosage())
        writer.writerows([s, *row] for s, row in zip(read.samples, counts.tolist(), strict=True))
    return path
