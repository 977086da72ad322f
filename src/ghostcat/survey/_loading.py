"""Reading a survey back as the frozen types."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, select

from ghostcat.survey import _schema
from ghostcat.survey._fingerprint import fingerprint
from ghostcat.survey._readings import load_flanks
from ghostcat.survey._rows import (
    camera_of,
    clock_of,
    decision_of,
    deployment_of,
    detection_of,
    failure_of,
    load,
    path_of,
    sample_of,
    source_of,
    station_of,
)
from ghostcat.survey.decisions import clock_shifts, corrected_flanks
from ghostcat.survey.encounters import GAP_MINUTES, group_encounters
from ghostcat.survey.evidence import (
    Decision,
    Deployment,
    Detection,
    Encounter,
    Failure,
    Finding,
    Media,
    Sample,
    Snapshot,
    Source,
)
from ghostcat.survey.identities import Identities, compute_identities

__all__ = [
    "encounters_now",
    "load_decisions",
    "load_media",
    "load_setting",
    "load_snapshot",
    "load_source_findings",
]


def _rows(connection: Connection, table: Table) -> list[Any]:
    """All rows of a table that begins with `id`, sorted here: each database sorts text in its own way."""
    return sorted(connection.execute(select(table)).all(), key=itemgetter(0))


def load_setting(connection: Connection, key: str, default: Any) -> Any:
    """A setting of the survey."""
    table = _schema.setting
    value = connection.execute(select(table.c.value).where(table.c.key == key)).scalar()
    return default if value is None else load(value)


def load_decisions(connection: Connection) -> tuple[Decision, ...]:
    """The whole log, in the order in which it was written."""
    return tuple(decision_of(row) for row in _rows(connection, _schema.decision))


def load_deployments(connection: Connection) -> dict[str, Deployment]:
    """All deployments with their failures."""
    failures: dict[str, list[Failure]] = defaultdict(list)
    table = _schema.deployment_failure
    for row in sorted(connection.execute(select(table)).all(), key=lambda one: one.n):
        failures[row.deployment_id].append(failure_of(row))
    return {
        row.id: deployment_of(row, failures.get(row.id, ())) for row in _rows(connection, _schema.deployment)
    }


def load_media(
    connection: Connection, deployments: dict[str, Deployment], decisions: tuple[Decision, ...]
) -> dict[str, Media]:
    """All photos, with duplicates recognised and clocks corrected.

    Of files with the same content the one with the smallest (deployment id, photo id) is kept, so
    it does not matter which was read first.
    """
    rows = _rows(connection, _schema.media)
    original_of = _originals(rows)
    shifts = clock_shifts(decisions)
    to_utc = {
        one.id: shifts.get(one.id, timedelta()) - timedelta(minutes=one.utc_offset_minutes or 0)
        for one in deployments.values()
    }
    media: dict[str, Media] = {}
    for row in rows:
        # Unpacked in the order of the table: asking a row for its columns by name takes most of the time.
        key, deployment_id, path, camera_text, source_event, exif_text, sha256, *rest = row
        size_bytes, width_px, height_px, infrared, state, reason, _ = rest
        original = original_of.get(sha256, key) if state == "ok" else key
        exif_time = clock_of(exif_text)
        camera_time = exif_time if camera_text is None else clock_of(camera_text)
        media[key] = Media(
            id=key,
            deployment_id=deployment_id,
            path=path_of(path),
            camera_time=camera_time,
            time=None if camera_time is None else (camera_time + to_utc[deployment_id]).replace(tzinfo=UTC),
            exif_time=exif_time,
            source_event=source_event,
            sha256=sha256,
            size_bytes=size_bytes,
            width_px=width_px,
            height_px=height_px,
            infrared=infrared,
            state=state if original == key else "duplicate",
            reason=reason if original == key else f"same content as {original}",
            duplicate_of="" if original == key else original,
        )
    return media


def _originals(rows: list[Any]) -> dict[str, str]:
    """The photo that is kept of each content."""
    first: dict[str, tuple[str, str]] = {}
    for key, deployment_id, *_, sha256, _, _, _, _, state, _, _ in rows:
        if state == "ok" and sha256:
            own = (deployment_id, key)
            kept = first.setdefault(sha256, own)
            if own < kept:
                first[sha256] = own
    return {sha256: key for sha256, (_, key) in first.items()}


def load_detections(connection: Connection) -> tuple[Detection, ...]:
    """Everything that was seen in photos."""
    return tuple(detection_of(row) for row in _rows(connection, _schema.detection))


def load_samples(connection: Connection) -> dict[str, Sample]:
    """Samples by id, with what was read in them."""
    return {row.id: sample_of(row) for row in _rows(connection, _schema.sample)}


def _newest_sources(connection: Connection) -> list[Any]:
    """The newest version of each source."""
    newest: dict[str, Any] = {}
    for row in sorted(connection.execute(select(_schema.source)).all(), key=lambda one: one.n):
        newest[row.id] = row
    return [newest[key] for key in sorted(newest)]


def load_sources(connection: Connection) -> tuple[Source, ...]:
    """The sources in their newest version."""
    return tuple(source_of(row) for row in _newest_sources(connection))


def load_source_findings(connection: Connection) -> list[Finding]:
    """What the readers of the sources found, kept from their import."""
    return [
        Finding(**{**one, "ids": tuple(one["ids"])})
        for row in _newest_sources(connection)
        for one in json_list(row.findings)
    ]


def json_list(text: str) -> list[dict[str, Any]]:
    """A JSON text that holds a list of objects."""
    return list(load(text))


def encounters_now(
    connection: Connection,
    media: dict[str, Media],
    deployments: dict[str, Deployment],
    detections: tuple[Detection, ...],
    *,
    gap_minutes: float | None = None,
) -> dict[str, Encounter]:
    """The encounters under the survey's settings, or with another gap."""
    if gap_minutes is None:
        gap_minutes = float(load_setting(connection, "gap_minutes", GAP_MINUTES))
    species = load_setting(connection, "target_species", [])
    return group_encounters(media.values(), deployments, detections, gap_minutes=gap_minutes, species=species)


def load_snapshot(
    connection: Connection, *, name: str, gap_minutes: float | None = None
) -> tuple[Snapshot, Identities]:
    """The whole survey as it stands, and what its identities leave open."""
    decisions = load_decisions(connection)
    deployments = load_deployments(connection)
    media = load_media(connection, deployments, decisions)
    detections = load_detections(connection)
    encounters = encounters_now(connection, media, deployments, detections, gap_minutes=gap_minutes)
    flanks = corrected_flanks(load_flanks(connection, None), decisions)
    identities = compute_identities(decisions, encounters, flanks, detections)
    sources = load_sources(connection)
    snapshot = Snapshot(
        name=name,
        stations={row.id: station_of(row) for row in _rows(connection, _schema.station)},
        cameras={row.id: camera_of(row) for row in _rows(connection, _schema.camera)},
        deployments=deployments,
        media=media,
        detections=detections,
        flanks=flanks,
        encounters=encounters,
        individuals=identities.individuals,
        decisions=decisions,
        sources=sources,
        synthetic=any(bool(one.metadata.get("synthetic")) for one in sources),
        fingerprint=fingerprint(connection),
        samples=load_samples(connection),
    )
    return snapshot, identities
