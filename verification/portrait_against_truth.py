"""The whole way on a survey package with known truth, and what was wrong with it.

    python verification/portrait_against_truth.py PACKAGE [--out FOLDER]

PACKAGE holds a Camtrap DP package, `field_tables/habitat_mask.csv` and `truth/` (truth.csv, truth.json).
The truth is read only to compare. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import ghostcat
from ghostcat import workflows


def compare(package: Path, out: Path) -> dict[str, object]:
    """Portrait of the package beside its truth."""
    began = time.perf_counter()
    result = ghostcat.portrait(package, out=out, region=package / "field_tables" / "habitat_mask.csv")
    seconds = time.perf_counter() - began
    truth = json.loads((package / "truth" / "truth.json").read_text(encoding="utf-8"))
    with (package / "truth" / "truth.csv").open(encoding="utf-8", newline="") as file:
        photos = {row["media_id"]: row for row in csv.DictReader(file)}
    snapshot = result.portrait.snapshot
    held = {
        animal.id: Counter(
            photos[p]["animal"]
            for p in (*animal.left_media, *animal.right_media)
            if photos[p]["usable_flank"] == "1"
        )
        for animal in snapshot.individuals.values()
    }
    photographed = {row["animal"] for row in photos.values() if row["usable_flank"] == "1"}
    names_of = Counter(animal for found in held.values() for animal in found)
    read = {p: f for p, f in snapshot.flanks.items() if p in photos}
    sided = [p for p, f in read.items() if f.usable and photos[p]["usable_flank"] == "1"]
    summary = workflows.summary(result)
    abundance = summary["abundance"]
    covered = isinstance(abundance, dict) and abundance["lower"] <= truth["N_region"] <= abundance["upper"]
    return {
        "true_N": truth["N_region"],
        "abundance": abundance,
        "realised_abundance": summary.get("realised_abundance"),
        "true_N_inside_interval": covered,
        "animals_photographed_usable": len(photographed),
        "individuals": summary["individuals"],
        "half_identities_not_counted": summary["half_identities_not_counted"],
        "merges": {i: dict(found) for i, found in held.items() if len(found) > 1},
        "splits": {
            animal: [i for i, found in held.items() if animal in found]
            for animal, names in names_of.items()
            if names > 1
        },
        "missed": sorted(photographed - set(names_of)),
        "invented": [i for i, found in held.items() if not found],
        "questions": summary["questions"],
        "flank_side_right": round(sum(read[p].side == photos[p]["flank"] for p in sided) / len(sided), 4),
        "usable_photos": sum(row["usable_flank"] == "1" for row in photos.values()),
        "usable_photos_said_usable": len(sided),
        "degraded_photos": sum(bool(row["degraded"]) for row in photos.values()),
        "degraded_photos_said_usable": sum(f.usable for p, f in read.items() if photos[p]["degraded"]),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("--out", type=Path, default=None, help="keep the survey here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(compare(arguments.package, arguments.out or Path(temporary)), indent=2))


if __name__ == "__main__":
    main()
