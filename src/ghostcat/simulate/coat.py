"""Rosette coats: two flanks per animal, no two alike.

A coat is laid out flat over (x along the body, v around the girth) as two maps:

- `dark`, the black of rosettes and spots (0…1);
- `centre`, where a rosette is filled with a darker ground than its surroundings (0…1).

Method. (1) Rosette seeds: points drawn with a density that follows the size of the spots over
the body (large on the flank, small towards head and feet), evened out by a few steps of
Lloyd's relaxation. Repulsion between pigment centres is what a Turing system leaves behind, at
a fraction of its cost. (2) Each seed owns a cell of a domain-warped Voronoi diagram (Worley
1996, SIGGRAPH 96, 291–294); its rosette is a band inside the cell's edge, thick and thin
around the ring, with gaps: the second stage of the two-stage Turing model, where a spot's
centre turns back to ground colour (Liu, Liaw & Maini 2006, Phys. Rev. E 74:011914). The band
closes to a solid spot where cells are small: head, neck, legs, belly, tail. (3) Two rounds of
diffuse-and-threshold (Merriman, Bence & Osher 1992, UCLA CAM 92-18), the fast limit of a
bistable reaction–diffusion equation, round the outlines as pigment fronts are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .noise import smooth_noise, soften

__all__ = ["COAT_ORIGIN_M", "COAT_PX_PER_M", "COAT_SHAPE", "Coat", "FlankMap", "draw_coat"]

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

COAT_PX_PER_M: Final = 360.0
COAT_ORIGIN_M: Final = (-1.42, 0.34)
"""Position (x, v) of the upper left pixel; columns run forward, rows run down."""
COAT_SHAPE: Final = (320, 816)


@dataclass(frozen=True)
class FlankMap:
    """One flank laid out flat: `dark` and `centre`, each (h, w) uint8."""

    dark: Bytes
    centre: Bytes


@dataclass(frozen=True)
class Coat:
    """The two flanks of one animal, its build and its colouring."""

    left: FlankMap
    right: FlankMap
    tawny: float
    """−1 pale … 1 reddish."""
    size: float
    """Length relative to the rest body, 1 = 1.33 m nose to rump."""
    stout: float
    """Girth relative to the rest body."""


@dataclass(frozen=True)
class _Style:
    """What one animal's two flanks share: the family look, not the spots."""

    spacing_m: float
    gap: float
    thickness: float
    breaks: float
    elongation: float


def draw_coat(rng: np.random.Generator, *, male: bool) -> Coat:
    """A new animal's coat. The flanks share a style and nothing else.

    Parameters
    ----------
    rng : seeded generator; the same state gives the same coat.
    male : males are drawn larger (mean 1.04 against 0.90 of the rest body).

    >>> import numpy as np
    >>> coat = draw_coat(np.random.default_rng(1), male=True)
    >>> coat.left.dark.shape == coat.right.dark.shape == COAT_SHAPE
    True
    """
    style = _Style(
        spacing_m=float(rng.uniform(0.060, 0.072)),
        gap=float(rng.uniform(0.105, 0.140)),
        thickness=float(rng.uniform(0.125, 0.160)),
        breaks=float(rng.uniform(0.9, 1.5)),
        elongation=float(rng.uniform(1.02, 1.22)),
    )
    left, right = (_draw_flank(rng, style) for _ in range(2))
    return Coat(
        left=left,
        right=right,
        tawny=float(rng.uniform(-1.0, 1.0)),
        size=float((1.04 if male else 0.90) * rng.normal(1.0, 0.025)),
        stout=float(rng.normal(1.0, 0.03)),
    )


def _regions(x: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
    """Relative spot spacing, how far rosettes are open (0…1), and how far spots merge to bands."""
    knots = [-1.42, -1.10, -0.75, -0.56, -0.45, -0.20, 0.10, 0.28, 0.42, 0.55, 0.64, 0.72, 0.80]
    along = [1.05, 1.05, 0.88, 0.80, 0.92, 1.00, 1.00, 0.92, 0.74, 0.54, 0.42, 0.32, 0.28]
    spacing = np.interp(x, knots, along)
    open_along = [0.0, 0.0, 0.0, 0.35, 0.85, 1.0, 1.0, 0.85, 0.40, 0.05, 0.0, 0.0, 0.0]
    opened = np.interp(x, knots, open_along)
    trunk = (x > -0.56) & (x < 0.50)
    down = np.clip((-v - 0.15) / 0.12, 0.0, 1.0) * trunk
    legs = np.clip((-v - 0.22) / 0.28, 0.0, 1.0) * trunk
    spacing = spacing * (1.0 - 0.12 * down) * (1.0 - 0.42 * legs)
    spine = np.clip((v - 0.17) / 0.06, 0.0, 1.0)
    opened = opened * (1.0 - down) * (1.0 - 0.5 * spine)
    spacing = spacing * (1.0 - 0.25 * spine)
    bands = np.clip((-0.95 - x) / 0.35, 0.0, 1.0)
    return spacing.astype(np.float32), opened.astype(np.float32), bands.astype(np.float32)


def _draw_flank(rng: np.random.Generator, style: _Style) -> FlankMap:
    import cv2

    height, width = COAT_SHAPE
    step = 1.0 / COAT_PX_PER_M
    x = COAT_ORIGIN_M[0] + step * np.arange(width, dtype=np.float32)
    v = COAT_ORIGIN_M[1] - step * np.arange(height, dtype=np.float32)
    x, v = np.meshgrid(x, v)
    spacing, opened, bands = _regions(x, v)
    local_m = style.spacing_m * spacing
    seeds = _seeds(rng, x, v, local_m)
    owner = _cells(rng, seeds, spacing, style)
    borders = (owner[:, 1:] != owner[:, :-1])[:-1] | (owner[1:] != owner[:-1])[:, :-1]
    inner = np.ones(COAT_SHAPE, np.uint8)
    inner[:-1, :-1][borders] = 0
    edge = cv2.distanceTransform(inner, cv2.DIST_L2, 5) * step / local_m
    angle = np.arctan2(v - seeds[owner, 1], x - seeds[owner, 0])
    dark, centre = _rings(rng, edge, angle, owner, opened, bands, style)
    rough = smooth_noise(rng, COAT_SHAPE, cells=230)
    for sigma, sharp in ((1.3, 0.30), (0.9, 0.45)):
        dark = np.clip((soften(dark, sigma) - 0.45) / sharp + 0.5, 0.0, 1.0)
    dark = np.clip(dark * (1.0 + 0.05 * rough), 0.0, 1.0)
    centre = soften(centre, 1.5)
    return FlankMap(dark=_bytes(dark), centre=_bytes(centre))


def _seeds(rng: np.random.Generator, x: Floats, v: Floats, spacing_m: Floats) -> Floats:
    """Rosette centres (n, 2): no two nearer than 0.8 of the local spacing, then evened (Lloyd)."""
    from scipy.spatial import cKDTree

    every = 3
    spacing_m = spacing_m[::every, ::every].ravel()
    weight = 1.0 / spacing_m.astype(np.float64) ** 2
    grid = np.stack([x[::every, ::every].ravel(), v[::every, ::every].ravel()], 1)
    step_m = every / COAT_PX_PER_M
    wanted = weight.sum() * step_m**2
    pick = rng.choice(len(grid), size=int(7 * wanted), p=weight / weight.sum())
    candidates = grid[pick] + rng.uniform(-0.5, 0.5, (len(pick), 2)) * step_m
    radius = 0.80 * spacing_m[pick]
    free = np.ones(len(pick), bool)
    kept = []
    for i, near in enumerate(cKDTree(candidates).query_ball_point(candidates, radius)):
        if free[i]:
            kept.append(i)
            free[near] = False
    seeds = candidates[kept]
    for _ in range(2):
        owner = cKDTree(seeds).query(grid)[1]
        mass = np.bincount(owner, weight, len(seeds))
        for axis in range(2):
            total = np.bincount(owner, weight * grid[:, axis], len(seeds))
            seeds[:, axis] = np.where(mass > 0, total / np.maximum(mass, 1e-12), seeds[:, axis])
    result: Floats = seeds.astype(np.float32)
    return result


def _cells(rng: np.random.Generator, seeds: Floats, spacing: Floats, style: _Style) -> NDArray[np.intp]:
    """Which seed owns each pixel: Voronoi cells, stretched along the body and warped."""
    import cv2

    height, width = COAT_SHAPE
    squeezed = int(width / style.elongation)
    canvas = np.ones((height, squeezed), np.uint8)
    col = (seeds[:, 0] - COAT_ORIGIN_M[0]) * COAT_PX_PER_M * squeezed / width
    row = (COAT_ORIGIN_M[1] - seeds[:, 1]) * COAT_PX_PER_M
    col = np.clip(col.astype(int), 0, squeezed - 1)
    row = np.clip(row.astype(int), 0, height - 1)
    canvas[row, col] = 0
    labels = cv2.distanceTransformWithLabels(canvas, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    seed_of = np.zeros(int(labels.max()) + 1, np.intp)
    seed_of[labels[row, col]] = np.arange(len(seeds))
    reach = 0.13 * style.spacing_m * spacing * COAT_PX_PER_M
    c, r = np.meshgrid(np.arange(width), np.arange(height))
    warped_col = c + reach * smooth_noise(rng, COAT_SHAPE, cells=30)
    warped_row = r + reach * smooth_noise(rng, COAT_SHAPE, cells=30)
    at_col = np.clip(np.round(warped_col * squeezed / width), 0, squeezed - 1).astype(int)
    at_row = np.clip(np.round(warped_row), 0, height - 1).astype(int)
    result: NDArray[np.intp] = seed_of[labels[at_row, at_col]]
    return result


def _rings(
    rng: np.random.Generator,
    edge: NDArray[np.float64],
    angle: NDArray[np.float64],
    owner: NDArray[np.intp],
    opened: Floats,
    bands: Floats,
    style: _Style,
) -> tuple[Floats, Floats]:
    """Black and centre maps from the distance to the cell's edge (in units of the spacing)."""
    n = int(owner.max()) + 1
    parts = rng.integers(2, 6, n)[owner]
    phase = rng.uniform(0, 2 * np.pi, (2, n))[:, owner]
    notched = rng.uniform(0.3, 1.0, n)[owner]
    lopsided = rng.uniform(0.0, 0.45, n)[owner]
    heft = rng.normal(1.0, 0.14, n)[owner]
    whole = rng.random(n)[owner] < 0.10
    notch = np.maximum(np.cos(parts * angle + phase[0]), 0.0) ** 3
    wobble = smooth_noise(rng, edge.shape, cells=60)
    openness = opened * np.where(whole, 0.35, 1.0)
    uneven = lopsided * np.cos(angle + phase[1]) - style.breaks * notched * notch + 0.22 * wobble
    uneven = openness * uneven
    ring = style.thickness * heft * (1.0 + np.clip(uneven, -1.0, 0.5))
    thickness = ring + (1.0 - openness) ** 2 * 0.6
    gap = style.gap + 0.065 * (1.0 - opened) - 0.12 * bands + 0.025 * wobble
    soft = 0.06
    outer = np.clip((edge - gap) / soft + 0.5, 0.0, 1.0)
    inner = np.clip((gap + thickness - edge) / soft + 0.5, 0.0, 1.0)
    present = np.clip(thickness / 0.06, 0.0, 1.0)
    centre = np.clip((edge - gap - 0.03) / 0.08, 0.0, 1.0) * opened
    dark = outer * inner * present
    return dark.astype(np.float32), centre.astype(np.float32)


def _bytes(values: Floats) -> Bytes:
    result: Bytes = np.round(values * 255.0).astype(np.uint8)
    return result
