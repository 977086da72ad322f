"""`ghostcat scr design` and `ghostcat scr place`: plan a survey before it costs anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from ghostcat.cli.output import json_option, print_findings, print_json, print_table, progress_bars

ANY_PATH = click.Path(path_type=Path)
_FUNCTIONS = ("HN", "HR", "EX", "HHN", "HHR", "HEX", "HCG")


def animal_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say what is assumed of the animals, given to the command as `animals`, and of the work."""

    @wraps(command)
    def with_animals(
        *arguments: Any,
        density: float | None,
        lambda0: float | None,
        g0: float | None,
        sigma_m: float | None,
        detectfn: str,
        shape: float | None,
        classes: tuple[str, ...],
        **options: Any,
    ) -> None:
        animals = _animals(density, lambda0, g0, sigma_m, detectfn, shape, classes)
        command(*arguments, animals=animals, **options)

    decorated: Callable[..., None] = with_animals
    for option in reversed(
        (
            click.option("--density", type=float, default=None, help="Animals per 100 km²."),
            click.option(
                "--lambda0", type=float, default=None, help="Detections per station-day at distance 0."
            ),
            click.option("--g0", type=float, default=None, help="In place of --lambda0 for HN, HR, EX."),
            click.option("--sigma", "sigma_m", type=float, default=None, help="Scale of movement, metres."),
            click.option("--detectfn", type=click.Choice(_FUNCTIONS), default="HHN", show_default=True),
            click.option("--z", "shape", type=float, default=None, help="Shape of HR, HHR and HCG."),
            click.option(
                "--class",
                "classes",
                multiple=True,
                metavar="D:LAMBDA0:SIGMA",
                help="A class of animals (a sex) with its own numbers; again for the next class.",
            ),
            click.option("--days", type=float, default=None, help="Station-days of each station."),
            click.option(
                "--live", type=float, default=1.0, show_default=True, help="Share that really works."
            ),
            click.option("--crs", default=None, help="Projected coordinate system, EPSG:…."),
        )
    ):
        decorated = option(decorated)
    return decorated


@click.command("design")
@click.argument("stations", type=ANY_PATH)
@animal_options
@click.option(
    "--detector", type=click.Choice(["count", "proximity", "multi"]), default="count", show_default=True
)
@click.option("--occasions", type=click.IntRange(min=1), default=None, help="For proximity and multi.")
@click.option("--region", type=ANY_PATH, default=None, help="Where animals live: polygons or mask cells.")
@click.option("--region-crs", default=None, help="Coordinate system of --region.")
@click.option("--buffer", "buffer_m", type=float, default=None, help="Reach beyond the stations, metres.")
@click.option("--change", "changes", type=float, multiple=True, help="Relative change to give the power for.")
@click.option("--simulate", type=click.IntRange(min=0), default=0, help="Surveys to draw and estimate.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--plot", type=ANY_PATH, default=None, help="Write the map of the plan to this file.")
@json_option
def design_command(
    stations: Path,
    as_json: bool,
    animals: tuple[Any, ...],
    simulate: int,
    **options: Any,
) -> None:
    """What would these STATIONS bring? Animals, recaptures, margin of error, power.

    STATIONS is a table with x, y (metres) or lon, lat, and perhaps station and days.
    """
    from ghostcat.workflows.scr_design import design_study, design_summary

    with progress_bars(quiet=as_json or not simulate) as progress:
        result = design_study(stations, animals=animals, simulate=simulate, progress=progress, **options)
    summary = design_summary(result)
    if as_json:
        print_json(summary)
        return
    _print_expected(summary)
    for row in summary["power"]:  # type: ignore[attr-defined]
        click.echo(f"power to find a change of {100 * row['change']:+.0f} %: {row['power']:.2f}")
    decline, increase = result.detectable
    click.echo(f"found with power 0.8: a change of {100 * decline:.0f} % or of {100 * increase:+.0f} %")
    simulation = result.simulation
    if simulation is not None:
        click.echo(
            f"{simulation.surveys} simulated surveys: {simulation.estimated} estimated, bias of density "
            f"{100 * simulation.bias:+.1f} ± {100 * simulation.bias_standard_error:.1f} %, "
            f"RSE {simulation.relative_standard_error:.2f} (really {simulation.spread:.2f}), "
            f"95 % intervals cover {100 * simulation.coverage:.0f} %"
        )
    print_findings(result.findings)


@click.command("place")
@click.argument("candidates", type=ANY_PATH)
@animal_options
@click.option("--stations", type=click.IntRange(min=1), default=None, help="At most this many stations.")
@click.option("--budget", type=float, default=None, help="Total cost at most this.")
@click.option("--station-cost", type=float, default=0.0, help="Cost of a station on top of the site's own.")
@click.option("--pair-cost", type=float, default=None, help="Cost of a station with two cameras.")
@click.option(
    "--single-detection", type=float, default=1.0, help="Detection by one camera against a pair, 0 to 1."
)
@click.option("--min-spacing", "min_spacing_m", type=float, default=0.0, help="Least distance, metres.")
@click.option("--exclude", "excluded", type=ANY_PATH, default=None, help="Polygons without stations.")
@click.option("--exclude-crs", "excluded_crs", default=None, help="Coordinate system of --exclude.")
@click.option(
    "--criterion",
    type=click.Choice(["min_n_r", "animals", "recaptures"]),
    default="min_n_r",
    show_default=True,
    help="min_n_r makes the expected RSE of density as small as possible.",
)
@click.option("--starts", type=click.IntRange(min=1), default=4, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=ANY_PATH, default=None, help="Write the chosen sites as a table.")
@click.option("--plot", type=ANY_PATH, default=None, help="Write the map of the plan to this file.")
@json_option
def place_command(
    candidates: Path,
    as_json: bool,
    animals: tuple[Any, ...],
    out: Path | None,
    **options: Any,
) -> None:
    """Which of these CANDIDATES should get a station?

    CANDIDATES is a table with x, y (metres) or lon, lat, and perhaps station, cost, days and fixed.
    """
    from ghostcat.workflows.scr_design import place_stations, place_summary, write_plan

    result = place_stations(candidates, animals=animals, **options)
    if out is not None:
        write_plan(result, out)
    summary = place_summary(result)
    if as_json:
        print_json(summary)
        return
    _print_expected(summary)
    grid = result.plan.grid_expected
    if grid is not None:
        click.echo(
            f"the best regular grid for the same money: n {grid.animals:.1f}, r {grid.recaptures:.1f}, RSE "
            f"{grid.relative_standard_error:.2f}; the search gains {100 * result.plan.gain:+.0f} %"
        )
    click.echo(f"cost {result.plan.cost:g}; sites: " + ", ".join(c["station"] for c in summary["chosen"]))  # type: ignore[attr-defined]
    print_findings(result.findings)


def _print_expected(summary: dict[str, object]) -> None:
    rows = [
        ("stations", f"{summary['stations']}"),
        ("station-days", f"{summary['station_days']:.0f}"),
        ("animals detected, E(n)", f"{summary['n']:.1f}"),
        ("recaptures, E(r)", f"{summary['r']:.1f}"),
        ("moves between stations, E(m)", f"{summary['m']:.1f}"),
        ("RSE of density, planning rule", f"{summary['rse']:.3f}"),
        ("limited by", f"{summary['limiting']}"),
    ]
    print_table(("expected", ""), rows)


def _animals(
    density: float | None,
    lambda0: float | None,
    g0: float | None,
    sigma_m: float | None,
    detectfn: str,
    shape: float | None,
    classes: tuple[str, ...],
) -> tuple[Any, ...]:
    """The assumptions as the plan takes them; nothing given leaves the defaults to the workflow."""
    from ghostcat.scr.detection import DetectionFunction
    from ghostcat.scr.study import Animals
    from ghostcat.workflows.scr_design import ASSUMED

    assert detectfn in get_args(DetectionFunction)
    z = float("nan") if shape is None else shape
    common: dict[str, Any] = {"detectfn": detectfn, "shape": z}
    if classes:
        if any(v is not None for v in (density, lambda0, g0, sigma_m)):
            raise click.UsageError("Give --class, or --density, --lambda0 and --sigma, not both.")
        return tuple(Animals(**_class_numbers(text), **common) for text in classes)
    if lambda0 is not None and g0 is not None:
        raise click.UsageError("Give --lambda0 or --g0, not both.")
    top = lambda0 if g0 is None else g0
    if all(v is None for v in (density, top, sigma_m)) and detectfn == "HHN":
        return ()
    return (
        Animals(
            density_per_100km2=ASSUMED["density"] if density is None else density,
            lambda0=ASSUMED["lambda0"] if top is None else top,
            sigma_m=ASSUMED["sigma"] if sigma_m is None else sigma_m,
            **common,
        ),
    )


def _class_numbers(text: str) -> dict[str, Any]:
    parts = text.split(":")
    try:
        density, lambda0, sigma_m = (float(p) for p in parts)
    except ValueError:
        raise click.BadParameter(
            f"{text!r}; write density:lambda0:sigma, for example 0.55:0.012:3500"
        ) from None
    return {"density_per_100km2": density, "lambda0": lambda0, "sigma_m": sigma_m}
