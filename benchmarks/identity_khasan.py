"""Who is who in a survey package with known truth: splits, merges, flanks, usability, calibration, time.

    python benchmarks/identity_khasan.py [SURVEY_FOLDER] [--cache DIR]

SURVEY_FOLDER holds media.csv, deployments.csv and truth/ (default: surveys/khasan below GHOSTCAT_SHARED
or ../shared). Truth is read only to score. Nothing is trained on it.
"""

from __future__ import annotations

import argparse
import csv
import os
import pickle
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np

from ghostcat import identity as idt

_models = None
_prepared = None
_mirrored = None
_bank = None


def read(path: str) -> tuple:
    """One photo: its reading without the mask, and its features."""
    global _models
    import cv2

    if _models is None:
        cv2.setNumThreads(1)
        _models = idt.load_models()
    rgb = np.ascontiguousarray(cv2.imread(path)[:, :, ::-1])
    reading = idt.read_flank(rgb, models=_models)
    features = idt.describe(rgb, reading) if reading.usable else None
    return reading, features


def start_matching(features: list, owner: list[int]) -> None:
    global _prepared, _mirrored, _bank
    _bank = idt.build_bank(features, owner)
    _prepared = [idt.prepare(f) for f in features]
    _mirrored = [idt.prepare(idt.mirrored(f)) for f in features]


def shortlist(row: int) -> tuple[list[int], list[int]]:
    return idt.candidates(_bank, row)


def score(pair: tuple[int, int, bool]) -> float:
    a, b, decoy = pair
    return idt.score_prepared(_prepared[a], (_mirrored if decoy else _prepared)[b])[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    parser.add_argument("folder", nargs="?", type=Path, default=shared / "surveys" / "khasan")
    parser.add_argument("--cache", type=Path, help="keep readings here between runs")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    truth = {r["media_id"]: r for r in csv.DictReader((args.folder / "truth/truth.csv").open())}
    media = {r["mediaID"]: r for r in csv.DictReader((args.folder / "media.csv").open())}
    ids = sorted(media)
    seconds = {}

    start = time.perf_counter()
    cached = args.cache / "readings.pkl" if args.cache else None
    with ProcessPoolExecutor(args.processes) as pool:
        if cached and cached.exists():
            readings = pickle.loads(cached.read_bytes())
        else:
            paths = [str(args.folder / media[i]["filePath"]) for i in ids]
            readings = dict(zip(ids, pool.map(read, paths, chunksize=8), strict=True))
            if cached:
                cached.parent.mkdir(parents=True, exist_ok=True)
                cached.write_bytes(pickle.dumps(readings))
    seconds["read"] = time.perf_counter() - start

    start = time.perf_counter()
    passes = encounters(media)
    sightings = [
        idt.Sighting(
            photo=i,
            encounter=passes[i],
            camera=media[i]["deploymentID"],
            station=station(media[i]),
            slot=station_slot(media[i])[1],
            time_s=datetime.fromisoformat(media[i]["timestamp"]).timestamp(),
            right=readings[i][0].side_probability,
            quality=readings[i][0].quality,
        )
        for i in ids
        if readings[i][0].usable
    ]
    compared = idt.photos_to_compare(sightings)
    features = [readings[i][1] for i in compared]
    names = sorted(set(passes.values()))
    owner = [names.index(passes[i]) for i in compared]
    with ProcessPoolExecutor(args.processes, initializer=start_matching, initargs=(features, owner)) as pool:
        lists = list(pool.map(shortlist, range(len(compared)), chunksize=16))
        seconds["shortlist"] = time.perf_counter() - start
        pairs = sorted(
            {(min(q, b), max(q, b), bool(d)) for q, both in enumerate(lists) for d in (0, 1) for b in both[d]}
        )
        scores = list(pool.map(score, pairs, chunksize=200))
    seconds["match"] = time.perf_counter() - start - seconds["shortlist"]
    real = [(compared[a], compared[b], s) for (a, b, d), s in zip(pairs, scores, strict=True) if not d]
    decoys = [(compared[a], compared[b], s) for (a, b, d), s in zip(pairs, scores, strict=True) if d]
    if args.cache:
        (args.cache / "stage3.pkl").write_bytes(pickle.dumps((sightings, real, decoys)))

    start = time.perf_counter()
    outcome = idt.decide_identities(sightings, real, decoys)
    seconds["decide"] = time.perf_counter() - start
    report(outcome, truth, readings, sightings, real, passes)
    print("pairs matched", len(pairs), "seconds", {k: round(v, 1) for k, v in seconds.items()})


def station_slot(row: dict) -> tuple[str, str]:
    """Station and camera slot from `ST01A-1`."""
    name = row["deploymentID"].split("-")[0]
    return name[:-1], name[-1]


def station(row: dict) -> str:
    return station_slot(row)[0]


def encounters(media: dict) -> dict[str, str]:
    """Photos of one station less than 30 minutes apart are one encounter."""
    by_station = defaultdict(list)
    for i, row in media.items():
        by_station[station(row)].append((datetime.fromisoformat(row["timestamp"]).timestamp(), i))
    found = {}
    for rows in by_station.values():
        last, name = None, ""
        for moment, i in sorted(rows):
            if last is None or moment - last > 1800:
                name = i
            found[i], last = name, moment
    return found


def report(outcome, truth, readings, sightings, real, passes) -> None:
    usable = {i for i, r in truth.items() if r["usable_flank"] == "1"}
    said = {i for i in truth if readings[i][0].usable}
    print(f"usable: said {len(said)}, true {len(usable)}, right yes {len(said & usable)}")
    degraded = Counter((truth[i]["degraded"], readings[i][0].reason) for i in truth if i not in usable)
    print("  of the degraded:", dict(degraded))
    print("  of the usable  :", dict(Counter(readings[i][0].reason for i in usable)))
    good = [i for i in usable if i in outcome.sides]
    right = {i: truth[i]["flank"] == "right" for i in good}
    single = np.mean([(readings[i][0].side_probability > 0.5) == right[i] for i in good])
    settled = np.mean([outcome.sides[i][0] == truth[i]["flank"] for i in good])
    print(f"flank right: single photo {single:.3f}, settled {settled:.3f}")
    animal = {}
    for i in truth:
        if i in usable:
            animal[passes[i]] = truth[i]["animal"]
    held = [Counter(animal[e] for e in g if e in animal) for g in outcome.groups]
    counts = Counter(a for c in held for a in c)
    print(
        f"individuals {outcome.individuals} (in {len(outcome.groups)} groups), "
        f"truly photographed with a usable flank {len(set(animal.values()))}: "
        f"merges {sum(max(len(c) - 1, 0) for c in held)}, splits {sum(v - 1 for v in counts.values())}, "
        f"missed {sorted(set(animal.values()) - set(counts))}, invented {sum(not c for c in held)}, "
        f"questions {len(outcome.questions)}, passes to ask about "
        f"{len({n.encounter for n in outcome.nodes if n.state == 'ask'})} of {len(animal)}"
    )
    for c in held:
        if len(c) > 1:
            print("  merged", dict(c))
    for a, v in counts.items():
        if v > 1:
            print("  split", a, [c[a] for c in held if a in c])
    for q in outcome.questions:
        t = [truth[p]["animal"] for p in (q.photo_a, q.photo_b)]
        print(f"  ask {q.photo_a} {q.photo_b} ({t[0]}, {t[1]}) P {q.probability:.2f} value {q.value:.2f}")
    camera = {s.photo: (s.encounter, s.camera) for s in sightings}
    best = defaultdict(float)
    same = {}
    for a, b, s in real:
        key = tuple(sorted((camera[a], camera[b])))
        if outcome.sides[a][0] == outcome.sides[b][0]:
            best[key] = max(best[key], s)
            same[key] = (truth[a]["animal"], truth[a]["flank"]) == (truth[b]["animal"], truth[b]["flank"])
    p = outcome.calibration.probability([best[k] for k in same])
    y = [same[k] for k in same]
    error = idt.expected_calibration_error(p, y)
    print(f"calibration error of shortlisted camera-pass pairs {error:.3f} (n = {len(y)})")
    print(outcome.calibration)


if __name__ == "__main__":
    main()
