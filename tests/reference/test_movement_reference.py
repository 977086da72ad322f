"""Movement models against ctmm 1.3.1 (numbers only; its README says how they were made)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ghostcat.formats.tracks_reader import read_tracks
from ghostcat.movement import (
    Motion,
    akde,
    clean_fixes,
    fit_motion,
    gaussian_overlap,
    select_motion,
    track_likelihood,
)

SHARED = Path(os.environ.get("GHOSTCAT_SHARED") or Path(__file__).parents[3] / "shared")
FOLDER = SHARED / "reference" / "movement"
CASES = sorted(path.stem for path in (FOLDER / "expected").glob("*.json") if "overlap" not in path.name)

pytestmark = pytest.mark.skipif(
    not CASES, reason="the movement reference is not beside the project (set GHOSTCAT_SHARED)"
)


def expected(name):
    return json.loads((FOLDER / "expected" / f"{name}.json").read_text(encoding="utf-8"))


def track(name):
    path = next((FOLDER / "tracks").glob(f"{name}.csv*"))
    return clean_fixes(read_tracks(path).tracks[0]).track


@pytest.mark.parametrize("name", CASES or ["absent"])
def test_log_likelihood_at_fixed_parameters(name):
    fixes = track(name)
    for label, case in expected(name)["loglike"].items():
        kind, shape = label.split("_")
        tau = case["tau"] or {}
        motion = Motion(kind=kind, tau_position_s=tau.get("position"), tau_velocity_s=tau.get("velocity"))
        sigma = np.atleast_2d(np.asarray(case["sigma"], dtype=float))
        if sigma.shape == (1, 1):
            sigma = sigma[0, 0] * np.eye(2)
        at = track_likelihood(motion, fixes.time_s, fixes.xy_m, sigma)
        best = track_likelihood(motion, fixes.time_s, fixes.xy_m, isotropic=shape == "iso")
        assert at.value == pytest.approx(case["loglike_fixed_sigma"], rel=1e-8), label
        assert best.value == pytest.approx(case["loglike_profiled"], rel=1e-8), label
        assert best.mean_xy_m == pytest.approx(case["mu_hat"], rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("name", [name for name in CASES if "selected_fit" in expected(name)] or ["absent"])
def test_selection_time_constants_and_area(name):
    reference = expected(name)["selected_fit"]
    fixes = track(name)
    selection = select_motion(fixes)
    best = selection.best
    assert best.name == reference["model_selected"]
    for model in selection.fits:
        if model.name in reference["models"]:
            assert model.aicc == pytest.approx(reference["models"][model.name]["AICc"], abs=0.01)
    ml, corrected = reference["fit_ML_same_model"], reference["fit"]
    assert best.maximum_log_likelihood == pytest.approx(ml["loglike"], abs=1e-4)
    assert best.maximum.tau_position_s == pytest.approx(ml["tau_s"]["position"], rel=1e-3)
    assert best.maximum.tau_velocity_s == pytest.approx(ml["tau_s"]["velocity"], rel=1e-3)
    assert best.motion.tau_position_s == pytest.approx(corrected["tau_s"]["position"], rel=1e-3)
    assert best.motion.tau_velocity_s == pytest.approx(corrected["tau_s"]["velocity"], rel=1e-3)
    assert best.covariance_m2 == pytest.approx(np.array(corrected["sigma_matrix"]), rel=1e-3)
    assert best.dof_area == pytest.approx(corrected["DOF"]["area"], rel=0.01)
    assert best.dof_mean == pytest.approx(corrected["DOF"]["mean"], rel=0.01)
    area = akde(fixes, best).area_km2()
    wanted = reference["akde"]["area95_m2"]["area_m2"]
    # The grids differ; the reference itself is good to 1–2 %.
    for value, key in ((area.estimate, "est"), (area.lower, "low"), (area.upper, "high")):
        assert value * 1e6 == pytest.approx(wanted[key], rel=0.005)


@pytest.mark.parametrize("species", ["buffalo", "jaguar"])
def test_overlap_of_gaussian_ranges(species):
    reference = expected(f"{species}_overlap_gaussian_iid")
    names = reference["names"]
    fits = [fit_motion(track(f"{species}_{name}"), kind="IID") for name in names]
    for i in range(len(names)):
        for j in range(i):
            if reference["est"][i][j] < 0.01:
                continue
            found = gaussian_overlap(fits[i], fits[j])
            assert found.estimate == pytest.approx(reference["est"][i][j], rel=1e-3)
            assert found.lower == pytest.approx(reference["low"][i][j], rel=5e-3)
            assert found.upper == pytest.approx(reference["high"][i][j], rel=5e-3)
