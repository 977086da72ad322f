"""Write tables so that whatever stands in a cell can be read back exactly.

Rows end in CR LF as RFC 4180 asks; with it every field that holds either character is quoted. A
cell that begins with `=` or `+` is written as it is: an export keeps data, it does not guard
spreadsheets against them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["iso_utc", "local_time", "prepare_folder", "write_table", "write_text"]

Cell = str | int | float | bool | None


def prepare_folder(folder: Path | str) -> Path:
    """The folder, made when it is not there."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, encoding: str = "utf-8"
) -> Path:
    """Write a CSV table. None becomes an empty cell, booleans `true` and `false`.

    Parameters
    ----------
    encoding : `utf-8-sig` puts a byte order mark in front, without which spreadsheets misread
        Cyrillic and Chinese; programs want plain `utf-8`.
    """
    # A file name that the file system could not decode must not stop an export.
    with path.open("w", encoding=encoding, errors="backslashreplace", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in rows)
    return path


def write_text(path: Path, lines: Iterable[str]) -> Path:
    """Write lines of plain text."""
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return path


def iso_utc(moment: datetime | None) -> str:
    """ISO 8601 in UTC, fractions of a second only where there are any; empty for None.

    >>> iso_utc(datetime(2025, 6, 1, 12, tzinfo=UTC))
    '2025-06-01T12:00:00Z'
    """
    return "" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local_time(moment: datetime | None, utc_offset_minutes: int) -> str:
    """`YYYY-MM-DD HH:MM:SS` on a clock with this offset; empty for None."""
    if moment is None:
        return ""
    local = moment.astimezone(UTC) + timedelta(minutes=utc_offset_minutes)
    return local.strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)
