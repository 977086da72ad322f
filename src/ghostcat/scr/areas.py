"""What follows from a fit for areas: effective sampling area, derived density, numbers of animals.

    esa = a Σ_m p.(m)        D = n / esa        E.N = a Σ_m D_m        R.N = n + a Σ_m D_m (1 − p.(m))

For one session Var(R.N) = Var(E.N) − E.N (Efford & Fewster 2013, Oikos 122:918–928).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.captures import DetectorArray
from ghostcat.scr.laying_out import lay_out
from ghostcat.scr.layout import Layout, Predictor, SessionLayout
from ghostcat.scr.parameters import predicted_values
from ghostcat.scr.results import Z95

if TYPE_CHECKING:
    from ghostcat.scr.fitting import ModelFit

__all__ = ["AreaEstimate", "Numbers", "animal_areas", "derived_density", "region_numbers"]

Floats = NDArray[np.float64]

# Beyond this a log-normal has no interval worth the name.
_MAX_LOG_VARIANCE = 100.0


@dataclass(frozen=True, kw_only=True)
class AreaEstimate:
    """Effective sampling area and the density that follows from it, of one session and group."""

    stratum: Mapping[str, str]
    esa_ha: float
    density_per_ha: float
    standard_error: float
    lower: float
    upper: float
    cv_number: float
    """Of the number of animals detected."""
    cv_area: float
    """Of the effective sampling area."""

    @property
    def cv_density(self) -> float:
        """Both together."""
        return math.hypot(self.cv_number, self.cv_area)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Expected and realised number of animals of the mask, of one session and group."""

    stratum: Mapping[str, str]
    expected: tuple[float, float, float, float]
    """Estimate, standard error, lower and upper limit."""
    realised: tuple[float, float, float, float]
    detected: int


def derived_density(fit: ModelFit) -> tuple[AreaEstimate, ...]:
    """Effective sampling area and derived density of every session and group.

    Where animals differ in p., by covariates (conditional likelihood) or by a class that is known of some
    (hcov), D is Σ_i 1/esa_i and esa is n/D.
    """
    found = []
    for own, session in enumerate(whole_effort(fit).sessions):
        if not fit.model.sessions[own].arrays:
            continue
        for population in range(int(session.population.max()) + 1):
            number, areas, slopes = fit.animal_areas(own, population)
            found.append(
                _derived(
                    fit,
                    _stratum(fit, own, population),
                    number,
                    areas,
                    slopes,
                    float(session.cell_area_ha.sum()),
                )
            )
    return tuple(found)


def animal_areas(
    fit: ModelFit, session: SessionLayout, population: int, density: Predictor | None = None
) -> tuple[Floats, Floats, Floats]:
    """How many detected animals have which effective area (times density), and its gradient."""
    from ghostcat.scr.centres import effective_areas
    from ghostcat.scr.kernel import prepare

    number, areas, slopes = [], [], []
    for group in np.flatnonzero(session.population == population):
        here = session.naive_group[: session.detected] == group
        known = session.known_class[: session.detected][here]
        kinds = np.unique(known) if session.class_covariate and here.any() else np.array([-1])
        for kind in kinds:
            alone = _without_animals(session, int(group), density, latent=int(kind))
            layout = Layout(sessions=(alone,), parameters=fit.laid.layout.parameters)
            area, slope = effective_areas(prepare(layout), fit.beta)
            number.append(int((known == kind).sum()) if session.class_covariate else int(here.sum()))
            areas.append(float(area[0]))
            slopes.append(slope[0])
    return np.array(number, dtype=np.float64), np.array(areas), np.stack(slopes)


def _derived(
    fit: ModelFit,
    stratum: Mapping[str, str],
    number: Floats,
    areas: Floats,
    slopes: Floats,
    whole_ha: float,
) -> AreaEstimate:
    n = float(number.sum())
    if n == 0:
        return AreaEstimate(
            stratum=stratum,
            esa_ha=float(areas.mean()),
            density_per_ha=0.0,
            standard_error=math.nan,
            lower=math.nan,
            upper=math.nan,
            cv_number=math.nan,
            cv_area=math.nan,
        )
    density = float((number / areas).sum())
    slope = -((number / areas**2) @ slopes)
    variance = float(slope @ fit.covariance @ slope)
    cv_area = math.sqrt(variance) / density if variance >= 0 else math.nan
    missed = 1.0 - areas / whole_ha if fit.model.distribution == "binomial" else np.ones(len(areas))
    cv_number = math.sqrt(float((number * missed / areas**2).sum())) / density
    cv = math.hypot(cv_number, cv_area)
    reach = math.exp(Z95 * math.sqrt(math.log1p(cv * cv)))
    return AreaEstimate(
        stratum=stratum,
        esa_ha=n / density,
        density_per_ha=density,
        standard_error=density * cv,
        lower=density / reach,
        upper=density * reach,
        cv_number=cv_number,
        cv_area=cv_area,
    )


def _stratum(fit: ModelFit, session: int, population: int) -> dict[str, str]:
    """What names a session and group; empty with one of each."""
    several = len(fit.model.sessions) > 1
    found = {"session": fit.model.sessions[session].name} if several or fit.model.groups else {}
    if fit.model.groups:
        found["g"] = fit.laid.group_levels[population]
    return found


def whole_effort(fit: ModelFit) -> Layout:
    """The layout in which areas are computed.

    The collapsed form of binary detectors takes whole trials and truncates fractional effort. Areas follow
    the field's programs, which round it.
    """

    def rounded(array: DetectorArray) -> DetectorArray:
        total = array.usage.sum(axis=1, keepdims=True)
        if array.kind != "proximity" or not (total % 1.0 > 1e-9).any():
            return array
        size = np.where(total > 0, np.maximum(np.floor(total + 0.5), 1.0), 0.0)
        # Counts with this effort are missed with the probability that so many trials fail.
        return replace(array, kind="count", usage=size, occasion=np.zeros_like(array.occasion))

    if fit.model.form != "collapsed":
        return fit.laid.layout
    sessions = tuple(
        replace(session, arrays=tuple(rounded(array) for array in session.arrays))
        for session in fit.model.sessions
    )
    if all(
        a is b
        for s, t in zip(sessions, fit.model.sessions, strict=True)
        for a, b in zip(s.arrays, t.arrays, strict=True)
    ):
        return fit.laid.layout
    return lay_out(replace(fit.model, sessions=sessions)).layout


def _without_animals(
    session: SessionLayout, group: int, density: Predictor | None = None, *, latent: int = -1
) -> SessionLayout:
    """The session as one naive group meets it, at density 1 per ha or the one given; ln L = −Λ.

    `latent` picks one class of animals; by default they are mixed in their proportions.
    """
    from ghostcat.scr.centres import without_histories

    cells = len(session.cell_area_ha)
    one = Predictor(
        design=np.empty((cells, 0)), columns=np.empty(0, dtype=np.int64), offset=np.zeros(cells), link="log"
    )
    bare = without_histories(session)
    arrays = tuple(
        replace(
            array,
            classes=tuple(
                replace(c, naive=c.naive[[group]])
                for c in (array.classes if latent < 0 else array.classes[latent : latent + 1])
            ),
        )
        for array in bare.arrays
    )
    return replace(
        bare,
        arrays=arrays,
        density=(density or one,),
        mixing=tuple(
            replace(m, design=m.design[[group]], offset=m.offset[[group]])
            for m in (session.mixing if latent < 0 else ())
        ),
        population=np.zeros(1, dtype=np.int64),
        conditional=False,
        distribution="poisson",
        class_covariate=False,
        constant=np.zeros(1),
    )


def region_numbers(fit: ModelFit) -> tuple[Numbers, ...]:
    """Expected and realised number of animals of the mask, of every session and group.

    Empty for a conditional likelihood, whose density is not a parameter.
    """
    found: list[Numbers] = []
    if fit.model.conditional:
        return ()
    for index, session in enumerate(whole_effort(fit).sessions):
        assert session.density is not None
        if not fit.model.sessions[index].arrays:
            continue
        for population, predictor in enumerate(session.density):
            density, slope = predicted_values(predictor, fit.beta)
            constant = bool((density == density[0]).all())
            expected = float(density @ session.cell_area_ha)
            gradient = np.zeros(len(fit.beta))
            gradient[predictor.columns] = (session.cell_area_ha * slope) @ predictor.design
            if constant:
                number, areas, slopes = fit.animal_areas(index, population)
                own = np.zeros(len(fit.beta))
                own[predictor.columns] = slope[0] * predictor.design[0]
                seen, seen_slope = _mean_area(number, areas, slopes)
                seen_slope = density[0] * seen_slope + seen * own
                seen *= density[0]
            else:
                number, areas, slopes = animal_areas(fit, session, population, predictor)
                seen, seen_slope = _mean_area(number, areas, slopes)
            unseen_slope = gradient - seen_slope
            found.append(
                _numbers(
                    fit,
                    _stratum(fit, index, population),
                    (expected, float(gradient @ fit.covariance @ gradient)),
                    int(number.sum()),
                    (expected - seen, float(unseen_slope @ fit.covariance @ unseen_slope)),
                    constant and predictor.link == "log",
                )
            )
    return tuple(found)


def _mean_area(number: Floats, areas: Floats, slopes: Floats) -> tuple[float, Floats]:
    """n / Σ 1/area_i, the area of the animals that were detected, and its gradient."""
    total = float(number.sum())
    if not total:
        return float(areas.mean()), slopes.mean(axis=0)
    inverse = float((number / areas).sum())
    mean = total / inverse
    return mean, mean / inverse * ((number / areas**2) @ slopes)


def _numbers(
    fit: ModelFit,
    stratum: Mapping[str, str],
    expected: tuple[float, float],
    number: int,
    hidden: tuple[float, float],
    log_normal: bool,
) -> Numbers:
    """From (value, delta variance) of the expected number and of the animals that were not seen.

    Var(R.N) = Var(E.N) − E.N holds where nothing but this session informs its density; where sessions or
    groups share coefficients it is the unseen animals plus what the coefficients leave open.
    """
    estimate, variance = expected
    unseen, doubt = hidden
    alone = len(fit.model.sessions) == 1 and not fit.model.groups
    plain = variance
    if log_normal and variance >= 0:
        relative = variance / estimate**2
        variance = estimate**2 * math.expm1(relative) if relative < _MAX_LOG_VARIANCE else math.nan
    error = math.sqrt(variance) if variance >= 0 else math.nan
    reach = math.exp(Z95 * math.sqrt(math.log1p((error / estimate) ** 2)))
    realised = number + unseen
    rest = variance - estimate if alone else unseen + doubt + variance - plain
    if fit.model.distribution == "binomial":
        rest = math.nan
    error_realised = math.sqrt(rest) if rest >= 0 else math.nan
    reach_realised = (
        math.exp(Z95 * math.sqrt(math.log1p((error_realised / unseen) ** 2))) if unseen > 0 else 1.0
    )
    return Numbers(
        stratum=stratum,
        expected=(estimate, error, estimate / reach, estimate * reach),
        realised=(
            realised,
            error_realised,
            number + unseen / reach_realised,
            number + unseen * reach_realised,
        ),
        detected=number,
    )
