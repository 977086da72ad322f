"""The view of one camera: a forest with a path, the same in every photo but for season and light.

Everything lies on a level plane before a level lens, so each pixel has a depth: it dims the
infrared flash, and it lets a trunk stand before the animal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from .noise import cloud_noise, look_up, soften
from .render import Lens

__all__ = ["Scene", "Season", "draw_scene"]

Floats = NDArray[np.floating[Any]]
Season = Literal["green", "autumn", "snow"]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """What the camera sees with no animal in it.

    day (h, w, 3) lit by an overcast sky, 0…1; infrared (h, w) reflectance; depth_m (h, w);
    standing_m (h, w) depth of trunks, infinite elsewhere; sun (h, w) patches of sunlight 0…1;
    near (h, w, 4) grass before the lens, colour and alpha; season.
    """

    lens: Lens
    day: Floats
    infrared: Floats
    depth_m: Floats
    standing_m: Floats
    sun: Floats
    near: Floats
    season: Season


@dataclass(frozen=True)
class _Look:
    """The colours of one season."""

    soil: Colour
    path: Colour
    backdrop_low: Colour
    backdrop_high: Colour
    haze: Colour
    leaves: tuple[Colour, ...]
    bush: tuple[Colour, ...]
    grass: tuple[Colour, ...]
    leaf_count: int
    bush_count: int
    grass_count: int


_LOOKS: Final[dict[Season, _Look]] = {
    "green": _Look(
        soil=(0.24, 0.21, 0.13), path=(0.42, 0.35, 0.25),
        backdrop_low=(0.13, 0.20, 0.09), backdrop_high=(0.52, 0.62, 0.40), haze=(0.45, 0.55, 0.38),
        leaves=((0.30, 0.38, 0.15), (0.22, 0.30, 0.12), (0.42, 0.36, 0.20), (0.36, 0.44, 0.20)),
        bush=((0.22, 0.36, 0.12), (0.30, 0.45, 0.16), (0.17, 0.28, 0.10), (0.40, 0.52, 0.22)),
        grass=((0.36, 0.48, 0.20), (0.46, 0.55, 0.28), (0.28, 0.38, 0.15)),
        leaf_count=3000, bush_count=3000, grass_count=420,
    ),
    "autumn": _Look(
        soil=(0.27, 0.20, 0.13), path=(0.44, 0.35, 0.25),
        backdrop_low=(0.22, 0.17, 0.11), backdrop_high=(0.66, 0.60, 0.48), haze=(0.58, 0.52, 0.42),
        leaves=((0.52, 0.35, 0.18), (0.58, 0.43, 0.24), (0.42, 0.29, 0.17), (0.66, 0.51, 0.27),
                (0.34, 0.25, 0.17), (0.50, 0.26, 0.15)),
        bush=((0.52, 0.36, 0.14), (0.42, 0.30, 0.14), (0.62, 0.46, 0.16), (0.34, 0.34, 0.14)),
        grass=((0.62, 0.52, 0.32), (0.52, 0.44, 0.26), (0.42, 0.40, 0.20)),
        leaf_count=4600, bush_count=1500, grass_count=320,
    ),
    "snow": _Look(
        soil=(0.80, 0.83, 0.88), path=(0.74, 0.76, 0.80),
        backdrop_low=(0.40, 0.41, 0.43), backdrop_high=(0.82, 0.84, 0.86), haze=(0.74, 0.76, 0.79),
        leaves=((0.40, 0.31, 0.22), (0.50, 0.40, 0.28)),
        bush=((0.30, 0.25, 0.21), (0.38, 0.32, 0.26), (0.24, 0.20, 0.18)),
        grass=((0.66, 0.57, 0.40), (0.54, 0.46, 0.33)),
        leaf_count=45, bush_count=0, grass_count=300,
    ),
}  # fmt: skip


def draw_scene(seed: np.random.SeedSequence, *, lens: Lens, season: Season, path_m: float) -> Scene:
    """Draw the forest before one camera.

    Parameters
    ----------
    seed : of the camera; trunks and ground stay put from season to season.
    path_m : how far before the lens the animals' path crosses.
    """
    # A fresh sequence, since spawning changes the one that was given.
    own = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    rngs = [np.random.default_rng(child) for child in own.spawn(6)]
    look = _LOOKS[season]
    day, depth = _ground(rngs[0], lens, look, season, path_m)
    _backdrop(rngs[1], lens, look, day, depth)
    standing = np.full(depth.shape, np.inf, np.float32)
    trunks = _trunks(rngs[2], lens, path_m)
    for trunk in trunks:
        if trunk.depth_m > path_m + 3.5:
            _draw_trunk(day, depth, standing, trunk, lens, look, season)
    _undergrowth(rngs[3], lens, look, day, path_m)
    _leaves(rngs[4], lens, look, day, path_m)
    for trunk in trunks:
        if path_m < trunk.depth_m <= path_m + 3.5:
            _draw_trunk(day, depth, standing, trunk, lens, look, season)
    _grass(rngs[4], lens, look, day, path_m)
    for trunk in trunks:
        if trunk.depth_m <= path_m:
            _draw_trunk(day, depth, standing, trunk, lens, look, season)
    near = _near_grass(rngs[5], lens, look)
    sun = np.clip(0.9 * cloud_noise(rngs[5], depth.shape, cells=7, octaves=3) - 0.25, 0.0, 1.0)
    weights = np.array([0.45, 0.45, 0.10], np.float32)
    infrared = day @ weights
    # Chlorophyll is bright in the near infrared: leaves and grass come out pale.
    green = np.clip(day[..., 1] - 0.5 * (day[..., 0] + day[..., 2]), 0.0, 0.2)
    return Scene(
        lens=lens,
        day=day,
        infrared=np.clip(infrared + 1.6 * green, 0.0, 1.0),
        depth_m=depth,
        standing_m=standing,
        sun=sun.astype(np.float32),
        near=near,
        season=season,
    )


def _colour(colour: Colour) -> Floats:
    return np.array(colour, np.float32)


def _ground(
    rng: np.random.Generator, lens: Lens, look: _Look, season: Season, path_m: float
) -> tuple[Floats, Floats]:
    """Soil or snow in perspective, with the path; and the depth of every pixel."""
    height, width = lens.height_px, lens.width_px
    row, col = np.mgrid[0:height, 0:width].astype(np.float32)
    below = np.maximum(row - lens.horizon_px, 1.5)
    depth = np.minimum(lens.focal_px * lens.height_m / below, 30.0).astype(np.float32)
    right = (col - width / 2) * depth / lens.focal_px
    tile = cloud_noise(rng, (768, 768), cells=24, octaves=5, fall=0.75)
    broad = cloud_noise(rng, (256, 256), cells=6, octaves=3)
    per_m = 110.0
    fine = look_up(tile, right * per_m + 384, depth * per_m)
    wide = look_up(broad, right * 16 + 128, depth * 16)
    fine = fine * np.clip(1.3 - depth / 9.0, 0.15, 1.0)
    bend = 0.25 * np.sin(right * 0.7 + rng.uniform(0, 6))
    away = np.abs(depth - path_m - bend) / (0.55 + 0.08 * wide)
    on_path = np.clip(1.25 - away, 0.0, 1.0)[..., None]
    rough = 0.05 if season == "snow" else 0.20
    base = _colour(look.soil) + on_path * 0.75 * (_colour(look.path) - _colour(look.soil))
    tone = 1.0 + rough * fine + 0.6 * rough * wide
    day = base * tone[..., None]
    if season == "snow":
        slope = np.clip(-np.gradient(soften(fine + wide, 2.0), axis=0) * 2.2, -1, 1)
        blue = np.clip(-slope, 0, 1)[..., None] * np.array([0.06, 0.04, 0.0])
        day = day * (1.0 + 0.10 * slope[..., None]) - blue
        day -= 0.10 * on_path * (fine > 0.7)[..., None]
    far = np.clip((depth - 5.0) / 18.0, 0.0, 0.75)[..., None]
    day = day + far * (0.8 * _colour(look.haze) - day)
    return np.clip(day, 0.0, 1.0).astype(np.float32), depth


def _backdrop(rng: np.random.Generator, lens: Lens, look: _Look, day: Floats, depth: Floats) -> None:
    """The forest beyond: foliage out of focus, light between it, a ragged lower edge."""
    width = lens.width_px
    edge = lens.horizon_px + 7.0 * cloud_noise(rng, (3, width), cells=14, octaves=3)[1]
    edge = np.clip(edge + 10.0, 4, lens.height_px - 1)
    top = int(edge.max()) + 1
    foliage = cloud_noise(rng, (top, width), cells=9, octaves=5, fall=0.7)
    up = np.clip(1.0 - np.arange(top, dtype=np.float32)[:, None] / lens.horizon_px, 0.0, 1.0)
    light = np.clip(0.18 + 0.75 * up**0.8 + 0.20 * foliage, 0.0, 1.0)[..., None]
    colour = _colour(look.backdrop_low) + light * (_colour(look.backdrop_high) - _colour(look.backdrop_low))
    gaps = np.clip(foliage + 0.9 * up - 1.35, 0.0, 1.0)[..., None]
    colour = colour + gaps * (np.array([0.93, 0.95, 0.95], np.float32) - colour)
    colour = soften(colour.astype(np.float32), 1.6)
    rows = np.arange(top, dtype=np.float32)[:, None]
    cover = np.clip((edge - rows) / 5.0, 0.0, 1.0)
    day[:top] += cover[..., None] * (colour - day[:top])
    depth[:top] = np.where(cover > 0.5, 28.0, depth[:top])


@dataclass(frozen=True)
class _Trunk:
    right_m: float
    depth_m: float
    radius_m: float
    lean: float
    birch: bool
    bark: Floats
    shade: float


def _trunks(rng: np.random.Generator, lens: Lens, path_m: float) -> list[_Trunk]:
    """Far to near; none stands on the path or right before the middle of the lens."""
    count = int(rng.integers(26, 44))
    depth = np.sort(rng.uniform(path_m + 1.7, 24.0, count))[::-1]
    near = rng.random() < 0.35
    bark = cloud_noise(rng, (900, 360), cells=26, octaves=4, fall=0.75, stretch=5.0)
    birch_share = rng.choice([0.05, 0.3, 0.6])
    trunks = []
    for z in depth:
        reach = 0.55 * lens.width_px / lens.focal_px * z
        trunks.append(_one_trunk(rng, bark, float(rng.uniform(-reach, reach)), float(z), birch_share))
    if near:
        z = float(rng.uniform(1.15, 1.5))
        side = float(rng.choice([-1.0, 1.0])) * 0.47 * lens.width_px / lens.focal_px * z
        trunks.append(_one_trunk(rng, bark, side, z, birch_share))
    return trunks


def _one_trunk(
    rng: np.random.Generator, bark: Floats, right_m: float, depth_m: float, birch_share: float
) -> _Trunk:
    radius = float(np.clip(rng.lognormal(np.log(0.085), 0.5), 0.02, 0.30))
    if depth_m < 2.0:
        radius = min(radius, 0.09)
    start = int(rng.integers(0, 200))
    return _Trunk(
        right_m=right_m,
        depth_m=depth_m,
        radius_m=radius,
        lean=float(rng.normal(0.0, 0.035)),
        birch=bool(rng.random() < birch_share),
        bark=bark[:, start : start + 160],
        shade=float(rng.uniform(0.75, 1.15)),
    )


def _draw_trunk(
    day: Floats, depth: Floats, standing: Floats, trunk: _Trunk, lens: Lens, look: _Look, season: Season
) -> None:
    scale = lens.focal_px / trunk.depth_m
    middle = lens.width_px / 2 + trunk.right_m * scale
    base = int(min(lens.horizon_px + lens.height_m * scale, lens.height_px))
    half = trunk.radius_m * scale
    lowest = int(middle - 1.6 * half - abs(trunk.lean) * base - 2)
    left, right = max(lowest, 0), min(int(middle + 1.6 * half + abs(trunk.lean) * base + 2), lens.width_px)
    if right - left < 1 or base < 2:
        return
    rows = np.arange(base, dtype=np.float32)[:, None]
    cols = np.arange(left, right, dtype=np.float32)[None, :]
    rise = base - rows
    flare = 1.0 + 0.5 * np.exp(-rise / (0.10 * scale)) - 0.10 * rise / max(base, 1)
    across = (cols - middle - trunk.lean * rise) / (half * flare)
    cover = np.clip((1.0 - np.abs(across)) * half / 1.2, 0.0, 1.0)
    bark_row = (rows * trunk.bark.shape[0] / lens.height_px).astype(int) % trunk.bark.shape[0]
    bark_col = ((np.clip(across, -1, 1) * 0.5 + 0.5) * min(159.0, 20 + half * 1.6)).astype(int)
    bark = trunk.bark[bark_row, bark_col]
    if trunk.birch:
        colour = np.array([0.74, 0.73, 0.69], np.float32) * (1.0 + 0.05 * bark[..., None])
        marks = trunk.bark[bark_row * 7 % trunk.bark.shape[0], bark_col // 6] > 1.15
        colour = np.where(marks[..., None], np.array([0.30, 0.28, 0.26], np.float32), colour)
    else:
        colour = np.array([0.33, 0.27, 0.21], np.float32) * (1.0 + 0.30 * bark[..., None])
    round_shade = 0.42 + 0.58 * np.sqrt(np.clip(1.0 - (across * 0.92 + 0.18) ** 2, 0.0, 1.0))
    colour = colour * (round_shade * trunk.shade * (1.15 if season == "snow" else 1.0))[..., None]
    if season == "snow":
        snowed = np.clip(1.0 - rise / (0.07 * scale), 0, 1)[..., None] * 0.9
        colour = colour + snowed * (_colour(look.soil) - colour)
    haze = float(np.clip((trunk.depth_m - 2.5) / 18.0, 0.0, 0.80))
    colour = colour + haze * (_colour(look.haze) - colour)
    window = day[:base, left:right]
    window += cover[..., None] * (colour - window)
    solid = cover > 0.5
    depth[:base, left:right] = np.where(solid, trunk.depth_m, depth[:base, left:right])
    standing[:base, left:right] = np.where(solid, trunk.depth_m, standing[:base, left:right])


def _blades(
    rng: np.random.Generator,
    image: Floats,
    root: Floats,
    length: Floats,
    colours: Floats,
    thick: NDArray[np.int64],
) -> None:
    """Curved blades of grass or twigs from each root (n, 2) upwards."""
    import cv2

    lean = rng.normal(0.0, 0.35, len(root))
    curve = rng.normal(0.0, 0.30, len(root))
    t = np.linspace(0.0, 1.0, 5)
    for i in range(len(root)):
        col = root[i, 0] + length[i] * (lean[i] * t + curve[i] * t * t)
        row = root[i, 1] - length[i] * (t - 0.25 * abs(curve[i]) * t * t)
        line = np.round(np.stack([col, row], 1) * 16).astype(np.int32)[:, None]
        cv2.polylines(image, [line], False, [float(c) for c in colours[i]], int(thick[i]), cv2.LINE_AA, 4)


def _leaf_shapes(
    rng: np.random.Generator, image: Floats, at: Floats, size: Floats, flat: Floats, colours: Floats
) -> None:
    """Small pointed ovals at (col, row), foreshortened by `flat`."""
    import cv2

    turn = np.linspace(0, 2 * np.pi, 7)[:-1]
    outline = np.stack([np.cos(turn), 0.55 * np.sin(turn)], 1)
    angle = rng.uniform(0, np.pi, len(at))
    c, s = np.cos(angle), np.sin(angle)
    col = outline[:, 0] * c[:, None] - outline[:, 1] * s[:, None]
    row = outline[:, 0] * s[:, None] + outline[:, 1] * c[:, None]
    shapes = np.stack([col * size[:, None] + at[:, :1], row * (size * flat)[:, None] + at[:, 1:]], -1)
    shapes = np.round(shapes * 16).astype(np.int32)
    for shape, colour in zip(shapes, colours.tolist(), strict=True):
        cv2.fillConvexPoly(image, shape, colour, cv2.LINE_AA, 4)


def _picked(rng: np.random.Generator, palette: tuple[Colour, ...], count: int, spread: float) -> Floats:
    colours = np.array(palette, np.float32)[rng.integers(0, len(palette), count)]
    tone = np.clip(rng.normal(1.0, spread, (count, 1)), 0.45, 1.6)
    return np.clip(colours * tone, 0.0, 1.0).astype(np.float32)


def _undergrowth(rng: np.random.Generator, lens: Lens, look: _Look, day: Floats, path_m: float) -> None:
    """Bushes and saplings beyond the path."""
    bushes = int(rng.integers(7, 13))
    z = np.sort(rng.uniform(path_m + 1.4, 13.0, bushes))[::-1]
    for depth_m in z:
        scale = lens.focal_px / depth_m
        middle = rng.uniform(-0.1, 1.1) * lens.width_px
        base = lens.horizon_px + lens.height_m * scale
        tall, wide = rng.uniform(0.25, 0.9) * scale, rng.uniform(0.25, 0.7) * scale
        haze = float(np.clip((depth_m - 3.0) / 20.0, 0.0, 0.7))
        stems = int(rng.integers(8, 18))
        root = np.stack([middle + rng.normal(0, 0.18, stems) * wide, np.full(stems, base)], 1)
        twig = np.array([[0.22, 0.17, 0.13]] * stems, np.float32)
        twig = twig + haze * (_colour(look.haze) - twig)
        _blades(rng, day, root, tall * rng.uniform(0.6, 1.2, stems), twig, np.ones(stems, np.int64))
        count = look.bush_count // bushes
        if count == 0:
            continue
        spread = rng.normal(0, 0.42, (count, 2))
        at = np.stack([middle + spread[:, 0] * wide, base - tall * (0.55 + 0.5 * spread[:, 1])], 1)
        at = at[at[:, 1] < base]
        size = scale * rng.uniform(0.018, 0.042, len(at))
        colours = _picked(rng, look.bush, len(at), 0.22)
        risen = np.clip((base - at[:, 1:]) / max(tall, 1.0), 0, 1)
        colours = colours * (0.72 + 0.35 * risen)
        colours = colours + haze * (_colour(look.haze) - colours)
        _leaf_shapes(rng, day, at, size, rng.uniform(0.5, 1.0, len(at)), colours)


def _leaves(rng: np.random.Generator, lens: Lens, look: _Look, day: Floats, path_m: float) -> None:
    """Fallen leaves on the ground, far ones first; few on the path."""
    count = look.leaf_count
    below = np.sort(rng.uniform(0.0, 1.0, count) ** 0.85)
    row = lens.horizon_px + 12.0 + below * (lens.height_px - lens.horizon_px + 8.0)
    scale = (row - lens.horizon_px) / lens.height_m
    depth = lens.focal_px / scale
    off_path = np.abs(depth - path_m) > 0.45
    keep = off_path | (rng.random(count) < 0.25)
    at = np.stack([rng.uniform(-10, lens.width_px + 10, count), row], 1)[keep]
    size = (scale * rng.uniform(0.011, 0.027, count))[keep]
    flat = np.clip(rng.normal(0.42, 0.16, len(at)), 0.12, 0.9)
    colours = _picked(rng, look.leaves, len(at), 0.22) * np.float32(0.88)
    haze = np.clip((depth[keep] - 4.0) / 16.0, 0.0, 0.6)[:, None].astype(np.float32)
    shade = at + np.stack([0.25 * size, 0.22 * size], 1)
    colours = colours + haze * (_colour(look.haze) - colours)
    near = size > 3.0
    under = 0.30 * colours[near] + 0.35 * _colour(look.soil) * look.soil[2]
    _leaf_shapes(rng, day, shade[near], size[near], flat[near], under)
    _leaf_shapes(rng, day, at, size, flat, colours)


def _grass(rng: np.random.Generator, lens: Lens, look: _Look, day: Floats, path_m: float) -> None:
    """Tufts of grass beyond the path."""
    blades = look.grass_count
    depth = np.sort(rng.uniform(path_m + 0.6, 10.0, blades))[::-1]
    tufts = rng.uniform(-0.05, 1.05, 24) * lens.width_px
    scale = lens.focal_px / depth
    col = tufts[rng.integers(0, 24, blades)] + rng.normal(0, 0.10, blades) * scale
    root = np.stack([col, lens.horizon_px + lens.height_m * scale], 1)
    colours = _picked(rng, look.grass, blades, 0.18)
    haze = np.clip((depth - 4.0) / 16.0, 0.0, 0.6)[:, None].astype(np.float32)
    colours = colours + haze * (_colour(look.haze) - colours)
    _blades(rng, day, root, scale * rng.uniform(0.12, 0.38, blades), colours, np.ones(blades, np.int64))


def _near_grass(rng: np.random.Generator, lens: Lens, look: _Look) -> Floats:
    """Blades close to the lens, out of focus, towards one lower corner: (h, w, 4)."""
    layer = np.zeros((lens.height_px, lens.width_px, 4), np.float32)
    count = int(rng.integers(0, 14))
    side = rng.choice([0.0, 1.0])
    col = np.abs(rng.normal(0.0, 0.16, count))
    col = np.where(rng.random(count) < 0.85, np.abs(side - col), 1 - np.abs(side - col)) * lens.width_px
    root = np.stack([col, np.full(count, lens.height_px + 6.0)], 1)
    colours = np.column_stack([_picked(rng, look.grass, count, 0.15) * 0.9, np.ones(count)])
    length = rng.uniform(0.16, 0.42, count) * lens.height_px
    thick = rng.integers(2, 6, count)
    _blades(rng, layer, root, length, colours, thick)
    return soften(layer, lens.width_px / 500.0)
