"""Masks, buffers and regions against areas known on paper."""

import numpy as np
import pytest
from shapely import LineString, Point, Polygon, box

from ghostcat.errors import ParameterError
from ghostcat.scr import Mask, half_normal_hazard, make_mask, region_share, suggest_buffer

GRID = 2000.0 * np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=-1).reshape(-1, 2)


def test_mask_covers_the_buffered_array():
    mask = make_mask(GRID, buffer_m=5000.0, cell_m=250.0)
    wanted = box(0, 0, 6000, 6000).buffer(5000.0, quad_segs=64).area / 1e6
    # Stations are points 2 km apart, so the union of discs has small notches at the sides.
    assert mask.area_km2 == pytest.approx(wanted, rel=0.01)
    assert mask.buffer_m == 5000.0


def test_default_buffer_and_cell_follow_sigma():
    mask = make_mask(GRID, sigma_m=1500.0)
    assert (mask.buffer_m, mask.cell_m) == (6000.0, 750.0)


def test_without_sigma_the_spacing_of_stations_stands_in():
    assert make_mask(GRID).buffer_m == 8000.0


def test_number_of_cells_is_limited():
    mask = make_mask(GRID, buffer_m=50_000.0, sigma_m=500.0, max_cells=3000)
    assert 2500 < mask.cells <= 3000
    assert mask.cell_m > 250.0


def test_polygon_clips_to_its_exact_area():
    habitat = Point(3000, 3000).buffer(4321.0, quad_segs=64)
    mask = make_mask(GRID, buffer_m=9000.0, cell_m=700.0, region=habitat)
    assert mask.area_km2 == pytest.approx(habitat.area / 1e6, rel=1e-9)


def test_several_rings_are_one_region():
    rings = [[[0, 0], [2000, 0], [2000, 2000], [0, 2000]], [[4000, 0], [6000, 0], [6000, 2000], [4000, 2000]]]
    assert make_mask(GRID, buffer_m=9000.0, cell_m=500.0, region=rings).area_km2 == pytest.approx(8.0)


def test_cells_given_are_taken_as_they_are():
    cells = Mask(GRID, 4.0)
    assert make_mask(GRID, region=cells).cells == 16
    near = make_mask(GRID[:1], region=cells, buffer_m=2100.0)
    assert near.cells == 3
    assert not near.clipped


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_mask(GRID, buffer_m=-1.0), "buffer_m is -1.0"),
        (lambda: make_mask(GRID, cell_m=float("nan")), "cell_m is nan"),
        (lambda: make_mask(GRID[:1]), "one station alone"),
        (lambda: make_mask(GRID, sigma_m=500.0, region=box(1e6, 1e6, 2e6, 2e6)), "does not touch"),
        (lambda: make_mask(GRID, region=Mask(GRID + 1e6, 4.0), buffer_m=100.0), "no cell of the region"),
        (lambda: make_mask(GRID, region=LineString([[0, 0], [1, 1]])), "has no area"),
        (lambda: make_mask([[131.0, 43.0], [131.1, 43.1]]), "looks like degrees"),
        (lambda: Mask(np.zeros((0, 2)), 1.0), "no cells"),
        (lambda: Mask(GRID, 0.0), "no positive area"),
        (lambda: region_share(Mask(GRID, 4.0), np.ones(3, dtype=bool)), "the mask has 16 cells"),
        (lambda: region_share(Mask(GRID, 4.0), box(1e6, 1e6, 2e6, 2e6)), "does not touch the mask"),
    ],
)
def test_bad_masks_say_why(make, words):
    with pytest.raises(ParameterError, match=words):
        make()


def test_suggested_buffer_loses_less_than_it_says():
    usage, lambda0, sigma = np.full(16, 90.0), 0.05, 1800.0

    def esa(buffer_m):
        mask = make_mask(GRID, buffer_m=buffer_m, cell_m=300.0)
        distance = np.hypot(*(GRID[:, None] - mask.xy_m[None]).transpose(2, 0, 1))
        caught = -np.expm1(-usage @ half_normal_hazard(distance, lambda0, sigma))
        return float(mask.cell_area_km2 @ caught)

    whole = esa(9 * sigma)
    for tolerance in (0.1, 0.01, 0.001):
        buffer_m = suggest_buffer(GRID, usage, lambda0=lambda0, sigma_m=sigma, tolerance=tolerance)
        assert esa(buffer_m) > (1 - 1.2 * tolerance) * whole
        assert esa(buffer_m - 0.75 * sigma) < (1 - tolerance) * whole


def test_region_of_other_cells_is_laid_over_exactly():
    mask = make_mask(GRID, buffer_m=4000.0, cell_m=1000.0)
    quarter = mask.cell_m / 2
    offsets = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * quarter / 2
    chosen = mask.xy_m[:20]
    finer = Mask((chosen[:, None] + offsets).reshape(-1, 2), (quarter / 1000) ** 2)
    laid = region_share(mask, finer)
    assert laid.share[:20] == pytest.approx(np.ones(20))
    assert laid.share[20:].sum() == 0
    assert laid.outside_km2 == 0


def test_region_beyond_the_mask_is_counted_as_outside():
    mask = make_mask(GRID, buffer_m=4000.0, cell_m=500.0)
    region = box(0, 0, 40_000, 1000)
    laid = region_share(mask, region)
    assert laid.area_km2 == pytest.approx(40.0)
    assert laid.share @ mask.cell_area_km2 + laid.outside_km2 == pytest.approx(40.0)
    assert laid.outside_km2 == pytest.approx(30.0, abs=0.5)


def test_polygon_covers_clipped_cells_once():
    habitat = Polygon([[0, 0], [5300, 0], [4700, 6100], [0, 5900]])
    mask = make_mask(GRID, buffer_m=9000.0, cell_m=700.0, region=habitat)
    laid = region_share(mask, habitat)
    assert float(laid.share @ mask.cell_area_km2) == pytest.approx(habitat.area / 1e6, rel=1e-9)
