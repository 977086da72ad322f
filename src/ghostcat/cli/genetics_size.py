"""`ghostcat genetics ne` and `bottleneck`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ghostcat.cli.genetics_options import genotype_files, number, seed_option
from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.workflows import genetics_kin as workflow

__all__ = ["bottleneck_command", "ne_command"]


@click.command("ne")
@genotype_files
@json_option
def ne_command(file: Path, kind: GenotypeKind | None, by: str | None, as_json: bool) -> None:
    """Effective size of each population of FILE, by linkage disequilibrium and by sibship.

    Animals should be of one closed population with unlinked loci; for sibship, of one generation.
    Exit code 2: no population can carry an estimate.
    """
    found = workflow.effective_size(file, kind=kind, by=by)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['file']}: {found['n_samples']} samples, {found['n_loci']} loci")
    print_findings(found["findings"])
    rows = []
    for row in found["populations_ne"]:
        ld = row["ldne"]["allele_frequency_at_least_0_02"]
        sib = row["sibship"]
        rows.append((row["pop"] or "(all)", row["n"], _linkage(ld), _sibship(sib)))
    print_table(("population", "n", "linkage (alleles ≥ 0.02), 95 % jackknife", "sibship, 95 %"), rows)


def _linkage(row: dict[str, Any]) -> str:
    if "refused" in row:
        return f"refused: {row['refused']}"
    return f"{number(row['Ne'], 1)} ({number(row['lcl_jackknife'], 1)} to {number(row['ucl_jackknife'], 1)})"


def _sibship(item: Any) -> str:
    if isinstance(item, dict):
        return f"refused: {item['refused']}"
    return f"{number(item.ne, 1)} ({number(item.lower, 1)} to {number(item.upper, 1)})"


@click.command("bottleneck")
@genotype_files
@click.option("--simulations", type=click.IntRange(min=200), default=1000, show_default=True)
@seed_option
@json_option
def bottleneck_command(
    file: Path, kind: GenotypeKind | None, by: str | None, simulations: int, seed: int, as_json: bool
) -> None:
    """Signs of a recent bottleneck in each population of FILE.

    Heterozygosity excess under three mutation models, mode shift, and the ratio of alleles to their range.
    """
    found = workflow.bottlenecks(file, kind=kind, by=by, simulations=simulations, seed=seed)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['file']}: {found['n_samples']} samples, {found['n_loci']} loci")
    print_findings(found["findings"])
    rows = []
    for item in found["bottlenecks"]:
        if isinstance(item, dict):
            rows.append((item["population"] or "(all)", f"refused: {item['refused']}", "", "", "", ""))
            continue
        p = {test.model: number(test.p_wilcoxon_excess, 3) for test in item.tests}
        m = item.m_ratio
        rows.append(
            (
                item.population or "(all)",
                p.get("IAM", "–"),
                p.get("TPM", "–"),
                p.get("SMM", "–"),
                "shifted" if item.mode_shift else "normal",
                "–"
                if m is None
                else f"{m.mean:.3f} ({m.lower:.3f} to {m.upper:.3f}; critical {m.critical:.3f})",
            )
        )
    print_table(("population", "excess p, IAM", "TPM", "SMM", "mode", "M"), rows)
