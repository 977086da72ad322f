"""Do the figures of lineages say what is so: nobody on top of another, few crossings, kin side by side?"""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.language import wording
from ghostcat.report.figures.diversity_time import TimeLine, draw_time_lines
from ghostcat.report.figures.kinship_map import KINSHIP_RAMP, draw_kinship_map, kin_order
from ghostcat.report.figures.pedigree_drawing import DrawnAnimal, draw_pedigree
from ghostcat.report.figures.pedigree_layout import _apart, _Graph, lay_out_pedigree


def random_pedigree(seed: int, n: int) -> tuple[list[int], list[int]]:
    """Dam and sire of animals in birth order; a quarter have a parent that is not known."""
    rng = np.random.default_rng(seed)
    dam, sire = [-1] * 6, [-1] * 6
    for i in range(6, n):
        pool = np.arange(max(0, i - 40), i)
        a, b = rng.choice(pool, 2, replace=False)
        dam.append(int(a) if rng.random() < 0.85 else -1)
        sire.append(int(b) if rng.random() < 0.85 else -1)
    return dam, sire


@given(seed=st.integers(0, 200), n=st.integers(7, 60))
@settings(max_examples=30, deadline=None)
def test_young_stand_below_their_parents_and_nobody_on_another(seed, n):
    dam, sire = random_pedigree(seed, n)
    drawn = lay_out_pedigree(dam, sire)
    for child, parents in enumerate(zip(dam, sire, strict=True)):
        for parent in parents:
            if parent >= 0:
                assert drawn.y[child] > drawn.y[parent] + 20
    for a, b in combinations(range(n), 2):
        assert max(abs(drawn.x[a] - drawn.x[b]), abs(drawn.y[a] - drawn.y[b])) >= 20
    assert min(drawn.x) >= 15 and max(drawn.x) <= drawn.width - 15
    assert max(drawn.y) <= drawn.height - 20
    known = sum(max(pair) >= 0 for pair in zip(dam, sire, strict=True))
    assert sum(len(family.children) for family in drawn.families) == known


def test_two_hundred_animals_stay_readable():
    """Symbols far enough apart for their names, within the width of a page, crossings far below the start."""
    dam, sire = random_pedigree(4, 200)
    drawn = lay_out_pedigree(dam, sire)
    assert drawn.width < 2400
    rows: dict[float, list[float]] = {}
    for x, y in zip(drawn.x, drawn.y, strict=True):
        rows.setdefault(round(y, 1), []).append(x)
    nearest = min(b - a for row in rows.values() for a, b in zip(sorted(row), sorted(row)[1:], strict=False))
    assert nearest >= 40
    pairs: dict[tuple[int, int], list[int]] = {}
    for child, pair in enumerate(zip(dam, sire, strict=True)):
        if max(pair) >= 0:
            pairs.setdefault(pair, []).append(child)
    raw = _Graph(list(drawn.generation), pairs)
    assert drawn.crossings < 0.5 * raw.crossings()


def test_a_tree_has_no_crossing():
    """Three unrelated couples, their young in turn, given in a muddled order."""
    dam = [-1] * 6 + [0, 2, 4, 0, 2, 4]
    sire = [-1] * 6 + [1, 3, 5, 1, 3, 5]
    assert lay_out_pedigree(dam, sire).crossings == 0


def test_crossings_are_counted_as_by_looking_at_every_two_lines():
    dam, sire = random_pedigree(2, 40)
    drawn = lay_out_pedigree(dam, sire)
    pairs: dict[tuple[int, int], list[int]] = {}
    for child, pair in enumerate(zip(dam, sire, strict=True)):
        if max(pair) >= 0:
            pairs.setdefault(pair, []).append(child)
    graph = _Graph(list(drawn.generation), pairs)
    slow = 0
    for above, below in zip(graph.layers, graph.layers[1:], strict=False):
        at = {node: k for k, node in enumerate(below)}
        lines = [(i, at[end]) for i, node in enumerate(above) for end in graph.down[node]]
        slow += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(lines, 2))
    assert graph.crossings() == slow > 0


@given(wish=st.lists(st.floats(-100, 100), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_neighbours_are_moved_apart_as_little_as_can_be(wish):
    gaps = [0.0] + [10.0] * (len(wish) - 1)
    placed = _apart(wish, gaps)
    assert all(b - a >= 10 - 1e-6 for a, b in pairwise(placed))
    assert np.mean(placed) == pytest.approx(np.mean(wish), abs=1e-6)


def test_an_animal_that_is_its_own_ancestor_cannot_be_drawn():
    with pytest.raises(ValueError, match="own ancestor"):
        lay_out_pedigree([1, 0], [-1, -1])


def test_symbols_say_sex_and_life():
    animals = [
        DrawnAnimal(name="A", sex="female", living=True, dam=-1, sire=-1),
        DrawnAnimal(name="B", sex="male", living=False, dam=-1, sire=-1),
        DrawnAnimal(name="C", sex="", living=True, dam=0, sire=1, lit=True, chosen=True),
    ]
    svg = str(draw_pedigree(animals, label="kin").svg)
    assert len(re.findall(r'<circle[^>]*class="living"', svg)) == 1
    assert len(re.findall(r'<rect[^>]*class="dead"', svg)) == 1
    assert len(re.findall(r'<line[^>]*class="dead"', svg)) == 1
    assert len(re.findall(r'<path[^>]*class="living"', svg)) == 1
    assert len(re.findall(r'class="chosen"', svg)) == 1


def test_kin_stand_side_by_side():
    f = 0.5 * np.eye(6)
    for a, b in ((0, 3), (1, 4), (2, 5)):
        f[a, b] = f[b, a] = 0.25
    order = kin_order(f)
    at = {animal: k for k, animal in enumerate(order)}
    assert all(abs(at[a] - at[b]) == 1 for a, b in ((0, 3), (1, 4), (2, 5)))
    drawn = draw_kinship_map(f, list("abcdef"), label="kin")
    assert drawn.highest == 0.25 and drawn.named


def test_the_ramp_grows_darker_evenly_for_every_eye():
    """Lightness falls at every step, so that it reads in grey and for every colour vision."""
    light = [
        sum(w * int(c[i : i + 2], 16) for w, i in ((0.2126, 1), (0.7152, 3), (0.0722, 5)))
        for c in KINSHIP_RAMP
    ]
    steps = [a - b for a, b in pairwise(light)]
    assert all(step > 12 for step in steps)


def test_one_animal_makes_a_map_of_nothing_but_does_not_fail():
    assert draw_kinship_map(np.array([[0.5]]), ["a"], label="kin").highest == 0.5


def test_lines_carry_their_interval_and_end_where_the_animals_do():
    years = np.arange(11)
    middle = np.linspace(0.9, 0.5, 11)
    gone = np.where(years > 6, np.nan, middle)
    lines = [
        TimeLine(name="kept", middle=middle, lower=middle - 0.05, upper=middle + 0.05),
        TimeLine(name="gone", middle=gone, lower=gone - 0.1, upper=gone + 0.1),
    ]
    svg = str(
        draw_time_lines(
            years, lines, wording("en"), x_title="year", y_title="GD", label="x", marks=[(0.9, "goal")]
        )
    )
    paths = re.findall(r'<path d="([^"]*)"[^>]*class="line"', svg)
    assert [path.count("L") + 1 for path in paths] == [11, 7]
    assert svg.count('class="band"') == 2 and "goal" in svg and "kept" in svg
    assert "nan" not in svg
