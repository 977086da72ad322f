"""Fitting movement models: maximum likelihood, corrected for short tracks, and chosen by AICc.

Maximum likelihood makes ranges too small when a track covers few range crossings. The estimates here are
perturbative hybrid REML: one Newton step from the maximum of the likelihood along the gradient of the
residual likelihood for the time constants, then the residual-likelihood covariance at those. Fleming et al.
(2019) Methods in Ecology and Evolution 10:1679–1689.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.movement.likelihood import Quadratic, quadratic, track_likelihood
from ghostcat.movement.motion import Kind, Motion
from ghostcat.movement.results import Estimate, chi_square_interval, log_interval
from ghostcat.movement.track import Track

__all__ = ["MotionFit", "Selection", "fit_motion", "select_motion"]

Floats = NDArray[np.float64]

#: −2 ln 0.05: the 95 % region of a Gaussian is this many π √det Σ.
GAUSSIAN_95 = -2.0 * math.log(0.05)
_MIN_FIXES = 5
# Below this effective size intervals were measured to cover less than they say.
_FEW_CROSSINGS = 15.0
_STEP = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionFit:
    """One fitted model. Estimates are corrected for short tracks unless `method` says ML."""

    motion: Motion
    isotropic: bool
    method: str
    """`pHREML` or `ML`."""
    fixes: int
    duration_s: float
    mean_xy_m: Floats
    mean_covariance_m2: Floats
    covariance_m2: Floats
    log_likelihood: float
    """At these estimates."""
    parameters: int
    """With the two of the mean."""
    maximum: Motion
    """Time constants at the maximum of the likelihood itself."""
    maximum_covariance_m2: Floats
    maximum_log_likelihood: float
    converged: bool
    dof_mean: float
    """Effective sample size for the mean: how many independent places this track is worth."""
    dof_area: float
    """Effective sample size for the area: roughly the number of range crossings seen."""
    tau_position_s: Estimate | None
    tau_velocity_s: Estimate | None
    gaussian_area_km2: Estimate
    speed_m_s: Estimate | None
    """Root mean square speed."""
    resident: bool
    """Whether the track is longer than the time the animal needs to cross its range."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What weakens these estimates, each with what to do."""
        found = []
        if not self.converged:
            found.append("The search did not reach a proven maximum: look at the fixes for errors.")
        if not self.resident:
            found.append("The track is shorter than one crossing of the range: the area is a lower guess.")
        if self.dof_area < _FEW_CROSSINGS:
            found.append(
                f"Only about {self.dof_area:.0f} crossings of the range were seen: the area is probably too "
                "small and its interval too narrow (see docs/movement.md). Wait for more fixes."
            )
        return tuple(found)

    @property
    def name(self) -> str:
        """Name of the model: `OUF anisotropic`, or `OUF` for the isotropic one."""
        return self.motion.kind if self.isotropic else f"{self.motion.kind} anisotropic"

    @property
    def aic(self) -> float:
        """Akaike's criterion; counts the mean."""
        return -2.0 * self.log_likelihood + 2.0 * self.parameters

    @property
    def aicc(self) -> float:
        """AIC corrected for a sample of n places in two dimensions; infinite when n is too small."""
        left = self.fixes - self.parameters + 2
        return (
            -2.0 * self.log_likelihood + 2.0 * self.parameters * self.fixes / left if left > 0 else math.inf
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """All fitted models, best first."""

    fits: tuple[MotionFit, ...]

    @property
    def best(self) -> MotionFit:
        """The model with the lowest AICc."""
        return self.fits[0]


def select_motion(
    track: Track, *, kinds: tuple[Kind, ...] = ("IID", "OU", "OUf", "OUF"), method: str = "pHREML"
) -> Selection:
    """Fit isotropic and anisotropic models of each kind and order them by AICc.

    Raises
    ------
    EstimateRefused : fewer than 5 fixes, or all in one place.
    """
    fits = [
        fit_motion(track, kind=kind, isotropic=isotropic, method=method)
        for kind in kinds
        for isotropic in (False, True)
    ]
    return Selection(fits=tuple(sorted(fits, key=lambda fit: fit.aicc)))


def fit_motion(
    track: Track, *, kind: Kind = "OUF", isotropic: bool = False, method: str = "pHREML"
) -> MotionFit:
    """Fit one movement model.

    Parameters
    ----------
    track : fixes in metres and seconds, with location errors where known.
    method : `pHREML` (default) or `ML`.

    Raises
    ------
    EstimateRefused : `too_few_fixes` or `no_movement`.
    """
    _refuse(track)
    problem = _Problem(track, kind, isotropic)
    start = problem.start()
    top = _climb(lambda theta: problem.value(theta, restricted=False), start)
    theta = top.theta
    if method == "pHREML":
        theta = problem.corrected(theta)
    return problem.report(theta, top, method)


def _refuse(track: Track) -> None:
    if len(track.time_s) < _MIN_FIXES:
        raise EstimateRefused(
            f"{track.name or 'the track'} has {len(track.time_s)} fixes",
            code="too_few_fixes",
            fix=f"A movement model needs {_MIN_FIXES} or more, its range tens over several crossings.",
        )
    if not np.ptp(track.xy_m, axis=0).any():
        raise EstimateRefused(
            f"all fixes of {track.name or 'the track'} are in one place",
            code="no_movement",
            fix="Look whether the collar was lost, or coordinates were rounded.",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Top:
    theta: Floats
    value: float
    hessian: Floats
    converged: bool


class _Problem:
    """One track under one kind of model. θ = (τ…, major, minor, angle) or (τ…, variance), natural units; the
    covariance is profiled out where there is no location error."""

    def __init__(self, track: Track, kind: Kind, isotropic: bool) -> None:
        self.time_s, self.xy_m, self.error_m = track.time_s, track.xy_m, track.error_m
        self.kind, self.isotropic = kind, isotropic
        self.taus = {"IID": 0, "OU": 1, "OUf": 1, "OUF": 2}[kind]
        self.duration_s = float(track.time_s[-1] - track.time_s[0])
        centred = track.xy_m - track.xy_m.mean(axis=0)
        self.columns = np.column_stack([centred, np.ones(len(centred))])
        self.sample = centred.T @ centred / len(centred)
        self._forms: dict[tuple[float, ...], Quadratic] = {}

    @property
    def noisy(self) -> bool:
        return self.error_m is not None

    def motion(self, taus: Floats) -> Motion:
        long = max(taus) if len(taus) else None
        short = min(taus) if len(taus) == 2 else None
        return Motion(kind=self.kind, tau_position_s=long, tau_velocity_s=short)

    def value(self, theta: Floats, *, restricted: bool) -> float:
        """Log-likelihood of ln-scaled θ: taus alone, or taus and covariance where there is location error."""
        taus = np.exp(theta[: self.taus])
        if not self._inside(taus):
            return -math.inf
        covariance = self.covariance(theta[self.taus :]) if self.noisy else None
        try:
            return self._likelihood(taus, covariance, restricted)
        except np.linalg.LinAlgError:
            return -math.inf

    def _inside(self, taus: Floats) -> bool:
        shortest = float(np.diff(self.time_s).min())
        return bool(((taus > 1e-3 * shortest) & (taus < 1e4 * self.duration_s)).all())

    def _likelihood(self, taus: Floats, covariance: Floats | None, restricted: bool) -> float:
        if self.noisy:
            return track_likelihood(
                self.motion(taus), self.time_s, self.xy_m, covariance, error_m=self.error_m,
                isotropic=self.isotropic, restricted=restricted,
            ).value  # fmt: skip
        key = tuple(taus)
        if key not in self._forms:
            self._forms[key] = quadratic(self.motion(taus), self.time_s, self.columns)
        form = self._forms[key]
        n = len(self.time_s)
        scatter, information = _scatter(form)
        terms = n - 1 if restricted else n
        if covariance is None:
            covariance = self._best(scatter / terms)
        chi2 = float(np.trace(np.linalg.solve(covariance, scatter)))
        log_det = float(np.linalg.slogdet(covariance)[1])
        value = -0.5 * (2.0 * terms * math.log(2.0 * math.pi) + 2.0 * form.log_det + terms * log_det + chi2)
        return value - math.log(information) if restricted else value

    def _best(self, covariance: Floats) -> Floats:
        return np.eye(2) * 0.5 * np.trace(covariance) if self.isotropic else covariance

    def covariance(self, theta: Floats) -> Floats:
        """(2, 2) from (ln variance) or (ln major, ln minor, angle)."""
        if self.isotropic:
            return np.eye(2) * math.exp(theta[0])
        c, s = math.cos(theta[2]), math.sin(theta[2])
        turn = np.array([[c, -s], [s, c]])
        return np.asarray(turn @ np.diag(np.exp(theta[:2])) @ turn.T)

    def spread(self, covariance: Floats) -> Floats:
        """The inverse of `covariance`."""
        if self.isotropic:
            return np.array([math.log(0.5 * np.trace(covariance))])
        values, axes = np.linalg.eigh(covariance)
        return np.array([math.log(values[1]), math.log(values[0]), math.atan2(axes[1, 1], axes[0, 1])])

    def start(self) -> Floats:
        """The best of a coarse grid of time constants."""
        tail = self.spread(self.sample) if self.noisy else np.empty(0)
        if self.taus == 0:
            return tail
        step = float(np.median(np.diff(self.time_s)))
        slow = np.log(np.geomspace(step, 2.0 * self.duration_s, 7))
        if self.taus == 1:
            grid = [np.array([a]) for a in slow]
        else:
            fast = np.log(np.geomspace(0.3 * step, 0.3 * self.duration_s, 6))
            grid = [np.array([a, b]) for a in slow for b in fast if b < a - 0.1]
        candidates = [np.concatenate([g, tail]) for g in grid]
        return max(candidates, key=lambda theta: self.value(theta, restricted=False))

    def corrected(self, theta: Floats) -> Floats:
        """One Newton step of the time constants towards the residual likelihood, in natural units."""
        if self.taus == 0 or not np.isfinite(theta).all():
            return self._with_best_spread(theta)
        taus = np.exp(theta[: self.taus])
        others = theta[self.taus :]

        def ml(x: Floats) -> float:
            return self._likelihood(x, self.covariance(others) if self.noisy else None, False)

        def reml(x: Floats) -> float:
            return self._likelihood(x, self.covariance(others) if self.noisy else None, True)

        step = _STEP * taus
        slope_ml, bend = _differences(ml, taus, step)
        slope_reml, _ = _differences(reml, taus, step, only_slope=True)
        try:
            moved = taus - np.linalg.solve(bend, slope_reml - slope_ml)
        except np.linalg.LinAlgError:
            moved = taus
        good = bool(
            (np.linalg.eigvalsh(bend) < 0).all() and (moved > 0.2 * taus).all() and (moved < 5.0 * taus).all()
        )
        return self._with_best_spread(np.concatenate([np.log(moved if good else taus), others]))

    def _with_best_spread(self, theta: Floats) -> Floats:
        if not self.noisy:
            return theta
        head = theta[: self.taus]
        top = _climb(
            lambda tail: self.value(np.concatenate([head, tail]), restricted=True), theta[self.taus :]
        )
        return np.concatenate([head, top.theta])

    def report(self, theta: Floats, top: _Top, method: str) -> MotionFit:
        restricted = method == "pHREML"
        motion, covariance = self._at(theta, restricted)
        maximum, maximum_covariance = self._at(top.theta, False)
        at = track_likelihood(
            motion, self.time_s, self.xy_m, covariance, error_m=self.error_m, isotropic=self.isotropic
        )
        natural = np.concatenate([np.exp(theta[: self.taus]), np.exp(self.spread(covariance)[:2])])
        errors = self._errors(motion, covariance, restricted)
        area = GAUSSIAN_95 * math.pi * math.sqrt(float(np.linalg.det(covariance)))
        dof_area = _dof_area(natural, errors, self.taus)
        speed = _speed(natural, errors, self.taus, self.isotropic)
        tau = [log_interval(natural[k], math.sqrt(errors[k, k])) for k in range(self.taus)]
        parameters = 2 + self.taus + (1 if self.isotropic else 3)
        return MotionFit(
            motion=motion, isotropic=self.isotropic, method=method, fixes=len(self.time_s),
            duration_s=self.duration_s, mean_xy_m=at.mean_xy_m, mean_covariance_m2=at.mean_covariance_m2,
            covariance_m2=covariance, log_likelihood=at.value, parameters=parameters, maximum=maximum,
            maximum_covariance_m2=maximum_covariance, maximum_log_likelihood=top.value,
            converged=top.converged,
            dof_mean=math.sqrt(float(np.linalg.det(covariance) / np.linalg.det(at.mean_covariance_m2))),
            dof_area=dof_area,
            tau_position_s=tau[0] if tau else None,
            tau_velocity_s=tau[1] if self.taus == 2 else None,
            gaussian_area_km2=chi_square_interval(area / 1e6, 2.0 * dof_area),
            speed_m_s=speed,
            resident=self.taus == 0 or float(natural[0]) < self.duration_s,
        )  # fmt: skip

    def _at(self, theta: Floats, restricted: bool) -> tuple[Motion, Floats]:
        taus = np.sort(np.exp(theta[: self.taus]))[::-1]
        if self.noisy:
            return self.motion(taus), self.covariance(theta[self.taus :])
        scatter, _ = _scatter(quadratic(self.motion(taus), self.time_s, self.columns))
        n = len(self.time_s)
        return self.motion(taus), self._best(scatter / (n - 1 if restricted else n))

    def _errors(self, motion: Motion, covariance: Floats, restricted: bool) -> Floats:
        """Covariance of (τ…, variances…, angle), relative for all but the angle, from the exact curvature."""
        taus = [t for t in (motion.tau_position_s, motion.tau_velocity_s) if t is not None]
        spread = self.spread(covariance)
        natural = np.concatenate([taus, np.exp(spread[:2]), spread[2:]])
        scale = natural.copy()
        scale[self.taus + 2 :] = 1.0

        def value(x: Floats) -> float:
            y = x * scale
            tail = np.concatenate([np.log(y[self.taus : self.taus + 2]), y[self.taus + 2 :]])
            return self._likelihood(y[: self.taus], self.covariance(tail), restricted)

        _, bend = _differences(value, natural / scale, np.full(len(natural), _STEP))
        try:
            covariance_of_all = np.linalg.inv(-bend)
        except np.linalg.LinAlgError:
            return np.full_like(bend, math.inf)
        return np.where(np.diag(covariance_of_all).min() > 0, covariance_of_all, math.inf)


def _scatter(form: Quadratic) -> tuple[Floats, float]:
    information = float(form.products[2, 2])
    shift = form.products[2, :2] / information
    return form.products[:2, :2] - np.outer(shift, shift) * information, information


def _dof_area(natural: Floats, errors: Floats, taus: int) -> float:
    """1 / relative variance of √(major · minor)."""
    slope = np.zeros(len(errors))
    slope[taus : len(natural)] = 0.5 if len(natural) - taus == 2 else 1.0
    variance = float(slope @ np.where(np.isfinite(errors), errors, 0.0) @ slope)
    return 1.0 / variance if variance > 0 and np.isfinite(errors).all() else 0.0


def _speed(natural: Floats, errors: Floats, taus: int, isotropic: bool) -> Estimate | None:
    """√(tr Σ / (τ_p τ_v)), metres per second; none for models whose path has no velocity."""
    if taus != 2:
        return None
    variances = natural[taus:]
    total = float(variances.sum()) * (2.0 if isotropic else 1.0)
    slope = np.zeros(len(errors))
    slope[:2] = -0.5
    slope[taus : len(natural)] = 0.5 * variances / variances.sum()
    finite = np.where(np.isfinite(errors), errors, 0.0)
    doubt = math.sqrt(max(float(slope @ finite @ slope), 0.0)) if np.isfinite(errors).all() else math.inf
    return log_interval(math.sqrt(total / (natural[0] * natural[1])), doubt)


def _climb(value: Callable[[Floats], float], start: Floats) -> _Top:
    """Simplex search to the neighbourhood, Newton steps to the top."""
    if not len(start):
        return _Top(theta=start, value=value(start), hessian=np.empty((0, 0)), converged=True)
    from scipy.optimize import minimize

    found = minimize(
        lambda x: -value(x), start, method="Nelder-Mead",
        options={"xatol": 3e-3, "fatol": 1e-3, "maxiter": 400 * len(start),
                 "initial_simplex": np.vstack([start, start + 0.3 * np.eye(len(start))])},
    )  # fmt: skip
    theta, best = found.x, -float(found.fun)
    converged, bend = False, np.zeros((len(start), len(start)))
    for _ in range(12):
        slope, bend = _differences(value, theta, np.full(len(theta), _STEP))
        if not np.isfinite(bend).all() or (np.linalg.eigvalsh(bend) >= 0).any():
            break
        step = -np.linalg.solve(bend, slope)
        decrement = float(slope @ step)
        if decrement < 1e-9:
            converged = True
            break
        size = 1.0
        while size > 1e-3 and not value(theta + size * step) >= best - 1e-9:
            size *= 0.5
        theta = theta + size * step
        best = max(best, value(theta))
    return _Top(theta=theta, value=value(theta), hessian=bend, converged=converged)


def _differences(
    value: Callable[[Floats], float], at: Floats, step: Floats, *, only_slope: bool = False
) -> tuple[Floats, Floats]:
    """Central differences: gradient and Hessian."""
    n = len(at)
    shift = np.diag(step)
    up = np.array([value(at + shift[i]) for i in range(n)])
    down = np.array([value(at - shift[i]) for i in range(n)])
    slope = (up - down) / (2.0 * step)
    bend = np.zeros((n, n))
    if only_slope:
        return slope, bend
    middle = value(at)
    for i in range(n):
        bend[i, i] = (up[i] - 2.0 * middle + down[i]) / step[i] ** 2
        for j in range(i):
            mixed = (
                value(at + shift[i] + shift[j]) - value(at + shift[i] - shift[j])
                - value(at - shift[i] + shift[j]) + value(at - shift[i] - shift[j])
            )  # fmt: skip
            bend[i, j] = bend[j, i] = mixed / (4.0 * step[i] * step[j])
    return slope, bend
