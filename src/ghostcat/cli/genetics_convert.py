"""`ghostcat genetics convert`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ghostcat.cli.genetics_options import genotype_files
from ghostcat.cli.output import json_option, print_findings, print_json
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.formats.genotypes_writer import WrittenKind
from ghostcat.workflows import genetics_kin as workflow

__all__ = ["convert_command"]


@click.command("convert")
@genotype_files
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--to", type=click.Choice(get_args(WrittenKind)), default="table", show_default=True)
@json_option
def convert_command(
    file: Path, target: Path, kind: GenotypeKind | None, by: str | None, to: WrittenKind, as_json: bool
) -> None:
    """Read the genotypes of FILE in any format and write them to TARGET in another."""
    found = workflow.convert(file, target, to=to, kind=kind, by=by)
    if as_json:
        print_json(found)
        return
    print_findings(found["findings"])
    click.echo(f"Wrote {found['n_samples']} rows, {found['n_loci']} loci to {found['written']}")
