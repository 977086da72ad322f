"""Conjugate gradients with an algebraic multigrid preconditioner, for land whose exact factor would not fit.

Nodes are joined in pairs along their strongest ties, twice over, again and again; a smooth error of the fine
network is a rough one of a coarse network, where it is cheap to remove. Each coarse problem is solved by one
or two steps of conjugate gradients, which keeps the number of rounds nearly independent of the size of the
land (Notay 2010, Electronic Transactions on Numerical Analysis 37:123–146). Memory: about 50 numbers a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["MultigridSolver", "multigrid_solver"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Networks of at most this many nodes are solved exactly.
_COARSEST = 2_000
# Right-hand sides are solved until the residual has fallen by this factor.
_TOLERANCE = 1e-10
_MOST_ROUNDS = 400
# A coarse solution this good needs no second step.
_ENOUGH = 0.25


@dataclass(frozen=True, eq=False)
class _Level:
    indptr: Ints
    indices: Ints
    data: Floats
    label: Ints
    """(n,) node of the next level."""
    labels: int

    @property
    def matrix(self) -> tuple[Ints, Ints, Floats]:
        return self.indptr, self.indices, self.data


@dataclass(frozen=True, eq=False)
class MultigridSolver:
    """Solves A x = b for a grounded Laplacian."""

    levels: tuple[_Level, ...]
    last: Floats
    """Cholesky factor of the coarsest network."""

    def solve(self, right: Floats) -> Floats:
        """Solution of one (n,) or several (n, k) right-hand sides, one after the other.

        Raises
        ------
        ParameterError : the search does not converge.
        """
        columns = right.reshape(len(right), -1)
        out = np.empty_like(columns)
        for k in range(columns.shape[1]):
            out[:, k] = self._solve_one(np.ascontiguousarray(columns[:, k]))
        return out.reshape(right.shape)

    def _solve_one(self, right: Floats) -> Floats:
        from ghostcat.landscape._multigrid_loops import multiply

        if not self.levels:
            return self._solve_last(right)
        residual = right.copy()
        x = np.zeros_like(right)
        wanted = _TOLERANCE * float(np.linalg.norm(right))
        direction, product, slope = x, x, 0.0
        for _ in range(_MOST_ROUNDS):
            if float(np.linalg.norm(residual)) <= wanted:
                return x
            step = self._cycle(0, residual)
            if slope > 0:
                # The preconditioner differs a little from round to round: directions are made conjugate anew.
                step -= (float(step @ product) / slope) * direction
            direction = step
            product = multiply(*self.levels[0].matrix, direction)
            slope = float(direction @ product)
            size = float(direction @ residual) / slope
            x += size * direction
            residual -= size * product
        raise ParameterError(
            f"the multigrid solver did not converge in {_MOST_ROUNDS} rounds",
            fix="Look for resistances that differ by more than 10⁸, or a part without a ground.",
        )

    def _solve_last(self, right: Floats) -> Floats:
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve((self.last, True), right))

    def _cycle(self, number: int, right: Floats) -> Floats:
        """About the solution on one level: smooth, correct on the next one, smooth."""
        from ghostcat.landscape._multigrid_loops import add_from, multiply, sum_by, sweep

        if number == len(self.levels):
            return self._solve_last(right)
        level = self.levels[number]
        x = np.zeros_like(right)
        sweep(*level.matrix, right, x, True)
        coarse = sum_by(level.label, level.labels, right - multiply(*level.matrix, x))
        add_from(level.label, self._inner(number + 1, coarse), x)
        sweep(*level.matrix, right, x, False)
        return x

    def _inner(self, number: int, right: Floats) -> Floats:
        """One or two steps of conjugate gradients on a coarse level."""
        from ghostcat.landscape._multigrid_loops import multiply

        first = self._cycle(number, right)
        if number == len(self.levels):
            return first
        matrix = self.levels[number].matrix
        product = multiply(*matrix, first)
        slope, gain = float(first @ product), float(first @ right)
        if slope <= 0:
            return first
        rest = right - (gain / slope) * product
        if float(np.linalg.norm(rest)) <= _ENOUGH * float(np.linalg.norm(right)):
            return first * (gain / slope)
        second = self._cycle(number, rest)
        other = multiply(*matrix, second)
        mixed = float(second @ product)
        left = float(second @ other) - mixed**2 / slope
        if left <= 0:
            return first * (gain / slope)
        more = float(second @ rest) / left
        return first * (gain / slope - mixed * more / slope) + second * more


def multigrid_solver(matrix: csr_array) -> MultigridSolver:
    """Prepare the levels of a symmetric positive definite matrix with non-positive off-diagonals."""
    from ghostcat.landscape._multigrid_loops import joined_matrix, pair_up

    indptr, indices = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    data = np.asarray(matrix.data, dtype=np.float64)
    levels: list[_Level] = []
    while len(indptr) - 1 > _COARSEST:
        half, halves = pair_up(indptr, indices, data)
        paired = joined_matrix(indptr, indices, data, half, halves)
        quarter, quarters = pair_up(*paired)
        if quarters > 0.9 * (len(indptr) - 1):
            break
        coarse = joined_matrix(*paired, quarter, quarters)
        levels.append(_Level(indptr, indices, data, quarter[half], quarters))
        indptr, indices, data = coarse
    return MultigridSolver(tuple(levels), _factor(indptr, indices, data))


def _factor(indptr: Ints, indices: Ints, data: Floats) -> Floats:
    from scipy.linalg import cho_factor
    from scipy.sparse import csr_array

    size = len(indptr) - 1
    dense = csr_array((data, indices, indptr), shape=(size, size)).toarray()
    try:
        return np.asarray(cho_factor(dense, lower=True)[0])
    except np.linalg.LinAlgError:
        raise ParameterError(
            "a part of the network has neither source nor ground", fix="Give every connected part a ground."
        ) from None
