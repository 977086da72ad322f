from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.identity import (
    build_bank,
    candidates,
    draw_match,
    mirrored,
    prepare,
    score_pair,
    score_prepared,
)


def test_two_views_of_one_coat_agree_and_two_coats_do_not(seen):
    same = [score_pair(seen(c, 1), seen(c, 2)).score for c in range(1, 6)]
    different = [score_pair(seen(c, 1), seen(c + 1, 2)).score for c in range(1, 6)]
    assert min(same) > 2.0
    assert max(different) < 0.8 < min(same)


def test_points_of_a_pair_lie_where_the_coat_says(seen):
    pair = score_pair(seen(2, 1), seen(2, 1))
    assert pair.inliers > 100
    assert np.abs(pair.points_a - pair.points_b).max() < 1e-3
    assert (np.diff(pair.weights) <= 0).all()


@pytest.mark.parametrize("coat", range(1, 7))
def test_an_animal_never_matches_its_own_mirror_image(seen, coat):
    for view in (1, 2):
        assert score_pair(seen(coat, 1), mirrored(seen(coat, view))).score < 0.8


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(1, 3))
def test_the_order_of_two_photos_does_not_matter(seen, a, b, view_a, view_b):
    here, there = seen(a, view_a), seen(b, view_b)
    forth, back = score_pair(here, there), score_pair(there, here)
    assert forth.score == back.score
    assert forth.inliers == back.inliers
    assert np.array_equal(forth.points_a, back.points_b)


def test_nothing_to_match_scores_nothing(seen):
    blank = type(seen(1, 1))(
        keypoints=np.zeros((0, 4), np.float32),
        descriptors=np.zeros((0, 128), np.uint8),
        outline=np.zeros((0, 2), np.float32),
        body_px=(10, 10),
        origin_px=(0.0, 0.0),
        scale=1.0,
    )
    pair = score_pair(seen(1, 1), blank)
    assert (pair.score, pair.inliers) == (0.0, 0)


def test_the_shortlist_finds_the_other_photo_of_the_animal(seen):
    coats = [c for c in range(1, 9) for _ in (1, 2)]
    features = [seen(c, v) for c in range(1, 9) for v in (1, 2)]
    bank = build_bank(features, range(len(features)))
    for row, coat in enumerate(coats):
        real, decoys = candidates(bank, row, most=3)
        assert real[0] != row and coats[real[0]] == coat
        assert len(decoys) <= 3


def test_photos_of_one_pass_are_not_proposed_to_each_other(seen):
    bank = build_bank([seen(1, 1), seen(1, 2), seen(2, 1)], [0, 0, 1])
    assert 1 not in candidates(bank, 0)[0]


def test_background_alone_identifies_nobody(seen):
    # Different coats before the very same scene, and the scene with the animal taken out.
    for c in range(1, 5):
        assert score_pair(seen(c, 1, scene=5), seen(c + 10, 2, scene=5)).score < 0.8
    empty = [seen(c, c % 3, scene=c // 2, animal=False) for c in range(4)]
    real = [seen(c, c % 3, scene=c // 2) for c in range(4)]
    for hole in empty:
        for animal in real:
            score = score_prepared(prepare(hole), prepare(animal))[0]
            assert score < 0.8


def test_the_picture_for_a_person_shows_both_photos(seen, take_photo):
    (a, _), (b, _) = take_photo(1, 1), take_photo(1, 2)
    pair = score_pair(seen(1, 1), seen(1, 2))
    picture = draw_match(a, b, seen(1, 1), seen(1, 2), pair)
    plain = draw_match(a, b, seen(1, 1), seen(1, 2), score_pair(seen(1, 1), seen(2, 2)))
    assert picture.dtype == np.uint8 and picture.ndim == 3
    assert picture.shape[1] > 1.5 * picture.shape[0]
    assert np.array_equal(picture, draw_match(a, b, seen(1, 1), seen(1, 2), pair))
    assert (picture != plain).any(axis=2).sum() > 500
