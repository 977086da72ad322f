"""When data cannot carry a model, and what a reader of a fitted model must be told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.scr.laying_out import LaidOut
from ghostcat.scr.model import ScrModel
from ghostcat.scr.results import Diagnostic

if TYPE_CHECKING:
    from ghostcat.scr.fitting import ModelFit

__all__ = ["model_diagnostics", "refuse_hopeless_model", "refuse_separation"]

Floats = NDArray[np.float64]

# Effects below this are rounding.
_SIDED = 1e-6


def refuse_hopeless_model(model: ScrModel) -> None:
    """Raise `EstimateRefused` if no spatial capture–recapture estimate can come from these data.

    All sessions count together, since they share parameters. Codes: `no_effort`, `no_animals`,
    `one_animal`, `one_station`, `no_recaptures`, `all_at_one_station`, `no_spatial_recaptures`.
    Fixes of collars stand for spatial recaptures, and a fixed sigma makes them unnecessary.
    """
    sessions = model.sessions
    effort = sum(float(a.usage.sum()) for s in sessions for a in s.arrays)
    if not effort > 0:
        raise EstimateRefused(
            "no detector operated: all effort is 0",
            code="no_effort",
            fix="Check the effort; 0 means not sampled, not absent.",
        )
    animals = sum(int(s.detected.sum()) for s in sessions)
    detections = sum(int(a.counts.sum()) for s in sessions for a in s.arrays)
    if animals == 0:
        raise EstimateRefused(
            "no animal was identified",
            code="no_animals",
            fix="Report the effort without a density.",
        )
    if animals == 1:
        session = next(s for s in sessions if s.detected.any())
        name = session.animals[int(np.argmax(session.detected))]
        raise EstimateRefused(
            f"one animal ({name}, {detections} detections) is no sample of a population",
            code="one_animal",
            fix="Report it as a minimum count. More stations over a wider area, or several seasons fitted "
            "together, would make a density possible.",
        )
    collared = any(s.collars is not None for s in sessions)
    moving = "sigma" not in model.fixed and not collared
    stations = {tuple(xy) for s in sessions for a in s.arrays for xy in a.xy_m[a.usage.sum(axis=1) > 0]}
    search = any(a.kind == "polygonX" for s in sessions for a in s.arrays)
    if len(stations) < 2 and not search:
        raise EstimateRefused(
            "only one station operated; distance cannot be told from rate",
            code="one_station",
            fix="At least a handful of stations within reach of one animal are needed.",
        )
    if detections == animals and not collared:
        raise EstimateRefused(
            f"{animals} animals were detected once each and none was seen again",
            code="no_recaptures",
            fix="Without recaptures detection and density cannot be told apart: survey longer, add "
            "detectors, or look for animals that were split into two names.",
        )
    places = {tuple(xy) for s in sessions for a in s.arrays for xy in a.places_xy_m}
    if len(places) == 1:
        raise EstimateRefused(
            f"all {detections} detections are from one station",
            code="all_at_one_station",
            fix="The scale of movement is unknown: stations must be close enough for one animal to be "
            "seen at several.",
        )
    if moving and not any(_moved(s) for s in sessions):
        raise EstimateRefused(
            f"none of the {animals} animals was seen at more than one station "
            f"({detections - animals} recaptures, all where the animal was first seen)",
            code="no_spatial_recaptures",
            fix="The scale of movement is unknown: place stations closer together, about one to two σ, or "
            "bring σ from collars.",
        )


def _moved(session: object) -> bool:
    from ghostcat.scr.captures import ScrSession

    assert isinstance(session, ScrSession)
    animal = np.concatenate([a.animal for a in session.arrays] or [np.empty(0, dtype=np.int64)])
    if not len(animal):
        return False
    xy = np.concatenate([a.places_xy_m for a in session.arrays])
    order = np.argsort(animal, kind="stable")
    same = animal[order][1:] == animal[order][:-1]
    return bool((same & (xy[order][1:] != xy[order][:-1]).any(axis=1)).any())


def refuse_separation(laid: LaidOut) -> None:
    """Refuse a level of a factor, or a behaviour, for which nothing was ever detected.

    Its detection rate would be estimated as 0: the coefficient runs to minus infinity, without a maximum.
    """
    parameter = laid.model.intercept
    if parameter not in laid.designs:
        return
    columns = laid.columns[parameter]
    if len(columns) < 2:
        return
    everywhere, with_catches = [], []
    for session in laid.layout.sessions:
        for array in session.arrays:
            for latent in array.classes:
                rows = latent.intercept.design
                number = np.zeros(len(rows))
                np.add.at(number, latent.catch_row, np.asarray(latent.caught.sum(axis=0)).reshape(-1))
                everywhere.append(np.unique(rows, axis=0))
                with_catches.append(np.unique(rows[number > 0], axis=0))
    rows = np.concatenate(everywhere)
    for direction in _without_catches(np.concatenate(with_catches)):
        effect = rows @ direction
        if (effect > _SIDED).any() and (effect < -_SIDED).any():
            continue
        if not (np.abs(effect) > _SIDED).any():
            continue
        moved = [laid.names[c] for c, d in zip(columns, direction, strict=True) if abs(d) > _SIDED]
        level = [name.partition(".")[2] or "the first level" for name in moved]
        raise EstimateRefused(
            f"nothing was detected in one of the states that formula {laid.model.formula_of(parameter)!r} of "
            f"{parameter} tells apart ({', '.join(level)}): its rate would be 0, and has no estimate "
            "(separation)",
            code="separation",
            fix="Join the level with another one, or leave the term out of the formula.",
        )


def _without_catches(rows: Floats) -> list[Floats]:
    """Directions of the coefficients that change the rate of no catch."""
    if len(rows) == 0:
        return []
    values, vectors = np.linalg.eigh(rows.T @ rows)
    loose = vectors[:, values < 1e-9 * max(values[-1], 1e-300)]
    single = [np.eye(len(vectors))[j] for j in range(len(vectors)) if not rows[:, j].any()]
    return [*single, *(v / np.abs(v).max() for v in loose.T)]


def model_diagnostics(fit: ModelFit) -> tuple[Diagnostic, ...]:
    """What weakens a fitted model, worst first as far as it can be ordered."""
    found: list[Diagnostic] = []
    if not fit.convergence.converged:
        found.append(
            Diagnostic(
                code="not_converged",
                severity="warning",
                message=f"The fit did not reach a proven maximum: {fit.convergence.reason}.",
                fix="Do not report these estimates. Use a simpler model, and check the captures for one "
                "animal under two names.",
            )
        )
    found += _kinds(fit)
    found += _mixture(fit)
    found += _sample(fit)
    found += _space(fit)
    found += _one_population(fit)
    return tuple(found)


def _kinds(fit: ModelFit) -> list[Diagnostic]:
    if any(a.kind == "single" for s in fit.model.sessions for a in s.arrays):
        return [
            Diagnostic(
                code="single_as_multi",
                severity="note",
                message="Single-catch traps are fitted with the likelihood of multi-catch traps.",
                fix="Density is little affected unless most traps are occupied; g0 or lambda0 is too low.",
            )
        ]
    return []


def _mixture(fit: ModelFit) -> list[Diagnostic]:
    if fit.model.classes == 1 or "pmix" not in fit.laid.columns:
        return []
    columns = fit.laid.columns["pmix"]
    errors = np.sqrt(np.maximum(np.diag(fit.covariance)[columns], 0.0))
    edge = np.abs(fit.beta[columns]) > 6.0
    if edge.any() or not (errors < 4.0).all():
        return [
            Diagnostic(
                code="mixture_not_identified",
                severity="warning",
                message="The classes cannot be told apart, or one of them is empty: their share has no "
                "estimate.",
                fix="Prefer the model without classes, or name the class of some animals (hcov).",
            )
        ]
    return []


def _sample(fit: ModelFit) -> list[Diagnostic]:
    detections = sum(int(a.counts.sum()) for s in fit.model.sessions for a in s.arrays)
    smaller = min(fit.animals, detections - fit.animals)
    if 0 < smaller < 20:
        return [
            Diagnostic(
                code="few_recaptures",
                severity="warning",
                message=f"{fit.animals} animals and {detections - fit.animals} recaptures: as a rule the "
                f"relative standard error is about 1/√{smaller} = {1 / math.sqrt(smaller):.2f}.",
                fix="20 of both give about 0.22: survey longer, add stations, or join with other evidence.",
            )
        ]
    return []


def _space(fit: ModelFit) -> list[Diagnostic]:
    """Is the mask wide enough? The share of the effective area that its outermost cells hold tells."""
    from ghostcat.scr.mask_edge import edge_share

    found = []
    for index, session in enumerate(fit.model.sessions):
        if session.mask.clipped or not session.arrays:
            continue
        share, reach = edge_share(fit, index)
        if share > 0.01:
            found.append(
                Diagnostic(
                    code="buffer_too_small",
                    severity="warning",
                    message=f"The mask of session {session.name} ends {reach:.0f} m from the detectors, "
                    f"where animals are still detected: about {100 * share:.0f} % of the effective sampling "
                    "area is missing, and density is overestimated.",
                    fix="Use a wider mask, unless habitat ends there.",
                )
            )
    return found


def _one_population(fit: ModelFit) -> list[Diagnostic]:
    """Sessions on one mask that share density: perhaps surveys of the same animals, unmatched."""
    surveys = [s for s in fit.model.sessions if s.arrays]
    same = len(surveys) > 1 and all(np.array_equal(s.mask.xy_m, surveys[0].mask.xy_m) for s in surveys)
    if fit.model.conditional or not same or "ession" in fit.model.formula_of("D"):
        return []
    return [
        Diagnostic(
            code="surveys_share_animals",
            severity="note",
            message="Sessions on one mask share density and are taken as independent. If they met the same "
            "animals, the interval of expected N is too narrow by up to a quarter.",
            fix="Where animals can be matched between the surveys, give them as arrays of one session; "
            "otherwise widen the interval with `one_population`.",
        )
    ]
