"""The log-likelihood and its derivatives against an implementation in 60-digit arithmetic.

The independent implementation follows the definition word for word: a product over every animal,
station and occasion for every cell, no collapsing, no logarithms of sums, decimal arithmetic.
Derivatives are differences of it with a step of 1e-20, which 60 digits leave exact to about 1e-30.
"""

import math
from decimal import Decimal, getcontext
from math import factorial

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.scr import (
    DetectorArray,
    Mask,
    ScrData,
    ScrModel,
    ScrSession,
    conditional_log_likelihood,
    log_likelihood,
    prepare,
)
from ghostcat.scr.kernel import evaluate
from ghostcat.scr.laying_out import lay_out

DIGITS = 60


@pytest.fixture(autouse=True)
def _digits():
    before = getcontext().prec
    getcontext().prec = DIGITS
    yield
    getcontext().prec = before


def exact(histories, usage, traps, cells, areas_ha, beta, detector):
    """Log-likelihood over occasions, (n, K, S) histories, constants of the full form."""
    log_density, log_rate, log_scale = (Decimal(b) for b in beta)
    density, rate = log_density.exp(), log_rate.exp()
    precision = (-2 * log_scale).exp() / 2
    n, stations, occasions = histories.shape
    joint = [Decimal(0)] * n
    mean = Decimal(0)
    for (x, y), area in zip(cells, areas_ha, strict=True):
        hazards = [
            rate
            * (
                -((Decimal(float(a)) - Decimal(float(x))) ** 2 + (Decimal(float(b)) - Decimal(float(y))) ** 2)
                * precision
            ).exp()
            for a, b in traps
        ]
        missed = Decimal(1)
        for k in range(stations):
            for s in range(occasions):
                missed *= (-Decimal(float(usage[k, s])) * hazards[k]).exp()
        mean += Decimal(float(area)) * density * (1 - missed)
        for i in range(n):
            term = Decimal(float(area)) * density
            for k in range(stations):
                for s in range(occasions):
                    h = Decimal(float(usage[k, s])) * hazards[k]
                    count = int(histories[i, k, s])
                    if detector == "count":
                        term *= (-h).exp() * h**count / factorial(count) if count else (-h).exp()
                    else:
                        term *= 1 - (-h).exp() if count else (-h).exp()
            joint[i] += term
    value = sum((j.ln() for j in joint), Decimal(0)) - mean
    _, copies = np.unique(histories.reshape(n, -1), axis=0, return_counts=True)
    return value - sum(Decimal(factorial(int(c))).ln() for c in copies)


def derivatives(function, beta):
    step = Decimal("1e-20")
    beta = [Decimal(b) for b in beta]
    p = len(beta)

    def moved(*where):
        point = list(beta)
        for index, sign in where:
            point[index] += sign * step
        return function(point)

    gradient = [(moved((j, 1)) - moved((j, -1))) / (2 * step) for j in range(p)]
    hessian = np.empty((p, p))
    for j in range(p):
        for k in range(j, p):
            value = (
                moved((j, 1), (k, 1))
                - moved((j, 1), (k, -1))
                - moved((j, -1), (k, 1))
                + moved((j, -1), (k, -1))
            ) / (4 * step * step)
            hessian[j, k] = hessian[k, j] = float(value)
    return np.array([float(g) for g in gradient]), hessian


def survey(rng, *, detector, fractional):
    traps = rng.uniform(0, 5000, size=(4, 2))
    cells = rng.uniform(-3000, 8000, size=(12, 2))
    areas_ha = rng.uniform(20, 120, size=12)
    usage = rng.choice([0.25, 1.0, 1.75], size=(4, 3)) if fractional else np.ones((4, 3))
    usage[1, 2] = 0.0
    histories = rng.poisson(0.5, size=(4, 4, 3)) * (usage > 0)
    if detector == "proximity":
        histories = np.minimum(histories, 1)
    histories[0, 0, 0] = 1
    histories[3] = histories[2]  # two animals with one history: multiplicity
    histories = histories[histories.sum(axis=(1, 2)) > 0]
    return traps, cells, areas_ha, usage, histories


def as_data(histories, usage, traps, detector):
    animal, station, occasion = np.nonzero(histories)
    number = histories[animal, station, occasion]
    return ScrData.from_detections(
        np.repeat(animal, number),
        np.repeat(station, number),
        np.repeat(occasion, number),
        traps_xy_m=traps,
        usage=usage,
        detector=detector,
    )


@pytest.mark.parametrize("detector", ["count", "proximity"])
@pytest.mark.parametrize("fractional", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_value_gradient_and_hessian_in_extended_precision(detector, fractional, seed):
    traps, cells, areas_ha, usage, histories = survey(
        np.random.default_rng(seed), detector=detector, fractional=fractional
    )
    beta = [-4.2, -0.9, math.log(1900.0)]
    problem = prepare(as_data(histories, usage, traps, detector), Mask(cells, areas_ha / 100.0), form="full")
    found = log_likelihood(problem, beta)
    # Areas go through km² and back, so the independent value gets the very same doubles.
    areas = problem.layout.sessions[0].cell_area_ha

    def truth(b):
        return exact(histories, usage, traps, cells, areas, b, detector)

    gradient, hessian = derivatives(truth, beta)
    assert found.value == pytest.approx(float(truth(beta)), rel=1e-13)
    # A double carries 16 digits; sums of a few hundred terms of mixed sign lose two or three.
    assert found.gradient == pytest.approx(gradient, rel=1e-11, abs=1e-11)
    assert found.hessian == pytest.approx(hessian, rel=1e-11, abs=1e-10)


@pytest.mark.parametrize("detector", ["count", "proximity"])
def test_animal_caught_far_away_keeps_every_digit(detector):
    """16.7 km apart with σ 700 m: all cells have a hazard below 1e-60 at one of the two places.

    Forming 1 − exp(−h) by subtraction gives 0 there and a likelihood of −infinity. In decimals it
    takes more digits than the 124 that the smallest hazard is below 1.
    """
    getcontext().prec = 200
    traps = np.array([[0.0, 0.0], [16_700.0, 0.0], [1000.0, 500.0]])
    cells = np.stack(np.meshgrid(np.arange(-1000.0, 18_000.0, 2000.0), [-500.0, 500.0]), axis=-1).reshape(
        -1, 2
    )
    usage = np.ones((3, 2))
    histories = np.zeros((2, 3, 2), dtype=int)
    histories[0, 0, 0] = histories[0, 1, 1] = 1
    histories[1, 0, 0] = histories[1, 2, 0] = 1
    beta = [-5.0, -3.0, math.log(700.0)]
    problem = prepare(as_data(histories, usage, traps, detector), Mask(cells, 2.0), form="full")
    found = log_likelihood(problem, beta)

    def truth(b):
        return exact(histories, usage, traps, cells, problem.layout.sessions[0].cell_area_ha, b, detector)

    gradient, hessian = derivatives(truth, beta)
    assert found.value == pytest.approx(float(truth(beta)), rel=1e-13)
    assert found.value < -130
    assert found.gradient == pytest.approx(gradient, rel=1e-10)
    assert found.hessian == pytest.approx(hessian, rel=1e-9, abs=1e-9)


def test_hazard_that_underflows_is_still_a_likelihood():
    data = ScrData([[1, 1], [1, 0]], [9.0, 9.0], [[0.0, 0.0], [100_000.0, 0.0]], detector="proximity")
    mask = Mask([[0.0, 0.0], [50_000.0, 0.0], [100_000.0, 0.0]], 1.0)
    found = log_likelihood(prepare(data, mask), [-5.0, -3.0, math.log(500.0)])
    # Best cell for the first animal is the middle: both captures at 100 σ.
    assert found.value == pytest.approx(2 * (-3.0 - 5000.0), rel=0.01)
    assert np.isfinite(found.gradient).all()
    assert np.isfinite(found.hessian).all()


@pytest.mark.parametrize("kind", ["count", "proximity"])
def test_derivatives_with_predictors_that_vary(kind):
    """Coefficients of density over cells and of λ0 and σ over stations, against central differences."""
    rng = np.random.default_rng(5)
    traps, cells, areas_ha, usage, histories = survey(rng, detector=kind, fractional=False)
    animal, station, occasion = np.nonzero(histories)
    array = DetectorArray(
        xy_m=traps,
        kind=kind,
        usage=usage,
        animal=animal,
        detector=station,
        occasion=occasion,
        number=histories[animal, station, occasion],
        covariates={"slope": rng.normal(size=len(traps)), "road": rng.normal(size=len(traps)) / 3},
    )
    session = ScrSession(
        mask=Mask(cells, areas_ha / 100.0),
        arrays=(array,),
        animals=tuple(map(str, range(len(histories)))),
        mask_covariates={"cover": rng.normal(size=len(cells))},
    )
    formulas = {"D": "~cover", "lambda0": "~slope", "sigma": "~road"}
    problem = lay_out(ScrModel(sessions=(session,), formulas=formulas)).layout
    beta = np.array([-4.0, 0.3, -1.0, 0.2, math.log(2000.0), 0.1])
    found = evaluate(problem, beta)
    step = 1e-5
    for j, shift in enumerate(np.eye(6) * step):
        up, down = evaluate(problem, beta + shift), evaluate(problem, beta - shift)
        # Error of a central difference here: step² × third derivative ≈ 1e-10 × 100.
        assert (up.value - down.value) / (2 * step) == pytest.approx(found.gradient[j], abs=1e-6)
        assert (up.gradient - down.gradient) / (2 * step) == pytest.approx(found.hessian[j], abs=1e-5)


def test_forms_differ_by_a_constant_only():
    traps, cells, areas_ha, usage, histories = survey(
        np.random.default_rng(4), detector="count", fractional=True
    )
    data, mask = as_data(histories, usage, traps, "count"), Mask(cells, areas_ha / 100.0)
    betas = [[-4.0, -1.0, 7.5], [-5.0, 0.0, 8.0]]

    def change(**options):
        problem = prepare(data, mask, **options)
        values = [log_likelihood(problem, b, derivatives=False).value for b in betas]
        return values[1] - values[0]

    assert change(form="full") == pytest.approx(change(form="collapsed"), rel=1e-12)
    assert change(constants="none") == pytest.approx(change(form="collapsed"), rel=1e-12)


def test_conditional_form_by_its_definition():
    traps, cells, areas_ha, usage, histories = survey(
        np.random.default_rng(6), detector="proximity", fractional=False
    )
    data = as_data(histories, usage, traps, "proximity")
    problem = prepare(data, Mask(cells, areas_ha / 100.0), form="full")
    beta = [-0.9, math.log(1900.0)]
    # At density d the full form is conditional + ln Poisson(n; d · esa).
    n, d = data.animals, -4.0
    full = log_likelihood(problem, [d, *beta])
    mean = n - full.gradient[0]  # ∂/∂ln D = n − Λ
    poisson = n * math.log(mean) - mean - math.lgamma(n + 1)
    assert conditional_log_likelihood(problem, beta) == pytest.approx(full.value - poisson, rel=1e-12)


def test_unknown_occasions_are_refused():
    data = ScrData([[1, 1]], [9.0, 9.0], [[0.0, 0.0], [1000.0, 0.0]])
    with pytest.raises(ParameterError, match="occasions behind these data are not known"):
        prepare(data, Mask([[0.0, 0.0], [500.0, 0.0]], 1.0), form="full")
