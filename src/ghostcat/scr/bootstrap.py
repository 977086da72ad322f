"""Parametric bootstrap: what would captures and estimates look like if the fitted model were true?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import ScrSession
from ghostcat.scr.fitting import ModelFit, fit_model
from ghostcat.scr.simulate_fit import simulate_from_fit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BootstrapFits", "CaptureSummary", "bootstrap_fits", "capture_statistics", "summarise_captures"]

Floats = NDArray[np.float64]

_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptureSummary:
    """Statistics of the captures beside those of surveys simulated from the fit."""

    observed: Mapping[str, float]
    simulated: Mapping[str, Floats] = field(repr=False)
    """Each (surveys,)."""

    def p(self, name: str) -> float:
        """Two-sided: how rarely the fitted model gives a value as far out as the observed one."""
        values, seen = self.simulated[name], self.observed[name]
        below = float((values < seen).mean() + 0.5 * (values == seen).mean())
        return min(1.0, 2.0 * min(below, 1.0 - below) + 1.0 / len(values))

    def table(self) -> pd.DataFrame:
        """Observed, expected, 95 % range of the simulations and p, one row a statistic."""
        import pandas as pd

        rows = []
        for name, seen in self.observed.items():
            values = self.simulated[name]
            low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
            rows.append(
                {
                    "statistic": name,
                    "observed": seen,
                    "expected": float(values.mean()),
                    "lower": float(low),
                    "upper": float(high),
                    "p": self.p(name),
                }
            )
        return pd.DataFrame(rows).set_index("statistic")


@dataclass(frozen=True, kw_only=True, eq=False)
class BootstrapFits:
    """Coefficients of refits to simulated surveys."""

    names: tuple[str, ...]
    estimate: Floats
    """(P,) of the original fit."""
    refits: Floats = field(repr=False)
    """(surveys that could be refitted, P)."""
    surveys: int
    refused: Mapping[str, int]

    def bias(self) -> Floats:
        """(P,) mean of the refits less the estimate, on the link scale."""
        return np.asarray(self.refits.mean(axis=0) - self.estimate)

    def standard_errors(self) -> Floats:
        """(P,) standard deviation of the refits, on the link scale."""
        return np.asarray(self.refits.std(axis=0, ddof=1))

    def limits(self, name: str, *, level: float = _LEVEL) -> tuple[float, float]:
        """Basic bootstrap limits of a coefficient: 2β̂ less the quantiles of the refits."""
        j = self.names.index(name)
        low, high = np.quantile(self.refits[:, j], [(1 - level) / 2, (1 + level) / 2])
        return float(2 * self.estimate[j] - high), float(2 * self.estimate[j] - low)


def summarise_captures(
    fit: ModelFit,
    *,
    rng: np.random.Generator,
    surveys: int = 200,
    progress: Callable[[int, int], None] | None = None,
) -> CaptureSummary:
    """Compare what was caught with what the fitted model would have caught.

    Parameters
    ----------
    fit : the model.
    rng : source of randomness.
    surveys : how many to draw.

    Raises
    ------
    ParameterError : the model cannot be simulated.
    """
    if surveys < 2:
        raise ParameterError(f"surveys is {surveys}, expected at least 2")
    observed = capture_statistics(fit.model.sessions)
    found: dict[str, list[float]] = {name: [] for name in observed}
    for index in range(surveys):
        for name, value in capture_statistics(simulate_from_fit(fit, rng)).items():
            found[name].append(value)
        if progress is not None:
            progress(index + 1, surveys)
    return CaptureSummary(observed=observed, simulated={n: np.array(v) for n, v in found.items()})


def bootstrap_fits(
    fit: ModelFit,
    *,
    rng: np.random.Generator,
    surveys: int = 200,
    progress: Callable[[int, int], None] | None = None,
) -> BootstrapFits:
    """Refit the model to surveys simulated from it.

    Raises
    ------
    EstimateRefused : not even two surveys gave an estimate (`no_refits`).
    ParameterError : the model cannot be simulated.
    """
    refits, refused = [], Counter[str]()
    for index in range(surveys):
        sessions = simulate_from_fit(fit, rng)
        try:
            again = fit_model(replace(fit.model, sessions=sessions), held=fit.held)
            if again.converged and again.names == fit.names:
                refits.append(again.beta)
            else:
                refused["not_converged"] += 1
        except EstimateRefused as refusal:
            refused[refusal.code] += 1
        if progress is not None:
            progress(index + 1, surveys)
    if len(refits) < 2:
        raise EstimateRefused(
            f"of {surveys} simulated surveys {len(refits)} gave an estimate",
            code="no_refits",
            fix="The data are too thin for this model.",
        )
    return BootstrapFits(
        names=fit.names,
        estimate=fit.beta,
        refits=np.array(refits),
        surveys=surveys,
        refused=dict(sorted(refused.items())),
    )


def capture_statistics(sessions: Sequence[ScrSession]) -> dict[str, float]:
    """Numbers that a person can check a model by, all sessions and arrays together.

    Keys: animals, detections, recaptures, spatial recaptures, animals seen once, most detections of an
    animal, detectors with animals, most animals at a detector, mean and longest distance (m) between the
    places of an animal.
    """
    total = Counter[str]()
    most, crowd, longest = 0, 0, 0.0
    distances: list[float] = []
    for session in sessions:
        size = len(session.animals)
        per_animal = np.zeros(size, dtype=np.int64)
        places: list[list[Floats]] = [[] for _ in range(size)]
        for array in session.arrays:
            per_animal += np.bincount(array.animal, weights=array.counts, minlength=size).astype(np.int64)
            pairs = np.unique(np.stack([array.animal, array.detector], axis=1), axis=0)
            visitors = np.bincount(pairs[:, 1], minlength=array.detectors)
            total["detectors with animals"] += int((visitors > 0).sum())
            crowd = max(crowd, int(visitors.max(initial=0)))
            xy = array.places_xy_m
            for animal, place in zip(array.animal, xy, strict=True):
                places[animal].append(place)
        seen = per_animal > 0
        total["animals"] += int(seen.sum())
        total["detections"] += int(per_animal.sum())
        total["animals seen once"] += int((per_animal == 1).sum())
        most = max(most, int(per_animal.max(initial=0)))
        for own in places:
            spots = np.unique(np.array(own), axis=0) if own else np.empty((0, 2))
            total["spatial recaptures"] += max(0, len(spots) - 1)
            if len(spots) > 1:
                reach = float(np.hypot(*(spots[:, None] - spots[None, :]).transpose(2, 0, 1)).max())
                distances.append(reach)
                longest = max(longest, reach)
    return {
        "animals": float(total["animals"]),
        "detections": float(total["detections"]),
        "recaptures": float(total["detections"] - total["animals"]),
        "spatial recaptures": float(total["spatial recaptures"]),
        "animals seen once": float(total["animals seen once"]),
        "most detections of an animal": float(most),
        "detectors with animals": float(total["detectors with animals"]),
        "most animals at a detector": float(crowd),
        "mean range length, m": float(np.mean(distances)) if distances else 0.0,
        "longest range length, m": longest,
    }
