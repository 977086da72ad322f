"""Circuit theory on a network: resistances, voltages and currents between places.

Effective resistance of a pair is the voltage that drives 1 A from one to the other. The current through a
node is the larger of what flows in and what flows out, injected current included. McRae et al. (2008) Ecology
89:2712–2724.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.landscape.graph import Network, laplacian, merge_nodes
from ghostcat.landscape.solver import components, factorise

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Flow", "branch_currents", "ground_circuit", "node_currents", "solve_pairs", "solve_regions"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Branch currents below this share of the largest are numerical noise.
_NOISE = 1e-8


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
    """(nodes,) larger of total inflow and outflow, current from and to outside included.

    Parameters
    ----------
    put_in, taken_out : (nodes,) ampere that enter and leave the network at each node.
    """
    forth, back = np.maximum(branch, 0), np.maximum(-branch, 0)
    out = np.bincount(network.tail, forth, network.nodes) + np.bincount(network.head, back, network.nodes)
    into = np.bincount(network.head, forth, network.nodes) + np.bincount(network.tail, back, network.nodes)
    into += np.maximum(put_in, 0) + np.maximum(-taken_out, 0)
    out += np.maximum(taken_out, 0) + np.maximum(-put_in, 0)
    return np.asarray(np.maximum(into, out))


def solve_pairs(
    network: Network, nodes: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Flow | None]:
    """1 A from the second to the first node of each pair; the first has voltage 0.

    One factor a connected part and one solve a node serve all its pairs.

    Parameters
    ----------
    nodes : nodes that occur in pairs. pairs : pairs of nodes.

    Returns
    -------
    Flow of each pair; None where the two are not connected.
    """
    part = components(network)
    matrix = laplacian(network)
    potential: dict[int, Floats] = {}
    members_of: dict[int, Ints] = {}
    for number in {int(part[node]) for node in nodes}:
        members = np.flatnonzero(part == number)
        members_of[number] = members
        wanted = sorted({node for node in nodes if part[node] == number})
        potential |= _potentials(network, matrix, members, wanted)
    flows: dict[tuple[int, int], Flow | None] = {}
    for first, second in pairs:
        if part[first] != part[second]:
            flows[first, second] = None
            continue
        voltage = np.full(network.nodes, np.nan)
        members = members_of[int(part[first])]
        drop = potential[second] - potential[first]
        voltage[members] = drop - drop[np.searchsorted(members, first)]
        put_in, taken_out = np.zeros(network.nodes), np.zeros(network.nodes)
        if first != second:
            put_in[second] = taken_out[first] = 1.0
        branch = branch_currents(network, voltage)
        flows[first, second] = Flow(
            voltage=voltage,
            current=node_currents(network, branch, put_in, taken_out),
            branch=branch,
            resistance=float(voltage[second]),
        )
    return flows


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
) -> dict[tuple[int, int], tuple[Network, Flow | None]]:
    """Pairs of focal regions: for each pair the two regions alone are short-circuited.

    Parameters
    ----------
    regions : id → nodes.
    """
    found: dict[tuple[int, int], tuple[Network, Flow | None]] = {}
    simple = {number: int(nodes[0]) for number, nodes in regions.items() if len(nodes) == 1}
    easy = [pair for pair in pairs if pair[0] in simple and pair[1] in simple]
    if easy:
        nodes = sorted({simple[number] for pair in easy for number in pair})
        flows = solve_pairs(network, nodes, [(simple[a], simple[b]) for a, b in easy])
        found |= {(a, b): (network, flows[simple[a], simple[b]]) for a, b in easy}
    for a, b in pairs:
        if (a, b) in found:
            continue
        if not len(regions[a]) or not len(regions[b]):
            found[a, b] = (network, None)
            continue
        label = np.arange(network.nodes)
        for number in (a, b):
            label[regions[number]] = regions[number].min()
        merged = merge_nodes(network, label)
        new = np.unique(label, return_inverse=True)[1]
        first, second = int(new[regions[a][0]]), int(new[regions[b][0]])
        found[a, b] = (merged, solve_pairs(merged, [first, second], [(first, second)])[first, second])
    return {pair: found[pair] for pair in pairs}
