"""Do loci go together? Tests of genotypic linkage disequilibrium."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.equilibrium import sum_over_cells
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["LinkageTest", "linkage_tests"]

_Array = NDArray[np.float64]

#: More pairs than this are tested by chi-square, all at once, where loci have two alleles.
_MANY_PAIRS = 1000
_BLOCK = 4_000_000


@dataclass(frozen=True)
class LinkageTest:
    """One pair of loci, over all populations together (animals are compared within them).

    Parameters
    ----------
    statistic : log-likelihood ratio G of the genotype table, or n·r² for `composite`.
    p : share of permutations (the observed one included) with a statistic as large, or chi-square tail.
    """

    locus1: str
    locus2: str
    n: int
    statistic: float
    p: float
    method: Literal["permutation", "composite"]


def linkage_tests(
    genotypes: Genotypes, rng: np.random.Generator, *, permutations: int = 2000
) -> tuple[LinkageTest, ...]:
    """Test every pair of loci; pairs where one does not vary are left out.

    Genotypes of one locus are shuffled among the animals of each population and the G statistic of
    the table genotype × genotype, summed over populations, compared. Of many SNPs (over 1,000
    pairs), n·r² of the genotypes within populations is compared with chi-square of 1 degree of
    freedom instead (composite disequilibrium, no assumption of random mating).

    References
    ----------
    Raymond & Rousset (1995) Evolution 49:1280–1283; Weir (1979) Biometrics 35:235–254;
    Goudet et al. (1996) Genetics 144:1933–1940 (statistic summed over populations).
    """
    n_pairs = genotypes.n_loci * (genotypes.n_loci - 1) // 2
    if n_pairs > _MANY_PAIRS and genotypes.is_biallelic:
        return _composite(genotypes)
    groups = [genotypes.rows_of(name) for name in genotypes.population_names]
    codes = _genotype_codes(genotypes)
    tests = []
    for first, second in combinations(range(genotypes.n_loci), 2):
        compared = [_shared(codes[rows][:, [first, second]]) for rows in groups]
        tables = [table for table in compared if table is not None]
        if not tables:
            continue
        seen, p = _permute(tables, rng, permutations)
        names = genotypes.locus_names
        n = sum(len(table) for table in tables)
        tests.append(LinkageTest(names[first], names[second], n, seen, p, "permutation"))
    return tuple(tests)


def _genotype_codes(genotypes: Genotypes) -> NDArray[np.int32]:
    """(n, L) one number a genotype, −1 where incomplete."""
    width = int(genotypes.n_alleles.max(initial=1))
    pair = genotypes.alleles.astype(np.int32)
    return np.where(genotypes.typed, pair[:, :, 0] * width + pair[:, :, 1], -1)


def _shared(codes: NDArray[np.int32]) -> NDArray[np.int32] | None:
    """(m, 2) genotypes, numbered from 0, of animals typed at both loci; None if one does not vary."""
    both = codes[(codes >= 0).all(axis=1)]
    if len(both) < 2:
        return None
    columns = [np.unique(both[:, side], return_inverse=True)[1] for side in (0, 1)]
    if min(column.max() for column in columns) == 0:
        return None
    return np.stack(columns, axis=1).astype(np.int32)


def _permute(
    tables: list[NDArray[np.int32]], rng: np.random.Generator, permutations: int
) -> tuple[float, float]:
    """G over populations and its p-value. Only Σ n_ij ln n_ij changes when animals are shuffled."""
    seen = np.zeros(1)
    shuffled = np.zeros(permutations)
    constant = 0.0
    for table in tables:
        n, width = len(table), int(table[:, 1].max()) + 1
        m = np.arange(n + 1, dtype=np.float64)
        m_log_m = m * np.log(np.maximum(m, 1))
        increments = np.diff(m_log_m)
        seen += sum_over_cells((table[:, 0] * width + table[:, 1])[None, :], increments)
        margins = sum(m_log_m[np.bincount(table[:, side])].sum() for side in (0, 1))
        constant += m_log_m[n] - margins
        block = max(1, _BLOCK // n)
        for start in range(0, permutations, block):
            size = min(block, permutations - start)
            other = rng.permuted(np.broadcast_to(table[:, 1], (size, n)), axis=1)
            shuffled[start : start + size] += sum_over_cells(table[:, 0] * width + other, increments)
    extreme = int((shuffled >= seen[0] - 1e-9).sum())
    return float(2 * (seen[0] + constant)), (extreme + 1) / (permutations + 1)


def _composite(genotypes: Genotypes) -> tuple[LinkageTest, ...]:
    from scipy.stats import chi2

    dosage = genotypes.dosage().astype(np.float64)
    typed = dosage >= 0
    centred = np.zeros_like(dosage)
    freedom = np.zeros((genotypes.n_loci, genotypes.n_loci))
    for name in genotypes.population_names:
        rows = genotypes.rows_of(name)
        known = typed[rows]
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, dosage[rows], 0).sum(axis=0) / n
        centred[rows] = np.where(known, dosage[rows] - mean, 0.0)
        freedom += np.maximum(known.T.astype(np.float64) @ known - 1, 0)
    present = typed.astype(np.float64)
    cross = centred.T @ centred
    squares = (centred**2).T @ present
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(squares * squares.T > 0, cross**2 / (squares * squares.T), np.nan)
    statistic = r2 * freedom
    p = chi2.sf(statistic, 1)
    n_both = present.T @ present
    names = genotypes.locus_names
    return tuple(
        LinkageTest(
            names[i], names[j], int(n_both[i, j]), float(statistic[i, j]), float(p[i, j]), "composite"
        )
        for i, j in zip(*np.triu_indices(genotypes.n_loci, 1), strict=True)
        if np.isfinite(statistic[i, j])
    )
