"""Encounter data: what is refused, and what collapsing keeps."""

import re

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.scr import ScrData

TRAPS = [[0.0, 0.0], [3000.0, 0.0], [0.0, 3000.0]]
USAGE = [90.0, 60.0, 30.0]
NAN = float("nan")


def detections(**changes):
    given = dict(
        animal=[0, 0, 1],
        station=[0, 1, 2],
        occasion=[0, 1, 3],
        traps_xy_m=TRAPS,
        usage=np.ones((3, 4)),
        detector="proximity",
    )
    given.update(changes)
    animal, station, occasion = (given.pop(name) for name in ("animal", "station", "occasion"))
    return ScrData.from_detections(animal, station, occasion, **given)


def direct(counts=((1, 1, 0), (0, 0, 2)), usage=USAGE, traps=TRAPS, **more):
    return ScrData(counts, usage, traps, **more)


BAD = {
    "no usage": (lambda: direct(usage=[90.0, 0.0, 30.0]), "station 2, whose effort is 0 station-days"),
    "named": (
        lambda: direct(usage=[90, 0, 30], animal_ids=("Leo", "Lea"), station_ids=("S1", "S2", "S3")),
        "animal Leo was detected 1 times by station S2",
    ),
    "usage missing": (lambda: direct(usage=[90.0, NAN, 30.0]), "row 1: usage is nan"),
    "usage negative": (lambda: direct(usage=[90.0, -1.0, 30.0]), "usage is -1.0"),
    "usage by occasion": (lambda: direct(usage=np.ones((3, 4))), "from_detections"),
    "columns": (lambda: direct(counts=[[1, 1]]), "counts has shape (1, 2), expected (n_animals, 3)"),
    "one row": (lambda: direct(counts=[1, 1, 0]), "counts has shape (3,)"),
    "half detection": (lambda: direct(counts=[[1, 0.5, 0]]), "counts holds 0.5"),
    "negative": (lambda: direct(counts=[[1, -1, 0]]), "counts holds -1"),
    "missing count": (lambda: direct(counts=[[1, NAN, 0]]), "counts holds nan"),
    "never seen": (lambda: direct(counts=[[1, 1, 0], [0, 0, 0]]), "animal 2 has no detection"),
    "animal twice": (lambda: direct(animal_ids=("A", "A")), "animal id A occurs twice"),
    "station twice": (lambda: direct(station_ids=("S", "S", "T")), "station id S occurs twice"),
    "too few ids": (lambda: direct(animal_ids=("A",)), "1 animal ids for 2 animals"),
    "degrees": (
        lambda: direct(traps=[[131.07, 43.16], [131.11, 43.17], [131.2, 43.2]]),
        "looks like degrees, not metres",
    ),
    "coordinate missing": (lambda: direct(traps=[[0, 0], [NAN, 1], [2, 2]]), "row 1: traps_xy_m"),
    "three columns": (lambda: direct(traps=np.zeros((3, 3))), "traps_xy_m has shape (3, 3)"),
    "more stations": (
        lambda: direct(traps=[*TRAPS, [1e4, 1e4]]),
        "usage has 3 entries but there are 4 stations",
    ),
    "station index": (lambda: direct(station=[0, 1, 7]), "indices 0…2"),
    "detector": (lambda: direct(detector="multi"), "detector is 'multi'"),
    "binary overflow": (
        lambda: direct(usage=[90, 60, 1], detector="proximity"),
        "2 times by station 3 in 1 occasions",
    ),
    "fraction without occasions": (
        lambda: direct(usage=[90.5, 60, 30], detector="proximity"),
        "number of occasions is not given",
    ),
    "occasions of counts": (lambda: direct(occasions=[9, 9, 9]), "occasions were given for a count detector"),
    "zero occasions": (
        lambda: direct(usage=[90, 60, 30], detector="proximity", occasions=[90, 0, 30]),
        "positive number for every row with effort",
    ),
    "switched off that day": (
        lambda: detections(usage=[[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]]),
        "animal 1 was detected by station 2 on occasion 2, when it did not operate",
    ),
    "twice on one occasion": (
        lambda: detections(animal=[0, 0, 0], station=[0, 0, 1], occasion=[2, 2, 1]),
        "more than once at station 1 on occasion 3",
    ),
    "index": (lambda: detections(station=[0, 1, 9]), "station index 9 is outside 0…2"),
    "lengths": (lambda: detections(station=[0, 1]), "3, 2 and 3 entries"),
    "flat usage": (lambda: detections(usage=[1, 1, 1]), "expected (n_stations, n_occasions)"),
    "usage hole": (lambda: detections(usage=np.full((3, 4), NAN)), "missing, infinite or negative"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_say_what_where_and_what_to_do(name):
    make, words = BAD[name]
    with pytest.raises(ParameterError, match=re.escape(words)):
        make()


def test_counts_of_recaptures_and_places():
    data = direct(counts=[[3, 1, 0], [0, 0, 2], [1, 1, 1]])
    assert (data.animals, data.detections, data.recaptures) == (3, 9, 6)
    assert data.spatial_recaptures == 3
    assert data.stations == 3
    assert data.station_days == 180.0


def test_stations_at_one_point_are_one_place():
    data = direct(counts=[[3, 1, 0]], traps=[[0, 0], [0, 0], [3000, 0]])
    assert data.spatial_recaptures == 0


def test_occasions_are_added_up():
    data = detections()
    assert data.counts.tolist() == [[1, 1, 0], [0, 0, 1]]
    assert data.usage.tolist() == [4.0, 4.0, 4.0]
    assert data.occasions.tolist() == [4, 4, 4]


def test_fractional_effort_splits_only_where_somebody_was_caught():
    usage = np.ones((3, 40))
    usage[0] = np.linspace(0.1, 1.0, 40)
    usage[1] = np.linspace(0.1, 1.0, 40)
    data = ScrData.from_detections(
        [0, 0, 1], [0, 0, 2], [0, 39, 3], traps_xy_m=TRAPS, usage=usage, detector="proximity"
    )
    # Station 1: two caught levels and one rest; station 2: one rest; station 3: one level.
    assert data.station_index.tolist() == [0, 0, 0, 1, 2]
    assert np.allclose(data.station_usage, usage.sum(axis=1))
    assert data.counts.tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 1]]


def test_size_does_not_grow_with_occasions():
    usage = np.ones((3, 5000))
    data = ScrData.from_detections([0, 1], [0, 2], [17, 4711], traps_xy_m=TRAPS, usage=usage)
    assert data.counts.shape == (2, 3)


def test_data_cannot_be_changed():
    data = direct()
    with pytest.raises(ValueError, match="read-only"):
        data.counts[0, 0] = 5
    with pytest.raises(AttributeError):
        data.usage = np.zeros(3)


def test_what_was_given_stays_the_callers():
    usage = np.array(USAGE)
    data = direct(usage=usage)
    usage[0] = 1.0
    assert data.usage[0] == 90.0


def test_fingerprint_tells_data_apart():
    assert direct().fingerprint == direct().fingerprint
    assert direct().fingerprint != direct(usage=[90, 60, 31]).fingerprint
