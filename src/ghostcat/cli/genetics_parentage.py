"""`ghostcat genetics parentage`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from ghostcat.cli.genetics_options import file_argument, seed_option
from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.workflows import genetics_parentage as workflow

__all__ = ["parentage_command"]


@click.command("parentage")
@file_argument
@click.option(
    "--life-history",
    type=click.Path(path_type=Path),
    help="Table with ID, Sex (1 female, 2 male, 3 unknown), BirthYear; also BY.min, BY.max, Year.last, "
    "Dam, Sire, x, y.",
)
@click.option("--format", "kind", type=click.Choice(get_args(GenotypeKind)), help="Format of FILE.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 0.9999),
    default=0.99,
    show_default=True,
    help="Share of the given parents that should be right.",
)
@click.option("--error-rate", type=float, help="Wrong genotypes, a share; estimated when not given.")
@click.option("--dropout-rate", type=float, help="Heterozygotes read as homozygotes, a share.")
@click.option("--min-age-dam", type=float, default=1.0, show_default=True, help="Years.")
@click.option("--min-age-sire", type=float, default=1.0, show_default=True, help="Years.")
@click.option("--max-age-dam", type=float, help="Years.")
@click.option("--max-age-sire", type=float, help="Years.")
@click.option("--max-distance-km", type=float, help="Farthest from parent to offspring.")
@click.option("--no-sibships", is_flag=True, help="Look at each animal alone.")
@click.option(
    "--replicates", type=click.IntRange(min=1), help="Simulated data sets behind the critical values."
)
@seed_option
@json_option
def parentage_command(
    file: Path,
    life_history: Path | None,
    kind: GenotypeKind | None,
    confidence: float,
    error_rate: float | None,
    dropout_rate: float | None,
    min_age_dam: float,
    min_age_sire: float,
    max_age_dam: float | None,
    max_age_sire: float | None,
    max_distance_km: float | None,
    no_sibships: bool,
    replicates: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Who are the mother and the father of each animal in FILE, with what odds?

    A parent is given when its posterior probability, against all other candidates, their relatives and
    parents that nobody typed, passes the critical value of the stated confidence.
    """
    found = workflow.parentage(
        file,
        life_history,
        kind=kind,
        options=workflow.ParentageOptions(
            confidence=confidence,
            error_rate=error_rate,
            dropout_rate=dropout_rate,
            min_age_dam=min_age_dam,
            min_age_sire=min_age_sire,
            max_age_dam=max_age_dam,
            max_age_sire=max_age_sire,
            max_distance_m=None if max_distance_km is None else 1000.0 * max_distance_km,
            families=not no_sibships,
            replicates=replicates,
            seed=seed,
        ),
    )
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    click.echo(f"{found['file']}: {found['n_samples']} animals, {found['n_loci']} loci ({found['format']})")
    print_findings(found["findings"])
    rows = [
        (
            a["id"], a["dam"] or "–", _share(a["probabilities"]["dam"]), _number(a["LLRdam"]),
            a["sire"] or "–", _share(a["probabilities"]["sire"]), _number(a["LLRsire"]),
            _count(a["OHdam"]), _count(a["OHsire"]), _count(a["MEpair"]),
        )
        for a in found["assignments"]
        if a["dam"] or a["sire"]
    ]  # fmt: skip
    print_table(
        ("id", "dam", "p", "log10 odds", "sire", "p", "log10 odds", "OHdam", "OHsire", "MEpair"), rows
    )
    alone = len(found["assignments"]) - len(rows)
    click.echo(f"\n{len(rows)} animals with a parent, {alone} without one.")
    for rule in found["critical_values"]:
        if not rule["used"]:
            continue
        if rule["probability"] is None:
            click.echo(
                f"No {rule['parent']} is given: no critical value keeps {found['confidence']:.0%} right."
            )
            continue
        low, high = rule["false_assignment_rate_95"]
        click.echo(
            f"A {rule['parent']} is given from p = {rule['probability']:.3f}; in simulation "
            f"{rule['false_assignment_rate']:.1%} of such parents are wrong ({low:.1%} to {high:.1%})."
        )
    for name, words in (("dam_sampling_fraction", "mothers"), ("sire_sampling_fraction", "fathers")):
        share = found["estimated"][name]
        if share:
            click.echo(
                f"Of the {words}, {share['estimate']:.0%} were typed "
                f"({share['lower_95']:.0%} to {share['upper_95']:.0%})."
            )
        else:
            click.echo(f"The share of {words} that were typed cannot be told from these data.")
    error = found["error_rate"]
    click.echo(
        f"Errors {'estimated' if error['estimated'] else 'assumed'}: "
        f"false alleles {error['false_allele']:.2%}, dropout {error['dropout']:.1%}."
    )
    click.echo(f"{len(found['sibships'])} groups of full sibs, {len(found['dummies'])} parents nobody typed.")


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _count(value: int | None) -> str:
    return "" if value is None else str(value)
