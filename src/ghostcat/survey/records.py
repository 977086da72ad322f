"""What the survey takes and gives besides evidence: photo facts, reports of an import, results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ghostcat.survey.evidence import Json, MediaState

__all__ = ["AddReport", "JobRow", "PairScoreRow", "PhotoRecord", "ResultRow"]

#: (photo, photo, score, inliers), the two photos in ascending order.
PairScoreRow = tuple[str, str, float, int]


@dataclass(frozen=True, kw_only=True)
class PhotoRecord:
    """What opening one photo file told. Whether it is a duplicate is the survey's business."""

    media_id: str
    state: MediaState
    reason: str = ""
    sha256: str = ""
    size_bytes: int | None = None
    width_px: int | None = None
    height_px: int | None = None
    infrared: bool | None = None
    camera_time: datetime | None = None
    """EXIF time, naive; kept as `Media.exif_time`."""


@dataclass(frozen=True, kw_only=True)
class AddReport:
    """What an import changed. Keys: source, station, camera, deployment, media, detection, sample."""

    source_id: str
    added: Mapping[str, int]
    unchanged: Mapping[str, int]
    moved: int = 0
    """Photos whose file, the same to the last byte, now lies elsewhere."""

    @property
    def nothing_new(self) -> bool:
        """True when everything had been there before."""
        return not any(self.added.values()) and not self.moved


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """A derived result with its provenance; `stale` when the survey has changed since."""

    kind: str
    key: str
    payload: Json
    provenance: Json
    fingerprint: str
    created_at: datetime
    stale: bool


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One piece of long work as the job table knows it."""

    id: int
    kind: str
    key: str
    total: int
    done: int
    state: str
    """`running`, `finished` or `failed`. A killed job stays `running` until it is taken up again."""
    message: str
    started_at: datetime
    updated_at: datetime
