"""What encounter data must be before anything is estimated from them, and how to say that they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError

__all__ = ["Detector", "check_metres"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: `count`: any number of detections per occasion, Poisson. `proximity`: at most one, binary.
Detector = Literal["count", "proximity"]


def check_metres(xy: ArrayLike, *, what: str) -> Floats:
    """Return `xy` as an (n, 2) float array of metres, or say why it cannot be one.

    Parameters
    ----------
    xy : (n, 2) projected coordinates, metres.
    what : name used in the message, for example "traps_xy_m".

    Raises
    ------
    ParameterError : wrong shape, missing or infinite values, or values that look like degrees.

    >>> check_metres([[668929.0, 4780789.0], [672211.0, 4781965.0]], what="traps_xy_m").shape
    (2, 2)
    """
    array = np.array(xy, dtype=np.float64, copy=True)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ParameterError(
            f"{what} has shape {array.shape}, expected (n, 2)", fix="Give one row (x, y) in metres per place."
        )
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        raise ParameterError(
            f"{what} has a missing or infinite coordinate",
            where=f"row {bad[0]}",
            fix="Give every place a coordinate, or leave the place out.",
        )
    if len(array) > 1:
        in_range = bool((np.abs(array[:, 0]) <= 180).all() and (np.abs(array[:, 1]) <= 90).all())
        extent = float(np.ptp(array, axis=0).max())
        if in_range and 0 < extent < 20:
            raise ParameterError(
                f"{what} looks like degrees, not metres: all values lie within ±180 and ±90 and "
                f"span only {extent:.3g}",
                fix="Project longitude and latitude to a metric system (for example UTM) first.",
            )
    array.setflags(write=False)
    return array


def checked_counts(values: ArrayLike, n_rows: int) -> Ints:
    raw = np.asarray(values)
    if raw.size == 0 and raw.ndim != 2:
        raw = raw.reshape(0, n_rows)
    if raw.ndim != 2 or raw.shape[1] != n_rows:
        raise ParameterError(
            f"counts has shape {raw.shape}, expected (n_animals, {n_rows})",
            fix="Give one column per entry of usage.",
        )
    number = raw.astype(np.float64)
    if not np.isfinite(number).all() or (number < 0).any() or (number != np.floor(number)).any():
        i, k = np.argwhere(~(np.isfinite(number) & (number >= 0) & (number == np.floor(number))))[0]
        raise ParameterError(
            f"counts holds {raw[i, k]}, expected a whole number of detections", where=f"row {i}, column {k}"
        )
    return number.astype(np.int64)


def checked_usage(values: ArrayLike) -> Floats:
    usage = np.array(values, dtype=np.float64, copy=True)
    if usage.ndim != 1:
        raise ParameterError(
            f"usage has shape {usage.shape}, expected (n_rows,)",
            fix="Give the summed effort per station; use ScrData.from_detections for effort by occasion.",
        )
    bad = np.flatnonzero(~(np.isfinite(usage) & (usage >= 0)))
    if bad.size:
        raise ParameterError(
            f"usage is {usage[bad[0]]}, expected station-days ≥ 0",
            where=f"row {bad[0]}",
            fix="Use 0 for a station that did not operate; never leave effort missing.",
        )
    return usage


def checked_station(values: ArrayLike | None, n_rows: int, n_stations: int) -> Ints:
    if values is None:
        if n_rows != n_stations:
            raise ParameterError(
                f"usage has {n_rows} entries but there are {n_stations} stations",
                fix="Give one usage per station, or say with `station` which row belongs to which station.",
            )
        return np.arange(n_rows, dtype=np.int64)
    station = np.array(values, dtype=np.int64)
    if station.shape != (n_rows,) or (n_rows and not (0 <= station.min() <= station.max() < n_stations)):
        raise ParameterError(
            f"station has shape {station.shape}, expected ({n_rows},) with indices 0…{n_stations - 1}"
        )
    return station


def checked_ids(ids: Sequence[str], n: int, what: str) -> tuple[str, ...]:
    if not len(ids):
        return tuple(str(i + 1) for i in range(n))
    names = tuple(str(i) for i in ids)
    if len(names) != n:
        raise ParameterError(f"{len(names)} {what} ids for {n} {what}s")
    if len(set(names)) != n:
        twice = next(name for name in names if names.count(name) > 1)
        raise ParameterError(
            f"{what} id {twice} occurs twice", fix=f"Add the rows of one {what} up before the fit."
        )
    return names


def checked_occasions(values: ArrayLike | None, usage: Floats, detector: Detector) -> Ints | None:
    if detector == "count":
        if values is not None:
            raise ParameterError("occasions were given for a count detector", fix="Leave them out.")
        return None
    if values is None:
        whole = np.rint(usage)
        if np.abs(whole - usage).max(initial=0.0) > 1e-9:
            raise ParameterError(
                "usage of a proximity detector is fractional and the number of occasions is not given",
                fix="Use ScrData.from_detections with effort by occasion, or give `occasions`.",
            )
        return whole.astype(np.int64)
    occasions = np.array(values, dtype=np.int64)
    if occasions.shape != usage.shape or ((occasions <= 0) & (usage > 0)).any():
        raise ParameterError(
            "occasions must hold a positive number for every row with effort",
            where=f"shape {occasions.shape}, usage has {usage.shape}",
        )
    return occasions


def check_effort(counts: Ints, usage: Floats, animals: tuple[str, ...], stations: tuple[str, ...]) -> None:
    off = np.argwhere((counts > 0) & (usage == 0)[None, :])
    if len(off):
        i, k = off[0]
        raise ParameterError(
            f"animal {animals[i]} was detected {counts[i, k]} times by station {stations[k]}, "
            "whose effort is 0 station-days",
            fix="Correct the deployment dates or failures of the station, or the time of the detection.",
        )


def check_binary(counts: Ints, occasions: Ints, animals: tuple[str, ...], stations: tuple[str, ...]) -> None:
    over = np.argwhere(counts > occasions[None, :])
    if len(over):
        i, k = over[0]
        raise ParameterError(
            f"animal {animals[i]} was detected {counts[i, k]} times by station {stations[k]} in "
            f"{occasions[k]} occasions, but a proximity detector is binary",
            fix='Keep one detection per occasion, or use detector="count".',
        )
