"""A landscape as an electrical network: cells are nodes, neighbours are joined by conductances.

With conductances g₁, g₂ of two neighbouring cells their edge has, as users of circuit theory choose,

    average of resistances:  1 / ((1/g₁ + 1/g₂)/2)          average of conductances:  (g₁ + g₂)/2

and a diagonal edge that over √2. Cells of one short-circuit region are a single node. McRae et al. (2008)
Ecology 89:2712–2724.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Network", "laplacian", "merge_nodes", "network_of_edges", "raster_network"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """Nodes and the conductances between them; each pair of nodes once, `tail` < `head`."""

    nodes: int
    tail: Ints
    head: Ints
    conductance: Floats
    node_of: Ints
    """Node of each cell, (rows, columns), −1 where there is none; of a graph, (n,) node of each vertex."""
    place: Ints | None = None
    """(nodes, 2) row and column of each node of a raster."""
    joined: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Nodes of a raster that stand for several cells, and so may touch cells far away."""


def raster_network(
    conductance: Floats,
    *,
    four_neighbours: bool = False,
    average_resistances: bool = True,
    regions: Ints | None = None,
) -> Network:
    """Network of a raster.

    Parameters
    ----------
    conductance : (rows, columns), 1/resistance; NaN or 0 where nothing can pass.
    four_neighbours : leave the diagonals out.
    average_resistances : how the conductances of two cells make that of their edge.
    regions : (rows, columns) short-circuit regions: cells with the same positive number are one node, also
        where a region crosses cells without data.

    Raises
    ------
    ParameterError : a conductance is negative or infinite; grids of different shape; no cell to walk on.
    """
    given = np.nan_to_num(conductance, nan=0.0, posinf=math.inf)
    if (given < 0).any() or not np.isfinite(given).all():
        row, column = np.argwhere((given < 0) | ~np.isfinite(given))[0]
        raise ParameterError(
            f"the conductance of a cell is {given[row, column]}",
            where=f"row {row + 1}, column {column + 1}",
            fix="Resistances must be above 0; use no-data for what cannot be crossed.",
        )
    open_cells = given > 0
    if not open_cells.any():
        raise ParameterError("no cell of the landscape can be crossed", fix="Look at the no-data value.")
    node_of = np.full(given.shape, -1, dtype=np.int64)
    node_of[open_cells] = np.arange(int(open_cells.sum()))
    tail, head, value = _edges(given, node_of, four_neighbours, average_resistances)
    place = np.argwhere(open_cells)
    plain = Network(nodes=len(place), tail=tail, head=head, conductance=value, node_of=node_of, place=place)
    return plain if regions is None else _short_circuit(plain, regions)


def network_of_edges(first: Ints, second: Ints, conductance: Floats) -> Network:
    """Network of a list of edges between vertices numbered from 0; parallel edges add up."""
    count = int(max(first.max(), second.max())) + 1
    tail, head, value = _unique_edges(first, second, conductance, count)
    return Network(nodes=count, tail=tail, head=head, conductance=value, node_of=np.arange(count))


def merge_nodes(network: Network, label: Ints) -> Network:
    """Join nodes with the same label into one.

    Parameters
    ----------
    label : (nodes,) any numbers; nodes that stay alone have a label of their own.
    """
    _, new = np.unique(label, return_inverse=True)
    count = int(new.max()) + 1
    tail, head, value = _unique_edges(new[network.tail], new[network.head], network.conductance, count)
    node_of = np.where(network.node_of >= 0, new[np.maximum(network.node_of, 0)], -1)
    merged = Network(nodes=count, tail=tail, head=head, conductance=value, node_of=node_of)
    if network.place is None:
        return merged
    place = np.empty((count, 2), dtype=np.int64)
    place[new] = network.place
    many = np.bincount(new, minlength=count) > 1
    many[new[network.joined]] = True
    return replace(merged, place=place, joined=np.flatnonzero(many))


def laplacian(network: Network) -> csr_array:
    """(nodes, nodes) Laplacian: row sums zero, off-diagonals −conductance."""
    from scipy.sparse import coo_array, diags_array

    shape = (network.nodes, network.nodes)
    half = coo_array((network.conductance, (network.tail, network.head)), shape=shape)
    joined = (half + half.T).tocsr()
    return (diags_array(joined.sum(axis=1)) - joined).tocsr()


def _edges(
    given: Floats, node_of: Ints, four_neighbours: bool, average_resistances: bool
) -> tuple[Ints, Ints, Floats]:
    shifts = ((0, 1), (1, 0)) if four_neighbours else ((0, 1), (1, 0), (1, 1), (1, -1))
    tails, heads, values = [], [], []
    for down, right in shifts:
        here, there = _shifted(node_of, down, right)
        joined = (here >= 0) & (there >= 0)
        one, other = (grid[joined] for grid in _shifted(given, down, right))
        value = 2.0 / (1.0 / one + 1.0 / other) if average_resistances else 0.5 * (one + other)
        if down and right:
            value = value / math.sqrt(2.0)
        a, b = here[joined], there[joined]
        tails.append(np.minimum(a, b))
        heads.append(np.maximum(a, b))
        values.append(value)
    return np.concatenate(tails), np.concatenate(heads), np.concatenate(values)


def _shifted(grid: NDArray[Any], down: int, right: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """A grid's cells and their neighbours `down` rows below and `right` columns to the right."""
    rows = grid.shape[0] - down
    if right >= 0:
        return grid[:rows, : grid.shape[1] - right], grid[down:, right:]
    return grid[:rows, -right:], grid[down:, :right]


def _short_circuit(plain: Network, regions: Ints) -> Network:
    if regions.shape != plain.node_of.shape:
        raise ParameterError(
            f"short-circuit regions have shape {regions.shape}, the landscape {plain.node_of.shape}",
            fix="Bring both to the same grid.",
        )
    label = np.arange(plain.nodes)
    numbers = np.unique(regions[(regions > 0) & (plain.node_of >= 0)])
    for number in numbers:
        members = plain.node_of[(regions == number) & (plain.node_of >= 0)]
        label[members] = members.min()
    merged = merge_nodes(plain, label)
    node_of = merged.node_of.copy()
    for number in numbers:  # the part of a region that lies on no-data belongs to its node
        inside = regions == number
        node_of[inside] = node_of[inside & (plain.node_of >= 0)][0]
    return replace(merged, node_of=node_of)


def _unique_edges(first: Ints, second: Ints, conductance: Floats, count: int) -> tuple[Ints, Ints, Floats]:
    """Each pair once, parallel edges added, loops dropped."""
    tail, head = np.minimum(first, second), np.maximum(first, second)
    real = tail != head
    keys, inverse = np.unique(tail[real] * count + head[real], return_inverse=True)
    value = np.bincount(inverse, conductance[real], len(keys))
    return keys // count, keys % count, np.asarray(value, dtype=np.float64)
