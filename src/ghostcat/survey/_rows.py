"""Between the frozen types and table rows, so that what comes back equals what went in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from ghostcat.errors import InputError
from ghostcat.survey.evidence import (
    Box,
    Camera,
    Decision,
    Deployment,
    Detection,
    Failure,
    Flank,
    Media,
    Sample,
    Source,
    Station,
)
from ghostcat.survey.records import PhotoRecord

Row = dict[str, Any]


def utc_text(moment: datetime, *, where: str) -> str:
    """ISO 8601 with `Z`. A naive time is refused: nobody could say when it was."""
    if moment.tzinfo is None:
        raise InputError(
            f"time {moment} has no time zone", where=where, fix="Give the UTC offset of the times."
        )
    # datetime.isoformat, not the method: a pandas Timestamp would add nanoseconds.
    return datetime.isoformat(moment.astimezone(UTC).replace(tzinfo=None)) + "Z"


def clock_text(moment: datetime | None, *, where: str) -> str | None:
    """ISO 8601 of a camera clock, which has no zone."""
    if moment is None:
        return None
    if moment.tzinfo is not None:
        raise InputError(
            f"camera time {moment} has a time zone",
            where=where,
            fix="Give it as the clock showed it, without one.",
        )
    return datetime.isoformat(moment)


def moment_of(text: str) -> datetime:
    """The UTC moment of a stored text."""
    return datetime.fromisoformat(text)


def clock_of(text: str | None) -> datetime | None:
    """The naive camera time of a stored text."""
    return None if text is None else datetime.fromisoformat(text)


def storable(text: object) -> str:
    """Text that both databases can hold.

    Bytes of a file name that are not UTF-8 (lone surrogates in Python) move to the private use
    area U+EF80…U+EFFF, from where `path_of` brings them back; NUL becomes its picture ␀.
    """
    plain = str(text)
    if plain.isascii() and "\0" not in plain:
        return plain
    return plain.translate(_TO_STORE)


def path_of(text: str) -> str:
    """The file path of a stored text."""
    return text if text.isascii() else text.translate(_FROM_STORE)


_TO_STORE: dict[int, int] = {0: 0x2400} | {0xDC00 + byte: 0xEF00 + byte for byte in range(0x80, 0x100)}
_TO_STORE |= {code: 0xFFFD for code in range(0xD800, 0xE000) if code not in _TO_STORE}
_FROM_STORE = {0xEF00 + byte: 0xDC00 + byte for byte in range(0x80, 0x100)}


def dump(value: object) -> str:
    """JSON with sorted keys, the same text for the same content."""
    if value == {}:
        return "{}"
    return storable(
        json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_jsonable)
    )


def load(text: str) -> Any:
    """The value of a JSON text."""
    return {} if text == "{}" else json.loads(text)


def _jsonable(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return value.tolist()
    if isinstance(value, Iterable):
        return list(value)
    return str(value)


def number(value: object) -> float | None:
    """A finite float, else None: SQLite has no NaN."""
    if value is None:
        return None
    plain = float(value)  # type: ignore[arg-type]
    return plain if math.isfinite(plain) else None


def whole(value: object) -> int | None:
    """An int, also of numpy's kinds."""
    return None if value is None else int(value)  # type: ignore[call-overload]


def _box_columns(box: Box | None) -> Row:
    x, y, width, height = (None,) * 4 if box is None else (number(part) for part in box)
    return {"box_x": x, "box_y": y, "box_width": width, "box_height": height}


def _box_of(row: Any) -> Box | None:
    if row.box_x is None or row.box_y is None or row.box_width is None or row.box_height is None:
        return None
    return (row.box_x, row.box_y, row.box_width, row.box_height)


def station_row(station: Station) -> Row:
    lon, lat = number(station.lon), number(station.lat)
    if lon is None or lat is None:
        raise InputError(
            f"coordinates ({station.lon}, {station.lat}) are not numbers",
            where=f"station {station.id}",
            fix="Give longitude and latitude in degrees.",
        )
    return {
        "id": storable(station.id),
        "lon": lon,
        "lat": lat,
        "name": storable(station.name),
        "group_name": storable(station.group),
        "covariates": dump(station.covariates),
    }


def station_of(row: Any) -> Station:
    return Station(
        id=row.id,
        lon=row.lon,
        lat=row.lat,
        name=row.name,
        group=row.group_name,
        covariates=load(row.covariates),
    )


def camera_row(camera: Camera) -> Row:
    return {
        "id": storable(camera.id),
        "make": storable(camera.make),
        "model": storable(camera.model),
        "serial": storable(camera.serial),
    }


def camera_of(row: Any) -> Camera:
    return Camera(id=row.id, make=row.make, model=row.model, serial=row.serial)


def deployment_row(deployment: Deployment) -> Row:
    where = f"deployment {deployment.id}"
    return {
        "id": storable(deployment.id),
        "station_id": storable(deployment.station_id),
        "camera_id": storable(deployment.camera_id) or None,
        "slot": storable(deployment.slot),
        "start_time": utc_text(deployment.start, where=where),
        "end_time": utc_text(deployment.end, where=where),
        "utc_offset_minutes": whole(deployment.utc_offset_minutes),
        "height_m": number(deployment.height_m),
        "facing_deg": number(deployment.facing_deg),
        "setup_by": storable(deployment.setup_by),
        "comments": storable(deployment.comments),
        "covariates": dump(deployment.covariates),
    }


def failure_rows(deployment: Deployment) -> list[Row]:
    """Rows of one deployment's failures in time order, whatever order the source had."""
    where = f"failure of deployment {deployment.id}"
    spans = sorted(
        (utc_text(one.start, where=where), utc_text(one.end, where=where), storable(one.cause))
        for one in deployment.failures
    )
    own = storable(deployment.id)
    return [
        {"deployment_id": own, "n": n, "start_time": start, "end_time": end, "cause": cause}
        for n, (start, end, cause) in enumerate(dict.fromkeys(spans))
    ]


def failure_of(row: Any) -> Failure:
    return Failure(start=moment_of(row.start_time), end=moment_of(row.end_time), cause=row.cause)


def deployment_of(row: Any, failures: Iterable[Failure]) -> Deployment:
    return Deployment(
        id=row.id,
        station_id=row.station_id,
        start=moment_of(row.start_time),
        end=moment_of(row.end_time),
        camera_id=row.camera_id or "",
        slot=row.slot,
        utc_offset_minutes=row.utc_offset_minutes,
        failures=tuple(failures),
        height_m=row.height_m,
        facing_deg=row.facing_deg,
        setup_by=row.setup_by,
        comments=row.comments,
        covariates=load(row.covariates),
    )


def media_row(media: Media) -> Row:
    where = f"photo {media.id}"
    state = media.state
    if state == "duplicate":  # a duplicate of another survey; here it may be the only one
        state = "ok" if media.sha256 else "pending"
    return {
        "id": storable(media.id),
        "deployment_id": storable(media.deployment_id),
        "path": storable(media.path),
        "camera_time": clock_text(media.camera_time, where=where),
        "source_event": storable(media.source_event),
        "exif_time": clock_text(media.exif_time, where=where),
        "sha256": media.sha256,
        "size_bytes": whole(media.size_bytes),
        "width_px": whole(media.width_px),
        "height_px": whole(media.height_px),
        "infrared": None if media.infrared is None else bool(media.infrared),
        "state": state,
        "reason": storable(media.reason),
    }


def photo_columns(record: PhotoRecord) -> Row:
    """The columns of `media` that opening the file fills."""
    return {
        "exif_time": clock_text(record.camera_time, where=f"photo {record.media_id}"),
        "sha256": record.sha256,
        "size_bytes": whole(record.size_bytes),
        "width_px": whole(record.width_px),
        "height_px": whole(record.height_px),
        "infrared": None if record.infrared is None else bool(record.infrared),
        "state": "ok" if record.state == "duplicate" else record.state,
        "reason": storable(record.reason),
    }


def detection_row(detection: Detection) -> Row:
    return {
        "id": storable(detection.id),
        "media_id": storable(detection.media_id),
        "category": detection.category,
        "origin": storable(detection.origin),
        "species": storable(detection.species),
        **_box_columns(detection.box),
        "confidence": number(detection.confidence),
        "count": whole(detection.count),
        "sex": detection.sex,
        "life_stage": storable(detection.life_stage),
        "individual_label": storable(detection.individual_label),
        "flank": detection.flank,
        "tags": storable(detection.tags),
    }


def detection_of(row: Any) -> Detection:
    # Unpacked in the order of the table: asking a row for its columns by name takes most of the time.
    (key, media_id, category, origin, species, x, y, width, height, confidence, number_seen, *rest) = row
    sex, life_stage, individual_label, flank, tags, _ = rest
    return Detection(
        id=key,
        media_id=media_id,
        category=category,
        origin=origin,
        species=species,
        box=None if x is None or y is None or width is None or height is None else (x, y, width, height),
        confidence=confidence,
        count=number_seen,
        sex=sex,
        life_stage=life_stage,
        individual_label=individual_label,
        flank=flank,
        tags=tags,
    )


def sample_row(sample: Sample) -> Row:
    lon, lat = number(sample.lon), number(sample.lat)
    if (lon is None) != (lat is None):
        raise InputError(
            f"coordinates ({sample.lon}, {sample.lat}) are half given",
            where=f"sample {sample.id}",
            fix="Give longitude and latitude, or neither.",
        )
    kept = {"place": sample.place, "readings": sample.readings, "covariates": sample.covariates}
    return {
        "id": storable(sample.id),
        "kind": storable(sample.kind),
        "time": None if sample.collected is None else sample.collected.isoformat(),
        "lon": lon,
        "lat": lat,
        "data": dump(kept),
    }


def sample_of(row: Any) -> Sample:
    kept = load(row.data)
    return Sample(
        id=row.id,
        kind=row.kind,
        collected=None if row.time is None else date.fromisoformat(row.time),
        lon=row.lon,
        lat=row.lat,
        place=kept["place"],
        readings=tuple(kept["readings"]),
        covariates=kept["covariates"],
    )


def flank_row(engine: str, flank: Flank) -> Row:
    return {
        "engine": engine,
        "media_id": storable(flank.media_id),
        "side": flank.side,
        "usable": bool(flank.usable),
        "reason": storable(flank.reason),
        "quality": number(flank.quality) or 0.0,
        **_box_columns(flank.box),
        "side_probability": number(flank.side_probability),
    }


def flank_of(row: Any) -> Flank:
    return Flank(
        media_id=row.media_id,
        side=row.side,
        usable=row.usable,
        reason=row.reason,
        quality=row.quality,
        box=_box_of(row),
        side_probability=row.side_probability,
        engine=row.engine,
    )


def decision_row(decision: Decision, *, number_: int, made_at: datetime) -> Row:
    return {
        "id": number_,
        "kind": decision.kind,
        "actor": storable(decision.actor),
        "actor_kind": decision.actor_kind,
        "media_a": storable(decision.media_a) or None,
        "side_a": decision.side_a,
        "media_b": storable(decision.media_b) or None,
        "side_b": decision.side_b,
        "confidence": number(decision.confidence),
        "value": storable(decision.value),
        "deployment_id": storable(decision.deployment_id) or None,
        "shown": dump(decision.shown),
        "undoes": whole(decision.undoes),
        "made_at": utc_text(decision.made_at or made_at, where=f"decision of {decision.actor}"),
    }


def decision_of(row: Any) -> Decision:
    return Decision(
        kind=row.kind,
        actor=row.actor,
        actor_kind=row.actor_kind,
        media_a=row.media_a or "",
        side_a=row.side_a,
        media_b=row.media_b or "",
        side_b=row.side_b,
        confidence=row.confidence,
        value=row.value,
        deployment_id=row.deployment_id or "",
        shown=load(row.shown),
        undoes=row.undoes,
        id=row.id,
        made_at=moment_of(row.made_at),
    )


def source_row(source: Source, *, findings: object, columns: object) -> Row:
    return {
        "id": storable(source.id),
        "fingerprint": storable(source.fingerprint),
        "kind": storable(source.kind),
        "name": storable(source.name),
        "location": storable(source.location),
        "metadata": dump(source.metadata),
        "findings": dump(findings),
        "columns": dump(columns),
    }


def source_of(row: Any) -> Source:
    return Source(
        id=row.id,
        kind=row.kind,
        name=row.name,
        location=row.location,
        fingerprint=row.fingerprint,
        metadata=load(row.metadata),
    )
