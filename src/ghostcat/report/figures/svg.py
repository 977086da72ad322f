"""SVG elements as escaped markup."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

__all__ = ["Attribute", "axis_ticks", "element", "path", "shape"]

Attribute = str | float | None


def element(tag: str, *children: str, **attributes: Attribute) -> Markup:
    """One element. `class_` gives `class`, other underscores hyphens; None leaves an attribute out.

    >>> element("text", "a < b", class_="label", x=1.25, text_anchor="end")
    Markup('<text class="label" x="1.25" text-anchor="end">a &lt; b</text>')
    """
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(escape(child) for child in children)
    return Markup(f"<{tag}{pairs}>{inside}</{tag}>" if inside else f"<{tag}{pairs}/>")


def path(points: list[tuple[float, float]], *, closed: bool = False) -> str:
    """Path data through `points`."""
    steps = " ".join(f"{'L' if i else 'M'}{_text(x)} {_text(y)}" for i, (x, y) in enumerate(points))
    return steps + (" Z" if closed else "")


def shape(kind: int, x: float, y: float, radius: float, **attributes: Attribute) -> Markup:
    """One of four marks of about equal area around (x, y), so that colour is never the only cue."""
    if kind % 4 == 0:
        return element("circle", cx=x, cy=y, r=radius, **attributes)
    if kind % 4 == 1:
        side = 1.78 * radius
        return element("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, **attributes)
    corners, turn = (3, -90.0) if kind % 4 == 2 else (4, 0.0)
    reach = radius * (1.45 if corners == 3 else 1.3)
    angles = [math.radians(turn + 360 * i / corners) for i in range(corners)]
    points = [(x + reach * math.cos(a), y + reach * math.sin(a)) for a in angles]
    return element("path", d=path(points, closed=True), **attributes)


def axis_ticks(top: float, *, about: int = 5) -> list[float]:
    """Round numbers from 0 to at most `top`, around `about` of them."""
    if not (math.isfinite(top) and top > 0):
        return [0.0]
    raw = top / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.75)
    return [step * i for i in range(int(top / step + 1e-9) + 1)]


def _text(value: Attribute) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
    return str(value)
