"""How long does a season's plan take, and how much does it gain? A simulated studbook with 250 living.

    python benchmarks/matchups.py            # the goal: 250 animals under 30 s
    python benchmarks/matchups.py 60 120 250

Prints, for each number of living animals and each kind of limits: seconds and CPU seconds, the
largest gene diversity by which a better plan could exist, the gain over random and over greedy
mean-kinship pairing.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from ghostcat.pedigree import kinship, make_pedigree
from ghostcat.pedigree.matchups import plan_season
from ghostcat.pedigree.suitability import BreedingStock, Institutions, score_pairs

PLACES = 12


def population(living: int, *, founders: int = 14, generations: int = 6, seed: int = 1) -> BreedingStock:
    """Unequal families over six generations; the last generation lives, in twelve places."""
    rng = np.random.default_rng(seed)
    ids, dams, sires = [f"F{k}" for k in range(founders)], [""] * founders, [""] * founders
    sex = ["FM"[k % 2] for k in range(founders)]
    last = list(range(founders))
    for generation in range(generations):
        size = living if generation == generations - 1 else min(living, 30 * (generation + 1))
        weight = rng.gamma(0.7, size=len(last)) + 0.05
        females = np.array([sex[i] == "F" for i in last])
        young = []
        for _ in range(size):
            dam, sire = (
                rng.choice(last, p=weight * mine / (weight * mine).sum()) for mine in (females, ~females)
            )
            ids.append(f"A{len(ids)}")
            dams.append(ids[dam])
            sires.append(ids[sire])
            sex.append("FM"[int(rng.integers(2))])
            young.append(len(ids) - 1)
        last = young
    f = kinship(make_pedigree(ids, dams, sires), np.array(last))
    return BreedingStock(
        ids=tuple(ids[i] for i in last),
        sex=tuple("female" if sex[i] == "F" else "male" for i in last),
        kinship=f,
        age_years=rng.integers(1, 16, living).astype(float),
        known=np.ones(living),
        site=tuple(f"Z{k}" for k in rng.integers(0, PLACES, living)),
    )


def main(sizes: list[int]) -> None:
    print(
        f"{'living':>6} {'limits':<12} {'litters':>7} {'s':>6} {'CPU s':>6} {'gap':>9} {'over random':>12} "
        f"{'over greedy':>12}"
    )
    for living in sizes:
        stock = population(living)
        xy = np.random.default_rng(2).random((PLACES, 2)) * 3000
        cost = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
        space = np.full(PLACES, living / PLACES + 12.0)
        places = Institutions(names=tuple(f"Z{k}" for k in range(PLACES)), cost=cost, space=space)
        litters = max(4, living // 8)
        for limits in ("none", "places"):
            started, busy = time.perf_counter(), time.process_time()
            scores = score_pairs(
                stock, institutions=places if limits == "places" else None, max_inbreeding=0.2
            )
            travel = {"transfer_budget": 8000.0, "max_transfers": 10} if limits == "places" else {}
            plan = plan_season(
                scores, litters=litters, pairs_per_male=2, rng=np.random.default_rng(1), **travel
            )
            seconds, busy = time.perf_counter() - started, time.process_time() - busy
            random, greedy = plan.comparisons
            print(
                f"{living:>6} {limits:<12} {len(plan.matches):>7} {seconds:>6.1f} {busy:>6.1f} "
                f"{plan.gap:>9.1e} {random.gain:>+12.5f} {greedy.gain:>+12.5f}"
            )


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [60, 120, 250])
