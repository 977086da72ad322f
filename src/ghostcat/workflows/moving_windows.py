"""Run an Omniscape job: the same inputs, the same semantics, the same file names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.circuitscape_job import CircuitJob, read_circuit_job, read_reclass_table, reclassify
from ghostcat.formats.grids import read_grid, write_ascii_grid, write_geotiff
from ghostcat.landscape.grid import Grid
from ghostcat.landscape.omnidirectional import Condition, Window, moving_window, sources_from_conductance
from ghostcat.workflows.progress import Progress, silent

__all__ = ["MovingWindowResult", "is_moving_window_job", "run_moving_window_job"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MovingWindowResult:
    """What an omnidirectional job wrote."""

    targets: int
    cells: int
    written: tuple[Path, ...]


def is_moving_window_job(path: str | Path) -> bool:
    """Whether an .ini is an Omniscape job rather than a Circuitscape one."""
    job = read_circuit_job(path)
    return bool(job.text("resistance_file")) and bool(job.text("radius"))


def run_moving_window_job(
    path: str | Path, folder: str | Path, *, progress: Progress = silent
) -> MovingWindowResult:
    """Run an Omniscape job and write `cum_currmap`, `flow_potential`, `normalized_cum_currmap` into `folder`.

    Raises
    ------
    FormatError, ParameterError : a file is missing or on another grid, a resistance of 0 or less.
    """
    job = read_circuit_job(path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    grid = read_grid(job.demand_file("resistance_file"))
    resistance = _reclassified(job, grid.values)
    if (resistance <= 0).any():
        row, column = np.argwhere(resistance <= 0)[0]
        raise FormatError(
            f"the resistance is {resistance[row, column]:g} at row {row + 1}, column {column + 1}",
            where=job.path.name,
            fix="Resistances must be above 0; use no-data for what cannot be crossed.",
        )
    conductance = resistance if job.flag("resistance_is_conductance") else 1.0 / resistance
    conductance = np.nan_to_num(conductance)
    source = _sources(job, grid, conductance)
    wants_potential = job.flag("calc_flow_potential") or job.flag("calc_normalized_current")
    found = moving_window(
        conductance,
        source,
        _window(job, grid),
        potential=wants_potential,
        progress=lambda done, total: progress("windows", done, total),
    )
    maps = {
        "cum_currmap": found.current if job.flag("write_raw_currmap", True) else None,
        "flow_potential": found.potential if job.flag("calc_flow_potential") else None,
        "normalized_cum_currmap": found.normalised if job.flag("calc_normalized_current") else None,
    }
    hidden = np.isnan(resistance) if job.flag("mask_nodata", True) else np.zeros(resistance.shape, dtype=bool)
    if job.flag("reclassify_resistance") and job.flag("write_reclassified_resistance"):
        maps["classified_resistance"] = resistance
    written = [
        _write(job, grid.with_values(np.where(hidden, np.nan, values)), folder / name)
        for name, values in maps.items()
        if values is not None
    ]
    return MovingWindowResult(
        targets=found.targets, cells=int((conductance > 0).sum()), written=tuple(written)
    )


def _write(job: CircuitJob, grid: Grid, target: Path) -> Path:
    if job.flag("write_as_tif", True):
        return write_geotiff(grid, target.with_name(target.name + ".tif"))
    return write_ascii_grid(grid, target.with_name(target.name + ".asc"))


def _reclassified(job: CircuitJob, values: Floats) -> Floats:
    if not job.flag("reclassify_resistance"):
        return values
    return reclassify(values, read_reclass_table(job.demand_file("reclass_table")))


def _sources(job: CircuitJob, grid: Grid, conductance: Floats) -> Floats:
    if job.flag("source_from_resistance"):
        cutoff = job.number("r_cutoff", math.inf)
        return sources_from_conductance(conductance, least=1.0 / cutoff if cutoff else math.inf)
    file = job.demand_file("source_file")
    raster = read_grid(file)
    grid.demand_same_cells(raster, name="the landscape", other_name=file.name)
    strength = np.nan_to_num(raster.values)
    strength[strength < job.number("source_threshold", 0.0)] = 0.0
    return strength


def _window(job: CircuitJob, grid: Grid) -> Window:
    block = round(job.number("block_size", 1))
    return Window(
        radius=round(job.number("radius", 0)),
        block=block + (block % 2 == 0),  # as Omniscape: an even block grows by one
        buffer=round(job.number("buffer", 0)),
        correct_artifacts=job.flag("correct_artifacts", True),
        conditions=_conditions(job, grid),
        four_neighbours=job.flag("connect_four_neighbors_only"),
    )


def _conditions(job: CircuitJob, grid: Grid) -> tuple[Condition, ...]:
    if not job.flag("conditional"):
        return ()
    future = job.text("compare_to_future", "none").lower()
    found = []
    for number in range(1, round(job.number("n_conditions", 1)) + 1):
        present = read_grid(job.demand_file(f"condition{number}_file"))
        grid.demand_same_cells(present, name="the landscape", other_name=f"condition{number}_file")
        later = present
        if future in (str(number), "both"):
            later = read_grid(job.demand_file(f"condition{number}_future_file"))
        comparison = job.text(f"comparison{number}", "within").lower()
        found.append(
            Condition(
                present=present.values,
                future=later.values,
                low=job.number(f"condition{number}_lower", -math.inf),
                high=job.number(f"condition{number}_upper", math.inf),
                equal=comparison in ("equal", "equals"),
            )
        )
    return tuple(found)
