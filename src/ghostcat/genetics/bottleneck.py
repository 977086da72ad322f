"""Has the population been through a bottleneck? Heterozygosity excess, mode shift, and the M ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.genetics.coalescent import MutationModel, equilibrium_samples
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["Bottleneck", "ExcessTest", "MRatio", "bottleneck", "expected_heterozygosity"]

_Array = NDArray[np.float64]

_FEWEST_ANIMALS = 10
_FEWEST_LOCI = 4
#: Fewer accepted simulations than this give no expectation for a locus.
_ACCEPTED = 100


@dataclass(frozen=True, kw_only=True)
class ExcessTest:
    """Heterozygosity against what as many alleles give at equilibrium, under one mutation model.

    Parameters
    ----------
    loci, he, expected, deviation : per locus: name, gene diversity, its mean at equilibrium given the
        number of alleles, and the difference in standard deviations.
    p_sign : sign test for excess. p_wilcoxon_excess, p_wilcoxon_deficit, p_wilcoxon : signed ranks,
        one-sided for an excess (bottleneck), for a deficit (expansion, admixture), and two-sided.
    p_standardised : test of standardised differences; needs some 20 loci.
    """

    model: MutationModel
    loci: tuple[str, ...]
    he: _Array
    expected: _Array
    deviation: _Array
    n_excess: int
    p_sign: float
    p_wilcoxon_excess: float
    p_wilcoxon_deficit: float
    p_wilcoxon: float
    p_standardised: float


@dataclass(frozen=True, kw_only=True)
class MRatio:
    """Alleles over the range they span (Garza & Williamson 2001), with its critical value.

    `critical` is the 5 % quantile of the mean at equilibrium for the stated θ and mutation model.
    """

    loci: tuple[str, ...]
    per_locus: _Array
    mean: float
    lower: float
    upper: float
    critical: float
    p: float
    theta: float
    repeat_bp: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Bottleneck:
    """What one population shows.

    `mode_shift` is true where rare alleles (up to 0.1) are no longer the most frequent class.
    `m_ratio` is None where alleles are no lengths.
    """

    population: str
    n_animals: int
    tests: tuple[ExcessTest, ...]
    class_shares: _Array
    mode_shift: bool
    m_ratio: MRatio | None


def bottleneck(
    genotypes: Genotypes,
    rng: np.random.Generator,
    *,
    population: str = "",
    models: Sequence[MutationModel] = ("IAM", "TPM", "SMM"),
    simulations: int = 1000,
    single_step: float = 0.7,
    step_variance: float = 12.0,
    theta: float = 10.0,
) -> Bottleneck:
    """Test one population for a recent reduction of its effective size.

    Parameters
    ----------
    genotypes : animals of one population.
    simulations : accepted samples per locus and model.
    single_step, step_variance : of the two-phase model.
    theta : 4Neμ before a bottleneck, for the critical value of M.

    Raises
    ------
    EstimateRefused : fewer than ten animals (`few_animals`) or four varying loci (`few_loci`).

    References
    ----------
    Cornuet & Luikart (1996) Genetics 144:2001–2014; Luikart et al. (1998) Journal of Heredity
    89:238–247 (mode shift); Garza & Williamson (2001) Molecular Ecology 10:305–318 (M).
    """
    if len(genotypes) < _FEWEST_ANIMALS:
        raise EstimateRefused(
            f"{len(genotypes)} animals of population {population!r} are too few to test for a bottleneck",
            code="few_animals",
            fix=f"Sample at least {_FEWEST_ANIMALS}; 30 are recommended.",
        )
    counts = genotypes.allele_counts()
    varying = [at for at in range(genotypes.n_loci) if (counts[at] > 0).sum() > 1 and counts[at].sum() >= 10]
    if len(varying) < _FEWEST_LOCI:
        raise EstimateRefused(
            f"{len(varying)} varying loci in population {population!r} are too few to test for a bottleneck",
            code="few_loci",
            fix=f"Type at least {_FEWEST_LOCI}; 10 to 20 are recommended.",
        )
    tests = tuple(
        _excess(genotypes, counts, varying, model, rng, simulations, single_step, step_variance)
        for model in models
    )
    shares = _classes(counts[varying])
    return Bottleneck(
        population=population,
        n_animals=len(genotypes),
        tests=tests,
        class_shares=shares,
        mode_shift=bool(shares[0] < shares[1:].max()),
        m_ratio=_m_ratio(genotypes, counts, varying, rng, simulations, theta, step_variance),
    )


def expected_heterozygosity(
    n_genes: int,
    n_alleles: int,
    rng: np.random.Generator,
    *,
    model: MutationModel,
    simulations: int = 1000,
    single_step: float = 0.7,
    step_variance: float = 12.0,
) -> _Array:
    """Gene diversities of equilibrium samples that have exactly so many alleles.

    θ is uniform on a logarithmic scale around the values that give the number of alleles; samples
    with another number are thrown away.

    Returns
    -------
    (k,) gene diversities n/(n−1)·(1 − Σp²); fewer than `simulations` where the number is hardly reached.
    """
    low, high = _theta_range(n_genes, n_alleles, rng, model, single_step, step_variance)
    found: list[_Array] = []
    total = 0
    for _ in range(40):
        theta = np.exp(rng.uniform(low, high, size=2 * simulations))
        sample = equilibrium_samples(
            n_genes, theta, rng, model=model, single_step=single_step, step_variance=step_variance
        )
        alleles, diversity = _summary(sample)
        found.append(diversity[alleles == n_alleles])
        total += len(found[-1])
        if total >= simulations:
            break
    return np.concatenate(found)[:simulations]


def _theta_range(
    n_genes: int,
    n_alleles: int,
    rng: np.random.Generator,
    model: MutationModel,
    single_step: float,
    step_variance: float,
) -> tuple[float, float]:
    """Range of ln θ in which the number of alleles is seen at all, from a coarse scan."""
    grid = np.linspace(np.log(0.005), np.log(500.0 if model != "IAM" else 200.0), 34)
    low, high = grid[0], grid[-1]
    hits = []
    for value in grid:
        sample = equilibrium_samples(
            n_genes,
            np.full(60, np.exp(value)),
            rng,
            model=model,
            single_step=single_step,
            step_variance=step_variance,
        )
        alleles, _ = _summary(sample)
        hits.append((alleles == n_alleles).mean())
        if alleles.min() > n_alleles:
            break
    seen = np.flatnonzero(np.array(hits) > 0)
    if seen.size:
        low, high = grid[max(seen[0] - 1, 0)], grid[min(seen[-1] + 1, len(grid) - 1)]
    return float(low), float(high)


def _summary(sample: NDArray[np.int32]) -> tuple[NDArray[np.int64], _Array]:
    """Number of alleles and gene diversity of each row."""
    ordered = np.sort(sample, axis=1)
    n = sample.shape[1]
    begins = np.ones(ordered.shape, dtype=bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    position = np.arange(n)
    rank = position - np.maximum.accumulate(np.where(begins, position, 0), axis=1)
    # Σ count² is the sum over genes of 2·rank + 1, ranks counted within each allele.
    homozygosity = (2 * rank + 1).sum(axis=1) / n**2
    return begins.sum(axis=1), n / (n - 1) * (1 - homozygosity)


def _excess(
    genotypes: Genotypes,
    counts: NDArray[np.int64],
    varying: Sequence[int],
    model: MutationModel,
    rng: np.random.Generator,
    simulations: int,
    single_step: float,
    step_variance: float,
) -> ExcessTest:
    from scipy.stats import binom, norm, wilcoxon

    drawn: dict[tuple[int, int], _Array] = {}
    names, he, expected, spread, chance = [], [], [], [], []
    for at in varying:
        mine = counts[at][counts[at] > 0]
        key = (int(mine.sum()), len(mine))
        if key not in drawn:
            drawn[key] = expected_heterozygosity(
                *key,
                rng,
                model=model,
                simulations=simulations,
                single_step=single_step,
                step_variance=step_variance,
            )
        null = drawn[key]
        if len(null) < min(_ACCEPTED, simulations):
            continue
        n = key[0]
        names.append(genotypes.loci[at].name)
        he.append(n / (n - 1) * (1 - ((mine / n) ** 2).sum()))
        expected.append(null.mean())
        spread.append(null.std(ddof=1))
        chance.append((null < null.mean()).mean())
    if len(names) < _FEWEST_LOCI:
        raise EstimateRefused(
            f"under {model} only {len(names)} loci have a number of alleles that equilibrium can give",
            code="few_loci",
            fix="Leave this mutation model out, or type more loci.",
        )
    seen, null_mean = np.array(he), np.array(expected)
    difference = seen - null_mean
    deviation = difference / np.array(spread)
    n_excess = int((difference > 0).sum())
    # Chance of an excess at a locus under equilibrium: its distribution is skewed, so not one half.
    p_excess = float(1 - np.mean(chance))
    t = float(deviation.sum() / np.sqrt(len(names)))
    return ExcessTest(
        model=model,
        loci=tuple(names),
        he=seen,
        expected=null_mean,
        deviation=deviation,
        n_excess=n_excess,
        p_sign=float(binom.sf(n_excess - 1, len(names), p_excess)),
        p_wilcoxon_excess=float(wilcoxon(difference, alternative="greater").pvalue),
        p_wilcoxon_deficit=float(wilcoxon(difference, alternative="less").pvalue),
        p_wilcoxon=float(wilcoxon(difference).pvalue),
        p_standardised=float(2 * norm.sf(abs(t))),
    )


def _classes(counts: NDArray[np.int64]) -> _Array:
    """Shares of alleles in the ten classes of frequency 0–0.1, 0.1–0.2 …"""
    frequencies = (counts / counts.sum(axis=1, keepdims=True))[counts > 0]
    number = np.minimum((frequencies * 10).astype(int), 9)
    found: _Array = np.bincount(number, minlength=10) / len(frequencies)
    return found


def _m_ratio(
    genotypes: Genotypes,
    counts: NDArray[np.int64],
    varying: Sequence[int],
    rng: np.random.Generator,
    simulations: int,
    theta: float,
    step_variance: float,
) -> MRatio | None:
    seen_lengths: dict[int, NDArray[np.int64]] = {}
    for at in varying:
        lengths = genotypes.loci[at].sizes
        if lengths is not None:
            seen_lengths[at] = lengths[counts[at][: len(lengths)] > 0]
    repeats = _repeats(list(seen_lengths.values()))
    names = [genotypes.loci[at].name for at in seen_lengths]
    ratios = [
        len(mine) / (np.ptp(mine) / repeat + 1)
        for mine, repeat in zip(seen_lengths.values(), repeats, strict=True)
    ]
    genes = [int(counts[at].sum()) for at in seen_lengths]
    if len(names) < _FEWEST_LOCI:
        return None
    seen = np.array(ratios)
    drawn = rng.choice(seen, size=(4000, len(seen))).mean(axis=1)
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    # 90 % single steps, the others 3.5 repeats in the mean, as Garza & Williamson recommend.
    null = np.zeros(simulations)
    for n in genes:
        sample = equilibrium_samples(
            n, np.full(simulations, theta), rng, model="TPM", single_step=0.9, step_variance=8.75
        )
        null += _summary(sample)[0] / (np.ptp(sample, axis=1) + 1)
    null /= len(genes)
    return MRatio(
        loci=tuple(names),
        per_locus=seen,
        mean=float(seen.mean()),
        lower=float(lower),
        upper=float(upper),
        critical=float(np.quantile(null, 0.05)),
        p=float(((null <= seen.mean()).sum() + 1) / (simulations + 1)),
        theta=theta,
        repeat_bp=np.array(repeats, dtype=np.int64),
    )


def _repeats(lengths: Sequence[NDArray[np.int64]]) -> list[int]:
    """Length of the repeat of each locus.

    Two or three alleles may lie two repeats apart by chance, above all after a bottleneck; they take
    the repeat that most of the other loci have, where it divides their own steps.
    """
    own = [_repeat(mine) for mine in lengths]
    sure = [size for size, mine in zip(own, lengths, strict=True) if len(mine) >= 4]
    usual = max(set(sure), key=sure.count) if sure else 1
    return [
        usual if len(mine) < 4 and size % usual == 0 and sure else size
        for size, mine in zip(own, lengths, strict=True)
    ]


def _repeat(lengths: NDArray[np.int64]) -> int:
    """The largest step of 1 … 6 bp that most alleles lie apart by."""
    nearest = lengths[np.argmin(np.abs(lengths - np.median(lengths)))]
    for size in (6, 5, 4, 3, 2):
        if ((lengths - nearest) % size == 0).mean() >= 0.9:
            return size
    return 1
