"""Omnidirectional current against what symmetry and conservation demand."""

from __future__ import annotations

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.landscape.omnidirectional import Condition, Window, moving_window, sources_from_conductance


def test_on_even_land_current_is_the_potential():
    even = np.ones((15, 15))
    found = moving_window(even, even, Window(radius=4, block=3), potential=True)
    assert found.targets == 25
    middle = found.normalised[5:10, 5:10]
    # The window is a disc, the potential's land its square: they differ by what flows in the corners.
    assert middle == pytest.approx(1.0, abs=0.12)
    assert found.current == pytest.approx(found.current[:, ::-1][:, ::-1])


def test_current_gathers_in_a_gap():
    land = np.ones((21, 21))
    land[10] = 1e-6
    land[10, 10] = 1.0
    found = moving_window(
        land, np.ones_like(land), Window(radius=6, average_resistances=True), potential=True
    )
    # Current that has no way round is forced through the barrier; the gap takes what it can.
    assert found.normalised[10, 10] > 5 * np.median(found.normalised[10])
    assert found.normalised[10, 10] > 3 * np.median(found.normalised)


def test_sources_of_another_class_give_nothing():
    land = np.ones((11, 11))
    classes = np.where(np.arange(11) < 5, 1.0, 2.0)[None, :] * np.ones((11, 1))
    same = Condition(present=classes, future=classes, equal=True)
    free = moving_window(land, land, Window(radius=3))
    held = moving_window(land, land, Window(radius=3, conditions=(same,)))
    assert held.current.sum() < free.current.sum()
    assert held.current[:, 0] == pytest.approx(free.current[:, 0], rel=0.35)


def test_blocks_come_near_to_single_cells():
    rng = np.random.default_rng(3)
    land = rng.uniform(0.5, 2.0, (33, 33))
    single = moving_window(land, np.ones_like(land), Window(radius=8))
    block = moving_window(land, np.ones_like(land), Window(radius=8, block=3))
    inner = (slice(8, 25), slice(8, 25))
    assert np.median(np.abs(block.current[inner] / single.current[inner] - 1)) < 0.08


def test_cut_off_and_bad_input():
    assert sources_from_conductance(np.array([0.5, np.nan, 2.0]), least=1.0) == pytest.approx([0, 0, 2])
    with pytest.raises(ParameterError, match="no centre"):
        Window(radius=3, block=2)
    with pytest.raises(ParameterError, match="radius 0"):
        Window(radius=0)
    with pytest.raises(ParameterError, match="no block"):
        moving_window(np.ones((5, 5)), np.zeros((5, 5)), Window(radius=2))
    with pytest.raises(ParameterError, match="shape"):
        moving_window(np.ones((5, 5)), np.zeros((4, 5)), Window(radius=2))
