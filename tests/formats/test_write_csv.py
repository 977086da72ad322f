"""Tables for spreadsheets: every cell comes back as it was, and nothing is lost."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ghostcat.formats.csv_writer import write_csv
from ghostcat.formats.text_output import iso_utc, write_table
from ghostcat.survey.evidence import Snapshot


def read(path: Path) -> list[dict[str, str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_table_is_there(small_survey: Snapshot, tmp_path: Path) -> None:
    folder = write_csv(small_survey, tmp_path / "new" / "tables")
    assert {p.name: len(read(p)) for p in folder.glob("*.csv")} == {
        "individuals.csv": 3,
        "sightings.csv": 5,
        "stations.csv": 3,
        "deployments.csv": 3,
        "effort.csv": 6,
        "encounter_history.csv": 4,
        "usage.csv": 3,
        "decisions.csv": 3,
        "left_out.csv": 2,
    }
    assert "SYNTHETIC" in (folder / "README.txt").read_text(encoding="utf-8")


def test_hard_names_survive(small_survey: Snapshot, tmp_path: Path) -> None:
    folder = write_csv(small_survey, tmp_path)
    stations = {r["station"]: r for r in read(folder / "stations.csv")}
    assert stations["S 1"]["name"] == 'the "ridge"'
    assert stations["Ручей,2"]["name"] == "ручей\nу моста"
    assert json.loads(stations["S 1"]["covariates"]) == {"slope": "12.5"}
    assert stations["S_3"]["station_days"] == "0"
    assert stations["S 1"]["station_days"] == "3"
    deployment = read(folder / "deployments.csv")[0]
    assert deployment["comments"] == 'says "hello"; then\nleaves'
    assert deployment["failures"] == "2025-06-02T14:00:00Z/2025-06-04T02:00:00Z battery, cold"
    # A cell that looks like a formula is data and stays as it is.
    assert [r["value"] for r in read(folder / "decisions.csv")] == ["Лео 1, старый", "=cub?", ""]
    assert [r["counts"] for r in read(folder / "decisions.csv")] == ["true", "false", "false"]


def test_individuals_and_sightings_agree(small_survey: Snapshot, tmp_path: Path) -> None:
    folder = write_csv(small_survey, tmp_path)
    leo, second, half = read(folder / "individuals.csv")
    assert (leo["encounters"], leo["stations"], leo["joined"], leo["counted"]) == ("3", "2", "true", "true")
    assert (leo["first_seen_utc"], leo["last_seen_utc"]) == ("2025-06-01T19:00:00Z", "2025-06-04T20:00:00Z")
    assert (leo["best_left_photo"], leo["best_right_photo"]) == ("p1", "p2")
    assert (second["name"], half["counted"]) == ("", "false")
    sightings = read(folder / "sightings.csv")
    used = [r["in_encounter_history"] for r in sightings]
    assert used == ["true", "true", "true", "true", "false"]
    assert sightings[0]["time_local"] == "2025-06-02 05:00:00"
    assert sightings[0]["files"] == "photos/d1/IMG p1.JPG | photos/d1/IMG p2.JPG"


def test_effort_and_usage_agree(small_survey: Snapshot, tmp_path: Path) -> None:
    folder = write_csv(small_survey, tmp_path)
    effort = {(r["station"], r["level"], r["camera"]): r for r in read(folder / "effort.csv")}
    assert effort["S 1", "camera", "A"]["dead_causes"] == "battery, cold: 1.50 d"
    assert effort["Ручей,2", "station", ""]["working_days"] == "5"
    assert effort["Ручей,2", "camera", "B"]["working_days"] == "4"
    usage = {r["station"]: r for r in read(folder / "usage.csv")}
    assert [usage["S 1"][f"2025-06-0{d}"] for d in range(1, 6)] == ["0.5", "1", "0", "0.5", "1"]
    assert sum(float(v) for k, v in usage["S_3"].items() if k != "station") == 0.0


def test_a_survey_without_anything_is_written_too(small_survey: Snapshot, tmp_path: Path) -> None:
    empty = replace(
        small_survey,
        stations={},
        cameras={},
        deployments={},
        media={},
        detections=(),
        flanks={},
        encounters={},
        individuals={},
        decisions=(),
    )
    folder = write_csv(empty, tmp_path)
    assert read(folder / "individuals.csv") == []
    assert (folder / "deployments.csv").read_text(encoding="utf-8-sig").startswith("deployment,station,slot,")


cells = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), max_size=5))
def test_any_text_is_read_back_exactly(rows: list[list[str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = write_table(Path(folder) / "t.csv", ["a", "b"], rows)
        with path.open(encoding="utf-8", newline="") as stream:
            assert list(csv.reader(stream)) == [["a", "b"], *rows]


@given(st.floats(allow_nan=False), st.integers(), st.datetimes(timezones=st.just(UTC)))
def test_numbers_and_times_are_read_back_exactly(number: float, whole: int, moment: datetime) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = write_table(Path(folder) / "t.csv", ["a"], [[number, whole, None, True, iso_utc(moment)]])
        with path.open(encoding="utf-8", newline="") as stream:
            _, row = csv.reader(stream)
    assert (float(row[0]), int(row[1]), row[2], row[3]) == (number, whole, "", "true")
    assert datetime.fromisoformat(row[4]) == moment
