"""Encounters: which photos show one visit to one station."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby

import numpy as np

from ghostcat.survey.evidence import Deployment, Detection, Encounter, Media

__all__ = ["GAP_MINUTES", "group_encounters", "photos_with_animal"]

#: Photos of one station that follow each other within this many minutes are one visit.
GAP_MINUTES = 30.0

_NOT_AN_ANIMAL = frozenset({"empty", "person", "vehicle"})


def photos_with_animal(
    media: Iterable[Media], detections: Iterable[Detection], *, species: Collection[str] = ()
) -> list[Media]:
    """Readable photos that may show the animal: seen by a detector or a person, or not yet looked at.

    Parameters
    ----------
    species : when given, photos in which every named animal is of another species are left out.
    """
    wanted = {name.casefold() for name in species}
    may: dict[str, bool] = {}
    for seen in detections:
        fits = seen.category not in _NOT_AN_ANIMAL
        if fits and wanted and seen.species:
            fits = seen.species.casefold() in wanted
        may[seen.media_id] = may.get(seen.media_id, False) or fits
    return [photo for photo in media if photo.state == "ok" and may.get(photo.id, True)]


def group_encounters(
    media: Iterable[Media],
    deployments: Mapping[str, Deployment],
    detections: Iterable[Detection] = (),
    *,
    gap_minutes: float = GAP_MINUTES,
    species: Collection[str] = (),
) -> dict[str, Encounter]:
    """Group the photos of all cameras of a station into visits.

    Photos without a time, unreadable ones, duplicates, and those with nothing but people, vehicles
    or emptiness in them belong to no encounter.

    Parameters
    ----------
    gap_minutes : longest quiet time inside one visit, minutes.
    species : see `photos_with_animal`.

    Returns
    -------
    Encounters by id, in order of their start. The id is that of the earliest photo.
    """
    # Imported here: the room of photos brings its imaging libraries along.
    from ghostcat.photos.passes import group_passes

    timed = sorted(
        (photo.time, photo.id, deployments[photo.deployment_id].station_id)
        for photo in photos_with_animal(media, detections, species=species)
        if photo.time is not None
    )
    if not timed:
        return {}
    stations = np.unique([station for _, _, station in timed], return_inverse=True)[1]
    seconds = np.array([moment.timestamp() for moment, _, _ in timed])
    passes = group_passes(seconds, stations, gap_s=60.0 * gap_minutes)
    encounters: dict[str, Encounter] = {}
    by_pass = np.argsort(passes, kind="stable")  # stable: time and id order stays inside a pass
    for _, members in groupby(by_pass.tolist(), key=passes.__getitem__):
        photos = [timed[member] for member in members]
        encounters[photos[0][1]] = Encounter(
            id=photos[0][1],
            station_id=photos[0][2],
            start=photos[0][0],
            end=photos[-1][0],
            media_ids=tuple(photo for _, photo, _ in photos),
        )
    return dict(sorted(encounters.items(), key=lambda item: (item[1].start, item[0])))
