"""Power to see a change between two surveys."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcat.errors import ParameterError
from ghostcat.scr.power import detectable_change, power_to_detect_change


def test_the_planning_numbers_of_the_design_notes():
    """Design notes, section 4.1: RSE 0.1 finds −36 % or +44 % with power 0.8; RSE 0.2 see below."""
    assert [round(100 * c) for c in detectable_change(0.1)] == [-36, 44]
    assert round(power_to_detect_change(-0.5, 0.2).power, 2) == 0.53
    assert round(power_to_detect_change(0.5, 0.2).power, 2) == 0.35


def test_power_against_simulated_estimates():
    rng = np.random.default_rng(2)
    found = power_to_detect_change(-0.4, 0.15)
    spread = [math.sqrt(math.log1p(rse**2)) for rse in (found.first_rse, found.second_rse)]
    first = rng.normal(0.0, spread[0], 200_000)
    second = rng.normal(math.log(0.6), spread[1], 200_000)
    significant = np.abs(second - first) > 1.959964 * math.hypot(*spread)
    assert significant.mean() == pytest.approx(found.power, abs=0.005)


@given(rse=st.floats(0.03, 0.5), change=st.floats(-0.9, 3.0).filter(lambda c: abs(c) > 0.02))
def test_power_is_between_the_significance_and_one_and_falls_with_the_error(rse, change):
    better = power_to_detect_change(change, rse).power
    worse = power_to_detect_change(change, rse * 1.2).power
    assert 0.05 - 1e-9 <= worse <= better <= 1.0


@given(rse=st.floats(0.03, 0.4))
def test_the_detectable_change_has_the_power_asked_for(rse):
    for change in detectable_change(rse):
        if -1.0 < change < math.inf:
            assert power_to_detect_change(change, rse).power == pytest.approx(0.8, abs=1e-6)


def test_a_hopeless_plan_finds_nothing():
    assert power_to_detect_change(-0.5, math.inf).power == 0.0
    assert detectable_change(4.0)[0] == -1.0


@pytest.mark.parametrize(("change", "rse"), [(-1.0, 0.1), (0.0, 0.1), (math.nan, 0.1), (0.2, 0.0)])
def test_numbers_outside_their_range(change, rse):
    with pytest.raises(ParameterError):
        power_to_detect_change(change, rse)
