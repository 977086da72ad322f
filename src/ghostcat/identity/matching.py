"""Do two flanks carry the same coat? Matched spots that agree on one way the body was turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.identity.features import Features

__all__ = ["PairScore", "Prepared", "prepare", "score_pair", "score_prepared"]

#: A match counts when it is this much closer than the second best of the other photo.
RATIO = 0.85
#: Within one cell of the body (a tenth of its length) only the most telling spot counts: a face, a fence
#: or a caption gives many matches in one place, a coat gives them all over the flank.
CELL_PX = 64.0
#: Matches crowded into one place (standard deviation along their longer axis below this) count in proportion.
EXTENT_PX = 80.0
LEAST_EXTENT = 0.3
#: How far, in pixels of a 640 px body, a spot may lie from where the rigid guess / the fitted plane puts it.
LOOSE_PX = 26.0
CLOSE_PX = 14.0
LEAST_INLIERS = 4
SCALE_LIMIT = 3.0
STRETCH_LIMIT = 3.0
TURN_LIMIT_RAD = np.pi / 3
#: A spot must agree with its neighbours in size (factor) and direction (radians) as well.
SPOT_SCALE = np.log(2.0)
SPOT_TURN_RAD = np.pi / 4
GUESSES_REFINED = 5

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class PairScore:
    """How well two photos agree.

    Attributes
    ----------
    score : distinctiveness `1 − d₁/d₂` of the best spot of each cell of the body, summed over the cells
        (the smaller of the two photos' sums), less when all lie in one place; 0 when nothing agrees.
    inliers : number of spots that agree on one transform.
    points_a, points_b : (inliers, 2) float32, the spots in pixels of the two *photos*, strongest first.
    weights : (inliers,) float32, their distinctiveness.
    """

    score: float
    inliers: int
    points_a: Floats
    points_b: Floats
    weights: Floats


@dataclass(frozen=True)
class Prepared:
    """Features as floats, made once and matched often."""

    unit: Floats
    xy: Floats
    log_size: Floats
    turn: Floats


def prepare(features: Features) -> Prepared:
    """Unit descriptors (n, 128) and keypoint geometry in radians and log size."""
    descriptors = features.descriptors.astype(np.float32)
    norm = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return Prepared(
        unit=descriptors / np.maximum(norm, 1e-6),
        xy=np.ascontiguousarray(features.keypoints[:, :2], dtype=np.float32),
        log_size=np.log(np.maximum(features.keypoints[:, 2], 1e-3)).astype(np.float32),
        turn=np.deg2rad(features.keypoints[:, 3]).astype(np.float32),
    )


def score_pair(a: Features, b: Features) -> PairScore:
    """Match two flanks; see `PairScore`. The order of a and b changes neither score nor inliers.

    Mutual nearest neighbours among RootSIFT descriptors under a ratio test in both directions; each
    match proposes a similarity from its own size and direction; the best proposals are refined to an
    affine transform by least squares. Rejected: mirror images, scale outside 1/3…3, stretch above 3,
    a turn above 60°. Nothing is drawn at random.

    References
    ----------
    Lowe (2004) IJCV 60:91–110; Philbin et al. (2007) CVPR (one-match hypotheses, LO-RANSAC);
    Crall et al. (2013) WACV (HotSpotter).
    """
    score, i, j, weights = score_prepared(prepare(a), prepare(b))
    order = np.argsort(-weights, kind="stable")
    return PairScore(
        score=score,
        inliers=len(i),
        points_a=a.in_photo(a.keypoints[i[order], :2]),
        points_b=b.in_photo(b.keypoints[j[order], :2]),
        weights=weights[order],
    )


def score_prepared(a: Prepared, b: Prepared) -> tuple[float, Ints, Ints, Floats]:
    """Score, inlier rows of a and of b, and their weights; see `score_pair`."""
    if _swapped(a, b):
        score, j, i, weights = score_prepared(b, a)
        return score, i, j, weights
    i, j, weights = _mutual_matches(a.unit, b.unit)
    if len(i) < LEAST_INLIERS:
        return _nothing()
    kept = _agreeing(a, b, i, j, weights)
    if len(kept) < LEAST_INLIERS:
        return _nothing()
    i, j, weights = i[kept], j[kept], weights[kept]
    score = min(_spread(a.xy[i], weights), _spread(b.xy[j], weights))
    extent = min(_extent(a.xy[i], weights), _extent(b.xy[j], weights))
    score *= float(np.clip(extent / EXTENT_PX, LEAST_EXTENT, 1.0))
    return score, i, j, weights


def _swapped(a: Prepared, b: Prepared) -> bool:
    """Whether b comes first in the one order in which every pair is matched."""
    if len(a.unit) != len(b.unit):
        return len(a.unit) > len(b.unit)
    return bool(a.xy.tobytes() > b.xy.tobytes())


def _mutual_matches(a: Floats, b: Floats) -> tuple[Ints, Ints, Floats]:
    """Rows that are each other's nearest and clearly nearer than the second, with `1 − d₁/d₂`."""
    if len(a) < 2 or len(b) < 2:
        return _nothing()[1:]
    alike = a @ b.T
    rows = np.arange(len(a))
    nearest = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[nearest] == rows
    i, j = rows[mutual], nearest[mutual]
    first = alike[i, j]
    alike[i, j] = -1.0
    second = np.maximum(alike[i].max(axis=1), alike[:, j].max(axis=0))
    ratio = np.sqrt(np.maximum(2 - 2 * first, 1e-9) / np.maximum(2 - 2 * second, 1e-9))
    kept = ratio < RATIO
    return i[kept], j[kept], (1 - ratio[kept]).astype(np.float32)


def _agreeing(a: Prepared, b: Prepared, i: Ints, j: Ints, weights: Floats) -> Ints:
    """Matches that agree on one plausible affine transform: the set of greatest weight."""
    pa, pb = a.xy[i], b.xy[j]
    log_scale = b.log_size[j] - a.log_size[i]
    turn = _wrapped(b.turn[j] - a.turn[i])
    guesses = np.flatnonzero((np.abs(log_scale) < np.log(SCALE_LIMIT)) & (np.abs(turn) < TURN_LIMIT_RAD))
    if not len(guesses):
        return guesses
    scale = np.exp(log_scale[guesses])
    cos, sin = (scale * np.cos(turn[guesses]))[:, None], (scale * np.sin(turn[guesses]))[:, None]
    dx = pa[None, :, 0] - pa[guesses, None, 0]
    dy = pa[None, :, 1] - pa[guesses, None, 1]
    ex = cos * dx - sin * dy + pb[guesses, None, 0] - pb[None, :, 0]
    ey = sin * dx + cos * dy + pb[guesses, None, 1] - pb[None, :, 1]
    kin = (np.abs(log_scale[None] - log_scale[guesses, None]) < SPOT_SCALE) & (
        np.abs(_wrapped(turn[None] - turn[guesses, None])) < SPOT_TURN_RAD
    )
    near = (ex * ex + ey * ey < LOOSE_PX**2) & kin
    worth = (near * weights).sum(axis=1)
    best, most = guesses[:0], 0.0
    for guess in np.argsort(-worth, kind="stable")[:GUESSES_REFINED]:
        refined = _refined(pa, pb, np.flatnonzero(near[guess]), kin[guess])
        weight = float(weights[refined].sum())
        if weight > most:
            best, most = refined, weight
    return best


def _refined(pa: Floats, pb: Floats, members: Ints, kin: NDArray[np.bool_]) -> Ints:
    """Least-squares affine transform through `members`, and all matches that fit it closely."""
    plane = np.column_stack([pa, np.ones(len(pa), np.float32)])
    for _ in range(4):
        if len(members) < LEAST_INLIERS:
            return members[:0]
        transform, _, rank, _ = np.linalg.lstsq(plane[members], pb[members], rcond=None)
        if rank < 3 or not _plausible(transform[:2].T):
            return members[:0]
        error = plane @ transform - pb
        fitting = np.flatnonzero(((error * error).sum(axis=1) < CLOSE_PX**2) & kin)
        if np.array_equal(fitting, members):
            break
        members = fitting
    return members if len(members) >= LEAST_INLIERS else members[:0]


def _plausible(linear: Floats) -> bool:
    """Whether one view of a body can become the other so: no mirror, no wild scale, stretch or turn."""
    if np.linalg.det(linear) <= 0:
        return False
    large, small = np.linalg.svd(linear, compute_uv=False)
    turn = np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1])
    return bool(
        large <= SCALE_LIMIT
        and small >= 1 / SCALE_LIMIT
        and large / small <= STRETCH_LIMIT
        and abs(turn) <= TURN_LIMIT_RAD
    )


def _spread(xy: Floats, weights: Floats) -> float:
    """Sum over cells of the body of the best weight in each."""
    cell = np.floor(xy / CELL_PX).astype(np.int64)
    _, inverse = np.unique(cell[:, 0] * 1000 + cell[:, 1], return_inverse=True)
    best = np.zeros(int(inverse.max()) + 1)
    np.maximum.at(best, inverse, weights)
    return float(best.sum())


def _extent(xy: Floats, weights: Floats) -> float:
    """Weighted standard deviation along the longer axis of the spots."""
    axes = np.linalg.eigvalsh(np.cov(xy.T.astype(np.float64), aweights=weights))
    return float(np.sqrt(max(axes[-1], 0.0)))


def _wrapped(angle: Floats) -> Floats:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _nothing() -> tuple[float, Ints, Ints, Floats]:
    none = np.zeros(0, np.int64)
    return 0.0, none, none, np.zeros(0, np.float32)
