"""The search for stations: against all sets where there are few, and its limits always."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.scr.mask import make_mask
from ghostcat.scr.station_search import StationOption, search_stations
from ghostcat.scr.study import Animals, expected_survey

ANIMALS = Animals(density_per_100km2=2.0, lambda0=0.03, sigma_m=2500.0)


def lattice(n, spacing):
    axis = spacing * np.arange(n)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def test_against_every_set_of_four_out_of_twelve():
    rng = np.random.default_rng(11)
    sites = rng.uniform(0, 15_000, size=(12, 2))
    mask = make_mask(sites, buffer_m=11_000.0, cell_m=1500.0)
    found = search_stations(
        sites, 60.0, animals=ANIMALS, stations=4, mask=mask, rng=np.random.default_rng(1), starts=6
    )
    scores = []
    for chosen in itertools.combinations(range(12), 4):
        plan = expected_survey(sites[list(chosen)], 60.0, animals=ANIMALS, mask=mask)
        scores.append(min(plan.animals, plan.recaptures))
    assert found.score == pytest.approx(max(scores), rel=1e-3)
    own = expected_survey(sites[found.chosen], 60.0, animals=ANIMALS, mask=mask)
    assert found.score == pytest.approx(min(own.animals, own.recaptures))


@pytest.mark.parametrize("criterion", ["animals", "recaptures"])
def test_other_criteria_against_every_set(criterion):
    sites = np.random.default_rng(12).uniform(0, 12_000, size=(10, 2))
    mask = make_mask(sites, buffer_m=11_000.0, cell_m=1500.0)
    found = search_stations(
        sites,
        60.0,
        animals=ANIMALS,
        stations=3,
        mask=mask,
        rng=np.random.default_rng(1),
        criterion=criterion,
    )
    every = [
        getattr(expected_survey(sites[list(c)], 60.0, animals=ANIMALS, mask=mask), criterion)
        for c in itertools.combinations(range(10), 3)
    ]
    assert found.score == pytest.approx(max(every), rel=1e-6)


def test_never_worse_than_the_best_regular_grid_and_better_on_an_uneven_field():
    sites = lattice(14, 2000.0)
    rng = np.random.default_rng(3)
    usage = np.where(rng.random(len(sites)) < 0.3, 20.0, 90.0)  # many sites are reached only late
    found = search_stations(sites, usage, animals=ANIMALS, stations=20, rng=np.random.default_rng(1))
    assert found.grid_expected is not None
    assert found.gain > 0.02
    assert len(found.chosen) == 20


def test_one_seed_one_answer():
    sites = np.random.default_rng(4).uniform(0, 30_000, size=(60, 2))

    def search(seed):
        rng = np.random.default_rng(seed)
        return search_stations(sites, 60.0, animals=ANIMALS, stations=10, rng=rng).chosen.tolist()

    assert search(7) == search(7)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    budget=st.floats(3.0, 25.0),
    spacing=st.floats(0.0, 6000.0),
    limit=st.integers(1, 12),
)
def test_limits_hold(seed, budget, spacing, limit):
    rng = np.random.default_rng(seed)
    sites = rng.uniform(0, 25_000, size=(40, 2))
    cost = rng.uniform(0.5, 2.0, size=40)
    ways = (
        StationOption(name="single", cost=1.0, detection=0.6),
        StationOption(name="pair", cost=1.7),
    )
    outside = np.array([[0.0, 0.0], [8000.0, 0.0], [8000.0, 25_000.0], [0.0, 25_000.0]])
    fixed = int(np.flatnonzero(sites[:, 0] > 9000.0)[0])
    found = search_stations(
        sites,
        60.0,
        animals=ANIMALS,
        stations=limit,
        budget=budget,
        cost=cost,
        options=ways,
        min_spacing_m=spacing,
        excluded=outside,
        fixed=[fixed],
        rng=rng,
        starts=3,
    )
    for chosen, options in ((found.chosen, found.options), (found.grid_chosen, found.grid_options)):
        price = {"single": 1.0, "pair": 1.7}
        assert len(chosen) <= limit
        assert len(set(chosen.tolist())) == len(chosen)
        paid = sum(cost[k] + price[o] for k, o in zip(chosen, options, strict=True))
        assert paid <= budget + 1e-6
        xy = sites[chosen]
        assert (xy[:, 0] > 8000.0).all()
        gaps = np.hypot(*(xy[:, None] - xy[None, :]).transpose(2, 0, 1))
        assert (gaps[~np.eye(len(xy), dtype=bool)] >= spacing * (1 - 1e-6)).all()
    assert fixed in found.chosen
    assert set(found.left_out.tolist()) == set(np.flatnonzero(sites[:, 0] < 8000.0).tolist())


def test_a_pair_is_bought_where_it_pays():
    sites = lattice(8, 3000.0)

    def options(pair_cost):
        ways = (
            StationOption(name="single", cost=1.0, detection=0.5),
            StationOption(name="pair", cost=pair_cost),
        )
        return search_stations(
            sites, 60.0, animals=ANIMALS, budget=12.0, options=ways, rng=np.random.default_rng(1)
        ).options

    assert set(options(1.05)) == {"pair"}
    assert set(options(5.0)) == {"single"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stations": None}, "nothing limits"),
        ({"excluded": np.array([[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6]])}, "excluded"),
        ({"fixed": (99,)}, "fixed site"),
        ({"fixed": (0, 1, 2, 3)}, "fixed sites alone"),
        ({"budget": 0.5}, "cheapest"),
        ({"cost": np.array([np.nan] * 16)}, "cost"),
        ({"criterion": "luck"}, "criterion"),
    ],
)
def test_searches_that_cannot_be(change, words):
    arguments = {"animals": ANIMALS, "stations": 3, "rng": np.random.default_rng(1)} | change
    with pytest.raises(ParameterError, match=words):
        search_stations(lattice(4, 3000.0), 60.0, **arguments)
