"""Open a Camtrap DP package: its description, its tables and its own extra tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ghostcat.errors import FormatError
from ghostcat.formats.camtrap_dp_schema import TABLES, field_names
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.package_files import PackageFiles
from ghostcat.formats.tables import Table, read_table
from ghostcat.survey.evidence import Finding

__all__ = ["Package", "find_descriptor", "open_package"]

_VERSION = re.compile(r"camtrap-dp/(?:tags/|raw/)?v?(\d+)\.(\d+)[\w.-]*")
_REQUIRED = {
    "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath"),
    "observations": ("observationID", "deploymentID", "observationType"),
}
#: Tables that ghostcat writes beside the three of the standard, with a column by which they are known.
EXTRA_TABLES: Mapping[str, str] = {
    "deployment-covariates": "deploymentID",
    "deployment-failures": "deploymentID",
    "individuals": "individualID",
    "media-incomplete": "mediaID",
    "observations-incomplete": "observationID",
    "stations": "stationID",
}


@dataclass(frozen=True, kw_only=True)
class Package:
    """An opened package: description, standard tables with their columns, and extra tables."""

    root: Path
    descriptor: Mapping[str, object]
    tables: Mapping[str, Columns]
    extra: Mapping[str, Table]
    """Tables of our own. `media-incomplete` holds photos without a time or a deployment, and
    `observations-incomplete` what was seen on them, with the columns of the standard tables."""
    files: PackageFiles
    findings: tuple[Finding, ...]

    def columns_of(self, name: str) -> tuple[Columns, ...]:
        """A standard table and its incomplete rows, as far as they are there."""
        more = self.extra.get(f"{name}-incomplete")
        found = [self.tables[name]] if name in self.tables else []
        if more is not None:
            found.append(match_columns(more, {field: () for field in field_names(name)}))
        return tuple(found)


def find_descriptor(path: Path) -> Path | None:
    """`datapackage.json` of a path: itself, in the folder, or in the one folder inside it."""
    if path.is_file():
        return path if path.name == "datapackage.json" else None
    if not path.is_dir():
        return None
    here = path / "datapackage.json"
    if here.is_file():
        return here
    below = [found for found in sorted(path.glob("*/datapackage.json")) if found.is_file()]
    return below[0] if len(below) == 1 else None


def open_package(descriptor_path: Path) -> Package:
    """Read the description and the tables of a package.

    Raises
    ------
    FormatError : no valid JSON, another standard, a version that is not 1.x, tables or columns missing.
    """
    root = descriptor_path.parent
    descriptor = _json(descriptor_path)
    findings = _version(descriptor)
    files = PackageFiles(root)
    found = _resources(descriptor, files)
    tables: dict[str, Columns] = {}
    for name in TABLES:
        table = found.get(name)
        if table is None:
            if name == "observations":
                continue  # photos that nobody has looked at yet are a package too
            raise FormatError(
                f"there is no resource {name!r}",
                where="datapackage.json",
                fix=f"A Camtrap DP package has the tables {', '.join(TABLES)}; export it again.",
            )
        columns = match_columns(table, {field: () for field in field_names(name)}, required=_REQUIRED[name])
        tables[name] = columns
        findings += table.findings
    extra = {
        name: found[name]
        for name, column in EXTRA_TABLES.items()
        if name in found and column in found[name].header
    }
    findings += _not_read(descriptor, {*tables, *extra})
    return Package(
        root=root,
        descriptor=descriptor,
        tables=tables,
        extra=extra,
        files=files,
        findings=tuple(findings),
    )


def _json(path: Path) -> dict[str, object]:
    try:
        descriptor = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as fault:
        raise FormatError(
            f"this is no valid JSON: {fault.msg}",
            where=f"{path.name} line {fault.lineno} column {fault.colno}",
            fix="Export the package again, or mend the file at this place.",
        ) from None
    except (OSError, UnicodeDecodeError, RecursionError) as fault:
        raise FormatError(
            f"the file cannot be read ({fault})", where=path.name, fix="Export the package again."
        ) from None
    if not isinstance(descriptor, dict):
        raise FormatError(
            "this is JSON, but not the description of a package",
            where=path.name,
            fix="Give the datapackage.json of a Camtrap DP package.",
        )
    return descriptor


def _version(descriptor: Mapping[str, object]) -> list[Finding]:
    profile = str(descriptor.get("profile", ""))
    match = _VERSION.search(profile)
    if match is None and "camtrap" not in profile.casefold():
        return [
            Finding(
                code="camtrap_dp_version",
                severity="warning",
                message=f"the profile {profile!r} does not say Camtrap DP; the package is read as 1.0",
                fix="Set the profile to that of Camtrap DP 1.0.2.",
                where="datapackage.json",
            )
        ]
    if match and match[1] != "1":
        raise FormatError(
            f"the package is Camtrap DP {match[1]}.{match[2]}; versions 1.x can be read",
            where="datapackage.json profile",
            fix="Export it again as Camtrap DP 1.0; the R package camtrapdp converts older ones.",
        )
    if match and match[2] != "0":
        return [
            Finding(
                code="camtrap_dp_version",
                severity="note",
                message=f"the package is Camtrap DP 1.{match[2]}; it was checked against 1.0",
                fix="Nothing to do unless columns were kept aside.",
                where="datapackage.json",
            )
        ]
    return []


def _resources(descriptor: Mapping[str, object], files: PackageFiles) -> dict[str, Table]:
    listed = descriptor.get("resources")
    if not isinstance(listed, list) or not listed:
        raise FormatError(
            "the package lists no resources",
            where="datapackage.json",
            fix="A Camtrap DP package lists deployments, media and observations.",
        )
    tables: dict[str, Table] = {}
    for resource in listed:
        name = resource.get("name") if isinstance(resource, dict) else None
        if name not in (*TABLES, *EXTRA_TABLES):
            continue
        if name in tables:
            raise FormatError(
                f"the resource {name!r} is listed twice",
                where="datapackage.json",
                fix="Keep the one that counts.",
            )
        tables[name] = _table(resource, str(name), files)
    return tables


def _not_read(descriptor: Mapping[str, object], used: set[str]) -> list[Finding]:
    listed = descriptor.get("resources")
    names = (
        [str(each.get("name")) for each in listed if isinstance(each, dict)]
        if isinstance(listed, list)
        else []
    )
    others = [name for name in names if name not in used]
    if not others:
        return []
    return [
        Finding(
            code="resource_not_read",
            severity="note",
            message=f"the package holds tables that are not read: {', '.join(others)}",
            fix="Nothing to do unless they hold something of this survey.",
            ids=tuple(others),
            where="datapackage.json",
        )
    ]


def _table(resource: Mapping[str, object], name: str, files: PackageFiles) -> Table:
    where = f"datapackage.json resource {name}"
    path = resource.get("path")
    if isinstance(path, list) and len(path) == 1:
        path = path[0]
    if not isinstance(path, str) or not path:
        raise FormatError(
            "the resource has no path to one file"
            if "data" not in resource
            else "the rows lie in the description",
            where=where,
            fix="Keep the rows in one CSV file inside the package.",
        )
    found = files.resolve(path, where=where)
    if found.problem:
        faults = {
            "remote": "lies on a server; nothing is fetched from the network",
            "outside": "lies outside the package",
            "absent": "is not in the package",
            "link": "is a link that leads out of the package",
        }
        raise FormatError(
            f"the table {path!r} {faults[found.problem]}", where=where, fix="Put the file into the package."
        )
    return read_table(Path(found.path), name=Path(path).name)
