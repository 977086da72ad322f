"""Is the number of animals from scat unbiased, and does its interval cover it? Simulate, group, count.

Panels follow the design notes: 12 loci of He 0.35 (PIDsib 0.0111, which cannot carry siblings) and 13
loci of He 0.43 (PIDsib 0.0023), three alleles each. Families: two unrelated parents and a litter of 1
to 4 cubs (2.1 on average), all sampled, until there are 40 animals; in the surveys named `strangers`
nobody is related. Every animal leaves 1 to 8 samples; 10 % of heterozygotes lose an allele, 1 % of
readings show a false one, 10 % are missing. Error rates and frequencies are not told to the program.

    python verification/genetics_individuals.py [--surveys 100] [--out verification/genetics_individuals.csv]

One process; about 4 s a survey. Surveys that stand in the table already are not run again.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from pathlib import Path

import numpy as np

from ghostcat.genetics.error_rates import ErrorRates
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.grouping import group_samples
from ghostcat.genetics.individuals import find_individuals
from ghostcat.genetics.mismatch_profile import mismatch_profile
from ghostcat.genetics.reactions import arrange
from ghostcat.genetics.simulate_families import drop_genes, type_animals

#: name: (expected heterozygosity, loci, are there families?)
PANELS = {
    "he35x12_families": (0.35, 12, True),
    "he43x13_families": (0.43, 13, True),
    "he43x13_strangers": (0.43, 13, False),
}
ANIMALS = 40
#: Nobody doubts the easy case: of it no more surveys than this are simulated.
MOST_OF_STRANGERS = 30
COLUMNS = (
    "panel", "seed", "animals", "distinct_genotypes", "samples", "count", "estimate", "lower", "upper",
    "covered", "unique_at_0", "unique_at_2", "dropout", "false_allele", "seconds",
)  # fmt: skip


def frequencies(heterozygosity: float, loci: int) -> np.ndarray:
    """(L, 3) one common and two equal rare alleles: 1 − p² − (1 − p)²/2 = He."""
    p = (1.0 + math.sqrt(1.0 - 3.0 * (2.0 * heterozygosity - 1.0))) / 3.0
    return np.tile([p, (1.0 - p) / 2.0, (1.0 - p) / 2.0], (loci, 1))


def simulate(panel: str, rng: np.random.Generator) -> tuple[Genotypes, np.ndarray]:
    """Samples in random order, and the true genotypes of the animals."""
    heterozygosity, loci, families = PANELS[panel]
    dams: list[int] = []
    sires: list[int] = []
    while len(dams) < ANIMALS:
        mother = len(dams)
        cubs = 1 + int(rng.binomial(3, 1.1 / 3.0)) if families else 0
        dams += [-1, -1] + [mother] * cubs
        sires += [-1, -1] + [mother + 1] * cubs
    alleles = drop_genes(dams[:ANIMALS], sires[:ANIMALS], frequencies(heterozygosity, loci), rng=rng)
    owner = rng.permutation(np.repeat(np.arange(ANIMALS), rng.integers(1, 9, size=ANIMALS)))
    typed = type_animals(
        alleles[owner],
        [f"s{at}" for at in range(len(owner))],
        rng=rng,
        marker="microsatellite",
        n_alleles=3,
        false_allele=0.01,
        dropout=0.10,
        missing=0.10,
    )
    return typed, alleles


def survey(panel: str, seed: int) -> dict[str, object]:
    """One simulated survey, the whole way."""
    rng = np.random.default_rng([seed, PANELS[panel][1], PANELS[panel][2]])
    typed, alleles = simulate(panel, rng)
    began = time.process_time()
    reactions = arrange(typed)
    grouping = group_samples(reactions, rates=ErrorRates.assumed(len(reactions.loci)), rng=rng)
    n = find_individuals(grouping).number
    took = time.process_time() - began
    profile = mismatch_profile(typed.alleles, most=2)
    return {
        "panel": panel,
        "seed": seed,
        "animals": ANIMALS,
        "distinct_genotypes": len(np.unique(np.sort(alleles, axis=2).reshape(ANIMALS, -1), axis=0)),
        "samples": len(reactions),
        "count": n.count,
        "estimate": round(n.estimate, 3),
        "lower": n.lower,
        "upper": n.upper,
        "covered": int(n.lower <= ANIMALS <= n.upper),
        "unique_at_0": profile[0].n_unique,
        "unique_at_2": profile[2].n_unique,
        "dropout": round(float(grouping.dropout.mean()), 4),
        "false_allele": round(float(grouping.false_allele.mean()), 5),
        "seconds": round(took, 2),
    }


def main() -> None:
    """Run what is missing in the table, then print bias and coverage of each panel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surveys", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("verification/genetics_individuals.csv"))
    given = parser.parse_args()
    rows = list(csv.DictReader(given.out.open())) if given.out.exists() else []
    done = {(row["panel"], int(row["seed"])) for row in rows}
    with given.out.open("a", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if not rows:
            table.writeheader()
        for seed in range(given.surveys):
            for panel in PANELS:
                if (panel, seed) not in done and (PANELS[panel][2] or seed < MOST_OF_STRANGERS):
                    table.writerow(survey(panel, seed))
                    file.flush()
    summarise(given.out)


def summarise(path: Path) -> None:
    """Bias with its standard error, coverage and width, per panel."""
    rows = list(csv.DictReader(path.open()))
    for panel in PANELS:
        own = [row for row in rows if row["panel"] == panel]
        if not own:
            continue
        truth = np.array([float(row["animals"]) for row in own])
        ratio = np.array([float(row["estimate"]) for row in own]) / truth - 1.0
        count = np.array([float(row["count"]) for row in own]) / truth - 1.0
        naive = np.array([float(row["unique_at_2"]) for row in own]) / truth - 1.0
        width = np.array([float(row["upper"]) - float(row["lower"]) for row in own]) / truth
        error = ratio.std() / len(own) ** 0.5
        print(
            f"{panel}: {len(own)} surveys, estimate {ratio.mean():+.2%} (SE {error:.2%}), "
            f"count {count.mean():+.2%}, unique genotypes at 2 mismatches {naive.mean():+.1%}, "
            f"95 % interval covers {np.mean([row['covered'] == '1' for row in own]):.0%}, "
            f"width {width.mean():.0%}, {np.mean([float(row['seconds']) for row in own]):.1f} s"
        )


if __name__ == "__main__":
    main()
