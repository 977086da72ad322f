"""`ghostcat genetics migrants` and `trend`."""

from __future__ import annotations

from pathlib import Path

import click

from ghostcat.cli.genetics_options import genotype_files, number, seed_option
from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.workflows import genetics_kin as workflow

__all__ = ["migrants_command", "trend_command"]


@click.command("migrants")
@genotype_files
@click.option(
    "--criterion",
    type=click.Choice(["ratio", "home", "others"]),
    default="ratio",
    show_default=True,
    help="ratio: home against the best; others: against the best other, if all sources were sampled; "
    "home: home alone, if not.",
)
@click.option("--simulations", type=click.IntRange(min=200), default=10_000, show_default=True)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.01, show_default=True, help="p of a migrant."
)
@seed_option
@json_option
def migrants_command(
    file: Path,
    kind: GenotypeKind | None,
    by: str | None,
    criterion: str,
    simulations: int,
    threshold: float,
    seed: int,
    as_json: bool,
) -> None:
    """Who of FILE was born in another of the populations?"""
    found = workflow.migrants(
        file,
        kind=kind,
        by=by,
        criterion=criterion,  # type: ignore[arg-type]
        simulations=simulations,
        threshold=threshold,
        seed=seed,
    )
    if as_json:
        print_json(found)
        return
    print_findings(found["findings"])
    click.echo(
        f"{found['n_migrants']} of {len(found['animals'])} animals with p < {threshold}; "
        f"{found['expected_false']:.1f} would be called by chance if nobody had moved."
    )
    print_table(
        ("animal", "sampled in", "likeliest", "p", "p (BH)", "loci"),
        [
            (
                row["sample"],
                row["home"],
                row["likeliest"],
                number(row["p"]),
                number(row["p_bh"]),
                row["n_loci"],
            )
            for row in sorted(found["animals"], key=lambda row: row["p"])
            if row["migrant"]
        ],
    )


@click.command("trend")
@genotype_files
@click.option("--year", default="year", show_default=True, metavar="COLUMN", help="Column with the year.")
@click.option("--generation", "generation_years", type=float, default=None, help="Years of a generation.")
@seed_option
@json_option
def trend_command(
    file: Path,
    kind: GenotypeKind | None,
    by: str | None,
    year: str,
    generation_years: float | None,
    seed: int,
    as_json: bool,
) -> None:
    """Does the heterozygosity of the animals of FILE change over the years?"""
    found = workflow.trend(file, year=year, kind=kind, by=by, generation_years=generation_years, seed=seed)
    if as_json:
        print_json(found)
        return
    print_findings(found["findings"])
    rows = []
    for row in found["trends"]:
        if "refused" in row:
            rows.append((row["pop"], "", f"refused: {row['refused']}", ""))
            continue
        item = row["trend"]
        change = f"{item.slope:+.4f} ({item.lower:+.4f} to {item.upper:+.4f})"
        rows.append((row["pop"], f"{item.n_animals}", change, number(item.p)))
    print_table(("population", "n", "change of heterozygosity per year, 95 %", "p"), rows)
