"""A plain folder becomes evidence: columns, clocks, failures, cameras and their photos."""

# The tables are kept as a team has them, one row a line.
# ruff: noqa: E501

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ghostcat.errors import FormatError
from ghostcat.formats import read_evidence, read_folder
from ghostcat.formats.spelling import id_text
from ghostcat.survey.evidence import Evidence

STATIONS = """\
Station ID;Name;x (m);y (m);Country;park;EPSG;Time zone;slope
ST 01;Ridge;668929,1;4780789,3;RU;Land of the Leopard;32652;+10;12,5
ST 02;;672211,6;4781965,0;CN;;32652;UTC+8;
"""
DEPLOYMENTS = """\
Station;Camera;Serial number;Brand;Model;Setup date;Setup time;Retrieval date;Retrieval time;Problem1 from;Problem1 to;Problem1 cause;Problem2_from;Problem2_to;Camera height (m);Azimuth;Notes
st 01;A;H1;RECONYX;HF2;03.04.2025;14:12;02.07.2025;10:41;01.05.2025;03.05.2025;bear;2025-06-01 12:00;2025-06-02 12:00;0,45;270;by the ford
ST 01;B;H2;RECONYX;HF2;03.04.2025;14:12;02.07.2025;10:41;;;;;;;;
ST 02;A;H3;Bushnell;;03.04.2025;09:00;01.05.2025;09:00;;;;;;;;
ST 02;A;H3;Bushnell;;10.05.2025;09:00;02.07.2025;09:00;;;;;;;;
"""


@pytest.fixture
def field(tmp_path: Path) -> Evidence:
    root = tmp_path / "spring"
    for photo in ("ST 01/A/DCIM/100RECNX/1.JPG", "ST 01/H2/2.JPG", "ST 02/3.JPG"):
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        (root / photo).write_bytes(b"photo")
    (root / "field_tables").mkdir()
    (root / "field_tables" / "Stations.csv").write_text(STATIONS, encoding="utf-8")
    (root / "field_tables" / "deployments.txt").write_text(DEPLOYMENTS, encoding="utf-8")
    return read_evidence(root, prefix="RU-")


def test_what_was_taken_for_what(field: Evidence) -> None:
    taken = {(match.file.split("/")[-1], match.column): match.used_as for match in field.columns}
    assert taken["Stations.csv", "Station ID"] == "station"
    assert taken["Stations.csv", "x (m)"] == "x"
    assert taken["Stations.csv", "Time zone"] == "utc_offset_h"
    assert taken["Stations.csv", "slope"] == ""
    assert taken["deployments.txt", "Brand"] == "make"
    assert taken["deployments.txt", "Problem2_from"] == "problem2_from"
    assert taken["deployments.txt", "Problem1 cause"] == "problem1_note"
    assert len(taken) == 9 + 17


def test_stations(field: Evidence) -> None:
    ridge, other = field.stations
    assert (ridge.id, ridge.name, ridge.group) == ("RU-ST 01", "Ridge", "RU")
    # The values of khasan's ST01, whose degrees were computed by its own maker.
    assert (ridge.lon, ridge.lat) == pytest.approx((131.077941, 43.160996), abs=1e-6)
    assert ridge.covariates == {"slope": "12,5", "park": "Land of the Leopard"}
    assert other.group == "CN"


def test_deployments(field: Evidence) -> None:
    first, facing, other = field.deployments
    assert (first.id, first.station_id, first.slot, first.camera_id) == (
        "RU-ST 01-A",
        "RU-ST 01",
        "A",
        "RU-H1",
    )
    assert first.start == datetime(2025, 4, 3, 4, 12, tzinfo=UTC)
    assert first.end == datetime(2025, 7, 2, 0, 41, tzinfo=UTC)
    assert (first.utc_offset_minutes, other.utc_offset_minutes) == (600, 480)
    assert (first.height_m, first.facing_deg, first.comments) == (0.45, 270.0, "by the ford")
    # Whole days, both included; then a span with clock times.
    assert [(f.start, f.end, f.cause) for f in first.failures] == [
        (datetime(2025, 4, 30, 14, tzinfo=UTC), datetime(2025, 5, 3, 14, tzinfo=UTC), "bear"),
        (datetime(2025, 6, 1, 2, tzinfo=UTC), datetime(2025, 6, 2, 2, tzinfo=UTC), ""),
    ]
    assert facing.failures == ()
    assert [(f.start.day, f.end.day, f.cause) for f in other.failures] == [(1, 10, "not deployed")]


def test_cameras_and_photos(field: Evidence) -> None:
    assert [(c.id, c.make, c.model, c.serial) for c in field.cameras] == [
        ("RU-H1", "RECONYX", "HF2", "H1"),
        ("RU-H2", "RECONYX", "HF2", "H2"),
        ("RU-H3", "Bushnell", "", "H3"),
    ]
    assert {m.id: m.deployment_id for m in field.media} == {
        "RU-ST 01/A/DCIM/100RECNX/1.JPG": "RU-ST 01-A",
        "RU-ST 01/H2/2.JPG": "RU-ST 01-B",
        "RU-ST 02/3.JPG": "RU-ST 02-A",
    }
    assert all(Path(m.path).is_file() and m.camera_time is None for m in field.media)


def test_more_photos_make_another_source_and_the_same_ids(tmp_path: Path) -> None:
    root = _folder(tmp_path, ["ST01"])
    first = read_folder(root)
    (root / "ST01" / "A" / "new.jpg").write_bytes(b"x")
    second = read_folder(root)
    assert second.source.id != first.source.id
    assert {m.id for m in first.media} < {m.id for m in second.media}
    assert second.deployments == first.deployments


def test_tables_elsewhere(tmp_path: Path) -> None:
    root = _folder(tmp_path, ["ST01"])
    (root / "stations.csv").rename(tmp_path / "where.csv")
    (root / "deployments.csv").rename(tmp_path / "when.csv")
    evidence = read_evidence(root, stations=tmp_path / "where.csv", deployments=tmp_path / "when.csv")
    assert [m.deployment_id for m in evidence.media] == ["ST01-A"]


def test_a_folder_that_says_it_is_synthetic(tmp_path: Path) -> None:
    root = _folder(tmp_path, ["ST01"])
    assert read_folder(root).source.metadata == {}
    (root / "SYNTHETIC.txt").write_text("simulated", encoding="utf-8")
    assert read_folder(root).source.metadata["synthetic"] is True


def _folder(tmp_path: Path, names: list[str]) -> Path:
    import csv

    root = tmp_path / "cards"
    root.mkdir()
    with (root / "stations.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [
                ["station", "lon", "lat", "utc"],
                *([name, 131 + i / 100, 43, 10] for i, name in enumerate(names)),
            ]
        )
    with (root / "deployments.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [
                ["station", "camera", "setup", "retrieval"],
                *([name, "A", "2025-04-03 10:00", "2025-07-02 10:00"] for name in names),
            ]
        )
    for name in names:
        (root / name / "A").mkdir(parents=True)
        (root / name / "A" / "1.jpg").write_bytes(b"x")
    return root


#: Letters of three scripts, digits, spaces and marks; no separators of paths, no controls.
_NAMES = st.text(st.sampled_from("АБВЁйц东北虎豹Straße-_ .,;'\"()№12é"), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text and not text.startswith(".") and not text.endswith(".")
)


@given(
    names=st.lists(
        _NAMES, min_size=1, max_size=4, unique_by=lambda n: "".join(filter(str.isalnum, n)).casefold()
    )
)
def test_any_name_survives_the_table_and_the_folder(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    assume(all(any(map(str.isalnum, name)) for name in names))
    evidence = read_folder(_folder(tmp_path_factory.mktemp("names"), names))
    homes = {d.id: d.station_id for d in evidence.deployments}
    # Ids hold single inner spaces; folders are as they are.
    found = {id_text(m.id.split("/")[0]): homes[m.deployment_id] for m in evidence.media}
    assert sorted(found) == sorted(s.id for s in evidence.stations)
    assert all(folder == station for folder, station in found.items())


def test_a_folder_alone_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "ST01").mkdir()
    with pytest.raises(FormatError, match=r"stations\.csv \(station, lon, lat\)"):
        read_evidence(tmp_path)
