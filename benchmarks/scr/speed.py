"""CPU seconds of whole fits against those of secr 5.5.0 on the same problems and models.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/scr/speed.py [--csv FILE] [--times N] [FIT …]

A whole fit is laying out, starting values, search, exact Hessian, real parameters, derived densities and
numbers; reading the tables is not counted on either side. secr's seconds are stored beside its numbers
(one thread, the fit alone); ours are the least of N runs. The reference folder is named by GHOSTCAT_SHARED,
or lies as `shared` beside the repository. Other work on the machine makes CPU seconds longer, because caches
and memory are shared; the load is printed first.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import resource
import time
from pathlib import Path

from ghostcat.errors import EstimateRefused
from ghostcat.scr.areas import derived_density, region_numbers
from ghostcat.scr.fitting import ModelFit, fit_model
from ghostcat.scr.model import ScrModel
from ghostcat.scr.predicting import real_parameters
from ghostcat.workflows.scr_fitting import scr_model

SHARED = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).parents[3] / "shared")) / "reference" / "scr"


def whole_fit(model: ScrModel) -> ModelFit:
    """Everything that a report needs."""
    fit = fit_model(model)
    real_parameters(fit)
    derived_density(fit)
    region_numbers(fit)
    return fit


def least_seconds(model: ScrModel, times: int) -> tuple[float, ModelFit]:
    """CPU seconds of the quickest of a few runs."""
    best, fit = math.inf, None
    spent = 0.0
    for _ in range(times):
        started = time.process_time()
        fit = whole_fit(model)
        taken = time.process_time() - started
        best, spent = min(best, taken), spent + taken
        if spent > 20.0:
            break
    assert fit is not None
    return best, fit


def main() -> None:
    """Print one line per fit, the geometric mean and the worst."""
    options = argparse.ArgumentParser()
    options.add_argument("--csv")
    options.add_argument("--times", type=int, default=5)
    options.add_argument("names", nargs="*")
    chosen = options.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    rows = []
    for path in sorted(SHARED.glob("fits/*.json")) + sorted(SHARED.glob("leopards/*.fit.json")):
        spec = json.loads(path.read_text(encoding="utf-8"))
        theirs = spec["oracle_cpu_seconds_one_thread"]["fit"]
        if theirs is None or (chosen.names and spec["id"] not in chosen.names):
            continue
        folder = SHARED / ("data" if path.parent.name == "fits" else "leopards")
        try:
            model = scr_model(folder, spec)
        except EstimateRefused:
            continue
        seconds, fit = least_seconds(model, chosen.times)
        better = fit.log_likelihood - spec["logLik"]
        ratio = theirs / seconds
        rows.append((spec["id"], theirs, seconds, ratio, fit.converged, better))
        print(
            f"{spec['id']:28s} secr {theirs:7.2f} s  ghostcat {seconds:7.4f} s  {ratio:6.0f}×  "
            f"converged {fit.converged!s:5s} ΔlogL {better:+.1e}",
            flush=True,
        )
    ratios = [row[3] for row in rows]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"{len(rows)} fits: geometric mean {mean:.0f}×, least {min(ratios):.0f}×")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if chosen.csv:
        with open(chosen.csv, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(
                ["fit", "secr_cpu_s", "ghostcat_cpu_s", "ratio", "converged", "log_likelihood_gain"]
            )
            table.writerows([(a, b, f"{c:.4f}", f"{d:.0f}", e, f"{f:.1e}") for a, b, c, d, e, f in rows])


if __name__ == "__main__":
    main()
