"""What a panel of loci can tell apart, and what it cannot.

PID and PIDsib are the chances that two unrelated animals, or two full sibs, share a genotype. They
are the best that a panel can do: readings have errors and gaps, so samples of two sibs look alike
more often than the sibs do. `confusion` says how often, by drawing pairs and reading them as badly.

References
----------
Waits, Luikart & Taberlet (2001) Molecular Ecology 10:249–256. Paetkau & Strobeck (1994) Molecular
Ecology 3:489–495.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics.error_rates import ErrorRates, reading_probabilities
from ghostcat.genetics.identity_probability import locus_pid, locus_pid_sib
from ghostcat.genetics.matching import (
    RELATIONSHIPS,
    Population,
    Relationship,
    Summaries,
    paired_log_ratios,
    summarise,
)
from ghostcat.genetics.reactions import Floats, Ints, Reactions

__all__ = ["PANEL_LIMIT", "Confusion", "Panel", "confusion", "judge_panel"]

#: PIDsib up to which a panel is taken to tell sibs apart (Waits et al. 2001).
PANEL_LIMIT = 0.01


@dataclass(frozen=True)
class Panel:
    """PID and PIDsib of a panel, and how many animals it would merge in a sample of `n_animals`.

    `wrong_sib_merges` counts pairs of full sibs with one genotype, if every animal has
    `sibs_sampled` full sibs among the sampled ones; `wrong_unrelated_merges` pairs of strangers.
    """

    loci: tuple[str, ...]
    pid_by_locus: tuple[float, ...]
    pid_sib_by_locus: tuple[float, ...]
    n_animals: int
    sibs_sampled: float

    @property
    def pid(self) -> float:
        """Two unrelated animals share a genotype."""
        return float(np.prod(self.pid_by_locus))

    @property
    def pid_sib(self) -> float:
        """Two full sibs share a genotype."""
        return float(np.prod(self.pid_sib_by_locus))

    @property
    def wrong_sib_merges(self) -> float:
        """Expected pairs of full sibs with one genotype."""
        sibs = min(self.sibs_sampled, max(self.n_animals - 1, 0))
        return 0.5 * self.n_animals * sibs * self.pid_sib

    @property
    def wrong_unrelated_merges(self) -> float:
        """Expected pairs of unrelated animals with one genotype."""
        return 0.5 * self.n_animals * (self.n_animals - 1) * self.pid

    @property
    def wrong_merges(self) -> float:
        """Expected wrongly merged pairs, sibs and strangers."""
        return self.wrong_sib_merges + self.wrong_unrelated_merges

    @property
    def tells_sibs(self) -> bool:
        """Is PIDsib at most 0.01?"""
        return self.pid_sib <= PANEL_LIMIT

    @property
    def tells_strangers(self) -> bool:
        """Is less than one pair of strangers in twenty surveys of this size expected to coincide?"""
        return self.wrong_unrelated_merges <= 0.05

    @property
    def loci_of_this_kind_needed(self) -> int | None:
        """How many loci like these (by their mean) bring PIDsib to 0.01; None if they never do."""
        mean_log = float(np.mean(np.log(np.maximum(self.pid_sib_by_locus, 1e-300)))) if self.loci else 0.0
        return int(np.ceil(np.log(PANEL_LIMIT) / mean_log)) if mean_log < -1e-9 else None


@dataclass(frozen=True)
class Confusion:
    """Of pairs of samples read as these were: how often would the likelier explanation be wrong?"""

    relationship: Relationship
    taken_for_one: float
    """Share of pairs of distinct animals for which "one animal" is likelier than this relationship."""
    taken_for_two: float
    """Share of pairs of samples of one animal for which it is less likely."""


def judge_panel(
    frequencies: Floats, loci: tuple[str, ...], *, n_animals: int, sibs_sampled: float = 1.0
) -> Panel:
    """PID and PIDsib from (L, A) allele frequencies.

    Raises
    ------
    ParameterError : a number of sibs below 0.
    """
    if sibs_sampled < 0:
        raise ParameterError(f"sibs_sampled is {sibs_sampled}", fix="Give the mean number, 0 or more.")
    return Panel(
        loci=loci,
        pid_by_locus=tuple(float(x) for x in locus_pid(frequencies)),
        pid_sib_by_locus=tuple(float(x) for x in locus_pid_sib(frequencies)),
        n_animals=n_animals,
        sibs_sampled=sibs_sampled,
    )


def confusion(
    reactions: Reactions,
    population: Population,
    rates: ErrorRates,
    *,
    rng: np.random.Generator,
    relationship: Relationship = "full_sibs",
    pairs: int = 2000,
) -> Confusion:
    """Simulate pairs of samples, each read as often and with as many gaps as the real ones."""
    first, second = _draw_pairs(population.frequencies, RELATIONSHIPS[relationship], pairs, rng)
    probabilities = reading_probabilities(
        reactions.table, reactions.n_alleles, dropout=rates.dropout_l, false_allele=rates.false_allele_l
    )[:, : len(reactions.table)]
    times = reactions.attempts(read_only=True)

    def read(alleles: Ints) -> Summaries:
        often = times[rng.integers(0, len(times), size=pairs)]
        codes = reactions.table.code(np.sort(alleles, axis=2))
        return summarise(_read(codes, often, probabilities, rng), population)

    a, b, again = read(first), read(second), read(first)
    number = list(RELATIONSHIPS).index(relationship)
    same, related = paired_log_ratios(a, b, population)
    taken_for_one = float((same > related[number]).mean())
    same, related = paired_log_ratios(a, again, population)
    return Confusion(relationship, taken_for_one, float((same <= related[number]).mean()))


def _draw_alleles(frequencies: Floats, shape: tuple[int, ...], rng: np.random.Generator) -> Ints:
    """(…, L) allele codes."""
    cumulative = frequencies.cumsum(axis=1)
    cumulative[:, -1] = 1.0
    u = rng.random((*shape, len(frequencies)))
    return np.asarray((u[..., None] > cumulative).sum(axis=-1), dtype=np.intp)


def _draw_pairs(
    frequencies: Floats, share: tuple[float, float, float], pairs: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Two (pairs, L, 2) genotypes that share 0, 1 or 2 alleles by descent with the chances `share`."""
    first = np.moveaxis(_draw_alleles(frequencies, (2, pairs), rng), 0, 2)
    second = np.moveaxis(_draw_alleles(frequencies, (2, pairs), rng), 0, 2)
    shared = (rng.random(first.shape[:2])[..., None] > np.cumsum(share)[:2]).sum(axis=-1)
    passed = np.where(rng.random(first.shape[:2]) < 0.5, first[..., 0], first[..., 1])
    second[..., 0] = np.where(shared == 1, passed, second[..., 0])
    return first, np.where((shared == 2)[..., None], first, second)


def _read(codes: Ints, often: NDArray[np.int64], probabilities: Floats, rng: np.random.Generator) -> Floats:
    """(n, L, G) log likelihoods of simulated readings of the genotypes `codes`, `often` times each."""
    cumulative = probabilities.cumsum(axis=1)
    cumulative[:, -1] = np.inf
    logs = np.log(np.maximum(probabilities, 1e-300))
    locus = np.arange(codes.shape[1])
    total = np.zeros((*codes.shape, probabilities.shape[2]))
    for turn in range(int(often.max(initial=0))):
        limits = np.moveaxis(cumulative, 1, 2)[locus, codes]  # (n, L, readings)
        seen = (rng.random(codes.shape)[..., None] > limits).sum(axis=-1)
        total += np.where((often > turn)[..., None], logs[locus, seen], 0.0)
    return total
