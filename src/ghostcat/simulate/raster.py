"""A small z-buffer: triangles of a few pixels each, all of them at once in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Raster", "rasterise", "vertex_normals"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Raster:
    """The visible pixels: rows, cols (k,), and per pixel its three vertices and their shares."""

    rows: NDArray[np.int32]
    cols: NDArray[np.int32]
    vertices: NDArray[np.int32]
    shares: Floats

    def of(self, attribute: Floats) -> Floats:
        """A vertex attribute (n,) or (n, c) at every visible pixel."""
        picked = attribute[self.vertices]
        shares = self.shares if attribute.ndim == 1 else self.shares[:, :, None]
        result: Floats = (picked * shares).sum(1)
        return result


def vertex_normals(vertices: Floats, faces: NDArray[np.int32]) -> Floats:
    """Outward unit normals (n, 3), weighted by face area."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    normals = np.stack(
        [sum(np.bincount(faces[:, i], face[:, axis], len(vertices)) for i in range(3)) for axis in range(3)],
        1,
    )
    length = np.sqrt((normals**2).sum(1, keepdims=True))
    result: Floats = (normals / np.maximum(length, 1e-12)).astype(np.float32)
    return result


def rasterise(screen: Floats, depth: Floats, faces: NDArray[np.int32], *, height: int, width: int) -> Raster:
    """Which vertex triangle is seen at each pixel.

    Parameters
    ----------
    screen : (n, 2) column and row of each vertex, pixels.
    depth : (n,) distance from the camera, metres; the nearest wins.
    faces : (m, 3) vertex numbers; only faces that turn to the camera are drawn.
    """
    # Rows count downwards, so a face that turns to the camera runs clockwise in pixels.
    x, y = screen[faces[:, ::-1], 0], screen[faces[:, ::-1], 1]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    left, top = np.ceil(x.min(1)), np.ceil(y.min(1))
    right, bottom = np.floor(x.max(1)), np.floor(y.max(1))
    seen = (area > 1e-6) & (right >= 0) & (bottom >= 0) & (left < width) & (top < height)
    seen &= (right >= left) & (bottom >= top)
    kept = np.flatnonzero(seen)
    x, y, area = x[kept], y[kept], area[kept]
    left, top = left[kept].astype(np.int32), top[kept].astype(np.int32)
    wide = right[kept].astype(np.int32) - left + 1
    tall = bottom[kept].astype(np.int32) - top + 1
    # One row per candidate pixel of each face's bounding box.
    count = wide * tall
    face = np.repeat(np.arange(len(kept)), count)
    step = np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
    col = left[face] + step % wide[face]
    row = top[face] + step // wide[face]
    px, py = col.astype(np.float32), row.astype(np.float32)
    x, y = x[face], y[face]
    s1 = ((px - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (py - y[:, 0])) / area[face]
    s2 = ((x[:, 1] - x[:, 0]) * (py - y[:, 0]) - (px - x[:, 0]) * (y[:, 1] - y[:, 0])) / area[face]
    s0 = 1.0 - s1 - s2
    inside = (s0 >= -1e-4) & (s1 >= -1e-4) & (s2 >= -1e-4)
    inside &= (col >= 0) & (col < width) & (row >= 0) & (row < height)
    at = np.flatnonzero(inside)
    row, col, face = row[at], col[at], face[at]
    shares = np.stack([s0[at], s1[at], s2[at]], 1).astype(np.float32)
    vertices = faces[kept[face], ::-1]
    distance = (depth[vertices] * shares).sum(1)
    order = np.argsort(-distance, kind="stable")
    pixel = row.astype(np.int64) * width + col
    front = np.full(height * width, -1, np.int64)
    front[pixel[order]] = order
    chosen = front[front >= 0]
    return Raster(row[chosen], col[chosen], vertices[chosen].astype(np.int32), shares[chosen])
