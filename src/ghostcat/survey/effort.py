"""How long each camera and each station really watched, and why it did not.

A station watches while at least one of its cameras works; a camera works between set-up and
pick-up except in its failures. Time in which a camera should have worked and did not is *dead*:
its failures, and the gaps between two deployments of the same camera position. A gap is not dead
while the whole survey rests: when no camera stands anywhere for more than `SEASON_BREAK_DAYS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median_low

from ghostcat.errors import ParameterError
from ghostcat.survey.decisions import standing
from ghostcat.survey.evidence import Deployment, Finding, Snapshot, Station
from ghostcat.survey.intervals import (
    DAY,
    Interval,
    intersect,
    length,
    subtract,
    to_datetime,
    to_microseconds,
    union,
)

__all__ = [
    "GAP",
    "SEASON_BREAK_DAYS",
    "UNSTATED",
    "CameraTime",
    "EffortRow",
    "Field",
    "camera_times",
    "effort_table",
    "field_of",
    "local_midnight",
    "standing_exclusions",
]

#: A rest of the whole survey longer than this separates two seasons.
SEASON_BREAK_DAYS = 30
#: Cause of dead time between two deployments of one camera position.
GAP = "between deployments"
#: Cause of a failure for which nobody gave one.
UNSTATED = "unstated"

_MINUTE = 60_000_000


@dataclass(frozen=True, kw_only=True)
class Field:
    """The part of a survey that is looked at: stations, deployments and a span of local days.

    `start` and `end` are the first and last local day, both included; None when no camera was
    ever set up. `utc_offset_minutes` defines the local day.
    """

    stations: Mapping[str, Station]
    deployments: Mapping[str, Deployment]
    start: date | None
    end: date | None
    utc_offset_minutes: int
    findings: tuple[Finding, ...] = ()

    @property
    def window(self) -> Interval:
        """The span in microseconds UTC; empty when there is none."""
        if self.start is None or self.end is None:
            return (0, 0)
        after = self.end + timedelta(days=1)
        return (
            local_midnight(self.start, self.utc_offset_minutes),
            local_midnight(after, self.utc_offset_minutes),
        )


@dataclass(frozen=True, kw_only=True)
class CameraTime:
    """One camera position of one station. Intervals are microseconds UTC, tidy."""

    station_id: str
    camera: str
    """Slot, else camera id, else empty."""
    deployment_ids: tuple[str, ...]
    deployed: tuple[Interval, ...]
    working: tuple[Interval, ...]
    dead: tuple[tuple[int, int, str], ...]
    """Start, end and cause, without overlap."""


@dataclass(frozen=True, kw_only=True)
class EffortRow:
    """Days watched and lost by one camera position, or by the station as a whole (`camera` empty)."""

    station_id: str
    level: str
    """`station` or `camera`."""
    camera: str
    cameras: int
    deployment_ids: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    working_days: float
    """Of a station: days in which at least one camera worked."""
    dead_days: float
    """Of a station: days in which a camera should have worked and none did."""
    causes: Mapping[str, float] = field(default_factory=dict)
    """Camera-days lost per cause, added up over the cameras."""


def local_midnight(day: date, utc_offset_minutes: int) -> int:
    """Microseconds UTC at which a local day begins."""
    return to_microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC)) - utc_offset_minutes * _MINUTE


def standing_exclusions(snapshot: Snapshot) -> tuple[dict[str, str], dict[str, str]]:
    """What the decisions that still stand leave out: photo → reason, deployment → reason."""
    media: dict[str, str] = {}
    deployments: dict[str, str] = {}
    for decision in standing(snapshot.decisions):
        if decision.kind != "exclude":
            continue
        if decision.media_a:
            media[decision.media_a] = decision.value
        elif decision.deployment_id:
            deployments[decision.deployment_id] = decision.value
    return media, deployments


def field_of(
    snapshot: Snapshot, *, start: date | None = None, end: date | None = None, group: str | None = None
) -> Field:
    """Choose stations, deployments and days.

    Parameters
    ----------
    start, end : first and last local day, included; by default those of the deployments.
    group : only stations of this group; all when None.

    Raises
    ------
    ParameterError : unknown group, or `end` before `start`.
    """
    stations = {s.id: s for s in sorted(snapshot.stations.values(), key=lambda s: s.id)}
    if group is not None:
        known = sorted({s.group for s in stations.values()})
        stations = {s.id: s for s in stations.values() if s.group == group}
        if not stations:
            raise ParameterError(
                f"no station belongs to the group '{group}'",
                fix=f"Groups of this survey: {', '.join(name or '(none)' for name in known) or '(none)'}.",
            )
    excluded = standing_exclusions(snapshot)[1]
    findings: list[Finding] = []
    deployments: dict[str, Deployment] = {}
    for deployment in sorted(snapshot.deployments.values(), key=lambda d: (d.start, d.id)):
        if deployment.station_id not in stations:
            continue
        if deployment.id in excluded:
            findings.append(_excluded_deployment(deployment, excluded[deployment.id]))
        elif deployment.end <= deployment.start:
            findings.append(_backward_deployment(deployment))
        else:
            deployments[deployment.id] = deployment
    offset = _survey_offset(deployments.values(), findings)
    first, last = _span(deployments.values(), offset)
    first, last = start or first, end or last
    if first is not None and last is not None and last < first:
        raise ParameterError(
            f"the period ends on {last}, before it starts on {first}", fix="Swap or correct the two days."
        )
    return Field(
        stations=stations,
        deployments=deployments,
        start=first,
        end=last,
        utc_offset_minutes=offset,
        findings=tuple(findings),
    )


def camera_times(chosen: Field) -> tuple[CameraTime, ...]:
    """Working and dead time of each camera position inside the chosen span, by station and camera."""
    by_camera: dict[tuple[str, str], list[Deployment]] = {}
    for deployment in chosen.deployments.values():
        key = (deployment.station_id, deployment.slot or deployment.camera_id)
        by_camera.setdefault(key, []).append(deployment)
    in_field = union(_interval(d) for d in chosen.deployments.values())
    return tuple(
        _camera_time(station_id, camera, by_camera[station_id, camera], chosen.window, in_field)
        for station_id, camera in sorted(by_camera)
    )


def effort_table(
    snapshot: Snapshot, *, start: date | None = None, end: date | None = None, group: str | None = None
) -> tuple[EffortRow, ...]:
    """Effort per station, each followed by its cameras; arguments as in `field_of`.

    Stations that never had a camera are listed with zero days: they were not sampled.
    """
    chosen = field_of(snapshot, start=start, end=end, group=group)
    by_station: dict[str, list[CameraTime]] = {station_id: [] for station_id in chosen.stations}
    for camera in camera_times(chosen):
        by_station[camera.station_id].append(camera)
    rows: list[EffortRow] = []
    for station_id, cameras in by_station.items():
        rows.append(_station_row(station_id, cameras))
        rows.extend(_camera_row(camera) for camera in cameras)
    return tuple(rows)


def _camera_time(
    station_id: str,
    camera: str,
    deployments: list[Deployment],
    window: Interval,
    in_field: list[Interval],
) -> CameraTime:
    deployed = union(_interval(d) for d in deployments)
    losses = [
        (to_microseconds(f.start), to_microseconds(f.end), f.cause or UNSTATED, d)
        for d in deployments
        for f in d.failures
    ]
    # A failure takes away the time of its own deployment only: another camera
    # in the same position may have been watching.
    working = union(
        part
        for d in deployments
        for part in subtract([_interval(d)], [(s, e) for s, e, _, owner in losses if owner is d])
    )
    working = intersect(working, [window])
    dead: list[tuple[int, int, str]] = []
    taken = list(working)
    for start, end, cause, owner in sorted(losses, key=lambda loss: loss[:3]):
        parts = subtract(intersect(intersect([(start, end)], [_interval(owner)]), [window]), taken)
        dead += [(a, b, cause) for a, b in parts]
        taken += parts
    gaps = subtract([(deployed[0][0], deployed[-1][1])], deployed)
    rests = [rest for rest in _between(in_field) if rest[1] - rest[0] > SEASON_BREAK_DAYS * DAY]
    dead += [(a, b, GAP) for a, b in intersect(subtract(gaps, rests), [window])]
    return CameraTime(
        station_id=station_id,
        camera=camera,
        deployment_ids=tuple(d.id for d in deployments),
        deployed=tuple(intersect(deployed, [window])),
        working=tuple(working),
        dead=tuple(sorted(dead)),
    )


def _station_row(station_id: str, cameras: list[CameraTime]) -> EffortRow:
    working = union(part for camera in cameras for part in camera.working)
    dead = subtract(((a, b) for camera in cameras for a, b, _ in camera.dead), working)
    causes: dict[str, float] = {}
    for camera in cameras:
        for cause, days in _causes(camera).items():
            causes[cause] = causes.get(cause, 0.0) + days
    return EffortRow(
        station_id=station_id,
        level="station",
        camera="",
        cameras=len(cameras),
        deployment_ids=tuple(name for camera in cameras for name in camera.deployment_ids),
        first=_moment(min((part[0] for camera in cameras for part in camera.deployed), default=None)),
        last=_moment(max((part[1] for camera in cameras for part in camera.deployed), default=None)),
        working_days=length(working) / DAY,
        dead_days=length(dead) / DAY,
        causes=causes,
    )


def _camera_row(camera: CameraTime) -> EffortRow:
    return EffortRow(
        station_id=camera.station_id,
        level="camera",
        camera=camera.camera,
        cameras=1,
        deployment_ids=camera.deployment_ids,
        first=_moment(min((part[0] for part in camera.deployed), default=None)),
        last=_moment(max((part[1] for part in camera.deployed), default=None)),
        working_days=length(camera.working) / DAY,
        dead_days=sum(b - a for a, b, _ in camera.dead) / DAY,
        causes=_causes(camera),
    )


def _causes(camera: CameraTime) -> dict[str, float]:
    microseconds: dict[str, int] = {}
    for start, end, cause in camera.dead:
        microseconds[cause] = microseconds.get(cause, 0) + end - start
    return {cause: total / DAY for cause, total in sorted(microseconds.items())}


def _interval(deployment: Deployment) -> Interval:
    return (to_microseconds(deployment.start), to_microseconds(deployment.end))


def _between(tidy: list[Interval]) -> list[Interval]:
    return [(before[1], after[0]) for before, after in pairwise(tidy)]


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else to_datetime(microseconds)


def _survey_offset(deployments: Iterable[Deployment], findings: list[Finding]) -> int:
    offsets = [d.utc_offset_minutes for d in deployments if d.utc_offset_minutes is not None]
    if not offsets:
        findings.append(
            Finding(
                code="utc_offset_unknown",
                severity="warning",
                message="no deployment says how far its clock is from UTC; days are counted in UTC",
                fix="Give the UTC offset of the cameras.",
            )
        )
        return 0
    if len(set(offsets)) > 1:
        findings.append(
            Finding(
                code="several_utc_offsets",
                severity="note",
                message=(
                    f"cameras run on {len(set(offsets))} different UTC offsets; "
                    f"days are counted in UTC{median_low(offsets) / 60:+g} h, the median"
                ),
            )
        )
    # The lower median is always an offset that a camera really had.
    return median_low(offsets)


def _span(deployments: Iterable[Deployment], offset: int) -> tuple[date | None, date | None]:
    intervals = [_interval(d) for d in deployments]
    if not intervals:
        return None, None
    first = min(start for start, _ in intervals) + offset * _MINUTE
    # A deployment that ends at local midnight does not reach into the day that begins then.
    last = max(end for _, end in intervals) + offset * _MINUTE - 1
    return to_datetime(first).date(), to_datetime(last).date()


def _excluded_deployment(deployment: Deployment, reason: str) -> Finding:
    return Finding(
        code="deployment_excluded",
        severity="note",
        message=f"deployment {deployment.id} is left out, effort and photos: {reason or 'no reason given'}",
        fix="Undo the decision to take it in again.",
        ids=(deployment.id,),
        where=f"station {deployment.station_id}",
    )


def _backward_deployment(deployment: Deployment) -> Finding:
    return Finding(
        code="deployment_without_duration",
        severity="error",
        message=(
            f"deployment {deployment.id} ends ({deployment.end.isoformat()}) "
            f"no later than it starts ({deployment.start.isoformat()}); it gives no effort"
        ),
        fix="Correct the two times and import again.",
        ids=(deployment.id,),
        where=f"station {deployment.station_id}",
    )
