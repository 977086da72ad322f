"""Animals that do not move straight: least-cost distance with an estimated cost parameter (first version).

Movement from cell to cell costs length / conductance, conductance = exp(θ z) for a covariate z of the
mask. Distances from detectors to activity centres are those of the cheapest path. θ is found by an outer
search over complete fits; its interval is that of the profile likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, hstack, vstack

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.checks import check_metres
from ghostcat.scr.fitting import ModelFit, fit_model
from ghostcat.scr.laying_out import LaidOut, lay_out
from ghostcat.scr.mask import Mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.profile import ProfileInterval, limits_of_profile

__all__ = ["NonEuclideanFit", "cost_distances", "fit_noneuclidean"]

Floats = NDArray[np.float64]
Neighbours = Literal[4, 8, 16]

_STEPS: Mapping[int, tuple[tuple[int, int], ...]] = {
    4: ((1, 0), (0, 1)),
    8: ((1, 0), (0, 1), (1, 1), (1, -1)),
    16: ((1, 0), (0, 1), (1, 1), (1, -1), (1, 2), (2, 1), (2, -1), (1, -2)),
}
# A place that cannot be reached is this many times the extent of the mask away.
_OUT_OF_REACH = 100.0
_SEARCH_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class NonEuclideanFit:
    """A fit with least-cost distances at the best θ.

    `covariance` of the coefficients contains the uncertainty of θ; that of `fit` does not.
    """

    fit: ModelFit
    covariate: str
    theta: ProfileInterval
    theta_standard_error: float
    covariance: Floats = field(repr=False)
    """(P + 1, P + 1): coefficients of `fit`, then θ."""
    euclidean_log_likelihood: float
    """Of the fit at θ = 0 on the same grid of paths."""

    @property
    def log_likelihood(self) -> float:
        """At the maximum over all parameters, θ among them."""
        return self.fit.log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's criterion, θ counted."""
        return self.fit.aic + 2.0

    @property
    def p_no_effect(self) -> float:
        """Likelihood-ratio test of θ = 0."""
        drop = max(0.0, 2.0 * (self.fit.log_likelihood - self.euclidean_log_likelihood))
        return math.erfc(math.sqrt(drop / 2.0))


def cost_distances(
    detectors_xy_m: ArrayLike, mask: Mask, conductance: ArrayLike, *, neighbours: Neighbours = 16
) -> Floats:
    """Cheapest way from each detector to each cell, in metres of ground with conductance 1.

    Parameters
    ----------
    detectors_xy_m : (K, 2) metres.
    mask : cells on a square lattice; gaps in it cannot be crossed.
    conductance : (M,) of the cells, > 0. A step costs its length times the mean of 1/conductance of
        the cells at its ends.
    neighbours : steps to 4, 8 or 16 neighbours. On even ground 8 overrate a distance by up to 8 %,
        16 by up to 3 %.

    Returns
    -------
    (K, M) metres; what cannot be reached is 100 times the extent of the mask away.

    Raises
    ------
    ParameterError : conductance is missing or not positive, or the mask is no lattice.

    >>> mask = Mask([[0.0, 0.0], [1000.0, 0.0], [2000.0, 0.0]], 1.0)
    >>> cost_distances([[0.0, 0.0]], mask, [1.0, 1.0, 0.5], neighbours=4).round().tolist()
    [[0.0, 1000.0, 2500.0]]
    """
    from scipy.sparse.csgraph import dijkstra

    detectors = check_metres(detectors_xy_m, what="detectors")
    speed = np.asarray(conductance, dtype=np.float64)
    if speed.shape != (mask.cells,) or not (np.isfinite(speed) & (speed > 0)).all():
        raise ParameterError(
            f"conductance has shape {speed.shape}, expected ({mask.cells},) numbers above 0",
            fix="Give every cell of the mask a value of the covariate.",
        )
    ways = _graph(mask, 1.0 / speed, neighbours)
    gates = _gates(detectors, mask, 1.0 / speed)
    # Detectors are nodes that lead into the cells around them; no path leads through a detector.
    whole = vstack(
        [
            hstack([ways + ways.T, csr_array((mask.cells, len(detectors)))]),
            hstack([gates, csr_array((len(detectors), len(detectors)))]),
        ]
    )
    sources = np.arange(mask.cells, mask.cells + len(detectors))
    found = dijkstra(csr_array(whole), directed=True, indices=sources)[:, : mask.cells]
    extent = float(np.ptp(mask.xy_m, axis=0).max()) + mask.cell_m
    return np.where(np.isfinite(found), found, _OUT_OF_REACH * extent)


def fit_noneuclidean(
    model: ScrModel,
    covariate: str,
    *,
    neighbours: Neighbours = 16,
    limits: tuple[float, float] = (-6.0, 6.0),
    interval: bool = True,
) -> NonEuclideanFit:
    """Fit a model together with the effect θ of a covariate on the ease of movement.

    Parameters
    ----------
    model : any model; its sessions must have `covariate` among their mask covariates. Scale it so that
        a unit is a plausible step (0 and 1 for a barrier): ground at z = 1 conducts exp(θ) times as well.
    covariate : name of the mask covariate, numbers without gaps.
    neighbours : see `cost_distances`.
    limits : range in which θ is looked for.
    interval : whether the 95 % profile interval of θ is wanted (a few more fits).

    Returns
    -------
    NonEuclideanFit

    Raises
    ------
    ParameterError : no such covariate, or values missing.
    EstimateRefused : the data cannot carry the model, or θ runs to a limit (`not_identified`).

    References
    ----------
    Royle, Chandler, Gazenski & Graves (2013) Ecology 94:287–294; Sutherland, Fuller & Royle (2015)
    Methods in Ecology and Evolution 6:169–177.
    """
    values = [_values(session.mask_covariates, covariate, session.name) for session in model.sessions]
    laid = lay_out(model)
    search = _Search(laid, model, values, neighbours)
    flat = search.at(0.0)
    theta = search.best(limits)
    fit = search.at(theta)
    curve, slope = search.curvature(theta)
    if not curve < 0:
        raise EstimateRefused(
            f"the likelihood has no clear maximum in the effect of {covariate} on movement (θ {theta:.2f})",
            code="not_identified",
            fix="Too few animals cross ground that differs in it. Leave the covariate out.",
        )
    variance = -1.0 / curve
    whole = np.empty((len(fit.beta) + 1, len(fit.beta) + 1))
    whole[:-1, :-1] = fit.covariance + variance * np.outer(slope, slope)
    whole[:-1, -1] = whole[-1, :-1] = variance * slope
    whole[-1, -1] = variance
    error = math.sqrt(variance)
    if interval:
        profile = limits_of_profile(
            lambda v: search.at(v).log_likelihood,
            name="theta",
            estimate=theta,
            log_likelihood=fit.log_likelihood,
            standard_error=error,
        )
    else:
        wald = (theta - 1.959964 * error, theta + 1.959964 * error)
        profile = ProfileInterval(
            name="theta",
            estimate=theta,
            lower=wald[0],
            upper=wald[1],
            level=0.95,
            wald=wald,
            values=np.array([theta]),
            log_likelihood=np.array([fit.log_likelihood]),
        )
    return NonEuclideanFit(
        fit=fit,
        covariate=covariate,
        theta=profile,
        theta_standard_error=error,
        covariance=whole,
        euclidean_log_likelihood=flat.log_likelihood,
    )


class _Search:
    """Fits at values of θ, each started where the nearest one ended."""

    def __init__(self, laid: LaidOut, model: ScrModel, values: list[Floats], neighbours: Neighbours) -> None:
        self.laid, self.model, self.values, self.neighbours = laid, model, values, neighbours
        self.fits: dict[float, ModelFit] = {}

    def at(self, theta: float) -> ModelFit:
        """The fit with distances at θ."""
        if theta not in self.fits:
            near = min(self.fits, key=lambda t: abs(t - theta), default=None)
            laid = self._with_distances(theta)
            # The first fit has the checks; a θ far from the truth may not be refused.
            start = None if near is None else self.fits[near].beta
            self.fits[theta] = fit_model(laid, start=start, checked=near is None)
        return self.fits[theta]

    def best(self, limits: tuple[float, float]) -> float:
        """The θ of the highest profile, by golden section within the best third of a coarse grid."""
        from scipy.optimize import minimize_scalar

        low, high = limits
        if not low < 0.0 < high:
            raise ParameterError(f"limits {limits} do not enclose 0")
        grid = np.array(sorted({0.0, *np.linspace(low, high, 9)}))
        heights = [self.at(float(t)).log_likelihood for t in grid]
        top = int(np.argmax(heights))
        if top in (0, len(grid) - 1):
            raise EstimateRefused(
                f"the effect on movement runs to its limit (θ {grid[top]:.2f})",
                code="not_identified",
                fix="A barrier that no animal crosses has no finite θ: take its cells out of the mask.",
            )
        found = minimize_scalar(
            lambda t: -self.at(float(t)).log_likelihood,
            bounds=(float(grid[top - 1]), float(grid[top + 1])),
            method="bounded",
            options={"xatol": _SEARCH_TOLERANCE},
        )
        return float(found.x)

    def curvature(self, theta: float) -> tuple[float, Floats]:
        """Second derivative of the profile, and dβ̂/dθ, by central differences."""
        middle = self.at(theta)
        step = 0.05
        for _ in range(4):
            drop = middle.log_likelihood - self.at(theta + step).log_likelihood
            if 0.005 < drop < 0.5:
                break
            # The profile is nearly a parabola: this step drops it by a tenth.
            step *= min(10.0, max(0.1, math.sqrt(0.1 / max(drop, 1e-6))))
        up, down = self.at(theta + step), self.at(theta - step)
        second = (up.log_likelihood - 2.0 * middle.log_likelihood + down.log_likelihood) / step**2
        return second, (up.beta - down.beta) / (2.0 * step)

    def _with_distances(self, theta: float) -> LaidOut:
        sessions, layouts = [], []
        for session, layout, value in zip(
            self.model.sessions, self.laid.layout.sessions, self.values, strict=True
        ):
            conductance = np.exp(theta * value)
            ways = [
                cost_distances(a.xy_m, session.mask, conductance, neighbours=self.neighbours)
                for a in session.arrays
            ]
            sessions.append(
                replace(
                    session,
                    arrays=tuple(replace(a, distance_m=d) for a, d in zip(session.arrays, ways, strict=True)),
                )
            )
            layouts.append(
                replace(
                    layout,
                    arrays=tuple(replace(a, distance_m=d) for a, d in zip(layout.arrays, ways, strict=True)),
                )
            )
        return replace(
            self.laid,
            model=replace(self.model, sessions=tuple(sessions)),
            layout=replace(self.laid.layout, sessions=tuple(layouts)),
        )


def _values(covariates: Mapping[str, ArrayLike], name: str, session: str) -> Floats:
    if name not in covariates:
        raise ParameterError(
            f"session {session} has no mask covariate {name!r}",
            fix="It has " + (", ".join(covariates) or "none") + ".",
        )
    values = np.asarray(covariates[name], dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ParameterError(
            f"mask covariate {name} has no value in {len(bad)} cells",
            where=f"session {session}, mask cell {bad[0] + 1}",
            fix="Fill the gaps, or take the cells out of the mask if animals cannot cross them.",
        )
    return values


def _graph(mask: Mask, resistance: Floats, neighbours: Neighbours) -> csr_array:
    """(M, M) cost of every step between cells, each in one direction."""
    at = np.rint((mask.xy_m - mask.xy_m.min(axis=0)) / mask.cell_m).astype(np.int64)
    off = np.abs(mask.xy_m - mask.xy_m.min(axis=0) - at * mask.cell_m).max()
    if off > 0.01 * mask.cell_m:
        raise ParameterError(
            f"cells of the mask lie up to {off:.0f} m off a lattice of {mask.cell_m:.0f} m",
            fix="Give a mask of equal square cells with its cell width.",
        )
    columns = int(at[:, 0].max()) + 5
    number = (at[:, 1] + 2) * columns + at[:, 0] + 2
    index = np.full(int(number.max()) + 3 * columns, -1, dtype=np.int64)
    index[number] = np.arange(mask.cells)
    rows, cols, costs = [], [], []
    for dx, dy in _STEPS[neighbours]:
        there = index[number + dy * columns + dx]
        here = np.flatnonzero(there >= 0)
        there = there[here]
        if abs(dx) + abs(dy) == 3:
            # A knight's step passes between two cells: both must be there.
            a = number[here] + (dy // 2 if abs(dy) == 2 else 0) * columns + (dx // 2 if abs(dx) == 2 else 0)
            b = a + (0 if abs(dy) == 2 else dy) * columns + (0 if abs(dx) == 2 else dx)
            passable = (index[a] >= 0) & (index[b] >= 0)
            here, there = here[passable], there[passable]
            between = (resistance[index[a][passable]] + resistance[index[b][passable]]) / 2.0
            mean = (resistance[here] + resistance[there]) / 4.0 + between / 2.0
        else:
            mean = (resistance[here] + resistance[there]) / 2.0
        rows.append(here)
        cols.append(there)
        costs.append(math.hypot(dx, dy) * mask.cell_m * mean)
    return csr_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(cols))), shape=(mask.cells, mask.cells)
    )


def _gates(detectors: Floats, mask: Mask, resistance: Floats) -> csr_array:
    """Cost of stepping from each detector to the centres of the cells around it."""
    from scipy.spatial import cKDTree

    tree = cKDTree(mask.xy_m)
    near = tree.query_ball_point(detectors, 0.75 * mask.cell_m)
    rows, cols, costs = [], [], []
    for k, cells in enumerate(near):
        chosen = np.array(cells or [int(tree.query(detectors[k])[1])])
        gap = np.hypot(*(mask.xy_m[chosen] - detectors[k]).T)
        rows += [k] * len(chosen)
        cols += chosen.tolist()
        # Never exactly 0: a sparse matrix would forget it.
        costs += np.maximum(gap * resistance[chosen], 1e-9).tolist()
    return csr_array((costs, (rows, cols)), shape=(len(detectors), mask.cells))
