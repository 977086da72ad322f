"""Individuals computed from decisions: merge, split, conflict, halves and names."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.survey.decisions import corrected_flanks
from ghostcat.survey.encounters import group_encounters
from ghostcat.survey.evidence import Decision, Detection, Flank
from ghostcat.survey.identities import compute_identities

START = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """Passes `a`, `b`, `c` … two hours apart; `a1l` is the first photo of pass `a`, its left flank."""

    def __init__(self, make, sides: dict[str, str]) -> None:
        self.make = make
        photos, self.flanks = [], {}
        for pass_number, (name, shown) in enumerate(sides.items()):
            for n, side in enumerate(shown):
                key = f"{name}{side}" if n < 2 else f"{name}{side}{n}"
                photos.append(make.media(key, minutes=120.0 * pass_number + n))
                where = {"l": "left", "r": "right", "b": "both", "u": "unknown"}[side]
                self.flanks[key] = Flank(
                    media_id=key, side=where, usable=where != "unknown", quality=0.5 + n / 10
                )
        snapshot = make.snapshot(make.evidence(photos))
        self.encounters = group_encounters(snapshot.media.values(), snapshot.deployments)
        self.log: list[Decision] = []

    def say(self, kind, a="", b="", **more) -> Decision:
        number = len(self.log) + 1
        if "by" in more:
            by = more.pop("by")
            more["actor"], more["actor_kind"] = by, "laboratory" if by == "lab" else "person"
        sides = {"l": "left", "r": "right"}
        more.setdefault("side_a", sides.get(a[1:2], "unknown"))
        more.setdefault("side_b", sides.get(b[1:2], "unknown"))
        made = self.make.decide(kind, a, b, id=number, made_at=START + timedelta(minutes=number), **more)
        self.log.append(made)
        return made

    def model(self, kind, a, b="", *, run="1", confidence=0.9) -> Decision:
        return self.say(kind, a, b, actor="m", actor_kind="model", shown={"run": run}, confidence=confidence)

    def undo(self, one: Decision) -> Decision:
        return self.say("undo", undoes=one.id)

    def compute(self, detections=()):
        return compute_identities(
            self.log, self.encounters, corrected_flanks(self.flanks, self.log), detections
        )

    def animals(self, detections=()) -> list[str]:
        """The passes of each animal, for example `ab` for one seen in passes a and b."""
        found = self.compute(detections).individuals.values()
        return ["".join(key[0] for key in one.encounter_ids) for one in found]


@pytest.fixture
def lefts(make) -> World:
    return World(make, dict.fromkeys("abcdef", "l"))


def codes(world: World) -> list[str]:
    return [one.code for one in world.compute().conflicts]


def test_nobody_is_an_individual_until_somebody_says_so(lefts):
    identities = lefts.compute()
    assert identities.individuals == {}
    assert [node.encounter_id for node in identities.unresolved] == ["al", "bl", "cl", "dl", "el", "fl"]


def test_animals_are_numbered_by_first_sighting(lefts):
    lefts.say("new", "cl")
    lefts.say("same", "fl", "bl")
    identities = lefts.compute()
    assert {key: one.encounter_ids for key, one in identities.individuals.items()} == {
        "G001": ("bl", "fl"),
        "G002": ("cl",),
    }
    assert identities.owner[("fl", "left")] == "G001"
    assert [node.encounter_id for node in identities.unresolved] == ["al", "dl", "el"]


def test_merge_and_split_and_undo(lefts):
    lefts.model("same", "al", "bl")
    lefts.model("same", "cl", "dl")
    assert lefts.animals() == ["ab", "cd"]
    merged = lefts.say("same", "bl", "cl")
    assert lefts.animals() == ["abcd"]
    lefts.undo(merged)
    assert lefts.animals() == ["ab", "cd"]
    split = lefts.say("different", "al", "bl")
    assert lefts.animals() == ["a", "b", "cd"]
    lefts.undo(split)
    assert lefts.animals() == ["ab", "cd"]


def test_a_person_outweighs_a_laboratory_and_that_a_model(lefts):
    lefts.model("same", "al", "bl")
    lefts.say("different", "al", "bl", by="lab")
    assert lefts.animals() == ["a", "b"]
    lefts.say("same", "al", "bl", by="Ana")
    assert lefts.animals() == ["ab"]
    lefts.model("different", "al", "bl")
    assert lefts.animals() == ["ab"]


def test_the_latest_word_of_a_person_counts(lefts):
    lefts.say("same", "al", "bl")
    lefts.say("different", "bl", "al")
    assert lefts.animals() == ["a", "b"]
    lefts.say("same", "al", "bl")
    assert lefts.animals() == ["ab"]
    assert codes(lefts) == []


def test_people_who_disagree_are_reported_and_the_newer_word_is_followed(lefts):
    lefts.say("same", "al", "bl", by="Ana")
    lefts.say("different", "al", "bl", by="Li")
    assert codes(lefts) == ["reviewers_disagree"]
    assert "ab" not in lefts.animals()
    lefts.say("same", "al", "bl", by="Li")
    assert codes(lefts) == []
    assert lefts.animals() == ["ab"]


@pytest.mark.parametrize("word", ["unsure", "not_comparable"])
def test_who_looked_and_could_not_tell_silences_the_model_but_not_the_laboratory(lefts, word):
    lefts.model("same", "al", "bl")
    lefts.say(word, "al", "bl")
    assert "ab" not in lefts.animals()
    lefts.say("same", "al", "bl", by="lab")
    assert lefts.animals() == ["ab"]


def test_who_could_not_tell_does_not_outweigh_who_could(lefts):
    lefts.say("same", "al", "bl", by="Ana")
    lefts.say("unsure", "al", "bl", by="Li")
    assert lefts.animals() == ["ab"]


def test_only_the_latest_run_of_a_model_counts(lefts):
    lefts.model("same", "al", "bl", run="1")
    lefts.model("new", "cl", run="1")
    lefts.model("same", "cl", "dl", run="2")
    assert lefts.animals() == ["cd"]


def test_a_link_that_would_join_a_different_pair_is_refused_and_reported(lefts):
    lefts.say("different", "al", "cl")
    lefts.model("same", "al", "bl", confidence=0.99)
    lefts.model("same", "bl", "cl", confidence=0.9)
    assert lefts.animals() == ["ab", "c"]  # the surer link is kept
    (finding,) = lefts.compute().conflicts
    assert finding.code == "model_link_refused" and finding.severity == "note"
    assert set(finding.ids) >= {"al", "bl", "cl"} and finding.fix


def test_contradicting_people_are_a_conflict_and_different_wins(lefts):
    lefts.say("different", "al", "cl")
    lefts.say("same", "al", "bl")
    lefts.say("same", "bl", "cl")
    (finding,) = lefts.compute().conflicts
    assert finding.code == "identity_conflict" and finding.severity == "warning"
    assert lefts.animals() == ["a", "bc"]  # the newer link is kept
    lefts.undo(lefts.log[0])
    assert lefts.animals() == ["abc"] and codes(lefts) == []


def test_a_laboratory_overruled_by_people_is_reported(lefts):
    lefts.say("different", "al", "cl", by="lab")
    lefts.say("same", "al", "bl")
    lefts.say("same", "bl", "cl")
    assert lefts.animals() == ["abc"]
    assert codes(lefts) == ["identity_conflict"]


def test_a_model_that_held_two_animals_apart_does_not_undo_a_merge(lefts):
    lefts.model("same", "al", "bl")
    lefts.model("same", "cl", "dl")
    lefts.model("different", "al", "cl")
    assert lefts.animals() == ["ab", "cd"]
    lefts.say("same", "bl", "dl")
    assert lefts.animals() == ["abcd"]


def test_new_by_a_person_holds_against_every_later_run(lefts):
    lefts.model("same", "al", "bl", run="1")
    lefts.model("same", "bl", "cl", run="1")
    assert lefts.animals() == ["abc"]
    lefts.say("new", "cl")
    assert lefts.animals() == ["ab", "c"]
    lefts.model("same", "al", "bl", run="2")
    lefts.model("same", "al", "cl", run="2")
    lefts.model("same", "cl", "dl", run="2")  # d came later: it may be c
    assert lefts.animals() == ["ab", "cd"]
    lefts.say("same", "cl", "al")  # a person's later word takes the `new` back
    assert lefts.animals() == ["abcd"]


def test_new_closes_through_others_too(lefts):
    lefts.model("new", "al", run="1")
    lefts.say("new", "cl")
    lefts.model("same", "al", "bl", run="2")
    lefts.model("same", "bl", "cl", run="2", confidence=0.5)
    assert lefts.animals() == ["ab", "c"]


def test_one_pass_that_shows_both_flanks_joins_the_halves(make):
    world = World(make, {"a": "lr", "b": "l", "c": "r", "d": "r"})
    world.model("same", "al", "bl")
    world.model("same", "ar", "cr")
    world.model("new", "dr")
    individuals = world.compute().individuals
    assert world.animals() == ["abc", "d"]
    assert [(one.joined, one.counted) for one in individuals.values()] == [(True, True), (False, True)]
    assert individuals["G001"].left_media == ("al", "bl")
    assert individuals["G001"].right_media == ("ar", "cr")


def test_a_photo_of_both_flanks_is_both_halves(make):
    world = World(make, {"a": "b", "b": "l", "c": "r"})
    world.say("same", "bl", "ab")
    world.say("same", "cr", "ab")
    assert world.animals() == ["abc"]
    assert world.compute().individuals["G001"].left_media == ("ab", "bl")


def test_a_model_never_joins_left_to_right_even_if_it_got_into_the_log(make):
    world = World(make, {"a": "l", "b": "r"})
    world.model("same", "al", "br")
    assert world.animals() == []
    world.say("same", "al", "br")
    assert world.animals() == ["ab"]
    assert world.compute().individuals["G001"].joined


def test_two_animals_in_one_pass_do_not_join_its_halves(make):
    world = World(make, {"a": "lr"})
    world.say("new", "al")
    world.say("new", "ar")
    assert world.animals() == ["a"]
    pair = Detection(id="d", media_id="al", category="animal", origin="human:x", count=2)
    assert world.animals([pair]) == ["a", "a"]
    box = (0.1, 0.1, 0.2, 0.2)
    boxes = [
        Detection(id=f"d{n}", media_id="ar", category="animal", origin="md", box=box, confidence=0.8)
        for n in range(2)
    ]
    assert world.animals(boxes) == ["a", "a"]
    assert world.animals(boxes[:1]) == ["a"]
    split = world.say("different", "al", "ar")
    assert world.animals() == ["a", "a"] and codes(world) == []
    world.undo(split)
    assert world.animals() == ["a"]


def test_a_pass_that_would_join_what_a_person_holds_apart_is_a_conflict(make):
    world = World(make, {"a": "lr", "b": "lr"})
    world.say("same", "al", "bl")
    world.say("different", "ar", "br")
    found = world.compute()
    assert [one.code for one in found.conflicts] == ["identity_conflict"]
    assert len(found.individuals) == 1 and len(found.unresolved) == 1


def test_of_unjoined_halves_only_the_more_frequent_side_counts(make):
    world = World(make, {"a": "l", "b": "l", "c": "r", "d": "lr"})
    for photo in ("al", "bl", "cr", "dl", "dr"):
        world.say("new", photo)
    assert [(one.joined, one.counted) for one in world.compute().individuals.values()] == [
        (False, True),
        (False, True),
        (False, False),
        (True, True),
    ]
    world.say("usable", "al", value="no: blurred")
    world.log = [one for one in world.log if one.media_a != "al" or one.kind == "usable"]
    assert [one.counted for one in world.compute().individuals.values()] == [True, False, True]


def test_a_person_may_recognise_what_the_engine_could_not(make):
    world = World(make, {"a": "l", "b": "u"})
    world.say("same", "al", "bu", side_b="left")
    assert world.animals() == ["ab"]
    world.log.clear()
    world.model("same", "al", "bu")
    assert world.animals() == []


def test_photos_are_sorted_by_quality(make):
    world = World(make, {"a": "l", "b": "lll"})
    world.say("same", "al", "bl")
    assert world.compute().individuals["G001"].left_media == ("bl2", "bl", "al")


def test_sex_is_what_people_decide_else_what_most_notes_say(lefts):
    lefts.say("same", "al", "bl")
    notes = [
        Detection(id=str(n), media_id=photo, category="animal", origin="x", sex=sex)
        for n, (photo, sex) in enumerate([("al", "male"), ("al", "male"), ("bl", "female"), ("cl", "female")])
    ]
    assert lefts.compute(notes).individuals["G001"].sex == "male"
    assert lefts.compute(notes[1:3]).individuals["G001"].sex == ""
    decided = lefts.say("sex", "bl", value="female")
    assert lefts.compute(notes).individuals["G001"].sex == "female"
    lefts.say("sex", "bl", value="unknown")
    assert lefts.compute(notes).individuals["G001"].sex == ""
    lefts.undo(lefts.log[-1])
    lefts.undo(decided)
    assert lefts.compute(notes).individuals["G001"].sex == "male"


def test_two_named_animals_that_are_merged_keep_the_earlier_name(lefts):
    lefts.say("name", "bl", value="Narva")
    lefts.say("name", "al", value="Grom")
    assert lefts.animals() == ["a", "b"]
    lefts.say("same", "al", "bl")
    identities = lefts.compute()
    assert [one.name for one in identities.individuals.values()] == ["Narva"]
    assert [one.code for one in identities.conflicts] == ["two_names"]


def test_an_animal_named_twice_and_then_split_leaves_one_holder(lefts):
    joined = lefts.say("same", "al", "bl")
    lefts.say("name", "al", value="Narva")
    lefts.say("name", "bl", value="narva")
    assert [one.name for one in lefts.compute().individuals.values()] == ["narva"]
    lefts.undo(joined)
    identities = lefts.compute()
    assert [one.name for one in identities.individuals.values()] == ["Narva", ""]
    assert [one.code for one in identities.conflicts] == ["name_taken_twice"]


def test_an_animal_held_together_by_one_link_of_a_model_is_pointed_out(lefts):
    for a, b in ("ab", "cd"):
        lefts.say("same", f"{a}l", f"{b}l")
    weak = lefts.model("same", "bl", "cl")
    (finding,) = lefts.compute().conflicts
    assert finding.code == "weak_link" and finding.where == f"decision {weak.id}"
    assert "2 and 2 passes" in finding.message
    lefts.model("same", "al", "dl")  # a second link: neither alone holds it
    assert codes(lefts) == []


def test_a_chain_is_not_suspicious_at_its_ends(lefts):
    lefts.model("same", "al", "bl")
    lefts.model("same", "bl", "cl")
    assert codes(lefts) == []


def test_decisions_about_photos_outside_any_encounter_do_nothing(lefts):
    del lefts.encounters["al"]
    lefts.say("same", "al", "bl")
    lefts.say("name", "al", value="Narva")
    assert lefts.animals() == []


# -- what is true of every log ------------------------------------------------------------------------

NODES = [f"{name}{side}" for name in "abcde" for side in "lr"]
WORDS = st.sampled_from(["same", "different", "unsure", "not_comparable", "new"])
ACTORS = st.sampled_from(["Ana", "Li", "lab", "model"])
ENTRIES = st.lists(
    st.tuples(
        WORDS, ACTORS, st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from([0.5, 0.7, 0.9])
    ),
    max_size=14,
)


def told(world: World, entries) -> World:
    for kind, actor, a, b, confidence in entries:
        if kind == "new":
            b = ""
        elif a == b:
            continue
        if actor == "model":
            if b and a[1] != b[1]:
                continue
            world.model(kind, a, b, confidence=confidence)
        else:
            world.say(kind, a, b, by=actor, confidence=confidence)
    return world


@pytest.fixture(scope="module")
def build(make):
    return lambda: World(make, {"a": "lr", "b": "lr", "c": "l", "d": "r", "e": "lr"})


@given(ENTRIES, st.randoms(use_true_random=False))
def test_the_order_in_which_a_log_is_read_does_not_matter(build, entries, chance):
    world = told(build(), entries)
    expected = world.compute()
    chance.shuffle(world.log)
    assert world.compute() == expected


@given(ENTRIES)
def test_every_node_is_owned_once_or_waits(build, entries):
    world = told(build(), entries)
    found = world.compute()
    assert set(found.owner) | set(found.unresolved) <= {
        (one.id, side) for one in world.encounters.values() for side in ("left", "right")
    }
    assert not set(found.owner) & set(found.unresolved)
    assert set(found.owner.values()) == set(found.individuals)
    assert [one.encounter_ids[0] for one in found.individuals.values()] == sorted(
        (one.encounter_ids[0] for one in found.individuals.values()),
        key=lambda key: (world.encounters[key].start, key),
    )


@given(ENTRIES)
def test_nobody_is_joined_against_an_undisputed_word_of_a_person(build, entries):
    world = told(build(), entries)
    found = world.compute()
    said: dict[tuple[str, str], set[str]] = {}
    for one in world.log:
        if one.actor_kind == "person" and one.media_b:
            pair = tuple(sorted((one.media_a, one.media_b)))
            said.setdefault(pair, set()).add(one.kind)
    for (a, b), kinds in said.items():
        if kinds == {"different"}:
            owners = [found.owner.get((photo[0] + first(world, photo), side_of(photo))) for photo in (a, b)]
            assert None in owners or owners[0] != owners[1]


def first(world: World, photo: str) -> str:
    """Rest of the id of the photo's encounter: passes with both flanks begin with the left photo."""
    return "l" if f"{photo[0]}l" in world.encounters else "r"


def side_of(photo: str) -> str:
    return "left" if photo[1] == "l" else "right"


@given(ENTRIES)
def test_only_people_laboratories_and_passes_join_the_two_flanks(build, entries):
    world = told(build(), entries)
    world.log = [one for one in world.log if one.actor_kind == "model"]
    for animal in world.compute().individuals.values():
        if animal.joined:  # some pass of it showed both
            assert any(len(world.encounters[key].media_ids) == 2 for key in animal.encounter_ids)


@given(
    ENTRIES,
    st.tuples(WORDS, st.sampled_from(["Ana", "Li", "lab"]), st.sampled_from(NODES), st.sampled_from(NODES)),
)
def test_a_decision_and_its_undo_leave_no_trace(build, entries, extra):
    world = told(build(), entries)
    before = world.compute()
    length = len(world.log)
    told(world, [(*extra, 0.9)])
    if len(world.log) > length:
        world.undo(world.log[-1])
    assert world.compute() == before


@settings(max_examples=30)
@given(st.permutations([("a", "b"), ("c", "d"), ("e", "f")]))
def test_independent_people_may_speak_in_any_order(make, pairs):
    world = World(make, dict.fromkeys("abcdef", "l"))
    for person, (a, b) in zip(("Ana", "Li", "Ivan"), pairs, strict=True):
        world.say("same", f"{a}l", f"{b}l", by=person)
    assert world.animals() == ["ab", "cd", "ef"]


def test_model_links_are_taken_by_confidence_not_by_order(make):
    links = [("al", "bl", 0.99), ("bl", "cl", 0.8), ("cl", "dl", 0.95)]
    for order in itertools.permutations(links):
        world = World(make, dict.fromkeys("abcd", "l"))
        world.say("different", "al", "dl")
        for a, b, confidence in order:
            world.model("same", a, b, confidence=confidence)
        assert world.animals() == ["ab", "cd"]
