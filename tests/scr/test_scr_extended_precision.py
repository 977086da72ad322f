"""An animal caught far from its other captures keeps its digits, in 60-digit arithmetic.

All its likelihood comes from cells at which one of the hazards is 1e-13 or far less. Forming 1 − exp(−h) by
subtraction, as programs do, leaves nothing there.
"""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy.sparse import csr_array

from ghostcat.scr.hazard import fall_off, multi_catch, multi_catch_slopes, separation
from ghostcat.scr.kernel import evaluate, prepare
from ghostcat.scr.layout import ArrayLayout, ClassLayout, Layout, Predictor, SessionLayout

SIGMA_M = 700.0
TRAPS = np.array([[0.0, 0.0], [1500.0, 0.0], [16_800.0, 0.0]])
CELLS = np.array(
    [[x, y] for x in (-700.0, 0.0, 900.0, 8000.0, 8400.0, 8800.0, 16_500.0) for y in (-500.0, 400.0)]
)


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


def constant(n, column, link):
    return Predictor(design=np.ones((n, 1)), columns=np.array([column]), offset=np.zeros(n), link=link)


def layout(detectfn, kind, effort):
    """Animal 0 at traps 0 and 1, animal 1 at traps 0 and 2, 24 σ apart; one profile with effort per trap."""
    on_hazard_scale = detectfn >= 14
    shaped = detectfn in (1, 15, 18)
    laid = ClassLayout(
        detector=np.arange(3),
        intercept=constant(3, 1, "log" if on_hazard_scale else "logit"),
        sigma=constant(3, 2, "log"),
        shape=constant(3, 3, "log") if shaped else None,
        profiles=csr_array(np.full((1, 3), effort)),
        survived=csr_array(np.full((2, 1), 2.0)),
        competed=csr_array(np.full((2, 1), 2.0) if kind == "multi" else np.zeros((2, 1))),
        catch_row=np.arange(3),
        catch_effort=np.full(3, effort if kind == "proximity" else 1.0),
        caught=csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])),
        naive=csr_array(np.array([[2.0]])),
    )
    array = ArrayLayout(
        xy_m=TRAPS,
        detectfn=detectfn,
        intercept_name="lambda0" if on_hazard_scale else "g0",
        binary=kind == "proximity",
        classes=(laid,),
    )
    session = SessionLayout(
        cells_xy_m=CELLS,
        cell_area_ha=np.full(len(CELLS), 40.0),
        density=(constant(len(CELLS), 0, "log"),),
        mixing=(),
        arrays=(array,),
        collars=None,
        detected=2,
        naive_group=np.zeros(2, dtype=np.int64),
        population=np.zeros(1, dtype=np.int64),
        known_class=np.full(2, -1),
        class_covariate=False,
        constant=np.zeros(1),
        distribution="poisson",
        conditional=False,
    )
    return Layout(sessions=(session,), parameters=4 if shaped else 3)


def exact(beta, detectfn, kind, effort):
    density, sigma = mp.exp(beta[0]), mp.exp(beta[2])
    effort = mp.mpf(effort)
    intercept = mp.exp(beta[1]) if detectfn >= 14 else 1 / (1 + mp.exp(-beta[1]))
    family = {0: 0, 14: 0, 1: 1, 15: 1, 2: 2, 16: 2, 18: 3}[detectfn]
    joint, mean = [mp.mpf(0), mp.mpf(0)], mp.mpf(0)
    for cell in CELLS:
        h = []
        for trap in TRAPS:
            d = mp.sqrt((mp.mpf(trap[0]) - cell[0]) ** 2 + (mp.mpf(trap[1]) - cell[1]) ** 2)
            z = mp.exp(beta[3]) if len(beta) > 3 else None
            fall = intercept * (
                mp.exp(-(d**2) / (2 * sigma**2))
                if family == 0
                else 1 - mp.exp(-((d / sigma) ** (-z)))
                if family == 1
                else mp.exp(-d / sigma)
                if family == 2
                else mp.gammainc(z, z * d / sigma, mp.inf, regularized=True)
            )
            h.append(fall if detectfn >= 14 else -mp.log1p(-fall))
        total = effort * sum(h)
        mean += 40 * density * -mp.expm1(-2 * total)
        for i, where in enumerate(((0, 1), (0, 2))):
            term = 40 * density
            for k in where:
                if kind == "multi":
                    term *= -mp.expm1(-total) * h[k] / total
                elif kind == "proximity":
                    term *= -mp.expm1(-effort * h[k]) * mp.exp(effort * h[k])
                else:
                    term *= h[k]
            joint[i] += term * (mp.exp(-2 * total) if kind != "multi" else 1)
    return sum(mp.log(j) for j in joint) - mean - mp.log(2)


@pytest.mark.parametrize("kind", ["proximity", "count", "multi"])
@pytest.mark.parametrize("detectfn", [0, 2, 14, 15, 16, 18])
@pytest.mark.parametrize("effort", [1.0, 0.3])
def test_far_catches_keep_every_digit(detectfn, kind, effort):
    """Value and slopes to 1e-13; 1e-10 is asked for."""
    beta = [-6.0, -1.2, math.log(SIGMA_M)] + ([math.log(3.0)] if detectfn in (1, 15, 18) else [])
    # A decimal with fewer digits than the smallest hazard is below 1 could not form 1 − exp(−h) either.
    prepared = prepare(layout(detectfn, kind, effort))
    found = evaluate(prepared, beta)
    points = [mp.mpf(b) for b in beta]
    assert found.value == pytest.approx(float(exact(points, detectfn, kind, effort)), rel=1e-13)
    step = mp.mpf("1e-15")
    for j in range(len(beta)):
        up, down = list(points), list(points)
        up[j] += step
        down[j] -= step
        slope = (exact(up, detectfn, kind, effort) - exact(down, detectfn, kind, effort)) / (2 * step)
        assert found.gradient[j] == pytest.approx(float(slope), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("detectfn", [0, 14])
def test_200_sigma_apart_where_the_hazard_has_underflowed(detectfn):
    beta = [-6.0, -1.2, math.log(84.0)]
    found = evaluate(layout(detectfn, "proximity", 0.3), beta)
    points = [mp.mpf(b) for b in beta]
    with mp.workdps(400):
        truth = exact(points, detectfn, "proximity", 0.3)
    assert float(truth) < -4000
    assert found.value == pytest.approx(float(truth), rel=1e-13)
    assert np.isfinite(found.hessian).all()


def test_hazard_rate_on_both_scales_near_and_far():
    for distance_m in (0.0, 1e-3, 1.0, 300.0, 5e3, 1e6, 1e30):
        for z in (0.5, 3.0, 20.0):
            apart = separation("hazard-rate", np.array([[distance_m**2]]))
            curve = fall_off("hazard-rate", apart, np.array([[math.log(300.0)]]), np.array([[math.log(z)]]))
            exactly = mp.log(-mp.expm1(-((mp.mpf(max(distance_m, 1e-150)) / 300) ** -mp.mpf(z))))
            assert float(curve.log_at(slice(None))[0, 0]) == pytest.approx(
                float(exactly), rel=1e-13, abs=1e-15
            )
            slopes = curve.derivatives()
            assert np.isfinite([slopes.s, slopes.z, slopes.ss, slopes.sz, slopes.zz]).all()


def test_competing_traps_from_no_hazard_to_a_great_one():
    totals = np.array([1e-300, 1e-12, 1e-5, 0.3, 0.999, 1.001, 5.0, 80.0, 900.0])
    value = multi_catch(totals)
    first, second = multi_catch_slopes(totals)

    def psi(g):
        return mp.log(mp.expm1(g) / g)

    for k, g in enumerate(totals):
        with mp.workdps(700 if g < 1e-100 else 60):
            assert value[k] == pytest.approx(float(psi(mp.mpf(g))), rel=1e-14, abs=1e-15)
        if g > 1e-100:
            with mp.workdps(120):
                assert first[k] == pytest.approx(float(mp.diff(psi, mp.mpf(g), h=mp.mpf("1e-40"))), rel=1e-13)
                exact2 = mp.mpf(1) / mp.mpf(g) ** 2 - mp.exp(mp.mpf(g)) / mp.expm1(mp.mpf(g)) ** 2
                assert second[k] == pytest.approx(float(exact2), rel=1e-12, abs=1e-18)
