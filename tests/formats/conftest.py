"""A small survey worked out by hand, with names that are hard to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ghostcat.survey.evidence import (
    Camera,
    Decision,
    Deployment,
    Detection,
    Encounter,
    Failure,
    Flank,
    Individual,
    Media,
    Snapshot,
    Source,
    Station,
)

PLUS_TEN = timezone(timedelta(hours=10))


def local(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """June 2025 at UTC+10."""
    return datetime(2025, 6, day, hour, minute, tzinfo=PLUS_TEN).astimezone(UTC)


@pytest.fixture
def small_survey() -> Snapshot:
    """Two stations that watched and one that did not, two counted animals and a half-identity.

    | encounter | station | local time    | animals          | photos                |
    |-----------|---------|---------------|------------------|-----------------------|
    | p1        | S 1     | 2 June 05:00  | Лео, "Q" (left)  | p1 (left), p2 (right) |
    | p3        | S 1     | 4 June 23:30  | Лео (left)       | p3                    |
    | p4        | Ручей,2 | 5 June 06:00  | Лео (right)      | p4                    |
    | p5        | Ручей,2 | 3 June 12:00  | G002 (left)      | p5                    |
    | p6        | Ручей,2 | 3 June 20:00  | G003, a half     | p6                    |
    """
    stations = (
        Station(id="S 1", lon=131.05, lat=43.0, name='the "ridge"', group="RU", covariates={"slope": "12.5"}),
        Station(id="Ручей,2", lon=131.1, lat=43.05, name="ручей\nу моста", group="RU"),
        Station(id="S_3", lon=131.2, lat=43.1, group="CN"),
    )
    deployments = (
        Deployment(
            id="d1",
            station_id="S 1",
            start=local(1, 12),
            end=local(6),
            camera_id="cam/1",
            slot="A",
            utc_offset_minutes=600,
            failures=(Failure(start=local(3), end=local(4, 12), cause="battery, cold"),),
            height_m=0.45,
            facing_deg=270.0,
            setup_by="Ольга",
            comments='says "hello"; then\nleaves',
        ),
        Deployment(
            id="d2", station_id="Ручей,2", start=local(1), end=local(6), slot="A", utc_offset_minutes=600
        ),
        Deployment(
            id="d3", station_id="Ручей,2", start=local(2), end=local(6), slot="B", utc_offset_minutes=600
        ),
    )
    times = {
        "p1": ("d1", local(2, 5)),
        "p2": ("d1", local(2, 5, 1)),
        "p3": ("d1", local(4, 23, 30)),
        "p4": ("d2", local(5, 6)),
        "p5": ("d3", local(3, 12)),
        "p6": ("d3", local(3, 20)),
    }
    media = {
        name: Media(
            id=name,
            deployment_id=deployment,
            path=f"photos/{deployment}/IMG {name}.JPG",
            camera_time=time.astimezone(PLUS_TEN).replace(tzinfo=None),
            time=time,
            state="ok",
            sha256=name * 32,
            size_bytes=1000,
            width_px=1920,
            height_px=1080,
            infrared=False,
        )
        for name, (deployment, time) in times.items()
    }
    sides = {"p1": "left", "p2": "right", "p3": "left", "p4": "right", "p5": "left", "p6": "right"}
    detections = tuple(
        Detection(
            id=f"o{name}",
            media_id=name,
            category="animal",
            origin="human:field team",
            species="Panthera pardus",
            box=(0.25, 0.25, 0.5, 0.5) if name == "p1" else None,
            confidence=0.875 if name == "p1" else None,
            count=1,
            sex="male" if name == "p1" else "",
        )
        for name in times
    )
    visits = {"p1": ("p1", "p2"), "p3": ("p3",), "p4": ("p4",), "p5": ("p5",), "p6": ("p6",)}
    stations_of = {d.id: d.station_id for d in deployments}
    encounters = {
        name: Encounter(
            id=name,
            station_id=stations_of[times[name][0]],
            start=times[photos[0]][1],
            end=times[photos[-1]][1],
            media_ids=photos,
        )
        for name, photos in visits.items()
    }
    individuals = (
        Individual(
            id="G001",
            name="Лео 1, старый",
            encounter_ids=("p1", "p3", "p4"),
            left_media=("p1", "p3"),
            right_media=("p2", "p4"),
            sex="male",
            joined=True,
        ),
        Individual(id="G002", name="", encounter_ids=("p5",), left_media=("p5",), right_media=()),
        Individual(
            id="G003", name="", encounter_ids=("p6",), left_media=(), right_media=("p6",), counted=False
        ),
    )
    decisions = (
        Decision(
            kind="name",
            actor="Ольга",
            actor_kind="person",
            media_a="p1",
            side_a="left",
            value="Лео 1, старый",
            shown={"photos": ["p1"]},
            id=1,
            made_at=datetime(2025, 7, 1, 9, tzinfo=UTC),
        ),
        Decision(kind="exclude", actor="Ольга", actor_kind="person", media_a="p3", value="=cub?", id=2),
        Decision(kind="undo", actor="Ольга", actor_kind="person", undoes=2, id=3),
    )
    return Snapshot(
        name='Хасан "2025"',
        stations={s.id: s for s in stations},
        cameras={"cam/1": Camera(id="cam/1", make="Reconyx", model="HF2-X", serial="H1")},
        deployments={d.id: d for d in deployments},
        media=media,
        detections=detections,
        flanks={
            name: Flank(media_id=name, side=side, usable=True, engine="rootsift 1")  # type: ignore[arg-type]
            for name, side in sides.items()
        },
        encounters=encounters,
        individuals={i.id: i for i in individuals},
        decisions=decisions,
        sources=(Source(id="src", kind="folder", name="card", location="card", fingerprint="0"),),
        synthetic=True,
        fingerprint="0123456789abcdef0123",
    )
