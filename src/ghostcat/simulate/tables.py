"""The tables of a simulated survey: Camtrap DP, the field team's own, and the truth."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import numpy as np

from .captures import true_captures
from .paint import MAKE, MODEL, Box, camera_clock
from .photo import SYNTHETIC
from .world import CRS, CameraSite, Shot, World, stream

__all__ = ["write_camtrap_dp_tables", "write_field_tables", "write_readme", "write_truth"]

_SCHEMAS: Final = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2"
_SPECIES: Final = "Panthera pardus"
_DEPLOYMENTS: Final = (
    "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty",
    "deploymentStart", "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay", "cameraHeight",
    "cameraDepth", "cameraTilt", "cameraHeading", "detectionDistance", "timestampIssues", "baitUse",
    "featureType", "habitat", "deploymentGroups", "deploymentTags", "deploymentComments",
)  # fmt: skip
_MEDIA: Final = (
    "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName",
    "fileMediatype", "exifData", "favorite", "mediaComments",
)  # fmt: skip
_OBSERVATIONS: Final = (
    "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
    "observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior",
    "individualID", "individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX",
    "bboxY", "bboxWidth", "bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp",
    "classificationProbability", "observationTags", "observationComments",
)  # fmt: skip
_TRUTH: Final = (
    "file", "media_id", "pass_id", "camera_pass_id", "animal", "sex", "station", "camera", "datetime",
    "flank", "usable_flank", "degraded", "night_ir", "bbox_x", "bbox_y", "bbox_w", "bbox_h",
)  # fmt: skip


def _write(path: Path, header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _zone(world: World) -> timezone:
    return timezone(timedelta(hours=world.options.utc_offset_h))


def _local(world: World, when: datetime) -> str:
    return when.astimezone(_zone(world)).isoformat()


def _on_clock(world: World, camera: CameraSite, when: datetime) -> str:
    """The camera's own clock with the survey's offset: wrong where the clock is wrong."""
    return camera_clock(world, camera, when).replace(tzinfo=_zone(world)).isoformat()


def _lonlat(xy_m: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    from pyproj import Transformer

    if not xy_m:
        return []
    lon, lat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(*np.array(xy_m).T)
    return [(round(float(a), 6), round(float(b), 6)) for a, b in zip(lon, lat, strict=True)]


def _spans(camera: CameraSite) -> list[tuple[datetime, datetime, str]]:
    """The camera's deployments: start, end, and what ended it."""
    if camera.breakdown is None:
        return [(camera.setup, camera.retrieval, "")]
    spans = [(camera.setup, camera.breakdown.start, camera.breakdown.cause)]
    if camera.breakdown.end < camera.retrieval:
        spans.append((camera.breakdown.end, camera.retrieval, ""))
    return spans


def _deployment_id(camera: CameraSite, when: datetime) -> str:
    for i, (start, end, _) in enumerate(_spans(camera), start=1):
        if start <= when <= end:
            return f"{camera.id}-{i}"
    return f"{camera.id}-1"


def write_camtrap_dp_tables(world: World, folder: Path, files: Mapping[str, str]) -> None:
    """Camtrap DP 1.0.2: deployments, media, observations; no individuals, no flanks, no boxes."""
    cameras = {camera.id: camera for camera in world.cameras}
    _write(folder / "deployments.csv", _DEPLOYMENTS, _deployment_rows(world))
    media, observations = [], []
    events = _events(world)
    noted = _noted_sex(world)
    done = max(camera.retrieval for camera in world.cameras) + timedelta(days=20)
    for shot in world.shots:
        camera = cameras[shot.camera]
        stamp = _on_clock(world, camera, shot.when)
        deployment = _deployment_id(camera, shot.when)
        media.append({
            "mediaID": shot.media_id, "deploymentID": deployment, "captureMethod": "activityDetection",
            "timestamp": stamp, "filePath": files[shot.media_id], "filePublic": "true",
            "fileName": Path(files[shot.media_id]).name, "fileMediatype": "image/jpeg",
            "mediaComments": SYNTHETIC,
        })  # fmt: skip
        event, first, last = events[shot.media_id]
        row: dict[str, object] = {
            "observationID": f"o-{shot.media_id}", "deploymentID": deployment, "mediaID": shot.media_id,
            "eventID": event, "eventStart": _on_clock(world, camera, first),
            "eventEnd": _on_clock(world, camera, last), "observationLevel": "media",
            "observationType": "animal" if shot.passage else "blank", "classificationMethod": "human",
            "classifiedBy": "simulated field team", "classificationTimestamp": f"{done:%Y-%m-%dT09:00:00Z}",
            "observationComments": SYNTHETIC,
        }  # fmt: skip
        if shot.passage:
            row |= {"scientificName": _SPECIES, "count": 1, "sex": noted.get(shot.passage, "")}
        observations.append(row)
    _write(folder / "media.csv", _MEDIA, media)
    _write(folder / "observations.csv", _OBSERVATIONS, observations)
    _json(folder / "datapackage.json", _descriptor(world))


def _deployment_rows(world: World) -> list[dict[str, object]]:
    lonlat = _lonlat([(s.x_m, s.y_m) for s in world.stations])
    places = dict(zip((s.id for s in world.stations), lonlat, strict=True))
    rows: list[dict[str, object]] = []
    for camera in world.cameras:
        lon, lat = places[camera.station]
        pair = sum(c.station == camera.station for c in world.cameras)
        for i, (start, end, cause) in enumerate(_spans(camera), start=1):
            rows.append({
                "deploymentID": f"{camera.id}-{i}", "locationID": camera.station,
                "locationName": camera.station, "latitude": lat, "longitude": lon,
                "coordinateUncertainty": 10, "deploymentStart": _local(world, start),
                "deploymentEnd": _local(world, end), "setupBy": "simulated field team",
                "cameraID": camera.serial, "cameraModel": f"{MAKE}-{MODEL}", "cameraDelay": 0,
                "cameraHeight": 0.48, "cameraHeading": camera.heading_deg, "timestampIssues": "false",
                "baitUse": "false", "featureType": "trailGame",
                "deploymentTags": f"camera:{camera.slot} | stationCameras:{pair} | synthetic:true",
                "deploymentComments": f"{SYNTHETIC}; camera failed: {cause}" if cause else SYNTHETIC,
            })  # fmt: skip
    return rows


def _events(world: World) -> dict[str, tuple[str, datetime, datetime]]:
    """Event id, first and last time of each photo: one camera's burst of one passage."""
    bursts: dict[tuple[str, str], list[Shot]] = defaultdict(list)
    for shot in world.shots:
        bursts[shot.camera, shot.passage or shot.media_id].append(shot)
    numbers: dict[str, int] = defaultdict(int)
    events = {}
    for (camera, _), shots in bursts.items():
        numbers[camera] += 1
        for shot in shots:
            events[shot.media_id] = (f"{camera}-E{numbers[camera]:03d}", shots[0].when, shots[-1].when)
    return events


def _noted_sex(world: World) -> dict[str, str]:
    """The sex that the field team noted for some passes; right where it is filled."""
    rng = np.random.default_rng(stream(world.seed, 10))
    sexes = {animal.id: "female" if animal.sex == "F" else "male" for animal in world.animals}
    return {p.id: sexes[p.animal] for p in world.passages if rng.random() < 0.4}


def _descriptor(world: World) -> dict[str, object]:
    options = world.options
    corners = _lonlat([(s.x_m, s.y_m) for s in world.stations])
    west, south = (round(min(c[i] for c in corners) - 0.01, 4) for i in (0, 1))
    east, north = (round(max(c[i] for c in corners) + 0.01, 4) for i in (0, 1))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    first = min(camera.setup for camera in world.cameras).astimezone(_zone(world))
    last = max(camera.retrieval for camera in world.cameras).astimezone(_zone(world))
    return {
        "resources": [
            {
                "name": name, "path": f"{name}.csv", "profile": "tabular-data-resource", "format": "csv",
                "mediatype": "text/csv", "encoding": "utf-8",
                "schema": f"{_SCHEMAS}/{name}-table-schema.json",
            }
            for name in ("deployments", "media", "observations")
        ],
        "profile": f"{_SCHEMAS}/camtrap-dp-profile.json",
        "name": options.name,
        "id": f"{options.name}-{world.seed}",
        "created": f"{last + timedelta(days=30):%Y-%m-%dT00:00:00Z}",
        "title": options.title,
        "description": (
            "SYNTHETIC. Animals, coats, pictures, stations and dates are computer-generated; the coordinates "
            "lie in the open ocean. Made to show and test software; not field data."
        ),
        "version": "1.0",
        "synthetic": True,
        "keywords": ["synthetic", "simulation", "camera traps", "known truth"],
        "contributors": [{"title": "ghostcat.simulate", "role": "publisher"}],
        "licenses": [
            {"name": "CC0-1.0", "scope": "data"},
            {"path": "https://creativecommons.org/publicdomain/zero/1.0/", "scope": "media"},
        ],
        "project": {
            "title": options.title, "samplingDesign": "systematicRandom",
            "captureMethod": ["activityDetection"], "individualAnimals": True,
            "observationLevel": ["media"], "description": f"{SYNTHETIC} survey, seed {world.seed}.",
        },
        "coordinatePrecision": 1e-06,
        "spatial": {"type": "Polygon", "coordinates": [ring]},
        "temporal": {"start": f"{first:%Y-%m-%d}", "end": f"{last:%Y-%m-%d}"},
        "taxonomic": [
            {"scientificName": _SPECIES, "taxonRank": "species", "vernacularNames": {"eng": "leopard"}}
        ],
    }  # fmt: skip


def write_field_tables(world: World, folder: Path) -> None:
    """stations.csv, deployments.csv and habitat_mask.csv as a field team keeps them."""
    places = _lonlat([(s.x_m, s.y_m) for s in world.stations])
    count = {s.id: sum(c.station == s.id for c in world.cameras) for s in world.stations}
    _write(
        folder / "stations.csv",
        ("station", "x", "y", "lon", "lat", "n_cameras", "utc_offset_h", "note"),
        (
            {"station": s.id, "x": s.x_m, "y": s.y_m, "lon": lon, "lat": lat, "n_cameras": count[s.id],
             "utc_offset_h": world.options.utc_offset_h, "note": "synthetic"}
            for s, (lon, lat) in zip(world.stations, places, strict=True)
        ),
    )  # fmt: skip
    taken: dict[str, int] = defaultdict(int)
    for shot in world.shots:
        taken[shot.camera] += 1
    rows = []
    for camera in world.cameras:
        row: dict[str, object] = {
            "station": camera.station, "camera": camera.slot, "serial": camera.serial, "make": MAKE,
            "model": MODEL, "setup": _local(world, camera.setup),
            "retrieval": _local(world, camera.retrieval), "photos": taken[camera.id],
        }  # fmt: skip
        if camera.breakdown is not None:
            row["problem1_from"] = _local(world, camera.breakdown.start)
            row["problem1_to"] = _local(world, camera.breakdown.end)
            row["problem1_note"] = camera.breakdown.cause
        rows.append(row)
    header = (
        "station", "camera", "serial", "make", "model", "setup", "retrieval",
        "problem1_from", "problem1_to", "problem1_note", "photos",
    )  # fmt: skip
    _write(folder / "deployments.csv", header, rows)
    _write(
        folder / "habitat_mask.csv",
        ("x", "y", "area_km2"),
        (
            {"x": f"{x:.0f}", "y": f"{y:.0f}", "area_km2": f"{world.cell_area_km2:g}"}
            for x, y in world.cells_xy_m
        ),
    )


def write_truth(world: World, folder: Path, files: Mapping[str, str], boxes: Mapping[str, Box]) -> None:
    """truth.csv, passes.csv, animals.csv, captures.csv and truth.json."""
    cameras = {camera.id: camera for camera in world.cameras}
    sexes = {animal.id: animal.sex for animal in world.animals}
    rows = []
    for shot in world.shots:
        camera = cameras[shot.camera]
        row: dict[str, object] = {
            "file": files[shot.media_id], "media_id": shot.media_id, "station": camera.station,
            "camera": camera.slot, "datetime": _local(world, shot.when), "night_ir": int(shot.night),
            "usable_flank": 0,
        }  # fmt: skip
        if shot.passage:
            row |= {
                "pass_id": shot.passage, "camera_pass_id": shot.passage + camera.slot,
                "animal": shot.animal, "sex": sexes[shot.animal], "flank": shot.side,
                "usable_flank": int(not shot.fault), "degraded": shot.fault,
            }  # fmt: skip
            row |= dict(zip(("bbox_x", "bbox_y", "bbox_w", "bbox_h"), boxes[shot.media_id], strict=True))
        rows.append(row)
    _write(folder / "truth.csv", _TRUTH, rows)
    _write_passes(world, folder)
    animals = _animal_rows(world)
    _write(folder / "animals.csv", list(animals[0]) if animals else ["animal"], animals)
    captures = true_captures(world)
    _write(
        folder / "captures.csv",
        ("animal", "station", "identifiable_passes"),
        (
            {"animal": animal, "station": world.stations[k].id, "identifiable_passes": captures.counts[i, k]}
            for i, animal in enumerate(captures.animals)
            for k in np.flatnonzero(captures.counts[i])
        ),
    )
    _json(folder / "truth.json", _summary(world, animals))


def _write_passes(world: World, folder: Path) -> None:
    sexes = {animal.id: animal.sex for animal in world.animals}
    shots: dict[str, list[Shot]] = defaultdict(list)
    for shot in world.shots:
        shots[shot.passage].append(shot)
    rows = []
    for passage in (p for p in world.passages if p.seen_by):
        of = shots[passage.id]
        sides = {shot.camera: shot.side for shot in of}
        usable = {shot.camera: shot.side for shot in of if not shot.fault}
        rows.append({
            "pass_id": passage.id, "animal": passage.animal, "sex": sexes[passage.animal],
            "station": passage.station, "datetime_utc": f"{passage.when:%Y-%m-%dT%H:%M:%SZ}",
            "cameras": "".join(passage.seen_by), "flanks_photographed": "|".join(sides.values()),
            "flanks_usable": "|".join(usable.values()), "night_ir": int(passage.night), "photos": len(of),
        })  # fmt: skip
    header = (
        "pass_id", "animal", "sex", "station", "datetime_utc", "cameras", "flanks_photographed",
        "flanks_usable", "night_ir", "photos",
    )  # fmt: skip
    _write(folder / "passes.csv", header, rows)


def _animal_rows(world: World) -> list[dict[str, object]]:
    seen: dict[str, set[str]] = defaultdict(set)
    usable: dict[str, dict[str, set[str]]] = defaultdict(lambda: {"left": set(), "right": set()})
    stations: dict[str, set[str]] = defaultdict(set)
    for shot in (s for s in world.shots if s.passage):
        seen[shot.animal].add(shot.passage)
        if not shot.fault:
            usable[shot.animal][shot.side].add(shot.passage)
            stations[shot.animal].add(shot.camera[:-1])
    places = _lonlat([(a.x_m, a.y_m) for a in world.animals])
    rows: list[dict[str, object]] = []
    for animal, (lon, lat) in zip(world.animals, places, strict=True):
        left, right = usable[animal.id]["left"], usable[animal.id]["right"]
        rows.append({
            "animal": animal.id, "sex": animal.sex, "x": animal.x_m, "y": animal.y_m, "lon": lon,
            "lat": lat, "passes": len(seen[animal.id]), "identifiable_passes": len(left | right),
            "stations": len(stations[animal.id]), "usable_left": len(left), "usable_right": len(right),
            "passes_with_both_flanks": len(left & right),
        })  # fmt: skip
    return rows


def _summary(world: World, animals: Sequence[Mapping[str, object]]) -> dict[str, object]:
    options = world.options
    captures = true_captures(world)
    photographed = [p for p in world.passages if p.seen_by]
    counts = {
        "N": len(world.animals),
        "area_km2": world.area_km2,
        "photographed": sum(bool(a["passes"]) for a in animals),
        "identifiable": len(captures.animals),
        "passes": len(photographed),
        "identifiable_passes": int(captures.counts.sum()),
        "photos": len(world.shots),
        "blank_photos": sum(not shot.passage for shot in world.shots),
        "animals_at_2_or_more_stations": int(((captures.counts > 0).sum(1) > 1).sum()),
        "recaptures": captures.recaptures,
        "spatial_recaptures": captures.spatial_recaptures,
        "passes_missed_by_dead_stations": len(world.passages) - len(photographed),
        "night_passes": sum(p.night for p in photographed),
        "cameras": len(world.cameras),
        "cameras_with_failure": sum(c.breakdown is not None for c in world.cameras),
        "both_flanks_linked_animals": sum(bool(a["passes_with_both_flanks"]) for a in animals),
        "one_flank_only_animals": sum(bool(a["usable_left"]) != bool(a["usable_right"]) for a in animals),
    }
    return {
        "synthetic": True,
        "survey": options.name,
        "seed": world.seed,
        "crs": CRS,
        "N_region": len(world.animals),
        "N_by_sex": {sex: sum(a.sex == sex for a in world.animals) for sex in "FM"},
        "area_km2": world.area_km2,
        "D_per_100km2": round(100.0 * len(world.animals) / world.area_km2, 4),
        "density_model": {"form": "uniform on the habitat cells"},
        "detection": {
            "form": "hazard half-normal, per station-day with at least one working camera",
            "sigma_m": {"F": options.sigma_female_m, "M": options.sigma_male_m},
            "lambda0_per_day": {"F": options.lambda0_female, "M": options.lambda0_male},
            "p_unusable_per_camera_pass": options.unusable_share,
        },
        "start": options.start.isoformat(),
        "days": options.days,
        "clock_errors_s": {c.id: c.clock_error_s for c in world.cameras if c.clock_error_s},
        "counts": counts,
        "animals": list(animals),
    }


def write_readme(world: World, folder: Path, *, layout: str) -> None:
    """What this folder is, first of all that it is synthetic."""
    package = layout == "camtrap-dp"
    tables = "field_tables/ and the Camtrap DP 1.0.2 tables" if package else "stations.csv, deployments.csv"
    area = f"{world.area_km2:g} km²"
    (folder / "README.md").write_text(
        f"""# SYNTHETIC survey: {world.options.name}, seed {world.seed}

Everything here is computer-generated by ghostcat.simulate: the animals, their coats, the pictures, the
stations and the dates. The coordinates ({CRS}) lie in the open Pacific. It is no statement about
any population.

- {tables}: what a field team would hand over; no individual is named and no flank is given.
- truth/: what is true ({len(world.animals)} animals in {area}). Do not show it to the tool under test.

Every photo says SYNTHETIC in its caption strip and in its EXIF. EXIF times are the camera's clock without
offset; the cameras run on UTC{world.options.utc_offset_h:+d}. Free to use (CC0-1.0).
""",
        encoding="utf-8",
    )
