"""What is wrong with a pedigree: each fault with the animals, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.pedigree.pedigree import FEMALE, MALE, Pedigree, find_cycles

__all__ = ["PedigreeFault", "check_pedigree"]


@dataclass(frozen=True, kw_only=True)
class PedigreeFault:
    """One fault. `animals` are positions, the one to look at first; `code` is stable."""

    code: str
    severity: Literal["error", "warning", "note"]
    message: str
    fix: str
    animals: tuple[int, ...]


def check_pedigree(
    pedigree: Pedigree, *, youngest_parent_years: float = 0.0, sire_dead_years: float = 1.0
) -> tuple[PedigreeFault, ...]:
    """Look for what cannot be, and what hardly can be, true.

    A date that is only known to the year or month gives no fault while some reading of it is possible.

    Parameters
    ----------
    youngest_parent_years : age at which an animal can first have offspring, from the species' biology.
    sire_dead_years : how long after his death a sire's offspring may be born (gestation).

    Returns
    -------
    Faults, errors first.

    >>> from ghostcat.pedigree import make_pedigree
    >>> loop = make_pedigree(["a", "b"], ["b", "a"], ["", ""])
    >>> [fault.code for fault in check_pedigree(loop)]
    ['own_ancestor']
    """
    found = [
        *check_cycles(pedigree),
        *check_same_parent(pedigree),
        *check_sexes(pedigree),
        *check_births(pedigree, youngest_parent_years),
        *check_deaths(pedigree, sire_dead_years),
        *check_life(pedigree),
        *check_reference(pedigree),
    ]
    rank = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda fault: rank[fault.severity]))


def check_cycles(pedigree: Pedigree) -> Iterator[PedigreeFault]:
    """An animal that is its own parent, grandparent or further ancestor."""
    for loop in find_cycles(pedigree):
        # The animal to look at is the one that its dates, or its place in the file, make the youngest.
        chain = " → ".join(pedigree.place_of(animal) for animal in (*loop, loop[0]))
        degree = {1: "parent", 2: "grandparent", 3: "great-grandparent"}.get(len(loop), "ancestor")
        yield PedigreeFault(
            code="own_ancestor",
            severity="error",
            message=f"{pedigree.ids[loop[0]]} is its own {degree}: {chain} (each a parent of the one before)",
            fix="One of these parents is wrong; correct it, or leave it empty.",
            animals=loop,
        )


def check_same_parent(pedigree: Pedigree) -> Iterator[PedigreeFault]:
    """Dam and sire are one animal."""
    for i in np.flatnonzero((pedigree.dam >= 0) & (pedigree.dam == pedigree.sire)).tolist():
        parent = pedigree.ids[pedigree.dam[i]]
        yield PedigreeFault(
            code="dam_is_sire",
            severity="error",
            message=f"{pedigree.ids[i]} has {parent} both as dam and as sire",
            fix="Correct one of them, or leave it empty.",
            animals=(i, int(pedigree.dam[i])),
        )


def check_sexes(pedigree: Pedigree) -> Iterator[PedigreeFault]:
    """Males that are dams, females that are sires, and animals that are both."""
    roles = {"dam": np.unique(pedigree.dam), "sire": np.unique(pedigree.sire)}
    both = np.intersect1d(roles["dam"], roles["sire"])
    for animal in both[both >= 0].tolist():
        child = int(np.flatnonzero(pedigree.dam == animal)[0])
        other = int(np.flatnonzero(pedigree.sire == animal)[0])
        yield PedigreeFault(
            code="dam_and_sire",
            severity="error",
            message=f"{pedigree.place_of(animal)} is the dam of {pedigree.place_of(child)} and the sire of "
            f"{pedigree.place_of(other)}",
            fix="Correct the parent that is wrong.",
            animals=(animal, child, other),
        )
    for role, wrong, word in (("dam", MALE, "male"), ("sire", FEMALE, "female")):
        parents = getattr(pedigree, role)
        for animal in roles[role][roles[role] >= 0].tolist():
            if pedigree.sex[animal] == wrong and animal not in both:
                children = np.flatnonzero(parents == animal).tolist()
                yield PedigreeFault(
                    code=f"{role}_is_{word}",
                    severity="error",
                    message=f"{pedigree.place_of(animal)} is {word} and the {role} of "
                    f"{pedigree.place_of(children[0])}{_more(children)}",
                    fix="Correct the sex, exchange dam and sire, or correct the parent.",
                    animals=(animal, *children),
                )


def _more(children: list[int]) -> str:
    return f" and {len(children) - 1} more" if len(children) > 1 else ""


def check_births(pedigree: Pedigree, youngest_parent_years: float) -> Iterator[PedigreeFault]:
    """Born before a parent, or when a parent was too young."""
    for role in ("dam", "sire"):
        parents = getattr(pedigree, role)
        children = np.flatnonzero(parents >= 0)
        mothers = parents[children]
        age = pedigree.birth[children] - pedigree.birth[mothers]
        slack = pedigree.birth_margin[children] + pedigree.birth_margin[mothers]
        for k in np.flatnonzero((age + slack <= 0) & (children != mothers)).tolist():
            child, parent = int(children[k]), int(mothers[k])
            yield PedigreeFault(
                code="born_before_parent",
                severity="error",
                message=f"{pedigree.place_of(child)}, born {_year(pedigree, child)}, is not younger than its "
                f"{role} {pedigree.place_of(parent)}, born {_year(pedigree, parent)}",
                fix=f"Correct one of the dates, or the {role}.",
                animals=(child, parent),
            )
        young = (age + slack > 0) & (age + slack < youngest_parent_years)
        for k in np.flatnonzero(young).tolist():
            child, parent = int(children[k]), int(mothers[k])
            yield PedigreeFault(
                code="parent_too_young",
                severity="warning",
                message=f"the {role} {pedigree.place_of(parent)} was {age[k]:.1f} years old when "
                f"{pedigree.place_of(child)} was born, under {youngest_parent_years:g}",
                fix=f"Check the dates and the {role}.",
                animals=(child, parent),
            )


def check_deaths(pedigree: Pedigree, sire_dead_years: float) -> Iterator[PedigreeFault]:
    """Born after the dam's death, or long after the sire's."""
    for role, allowed in (("dam", 0.0), ("sire", sire_dead_years)):
        parents = getattr(pedigree, role)
        children = np.flatnonzero(parents >= 0)
        mothers = parents[children]
        after = pedigree.birth[children] - pedigree.death[mothers]
        slack = pedigree.birth_margin[children] + pedigree.death_margin[mothers]
        for k in np.flatnonzero(after - slack > allowed + 1e-9).tolist():
            child, parent = int(children[k]), int(mothers[k])
            yield PedigreeFault(
                code=f"born_after_{role}_died",
                severity="error" if after[k] - slack[k] > 1 or role == "dam" else "warning",
                message=f"{pedigree.place_of(child)} was born {after[k]:.1f} years after its {role} "
                f"{pedigree.place_of(parent)} died "
                f"({_moment(pedigree.death, pedigree.death_margin, parent)})",
                fix=f"Correct one of the dates, or the {role}; frozen semen may explain a sire.",
                animals=(child, parent),
            )


def check_life(pedigree: Pedigree) -> Iterator[PedigreeFault]:
    """Died before birth; called alive with a date of death."""
    short = pedigree.death - pedigree.birth + pedigree.birth_margin + pedigree.death_margin < 0
    for i in np.flatnonzero(short).tolist():
        yield PedigreeFault(
            code="died_before_birth",
            severity="error",
            message=f"{pedigree.place_of(i)} died {_moment(pedigree.death, pedigree.death_margin, i)}, "
            f"before its birth {_year(pedigree, i)}",
            fix="Correct one of the dates; they may be exchanged.",
            animals=(i,),
        )
    for i in np.flatnonzero((pedigree.alive == 1) & np.isfinite(pedigree.death)).tolist():
        yield PedigreeFault(
            code="alive_and_dead",
            severity="error",
            message=f"{pedigree.place_of(i)} is called alive and died "
            f"{_moment(pedigree.death, pedigree.death_margin, i)}",
            fix="Correct the status or the date.",
            animals=(i,),
        )


def check_reference(pedigree: Pedigree) -> Iterator[PedigreeFault]:
    """Dead animals in the reference set."""
    if pedigree.reference is None:
        return
    dead = np.flatnonzero(pedigree.reference & (pedigree.alive == 0))
    if len(dead) and (pedigree.reference & (pedigree.alive == 1)).any():
        yield PedigreeFault(
            code="dead_in_reference",
            severity="warning",
            message=f"{len(dead)} dead animals are in the reference set, for instance "
            f"{pedigree.place_of(int(dead[0]))}",
            fix="Mark living animals only, if the set is the living population.",
            animals=tuple(dead.tolist()),
        )


def _year(pedigree: Pedigree, animal: int) -> str:
    return _moment(pedigree.birth, pedigree.birth_margin, animal)


def _moment(years: NDArray[np.float64], margins: NDArray[np.float64], animal: int) -> str:
    """A decimal year as a person would write it."""
    year, margin = float(years[animal]), float(margins[animal])
    if margin > 0.5 + 1e-9:
        return f"{year - margin:.0f}…{year + margin:.0f}"
    if margin > 0.4:
        return f"{int(year)}"
    day = np.datetime64(f"{int(year)}-01-01") + round((year % 1) * 365)
    return str(day)[:7] if margin > 0.01 else str(day)
