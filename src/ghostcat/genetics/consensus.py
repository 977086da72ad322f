"""One genotype per sample and locus from replicates, with its probability, and what to run again.

The posterior of the genotype g of a sample at a locus is P(g) Π P(reading | g), over its reactions,
with Hardy–Weinberg frequencies P(g) and the error rates of the locus. A genotype is called when its
posterior reaches a threshold; where only one allele does, that allele is (a homozygote read once may
be a heterozygote that lost an allele). Nothing else is called.

References
----------
Pompanon et al. (2005) Nature Reviews Genetics 6:847–859. Miquel et al. (2006) Molecular Ecology Notes
6:985–988 (quality index). Johnson & Haydon (2007) Genetics 175:827–842 (likelihood).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics.error_rates import (
    ErrorRates,
    genotype_posterior,
    reading_probabilities,
    sample_log_likelihoods,
)
from ghostcat.genetics.genotypes import MISSING
from ghostcat.genetics.reactions import Floats, Reactions

__all__ = ["CALL_AT", "Consensus", "Rerun", "call_consensus"]

#: Posterior at which a genotype, or one of its alleles, is called.
CALL_AT = 0.95


@dataclass(frozen=True)
class Rerun:
    """One more reaction that is worth its cost."""

    sample: str
    locus: str
    bits: float
    """Expected information about the genotype, times the chance that the reaction gives a reading."""
    chance_of_reading: float


@dataclass(frozen=True, eq=False)
class Consensus:
    """Consensus genotypes of S samples at L loci.

    Parameters
    ----------
    alleles : (S, L, 2) called alleles; `(k, −1)` where one is known, `(−1, −1)` where none is.
    probability : (S, L) posterior of the likeliest genotype; NaN where nothing was read.
    best : (S, L) code of the likeliest genotype, −1 where nothing was read.
    quality_by_locus : (S, L) share of reactions that show the likeliest genotype, failed ones
        counting as not (Miquel et al. 2006); NaN where there was one reaction.
    bits : (S, L) expected information of one more reaction, failures allowed for.
    success : (S,) chance that a reaction of the sample gives a reading.
    """

    samples: tuple[str, ...]
    loci: tuple[str, ...]
    alleles: NDArray[np.int16]
    probability: Floats
    best: NDArray[np.intp]
    quality_by_locus: Floats
    bits: Floats
    success: Floats

    @property
    def called(self) -> NDArray[np.bool_]:
        """(S, L) are both alleles called?"""
        return np.asarray((self.alleles >= 0).all(axis=2))

    @property
    def quality(self) -> Floats:
        """(S,) quality index: mean over loci; NaN for samples that were typed once."""
        known = ~np.isnan(self.quality_by_locus)
        total = np.where(known, self.quality_by_locus, 0.0).sum(axis=1)
        number = known.sum(axis=1)
        return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))

    def reruns(self, most: int = 20, *, at_least: float = 0.05) -> tuple[Rerun, ...]:
        """The reactions that would tell most, best first, leaving out those under `at_least` bits."""
        order = np.argsort(-self.bits, axis=None, kind="stable")[:most]
        chosen = [divmod(int(at), len(self.loci)) for at in order]
        return tuple(
            Rerun(self.samples[s], self.loci[at], float(self.bits[s, at]), float(self.success[s]))
            for s, at in chosen
            if self.bits[s, at] >= at_least
        )


def call_consensus(
    reactions: Reactions, rates: ErrorRates, *, frequencies: Floats | None = None, call_at: float = CALL_AT
) -> Consensus:
    """Posterior genotypes of all samples.

    Parameters
    ----------
    frequencies : (L, A) allele frequencies; those of the raw readings when None.
    call_at : posterior that a call needs.

    Raises
    ------
    ParameterError : `call_at` is not in 0.5 … 1.
    """
    if not 0.5 <= call_at <= 1.0:
        raise ParameterError(f"call_at is {call_at}", fix="Give a probability in 0.5…1; 0.95 is usual.")
    frequencies = reactions.first_frequencies() if frequencies is None else frequencies
    probabilities = reading_probabilities(
        reactions.table, reactions.n_alleles, dropout=rates.dropout_l, false_allele=rates.false_allele_l
    )
    likelihood = sample_log_likelihoods(reactions, probabilities)
    posterior, _ = genotype_posterior(likelihood, reactions.table.expected(frequencies))
    typed = reactions.typed
    best = np.where(typed, posterior.argmax(axis=2), MISSING)
    probability = np.where(typed, posterior.max(axis=2), np.nan)
    success = _success(reactions)
    return Consensus(
        samples=reactions.samples,
        loci=reactions.loci,
        alleles=_call(reactions, posterior, typed, call_at),
        probability=probability,
        best=best,
        quality_by_locus=_quality(reactions, best),
        bits=_information(posterior, probabilities[:, : len(reactions.table)]) * success[:, None],
        success=success,
    )


def _call(
    reactions: Reactions, posterior: Floats, typed: NDArray[np.bool_], call_at: float
) -> NDArray[np.int16]:
    table = reactions.table
    best = posterior.argmax(axis=2)
    sure = typed & (posterior.max(axis=2) >= call_at)
    carried = posterior @ (table.copies > 0)  # (S, L, A) chance that the animal has the allele
    one = typed & ~sure & (carried.max(axis=2) >= call_at)
    first = np.where(sure, table.first[best], np.where(one, carried.argmax(axis=2), MISSING))
    second = np.where(sure, table.second[best], MISSING)
    return np.stack([first, second], axis=2).astype(np.int16)


def _success(reactions: Reactions) -> Floats:
    """(S,) share of reactions that gave a reading, drawn a little to one half."""
    attempts = reactions.attempts().sum(axis=1)
    reads = reactions.attempts(read_only=True).sum(axis=1)
    return np.asarray((reads + 1.0) / (attempts + 2.0))


def _quality(reactions: Reactions, best: NDArray[np.intp]) -> Floats:
    agrees = (reactions.read == best[reactions.sample_of]) & (reactions.read >= 0)
    number = np.zeros(best.shape)
    np.add.at(number, reactions.sample_of, agrees.astype(float))
    attempts = reactions.attempts()
    return np.asarray(np.where(attempts > 1, number / np.maximum(attempts, 1), np.nan))


def _entropy(p: Floats, axis: int) -> Floats:
    logs = np.log2(np.maximum(p, 1e-300))
    return np.asarray(-(p * logs).sum(axis=axis))


def _information(posterior: Floats, probabilities: Floats) -> Floats:
    """(S, L) bits: entropy of the reading to come, less its entropy when the genotype is known."""
    noise = _entropy(probabilities, axis=1)  # (L, G)
    to_come = np.einsum("slg,log->slo", posterior, probabilities)
    bits = _entropy(to_come, axis=2) - np.einsum("slg,lg->sl", posterior, noise)
    return np.asarray(np.maximum(bits, 0.0))
