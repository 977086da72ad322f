"""Is the engine calibrated? Simulated surveys of eight designs: bias of N, coverage of 95 % intervals.

Seven are calibrated by construction. The eighth, `two_apart`, shows what an assumption costs: cameras and
scats that cannot be matched meet the same animals, while the model takes them for two independent draws of
a population; its interval of the expected N is therefore too narrow.

Truth is drawn by `simulate_survey`; every survey is fitted by `fit_model` with the model that matches its
design. N is that of the mask: expected (the mean over populations) and realised (the animals that were
there). Two more columns say what a survey would have been refused for, and what did not converge.

    python verification/scr_designs.py [--surveys 200] [--designs leopard small …]

One process. Every survey appends a line to `scr_designs_surveys.csv` with its seed, and a stopped run goes
on where it was; the summary is `scr_designs.csv`.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ghostcat.errors import EstimateRefused
from ghostcat.scr.areas import region_numbers
from ghostcat.scr.captures import ScrSession
from ghostcat.scr.fitting import ModelFit, fit_model
from ghostcat.scr.mask import Mask, make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.simulate_survey import (
    ArrayTruth,
    CollarTruth,
    Population,
    SimulatedSurvey,
    simulate_survey,
)

HERE = Path(__file__).parent
DAYS = 92
FAILING = 0.18
SEED = 20261122
COLUMNS = (
    "design", "survey", "n", "detections", "outcome", "expected_truth", "expected", "expected_se",
    "expected_lower", "expected_upper", "realised_truth", "realised", "realised_lower", "realised_upper",
    "sigma", "sigma_lower", "sigma_upper", "cpu_s",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Design:
    """A survey that is drawn again and again, and the model that is fitted to it."""

    name: str
    population: Population
    arrays: tuple[ArrayTruth, ...]
    model: dict[str, object] = field(default_factory=dict)
    collars: CollarTruth | None = None
    sessions: Callable[[SimulatedSurvey], tuple[ScrSession, ...]] = lambda drawn: (drawn.session(),)
    sigma: tuple[str, float] = ("sigma", 4000.0)
    """Coefficient to check besides N, and its true value."""


def grid(side: int, spacing_m: float) -> np.ndarray:
    axis = spacing_m * np.arange(side)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def mask_of(traps: np.ndarray, sigma_m: float, widest_m: float | None = None) -> Mask:
    return make_mask(traps, buffer_m=4.0 * (widest_m or sigma_m), cell_m=sigma_m / 2.0)


def cameras(traps: np.ndarray, **more: object) -> ArrayTruth:
    """Whole windows; which stations fail is drawn anew for each survey."""
    return ArrayTruth(xy_m=traps, usage=np.full((len(traps), 1), float(DAYS)), **more)


def with_failures(array: ArrayTruth, rng: np.random.Generator) -> ArrayTruth:
    """18 % of the cameras stop for good at a uniform moment."""
    if array.name != "camera":
        return array
    fails = rng.random(len(array.xy_m)) < FAILING
    last = np.where(fails, np.ceil(rng.uniform(0, DAYS, len(array.xy_m))), DAYS)
    start = DAYS / array.usage.shape[1] * np.arange(array.usage.shape[1])
    usage = np.clip(last[:, None] - start, 0.0, DAYS / array.usage.shape[1])
    return ArrayTruth(**{**array.__dict__, "usage": usage})


def designs() -> tuple[Design, ...]:
    """The eight designs; numbers from the leopard defaults of the design notes."""
    wide, small, large = grid(12, 4000.0), grid(6, 4000.0), grid(20, 4000.0)
    leopard = mask_of(wide, 4000.0)
    sexes = mask_of(wide, 3500.0, 5500.0)
    east = (leopard.xy_m[:, 0] - leopard.xy_m[:, 0].mean()) / leopard.xy_m[:, 0].std(ddof=1)
    one = {"lambda0": (0.01,), "sigma_m": (4000.0,), "name": "camera"}
    scats = ArrayTruth(
        xy_m=grid(12, 4000.0) + 1500.0,
        usage=np.ones((144, 3)),
        lambda0=(0.15,),
        sigma_m=(4000.0,),
        detector="proximity",
        name="scat",
    )
    collars = CollarTruth(
        animals=4,
        fixes=40,
        sigma_m=(4000.0,),
        within=lambda xy: ((xy > 0) & (xy < 44_000)).all(axis=1),
    )
    return (
        Design(
            name="leopard",
            population=Population(mask=leopard, density_per_100km2=1.0),
            arrays=(cameras(wide, **one),),
        ),
        Design(
            name="small",
            population=Population(mask=mask_of(small, 3500.0), density_per_100km2=2.5),
            arrays=(cameras(small, lambda0=(0.02,), sigma_m=(3500.0,), name="camera"),),
            sigma=("sigma", 3500.0),
        ),
        Design(
            name="large",
            population=Population(mask=mask_of(large, 4000.0), density_per_100km2=2.0),
            arrays=(cameras(large, **one),),
        ),
        Design(
            name="sexes",
            population=Population(
                mask=sexes,
                density_per_100km2=1.5,
                classes=("F", "M"),
                shares=(1.2 / 2.2, 1.0 / 2.2),
                class_known=0.7,
            ),
            arrays=(cameras(wide, lambda0=(0.012, 0.009), sigma_m=(3500.0, 5500.0), name="camera"),),
            model={"formulas": {"lambda0": "~h2", "sigma": "~h2", "pmix": "~h2"}, "hcov": "sex"},
            sigma=("sigma", 3500.0),
        ),
        Design(
            name="behaviour",
            population=Population(mask=leopard, density_per_100km2=1.5),
            arrays=(
                ArrayTruth(
                    xy_m=wide,
                    usage=np.full((144, 12), DAYS / 12),
                    lambda0=(0.008,),
                    sigma_m=(4000.0,),
                    detector="proximity",
                    behaviour="bk",
                    behaviour_effect=0.8,
                    name="camera",
                ),
            ),
            model={"formulas": {"lambda0": "~bk"}},
        ),
        Design(
            name="trend",
            population=Population(mask=leopard, density_per_100km2=1.2 * np.exp(0.5 * east)),
            arrays=(cameras(wide, **one),),
            model={"formulas": {"D": "~x"}},
        ),
        Design(
            name="three_lines",
            population=Population(mask=leopard, density_per_100km2=1.0),
            arrays=(cameras(wide, **one), scats),
            collars=collars,
            model={"formulas": {"lambda0": "~method"}},
        ),
        Design(
            name="two_apart",
            population=Population(mask=leopard, density_per_100km2=1.0),
            arrays=(cameras(wide, **one), scats),
            model={"formulas": {"lambda0": "~method"}},
            sessions=apart,
        ),
    )


def apart(drawn: SimulatedSurvey) -> tuple[ScrSession, ...]:
    """Photographs and scats whose animals nobody can match: two surveys that share D and sigma."""
    return (drawn.session([0], name="photographs"), drawn.session([1], name="scats"))


def survey(design: Design, index: int) -> SimulatedSurvey:
    """Survey number `index` of a design; its seed is (SEED, name, index)."""
    rng = np.random.default_rng([SEED, *design.name.encode(), index])
    arrays = [with_failures(array, rng) for array in design.arrays]
    return simulate_survey(design.population, arrays, rng=rng, collars=design.collars)


def assess(design: Design, index: int) -> dict[str, object]:
    """Draw, fit, and compare one survey with its truth."""
    drawn = survey(design, index)
    row: dict[str, object] = dict.fromkeys(COLUMNS, "")
    row |= {
        "design": design.name,
        "survey": index,
        "n": len(drawn.seen),
        "detections": sum(len(a.captures) for a in drawn.arrays),
        "expected_truth": round(design.population.expected, 4),
        "realised_truth": drawn.animals,
    }
    begun = time.process_time()
    try:
        fit = fit_model(ScrModel(sessions=design.sessions(drawn), **design.model))
    except EstimateRefused as refusal:
        return row | {"outcome": refusal.code}
    row |= {"outcome": "converged" if fit.converged else "not_converged"}
    row |= numbers(fit, design)
    return row | {"cpu_s": round(time.process_time() - begun, 3)}


def numbers(fit: ModelFit, design: Design) -> dict[str, object]:
    """N of the mask (first session), and the coefficient of sigma."""
    found = region_numbers(fit)[0]
    coefficient = next(c for c in fit.coefficients() if c.name == design.sigma[0])
    return {
        "expected": round(found.expected[0], 4),
        "expected_se": round(found.expected[1], 4),
        "expected_lower": round(found.expected[2], 4),
        "expected_upper": round(found.expected[3], 4),
        "realised": round(found.realised[0], 4),
        "realised_lower": round(found.realised[2], 4),
        "realised_upper": round(found.realised[3], 4),
        "sigma": round(math.exp(coefficient.estimate), 2),
        "sigma_lower": round(math.exp(coefficient.lower), 2),
        "sigma_upper": round(math.exp(coefficient.upper), 2),
    }


def summary(design: Design, rows: list[dict[str, str]]) -> dict[str, object]:
    """Bias and coverage over all surveys of a design that gave an estimate."""
    kept = [r for r in rows if r["outcome"] == "converged"]

    def column(name: str) -> np.ndarray:
        return np.array([float(r[name]) for r in kept])

    def within(lower: str, upper: str, truth: np.ndarray) -> float:
        return float(np.mean((column(lower) <= truth) & (truth <= column(upper))))

    ratio = column("expected") / column("expected_truth")
    gap = (column("realised") - column("realised_truth")) / column("realised_truth").mean()
    root = math.sqrt(len(kept))
    return {
        "design": design.name,
        "surveys": len(rows),
        "refused": sum(r["outcome"] not in ("converged", "not_converged") for r in rows),
        "not_converged": sum(r["outcome"] == "not_converged" for r in rows),
        "mean_n": round(float(np.mean([float(r["n"]) for r in rows])), 1),
        "mean_recaptures": round(float(np.mean([float(r["detections"]) - float(r["n"]) for r in rows])), 1),
        "bias_expected_percent": round(100 * (float(ratio.mean()) - 1), 2),
        "bias_expected_se": round(100 * float(ratio.std(ddof=1)) / root, 2),
        "median_expected_percent": round(100 * (float(np.median(ratio)) - 1), 2),
        "bias_realised_percent": round(100 * float(gap.mean()), 2),
        "bias_realised_se": round(100 * float(gap.std(ddof=1)) / root, 2),
        "rse_reported": round(float((column("expected_se") / column("expected")).mean()), 3),
        "spread": round(float(ratio.std(ddof=1)), 3),
        "coverage_expected": round(within("expected_lower", "expected_upper", column("expected_truth")), 3),
        "coverage_realised": round(within("realised_lower", "realised_upper", column("realised_truth")), 3),
        "coverage_sigma": round(within("sigma_lower", "sigma_upper", np.full(len(kept), design.sigma[1])), 3),
        "coverage_se": round(math.sqrt(0.95 * 0.05 / len(kept)), 3),
        "cpu_s_per_fit": round(float(column("cpu_s").mean()), 3),
    }


def main() -> None:
    """Run what is missing, then write the summary of everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surveys", type=int, default=200)
    parser.add_argument("--designs", nargs="*", default=None)
    parser.add_argument("--out", type=Path, default=HERE / "scr_designs.csv")
    given = parser.parse_args()
    raw = given.out.with_name(f"{given.out.stem}_surveys.csv")
    every = designs()
    chosen = [d for d in every if given.designs is None or d.name in given.designs]
    done = _read(raw)
    new = not raw.exists()
    with raw.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        for design in chosen:
            have = {int(r["survey"]) for r in done if r["design"] == design.name}
            for index in range(given.surveys):
                if index not in have:
                    writer.writerow(assess(design, index))
                    stream.flush()
    rows = _read(raw)
    table = [summary(d, own) for d in every if (own := [r for r in rows if r["design"] == d.name])]
    with given.out.open("w", newline="", encoding="utf-8") as stream:
        out = csv.DictWriter(stream, fieldnames=list(table[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(table)
    for row in table:
        print(", ".join(f"{name} {value}" for name, value in row.items()))


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


if __name__ == "__main__":
    main()
