"""The order in which people look for names that end in numbers."""

from __future__ import annotations

import re

__all__ = ["natural_key"]


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which *G9* comes before *G10*.

    >>> sorted(["G10", "G9", "g1"], key=natural_key)
    ['g1', 'G9', 'G10']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
