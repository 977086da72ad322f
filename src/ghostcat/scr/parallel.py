"""Sessions evaluated in several processes: they share nothing but β."""

from __future__ import annotations

import multiprocessing
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.kernel import Prepared, evaluate, prepare
from ghostcat.scr.layout import Layout
from ghostcat.scr.results import LogLikelihood

__all__ = ["SessionPool"]

Floats = NDArray[np.float64]

# What a worker process prepared when it started; each process has its own.
_prepared: list[Prepared] = []


class SessionPool:
    """Log-likelihood of a layout whose sessions are spread over processes; a context manager.

    Parameters
    ----------
    layout : with several sessions.
    processes : how many; no more than there are sessions.
    """

    def __init__(self, layout: Layout, *, processes: int) -> None:
        size = np.array([len(s.cell_area_ha) * (1 + len(s.naive_group)) for s in layout.sessions])
        self._shares = _even_shares(size, min(processes, len(size)))
        self._constant = layout.parameters
        context = multiprocessing.get_context("spawn")
        self._pools = [
            context.Pool(1, _start, (Layout(sessions=part, parameters=layout.parameters),))
            for part in (tuple(layout.sessions[i] for i in share) for share in self._shares)
        ]

    def __call__(self, beta: Floats) -> LogLikelihood:
        """Value, gradient and Hessian at β, all sessions added up."""
        waiting = [pool.apply_async(_evaluate, (beta,)) for pool in self._pools]
        value, gradient, hessian = 0.0, np.zeros(self._constant), np.zeros((self._constant, self._constant))
        for answer in waiting:
            part = answer.get()
            value += part.value
            gradient += part.gradient
            hessian += part.hessian
        return LogLikelihood(value=value, gradient=gradient, hessian=hessian)

    def __enter__(self) -> SessionPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools:
            pool.terminate()
            pool.join()


def _start(layout: Layout) -> None:
    _prepared[:] = [prepare(layout)]


def _evaluate(beta: Floats) -> LogLikelihood:
    return evaluate(_prepared[0], beta)


def _even_shares(size: NDArray[np.int64], processes: int) -> list[list[int]]:
    """Sessions by process, the largest first to the process with least to do."""
    shares: list[list[int]] = [[] for _ in range(processes)]
    load = np.zeros(processes)
    for session in np.argsort(-size, kind="stable"):
        least = int(np.argmin(load))
        shares[least].append(int(session))
        load[least] += size[session]
    return shares
