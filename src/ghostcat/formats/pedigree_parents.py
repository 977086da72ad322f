"""Who is whose parent: names that match, names that nearly match, odds, and the many words for nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from ghostcat.errors import FormatError
from ghostcat.formats.pedigree_columns import PedigreeColumns
from ghostcat.formats.pedigree_words import is_wild_placeholder, parent_word
from ghostcat.formats.spelling import id_text, name_key
from ghostcat.pedigree import KNOWN, UNKNOWN_ANCESTRY, WILD, ParentOdds
from ghostcat.survey.evidence import Finding

__all__ = ["Parents", "read_parents", "unique_rows"]

_ODDS = re.compile(
    r"(?P<name>.+?)\s*(?:[:=]\s*(?P<p>[\d.,]+\s*%?)|\(\s*(?P<q>[\d.,]+\s*%?)\s*\)|\s(?P<r>[\d.,]+\s*%))?"
)


@dataclass(kw_only=True)
class Parents:
    """The parents of the animals, in their order."""

    dams: list[str] = field(default_factory=list)
    sires: list[str] = field(default_factory=list)
    dam_unknown: list[int] = field(default_factory=list)
    sire_unknown: list[int] = field(default_factory=list)
    odds: list[ParentOdds] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def wild_parents(self) -> list[bool]:
        """Are both parents said to be wild?"""
        return [
            d == WILD == s and said
            for d, s, said in zip(self.dam_unknown, self.sire_unknown, self.said_wild, strict=True)
        ]

    said_wild: list[bool] = field(default_factory=list)


def unique_rows(columns: PedigreeColumns) -> tuple[list[int], list[str], list[Finding]]:
    """The rows that are animals, one each, with their names.

    Raises
    ------
    FormatError : one animal has two rows with different parents.
    """
    table = columns.table
    names = [id_text(text) for text in columns.cells("id")]
    findings: list[Finding] = []
    families = [id_text(text) for text in columns.cells("family")]
    if len(set(names)) < len(names) and len(set(zip(families, names, strict=True))) > len(set(names)):
        names = [f"{family}:{name}" for family, name in zip(families, names, strict=True)]
        findings.append(
            Finding(
                code="ids_by_family",
                severity="note",
                message="ids repeat between families; animals are named family:id",
                where=f"{table.file} column {columns.heading('family')!r}",
            )
        )
    first: dict[str, int] = {}
    rows: list[int] = []
    for row, name in enumerate(names):
        bare = name.rsplit(":", 1)[-1]
        if parent_word(bare) == "unknown":
            findings.append(_nameless(bare, table.where(row)))
            continue
        if name in first:
            findings.append(_repeated(columns, name, first[name], row))
            continue
        first[name] = row
        rows.append(row)
    return rows, [names[row] for row in rows], findings


def _nameless(text: str, place: str) -> Finding:
    if not text:
        return Finding(
            code="animal_without_id",
            severity="error",
            message="a row without the name of an animal is left out",
            fix="Give the animal an id.",
            where=place,
        )
    return Finding(
        code="missing_word_as_id",
        severity="error",
        message=f"{text!r} means “not known” where parents are named, so it cannot be an animal; "
        "the row is left out",
        fix="Give the animal another id, or delete the row if it only stands for unknown parents.",
        ids=(text,),
        where=place,
    )


def _repeated(columns: PedigreeColumns, name: str, first: int, row: int) -> Finding:
    table = columns.table
    differing = [
        heading
        for heading, was, now in zip(table.header, table.rows[first], table.rows[row], strict=True)
        if was != now
    ]
    for role in ("dam", "sire"):
        was, now = (columns.cells(role)[r] for r in (first, row))
        if name_key(was) != name_key(now):
            raise FormatError(
                f"{name} has two rows with different parents: {role} {was or 'empty'!r} in row "
                f"{table.numbers[first]} and {now or 'empty'!r} here",
                where=table.where(row),
                fix="Delete the wrong row, or give the second animal an id of its own.",
            )
    if not differing:
        return Finding(
            code="row_repeated",
            severity="warning",
            message=f"{name} has the same row twice (row {table.numbers[first]}); it counts once",
            fix="Delete one of them.",
            ids=(name,),
            where=table.where(row),
        )
    return Finding(
        code="id_with_different_data",
        severity="error",
        message=f"{name} is also in row {table.numbers[first]} with another {', '.join(differing)}; "
        "the first row counts",
        fix="Delete the wrong row, or give the second animal an id of its own.",
        ids=(name,),
        where=table.where(row),
    )


def read_parents(columns: PedigreeColumns, rows: list[int], names: list[str]) -> Parents:
    """Parents of the animals in `rows`, called `names`."""
    reading = _Reading(columns, rows, names)
    for role in ("dam", "sire"):
        reading.read(role)
    out = reading.parents
    out.said_wild = [all(reading.said[i, role] for role in ("dam", "sire")) for i in range(len(rows))]
    return out


class _Reading:
    def __init__(self, columns: PedigreeColumns, rows: list[int], names: list[str]) -> None:
        self.columns, self.rows, self.names = columns, rows, names
        self.parents = Parents()
        self.known = {name: i for i, name in enumerate(names)}
        self.loose: dict[str, str | None] = {}
        for name in names:
            key = _loose_key(name)
            self.loose[key] = None if key in self.loose else name
        self.by_family = bool(rows) and names[0] != id_text(columns.cells("id")[rows[0]])
        self.families = [id_text(text) for text in columns.cells("family")]
        self.cells: dict[str, list[str]] = {}
        for role in ("dam", "sire"):
            column = columns.cells(role)
            self.cells[role] = [id_text(column[row]) for row in rows]
        unique = {text for cells in self.cells.values() for text in cells}
        self.words = {text: parent_word(text) for text in unique}
        #: Where a studbook writes WILD for some parents, UNK or 0 means that nothing is known.
        self.tells_wild = any(_is_wild(text, word) for text, word in self.words.items())
        self.said: dict[tuple[int, str], bool] = {}
        self.placeholders: dict[str, int] = {}

    def read(self, role: Literal["dam", "sire"]) -> None:
        names: list[str] = []
        unknown: list[int] = []
        for i, text in enumerate(self.cells[role]):
            name, code = self._one(i, role, text)
            names.append(name)
            unknown.append(code)
            self.said[i, role] = _is_wild(text, self.words[text])
        if role == "dam":
            self.parents.dams, self.parents.dam_unknown = names, unknown
        else:
            self.parents.sires, self.parents.sire_unknown = names, unknown

    def _one(self, i: int, role: Literal["dam", "sire"], text: str) -> tuple[str, int]:
        word = self.words[text]
        if word == "unknown":
            return "", self._nobody(i)
        if self.by_family:
            text = f"{self.families[self.rows[i]]}:{text}"
        if text in self.known:
            return text, KNOWN
        if word == "wild":
            return "", WILD
        if word == "numbered":
            self._note_placeholder(i, text)
            return "", WILD if _is_wild(text, word) else UNKNOWN_ANCESTRY
        if self._odds(i, role, text):
            return "", UNKNOWN_ANCESTRY
        near = self.loose.get(_loose_key(text))
        if near:
            self._note(
                "parent_spelled_otherwise",
                "warning",
                f"the {role} {text!r} is taken to be {near!r}",
                f"Write {near!r}.",
                i,
                near,
            )
            return near, KNOWN
        return text, KNOWN

    def _nobody(self, i: int) -> int:
        """No parent is named: unknown where the studbook says WILD of founders, else a founder line."""
        both = all(self.words[self.cells[role][i]] == "unknown" for role in ("dam", "sire"))
        return UNKNOWN_ANCESTRY if self.tells_wild or not both else WILD

    def _odds(self, i: int, role: Literal["dam", "sire"], text: str) -> bool:
        """Several possible parents in one cell: `A:0.6|B:0.4`, `A (60%) / B (40%)`, or `A|B`."""
        parts = [part.strip() for part in re.split(r"\s*[|;]\s*|\s+/\s+|\s+or\s+|\s+или\s+|\s*或\s*", text)]
        matches = [_ODDS.fullmatch(part) for part in parts if part]
        given = [_share(m["p"] or m["q"] or m["r"]) if m else None for m in matches]
        possible = [self._candidate(m["name"]) if m else None for m in matches]
        if len(parts) < 2 and (given[:1] == [None] or possible[:1] == [None]):
            return False
        if not any(name is not None for name in possible):
            return False
        equal = all(share is None for share in given)
        for m, name, share in zip(matches, possible, given, strict=True):
            stated = m["name"] if m else ""
            if name is None:
                if parent_word(stated) == "name":
                    self._note(
                        "possible_parent_not_found",
                        "warning",
                        f"the possible {role} {stated!r} is not in the pedigree; "
                        "its share counts as not known",
                        "Add its row, or correct the name.",
                        i,
                        stated,
                    )
                continue
            probability = 1 / len(matches) if equal else share
            if probability is None or not 0 < probability <= 1:
                raise FormatError(
                    f"{stated!r} is a possible {role} with no probability between 0 and 1",
                    where=self.columns.table.where(self.rows[i]),
                    fix="Write each as NAME:0.6, joined by | .",
                )
            self.parents.odds.append(
                ParentOdds(child=i, role=role, parent=self.known[name], probability=probability)
            )
        if equal:
            self._note(
                "odds_taken_as_equal",
                "warning",
                f"{len(parts)} possible animals for the {role} without probabilities count equally",
                "Write each as NAME:0.6, joined by | .",
                i,
                self.names[i],
            )
        return True

    def _candidate(self, text: str) -> str | None:
        name = id_text(text)
        if self.by_family:
            name = f"{text}" if text in self.known else name
        return name if name in self.known else self.loose.get(_loose_key(name))

    def _note_placeholder(self, i: int, text: str) -> None:
        """A numbered word without a row names nobody; used twice it might have meant one animal."""
        self.placeholders[text] = self.placeholders.get(text, 0) + 1
        if self.placeholders[text] == 2:
            self._note(
                "placeholder_repeated",
                "note",
                f"{text!r} stands for a parent of several animals; each counts as a parent of its own",
                f"Give {text!r} a row if it is one and the same animal.",
                i,
                text,
            )

    def _note(
        self, code: str, severity: Literal["note", "warning"], message: str, fix: str, i: int, animal: str
    ) -> None:
        place = self.columns.table.where(self.rows[i])
        self.parents.findings.append(
            Finding(code=code, severity=severity, message=message, fix=fix, ids=(animal,), where=place)
        )


def _is_wild(text: str, word: str) -> bool:
    return word == "wild" or (word == "numbered" and is_wild_placeholder(text))


def _share(text: str | None) -> float | None:
    if not text:
        return None
    scale = 100.0 if text.strip().endswith("%") else 1.0
    try:
        value = float(text.strip().rstrip("%").strip().replace(",", "."))
    except ValueError:
        return None
    return value / scale


def _loose_key(text: str) -> str:
    """What is the same when a spreadsheet or a hurry changed it: case, `12.0` for 12, `007` for 7."""
    key = name_key(text)
    if re.fullmatch(r"\d+\.0+", key):
        key = key.split(".")[0]
    if key.isdigit():
        return key.lstrip("0") or "0"
    # Between digits alone a dash may be part of the number: 1-2 is not 12.
    return re.sub(r"[\s_#.-]+", "", key) if re.search(r"[^\W\d_]", key) else key
