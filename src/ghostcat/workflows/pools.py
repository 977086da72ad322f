"""Worker processes that share the machine fairly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

__all__ = ["mapped"]

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def mapped(
    function: Callable[[Task], Answer],
    tasks: Sequence[Task],
    *,
    processes: int | None,
    worth_a_pool: int,
    chunk: int = 8,
    start: Callable[..., None] | None = None,
    start_arguments: tuple[Any, ...] = (),
) -> Iterator[Answer]:
    """`map`, in order, over worker processes; in this process when that is quicker.

    Parameters
    ----------
    processes : None is one a core.
    worth_a_pool : below this many tasks, starting processes costs more than it saves.
    start, start_arguments : called once in each process before the first task.
    """
    workers = processes if processes is not None else os.cpu_count() or 1
    if workers < 2 or len(tasks) < worth_a_pool:
        if start is not None and tasks:
            start(*start_arguments)
        yield from map(function, tasks)
        return
    # Not fork: a forked child of a process with threads can hang, and Windows has no fork.
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=start, initargs=start_arguments
        ) as pool,
    ):
        yield from pool.map(function, tasks, chunksize=chunk)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Children inherit this: a process a core, each with one thread of linear algebra."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
