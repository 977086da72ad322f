"""CPU seconds of a whole fit, Hessian included, against those of secr 5.5.0 on the same problem.

    python benchmarks/scr_fit.py [SHARED_FOLDER]

secr's seconds are the ones stored beside its numbers (one thread); ours are measured now, the best
of five, one thread if OMP_NUM_THREADS=1 is set before the start.
"""

from __future__ import annotations

import importlib.util
import math
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Print one line per problem and the geometric mean of the ratios."""
    root = Path(__file__).resolve().parents[1]
    if len(sys.argv) > 1:
        os.environ["GHOSTCAT_SHARED"] = sys.argv[1]
    path = root / "tests" / "reference" / "test_scr_reference.py"
    spec = importlib.util.spec_from_file_location("scr_reference", path)
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    ratios = []
    for name in reference.FITTED:
        expected = reference.expected(name)
        data, mask = reference.problem_of(expected["data"])
        best = math.inf
        for _ in range(5):
            start = time.process_time()
            reference.fit_scr(data, mask)
            best = min(best, time.process_time() - start)
        theirs = expected["oracle_cpu_seconds_one_thread"]["fit"]
        ratios.append(theirs / best)
        print(
            f"{name:28s} {len(data.usage):4d} stations {mask.cells:6d} cells   "
            f"secr {theirs:6.2f} s   ghostcat {best:6.3f} s   {ratios[-1]:5.0f}×"
        )
    print(f"geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.0f}×")


if __name__ == "__main__":
    main()
