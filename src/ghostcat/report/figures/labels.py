"""Names beside their places, where they cover nothing."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["LabelSpace", "shortened"]

Box = tuple[float, float, float, float]


def shortened(name: str, letters: int) -> str:
    """`name` if it has at most `letters` letters, else its beginning.

    >>> shortened("a very long name", 7)
    'a very…'
    """
    return name if len(name) <= letters else name[: letters - 1].rstrip() + "…"


class LabelSpace:
    """The room that is left on a drawing of `width` × `height`; each label placed takes some of it."""

    def __init__(self, width: float, height: float, taken: Iterable[Box]) -> None:
        self._width = width
        self._height = height
        self._taken = list(taken)

    def place(self, name: str, x: float, y: float, *, size: float, off: float) -> tuple[float, float] | None:
        """Start and baseline for `name` near (x, y), or None where there is no room.

        Parameters
        ----------
        size : of the letters. off : how far from (x, y) the name begins.
        """
        wide = sum(0.97 if ord(letter) > 0x2E7F else 0.55 for letter in name) * size
        high = 1.15 * size
        for left, top in (
            (x + off, y - high / 2),
            (x - off - wide, y - high / 2),
            (x - wide / 2, y - off - high),
            (x - wide / 2, y + off),
            (x + off * 0.8, y - off - high * 0.7),
            (x + off * 0.8, y + off * 0.6),
            (x - off * 0.8 - wide, y - off - high * 0.7),
            (x - off * 0.8 - wide, y + off * 0.6),
        ):
            box = (left, top, left + wide, top + high)
            if self._inside(box) and not any(_overlap(box, other) for other in self._taken):
                self._taken.append(box)
                return left, top + high * 0.78
        return None

    def _inside(self, box: Box) -> bool:
        return box[0] > 4 and box[1] > 4 and box[2] < self._width - 4 and box[3] < self._height - 4


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
