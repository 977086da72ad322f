"""DNA and pedigree together: founders related by their genotypes, and kinship corrected by relatedness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree.kinship import kinship, positions
from ghostcat.pedigree.pedigree import Pedigree

__all__ = [
    "GenomicKinship",
    "bend",
    "enter_founders",
    "genomic_kinship",
    "genomic_relationship",
    "sample_founder_kinship",
]

Floats = NDArray[np.float64]
#: Smallest eigenvalue left after bending, in units of relationship.
_SMALLEST = 1e-3
#: Genotyped animals that show on which base their relationships stand.
_FEWEST = 10


def enter_founders(
    pedigree: Pedigree,
    ids: Sequence[str],
    estimates: ArrayLike,
    *,
    standard_error: ArrayLike | None = None,
    lowest: float | None = 0.0,
) -> Pedigree:
    """Let wild-born animals enter with the kinship that their DNA shows.

    Estimates of kinship vary about the truth and go below 0; the pedigree's base (all founders unrelated) is
    kept as the lowest kinship by default, and the matrix is bent to a possible one.

    Parameters
    ----------
    ids : founders (no known parent) with DNA.
    estimates : (k, k) kinship coefficients, the diagonal ½(1 + F).
    standard_error : of the estimates, one number or (k, k); carried into intervals.
    lowest : estimates below count as this; None keeps them.

    Returns
    -------
    The pedigree, with `founder_kinship`; every statistic of it then honours it.

    Raises
    ------
    ParameterError : not symmetric, not finite, or an animal has known parents.

    References
    ----------
    Ballou & Lacy (1995) on founders of known relationship; Jorjani et al. (2003) J Dairy Sci 86:677 on
    bending.
    """
    matrix = np.asarray(estimates, dtype=np.float64)
    _refuse_matrix(matrix, len(ids))
    if lowest is not None:
        matrix = np.where(np.eye(len(ids), dtype=bool), matrix, np.maximum(matrix, lowest))
    matrix = matrix.copy()
    np.fill_diagonal(matrix, np.maximum(np.diag(matrix), 0.5))
    error = None
    if standard_error is not None:
        error = np.broadcast_to(np.asarray(standard_error, dtype=np.float64), matrix.shape).copy()
    return pedigree.with_founder_kinship(ids, 0.5 * bend(2 * matrix), standard_error=error)


def sample_founder_kinship(pedigree: Pedigree, rng: np.random.Generator) -> Pedigree:
    """One pedigree with founder kinship drawn about its estimates by their standard errors."""
    known = pedigree.founder_kinship
    if known is None or known.standard_error is None:
        return pedigree
    k = len(known.animals)
    noise = np.tril(rng.normal(size=(k, k)), -1) * known.standard_error
    drawn = np.maximum(known.kinship + noise + noise.T, 0.0)
    np.fill_diagonal(drawn, np.diag(known.kinship))
    ids = [pedigree.ids[animal] for animal in known.animals.tolist()]
    return pedigree.with_founder_kinship(ids, 0.5 * bend(2 * drawn), standard_error=known.standard_error)


def bend(relationship: Floats) -> Floats:
    """The nearest symmetric matrix whose eigenvalues are all positive (small ones are raised).

    >>> float(np.linalg.eigvalsh(bend(np.array([[1.0, 1.5], [1.5, 1.0]]))).min().round(6))
    0.001
    """
    values, vectors = np.linalg.eigh(0.5 * (relationship + relationship.T))
    if values.min() >= _SMALLEST:
        return np.asarray(0.5 * (relationship + relationship.T))
    raised = (vectors * np.maximum(values, _SMALLEST)) @ vectors.T
    return np.asarray(0.5 * (raised + raised.T))


@dataclass(frozen=True, kw_only=True, eq=False)
class GenomicKinship:
    """Kinship from pedigree and DNA together.

    Attributes
    ----------
    animals : (m,) positions; `kinship` (m, m).
    intercept, slope : how genomic relationships were brought to the pedigree's base.
    weight : of the DNA for the genotyped.
    correlation : between pedigree and DNA over genotyped pairs.
    disagreeing : pairs of genotyped animals far from what the pedigree says, with (pedigree, DNA) kinship,
        the farthest first: parents that may be wrong, or relatives among founders.
    """

    animals: NDArray[np.int64]
    kinship: Floats
    intercept: float
    slope: float
    weight: float
    correlation: float
    disagreeing: tuple[tuple[int, int, float, float], ...]


def genomic_kinship(
    pedigree: Pedigree,
    genotyped: ArrayLike,
    estimates: ArrayLike,
    *,
    animals: ArrayLike | None = None,
    weight: float = 0.95,
    tuned: bool = True,
) -> GenomicKinship:
    """Correct kinship of chosen animals by the genomic relatedness of those that are genotyped.

    With A the pedigree's relationships and G the genomic ones of the genotyped (2),
    H = A + A_·2 A_22⁻¹ (G* − A_22) A_22⁻¹ A_2·, where G* = w(a + bG) + (1 − w) A_22. The constants a and b
    bring G to the base of the pedigree: equal means on and off the diagonal. Animals without DNA are
    corrected through their genotyped relatives; founders too are then as related as the DNA says.

    Parameters
    ----------
    genotyped : positions of the g genotyped animals, at least two.
    estimates : (g, g) kinship from DNA; the diagonal ½(1 + F).
    animals : positions or a mask of the answer; the genotyped by default.
    weight : share w of the DNA; the rest is what markers do not see.
    tuned : bring G to the pedigree's base; without, and with fewer than ten genotyped, whose means say little
        about a base, a = 0 and b = 1.

    Raises
    ------
    EstimateRefused : `too_few_genotyped`.

    References
    ----------
    Legarra, Aguilar & Misztal (2009) J Dairy Sci 92:4656; Christensen & Lund (2010) Genet Sel Evol 42:2;
    Christensen et al. (2012) Animal 6:1565 for the constants.
    """
    two = positions(pedigree, genotyped)
    matrix = np.asarray(estimates, dtype=np.float64)
    _refuse_matrix(matrix, len(two))
    if not 0 < weight <= 1:
        raise ParameterError(f"the weight of the DNA is {weight:g}; it lies in 0…1")
    if len(two) < 2:
        raise EstimateRefused(f"{len(two)} genotyped animals; two are needed", code="too_few_genotyped")
    chosen = two if animals is None else positions(pedigree, animals)
    everyone = np.union1d(chosen, two)
    table = 2 * kinship(pedigree, everyone)
    at, at_two = np.searchsorted(everyone, chosen), np.searchsorted(everyone, two)
    a22 = table[np.ix_(at_two, at_two)]
    intercept, slope = _base(2 * matrix, a22) if tuned and len(two) >= _FEWEST else (0.0, 1.0)
    on_base = intercept + slope * 2 * matrix
    blended = bend(weight * on_base + (1 - weight) * a22)
    # Clones and fully inbred lines make A_22 singular; what they share is corrected once.
    path = table[np.ix_(at, at_two)] @ np.linalg.pinv(a22, hermitian=True)
    corrected = table[np.ix_(at, at)] + path @ (blended - a22) @ path.T
    pairs = np.tril_indices(len(two), -1)
    return GenomicKinship(
        animals=chosen,
        kinship=0.25 * (corrected + corrected.T),
        intercept=intercept,
        slope=slope,
        weight=weight,
        correlation=_correlation(a22[pairs], on_base[pairs]),
        disagreeing=_disagreeing(two, 0.5 * a22, 0.5 * on_base),
    )


def _base(genomic: Floats, pedigree: Floats) -> tuple[float, float]:
    """a and b of a + bG with the pedigree's mean on the diagonal and off it."""
    off = ~np.eye(len(genomic), dtype=bool)
    spread = np.diag(genomic).mean() - genomic[off].mean()
    if spread <= 0.1:
        raise EstimateRefused(
            "the genomic relationships are as high between animals as within them",
            code="no_contrast",
            fix="Give kinship coefficients with ½(1 + F) on the diagonal.",
        )
    slope = float((np.diag(pedigree).mean() - pedigree[off].mean()) / spread)
    return float(pedigree[off].mean() - slope * genomic[off].mean()), slope


def _correlation(one: Floats, other: Floats) -> float:
    if len(one) < 3 or one.std() == 0 or other.std() == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _disagreeing(
    animals: NDArray[np.int64], pedigree: Floats, genomic: Floats
) -> tuple[tuple[int, int, float, float], ...]:
    """Pairs off by more than four robust standard deviations of all pairs, and by 0.05 at least."""
    one, other = np.tril_indices(len(animals), -1)
    apart = genomic[one, other] - pedigree[one, other]
    middle = np.median(apart)
    spread = 1.4826 * np.median(np.abs(apart - middle))
    far = np.flatnonzero(np.abs(apart - middle) > max(4 * spread, 0.05))
    far = far[np.argsort(-np.abs(apart[far]))]
    return tuple(
        (
            int(animals[one[k]]),
            int(animals[other[k]]),
            float(pedigree[one[k], other[k]]),
            float(genomic[one[k], other[k]]),
        )
        for k in far.tolist()
    )


def genomic_relationship(dosages: ArrayLike, *, frequencies: ArrayLike | None = None) -> Floats:
    """Genomic relationships G from SNP dosages (VanRaden 2008, first method); kinship is G/2.

    Parameters
    ----------
    dosages : (n, loci) copies of one allele, 0, 1, 2; NaN missing (counts as the mean).
    frequencies : (loci,) of that allele in the base population; those of the sample by default, which makes
        the sample itself the base: bring G to the pedigree's base before use (`genomic_kinship` does).

    Raises
    ------
    EstimateRefused : `no_variation`, no locus varies.
    """
    copies = np.asarray(dosages, dtype=np.float64)
    if copies.ndim != 2 or np.nanmin(copies, initial=0) < 0 or np.nanmax(copies, initial=0) > 2:
        raise ParameterError("dosages are a table of 0, 1 and 2, animals by loci; NaN is missing")
    given = np.nanmean(copies, axis=0) / 2 if frequencies is None else np.asarray(frequencies, np.float64)
    varies = (given > 0) & (given < 1)
    if not varies.any():
        raise EstimateRefused("no locus varies", code="no_variation")
    p = given[varies]
    centred = np.where(np.isnan(copies[:, varies]), 0.0, copies[:, varies] - 2 * p)
    return np.asarray(centred @ centred.T / (2 * p * (1 - p)).sum())


def _refuse_matrix(matrix: Floats, size: int) -> None:
    if matrix.shape != (size, size):
        raise ParameterError(f"kinship of {size} animals is {size} × {size}, not {matrix.shape}")
    if not np.isfinite(matrix).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(matrix))[0])
        raise ParameterError(f"kinship in row {i + 1}, column {j + 1} is no number")
    if not np.allclose(matrix, matrix.T, atol=1e-8):
        raise ParameterError("the kinship of a with b is not that of b with a", fix="Give a symmetric table.")
