"""Every check finds its fault, names it, tells the fix, and is silent where all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ghostcat.survey.checks import CHECKS, check_database, check_snapshot
from ghostcat.survey.encounters import group_encounters
from ghostcat.survey.evidence import Detection, Failure, Individual, Media

DAY = timedelta(days=1)


def well(make):
    """A survey in which nothing is wrong."""
    stations = [make.station(f"S{n}", lon=131 + 0.05 * n, lat=43 + 0.03 * n) for n in range(5)]
    deployments = [
        make.deployment(f"S{n}{slot}", station=f"S{n}", slot=slot, camera_id=f"c{n}{slot}")
        for n in range(5)
        for slot in "AB"
    ]
    photos = [
        make.media(
            f"{one.id}-{n:04d}", deployment=one.id, minutes=300.0 * n, path=f"/c/{one.id}/IMG_{n:04d}.JPG"
        )
        for one in deployments
        for n in range(1, 4)
    ]
    return make.evidence(photos, stations=stations, deployments=deployments)


def change(evidence, part, key, **values):
    """The evidence with some fields of one row changed."""
    rows = tuple(replace(one, **values) if one.id == key else one for one in getattr(evidence, part))
    assert rows != getattr(evidence, part)
    return replace(evidence, **{part: rows})


def found(make, evidence, **more):
    return check_snapshot(make.snapshot(evidence, **more))


def test_nothing_is_found_where_nothing_is_wrong(make):
    assert found(make, well(make)) == []


def test_an_empty_survey_is_no_trouble(make):
    assert found(make, make.evidence(stations=[], deployments=[])) == []


T = datetime(2025, 4, 2, 12)

FAULTS = {
    "latitude out of range": (
        "coordinates_swapped",
        lambda e, make: change(e, "stations", "S3", lon=43.09, lat=131.15),
        "S3",
    ),
    "swapped but possible": (
        "coordinates_swapped",
        lambda e, make: replace(
            e,
            stations=tuple(
                replace(one, lon=87 + one.lon - 131) if one.id != "S3" else replace(one, lon=43.09, lat=87.15)
                for one in e.stations
            ),
        ),
        "S3",
    ),
    "metres": (
        "coordinates_out_of_range",
        lambda e, make: change(e, "stations", "S3", lon=668929.1, lat=4780789.3),
        "S3",
    ),
    "null island": (
        "coordinates_out_of_range",
        lambda e, make: change(e, "stations", "S3", lon=0.0, lat=0.0),
        "S3",
    ),
    "a wrong digit": (
        "station_far_from_others",
        lambda e, make: change(e, "stations", "S3", lat=48.09),
        "S3",
    ),
    "ends before start": (
        "deployment_ends_before_start",
        lambda e, make: change(e, "deployments", "S3A", start=make.start, end=make.start - DAY),
        "S3A",
    ),
    "one camera at two places": (
        "deployment_overlap",
        lambda e, make: change(e, "deployments", "S3A", camera_id="c2A"),
        "S3A",
    ),
    "two cameras in one slot": (
        "deployment_overlap",
        lambda e, make: change(e, "deployments", "S3B", slot="A"),
        "S3B",
    ),
    "photos after pick-up": (
        "photo_outside_deployment",
        lambda e, make: change(e, "deployments", "S3A", end=make.start + DAY),
        "S3A-0001",
    ),
    "a failure outside": (
        "failure_outside_deployment",
        lambda e, make: change(
            e, "deployments", "S3A", failures=(Failure(start=make.start - DAY, end=make.start + DAY / 2),)
        ),
        "S3A",
    ),
    "a failure that ends before it starts": (
        "failure_outside_deployment",
        lambda e, make: change(
            e, "deployments", "S3A", failures=(Failure(start=make.start + 9 * DAY, end=make.start + 8 * DAY),)
        ),
        "S3A",
    ),
    "photos while it was dead": (
        "photo_during_failure",
        lambda e, make: change(
            e, "deployments", "S3A", failures=(Failure(start=make.start, end=make.start + 9 * DAY),)
        ),
        "S3A-0002",
    ),
    "a camera without photos": (
        "deployment_without_photos",
        lambda e, make: replace(e, media=tuple(one for one in e.media if one.deployment_id != "S3A")),
        "S3A",
    ),
    "a station without cameras": (
        "station_without_deployment",
        lambda e, make: replace(e, stations=(*e.stations, make.station("S9", lon=131.1, lat=43.1))),
        "S9",
    ),
    "no zone": (
        "utc_offset_unknown",
        lambda e, make: change(e, "deployments", "S3A", utc_offset_minutes=None),
        "S3A",
    ),
    "a clock that fell back": (
        "clock_reset",
        lambda e, make: change(e, "media", "S3A-0002", camera_time=datetime(2000, 1, 1, 0, 5)),
        "S3A-0002",
    ),
    "a clock that went backwards": (
        "clock_jump",
        lambda e, make: change(e, "media", "S3A-0003", camera_time=T + timedelta(hours=2)),
        "S3A-0003",
    ),
    "a clock that leapt ahead": (
        "clock_jump",
        lambda e, make: change(e, "media", "S3A-0003", camera_time=T + 366 * DAY),
        "S3A-0003",
    ),
    "a source at odds with its files": (
        "clock_differs",
        lambda e, make: change(e, "media", "S3A-0003", exif_time=T + timedelta(hours=12)),
        "S3A-0003",
    ),
    "a photo that is gone": (
        "media_missing",
        lambda e, make: change(e, "media", "S3A-0002", state="missing", reason="no file"),
        "S3A-0002",
    ),
    "a photo that is broken": (
        "media_unreadable",
        lambda e, make: change(e, "media", "S3A-0002", state="unreadable", reason="truncated"),
        "S3A-0002",
    ),
    "a file that is no photo": (
        "media_unreadable",
        lambda e, make: change(e, "media", "S3A-0002", state="not_an_image"),
        "S3A-0002",
    ),
    "a photo without time": (
        "media_without_time",
        lambda e, make: change(e, "media", "S3A-0002", camera_time=None),
        "S3A-0002",
    ),
    "the same file twice": (
        "duplicate_photo",
        lambda e, make: change(e, "media", "S3A-0002", state="duplicate", duplicate_of="S3A-0001"),
        "S3A-0002",
    ),
    "a card copied twice": (
        "duplicate_photo",
        lambda e, make: change(e, "media", "S3B-0001", state="duplicate", duplicate_of="S3A-0001"),
        "S3B-0001",
    ),
    "a box in pixels": (
        "box_out_of_frame",
        lambda e, make: replace(
            e,
            detections=(
                Detection(
                    id="d1", media_id="S3A-0001", category="animal", origin="x", box=(10, 20, 300, 400)
                ),
                Detection(id="d2", media_id="S3A-0001", category="animal", origin="x", box=(0, 0, 1.001, 1)),
            ),
        ),
        "d1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found_and_only_it(make, fault):
    code, damage, key = FAULTS[fault]
    findings = found(make, damage(well(make), make))
    # A clock that is far off also dates its photo outside the deployment: that is a second fact.
    consequences = {
        "clock_reset": {"photo_outside_deployment", "clock_jump"},
        "clock_jump": {"photo_outside_deployment"},
    }
    codes = {one.code for one in findings}
    assert code in codes and codes <= {code} | consequences.get(code, set())
    (finding,) = (one for one in findings if one.code == code)
    assert key in finding.ids and key in finding.message
    assert finding.fix.endswith(".")


def test_every_check_has_a_fault_that_it_finds(make):
    silent = {check.__name__ for check in CHECKS}
    for _, damage, _ in FAULTS.values():
        snapshot = make.snapshot(damage(well(make), make))
        silent -= {check.__name__ for check in CHECKS if list(check(snapshot))}
    assert silent == {"check_idle_decisions"}  # its test is below: it needs decisions


def test_photos_that_wait_are_a_note(make):
    evidence = well(make)
    snapshot = make.snapshot(evidence)
    waiting = replace(snapshot.media["S3A-0001"], state="pending")
    (finding,) = check_snapshot(replace(snapshot, media={**snapshot.media, "S3A-0001": waiting}))
    assert (finding.code, finding.severity) == ("media_pending", "note")


def test_copies_within_a_deployment_are_a_note_and_across_a_warning(make):
    severity = {}
    for fault in ("the same file twice", "a card copied twice"):
        (finding,) = found(make, FAULTS[fault][1](well(make), make))
        severity[fault] = finding.severity
    assert severity == {"the same file twice": "note", "a card copied twice": "warning"}


def test_two_areas_with_names_of_their_own_are_not_far_from_each_other(make):
    evidence = well(make)
    here = tuple(replace(one, group="Khasan") for one in evidence.stations)
    there = tuple(
        replace(one, id=f"U{one.id}", lon=one.lon + 12, lat=one.lat + 5, group="Ussuri")
        for one in evidence.stations
    )
    far = replace(evidence, stations=here + there)
    assert {one.code for one in found(make, far)} == {"station_without_deployment"}
    nameless = replace(evidence, stations=(*evidence.stations, replace(there[0], group="")))
    assert "station_far_from_others" in {one.code for one in found(make, nameless)}


def test_cameras_that_follow_each_other_do_not_overlap(make):
    evidence = change(well(make), "deployments", "S3A", end=make.start + 40 * DAY)
    after = make.deployment("S3A-2", station="S3", slot="A", camera_id="c3A", start=make.start + 40 * DAY)
    photo = make.media("x", deployment="S3A-2", minutes=60 * 24 * 50)
    assert (
        found(
            make,
            replace(evidence, deployments=(*evidence.deployments, after), media=(*evidence.media, photo)),
        )
        == []
    )


def test_file_numbers_that_start_again_are_no_jump(make):
    numbers = [9998, 9999, 1, 2]
    photos = [
        make.media(f"p{place}", minutes=600.0 * place, path=f"/c/IMG_{number:04d}.JPG")
        for place, number in enumerate(numbers)
    ]
    assert found(make, make.evidence(photos)) == []
    photos[1] = replace(photos[1], camera_time=T - timedelta(hours=3))
    assert "clock_jump" in {one.code for one in found(make, make.evidence(photos))}


def test_an_hour_of_mixed_numbers_is_no_jump(make):
    evidence = change(well(make), "media", "S3A-0003", camera_time=T + timedelta(minutes=590))
    assert found(make, evidence) == []


def seen(make, *, hours: float, km: float = 10.0, name: str = ""):
    """One animal at two stations."""
    stations = [make.station("S1"), make.station("S2", lat=43.0 + km / 111.195)]
    deployments = [make.deployment("S1A"), make.deployment("S2A", station="S2")]
    photos = [make.media("a"), make.media("b", deployment="S2A", minutes=60 * hours)]
    evidence = make.evidence(photos, stations=stations, deployments=deployments)
    snapshot = make.snapshot(evidence)
    encounters = group_encounters(snapshot.media.values(), snapshot.deployments)
    animal = Individual(id="G001", name=name, encounter_ids=("a", "b"), left_media=("a", "b"), right_media=())
    return replace(snapshot, encounters=encounters, individuals={"G001": animal})


def test_an_animal_cannot_be_at_two_far_places_at_once(make):
    (finding,) = check_snapshot(seen(make, hours=0.75, name="Narva"))
    assert finding.code == "animal_in_two_places"
    assert "Narva" in finding.message and "10.0 km" in finding.message and "13 km/h" in finding.message
    assert finding.ids == ("G001", "a", "b")
    assert check_snapshot(seen(make, hours=1.1)) == []
    assert check_snapshot(seen(make, hours=0.75), max_speed_km_per_h=20) == []


def test_near_stations_and_doubtful_clocks_prove_nothing(make):
    assert check_snapshot(seen(make, hours=0, km=0.9)) == []
    assert check_snapshot(seen(make, hours=0, km=1.5)) == []  # 10 minutes of doubt
    assert len(check_snapshot(seen(make, hours=0, km=2))) == 1


def test_judgements_without_an_encounter_are_noted(make):
    snapshot = seen(make, hours=30)
    idle = make.decide("same", "a", "ghost", id=1)
    (finding,) = check_snapshot(replace(snapshot, decisions=(idle, make.decide("flank", "ghost", id=2))))
    assert finding.code == "decision_without_encounter" and finding.ids == ("ghost",)


def test_long_lists_are_cut_in_messages_but_not_in_ids(make):
    evidence = well(make)
    broken = replace(evidence, media=tuple(replace(one, state="unreadable") for one in evidence.media))
    (finding,) = (one for one in found(make, broken) if one.code == "media_unreadable")
    assert len(finding.ids) == 30 and "and 25 more" in finding.message


def test_a_damaged_database_is_an_error():
    (finding,) = check_database(["row 3 missing from index"], [], where="here")
    assert (finding.code, finding.severity) == ("database_damaged", "error")
    assert list(check_database([], [], where="here")) == []


def test_a_survey_lists_errors_first_and_takes_its_speed_from_the_settings(sqlite_survey, make):
    snapshot = seen(make, hours=0.75)
    media = [
        Media(id=one.id, deployment_id=one.deployment_id, path=one.path, camera_time=one.camera_time)
        for one in snapshot.media.values()
    ]
    deployments = [*snapshot.deployments.values(), make.deployment("S1B", slot="B", end=make.start - DAY)]
    sqlite_survey.add_evidence(
        make.evidence(media, stations=list(snapshot.stations.values()), deployments=deployments)
    )
    make.read(sqlite_survey)
    sqlite_survey.append([make.decide("same", "a", "b")])
    codes = [(one.severity, one.code) for one in sqlite_survey.check()]
    assert codes == [
        ("error", "deployment_ends_before_start"),
        ("warning", "deployment_without_photos"),
        ("warning", "animal_in_two_places"),
    ]
    sqlite_survey.set_setting("max_speed_km_per_h", 15)
    assert "animal_in_two_places" not in {one.code for one in sqlite_survey.check()}
