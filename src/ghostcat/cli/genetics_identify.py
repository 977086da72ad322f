"""`ghostcat genetics identify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ghostcat.cli.genetics_options import genotype_options, number, seed_option
from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.workflows.genetics_identify import IdentifyOptions, identify_samples
from ghostcat.workflows.genetics_markers import MarkerColumns

__all__ = ["identify_command"]


@click.command("identify")
@genotype_options
@click.option("--dropout", type=click.FloatRange(0.0, 0.9), help="Hold this rate of allelic dropout.")
@click.option("--false-allele", type=click.FloatRange(0.0, 0.9), help="Hold this rate of false alleles.")
@click.option(
    "--theta", type=click.FloatRange(0.0, 0.2), default=0.01, show_default=True, help="Kinship of strangers."
)
@click.option(
    "--sibs",
    type=click.FloatRange(min=0.0),
    default=1.0,
    show_default=True,
    help="Full sibs of an animal among the sampled, for the expected wrong merges.",
)
@click.option("--species", default="", help="Use only samples called as this species.")
@click.option("--sex-column", default="", help="Column with readings of a sex marker.")
@click.option("--species-column", default="", help="Column with readings of a species marker.")
@seed_option
@json_option
def identify_command(
    file: Path,
    kind: GenotypeKind | None,
    by: str | None,
    dropout: float | None,
    false_allele: float | None,
    theta: float,
    sibs: float,
    species: str,
    sex_column: str,
    species_column: str,
    seed: int,
    as_json: bool,
) -> None:
    """Which samples of FILE are the same animal, and how many animals are there?

    Rows of one sample id are replicates. Samples are matched by likelihood, with dropout, false
    alleles, missing loci and relatives in it; the number of animals comes with its interval, and
    with what the panel of loci cannot tell apart.
    """
    options = IdentifyOptions(
        dropout=dropout,
        false_allele=false_allele,
        theta=theta,
        sibs_sampled=sibs,
        species=species,
        columns=MarkerColumns(sex=sex_column, species=species_column),
        seed=seed,
    )
    found = identify_samples(file, kind=kind, by=by, options=options)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    n = found["n_individuals"]
    click.echo(
        f"{found['file']}: {found['n_samples']} samples, {found['n_readings']} rows, {found['n_loci']} loci\n"
        f"Animals: estimate {n['estimate']:.1f} (95 % {n['lower']} to {n['upper']}). "
        f"Minimum count, which is not an estimate: {n['count']}."
    )
    click.echo(
        f"PID {number(found['pid'])}, PIDsib {number(found['pidsib'])}; expected wrong merges "
        f"{number(found['expected_wrong_merges'], 2)}"
    )
    for name in ("dropout", "false_allele"):
        rate = found["error_rates"][name]
        limits = f" ({number(rate['lower'])} to {number(rate['upper'])})" if rate["lower"] is not None else ""
        click.echo(f"{name.replace('_', ' ')}: {number(rate['value'])}{limits}, {rate['origin']}")
    print_findings(found["findings"])
    rows = [
        (
            one["id"],
            one["n_samples"],
            number(one["probability"], 2),
            one["sex"] or "?",
            ", ".join(one["samples"]),
        )
        for one in found["individuals"]
    ]
    print_table(("animal", "samples", "P(exactly these)", "sex", ""), rows)
    unsure = [one for one in found["samples"] if one["state"] != "assigned"]
    if unsure:
        print_table(("sample", "state", ""), [(one["sample"], one["state"], one["reason"]) for one in unsure])
    if found["rerun"]:
        again = [(one.sample, one.locus, number(one.bits, 2)) for one in found["rerun"][:8]]
        print_table(("run again", "locus", "bits"), again)
