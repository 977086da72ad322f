"""Write the tables that camtrapR works on: records, individual records and camera operation.

Columns are those of camtrapR's documentation (`recordTable`, `recordTableIndividual`,
`cameraOperation`); columns of our own stand after them. All times are on one clock, that of the
survey's local day, because camtrapR knows a single time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path, PurePath

from ghostcat.formats.left_out import write_left_out
from ghostcat.formats.sightings import Sighting, display_name, individual_sightings, species_in
from ghostcat.formats.text_output import Cell, local_time, prepare_folder, write_table, write_text
from ghostcat.survey.effort import CameraTime, camera_times, field_of
from ghostcat.survey.evidence import Encounter, Media, Snapshot
from ghostcat.survey.history import EncounterHistory, encounter_history
from ghostcat.survey.intervals import subtract, to_datetime

__all__ = ["write_camtrapr"]

_RECORD = (
    "DateTimeOriginal",
    "Date",
    "Time",
    "delta.time.secs",
    "delta.time.mins",
    "delta.time.hours",
    "delta.time.days",
    "Directory",
    "FileName",
    "n_images",
)


def write_camtrapr(snapshot: Snapshot, folder: Path | str, *, crs: str | None = None) -> Path:
    """Write `record_table.csv`, `record_table_individual.csv`, `camera_operation.csv` and a README.

    A record is one encounter: photos of a station within the pass gap are one record already, so
    camtrapR's own filter for independence has nothing left to do.

    Parameters
    ----------
    folder : made when it is not there.
    crs : of the projected station coordinates; by default the UTM zone of the stations.
    """
    target = prepare_folder(folder)
    history = encounter_history(snapshot, crs=crs)
    offset = history.utc_offset_minutes
    write_table(
        target / "record_table.csv", ["Station", "Species", *_RECORD, "Encounter"], _records(snapshot, offset)
    )
    write_table(
        target / "record_table_individual.csv",
        ["Station", "Species", "Individual", *_RECORD, "Sex", "Flank", "Encounter"],
        _individual_records(snapshot, offset),
    )
    problems = _write_operation(target / "camera_operation.csv", snapshot, history)
    write_left_out(target / "left_out.csv", history.left_out)
    write_text(target / "README.txt", _readme(snapshot, history, problems))
    return target


def _records(snapshot: Snapshot, offset: int) -> Iterable[list[Cell]]:
    species_of = species_in(snapshot)
    last: dict[tuple[str, str], datetime] = {}
    for encounter in sorted(snapshot.encounters.values(), key=lambda e: (e.start, e.id)):
        by_species: dict[str, list[Media]] = {}
        for media in _by_time(snapshot, encounter):
            for name in dict.fromkeys(species_of.get(media.id, ())):
                by_species.setdefault(name, []).append(media)
        for name, media_of in sorted(by_species.items()):
            before = last.get((encounter.station_id, name))
            last[encounter.station_id, name] = encounter.start
            yield [
                encounter.station_id,
                name,
                *_record(encounter.start, before, media_of, offset),
                encounter.id,
            ]


def _individual_records(snapshot: Snapshot, offset: int) -> Iterable[list[Cell]]:
    last: dict[tuple[str, str], datetime] = {}
    for sighting in individual_sightings(snapshot):
        key = (sighting.encounter.station_id, sighting.individual.id)
        before = last.get(key)
        last[key] = sighting.time
        yield [
            sighting.encounter.station_id,
            sighting.species,
            display_name(sighting.individual),
            *_record(sighting.time, before, sighting.media, offset),
            *_own_columns(sighting),
        ]


def _own_columns(sighting: Sighting) -> list[Cell]:
    return [sighting.individual.sex, sighting.side, sighting.encounter.id]


def _record(time: datetime, before: datetime | None, media: Iterable[Media], offset: int) -> list[Cell]:
    """The columns of `_RECORD`; the differences are to the record before, 0 for the first."""
    photos = list(media)
    seconds = (time - before).total_seconds() if before else 0.0
    path = PurePath(photos[0].path) if photos else PurePath("")
    stamp = local_time(time, offset)
    return [
        stamp,
        stamp[:10],
        stamp[11:],
        round(seconds),
        round(seconds / 60, 1),
        round(seconds / 3600, 1),
        round(seconds / 86400, 1),
        str(path.parent) if photos else "",
        path.name,
        len(photos),
    ]


def _by_time(snapshot: Snapshot, encounter: Encounter) -> list[Media]:
    media = [snapshot.media[m] for m in encounter.media_ids if m in snapshot.media]
    return sorted(media, key=lambda m: (m.time or encounter.start, m.id))


def _write_operation(path: Path, snapshot: Snapshot, history: EncounterHistory) -> int:
    """One row per camera; returns how many pairs of problem columns there are."""
    cameras = [c for c in camera_times(field_of(snapshot)) if c.deployed]
    problems = [subtract([(c.deployed[0][0], c.deployed[-1][1])], c.working) for c in cameras]
    width = max((len(p) for p in problems), default=0)
    place = {name: k for k, name in enumerate(history.stations)}
    offset = history.utc_offset_minutes
    rows: list[list[Cell]] = []
    for camera, gaps in zip(cameras, problems, strict=True):
        k = place[camera.station_id]
        times = [local_time(to_datetime(t), offset) for gap in gaps for t in gap]
        rows.append(
            [
                camera.station_id,
                camera.camera or "1",
                round(float(history.xy_m[k, 0]), 2),
                round(float(history.xy_m[k, 1]), 2),
                float(history.lon[k]),
                float(history.lat[k]),
                local_time(to_datetime(camera.deployed[0][0]), offset),
                local_time(to_datetime(camera.deployed[-1][1]), offset),
                *times,
                *[""] * (2 * (width - len(gaps))),
                _causes(camera),
            ]
        )
    columns = ["Station", "Camera", "utm_x", "utm_y", "longitude", "latitude", "Setup_date", "Retrieval_date"]
    columns += [f"Problem{i + 1}_{end}" for i in range(width) for end in ("from", "to")]
    write_table(path, [*columns, "Causes"], rows)
    return width


def _causes(camera: CameraTime) -> str:
    return "; ".join(dict.fromkeys(cause for _, _, cause in camera.dead))


def _readme(snapshot: Snapshot, history: EncounterHistory, problems: int) -> list[str]:
    hours = history.utc_offset_minutes / 60
    # The sign of Etc/GMT zones is the other way round; they exist for whole hours only.
    zone = f"Etc/GMT{-hours:+.0f}" if hours == int(hours) and hours else "UTC"
    idle = sorted(set(history.stations) - {d.station_id for d in snapshot.deployments.values()})
    synthetic: Mapping[bool, list[str]] = {
        True: ["SYNTHETIC: these data were simulated, they are no field data."],
        False: [],
    }
    return [
        f"{' '.join(snapshot.name.split()) or 'survey'}, exported by ghostcat "
        f"from state {snapshot.fingerprint[:16]}.",
        *synthetic[snapshot.synthetic],
        "",
        f"All times are UTC{hours:+g} h. utm_x and utm_y are metres in {history.crs or 'no system'}.",
        "A record is one encounter, so the records are independent already.",
        "delta.time columns count from the record before of the same species or animal at the station.",
        f"Stations that never had a camera, not in camera_operation.csv: {', '.join(idle) or 'none'}.",
        "",
        "In R:",
        "",
        "  library(camtrapR)",
        '  operation_table <- read.csv("camera_operation.csv", colClasses = c(Station = "character"))',
        '  operation <- cameraOperation(operation_table, stationCol = "Station", cameraCol = "Camera",',
        '    setupCol = "Setup_date", retrievalCol = "Retrieval_date",',
        f'    hasProblems = {"TRUE" if problems else "FALSE"}, dateFormat = "ymd HMS",',
        "    byCamera = FALSE, allCamsOn = FALSE, camerasIndependent = FALSE)",
        '  records <- read.csv("record_table_individual.csv", colClasses = c(Station = "character"))',
        "  capthist <- spatialDetectionHistory(records, species = records$Species[1],",
        '    camOp = operation, CTtable = operation_table, output = "binary", stationCol = "Station",',
        '    Xcol = "utm_x", Ycol = "utm_y", individualCol = "Individual",',
        '    recordDateTimeCol = "DateTimeOriginal", recordDateTimeFormat = "ymd HMS",',
        '    occasionLength = 1, day1 = "survey", includeEffort = TRUE,',
        f'    timeZone = "{zone}")',
        "",
        "left_out.csv says what of the survey is not in the individual records, and why.",
    ]
