"""`ghostcat landscape`: circuits of a landscape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ghostcat.cli.output import json_option, print_json, progress_bars

if TYPE_CHECKING:
    from ghostcat.landscape.solver import Forecast

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
WORTH_A_WORD = 200_000


@click.group("landscape")
def landscape_command() -> None:
    """The land: how freely it lets animals through."""


@landscape_command.command("circuit")
@click.argument("job", type=FILE)
@click.option("--out", "folder", type=FOLDER, required=True, help="Where the maps and tables go.")
@json_option
def circuit_command(job: Path, folder: Path, as_json: bool) -> None:
    """Run the job JOB (.ini) of Circuitscape or Omniscape as it is, and write the files they would write."""
    from ghostcat.workflows.circuits import run_circuit_job
    from ghostcat.workflows.moving_windows import is_moving_window_job, run_moving_window_job

    with progress_bars(quiet=as_json) as progress:
        if is_moving_window_job(job):
            windows = run_moving_window_job(job, folder, progress=progress)
            if as_json:
                print_json(windows)
            else:
                click.echo(f"omnidirectional: {windows.cells} cells, {windows.targets} targets")
                click.echo(f"Wrote {len(windows.written)} files into {folder}")
            return
        result = run_circuit_job(job, folder, progress=progress, announce=_announce)
    if as_json:
        print_json(result)
        return
    click.echo(f"{result.scenario}: {result.cells} cells, {result.nodes} nodes")
    for first, second, value in result.resistances:
        pair = f"{first}" if first == second else f"{first} – {second}"
        click.echo(f"  {pair}: {'not connected' if value == -1 else f'{value:.6g} ohm'}")
    click.echo(f"Wrote {len(result.written)} files into {folder}")


def _announce(forecast: Forecast, cells: int) -> None:
    """Say what a landscape will take before it starts; small ones start at once."""
    if cells < WORTH_A_WORD:
        return
    how = "exactly" if forecast.solver == "exact" else "by multigrid"
    click.echo(
        f"{cells:,} cells are solved {how}: about {forecast.memory_gb:.1f} GB "
        f"and {forecast.cpu_s:.0f} s of one core",
        err=True,
    )
    if forecast.solver == "multigrid":
        click.echo(f"(an exact factor would take {forecast.exact_memory_gb:.1f} GB)", err=True)
