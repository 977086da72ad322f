"""Put a portrait together from a survey as it stands and an estimate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from ghostcat.portrait.portrait import (
    MINIMUM_COUNT_RULE,
    CatalogueEntry,
    Effort,
    Estimate,
    Portrait,
    Refusal,
    StationLine,
)
from ghostcat.survey.effort import effort_table
from ghostcat.survey.evidence import Encounter, Finding, Individual, Snapshot
from ghostcat.survey.history import EncounterHistory

__all__ = ["catalogue", "compose_portrait", "effort_statement"]


def compose_portrait(
    snapshot: Snapshot,
    history: EncounterHistory,
    estimate: Estimate | Refusal,
    *,
    made_at: datetime,
    questions: int,
    findings: Sequence[Finding] = (),
    provenance: Mapping[str, str] | None = None,
    title: str = "",
) -> Portrait:
    """Everything that the report shows of one survey, computed once.

    Parameters
    ----------
    snapshot : the survey as it stands.
    history : its encounter history; what it left out is told in the portrait.
    estimate : what the encounter history carries, or why it carries nothing.
    made_at : time of making, timezone-aware.
    questions : pairs that wait for a person.
    findings : what `check` says of the survey.
    """
    entries = catalogue(snapshot)
    return Portrait(
        title=title or snapshot.name,
        made_at=made_at,
        synthetic=snapshot.synthetic,
        effort=effort_statement(snapshot, history),
        catalogue=entries,
        minimum_count=sum(entry.counted for entry in entries),
        minimum_count_rule=MINIMUM_COUNT_RULE,
        questions=questions,
        estimate=estimate,
        left_out=history.left_out,
        findings=tuple(findings),
        provenance=dict(provenance or {}),
        snapshot=snapshot,
    )


def catalogue(snapshot: Snapshot) -> tuple[CatalogueEntry, ...]:
    """Every animal, those seen most first."""
    entries = [_entry(individual, snapshot.encounters) for individual in snapshot.individuals.values()]
    return tuple(sorted(entries, key=lambda e: (not e.counted, -e.passes, e.first_seen, e.individual_id)))


def _entry(individual: Individual, encounters: Mapping[str, Encounter]) -> CatalogueEntry:
    seen = sorted((encounters[name] for name in individual.encounter_ids), key=lambda e: (e.start, e.id))
    return CatalogueEntry(
        individual_id=individual.id,
        name=individual.name,
        sex=individual.sex,
        left_photo=next(iter(individual.left_media), ""),
        right_photo=next(iter(individual.right_media), ""),
        passes=len(seen),
        stations=tuple(dict.fromkeys(e.station_id for e in seen)),
        first_seen=seen[0].start,
        last_seen=seen[-1].start,
        joined=individual.joined,
        counted=individual.counted,
        sightings=tuple((e.station_id, e.start) for e in seen),
    )


def effort_statement(snapshot: Snapshot, history: EncounterHistory) -> Effort:
    """What was surveyed: stations, days, failures, and the way from photos to usable flanks."""
    passes = [_sides(encounter, snapshot) for encounter in snapshot.encounters.values()]
    lines = _station_lines(snapshot)
    seen_by = {d.media_id for d in snapshot.detections if d.category == "animal"}
    seen_by |= {m for m, flank in snapshot.flanks.items() if flank.usable or flank.reason != "no_animal"}
    unusable = Counter(flank.reason or "not_usable" for flank in snapshot.flanks.values() if not flank.usable)
    day = _local_day(snapshot, history)
    return Effort(
        first_day=history.start or day,
        last_day=history.end or day,
        stations=len(history.stations),
        stations_never_working=int((history.station_days == 0).sum()),
        cameras=len({(d.station_id, d.slot or d.camera_id or d.id) for d in snapshot.deployments.values()}),
        station_days=float(history.station_days.sum()),
        camera_days=history.camera_days,
        dead_camera_days=history.dead_days,
        failures=tuple(
            (deployment.id, failure.cause, failure.start, failure.end)
            for deployment in snapshot.deployments.values()
            for failure in deployment.failures
        ),
        photos=len(snapshot.media),
        photos_by_state=dict(Counter(media.state for media in snapshot.media.values())),
        photos_with_animal=len(seen_by & snapshot.media.keys()),
        passes=len(passes),
        passes_usable_left=sum("left" in sides for sides in passes),
        passes_usable_right=sum("right" in sides for sides in passes),
        passes_usable_both=sum({"left", "right"} <= sides for sides in passes),
        passes_not_usable=sum(not sides for sides in passes),
        unusable_reasons=dict(unusable.most_common()),
        lines=lines,
    )


def _sides(encounter: Encounter, snapshot: Snapshot) -> set[str]:
    sides: set[str] = set()
    for media_id in encounter.media_ids:
        flank = snapshot.flanks.get(media_id)
        if flank is not None and flank.usable:
            sides |= {"left", "right"} if flank.side == "both" else {flank.side}
    return sides - {"unknown"}


def _station_lines(snapshot: Snapshot) -> tuple[StationLine, ...]:
    photos = Counter(
        snapshot.deployments[media.deployment_id].station_id
        for media in snapshot.media.values()
        if media.deployment_id in snapshot.deployments
    )
    passes = Counter(encounter.station_id for encounter in snapshot.encounters.values())
    animals = Counter(
        station
        for individual in snapshot.individuals.values()
        if individual.counted
        for station in {snapshot.encounters[name].station_id for name in individual.encounter_ids}
    )
    rows = effort_table(snapshot)
    whole = {row.station_id: row for row in rows if row.level == "station"}
    worked: dict[str, float] = defaultdict(float)
    dead: dict[str, float] = defaultdict(float)
    for row in rows:
        if row.level == "camera":
            worked[row.station_id] += row.working_days
            dead[row.station_id] += row.dead_days
    return tuple(
        StationLine(
            station_id=station.id,
            lon=station.lon,
            lat=station.lat,
            group=station.group,
            cameras=whole[station.id].cameras if station.id in whole else 0,
            station_days=whole[station.id].working_days if station.id in whole else 0.0,
            camera_days=worked[station.id],
            dead_camera_days=dead[station.id],
            photos=photos[station.id],
            passes=passes[station.id],
            individuals=animals[station.id],
        )
        for station in sorted(snapshot.stations.values(), key=lambda s: s.id)
    )


def _local_day(snapshot: Snapshot, history: EncounterHistory) -> date:
    """A day to name when nothing was ever deployed."""
    times = [media.time for media in snapshot.media.values() if media.time is not None]
    moment = min(times) if times else datetime(1970, 1, 1)
    return (moment + timedelta(minutes=history.utc_offset_minutes)).date()
