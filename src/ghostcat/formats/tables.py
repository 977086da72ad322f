"""Read tables as people keep them: CSV of any country, or a sheet of an .xlsx workbook.

No row is lost on the way: a row that does not fit its heading stops the reading with its number, and
everything that had to be guessed (encoding, separator, sheet) is told as a finding.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ghostcat.errors import FormatError
from ghostcat.formats.encodings import decode_text
from ghostcat.survey.evidence import Finding

__all__ = ["Table", "is_missing", "parse_table", "read_table"]

_SEPARATORS = (",", ";", "\t", "|")
_SPACES = "\ufeff\u200b\u200e\u200f\xa0 \t\r\n"
#: What people write where there is nothing. Not applied to names: a station may be called NA.
_MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "–", "—", "#n/a", "#н/д", "нет", "无", "."}
_OLD_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"%PDF": "a PDF document",
    b"{\\rtf": "a text document",
}

# Cells hold whole EXIF blocks in Camtrap DP; the limit of 131,072 characters of the csv module is too low.
csv.field_size_limit(2**27)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as text. `numbers` are the row numbers that a spreadsheet or editor shows."""

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    findings: tuple[Finding, ...] = ()

    def where(self, row: int) -> str:
        """Name the place of the row with this index: `stations.csv row 14`."""
        return f"{self.file} row {self.numbers[row]}"


def is_missing(text: str) -> bool:
    """Did somebody write that there is nothing?

    >>> is_missing("N/A"), is_missing("0")
    (True, False)
    """
    return text.casefold() in _MISSING


def read_table(path: Path, *, name: str = "") -> Table:
    """Read a CSV (any usual separator and encoding) or .xlsx table as text.

    Parameters
    ----------
    path : the file. It is never written to.
    name : what messages call it; its own name when empty.

    Raises
    ------
    FormatError : not a table, empty, an unclosed quote, or a row with more cells than headings.
    """
    file = name or path.name
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise FormatError(
            f"the table cannot be read ({fault.strerror})",
            where=file,
            fix="Check the path and your rights to it.",
        ) from None
    return parse_table(content, file=file)


def parse_table(content: bytes, *, file: str) -> Table:
    """Read a table from its bytes, for example those of an unpacked file; see `read_table`."""
    if not content.strip(b"\0 \r\n\t"):
        raise FormatError(
            "the table is empty", where=file, fix="Give a table with a heading and at least one row."
        )
    for magic, what in _OLD_FORMATS.items():
        if content.startswith(magic):
            raise FormatError(
                f"this is {what}", where=file, fix="Save the table as .xlsx or CSV and give that file."
            )
    if content.startswith(b"PK\x03\x04"):
        from ghostcat.formats.workbooks import read_workbook

        lines, findings = read_workbook(content, file=file)
    else:
        lines, findings = _csv_lines(content, file=file)
    return _table(lines, findings, file=file)


_Lines = list[tuple[int, list[str]]]


def _csv_lines(content: bytes, *, file: str) -> tuple[_Lines, list[Finding]]:
    decoded = decode_text(content, file=file)
    findings = []
    if decoded.guessed:
        findings.append(
            Finding(
                code="encoding_guessed",
                severity="note",
                message=f"the letters of {file} were read as {decoded.encoding}",
                fix="If names look wrong, save the table as “CSV UTF-8” and import it again.",
                where=file,
            )
        )
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    first = text.split("\n", 1)[0].strip(_SPACES).strip('"')
    offset = 0
    if first.lower().startswith("sep=") and len(first) == 5:
        separator, text, offset = first[4], text.split("\n", 1)[-1], 1
    else:
        separator = _separator(text, file=file)
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    lines: _Lines = []
    begun = 1
    try:
        for cells in reader:
            lines.append((begun + offset, [cell.strip(_SPACES) for cell in cells]))
            begun = reader.line_num + 1
    except csv.Error as fault:
        raise FormatError(
            f"a quotation mark is opened and not closed as it should be ({fault})",
            where=f"{file} row {begun + offset}",
            fix="Close the quotation mark, or remove it, in this row.",
        ) from None
    return lines, findings


def _separator(text: str, *, file: str) -> str:
    """The separator that cuts the first rows into the same number (more than one) of cells."""
    sample = [line for line in text.split("\n")[:60] if line.strip(_SPACES)]
    scores: dict[str, tuple[float, int]] = {}
    for separator in _SEPARATORS:
        try:
            widths = Counter(
                len(cells) for cells in csv.reader(sample, delimiter=separator) if len(cells) > 1
            )
        except csv.Error:
            continue
        if widths:
            width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
            in_heading = len(next(csv.reader([sample[0]], delimiter=separator)))
            scores[separator] = (count / len(sample) + (0.5 if in_heading == width else 0.0), width)
    # A table with one column has no separator; a comma then changes nothing.
    return max(scores, key=lambda key: scores[key]) if scores else ","


def _table(lines: _Lines, findings: list[Finding], *, file: str) -> Table:
    filled = [(number, cells) for number, cells in lines if any(cells)]
    if not filled:
        raise FormatError(
            "the table is empty", where=file, fix="Give a table with a heading and at least one row."
        )
    while len(filled) > 1 and sum(map(bool, filled[0][1])) == 1 and sum(map(bool, filled[1][1])) > 1:
        title = next(cell for cell in filled[0][1] if cell)
        findings.append(
            Finding(
                code="title_line",
                severity="note",
                message=f"the line {title!r} above the heading was taken for a title",
                fix="Nothing to do if it is one.",
                where=f"{file} row {filled[0][0]}",
            )
        )
        filled = filled[1:]
    (_, heading), body = filled[0], filled[1:]
    width = max((index + 1 for index, cell in enumerate(heading) if cell), default=0)
    width = max(width, _used_width(body, len(heading)))
    header = tuple(heading[i] if i < len(heading) and heading[i] else f"column {i + 1}" for i in range(width))
    rows = [_fitted(cells, width, where=f"{file} row {number}") for number, cells in body]
    return Table(
        file=file,
        header=header,
        rows=tuple(rows),
        numbers=tuple(number for number, _ in body),
        findings=tuple(findings),
    )


def _used_width(body: _Lines, limit: int) -> int:
    """Columns without a heading that hold something: kept, under a name of ours."""
    return max(
        (index + 1 for _, cells in body for index, cell in enumerate(cells[:limit]) if cell), default=0
    )


def _fitted(cells: Sequence[str], width: int, *, where: str) -> tuple[str, ...]:
    extra = [cell for cell in cells[width:] if cell]
    if extra:
        raise FormatError(
            f"the row has {len(cells)} cells and the heading {width}; {extra[0]!r} is beyond the last column",
            where=where,
            fix="Put quotation marks round cells that hold the separator (a decimal comma, perhaps).",
        )
    return (*cells[:width], *[""] * (width - len(cells)))
