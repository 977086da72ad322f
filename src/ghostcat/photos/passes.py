"""Passes: the photos of one visit to one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError

__all__ = ["group_passes"]


def group_passes(time_s: ArrayLike, place: ArrayLike, *, gap_s: float = 1800.0) -> NDArray[np.int64]:
    """Number the visits: photos of one place belong together until nothing is seen for `gap_s`.

    A pass is a chain: each photo lies at most `gap_s` after the one before it, however long the
    whole lasts. The half hour is the field's habit for independent events.

    Parameters
    ----------
    time_s : (n,) times in seconds, in any order, finite.
    place : (n,) numbers or names of the places; passes never span two of them.
    gap_s : longest quiet time inside a pass, seconds, ≥ 0.

    Returns
    -------
    (n,) pass of each photo, counted from 0 in order of the first photo (ties by place).

    Raises
    ------
    ParameterError : lengths differ, a time is not finite, or `gap_s` is negative.

    References
    ----------
    O'Brien, Kinnaird & Wibisono (2003) Animal Conservation 6:131–139 (the half-hour rule).

    >>> group_passes([0, 60, 4000, 30], ["a", "a", "a", "b"], gap_s=1800)
    array([0, 0, 2, 1])
    """
    times = np.asarray(time_s, dtype=np.float64).ravel()
    places = np.unique(np.asarray(place).ravel(), return_inverse=True)[1]
    if len(times) != len(places):
        raise ParameterError(f"{len(times)} times for {len(places)} places", fix="Give one place per time.")
    if not np.isfinite(times).all():
        raise ParameterError("a time is not finite", fix="Leave photos without a time out.")
    if not gap_s >= 0:
        raise ParameterError(f"gap_s {gap_s} s is negative", fix="Use 1800 for half an hour.")
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort((times, places))
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (np.diff(times[order]) > gap_s) | (np.diff(places[order]) != 0)
    in_place_order = np.cumsum(begins) - 1
    first = order[begins]
    by_time = np.lexsort((places[first], times[first]))
    rank = np.empty_like(by_time)
    rank[by_time] = np.arange(len(by_time))
    passes = np.empty(len(order), dtype=np.int64)
    passes[order] = rank[in_place_order]
    return passes
