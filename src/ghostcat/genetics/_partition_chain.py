"""One Markov chain over partitions of samples into animals, for fixed frequencies and error rates.

Samples move one at a time (Gibbs): to an animal that they could be confused with, or to an animal of
their own. An animal of its own may be a relative of those there already (see `kin`), so that a
brother who looks the same is not taken for the same animal just because strangers never do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.matching import Population
from ghostcat.genetics.reactions import Floats, Ints

__all__ = ["Chain", "canonical"]


def canonical(labels: Sequence[int] | NDArray[np.integer]) -> Ints:
    """Groups numbered in the order of their first member.

    >>> canonical([7, 3, 7]).tolist()
    [0, 1, 0]
    """
    _, first, place = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[place.reshape(-1)], dtype=np.intp)


class Chain:
    """A partition of S samples, moved in place.

    Parameters
    ----------
    log_likelihood : (S, L, G).
    labels : (S,) group of each sample to begin with.
    neighbours : for each sample those that it could be one animal with.
    log_kin : (S,) log ratio of `kin` of each sample, as an animal of its own.
    log_new : (S + 1,) log prior weight of one more animal, by number of animals.
    shape : prior weight of an animal besides its samples.
    """

    def __init__(
        self,
        log_likelihood: Floats,
        population: Population,
        labels: Ints,
        neighbours: Sequence[Ints],
        *,
        log_kin: Floats,
        log_new: Floats,
        shape: float,
    ) -> None:
        n = len(log_likelihood)
        self._expected = population.expected
        self._log = log_likelihood - log_likelihood.max(axis=2, keepdims=True)
        self._plain = np.exp(self._log)
        alone = np.log((self._plain * self._expected).sum(axis=2)).sum(axis=1)
        self._alone = alone + log_kin
        self._log_new, self._shape = log_new, shape
        self._neighbours = neighbours
        self.label = np.array(labels, dtype=np.intp)
        # A slot for each animal; one more than samples so that there is always a free one.
        self._size = np.bincount(self.label, minlength=n + 1)
        self._sum = np.zeros((n + 1, *self._expected.shape))
        np.add.at(self._sum, self.label, self._log)
        self._genotype = self._refresh(self._sum)
        self._free = np.flatnonzero(self._size == 0).tolist()

    @property
    def n_animals(self) -> int:
        """Number of groups."""
        return len(self._size) - len(self._free)

    def sweep(self, rng: np.random.Generator) -> None:
        """Offer every sample a move, in random order."""
        chance = rng.random(len(self.label)).tolist()
        for sample, u in zip(rng.permutation(len(self.label)).tolist(), chance, strict=True):
            if len(self._neighbours[sample]) or self._size[self.label[sample]] > 1:
                self._move(sample, u)

    def _refresh(self, total: Floats) -> Floats:
        """Posterior genotypes from sums of log likelihoods."""
        weight = np.exp(total - total.max(axis=-1, keepdims=True)) * self._expected
        return np.asarray(weight / weight.sum(axis=-1, keepdims=True))

    def _move(self, sample: int, u: float) -> None:
        own = int(self.label[sample])
        before = self._sum[own].copy(), self._genotype[own].copy()
        self._size[own] -= 1
        able = np.zeros(len(self._size), dtype=bool)
        able[self.label[self._neighbours[sample]]] = True
        if self._size[own]:
            self._sum[own] -= self._log[sample]
            self._genotype[own] = self._refresh(self._sum[own])
            able[own] = True
        else:
            self._free.append(own)
            able[own] = False
        options = np.flatnonzero(able)
        cumulative = np.cumsum(self._weights(sample, options))
        chosen = min(int(np.searchsorted(cumulative, u * cumulative[-1], side="right")), len(options))
        group = int(options[chosen]) if chosen < len(options) else int(self._free.pop())
        self.label[sample] = group
        self._size[group] += 1
        if group == own:
            self._sum[own], self._genotype[own] = before
            return
        self._sum[group] = self._log[sample] + (self._sum[group] if self._size[group] > 1 else 0.0)
        self._genotype[group] = self._refresh(self._sum[group])

    def _weights(self, sample: int, options: Ints) -> Floats:
        """Weights of joining each of `options`, and last of being a new animal."""
        fits = np.einsum("clg,lg->cl", self._genotype[options], self._plain[sample])
        join = np.log(fits).sum(axis=1) + np.log(self._size[options] + self._shape)
        new = self._alone[sample] + self._log_new[self.n_animals]
        logs = np.append(join, new)
        return np.asarray(np.exp(logs - logs.max()))
