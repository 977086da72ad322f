"""Rows of the tables of an exported Camtrap DP package.

What the standard has no field for goes into tags (`camera:A`, `flank:left`) or into tables of our
own, so that the three standard tables stay valid.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ghostcat.formats.camtrap_dp_deployments import tags
from ghostcat.formats.camtrap_dp_photos import media_type
from ghostcat.formats.sightings import display_name, identified_photos
from ghostcat.formats.text_output import Cell
from ghostcat.survey.evidence import (
    Camera,
    Deployment,
    Detection,
    Encounter,
    FlankSide,
    Individual,
    Media,
    Snapshot,
)

if TYPE_CHECKING:
    from frictionless import Schema

__all__ = [
    "covariate_rows",
    "deployment_rows",
    "failure_rows",
    "individual_rows",
    "is_complete",
    "media_rows",
    "observation_rows",
    "stamp",
    "station_rows",
    "table_schema",
]

Row = dict[str, Cell]

_STANDARD_COVARIATES = (
    "habitat",
    "featureType",
    "baitUse",
    "cameraDelay",
    "cameraDepth",
    "cameraTilt",
    "detectionDistance",
    "coordinateUncertainty",
)
_TYPES = {"animal": "animal", "person": "human", "vehicle": "vehicle", "empty": "blank", "unknown": "unknown"}
_LIFE_STAGES = frozenset({"adult", "subadult", "juvenile"})


@cache
def table_schema(table: str) -> Mapping[str, Any]:
    """The standard's schema of a table, from the copy that comes with ghostcat."""
    from importlib import resources

    folder = resources.files("ghostcat.formats") / "schemas" / "camtrap-dp-1.0"
    loaded: Mapping[str, Any] = json.loads(
        (folder / f"{table}-table-schema.json").read_text(encoding="utf-8")
    )
    return loaded


def stamp(moment: datetime, offset_minutes: int | None) -> str:
    """ISO 8601 with the offset of the camera's clock; whole seconds, as the standard has it.

    >>> stamp(datetime(2025, 6, 1, tzinfo=UTC), 600), stamp(datetime(2025, 6, 1, tzinfo=UTC), None)
    ('2025-06-01T10:00:00+10:00', '2025-06-01T00:00:00Z')
    """
    if offset_minutes is None:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment.astimezone(timezone(timedelta(minutes=offset_minutes))).isoformat(timespec="seconds")


def is_complete(media: Media, snapshot: Snapshot) -> bool:
    """Has a photo what the standard requires: a time and a deployment?"""
    return media.time is not None and media.deployment_id in snapshot.deployments


def deployment_rows(snapshot: Snapshot) -> list[Row]:
    """Rows of `deployments.csv`."""
    return [_deployment(d, snapshot) for d in snapshot.deployments.values()]


def _deployment(deployment: Deployment, snapshot: Snapshot) -> Row:
    station = snapshot.stations[deployment.station_id]
    camera = snapshot.cameras.get(deployment.camera_id, Camera(id=""))
    offset = deployment.utc_offset_minutes
    height, facing = deployment.height_m, deployment.facing_deg
    row: Row = {
        "deploymentID": deployment.id,
        "locationID": station.id,
        "locationName": station.name,
        "latitude": station.lat,
        "longitude": station.lon,
        "deploymentStart": stamp(deployment.start, offset),
        "deploymentEnd": stamp(deployment.end, offset),
        "setupBy": deployment.setup_by,
        "cameraID": deployment.camera_id,
        "cameraModel": f"{camera.make}-{camera.model}" if camera.model else camera.make,
        "cameraHeight": height if height is not None and height >= 0 else None,
        "cameraHeading": round(facing) if facing is not None and 0 <= facing <= 360 else None,
        "timestampIssues": offset is None,
        "deploymentGroups": _groups(station.group, str(deployment.covariates.get("deploymentGroups", ""))),
        "deploymentTags": _slot_tags(deployment),
        "deploymentComments": deployment.comments,
    }
    row.update(_standard_covariates(deployment))
    return row


def _groups(group: str, noted: str) -> str:
    """The group in a form that gives the same group when it is read: as noted, plain or with a key."""
    for text in (noted, group):
        if (tags(text).get("country") or text) == group:
            return text
    return f"country:{group}"


def _slot_tags(deployment: Deployment) -> str:
    noted = str(deployment.covariates.get("deploymentTags", ""))
    slot = deployment.slot.replace("|", "/")
    if tags(noted).get("camera", "") == slot:
        return noted
    kept = [t for t in _split(noted) if not t.startswith("camera:")]
    return " | ".join([f"camera:{slot}", *kept] if slot else kept)


def _standard_covariates(deployment: Deployment) -> Row:
    """Covariates that are fields of the standard and keep to its types and vocabularies."""
    schema = _schema("deployments")
    found: Row = {}
    for name in _STANDARD_COVARIATES:
        value = deployment.covariates.get(name)
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        if text and not schema.get_field(name).read_cell(text)[1]:
            found[name] = text
    return found


def covariate_rows(snapshot: Snapshot) -> list[Row]:
    """Rows of `deployment-covariates.csv`: what the standard table could not take."""
    rows: list[Row] = []
    for d in snapshot.deployments.values():
        written = {*_standard_covariates(d), "deploymentTags", "deploymentGroups"}
        more: dict[str, object] = {k: v for k, v in d.covariates.items() if k not in written}
        if d.facing_deg is not None and d.facing_deg != round(d.facing_deg):
            more["facing_deg"] = d.facing_deg
        rows += [
            {
                "deploymentID": d.id,
                "name": name,
                "value": v if isinstance(v, str) else json.dumps(v, default=str),
            }
            for name, v in sorted(more.items())
        ]
    return rows


@cache
def _schema(table: str) -> Schema:
    from frictionless import Schema

    return Schema.from_descriptor(dict(table_schema(table)))


def station_rows(snapshot: Snapshot) -> list[Row]:
    """Rows of `stations.csv`, with the stations that never had a camera."""
    return [
        {
            "stationID": s.id,
            "name": s.name,
            "latitude": s.lat,
            "longitude": s.lon,
            "group": s.group,
            "covariates": json.dumps(dict(s.covariates), ensure_ascii=False, sort_keys=True, default=str),
        }
        for s in snapshot.stations.values()
    ]


def failure_rows(snapshot: Snapshot) -> list[Row]:
    """Rows of `deployment-failures.csv`."""
    return [
        {
            "deploymentID": d.id,
            "start": stamp(f.start, d.utc_offset_minutes),
            "end": stamp(f.end, d.utc_offset_minutes),
            "cause": f.cause,
        }
        for d in snapshot.deployments.values()
        for f in d.failures
    ]


def individual_rows(snapshot: Snapshot) -> list[Row]:
    """Rows of `individuals.csv`."""
    rows: list[Row] = []
    for animal in snapshot.individuals.values():
        seen = [snapshot.encounters[name] for name in animal.encounter_ids if name in snapshot.encounters]
        times = sorted(e.start for e in seen)
        rows.append(
            {
                "individualID": display_name(animal),
                "ghostcatID": animal.id,
                "name": animal.name,
                "sex": animal.sex,
                "counted": animal.counted,
                "joined": animal.joined,
                "sightings": len(seen),
                "firstSeen": stamp(times[0], None) if times else "",
                "lastSeen": stamp(times[-1], None) if times else "",
                "leftPhoto": next(iter(animal.left_media), ""),
                "rightPhoto": next(iter(animal.right_media), ""),
            }
        )
    return rows


def media_rows(media: Iterable[Media], places: Mapping[str, str], snapshot: Snapshot) -> list[Row]:
    """Rows of `media.csv`, or of the table of incomplete media."""
    best = {
        photo
        for animal in snapshot.individuals.values()
        for photo in (*animal.left_media[:1], *animal.right_media[:1])
    }
    rows: list[Row] = []
    for photo in media:
        deployment = snapshot.deployments.get(photo.deployment_id)
        offset = deployment.utc_offset_minutes if deployment else None
        rows.append(
            {
                "mediaID": photo.id,
                "deploymentID": photo.deployment_id,
                "captureMethod": "activityDetection",
                "timestamp": stamp(photo.time, offset) if photo.time else "",
                "filePath": places[photo.id],
                "filePublic": False,
                "fileName": PurePath(photo.path).name,
                "fileMediatype": media_type(photo.path),
                "exifData": _clock_as_shown(photo, offset),
                "favorite": photo.id in best,
                "mediaComments": _state(photo),
            }
        )
    return rows


def _clock_as_shown(photo: Media, offset_minutes: int | None) -> str:
    """The camera's own clock, where the time was corrected or nobody knows the offset."""
    if photo.camera_time is None:
        return ""
    if photo.time is not None:
        shown = photo.time.astimezone(UTC).replace(tzinfo=None) + timedelta(minutes=offset_minutes or 0)
        if shown == photo.camera_time:
            return ""
    return json.dumps({"EXIF": {"DateTimeOriginal": photo.camera_time.strftime("%Y:%m:%d %H:%M:%S")}})


def _state(photo: Media) -> str:
    if photo.state in ("ok", "pending"):
        return ""
    reason = photo.duplicate_of if photo.state == "duplicate" else photo.reason
    return f"{photo.state}: {reason}" if reason else photo.state


@dataclass(frozen=True)
class _Context:
    snapshot: Snapshot
    animals: Mapping[str, Individual]
    encounters: Mapping[str, Encounter]
    events: Mapping[tuple[str, str], tuple[datetime, datetime]]


def observation_rows(snapshot: Snapshot, media_ids: Sequence[str]) -> list[Row]:
    """Rows of `observations.csv` for these photos, one per detection.

    A photo on which an animal was recognised but nobody had marked one gets a row of its own.
    """
    wanted = set(media_ids)
    encounters = {m: e for e in snapshot.encounters.values() for m in e.media_ids}
    context = _Context(
        snapshot=snapshot,
        animals=identified_photos(snapshot),
        encounters=encounters,
        events=_event_spans(snapshot, encounters),
    )
    detections = [d for d in snapshot.detections if d.media_id in wanted]
    shown = {d.media_id for d in detections if d.category == "animal"}
    taken = {d.id for d in snapshot.detections}
    for media_id in media_ids:
        flank = snapshot.flanks.get(media_id)
        if media_id in shown or not (media_id in context.animals or (flank and flank.usable)):
            continue
        name = f"{media_id}-animal"
        while name in taken:
            name += "-2"
        taken.add(name)
        engine = flank.engine if flank and flank.engine else "ghostcat"
        box = flank.box if flank else None
        detections.append(Detection(id=name, media_id=media_id, category="animal", origin=engine, box=box))
    return [_observation(d, context) for d in detections]


def _event_spans(
    snapshot: Snapshot, encounters: Mapping[str, Encounter]
) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for photo in snapshot.media.values():
        if photo.time is not None:
            key = (photo.deployment_id, _event(photo, encounters))
            first, last = spans.get(key, (photo.time, photo.time))
            spans[key] = (min(first, photo.time), max(last, photo.time))
    return spans


def _event(photo: Media, encounters: Mapping[str, Encounter]) -> str:
    """The event that the source named, else our encounter."""
    if photo.source_event or photo.id not in encounters:
        return photo.source_event
    return encounters[photo.id].id


def _observation(detection: Detection, context: _Context) -> Row:
    photo = context.snapshot.media[detection.media_id]
    deployment = context.snapshot.deployments.get(photo.deployment_id)
    offset = deployment.utc_offset_minutes if deployment else None
    event = _event(photo, context.encounters)
    # Photos without an event are each their own: their shared empty name spans nothing.
    span = context.events.get((photo.deployment_id, event)) if event else None
    first, last = span or (photo.time, photo.time)
    is_animal = detection.category == "animal"
    animal = context.animals.get(photo.id) if is_animal else None
    method, by = _classified(detection.origin)
    row: Row = {
        "observationID": detection.id,
        "deploymentID": photo.deployment_id,
        "mediaID": photo.id,
        "eventID": event,
        "eventStart": stamp(first, offset) if first else "",
        "eventEnd": stamp(last, offset) if last else "",
        "observationLevel": "media",
        "observationType": _TYPES[detection.category],
        "scientificName": detection.species,
        "count": detection.count if detection.count else None,
        "lifeStage": detection.life_stage if detection.life_stage in _LIFE_STAGES else "",
        "sex": detection.sex or (animal.sex if animal else ""),
        "individualID": display_name(animal) if animal else detection.individual_label,
        "classificationMethod": method,
        "classifiedBy": by,
        "classificationProbability": _probability(detection.confidence),
        "observationTags": _tags(detection, _side(detection, context) if is_animal else detection.flank),
    }
    row.update(_box(detection))
    return row


def _side(detection: Detection, context: _Context) -> FlankSide:
    flank = context.snapshot.flanks.get(detection.media_id)
    return detection.flank if flank is None or flank.side == "unknown" else flank.side


def _tags(detection: Detection, side: FlankSide) -> str:
    """The tags that the source gave, word for word unless the flank has become another one."""
    noted = _split(detection.tags)
    flanks = [t for t in noted if t.partition(":")[0].strip().casefold() == "flank"]
    said = {t.partition(":")[2].strip().casefold() for t in flanks} - {"unknown"}
    ours = [] if side == "unknown" else [f"flank:{side}"]
    if detection.life_stage and detection.life_stage not in _LIFE_STAGES:
        stage = f"lifeStage:{detection.life_stage.replace('|', '/')}"
        ours += [] if stage in noted else [stage]
    if said == ({side} - {"unknown"}):
        ours = [t for t in ours if not t.startswith("flank:")]
        return " | ".join([t for t in (detection.tags, *ours) if t])
    return " | ".join([*ours, *(t for t in noted if t not in flanks)])


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _classified(origin: str) -> tuple[str, str]:
    """Method and name of who classified, from `human:field team`, `megadetector 5.0` or `unknown`."""
    kind, colon, name = origin.partition(":")
    if kind == "human":
        return "human", name if colon else ""
    if origin in ("", "unknown"):
        return "", ""
    return "machine", "" if origin == "machine" else origin


def _probability(confidence: float | None) -> float | None:
    return confidence if confidence is not None and 0.0 <= confidence <= 1.0 else None


def _box(detection: Detection) -> Row:
    if detection.box is None:
        return {}
    x, y, width, height = detection.box
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < width <= 1 and 0 < height <= 1):
        return {}
    return {"bboxX": x, "bboxY": y, "bboxWidth": width, "bboxHeight": height}
