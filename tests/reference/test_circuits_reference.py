"""Circuit jobs against the verification suites of Circuitscape and Omniscape (MIT; see their README)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ghostcat.formats.grids import read_grid
from ghostcat.workflows.circuits import run_circuit_job
from ghostcat.workflows.moving_windows import is_moving_window_job, run_moving_window_job

SHARED = Path(os.environ.get("GHOSTCAT_SHARED") or Path(__file__).parents[3] / "shared")
FOLDER = SHARED / "reference" / "circuits"
CASES = sorted(str(path.parent.relative_to(FOLDER)) for path in FOLDER.glob("*/*/case.ini"))

#: Expected files that contradict their job: maps and pairs that its settings leave out (a matrix of included
#: pairs is applied to one of two resistance files), and maps of a job that asks for none.
NOT_ASKED_FOR = {
    "raster_pairwise/13": lambda name: name.startswith(("curmap", "voltmap", "resistances_3")),
    "one_to_all/11": lambda name: name.endswith(".asc"),
}

pytestmark = pytest.mark.skipif(
    not CASES, reason="the circuit reference is not beside the project (set GHOSTCAT_SHARED)"
)


def numbers(path):
    return [[float(cell) for cell in line.split()] for line in path.read_text().splitlines() if line.strip()]


@pytest.mark.parametrize("case", CASES or ["absent"])
def test_case(case, tmp_path):
    job = FOLDER / case / "case.ini"
    moving = is_moving_window_job(job)
    (run_moving_window_job if moving else run_circuit_job)(job, tmp_path)
    compared = 0
    for wanted in sorted((FOLDER / case / "expected").iterdir()):
        name = wanted.name.replace(".out.txt", ".out")
        found = tmp_path / (name if moving else f"result_{name}")
        if not found.exists() and NOT_ASKED_FOR.get(case, lambda name: False)(name):
            continue
        assert found.exists(), name
        compared += 1
        if wanted.suffix in (".asc", ".tif"):
            a, b = (np.nan_to_num(read_grid(path).values, nan=-9999.0) for path in (found, wanted))
            # Current maps 2e-6, voltage maps 1e-5 for 1 A (relative where sources are larger); windows 1e-4.
            close = {"rtol": 1e-4} if moving else {"atol": 1e-5 if "volt" in name else 3e-6, "rtol": 1e-6}
            np.testing.assert_allclose(a, b, **close, err_msg=name)
        elif "branch_currents" in name:
            _same_branches(numbers(found), numbers(wanted), name)
        elif NOT_ASKED_FOR.get(case, lambda name: False)(name):
            continue
        else:
            np.testing.assert_allclose(numbers(found), numbers(wanted), rtol=1e-6, atol=2e-6, err_msg=name)
    assert compared


def _same_branches(found, wanted, name):
    """Branches that an iterative solver rounds to 0 are not in its list."""
    a, b = ({(i, j): value for i, j, value in rows} for rows in (found, wanted))
    for edge in a.keys() | b.keys():
        assert a.get(edge, 0.0) == pytest.approx(b.get(edge, 0.0), abs=2e-6), (name, edge)
