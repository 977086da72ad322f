"""Plan a survey: what a set of stations promises, and which sites to choose under a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ghostcat.errors import ParameterError
from ghostcat.formats.proposed_stations import ProposedStations, read_proposed_stations
from ghostcat.scr.power import detectable_change, power_to_detect_change
from ghostcat.scr.study import Animals, ExpectedSurvey, expected_survey, planning_mask
from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghostcat.scr.mask import Mask
    from ghostcat.scr.station_search import StationPlan
    from ghostcat.scr.study_simulation import StudySimulation

__all__ = [
    "ASSUMED",
    "DesignResult",
    "PlaceResult",
    "design_study",
    "design_summary",
    "place_stations",
    "place_summary",
    "write_plan",
]

#: Soft defaults for leopards where the user says nothing; shown as assumptions wherever they act.
ASSUMED: Mapping[str, float] = {"density": 1.0, "lambda0": 0.01, "sigma": 4000.0, "days": 90.0}

_CHANGES = (-0.5, -0.3, 0.3, 0.5)


@dataclass(frozen=True, kw_only=True, eq=False)
class DesignResult:
    """What a plan promises, and what was taken for granted."""

    stations: ProposedStations
    animals: tuple[Animals, ...]
    detector: str
    expected: ExpectedSurvey
    power: tuple[tuple[float, float], ...]
    """(relative change, power) pairs."""
    detectable: tuple[float, float]
    """Decline and increase found with 80 % power."""
    simulation: StudySimulation | None
    seed: int | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaceResult:
    """The sites that a search chose."""

    candidates: ProposedStations
    plan: StationPlan
    usage: NDArray[np.float64]
    seed: int
    findings: tuple[Finding, ...]


def design_study(
    stations: Path | str,
    *,
    animals: Sequence[Animals] = (),
    days: float | None = None,
    live: float = 1.0,
    detector: str = "count",
    occasions: int | None = None,
    crs: str | None = None,
    region: Path | str | None = None,
    region_crs: str | None = None,
    buffer_m: float | None = None,
    changes: Sequence[float] = (),
    simulate: int = 0,
    seed: int = 1,
    plot: Path | str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> DesignResult:
    """Expected n, r, moves, RSE of density and power of a proposed set of stations.

    Parameters
    ----------
    stations : table of places, see `read_proposed_stations`; its column `days` goes before `days`.
    animals : assumptions; leopard defaults when empty.
    days : station-days of each station.
    live : share of them that stations really work.
    changes : relative changes between two such surveys to give the power for.
    simulate : how many surveys to draw and estimate besides the formula; 0 for none.
    plot : file for the map of the plan (.png, .svg, .pdf).

    Raises
    ------
    InputError : the table or a number cannot be used.
    """
    table = read_proposed_stations(stations, crs=crs)
    assumed, notes = _assumptions(animals, days, table)
    usage = _usage(table, days, live)
    mask = _mask(table, assumed, region, region_crs, buffer_m)
    expected = expected_survey(
        table.xy_m, usage, animals=assumed, mask=mask, detector=detector, occasions=occasions
    )
    rse = expected.relative_standard_error
    chosen = tuple(changes) or _CHANGES
    finite = math.isfinite(rse)
    power = tuple((c, power_to_detect_change(c, rse).power) for c in chosen)
    simulation = None
    if simulate:
        from ghostcat.scr.study_simulation import simulate_study

        simulation = simulate_study(
            table.xy_m,
            usage,
            animals=assumed,
            surveys=simulate,
            rng=np.random.default_rng(seed),
            detector=detector,
            mask=mask if region is not None or buffer_m is not None else None,
            progress=None if progress is None else lambda done, total: progress("surveys", done, total),
        )
    if plot is not None:
        from ghostcat.scr.plots import plot_plan

        plot_plan(table.xy_m, expected).savefig(Path(plot), dpi=160)
    return DesignResult(
        stations=table,
        animals=assumed,
        detector=detector,
        expected=expected,
        power=power,
        detectable=detectable_change(rse) if finite else (-1.0, math.inf),
        simulation=simulation,
        seed=seed if simulate else None,
        findings=(*table.findings, *notes, *_warnings(table, expected, assumed)),
    )


def place_stations(
    candidates: Path | str,
    *,
    stations: int | None = None,
    budget: float | None = None,
    animals: Sequence[Animals] = (),
    days: float | None = None,
    live: float = 1.0,
    station_cost: float = 0.0,
    pair_cost: float | None = None,
    single_detection: float = 1.0,
    min_spacing_m: float = 0.0,
    excluded: Path | str | None = None,
    excluded_crs: str | None = None,
    crs: str | None = None,
    criterion: str = "min_n_r",
    starts: int = 4,
    seed: int = 1,
    plot: Path | str | None = None,
) -> PlaceResult:
    """Choose sites among candidates for the largest min(E(n), E(r)).

    Parameters
    ----------
    candidates : table of places; its column `cost` is what using the site costs, `fixed` keeps a site.
    stations, budget : at least one of the two limits the set.
    station_cost, pair_cost : cost of one camera, and of a pair, on top of the site's own; without
        `pair_cost` there is one way to equip a site.
    single_detection : detection rate of a single camera against that of a pair (the assumptions are
        those of a pair then).
    excluded : polygons where no station may stand.

    Raises
    ------
    InputError : the table or a number cannot be used; nothing limits the set.
    """
    from ghostcat.scr.station_search import StationOption, search_stations

    table = read_proposed_stations(candidates, crs=crs)
    assumed, notes = _assumptions(animals, days, table)
    usage = _usage(table, days, live)
    options = [StationOption(name="station", cost=station_cost)]
    if pair_cost is not None:
        single = StationOption(name="single", cost=station_cost, detection=single_detection)
        options = [single, StationOption(name="pair", cost=pair_cost)]
    cost = table.cost
    if not np.isnan(cost).all() and np.isnan(cost).any():
        at = int(np.flatnonzero(np.isnan(cost))[0])
        raise ParameterError(f"site {table.names[at]} has no cost", fix="Give every site a cost, or none.")
    per_site = np.zeros(len(cost)) if np.isnan(cost).all() else cost
    if budget is not None and not (per_site.any() or any(o.cost for o in options)):
        options = [replace(o, cost=1.0) for o in options]
        notes = (*notes, _note("cost_assumed", "no cost was given: every station costs 1 of the budget"))
    plan = search_stations(
        table.xy_m,
        usage,
        animals=assumed,
        rng=np.random.default_rng(seed),
        stations=stations,
        budget=budget,
        cost=per_site,
        options=options,
        min_spacing_m=min_spacing_m,
        excluded=_excluded(excluded, table.crs, excluded_crs),
        fixed=table.fixed,
        criterion=criterion,  # type: ignore[arg-type]
        starts=starts,
    )
    if plot is not None:
        from ghostcat.scr.plots import plot_plan

        rest = np.delete(table.xy_m, plan.chosen, axis=0)
        figure = plot_plan(
            table.xy_m[plan.chosen], plan.expected, unused_xy_m=rest, title="Which sites promise most?"
        )
        figure.savefig(Path(plot), dpi=160)
    return PlaceResult(
        candidates=table, plan=plan, usage=usage, seed=seed, findings=(*table.findings, *notes)
    )


def design_summary(result: DesignResult) -> dict[str, object]:
    """The answer as plain values for JSON."""
    decline, increase = result.detectable
    summary: dict[str, object] = {
        **_expected(result.expected),
        "assumptions": {
            "animals": [_animals(a) for a in result.animals],
            "detector": result.detector,
            "buffer_m": result.expected.mask.buffer_m,
            "cell_m": result.expected.mask.cell_m,
            "mask_area_km2": result.expected.mask.area_km2,
        },
        "power": [{"change": change, "power": power} for change, power in result.power],
        "detectable_change_80": {"decline": decline, "increase": increase},
        "per_station": [
            {"station": name, "expected_detections": float(value)}
            for name, value in zip(result.stations.names, result.expected.per_station, strict=True)
        ],
        "warnings": [f"{f.code}: {f.message}" for f in result.findings],
    }
    found = result.simulation
    if found is not None:
        summary["simulation"] = {
            "surveys": found.surveys,
            "seed": result.seed,
            "estimated": found.estimated,
            "refused": dict(found.refused),
            "n": found.animals,
            "r": found.recaptures,
            "spatial_recaptures": found.spatial_recaptures,
            "bias": found.bias,
            "bias_standard_error": found.bias_standard_error,
            "spread": found.spread,
            "rse": found.relative_standard_error,
            "rse_10_90": list(found.rse_quantiles),
            "coverage": found.coverage,
        }
    return summary


def place_summary(result: PlaceResult) -> dict[str, object]:
    """The chosen sites and what they promise, as plain values for JSON."""
    plan, table = result.plan, result.candidates
    grid = plan.grid_expected
    return {
        "chosen": [
            {
                "station": table.names[k],
                "x": float(table.xy_m[k, 0]),
                "y": float(table.xy_m[k, 1]),
                "option": option,
                "days": float(result.usage[k]),
            }
            for k, option in zip(plan.chosen, plan.options, strict=True)
        ],
        "crs": table.crs,
        "cost": plan.cost,
        "criterion": plan.criterion,
        "score": plan.score,
        **_expected(plan.expected),
        "grid": None
        if grid is None
        else {
            "stations": [table.names[k] for k in plan.grid_chosen],
            "cost": plan.grid_cost,
            "score": plan.grid_score,
            **_expected(grid),
        },
        "gain_over_grid": plan.gain,
        "excluded": [table.names[k] for k in plan.left_out],
        "seed": result.seed,
        "warnings": [f"{f.code}: {f.message}" for f in result.findings],
    }


def _expected(found: ExpectedSurvey) -> dict[str, object]:
    return {
        "stations": found.stations,
        "station_days": found.station_days,
        "n": found.animals,
        "r": found.recaptures,
        "m": found.moves,
        "spatial_recaptures": found.spatial_recaptures,
        "detections": found.detections,
        "rse": found.relative_standard_error,
        "limiting": found.limiting,
        "effective_area_km2": found.effective_area_km2,
    }


def _animals(kind: Animals) -> dict[str, object]:
    return {
        "density_per_100km2": kind.density_per_100km2,
        "lambda0": kind.lambda0,
        "sigma_m": kind.sigma_m,
        "detectfn": kind.detectfn,
        "z": kind.shape,
    }


def _assumptions(
    animals: Sequence[Animals], days: float | None, table: ProposedStations
) -> tuple[tuple[Animals, ...], tuple[Finding, ...]]:
    notes = []
    if not animals:
        animals = (
            Animals(
                density_per_100km2=ASSUMED["density"], lambda0=ASSUMED["lambda0"], sigma_m=ASSUMED["sigma"]
            ),
        )
        notes.append(
            _note(
                "animals_assumed",
                "density 1 per 100 km², λ0 0.01 per station-day and σ 4 km are assumed, as for Amur leopards",
                "Give --density, --lambda0 and --sigma of your animals, from a pilot survey if there is one.",
            )
        )
    if days is None and np.isnan(table.days).any():
        notes.append(_note("days_assumed", "90 days are assumed where the table gives none", "Give --days."))
    return tuple(animals), tuple(notes)


def _usage(table: ProposedStations, days: float | None, live: float) -> NDArray[np.float64]:
    if not 0.0 < live <= 1.0:
        raise ParameterError(f"live share is {live}, expected more than 0 and at most 1")
    if days is not None and not days > 0:
        raise ParameterError(f"days is {days}, expected more than 0")
    standard = ASSUMED["days"] if days is None else days
    return np.asarray(np.where(np.isnan(table.days), standard, table.days) * live * table.detection)


def _mask(
    table: ProposedStations,
    animals: tuple[Animals, ...],
    region: Path | str | None,
    region_crs: str | None,
    buffer_m: float | None,
) -> Mask:
    from ghostcat.scr.mask import Mask, make_mask

    width = min(a.sigma_m for a in animals) / 2.0
    reach = buffer_m or max(a.reach_m for a in animals)
    if region is None:
        if buffer_m is None:
            return planning_mask(table.xy_m, animals)
        return make_mask(table.xy_m, buffer_m=reach, cell_m=min(width, reach / 4.0))
    from ghostcat.workflows.regions import read_region

    where = read_region(region, survey_crs=table.crs or "EPSG:32631", region_crs=region_crs)
    if where.cells_xy_m is not None and where.cell_area_km2 is not None:
        return Mask(where.cells_xy_m, where.cell_area_km2)
    return make_mask(table.xy_m, buffer_m=reach, cell_m=width, region=where.polygon)


def _excluded(path: Path | str | None, crs: str, own_crs: str | None) -> object | None:
    if path is None:
        return None
    from ghostcat.workflows.regions import read_region

    where = read_region(path, survey_crs=crs or "EPSG:32631", region_crs=own_crs)
    if where.polygon is None:
        raise ParameterError("the excluded area is a table of cells", where=str(path), fix="Give polygons.")
    return where.polygon


def _warnings(
    table: ProposedStations, expected: ExpectedSurvey, animals: tuple[Animals, ...]
) -> tuple[Finding, ...]:
    found = []
    rse = expected.relative_standard_error
    if expected.recaptures < 10 or rse > 0.3:
        found.append(
            Finding(
                code="too_few_expected",
                severity="warning",
                message=f"the plan promises {expected.animals:.1f} animals and {expected.recaptures:.1f} "
                f"recaptures: RSE about {100 * rse:.0f} %",
                fix="More days or more stations within reach of each animal bring recaptures; a wider "
                "area brings animals.",
            )
        )
    if len(table.xy_m) > 1:
        from ghostcat.scr.mask import neighbour_distance

        widest = max(a.sigma_m for a in animals)
        gap = neighbour_distance(table.xy_m)
        if gap > 2.5 * widest:
            found.append(
                Finding(
                    code="stations_far_apart",
                    severity="warning",
                    message=f"neighbouring stations are {gap / 1000:.1f} km apart, {gap / widest:.1f} σ: "
                    "hardly any animal will be seen at two",
                    fix="Bring them to 1 to 2 σ of each other.",
                )
            )
    return tuple(found)


def _note(code: str, message: str, fix: str = "") -> Finding:
    return Finding(code=code, severity="note", message=message, fix=fix)


def write_plan(result: PlaceResult, path: Path | str) -> Path:
    """Write the chosen sites as a table that `design_study` reads again."""
    from ghostcat.formats.text_output import write_table

    table, plan = result.candidates, result.plan
    factor = {option.name: option.detection for option in plan.ways}
    rows = (
        (
            table.names[k],
            round(float(table.xy_m[k, 0]), 2),
            round(float(table.xy_m[k, 1]), 2),
            float(result.usage[k]),
            factor[option],
            option,
        )
        for k, option in zip(plan.chosen, plan.options, strict=True)
    )
    return write_table(Path(path), ["station", "x", "y", "days", "detection", "option"], rows)
