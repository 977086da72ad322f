"""Which photos are worth matching closely: a cheap look at all of them against all.

LNBNN (local naive Bayes nearest neighbour) adds up, over the spots of one photo, how much nearer the
nearest spot of another photo is than that of most photos. The same is asked of every *mirrored* photo:
those are the decoys from which `calibrate` learns how alike different animals look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.identity.features import Features, mirrored

__all__ = ["Bank", "build_bank", "candidates"]

#: Strongest spots of the photo that asks, and of the photos that are asked.
ASKING_SPOTS = 200
ASKED_SPOTS = 300
#: Share of the photos that is nearer than the yardstick by which a spot is called distinctive.
YARDSTICK = 0.03
LEAST_YARDSTICK = 3

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Bank:
    """All photos of a survey, packed for looking up. `owner` is the pass (encounter) of each photo."""

    spots: Floats
    squares: Floats
    starts: NDArray[np.int64]
    asking: tuple[Floats, ...]
    rows: NDArray[np.int64]
    owner: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.asking)


def build_bank(features: Sequence[Features], owner: Iterable[int]) -> Bank:
    """Pack photos and their mirror images for `candidates`.

    Parameters
    ----------
    features : one per photo; empty ones are allowed and never proposed.
    owner : one whole number per photo; photos with the same number (one pass) are not compared.
    """
    basis = _basis()
    full = [f for f in features]
    direct = [_short(f, basis) for f in full]
    decoys = [_short(mirrored(f), basis) for f in full]
    rows = np.array([k for k, spots in enumerate(direct) if len(spots)], dtype=np.int64)
    packed = [direct[k][:ASKED_SPOTS] for k in rows] + [decoys[k][:ASKED_SPOTS] for k in rows]
    spots = np.concatenate(packed) if packed else np.zeros((0, basis.shape[1]), np.float32)
    starts = np.cumsum([0, *(len(p) for p in packed)])[:-1] if packed else np.zeros(0, np.int64)
    return Bank(
        spots=np.ascontiguousarray(spots),
        squares=(spots * spots).sum(axis=1),
        starts=np.asarray(starts, dtype=np.int64),
        asking=tuple(d[:ASKING_SPOTS] for d in direct),
        rows=rows,
        owner=np.asarray(list(owner), dtype=np.int64),
    )


def candidates(bank: Bank, photo: int, *, most: int = 15) -> tuple[list[int], list[int]]:
    """Photos that may show the coat of `photo`, and photos whose *mirror image* looks most like it.

    Parameters
    ----------
    bank : the survey's photos.
    photo : row of the asking photo.
    most : length of each list.

    Returns
    -------
    Rows of `features` as given to `build_bank`, best first, of other passes than the asker's.

    References
    ----------
    McCann & Lowe (2012) CVPR (LNBNN); Crall et al. (2013) WACV (HotSpotter).
    """
    asking = bank.asking[photo]
    other = bank.owner[bank.rows] != bank.owner[photo]
    if not len(asking) or not other.any():
        return [], []
    near = asking @ bank.spots.T
    near *= 2.0
    near -= bank.squares
    distance = (asking * asking).sum(axis=1, keepdims=True) - np.maximum.reduceat(near, bank.starts, axis=1)
    distance = np.sqrt(np.maximum(distance, 0.0))
    both = np.concatenate([other, other])
    asked = int(np.count_nonzero(both))
    k = min(asked - 1, max(LEAST_YARDSTICK, int(YARDSTICK * asked)))
    yardstick = np.partition(distance[:, both], k, axis=1)[:, k : k + 1]
    worth = np.maximum(yardstick - distance, 0.0).sum(axis=0)
    worth[~both] = 0.0
    count = len(bank.rows)
    return _best(worth[:count], bank.rows, most), _best(worth[count:], bank.rows, most)


def _best(worth: Floats, rows: NDArray[np.int64], most: int) -> list[int]:
    order = np.argsort(-worth, kind="stable")[:most]
    return [int(rows[k]) for k in order if worth[k] > 0]


def _short(features: Features, basis: Floats) -> Floats:
    """Descriptors (n, 50): the smooth part of SIFT's 4 × 4 × 8 histogram holds most of what differs."""
    descriptors = features.descriptors[: max(ASKED_SPOTS, ASKING_SPOTS)].astype(np.float32)
    norm = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return np.asarray((descriptors / np.maximum(norm, 1e-6)) @ basis, dtype=np.float32)


def _basis() -> Floats:
    """Cosines in space up to order 3 in all, waves in direction up to order 2: fixed, nothing is learned."""
    x = (np.arange(4) + 0.5) * np.pi / 4
    space = np.array([np.cos(k * x) / np.sqrt(4 if k == 0 else 2) for k in range(4)])
    angle = np.arange(8) * 2 * np.pi / 8
    waves = np.array([np.ones(8) / np.sqrt(8), *(f(k * angle) / 2 for k in (1, 2) for f in (np.cos, np.sin))])
    columns = [
        np.einsum("i,j,k->ijk", space[p], space[q], wave).ravel()
        for p in range(4)
        for q in range(4)
        if p + q <= 3
        for wave in waves
    ]
    return np.asarray(columns, dtype=np.float32).T
