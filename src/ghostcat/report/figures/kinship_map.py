"""Who is related to whom? Kinship of every two animals, kin side by side."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ghostcat.report.figures.labels import shortened
from ghostcat.report.figures.svg import element

__all__ = ["KINSHIP_RAMP", "KinshipMap", "draw_kinship_map", "kin_order"]

#: From unrelated to the closest kin: one hue family, evenly darker, also in grey.
KINSHIP_RAMP = ("#fbfaf3", "#e6ecc9", "#bcd9b4", "#84bfae", "#4a9aa3", "#276f87", "#173f5f")

_NAMED = 70
_SIDE = 860.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class KinshipMap:
    """The drawing, its order, and what its legend has to say."""

    svg: Markup
    order: tuple[int, ...]
    highest: float
    """Darkest colour: the highest kinship of two different animals."""
    named: bool


def kin_order(kinship: Floats) -> list[int]:
    """An order in which kin stand together: average linkage on kinship, ends turned towards each other.

    >>> kin_order(np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.0], [0.25, 0.0, 0.5]]))
    [1, 2, 0]
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    n = len(kinship)
    if n < 3:
        return list(range(n))
    apart = float(kinship.max()) - kinship
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), "average", optimal_ordering=n <= 300)
    return [int(k) for k in leaves_list(tree)]


def draw_kinship_map(kinship: Floats, names: list[str], *, label: str) -> KinshipMap:
    """A square of colours, one row and one column an animal, in the order of `kin_order`.

    Every animal's kinship with itself is left grey: it is ½(1 + F), at least a half, and would
    outshine the others.
    """
    order = kin_order(kinship)
    n = len(order)
    sorted_kinship = kinship[np.ix_(order, order)]
    apart = sorted_kinship[~np.eye(n, dtype=bool)]
    highest = float(apart.max(initial=0.0)) or 0.5
    named = n <= _NAMED
    left = 96.0 if named else 10.0
    cell = (_SIDE - left - 10.0) / n
    side = cell * n
    labels = []
    if named:
        size = max(8.0, min(12.0, 0.92 * cell))
        for k, i in enumerate(order):
            name = shortened(names[i], 12)
            at = left + (k + 0.5) * cell
            labels.append(
                element("text", name, x=left - 6, y=at + 0.35 * size, text_anchor="end", font_size=size)
            )
            labels.append(
                element(
                    "text",
                    name,
                    transform=f"translate({at + 0.35 * size:.1f} {left - 6:.1f}) rotate(-90)",
                    font_size=size,
                )
            )
    picture = element(
        "image",
        href=_picture(sorted_kinship, highest),
        x=left,
        y=left,
        width=side,
        height=side,
        preserveAspectRatio="none",
        style="image-rendering:pixelated",
    )
    svg = element(
        "svg",
        element("rect", x=left, y=left, width=side, height=side, class_="sheet"),
        picture,
        element("g", *labels, translate="no"),
        element("rect", x=left, y=left, width=side, height=side, class_="frame"),
        viewBox=f"0 0 {_SIDE:.0f} {_SIDE:.0f}",
        class_="kinship",
        role="img",
        aria_label=label,
    )
    return KinshipMap(svg=svg, order=tuple(order), highest=highest, named=named)


def _picture(kinship: Floats, highest: float) -> str:
    """One pixel a pair."""
    from PIL import Image

    ramp = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in KINSHIP_RAMP])
    stops = np.linspace(0.0, 1.0, len(ramp))
    level = np.clip(kinship / highest, 0.0, 1.0)
    rgb = np.stack([np.interp(level, stops, ramp[:, c]) for c in range(3)], axis=-1)
    rgb[np.eye(len(kinship), dtype=bool)] = (214, 210, 198)
    # each pair as a block, so that viewers that smooth pictures keep it sharp
    block = max(1, min(8, 1200 // len(kinship)))
    pixels = np.kron(rgb.round().astype(np.uint8), np.ones((block, block, 1), dtype=np.uint8))
    png = BytesIO()
    Image.fromarray(pixels).save(png, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
