"""Run a Circuitscape job: the same inputs, the same semantics, the same file names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.circuitscape_job import (
    CircuitJob,
    Places,
    read_circuit_job,
    read_included_pairs,
    read_numbers,
    read_places,
    read_reclass_table,
    reclassify,
)
from ghostcat.formats.grids import read_grid, write_ascii_grid, write_geotiff
from ghostcat.landscape.circuits import Flow, ground_circuit, solve_pairs, solve_regions
from ghostcat.landscape.graph import Network, merge_nodes, network_of_edges, raster_network
from ghostcat.landscape.grid import Grid
from ghostcat.landscape.solver import Forecast, forecast
from ghostcat.workflows.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["CircuitResult", "run_circuit_job"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CircuitResult:
    """What a job found and wrote."""

    scenario: str
    ids: tuple[int, ...]
    resistances: tuple[tuple[int, int, float], ...]
    """Pairs with their resistance (−1: not connected), or (id, id, value) in the one-to-all modes."""
    written: tuple[Path, ...]
    cells: int
    nodes: int


@dataclass
class _Output:
    """Writes the files of a job, and remembers them."""

    folder: Path
    stem: str
    grid: Grid | None
    job: CircuitJob
    written: list[Path] = field(default_factory=list)

    def map(self, name: str, values: Floats) -> None:
        assert self.grid is not None
        grid = self.grid.with_values(values)
        target = self.folder / f"{self.stem}_{name}"
        self.written.append(write_ascii_grid(grid, target.with_name(target.name + ".asc")))
        if self.job.flag("write_as_tif") or name.startswith(("cum_", "max_")):
            self.written.append(write_geotiff(grid, target.with_name(target.name + ".tif")))

    def table(self, name: str, rows: Iterable[Sequence[float]]) -> None:
        path = self.folder / f"{self.stem}_{name}"
        path.write_text(
            "".join(" ".join(f"{cell:.10g}" for cell in row) + "\n" for row in rows), encoding="utf-8"
        )
        self.written.append(path)


def run_circuit_job(
    path: str | Path,
    folder: str | Path,
    *,
    progress: Progress = silent,
    announce: Callable[[Forecast, int], None] = lambda forecast, cells: None,
) -> CircuitResult:
    """Run a Circuitscape job and write its files into `folder`.

    Parameters
    ----------
    path : the .ini; files it names lie relative to it. folder : made if it is not there. Files are called as
        Circuitscape calls them, after the job's `output_file`.
    announce : told before it starts which solver was chosen, its memory and time, and the number of cells.

    Raises
    ------
    FormatError, ParameterError : a file is missing or contradicts the landscape; a resistance of 0; a focal
        point on no-data.
    """
    job = read_circuit_job(path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(job.text("output_file", "result.out").replace("\\", "/")).name.removesuffix(".out")
    if job.text("data_type", "raster").lower() == "network":
        return _run_network(job, _Output(folder, stem, None, job))
    return _run_raster(job, folder, stem, progress, announce)


# --- raster -----------------------------------------------------------------------------------------------


def _solves(job: CircuitJob) -> int:
    """Right-hand sides of a job: one a focal point, read without the landscape."""
    file = job.file("point_file")
    if file is None or job.text("scenario", "pairwise").lower() == "advanced":
        return 1
    if file.name.lower().removesuffix(".gz").endswith((".txt", ".csv")):
        return len(read_numbers(file))
    ids = np.unique(read_grid(file).values)
    return int((ids > 0).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Land:
    grid: Grid
    network: Network
    options: dict[str, bool]
    regions: Ints | None
    conductance: Floats


def _run_raster(
    job: CircuitJob,
    folder: Path,
    stem: str,
    progress: Progress,
    announce: Callable[[Forecast, int], None],
) -> CircuitResult:
    land = _read_land(job)
    announce(forecast(land.network.nodes, solves=_solves(job)), land.network.nodes)
    out = _Output(folder, stem, land.grid, job)
    scenario = job.text("scenario", "pairwise").lower()
    runs = {
        "pairwise": _run_pairwise,
        "advanced": _run_advanced,
        "one-to-all": _run_one_and_all,
        "all-to-one": _run_one_and_all,
    }
    if scenario not in runs:
        raise FormatError(
            f"scenario = {scenario}", where=job.path.name, fix=f"It is one of: {', '.join(runs)}."
        )
    ids, resistances = runs[scenario](job, land, out, progress)
    return CircuitResult(
        scenario=scenario,
        ids=ids,
        resistances=resistances,
        written=tuple(out.written),
        cells=int((land.conductance > 0).sum()),
        nodes=land.network.nodes,
    )


def _read_land(job: CircuitJob) -> _Land:
    name = job.demand_file("habitat_file")
    grid = read_grid(name)
    values = grid.values
    if job.flag("use_reclass_table"):
        values = reclassify(values, read_reclass_table(job.demand_file("reclass_file")))
    if job.flag("habitat_map_is_resistances", True):
        zero = np.argwhere(values == 0)
        if len(zero):
            raise FormatError(
                f"the resistance is 0 at row {zero[0][0] + 1}, column {zero[0][1] + 1}",
                where=name.name,
                fix="Give it a small positive resistance, or make it a short-circuit region.",
            )
        with np.errstate(divide="ignore"):
            values = 1.0 / values
    conductance = np.where(np.isfinite(values) & (values != 0), values, 0.0)
    mask = job.file("mask_file") if job.flag("use_mask") else None
    if mask is not None:
        allowed = read_grid(mask)
        grid.demand_same_cells(allowed, name=name.name, other_name=mask.name)
        conductance = np.where(np.nan_to_num(allowed.values) > 0, conductance, 0.0)
    regions = None
    file = job.file("polygon_file") if job.flag("use_polygons") else None
    if file is not None:
        raster = read_grid(file)
        grid.demand_same_cells(raster, name=name.name, other_name=file.name)
        regions = np.nan_to_num(raster.values).astype(np.int64)
    options = {
        "four_neighbours": job.flag("connect_four_neighbors_only"),
        "average_resistances": job.flag("connect_using_avg_resistances"),
    }
    return _Land(
        grid=grid,
        network=raster_network(conductance, regions=regions, **options),
        options=options,
        regions=regions,
        conductance=conductance,
    )


def _focal_regions(job: CircuitJob, land: _Land) -> dict[int, Ints]:
    """Nodes of each id of the point file, in order of the ids; none where an id lies on no-data only."""
    file = job.demand_file("point_file")
    places = read_places(file, land.grid)
    node = land.network.node_of[places.rows, places.columns]
    ids = places.values.astype(np.int64)
    found = {}
    for number in np.unique(ids[ids > 0]):
        found[int(number)] = np.unique(node[(ids == number) & (node >= 0)])
    if len(found) < 2:
        raise FormatError("fewer than two focal points", where=file.name, fix="Give two or more ids.")
    return found


def _pairs(job: CircuitJob, ids: list[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids that take part, and their pairs."""
    pairs = [(a, b) for k, a in enumerate(ids) for b in ids[k + 1 :]]
    file = job.file("included_pairs_file") if job.flag("use_included_pairs") else None
    if file is None:
        return ids, pairs
    ids, included = read_included_pairs(file, ids)
    return ids, [pair for pair in pairs if pair in included]


def _run_pairwise(
    job: CircuitJob, land: _Land, out: _Output, progress: Progress
) -> tuple[tuple[int, ...], tuple[tuple[int, int, float], ...]]:
    regions = _focal_regions(job, land)
    ids, pairs = _pairs(job, list(regions))
    maps = _Maps(job, land, out)
    resistances = []
    for done, (pair, network, flow) in enumerate(solve_regions(land.network, regions, pairs)):
        resistance = -1.0 if flow is None else flow.resistance
        resistances.append((*pair, resistance))
        if flow is not None:
            maps.add("_".join(map(str, pair)), network, flow)
        progress("circuits", done + 1, len(pairs))
    maps.write_sums()
    _write_resistances(out, ids, resistances)
    return tuple(ids), tuple(resistances)


def _write_resistances(out: _Output, ids: list[int], resistances: list[tuple[int, int, float]]) -> None:
    place = {number: k + 1 for k, number in enumerate(ids)}
    matrix = np.full((len(ids) + 1, len(ids) + 1), -1.0)
    matrix[0, 0] = 0.0
    matrix[0, 1:] = matrix[1:, 0] = ids
    np.fill_diagonal(matrix, 0.0)
    for a, b, value in resistances:
        matrix[place[a], place[b]] = matrix[place[b], place[a]] = value
    out.table("resistances.out", matrix.tolist())
    out.table("resistances_3columns.out", resistances)


class _Maps:
    """Voltage and current maps of single solutions, and their sum and maximum."""

    def __init__(self, job: CircuitJob, land: _Land, out: _Output) -> None:
        self.land, self.out = land, out
        self.sum_only = job.flag("write_cum_cur_map_only") and job.text("scenario").lower() != "advanced"
        self.currents = job.flag("write_cur_maps")
        self.voltages = job.flag("write_volt_maps")
        self.maximum = job.flag("write_max_cur_maps")
        self.null_currents = job.flag("set_null_currents_to_nodata")
        self.null_voltages = job.flag("set_null_voltages_to_nodata")
        self.focal_to_zero = job.flag("set_focal_node_currents_to_zero")
        self.log = job.flag("log_transform_maps")
        self.total = np.zeros(land.grid.shape)
        self.largest = np.zeros(land.grid.shape)
        self.blank = land.network.node_of < 0

    def add(self, label: str, network: Network, flow: Flow) -> None:
        current = _to_map(network, flow.current)
        self.total += np.nan_to_num(current)
        self.largest = np.maximum(self.largest, np.nan_to_num(current))
        if self.currents and not self.sum_only:
            self.out.map(f"curmap{label and '_'}{label}", self._finish(current, self.null_currents))
        if self.voltages:
            self.out.map(
                f"voltmap{label and '_'}{label}",
                self._blanked(_to_map(network, flow.voltage), self.null_voltages),
            )

    def write_sums(self) -> None:
        if not self.currents:
            return
        self.out.map("cum_curmap", self._finish(self.total, self.null_currents))
        if self.maximum:
            self.out.map("max_curmap", self._finish(self.largest, self.null_currents))

    def _blanked(self, values: Floats, null_to_nodata: bool) -> Floats:
        return np.where(self.blank, np.nan if null_to_nodata else 0.0, np.nan_to_num(values))

    def _finish(self, values: Floats, null_to_nodata: bool) -> Floats:
        values = self._blanked(values, null_to_nodata)
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log10(values), np.nan)
        return values


def _to_map(network: Network, values: Floats) -> Floats:
    return np.where(network.node_of >= 0, values[np.maximum(network.node_of, 0)], np.nan)


def _run_advanced(
    job: CircuitJob, land: _Land, out: _Output, progress: Progress
) -> tuple[tuple[int, ...], tuple[tuple[int, int, float], ...]]:
    network = land.network
    source = _add_up(network, read_places(job.demand_file("source_file"), land.grid))
    strengths = _strengths(job, read_places(job.demand_file("ground_file"), land.grid))
    ground = _add_up(network, strengths)
    source, ground = _unit(job, source, ground)
    source, ground = _settle_conflicts(job, source, ground)
    flow = ground_circuit(network, source, ground)
    maps = _Maps(job, land, out)
    maps.add("", network, flow)
    progress("circuits", 1, 1)
    return (), ()


def _strengths(job: CircuitJob, places: Places) -> Places:
    """Grounds as conductances."""
    if not job.flag("ground_file_is_resistances", True):
        return places
    with np.errstate(divide="ignore"):
        return Places(rows=places.rows, columns=places.columns, values=1.0 / places.values)


def _add_up(network: Network, places: Places) -> Floats:
    node = network.node_of[places.rows, places.columns]
    kept = node >= 0
    return np.bincount(node[kept], places.values[kept], network.nodes).astype(np.float64)


def _unit(job: CircuitJob, source: Floats, ground: Floats) -> tuple[Floats, Floats]:
    """Sources of 1 A and grounds at 0 V, where the job asks for them."""
    if job.flag("use_unit_currents"):
        source = np.where(source != 0, 1.0, 0.0)
    if job.flag("use_direct_grounds"):
        ground = np.where(ground > 0, math.inf, 0.0)
    return source, ground


def _settle_conflicts(job: CircuitJob, source: Floats, ground: Floats) -> tuple[Floats, Floats]:
    both = (source != 0) & (ground > 0)
    rule = job.text("remove_src_or_gnd", "keepall").lower()
    if rule in ("rmvsrc", "rmvall"):
        source = np.where(both, 0.0, source)
    if rule in ("rmvgnd", "rmvall"):
        ground = np.where(both, 0.0, ground)
    return source, ground


def _run_one_and_all(
    job: CircuitJob, land: _Land, out: _Output, progress: Progress
) -> tuple[tuple[int, ...], tuple[tuple[int, int, float], ...]]:
    land, regions = _joined(land, _focal_regions(job, land))
    one_to_all = job.text("scenario").lower() == "one-to-all"
    ids, pairs = _pairs(job, list(regions))
    included = set(pairs)
    strength = dict.fromkeys(ids, 1.0)
    file = job.file("variable_source_file") if job.flag("use_variable_source_strengths") else None
    if file is not None:
        strength |= {int(cells[0]): cells[1] for cells in read_numbers(file)}
    maps = _Maps(job, land, out)
    rows: list[tuple[int, int, float]] = []
    for done, number in enumerate(ids):
        others = [k for k in ids if k != number and (min(k, number), max(k, number)) in included]
        value = _one(land, regions, number, others, strength, one_to_all, maps)
        rows.append((number, number, value))
        progress("circuits", done + 1, len(ids))
    maps.write_sums()
    out.table("resistances.out", [(number, value) for number, _, value in rows])
    return tuple(ids), tuple(rows)


def _joined(land: _Land, regions: dict[int, Ints]) -> tuple[_Land, dict[int, Ints]]:
    """The land with every focal region short-circuited; nodes of regions after that."""
    label = np.arange(land.network.nodes)
    for nodes in regions.values():
        if len(nodes):
            label[np.isin(label, label[nodes])] = label[nodes].min()
    new = np.unique(label, return_inverse=True)[1]
    merged = replace(land, network=merge_nodes(land.network, label))
    return merged, {number: np.unique(new[nodes]) for number, nodes in regions.items()}


def _one(
    land: _Land,
    regions: dict[int, Ints],
    number: int,
    others: list[int],
    strength: dict[int, float],
    one_to_all: bool,
    maps: _Maps,
) -> float:
    """One focal place against the others; its resistance, or 0, or −1 where it is cut off."""
    network = land.network
    source, ground = np.zeros(network.nodes), np.zeros(network.nodes)
    here = regions[number]
    there = {other: np.setdiff1d(regions[other], here) for other in others}  # one place is not against itself
    if one_to_all:
        source[here] = strength[number]
        for nodes in there.values():
            ground[nodes] = math.inf
    else:
        ground[here] = math.inf
        for other, nodes in there.items():
            source[nodes] += strength[other]
    flow = ground_circuit(network, source, ground)
    maps.add(str(number), network, flow)
    if not len(here) or np.isnan(flow.voltage[here[0]]):
        return -1.0
    return float(flow.voltage[here[0]]) / strength[number] if one_to_all else 0.0


# --- network ----------------------------------------------------------------------------------------------


def _run_network(job: CircuitJob, out: _Output) -> CircuitResult:
    edges = np.array(read_numbers(job.demand_file("habitat_file")))
    value = edges[:, 2]
    if job.flag("habitat_map_is_resistances", True):
        value = 1.0 / value
    network = network_of_edges(edges[:, 0].astype(np.int64), edges[:, 1].astype(np.int64), value)
    present = np.unique(edges[:, :2].astype(np.int64))
    if job.text("scenario", "pairwise").lower() == "advanced":
        return _network_advanced(job, network, present, out)
    ids = [int(cells[0]) for cells in read_numbers(job.demand_file("point_file"))]
    ids, pairs = _pairs(job, ids)
    total_nodes, total_edges = np.zeros(network.nodes), np.zeros(len(network.tail))
    resistances = []
    for (a, b), flow in solve_pairs(network, ids, pairs):
        resistances.append((a, b, -1.0 if flow is None else flow.resistance))
        if flow is None:
            continue
        total_nodes += flow.current
        total_edges += np.abs(flow.branch)
        _write_flow(job, out, network, present, flow, f"_{a}_{b}")
    if job.flag("write_cur_maps"):
        _write_currents(out, network, present, total_nodes, total_edges, "_cum")
    _write_resistances(out, ids, resistances)
    return CircuitResult(
        scenario="pairwise", ids=tuple(ids), resistances=tuple(resistances), written=tuple(out.written),
        cells=len(present), nodes=network.nodes,
    )  # fmt: skip


def _network_advanced(job: CircuitJob, network: Network, present: Ints, out: _Output) -> CircuitResult:
    source, ground = np.zeros(network.nodes), np.zeros(network.nodes)
    for cells in read_numbers(job.demand_file("source_file")):
        source[int(cells[0])] += cells[1]
    for cells in read_numbers(job.demand_file("ground_file")):
        value = cells[1]
        if job.flag("ground_file_is_resistances", True):
            value = math.inf if value == 0 else 1.0 / value
        ground[int(cells[0])] += value
    source, ground = _unit(job, source, ground)
    source, ground = _settle_conflicts(job, source, ground)
    flow = ground_circuit(network, source, ground)
    _write_flow(job, out, network, present, flow, "")
    return CircuitResult(
        scenario="advanced",
        ids=(),
        resistances=(),
        written=tuple(out.written),
        cells=len(present),
        nodes=network.nodes,
    )


def _write_flow(
    job: CircuitJob, out: _Output, network: Network, present: Ints, flow: Flow, label: str
) -> None:
    if label:  # of a pair: the connected part that holds it
        present = present[~np.isnan(flow.voltage[present])]
    if job.flag("write_cur_maps"):
        _write_currents(out, network, present, flow.current, np.abs(flow.branch), label)
    if job.flag("write_volt_maps"):
        voltage = np.nan_to_num(flow.voltage)
        out.table(f"voltages{label}.txt", [(node, voltage[node]) for node in present])


def _write_currents(
    out: _Output, network: Network, present: Ints, nodes: Floats, edges: Floats, label: str
) -> None:
    out.table(f"node_currents{label}.txt", [(node, nodes[node]) for node in present])
    kept = edges > 0
    rows = zip(network.tail[kept].tolist(), network.head[kept].tolist(), edges[kept].tolist(), strict=True)
    out.table(f"branch_currents{label}.txt", list(rows))
