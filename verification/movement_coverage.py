"""Do 95 % intervals of a range's area cover the truth? Simulated OUF tracks, autocorrelated kernel estimates.

    python verification/movement_coverage.py [--tracks 200] [--csv verification/movement_coverage.csv]

Isotropic ranges of standard deviation 3 km, crossed in 2 days; velocity kept for 1 hour; a fix every 2 hours;
tracks of 5, 20 and 200 crossing times. The model is chosen by AICc, as users do.
"""

from __future__ import annotations

import argparse
import csv
import math
from pathlib import Path

import numpy as np

from ghostcat.errors import EstimateRefused
from ghostcat.movement import Motion, Track, akde, select_motion
from ghostcat.movement.motion import transitions

CROSSING_S, PERSISTENCE_S, DEVIATION_M, STEP_S = 2 * 86_400.0, 3_600.0, 3_000.0, 7_200.0
TRUTH_KM2 = -2.0 * math.log(0.05) * math.pi * (DEVIATION_M / 1000.0) ** 2


def track(crossings: int, rng: np.random.Generator) -> Track:
    """A stationary OUF path at regular fixes."""
    motion = Motion(kind="OUF", tau_position_s=CROSSING_S, tau_velocity_s=PERSISTENCE_S)
    step = transitions(motion, np.array([STEP_S]))
    fixes = int(crossings * CROSSING_S / STEP_S)
    noise = rng.standard_normal((fixes, 2, 2)) @ np.linalg.cholesky(step.noise[0]).T
    state = rng.standard_normal((2, 2))
    places = np.empty((fixes, 2))
    for k in range(fixes):
        places[k] = state[:, 0]
        state = state @ step.carry[0].T + noise[k]
    return Track(time_s=1.6e9 + STEP_S * np.arange(fixes), xy_m=DEVIATION_M * places)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tracks", type=int, default=200)
    arguments.add_argument("--csv", type=Path)
    given = arguments.parse_args()
    rows = []
    for crossings in (5, 20, 200):
        rng = np.random.default_rng(crossings)
        areas, covered, sizes, refused = [], [], [], 0
        for _ in range(given.tracks):
            drawn = track(crossings, rng)
            fit = select_motion(drawn).best
            try:
                area = akde(drawn, fit).area_km2()
            except EstimateRefused:
                refused += 1
                continue
            areas.append(area.estimate)
            covered.append(area.lower < TRUTH_KM2 < area.upper)
            sizes.append(fit.dof_area)
        rows.append(
            {
                "crossings": crossings,
                "tracks": given.tracks,
                "refused": refused,
                "median_effective_size": round(float(np.median(sizes)), 2),
                "mean_bias_percent": round(100 * (float(np.mean(areas)) / TRUTH_KM2 - 1), 1),
                "median_bias_percent": round(100 * (float(np.median(areas)) / TRUTH_KM2 - 1), 1),
                "coverage_percent": round(100 * float(np.mean(covered)), 1),
            }
        )
        print(rows[-1], flush=True)
    if given.csv:
        with given.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
