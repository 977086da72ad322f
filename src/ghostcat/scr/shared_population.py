"""Several surveys of one population whose animals cannot be matched: what the joint fit really knows.

Sessions that share coefficients are taken for independent populations. Where they are surveys of the same
animals (photographs and scats, say), an animal that lives amid the detectors helps both: the scores of the
sessions are correlated, the estimate stays right, and its variance is larger than the fit says:

    Var(β̂) = V + V C V,   C = Σ_{k≠l} Cov(s_k, s_l),   V the inverse information

The covariance of the scores is found by simulating joint surveys of one population from the fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.fitting import ModelFit
from ghostcat.scr.kernel import evaluate
from ghostcat.scr.laying_out import lay_out
from ghostcat.scr.layout import Layout
from ghostcat.scr.parameters import predicted_values
from ghostcat.scr.results import Interval, shifted_interval
from ghostcat.scr.simulate_fit import FitTruth, truth_of_fit
from ghostcat.scr.simulate_survey import SimulatedSurvey, simulate_survey

__all__ = ["SharedPopulation", "one_population"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedPopulation:
    """Uncertainty of a joint fit to surveys of the same animals."""

    covariance: Floats = field(repr=False)
    """(P, P) of β."""
    expected: Interval
    """Expected number of animals of the mask: the population of which this one is a draw."""
    realised: Interval
    """Animals that lived there during the surveys."""
    inflation: float
    """Standard error of the expected number against that of the fit, to which surveys are independent."""
    draws: int


def one_population(
    fit: ModelFit,
    *,
    rng: np.random.Generator,
    draws: int = 200,
    progress: Callable[[int, int], None] | None = None,
) -> SharedPopulation:
    """Correct the uncertainty of a fit whose sessions are surveys of one population.

    Parameters
    ----------
    fit : full likelihood, Poisson number of animals; sessions with the same mask and the same density.
    rng : source of randomness.
    draws : joint surveys to simulate; the correction is known to about 1/√draws of itself.

    Returns
    -------
    SharedPopulation

    Raises
    ------
    ParameterError : one session, different masks or densities, a conditional or binomial likelihood, or a
        model that cannot be simulated.
    EstimateRefused : the fit has no proven maximum (`not_converged`).

    References
    ----------
    Varin, Reid & Firth (2011) Statistica Sinica 21:5–42 (composite likelihood from independent margins).
    """
    truths = truth_of_fit(fit)
    _check(fit, truths)
    scores = np.zeros((draws, len(truths), len(fit.beta)))
    number = np.zeros(draws)
    for draw in range(draws):
        joint = _joint(truths, rng)
        number[draw] = joint.animals
        scores[draw] = _scores(fit, truths, joint)
        if progress is not None:
            progress(draw + 1, draws)
    inverse = np.where(np.isfinite(fit.covariance), fit.covariance, 0.0)
    whole = np.cov(scores.sum(axis=1), rowvar=False)
    each = sum(np.cov(scores[:, k], rowvar=False) for k in range(len(truths)))
    covariance = inverse + _positive(inverse @ np.atleast_2d(whole - each) @ inverse)
    density = fit.laid.layout.sessions[0].density
    assert density is not None  # checked
    value, slope = predicted_values(density[0], fit.beta)
    area = fit.laid.layout.sessions[0].cell_area_ha
    expected = float(area @ value)
    gradient = np.zeros(len(fit.beta))
    gradient[density[0].columns] = area * slope @ density[0].design
    variance = float(gradient @ covariance @ gradient)
    plain = float(gradient @ inverse @ gradient)
    with_number = ((scores.sum(axis=1) * (number - number.mean())[:, None]).sum(axis=0)) / (draws - 1)
    gap = variance + expected - 2.0 * float(gradient @ inverse @ with_number)
    seen = float(max(session.detected for session in fit.laid.layout.sessions))
    return SharedPopulation(
        covariance=covariance,
        expected=shifted_interval(0.0, expected, variance),
        realised=shifted_interval(seen, expected - seen, max(gap, 0.0)),
        inflation=math.sqrt(variance / plain) if plain > 0 else math.nan,
        draws=draws,
    )


def _check(fit: ModelFit, truths: tuple[FitTruth, ...]) -> None:
    if not fit.converged:
        raise EstimateRefused("the fit has no proven maximum", code="not_converged")
    if len(truths) < 2:
        raise ParameterError("one session is one survey; there is nothing to correct")
    if fit.model.conditional or fit.model.distribution != "poisson":
        raise ParameterError(
            "the correction is that of the full likelihood with a Poisson number of animals",
            fix="Fit CL false and distribution poisson.",
        )
    first = truths[0]
    for other in truths[1:]:
        same = first.session.mask.cells == other.session.mask.cells and np.allclose(
            first.session.mask.xy_m, other.session.mask.xy_m
        )
        density = np.asarray(first.population.density_per_100km2)
        if not same or not np.allclose(density, np.asarray(other.population.density_per_100km2)):
            raise ParameterError(
                f"sessions {first.session.name} and {other.session.name} differ in mask or density",
                fix="Surveys of one population share the mask, and no formula of D names the session.",
            )
        if other.collars is not None and first.collars is not None:
            raise ParameterError("two sessions have collars", fix="Put the collars into one session.")


def _joint(truths: tuple[FitTruth, ...], rng: np.random.Generator) -> SimulatedSurvey:
    """One population, met by the detectors of all sessions."""
    collars = next((t.collars for t in truths if t.collars is not None), None)
    arrays = [array for truth in truths for array in truth.arrays]
    return simulate_survey(truths[0].population, arrays, rng=rng, collars=collars)


def _scores(fit: ModelFit, truths: tuple[FitTruth, ...], joint: SimulatedSurvey) -> Floats:
    """(sessions, P) derivative of each session's log-likelihood at the estimate."""
    sessions, start = [], 0
    for truth in truths:
        own = list(range(start, start + len(truth.arrays)))
        sessions.append(truth.data(joint, fit.model.hcov or "class", own))
        start += len(own)
    laid = lay_out(replace(fit.model, sessions=tuple(sessions)))
    parameters = laid.layout.parameters
    return np.stack(
        [
            evaluate(Layout(sessions=(session,), parameters=parameters), fit.beta).gradient
            for session in laid.layout.sessions
        ]
    )


def _positive(matrix: Floats) -> Floats:
    """The nearest matrix without negative directions: the noise of few draws must gain no precision."""
    value, vector = np.linalg.eigh((matrix + matrix.T) / 2.0)
    return np.asarray((vector * np.maximum(value, 0.0)) @ vector.T)
