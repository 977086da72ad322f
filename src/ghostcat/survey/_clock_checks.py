"""Checks of camera clocks: reset, set back, jumped, or at odds with the source's own times."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import PurePosixPath
from statistics import median

from ghostcat.survey._wording import listed
from ghostcat.survey.evidence import Finding, Media, Snapshot

__all__ = ["check_camera_order", "check_clock_reset", "check_exif_clock"]

#: Cameras whose battery died wake up in one of these years or before.
_RESET_YEAR = 2001
#: Backwards by less is a burst whose file numbers got mixed, or a clock set right by hand.
_BACKWARDS = timedelta(hours=1)
_LEAP = timedelta(days=300)
_DISAGREES_S = 60.0
#: File numbers start again after 9999.
_LAST_NUMBER = 9000

_NUMBERED = re.compile(r"^(.*?)(\d+)(\D*)$")


def check_clock_reset(snapshot: Snapshot) -> Iterator[Finding]:
    """`clock_reset`: photos dated as by a camera that has lost its date."""
    lost: dict[str, list[Media]] = defaultdict(list)
    for photo in snapshot.media.values():
        if photo.camera_time is not None and photo.camera_time.year <= _RESET_YEAR:
            lost[photo.deployment_id].append(photo)
    for deployment_id, photos in lost.items():
        if snapshot.deployments[deployment_id].start.year <= _RESET_YEAR:
            continue
        first = min(photo.camera_time for photo in photos if photo.camera_time is not None)
        yield Finding(
            code="clock_reset",
            severity="warning",
            message=(
                f"the clock of deployment {deployment_id} fell back to {first:%Y-%m-%d}: "
                f"{len(photos)} photo(s), {listed([photo.id for photo in photos])}"
            ),
            fix="Correct it with a clock decision if the date of one of the photos is known.",
            ids=(deployment_id, *(photo.id for photo in photos)),
            where=f"deployment {deployment_id}",
        )


def check_camera_order(snapshot: Snapshot) -> Iterator[Finding]:
    """`clock_jump`: in the order of their file numbers, photos go back in time or leap ahead."""
    series: dict[tuple[str, str, str], list[tuple[int, Media]]] = defaultdict(list)
    for photo in snapshot.media.values():
        path = PurePosixPath(photo.path.replace("\\", "/"))
        name = _NUMBERED.match(path.stem)
        if photo.camera_time is not None and name is not None:
            series[photo.deployment_id, str(path.parent), name[1]].append((int(name[2]), photo))
    for (deployment_id, _, _), numbered in series.items():
        photos = [photo for _, photo in sorted(numbered, key=lambda item: (item[0], item[1].id))]
        jumps = [(a, b) for a, b in pairwise(photos) if _jumped(a, b)]
        if not jumps or (len(jumps) == 1 and _numbers_started_again(numbered, photos)):
            continue
        before, after = jumps[0]
        yield Finding(
            code="clock_jump",
            severity="warning",
            message=(
                f"the clock of deployment {deployment_id} jumped {len(jumps)} time(s), first from "
                f"{before.camera_time:%Y-%m-%d %H:%M} ({before.id}) to "
                f"{after.camera_time:%Y-%m-%d %H:%M} ({after.id})"
            ),
            fix="If it was wrong from there on, correct it; a clock decision holds for a whole deployment.",
            ids=(deployment_id, *(photo.id for _, photo in jumps)),
            where=f"deployment {deployment_id}",
        )


def _jumped(before: Media, after: Media) -> bool:
    if before.camera_time is None or after.camera_time is None:
        return False
    step = after.camera_time - before.camera_time
    return step < -_BACKWARDS or step > _LEAP


def _numbers_started_again(numbered: list[tuple[int, Media]], photos: list[Media]) -> bool:
    first, last = photos[0].camera_time, photos[-1].camera_time
    wrapped = max(number for number, _ in numbered) >= _LAST_NUMBER
    return wrapped and first is not None and last is not None and last <= first


def check_exif_clock(snapshot: Snapshot) -> Iterator[Finding]:
    """`clock_differs`: the source gives other times than the files themselves."""
    off: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for photo in snapshot.media.values():
        if photo.camera_time is not None and photo.exif_time is not None:
            seconds = (photo.camera_time - photo.exif_time).total_seconds()
            if abs(seconds) > _DISAGREES_S:
                off[photo.deployment_id].append((seconds, photo.id))
    for deployment_id, photos in off.items():
        middle = median(seconds for seconds, _ in photos)
        ids = [photo for _, photo in photos]
        yield Finding(
            code="clock_differs",
            severity="warning",
            message=(
                f"the source dates {len(photos)} photo(s) of deployment {deployment_id} "
                f"{middle:+.0f} s (median) off what the files say: {listed(ids)}"
            ),
            fix="The source's times are used. Whole hours hint at a wrong UTC offset: see which is right.",
            ids=(deployment_id, *ids),
            where=f"deployment {deployment_id}",
        )
