"""Read the flank of every photo once: reading in the survey, features under `derived/`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ghostcat.errors import GhostcatError
from ghostcat.survey import Survey
from ghostcat.survey.evidence import Box, Detection, Flank, Media, Snapshot
from ghostcat.workflows.keeping import keep_in_batches
from ghostcat.workflows.pools import mapped
from ghostcat.workflows.progress import Progress, silent

__all__ = ["engine_name", "features_path", "probability_right", "read_flanks"]

BATCH = 16
WORTH_A_POOL = 12


@dataclass(frozen=True)
class _Task:
    media_id: str
    photo: str
    features: str
    box: Box | None
    engine: str


def engine_name() -> str:
    """What readings are stored under; without the mask model they are other readings."""
    from ghostcat import identity

    mask = identity.load_models().body is not None
    return identity.ENGINE if mask else f"{identity.ENGINE} without a body mask"


def read_flanks(
    survey: Survey, snapshot: Snapshot, *, processes: int | None = None, progress: Progress = silent
) -> int:
    """Read every photo that can show an animal and has not been read; returns how many that were."""
    engine = engine_name()
    read = survey.flank_readings(engine)
    tasks = [
        _Task(media.id, str(survey.photo_path(media)), str(path), box, engine)
        for media, box in _photos_with_animals(snapshot)
        for path in (features_path(survey, media, box, engine),)
        if media.id not in read or (read[media.id].box is not None and not path.exists())
    ]
    readings = mapped(
        _read, tasks, processes=processes, worth_a_pool=WORTH_A_POOL, chunk=4, start=_load_models
    )
    keep_in_batches(
        survey,
        readings,
        lambda batch: survey.put_flanks(engine, batch),
        job=("read flanks", engine),
        total=len(tasks),
        size=BATCH,
        task="Reading flanks",
        progress=progress,
    )
    return len(tasks)


def features_path(survey: Survey, media: Media, box: Box | None, engine: str) -> Path:
    """Where the features of a photo are kept: named by everything they depend on."""
    digest = hashlib.sha256(f"{engine}|{media.sha256}|{box}".encode()).hexdigest()
    return survey.derived_path("features", digest, ".npz")


def drawn_boxes(snapshot: Snapshot) -> Mapping[str, Box]:
    """The largest box around an animal in each photo that has one."""
    boxes: dict[str, Box] = {}
    for seen in snapshot.detections:
        if seen.category == "animal" and seen.box is not None:
            held = boxes.get(seen.media_id)
            if held is None or seen.box[2] * seen.box[3] > held[2] * held[3]:
                boxes[seen.media_id] = seen.box
    return boxes


def probability_right(flank: Flank) -> float:
    """P(right flank) of a reading; for an unknown side the reading keeps just that number."""
    p = 0.5 if flank.side_probability is None else flank.side_probability
    return 1.0 - p if flank.side == "left" else p


def _photos_with_animals(snapshot: Snapshot) -> list[tuple[Media, Box | None]]:
    seen: dict[str, list[Detection]] = {}
    for detection in snapshot.detections:
        seen.setdefault(detection.media_id, []).append(detection)
    boxes = drawn_boxes(snapshot)
    return [
        (media, boxes.get(media.id))
        for media in sorted(snapshot.media.values(), key=lambda m: m.id)
        if media.state == "ok"
        and (media.id not in seen or any(d.category in ("animal", "unknown") for d in seen[media.id]))
    ]


_models: object = None


def _load_models() -> None:
    global _models
    import cv2

    from ghostcat.identity import load_models

    cv2.setNumThreads(1)
    _models = load_models()


def _read(task: _Task) -> Flank:
    from ghostcat import identity
    from ghostcat.photos import load_rgb

    assert _models is None or isinstance(_models, identity.Models)
    try:
        rgb = load_rgb(Path(task.photo))
    except GhostcatError:
        return Flank(
            media_id=task.media_id, side="unknown", usable=False, reason="unreadable", engine=task.engine
        )
    reading = identity.read_flank(rgb, models=_models, box=task.box)
    if reading.box is not None:
        identity.describe(rgb, reading).save(Path(task.features))
    p = reading.side_probability
    return Flank(
        media_id=task.media_id,
        side=reading.side,
        usable=reading.usable,
        reason=reading.reason,
        quality=reading.quality,
        box=reading.box,
        side_probability=1.0 - p if reading.side == "left" else p,
        engine=task.engine,
    )
