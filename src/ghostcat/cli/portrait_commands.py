"""`ghostcat estimate`, `report`, `portrait` and `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ghostcat import workflows
from ghostcat.cli.output import json_option, print_findings, print_json, print_table, progress_bars
from ghostcat.cli.reading_options import reading, reading_options

if TYPE_CHECKING:
    from ghostcat.portrait import Estimate, Interval

ANY_PATH = click.Path(path_type=Path)

region_option = click.option(
    "--region",
    type=ANY_PATH,
    default=None,
    help="Polygons (GeoJSON, GeoPackage, shapefile) or mask cells (CSV) that the abundance is for.",
)
region_crs_option = click.option("--region-crs", default=None, help="Coordinate system of --region, EPSG:….")
lang_option = click.option(
    "--lang", type=click.Choice(["en", "ru", "zh"]), default="en", show_default=True, help="Report language."
)


@click.command("estimate")
@click.argument("source", type=ANY_PATH)
@click.option("--captures", type=ANY_PATH, default=None, help="secr-style captures table.")
@click.option("--traps", type=ANY_PATH, default=None, help="secr-style traps table with usage.")
@click.option("--mask", type=ANY_PATH, default=None, help="Habitat mask: x, y (and area_km2).")
@region_option
@region_crs_option
@click.option("--buffer", "buffer_m", type=float, default=None, help="Buffer around the stations, metres.")
@click.option("--cell", "cell_m", type=float, default=None, help="Cell of the mask, metres.")
@json_option
def estimate_command(
    source: Path,
    captures: Path | None,
    traps: Path | None,
    mask: Path | None,
    region: Path | None,
    region_crs: str | None,
    buffer_m: float | None,
    cell_m: float | None,
    as_json: bool,
) -> None:
    """Density and abundance with 95 % intervals.

    SOURCE is a survey, or secr-style tables: the common beginning of NAME.captures.csv,
    NAME.traps.csv (and NAME.mask.csv), or the folder that holds the files given by --captures
    and --traps. Exit code 2: the data cannot carry an estimate, and why.
    """
    options = {"region": region, "region_crs": region_crs, "buffer_m": buffer_m, "cell_m": cell_m}
    if workflows.is_survey(source):
        with workflows.open(source) as survey:
            found = workflows.estimate(survey, **options)  # type: ignore[arg-type]
    else:
        found = workflows.estimate_tables(
            source,
            captures=captures,
            traps=traps,
            mask=mask,
            **options,  # type: ignore[arg-type]
        )
    if as_json:
        summary = workflows.estimate_summary(found)
        print_json(summary | {"warnings": [f"{d.code}: {d.message}" for d in found.diagnostics]})
    else:
        print_estimate(found)


@click.command("report")
@click.argument("survey", type=ANY_PATH)
@click.option(
    "--folder", type=ANY_PATH, default=None, help="Where to; results/portrait in the survey by default."
)
@region_option
@region_crs_option
@lang_option
@json_option
def report_command(
    survey: Path, folder: Path | None, region: Path | None, region_crs: str | None, lang: str, as_json: bool
) -> None:
    """Write the portrait of SURVEY as it stands."""
    with workflows.open(survey) as opened:
        result = workflows.report(opened, folder=folder, region=region, region_crs=region_crs, lang=lang)
    print_portrait(result, as_json=as_json)


@click.command("portrait")
@click.argument("source", type=ANY_PATH)
@click.option(
    "--out", type=ANY_PATH, default=None, help="Folder for the survey of a package; here by default."
)
@region_option
@region_crs_option
@reading_options
@lang_option
@click.option("--processes", type=click.IntRange(min=1), default=None, help="Worker processes.")
@json_option
def portrait_command(
    source: Path,
    out: Path | None,
    region: Path | None,
    region_crs: str | None,
    lang: str,
    processes: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """The whole way without a person: import, identify, estimate, report.

    SOURCE is a survey, a Camtrap DP package, or a folder of photos with its tables. A package gets
    a survey of its own beside it; run again, the command goes on where it stopped.
    """
    with progress_bars(quiet=as_json) as progress:
        result = workflows.portrait(
            source,
            out=out,
            region=region,
            region_crs=region_crs,
            lang=lang,
            processes=processes,
            progress=progress,
            **reading(options),
        )
    print_portrait(result, as_json=as_json)


@click.command("demo")
@click.argument("folder", type=ANY_PATH, default=Path("ghostcat-demo"))
@click.option("--seed", type=int, default=None, help="Another seed is another forest.")
@lang_option
@click.option("--processes", type=click.IntRange(min=1), default=None, help="Worker processes.")
@json_option
def demo_command(folder: Path, seed: int | None, lang: str, processes: int | None, as_json: bool) -> None:
    """The whole way on a synthetic survey, made in FOLDER: photos in, population portrait out.

    Nothing is downloaded. Every animal, place and photo of it is synthetic.
    """
    with progress_bars(quiet=as_json) as progress:
        shown = workflows.demo(folder, seed=seed, lang=lang, processes=processes, progress=progress)
    if as_json:
        truth = {"abundance": shown.true_abundance, "photographed_usable": shown.true_photographed}
        print_json(workflows.summary(shown.result) | {"truth": truth})
        return
    click.secho("A synthetic survey: invented animals in an invented forest.", bold=True)
    print_portrait(shown.result, as_json=False, last_line=False)
    click.echo(
        f"The truth of this world: {shown.true_abundance} animals, "
        f"{shown.true_photographed} of them photographed with a usable flank."
    )
    click.secho(f"\nReport: {shown.result.report.html}", bold=True)


def print_portrait(result: workflows.PortraitResult, *, as_json: bool, last_line: bool = True) -> None:
    """The answer in a few lines; the report holds the rest."""
    if as_json:
        print_json(workflows.summary(result))
        return
    drawn = result.portrait
    click.echo(f"{drawn.title}: at least {drawn.minimum_count} animals known (a count, not an estimate)")
    from ghostcat.portrait import Estimate

    if isinstance(drawn.estimate, Estimate):
        print_estimate(drawn.estimate)
    else:
        click.secho(f"No estimate: {drawn.estimate.reason}. {drawn.estimate.fix}", fg="yellow")
    if drawn.questions:
        click.echo(f"{drawn.questions} pairs wait for a person: ghostcat review {result.survey}")
    if last_line:
        click.secho(f"Report: {result.report.html}", bold=True)


def print_estimate(found: Estimate) -> None:
    """The estimate as a table, then what its reader must know."""
    rows = [
        (f"N expected, {found.region}", *_cells(found.abundance, 1)),
        ("N realised, the same area", *_cells(found.realised, 1)),
        ("D per 100 km²", *_cells(found.density_per_100km2, 2)),
        ("sigma, m", *_cells(found.sigma_m, 0)),
        ("lambda0 per station-day", *_cells(found.lambda0, 4)),
    ]
    print_table(("", "estimate", "95 % interval", "SE"), rows)
    click.echo(
        f"{found.animals} animals, {found.detections} detections, {found.recaptures} recaptures "
        f"({found.spatial_recaptures} spatial), {found.stations} stations, "
        f"{found.station_days:.0f} station-days"
    )
    print_findings(found.diagnostics)


def _cells(interval: Interval, digits: int) -> tuple[str, str, str]:
    return (
        f"{interval.estimate:.{digits}f}",
        f"{interval.lower:.{digits}f}–{interval.upper:.{digits}f}",
        f"{interval.standard_error:.{digits}f}",
    )
