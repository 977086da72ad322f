"""Do 95 % intervals cover 95 %? Simulate surveys with known truth, estimate, count.

Designs follow the leopard defaults of the design notes (animals per 100 km², σ, λ0 per station-day,
window of 92 days, 18 % of stations failing for good at a uniform moment). Each survey goes the whole
way: `estimate_density` chooses mask, buffer and cells by itself. `leopard_sexes` breaks an assumption
on purpose: females and males differ in σ and λ0, the model has one of each.

    python verification/scr_coverage.py [--surveys 400] [--out verification/scr_coverage.csv]

One process; about 2 minutes for 400 surveys of each design.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from shapely import box

from ghostcat.errors import EstimateRefused
from ghostcat.scr import ScrData, estimate_density, make_mask, simulate_captures

WINDOW_DAYS = 92
FAILING = 0.18


@dataclass(frozen=True)
class Design:
    """Stations on a square grid, and one or two classes of animals."""

    name: str
    side: int
    spacing_m: float
    classes: tuple[tuple[float, float, float], ...]
    """(animals per 100 km², λ0 per station-day, σ in m) of each class."""

    @property
    def density(self) -> float:
        """Animals per 100 km²."""
        return sum(c[0] for c in self.classes)


DESIGNS = (
    Design("leopard", 10, 6000.0, ((1.0, 0.01, 4000.0),)),
    Design("leopard_4km", 12, 4000.0, ((1.0, 0.01, 4000.0),)),
    Design("small", 6, 4000.0, ((1.5, 0.02, 3500.0),)),
    Design("leopard_sexes", 12, 4000.0, ((0.55, 0.012, 3500.0), (0.45, 0.01, 5500.0))),
)


def survey(design: Design, rng: np.random.Generator) -> tuple[ScrData, np.ndarray]:
    """One simulated survey, and where all animals live."""
    axis = design.spacing_m * np.arange(design.side)
    traps = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    fails = rng.random(len(traps)) < FAILING
    usage = np.where(fails, np.ceil(rng.uniform(0, WINDOW_DAYS, len(traps))), float(WINDOW_DAYS))
    widest = max(c[2] for c in design.classes)
    mask = make_mask(traps, buffer_m=5.5 * widest, cell_m=1000.0)
    drawn = [
        simulate_captures(
            traps, usage, mask=mask, density_per_100km2=density, lambda0=rate, sigma_m=sigma, rng=rng
        )
        for density, rate, sigma in design.classes
    ]
    counts = np.concatenate([d.data.counts for d in drawn])
    return ScrData(counts, usage, traps), np.concatenate([d.centres_xy_m for d in drawn])


def assess(design: Design, surveys: int, seed: int) -> dict[str, object]:
    """Estimate many surveys of one design; one row of the result table."""
    extent = design.spacing_m * (design.side - 1)
    core = box(0.0, 0.0, extent, extent)
    hits = {"density": 0, "sigma": 0, "lambda0": 0, "expected_core": 0, "realised_core": 0}
    estimates, errors, gaps, animals, recaptures = [], [], [], [], []
    refused = unproven = 0
    start = time.process_time()
    for index in range(surveys):
        data, centres = survey(design, np.random.default_rng([seed, index]))
        try:
            fit = estimate_density(data)
        except EstimateRefused:
            refused += 1
            continue
        if not fit.converged:
            unproven += 1
            continue
        number = fit.abundance(core)
        inside = ((centres >= 0) & (centres <= extent)).all(axis=1).sum()
        truths = {
            "density": (fit.density_per_100km2, design.density),
            "expected_core": (number.expected, design.density * extent**2 / 1e8),
            "realised_core": (number.realised, float(inside)),
        }
        if len(design.classes) == 1:
            truths["lambda0"] = (fit.lambda0, design.classes[0][1])
            truths["sigma"] = (fit.sigma_m, design.classes[0][2])
        for name, (interval, truth) in truths.items():
            hits[name] += interval.lower <= truth <= interval.upper
        estimates.append(fit.density_per_100km2.estimate / design.density)
        errors.append(fit.relative_standard_error)
        gaps.append(number.realised.estimate - inside)
        animals.append(data.animals)
        recaptures.append(data.recaptures)
    done = len(estimates)
    row: dict[str, object] = {
        "design": design.name,
        "surveys": surveys,
        "refused": refused,
        "not_converged": unproven,
        "mean_animals": round(float(np.mean(animals)), 1),
        "mean_recaptures": round(float(np.mean(recaptures)), 1),
        "bias_density_percent": round(100 * (float(np.mean(estimates)) - 1), 2),
        "bias_median_percent": round(100 * (float(np.median(estimates)) - 1), 2),
        "bias_monte_carlo_se": round(100 * float(np.std(estimates)) / math.sqrt(done), 2),
        "sd_of_estimates": round(float(np.std(estimates)), 3),
        "mean_rse": round(float(np.mean(errors)), 3),
        "mean_error_realised_core": round(float(np.mean(gaps)), 2),
    }
    for name, hit in hits.items():
        known = len(design.classes) == 1 or name not in ("sigma", "lambda0")
        row[f"coverage_{name}"] = round(hit / done, 3) if known else ""
    row["cpu_s_per_survey"] = round((time.process_time() - start) / surveys, 3)
    return row


def main() -> None:
    """Run all designs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surveys", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20261101)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    given = parser.parse_args()
    rows = [assess(design, given.surveys, given.seed) for design in DESIGNS]
    with given.out.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    for row in rows:
        print(", ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
