"""The spatial capture–recapture log-likelihood with its exact gradient and Hessian.

Notation: animals i, detector rows r with effort U_r, mask cells m with area a_m. Each row has
a_r = ln λ0 and s_r = ln σ, each cell ln D_m; all three are linear predictors X β.

    g_rm = d²_rm / σ_r²          h_rm = λ0_r exp(−g_rm / 2)          H_m = Σ_r U_r h_rm
    f_im = ln(a_m D_m) − H_m + Σ_r y_ir φ(h_rm)
    logL = Σ_i ln Σ_m exp(f_im) − Σ_m a_m D_m (1 − exp(−H_m)) + constant

φ is ln h for Poisson counts and ln(exp(u h) − 1) for binary detectors with effort u per occasion:
with it, animals share one H and differ only where they were caught, so cost grows with detections
and not with camera-days. Borchers & Efford (2008) Biometrics 64:377–385.

Differentiating gives, with w_im the posterior of animal i's centre and v_m = a_m D_m exp(−H_m) the
expected centres of animals never seen,

    gradient_j   = Σ_im w_im ∂f_im/∂j − Σ_m (Poisson mean)_m/∂j
    Hessian_jk   = Σ_im w_im ∂²f_im/∂jk + Σ_i Cov_w(∂f_i/∂j, ∂f_i/∂k) − ∂²(Poisson mean)/∂jk

in which first and second derivatives of f and of the mean share Σ_i w_im + v_m.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.data import ScrData, collapsed_constant
from ghostcat.scr.hazard import binary_slopes, log_expm1
from ghostcat.scr.mask import Mask

__all__ = ["LogLikelihood", "Problem", "conditional_log_likelihood", "log_likelihood", "prepare"]

Floats = NDArray[np.float64]
Constants = Literal["secr", "none"]
Form = Literal["collapsed", "full"]

_KM2_PER_HA = 0.01
# Elements of one stations × cells block: a few such arrays fit a processor's cache.
_BLOCK = 120_000
# Up to here the blocks of one evaluation are kept for its derivatives (three arrays, 48 MB).
_KEEP = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class LogLikelihood:
    """Value and, as far as asked for, derivatives with respect to β."""

    value: float
    gradient: Floats
    hessian: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Data and mask, laid out for evaluation. Made by `prepare`.

    β is (density…, lambda0…, sigma…): ln D per hectare, ln λ0, ln σ in metres.
    """

    rows_xy_m: Floats
    effort: Floats
    cells_xy_m: Floats
    cell_area_ha: Floats
    caught_rows: NDArray[np.int64]
    """Rows at which somebody was caught; the columns of `caught`."""
    caught: Floats
    """(n_animals, n_caught_rows) detections."""
    effort_per_occasion: Floats | None
    """(n_caught_rows,), binary detectors only."""
    design_density: Floats
    design_lambda0: Floats
    design_sigma: Floats
    constant: float

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Number of density, lambda0 and sigma coefficients."""
        return self.design_density.shape[1], self.design_lambda0.shape[1], self.design_sigma.shape[1]


def prepare(
    data: ScrData,
    mask: Mask,
    *,
    constants: Constants = "secr",
    form: Form = "collapsed",
    design_density: ArrayLike | None = None,
    design_lambda0: ArrayLike | None = None,
    design_sigma: ArrayLike | None = None,
) -> Problem:
    """Lay data and mask out for `log_likelihood`.

    Parameters
    ----------
    constants : "secr" keeps every term that no parameter moves, so that values compare with the
        program secr: 1/y! or the binomial coefficient, and the multiplicity of equal histories.
        "none" drops them.
    form : "collapsed" takes constants for histories summed over occasions; "full" for occasions one
        by one, known only to data made by `ScrData.from_detections`. The maximum is the same; never
        compare AIC across forms.
    design_density : (n_cells, p) and `design_lambda0`, `design_sigma` : (n_rows, p) linear
        predictors on the log scale; constant by default.

    Raises
    ------
    ParameterError : "full" for data whose occasions are not known; a design of wrong shape.
    """
    if form == "full" and data.occasion_constant is None:
        raise ParameterError(
            "the occasions behind these data are not known",
            fix='Use ScrData.from_detections, or form="collapsed".',
        )
    constant = 0.0
    if constants == "secr":
        constant = float(data.occasion_constant or 0.0) if form == "full" else collapsed_constant(data)
    working = np.flatnonzero(data.usage > 0)
    counts = data.counts[:, working]
    caught = np.flatnonzero(counts.sum(axis=0))
    # Coordinates near the origin keep more digits in the differences.
    centre = mask.xy_m.mean(axis=0)
    return Problem(
        rows_xy_m=data.traps_xy_m[data.station_index[working]] - centre,
        effort=data.usage[working],
        cells_xy_m=mask.xy_m - centre,
        cell_area_ha=mask.cell_area_km2 / _KM2_PER_HA,
        caught_rows=caught,
        caught=counts[:, caught].astype(np.float64),
        effort_per_occasion=(
            None if data.occasions is None else (data.usage[working] / data.occasions[working])[caught]
        ),
        design_density=_design(design_density, mask.cells, "design_density"),
        design_lambda0=_design(design_lambda0, len(data.usage), "design_lambda0")[working],
        design_sigma=_design(design_sigma, len(data.usage), "design_sigma")[working],
        constant=constant,
    )


def log_likelihood(problem: Problem, beta: ArrayLike, *, derivatives: bool = True) -> LogLikelihood:
    """Log-likelihood of β, Poisson number of animals.

    Parameters
    ----------
    problem : from `prepare`.
    beta : (p,) ln D per hectare, ln λ0, ln σ in metres; coefficients in this order.
    derivatives : also the exact gradient and Hessian; otherwise they are empty.

    Returns
    -------
    LogLikelihood
    """
    state = _state(problem, np.asarray(beta, dtype=np.float64))
    log_sum, weights = _normalise(state.log_joint)
    density = state.density_ha * problem.cell_area_ha
    caught_mean = density * -np.expm1(-state.total)
    value = float(log_sum.sum() - caught_mean.sum()) + problem.constant
    if not derivatives:
        return LogLikelihood(value=value, gradient=np.empty(0), hessian=np.empty((0, 0)))
    gradient, hessian = _derivatives(problem, state, weights, density)
    return LogLikelihood(value=value, gradient=gradient, hessian=hessian)


def conditional_log_likelihood(problem: Problem, beta: ArrayLike) -> float:
    """Log-likelihood given the number of animals caught; β without density.

    The full likelihood at D = n/esa, less its Poisson term: Σ ln Pr(w_i) − n ln p. and the multinomial
    constant. Only for constant density.
    """
    n = len(problem.caught)
    esa, _ = effective_area_ha(problem, beta)
    full = log_likelihood(problem, [math.log(n / esa), *np.asarray(beta)], derivatives=False)
    return full.value - (n * math.log(n) - n - math.lgamma(n + 1))


def effective_area_ha(problem: Problem, beta: ArrayLike) -> tuple[float, Floats]:
    """Effective sampling area a Σ p.(m), hectares, and its gradient; β holds λ0 and σ coefficients only."""
    area = 0.0
    slope = np.zeros(sum(problem.sizes[1:]))
    for block in _blocks(problem, np.asarray(beta, dtype=np.float64)):
        total = problem.effort @ block.hazard
        a = problem.cell_area_ha[block.cells]
        area -= float(a @ np.expm1(-total))
        slope += _total_slopes(problem, block) @ (a * np.exp(-total))
    return area, slope


def detection_probability(problem: Problem, beta: ArrayLike) -> Floats:
    """(n_cells,) probability that an animal centred there is caught at all; full β."""
    skip = problem.sizes[0]
    return -np.expm1(-_total_hazard(problem, np.asarray(beta, dtype=np.float64)[skip:]))


def posterior_weights(problem: Problem, beta: ArrayLike) -> tuple[Floats, Floats]:
    """Where the animals are: (n_animals, n_cells) probabilities, and (n_cells,) expected unseen animals."""
    state = _state(problem, np.asarray(beta, dtype=np.float64))
    _, weights = _normalise(state.log_joint)
    return weights, state.density_ha * problem.cell_area_ha * np.exp(-state.total)


@dataclass(frozen=True, eq=False)
class _State:
    density_ha: Floats
    total: Floats
    """(n_cells,) H_m."""
    log_joint: Floats
    """(n_animals, n_cells) f_im; overwritten by the posterior once normalised."""
    blocks: Iterable[_Block]
    """Kept where they are small, computed again otherwise."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Distance-dependent quantities of all rows over some cells."""

    cells: slice
    scaled: Floats
    """g = d²/σ²."""
    log_hazard: Floats
    hazard: Floats


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Blocks that are computed anew each time they are gone through."""

    problem: Problem
    beta_detection: Floats

    def __iter__(self) -> Iterator[_Block]:
        return _blocks(self.problem, self.beta_detection)


def _blocks(problem: Problem, beta_detection: Floats) -> Iterator[_Block]:
    p = problem.sizes[1]
    log_lambda0 = problem.design_lambda0 @ beta_detection[:p]
    precision = np.exp(-2.0 * (problem.design_sigma @ beta_detection[p:]))[:, None]
    x, y = problem.rows_xy_m[:, :1], problem.rows_xy_m[:, 1:]
    n_cells = len(problem.cells_xy_m)
    size = max(1, _BLOCK // max(len(x), 1))
    for start in range(0, n_cells, size):
        cells = slice(start, min(start + size, n_cells))
        dx = x - problem.cells_xy_m[cells, 0]
        dy = y - problem.cells_xy_m[cells, 1]
        dx *= dx
        dy *= dy
        dx += dy
        dx *= precision
        log_hazard = log_lambda0[:, None] - 0.5 * dx
        yield _Block(cells, dx, log_hazard, np.exp(log_hazard))


def _total_hazard(problem: Problem, beta_detection: Floats) -> Floats:
    total = np.empty(len(problem.cells_xy_m))
    for block in _blocks(problem, beta_detection):
        total[block.cells] = problem.effort @ block.hazard
    return total


def _state(problem: Problem, beta: Floats) -> _State:
    skip = problem.sizes[0]
    log_density = problem.design_density @ beta[:skip]
    total = np.empty(len(log_density))
    joint = np.empty((len(problem.caught), len(log_density)))
    blocks: Iterable[_Block] = _Blocks(problem, beta[skip:])
    if len(problem.effort) * len(log_density) <= _KEEP:
        blocks = list(blocks)
    for block in blocks:
        total[block.cells] = problem.effort @ block.hazard
        joint[:, block.cells] = problem.caught @ _log_caught(problem, block)
    joint += np.log(problem.cell_area_ha) + log_density - total
    return _State(np.exp(log_density), total, joint, blocks)


def _log_caught(problem: Problem, block: _Block) -> Floats:
    """φ: what one detection at each caught row adds to f."""
    rows = problem.caught_rows
    if problem.effort_per_occasion is None:
        return block.log_hazard[rows]
    u = problem.effort_per_occasion[:, None]
    return log_expm1(block.log_hazard[rows] + np.log(u), block.hazard[rows] * u)


def _normalise(log_joint: Floats) -> tuple[Floats, Floats]:
    """ln Σ_m exp(f_im), and the posterior of each centre, in the memory of `log_joint`."""
    if not len(log_joint):
        return np.empty(0), log_joint
    top = log_joint.max(axis=1, keepdims=True)
    log_joint -= top
    np.exp(log_joint, out=log_joint)
    total = log_joint.sum(axis=1, keepdims=True)
    log_joint /= total
    return (top + np.log(total))[:, 0], log_joint


def _derivatives(problem: Problem, state: _State, weights: Floats, density: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian. Per-row sums carry all second derivatives; only the covariance needs i × m."""
    p_d, p_a, p_s = problem.sizes
    p = p_d + p_a + p_s
    x_d, x_a, x_s = problem.design_density, problem.design_lambda0, problem.design_sigma
    unseen = density * np.exp(-state.total)
    seen = weights.sum(axis=0)
    load = seen + unseen
    n_rows = len(problem.effort)
    slope = np.zeros((2, n_rows))  # per row: with respect to ln λ0 and ln σ
    bend = np.zeros((3, n_rows))  # aa, as, ss
    mean = np.zeros((p, len(weights)))
    hessian = np.zeros((p, p))
    for block in state.blocks:
        w = weights[:, block.cells]
        first, second = _caught_slopes(problem, block)
        _add_row_sums(problem, block, problem.caught.T @ w, load[block.cells], first, second, slope, bend)
        hazard_slopes = _total_slopes(problem, block)
        hessian[p_d:, p_d:] += (hazard_slopes * unseen[block.cells]) @ hazard_slopes.T
        cross = (x_d[block.cells].T * unseen[block.cells]) @ hazard_slopes.T
        hessian[:p_d, p_d:] -= cross
        hessian[p_d:, :p_d] -= cross.T
        _add_covariance(problem, block, w, first, hazard_slopes, mean, hessian)
    hessian -= mean @ mean.T
    thinned = (x_d.T * (density - unseen)) @ x_d
    hessian[:p_d, :p_d] -= thinned
    a, s = slice(p_d, p_d + p_a), slice(p_d + p_a, p)
    hessian[a, a] += (x_a.T * bend[0]) @ x_a
    mixed = (x_a.T * bend[1]) @ x_s
    hessian[a, s] += mixed
    hessian[s, a] += mixed.T
    hessian[s, s] += (x_s.T * bend[2]) @ x_s
    gradient = np.concatenate([x_d.T @ (seen - density + unseen), x_a.T @ slope[0], x_s.T @ slope[1]])
    return gradient, hessian


def _caught_slopes(
    problem: Problem, block: _Block
) -> tuple[tuple[Floats | None, Floats], tuple[Floats | None, Floats | None, Floats]]:
    """∂φ/∂(ln λ0, ln σ) and ∂²φ/∂(aa, as, ss) at the caught rows; None stands for 1 or for 0."""
    g = block.scaled[problem.caught_rows]
    if problem.effort_per_occasion is None:
        return (None, g), (None, None, -2.0 * g)
    rho, tau = binary_slopes(block.hazard[problem.caught_rows] * problem.effort_per_occasion[:, None])
    tau_g = tau * g
    return (rho, rho * g), (tau, tau_g, (tau_g - 2.0 * rho) * g)


def _add_row_sums(
    problem: Problem,
    block: _Block,
    posterior: Floats,
    load: Floats,
    first: tuple[Floats | None, Floats],
    second: tuple[Floats | None, Floats | None, Floats],
    slope: Floats,
    bend: Floats,
) -> None:
    """Add this block's Σ_m of first and second derivatives, per row, to `slope` and `bend`."""
    rows = problem.caught_rows
    hg = block.hazard * block.scaled
    sums = problem.effort * np.stack([block.hazard @ load, hg @ load, (hg * block.scaled) @ load])
    slope[0] -= sums[0]
    slope[1] -= sums[1]
    bend[0] -= sums[0]
    bend[1] -= sums[1]
    bend[2] -= sums[2] - 2.0 * sums[1]
    slope[0, rows] += (
        posterior.sum(axis=1) if first[0] is None else np.einsum("rm,rm->r", posterior, first[0])
    )
    slope[1, rows] += np.einsum("rm,rm->r", posterior, first[1])
    for k, term in enumerate(second):
        if term is not None:
            bend[k, rows] += np.einsum("rm,rm->r", posterior, term)


def _total_slopes(problem: Problem, block: _Block) -> Floats:
    """(p_lambda0 + p_sigma, cells) derivatives of H."""
    return np.concatenate(
        [
            (problem.design_lambda0.T * problem.effort) @ block.hazard,
            (problem.design_sigma.T * problem.effort) @ (block.hazard * block.scaled),
        ]
    )


def _add_covariance(
    problem: Problem,
    block: _Block,
    w: Floats,
    first: tuple[Floats | None, Floats],
    hazard_slopes: Floats,
    mean: Floats,
    hessian: Floats,
) -> None:
    """Add Σ_i E_w[f_j f_k] to `hessian` and E_w[f_j] to `mean`; the caller subtracts their product."""
    rows, y = problem.caught_rows, problem.caught
    p_a = problem.sizes[1]
    slopes: list[Floats] = [
        np.broadcast_to(column, w.shape) for column in problem.design_density[block.cells].T
    ]
    for j, column in enumerate(problem.design_lambda0[rows].T):
        part = (y @ column)[:, None] if first[0] is None else (y * column) @ first[0]
        slopes.append(part - hazard_slopes[j])
    for j, column in enumerate(problem.design_sigma[rows].T):
        slopes.append((y * column) @ first[1] - hazard_slopes[p_a + j])
    for j, slope in enumerate(slopes):
        weighted = w * slope
        mean[j] += weighted.sum(axis=1)
        for k in range(j, len(slopes)):
            moment = float(np.vdot(weighted, slopes[k]))
            hessian[j, k] += moment
            if k != j:
                hessian[k, j] += moment


def _design(design: ArrayLike | None, n: int, name: str) -> Floats:
    if design is None:
        return np.ones((n, 1))
    matrix = np.asarray(design, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) != n:
        raise ParameterError(f"{name} has shape {matrix.shape}, expected ({n}, p)")
    return matrix
