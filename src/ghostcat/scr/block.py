"""Hazards, log-probabilities and their derivatives of one array over one block of cells.

`enter` gives what the value needs and keeps what the derivatives will; `slopes` the first derivatives of
ln Pr(history | cell); `curvature` the second derivatives, summed over cells and histories with weights:
per row only, because that is all that the designs need.

A history is a sparse row over the *sources* of a block, stacked: what each kind of catch adds, the total
hazard G of each profile, and ψ(G) of each crowd of competing traps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ghostcat.scr.hazard import (
    TINY_HAZARD,
    Curve,
    binary_catch,
    catch_slopes,
    fall_off,
    log_expm1,
    multi_catch,
    multi_catch_slopes,
    separation,
)
from ghostcat.scr.hazard import Slopes as CurveSlopes
from ghostcat.scr.rows import Rows, RowValues

__all__ = ["Entered", "Slopes", "catch_log_probability", "curvature", "enter", "hazard_of", "slopes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The largest probability of detection that double precision tells from 1.
_CERTAIN = 1.0 - 1e-16


@dataclass(frozen=True, eq=False)
class Entered:
    """What one array contributes over a block of m cells."""

    rows: Rows
    values: RowValues
    curve: Curve
    """Of K kernels."""
    falling: Floats
    """(K, m) k."""
    negative: Floats | None
    """(U, m) −g, on the probability scale."""
    hazard: Floats
    """(U, m)."""
    total: Floats
    """(Q, m) G."""
    log_probability: Floats
    """(X, m) of the histories, naive groups last."""


def enter(
    rows: Rows, values: RowValues, apart: Floats, like: Entered | None = None, *, alone: bool = False
) -> Entered:
    """Hazards and ln Pr(history | cell) over a block of cells.

    Parameters
    ----------
    apart : (detectors, m) from `hazard.separation`.
    like : another class over the same block, whose curves are taken where they are the same.
    alone : no other class will ask for these curves.
    """
    if like is not None and _same_kernels(rows, values, like):
        curve = like.curve
        falling = like.falling
    else:
        first = rows.kernel_row
        curve = fall_off(
            rows.family,
            apart if rows.every_detector else apart[rows.kernel_detector],
            values.log_sigma[first][:, None],
            None if values.log_shape is None else values.log_shape[first][:, None],
        )
        falling = curve.values()
    negative: Floats | None = None
    hazard = falling
    if not rows.on_hazard_scale:
        at_zero = np.exp(values.log_intercept[rows.unit_row])
        negative = falling if rows.unit_kernel is None else falling[rows.unit_kernel]
        own = rows.unit_kernel is not None or (alone and curve.value is None)
        negative = np.multiply(negative, -at_zero[:, None], out=negative if own else None)
        if at_zero.max(initial=0.0) > _CERTAIN:
            np.maximum(negative, -_CERTAIN, out=negative)
        hazard = np.log1p(negative)
        np.negative(hazard, out=hazard)
    total = np.asarray(values.mixed(rows) @ hazard)
    sources = np.empty((rows.sources, total.shape[1]))
    sources[rows.profile_sources] = total
    if rows.competes:
        sources[rows.crowd_sources] = multi_catch(_crowded(rows, total))
    entered = Entered(rows, values, curve, falling, negative, hazard, total, sources)
    if rows.linear:
        sources[rows.catch_sources] = curve.log_at(rows.caught_kernel)
    elif len(rows.catch_row):
        _catches(entered, sources[rows.catch_sources])
    log_probability = rows.histories.times(sources)
    if rows.linear:
        log_probability += rows.caught.times(values.log_intercept[rows.catch_row])[:, None]
    return Entered(rows, values, curve, falling, negative, hazard, total, log_probability)


def _same_kernels(rows: Rows, values: RowValues, like: Entered) -> bool:
    """Whether two classes differ in their intercepts only."""
    if len(rows.kernel_row) != len(like.rows.kernel_row):
        return False
    mine, other = rows.kernel_row, like.rows.kernel_row
    same = np.array_equal(rows.kernel_detector, like.rows.kernel_detector) and np.array_equal(
        values.log_sigma[mine], like.values.log_sigma[other]
    )
    if values.log_shape is None or like.values.log_shape is None:
        return same
    return same and np.array_equal(values.log_shape[mine], like.values.log_shape[other])


def _catches(entered: Entered, out: Floats) -> None:
    """φ of every kind of catch, (T, m), where it is not ln h on the hazard scale."""
    rows = entered.rows
    hazard = entered.hazard[rows.unit_of_catch]
    if rows.log_effort is None:
        _log_hazard(entered, hazard, out)
    elif not rows.on_hazard_scale and not rows.log_effort.any():
        np.add(hazard, _log_probability(entered), out=out)  # exp(h) − 1 = g / (1 − g)
    else:
        out[:] = _binary(entered, hazard)


def _binary(entered: Entered, hazard: Floats) -> Floats:
    """ln(exp(u h) − 1) from the hazards per unit of effort."""
    rows = entered.rows
    assert rows.log_effort is not None
    effort = _catch_effort(entered)
    if hazard.min(initial=1.0) > TINY_HAZARD / effort.min(initial=1.0):
        hazard *= effort
        return binary_catch(hazard)
    if rows.on_hazard_scale:
        log_hazard = _log_probability(entered)
    else:
        log_hazard = np.empty_like(hazard)
        _log_hazard(entered, hazard, log_hazard)
    return log_expm1(log_hazard + rows.log_effort, hazard * effort)


def _catch_effort(entered: Entered) -> Floats:
    """(T, 1) hazard of a kind of catch divided by that of its unit."""
    rows = entered.rows
    assert rows.log_effort is not None
    return np.asarray(np.exp(rows.log_effort) * entered.values.factor[rows.catch_row][:, None])


def _log_probability(entered: Entered) -> Floats:
    """y of every kind of catch."""
    rows = entered.rows
    y = entered.curve.log_at(rows.kernel_of_catch)
    y += entered.values.log_intercept[rows.catch_row][:, None]
    return y


def _log_hazard(entered: Entered, hazard: Floats, out: Floats) -> None:
    """ln h, or its limit y where h has underflowed."""
    if hazard.min(initial=1.0) > TINY_HAZARD:
        np.log(hazard, out=out)
        return
    tiny = hazard <= TINY_HAZARD
    out[:] = np.where(tiny, _log_probability(entered), np.log(np.where(tiny, 1.0, hazard)))


def hazard_of(y: Floats, on_hazard_scale: bool) -> Floats:
    """h = F(y)."""
    if on_hazard_scale:
        return np.asarray(np.exp(np.minimum(y, 700.0)))
    return np.asarray(-np.log1p(-np.minimum(np.exp(np.minimum(y, 0.0)), _CERTAIN)))


def catch_log_probability(rows: Rows, values: RowValues, kinds: Ints, squared_m2: Floats) -> Floats:
    """φ of some kinds of catch at given squared distances, (kinds, m), without a block."""
    row = rows.catch_row[kinds]
    shape = None if values.log_shape is None else values.log_shape[row][:, None]
    curve = fall_off(rows.family, separation(rows.family, squared_m2), values.log_sigma[row][:, None], shape)
    y = curve.log_at(slice(None)) + values.log_intercept[row][:, None]
    if rows.linear:
        return np.asarray(y)
    if not rows.on_hazard_scale:
        hazard = hazard_of(y, False)
        tiny = hazard <= TINY_HAZARD
        y = np.where(tiny, y, np.log(np.where(tiny, 1.0, hazard)))
    if rows.log_effort is None:
        return np.asarray(y)
    y = y + rows.log_effort[kinds]
    return log_expm1(y, np.exp(np.minimum(y, 700.0)))


def _crowded(rows: Rows, total: Floats) -> Floats:
    return total if rows.crowds is None else rows.crowds.times(total)


@dataclass(frozen=True, eq=False)
class _UnitSlopes:
    """Derivatives of the hazard of each unit in y, and of y in ln σ and ln z, (U, m)."""

    curve: CurveSlopes
    """Of K kernels."""
    first: Floats
    """∂h/∂y, and below times ∂y/∂s, ∂y/∂ζ."""
    first_s: Floats
    first_z: Floats | None
    second: Floats | None
    """∂²h/∂y² where it is not ∂h/∂y."""


def _unit_slopes(entered: Entered) -> _UnitSlopes:
    rows, curve = entered.rows, entered.curve.derivatives()
    second = None
    first = entered.hazard
    if entered.negative is not None:
        missed = 1.0 + entered.negative
        first = entered.negative / missed
        np.negative(first, out=first)
        second = np.divide(first, missed, out=missed)
    first_z = None if curve.z is None else first * _at_units(rows, curve.z)
    return _UnitSlopes(curve, first, first * _at_units(rows, curve.s), first_z, second)


def _at_units(rows: Rows, kernels: Floats) -> Floats:
    return kernels if rows.unit_kernel is None else kernels[rows.unit_kernel]


def _constant(column: Floats) -> float | None:
    """The value of a column that is the same for all rows."""
    return float(column[0]) if len(column) and bool((column == column[0]).all()) else None


@dataclass(frozen=True, eq=False)
class Slopes:
    """First derivatives of one array, kept for `curvature`."""

    units: _UnitSlopes
    total: Floats
    """(J, Q, m) ∂G."""
    crowd: tuple[Floats, Floats] | None
    """ψ' and ψ'' of the totals of traps that compete."""
    crowded: list[Floats]
    """J matrices (Qc, m) ∂ of those totals."""
    catch: tuple[Floats, Floats] | None
    """(T, m) φ' and φ''; None where φ = y."""


def slopes(entered: Entered, into: list[Floats | None], place: Ints) -> Slopes:
    """Add ∂ ln Pr(history | cell), (X, m), to `into` at positions `place` (J,); None there is 0."""
    rows = entered.rows
    units = _unit_slopes(entered)
    total = _total_slopes(entered, units)
    crowd = multi_catch_slopes(_crowded(rows, entered.total)) if rows.competes else None
    catch = None if rows.linear or not len(rows.catch_row) else _catch_slopes(entered, units)
    by_kind = _catch_sources(entered, units.curve, catch)
    crowded = [] if crowd is None else [_crowded(rows, part) for part in total]
    sources = np.empty((rows.sources, entered.total.shape[1]))
    for j, at in enumerate(place):
        sources[rows.profile_sources] = total[j]
        if crowd is not None:
            np.multiply(crowd[0], crowded[j], out=sources[rows.crowd_sources])
        by_kind(j, sources[rows.catch_sources])
        part = rows.histories.times(sources)
        if rows.linear:
            shift = entered.values.slopes[0][rows.catch_row, j]
            if shift.any():
                part += rows.caught.times(shift)[:, None]
        before = into[at]
        if before is None:
            into[at] = part
        else:
            before += part
    return Slopes(units, total, crowd, crowded, catch)


def _total_slopes(entered: Entered, units: _UnitSlopes) -> Floats:
    """(J, Q, m) ∂G."""
    rows, values = entered.rows, entered.values
    columns = len(rows.columns)
    total = np.zeros((columns, *entered.total.shape))
    for c, unit in enumerate((units.first, units.first_s, units.first_z)):
        slope = values.slopes[c]
        if slope is None or unit is None:
            continue
        base: Floats | None = None
        for j in range(columns):
            value = _constant(slope[:, j])
            if value == 0.0:
                continue
            if value is None:
                total[j] += values.mixed(rows, (c, j)) @ unit
                continue
            if base is None:
                shared = c == 0 and rows.on_hazard_scale
                base = entered.total if shared else np.asarray(values.mixed(rows) @ unit)
            total[j] += base if value == 1.0 else value * base
    return total


def _catch_slopes(entered: Entered, units: _UnitSlopes) -> tuple[Floats, Floats]:
    """φ' and φ'' of every kind of catch."""
    rows = entered.rows
    chosen = rows.unit_of_catch
    first = units.first[chosen]
    second = first if units.second is None else units.second[chosen]
    if rows.log_effort is None:
        return catch_slopes(entered.hazard[chosen], first, second, binary=False)
    if not rows.on_hazard_scale and not rows.log_effort.any():
        return first + 1.0, second  # φ = y + h
    effort = _catch_effort(entered)
    hazard = entered.hazard[chosen]
    hazard *= effort
    if units.second is None:
        return catch_slopes(hazard, hazard, hazard, binary=True)
    return catch_slopes(hazard, first * effort, second * effort, binary=True)


def _catch_sources(
    entered: Entered, curve: CurveSlopes, catch: tuple[Floats, Floats] | None
) -> Callable[[int, Floats], None]:
    """A function that writes ∂φ in coefficient j to its second argument."""
    rows, values = entered.rows, entered.values
    parts: list[tuple[Floats, Floats]] = []
    at = rows.kernel_row[rows.caught_kernel] if rows.linear else rows.catch_row
    kernels = rows.caught_kernel if rows.linear else rows.kernel_of_catch
    if catch is not None:
        parts.append((catch[0], values.slopes[0][at]))
    for part, slope in ((curve.s, values.slopes[1]), (curve.z, values.slopes[2])):
        if part is not None and slope is not None:
            block = part[kernels]
            if catch is not None:
                block *= catch[0]
            parts.append((block, slope[at]))

    def write(j: int, out: Floats) -> None:
        fresh = True
        for block, slope in parts:
            column = slope[:, j]
            if not column.any():
                continue
            if fresh:
                np.multiply(block, column[:, None], out=out)
            else:
                out += block * column[:, None]
            fresh = False
        if fresh:
            out[:] = 0.0

    return write


class _RowSums:
    """Weighted second derivatives of each row in (intercept, s, ζ), and first ones for curved links."""

    __slots__ = ("a", "aa", "as_", "az", "s", "ss", "sz", "z", "zz")

    def __init__(self, rows: int) -> None:
        self.a, self.s, self.z = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.aa, self.as_, self.az = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.ss, self.sz, self.zz = np.zeros(rows), np.zeros(rows), np.zeros(rows)


def curvature(entered: Entered, first: Slopes, weights: Floats) -> Floats:
    """(J, J) Σ over histories and cells of weights · ∂² ln Pr(history | cell).

    Parameters
    ----------
    weights : (X, m), the naive groups last.
    """
    rows = entered.rows
    columns = len(rows.columns)
    hessian = np.zeros((columns, columns))
    loads = rows.histories.back(weights)
    load = loads[rows.profile_sources]
    if first.crowd is not None:
        crowd = loads[rows.crowd_sources]
        push, bend = first.crowd
        pushed = crowd * push
        load = load + (pushed if rows.crowds is None else rows.crowds.back(pushed))
        crowd *= bend
        for j, moved in enumerate(first.crowded):
            bent = crowd * moved
            for k in range(j, columns):
                part = float(np.vdot(bent, first.crowded[k]))
                hessian[j, k] += part
                if k != j:
                    hessian[k, j] += part
    sums = _RowSums(len(rows.unit_of_row))
    _add_exposure(entered, first.units, load, sums)
    if len(rows.catch_row):
        _add_catches(entered, first, loads[rows.catch_sources], sums)
        if rows.linear:
            caught = rows.caught.back(weights.sum(axis=1))
            sums.a += np.bincount(rows.catch_row, caught, len(sums.a))
    return hessian + _contracted(rows, entered.values, sums)


def _add_exposure(entered: Entered, units: _UnitSlopes, load: Floats, sums: _RowSums) -> None:
    """Σ_m load ∂²G, row by row."""
    rows, curve = entered.rows, units.curve
    s = _at_units(rows, curve.s)
    second = units.first if units.second is None else units.second
    second_s = units.first_s if units.second is None else second * s
    summed = _exposure_sums(entered, load)
    sums.a += (first := summed(units.first))
    sums.s += (first_s := summed(units.first_s))
    sums.aa += first if units.second is None else summed(second)
    sums.as_ += first_s if units.second is None else summed(second_s)
    sums.ss += summed(second_s * s) + curve.bend * first_s
    if curve.ss is not None:
        sums.ss += summed(units.first * _at_units(rows, curve.ss))
    if curve.z is None or curve.sz is None or curve.zz is None or units.first_z is None:
        return
    z = _at_units(rows, curve.z)
    second_z = units.first_z if units.second is None else second * z
    sums.z += summed(units.first_z)
    sums.az += summed(second_z)
    sums.sz += summed(second_z * s + units.first * _at_units(rows, curve.sz))
    sums.zz += summed(second_z * z + units.first * _at_units(rows, curve.zz))


def _exposure_sums(entered: Entered, load: Floats) -> Callable[[Floats], Floats]:
    """A function that gives Σ_q E_qr Σ_m load_qm unit_m of each row, times the row's factor."""
    rows, factor = entered.rows, entered.values.factor
    size = len(factor)
    if rows.dense:

        def dense(unit: Floats) -> Floats:
            by_profile = load @ unit.T
            entry = rows.entry_effort * by_profile[rows.entry_profile, rows.unit_of_row[rows.entry_row]]
            return np.asarray(factor * np.bincount(rows.entry_row, entry, size))

        return dense
    effort = csr_array((rows.entry_effort, rows.entry_row, rows.entry_start), shape=(rows.profiles, size))
    by_row = np.asarray(effort.T @ load)

    def sparse(unit: Floats) -> Floats:
        by_unit = unit if rows.every_row else unit[rows.unit_of_row]
        return np.asarray(factor * np.vecdot(by_row, by_unit))

    return sparse


def _add_catches(entered: Entered, slopes_of: Slopes, load: Floats, sums: _RowSums) -> None:
    """Σ_m load ∂²φ, row by row; on rows that stand for their kernel where φ = y."""
    rows, curve, catch = entered.rows, slopes_of.units.curve, slopes_of.catch
    at = rows.kernel_row[rows.caught_kernel] if catch is None else rows.catch_row
    kernels = rows.caught_kernel if catch is None else rows.kernel_of_catch

    def add(into: Floats, values: Floats) -> None:
        into += np.bincount(at, values, len(into))

    w1 = load
    s = curve.s[kernels]
    z = None if curve.z is None else curve.z[kernels]
    if catch is not None:
        w1, w2 = load * catch[0], load * catch[1]
        add(sums.a, np.vecdot(load, catch[0]))
        add(sums.aa, np.vecdot(load, catch[1]))
        add(sums.as_, np.vecdot(w2, s))
        if z is not None:
            add(sums.az, np.vecdot(w2, z))
            bent = w2 * z
            add(sums.sz, np.vecdot(bent, s))
            add(sums.zz, np.vecdot(bent, z))
        w2 *= s
        add(sums.ss, np.vecdot(w2, s))
    s1 = np.vecdot(w1, s)
    add(sums.s, s1)
    add(sums.ss, curve.bend * s1)
    if curve.ss is not None:
        add(sums.ss, np.vecdot(w1, curve.ss[kernels]))
    if z is not None and curve.sz is not None and curve.zz is not None:
        add(sums.z, np.vecdot(w1, z))
        add(sums.sz, np.vecdot(w1, curve.sz[kernels]))
        add(sums.zz, np.vecdot(w1, curve.zz[kernels]))


def _contracted(rows: Rows, values: RowValues, sums: _RowSums) -> Floats:
    """Row sums turned into derivatives in β by the designs, curvature of the links included."""
    a, s, z = values.slopes
    hessian = (a.T * sums.aa) @ a + (s.T * sums.ss) @ s
    cross = (a.T * sums.as_) @ s
    if z is not None:
        hessian += (z.T * sums.zz) @ z
        cross += (a.T * sums.az) @ z + (s.T * sums.sz) @ z
    hessian += cross + cross.T
    x_a, x_s, x_z = rows.designs
    link_a, link_s, link_z = values.links
    along_a, along_s = sums.a, sums.s
    if values.area is not None:
        first, second = values.area
        hessian += (a.T * (sums.a * second / first**2)) @ a
        along_a = along_a * first
    if rows.area_intercept:
        along_s = along_s - 2.0 * along_a
    hessian += _bent(x_a, along_a, link_a.second) + _bent(x_s, along_s, link_s.second)
    if z is not None and x_z is not None and link_z is not None:
        hessian += _bent(x_z, sums.z, link_z.second)
    return np.asarray(hessian)


def _bent(design: Floats, along: Floats, second: Floats | float) -> Floats | float:
    if isinstance(second, float) and second == 0.0:
        return 0.0
    return np.asarray((design.T * (along * second)) @ design)
