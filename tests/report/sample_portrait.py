"""Made-up portraits: rich, refused, empty and hostile. Every one of them is marked synthetic."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np

from ghostcat.portrait.portrait import (
    MINIMUM_COUNT_RULE,
    CatalogueEntry,
    DensitySurface,
    Effort,
    Estimate,
    Interval,
    Portrait,
    Refusal,
    StationLine,
)
from ghostcat.survey.evidence import (
    Camera,
    Deployment,
    Encounter,
    Failure,
    Finding,
    Flank,
    Media,
    Snapshot,
    Source,
    Station,
)

START = datetime(2025, 10, 31, 14, tzinfo=UTC)
DAYS = 92
OFFSET = 600
NAMES = {0: "Leo 133F", 3: "Leo 9M", 7: "Leo 41M", 12: "Leo 102F"}


def log_normal(estimate: float, rse: float) -> Interval:
    spread = math.exp(1.959964 * math.sqrt(math.log(1 + rse**2)))
    return Interval(
        estimate=estimate, lower=estimate / spread, upper=estimate * spread, standard_error=estimate * rse
    )


def rich_portrait(*, animals: int = 20, columns: int = 8, rows: int = 5, seed: int = 7) -> Portrait:
    """`animals` animals at `columns` × `rows` stations, with a density surface, failures and findings."""
    rng = np.random.default_rng(seed)
    stations = _stations(rng, columns, rows)
    deployments = _deployments(rng, stations)
    catalogue, media, flanks, encounters = _catalogue(rng, stations, animals)
    snapshot = Snapshot(
        name="Made-up hills",
        stations=stations,
        cameras={d.camera_id: Camera(id=d.camera_id) for d in deployments.values()},
        deployments=deployments,
        media=media,
        detections=(),
        flanks=flanks,
        encounters=encounters,
        individuals={},
        decisions=(),
        sources=(Source(id="s", kind="folder", name="made up", location="", fingerprint="0"),),
        synthetic=True,
        fingerprint="5f1d7c90a2",
    )
    counted = sum(entry.counted for entry in catalogue)
    return Portrait(
        title="Leopards of the Made-up Hills, winter 2025/26",
        made_at=datetime(2026, 3, 2, 6, 30, tzinfo=UTC),
        synthetic=True,
        effort=_effort(stations, deployments, catalogue),
        catalogue=catalogue,
        minimum_count=counted,
        minimum_count_rule=MINIMUM_COUNT_RULE,
        questions=3,
        estimate=_estimate(rng, stations, catalogue),
        left_out=_left_out(catalogue),
        findings=_findings(),
        provenance={
            "ghostcat": "0.1.0",
            "survey": "Made-up hills",
            "evidence_and_decisions": "5f1d7c90a2e84b6f8d3a1c0e9b7f24615c8a3d9e0f1b2c4d6e8a7b9c0d1e2f3a",
            "identification": "not identified",
            "pass_gap_minutes": "30",
            "region": "chosen by ghostcat",
            "numpy": "2.4.6",
        },
        snapshot=snapshot,
    )


def refused_portrait() -> Portrait:
    whole = rich_portrait(animals=4)
    return replace(
        whole,
        estimate=Refusal(
            code="no_spatial_recaptures",
            reason="4 animals were photographed, none of them at two stations",
            fix="Place stations closer together or keep them out longer.",
        ),
    )


def empty_portrait() -> Portrait:
    whole = rich_portrait(animals=2)
    nothing = dict.fromkeys(
        (
            "photos_with_animal",
            "passes",
            "passes_usable_left",
            "passes_usable_right",
            "passes_usable_both",
            "passes_not_usable",
        ),
        0,
    )
    lines = tuple(replace(line, passes=0, individuals=0) for line in whole.effort.lines)
    return replace(
        whole,
        effort=replace(whole.effort, unusable_reasons={}, lines=lines, **nothing),
        catalogue=(),
        minimum_count=0,
        questions=0,
        estimate=Refusal(code="no_animals", reason="no animal was identified", fix="Look at the photos."),
        left_out=(),
        findings=(),
        snapshot=replace(whole.snapshot, encounters={}, media={}, flanks={}),
    )


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "东北豹保护区的一只非常非常非常非常非常非常长名字的母豹",
    "Очень-длинное-имя-леопарда-которое-никак-не-переносится-по-словам-и-всё-не-кончается",
    "</style></title><b>bold",
    "{{ 7 * 7 }}{% raw %}",
    "=HYPERLINK(1)",
    "%(n)s %s 100%",
)


def hostile_portrait() -> Portrait:
    whole = rich_portrait(animals=len(HOSTILE))
    catalogue = tuple(replace(entry, name=name) for entry, name in zip(whole.catalogue, HOSTILE, strict=True))
    lines = tuple(replace(line, group="<i>group</i>") for line in whole.effort.lines)
    return replace(
        whole,
        title='</title><script>alert("title")</script> "quoted" \\ Обзор 调查',
        catalogue=catalogue,
        effort=replace(whole.effort, lines=lines),
        findings=(
            Finding(
                code="made_up_code",
                severity="error",
                message="<b onclick=alert(3)>x</b>",
                fix="<u>fix</u>",
                ids=("<em>id</em>",),
                where="<table>",
            ),
        ),
        provenance={"<key>": "<value>"},
    )


@cache
def photograph(media_id: str) -> np.ndarray:
    """A spotted flank before a wood, drawn from the id alone."""
    rng = np.random.default_rng(zlib.crc32(media_id[:-1].encode()))
    y, x = np.mgrid[0:480:1.5, 0:720:1.5]
    night = rng.random() < 0.35
    wood = sum(np.sin(x / rng.uniform(9, 70) + rng.uniform(0, 6)) * rng.uniform(4, 12) for _ in range(6))
    ground = 96 + wood * (y < 300) - 26 * (y > 300) + rng.normal(0, 7, x.shape)
    photo = np.stack([ground * 0.95, ground * 1.02, ground * 0.78], axis=-1)
    body = ((x - 370) / 245) ** 2 + ((y - 235) / 95) ** 2 < 1
    head = ((x - 105) / 62) ** 2 + ((y - 195) / 52) ** 2 < 1
    legs = np.zeros_like(body)
    for foot in (195, 250, 490, 555):
        legs |= (abs(x - foot - (y - 300) * 0.05) < 23) & (y > 250) & (y < 420)
    tail = (abs(y - 175 - 40 * np.sin((x - 600) / 60)) < 13) & (x > 590) & (x < 715)
    coat = body | head | legs | tail
    shade = 1.05 - 0.5 * np.clip((y - 150) / 260, 0, 1)
    fur = np.stack([shade * 214, shade * 168, shade * 104], axis=-1) + rng.normal(0, 5, (*x.shape, 1))
    photo[coat] = fur[coat]
    for _ in range(150):
        cx, cy = int(rng.uniform(60, 620)), int(rng.uniform(130, 400))
        size, turn = rng.uniform(8, 14), rng.uniform(0, 6.3)
        near = (slice((cy - 14) * 2 // 3, (cy + 15) * 2 // 3), slice((cx - 14) * 2 // 3, (cx + 15) * 2 // 3))
        reach = np.hypot((x[near] - cx) / size, (y[near] - cy) / (size * rng.uniform(0.7, 1)))
        angle = np.arctan2(y[near] - cy, x[near] - cx)
        rosette = (reach < 1) & (reach > rng.choice([0.0, 0.5])) & (np.cos(3 * angle + turn) > -0.7)
        photo[near][rosette & coat[near]] = (46, 33, 22)
    if night:
        photo = np.repeat(photo.mean(axis=-1, keepdims=True), 3, axis=-1) * 0.85
    if media_id.endswith("R"):
        photo = photo[:, ::-1]
    return np.clip(photo, 0, 255).astype(np.uint8)


def _stations(rng: np.random.Generator, columns: int, rows: int) -> dict[str, Station]:
    stations = {}
    for i in range(columns * rows):
        row, column = divmod(i, columns)
        stations[f"K{i + 1:02d}"] = Station(
            id=f"K{i + 1:02d}",
            lon=131.2 + 0.052 * column + rng.normal(0, 0.008),
            lat=43.0 + 0.037 * row + rng.normal(0, 0.006),
            group="East Hills" if column > columns // 2 else "West Hills",
        )
    return stations


def _deployments(rng: np.random.Generator, stations: dict[str, Station]) -> dict[str, Deployment]:
    deployments = {}
    causes = ("battery", "snow", "theft", "card full", "damage", "bear pulled it down")
    for i, station in enumerate(stations):
        if i == 11:
            continue
        for slot in "AB":
            start = START + timedelta(days=float(rng.uniform(0, 5)))
            end = START + timedelta(days=DAYS - float(rng.uniform(0, 4)))
            failures: tuple[Failure, ...] = ()
            if i == 22:
                failures = (Failure(start=start, end=end, cause="theft"),)
            elif rng.random() < 0.22:
                broke = start + timedelta(days=float(rng.uniform(15, 60)))
                again = min(end, broke + timedelta(days=float(rng.uniform(6, 40))))
                failures = (Failure(start=broke, end=again, cause=str(rng.choice(causes))),)
            deployments[f"{station}{slot}"] = Deployment(
                id=f"{station}{slot}",
                station_id=station,
                start=start,
                end=end,
                camera_id=f"c{i}{slot}",
                slot=slot,
                utc_offset_minutes=OFFSET,
                failures=failures,
            )
    return deployments


def _catalogue(
    rng: np.random.Generator, stations: dict[str, Station], animals: int
) -> tuple[tuple[CatalogueEntry, ...], dict[str, Media], dict[str, Flank], dict[str, Encounter]]:
    ids = list(stations)
    lon = np.array([s.lon for s in stations.values()])
    lat = np.array([s.lat for s in stations.values()])
    entries, media, flanks, encounters = [], {}, {}, {}
    for i in range(animals):
        home = rng.integers(len(ids))
        away = np.hypot((lon - lon[home]) * 81, (lat - lat[home]) * 111)
        chance = np.exp(-(away**2) / (2 * 4.2**2))
        chance[[11 % len(ids), 22 % len(ids)]] = 0
        passes = int(rng.integers(1, 9))
        where = rng.choice(len(ids), size=passes, p=chance / chance.sum())
        when = sorted(START + timedelta(days=float(d)) for d in rng.uniform(5, 86, passes))
        sightings = tuple((ids[k], t) for k, t in zip(where, when, strict=True))
        sides = "LR" if i % 5 else ("L" if i % 2 else "R")
        for side in sides:
            photo = f"photo-{i:03d}{side}"
            media[photo] = Media(id=photo, deployment_id=f"{ids[where[0]]}A", path=photo, state="ok")
            flanks[photo] = Flank(
                media_id=photo,
                side="left" if side == "L" else "right",
                usable=True,
                quality=0.8,
                box=(0.05, 0.24, 0.9, 0.64),
            )
        for k, (station, time) in enumerate(sightings):
            encounters[f"e{i}-{k}"] = Encounter(
                id=f"e{i}-{k}", station_id=station, start=time, end=time, media_ids=()
            )
        entries.append(
            CatalogueEntry(
                individual_id=f"G{i + 1:03d}",
                name=NAMES.get(i, f"G{i + 1:03d}"),
                sex=("female", "male", "")[int(rng.integers(3))],
                left_photo=f"photo-{i:03d}L" if "L" in sides else "",
                right_photo=f"photo-{i:03d}R" if "R" in sides else "",
                passes=passes,
                stations=tuple(dict.fromkeys(s for s, _ in sightings)),
                first_seen=when[0],
                last_seen=when[-1],
                joined=len(sides) == 2,
                counted=len(sides) == 2 or i % 2 == 0,
                sightings=sightings,
            )
        )
    return tuple(entries), media, flanks, encounters


def _effort(
    stations: dict[str, Station], deployments: dict[str, Deployment], catalogue: tuple[CatalogueEntry, ...]
) -> Effort:
    lines = []
    for station in stations.values():
        here = [d for d in deployments.values() if d.station_id == station.id]
        stood = sum((d.end - d.start).total_seconds() / 86400 for d in here)
        dead = sum((f.end - f.start).total_seconds() / 86400 for d in here for f in d.failures)
        passes = sum(s == station.id for entry in catalogue for s, _ in entry.sightings)
        lines.append(
            StationLine(
                station_id=station.id,
                lon=station.lon,
                lat=station.lat,
                group=station.group,
                cameras=len(here),
                station_days=max(stood - dead, 0) / 2 + min(dead, 20) / 2 if stood - dead > 1 else 0.0,
                camera_days=max(stood - dead, 0),
                dead_camera_days=dead,
                photos=60 + passes * 31,
                passes=passes,
                individuals=sum(station.id in entry.stations for entry in catalogue),
            )
        )
    passes = sum(line.passes for line in lines)
    photos = sum(line.photos for line in lines)
    return Effort(
        first_day=date(2025, 11, 1),
        last_day=date(2026, 1, 31),
        stations=len(stations),
        stations_never_working=sum(line.station_days <= 0 for line in lines),
        cameras=len(deployments),
        station_days=sum(line.station_days for line in lines),
        camera_days=sum(line.camera_days for line in lines),
        dead_camera_days=sum(line.dead_camera_days for line in lines),
        failures=tuple((d.id, f.cause, f.start, f.end) for d in deployments.values() for f in d.failures),
        photos=photos,
        photos_by_state={
            "ok": photos - 61,
            "duplicate": 38,
            "unreadable": 14,
            "empty_file": 6,
            "not_an_image": 3,
        },
        photos_with_animal=passes * 9,
        passes=passes + 17,
        passes_usable_left=int(passes * 0.7),
        passes_usable_right=int(passes * 0.66),
        passes_usable_both=int(passes * 0.36),
        passes_not_usable=17,
        unusable_reasons={
            "dark": 41,
            "blurred": 58,
            "cut_off": 33,
            "too_small": 12,
            "over_exposed": 9,
            "odd_reason": 2,
        },
        lines=tuple(lines),
    )


def _estimate(
    rng: np.random.Generator, stations: dict[str, Station], catalogue: tuple[CatalogueEntry, ...]
) -> Estimate:
    lon = np.array([s.lon for s in stations.values()])
    lat = np.array([s.lat for s in stations.values()])
    x, y = (lon - 131.38) * 81.2e3, (lat - 43.07) * 111.1e3
    cell = 1500.0
    grid_x, grid_y = np.meshgrid(np.arange(-45e3, 45e3, cell), np.arange(-35e3, 35e3, cell))
    nearest = np.min(np.hypot(grid_x[..., None] - x, grid_y[..., None] - y), axis=-1)
    land = (
        (nearest < 14e3)
        & ~((grid_x - 24e3) ** 2 + (grid_y + 20e3) ** 2 < 9e3**2)
        & (grid_y > -0.55 * grid_x - 28e3)
    )
    density = np.full_like(grid_x, 0.35)
    for entry in catalogue:
        spot = stations[entry.stations[0]]
        centre = (spot.lon - 131.38) * 81.2e3, (spot.lat - 43.07) * 111.1e3
        density += 0.9 * np.exp(-((grid_x - centre[0]) ** 2 + (grid_y - centre[1]) ** 2) / (2 * 4000.0**2))
    mask_x, mask_y = grid_x[land], grid_y[land]
    turn = math.radians(1.2)  # grids of a projection are seldom quite north up
    east, north = (
        mask_x * math.cos(turn) - mask_y * math.sin(turn),
        mask_x * math.sin(turn) + mask_y * math.cos(turn),
    )
    detections = sum(entry.passes for entry in catalogue)
    animals = len(catalogue)
    area = float(land.sum()) * (cell / 1000) ** 2
    return Estimate(
        model="spatial capture–recapture: hazard half-normal, Poisson counts, constant density",
        region="all land within 14 km of the stations",
        region_code="buffer",
        region_area_km2=area,
        abundance=log_normal(1.38 * animals, 0.19),
        realised=log_normal(1.36 * animals, 0.13),
        density_per_100km2=log_normal(138 * animals / area, 0.19),
        sigma_m=log_normal(4180, 0.09),
        lambda0=log_normal(0.0187, 0.16),
        effective_area_km2=area / 1.38,
        animals=animals,
        detections=detections,
        recaptures=detections - animals,
        spatial_recaptures=(detections - animals) // 2,
        stations=len(stations) - 2,
        station_days=3127.4,
        buffer_m=14000.0,
        cell_m=cell,
        log_likelihood=-512.38172,
        aic=1030.76344,
        converged=True,
        diagnostics=(
            Finding(
                code="few_spatial_recaptures",
                severity="warning",
                message="Only 4 spatial recaptures carry the scale of movement.",
                fix="Closer stations.",
            ),
            Finding(
                code="made_up_remark", severity="note", message="an invented remark that no catalogue knows"
            ),
        ),
        surface=DensitySurface(
            lon=131.38 + east / 81.2e3,
            lat=43.07 + north / 111.1e3,
            x_m=5e5 + mask_x,
            y_m=4.77e6 + mask_y,
            cell_m=cell,
            crs="EPSG:32652",
            per_100km2=density[land],
        ),
    )


def _left_out(catalogue: tuple[CatalogueEntry, ...]) -> tuple[Finding, ...]:
    halves = tuple(entry.individual_id for entry in catalogue if not entry.counted)
    return (
        Finding(
            code="half_identity_not_counted",
            severity="note",
            ids=halves or ("G900",),
            message=f"{len(halves)} half-identities may be the other side of counted animals",
            fix="Join or separate them in a review.",
        ),
        Finding(
            code="no_usable_flank",
            severity="note",
            ids=tuple(f"IMG_{i:04d}" for i in range(17)),
            message="17 encounter(s) show no flank that can be identified",
        ),
        Finding(
            code="station_without_effort",
            severity="warning",
            ids=("K12", "K23"),
            message="2 station(s) did not watch at all in this period: not sampled",
        ),
    )


def _findings() -> tuple[Finding, ...]:
    return (
        *(
            Finding(
                code="capture_without_effort",
                severity="warning",
                ids=(f"e{i}-0",),
                where=f"station K0{i}",
                message=f"G00{i} was photographed outside the effort on record",
                fix="Check the times.",
            )
            for i in range(1, 4)
        ),
        Finding(
            code="made_up_code",
            severity="error",
            message="an invented fault that no catalogue knows",
            fix="An invented remedy.",
            ids=("K07A",),
            where="deployments.csv row 14",
        ),
    )
