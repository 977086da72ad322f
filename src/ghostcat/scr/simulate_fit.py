"""Simulate surveys from a fitted model: the same detectors and effort, new animals and captures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.areas import derived_density
from ghostcat.scr.captures import DetectorArray, ScrSession
from ghostcat.scr.exposure import BEHAVIOURS, Exposure
from ghostcat.scr.fitting import ModelFit
from ghostcat.scr.formulas import Column, formula_names
from ghostcat.scr.laid_out import LaidOut
from ghostcat.scr.layout import Predictor
from ghostcat.scr.parameters import DETECTION_FUNCTIONS, predicted_values
from ghostcat.scr.session_building import SessionBuilder
from ghostcat.scr.simulate_survey import (
    ArrayTruth,
    CollarTruth,
    Population,
    SimulatedSurvey,
    simulate_survey,
)
from ghostcat.scr.variables import TRUTH, Variables, class_levels, group_levels

__all__ = ["FitTruth", "refuse_unsimulable", "simulate_from_fit", "state_words", "truth_of_fit"]

Floats = NDArray[np.float64]

_HA_PER_100KM2 = 10_000.0


@dataclass(frozen=True, kw_only=True, eq=False)
class FitTruth:
    """One session of a fitted model as a world that surveys can be drawn from."""

    session: ScrSession
    population: Population
    arrays: tuple[ArrayTruth, ...]
    collars: CollarTruth | None

    def draw(self, rng: np.random.Generator) -> SimulatedSurvey:
        """One survey of it."""
        return simulate_survey(self.population, self.arrays, rng=rng, collars=self.collars)

    def data(
        self, drawn: SimulatedSurvey, class_name: str, arrays: Sequence[int] | None = None
    ) -> ScrSession:
        """A drawn survey with the covariates of the data that the fit was made of.

        `arrays` are those of this session, where the survey was drawn for several sessions at once.
        """
        made = drawn.session(
            arrays,
            collars=self.collars is not None,
            name=self.session.name,
            mask=self.session.mask,
            mask_covariates=self.session.mask_covariates,
            detector_covariates=[a.covariates for a in self.session.arrays],
            class_name=class_name,
        )
        named = tuple(
            replace(new, detector_names=old.detector_names)
            for new, old in zip(made.arrays, self.session.arrays, strict=True)
        )
        return replace(
            made,
            arrays=named,
            occasion_covariates=self.session.occasion_covariates,
            covariates=self.session.covariates,
        )


def simulate_from_fit(
    fit: ModelFit, rng: np.random.Generator, *, beta: Floats | None = None
) -> tuple[ScrSession, ...]:
    """Draw the data of all sessions anew.

    Parameters
    ----------
    fit : the model; animals that were removed are not removed again.
    rng : source of randomness.
    beta : coefficients to simulate with; by default the estimates.

    Returns
    -------
    One `ScrSession` a session; `replace(fit.model, sessions=…)` is ready for `fit_model`.

    Raises
    ------
    ParameterError : groups, covariates of animals, or searches of polygons, which this does not draw.
    """
    names = fit.model.hcov or "class"
    truths = truth_of_fit(fit, beta=beta)
    return tuple(truth.data(truth.draw(rng), names) for truth in truths)


def truth_of_fit(fit: ModelFit, *, beta: Floats | None = None) -> tuple[FitTruth, ...]:
    """Each session of a fit as a world; see `simulate_from_fit`."""
    refuse_unsimulable(fit)
    at = fit.beta if beta is None else beta
    return tuple(_truth(fit, at, index) for index in range(len(fit.model.sessions)))


def refuse_unsimulable(fit: ModelFit) -> None:
    """Say what cannot be drawn."""
    model = fit.model
    if model.groups:
        raise ParameterError(
            "surveys of groups are not simulated", fix="Simulate each group by its own model."
        )
    for session in model.sessions:
        for array in session.arrays:
            if array.kind == "polygonX":
                raise ParameterError("searches of polygons are not simulated", fix="Use detectors at points.")
    if any(len(session.population) > 1 for session in fit.laid.layout.sessions):
        raise ParameterError(
            "detection depends on covariates of animals, and animals never seen have none",
            fix="Use the covariate as hcov with two classes, and simulate that model.",
        )


def _truth(fit: ModelFit, beta: Floats, index: int) -> FitTruth:
    session, layout = fit.model.sessions[index], fit.laid.layout.sessions[index]
    shares = _shares(layout.mixing, beta)
    return FitTruth(
        session=session,
        population=Population(
            mask=session.mask,
            density_per_100km2=_density(fit, beta, index),
            classes=fit.laid.class_levels if len(shares) > 1 else ("",),
            shares=tuple(shares.tolist()),
            class_known=_share_known(layout.known_class[: layout.detected]),
            number=_fixed_number(fit, beta, index),
            spread_in_cells=False,
        ),
        arrays=tuple(_array(fit, beta, index, array) for array in session.arrays),
        collars=_collars(fit, beta, index),
    )


def _density(fit: ModelFit, beta: Floats, index: int) -> Floats:
    layout = fit.laid.layout.sessions[index]
    if layout.density is None:
        each = derived_density(replace(fit, beta=beta))[index].density_per_ha
        return np.full(len(layout.cell_area_ha), each * _HA_PER_100KM2)
    density, _ = predicted_values(layout.density[0], beta)
    return np.maximum(density, 0.0) * _HA_PER_100KM2


def _fixed_number(fit: ModelFit, beta: Floats, index: int) -> int | None:
    """The number of animals of a binomial model; Poisson models draw theirs."""
    if fit.model.distribution == "poisson":
        return None
    return round(float(_density(fit, beta, index) @ fit.model.sessions[index].mask.cell_area_km2) / 100.0)


def _shares(mixing: Sequence[Predictor], beta: Floats) -> Floats:
    """Shares of the classes: softmax of (0, η₂, η₃ …)."""
    eta = [0.0] + [
        float(m.offset[0] + (m.design[0] @ beta[m.columns] if len(m.columns) else 0.0)) for m in mixing
    ]
    raw = np.exp(np.array(eta) - max(eta))
    return np.asarray(raw / raw.sum())


def _share_known(known_class: NDArray[np.int64]) -> float:
    return float((known_class >= 0).mean()) if len(known_class) else 0.0


def _array(fit: ModelFit, beta: Floats, index: int, array: DetectorArray) -> ArrayTruth:
    model = fit.model
    words = state_words(fit)
    tops, sigmas, shapes = [], [], []
    for code in range(model.classes):
        grid = _state_grid(fit.laid, index, array, code, words)
        values = {
            name: predicted_values(predictor, beta)[0].reshape(1 << len(words), *array.usage.T.shape)
            for name, predictor in grid.items()
        }
        sigmas.append(values["sigma"])
        tops.append(_intercept(fit, values))
        shapes.append(values.get("z", math.nan))
    return ArrayTruth(
        xy_m=array.xy_m,
        usage=array.usage,
        lambda0=tuple(tops),
        sigma_m=tuple(sigmas),
        shape=tuple(shapes),
        # Single-catch traps are fitted as multi-catch ones, and so they are drawn: the world of the fit.
        detector="multi" if array.kind == "single" else array.kind,  # type: ignore[arg-type]
        detectfn=DETECTION_FUNCTIONS[model.function],  # type: ignore[arg-type]
        behaviour=words,
        name=array.name,
        trials=array.trials,
        distance_m=array.distance_m,
    )


def _state_grid(
    laid: LaidOut, index: int, array: DetectorArray, code: int, words: tuple[str, ...]
) -> dict[str, Predictor]:
    """Every detection parameter in each state, occasion and detector: (states · S · K) rows."""
    detectors, occasions = array.usage.shape
    states = 1 << len(words)
    state, occasion, detector = (
        v.reshape(-1)
        for v in np.meshgrid(np.arange(states), np.arange(occasions), np.arange(detectors), indexing="ij")
    )
    variables = Variables(laid.model, group_levels(laid.model), class_levels(laid.model))
    builder = SessionBuilder(laid, variables, index)
    animal_words = [w for w in words if w in BEHAVIOURS]
    rows = cast(
        Exposure,
        SimpleNamespace(
            detector=detector,
            occasion=occasion,
            animal_key=np.zeros(len(detector), dtype=np.int64),
            state=state & ((1 << len(animal_words)) - 1),
        ),
    )
    values = builder._row_values(array, rows, code)
    for bit, word in enumerate(words):
        if word not in BEHAVIOURS:
            values[word] = Column(state >> bit & 1, TRUTH)
    return {p: laid.predictor(p, values, len(detector)) for p in laid.model.detection_parameters}


def state_words(fit: ModelFit) -> tuple[str, ...]:
    """Behaviours that the formulas of detection use, first those of animals, then those of detectors."""
    used = {w for p in fit.model.detection_parameters for w in formula_names(fit.model.formula_of(p))}
    return tuple(b for b in (*BEHAVIOURS, "k", "K") if b in used)


def _intercept(fit: ModelFit, values: dict[str, Floats]) -> Floats:
    """λ0 or g0 from whichever parameter the model has."""
    name = fit.model.intercept
    if name != "a0":
        return values[name]
    lambda0 = _HA_PER_100KM2 * values["a0"] / (2.0 * math.pi * values["sigma"] ** 2)
    return np.asarray(-np.expm1(-lambda0) if fit.model.function in (0, 1, 2) else lambda0)


def _collars(fit: ModelFit, beta: Floats, index: int) -> CollarTruth | None:
    layout, session = fit.laid.layout.sessions[index], fit.model.sessions[index]
    if layout.collars is None or session.collars is None:
        return None
    animals = len(layout.collars.history)
    fixes = len(session.collars.animal)
    sigma = tuple(float(predicted_values(s, beta)[0].mean()) for s in layout.collars.sigma)
    return CollarTruth(animals=animals, fixes=max(1, round(fixes / animals)), sigma_m=sigma)
