from __future__ import annotations

import numpy as np
import pytest

from ghostcat.errors import FormatError
from ghostcat.identity import describe, load_features, mirrored


def test_features_survive_the_disk(tmp_path, seen):
    features = seen(1, 1)
    assert len(features) > 200
    features.save(tmp_path / "a.npz")
    again = load_features(tmp_path / "a.npz")
    assert np.array_equal(again.descriptors, features.descriptors)
    assert np.array_equal(again.keypoints, features.keypoints)
    assert np.array_equal(again.outline, features.outline)
    assert (again.body_px, again.origin_px, again.scale) == (
        features.body_px,
        features.origin_px,
        features.scale,
    )
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    assert (tmp_path / "a.npz").stat().st_size < 120_000


def test_a_damaged_feature_file_says_which(tmp_path, seen):
    path = tmp_path / "broken.npz"
    seen(1, 1).save(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(FormatError, match=r"broken\.npz"):
        load_features(path)


def test_the_same_photo_always_gives_the_same_rows(take_photo, read_as):
    rgb, mask = take_photo(3, 5)
    one, two = (describe(rgb, read_as(mask)) for _ in range(2))
    assert np.array_equal(one.keypoints, two.keypoints)
    assert np.array_equal(one.descriptors, two.descriptors)


def test_spots_lie_on_the_body(take_photo, read_as):
    rgb, mask = take_photo(4, 2)
    features = describe(rgb, read_as(mask))
    x, y = np.rint(features.in_photo(features.keypoints[:, :2])).astype(int).T
    assert mask[y, x].mean() > 0.99


def test_mirroring_by_permutation_is_mirroring_the_picture(seen, take_photo, read_as):
    rgb, mask = take_photo(1, 1)
    real = describe(np.ascontiguousarray(rgb[:, ::-1]), read_as(mask[:, ::-1]))
    made = mirrored(seen(1, 1))
    distance = np.linalg.norm(
        made.descriptors[:, None].astype(float) - real.descriptors[None].astype(float), axis=2
    )
    nearest = distance.argmin(axis=1)
    assert np.median(distance.min(axis=1)) < 60
    assert np.median(np.abs(made.keypoints[:, :2] - real.keypoints[nearest, :2])) < 1.5
    twice = mirrored(made)
    assert np.array_equal(twice.descriptors, seen(1, 1).descriptors)
