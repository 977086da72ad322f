"""Inbreeding along the ancestors of each animal, compiled: only large pedigrees come here."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["diagonal_and_own", "shares_product"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


@numba.njit(cache=True)
def diagonal_and_own(
    nodes: Integers,
    weights: Floats,
    plain: bool,
    kind: NDArray[np.int8],
    given: Floats,
    starts: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """A_ii and D_ii of every node of a `Lineage` (Meuwissen & Luo 1992, Genet Sel Evol 24:305).

    q = Σ l_j² D_j over the ancestors j of a node is the relationship with itself that its two older nodes
    give it; l is carried up generation by generation, so no ancestor is handled twice and none is sorted.
    What a visit of an ancestor needs lies side by side, since the visits jump through the memory.

    Parameters
    ----------
    nodes : (N, 2) two older nodes, -1 none.
    weights : (N, 2) of the two; not looked at when `plain` (all ½).
    kind, given : as in `Lineage`.
    starts : first node of each generation, and N.
    """
    n, depth = len(nodes), len(starts) - 1
    diagonal = np.empty(n)
    state = np.zeros((n, 2))  # the share l carried to a node, and its D
    waiting = np.empty(n, dtype=np.int32)  # nodes reached, generation by generation
    filled = np.zeros(depth, dtype=np.int64)
    last_a, last_b, last_wa, last_wb, last_q = -1, -1, 0.0, 0.0, 0.0
    generation = 0
    for i in range(n):
        while i >= starts[generation + 1]:
            generation += 1
        pa, pb = nodes[i, 0], nodes[i, 1]
        wa, wb = 0.5, 0.5
        if not plain:
            wa, wb = weights[i, 0], weights[i, 1]
        if pa < 0 and pb < 0:
            q = 0.0
        elif pa == last_a and pb == last_b and wa == last_wa and wb == last_wb:
            q = last_q
        else:
            q = 0.0
            highest = -1
            for side in range(2):
                parent = nodes[i, side]
                if parent < 0:
                    continue
                level = generation - 1
                while parent < starts[level]:
                    level -= 1
                if state[parent, 0] == 0.0:
                    waiting[starts[level] + filled[level]] = parent
                    filled[level] += 1
                state[parent, 0] += wa if side == 0 else wb
                highest = max(highest, level)
            for here in range(highest, -1, -1):
                begin = starts[here]
                for k in range(begin, begin + filled[here]):
                    j = waiting[k]
                    share = state[j, 0]
                    state[j, 0] = 0.0
                    q += share * share * state[j, 1]
                    if here == 0:
                        continue
                    for side in range(2):
                        parent = nodes[j, side]
                        if parent < 0:
                            continue
                        before = state[parent, 0]
                        if before == 0.0:
                            # Finding the generation anew is cheaper than fetching it from memory.
                            level = here - 1
                            while parent < starts[level]:
                                level -= 1
                            waiting[starts[level] + filled[level]] = parent
                            filled[level] += 1
                        after = before + (0.5 * share if plain else weights[j, side] * share)
                        # A node on the list is never exactly 0: that says "not on the list".
                        state[parent, 0] = after if after != 0.0 else 1e-300
                filled[here] = 0
            last_a, last_b, last_wa, last_wb, last_q = pa, pb, wa, wb, q
        if kind[i] == 0:
            inbreeding = 0.0
            if pa >= 0 and pb >= 0:
                # q = ¼(A_aa + A_bb + 2 A_ab) and F = ½ A_ab; below 1e-13 it is rounding.
                inbreeding = q - 0.25 * (diagonal[pa] + diagonal[pb])
                if abs(inbreeding) < 1e-13:
                    inbreeding = 0.0
            diagonal[i] = given[i] + inbreeding
        elif kind[i] == 1:
            diagonal[i] = q
        elif kind[i] == 2:
            total = given[i]
            if pa >= 0:
                total += wa * diagonal[pa]
            if pb >= 0:
                total += wb * diagonal[pb]
            diagonal[i] = total
        else:
            diagonal[i] = given[i]
        state[i, 1] = diagonal[i] - q
    return diagonal, state[:, 1].copy()


@numba.njit(cache=True)
def shares_product(
    row_starts: Integers,
    row_ancestors: Integers,
    row_shares: Floats,
    starts: Integers,
    animals: Integers,
    shares: Floats,
    width: int,
) -> Floats:
    """R · C of sparse rows and sparse columns stored by ancestor, into dense rows.

    A library's product of two sparse matrices keeps its result sparse, which the kinship of relatives is not.
    """
    out = np.zeros((len(row_starts) - 1, width))
    for i in range(len(row_starts) - 1):
        row = out[i]
        for k in range(row_starts[i], row_starts[i + 1]):
            ancestor, share = row_ancestors[k], row_shares[k]
            for c in range(starts[ancestor], starts[ancestor + 1]):
                row[animals[c]] += share * shares[c]
    return out
