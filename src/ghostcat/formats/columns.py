"""Find out which column is which, and say so.

Headings are compared without case, spaces, underscores and units, in English, Russian and Chinese. Two
columns that could both be the same thing are never chosen between silently: that is an error which
names both.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ghostcat.errors import FormatError
from ghostcat.formats.tables import Table, is_missing
from ghostcat.survey.evidence import ColumnMatch

__all__ = ["Columns", "match_columns", "plain_heading"]

_UNIT = re.compile(r"\(.*?\)|\[.*?\]|（.*?）|,.*$")
_UNIT_WORDS = re.compile(r"[ _](m|km|deg|degrees|metres|meters|hours|h|utc|wgs ?84|м|град|米|度)$")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where the columns of a table are: the first for a word, and numbered ones by word and number."""

    table: Table
    index: Mapping[str, int]
    numbered: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    kept_aside: tuple[int, ...] = ()

    def text(self, row: int, name: str) -> str:
        """The cell as written; empty when the column or the cell is not there."""
        position = self.index.get(name)
        return "" if position is None else self.table.rows[row][position]

    def value(self, row: int, name: str) -> str:
        """The cell; empty also when somebody wrote NA, a dash or the like."""
        text = self.text(row, name)
        return "" if is_missing(text) else text

    def numbered_value(self, row: int, name: str, number: int) -> str:
        """The cell of a numbered column such as `problem2_from`."""
        position = self.numbered.get(name, {}).get(number)
        text = "" if position is None else self.table.rows[row][position]
        return "" if is_missing(text) else text

    def others(self, row: int) -> dict[str, object]:
        """What the columns that were kept aside say in this row."""
        cells = self.table.rows[row]
        return {self.table.header[i]: cells[i] for i in self.kept_aside if not is_missing(cells[i])}

    def heading(self, name: str) -> str:
        """What the user called a column."""
        position = self.index.get(name)
        return name if position is None else self.table.header[position]

    def matches(self) -> tuple[ColumnMatch, ...]:
        """What each column of the file was taken for, in the order of the file."""
        names = {position: name for name, position in self.index.items()}
        for name, positions in self.numbered.items():
            names.update({position: name.replace("#", str(n)) for n, position in positions.items()})
        return tuple(
            ColumnMatch(file=self.table.file, column=column, used_as=names.get(position, ""))
            for position, column in enumerate(self.table.header)
        )


def plain_heading(text: str) -> str:
    """Reduce a heading to what is compared.

    >>> plain_heading("  Camera_Height (m)")
    'cameraheight'
    """
    text = unicodedata.normalize("NFKC", text).casefold().strip()
    text = _UNIT.sub("", text).strip() or text
    text = _UNIT_WORDS.sub("", text.replace("-", " "))
    return re.sub(r"[\W_]+", "", text) or text


def match_columns(
    table: Table,
    known: Mapping[str, Sequence[str]],
    *,
    required: Sequence[str] = (),
    numbered: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Match the headings of a table against the names that a column may go by.

    Parameters
    ----------
    known : our name of a column → other headings for it; our own name is always one.
    required : our names without which the table is of no use.
    numbered : our name with `#` for the number (`problem#_from`) → other headings, also with `#`.

    Raises
    ------
    FormatError : a required column is missing, or two columns could be the same thing.
    """
    headings = [plain_heading(heading) for heading in table.header]
    taken: dict[str, int] = {}
    for name, synonyms in known.items():
        taken_for = {plain_heading(name), *map(plain_heading, synonyms)}
        found = [position for position, heading in enumerate(headings) if heading in taken_for]
        exact = [position for position in found if table.header[position].strip() == name]
        if len(exact) == 1:
            found = exact
        if len(found) > 1:
            choices = " or ".join(repr(table.header[position]) for position in found)
            raise FormatError(
                f"two columns could be the {name}: {choices}",
                where=f"{table.file} heading",
                fix=f"Rename the one that is meant to {name!r}, and the other to something else.",
            )
        if found:
            taken[name] = found[0]
    series = {
        name: _numbered(table, headings, [name, *synonyms]) for name, synonyms in (numbered or {}).items()
    }
    used = set(taken.values()) | {p for positions in series.values() for p in positions.values()}
    columns = Columns(
        table=table,
        index=taken,
        numbered=series,
        kept_aside=tuple(p for p in range(len(table.header)) if p not in used),
    )
    for name in required:
        if name not in taken:
            raise _missing(columns, name, known[name])
    return columns


def _numbered(table: Table, headings: Sequence[str], synonyms: Sequence[str]) -> dict[int, int]:
    forms = [
        re.compile(r"(\d+)".join(re.escape(plain_heading(part)) for part in synonym.split("#")))
        for synonym in synonyms
    ]
    found: dict[int, int] = {}
    for position, heading in enumerate(headings):
        number = next((int(match.group(1)) for form in forms if (match := form.fullmatch(heading))), None)
        if number is None:
            continue
        if number in found:
            raise FormatError(
                f"two columns could be one: {table.header[found[number]]!r} or {table.header[position]!r}",
                where=f"{table.file} heading",
                fix="Rename the one that is not meant.",
            )
        found[number] = position
    return found


def _missing(columns: Columns, name: str, synonyms: Sequence[str]) -> FormatError:
    free = [columns.table.header[position] for position in columns.kept_aside]
    near = difflib.get_close_matches(name, [heading.casefold() for heading in free], n=1, cutoff=0.6)
    near = [heading for heading in free if heading.casefold() in near]
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return FormatError(
        f"there is no column for the {name}; the columns are {', '.join(columns.table.header)}",
        where=f"{columns.table.file} heading",
        fix=f"{hint}Name the column {name!r} (also understood: {', '.join(synonyms[:6])}).",
    )
