"""`ghostcat pedigree matchups`, `project`, `draw` and `report`."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ghostcat.cli.output import json_option, print_findings, print_json, print_table

__all__ = ["draw_command", "matchups_command", "project_command", "report_command"]

FILE = click.Path(path_type=Path)

kind_option = click.option(
    "--kind",
    type=click.Choice(["table", "sparks", "gedcom", "fam"]),
    default=None,
    help="What the file is; told from its content by default.",
)
season_option = click.option(
    "--season", type=int, default=None, help="Year of the season; the last of the studbook by default."
)
seed_option = click.option("--seed", type=int, default=1, show_default=True, help="Of the simulations.")
lang_option = click.option(
    "--lang", type=click.Choice(["en", "ru", "zh"]), default="en", show_default=True, help="Page language."
)


class _Window(click.ParamType):  # type: ignore[type-arg]
    name = "YOUNGEST:OLDEST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        try:
            youngest, oldest = (float(part) for part in str(value).replace("–", ":").split(":"))
        except ValueError:
            self.fail(f"{value!r} is no window of ages; write 3:15.", param, ctx)
        return youngest, oldest


def demography_options(command: Callable[..., None]) -> Callable[..., None]:
    """Births and deaths, shared by the commands; defaults are those of the Amur leopard."""
    for option in reversed(
        (
            click.option("--litter", type=float, default=None, help="Mean young of a litter; 2.1."),
            click.option("--largest-litter", type=int, default=None, help="Most young of a litter; 4."),
            click.option(
                "--young-survival", type=float, default=None, help="To the first birthday; 0.45, assumed."
            ),
            click.option("--adult-survival", type=float, default=None, help="Of a year, older ones; 0.82."),
            click.option(
                "--female-years", type=_Window(), default=None, help="Breeding ages; 3:15, assumed."
            ),
            click.option("--male-years", type=_Window(), default=None, help="Breeding ages; 3:15, assumed."),
            click.option(
                "--litter-interval",
                "litter_interval_years",
                type=int,
                default=None,
                help="Years between litters; 2, assumed.",
            ),
            click.option(
                "--longest-life",
                "longest_life_years",
                type=float,
                default=None,
                help="Years; 20, assumed.",
            ),
            click.option(
                "--capacity", type=int, default=None, help="Animals that can be kept; as many as now."
            ),
            click.option(
                "--rates",
                type=click.Choice(["studbook", "leopard"]),
                default="studbook",
                show_default=True,
                help="What is not given: as the studbook shows where it can carry it, or the leopard's.",
            ),
        )
    ):
        command = option(command)
    return command


RATES = (
    "litter",
    "largest_litter",
    "young_survival",
    "adult_survival",
    "female_years",
    "male_years",
    "litter_interval_years",
    "longest_life_years",
    "capacity",
)


def plan_options(command: Callable[..., None]) -> Callable[..., None]:
    """Limits of a season, shared by the commands."""
    for option in reversed(
        (
            click.option(
                "--litters",
                type=click.IntRange(min=1),
                default=None,
                help="Wanted; by default those that replace deaths.",
            ),
            click.option("--vetoes", type=FILE, default=None, help="Table: animal, partner, kind, reason."),
            click.option("--institutions", type=FILE, default=None, help="Table: name, space, lat, lon."),
            click.option("--transfers", type=FILE, default=None, help="Table: from, to, cost, allowed."),
            click.option(
                "--transfer-budget", type=float, default=None, help="Most that all transfers may cost."
            ),
            click.option(
                "--max-transfers",
                type=click.IntRange(min=0),
                default=None,
                help="Most animals that may travel.",
            ),
            click.option("--pairs-per-female", type=click.IntRange(min=1), default=1, show_default=True),
            click.option("--pairs-per-male", type=click.IntRange(min=1), default=1, show_default=True),
            click.option(
                "--max-f", "max_inbreeding", type=float, default=None, help="Largest inbreeding of young."
            ),
            click.option(
                "--lethal-equivalents",
                type=float,
                default=None,
                help="Diploid, for the score of inbreeding; 6.29.",
            ),
            click.option(
                "--breeding-chance",
                type=float,
                default=1.0,
                show_default=True,
                help="That a pair has its litter, for the intervals.",
            ),
            click.option(
                "--seconds", type=float, default=10.0, show_default=True, help="Time for the planner."
            ),
        )
    ):
        command = option(command)
    return command


PLAN = (
    "litters",
    "vetoes",
    "institutions",
    "transfers",
    "transfer_budget",
    "max_transfers",
    "pairs_per_female",
    "pairs_per_male",
    "max_inbreeding",
    "lethal_equivalents",
    "breeding_chance",
    "seconds",
)  # fmt: skip


def _rates(options: dict[str, Any]) -> dict[str, Any]:
    given = {name: options.pop(name) for name in RATES}
    return given | {"from_studbook": options.pop("rates") == "studbook"}


@click.command("matchups")
@click.argument("pedigree", type=FILE)
@season_option
@plan_options
@demography_options
@click.option("--csv", "csv_file", type=FILE, default=None, help="Write every scored pair into this file.")
@click.option(
    "--top", type=click.IntRange(min=0), default=200, show_default=True, help="Scored pairs in the JSON."
)
@seed_option
@kind_option
@json_option
def matchups_command(
    pedigree: Path,
    csv_file: Path | None,
    top: int,
    kind: Any,
    season: int | None,
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """The best pairs and transfers of a season, and what they gain over chance and over habit.

    Every possible pair gets a score of six components shown apart; vetoes override it. The plan
    leaves the most gene diversity under the limits, with the largest error that the planner can have.
    """
    from ghostcat.workflows.lineages import matchups, matchups_summary, rates_of
    from ghostcat.workflows.pedigree import read_studbook

    table = read_studbook(pedigree, kind=kind)
    rules, observed = rates_of(table, season=season, **_rates(options))
    result = matchups(table, season=season, seed=seed, demography=rules, **options)
    if csv_file is not None:
        result.scores.table().to_csv(csv_file, index=False, encoding="utf-8-sig")
    if as_json:
        print_json(matchups_summary(result, pairs=top, observed=observed))
    else:
        _print_plan(result, observed)


def _print_plan(result: Any, observed: Any) -> None:
    plan = result.plan
    shown = {"given": "", "km": " km", "transfers": "", "": ""}[result.cost_unit]
    rows = [
        (
            match.dam,
            match.sire,
            f"{match.score:.0f}",
            f"{match.offspring_inbreeding:.3f}",
            f"{match.diversity_change:+.5f}",
            f"{match.dam_mean_kinship:.3f}",
            f"{match.sire_mean_kinship:.3f}",
            match.meet_at or "–",
        )
        for match in plan.matches
    ]
    print_table(("dam", "sire", "score", "F young", "ΔGD", "MK dam", "MK sire", "meet at"), rows)
    click.echo("\nWhy:")
    for match in plan.matches:
        said = "; ".join(reason.replace("_", " ") for reason in match.reasons)
        click.echo(f"  {match.dam} × {match.sire}: {said}")
    for move in plan.transfers:
        cost = f", cost {move.cost:,.0f}{shown}" if math.isfinite(move.cost) else ""
        click.echo(f"transfer: {move.animal} from {move.origin or 'unknown place'} to {move.target}{cost}")
    click.echo(
        f"\nGene diversity now {plan.diversity_now:.5f}, expected after the season "
        f"{plan.diversity_after:.5f} (95 % of simulated seasons {plan.lower:.5f} to {plan.upper:.5f})."
    )
    click.echo(
        f"No plan under these limits can be better by more than {plan.gap:.1e} "
        f"({plan.rounds} rounds, {plan.seconds:.1f} s)."
    )
    names = {"random": "pairing at random", "greedy_mean_kinship": "pairing lowest mean kinships in turn"}
    for other in plan.comparisons:
        click.echo(
            f"Gain over {names[other.name]}: {other.gain:+.5f} "
            f"(95 % {other.gain_lower:+.5f} to {other.gain_upper:+.5f}); mean F of young "
            f"{plan.mean_offspring_inbreeding:.3f} against {other.mean_offspring_inbreeding:.3f}."
        )
    _print_rates(result.demography, observed)
    print_findings([finding for finding in result.findings if finding.severity != "note"])


def _print_rates(rules: Any, observed: Any) -> None:
    from ghostcat.workflows.lineages import assumptions

    shown = ", ".join(
        f"{rate.name.replace('_', ' ')} {rate.estimate:.2f} "
        f"(95 % {rate.lower:.2f}–{rate.upper:.2f}, n {rate.n})"
        for rate in observed
        if rate.name != "largest_litter"
    )
    if shown:
        click.echo(f"From this studbook: {shown}.")

    assumed = ", ".join(
        f"{entry['name'].replace('_', ' ')} {'as now' if entry['value'] is None else entry['value']}"  # type: ignore[attr-defined]
        for entry in assumptions(rules)
    )
    if assumed:
        click.echo(f"Assumed, not measured here: {assumed}.")


@click.command("project")
@click.argument("pedigree", type=FILE)
@season_option
@demography_options
@click.option(
    "--inbreeding-cost",
    type=float,
    default=0.0,
    show_default=True,
    help="Diploid lethal equivalents that lower survival of young.",
)
@click.option("--years", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--runs", type=click.IntRange(min=20), default=200, show_default=True)
@click.option("--csv", "csv_file", type=FILE, default=None, help="Write every year into this file.")
@seed_option
@kind_option
@json_option
def project_command(
    pedigree: Path,
    inbreeding_cost: float,
    years: int,
    runs: int,
    csv_file: Path | None,
    kind: Any,
    season: int | None,
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Gene diversity and inbreeding over the years: under the plan, at random, and left alone."""
    from dataclasses import replace

    from ghostcat.workflows.lineages import project, project_summary, rates_of
    from ghostcat.workflows.pedigree import read_studbook

    table = read_studbook(pedigree, kind=kind)
    rules, observed = rates_of(table, season=season, **_rates(options))
    rules = replace(rules, lethal_equivalents=inbreeding_cost)
    now, found, findings = project(table, season=season, demography=rules, years=years, runs=runs, seed=seed)
    if csv_file is not None:
        import pandas as pd

        pd.concat([p.table() for p in found]).to_csv(csv_file, index=False, encoding="utf-8-sig")
    summary = project_summary(now, found, rules, findings, observed=observed)
    if as_json:
        print_json(summary)
        return
    rows = []
    for p in found:
        k = len(p.years) - 1
        rows.append(
            (
                p.strategy,
                f"{p.diversity[k]:.3f} ({p.diversity_lower[k]:.3f}–{p.diversity_upper[k]:.3f})",
                f"{p.inbreeding[k]:.3f} ({p.inbreeding_lower[k]:.3f}–{p.inbreeding_upper[k]:.3f})",
                f"{p.animals[k]:.0f} ({p.animals_lower[k]:.0f}–{p.animals_upper[k]:.0f})",
                _when(p.falls_under_goal),
                _when(p.falls_under_nine_tenths_of_today),
                f"{100 * p.extinct:.0f} %",
            )
        )
    print_table(
        (
            "pairs",
            f"GD in {years} years",
            "mean F",
            "animals",
            "GD under 0.90 in year",
            "under 90 % of today's",
            "died out",
        ),
        rows,
    )
    click.echo(f"Gene diversity now {summary['gene_diversity_now']:.4f}; medians and 95 % of {runs} runs.")
    _print_rates(rules, observed)
    print_findings([finding for finding in summary["findings"] if finding.severity != "note"])


def _when(falls: Any) -> str:
    def said(year: float) -> str:
        return "already" if year == 0 else "never" if math.isinf(year) else f"{year:.0f}"

    if falls.year == 0:
        return "already"
    return f"{said(falls.year)} ({said(falls.lower)}–{said(falls.upper)})"


@click.command("draw")
@click.argument("pedigree", type=FILE)
@click.option("--out", type=FILE, default=None, help="The SVG; NAME.pedigree.svg here by default.")
@click.option("--line", default=None, help="Light up one animal with its ancestors and descendants.")
@click.option(
    "--all",
    "everyone",
    is_flag=True,
    help="Everybody; by default large pedigrees keep to the living and kin.",
)
@lang_option
@kind_option
@json_option
def draw_command(
    pedigree: Path, out: Path | None, line: str | None, everyone: bool, lang: str, kind: Any, as_json: bool
) -> None:
    """Draw the pedigree as an SVG."""
    from ghostcat.workflows.lineage_page import draw

    target = out or Path(f"{pedigree.stem}.pedigree.svg")
    drawn = draw(pedigree, target, kind=kind, line=line, everyone=everyone, lang=lang)
    if as_json:
        print_json(drawn)
    else:
        click.echo(f"{target}: {drawn['animals']} of {drawn['of']} animals, {drawn['crossings']} crossings")


@click.command("report")
@click.argument("pedigree", type=FILE)
@click.option("--folder", type=FILE, default=None, help="Where to; NAME.lineages here by default.")
@season_option
@plan_options
@demography_options
@click.option("--years", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--runs", type=click.IntRange(min=20), default=200, show_default=True)
@click.option("--line", default=None, help="Light up one animal with its ancestors and descendants.")
@click.option("--genotypes", type=FILE, default=None, help="Genotypes of the population, for their section.")
@click.option("--title", default=None, help="Heading of the page; the name of the file by default.")
@click.option("--synthetic", is_flag=True, help="The animals are simulated: the page says so everywhere.")
@lang_option
@seed_option
@kind_option
@json_option
def report_command(
    pedigree: Path,
    folder: Path | None,
    kind: Any,
    season: int | None,
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Write the page of lineages: pedigree, kinship, match-ups, diversity over time, and their CSV."""
    from ghostcat.workflows.lineage_page import lineage_report

    rates = _rates(options)
    planning = {name: options.pop(name) for name in PLAN}
    files = lineage_report(
        pedigree,
        folder or Path(f"{pedigree.stem}.lineages"),
        kind=kind,
        season=season,
        seed=seed,
        rates=rates,
        planning=planning,
        **options,
    )
    if as_json:
        print_json(files)
    else:
        click.secho(f"Report: {files.html}", bold=True)
