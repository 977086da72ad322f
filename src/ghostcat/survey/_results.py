"""Derived results with their provenance: may be deleted and computed again at any time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from ghostcat.survey import _schema
from ghostcat.survey._fingerprint import fingerprint
from ghostcat.survey._rows import dump, load, moment_of, storable, utc_text
from ghostcat.survey.database import fill
from ghostcat.survey.evidence import Json
from ghostcat.survey.records import ResultRow

__all__ = ["load_result", "store_result"]


def store_result(
    connection: Connection,
    kind: str,
    key: str,
    payload: Json,
    provenance: Json,
    *,
    made_from: str | None,
    created_at: datetime,
) -> None:
    """Keep a result; an earlier one of the same kind and key gives way."""
    row = {
        "kind": storable(kind),
        "key": storable(key),
        "payload": dump(payload),
        "provenance": dump(provenance),
        "fingerprint": made_from or fingerprint(connection),
        "created_at": utc_text(created_at, where=f"result {kind}"),
    }
    fill(connection, _schema.result, [row], replace=True)


def load_result(connection: Connection, kind: str, key: str | None) -> ResultRow | None:
    """The result of this kind and key; the newest of the kind when no key is named."""
    table = _schema.result
    query = select(table).where(table.c.kind == kind)
    if key is not None:
        query = query.where(table.c.key == key)
    rows = sorted(connection.execute(query).all(), key=lambda row: (moment_of(row.created_at), row.key))
    if not rows:
        return None
    row = rows[-1]
    return ResultRow(
        kind=row.kind,
        key=row.key,
        payload=load(row.payload),
        provenance=load(row.provenance),
        fingerprint=row.fingerprint,
        created_at=moment_of(row.created_at),
        stale=row.fingerprint != fingerprint(connection),
    )
