"""Do the figures say what the numbers say?"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.language import wording
from ghostcat.portrait.portrait import Interval
from ghostcat.report.figures import draw_map, interval_strip
from ghostcat.report.figures.calendar import _lanes
from ghostcat.report.figures.map import _outline
from ghostcat.report.figures.svg import axis_ticks
from ghostcat.report.figures.timeline import day_position, month_starts
from ghostcat.report.view import decimals_of

ENGLISH = wording("en")


def numbers(markup, tag, *names, **attributes):
    """Numeric attributes of every element that has the other attributes."""
    found = []
    for element in re.findall(rf"<{tag} [^>]*>", str(markup)):
        if all(f'{name.rstrip("_")}="{value}"' in element for name, value in attributes.items()):
            found.append([float(re.search(rf'\b{name}="([^"]+)"', element)[1]) for name in names])
    return found


@given(st.floats(0.01, 1e4), st.floats(0.02, 1.5))
def test_the_bar_ends_where_the_interval_ends(estimate, rse):
    spread = math.exp(1.96 * math.sqrt(math.log(1 + rse**2)))
    interval = Interval(
        estimate=estimate, lower=estimate / spread, upper=estimate * spread, standard_error=estimate * rse
    )
    strip = interval_strip(interval, ENGLISH, decimals=2, label="x")
    ((x, width),) = numbers(strip, "rect", "x", "width", class_="bar")
    ((dot,),) = numbers(strip, "circle", "cx", class_="point")
    per_unit = width / (interval.upper - interval.lower)
    assert x < dot < x + width
    # Written to two decimals of a drawing unit.
    assert dot - x == pytest.approx(per_unit * (interval.estimate - interval.lower), abs=0.03 * (1 + spread))
    assert x - 16 == pytest.approx(per_unit * interval.lower, abs=0.03 * (1 + spread))


@given(st.floats(1e-3, 1e6))
def test_ticks_are_even_and_fit(top):
    ticks = axis_ticks(top)
    assert ticks[0] == 0 and ticks[-1] <= top * (1 + 1e-9)
    assert 2 <= len(ticks) <= 9
    assert np.allclose(np.diff(ticks), ticks[1])


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_outline_encloses_just_the_mask(cells):
    inside = np.array(cells)
    area = 0.0
    for ring in _outline(inside):
        x, y = np.array(ring).T
        area += 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    assert area == pytest.approx(inside.sum())


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=8))
def test_deployments_in_one_lane_never_overlap(spans):
    start = datetime(2025, 1, 1, tzinfo=UTC)
    days = [(start + timedelta(days=a), start + timedelta(days=a + n)) for a, n in spans]
    lanes = _lanes(days)
    for i, one in enumerate(days):
        for k in range(i):
            if lanes[i] == lanes[k]:
                assert one[1] <= days[k][0] or days[k][1] <= one[0]


def test_days_lie_in_order_on_the_strip():
    first, last = datetime(2025, 11, 1).date(), datetime(2026, 1, 31).date()
    assert [str(day) for day in month_starts(first, last)] == ["2025-11-01", "2025-12-01", "2026-01-01"]
    assert day_position(first, first, last) == 0
    assert day_position(datetime(2026, 1, 31, 23, 59), first, last) == pytest.approx(1, abs=1e-4)
    assert day_position(datetime(2024, 1, 1), first, last) == 0


@given(st.floats(1e-4, 1e4), st.floats(0.03, 1))
def test_digits_match_precision(estimate, rse):
    interval = Interval(
        estimate=estimate, lower=estimate / 2, upper=estimate * 2, standard_error=estimate * rse
    )
    step = 10.0 ** -decimals_of(interval)
    assert step <= interval.standard_error or step == 1
    assert interval.standard_error < 100 * step or decimals_of(interval) == 6 or step == 1


def drawn_map(samples, lines, animals=(), surface=None):
    return draw_map(
        lines,
        animals,
        surface,
        ENGLISH,
        label="map",
        names=[e.individual_id for e in animals],
        links=[f"animal-{i + 1}" for i in range(len(animals))],
    )


@settings(max_examples=30, deadline=None)
@given(st.floats(-70, 70), st.floats(-179, 179), st.floats(0.02, 2))
def test_north_is_up_and_the_scale_bar_is_true(samples_line, lat, lon, span):
    east = (lon + span + 180) % 360 - 180  # over the date line too
    places = [(lon, lat), (east, lat), (lon, lat + span)]
    lines = [replace(samples_line, station_id=f"s{i}", lon=x, lat=y) for i, (x, y) in enumerate(places)]
    drawn = str(drawn_map(None, lines).svg)
    (x0, y0), (x1, y1), (x2, y2) = numbers(drawn, "circle", "cx", "cy", class_="station")
    assert x1 > x0 and y2 < y0 and y1 == pytest.approx(y0) and x2 == pytest.approx(x0)
    start, end = map(float, re.search(r'd="M([\d.]+) [\d.]+ V[\d.]+ H([\d.]+)', drawn).groups())
    km = float(re.search(r">([\d.]+) km<", drawn)[1])
    # A degree of latitude is 110.57 km at the equator and 111.69 km at the poles.
    assert (y0 - y2) * km / (end - start) == pytest.approx(span * 111.13, rel=0.006)


@pytest.fixture(scope="module")
def samples_line(samples):
    return samples.rich_portrait(animals=2).effort.lines[0]


def test_density_lies_where_its_cells_are(samples):
    """Corners of the picture on the map, against the places of the cells."""
    portrait = samples.rich_portrait(animals=4)
    surface = portrait.estimate.surface
    drawn = str(drawn_map(samples, portrait.effort.lines, portrait.catalogue, surface).svg)
    a, b, c, d, e, f = map(float, re.search(r'transform="matrix\(([^)]+)\)"', drawn)[1].split())
    stations = numbers(drawn, "circle", "cx", "cy", class_="station")
    lines = [line for line in portrait.effort.lines if line.station_days > 0]
    # From degrees to the drawing by way of the stations, from cells by way of the picture.
    design = np.column_stack([[s.lon for s in lines], [s.lat for s in lines], np.ones(len(lines))])
    to_map = np.linalg.lstsq(design, np.array(stations), rcond=None)[0]
    expected = np.column_stack([surface.lon, surface.lat, np.ones(len(surface.lon))]) @ to_map
    column = (surface.x_m - surface.x_m.min()) / surface.cell_m
    row = (surface.y_m.max() - surface.y_m) / surface.cell_m
    found = np.column_stack([a * column + c * row + e, b * column + d * row + f])
    cell = math.hypot(a, b)
    assert np.abs(found - expected).max() < 0.05 * cell


def test_one_station_alone_and_none_at_all_can_be_drawn(samples, samples_line):
    assert "circle" in drawn_map(samples, [samples_line]).svg
    assert drawn_map(samples, []) is None
    assert drawn_map(samples, [replace(samples_line, lon=math.nan)]) is None


def test_a_surface_of_one_row_can_be_drawn(samples):
    portrait = samples.rich_portrait(animals=2)
    whole = portrait.estimate.surface
    row = np.flatnonzero(whole.y_m == whole.y_m[0])
    thin = replace(
        whole, **{name: getattr(whole, name)[row] for name in ("lon", "lat", "x_m", "y_m", "per_100km2")}
    )
    assert "clipPath" in drawn_map(samples, portrait.effort.lines, (), thin).svg
