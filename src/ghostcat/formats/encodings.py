"""Which encoding is a table written in? Spreadsheets in three countries do not say.

UTF-8 and UTF-16 can be recognised for certain. The eight-bit encodings cannot: what is guessed is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ghostcat.errors import FormatError

__all__ = ["Decoded", "decode_text"]

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_RUSSIAN_WORD = re.compile("[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+")
#: Share of the non-ASCII bytes that must make sense before an eight-bit encoding is believed.
_BELIEVED = 0.7


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Text, the encoding it was read with, and whether that encoding was only inferred."""

    text: str
    encoding: str
    guessed: bool = False


def decode_text(content: bytes, *, file: str) -> Decoded:
    """Decode a text file: UTF-8, UTF-16, UTF-32, Windows-1251, GB 18030 or Windows-1252.

    Raises
    ------
    FormatError : the content is binary, or no encoding makes sense of it.
    """
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return Decoded(text=_strict(content, encoding, file=file), encoding=encoding)
    if wide := _wide_without_bom(content):
        return Decoded(text=_strict(content, wide, file=file), encoding=wide, guessed=True)
    if b"\0" in content:
        raise FormatError(
            "this is not a text table: it holds binary data",
            where=file,
            fix="Save the table as CSV (UTF-8) or .xlsx and give that file.",
        )
    try:
        return Decoded(text=content.decode("utf-8"), encoding="utf-8")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
    scores = {"cp1251": _russian(content), "gb18030": _chinese(content), "cp1252": _western(content)}
    scores = {name: score if _decodes(content, name) else 0.0 for name, score in scores.items()}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < _BELIEVED:
        raise FormatError(
            "the letters are in an encoding that cannot be told from the file",
            where=f"{file} line {line}",
            fix="Save the table as “CSV UTF-8” in the spreadsheet and import that.",
        )
    return Decoded(text=content.decode(best), encoding=best, guessed=True)


def _strict(content: bytes, encoding: str, *, file: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        raise FormatError(
            f"the file begins as {encoding} but byte {fault.start} does not fit",
            where=file,
            fix="Save the table again as “CSV UTF-8”.",
        ) from None


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _wide_without_bom(content: bytes) -> str:
    """UTF-16 without a mark: tables are mostly ASCII separators, so every other byte of many is zero."""
    head = content[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(1, len(head) // 2)
    if odd > 0.2 * half and even < 0.02 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.2 * half and odd < 0.02 * half else ""


def _russian(content: bytes) -> float:
    """Share of the non-ASCII bytes that lie in words with Russian capitals only in front, or throughout."""
    good = total = 0
    for match in _HIGH_RUN.finditer(content):
        run = match.group()
        total += len(run)
        try:
            text = run.decode("cp1251")
        except UnicodeDecodeError:
            continue
        words = [word for word in re.split("[№«»…–—°\xa0]", text) if word]
        good += len(run) if all(_RUSSIAN_WORD.fullmatch(word) for word in words) else 0
        if _touches_latin(content, match):
            good -= len(run)
    return max(good, 0) / total if total else 0.0


def _chinese(content: bytes) -> float:
    """Share of the non-ASCII bytes in pairs that are frequent characters (GB 2312 level 1) or punctuation."""
    good = total = 0
    for match in _HIGH_RUN.finditer(content):
        run = match.group()
        total += len(run)
        for lead, trail in zip(run[0::2], run[1::2], strict=False):
            good += 2 if (0xB0 <= lead <= 0xD7 or 0xA1 <= lead <= 0xA3) and trail >= 0xA1 else 0
    return good / total if total else 0.0


def _western(content: bytes) -> float:
    """Share of the non-ASCII bytes that are accented letters beside plain ones."""
    good = total = 0
    for match in _HIGH_RUN.finditer(content):
        total += len(match.group())
        if len(match.group()) <= 2 and (_touches_latin(content, match) or match.group() == b"\xb0"):
            good += len(match.group())
    return good / total if total else 0.0


def _touches_latin(content: bytes, match: re.Match[bytes]) -> bool:
    before = content[max(0, match.start() - 1) : match.start()]
    after = content[match.end() : match.end() + 1]
    return before.isalpha() or after.isalpha()
