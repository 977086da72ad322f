"""Density and abundance in one call: the mask is chosen, checked after the fit, and mended."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.constant_model import log_likelihood, prepare
from ghostcat.scr.data import ScrData, captures_spread_m
from ghostcat.scr.fit import ScrFit, fit_scr
from ghostcat.scr.mask import MAX_CELLS, Mask, Polygon, make_mask, suggest_buffer
from ghostcat.scr.refusal import refuse_if_hopeless
from ghostcat.scr.results import Diagnostic, MaskCheck

__all__ = ["check_mask", "estimate_density"]

Floats = NDArray[np.float64]

# D may move by this much when the mask is improved before the engine improves it.
_TOLERANCE = 0.005
_MAX_ROUNDS = 5


def estimate_density(
    data: ScrData,
    *,
    habitat: Mask | Polygon | None = None,
    buffer_m: float | None = None,
    cell_m: float | None = None,
    max_cells: int = MAX_CELLS,
) -> ScrFit:
    """Fit on a mask that the engine chooses, checks and, if need be, enlarges or refines.

    Parameters
    ----------
    data : captures and effort.
    habitat : where animals can live, a polygon or cells; everywhere by default. Cells are taken as
        they are, and so is the border of a polygon.
    buffer_m : reach of the mask beyond the stations; by default 4 σ of the captures at first, and
        what the fitted hazard asks for afterwards.
    cell_m : width of cells; by default at most σ/2, and finer where an animal was caught so often
        that its activity centre is known better than that.
    max_cells : upper limit while the engine chooses.

    Returns
    -------
    ScrFit : `mask_check` holds how far D would still move; a `mask_not_settled` diagnostic says so if
        that is more than 0.5 %. Values that were given stay as they are and are only checked.

    Raises
    ------
    EstimateRefused : as `fit_scr`.
    """
    refuse_if_hopeless(data)
    sigma = captures_spread_m(data)
    width, reach = cell_m or _fitting_cell(data, sigma), buffer_m or 4.0 * sigma
    enlarged = 0
    start: Floats | None = None
    for _ in range(_MAX_ROUNDS):
        mask = _mask(data, habitat, reach, width, cell_m is None, max_cells)
        fit = fit_scr(data, mask, start=start)
        if not fit.converged:
            return fit
        check = replace(check_mask(fit, habitat), enlarged=enlarged)
        sigma = fit.sigma_m.estimate
        wanted_reach, wanted_width = reach, width
        if buffer_m is None and abs(check.buffer_change) > _TOLERANCE:
            wanted_reach = max(reach + sigma, _needed_buffer(data, fit))
        if cell_m is None and abs(check.cell_change) > _TOLERANCE:
            wanted_width = min(0.7 * width, _fitting_cell(data, sigma))
        if mask.cells >= 0.9 * max_cells:
            wanted_width = width  # finer cells would be more than allowed
        if (wanted_reach, wanted_width) == (reach, width):
            break
        enlarged += wanted_reach > reach
        reach, width, start = wanted_reach, wanted_width, fit.beta
    return _with_check(fit, check)


def check_mask(fit: ScrFit, habitat: Mask | Polygon | None = None) -> MaskCheck:
    """How far D would move on a mask that reaches 2 σ farther, and on one with cells half as wide.

    One Newton step of the log-likelihood on the better mask, from the estimates of this fit: the
    step is −H⁻¹ g, and its first element the change of ln D. A mask made of given cells is left
    alone: both changes are 0.

    >>> traps = 2000.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    >>> counts = np.zeros((3, 25), dtype=int)
    >>> counts[0, [0, 1]], counts[1, [12, 13]], counts[2, [23, 24]] = [2, 1], [1, 2], [1, 1]
    >>> data = ScrData(counts, np.full(25, 90.0), traps)
    >>> small = fit_scr(data, make_mask(traps, buffer_m=1000.0, cell_m=500.0))
    >>> bool(check_mask(small).buffer_change < -0.1)
    True
    """
    if isinstance(habitat, Mask) or fit.mask.clipped or not fit.mask.buffer_m > 0:
        return MaskCheck(buffer_change=0.0, cell_change=0.0, enlarged=0)
    data, mask = fit.data, fit.mask
    traps = _working_traps(data)
    # A σ far beyond the mask tells itself; the step out need not follow it without bound.
    step = min(2.0 * fit.sigma_m.estimate, mask.buffer_m + float(np.ptp(traps, axis=0).max()))
    wider = make_mask(traps, buffer_m=mask.buffer_m + step, cell_m=mask.cell_m, region=habitat)
    finer = make_mask(traps, buffer_m=mask.buffer_m, cell_m=mask.cell_m / 2.0, region=habitat)
    return MaskCheck(
        buffer_change=_change_of_density(fit, wider),
        cell_change=_change_of_density(fit, finer),
        enlarged=0,
    )


def _change_of_density(fit: ScrFit, mask: Mask) -> float:
    at = log_likelihood(prepare(fit.data, mask), fit.beta)
    step = np.linalg.solve(-at.hessian, at.gradient)
    return math.expm1(float(np.clip(step[0], -5.0, 5.0)))


def _working_traps(data: ScrData) -> Floats:
    return data.traps_xy_m[data.station_usage > 0]


def _mask(
    data: ScrData,
    habitat: Mask | Polygon | None,
    reach: float,
    width: float,
    may_coarsen: bool,
    max_cells: int,
) -> Mask:
    traps = _working_traps(data)
    if isinstance(habitat, Mask):
        return make_mask(traps, region=habitat)
    if may_coarsen:
        low, high = traps.min(axis=0) - reach, traps.max(axis=0) + reach
        width = max(width, math.sqrt(float(np.prod(high - low)) / max_cells))
    return make_mask(traps, buffer_m=reach, cell_m=width, region=habitat)


def _needed_buffer(data: ScrData, fit: ScrFit) -> float:
    working = data.station_usage > 0
    return suggest_buffer(
        data.traps_xy_m[working],
        data.station_usage[working],
        lambda0=fit.lambda0.estimate,
        sigma_m=fit.sigma_m.estimate,
    )


def _fitting_cell(data: ScrData, sigma_m: float) -> float:
    """Half of σ, or the width 1.2 σ/√y at which a sum over cells still follows the centre of the
    animal that was caught most often (a normal with that spread, summed at that spacing, is right to
    1e-5)."""
    most = int(data.counts.sum(axis=1).max())
    return sigma_m * min(0.5, 1.2 / math.sqrt(most))


def _with_check(fit: ScrFit, check: MaskCheck) -> ScrFit:
    worst = max(abs(check.buffer_change), abs(check.cell_change))
    if worst <= _TOLERANCE:
        # The step on the larger mask knows more than the rule of thumb behind this warning.
        kept = tuple(d for d in fit.diagnostics if d.code != "buffer_too_small")
        return replace(fit, mask_check=check, diagnostics=kept)
    warning = Diagnostic(
        code="mask_not_settled",
        severity="warning",
        message=f"Density would change by {100 * check.buffer_change:+.1f} % on a mask reaching 2 σ "
        f"farther and by {100 * check.cell_change:+.1f} % with cells half as wide.",
        fix="Give a larger buffer_m or a smaller cell_m, or the habitat's border if there is one.",
    )
    return replace(fit, mask_check=check, diagnostics=(*fit.diagnostics, warning))
