"""The CSV and JSON behind the page of lineages; the same in every language."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ghostcat.report.lineage_data import LineagePage
from ghostcat.report.tables import Cell, _plain, _write_csv

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LINEAGE_CSV", "write_lineage_tables"]

LINEAGE_CSV = (
    "matchups.csv",
    "transfers.csv",
    "pair_scores.csv",
    "pedigree.csv",
    "kinship.csv",
    "diversity_over_time.csv",
    "comparisons.csv",
    "genetics.csv",
)

Table = tuple[Sequence[str], Iterable[Sequence[Cell]]]


def write_lineage_tables(page: LineagePage, folder: Path) -> tuple[Path, ...]:
    """Write every table of `LINEAGE_CSV` and `lineages.json` into `folder`."""
    tables: tuple[Table, ...] = (
        _matches(page),
        _transfers(page),
        _frame(page.scores.table()),
        _pedigree(page),
        _kinship(page),
        _over_time(page),
        _comparisons(page),
        _genetics(page),
    )
    paths = tuple(folder / name for name in LINEAGE_CSV)
    for path, (header, rows) in zip(paths, tables, strict=True):
        _write_csv(path, [*header, "synthetic"], ([*row, page.synthetic] for row in rows))
    numbers = folder / "lineages.json"
    text = json.dumps(_plain(_numbers(page)), ensure_ascii=False, indent=2, allow_nan=False)
    numbers.write_text(text + "\n", encoding="utf-8", newline="\n")
    return (*paths, numbers)


def _frame(frame: pd.DataFrame) -> Table:
    return [str(name) for name in frame.columns], frame.to_numpy(dtype=object).tolist()


def _matches(page: LineagePage) -> Table:
    header = (
        "dam", "sire", "score", "offspring_inbreeding", "gene_diversity_change", "dam_mean_kinship",
        "sire_mean_kinship", "known_ancestry_share", "meet_at", "travels", "transfer_cost", "reasons",
    )  # fmt: skip
    matches = page.plan.matches if page.plan else ()
    return header, (
        (
            m.dam, m.sire, m.score, m.offspring_inbreeding, m.diversity_change, m.dam_mean_kinship,
            m.sire_mean_kinship, m.known_share, m.meet_at, ";".join(m.moves), m.transfer_cost,
            ";".join(m.reasons),
        )
        for m in matches
    )  # fmt: skip


def _transfers(page: LineagePage) -> Table:
    moves = page.plan.transfers if page.plan else ()
    return ("animal", "from", "to", "cost"), ((m.animal, m.origin, m.target, m.cost) for m in moves)


def _pedigree(page: LineagePage) -> Table:
    drawn = page.drawn

    def name(k: int) -> str:
        return drawn[k].name if k >= 0 else ""

    return ("id", "dam", "sire", "sex", "living", "in_a_pair"), (
        (a.name, name(a.dam), name(a.sire), a.sex, a.living, a.chosen) for a in drawn
    )


def _kinship(page: LineagePage) -> Table:
    names = page.kinship_names
    return ("id", *names), (
        (name, *(float(f) for f in row)) for name, row in zip(names, page.kinship, strict=True)
    )


def _over_time(page: LineagePage) -> Table:
    frames = [found.table() for found in page.projections]
    if not frames:
        return ("strategy", "year"), ()
    header = [str(name) for name in frames[0].columns]
    return header, (row for frame in frames for row in frame.to_numpy(dtype=object).tolist())


def _comparisons(page: LineagePage) -> Table:
    header = (
        "way", "litters", "expected_gene_diversity", "lower", "upper", "gain_of_plan", "gain_lower",
        "gain_upper", "mean_offspring_inbreeding",
    )  # fmt: skip
    if page.plan is None:
        return header, ()
    plan = page.plan
    own: list[Sequence[Cell]] = [
        (
            "plan", float(len(plan.matches)), plan.diversity_after, plan.lower, plan.upper, 0.0, 0.0, 0.0,
            plan.mean_offspring_inbreeding,
        )
    ]  # fmt: skip
    others: list[Sequence[Cell]] = [
        (
            c.name, c.litters, c.expected_diversity, c.lower, c.upper, c.gain, c.gain_lower, c.gain_upper,
            c.mean_offspring_inbreeding,
        )
        for c in plan.comparisons
    ]  # fmt: skip
    return header, [*own, *others]


def _genetics(page: LineagePage) -> Table:
    header = (
        "population", "animals", "Ho", "He", "He_standard_error", "FIS", "allelic_richness",
        "private_alleles", "PID", "PIDsib", "Ne", "Ne_lower", "Ne_upper",
    )  # fmt: skip
    rows = page.genetics.populations if page.genetics else ()
    return header, (
        (
            r.name, r.animals, r.ho, r.he, r.he_error, r.fis, r.richness, r.private, r.pid, r.pid_sib,
            r.ne, r.ne_lower, r.ne_upper,
        )
        for r in rows
    )  # fmt: skip


def _numbers(page: LineagePage) -> dict[str, object]:
    from dataclasses import asdict

    plan = page.plan
    return {
        "format": "ghostcat lineages 1",
        "title": page.title,
        "synthetic": page.synthetic,
        "made_at": page.made_at,
        "season": page.season,
        "living_basis": page.basis,
        "numbers": asdict(page.numbers),
        "plan": None
        if plan is None
        else {
            "gene_diversity_now": plan.diversity_now,
            "gene_diversity_after": plan.diversity_after,
            "lower": plan.lower,
            "upper": plan.upper,
            "gap": plan.gap,
            "matches": [asdict(match) for match in plan.matches],
            "transfers": [asdict(move) for move in plan.transfers],
            "comparisons": [asdict(other) for other in plan.comparisons],
        },
        "refusal": page.refusal,
        "projections": [
            {
                "strategy": p.strategy,
                "runs": p.runs,
                "falls_under_goal": asdict(p.falls_under_goal),
                "falls_under_nine_tenths_of_today": asdict(p.falls_under_nine_tenths_of_today),
                "died_out": p.extinct,
            }
            for p in page.projections
        ],
        "genetics": None if page.genetics is None else asdict(page.genetics),
        "findings": [asdict(finding) for finding in page.findings],
        "settings": dict(page.settings),
        "provenance": dict(page.provenance),
    }
