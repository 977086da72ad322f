"""When there is no estimate, and what is said beside a weak one."""

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr import Mask, ScrData, check_mask, estimate_density, fit_scr, make_mask, simulate_captures

GRID = 2000.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
K = len(GRID)
MASK = make_mask(GRID, sigma_m=2000.0)


def data(*animals, usage=None, traps=GRID):
    """Each animal is {station: detections}."""
    counts = np.zeros((len(animals), len(traps)), dtype=int)
    for row, caught in zip(counts, animals, strict=True):
        for station, number in caught.items():
            row[station] = number
    return ScrData(counts, np.full(len(traps), 90.0) if usage is None else usage, traps)


def only(station):
    usage = np.zeros(K)
    usage[station] = 90.0
    return usage


REFUSED = {
    "no_effort": data(usage=np.zeros(K)),
    "no_animals": data(),
    "one_animal": data({0: 3, 1: 2, 6: 1}),
    "one_station": data({7: 3}, {7: 1}, usage=only(7)),
    "no_recaptures": data({0: 1}, {3: 1}, {12: 1}),
    "all_at_one_station": data({7: 3}, {7: 2}, {7: 1}),
    "no_spatial_recaptures": data({7: 3}, {8: 2}, {9: 1}),
}


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.parametrize("estimate", [lambda d: fit_scr(d, MASK), estimate_density])
def test_hopeless_data_are_refused_with_reason_and_way_out(code, estimate):
    with pytest.raises(EstimateRefused) as refusal:
        estimate(REFUSED[code])
    assert refusal.value.code == code
    assert refusal.value.what
    assert refusal.value.fix


def test_movement_without_bound_is_refused():
    """Everybody is seen everywhere: nothing says where detection ends."""
    with pytest.raises(EstimateRefused) as refusal:
        fit_scr(data(*[dict.fromkeys(range(K), 2) for _ in range(4)]), MASK)
    assert refusal.value.code == "not_identified"


def test_paired_stations_at_one_point_are_no_spatial_recapture():
    with pytest.raises(EstimateRefused) as refusal:
        fit_scr(data({0: 2, 1: 3}, {2: 1}, traps=np.array([[0, 0], [0, 0], [4000, 0.0]])), MASK)
    assert refusal.value.code == "no_spatial_recaptures"


def test_mask_in_another_projection_is_refused():
    drawn = simulated()
    with pytest.raises(ParameterError, match="from the nearest mask cell"):
        fit_scr(drawn, Mask(MASK.xy_m + 3e6, MASK.cell_area_km2))


def simulated(seed=3, *, density=6.0, lambda0=0.03, sigma=2000.0, usage=None, traps=GRID):
    mask = make_mask(traps, buffer_m=5 * sigma, cell_m=sigma / 2)
    return simulate_captures(
        traps,
        np.full(len(traps), 90.0) if usage is None else usage,
        mask=mask,
        density_per_100km2=density,
        lambda0=lambda0,
        sigma_m=sigma,
        rng=np.random.default_rng(seed),
    ).data


def codes(fit):
    return {d.code for d in fit.diagnostics}


def test_a_good_survey_has_nothing_to_say():
    fit = estimate_density(simulated(density=15.0))
    assert fit.data.animals > 20
    assert codes(fit) == set()


def test_weak_sample_is_said():
    fit = fit_scr(data({0: 1, 1: 1}, {12: 2, 13: 1}, {20: 1}, {24: 1}), MASK)
    assert {"few_recaptures", "few_spatial_recaptures", "wide_interval"} <= codes(fit)
    assert all(d.message and d.fix for d in fit.diagnostics)


def test_small_buffer_is_said_and_density_is_then_too_high():
    d = simulated(density=15.0)
    small = fit_scr(d, make_mask(GRID, buffer_m=2500.0, cell_m=1000.0))
    settled = estimate_density(d)
    assert "buffer_too_small" in codes(small)
    assert small.density_per_100km2.estimate > 1.1 * settled.density_per_100km2.estimate
    # One Newton step from the small mask already tells most of the distance.
    wanted = settled.density_per_100km2.estimate / small.density_per_100km2.estimate - 1
    assert check_mask(small).buffer_change == pytest.approx(wanted, rel=0.5)


def test_engine_enlarges_a_mask_that_is_too_small():
    traps = 800.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    fit = estimate_density(simulated(4, traps=traps, density=20.0, lambda0=0.1))
    assert fit.mask_check.enlarged > 0
    assert abs(fit.mask_check.buffer_change) < 0.005
    assert fit.mask.buffer_m > 3.5 * fit.sigma_m.estimate


def test_buffer_and_cell_that_were_given_stay():
    fit = estimate_density(simulated(density=15.0), buffer_m=3000.0, cell_m=900.0)
    assert (fit.mask.buffer_m, fit.mask.cell_m) == (3000.0, 900.0)
    assert "mask_not_settled" in codes(fit)


def test_habitat_cells_are_taken_as_they_are():
    habitat = make_mask(GRID, buffer_m=6000.0, cell_m=1000.0)
    fit = estimate_density(simulated(density=15.0), habitat=Mask(habitat.xy_m, habitat.cell_area_km2))
    assert fit.mask.cells == habitat.cells
    assert "buffer_too_small" not in codes(fit)


def test_coarse_cells_are_said():
    d = simulated(density=15.0)
    fit = fit_scr(d, make_mask(GRID, buffer_m=9000.0, cell_m=3000.0))
    assert "cell_too_coarse" in codes(fit)


def test_far_captures_of_one_name_are_said():
    d = simulated(density=25.0, sigma=1200.0)
    corners = np.zeros((1, K), dtype=int)
    corners[0, [0, 24]] = 1  # 11.3 km apart
    fit = fit_scr(
        ScrData(
            np.vstack([d.counts, corners]),
            d.usage,
            GRID,
            animal_ids=(*(f"G{i}" for i in range(d.animals)), "Leo"),
        ),
        make_mask(GRID, buffer_m=8000.0, cell_m=700.0),
    )
    far = [d.message for d in fit.diagnostics if d.code == "far_captures"]
    assert len(far) == 1
    assert "Leo was seen at places 11.3 km apart" in far[0]


def test_dead_and_doubled_stations_are_noted():
    usage = np.full(K + 1, 90.0)
    usage[3] = 0.0
    traps = np.vstack([GRID, GRID[:1]])
    d = simulated(density=15.0, usage=usage, traps=traps)
    notes = {n.code: n for n in estimate_density(d).diagnostics if n.severity == "note"}
    assert "(4)" in notes["stations_without_effort"].message
    assert "stations_share_a_place" in notes


def test_sparse_stations_are_said():
    traps = GRID * 3  # 6 km apart
    fit = estimate_density(simulated(2, traps=traps, density=8.0, lambda0=0.2, sigma=1900.0))
    assert "stations_far_apart" in codes(fit)


def test_small_array_is_said():
    traps = GRID / 4
    fit = estimate_density(simulated(4, traps=traps, density=20.0, lambda0=0.02))
    assert "array_small" in codes(fit)
