"""CPU seconds of pedigree work against the limits that the issue sets.

    python benchmarks/pedigree.py [ANIMALS]

Pedigrees are simulated: ten generations of equal size, every animal from a random dam and a random sire of
the generation before (the hardest case: no two share their parents more than by chance), and one where a
twentieth of the males sire everything (as in herds). CPU seconds of this process, after compilation; the
first line says what compiling costs once on a machine.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from ghostcat.pedigree import MALE, Pedigree, inbreeding, kinship_blocks, make_pedigree, mean_kinship

LIMITS = {"inbreeding": 10.0, "mean kinship": 1.0}


def simulated(animals: int, *, generations: int = 10, sires_share: float = 0.5, seed: int = 1) -> Pedigree:
    """Discrete generations of equal size with random mating."""
    rng = np.random.default_rng(seed)
    size = animals // generations
    total = size * generations
    dam, sire = np.full(total, -1, np.int32), np.full(total, -1, np.int32)
    males = max(1, int(size * sires_share))
    for generation in range(1, generations):
        begin, before = generation * size, (generation - 1) * size
        sire[begin : begin + size] = before + rng.integers(0, males, size)
        dam[begin : begin + size] = before + rng.integers(males, size, size)
    return arrays_pedigree(dam, sire)


def arrays_pedigree(dam: np.ndarray, sire: np.ndarray) -> Pedigree:
    """A pedigree from positions, without going through names."""
    from dataclasses import replace

    n = len(dam)
    blank = make_pedigree([str(i) for i in range(n)], [""] * n, [""] * n)
    sex = blank.sex.copy()
    sex[np.unique(sire[sire >= 0])] = MALE
    return replace(blank, dam=dam, sire=sire, sex=sex)


def measured(what: str, task) -> float:  # type: ignore[no-untyped-def]
    """Run a task once; print its CPU seconds beside the limit."""
    start, wall = time.process_time(), time.perf_counter()
    task()
    used = time.process_time() - start
    limit = LIMITS.get(what.split(",")[0])
    beside = f"   limit {limit:g} s" if limit else ""
    print(f"{what:58s} {used:8.2f} CPU s {time.perf_counter() - wall:8.2f} s{beside}", flush=True)
    return used


def main() -> None:
    """Print one line a task."""
    animals = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    measured("compiling (first use on a machine)", lambda: inbreeding(simulated(4000)))
    for share, name in ((0.5, "every male may sire"), (0.05, "a tenth of the males sire")):
        pedigree = simulated(animals, sires_share=share)
        measured(f"order of {len(pedigree)} animals, {name}", lambda p=pedigree: p.lineage)
        measured(f"inbreeding, {len(pedigree)} animals, {name}", lambda p=pedigree: inbreeding(p))
        measured(f"mean kinship, {len(pedigree)} animals, {name}", lambda p=pedigree: mean_kinship(p))
    living = np.arange(len(pedigree) - min(20_000, len(pedigree) // 10), len(pedigree))

    def pairs() -> None:
        total = 0.0
        for _, block in kinship_blocks(pedigree, living):
            total += float(block.sum())
        print(f"  mean kinship of the {len(living)} living {total / len(living) ** 2:.6f}")

    measured(f"kinship of {len(living)} living of {len(pedigree)}", pairs)


if __name__ == "__main__":
    main()
