from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.identity import (
    Calibration,
    Costs,
    Judgement,
    Sighting,
    calibrate,
    decide_identities,
    expected_calibration_error,
    photos_to_compare,
    settle_sides,
)
from ghostcat.identity.grouping import Evidence, group_passes


def survey(seed: int, animals: int = 8, visits: int = 5, *, hit: float = 0.7, side: float = 0.75):
    """Sightings by facing cameras, scores as the real ones are spread, and who is who."""
    rng = np.random.default_rng(seed)
    sightings, animal, flank = [], {}, {}
    for e in range(animals * visits):
        a_sees_right = rng.random() < 0.5
        for slot in "AB":
            right = a_sees_right == (slot == "A")
            name = f"E{e:03d}{slot}"
            correct = rng.random() < side
            sightings.append(
                Sighting(
                    photo=name,
                    encounter=f"E{e:03d}",
                    camera=f"S{e % 7}{slot}",
                    station=f"S{e % 7}",
                    slot=slot,
                    time_s=e * 400_000.0,
                    right=0.75 if correct == right else 0.25,
                    quality=0.8,
                )
            )
            animal[name], flank[name] = e % animals, right
    real, decoys = [], []
    for i, one in enumerate(sightings):
        for other in sightings[i + 1 :]:
            a, b = one.photo, other.photo
            if one.encounter == other.encounter:
                continue
            same = animal[a] == animal[b] and flank[a] == flank[b]
            if rng.random() < (hit if same else 0.008):
                real.append((a, b, float(np.exp(rng.normal(1.3, 0.8) if same else rng.normal(-1.2, 0.7)))))
            if rng.random() < 0.01:
                decoys.append((a, b, float(np.exp(rng.normal(-1.2, 0.7)))))
    return sightings, real, decoys, animal, flank


def test_a_survey_is_sorted_into_its_animals():
    sightings, real, decoys, animal, flank = survey(3)
    outcome = decide_identities(sightings, real, decoys)
    assert outcome.individuals == 8
    for group in outcome.groups:
        assert len({animal[f"{e}A"] for e in group}) == 1
    assert np.mean([(outcome.sides[p][0] == "right") == flank[p] for p in flank]) > 0.95


@pytest.mark.parametrize("seed", range(6))
def test_the_number_of_animals_is_right_within_fifteen_percent(seed):
    sightings, real, decoys, *_ = survey(100 + seed, animals=12, visits=5)
    assert abs(decide_identities(sightings, real, decoys).individuals - 12) <= 1.8


def test_the_order_of_rows_does_not_matter():
    sightings, real, decoys, *_ = survey(5)
    rng = np.random.default_rng(0)
    one = decide_identities(sightings, real, decoys)
    shuffled = [sightings[i] for i in rng.permutation(len(sightings))]
    turned = [(b, a, s) for a, b, s in (real[i] for i in rng.permutation(len(real)))]
    two = decide_identities(shuffled, turned, decoys[::-1])
    assert one.groups == two.groups
    assert one.nodes == two.nodes
    assert one.sides == two.sides
    assert one.questions == two.questions


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_left_is_never_joined_with_right(seed):
    sightings, real, decoys, *_ = survey(seed, animals=4, visits=3, side=0.6)
    outcome = decide_identities(sightings, real, decoys)
    for link in (*outcome.links, *outcome.questions):
        assert outcome.sides[link.photo_a][0] == outcome.sides[link.photo_b][0] == link.flank


def test_the_word_of_a_person_binds():
    sightings, real, decoys, animal, _ = survey(7)
    apart = Judgement(photo_a="E000A", photo_b="E008A", same=False)
    together = Judgement(photo_a="E001A", photo_b="E002A", same=True)
    assert animal["E000A"] == animal["E008A"] and animal["E001A"] != animal["E002A"]
    outcome = decide_identities(sightings, real, decoys, judgements=[apart, together])
    home = {e: k for k, group in enumerate(outcome.groups) for e in group}
    assert home.get("E000") != home.get("E008")
    assert home["E001"] == home["E002"]


def test_nobody_is_at_two_places_at_once():
    sightings, real, decoys, animal, _ = survey(7)
    moved = []
    for s in sightings:
        where = {"east_m": 1000.0 * int(s.station[1]), "north_m": 0.0}
        time = sightings[0].time_s if s.encounter == "E008" else s.time_s
        moved.append(Sighting(**{**s.__dict__, **where, "time_s": time}))
    assert animal["E000A"] == animal["E008A"]
    outcome = decide_identities(moved, real, decoys)
    assert not any({"E000", "E008"} <= set(group) for group in outcome.groups)


def test_labelled_flanks_take_precedence():
    sightings, real, decoys, *_ = survey(2)
    labelled = [
        Sighting(**{**s.__dict__, "labelled": "left"}) if s.photo == "E000A" else s for s in sightings
    ]
    outcome = decide_identities(labelled, real, decoys)
    assert outcome.sides["E000A"][0] == "left" and outcome.sides["E000A"][1] > 0.99
    assert outcome.sides["E000B"][0] == "right"


def test_a_poor_pass_that_matches_nobody_is_asked_about_not_counted():
    sightings, real, decoys, *_ = survey(4)
    poor = Sighting(photo="Z", encounter="Z", camera="S9A", station="S9", quality=0.05, time_s=9e9)
    good = Sighting(photo="Y", encounter="Y", camera="S9A", station="S9", quality=0.9, time_s=8e9)
    outcome = decide_identities([*sightings, poor, good], real, decoys)
    state = {n.encounter: n.state for n in outcome.nodes}
    assert (state["Z"], state["Y"]) == ("ask", "new")
    assert outcome.individuals == 9


def test_a_left_and_a_right_half_may_be_one_animal():
    seen = [
        Sighting(photo=p, encounter=p, camera="c", station="s", labelled=side, quality=0.9)
        for p, side in (("a", "left"), ("b", "right"), ("d", "left"))
    ]
    outcome = decide_identities(seen, [], [])
    assert [n.state for n in outcome.nodes] == ["new"] * 3
    assert len(outcome.groups) == 3 and outcome.individuals == 2


def test_nothing_in_nothing_out():
    outcome = decide_identities([], [], [])
    assert outcome.individuals == 0 and outcome.nodes == () and outcome.questions == ()


def test_a_photo_listed_twice_is_refused():
    s = Sighting(photo="a", encounter="e", camera="c", station="s")
    with pytest.raises(ParameterError, match="twice"):
        decide_identities([s, s], [], [])


def test_the_best_photos_of_a_burst_are_compared():
    burst = [
        Sighting(photo=f"p{k}", encounter="e", camera="c", station="s", quality=k / 10) for k in range(6)
    ]
    assert photos_to_compare(burst, most=2) == ["p4", "p5"]


def test_one_chance_match_does_not_chain_two_groups():
    found = {(u, v): 6.0 for g in (range(5), range(5, 10)) for u in g for v in g if u < v}
    chance = {**found, (2, 7): 5.0}
    flanks = tuple(frozenset({"left"}) for _ in range(10))
    grouping = group_passes(
        Evidence(passes=10, flanks=flanks, found={"left": chance}, miss=-1.0, prior=-2.5), accept=0.75
    )
    assert sorted(map(len, grouping.groups)) == [5, 5]


def test_one_mixed_up_pass_does_not_vouch_for_a_whole_group():
    found = {(u, v): 6.0 for g in (range(5), range(5, 10)) for u in g for v in g if u < v}
    bridge = {**found, **{(min(2, v), max(2, v)): 6.0 for v in range(5, 10)}}
    flanks = tuple(frozenset({"left"}) for _ in range(10))
    grouping = group_passes(
        Evidence(passes=10, flanks=flanks, found={"left": bridge}, miss=-1.0, prior=-2.5), accept=0.75
    )
    assert sorted(map(len, grouping.groups)) == [5, 5]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 40), max_size=60),
    st.lists(st.floats(0, 5), max_size=60),
)
def test_a_higher_score_is_never_less_likely_the_same(real, decoys):
    fit = calibrate(real, decoys)
    p = fit.probability(np.concatenate([[0.0], np.geomspace(0.01, 100, 200)]))
    assert np.isfinite(p).all() and (np.diff(p) >= 0).all()
    assert fit.miss < 0


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_mean_what_they_say(seed):
    rng = np.random.default_rng(seed)
    count, share, hit = 6000, 0.08, 0.65
    same = rng.random(count) < share
    score = np.where(
        rng.random(count) < np.where(same, hit, 0.01),
        np.exp(np.where(same, rng.normal(1.3, 0.8, count), rng.normal(-1.1, 0.7, count))),
        0.0,
    )
    decoy = np.where(rng.random(count) < 0.01, np.exp(rng.normal(-1.1, 0.7, count)), 0.0)
    fit = calibrate(score, decoy)
    assert fit.prior == pytest.approx(share, rel=0.25)
    assert expected_calibration_error(fit.probability(score), same) < 0.03


def test_judgements_teach_the_calibration():
    decoys = np.full(200, 0.0)
    judged = [(0.9, True)] * 60 + [(0.2, False)] * 60
    before = calibrate([], decoys)
    after = calibrate(np.full(50, 0.9), decoys, judged=judged)
    assert after.probability(0.9)[0] > before.probability(0.9)[0]
    assert isinstance(before, Calibration)


def test_facing_cameras_and_matches_settle_flanks():
    # 0 and 1 face each other, 2 and 3 too; 0 matches 2. One outline is sure, one is misled.
    settled = settle_sides([2.0, 0.1, -0.3, 0.0], [(0, 1, -6.0), (2, 3, -6.0), (0, 2, 4.0)])
    assert settled.right.tolist() == [True, False, True, False]
    known = settle_sides([2.0, 0.1, -20.0, 0.0], [(0, 1, -6.0), (2, 3, -6.0), (0, 2, 4.0)], known=[2])
    assert known.right.tolist() == [False, True, False, True]


def test_costs_set_the_threshold():
    assert Costs().accept == 0.75
    assert Costs(false_merge=1.0).accept == 0.5
