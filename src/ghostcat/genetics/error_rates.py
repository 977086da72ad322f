"""How often a reading is wrong: allelic dropout and false alleles, per locus, with intervals.

A reaction at a heterozygote loses one of its two alleles with the probability `dropout` (the
definition of Broquet & Petit 2004: per amplified heterozygote). Then each of the two copies read is
replaced by another allele of the locus with the probability e, where 1 − (1 − e)² = `false_allele`,
the probability that a reaction shows at least one false allele. The true genotype is unknown, and
is averaged over (Johnson & Haydon 2007), so that a consensus need not be right for the rates to be.

References
----------
Broquet & Petit (2004) Molecular Ecology 13:3601–3608. Pompanon et al. (2005) Nature Reviews Genetics
6:847–859. Johnson & Haydon (2007) Genetics 175:827–842.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics.reactions import Floats, GenotypeTable, Ints, Reactions, normalised_frequencies

__all__ = [
    "ASSUMED_DROPOUT",
    "ASSUMED_FALSE_ALLELE",
    "ErrorRates",
    "Rate",
    "estimate_error_rates",
    "reading_probabilities",
    "sample_log_likelihoods",
]

#: Used where nothing tells the rates, and shown as an assumption then.
ASSUMED_DROPOUT = 0.10
ASSUMED_FALSE_ALLELE = 0.01

#: Expected readings of heterozygotes (of anything, for false alleles) below which a rate is assumed.
_ENOUGH_READINGS = 30.0
#: A locus leans on the mean of all loci with the weight of this many readings.
_LEAN = 20.0
#: Half the 95 % quantile of χ² with one degree of freedom.
_HALF_CHI2 = 1.920729
_LOWEST, _HIGHEST = 1e-4, 0.9


@dataclass(frozen=True)
class Rate:
    """A rate with its 95 % interval; the limits are None where it is assumed."""

    value: float
    lower: float | None
    upper: float | None
    origin: Literal["estimated", "assumed"]
    readings: float
    """Expected number of readings in which the error could have shown."""


@dataclass(frozen=True, eq=False)
class ErrorRates:
    """Rates of all loci together and of each; `dropout_l` and `false_allele_l` are (L,) in use."""

    dropout: Rate
    false_allele: Rate
    dropout_by_locus: tuple[Rate, ...]
    false_allele_by_locus: tuple[Rate, ...]
    iterations: int = 0
    converged: bool = True

    @property
    def dropout_l(self) -> Floats:
        """(L,) dropout in use."""
        return np.array([rate.value for rate in self.dropout_by_locus])

    @property
    def false_allele_l(self) -> Floats:
        """(L,) false alleles in use."""
        return np.array([rate.value for rate in self.false_allele_by_locus])

    @classmethod
    def assumed(
        cls, n_loci: int, *, dropout: float = ASSUMED_DROPOUT, false_allele: float = ASSUMED_FALSE_ALLELE
    ) -> ErrorRates:
        """The same assumed rates at every locus.

        Raises
        ------
        ParameterError : a rate is not in 0 … 0.9.
        """
        for name, value in (("dropout", dropout), ("false_allele", false_allele)):
            if not 0.0 <= value <= _HIGHEST:
                raise ParameterError(f"{name} is {value}", fix=f"Give a probability in 0…{_HIGHEST}.")
        drop = Rate(dropout, None, None, "assumed", 0.0)
        false = Rate(false_allele, None, None, "assumed", 0.0)
        return cls(drop, false, (drop,) * n_loci, (false,) * n_loci)


def copy_error(false_allele: Floats) -> Floats:
    """Probability e per copy from the probability per reaction."""
    return np.asarray(1.0 - np.sqrt(1.0 - false_allele))


def reading_probabilities(
    table: GenotypeTable, n_alleles: Ints, *, dropout: Floats, false_allele: Floats
) -> Floats:
    """(L, G + A, G) probability of each reading (axis 1) given each true genotype (axis 2).

    The last A rows are half readings: allele k was read, the other was not.
    """
    parts = _parts(table, n_alleles, copy_error(false_allele))
    d = np.where(table.heterozygous, 1.0, 0.0) * dropout[:, None]
    whole = (1.0 - d)[:, None, :] * parts.kept + d[:, None, :] * parts.lost
    shows = table.copies > 0
    half = np.einsum("ok,log->lkg", shows, whole)
    return np.concatenate([whole, half], axis=1)


@dataclass(frozen=True, eq=False)
class _Parts:
    """(L, G, G) reading (axis 1) given truth (axis 2), if both alleles amplify, and if one is lost."""

    kept: Floats
    lost: Floats
    kept_slope: Floats
    """Derivative by e."""
    lost_slope: Floats


def _parts(table: GenotypeTable, n_alleles: Ints, e: Floats) -> _Parts:
    width = table.n_alleles
    has = np.arange(width) < n_alleles[:, None]
    others = np.maximum(n_alleles - 1, 1)[:, None, None]
    to_other = (~np.eye(width, dtype=bool)) & has[:, None, :] & has[:, :, None]
    change = to_other / others - np.eye(width) * (n_alleles > 1)[:, None, None]
    m = np.eye(width) + e[:, None, None] * change  # (L, true allele, read allele)
    a, b = table.first, table.second
    both = (a != b)[None, :, None]

    def pair(p: Floats, q: Floats) -> Floats:
        straight = p[:, a][:, :, a] * q[:, b][:, :, b]
        crossed = p[:, a][:, :, b] * q[:, b][:, :, a]
        return np.asarray(np.swapaxes(straight, 1, 2) + both * np.swapaxes(crossed, 1, 2))

    kept = pair(m, m)
    slope = pair(change, m) + pair(m, change)
    ha, hb = table.homozygote_of[a], table.homozygote_of[b]
    return _Parts(
        kept, 0.5 * (kept[:, :, ha] + kept[:, :, hb]), slope, 0.5 * (slope[:, :, ha] + slope[:, :, hb])
    )


def sample_log_likelihoods(reactions: Reactions, probabilities: Floats) -> Floats:
    """(S, L, G) log probability of all readings of each sample, given each genotype."""
    logs = np.log(np.maximum(probabilities, 1e-300))
    n_loci, n_readings, n_pairs = logs.shape
    # One row more for "nothing read", which says nothing.
    logs = np.concatenate([logs, np.zeros((n_loci, 1, n_pairs))], axis=1)
    code = np.where(reactions.read < 0, n_readings, reactions.read)
    total = np.zeros((len(reactions), n_loci, n_pairs))
    np.add.at(total, reactions.sample_of, logs[np.arange(n_loci), code])
    return total


def genotype_posterior(log_likelihood: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """(U, L, G) posterior and (U, L) log evidence from (U, L, G) log likelihoods and (L, G) frequencies."""
    top = log_likelihood.max(axis=2, keepdims=True)
    weight = np.exp(log_likelihood - top) * expected
    total = weight.sum(axis=2, keepdims=True)
    return weight / total, (top + np.log(total))[:, :, 0]


@dataclass(frozen=True, eq=False)
class ErrorCounts:
    """(L,) expected errors and readings in which they could show, given rates and genotypes."""

    drops: Floats
    heterozygotes: Floats
    false_copies: Floats
    copies: Floats


def expected_errors(
    reactions: Reactions,
    unit_of: Ints,
    posterior: Floats,
    *,
    dropout: Floats,
    false_allele: Floats,
) -> ErrorCounts:
    """Expected numbers of errors, from units (samples, or animals) read at least twice at a locus.

    A unit that was read once tells nothing but its fit to Hardy–Weinberg, and relatives and
    inbreeding break that: it is left out.

    Parameters
    ----------
    unit_of : (n,) unit of each row of `reactions`.
    posterior : (U, L, G) of the units' genotypes.
    """
    n_pairs = len(reactions.table)
    read = reactions.read
    # At a locus of one allele no false allele can be seen.
    whole = (read >= 0) & (read < n_pairs) & (reactions.n_alleles > 1)
    times = np.zeros(posterior.shape[:2], dtype=np.int64)
    np.add.at(times, unit_of, whole.astype(np.int64))
    row, locus = np.nonzero(whole & (times[unit_of] > 1))
    together = np.zeros((len(reactions.loci), n_pairs, n_pairs))  # locus, reading, truth
    np.add.at(together, (locus, read[row, locus]), posterior[unit_of[row], locus])

    e = copy_error(false_allele)
    parts = _parts(reactions.table, reactions.n_alleles, e)
    d = np.where(reactions.table.heterozygous, 1.0, 0.0) * dropout[:, None]
    lost, kept = d[:, None, :] * parts.lost, (1.0 - d)[:, None, :] * parts.kept
    whole_p = np.maximum(lost + kept, 1e-300)
    slope = d[:, None, :] * parts.lost_slope + (1.0 - d)[:, None, :] * parts.kept_slope
    ee = e[:, None, None]
    # E[k | read] = e(1 − e) ∂ log P(read)/∂e + 2e for k false copies among two.
    false_copies = ee * (1.0 - ee) * slope / whole_p + 2.0 * ee
    return ErrorCounts(
        drops=(together * lost / whole_p).sum(axis=(1, 2)),
        heterozygotes=together[:, :, reactions.table.heterozygous].sum(axis=(1, 2)),
        false_copies=(together * false_copies).sum(axis=(1, 2)),
        copies=2.0 * together.sum(axis=(1, 2)),
    )


def estimate_error_rates(
    reactions: Reactions,
    *,
    unit_of: Ints | None = None,
    start: ErrorRates | None = None,
    max_iterations: int = 200,
    tolerance: float = 1e-6,
) -> ErrorRates:
    """Estimate the rates by maximum likelihood (EM), the true genotypes averaged over.

    Parameters
    ----------
    unit_of : (n,) which rows show the same genotype: samples when None; animals once they are known.
    start : what to assume where the data do not tell; the defaults when None.

    Returns
    -------
    Rates of all loci together, with profile-likelihood intervals of 95 %, and of each locus, drawn
    towards the common one with the weight of 20 readings. A rate is `assumed` where fewer than 30
    readings could have shown the error.
    """
    n_loci = len(reactions.loci)
    start = start or ErrorRates.assumed(n_loci)
    unit_of = reactions.sample_of if unit_of is None else unit_of
    merged = replace(reactions, samples=tuple(map(str, range(int(unit_of.max()) + 1))), sample_of=unit_of)
    frequencies = merged.first_frequencies()
    dropout, false_allele = start.dropout_l, start.false_allele_l
    change, done = np.inf, 0
    counts = None
    while done < max_iterations and change > tolerance:
        done += 1
        probabilities = reading_probabilities(
            merged.table, merged.n_alleles, dropout=dropout, false_allele=false_allele
        )
        likelihood = sample_log_likelihoods(merged, probabilities)
        posterior, _ = genotype_posterior(likelihood, merged.table.expected(frequencies))
        posterior_counts = np.einsum("ulg,ga->la", posterior * merged.typed[:, :, None], merged.table.copies)
        frequencies = normalised_frequencies(posterior_counts, merged.n_alleles)
        counts = expected_errors(merged, unit_of, posterior, dropout=dropout, false_allele=false_allele)
        new_dropout = _leaning(counts.drops, counts.heterozygotes, start.dropout.value)
        new_e = _leaning(
            counts.false_copies, counts.copies, float(copy_error(np.array([start.false_allele.value]))[0])
        )
        new_false = 1.0 - (1.0 - new_e) ** 2
        change = float(max(np.abs(new_dropout - dropout).max(), np.abs(new_false - false_allele).max()))
        dropout, false_allele = new_dropout, new_false
    assert counts is not None
    profile = _Profile.of(merged, frequencies)
    return _with_intervals(profile, counts, dropout, false_allele, start, done, change <= tolerance)


def _leaning(errors: Floats, readings: Floats, assumed: float) -> Floats:
    """(L,) rates, each locus drawn to the common rate, the common rate to the assumed one if it must."""
    total = float(readings.sum())
    if total < _ENOUGH_READINGS:
        return np.full(len(errors), assumed)
    common = float(np.clip(errors.sum() / total, _LOWEST, _HIGHEST))
    return np.asarray(np.clip((errors + _LEAN * common) / (readings + _LEAN), _LOWEST, _HIGHEST))


@dataclass(frozen=True, eq=False)
class _Profile:
    """The log likelihood of rates, from the units that were read more than once."""

    reactions: Reactions
    expected: Floats
    counts: NDArray[np.bool_]
    """(U, L) units that tell something."""

    @classmethod
    def of(cls, reactions: Reactions, frequencies: Floats) -> _Profile:
        tells = reactions.attempts(read_only=True) > 1
        return cls(reactions, reactions.table.expected(frequencies), tells)

    def by_locus(self, dropout: Floats, false_allele: Floats) -> Floats:
        """(L,) log likelihoods."""
        r = self.reactions
        p = reading_probabilities(r.table, r.n_alleles, dropout=dropout, false_allele=false_allele)
        _, evidence = genotype_posterior(sample_log_likelihoods(r, p), self.expected)
        return np.asarray(np.where(self.counts, evidence, 0.0).sum(axis=0))


def _with_intervals(
    profile: _Profile,
    counts: ErrorCounts,
    dropout: Floats,
    false_allele: Floats,
    start: ErrorRates,
    done: int,
    converged: bool,
) -> ErrorRates:
    drop = _rates_of(
        dropout, counts.heterozygotes, start.dropout, lambda at: profile.by_locus(at, false_allele)
    )
    false = _rates_of(
        false_allele, counts.copies / 2.0, start.false_allele, lambda at: profile.by_locus(dropout, at)
    )
    return ErrorRates(drop[0], false[0], drop[1], false[1], done, converged)


def _rates_of(
    values: Floats, readings: Floats, assumed: Rate, log_likelihood: Callable[[Floats], Floats]
) -> tuple[Rate, tuple[Rate, ...]]:
    """The common rate and those of the loci, with limits where the log likelihood has fallen by 1.92.

    The common limits move the rates of all loci together on the logit scale.
    """
    total = float(readings.sum())
    if total < _ENOUGH_READINGS:
        plain = Rate(assumed.value, None, None, "assumed", total)
        return plain, tuple(replace(plain, readings=float(n)) for n in readings)
    low, high = _limits(values, log_likelihood)
    logit = np.log(values / (1.0 - values))

    def moved(shift: float) -> float:
        at = 1.0 / (1.0 + np.exp(-(logit + shift)))
        return float(log_likelihood(np.clip(at, 1e-9, 0.999)).sum())

    mean = float(np.average(values, weights=np.maximum(readings, 1e-9)))
    centre = float(np.log(mean / (1.0 - mean)))
    ends = [float(1.0 / (1.0 + np.exp(-(centre + shift)))) for shift in _shifts(moved)]
    common = Rate(mean, ends[0] if ends[0] > 2.0 * mean * 1e-5 else 0.0, ends[1], "estimated", total)
    return common, tuple(
        Rate(float(v), float(lo), float(hi), "estimated", float(n))
        for v, lo, hi, n in zip(values, low, high, readings, strict=True)
    )


def _limits(values: Floats, log_likelihood: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """(L,) limits where each locus's log likelihood is 1.92 below its top near `values`."""
    grid = np.concatenate([[1e-6], np.geomspace(1e-4, 0.9, 60)])
    curve = np.stack([log_likelihood(np.full_like(values, at)) for at in grid])
    top = np.maximum(curve.max(axis=0), log_likelihood(values))
    inside = curve >= top - _HALF_CHI2
    low, high = np.empty_like(values), np.empty_like(values)
    for at in range(len(values)):
        kept = np.flatnonzero(inside[:, at])
        first, last = (int(kept[0]), int(kept[-1])) if len(kept) else (0, len(grid) - 1)
        if not len(kept):  # narrower than the grid
            near = int(np.searchsorted(grid, values[at]))
            first, last = max(near - 1, 0), min(near, len(grid) - 1)
        target = top[at] - _HALF_CHI2
        low[at] = 0.0 if first == 0 else _cross(grid, curve[:, at], first - 1, target)
        high[at] = 1.0 if last == len(grid) - 1 else _cross(grid, curve[:, at], last, target)
    return np.minimum(low, values), np.maximum(high, values)


def _cross(grid: Floats, curve: Floats, left: int, target: float) -> float:
    """Where the curve crosses `target` between two points of the grid, linear in the logarithm."""
    rise = curve[left + 1] - curve[left]
    share = 0.5 if rise == 0 else float(np.clip((target - curve[left]) / rise, 0.0, 1.0))
    return float(grid[left] * (grid[left + 1] / grid[left]) ** share)


def _shifts(log_likelihood: Callable[[float], float]) -> tuple[float, float]:
    """How far all rates may move together, down and up, on the logit scale."""
    target = log_likelihood(0.0) - _HALF_CHI2
    ends = []
    for sign in (-1.0, 1.0):
        near, far = 0.0, 0.25
        while far < 12.0 and log_likelihood(sign * far) > target:
            near, far = far, 2.0 * far
        for _ in range(20):
            middle = 0.5 * (near + far)
            near, far = (middle, far) if log_likelihood(sign * middle) > target else (near, middle)
        ends.append(sign * near)
    return ends[0], ends[1]
