"""The rows of one detector array as one class meets them, and their parameters at β.

`prepare_rows` sorts out everything that does not depend on β. Rows that share detector, σ and z share one
*kernel* (an exponential per cell); on the hazard scale the intercept is a factor of the kernel, so models
with effects of time or behaviour on λ0 cost no more exponentials than one without. On the probability
scale rows that also share their intercept share a *unit*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ghostcat.errors import ParameterError
from ghostcat.scr.hazard import DETECTION_FUNCTIONS
from ghostcat.scr.layout import ArrayLayout, ClassLayout, Predictor
from ghostcat.scr.links import LogValues, log_values

__all__ = ["RowValues", "Rows", "Weights", "prepare_rows", "row_values"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# λ0 = 10000 a0 / (2π σ²), a0 in hectares and σ in metres.
_LOG_A0 = math.log(10_000.0 / (2.0 * math.pi))
# A matrix fuller than this, or as small as that, is multiplied densely.
_DENSE_SHARE = 0.2
_DENSE_SIZE = 2_000


class Weights:
    """A matrix that multiplies blocks from the left: dense where that is quicker, sparse otherwise."""

    __slots__ = ("matrix", "shape", "transposed")

    def __init__(self, matrix: csr_array) -> None:
        rows, columns = matrix.shape
        self.shape = (rows, columns)
        size = rows * columns
        dense = _dense(matrix.nnz, size)
        self.matrix: Floats | csr_array = matrix.toarray() if dense else matrix
        self.transposed: Floats | csr_array = self.matrix.T if dense else csr_array(matrix.T)

    def times(self, block: Floats) -> Floats:
        """(rows, m) from (columns, m)."""
        return np.asarray(self.matrix @ block)

    def back(self, block: Floats) -> Floats:
        """(columns, m) from (rows, m)."""
        return np.asarray(self.transposed @ block)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """One array as one class meets it. X histories: those of the class, then one a naive group."""

    family: str
    on_hazard_scale: bool
    area_intercept: bool
    intercept: Predictor
    sigma: Predictor
    shape: Predictor | None
    columns: Ints
    """(J,) positions in β of all coefficients that move these rows."""
    designs: tuple[Floats, Floats, Floats | None]
    """(R, J) of intercept, sigma and shape."""
    kernel_row: Ints
    """(K,) a row of each kernel."""
    kernel_detector: Ints
    every_detector: bool
    """Kernels are the detectors, in order."""
    unit_row: Ints
    """(U,) a row of each unit; units are kernels on the hazard scale."""
    unit_kernel: Ints | None
    """(U,) None where units are kernels."""
    unit_of_row: Ints
    every_row: bool
    """Units are the rows, in order."""
    profiles: int
    entry_profile: Ints
    """(nnz,) profile, row and effort of each entry of the exposure matrix."""
    entry_row: Ints
    entry_effort: Floats
    entry_start: Ints
    dense: bool
    """Whether profiles are multiplied densely."""
    histories: Weights
    """(X, sources): what the histories are made of; see `block`."""
    catch_sources: slice
    profile_sources: slice
    crowd_sources: slice
    competes: bool
    """Whether somebody was caught in a trap that could have caught only one."""
    crowds: Weights | None
    """(Qc, Q); None where crowds are profiles."""
    catch_row: Ints
    unit_of_catch: Ints
    kernel_of_catch: Ints
    linear: bool
    """A catch adds ln h on the hazard scale; catches then are summed up by kernel."""
    log_effort: Floats | None
    """(T, 1), binary detectors only."""
    caught: Weights
    """(X, T) catches; used where they are linear."""
    caught_kernel: Ints
    """(Kc,) kernels at which somebody was caught."""

    @property
    def sources(self) -> int:
        """Number of sources that histories are made of."""
        return int(self.histories.shape[1])

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.unit_row)


def prepare_rows(array: ArrayLayout, laid: ClassLayout, histories: Ints | None) -> Rows:
    """Sort out what does not depend on β.

    Parameters
    ----------
    array, laid : of a layout.
    histories : those that may belong to the class; None for all.

    Raises
    ------
    ParameterError : the intercept does not fit the detection function.
    """
    if array.detectfn not in DETECTION_FUNCTIONS:
        raise ParameterError(
            f"detection function {array.detectfn} is not known",
            fix=f"Use one of {', '.join(str(k) for k in DETECTION_FUNCTIONS)}.",
        )
    family, on_hazard_scale, shaped = DETECTION_FUNCTIONS[array.detectfn]
    wrong = "g0" if on_hazard_scale else "lambda0"
    if array.intercept_name == wrong or (shaped and laid.shape is None):
        raise ParameterError(
            f"detection function {array.detectfn} ({family}) has "
            + (f"an intercept {wrong}" if array.intercept_name == wrong else "no shape z"),
            fix="Half-normal, hazard rate and exponential (0 to 2) take g0, 14 to 18 lambda0; 1, 15, 18 z.",
        )
    shape = laid.shape if shaped else None
    columns = np.unique(
        np.concatenate([p.columns for p in (laid.intercept, laid.sigma, shape) if p is not None])
    ).astype(np.int64)
    detector = laid.detector
    kernel_code = _codes(detector, laid.sigma, shape)
    kernel_row, kernel_of_row = _first_of_each(kernel_code)
    unit_kernel: Ints | None = None
    unit_row, unit_of_row = kernel_row, kernel_of_row
    if not on_hazard_scale:
        unit_row, unit_of_row = _first_of_each(_codes(kernel_code, laid.intercept, None))
        if len(unit_row) != len(kernel_row):
            unit_kernel = kernel_of_row[unit_row]
    kernel_detector = detector[kernel_row]
    effort = laid.profiles
    linear = on_hazard_scale and not array.binary
    kernel_of_catch = kernel_of_row[laid.catch_row]
    caught_kernel, catch_kernel = np.unique(kernel_of_catch, return_inverse=True)
    groups = laid.naive.shape[0]
    survived, caught, competed = laid.survived, laid.caught, laid.competed
    if histories is not None:
        survived, caught, competed = survived[histories], caught[histories], competed[histories]
    n, kinds = caught.shape
    catch_sources = len(caught_kernel) if linear else kinds
    catch_column = catch_kernel.reshape(-1) if linear else np.arange(kinds)
    end = catch_sources + effort.shape[0]
    competes = competed.nnz > 0
    sources = end + (competed.shape[1] if competes else 0)
    row, column, data = zip(
        _entries(caught, 1.0, 0, catch_column),
        _entries(survived, -1.0, 0, catch_sources),
        _entries(laid.naive, -1.0, n, catch_sources),
        _entries(competed, 1.0, 0, end),
        strict=True,
    )
    stacked = csr_array(
        (np.concatenate(data), (np.concatenate(row), np.concatenate(column))), shape=(n + groups, sources)
    )
    shifts = csr_array(
        (caught.data, caught.indices, np.append(caught.indptr, [caught.nnz] * groups)),
        shape=(n + groups, kinds),
    )
    return Rows(
        family=family,
        on_hazard_scale=on_hazard_scale,
        area_intercept=array.intercept_name == "a0",
        intercept=laid.intercept,
        sigma=laid.sigma,
        shape=shape,
        columns=columns,
        designs=(
            _embedded(laid.intercept, columns),
            _embedded(laid.sigma, columns),
            None if shape is None else _embedded(shape, columns),
        ),
        kernel_row=kernel_row,
        kernel_detector=kernel_detector,
        every_detector=len(kernel_detector) == len(array.xy_m) and _in_order(kernel_detector),
        unit_row=unit_row,
        unit_kernel=unit_kernel,
        unit_of_row=unit_of_row,
        every_row=len(unit_of_row) == len(unit_row) and _in_order(unit_of_row),
        profiles=effort.shape[0],
        entry_profile=np.repeat(np.arange(effort.shape[0]), np.diff(effort.indptr)),
        entry_row=effort.indices.astype(np.int64),
        entry_effort=effort.data.astype(np.float64),
        entry_start=effort.indptr,
        dense=_dense(effort.nnz, effort.shape[0] * len(unit_row)),
        histories=Weights(stacked),
        catch_sources=slice(0, catch_sources),
        profile_sources=slice(catch_sources, end),
        crowd_sources=slice(end, sources),
        competes=competes,
        crowds=None if laid.crowds is None or not competes else Weights(laid.crowds),
        catch_row=laid.catch_row,
        unit_of_catch=unit_of_row[laid.catch_row],
        kernel_of_catch=kernel_of_catch,
        linear=linear,
        log_effort=np.log(laid.catch_effort)[:, None] if array.binary else None,
        caught=Weights(shifts),
        caught_kernel=caught_kernel,
    )


def _entries(matrix: csr_array, sign: float, first_row: int, column: int | Ints) -> tuple[Ints, Ints, Floats]:
    """Rows, columns and values of a sparse matrix; `column` shifts the columns, or renumbers them."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) + first_row
    columns = matrix.indices + column if isinstance(column, int) else column[matrix.indices]
    return rows, columns, sign * matrix.data


@dataclass(frozen=True, kw_only=True, eq=False)
class RowValues:
    """Rows at β: ln intercept, ln σ and ln z with their slopes in β."""

    log_intercept: Floats
    """(R,) ln λ0, or ln g0 on the probability scale, also where the parameter is a0."""
    log_sigma: Floats
    log_shape: Floats | None
    slopes: tuple[Floats, Floats, Floats | None]
    """(R, J) of the three."""
    links: tuple[LogValues, LogValues, LogValues | None]
    factor: Floats
    """(R,) hazard of a row divided by that of its unit."""
    area: tuple[Floats, Floats] | None
    """With a0: first and second derivative of the ln intercept in ln λ0."""
    possible: bool
    """Whether every parameter is inside its domain."""
    mixes: dict[tuple[int, int] | None, Floats | csr_array] = field(default_factory=dict)

    def mixed(self, rows: Rows, slope: tuple[int, int] | None = None) -> Floats | csr_array:
        """(Q, U) profiles in terms of units, or their slope (coordinate, coefficient); computed once."""
        found = self.mixes.get(slope)
        if found is None:
            factor = self.factor
            if slope is not None:
                of = self.slopes[slope[0]]
                assert of is not None
                factor = factor * of[:, slope[1]]
            found = self.mixes[slope] = _mix(rows, factor)
        return found


def _mix(rows: Rows, factor: Floats) -> Floats | csr_array:
    data = rows.entry_effort * factor[rows.entry_row]
    unit = rows.unit_of_row[rows.entry_row]
    shape = (rows.profiles, rows.units)
    if rows.dense:
        flat = np.bincount(rows.entry_profile * rows.units + unit, data, rows.profiles * rows.units)
        return flat.reshape(shape)
    return csr_array((data, unit, rows.entry_start), shape=shape)


def row_values(rows: Rows, beta: Floats) -> RowValues:
    """Parameters of every row."""
    intercept = log_values(rows.intercept, beta)
    sigma = log_values(rows.sigma, beta)
    shape = None if rows.shape is None else log_values(rows.shape, beta)
    x_a, x_s, x_z = rows.designs
    slope_s = _scaled(x_s, sigma.first)
    slope_a = _scaled(x_a, intercept.first)
    value = intercept.value
    area = None
    if rows.area_intercept:
        value = value - 2.0 * sigma.value + _LOG_A0
        slope_a = slope_a - 2.0 * slope_s
        if not rows.on_hazard_scale:
            rate = np.exp(value)
            first = rate / np.expm1(rate)
            area = (first, first * (1.0 - rate - first))
            value = np.log(-np.expm1(-rate))
            slope_a = first[:, None] * slope_a
    possible = bool(np.isfinite(value).all() and np.isfinite(sigma.value).all())
    if shape is not None:
        possible = possible and bool(np.isfinite(shape.value).all())
    if not rows.on_hazard_scale and rows.intercept.link != "logit" and not rows.area_intercept:
        possible = possible and bool((value < 0).all())
    return RowValues(
        log_intercept=value,
        log_sigma=sigma.value,
        log_shape=None if shape is None else shape.value,
        slopes=(slope_a, slope_s, None if shape is None or x_z is None else _scaled(x_z, shape.first)),
        links=(intercept, sigma, shape),
        factor=np.exp(value) if rows.on_hazard_scale else np.ones(len(value)),
        area=area,
        possible=possible,
    )


def _in_order(indices: Ints) -> bool:
    return bool((indices == np.arange(len(indices))).all())


def _dense(entries: int, size: int) -> bool:
    return size <= _DENSE_SIZE or entries > _DENSE_SHARE * size


def _scaled(design: Floats, factor: Floats | float) -> Floats:
    return design if isinstance(factor, float) and factor == 1.0 else design * np.reshape(factor, (-1, 1))


def _embedded(predictor: Predictor, columns: Ints) -> Floats:
    design = np.zeros((len(predictor.offset), len(columns)))
    np.add.at(design.T, np.searchsorted(columns, predictor.columns), predictor.design.T)
    return design


def _codes(start: Ints, *predictors: Predictor | None) -> Ints:
    """Whole numbers that are equal where `start` and all predictors are."""
    code = start
    for predictor in predictors:
        if predictor is None:
            continue
        for values in (predictor.offset, *predictor.design.T):
            if len(values) and (values != values[0]).any():
                levels, which = np.unique(values, return_inverse=True)
                code = np.unique(code, return_inverse=True)[1] * len(levels) + which
    return code


def _first_of_each(code: Ints) -> tuple[Ints, Ints]:
    """A row of each distinct code, in order of appearance of the codes, and the group of each row."""
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    return first.astype(np.int64), group.reshape(-1).astype(np.int64)
