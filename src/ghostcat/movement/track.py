"""One animal's fixes, in metres and seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

__all__ = ["Track"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """Fixes of one animal, clean and in order.

    Raises
    ------
    ParameterError : lengths differ, a value is not finite, or times do not increase.
    """

    time_s: Floats
    """(n,) seconds since 1970-01-01 UTC, strictly increasing."""
    xy_m: Floats
    """(n, 2) in one projection."""
    error_m: Floats | None = None
    """(n,) standard deviation of the location error in each coordinate, where it is known."""
    name: str = ""
    crs: str = ""
    """Of `xy_m`, as pyproj reads it; empty where it is not known."""

    def __post_init__(self) -> None:
        n = len(self.time_s)
        if self.xy_m.shape != (n, 2) or (self.error_m is not None and self.error_m.shape != (n,)):
            raise ParameterError(
                f"{n} times, {len(self.xy_m)} places", where=self.name, fix="Give one place a time, x and y."
            )
        if not (np.isfinite(self.time_s).all() and np.isfinite(self.xy_m).all()):
            raise ParameterError("a time or place is missing", where=self.name, fix="Clean the track first.")
        late = np.flatnonzero(np.diff(self.time_s) <= 0)
        if len(late):
            raise ParameterError(
                f"fix {late[0] + 2} is not later than the one before it ({self.time_s[late[0] + 1]:.0f} s)",
                where=self.name,
                fix="Sort the fixes by time and remove duplicates: `clean_fixes` does both and lists them.",
            )
        if self.error_m is not None and not (self.error_m >= 0).all():
            raise ParameterError(
                "a location error is negative", where=self.name, fix="Give metres, 0 or more."
            )

    def __len__(self) -> int:
        return len(self.time_s)
