"""The plan by simulation agrees with the plan by formula, and says how often there is no estimate."""

import math

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.results import Interval
from ghostcat.scr.study import Animals, expected_survey
from ghostcat.scr.study_simulation import simulate_study

TRAPS = 4000.0 * np.stack(np.meshgrid(np.arange(7), np.arange(7)), axis=-1).reshape(-1, 2)
ANIMALS = Animals(density_per_100km2=2.0, lambda0=0.02, sigma_m=4000.0)


def test_simulated_and_expected_numbers_agree():
    plan = expected_survey(TRAPS, 60.0, animals=ANIMALS)
    found = simulate_study(TRAPS, 60.0, animals=ANIMALS, surveys=40, rng=np.random.default_rng(1))
    assert found.animals == pytest.approx(plan.animals, rel=0.1)
    assert found.recaptures == pytest.approx(plan.recaptures, rel=0.12)
    assert found.spatial_recaptures == pytest.approx(plan.spatial_recaptures, rel=0.12)
    assert found.estimated == 40
    assert abs(found.bias) < 4 * found.bias_standard_error
    assert found.relative_standard_error == pytest.approx(plan.relative_standard_error, rel=0.25)
    assert found.coverage >= 0.85


def test_a_thin_plan_is_often_refused():
    thin = Animals(density_per_100km2=0.3, lambda0=0.004, sigma_m=3000.0)
    found = simulate_study(TRAPS[:16], 30.0, animals=thin, surveys=25, rng=np.random.default_rng(2))
    assert found.refused_share > 0.5
    assert sum(found.refused.values()) + found.estimated == 25


def test_failing_cameras_cost_detections_in_both_kinds_of_detectors():
    for detector in ("count", "proximity"):
        whole, part = (
            simulate_study(
                TRAPS,
                30.0,
                animals=ANIMALS,
                surveys=6,
                rng=np.random.default_rng(3),
                detector=detector,
                failing=failing,
            )
            for failing in (0.0, 0.9)
        )
        assert part.recaptures < 0.75 * whole.recaptures


def test_any_estimator_can_stand_in_and_its_refusals_are_counted():
    answers = iter([2.0, 4.0, None, 2.0])

    def estimator(drawn, mask):
        value = next(answers)
        if value is None:
            raise EstimateRefused("nothing", code="one_animal")
        return Interval(estimate=value, standard_error=0.2 * value, lower=0.7 * value, upper=1.4 * value)

    found = simulate_study(
        TRAPS, 60.0, animals=ANIMALS, surveys=4, rng=np.random.default_rng(1), estimator=estimator
    )
    assert found.refused == {"one_animal": 1}
    assert found.bias == pytest.approx((1 + 2 + 1) / 3 - 1)
    assert found.coverage == pytest.approx(2 / 3)
    assert found.relative_standard_error == pytest.approx(0.2)
    assert not math.isnan(found.spread)


def test_numbers_that_cannot_be():
    with pytest.raises(ParameterError):
        simulate_study(TRAPS, 60.0, animals=ANIMALS, surveys=0, rng=np.random.default_rng(1))
    two = [ANIMALS, Animals(density_per_100km2=1.0, lambda0=0.1, sigma_m=100.0, detectfn="HEX")]
    with pytest.raises(ParameterError, match="different"):
        simulate_study(TRAPS, 60.0, animals=two, surveys=1, rng=np.random.default_rng(1))
