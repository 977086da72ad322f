"""Rows of the tables that secr users keep: named columns, or the classic lines without names.

Both layouts may be gzipped, may start with a byte order mark and may carry `#` comments. A table
has *named columns* when its first line is delimited by comma, semicolon or tab and holds no
number; otherwise its fields are told by position and separated by blanks, tabs or commas.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from ghostcat.errors import FormatError

__all__ = ["MISSING", "Row", "Rows", "column", "number", "read_rows", "whole_number"]

#: Larger tables are no survey: a mask of 10 million cells stays below this.
MAX_BYTES = 512 * 1024 * 1024
#: How a missing value may be written, in lower case.
MISSING = frozenset({"", "na", "nan", "null", "none", "n/a"})


@dataclass(frozen=True)
class Row:
    """One line; `fields` are stripped. `parts` are the fields after each `/` of a classic line."""

    line: int
    fields: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Rows:
    """A table as read. `names` are lower case, empty for a classic table."""

    path: Path
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    decimal_comma: bool = False

    def where(self, row: Row) -> str:
        return f"{self.path.name} row {row.line}"


def read_rows(path: Path) -> Rows:
    """Read a table of either layout.

    Raises
    ------
    FormatError : no file, not text, nothing in it, or a row with too few or too many fields.
    """
    lines = _lines(path)
    if not lines:
        raise FormatError(
            "there is nothing in it but comments", where=path.name, fix="Give a table with at least one row."
        )
    first = lines[0][1]
    delimiter = next((d for d in ("\t", ";", ",") if d in first), "")
    if delimiter:
        header = [name.strip().strip('"') for name in first.split(delimiter)]
        if not any(_is_number(name) for name in header):
            return _named(path, lines, delimiter)
    return _classic(path, lines)


def column(rows: Rows, *accepted: str) -> int | None:
    """Index of the first accepted name that the table has."""
    return next((rows.names.index(name) for name in accepted if name in rows.names), None)


def number(text: str, rows: Rows, row: Row, what: str) -> float:
    """A finite number, or a FormatError that names the place."""
    clean = text.replace(",", ".") if rows.decimal_comma else text
    if not _is_number(clean):
        raise FormatError(
            f"{what} '{text}' is not a number",
            where=rows.where(row),
            fix="Write a plain number such as 613423.5.",
        )
    return float(clean)


def whole_number(text: str, rows: Rows, row: Row, what: str) -> int:
    """A whole number, or a FormatError that names the place."""
    value = number(text, rows, row, what)
    if value != int(value):
        raise FormatError(f"{what} {text} is not a whole number", where=rows.where(row))
    return int(value)


def _is_number(text: str) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return value - value == 0.0


def _lines(path: Path) -> list[tuple[int, str]]:
    """Line number and text of every line that is neither empty nor a comment."""
    if not path.is_file():
        raise FormatError("there is no such file", where=str(path), fix="Check the path.")
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as stream:
                data = stream.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as plain:
                data = plain.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(
            f"the file cannot be read ({error})", where=path.name, fix="Copy it again."
        ) from error
    if len(data) > MAX_BYTES:
        raise FormatError("the table is larger than 512 MB", where=path.name, fix="Give a coarser mask.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"byte {error.start} is not UTF-8 text", where=path.name, fix="Save the table as text in UTF-8."
        ) from error
    if "\0" in text:
        raise FormatError("this is not a text file", where=path.name, fix="Save the table as CSV or text.")
    # Only real line ends count: str.splitlines would also cut at U+2028 inside a name.
    numbered = enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1)
    return [(i, line) for i, line in numbered if line.strip(" \t;,") and not line.lstrip().startswith("#")]


def _named(path: Path, lines: list[tuple[int, str]], delimiter: str) -> Rows:
    header = tuple(name.strip().lower() for name in next(csv.reader([lines[0][1]], delimiter=delimiter)))
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise FormatError(
            f"the column {repeated[0]} occurs twice",
            where=f"{path.name} row {lines[0][0]}",
            fix="Remove one.",
        )
    rows = []
    for line, text in lines[1:]:
        fields = tuple(value.strip() for value in next(csv.reader([text], delimiter=delimiter)))
        if len(fields) != len(header):
            raise FormatError(
                f"{len(fields)} fields where the header names {len(header)}",
                where=f"{path.name} row {line}",
                fix="Look for a missing delimiter, or put quotes around a field that contains one.",
            )
        rows.append(Row(line, fields))
    if not rows:
        raise FormatError("the table has a header but no rows", where=path.name, fix="Give at least one row.")
    return Rows(path, header, tuple(rows), decimal_comma=delimiter == ";")


def _classic(path: Path, lines: list[tuple[int, str]]) -> Rows:
    rows = []
    for line, text in lines:
        pieces = [tuple(piece.replace(",", " ").split()) for piece in text.split("/")]
        rows.append(Row(line, pieces[0], tuple(pieces[1:])))
    # A header that was not commented out: a data line always holds a number.
    if rows and not any(_is_number(value) for value in rows[0].fields):
        del rows[0]
    if not rows:
        raise FormatError("the table has a header but no rows", where=path.name, fix="Give at least one row.")
    return Rows(path, (), tuple(rows))
