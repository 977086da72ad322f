"""One row per sample, by plain majority, for summaries that need no error model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ghostcat.genetics.genotypes import MISSING, Genotypes

__all__ = ["majority_genotypes"]


def majority_genotypes(genotypes: Genotypes) -> Genotypes:
    """Give every sample the genotype that most of its replicates show; of a tie, none.

    A majority hides allelic dropout: for decisions about animals use the consensus by likelihood.

    >>> twice = Genotypes.from_names(["a"] * 3, ["L"], [[("1", "2")], [("1", "2")], [("1", "1")]])
    >>> majority_genotypes(twice).alleles.tolist()
    [[[0, 1]]]
    """
    if not genotypes.replicated:
        return genotypes
    rows: dict[str, list[int]] = {}
    for at, sample in enumerate(genotypes.samples):
        rows.setdefault(sample, []).append(at)
    first = [at[0] for at in rows.values()]
    kept = np.array(genotypes.alleles[first])
    for number, mine in enumerate(rows.values()):
        if len(mine) > 1:
            kept[number] = [_most_common(genotypes.alleles[mine, locus]) for locus in range(genotypes.n_loci)]
    return replace(genotypes.select(first), alleles=kept)


def _most_common(pairs: np.ndarray) -> tuple[int, int]:
    complete = pairs[(pairs >= 0).all(axis=1)]
    if not len(complete):
        return MISSING, MISSING
    found, times = np.unique(complete, axis=0, return_counts=True)
    best = np.flatnonzero(times == times.max())
    return (int(found[best[0], 0]), int(found[best[0], 1])) if len(best) == 1 else (MISSING, MISSING)
