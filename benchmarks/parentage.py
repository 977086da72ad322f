"""How long parentage takes: 1,000 offspring, 1,000 candidates, 200 SNPs, and scat-like sets.

    python benchmarks/parentage.py

Prints CPU seconds of one process. The first line is the work that every pair needs (log likelihoods of a
million pairs as matrix products), the others the whole way with errors, families and critical values.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from dataclasses import replace

import numpy as np

from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.parentage import assign_parents
from ghostcat.genetics.parentage_candidates import LifeHistory
from ghostcat.genetics.parentage_model import TypingErrors, build_model, pair_log_ratios
from ghostcat.genetics.simulate_families import drop_genes, type_animals


def two_generations(
    candidates: int, offspring: int, loci: int, *, seed: int, litter: int = 4, typed: float = 0.7
) -> tuple[Genotypes, LifeHistory, np.ndarray, np.ndarray]:
    """Litters of random couples; `typed` of the parents are among the candidates, the rest are strangers."""
    rng = np.random.default_rng(seed)
    adults = int(candidates / typed)
    mothers = rng.integers(0, adults // 2, offspring // litter)
    fathers = rng.integers(adults // 2, adults, offspring // litter)
    dam = np.r_[np.full(adults, -1), np.repeat(mothers, litter)]
    sire = np.r_[np.full(adults, -1), np.repeat(fathers, litter)]
    minor = rng.uniform(0.3, 0.5, loci)
    alleles = drop_genes(dam, sire, np.c_[1 - minor, minor], rng=rng)
    keep = np.r_[np.sort(rng.choice(adults, candidates, replace=False)), np.arange(adults, len(dam))]
    genotypes = type_animals(alleles[keep], [f"a{i}" for i in keep], rng=rng, false_allele=0.005, missing=0.1)
    born = np.where(keep < adults, 2000.0, 2005.0)
    female = np.where(keep < adults, keep < adults // 2, rng.random(len(keep)) < 0.5).astype(float)
    life = replace(LifeHistory.unknown(len(keep)), female=female, first_birth=born, last_birth=born.copy())
    place = np.full(len(dam) + 1, -1)
    place[keep] = np.arange(len(keep))
    return genotypes, life, place[dam[keep]], place[sire[keep]]


def main() -> None:
    """Print CPU seconds and how many parents were right."""
    genotypes, life, dams, sires = two_generations(1000, 1000, 200, seed=1)
    start = time.process_time()
    model = build_model(genotypes, TypingErrors(false_allele=0.005))
    pair_log_ratios(model, 1.0, offspring=np.arange(1000, 2000), candidates=np.arange(1000))
    print(f"1,000 x 1,000 x 200 SNPs, likelihoods of all pairs: {time.process_time() - start:.2f} CPU s")
    for families in (False, True):
        start = time.process_time()
        found = assign_parents(genotypes, life, rng=np.random.default_rng(1), families=families)
        spent = time.process_time() - start
        right = wrong = 0
        for row, dam, sire in zip(found.assignments, dams, sires, strict=True):
            for claimed, true in ((row.dam, dam), (row.sire, sire)):
                if claimed is not None:
                    hit = true >= 0 and genotypes.samples[true] == claimed
                    right, wrong = right + hit, wrong + (not hit)
        print(
            f"1,000 x 1,000 x 200 SNPs, whole way, {'with' if families else 'without'} sibships: "
            f"{spent:.2f} CPU s; {right} of {(dams >= 0).sum() + (sires >= 0).sum()} parents right, "
            f"{wrong} wrong"
        )


if __name__ == "__main__":
    main()
