"""Dyadic maximum likelihood: the identity states of a pair, with or without inbreeding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.pair_sums import Pairs, pair_indices
from ghostcat.genetics.relatedness import reference_frequencies

__all__ = ["LikelihoodRelatedness", "genotype_pair_probabilities", "likelihood_relatedness"]

_Array = NDArray[np.float64]

#: Numbers a block of pairs may hold: pairs × loci × states.
_BLOCK = 4_000_000
_STEPS = 3000
#: The log-likelihood is this close to its maximum, by the bound of the gradient.
_GAP = 1e-4
_WITHOUT_INBREEDING = (6, 7, 8)


@dataclass(frozen=True, eq=False)
class LikelihoodRelatedness:
    """Identity states of pairs.

    Parameters
    ----------
    states : (m, 9) probabilities of Jacquard's condensed identity states Δ1 … Δ9; without
        inbreeding only Δ7, Δ8, Δ9 are not 0.
    relatedness : (m,) 2θ = 2Δ1 + Δ3 + Δ5 + Δ7 + Δ8/2.
    inbreeding : (m, 2) of the two animals, as seen in this pair.
    log_likelihood_ratio : (m,) of the best states against strangers, natural logarithm.
    gap : (m,) bound on how far the log-likelihood is from its maximum.
    """

    samples: tuple[str, ...]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    states: _Array
    log_likelihood_ratio: _Array
    gap: _Array
    n_loci: NDArray[np.int64]

    @property
    def relatedness(self) -> _Array:
        """(m,) relatedness 2θ; NaN where no locus was typed in both."""
        s = self.states
        found: _Array = 2 * s[:, 0] + s[:, 2] + s[:, 4] + s[:, 6] + s[:, 7] / 2
        return found

    @property
    def inbreeding(self) -> _Array:
        """(m, 2) inbreeding of the first and of the second animal."""
        s = self.states
        return np.stack([s[:, :4].sum(axis=1), s[:, [0, 1, 4, 5]].sum(axis=1)], axis=1)


def genotype_pair_probabilities(pairs: NDArray[np.integer], frequencies: _Array) -> _Array:
    """Probability of two genotypes in each identity state.

    Parameters
    ----------
    pairs : (k, 2) genotypes as allele codes.
    frequencies : (A,) allele frequencies.

    Returns
    -------
    (9, k, k) probabilities, up to a factor that is the same in all states.

    References
    ----------
    Jacquard (1974) The Genetic Structure of Populations; Milligan (2003) Genetics 163:1153–1167, table 1.
    """
    total = np.zeros((9, len(pairs), len(pairs)))
    for x in ((0, 1), (1, 0)):
        for y in ((0, 1), (1, 0)):
            total += _ordered(pairs[:, x], pairs[:, y], frequencies)
    return total / 4


def _ordered(one: NDArray[np.integer], two: NDArray[np.integer], p: _Array) -> _Array:
    a, b = one[:, 0][:, None], one[:, 1][:, None]
    c, d = two[:, 0][None, :], two[:, 1][None, :]
    pa, pb, pc, pd = p[a], p[b], p[c], p[d]
    ab, cd, ac, bd = a == b, c == d, a == c, b == d
    return np.stack(
        [
            (ab & cd & ac) * pa,
            (ab & cd) * pa * pc,
            (ab & ac) * pa * pd,
            ab * pa * pc * pd,
            (ac & cd) * pa * pb,
            cd * pc * pa * pb,
            (ac & bd) * pa * pb,
            ac * pa * pb * pd,
            pa * pb * pc * pd,
        ]
    )


def likelihood_relatedness(
    genotypes: Genotypes,
    *,
    inbreeding: bool = False,
    frequencies: Sequence[_Array] | None = None,
    pairs: Pairs | None = None,
) -> LikelihoodRelatedness:
    """Find the most likely identity states of each pair.

    The log-likelihood is concave in the states; EM with squared extrapolation climbs it, and the
    gradient bounds what is left to climb.

    Parameters
    ----------
    inbreeding : let the animals be inbred (nine states), or not (three).
    frequencies, pairs : as in `relatedness`.

    Raises
    ------
    EstimateRefused : no locus varies (code `no_variation`).

    References
    ----------
    Milligan (2003) Genetics 163:1153–1167; Varadhan & Roland (2008) Scand. J. Stat. 35:335–353.
    """
    p = tuple(frequencies) if frequencies is not None else reference_frequencies(genotypes)
    used = [at for at in range(genotypes.n_loci) if p[at].size > 1]
    if not used:
        raise EstimateRefused(
            "no locus varies, so nothing tells relatives from strangers",
            code="no_variation",
            fix="Type loci that vary in this population.",
        )
    first, second = pairs if pairs is not None else pair_indices(len(genotypes))
    allowed = np.arange(9) if inbreeding else np.array(_WITHOUT_INBREEDING)
    tables = [_table(genotypes, at, p[at], allowed) for at in used]
    states = np.zeros((len(first), 9))
    ratio, gap = np.zeros(len(first)), np.zeros(len(first))
    n_loci = np.zeros(len(first), dtype=np.int64)
    block = max(1, _BLOCK // (len(used) * len(allowed)))
    for start in range(0, len(first), block):
        part = slice(start, start + block)
        likelihood = np.stack(
            [table[:, number[first[part]], number[second[part]]] for table, number in tables], axis=2
        ).transpose(1, 2, 0)
        found, ratio[part], gap[part] = _maximise(np.ascontiguousarray(likelihood))
        states[np.ix_(np.arange(start, min(start + block, len(first))), allowed)] = found
        n_loci[part] = sum(
            genotypes.typed[first[part], at] & genotypes.typed[second[part], at] for at in used
        )
    states[n_loci == 0] = np.nan
    return LikelihoodRelatedness(genotypes.samples, first, second, states, ratio, gap, n_loci)


def _table(
    genotypes: Genotypes, at: int, p: _Array, allowed: NDArray[np.intp]
) -> tuple[_Array, NDArray[np.intp]]:
    """Probabilities of pairs of genotypes relative to strangers; 1 where one is missing."""
    different, number = np.unique(genotypes.alleles[:, at], axis=0, return_inverse=True)
    complete = (different >= 0).all(axis=1)
    probability = genotype_pair_probabilities(np.maximum(different, 0), p)
    table = probability[allowed] / np.where(probability[8] > 0, probability[8], 1.0)
    table[:, ~complete, :] = 1.0
    table[:, :, ~complete] = 1.0
    return table, number.ravel()


def _maximise(likelihood: _Array) -> tuple[_Array, _Array, _Array]:
    """(m, loci, K) likelihoods → states (m, K), log-likelihood ratio (m,), bound on the gap (m,)."""
    m, n_loci, k = likelihood.shape
    states = np.full((m, k), 1.0 / k)
    gap = np.full(m, np.inf)
    open_ = np.arange(m)
    for _ in range(_STEPS):
        mine = likelihood[open_]
        one = _em(mine, states[open_])[0]
        two, gradient = _em(mine, one)
        leap = _leap(states[open_], one, two)
        better = _log(mine, leap) >= _log(mine, two)
        states[open_] = np.where(better[:, None], leap, two)
        # For a concave likelihood the gradient at `one` bounds the distance of its value to the top.
        gap[open_] = n_loci * (gradient.max(axis=1) - 1)
        open_ = open_[gap[open_] > _GAP]
        if not open_.size:
            break
    return states, _log(likelihood, states), gap


def _em(likelihood: _Array, states: _Array) -> tuple[_Array, _Array]:
    mixture = np.einsum("mlk,mk->ml", likelihood, states)
    gradient = np.einsum("mlk,ml->mk", likelihood, 1 / mixture) / likelihood.shape[1]
    return states * gradient, gradient


def _leap(start: _Array, one: _Array, two: _Array) -> _Array:
    step, bend = one - start, two - 2 * one + start
    size = np.sqrt((step**2).sum(axis=1))
    curve = np.sqrt((bend**2).sum(axis=1))
    length = np.maximum(size / np.where(curve > 0, curve, 1.0), 1.0)[:, None]
    leap = np.maximum(start + 2 * length * step + length**2 * bend, 1e-12)
    found: _Array = leap / leap.sum(axis=1, keepdims=True)
    return found


def _log(likelihood: _Array, states: _Array) -> _Array:
    found: _Array = np.log(np.einsum("mlk,mk->ml", likelihood, states)).sum(axis=1)
    return found
