"""Where were animals photographed, and where do they probably live?

Drawn in kilometres on a local plane (equirectangular about the middle latitude), so north is
up and one scale bar is true in both directions for the few hundred kilometres of a survey.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ghostcat.language import Wording
from ghostcat.portrait.portrait import CatalogueEntry, DensitySurface, StationLine
from ghostcat.report.figures.labels import LabelSpace, shortened
from ghostcat.report.figures.svg import element, path, shape

__all__ = ["RAMP", "AnimalMark", "PopulationMap", "animal_marks", "draw_map", "map_badge"]

_WIDTH, _MARGIN, _FOOT = 1000.0, 34.0, 30.0
_HEIGHTS = (460.0, 900.0)
_NAMED_STATIONS = 80

#: Colours of the density surface from none to highest, one hue family, evenly darker.
RAMP = ("#f6f3e8", "#e9eed8", "#d3e5cb", "#b3d5bf", "#8fc2b3", "#6aaba4")

#: Okabe–Ito without those that drown in the ramp; dashes and shapes are the second cue.
_COLOURS = ("#b3370f", "#0b4f9e", "#a03a86", "#1b1b1b", "#c27a00", "#5b3fa8", "#8a1538")
_DASHES = (None, "7 4", "2 4", "10 3 2 3")

Points = NDArray[np.float64]


@dataclass(frozen=True)
class AnimalMark:
    """How one animal is told from the others: colour, and dash and shape as the second cue."""

    colour: str
    dash: str | None
    shape: int


@dataclass(frozen=True)
class PopulationMap:
    """The drawing, and what its legend has to say."""

    svg: Markup
    highest: float
    """Highest density drawn, animals per 100 km²; 0 without a surface."""
    most_days: float
    """Station-days of the largest station mark."""


def animal_marks(count: int) -> list[AnimalMark]:
    """Marks for `count` animals; neighbours in the catalogue never share a colour."""
    return [
        AnimalMark(
            _COLOURS[i % len(_COLOURS)], _DASHES[(i // len(_COLOURS)) % len(_DASHES)], i // len(_COLOURS)
        )
        for i in range(count)
    ]


def map_badge(mark: AnimalMark) -> Markup:
    """The mark of one animal with a piece of its line, for its card."""
    return element(
        "svg",
        element("path", d="M2 10 H34", class_="way", stroke=mark.colour, stroke_dasharray=mark.dash),
        shape(mark.shape, 18.0, 10.0, 5.5, fill=mark.colour, class_="mark"),
        viewBox="0 0 36 20",
        class_="badge",
        aria_hidden="true",
    )


@dataclass(frozen=True)
class _Plane:
    """From degrees to the drawing, in kilometres and then in drawing units."""

    lon0: float
    lat0: float
    west_km: float
    north_km: float
    scale: float
    height: float

    def xy(self, lon: Points, lat: Points) -> Points:
        east, north = _kilometres(lon, lat, self.lon0, self.lat0)
        return np.column_stack([(east - self.west_km) * self.scale, (self.north_km - north) * self.scale])


def draw_map(
    stations: Sequence[StationLine],
    animals: Sequence[CatalogueEntry],
    surface: DensitySurface | None,
    words: Wording,
    *,
    label: str,
    names: Sequence[str],
    links: Sequence[str],
) -> PopulationMap | None:
    """The map, or None when no station has a place.

    Parameters
    ----------
    names, links : what each animal is called on the map, and the anchor its mark leads to.
    """
    placed = [s for s in stations if math.isfinite(s.lon) and math.isfinite(s.lat)]
    if not placed:
        return None
    plane = _plane(placed, surface)
    xy = plane.xy(np.array([s.lon for s in placed]), np.array([s.lat for s in placed]))
    at = {s.station_id: (float(x), float(y)) for s, (x, y) in zip(placed, xy, strict=True)}
    most = max((s.station_days for s in placed), default=0.0)
    radius = {s.station_id: _radius(s.station_days, most) for s in placed}
    lines, degrees = _graticule(plane, words)
    body = [
        lines,
        _surface(surface, plane) if surface is not None and len(surface.lon) else Markup(""),
        degrees,
        *_animals(animals, at, radius, names, links, part="lines"),
        *(_station(s, at[s.station_id], radius[s.station_id]) for s in placed),
        *_animals(animals, at, radius, names, links, part="marks"),
        *_labels(animals, at, radius, names, links, plane.height),
        _scale_bar(plane, words),
        _north_arrow(words),
    ]
    svg = element(
        "svg",
        element("rect", x=0, y=0, width=_WIDTH, height=plane.height, class_="sheet"),
        *body,
        viewBox=f"0 0 {_WIDTH:.0f} {plane.height:.0f}",
        class_="map",
        role="img",
        aria_label=label,
    )
    highest = float(np.nanmax(surface.per_100km2)) if surface is not None and len(surface.per_100km2) else 0.0
    return PopulationMap(svg=svg, highest=highest, most_days=most)


def _radius(station_days: float, most: float) -> float:
    return 4.0 if station_days <= 0 or most <= 0 else 1.5 + 4.5 * math.sqrt(station_days / most)


def _kilometres(lon: Points, lat: Points, lon0: float, lat0: float) -> tuple[Points, Points]:
    phi = math.radians(lat0)
    per_lat = 111.132954 - 0.559822 * math.cos(2 * phi) + 0.001175 * math.cos(4 * phi)
    per_lon = 111.41284 * math.cos(phi) - 0.0935 * math.cos(3 * phi)
    turn = (np.asarray(lon) - lon0 + 180.0) % 360.0 - 180.0  # a survey may cross the date line
    return turn * per_lon, (np.asarray(lat) - lat0) * per_lat


def _plane(stations: Sequence[StationLine], surface: DensitySurface | None) -> _Plane:
    lon = np.array([s.lon for s in stations])
    lat = np.array([s.lat for s in stations])
    half_km = 0.0
    if surface is not None and len(surface.lon):
        lon, lat = np.concatenate([lon, surface.lon]), np.concatenate([lat, surface.lat])
        half_km = surface.cell_m / 2000
    lon0, lat0 = float(lon[0]), float((lat.min() + lat.max()) / 2)
    east, north = _kilometres(lon, lat, lon0, lat0)
    west_km, east_km = float(east.min()) - half_km, float(east.max()) + half_km
    south_km, north_km = float(north.min()) - half_km, float(north.max()) + half_km
    wide, high = max(east_km - west_km, 1.0), max(north_km - south_km, 1.0)
    height = min(max(_WIDTH * high / wide, _HEIGHTS[0]), _HEIGHTS[1])
    scale = min((_WIDTH - 2 * _MARGIN) / wide, (height - 2 * _MARGIN - _FOOT) / high)
    return _Plane(
        lon0=lon0,
        lat0=lat0,
        west_km=(west_km + east_km) / 2 - _WIDTH / scale / 2,
        north_km=(south_km + north_km) / 2 + (height - _FOOT) / scale / 2,
        scale=scale,
        height=height,
    )


def _graticule(plane: _Plane, words: Wording) -> tuple[Markup, Markup]:
    """Meridians and parallels at round degrees, and their names at the edge."""
    phi = math.radians(plane.lat0)
    per_lon, per_lat = 111.41284 * math.cos(phi), 111.132954
    west = plane.lon0 + plane.west_km / per_lon
    north = plane.lat0 + plane.north_km / per_lat
    wide, high = _WIDTH / plane.scale / per_lon, plane.height / plane.scale / per_lat
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30) if wide / s <= 6.5)
    decimals = 2 if step < 0.1 else 1 if step < 1 else 0
    lines, labels = [], []
    for i in range(math.ceil(west / step), math.floor((west + wide) / step) + 1):
        x = (i * step - west) / wide * _WIDTH
        degrees = words.number((i * step + 180.0) % 360.0 - 180.0, decimals)
        lines.append(element("line", x1=x, x2=x, y1=0, y2=plane.height))
        labels.append(element("text", f"{degrees}°", x=x + 4, y=plane.height - 7))
    for i in range(math.ceil((north - high) / step), math.floor(north / step) + 1):
        y = (north - i * step) / high * plane.height
        if 20 < y < plane.height - 30:
            lines.append(element("line", x1=0, x2=_WIDTH, y1=y, y2=y))
            labels.append(element("text", f"{words.number(i * step, decimals)}°", x=6, y=y - 5))
    return element("g", *lines, class_="graticule"), element("g", *labels, class_="graticule")


def _surface(surface: DensitySurface, plane: _Plane) -> Markup:
    """The density as a smooth picture, cut at the edge of the mask, and that edge as a line."""
    column = np.rint((surface.x_m - surface.x_m.min()) / surface.cell_m).astype(int)
    row = np.rint((surface.y_m.max() - surface.y_m) / surface.cell_m).astype(int)
    grid = np.full((row.max() + 1, column.max() + 1), np.nan)
    grid[row, column] = surface.per_100km2
    to_map = _affine(np.column_stack([column, row]).astype(float), plane.xy(surface.lon, surface.lat), plane)
    matrix = " ".join(f"{v:.5f}" for v in to_map.ravel())
    edge = _outline(np.isfinite(grid))
    outline = " ".join(path(_moved(ring, to_map), closed=True) for ring in edge)
    rows, columns = grid.shape
    return element(
        "g",
        element("clipPath", element("path", d=outline, clip_rule="evenodd"), id="mask-edge"),
        element(
            "g",
            element(
                "image",
                href=_picture(grid),
                x=-0.5,
                y=-0.5,
                width=columns,
                height=rows,
                preserveAspectRatio="none",
                transform=f"matrix({matrix})",
            ),
            clip_path="url(#mask-edge)",
        ),
        element("path", d=outline, class_="mask"),
        class_="surface",
    )


def _affine(cells: Points, places: Points, plane: _Plane) -> Points:
    """(3, 2) matrix that takes (column, row, 1) to the drawing, by least squares."""
    design = np.column_stack([cells, np.ones(len(cells))])
    if np.linalg.matrix_rank(design) == 3:
        return np.asarray(np.linalg.lstsq(design, places, rcond=None)[0])
    cell = plane.scale  # one row or column only: a cell of one kilometre, upright
    return np.array([[cell, 0.0], [0.0, cell], places[0] - cell * cells[0]])


def _moved(ring: list[tuple[float, float]], to_map: Points) -> list[tuple[float, float]]:
    moved = np.column_stack([np.array(ring), np.ones(len(ring))]) @ to_map
    return [(float(x), float(y)) for x, y in moved]


def _picture(grid: NDArray[np.float64]) -> str:
    """The grid as a smooth PNG; cells outside the mask borrow their neighbour, to be cut off later."""
    from PIL import Image
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(np.isnan(grid), return_distances=False, return_indices=True)
    filled = grid[tuple(nearest)]
    top = float(np.nanmax(grid)) or 1.0
    enlarged = max(1, min(6, 500 // max(grid.shape)))
    size = (grid.shape[1] * enlarged, grid.shape[0] * enlarged)
    smooth = Image.fromarray((filled / top).astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    level = np.clip(np.asarray(smooth), 0, 1)
    ramp = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in RAMP])
    stops = np.linspace(0, 1, len(RAMP))
    rgb = np.stack([np.interp(level, stops, ramp[:, channel]) for channel in range(3)], axis=-1)
    png = BytesIO()
    Image.fromarray(rgb.round().astype(np.uint8)).save(png, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


def _outline(inside: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """Rings around the cells that are inside, in (column, row) with corners at halves."""
    padded = np.pad(inside, 1)
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for r, c in zip(*np.nonzero(padded), strict=True):
        corners = ((c, r), (c + 1, r), (c + 1, r + 1), (c, r + 1))
        neighbours = (padded[r - 1, c], padded[r, c + 1], padded[r + 1, c], padded[r, c - 1])
        for side, neighbour in enumerate(neighbours):
            if not neighbour:
                start, end = corners[side], corners[(side + 1) % 4]
                following.setdefault((int(start[0]), int(start[1])), []).append((int(end[0]), int(end[1])))
    rings = []
    while following:
        first = next(iter(following))
        ring, here = [first], first
        while True:
            ends = following[here]
            here = ends.pop()
            if not ends:
                del following[ring[-1]]
            if here == first:
                break
            ring.append(here)
        rings.append([(x - 1.5, y - 1.5) for x, y in _corners_only(ring)])
    return rings


def _corners_only(ring: list[tuple[int, int]]) -> list[tuple[int, int]]:
    size = len(ring)
    return [
        point
        for i, point in enumerate(ring)
        if not (ring[i - 1][0] == point[0] == ring[(i + 1) % size][0])
        and not (ring[i - 1][1] == point[1] == ring[(i + 1) % size][1])
    ]


def _station(station: StationLine, at: tuple[float, float], radius: float) -> Markup:
    x, y = at
    title = element("title", station.station_id, translate="no")
    if station.station_days <= 0:
        cross = [
            element("line", x1=x - 3, x2=x + 3, y1=y - 3 * way, y2=y + 3 * way, class_="not-sampled")
            for way in (1, -1)
        ]
        return element("g", title, element("circle", cx=x, cy=y, r=7.0, class_="not-sampled"), *cross)
    return element("g", title, element("circle", cx=x, cy=y, r=radius, class_="station"))


def _places(
    animals: Sequence[CatalogueEntry], at: dict[str, tuple[float, float]], radius: dict[str, float]
) -> list[dict[str, tuple[float, float]]]:
    """Where the mark of each animal stands at each of its stations: side by side on a ring around it."""
    visitors: dict[str, list[int]] = {}
    for i, animal in enumerate(animals):
        for station in dict.fromkeys(animal.stations):
            if station in at:
                visitors.setdefault(station, []).append(i)
    places: list[dict[str, tuple[float, float]]] = [{} for _ in animals]
    for station, who in visitors.items():
        reach = radius[station] + 7.0 + max(0, len(who) - 7) * 1.3
        for k, i in enumerate(who):
            angle = 2 * math.pi * k / max(len(who), 5) - math.pi / 2
            places[i][station] = (
                at[station][0] + reach * math.cos(angle),
                at[station][1] + reach * math.sin(angle),
            )
    return places


def _animals(
    animals: Sequence[CatalogueEntry],
    at: dict[str, tuple[float, float]],
    radius: dict[str, float],
    names: Sequence[str],
    links: Sequence[str],
    *,
    part: str,
) -> list[Markup]:
    """Lines of all animals, or their marks; apart, so that stations lie between the two."""
    drawn = []
    places = _places(animals, at, radius)
    for i, (animal, mark) in enumerate(zip(animals, animal_marks(len(animals)), strict=True)):
        if not places[i]:
            continue
        if part == "lines":
            ways = [
                element(
                    "path",
                    d=_bow(*way),
                    class_=kind,
                    stroke=None if kind == "halo" else mark.colour,
                    stroke_dasharray=None if kind == "halo" else mark.dash,
                )
                for way in _ways(animal, places[i])
                for kind in ("halo", "way")
            ]
            drawn.append(element("g", *ways, class_="animal ways", data_animal=links[i]))
            continue
        dots = [shape(mark.shape, *spot, 4.2, fill=mark.colour, class_="mark") for spot in places[i].values()]
        link = element("a", element("title", names[i]), *dots, href=f"#{links[i]}", translate="no")
        drawn.append(element("g", link, class_="animal", data_animal=links[i]))
    return drawn


def _ways(
    animal: CatalogueEntry, spots: dict[str, tuple[float, float]]
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Pairs of stations the animal was seen at one after the other, each pair once."""
    order = [station for station, _ in animal.sightings if station in spots]
    pairs = {tuple(sorted(pair)) for pair in pairwise(order) if pair[0] != pair[1]}
    return [(spots[a], spots[b]) for a, b in sorted(pairs)]


def _bow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A slightly bent line, so that two animals between the same stations stay apart."""
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    off = (-(end[1] - start[1]) * 0.10, (end[0] - start[0]) * 0.10)
    return (
        f"M{start[0]:.1f} {start[1]:.1f} "
        f"Q{middle[0] + off[0]:.1f} {middle[1] + off[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    )


def _labels(
    animals: Sequence[CatalogueEntry],
    at: dict[str, tuple[float, float]],
    radius: dict[str, float],
    names: Sequence[str],
    links: Sequence[str],
    height: float,
) -> list[Markup]:
    """Names where there is room: each animal's beside a station it visited most, then those of stations."""
    places = _places(animals, at, radius)
    taken = [(x - 9.0, y - 9.0, x + 9.0, y + 9.0) for x, y in at.values()]
    taken += [(x - 4.0, y - 4.0, x + 4.0, y + 4.0) for spots in places for x, y in spots.values()]
    taken += [(_WIDTH - 70.0, 20.0, _WIDTH, 90.0), (_WIDTH - 270.0, height - 60.0, _WIDTH, height)]
    space = LabelSpace(_WIDTH, height, taken)
    labels = []
    for i, mark in enumerate(animal_marks(len(animals))):
        visits = Counter(station for station, _ in animals[i].sightings if station in places[i])
        name = shortened(names[i], 16)
        spots = (places[i][station] for station, _ in visits.most_common(3))
        found = next(filter(None, (space.place(name, *spot, size=14, off=7) for spot in spots)), None)
        if found is not None:
            x, y = found
            labels.append(
                element(
                    "text",
                    name,
                    x=x,
                    y=y,
                    class_="animal name",
                    fill=mark.colour,
                    data_animal=links[i],
                    translate="no",
                )
            )
    for station in sorted(at) if len(at) <= _NAMED_STATIONS else ():
        name = shortened(station, 12)
        found = space.place(name, *at[station], size=11, off=9)
        if found is not None:
            labels.append(
                element("text", name, x=found[0], y=found[1], class_="station-name", translate="no")
            )
    return labels


def _scale_bar(plane: _Plane, words: Wording) -> Markup:
    target = _WIDTH / plane.scale * 0.18
    km = next((s for s in (100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1) if s <= target), 0.1)
    long = km * plane.scale
    x, y = _WIDTH - 26 - long, plane.height - 34
    text = words.gettext("%(km)s km") % {"km": words.number(km, 0 if km >= 1 else 1)}
    return element(
        "g",
        element("rect", x=x - 12, y=y - 22, width=long + 24, height=34.0, class_="plate"),
        element("path", d=f"M{x:.1f} {y - 4:.1f} V{y:.1f} H{x + long:.1f} V{y - 4:.1f}", class_="scale"),
        element("text", text, x=x + long / 2, y=y - 8, text_anchor="middle"),
        class_="scale-bar",
    )


def _north_arrow(words: Wording) -> Markup:
    x, y = _WIDTH - 38.0, 66.0
    return element(
        "g",
        element("path", d=f"M{x} {y - 34} L{x + 9} {y - 4} L{x} {y - 11} L{x - 9} {y - 4} Z"),
        element("text", words.gettext("N"), x=x, y=y + 12, text_anchor="middle"),
        class_="north",
    )
