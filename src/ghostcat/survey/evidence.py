"""The nouns of a survey: evidence as it came, readings of it, and decisions about it.

Everything here is frozen. Times are timezone-aware and in UTC; the clock of a camera is kept
beside it as `camera_time`, naive, exactly as the file says. Coordinates are WGS 84 degrees;
boxes are fractions of the frame (x, y of the upper left corner, width, height).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

__all__ = [
    "Box",
    "Camera",
    "ColumnMatch",
    "Decision",
    "DecisionKind",
    "Deployment",
    "Detection",
    "Encounter",
    "Evidence",
    "Failure",
    "Finding",
    "Flank",
    "FlankSide",
    "Individual",
    "Media",
    "MediaState",
    "Sample",
    "Severity",
    "Snapshot",
    "Source",
    "Station",
]

Json = Mapping[str, object]

Box = tuple[float, float, float, float]
FlankSide = Literal["left", "right", "both", "unknown"]
Severity = Literal["error", "warning", "note"]

#: `pending` has not been opened yet; `ok` can be read; every other state has a reason.
MediaState = Literal["pending", "ok", "duplicate", "missing", "unreadable", "not_an_image", "empty_file"]

DecisionKind = Literal[
    "same",  # two half-identities show one animal
    "different",  # they show two animals
    "not_comparable",  # they cannot be compared (poor view, other flank)
    "unsure",  # a person looked and could not tell
    "new",  # this one is nobody we know
    "name",  # call the animal in this photo …
    "flank",  # this photo shows that side
    "usable",  # this photo can / cannot be used for identification, because …
    "sex",  # the animal in this photo is …
    "clock",  # this deployment's clock is off by …
    "exclude",  # leave this out of the estimate, because …
    "dna_same",  # the animal in this photo left the sample named in `value`
    "dna_different",  # the animal in this photo did not leave it
    "undo",  # the decision named in `undoes` no longer counts
]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where evidence came from: one imported package, folder or result file."""

    id: str
    kind: str
    name: str
    location: str
    fingerprint: str
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Station:
    """A fixed place holding one or more cameras; the "trap" of the models."""

    id: str
    lon: float
    lat: float
    name: str = ""
    group: str = ""
    """Country, park or stratum that the user gave; empty when none."""
    covariates: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One device."""

    id: str
    make: str = ""
    model: str = ""
    serial: str = ""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An interval in which a deployed camera did not work. Effort zero: not sampled."""

    start: datetime
    end: datetime
    cause: str = ""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One camera at one station between set-up and pick-up."""

    id: str
    station_id: str
    start: datetime
    end: datetime
    camera_id: str = ""
    slot: str = ""
    """Which of the station's cameras this is, for example `A`."""
    utc_offset_minutes: int | None = None
    """Offset of the camera's clock; `camera_time − offset` is UTC. None when nobody said."""
    failures: tuple[Failure, ...] = ()
    height_m: float | None = None
    facing_deg: float | None = None
    setup_by: str = ""
    comments: str = ""
    covariates: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Media:
    """One photo file as it lies on disk.

    `path` is absolute, or relative to the survey folder. `time` is UTC after every clock
    correction that the decisions hold; None when neither the file nor its source says when.
    """

    id: str
    deployment_id: str
    path: str
    camera_time: datetime | None = None
    time: datetime | None = None
    exif_time: datetime | None = None
    """Camera clock as the file itself says; `camera_time` is the source's word, else this."""
    source_event: str = ""
    sha256: str = ""
    size_bytes: int | None = None
    width_px: int | None = None
    height_px: int | None = None
    infrared: bool | None = None
    state: MediaState = "pending"
    reason: str = ""
    duplicate_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Something an animal left (scat, hair, blood) and what a laboratory read in it, as it came."""

    id: str
    kind: str = "scat"
    collected: date | None = None
    """Local day."""
    lon: float | None = None
    lat: float | None = None
    place: str = ""
    """Station or search cell, as the source names it."""
    readings: tuple[Json, ...] = ()
    """One for each typing: `{"replicate": …, "loci": {locus: [allele, allele]}}`, None where unread."""
    covariates: Json = field(default_factory=dict)
    """Every other column of the source: observer, route, species and sex markers."""


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Something seen in a photo, by a person or a detector."""

    id: str
    media_id: str
    category: Literal["animal", "person", "vehicle", "empty", "unknown"]
    origin: str
    """Who says so: `human:field team`, `megadetector 5.0`, …"""
    species: str = ""
    box: Box | None = None
    confidence: float | None = None
    count: int | None = None
    sex: Literal["female", "male", ""] = ""
    life_stage: str = ""
    individual_label: str = ""
    """Name the source gave the animal: a claim of that source, not yet an identity."""
    flank: FlankSide = "unknown"
    tags: str = ""


@dataclass(frozen=True, kw_only=True)
class Flank:
    """What one photo shows of a coat: a reading by an engine, or a person's decision."""

    media_id: str
    side: FlankSide
    usable: bool
    reason: str = ""
    """Why it is not usable (`dark`, `blurred`, `cut_off`, `over_exposed`, `too_small`, `no_animal` …)."""
    quality: float = 0.0
    """0…1, comparable within one engine."""
    box: Box | None = None
    side_probability: float | None = None
    """Probability of the side shown, where the engine gives one."""
    engine: str = ""


@dataclass(frozen=True, kw_only=True)
class Encounter:
    """One visit to one station: the photos of all its cameras within the pass gap.

    The id is that of its earliest photo, so it survives a new reading of the rest.
    """

    id: str
    station_id: str
    start: datetime
    end: datetime
    media_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One line of the append-only log. `media_a`, `media_b` anchor it to photos, never to results."""

    kind: DecisionKind
    actor: str
    actor_kind: Literal["person", "model", "laboratory"]
    media_a: str = ""
    side_a: FlankSide = "unknown"
    media_b: str = ""
    side_b: FlankSide = "unknown"
    confidence: float | None = None
    value: str = ""
    """Name, sex, side or reason; the sample's id for `dna_same` and `dna_different`; for `usable` `yes` or
    `no: reason`; for `clock` the seconds to add to the clock of `deployment_id` (`media_a` is empty then)."""
    deployment_id: str = ""
    shown: Json = field(default_factory=dict)
    """What the decider was shown: photos, score, lines, threshold, run."""
    undoes: int | None = None
    id: int | None = None
    made_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Individual:
    """An animal, computed from the decisions. `sides` says which flanks are known."""

    id: str
    name: str
    encounter_ids: tuple[str, ...]
    left_media: tuple[str, ...]
    """Photos of the left flank, best first."""
    right_media: tuple[str, ...]
    sex: Literal["female", "male", ""] = ""
    joined: bool = False
    """Left and right are both known and joined by evidence or decision."""
    counted: bool = True
    """False for a half-identity that may be the other side of a counted animal."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check found. Screens translate by `code`; `fix` says what to do."""

    code: str
    severity: Severity
    message: str
    fix: str = ""
    ids: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class ColumnMatch:
    """What a reader took a column for; `used_as` is empty when it was kept aside."""

    file: str
    column: str
    used_as: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything one source brings, read but not yet stored. No pixel has been opened."""

    source: Source
    stations: tuple[Station, ...] = ()
    cameras: tuple[Camera, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    media: tuple[Media, ...] = ()
    detections: tuple[Detection, ...] = ()
    samples: tuple[Sample, ...] = ()
    findings: tuple[Finding, ...] = ()
    columns: tuple[ColumnMatch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A survey as it stands at one moment, for everyone who reads: estimate, report, export.

    `fingerprint` changes when evidence, decisions or readings change.
    """

    name: str
    stations: Mapping[str, Station]
    cameras: Mapping[str, Camera]
    deployments: Mapping[str, Deployment]
    media: Mapping[str, Media]
    detections: tuple[Detection, ...]
    flanks: Mapping[str, Flank]
    encounters: Mapping[str, Encounter]
    individuals: Mapping[str, Individual]
    decisions: tuple[Decision, ...]
    sources: tuple[Source, ...]
    synthetic: bool
    """True when any source says that it was simulated; every page that shows it must say so."""
    fingerprint: str
    samples: Mapping[str, Sample] = field(default_factory=dict)
