"""Write a survey as plain tables for spreadsheets.

The files carry a byte order mark: without it Excel shows Cyrillic and Chinese as rubbish. Times are
given twice, in UTC (ISO 8601) and on the survey's local clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from ghostcat.formats.left_out import write_left_out
from ghostcat.formats.sightings import Sighting, display_name, individual_sightings
from ghostcat.formats.text_output import Cell, iso_utc, local_time, prepare_folder, write_table, write_text
from ghostcat.survey.decisions import standing
from ghostcat.survey.effort import EffortRow, effort_table
from ghostcat.survey.evidence import Camera, Deployment, Snapshot, Station
from ghostcat.survey.history import EncounterHistory, encounter_history

__all__ = ["write_csv"]

_ENCODING = "utf-8-sig"
T = TypeVar("T")
Rows = tuple[Sequence[str], Iterable[Sequence[Cell]]]
Clock = Callable[[datetime | None], str]


def write_csv(
    snapshot: Snapshot,
    folder: Path | str,
    *,
    occasion_days: int = 1,
    start: date | None = None,
    end: date | None = None,
    group: str | None = None,
    crs: str | None = None,
) -> Path:
    """Write individuals, sightings, stations, deployments, effort, history, decisions and what is left out.

    Parameters
    ----------
    folder : made when it is not there.
    occasion_days, start, end, group, crs : of the encounter history, as in `encounter_history`;
        the other tables hold the whole survey.
    """
    target = prepare_folder(folder)
    history = encounter_history(
        snapshot, occasion_days=occasion_days, start=start, end=end, group=group, crs=crs
    )
    sightings = individual_sightings(snapshot) + individual_sightings(snapshot, counted=False)
    clock = partial(local_time, utc_offset_minutes=history.utc_offset_minutes)
    tables: dict[str, Rows] = {
        "individuals": _individuals(snapshot, sightings),
        "sightings": _sightings(snapshot, sightings, history, clock),
        "stations": _stations(snapshot, history),
        "deployments": _deployments(snapshot, clock),
        "effort": _effort(effort_table(snapshot, start=start, end=end, group=group), clock),
        "encounter_history": _history(history, clock),
        "usage": _usage(history),
        "decisions": _decisions(snapshot),
    }
    for name, (columns, rows) in tables.items():
        write_table(target / f"{name}.csv", columns, rows, encoding=_ENCODING)
    write_left_out(target / "left_out.csv", history.left_out, encoding=_ENCODING)
    write_text(target / "README.txt", _readme(snapshot, history))
    return target


def _tabulate(items: Iterable[T], columns: Mapping[str, Callable[[T], Cell]]) -> Rows:
    return list(columns), [[cell(item) for cell in columns.values()] for item in items]


def _individuals(snapshot: Snapshot, sightings: Sequence[Sighting]) -> Rows:
    own: dict[str, list[Sighting]] = {name: [] for name in snapshot.individuals}
    for sighting in sightings:
        own[sighting.individual.id].append(sighting)
    return _tabulate(
        snapshot.individuals.values(),
        {
            "individual": lambda a: a.id,
            "name": lambda a: a.name,
            "sex": lambda a: a.sex,
            "counted": lambda a: a.counted,
            "joined": lambda a: a.joined,
            "encounters": lambda a: len(own[a.id]),
            "stations": lambda a: len({s.encounter.station_id for s in own[a.id]}),
            "first_seen_utc": lambda a: iso_utc(min((s.time for s in own[a.id]), default=None)),
            "last_seen_utc": lambda a: iso_utc(max((s.time for s in own[a.id]), default=None)),
            "left_photos": lambda a: len(a.left_media),
            "right_photos": lambda a: len(a.right_media),
            "best_left_photo": lambda a: next(iter(a.left_media), ""),
            "best_right_photo": lambda a: next(iter(a.right_media), ""),
        },
    )


def _sightings(
    snapshot: Snapshot, sightings: Sequence[Sighting], history: EncounterHistory, clock: Clock
) -> Rows:
    used = {(history.animals[c.animal], c.encounter_id) for c in history.captures}
    return _tabulate(
        sightings,
        {
            "individual": lambda s: s.individual.id,
            "name": lambda s: display_name(s.individual),
            "sex": lambda s: s.individual.sex,
            "species": lambda s: s.species,
            "station": lambda s: s.encounter.station_id,
            "longitude": lambda s: snapshot.stations[s.encounter.station_id].lon,
            "latitude": lambda s: snapshot.stations[s.encounter.station_id].lat,
            "time_utc": lambda s: iso_utc(s.time),
            "time_local": lambda s: clock(s.time),
            "flank": lambda s: s.side,
            "photos": lambda s: len(s.media),
            "encounter": lambda s: s.encounter.id,
            "in_encounter_history": lambda s: (s.individual.id, s.encounter.id) in used,
            "files": lambda s: " | ".join(m.path for m in s.media),
        },
    )


def _stations(snapshot: Snapshot, history: EncounterHistory) -> Rows:
    place = {name: k for k, name in enumerate(history.stations)}
    days = history.station_days

    def metres(station: Station, axis: int) -> Cell:
        known = station.id in place
        return round(float(history.xy_m[place[station.id], axis]), 2) if known else None

    return _tabulate(
        snapshot.stations.values(),
        {
            "station": lambda s: s.id,
            "name": lambda s: s.name,
            "group": lambda s: s.group,
            "longitude": lambda s: s.lon,
            "latitude": lambda s: s.lat,
            "x_m": lambda s: metres(s, 0),
            "y_m": lambda s: metres(s, 1),
            "crs": lambda s: history.crs,
            "station_days": lambda s: round(float(days[place[s.id]]), 6) if s.id in place else None,
            "covariates": lambda s: _json(s.covariates),
        },
    )


def _deployments(snapshot: Snapshot, clock: Clock) -> Rows:
    nobody = Camera(id="")

    def camera(deployment: Deployment) -> Camera:
        return snapshot.cameras.get(deployment.camera_id, nobody)

    return _tabulate(
        snapshot.deployments.values(),
        {
            "deployment": lambda d: d.id,
            "station": lambda d: d.station_id,
            "slot": lambda d: d.slot,
            "camera": lambda d: d.camera_id,
            "make": lambda d: camera(d).make,
            "model": lambda d: camera(d).model,
            "serial": lambda d: camera(d).serial,
            "start_utc": lambda d: iso_utc(d.start),
            "end_utc": lambda d: iso_utc(d.end),
            "start_local": lambda d: clock(d.start),
            "end_local": lambda d: clock(d.end),
            "utc_offset_minutes": lambda d: d.utc_offset_minutes,
            "failures": lambda d: " | ".join(
                f"{iso_utc(f.start)}/{iso_utc(f.end)} {f.cause}".rstrip() for f in d.failures
            ),
            "height_m": lambda d: d.height_m,
            "facing_deg": lambda d: d.facing_deg,
            "setup_by": lambda d: d.setup_by,
            "comments": lambda d: d.comments,
            "covariates": lambda d: _json(d.covariates),
        },
    )


def _effort(rows: Iterable[EffortRow], clock: Clock) -> Rows:
    return _tabulate(
        rows,
        {
            "station": lambda r: r.station_id,
            "level": lambda r: r.level,
            "camera": lambda r: r.camera,
            "cameras": lambda r: r.cameras,
            "first_local": lambda r: clock(r.first),
            "last_local": lambda r: clock(r.last),
            "working_days": lambda r: round(r.working_days, 6),
            "dead_days": lambda r: round(r.dead_days, 6),
            "dead_causes": lambda r: " | ".join(f"{c}: {days:.2f} d" for c, days in r.causes.items()),
            "deployments": lambda r: " | ".join(r.deployment_ids),
        },
    )


def _history(history: EncounterHistory, clock: Clock) -> Rows:
    return _tabulate(
        history.captures,
        {
            "individual": lambda c: history.animals[c.animal],
            "name": lambda c: history.names[c.animal] or history.animals[c.animal],
            "sex": lambda c: history.sex[c.animal],
            "station": lambda c: history.stations[c.station],
            "occasion": lambda c: c.occasion + 1,
            "occasion_start": lambda c: history.occasions[c.occasion].isoformat(),
            "time_utc": lambda c: iso_utc(c.time),
            "time_local": lambda c: clock(c.time),
            "encounter": lambda c: c.encounter_id,
        },
    )


def _usage(history: EncounterHistory) -> Rows:
    """Station-days per occasion, one column per occasion named by its first day."""
    columns = ["station", *(day.isoformat() for day in history.occasions)]
    rows: list[Sequence[Cell]] = [
        (name, *(round(float(value), 6) for value in row))
        for name, row in zip(history.stations, history.usage, strict=True)
    ]
    return columns, rows


def _decisions(snapshot: Snapshot) -> Rows:
    counting = {d.id for d in standing(snapshot.decisions)}
    return _tabulate(
        snapshot.decisions,
        {
            "id": lambda d: d.id,
            "kind": lambda d: d.kind,
            "actor": lambda d: d.actor,
            "actor_kind": lambda d: d.actor_kind,
            "made_at_utc": lambda d: iso_utc(d.made_at),
            "photo_a": lambda d: d.media_a,
            "side_a": lambda d: d.side_a,
            "photo_b": lambda d: d.media_b,
            "side_b": lambda d: d.side_b,
            "deployment": lambda d: d.deployment_id,
            "value": lambda d: d.value,
            "confidence": lambda d: d.confidence,
            "undoes": lambda d: d.undoes,
            "counts": lambda d: d.id in counting,
            "shown": lambda d: _json(d.shown),
        },
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str) if value else ""


def _readme(snapshot: Snapshot, history: EncounterHistory) -> list[str]:
    title = " ".join(snapshot.name.split()) or "survey"
    return [
        f"{title}, exported by ghostcat from state {snapshot.fingerprint[:16]}.",
        *(["SYNTHETIC: these data were simulated, they are no field data."] if snapshot.synthetic else []),
        "",
        "individuals.csv        animals, and half-identities that are not counted (counted = false)",
        "sightings.csv          one row per animal and encounter",
        "stations.csv           places, with the days that each station watched",
        "deployments.csv        each camera between set-up and pick-up, with its failures",
        "effort.csv             days worked and lost per station and per camera, with causes",
        "encounter_history.csv  the sightings that an estimate uses",
        "usage.csv              days watched per station and occasion; 0 means not sampled",
        "decisions.csv          who decided what and when; counts = false: taken back",
        "left_out.csv           what an estimate does not use, and why",
        "",
        f"Local times are UTC{history.utc_offset_minutes / 60:+g} h; x_m and y_m are metres in "
        f"{history.crs or 'no system'}. Tables are UTF-8 with a byte order mark.",
    ]
