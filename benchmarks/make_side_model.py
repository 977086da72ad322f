"""Draw cats, train the outline network on them, write `side_silhouettes.npz`.

    python benchmarks/make_side_model.py OUT.npz        (needs scikit-learn; about two minutes)

No photograph is used. Bodies are chains of discs with random proportions, pose, tail, head, yaw and
perspective; outlines are then cut, bitten, blurred and broken the way masks of photos are. Legs bend
both ways at random: drawn gaits misled the network on real animals.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import cv2
import numpy as np

from ghostcat.identity.side import outline_grid

SAMPLES = 16000
ROWS = 14
HIDDEN = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(7)
    right = []
    while len(right) < SAMPLES:
        mask = damaged(silhouette(rng), rng)
        if mask is not None:
            right.append(outline_grid(mask))
    x = np.array([row(grid, aspect) for grid, aspect in right])
    flipped = np.array([row(grid[:, ::-1], aspect) for grid, aspect in right])
    network = MLPClassifier((HIDDEN,), alpha=0.1, max_iter=14, random_state=0, batch_size=512)
    network.fit(np.concatenate([x, flipped]), np.repeat([1, 0], len(x)))
    np.savez_compressed(
        args.out,
        rows=np.int64(ROWS),
        w1=network.coefs_[0].astype(np.float16),
        b1=network.intercepts_[0].astype(np.float16),
        w2=network.coefs_[1][:, 0].astype(np.float16),
    )
    print(args.out, hashlib.sha256(args.out.read_bytes()).hexdigest())


def row(grid: np.ndarray, aspect: float) -> np.ndarray:
    return np.append(grid[:ROWS].ravel(), aspect).astype(np.float32)


def silhouette(rng: np.random.Generator) -> np.ndarray:
    """A cat facing right, uint8, its body one unit (100 px) from hip to shoulder."""
    u = rng.uniform
    girth = u(0.85, 1.25)
    hip, shoulder = u(-0.03, 0.06), u(-0.06, 0.06)
    back = [(0, hip), (0.3, hip * 0.5 + u(-0.01, 0.05)), (0.65, u(-0.01, 0.06)), (0.97, shoulder)]
    parts = [(back, [0.19 * girth, 0.19 * girth, 0.2 * girth, 0.21 * girth])]
    parts += head(rng, shoulder, girth) + legs(rng, hip, shoulder, girth)
    if rng.random() < 0.8:
        parts.append(tail(rng, hip))
    yaw = u(-0.95, 0.95) if rng.random() < 0.8 else u(-1.2, 1.2)
    tilt = rng.normal(0, 0.08)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    image = np.zeros((300, 420), np.uint8)
    for points, radii in parts:
        p = np.asarray(points, float) - (0.5, 0)
        nearer = 1 / (1 - 0.28 * np.sin(yaw) * p[:, :1])
        seen = np.column_stack([p[:, 0] * np.cos(yaw), p[:, 1]]) * nearer
        chain(image, seen @ turn.T * 100 + (210, 140), np.asarray(radii) * nearer[:, 0] * 100)
    return image


def head(rng: np.random.Generator, shoulder: float, girth: float) -> list:
    u = rng.uniform
    y = u(-0.34, 0.38)
    x = u(1.2, 1.42) - max(0, y - 0.2) * 0.3
    radius, to_camera = u(0.125, 0.165), u(0, 1)
    neck = [(0.95, shoulder - 0.03), (1.1, shoulder * 0.5 + y * 0.45), (x, y)]
    muzzle, down = (1 - to_camera) * u(0.13, 0.2), u(-0.15, 0.6)
    nose = (x + muzzle * np.cos(down), y + 0.03 + muzzle * np.sin(down))
    parts = [(neck, [0.19 * girth, 0.15, radius]), ([(x, y + 0.02), nose], [radius * 0.8, 0.065])]
    for ear in (-0.07, 0.05) if to_camera < 0.5 else (-0.1, 0.1):
        parts.append(([(x + ear, y - radius * 0.75), (x + ear, y - radius - 0.03)], [0.045, 0.03]))
    return parts


def legs(rng: np.random.Generator, hip: float, shoulder: float, girth: float) -> list:
    u = rng.uniform
    length = u(0.42, 0.62)
    parts = []
    for _ in range(2):
        a, bend = u(-0.45, 0.45), u(-0.2, 0.35)
        knee = a + bend * 0.3 * (-1 if a < 0 else 0.2)
        fore = [a - 0.05 - bend * 0.2, knee, a + 1.3 * rng.choice([-1, 1])]
        start = (0.93 + u(-0.06, 0.06), shoulder + 0.06)
        parts.append(
            (limb(start, [length * 0.5, length * 0.5, 0.06], fore), [0.12 * girth, 0.07, 0.055, 0.05])
        )
        a, way = u(-0.5, 0.5), rng.choice([-1, 1])
        hind = [a + 0.35 * way, a - 0.55 * way, a + 0.05, 1.3 * rng.choice([-1, 1])]
        start = (0.02 + u(-0.06, 0.06), hip + 0.06)
        bones = [length * 0.45, length * 0.4, 0.22, 0.07]
        parts.append((limb(start, bones, hind), [0.15 * girth, 0.085, 0.05, 0.045, 0.045]))
    return parts


def tail(rng: np.random.Generator, hip: float) -> tuple[list, list[float]]:
    u = rng.uniform
    length, angle, curl = u(0.35, 1.0), u(-1.9, 0.1), u(-0.35, 0.45)
    points = [np.array([-0.16, hip - 0.06])]
    for _ in range(6):
        points.append(points[-1] + length / 6 * np.array([np.sin(angle), np.cos(angle)]))
        angle += curl + rng.normal(0, 0.12)
    return points, [0.07] + [u(0.03, 0.055)] * 6


def limb(start: tuple[float, float], bones: list[float], angles: list[float]) -> list[np.ndarray]:
    points = [np.array(start, float)]
    for bone, angle in zip(bones, angles, strict=True):
        points.append(points[-1] + bone * np.array([np.sin(angle), np.cos(angle)]))
    return points


def chain(image: np.ndarray, points: np.ndarray, radii: np.ndarray) -> None:
    """Discs of changing radius along a line, drawn with 1/16 pixel."""
    for p, q, r, s in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        for t in np.linspace(0, 1, max(2, int(np.hypot(*(q - p)) * 0.4))):
            x, y = p + (q - p) * t
            radius = max(r + (s - r) * t, 0.6)
            cv2.circle(image, (round(x * 16), round(y * 16)), round(radius * 16), 255, -1, cv2.LINE_8, 4)


def damaged(image: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """The outline as a mask of a photo would have it; None when nothing is left."""
    u = rng.uniform
    ys, xs = np.nonzero(image)
    x0, x1, y0, y1 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
    h, w = y1 - y0, x1 - x0
    soft = image.astype(np.float32)
    if rng.random() < 0.35:  # grass hides the feet, wholly or in places
        cut = int(y1 - h * u(0.05, 0.42))
        gaps = cv2.GaussianBlur(rng.random(soft[cut:].shape).astype(np.float32), (0, 0), 6) > 0.5
        soft[cut:] *= 0 if rng.random() < 0.5 else gaps
    if rng.random() < 0.15:
        soft[:, : int(x0 + w * u(0.03, 0.22))] = 0
    if rng.random() < 0.15:
        soft[:, int(x1 - w * u(0.03, 0.22)) :] = 0
    if rng.random() < 0.2:
        soft[: int(y0 + h * u(0.02, 0.15))] = 0
    for _ in range(rng.poisson(1.2)):
        centre, axes = (int(u(x0, x1)), int(u(y0, y1))), (int(u(4, 25)), int(u(4, 20)))
        cv2.ellipse(soft, centre, axes, u(0, 180), 0, 360, 255 if rng.random() < 0.5 else 0, -1)
    if rng.random() < 0.2:  # thin things are lost
        k = int(u(5, 13))
        soft = cv2.morphologyEx(soft, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (k, k)))
    ripple = cv2.GaussianBlur(rng.normal(0, 1, soft.shape).astype(np.float32), (0, 0), u(3, 8))
    soft = cv2.GaussianBlur(soft, (0, 0), u(1, 4)) + ripple / ripple.std() * u(0, 40)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((soft > 127).astype(np.uint8))
    if count < 2:
        return None
    best = 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    x, y, w, h, area = stats[best]
    return labels[y : y + h, x : x + w] == best if area >= 1500 else None


if __name__ == "__main__":
    main()
