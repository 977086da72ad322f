"""Solve a network for voltages: exact factors for what fits, multigrid for what does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ghostcat.landscape.dissection import factor_by_dissection, forecast_numbers, nested_dissection
from ghostcat.landscape.graph import Network, laplacian
from ghostcat.landscape.multigrid import multigrid_solver

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Forecast", "GroundedSolver", "components", "factorise", "forecast"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


# Up to here a general sparse factor is as fast.
_LARGE = 10_000
# Measured on grids of a million cells: bytes a cell besides the factor, and CPU seconds on one core.
_BYTES_A_CELL = 800
_EXACT_S = 7.0
_MULTIGRID_S_A_SOLVE = 7.0
_MULTIGRID_BYTES_A_CELL = 1_250


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What solving a landscape will take, before it starts."""

    solver: Literal["exact", "multigrid"]
    memory_gb: float
    cpu_s: float
    """For one core, within a factor of two."""
    exact_memory_gb: float


def forecast(cells: int, *, solves: int, memory_gb: float | None = None) -> Forecast:
    """Memory and time of a landscape, and which solver fits.

    Parameters
    ----------
    cells : that can be crossed. solves : right-hand sides.
    memory_gb : that may be used; by default four fifths of what this computer has free.

    >>> forecast(3_000_000, solves=20, memory_gb=8.0).solver
    'exact'
    >>> forecast(12_000_000, solves=20, memory_gb=16.0).solver
    'multigrid'
    """
    allowed = 0.8 * _free_memory_gb() if memory_gb is None else memory_gb
    millions = cells / 1e6
    exact = (8.0 * forecast_numbers(cells) + _BYTES_A_CELL * cells) / 1e9
    if exact <= allowed or cells <= _LARGE:
        seconds = _EXACT_S * millions**1.5 + 0.15 * solves * millions
        return Forecast(solver="exact", memory_gb=exact, cpu_s=seconds, exact_memory_gb=exact)
    return Forecast(
        solver="multigrid",
        memory_gb=_MULTIGRID_BYTES_A_CELL * cells / 1e9,
        cpu_s=_MULTIGRID_S_A_SOLVE * solves * millions,
        exact_memory_gb=exact,
    )


def _free_memory_gb() -> float:
    """Free memory of this computer; 8 GB where it does not say."""
    import os

    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, OSError, ValueError):
        return 8.0


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
        if forecast(len(nodes), solves=1).solver == "multigrid":
            return multigrid_solver(matrix)
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
