"""Unions, differences and overlaps of time intervals, exact to the microsecond.

An interval is half-open, `(start, end)` in integer microseconds since 1970 UTC. A list of
intervals is *tidy* when it is sorted and its members neither overlap nor touch.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DAY",
    "Interval",
    "intersect",
    "length",
    "overlap_with_bins",
    "subtract",
    "to_datetime",
    "to_microseconds",
    "union",
]

Interval = tuple[int, int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Microseconds in a day of 24 hours.
DAY = 86_400_000_000


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC of a timezone-aware moment; floats would lose the last digits."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(microseconds: int) -> datetime:
    """The UTC moment of `to_microseconds`."""
    return _EPOCH + timedelta(microseconds=microseconds)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Tidy union; empty and backward intervals vanish.

    >>> union([(5, 7), (0, 2), (2, 3), (9, 9)])
    [(0, 3), (5, 7)]
    """
    tidy: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if tidy and start <= tidy[-1][1]:
            tidy[-1] = (tidy[-1][0], max(tidy[-1][1], end))
        else:
            tidy.append((start, end))
    return tidy


def subtract(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """The part of `intervals` that lies outside `taken`, tidy.

    >>> subtract([(0, 10)], [(2, 3), (8, 20)])
    [(0, 2), (3, 8)]
    """
    holes = union(taken)
    rest: list[Interval] = []
    for start, end in union(intervals):
        for hole_start, hole_end in holes:
            if hole_end <= start:
                continue
            if hole_start >= end:
                break
            if hole_start > start:
                rest.append((start, hole_start))
            start = hole_end
        if start < end:
            rest.append((start, end))
    return rest


def intersect(first: Iterable[Interval], second: Iterable[Interval]) -> list[Interval]:
    """The part that lies in both, tidy.

    >>> intersect([(0, 10)], [(2, 3), (8, 20)])
    [(2, 3), (8, 10)]
    """
    tidy = union(first)
    return subtract(tidy, subtract(tidy, second))


def length(intervals: Iterable[Interval]) -> int:
    """Microseconds covered by a tidy list."""
    return sum(end - start for start, end in intervals)


def overlap_with_bins(intervals: Iterable[Interval], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Microseconds of a tidy list that fall into each bin `edges[s]…edges[s + 1]`.

    Parameters
    ----------
    intervals : tidy.
    edges : (S + 1,) ascending microseconds.

    Returns
    -------
    (S,) microseconds.
    """
    total = np.zeros(max(len(edges) - 1, 0), dtype=np.int64)
    for start, end in intervals:
        total += np.clip(np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1]), 0, None)
    return total
