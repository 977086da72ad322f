"""Links between samples and photographed animals: decisions, never rewritten identities."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ghostcat.errors import DecisionError
from ghostcat.survey import Survey
from ghostcat.survey.evidence import Decision, Finding, Snapshot
from ghostcat.workflows.opening import open

__all__ = ["DnaLinks", "dna_links", "link_sample"]


def link_sample(
    survey: str | Path | Survey,
    sample: str,
    target: str,
    *,
    same: bool = True,
    confidence: float | None = None,
    by: str | None = None,
    laboratory: bool = False,
    shown: Mapping[str, object] | None = None,
) -> int:
    """Append the decision that a sample was, or was not, left by a photographed animal.

    Parameters
    ----------
    target : an animal (id or name) or a photo of it. The decision is anchored to a photo, so it
        stays true when animals are merged or split later.
    confidence : how sure, 0…1.
    shown : what the decider was shown, for example the groups of a run.

    Returns
    -------
    The number of the decision; `ghostcat decide SURVEY undo NUMBER` takes it back.
    """
    opened = open(survey)
    photo, side = _photo_of(opened.snapshot(), target)
    (number,) = opened.append(
        [
            Decision(
                kind="dna_same" if same else "dna_different",
                actor=by or getpass.getuser(),
                actor_kind="laboratory" if laboratory else "person",
                media_a=photo,
                side_a=side,
                value=sample,
                confidence=confidence,
                shown=dict(shown or {}),
            )
        ]
    )
    return number


@dataclass(frozen=True)
class DnaLinks:
    """Standing links between samples and photographed animals, and what does not fit together."""

    sample_of: Mapping[str, tuple[str, ...]]
    """Samples of each photographed animal."""
    animal_of: Mapping[str, tuple[str, ...]]
    """Photographed animals of each DNA individual; more than one is told in `findings`."""
    decisions: tuple[Decision, ...]
    findings: tuple[Finding, ...]


def dna_links(survey: str | Path | Survey, individuals: Sequence[Mapping[str, Any]] = ()) -> DnaLinks:
    """Read the links that stand, newest word of the highest authority first.

    Parameters
    ----------
    individuals : those of `identify_source`, to say which DNA individual is which photographed animal.
    """
    from ghostcat.survey.decisions import AUTHORITY, standing

    snapshot = open(survey).snapshot()
    last: dict[tuple[str, str], Decision] = {}
    owner = _owners(snapshot)
    for one in standing(snapshot.decisions):
        if one.kind not in ("dna_same", "dna_different"):
            continue
        key = (one.value, owner.get(one.media_a, one.media_a))
        before = last.get(key)
        if before is None or AUTHORITY[one.actor_kind] >= AUTHORITY[before.actor_kind]:
            last[key] = one
    same = {key: one for key, one in last.items() if one.kind == "dna_same"}
    sample_of: dict[str, list[str]] = {}
    for sample, animal in same:
        sample_of.setdefault(animal, []).append(sample)
    animal_of: dict[str, tuple[str, ...]] = {}
    for group in individuals:
        members = set(group["samples"])
        animals = tuple(sorted({animal for sample, animal in same if sample in members}))
        if animals:
            animal_of[str(group["id"])] = animals
    return DnaLinks(
        sample_of={animal: tuple(sorted(names)) for animal, names in sorted(sample_of.items())},
        animal_of=animal_of,
        decisions=tuple(last.values()),
        findings=tuple(_link_findings(animal_of)),
    )


def _link_findings(animal_of: Mapping[str, Sequence[str]]) -> Iterable[Finding]:
    for dna, animals in animal_of.items():
        if len(animals) > 1:
            yield Finding(
                code="dna_joins_animals",
                severity="warning",
                message=f"DNA individual {dna} is linked to {len(animals)} photographed animals: "
                f"{', '.join(animals)}",
                fix="Merge them with `ghostcat decide same`, or undo the link that is wrong.",
                ids=(dna, *animals),
            )
    groups: dict[str, list[str]] = {}
    for dna, animals in animal_of.items():
        for animal in animals:
            groups.setdefault(animal, []).append(dna)
    for animal, dnas in groups.items():
        if len(dnas) > 1:
            yield Finding(
                code="dna_splits_animal",
                severity="warning",
                message=f"Photographed animal {animal} is linked to {len(dnas)} DNA individuals: "
                f"{', '.join(dnas)}",
                fix="One of the links, or the identity of its photos, is wrong.",
                ids=(animal, *dnas),
            )


def _photo_of(snapshot: Snapshot, target: str) -> tuple[str, Any]:
    for animal in snapshot.individuals.values():
        if target in (animal.id, animal.name):
            for side, photos in (("left", animal.left_media), ("right", animal.right_media)):
                if photos:
                    return photos[0], side
    if target in snapshot.media:
        flank = snapshot.flanks.get(target)
        return target, flank.side if flank is not None else "unknown"
    raise DecisionError(
        f"there is neither an animal nor a photo {target!r}", fix="ghostcat individuals lists the animals."
    )


def _owners(snapshot: Snapshot) -> dict[str, str]:
    owner: dict[str, str] = {}
    for animal in snapshot.individuals.values():
        for photo in (*animal.left_media, *animal.right_media):
            owner[photo] = animal.name or animal.id
    return owner
