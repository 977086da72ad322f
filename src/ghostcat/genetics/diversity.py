"""How diverse are they? Heterozygosity, allelic richness, inbreeding within populations, private alleles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.frequencies import AlleleFrequencies

__all__ = [
    "Diversity",
    "NeiStatistics",
    "PrivateAllele",
    "allelic_richness",
    "diversity",
    "nei_statistics",
    "private_alleles",
]

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Diversity:
    """Diversity of P populations at L loci; NaN where a population was not typed at a locus.

    Parameters
    ----------
    ho : (P, L) share of heterozygotes.
    hs : (P, L) gene diversity, unbiased for sample size and for inbreeding (Nei 1987, 7.38–7.39).
    he : (P, L) expected heterozygosity 2n/(2n−1)·(1 − Σp²), unbiased under random mating (Nei 1978).
    he_biased : (P, L) 1 − Σp².
    fis : (P, L) 1 − Ho/Hs.
    richness : (P, L) alleles expected in `richness_genes` genes (rarefaction).
    alleles : (P, L) alleles seen.
    """

    populations: tuple[str, ...]
    loci: tuple[str, ...]
    n_typed: NDArray[np.int64]
    ho: _Array
    hs: _Array
    he: _Array
    he_biased: _Array
    fis: _Array
    richness: _Array
    richness_genes: int
    alleles: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NeiStatistics:
    """Nei's decomposition per locus (L,) or, averaged over loci, as numbers (see `overall`)."""

    loci: tuple[str, ...]
    ho: _Array
    hs: _Array
    ht: _Array
    n_populations: NDArray[np.int64]

    @property
    def dst(self) -> _Array:
        """Diversity between populations, Ht − Hs."""
        return self.ht - self.hs

    @property
    def dst_prime(self) -> _Array:
        """Dst free of the number of populations, np/(np−1)·Dst; NaN for one population."""
        k = np.where(self.n_populations > 1, self.n_populations, np.nan)
        return np.asarray(k / (k - 1) * self.dst)

    def per_locus(self) -> dict[str, _Array]:
        """All statistics of each locus, under the names of the field."""
        return _ratios(self.ho, self.hs, self.ht, self.hs + self.dst_prime, self.dst_prime)

    def overall(self) -> dict[str, float]:
        """Means over loci; ratios are taken of the means (Nei 1987)."""
        means = [_mean(v) for v in (self.ho, self.hs, self.ht, self.hs + self.dst_prime, self.dst_prime)]
        return {name: float(v) for name, v in _ratios(*(np.asarray(m) for m in means)).items()}


@dataclass(frozen=True)
class PrivateAllele:
    """An allele that was seen in one population only."""

    population: str
    locus: str
    allele: str
    count: int
    frequency: float


def diversity(frequencies: AlleleFrequencies, *, richness_genes: int | None = None) -> Diversity:
    """Heterozygosity, FIS and rarefied allelic richness per population and locus.

    Parameters
    ----------
    richness_genes : genes to which richness is rarefied; the smallest sample of any population and
        locus when None.

    References
    ----------
    Nei (1978) Genetics 89:583–590; Nei (1987) Molecular Evolutionary Genetics, ch. 7;
    Hurlbert (1971) Ecology 52:577–586; El Mousadik & Petit (1996) TAG 92:832–839.
    """
    n = frequencies.n_typed.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.where(n > 0, n, np.nan)
        ho = frequencies.heterozygotes / known
        homozygosity = np.where(n > 0, np.nansum(frequencies.frequencies**2, axis=2), np.nan)
        he = 2 * known / (2 * known - 1) * (1 - homozygosity)
        hs = np.where(n > 1, n / (n - 1) * (1 - homozygosity - ho / (2 * known)), np.nan)
        fis = np.where(hs > 0, 1 - ho / hs, np.nan)
    smallest = frequencies.n_typed[frequencies.n_typed > 0]
    genes = richness_genes or (2 * int(smallest.min()) if smallest.size else 0)
    return Diversity(
        populations=frequencies.populations,
        loci=frequencies.loci,
        n_typed=frequencies.n_typed,
        ho=ho,
        hs=hs,
        he=he,
        he_biased=1 - homozygosity,
        fis=fis,
        richness=allelic_richness(frequencies.counts, genes),
        richness_genes=genes,
        alleles=frequencies.observed,
    )


def allelic_richness(counts: NDArray[np.integer], genes: int) -> _Array:
    """Alleles expected among `genes` genes drawn without replacement.

    Σᵢ 1 − C(N−Nᵢ, g)/C(N, g)

    Parameters
    ----------
    counts : (..., A) genes of each allele.
    genes : size to rarefy to; NaN where fewer were typed.

    >>> allelic_richness(np.array([2, 2]), 2).round(4).item()
    1.6667
    """
    have = np.asarray(counts, dtype=np.int64)
    total = have.sum(-1, keepdims=True)
    log_factorial = _log_factorials(int(total.max(initial=0)))
    rest = total - have
    with np.errstate(invalid="ignore"):
        log_none = (
            log_factorial[rest]
            - log_factorial[np.maximum(rest - genes, 0)]
            - log_factorial[total]
            + log_factorial[np.maximum(total - genes, 0)]
        )
    absent = np.where(rest >= genes, np.exp(log_none), 0.0)
    found = np.where(have > 0, 1 - absent, 0.0).sum(-1)
    return np.asarray(np.where((total[..., 0] >= genes) & (genes > 0), found, np.nan))


def nei_statistics(frequencies: AlleleFrequencies) -> NeiStatistics:
    """Ho, Hs and Ht per locus over populations, each population with the same weight.

    References
    ----------
    Nei (1987), eq. 7.36–7.40; Nei & Chesser (1983) Annals of Human Genetics 47:253–259.
    """
    n = frequencies.n_typed.astype(np.float64)
    used = n > 0
    k = used.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        harmonic = k / np.where(used, 1 / np.where(used, n, 1.0), 0.0).sum(axis=0)
        p = np.where(used[:, :, None], np.nan_to_num(frequencies.frequencies), 0.0)
        ho = np.where(used, frequencies.heterozygotes / np.where(used, n, 1.0), 0.0).sum(axis=0) / k
        mean_homozygosity = (p**2).sum(axis=(0, 2)) / k
        pooled_homozygosity = ((p.sum(axis=0) / k[:, None]) ** 2).sum(axis=1)
        hs = harmonic / (harmonic - 1) * (1 - mean_homozygosity - ho / (2 * harmonic))
        ht = 1 - pooled_homozygosity + hs / (harmonic * k) - ho / (2 * harmonic * k)
    unknown = ~np.isfinite(hs)
    # Of one population nothing lies between.
    ht = np.where(unknown | (len(used) < 2), np.nan, ht)
    hs = np.where(unknown, np.nan, hs)
    return NeiStatistics(frequencies.loci, ho, hs, ht, k.astype(np.int64))


def private_alleles(frequencies: AlleleFrequencies) -> tuple[PrivateAllele, ...]:
    """Alleles that only one population has; none when there is only one population."""
    if len(frequencies.populations) < 2:
        return ()
    present = frequencies.counts > 0
    locus, allele = np.nonzero(present.sum(axis=0) == 1)
    found = []
    for at, code in zip(locus.tolist(), allele.tolist(), strict=True):
        where = int(np.argmax(present[:, at, code]))
        found.append(
            PrivateAllele(
                population=frequencies.populations[where],
                locus=frequencies.loci[at],
                allele=frequencies.allele_names[at][code],
                count=int(frequencies.counts[where, at, code]),
                frequency=float(frequencies.frequencies[where, at, code]),
            )
        )
    order = {name: number for number, name in enumerate(frequencies.populations)}
    return tuple(sorted(found, key=lambda item: order[item.population]))


def _ratios(ho: _Array, hs: _Array, ht: _Array, htp: _Array, dstp: _Array) -> dict[str, _Array]:
    def share(top: _Array, bottom: _Array) -> _Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(bottom > 0, top / bottom, np.nan)

    return {
        "Ho": ho,
        "Hs": hs,
        "Ht": ht,
        "Dst": ht - hs,
        "Htp": htp,
        "Dstp": dstp,
        "Fst": share(ht - hs, ht),
        "Fstp": share(dstp, htp),
        "Fis": share(hs - ho, hs),
        "Dest": share(dstp, 1 - hs),
    }


def _mean(values: _Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _log_factorials(largest: int) -> _Array:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, max(largest, 1) + 1)))])
