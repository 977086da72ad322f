"""The log-likelihood of a `Layout` with its exact gradient and Hessian.

    prepared = prepare(layout)
    at = evaluate(prepared, beta)
    at.value, at.gradient, at.hessian

Borchers & Efford (2008) Biometrics 64:377–385; the conventions are in docs/scr-engine.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.layout import Layout
from ghostcat.scr.results import LogLikelihood
from ghostcat.scr.summing import PreparedSession, SessionValue, prepare_session, session_value

__all__ = ["LogLikelihood", "Prepared", "evaluate", "prepare"]

Floats = NDArray[np.float64]

# glibc hands freed blocks back to the system, and clears them when they are asked for again, unless it has
# seen a larger one freed; 32 MB is the largest that it heeds. Nothing is written to it. Halves the time.
_HEAP = 3_900_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A layout with everything that does not depend on β computed once."""

    layout: Layout
    sessions: tuple[PreparedSession, ...]
    workers: int
    """Threads that share the sessions."""


def prepare(layout: Layout, *, local: bool | None = None, workers: int = 1) -> Prepared:
    """Compute once what does not depend on β.

    Parameters
    ----------
    layout : of the model.
    local : leave out detectors and animals too far from a cell to matter; by default where that saves work.
    workers : threads among which the sessions are divided; the numbers stay the same.

    Raises
    ------
    ParameterError : a detection function that is not known, or parts that do not fit each other.
    """
    np.empty(_HEAP)  # grows the heap once: blocks then stay in it from one evaluation to the next
    sessions = tuple(prepare_session(s, layout.parameters, local=local) for s in layout.sessions)
    return Prepared(layout=layout, sessions=sessions, workers=max(1, min(workers, len(sessions))))


def evaluate(layout: Layout | Prepared, beta: ArrayLike, *, derivatives: bool = True) -> LogLikelihood:
    """Log-likelihood of β, sessions added up.

    Parameters
    ----------
    layout : prepared, where it is evaluated more than once.
    beta : (P,) coefficients, on the link scales.
    derivatives : also the exact gradient and Hessian; otherwise they are empty.

    Returns
    -------
    LogLikelihood : −∞ with NaN derivatives where β is outside the domain of a parameter (a density of 0 or
        less on the identity link, g0 of 1 or more, fewer animals than were caught in a binomial).

    Raises
    ------
    ParameterError : β of the wrong length or not finite.
    """
    prepared = layout if isinstance(layout, Prepared) else prepare(layout)
    point = np.asarray(beta, dtype=np.float64)
    parameters = prepared.layout.parameters
    if point.shape != (parameters,) or not np.isfinite(point).all():
        raise ParameterError(f"β has shape {point.shape}, expected ({parameters},) of finite numbers")
    value = 0.0
    gradient = np.zeros(parameters if derivatives else 0)
    hessian = np.zeros((len(gradient), len(gradient)))
    for part in _parts(prepared, point, derivatives):
        value += part.value
        gradient += part.gradient if derivatives else 0.0
        hessian += part.hessian if derivatives else 0.0
    return LogLikelihood(value=value, gradient=gradient, hessian=hessian)


def _parts(prepared: Prepared, beta: Floats, derivatives: bool) -> Iterator[SessionValue]:
    """Each session's own, in order, whoever computes it."""
    if prepared.workers == 1:
        for session in prepared.sessions:
            yield session_value(session, beta, derivatives=derivatives)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(prepared.workers) as pool:
        yield from pool.map(lambda s: session_value(s, beta, derivatives=derivatives), prepared.sessions)
