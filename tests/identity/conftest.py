"""Drawn coats: the same animal, seen again and again, without any photograph."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from ghostcat.identity import Features, FlankReading, describe

HEIGHT, WIDTH = 300, 520


def coat(seed: int) -> np.ndarray:
    """Dark blotches on tawny ground, (300, 520) grey: smooth noise cut at a level."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), 7)
    fine = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), 3)
    spots = 1 / (1 + np.exp(-(noise / noise.std() + 0.35 * fine / fine.std() - 0.4) * 5))
    return (175 - 120 * spots).astype(np.float32)


def body_mask() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (260, 120), (215, 85), 0, 0, 360, 255, -1)
    cv2.circle(mask, (455, 100), 52, 255, -1)
    for x in (110, 165, 370, 420):
        cv2.rectangle(mask, (x - 18, 140), (x + 18, 285), 255, -1)
    return mask


def photo(
    seed: int, view: int, *, scene: int | None = None, animal: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """RGB photo (480, 640, 3) and body mask of coat `seed` in pose and light `view`, before scene `scene`."""
    rng = np.random.default_rng(10_000 + view)
    place = np.random.default_rng(777 + (view if scene is None else scene))
    ground = cv2.GaussianBlur(place.normal(size=(480, 640)), (0, 0), 2.5)
    ground = 110 + 45 * ground / ground.std()
    angle, scale = rng.uniform(-8, 8), rng.uniform(0.85, 1.1)
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), angle, scale)
    matrix[0, 1] += rng.uniform(-0.08, 0.08)
    matrix[:, 2] += (320 - WIDTH / 2 + rng.uniform(-25, 25), 240 - HEIGHT / 2 + rng.uniform(-25, 25))
    skin = cv2.warpAffine(coat(seed), matrix, (640, 480))
    mask = cv2.warpAffine(body_mask(), matrix, (640, 480)) > 127
    grey = np.where(mask, skin * rng.uniform(0.75, 1.2), ground) if animal else ground
    grey = grey + rng.normal(0, 4, grey.shape)
    rgb = np.clip(grey, 0, 255)[..., None] * np.array([1.0, 0.92, 0.75])
    return np.ascontiguousarray(rgb.astype(np.uint8)), mask


def reading_of(mask: np.ndarray) -> FlankReading:
    ys, xs = np.nonzero(mask)
    x0, x1, y0, y1 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
    h, w = mask.shape
    return FlankReading(
        box=(x0 / w, y0 / h, (x1 - x0) / w, (y1 - y0) / h),
        mask=mask[y0:y1, x0:x1],
        side="unknown",
        side_probability=0.5,
        usable=True,
        reason="",
        quality=0.8,
        infrared=False,
    )


@pytest.fixture(scope="session")
def seen() -> Callable[..., Features]:
    """Features of coat `seed` in view `view`; made once."""
    made: dict[tuple, Features] = {}

    def look(seed: int, view: int, *, scene: int | None = None, animal: bool = True) -> Features:
        key = (seed, view, scene, animal)
        if key not in made:
            rgb, mask = photo(seed, view, scene=scene, animal=animal)
            made[key] = describe(rgb, reading_of(mask))
        return made[key]

    return look


@pytest.fixture(scope="session")
def take_photo() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    return photo


@pytest.fixture(scope="session")
def read_as() -> Callable[[np.ndarray], FlankReading]:
    return reading_of
