"""Least-cost distances against shortest paths by hand, and the effect of a river by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.mask import Mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.noneuclidean import cost_distances, fit_noneuclidean
from ghostcat.scr.simulate_survey import ArrayTruth, Population, simulate_survey

AXIS = np.arange(-5, 17) * 1000.0 + 500.0
XY = np.stack(np.meshgrid(AXIS, AXIS), axis=-1).reshape(-1, 2)
MASK = Mask(XY, 1.0)
RIVER = ((XY[:, 0] > 5000) & (XY[:, 0] < 7000)).astype(float)
TRAPS = np.stack(np.meshgrid(np.arange(7) * 2000.0, np.arange(7) * 2000.0), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize(("neighbours", "most"), [(4, 1.42), (8, 1.083), (16, 1.028)])
def test_even_ground_overrates_no_more_than_it_says(neighbours, most):
    from_cells = XY[[0, 250, 483]]
    ways = cost_distances(from_cells, MASK, np.ones(MASK.cells), neighbours=neighbours)
    straight = np.hypot(*(from_cells[:, None] - XY[None]).transpose(2, 0, 1))
    ratio = ways[straight > 0] / straight[straight > 0]
    assert ratio.min() > 1 - 1e-9
    assert ratio.max() < most


def floyd_warshall(cost):
    ways = cost.copy()
    for k in range(len(ways)):
        ways = np.minimum(ways, ways[:, k : k + 1] + ways[k : k + 1])
    return ways


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_against_all_paths_on_a_small_mask_with_gaps(seed):
    rng = np.random.default_rng(seed)
    all_xy = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2) * 100.0
    xy = all_xy[rng.random(25) < 0.8]
    if len(xy) < 3:
        return
    mask = Mask(xy, 0.01, cell_m=100.0)
    conductance = rng.uniform(0.2, 3.0, len(xy))
    gap = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    near = (gap > 0) & (gap < 150.0)
    cost = np.where(near, gap * (1 / conductance[:, None] + 1 / conductance[None]) / 2, np.inf)
    np.fill_diagonal(cost, 0.0)
    expected = floyd_warshall(cost)
    found = cost_distances(xy, mask, conductance, neighbours=8)
    reached = np.isfinite(expected)
    assert found[reached] == pytest.approx(expected[reached], abs=1e-6)
    assert (found[~reached] > 10_000).all()


def test_a_river_is_as_wide_as_it_is_hard_to_cross():
    ways = cost_distances(TRAPS, MASK, np.exp(-1.0 * RIVER))
    plain = cost_distances(TRAPS, MASK, np.ones(MASK.cells))
    same_side = (TRAPS[:, None, 0] < 5000) & (XY[None, :, 0] < 5000)
    across = (TRAPS[:, None, 0] < 5000) & (XY[None, :, 0] > 7000)
    assert ways[same_side] == pytest.approx(plain[same_side])
    added = (ways - plain)[across]
    assert added.min() > 2000 * (np.e - 1) * 0.9


def surveyed(theta, seed):
    population = Population(mask=MASK, density_per_100km2=12.0, spread_in_cells=False)
    cameras = ArrayTruth(
        xy_m=TRAPS,
        usage=np.full((49, 1), 60.0),
        lambda0=(0.03,),
        sigma_m=(2200.0,),
        distance_m=cost_distances(TRAPS, MASK, np.exp(theta * RIVER)),
    )
    drawn = simulate_survey(population, [cameras], rng=np.random.default_rng(seed))
    session = drawn.session(mask_covariates={"river": RIVER})
    return replace(session, arrays=tuple(replace(a, distance_m=None) for a in session.arrays))


def test_the_effect_of_a_river_is_found():
    found = fit_noneuclidean(ScrModel(sessions=(surveyed(-0.7, 1),)), "river")
    assert found.theta.lower < -0.7 < found.theta.upper
    assert found.theta.upper < 0.0
    assert found.p_no_effect < 0.01
    plain = fit_model(ScrModel(sessions=(surveyed(-0.7, 1),)))
    assert found.aic < plain.aic - 4
    sigma = found.fit.names.index("sigma")
    assert np.exp(found.fit.beta[sigma]) == pytest.approx(2200.0, rel=0.25)
    own = found.fit.covariance[sigma, sigma]
    assert found.covariance[sigma, sigma] >= own
    assert found.covariance[-1, -1] == pytest.approx(found.theta_standard_error**2)


def test_no_river_no_effect():
    found = fit_noneuclidean(ScrModel(sessions=(surveyed(0.0, 2),)), "river", interval=False)
    assert found.theta.lower < 0.0 < found.theta.upper
    assert found.p_no_effect > 0.01


def test_faults():
    session = surveyed(0.0, 3)
    with pytest.raises(ParameterError, match="no mask covariate"):
        fit_noneuclidean(ScrModel(sessions=(session,)), "road")
    gap = replace(session, mask_covariates={"river": np.where(RIVER > 0, np.nan, 0.0)})
    with pytest.raises(ParameterError, match="no value in"):
        fit_noneuclidean(ScrModel(sessions=(gap,)), "river")
    with pytest.raises(ParameterError, match="enclose"):
        fit_noneuclidean(ScrModel(sessions=(session,)), "river", limits=(0.5, 2.0))
    with pytest.raises(ParameterError, match="lattice"):
        cost_distances(TRAPS, Mask(XY + np.linspace(0, 900, len(XY))[:, None], 1.0), np.ones(MASK.cells))
    with pytest.raises(ParameterError, match="conductance"):
        cost_distances(TRAPS, MASK, np.zeros(MASK.cells))


def test_a_wall_has_no_finite_effect():
    with pytest.raises(EstimateRefused) as refusal:
        fit_noneuclidean(ScrModel(sessions=(surveyed(-6.0, 4),)), "river", limits=(-2.0, 2.0))
    assert refusal.value.code == "not_identified"
