"""How steady is the identification? The same photos with only some of the stations, drawn at random.

    python verification/identity_on_part_of_a_survey.py SURVEY PACKAGE [--draws 8]

SURVEY was made by `ghostcat portrait PACKAGE`, whose `truth/truth.csv` is read only to compare. The readings
of its photos are used as they are; shortlist, scores, calibration and decisions are made anew for each draw.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import ghostcat
from ghostcat.identity import Outcome, Sighting, decide_identities, photos_to_compare
from ghostcat.survey import Survey
from ghostcat.workflows.flank_matching import match_flanks
from ghostcat.workflows.flank_reading import drawn_boxes, engine_name, features_path
from ghostcat.workflows.identifying import sightings_of


def decide(survey: Survey, sightings: list[Sighting]) -> Outcome:
    """What the engine makes of these sightings alone."""
    engine, snapshot = engine_name(), survey.snapshot()
    boxes = drawn_boxes(snapshot)
    compared = photos_to_compare(sightings)
    home = {s.photo: s.encounter for s in sightings}
    real, decoys = match_flanks(
        survey,
        engine,
        compared,
        passes=[home[p] for p in compared],
        features=[features_path(survey, snapshot.media[p], boxes.get(p), engine) for p in compared],
    )
    return decide_identities(sightings, real, decoys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("survey", type=Path)
    parser.add_argument("package", type=Path)
    parser.add_argument("--draws", type=int, default=8)
    arguments = parser.parse_args()
    with (arguments.package / "truth" / "truth.csv").open(encoding="utf-8", newline="") as file:
        usable = {r["media_id"]: r["animal"] for r in csv.DictReader(file) if r["usable_flank"] == "1"}
    with tempfile.TemporaryDirectory() as temporary:
        copy = shutil.copytree(arguments.survey, Path(temporary) / "copy.ghostcat")
        with ghostcat.open(copy) as survey:
            everything = sightings_of(survey.snapshot(), survey.flanks(engine_name()))
            stations = sorted({s.station for s in everything})
            print("share passes true found merges splits missed")
            for draw in range(arguments.draws):
                share = (0.5, 0.7)[draw % 2]
                kept = set(random.Random(draw).sample(stations, int(share * len(stations))))
                sightings = [s for s in everything if s.station in kept]
                outcome = decide(survey, sightings)
                animal = {s.encounter: usable[s.photo] for s in sightings if s.photo in usable}
                held = [Counter(animal[e] for e in group if e in animal) for group in outcome.groups]
                names = Counter(a for found in held for a in found)
                print(
                    share,
                    len({s.encounter for s in sightings}),
                    len(set(animal.values())),
                    outcome.individuals,
                    sum(max(len(found) - 1, 0) for found in held),
                    sum(count - 1 for count in names.values()),
                    len(set(animal.values()) - set(names)),
                    flush=True,
                )


if __name__ == "__main__":
    main()
