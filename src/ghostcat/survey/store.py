"""A survey on disk: one folder with a database, photos, derived files and results."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine

from ghostcat.errors import ParameterError, SurveyError, SurveyExists, SurveyNotFound
from ghostcat.survey import _schema
from ghostcat.survey._decision_log import append_decisions
from ghostcat.survey._fingerprint import fingerprint, recount
from ghostcat.survey._intake import take_in
from ghostcat.survey._jobs import Job, load_jobs, start_job
from ghostcat.survey._loading import (
    load_decisions,
    load_deployments,
    load_media,
    load_setting,
    load_snapshot,
    load_source_findings,
)
from ghostcat.survey._readings import (
    load_flanks,
    load_pair_scores,
    store_flanks,
    store_pair_scores,
    store_photos,
)
from ghostcat.survey._results import load_result, store_result
from ghostcat.survey._rows import dump, storable
from ghostcat.survey.checks import SPEED_KM_PER_H, check_database, check_snapshot
from ghostcat.survey.database import (
    discard,
    fill,
    integrity_faults,
    migrate,
    postgres_engine,
    read,
    revision,
    sqlite_engine,
    write,
)
from ghostcat.survey.decisions import corrected_flanks
from ghostcat.survey.evidence import (
    Decision,
    Encounter,
    Evidence,
    Finding,
    Flank,
    Json,
    Media,
    MediaState,
    Snapshot,
)
from ghostcat.survey.identities import Identities
from ghostcat.survey.records import AddReport, JobRow, PairScoreRow, PhotoRecord, ResultRow

__all__ = ["Survey", "create_survey", "is_survey", "open_survey"]

DATABASE = "survey.db"
#: Only there when the database is a server's.
ADDRESS = "survey.json"
FOLDERS = ("photos", "derived", "results")


class Survey:
    """An open survey. Use it in a `with` statement, or close it.

    Every method is one transaction: another program sees all of what it did, or nothing. Several
    programs may have the same survey open.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self._engine = engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Survey({str(self.folder)!r})"

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @property
    def name(self) -> str:
        """What its maker called the survey; else the name of the folder."""
        return str(self.setting("name", "") or self.folder.name.removesuffix(".ghostcat"))

    # -- evidence --------------------------------------------------------------------------------

    def add_evidence(self, evidence: Evidence) -> AddReport:
        """Store what is new of a source, all of it or nothing.

        Rows that are there already are left alone, so importing twice changes nothing. A photo
        that was read, is gone from its place and lies with the same content at the new one, gets
        the new path.

        Raises
        ------
        EvidenceConflict : an id stands for something else here; names up to five, with both values.
        FormatError : a row points to a station, camera, deployment or photo that is not there.
        InputError : a time without zone, or coordinates that are not numbers.
        """
        return take_in(self._engine, self.folder, evidence)

    def pending_media(self, *, also: Collection[MediaState] = ()) -> list[Media]:
        """Photos that have not been opened yet, by id; `also` those in other states, to try again."""
        wanted = {"pending", *also}
        with read(self._engine) as connection:
            decisions = load_decisions(connection)
            media = load_media(connection, load_deployments(connection), decisions)
        return [photo for photo in media.values() if photo.state in wanted]

    def record_photos(self, records: Iterable[PhotoRecord]) -> None:
        """Store what opening photos told; the last word about a photo stays.

        Raises
        ------
        SurveyError : a photo is not in the survey.
        """
        with write(self._engine) as connection:
            store_photos(connection, records)

    # -- readings --------------------------------------------------------------------------------

    def put_flanks(self, engine: str, flanks: Sequence[Flank]) -> None:
        """Store an engine's readings of flanks and show that engine's from now on."""
        with write(self._engine) as connection:
            store_flanks(connection, engine, flanks)

    def flanks(self, engine: str | None = None) -> dict[str, Flank]:
        """Flanks by photo, decisions of kind `flank` and `usable` laid over the engine's readings.

        Parameters
        ----------
        engine : whose readings; those of the engine that read last when None.
        """
        with read(self._engine) as connection:
            return corrected_flanks(load_flanks(connection, engine), load_decisions(connection))

    def flank_readings(self, engine: str) -> dict[str, Flank]:
        """What an engine read, by photo, without anybody's decisions: tells what is still to be read."""
        with read(self._engine) as connection:
            return load_flanks(connection, engine)

    def put_pair_scores(self, engine: str, scores: Iterable[PairScoreRow]) -> None:
        """Store how well pairs of photos match: (photo, photo, score, inliers). Order does not matter."""
        with write(self._engine) as connection:
            store_pair_scores(connection, engine, scores)

    def pair_scores(self, engine: str) -> list[PairScoreRow]:
        """All scores of an engine, the first photo's id smaller than the second's, sorted."""
        with read(self._engine) as connection:
            return load_pair_scores(connection, engine)

    # -- decisions -------------------------------------------------------------------------------

    def append(self, decisions: Sequence[Decision]) -> list[int]:
        """Append decisions to the log, all of them or none; returns their numbers.

        Raises
        ------
        DecisionError : a photo, deployment or decision that is not there, a name that another animal
            has, a model that joins left to right, or a value that cannot be read.
        """
        with write(self._engine) as connection:
            return append_decisions(connection, decisions, made_at=datetime.now(UTC))

    def decisions(self) -> tuple[Decision, ...]:
        """The whole log, oldest first, with what was undone."""
        with read(self._engine) as connection:
            return load_decisions(connection)

    # -- what follows ----------------------------------------------------------------------------

    def encounters(self, gap_minutes: float | None = None) -> dict[str, Encounter]:
        """Visits to stations; with another gap than the survey's when `gap_minutes` is given."""
        return dict(self._snapshot(gap_minutes)[0].encounters)

    def identities(self) -> Identities:
        """Who is who by the decisions made so far."""
        return self._snapshot()[1]

    def snapshot(self) -> Snapshot:
        """Everything, as it stands at this moment."""
        return self._snapshot()[0]

    def _snapshot(self, gap_minutes: float | None = None) -> tuple[Snapshot, Identities]:
        name = self.name
        with read(self._engine) as connection:
            return load_snapshot(connection, name=name, gap_minutes=gap_minutes)

    def fingerprint(self) -> str:
        """Fingerprint of the evidence, readings and decisions as they stand; quick to ask for."""
        with read(self._engine) as connection:
            return fingerprint(connection)

    def check(self) -> list[Finding]:
        """What is wrong or remarkable, worst first."""
        name = self.name
        with read(self._engine) as connection:
            snapshot, identities = load_snapshot(connection, name=name)
            speed = float(load_setting(connection, "max_speed_km_per_h", SPEED_KM_PER_H))
            faults = check_database(integrity_faults(connection), recount(connection), where=str(self.folder))
            told = load_source_findings(connection)
        found = [*faults, *told, *check_snapshot(snapshot, max_speed_km_per_h=speed), *identities.conflicts]
        rank = {"error": 0, "warning": 1, "note": 2}
        return sorted(found, key=lambda one: rank[one.severity])

    # -- results, jobs, settings -------------------------------------------------------------------

    def put_result(
        self, kind: str, key: str, payload: Json, provenance: Json, *, fingerprint: str | None = None
    ) -> None:
        """Keep a derived result; an earlier one of the same kind and key gives way.

        Parameters
        ----------
        fingerprint : that of the snapshot from which it was computed; the present one when None.
        """
        with write(self._engine) as connection:
            store_result(
                connection,
                kind,
                key,
                payload,
                provenance,
                made_from=fingerprint,
                created_at=datetime.now(UTC),
            )

    def result(self, kind: str, key: str | None = None) -> ResultRow | None:
        """A result, the newest of its kind when no key is named; None when there is none."""
        with read(self._engine) as connection:
            return load_result(connection, kind, key)

    def start_job(self, kind: str, key: str, total: int) -> Job:
        """Begin a piece of long work; one of the same kind and key that was killed is taken over."""
        return start_job(self._engine, kind, key, total)

    def jobs(self, *, only_open: bool = False) -> list[JobRow]:
        """Long work, oldest first."""
        return load_jobs(self._engine, only_open=only_open)

    def setting(self, key: str, default: Any = None) -> Any:
        """A setting, for example `gap_minutes`, `target_species`, `max_speed_km_per_h`."""
        with read(self._engine) as connection:
            return load_setting(connection, key, default)

    def set_setting(self, key: str, value: Any) -> None:
        """Change a setting; the value must be of a kind that JSON has."""
        with write(self._engine) as connection:
            fill(connection, _schema.setting, [{"key": storable(key), "value": dump(value)}], replace=True)

    # -- files -----------------------------------------------------------------------------------

    def photo_path(self, media: Media) -> Path:
        """Where the file of a photo lies."""
        return self.folder / media.path

    def derived_path(self, kind: str, digest: str, suffix: str) -> Path:
        """Where a file derived from content `digest` belongs; its folder exists afterwards.

        Everything under `derived/` may be deleted and is then made again.
        """
        folder = self.folder / "derived" / kind / digest[:2]
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{digest}{suffix}"


def create_survey(folder: Path, *, name: str = "", database_url: str | None = None) -> Survey:
    """Make a new, empty survey.

    Parameters
    ----------
    folder : made if need be; may hold other files.
    name : shown to people; the folder's name when empty.
    database_url : `postgresql://user@host:5432/database` to keep the data on a server instead of in the
        folder. A password in it is written to `survey.json`; without one PGPASSWORD is asked.

    Raises
    ------
    SurveyExists : there is one already in the folder, or in the database.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise SurveyExists("there is a file of this name", where=str(folder), fix="Name a folder.")
    if is_survey(folder):
        raise SurveyExists(
            "there is a survey already", where=str(folder), fix="Open it, or name another folder."
        )
    try:
        for part in FOLDERS:
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SurveyError(
            f"the folder cannot be made ({error.strerror})",
            where=str(folder),
            fix="Name one where you may write.",
        ) from error
    if database_url is None:
        _create_sqlite(folder / DATABASE, name)
    else:
        _create_on_server(folder, database_url, name)
    return open_survey(folder)


def _create_sqlite(path: Path, name: str) -> None:
    # Made under another name and then renamed: whenever this is killed, there is a whole survey or none.
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    discard(draft)
    engine = sqlite_engine(draft)
    try:
        _fill_new(engine, name, where=str(path))
    finally:
        engine.dispose()
    if path.exists():
        discard(draft)
        raise SurveyExists(
            "another program has just made a survey here", where=str(path), fix="Open that one."
        )
    os.replace(draft, path)
    for left in path.parent.glob(f"{path.name}.*.new*"):  # of programs that were killed here
        with suppress(OSError):
            left.unlink()


def _create_on_server(folder: Path, database_url: str, name: str) -> None:
    engine = postgres_engine(database_url)
    try:
        if revision(engine) is not None:
            raise SurveyExists(
                "this database holds a survey already",
                where=engine.url.render_as_string(),
                fix=f"To work on it from here, copy {ADDRESS} from the folder it was made with.",
            )
        # The address first: if this is killed now, opening the folder completes the empty database.
        draft = folder / f"{ADDRESS}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({"database_url": database_url}, ensure_ascii=False), encoding="utf-8")
        os.replace(draft, folder / ADDRESS)
        _fill_new(engine, name, where=engine.url.render_as_string())
    finally:
        engine.dispose()


def _fill_new(engine: Engine, name: str, *, where: str) -> None:
    migrate(engine, where=where)
    with write(engine) as connection:
        fill(connection, _schema.setting, [{"key": "name", "value": dump(name)}], replace=True)


def is_survey(folder: Path) -> bool:
    """Whether a folder holds a survey, in itself or on a server."""
    return (Path(folder) / DATABASE).is_file() or (Path(folder) / ADDRESS).is_file()


def open_survey(folder: Path) -> Survey:
    """Open a survey; one that an older ghostcat wrote is brought up to date.

    Raises
    ------
    SurveyNotFound : there is none in this folder.
    SurveyTooNew : a newer ghostcat wrote it.
    SurveyError : its database is damaged or cannot be reached.
    """
    folder = Path(folder)
    if (folder / ADDRESS).is_file():
        engine = postgres_engine(_address(folder / ADDRESS))
        where = engine.url.render_as_string()
    elif (folder / DATABASE).is_file():
        engine = sqlite_engine(folder / DATABASE)
        where = str(folder / DATABASE)
    else:
        raise _not_found(folder)
    try:
        if engine.dialect.name == "sqlite" and revision(engine) is None:
            raise SurveyError(
                "the file is not the database of a survey",
                where=where,
                fix="Put back a copy of it; if it is something else, move it away and make a new survey.",
            )
        migrate(engine, where=where)
    except BaseException:
        engine.dispose()
        raise
    return Survey(folder, engine)


def _not_found(folder: Path) -> SurveyNotFound:
    if not folder.exists():
        return SurveyNotFound("there is no such folder", where=str(folder), fix="Check the path.")
    inside = sorted(path.parent.name for path in folder.glob(f"*/{DATABASE}")) if folder.is_dir() else []
    fix = f"Make one with `ghostcat new {folder}`."
    if inside:
        fix = f"Did you mean {folder / inside[0]}?"
    return SurveyNotFound("there is no survey in this folder", where=str(folder), fix=fix)


def _address(path: Path) -> str:
    try:
        address = json.loads(path.read_text(encoding="utf-8"))["database_url"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SurveyError(
            "the file does not say where the database is",
            where=str(path),
            fix='Write {"database_url": "postgresql://user@host:5432/database"} into it.',
        ) from error
    if not isinstance(address, str):
        raise ParameterError("database_url is not text", where=str(path), fix="Write it in quotes.")
    return address
