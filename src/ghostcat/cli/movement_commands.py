"""`ghostcat movement`: models, ranges and crossings of collared animals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ghostcat.cli.output import json_option, print_findings, print_json, print_table
from ghostcat.workflows import movement as workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghostcat.movement import Crossings, Estimate, MotionFit, Track

FILE = click.Path(path_type=Path, dir_okay=False)
KM2 = 1e6


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which animal, which projection, and what counts as an error of the collar."""
    for option in (
        click.option("--animal", default=None, help="Only this animal of the file."),
        click.option("--crs", default="", help="Projection of x and y (EPSG:…), or to bring degrees into."),
        click.option("--max-speed", "max_speed_m_s", default=10.0, show_default=True, help="In m/s."),
        click.option("--max-dop", default=10.0, show_default=True, help="Largest dilution of precision."),
        click.option(
            "--range-error", "range_error_m", type=float, default=None,
            help="Range error of the collar in metres at DOP 1; without it fixes count as exact.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("movement")
def movement_command() -> None:
    """Collared animals: how they move, where they live, where they cross."""


@movement_command.command("loglik")
@click.argument("track", type=FILE)
@click.option("--model", type=click.Choice(["IID", "OU", "OUf", "OUF"]), default="OUF", show_default=True)
@click.option("--anisotropic/--isotropic", default=False, help="Shape of the range.")
@click.option("--tau-position", type=float, default=None, metavar="S", help="Seconds.")
@click.option("--tau-velocity", type=float, default=None, metavar="S", help="Seconds.")
@click.option("--sigma", default=None, metavar="XX,XY,YY", help="Covariance, m²; of the sample by default.")
@reading_options
@json_option
def loglik_command(
    track: Path,
    model: Any,
    anisotropic: bool,
    tau_position: float | None,
    tau_velocity: float | None,
    sigma: str | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Log-likelihood of TRACK at fixed time constants."""
    loaded = workflow.load_tracks(track, **reading)
    answers = [
        workflow.track_log_likelihood(
            one, model=model, isotropic=not anisotropic, tau_position_s=tau_position,
            tau_velocity_s=tau_velocity,
            covariance_m2=_covariance(sigma),
        )
        for one in loaded.tracks
    ]  # fmt: skip
    documents = [
        {
            "animal": answer.animal, "n": answer.fixes, "model": model, "isotropic": not anisotropic,
            "tau_s": {"position": tau_position, "velocity": tau_velocity},
            "loglik": answer.profiled if sigma is None else answer.log_likelihood,
            "loglike_fixed_sigma": answer.log_likelihood, "loglike_profiled": answer.profiled,
            "sigma": answer.covariance_m2, "sigma_hat": answer.best_covariance_m2, "mu_hat": answer.mean_xy_m,
        }
        for answer in answers
    ]  # fmt: skip
    if as_json:
        print_json(documents[0] if len(documents) == 1 else {"tracks": documents})
        return
    print_table(
        ("animal", "fixes", "log-likelihood at the sample's covariance", "at the best covariance"),
        [(a.animal, a.fixes, f"{a.log_likelihood:.6f}", f"{a.profiled:.6f}") for a in answers],
    )


def _covariance(text: str | None) -> list[list[float]] | None:
    if text is None:
        return None
    try:
        xx, xy, yy = (float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter("give three numbers, as 2.9e7,1.4e6,1.3e7", param_hint="--sigma") from None
    return [[xx, xy], [xy, yy]]


@movement_command.command("fit")
@click.argument("track", type=FILE)
@click.option("--method", type=click.Choice(["pHREML", "ML"]), default="pHREML", show_default=True)
@click.option("--weighted", is_flag=True, help="Weigh fixes by what they add (irregular sampling).")
@reading_options
@json_option
def fit_command(track: Path, method: str, weighted: bool, as_json: bool, **reading: Any) -> None:
    """Choose a movement model for each animal of TRACK and estimate its range."""
    loaded = workflow.load_tracks(track, **reading)
    fitted = workflow.fit_tracks(loaded.tracks, method=method, weighted=weighted)
    if as_json:
        documents = [_fit_document(one, loaded.removed[one.track.name]) for one in fitted]
        print_json(documents[0] if len(documents) == 1 else {"tracks": documents})
        return
    for one in fitted:
        _print_fit(one, loaded.removed[one.track.name])
    print_findings(loaded.findings)


def _fit_document(one: workflow.FittedTrack, removed: Any) -> dict[str, object]:
    best = one.selection.best
    return {
        "animal": one.track.name,
        "n": len(one.track),
        "duration_s": best.duration_s,
        "crs": one.track.crs,
        "removed": [{"row": fix.row, "code": fix.code, "reason": fix.reason} for fix in removed],
        "model": best.name,
        "model_selected": best.name,
        "method": best.method,
        "isotropic": best.isotropic,
        "converged": best.converged,
        "tau_s": _taus(best),
        "tau_position_s": best.tau_position_s,
        "tau_velocity_s": best.tau_velocity_s,
        "sigma_matrix": best.covariance_m2,
        "mu": best.mean_xy_m,
        "loglike": best.log_likelihood,
        "AIC": best.aic,
        "AICc": best.aicc,
        "fit_ML_same_model": {
            "tau_s": {
                "position": best.maximum.tau_position_s,
                "velocity": best.maximum.tau_velocity_s,
            },
            "sigma_matrix": best.maximum_covariance_m2,
            "loglike": best.maximum_log_likelihood,
        },
        "models": {
            fit.name: {"AICc": fit.aicc, "AIC": fit.aic, "loglike": fit.log_likelihood, "k": fit.parameters}
            for fit in one.selection.fits
        },
        "DOF": {"mean": best.dof_mean, "area": best.dof_area},
        "resident": best.resident,
        "warnings": best.warnings,
        "speed_m_per_s": best.speed_m_s,
        "gaussian_area_km2": best.gaussian_area_km2,
        "akde": None if one.akde is None else _akde_document(one.akde),
        "akde_refused": one.refusal or None,
    }


def _taus(fit: MotionFit) -> dict[str, float | None]:
    return {"position": fit.motion.tau_position_s, "velocity": fit.motion.tau_velocity_s}


def _akde_document(kernel: Any) -> dict[str, object]:
    document: dict[str, object] = {
        "DOF": {"area": kernel.dof_area},
        "H": kernel.bandwidth_m2,
        "bias": kernel.bias,
    }
    for level in (0.95, 0.5):
        area: Estimate = kernel.area_km2(level)
        document[f"area{100 * level:.0f}_km2"] = area
        document[f"area{100 * level:.0f}_m2"] = {
            "low": area.lower * KM2,
            "est": area.estimate * KM2,
            "high": area.upper * KM2,
        }
    return document


def _print_fit(one: workflow.FittedTrack, removed: Any) -> None:
    best = one.selection.best
    click.secho(f"{one.track.name}: {len(one.track)} fixes in {best.duration_s / 86400:.0f} days", bold=True)
    for fix in removed:
        click.echo(f"  left out, row {fix.row}: {fix.reason}")
    click.echo(f"  model {best.name}, estimated by {best.method}")
    if best.tau_position_s:
        click.echo(f"  crosses its range in {_span(best.tau_position_s)}")
    if best.tau_velocity_s:
        click.echo(f"  keeps its direction for {_span(best.tau_velocity_s)}")
    click.echo(f"  effective sample size of the range: {best.dof_area:.1f}")
    if one.akde is None:
        click.secho(f"  no range: {one.refusal}", fg="yellow")
        return
    area = one.akde.area_km2()
    click.echo(f"  95 % range: {area.estimate:.1f} km² ({area.lower:.1f}–{area.upper:.1f})")
    for warning in best.warnings:
        click.secho(f"  {warning}", fg="yellow")


def _span(value: Estimate) -> str:
    unit, size = ("days", 86400.0) if value.estimate > 172_800 else ("hours", 3600.0)
    return f"{value.estimate / size:.1f} {unit} ({value.lower / size:.1f}–{value.upper / size:.1f})"


@movement_command.command("crossings")
@click.argument("track", type=FILE)
@click.option(
    "--lines", type=FILE, required=True, help="Roads, rivers, borders or fences (GeoJSON, GeoPackage)."
)
@click.option("--lines-crs", default=None, help="Where the layer does not say it.")
@click.option(
    "--by", "name_column", default=None, help="Column of the layer that tells classes of lines apart."
)
@click.option("--draws", default=200, show_default=True, type=click.IntRange(min=10))
@click.option("--seed", default=1, show_default=True)
@click.option("--utc-offset", "utc_offset_hours", default=0.0, help="Hours, for the hours of the day.")
@reading_options
@json_option
def crossings_command(
    track: Path,
    lines: Path,
    lines_crs: str | None,
    name_column: str | None,
    draws: int,
    seed: int,
    utc_offset_hours: float,
    as_json: bool,
    **reading: Any,
) -> None:
    """Where and how often the animals of TRACK cross lines, by bridged paths instead of straight steps."""
    loaded = workflow.load_tracks(track, **reading)
    found = [
        workflow.track_crossings(
            one,
            lines,
            lines_crs=lines_crs,
            name_column=name_column,
            draws=draws,
            seed=seed,
            utc_offset_hours=utc_offset_hours,
        )
        for one in loaded.tracks
    ]
    if as_json:
        documents = [_crossings_document(one, crossings) for crossings, one in found]
        print_json(documents[0] if len(documents) == 1 else {"tracks": documents})
        return
    for crossings, one in found:
        _print_crossings(one, crossings)


def _crossings_document(track: Track, found: Crossings) -> dict[str, object]:
    places = workflow.to_degrees(track, [crossing.xy_m for crossing in found.crossings])
    return {
        "animal": track.name,
        "crossings": [
            {
                "line": crossing.line,
                "after_fix": crossing.after_fix,
                "time": datetime.fromtimestamp(crossing.time_s, UTC),
                "x_m": crossing.xy_m[0],
                "y_m": crossing.xy_m[1],
                "lon": place[0],
                "lat": place[1],
                "radius90_m": crossing.radius_m,
                "probability": crossing.probability,
            }
            for crossing, place in zip(found.crossings, places, strict=True)
        ],
        "rates": found.rates,
        "total": found.total,
        "straight_steps_touching": found.straight,
        "days_bridged": found.days_bridged,
        "gaps_left_out": found.gaps_left_out,
        "draws": found.draws,
    }


def _print_crossings(track: Track, found: Crossings) -> None:
    total = found.total
    click.secho(f"{track.name}: {found.days_bridged:.0f} days bridged", bold=True)
    click.echo(
        f"  {total.estimate:.0f} crossings ({total.lower:.0f}–{total.upper:.0f}); "
        f"straight steps would say {found.straight}"
    )
    rows = [
        (r.name, f"{r.crossings.estimate:.1f} ({r.crossings.lower:.0f}–{r.crossings.upper:.0f})",
         f"{r.per_day.estimate:.3f} ({r.per_day.lower:.3f}–{r.per_day.upper:.3f})", f"{r.length_km:.1f}")
        for r in found.rates
    ]  # fmt: skip
    print_table(("lines", "crossings", "per day", "km"), rows)
