"""What goes into a decision about identities, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ghostcat.identity.calibrate import Calibration
from ghostcat.identity.reading import Side

__all__ = [
    "Comparison",
    "Costs",
    "Flank",
    "Judgement",
    "Link",
    "Node",
    "Outcome",
    "Question",
    "Sighting",
    "State",
]

Comparison = tuple[str, str, float]
"""Two photos and the score of their match."""
Flank = Literal["left", "right"]
State = Literal["known", "new", "ask"]


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One usable photo and where it belongs.

    Attributes
    ----------
    photo, encounter, camera, station, slot : ids; `camera` is the deployment, `slot` which of a station's
        cameras (empty when unknown).
    time_s : seconds on any one clock, None when unknown.
    right : P(right flank) from the photo alone.
    labelled : flank given by a person or by the source; it takes precedence.
    quality : 0…1.
    east_m, north_m : where the station is, to know who cannot be in two places; None when unknown.
    """

    photo: str
    encounter: str
    camera: str
    station: str
    slot: str = ""
    time_s: float | None = None
    right: float = 0.5
    labelled: Side = "unknown"
    quality: float = 0.5
    east_m: float | None = None
    north_m: float | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A person's or laboratory's word on two photos: one animal or two."""

    photo_a: str
    photo_b: str
    same: bool


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What mistakes cost, in units of one animal split into two. Between the two, a person is asked."""

    false_merge: float = 3.0
    false_split: float = 1.0

    @property
    def accept(self) -> float:
        """P(same) at which joining costs as much as not joining."""
        return self.false_merge / (self.false_merge + self.false_split)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One flank in one encounter: the unit of identity. `photo` is its best one."""

    encounter: str
    flank: Flank
    photo: str
    photos: tuple[str, ...]
    state: State
    probability: float
    """Of the state: P(same as its group) when known, P(nobody else here) when new."""
    group: int | None
    """Index into `Outcome.groups`; None while a person has to be asked."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """An accepted match: these two photos show one flank of one animal."""

    photo_a: str
    photo_b: str
    flank: Flank
    probability: float
    score: float


@dataclass(frozen=True, kw_only=True)
class Question:
    """Two photos that a person should compare. `value` is the expected change of the number of animals."""

    photo_a: str
    photo_b: str
    flank: Flank
    probability: float
    value: float
    score: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was decided, and everything a reader needs to check it."""

    sides: Mapping[str, tuple[Flank, float]]
    """Per photo the flank and its probability."""
    nodes: tuple[Node, ...]
    groups: tuple[tuple[str, ...], ...]
    """Encounters of each animal that is known from a join or called new."""
    flanks: tuple[frozenset[str], ...]
    """Per group the flanks seen of it."""
    links: tuple[Link, ...]
    questions: tuple[Question, ...]
    calibration: Calibration
    accept: float

    @property
    def individuals(self) -> int:
        """The least number of animals told apart: groups with both flanks, and of the groups with one
        flank those of the side that has more (the others may be their other sides). Open questions are
        in none of them."""
        both = sum(len(f) == 2 for f in self.flanks)
        left = sum(f == {"left"} for f in self.flanks)
        return both + max(left, len(self.flanks) - both - left)
