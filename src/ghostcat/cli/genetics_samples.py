"""`ghostcat genetics samples`, `link` and `history`: DNA in a survey."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ghostcat.cli.genetics_options import seed_option
from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.workflows.genetics_history import dna_history, write_history
from ghostcat.workflows.genetics_identify import IdentifyOptions
from ghostcat.workflows.genetics_links import link_sample
from ghostcat.workflows.genetics_samples import keep_samples

__all__ = ["history_command", "link_command", "samples_command"]

ANY_PATH = click.Path(path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])


@click.command("samples")
@click.argument("survey", type=ANY_PATH)
@click.argument("file", type=ANY_PATH)
@json_option
def samples_command(survey: Path, file: Path, as_json: bool) -> None:
    """Keep the samples of FILE and their readings in SURVEY, as they came."""
    report, findings = keep_samples(survey, file)
    if as_json:
        print_json({"added": report.added, "unchanged": report.unchanged, "findings": findings})
        return
    click.echo(f"{report.added['sample']} samples added, {report.unchanged['sample']} were there already")
    print_findings(findings)
    click.echo(f"Next: ghostcat genetics identify {survey}")


@click.command("link")
@click.argument("survey", type=ANY_PATH)
@click.argument("sample")
@click.argument("target")
@click.option("--different", is_flag=True, help="The sample is not from this animal.")
@click.option("--confidence", type=click.FloatRange(0.0, 1.0), help="How sure, 0 to 1.")
@click.option("--by", default=None, help="Name for the decision log; your login name by default.")
@click.option("--laboratory", is_flag=True, help="It is the laboratory that says so.")
@json_option
def link_command(
    survey: Path,
    sample: str,
    target: str,
    different: bool,
    confidence: float | None,
    by: str | None,
    laboratory: bool,
    as_json: bool,
) -> None:
    """Decide that SAMPLE is from the photographed animal TARGET (an animal or a photo of it)."""
    number = link_sample(
        survey, sample, target, same=not different, confidence=confidence, by=by, laboratory=laboratory
    )
    if as_json:
        print_json({"decision": number})
    else:
        click.echo(f"Kept as decision {number}. Take it back: ghostcat decide {survey} undo {number}")


@click.command("history")
@click.argument("source", type=ANY_PATH)
@click.option("--days", type=click.IntRange(min=1), default=7, show_default=True, help="Days an occasion.")
@click.option("--from", "first", type=DAY, default=None, help="First day of the survey.")
@click.option("--to", "last", type=DAY, default=None, help="Last day of the survey.")
@click.option("--out", type=ANY_PATH, default=None, help="Write the captures as CSV.")
@seed_option
@json_option
def history_command(
    source: Path,
    days: int,
    first: datetime | None,
    last: datetime | None,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Encounters of the animals in SOURCE (a genotype table or a survey): animal, occasion, place."""
    history, found, findings = dna_history(
        source,
        occasion_days=days,
        first_day=first.date() if first else None,
        last_day=last.date() if last else None,
        options=IdentifyOptions(seed=seed),
    )
    if out is not None:
        write_history(history, out)
    if as_json:
        print_json(
            {
                "animals": history.animals,
                "places": history.places,
                "first_day": history.first_day,
                "occasion_days": history.occasion_days,
                "occasions": history.counts.shape[2],
                "captures": history.captures,
                "n_individuals": found["n_individuals"],
                "left_out": history.left_out,
                "findings": findings,
            }
        )
        return
    click.echo(
        f"{len(history.animals)} animals at {len(history.places)} places in {history.counts.shape[2]} "
        f"occasions of {days} days from {history.first_day}"
    )
    print_findings(findings)
    print_table(("animal", "occasion", "place", "samples"), history.captures)
    if out is not None:
        click.echo(f"Written: {out}")
