"""Simulate a plan many times and estimate each survey: what margin of error would really come out?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.checks import check_metres
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.mask import Mask, make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.results import Interval, log_link_interval
from ghostcat.scr.simulate_survey import ArrayTruth, Population, SimulatedSurvey, simulate_survey
from ghostcat.scr.study import Animals, planning_mask

__all__ = ["Estimator", "StudySimulation", "simulate_study"]

Floats = NDArray[np.float64]

#: From a simulated survey to density per 100 km²; raises EstimateRefused where there is none.
Estimator = Callable[[SimulatedSurvey, Mask], Interval]

_MAX_CELLS = 4_000
_HA_PER_100KM2 = 10_000.0


@dataclass(frozen=True, kw_only=True)
class StudySimulation:
    """How the estimates of many simulated surveys of one plan fell out.

    Bias, spread and coverage are of the surveys that gave an estimate; `refused` says how many did not.
    """

    surveys: int
    estimated: int
    refused: Mapping[str, int]
    """Number of surveys by the code of the refusal."""
    animals: float
    """Mean n over all surveys."""
    recaptures: float
    spatial_recaptures: float
    bias: float
    """Mean of D̂/D − 1."""
    bias_standard_error: float
    spread: float
    """Standard deviation of D̂/D: the error that really occurs."""
    relative_standard_error: float
    """Mean of the RSE that the surveys report."""
    coverage: float
    """Share of the 95 % intervals that hold the truth."""
    rse_quantiles: tuple[float, float]
    """The RSE that a tenth and nine tenths of the surveys stay below."""

    @property
    def refused_share(self) -> float:
        """Share of surveys that carry no estimate."""
        return 1.0 - self.estimated / self.surveys


def simulate_study(
    traps_xy_m: ArrayLike,
    usage: ArrayLike,
    *,
    animals: Animals | Sequence[Animals],
    surveys: int,
    rng: np.random.Generator,
    mask: Mask | None = None,
    detector: str = "count",
    failing: float = 0.0,
    estimator: Estimator | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StudySimulation:
    """Draw and estimate `surveys` surveys of a plan.

    Parameters
    ----------
    traps_xy_m : (K, 2) metres.
    usage : (K,) station-days, or (K, S) effort by occasion.
    animals : what is assumed; classes are drawn by their share of density.
    mask : where animals live and where they are looked for; by default within reach of a station.
    detector : "count", "proximity" or "multi" (then effort is by days).
    failing : share of stations that stop for good at a uniform moment of the survey.
    estimator : from survey to density; by default a model with one class, constant D, detection and
        σ, and the detection function of the plan.
    progress : called with (done, all) after each survey.

    Returns
    -------
    StudySimulation

    Raises
    ------
    ParameterError : no survey, or numbers outside their range.
    """
    if surveys < 1 or not 0.0 <= failing < 1.0:
        raise ParameterError(
            f"surveys is {surveys} and failing {failing}", fix="Give at least 1, and 0 to 1."
        )
    traps = check_metres(traps_xy_m, what="stations")
    effort = np.asarray(usage, dtype=np.float64)
    if effort.ndim == 0:
        effort = np.full(len(traps), float(effort))
    by_occasion = effort if effort.ndim == 2 else _spread(effort, detector)
    classes = (animals,) if isinstance(animals, Animals) else tuple(animals)
    cells = mask or _coarse(planning_mask(traps, classes), traps, classes)
    population, array = _world(traps, by_occasion, classes, cells, detector)
    estimate = estimator or _plain_model
    found: list[Interval] = []
    refused: Counter[str] = Counter()
    seen: list[tuple[int, int, int]] = []
    for index in range(surveys):
        drawn = simulate_survey(population, [_with_failures(array, failing, rng)], rng=rng)
        captures = drawn.arrays[0].captures
        n = len(np.unique(captures[:, 0]))
        places = len(np.unique(captures[:, [0, 2]], axis=0))
        seen.append((n, len(captures) - n, places - n))
        try:
            found.append(estimate(drawn, cells))
        except EstimateRefused as refusal:
            refused[refusal.code] += 1
        if progress is not None:
            progress(index + 1, surveys)
    return _summary(found, refused, seen, sum(c.density_per_100km2 for c in classes))


def _summary(
    found: list[Interval], refused: Counter[str], seen: list[tuple[int, int, int]], truth: float
) -> StudySimulation:
    ratio = np.array([f.estimate for f in found]) / truth
    rse = np.array([f.relative_standard_error for f in found])
    hits = [f.lower <= truth <= f.upper for f in found]
    n, r, m = np.asarray(seen, dtype=np.float64).mean(axis=0)
    some, several = len(ratio) > 0, len(ratio) > 1
    spread = float(ratio.std(ddof=1)) if several else math.nan
    low, high = np.quantile(rse, [0.1, 0.9]) if some else (math.nan, math.nan)
    return StudySimulation(
        surveys=len(seen),
        estimated=len(found),
        refused=dict(sorted(refused.items())),
        animals=float(n),
        recaptures=float(r),
        spatial_recaptures=float(m),
        bias=float(ratio.mean() - 1.0) if some else math.nan,
        bias_standard_error=spread / math.sqrt(len(ratio)) if several else math.nan,
        spread=spread,
        relative_standard_error=float(rse.mean()) if some else math.nan,
        coverage=float(np.mean(hits)) if some else math.nan,
        rse_quantiles=(float(low), float(high)),
    )


def _world(
    traps: Floats, usage: Floats, classes: Sequence[Animals], mask: Mask, detector: str
) -> tuple[Population, ArrayTruth]:
    density = sum(c.density_per_100km2 for c in classes)
    if len({(c.detectfn, c.shape if c.shape == c.shape else None) for c in classes}) > 1:
        raise ParameterError("the classes have different detection functions", fix="Give all the same one.")
    population = Population(
        mask=mask,
        density_per_100km2=density,
        classes=tuple(str(i) for i in range(len(classes))),
        shares=tuple(c.density_per_100km2 / density for c in classes),
    )
    if detector not in ("count", "proximity", "multi"):
        raise ParameterError(f"detector is {detector!r}", fix='Use "count", "proximity" or "multi".')
    array = ArrayTruth(
        xy_m=traps,
        usage=usage,
        lambda0=tuple(c.lambda0 for c in classes),
        sigma_m=tuple(c.sigma_m for c in classes),
        detector=detector,  # type: ignore[arg-type]
        detectfn=classes[0].detectfn,
        shape=classes[0].shape,
    )
    return population, array


def _spread(effort: Floats, detector: str) -> Floats:
    """Counts need no occasions; binary detectors get one a day, the last one perhaps in part."""
    if detector == "count":
        return effort[:, None]
    days = np.arange(max(1, math.ceil(float(effort.max(initial=0.0)))))
    return np.asarray(np.clip(effort[:, None] - days, 0.0, 1.0))


def _with_failures(array: ArrayTruth, failing: float, rng: np.random.Generator) -> ArrayTruth:
    if failing == 0.0:
        return array
    fails = rng.random(len(array.xy_m)) < failing
    lasts = np.where(fails, rng.random(len(array.xy_m)), 1.0)
    if array.usage.shape[1] == 1:
        return replace(array, usage=array.usage * lasts[:, None])
    occasion = np.arange(array.usage.shape[1]) / array.usage.shape[1]
    return replace(array, usage=np.where(occasion < lasts[:, None], array.usage, 0.0))


def _coarse(mask: Mask, traps: Floats, classes: Sequence[Animals]) -> Mask:
    """At most `_MAX_CELLS` cells while they stay below 0.7 σ: enough for a plan, and quick."""
    if mask.cells <= _MAX_CELLS:
        return mask
    width = mask.cell_m * math.sqrt(mask.cells / _MAX_CELLS)
    return make_mask(traps, buffer_m=mask.buffer_m, cell_m=min(width, 0.7 * min(c.sigma_m for c in classes)))


def _plain_model(drawn: SimulatedSurvey, mask: Mask) -> Interval:
    """D, detection and σ constant, with the detection function of the plan."""
    array = drawn.arrays[0].array
    model = ScrModel(sessions=(drawn.session(mask=mask),), detectfn=array.detectfn)
    fit = fit_model(model)
    if not fit.converged:
        raise EstimateRefused("the fit did not converge", code="not_converged")
    density = fit.names.index("D")
    return log_link_interval(
        float(fit.beta[density]) + math.log(_HA_PER_100KM2), float(fit.covariance[density, density])
    )
