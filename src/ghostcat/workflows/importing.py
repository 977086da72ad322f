"""Import photos and tables into a survey: read, store, then open every photo once.

The tables go in as one transaction. The photos follow in batches: each is hashed, its EXIF
read and a thumbnail kept under `derived/`, on every core. Killed at any moment, the next import
of the same source goes on with the photos that are still pending.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from ghostcat.errors import FormatError
from ghostcat.survey import AddReport, PhotoRecord, Survey
from ghostcat.survey.evidence import Evidence, Finding, Media
from ghostcat.workflows.keeping import keep_in_batches
from ghostcat.workflows.opening import open
from ghostcat.workflows.pools import mapped
from ghostcat.workflows.progress import Progress, silent

__all__ = ["ImportReport", "Reading", "import_evidence", "read_pending_photos"]

BATCH = 64
WORTH_A_POOL = 48


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import found, what it added, and what it could not use."""

    source: str
    kind: str
    added: AddReport
    photos_read: int
    photos_by_state: dict[str, int]
    findings: tuple[Finding, ...]
    columns: tuple[tuple[str, str, str], ...]
    """(file, column, what it was taken for; empty when it was kept aside)."""


class Reading(TypedDict, total=False):
    """How a source is to be read, where it does not say so itself."""

    kind: str | None
    """`camtrap-dp`, `folder` or `detections`; found out when None."""
    prefix: str
    """Put before every id, for two sources that use the same ones."""
    crs: str | None
    """Coordinate system of projected station coordinates, for example `EPSG:32652`."""
    utc_offset_minutes: int | None
    """Offset of the camera clocks."""
    date_order: Literal["dmy", "mdy"] | None
    """For dates such as 03/04/2025."""
    stations: str | Path | None
    """The stations table of a folder, when it lies elsewhere."""
    deployments: str | Path | None
    """The deployments table of a folder, when it lies elsewhere."""


def import_evidence(
    survey: str | Path | Survey,
    source: str | Path,
    *,
    copy: bool = False,
    processes: int | None = None,
    progress: Progress = silent,
    **reading: Unpack[Reading],
) -> ImportReport:
    """Import a Camtrap DP package, a folder of photos with its tables, or detector results.

    Parameters
    ----------
    survey : a survey folder or an open survey.
    source : folder, zip file or JSON file; never written to.
    copy : copy the photos into the survey folder (from a card); otherwise they stay where they are.
    processes : worker processes; one a core by default.
    reading : what the source does not say itself, see `Reading`.

    Raises
    ------
    FormatError : the source cannot be read as what it claims to be; nothing is imported.
    EvidenceConflict : ids of this source are already used for something else; nothing is imported.
    """
    survey, source = open(survey), Path(source)
    evidence = _read(survey, source, reading)
    if copy:
        evidence = _copy_photos(survey, evidence, progress=progress)
    added = survey.add_evidence(evidence)
    read = read_pending_photos(survey, processes=processes, progress=progress)
    states: dict[str, int] = {}
    ours = {media.id for media in evidence.media}
    for media in survey.snapshot().media.values():
        if media.id in ours:
            states[media.state] = states.get(media.state, 0) + 1
    return ImportReport(
        source=str(source),
        kind=evidence.source.kind,
        added=added,
        photos_read=read,
        photos_by_state=states,
        findings=evidence.findings,
        columns=tuple((c.file, c.column, c.used_as) for c in evidence.columns),
    )


def _read(survey: Survey, source: Path, reading: Reading) -> Evidence:
    from ghostcat import formats

    kind = reading.get("kind")
    if kind is None and source.suffix.lower() == ".json" and source.name != "datapackage.json":
        kind = "detections"
    if kind == "detections":
        prefix = reading.get("prefix", "")
        return formats.read_detections(source, survey.snapshot().media, prefix=prefix)
    return formats.read_evidence(source, **reading, extract_to=survey.folder / "photos")


def read_pending_photos(survey: Survey, *, processes: int | None = None, progress: Progress = silent) -> int:
    """Open every photo that nobody has opened yet; returns how many that were."""
    pending = survey.pending_media()
    tasks = [(media.id, str(survey.photo_path(media)), str(survey.folder)) for media in pending]
    keep_in_batches(
        survey,
        mapped(_inspect, tasks, processes=processes, worth_a_pool=WORTH_A_POOL),
        survey.record_photos,
        job=("read photos", ""),
        total=len(tasks),
        size=BATCH,
        task="Reading photos",
        progress=progress,
    )
    return len(tasks)


def _inspect(task: tuple[str, str, str]) -> PhotoRecord:
    from ghostcat.photos import inspect_photo

    media_id, path, folder = task
    facts = inspect_photo(Path(path))
    if facts.thumbnail_jpeg:
        _keep(
            Path(folder) / "derived" / "thumbnails" / facts.sha256[:2] / f"{facts.sha256}.jpg",
            facts.thumbnail_jpeg,
        )
    return PhotoRecord(
        media_id=media_id,
        state=facts.state,
        reason=facts.reason,
        sha256=facts.sha256,
        size_bytes=facts.size_bytes,
        width_px=facts.width_px,
        height_px=facts.height_px,
        infrared=facts.infrared,
        camera_time=facts.camera_time,
    )


def _keep(path: Path, content: bytes) -> None:
    """Write a derived file so that it is either whole or absent, whenever we are killed."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _copy_photos(survey: Survey, evidence: Evidence, *, progress: Progress) -> Evidence:
    """Copy the photos to `photos/` in the survey folder; those already there are not copied again."""
    from dataclasses import replace

    copied: list[Media] = []
    for number, media in enumerate(evidence.media, start=1):
        origin = Path(media.path)
        target = Path("photos") / _safe_relative(media.id)
        if target.suffix.lower() != origin.suffix.lower():
            target = target.with_name(target.name + origin.suffix)
        if origin.exists():
            _copy(origin, survey.folder / target)
        copied.append(replace(media, path=target.as_posix()))
        progress("Copying photos", number, len(evidence.media))
    return replace(evidence, media=tuple(copied))


def _safe_relative(media_id: str) -> Path:
    path = Path(media_id.replace(":", "_").replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise FormatError(
            f"the photo id {media_id!r} would lie outside the survey", where=media_id, fix="Rename it."
        )
    return path


def _copy(origin: Path, target: Path) -> None:
    import shutil

    if target.exists() and target.stat().st_size == origin.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
    shutil.copy2(origin, unfinished)
    unfinished.replace(target)
