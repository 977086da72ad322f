"""Wild and managed together: lines that only one of them holds, and what an exchange would add.

A release or a capture changes who belongs to a population; here its gene diversity, the inbreeding of
its next generation and its founder lines are compared before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree.diversity import founder_representation
from ghostcat.pedigree.gene_drop import drop_genes, sample_parents
from ghostcat.pedigree.genomic import sample_founder_kinship
from ghostcat.pedigree.kinship import kinship, positions
from ghostcat.pedigree.pedigree import FEMALE, MALE, Pedigree

__all__ = ["Exchange", "FounderLine", "Measured", "exchange_effect", "founder_lines", "population_members"]

Floats = NDArray[np.float64]


def population_members(pedigree: Pedigree, population: str) -> NDArray[np.int64]:
    """Living animals of a population, "wild" or "managed".

    Raises
    ------
    EstimateRefused : `no_members`.
    """
    inside = np.array([word == population for word in pedigree.population]) & pedigree.living
    if not inside.any():
        raise EstimateRefused(
            f"no living animal is called {population}",
            code="no_members",
            fix="Give a column `population` with the words wild and managed.",
        )
    return np.flatnonzero(inside)


@dataclass(frozen=True, kw_only=True)
class FounderLine:
    """One founder line in two populations.

    `share_*` is the expected share of the population's genes; `kept_*` the expected number (0…2) of the
    founder's alleles that are still there, and `lost_*` the chance that none is. `only_in` is "wild",
    "managed", "both" or "neither", by descent.
    """

    animal: int
    parent: str
    share_wild: float
    share_managed: float
    kept_wild: float
    kept_managed: float
    lost_wild: float
    lost_managed: float
    only_in: str


def founder_lines(
    pedigree: Pedigree,
    *,
    wild: ArrayLike,
    managed: ArrayLike,
    rng: np.random.Generator,
    iterations: int = 10_000,
) -> tuple[FounderLine, ...]:
    """Which founder lines live in the wild, in managed care, in both, or in neither.

    Parameters
    ----------
    wild, managed : positions or masks of the living animals of each.
    rng, iterations : of the gene drops.

    Returns
    -------
    One entry a line, those in one population only first.
    """
    sets = {"wild": positions(pedigree, wild), "managed": positions(pedigree, managed)}
    _refuse_overlap(pedigree, sets["wild"], sets["managed"])
    both = np.concatenate([sets["wild"], sets["managed"]])
    drop = drop_genes(pedigree, iterations, rng=rng, reference=both)
    lines = len(drop.line_animal)
    kept: dict[str, Floats] = {}
    lost: dict[str, Floats] = {}
    share: dict[str, Floats] = {}
    first = 0
    for name, animals in sets.items():
        part = replace(drop, alleles=drop.alleles[first : first + len(animals)], animals=animals)
        first += len(animals)
        there = part.counts().reshape(lines, 2, iterations) > 0 if len(animals) else np.zeros((lines, 2, 1))
        copies = there.sum(axis=1)
        kept[name], lost[name] = copies.mean(axis=1), (copies == 0).mean(axis=1)
        share[name] = _shares(pedigree, animals, drop.line_animal, drop.line_parent)
    out = []
    for k in range(lines):
        held = [name for name in sets if share[name][k] > 0]
        out.append(
            FounderLine(
                animal=int(drop.line_animal[k]),
                parent=drop.line_parent[k],
                share_wild=float(share["wild"][k]),
                share_managed=float(share["managed"][k]),
                kept_wild=float(kept["wild"][k]),
                kept_managed=float(kept["managed"][k]),
                lost_wild=float(lost["wild"][k]),
                lost_managed=float(lost["managed"][k]),
                only_in=held[0] if len(held) == 1 else "both" if held else "neither",
            )
        )
    rank = {"wild": 0, "managed": 0, "both": 1, "neither": 2}
    return tuple(sorted(out, key=lambda line: (rank[line.only_in], -line.share_wild - line.share_managed)))


def _shares(
    pedigree: Pedigree, animals: NDArray[np.int64], line_animal: NDArray[np.int64], parent: tuple[str, ...]
) -> Floats:
    if not len(animals):
        return np.zeros(len(line_animal))
    found = founder_representation(pedigree, animals)
    known = dict(
        zip(zip(found.animal.tolist(), found.parent, strict=True), found.share.tolist(), strict=True)
    )
    return np.array([known.get(key, 0.0) for key in zip(line_animal.tolist(), parent, strict=True)])


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An expected value, and two intervals of 95 %.

    `uncertainty` is what is not known of parents and of founder kinship (equal ends: nothing was uncertain).
    `loci` is the spread from gene to gene: by chance one locus gains where another loses; NaN where founders
    are related by DNA, which gene drops do not know.
    """

    value: float
    uncertainty: tuple[float, float]
    loci: tuple[float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Exchange:
    """What changes when animals join a population, and leave another.

    Attributes
    ----------
    moved : the animals.
    receiving_before, receiving_after, gain : gene diversity of the population that they join.
    giving_before, giving_after, giving_change : of the one that they leave; None without one.
    inbreeding_before, inbreeding_after : expected F of the next generation of the receiving population under
        random mating of its males with its females (all pairs where sexes are not known).
    inbreeding_with_residents : expected F of offspring of the moved with residents, alone.
    mean_kinship : (k,) of each moved animal with the residents.
    new_lines : lines (animal, unknown parent) that the receiving population did not have.
    """

    moved: NDArray[np.int64]
    receiving_before: float
    receiving_after: float
    gain: Measured
    giving_before: float | None
    giving_after: float | None
    giving_change: Measured | None
    inbreeding_before: float
    inbreeding_after: float
    inbreeding_change: Measured
    inbreeding_with_residents: float
    mean_kinship: Floats
    new_lines: tuple[tuple[int, str], ...]


def exchange_effect(
    pedigree: Pedigree,
    moved: ArrayLike,
    *,
    receiving: ArrayLike,
    giving: ArrayLike | None = None,
    rng: np.random.Generator,
    draws: int = 200,
    iterations: int = 2000,
) -> Exchange:
    """What animals add to the population that they join: a release, or a wild-caught cub for a zoo.

    Parameters
    ----------
    moved : positions of the animals; a cub is appended first with `with_offspring`, or as a founder whose
        kinship `enter_founders` gives.
    receiving : living members of the population that they join.
    giving : living members of the one that they leave, if it is of interest.
    rng : random numbers.
    draws : of uncertain parents and founder kinship, for `uncertainty`.
    iterations : gene drops, for `loci`.

    Raises
    ------
    EstimateRefused : `no_members`, nobody receives.
    ParameterError : an animal is a member of the receiving population already.
    """
    going = positions(pedigree, moved)
    residents = positions(pedigree, receiving)
    _refuse_overlap(pedigree, going, residents)
    if not len(going) or not len(residents):
        raise EstimateRefused("an exchange needs animals that move, and residents", code="no_members")
    givers = None if giving is None else np.union1d(positions(pedigree, giving), going)
    numbers = _numbers(pedigree, going, residents, givers)
    spread = _by_uncertainty(pedigree, going, residents, givers, rng, draws)
    unrelated = pedigree.founder_kinship is None
    loci = _by_locus(pedigree, going, residents, givers, rng, iterations) if unrelated else {}

    def measured(name: str) -> Measured:
        return Measured(
            value=numbers[name],
            uncertainty=_interval(spread[name], numbers[name]),
            loci=_interval(loci[name], numbers[name]) if name in loci else (np.nan, np.nan),
        )

    before = _lines(pedigree, residents)
    after = _lines(pedigree, np.union1d(residents, going))
    return Exchange(
        moved=going,
        receiving_before=numbers["receiving_before"],
        receiving_after=numbers["receiving_after"],
        gain=measured("gain"),
        giving_before=numbers.get("giving_before"),
        giving_after=numbers.get("giving_after"),
        giving_change=measured("giving_change") if "giving_change" in numbers else None,
        inbreeding_before=numbers["inbreeding_before"],
        inbreeding_after=numbers["inbreeding_after"],
        inbreeding_change=measured("inbreeding_change"),
        inbreeding_with_residents=numbers["inbreeding_with_residents"],
        mean_kinship=kinship(pedigree, going, others=residents).mean(axis=1),
        new_lines=tuple(sorted(after - before)),
    )


def _numbers(
    pedigree: Pedigree,
    going: NDArray[np.int64],
    residents: NDArray[np.int64],
    givers: NDArray[np.int64] | None,
) -> dict[str, float]:
    """Expected values, all from kinship."""
    everyone = np.concatenate([residents, going])
    table = kinship(pedigree, everyone)
    m = len(residents)
    out = {
        "receiving_before": 1 - float(table[:m, :m].mean()),
        "receiving_after": 1 - float(table.mean()),
        "inbreeding_before": _next_generation(table[:m, :m], pedigree.sex[residents]),
        "inbreeding_after": _next_generation(table, pedigree.sex[everyone]),
        "inbreeding_with_residents": _crosses(table[m:, :m], pedigree.sex[going], pedigree.sex[residents]),
    }
    out["gain"] = out["receiving_after"] - out["receiving_before"]
    out["inbreeding_change"] = out["inbreeding_after"] - out["inbreeding_before"]
    if givers is not None and len(givers) > len(going):
        left = ~np.isin(givers, going)
        given = kinship(pedigree, givers)
        out["giving_before"] = 1 - float(given.mean())
        out["giving_after"] = 1 - float(given[np.ix_(left, left)].mean())
        out["giving_change"] = out["giving_after"] - out["giving_before"]
    return out


def _next_generation(table: Floats, sex: NDArray[np.int8]) -> float:
    """Mean kinship of possible parents: males with females, unknown sexes with everybody but themselves."""
    return _crosses(table, sex, sex, themselves=False)


def _crosses(
    table: Floats, sex: NDArray[np.int8], other: NDArray[np.int8], *, themselves: bool = True
) -> float:
    same = (sex[:, None] == other[None, :]) & ((sex[:, None] == MALE) | (sex[:, None] == FEMALE))
    possible = ~same
    if not themselves:
        np.fill_diagonal(possible, False)
    return float(table[possible].mean()) if possible.any() else np.nan


def _by_uncertainty(
    pedigree: Pedigree,
    going: NDArray[np.int64],
    residents: NDArray[np.int64],
    givers: NDArray[np.int64] | None,
    rng: np.random.Generator,
    draws: int,
) -> dict[str, list[float]]:
    names = ("gain", "giving_change", "inbreeding_change")
    known = pedigree.founder_kinship
    uncertain: list[Callable[[Pedigree], Pedigree]] = []
    if pedigree.odds:
        uncertain.append(lambda drawn: sample_parents(drawn, rng))
    if known is not None and known.standard_error is not None:
        uncertain.append(lambda drawn: sample_founder_kinship(drawn, rng))
    out: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(draws if uncertain else 0):
        drawn = pedigree
        for draw in uncertain:
            drawn = draw(drawn)
        numbers = _numbers(drawn, going, residents, givers)
        for name in names:
            if name in numbers:
                out[name].append(numbers[name])
    return out


def _by_locus(
    pedigree: Pedigree,
    going: NDArray[np.int64],
    residents: NDArray[np.int64],
    givers: NDArray[np.int64] | None,
    rng: np.random.Generator,
    iterations: int,
) -> dict[str, Floats]:
    """Change of gene diversity at single loci, from gene drops."""
    kept = np.unique(np.concatenate([residents, going, *([givers] if givers is not None else [])]))
    drop = drop_genes(pedigree, iterations, rng=rng, reference=kept)

    def diversity(animals: NDArray[np.int64]) -> Floats:
        part = replace(drop, alleles=drop.alleles[np.searchsorted(kept, animals)], animals=animals)
        return np.asarray(1 - ((part.counts() / (2 * len(animals))) ** 2).sum(axis=0))

    out = {"gain": diversity(np.union1d(residents, going)) - diversity(residents)}
    if givers is not None and len(givers) > len(going):
        out["giving_change"] = diversity(np.setdiff1d(givers, going)) - diversity(givers)
    return out


def _interval(values: list[float] | Floats, value: float) -> tuple[float, float]:
    if len(values) == 0:
        return value, value
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _lines(pedigree: Pedigree, animals: NDArray[np.int64]) -> set[tuple[int, str]]:
    found = founder_representation(pedigree, animals)
    there = found.share > 0
    return {
        (animal, parent)
        for animal, parent, present in zip(found.animal.tolist(), found.parent, there, strict=True)
        if present
    }


def _refuse_overlap(pedigree: Pedigree, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    shared = np.intersect1d(one, other)
    if len(shared):
        raise ParameterError(
            f"{pedigree.place_of(int(shared[0]))} is on both sides",
            fix="An animal is in one population at a time, and moves to another.",
        )
