"""Check a package against the Camtrap DP 1.0 standard with frictionless and local copies of its rules.

Frictionless gets the rows as they were read here, with the local table schemas, and never an address or a
path of the package: it opens no file and no connection. It reads about 10,000 rows a second, so every
row is checked; 100,000 photos with as many observations take some 20 s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from ghostcat.formats.tables import Table
from ghostcat.survey.evidence import Finding

__all__ = ["TABLES", "check_descriptor", "check_tables", "field_names"]

TABLES = ("deployments", "media", "observations")
_MOST_ERRORS = 10_000
_SHOWN_ROWS = 5


@cache
def _rules(name: str) -> dict[str, object]:
    folder = resources.files("ghostcat.formats") / "schemas" / "camtrap-dp-1.0"
    rules = json.loads((folder / name).read_text(encoding="utf-8"))
    assert isinstance(rules, dict)
    return rules


def field_names(table: str) -> tuple[str, ...]:
    """The columns of a standard table, in the standard's order."""
    return tuple(str(field["name"]) for field in _fields(table))


def check_descriptor(descriptor: Mapping[str, object]) -> list[Finding]:
    """Compare `datapackage.json` with the profile of the standard."""
    import jsonschema  # type: ignore[import-untyped]  # comes with frictionless

    faults = jsonschema.Draft7Validator(_rules("camtrap-dp-profile.json")).iter_errors(dict(descriptor))
    return [
        Finding(
            code="camtrap_dp_profile",
            severity="warning",
            message=f"{'.'.join(map(str, fault.absolute_path)) or 'the package'}: {fault.message[:200]}",
            fix="Complete datapackage.json as Camtrap DP 1.0 asks; the data were read all the same.",
            where="datapackage.json",
        )
        for fault in sorted(faults, key=lambda fault: list(map(str, fault.absolute_path)))
    ]


def check_tables(tables: Mapping[str, Table]) -> list[Finding]:
    """Check types, ranges, vocabularies, keys and references of every row; one finding a kind of fault.

    Parameters
    ----------
    tables : `deployments`, `media` and `observations` as read, with the columns of the standard.
    """
    from frictionless import Checklist, Package, Resource

    present = {name: tables[name] for name in TABLES if name in tables and tables[name].rows}
    findings = [finding for name, table in present.items() for finding in _missing_columns(name, table)]
    resources = [_resource(name, table, set(present)) for name, table in present.items()]
    if not resources:
        return findings
    package = Package(resources=[Resource.from_descriptor(resource) for resource in resources])
    report = package.validate(Checklist(), limit_errors=_MOST_ERRORS)
    for task in report.tasks:
        findings += _grouped(task.errors, tables[task.name])
    return findings


def _fields(name: str) -> list[dict[str, object]]:
    fields = _rules(f"{name}-table-schema.json")["fields"]
    assert isinstance(fields, list)
    return fields


def _resource(name: str, table: Table, tables: set[str]) -> dict[str, object]:
    """The rows and rules of one table, without the columns that the file or the standard lacks."""
    rules = _rules(f"{name}-table-schema.json")
    fields = [field for field in _fields(name) if field["name"] in table.header]
    columns = [table.header.index(str(field["name"])) for field in fields]
    keys = rules.get("foreignKeys", [])
    assert isinstance(keys, list)
    schema = {
        "fields": fields,
        "missingValues": rules["missingValues"],
        "primaryKey": rules["primaryKey"],
        "foreignKeys": [
            key for key in keys if key["fields"] in table.header and key["reference"]["resource"] in tables
        ],
    }
    data = [[table.header[column] for column in columns]]
    data += [[row[column] for column in columns] for row in table.rows]
    return {"name": name, "type": "table", "data": data, "schema": schema}


def _missing_columns(name: str, table: Table) -> list[Finding]:
    missing = [
        str(field["name"])
        for field in _fields(name)
        if field["name"] not in table.header and dict(field.get("constraints") or {}).get("required")  # type: ignore[call-overload]
    ]
    if not missing:
        return []
    return [
        Finding(
            code="camtrap_dp_schema",
            severity="warning",
            message=f"columns that Camtrap DP 1.0 requires are missing: {', '.join(missing)}",
            fix="Export the package again; what is there was read.",
            where=f"{table.file} heading",
        )
    ]


def _grouped(errors: Sequence[object], table: Table) -> list[Finding]:
    groups: dict[tuple[str, str], list[object]] = {}
    for error in errors:
        groups.setdefault((getattr(error, "type", ""), getattr(error, "field_name", "")), []).append(error)
    findings = []
    for (kind, field), members in groups.items():
        rows = [
            str(table.numbers[number - 2])
            for member in members
            if 0 <= (number := getattr(member, "row_number", 0) or 0) - 2 < len(table.numbers)
        ]
        shown = ", ".join(rows[:_SHOWN_ROWS]) + (
            f" and {len(rows) - _SHOWN_ROWS} more" if len(rows) > _SHOWN_ROWS else ""
        )
        note = str(getattr(members[0], "note", ""))[:200]
        findings.append(
            Finding(
                code="camtrap_dp_schema",
                severity="warning",
                message=f"{len(members)} × {kind}{f' in {field}' if field else ''}: {note}",
                fix="Correct the column as Camtrap DP 1.0 asks; what could be understood was read.",
                ids=tuple(rows),
                where=f"{table.file}{f' rows {shown}' if rows else ''}",
            )
        )
    return findings
