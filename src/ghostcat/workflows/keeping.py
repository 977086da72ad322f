"""Keep the answers of long work as they come, so that a kill loses no more than a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ghostcat.survey import Survey
from ghostcat.workflows.progress import Progress

__all__ = ["keep_in_batches"]

Answer = TypeVar("Answer")


def keep_in_batches(
    survey: Survey,
    answers: Iterable[Answer],
    keep: Callable[[list[Answer]], None],
    *,
    job: tuple[str, str],
    total: int,
    size: int,
    task: str,
    progress: Progress,
) -> None:
    """Hand the answers to `keep`, `size` at a time, while the survey's job table counts along.

    Parameters
    ----------
    keep : stores one batch in one transaction.
    job : kind and key in the job table; no job is made when there is nothing to do.
    total : number of answers.
    task : what people are told.
    """
    if not total:
        _close_left_behind(survey, job)
        return
    counted = survey.start_job(*job, total)
    batch: list[Answer] = []
    for done, answer in enumerate(answers, start=1):
        batch.append(answer)
        if len(batch) == size or done == total:
            keep(batch)
            counted.advance(len(batch))
            batch = []
        progress(task, done, total)
    counted.finish()


def _close_left_behind(survey: Survey, job: tuple[str, str]) -> None:
    """Killed between its last batch and its end, a job is done but still says `running`."""
    for left in survey.jobs(only_open=True):
        if (left.kind, left.key) == job:
            taken_over = survey.start_job(*job, left.total)
            taken_over.advance(left.total)
            taken_over.finish()
