"""Is the banded likelihood that of the Gaussian process it stands for?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import multivariate_normal

from ghostcat.errors import ParameterError
from ghostcat.movement import Motion, autocorrelation, track_likelihood
from ghostcat.movement.motion import transitions

MODELS = [
    Motion(kind="IID"),
    Motion(kind="OU", tau_position_s=5000.0),
    Motion(kind="OUf", tau_position_s=4000.0),
    Motion(kind="OUF", tau_position_s=9000.0, tau_velocity_s=700.0),
]
SIGMA = np.array([[4.0e6, 1.1e6], [1.1e6, 2.5e6]])


def track(seed: int, n: int = 25) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.gamma(2.0, 400.0, n)), rng.normal(size=(n, 2)).cumsum(axis=0) * 700.0


def dense(motion, time_s, xy, sigma, error_m=None):
    """The same by definition: the whole covariance matrix, mean by generalised least squares."""
    rho = autocorrelation(motion, np.abs(time_s[:, None] - time_s[None]))
    whole = np.kron(rho, sigma)
    if error_m is not None:
        whole += np.kron(np.diag(error_m**2), np.eye(2))
    ones = np.kron(np.ones((len(time_s), 1)), np.eye(2))
    z = xy.ravel()
    solved = np.linalg.solve(whole, np.column_stack([ones, z]))
    information = ones.T @ solved[:, :2]
    mean = np.linalg.solve(information, ones.T @ solved[:, 2])
    value = multivariate_normal(ones @ mean, whole).logpdf(z)
    restricted = value - 0.5 * np.linalg.slogdet(information)[1] + np.log(2 * np.pi)
    return value, restricted, mean, np.linalg.inv(information)


@pytest.mark.parametrize("motion", MODELS, ids=lambda m: m.kind)
@pytest.mark.parametrize("noisy", [False, True], ids=["exact", "noisy"])
def test_likelihood_is_that_of_the_whole_covariance_matrix(motion, noisy):
    time_s, xy = track(3)
    error = np.random.default_rng(1).uniform(20.0, 200.0, len(time_s)) if noisy else None
    value, restricted, mean, spread = dense(motion, time_s, xy, SIGMA, error)
    ml = track_likelihood(motion, time_s, xy, SIGMA, error_m=error)
    reml = track_likelihood(motion, time_s, xy, SIGMA, error_m=error, restricted=True)
    # The dense matrix of OUF is the less exact of the two.
    assert ml.value == pytest.approx(value, rel=1e-8)
    # A factor that no parameter moves is left to either side's taste: differences must agree.
    other = track_likelihood(motion, time_s, xy, 1.7 * SIGMA, error_m=error, restricted=True)
    assert other.value - reml.value == pytest.approx(
        dense(motion, time_s, xy, 1.7 * SIGMA, error)[1] - restricted, rel=1e-6, abs=1e-7
    )
    assert ml.mean_xy_m == pytest.approx(mean, rel=1e-7)
    assert ml.mean_covariance_m2 == pytest.approx(spread, rel=1e-6)


def test_best_covariance_is_best():
    time_s, xy = track(5)
    motion = MODELS[3]
    best = track_likelihood(motion, time_s, xy)
    for factor in (0.9, 1.1):
        worse = track_likelihood(motion, time_s, xy, best.best_covariance_m2 * factor)
        assert worse.value < best.value
    round_one = track_likelihood(motion, time_s, xy, isotropic=True)
    assert round_one.value < best.value
    assert round_one.best_covariance_m2[0, 1] == 0


@pytest.mark.parametrize("step", [1e-4, 0.3, 50.0, 4000.0, 1e6])
def test_noise_of_a_step_is_its_integral(step):
    slow, fast = 1 / 9000.0, 1 / 700.0
    found = transitions(MODELS[3], np.array([step])).noise[0]
    strength = 2 * slow * fast * (slow + fast)

    def g(s):
        return (np.exp(-slow * s) - np.exp(-fast * s)) / (fast - slow)

    def slope(s):
        return (fast * np.exp(-fast * s) - slow * np.exp(-slow * s)) / (fast - slow)

    reach = min(step, 30 * 9000.0)
    knots = np.linspace(0, reach, 40)
    pieces = list(itertools.pairwise(knots))
    unit = np.sqrt(slow * fast)
    xx = strength * sum(quad(lambda s: g(s) ** 2, a, b, epsabs=0, epsrel=1e-9)[0] for a, b in pieces)
    vv = strength * sum(quad(lambda s: slope(s) ** 2, a, b, epsabs=0, epsrel=1e-9)[0] for a, b in pieces)
    assert found[0, 0] == pytest.approx(xx, rel=1e-6)
    assert found[1, 1] == pytest.approx(vv / unit**2, rel=1e-6)
    assert found[0, 1] == pytest.approx(strength * g(step) ** 2 / 2 / unit, rel=1e-6, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.0, 1e9), st.floats(0.0, 3.1))
def test_place_time_and_compass_do_not_matter(dx, dy, dt, angle):
    time_s, xy = track(7)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    here = track_likelihood(MODELS[3], time_s, xy)
    there = track_likelihood(MODELS[3], np.round(time_s) + np.round(dt), xy @ turn.T + [dx, dy])
    base = track_likelihood(MODELS[3], np.round(time_s), xy)
    assert there.value == pytest.approx(base.value, rel=1e-7)
    assert abs(here.value - base.value) < 1.0


def test_a_step_in_two_halves_is_one_step():
    motion = MODELS[3]
    half, whole = transitions(motion, np.array([300.0])), transitions(motion, np.array([600.0]))
    assert half.carry[0] @ half.carry[0] == pytest.approx(whole.carry[0], rel=1e-10)
    summed = half.carry[0] @ half.noise[0] @ half.carry[0].T + half.noise[0]
    assert summed == pytest.approx(whole.noise[0], rel=1e-10)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"kind": "XYZ"}, "not known"),
        ({"kind": "OU"}, "needs a position"),
        ({"kind": "OUF", "tau_position_s": 10.0}, "needs a velocity"),
        ({"kind": "IID", "tau_position_s": 10.0}, "has no position"),
        ({"kind": "OU", "tau_position_s": -1.0}, "tau position is -1"),
        ({"kind": "OUF", "tau_position_s": 10.0, "tau_velocity_s": 20.0}, "exceeds"),
    ],
)
def test_impossible_models_are_refused(arguments, word):
    with pytest.raises(ParameterError, match=word):
        Motion(**arguments)
