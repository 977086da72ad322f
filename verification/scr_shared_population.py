"""Cameras and scats whose animals cannot be matched: does `one_population` mend the intervals?

The surveys are those of design `two_apart` of `scr_designs.py`. Columns give the coverage of 95 % intervals
of the expected and of the realised number of animals, as the joint fit has them and as corrected.

    python verification/scr_shared_population.py [--surveys 150] [--draws 60]

One process; each survey appends a line to `scr_shared_population.csv`, a stopped run goes on where it was,
and the summary is printed.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import scr_designs

from ghostcat.scr.areas import region_numbers
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.model import ScrModel
from ghostcat.scr.shared_population import one_population

OUT = Path(__file__).with_suffix(".csv")
COLUMNS = (
    "survey", "draws", "expected_truth", "realised_truth", "estimate", "fit_lower", "fit_upper",
    "expected_lower", "expected_upper", "realised_lower", "realised_upper", "inflation",
)  # fmt: skip


def assess(design: scr_designs.Design, index: int, draws: int) -> dict[str, object]:
    """One survey: the fit, its own interval, and the corrected ones."""
    drawn = scr_designs.survey(design, index)
    fit = fit_model(ScrModel(sessions=design.sessions(drawn), **design.model))
    plain = region_numbers(fit)[0]
    mended = one_population(fit, rng=np.random.default_rng([scr_designs.SEED, index]), draws=draws)
    values = (
        index, draws, design.population.expected, drawn.animals, plain.expected[0], plain.expected[2],
        plain.expected[3], mended.expected.lower, mended.expected.upper, mended.realised.lower,
        mended.realised.upper, mended.inflation,
    )  # fmt: skip
    return {name: round(float(v), 4) for name, v in zip(COLUMNS, values, strict=True)}


def main() -> None:
    """Run what is missing, then print the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surveys", type=int, default=150)
    parser.add_argument("--draws", type=int, default=60)
    given = parser.parse_args()
    design = next(d for d in scr_designs.designs() if d.name == "two_apart")
    rows = list(csv.DictReader(OUT.open(encoding="utf-8"))) if OUT.exists() else []
    with OUT.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=COLUMNS, lineterminator="\n")
        if not rows:
            writer.writeheader()
        for index in range(len(rows), given.surveys):
            writer.writerow(assess(design, index, given.draws))
            stream.flush()
    found = {
        name: np.array([float(row[name]) for row in csv.DictReader(OUT.open(encoding="utf-8"))])
        for name in COLUMNS
    }

    def within(lower: str, upper: str, truth: str) -> float:
        return float(((found[lower] <= found[truth]) & (found[truth] <= found[upper])).mean())

    print(
        f"{len(found['survey'])} surveys; expected N: "
        f"fit {within('fit_lower', 'fit_upper', 'expected_truth'):.3f}, "
        f"corrected {within('expected_lower', 'expected_upper', 'expected_truth'):.3f}; "
        f"realised N, corrected {within('realised_lower', 'realised_upper', 'realised_truth'):.3f}; "
        f"mean inflation {found['inflation'].mean():.3f}"
    )


if __name__ == "__main__":
    main()
