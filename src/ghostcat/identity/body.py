"""Where the animal is: a body mask from a small network, burnt-in captions left out."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ModelMissing
from ghostcat.identity.model_files import MODEL_FOLDER, verified_model

__all__ = ["Body", "BodyModel", "caption_rows", "constant_regions", "find_body", "load_body_model"]

#: The body is where the stretched map is above one half.
MASK_LEVEL = 0.5
#: Below this the network saw nothing that stands out: its map is not stretched into an animal.
SALIENT = 0.30
#: A second, closer look at the animal's surroundings, this share of its box wider on each side, where the
#: first was unsure: many pixels between no and yes, a second blob, or a small animal (shares of the blob's
#: area, the blob's area, and the map's side). Elsewhere both looks agree (intersection over union 0.98).
CLOSER_MARGIN = 0.25
UNSURE_PIXELS = 0.15
SECOND_BLOB = 0.05
SMALL_SIDE = 0.33
#: Smallest part of the frame that can be an animal; smaller blobs are leaves and eyes.
LEAST_AREA = 0.002


@dataclass(frozen=True, kw_only=True)
class Body:
    """One animal. `box` in pixels (x0, y0, x1, y1); `mask` bool over the box; `salience` 0…1."""

    box: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    salience: float


class BodyModel:
    """U2-Net-p, loaded and checked. Cheap to hold, costly to make: one per process."""

    def __init__(self, path: Path, spec: dict[str, Any], *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._size = (int(spec["input_px"][1]), int(spec["input_px"][0]))
        self._mean = np.array(spec["mean"], np.float32)
        self._std = np.array(spec["std"], np.float32)

    def salience(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How much each place stands out, 0…1, as the network gives it (320, 320)."""
        import cv2

        picture = cv2.resize(rgb, self._size, interpolation=cv2.INTER_AREA).astype(np.float32)
        picture = (picture / max(float(picture.max()), 1.0) - self._mean) / self._std
        maps = self._session.run(None, {self._input: picture.transpose(2, 0, 1)[None]})
        return np.asarray(maps[0][0, 0], dtype=np.float32)


def load_body_model(
    folder: Path = MODEL_FOLDER, *, threads: int = 1, required: bool = False
) -> BodyModel | None:
    """The body mask model, its checksum verified; None when it (or onnxruntime) is not there.

    Parameters
    ----------
    folder : holds `manifest.toml` and the model file.
    threads : threads of one inference; two were slower than one while the other core was busy.
    required : raise instead of returning None.

    Raises
    ------
    ModelMissing : with `required`, when the file or onnxruntime is missing; always, when the file is
        not the one of the manifest.
    """
    found = verified_model("u2netp", folder, required=required)
    if importlib.util.find_spec("onnxruntime") is None:
        if required:
            raise ModelMissing("onnxruntime is not installed", fix="Install ghostcat with its models.")
        return None
    if found is None:
        return None
    path, spec = found
    return BodyModel(path, spec, threads=threads)


def find_body(
    rgb: NDArray[np.uint8],
    model: BodyModel,
    *,
    caption: NDArray[np.bool_] | None = None,
) -> Body | None:
    """The animal that stands out most, or None.

    Parameters
    ----------
    rgb : (h, w, 3) uint8.
    model : from `load_body_model`.
    caption : bool, any resolution, True where the camera writes on its photos. Strips along the upper
        and lower edge are found without it.
    """
    import cv2

    top, bottom = caption_rows(rgb)
    scene = rgb[top:bottom]
    height, width = scene.shape[:2]
    if height < 16 or width < 16:
        return None
    written = np.zeros((height, width), bool)
    if caption is not None:
        whole = cv2.resize(
            caption.astype(np.uint8), (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_NEAREST
        )
        written = whole[top:bottom] > 0
    salience = model.salience(scene)
    found = _largest(salience, (width, height), written)
    if found is None:
        return None
    (x0, y0, x1, y1), mask, strength = found
    if _unsure(salience):
        dx, dy = round((x1 - x0) * CLOSER_MARGIN) + 10, round((y1 - y0) * CLOSER_MARGIN) + 10
        ax, ay, bx, by = max(0, x0 - dx), max(0, y0 - dy), min(width, x1 + dx), min(height, y1 + dy)
        again = _largest(model.salience(scene[ay:by, ax:bx]), (bx - ax, by - ay), written[ay:by, ax:bx])
        if again is not None and again[2] >= SALIENT:
            (x0, y0, x1, y1), mask, _ = again
            x0, y0, x1, y1 = x0 + ax, y0 + ay, x1 + ax, y1 + ay
            strength = max(strength, again[2])
    return Body(box=(x0, y0 + top, x1, y1 + top), mask=mask, salience=strength)


def _largest(
    salience: NDArray[np.float32], size: tuple[int, int], written: NDArray[np.bool_]
) -> tuple[tuple[int, int, int, int], NDArray[np.bool_], float] | None:
    """Box, mask and mean salience of the largest blob of a map, at `size` (width, height)."""
    import cv2

    low, high = float(salience.min()), float(salience.max())
    if high - low < 1e-3:
        return None
    stretched = cv2.resize((salience - low) / (high - low), size, interpolation=cv2.INTER_LINEAR)
    blob = ((stretched > MASK_LEVEL) & ~written).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(blob)
    if count < 2:
        return None
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h, area = (int(v) for v in stats[best])
    if area < LEAST_AREA * size[0] * size[1] or min(w, h) < 8:
        return None
    inside = labels == best
    strength = float((stretched[inside] * (high - low) + low).mean())
    return (x, y, x + w, y + h), inside[y : y + h, x : x + w], strength


def _unsure(salience: NDArray[np.float32]) -> bool:
    """Whether a first look at the whole frame leaves the outline open."""
    import cv2

    low, high = float(salience.min()), float(salience.max())
    stretched = (salience - low) / max(high - low, 1e-6)
    _, _, stats, _ = cv2.connectedComponentsWithStats((stretched > MASK_LEVEL).astype(np.uint8))
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    if not len(areas):
        return False
    _, _, w, h, _ = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
    between = ((stretched > 0.15) & (stretched < 0.85)).sum()
    return bool(
        between > UNSURE_PIXELS * areas[0]
        or (len(areas) > 1 and areas[1] > SECOND_BLOB * areas[0])
        or max(w, h) < SMALL_SIDE * max(salience.shape)
    )


def caption_rows(rgb: NDArray[np.uint8]) -> tuple[int, int]:
    """First row below an upper caption strip and first row of a lower one: the scene is between.

    A strip is a run of rows at the edge, nearly all of one value that is almost black or almost white
    (the text is what differs), at most 15 % of the height, and it ends sharply.
    """
    grey = rgb.mean(axis=2)
    height = len(grey)
    typical = np.median(grey, axis=1)
    plain = (np.abs(grey - typical[:, None]) < 14).mean(axis=1) > 0.55
    strip = plain & ((typical < 14) | (typical > 225))
    limit = int(0.15 * height)
    bottom = height
    while bottom > height - limit and strip[bottom - 1]:
        bottom -= 1
    top = 0
    while top < limit and strip[top]:
        top += 1
    # A dark sky or a black night runs on: that is no caption.
    if top >= limit or (top and abs(typical[top - 1] - typical[min(top + 3, height - 1)]) < 8):
        top = 0
    if bottom <= height - limit or (
        bottom < height and abs(typical[bottom] - typical[max(bottom - 4, 0)]) < 8
    ):
        bottom = height
    return top, bottom


def constant_regions(greys: Sequence[NDArray[np.uint8]], *, least: int = 6) -> NDArray[np.bool_] | None:
    """Where a camera writes on its photos: pixels near the frame's edge that never change.

    Parameters
    ----------
    greys : small grey pictures of *one* camera, all of one shape, over days: light must have changed.
    least : photos needed for an answer.

    Returns
    -------
    Bool array of that shape, or None when there are too few photos or the light hardly changed.
    """
    if len(greys) < least:
        return None
    stack = np.stack(greys).astype(np.int16)
    spread = np.percentile(stack, 95, axis=0) - np.percentile(stack, 5, axis=0)
    if np.median(spread) < 12:
        return None
    height, width = spread.shape
    edge = np.ones(spread.shape, bool)
    edge[int(0.15 * height) : int(0.85 * height), int(0.15 * width) : int(0.85 * width)] = False
    return np.asarray((spread <= 3) & edge)
