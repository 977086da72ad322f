"""What is left of the founders: gene diversity, founder and ancestor equivalents, representation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree.gene_drop import drops
from ghostcat.pedigree.kinship import kinship_sums, mean_kinship, positions, reference_shares
from ghostcat.pedigree.lineage import ANIMAL, Lineage
from ghostcat.pedigree.pedigree import FEMALE, Pedigree

if TYPE_CHECKING:
    from ghostcat.pedigree.gene_drop import GeneDrop

__all__ = [
    "Ancestors",
    "FounderRepresentation",
    "GeneDropDiversity",
    "effective_ancestors",
    "founder_equivalents",
    "founder_genome_equivalents",
    "founder_representation",
    "gene_diversity",
    "gene_drop_diversity",
    "kinship_value",
    "reproductive_values",
]

Floats = NDArray[np.float64]


def gene_diversity(pedigree: Pedigree, reference: ArrayLike | None = None) -> float:
    """Gene diversity GD = 1 − mean kinship of the reference set, every animal with itself included.

    References
    ----------
    Lacy (1995) Zoo Biol 14:565.
    """
    return 1.0 - kinship_sums(pedigree, reference)


def founder_genome_equivalents(pedigree: Pedigree, reference: ArrayLike | None = None) -> float:
    """Founder genome equivalents FGE = 1/(2 · mean kinship) of the reference set (Lacy 1995)."""
    return 1.0 / (2.0 * kinship_sums(pedigree, reference))


@dataclass(frozen=True, kw_only=True, eq=False)
class FounderRepresentation:
    """Share of the genes of a reference set that comes from each founder line.

    Attributes
    ----------
    animal : (lines,) the founder, or the animal of which one parent is not known.
    parent : (lines,) "" for a founder; "dam" or "sire" for that unknown parent.
    share : (lines,) expected shares; with all lines they add up to 1.
    """

    animal: NDArray[np.int64]
    parent: tuple[str, ...]
    share: Floats

    @property
    def present(self) -> NDArray[np.bool_]:
        """(lines,) lines with a share."""
        return self.share > 0


def founder_representation(
    pedigree: Pedigree,
    reference: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    unknown_parents: bool = True,
) -> FounderRepresentation:
    """Expected founder contributions to the reference set.

    Parameters
    ----------
    weights : (n,) shares of the animals instead of equal ones.
    unknown_parents : count each unknown parent of an animal with one known parent as a line of its own.

    References
    ----------
    Lacy (1989) Zoo Biol 8:111.
    """
    shares = reference_shares(pedigree, reference, weights)
    carried = contributions(pedigree, shares)
    founders = np.flatnonzero(pedigree.founders)
    animals, parents, found = [founders], [""] * len(founders), [carried[founders]]
    if unknown_parents:
        named = {"dam": (pedigree.dam >= 0).astype(float), "sire": (pedigree.sire >= 0).astype(float)}
        for entry in pedigree.odds:
            named[entry.role][entry.child] += entry.probability
        for role, known in named.items():
            lacking = np.flatnonzero((known < 1 - 1e-12) & ~pedigree.founders)
            animals.append(lacking)
            parents += [role] * len(lacking)
            found.append(0.5 * carried[lacking] * (1 - known[lacking]))
    return FounderRepresentation(
        animal=np.concatenate(animals), parent=tuple(parents), share=np.concatenate(found)
    )


def founder_equivalents(
    pedigree: Pedigree, reference: ArrayLike | None = None, *, descendants_only: bool = True
) -> float:
    """Founder equivalents FE = 1/Σ p² of the founder shares p.

    Parameters
    ----------
    descendants_only : leave founders of the reference set out of it, as Lacy (1989) does; False counts
        their own genes too, and is the effective number of founders of Boichard et al. (1997).

    Raises
    ------
    EstimateRefused : `no_descendants`.
    """
    chosen = positions(pedigree, pedigree.reference_set if reference is None else reference)
    if descendants_only:
        chosen = chosen[~pedigree.founders[chosen]]
        if not len(chosen):
            raise EstimateRefused("the reference set has founders only", code="no_descendants")
    share = founder_representation(pedigree, chosen).share
    return float(1 / (share**2).sum())


def contributions(pedigree: Pedigree, shares: Floats) -> Floats:
    """(n,) genes of a weighted set that pass through, or start in, every animal."""
    lineage = _descent(pedigree)
    carried = np.zeros(len(lineage))
    carried[lineage.node] = shares
    return lineage.down(carried)[lineage.node]


def _descent(pedigree: Pedigree) -> Lineage:
    """The recursion through parents alone: kinship among founders from DNA is no descent."""
    return (replace(pedigree, founder_kinship=None) if pedigree.founder_kinship else pedigree).lineage


@dataclass(frozen=True, kw_only=True, eq=False)
class Ancestors:
    """Ancestors of a reference set, and the effective number of those that explain its diversity.

    `number` counts every animal with offspring in, or on the way to, the set; `animals` are the chosen ones
    in order, with the `share` of the genes that each explains beyond the earlier.
    """

    number: int
    effective: float
    animals: NDArray[np.int64]
    share: Floats


def effective_ancestors(pedigree: Pedigree, reference: ArrayLike | None = None) -> Ancestors:
    """Effective number of ancestors: bottlenecks count, which founder equivalents miss.

    Ancestors are taken by their largest marginal contribution: genes that do not pass through an ancestor
    taken before. It ends when everything is explained.

    References
    ----------
    Boichard, Maignel & Verrier (1997) Genet Sel Evol 29:5, algorithm of their appendix.
    """
    shares = reference_shares(pedigree, reference, None)
    lineage = _descent(pedigree)
    at = np.zeros(len(lineage))
    at[lineage.node] = shares
    total = lineage.down(at)
    number = int(((total - at > 1e-15) & (lineage.kind == ANIMAL)).sum())
    chosen: list[int] = []
    marginal: list[float] = []
    cut = lineage
    # Numbers in the table of who is what: the animal of each node, -1 for inserted nodes.
    animal = np.full(len(lineage), -1, dtype=np.int64)
    animal[lineage.node] = np.arange(len(pedigree))
    explained = 0.0
    while explained < 1 - 1e-12 and len(chosen) < len(pedigree):
        through = cut.down(at)
        taken = np.zeros(len(lineage))
        taken[chosen] = 1.0
        # Share of each node's genes that comes from ancestors taken before; these no longer count.
        known = cut.up(taken)
        gain = np.where(lineage.kind == ANIMAL, through * (1 - known), 0.0)
        gain[chosen] = 0.0
        best = int(np.argmax(gain))
        if gain[best] <= 1e-14:
            break
        chosen.append(best)
        marginal.append(float(gain[best]))
        explained += marginal[-1]
        a, b = cut.a.copy(), cut.b.copy()
        a[best] = b[best] = -1
        cut = replace(cut, a=a, b=b)
    share = np.array(marginal)
    # What stays unexplained came from parents that are not known, each a line of its own, uncounted.
    return Ancestors(
        number=number,
        effective=float(1 / (share**2).sum()) if len(share) else np.nan,
        animals=animal[np.array(chosen, dtype=np.int64)],
        share=share,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneDropDiversity:
    """What gene drops tell of a reference set.

    Attributes
    ----------
    animals : (m,) the reference set; `uniqueness` (m,) chance that a gene of an animal is in no other.
    line_animal, line_parent : founder lines as in `GeneDrop`; `retention` (lines,) expected share of
        each line's two alleles that is still there.
    genomes : expected founder genomes, mean of 1/(2 Σ p²) over drops; `genomes_sd` its spread among drops.
    genomes_interval : central 95 % of the drops.
    fg : founder genome equivalents 1/Σ(p²/r) of Lacy (1989), p the expected shares of the lines.
    """

    animals: NDArray[np.int64]
    uniqueness: Floats
    uniqueness_se: Floats
    line_animal: NDArray[np.int64]
    line_parent: tuple[str, ...]
    retention: Floats
    genomes: float
    genomes_sd: float
    genomes_interval: tuple[float, float]
    fg: float
    iterations: int


def gene_drop_diversity(
    pedigree: Pedigree,
    *,
    rng: np.random.Generator,
    iterations: int = 10_000,
    reference: ArrayLike | None = None,
) -> GeneDropDiversity:
    """Retention of founder alleles, founder genomes and gene uniqueness by gene drop.

    Raises
    ------
    EstimateRefused : `no_animals`, the reference set is empty.
    """
    chosen = positions(pedigree, pedigree.reference_set if reference is None else reference)
    if not len(chosen):
        raise EstimateRefused("the reference set is empty", code="no_animals")
    unique = np.zeros(len(chosen))
    squares = np.zeros(len(chosen))
    retained: Floats | float = 0.0
    genomes = []
    last: GeneDrop | None = None
    for last in drops(pedigree, iterations, rng=rng, reference=chosen):
        counts = last.counts()
        retained = retained + (counts.reshape(len(last.line_animal), 2, -1) > 0).sum(axis=(1, 2))
        genomes.append(1 / (2 * ((counts / (2 * len(chosen))) ** 2).sum(axis=0)))
        own = _unique_share(last, counts)
        unique += own.sum(axis=1)
        squares += (own**2).sum(axis=1)
    assert last is not None
    found = np.concatenate(genomes)
    retention = np.asarray(retained) / (2 * iterations)
    low, high = np.quantile(found, [0.025, 0.975])
    mean = unique / iterations
    return GeneDropDiversity(
        animals=chosen,
        uniqueness=mean,
        uniqueness_se=np.sqrt(np.maximum(squares / iterations - mean**2, 0) / iterations),
        line_animal=last.line_animal,
        line_parent=last.line_parent,
        retention=retention,
        genomes=float(found.mean()),
        genomes_sd=float(found.std(ddof=1)) if len(found) > 1 else np.nan,
        genomes_interval=(float(low), float(high)),
        fg=_fg(pedigree, chosen, last, retention),
        iterations=iterations,
    )


def _unique_share(drop: GeneDrop, counts: NDArray[np.int64]) -> Floats:
    """(m, iterations) share (0, ½, 1) of each animal's two genes that no other animal has."""
    first, second = drop.alleles[:, 0], drop.alleles[:, 1]
    column = np.arange(drop.iterations)
    both = first == second
    one = counts[first, column] - 1 - both == 0
    two = counts[second, column] - 1 - both == 0
    return np.asarray(0.5 * (one.astype(np.float64) + two))


def _fg(pedigree: Pedigree, chosen: NDArray[np.int64], drop: GeneDrop, retention: Floats) -> float:
    representation = founder_representation(pedigree, chosen)
    share = dict(
        zip(
            zip(representation.animal.tolist(), representation.parent, strict=True),
            representation.share.tolist(),
            strict=True,
        )
    )
    lines = zip(drop.line_animal.tolist(), drop.line_parent, strict=True)
    p = np.array([share.get(line, 0.0) for line in lines])
    there = (p > 0) & (retention > 0)
    return float(1 / (p[there] ** 2 / retention[there]).sum()) if there.any() else np.nan


def reproductive_values(
    pedigree: Pedigree,
    tables: Mapping[int, tuple[ArrayLike, ArrayLike]],
    *,
    year: float,
    rate: float | None = None,
) -> Floats:
    """Reproductive value of each living animal from life tables, newborn = 1.

    V_x = (e^{rx}/l_x) Σ_{y ≥ x} e^{−ry} l_y m_y (Fisher 1930), as shares of the value at birth.

    Parameters
    ----------
    tables : for `MALE` and `FEMALE`, (l_x, m_x): survival to age x and offspring of the own sex a year.
    year : the moment at which ages are taken, decimal year.
    rate : growth rate r; solved from the female table by default.

    Returns
    -------
    (n,) array; 0 for the dead and for animals past the table, NaN for the living without age or sex.
    """
    lives = {
        sex: tuple(np.asarray(cells, dtype=np.float64) for cells in table) for sex, table in tables.items()
    }
    for survival, births in lives.values():
        if (
            survival.shape != births.shape
            or survival[0] != 1
            or (np.diff(survival) > 0).any()
            or (births < 0).any()
        ):
            raise ParameterError(
                "a life table is l_x, falling from 1, and m_x ≥ 0, one of each a year of age",
                fix="Give survival to each age and offspring of the own sex in that year.",
            )
    growth = _growth(*lives[FEMALE]) if rate is None else rate
    value = np.full(len(pedigree), np.nan)
    ages = np.floor(year - pedigree.birth)
    for sex, (survival, births) in lives.items():
        discounted = np.exp(-growth * np.arange(len(survival))) * survival
        ahead = np.cumsum((discounted * births)[::-1])[::-1]
        of_age = np.where(discounted > 0, ahead / np.where(discounted > 0, discounted, 1), 0.0)
        here = np.flatnonzero((pedigree.sex == sex) & np.isfinite(ages))
        age = np.clip(ages[here], 0, None).astype(np.int64)
        value[here] = np.where(age < len(of_age), of_age[np.minimum(age, len(of_age) - 1)], 0.0) / of_age[0]
    value[~pedigree.living] = 0.0
    return value


def _growth(survival: Floats, births: Floats) -> float:
    """r of Σ e^{−rx} l_x m_x = 1, by bisection."""
    age = np.arange(len(survival))
    low, high = -2.0, 2.0
    if not (survival * births).sum() > 0:
        raise ParameterError("no age in the life table has offspring")
    for _ in range(200):
        middle = (low + high) / 2
        if (np.exp(-middle * age) * survival * births).sum() > 1:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def kinship_value(
    pedigree: Pedigree,
    values: ArrayLike,
    animals: ArrayLike | None = None,
    *,
    reference: ArrayLike | None = None,
) -> Floats:
    """Kinship value: mean kinship with the reference set, each weighted by its reproductive value.

    Parameters
    ----------
    values : (n,) reproductive values, see `reproductive_values`; no default, since equal values would be
        mean kinship under another name.

    Raises
    ------
    EstimateRefused : `no_reproductive_value`, the value of an animal of the reference set is not known.

    References
    ----------
    Ballou & Lacy (1995), in Population Management for Survival and Recovery.
    """
    given = np.asarray(values, dtype=np.float64)
    chosen = positions(pedigree, pedigree.reference_set if reference is None else reference)
    lacking = chosen[~np.isfinite(given[chosen])]
    if len(lacking):
        names = ", ".join(pedigree.place_of(int(i)) for i in lacking[:5])
        raise EstimateRefused(
            f"{len(lacking)} animals have no reproductive value (age or sex not known): {names}",
            code="no_reproductive_value",
            fix="Give their sex and birth, or leave them out of the reference set.",
        )
    return mean_kinship(pedigree, animals, reference=chosen, weights=given)
