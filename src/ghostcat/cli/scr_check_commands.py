"""`ghostcat scr prepare`, `check` and `compare`: from tables to a problem, and whether to believe a fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ghostcat.cli.output import json_option, print_json, print_table, progress_bars

_FOLDER = click.Path(exists=True, file_okay=False)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("check")
@click.argument("folder", type=_FOLDER)
@click.argument("specification", type=_FILE)
@click.option(
    "--draws", type=click.IntRange(min=2), default=200, show_default=True, help="Monte-Carlo draws."
)
@click.option("--profile", "profiles", multiple=True, help="Coefficient to give a profile interval for.")
@click.option("--refits", type=click.IntRange(min=0), default=0, help="Surveys to simulate and refit.")
@click.option(
    "--one-population", "same_animals", is_flag=True, help="The sessions are surveys of the same animals."
)
@click.option("--seed", type=int, default=1, show_default=True)
@json_option
def check_command(folder: str, specification: Path, as_json: bool, **options: Any) -> None:
    """Test the fit of a SPECIFICATION: goodness of fit, overdispersion, closure, profiles."""
    from ghostcat.workflows.scr_checking import scr_check
    from ghostcat.workflows.scr_fitting import read_specification

    with progress_bars(quiet=as_json) as progress:
        found = scr_check(folder, read_specification(specification), progress=progress, **options)
    if as_json:
        print_json(found)
        return
    _print_part("goodness of fit", found["fit"], "tests", ("test", "observed", "simulated", "p"))
    for row in found["overdispersion"]:
        click.echo(row.get("refused") or f"overdispersion ĉ {row['c_hat']:.2f}")
    if isinstance(found["captures"], list):
        _print_rows(found["captures"], ("statistic", "observed", "expected", "lower", "upper", "p"))
    for row in found["closure"]:
        click.echo(row.get("refused") or f"session {row['session']}: {row['says']}")
    for row in found["profiles"]:
        click.echo(
            row.get("refused")
            or f"{row['name']}: {row['estimate']:.4f}, 95 % profile {row['lcl']:.4f} to {row['ucl']:.4f}"
        )
    if "one_population" in found:
        part = found["one_population"]
        click.echo(
            part.get("refused")
            or f"one population: expected N {part['E.N']['estimate']:.1f} "
            f"({part['E.N']['lcl']:.1f} to {part['E.N']['ucl']:.1f}), realised "
            f"{part['R.N']['lcl']:.0f} to {part['R.N']['ucl']:.0f}; errors {part['inflation']:.2f} times "
            "those of independent surveys"
        )
    if "bootstrap" in found:
        _print_part("bootstrap", found["bootstrap"], "beta", ("name", "bias", "SE", "lcl", "ucl"))


@click.command("compare")
@click.argument("folder", type=_FOLDER)
@click.argument("specifications", type=_FILE, nargs=-1, required=True)
@json_option
def compare_command(folder: str, specifications: tuple[Path, ...], as_json: bool) -> None:
    """Fit several SPECIFICATIONS to one problem and rank them by AICc."""
    from ghostcat.workflows.scr_checking import scr_compare
    from ghostcat.workflows.scr_fitting import read_specification

    found = scr_compare(folder, {p.stem: read_specification(p) for p in specifications})
    if as_json:
        print_json(found)
        return
    _print_rows(found["models"], ("name", "model", "npar", "loglik", "aicc", "delta", "weight"))
    for row in found["refused"]:
        click.secho(f"{row['name']}: {row['refused']}", fg="yellow", err=True)


def _print_part(title: str, part: dict[str, Any], rows: str, columns: tuple[str, ...]) -> None:
    click.secho(title, bold=True)
    if "refused" in part:
        click.echo(part["refused"])
        return
    _print_rows(part[rows], columns)
    if "says" in part:
        click.echo(part["says"])


def _print_rows(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    print_table(
        columns,
        [[f"{row[c]:.4g}" if isinstance(row[c], float) else row[c] for c in columns] for row in rows],
    )


@click.command("prepare")
@click.argument("source", type=click.Choice(["secr", "oscr", "camtrapr", "survey"]))
@click.argument("paths", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the problem.")
@click.option("--name", default="survey", show_default=True, help="Name of the problem.")
@click.option("--buffer", "buffer_m", type=float, default=None, help="Buffer of the mask, metres.")
@click.option("--cell", "cell_m", type=float, default=None, help="Cell of the mask, metres.")
@click.option("--mask", type=click.Path(exists=True, path_type=Path), default=None, help="Table of cells.")
@click.option("--kind", type=click.Choice(["count", "proximity", "multi", "single"]), default=None)
@click.option("--crs", default=None, help="Projected coordinate system, EPSG:….")
@click.option("--unit-m", type=float, default=1.0, help="Metres in a unit of oSCR coordinates.")
@click.option("--species", default=None, help="Species of camtrapR records.")
@click.option("--occasion-days", type=click.IntRange(min=1), default=1, help="Length of an occasion.")
@click.option("--session", default=None, help="Session of secr or camtrapR tables.")
@json_option
def prepare_command(source: str, paths: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Make a problem for `scr fit` of tables that others keep, or of a survey.

    secr: captures and traps. oscr: edf, then one tdf a session. camtrapr: stations, then individual
    records. survey: a ghostcat survey.
    """
    from ghostcat.cli.output import print_findings
    from ghostcat.workflows.scr_preparing import prepare_scr

    found = prepare_scr(source, paths, **options)  # type: ignore[arg-type]
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{found.animals} animals, {found.detections} detections, {found.sessions} session(s), "
        f"{found.mask_cells} mask cells"
    )
    print_findings(found.findings)
    click.echo(f"ghostcat scr fit {options['out']} {found.specification}")
