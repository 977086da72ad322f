"""How much each piece of evidence narrows the number of animals: the fit repeated without it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ghostcat.errors import EstimateRefused
from ghostcat.scr.captures import DetectorArray, ScrSession
from ghostcat.scr.model import ScrModel
from ghostcat.scr.results import Interval
from ghostcat.scr.surfaces import region_abundance

if TYPE_CHECKING:
    from ghostcat.scr.fitting import ModelFit
    from ghostcat.scr.mask import Mask, Polygon

__all__ = ["EvidenceAccount", "EvidencePiece", "evidence_account", "without_piece"]


@dataclass(frozen=True, kw_only=True)
class EvidencePiece:
    """One detector array or one set of collars, and the fit without it."""

    session: str
    name: str
    """Of the method, or "collars"."""
    records: int
    """Detections or fixes."""
    animals: int
    """That it recorded."""
    without: Interval | None
    """Expected number of animals without this piece; None where that cannot be estimated."""
    narrows: float
    """1 − standard error of ln N with everything / without this piece; 1 where N needs the piece."""
    reason: str
    """Why there is no estimate without it; empty where there is one."""


@dataclass(frozen=True, kw_only=True)
class EvidenceAccount:
    """What the margin of the number of animals owes to each piece of evidence.

    Each line is a refit of the same model to everything but that piece: exact, and not additive. Two pieces
    that say the same narrow little one by one.
    """

    everything: Interval
    pieces: tuple[EvidencePiece, ...]
    method: str = "refit without the piece"


def evidence_account(
    fit: ModelFit, region: Mask | Polygon | None = None, *, session: int = 0
) -> EvidenceAccount:
    """Refit without each detector array and each set of collars.

    Parameters
    ----------
    fit : of a full likelihood with at least two pieces of evidence; one alone cannot be left out.
    region, session : whose expected number of animals is compared, as in `region_abundance`.

    Returns
    -------
    EvidenceAccount

    Raises
    ------
    ParameterError : a conditional likelihood.
    """
    everything = region_abundance(fit, region, session=session).expected
    target = fit.model.sessions[session].name
    pieces = []
    for index, data in enumerate(fit.model.sessions):
        for number, array in enumerate(data.arrays):
            model = without_piece(fit.model, index, number)
            found, reason = _number(model, target, region)
            pieces.append(
                EvidencePiece(
                    session=data.name,
                    name=array.name,
                    records=int(array.counts.sum()),
                    animals=len(np.unique(array.animal)),
                    without=found,
                    narrows=_narrowing(everything, found),
                    reason=reason,
                )
            )
        if data.collars is not None:
            found, reason = _number(without_piece(fit.model, index, None), target, region)
            pieces.append(
                EvidencePiece(
                    session=data.name,
                    name="collars",
                    records=len(data.collars.animal),
                    animals=len(np.unique(data.collars.animal)),
                    without=found,
                    narrows=_narrowing(everything, found),
                    reason=reason,
                )
            )
    return EvidenceAccount(everything=everything, pieces=tuple(pieces))


def without_piece(model: ScrModel, session: int, array: int | None) -> ScrModel | None:
    """The model without one array, or without the collars (None), of a session; None if nothing is left.

    Collars without detectors still tell σ to the other sessions.
    """
    data = model.sessions[session]
    arrays = tuple(a for i, a in enumerate(data.arrays) if i != array)
    collars = data.collars if array is not None else None
    sessions = list(model.sessions)
    if arrays or collars is not None:
        sessions[session] = _only_known(replace(data, arrays=arrays, collars=collars))
    else:
        sessions.pop(session)
    return replace(model, sessions=tuple(sessions)) if sessions else None


def _only_known(data: ScrSession) -> ScrSession:
    """Without the animals that no remaining piece knows."""
    kept = data.detected
    if data.collars is not None:
        kept[data.collars.animal] = True
    place = np.cumsum(kept) - 1
    arrays: tuple[DetectorArray, ...] = tuple(replace(a, animal=place[a.animal]) for a in data.arrays)
    return replace(
        data,
        arrays=arrays,
        animals=tuple(name for name, keep in zip(data.animals, kept, strict=True) if keep),
        animal_covariates={
            name: np.asarray(values, dtype=object)[kept] for name, values in data.animal_covariates.items()
        },
        last_occasion=None if data.last_occasion is None else np.asarray(data.last_occasion)[kept],
        collars=None if data.collars is None else replace(data.collars, animal=place[data.collars.animal]),
    )


def _number(
    model: ScrModel | None, target: str, region: Mask | Polygon | None
) -> tuple[Interval | None, str]:
    from ghostcat.scr.fitting import fit_model

    if model is None:
        return None, "nothing is left without it"
    try:
        fit = fit_model(model)
    except EstimateRefused as refusal:
        return None, refusal.what
    names = [session.name for session in model.sessions]
    index = names.index(target) if target in names else 0
    found = region_abundance(fit, region, session=index).expected
    if not fit.converged:
        return None, f"the fit does not converge: {fit.convergence.reason}"
    return found, ""


def _narrowing(everything: Interval, without: Interval | None) -> float:
    if without is None:
        return 1.0
    ours, theirs = (math.sqrt(math.log1p(i.relative_standard_error**2)) for i in (everything, without))
    return 1.0 - ours / theirs if math.isfinite(theirs) and theirs > 0 else math.nan
