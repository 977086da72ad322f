"""`ghostcat genetics diversity`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ghostcat.cli.genetics_options import genotype_files, number, seed_option
from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.workflows import genetics as workflow

__all__ = ["diversity_command"]


@click.command("diversity")
@genotype_files
@click.option(
    "--permutations",
    type=click.IntRange(min=100),
    default=20_000,
    show_default=True,
    help="Of the exact Hardy–Weinberg tests.",
)
@seed_option
@json_option
def diversity_command(
    file: Path, kind: GenotypeKind | None, by: str | None, permutations: int, seed: int, as_json: bool
) -> None:
    """How diverse are the animals of FILE, per population and between them?

    Ho, He, allelic richness, FIS, FST (Nei, Weir and Cockerham), private alleles, Hardy–Weinberg
    and linkage tests with corrections, PID and PIDsib.
    """
    found = workflow.diversity(file, kind=kind, by=by, permutations=permutations, seed=seed)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    click.echo(
        f"{found['file']}: {found['n_samples']} samples, {found['n_loci']} loci, "
        f"{len(found['populations'])} populations ({found['format']})"
    )
    print_findings(found["findings"])
    headings = ("population", "n", "Ho", "He", "FIS", "richness", "alleles", "private", "PID", "PIDsib")
    rows = []
    for row in found["perpop"]:
        pid = found["pid_perpop"][row["pop"]]
        rows.append(
            (
                row["pop"] or "(all)", row["n"], number(row["Ho"]), number(row["He_unbiased"]),
                number(row["Fis_ratio"]), number(row["AR_mean"], 2), row["n_alleles"], row["n_private"],
                number(pid["PID"]), number(pid["PIDsib"]),
            )
        )  # fmt: skip
    print_table(headings, rows)
    overall, wc, pid = found["overall"], found["wc"], found["pid_all"]
    click.echo(
        f"\nOver loci: Ho {number(overall['Ho'])}, Hs {number(overall['Hs'])}, Ht {number(overall['Ht'])}, "
        f"FIS {number(overall['Fis'])}, FST {number(overall['Fst'])} (Nei), "
        f"{number(wc['FST'])} ({number(wc['FST_lower'])} to {number(wc['FST_upper'])}, Weir and Cockerham)"
    )
    click.echo(f"Richness is rarefied to {found['AR_min_n_genes']} genes.")
    click.echo(
        f"All animals together: PID {number(pid['PID'])}, PIDsib {number(pid['PIDsib'])}: one pair of full "
        f"sibs in {_one_in(pid['PIDsib'])} shares its genotype."
    )
    _print_tests(found)


def _one_in(probability: float) -> str:
    if not probability or probability != probability:
        return "–"
    return f"{1 / probability:,.0f}" if probability > 1e-9 else "more than a billion"


def _print_tests(found: dict[str, Any]) -> None:
    tested = [row for row in found["hwe_perpop"] if row["method"] != "none"]
    low = [row for row in tested if row["Pr.exact"] < 0.05]
    sure = [row for row in tested if row["Pr.holm"] < 0.05]
    click.echo(
        f"Hardy–Weinberg: {len(low)} of {len(tested)} tests below 0.05, {len(sure)} after Holm's correction"
        + (": " + ", ".join(f"{row['pop']} {row['locus']}".strip() for row in sure[:12]) if sure else "")
    )
    summary = found["ld_summary"]
    click.echo(
        f"Linkage: {summary['p_below_0.05']} of {summary['pairs']} pairs below 0.05, "
        f"{summary['holm_below_0.05']} after Holm's correction"
    )
