"""A number for the content of a survey that is cheap to keep and cheap to ask for.

Each table has the sum (modulo 2¹²⁸) of the hashes of its rows. A sum does not depend on the order
in which rows came, and one row changes it without a look at the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, select

from ghostcat.survey import _schema
from ghostcat.survey._rows import Row
from ghostcat.survey.database import fill

__all__ = ["fingerprint", "recount", "shift"]

_TABLES = (
    _schema.source,
    _schema.station,
    _schema.camera,
    _schema.deployment,
    _schema.deployment_failure,
    _schema.media,
    _schema.detection,
    _schema.sample,
    _schema.flank,
    _schema.decision,
)
#: Where something lies, or which source brought it first, is not what it says.
_NOT_CONTENT = {"source": {"n", "location"}, "media": {"path"}}
_MODULUS = 1 << 128
_SHOWN_WITH = ("gap_minutes", "target_species", "flank_engine")


def _total(table: Table, rows: Iterable[Row]) -> int:
    left_out = _NOT_CONTENT.get(table.name, set()) | {"source_id"}
    content = itemgetter(*(column.name for column in table.columns if column.name not in left_out))
    total = 0
    for row in rows:
        total += int.from_bytes(blake2b(repr(content(row)).encode(), digest_size=16).digest(), "big")
    return total


def shift(
    connection: Connection, table: Table, *, added: Iterable[Row] = (), removed: Iterable[Row] = ()
) -> None:
    """Keep the sum of `table` in step with rows that this transaction adds and removes."""
    change = (_total(table, added) - _total(table, removed)) % _MODULUS
    if change:
        before = _kept(connection).get(table.name, 0)
        row = {"name": table.name, "total": f"{(before + change) % _MODULUS:032x}"}
        fill(connection, _schema.digest, [row], replace=True)


def _kept(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(_schema.digest.c.name, _schema.digest.c.total))
    return {name: int(total, 16) for name, total in rows}


def fingerprint(connection: Connection) -> str:
    """64 hexadecimal digits that change when evidence, readings, decisions or their reading rules do."""
    settings = select(_schema.setting.c.key, _schema.setting.c.value)
    rules: list[Any] = sorted(
        (key, value) for key, value in connection.execute(settings) if key in _SHOWN_WITH
    )
    content = json.dumps([sorted(_kept(connection).items()), rules])
    return blake2b(content.encode(), digest_size=32).hexdigest()


def recount(connection: Connection) -> list[str]:
    """Tables whose rows no longer add up to what was kept: somebody changed them by other means."""
    kept = _kept(connection)
    wrong = []
    for table in _TABLES:
        names = [column.name for column in table.columns]
        rows = (dict(zip(names, row, strict=True)) for row in connection.execute(select(table)))
        if _total(table, rows) % _MODULUS != kept.get(table.name, 0):
            wrong.append(table.name)
    return wrong
