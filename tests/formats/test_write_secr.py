"""Captures and detectors for secr: the lines as its documentation describes them."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcat.errors import InputError, ParameterError
from ghostcat.formats.secr_reader import read_secr
from ghostcat.formats.secr_writer import plain_ids, write_secr
from ghostcat.survey.evidence import Snapshot
from ghostcat.survey.history import encounter_history


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def test_the_lines_are_those_that_read_capthist_documents(small_survey: Snapshot, tmp_path: Path) -> None:
    folder = write_secr(small_survey, tmp_path / "secr")
    # Occasions are the local days 1 to 5 June; 00:00 on 6 June ends the last one.
    assert lines(folder / "captures.txt") == [
        "Хасан-2025 Лео-1-старый 2 S-1 M",
        "Хасан-2025 Лео-1-старый 4 S-1 M",
        "Хасан-2025 Лео-1-старый 5 Ручей-2 M",
        "Хасан-2025 G002 3 Ручей-2 NA",
    ]
    history = encounter_history(small_survey)
    x, y = history.xy_m[history.stations.index("S 1")]
    first, second = sorted(lines(folder / "traps.txt"))
    # Half of 1 June, all of 2, nothing of 3, half of 4, all of 5 June.
    assert first == f"S-1 {x:.2f} {y:.2f} 0.5 1 0 0.5 1"
    assert re.fullmatch(r"Ручей-2 \d{6}\.\d\d \d{7}\.\d\d 1 1 1 1 1", second)
    assert "EPSG:32652" in (folder / "traps.txt").read_text(encoding="utf-8")


def test_stations_that_never_watched_are_named_but_not_written(
    small_survey: Snapshot, tmp_path: Path
) -> None:
    folder = write_secr(small_survey, tmp_path)
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert "not written: S_3" in readme
    assert "SYNTHETIC" in readme
    assert 'detector = "count"' in readme
    assert 'noccasions = 5, covnames = "sex", binary.usage = FALSE' in readme
    with (folder / "left_out.csv").open(encoding="utf-8", newline="") as stream:
        left_out = {(row["code"], row["id"]) for row in csv.DictReader(stream)}
    assert left_out == {("station_without_effort", "S_3"), ("half_identity_not_counted", "G003")}
    with (folder / "names.csv").open(encoding="utf-8", newline="") as stream:
        names = {row["name_in_secr"]: row["id"] for row in csv.DictReader(stream)}
    assert names == {"S-1": "S 1", "Ручей-2": "Ручей,2", "S-3": "S_3", "Лео-1-старый": "G001", "G002": "G002"}


def test_what_is_written_is_read_back(small_survey: Snapshot, tmp_path: Path) -> None:
    history = encounter_history(small_survey)
    watched = history.station_days > 0
    tables = read_secr(write_secr(small_survey, tmp_path), detector="count")
    np.testing.assert_allclose(tables.usage, history.usage[watched], rtol=1e-5)
    np.testing.assert_allclose(tables.traps_xy_m, history.xy_m[watched], atol=0.005)
    np.testing.assert_array_equal(tables.counts(), history.counts()[:, watched])
    assert tables.sex == ("male", "")
    assert tables.detector_names == plain_ids(n for n, w in zip(history.stations, watched, strict=True) if w)


def test_empty_occasions_are_dropped_and_numbered_anew(small_survey: Snapshot, tmp_path: Path) -> None:
    deployments = {
        "d1": small_survey.deployments["d1"],
        "d2": replace(small_survey.deployments["d2"], start=small_survey.media["p4"].time),
    }
    individuals = {"G001": small_survey.individuals["G001"]}
    snapshot = replace(small_survey, deployments=deployments, individuals=individuals)
    folder = write_secr(snapshot, tmp_path)
    # 3 June: the camera of S 1 had failed, the other was not yet set up.
    assert [line.split()[2] for line in lines(folder / "captures.txt")] == ["2", "3", "4"]
    with (folder / "occasions.csv").open(encoding="utf-8", newline="") as stream:
        written = [(row["occasion_in_secr"], row["first_day"]) for row in csv.DictReader(stream)]
    assert written == [
        ("1", "2025-06-01"),
        ("2", "2025-06-02"),
        ("", "2025-06-03"),
        ("3", "2025-06-04"),
        ("4", "2025-06-05"),
    ]
    assert read_secr(folder).usage.shape == (2, 4)


def test_proximity_keeps_one_capture_per_occasion(small_survey: Snapshot, tmp_path: Path) -> None:
    count = lines(write_secr(small_survey, tmp_path / "a", occasion_days=9) / "captures.txt")
    proximity = lines(
        write_secr(small_survey, tmp_path / "b", occasion_days=9, detector="proximity") / "captures.txt"
    )
    assert len(count) == 4
    assert len(proximity) == 3
    assert set(proximity) == set(count)


def test_a_mask_is_written_and_read(small_survey: Snapshot, tmp_path: Path) -> None:
    x0, y0 = encounter_history(small_survey).xy_m.min(axis=0) - 5000.0
    grid = np.stack(np.meshgrid(np.arange(20) * 1000.0, np.arange(20) * 1000.0), axis=-1).reshape(-1, 2)
    folder = write_secr(small_survey, tmp_path, mask_xy_m=grid + np.array([x0, y0]))
    tables = read_secr(folder)
    assert tables.mask_xy_m is not None
    assert tables.mask_xy_m.shape == (400, 2)
    assert tables.mask_cell_area_ha == pytest.approx(100.0, rel=1e-4)
    assert "read.mask" in (folder / "README.txt").read_text(encoding="utf-8")


def test_nothing_to_write_is_refused(small_survey: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no identified animal was captured"):
        write_secr(replace(small_survey, individuals={}), tmp_path)
    with pytest.raises(InputError, match="no station ever watched"):
        write_secr(replace(small_survey, deployments={}), tmp_path)
    with pytest.raises(ParameterError, match="detector type 'multi'"):
        write_secr(small_survey, tmp_path, detector="multi")  # type: ignore[arg-type]


@given(st.lists(st.text(max_size=8), max_size=12))
def test_plain_ids_are_different_and_hold_nothing_that_ends_a_field(names: list[str]) -> None:
    plain = plain_ids(names)
    assert len({p.casefold() for p in plain}) == len(names)
    for name in plain:
        assert name.split() == [name]
        assert not set(name) & set(",/#\"'_\\")
        assert name.upper() not in ("NA", "NONE")
