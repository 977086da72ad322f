"""From a coat, a body and a pose to the pixels of an animal, before any light falls on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from .anatomy import Body, standing_body
from .coat import COAT_ORIGIN_M, COAT_PX_PER_M, COAT_SHAPE, Coat, FlankMap
from .noise import look_up, smooth_noise, soften
from .pose import Pose, posed_vertices
from .raster import rasterise, vertex_normals

__all__ = ["Lens", "Placement", "Sprite", "render_animal"]

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]
Side = Literal["left", "right"]


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A camera on a trunk: level, `height_m` over the ground, looking straight ahead."""

    width_px: int
    height_px: int
    focal_px: float
    horizon_px: float
    height_m: float = 0.48

    def project(self, right_m: Floats, up_m: Floats, depth_m: Floats) -> Floats:
        """Columns and rows (n, 2) of points right of, above and before the camera."""
        scale = self.focal_px / depth_m
        return np.stack(
            [self.width_px / 2 + right_m * scale, self.horizon_px - (up_m - self.height_m) * scale], 1
        ).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the animal's middle is, and which flank it shows.

    `turn_deg` is how far it heads away from straight across; positive brings the head nearer.
    """

    side: Side
    distance_m: float
    right_m: float = 0.0
    turn_deg: float = 0.0


@dataclass(frozen=True)
class Sprite:
    """The animal cut out: a window of the frame at (row, col).

    albedo (h, w, 3) 0…1; alpha (h, w); normal (h, w, 3) right, up, towards the camera;
    depth_m (h, w); shade (h, w) how open to the sky; eye (h, w) tapetum.
    """

    row: int
    col: int
    albedo: Floats
    alpha: Floats
    normal: Floats
    depth_m: Floats
    shade: Floats
    eye: Floats
    feet: tuple[tuple[float, float, float], ...]
    """Column, row and radius in pixels of the shadow under each foot, then under the trunk."""


_PALETTE: Final = {
    "summer": {"back": (0.74, 0.52, 0.27), "flank": (0.84, 0.67, 0.42), "belly": (0.94, 0.90, 0.82)},
    "winter": {"back": (0.78, 0.64, 0.43), "flank": (0.87, 0.77, 0.59), "belly": (0.95, 0.93, 0.88)},
}
_BLACK: Final = np.array([0.085, 0.065, 0.055], np.float32)
#: How far the skin lies from its rest place in one photo (standard deviation).
_SKIN_SLIDE_M: Final = 0.007
_CENTRE: Final = np.array([0.90, 0.81, 0.68], np.float32)


def render_animal(
    rng: np.random.Generator,
    coat: Coat,
    *,
    pose: Pose,
    placement: Placement,
    lens: Lens,
    winter: float,
) -> Sprite | None:
    """Draw the animal as the lens sees it; None when no part of it is in the frame.

    Parameters
    ----------
    rng : for the skin, which slides a little over the muscles in every photo.
    winter : 0 summer coat … 1 winter coat (paler, longer hair, softer edges of the spots).
    """
    body = standing_body()
    right, up, depth, near = _stand(coat, body, pose, placement, winter)
    screen = lens.project(right, up, depth)
    low, high = screen.min(0), screen.max(0)
    pad = 4
    left, top = max(int(low[0]) - pad, 0), max(int(low[1]) - pad, 0)
    width = min(int(high[0]) + pad, lens.width_px) - left
    height = min(int(high[1]) + pad, lens.height_px) - top
    if width < 8 or height < 8:
        return None
    seen = rasterise(
        screen - np.array([left, top], np.float32), depth, body.faces, height=height, width=width
    )
    if len(seen.rows) == 0:
        return None
    world = np.stack([right, up, -depth], 1)
    normals = vertex_normals(world, body.faces)
    facts = np.column_stack([body.rest, body.coat_v_m, body.limb, normals, depth, near])
    values = seen.of(facts.astype(np.float32))
    slide = [_SKIN_SLIDE_M * smooth_noise(rng, (height, width), cells=7) for _ in range(2)]
    slid = np.stack([field[seen.rows, seen.cols] for field in slide], 1)
    albedo, eye = _paint(values, slid, coat, placement.side, winter)
    shade = 1.0 - 0.42 * values[:, 4] * (values[:, 9] < 0)
    flat = np.column_stack([albedo, values[:, 5:9], shade, eye, np.ones(len(eye), np.float32)])
    image = np.zeros((height, width, flat.shape[1]), np.float32)
    image[seen.rows, seen.cols] = flat
    return Sprite(
        row=top,
        col=left,
        albedo=image[..., :3],
        alpha=_soft_edge(np.ascontiguousarray(image[..., 9]), winter),
        normal=image[..., 3:6],
        depth_m=image[..., 6],
        shade=image[..., 7],
        eye=image[..., 8],
        feet=_feet(body, screen, up, depth, lens),
    )


def _stand(
    coat: Coat, body: Body, pose: Pose, placement: Placement, winter: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Posed vertices before the camera: right, up, depth in metres; and rest y towards it."""
    at = posed_vertices(body, pose) * np.float32(coat.size)
    s = 1.0 if placement.side == "left" else -1.0
    stout = coat.stout * (1.0 + 0.04 * winter)
    turn = np.radians(placement.turn_deg) * s
    x, y = at[:, 0] + 0.10 * coat.size, at[:, 1] * stout
    ahead = x * np.cos(turn) - y * np.sin(turn)
    aside = x * np.sin(turn) + y * np.cos(turn)
    return (
        (-s * ahead + placement.right_m).astype(np.float32),
        at[:, 2].astype(np.float32),
        (placement.distance_m - s * aside).astype(np.float32),
        (s * body.rest[:, 1]).astype(np.float32),
    )


def _soft_edge(mask: Floats, winter: float) -> Floats:
    """Cover of the hair: soft and a little ragged, and nowhere beyond the skin."""
    soft = soften(mask, 0.8 + 0.3 * winter)
    hair = np.clip(_hair()[: mask.shape[0], : mask.shape[1]], -1.1, 1.1)
    result: Floats = mask * np.clip((soft - 0.47 - 0.06 * (1 + winter) * hair) / 0.40, 0.0, 1.0)
    return result


@cache
def _hair() -> Floats:
    """Grain of single hairs, the same for every animal: it carries no identity."""
    return smooth_noise(np.random.default_rng(20), (1400, 2200), cells=900)


@cache
def _fur() -> Floats:
    """Fur over the coat map, lying backwards along the body."""
    rng = np.random.default_rng(21)
    fine = smooth_noise(rng, (COAT_SHAPE[1], COAT_SHAPE[0]), cells=150, stretch=3.0).T
    broad = smooth_noise(rng, COAT_SHAPE, cells=60)
    return np.ascontiguousarray(0.7 * fine + 0.4 * broad)


def _values_at(image: NDArray[Any], col: Floats, row: Floats) -> Floats:
    """Values of a map at (k,) places; OpenCV wants a picture, so the list is folded into one."""
    width = 1024
    height = -(-len(col) // width)
    at = np.zeros((2, height * width), np.float32)
    at[:, : len(col)] = col, row
    folded = at.reshape(2, height, width)
    return look_up(image, folded[0], folded[1]).reshape(height * width, -1)[: len(col)]


def _flank(flank: FlankMap, winter: float) -> Bytes:
    """Both maps of a flank (h, w, 2), softened by the long hair of winter."""
    import cv2

    both = np.dstack([flank.dark, flank.centre])
    if winter > 0:
        both = np.asarray(cv2.GaussianBlur(both, (0, 0), 0.5 + 0.7 * winter), np.uint8)
    return both


def _ramp(values: Floats, start: float, end: float) -> Floats:
    """0 at `start`, 1 at `end`, smooth between."""
    t = np.clip((values - start) / (end - start), 0.0, 1.0)
    result: Floats = (t * t * (3.0 - 2.0 * t)).astype(np.float32)
    return result


def _paint(values: Floats, slid: Floats, coat: Coat, side: Side, winter: float) -> tuple[Floats, Floats]:
    """Colour of the hair (k, 3) and the shine of the eye (k,) at the visible pixels."""
    x, y, z, v, limb = (np.ascontiguousarray(values[:, i]) for i in range(5))
    col = (x + slid[:, 0] - COAT_ORIGIN_M[0]) * COAT_PX_PER_M
    row = (COAT_ORIGIN_M[1] - v - slid[:, 1]) * COAT_PX_PER_M
    near, far = (coat.left, coat.right) if side == "left" else (coat.right, coat.left)
    beyond = values[:, 9] < 0
    pattern = np.zeros((len(x), 2), np.float32)
    for flank, here in ((near, ~beyond), (far, beyond)):
        if here.any():
            pattern[here] = _values_at(_flank(flank, winter), col[here], row[here]) / 255.0
    dark, centre = pattern[:, 0], pattern[:, 1]
    fur = _values_at(_fur(), col, row)[:, 0]
    ground = _ground_colour(x, np.abs(y), z, v, limb, coat.tawny, winter)
    ground = ground * (1.0 - centre[:, None] * (1.0 - _CENTRE))
    ground = ground * (1.0 + 0.07 * fur[:, None])
    eye = np.zeros(len(x), np.float32)
    head = np.flatnonzero(x > 0.55)
    dark[head], eye[head], ground[head] = _face(x[head], np.abs(y)[head], z[head], dark[head], ground[head])
    fade = (1.0 - 0.10 * winter) * np.clip(1.0 - 0.05 * fur, 0.0, 1.0)
    black = _BLACK + 0.02 * winter
    albedo = ground + (dark * fade)[:, None] * (black - ground)
    return np.clip(albedo, 0.0, 1.0).astype(np.float32), eye


def _ground_colour(
    x: Floats, y: Floats, z: Floats, v: Floats, limb: Floats, tawny: float, winter: float
) -> Floats:
    tones = {
        name: np.array(_PALETTE["summer"][name]) * (1 - winter) + np.array(_PALETTE["winter"][name]) * winter
        for name in ("back", "flank", "belly")
    }
    tawny = tawny * (1.0 - 0.5 * winter) - 0.3 * winter
    warm = np.array([1.0 + 0.03 * tawny, 1.0 - 0.035 * tawny, 1.0 - 0.12 * tawny])
    back, flank, belly = tones["back"] * warm, tones["flank"] * warm, tones["belly"]
    head = _ramp(x, 0.50, 0.60)
    tail = _ramp(x, -0.50, -0.62)
    high = _ramp(v, 0.00, 0.22) * (1 - head) + head * _ramp(z, 0.62, 0.70)
    low = _ramp(v, -0.13, -0.25) * (1 - limb) * (1 - head)
    low = np.maximum(low, head * _ramp(z, 0.602, 0.575))
    inner = limb * _ramp(y, 0.098, 0.070)
    low = np.maximum(low, np.maximum(inner, 0.35 * limb))
    low = np.maximum(low, tail * _ramp(v, 0.0, -0.035))
    colour = flank + high[..., None] * (back - flank)
    colour = colour + low[..., None] * (belly - colour)
    result: Floats = colour.astype(np.float32)
    return result


def _spot(x: Floats, z: Floats, at: tuple[float, float], radius: float, soft: float = 0.004) -> Floats:
    away = np.sqrt((x - at[0]) ** 2 + (z - at[1]) ** 2)
    return _ramp(away, radius + soft, radius - soft)


def _face(x: Floats, y: Floats, z: Floats, dark: Floats, ground: Floats) -> tuple[Floats, Floats, Floats]:
    """Eyes, nose, mouth, muzzle and ears, drawn over the coat of the head."""
    head = _ramp(x, 0.56, 0.60)
    muzzle = _ramp(x, 0.715, 0.745) * head
    dark = dark * (1.0 - 0.85 * muzzle) * (1.0 - 0.5 * _ramp(x, 0.60, 0.70))
    pale = np.array([0.93, 0.88, 0.80], np.float32)
    around = _spot(x, z, (0.722, 0.648), 0.018, 0.012) * (y > 0.02)
    lip = muzzle * _ramp(z, 0.640, 0.612)
    mix = np.maximum(0.75 * around, 0.85 * lip)[..., None]
    ground = ground + mix * (pale - ground)
    for across in range(3):
        for down in range(3):
            dot = _spot(x, z, (0.752 + 0.014 * across, 0.622 - 0.011 * down), 0.0032, 0.002)
            dark = np.maximum(dark, 0.7 * dot * (y > 0.012))
    nose = _ramp(x, 0.797, 0.803) * _ramp(z, 0.612, 0.618)
    ground = ground + nose[..., None] * (np.array([0.30, 0.21, 0.185], np.float32) - ground)
    mouth = 0.75 * _ramp(np.abs(z - 0.594 + 0.25 * np.abs(x - 0.775)), 0.0055, 0.001)
    mouth = mouth * _ramp(x, 0.705, 0.730) * _ramp(x, 0.812, 0.80)
    dark = np.maximum(dark, mouth)
    ear = _ramp(z, 0.732, 0.742) * head
    rim = 1.0 - _spot(x, z, (0.590, 0.757), 0.017, 0.007)
    dark = dark * (1.0 - ear) + ear * 0.95 * rim
    ground = ground + (0.8 * ear)[..., None] * (pale - ground)
    open_eye = _spot(x, z, (0.727, 0.664), 0.0145, 0.003) * (y > 0.022)
    iris = _spot(x, z, (0.728, 0.664), 0.0098, 0.002) * (y > 0.022)
    pupil = _spot(x, z, (0.729, 0.664), 0.0050, 0.002)
    dark = np.maximum(dark, open_eye) * (1.0 - 0.9 * iris * (1.0 - pupil))
    ground = ground + iris[..., None] * (np.array([0.70, 0.58, 0.28], np.float32) - ground)
    tear = _ramp(np.abs(z - 0.655 + 0.6 * (x - 0.735)), 0.005, 0.001) * _ramp(x, 0.733, 0.738)
    dark = np.maximum(dark, 0.8 * tear * _ramp(x, 0.762, 0.752) * (y > 0.02))
    return dark, iris, ground


def _feet(
    body: Body, screen: Floats, up: Floats, depth: Floats, lens: Lens
) -> tuple[tuple[float, float, float], ...]:
    """Where shadows lie on the ground: under each foot near the ground and under the trunk."""
    spots = []
    low = body.rest[:, 2] < 0.05
    for fore in (True, False):
        for left in (True, False):
            part = low & ((body.rest[:, 0] > 0) == fore) & ((body.rest[:, 1] > 0) == left)
            lift = float(up[part].min())
            scale = lens.focal_px / float(depth[part].mean())
            col = float(screen[part, 0].mean())
            row = lens.horizon_px + lens.height_m * scale
            spots.append((col, row, 0.085 * scale * (1.0 - min(lift / 0.08, 0.8))))
    trunk = (body.limb < 0.1) & (body.rest[:, 0] > -0.5) & (body.rest[:, 0] < 0.5)
    scale = lens.focal_px / float(depth[trunk].mean())
    middle = lens.horizon_px + lens.height_m * scale
    spots.append((float(screen[trunk, 0].mean()), middle, 0.5 * scale))
    return tuple(spots)
