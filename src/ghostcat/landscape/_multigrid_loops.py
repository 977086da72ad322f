"""Compiled loops of the multigrid solver, on matrices held row by row (indptr, indices, data)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit(cache=True)
def multiply(indptr: Ints, indices: Ints, data: Floats, x: Floats) -> Floats:
    """A x."""
    out = np.empty_like(x)
    for i in range(len(x)):
        total = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            total += data[k] * x[indices[k]]
        out[i] = total
    return out


@njit(cache=True)
def sweep(indptr: Ints, indices: Ints, data: Floats, right: Floats, x: Floats, forward: bool) -> None:
    """One Gauss–Seidel sweep, in place."""
    n = len(x)
    for a in range(n):
        i = a if forward else n - 1 - a
        total, own = right[i], 0.0
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] == i:
                own += data[k]
            else:
                total -= data[k] * x[indices[k]]
        if own > 0.0:
            x[i] = total / own


@njit(cache=True)
def pair_up(indptr: Ints, indices: Ints, data: Floats) -> tuple[Ints, int]:
    """Join each node with the free neighbour it is tied to most strongly; (n,) labels, their number."""
    n = len(indptr) - 1
    label = np.full(n, -1, np.int32)
    count = 0
    for i in range(n):
        if label[i] >= 0:
            continue
        label[i] = count
        best, strength = -1, 0.0
        strongest = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j == i:
                continue
            strongest = max(strongest, -data[k])
            if label[j] < 0 and -data[k] > strength:
                best, strength = j, -data[k]
        # A weak tie is no reason to share a value: such a node stays alone until a stronger one is free.
        if best >= 0 and strength >= 0.25 * strongest:
            label[best] = count
        count += 1
    return label, count


@njit(cache=True)
def sum_by(label: Ints, count: int, fine: Floats) -> Floats:
    """Sum of the values of each label."""
    coarse = np.zeros(count)
    for i in range(len(fine)):
        coarse[label[i]] += fine[i]
    return coarse


@njit(cache=True)
def add_from(label: Ints, coarse: Floats, fine: Floats) -> None:
    """Add to each node the value of its label, in place."""
    for i in range(len(fine)):
        fine[i] += coarse[label[i]]


@njit(cache=True)
def joined_matrix(
    indptr: Ints, indices: Ints, data: Floats, label: Ints, count: int
) -> tuple[Ints, Ints, Floats]:
    """The matrix of the labels: entries of the nodes that share a pair of labels added up."""
    n = len(label)
    start = np.zeros(count + 1, np.int32)
    for i in range(n):
        start[label[i] + 1] += 1
    for c in range(count):
        start[c + 1] += start[c]
    member = np.empty(n, np.int32)
    place = start[:-1].copy()
    for i in range(n):
        member[place[label[i]]] = i
        place[label[i]] += 1
    out_indptr = np.zeros(count + 1, np.int32)
    out_indices = np.empty(len(indices), np.int32)
    out_data = np.empty(len(indices))
    seen = np.full(count, -1, np.int64)
    used = 0
    for c in range(count):
        begin = used
        for m in range(start[c], start[c + 1]):
            i = member[m]
            for k in range(indptr[i], indptr[i + 1]):
                d = label[indices[k]]
                if seen[d] < begin:
                    seen[d] = used
                    out_indices[used] = d
                    out_data[used] = 0.0
                    used += 1
                out_data[seen[d]] += data[k]
        out_indptr[c + 1] = used
    return out_indptr, out_indices[:used].copy(), out_data[:used].copy()
