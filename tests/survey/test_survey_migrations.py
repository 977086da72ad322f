"""The schema that migrations build is the one the program expects, whatever revision they start from."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ghostcat.errors import SurveyError
from ghostcat.survey import _schema, create_survey, database, open_survey


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "ghostcat.survey:migrations")
    return ScriptDirectory.from_config(config)


def test_the_program_knows_the_newest_revision():
    assert scripts().get_heads() == [database.HEAD]


def test_migrations_build_what_the_program_expects(survey):
    with database.read(survey._engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), _schema.metadata) == []


def test_every_revision_on_the_way_can_be_brought_up_to_date(tmp_path, make):
    from alembic import command

    for place, step in enumerate(scripts().walk_revisions()):
        folder = tmp_path / str(place)
        folder.mkdir()
        engine = database.sqlite_engine(folder / "survey.db")
        config = Config()
        config.set_main_option("script_location", "ghostcat.survey:migrations")
        with database.write(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, step.revision)
        engine.dispose()
        with open_survey(folder) as survey:
            assert database.revision(survey._engine) == database.HEAD
            survey.add_evidence(make.evidence([make.media("p")]))
            assert list(survey.snapshot().media) == ["p"]


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    from alembic import op

    engine = database.sqlite_engine(tmp_path / "survey.db")
    create = op.create_table

    def fails_at_the_end(name, *columns, **more):
        if name == "pair_score":
            raise SurveyError("power cut")
        return create(name, *columns, **more)

    monkeypatch.setattr(op, "create_table", fails_at_the_end)
    with pytest.raises(SurveyError, match="power cut"):
        database.migrate(engine, where="here")
    assert database.revision(engine) is None
    monkeypatch.undo()
    database.migrate(engine, where="here")
    assert database.revision(engine) == database.HEAD
    engine.dispose()


def test_opening_a_current_survey_does_not_load_the_migrations(tmp_path):
    import subprocess
    import sys

    create_survey(tmp_path / "s").close()
    program = (
        "import sys; from pathlib import Path; from ghostcat.survey import open_survey; "
        f"open_survey(Path({str(tmp_path / 's')!r})).close(); print('alembic' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def test_the_nouns_need_no_library():
    import subprocess
    import sys

    program = (
        "import sys, ghostcat.survey, ghostcat.survey.evidence; "
        "print({'sqlalchemy', 'alembic', 'numpy', 'PIL'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
