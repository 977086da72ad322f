"""The map layers: where, how many, and nothing where nobody looked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest

from ghostcat.errors import ParameterError
from ghostcat.formats.geopackage_writer import DensityCells, write_geopackage
from ghostcat.survey.evidence import Snapshot
from ghostcat.survey.history import encounter_history


def test_stations_and_sightings(small_survey: Snapshot, tmp_path: Path) -> None:
    path = write_geopackage(small_survey, tmp_path / "maps" / "survey.gpkg")
    stations = geopandas.read_file(path, layer="stations").set_index("station")
    assert stations.crs.to_epsg() == 4326
    assert (stations.geometry["S 1"].x, stations.geometry["S 1"].y) == (131.05, 43.0)
    assert list(stations.loc["S 1", ["cameras", "working_days", "sightings", "individuals"]]) == [1, 3, 2, 1]
    assert list(stations.loc["Ручей,2", ["cameras", "working_days", "sightings", "individuals"]]) == [
        2,
        5,
        2,
        2,
    ]
    assert stations.loc["S 1", "dead_causes"] == "battery, cold"
    # Not sampled: nobody knows how many there were.
    assert stations.loc["S_3", "working_days"] == 0
    assert pd.isna(stations.loc["S_3", "sightings"])
    assert pd.isna(stations.loc["S_3", "individuals"])
    assert stations["synthetic"].all()
    sightings = geopandas.read_file(path, layer="sightings")
    assert list(sightings["name"]) == ["Лео 1, старый", "G002", "Лео 1, старый", "Лео 1, старый"]
    assert sightings["time_utc"].iloc[0] == "2025-06-01T19:00:00Z"


def test_density_cells_are_squares_of_their_size(small_survey: Snapshot, tmp_path: Path) -> None:
    history = encounter_history(small_survey)
    density = DensityCells(
        xy_m=history.xy_m, density_per_100km2=np.array([1.0, 2.0, 0.5]), cell_m=2000.0, crs=history.crs
    )
    path = write_geopackage(small_survey, tmp_path / "survey", density=density)
    assert path.name == "survey.gpkg"
    cells = geopandas.read_file(path, layer="density")
    assert list(cells["density_per_100km2"]) == [1.0, 2.0, 0.5]
    areas = cells.to_crs(history.crs).area
    np.testing.assert_allclose(areas, 4e6, rtol=1e-5)


def test_an_older_file_is_replaced_and_an_empty_survey_has_empty_layers(
    small_survey: Snapshot, tmp_path: Path
) -> None:
    path = write_geopackage(small_survey, tmp_path / "survey.gpkg")
    empty = replace(
        small_survey,
        stations={},
        deployments={},
        encounters={},
        individuals={},
        media={},
        flanks={},
        detections=(),
    )
    write_geopackage(empty, path)
    assert {name for name, _ in pyogrio.list_layers(path)} == {"stations", "sightings"}
    assert len(geopandas.read_file(path, layer="sightings")) == 0
    assert len(geopandas.read_file(path, layer="stations")) == 0


def test_other_suffixes_and_wrong_cells_are_refused(small_survey: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"does not end in \.gpkg"):
        write_geopackage(small_survey, tmp_path / "survey.shp")
    wrong = DensityCells(
        xy_m=np.zeros((2, 2)), density_per_100km2=np.zeros(3), cell_m=100.0, crs="EPSG:32652"
    )
    with pytest.raises(ParameterError, match="density cells of shape"):
        write_geopackage(small_survey, tmp_path / "survey.gpkg", density=wrong)
