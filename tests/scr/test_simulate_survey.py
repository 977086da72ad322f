"""The simulator draws what its parameters say; checked against the formulas of each part."""

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.scr.mask import Mask, make_mask
from ghostcat.scr.simulate_survey import ArrayTruth, CollarTruth, Population, simulate_survey

# One place to live: the hazard is known exactly but for the width of the cell (1 m).
HERE = Mask([[0.0, 0.0]], 1e-6)


def crowd(number, **more):
    return Population(mask=HERE, density_per_100km2=1.0, number=number, **more)


def array(usage, **more):
    usage = np.asarray(usage, dtype=float)
    xy = np.stack([1000.0 * np.arange(len(usage)), np.zeros(len(usage))], axis=1)
    return ArrayTruth(xy_m=xy, usage=usage, **{"lambda0": (0.3,), "sigma_m": (1000.0,)} | more)


def histories(drawn, number):
    """(animals, occasions, detectors) counts."""
    found = drawn.arrays[0]
    counts = np.zeros((number, found.array.usage.shape[1], len(found.array.xy_m)), dtype=int)
    np.add.at(counts, tuple(found.captures.T), 1)
    return counts


def near(mean, expected, number):
    return abs(mean - expected) < 4.5 * np.sqrt(expected * (1 - min(expected, 0.9)) / number)


def test_counts_follow_effort_and_distance():
    drawn = simulate_survey(crowd(20_000), [array([[1.0, 2.5], [0.0, 1.0]])], rng=np.random.default_rng(1))
    mean = histories(drawn, 20_000).mean(axis=0)
    far = 0.3 * np.exp(-0.5)
    assert mean == pytest.approx(np.array([[0.3, 0.0], [0.75, far]]), abs=0.02)
    assert mean[0, 1] == 0.0


def test_proximity_is_binary_and_multi_is_exclusive():
    usage = [[1.0], [2.0]]
    far = 2.0 * 0.3 * np.exp(-0.5)
    binary = simulate_survey(
        crowd(20_000), [array(usage, detector="proximity")], rng=np.random.default_rng(2)
    )
    counts = histories(binary, 20_000)
    assert counts.max() == 1
    assert near(counts[:, 0, 0].mean(), 1 - np.exp(-0.3), 20_000)
    assert near((counts.sum(axis=(1, 2)) == 2).mean(), (1 - np.exp(-0.3)) * (1 - np.exp(-far)), 20_000)
    multi = simulate_survey(crowd(20_000), [array(usage, detector="multi")], rng=np.random.default_rng(3))
    counts = histories(multi, 20_000)
    assert counts.sum(axis=(1, 2)).max() == 1
    caught = 1 - np.exp(-(0.3 + far))
    assert near(counts[:, 0, 0].mean(), caught * 0.3 / (0.3 + far), 20_000)
    assert near(counts.sum(axis=(1, 2)).mean(), caught, 20_000)


def test_a_single_catch_trap_holds_one_animal():
    drawn = simulate_survey(
        crowd(30), [array(np.ones((3, 40)), detector="single", lambda0=(1.5,))], rng=np.random.default_rng(4)
    )
    counts = histories(drawn, 30)
    assert counts.sum(axis=0).max() == 1
    assert counts.sum(axis=2).max() == 1
    assert counts.sum() > 60  # thirty animals and three traps: nearly always full


def test_behaviour_raises_what_it_says_it_raises():
    two = np.ones((2, 2))
    for kind, detectfn in (("b", "HHN"), ("bk", "HHN"), ("b", "HN")):
        drawn = simulate_survey(
            crowd(40_000),
            [array(two, detector="proximity", behaviour=kind, behaviour_effect=1.0, detectfn=detectfn)],
            rng=np.random.default_rng(5),
        )
        counts = histories(drawn, 40_000)
        first = counts[:, 0] > 0
        base = np.array([0.3, 0.3 * np.exp(-0.5)])
        if detectfn == "HHN":
            plain, after = 1 - np.exp(-base), 1 - np.exp(-base * np.e)
        else:
            odds = 0.3 / 0.7 * np.e
            plain, after = base, odds / (1 + odds) * base / 0.3
        for k in (0, 1):
            learned = first.any(axis=1) if kind == "b" else first[:, k]
            assert near(counts[learned, 1, k].mean(), after[k], learned.sum())
            assert near(counts[~learned, 1, k].mean(), plain[k], (~learned).sum())


def test_trap_response_is_of_the_trap():
    """k: one animal's visit changes the trap for all the others."""
    drawn = [
        histories(
            simulate_survey(
                crowd(2),
                [array([[1.0, 1.0]], detector="proximity", behaviour="k", behaviour_effect=2.0)],
                rng=np.random.default_rng([6, i]),
            ),
            2,
        )[:, :, 0]
        for i in range(4000)
    ]
    counts = np.stack(drawn)
    visited = counts[:, :, 0].any(axis=1)
    never_self = counts[:, 0, 0] == 0
    after = counts[visited & never_self, 0, 1].mean()
    before = counts[~visited & never_self, 0, 1].mean()
    assert near(after, 1 - np.exp(-0.3 * np.e**2), (visited & never_self).sum())
    assert near(before, 1 - np.exp(-0.3), (~visited & never_self).sum())


def test_classes_have_their_own_parameters_and_are_known_as_often_as_said():
    people = crowd(20_000, classes=("female", "male"), shares=(0.6, 0.4), class_known=0.7)
    drawn = simulate_survey(people, [array([[1.0]], lambda0=(0.1, 0.5))], rng=np.random.default_rng(7))
    counts = histories(drawn, 20_000)[:, 0, 0]
    assert near((drawn.classes == 1).mean(), 0.4, 20_000)
    assert counts[drawn.classes == 0].mean() == pytest.approx(0.1, abs=0.01)
    assert counts[drawn.classes == 1].mean() == pytest.approx(0.5, abs=0.03)
    assert near((drawn.recorded_class >= 0).mean(), 0.7, 20_000)
    known = drawn.recorded_class >= 0
    assert (drawn.recorded_class[known] == drawn.classes[known]).all()


def test_covariates_of_detector_and_occasion():
    usage = np.ones((2, 3))
    rate = np.array([[0.1], [0.2], [0.4]]) * np.array([[1.0, 2.0]])  # (S, K)
    drawn = simulate_survey(
        crowd(20_000), [array(usage, lambda0=(rate,), sigma_m=(1e7,))], rng=np.random.default_rng(8)
    )
    assert histories(drawn, 20_000).mean(axis=0) == pytest.approx(rate, abs=0.03)


def test_density_trend_and_poisson_number():
    mask = make_mask([[0.0, 0.0], [40_000.0, 0.0]], buffer_m=5000.0, cell_m=1000.0)
    density = np.exp(mask.xy_m[:, 0] / 20_000.0)
    where = Population(mask=mask, density_per_100km2=20.0 * density)
    rng = np.random.default_rng(9)
    drawn = [simulate_survey(where, [array([[0.0]])], rng=rng).centres_xy_m for _ in range(60)]
    numbers = np.array([len(d) for d in drawn])
    assert abs(numbers.mean() - where.expected) < 4 * np.sqrt(where.expected / 60)
    assert 0.5 < numbers.var(ddof=1) / where.expected < 1.9

    mean_x = float(density @ mask.xy_m[:, 0] / density.sum())
    assert np.concatenate(drawn)[:, 0].mean() == pytest.approx(mean_x, abs=400.0)


def test_collars_scatter_about_the_centre():
    people = crowd(500, classes=("f", "m"), shares=(0.5, 0.5))
    collars = CollarTruth(animals=200, fixes=50, sigma_m=(500.0, 2000.0))
    drawn = simulate_survey(people, [array([[1.0]])], rng=np.random.default_rng(10), collars=collars)
    assert drawn.fixes_xy_m.shape == (200, 50, 2)
    assert len(set(drawn.collared.tolist())) == 200
    for kind, sigma in ((0, 500.0), (1, 2000.0)):
        mine = drawn.classes[drawn.collared] == kind
        away = drawn.fixes_xy_m[mine] - drawn.centres_xy_m[drawn.collared[mine]][:, None]
        assert away.std() == pytest.approx(sigma, rel=0.03)
    with pytest.raises(ParameterError, match="collars"):
        simulate_survey(
            crowd(3),
            [array([[1.0]])],
            rng=np.random.default_rng(1),
            collars=CollarTruth(animals=5, fixes=1, sigma_m=(1.0,)),
        )


def test_arrays_meet_the_same_animals_and_a_seed_is_an_answer():
    mask = make_mask([[0.0, 0.0]], buffer_m=4000.0, cell_m=500.0)
    where = Population(mask=mask, density_per_100km2=100.0)
    two = [array(np.ones((3, 5))), array(np.ones((2, 1)), name="scats", lambda0=(2.0,))]
    first, again = (simulate_survey(where, two, rng=np.random.default_rng(11)) for _ in range(2))
    assert np.array_equal(first.arrays[1].captures, again.arrays[1].captures)
    assert set(first.seen) == set(first.arrays[0].seen) | set(first.arrays[1].seen)
    assert set(first.arrays[0].seen) & set(first.arrays[1].seen)


@pytest.mark.parametrize(
    "change",
    [
        {"shares": (0.5, 0.6), "classes": ("a", "b")},
        {"density_per_100km2": -1.0},
        {"density_per_100km2": 0.0},
    ],
)
def test_populations_that_cannot_be(change):
    with pytest.raises(ParameterError):
        Population(**{"mask": HERE, "density_per_100km2": 1.0} | change)
