"""`ghostcat scr loglik` and `fit` on problems written here: tables in, JSON out, exit codes."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, FormatError, InputError, ParameterError
from ghostcat.formats.scr_problem import read_scr_problem
from ghostcat.workflows.scr_fitting import read_specification, scr_fit, scr_log_likelihood

GRID = 100.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
CELLS = 50.0 * np.stack(np.meshgrid(np.arange(-6, 17), np.arange(-6, 17)), axis=-1).reshape(-1, 2)
AREA_HA = 0.25
SPECIFICATION = {
    "data": "mice",
    "detectfn": 14,
    "formulas": {"D": "~1", "lambda0": "~1", "sigma": "~1"},
    "link": {"D": "log"},
    "CL": False,
    "distribution": "poisson",
    "hcov": None,
    "groups": None,
    "fixed": {},
    "session_covariates": {},
    "likelihood_form": "full",
    "LLat": [{"beta": [0.5, -2.0, 4.2]}, {"beta": [0.6, -1.5, 4.0]}],
}


def write(folder, *, sessions=("a",), kind="proximity", seed=1, usage=False, name="mice", change=None):
    """Simulated trapping of each session; `change(captures, facts)` may spoil it."""
    rng = np.random.default_rng(seed)
    captures, traps, individuals, cells, facts = [], [], [], [], []
    for number, session in enumerate(sessions):
        centres = CELLS[rng.integers(0, len(CELLS), size=90 + 40 * number)]
        effort = rng.choice([1, 2], size=(36, 4)) if usage else np.ones((36, 4), dtype=int)
        distance = np.hypot(*(centres[:, None] - GRID[None]).transpose(2, 0, 1))
        hazard = 0.15 * np.exp(-(distance**2) / (2 * 60.0**2))
        seen = set()
        for s in range(4):
            h = hazard * effort[:, s]
            if kind == "multi":
                total = h.sum(axis=1)
                who = np.flatnonzero(rng.random(len(total)) < -np.expm1(-total))
                pairs = [(i, rng.choice(36, p=h[i] / total[i])) for i in who]
            else:
                pairs = np.argwhere(rng.random(h.shape) < -np.expm1(-h))
            for i, k in pairs:
                captures.append([session, f"m{i}", s + 1, k + 1, 1])
                seen.add(i)
        for i in sorted(seen):
            individuals.append([session, f"m{i}", "NA" if i % 7 == 0 else "fm"[i % 2]])
        for k, (x, y) in enumerate(GRID):
            traps.append(
                [session, k + 1, f"T{k}", x, y, *(effort[k] if usage else []), "wet" if k < 18 else "dry"]
            )
        cells += [[session, x, y, x / 100.0] for x, y in CELLS]
        facts.append(
            {
                "session": session,
                "n": len(seen),
                "noccasions": 4,
                "ndetectors": 36,
                "detector": kind,
                "usage": usage,
                "mask_points": len(CELLS),
                "mask_cell_area_ha": AREA_HA,
                "mask_spacing_m": 50,
            }
        )
    if change:
        change(captures, facts)

    def table(what, header, rows, packed=False):
        text = "\n".join([",".join(header), *(",".join(map(str, row)) for row in rows)]) + "\n"
        if packed:
            (folder / f"{name}.{what}.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.{what}.csv").write_text(text)

    table("captures", ["session", "ID", "occasion", "detector", "alive"], captures)
    days = [f"o{s + 1}" for s in range(4)] if usage else []
    table("traps", ["session", "detector", "name", "x", "y", *days, "soil"], traps)
    table("individuals", ["session", "ID", "sex"], individuals)
    table("mask", ["session", "x", "y", "east.km"], cells, packed=True)
    (folder / f"{name}.meta.json").write_text(json.dumps({"name": name, "sessions": facts}))
    return folder


def specification(**changes):
    return {**SPECIFICATION, **changes}


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "ghostcat", "scr", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def spec_file(folder, **changes):
    path = folder / "spec.json"
    path.write_text(json.dumps(specification(**changes)))
    return path


def test_contract_of_both_commands(tmp_path):
    write(tmp_path)
    spec = spec_file(tmp_path)
    values = run("loglik", tmp_path, spec, "--json")
    assert values.returncode == 0, values.stderr
    said = json.loads(values.stdout)
    assert said["beta_names"] == ["D", "lambda0", "sigma"]
    assert len(said["loglik"]) == 2
    fitted = run("fit", tmp_path, spec, "--json")
    assert fitted.returncode == 0, fitted.stderr
    found = json.loads(fitted.stdout)
    assert {
        "converged",
        "max_gradient",
        "loglik",
        "aic",
        "aicc",
        "beta",
        "real",
        "derived",
        "region.N",
    } <= set(found)
    assert {"warnings", "cpu_s", "peak_rss_mb"} <= set(found)
    assert found["converged"] is True
    assert found["loglik"] >= max(said["loglik"])
    assert [set(b) for b in found["beta"]] == [{"name", "estimate", "SE", "lcl", "ucl"}] * 3
    assert [d["name"] for d in found["derived"]] == ["esa", "D"]
    assert [n["name"] for n in found["region.N"]] == ["E.N", "R.N"]
    assert found["real"][0]["stratum"] == {}
    again = specification(LLat=[{"beta": [b["estimate"] for b in found["beta"]]}])
    assert scr_log_likelihood(tmp_path, again)["loglik"][0] == pytest.approx(found["loglik"], rel=1e-12)


def test_a_refusal_is_exit_code_two_and_a_reason(tmp_path):
    write(tmp_path, change=lambda captures, facts: captures.__delitem__(slice(1, None)))
    answer = run("fit", tmp_path, spec_file(tmp_path), "--json")
    assert answer.returncode == 2
    assert "one animal" in json.loads(answer.stdout)["refused"]


def test_sessions_share_what_the_formulas_say(tmp_path):
    write(tmp_path, sessions=("2024", "2025"), kind="multi", usage=True)
    spec = specification(
        formulas={"D": "~session", "lambda0": "~drought + soil", "sigma": "~1"},
        session_covariates={"drought": [0.0, 1.0]},
    )
    found = scr_fit(tmp_path, spec)
    assert found["converged"]
    names = [b["name"] for b in found["beta"]]
    assert names == ["D", "D.session2025", "lambda0", "lambda0.drought", "lambda0.soilwet", "sigma"]
    strata = {(r["stratum"]["session"], r["stratum"].get("soil"), r["name"]): r for r in found["real"]}
    assert strata["2025", "wet", "D"]["estimate"] > strata["2024", "wet", "D"]["estimate"]
    assert [d["stratum"] for d in found["derived"]] == [
        {"session": s} for s in ("2024", "2024", "2025", "2025")
    ]
    by_name = specification(formulas=spec["formulas"], session_covariates={"drought": {"2024": 0, "2025": 1}})
    assert scr_fit(tmp_path, by_name)["loglik"] == pytest.approx(found["loglik"], rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (
            {"formulas": {"D": "~east.km", "lambda0": "~bk", "sigma": "~1"}},
            "D D.east.km lambda0 lambda0.bkTRUE sigma",
        ),
        ({"detectfn": "HN", "formulas": {"a0": "~1", "sigma": "~1"}, "CL": True}, "a0 sigma"),
        (
            {"formulas": {"lambda0": "~sex", "sigma": "~1"}, "CL": True, "change": "known"},
            "lambda0 lambda0.sexm sigma",
        ),
        (
            {"formulas": {"D": "~1", "lambda0": "~1", "sigma": "~h2", "pmix": "~h2"}, "hcov": "sex"},
            "D lambda0 sigma sigma.h2m pmix.h2m",
        ),
        (
            {"formulas": {"D": "~g", "lambda0": "~1", "sigma": "~1"}, "groups": "sex", "change": "known"},
            "D D.gm lambda0 sigma",
        ),
        ({"formulas": {"D": "~1", "lambda0": "~1"}, "fixed": {"sigma": 60.0}}, "D lambda0"),
        ({"distribution": "binomial", "likelihood_form": "collapsed"}, "D lambda0 sigma"),
    ],
)
def test_kinds_of_models_fit(tmp_path, changes, names):
    write(tmp_path)
    if changes.get("change"):
        path = tmp_path / "mice.individuals.csv"
        path.write_text(path.read_text().replace("NA", "f"))
    found = scr_fit(tmp_path, specification(**{k: v for k, v in changes.items() if k != "change"}))
    assert found["converged"], found["warnings"]
    assert " ".join(b["name"] for b in found["beta"]) == names
    assert all(b["SE"] > 0 for b in found["beta"])


def test_unknown_sex_cannot_be_a_covariate(tmp_path):
    write(tmp_path)
    with pytest.raises(EstimateRefused, match="sex") as refusal:
        scr_fit(tmp_path, specification(formulas={"lambda0": "~sex", "sigma": "~1"}, CL=True))
    assert refusal.value.code == "missing_covariate"
    assert "hcov" in refusal.value.fix


def test_removed_animals_are_not_expected_later(tmp_path):
    def remove(captures, facts):
        captures[0][4] = 0
        captures[:] = [c for c in captures if c[1] != captures[0][1] or c is captures[0]]

    write(tmp_path, change=remove)
    (session,) = read_scr_problem(tmp_path, "mice")
    assert sorted(session.last_occasion)[-1] == 0
    plain = tmp_path / "mice.captures.csv"
    with_removal = scr_log_likelihood(tmp_path, SPECIFICATION)["loglik"][0]
    plain.write_text(plain.read_text().replace(",0\n", ",1\n"))
    assert with_removal > scr_log_likelihood(tmp_path, SPECIFICATION)["loglik"][0]


def caught_after_removal(captures, facts):
    captures.sort(key=lambda c: (c[1], c[2]))
    twice = next(
        i
        for i in range(len(captures))
        if captures[i][1] == captures[i + 1][1] and captures[i][2] < captures[i + 1][2]
    )
    captures[twice][4] = 0


def trap_that_is_not_there(captures, facts):
    captures[0][3] = 99


def occasion_that_is_not_there(captures, facts):
    captures[0][2] = 9


def unknown_kind(captures, facts):
    facts[0]["detector"] = "capped"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (caught_after_removal, EstimateRefused, "was removed on occasion"),
        (trap_that_is_not_there, FormatError, "detector 99 is not in the table"),
        (occasion_that_is_not_there, ParameterError, "occasion 9 is outside"),
        (unknown_kind, EstimateRefused, "no likelihood here"),
    ],
)
def test_tables_that_contradict_themselves(tmp_path, change, error, words):
    write(tmp_path, change=change)
    with pytest.raises(error, match=words):
        scr_fit(tmp_path, SPECIFICATION)


def test_effort_that_says_the_trap_was_off(tmp_path):
    write(tmp_path, usage=True)
    path = tmp_path / "mice.traps.csv"
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines[1:], start=1):
        cells = line.split(",")
        cells[5] = "0"
        lines[i] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(EstimateRefused, match="when its effort is 0") as refusal:
        scr_fit(tmp_path, SPECIFICATION)
    assert refusal.value.code == "caught_without_effort"


def test_specifications_that_cannot_be_read(tmp_path):
    write(tmp_path)
    with pytest.raises(InputError, match="no problem 'rats'"):
        scr_fit(tmp_path, specification(data="rats"))
    with pytest.raises(ParameterError, match="altitude"):
        scr_fit(tmp_path, specification(formulas={"D": "~altitude"}))
    with pytest.raises(ParameterError, match="2 values"):
        scr_log_likelihood(tmp_path, specification(LLat=[[0.0, 1.0]]))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(FormatError, match="not JSON"):
        read_specification(broken)
    broken.write_text("{}")
    with pytest.raises(FormatError, match="lacks data"):
        read_specification(broken)


def test_a_small_fit_loads_neither_pandas_nor_formulaic(tmp_path):
    write(tmp_path)
    spec_file(tmp_path)
    code = (
        "import sys, json; from ghostcat.workflows.scr_fitting import scr_fit, read_specification;"
        f"scr_fit({str(tmp_path)!r}, read_specification({str(tmp_path / 'spec.json')!r}));"
        "print([m for m in ('pandas', 'formulaic', 'numba', 'matplotlib', 'shapely') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
