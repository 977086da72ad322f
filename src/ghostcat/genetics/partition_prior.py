"""How samples fall on animals before their genotypes are looked at.

N animals leave samples at rates that vary between animals as a gamma distribution of shape γ; N is
unknown, with the prior 1/N. Which of them were sampled, and how often, then has the probability of a
finite mixture with a random number of components (Miller & Harrison 2018): for k animals with
n_1 … n_k samples out of S

    V(k) Π Γ(γ + n_j)/Γ(γ),   V(k) = Σ_N p(N) N!/(N − k)! Γ(Nγ)/Γ(Nγ + S)

γ is not known either; it is averaged over a grid from strong differences between animals to none.

References
----------
Miller & Harrison (2018) JASA 113:340–356. Miller, Joyce & Waits (2005) Molecular Ecology 14:1991–2005
(the capture model of capwire, which this prior extends to unequal rates).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from ghostcat.genetics.reactions import Floats

__all__ = ["SHAPES", "PartitionPrior"]

#: Shapes γ of the gamma distribution of sampling rates that are averaged over.
SHAPES = (0.5, 1.0, 2.0, 4.0, 10.0, 50.0)


@dataclass(frozen=True, eq=False)
class PartitionPrior:
    """The prior of partitions of S samples; `log_v` is (shapes, S + 2), by number of animals."""

    n_samples: int
    n_animals: NDArray[np.float64]
    log_weight: Floats
    log_v: Floats

    @classmethod
    def of(cls, n_samples: int) -> PartitionPrior:
        """The prior for this many samples."""
        near = np.arange(1.0, 1.5 * n_samples + 50)
        far = np.unique(np.geomspace(near[-1] + 1, 50.0 * n_samples + 500, 120).round())
        n = np.concatenate([near, far])
        # Beyond `near` one N stands for all up to the next.
        spacing = np.concatenate([np.ones(len(near)), np.diff(far, append=far[-1] * 1.02)])
        weight = np.log(spacing) - np.log(n)
        rows = []
        for shape in SHAPES:
            tail = gammaln(n * shape) - gammaln(n * shape + n_samples)
            values = np.full(n_samples + 2, -np.inf)
            for k in range(1, n_samples + 2):
                can = n >= k
                if can.any():
                    part = weight[can] + gammaln(n[can] + 1) - gammaln(n[can] - k + 1) + tail[can]
                    values[k] = logsumexp(part)
            rows.append(values)
        return cls(n_samples, n, weight, np.stack(rows))

    def log_new(self, shape: int) -> Floats:
        """(S + 1,) log weight of one more animal when there are k, by k; an old one weighs n + γ."""
        v = self.log_v[shape]
        with np.errstate(invalid="ignore"):
            return np.asarray(np.log(SHAPES[shape]) + v[1:] - v[:-1])

    def log_probability(self, sizes: NDArray[np.integer]) -> Floats:
        """(shapes,) log prior of a partition into groups of these sizes."""
        return np.array(
            [
                self.log_v[at, len(sizes)] + (gammaln(shape + sizes) - gammaln(shape)).sum()
                for at, shape in enumerate(SHAPES)
            ]
        )

    def draw_population(self, k: int, shape: int, rng: np.random.Generator) -> int:
        """One N from its posterior, given k sampled animals."""
        can = self.n_animals >= k
        n = self.n_animals[can]
        logs = (
            self.log_weight[can]
            + gammaln(n + 1)
            - gammaln(n - k + 1)
            + gammaln(n * SHAPES[shape])
            - gammaln(n * SHAPES[shape] + self.n_samples)
        )
        chance = np.exp(logs - logs.max())
        return int(rng.choice(n, p=chance / chance.sum()))
