"""Allele and genotype counts, per population and pooled: what every other estimate starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.genotypes import Genotypes

__all__ = ["AlleleFrequencies", "allele_frequencies"]


@dataclass(frozen=True, eq=False)
class AlleleFrequencies:
    """Allele counts of P populations at L loci with at most A alleles.

    Only complete genotypes are counted: of half a genotype nobody knows which half was lost.

    Parameters
    ----------
    populations : (P,) names.
    loci : (L,) names.
    allele_names : L tuples of allele names.
    n_typed : (P, L) individuals with a complete genotype.
    counts : (P, L, A) genes of each allele; padded with 0 beyond the alleles of a locus.
    heterozygotes : (P, L) individuals with two different alleles.
    homozygotes : (P, L, A) individuals with two copies of an allele.
    """

    populations: tuple[str, ...]
    loci: tuple[str, ...]
    allele_names: tuple[tuple[str, ...], ...]
    n_typed: NDArray[np.int64]
    counts: NDArray[np.int64]
    heterozygotes: NDArray[np.int64]
    homozygotes: NDArray[np.int64]

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """(P, L, A) allele frequencies; NaN where nobody of the population was typed at the locus."""
        genes = 2.0 * self.n_typed[:, :, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = self.counts / np.where(genes > 0, genes, np.nan)
        return found

    @property
    def observed(self) -> NDArray[np.int64]:
        """(P, L) number of alleles that were seen."""
        seen: NDArray[np.int64] = (self.counts > 0).sum(axis=2)
        return seen

    def pooled(self, name: str = "all") -> AlleleFrequencies:
        """All populations taken as one."""
        return AlleleFrequencies(
            populations=(name,),
            loci=self.loci,
            allele_names=self.allele_names,
            n_typed=self.n_typed.sum(axis=0, keepdims=True),
            counts=self.counts.sum(axis=0, keepdims=True),
            heterozygotes=self.heterozygotes.sum(axis=0, keepdims=True),
            homozygotes=self.homozygotes.sum(axis=0, keepdims=True),
        )

    def take(self, populations: Sequence[int]) -> AlleleFrequencies:
        """These populations only, by number."""
        at = list(populations)
        return AlleleFrequencies(
            populations=tuple(self.populations[i] for i in at),
            loci=self.loci,
            allele_names=self.allele_names,
            n_typed=self.n_typed[at],
            counts=self.counts[at],
            heterozygotes=self.heterozygotes[at],
            homozygotes=self.homozygotes[at],
        )


def allele_frequencies(genotypes: Genotypes) -> AlleleFrequencies:
    """Count alleles and heterozygotes per population and locus.

    Populations come in the order of their first row; rows without one form the population "".

    >>> cats = Genotypes.from_names(["a", "b"], ["fca8"], [[("135", "143")], [("143", "143")]])
    >>> allele_frequencies(cats).frequencies.tolist()
    [[[0.25, 0.75]]]
    """
    names = genotypes.population_names or ("",)
    number = {name: at for at, name in enumerate(names)}
    population = np.array([number[name] for name in genotypes.populations], dtype=np.intp)
    width = int(genotypes.n_alleles.max(initial=1))
    shape = (len(names), genotypes.n_loci)
    typed, het = genotypes.typed, genotypes.heterozygous
    locus = np.broadcast_to(np.arange(genotypes.n_loci), typed.shape)
    group = np.broadcast_to(population[:, None], typed.shape)
    counts = np.zeros((*shape, width), dtype=np.int64)
    homozygotes = np.zeros_like(counts)
    for side in (0, 1):
        np.add.at(counts, (group[typed], locus[typed], genotypes.alleles[:, :, side][typed]), 1)
    hom = typed & ~het
    np.add.at(homozygotes, (group[hom], locus[hom], genotypes.alleles[:, :, 0][hom]), 1)
    n_typed, n_het = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    np.add.at(n_typed, population, typed)
    np.add.at(n_het, population, het)
    return AlleleFrequencies(
        populations=names,
        loci=genotypes.locus_names,
        allele_names=tuple(item.alleles for item in genotypes.loci),
        n_typed=n_typed,
        counts=counts,
        heterozygotes=n_het,
        homozygotes=homozygotes,
    )
