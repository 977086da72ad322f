"""Fits of simulated surveys: the maximum is one, and it means what it says."""

import math

import numpy as np
import pytest
from shapely import box

from ghostcat.scr import (
    Mask,
    estimate_density,
    fit_scr,
    log_likelihood,
    make_mask,
    prepare,
    simulate_captures,
)
from ghostcat.scr.newton import maximise
from ghostcat.scr.predictive import realised_limits

GRID = 2500.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
USAGE = np.where(np.arange(36) % 7 == 0, 40.0, 90.0)
TRUTH = dict(density_per_100km2=6.0, lambda0=0.03, sigma_m=2300.0)
MASK = make_mask(GRID, buffer_m=11_000.0, cell_m=1150.0)


def draw(seed, detector="count"):
    return simulate_captures(
        GRID, USAGE, mask=MASK, rng=np.random.default_rng(seed), detector=detector, **TRUTH
    )


@pytest.fixture(scope="module", params=["count", "proximity"])
def fit(request):
    return fit_scr(draw(11, request.param).data, MASK)


def test_convergence_is_proven(fit):
    assert fit.converged
    assert fit.convergence.max_gradient < 1e-3
    assert fit.convergence.newton_decrement < 1e-4
    assert fit.convergence.smallest_curvature > 0
    assert np.linalg.eigvalsh(fit.covariance).min() > 0


def test_no_better_point_nearby(fit):
    problem = prepare(fit.data, fit.mask)
    rng = np.random.default_rng(0)
    se = np.sqrt(np.diag(fit.covariance))
    for _ in range(50):
        other = fit.beta + rng.normal(size=3) * se
        assert log_likelihood(problem, other, derivatives=False).value < fit.log_likelihood


def test_any_sensible_start_ends_at_the_same_place(fit):
    for shift in ([1.5, -2.0, 0.8], [-2.0, 2.0, -0.7], [0.0, 0.0, 1.2]):
        again = fit_scr(fit.data, fit.mask, start=fit.beta + np.array(shift))
        assert again.converged
        assert again.beta == pytest.approx(fit.beta, abs=1e-5)


def test_at_the_maximum_density_is_n_over_esa(fit):
    esa = fit.effective_area_km2.estimate
    assert fit.density_per_100km2.estimate == pytest.approx(100 * fit.data.animals / esa, rel=1e-5)


def test_variance_of_density_is_that_of_n_and_of_esa(fit):
    esa = fit.effective_area_km2
    cv_esa = math.log1p(esa.relative_standard_error**2)
    assert fit.covariance[0, 0] == pytest.approx(1 / fit.data.animals + cv_esa, rel=1e-4)


def test_intervals_are_log_normal(fit):
    for value in (fit.density_per_100km2, fit.lambda0, fit.sigma_m):
        reach = math.exp(1.959964 * math.sqrt(math.log1p(value.relative_standard_error**2)))
        assert value.upper == pytest.approx(value.estimate * reach, rel=1e-6)
        assert value.lower == pytest.approx(value.estimate / reach, rel=1e-6)


def test_abundance_of_the_mask(fit):
    whole = fit.abundance()
    n = fit.data.animals
    assert whole.expected.estimate == pytest.approx(
        fit.density_per_100km2.estimate * fit.mask.area_km2 / 100, rel=1e-12
    )
    # At the maximum n + unseen equals D × area.
    assert whole.realised.estimate == pytest.approx(whole.expected.estimate, rel=1e-5)
    assert whole.detected_inside == pytest.approx(n)
    assert whole.realised.lower >= n
    assert whole.realised_log_normal.lower > n
    # A few dozen animals: whole numbers and a log-normal tell the same.
    assert whole.realised.lower == pytest.approx(whole.realised_log_normal.lower, abs=2.5)
    assert whole.realised.upper == pytest.approx(whole.realised_log_normal.upper, rel=0.06)
    # var(realised) = var(expected) − expected (Efford & Fewster 2013).
    assert whole.realised.standard_error**2 == pytest.approx(
        whole.expected.standard_error**2 - whole.expected.estimate, rel=1e-4
    )
    assert fit.abundance(np.ones(MASK.cells, dtype=bool)) == whole


def test_abundance_of_parts_adds_up(fit):
    left = fit.mask.xy_m[:, 0] < 5000.0
    a, b, whole = fit.abundance(left), fit.abundance(~left), fit.abundance()
    for kind in ("expected", "realised"):
        parts = getattr(a, kind).estimate + getattr(b, kind).estimate
        assert parts == pytest.approx(getattr(whole, kind).estimate, rel=1e-9)
    assert a.detected_inside + b.detected_inside == pytest.approx(fit.data.animals)


def test_realised_number_is_better_known_where_cameras_stood(fit):
    inner = fit.abundance(box(0, 0, 12_500, 12_500))
    assert inner.realised.standard_error < inner.expected.standard_error
    far = fit.abundance(box(-20_000, -20_000, -8000, 30_000))
    assert far.outside_mask_km2 > 0
    # Nobody looked there: nothing but the mean density, with Poisson noise on top.
    density = fit.density_per_100km2
    assert far.realised.estimate == pytest.approx(density.estimate * far.area_km2 / 100, rel=0.05)
    assert far.realised.relative_standard_error > density.relative_standard_error


def test_limits_of_a_realised_number_are_quantiles():
    """Against drawing the number a million times."""
    rng = np.random.default_rng(8)
    inside, unseen, variance = np.array([0.9, 0.5, 0.5, 0.1, 1.0]), 1.3, 0.8
    factor = np.exp(math.sqrt(math.log1p(variance / unseen**2)) * rng.normal(size=10**6))
    drawn = (rng.random((10**6, 5)) < inside).sum(axis=1) + rng.poisson(unseen * factor)
    lower, upper = realised_limits(inside, unseen, variance)
    assert (drawn < lower).mean() <= 0.025 < (drawn <= lower).mean()
    assert (drawn > upper).mean() <= 0.025 < (drawn >= upper).mean()


def test_region_that_was_seen_whole_has_no_margin():
    assert realised_limits(np.ones(12), 1e-9, 0.0) == (12.0, 12.0)
    assert realised_limits(np.zeros(0), 0.0, 0.0) == (0.0, 0.0)
    # Large numbers: a normal quantile, 10,000 ± 196.
    assert realised_limits(np.zeros(0), 1e4, 0.0) == pytest.approx((9804, 10196), abs=3)


def test_surface_holds_everybody(fit):
    per_cell = fit.density_surface() * fit.mask.cell_area_km2 / 100
    assert per_cell.sum() == pytest.approx(fit.abundance().realised.estimate, rel=1e-9)
    assert (per_cell >= 0).all()


def test_activity_centres_are_where_animals_were_seen(fit):
    centres = fit.activity_centres()
    assert centres.sum(axis=1) == pytest.approx(np.ones(fit.data.animals))
    for i, name in enumerate(fit.data.animal_ids):
        mean = fit.activity_centre(name) @ fit.mask.xy_m
        seen = fit.data.traps_xy_m[fit.data.station_counts[i] > 0]
        assert np.hypot(*(mean - seen).T).min() < 3 * fit.sigma_m.estimate


def test_detection_is_sure_inside_and_rare_at_the_edge(fit):
    caught = fit.detection_probability()
    distance = np.hypot(*(fit.mask.xy_m - GRID.mean(axis=0)).T)
    assert caught[distance < 3000].min() > 0.9
    assert caught[distance > 16_000].max() < 0.05


def test_table_and_provenance(fit):
    table = fit.table()
    assert list(table.columns) == ["unit", "estimate", "standard_error", "lower", "upper"]
    assert table.loc["sigma", "estimate"] == fit.sigma_m.estimate
    assert (table["lower"] < table["estimate"]).all()
    facts = fit.provenance()
    assert facts["data"] == fit.data.fingerprint
    assert facts["detector"] == fit.data.detector


def test_criteria(fit):
    assert fit.aic == pytest.approx(6 - 2 * fit.log_likelihood)
    n = fit.data.animals
    assert fit.aicc == pytest.approx(fit.aic + 24 / (n - 4))


def test_chosen_mask_agrees_with_a_very_fine_one():
    data = draw(12).data
    chosen = estimate_density(data)
    fine = fit_scr(data, make_mask(GRID, buffer_m=16_000.0, cell_m=500.0))
    assert chosen.density_per_100km2.estimate == pytest.approx(fine.density_per_100km2.estimate, rel=0.005)
    assert chosen.sigma_m.estimate == pytest.approx(fine.sigma_m.estimate, rel=0.002)


def test_binary_and_count_agree_when_detections_are_rare():
    drawn = draw(13, "proximity").data
    from ghostcat.scr import ScrData

    binary = fit_scr(drawn, MASK)
    counts = fit_scr(ScrData(drawn.counts, drawn.usage, drawn.traps_xy_m), MASK)
    assert binary.density_per_100km2.estimate == pytest.approx(counts.density_per_100km2.estimate, rel=0.01)


def test_estimates_recover_the_truth():
    """40 surveys. Mean of ln D within 3 standard errors of it; coverage of a true 95 % interval lies in
    34…40 of 40 with probability 0.997. `verification/scr_coverage.py` is the sharp test."""
    errors, inside, realised = [], 0, 0
    for seed in range(40):
        drawn = draw(100 + seed)
        fit = fit_scr(drawn.data, MASK)
        assert fit.converged
        density = fit.density_per_100km2
        errors.append(math.log(density.estimate / TRUTH["density_per_100km2"]))
        inside += density.lower <= TRUTH["density_per_100km2"] <= density.upper
        number = fit.abundance().realised
        realised += number.lower <= len(drawn.centres_xy_m) <= number.upper
    assert abs(np.mean(errors)) < 3 * np.std(errors) / math.sqrt(40)
    assert inside >= 34
    assert realised >= 34


def test_optimiser_says_when_there_is_no_maximum():
    from ghostcat.scr.results import LogLikelihood

    def ridge(beta):
        return LogLikelihood(
            value=float(-(beta[0] ** 2)), gradient=np.array([-2 * beta[0], 0.0]), hessian=np.diag([-2.0, 0.0])
        )

    end = maximise(ridge, np.array([1.0, 1.0]), lower=np.full(2, -9.0), upper=np.full(2, 9.0))
    assert not end.convergence.converged
    assert end.convergence.reason

    def slope(beta):
        return LogLikelihood(value=float(beta[0]), gradient=np.array([1.0]), hessian=np.array([[-1e-9]]))

    end = maximise(slope, np.array([0.0]), lower=np.array([-9.0]), upper=np.array([9.0]))
    assert "left its range" in end.convergence.reason


def test_optimiser_climbs_a_function_that_curves_both_ways():
    from ghostcat.scr.results import LogLikelihood

    def hill(beta):
        x = beta[0]
        value = math.cos(x) * math.exp(-x * x / 50)
        gradient = -math.sin(x) * math.exp(-x * x / 50) - x / 25 * value
        bend = -value + math.sin(x) * x / 25 * math.exp(-x * x / 50) - value / 25 - x / 25 * gradient
        return LogLikelihood(value=value, gradient=np.array([gradient]), hessian=np.array([[bend]]))

    end = maximise(hill, np.array([2.8]), lower=np.array([-9.0]), upper=np.array([9.0]))
    assert end.convergence.converged
    assert abs(end.beta[0]) < 1e-6 or abs(end.beta[0] - 6.0) < 0.5


def test_unconverged_fit_says_so(monkeypatch):
    from ghostcat.scr import fitting
    from ghostcat.scr.kernel import evaluate

    def one_step(layout, start, *, lower, upper):
        return maximise(lambda b: evaluate(layout, b), start, lower=lower, upper=upper, max_iterations=1)

    monkeypatch.setattr(fitting, "maximise_layout", one_step)
    weak = fit_scr(draw(11).data, MASK, start=np.array([-8.0, -5.0, 7.0]))
    assert not weak.converged
    assert weak.diagnostics[0].code == "not_converged"


def test_region_as_cells_of_another_size(fit):
    finer = make_mask(GRID, buffer_m=4000.0, cell_m=300.0)
    a = fit.abundance(Mask(finer.xy_m, finer.cell_area_km2))
    assert a.area_km2 == pytest.approx(finer.area_km2)
    assert a.outside_mask_km2 == 0
