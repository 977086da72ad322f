"""How the cost of a whole fit grows: cells, animals, days, and the large surveys, CPU seconds and memory.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/scr/scaling.py [CASE …]

Each case runs in its own process, so that its peak memory is its own. CPU seconds are of laying out, fitting
and the Hessian; drawing the survey is not counted, but its memory is.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
from simulated import grid, simulated_survey

from ghostcat.scr.fitting import fit_model
from ghostcat.scr.model import ScrModel


def year_of_cameras(cells: int = 200, days: int = 365, density: float = 4.0, formula: str = "~1") -> None:
    """400 cameras 2 km apart, cells² mask points."""
    side_m = 64_000.0
    session = simulated_survey(
        grid(20, 20, 2000.0),
        grid(cells, cells, side_m / cells),
        cell_m=side_m / cells,
        days=days,
        density_per_100km2=density,
        lambda0=3.65 / days * 0.02 * 5,
        sigma_m=2500.0,
        learned=0.7 if "bk" in formula else 0.0,
        rng=np.random.default_rng(1),
    )
    report(ScrModel(sessions=(session,), formulas={"lambda0": formula}, form="full"))


def long_survey(formula: str) -> None:
    """60 cameras, 90 days, behaviour. Without it, one likelihood of such a survey takes secr 2.3 CPU s."""
    session = simulated_survey(
        grid(10, 6, 3000.0),
        grid(57, 45, 1000.0),
        cell_m=1000.0,
        days=90,
        density_per_100km2=3.0,
        lambda0=0.02,
        sigma_m=3000.0,
        learned=0.7,
        rng=np.random.default_rng(1),
    )
    report(ScrModel(sessions=(session,), formulas={"lambda0": formula}, form="full"))


def national() -> None:
    """2,000 stations in 20 blocks, 200,000 mask points of 4 km², about 3,000 animals caught."""
    blocks = np.stack(np.meshgrid(np.arange(5), np.arange(4)), axis=-1).reshape(-1, 2) - [2.0, 1.5]
    traps = (grid(10, 10, 4000.0)[None] + blocks[:, None] * [190_000.0, 180_000.0]).reshape(-1, 2)
    session = simulated_survey(
        traps,
        grid(500, 400, 2000.0),
        cell_m=2000.0,
        days=90,
        density_per_100km2=5.5,
        lambda0=0.02,
        sigma_m=4000.0,
        rng=np.random.default_rng(1),
    )
    report(ScrModel(sessions=(session,), form="collapsed"))


def report(model: ScrModel) -> None:
    """Fit and print one line."""
    array = model.sessions[0].arrays[0]
    started = time.process_time()
    fit = fit_model(model)
    seconds = time.process_time() - started
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{array.detectors:5d} stations {array.occasions:4d} days {model.sessions[0].mask.cells:7d} cells "
        f"{fit.animals:5d} animals {len(array.animal):6d} detections  "
        f"{seconds:7.2f} CPU s {memory_mb:6.0f} MB  converged {fit.converged}  "
        + " ".join(f"{c.name} {c.estimate:.3f} ({c.standard_error:.3f})" for c in fit.coefficients()),
        flush=True,
    )


CASES = {
    "cells 2500": lambda: year_of_cameras(cells=50),
    "cells 10000": lambda: year_of_cameras(cells=100),
    "cells 40000": lambda: year_of_cameras(),
    "cells 160000": lambda: year_of_cameras(cells=400),
    "animals x2": lambda: year_of_cameras(density=8.0),
    "animals x4": lambda: year_of_cameras(density=16.0),
    "days 30": lambda: year_of_cameras(days=30),
    "days 90": lambda: year_of_cameras(days=90),
    "behaviour bk, 365 days": lambda: year_of_cameras(formula="~bk"),
    "60 cameras, bk": lambda: long_survey("~bk"),
    "60 cameras, b + T": lambda: long_survey("~b + T"),
    "national": national,
}


def main() -> None:
    """Run the cases named on the command line, or all."""
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        CASES[sys.argv[2]]()
        return
    for name in sys.argv[1:] or CASES:
        print(f"{name:24s}", end=" ", flush=True)
        subprocess.run([sys.executable, __file__, "--one", name], check=True)


if __name__ == "__main__":
    main()
