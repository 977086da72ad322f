"""Every error a studbook makes is a finding with its animals and a fix."""

import pytest

from ghostcat.pedigree import FEMALE, MALE, check_pedigree, make_pedigree


def found(*arguments, **options):
    checked = {k: options.pop(k) for k in ("youngest_parent_years", "sire_dead_years") if k in options}
    return {fault.code: fault for fault in check_pedigree(make_pedigree(*arguments, **options), **checked)}


def test_a_sound_pedigree_has_none():
    assert not found(["a", "b", "c"], ["", "", "a"], ["", "", "b"], sex=[2, 1, 0], birth=[2000, 2000, 2003.5])


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_loops(length):
    names = [f"x{i}" for i in range(length)]
    fault = found(names, [*names[1:], names[0]], [""] * length)["own_ancestor"]
    assert sorted(fault.animals) == list(range(length))
    word = {1: "parent", 2: "grandparent", 3: "great-grandparent"}.get(length, "ancestor")
    assert f"its own {word}" in fault.message


def test_two_loops_are_both_told():
    faults = check_pedigree(make_pedigree(["a", "b", "c", "d"], ["b", "a", "d", "c"], ["", "", "a", ""]))
    assert [fault.code for fault in faults].count("own_ancestor") == 2


def test_parents_of_the_wrong_sex():
    faults = found(["a", "b", "c", "d"], ["", "", "a", "b"], ["", "", "b", "a"])
    assert faults["dam_and_sire"].animals[0] in (0, 1)
    faults = found(["a", "b", "c"], ["", "", "a"], ["", "", "b"], sex=[MALE, FEMALE, 0])
    assert faults["dam_is_male"].animals == (0, 2)
    assert faults["sire_is_female"].animals == (1, 2)
    assert found(["a", "b"], ["", "a"], ["", "a"])["dam_is_sire"].animals == (1, 0)


def test_births_before_parents():
    faults = found(["a", "c"], ["", "a"], ["", ""], birth=[2005.2, 2004.9])
    assert faults["born_before_parent"].animals == (1, 0)
    # To the year only, the two may be in the right order.
    assert not found(["a", "c"], ["", "a"], ["", ""], birth=[2005.5, 2005.5], birth_margin=[0.5, 0.5])
    young = found(["a", "c"], ["", "a"], ["", ""], birth=[2005, 2006], youngest_parent_years=2)
    assert young["parent_too_young"].severity == "warning"


def test_parents_dead_long_before():
    faults = found(
        ["m", "f", "c"],
        ["", "", "m"],
        ["", "", "f"],
        birth=[1990, 1990, 2005.0],
        death=[2003.0, 2001.0, 2004],
    )
    assert set(faults) == {"born_after_dam_died", "born_after_sire_died", "died_before_birth"}
    # A sire may die before the birth, by less than a gestation.
    assert not found(["f", "c"], ["", ""], ["", "f"], birth=[1990, 2005.0], death=[2004.8, 2010])


def test_called_alive_and_dead():
    assert set(found(["a"], [""], [""], alive=[1], death=[2000.5])) == {"alive_and_dead"}


def test_the_dead_in_the_reference_set():
    faults = found(["a", "b"], ["", ""], ["", ""], alive=[1, 0], reference=[1, 1])
    assert faults["dead_in_reference"].animals == (1,)
