"""Surveys of the same animals that nobody can match: the corrected uncertainty."""

from dataclasses import replace

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.mask import make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.shared_population import one_population
from ghostcat.scr.simulate_survey import ArrayTruth, Population, simulate_survey

TRAPS = 2500.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
MASK = make_mask(TRAPS, buffer_m=8000.0, cell_m=1600.0)


def surveys(seed, *, second=0.03):
    plain = {"xy_m": TRAPS, "sigma_m": (2000.0,)}
    arrays = [
        ArrayTruth(usage=np.full((36, 1), 60.0), lambda0=(0.03,), name="camera", **plain),
        ArrayTruth(usage=np.full((36, 1), 60.0), lambda0=(second,), name="scat", **plain),
    ]
    where = Population(mask=MASK, density_per_100km2=8.0)
    drawn = simulate_survey(where, arrays, rng=np.random.default_rng(seed))
    return drawn.session([0], name="photographs"), drawn.session([1], name="scats")


@pytest.fixture(scope="module")
def fit():
    return fit_model(ScrModel(sessions=surveys(1), formulas={"lambda0": "~method"}))


def test_the_interval_widens_and_the_estimate_stays(fit):
    found = one_population(fit, rng=np.random.default_rng(1), draws=60)
    assert 1.1 < found.inflation < 1.6
    density = fit.names.index("D")
    assert found.covariance[density, density] > fit.covariance[density, density]
    assert found.expected.estimate == pytest.approx(np.exp(fit.beta[density]) * MASK.area_km2 * 100)
    assert found.realised.lower > found.expected.lower
    assert found.realised.standard_error < found.expected.standard_error


def test_two_equal_surveys_that_see_everything_know_no_more_than_one():
    """With detection near 1 both surveys see the same n: the variance of D is that of one survey."""
    close = make_mask(TRAPS, buffer_m=1000.0, cell_m=1000.0)
    arrays = [
        ArrayTruth(xy_m=TRAPS, usage=np.full((36, 1), 60.0), lambda0=(0.3,), sigma_m=(2000.0,), name=n)
        for n in ("camera", "scat")
    ]
    where = Population(mask=close, density_per_100km2=20.0)
    drawn = simulate_survey(where, arrays, rng=np.random.default_rng(3))
    sessions = (drawn.session([0], name="a"), drawn.session([1], name="b"))
    both = fit_model(ScrModel(sessions=sessions, formulas={"lambda0": "~method"}))
    one = fit_model(ScrModel(sessions=sessions[:1]))
    found = one_population(both, rng=np.random.default_rng(1), draws=120)
    density = both.names.index("D")
    assert found.covariance[density, density] == pytest.approx(one.covariance[0, 0], rel=0.25)
    assert both.covariance[density, density] == pytest.approx(one.covariance[0, 0] / 2, rel=0.1)
    assert found.realised.upper - found.realised.lower < 0.2 * drawn.animals


def test_what_is_not_one_population(fit):
    photographs, scats = fit.model.sessions
    rng = np.random.default_rng(1)
    alone = fit_model(ScrModel(sessions=(photographs,)))
    with pytest.raises(ParameterError, match="nothing to correct"):
        one_population(alone, rng=rng, draws=2)
    other = fit_model(ScrModel(sessions=(photographs, scats), formulas={"D": "~session"}))
    with pytest.raises(ParameterError, match="differ in mask or density"):
        one_population(other, rng=rng, draws=2)
    conditional = fit_model(replace(fit.model, conditional=True))
    with pytest.raises(ParameterError, match="Poisson"):
        one_population(conditional, rng=rng, draws=2)
