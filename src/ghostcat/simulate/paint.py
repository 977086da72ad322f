"""From a shot of a world to the JPEG that its camera's card holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .coat import Coat, draw_coat
from .photo import SYNTHETIC, Light, take_photo
from .render import Lens, Placement, Sprite, render_animal
from .scene import Scene, Season, draw_scene
from .world import CameraSite, Shot, World, stream

if TYPE_CHECKING:
    from PIL.Image import Exif

__all__ = ["MAKE", "MODEL", "Picture", "camera_clock", "coat_of", "paint_camera", "paint_shot", "paint_task"]

MAKE, MODEL = "ghostcat simulator", "SYNTHETIC trail camera"
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """A painted photo: pixels (h, w, 3) uint8, and the animal's visible box in fractions of the frame."""

    rgb: NDArray[np.uint8]
    box: Box


def camera_clock(world: World, camera: CameraSite, when: datetime) -> datetime:
    """What the camera's own clock shows (naive) at a true UTC time."""
    shift = timedelta(hours=world.options.utc_offset_h, seconds=camera.clock_error_s)
    return (when + shift).replace(tzinfo=None)


def coat_of(world: World, animal: str) -> Coat:
    """The coat of an animal of this world; the same each time."""
    number = [a.id for a in world.animals].index(animal)
    rng = np.random.default_rng(stream(world.seed, 7, number))
    return draw_coat(rng, male=world.animals[number].sex == "M")


def paint_camera(
    world: World, camera: CameraSite, files: Mapping[str, Path], coats: Mapping[str, Coat]
) -> dict[str, Box]:
    """Write all photos of one camera; `files` names them by media id. Gives each animal's box."""
    scenes: dict[Season, Scene] = {}
    boxes = {}
    for shot in (s for s in world.shots if s.camera == camera.id):
        picture = paint_shot(world, camera, shot, coats.get(shot.animal), scenes=scenes)
        _save(picture.rgb, files[shot.media_id], world, camera, shot)
        boxes[shot.media_id] = picture.box
    return boxes


def paint_shot(
    world: World,
    camera: CameraSite,
    shot: Shot,
    coat: Coat | None,
    *,
    scenes: dict[Season, Scene] | None = None,
) -> Picture:
    """Paint one photo.

    Parameters
    ----------
    coat : of the animal that passes; None for an empty photo.
    scenes : the camera's views drawn so far, added to; saves drawing them again.
    """
    options = world.options
    number = [c.id for c in world.cameras].index(camera.id)
    rng = np.random.default_rng(stream(world.seed, 5, number, shot.number))
    lens = Lens(
        width_px=options.width_px,
        height_px=options.height_px,
        focal_px=camera.focal * options.width_px,
        horizon_px=camera.horizon * options.height_px,
    )
    season = season_at(camera, shot.when)
    scenes = {} if scenes is None else scenes
    if season not in scenes:
        scenes[season] = draw_scene(
            stream(world.seed, 8, number), lens=lens, season=season, path_m=camera.path_m
        )
    sprite = None
    if coat is not None and shot.pose is not None:
        place = Placement(
            side=shot.side, distance_m=shot.distance_m, right_m=shot.right_m, turn_deg=shot.turn_deg
        )
        sprite = render_animal(
            rng, coat, pose=shot.pose, placement=place, lens=lens, winter=winter_coat(shot.when)
        )
    clock = camera_clock(world, camera, shot.when)
    celsius = _temperature(world, shot)
    rgb = take_photo(
        rng,
        scenes[season],
        sprite,
        light=_light(rng, world, shot),
        fault=shot.fault,
        caption=f"{clock:%Y-%m-%d  %H:%M:%S}     {celsius:d}°C     {camera.station} {camera.slot}",
    )
    return Picture(rgb=rgb, box=_visible_box(sprite, lens))


def season_at(camera: CameraSite, when: datetime) -> Season:
    """Green, bare and brown, or under snow."""
    day = when.timetuple().tm_yday
    snow_day = camera.snow_from.timetuple().tm_yday
    if day >= snow_day or day < 80:
        return "snow"
    return "green" if 115 <= day < 272 else "autumn"


def winter_coat(when: datetime) -> float:
    """0 summer … 1 winter: the coat changes from early October to late November, and back in spring."""
    day = when.timetuple().tm_yday
    autumn = np.clip((day - 275) / 55.0, 0.0, 1.0)
    spring = np.clip((130 - day) / 55.0, 0.0, 1.0)
    return float(max(autumn, spring))


def _temperature(world: World, shot: Shot) -> int:
    local = shot.when + timedelta(hours=world.options.utc_offset_h)
    yearly = 5.0 - 17.0 * np.cos(2 * np.pi * (local.timetuple().tm_yday - 20) / 365.25)
    daily = -4.0 * np.cos(2 * np.pi * (local.hour - 3) / 24.0)
    return round(float(yearly + daily))


def _light(rng: np.random.Generator, world: World, shot: Shot) -> Light:
    local = shot.when + timedelta(hours=world.options.utc_offset_h)
    noon = abs(local.hour + local.minute / 60.0 - 12.0) / 6.0
    # The weather is the same for all photos of a pass, on both cameras.
    key = int(shot.when.timestamp()) // 1800
    weather = np.random.default_rng(stream(world.seed, 6, key))
    by_day = float(rng.normal(1.0, 0.05) * (1.10 - 0.16 * noon))
    by_night = float(rng.normal(1.1, 0.08))
    return Light(
        infrared=shot.night,
        warmth=float(np.clip(0.8 * noon**3 + weather.normal(0.0, 0.15) - 0.15, -0.5, 1.0)),
        exposure=by_night if shot.night else by_day,
        sun=float(np.clip(weather.uniform(-0.6, 0.9), 0.0, 1.0)),
        flash_reach_m=float(rng.uniform(3.0, 3.7)),
    )


def _visible_box(sprite: Sprite | None, lens: Lens) -> Box:
    if sprite is None:
        return (0.0, 0.0, 0.0, 0.0)
    rows = np.flatnonzero((sprite.alpha > 0.5).any(1))
    cols = np.flatnonzero((sprite.alpha > 0.5).any(0))
    if len(rows) == 0:
        return (0.0, 0.0, 0.0, 0.0)
    left, top = (sprite.col + cols[0]) / lens.width_px, (sprite.row + rows[0]) / lens.height_px
    width, height = (cols[-1] - cols[0] + 1) / lens.width_px, (rows[-1] - rows[0] + 1) / lens.height_px
    return (round(float(left), 4), round(float(top), 4), round(float(width), 4), round(float(height), 4))


def _save(rgb: NDArray[np.uint8], path: Path, world: World, camera: CameraSite, shot: Shot) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(
        path, "JPEG", quality=world.options.jpeg_quality, exif=_exif(world, camera, shot)
    )


def _exif(world: World, camera: CameraSite, shot: Shot) -> Exif:
    from PIL import Image
    from PIL.ExifTags import IFD, Base

    stamp = f"{camera_clock(world, camera, shot.when):%Y:%m:%d %H:%M:%S}"
    text = f"{SYNTHETIC}: computer-generated picture of a simulated survey, not a photograph"
    exif = Image.Exif()
    exif[Base.ImageDescription] = text
    exif[Base.Make] = MAKE
    exif[Base.Model] = MODEL
    exif[Base.Software] = "ghostcat.simulate"
    exif[Base.Artist] = f"{SYNTHETIC} (ghostcat.simulate)"
    exif[Base.DateTime] = stamp
    details = exif.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = stamp
    details[Base.DateTimeDigitized] = stamp
    details[Base.UserComment] = b"ASCII\0\0\0" + f"{SYNTHETIC}; seed {world.seed}".encode("ascii")
    details[Base.BodySerialNumber] = camera.serial
    return exif


def paint_task(
    world: World, camera: CameraSite, files: Sequence[tuple[str, str]], coats: Mapping[str, Coat]
) -> dict[str, Box]:
    """`paint_camera` for a worker process, which must not start threads of its own."""
    import cv2

    cv2.setNumThreads(1)
    return paint_camera(world, camera, {media: Path(path) for media, path in files}, coats)
