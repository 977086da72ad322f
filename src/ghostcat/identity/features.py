"""Spots and stripes as numbers: RootSIFT features of one masked body, and of its mirror image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.identity.reading import FlankReading

__all__ = ["Features", "describe", "load_features", "mirrored"]

#: Long side, in pixels, to which every body is scaled, so that coats compare at one scale.
BODY_PX = 640
#: A body smaller than this share of BODY_PX is not blown up further: it holds no more detail.
LARGEST_ENLARGEMENT = 2.5
KEYPOINTS = 600
CLAHE_CLIP = 2.0
CLAHE_TILES = (8, 8)
#: The outline itself repeats in every photo of a cat; the coat starts inside of it.
EDGE_PX = 8

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Features:
    """Local features of one flank.

    Attributes
    ----------
    keypoints : (n, 4) float32: x, y in pixels of the body image (long side `BODY_PX`), size in
        the same pixels, angle in degrees.
    descriptors : (n, 128) uint8 RootSIFT, 512 · √(SIFT / Σ SIFT).
    outline : (m, 2) float32, the body's outline in pixels of the body image.
    body_px : (width, height) of the body image.
    origin_px, scale : photo pixel = `origin_px` + body pixel / `scale`.
    """

    keypoints: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    outline: NDArray[np.float32]
    body_px: tuple[int, int]
    origin_px: tuple[float, float]
    scale: float

    def __len__(self) -> int:
        return int(self.keypoints.shape[0])

    def in_photo(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (n, 2) of the body image as pixels of the photo."""
        return np.asarray(points / self.scale + np.asarray(self.origin_px), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write as compressed npz; the file appears whole or not at all."""
        part = path.with_name(path.name + ".part")
        with open(part, "wb") as stream:
            np.savez_compressed(
                stream,
                format=np.int64(_FORMAT),
                keypoints=self.keypoints.astype(np.float32),
                descriptors=self.descriptors,
                outline=self.outline.astype(np.float32),
                geometry=np.array([*self.body_px, *self.origin_px, self.scale], dtype=np.float64),
            )
        part.replace(path)


def load_features(path: Path) -> Features:
    """Read what `Features.save` wrote.

    Raises
    ------
    FormatError : the file is damaged or not a feature file.
    """
    import zipfile

    try:
        with open(path, "rb") as stream, np.load(stream) as file:
            if int(file["format"]) != _FORMAT:
                raise FormatError(
                    "feature file of another version", where=str(path), fix="Delete it and run again."
                )
            width, height, x, y, scale = (float(v) for v in file["geometry"])
            return Features(
                keypoints=file["keypoints"],
                descriptors=file["descriptors"],
                outline=file["outline"],
                body_px=(int(width), int(height)),
                origin_px=(x, y),
                scale=scale,
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"feature file cannot be read ({error})", where=str(path), fix="Delete it and run identify again."
        ) from error


def describe(rgb: NDArray[np.uint8], reading: FlankReading) -> Features:
    """RootSIFT features inside the body of `reading`, on contrast-equalised grey.

    Parameters
    ----------
    rgb : (h, w, 3) uint8, the photo that was read.
    reading : its reading; without a body the result is empty.

    Returns
    -------
    Features with at most `KEYPOINTS` rows, strongest first, ties by position: the same photo
    always gives the same rows.

    References
    ----------
    Lowe (2004) IJCV 60:91–110; Arandjelović & Zisserman (2012) CVPR (RootSIFT);
    Zuiderveld (1994) Graphics Gems IV (CLAHE).
    """
    import cv2

    if reading.box is None:
        return _empty()
    crop, mask, origin, scale = _body_image(rgb, reading)
    grey = cv2.createCLAHE(CLAHE_CLIP, CLAHE_TILES).apply(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))
    inside = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * EDGE_PX + 1, 2 * EDGE_PX + 1)))
    found, raw = cv2.SIFT.create(nfeatures=0, contrastThreshold=0.02).detectAndCompute(grey, inside)
    outline = _outline(mask)
    size = (crop.shape[1], crop.shape[0])
    if raw is None or not len(found):
        return _empty(outline, size, origin, scale)
    table = np.array([(*k.pt, k.size, k.angle, k.response) for k in found], dtype=np.float32)
    order = np.lexsort((table[:, 3], table[:, 1], table[:, 0], -table[:, 4]))[:KEYPOINTS]
    root = np.sqrt(raw[order] / np.maximum(raw[order].sum(1, keepdims=True), 1e-6))
    return Features(
        keypoints=np.ascontiguousarray(table[order, :4]),
        descriptors=np.minimum(np.rint(root * 512), 255).astype(np.uint8),
        outline=outline,
        body_px=size,
        origin_px=origin,
        scale=scale,
    )


def mirrored(features: Features) -> Features:
    """Features of the mirror image, by permutation: nothing is detected again.

    A left flank, mirrored, stands and is lit like a right flank but carries a coat that no right
    flank has: a decoy that measures how far two *different* animals in one pose agree.
    """
    keypoints = features.keypoints.copy()
    keypoints[:, 0] = features.body_px[0] - 1 - keypoints[:, 0]
    keypoints[:, 3] = (180.0 - keypoints[:, 3]) % 360.0
    cells = features.descriptors.reshape(-1, 4, 4, 8)
    flipped = cells[:, ::-1][..., (-np.arange(8)) % 8]
    outline = features.outline.copy()
    outline[:, 0] = features.body_px[0] - 1 - outline[:, 0]
    return Features(
        keypoints=keypoints,
        descriptors=np.ascontiguousarray(flipped.reshape(-1, 128)),
        outline=outline,
        body_px=features.body_px,
        origin_px=features.origin_px,
        scale=features.scale,
    )


def _body_image(
    rgb: NDArray[np.uint8], reading: FlankReading
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[float, float], float]:
    """The body cut out and scaled, its mask, and the way back to photo pixels."""
    import cv2

    assert reading.box is not None
    height, width = rgb.shape[:2]
    x, y, w, h = reading.box
    x0, y0 = round(x * width), round(y * height)
    x1, y1 = max(x0 + 2, round((x + w) * width)), max(y0 + 2, round((y + h) * height))
    crop = rgb[y0:y1, x0:x1]
    scale = min(BODY_PX / max(crop.shape[:2]), LARGEST_ENLARGEMENT)
    size = (max(2, round(crop.shape[1] * scale)), max(2, round(crop.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    body = cv2.resize(crop, size, interpolation=how)
    if reading.mask is None:
        mask = np.full((size[1], size[0]), 255, np.uint8)
    else:
        mask = cv2.resize(reading.mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
        mask = ((mask > 127) * 255).astype(np.uint8)
    return np.asarray(body, np.uint8), np.asarray(mask, np.uint8), (float(x0), float(y0)), float(scale)


def _outline(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    import cv2

    rims, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not rims:
        return np.zeros((0, 2), np.float32)
    rim = cv2.approxPolyDP(max(rims, key=cv2.contourArea), 1.5, True)
    return np.asarray(rim.reshape(-1, 2), dtype=np.float32)


def _empty(
    outline: NDArray[np.float32] | None = None,
    body_px: tuple[int, int] = (0, 0),
    origin_px: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
) -> Features:
    return Features(
        keypoints=np.zeros((0, 4), np.float32),
        descriptors=np.zeros((0, 128), np.uint8),
        outline=np.zeros((0, 2), np.float32) if outline is None else outline,
        body_px=body_px,
        origin_px=origin_px,
        scale=scale,
    )
