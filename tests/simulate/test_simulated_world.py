"""A world's truth adds up, and the same seed gives the same world."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.simulate import (
    DEMO_SEED,
    WorldOptions,
    demo_options,
    simulate_captures,
    simulate_world,
    tiny_options,
    true_captures,
)

seeds = st.integers(0, 2**31)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_same_seed_gives_the_same_world(seed: int) -> None:
    a, b = (simulate_world(seed, options=tiny_options()) for _ in range(2))
    assert (a.stations, a.cameras, a.animals) == (b.stations, b.cameras, b.animals)
    assert (a.passages, a.shots) == (b.passages, b.shots)
    assert np.array_equal(a.cells_xy_m, b.cells_xy_m)
    assert simulate_world(seed + 1, options=tiny_options()).animals != a.animals


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_photos_come_only_from_cameras_that_worked(seed: int) -> None:
    world = simulate_world(seed, options=tiny_options())
    cameras = {camera.id: camera for camera in world.cameras}
    passages = {passage.id: passage for passage in world.passages}
    for shot in world.shots:
        # A burst that began in time may end a few seconds after the camera's last moment.
        start = passages[shot.passage].when if shot.passage else shot.when
        assert cameras[shot.camera].works_at(start)
        if shot.passage:
            assert shot.camera[-1] in passages[shot.passage].seen_by
            assert shot.animal == passages[shot.passage].animal
    for passage in world.passages:
        taken = {shot.camera[-1] for shot in world.shots if shot.passage == passage.id}
        assert taken == set(passage.seen_by)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_facing_cameras_see_opposite_flanks(seed: int) -> None:
    world = simulate_world(seed, options=tiny_options())
    for passage in world.passages:
        sides = {shot.camera[-1]: shot.side for shot in world.shots if shot.passage == passage.id}
        if len(sides) == 2:
            assert sides["A"] != sides["B"]
    headings = {camera.id: camera.heading_deg for camera in world.cameras}
    for name, heading in headings.items():
        if name.endswith("B"):
            assert (headings[name[:-1] + "A"] - heading) % 360 == 180


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_animals_live_in_the_habitat_and_visits_stay_apart(seed: int) -> None:
    world = simulate_world(seed, options=tiny_options())
    for animal in world.animals:
        away = np.abs(world.cells_xy_m - (animal.x_m, animal.y_m)).max(1)
        assert away.min() <= 500.1
    for station in world.stations:
        times = [p.when for p in world.passages if p.station == station.id]
        assert all(b - a >= timedelta(minutes=45) for a, b in pairwise(times))


def test_the_capture_table_counts_the_passes() -> None:
    world = simulate_world(DEMO_SEED, options=demo_options())
    everything = true_captures(world, usable_only=False)
    assert everything.counts.sum() == sum(bool(p.seen_by) for p in world.passages)
    captures = true_captures(world)
    assert captures.counts.sum() <= everything.counts.sum()
    assert (captures.counts.sum(1) > 0).all()
    assert captures.recaptures == captures.counts.sum() - len(captures.animals)
    assert captures.usage.max() <= world.options.days + 1
    broken = {c.station for c in world.cameras if c.breakdown is not None}
    whole = [k for k, s in enumerate(world.stations) if s.id not in broken]
    assert captures.usage[whole].min() > world.options.days - 1


def test_the_demo_can_carry_an_estimate() -> None:
    world = simulate_world(DEMO_SEED, options=demo_options())
    captures = true_captures(world)
    assert len(captures.animals) >= 12
    assert captures.recaptures >= 30
    assert captures.spatial_recaptures >= 20
    assert 15 <= len(world.animals) <= 40
    assert 150 <= len(world.shots) <= 250


def test_captures_follow_the_hazard() -> None:
    world = simulate_world(5, options=demo_options())
    drawn = [simulate_captures(seed, of=world) for seed in range(60)]
    home = {a.id: a for a in world.animals}
    choice = world.options
    expected = 0.0
    for animal in home.values():
        female = animal.sex == "F"
        sigma = choice.sigma_female_m if female else choice.sigma_male_m
        lambda0 = choice.lambda0_female if female else choice.lambda0_male
        d2 = ((drawn[0].traps_xy_m - (animal.x_m, animal.y_m)) ** 2).sum(1)
        expected += float((lambda0 * np.exp(-d2 / (2 * sigma**2)) * drawn[0].usage).sum())
    mean = float(np.mean([c.counts.sum() for c in drawn]))
    # Sum of Poisson counts: five standard errors of the mean of 60 draws.
    assert abs(mean - expected) < 5 * np.sqrt(expected / len(drawn))


def test_a_failure_changes_no_other_photo() -> None:
    sound = simulate_world(4, options=WorldOptions(stations=6, failure_share=0.0))
    frail = simulate_world(4, options=WorldOptions(stations=6, failure_share=1.0))
    of = {(s.passage, s.camera, s.when): s for s in sound.shots if s.passage}
    kept = [s for s in frail.shots if s.passage]
    assert 0 < len(kept) < len(of)
    for shot in kept:
        twin = of[shot.passage, shot.camera, shot.when]
        assert (shot.side, shot.fault, shot.pose) == (twin.side, twin.fault, twin.pose)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({"stations": 0}, "stations is 0"),
        ({"sigma_male_m": -1.0}, "sigma_male_m is -1.0"),
        ({"night_share": 1.5}, "night_share is 1.5"),
        ({"width_px": 20}, "20 × 600 px"),
    ],
)
def test_impossible_options_are_refused(bad: dict[str, float], word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        WorldOptions(**bad)  # type: ignore[arg-type]
