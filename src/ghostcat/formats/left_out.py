"""The table of what an export does not use, one row per thing left out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ghostcat.formats.text_output import write_table
from ghostcat.survey.evidence import Finding

__all__ = ["write_left_out"]


def write_left_out(path: Path, findings: Iterable[Finding], *, encoding: str = "utf-8") -> Path:
    """Write findings with one row per id, so that the rows can be counted and joined."""
    rows = [
        (f.code, f.severity, name, f.where, f.message, f.fix) for f in findings for name in (f.ids or ("",))
    ]
    return write_table(path, ["code", "severity", "id", "where", "message", "fix"], rows, encoding=encoding)
