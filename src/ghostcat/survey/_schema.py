"""The tables. Times are ISO 8601 text (UTC with `Z`; camera clocks without), JSON is text.

Text keeps both databases byte for byte alike: what goes in compares equal to what comes out.
A change here needs a migration beside it; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "camera",
    "decision",
    "deployment",
    "deployment_failure",
    "detection",
    "digest",
    "engine",
    "flank",
    "job",
    "media",
    "metadata",
    "pair_score",
    "result",
    "sample",
    "setting",
    "source",
    "station",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _box() -> list[Column[float]]:
    return [Column(f"box_{part}", Double) for part in ("x", "y", "width", "height")]


# Every version of a source that was imported; the newest of an id is the one shown.
source = Table(
    "source",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    _text("id"),
    _text("fingerprint"),
    _text("kind"),
    _text("name"),
    _text("location"),
    _text("metadata"),
    _text("findings"),
    _text("columns"),
    UniqueConstraint("id", "fingerprint"),
)

station = Table(
    "station",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
    _text("name"),
    _text("group_name"),
    _text("covariates"),
    _text("source_id"),
)

camera = Table(
    "camera",
    metadata,
    Column("id", Text, primary_key=True),
    _text("make"),
    _text("model"),
    _text("serial"),
    _text("source_id"),
)

deployment = Table(
    "deployment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("station_id", Text, ForeignKey("station.id"), nullable=False),
    Column("camera_id", Text, ForeignKey("camera.id")),
    _text("slot"),
    _text("start_time"),
    _text("end_time"),
    Column("utc_offset_minutes", Integer),
    Column("height_m", Double),
    Column("facing_deg", Double),
    _text("setup_by"),
    _text("comments"),
    _text("covariates"),
    _text("source_id"),
)

deployment_failure = Table(
    "deployment_failure",
    metadata,
    Column("deployment_id", Text, ForeignKey("deployment.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    _text("start_time"),
    _text("end_time"),
    _text("cause"),
)

# Columns up to `source_event` are the source's and never change (but for a moved file's `path`);
# those from `exif_time` to `reason` are what opening the file told. Duplicates are computed.
media = Table(
    "media",
    metadata,
    Column("id", Text, primary_key=True),
    Column("deployment_id", Text, ForeignKey("deployment.id"), nullable=False),
    _text("path"),
    Column("camera_time", Text),
    _text("source_event"),
    Column("exif_time", Text),
    _text("sha256"),
    Column("size_bytes", BigInteger),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("infrared", Boolean),
    _text("state"),
    _text("reason"),
    _text("source_id"),
)

detection = Table(
    "detection",
    metadata,
    Column("id", Text, primary_key=True),
    Column("media_id", Text, ForeignKey("media.id"), nullable=False),
    _text("category"),
    _text("origin"),
    _text("species"),
    *_box(),
    Column("confidence", Double),
    Column("count", Integer),
    _text("sex"),
    _text("life_stage"),
    _text("individual_label"),
    _text("flank"),
    _text("tags"),
    _text("source_id"),
)

flank = Table(
    "flank",
    metadata,
    Column("engine", Text, primary_key=True),
    Column("media_id", Text, ForeignKey("media.id"), primary_key=True),
    _text("side"),
    Column("usable", Boolean, nullable=False),
    _text("reason"),
    Column("quality", Double, nullable=False),
    *_box(),
    Column("side_probability", Double),
)

# Pair scores are many: a number for the engine keeps the file small.
engine = Table(
    "engine",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("name"),
    UniqueConstraint("name"),
)

pair_score = Table(
    "pair_score",
    metadata,
    Column("engine_id", Integer, ForeignKey("engine.id"), primary_key=True),
    Column("media_a", Text, ForeignKey("media.id"), primary_key=True),
    Column("media_b", Text, ForeignKey("media.id"), primary_key=True),
    Column("score", Double, nullable=False),
    Column("inliers", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Triggers of the first migration forbid UPDATE, DELETE, REPLACE and TRUNCATE.
decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("kind"),
    _text("actor"),
    _text("actor_kind"),
    Column("media_a", Text, ForeignKey("media.id")),
    _text("side_a"),
    Column("media_b", Text, ForeignKey("media.id")),
    _text("side_b"),
    Column("confidence", Double),
    _text("value"),
    Column("deployment_id", Text, ForeignKey("deployment.id")),
    _text("shown"),
    Column("undoes", Integer, ForeignKey("decision.id")),
    _text("made_at"),
)

result = Table(
    "result",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    _text("payload"),
    _text("provenance"),
    _text("fingerprint"),
    _text("created_at"),
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("kind"),
    _text("key"),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    _text("state"),
    _text("message"),
    _text("started_at"),
    _text("updated_at"),
)

setting = Table("setting", metadata, Column("key", Text, primary_key=True), _text("value"))

# Sum of the row hashes of each table whose content enters the fingerprint.
digest = Table("digest", metadata, Column("name", Text, primary_key=True), _text("total"))

# Places for what later rooms bring; `data` holds the row as its source gave it.
sample = Table(
    "sample",
    metadata,
    Column("id", Text, primary_key=True),
    _text("kind"),
    Column("time", Text),
    Column("lon", Double),
    Column("lat", Double),
    _text("data"),
    _text("source_id"),
)

fix = Table(
    "fix",
    metadata,
    Column("id", Text, primary_key=True),
    _text("animal"),
    _text("time"),
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
    _text("data"),
    _text("source_id"),
    Index(None, "animal", "time"),
)

track = Table(
    "track",
    metadata,
    Column("id", Text, primary_key=True),
    _text("kind"),
    Column("time", Text),
    _text("line"),
    _text("data"),
    _text("source_id"),
)

pedigree = Table(
    "pedigree",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    Column("sire_id", Text, ForeignKey("pedigree.id")),
    Column("dam_id", Text, ForeignKey("pedigree.id")),
    _text("sex"),
    Column("born", Text),
    _text("data"),
    _text("source_id"),
)
