"""Numbers and positions as people write them: decimal comma, thin spaces, degrees with minutes."""

from __future__ import annotations

import math
import re
import unicodedata

__all__ = ["parse_degrees", "parse_number"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED_BY_DOTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
_DEGREES = re.compile(
    r"(?P<sign>[+-]?)(?P<d>\d{1,3}(?:\.\d+)?)\s*(?:[°ºd:]|\s)\s*"
    r"(?:(?P<m>\d{1,2}(?:\.\d+)?)\s*(?:['′’m:]|\s|$)\s*)?"
    r"(?:(?P<s>\d{1,2}(?:\.\d+)?)\s*(?:[\"″”s]|''|′′|$)?)?"
)
_NEGATIVE = set("SWЮЗ南西")
_HEMISPHERE = re.compile(
    r"^\s*[NSEWСЮВЗ北南东西](?=[\s\d])|(?<=[\s\d°º'′’\"″”])[NSEWСЮВЗ北南东西]\.?\s*$", re.IGNORECASE
)


def parse_number(text: str) -> float | None:
    """Read a number; None when it is none, or when it could be two different ones.

    >>> parse_number("131,0779"), parse_number("668 929,1"), parse_number("4,780,789.3"), parse_number("x")
    (131.0779, 668929.1, 4780789.3, None)
    """
    text = unicodedata.normalize("NFKC", text).replace("−", "-").replace("’", "").replace("'", "")
    text = re.sub(r"(?<=\d)\s(?=\d{3}(\D|$))", "", text.strip())
    if _GROUPED.fullmatch(text) and (text.count(",") > 1 or "." in text):
        text = text.replace(",", "")
    elif _GROUPED_BY_DOTS.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def parse_degrees(text: str) -> float | None:
    """Read a latitude or longitude in decimal degrees or in degrees, minutes and seconds.

    >>> parse_degrees("43,160996"), parse_degrees("43°09'39.6\\"N"), parse_degrees("5 30 W")
    (43.160996, 43.161, -5.5)
    """
    text = unicodedata.normalize("NFC", text).replace("−", "-").replace("''", "″").strip()
    bare = _HEMISPHERE.sub("", text).strip()
    letters = {letter for found in _HEMISPHERE.findall(text) for letter in found.strip(" .").upper()}
    if (plain := parse_number(bare.rstrip("°º").strip())) is not None and not re.search(r"\d\s+\d", bare):
        return _signed(plain, letters)
    match = _DEGREES.fullmatch(bare.replace(",", "."))
    if match is None:
        return None
    minutes, seconds = float(match["m"] or 0), float(match["s"] or 0)
    if minutes >= 60 or seconds >= 60:
        return None
    value = float(match["d"]) + minutes / 60 + seconds / 3600
    return _signed(-value if match["sign"] == "-" else value, letters)


def _signed(value: float, letters: set[str]) -> float | None:
    if len(letters) > 1 or (letters and value < 0):
        return None
    return round(-value if letters & _NEGATIVE else value, 9)
