"""GEDCOM-like family trees: `INDI` records with sexes and dates, `FAM` records with parents and children."""

from __future__ import annotations

import re
from pathlib import Path

from ghostcat.errors import FormatError
from ghostcat.formats.encodings import decode_text
from ghostcat.formats.tables import Table
from ghostcat.survey.evidence import Finding

__all__ = ["read_gedcom"]

_LINE = re.compile(r"\s*(\d+)\s+(?:@([^@]+)@\s+)?(\w+)(?:\s(.*))?")
_HEADER = ("id", "dam", "sire", "sex", "birth", "birth_estimate", "death", "place", "label")


def read_gedcom(path: Path) -> Table:
    """Read the animals of a GEDCOM file as a table: id, dam, sire, sex, birth, death, place, label.

    A wife is the dam and a husband the sire; the record number without @ is the id.

    Raises
    ------
    FormatError : no animals in it.
    """
    text = decode_text(path.read_bytes(), file=path.name).text
    animals: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    families: dict[str, dict[str, list[str]]] = {}
    findings: list[Finding] = []
    record: tuple[str, str] = ("", "")
    event = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            findings.append(_unread(line, f"{path.name} row {number}"))
            continue
        level, key, tag, value = int(match[1]), match[2], match[3].upper(), (match[4] or "").strip()
        if level == 0:
            event = ""
            record = (tag, key or "")
            if tag == "INDI":
                if record[1] in animals:
                    findings.append(_twice(record[1], f"{path.name} row {number}"))
                animals.setdefault(record[1], {})
                lines.setdefault(record[1], number)
            elif tag == "FAM":
                families[record[1]] = {}
            continue
        if record[0] == "INDI":
            event = _animal_line(animals[record[1]], level, tag, value, event)
        elif record[0] == "FAM" and level == 1 and tag in {"HUSB", "WIFE", "CHIL"}:
            families[record[1]].setdefault(tag, []).append(value.strip("@ "))
    if not animals:
        raise FormatError("there is no INDI record in it", where=path.name, fix="Give a GEDCOM family tree.")
    _join(animals, families, findings, path.name)
    rows = [tuple({"id": key, **cells}.get(name, "") for name in _HEADER) for key, cells in animals.items()]
    return Table(
        file=path.name,
        header=_HEADER,
        rows=tuple(rows),
        numbers=tuple(lines[key] for key in animals),
        findings=tuple(findings),
    )


def _animal_line(animal: dict[str, str], level: int, tag: str, value: str, event: str) -> str:
    """Take one line of an INDI record; returns the event that deeper lines belong to."""
    if level == 1:
        if tag == "SEX":
            animal["sex"] = value
        elif tag == "NAME":
            animal.setdefault("label", value.replace("/", "").strip())
        return tag
    if tag == "DATE" and event in {"BIRT", "DEAT"}:
        name = "birth" if event == "BIRT" else "death"
        match = re.match(r"(?i)(ABT|ABOUT|EST|CAL|BEF|AFT|CIRCA)\.?\s+(.*)", value)
        if match:
            value = match[2]
            if name == "birth":
                animal["birth_estimate"] = "Y"
        between = re.match(r"(?i)BET\s+(\d{4})\s+AND\s+(\d{4})$", value)
        animal[name] = f"{between[1]}-{between[2]}" if between else value
    elif tag == "PLAC" and event in {"BIRT", "DEAT", "RESI", "EVEN"}:
        animal["place"] = value
    return event


def _join(
    animals: dict[str, dict[str, str]],
    families: dict[str, dict[str, list[str]]],
    findings: list[Finding],
    file: str,
) -> None:
    for key, family in families.items():
        for child in family.get("CHIL", []):
            if child not in animals:
                findings.append(
                    Finding(
                        code="child_without_record",
                        severity="warning",
                        message=f"family {key} names the child {child}, which has no INDI record",
                        fix="Add the record, or remove the line.",
                        where=file,
                    )
                )
                continue
            for role, tag in (("dam", "WIFE"), ("sire", "HUSB")):
                for parent in family.get(tag, []):
                    if animals[child].get(role, parent) != parent:
                        raise FormatError(
                            f"{child} is the child of two families with different parents "
                            f"({animals[child][role]} and {parent})",
                            where=f"{file} family {key}",
                            fix="Keep the family of the parents that bred it.",
                        )
                    animals[child][role] = parent


def _unread(line: str, where: str) -> Finding:
    return Finding(
        code="line_not_read",
        severity="warning",
        message=f"{line.strip()[:60]!r} is no GEDCOM line and was left out",
        fix="A line is: level, tag, value.",
        where=where,
    )


def _twice(key: str, where: str) -> Finding:
    return Finding(
        code="id_with_different_data",
        severity="error",
        message=f"there are two INDI records {key}; their lines are read as one animal",
        fix="Give the second animal a number of its own.",
        ids=(key,),
        where=where,
    )
