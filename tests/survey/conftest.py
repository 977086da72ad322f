"""A fresh survey on each database, and builders of small evidence."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ghostcat.survey import PhotoRecord, Survey, create_survey
from ghostcat.survey.evidence import (
    Camera,
    Decision,
    Deployment,
    Detection,
    Encounter,
    Evidence,
    Flank,
    Media,
    Snapshot,
    Source,
    Station,
)

START = datetime(2025, 4, 1, tzinfo=UTC)


class Make:
    """Builders with everything that a test does not care about filled in."""

    start = START

    @staticmethod
    def station(key: str = "S1", *, lon: float = 131.0, lat: float = 43.0, **more: Any) -> Station:
        return Station(id=key, lon=lon, lat=lat, **more)

    @staticmethod
    def deployment(key: str = "S1A", *, station: str = "S1", **more: Any) -> Deployment:
        given = {"start": START, "end": START + timedelta(days=90), "utc_offset_minutes": 600, "slot": "A"}
        return Deployment(id=key, station_id=station, **{**given, **more})

    @staticmethod
    def media(key: str, *, deployment: str = "S1A", minutes: float | None = 0.0, **more: Any) -> Media:
        """A photo some minutes after noon of the second day, by the camera's clock (UTC+10)."""
        given: dict[str, Any] = {"path": f"/cards/{deployment}/{key}.JPG"}
        if minutes is not None:
            given["camera_time"] = datetime(2025, 4, 2, 12) + timedelta(minutes=minutes)
        return Media(id=key, deployment_id=deployment, **{**given, **more})

    @staticmethod
    def evidence(
        media: Sequence[Media] = (),
        *,
        stations: Sequence[Station] | None = None,
        deployments: Sequence[Deployment] | None = None,
        detections: Sequence[Detection] = (),
        cameras: Sequence[Camera] = (),
        source: str = "pack",
        fingerprint: str = "",
        **more: Any,
    ) -> Evidence:
        return Evidence(
            source=Source(
                id=source,
                kind="folder",
                name=source,
                location="/cards",
                fingerprint=fingerprint or f"{len(media)} photos",
                metadata=more.pop("metadata", {}),
            ),
            stations=(Make.station(),) if stations is None else tuple(stations),
            deployments=(Make.deployment(),) if deployments is None else tuple(deployments),
            cameras=tuple(cameras),
            media=tuple(media),
            detections=tuple(detections),
            **more,
        )

    @staticmethod
    def snapshot(
        evidence: Evidence,
        *,
        encounters: Sequence[Encounter] = (),
        **more: Any,
    ) -> Snapshot:
        """A snapshot of evidence whose photos were read and whose clocks are right."""
        offsets = {one.id: one.utc_offset_minutes or 0 for one in evidence.deployments}
        media = {}
        for one in evidence.media:
            fields = dict(vars(one))
            if one.time is None and one.camera_time is not None:
                shift = timedelta(minutes=offsets[one.deployment_id])
                fields["time"] = (one.camera_time - shift).replace(tzinfo=UTC)
            if one.state == "pending":
                fields["state"] = "ok"
            media[one.id] = Media(**fields)
        given: dict[str, Any] = {
            "name": "test",
            "stations": {one.id: one for one in evidence.stations},
            "cameras": {one.id: one for one in evidence.cameras},
            "deployments": {one.id: one for one in evidence.deployments},
            "media": media,
            "detections": evidence.detections,
            "flanks": {},
            "encounters": {one.id: one for one in encounters},
            "individuals": {},
            "decisions": (),
            "sources": (evidence.source,),
            "synthetic": False,
            "fingerprint": "",
        }
        return Snapshot(**{**given, **more})

    @staticmethod
    def flank(media: str, side: str = "left", *, quality: float = 0.5, usable: bool = True) -> Flank:
        return Flank(media_id=media, side=side, usable=usable, quality=quality, engine="test 1")  # type: ignore[arg-type]

    @staticmethod
    def decide(kind: str, a: str = "", b: str = "", *, side: str = "left", **more: Any) -> Decision:
        """A decision of a person on two left flanks, unless told otherwise."""
        given: dict[str, Any] = {"actor": "Ana", "actor_kind": "person", "side_a": side, "side_b": side}
        return Decision(kind=kind, media_a=a, media_b=b, **{**given, **more})  # type: ignore[arg-type]

    @staticmethod
    def model(
        kind: str, a: str, b: str = "", *, run: str = "1", confidence: float = 0.9, **more: Any
    ) -> Decision:
        given: dict[str, Any] = {"actor": "matcher 1", "actor_kind": "model", "shown": {"run": run}}
        return Make.decide(kind, a, b, confidence=confidence, **{**given, **more})

    @staticmethod
    def read(survey: Survey, **sha: str) -> None:
        """Say that every pending photo was opened and could be read."""
        survey.record_photos(
            [
                PhotoRecord(
                    media_id=one.id, state="ok", sha256=sha.get(one.id, f"sha {one.id}"), size_bytes=9
                )
                for one in survey.pending_media()
            ]
        )

    @staticmethod
    def passes(survey: Survey, number: int, *, side: str = "left") -> list[str]:
        """Fill a survey with passes two hours apart, one photo of a usable flank each."""
        photos = [Make.media(f"p{n}", minutes=120.0 * n) for n in range(number)]
        survey.add_evidence(Make.evidence(photos))
        Make.read(survey)
        survey.put_flanks("test 1", [Make.flank(one.id, side) for one in photos])
        return [one.id for one in photos]


@pytest.fixture(scope="session")
def make() -> type[Make]:
    return Make


def _programs() -> Path | None:
    found = shutil.which("pg_ctl")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a PostgreSQL server that lives as long as the tests, without a database's name."""
    programs = _programs()
    if programs is None:
        told = "PostgreSQL is not installed (initdb and pg_ctl are not on the path)"
        if os.environ.get("GHOSTCAT_REQUIRE_POSTGRES") == "1":
            pytest.fail(told)
        pytest.skip(told)
    folder = Path(tempfile.mkdtemp(prefix="ghostcat-pg-"))
    as_server: list[str] = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # the server refuses to run as root
        if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
            subprocess.run(["useradd", "--system", "postgres"], check=True)
        shutil.chown(folder, "postgres")
        as_server = ["runuser", "-u", "postgres", "--"]
    port = _free_port()
    options = f"-p {port} -F -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    data, log = str(folder / "data"), str(folder / "log")

    def call(program: str, *arguments: str) -> None:
        line = [*as_server, str(programs / program), *arguments]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    call("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
    call("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        call("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Address of an empty database."""
    from pg8000.native import Connection

    port = int(postgres_server.rsplit(":", 1)[1])
    name = f"t{uuid4().hex}"

    def run(statement: str) -> None:
        connection = Connection("postgres", host="127.0.0.1", port=port, database="postgres")
        try:
            connection.run(statement)
        finally:
            connection.close()

    run(f"CREATE DATABASE {name}")
    yield f"{postgres_server}/{name}"
    run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None for SQLite in the folder, else the address of an empty PostgreSQL database."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def survey(tmp_path: Path, database_url: str | None) -> Iterator[Survey]:
    with create_survey(tmp_path / "khasan.ghostcat", database_url=database_url) as opened:
        yield opened


@pytest.fixture
def sqlite_survey(tmp_path: Path) -> Iterator[Survey]:
    with create_survey(tmp_path / "khasan.ghostcat") as opened:
        yield opened


@pytest.fixture
def statement(survey: Survey) -> Callable[[str], None]:
    """Run SQL on the survey's database past ghostcat, as another program might."""
    from sqlalchemy import text

    def run(sql: str) -> None:
        with survey._engine.begin() as connection:
            connection.execute(text(sql))

    return run
