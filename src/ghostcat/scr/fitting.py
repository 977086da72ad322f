"""Fit any model by maximum likelihood, and prove the maximum."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import captures_scale_m
from ghostcat.scr.coarse import coarsen
from ghostcat.scr.kernel import evaluate, prepare
from ghostcat.scr.laying_out import LaidOut, lay_out
from ghostcat.scr.layout import Layout, Predictor, SessionLayout
from ghostcat.scr.model import ScrModel
from ghostcat.scr.model_checks import model_diagnostics, refuse_hopeless_model, refuse_separation
from ghostcat.scr.model_starts import model_starts
from ghostcat.scr.newton import Optimum, maximise, maximise_layout
from ghostcat.scr.results import Z95, Convergence, Diagnostic

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Coefficient", "ModelFit", "fit_model", "mapped_layout"]

Floats = NDArray[np.float64]

# Columns of a design are made orthogonal before the search where they are worse than this.
_FINE_SCALE = (0.2, 5.0)
_FINE_CONDITION = 50.0
_RANK = 1e-9
# Curvature below this part of the largest one is none; a coefficient with that loading is undetermined.
_FLAT = 1e-11
_LOADING = 1e-4
# How far a coefficient may travel from its start before the search gives it up.
_REACH = 14.0
_REACH_SIGMA = 7.0
_REACH_CLASSES = 5.0
# How many of the starts of latent classes are followed to where they lead.
_FOLLOWED = 2
# A standard error of 3 on the log scale: the limits of 95 % would be a factor of 350 either way.
_MAX_LOG_SE = 3.0


@dataclass(frozen=True, kw_only=True)
class Coefficient:
    """One β on its link scale; the interval is NaN where the curvature gives none."""

    name: str
    estimate: float
    standard_error: float
    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFit:
    """A fitted model. Real parameters, derived density and abundance are in `predicting` and `areas`."""

    laid: LaidOut = field(repr=False)
    beta: Floats
    covariance: Floats
    """Inverse of the exact observed information; NaN where it is not positive."""
    log_likelihood: float
    convergence: Convergence
    diagnostics: tuple[Diagnostic, ...] = ()
    held: Mapping[str, float] = field(default_factory=dict)
    """Coefficients that were held fixed, by name."""
    _areas: dict[tuple[int, int], tuple[Floats, Floats, Floats]] = field(
        default_factory=dict, init=False, repr=False
    )

    @property
    def model(self) -> ScrModel:
        """What was fitted."""
        return self.laid.model

    @property
    def names(self) -> tuple[str, ...]:
        """Names of `beta`."""
        return self.laid.names

    @property
    def converged(self) -> bool:
        """Whether the maximum is proven."""
        return self.convergence.converged

    @property
    def parameters(self) -> int:
        """Number of coefficients that were estimated."""
        return len(self.beta) - len(self.held)

    @property
    def animals(self) -> int:
        """Animals detected, all sessions."""
        return sum(session.detected for session in self.laid.layout.sessions)

    @property
    def histories(self) -> int:
        """Animals detected or known from collars."""
        return sum(len(session.naive_group) for session in self.laid.layout.sessions)

    @property
    def aic(self) -> float:
        """Akaike's criterion; compare only fits of the same data and form."""
        return -2.0 * self.log_likelihood + 2.0 * self.parameters

    @property
    def aicc(self) -> float:
        """AIC corrected for a sample of n animals; NaN if n is too small for it."""
        p, n = self.parameters, self.histories
        return self.aic + 2.0 * p * (p + 1) / (n - p - 1) if n > p + 1 else math.nan

    def animal_areas(self, session: int, population: int) -> tuple[Floats, Floats, Floats]:
        """Numbers of detected animals that share an effective area, the areas in ha, and their gradients."""
        from ghostcat.scr.areas import animal_areas, whole_effort

        key = (session, population)
        if key not in self._areas:
            self._areas[key] = animal_areas(self, whole_effort(self).sessions[session], population)
        return self._areas[key]

    def coefficients(self) -> tuple[Coefficient, ...]:
        """Every β with standard error and 95 % limits, on the link scale."""
        found = []
        for i, name in enumerate(self.names):
            value = float(self.beta[i])
            variance = float(self.covariance[i, i])
            error = math.sqrt(variance) if variance >= 0 else math.nan
            found.append(
                Coefficient(
                    name=name,
                    estimate=value,
                    standard_error=error,
                    lower=value - Z95 * error,
                    upper=value + Z95 * error,
                )
            )
        return tuple(found)

    def plot(self, *, session: int = 0) -> Figure:
        """Map of the animals of one session; see `plots.plot_density`."""
        from ghostcat.scr.plots import plot_density

        return plot_density(self, session=session)

    def table(self) -> pd.DataFrame:
        """Real parameters, derived density and abundance, one row each."""
        from ghostcat.scr.predicting import results_table

        return results_table(self)


def fit_model(
    model: ScrModel | LaidOut,
    *,
    start: Sequence[float] | Floats | None = None,
    held: Mapping[str, float] | None = None,
    checked: bool = True,
    processes: int = 1,
) -> ModelFit:
    """Fit a model by maximum likelihood.

    Parameters
    ----------
    model : what to fit, or the same laid out already.
    start : (P,) β to start from; by default the engine finds one, or several for latent classes.
    held : coefficients that are not estimated, {name: value on the link scale} (for profiles).
    checked : look for data that cannot carry the model, before and after. Off for refits of simulations
        that must not stop.
    processes : over which the sessions are spread; worth it where one evaluation takes a second or more.

    Returns
    -------
    ModelFit : `convergence` says whether the maximum is proven; `diagnostics` what weakens it.

    Raises
    ------
    EstimateRefused : the data cannot carry the estimate; `code` says which way.

    References
    ----------
    Borchers & Efford (2008) Biometrics 64:377–385.
    """
    laid = model if isinstance(model, LaidOut) else lay_out(model)
    given = dict(held or {})
    for name in given:
        if name not in laid.names:
            raise ParameterError(f"{name!r} is no coefficient", fix="They are " + ", ".join(laid.names) + ".")
    if checked:
        refuse_hopeless_model(laid.model)
        refuse_separation(laid)
    to_beta, shift = _coordinates(laid, given)
    layout = mapped_layout(laid.layout, to_beta, shift)
    starts = model_starts(laid) if start is None else [np.asarray(start, dtype=np.float64)]
    optimum = _best(laid, layout, to_beta, shift, starts, processes)
    beta = to_beta @ optimum.beta + shift
    information = -optimum.at.hessian
    covariance = _covariance(information, to_beta)
    back = np.linalg.pinv(to_beta)
    slope = back.T @ optimum.at.gradient
    runaway = _runaway(laid, to_beta, optimum.convergence.reason)
    fit = ModelFit(
        laid=laid,
        beta=beta,
        covariance=covariance,
        log_likelihood=optimum.at.value,
        convergence=replace(
            optimum.convergence,
            max_gradient=float(np.abs(slope).max()) if len(slope) else 0.0,
            reason=f"{runaway} has no bound" if runaway else optimum.convergence.reason,
        ),
        held=given,
    )
    if checked:
        _refuse_unbounded(fit, runaway)
    return replace(fit, diagnostics=model_diagnostics(fit))


def _covariance(information: Floats, to_beta: Floats) -> Floats:
    """Inverse of the information, in β. NaN for what lies along a direction that the data leave open."""
    everything = np.full((len(to_beta), len(to_beta)), math.nan)
    if not len(information):
        return np.zeros_like(everything)
    if not np.isfinite(information).all():
        return everything
    values, vectors = np.linalg.eigh(information)
    if values[0] < -_FLAT * values[-1]:
        return everything
    open_ones = values < _FLAT * values[-1]
    moved = to_beta @ vectors
    closed = moved[:, ~open_ones]
    found = np.asarray((closed / values[~open_ones]) @ closed.T, dtype=np.float64)
    if open_ones.any():
        loose = (np.abs(moved[:, open_ones]) > _LOADING).any(axis=1)
        found[loose] = math.nan
        found[:, loose] = math.nan
    return found


def _best(
    laid: LaidOut, layout: Layout, to_beta: Floats, shift: Floats, starts: list[Floats], processes: int
) -> Optimum:
    """The highest summit that the starts lead to."""
    back = np.linalg.pinv(to_beta)
    points = [back @ (start - shift) for start in starts]
    reach = _reach(laid, to_beta)
    if len(points) > 1:
        point = _best_of_classes(laid, layout, points, reach)
        swapped = _swapped(laid, to_beta @ point + shift)
        points = [point if swapped is None else back @ (swapped - shift)]
    found = _climb(layout, points[0], reach, processes)
    swapped = _swapped(laid, to_beta @ found.beta + shift)
    if swapped is None:
        return found
    return _climb(layout, back @ (swapped - shift), reach, processes)


def _climb(layout: Layout, point: Floats, reach: Floats, processes: int) -> Optimum:
    if processes < 2 or len(layout.sessions) < 2:
        return maximise_layout(layout, point, lower=point - reach, upper=point + reach)
    from ghostcat.scr.parallel import SessionPool

    with SessionPool(layout, processes=processes) as evaluate_all:
        return maximise(evaluate_all, point, lower=point - reach, upper=point + reach)


def _reach(laid: LaidOut, to_beta: Floats) -> Floats:
    reach = np.full(to_beta.shape[1], 1e3)
    for parameter, columns in laid.columns.items():
        for column in columns:
            own = np.flatnonzero(to_beta[column])
            if len(own) == 1 and to_beta[column, own[0]] == 1.0:
                reach[own[0]] = _REACH_SIGMA if parameter == "sigma" else _REACH
    return reach


def _best_of_classes(laid: LaidOut, layout: Layout, points: list[Floats], reach: Floats) -> Floats:
    """Where the best of several starts leads on a coarse mask.

    The likelihood of latent classes can climb without end, towards a class that nobody can detect. A summit
    within reach comes first, proven or flat, even where the far side is higher.
    """
    scale = min(captures_scale_m(s) or math.inf for s in laid.model.sessions)
    width = max(100.0 * math.sqrt(float(np.median(s.cell_area_ha))) for s in layout.sessions)
    factor = min(scale / 1.5 / width, 8.0)
    rough = prepare(coarsen(layout, factor=factor) if factor > 1.2 else layout)
    near = np.minimum(reach, _REACH_CLASSES)
    value = [evaluate(rough, point, derivatives=False).value for point in points]
    promising = [points[k] for k in np.argsort(value)[::-1][:_FOLLOWED]]
    found = [
        maximise(lambda b: evaluate(rough, b), point, lower=point - near, upper=point + near)
        for point in promising
    ]
    return max(found, key=lambda o: (_is_summit(o), round(o.at.value, 4), o.convergence.converged)).beta


def _is_summit(optimum: Optimum) -> bool:
    facts = optimum.convergence
    scale = max(1.0, abs(optimum.at.value))
    level = facts.max_gradient < 1e-6 * scale and facts.smallest_curvature > -1e-6 * scale
    return facts.converged or (level and "left its range" not in facts.reason)


def _swapped(laid: LaidOut, beta: Floats) -> Floats | None:
    """The same point with two latent classes exchanged, if class 2 is the one detected less; else None.

    Latent classes have no names: the second is the one with the higher rate of detection.
    """
    model = laid.model
    if model.classes != 2 or model.hcov is not None or len(laid.columns.get("pmix", ())) != 1:
        return None
    level = model.class_variable + laid.class_levels[1]
    swapped = beta.copy()
    sign = 0.0
    for parameter in model.detection_parameters:
        names = laid.designs[parameter].names if parameter in laid.designs else ()
        if any(level in name and name != level for name in names):
            return None
        if level not in names or "" not in names:
            continue
        columns = laid.columns[parameter]
        difference = beta[columns[names.index(level)]]
        swapped[columns[names.index("")]] += difference
        swapped[columns[names.index(level)]] = -difference
        sign = sign or difference
    swapped[laid.columns["pmix"]] *= -1.0
    return swapped if sign < 0 else None


def _coordinates(laid: LaidOut, held: Mapping[str, float]) -> tuple[Floats, Floats]:
    """(P, P') and (P,): β = to_beta · θ + shift, with θ in which the search is well-scaled.

    Columns of a formula that are nearly collinear or of odd scale (elevations in metres) are replaced by
    orthogonal ones; held coefficients have no θ.
    """
    names = laid.names
    free = [i for i, name in enumerate(names) if name not in held]
    to_beta = np.eye(len(names))
    for parameter, columns in laid.columns.items():
        own = np.array([c for c in columns if c in set(free)], dtype=np.int64)
        if len(own) < 2 and not (len(own) == 1 and laid.designs[parameter].names != ("",)):
            continue
        rows = np.concatenate([p for p in _designs(laid.layout, columns) if len(p)] or [np.eye(len(columns))])
        design = rows[:, np.isin(columns, own)]
        size = np.sqrt((design**2).mean(axis=0))
        if (size == 0).any():
            name = names[own[int(np.argmin(size))]]
            raise EstimateRefused(
                f"coefficient {name} stands for no row of the data",
                code="empty_level",
                fix="Leave the term, or the level that does not occur, out of the formula.",
            )
        _, triangle = np.linalg.qr(design / size)
        diagonal = np.abs(np.diag(triangle))
        if diagonal.min() < _RANK * diagonal.max():
            name = names[own[int(np.argmin(diagonal))]]
            raise EstimateRefused(
                f"coefficient {name} cannot be told from the others of {parameter}: the columns of "
                f"formula {laid.model.formula_of(parameter)!r} are collinear",
                code="collinear",
                fix="Leave one of the terms out.",
            )
        fine = (size >= _FINE_SCALE[0]).all() and (size <= _FINE_SCALE[1]).all()
        if fine and np.linalg.cond(triangle) < _FINE_CONDITION:
            continue
        inverse = np.linalg.inv(triangle * size[None, :]) * math.sqrt(len(design))
        to_beta[np.ix_(own, own)] = inverse
    shift = np.array([held.get(name, 0.0) for name in names])
    return np.ascontiguousarray(to_beta[:, free]), shift


def _designs(layout: Layout, columns: NDArray[np.int64]) -> list[Floats]:
    """Design matrices of all predictors that use these coefficients."""
    found: list[Floats] = []

    def visit(predictor: Predictor | None) -> None:
        if predictor is not None and len(predictor.columns) and predictor.columns[0] == columns[0]:
            found.append(predictor.design)

    for session in layout.sessions:
        _visit(session, visit)
    return found


def _visit(session: SessionLayout, visit: object) -> None:
    assert callable(visit)
    for predictor in (*(session.density or ()), *session.mixing):
        visit(predictor)
    for array in session.arrays:
        for latent in array.classes:
            visit(latent.intercept)
            visit(latent.sigma)
            visit(latent.shape)


def mapped_layout(layout: Layout, to_beta: Floats, shift: Floats) -> Layout:
    """The same layout in coordinates θ, where β = to_beta · θ + shift."""
    if to_beta.shape[0] == to_beta.shape[1] and (to_beta == np.eye(len(to_beta))).all() and not shift.any():
        return layout

    def move(predictor: Predictor) -> Predictor:
        part = to_beta[predictor.columns]
        used = np.flatnonzero(part.any(axis=0)) if len(part) else np.empty(0, dtype=np.int64)
        return Predictor(
            design=predictor.design @ part[:, used],
            columns=used,
            offset=predictor.offset + predictor.design @ shift[predictor.columns],
            link=predictor.link,
        )

    sessions = []
    for session in layout.sessions:
        arrays = tuple(
            replace(
                array,
                classes=tuple(
                    replace(
                        c,
                        intercept=move(c.intercept),
                        sigma=move(c.sigma),
                        shape=None if c.shape is None else move(c.shape),
                    )
                    for c in array.classes
                ),
            )
            for array in session.arrays
        )
        collars = session.collars
        if collars is not None:
            collars = replace(collars, sigma=tuple(move(s) for s in collars.sigma))
        sessions.append(
            replace(
                session,
                density=None if session.density is None else tuple(move(d) for d in session.density),
                mixing=tuple(move(m) for m in session.mixing),
                arrays=arrays,
                collars=collars,
            )
        )
    return Layout(sessions=tuple(sessions), parameters=to_beta.shape[1])


def _refuse_unbounded(fit: ModelFit, runaway: str) -> None:
    """A search that ran away, or a maximum so flat that a main parameter could be anything."""
    errors = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    main = [
        int(columns[fit.laid.designs[p].names.index("")])
        for p, columns in fit.laid.columns.items()
        if p in ("D", "g0", "lambda0", "a0", "sigma") and "" in fit.laid.designs[p].names
    ]
    plain = fit.model.classes == 1 and all(len(columns) == 1 for columns in fit.laid.columns.values())
    on_log = [i for i in main if fit.names[i] != "g0"]
    flat = plain and not fit.held and bool((errors[on_log] > _MAX_LOG_SE).any())
    if runaway not in {fit.names[i] for i in main} and not flat:
        return
    values = ", ".join(f"{name} {value:.3g}" for name, value in zip(fit.names, fit.beta, strict=True))
    raise EstimateRefused(
        f"density and movement cannot be told apart: the likelihood has no clear maximum ({values})",
        code="not_identified",
        fix="There are too few spatial recaptures, the detectors are too close together for the range of the "
        "animals, or a term of a formula has too few data. Use a simpler model, or more stations.",
    )


def _runaway(laid: LaidOut, to_beta: Floats, reason: str) -> str:
    """Name of the coefficient that left its range; empty if none did."""
    found = re.match(r"coefficient (\d+) left its range", reason)
    if found is None:
        return ""
    return laid.names[int(np.argmax(np.abs(to_beta[:, int(found.group(1))])))]
