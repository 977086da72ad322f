"""Laboratory readings arranged for likelihoods: who was typed how often, and what was read each time.

A reading of one locus is a code: 0 … G−1 for an unordered pair of alleles, G + k where only allele k
was read, −1 where nothing was. G = A(A+1)/2 for the largest number of alleles A of any locus; pairs
with alleles that a locus does not have get frequency zero and so play no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["GenotypeTable", "Reactions", "arrange"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class GenotypeTable:
    """All unordered pairs of `n_alleles` alleles.

    >>> GenotypeTable.of(2).first.tolist(), GenotypeTable.of(2).second.tolist()
    ([0, 0, 1], [0, 1, 1])
    """

    n_alleles: int
    first: Ints
    second: Ints
    copies: Floats
    """(G, A) copies of each allele."""

    @classmethod
    def of(cls, n_alleles: int) -> GenotypeTable:
        """The table for this many alleles."""
        first, second = np.triu_indices(n_alleles)
        copies = np.zeros((len(first), n_alleles))
        rows = np.arange(len(first))
        np.add.at(copies, (rows, first), 1.0)
        np.add.at(copies, (rows, second), 1.0)
        return cls(n_alleles, first, second, copies)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def heterozygous(self) -> NDArray[np.bool_]:
        """(G,) are the two alleles different?"""
        differ: NDArray[np.bool_] = self.first != self.second
        return differ

    @property
    def homozygote_of(self) -> Ints:
        """(A,) number of the homozygote of each allele."""
        return np.flatnonzero(~self.heterozygous)

    def code(self, alleles: NDArray[np.integer]) -> Ints:
        """(…) codes of readings from (…, 2) sorted allele codes, −1 missing and last."""
        low = alleles[..., 0].astype(np.intp)
        high = alleles[..., 1].astype(np.intp)
        # Row `low` of the upper triangle starts after the rows above it.
        full = low * self.n_alleles - (low * (low - 1)) // 2 + (high - low)
        half = np.where(low >= 0, len(self) + low, -1)
        coded: Ints = np.where(high >= 0, full, half)
        return coded

    def expected(self, frequencies: Floats) -> Floats:
        """(L, G) Hardy–Weinberg frequencies from (L, A) allele frequencies."""
        pair = frequencies[:, self.first] * frequencies[:, self.second]
        return np.asarray(np.where(self.heterozygous, 2.0, 1.0) * pair)


@dataclass(frozen=True, eq=False)
class Reactions:
    """Readings by sample and locus.

    `sample_of` gives for each of the n rows its sample (0 … S−1); `read` is (n, L) codes.
    """

    samples: tuple[str, ...]
    loci: tuple[str, ...]
    n_alleles: Ints
    table: GenotypeTable
    sample_of: Ints
    read: Ints

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def replicated(self) -> bool:
        """Was any sample typed more than once?"""
        return len(self.sample_of) > len(self.samples)

    @property
    def typed(self) -> NDArray[np.bool_]:
        """(S, L): was anything read of this sample at this locus?"""
        return self.attempts(read_only=True) > 0

    def attempts(self, *, read_only: bool = False) -> NDArray[np.int64]:
        """(S, L) number of reactions; only those that gave something if `read_only`."""
        counted = (self.read >= 0) if read_only else np.ones_like(self.read, dtype=bool)
        number = np.zeros((len(self.samples), len(self.loci)), dtype=np.int64)
        np.add.at(number, self.sample_of, counted.astype(np.int64))
        return number

    def first_frequencies(self, *, prior: float = 1.0) -> Floats:
        """(L, A) allele frequencies from raw readings, each sample weighing one."""
        counts = np.zeros((len(self.loci), self.table.n_alleles))
        reads = np.maximum(self.attempts(read_only=True), 1)
        whole, half = self._copies()
        weight = 1.0 / reads[self.sample_of]
        counts += np.einsum("nl,nla->la", weight, whole) + np.einsum("nl,nla->la", weight, half)
        return normalised_frequencies(counts, self.n_alleles, prior=prior)

    def raw_frequencies(self) -> Floats:
        """(L, A) allele frequencies of whole readings, each sample weighing one; no prior."""
        whole, _ = self._copies()
        is_whole = (self.read >= 0) & (self.read < len(self.table))
        reads = np.zeros((len(self.samples), len(self.loci)))
        np.add.at(reads, self.sample_of, is_whole.astype(float))
        weight = 1.0 / np.maximum(reads[self.sample_of], 1.0)
        counts = np.einsum("nl,nla->la", weight, whole)
        return normalised_frequencies(counts, self.n_alleles, prior=0.0)

    def _copies(self) -> tuple[Floats, Floats]:
        n_pairs = len(self.table)
        is_whole = (self.read >= 0) & (self.read < n_pairs)
        whole = self.table.copies[np.where(is_whole, self.read, 0)] * is_whole[..., None]
        one = np.eye(self.table.n_alleles)
        is_half = self.read >= n_pairs
        half = one[np.where(is_half, self.read - n_pairs, 0)] * is_half[..., None]
        return whole, half


def normalised_frequencies(counts: Floats, n_alleles: Ints, *, prior: float = 1.0) -> Floats:
    """(L, A) frequencies from (L, A) counts; `prior` copies are spread over the alleles a locus has.

    A locus at which nothing was read gets one allele: it tells nothing.
    """
    known = np.maximum(n_alleles, 1)[:, None]
    padded = np.where(np.arange(counts.shape[1]) < known, counts + prior / known, 0.0)
    padded[padded.sum(axis=1) <= 0, 0] = 1.0
    return np.asarray(padded / padded.sum(axis=1, keepdims=True))


def arrange(genotypes: Genotypes) -> Reactions:
    """Put rows of one sample id together as replicates.

    Raises
    ------
    ParameterError : there are no samples or no loci.

    >>> typed = Genotypes.from_names(["a", "b", "a"], ["x"], [[("1", "2")], [None], [("1", "1")]])
    >>> arrange(typed).samples, arrange(typed).read[:, 0].tolist()
    (('a', 'b'), [1, -1, 0])
    """
    if not len(genotypes) or not genotypes.n_loci:
        raise ParameterError(
            f"there are {len(genotypes)} samples and {genotypes.n_loci} loci",
            fix="Give at least one sample and one locus.",
        )
    place = {name: at for at, name in enumerate(dict.fromkeys(genotypes.samples))}
    table = GenotypeTable.of(max(2, int(genotypes.n_alleles.max())))
    return Reactions(
        samples=tuple(place),
        loci=genotypes.locus_names,
        n_alleles=genotypes.n_alleles.astype(np.intp),
        table=table,
        sample_of=np.array([place[name] for name in genotypes.samples], dtype=np.intp),
        read=table.code(genotypes.alleles),
    )
