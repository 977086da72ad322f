"""Two photos side by side with the spots that agree, for a person to judge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ghostcat.identity.features import Features
from ghostcat.identity.matching import PairScore

__all__ = ["draw_match"]

Picture = NDArray[np.uint8]

#: Okabe & Ito (2008), told apart by colour-blind readers; numbers are the second cue.
PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
)
PANEL_PX = (760, 520)
MARGIN_PX = 14
BACKGROUND = (28, 30, 33)
#: The most telling spots are numbered; the others are dots, so that the coat stays visible.
NUMBERED = 12
AROUND = 0.12
#: Animals darker than this middle grey are lightened to it in the picture (not for matching).
DARK_MIDDLE = 0.28


def draw_match(
    rgb_a: Picture, rgb_b: Picture, features_a: Features, features_b: Features, pair: PairScore
) -> Picture:
    """The two animals at one height, outlined, with numbered spots that agree.

    Parameters
    ----------
    rgb_a, rgb_b : (h, w, 3) uint8, the photos as read.
    features_a, features_b : their features, for the outlines.
    pair : their `score_pair`; with no inliers the photos stand side by side without marks.

    Returns
    -------
    (h, w, 3) uint8.
    """
    import cv2

    panels = []
    places = []
    for rgb, features, points in ((rgb_a, features_a, pair.points_a), (rgb_b, features_b, pair.points_b)):
        panel, move = _panel(rgb, features)
        panels.append(panel)
        places.append(move(points))
    width, height = PANEL_PX
    canvas = np.empty((height + 2 * MARGIN_PX, 2 * width + 3 * MARGIN_PX, 3), np.uint8)
    canvas[:] = BACKGROUND
    corners = (MARGIN_PX, 2 * MARGIN_PX + width)
    for panel, x in zip(panels, corners, strict=True):
        canvas[MARGIN_PX : MARGIN_PX + height, x : x + width] = panel
    shown = [place + np.array([x, MARGIN_PX], np.float32) for place, x in zip(places, corners, strict=True)]
    numbered = _spaced(shown[0], pair.weights)
    lines = canvas.copy()
    for rank, k in enumerate(numbered):
        ends = [tuple(int(v) for v in place[k]) for place in shown]
        cv2.line(lines, ends[0], ends[1], PALETTE[rank % len(PALETTE)], 1, cv2.LINE_AA)
    canvas = np.asarray(cv2.addWeighted(lines, 0.45, canvas, 0.55, 0), np.uint8)
    for place in shown:
        for x, y in place:
            cv2.circle(canvas, (int(x), int(y)), 2, (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(canvas, (int(x), int(y)), 1, (255, 255, 255), -1, cv2.LINE_AA)
    for place in shown:
        for rank, k in enumerate(numbered):
            _badge(canvas, place[k], str(rank + 1), PALETTE[rank % len(PALETTE)])
    return np.asarray(canvas, dtype=np.uint8)


def _panel(rgb: Picture, features: Features) -> tuple[Picture, _Move]:
    """The animal and a little around it, fitted into a panel, its outline drawn; how points move."""
    import cv2

    width, height = PANEL_PX
    bw, bh = (side / features.scale for side in features.body_px)
    x0, y0 = features.origin_px
    if bw < 2 or bh < 2:
        x0, y0, bh, bw = 0.0, 0.0, float(rgb.shape[0]), float(rgb.shape[1])
    scale = min(width / (bw * (1 + 2 * AROUND)), height / (bh * (1 + 2 * AROUND)))
    move = _Move(scale, width / 2 - scale * (x0 + bw / 2), height / 2 - scale * (y0 + bh / 2))
    matrix = np.array([[scale, 0, move.dx], [0, scale, move.dy]], dtype=np.float64)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    panel = cv2.warpAffine(
        _lightened(rgb, x0, y0, bw, bh),
        matrix,
        PANEL_PX,
        flags=how,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=BACKGROUND,
    )
    if len(features.outline):
        rim = np.rint(move(features.in_photo(features.outline))).astype(np.int32)
        veil = panel.copy()
        cv2.polylines(veil, [rim], True, (255, 255, 255), 2, cv2.LINE_AA)
        panel = cv2.addWeighted(veil, 0.5, panel, 0.5, 0)
    return np.asarray(panel, dtype=np.uint8), move


def _lightened(rgb: Picture, x: float, y: float, width: float, height: float) -> Picture:
    """A night or shade photo with its animal brought to a middle grey, for the eye only."""
    body = rgb[int(y) : int(y + height), int(x) : int(x + width)]
    middle = float(np.median(body)) / 255 if body.size else 0.5
    if middle > DARK_MIDDLE:
        return rgb
    power = np.log(DARK_MIDDLE) / np.log(max(middle, 0.02))
    table = np.rint(255 * (np.arange(256) / 255) ** max(power, 0.4)).astype(np.uint8)
    return np.asarray(table[rgb], dtype=np.uint8)


class _Move:
    """Photo pixels to panel pixels."""

    def __init__(self, scale: float, dx: float, dy: float) -> None:
        self.scale, self.dx, self.dy = scale, dx, dy

    def __call__(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(points * self.scale + (self.dx, self.dy), dtype=np.float32).reshape(-1, 2)


def _spaced(points: NDArray[np.float32], weights: NDArray[np.float32]) -> list[int]:
    """The most telling spots that do not cover each other, numbered from left to right."""
    chosen: list[int] = []
    for k in np.argsort(-weights, kind="stable"):
        if all(np.hypot(*(points[k] - points[j])) > 34 for j in chosen):
            chosen.append(int(k))
        if len(chosen) == NUMBERED:
            break
    return sorted(chosen, key=lambda k: (float(points[k][0]), k))


def _badge(canvas: Picture, place: NDArray[np.float32], text: str, colour: tuple[int, int, int]) -> None:
    """A ring around the spot and its number beside it, readable on any coat."""
    import cv2

    x, y = int(place[0]), int(place[1])
    cv2.circle(canvas, (x, y), 9, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.circle(canvas, (x, y), 9, colour, 2, cv2.LINE_AA)
    at = (x + 10, y - 8)
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_DUPLEX, 0.5, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_DUPLEX, 0.5, colour, 1, cv2.LINE_AA)
