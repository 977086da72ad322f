"""The first schema: evidence, readings, decisions, results, jobs, and places for what comes later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_tables()
    if op.get_bind().dialect.name == "sqlite":
        _append_only_sqlite()
    else:
        _append_only_postgresql()


def _append_only_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'decisions are append-only: undo is another decision'); END"
    op.execute(f"CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision {refuse}")
    op.execute(f"CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision {refuse}")
    # REPLACE deletes without asking the DELETE trigger unless a connection opted in.
    op.execute(
        "CREATE TRIGGER decision_no_replace BEFORE INSERT ON decision "
        f"WHEN EXISTS (SELECT 1 FROM decision WHERE id = NEW.id) {refuse}"
    )


def _append_only_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION decision_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'decisions are append-only: undo is another decision'; END $$"
    )
    op.execute(
        "CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON decision "
        "FOR EACH ROW EXECUTE FUNCTION decision_refuse()"
    )
    op.execute(
        "CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON decision "
        "FOR EACH STATEMENT EXECUTE FUNCTION decision_refuse()"
    )


def _create_tables() -> None:
    op.create_table(
        "camera",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("make", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_camera"),
    )
    op.create_table(
        "digest",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_digest"),
    )
    op.create_table(
        "engine",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_engine"),
        sa.UniqueConstraint("name", name="uq_engine_name"),
    )
    op.create_table(
        "fix",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("animal", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fix"),
    )
    op.create_index("ix_fix_animal_time", "fix", ["animal", "time"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_table(
        "pedigree",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sire_id", sa.Text(), nullable=True),
        sa.Column("dam_id", sa.Text(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("born", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["dam_id"], ["pedigree.id"], name="fk_pedigree_dam_id"),
        sa.ForeignKeyConstraint(["sire_id"], ["pedigree.id"], name="fk_pedigree_sire_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pedigree"),
    )
    op.create_table(
        "result",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_result"),
    )
    op.create_table(
        "sample",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sample"),
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_setting"),
    )
    op.create_table(
        "source",
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_source"),
        sa.UniqueConstraint("id", "fingerprint", name="uq_source_id_fingerprint"),
    )
    op.create_table(
        "station",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("covariates", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_station"),
    )
    op.create_table(
        "track",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_track"),
    )
    op.create_table(
        "deployment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("camera_id", sa.Text(), nullable=True),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("start_time", sa.Text(), nullable=False),
        sa.Column("end_time", sa.Text(), nullable=False),
        sa.Column("utc_offset_minutes", sa.Integer(), nullable=True),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("facing_deg", sa.Double(), nullable=True),
        sa.Column("setup_by", sa.Text(), nullable=False),
        sa.Column("comments", sa.Text(), nullable=False),
        sa.Column("covariates", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name="fk_deployment_camera_id"),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_deployment_station_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deployment"),
    )
    op.create_table(
        "deployment_failure",
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_time", sa.Text(), nullable=False),
        sa.Column("end_time", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name="fk_deployment_failure_deployment_id"
        ),
        sa.PrimaryKeyConstraint("deployment_id", "n", name="pk_deployment_failure"),
    )
    op.create_table(
        "media",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("camera_time", sa.Text(), nullable=True),
        sa.Column("source_event", sa.Text(), nullable=False),
        sa.Column("exif_time", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("infrared", sa.Boolean(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployment.id"], name="fk_media_deployment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_media"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("media_a", sa.Text(), nullable=True),
        sa.Column("side_a", sa.Text(), nullable=False),
        sa.Column("media_b", sa.Text(), nullable=True),
        sa.Column("side_b", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=True),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployment.id"], name="fk_decision_deployment_id"),
        sa.ForeignKeyConstraint(["media_a"], ["media.id"], name="fk_decision_media_a"),
        sa.ForeignKeyConstraint(["media_b"], ["media.id"], name="fk_decision_media_b"),
        sa.ForeignKeyConstraint(["undoes"], ["decision.id"], name="fk_decision_undoes"),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
    )
    op.create_table(
        "detection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("species", sa.Text(), nullable=False),
        sa.Column("box_x", sa.Double(), nullable=True),
        sa.Column("box_y", sa.Double(), nullable=True),
        sa.Column("box_width", sa.Double(), nullable=True),
        sa.Column("box_height", sa.Double(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("life_stage", sa.Text(), nullable=False),
        sa.Column("individual_label", sa.Text(), nullable=False),
        sa.Column("flank", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_detection_media_id"),
        sa.PrimaryKeyConstraint("id", name="pk_detection"),
    )
    op.create_table(
        "flank",
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("usable", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("quality", sa.Double(), nullable=False),
        sa.Column("box_x", sa.Double(), nullable=True),
        sa.Column("box_y", sa.Double(), nullable=True),
        sa.Column("box_width", sa.Double(), nullable=True),
        sa.Column("box_height", sa.Double(), nullable=True),
        sa.Column("side_probability", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_flank_media_id"),
        sa.PrimaryKeyConstraint("engine", "media_id", name="pk_flank"),
    )
    op.create_table(
        "pair_score",
        sa.Column("engine_id", sa.Integer(), nullable=False),
        sa.Column("media_a", sa.Text(), nullable=False),
        sa.Column("media_b", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("inliers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["engine_id"], ["engine.id"], name="fk_pair_score_engine_id"),
        sa.ForeignKeyConstraint(["media_a"], ["media.id"], name="fk_pair_score_media_a"),
        sa.ForeignKeyConstraint(["media_b"], ["media.id"], name="fk_pair_score_media_b"),
        sa.PrimaryKeyConstraint("engine_id", "media_a", "media_b", name="pk_pair_score"),
        sqlite_with_rowid=False,
    )
