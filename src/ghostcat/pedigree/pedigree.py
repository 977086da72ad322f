"""The pedigree: who descends from whom, and what the studbook says about each animal.

Animals are positions in `ids`, in the order of the file; -1 is a parent that is not known. Nothing here
has to be in birth order.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import InputError, ParameterError

if TYPE_CHECKING:
    from ghostcat.pedigree.lineage import Lineage

__all__ = [
    "FEMALE",
    "KNOWN",
    "MALE",
    "UNKNOWN_ANCESTRY",
    "UNKNOWN_SEX",
    "WILD",
    "FounderKinship",
    "ParentOdds",
    "Pedigree",
    "find_cycles",
    "make_pedigree",
]

UNKNOWN_SEX, MALE, FEMALE = 0, 1, 2
#: What is known of a parent that is no animal of the pedigree: a wild founder, or nothing.
KNOWN, WILD, UNKNOWN_ANCESTRY = 0, 1, 2

Integers = NDArray[np.int32]
Codes = NDArray[np.int8]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ParentOdds:
    """One possible parent of an animal; what is missing to 1 is a parent outside the pedigree.

    `litter` joins children whose uncertain parent is one and the same animal; empty: each its own.
    """

    child: int
    role: Literal["dam", "sire"]
    parent: int
    probability: float
    litter: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class FounderKinship:
    """Kinship among animals without known parents, estimated from their DNA.

    `standard_error` is one number for every pair or a matrix; None: taken as exact.
    """

    animals: NDArray[np.int64]
    kinship: Floats
    standard_error: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Pedigree:
    """A pedigree of n animals; see `make_pedigree` for a short way to one.

    Attributes
    ----------
    ids : names, in the order of the file.
    dam, sire : (n,) positions; -1 not known, or only known by `odds`.
    sex : (n,) `UNKNOWN_SEX`, `MALE`, `FEMALE`.
    birth, death : (n,) decimal years, NaN not known; `birth_margin`, `death_margin` ± years.
    alive : (n,) 1 alive, 0 dead, -1 not told.
    place, population : words; population is "wild", "managed" or "" (not told).
    wild_born : (n,) 1 yes, 0 no, -1 not told.
    dam_unknown, sire_unknown : (n,) `KNOWN`, `WILD` (a founder line) or `UNKNOWN_ANCESTRY`.
    reference : (n,) the set that statistics refer to, as the file marks it; None when it does not.
    family : the family of each animal, where the file names families.
    odds : possible parents with probabilities.
    implied : (n,) named as a parent only, without a row.
    rows : (n,) row in the file, 0 when implied.
    other : columns kept as they were written.
    """

    ids: tuple[str, ...]
    dam: Integers
    sire: Integers
    sex: Codes
    birth: Floats
    birth_margin: Floats
    death: Floats
    death_margin: Floats
    alive: Codes
    place: tuple[str, ...]
    population: tuple[str, ...]
    wild_born: Codes
    dam_unknown: Codes
    sire_unknown: Codes
    implied: Flags
    rows: Integers
    reference: Flags | None = None
    family: tuple[str, ...] | None = None
    odds: tuple[ParentOdds, ...] = ()
    founder_kinship: FounderKinship | None = None
    other: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.ids)}

    @cached_property
    def lineage(self) -> Lineage:
        """The pedigree as a recursion, parents first. InputError when an animal is its own ancestor."""
        from ghostcat.pedigree.lineage import build_lineage

        return build_lineage(self)

    @cached_property
    def founders(self) -> Flags:
        """(n,) animals of which no parent is known, not even by odds."""
        uncertain = np.zeros(len(self), dtype=bool)
        uncertain[[entry.child for entry in self.odds]] = True
        return (self.dam < 0) & (self.sire < 0) & ~uncertain

    @cached_property
    def living(self) -> Flags:
        """(n,) the living; every animal with a row when the source tells of nobody whether it lives."""
        if (self.alive >= 0).any():
            return np.asarray(self.alive == 1)
        if np.isfinite(self.death).any():
            return ~np.isfinite(self.death) & ~self.implied
        return ~self.implied

    @cached_property
    def reference_set(self) -> Flags:
        """(n,) the marked reference set, or every animal with a row."""
        return ~self.implied if self.reference is None else self.reference

    def index(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Positions of names.

        Raises
        ------
        ParameterError : a name is not in the pedigree; names that are near are offered.
        """
        for name in ids:
            if name not in self._positions:
                near = difflib.get_close_matches(str(name), self.ids, n=3)
                hint = f"Did you mean {', '.join(near)}?" if near else "Use the names of the pedigree."
                raise ParameterError(f"there is no animal {name!r} in the pedigree", fix=hint)
        return np.array([self._positions[name] for name in ids], dtype=np.int64)

    def place_of(self, animal: int) -> str:
        """How to name an animal in a message: its id and its row."""
        row = f" (row {self.rows[animal]})" if self.rows[animal] else ""
        return f"{self.ids[animal]}{row}"

    def order(self) -> NDArray[np.int64]:
        """Positions with every parent before its offspring.

        Raises
        ------
        InputError : an animal is its own ancestor.
        """
        return np.argsort(generations(self), kind="stable").astype(np.int64)

    def with_founder_kinship(
        self, ids: Sequence[str], kinship: ArrayLike, *, standard_error: ArrayLike | None = None
    ) -> Pedigree:
        """This pedigree with kinship among founders estimated from their DNA; see `genomic`."""
        animals = self.index(ids)
        matrix = np.asarray(kinship, dtype=np.float64)
        if matrix.shape != (len(animals), len(animals)):
            raise ParameterError(
                f"the kinship of {len(animals)} founders is {len(animals)} × {len(animals)}, "
                f"not {' × '.join(map(str, matrix.shape))}"
            )
        for animal in animals:
            if not self.founders[animal]:
                raise ParameterError(
                    f"{self.place_of(int(animal))} has a known parent; kinship from DNA is for founders",
                    fix="Use genomic_blend for animals inside the pedigree.",
                )
        error = None if standard_error is None else np.asarray(standard_error, dtype=np.float64)
        found = FounderKinship(animals=animals, kinship=matrix, standard_error=error)
        return replace(self, founder_kinship=found)

    def with_offspring(
        self,
        dams: Sequence[int],
        sires: Sequence[int],
        *,
        ids: Sequence[str] | None = None,
        sex: ArrayLike | None = None,
        birth: ArrayLike | float = np.nan,
        place: Sequence[str] | None = None,
        population: Sequence[str] | None = None,
    ) -> Pedigree:
        """This pedigree with animals appended, born alive to the given parents (positions; -1 none)."""
        k, first = len(dams), len(self) + 1
        names = tuple(ids) if ids is not None else tuple(f"offspring {first + i}" for i in range(k))
        if repeated := set(names) & set(self.ids):
            raise ParameterError(f"{sorted(repeated)[0]!r} is in the pedigree already")
        made = make_pedigree(
            names,
            [""] * k,
            [""] * k,
            sex=np.zeros(k, np.int8) if sex is None else sex,
            birth=np.broadcast_to(np.asarray(birth, np.float64), (k,)),
            alive=np.ones(k, np.int8),
            place=place,
            population=population,
        )
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(made, name)])
            for name in _ARRAYS
            if name not in ("dam", "sire")
        }
        joined["dam"] = np.concatenate([self.dam, np.asarray(dams, np.int32)])
        joined["sire"] = np.concatenate([self.sire, np.asarray(sires, np.int32)])
        for role in ("dam", "sire"):
            joined[f"{role}_unknown"][len(self) :][joined[role][len(self) :] >= 0] = KNOWN
        joined["rows"][len(self) :] = 0
        reference = None if self.reference is None else np.r_[self.reference, np.zeros(k, dtype=bool)]
        return replace(
            self,
            ids=(*self.ids, *names),
            place=(*self.place, *made.place),
            population=(*self.population, *made.population),
            other={name: (*cells, *[""] * k) for name, cells in self.other.items()},
            reference=reference,
            family=None if self.family is None else (*self.family, *[""] * k),
            **joined,
        )


_ARRAYS = (
    "dam",
    "sire",
    "sex",
    "birth",
    "birth_margin",
    "death",
    "death_margin",
    "alive",
    "wild_born",
    "dam_unknown",
    "sire_unknown",
    "implied",
    "rows",
)


def make_pedigree(
    ids: Sequence[str],
    dams: Sequence[str | None],
    sires: Sequence[str | None],
    *,
    sex: ArrayLike | None = None,
    birth: ArrayLike | None = None,
    birth_margin: ArrayLike | None = None,
    death: ArrayLike | None = None,
    death_margin: ArrayLike | None = None,
    alive: ArrayLike | None = None,
    place: Sequence[str] | None = None,
    population: Sequence[str] | None = None,
    wild_born: ArrayLike | None = None,
    dam_unknown: ArrayLike | None = None,
    sire_unknown: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    family: Sequence[str] | None = None,
    odds: Sequence[ParentOdds] = (),
    rows: ArrayLike | None = None,
    other: Mapping[str, Sequence[str]] | None = None,
) -> Pedigree:
    """Make a pedigree from names; a parent without a row of its own is added at the end as a founder.

    Parameters
    ----------
    ids, dams, sires : names; "" or None is a parent that is not known.
    other arguments : as the attributes of `Pedigree`, for the animals in `ids`.

    Raises
    ------
    ParameterError : an id twice, lengths that differ, odds that are no probabilities.

    >>> pedigree = make_pedigree(["cub", "ma"], ["ma", ""], ["pa", ""])
    >>> pedigree.ids, pedigree.dam.tolist(), pedigree.implied.tolist()
    (('cub', 'ma', 'pa'), [1, -1, -1], [False, False, True])
    """
    n = len(ids)
    if len(dams) != n or len(sires) != n:
        raise ParameterError(f"{n} animals, {len(dams)} dams and {len(sires)} sires")
    positions = {name: position for position, name in enumerate(ids)}
    if len(positions) != n:
        seen: set[str] = set()
        twice = next(name for name in ids if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ParameterError(f"{twice!r} occurs twice", fix="Give every animal one row and one name.")
    names = list(ids)
    parents = {}
    for role, cells in (("dam", dams), ("sire", sires)):
        found = np.full(n, -1, dtype=np.int32)
        for i, name in enumerate(cells):
            if not name:
                continue
            if name not in positions:
                positions[name] = len(names)
                names.append(name)
            found[i] = positions[name]
        parents[role] = found
    total = len(names)

    def codes(values: ArrayLike | None, missing: int) -> Codes:
        return _filled(values, n, total, missing, np.int8)

    def years(values: ArrayLike | None, missing: float) -> Floats:
        return _filled(values, n, total, missing, np.float64)

    dam, sire = (_filled(parents[role], n, total, -1, np.int32) for role in ("dam", "sire"))
    sexes = codes(sex, UNKNOWN_SEX)
    implied = np.arange(total) >= n
    for parent, code in ((dam, FEMALE), (sire, MALE)):
        sexes[parent[parent >= n]] = code
    unknown = []
    for values, parent in ((dam_unknown, dam), (sire_unknown, sire)):
        found_codes = codes(values, WILD)
        found_codes[parent >= 0] = KNOWN
        unknown.append(found_codes)
    pedigree = Pedigree(
        ids=tuple(names),
        dam=dam,
        sire=sire,
        sex=sexes,
        birth=years(birth, np.nan),
        birth_margin=years(birth_margin, 0.0),
        death=years(death, np.nan),
        death_margin=years(death_margin, 0.0),
        alive=codes(alive, -1),
        place=_words(place, n, total),
        population=_words(population, n, total),
        wild_born=codes(wild_born, -1),
        dam_unknown=unknown[0],
        sire_unknown=unknown[1],
        implied=implied,
        rows=_filled(np.arange(1, n + 1) if rows is None else rows, n, total, 0, np.int32),
        reference=None if reference is None else _filled(reference, n, total, False, np.bool_),
        family=None if family is None else _words(family, n, total),
        odds=tuple(odds),
        other={name: _words(cells, n, total) for name, cells in (other or {}).items()},
    )
    _refuse_odds(pedigree)
    return pedigree


def _filled(values: ArrayLike | None, n: int, total: int, missing: float, kind: type) -> NDArray[Any]:
    out: NDArray[Any] = np.full(total, missing, dtype=kind)
    if values is not None:
        given = np.asarray(values)
        if given.shape != (n,):
            raise ParameterError(f"one value an animal is needed: {n}, not {given.shape}")
        out[:n] = given
    return out


def _words(values: Sequence[str] | None, n: int, total: int) -> tuple[str, ...]:
    if values is None:
        return ("",) * total
    if len(values) != n:
        raise ParameterError(f"one word an animal is needed: {n}, not {len(values)}")
    return (*values, *[""] * (total - n))


def _refuse_odds(pedigree: Pedigree) -> None:
    sums: dict[tuple[int, str], float] = {}
    for entry in pedigree.odds:
        who = pedigree.place_of(entry.child)
        if not 0 < entry.probability <= 1:
            raise ParameterError(f"{who}: {entry.probability:g} is no probability of a parent")
        if (pedigree.dam if entry.role == "dam" else pedigree.sire)[entry.child] >= 0:
            raise ParameterError(f"{who}: the {entry.role} is given both for certain and with odds")
        sums[entry.child, entry.role] = sums.get((entry.child, entry.role), 0.0) + entry.probability
    for (child, role), total in sums.items():
        if total > 1 + 1e-9:
            raise ParameterError(
                f"{pedigree.place_of(child)}: the probabilities of the {role} add up to {total:g}",
                fix="They must add up to 1 or less; the rest is a parent outside the pedigree.",
            )


def parent_links(pedigree: Pedigree) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every (child, parent) that is known or possible."""
    children = [np.flatnonzero(parent >= 0) for parent in (pedigree.dam, pedigree.sire)]
    parents = [pedigree.dam[children[0]], pedigree.sire[children[1]]]
    children.append(np.array([entry.child for entry in pedigree.odds], dtype=np.int64))
    parents.append(np.array([entry.parent for entry in pedigree.odds], dtype=np.int32))
    return np.concatenate(children).astype(np.int64), np.concatenate(parents).astype(np.int64)


def generations(pedigree: Pedigree) -> NDArray[np.int32]:
    """(n,) longest line of ancestors of each animal; founders are 0.

    Raises
    ------
    InputError : an animal is its own ancestor.
    """
    level, left = _levels(len(pedigree), *parent_links(pedigree))
    if left.any():
        loop = find_cycles(pedigree)[0]
        chain = " → ".join(pedigree.place_of(animal) for animal in (*loop, loop[0]))
        raise InputError(
            f"{pedigree.ids[loop[0]]} is its own ancestor: {chain} (each a parent of the one before)",
            fix="One of these parents is wrong; correct it, or leave it empty.",
        )
    return level


def _levels(
    n: int, children: NDArray[np.int64], parents: NDArray[np.int64]
) -> tuple[NDArray[np.int32], Flags]:
    """Peel off animals whose parents are all placed; what never comes off lies on or below a cycle."""
    by_parent = np.argsort(parents, kind="stable")
    offspring, starts = children[by_parent], np.searchsorted(parents[by_parent], np.arange(n + 1))
    waiting = np.bincount(children, minlength=n)
    level = np.zeros(n, dtype=np.int32)
    placed = np.zeros(n, dtype=bool)
    front = np.flatnonzero(waiting == 0)
    depth = 0
    while len(front):
        placed[front] = True
        level[front] = depth
        counts = starts[front + 1] - starts[front]
        total = int(counts.sum())
        if not total:
            break
        steps = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        reached = offspring[np.repeat(starts[front], counts) + steps]
        unique, times = np.unique(reached, return_counts=True)
        waiting[unique] -= times
        front = unique[waiting[unique] == 0]
        depth += 1
    return level, ~placed


def find_cycles(pedigree: Pedigree) -> list[tuple[int, ...]]:
    """Loops of ancestry, each as positions, every one a parent of the one before; [] when there is none."""
    children, parents = parent_links(pedigree)
    _, left = _levels(len(pedigree), children, parents)
    stuck: dict[int, list[int]] = {int(i): [] for i in np.flatnonzero(left)}
    for child, parent in zip(children.tolist(), parents.tolist(), strict=True):
        if child in stuck and parent in stuck:
            stuck[child].append(parent)
    loops: list[tuple[int, ...]] = []
    done: set[int] = set()
    for start in stuck:
        path: list[int] = []
        here = start
        # Everything left has a parent that is left too, so walking up must close a loop.
        while here not in done and here not in path:
            path.append(here)
            here = stuck[here][0]
        if here in path:
            loops.append(tuple(path[path.index(here) :]))
        done.update(path)
    return loops
