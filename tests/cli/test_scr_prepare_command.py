"""Tables of others become a problem that `scr fit` takes, and nothing is lost on the way."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from ghostcat.cli.scr_commands import scr_command
from ghostcat.errors import InputError, ParameterError
from ghostcat.formats.scr_problem import read_scr_problem
from ghostcat.formats.scr_problem_writer import write_scr_problem
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.mask import make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.simulate_survey import ArrayTruth, CollarTruth, Population, simulate_survey

TRAPS = 2000.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2) + 500_000.0
MASK = make_mask(TRAPS, buffer_m=8000.0, cell_m=1600.0)


def as_json(*arguments):
    done = CliRunner().invoke(scr_command, [*map(str, arguments), "--json"])
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)


def drawn(seed=2, **more):
    cameras = ArrayTruth(
        xy_m=TRAPS,
        **{
            "usage": np.tile([1.0, 0.5, 0.0, 1.0, 1.0, 1.0], (25, 1)),
            "lambda0": (0.15,),
            "sigma_m": (2000.0,),
            "detector": "proximity",
        }
        | more.pop("array", {}),
    )
    two = {"classes": ("F", "M"), "shares": (0.5, 0.5), "class_known": 0.7}
    where = Population(mask=MASK, density_per_100km2=12.0, **two)
    return simulate_survey(where, [cameras], rng=np.random.default_rng(seed), **more)


def test_a_problem_written_is_the_problem_read(tmp_path):
    survey = drawn(collars=CollarTruth(animals=2, fixes=5, sigma_m=(2000.0,)))
    habitat = {"forest": np.round(np.sin(MASK.xy_m[:, 0]), 6)}
    kinds = [{"site": np.where(np.arange(25) % 2 == 0, "trail", "ridge, high")}]
    session = survey.session(mask_covariates=habitat, detector_covariates=kinds)
    write_scr_problem([session], tmp_path, "p")
    (again,) = read_scr_problem(tmp_path, "p")
    assert again.animals == session.animals
    before, after = session.arrays[0], again.arrays[0]
    assert after.usage == pytest.approx(before.usage)
    assert after.kind == before.kind
    for name in ("animal", "detector", "occasion", "number"):
        assert getattr(after, name).tolist() == getattr(before, name).tolist()
    assert list(after.covariates["site"]) == list(before.covariates["site"])
    assert [s or "NA" for s in session.animal_covariates["sex"]] == list(again.animal_covariates["sex"])
    assert np.asarray(again.mask_covariates["forest"], dtype=float) == pytest.approx(habitat["forest"])
    assert again.collars.xy_m == pytest.approx(session.collars.xy_m)
    formulas = {"lambda0": "~site", "D": "~forest"}
    fits = [fit_model(ScrModel(sessions=(s,), formulas=formulas)) for s in (session, again)]
    assert fits[0].log_likelihood == pytest.approx(fits[1].log_likelihood, rel=1e-10)
    assert fits[0].beta == pytest.approx(fits[1].beta, abs=1e-6)


def test_counts_and_several_sessions(tmp_path):
    sessions = [
        drawn(seed, array={"detector": "count", "lambda0": (0.4,)}).session(name=f"y{seed}")
        for seed in (3, 4)
    ]
    write_scr_problem(sessions, tmp_path, "two")
    again = read_scr_problem(tmp_path, "two")
    assert [s.name for s in again] == ["y3", "y4"]
    assert [s.arrays[0].counts.sum() for s in again] == [s.arrays[0].counts.sum() for s in sessions]


def test_what_the_layout_cannot_hold(tmp_path):
    survey = drawn()
    with pytest.raises(ParameterError, match="2 arrays"):
        two = survey.session([0, 0])
        write_scr_problem([two], tmp_path, "p")
    varying = survey.session(detector_covariates=[{"snow": np.zeros((25, 6))}])
    with pytest.raises(ParameterError, match="varies over occasions"):
        write_scr_problem([varying], tmp_path, "p")


def camtrapr_tables(folder):
    rows = ["Station,utm_x,utm_y,Setup_date,Retrieval_date"]
    rows += [f"T{i},{x},{y},2025-01-01 00:00,2025-01-31 00:00" for i, (x, y) in enumerate(TRAPS)]
    (folder / "stations.csv").write_text("\n".join(rows))
    survey = drawn(5, array={"usage": np.ones((25, 30)), "lambda0": (0.03,)})
    rows = ["Station,Individual,DateTimeOriginal,Sex"]
    for animal, occasion, detector in survey.arrays[0].captures:
        rows.append(
            f"T{detector},A{animal},2025-01-{occasion + 1:02d} 08:00:00,{'F' if animal % 2 else 'NA'}"
        )
    (folder / "records.csv").write_text("\n".join(rows))
    return survey


def test_camtrapr_tables_to_a_fit(tmp_path):
    survey = camtrapr_tables(tmp_path)
    found = as_json(
        "prepare", "camtrapr", tmp_path / "stations.csv", tmp_path / "records.csv",
        "--out", tmp_path / "problem", "--name", "cams", "--buffer", 8000, "--cell", 1600,
    )  # fmt: skip
    assert found["animals"] == len(survey.seen)
    assert found["detections"] == len(survey.arrays[0].captures)
    fitted = as_json("fit", tmp_path / "problem", found["specification"])
    expected = fit_model(ScrModel(sessions=(survey.session(),), form="collapsed"))
    assert fitted["converged"]
    assert [b["estimate"] for b in fitted["beta"]] == pytest.approx(expected.beta, abs=1e-4)


def test_oscr_and_secr_tables(tmp_path):
    survey = drawn(6, array={"usage": np.ones((25, 4)), "lambda0": (0.2,)})
    captures = survey.arrays[0].captures
    rows = [f"1,A{a},{s + 1},T{k}" for a, s, k in captures]
    (tmp_path / "edf.csv").write_text("session,individual,occasion,detector\n" + "\n".join(rows))
    rows = [f"T{i},{x / 1000},{y / 1000},1,1,1,1" for i, (x, y) in enumerate(TRAPS)]
    (tmp_path / "tdf.csv").write_text("detector,X,Y,1,2,3,4\n" + "\n".join(rows))
    oscr = as_json(
        "prepare", "oscr", tmp_path / "edf.csv", tmp_path / "tdf.csv", "--unit-m", 1000,
        "--out", tmp_path / "o", "--kind", "proximity",
    )  # fmt: skip
    rows = [f"1 A{a} {s + 1} T{k}" for a, s, k in captures]
    (tmp_path / "captures.txt").write_text("# session ID occasion detector\n" + "\n".join(rows) + "\n")
    rows = [f"T{i} {x} {y} 1111" for i, (x, y) in enumerate(TRAPS)]
    (tmp_path / "traps.txt").write_text("# ID x y usage\n" + "\n".join(rows) + "\n")
    secr = as_json(
        "prepare", "secr", tmp_path / "captures.txt", tmp_path / "traps.txt", "--out", tmp_path / "s",
        "--kind", "proximity",
    )  # fmt: skip
    both = [as_json("fit", tmp_path / f, r["specification"]) for f, r in (("o", oscr), ("s", secr))]
    assert both[0]["loglik"] == pytest.approx(both[1]["loglik"], rel=1e-9)
    assert both[0]["converged"]


def test_wrong_number_of_files(tmp_path):
    camtrapr_tables(tmp_path)
    with pytest.raises(InputError, match="1 file"):
        as_json("prepare", "camtrapr", tmp_path / "records.csv", "--out", tmp_path / "x")


def test_a_survey_becomes_a_problem(identified, tmp_path):
    from ghostcat import workflows
    from ghostcat.survey.history import encounter_history

    found = as_json("prepare", "survey", identified, "--out", tmp_path / "p")
    with workflows.open(identified) as survey:
        history = encounter_history(survey.snapshot())
    assert found["animals"] == len(history.animals)
    assert found["detections"] == len(history.captures)
    (session,) = read_scr_problem(tmp_path / "p", "survey")
    assert session.arrays[0].usage.sum() == pytest.approx(history.usage.sum())
