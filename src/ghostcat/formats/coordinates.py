"""From what a table calls coordinates to WGS 84 degrees, with a word for every usual mistake."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ghostcat.errors import FormatError, ParameterError
from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_degrees", "distance_m", "offset_findings", "project_to_degrees", "read_crs", "utm_hint"]

_UTM = re.compile(r"(?:wgs ?84 ?/? ?)?utm[ _-]*(?:zone)?[ _-]*(\d{1,2}) *([NS])", re.IGNORECASE)
#: Degrees that a point may lie outside the area that its projection was made for.
_MARGIN_DEG = 6.0
_EARTH_RADIUS_M = 6371008.8


@dataclass(frozen=True, kw_only=True)
class _Area:
    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        east = self.east + (360.0 if self.east < self.west else 0.0)
        turned = lon + 360.0 if lon < self.west - _MARGIN_DEG else lon
        return (
            self.west - _MARGIN_DEG <= turned <= east + _MARGIN_DEG
            and self.south - _MARGIN_DEG <= lat <= self.north + _MARGIN_DEG
        )


def check_degrees(lon: float, lat: float, *, where: str) -> None:
    """Refuse what cannot be WGS 84 degrees, and say what it looks like instead.

    Raises
    ------
    FormatError : outside the ranges.
    """
    if abs(lat) <= 90 and abs(lon) <= 180:
        return
    if abs(lat) > 360 or abs(lon) > 360:
        raise FormatError(
            f"longitude {lon:g} and latitude {lat:g} are no degrees; they look like metres of a projection",
            where=where,
            fix="Name the columns x and y, and say the projection: --crs EPSG:326zz (zz = UTM zone, north).",
        )
    if abs(lat) > 90 and abs(lon) <= 90:
        raise FormatError(
            f"latitude {lat:g} is outside −90…90. The columns may be swapped; longitude is {lon:g}.",
            where=where,
            fix="Swap the headings of longitude and latitude if they are.",
        )
    wrong = (
        f"latitude {lat:g} is outside −90…90" if abs(lat) > 90 else f"longitude {lon:g} is outside −180…180"
    )
    raise FormatError(wrong, where=where, fix="Correct the coordinate; degrees of WGS 84 are expected.")


def read_crs(crs: str | int) -> Any:
    """Read a coordinate system: `EPSG:32652`, `32652`, `UTM 52N`, or anything else PROJ knows.

    Raises
    ------
    ParameterError : no such coordinate system.
    """
    import pyproj
    from pyproj.exceptions import CRSError
    from pyproj.network import set_network_enabled  # type: ignore[attr-defined]

    text = str(crs).strip()
    if match := _UTM.fullmatch(text):
        text = f"EPSG:{326 if match[2].upper() == 'N' else 327}{int(match[1]):02d}"
    elif text.isdigit():
        text = f"EPSG:{text}"
    # Grids that are not installed must not be fetched from a server, whatever the environment asks for.
    set_network_enabled(active=False)
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError:
        raise ParameterError(
            f"{crs!r} is no coordinate system that is known",
            where="--crs",
            fix="Give an EPSG code such as EPSG:32652, or UTM 52N.",
        ) from None


def project_to_degrees(
    x: Sequence[float], y: Sequence[float], *, crs: str | int, places: Sequence[str]
) -> list[tuple[float, float]]:
    """Turn projected coordinates into (longitude, latitude).

    Parameters
    ----------
    x, y : eastings and northings in the unit of the projection (metres, as a rule).
    places : where each pair stands, for messages.

    Raises
    ------
    ParameterError : no such coordinate system.
    FormatError : a point falls far outside the area of the projection: wrong system, or x and y swapped.
    """
    import pyproj

    system = read_crs(crs)
    if system.is_projected and any(abs(a) <= 180 and abs(b) <= 90 for a, b in zip(x, y, strict=True)):
        at = next(i for i, (a, b) in enumerate(zip(x, y, strict=True)) if abs(a) <= 180 and abs(b) <= 90)
        raise FormatError(
            f"x {x[at]:g} and y {y[at]:g} look like degrees, not metres of {system.name}",
            where=places[at],
            fix="Name the columns lon and lat, or leave out --crs.",
        )
    transform = pyproj.Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform
    area = _area(system)
    degrees = []
    for a, b, place in zip(x, y, places, strict=True):
        lon, lat = transform(a, b)
        if not area.holds(lon, lat):
            swapped = area.holds(*transform(b, a))
            advice = (
                "x and y are swapped: swap their headings." if swapped else "Check --crs and the numbers."
            )
            raise FormatError(f"x {a:g}, y {b:g} is no place of {system.name}", where=place, fix=advice)
        degrees.append((round(float(lon), 8), round(float(lat), 8)))
    return degrees


def _area(system: Any) -> _Area:
    use = system.area_of_use
    if use is None:
        return _Area(west=-180, south=-90, east=180, north=90)
    return _Area(west=use.west, south=use.south, east=use.east, north=use.north)


def utm_hint(x: Sequence[float], y: Sequence[float], *, utc_offset_minutes: int | None) -> str:
    """Advice for coordinates whose projection nobody named: the UTM zones that fit what is known."""
    looks_utm = all(100_000 <= a <= 900_000 and 0 <= b <= 10_000_000 for a, b in zip(x, y, strict=True))
    example = "Say which projection the numbers are in, for example --crs EPSG:32652 (UTM zone 52 north)."
    if not looks_utm:
        return example
    if utc_offset_minutes is None:
        return f"{example} They look like UTM; the zone is (longitude + 186) / 6, rounded down."
    # Civil time runs up to 25° ahead of the sun (western China) and seldom 10° behind it.
    middle = utc_offset_minutes / 4
    zones = [int(((lon + 180) % 360) // 6) + 1 for lon in (middle - 25, middle + 10)]
    codes = f"EPSG:326{zones[0]:02d} … EPSG:326{zones[1]:02d}"
    return f"{example} They look like UTM, and with clocks at UTC{utc_offset_minutes / 60:+g} likely {codes}."


def offset_findings(
    degrees: Mapping[str, tuple[float, float]], offsets_minutes: Mapping[str, int], *, where: str
) -> list[Finding]:
    """Stations whose longitude does not fit their clocks: a wrong projection, sign or swapped column."""
    far = [
        name
        for name, (lon, _) in degrees.items()
        if name in offsets_minutes
        and offsets_minutes[name] != 0
        and abs((lon - offsets_minutes[name] / 4 + 180) % 360 - 180) > 45
    ]
    if not far:
        return []
    name = far[0]
    return [
        Finding(
            code="longitude_against_clock",
            severity="warning",
            message=f"{len(far)} stations lie far from where clocks run at UTC"
            f"{offsets_minutes[name] / 60:+g}: {name} is at longitude {degrees[name][0]:.3f}",
            fix="Check the projection (--crs), the sign and order of the coordinates, and the UTC offset.",
            ids=tuple(far),
            where=where,
        )
    ]


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance between two (longitude, latitude) pairs, metres."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*a, *b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))
