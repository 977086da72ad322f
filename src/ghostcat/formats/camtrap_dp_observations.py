"""Observations of a Camtrap DP package, on one photo or on all photos of an event."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ghostcat.formats.camtrap_dp_descriptor import Package
from ghostcat.formats.camtrap_dp_media import PackageMedia
from ghostcat.formats.columns import Columns
from ghostcat.formats.moments import moment
from ghostcat.formats.numbers import parse_number
from ghostcat.formats.spelling import id_text
from ghostcat.survey.evidence import Box, Detection, Finding, FlankSide, Media

__all__ = ["PackageObservations", "read_package_observations"]

Category = Literal["animal", "person", "vehicle", "empty", "unknown"]
_CATEGORIES: Mapping[str, Category] = {
    "animal": "animal",
    "human": "person",
    "vehicle": "vehicle",
    "blank": "empty",
    "unknown": "unknown",
    "unclassified": "unknown",
}
_SEXES: Mapping[str, Literal["female", "male"]] = {
    "female": "female",
    "f": "female",
    "male": "male",
    "m": "male",
}
_FLANK = re.compile(r"(?:^|\|)\s*flank\s*:\s*(left|right|both|unknown)\s*(?:\||$)", re.IGNORECASE)
#: Rounding of the corners of a box in tables, as a fraction of the frame.
_ROUNDING = 0.005


@dataclass(frozen=True, kw_only=True)
class PackageObservations:
    """Detections, and the photos with the event that the source puts them in."""

    detections: tuple[Detection, ...]
    media: tuple[Media, ...]


class _Events:
    """Which photos belong to an event: those that name it, and those of its deployment within its time."""

    def __init__(self, media: PackageMedia, named: Mapping[str, Sequence[str]]) -> None:
        self._named = named
        timed: dict[str, list[tuple[datetime, str]]] = {}
        for photo in media.media:
            if photo.id in media.utc:
                timed.setdefault(photo.deployment_id, []).append((media.utc[photo.id], photo.id))
        self._timed = {deployment: sorted(photos) for deployment, photos in timed.items()}

    def photos(self, event: str, deployment: str, start: datetime | None, end: datetime | None) -> list[str]:
        found = list(self._named.get(event, ())) if event else []
        if start is not None and end is not None:
            photos = self._timed.get(deployment, [])
            low = bisect_left(photos, (start, ""))
            high = bisect_right(photos, (end, "\U0010ffff"))
            found += [name for _, name in photos[low:high]]
        return list(dict.fromkeys(found))


def read_package_observations(
    package: Package, media: PackageMedia, *, prefix: str
) -> tuple[PackageObservations, list[Finding]]:
    """Read the observations table; without one, photos have no detections.

    An observation of an event becomes one detection on each of its photos, without a box. Observations
    that fit no photo are told, with their ids.
    """
    tables = package.columns_of("observations")
    known = {photo.id for photo in media.media}
    event_of, named = _named_events(tables, known, prefix=prefix)
    events = _Events(media, named)
    detections: list[Detection] = []
    homeless: list[str] = []
    odd_boxes: list[str] = []
    repeated: list[str] = []
    ids: set[str] = set()
    for columns, row in _rows(tables):
        name = prefix + (id_text(columns.text(row, "observationID")) or columns.table.where(row))
        if name in ids:
            repeated.append(name)
            name = f"{name} ({columns.table.where(row)})"
        ids.add(name)
        photos, of_event = _photos(columns, row, events, known, prefix=prefix)
        if not photos:
            homeless.append(name)
        box, box_ok = (None, True) if of_event else _box(columns, row)
        if not box_ok:
            odd_boxes.append(name)
        detection = _detection(columns, row, id=name, box=box)
        for photo in photos:
            own = name if len(photos) == 1 else f"{name}@{photo.removeprefix(prefix)}"
            detections.append(replace(detection, id=own, media_id=photo))
            if of_event and (event := id_text(columns.text(row, "eventID"))):
                event_of.setdefault(photo, prefix + event)
    with_events = tuple(
        replace(photo, source_event=event_of[photo.id]) if photo.id in event_of else photo
        for photo in media.media
    )
    return (
        PackageObservations(detections=tuple(detections), media=with_events),
        _findings(homeless, odd_boxes, repeated, tables[0].table.file if tables else ""),
    )


def _rows(tables: Sequence[Columns]) -> Iterator[tuple[Columns, int]]:
    for columns in tables:
        for row in range(len(columns.table.rows)):
            yield columns, row


def _named_events(
    tables: Sequence[Columns], known: set[str], *, prefix: str
) -> tuple[dict[str, str], dict[str, list[str]]]:
    event_of: dict[str, str] = {}
    named: dict[str, list[str]] = {}
    for columns, row in _rows(tables):
        photo = prefix + id_text(columns.text(row, "mediaID"))
        event = id_text(columns.text(row, "eventID"))
        if event and photo in known:
            event_of.setdefault(photo, prefix + event)
            named.setdefault(event, []).append(photo)
    return event_of, named


def _photos(
    columns: Columns, row: int, events: _Events, known: set[str], *, prefix: str
) -> tuple[list[str], bool]:
    """The photos of an observation, and whether it is one of an event."""
    media = id_text(columns.text(row, "mediaID"))
    if media:
        return ([prefix + media] if prefix + media in known else []), False
    times = [moment(columns.text(row, name), default_offset=None) for name in ("eventStart", "eventEnd")]
    start, end = (time[0] if time else None for time in times)
    deployment = prefix + id_text(columns.text(row, "deploymentID"))
    return events.photos(id_text(columns.text(row, "eventID")), deployment, start, end), True


def _detection(columns: Columns, row: int, *, id: str, box: Box | None) -> Detection:
    def text(name: str) -> str:
        return columns.text(row, name)

    observation_tags = text("observationTags")
    if text("cameraSetupType"):
        observation_tags = " | ".join(
            filter(None, [observation_tags, f"cameraSetupType:{text('cameraSetupType')}"])
        )
    flank = _FLANK.search(observation_tags)
    count = parse_number(text("count"))
    return Detection(
        id=id,
        media_id="",
        category=_CATEGORIES.get(text("observationType").casefold(), "unknown"),
        origin=_origin(text("classificationMethod"), text("classifiedBy")),
        species=text("scientificName"),
        box=box,
        confidence=parse_number(text("classificationProbability")),
        count=int(count) if count is not None and count >= 0 and count == int(count) else None,
        sex=_SEXES.get(text("sex").casefold(), ""),
        life_stage=text("lifeStage"),
        individual_label=id_text(text("individualID")),
        flank=_flank(flank[1] if flank else "unknown"),
        tags=observation_tags,
    )


def _flank(word: str) -> FlankSide:
    sides: Mapping[str, FlankSide] = {"left": "left", "right": "right", "both": "both"}
    return sides.get(word.casefold(), "unknown")


def _origin(method: str, by: str) -> str:
    if method.casefold() == "machine":
        return by or "machine"
    return f"human:{by}" if method.casefold() == "human" or by else "unknown"


def _box(columns: Columns, row: int) -> tuple[Box | None, bool]:
    """The box, and whether what is written is one (nothing written is fine)."""
    texts = [columns.text(row, name) for name in ("bboxX", "bboxY", "bboxWidth", "bboxHeight")]
    if not any(texts):
        return None, True
    numbers = [number for text in texts if (number := parse_number(text)) is not None]
    if len(numbers) < 4:
        return None, False
    x, y, width, height = numbers
    inside = x >= 0 and y >= 0 and x + width <= 1 + _ROUNDING and y + height <= 1 + _ROUNDING
    if not inside or width <= 0 or height <= 0:
        return None, False
    return (x, y, min(width, 1 - x), min(height, 1 - y)), True


def _findings(
    homeless: Sequence[str], odd_boxes: Sequence[str], repeated: Sequence[str], file: str
) -> list[Finding]:
    told = (
        (
            "observation_without_media",
            homeless,
            "observations fit no photo of the package and are not kept",
            "Correct mediaID, or the event's deployment and times.",
        ),
        (
            "box_unusable",
            odd_boxes,
            "observations have a box that is not within the frame; they are kept without it",
            "Boxes are fractions of the frame: x, y, width and height between 0 and 1.",
        ),
        (
            "observation_id_repeated",
            repeated,
            "observations use an id that is taken; their row number was added to it",
            "Ids are unique in a table: rename them.",
        ),
    )
    return [
        Finding(
            code=code,
            severity="warning",
            message=f"{len(names)} {message}",
            fix=fix,
            ids=tuple(names),
            where=file,
        )
        for code, names, message, fix in told
        if names
    ]
