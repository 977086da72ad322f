"""Who descends from whom? Squares, circles and diamonds, generation by generation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ghostcat.report.figures.labels import shortened
from ghostcat.report.figures.pedigree_layout import Family, Layout, lay_out_pedigree
from ghostcat.report.figures.svg import element, path

__all__ = ["DrawnAnimal", "PedigreeDrawing", "draw_pedigree", "pedigree_symbol"]

_SIZE = 7.5


@dataclass(frozen=True, kw_only=True)
class DrawnAnimal:
    """One animal of the drawing."""

    name: str
    sex: str
    """female, male, or "" (not known)."""
    living: bool
    dam: int
    """Position among the drawn; -1 where it is not known or not drawn."""
    sire: int
    hidden_parents: bool = False
    """Has a parent that is known but not drawn."""
    chosen: bool = False
    """In a pair of the season."""
    lit: bool = False
    """Of the line that is lit up."""
    note: str = ""
    """Said when the pointer rests on it."""


@dataclass(frozen=True, kw_only=True)
class PedigreeDrawing:
    """The drawing and the layout behind it."""

    svg: Markup
    layout: Layout


def draw_pedigree(animals: Sequence[DrawnAnimal], *, label: str, style: str = "") -> PedigreeDrawing:
    """Draw a pedigree.

    Parameters
    ----------
    animals : all that are drawn; parents by position.
    label : what the drawing is called for those who cannot see it.
    style : CSS inside the SVG, for a file that stands alone.
    """
    layout = lay_out_pedigree([a.dam for a in animals], [a.sire for a in animals])
    line = any(animal.lit for animal in animals)
    families = [part for family in layout.families for part in _family(family, layout, animals)]
    symbols = [_animal(k, animal, layout) for k, animal in enumerate(animals)]
    svg = element(
        "svg",
        *((element("style", Markup(style)),) if style else ()),
        element("g", *families, class_="ways"),
        element("g", *symbols),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {layout.width:.0f} {layout.height:.0f}",
        width=f"{layout.width:.0f}",
        height=f"{layout.height:.0f}",
        class_="pedigree line" if line else "pedigree",
        role="img",
        aria_label=label,
    )
    return PedigreeDrawing(svg=svg, layout=layout)


def pedigree_symbol(sex: str, *, living: bool, x: float = 12.0, y: float = 12.0) -> Markup:
    """One symbol: square male, circle female, diamond not known; filled when living, struck out when dead."""
    state = "living" if living else "dead"
    parts = [_outline(sex, x, y, _SIZE, state)]
    if not living:
        reach = _SIZE + 2.5
        parts.append(element("line", x1=x - reach, y1=y + reach, x2=x + reach, y2=y - reach, class_="dead"))
    return Markup("").join(parts)


def _outline(sex: str, x: float, y: float, size: float, class_: str) -> Markup:
    if sex == "female":
        return element("circle", cx=x, cy=y, r=size, class_=class_)
    if sex == "male":
        side = 1.78 * size
        return element("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, class_=class_)
    reach = 1.25 * size
    corners = [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
    return element("path", d=path(corners, closed=True), class_=class_)


def _animal(k: int, animal: DrawnAnimal, layout: Layout) -> Markup:
    x, y = layout.x[k], layout.y[k]
    parts = [element("title", f"{animal.name}{': ' if animal.note else ''}{animal.note}")]
    if animal.hidden_parents:
        parts.append(element("path", d=f"M{x:.1f} {y - 9:.1f} v-7", class_="hidden"))
    if animal.chosen:
        parts.append(element("circle", cx=x, cy=y, r=_SIZE + 4.5, class_="chosen"))
    parts.append(pedigree_symbol(animal.sex, living=animal.living, x=x, y=y))
    parts.append(element("text", shortened(animal.name, 9), x=x, y=y + 21.5, text_anchor="middle"))
    return element(
        "g",
        *parts,
        class_="one lit" if animal.lit else "one",
        data_k=str(k),
        data_dam=str(animal.dam) if animal.dam >= 0 else None,
        data_sire=str(animal.sire) if animal.sire >= 0 else None,
        translate="no",
    )


def _family(family: Family, layout: Layout, animals: Sequence[DrawnAnimal]) -> list[Markup]:
    """Lines from the parents to where they meet, down to the bar, along it, and to each young."""
    drawn = []
    lit_children = [child for child in family.children if animals[child].lit]
    for parent, points in family.ways:
        lit = animals[parent].lit and bool(lit_children)
        kind = "dam" if parent == family.dam else "sire"
        drawn.append(
            element(
                "path",
                d=_smooth(points),
                class_=f"way {kind}{' lit' if lit else ''}",
                data_from=str(parent),
                data_to=" ".join(map(str, family.children)),
            )
        )
    parents = " ".join(str(parent) for parent, _ in family.ways)
    lit_parents = any(animals[parent].lit for parent, _ in family.ways)
    for child in family.children:
        x, y = layout.x[child], layout.y[child] - _SIZE
        data = (
            f"M{family.x:.1f} {family.y:.1f} V{family.bar_y:.1f} H{x:.1f} V{y:.1f}"
            if abs(x - family.x) > 0.5
            else f"M{family.x:.1f} {family.y:.1f} V{y:.1f}"
        )
        lit = animals[child].lit and lit_parents
        drawn.append(
            element(
                "path",
                d=data,
                class_="young lit" if lit else "young",
                data_from=parents,
                data_to=str(child),
            )
        )
    return drawn


def _smooth(points: Sequence[tuple[float, float]]) -> str:
    """A line that leaves and arrives upright and turns in between."""
    parts = [f"M{points[0][0]:.1f} {points[0][1] + _SIZE:.1f}"]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if abs(x1 - x0) < 0.5:
            parts.append(f"L{x1:.1f} {y1:.1f}")
        else:
            middle = (max(y0, y1 - 46.0) + y1) / 2
            if y1 - y0 > 46.0:
                parts.append(f"L{x0:.1f} {y1 - 46.0:.1f}")
            parts.append(f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}")
    return " ".join(parts)
