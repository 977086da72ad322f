"""Ask a survey what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from ghostcat.survey import Survey
from ghostcat.survey.evidence import Finding
from ghostcat.workflows.opening import open

__all__ = ["check"]


def check(survey: str | Path | Survey) -> list[Finding]:
    """Every finding about a survey, worst first, each with ids and the fix."""
    return open(survey).check()
