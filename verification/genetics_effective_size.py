"""Do the intervals of effective size hold the true size? Simulate closed populations, sample, estimate.

Populations of constant size, half of each sex, random mating for four generations after founders in
Hardy–Weinberg equilibrium; one generation is sampled. Alleles rarer than 0.02 are left out of the
linkage estimate. `mean` is the harmonic mean of the estimates; `held` the share of 95 % intervals that
hold the true size.

    python verification/genetics_effective_size.py [--repeats 100] [--out FILE]

One process, some minutes.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from ghostcat.genetics.effective_size import effective_size_linkage
from ghostcat.genetics.genotypes import Genotypes, Locus
from ghostcat.genetics.sibship_size import effective_size_sibship

#: Size of the population, animals sampled, loci, alleles a locus.
WORLDS = (
    (20, 18, 200, 2),
    (50, 40, 200, 2),
    (20, 18, 12, 6),
    (50, 40, 12, 6),
    (200, 60, 20, 8),
    (200, 60, 200, 2),
)
COLUMNS = (
    "size", "sampled", "loci", "alleles", "repeats", "linkage_mean", "linkage_held_jackknife",
    "linkage_held_parametric", "linkage_infinite", "sibship_mean", "sibship_held", "sibship_infinite",
)  # fmt: skip


def population(size: int, sampled: int, n_loci: int, n_alleles: int, rng: np.random.Generator) -> Genotypes:
    """Animals of one generation of a closed population."""
    p = np.clip(rng.dirichlet(np.ones(n_alleles), size=n_loci), 0.02, None)
    p /= p.sum(axis=1, keepdims=True)
    genes = (rng.random((size, n_loci, 2, 1)) > p.cumsum(axis=1)[None, :, None, :-1]).sum(axis=-1)
    locus = np.arange(n_loci)
    for _ in range(4):
        parents = rng.integers(0, size // 2, size), rng.integers(size // 2, size, size)
        sides = rng.integers(0, 2, (2, size, n_loci))
        genes = np.stack([genes[parents[k][:, None], locus, sides[k]] for k in (0, 1)], axis=2)
    loci = tuple(Locus(f"L{at}", tuple(str(100 + 2 * k) for k in range(n_alleles))) for at in range(n_loci))
    return Genotypes(tuple(map(str, range(sampled))), loci, genes[:sampled].astype(np.int16))


def run(world: tuple[int, int, int, int], repeats: int) -> dict[str, float]:
    """One row of the table."""
    size = world[0]
    rng = np.random.default_rng(20250)
    linkage, sibship = [], []
    for _ in range(repeats):
        animals = population(*world, rng)
        linkage.append(effective_size_linkage(animals, least_frequency=0.02))
        sibship.append(effective_size_sibship(animals))
    inverse = [float(np.mean([1 / found.ne for found in mine])) for mine in (linkage, sibship)]
    return {
        **dict(zip(COLUMNS, (*world, repeats), strict=False)),
        "linkage_mean": round(1 / inverse[0], 1),
        "linkage_held_jackknife": np.mean([f.lower_jackknife <= size <= f.upper_jackknife for f in linkage]),
        "linkage_held_parametric": np.mean([f.lower <= size <= f.upper for f in linkage]),
        "linkage_infinite": np.mean([np.isinf(f.ne) for f in linkage]),
        "sibship_mean": round(1 / inverse[1], 1),
        "sibship_held": np.mean([f.lower <= size <= f.upper for f in sibship]),
        "sibship_infinite": np.mean([np.isinf(f.ne) for f in sibship]),
    }


def main() -> None:
    """Run all worlds and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments = parser.parse_args()
    with arguments.out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for world in WORLDS:
            writer.writerow(run(world, arguments.repeats))
            stream.flush()


if __name__ == "__main__":
    main()
