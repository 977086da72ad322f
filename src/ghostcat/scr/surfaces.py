"""Where the animals of a fit live: centres, density surfaces, and the number in any region."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.centres import centre_posteriors, class_posteriors, detection_probability, unseen_density
from ghostcat.scr.kernel import Prepared, evaluate, prepare
from ghostcat.scr.layout import Layout
from ghostcat.scr.mask import Mask, Polygon
from ghostcat.scr.parameters import predicted_values
from ghostcat.scr.predictive import realised_limits
from ghostcat.scr.region import region_share
from ghostcat.scr.results import Z95, Abundance, log_link_interval, shifted_interval

if TYPE_CHECKING:
    from ghostcat.scr.fitting import ModelFit

__all__ = [
    "DensityMap",
    "activity_centres",
    "caught_somewhere",
    "class_shares",
    "density_map",
    "realised_slope",
    "region_abundance",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class DensityMap:
    """Density of every mask cell, animals per 100 km²."""

    expected: Floats
    """(M,) of the model: what another survey of this population would be drawn from."""
    standard_error: Floats
    """(M,) of `expected`, by the delta method."""
    lower: Floats
    upper: Floats
    """(M,) log-normal 95 % limits of `expected`."""
    realised: Floats
    """(M,) centres of the animals seen, by their posterior, and of those expected unseen."""


def session_layout(fit: ModelFit, session: int) -> Prepared:
    """One session of a fit, prepared for evaluation."""
    layout = Layout(sessions=(fit.laid.layout.sessions[session],), parameters=fit.laid.layout.parameters)
    return prepare(layout)


def activity_centres(fit: ModelFit, *, session: int = 0) -> tuple[tuple[str, ...], Floats]:
    """Posterior of the activity centre of every animal that was detected or wore a collar.

    Returns
    -------
    (names, (n, M) probabilities; rows sum to 1).
    """
    data = fit.model.sessions[session]
    names = tuple(data.animals[i] for i in fit.laid.order[session])
    return names, centre_posteriors(session_layout(fit, session), fit.beta)


def class_shares(fit: ModelFit, *, session: int = 0) -> tuple[tuple[str, ...], Floats]:
    """Posterior of the class (sex) of every animal: (names, (n, classes); columns as `class_levels`)."""
    data = fit.model.sessions[session]
    names = tuple(data.animals[i] for i in fit.laid.order[session])
    return names, class_posteriors(session_layout(fit, session), fit.beta)


def caught_somewhere(fit: ModelFit, *, session: int = 0) -> Floats:
    """(n_groups, M) probability that an animal living in a cell was detected at least once."""
    return detection_probability(session_layout(fit, session), fit.beta)


def density_map(fit: ModelFit, *, session: int = 0) -> DensityMap:
    """Expected density of every cell with its standard error, and the density of this survey's animals.

    Raises
    ------
    ParameterError : a conditional likelihood, which has no density.
    """
    _needs_density(fit)
    layout = fit.laid.layout.sessions[session]
    assert layout.density is not None  # not conditional
    mean = np.zeros(len(layout.cell_area_ha))
    gradient = np.zeros((len(mean), len(fit.beta)))
    for predictor in layout.density:
        value, slope = predicted_values(predictor, fit.beta)
        mean += value
        gradient[:, predictor.columns] += slope[:, None] * predictor.design
    variance = np.einsum("mj,jk,mk->m", gradient, fit.covariance, gradient)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(variance)
        reach = np.exp(Z95 * np.sqrt(np.log1p(variance / mean**2)))
    prepared = session_layout(fit, session)
    seen = centre_posteriors(prepared, fit.beta)[: layout.detected].sum(axis=0) / layout.cell_area_ha
    unseen = unseen_density(prepared, fit.beta).sum(axis=0)
    per = 10_000.0  # ha in 100 km²
    return DensityMap(
        expected=mean * per,
        standard_error=error * per,
        lower=mean / reach * per,
        upper=mean * reach * per,
        realised=(seen + unseen) * per,
    )


def region_abundance(fit: ModelFit, region: Mask | Polygon | None = None, *, session: int = 0) -> Abundance:
    """Expected and realised number of animals in a region.

    Parameters
    ----------
    fit : of a full likelihood.
    region : None for the whole mask; booleans per mask cell; another `Mask`; a polygon. Where it reaches
        beyond the mask, the mean density is assumed to hold there.
    session : which one.

    Raises
    ------
    ParameterError : a conditional likelihood, or a region that does not touch the mask.

    Notes
    -----
    Realised N = Σ_i q_i + Σ_m D_m a_m (1 − p.(m)): the probability q_i that the centre of each detected
    animal lies inside, and the animals never detected. Its limits are quantiles of the coin tosses q_i plus
    a Poisson number of the unseen, with the uncertainty of the parameters.

    Its variance: the tosses have mean Σ q and variance Σ q(1 − q), like a Poisson number moved by c = Σ q²,
    so it is (N − c) + the delta variance from the parameters + t E² (exp(v) − 1 − v) with E the expected
    number and v the variance of ln E: the log-normal correction that E carries, in the proportion t by which
    the region was missed, 1 for the whole mask. For the whole mask the sum is var(E) − E (Efford & Fewster
    2013, Oikos 122:918–928), and the log-normal limits on N − c are those on N − n.
    """
    _needs_density(fit)
    layout = fit.laid.layout.sessions[session]
    assert layout.density is not None  # not conditional
    mask = fit.model.sessions[session].mask
    laid = region_share(mask, region)
    area = layout.cell_area_ha
    density = np.zeros(len(area))
    slope = np.zeros((len(area), len(fit.beta)))
    for predictor in layout.density:
        value, steep = predicted_values(predictor, fit.beta)
        density += value
        slope[:, predictor.columns] += steep[:, None] * predictor.design
    beyond_ha = laid.outside_km2 * 100.0
    mean = float(density @ area) / float(area.sum())
    inside_ha = laid.share * area
    expected = float(density @ inside_ha) + mean * beyond_ha
    beyond = mean * beyond_ha
    beyond_slope = (area @ slope) / float(area.sum()) * beyond_ha
    expected_slope = inside_ha @ slope + beyond_slope
    relative = expected_slope / expected
    v = float(relative @ fit.covariance @ relative)
    prepared = session_layout(fit, session)
    weights = centre_posteriors(prepared, fit.beta)[: layout.detected]
    unseen = unseen_density(prepared, fit.beta).sum(axis=0) * area
    inside = weights @ laid.share
    certain = float((inside**2).sum())
    hidden = float(unseen @ laid.share)
    uncertain = float(inside.sum()) - certain + hidden + beyond
    gradient = realised_slope(fit, session, laid.share) + beyond_slope
    missed = hidden / float(density @ inside_ha)
    missed_on_mask = float(unseen.sum()) / float(density @ area)
    part = min(1.0, missed / missed_on_mask) if missed_on_mask > 0 else 0.0
    correction = math.expm1(v) - v if 0.0 <= v < 100.0 else math.nan
    doubt = float(gradient @ fit.covariance @ gradient) + part * expected**2 * correction
    log_normal = shifted_interval(certain, uncertain, uncertain + doubt)
    lower, upper = (
        realised_limits(inside, hidden + beyond, doubt) if math.isfinite(doubt) else (math.nan, math.nan)
    )
    return Abundance(
        expected=log_link_interval(math.log(expected), v),
        realised=replace(log_normal, lower=lower, upper=upper),
        realised_log_normal=log_normal,
        area_km2=laid.area_km2,
        outside_mask_km2=laid.outside_km2,
        detected_inside=float(inside.sum()),
    )


def _needs_density(fit: ModelFit) -> None:
    if fit.model.conditional:
        raise ParameterError(
            "density is no parameter of a conditional likelihood",
            fix="Fit the full likelihood, or use the derived density.",
        )


def realised_slope(fit: ModelFit, session: int, share: Floats) -> Floats:
    """(P,) derivative of realised N (inside the mask) with respect to β.

    Let ln D_m gain ε · share_m. The score of ε at 0 is Σ q_i − Σ D a share p., so realised N is that score
    plus Σ D a share, and its slope is a row of the exact Hessian plus the slope of that sum. On the identity
    link D gains ε · share_m · D_m at the D of the estimates, so the slope of D itself is added.
    """
    layout = fit.laid.layout.sessions[session]
    assert layout.density is not None  # not conditional
    extra = len(fit.beta)
    widened = []
    slope = np.zeros(extra)
    for predictor in layout.density:
        value, steep = predicted_values(predictor, fit.beta)
        column = share if predictor.link == "log" else share * value
        widened.append(
            replace(
                predictor,
                design=np.column_stack([predictor.design, column]),
                columns=np.append(predictor.columns, extra),
            )
        )
        slope[predictor.columns] += (share * layout.cell_area_ha * steep) @ predictor.design
    own = Layout(sessions=(replace(layout, density=tuple(widened)),), parameters=extra + 1)
    at = evaluate(own, np.append(fit.beta, 0.0))
    found = at.hessian[extra, :extra].copy()
    if any(p.link != "log" for p in layout.density):
        found += _identity_correction(fit, session, share)
    return np.asarray(found + slope, dtype=np.float64)


def _identity_correction(fit: ModelFit, session: int, share: Floats) -> Floats:
    """Σ_m (posterior_m − D a p.)/D · share ∂D/∂β: what the multiplied D of the log link has in addition."""
    layout = fit.laid.layout.sessions[session]
    assert layout.density is not None  # not conditional
    prepared = session_layout(fit, session)
    weights = centre_posteriors(prepared, fit.beta)[: layout.detected]
    unseen = unseen_density(prepared, fit.beta)
    found = np.zeros(len(fit.beta))
    population = layout.population[layout.naive_group[: layout.detected]]
    for index, predictor in enumerate(layout.density):
        value, steep = predicted_values(predictor, fit.beta)
        if predictor.link == "log":
            continue
        seen = weights[population == index].sum(axis=0)
        caught = (value - unseen[index]) * layout.cell_area_ha
        found[predictor.columns] += (share * (seen - caught) / value * steep) @ predictor.design
    return found
