"""From an encounter history, or from secr-style tables, to density and abundance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import InputError
from ghostcat.portrait import DensitySurface, Estimate, Interval
from ghostcat.survey import Survey
from ghostcat.survey.evidence import Finding
from ghostcat.survey.history import EncounterHistory, encounter_history
from ghostcat.workflows.opening import open
from ghostcat.workflows.regions import Region, read_region

if TYPE_CHECKING:
    from ghostcat import scr

__all__ = ["estimate", "estimate_history", "estimate_tables"]

MODEL = "spatial capture–recapture: hazard half-normal, Poisson counts, constant density"


def estimate(
    survey: str | Path | Survey,
    *,
    region: str | Path | None = None,
    region_crs: str | None = None,
    buffer_m: float | None = None,
    cell_m: float | None = None,
) -> Estimate:
    """Density and abundance of a survey as it stands.

    Parameters
    ----------
    survey : a survey folder or an open survey, with identities.
    region : polygons, or the cells of a habitat mask (see `read_region`).
    buffer_m, cell_m : of the state space; chosen and checked by default.

    Raises
    ------
    EstimateRefused : the data cannot carry an estimate; `code` says which way.
    """
    history = encounter_history(open(survey).snapshot())
    where = None if region is None else read_region(region, survey_crs=history.crs, region_crs=region_crs)
    return estimate_history(history, region=where, buffer_m=buffer_m, cell_m=cell_m)


def estimate_history(
    history: EncounterHistory,
    *,
    region: Region | None = None,
    buffer_m: float | None = None,
    cell_m: float | None = None,
) -> Estimate:
    """Density and abundance from an encounter history; see `estimate`."""
    from ghostcat import scr

    data = scr.ScrData(
        history.counts(),
        history.station_days,
        history.xy_m,
        animal_ids=history.animals,
        station_ids=history.stations,
    )
    return _estimate(data, crs=history.crs, region=region, buffer_m=buffer_m, cell_m=cell_m)


def estimate_tables(
    source: str | Path,
    *,
    captures: str | Path | None = None,
    traps: str | Path | None = None,
    mask: str | Path | None = None,
    region: str | Path | None = None,
    region_crs: str | None = None,
    crs: str = "",
    buffer_m: float | None = None,
    cell_m: float | None = None,
) -> Estimate:
    """Density and abundance from the tables that secr users keep.

    Parameters
    ----------
    source : common beginning of `NAME.captures.csv`, `NAME.traps.csv` …, or the folder of the files.
    captures, traps, mask : the files, where their names say nothing.
    region : polygons or cells, in the coordinates of the tables unless `region_crs` and `crs` say more.
    crs : coordinate system of the tables, when it matters.

    Raises
    ------
    FormatError : the tables contradict themselves; EstimateRefused : they cannot carry an estimate.
    """
    from ghostcat import formats, scr

    tables = formats.read_secr(captures or source, traps, mask=mask)
    if tables.detector_kind == "count":
        # Counts of a station add up over occasions, and so does its effort.
        data = scr.ScrData(
            tables.counts(),
            tables.effort,
            tables.traps_xy_m,
            animal_ids=tables.animals,
            station_ids=tables.detector_names,
        )
    elif tables.detector_kind != "proximity":
        raise InputError(
            f"detectors of kind {tables.detector_kind} (one that holds the animal) need a model of their own",
            where=str(source),
            fix="Use `ghostcat scr prepare` and `ghostcat scr fit`. Cameras and hair snares are `count` or "
            "`proximity` detectors; set that in the metadata.",
        )
    else:
        data = scr.ScrData.from_detections(
            tables.captures[:, 0],
            tables.captures[:, 2],
            tables.captures[:, 1],
            usage=tables.usage,
            traps_xy_m=tables.traps_xy_m,
            detector="proximity",
            animal_ids=tables.animals,
            station_ids=tables.detector_names,
        )
    where = None
    if region is not None:
        if not crs and region_crs:
            raise InputError("the coordinate system of the tables is not known", fix="Give it as well.")
        where = read_region(region, survey_crs=crs or "EPSG:32631", region_crs=region_crs)
    elif tables.mask_xy_m is not None and tables.mask_cell_area_ha is not None:
        areas = np.full(len(tables.mask_xy_m), tables.mask_cell_area_ha / 100.0)
        where = Region(
            name="mask of the tables",
            area_km2=float(areas.sum()),
            cells_xy_m=tables.mask_xy_m,
            cell_area_km2=areas,
        )
    return _estimate(data, crs=crs, region=where, buffer_m=buffer_m, cell_m=cell_m)


def _estimate(
    data: scr.ScrData,
    *,
    crs: str,
    region: Region | None,
    buffer_m: float | None,
    cell_m: float | None,
) -> Estimate:
    from ghostcat import scr

    habitat = None
    if region is not None and region.cells_xy_m is not None and region.cell_area_km2 is not None:
        habitat = scr.Mask(region.cells_xy_m, region.cell_area_km2)
    fit = scr.estimate_density(data, habitat=habitat, buffer_m=buffer_m, cell_m=cell_m)
    animals = fit.abundance(region.polygon if region is not None and habitat is None else None)
    code, words = _region_words(fit, region, habitat is not None)
    return Estimate(
        model=MODEL,
        region=words,
        region_code=code,
        region_area_km2=animals.area_km2,
        abundance=_interval(animals.expected),
        realised=_interval(animals.realised),
        density_per_100km2=_interval(fit.density_per_100km2),
        sigma_m=_interval(fit.sigma_m),
        lambda0=_interval(fit.lambda0),
        effective_area_km2=fit.effective_area_km2.estimate,
        animals=data.animals,
        detections=data.detections,
        recaptures=data.recaptures,
        spatial_recaptures=data.spatial_recaptures,
        stations=len(data.station_ids),
        station_days=float(np.sum(data.station_usage)),
        buffer_m=fit.mask.buffer_m,
        cell_m=fit.mask.cell_m,
        log_likelihood=fit.log_likelihood,
        aic=fit.aic,
        converged=fit.converged,
        diagnostics=tuple(
            Finding(code=d.code, severity=d.severity, message=d.message, fix=d.fix) for d in fit.diagnostics
        ),
        surface=_surface(fit, crs) if crs else None,
    )


def _region_words(
    fit: scr.ScrFit, region: Region | None, habitat: bool
) -> tuple[Literal["buffer", "mask", "given"], str]:
    if region is None:
        return "buffer", f"all land within {fit.mask.buffer_m / 1000:.1f} km of the stations"
    if habitat:
        return "mask", f"the habitat mask {region.name}"
    return "given", region.name


def _interval(found: scr.Interval) -> Interval:
    return Interval(
        estimate=found.estimate,
        lower=found.lower,
        upper=found.upper,
        standard_error=found.standard_error,
    )


def _surface(fit: scr.ScrFit, crs: str) -> DensitySurface:
    from pyproj import Transformer

    x: NDArray[np.float64] = fit.mask.xy_m[:, 0]
    y: NDArray[np.float64] = fit.mask.xy_m[:, 1]
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return DensitySurface(
        lon=np.asarray(lon),
        lat=np.asarray(lat),
        x_m=x,
        y_m=y,
        cell_m=fit.mask.cell_m,
        crs=crs,
        per_100km2=fit.density_surface(),
    )
