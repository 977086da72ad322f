"""The store on both databases: what goes in comes out, once, and nothing is half done."""

from __future__ import annotations

import multiprocessing
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest

from ghostcat.errors import (
    EvidenceConflict,
    FormatError,
    InputError,
    ParameterError,
    SurveyError,
    SurveyExists,
    SurveyNotFound,
    SurveyTooNew,
)
from ghostcat.survey import PhotoRecord, create_survey, is_survey, open_survey
from ghostcat.survey.evidence import Camera, Detection, Failure, Finding, Flank


def full_evidence(make):
    """Every field set, with values that are easily lost on the way."""
    return make.evidence(
        [
            make.media("фото 1", source_event="e1", exif_time=datetime(2025, 4, 2, 12, 0, 1)),
            make.media("照片 2", minutes=1 / 60_000, path="/cards/a b/%2F';--.JPG"),
            make.media("no time", minutes=None),
        ],
        stations=[
            make.station(lon=131.1 + 0.2, lat=1 / 3, name="Борисовка", group="RU", covariates={"ridge": 0.1})
        ],
        cameras=[Camera(id="c1", make="Reconyx", model="HF2", serial="007")],
        deployments=[
            make.deployment(
                camera_id="c1",
                start=datetime(2025, 4, 1, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=10))),
                height_m=0.45,
                facing_deg=12.5,
                setup_by="Ли",
                comments="a\nb",
                covariates={"bait": False, "tags": ["x", 1]},
                failures=(
                    Failure(start=make.start, end=make.start + timedelta(days=1), cause="snow"),
                    Failure(start=make.start + timedelta(days=3), end=make.start + timedelta(days=4)),
                ),
            )
        ],
        detections=[
            Detection(
                id="d1",
                media_id="фото 1",
                category="animal",
                origin="human:field team",
                species="Panthera pardus",
                box=(0.1, 0.2, 0.30000000000000004, 0.4),
                confidence=1 / 7,
                count=2,
                sex="female",
                life_stage="adult",
                individual_label="Leo 7F",
                flank="left",
                tags="a|b",
            ),
            Detection(id="d2", media_id="照片 2", category="empty", origin="megadetector 5"),
        ],
        metadata={"title": "Хасан", "n": 3, "synthetic": True},
        findings=(Finding(code="x", severity="note", message="m", fix="f", ids=("S1",), where="w"),),
    )


def test_what_goes_in_comes_out(survey, make):
    evidence = full_evidence(make)
    report = survey.add_evidence(evidence)
    assert report.added == {
        "source": 1,
        "station": 1,
        "camera": 1,
        "deployment": 1,
        "media": 3,
        "detection": 2,
        "sample": 0,
    }
    snapshot = survey.snapshot()
    assert tuple(snapshot.stations.values()) == evidence.stations
    assert tuple(snapshot.cameras.values()) == evidence.cameras
    assert tuple(snapshot.deployments.values()) == evidence.deployments
    assert snapshot.detections == evidence.detections
    assert snapshot.sources == (evidence.source,)
    assert snapshot.synthetic
    for given in evidence.media:
        shift = timedelta(minutes=600)
        time = None if given.camera_time is None else (given.camera_time - shift).replace(tzinfo=UTC)
        assert snapshot.media[given.id] == replace(given, time=time)
    assert evidence.findings[0] in survey.check()


def test_the_same_evidence_twice_changes_nothing(survey, make):
    evidence = full_evidence(make)
    survey.add_evidence(evidence)
    before = survey.snapshot()
    report = survey.add_evidence(evidence)
    assert report.nothing_new
    assert report.unchanged == {
        "source": 1,
        "station": 1,
        "camera": 1,
        "deployment": 1,
        "media": 3,
        "detection": 2,
        "sample": 0,
    }
    assert survey.snapshot() == before


def test_more_photos_of_a_known_source_are_added(survey, make):
    photos = [make.media(f"p{n}") for n in range(5)]
    survey.add_evidence(make.evidence(photos[:2]))
    make.read(survey)
    report = survey.add_evidence(make.evidence(photos))
    assert report.added["media"] == 3 and report.unchanged["media"] == 2
    assert [one.id for one in survey.pending_media()] == ["p2", "p3", "p4"]
    assert [one.fingerprint for one in survey.snapshot().sources] == ["5 photos"]


def test_the_order_of_failures_and_equal_moments_in_other_zones_are_no_difference(survey, make):
    failures = [
        Failure(start=make.start + timedelta(days=n), end=make.start + timedelta(days=n + 1)) for n in (1, 5)
    ]
    survey.add_evidence(make.evidence(deployments=[make.deployment(failures=tuple(failures))]))
    elsewhere = make.deployment(
        start=make.start.astimezone(timezone(timedelta(hours=8))), failures=tuple(reversed(failures))
    )
    assert survey.add_evidence(make.evidence(deployments=[elsewhere])).nothing_new


def test_one_id_for_two_things_is_refused_and_nothing_is_written(survey, make):
    photos = [make.media(f"p{n}") for n in range(8)]
    survey.add_evidence(make.evidence(photos))
    before = survey.snapshot()
    others = [replace(one, camera_time=datetime(2026, 1, 1)) for one in photos] + [make.media("new")]
    with pytest.raises(EvidenceConflict) as told:
        survey.add_evidence(make.evidence(others, source="another"))
    message = str(told.value)
    assert "8 id(s)" in message and "and 3 more" in message and "--prefix" in message
    assert "p0" in message and "2025-04-02T12:00:00" in message and "2026-01-01T00:00:00" in message
    assert survey.snapshot() == before


def test_an_id_used_twice_inside_one_source_is_refused(survey, make):
    with pytest.raises(EvidenceConflict, match="unique"):
        survey.add_evidence(make.evidence([make.media("p"), make.media("p", minutes=1)]))
    assert survey.add_evidence(make.evidence([make.media("p"), make.media("p")])).added["media"] == 1


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"deployments": []}, FormatError, "S1A"),
        ({"stations": []}, FormatError, "S1"),
        (
            {"detections": [Detection(id="d", media_id="ghost", category="animal", origin="x")]},
            FormatError,
            "ghost",
        ),
    ],
)
def test_rows_that_point_nowhere_are_refused(survey, make, more, error, words):
    with pytest.raises(error, match=words):
        survey.add_evidence(make.evidence([make.media("p")], **more))
    assert not survey.snapshot().media


def test_times_and_coordinates_that_mean_nothing_are_refused(survey, make):
    with pytest.raises(InputError, match="no time zone"):
        survey.add_evidence(make.evidence(deployments=[make.deployment(start=datetime(2025, 1, 1))]))
    with pytest.raises(InputError, match="has a time zone"):
        survey.add_evidence(make.evidence([make.media("p", camera_time=make.start)]))
    with pytest.raises(InputError, match="not numbers"):
        survey.add_evidence(make.evidence(stations=[make.station(lat=float("nan"))]))


def test_file_names_that_are_not_text_survive(survey, make):
    path = "/cards/\udcd0\udc9f\udcd0.JPG"  # what Python makes of bytes in another encoding
    survey.add_evidence(make.evidence([make.media("p", path=path)]))
    assert survey.snapshot().media["p"].path == path
    assert survey.add_evidence(make.evidence([make.media("p", path=path)])).nothing_new


def test_a_moved_file_gets_its_new_path_only_if_it_is_the_same_file(survey, make, tmp_path):
    old, new = tmp_path / "old.JPG", tmp_path / "new.JPG"
    old.write_bytes(b"leopard")
    survey.add_evidence(make.evidence([make.media("p", path=str(old))]))
    make.read(survey, p=sha256(b"leopard").hexdigest())
    moved = make.evidence([make.media("p", path=str(new))])
    new.write_bytes(b"leopard")
    report = survey.add_evidence(moved)  # a copy: the photo stays where it is
    assert report.moved == 0 and report.unchanged["media"] == 1
    assert survey.snapshot().media["p"].path == str(old)
    old.unlink()
    new.write_bytes(b"another")
    with pytest.raises(EvidenceConflict, match="path"):
        survey.add_evidence(moved)
    new.write_bytes(b"leopard")
    fingerprint = survey.fingerprint()
    assert survey.add_evidence(moved).moved == 1
    assert survey.snapshot().media["p"].path == str(new)
    assert survey.fingerprint() == fingerprint


def test_photos_inside_the_survey_are_kept_by_their_relative_path(survey, make):
    inside = survey.folder / "photos" / "S1" / "IMG_1.JPG"
    survey.add_evidence(make.evidence([make.media("p", path=str(inside))]))
    photo = survey.snapshot().media["p"]
    assert photo.path == "photos/S1/IMG_1.JPG"
    assert survey.photo_path(photo) == inside


def test_what_opening_a_photo_told_is_laid_beside_what_the_source_said(survey, make):
    survey.add_evidence(make.evidence([make.media("given"), make.media("silent", minutes=None)]))
    exif = datetime(2025, 4, 9, 1, 2, 3)
    survey.record_photos(
        [
            PhotoRecord(
                media_id=key,
                state="ok",
                sha256=key,
                size_bytes=3_000_000_000,
                width_px=4000,
                height_px=3000,
                infrared=True,
                camera_time=exif,
            )
            for key in ("given", "silent")
        ]
    )
    media = survey.snapshot().media
    assert media["given"].camera_time == datetime(2025, 4, 2, 12) and media["given"].exif_time == exif
    assert media["silent"].camera_time == media["silent"].exif_time == exif
    assert media["silent"].time == datetime(2025, 4, 8, 15, 2, 3, tzinfo=UTC)
    assert media["silent"].size_bytes == 3_000_000_000 and media["silent"].infrared is True
    assert survey.add_evidence(
        make.evidence([make.media("given"), make.media("silent", minutes=None)])
    ).nothing_new


def test_which_file_is_the_duplicate_does_not_depend_on_the_order(survey, make):
    deployments = [make.deployment("S1A"), make.deployment("S1B", slot="B")]
    photos = [make.media("a", deployment="S1B"), make.media("b"), make.media("c")]
    survey.add_evidence(make.evidence(photos, deployments=deployments))
    for key in ("c", "a", "b"):  # the one that is kept comes last
        survey.record_photos([PhotoRecord(media_id=key, state="ok", sha256="one content")])
    media = survey.snapshot().media
    assert {key: (one.state, one.duplicate_of) for key, one in media.items()} == {
        "a": ("duplicate", "b"),
        "b": ("ok", ""),
        "c": ("duplicate", "b"),
    }
    survey.record_photos([PhotoRecord(media_id="b", state="unreadable", reason="cut")])
    assert survey.snapshot().media["a"].duplicate_of == "c"


def test_photos_that_cannot_be_read_keep_state_and_reason_and_can_be_tried_again(survey, make):
    survey.add_evidence(make.evidence([make.media("p"), make.media("q")]))
    survey.record_photos([PhotoRecord(media_id="p", state="missing", reason="no file")])
    assert survey.snapshot().media["p"].reason == "no file"
    assert [one.id for one in survey.pending_media()] == ["q"]
    assert [one.id for one in survey.pending_media(also=["missing"])] == ["p", "q"]


def test_readings_of_unknown_photos_are_refused(survey, make):
    with pytest.raises(SurveyError, match="ghost"):
        survey.record_photos([PhotoRecord(media_id="ghost", state="ok")])
    with pytest.raises(SurveyError, match="ghost"):
        survey.put_flanks("e", [make.flank("ghost")])


def test_flanks_of_the_engine_that_read_last_are_shown(survey, make):
    survey.add_evidence(make.evidence([make.media("p"), make.media("q")]))
    assert survey.flanks() == {}
    box = (0.1, 0.2, 0.3, 0.4)
    first = Flank(
        media_id="p", side="left", usable=True, quality=0.7, box=box, side_probability=0.9, engine="one"
    )
    survey.put_flanks("one", [first])
    survey.put_flanks("two", [make.flank("p", "right"), make.flank("q", "both")])
    assert survey.flanks("one") == {"p": first}
    assert [one.side for one in survey.flanks().values()] == ["right", "both"]
    survey.put_flanks("two", [make.flank("q", "left")])
    assert [one.side for one in survey.flanks().values()] == ["right", "left"]


def test_pair_scores_have_no_direction_and_the_last_one_stays(survey, make):
    survey.add_evidence(make.evidence([make.media(key) for key in "abc"]))
    survey.put_pair_scores("one", [("b", "a", 0.1, 3), ("a", "c", 1 / 3, 4)])
    survey.put_pair_scores("two", [("a", "b", 9.0, 9)])
    survey.put_pair_scores("one", [("a", "b", 0.2, 5)])
    assert survey.pair_scores("one") == [("a", "b", 0.2, 5), ("a", "c", 1 / 3, 4)]
    assert survey.pair_scores("none") == []
    with pytest.raises(ParameterError, match="itself"):
        survey.put_pair_scores("one", [("a", "a", 1.0, 1)])


def test_results_know_when_they_are_stale(survey, make):
    assert survey.result("scr") is None
    survey.put_result("scr", "all", {"n": 21, "ci": [18.5, float("inf")]}, {"seed": 7})
    row = survey.result("scr")
    assert row is not None and row.payload == {"n": 21, "ci": [18.5, float("inf")]}
    assert row.provenance == {"seed": 7} and not row.stale
    survey.add_evidence(make.evidence())
    row = survey.result("scr", "all")
    assert row is not None and row.stale
    survey.put_result("scr", "all", {}, {}, fingerprint="of an older snapshot")
    row = survey.result("scr")
    assert row is not None and row.stale


def test_jobs_that_were_killed_stay_open_and_are_taken_over(survey):
    job = survey.start_job("import", "khasan", 100)
    again = survey.start_job("import", "khasan", 50)
    assert again.id == job.id
    assert [(one.total, one.done) for one in survey.jobs(only_open=True)] == [(50, 0)]
    again.advance(50)
    again.finish()
    other = survey.start_job("import", "khasan", 1)
    other.fail("disk full")
    assert [(one.state, one.done, one.message) for one in survey.jobs()] == [
        ("finished", 50, ""),
        ("failed", 0, "disk full"),
    ]
    assert survey.jobs(only_open=True) == []


def test_settings_and_name(survey, tmp_path):
    assert survey.name == "khasan"
    assert survey.setting("gap_minutes", 30) == 30
    survey.set_setting("gap_minutes", 12.5)
    survey.set_setting("name", "Хасан 2026")
    with open_survey(survey.folder) as other:
        assert other.setting("gap_minutes") == 12.5
        assert other.name == "Хасан 2026"


def test_the_fingerprint_follows_content_and_nothing_else(survey, make):
    seen = {survey.fingerprint()}

    def changed() -> bool:
        now = survey.fingerprint()
        new = now not in seen
        seen.add(now)
        return new

    evidence = make.evidence([make.media("p"), make.media("q", minutes=500)])
    survey.add_evidence(evidence)
    assert changed()
    survey.add_evidence(evidence)
    survey.put_result("a", "b", {}, {})
    survey.start_job("a", "b", 1).finish()
    survey.put_pair_scores("e", [("p", "q", 1.0, 1)])
    assert not changed()
    record = PhotoRecord(media_id="p", state="ok", sha256="x")
    survey.record_photos([record])
    assert changed()
    survey.record_photos([record])
    assert not changed()
    survey.put_flanks("e", [make.flank("p")])
    assert changed()
    survey.append([make.decide("new", "p")])
    assert changed()
    survey.set_setting("gap_minutes", 5)
    assert changed()
    assert survey.snapshot().fingerprint == survey.fingerprint()


def test_the_fingerprint_does_not_depend_on_the_order_of_imports(tmp_path, make):
    prints = []
    for place, order in enumerate(([0, 1, 2], [2, 0, 1])):
        with create_survey(tmp_path / str(place)) as survey:
            for n in order:
                survey.add_evidence(make.evidence([make.media(f"p{n}")], fingerprint="same"))
            prints.append(survey.fingerprint())
    assert prints[0] == prints[1]


def test_a_change_by_another_program_is_found(survey, statement, make):
    survey.add_evidence(full_evidence(make))
    make.read(survey)
    survey.put_flanks("e", [make.flank("фото 1")])
    survey.append([make.decide("new", "фото 1")])
    codes = {one.code for one in survey.check()}
    assert "changed_from_outside" not in codes
    statement("UPDATE station SET lat = 44.0")
    finding = next(one for one in survey.check() if one.code == "changed_from_outside")
    assert "station" in finding.message and finding.severity == "error"


# -- opening ----------------------------------------------------------------------------------------


def test_there_is_one_survey_per_folder_and_per_database(survey, tmp_path, database_url):
    assert is_survey(survey.folder) and not is_survey(tmp_path)
    with pytest.raises(SurveyExists, match="already"):
        create_survey(survey.folder)
    if database_url is not None:
        with pytest.raises(SurveyExists, match="holds a survey"):
            create_survey(tmp_path / "second", database_url=database_url)


def test_a_server_survey_can_be_opened_from_a_copied_address(tmp_path, postgres_url, make):
    with create_survey(tmp_path / "one", database_url=postgres_url, name="shared") as survey:
        survey.add_evidence(make.evidence([make.media("p")]))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "survey.json").write_bytes((tmp_path / "one" / "survey.json").read_bytes())
    with open_survey(tmp_path / "two") as survey:
        assert survey.name == "shared" and list(survey.snapshot().media) == ["p"]


def test_folders_without_a_survey_are_told_from_those_that_are_not_there(tmp_path):
    with pytest.raises(SurveyNotFound, match="no such folder"):
        open_survey(tmp_path / "nowhere")
    with pytest.raises(SurveyNotFound, match="ghostcat new"):
        open_survey(tmp_path)
    create_survey(tmp_path / "inner").close()
    with pytest.raises(SurveyNotFound, match=r"Did you mean .*inner"):
        open_survey(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SurveyExists, match="file of this name"):
        create_survey(tmp_path / "file")


def test_a_newer_survey_is_not_touched(survey, statement):
    statement("UPDATE alembic_version SET version_num = '9999'")
    survey.close()
    with pytest.raises(SurveyTooNew, match="newest ghostcat"):
        open_survey(survey.folder)


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to look like one" * 99])
def test_a_damaged_database_is_told_with_advice(tmp_path, content):
    create_survey(tmp_path / "s").close()
    (tmp_path / "s" / "survey.db").write_bytes(content)
    with pytest.raises(SurveyError, match="copy") as told:
        open_survey(tmp_path / "s")
    assert "survey.db" in str(told.value)


def test_damage_inside_the_file_is_told_with_advice(tmp_path, make):
    with create_survey(tmp_path / "s") as survey:
        survey.add_evidence(make.evidence([make.media(f"p{n}") for n in range(2000)]))
    path = tmp_path / "s" / "survey.db"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 80_000] = b"\xff" * 80_000
    path.write_bytes(content)
    with pytest.raises(SurveyError, match="damaged"), open_survey(tmp_path / "s") as survey:
        survey.snapshot()


def test_half_made_surveys_do_not_stand_in_the_way(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "survey.db.77.new").write_bytes(b"half")  # killed before the rename
    with pytest.raises(SurveyNotFound):
        open_survey(folder)
    create_survey(folder).close()
    open_survey(folder).close()
    assert sorted(path.name for path in folder.iterdir()) == ["derived", "photos", "results", "survey.db"]


def test_an_address_without_tables_is_completed(tmp_path, postgres_url):
    (tmp_path / "survey.json").write_text(f'{{"database_url": "{postgres_url}"}}')  # killed after this
    with open_survey(tmp_path) as survey:
        assert survey.check() == []


@pytest.mark.parametrize("content", ["", "{}", '{"database_url": 7}', '{"database_url": "sqlite:///x.db"}'])
def test_addresses_that_cannot_be_read_are_refused(tmp_path, content):
    (tmp_path / "survey.json").write_text(content)
    with pytest.raises((SurveyError, ParameterError), match=r"postgresql://|quotes"):
        open_survey(tmp_path)


def test_a_server_that_is_not_there_is_told_plainly(tmp_path):
    with pytest.raises(SurveyError, match="server"):
        create_survey(tmp_path / "s", database_url="postgresql://nobody@127.0.0.1:1/nothing")


def test_the_database_keeps_what_was_promised(sqlite_survey):
    with sqlite_survey._engine.connect() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert told == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 60_000}


# -- two at once --------------------------------------------------------------------------------------


def _import_some(folder: str, writer: int) -> None:
    from ghostcat.survey.evidence import Decision, Media

    start = datetime(2025, 4, 2, 12)
    with open_survey(Path(folder)) as survey:
        base = survey.snapshot()
        for batch in range(8):
            keys = [f"w{writer}-{batch}-{n}" for n in range(20)]
            media = [
                Media(id=key, deployment_id="S1A", path=f"/c/{key}", camera_time=start + timedelta(hours=n))
                for n, key in enumerate(keys)
            ]
            from ghostcat.survey.evidence import Evidence

            source = replace(base.sources[0], id=f"w{writer}", fingerprint=str(batch))
            survey.add_evidence(Evidence(source=source, media=tuple(media)))
            survey.record_photos([PhotoRecord(media_id=key, state="ok", sha256=key) for key in keys])
            survey.append(
                [Decision(kind="new", actor=f"w{writer}", actor_kind="person", media_a=key) for key in keys]
            )


def test_two_programs_may_write_at_once(survey, make):
    survey.add_evidence(make.evidence())
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_import_some, args=(str(survey.folder), n)) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    snapshot = survey.snapshot()
    assert len(snapshot.media) == 320
    assert [one.id for one in snapshot.decisions] == list(range(1, 321))
    assert not [one for one in survey.check() if one.severity == "error"]


def test_reading_does_not_wait_for_a_writer(sqlite_survey):
    other = sqlite3.connect(sqlite_survey.folder / "survey.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert sqlite_survey.snapshot().media == {}
    finally:
        other.close()
