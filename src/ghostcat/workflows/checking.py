"""Ask a survey what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from ghostcat.survey import Finding, Survey
from ghostcat.workflows.opening import open

__all__ = ["check"]


def check(survey: str | Path | Survey) -> list[Finding]:
    """Every finding about a survey, errors first, each with ids and the fix."""
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(open(survey).check(), key=lambda f: (order[f.severity], f.code, f.ids))
