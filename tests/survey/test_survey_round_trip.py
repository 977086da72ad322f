"""Whatever a source says comes back unchanged from both databases, and is known the second time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostcat.survey import Survey, create_survey
from ghostcat.survey.evidence import Deployment, Detection, Evidence, Failure, Media, Source, Station

# Text that a database can hold as it is; bytes that are none have a test of their own.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ANYTHING = st.text(max_size=8)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
FRACTION = st.floats(0, 1)
JSON = st.dictionaries(
    TEXT, st.one_of(TEXT, NUMBER, st.booleans(), st.none(), st.lists(st.integers(-9, 9))), max_size=3
)
CLOCK = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1))
MOMENT = st.builds(
    lambda clock, minutes: clock.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    CLOCK,
    st.integers(-720, 840),
)
FAILURES = st.lists(st.builds(Failure, start=MOMENT, end=MOMENT, cause=TEXT), max_size=3)
_running = count()


@st.composite
def evidence(draw: st.DrawFn, text: st.SearchStrategy[str]) -> Evidence:
    """One station with a deployment, a photo and a detection, under ids never used before."""
    tag = f"{next(_running)}"
    key = draw(text) + tag
    return Evidence(
        source=Source(id=tag, kind="k", name=draw(text), location="/l", fingerprint=tag, metadata=draw(JSON)),
        stations=(
            Station(
                id=key,
                lon=draw(NUMBER),
                lat=draw(NUMBER),
                name=draw(text),
                group=draw(text),
                covariates=draw(JSON),
            ),
        ),
        deployments=(
            Deployment(
                id=key,
                station_id=key,
                start=draw(MOMENT),
                end=draw(MOMENT),
                utc_offset_minutes=draw(st.none() | st.integers(-720, 840)),
                failures=tuple(draw(FAILURES)),
                height_m=draw(st.none() | NUMBER),
                comments=draw(text),
                covariates=draw(JSON),
            ),
        ),
        media=(
            Media(
                id=key,
                deployment_id=key,
                path="/c/" + draw(text),
                camera_time=draw(st.none() | CLOCK),
                source_event=draw(text),
            ),
        ),
        detections=(
            Detection(
                id=key,
                media_id=key,
                category=draw(st.sampled_from(["animal", "person", "vehicle", "empty", "unknown"])),
                origin=draw(text),
                box=draw(st.none() | st.tuples(FRACTION, FRACTION, FRACTION, FRACTION)),
                confidence=draw(st.none() | FRACTION),
                count=draw(st.none() | st.integers(0, 2**31 - 1)),
                sex=draw(st.sampled_from(["female", "male", ""])),
                tags=draw(text),
            ),
        ),
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survey]:
    with create_survey(tmp_path_factory.mktemp("round") / "s") as survey:
        yield survey


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check_round_trip(survey: Survey, given_evidence: Evidence) -> None:
    assert not survey.add_evidence(given_evidence).nothing_new
    (key,) = (one.id for one in given_evidence.stations)
    snapshot = survey.snapshot()
    assert snapshot.stations[key] == given_evidence.stations[0]
    assert next(one for one in snapshot.detections if one.id == key) == given_evidence.detections[0]
    assert (
        next(one for one in snapshot.sources if one.id == given_evidence.source.id) == given_evidence.source
    )
    kept, deployment = snapshot.deployments[key], given_evidence.deployments[0]
    assert set(kept.failures) == set(deployment.failures)
    assert {**vars(kept), "failures": ()} == {**vars(deployment), "failures": ()}
    photo, media = snapshot.media[key], given_evidence.media[0]
    assert (photo.path, photo.camera_time, photo.source_event) == (
        media.path,
        media.camera_time,
        media.source_event,
    )
    if media.camera_time is not None:
        offset = timedelta(minutes=deployment.utc_offset_minutes or 0)
        assert photo.time == (media.camera_time - offset).replace(tzinfo=UTC)
    before = survey.fingerprint()
    assert survey.add_evidence(given_evidence).nothing_new
    assert survey.fingerprint() == before
    assert not [one for one in survey.check() if one.code == "changed_from_outside"]


@QUICK
@given(evidence(TEXT))
def test_sqlite_gives_back_what_it_got(kept, given_evidence):
    check_round_trip(kept, given_evidence)


@settings(QUICK, max_examples=15)
@given(evidence(TEXT))
def test_postgresql_gives_back_what_it_got(postgres_survey, given_evidence):
    check_round_trip(postgres_survey, given_evidence)


@QUICK
@given(evidence(ANYTHING))
def test_text_that_is_none_is_known_the_second_time(kept, given_evidence):
    assert not kept.add_evidence(given_evidence).nothing_new
    assert kept.add_evidence(given_evidence).nothing_new


@pytest.fixture
def postgres_survey(tmp_path, postgres_url) -> Iterator[Survey]:
    with create_survey(tmp_path / "s", database_url=postgres_url) as survey:
        yield survey
