"""Who was seen where and when, against how long each station watched.

The encounter history is what every capture-recapture model starts from. One *capture* is one
encounter of one counted animal at one station. Whatever a survey holds and the history does not
use is listed in `left_out` with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.survey.effort import (
    CameraTime,
    Field,
    camera_times,
    effort_table,
    field_of,
    local_midnight,
    standing_exclusions,
)
from ghostcat.survey.evidence import Encounter, Finding, Individual, Snapshot
from ghostcat.survey.intervals import DAY, Interval, length, overlap_with_bins, to_microseconds, union

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Capture", "EncounterHistory", "effort_table", "encounter_history", "utm_crs"]


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One encounter of one animal. `animal`, `station` and `occasion` count from 0."""

    animal: int
    station: int
    occasion: int
    time: datetime
    """First moment of the encounter at which a camera of the station worked, UTC."""
    encounter_id: str


@dataclass(frozen=True, kw_only=True, eq=False)
class EncounterHistory:
    """Captures, effort and places; n animals, K stations, S occasions."""

    animals: tuple[str, ...]
    names: tuple[str, ...]
    sex: tuple[Literal["female", "male", ""], ...]
    stations: tuple[str, ...]
    groups: tuple[str, ...]
    """Group of each station."""
    occasions: tuple[date, ...]
    """First local day of each occasion."""
    occasion_days: int
    """Length of an occasion; the last one may be cut short by `end`."""
    start: date | None
    end: date | None
    """First and last local day, both included."""
    utc_offset_minutes: int
    """Offset that defines the local day."""
    captures: tuple[Capture, ...]
    usage: NDArray[np.float64]
    """(K, S) station-days: time in which at least one camera of the station worked. 0 = not sampled."""
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    xy_m: NDArray[np.float64]
    """(K, 2) metres in `crs`."""
    crs: str
    camera_days: float
    """Working time of all cameras added up, days."""
    dead_days: float
    """Time in which cameras should have worked and did not, added up, days."""
    dead_causes: Mapping[str, float]
    left_out: tuple[Finding, ...]

    @property
    def station_days(self) -> NDArray[np.float64]:
        """(K,) days watched by each station."""
        return np.asarray(self.usage.sum(axis=1), dtype=np.float64)

    def counts(self) -> NDArray[np.int64]:
        """(n, K) captures of each animal at each station, occasions added up."""
        counts = np.zeros((len(self.animals), len(self.stations)), dtype=np.int64)
        for capture in self.captures:
            counts[capture.animal, capture.station] += 1
        return counts

    def table(self) -> pd.DataFrame:
        """One row per capture, ids instead of indices, occasions counted from 1."""
        import pandas as pd

        columns = ["animal", "name", "station", "occasion", "occasion_start", "time", "encounter"]
        rows = [
            (
                self.animals[c.animal],
                self.names[c.animal],
                self.stations[c.station],
                c.occasion + 1,
                self.occasions[c.occasion],
                c.time,
                c.encounter_id,
            )
            for c in self.captures
        ]
        return pd.DataFrame(rows, columns=columns)


def encounter_history(
    snapshot: Snapshot,
    *,
    occasion_days: int = 1,
    start: date | None = None,
    end: date | None = None,
    group: str | None = None,
    crs: str | None = None,
) -> EncounterHistory:
    """Encounter history and effort of the counted animals.

    Occasions are runs of `occasion_days` local days from `start`; the local day is that of the
    median UTC offset of the deployments. Stations without effort stay in, with usage 0.

    Parameters
    ----------
    occasion_days : days per occasion, ≥ 1.
    start, end : first and last local day, included; by default those of the deployments.
    group : only stations of this group.
    crs : a projected system in metres, for example `EPSG:32652`; by default the UTM zone
        of the middle of the stations.

    Raises
    ------
    ParameterError : `occasion_days` < 1, unknown group, `end` before `start`, `crs` not in metres.
    """
    if occasion_days < 1:
        raise ParameterError(f"occasion_days is {occasion_days}", fix="An occasion lasts at least 1 day.")
    chosen = field_of(snapshot, start=start, end=end, group=group)
    cameras = camera_times(chosen)
    stations = tuple(chosen.stations)
    working = _station_working(stations, cameras)
    occasions, edges = _occasions(chosen, occasion_days)
    microseconds = np.zeros((len(stations), len(occasions)), dtype=np.int64)
    for k, name in enumerate(stations):
        microseconds[k] = overlap_with_bins(working[name], edges)

    findings = list(chosen.findings)
    findings += _idle_stations(stations, microseconds)
    sightings = _sightings(snapshot, chosen, findings)
    animals, captures = _captures(snapshot, sightings, stations, working, edges, microseconds, findings)
    findings += _never_captured(snapshot, chosen, animals)
    lon = np.array([s.lon for s in chosen.stations.values()], dtype=np.float64)
    lat = np.array([s.lat for s in chosen.stations.values()], dtype=np.float64)
    xy_m, crs_name = _project(lon, lat, crs)
    causes: dict[str, float] = {}
    for camera in cameras:
        for begin, stop, cause in camera.dead:
            causes[cause] = causes.get(cause, 0.0) + (stop - begin) / DAY
    return EncounterHistory(
        animals=tuple(a.id for a in animals),
        names=tuple(a.name for a in animals),
        sex=tuple(a.sex for a in animals),
        stations=stations,
        groups=tuple(s.group for s in chosen.stations.values()),
        occasions=occasions,
        occasion_days=occasion_days,
        start=chosen.start,
        end=chosen.end,
        utc_offset_minutes=chosen.utc_offset_minutes,
        captures=captures,
        usage=microseconds / DAY,
        lon=lon,
        lat=lat,
        xy_m=xy_m,
        crs=crs_name,
        camera_days=sum(length(c.working) for c in cameras) / DAY,
        dead_days=sum(b - a for c in cameras for a, b, _ in c.dead) / DAY,
        dead_causes=dict(sorted(causes.items())),
        left_out=tuple(findings),
    )


def utm_crs(lon: Iterable[float], lat: Iterable[float]) -> str:
    """EPSG name of the UTM zone of the middle of some places; it also works across ±180°.

    >>> utm_crs([131.0, 131.3], [43.1, 43.2])
    'EPSG:32652'
    """
    angle = np.radians(np.fromiter(lon, dtype=np.float64))
    middle = float(np.degrees(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())))
    zone = min(int((middle + 180.0) // 6.0) + 1, 60)
    north = float(np.fromiter(lat, dtype=np.float64).mean()) >= 0.0
    return f"EPSG:{(32600 if north else 32700) + zone}"


def _project(
    lon: NDArray[np.float64], lat: NDArray[np.float64], crs: str | None
) -> tuple[NDArray[np.float64], str]:
    if crs is None and len(lon) == 0:
        return np.zeros((0, 2)), ""
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    name = crs or utm_crs(lon, lat)
    try:
        target = CRS.from_user_input(name)
    except CRSError as error:
        raise ParameterError(
            f"'{name}' is not a coordinate system", fix="Give one by its EPSG code, such as EPSG:32652."
        ) from error
    if not target.is_projected or any(axis.unit_name != "metre" for axis in target.axis_info):
        raise ParameterError(
            f"coordinates in {name} are not in metres",
            fix="Choose a projected system in metres, such as UTM.",
        )
    x, y = Transformer.from_crs("EPSG:4326", target, always_xy=True).transform(lon, lat)
    return np.column_stack([x, y]).reshape(-1, 2), name


def _occasions(chosen: Field, occasion_days: int) -> tuple[tuple[date, ...], NDArray[np.int64]]:
    if chosen.start is None or chosen.end is None:
        return (), np.zeros(1, dtype=np.int64)
    total = (chosen.end - chosen.start).days + 1
    starts = tuple(chosen.start + timedelta(days=d) for d in range(0, total, occasion_days))
    stops = (*starts, chosen.end + timedelta(days=1))
    edges = np.array([local_midnight(d, chosen.utc_offset_minutes) for d in stops], dtype=np.int64)
    return starts, edges


def _station_working(stations: tuple[str, ...], cameras: tuple[CameraTime, ...]) -> dict[str, list[Interval]]:
    parts: dict[str, list[Interval]] = {name: [] for name in stations}
    for camera in cameras:
        parts[camera.station_id] += camera.working
    return {name: union(intervals) for name, intervals in parts.items()}


def _idle_stations(stations: tuple[str, ...], microseconds: NDArray[np.int64]) -> list[Finding]:
    idle = tuple(name for name, row in zip(stations, microseconds, strict=True) if not row.any())
    if not idle:
        return []
    return [
        Finding(
            code="station_without_effort",
            severity="note",
            message=f"{len(idle)} station(s) did not watch at all in this period: not sampled",
            ids=idle,
        )
    ]


def _sightings(
    snapshot: Snapshot, chosen: Field, findings: list[Finding]
) -> list[tuple[Individual, Encounter]]:
    """Counted animals with the encounters that may be used, in order; the rest goes to `findings`."""
    barred = _barred_encounters(snapshot, chosen, findings)
    here = {e.id for e in snapshot.encounters.values() if e.station_id in chosen.stations}
    resolved: set[str] = set()
    halves: list[str] = []
    pairs: list[tuple[Individual, Encounter]] = []
    for animal in sorted(snapshot.individuals.values(), key=lambda a: a.id):
        own = [name for name in dict.fromkeys(animal.encounter_ids) if name in here]
        resolved.update(own)
        if not animal.counted:
            halves += [animal.id] if own else []
            continue
        usable = [snapshot.encounters[name] for name in own if name not in barred]
        pairs += [(animal, e) for e in sorted(usable, key=lambda e: (e.start, e.id))]
    if halves:
        findings.append(
            Finding(
                code="half_identity_not_counted",
                severity="note",
                message=f"{len(halves)} half-identities may be the other side of counted animals",
                fix="Join or separate them in a review.",
                ids=tuple(halves),
            )
        )
    findings += _without_identity(snapshot, [name for name in here if name not in resolved | barred])
    return pairs


def _barred_encounters(snapshot: Snapshot, chosen: Field, findings: list[Finding]) -> set[str]:
    media_reasons, deployment_reasons = standing_exclusions(snapshot)
    encounter_of = {m: e for e in snapshot.encounters.values() for m in e.media_ids}
    barred: dict[str, str] = {}
    for media_id, reason in sorted(media_reasons.items()):
        if media_id in encounter_of:
            barred.setdefault(encounter_of[media_id].id, reason)
    for encounter in snapshot.encounters.values():
        owners = {snapshot.media[m].deployment_id for m in encounter.media_ids if m in snapshot.media}
        if owners and owners <= deployment_reasons.keys():
            barred.setdefault(encounter.id, deployment_reasons[min(owners)])
    for name, reason in sorted(barred.items()):
        if snapshot.encounters[name].station_id in chosen.stations:
            findings.append(
                Finding(
                    code="encounter_excluded",
                    severity="note",
                    message=f"encounter {name} is left out: {reason or 'no reason given'}",
                    fix="Undo the decision to take it in again.",
                    ids=(name,),
                    where=f"station {snapshot.encounters[name].station_id}",
                )
            )
    return set(barred)


#: Why an encounter belongs to no individual: the message, and what to do.
_UNNAMED = {
    "unresolved_encounter": (
        "encounter(s) show a usable flank that belongs to nobody yet",
        "Answer the open questions in a review.",
    ),
    "no_usable_flank": ("encounter(s) show no flank that can be identified", ""),
    "no_animal_seen": ("encounter(s) turned out to show no animal", ""),
    "not_examined": ("encounter(s) have not been examined yet", "Run the identification."),
}


def _without_identity(snapshot: Snapshot, names: list[str]) -> list[Finding]:
    animals = {d.media_id for d in snapshot.detections if d.category == "animal"}
    ids: dict[str, list[str]] = {code: [] for code in _UNNAMED}
    for name in sorted(names):
        media = snapshot.encounters[name].media_ids
        flanks = [snapshot.flanks[m] for m in media if m in snapshot.flanks]
        if any(flank.usable for flank in flanks):
            ids["unresolved_encounter"].append(name)
        elif any(flank.reason != "no_animal" for flank in flanks) or not animals.isdisjoint(media):
            ids["no_usable_flank"].append(name)
        else:
            ids["no_animal_seen" if flanks else "not_examined"].append(name)
    return [
        Finding(code=code, severity="note", message=f"{len(ids[code])} {text}", fix=fix, ids=tuple(ids[code]))
        for code, (text, fix) in _UNNAMED.items()
        if ids[code]
    ]


def _captures(
    snapshot: Snapshot,
    sightings: list[tuple[Individual, Encounter]],
    stations: tuple[str, ...],
    working: Mapping[str, list[Interval]],
    edges: NDArray[np.int64],
    microseconds: NDArray[np.int64],
    findings: list[Finding],
) -> tuple[tuple[Individual, ...], tuple[Capture, ...]]:
    place = {name: k for k, name in enumerate(stations)}
    kept: list[tuple[Individual, Encounter, int, datetime]] = []
    outside: list[str] = []
    for animal, encounter in sightings:
        times = _photo_times(snapshot, encounter)
        inside = [t for t in times if edges[0] <= to_microseconds(t) < edges[-1]]
        if not inside:
            outside.append(encounter.id)
            continue
        k = place[encounter.station_id]
        found = _first_watched(inside, working[encounter.station_id], edges, microseconds[k])
        if found is None:
            findings.append(_no_effort(animal, encounter))
        else:
            kept.append((animal, encounter, *found))
    if outside:
        findings.append(
            Finding(
                code="outside_period",
                severity="note",
                message=f"{len(set(outside))} encounter(s) lie outside the period",
                ids=tuple(sorted(set(outside))),
            )
        )
    animals = tuple({animal.id: animal for animal, *_ in kept}.values())
    index = {animal.id: i for i, animal in enumerate(animals)}
    captures = [
        Capture(
            animal=index[animal.id],
            station=place[encounter.station_id],
            occasion=occasion,
            time=time,
            encounter_id=encounter.id,
        )
        for animal, encounter, occasion, time in kept
    ]
    return animals, tuple(captures)


def _photo_times(snapshot: Snapshot, encounter: Encounter) -> list[datetime]:
    times = [snapshot.media[m].time for m in encounter.media_ids if m in snapshot.media]
    return sorted({encounter.start, *(t for t in times if t is not None)})


def _first_watched(
    times: list[datetime],
    working: list[Interval],
    edges: NDArray[np.int64],
    usage: NDArray[np.int64],
) -> tuple[int, datetime] | None:
    """Occasion and time of the first photo that effort accounts for.

    A photo taken in the very last second of a deployment still counts, so ends are included; it
    belongs to the occasion in which the camera worked, not to one that begins at that moment.
    """
    for time in times:
        moment = to_microseconds(time)
        if not any(start <= moment <= end for start, end in working):
            continue
        occasion = int(np.searchsorted(edges, moment, side="right")) - 1
        if usage[occasion] == 0:
            occasion -= 1
        return occasion, time
    return None


def _no_effort(animal: Individual, encounter: Encounter) -> Finding:
    return Finding(
        code="capture_without_effort",
        severity="warning",
        message=(
            f"{animal.name or animal.id} was photographed on {encounter.start.isoformat()}, "
            "when according to the effort no camera of the station worked"
        ),
        fix="Check the times of the deployment, its failures and the camera's clock.",
        ids=(encounter.id, animal.id),
        where=f"station {encounter.station_id}",
    )


def _never_captured(snapshot: Snapshot, chosen: Field, animals: tuple[Individual, ...]) -> list[Finding]:
    here = {e.id for e in snapshot.encounters.values() if e.station_id in chosen.stations}
    wanted = {a.id for a in snapshot.individuals.values() if a.counted and here.intersection(a.encounter_ids)}
    lost = tuple(sorted(wanted - {a.id for a in animals}))
    if not lost:
        return []
    return [
        Finding(
            code="animal_without_capture",
            severity="note",
            message=f"{len(lost)} counted animal(s) have no capture that can be used",
            ids=lost,
        )
    ]
