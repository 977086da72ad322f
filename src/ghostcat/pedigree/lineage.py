"""The pedigree as one recursion: every node is a weighted sum of two older ones plus something of its own.

For an animal the two are its parents with weights ½. Two further kinds of node keep the recursion exact
where a studbook is not certain:

- an *average* node is Σ p·candidate: the parent of a child when several parents are possible. Kinship is
  linear in the parent, so kinship averaged over the possibilities follows exactly (parents chosen
  independently for each child).
- a *one-of* node is the same animal for several children (a litter of one unknown sire): related to the
  others like the average, but to itself like one animal.

Founders whose kinship is known from DNA are sums of earlier founders (the Cholesky factor of their
relationship), again chains of two. With relationships A = T D Tᵀ, T from the weights and D diagonal, a
product A·w takes one pass down and one up (Colleau 2002), whatever the nodes mean.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

if TYPE_CHECKING:
    from ghostcat.pedigree.pedigree import FounderKinship, Pedigree

__all__ = ["ANIMAL", "AVERAGE", "GIVEN", "ONE_OF", "Lineage", "build_lineage", "tabulate"]

ANIMAL, AVERAGE, ONE_OF, GIVEN = 0, 1, 2, 3
#: Up to so many nodes the relationships are tabulated; beyond, compiled code works along the ancestors.
TABULATED = 2500

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lineage:
    """N nodes, parents first and generation by generation.

    Attributes
    ----------
    node : (n,) node of each animal of the pedigree.
    a, b : (N,) the two older nodes, -1 none; `wa`, `wb` their weights.
    kind : (N,) `ANIMAL`, `AVERAGE`, `ONE_OF`, `GIVEN`.
    given : (N,) what A_ii has beside the two older nodes: A_ii itself for `GIVEN`, the part of the genome
        that counts for `ANIMAL` (1, so that A_ii = 1 + F), the share of nobody known for `ONE_OF`.
    starts : first node of each generation, and N.
    """

    node: Integers
    a: Integers
    b: Integers
    wa: Floats
    wb: Floats
    kind: NDArray[np.int8]
    given: Floats
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.a)

    @cached_property
    def small(self) -> bool:
        """Small enough for a table of everything."""
        return len(self) <= TABULATED

    @cached_property
    def table(self) -> Floats:
        """(N, N) relationships A of all nodes; for small pedigrees."""
        return tabulate(self, self._own)

    def _own(self, nodes: slice, table: Floats) -> Floats:
        """The diagonal of A for nodes whose parents are tabulated."""
        a, b, wa, wb = self.a[nodes], self.b[nodes], self.wa[nodes], self.wb[nodes]
        both, aa, bb = _quadratic(a, b, table)
        kind = self.kind[nodes]
        given = self.given[nodes]
        own = given + 0.5 * both
        own = np.where(kind == AVERAGE, wa * wa * aa + wb * wb * bb + 2 * wa * wb * both, own)
        own = np.where(kind == ONE_OF, wa * aa + wb * bb + given, own)
        return np.where(kind == GIVEN, given, own)

    @cached_property
    def diagonal(self) -> Floats:
        """(N,) A of each node with itself: 1 + F for animals."""
        return self._diagonal_and_own[0]

    @cached_property
    def own_variance(self) -> Floats:
        """(N,) D: what a node has that does not come from its two older ones (Mendelian sampling)."""
        return self._diagonal_and_own[1]

    @cached_property
    def _diagonal_and_own(self) -> tuple[Floats, Floats]:
        if not self.small:
            return self._along_ancestors()
        diagonal = self.table.diagonal().copy()
        both, aa, bb = _quadratic(self.a, self.b, self.table)
        share = self.wa**2 * aa + self.wb**2 * bb + 2 * self.wa * self.wb * both
        return diagonal, diagonal - share

    def _along_ancestors(self) -> tuple[Floats, Floats]:
        from ghostcat.pedigree._compiled import diagonal_and_own

        nodes = np.column_stack([self.a, self.b])
        plain = bool((self.kind == ANIMAL).all())
        weights = np.zeros((1, 2)) if plain else np.column_stack([self.wa, self.wb])
        diagonal, own = diagonal_and_own(nodes, weights, plain, self.kind, self.given, self.starts)
        return diagonal, own

    def down(self, weights: Floats) -> Floats:
        """Tᵀw: the weights of all nodes carried to their ancestors; w (N,) or (N, columns)."""
        if weights.ndim == 2:
            return self._down_columns(weights)
        carried = np.append(weights, 0.0)  # a last cell takes what goes to no parent
        for begin, end in self._passes():
            part = carried[begin:end]
            np.add.at(carried, self.a[begin:end], self.wa[begin:end] * part)
            np.add.at(carried, self.b[begin:end], self.wb[begin:end] * part)
            carried[-1] = 0.0
        return carried[:-1]

    def up(self, own: Floats) -> Floats:
        """T·x: what every node inherits when each has x of its own; x (N,) or (N, columns)."""
        if own.ndim == 2:
            return self._up_columns(own)
        total = np.append(own, 0.0)
        for begin, end in reversed(self._passes()):
            a, b = self.a[begin:end], self.b[begin:end]
            total[begin:end] += self.wa[begin:end] * total[a] + self.wb[begin:end] * total[b]
        return total[:-1]

    def product(self, weights: Floats) -> Floats:
        """A·w without A."""
        own = self.own_variance if weights.ndim == 1 else self.own_variance[:, None]
        return self.up(own * self.down(weights))

    def _passes(self) -> list[tuple[int, int]]:
        """Generations after the first, youngest first."""
        bounds = self.starts.tolist()
        return list(itertools.pairwise(bounds[1:]))[::-1]

    @cached_property
    def _inheritance(self) -> list[tuple[int, int, NDArray[np.int64], Any]]:
        """For each generation after the first, youngest first: its parents, and a sparse matrix."""
        from scipy.sparse import csr_array

        out = []
        for begin, end in self._passes():
            children = np.tile(np.arange(end - begin), 2)
            parents = np.r_[self.a[begin:end], self.b[begin:end]]
            weights = np.r_[self.wa[begin:end], self.wb[begin:end]]
            there = parents >= 0
            unique, columns = np.unique(parents[there], return_inverse=True)
            matrix = csr_array((weights[there], (children[there], columns)), shape=(end - begin, len(unique)))
            out.append((begin, end, unique, matrix))
        return out

    def _down_columns(self, weights: Floats) -> Floats:
        carried = weights.copy()
        for begin, end, parents, matrix in self._inheritance:
            carried[parents] += matrix.T @ carried[begin:end]
        return carried

    def _up_columns(self, own: Floats) -> Floats:
        total = own.copy()
        for begin, end, parents, matrix in reversed(self._inheritance):
            total[begin:end] += matrix @ total[parents]
        return total

    def shares_of_ancestors(self, nodes: NDArray[np.int64]) -> Any:
        """Rows of T as a sparse matrix (nodes × N): what each node inherits from each ancestor."""
        from scipy.sparse import csr_array

        n = len(self)
        children = np.tile(np.arange(n), 2)
        parents = np.r_[self.a, self.b]
        there = parents >= 0
        step = csr_array((np.r_[self.wa, self.wb][there], (children[there], parents[there])), shape=(n, n))
        reached = csr_array((np.ones(len(nodes)), (np.arange(len(nodes)), nodes)), shape=(len(nodes), n))
        total = reached
        while reached.nnz:
            reached = reached @ step
            total = total + reached
        return total

    def ancestors(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The nodes and everything above them, parents first."""
        wanted = np.zeros(len(self) + 1, dtype=bool)
        wanted[nodes] = True
        for begin, end in self._passes():
            inside = np.flatnonzero(wanted[begin:end]) + begin
            wanted[self.a[inside]] = True
            wanted[self.b[inside]] = True
        return np.flatnonzero(wanted[:-1])

    def restricted(self, kept: NDArray[np.int64]) -> Lineage:
        """The recursion of some nodes that include all their ancestors; `node` then refers to them."""
        new = np.full(len(self) + 1, -1, dtype=np.int32)
        new[kept] = np.arange(len(kept), dtype=np.int32)
        part = Lineage(
            node=np.arange(len(kept), dtype=np.int32),
            a=new[self.a[kept]],
            b=new[self.b[kept]],
            wa=self.wa[kept],
            wb=self.wb[kept],
            kind=self.kind[kept],
            given=self.given[kept],
            starts=np.searchsorted(kept, self.starts),
        )
        # What is known of the whole needs no second computation.
        part.__dict__["_diagonal_and_own"] = (self.diagonal[kept], self.own_variance[kept])
        return part


def _quadratic(a: Integers, b: Integers, table: Floats) -> tuple[Floats, Floats, Floats]:
    """A_ab, A_aa and A_bb; 0 where one is not there."""
    has_a, has_b = a >= 0, b >= 0
    return (
        np.where(has_a & has_b, table[a, b], 0.0),
        np.where(has_a, table[a, a], 0.0),
        np.where(has_b, table[b, b], 0.0),
    )


def tabulate(lineage: Lineage, own: Any) -> Floats:
    """The tabular method, a generation at a time; `own(nodes, table)` gives the diagonal of new nodes."""
    n = len(lineage)
    table = np.zeros((n + 1, n + 1))  # the last row and column stand for parents that are not known
    for begin, end in zip(lineage.starts[:-1].tolist(), lineage.starts[1:].tolist(), strict=True):
        a, b = lineage.a[begin:end], lineage.b[begin:end]
        wa, wb = lineage.wa[begin:end, None], lineage.wb[begin:end, None]
        rows = wa * table[a, :begin] + wb * table[b, :begin]
        table[begin:end, :begin] = rows
        table[:begin, begin:end] = rows.T
        # Within the generation: kinship with the other's parents is now in the columns.
        block = wa * table[a, begin:end] + wb * table[b, begin:end]
        np.fill_diagonal(block, own(slice(begin, end), table))
        table[begin:end, begin:end] = block
    return table[:-1, :-1]


def build_lineage(pedigree: Pedigree, *, known: Floats | None = None) -> Lineage:
    """The recursion of a pedigree: nodes for animals, possible parents and founders known from DNA.

    Parameters
    ----------
    known : (n,) share of each genome that counts; identity is then that of counted genes alone.

    Raises
    ------
    InputError : an animal is its own ancestor.
    """
    nodes = _Nodes(pedigree, known)
    _add_odds(nodes, pedigree)
    if pedigree.founder_kinship is not None:
        _add_founder_kinship(nodes, pedigree.founder_kinship)
    return nodes.lineage(pedigree)


class _Nodes:
    """Nodes while they are collected: the animals first, then what is inserted."""

    def __init__(self, pedigree: Pedigree, known: Floats | None) -> None:
        n = len(pedigree)
        self.all_count = known is None
        self.a, self.b = pedigree.dam.copy(), pedigree.sire.copy()
        self.wa, self.wb = np.full(n, 0.5), np.full(n, 0.5)
        self.kind = np.zeros(n, dtype=np.int8)
        self.given = np.ones(n) if known is None else known.copy()
        self.added: list[tuple[int, int, float, float, int]] = []

    def add(self, a: int, b: int, wa: float, wb: float, kind: int) -> int:
        self.added.append((a, b, wa, wb, kind))
        return len(self.a) + len(self.added) - 1

    def mixture(self, parents: list[int], weights: list[float], kind: int) -> int:
        """A node that is Σ weight · parent, as a chain of sums of two."""
        if len(parents) == 1:
            return self.add(parents[0], -1, weights[0], 0.0, kind)
        last = parents[-1]
        weight = weights[-1]
        for parent, share in zip(parents[-2::-1], weights[-2::-1], strict=True):
            inner = share + weight if kind == ONE_OF and parent != parents[0] else 1.0
            last = self.add(parent, last, share / inner, weight / inner, kind)
            weight = inner
        return last

    def lineage(self, pedigree: Pedigree) -> Lineage:
        from ghostcat.pedigree.pedigree import generations

        a, b, wa, wb, kind = self.a, self.b, self.wa, self.wb, self.kind
        given = self.given
        level = generations(pedigree)
        if self.added:
            extra = list(zip(*self.added, strict=True))
            a = np.r_[a, np.array(extra[0], np.int32)].astype(np.int32)
            b = np.r_[b, np.array(extra[1], np.int32)].astype(np.int32)
            wa, wb = np.r_[wa, np.array(extra[2])], np.r_[wb, np.array(extra[3])]
            kind = np.r_[kind, np.array(extra[4], np.int8)].astype(np.int8)
            rest = np.array([1 - wa - wb if kind == ONE_OF else 0.0 for _, _, wa, wb, kind in self.added])
            given = np.r_[given, rest if self.all_count else 0 * rest]
            level = _node_levels(a, b)
        # Brothers and sisters side by side: the compiled code reuses their parents' kinship.
        order = np.lexsort((a, b, level))
        new = np.empty(len(a) + 1, dtype=np.int32)
        new[order] = np.arange(len(a), dtype=np.int32)
        new[-1] = -1
        depth = int(level.max(initial=-1)) + 1
        return Lineage(
            node=new[: len(pedigree)],
            a=new[a[order]],
            b=new[b[order]],
            wa=np.ascontiguousarray(wa[order]),
            wb=np.ascontiguousarray(wb[order]),
            kind=kind[order],
            given=given[order],
            starts=np.searchsorted(level[order], np.arange(depth + 1)),
        )


def _node_levels(a: Integers, b: Integers) -> Integers:
    from ghostcat.pedigree.pedigree import _levels

    children = np.r_[np.flatnonzero(a >= 0), np.flatnonzero(b >= 0)]
    parents = np.r_[a[a >= 0], b[b >= 0]].astype(np.int64)
    level, _ = _levels(len(a), children, parents)
    return level


def _add_odds(nodes: _Nodes, pedigree: Pedigree) -> None:
    sets: dict[tuple[int, str], list[tuple[int, float]]] = {}
    litters: dict[tuple[str, str, tuple[tuple[int, float], ...]], int] = {}
    litter_of: dict[tuple[int, str], str] = {}
    for entry in pedigree.odds:
        sets.setdefault((entry.child, entry.role), []).append((entry.parent, entry.probability))
        litter_of[entry.child, entry.role] = entry.litter
    for (child, role), possible in sets.items():
        parents = [parent for parent, _ in possible]
        weights = [weight for _, weight in possible]
        litter = litter_of[child, role]
        if litter:
            key = (role, litter, tuple(possible))
            if key not in litters:
                litters[key] = nodes.mixture(parents, weights, ONE_OF)
            node = litters[key]
        else:
            node = nodes.mixture(parents, weights, AVERAGE)
        (nodes.a if role == "dam" else nodes.b)[child] = node


def _add_founder_kinship(nodes: _Nodes, known: FounderKinship) -> None:
    """Founder i = Σ (earlier founders) + own, from the Cholesky factor of their relationships 2 × kinship."""
    relationship = known.kinship + known.kinship.T
    values = np.linalg.eigvalsh(relationship)
    if len(values) and values[0] <= 1e-10:
        raise ParameterError(
            f"the kinship of the founders is not positive definite (smallest eigenvalue {values[0]:.2g})",
            fix="Use genomic.founder_kinship, which bends the estimates to the nearest possible ones.",
        )
    for i, animal in enumerate(known.animals.tolist()):
        nodes.kind[animal] = GIVEN
        nodes.given[animal] = relationship[i, i]
        if i == 0:
            continue
        weights = np.linalg.solve(relationship[:i, :i], relationship[:i, i])
        used = np.flatnonzero(np.abs(weights) > 1e-15)
        if not len(used):
            continue
        earlier = known.animals[used].tolist()
        nodes.a[animal] = nodes.mixture(earlier, weights[used].tolist(), AVERAGE)
        nodes.wa[animal] = 1.0
