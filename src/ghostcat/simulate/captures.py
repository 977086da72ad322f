"""Encounters without photos: what an estimator sees when nobody errs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from .options import WorldOptions
from .world import World, simulate_world

__all__ = ["Captures", "simulate_captures", "true_captures"]


@dataclass(frozen=True, kw_only=True)
class Captures:
    """Counts of passes by animal and station, with the truth behind them.

    counts (n, K) passes of each animal seen at least once; usage (K,) station-days with a
    working camera; traps_xy_m (K, 2); mask_xy_m (M, 2) habitat cells of the region;
    female (n,) sex of the seen animals; true_n animals in the region.
    """

    counts: NDArray[np.int64]
    usage: NDArray[np.float64]
    traps_xy_m: NDArray[np.float64]
    mask_xy_m: NDArray[np.float64]
    cell_area_km2: float
    female: NDArray[np.bool_]
    animals: tuple[str, ...]
    true_n: int

    @property
    def recaptures(self) -> int:
        """r: detections after each animal's first."""
        return int(self.counts.sum()) - len(self.counts)

    @property
    def spatial_recaptures(self) -> int:
        """Stations at which animals were seen, beyond each animal's first station."""
        return int((self.counts > 0).sum()) - len(self.counts)


def true_captures(world: World, *, usable_only: bool = True) -> Captures:
    """The capture table of a world as a faultless reader of its photos would write it.

    Parameters
    ----------
    usable_only : count a pass only when some camera shows a usable flank.
    """
    row = {animal.id: i for i, animal in enumerate(world.animals)}
    col = {station.id: k for k, station in enumerate(world.stations)}
    usable = {shot.passage for shot in world.shots if shot.passage and (not usable_only or not shot.fault)}
    counts = np.zeros((len(row), len(col)), np.int64)
    for passage in world.passages:
        if passage.id in usable:
            counts[row[passage.animal], col[passage.station]] += 1
    return _captures(world, counts, station_days(world))


def station_days(world: World) -> NDArray[np.float64]:
    """Days (K,) on which each station had at least one working camera, as fractions of days."""
    days = np.zeros(len(world.stations))
    for k, station in enumerate(world.stations):
        spans = []
        for camera in (c for c in world.cameras if c.station == station.id):
            if camera.breakdown is None:
                spans.append((camera.setup, camera.retrieval))
            else:
                spans.append((camera.setup, camera.breakdown.start))
                spans.append((camera.breakdown.end, camera.retrieval))
        total, reached = timedelta(), None
        for start, end in sorted(spans):
            begin = start if reached is None else max(start, reached)
            if end > begin:
                total += end - begin
            reached = end if reached is None else max(reached, end)
        days[k] = total / timedelta(days=1)
    return days


def simulate_captures(seed: int, *, options: WorldOptions | None = None, of: World | None = None) -> Captures:
    """Draw a capture table without photos, fast enough to do it a thousand times.

    Parameters
    ----------
    seed : 0 or more; of the world, or of new passes in a given world.
    options : what the world is like.
    of : keep this world's stations, failures and animals, and only throw the passes anew.
    """
    world = simulate_world(seed, options=options) if of is None else of
    choice = world.options
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(9,)))
    female = np.array([animal.sex == "F" for animal in world.animals], bool)
    home = np.array([(animal.x_m, animal.y_m) for animal in world.animals]).reshape(-1, 2)
    traps = np.array([(station.x_m, station.y_m) for station in world.stations])
    sigma = np.where(female, choice.sigma_female_m, choice.sigma_male_m)[:, None]
    lambda0 = np.where(female, choice.lambda0_female, choice.lambda0_male)[:, None]
    d2 = ((home[:, None] - traps[None]) ** 2).sum(2)
    usage = station_days(world)
    counts = rng.poisson(lambda0 * np.exp(-d2 / (2.0 * sigma**2)) * usage).astype(np.int64)
    return _captures(world, counts, usage)


def _captures(world: World, counts: NDArray[np.int64], usage: NDArray[np.float64]) -> Captures:
    seen = counts.sum(1) > 0
    return Captures(
        counts=counts[seen],
        usage=usage,
        traps_xy_m=np.array([(s.x_m, s.y_m) for s in world.stations]),
        mask_xy_m=world.cells_xy_m,
        cell_area_km2=world.cell_area_km2,
        female=np.array([a.sex == "F" for a in world.animals], bool)[seen],
        animals=tuple(a.id for a, s in zip(world.animals, seen, strict=True) if s),
        true_n=len(world.animals),
    )
