"""`ghostcat genetics relatedness`."""

from __future__ import annotations

from pathlib import Path

import click

from ghostcat.cli.genetics_options import file_argument, kind_option, number
from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.workflows import genetics_kin as workflow

__all__ = ["relatedness_command"]

_SHOWN = 40


@click.command("relatedness")
@file_argument
@kind_option
@click.option(
    "--likelihood/--no-likelihood",
    default=None,
    help="Dyadic maximum likelihood, with and without inbreeding; by default up to 20,000 pairs.",
)
@json_option
def relatedness_command(
    file: Path, kind: GenotypeKind | None, likelihood: bool | None, as_json: bool
) -> None:
    """Relatedness of every pair of animals in FILE, by six estimators, and inbreeding of each."""
    found = workflow.relatedness(file, kind=kind, likelihood=likelihood)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['file']}: {found['n_samples']} samples, {found['n_loci']} loci")
    print_findings(found["findings"])
    pairs = sorted(found["pairs"], key=lambda row: -row["wang"] if row["wang"] == row["wang"] else 9)
    headings = ("animal", "animal", "Wang", "±", "Queller–Goodnight", "Lynch–Ritland", "likelihood", "loci")
    print_table(
        headings,
        [
            (
                row["id1"], row["id2"], number(row["wang"], 3), number(row.get("wang_se"), 3),
                number(row["quellergt"], 3), number(row["lynchrd"], 3), number(row.get("dyadml"), 3),
                row["n_loci"],
            )
            for row in pairs[:_SHOWN]
        ],
    )  # fmt: skip
    if len(pairs) > _SHOWN:
        click.echo(f"… the {_SHOWN} closest of {len(pairs)} pairs; all of them with --json.")
