"""A Camtrap DP package becomes the evidence that it holds: worked out by hand, and on khasan."""

# The tables are kept as a package has them, one row a line.
# ruff: noqa: E501

from __future__ import annotations

import json
import os
import socket
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ghostcat.formats import read_camtrap_dp, read_evidence, read_folder
from ghostcat.formats.camtrap_dp_schema import TABLES, field_names
from ghostcat.survey.evidence import Evidence, Failure

SHARED = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).parents[3] / "shared"))
KHASAN = SHARED / "surveys" / "khasan"

DEPLOYMENTS = """\
deploymentID,locationID,locationName,latitude,longitude,deploymentStart,deploymentEnd,setupBy,cameraID,cameraModel,cameraHeight,cameraHeading,habitat,deploymentGroups,deploymentTags,deploymentComments,mood
ST01A-1,ST01,Ridge,43.16,131.08,2025-04-03T14:00:00+10:00,2025-05-03T14:00:00+10:00,Ivan,H1,RECONYX-HYPERFIRE 2,0.45,270,oak,country:RU,camera:A | bridge,,calm
ST01A-2,ST01,Ridge,43.16,131.08,2025-05-10T14:00:00+10:00,2025-07-02T14:00:00+10:00,Ivan,H1,RECONYX-HYPERFIRE 2,0.45,270,oak,country:RU,camera:A,stolen battery,
ST01B,ST01,Ridge,43.16,131.08,2025-04-03T04:00:00Z,2025-07-02T04:00:00Z,,H2,Bushnell,,,,country:RU,,,
loose,,Brook,43.17,131.12,2025-04-03T14:00:00+10:00,2025-07-02T14:00:00+10:00,,,,,,,,,,
"""
MEDIA = """\
mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileMediatype
m1,ST01A-1,activityDetection,2025-04-09T15:29:09+10:00,photos/1.jpg,true,image/jpeg
m2,ST01A-1,activityDetection,2025-04-09T15:29:11+10:00,photos/2.jpg,true,image/jpeg
m3,ST01B,activityDetection,2025-04-09T15:29:10+10:00,photos/3.jpg,true,image/jpeg
m4,loose,activityDetection,2025-04-09T05:29:10Z,photos/4.jpg,true,image/jpeg
"""
OBSERVATIONS = """\
observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,observationType,scientificName,count,lifeStage,sex,individualID,bboxX,bboxY,bboxWidth,bboxHeight,classificationMethod,classifiedBy,classificationProbability,observationTags
o1,ST01A-1,m1,e1,2025-04-09T15:29:09+10:00,2025-04-09T15:29:11+10:00,media,animal,Panthera pardus,1,adult,female,Leo 7F,0.1,0.2,0.3,0.4,human,field team,,flank:left | snow
o2,ST01A-1,m2,e1,2025-04-09T15:29:09+10:00,2025-04-09T15:29:11+10:00,media,blank,,,,,,,,,,machine,MegaDetector 5.0,0.98,
o3,ST01B,,e2,2025-04-09T15:29:00+10:00,2025-04-09T15:30:00+10:00,event,human,,2,,,,,,,,human,,,
o4,ST01A-1,,e1,2025-04-09T15:29:09+10:00,2025-04-09T15:29:11+10:00,event,animal,Panthera pardus,,,,Leo 7F,,,,,human,Anna,,flank:both
"""
FAILURES = """\
deploymentID,start,end,cause
ST01B,2025-05-01T00:00:00+10:00,2025-05-03T12:00:00+10:00,"bear, wet"
ST01B,2025-04-20T00:00:00Z,2025-04-21T00:00:00Z,battery
"""
INDIVIDUALS = "individualID,sex\nLeo 7F,female\n"


def _write(root: Path, **description: Any) -> Path:
    texts = {
        "deployments": DEPLOYMENTS,
        "media": MEDIA,
        "observations": OBSERVATIONS,
        "deployment-failures": FAILURES,
        "individuals": INDIVIDUALS,
    }
    (root / "photos").mkdir(parents=True)
    for number in range(1, 5):
        (root / "photos" / f"{number}.jpg").write_bytes(b"photo")
    for name, text in texts.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    base = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/"
    resources = [{"name": name, "path": f"{name}.csv"} for name in texts]
    for resource in resources[:3]:
        resource |= {
            "profile": "tabular-data-resource",
            "schema": f"{base}{resource['name']}-table-schema.json",
        }
    descriptor = {
        "name": "small",
        "title": "A small survey",
        "profile": f"{base}camtrap-dp-profile.json",
        "created": "2026-01-15T00:00:00Z",
        "contributors": [{"title": "nobody"}],
        "project": {
            "title": "small",
            "samplingDesign": "targeted",
            "captureMethod": ["activityDetection"],
            "individualAnimals": True,
            "observationLevel": ["media", "event"],
        },
        "spatial": {"type": "Point", "coordinates": [131.08, 43.16]},
        "temporal": {"start": "2025-04-03", "end": "2025-07-02"},
        "taxonomic": [{"scientificName": "Panthera pardus"}],
        "resources": resources,
    }
    (root / "datapackage.json").write_text(json.dumps(descriptor | description), encoding="utf-8")
    return root


@pytest.fixture
def small(tmp_path: Path) -> Evidence:
    return read_camtrap_dp(_write(tmp_path / "package"))


def test_a_good_package_has_no_findings_and_tells_its_odd_column(small: Evidence) -> None:
    assert small.findings == ()
    assert [(match.file, match.column) for match in small.columns] == [("deployments.csv", "mood")]
    assert small.deployments[0].covariates["mood"] == "calm"


def test_stations_and_cameras(small: Evidence) -> None:
    ridge, brook = small.stations
    assert (ridge.id, ridge.name, ridge.lon, ridge.lat, ridge.group) == ("ST01", "Ridge", 131.08, 43.16, "RU")
    # A deployment without a locationID stands where its coordinates say.
    assert (brook.id, brook.name, brook.group) == ("43.17000,131.12000", "Brook", "")
    assert [(c.id, c.make, c.model, c.serial) for c in small.cameras] == [
        ("H1", "RECONYX", "HYPERFIRE 2", "H1"),
        ("H2", "Bushnell", "", "H2"),
    ]


def test_deployments(small: Evidence) -> None:
    first, second, facing, loose = small.deployments
    assert first.start == datetime(2025, 4, 3, 4, tzinfo=UTC)
    assert (first.slot, first.camera_id, first.height_m, first.facing_deg) == ("A", "H1", 0.45, 270.0)
    assert (first.setup_by, second.comments) == ("Ivan", "stolen battery")
    assert facing.slot == "B"  # from its id, which adds B to the location
    assert loose.slot == "" and loose.camera_id == ""
    assert facing.failures == (
        Failure(
            start=datetime(2025, 4, 20, tzinfo=UTC), end=datetime(2025, 4, 21, tzinfo=UTC), cause="battery"
        ),
        Failure(
            start=datetime(2025, 4, 30, 14, tzinfo=UTC),
            end=datetime(2025, 5, 3, 2, tzinfo=UTC),
            cause="bear, wet",
        ),
    )


def test_clocks_and_times(small: Evidence) -> None:
    offsets = {d.id: d.utc_offset_minutes for d in small.deployments}
    # ST01B is set up in UTC, but its photos show that its clock runs ten hours ahead; the photos of
    # `loose` are exported in UTC, which says nothing of the clock, so that of its set-up holds.
    assert offsets == {"ST01A-1": 600, "ST01A-2": 600, "ST01B": 600, "loose": 600}
    assert [m.camera_time for m in small.media] == [
        datetime(2025, 4, 9, 15, 29, 9),
        datetime(2025, 4, 9, 15, 29, 11),
        datetime(2025, 4, 9, 15, 29, 10),
        datetime(2025, 4, 9, 15, 29, 10),
    ]
    assert all(m.time is None and m.state == "pending" for m in small.media)


def test_observations(small: Evidence) -> None:
    by_id = {d.id: d for d in small.detections}
    first = by_id["o1"]
    assert (first.category, first.species, first.count, first.sex) == (
        "animal",
        "Panthera pardus",
        1,
        "female",
    )
    assert (first.box, first.flank, first.individual_label) == ((0.1, 0.2, 0.3, 0.4), "left", "Leo 7F")
    assert (first.origin, first.tags, first.life_stage) == ("human:field team", "flank:left | snow", "adult")
    assert (by_id["o2"].category, by_id["o2"].origin, by_id["o2"].confidence) == (
        "empty",
        "MegaDetector 5.0",
        0.98,
    )


def test_an_observation_of_an_event_is_on_each_of_its_photos(small: Evidence) -> None:
    spread = {d.id: d.media_id for d in small.detections if d.id.startswith(("o3", "o4"))}
    assert spread == {"o3": "m3", "o4@m1": "m1", "o4@m2": "m2"}
    assert {m.id: m.source_event for m in small.media} == {"m1": "e1", "m2": "e1", "m3": "e2", "m4": ""}
    assert [d.flank for d in small.detections if d.id.startswith("o4")] == ["both", "both"]


def test_tables_of_our_own_are_read_back(tmp_path: Path) -> None:
    root = _write(tmp_path / "package")
    extra = {
        "stations": "stationID,name,latitude,longitude,group,covariates\n"
        'ST01,Ridge,43.16,131.08,RU,"{""slope"": 12.5}"\nST09,Never used,43.2,131.2,CN,{}\n',
        "deployment-covariates": "deploymentID,name,value\nST01B,mood,wet\nST01B,facing_deg,90.5\n",
        "media-incomplete": "mediaID,deploymentID,timestamp,filePath,exifData\n"
        'm9,,,photos/1.jpg,"{""EXIF"": {""DateTimeOriginal"": ""2025:04:09 15:29:09""}}"\n',
        "observations-incomplete": "observationID,mediaID,observationType\no9,m9,animal\n",
    }
    description = json.loads((root / "datapackage.json").read_text(encoding="utf-8"))
    for name, text in extra.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
        description["resources"].append({"name": name, "path": f"{name}.csv"})
    (root / "datapackage.json").write_text(json.dumps(description), encoding="utf-8")
    evidence = read_camtrap_dp(root, prefix="x-")
    stations = {station.id: station for station in evidence.stations}
    assert stations["x-ST01"].covariates == {"slope": 12.5}
    assert (stations["x-ST09"].name, stations["x-ST09"].lat) == ("Never used", 43.2)
    facing = next(d for d in evidence.deployments if d.id == "x-ST01B")
    assert (facing.facing_deg, facing.covariates) == (
        90.5,
        {"mood": "wet", "deploymentGroups": "country:RU"},
    )
    photo = next(m for m in evidence.media if m.id == "x-m9")
    assert (photo.deployment_id, photo.camera_time) == ("", datetime(2025, 4, 9, 15, 29, 9))
    assert next(d for d in evidence.detections if d.id == "x-o9").media_id == "x-m9"


def test_source(small: Evidence, tmp_path: Path) -> None:
    assert small.source.kind == "camtrap-dp"
    assert small.source.name == "A small survey"
    assert small.source.metadata["individuals"] == [{"individualID": "Leo 7F", "sex": "female"}]
    assert "synthetic" not in small.source.metadata
    again = read_camtrap_dp(tmp_path / "package" / "datapackage.json")
    assert again.source.fingerprint == small.source.fingerprint
    assert again.media == small.media


@pytest.mark.parametrize(
    "said",
    [{"keywords": ["camera traps", "simulation"]}, {"description": "Synthetic data."}, {"synthetic": True}],
    ids=str,
)
def test_simulated_data_are_marked(tmp_path: Path, said: dict[str, Any]) -> None:
    assert read_camtrap_dp(_write(tmp_path / "p", **said)).source.metadata["synthetic"] is True


def test_a_prefix_keeps_two_packages_with_the_same_ids_apart(tmp_path: Path) -> None:
    root = _write(tmp_path / "package")
    plain, other = read_evidence(root), read_evidence(root, prefix="CN-")
    for kind in ("stations", "cameras", "deployments", "media", "detections"):
        ids, prefixed = ({row.id for row in getattr(e, kind)} for e in (plain, other))
        assert prefixed == {f"CN-{name}" for name in ids}
        assert not ids & prefixed
    assert {m.deployment_id for m in other.media} <= {d.id for d in other.deployments}
    assert {d.media_id for d in other.detections} <= {m.id for m in other.media}
    assert {m.source_event for m in other.media} == {"CN-e1", "CN-e2", ""}
    assert other.source.id != plain.source.id


def test_a_zip_is_unpacked_once_and_reads_like_the_folder(tmp_path: Path) -> None:
    root = _write(tmp_path / "package")
    archive = tmp_path / "пакет 老虎.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(root.rglob("*")):
            packed.write(path, Path("inner") / path.relative_to(root))
    target = tmp_path / "photos"
    first = read_evidence(archive, extract_to=target)
    stamps = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    second = read_evidence(archive, extract_to=target)
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == stamps
    assert first == second
    folder = read_camtrap_dp(root)
    assert (first.deployments, first.detections) == (folder.deployments, folder.detections)
    assert all(Path(media.path).is_file() and target in Path(media.path).parents for media in first.media)


def test_the_names_of_an_old_zip_program_are_understood(tmp_path: Path) -> None:
    root = _write(tmp_path / "package")
    media = MEDIA.replace("photos/1.jpg", "photos/барс.jpg")
    (root / "media.csv").write_text(media, encoding="utf-8")
    archive = tmp_path / "old.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.name != "1.jpg":
                packed.write(path, path.relative_to(root).as_posix())
        # Latin stand-ins of the same length, patched to the bytes that such programs write.
        packed.writestr("photos/BARS.jpg", b"photo")
    archive.write_bytes(archive.read_bytes().replace(b"BARS", "барс".encode("cp1251")))
    evidence = read_evidence(archive, extract_to=tmp_path / "photos")
    assert not [finding for finding in evidence.findings if finding.code == "media_absent"]


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert read_camtrap_dp(_write(tmp_path / "package")).findings == ()


def test_the_local_rules_name_the_columns_of_the_standard() -> None:
    assert [len(field_names(table)) for table in TABLES] == [24, 11, 28]
    if not KHASAN.is_dir():
        return
    for table in TABLES:
        heading = (KHASAN / f"{table}.csv").read_text(encoding="utf-8").splitlines()[0]
        assert tuple(heading.split(",")) == field_names(table)


def _effort_s(evidence: Evidence) -> dict[tuple[str, str], float]:
    effort: dict[tuple[str, str], float] = defaultdict(float)
    for d in evidence.deployments:
        dead = sum((f.end - f.start).total_seconds() for f in d.failures)
        effort[d.station_id, d.slot] += (d.end - d.start).total_seconds() - dead
    return effort


@pytest.mark.skipif(not KHASAN.is_dir(), reason="the shared khasan survey is not at hand (GHOSTCAT_SHARED)")
def test_khasan_reads_the_same_as_a_package_and_as_a_folder() -> None:
    package, folder = read_evidence(KHASAN), read_folder(KHASAN)
    assert package.source.metadata["synthetic"] is folder.source.metadata["synthetic"] is True
    assert {finding.code for finding in package.findings} == set()
    assert {finding.code for finding in folder.findings} == {"file_not_photo"}
    places = [{(s.id, s.lon, s.lat, s.group) for s in e.stations} for e in (package, folder)]
    assert places[0] == places[1] and len(places[0]) == 50
    assert set(package.cameras) == set(folder.cameras)
    assert _effort_s(package) == pytest.approx(_effort_s(folder), abs=1e-6)
    assert sum(_effort_s(package).values()) / 86400 == pytest.approx(7045.295, abs=0.001)
    where = [{d.id: (d.station_id, d.slot) for d in e.deployments} for e in (package, folder)]
    photos = [
        {m.path: at[m.deployment_id] for m in e.media} for e, at in zip((package, folder), where, strict=True)
    ]
    assert photos[0] == photos[1] and len(photos[0]) == 487
    assert len(package.detections) == 487
