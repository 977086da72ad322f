"""What must be true of every survey, whatever its numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.scr import Mask, ScrData, fit_scr, log_likelihood, make_mask, prepare, simulate_captures

BETA = np.array([-6.5, -3.0, math.log(1800.0)])
seeds = st.integers(0, 2**32 - 1)


def survey(seed, detector="count"):
    rng = np.random.default_rng(seed)
    traps = rng.uniform(0, 9000, size=(9, 2))
    cells = rng.uniform(-6000, 15_000, size=(60, 2))
    usage = rng.integers(1, 90, size=9).astype(float)
    counts = np.minimum(rng.poisson(0.4, size=(7, 9)), usage.astype(int))
    counts[np.arange(7), rng.integers(0, 9, size=7)] += counts.sum(axis=1) == 0
    return ScrData(counts, usage, traps, detector=detector), Mask(cells, rng.uniform(0.5, 2.0, size=60))


def value(data, mask, beta=BETA):
    at = log_likelihood(prepare(data, mask), beta)
    return at.value, at.gradient


def same(a, b):
    assert a[0] == pytest.approx(b[0], rel=1e-10)
    assert a[1] == pytest.approx(b[1], rel=1e-8, abs=1e-8)


def changed(data, **parts):
    fields = dict(counts=data.counts, usage=data.usage, traps_xy_m=data.traps_xy_m) | parts
    return ScrData(**fields, detector=data.detector)


detectors = st.sampled_from(["count", "proximity"])


@settings(max_examples=40, deadline=None)
@given(seeds, detectors, st.floats(-3e6, 3e6), st.floats(-3e6, 3e6), st.floats(0, 2 * math.pi))
def test_shift_and_rotation_change_nothing(seed, detector, east, north, angle):
    data, mask = survey(seed, detector)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    def move(xy):
        return xy @ turn + [east, north]

    moved = changed(data, traps_xy_m=move(data.traps_xy_m))
    a, b = value(data, mask), value(moved, Mask(move(mask.xy_m), mask.cell_area_km2))
    # Coordinates of 3e6 m are rounded to 5e-10 m.
    assert a[0] == pytest.approx(b[0], rel=1e-9)
    assert a[1] == pytest.approx(b[1], rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seeds, detectors)
def test_order_changes_nothing(seed, detector):
    data, mask = survey(seed, detector)
    rng = np.random.default_rng(seed + 1)
    animals, stations, cells = rng.permutation(data.animals), rng.permutation(9), rng.permutation(60)
    other = changed(
        data,
        counts=data.counts[animals][:, stations],
        usage=data.usage[stations],
        traps_xy_m=data.traps_xy_m[stations],
    )
    same(value(data, mask), value(other, Mask(mask.xy_m[cells], mask.cell_area_km2[cells])))


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.01, 100))
def test_unit_of_effort_moves_lambda0_only(seed, factor):
    data, mask = survey(seed)
    hours = changed(data, usage=data.usage * factor)
    same(value(data, mask), value(hours, mask, BETA - [0, math.log(factor), 0]))


@settings(max_examples=40, deadline=None)
@given(seeds, detectors, st.floats(0.01, 100))
def test_unit_of_length_moves_density_and_sigma_only(seed, detector, factor):
    data, mask = survey(seed, detector)
    other = changed(data, traps_xy_m=data.traps_xy_m * factor)
    beta = BETA + np.array([-2 * math.log(factor), 0, math.log(factor)])
    same(value(data, mask), value(other, Mask(mask.xy_m * factor, mask.cell_area_km2 * factor**2), beta))


@settings(max_examples=40, deadline=None)
@given(seeds, detectors)
def test_station_that_never_worked_changes_nothing(seed, detector):
    data, mask = survey(seed, detector)
    idle = changed(
        data,
        counts=np.pad(data.counts, ((0, 0), (0, 1))),
        usage=np.append(data.usage, 0.0),
        traps_xy_m=np.vstack([data.traps_xy_m, [[100.0, 100.0]]]),
    )
    same(value(data, mask), value(idle, mask))


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_splitting_effort_of_a_station_moves_the_constant_only(seed):
    """Two spells of one station are two rows; counts fall on one or the other."""
    data, mask = survey(seed)
    split = changed(
        data,
        counts=np.concatenate([data.counts, np.zeros((data.animals, 1), dtype=int)], axis=1),
        usage=np.append(np.where(np.arange(9) == 4, data.usage * 0.7, data.usage), data.usage[4] * 0.3),
        traps_xy_m=np.vstack([data.traps_xy_m, data.traps_xy_m[4]]),
    )
    whole, parts = value(data, mask), value(split, mask)
    assert parts[1] == pytest.approx(whole[1], rel=1e-9, abs=1e-9)
    caught = data.counts[:, 4].sum()
    assert parts[0] - whole[0] == pytest.approx(caught * math.log(0.7), rel=1e-8, abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(seeds, detectors)
def test_splitting_cells_in_place_changes_nothing(seed, detector):
    data, mask = survey(seed, detector)
    twice = Mask(np.repeat(mask.xy_m, 2, axis=0), np.repeat(mask.cell_area_km2 / 2, 2))
    same(value(data, mask), value(data, twice))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1e5, 1e6), st.floats(-1e5, 5e6))
def test_estimates_do_not_depend_on_where_the_origin_is(seed, east, north):
    traps = 2500.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    mask = make_mask(traps, sigma_m=2300.0)
    rng = np.random.default_rng(seed)
    data = simulate_captures(
        traps, np.full(25, 90.0), mask=mask, density_per_100km2=8.0, lambda0=0.03, sigma_m=2300.0, rng=rng
    ).data
    here = fit_scr(data, mask)
    moved = changed(data, traps_xy_m=traps + np.array([east, north]))
    there = fit_scr(moved, make_mask(moved.traps_xy_m, sigma_m=2300.0))
    assert there.beta == pytest.approx(here.beta, abs=1e-6)
    assert there.covariance == pytest.approx(here.covariance, rel=1e-5, abs=1e-9)
