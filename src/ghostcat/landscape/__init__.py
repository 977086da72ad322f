"""The land: how freely it lets animals through."""

from ghostcat.landscape.circuits import Flow, ground_circuit, pair_resistances, solve_pairs, solve_regions
from ghostcat.landscape.graph import Network, laplacian, merge_nodes, network_of_edges, raster_network
from ghostcat.landscape.grid import Grid
from ghostcat.landscape.omnidirectional import Condition, Omnidirectional, Window, moving_window
from ghostcat.landscape.solver import Forecast, forecast

__all__ = [
    "Condition",
    "Flow",
    "Forecast",
    "Grid",
    "Network",
    "Omnidirectional",
    "Window",
    "forecast",
    "ground_circuit",
    "laplacian",
    "merge_nodes",
    "moving_window",
    "network_of_edges",
    "pair_resistances",
    "raster_network",
    "solve_pairs",
    "solve_regions",
]
