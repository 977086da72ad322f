"""Animals from the posterior of partitions: who belongs together, how surely, and how many there are.

The count of groups is a minimum count of one reading of the data, not an estimate; the number of
animals is the mean of the posterior with its interval. The two are never mixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics._partition_chain import canonical
from ghostcat.genetics.grouping import Grouping
from ghostcat.genetics.matching import RELATIONSHIPS, pair_log_ratios, summarise
from ghostcat.genetics.reactions import Floats, Ints

__all__ = ["Animal", "AnimalNumber", "Individuals", "SamplePair", "find_individuals"]

_LN10 = float(np.log(10.0))


@dataclass(frozen=True)
class Animal:
    """One group of samples."""

    id: str
    members: tuple[str, ...]
    member_probability: tuple[float, ...]
    """Mean probability that the member is one animal with each other member; 1 for a single sample."""
    probability: float
    """Probability that just these samples, and no other, are one animal."""
    distinct: float
    """Probability that no sample of another group is this animal."""


@dataclass(frozen=True)
class SamplePair:
    """Evidence about two samples, as decimal logarithms of likelihood ratios, and the posterior."""

    a: str
    b: str
    probability: float
    log10_same_unrelated: float
    log10_same_full_sibs: float
    log10_same_parent_offspring: float
    shared_loci: int


@dataclass(frozen=True)
class AnimalNumber:
    """How many animals left the samples: a count, and an estimate with its 95 % interval."""

    count: int
    estimate: float
    lower: int
    upper: int


@dataclass(frozen=True, eq=False)
class Individuals:
    """Animals, pairs in doubt, and the number of animals."""

    animals: tuple[Animal, ...]
    label: Ints
    """(S,) place in `animals` of each sample."""
    pairs: tuple[SamplePair, ...]
    number: AnimalNumber
    chain_means: tuple[float, ...]
    """Mean number of animals of each chain: they should agree."""


def find_individuals(grouping: Grouping, *, prefix: str = "D", pairs_from: float = 0.01) -> Individuals:
    """The partition nearest to all draws (least expected pairwise error, Binder 1978), with probabilities.

    Parameters
    ----------
    prefix : animals are numbered in the order of their first sample: D1, D2 …
    pairs_from : pairs of samples are listed from this probability of being one animal.

    References
    ----------
    Binder (1978) Biometrika 65:31–38.
    """
    together = grouping.together()
    label = _nearest(grouping, together)
    n = grouping.n_animals
    lower, upper = (int(x) for x in np.quantile(n, [0.025, 0.975], method="inverted_cdf"))
    count = int(label.max()) + 1
    number = AnimalNumber(count, float(n.mean()), lower, upper)
    return Individuals(
        animals=tuple(_animal(grouping, together, label, at, f"{prefix}{at + 1}") for at in range(count)),
        label=label,
        pairs=_pairs(grouping, together, pairs_from),
        number=number,
        chain_means=tuple(float(n[grouping.chain_of == c].mean()) for c in np.unique(grouping.chain_of)),
    )


def _nearest(grouping: Grouping, together: Floats) -> Ints:
    best, least = grouping.labels[0], np.inf
    for row in np.unique(grouping.labels, axis=0):
        one = row[:, None] == row[None, :]
        # Σ over pairs |joined − P|, up to a constant.
        loss = float((one * (1.0 - 2.0 * together)).sum())
        if loss < least - 1e-9:
            best, least = row, loss
    return canonical(best)


def _animal(grouping: Grouping, together: Floats, label: Ints, at: int, name: str) -> Animal:
    members = np.flatnonzero(label == at)
    others = np.flatnonzero(label != at)
    draws = grouping.labels
    first = draws[:, members[0]]
    all_one = (draws[:, members] == first[:, None]).all(axis=1)
    outside = (draws[:, others][:, None, :] == draws[:, members][:, :, None]).any(axis=(1, 2))
    own = together[np.ix_(members, members)]
    mean = (own.sum(axis=1) - 1.0) / (len(members) - 1) if len(members) > 1 else np.ones(1)
    return Animal(
        id=name,
        members=tuple(grouping.samples[i] for i in members),
        member_probability=tuple(float(x) for x in mean),
        probability=float((all_one & ~outside).mean()),
        distinct=float((~outside).mean()),
    )


def _pairs(grouping: Grouping, together: Floats, pairs_from: float) -> tuple[SamplePair, ...]:
    found = summarise(grouping.log_likelihood, grouping.population)
    same, related = pair_log_ratios(found, found, grouping.population)
    kind = {name: at for at, name in enumerate(RELATIONSHIPS)}
    typed = _typed(grouping)
    a, b = np.nonzero(np.triu(together >= pairs_from, 1))
    order = np.lexsort((b, a, -together[a, b]))
    return tuple(
        SamplePair(
            a=grouping.samples[i],
            b=grouping.samples[j],
            probability=float(together[i, j]),
            log10_same_unrelated=float(same[i, j] - related[kind["unrelated"], i, j]) / _LN10,
            log10_same_full_sibs=float(same[i, j] - related[kind["full_sibs"], i, j]) / _LN10,
            log10_same_parent_offspring=float(same[i, j] - related[kind["parent_offspring"], i, j]) / _LN10,
            shared_loci=int((typed[i] & typed[j]).sum()),
        )
        for i, j in zip(a[order], b[order], strict=True)
    )


def _typed(grouping: Grouping) -> NDArray[np.bool_]:
    """(S, L) a flat likelihood says that nothing was read."""
    spread: NDArray[np.bool_] = np.ptp(grouping.log_likelihood, axis=2) > 0
    return spread
