"""The decision log: append-only, checked, and never silently wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from ghostcat.errors import DecisionError
from ghostcat.survey import open_survey


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE decision SET value = 'forged'",
        "DELETE FROM decision",
        "DELETE FROM decision WHERE id = 1",
    ],
)
def test_the_log_cannot_be_changed_past_ghostcat(survey, statement, make, sql):
    make.passes(survey, 2)
    survey.append([make.decide("same", "p0", "p1"), make.decide("sex", "p0", value="female")])
    before = survey.decisions()
    with pytest.raises(DBAPIError, match="append-only"):
        statement(sql)
    assert survey.decisions() == before


def test_the_log_cannot_be_replaced_or_emptied(survey, statement, make, database_url):
    make.passes(survey, 1)
    survey.append([make.decide("new", "p0")])
    before = survey.decisions()
    sql = "TRUNCATE decision"
    if database_url is None:
        sql = "INSERT OR REPLACE INTO decision SELECT * FROM decision"
    with pytest.raises(DBAPIError, match="append-only"):
        statement(sql)
    assert survey.decisions() == before


def test_replace_is_refused_on_a_connection_that_ghostcat_did_not_open(sqlite_survey, make):
    import sqlite3

    make.passes(sqlite_survey, 1)
    sqlite_survey.append([make.decide("new", "p0")])
    other = sqlite3.connect(sqlite_survey.folder / "survey.db")
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute("INSERT OR REPLACE INTO decision SELECT * FROM decision")
    finally:
        other.close()


def test_decisions_come_back_as_they_were_made(survey, make):
    make.passes(survey, 2)
    made_at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    one = make.decide(
        "same",
        "p0",
        "p1",
        confidence=1 / 3,
        actor="Ли Мин",
        shown={"photos": ["p0", "p1"], "score": 0.1},
        made_at=made_at,
    )
    before = datetime.now(UTC)
    numbers = survey.append([one, make.decide("unsure", "p1", "p0")])
    assert numbers == [1, 2]
    first, second = survey.decisions()
    assert first == type(one)(**{**vars(one), "id": 1})
    assert second.id == 2 and second.made_at is not None
    assert before <= second.made_at <= datetime.now(UTC)
    assert survey.append([make.decide("new", "p0")]) == [3]


REFUSED = [
    ("ghost", "same", {"a": "p0", "b": "ghost"}),
    ("ghost", "new", {"a": "ghost"}),
    ("two photos", "same", {"a": "p0"}),
    ("itself", "different", {"a": "p0", "b": "p0"}),
    ("one photo", "new", {"a": "p0", "b": "p1"}),
    ("no photo", "sex", {"value": "male"}),
    ("nobody", "new", {"a": "p0", "actor": " "}),
    ("robot", "new", {"a": "p0", "actor_kind": "robot"}),
    ("no decision", "merge", {"a": "p0"}),
    ("upside", "new", {"a": "p0", "side": "upside"}),
    ("outside 0…1", "same", {"a": "p0", "b": "p1", "confidence": 1.5}),
    ("outside 0…1", "same", {"a": "p0", "b": "p1", "confidence": float("nan")}),
    ("no side", "flank", {"a": "p0", "value": "top"}),
    ("cannot be read", "usable", {"a": "p0", "value": "perhaps"}),
    ("no sex", "sex", {"a": "p0", "value": "f"}),
    ("name is empty", "name", {"a": "p0", "value": "  "}),
    ("running number", "name", {"a": "p0", "value": "G007"}),
    ("no deployment", "clock", {"deployment_id": "S9", "value": "3600"}),
    ("one deployment", "clock", {"value": "3600"}),
    ("one deployment", "clock", {"a": "p0", "deployment_id": "S1A", "value": "3600"}),
    ("number of seconds", "clock", {"deployment_id": "S1A", "value": "an hour"}),
    ("number of seconds", "clock", {"deployment_id": "S1A", "value": "inf"}),
    ("no reason", "exclude", {"a": "p0"}),
    ("one photo or one deployment", "exclude", {"value": "bait"}),
    ("names no decision", "undo", {}),
    ("no decision 77", "undo", {"undoes": 77}),
]


@pytest.mark.parametrize(("words", "kind", "given"), REFUSED, ids=[f"{w}-{k}" for w, k, _ in REFUSED])
def test_decisions_that_mean_nothing_are_refused_with_the_rest_of_their_batch(
    sqlite_survey, make, words, kind, given
):
    make.passes(sqlite_survey, 2)
    with pytest.raises(DecisionError, match=words) as told:
        sqlite_survey.append([make.decide("new", "p1"), make.decide(kind, **given)])
    assert told.value.fix
    assert sqlite_survey.decisions() == ()


@pytest.mark.parametrize(
    "sides", [("left", "right"), ("unknown", "unknown"), ("both", "both"), ("left", "unknown")]
)
def test_a_model_may_never_join_left_to_right(survey, make, sides):
    make.passes(survey, 2)
    one = make.model("same", "p0", "p1", side_a=sides[0], side_b=sides[1])
    with pytest.raises(DecisionError, match="a model joins"):
        survey.append([one])


def test_undo_takes_back_and_undoing_the_undo_brings_back(survey, make):
    make.passes(survey, 2)
    (same,) = survey.append([make.decide("same", "p0", "p1")])
    assert [one.encounter_ids for one in survey.identities().individuals.values()] == [("p0", "p1")]
    (undo,) = survey.append([make.decide("undo", undoes=same)])
    assert survey.identities().individuals == {}
    with pytest.raises(DecisionError, match="already"):
        survey.append([make.decide("undo", undoes=same)])
    survey.append([make.decide("undo", undoes=undo)])
    assert len(survey.identities().individuals) == 1
    with pytest.raises(DecisionError, match="already"):
        survey.append([make.decide("undo", undoes=undo)])


def test_one_batch_cannot_undo_twice(survey, make):
    make.passes(survey, 2)
    (same,) = survey.append([make.decide("same", "p0", "p1")])
    with pytest.raises(DecisionError, match="already"):
        survey.append([make.decide("undo", undoes=same), make.decide("undo", undoes=same)])


def test_a_model_cannot_undo_what_a_person_decided(survey, make):
    make.passes(survey, 2)
    (same,) = survey.append([make.decide("same", "p0", "p1")])
    with pytest.raises(DecisionError, match="cannot undo"):
        survey.append([make.model("undo", "", undoes=same)])
    (guess,) = survey.append([make.model("same", "p0", "p1")])
    survey.append([make.decide("undo", undoes=guess)])


def test_a_wrong_clock_is_corrected_and_the_correction_undone(survey, make):
    survey.add_evidence(make.evidence([make.media("p0"), make.media("p1", minutes=20)]))
    before = survey.snapshot()
    (first,) = survey.append([make.decide("clock", deployment_id="S1A", value="-10800")])
    (second,) = survey.append([make.decide("clock", deployment_id="S1A", value="90.5")])
    noon = before.media["p0"].time
    assert noon is not None
    assert survey.snapshot().media["p0"].time == noon + timedelta(seconds=90.5)
    assert survey.snapshot().media["p0"].camera_time == before.media["p0"].camera_time
    survey.append([make.decide("undo", undoes=second)])
    assert survey.snapshot().media["p0"].time == noon - timedelta(hours=3)
    survey.append([make.decide("undo", undoes=first)])
    assert survey.snapshot().media == before.media


def test_people_correct_flanks_without_touching_the_reading(survey, make):
    make.passes(survey, 2)
    (side,) = survey.append([make.decide("flank", "p0", value="right")])
    survey.append([make.decide("usable", "p1", value="no: cut_off")])
    assert survey.flanks()["p0"].side == "right" and survey.flanks()["p0"].usable
    assert (survey.flanks()["p1"].usable, survey.flanks()["p1"].reason) == (False, "cut_off")
    assert survey.flank_readings("test 1")["p0"].side == "left"
    survey.append([make.decide("undo", undoes=side)])
    assert survey.flanks()["p0"].side == "left"


def test_a_side_told_for_a_photo_that_no_engine_read_makes_it_usable(survey, make):
    survey.add_evidence(make.evidence([make.media("p")]))
    survey.append([make.decide("flank", "p", value="both")])
    assert survey.flanks()["p"].usable and survey.flanks()["p"].side == "both"


def test_names_are_unique_whatever_their_case(survey, make):
    make.passes(survey, 3)
    survey.append([make.decide("new", one) for one in ("p0", "p1", "p2")])
    survey.append([make.decide("name", "p0", value=" Leo 133F ")])
    assert survey.identities().individuals["G001"].name == "Leo 133F"
    with pytest.raises(DecisionError, match="name of G001"):
        survey.append([make.decide("name", "p1", value="leo 133f")])
    with pytest.raises(DecisionError, match="is the name of"):
        survey.append([make.decide("name", "p1", value="Narva"), make.decide("name", "p2", value="Narva")])
    survey.append([make.decide("name", "p0", value="Leo 133F")])
    survey.append([make.decide("same", "p0", "p1"), make.decide("name", "p1", value="LEO 133F")])
    assert [one.name for one in survey.identities().individuals.values()] == ["LEO 133F", ""]


def test_a_name_that_was_undone_is_free_again(survey, make):
    make.passes(survey, 2)
    survey.append([make.decide("new", one) for one in ("p0", "p1")])
    (named,) = survey.append([make.decide("name", "p0", value="Narva")])
    survey.append([make.decide("undo", undoes=named)])
    assert survey.identities().individuals["G001"].name == ""
    survey.append([make.decide("name", "p1", value="Narva")])
    assert survey.identities().individuals["G002"].name == "Narva"


def test_renaming_from_another_photo_of_the_animal_replaces_the_name(survey, make):
    make.passes(survey, 2)
    survey.append([make.decide("same", "p0", "p1"), make.decide("name", "p0", value="Narva")])
    (renamed,) = survey.append([make.decide("name", "p1", value="Grom")])
    identities = survey.identities()
    assert identities.individuals["G001"].name == "Grom" and identities.conflicts == ()
    survey.append([make.decide("undo", undoes=renamed)])
    assert survey.identities().individuals["G001"].name == "Narva"


def test_naming_a_photo_without_a_flank_is_refused(survey, make):
    survey.add_evidence(make.evidence([make.media("p")]))
    make.read(survey)
    with pytest.raises(DecisionError, match="which side"):
        survey.append([make.decide("name", "p", side="unknown", value="Narva")])
    survey.append([make.decide("name", "p", side="right", value="Narva")])
    assert survey.identities().individuals["G001"].name == "Narva"


def test_an_empty_batch_is_no_trouble(survey):
    assert survey.append([]) == []


def test_decisions_outlive_the_program(survey, make):
    make.passes(survey, 2)
    survey.append([make.decide("same", "p0", "p1")])
    expected = survey.snapshot()
    with open_survey(survey.folder) as again:
        assert again.snapshot() == expected
