"""Profile-likelihood intervals against the definition."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.mask import make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.plots import plot_profile
from ghostcat.scr.profile import limits_of_profile, profile_interval
from ghostcat.scr.simulate_survey import ArrayTruth, Population, simulate_survey

TRAPS = 2000.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
CHI2_95 = 3.841458820694124


@pytest.fixture(scope="module")
def fit():
    where = Population(mask=make_mask(TRAPS, buffer_m=8000.0, cell_m=1250.0), density_per_100km2=8.0)
    cameras = ArrayTruth(xy_m=TRAPS, usage=np.full((36, 1), 60.0), lambda0=(0.01,), sigma_m=(2000.0,))
    drawn = simulate_survey(where, [cameras], rng=np.random.default_rng(4))
    return fit_model(ScrModel(sessions=(drawn.session(),)))


@pytest.mark.parametrize("name", ["D", "lambda0", "sigma"])
def test_limits_drop_the_likelihood_by_half_a_chi_square(fit, name):
    found = profile_interval(fit, name)
    assert found.lower < found.estimate < found.upper
    for limit in (found.lower, found.upper):
        held = fit_model(fit.laid, held={name: limit}, start=fit.beta)
        assert 2 * (fit.log_likelihood - held.log_likelihood) == pytest.approx(CHI2_95, abs=0.01)
    assert found.higher < 1e-6
    assert (np.diff(found.values) > 0).all()


def test_close_to_the_curvature_with_many_animals_and_lopsided_with_few(fit):
    found = profile_interval(fit, "D")
    error = math.sqrt(fit.covariance[0, 0])
    assert found.lower == pytest.approx(found.wald[0], abs=0.4 * error)
    assert found.upper == pytest.approx(found.wald[1], abs=0.4 * error)
    narrow = profile_interval(fit, "D", level=0.5)
    assert found.lower < narrow.lower < narrow.upper < found.upper


def test_a_binomial_proportion_by_hand():
    """3 of 10: the profile interval of the logit, from the likelihood written out."""

    def log_likelihood(logit):
        p = 1 / (1 + math.exp(-logit))
        return 3 * math.log(p) + 7 * math.log1p(-p)

    best = math.log(3 / 7)
    found = limits_of_profile(
        log_likelihood,
        name="p",
        estimate=best,
        log_likelihood=log_likelihood(best),
        standard_error=1 / math.sqrt(10 * 0.3 * 0.7),
    )
    low, high = (1 / (1 + math.exp(-v)) for v in (found.lower, found.upper))
    assert (low, high) == (pytest.approx(0.0846, abs=5e-4), pytest.approx(0.6062, abs=5e-4))


def test_no_limit_where_the_likelihood_sets_none():
    def one_sided(v):
        return -0.5 * min(v, 0.0) ** 2

    found = limits_of_profile(one_sided, name="v", estimate=0.0, log_likelihood=0.0, standard_error=1.0)
    assert found.upper == math.inf
    assert found.lower == pytest.approx(-math.sqrt(CHI2_95), abs=1e-3)


def test_a_maximum_that_was_none_is_reported():
    found = limits_of_profile(
        lambda v: -0.5 * (v - 1.0) ** 2, name="v", estimate=0.0, log_likelihood=-0.5, standard_error=1.0
    )
    assert found.higher > 0.01


def test_what_has_no_profile(fit):
    with pytest.raises(ParameterError, match="no coefficient"):
        profile_interval(fit, "g0")
    with pytest.raises(ParameterError, match="level"):
        profile_interval(fit, "D", level=95)
    broken = replace(fit, convergence=replace(fit.convergence, converged=False))
    with pytest.raises(EstimateRefused):
        profile_interval(broken, "D")
    held = fit_model(fit.laid, held={"sigma": float(fit.beta[2])})
    with pytest.raises(ParameterError, match="held"):
        profile_interval(held, "sigma")


def test_the_figure_of_a_profile(fit, tmp_path):
    found = profile_interval(fit, "sigma")
    figure = plot_profile(
        found.values,
        found.log_likelihood,
        name="ln σ",
        estimate=found.estimate,
        limits=(found.lower, found.upper),
    )
    figure.savefig(tmp_path / "profile.png")
    assert "ln σ" in figure.axes[0].get_title()
    assert len(figure.axes[0].lines) == 5
