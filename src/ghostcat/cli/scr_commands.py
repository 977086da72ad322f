"""`ghostcat scr`: fit models that a file specifies, and plan surveys."""

from __future__ import annotations

import os
from importlib import import_module

import click

from ghostcat.cli.output import json_option, print_json

__all__ = ["scr_command"]

# Matrices here are small: threads of the linear algebra would wait for each other and burn CPU time. It reads
# this when it is loaded, which is later than here.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

#: Commands of other modules, imported when they are called.
_ELSEWHERE = {
    "design": ("scr_design_commands", "design_command"),
    "place": ("scr_design_commands", "place_command"),
    "check": ("scr_check_commands", "check_command"),
    "compare": ("scr_check_commands", "compare_command"),
    "prepare": ("scr_check_commands", "prepare_command"),
}


class _ScrCommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_ELSEWHERE]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _ELSEWHERE:
            return super().get_command(ctx, name)
        module, attribute = _ELSEWHERE[name]
        command = getattr(import_module(f"ghostcat.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_ScrCommands)
def scr_command() -> None:
    """Spatial capture–recapture: models from a specification, and the design of surveys."""


@scr_command.command("loglik")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.argument("specification", type=click.Path(exists=True, dir_okay=False))
@json_option
def loglik_command(folder: str, specification: str, as_json: bool) -> None:
    """Log-likelihood at the β of a specification's list LLat.

    FOLDER holds the problem that the specification names as `data`.
    """
    from ghostcat.workflows.scr_fitting import read_specification, scr_log_likelihood

    found = scr_log_likelihood(folder, read_specification(specification))
    if as_json:
        print_json(found)
        return
    click.echo(", ".join(found["beta_names"]))
    for value in found["loglik"]:
        click.echo(f"{value:.9f}")


@scr_command.command("fit")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.argument("specification", type=click.Path(exists=True, dir_okay=False))
@json_option
def fit_command(folder: str, specification: str, as_json: bool) -> None:
    """Fit the model of a specification.

    FOLDER holds the problem that the specification names as `data`. Exit code 2: the data cannot carry it.
    """
    from ghostcat.workflows.scr_fitting import read_specification, scr_fit

    found = scr_fit(folder, read_specification(specification))
    if as_json:
        print_json(found)
        return
    from ghostcat.cli.output import print_table

    state = "converged" if found["converged"] else f"not converged: {found['convergence']['reason']}"
    click.echo(f"log-likelihood {found['loglik']:.4f}, AIC {found['aic']:.2f}, {state}")
    rows = [
        (
            f"{row['name']} {' '.join(row['stratum'].values())}".strip(),
            *(f"{row[key]:.6g}" for key in ("estimate", "SE", "lcl", "ucl")),
        )
        for row in (*found["real"], *found["derived"], *found["region.N"])
    ]
    print_table(("quantity", "estimate", "standard error", "lower", "upper"), rows)
    for warning in found["warnings"]:
        click.secho(warning, fg="yellow", err=True)
