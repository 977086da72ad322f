"""Readings: what opening a photo told, which flank it shows, how well two of them match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from ghostcat.errors import ParameterError, SurveyError
from ghostcat.survey import _schema
from ghostcat.survey._fingerprint import shift
from ghostcat.survey._rows import Row, dump, flank_of, flank_row, load, photo_columns, storable
from ghostcat.survey.database import fetch_by_id, fill
from ghostcat.survey.evidence import Flank
from ghostcat.survey.records import PairScoreRow, PhotoRecord

__all__ = ["load_flanks", "load_pair_scores", "store_flanks", "store_pair_scores", "store_photos"]

#: Setting that names the engine whose flanks are shown: the one that read last.
_ENGINE = "flank_engine"


def store_photos(connection: Connection, records: Iterable[PhotoRecord]) -> None:
    """Lay what opening the files told beside what the source said of them."""
    told = {storable(one.media_id): photo_columns(one) for one in records}
    before = _known_photos(connection, told)
    after = [row | told[row["id"]] for row in before]
    shift(connection, _schema.media, removed=before, added=after)
    fill(connection, _schema.media, after, replace=True)


def _known_photos(connection: Connection, ids: Iterable[str]) -> list[Row]:
    wanted = set(ids)
    rows = [dict(row._mapping) for row in fetch_by_id(connection, _schema.media, wanted)]
    unknown = wanted - {row["id"] for row in rows}
    if unknown:
        raise SurveyError(
            f"{len(unknown)} photo(s) are not in the survey, for example {min(unknown)}",
            fix="Import the evidence before what was read from it.",
        )
    return rows


def store_flanks(connection: Connection, engine: str, flanks: Sequence[Flank]) -> None:
    """Store an engine's readings; they replace its earlier ones of the same photos."""
    if not engine:
        raise ParameterError("the engine has no name", fix="Give its name with its version.")
    rows = {storable(one.media_id): flank_row(engine, one) for one in flanks}
    _known_photos(connection, rows)
    table = _schema.flank
    before = [
        dict(row._mapping)
        for row in fetch_by_id(connection, table, rows, column="media_id")
        if row.engine == engine
    ]
    shift(connection, table, removed=before, added=rows.values())
    fill(connection, table, list(rows.values()), replace=True)
    fill(connection, _schema.setting, [{"key": _ENGINE, "value": dump(engine)}], replace=True)


def load_flanks(connection: Connection, engine: str | None) -> dict[str, Flank]:
    """The readings of one engine, by photo; those of the engine that read last when None is named."""
    if engine is None:
        setting = _schema.setting
        shown = connection.execute(select(setting.c.value).where(setting.c.key == _ENGINE)).scalar()
        if shown is None:
            return {}
        engine = load(shown)
    rows = connection.execute(select(_schema.flank).where(_schema.flank.c.engine == engine)).all()
    return {row.media_id: flank_of(row) for row in sorted(rows, key=lambda one: one.media_id)}


def store_pair_scores(connection: Connection, engine: str, scores: Iterable[PairScoreRow]) -> None:
    """Store how well pairs match; (b, a) is the same pair as (a, b), the last score of a pair stays."""
    number = _engine_number(connection, engine)
    rows: dict[tuple[str, str], Row] = {}
    for one, other, score, inliers in scores:
        first, second = sorted((storable(one), storable(other)))
        if first == second:
            raise ParameterError(f"photo {one} is paired with itself", fix="Compare two different photos.")
        rows[first, second] = {
            "engine_id": number,
            "media_a": first,
            "media_b": second,
            "score": float(score),
            "inliers": int(inliers),
        }
    fill(connection, _schema.pair_score, [rows[pair] for pair in sorted(rows)], replace=True)


def load_pair_scores(connection: Connection, engine: str) -> list[PairScoreRow]:
    """All scores of one engine, by pair."""
    table, names = _schema.pair_score, _schema.engine
    query = (
        select(table.c.media_a, table.c.media_b, table.c.score, table.c.inliers)
        .join(names, names.c.id == table.c.engine_id)
        .where(names.c.name == engine)
    )
    return sorted(tuple(row) for row in connection.execute(query))


def _engine_number(connection: Connection, engine: str) -> int:
    if not engine:
        raise ParameterError("the engine has no name", fix="Give its name with its version.")
    table = _schema.engine
    number = connection.execute(select(table.c.id).where(table.c.name == engine)).scalar()
    if number is None:
        number = (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
        fill(connection, table, [{"id": number, "name": engine}])
    return int(number)
