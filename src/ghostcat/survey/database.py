"""Engines, transactions and migrations: SQLite in the survey folder, or a PostgreSQL server.

Writers queue: a write transaction takes the one write lock when it begins (`BEGIN IMMEDIATE`,
on PostgreSQL an advisory lock) and keeps it only while it stores what was prepared before.
Readers see one consistent state and never wait.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from ghostcat.errors import ParameterError, SurveyError, SurveyTooNew
from ghostcat.survey._rows import Row

__all__ = [
    "HEAD",
    "discard",
    "fetch_by_id",
    "fill",
    "integrity_faults",
    "migrate",
    "postgres_engine",
    "read",
    "revision",
    "sqlite_engine",
    "write",
]

#: Newest schema this program knows; a test compares it with the migrations folder.
HEAD = "0001"

#: A writer waits this long for another before it gives up; writes take milliseconds to seconds.
BUSY_TIMEOUT_S = 60.0

_WRITES = "ghostcat_writes"
_ADVISORY_KEY = 0x67686F7374  # "ghost"
_ROWS_PER_STATEMENT = 5000


def sqlite_engine(path: Path) -> Engine:
    """An engine on one SQLite file. Opening a file that is not there creates it."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            connection.execute("PRAGMA foreign_keys=ON")
            # A killed program loses nothing under NORMAL either; FULL also keeps the last decision
            # when the laptop's battery dies. Writes are batched, so one fsync each costs little.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA recursive_triggers=ON")  # REPLACE must meet the DELETE trigger
            connection.execute("PRAGMA journal_mode=WAL")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)), creator=connect, pool_size=2, max_overflow=-1
    )
    _begin_as_asked(engine)
    return engine


def postgres_engine(url: str) -> Engine:
    """An engine on a PostgreSQL database, through pg8000.

    Raises
    ------
    ParameterError : the address is not one of a PostgreSQL database.
    SurveyError : the driver is not installed.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ParameterError(
            "the database address cannot be read", fix="Write postgresql://user@host:5432/database."
        ) from error
    if address.get_backend_name() != "postgresql" or not address.database:
        raise ParameterError(
            f"the database address {address.render_as_string()} is not one of a PostgreSQL database",
            fix="Write postgresql://user@host:5432/database.",
        )
    password = address.password or os.environ.get("PGPASSWORD")
    address = address.set(drivername="postgresql+pg8000", password=password)
    try:
        engine = create_engine(address, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise SurveyError(
            "PostgreSQL needs the library pg8000",
            where=address.render_as_string(),
            fix='Install it with `pip install "ghostcat[postgresql]"`.',
        ) from error
    _begin_as_asked(engine)
    return engine


def _begin_as_asked(engine: Engine) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        elif writes:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_KEY})")


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the survey."""
    with _told_plainly(engine), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """One transaction that holds the write lock: all of it is stored, or nothing."""
    with _told_plainly(engine), engine.connect() as connection:
        connection = connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


# What databases say, and what a person can do about it.
_TROUBLES = (
    (
        ("malformed", "not a database", "file is encrypted", "checksum", "unsupported file format"),
        "the survey's database is damaged",
        "Put back a copy of the folder; without one, `sqlite3 survey.db .recover` saves what can be read.",
    ),
    (("disk is full", "no space left"), "the disk is full", "Make room and go on: nothing is half stored."),
    (
        ("readonly", "read-only"),
        "the survey is on a medium that cannot be written to",
        "Copy the folder to a disk where you may write.",
    ),
    (
        ("database is locked", "database table is locked"),
        f"another program has been writing to the survey for over {BUSY_TIMEOUT_S:.0f} s",
        "Wait until it is done, or end it, and try again.",
    ),
    (
        ("unable to open database", "disk i/o error"),
        "the survey's database cannot be opened",
        "Look whether the disk is still there and whether you may write to the folder.",
    ),
    (
        ("can't create a connection", "connection refused", "network error", "terminating connection"),
        "the database server does not answer",
        "Start the server, or check the address in survey.json.",
    ),
    (
        ("password", "does not exist", "permission denied", "authentication"),
        "the database server refuses",
        "Check user, password (PGPASSWORD) and database name.",
    ),
)


@contextmanager
def _told_plainly(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig)
        where = str(engine.url.database or "survey.db")
        for words, what, fix in _TROUBLES:
            if any(word in said.lower() for word in words):
                raise SurveyError(f"{what} ({said})", where=where, fix=fix) from error
        raise SurveyError(
            f"the database refused: {said}", where=where, fix="Nothing was stored; please report this."
        ) from error


def revision(engine: Engine) -> str | None:
    """Schema revision of the database; None when it holds no survey."""
    with read(engine) as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def migrate(engine: Engine, *, where: str) -> None:
    """Bring the schema to `HEAD`, all in one transaction; do nothing when it is there.

    Raises
    ------
    SurveyTooNew : the schema is one this program does not know.
    """
    if revision(engine) == HEAD:
        return
    # Imported here: a survey that is up to date opens without it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "ghostcat.survey:migrations")
    with write(engine) as connection:
        found = _revision(connection)  # again, under the lock: another process may have been faster
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            raise SurveyTooNew(
                f"the survey has schema {found}; this ghostcat knows up to {HEAD}",
                where=where,
                fix="Install the newest ghostcat and open it with that.",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def fill(connection: Connection, table: Table, rows: Sequence[Row], *, replace: bool = False) -> None:
    """Insert rows, many at a time; with `replace` a row of the same key is overwritten.

    All rows must have the same columns.
    """
    if not rows:
        return
    columns = list(rows[0])
    keys = [column.name for column in table.primary_key]
    target = f"INSERT INTO {table.name} ({', '.join(map(_quoted, columns))}) "
    others = [name for name in columns if name not in keys]
    clash = ""
    if replace:
        update = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in others)
        clash = f" ON CONFLICT ({', '.join(map(_quoted, keys))}) DO UPDATE SET {update}"
    if connection.dialect.name == "sqlite":
        values = f"VALUES ({', '.join('?' * len(columns))})"
        connection.exec_driver_sql(target + values + clash, [tuple(row.values()) for row in rows])
        return
    # pg8000 would make one round trip per row; a JSON array carries thousands.
    chosen = ", ".join(f"r.{_quoted(name)}" for name in columns)
    query = f"SELECT {chosen} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) AS r"
    for begin in range(0, len(rows), _ROWS_PER_STATEMENT):
        chunk = json.dumps(rows[begin : begin + _ROWS_PER_STATEMENT])
        connection.execute(text(target + query + clash), {"rows": chunk})


def fetch_by_id(connection: Connection, table: Table, ids: Iterable[str], *, column: str = "id") -> list[Any]:
    """The rows of `table` whose `column` is among `ids`."""
    if connection.dialect.name == "sqlite":
        wanted = "SELECT value FROM json_each(:ids)"
    else:
        wanted = "SELECT json_array_elements_text(CAST(:ids AS json))"
    names = ", ".join(_quoted(c.name) for c in table.columns)
    query = text(f"SELECT {names} FROM {table.name} WHERE {_quoted(column)} IN ({wanted})")
    return list(connection.execute(query.columns(*table.columns), {"ids": json.dumps(list(ids))}).all())


def _quoted(name: str) -> str:
    return f'"{name}"'


def discard(path: Path) -> None:
    """Remove a half-made SQLite file with its companions."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


def integrity_faults(connection: Connection) -> list[str]:
    """What SQLite says is wrong inside its file; empty when all is well."""
    if connection.dialect.name != "sqlite":
        return []
    said = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(20)")]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check")
    said += [f"row of {row[0]} without its {row[2]}" for row in orphans]
    return [line for line in said if line != "ok"]
