"""The simplest model, hazard half-normal with D, λ0 and σ constant, on `ScrData`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.captures import DetectorArray, ScrSession
from ghostcat.scr.data import ScrData, collapsed_constant
from ghostcat.scr.kernel import Prepared, evaluate
from ghostcat.scr.kernel import prepare as prepare_layout
from ghostcat.scr.laying_out import LaidOut, lay_out
from ghostcat.scr.layout import Layout
from ghostcat.scr.mask import Mask
from ghostcat.scr.model import Form, ScrModel
from ghostcat.scr.results import LogLikelihood

__all__ = [
    "Constants",
    "conditional_log_likelihood",
    "data_session",
    "lay_out_data",
    "log_likelihood",
    "prepare",
]

Floats = NDArray[np.float64]
Constants = Literal["secr", "none"]


def data_session(data: ScrData, mask: Mask, *, name: str = "1") -> ScrSession:
    """Collapsed captures as a session: a detector for each row, one occasion.

    Rows of binary detectors become binomial, with as many trials as there were occasions.
    """
    working = np.flatnonzero(data.usage > 0)
    animal, row = np.nonzero(data.counts[:, working])
    usage = data.usage[working]
    trials = None
    if data.occasions is not None:
        trials = data.occasions[working][:, None]
        usage = usage / data.occasions[working]
    array = DetectorArray(
        xy_m=data.traps_xy_m[data.station_index[working]],
        kind="count" if trials is None else "binomial",
        usage=usage[:, None],
        trials=trials,
        animal=animal,
        detector=row,
        occasion=np.zeros(len(animal), dtype=np.int64),
        number=data.counts[animal, working[row]],
    )
    return ScrSession(mask=mask, arrays=(array,), animals=data.animal_ids, name=name)


def lay_out_data(
    data: ScrData, mask: Mask, *, constants: Constants = "secr", form: Form = "collapsed"
) -> LaidOut:
    """Lay the constant model out, with the constants asked for; see `prepare`."""
    if form == "full" and data.occasion_constant is None:
        raise ParameterError(
            "the occasions behind these data are not known",
            fix='Use ScrData.from_detections, or form="collapsed".',
        )
    laid = lay_out(ScrModel(sessions=(data_session(data, mask),)))
    constant = 0.0
    if constants == "secr":
        constant = float(data.occasion_constant or 0.0) if form == "full" else collapsed_constant(data)
    # The likelihood takes the ln n! of the Poisson off again.
    session = replace(laid.layout.sessions[0], constant=np.array([constant + math.lgamma(data.animals + 1)]))
    return replace(laid, layout=Layout(sessions=(session,), parameters=laid.layout.parameters))


def prepare(
    data: ScrData, mask: Mask, *, constants: Constants = "secr", form: Form = "collapsed"
) -> Prepared:
    """Lay captures and mask out for `log_likelihood`.

    Parameters
    ----------
    data : captures and effort.
    mask : habitat cells.
    constants : "secr" keeps every term that no parameter moves, so that values compare with the program secr:
        1/y! or the binomial coefficient, and the multiplicity of equal histories. "none" drops them.
    form : "collapsed" takes constants for histories summed over occasions; "full" for occasions one by one,
        known only to data made by `ScrData.from_detections`. The maximum is the same; never compare AIC
        across forms.

    Raises
    ------
    ParameterError : "full" for data whose occasions are not known.
    """
    return prepare_layout(lay_out_data(data, mask, constants=constants, form=form).layout)


def log_likelihood(problem: Prepared, beta: ArrayLike, *, derivatives: bool = True) -> LogLikelihood:
    """Log-likelihood of β, Poisson number of animals.

    Parameters
    ----------
    problem : from `prepare`.
    beta : (3,) ln D per hectare, ln λ0, ln σ in metres.
    derivatives : also the exact gradient and Hessian; otherwise they are empty.
    """
    return evaluate(problem, beta, derivatives=derivatives)


def conditional_log_likelihood(problem: Prepared, beta: ArrayLike) -> float:
    """Log-likelihood given the number of animals caught; (2,) ln λ0, ln σ in metres.

    Σ ln Pr(w_i) − n ln p. and the constants.
    """
    session = replace(problem.layout.sessions[0], density=None, conditional=True)
    layout = Layout(sessions=(session,), parameters=3)
    return evaluate(
        layout, np.concatenate([[0.0], np.asarray(beta, dtype=np.float64)]), derivatives=False
    ).value
