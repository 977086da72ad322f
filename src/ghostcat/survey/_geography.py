"""Distances on the globe, good enough to tell a typing mistake from a walk."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

__all__ = ["distance_km"]

_EARTH_RADIUS_KM = 6371.0088


def distance_km(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Great-circle distance (haversine) between two points in degrees, kilometres.

    >>> round(distance_km(131.0, 43.0, 131.0, 44.0), 1)
    111.2
    """
    half_lat, half_lon = radians(lat_b - lat_a) / 2, radians(lon_b - lon_a) / 2
    chord = sin(half_lat) ** 2 + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))
