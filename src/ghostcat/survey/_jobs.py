"""Long work that can be watched, and taken up again after it was killed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from ghostcat.survey import _schema
from ghostcat.survey._rows import moment_of, storable, utc_text
from ghostcat.survey.database import fill, read, write
from ghostcat.survey.records import JobRow

__all__ = ["Job", "load_jobs", "start_job"]

#: Progress is written at most this often: a photo takes less time than a commit.
_EVERY_S = 0.5


class Job:
    """A piece of work in progress. What is done is what the survey holds; this counts for eyes only."""

    def __init__(self, engine: Engine, row: JobRow) -> None:
        self._engine = engine
        self._row = row
        self._done = row.done
        self._written_at = time.monotonic()

    @property
    def id(self) -> int:
        """Number of the job."""
        return self._row.id

    def advance(self, steps: int = 1) -> None:
        """Count further steps as done."""
        self._done += steps
        if time.monotonic() - self._written_at >= _EVERY_S:
            self._write("running", "")

    def finish(self) -> None:
        """Say that all is done."""
        self._write("finished", "")

    def fail(self, message: str) -> None:
        """Say that the work cannot go on, and why."""
        self._write("failed", message)

    def _write(self, state: str, message: str) -> None:
        with write(self._engine) as connection:
            _store(connection, self._row, done=self._done, state=state, message=message)
        self._written_at = time.monotonic()


def start_job(engine: Engine, kind: str, key: str, total: int) -> Job:
    """Begin a job; one of the same kind and key that never ended is taken over."""
    now = datetime.now(UTC)
    with write(engine) as connection:
        table = _schema.job
        running = (table.c.kind == kind) & (table.c.key == key) & (table.c.state == "running")
        row = connection.execute(select(table).where(running)).first()
        last = connection.execute(select(func.max(table.c.id))).scalar() or 0
        job = JobRow(
            id=last + 1 if row is None else row.id,
            kind=kind,
            key=key,
            total=total,
            done=0,
            state="running",
            message="",
            started_at=now if row is None else moment_of(row.started_at),
            updated_at=now,
        )
        _store(connection, job, done=0, state="running", message="")
    return Job(engine, job)


def load_jobs(engine: Engine, *, only_open: bool) -> list[JobRow]:
    """Jobs in the order in which they began."""
    with read(engine) as connection:
        rows = connection.execute(select(_schema.job)).all()
    return [
        _job_of(row)
        for row in sorted(rows, key=lambda one: one.id)
        if not only_open or row.state == "running"
    ]


def _store(connection: Connection, job: JobRow, *, done: int, state: str, message: str) -> None:
    row = {
        "id": job.id,
        "kind": storable(job.kind),
        "key": storable(job.key),
        "total": int(job.total),
        "done": int(done),
        "state": state,
        "message": storable(message),
        "started_at": utc_text(job.started_at, where="job"),
        "updated_at": utc_text(datetime.now(UTC), where="job"),
    }
    fill(connection, _schema.job, [row], replace=True)


def _job_of(row: Any) -> JobRow:
    return JobRow(
        id=row.id,
        kind=row.kind,
        key=row.key,
        total=row.total,
        done=row.done,
        state=row.state,
        message=row.message,
        started_at=moment_of(row.started_at),
        updated_at=moment_of(row.updated_at),
    )
