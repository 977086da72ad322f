"""camtrapR's record and operation tables, as its documentation describes them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from ghostcat.formats.camtrapr_writer import write_camtrapr
from ghostcat.survey.evidence import Failure, Snapshot


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_individual_records_have_the_documented_columns(small_survey: Snapshot, tmp_path: Path) -> None:
    rows = read(write_camtrapr(small_survey, tmp_path / "out") / "record_table_individual.csv")
    assert list(rows[0])[:12] == [
        "Station",
        "Species",
        "Individual",
        "DateTimeOriginal",
        "Date",
        "Time",
        "delta.time.secs",
        "delta.time.mins",
        "delta.time.hours",
        "delta.time.days",
        "Directory",
        "FileName",
    ]
    assert [(r["Station"], r["Individual"], r["DateTimeOriginal"]) for r in rows] == [
        ("S 1", "Лео 1, старый", "2025-06-02 05:00:00"),
        ("Ручей,2", "G002", "2025-06-03 12:00:00"),
        ("S 1", "Лео 1, старый", "2025-06-04 23:30:00"),
        ("Ручей,2", "Лео 1, старый", "2025-06-05 06:00:00"),
    ]
    again = rows[2]
    # Two days and 18.5 hours after the record before at this station: 66.5 h.
    assert again["delta.time.secs"] == "239400"
    assert again["delta.time.mins"] == "3990"
    assert again["delta.time.hours"] == "66.5"
    assert again["delta.time.days"] == "2.8"
    assert rows[3]["delta.time.secs"] == "0"
    assert (rows[0]["Date"], rows[0]["Time"]) == ("2025-06-02", "05:00:00")
    assert (rows[0]["Directory"], rows[0]["FileName"]) == (str(Path("photos/d1")), "IMG p1.JPG")
    assert (rows[0]["Species"], rows[0]["n_images"], rows[0]["Flank"]) == ("Panthera pardus", "2", "both")


def test_species_records_hold_every_encounter(small_survey: Snapshot, tmp_path: Path) -> None:
    rows = read(write_camtrapr(small_survey, tmp_path) / "record_table.csv")
    assert [r["Encounter"] for r in rows] == ["p1", "p5", "p6", "p3", "p4"]
    assert {r["Species"] for r in rows} == {"Panthera pardus"}
    # p5 and p6 are eight hours apart.
    assert rows[2]["delta.time.secs"] == "28800"


def test_operation_has_setup_retrieval_and_problems(small_survey: Snapshot, tmp_path: Path) -> None:
    d2 = small_survey.deployments["d2"]
    failures = (
        Failure(start=d2.start, end=small_survey.deployments["d3"].start, cause="theft"),
        Failure(start=small_survey.media["p3"].time, end=d2.end, cause="snow"),  # type: ignore[arg-type]
    )
    deployments = {**small_survey.deployments, "d2": replace(d2, failures=failures)}
    rows = read(
        write_camtrapr(replace(small_survey, deployments=deployments), tmp_path) / "camera_operation.csv"
    )
    assert [(r["Station"], r["Camera"]) for r in rows] == [("S 1", "A"), ("Ручей,2", "A"), ("Ручей,2", "B")]
    one, two, three = rows
    assert (one["Setup_date"], one["Retrieval_date"]) == ("2025-06-01 12:00:00", "2025-06-06 00:00:00")
    assert (one["Problem1_from"], one["Problem1_to"]) == ("2025-06-03 00:00:00", "2025-06-04 12:00:00")
    assert (one["Problem2_from"], one["Problem2_to"], one["Causes"]) == ("", "", "battery, cold")
    assert (two["Problem1_from"], two["Problem1_to"]) == ("2025-06-01 00:00:00", "2025-06-02 00:00:00")
    assert (two["Problem2_from"], two["Problem2_to"]) == ("2025-06-04 23:30:00", "2025-06-06 00:00:00")
    assert (three["Problem1_from"], three["longitude"], three["latitude"]) == ("", "131.1", "43.05")
    # 131.1° E lies in UTM zone 52, west to east 171 km from its central meridian at 129° E.
    assert abs(float(three["utm_x"]) - 671_000) < 2000


def test_the_readme_gives_lines_that_fit_the_tables(small_survey: Snapshot, tmp_path: Path) -> None:
    readme = (write_camtrapr(small_survey, tmp_path) / "README.txt").read_text(encoding="utf-8")
    assert "hasProblems = TRUE" in readme
    assert 'timeZone = "Etc/GMT-10"' in readme
    assert "SYNTHETIC" in readme
    assert "not in camera_operation.csv: S_3" in readme
