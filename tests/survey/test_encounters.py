"""Passes and encounters."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.photos.passes import group_passes
from ghostcat.survey.encounters import group_encounters
from ghostcat.survey.evidence import Detection

MOMENTS = st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from("abc")), max_size=40)


@given(MOMENTS, st.integers(0, 4000))
def test_a_pass_is_a_chain_of_photos_of_one_place(moments, gap):
    passes = group_passes([time for time, _ in moments], [place for _, place in moments], gap_s=gap)
    groups: dict[int, list[tuple[int, str]]] = {}
    for moment, number in zip(moments, passes.tolist(), strict=True):
        groups.setdefault(number, []).append(moment)
    assert sorted(groups) == list(range(len(groups)))
    for group in groups.values():
        times = sorted(time for time, _ in group)
        assert len({place for _, place in group}) == 1
        assert all(later - earlier <= gap for earlier, later in pairwise(times))
    spans = [
        (place, min(t for t, _ in g), max(t for t, _ in g)) for g in groups.values() for place in [g[0][1]]
    ]
    for one in spans:
        for other in spans:
            if one[0] == other[0] and one[1] > other[2]:
                assert one[1] - other[2] > gap
    starts = [min(time for time, _ in groups[number]) for number in sorted(groups)]
    assert starts == sorted(starts)


@given(MOMENTS, st.randoms(use_true_random=False))
def test_the_order_of_the_photos_does_not_matter(moments, chance):
    order = list(range(len(moments)))
    chance.shuffle(order)
    straight = group_passes([t for t, _ in moments], [p for _, p in moments])
    shuffled = group_passes([moments[i][0] for i in order], [moments[i][1] for i in order])
    np.testing.assert_array_equal(straight[order], shuffled)


def test_passes_refuse_what_they_cannot_group():
    with pytest.raises(ParameterError, match="2 times for 1"):
        group_passes([1, 2], ["a"])
    with pytest.raises(ParameterError, match="finite"):
        group_passes([1, float("nan")], ["a", "a"])
    with pytest.raises(ParameterError, match="negative"):
        group_passes([1], ["a"], gap_s=-1)
    assert len(group_passes([], [])) == 0


def grouped(make, photos, *, detections=(), **more):
    deployments = [
        make.deployment("S1A"),
        make.deployment("S1B", slot="B"),
        make.deployment("S2A", station="S2"),
    ]
    snapshot = make.snapshot(
        make.evidence(photos, deployments=deployments, stations=[make.station(), make.station("S2")])
    )
    return group_encounters(snapshot.media.values(), snapshot.deployments, detections, **more)


def test_all_cameras_of_a_station_see_one_encounter(make):
    encounters = grouped(
        make,
        [
            make.media("b", deployment="S1B", minutes=0),
            make.media("a", minutes=29),
            make.media("c", minutes=58),
            make.media("d", minutes=89),
            make.media("e", deployment="S2A", minutes=1),
        ],
    )
    assert {key: one.media_ids for key, one in encounters.items()} == {
        "b": ("b", "a", "c"),
        "e": ("e",),
        "d": ("d",),
    }
    assert [one.station_id for one in encounters.values()] == ["S1", "S2", "S1"]
    assert len(grouped(make, [make.media("a"), make.media("b", minutes=3)], gap_minutes=2)) == 2


def test_the_id_of_simultaneous_photos_is_the_smaller_one(make):
    assert list(grouped(make, [make.media("z"), make.media("y", deployment="S1B")])) == ["y"]


@pytest.mark.parametrize("state", ["pending", "missing", "unreadable", "duplicate"])
def test_only_readable_photos_with_a_time_count(make, state):
    photos = [make.media("a"), make.media("b", minutes=None), make.media("c")]
    snapshot = make.snapshot(make.evidence(photos))
    media = [*snapshot.media.values()]
    media[2] = replace(media[2], state=state)
    (encounter,) = group_encounters(media, snapshot.deployments).values()
    assert encounter.media_ids == ("a",)


def test_people_cars_and_emptiness_are_no_encounter(make):
    def seen(photo, category, **more):
        return Detection(id=f"{photo}{category}", media_id=photo, category=category, origin="x", **more)

    detections = [
        seen("a", "empty"),
        seen("b", "person"),
        seen("b", "animal"),
        seen("c", "vehicle"),
        seen("d", "unknown"),
        seen("f", "animal", species="Sus scrofa"),
        seen("g", "animal", species="panthera pardus"),
    ]
    photos = [make.media(key, minutes=n) for n, key in enumerate("abcdefg")]
    (encounter,) = grouped(make, photos, detections=detections).values()
    assert encounter.media_ids == ("b", "d", "e", "f", "g")
    (encounter,) = grouped(make, photos, detections=detections, species=["Panthera pardus"]).values()
    assert encounter.media_ids == ("b", "d", "e", "g")
