"""Encounter histories and effort, against cases worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.survey.effort import GAP, UNSTATED, effort_table
from ghostcat.survey.evidence import (
    Decision,
    Deployment,
    Detection,
    Encounter,
    Failure,
    Flank,
    Individual,
    Media,
    Snapshot,
    Station,
)
from ghostcat.survey.history import encounter_history, utm_crs
from ghostcat.survey.intervals import intersect, length, overlap_with_bins, subtract, union

PLUS_TEN = timezone(timedelta(hours=10))


def local(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """June 2025 at UTC+10."""
    return datetime(2025, 6, day, hour, minute, tzinfo=PLUS_TEN).astimezone(UTC)


def deployment(name: str, station: str, start: datetime, end: datetime, **more: object) -> Deployment:
    values: dict[str, object] = {"utc_offset_minutes": 600, "slot": "A"}
    return Deployment(id=name, station_id=station, start=start, end=end, **{**values, **more})  # type: ignore[arg-type]


def survey(
    deployments: list[Deployment],
    sightings: dict[str, list[tuple[str, datetime]]] | None = None,
    *,
    stations: tuple[str, ...] = ("S1", "S2"),
    decisions: tuple[Decision, ...] = (),
) -> Snapshot:
    """A survey in which each sighting is one encounter of one photo with a usable left flank."""
    media: dict[str, Media] = {}
    encounters: dict[str, Encounter] = {}
    individuals: dict[str, Individual] = {}
    for name, seen in (sightings or {}).items():
        ids = []
        for station, time in seen:
            photo = f"m{len(media)}"
            owner = next((d.id for d in deployments if d.station_id == station), "")
            media[photo] = Media(id=photo, deployment_id=owner, path=f"{photo}.JPG", time=time, state="ok")
            encounters[photo] = Encounter(
                id=photo, station_id=station, start=time, end=time, media_ids=(photo,)
            )
            ids.append(photo)
        individuals[name] = Individual(
            id=name, name=name.lower(), encounter_ids=tuple(ids), left_media=tuple(ids), right_media=()
        )
    return Snapshot(
        name="test",
        stations={s: Station(id=s, lon=131.0 + 0.1 * i, lat=43.0) for i, s in enumerate(stations)},
        cameras={},
        deployments={d.id: d for d in deployments},
        media=media,
        detections=tuple(
            Detection(id=f"d{m}", media_id=m, category="animal", origin="human:x") for m in media
        ),
        flanks={m: Flank(media_id=m, side="left", usable=True) for m in media},
        encounters=encounters,
        individuals=individuals,
        decisions=decisions,
        sources=(),
        synthetic=False,
        fingerprint="f",
    )


def codes(findings: tuple[object, ...]) -> dict[str, tuple[str, ...]]:
    return {f.code: f.ids for f in findings}  # type: ignore[attr-defined]


def test_usage_counts_fractions_of_local_days() -> None:
    snapshot = survey([deployment("a", "S1", local(1, 12), local(4, 6))])
    history = encounter_history(snapshot)
    assert history.occasions == (date(2025, 6, 1), date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4))
    # Noon to midnight, two full days, midnight to six in the morning.
    np.testing.assert_array_equal(history.usage, [[0.5, 1.0, 1.0, 0.25], [0.0, 0.0, 0.0, 0.0]])
    assert history.camera_days == 2.75
    assert history.dead_days == 0.0
    assert codes(history.left_out) == {"station_without_effort": ("S2",)}


def test_a_station_watches_while_one_of_its_cameras_works() -> None:
    stolen = Failure(start=local(2), end=local(4), cause="theft")
    snapshot = survey(
        [
            deployment("a", "S1", local(1), local(5), failures=(stolen,)),
            deployment("b", "S1", local(1), local(3, 12), slot="B"),
        ]
    )
    history = encounter_history(snapshot)
    # A works on days 1 and 4, B on days 1, 2 and half of 3.
    np.testing.assert_array_equal(history.usage[0], [1.0, 1.0, 0.5, 1.0])
    assert history.camera_days == 2.0 + 2.5
    assert history.dead_days == 2.0
    assert history.dead_causes == {"theft": 2.0}
    station, camera_a, camera_b, idle = effort_table(snapshot)
    assert (station.working_days, station.dead_days, station.cameras) == (3.5, 0.5, 2)
    assert (camera_a.camera, camera_a.working_days, camera_a.dead_days) == ("A", 2.0, 2.0)
    assert (camera_b.working_days, camera_b.dead_days, dict(camera_b.causes)) == (2.5, 0.0, {})
    assert (idle.station_id, idle.working_days, idle.cameras) == ("S2", 0.0, 0)


def test_overlapping_failures_are_not_counted_twice() -> None:
    failures = (
        Failure(start=local(2), end=local(4), cause="flooded"),
        Failure(start=local(3), end=local(5)),
        Failure(start=local(9), end=local(30), cause="battery"),
    )
    snapshot = survey([deployment("a", "S1", local(1), local(11), failures=failures)])
    history = encounter_history(snapshot)
    assert history.camera_days == 5.0
    assert history.dead_causes == {"battery": 2.0, "flooded": 2.0, UNSTATED: 1.0}


def test_the_gap_between_two_deployments_of_one_slot_is_dead_time() -> None:
    snapshot = survey(
        [
            deployment("a1", "S1", local(1), local(3)),
            deployment("a2", "S1", local(5), local(8)),
            deployment("b", "S1", local(1), local(2), slot="B"),
        ]
    )
    history = encounter_history(snapshot)
    np.testing.assert_array_equal(history.usage[0], [1, 1, 0, 0, 1, 1, 1])
    assert history.dead_causes == {GAP: 2.0}
    assert effort_table(snapshot)[0].dead_days == 2.0


def test_the_rest_between_two_seasons_is_not_dead_time() -> None:
    next_year = [
        deployment("a2", "S1", local(1) + timedelta(days=300), local(3) + timedelta(days=300)),
        deployment("c2", "S2", local(1) + timedelta(days=300), local(3) + timedelta(days=300)),
    ]
    snapshot = survey([deployment("a1", "S1", local(1), local(3)), *next_year])
    assert encounter_history(snapshot).dead_days == 0.0


def test_captures_are_counted_in_local_days() -> None:
    # 23:30 and 00:30 local time are one hour apart but two days; in UTC they are one day.
    snapshot = survey(
        [deployment("a", "S1", local(1), local(4)), deployment("b", "S2", local(1), local(4))],
        {"G001": [("S1", local(1, 23, 30)), ("S1", local(2, 0, 30)), ("S2", local(3, 5))]},
    )
    history = encounter_history(snapshot)
    assert [(c.station, c.occasion) for c in history.captures] == [(0, 0), (0, 1), (1, 2)]
    np.testing.assert_array_equal(history.counts(), [[2, 1]])
    np.testing.assert_array_equal(history.station_days, [3.0, 3.0])
    table = history.table()
    assert list(table["occasion"]) == [1, 2, 3]
    assert list(table["station"]) == ["S1", "S1", "S2"]


def test_the_local_day_is_that_of_the_median_offset() -> None:
    snapshot = survey(
        [
            deployment("a", "S1", local(1), local(3)),
            deployment("b", "S2", local(1), local(3), utc_offset_minutes=480),
            deployment("c", "S2", local(1), local(3), utc_offset_minutes=480, slot="B"),
            deployment("d", "S2", local(1), local(3), utc_offset_minutes=None, slot="C"),
        ]
    )
    history = encounter_history(snapshot)
    assert history.utc_offset_minutes == 480
    # Midnight at UTC+10 is 22 h of the day before at UTC+8.
    assert history.occasions[0] == date(2025, 5, 31)
    np.testing.assert_allclose(history.usage[0], [2 / 24, 1.0, 22 / 24], rtol=0, atol=1e-15)
    assert "several_utc_offsets" in codes(history.left_out)


def test_an_unknown_offset_is_said() -> None:
    history = encounter_history(survey([deployment("a", "S1", local(1), local(2), utc_offset_minutes=None)]))
    assert history.utc_offset_minutes == 0
    assert "utc_offset_unknown" in codes(history.left_out)


def test_long_occasions_and_a_chosen_period() -> None:
    snapshot = survey(
        [deployment("a", "S1", local(1), local(20))],
        {"G001": [("S1", local(1, 5)), ("S1", local(4, 5)), ("S1", local(12, 5))]},
    )
    history = encounter_history(snapshot, occasion_days=5, start=date(2025, 6, 3), end=date(2025, 6, 14))
    assert history.occasions == (date(2025, 6, 3), date(2025, 6, 8), date(2025, 6, 13))
    np.testing.assert_array_equal(history.usage[0], [5.0, 5.0, 2.0])
    assert [c.occasion for c in history.captures] == [0, 1]
    assert codes(history.left_out)["outside_period"] == ("m0",)
    assert history.camera_days == 12.0


def test_a_capture_without_effort_is_left_out_and_said() -> None:
    broken = (Failure(start=local(2), end=local(3), cause="snow"),)
    snapshot = survey(
        [deployment("a", "S1", local(1), local(6), failures=broken)],
        {"G001": [("S1", local(2, 12)), ("S1", local(4))], "G002": [("S1", local(2, 1))]},
    )
    history = encounter_history(snapshot)
    assert history.animals == ("G001",)
    assert [c.encounter_id for c in history.captures] == ["m1"]
    said = [f for f in history.left_out if f.code == "capture_without_effort"]
    assert [f.ids for f in said] == [("m0", "G001"), ("m2", "G002")]
    assert said[0].where == "station S1"
    assert codes(history.left_out)["animal_without_capture"] == ("G002",)


def test_the_photo_taken_at_pick_up_belongs_to_the_day_that_was_watched() -> None:
    snapshot = survey(
        [deployment("a", "S1", local(1), local(3)), deployment("b", "S2", local(1), local(5))],
        {"G001": [("S1", local(3))]},
    )
    (capture,) = encounter_history(snapshot).captures
    assert capture.occasion == 1


def test_an_encounter_counts_from_the_first_photo_that_effort_accounts_for() -> None:
    snapshot = survey([deployment("a", "S1", local(2), local(5))], {"G001": [("S1", local(1, 23, 50))]})
    late = Media(id="late", deployment_id="a", path="late.JPG", time=local(2, 0, 5), state="ok")
    encounter = replace(snapshot.encounters["m0"], media_ids=("m0", "late"), end=late.time)
    snapshot = replace(snapshot, media={**snapshot.media, "late": late}, encounters={"m0": encounter})
    (capture,) = encounter_history(snapshot, start=date(2025, 6, 1)).captures
    assert (capture.time, capture.occasion) == (late.time, 1)


def test_exclusion_stands_until_it_is_undone_and_again_when_the_undo_is_undone() -> None:
    deployments = [deployment("a", "S1", local(1), local(6))]
    sightings = {"G001": [("S1", local(2)), ("S1", local(4))]}
    log = (
        Decision(kind="exclude", actor="p", actor_kind="person", media_a="m0", value="cub", id=1),
        Decision(kind="undo", actor="p", actor_kind="person", undoes=1, id=2),
        Decision(kind="undo", actor="p", actor_kind="person", undoes=2, id=3),
    )
    for count, captured in ((1, 1), (2, 2), (3, 1)):
        history = encounter_history(survey(deployments, sightings, decisions=log[:count]))
        assert len(history.captures) == captured
        assert codes(history.left_out).get("encounter_excluded") == (None if captured == 2 else ("m0",))


def test_an_excluded_deployment_takes_its_effort_and_its_photos_with_it() -> None:
    log = (Decision(kind="exclude", actor="p", actor_kind="person", deployment_id="b", value="baited", id=1),)
    snapshot = survey(
        [deployment("a", "S1", local(1), local(6)), deployment("b", "S2", local(1), local(6))],
        {"G001": [("S1", local(2)), ("S2", local(3))]},
        decisions=log,
    )
    history = encounter_history(snapshot)
    np.testing.assert_array_equal(history.station_days, [5.0, 0.0])
    assert [c.encounter_id for c in history.captures] == ["m0"]
    found = codes(history.left_out)
    assert found["deployment_excluded"] == ("b",)
    assert found["encounter_excluded"] == ("m1",)


def test_uncounted_halves_and_encounters_without_identity_are_listed() -> None:
    snapshot = survey(
        [deployment("a", "S1", local(1), local(9))],
        {"G001": [("S1", local(2))], "G002": [("S1", local(3))], "x": [("S1", local(4)), ("S1", local(5))]},
    )
    individuals = {
        "G001": snapshot.individuals["G001"],
        "G002": replace(snapshot.individuals["G002"], counted=False),
    }
    flanks = {**snapshot.flanks, "m3": Flank(media_id="m3", side="unknown", usable=False, reason="dark")}
    unseen = Media(id="m9", deployment_id="a", path="m9.JPG", time=local(6), state="ok")
    encounters = {
        **snapshot.encounters,
        "m9": Encounter(id="m9", station_id="S1", start=local(6), end=local(6), media_ids=("m9",)),
    }
    snapshot = replace(
        snapshot,
        individuals=individuals,
        flanks=flanks,
        encounters=encounters,
        media={**snapshot.media, "m9": unseen},
    )
    history = encounter_history(snapshot)
    assert history.animals == ("G001",)
    found = codes(history.left_out)
    assert found["half_identity_not_counted"] == ("G002",)
    assert found["unresolved_encounter"] == ("m2",)
    assert found["no_usable_flank"] == ("m3",)
    assert found["not_examined"] == ("m9",)
    seen = {**flanks, "m9": Flank(media_id="m9", side="unknown", usable=False, reason="no_animal")}
    again = codes(encounter_history(replace(snapshot, flanks=seen)).left_out)
    assert again["no_animal_seen"] == ("m9",)


def test_a_group_takes_only_its_stations() -> None:
    snapshot = survey(
        [deployment("a", "S1", local(1), local(4)), deployment("b", "S2", local(1), local(4))],
        {"G001": [("S1", local(2))], "G002": [("S2", local(2))]},
    )
    stations = {
        "S1": replace(snapshot.stations["S1"], group="RU"),
        "S2": replace(snapshot.stations["S2"], group="CN"),
    }
    snapshot = replace(snapshot, stations=stations)
    history = encounter_history(snapshot, group="CN")
    assert (history.stations, history.animals, history.groups) == (("S2",), ("G002",), ("CN",))
    with pytest.raises(ParameterError, match=r"group 'JP'.* CN, RU"):
        encounter_history(snapshot, group="JP")


def test_positions_are_metres_in_the_zone_of_the_stations() -> None:
    snapshot = survey([deployment("a", "S1", local(1), local(4))])
    history = encounter_history(snapshot)
    assert history.crs == "EPSG:32652"
    # UTM zone 52 has its central meridian at 129° E; 0.1° of longitude at 43° N is
    # 0.1 · π/180 · 6 378 137 · cos φ / sqrt(1 − e² sin² φ) = 8 154 m on the ellipsoid.
    assert np.linalg.norm(history.xy_m[1] - history.xy_m[0]) == pytest.approx(8154, abs=5)
    other = encounter_history(snapshot, crs="EPSG:32653")
    assert other.crs == "EPSG:32653"
    with pytest.raises(ParameterError, match="not in metres"):
        encounter_history(snapshot, crs="EPSG:4326")
    with pytest.raises(ParameterError, match="not a coordinate system"):
        encounter_history(snapshot, crs="nonsense")


def test_the_zone_is_right_on_both_hemispheres_and_across_the_date_line() -> None:
    assert utm_crs([31.6], [-27.5]) == "EPSG:32736"
    assert utm_crs([179.9, -179.7], [66.0, 66.0]) == "EPSG:32601"
    assert utm_crs([180.0], [10.0]) == "EPSG:32660"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"occasion_days": 0}, "occasion_days is 0"),
        ({"start": date(2025, 7, 1)}, "ends on 2025-06-03, before it starts on 2025-07-01"),
    ],
)
def test_impossible_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        encounter_history(survey([deployment("a", "S1", local(1), local(4))]), **arguments)  # type: ignore[arg-type]


def test_a_survey_without_deployments_has_an_empty_history() -> None:
    history = encounter_history(survey([], {}))
    assert history.usage.shape == (2, 0)
    assert history.occasions == ()
    assert history.captures == ()
    nothing = encounter_history(survey([], {}, stations=()))
    assert nothing.xy_m.shape == (0, 2)


def test_a_backward_deployment_gives_no_effort_and_is_said() -> None:
    history = encounter_history(
        survey([deployment("a", "S1", local(4), local(1)), deployment("b", "S2", local(1), local(2))])
    )
    assert history.camera_days == 1.0
    assert codes(history.left_out)["deployment_without_duration"] == ("a",)


spans = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=12)


def cells(intervals: list[tuple[int, int]]) -> set[int]:
    return {c for start, end in intervals for c in range(start, end)}


@given(spans, spans)
@settings(max_examples=200, deadline=None)
def test_interval_algebra_is_set_algebra(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    assert cells(union(first)) == cells(first)
    assert cells(subtract(first, second)) == cells(first) - cells(second)
    assert cells(intersect(first, second)) == cells(first) & cells(second)
    edges = np.arange(0, 211, 10)
    bins = overlap_with_bins(union(first), edges)
    assert bins.sum() == length(union(first)) == len(cells(first))
    assert bins.max(initial=0) <= 10


hours = st.integers(0, 24 * 40)


@given(
    st.lists(
        st.tuples(st.sampled_from(["S1", "S2"]), st.sampled_from("AB"), hours, hours, hours, hours),
        max_size=6,
    ),
    st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_effort_adds_up_however_it_is_cut(
    rows: list[tuple[str, str, int, int, int, int]], occasion_days: int
) -> None:
    deployments = [
        deployment(
            f"d{i}",
            station,
            local(1) + timedelta(hours=start),
            local(1) + timedelta(hours=start + duration + 1),
            slot=slot,
            failures=(
                Failure(
                    start=local(1) + timedelta(hours=start + after),
                    end=local(1) + timedelta(hours=start + after + lost),
                ),
            ),
        )
        for i, (station, slot, start, duration, after, lost) in enumerate(rows)
    ]
    snapshot = survey(deployments)
    whole = encounter_history(snapshot)
    cut = encounter_history(snapshot, occasion_days=occasion_days)
    np.testing.assert_allclose(whole.station_days, cut.station_days, rtol=0, atol=1e-9)
    assert cut.usage.max(initial=0.0) <= occasion_days + 1e-9
    table = effort_table(snapshot)
    by_station = [row.working_days for row in table if row.level == "station"]
    np.testing.assert_allclose(whole.station_days, by_station, rtol=0, atol=1e-9)
    by_camera = [row for row in table if row.level == "camera"]
    assert sum(r.working_days for r in by_camera) == pytest.approx(whole.camera_days)
    assert sum(sum(r.causes.values()) for r in by_camera) == pytest.approx(whole.dead_days)
    assert whole.camera_days >= whole.station_days.sum() - 1e-9
