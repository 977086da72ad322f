"""Sightings as other programs want them: one row per animal and encounter."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ghostcat.survey.evidence import Encounter, Flank, FlankSide, Individual, Media, Snapshot

__all__ = ["Sighting", "display_name", "identified_photos", "individual_sightings", "species_in"]


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One animal in one encounter."""

    individual: Individual
    encounter: Encounter
    species: str
    """Scientific name that the detections give; empty when none does."""
    media: tuple[Media, ...]
    """Its photos: those on which it was recognised, in order of time."""
    side: FlankSide
    """Flank or flanks that these photos show."""

    @property
    def time(self) -> datetime:
        return self.encounter.start


def display_name(individual: Individual) -> str:
    """The name that people gave, else the computed id."""
    return individual.name or individual.id


def individual_sightings(snapshot: Snapshot, *, counted: bool = True) -> tuple[Sighting, ...]:
    """Sightings of the counted individuals, or of the uncounted half-identities, by time."""
    species = species_in(snapshot)
    found: list[Sighting] = []
    for individual in snapshot.individuals.values():
        if individual.counted != counted:
            continue
        for name in dict.fromkeys(individual.encounter_ids):
            encounter = snapshot.encounters[name]
            media = _photos(snapshot, individual, encounter)
            found.append(
                Sighting(
                    individual=individual,
                    encounter=encounter,
                    species=_most_common(species, [m.id for m in media]),
                    media=media,
                    side=_side(individual, snapshot.flanks, media),
                )
            )
    return tuple(sorted(found, key=lambda s: (s.time, s.encounter.id, s.individual.id)))


def identified_photos(snapshot: Snapshot) -> dict[str, Individual]:
    """Photo → the one animal it shows; photos that may show several are left out.

    A photo belongs to the animal recognised on it. A photo of an encounter on which nobody was
    recognised belongs to the animal of that encounter when there is only one.
    """
    recognised: dict[str, dict[str, Individual]] = defaultdict(dict)
    in_encounter: dict[str, dict[str, Individual]] = defaultdict(dict)
    for individual in snapshot.individuals.values():
        for media_id in (*individual.left_media, *individual.right_media):
            recognised[media_id][individual.id] = individual
        for name in individual.encounter_ids:
            in_encounter[name][individual.id] = individual
    photos: dict[str, Individual] = {}
    for name, animals in in_encounter.items():
        if name in snapshot.encounters and len(animals) == 1:
            photos.update(dict.fromkeys(snapshot.encounters[name].media_ids, next(iter(animals.values()))))
    for media_id, animals in recognised.items():
        photos.pop(media_id, None)
        if len(animals) == 1:
            photos[media_id] = next(iter(animals.values()))
    return photos


def species_in(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Photo → scientific names that its detections give, as often as they give them."""
    names: dict[str, list[str]] = defaultdict(list)
    for detection in snapshot.detections:
        if detection.category == "animal" and detection.species:
            names[detection.media_id].append(detection.species)
    return {media_id: tuple(found) for media_id, found in names.items()}


def _most_common(species: Mapping[str, Sequence[str]], media_ids: Sequence[str]) -> str:
    names = Counter(name for media_id in media_ids for name in species.get(media_id, ()))
    # By name where two are equally common: the result must not depend on the order of photos.
    return min(names, key=lambda name: (-names[name], name), default="")


def _photos(snapshot: Snapshot, individual: Individual, encounter: Encounter) -> tuple[Media, ...]:
    own = {*individual.left_media, *individual.right_media}.intersection(encounter.media_ids)
    chosen = [snapshot.media[m] for m in encounter.media_ids if m in (own or encounter.media_ids)]
    return tuple(sorted(chosen, key=lambda m: (m.time or encounter.start, m.id)))


def _side(individual: Individual, flanks: Mapping[str, Flank], media: Sequence[Media]) -> FlankSide:
    left = any(m.id in individual.left_media for m in media)
    right = any(m.id in individual.right_media for m in media)
    if left and right:
        return "both"
    if left or right:
        return "left" if left else "right"
    sides = {flanks[m.id].side for m in media if m.id in flanks} - {"unknown"}
    return sides.pop() if len(sides) == 1 else "unknown"
