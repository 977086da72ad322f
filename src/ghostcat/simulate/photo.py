"""One photo: scene and animal under daylight or infrared flash, through a lens, onto a sensor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from .noise import soften
from .render import Sprite
from .scene import Scene

__all__ = ["SYNTHETIC", "Fault", "Light", "take_photo"]

Floats = NDArray[np.floating[Any]]
Rgb = NDArray[np.uint8]
Fault = Literal["", "motion_blur", "cut_off", "over_exposed"]

#: The word that every simulated picture carries in its caption and its EXIF.
SYNTHETIC: Final = "SYNTHETIC"
_EVEN: Final = np.full((3, 1), 1.0 / 3.0, np.float32)


@dataclass(frozen=True, kw_only=True)
class Light:
    """What falls on the scene at one moment."""

    infrared: bool
    warmth: float = 0.0
    """−1 blue shade … 1 low sun."""
    exposure: float = 1.0
    sun: float = 0.0
    """0 overcast … 1 sunny patches."""
    flash_reach_m: float = 3.2
    """Distance at which the infrared flash has fallen to half."""


def take_photo(
    rng: np.random.Generator,
    scene: Scene,
    sprite: Sprite | None,
    *,
    light: Light,
    fault: Fault = "",
    caption: str,
) -> Rgb:
    """Expose one photo, (h, w, 3) uint8, with its caption strip burnt in."""
    frame = _flash_lit(scene, light) if light.infrared else _day_lit(scene, light)
    if sprite is not None:
        frame = _with_shadow(frame, sprite, light, snow=scene.season == "snow")
        frame = _with_animal(rng, frame, scene, sprite, light, fault)
    near = scene.near[..., 3:]
    grass = scene.near[..., :3]
    grass = grass @ _EVEN * np.float32(0.9) if light.infrared else grass * np.float32(light.exposure)
    frame = frame * (1.0 - near) + grass
    blur = float(rng.uniform(0.45, 0.75)) * scene.lens.width_px / 900
    frame = soften(frame, blur)
    frame = frame * _vignette(frame.shape[0], frame.shape[1], 0.5 if light.infrared else 0.22)
    if fault == "over_exposed":
        frame = frame * 1.5 + 0.55 * (frame > 0.05) * frame
    frame = np.clip(frame, 0.0, 1.0)
    grain = _grain(frame.shape[0], frame.shape[1], int(rng.integers(0, 1 << 30)), light.infrared)
    shot = (0.010 + (0.022 if light.infrared else 0.010) * np.sqrt(frame)) * grain
    pixels = np.round(np.clip(frame + shot, 0.0, 1.0) * 255.0).astype(np.uint8)
    if light.infrared:
        pixels = np.repeat(pixels, 3, -1)
    return _captioned(pixels, caption, light)


def _day_lit(scene: Scene, light: Light) -> Floats:
    tint = np.array([1.0 + 0.10 * light.warmth, 1.0, 1.0 - 0.14 * light.warmth], np.float32)
    sunny = 1.0 + light.sun * scene.sun[..., None] * np.array([0.85, 0.75, 0.50], np.float32)
    result: Floats = scene.day * (tint * light.exposure) * sunny
    return result


def _falloff(depth_m: Floats, light: Light) -> Floats:
    return (1.0 / (1.0 + (depth_m / light.flash_reach_m) ** 2.6)).astype(np.float32)


def _flash_lit(scene: Scene, light: Light) -> Floats:
    dim = 0.70 if scene.season == "snow" else 1.0
    lit = dim * scene.infrared * _falloff(scene.depth_m, light) * 1.35 * light.exposure
    result: Floats = (0.012 + lit)[..., None].astype(np.float32)
    return result


def _with_shadow(frame: Floats, sprite: Sprite, light: Light, *, snow: bool) -> Floats:
    import cv2

    # Shadows are soft: a quarter of the resolution is enough.
    scale = 4
    dark, under = np.zeros((2, -(-frame.shape[0] // scale), -(-frame.shape[1] // scale)), np.float32)
    *feet, (col, row, half) = sprite.feet

    def blot(layer: Floats, col: float, row: float, wide: float, tall: float, value: float) -> None:
        fine = 16.0 / scale
        centre, axes = (round(col * fine), round(row * fine)), (round(wide * fine), round(tall * fine))
        cv2.ellipse(layer, centre, axes, 0, 0, 360, value, -1, cv2.LINE_AA, 4)

    blot(dark, col, row, half, 0.16 * half, 0.75)
    for at_col, at_row, radius in feet:
        blot(under, at_col, at_row, 1.3 * radius, 0.34 * radius, 1.0)
    dark = soften(dark, 0.10 * half / scale)
    under = soften(under, max(0.018 * half, 2.0) / scale)
    strength = 0.30 if light.infrared else (0.36 if snow else 0.50)
    shade = np.clip(strength * np.maximum(dark, 1.3 * under), 0.0, 0.75)
    shade = cv2.resize(shade, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_LINEAR)[..., None]
    cool = np.array([1.0, 0.97, 0.92] if snow and not light.infrared else [1.0] * frame.shape[2], np.float32)
    result: Floats = frame * (1.0 - shade * cool)
    return result


def _lit_animal(sprite: Sprite, scene: Scene, light: Light) -> Floats:
    right, up, ahead = (sprite.normal[..., i] for i in range(3))
    if light.infrared:
        # Hair reflects more in the infrared than pigment lets through to the eye: contrast is lower.
        grey = sprite.albedo @ np.array([0.62, 0.30, 0.08], np.float32)
        grey = 0.10 + 0.90 * grey
        face_on = 0.22 + 0.90 * np.clip(ahead, 0.0, 1.0) ** 0.8
        lit = grey * face_on * _falloff(sprite.depth_m, light) * 1.35 * light.exposure
        lit = lit * (1.0 - 0.6 * sprite.eye) + 1.0 * sprite.eye
        grey_only: Floats = lit[..., None]
        return grey_only
    sky = 0.50 + 0.42 * (0.5 + 0.5 * up)
    bounce = (0.18 if scene.season == "snow" else 0.06) * np.clip(-up, 0.0, 1.0)
    ahead_lit = 0.16 * np.clip(ahead, 0.0, 1.0)
    sun = light.sun * 0.40 * np.clip(0.35 * right + 0.80 * up + 0.45 * ahead, 0.0, 1.0)
    h, w = sprite.alpha.shape
    dapple = 0.35 + 0.9 * scene.sun[sprite.row : sprite.row + h, sprite.col : sprite.col + w]
    total = ((sky + bounce + ahead_lit) * sprite.shade)[..., None] * np.ones(3, np.float32)
    total = total + (sun * dapple)[..., None] * np.array([1.0, 0.92, 0.72], np.float32)
    tint = np.array([1.0 + 0.10 * light.warmth, 1.0, 1.0 - 0.14 * light.warmth], np.float32)
    result: Floats = sprite.albedo * total * tint * light.exposure
    return result


def _with_animal(
    rng: np.random.Generator, frame: Floats, scene: Scene, sprite: Sprite, light: Light, fault: Fault
) -> Floats:
    h, w = sprite.alpha.shape
    window = (slice(sprite.row, sprite.row + h), slice(sprite.col, sprite.col + w))
    alpha: Floats = sprite.alpha
    if fault == "over_exposed":
        light = replace(light, exposure=light.exposure * 2.6)
    colour: Floats = _lit_animal(sprite, scene, light) * alpha[..., None]
    length = 0.0
    if fault == "motion_blur":
        length = rng.uniform(0.055, 0.085) * frame.shape[1]
    elif light.infrared:
        length = rng.uniform(1.0, 3.5) * frame.shape[1] / 900
    if length >= 2.0:
        colour, alpha = _smeared(colour, round(length)), _smeared(alpha[..., None], round(length))[..., 0]
    before: Floats = (scene.standing_m[window] > sprite.depth_m).astype(np.float32)
    alpha, colour = alpha * before, colour * before[..., None]
    result = frame.copy()
    result[window] = frame[window] * (1.0 - alpha[..., None]) + colour
    return result


def _smeared(image: Floats, length_px: int) -> Floats:
    """Motion blur along the rows; what leaves the window is lost."""
    import cv2

    padded = np.pad(image, [(0, 0), (length_px, length_px), (0, 0)])
    smeared = np.asarray(cv2.blur(padded, (length_px, 1), borderType=cv2.BORDER_CONSTANT), np.float32)
    return smeared.reshape(padded.shape)[:, length_px:-length_px]


@cache
def _vignette(height: int, width: int, strength: float) -> Floats:
    row = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    col = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    away = row**2 * 0.7 + col**2
    result: Floats = (1.0 - strength * (away / 1.7) ** 1.3)[..., None]
    return result


def _grain(height: int, width: int, seed: int, grey: bool) -> Floats:
    """Sensor noise, softened a little as a camera's own processing does."""
    rng = np.random.default_rng(seed)
    layers = 1 if grey else 3
    # A quarter of the draws, tiled by a shift, is as good as fresh noise to the eye and to SIFT.
    tile = rng.standard_normal((height // 2 + 1, width // 2 + 1, layers), dtype=np.float32)
    grain = np.concatenate([np.concatenate([tile, tile[::-1]], 1), np.concatenate([tile[:, ::-1], -tile], 1)])
    grain = grain[:height, :width]
    return soften(grain, 0.6)


def _captioned(pixels: Rgb, caption: str, light: Light) -> Rgb:
    """Burn the strip into the lower edge: white on black, SYNTHETIC in amber."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = pixels.shape[:2]
    strip = max(round(height * 0.042), 16)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height - strip, width, height), fill=(8, 8, 8))
    font = ImageFont.load_default(size=strip * 0.66)
    middle = height - strip / 2
    draw.text((strip * 0.4, middle), caption, fill=(235, 235, 235), font=font, anchor="lm")
    amber = (235, 235, 235) if light.infrared else (255, 190, 60)
    draw.text((width - strip * 0.4, middle), SYNTHETIC, fill=amber, font=font, anchor="rm")
    return np.asarray(image)
