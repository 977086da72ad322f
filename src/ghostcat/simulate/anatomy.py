"""The standing leopard: tapered capsules joined smoothly, cut into a mesh that hangs on bones.

Axes in metres: x forward (nose at +), y to the animal's left, z up from the ground. The rest
pose stands square with the head forward and the tail straight back, so that the coat can be
laid out flat: `coat_v_m` is the distance around the girth from the middle of the flank
(up is positive), and x is the distance along the body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BONES", "JOINTS", "TAIL_BONES", "Body", "coat_axis", "standing_body"]

Floats = NDArray[np.floating[Any]]

#: Where each bone turns, in the rest pose (x, z); y is added for the paired limbs.
JOINTS: Final[dict[str, tuple[float, float]]] = {
    "trunk": (-0.05, 0.54),
    "chest": (0.06, 0.56),
    "neck": (0.40, 0.60),
    "head": (0.575, 0.640),
    "shoulder": (0.315, 0.555),
    "elbow": (0.235, 0.365),
    "wrist": (0.275, 0.115),
    "hip": (-0.405, 0.545),
    "knee": (-0.300, 0.355),
    "hock": (-0.485, 0.205),
    "toe": (-0.440, 0.055),
}

TAIL_BONES: Final = tuple(f"tail{i}" for i in range(9))
_TAIL_START_M, _TAIL_STEP_M = -0.50, 0.096
LIMB_BONES: Final = ("upper_arm", "forearm", "forepaw", "thigh", "shank", "hindfoot", "hindtoes")
BONES: Final = (
    "trunk",
    "chest",
    "neck",
    "head",
    *(f"{bone}_{side}" for side in "lr" for bone in LIMB_BONES),
    *TAIL_BONES,
)


class _Capsule(NamedTuple):
    """A capsule whose radius runs from `r1` at `a` to `r2` at `b`; y is widened by `wide`."""

    bone: str
    a: tuple[float, float, float]
    b: tuple[float, float, float]
    r1: float
    r2: float
    wide: float = 1.0
    blend: float = 0.035


def _midline() -> list[_Capsule]:
    c = _Capsule
    parts = [
        c("chest", (0.30, 0, 0.505), (0.06, 0, 0.485), 0.183, 0.180, 0.74),
        c("chest", (0.37, 0, 0.465), (0.20, 0, 0.440), 0.125, 0.145, 0.78),
        c("chest", (0.27, 0, 0.610), (0.05, 0, 0.590), 0.090, 0.075, 0.80),
        c("trunk", (0.06, 0, 0.485), (-0.16, 0, 0.500), 0.180, 0.163, 0.76),
        c("trunk", (-0.16, 0, 0.500), (-0.40, 0, 0.550), 0.163, 0.138, 0.80),
        c("trunk", (-0.26, 0, 0.590), (-0.43, 0, 0.592), 0.092, 0.098, 0.90),
        c("trunk", (-0.43, 0, 0.575), (-0.53, 0, 0.585), 0.100, 0.062, 0.95),
        c("neck", (0.33, 0, 0.560), (0.47, 0, 0.600), 0.150, 0.126, 0.80),
        c("neck", (0.47, 0, 0.600), (0.59, 0, 0.635), 0.126, 0.102, 0.88),
        c("neck", (0.36, 0, 0.490), (0.55, 0, 0.560), 0.115, 0.088, 0.82),
        c("head", (0.600, 0, 0.655), (0.655, 0, 0.660), 0.098, 0.086, 0.98, 0.03),
        c("head", (0.655, 0, 0.655), (0.715, 0, 0.640), 0.082, 0.060, 0.95, 0.03),
        c("head", (0.715, 0, 0.622), (0.770, 0, 0.612), 0.059, 0.050, 1.00, 0.02),
        c("head", (0.655, 0, 0.582), (0.752, 0, 0.577), 0.056, 0.041, 1.05, 0.02),
        c("head", (0.795, 0, 0.633), (0.806, 0, 0.628), 0.021, 0.017, 1.2, 0.015),
    ]
    radii = np.array([0.060, 0.050, 0.045, 0.042, 0.041, 0.041, 0.040, 0.039, 0.037, 0.026])
    for i, bone in enumerate(TAIL_BONES):
        x = _TAIL_START_M - i * _TAIL_STEP_M
        parts.append(c(bone, (x, 0, 0.590), (x - _TAIL_STEP_M, 0, 0.590), radii[i], radii[i + 1], 1.0, 0.002))
    return parts


def _paired() -> list[_Capsule]:
    """The parts of the left side; the right side mirrors them."""
    c = _Capsule
    return [
        c("head", (0.640, 0.052, 0.605), (0.680, 0.046, 0.602), 0.058, 0.048, 1.0, 0.03),
        c("head", (0.596, 0.070, 0.726), (0.586, 0.086, 0.756), 0.036, 0.028, 0.75, 0.012),
        c("head", (0.590, 0.066, 0.726), (0.578, 0.090, 0.746), 0.036, 0.028, 0.75, 0.012),
        c("head", (0.690, 0.046, 0.688), (0.715, 0.040, 0.674), 0.024, 0.020, 1.0, 0.015),
        c("upper_arm_l", (0.285, 0.060, 0.625), (0.335, 0.085, 0.515), 0.074, 0.104, 0.72),
        c("upper_arm_l", (0.335, 0.085, 0.500), (0.245, 0.096, 0.370), 0.104, 0.080, 0.74),
        c("forearm_l", (0.243, 0.097, 0.365), (0.260, 0.097, 0.240), 0.079, 0.061, 0.80, 0.025),
        c("forearm_l", (0.260, 0.097, 0.240), (0.276, 0.095, 0.115), 0.061, 0.051, 0.90, 0.015),
        c("forepaw_l", (0.275, 0.095, 0.115), (0.290, 0.095, 0.060), 0.051, 0.049, 1.00, 0.015),
        c("forepaw_l", (0.290, 0.095, 0.049), (0.350, 0.095, 0.042), 0.049, 0.040, 1.20, 0.02),
        c("thigh_l", (-0.410, 0.060, 0.560), (-0.345, 0.083, 0.425), 0.134, 0.122, 0.66),
        c("thigh_l", (-0.445, 0.065, 0.520), (-0.395, 0.086, 0.365), 0.112, 0.086, 0.68),
        c("thigh_l", (-0.345, 0.085, 0.420), (-0.312, 0.095, 0.355), 0.108, 0.084, 0.70),
        c("shank_l", (-0.318, 0.096, 0.360), (-0.410, 0.094, 0.270), 0.087, 0.067, 0.74, 0.03),
        c("shank_l", (-0.410, 0.094, 0.270), (-0.480, 0.092, 0.205), 0.067, 0.047, 0.80, 0.015),
        c("hindfoot_l", (-0.484, 0.092, 0.203), (-0.445, 0.092, 0.065), 0.047, 0.043, 0.92, 0.015),
        c("hindtoes_l", (-0.440, 0.092, 0.047), (-0.380, 0.092, 0.041), 0.047, 0.039, 1.15, 0.02),
    ]


def _capsules() -> list[_Capsule]:
    left = _paired()
    right = [
        p._replace(bone=p.bone[:-1] + "r" if p.bone.endswith("_l") else p.bone,
                   a=(p.a[0], -p.a[1], p.a[2]), b=(p.b[0], -p.b[1], p.b[2]))
        for p in left
    ]  # fmt: skip
    return _midline() + left + right


def _distance(part: _Capsule, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed distance of points (n, 3) to one capsule: near enough inside a few centimetres."""
    squash = np.array([1.0, 1.0 / part.wide, 1.0])
    a = np.array(part.a) * squash
    b = np.array(part.b) * squash
    p = points_m * squash - a
    ab = b - a
    t = np.clip(p @ ab / (ab @ ab), 0.0, 1.0)
    gap = np.sqrt(((p - t[:, None] * ab) ** 2).sum(1))
    result: NDArray[np.float64] = gap - (part.r1 + t * (part.r2 - part.r1))
    return result


def _smooth_union(a: NDArray[np.float64], b: NDArray[np.float64], k: float) -> NDArray[np.float64]:
    """Polynomial smooth minimum: the two surfaces flow together over `k` metres."""
    h = np.maximum(k - np.abs(a - b), 0.0) / k
    result: NDArray[np.float64] = np.minimum(a, b) - h * h * k / 4.0
    return result


def coat_axis(x_m: Floats) -> tuple[Floats, Floats]:
    """Height of the body's axis and half girth divided by π/2 (a radius), at x along the body."""
    knots = np.array([-1.40, -0.62, -0.52, -0.42, -0.16, 0.06, 0.30, 0.42, 0.56, 0.68, 0.80])
    height = np.array([0.590, 0.590, 0.580, 0.545, 0.500, 0.488, 0.500, 0.545, 0.615, 0.615, 0.600])
    radius = np.array([0.035, 0.045, 0.090, 0.150, 0.160, 0.172, 0.178, 0.145, 0.105, 0.078, 0.050])
    return (
        np.interp(x_m, knots, height).astype(np.float32),
        np.interp(x_m, knots, radius).astype(np.float32),
    )


@dataclass(frozen=True)
class Body:
    """The rest mesh. Lengths in metres.

    rest (n, 3) vertices; faces (m, 3) outward; weights (n, len(BONES)), rows add to one;
    coat_v_m (n,) girth coordinate of the coat; limb (n,) 0…1 how far down a leg.
    """

    rest: Floats
    faces: NDArray[np.int32]
    weights: Floats
    coat_v_m: Floats
    limb: Floats


@cache
def standing_body(cell_m: float = 0.013) -> Body:
    """Build the rest mesh by naive surface nets over the joined capsules (Gibson 1998, MERL TR99-24)."""
    parts = _capsules()
    lower, upper = np.array([-1.44, -0.24, -0.03]), np.array([0.83, 0.24, 0.80])
    size = np.ceil((upper - lower) / cell_m).astype(int) + 1
    axes = [lower[i] + cell_m * np.arange(size[i]) for i in range(3)]
    field = np.full(size, 1.0)
    for part in parts:
        ends = np.array([part.a, part.b])
        margin = max(part.r1, part.r2) * max(1.0, part.wide) + 0.06
        first = np.maximum(((ends.min(0) - margin - lower) / cell_m).astype(int), 0)
        last = np.minimum(((ends.max(0) + margin - lower) / cell_m).astype(int) + 2, size)
        window = tuple(slice(int(i), int(j)) for i, j in zip(first, last, strict=True))
        grid = np.stack(np.meshgrid(*(axes[i][window[i]] for i in range(3)), indexing="ij"), -1)
        gap = _distance(part, grid.reshape(-1, 3)).reshape(grid.shape[:3])
        field[window] = _smooth_union(field[window], gap, part.blend)
    rest, faces = _surface_net(field)
    rest = lower + rest * cell_m
    smooth = _smoother(faces, len(rest))
    weights = _skin_weights(rest, parts)
    for _ in range(4):
        weights = smooth(weights)
    weights /= weights.sum(1, keepdims=True)
    limb = weights[:, [i for i, b in enumerate(BONES) if b[-2:] in ("_l", "_r")]].sum(1)
    below = np.clip((0.52 - rest[:, 2]) / 0.16, 0.0, 1.0)
    limb = (limb * below).astype(np.float32)
    coat_v = _girth_coordinate(rest, limb)[:, None].astype(np.float64)
    for _ in range(8):
        coat_v = smooth(coat_v)
    return Body(
        rest=rest.astype(np.float32),
        faces=faces,
        weights=weights.astype(np.float32),
        coat_v_m=coat_v[:, 0].astype(np.float32),
        limb=limb,
    )


def _girth_coordinate(rest: Floats, limb: Floats) -> Floats:
    height, radius = coat_axis(rest[:, 0])
    above = rest[:, 2] - height
    around = radius * np.arctan2(above, np.abs(rest[:, 1]) * 1.15 + 0.004)
    result: Floats = (limb * above + (1.0 - limb) * around).astype(np.float32)
    return result


def _surface_net(field: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Vertices (in grid steps) and outward triangles of the zero surface."""
    inside = field < 0.0
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    shape = tuple(n - 1 for n in field.shape)

    def corner(array: NDArray[np.int8], c: tuple[int, int, int]) -> NDArray[np.int8]:
        return array[c[0] : c[0] + shape[0], c[1] : c[1] + shape[1], c[2] : c[2] + shape[2]]

    count = np.sum([corner(inside.astype(np.int8), c) for c in corners], axis=0)
    cells = np.argwhere((count > 0) & (count < 8))
    number = np.full(shape, -1, np.int32)
    number[tuple(cells.T)] = np.arange(len(cells))
    total, crossings = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for a in corners:
        for axis in range(3):
            if a[axis]:
                continue
            step = np.eye(3, dtype=int)[axis]
            at_a = field[tuple((cells + a).T)]
            at_b = field[tuple((cells + a + step).T)]
            crosses = (at_a < 0.0) != (at_b < 0.0)
            t = at_a[crosses] / (at_a[crosses] - at_b[crosses])
            total[crosses] += np.array(a) + t[:, None] * step
            crossings[crosses] += 1
    vertices = cells + total / crossings[:, None]
    faces = [_edge_faces(inside, number, axis) for axis in range(3)]
    return vertices, np.concatenate(faces).astype(np.int32)


def _edge_faces(inside: NDArray[np.bool_], number: NDArray[np.int32], axis: int) -> NDArray[np.int32]:
    """Two triangles around each grid edge along `axis` that crosses the surface."""
    u, v = (axis + 1) % 3, (axis + 2) % 3
    ahead = np.roll(inside, -1, axis)
    crossing = inside != ahead
    for a in range(3):
        edge = [slice(None)] * 3
        edge[a] = slice(-1, None)
        crossing[tuple(edge)] = False
        edge[a] = slice(0, 1)
        crossing[tuple(edge)] = False
    at = np.argwhere(crossing)
    du, dv = np.eye(3, dtype=int)[u], np.eye(3, dtype=int)[v]
    quad = np.stack([number[tuple((at - off).T)] for off in (0 * du, du, du + dv, dv)], 1)
    outward = inside[tuple(at.T)]
    quad = np.where(outward[:, None], quad, quad[:, ::-1])
    return np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])


def _skin_weights(rest: NDArray[np.float64], parts: list[_Capsule]) -> NDArray[np.float64]:
    """How much each bone carries each vertex: falls off with the distance to the bone's own flesh."""
    nearest = np.full((len(rest), len(BONES)), 1.0)
    for part in parts:
        at = BONES.index(part.bone)
        nearest[:, at] = np.minimum(nearest[:, at], _distance(part, rest))
    weights = np.exp(-np.maximum(nearest, -0.02) / 0.018)
    weights[weights < 1e-4 * weights.max(1, keepdims=True)] = 0.0
    result: NDArray[np.float64] = weights / weights.sum(1, keepdims=True)
    return result


def _smoother(faces: NDArray[np.int32], count: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """A step that draws each vertex's values (n, c) towards those of its neighbours."""
    from scipy.sparse import coo_matrix

    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    near = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count)).tocsr()
    near = near + near.T
    degree = np.asarray(near.sum(1)).reshape(-1, 1)

    def step(values: NDArray[np.float64]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = 0.4 * values + 0.6 * (near @ values) / degree
        return result

    return step
