"""Families with known truth: genes dropped through a pedigree, then typed badly on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics.genotypes import Genotypes, Locus, MarkerKind

__all__ = ["BredPopulation", "breed_population", "drop_genes", "type_animals"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BredPopulation:
    """A population with known parents.

    Parameters
    ----------
    dam, sire : (n,) rows of the parents, −1 for founders; parents come before offspring.
    female : (n,) sexes.
    birth_year : (n,) years.
    """

    dam: Ints
    sire: Ints
    female: NDArray[np.bool_]
    birth_year: Ints


def breed_population(
    *,
    rng: np.random.Generator,
    founders: int = 30,
    years: int = 10,
    survival: float = 0.8,
    breeding: float = 0.5,
    largest_litter: int = 4,
    first_year: int = 2000,
) -> BredPopulation:
    """Big cats: litters of one to a few every other year or so, overlapping generations, a few busy males.

    Parameters
    ----------
    founders : animals of unknown parents in the first year, of mixed ages.
    years : how long they breed.
    survival : yearly survival of those older than one year; half of the cubs live to be two.
    breeding : share of adult females with a litter in a year.
    largest_litter : litters have 1 … this many cubs, each alike.
    """
    dam, sire = [-1] * founders, [-1] * founders
    female = list(rng.random(founders) < 0.5)
    born = [first_year - int(a) for a in rng.integers(3, 9, founders)]
    alive = set(range(founders))
    # A male's share of matings stays his; the spread makes half sibs.
    worth = list(rng.gamma(0.7, size=founders))
    for year in range(first_year, first_year + years):
        adults = sorted(a for a in alive if year - born[a] >= 3)
        mothers = [a for a in adults if female[a] and rng.random() < breeding]
        males = [a for a in adults if not female[a]]
        weights = np.array([worth[a] for a in males])
        for mother in mothers if males else ():
            father = males[int(rng.choice(len(males), p=weights / weights.sum()))]
            for _ in range(int(rng.integers(1, largest_litter + 1))):
                dam.append(mother)
                sire.append(father)
                female.append(bool(rng.random() < 0.5))
                born.append(year)
                worth.append(float(rng.gamma(0.7)))
                alive.add(len(dam) - 1)
        alive = {a for a in sorted(alive) if rng.random() < (survival if year - born[a] > 1 else 0.71)}
    return BredPopulation(
        dam=np.array(dam), sire=np.array(sire), female=np.array(female), birth_year=np.array(born)
    )


def drop_genes(
    dams: Sequence[int] | Ints,
    sires: Sequence[int] | Ints,
    frequencies: NDArray[np.float64],
    *,
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    """Mendelian inheritance at unlinked loci.

    Parameters
    ----------
    dams, sires : (n,) rows of the parents, −1 for a founder's side. Parents come before offspring.
    frequencies : (L, A) allele frequencies of founders; rows sum to 1.
    rng : source of randomness.

    Returns
    -------
    (n, L, 2) allele codes, the maternal one first.

    Raises
    ------
    ParameterError : a parent stands after its offspring.

    >>> drop_genes([-1, -1, 0], [-1, -1, 1], np.array([[0.0, 1.0]]), rng=np.random.default_rng(1)).shape
    (3, 1, 2)
    """
    parents = np.stack([np.asarray(dams), np.asarray(sires)])
    n, n_loci = parents.shape[1], len(frequencies)
    if (parents >= np.arange(n)).any():
        row = int(np.argmax((parents >= np.arange(n)).any(axis=0)))
        raise ParameterError(f"animal {row} stands before its parent", fix="List parents before offspring.")
    cumulative = frequencies.cumsum(axis=1)
    cumulative[:, -1] = 1.0
    alleles = (rng.random((n, n_loci, 2))[..., None] > cumulative[None, :, None, :]).sum(axis=3)
    alleles = alleles.astype(np.int16)
    take = rng.integers(0, 2, size=(n, n_loci, 2))
    locus = np.arange(n_loci)
    for i in range(n):
        for side in (0, 1):
            if parents[side, i] >= 0:
                alleles[i, :, side] = alleles[parents[side, i], locus, take[i, :, side]]
    return np.asarray(alleles, dtype=np.int16)


def type_animals(
    alleles: NDArray[np.integer],
    samples: Sequence[str],
    *,
    rng: np.random.Generator,
    marker: MarkerKind = "snp",
    n_alleles: int | Ints = 2,
    false_allele: float = 0.0,
    dropout: float = 0.0,
    missing: float = 0.0,
) -> Genotypes:
    """What a laboratory would read.

    Parameters
    ----------
    alleles : (n, L, 2) true alleles.
    samples : (n,) ids.
    n_alleles : alleles a locus can have, one number or (L,).
    false_allele : probability that a genotype holds a misread allele.
    dropout : probability that a heterozygote shows one allele.
    missing : probability that a genotype is not read.

    Returns
    -------
    Genotypes with one row per animal.
    """
    read = np.array(alleles, dtype=np.int16)
    n, n_loci, _ = read.shape
    lost = (rng.random((n, n_loci)) < dropout) & (read[:, :, 0] != read[:, :, 1])
    keep = rng.integers(0, 2, size=(n, n_loci))
    kept = np.take_along_axis(read, keep[:, :, None], axis=2)
    read = np.where(lost[:, :, None], kept, read)
    wrong = rng.random(read.shape) < false_allele / 2.0
    width = np.broadcast_to(np.maximum(n_alleles, 1), (n_loci,))
    shift = 1 + (rng.random(read.shape) * np.maximum(width - 1, 1)[:, None]).astype(np.int16)
    read = np.where(wrong, (read + shift) % width[:, None], read)
    read = np.where((rng.random((n, n_loci)) < missing)[:, :, None], -1, read)
    loci = tuple(
        Locus(
            f"L{at + 1}",
            tuple(str(k) if marker == "snp" else str(100 + 2 * k) for k in range(int(width[at]))),
            marker,
        )
        for at in range(n_loci)
    )
    return Genotypes(tuple(samples), loci, read.astype(np.int16))
