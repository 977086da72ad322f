"""Camtrap DP out: valid by the standard's own schemas, and nothing changes on the way out and in."""

from __future__ import annotations

import csv
import json
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from frictionless import Package, Resource, Schema
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import InputError, ParameterError
from ghostcat.formats.camtrap_dp_reader import read_camtrap_dp
from ghostcat.formats.camtrap_dp_rows import table_schema
from ghostcat.formats.camtrap_dp_schema import check_descriptor
from ghostcat.formats.camtrap_dp_writer import write_camtrap_dp
from ghostcat.survey.evidence import (
    Camera,
    Decision,
    Deployment,
    Detection,
    Evidence,
    Failure,
    Flank,
    Media,
    Snapshot,
    Station,
)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def descriptor(folder: Path) -> dict[str, object]:
    loaded = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def faults(folder: Path) -> list[str]:
    """What frictionless says about every table, with the local copies of the standard's schemas."""
    listed = descriptor(folder)["resources"]
    assert isinstance(listed, list)
    resources = []
    for resource in listed:
        schema = resource["schema"]
        rules = table_schema(resource["name"]) if isinstance(schema, str) else schema
        resources.append(
            Resource(
                name=resource["name"],
                path=resource["path"],
                basepath=str(folder),
                schema=Schema.from_descriptor(dict(rules)),
                encoding="utf-8",
            )
        )
    report = Package(resources=resources).validate()
    return [error.message for task in report.tasks for error in task.errors]


def snapshot_of(evidence: Evidence) -> Snapshot:
    """A survey that holds just this evidence, with every photo opened and nothing decided."""
    offsets = {d.id: d.utc_offset_minutes or 0 for d in evidence.deployments}
    media = {}
    for m in evidence.media:
        if m.camera_time is not None:
            shift = timedelta(minutes=offsets[m.deployment_id])
            m = replace(m, time=(m.camera_time - shift).replace(tzinfo=UTC))
        media[m.id] = m
    return Snapshot(
        name=evidence.source.name,
        stations={s.id: s for s in evidence.stations},
        cameras={c.id: c for c in evidence.cameras},
        deployments={d.id: d for d in evidence.deployments},
        media=media,
        detections=evidence.detections,
        flanks={},
        encounters={},
        individuals={},
        decisions=(),
        sources=(evidence.source,),
        synthetic=evidence.source.metadata.get("synthetic") is True,
        fingerprint="f",
    )


def test_the_package_keeps_to_the_standard(small_survey: Snapshot, tmp_path: Path) -> None:
    folder = write_camtrap_dp(small_survey, tmp_path / "package")
    assert faults(folder) == []
    assert check_descriptor(descriptor(folder)) == []
    about = descriptor(folder)
    assert about["created"] == "2025-07-01T09:00:00Z"
    assert about["temporal"] == {"start": "2025-06-01", "end": "2025-06-06"}
    assert about["taxonomic"] == [{"scientificName": "Panthera pardus", "taxonRank": "species"}]
    assert about["synthetic"] is True
    assert about["title"] == 'Хасан "2025"'
    assert about["name"] == "2025"
    assert about["contributors"] == [{"title": 'Field team of Хасан "2025"'}]


def test_identity_flank_and_failures_are_in_the_package(small_survey: Snapshot, tmp_path: Path) -> None:
    folder = write_camtrap_dp(small_survey, tmp_path)
    observations = {r["mediaID"]: r for r in rows(folder, "observations")}
    assert {m: r["individualID"] for m, r in observations.items()} == {
        "p1": "Лео 1, старый",
        "p2": "Лео 1, старый",
        "p3": "Лео 1, старый",
        "p4": "Лео 1, старый",
        "p5": "G002",
        "p6": "G003",
    }
    first = observations["p1"]
    assert (first["observationTags"], first["sex"], first["eventID"]) == ("flank:left", "male", "p1")
    assert (first["bboxX"], first["bboxWidth"], first["classificationProbability"]) == (
        "0.25",
        "0.5",
        "0.875",
    )
    assert (first["eventStart"], first["eventEnd"]) == (
        "2025-06-02T05:00:00+10:00",
        "2025-06-02T05:01:00+10:00",
    )
    assert (first["classificationMethod"], first["classifiedBy"]) == ("human", "field team")
    assert observations["p2"]["sex"] == "male"
    assert rows(folder, "deployment-failures") == [
        {
            "deploymentID": "d1",
            "start": "2025-06-03T00:00:00+10:00",
            "end": "2025-06-04T12:00:00+10:00",
            "cause": "battery, cold",
        }
    ]
    leo, _, half = rows(folder, "individuals")
    assert (leo["ghostcatID"], leo["sightings"], leo["leftPhoto"], leo["rightPhoto"]) == (
        "G001",
        "3",
        "p1",
        "p2",
    )
    assert (half["individualID"], half["counted"]) == ("G003", "false")
    assert [r["stationID"] for r in rows(folder, "stations")] == ["S 1", "Ручей,2", "S_3"]
    deployment = rows(folder, "deployments")[0]
    assert (deployment["deploymentTags"], deployment["deploymentGroups"]) == ("camera:A", "RU")
    assert deployment["deploymentComments"] == 'says "hello"; then\r\nleaves'.replace("\r", "")
    assert (deployment["cameraModel"], deployment["cameraHeading"]) == ("Reconyx-HF2-X", "270")
    assert [r["favorite"] for r in rows(folder, "media")] == [
        "true",
        "true",
        "false",
        "false",
        "true",
        "true",
    ]


def test_one_state_gives_the_same_bytes(small_survey: Snapshot, tmp_path: Path) -> None:
    one, two = (write_camtrap_dp(small_survey, tmp_path / name) for name in ("a", "b"))
    names = sorted(p.name for p in one.iterdir())
    assert names == sorted(p.name for p in two.iterdir())
    assert all((one / n).read_bytes() == (two / n).read_bytes() for n in names)


def test_photos_can_be_copied_into_the_package(small_survey: Snapshot, tmp_path: Path) -> None:
    survey = tmp_path / "survey"
    for photo in small_survey.media.values():
        if photo.id != "p6":
            path = survey / photo.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(photo.id.encode())
    seen: list[tuple[int, int]] = []
    folder = write_camtrap_dp(
        small_survey,
        tmp_path / "out",
        photos="copy",
        survey_folder=survey,
        progress=lambda done, total: seen.append((done, total)),
    )
    paths = {r["mediaID"]: r["filePath"] for r in rows(folder, "media")}
    assert paths["p1"] == "media/d1/IMG-p1.JPG"
    assert (folder / paths["p5"]).read_bytes() == b"p5"
    assert not (folder / paths["p6"]).exists()
    assert seen[-1] == (6, 6)
    assert faults(folder) == []
    back = {m.id: m for m in read_camtrap_dp(folder).media}
    assert Path(back["p1"].path) == folder / paths["p1"]
    # Originals are where they were.
    assert (survey / small_survey.media["p1"].path).read_bytes() == b"p1"


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/cards/A 1/IMG..1#.JPG", "file:///cards/A%201/IMG%2E%2E1%23.JPG"),
        ("C:\\cards\\IMG_1.JPG", "file:///C:/cards/IMG_1.JPG"),
        ("https://example.org/IMG_1.JPG", "https://example.org/IMG_1.JPG"),
        ("photos/IMG 1.JPG", "photos/IMG 1.JPG"),
    ],
)
def test_photos_elsewhere_are_referred_to_by_address(
    small_survey: Snapshot, tmp_path: Path, path: str, written: str
) -> None:
    media = {**small_survey.media, "p1": replace(small_survey.media["p1"], path=path)}
    folder = write_camtrap_dp(replace(small_survey, media=media), tmp_path)
    assert rows(folder, "media")[0]["filePath"] == written
    assert faults(folder) == []


def test_photos_inside_the_package_get_relative_paths(small_survey: Snapshot, tmp_path: Path) -> None:
    inside = str(tmp_path / "media" / "IMG 1.JPG")
    media = {**small_survey.media, "p1": replace(small_survey.media["p1"], path=inside)}
    folder = write_camtrap_dp(replace(small_survey, media=media), tmp_path)
    assert rows(folder, "media")[0]["filePath"] == "media/IMG 1.JPG"


def test_names_that_differ_by_case_do_not_overwrite_each_other(
    small_survey: Snapshot, tmp_path: Path
) -> None:
    survey = tmp_path / "survey"
    media = dict(small_survey.media)
    for photo, path in {"p1": "a/img.jpg", "p2": "b/IMG.JPG", "p3": "c/img.jpg"}.items():
        (survey / path).parent.mkdir(parents=True, exist_ok=True)
        (survey / path).write_bytes(path.encode())
        media[photo] = replace(media[photo], path=path)
    folder = write_camtrap_dp(
        replace(small_survey, media=media), tmp_path / "out", photos="copy", survey_folder=survey
    )
    placed = [r["filePath"] for r in rows(folder, "media")[:3]]
    assert placed == ["media/d1/img.jpg", "media/d1/IMG-2.JPG", "media/d1/img-3.jpg"]
    assert [(folder / p).read_bytes() for p in placed] == [b"a/img.jpg", b"b/IMG.JPG", b"c/img.jpg"]


def test_photos_without_time_or_deployment_are_kept_beside(small_survey: Snapshot, tmp_path: Path) -> None:
    media = {
        **small_survey.media,
        "p5": replace(small_survey.media["p5"], time=None, camera_time=None),
        "p6": replace(small_survey.media["p6"], deployment_id="", state="unreadable", reason="truncated"),
    }
    folder = write_camtrap_dp(replace(small_survey, media=media), tmp_path)
    assert faults(folder) == []
    assert [r["mediaID"] for r in rows(folder, "media")] == ["p1", "p2", "p3", "p4"]
    assert [r["mediaID"] for r in rows(folder, "observations")] == ["p1", "p2", "p3", "p4"]
    lacking = rows(folder, "media-incomplete")
    assert [(r["mediaID"], r["timestamp"], r["deploymentID"]) for r in lacking] == [
        ("p5", "", "d3"),
        ("p6", "2025-06-03T10:00:00Z", ""),
    ]
    assert lacking[1]["mediaComments"] == "unreadable: truncated"
    assert [r["mediaID"] for r in rows(folder, "observations-incomplete")] == ["p5", "p6"]


def test_a_corrected_clock_keeps_what_the_camera_showed(small_survey: Snapshot, tmp_path: Path) -> None:
    photo = small_survey.media["p1"]
    assert photo.camera_time is not None
    early = replace(photo, camera_time=photo.camera_time - timedelta(hours=3))
    folder = write_camtrap_dp(replace(small_survey, media={**small_survey.media, "p1": early}), tmp_path)
    first, second = rows(folder, "media")[:2]
    assert first["timestamp"] == "2025-06-02T05:00:00+10:00"
    assert json.loads(first["exifData"]) == {"EXIF": {"DateTimeOriginal": "2025:06:02 02:00:00"}}
    assert second["exifData"] == ""
    assert faults(folder) == []


def test_an_animal_that_only_the_identification_saw_gets_a_row(
    small_survey: Snapshot, tmp_path: Path
) -> None:
    flanks = {
        **small_survey.flanks,
        "p1": Flank(media_id="p1", side="left", usable=True, engine="rootsift 1", box=(0.5, 0.25, 0.25, 0.5)),
    }
    folder = write_camtrap_dp(replace(small_survey, detections=(), flanks=flanks), tmp_path)
    first = rows(folder, "observations")[0]
    assert first["observationID"] == "p1-animal"
    assert (first["classificationMethod"], first["classifiedBy"]) == ("machine", "rootsift 1")
    assert (first["individualID"], first["observationTags"]) == ("Лео 1, старый", "flank:left")
    assert (first["bboxX"], first["bboxHeight"]) == ("0.5", "0.5")
    assert faults(folder) == []


def test_what_the_standard_cannot_hold_is_kept_in_tables_of_our_own(
    small_survey: Snapshot, tmp_path: Path
) -> None:
    covariates = {
        "habitat": "oak",
        "featureType": "a tree",
        "baitUse": False,
        "cameraTilt": 5,
        "дорога": 'да, "2"',
    }
    d1 = replace(
        small_survey.deployments["d1"], covariates=covariates, facing_deg=12.5, utc_offset_minutes=None
    )
    odd = replace(
        small_survey.detections[0], count=0, life_stage="cub", confidence=7.0, box=(0.5, 0.5, 0.0, 0.1)
    )
    snapshot = replace(
        small_survey,
        deployments={**small_survey.deployments, "d1": d1},
        detections=(odd, *small_survey.detections[1:]),
    )
    folder = write_camtrap_dp(snapshot, tmp_path)
    assert faults(folder) == []
    row = rows(folder, "deployments")[0]
    assert (row["habitat"], row["featureType"], row["baitUse"], row["cameraTilt"]) == (
        "oak",
        "",
        "false",
        "5",
    )
    # The offset is not known: the times are UTC, and the standard's flag for such doubts is set.
    assert (row["deploymentStart"], row["timestampIssues"]) == ("2025-06-01T02:00:00Z", "true")
    assert rows(folder, "deployment-covariates") == [
        {"deploymentID": "d1", "name": "facing_deg", "value": "12.5"},
        {"deploymentID": "d1", "name": "featureType", "value": "a tree"},
        {"deploymentID": "d1", "name": "дорога", "value": 'да, "2"'},
    ]
    first = rows(folder, "observations")[0]
    assert (first["count"], first["lifeStage"], first["bboxX"]) == ("", "", "")
    assert first["observationTags"] == "flank:left | lifeStage:cub"
    assert first["classificationProbability"] == ""


def test_terms_of_an_imported_package_are_passed_on(small_survey: Snapshot, tmp_path: Path) -> None:
    metadata: Mapping[str, object] = {
        "contributors": [{"title": "Земля леопарда", "role": "publisher"}],
        "licenses": [{"name": "CC0-1.0", "scope": "data"}, {"name": "CC-BY-4.0", "scope": "media"}],
        "project": {"title": "old", "samplingDesign": "systematicRandom", "captureMethod": ["timeLapse"]},
    }
    source = replace(small_survey.sources[0], metadata=metadata)
    folder = write_camtrap_dp(replace(small_survey, sources=(source,)), tmp_path)
    about = descriptor(folder)
    assert about["contributors"] == metadata["contributors"]
    assert about["licenses"] == metadata["licenses"]
    project = about["project"]
    assert isinstance(project, dict)
    assert (project["samplingDesign"], project["captureMethod"]) == ("systematicRandom", ["timeLapse"])
    assert check_descriptor(about) == []


def test_what_cannot_be_written_is_refused(small_survey: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no deployments"):
        write_camtrap_dp(replace(small_survey, deployments={}), tmp_path)
    with pytest.raises(ParameterError, match="both data and media"):
        write_camtrap_dp(small_survey, tmp_path, licenses=[{"name": "CC0-1.0", "scope": "data"}])
    with pytest.raises(ParameterError, match="without a time zone"):
        write_camtrap_dp(small_survey, tmp_path, created=datetime(2025, 1, 1))
    with pytest.raises(ParameterError, match="is relative, but"):
        write_camtrap_dp(small_survey, tmp_path, photos="copy")
    with pytest.raises(ParameterError, match="photos is 'move'"):
        write_camtrap_dp(small_survey, tmp_path, photos="move")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_small_survey_is_read_back(small_survey: Snapshot, tmp_path: Path) -> None:
    back = read_camtrap_dp(write_camtrap_dp(small_survey, tmp_path))
    assert back.source.metadata["synthetic"] is True
    assert {s.id: (s.name, s.lon, s.lat, s.group) for s in back.stations} == {
        s.id: (s.name, s.lon, s.lat, s.group) for s in small_survey.stations.values()
    }
    for d in back.deployments:
        assert replace(d, covariates={}) == small_survey.deployments[d.id]
    for m in back.media:
        known = small_survey.media[m.id]
        assert (m.camera_time, m.deployment_id) == (known.camera_time, known.deployment_id)
    labels = {d.media_id: (d.individual_label, d.flank) for d in back.detections}
    assert labels["p4"] == ("Лео 1, старый", "right")
    assert not [f for f in back.findings if f.code.startswith("camtrap_dp")]


# Readers take off outer spaces, join inner ones and compose accents, so names are tried in that form;
# single characters of every other kind are fair.
words = st.text(
    st.sampled_from("abzAZ019,;\"'|:=+-@#/\\%_.éйЖ中豹\U0001f406")
    | st.characters(categories=["L"], codec="utf-8"),
    min_size=1,
    max_size=8,
).map(lambda text: "x" + unicodedata.normalize("NFC", text))
plain = words.map(lambda text: text.replace("|", "").replace(":", ""))
lines = st.lists(words, max_size=3).map("\n".join)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
offsets = st.sampled_from([-210, 60, 345, 480, 600])
fractions = st.integers(0, 512).map(lambda n: n / 1024)
sizes = st.integers(1, 512).map(lambda n: n / 1024)


@st.composite
def surveys(draw: st.DrawFn) -> Snapshot:
    names = st.lists(words, unique_by=str.casefold, min_size=1, max_size=3)
    stations = {
        name: Station(
            id=name,
            lon=draw(st.floats(-180, 180)),
            lat=draw(st.floats(-84, 84)),
            name=draw(lines),
            group=draw(st.just("") | plain),
        )
        for name in draw(names)
    }
    cameras = {
        name: Camera(id=name, make=draw(plain).replace("-", ""), model=draw(plain), serial=name)
        for name in draw(names)
    }
    deployments: dict[str, Deployment] = {}
    # Every station has a deployment, since the standard knows no others.
    for i, name in enumerate(draw(names) + [f"d{k}" for k in range(len(stations))]):
        start = draw(moments)
        length = draw(st.integers(1, 10**6))
        parts = sorted(draw(st.lists(st.integers(0, length), unique=True, max_size=4)))
        failures = tuple(
            Failure(start=start + timedelta(seconds=a), end=start + timedelta(seconds=b), cause=draw(lines))
            for a, b in zip(parts[::2], parts[1::2], strict=False)
        )
        deployments[name] = Deployment(
            id=name,
            station_id=list(stations)[i % len(stations)],
            start=start,
            end=start + timedelta(seconds=length),
            camera_id=draw(st.sampled_from(["", *cameras])),
            slot=draw(plain),
            utc_offset_minutes=draw(offsets),
            failures=failures,
            height_m=draw(st.none() | st.floats(0, 10)),
            facing_deg=draw(st.none() | st.integers(0, 360).map(float)),
            setup_by=draw(lines),
            comments=draw(lines),
        )
    media: dict[str, Media] = {}
    for name in draw(st.lists(words, unique_by=str.casefold, max_size=5)):
        deployment = deployments[draw(st.sampled_from(list(deployments)))]
        time = draw(moments)
        shift = timedelta(minutes=deployment.utc_offset_minutes or 0)
        media[name] = Media(
            id=name,
            deployment_id=deployment.id,
            path=f"https://example.org/{len(media)}.jpg",
            camera_time=(time + shift).replace(tzinfo=None),
            time=time,
        )
    detections = tuple(
        Detection(
            id=name,
            media_id=draw(st.sampled_from(list(media))),
            category=draw(st.sampled_from(["animal", "person", "vehicle", "empty", "unknown"])),
            origin=draw(st.just("unknown") | words.map(lambda w: f"human:{w}") | words),
            species=draw(st.just("") | words),
            box=draw(st.none() | st.tuples(fractions, fractions, sizes, sizes)),
            confidence=draw(st.none() | st.floats(0, 1)),
            count=draw(st.none() | st.integers(1, 10**6)),
            sex=draw(st.sampled_from(["", "female", "male"])),
            life_stage=draw(st.sampled_from(["", "adult", "subadult", "juvenile"])),
            individual_label=draw(st.just("") | words),
            **draw(
                st.sampled_from(
                    [{}, {"flank": "left", "tags": "flank:left"}, {"tags": "path | flank:unknown"}]
                )
            ),
        )
        for name in (draw(st.lists(words, unique_by=str.casefold, max_size=5)) if media else [])
    )
    used = {d.camera_id for d in deployments.values()}
    return Snapshot(
        name=draw(words),
        stations=stations,
        cameras={k: c for k, c in cameras.items() if k in used},
        deployments=deployments,
        media=media,
        detections=detections,
        flanks={},
        encounters={},
        individuals={},
        decisions=(Decision(kind="exclude", actor="x", actor_kind="person", id=1),),
        sources=(),
        synthetic=draw(st.booleans()),
        fingerprint="f",
    )


@given(surveys())
@settings(max_examples=25, deadline=None)
def test_import_of_an_export_is_what_was_exported(snapshot: Snapshot) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = write_camtrap_dp(snapshot, Path(place) / "one")
        back = read_camtrap_dp(folder)
        assert {s.id: s for s in back.stations} == dict(snapshot.stations)
        assert {c.id: c for c in back.cameras} == dict(snapshot.cameras)
        # The tags that carry slot and group come back as covariates too.
        assert {d.id: replace(d, covariates={}) for d in back.deployments} == dict(snapshot.deployments)
        known = {m.id: replace(m, time=None) for m in snapshot.media.values()}
        assert {m.id: replace(m, state="pending", reason="") for m in back.media} == known
        assert back.detections == snapshot.detections
        assert (back.source.metadata.get("synthetic") is True) == snapshot.synthetic
        again = read_camtrap_dp(write_camtrap_dp(snapshot_of(back), Path(place) / "two"))
        for part in ("stations", "cameras", "deployments", "media", "detections"):
            assert getattr(again, part) == getattr(back, part)


@given(surveys())
@settings(max_examples=10, deadline=None)
def test_every_export_is_valid(snapshot: Snapshot) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = write_camtrap_dp(snapshot, Path(place))
        assert faults(folder) == []
        assert check_descriptor(descriptor(folder)) == []
