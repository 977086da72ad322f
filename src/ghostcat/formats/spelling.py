"""When two spellings are one name: case, width, spaces and the way accents are stored."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["id_text", "name_key", "nearest", "tight_key"]


def id_text(text: str) -> str:
    """A name as an id: composed accents (NFC), no outer spaces, single inner ones."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def name_key(text: str) -> str:
    """What is equal when a person would say it is the same name.

    >>> name_key("ＳＴ01 ") == name_key("st01")
    True
    """
    return id_text(unicodedata.normalize("NFKC", text)).casefold()


def tight_key(text: str) -> str:
    """The letters and digits alone, for folder names such as `ST01_A`."""
    return re.sub(r"[\W_]+", "", name_key(text))


def nearest(text: str, names: Iterable[str]) -> str:
    """The name that was probably meant; empty when none is near."""
    known = {name_key(name): name for name in names}
    found = difflib.get_close_matches(name_key(text), list(known), n=1, cutoff=0.6)
    return known[found[0]] if found else ""
