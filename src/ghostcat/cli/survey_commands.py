"""`ghostcat new`, `import`, `check` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ghostcat import workflows
from ghostcat.cli.output import json_option, print_findings, print_json, progress_bars
from ghostcat.cli.reading_options import reading, reading_options

if TYPE_CHECKING:
    from ghostcat.workflows.exporting import ExportFormat

SURVEY = click.Path(path_type=Path, file_okay=False)
ANY_PATH = click.Path(path_type=Path)


@click.command("new")
@click.argument("survey", type=SURVEY)
@click.option("--name", default="", help="What people call the survey; the folder's name by default.")
@click.option("--database", default=None, metavar="URL", help="Keep the tables on a PostgreSQL server.")
@json_option
def new_command(survey: Path, name: str, database: str | None, as_json: bool) -> None:
    """Make an empty survey in the folder SURVEY."""
    with workflows.new(survey, name=name, database_url=database) as made:
        if as_json:
            print_json({"survey": made.folder, "name": made.name})
        else:
            click.echo(f"Made the survey {made.name} in {made.folder}")
            click.echo(f"Next: ghostcat import {made.folder} PHOTOS")


@click.command("import")
@click.argument("survey", type=SURVEY)
@click.argument("source", type=ANY_PATH)
@reading_options
@click.option("--copy", is_flag=True, help="Copy the photos into the survey (from a card).")
@click.option("--processes", type=click.IntRange(min=1), default=None, help="Worker processes.")
@json_option
def import_command(
    survey: Path, source: Path, copy: bool, processes: int | None, as_json: bool, **options: Any
) -> None:
    """Import SOURCE into SURVEY: a Camtrap DP package (folder or zip), a folder of photos with
    stations.csv and deployments.csv, or the JSON of MegaDetector or SpeciesNet.

    Originals are never changed. Importing the same source again adds only what is new; an import
    that was interrupted goes on.
    """
    with workflows.open(survey) as opened, progress_bars(quiet=as_json) as progress:
        report = workflows.import_evidence(
            opened, source, copy=copy, processes=processes, progress=progress, **reading(options)
        )
    if as_json:
        print_json(report)
        return
    states = ", ".join(f"{count} {state}" for state, count in sorted(report.photos_by_state.items()))
    click.echo(
        f"{report.source} ({report.kind}): {report.photos_read} photos read now; {states or 'no photos'}"
    )
    added = ", ".join(f"{count} {kind}" for kind, count in report.added.added.items() if count)
    click.echo(f"  new in the survey: {added or 'nothing, it was all there'}")
    for file, column, used_as in report.columns:
        click.echo(f"  {file}: {column} → {used_as or 'kept aside'}")
    print_findings(report.findings)
    click.echo(f"Next: ghostcat check {survey}; ghostcat identify {survey}")


@click.command("check")
@click.argument("survey", type=SURVEY)
@json_option
def check_command(survey: Path, as_json: bool) -> None:
    """Look for what is wrong with SURVEY: places, dates, clocks, effort, photos, identities.

    Exit code 1 when there is an error among the findings.
    """
    with workflows.open(survey) as opened:
        findings = workflows.check(opened)
    if as_json:
        print_json({"findings": findings})
    elif findings:
        print_findings(findings)
    else:
        click.echo("Nothing to complain about.")
    if any(finding.severity == "error" for finding in findings):
        raise SystemExit(1)


@click.command("export")
@click.argument("survey", type=SURVEY)
@click.argument("target", type=ANY_PATH)
@click.option(
    "--format",
    "to",
    type=click.Choice(["camtrap-dp", "secr", "camtrapr", "csv", "geopackage"]),
    default="camtrap-dp",
    show_default=True,
)
@click.option("--copy-photos", is_flag=True, help="Put the photos into a Camtrap DP package.")
@json_option
def export_command(survey: Path, target: Path, to: ExportFormat, copy_photos: bool, as_json: bool) -> None:
    """Write SURVEY to TARGET for other programs."""
    with workflows.open(survey) as opened, progress_bars(quiet=as_json) as progress:
        written = workflows.export(opened, target, format=to, copy_photos=copy_photos, progress=progress)
    if as_json:
        print_json({"written": written, "format": to})
    else:
        click.echo(f"Wrote {written}")
