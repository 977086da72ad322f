"""Solve a network for voltages: exact factors for what fits, multigrid for what does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ghostcat.landscape.dissection import factor_by_dissection, nested_dissection
from ghostcat.landscape.graph import Network, laplacian

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["GroundedSolver", "components", "factorise"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


# Up to here a general sparse factor is as fast.
_LARGE = 10_000


class GroundedSolver(Protocol):
    """Solves A x = b for a symmetric positive definite A."""

    def solve(self, right: Floats) -> Floats:
        """Solution of one (n,) or several (n, k) right-hand sides."""


@dataclass(frozen=True, eq=False)
class _Direct:
    factor: object

    def solve(self, right: Floats) -> Floats:
        return np.asarray(self.factor.solve(right))  # type: ignore[attr-defined]


def factorise(matrix: csr_array, network: Network, nodes: Ints) -> GroundedSolver:
    """A solver for a symmetric positive definite matrix, made once for many right-hand sides.

    Parameters
    ----------
    matrix : (n, n) rows and columns of the network's Laplacian, with grounds on its diagonal.
    nodes : (n,) nodes of the network that they stand for, increasing.
    """
    from scipy.sparse.linalg import splu

    if network.place is not None and len(nodes) > _LARGE:
        row, column = network.place[nodes].T
        last = np.flatnonzero(np.isin(nodes, network.joined))
        return factor_by_dissection(matrix, nested_dissection(row, column, last))
    return _Direct(
        splu(
            matrix.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    )


def components(network: Network) -> Ints:
    """(nodes,) number of the connected part that each node belongs to."""
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(laplacian(network), directed=False)[1], dtype=np.int64)
