"""SPARKS studbooks: dBASE files, with the moves of each animal when they lie beside the master table."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from ghostcat.errors import FormatError
from ghostcat.formats.columns import plain_heading
from ghostcat.formats.encodings import decode_text
from ghostcat.formats.tables import Table
from ghostcat.survey.evidence import Finding

__all__ = ["read_sparks"]

_ID = {"studid", "studbook", "studnum", "studno", "id", "sbnumber", "animalid"}
_EVENT = {"event", "eventcode", "transtype", "type", "move"}
_DATE = {"eventdate", "date", "movedate", "transdate", "edate"}
_PLACE = {"location", "loc", "institution", "place", "recipient", "holder"}


def read_sparks(path: Path) -> Table:
    """Read a .dbf file as a table of text; `MOVES.DBF` beside it adds last place and death.

    Raises
    ------
    FormatError : no dBASE file, or an empty one.
    """
    header, rows, findings = _read_dbf(path)
    moves = next((f for f in sorted(path.parent.iterdir()) if f.name.casefold() == "moves.dbf"), None)
    if moves is not None and moves.name != path.name:
        header, rows, found = _with_moves(header, rows, moves)
        findings += found
    return Table(
        file=path.name,
        header=tuple(header),
        rows=tuple(tuple(row) for row in rows),
        numbers=tuple(range(1, len(rows) + 1)),
        findings=tuple(findings),
    )


def _read_dbf(path: Path) -> tuple[list[str], list[list[str]], list[Finding]]:
    from dbfread import DBF, DBFNotFound

    try:
        table: Any = DBF(str(path), raw=True, load=True, ignore_missing_memofile=True)
    except (DBFNotFound, ValueError, OSError, EOFError, LookupError, struct.error) as fault:
        raise FormatError(
            f"this cannot be read as a dBASE file ({fault})",
            where=path.name,
            fix="Export the studbook again, or give it as CSV.",
        ) from None
    header = list(table.field_names)
    records = [[_bytes(record[name]) for name in header] for record in table.records]
    if not records:
        raise FormatError(
            "the studbook is empty", where=path.name, fix="Give the file that holds the animals."
        )
    findings: list[Finding] = []
    declared = path.read_bytes()[29:30] != b"\0"
    encoding = table.encoding if declared and table.encoding else ""
    if not encoding:
        decoded = decode_text(b"\n".join(cell for record in records for cell in record), file=path.name)
        encoding = decoded.encoding
        if decoded.guessed:
            findings.append(
                Finding(
                    code="encoding_guessed",
                    severity="note",
                    message=f"the file does not say its encoding; the letters were read as {encoding}",
                    fix="If names look wrong, export the studbook as CSV UTF-8.",
                    where=path.name,
                )
            )
    rows = [[cell.decode(encoding, errors="replace").strip() for cell in record] for record in records]
    if len(table.deleted):
        findings.append(
            Finding(
                code="records_marked_deleted",
                severity="note",
                message=f"{len(table.deleted)} records are marked as deleted and were not read",
                where=path.name,
            )
        )
    return header, rows, findings


def _bytes(value: Any) -> bytes:
    return value.strip(b" \0") if isinstance(value, bytes) else b"" if value is None else str(value).encode()


def _with_moves(
    header: list[str], rows: list[list[str]], moves: Path
) -> tuple[list[str], list[list[str]], list[Finding]]:
    names, events, findings = _read_dbf(moves)
    plain = [plain_heading(name) for name in names]
    found = [
        next((i for i, n in enumerate(plain) if n in known), None) for known in (_ID, _EVENT, _DATE, _PLACE)
    ]
    at = next((i for i, name in enumerate(header) if plain_heading(name) in _ID), None)
    if at is None or None in found[:3]:
        findings.append(
            Finding(
                code="moves_not_understood",
                severity="warning",
                message=f"the columns of the moves ({', '.join(names)}) are not understood; "
                "they are not used",
                fix="Add the places and dates of death to the master table.",
                where=moves.name,
            )
        )
        return header, rows, findings
    i_id, i_event, i_date, i_place = found
    place: dict[str, str] = {}
    death: dict[str, str] = {}
    for event in sorted(events, key=lambda cells: cells[i_date]):  # type: ignore[index]
        animal, what = event[i_id], event[i_event].casefold()  # type: ignore[index]
        if what.startswith(("death", "died", "d")) and not what.startswith("depart"):
            death[animal] = event[i_date]  # type: ignore[index]
        if i_place is not None and event[i_place]:
            place[animal] = event[i_place]
    plain_header = [plain_heading(name) for name in header]
    for name, values in (("LOCATION", place), ("DEATHDATE", death)):
        if plain_heading(name) not in plain_header and values:
            header = [*header, name]
            rows = [[*row, values.get(row[at], "")] for row in rows]
    return header, rows, findings
