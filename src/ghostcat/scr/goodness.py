"""Does the model fit? Monte-Carlo tests that ask whether captures like these could come from it.

Each draw takes coefficients from their sampling distribution, activity centres (and classes) of the
animals seen from their posterior and those of the unseen from the density that is left, and compares the
Freeman–Tukey discrepancy of the observed counts with that of counts simulated for the same animals:

    T = Σ (√y − √E)²

over animals × detectors (T1), animals (T2) and detectors (T3). E is the expectation given what the animal
(or the detector) had learned before, so models of behaviour are tested as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import DetectorArray
from ghostcat.scr.centres import (
    centre_posteriors,
    class_detection_probability,
    class_posteriors,
)
from ghostcat.scr.detection import detection_hazard
from ghostcat.scr.fitting import ModelFit
from ghostcat.scr.kernel import Prepared, prepare
from ghostcat.scr.layout import Layout
from ghostcat.scr.simulate_fit import FitTruth, truth_of_fit
from ghostcat.scr.simulate_survey import ArrayTruth, Memory, distances_m, draw_captures

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GoodnessOfFit", "Overdispersion", "goodness_of_fit", "overdispersion"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TESTS = ("T1", "T2", "T3")
_ASKS = {
    "T1": "detections of each animal at each detector",
    "T2": "detections of each animal",
    "T3": "detections at each detector",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class GoodnessOfFit:
    """Results of the three tests, all sessions and arrays added up. A small p speaks against the model."""

    observed: Floats = field(repr=False)
    """(draws, 3) discrepancy of the captures."""
    simulated: Floats = field(repr=False)
    """(draws, 3) discrepancy of counts simulated for the same animals."""

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(self.observed)

    @property
    def p(self) -> dict[str, float]:
        """Share of draws in which the model is as far from itself as from the captures, by test."""
        above = (self.simulated > self.observed).mean(axis=0)
        ties = (self.simulated == self.observed).mean(axis=0)
        return dict(zip(TESTS, (above + 0.5 * ties).tolist(), strict=True))

    def table(self) -> pd.DataFrame:
        """One row a test."""
        import pandas as pd

        rows = [
            {
                "test": name,
                "of": _ASKS[name],
                "observed": float(self.observed[:, i].mean()),
                "simulated": float(self.simulated[:, i].mean()),
                "p": self.p[name],
            }
            for i, name in enumerate(TESTS)
        ]
        return pd.DataFrame(rows).set_index("test")

    def says(self, significance: float = 0.05) -> str:
        """One sentence for a report. The tests are mild: they seldom reject a true model."""
        bad = [f"{_ASKS[name]} ({name}, p = {p:.2f})" for name, p in self.p.items() if p < significance]
        if bad:
            return "The model does not fit: " + "; ".join(bad) + " scatter more than it allows."
        return "No sign of lack of fit; these tests see only gross departures."


def goodness_of_fit(
    fit: ModelFit,
    *,
    rng: np.random.Generator,
    draws: int = 200,
    progress: Callable[[int, int], None] | None = None,
) -> GoodnessOfFit:
    """Monte-Carlo tests of fit.

    Parameters
    ----------
    fit : converged.
    rng : source of randomness.
    draws : how many; p is known to ± √(p(1 − p)/draws).
    progress : called with (done, all).

    Raises
    ------
    EstimateRefused : the fit has no proven maximum (`not_converged`).
    ParameterError : the model cannot be simulated (groups, covariates of animals, searches).

    References
    ----------
    Choo et al. (2024), goodness of fit of spatial capture–recapture by Monte-Carlo tests that emulate
    Bayesian p-values; Royle, Chandler, Sollmann & Gardner (2014) Spatial Capture-Recapture, ch. 8.
    """
    if not fit.converged or not np.isfinite(fit.covariance).all():
        raise EstimateRefused("the fit has no proven maximum to test", code="not_converged")
    if draws < 1:
        raise ParameterError(f"draws is {draws}, expected at least 1")
    truth_of_fit(fit)  # says at once what cannot be simulated
    spread = _root(fit.covariance)
    prepared = [_by_class(fit, s) for s in range(len(fit.model.sessions))]
    observed, simulated = np.zeros((draws, 3)), np.zeros((draws, 3))
    for draw in range(draws):
        beta = fit.beta + spread @ rng.normal(size=len(fit.beta))
        for index, truth in enumerate(truth_of_fit(fit, beta=beta)):
            parts = _discrepancies(fit, truth, prepared[index], beta, index, rng)
            observed[draw] += parts[0]
            simulated[draw] += parts[1]
        if progress is not None:
            progress(draw + 1, draws)
    return GoodnessOfFit(observed=observed, simulated=simulated)


def _root(covariance: Floats) -> Floats:
    """A matrix whose square is the covariance; directions that were held fixed stay still."""
    value, vector = np.linalg.eigh(covariance)
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0)))


def _by_class(fit: ModelFit, index: int) -> tuple[Prepared, ...]:
    """The session alone: as it is, then with all animals said to be of class 0, 1 …"""
    session = fit.laid.layout.sessions[index]

    def alone(**change: object) -> Prepared:
        one = replace(session, **change)  # type: ignore[arg-type]
        return prepare(Layout(sessions=(one,), parameters=fit.laid.layout.parameters))

    known = [np.full(len(session.known_class), u, dtype=np.int64) for u in range(fit.model.classes)]
    return (alone(), *(alone(known_class=k) for k in known))


def _discrepancies(
    fit: ModelFit,
    truth: FitTruth,
    prepared: tuple[Prepared, ...],
    beta: Floats,
    index: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """(3,) observed and (3,) simulated, summed over the arrays of a session."""
    order = fit.laid.order[index]
    seen_cell, seen_class = _seen(prepared, beta, rng)
    unseen_cell, unseen_class = _unseen(truth, prepared[0], beta, rng)
    cell, kind = np.concatenate([seen_cell, unseen_cell]), np.concatenate([seen_class, unseen_class])
    centres = truth.session.mask.xy_m[cell]
    row = np.full(len(truth.session.animals), -1, dtype=np.int64)
    row[order] = np.arange(len(order))
    observed, simulated = np.zeros(3), np.zeros(3)
    for array, data in zip(truth.arrays, truth.session.arrays, strict=True):
        distance = distances_m(array, centres, cell)
        captures = _captures(data, row)
        drawn = draw_captures(array, distance, kind, rng)
        expected = _expected(array, distance, kind, captures)
        again = _expected(array, distance, kind, drawn) if array.behaviour else expected
        observed += _freeman_tukey(_counts(captures, distance.shape), expected)
        simulated += _freeman_tukey(_counts(drawn, distance.shape), again)
    return observed, simulated


def _seen(prepared: tuple[Prepared, ...], beta: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Cell and class of each animal seen, from their joint posterior."""
    shares = class_posteriors(prepared[0], beta)
    kind = _choose(shares, rng)
    cell = np.zeros(len(kind), dtype=np.int64)
    for u in range(shares.shape[1]):
        members = np.flatnonzero(kind == u)
        if len(members):
            cell[members] = _choose(centre_posteriors(prepared[1 + u], beta)[members], rng)
    return cell, kind


def _unseen(truth: FitTruth, prepared: Prepared, beta: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Cell and class of a Poisson number of animals that nobody saw."""
    p = class_detection_probability(prepared, beta)[0]
    world = truth.population
    each = np.asarray(world.density_per_100km2) * world.mask.cell_area_km2 / 100.0
    mean = np.asarray(world.shares)[:, None] * each * (1.0 - p)
    number = int(rng.poisson(mean.sum()))
    at = rng.choice(mean.size, size=number, p=(mean / mean.sum()).reshape(-1))
    return at % mean.shape[1], at // mean.shape[1]


def _choose(weights: Floats, rng: np.random.Generator) -> Ints:
    """One column for each row, with these chances."""
    total = np.cumsum(weights, axis=1)
    return np.asarray((total < rng.random(len(weights))[:, None] * total[:, -1:]).sum(axis=1), dtype=np.int64)


def _captures(data: DetectorArray, row: Ints) -> Ints:
    """(C, 3) animal (by history), occasion, detector; a count of 2 makes two rows."""
    each = np.stack([row[data.animal], data.occasion, data.detector], axis=1)
    return np.repeat(each, data.counts, axis=0)


def _counts(captures: Ints, shape: tuple[int, ...]) -> Floats:
    counts = np.zeros(shape)
    np.add.at(counts, (captures[:, 0], captures[:, 2]), 1.0)
    return counts


def _expected(array: ArrayTruth, distance: Floats, kind: Ints, captures: Ints) -> Floats:
    """(n, K) Σ over occasions of the expected detections, given the captures before each occasion."""
    expected = np.zeros(distance.shape)
    memory = Memory(array, len(distance))
    column = np.arange(distance.shape[1])
    parameters = [array.parameters(u) for u in range(int(kind.max(initial=0)) + 1)]
    for occasions, effort, times in _blocks(array):
        state = memory.state()
        hazard = np.zeros(distance.shape)
        for u, values in enumerate(parameters):
            members = kind == u
            top, sigma, z = (v[state[members], occasions[0], column] for v in values)
            hazard[members] = detection_hazard(
                distance[members], top, sigma, detectfn=array.detectfn, shape=z
            )
        trials = 1 if array.trials is None else array.trials[:, occasions[0]]
        expected += times * _mean(array.detector, hazard * effort, trials)
        if array.behaviour:
            caught = np.zeros(distance.shape, dtype=bool)
            now = captures[captures[:, 1] == occasions[0]]
            caught[now[:, 0], now[:, 2]] = True
            memory.learn(caught)
    return expected


def _blocks(array: ArrayTruth) -> list[tuple[Ints, Floats, float]]:
    """Occasions that are alike, with their effort and how many times it is met.

    Nothing is alike where animals learn. Counts and constant parameters need no occasions at all.
    """
    occasions = array.usage.shape[1]
    if array.behaviour or array.trials is not None or not _constant(array):
        return [(np.array([s]), array.usage[:, s], 1.0) for s in range(occasions)]
    if array.detector == "count":
        return [(np.arange(occasions), array.usage.sum(axis=1), 1.0)]
    unique, number = np.unique(array.usage, axis=1, return_counts=True)
    return [(np.array([0]), unique[:, j], float(number[j])) for j in range(unique.shape[1])]


def _constant(array: ArrayTruth) -> bool:
    """Whether no parameter varies over occasions."""
    every = (*array.lambda0, *array.sigma_m, *(array.shape if isinstance(array.shape, tuple) else ()))
    values = [np.asarray(v, dtype=np.float64) for v in every]
    return all(
        v.ndim < 2 or v.shape[-2] == 1 or bool((v == v[..., :1, :]).all() or np.isnan(v).all())
        for v in values
    )


def _mean(detector: str, exposure: Floats, trials: int | Ints) -> Floats:
    if detector == "count":
        return exposure
    if detector in ("proximity", "binomial"):
        return np.asarray(-np.expm1(-exposure) * trials)
    total = exposure.sum(axis=1, keepdims=True)
    return np.asarray(-np.expm1(-total) * exposure / np.maximum(total, 1e-300))


def _freeman_tukey(counts: Floats, expected: Floats) -> Floats:
    return np.array(
        [
            ((np.sqrt(y) - np.sqrt(e)) ** 2).sum()
            for y, e in (
                (counts, expected),
                (counts.sum(axis=1), expected.sum(axis=1)),
                (counts.sum(axis=0), expected.sum(axis=0)),
            )
        ]
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Overdispersion:
    """How much more the number of animals per detector varies than a Poisson number would."""

    c_hat: float
    """1 for the model; above 1 animals are clustered, or detectors differ."""
    pearson: float
    """Without Fletcher's correction for small expectations."""
    degrees_of_freedom: int
    expected: Floats = field(repr=False)
    """(K,) expected number of different animals at each detector."""
    observed: Ints = field(repr=False)

    def inflated(self, relative_standard_error: float) -> float:
        """RSE of density times √ĉ, where ĉ is above 1."""
        return relative_standard_error * math.sqrt(max(1.0, self.c_hat))


def overdispersion(fit: ModelFit, *, session: int = 0) -> Overdispersion:
    """ĉ from the number of different animals at each detector.

    ĉ = X²/(K − P) / mean(n_k/μ_k),  X² = Σ (n_k − μ_k)²/μ_k

    Parameters
    ----------
    fit : with a full likelihood.
    session : which.

    Notes
    -----
    μ_k = a Σ D p_k(m), with p_k the chance of being seen at k at all, before any learning. Numbers at
    neighbouring detectors are correlated, since they see the same animals: ĉ of a true model scatters
    more than a chi-square does, and so a moderate ĉ is no proof of clustering.

    Raises
    ------
    EstimateRefused : not more detectors than coefficients (`too_few_detectors`).

    References
    ----------
    Fletcher (2012) Biometrika 99:230–237; Bischof et al. (2020) on overdispersed captures in space.
    """
    truth = truth_of_fit(fit)[session]
    expected, observed = [], []
    row = np.arange(len(truth.session.animals))
    mask = truth.session.mask
    cell = np.arange(mask.cells)
    each = np.asarray(truth.population.density_per_100km2) * mask.cell_area_km2 / 100.0
    for array, data in zip(truth.arrays, truth.session.arrays, strict=True):
        distance = distances_m(array, mask.xy_m, cell)
        mean = np.zeros(len(array.xy_m))
        for u, share in enumerate(truth.population.shares):
            kind = np.full(len(cell), u, dtype=np.int64)
            mean += share * (each @ -np.expm1(-_ever(array, distance, kind)))
        captures = _captures(data, row)
        pairs = np.unique(captures[:, [0, 2]], axis=0)
        expected.append(mean)
        observed.append(np.bincount(pairs[:, 1], minlength=len(array.xy_m)))
    mu, n = np.concatenate(expected), np.concatenate(observed)
    used = mu > 0
    freedom = int(used.sum()) - fit.parameters
    if freedom < 1:
        raise EstimateRefused(
            f"{used.sum()} detectors for {fit.parameters} coefficients",
            code="too_few_detectors",
            fix="Overdispersion needs more detectors than coefficients.",
        )
    pearson = float(((n[used] - mu[used]) ** 2 / mu[used]).sum()) / freedom
    return Overdispersion(
        c_hat=pearson / float((n[used] / mu[used]).mean()),
        pearson=pearson,
        degrees_of_freedom=freedom,
        expected=mu,
        observed=n,
    )


def _ever(array: ArrayTruth, distance: Floats, kind: Ints) -> Floats:
    """(n, K) −ln of the chance never to be seen at a detector, in the naive state."""
    naive = replace(
        array,
        behaviour=(),
        lambda0=tuple(_naive(v) for v in array.lambda0),
        sigma_m=tuple(_naive(v) for v in array.sigma_m),
        shape=tuple(_naive(v) for v in array.shape) if isinstance(array.shape, tuple) else array.shape,
    )
    if array.detector not in ("multi", "single"):
        # A binary detector misses with exp(−u h), a count of zero has the same chance.
        times = replace(naive, detector="count", trials=None)
        if array.trials is not None:
            times = replace(times, usage=array.usage * array.trials)
        return _expected(times, distance, kind, np.empty((0, 3), dtype=np.int64))
    total = np.zeros(distance.shape)
    for s in range(array.usage.shape[1]):
        one = replace(naive, usage=array.usage[:, [s]], **_at(naive, s))  # type: ignore[arg-type]
        total -= np.log1p(-_expected(one, distance, kind, np.empty((0, 3), dtype=np.int64)))
    return total


def _naive(value: object) -> Floats:
    values = np.asarray(value, dtype=np.float64)
    return values[0] if values.ndim == 3 else values


def _at(array: ArrayTruth, occasion: int) -> dict[str, object]:
    """Parameters of one occasion."""

    def of(values: tuple[object, ...]) -> tuple[Floats, ...]:
        each = [np.asarray(v, dtype=np.float64) for v in values]
        return tuple(v[[occasion % len(v)]] if v.ndim == 2 else v for v in each)

    shapes = of(array.shape) if isinstance(array.shape, tuple) else array.shape
    return {"lambda0": of(array.lambda0), "sigma_m": of(array.sigma_m), "shape": shapes}
