"""`ghostcat scr design`, `place`, `check` and `compare`, as a person and as a program calls them."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from ghostcat.cli.scr_commands import scr_command
from ghostcat.errors import FormatError, GhostcatError, ParameterError
from ghostcat.scr.mask import make_mask
from ghostcat.scr.simulate_survey import ArrayTruth, Population, simulate_survey
from ghostcat.scr.study import square_grid


def run(*arguments):
    done = CliRunner().invoke(scr_command, list(map(str, arguments)))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def as_json(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


def stations_file(path, xy, header="station,x,y", extra=()):
    columns = [[f"S{i + 1}" for i in range(len(xy))], *xy.T.round(2).tolist(), *extra]
    rows = [header, *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def grid(tmp_path):
    xy = square_grid(side_m=60_000.0, stations=36, origin_m=(600_000.0, 4_780_000.0))
    return stations_file(tmp_path / "stations.csv", xy)


def test_design_gives_the_line_of_the_design_table(grid):
    found = as_json("design", grid, "--density", 1, "--lambda0", 0.01, "--sigma", 4000, "--days", 90)
    assert (round(found["n"]), round(found["r"]), round(found["rse"], 2)) == (22, 10, 0.31)
    assert found["limiting"] == "recaptures"
    assert found["stations"] == 36 and found["station_days"] == 3240
    assert {p["change"] for p in found["power"]} == {-0.5, -0.3, 0.3, 0.5}
    assert sum(s["expected_detections"] for s in found["per_station"]) == pytest.approx(
        found["n"] + found["r"]
    )
    assert any(w.startswith("too_few_expected") for w in found["warnings"])


def test_assumptions_show_where_nothing_was_said(grid):
    found = as_json("design", grid)
    assert found["assumptions"]["animals"][0]["sigma_m"] == 4000.0
    assert {w.split(":")[0] for w in found["warnings"]} >= {"animals_assumed", "days_assumed"}
    assert "animals_assumed" in run("design", grid).stdout


def test_degrees_days_and_live_share(tmp_path):
    lon = np.array([131.0, 131.05, 131.0, 131.05])
    lat = np.array([43.1, 43.1, 43.14, 43.14])
    path = stations_file(
        tmp_path / "s.csv", np.column_stack([lon, lat]), "station,lon,lat,days", [[30, 60, 90, 120]]
    )
    found = as_json("design", path, "--live", 0.8, "--change", -0.4)
    assert found["station_days"] == pytest.approx(240.0)
    assert [p["change"] for p in found["power"]] == [-0.4]


def test_classes_of_animals_and_simulation_and_figure(tmp_path, grid):
    found = as_json(
        "design", grid, "--class", "2.5:0.03:4500", "--class", "2.5:0.02:6500",
        "--simulate", 4, "--seed", 3, "--plot", tmp_path / "plan.png",
    )  # fmt: skip
    assert found["simulation"]["surveys"] == 4
    assert found["simulation"]["n"] == pytest.approx(found["n"], rel=0.4)
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    again = as_json(
        "design", grid, "--class", "2.5:0.03:4500", "--class", "2.5:0.02:6500", "--simulate", 4, "--seed", 3
    )
    assert again["simulation"] == found["simulation"]


def test_a_region_keeps_animals_out_of_the_sea(tmp_path, grid):
    ring = [[600_000, 4_700_000], [630_000, 4_700_000], [630_000, 4_900_000], [600_000, 4_900_000]]
    land = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32652"}},
        "features": [
            {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            }
        ],
    }
    (tmp_path / "land.geojson").write_text(json.dumps(land))
    whole = as_json("design", grid, "--crs", "EPSG:32652")
    half = as_json("design", grid, "--crs", "EPSG:32652", "--region", tmp_path / "land.geojson")
    assert half["n"] < 0.6 * whole["n"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--lambda0", "-1"], "lambda0"),
        (["--live", "1.5"], "live"),
        (["--days", "0"], "days"),
        (["--change", "-1"], "change"),
        (["--detectfn", "HHR"], "z"),
    ],
)
def test_numbers_that_cannot_be(grid, options, words):
    with pytest.raises(ParameterError, match=words):
        run("design", grid, *options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("station,x,y\nA,1000,\nB,5000,5000\n", "not a number"),
        ("station,x,y\nA,1000,1\nA,5000,5000\n", "occurs twice"),
        ("station,where\nA,here\n", "no coordinates"),
        ("station,lon,lat\nA,43.1,131.2\n", "swapped"),
        ("station,x,y,days\nA,1000,1,-5\n", "0 or more"),
        ("station,x,y\nA,1.0,1.1\nB,1.2,1.3\n", "degrees"),
    ],
)
def test_tables_that_cannot_be(tmp_path, text, words):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(GhostcatError, match=words):
        run("design", tmp_path / "s.csv")


def test_place_beats_a_grid_and_its_plan_can_be_read_again(tmp_path):
    xy = np.stack(np.meshgrid(np.arange(12), np.arange(12)), axis=-1).reshape(-1, 2) * 3000.0 + 500_000.0
    cost = [round(1.0 + (7 * i % 5) / 4, 2) for i in range(len(xy))]
    path = stations_file(tmp_path / "c.csv", xy, "station,x,y,cost", [cost])
    options = [
        "--budget",
        30,
        "--station-cost",
        1,
        "--pair-cost",
        1.6,
        "--single-detection",
        0.6,
        "--days",
        90,
    ]
    found = as_json("place", path, *options, "--min-spacing", 3000, "--out", tmp_path / "plan.csv")
    assert found["cost"] <= 30
    assert found["gain_over_grid"] >= 0
    assert found["score"] == pytest.approx(min(found["n"], found["r"]))
    assert {c["option"] for c in found["chosen"]} <= {"single", "pair"}
    again = as_json("design", tmp_path / "plan.csv")
    # The mask of the plan is laid round its own stations, with finer cells.
    assert again["n"] == pytest.approx(found["n"], rel=0.02)
    assert again["r"] == pytest.approx(found["r"], rel=0.05)
    assert "regular grid" in run("place", path, "--stations", 8).stdout


def test_place_keeps_what_is_fixed_and_stays_out_of_what_is_excluded(tmp_path):
    xy = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2) * 3000.0 + 500_000.0
    keep = ["yes" if i == 9 else "" for i in range(64)]
    path = stations_file(tmp_path / "c.csv", xy, "station,x,y,fixed", [keep])
    ring = [
        [511_000, 499_000],
        [540_000, 499_000],
        [540_000, 540_000],
        [511_000, 540_000],
        [511_000, 499_000],
    ]
    area = {"type": "Polygon", "coordinates": [ring]}
    (tmp_path / "lake.geojson").write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "properties": {}, "geometry": area}],
            }
        )
    )
    found = as_json(
        "place", path, "--stations", 6, "--crs", "EPSG:32652",
        "--exclude", tmp_path / "lake.geojson", "--exclude-crs", "EPSG:32652",
    )  # fmt: skip
    assert "S10" in {c["station"] for c in found["chosen"]}
    assert max(c["x"] for c in found["chosen"]) < 511_000
    assert len(found["excluded"]) == 32


def test_place_needs_a_limit(grid):
    with pytest.raises(ParameterError, match="nothing limits"):
        run("place", grid)
    with pytest.raises(FormatError):
        run("place", grid.with_name("none.csv"), "--stations", 3)


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """A problem folder with a survey of a closed population, and three specifications."""
    folder = tmp_path_factory.mktemp("problem")
    traps = 2000.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
    mask = make_mask(traps, buffer_m=8000.0, cell_m=1250.0)
    cameras = ArrayTruth(
        xy_m=traps, usage=np.ones((36, 10)), lambda0=(0.06,), sigma_m=(2000.0,), detector="proximity"
    )
    where = Population(mask=mask, density_per_100km2=10.0)
    drawn = simulate_survey(where, [cameras], rng=np.random.default_rng(5))
    rows = [f"1,A{a},{s + 1},{k + 1},1" for a, s, k in drawn.arrays[0].captures]
    (folder / "sim.captures.csv").write_text("session,ID,occasion,detector,alive\n" + "\n".join(rows) + "\n")
    rows = [f"{i + 1},T{i + 1},{x},{y}" for i, (x, y) in enumerate(traps)]
    (folder / "sim.traps.csv").write_text("detector,name,x,y\n" + "\n".join(rows) + "\n")
    rows = [f"{x},{y}" for x, y in mask.xy_m]
    (folder / "sim.mask.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    rows = sorted({f"A{a}" for a in drawn.arrays[0].captures[:, 0]})
    (folder / "sim.individuals.csv").write_text("ID\n" + "\n".join(rows) + "\n")
    meta = {
        "session": "1", "n": len(rows), "noccasions": 10, "ndetectors": 36, "detector": "proximity",
        "ndetections": len(drawn.arrays[0].captures), "usage": False, "mask_points": mask.cells,
        "mask_cell_area_ha": 1250.0**2 / 1e4, "mask_spacing_m": 1250.0,
    }  # fmt: skip
    (folder / "sim.meta.json").write_text(json.dumps({"name": "sim", "sessions": [meta]}))
    plain = {"D": "~1", "lambda0": "~1", "sigma": "~1"}
    for name, change in {"null": {}, "bk": {"lambda0": "~bk"}, "b": {"lambda0": "~b"}}.items():
        specification = {
            "data": "sim",
            "detectfn": 14,
            "formulas": plain | change,
            "likelihood_form": "full",
        }
        (folder / f"{name}.json").write_text(json.dumps(specification))
    return folder


def test_check_of_a_closed_population(problem):
    found = as_json(
        "check", problem, problem / "null.json", "--draws", 30, "--profile", "D", "--profile", "nonsense",
        "--refits", 5, "--one-population",
    )  # fmt: skip
    assert "nothing to correct" in found["one_population"]["refused"]
    assert found["converged"]
    assert {t["test"] for t in found["fit"]["tests"]} == {"T1", "T2", "T3"}
    assert all(t["p"] > 0.01 for t in found["fit"]["tests"])
    assert 0.3 < found["overdispersion"][0]["c_hat"] < 2.0
    assert found["closure"][0]["span"]["p"] > 0.01
    assert found["profiles"][0]["lcl"] < found["profiles"][0]["estimate"] < found["profiles"][0]["ucl"]
    assert "no coefficient" in found["profiles"][1]["refused"]
    assert {c["statistic"] for c in found["captures"]} >= {"animals", "recaptures"}
    assert found["bootstrap"]["refits"] == 5
    assert not any(isinstance(v, float) and math.isnan(v) for v in found.values())
    assert "goodness of fit" in run("check", problem, problem / "null.json", "--draws", 5).stdout


def test_compare_ranks_models(problem):
    found = as_json("compare", problem, *(problem / f"{n}.json" for n in ("null", "bk", "b")))
    assert found["criterion"] == "AICc"
    assert [m["delta"] for m in found["models"]] == sorted(m["delta"] for m in found["models"])
    assert sum(m["weight"] for m in found["models"]) == pytest.approx(1.0)
    assert {m["name"] for m in found["models"]} == {"null", "bk", "b"}
