"""Searches of polygons against the exact integral of a normal over a rectangle, and against each other."""

import math

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr import DetectorArray, Mask, ScrModel, ScrSession, fit_model
from ghostcat.scr.kernel import evaluate
from ghostcat.scr.laying_out import lay_out

WIDTH, HEIGHT = 400.0, 250.0
RECTANGLE = np.array([[0.0, 0.0], [0.0, HEIGHT], [WIDTH, HEIGHT], [WIDTH, 0.0]])
# The same ground as an L of six corners and the rest.
ELL = np.array([[0, 0], [0, HEIGHT], [150, HEIGHT], [150, 100], [WIDTH, 100], [WIDTH, 0]], dtype=float)
REST = np.array([[150, 100], [150, HEIGHT], [WIDTH, HEIGHT], [WIDTH, 100]], dtype=float)
CELLS = 40.0 * np.stack(np.meshgrid(np.arange(-5, 16), np.arange(-5, 12)), axis=-1).reshape(-1, 2)
SIGMA, LAMBDA0, OCCASIONS = 45.0, 0.6, 4


def found(seed=1, animals=45):
    """(animal, occasion, place) of a search: at most one find an animal and occasion."""
    rng = np.random.default_rng(seed)
    records, places = [], []
    for i in range(animals):
        centre = CELLS[rng.integers(len(CELLS))]
        for s in range(OCCASIONS):
            steps = centre + SIGMA * rng.normal(size=(rng.poisson(LAMBDA0), 2))
            inside = steps[(steps >= 0).all(axis=1) & (steps <= [WIDTH, HEIGHT]).all(axis=1)]
            if len(inside):
                records.append((i, s))
                places.append(inside[0])
    return np.array(records), np.array(places)


def session(polygons, records, places, detector=None, usage=None):
    ids, animal = np.unique(records[:, 0], return_inverse=True)
    polygons = tuple(polygons)
    array = DetectorArray(
        xy_m=np.stack([p.mean(axis=0) for p in polygons]),
        kind="polygonX",
        usage=np.ones((len(polygons), OCCASIONS)) if usage is None else usage,
        animal=animal.reshape(-1),
        detector=np.zeros(len(animal), dtype=int) if detector is None else detector,
        occasion=records[:, 1],
        polygons=polygons,
        place_xy_m=places,
    )
    mask = Mask(CELLS, (40.0 / 1000.0) ** 2)
    return ScrSession(mask=mask, arrays=(array,), animals=tuple(map(str, ids)))


def value(data):
    beta = np.array([1.5, math.log(LAMBDA0), math.log(SIGMA)])
    return evaluate(lay_out(ScrModel(sessions=(data,))).layout, beta, derivatives=False).value


def test_likelihood_of_a_rectangle_by_its_exact_integral():
    records, places = found()
    usage = np.array([[1.0, 0.5, 2.0, 1.0]])

    def part(low, high, m):
        scale = SIGMA * math.sqrt(2)
        return 0.5 * (math.erf((high - m) / scale) - math.erf((low - m) / scale))

    inside = np.array([part(0, WIDTH, x) * part(0, HEIGHT, y) for x, y in CELLS])
    area_ha, density = 0.16, math.exp(1.5)
    missed = np.exp(-LAMBDA0 * usage.sum() * inside)
    expected = -density * area_ha * (1 - missed).sum()
    for i in np.unique(records[:, 0]):
        likelihood = np.full(len(CELLS), density * area_ha)
        for s in range(OCCASIONS):
            total = LAMBDA0 * usage[0, s] * inside
            here = (records[:, 0] == i) & (records[:, 1] == s)
            if not here.any():
                likelihood *= np.exp(-total)
                continue
            squared = ((CELLS - places[here][0]) ** 2).sum(axis=1)
            place = np.exp(-squared / (2 * SIGMA**2)) / (2 * math.pi * SIGMA**2)
            likelihood *= -np.expm1(-total) / total * LAMBDA0 * usage[0, s] * place
        expected += math.log(likelihood.sum())
    data = session([RECTANGLE], records, places, usage=usage)
    # No count of equal histories: places make each its own. ln n! stays with the Poisson term.
    expected -= math.lgamma(len(np.unique(records[:, 0])) + 1)
    assert value(data) == pytest.approx(expected, rel=1e-9)


def test_ground_in_two_parts_is_the_same_ground():
    records, places = found()
    second = ((places[:, 0] > 150) & (places[:, 1] > 100)).astype(int)
    whole = value(session([RECTANGLE], records, places))
    parts = value(session([ELL, REST], records, places, second))
    assert parts == pytest.approx(whole, rel=1e-7)


def test_the_truth_lies_within_three_standard_errors():
    records, places = found(3, animals=80)
    fit = fit_model(ScrModel(sessions=(session([RECTANGLE], records, places),)))
    assert fit.converged
    by = {c.name: c for c in fit.coefficients()}
    for name, truth in (("lambda0", LAMBDA0), ("sigma", SIGMA)):
        assert abs(by[name].estimate - math.log(truth)) < 3 * by[name].standard_error


def test_what_a_search_cannot_be():
    records, places = found()
    with pytest.raises(EstimateRefused, match="outside the polygon") as refusal:
        value(session([RECTANGLE], records, places + np.array([0.0, 300.0])))
    assert refusal.value.code == "caught_outside_search"
    data = session([RECTANGLE], records, places)
    with pytest.raises(EstimateRefused) as refusal:
        lay_out(ScrModel(sessions=(data,), detectfn="HN"))
    assert refusal.value.code == "unsupported_detector"
    with pytest.raises(ParameterError, match="response to a trap"):
        lay_out(ScrModel(sessions=(data,), formulas={"lambda0": "~bk"}))
