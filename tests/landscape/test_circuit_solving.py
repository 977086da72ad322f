"""Circuits whose answer is known without a program, and two solvers that must agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import spsolve

from ghostcat.errors import ParameterError
from ghostcat.landscape.circuits import ground_circuit, pair_resistances, solve_pairs, solve_regions
from ghostcat.landscape.dissection import factor_by_dissection, forecast_numbers, nested_dissection
from ghostcat.landscape.graph import laplacian, merge_nodes, network_of_edges, raster_network


def resistance(network, a, b):
    return pair_resistances(network, [a, b], [(a, b)])[a, b]


def test_series_parallel_and_bridge():
    row = network_of_edges(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([1.0, 0.5, 0.25]))
    assert resistance(row, 0, 3) == pytest.approx(1 + 2 + 4)
    both = network_of_edges(np.array([0, 0]), np.array([1, 1]), np.array([1.0, 3.0]))
    assert resistance(both, 0, 1) == pytest.approx(1 / 4)
    # A balanced Wheatstone bridge: nothing flows through the middle.
    bridge = network_of_edges(np.array([0, 0, 1, 2, 1]), np.array([1, 2, 3, 3, 2]), np.ones(5))
    ((_, flow),) = solve_pairs(bridge, [0, 3], [(0, 3)])
    assert flow.resistance == pytest.approx(1.0)
    assert flow.current == pytest.approx([1, 0.5, 0.5, 1])


def test_corner_to_corner_of_a_square_of_ohms():
    """2 × 2 cells with sides only: two paths of two edges."""
    square = raster_network(np.ones((2, 2)), four_neighbours=True)
    assert resistance(square, 0, 3) == pytest.approx(1.0)
    cross = raster_network(np.ones((2, 2)))
    assert resistance(cross, 0, 3) == pytest.approx(1 / (1 / math.sqrt(2) + 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 14), st.integers(3, 14), st.integers(0, 10_000))
def test_a_metric_and_rayleighs_law(rows, columns, seed):
    """Resistance is a distance, and falls when any cell conducts better."""
    rng = np.random.default_rng(seed)
    g = rng.uniform(0.1, 5.0, (rows, columns))
    network = raster_network(g)
    a, b, c = rng.choice(network.nodes, 3, replace=False).tolist()
    r = pair_resistances(network, [a, b, c], [(a, b), (b, c), (a, c)])
    assert r[a, c] <= r[a, b] + r[b, c] + 1e-9
    better = g.copy()
    better[rng.integers(rows), rng.integers(columns)] *= 3
    assert resistance(raster_network(better), a, c) <= r[a, c] + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.5))
def test_nested_dissection_solves_what_a_general_solver_solves(seed, holes):
    rng = np.random.default_rng(seed)
    g = rng.lognormal(0.0, 1.5, (31, 44))
    g[rng.random(g.shape) < holes] = 0.0
    network = raster_network(g)
    ground = rng.uniform(0.0, 1.0, network.nodes) * 1e-3
    from scipy.sparse import diags_array

    matrix = (laplacian(network) + diags_array(ground)).tocsr()
    right = rng.standard_normal((network.nodes, 3))
    row, column = network.place.T
    found = factor_by_dissection(matrix, nested_dissection(row, column)).solve(right)
    assert found == pytest.approx(spsolve(matrix.tocsc(), right), rel=1e-6, abs=1e-6)


def test_dissection_with_short_circuits_across_the_land():
    rng = np.random.default_rng(5)
    regions = np.zeros((60, 60), dtype=np.int64)
    regions[5, 5] = regions[50, 50] = regions[20, 55] = 1
    network = raster_network(rng.uniform(0.5, 2.0, (60, 60)), regions=regions)
    assert len(network.joined) == 1
    free = np.arange(1, network.nodes)
    matrix = laplacian(network)[free][:, free].tocsr()
    row, column = network.place[free].T
    order = nested_dissection(row, column, np.flatnonzero(np.isin(free, network.joined)))
    right = rng.standard_normal(len(free))
    assert factor_by_dissection(matrix, order).solve(right) == pytest.approx(spsolve(matrix.tocsc(), right))


def test_a_part_without_ground_is_named_for_what_it_is():
    network = raster_network(np.ones((20, 20)))
    row, column = network.place.T
    with pytest.raises(ParameterError, match="neither source nor ground"):
        factor_by_dissection(laplacian(network), nested_dissection(row, column))


def test_forecast_of_memory():
    network = raster_network(np.ones((150, 150)))
    free = np.arange(1, network.nodes)
    row, column = network.place[free].T
    factor = factor_by_dissection(laplacian(network)[free][:, free].tocsr(), nested_dissection(row, column))
    assert forecast_numbers(network.nodes) == pytest.approx(factor.numbers, rel=0.25)


def test_current_is_conserved_on_large_rasters_too(monkeypatch):
    """The way without lists of branches gives the same as the way with them."""
    from ghostcat.landscape import circuits

    rng = np.random.default_rng(8)
    g = rng.lognormal(0, 1, (25, 30))
    g[3:9, 4] = 0
    network = raster_network(g)
    a, b = 5, network.nodes - 4
    ((_, plain),) = solve_pairs(network, [a, b], [(a, b)])
    monkeypatch.setattr(circuits, "_BIG", 10)
    ((_, big),) = solve_pairs(network, [a, b], [(a, b)])
    assert big.current == pytest.approx(plain.current, abs=1e-7)
    assert big.current[[a, b]] == pytest.approx(1.0)


def test_sources_and_grounds():
    line = network_of_edges(np.array([0, 1, 3]), np.array([1, 2, 4]), np.ones(3))
    source = np.array([2.0, 0, 0, 1.0, 0])
    ground = np.array([0, 0, np.inf, 0, 0])
    flow = ground_circuit(line, source, ground)
    assert flow.voltage[:3] == pytest.approx([4, 2, 0])
    assert np.isnan(flow.voltage[3:]).all()  # that part has no ground
    assert flow.current == pytest.approx([2, 2, 2, 0, 0])
    leaky = ground_circuit(line, source, np.array([0, 0, 0.5, 0, 0]))
    assert leaky.voltage[2] == pytest.approx(4.0)


def test_focal_regions_are_short_circuited_pair_by_pair():
    network = raster_network(np.ones((1, 5)), four_neighbours=True)
    regions = {1: np.array([0]), 2: np.array([2, 4]), 3: np.array([], dtype=np.int64)}
    found = {pair: flow for pair, _, flow in solve_regions(network, regions, [(1, 2), (1, 3)])}
    assert found[1, 2].resistance == pytest.approx(2.0)
    assert found[1, 3] is None


def test_merging_adds_parallel_edges_and_drops_loops():
    network = raster_network(np.ones((1, 4)), four_neighbours=True)
    ring = merge_nodes(network, np.array([0, 1, 2, 0]))
    assert ring.nodes == 3
    assert resistance(ring, 0, 1) == pytest.approx(1 / (1 + 1 / 2))


@pytest.mark.parametrize("value", [-1.0, math.inf])
def test_impossible_conductance(value):
    grid = np.ones((3, 3))
    grid[1, 2] = value
    with pytest.raises(ParameterError, match=r"row 2, column 3"):
        raster_network(grid)
    with pytest.raises(ParameterError, match="no cell"):
        raster_network(np.zeros((2, 2)))


@pytest.mark.parametrize("contrast", [0.0, 3.0])
def test_multigrid_agrees_with_the_exact_factor(contrast):
    from ghostcat.landscape.multigrid import multigrid_solver

    rng = np.random.default_rng(4)
    g = np.exp(contrast * rng.standard_normal((90, 110)))
    g[rng.random(g.shape) < 0.1] = 0.0
    network = raster_network(g)
    matrix = (laplacian(network) + _ground_one_of_each(network)).tocsr()
    right = rng.standard_normal((network.nodes, 2))
    row, column = network.place.T
    exact = factor_by_dissection(matrix, nested_dissection(row, column)).solve(right)
    found = multigrid_solver(matrix).solve(right)
    assert found == pytest.approx(exact, rel=1e-5, abs=1e-6 * np.abs(exact).max())


def _ground_one_of_each(network):
    from scipy.sparse import diags_array

    from ghostcat.landscape.solver import components

    first = np.unique(components(network), return_index=True)[1]
    ground = np.zeros(network.nodes)
    ground[first] = 1.0
    return diags_array(ground)


def test_the_solver_is_chosen_by_memory():
    from ghostcat.landscape.solver import forecast

    small, large = forecast(10_000, solves=5, memory_gb=1.0), forecast(4_000_000, solves=5, memory_gb=2.0)
    assert (small.solver, large.solver) == ("exact", "multigrid")
    assert large.exact_memory_gb > 2.0
    assert forecast(1_000_000, solves=20, memory_gb=4.0).memory_gb < 2.6
