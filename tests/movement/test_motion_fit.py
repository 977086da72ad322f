"""Do the estimates come back, and do the intervals mean what they say?"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused
from ghostcat.movement import (
    Track,
    akde,
    convex_polygon,
    find_crossings,
    fit_motion,
    gaussian_overlap,
    kernel_overlap,
    local_hulls,
    select_motion,
    variogram,
)

_spec = importlib.util.spec_from_file_location(
    "track_simulation", Path(__file__).with_name("track_simulation.py")
)
simulation = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(simulation)

DAY = 86400.0
TRUE_AREA_KM2 = -2 * np.log(0.05) * np.pi * 3.0**2


def path(seed, *, days=120, every_s=4 * 3600.0, tau_v=5400.0):
    rng = np.random.default_rng(seed)
    fine = 600.0
    time_s, xy = simulation.simulate_ouf(2.5 * DAY, tau_v, 3000.0, fine, int(days * DAY / fine), rng)
    skip = int(every_s / fine)
    return Track(time_s=time_s[::skip], xy_m=xy[::skip], name=f"path {seed}"), time_s, xy


@pytest.fixture(scope="module")
def fitted():
    track, *_ = path(1, days=300, every_s=3600.0)
    return track, select_motion(track)


def test_the_true_model_and_its_constants_are_found(fitted):
    _, selection = fitted
    best = selection.best
    assert best.motion.kind == "OUF"
    assert best.converged
    assert best.tau_position_s.lower < 2.5 * DAY < best.tau_position_s.upper
    assert best.tau_velocity_s.lower < 5400.0 < best.tau_velocity_s.upper
    assert best.gaussian_area_km2.lower < TRUE_AREA_KM2 < best.gaussian_area_km2.upper
    assert [fit.aicc for fit in selection.fits] == sorted(fit.aicc for fit in selection.fits)


def test_intervals_of_the_range_cover_the_truth():
    """Short tracks, about 12 crossings each: 24 of them, at least 20 covered (95 % expects 22.8)."""
    covered, areas = 0, []
    for seed in range(24):
        track, *_ = path(100 + seed, days=60)
        fit = fit_motion(track, kind="OUF", isotropic=True)
        covered += fit.gaussian_area_km2.lower < TRUE_AREA_KM2 < fit.gaussian_area_km2.upper
        areas.append(fit.gaussian_area_km2.estimate)
    assert covered >= 20
    assert np.mean(areas) == pytest.approx(TRUE_AREA_KM2, rel=0.25)


def test_kernel_range_grows_with_autocorrelation_and_holds_its_share(fitted):
    track, selection = fitted
    kernel = akde(track, selection.best)
    naive = akde(track, fit_motion(track, kind="IID"))
    assert kernel.area_km2().estimate > naive.area_km2().estimate
    assert kernel.density_per_m2.sum() * kernel.cell_m2 == pytest.approx(1.0, abs=1e-4)
    area = kernel.area_km2()
    assert kernel.contour().area / 1e6 == pytest.approx(area.estimate, rel=0.02)
    assert kernel.contour(limit="upper").area > kernel.contour().area > kernel.contour(limit="lower").area
    assert kernel.area_km2(0.5).estimate < area.estimate
    weighted = akde(track, selection.best, weighted=True)
    # On a regular track all fixes but those at the ends weigh about the same.
    assert weighted.area_km2().estimate == pytest.approx(area.estimate, rel=0.1)
    assert weighted.weights.sum() == pytest.approx(1.0)


def test_weights_make_up_for_a_burst():
    track, time_s, xy = path(4, days=60)
    dense = (time_s > time_s[0] + 20 * DAY) & (time_s < time_s[0] + 22 * DAY)
    keep = dense | np.isin(time_s, track.time_s)
    burst = Track(time_s=time_s[keep], xy_m=xy[keep])
    fit = fit_motion(burst)
    kernel = akde(burst, fit, weighted=True)
    inside = dense[keep]
    assert kernel.weights[inside].sum() < 0.2 < inside.mean()


def test_overlap_with_itself_is_one_and_falls_with_distance(fitted):
    track, selection = fitted
    fit = selection.best
    kernel = akde(track, fit)
    assert gaussian_overlap(fit, fit).upper == pytest.approx(1.0)
    assert kernel_overlap(kernel, kernel, (fit, fit)).upper == pytest.approx(1.0, abs=1e-6)
    values = []
    for away in (2000.0, 8000.0):
        moved = Track(time_s=track.time_s, xy_m=track.xy_m + np.array([away, 0.0]))
        values.append(gaussian_overlap(fit, fit_motion(moved)).estimate)
    assert 1.0 > values[0] > values[1] > 0.0


def test_crossing_points_lie_within_their_radius_nine_times_of_ten_where_straight_lines_miss():
    """Truth on a 10-minute clock, fixes every 4 hours, a north–south road through the range."""
    import shapely

    road = shapely.LineString([(0.0, -50_000.0), (0.0, 50_000.0)])
    held, straight_off, bridged_off, events = 0, [], [], 0
    for seed in range(6):
        track, time_s, xy = path(200 + seed, days=90, tau_v=7200.0)
        fit = fit_motion(track, kind="OUF", isotropic=True)
        found = find_crossings(
            track,
            fit,
            [road],
            names=["road"],
            rng=np.random.default_rng(seed),
            draws=120,
            least_probability=0.99,
        )
        for crossing in found.crossings:
            start, end = track.time_s[crossing.after_fix : crossing.after_fix + 2]
            within = (time_s >= start) & (time_s <= end)
            place = xy[within]
            change = np.flatnonzero(np.diff(np.sign(place[:, 0])))
            if len(change) != 1:
                continue
            truth = place[change[0] : change[0] + 2].mean(axis=0)
            off = np.linalg.norm(truth - crossing.xy_m)
            a, b = track.xy_m[crossing.after_fix : crossing.after_fix + 2]
            events += 1
            held += off <= crossing.radius_m
            bridged_off.append(off)
            straight_off.append(np.linalg.norm(truth - (a + (b - a) * (a[0] / (a[0] - b[0])))))
    assert events > 150
    # Binomial: 90 % ± 3 standard errors, and a little for single crossings being the shorter excursions.
    assert 0.83 <= held / events <= 0.98
    assert np.mean(bridged_off) < np.mean(straight_off)


def test_rates_carry_the_doubt_of_a_count(fitted):
    import shapely

    track, *_ = path(9, days=30)
    fit = fit_motion(track, kind="OUF")
    far = shapely.LineString([(90_000.0, 0.0), (90_000.0, 1000.0)])
    near = shapely.LineString([(0.0, -9000.0), (0.0, 9000.0)])
    found = find_crossings(
        track, fit, [near, far], names=["near", "far"], rng=np.random.default_rng(1), draws=60
    )
    rates = {rate.name: rate for rate in found.rates}
    assert rates["far"].crossings.upper == 0
    assert 0 < rates["far"].per_day.upper < 0.3
    assert rates["near"].per_day.lower < rates["near"].per_day.estimate < rates["near"].per_day.upper
    assert sum(rates["near"].by_hour) == pytest.approx(rates["near"].crossings.estimate)
    assert found.straight <= rates["near"].crossings.estimate + 5


def test_location_error_is_told_from_movement():
    track, *_ = path(11, days=120)
    rng = np.random.default_rng(2)
    noisy = Track(
        time_s=track.time_s,
        xy_m=track.xy_m + rng.normal(0, 150.0, track.xy_m.shape),
        error_m=np.full(len(track), 150.0),
    )
    with_error = fit_motion(noisy, kind="OUF", isotropic=True)
    clean = fit_motion(track, kind="OUF", isotropic=True)
    blind = fit_motion(Track(time_s=noisy.time_s, xy_m=noisy.xy_m), kind="OUF", isotropic=True)
    truth = clean.motion.tau_velocity_s
    assert abs(with_error.motion.tau_velocity_s / truth - 1) < abs(blind.motion.tau_velocity_s / truth - 1)
    assert with_error.gaussian_area_km2.estimate == pytest.approx(clean.gaussian_area_km2.estimate, rel=0.1)


def test_too_little_is_refused():
    few = Track(time_s=np.arange(3.0) * 3600, xy_m=np.eye(3)[:, :2] * 100)
    with pytest.raises(EstimateRefused) as refused:
        fit_motion(few)
    assert refused.value.code == "too_few_fixes"
    still = Track(time_s=np.arange(9.0) * 3600, xy_m=np.ones((9, 2)))
    with pytest.raises(EstimateRefused) as refused:
        fit_motion(still)
    assert refused.value.code == "no_movement"


def test_old_estimators_are_there_for_comparison(fitted):
    track, _ = fitted
    hull, local = convex_polygon(track), local_hulls(track)
    assert 0 < local.area < hull.area
    v = variogram(track)
    assert v.lag_s[0] in (0.0, 3600.0)
    late = v.semivariance_m2[len(v.lag_s) // 2 :].mean()
    assert late == pytest.approx(0.5 * np.trace(np.cov(track.xy_m.T)), rel=0.5)
