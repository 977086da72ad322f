"""Sums over loci of what two genotypes say about a pair, for many pairs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.genotypes import Genotypes

__all__ = ["PairTable", "Pairs", "genotype_table", "pair_indices", "pair_sums"]

_Array = NDArray[np.float64]

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
#: Locus number and its (k, 2) different genotypes → (terms, k, k).
PairTable = Callable[[int, NDArray[np.int64]], _Array]

#: Columns of the matrix of genotypes that are multiplied at a time, and rows.
_COLUMNS, _ROWS = 3000, 1000


def pair_indices(n: int) -> Pairs:
    """All pairs (i, j) with i < j, in the order (0, 1), (0, 2) …"""
    first, second = np.triu_indices(n, 1)
    return first.astype(np.intp), second.astype(np.intp)


def genotype_table(genotypes: Genotypes, at: int, table: PairTable) -> tuple[_Array, NDArray[np.intp]]:
    """The table of one locus, 0 where a genotype is incomplete, and each animal's row in it."""
    different, number = np.unique(genotypes.alleles[:, at], axis=0, return_inverse=True)
    complete = (different >= 0).all(axis=1)
    values = table(at, np.maximum(different, 0).astype(np.int64))
    values[:, ~complete, :] = 0.0
    values[:, :, ~complete] = 0.0
    return values, number.ravel()


def pair_sums(
    genotypes: Genotypes, loci: Sequence[int], table: PairTable, *, pairs: Pairs | None = None
) -> _Array:
    """Sum a table of pairs of genotypes over loci.

    Of all pairs, the sum is a product of matrices: which genotype each animal has at each locus,
    times the table, times the same again.

    Returns
    -------
    (terms, m) sums; loci that were not typed in both animals add nothing.
    """
    if pairs is not None:
        total: _Array | None = None
        for at in loci:
            values, number = genotype_table(genotypes, at, table)
            part = values[:, number[pairs[0]], number[pairs[1]]]
            total = part if total is None else total + part
        return np.zeros((0, len(pairs[0]))) if total is None else total
    tables = [genotype_table(genotypes, at, table) for at in loci]
    n = len(genotypes)
    first, second = pair_indices(n)
    terms = len(tables[0][0]) if tables else 0
    sums = np.zeros((terms, len(first)))
    for chunk in _chunks(tables):
        has = np.concatenate([np.eye(values.shape[1])[number] for values, number in chunk], axis=1)
        for term in range(terms):
            says = np.concatenate([values[term][number] for values, number in chunk], axis=1)
            for start in range(0, n, _ROWS):
                stop = min(start + _ROWS, n)
                square = says[start:stop] @ has.T
                mine = slice(np.searchsorted(first, start), np.searchsorted(first, stop))
                sums[term, mine] += square[first[mine] - start, second[mine]]
    return sums


def _chunks(
    tables: Sequence[tuple[_Array, NDArray[np.intp]]],
) -> list[list[tuple[_Array, NDArray[np.intp]]]]:
    chunks: list[list[tuple[_Array, NDArray[np.intp]]]] = []
    width = _COLUMNS
    for item in tables:
        size = item[0].shape[1]
        if width + size > _COLUMNS:
            chunks.append([])
            width = 0
        chunks[-1].append(item)
        width += size
    return chunks
