"""Which flanks show the same animal, how sure are we, and what should a person look at next?"""

from ghostcat.identity.body import constant_regions
from ghostcat.identity.calibrate import Calibration, calibrate, expected_calibration_error
from ghostcat.identity.camera_passes import photos_to_compare
from ghostcat.identity.decide import decide_identities
from ghostcat.identity.drawing import draw_match
from ghostcat.identity.features import Features, describe, load_features, mirrored
from ghostcat.identity.flank import Models, load_models, read_flank
from ghostcat.identity.matching import PairScore, Prepared, prepare, score_pair, score_prepared
from ghostcat.identity.reading import FlankReading, Side
from ghostcat.identity.shortlist import Bank, build_bank, candidates
from ghostcat.identity.sides import SettledSides, settle_sides
from ghostcat.identity.sightings import (
    Comparison,
    Costs,
    Flank,
    Judgement,
    Link,
    Node,
    Outcome,
    Question,
    Sighting,
    State,
)

#: Changes whenever readings, features or scores of the same photo would change.
ENGINE = "ghostcat-sift 1"

__all__ = [
    "ENGINE",
    "Bank",
    "Calibration",
    "Comparison",
    "Costs",
    "Features",
    "Flank",
    "FlankReading",
    "Judgement",
    "Link",
    "Models",
    "Node",
    "Outcome",
    "PairScore",
    "Prepared",
    "Question",
    "SettledSides",
    "Side",
    "Sighting",
    "State",
    "build_bank",
    "calibrate",
    "candidates",
    "constant_regions",
    "decide_identities",
    "describe",
    "draw_match",
    "expected_calibration_error",
    "load_features",
    "load_models",
    "mirrored",
    "photos_to_compare",
    "prepare",
    "read_flank",
    "score_pair",
    "score_prepared",
    "settle_sides",
]
