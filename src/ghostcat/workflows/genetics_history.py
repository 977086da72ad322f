"""From samples to the encounter history that the estimator reads."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.survey.evidence import Finding
from ghostcat.workflows.genetics_identify import IdentifyOptions, identify_loaded
from ghostcat.workflows.genetics_samples import field_facts, load_samples

if TYPE_CHECKING:
    from ghostcat.genetics.encounters import DnaHistory

__all__ = ["dna_history", "write_history"]


def dna_history(
    source: str | Path,
    *,
    kind: GenotypeKind | None = None,
    occasion_days: int = 7,
    first_day: date | None = None,
    last_day: date | None = None,
    options: IdentifyOptions | None = None,
) -> tuple[DnaHistory, dict[str, Any], tuple[Finding, ...]]:
    """Identify the samples of a file or survey and count them by animal, place and occasion.

    Uncertain samples are in the history under their likeliest animal and named in a finding.
    """
    from ghostcat.genetics.encounters import encounter_history

    options = options or IdentifyOptions()
    loaded = load_samples(source, kind=kind)
    found = identify_loaded(loaded, options=options)
    field = field_facts(loaded.genotypes, loaded.file)
    history = encounter_history(
        {row["sample"]: row["individual"] for row in found["samples"]},
        field.place,
        field.collected,
        samples=[row["sample"] for row in found["samples"]],
        occasion_days=occasion_days,
        first_day=first_day,
        last_day=last_day,
    )
    return history, found, (*field.findings, *_history_findings(history, found, loaded.file))


def _history_findings(history: DnaHistory, found: Mapping[str, Any], file: str) -> list[Finding]:
    told = []
    if history.left_out:
        shown = "; ".join(f"{name}: {why}" for name, why in history.left_out[:6])
        told.append(
            Finding(
                code="samples_not_placed",
                severity="warning",
                message=f"{len(history.left_out)} samples are not in the encounter history: {shown}",
                fix="Add the station or search cell and the date; re-run samples that failed.",
                ids=tuple(name for name, _ in history.left_out),
                where=file,
            )
        )
    unsure = [row["sample"] for row in found["samples"] if row["state"] == "uncertain"]
    if unsure:
        told.append(
            Finding(
                code="uncertain_in_history",
                severity="warning",
                message=f"{len(unsure)} samples stand under their likeliest animal, which is uncertain: "
                f"{', '.join(unsure[:8])}",
                fix="Estimate once with and once without them.",
                ids=tuple(unsure),
                where=file,
            )
        )
    return told


def write_history(history: DnaHistory, path: str | Path, *, session: str = "dna") -> Path:
    """Write captures as the estimator and secr read them: session, ID, occasion, detector, count."""
    path = Path(path)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("session", "ID", "occasion", "detector", "count"))
        for animal, occasion, place, count in history.captures:
            rows.writerow((session, animal, occasion, place, count))
    return path
