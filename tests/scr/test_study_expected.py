"""What a plan promises: the design table, brute force, and simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.scr.detection import detection_hazard, detection_reach_m
from ghostcat.scr.mask import Mask, make_mask
from ghostcat.scr.simulate_survey import ArrayTruth, Population, simulate_survey
from ghostcat.scr.study import Animals, expected_survey, planning_mask, square_grid

LEOPARD = Animals(density_per_100km2=1.0, lambda0=0.01, sigma_m=4000.0)

# Design notes, section 4.3: D 1 per 100 km², σ 4 km, λ0 0.01, 90 days. The numbers belong to stations in
# the middle of the equal squares that fill a square region, animals living around it as well.
DESIGN_TABLE = [
    (3600, 36, 22, 10, 0.31),
    (3600, 100, 38, 52, 0.16),
    (3600, 400, 50, 311, 0.14),
    (8400, 100, 58, 33, 0.17),
    (8400, 144, 70, 60, 0.13),
    (8400, 400, 96, 266, 0.10),
]


def rounded_as_printed(value):
    """The table was rounded to a tenth and then to the even whole number: 57.46 → 57.5 → 58."""
    return round(round(value, 1))


@pytest.mark.parametrize(("area_km2", "stations", "n", "r", "rse"), DESIGN_TABLE)
def test_the_design_table_is_reproduced(area_km2, stations, n, r, rse):
    traps = square_grid(side_m=1000.0 * math.sqrt(area_km2), stations=stations)
    plan = expected_survey(traps, 90.0, animals=LEOPARD)
    assert rounded_as_printed(plan.animals) == n
    assert rounded_as_printed(plan.recaptures) == r
    assert round(plan.relative_standard_error, 2) == rse
    assert plan.animals == pytest.approx(n, abs=0.55)


def test_more_stations_in_one_park_saturate_and_more_land_does_not():
    def rse(area_km2, stations):
        traps = square_grid(side_m=1000.0 * math.sqrt(area_km2), stations=stations)
        return expected_survey(traps, 90.0, animals=LEOPARD).relative_standard_error

    assert rse(3600, 100) - rse(3600, 400) < 0.25 * (rse(3600, 36) - rse(3600, 100))
    assert rse(8400, 400) < 0.75 * rse(3600, 400)


def test_two_stations_two_cells_by_hand():
    """Everything written out for one animal class, two stations and two cells."""
    traps = np.array([[0.0, 0.0], [3000.0, 0.0]])
    mask = Mask([[0.0, 1000.0], [3000.0, 1000.0]], 10.0)
    kind = Animals(density_per_100km2=5.0, lambda0=0.02, sigma_m=2000.0)
    near, far = 0.02 * math.exp(-1 / 8), 0.02 * math.exp(-10 / 8)
    total = 50.0 * (near + far)
    p = 1 - math.exp(-total)
    plan = expected_survey(traps, 50.0, animals=kind, mask=mask)
    assert plan.animals == pytest.approx(2 * 0.5 * p)
    assert plan.detections == pytest.approx(2 * 0.5 * total)
    share = near / (near + far)
    assert plan.moves == pytest.approx((total - p) * (1 - share**2 - (1 - share) ** 2))
    either = (1 - math.exp(-50 * near)) + (1 - math.exp(-50 * far)) - p
    assert plan.spatial_recaptures == pytest.approx(either)
    assert plan.per_station == pytest.approx([0.5 * total, 0.5 * total])


def brute_force_moves(hazards, most):
    """E(moves) of Poisson counts by going through all sequences of stations, most likely ones first."""
    total = sum(hazards)
    moves = 0.0
    for length in range(2, most + 1):
        chance = math.exp(-total) * total**length / math.factorial(length)
        for sequence in itertools.product(range(len(hazards)), repeat=length):
            weight = math.prod(hazards[k] / total for k in sequence)
            moves += chance * weight * sum(a != b for a, b in itertools.pairwise(sequence))
    return moves


def test_moves_against_all_sequences_of_stations():
    traps = np.array([[0.0, 0.0], [2000.0, 0.0], [0.0, 2500.0]])
    mask = Mask([[500.0, 700.0]], 100.0)
    kind = Animals(density_per_100km2=1.0, lambda0=0.004, sigma_m=1500.0)
    hazards = 60.0 * detection_hazard(np.hypot(*(traps - mask.xy_m[0]).T), 0.004, 1500.0)
    plan = expected_survey(traps, 60.0, animals=kind, mask=mask)
    assert plan.moves == pytest.approx(brute_force_moves(hazards.tolist(), 8), rel=1e-5)


@pytest.mark.parametrize("detector", ["count", "proximity", "multi"])
def test_expectations_agree_with_simulation(detector):
    traps = 3000.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    kinds = (
        Animals(density_per_100km2=2.0, lambda0=0.05, sigma_m=2000.0, detectfn="HEX"),
        Animals(density_per_100km2=1.0, lambda0=0.08, sigma_m=3000.0, detectfn="HEX"),
    )
    mask = make_mask(traps, buffer_m=12_000.0, cell_m=1500.0)
    plan = expected_survey(traps, 10.0, animals=kinds, mask=mask, detector=detector, occasions=10)
    where = Population(mask=mask, density_per_100km2=3.0, classes=("a", "b"), shares=(2 / 3, 1 / 3))
    array = ArrayTruth(
        xy_m=traps,
        usage=np.ones((25, 10)),
        lambda0=(0.05, 0.08),
        sigma_m=(2000.0, 3000.0),
        detector=detector,
        detectfn="HEX",
    )
    rng = np.random.default_rng(5)
    drawn = [simulate_survey(where, [array], rng=rng).arrays[0] for _ in range(150)]
    n = np.array([len(d.seen) for d in drawn])
    r = np.array([d.recaptures for d in drawn])
    places = np.array([len(np.unique(d.captures[:, [0, 2]], axis=0)) for d in drawn]) - n
    for value, expected in ((n, plan.animals), (r, plan.recaptures), (places, plan.spatial_recaptures)):
        # A cell is a square, its hazard that of the middle: a part of a percent; the rest is chance.
        assert abs(value.mean() - expected) < 4 * value.std() / math.sqrt(150) + 0.01 * expected
    moves = np.mean([_moves(d.captures, rng) for d in drawn])
    assert moves == pytest.approx(plan.moves, rel=0.12 if detector == "count" else 0.15)


def _moves(captures, rng):
    """Changes of station in the order of occasions, ties within one in random order."""
    order = np.lexsort((rng.random(len(captures)), captures[:, 1], captures[:, 0]))
    c = captures[order]
    return int(((c[1:, 0] == c[:-1, 0]) & (c[1:, 2] != c[:-1, 2])).sum())


@settings(max_examples=25, deadline=None)
@given(
    shift=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    scale=st.floats(0.5, 20.0),
    density=st.floats(0.1, 10.0),
)
def test_place_units_and_density_only_scale(shift, scale, density):
    traps = square_grid(side_m=30_000.0, stations=16)
    plan = expected_survey(traps, 60.0, animals=LEOPARD, mask=planning_mask(traps, [LEOPARD]))
    kind = Animals(density_per_100km2=density / scale**2, lambda0=0.01, sigma_m=4000.0 * scale)
    moved = traps * scale + np.asarray(shift)
    other = expected_survey(moved, 60.0, animals=kind, mask=planning_mask(moved, [kind]))
    assert other.animals == pytest.approx(density * plan.animals, rel=2e-3)
    assert other.recaptures == pytest.approx(density * plan.recaptures, rel=2e-3)


def test_a_station_more_never_takes_animals_away():
    traps = square_grid(side_m=20_000.0, stations=9)
    mask = planning_mask(traps, [LEOPARD])
    found = [expected_survey(traps[:k], 60.0, animals=LEOPARD, mask=mask).animals for k in range(1, 10)]
    assert all(a < b for a, b in itertools.pairwise(found))


def test_classes_add_up_and_uneven_density_keeps_the_number_of_animals():
    traps = square_grid(side_m=20_000.0, stations=9)
    mask = planning_mask(traps, [LEOPARD])
    whole = expected_survey(traps, 60.0, animals=LEOPARD, mask=mask)
    half = Animals(density_per_100km2=0.5, lambda0=0.01, sigma_m=4000.0)
    halves = expected_survey(traps, 60.0, animals=[half, half], mask=mask)
    assert halves.animals == pytest.approx(whole.animals)
    assert halves.detection_probability == pytest.approx(whole.detection_probability)
    tilted = expected_survey(
        traps, 60.0, animals=LEOPARD, mask=mask, relative_density=np.exp(mask.xy_m[:, 0] / 2e4)
    )
    assert tilted.animals != pytest.approx(whole.animals, rel=1e-3)
    even = expected_survey(traps, 60.0, animals=LEOPARD, mask=mask, relative_density=np.full(mask.cells, 7.0))
    assert even.animals == pytest.approx(whole.animals)


def test_the_mask_of_a_plan_reaches_far_enough():
    """No more than a part in a thousand of the animals lives beyond it."""
    traps = square_grid(side_m=20_000.0, stations=9)
    for name, shape in (("HHN", math.nan), ("HEX", math.nan), ("HCG", 2.0)):
        kind = Animals(density_per_100km2=1.0, lambda0=0.01, sigma_m=3000.0, detectfn=name, shape=shape)
        wide = make_mask(traps, buffer_m=2.0 * kind.reach_m, cell_m=1500.0)
        near = expected_survey(traps, 90.0, animals=kind)
        far = expected_survey(traps, 90.0, animals=kind, mask=wide)
        assert near.animals == pytest.approx(far.animals, rel=2e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"usage": [90.0, -1.0]}, "effort"),
        ({"usage": [90.0, math.nan]}, "effort"),
        ({"detector": "snare"}, "detector"),
        ({"animals": ()}, "class"),
        ({"relative_density": [1.0]}, "relative_density"),
        ({"traps_xy_m": np.empty((0, 2)), "usage": 90.0}, "station"),
    ],
)
def test_plans_that_cannot_be(change, words):
    plan = {"traps_xy_m": [[0.0, 0.0], [4000.0, 0.0]], "usage": 90.0, "animals": LEOPARD} | change
    with pytest.raises(ParameterError, match=words):
        expected_survey(plan.pop("traps_xy_m"), plan.pop("usage"), **plan)


@pytest.mark.parametrize(
    "kind",
    [
        {"lambda0": 0.0},
        {"sigma_m": -1.0},
        {"density_per_100km2": 0.0},
        {"detectfn": "HN", "lambda0": 1.0},
        {"detectfn": "HHR"},
        {"detectfn": "XX"},
    ],
)
def test_animals_that_cannot_be(kind):
    with pytest.raises(ParameterError):
        Animals(**{"density_per_100km2": 1.0, "lambda0": 0.01, "sigma_m": 4000.0} | kind)


def test_detection_functions_at_known_places():
    at = [0.0, 2.0]
    assert detection_hazard(at, 0.3, 2.0, detectfn="HEX") == pytest.approx([0.3, 0.3 / math.e])
    hazard_rate = detection_hazard([1e-9, 2.0], 0.3, 2.0, detectfn="HHR", shape=3.0)
    assert hazard_rate == pytest.approx([0.3, 0.3 * (1 - math.exp(-1))])
    half_normal = 1 - np.exp(-detection_hazard(at, 0.3, 2.0, detectfn="HN"))
    assert half_normal == pytest.approx([0.3, 0.3 * math.exp(-0.5)])
    # A gamma distribution of shape 1 is exponential.
    gamma = detection_hazard(at, 0.3, 2.0, detectfn="HCG", shape=1.0)
    assert gamma == pytest.approx([0.3, 0.3 / math.e])
    assert detection_reach_m(1000.0, detectfn="HEX") > detection_reach_m(1000.0) > 4000.0
