"""What is wrong or remarkable in a survey: many small checks, each with its code.

A check looks at a snapshot, changes nothing, and yields findings: what, which ids, and the fix.
`CHECKS` lists them; `check_snapshot` runs them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TypeVar

from ghostcat.survey._clock_checks import check_camera_order, check_clock_reset, check_exif_clock
from ghostcat.survey._geography import distance_km
from ghostcat.survey._wording import listed
from ghostcat.survey.evidence import Deployment, Encounter, Finding, Media, MediaState, Snapshot, Station

__all__ = ["CHECKS", "SPEED_KM_PER_H", "check_database", "check_snapshot"]

#: Faster than this between two stations is no walk. Collared leopards cover 3–9 km in a day and
#: walk at 2–4 km/h; 10 km/h leaves room for clocks that disagree by some minutes.
SPEED_KM_PER_H = 10.0
_NEAR_KM = 1.0  # closer stations prove nothing: a trot and a clock 5 min wrong explain them
_CLOCK_DOUBT = timedelta(minutes=10)

#: A photo this long before set-up or after pick-up still belongs to the visit of the team.
_VISIT = timedelta(hours=1)

_FAR_KM = 50.0
_FAR_TIMES = 10.0


def check_database(faults: Sequence[str], changed: Sequence[str], *, where: str) -> Iterator[Finding]:
    """`database_damaged`, `changed_from_outside`: the file itself is not as ghostcat left it."""
    if faults:
        yield Finding(
            code="database_damaged",
            severity="error",
            message=f"the database is damaged: {listed(faults)}",
            fix="Put back a copy of the folder; without one, `sqlite3 survey.db .recover` saves what it can.",
            where=where,
        )
    if changed:
        yield Finding(
            code="changed_from_outside",
            severity="error",
            message=f"rows of {listed(changed)} were changed by another program than ghostcat",
            fix="Put back a copy of the folder, or import the sources into a new survey.",
            where=where,
        )


def check_coordinates(snapshot: Snapshot) -> Iterator[Finding]:
    """`coordinates_out_of_range`, `coordinates_swapped`: stations that cannot be where they say."""
    valid = [one for one in snapshot.stations.values() if _on_globe(one.lon, one.lat)]
    for one in snapshot.stations.values():
        where = f"station {one.id}"
        if _on_globe(one.lon, one.lat):
            if _swapped_among(one, valid):
                yield _swapped(one, "the other stations are where it would be with the two exchanged")
        elif _on_globe(one.lat, one.lon):
            yield _swapped(one, f"latitude {one.lat:g} is outside −90…90")
        else:
            what = "0, 0 lies in the ocean" if one.lon == one.lat == 0 else "they are not on the globe"
            yield Finding(
                code="coordinates_out_of_range",
                severity="error",
                message=f"station {one.id}: longitude {one.lon:g}, latitude {one.lat:g}: {what}",
                fix="Correct them in the table of stations; metres need their coordinate system named.",
                ids=(one.id,),
                where=where,
            )


def _on_globe(lon: float, lat: float) -> bool:
    return abs(lon) <= 180 and abs(lat) <= 90 and not lon == lat == 0


def _swapped_among(one: Station, valid: Sequence[Station]) -> bool:
    others = [other for other in valid if other.id != one.id]
    if len(others) < 2 or not _on_globe(one.lat, one.lon):
        return False
    lon, lat = median(other.lon for other in others), median(other.lat for other in others)
    as_given = distance_km(one.lon, one.lat, lon, lat)
    exchanged = distance_km(one.lat, one.lon, lon, lat)
    spread = max(distance_km(other.lon, other.lat, lon, lat) for other in others)
    return as_given > 10 * _FAR_KM and exchanged < max(_FAR_KM, 2 * spread) < as_given


def _swapped(one: Station, why: str) -> Finding:
    return Finding(
        code="coordinates_swapped",
        severity="error",
        message=f"station {one.id}: longitude {one.lon:g} and latitude {one.lat:g} look exchanged: {why}",
        fix="Exchange the two columns in the table of stations and import it into a new survey.",
        ids=(one.id,),
        where=f"station {one.id}",
    )


def check_far_stations(snapshot: Snapshot) -> Iterator[Finding]:
    """`station_far_from_others`: a station so far away that a digit is probably wrong."""
    valid = [one for one in snapshot.stations.values() if _on_globe(one.lon, one.lat)]
    for group in _by(valid, lambda one: one.group).values():
        if len(group) < 4:
            continue
        lon, lat = median(one.lon for one in group), median(one.lat for one in group)
        away = {one.id: distance_km(one.lon, one.lat, lon, lat) for one in group}
        limit = max(_FAR_KM, _FAR_TIMES * median(away.values()))
        for one in group:
            if away[one.id] > limit and not _swapped_among(one, valid):
                yield Finding(
                    code="station_far_from_others",
                    severity="warning",
                    message=f"station {one.id} lies {away[one.id]:.0f} km from the middle of the others",
                    fix="Check its coordinates; if they are right, give distant areas groups of their own.",
                    ids=(one.id,),
                    where=f"station {one.id}",
                )


def check_deployment_dates(snapshot: Snapshot) -> Iterator[Finding]:
    """`deployment_ends_before_start`: pick-up is not after set-up."""
    for one in snapshot.deployments.values():
        if one.end <= one.start:
            yield Finding(
                code="deployment_ends_before_start",
                severity="error",
                message=f"deployment {one.id} ends {_day(one.end)}, not after its start {_day(one.start)}",
                fix="Correct the two times; day and month may be exchanged.",
                ids=(one.id,),
                where=f"deployment {one.id}",
            )


def check_deployment_overlap(snapshot: Snapshot) -> Iterator[Finding]:
    """`deployment_overlap`: one camera at two places, or two cameras in one slot, at once."""
    ordered = [one for one in snapshot.deployments.values() if one.end > one.start]
    cameras = _by((one for one in ordered if one.camera_id), lambda one: one.camera_id)
    for camera, group in cameras.items():
        yield from _overlaps(group, f"camera {camera} was at {{}} and {{}} at the same time")
    slots = _by((one for one in ordered if one.slot), lambda one: f"{one.station_id} {one.slot}")
    for slot, group in slots.items():
        if len({one.camera_id for one in group}) > 1 or not group[0].camera_id:
            yield from _overlaps(group, f"position {slot} was held by {{}} and {{}} at the same time")


def _overlaps(group: Sequence[Deployment], message: str) -> Iterator[Finding]:
    reaching: Deployment | None = None  # of those before, the one that lasts longest
    for one in sorted(group, key=lambda each: (each.start, each.id)):
        if reaching is not None and reaching.end - one.start > timedelta(minutes=1):
            days = (min(reaching.end, one.end) - one.start) / timedelta(days=1)
            yield Finding(
                code="deployment_overlap",
                severity="error",
                message=f"{message.format(reaching.id, one.id)}, for {days:.1f} days",
                fix="Correct the set-up or pick-up time of one of them, or the name of the camera.",
                ids=(reaching.id, one.id),
                where=f"deployment {one.id}",
            )
        if reaching is None or one.end > reaching.end:
            reaching = one


def check_failures(snapshot: Snapshot) -> Iterator[Finding]:
    """`failure_outside_deployment`, `photo_during_failure`: dead times that cannot be right."""
    photos = _photos_by_deployment(snapshot)
    for one in snapshot.deployments.values():
        for failure in one.failures:
            span = f"{_day(failure.start)} … {_day(failure.end)}"
            if failure.end <= failure.start or failure.start < one.start or failure.end > one.end:
                yield Finding(
                    code="failure_outside_deployment",
                    severity="warning",
                    message=(
                        f"deployment {one.id} ({_day(one.start)} … {_day(one.end)}) has a failure {span}, "
                        "which does not lie inside it"
                    ),
                    fix="Correct the times of the failure; only what lies inside counts.",
                    ids=(one.id,),
                    where=f"deployment {one.id}",
                )
            during = [
                photo.id
                for photo in photos.get(one.id, ())
                if photo.time is not None and failure.start < photo.time < failure.end
            ]
            if during:
                yield Finding(
                    code="photo_during_failure",
                    severity="warning",
                    message=(
                        f"deployment {one.id} took {len(during)} photo(s) in its failure {span}: "
                        f"{listed(during)}"
                    ),
                    fix="Shorten the failure, or correct the clock; time without effort cannot bring photos.",
                    ids=(one.id, *during),
                    where=f"deployment {one.id}",
                )


def check_photos_in_deployment(snapshot: Snapshot) -> Iterator[Finding]:
    """`photo_outside_deployment`: photos taken before set-up or after pick-up."""
    for deployment_id, photos in _photos_by_deployment(snapshot).items():
        one = snapshot.deployments[deployment_id]
        outside = [
            photo
            for photo in photos
            if photo.time is not None and not one.start - _VISIT <= photo.time <= one.end + _VISIT
        ]
        if not outside or one.end <= one.start:
            continue
        times = sorted(photo.time for photo in outside if photo.time is not None)
        yield Finding(
            code="photo_outside_deployment",
            severity="warning",
            message=(
                f"{len(outside)} of {len(photos)} photos of deployment {one.id} "
                f"({_day(one.start)} … {_day(one.end)}) are dated {_day(times[0])} … {_day(times[-1])}: "
                f"{listed([photo.id for photo in outside])}"
            ),
            fix=(
                "If the camera's clock was wrong, correct it with a clock decision; "
                "else correct the times of the deployment."
            ),
            ids=(one.id, *(photo.id for photo in outside)),
            where=f"deployment {one.id}",
        )


def check_empty_deployments(snapshot: Snapshot) -> Iterator[Finding]:
    """`deployment_without_photos`, `station_without_deployment`: silence that may be a failure."""
    with_photos = {photo.deployment_id for photo in snapshot.media.values()}
    silent = [key for key in snapshot.deployments if key not in with_photos]
    if silent:
        yield Finding(
            code="deployment_without_photos",
            severity="warning",
            message=(
                f"{len(silent)} of {len(snapshot.deployments)} deployments have no photo: {listed(silent)}"
            ),
            fix=(
                "If a camera failed, say from when to when, else its days count as watched without a "
                "sighting. If only photos with animals were imported, this is as it should be."
            ),
            ids=tuple(silent),
        )
    used = {one.station_id for one in snapshot.deployments.values()}
    idle = [key for key in snapshot.stations if key not in used]
    if idle:
        yield Finding(
            code="station_without_deployment",
            severity="note",
            message=f"{len(idle)} station(s) never had a camera: {listed(idle)}",
            fix="Add the deployments if there were any; without one a station was not surveyed.",
            ids=tuple(idle),
        )


def check_clock_zones(snapshot: Snapshot) -> Iterator[Finding]:
    """`utc_offset_unknown`: nobody said in which zone the clocks ran."""
    unsaid = [key for key, one in snapshot.deployments.items() if one.utc_offset_minutes is None]
    if unsaid:
        yield Finding(
            code="utc_offset_unknown",
            severity="note",
            message=f"{len(unsaid)} deployment(s) have no UTC offset, 0 is taken: {listed(unsaid)}",
            fix="Give it when importing; without it days begin at the wrong hour.",
            ids=tuple(unsaid),
        )


#: States, code, what to say, what to do.
_STATES: tuple[tuple[tuple[MediaState, ...], str, str, str], ...] = (
    (("missing",), "media_missing", "are not where they should be", "Connect the disk, or import again."),
    (
        ("unreadable", "not_an_image", "empty_file"),
        "media_unreadable",
        "cannot be read",
        "Copy them from the card again; they stay in the survey, but nothing is read from them.",
    ),
)


def check_media_states(snapshot: Snapshot) -> Iterator[Finding]:
    """`media_missing`, `media_unreadable`, `media_pending`: photos that could not be used."""
    for states, code, what, fix in _STATES:
        photos = [photo for photo in snapshot.media.values() if photo.state in states]
        if photos:
            told = listed([f"{photo.id} ({photo.reason or photo.state})" for photo in photos])
            yield Finding(
                code=code,
                severity="warning",
                message=f"{len(photos)} photo(s) {what}: {told}",
                fix=fix,
                ids=tuple(photo.id for photo in photos),
            )
    pending = [photo.id for photo in snapshot.media.values() if photo.state == "pending"]
    if pending:
        yield Finding(
            code="media_pending",
            severity="note",
            message=f"{len(pending)} photo(s) have not been opened yet: {listed(pending)}",
            fix="Run the import again; it goes on where it stopped.",
            ids=tuple(pending),
        )


def check_media_times(snapshot: Snapshot) -> Iterator[Finding]:
    """`media_without_time`: readable photos that nobody can place in time."""
    timeless = [photo.id for photo in snapshot.media.values() if photo.state == "ok" and photo.time is None]
    if timeless:
        yield Finding(
            code="media_without_time",
            severity="warning",
            message=f"{len(timeless)} photo(s) have no time and belong to no encounter: {listed(timeless)}",
            fix="Give their times in the media table.",
            ids=tuple(timeless),
        )


def check_duplicates(snapshot: Snapshot) -> Iterator[Finding]:
    """`duplicate_photo`: the same file twice; across deployments a card was probably copied wrongly."""
    copies: dict[tuple[str, str], list[str]] = defaultdict(list)
    for photo in snapshot.media.values():
        if photo.duplicate_of:
            original = snapshot.media[photo.duplicate_of]
            copies[original.deployment_id, photo.deployment_id].append(photo.id)
    for (kept, other), photos in sorted(copies.items()):
        across = kept != other
        yield Finding(
            code="duplicate_photo",
            severity="warning" if across else "note",
            message=(
                f"{len(photos)} photo(s) of deployment {other} have the same content as photos of "
                f"{kept if across else 'the same deployment'}: {listed(photos)}"
            ),
            fix=(
                "Look to which camera they belong: a card was probably copied twice. "
                f"They count for {kept} only."
                if across
                else "Nothing need be done: each counts once."
            ),
            ids=tuple(photos),
            where=f"deployment {other}",
        )


def check_boxes(snapshot: Snapshot) -> Iterator[Finding]:
    """`box_out_of_frame`: detections whose box does not lie in the photo."""
    slack = 0.01  # detectors round
    wrong = [
        one.id
        for one in snapshot.detections
        if one.box is not None
        and not (
            min(one.box) >= -slack
            and one.box[0] + one.box[2] <= 1 + slack
            and one.box[1] + one.box[3] <= 1 + slack
        )
    ]
    if wrong:
        yield Finding(
            code="box_out_of_frame",
            severity="warning",
            message=f"{len(wrong)} detection(s) have a box outside the frame: {listed(wrong)}",
            fix="Boxes are x, y, width, height in fractions of the frame; divide pixels by its size.",
            ids=tuple(wrong),
        )


def check_two_places(snapshot: Snapshot, *, max_speed_km_per_h: float = SPEED_KM_PER_H) -> Iterator[Finding]:
    """`animal_in_two_places`: an animal that would have had to fly."""
    for animal in snapshot.individuals.values():
        seen = sorted(
            (snapshot.encounters[key] for key in animal.encounter_ids), key=lambda one: (one.start, one.id)
        )
        for before, after in pairwise(seen):
            a, b = snapshot.stations[before.station_id], snapshot.stations[after.station_id]
            km = distance_km(a.lon, a.lat, b.lon, b.lat)
            hours = max(after.start - before.end, _CLOCK_DOUBT) / timedelta(hours=1)
            if km >= _NEAR_KM and km / hours > max_speed_km_per_h:
                yield _two_places(animal.id, animal.name, before, after, km, hours)


def _two_places(
    animal: str, name: str, before: Encounter, after: Encounter, km: float, hours: float
) -> Finding:
    return Finding(
        code="animal_in_two_places",
        severity="warning",
        message=(
            f"{name or animal} was at {before.station_id} ({_day(before.end)}) and {km:.1f} km away at "
            f"{after.station_id} ({_day(after.start)}): {km / hours:.0f} km/h"
        ),
        fix="Two animals may have been merged, or a clock is wrong: compare the photos.",
        ids=(animal, before.id, after.id),
        where=f"individual {animal}",
    )


def check_idle_decisions(snapshot: Snapshot) -> Iterator[Finding]:
    """`decision_without_encounter`: judgements on photos that belong to no encounter have no effect."""
    inside = {photo for one in snapshot.encounters.values() for photo in one.media_ids}
    idle = [
        one
        for one in snapshot.decisions
        if one.kind in ("same", "different", "new", "name")
        and any(photo and photo not in inside for photo in (one.media_a, one.media_b))
    ]
    if idle:
        photos = dict.fromkeys(
            photo for one in idle for photo in (one.media_a, one.media_b) if photo and photo not in inside
        )
        yield Finding(
            code="decision_without_encounter",
            severity="note",
            message=(
                f"{len(idle)} decision(s) speak of photos that belong to no encounter "
                f"(no time, unreadable, a duplicate, or no animal): {listed(list(photos))}"
            ),
            fix="Nothing need be done, unless such a photo should count.",
            ids=tuple(photos),
        )


CHECKS: tuple[Callable[[Snapshot], Iterator[Finding]], ...] = (
    check_coordinates,
    check_far_stations,
    check_deployment_dates,
    check_deployment_overlap,
    check_failures,
    check_photos_in_deployment,
    check_empty_deployments,
    check_clock_reset,
    check_camera_order,
    check_exif_clock,
    check_clock_zones,
    check_media_states,
    check_media_times,
    check_duplicates,
    check_boxes,
    check_idle_decisions,
)


def check_snapshot(snapshot: Snapshot, *, max_speed_km_per_h: float = SPEED_KM_PER_H) -> list[Finding]:
    """Run every check; the findings in the order of the checks."""
    found = [finding for check in CHECKS for finding in check(snapshot)]
    return [*found, *check_two_places(snapshot, max_speed_km_per_h=max_speed_km_per_h)]


One = TypeVar("One")


def _by(ones: Iterable[One], key: Callable[[One], str]) -> dict[str, list[One]]:
    groups: dict[str, list[One]] = defaultdict(list)
    for one in ones:
        groups[key(one)].append(one)
    return groups


def _photos_by_deployment(snapshot: Snapshot) -> dict[str, list[Media]]:
    return _by(snapshot.media.values(), lambda photo: photo.deployment_id)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
