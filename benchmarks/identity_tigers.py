"""Ranking and calibration on labelled tiger flanks: one crop asks, all others answer.

    python benchmarks/identity_tigers.py [FOLDER] [--cache DIR]

FOLDER holds manifest.csv (file, entity, flank_side) and images/ (default: photos/tigers below
GHOSTCAT_SHARED or ../shared). Every photo is its own pass; candidates come from the shortlist, then from
close matching; photos outside the shortlist rank behind it. Nothing is trained on the photos.
"""

from __future__ import annotations

import argparse
import csv
import os
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from identity_khasan import read, score, start_matching

from ghostcat import identity as idt

SHORTLIST = 30


def shortlist(row: int) -> tuple[list[int], list[int]]:
    import identity_khasan

    return idt.candidates(identity_khasan._bank, row, most=SHORTLIST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    parser.add_argument("folder", nargs="?", type=Path, default=shared / "photos" / "tigers")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    with open(args.folder / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    cached = args.cache / "tigers.pkl" if args.cache else None
    start = time.perf_counter()
    with ProcessPoolExecutor(args.processes) as pool:
        if cached and cached.exists():
            readings = pickle.loads(cached.read_bytes())
        else:
            readings = list(pool.map(read, [str(args.folder / r["file"]) for r in rows], chunksize=8))
            if cached:
                cached.parent.mkdir(parents=True, exist_ok=True)
                cached.write_bytes(pickle.dumps(readings))
    print(f"read {time.perf_counter() - start:.0f} s; usable {np.mean([r.usable for r, _ in readings]):.3f}")
    labelled = [k for k, r in enumerate(rows) if r["flank_side"] in ("left", "right")]
    right = [(readings[k][0].side_probability > 0.5) == (rows[k]["flank_side"] == "right") for k in labelled]
    print(f"flank from one photo {np.mean(right):.3f} (n = {len(right)})")

    kept = [k for k, (_, features) in enumerate(readings) if features is not None and len(features)]
    entity = np.array([rows[k]["entity"] for k in kept])
    features = [readings[k][1] for k in kept]
    start = time.perf_counter()
    with ProcessPoolExecutor(
        args.processes, initializer=start_matching, initargs=(features, list(range(len(kept))))
    ) as pool:
        lists = list(pool.map(shortlist, range(len(kept)), chunksize=16))
        pairs = sorted(
            {(min(q, b), max(q, b), bool(d)) for q, both in enumerate(lists) for d in (0, 1) for b in both[d]}
        )
        scores = dict(zip(pairs, pool.map(score, pairs, chunksize=200), strict=True))
    print(f"match {time.perf_counter() - start:.0f} s for {len(pairs)} pairs")

    rank_1, rank_5, precision = [], [], []
    for q, (real, _) in enumerate(lists):
        order = sorted(real, key=lambda b: (-scores[min(q, b), max(q, b), False], real.index(b)))
        hit = entity[order] == entity[q]
        total = int((entity == entity[q]).sum()) - 1
        if not total:
            continue
        rank_1.append(bool(hit[:1].any()))
        rank_5.append(bool(hit[:5].any()))
        precision.append(float((np.cumsum(hit) / (np.arange(len(hit)) + 1) * hit).sum() / total))
    share = len(kept) / len(rows)
    print(
        f"of {len(rank_1)} usable photos: rank-1 {np.mean(rank_1):.3f}, rank-5 {np.mean(rank_5):.3f}, "
        f"mAP {np.mean(precision):.3f}; unusable counted as wrong: rank-1 {np.mean(rank_1) * share:.3f}"
    )
    real_scores = {p[:2]: s for p, s in scores.items() if not p[2]}
    decoy_scores = [s for p, s in scores.items() if p[2]]
    missing = len(kept) * (len(kept) - 1) // 2
    fit = idt.calibrate(
        np.concatenate([list(real_scores.values()), np.zeros(missing - len(real_scores))]),
        np.concatenate([decoy_scores, np.zeros(missing - len(decoy_scores))]),
    )
    same = np.array([entity[a] == entity[b] for a, b in real_scores])
    probability = fit.probability(list(real_scores.values()))
    print(f"calibration error of shortlisted pairs {idt.expected_calibration_error(probability, same):.3f}")
    values = np.array(list(real_scores.values()))
    for rate in (1e-3, 1e-4):
        limit = np.sort(values[~same])[-max(1, int(rate * (missing - same.sum())))]
        total = sum(int((entity == e).sum()) - 1 for e in entity) // 2
        print(
            f"share of same pairs above the score that {rate:g} of different pairs exceed: "
            f"{(values[same] > limit).sum() / total:.3f}"
        )
    print(fit)


if __name__ == "__main__":
    main()
