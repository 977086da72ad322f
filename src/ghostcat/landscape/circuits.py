"""Circuit theory on a network: resistances, voltages and currents between places.

Effective resistance of a pair is the voltage that drives 1 A from one to the other. The current through a
node is the larger of what flows in and what flows out, injected current included. McRae et al. (2008) Ecology
89:2712–2724.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.landscape.graph import Network, laplacian, merge_nodes
from ghostcat.landscape.solver import components, factorise

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "Flow",
    "branch_currents",
    "ground_circuit",
    "node_currents",
    "pair_resistances",
    "solve_pairs",
    "solve_regions",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Branch currents below this share of the largest are numerical noise.
_NOISE = 1e-8
# From here on currents of a raster are summed on its grid, without a list of branches.
_BIG = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Flow:
    """Voltages and currents of one solution on a network."""

    voltage: Floats
    """(nodes,); NaN where the current does not reach."""
    current: Floats
    """(nodes,)."""
    branch: Floats
    """(edges,) current along each edge, from tail to head."""
    resistance: float = float("nan")


def branch_currents(network: Network, voltage: Floats) -> Floats:
    """(edges,) current from tail to head; noise set to 0."""
    flow = np.nan_to_num(network.conductance * (voltage[network.tail] - voltage[network.head]))
    size = np.abs(flow)
    if len(size):
        flow[size < _NOISE * size.max()] = 0.0
    return flow


def node_currents(network: Network, branch: Floats, put_in: Floats, taken_out: Floats) -> Floats:
    """(nodes,) current through each node: what flows in, which is what flows out.

    Parameters
    ----------
    put_in, taken_out : (nodes,) ampere that enter and leave the network at each node.
    """
    size = np.abs(branch)
    touching = np.bincount(network.tail, size, network.nodes) + np.bincount(network.head, size, network.nodes)
    return np.asarray(0.5 * (touching + np.abs(put_in) + np.abs(taken_out)))


class _RasterCurrents:
    """`node_currents` of pair after pair on a large raster: neighbours by shifting the grid."""

    def __init__(self, network: Network) -> None:
        assert network.place is not None
        self.place = network.place[:, 0], network.place[:, 1]
        self.shape = tuple(network.place.max(axis=0) + 1)
        step = network.place[network.head] - network.place[network.tail]
        self.directions = []
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            own = (step[:, 0] == down) & (step[:, 1] == right)
            if own.any():
                grid = np.zeros(self.shape)
                row, column = network.place[network.tail[own]].T
                grid[row, column] = network.conductance[own]
                here, there = _neighbours(self.shape, down, right)
                self.directions.append((grid[here], here, there))
        self.voltage = np.zeros(self.shape)

    def __call__(self, voltage: Floats, first: int, second: int) -> Floats:
        self.voltage[self.place] = np.nan_to_num(voltage)
        total = np.zeros(self.shape)
        for conductance, here, there in self.directions:
            flow = self.voltage[here] - self.voltage[there]
            flow *= conductance
            np.abs(flow, out=flow)
            total[here] += flow
            total[there] += flow
        current = total[self.place]
        current[[first, second]] += 1.0
        current *= 0.5
        return current


def _neighbours(
    shape: tuple[int, ...], down: int, right: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of a grid's cells and of their neighbours `down` rows below and `right` columns to the right."""
    rows, columns = shape
    if right >= 0:
        return (slice(0, rows - down), slice(0, columns - right)), (slice(down, rows), slice(right, columns))
    return (slice(0, rows - down), slice(-right, columns)), (slice(down, rows), slice(0, columns + right))


def pair_resistances(
    network: Network, nodes: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], float]:
    """Effective resistance of each pair, ohm; infinite where the two are not connected."""
    potentials = _Potentials(network, nodes)
    return {pair: potentials.resistance(*pair) for pair in pairs}


def solve_pairs(
    network: Network, nodes: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], Flow | None]]:
    """1 A from the second to the first node of each pair; the first has voltage 0.

    One factor a connected part and one solve a node serve all its pairs. Pairs are worked out one by one, so
    that a large landscape never holds more than one of them.

    Parameters
    ----------
    nodes : nodes that occur in pairs. pairs : pairs of nodes.

    Yields
    ------
    Each pair with its flow; None where the two are not connected.
    """
    potentials = _Potentials(network, nodes)
    through = _RasterCurrents(network) if network.nodes > _BIG and not len(network.joined) else None
    for first, second in pairs:
        voltage = potentials.between(first, second)
        if voltage is None:
            yield (first, second), None
            continue
        resistance = potentials.resistance(first, second)
        if through is not None and network.place is not None:
            current, branch = through(voltage, first, second), np.empty(0)
        else:
            put_in, taken_out = np.zeros(network.nodes), np.zeros(network.nodes)
            if first != second:
                put_in[second] = taken_out[first] = 1.0
            branch = branch_currents(network, voltage)
            current = node_currents(network, branch, put_in, taken_out)
        yield (first, second), Flow(voltage=voltage, current=current, branch=branch, resistance=resistance)


class _Potentials:
    """Potential of 1 A put in at each node and taken out at a common one of its connected part."""

    def __init__(self, network: Network, nodes: Sequence[int]) -> None:
        self.nodes = network.nodes
        self.part = components(network)
        self.members: dict[int, Ints] = {}
        self.potential: dict[int, Floats] = {}
        matrix = laplacian(network)
        for number in {int(self.part[node]) for node in nodes}:
            members = np.flatnonzero(self.part == number)
            self.members[number] = members
            wanted = sorted({int(node) for node in nodes if self.part[node] == number})
            self.potential |= _potentials(network, matrix, members, wanted)

    def _drop(self, first: int, second: int) -> tuple[Ints, Floats, int] | None:
        if self.part[first] != self.part[second]:
            return None
        members = self.members[int(self.part[first])]
        return members, self.potential[second] - self.potential[first], int(np.searchsorted(members, first))

    def between(self, first: int, second: int) -> Floats | None:
        """(nodes,) voltages, 0 at the first node; None where the two are not connected."""
        found = self._drop(first, second)
        if found is None:
            return None
        members, drop, ground = found
        voltage = np.full(self.nodes, np.nan)
        voltage[members] = drop - drop[ground]
        return voltage

    def resistance(self, first: int, second: int) -> float:
        """Ohm; infinite where the two are not connected."""
        found = self._drop(first, second)
        if found is None:
            return float("inf")
        members, drop, ground = found
        return float(drop[np.searchsorted(members, second)] - drop[ground])


def _potentials(
    network: Network, matrix: csr_array, members: Ints, wanted: Sequence[int]
) -> dict[int, Floats]:
    """Potential, on the members of one part, of 1 A put in at each wanted node and taken out at the first."""
    ground = wanted[0]
    zero = np.zeros(len(members))
    if len(wanted) == 1:
        return {ground: zero}
    free = members[members != ground]
    solver = factorise(matrix[free][:, free], network, free)
    right = np.zeros((len(free), len(wanted) - 1))
    right[np.searchsorted(free, wanted[1:]), np.arange(len(wanted) - 1)] = 1.0
    solved = solver.solve(right)
    place = np.searchsorted(members, free)
    found = {ground: zero}
    for column, node in enumerate(wanted[1:]):
        potential = np.zeros(len(members))
        potential[place] = solved[:, column]
        found[node] = potential
    return found


def ground_circuit(network: Network, source: Floats, ground: Floats) -> Flow:
    """Currents from sources to grounds.

    Parameters
    ----------
    source : (nodes,) ampere put in. ground : (nodes,) conductance to ground; infinite for a node held at 0 V.

    Returns
    -------
    Flow : voltages NaN in connected parts without both a source and a ground.
    """
    part = components(network)
    count = int(part.max()) + 1
    driven = np.bincount(part, source != 0, count) > 0
    held = np.bincount(part, ground > 0, count) > 0
    alive = (driven & held)[part]
    fixed = np.isinf(ground) & alive
    free = np.flatnonzero(alive & ~fixed)
    voltage = np.full(network.nodes, np.nan)
    voltage[fixed] = 0.0
    if len(free):
        from scipy.sparse import diags_array

        matrix = laplacian(network)[free][:, free] + diags_array(ground[free])
        voltage[free] = factorise(matrix.tocsr(), network, free).solve(source[free])
    branch = branch_currents(network, voltage)
    put_in = np.where(alive, source, 0.0)
    net = np.bincount(network.tail, branch, network.nodes) - np.bincount(network.head, branch, network.nodes)
    # A node at 0 V lets out whatever arrives there.
    leak = np.where(np.isinf(ground), 0.0, ground) * np.nan_to_num(voltage)
    taken_out = np.where(fixed, put_in - net, leak)
    return Flow(voltage=voltage, current=node_currents(network, branch, put_in, taken_out), branch=branch)


def solve_regions(
    network: Network, regions: Mapping[int, Ints], pairs: Sequence[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], Network, Flow | None]]:
    """Pairs of focal regions: for each pair the two regions alone are short-circuited.

    Parameters
    ----------
    regions : id → nodes.
    """
    single = {number: int(nodes[0]) for number, nodes in regions.items() if len(nodes) == 1}
    easy = [pair for pair in pairs if pair[0] in single and pair[1] in single]
    nodes = sorted({single[number] for pair in easy for number in pair})
    flows = solve_pairs(network, nodes, [(single[a], single[b]) for a, b in easy])
    for a, b in pairs:
        if a in single and b in single:
            yield (a, b), network, next(flows)[1]
        elif not len(regions[a]) or not len(regions[b]):
            yield (a, b), network, None
        else:
            label = np.arange(network.nodes)
            for number in (a, b):
                label[np.isin(label, label[regions[number]])] = label[regions[number]].min()
            new = np.unique(label, return_inverse=True)[1]
            merged = merge_nodes(network, label)
            pair = int(new[regions[a][0]]), int(new[regions[b][0]])
            yield (a, b), merged, next(solve_pairs(merged, pair, [pair]))[1]
