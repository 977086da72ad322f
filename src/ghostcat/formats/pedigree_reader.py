"""Read pedigrees as studbook keepers, zoos and laboratories write them.

Plain tables (any column spelling in three languages, CSV or .xlsx), SPARKS files (.dbf), ZIMS and PMx
exports, and GEDCOM-like text all become one `Pedigree`. What had to be guessed, mended or left out is a
finding with row and fix.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ghostcat.errors import FormatError, InputError
from ghostcat.formats.pedigree_cells import read_origins, read_sets, read_sexes, read_states
from ghostcat.formats.pedigree_columns import PedigreeColumns, find_pedigree_columns
from ghostcat.formats.pedigree_dates import FuzzyDate, read_dates
from ghostcat.formats.pedigree_parents import read_parents, unique_rows
from ghostcat.formats.tables import Table, read_table
from ghostcat.pedigree import Pedigree, make_pedigree
from ghostcat.survey.evidence import ColumnMatch, Finding

__all__ = ["PedigreeKind", "PedigreeTable", "read_pedigree"]

PedigreeKind = Literal["table", "sparks", "gedcom", "fam"]


@dataclass(frozen=True, kw_only=True)
class PedigreeTable:
    """A pedigree as read, and how: every guess and every fault of the file is in `findings`."""

    pedigree: Pedigree
    findings: tuple[Finding, ...]
    kind: PedigreeKind
    columns: tuple[ColumnMatch, ...]
    file: str


def read_pedigree(path: str | Path, *, kind: PedigreeKind | None = None) -> PedigreeTable:
    """Read a pedigree file of any kind.

    Parameters
    ----------
    path : CSV (any separator and encoding), .xlsx, SPARKS .dbf, GEDCOM (.ged) or PLINK .fam.
    kind : what it is; told from its content by default.

    Raises
    ------
    FormatError : it cannot be read, has no column for animals or parents, or one animal has two rows
        with different parents.
    """
    path = Path(path)
    kind = kind or _sniff(path)
    if kind == "sparks":
        from ghostcat.formats.pedigree_sparks import read_sparks

        table = read_sparks(path)
    elif kind == "gedcom":
        from ghostcat.formats.pedigree_gedcom import read_gedcom

        table = read_gedcom(path)
    elif kind == "fam":
        table = _read_fam(path)
    else:
        table = read_table(path)
    columns = find_pedigree_columns(table)
    pedigree, findings = _pedigree(columns)
    return PedigreeTable(
        pedigree=pedigree,
        findings=(*table.findings, *findings),
        kind=kind,
        columns=columns.matches(),
        file=path.name,
    )


def _sniff(path: Path) -> PedigreeKind:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as fault:
        raise FormatError(
            f"the pedigree cannot be read ({fault.strerror})",
            where=path.name,
            fix="Check the path and your rights to it.",
        ) from None
    if path.suffix.lower() == ".dbf":
        return "sparks"
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").replace(b"\0", b"")
    if start.startswith((b"0 HEAD", b"0 @")):
        return "gedcom"
    return "fam" if path.suffix.lower() == ".fam" else "table"


def _read_fam(path: Path) -> Table:
    """PLINK .fam: family, animal, father, mother, sex, phenotype; no heading."""
    rows, numbers = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) < 5:
            raise FormatError(
                f"a .fam line has 6 fields, this has {len(cells)}", where=f"{path.name} row {number}"
            )
        rows.append(tuple(cells[:5]))
        numbers.append(number)
    return Table(
        file=path.name,
        header=("fid", "iid", "father", "mother", "sex"),
        rows=tuple(rows),
        numbers=tuple(numbers),
    )


def _pedigree(columns: PedigreeColumns) -> tuple[Pedigree, list[Finding]]:
    table = columns.table
    rows, names, findings = unique_rows(columns)
    if not rows:
        raise FormatError("no row names an animal", where=table.file, fix="Fill the column of the animals.")
    parents = read_parents(columns, rows, names)
    findings += parents.findings

    def cells(name: str) -> list[str]:
        column = columns.cells(name)
        return [column[row] for row in rows]

    places = [table.where(row) for row in rows]
    sex, found = read_sexes(columns, cells("sex"), places, parents=(parents.dams, parents.sires), names=names)
    findings += found
    birth, found = read_dates(cells("birth"), estimates=cells("birth_estimate"), what="birth", places=places)
    findings += found
    death, found = read_dates(cells("death"), estimates=cells("death_estimate"), what="death", places=places)
    findings += found
    alive, found = read_states(cells("alive"), places)
    findings += found
    # A date of death is a death, whatever the status column forgot to say.
    alive = [0 if day is not None and state != 1 else state for state, day in zip(alive, death, strict=True)]
    reference, population, found = read_sets(columns, cells("population"), cells("reference"), places)
    findings += found
    wild, found = read_origins(columns, cells("wild_born"), places, wild_parents=parents.wild_parents)
    findings += found
    try:
        pedigree = make_pedigree(
            names,
            parents.dams,
            parents.sires,
            sex=sex,
            birth=_years(birth),
            birth_margin=_margins(birth),
            death=_years(death),
            death_margin=_margins(death),
            alive=alive,
            place=cells("place"),
            population=population,
            wild_born=wild,
            dam_unknown=parents.dam_unknown,
            sire_unknown=parents.sire_unknown,
            reference=reference,
            family=cells("family") if "family" in columns else None,
            odds=parents.odds,
            rows=[table.numbers[row] for row in rows],
            other={table.header[c]: [table.rows[row][c] for row in rows] for c in columns.others},
        )
    except InputError as fault:
        raise FormatError(fault.what, where=table.file, fix=fault.fix) from None
    return pedigree, findings + _missing_rows(pedigree, table.file)


def _years(dates: list[FuzzyDate | None]) -> list[float]:
    return [np.nan if day is None else day.year for day in dates]


def _margins(dates: list[FuzzyDate | None]) -> list[float]:
    return [0.0 if day is None else day.margin for day in dates]


def _missing_rows(pedigree: Pedigree, file: str) -> list[Finding]:
    missing = np.flatnonzero(pedigree.implied)
    if not len(missing):
        return []
    parents = np.r_[pedigree.dam, pedigree.sire]
    children = Counter(parents.tolist())
    first = dict(
        zip(parents[::-1].tolist(), np.tile(np.arange(len(pedigree)), 2)[::-1].tolist(), strict=True)
    )
    out = []
    for animal in missing.tolist():
        child = first[animal]
        out.append(
            Finding(
                code="parent_without_row",
                severity="warning",
                message=f"{pedigree.ids[animal]} is a parent of {children[animal]} and has no row; "
                "it counts as a founder",
                fix="Add its row, or correct the name.",
                ids=(pedigree.ids[animal],),
                where=f"{file} row {pedigree.rows[child]}",
            )
        )
    return out
