"""A world with known truth: animals, stations, cameras that fail, passes and the photos of them.

Nothing is drawn here; `write_world` makes the pictures. The capture process is that of spatial
capture–recapture with hazard half-normal detection (Borchers & Efford 2008, Biometrics
64:377–385): an animal passes a station as a Poisson process with hazard
λ0 · exp(−d² / 2σ²) per day, where d is the distance to its activity centre.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from .options import WorldOptions
from .photo import Fault
from .pose import Pose, draw_pose, later

__all__ = [
    "Animal",
    "Breakdown",
    "CameraSite",
    "Passage",
    "Shot",
    "StationSite",
    "World",
    "simulate_world",
]

Slot = Literal["A", "B"]
Side = Literal["left", "right"]

#: UTM zone 56N, chosen so that the survey lies in the open Pacific, where no leopard can be.
CRS: Final = "EPSG:32656"
_ORIGIN_M: Final = (500_000.0, 4_872_000.0)
_CELL_M: Final = 1000.0
_CAUSES: Final = (
    "battery flat",
    "stolen",
    "knocked over by a boar",
    "snow on the lens",
    "card full",
    "water inside",
)
_FAULTS: Final[tuple[Fault, ...]] = ("motion_blur", "cut_off", "over_exposed")


@dataclass(frozen=True, kw_only=True)
class StationSite:
    """A station; x, y in metres of the world's projection."""

    id: str
    x_m: float
    y_m: float


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """When a camera did not work, and why. Times UTC."""

    start: datetime
    end: datetime
    cause: str


@dataclass(frozen=True, kw_only=True)
class CameraSite:
    """One camera at its station, and how it looks at the path."""

    station: str
    slot: Slot
    serial: str
    setup: datetime
    retrieval: datetime
    breakdown: Breakdown | None
    clock_error_s: int
    heading_deg: int
    path_m: float
    """Distance from the lens to the path."""
    path_turn_deg: float
    """How far the path lies away from straight across; positive: what walks left comes nearer."""
    focal: float
    """Focal length in widths of the frame."""
    horizon: float
    """Height of the horizon in heights of the frame, from above."""
    snow_from: datetime
    """When snow begins to lie here, in the winter half of the year."""

    @property
    def id(self) -> str:
        return f"{self.station}{self.slot}"

    def works_at(self, when: datetime) -> bool:
        """Whether the camera stood there and worked."""
        if not self.setup <= when <= self.retrieval:
            return False
        return self.breakdown is None or not self.breakdown.start <= when < self.breakdown.end


@dataclass(frozen=True, kw_only=True)
class Animal:
    """An animal and its activity centre."""

    id: str
    sex: Literal["F", "M"]
    x_m: float
    y_m: float


@dataclass(frozen=True, kw_only=True)
class Passage:
    """An animal walks past a station. `seen_by` is empty when no camera worked."""

    id: str
    animal: str
    station: str
    when: datetime
    night: bool
    seen_by: tuple[Slot, ...]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One photo: of a passage, or of nothing (`passage` empty)."""

    media_id: str
    number: int
    camera: str
    when: datetime
    """True time, UTC."""
    night: bool
    passage: str = ""
    animal: str = ""
    side: Side = "left"
    fault: Fault = ""
    pose: Pose | None = None
    distance_m: float = 0.0
    right_m: float = 0.0
    turn_deg: float = 0.0


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that is true of one simulated survey."""

    seed: int
    options: WorldOptions
    stations: tuple[StationSite, ...]
    cameras: tuple[CameraSite, ...]
    animals: tuple[Animal, ...]
    passages: tuple[Passage, ...]
    shots: tuple[Shot, ...]
    cells_xy_m: NDArray[np.float64]
    """Centres (M, 2) of the habitat cells of the region; animals live in these."""

    @property
    def cell_area_km2(self) -> float:
        return (_CELL_M / 1000.0) ** 2

    @property
    def area_km2(self) -> float:
        """Area of the region's habitat."""
        return len(self.cells_xy_m) * self.cell_area_km2


def stream(seed: int, *key: int) -> np.random.SeedSequence:
    """An independent source of chance for one part of a world."""
    return np.random.SeedSequence(seed, spawn_key=key)


def simulate_world(seed: int, *, options: WorldOptions | None = None) -> World:
    """Throw the dice: the same seed and options give the same world.

    Parameters
    ----------
    seed : 0 or more.
    options : what the world is like; `WorldOptions()` when None.

    >>> from ghostcat.simulate import simulate_world, tiny_options
    >>> world = simulate_world(0, options=tiny_options())
    >>> len(world.stations), len(world.animals)
    (6, 5)
    """
    options = options or WorldOptions()
    stations, cells = _place_stations(np.random.default_rng(stream(seed, 0)), options)
    cameras = _place_cameras(np.random.default_rng(stream(seed, 1)), options, stations)
    animals = _settle(np.random.default_rng(stream(seed, 2)), options, cells)
    passages = _walk(np.random.default_rng(stream(seed, 3)), options, stations, cameras, animals)
    shots = _shoot(np.random.default_rng(stream(seed, 4)), options, cameras, passages)
    return World(
        seed=seed,
        options=options,
        stations=stations,
        cameras=cameras,
        animals=animals,
        passages=passages,
        shots=shots,
        cells_xy_m=cells,
    )


def _place_stations(
    rng: np.random.Generator, options: WorldOptions
) -> tuple[tuple[StationSite, ...], NDArray[np.float64]]:
    """Stations on a jittered grid, and the habitat cells of the region around them."""
    count = options.stations
    wide = int(np.ceil(np.sqrt(count * 1.6)))
    grid = np.array([(i % wide, i // wide) for i in range(count)], float)
    grid[:, 0] += 0.5 * (grid[:, 1] % 2)
    xy = np.array(_ORIGIN_M) + options.spacing_m * (grid - grid.mean(0))
    xy = xy + rng.uniform(-options.jitter_m, options.jitter_m, (count, 2))
    lower = np.floor((xy.min(0) - options.buffer_m) / _CELL_M) * _CELL_M
    upper = np.ceil((xy.max(0) + options.buffer_m) / _CELL_M) * _CELL_M
    x = np.arange(lower[0] + _CELL_M / 2, upper[0], _CELL_M)
    y = np.arange(lower[1] + _CELL_M / 2, upper[1], _CELL_M)
    cells = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    bare = np.zeros(len(cells))
    for _ in range(7):
        centre = rng.uniform(lower, upper)
        reach = rng.uniform(0.10, 0.22, 2) * (upper - lower)
        bare += np.exp(-0.5 * (((cells - centre) / reach) ** 2).sum(1))
    nearest = np.min(np.hypot(*(cells[:, None] - xy[None]).transpose(2, 0, 1)), 1)
    bare[nearest < 1.5 * _CELL_M] = 0.0
    keep = np.argsort(bare, kind="stable")[: round(len(cells) * (1.0 - options.barren_share))]
    stations = tuple(
        StationSite(id=f"ST{i + 1:02d}", x_m=round(float(p[0]), 1), y_m=round(float(p[1]), 1))
        for i, p in enumerate(xy)
    )
    return stations, cells[np.sort(keep)]


def _place_cameras(
    rng: np.random.Generator, options: WorldOptions, stations: tuple[StationSite, ...]
) -> tuple[CameraSite, ...]:
    zone = timedelta(hours=options.utc_offset_h)
    first = datetime.combine(options.start, time(), UTC) - zone
    cameras: list[CameraSite] = []
    singles = round(options.single_camera_share * len(stations))
    single = set(rng.permutation(len(stations))[:singles].tolist())
    for i, station in enumerate(stations):
        setup = first + timedelta(seconds=int(rng.integers(9 * 3600, 16 * 3600)))
        retrieval = first + timedelta(days=options.days, seconds=int(rng.integers(9 * 3600, 16 * 3600)))
        heading = int(rng.integers(0, 360))
        path_m = float(rng.uniform(2.35, 3.2))
        turn = float(rng.uniform(-16.0, 16.0))
        snow = datetime(options.start.year, 11, 12, tzinfo=UTC) + timedelta(days=round(rng.normal(0, 4)))
        slots: tuple[Slot, ...] = ("A",) if i in single else ("A", "B")
        for slot in slots:
            cameras.append(
                CameraSite(
                    station=station.id,
                    slot=slot,
                    serial=f"SYN{int(rng.integers(10_000, 99_999))}",
                    setup=setup,
                    retrieval=retrieval,
                    breakdown=_breakdown(rng, options, setup, retrieval),
                    clock_error_s=0,
                    heading_deg=(heading + (180 if slot == "B" else 0)) % 360,
                    path_m=path_m + float(rng.uniform(-0.2, 0.2)),
                    path_turn_deg=turn,
                    focal=float(rng.uniform(0.98, 1.10)),
                    horizon=float(rng.uniform(0.36, 0.46)),
                    snow_from=snow,
                )
            )
    if options.clock_error_s:
        late = int(rng.integers(len(cameras)))
        cameras[late] = replace(cameras[late], clock_error_s=options.clock_error_s)
    return tuple(cameras)


def _breakdown(
    rng: np.random.Generator, options: WorldOptions, setup: datetime, retrieval: datetime
) -> Breakdown | None:
    """Some cameras die; about a third of these are mended on a service visit."""
    dies, mended = rng.random() < options.failure_share, rng.random() < 0.35
    cause = _CAUSES[int(rng.integers(len(_CAUSES)))]
    at, back = float(rng.uniform(0.15, 0.85)), float(rng.uniform(0.3, 0.8))
    if not dies:
        return None
    length = retrieval - setup
    start = setup + timedelta(seconds=round(at * length.total_seconds()))
    dead = timedelta(seconds=round(back * (retrieval - start).total_seconds()))
    return Breakdown(start=start, end=start + dead if mended else retrieval, cause=cause)


def _settle(
    rng: np.random.Generator, options: WorldOptions, cells: NDArray[np.float64]
) -> tuple[Animal, ...]:
    """Animals of both sexes, each with its activity centre in the habitat."""
    area_km2 = len(cells) * (_CELL_M / 1000.0) ** 2
    count = options.animals
    if count is None:
        count = round(options.density_per_100km2 * area_km2 / 100.0)
    females = round(options.female_share * count)
    sexes = rng.permutation(np.array([True] * females + [False] * (count - females), bool))
    home = cells[rng.integers(0, len(cells), count)] + rng.uniform(-0.5, 0.5, (count, 2)) * _CELL_M
    return tuple(
        Animal(
            id=f"L{i + 1:02d}",
            sex="F" if sexes[i] else "M",
            x_m=round(float(home[i, 0]), 1),
            y_m=round(float(home[i, 1]), 1),
        )
        for i in range(count)
    )


def _walk(
    rng: np.random.Generator,
    options: WorldOptions,
    stations: tuple[StationSite, ...],
    cameras: tuple[CameraSite, ...],
    animals: tuple[Animal, ...],
) -> tuple[Passage, ...]:
    zone = timedelta(hours=options.utc_offset_h)
    midnight = datetime.combine(options.start, time(), UTC) - zone
    drawn: list[tuple[datetime, str, str, bool]] = []
    for animal in animals:
        sigma = options.sigma_female_m if animal.sex == "F" else options.sigma_male_m
        lambda0 = options.lambda0_female if animal.sex == "F" else options.lambda0_male
        for station in stations:
            d2 = (animal.x_m - station.x_m) ** 2 + (animal.y_m - station.y_m) ** 2
            hazard = lambda0 * np.exp(-d2 / (2.0 * sigma**2))
            for _ in range(int(rng.poisson(hazard * options.days))):
                night = bool(rng.random() < options.night_share)
                hour = (rng.uniform(19.0, 29.5) % 24.0) if night else rng.uniform(6.8, 17.2)
                day = int(rng.integers(0, options.days + 1))
                when = midnight + timedelta(days=day, seconds=round(3600.0 * hour))
                drawn.append((when, animal.id, station.id, night))
    drawn.sort()
    last: dict[str, datetime] = {}
    passages: list[Passage] = []
    for when, who, where, night in drawn:
        # Two animals never meet at a station: a later one keeps 45 minutes' distance.
        if where in last and when - last[where] < timedelta(minutes=45):
            when = last[where] + timedelta(minutes=45)
        last[where] = when
        seen = tuple(c.slot for c in cameras if c.station == where and c.works_at(when))
        name = f"P{len(passages) + 1:03d}"
        passages.append(Passage(id=name, animal=who, station=where, when=when, night=night, seen_by=seen))
    return tuple(passages)


def _shoot(
    rng: np.random.Generator,
    options: WorldOptions,
    cameras: tuple[CameraSite, ...],
    passages: tuple[Passage, ...],
) -> tuple[Shot, ...]:
    """Photos of each camera in the order of time, numbered as its card numbers them."""
    by_camera: dict[str, list[Shot]] = {camera.id: [] for camera in cameras}
    sites = {camera.id: camera for camera in cameras}
    for passage in passages:
        to_left = bool(rng.random() < 0.5)
        for slot in ("A", "B"):
            # Drawn for both cameras whether or not they work: a failure changes no other photo.
            side: Side = "left" if to_left == (slot == "A") else "right"
            burst = _burst(rng, options, sites.get(f"{passage.station}{slot}"), passage, side)
            if slot in passage.seen_by:
                by_camera[f"{passage.station}{slot}"].extend(burst)
    for camera in cameras:
        for _ in range(int(rng.poisson(options.blanks_per_camera))):
            span = (camera.retrieval - camera.setup).total_seconds()
            when = camera.setup + timedelta(seconds=int(rng.uniform(0.01, 0.99) * span))
            local = (when + timedelta(hours=options.utc_offset_h)).hour
            if camera.works_at(when):
                shot = Shot(media_id="", number=0, camera=camera.id, when=when, night=not 7 <= local < 18)
                by_camera[camera.id].append(shot)
    numbered = []
    for camera in cameras:
        for i, shot in enumerate(sorted(by_camera[camera.id], key=lambda s: s.when), start=1):
            numbered.append(replace(shot, number=i, media_id=f"{shot.camera}-{i:04d}"))
    return tuple(numbered)


def _burst(
    rng: np.random.Generator, options: WorldOptions, camera: CameraSite | None, passage: Passage, side: Side
) -> list[Shot]:
    """One camera's photos of one pass: the animal walks on between them."""
    count = int(rng.integers(1, options.burst_max + 1))
    fault: Fault = ""
    if rng.random() < options.unusable_share:
        fault = _FAULTS[int(rng.integers(len(_FAULTS)))]
    wander, start_m = float(rng.normal(0.0, 5.0)), float(rng.normal(0.0, 0.10))
    off_path, lag_s = float(rng.normal(0.0, 0.10)), int(rng.integers(0, 3))
    pose = draw_pose(rng)
    pace_m = float(rng.uniform(0.10, 0.30))
    gone = float(rng.uniform(0.9, 1.25)) * (1.0 if rng.random() < 0.5 else -1.0)
    if camera is None:
        return []
    sign = 1.0 if side == "left" else -1.0
    shots = []
    for i in range(count):
        forward_m = start_m + pace_m * (i - (count - 1) / 2.0)
        right_m = -sign * forward_m
        if fault == "cut_off":
            right_m += gone * camera.path_m / (2.0 * camera.focal)
        shots.append(
            Shot(
                media_id="",
                number=0,
                camera=camera.id,
                when=passage.when + timedelta(seconds=lag_s + i),
                night=passage.night,
                passage=passage.id,
                animal=passage.animal,
                side=side,
                fault=fault,
                pose=pose,
                distance_m=camera.path_m + off_path,
                right_m=right_m,
                turn_deg=float(np.clip(sign * camera.path_turn_deg + wander, -25.0, 25.0)),
            )
        )
        pose = later(pose, pace_m, rng)
    return shots
