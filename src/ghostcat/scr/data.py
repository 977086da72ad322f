"""Encounter data of a spatial capture–recapture survey, checked and collapsed.

A row of `counts` is one animal, a column one detector row: a station, or the occasions of a station
that share one effort where the detector is binary. Occasions are added up as soon as the data come
in: the likelihood of a model that does not vary in time depends on the sums only, so the cost of a
fit does not grow with camera-days.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.checks import (
    Detector,
    check_binary,
    check_effort,
    check_metres,
    checked_counts,
    checked_ids,
    checked_occasions,
    checked_station,
    checked_usage,
)

__all__ = ["ScrData", "captures_spread_m"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ScrData:
    """What was caught where, with how much effort.

    Parameters
    ----------
    counts : (n_animals, n_rows) detections, whole numbers; every animal has at least one.
    usage : (n_rows,) effort of each row summed over its occasions, station-days; 0 = not operated.
    traps_xy_m : (n_stations, 2) station coordinates, metres.
    detector : "count" (Poisson) or "proximity" (at most one detection per occasion).
    occasions : (n_rows,) number of occasions behind each row, proximity only; by default one per
        unit of usage, which then must be whole numbers.
    station : (n_rows,) index into `traps_xy_m`; by default row k is station k.
    animal_ids, station_ids : names used in messages and tables.
    occasion_constant : log-likelihood constant of the occasion-by-occasion form; known only to
        `from_detections`.

    Raises
    ------
    ParameterError : shapes disagree; a value is missing, negative or not whole; an animal was
        caught by a station that did not operate, or more often than it operated; an animal has no
        detection; an id occurs twice; coordinates look like degrees.

    >>> data = ScrData([[2, 1], [0, 1]], [90.0, 60.0], [[0.0, 0.0], [3000.0, 0.0]])
    >>> data.animals, data.detections, data.recaptures, data.spatial_recaptures
    (2, 4, 2, 1)
    """

    counts: Ints
    usage: Floats
    traps_xy_m: Floats
    _: KW_ONLY
    detector: Detector = "count"
    occasions: Ints | None = None
    station: Ints | None = None
    animal_ids: tuple[str, ...] = ()
    station_ids: tuple[str, ...] = ()
    occasion_constant: float | None = None

    def __post_init__(self) -> None:
        if self.detector not in ("count", "proximity"):
            raise ParameterError(f"detector is {self.detector!r}", fix='Use "count" or "proximity".')
        traps = check_metres(self.traps_xy_m, what="traps_xy_m")
        usage = checked_usage(self.usage)
        counts = checked_counts(self.counts, len(usage))
        station = checked_station(self.station, len(usage), len(traps))
        animal_ids = checked_ids(self.animal_ids, len(counts), "animal")
        station_ids = checked_ids(self.station_ids, len(traps), "station")
        occasions = checked_occasions(self.occasions, usage, self.detector)
        names = tuple(station_ids[k] for k in station)
        check_effort(counts, usage, animal_ids, names)
        if occasions is not None:
            check_binary(counts, occasions, animal_ids, names)
        empty = np.flatnonzero(counts.sum(axis=1) == 0)
        if empty.size:
            raise ParameterError(
                f"animal {animal_ids[empty[0]]} has no detection",
                where=f"counts row {empty[0]}",
                fix="Leave animals that were never detected out; the model estimates them.",
            )
        frozen: dict[str, object] = {
            "counts": counts,
            "usage": usage,
            "traps_xy_m": traps,
            "station": station,
            "occasions": occasions,
            "animal_ids": animal_ids,
            "station_ids": station_ids,
        }
        for name, value in frozen.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    @classmethod
    def from_detections(
        cls,
        animal: ArrayLike,
        station: ArrayLike,
        occasion: ArrayLike,
        *,
        traps_xy_m: ArrayLike,
        usage: ArrayLike,
        detector: Detector = "count",
        animal_ids: Sequence[str] = (),
        station_ids: Sequence[str] = (),
    ) -> ScrData:
        """Collapse one row per detection into `ScrData`, without loss for models constant in time.

        Parameters
        ----------
        animal, station, occasion : (n_detections,) indices from 0.
        traps_xy_m : (n_stations, 2) metres.
        usage : (n_stations, n_occasions) effort; 0 = not operated. May be fractional.
        detector : as in `ScrData`. For "proximity" the occasions of a station are grouped by equal
            effort, so fractional effort stays exact.

        Raises
        ------
        ParameterError : as in `ScrData`; also an index out of range, a detection on an occasion on
            which the station did not operate, or the same animal twice at one proximity detector
            on one occasion.

        >>> data = ScrData.from_detections(
        ...     [0, 0, 1], [0, 1, 1], [0, 2, 1], traps_xy_m=[[0, 0], [3000, 0]],
        ...     usage=[[1, 1, 0], [1, 1, 1]], detector="proximity")
        >>> data.counts.tolist(), data.usage.tolist()
        ([[1, 1], [0, 1]], [2.0, 3.0])
        """
        history, number, effort, names, places = _checked_detections(
            animal, station, occasion, usage, detector, tuple(animal_ids), tuple(station_ids)
        )
        n = len(names)
        row_station, row_usage, row_occasions, row_of = _rows(history, effort, detector)
        counts = np.zeros((n, len(row_station)), dtype=np.int64)
        np.add.at(counts, (history[:, 0], row_of), number)
        return cls(
            counts,
            row_usage,
            np.asarray(traps_xy_m, dtype=np.float64),
            detector=detector,
            occasions=row_occasions if detector == "proximity" else None,
            station=row_station,
            animal_ids=names,
            station_ids=places,
            occasion_constant=_occasion_constant(history, number, effort, detector, n),
        )

    @property
    def animals(self) -> int:
        """Animals detected, n."""
        return len(self.counts)

    @property
    def detections(self) -> int:
        """All detections of identified animals."""
        return int(self.counts.sum())

    @property
    def recaptures(self) -> int:
        """Detections after an animal's first."""
        return self.detections - self.animals

    @property
    def stations(self) -> int:
        """Stations that operated at least once."""
        return int((self.station_usage > 0).sum())

    @property
    def station_days(self) -> float:
        """Total effort."""
        return float(self.usage.sum())

    @property
    def station_index(self) -> Ints:
        """(n_rows,) index of each row's station."""
        assert self.station is not None  # set in __post_init__
        return self.station

    @property
    def station_usage(self) -> Floats:
        """(n_stations,) total effort of each station."""
        per_station = np.bincount(self.station_index, weights=self.usage, minlength=len(self.traps_xy_m))
        return np.asarray(per_station, dtype=np.float64)

    @property
    def station_counts(self) -> Ints:
        """(n_animals, n_stations) detections of each animal at each station."""
        counts = np.zeros((self.animals, len(self.traps_xy_m)), dtype=np.int64)
        np.add.at(counts.T, self.station_index, self.counts.T)
        return counts

    @property
    def spatial_recaptures(self) -> int:
        """Places at which each animal was seen, less one, summed; stations at one point are one place."""
        _, place = np.unique(self.traps_xy_m, axis=0, return_inverse=True)
        seen = np.zeros((self.animals, int(place.max()) + 1 if len(place) else 0), dtype=np.int64)
        np.add.at(seen.T, place.reshape(-1), self.station_counts.T)
        return int(((seen > 0).sum(axis=1) - 1).sum())

    @property
    def fingerprint(self) -> str:
        """Hash of everything that enters the likelihood."""
        digest = hashlib.sha256(self.detector.encode())
        for array in (self.counts, self.usage, self.traps_xy_m, self.station_index):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def captures_spread_m(data: ScrData) -> float:
    """Root pooled spatial variance of the captures about each animal's mean capture place, metres.

    A first guess of σ: √(Σ_i Σ_j |x_ij − x̄_i|² / 2 Σ_i (n_i − 1)), after Calhoun & Casby (1958).

    >>> data = ScrData([[1, 1]], [90.0, 90.0], [[0.0, 0.0], [2000.0, 0.0]])
    >>> captures_spread_m(data)
    1000.0
    """
    counts = data.station_counts.astype(np.float64)
    number = counts.sum(axis=1)
    centre = counts @ data.traps_xy_m / number[:, None]
    offset = data.traps_xy_m[None, :, :] - centre[:, None, :]
    squares = float((counts * (offset**2).sum(axis=2)).sum())
    recaptures = float((number - 1.0).sum())
    return math.sqrt(squares / (2.0 * recaptures)) if recaptures > 0 else 0.0


def multiplicity_constant(histories: Ints) -> float:
    """−Σ ln(n_c!) over the distinct rows; the ln(n!) of the multinomial cancels against the Poisson."""
    _, copies = np.unique(histories, axis=0, return_counts=True)
    return -sum(math.lgamma(c + 1) for c in copies if c > 1)


def collapsed_constant(data: ScrData) -> float:
    """Terms of the collapsed log-likelihood that no parameter moves.

    Poisson counts: Σ y ln(usage) − ln(y!); binary: Σ ln C(occasions, y). Both plus the multiplicity
    of the distinct histories.
    """
    if data.animals == 0:
        return 0.0
    rows = np.nonzero(data.counts)
    y = data.counts[rows]
    if data.occasions is None:
        coefficient = float(y @ np.log(data.usage[rows[1]])) - sum(math.lgamma(v + 1) for v in y)
    else:
        size = data.occasions[rows[1]]
        coefficient = sum(
            math.lgamma(s + 1) - math.lgamma(v + 1) - math.lgamma(s - v + 1)
            for s, v in zip(size, y, strict=True)
        )
    return coefficient + multiplicity_constant(data.station_counts)


def _checked_detections(
    animal: ArrayLike,
    station: ArrayLike,
    occasion: ArrayLike,
    usage: ArrayLike,
    detector: Detector,
    animal_ids: tuple[str, ...],
    station_ids: tuple[str, ...],
) -> tuple[Ints, Ints, Floats, tuple[str, ...], tuple[str, ...]]:
    """Distinct (animal, station, occasion), how often each occurs, effort, and names."""
    effort = np.array(usage, dtype=np.float64)
    if effort.ndim != 2:
        raise ParameterError(
            f"usage has shape {effort.shape}, expected (n_stations, n_occasions)",
            fix="Give the effort of every station on every occasion.",
        )
    if not np.isfinite(effort).all() or (effort < 0).any():
        raise ParameterError("usage has a missing, infinite or negative value", fix="Use 0 for not operated.")
    who, where, when = (np.array(v, dtype=np.int64).reshape(-1) for v in (animal, station, occasion))
    if not len(who) == len(where) == len(when):
        raise ParameterError(
            f"animal, station and occasion have {len(who)}, {len(where)} and {len(when)} entries",
            fix="Give one of each per detection.",
        )
    n = len(animal_ids) or (int(who.max()) + 1 if len(who) else 0)
    sizes = ((who, n, "animal"), (where, len(effort), "station"), (when, effort.shape[1], "occasion"))
    for values, size, name in sizes:
        if len(values) and (values.min() < 0 or values.max() >= size):
            row = int(np.flatnonzero((values < 0) | (values >= size))[0])
            raise ParameterError(
                f"{name} index {values[row]} is outside 0…{size - 1}", where=f"detection {row}"
            )
    names = checked_ids(animal_ids, n, "animal")
    places = checked_ids(station_ids, len(effort), "station")
    off = np.flatnonzero(effort[where, when] == 0) if len(who) else np.array([], dtype=np.int64)
    if off.size:
        raise ParameterError(
            f"animal {names[who[off[0]]]} was detected by station {places[where[off[0]]]} on "
            f"occasion {when[off[0]] + 1}, when it did not operate",
            where=f"detection {off[0]}",
            fix="Correct the effort or the time of the detection.",
        )
    history, number = np.unique(np.stack([who, where, when], axis=1), axis=0, return_counts=True)
    if detector == "proximity" and (number > 1).any():
        twice = history[np.argmax(number > 1)]
        raise ParameterError(
            f"animal {names[twice[0]]} was detected more than once at station {places[twice[1]]} on "
            f"occasion {twice[2] + 1}, but a proximity detector is binary",
            fix='Keep one detection per occasion, or use detector="count".',
        )
    return history, number, effort, names, places


def _occasion_constant(history: Ints, number: Ints, effort: Floats, detector: str, n: int) -> float:
    if n == 0:
        return 0.0
    cells, inverse = np.unique(history[:, 1:], axis=0, return_inverse=True)
    full = np.zeros((n, len(cells)), dtype=np.int64)
    full[history[:, 0], inverse.reshape(-1)] = number
    constant = multiplicity_constant(full)
    if detector == "count":
        constant += float(number @ np.log(effort[history[:, 1], history[:, 2]]))
        constant -= sum(math.lgamma(v + 1) for v in number)
    return constant


def _rows(history: Ints, effort: Floats, detector: str) -> tuple[Ints, Floats, Ints, Ints]:
    """Station, effort and occasions of each detector row, and the row of each distinct detection."""
    stations = np.arange(len(effort), dtype=np.int64)
    if detector == "count":
        return stations, effort.sum(axis=1), (effort > 0).sum(axis=1).astype(np.int64), history[:, 1]
    row_station: list[int] = []
    row_usage: list[float] = []
    row_occasions: list[int] = []
    row_of = np.zeros(len(history), dtype=np.int64)
    for k in stations:
        here = np.flatnonzero(history[:, 1] == k)
        levels, which = np.unique(effort[k, history[here, 2]], return_inverse=True)
        every, per_level = np.unique(effort[k][effort[k] > 0], return_counts=True)
        if len(levels) == 0 and len(every) == 1:
            levels = every
        for level in levels:
            occasions = int(per_level[every == level][0])
            row_station.append(int(k))
            row_usage.append(float(level) * occasions)
            row_occasions.append(occasions)
        row_of[here] = len(row_station) - len(levels) + which.reshape(-1)
        # Occasions with an effort at which nobody was caught only add to the total.
        rest = ~np.isin(every, levels)
        if rest.any() or len(every) == 0:
            row_station.append(int(k))
            row_usage.append(float((every * per_level)[rest].sum()))
            row_occasions.append(int(per_level[rest].sum()))
    return (
        np.array(row_station, dtype=np.int64),
        np.array(row_usage),
        np.array(row_occasions, dtype=np.int64),
        row_of,
    )
