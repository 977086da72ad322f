"""Tests of fit: their parts by brute force, quiet for true models, loud for wrong ones."""

import math

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.scr.bootstrap import bootstrap_fits, capture_statistics, summarise_captures
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.goodness import _expected, goodness_of_fit, overdispersion
from ghostcat.scr.mask import Mask, make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.simulate_fit import simulate_from_fit, truth_of_fit
from ghostcat.scr.simulate_survey import (
    ArrayTruth,
    CollarTruth,
    Population,
    draw_captures,
    simulate_survey,
)

TRAPS = 2500.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
MASK = make_mask(TRAPS, buffer_m=9000.0, cell_m=1500.0)


def cameras(**more):
    plain = {"usage": np.full((36, 4), 15.0), "lambda0": (0.02,), "sigma_m": (2200.0,)}
    return ArrayTruth(xy_m=TRAPS, **plain | more)


def drawn(seed, *arrays, density=8.0, **more):
    where = Population(mask=MASK, density_per_100km2=density, **more.pop("population", {}))
    return simulate_survey(where, arrays or [cameras()], rng=np.random.default_rng(seed), **more)


@pytest.mark.parametrize("detector", ["count", "proximity", "multi"])
@pytest.mark.parametrize("behaviour", ["", "b", "bk", "k"])
def test_expected_counts_are_the_mean_of_simulated_ones(detector, behaviour):
    """Given the past, and so also without it: E[Σ (y − E)] = 0 for every animal and detector."""
    array = cameras(
        usage=np.tile([1.0, 0.0, 2.5, 1.0], (36, 1)),
        lambda0=(0.2,),
        detector=detector,
        behaviour=behaviour,
        behaviour_effect=0.9,
    )
    rng = np.random.default_rng(2)
    distance = np.hypot(
        *(np.array([[[3000.0, 4000.0]], [[9000.0, 8000.0]]]) - TRAPS[None]).transpose(2, 0, 1)
    )
    kind = np.zeros(2, dtype=np.int64)
    gaps = []
    for _ in range(400):
        captures = draw_captures(array, distance, kind, rng)
        counts = np.zeros(distance.shape)
        np.add.at(counts, (captures[:, 0], captures[:, 2]), 1)
        gaps.append((counts - _expected(array, distance, kind, captures)).sum(axis=1))
    gaps = np.array(gaps)
    assert (np.abs(gaps.mean(axis=0)) < 4 * gaps.std(axis=0) / math.sqrt(len(gaps))).all()


def test_quiet_for_the_true_model():
    ps = []
    for seed in range(6):
        fit = fit_model(ScrModel(sessions=(drawn(seed).session(),)))
        found = goodness_of_fit(fit, rng=np.random.default_rng(seed), draws=30)
        ps.append(list(found.p.values()))
    assert np.min(ps) > 0.01
    assert 0.25 < np.mean(ps) < 0.75


def test_loud_where_detectors_differ_and_the_model_has_them_alike():
    rate = np.where(np.arange(36) % 3 == 0, 0.1, 0.004)
    survey = drawn(3, cameras(lambda0=(rate,)))
    fit = fit_model(ScrModel(sessions=(survey.session(),)))
    found = goodness_of_fit(fit, rng=np.random.default_rng(1), draws=40)
    assert found.p["T3"] < 0.05
    assert "does not fit" in found.says()
    assert list(found.table().index) == ["T1", "T2", "T3"]
    covariates = [{"site": np.where(np.arange(36) % 3 == 0, "trail", "forest")}]
    right = fit_model(
        ScrModel(sessions=(survey.session(detector_covariates=covariates),), formulas={"lambda0": "~site"})
    )
    assert goodness_of_fit(right, rng=np.random.default_rng(1), draws=40).p["T3"] > 0.05


def test_overdispersion_by_brute_force_and_for_clustered_animals():
    survey = drawn(5)
    fit = fit_model(ScrModel(sessions=(survey.session(),)))
    found = overdispersion(fit)
    density, lambda0, sigma = np.exp(fit.beta)
    mu = np.zeros(36)
    for (x, y), area in zip(MASK.xy_m, MASK.cell_area_km2, strict=True):
        far2 = ((TRAPS - [x, y]) ** 2).sum(axis=1)
        mu += density * area * 100 * (1 - np.exp(-60.0 * lambda0 * np.exp(-far2 / (2 * sigma**2))))
    assert found.expected == pytest.approx(mu)
    pairs = np.unique(survey.arrays[0].captures[:, [0, 2]], axis=0)
    n = np.bincount(pairs[:, 1], minlength=36)
    assert found.observed.tolist() == n.tolist()
    pearson = ((n - mu) ** 2 / mu).sum() / (36 - 3)
    assert found.pearson == pytest.approx(pearson)
    assert found.c_hat == pytest.approx(pearson / (n / mu).mean())
    clusters = np.zeros(MASK.cells)
    clusters[np.random.default_rng(6).choice(MASK.cells, 6)] = 1.0
    crowded = simulate_survey(
        Population(mask=MASK, density_per_100km2=8.0 * MASK.cells * clusters / 6.0),
        [cameras()],
        rng=np.random.default_rng(7),
    )
    dense = overdispersion(fit_model(ScrModel(sessions=(crowded.session(),))))
    assert dense.c_hat > 2 * found.c_hat
    assert dense.inflated(0.1) > 0.1 * math.sqrt(1.5)


def test_a_fit_is_a_world_with_the_same_numbers():
    """Detection parameters of every state and class come back out of the fit."""
    survey = drawn(8, cameras(detector="proximity", behaviour="bk", behaviour_effect=1.0))
    model = ScrModel(sessions=(survey.session(),), formulas={"lambda0": "~bk + t"})
    fit = fit_model(model)
    (truth,) = truth_of_fit(fit)
    top, sigma, _ = truth.arrays[0].parameters(0)
    beta = dict(zip(fit.names, fit.beta, strict=True))
    assert top.shape == (2, 4, 36)
    for s in range(4):
        log = beta["lambda0"] + (beta[f"lambda0.t{s + 1}"] if s else 0.0)
        assert np.log(top[0, s]) == pytest.approx(log)
        assert np.log(top[1, s]) == pytest.approx(log + next(v for k, v in beta.items() if "bk" in k))
    assert np.log(sigma) == pytest.approx(beta["sigma"])
    assert truth.population.expected == pytest.approx(math.exp(beta["D"]) * 100 * MASK.area_km2)


def test_refits_of_simulated_surveys_surround_the_truth():
    survey = drawn(9, density=12.0)
    fit = fit_model(ScrModel(sessions=(survey.session(),)))
    found = bootstrap_fits(fit, rng=np.random.default_rng(1), surveys=40)
    errors = np.sqrt(np.diag(fit.covariance))
    assert found.standard_errors() == pytest.approx(errors, rel=0.4)
    assert (np.abs(found.bias()) < 4 * errors / math.sqrt(40) + 0.05).all()
    low, high = found.limits("D")
    assert low < fit.beta[0] < high


def test_two_classes_collars_and_two_methods_are_simulated_whole():
    two = {"classes": ("F", "M"), "shares": (0.5, 0.5), "class_known": 0.8}
    arrays = (
        cameras(lambda0=(0.02, 0.03), sigma_m=(1800.0, 3000.0), name="camera"),
        cameras(lambda0=(0.01,), sigma_m=(1800.0, 3000.0), name="scat", detector="proximity"),
    )
    survey = drawn(
        10, *arrays, population=two, collars=CollarTruth(animals=3, fixes=20, sigma_m=(1800.0, 3000.0))
    )
    model = ScrModel(
        sessions=(survey.session(),),
        formulas={"lambda0": "~method", "sigma": "~h2", "pmix": "~h2"},
        hcov="sex",
    )
    fit = fit_model(model)
    (again,) = simulate_from_fit(fit, np.random.default_rng(1))
    assert [a.name for a in again.arrays] == ["camera", "scat"]
    assert again.collars is not None and len(again.collars.animal) == 60
    assert set(again.animal_covariates["sex"]) <= {"F", "M", ""}
    (truth,) = truth_of_fit(fit)
    beta = dict(zip(fit.names, fit.beta, strict=True))
    share = 1 / (1 + math.exp(-next(v for k, v in beta.items() if k.startswith("pmix"))))
    assert truth.population.shares[1] == pytest.approx(share)
    assert sum(goodness_of_fit(fit, rng=np.random.default_rng(2), draws=5).p.values()) > 0


def test_captures_beside_what_the_model_expects():
    survey = drawn(11)
    fit = fit_model(ScrModel(sessions=(survey.session(),)))
    found = summarise_captures(fit, rng=np.random.default_rng(1), surveys=60)
    table = found.table()
    assert table.loc["animals", "observed"] == len(survey.seen)
    assert table.loc["animals", "expected"] == pytest.approx(len(survey.seen), rel=0.15)
    assert table.loc["detections", "expected"] == pytest.approx(len(survey.arrays[0].captures), rel=0.15)
    assert (table["p"] > 0.01).all()


def test_statistics_by_hand():
    xy = np.array([[0.0, 0.0], [3000.0, 0.0], [0.0, 4000.0]])
    survey = simulate_survey(
        Population(mask=Mask([[0.0, 0.0]], 1e-6), density_per_100km2=1.0, number=2),
        [ArrayTruth(xy_m=xy, usage=np.ones((3, 1)), lambda0=(1e-9,), sigma_m=(1000.0,))],
        rng=np.random.default_rng(1),
    )
    from dataclasses import replace

    captures = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 2], [1, 0, 1]])
    survey = replace(survey, arrays=(replace(survey.arrays[0], captures=captures),))
    found = capture_statistics([survey.session()])
    assert found == {
        "animals": 2,
        "detections": 5,
        "recaptures": 3,
        "spatial recaptures": 2,
        "animals seen once": 1,
        "most detections of an animal": 4,
        "detectors with animals": 3,
        "most animals at a detector": 2,
        "mean range length, m": 5000,
        "longest range length, m": 5000,
    }


def test_groups_are_not_simulated():
    survey = drawn(12, population={"classes": ("F", "M"), "shares": (0.5, 0.5)})
    fit = fit_model(ScrModel(sessions=(survey.session(),), formulas={"D": "~g"}, groups=("sex",)))
    with pytest.raises(ParameterError, match="groups"):
        simulate_from_fit(fit, np.random.default_rng(1))
