"""Who may be whose parent."""

from dataclasses import replace

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.genetics.parentage_candidates import CandidateRules, LifeHistory, find_candidates


def life(births, female=None, **changes):
    n = len(births)
    born = np.array(births, dtype=float)
    base = LifeHistory.unknown(n)
    sexes = base.female if female is None else np.array(female, dtype=float)
    return replace(base, first_birth=born, last_birth=born.copy(), female=sexes, **changes)


def test_age_sex_and_oneself():
    found = find_candidates(life([2000, 2003, 2003], female=[1, 0, 0.5]), CandidateRules(min_age_dam=3))
    assert found.dam[1].tolist() == [1, 0, 0]
    assert found.dam[2].tolist() == [1, 0, 0]
    assert found.sire.sum() == 0
    assert not found.reverse.any()


def test_unknown_birth_or_sex_never_excludes():
    found = find_candidates(life([2000, np.nan], female=[0.5, 0.5]), CandidateRules())
    assert found.dam[0, 1] == found.dam[1, 0] == found.sire[0, 1] == 0.5
    assert found.reverse[0, 1]


def test_a_range_of_birth_years_excludes_only_what_is_impossible():
    young = life([2000, 2000])
    young = replace(young, first_birth=np.array([2000.0, 1995.0]), last_birth=np.array([2002.0, 2001.0]))
    assert find_candidates(young, CandidateRules(min_age_dam=7)).dam[0, 1] > 0
    assert find_candidates(young, CandidateRules(min_age_dam=8)).dam[0, 1] == 0


def test_the_dead_and_the_far():
    dead = life([2000, 2000, 2010], female=[1, 0, 1], last_alive=np.array([2008.0, 2009.0, np.nan]))
    found = find_candidates(dead, CandidateRules())
    assert found.dam[2, 0] == 0  # died two years before
    assert found.sire[2, 1] == 1  # a father may die in the year before
    placed = life([2000, 2010, 2010], female=[1, 0, 0], xy_m=np.array([[0, 0], [9e3, 0], [11e3, 0.0]]))
    near = find_candidates(placed, CandidateRules(max_distance_m=10e3)).dam
    assert near[:, 0].tolist() == [0, 1, 0]


def test_a_known_mother_is_the_only_one():
    known = life([2000, 2000, 2010], female=[1, 1, 0], known_dam=np.array([-1, -1, 1]))
    assert find_candidates(known, CandidateRules()).dam[2].tolist() == [0, 1, 0]


def test_rules_must_make_sense():
    with pytest.raises(ParameterError, match="mothers"):
        CandidateRules(min_age_dam=5, max_age_dam=3)
    with pytest.raises(ParameterError, match="distance"):
        CandidateRules(max_distance_m=-1)
