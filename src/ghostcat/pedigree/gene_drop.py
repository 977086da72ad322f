"""Gene drop: founders with two alleles of their own each, handed down by chance through the pedigree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.pedigree.kinship import positions
from ghostcat.pedigree.pedigree import KNOWN, ParentOdds, Pedigree

__all__ = ["GeneDrop", "drop_genes", "drops", "sample_parents"]

#: Alleles held at a time; more iterations are done in turns.
_CELLS = 40_000_000

Labels = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneDrop:
    """Alleles after a number of independent drops.

    Attributes
    ----------
    animals : (m,) whose alleles were kept.
    alleles : (m, 2, iterations) labels 2k and 2k + 1 for line k; the first from the dam.
    line_animal : (lines,) the founder of each line, or the animal that has an unknown parent.
    line_parent : (lines,) "" for a founder; "dam" or "sire" for the unknown parent of that animal.
    """

    animals: NDArray[np.int64]
    alleles: Labels
    line_animal: NDArray[np.int64]
    line_parent: tuple[str, ...]

    @property
    def iterations(self) -> int:
        """Number of independent drops."""
        return int(self.alleles.shape[2])

    def counts(self) -> NDArray[np.int64]:
        """(2 · lines, iterations) copies of each founder allele among the kept animals."""
        labels = 2 * len(self.line_animal)
        cells = self.alleles.reshape(-1, self.iterations) + labels * np.arange(self.iterations)
        return np.bincount(cells.reshape(-1), minlength=labels * self.iterations).reshape(-1, labels).T


def drop_genes(
    pedigree: Pedigree, iterations: int, *, rng: np.random.Generator, reference: ArrayLike | None = None
) -> GeneDrop:
    """Drop founder genes through the pedigree.

    A parent that is not known starts a line of its own; an uncertain parent is drawn by its odds in every
    iteration. Kinship among founders from DNA is not used: every founder has two alleles of its own.

    Parameters
    ----------
    iterations : number of independent drops.
    rng : random numbers.
    reference : animals whose alleles are kept; the reference set by default.

    References
    ----------
    MacCluer et al. (1986) Zoo Biol 5:147.

    >>> from ghostcat.pedigree import make_pedigree
    >>> pedigree = make_pedigree(["c"], ["m"], ["f"])
    >>> drop_genes(pedigree, 3, rng=np.random.default_rng(1)).alleles.shape
    (1, 2, 3)
    """
    kept = positions(pedigree, pedigree.reference_set if reference is None else reference)
    plan = _Plan(pedigree)
    out = np.empty((len(kept), 2, iterations), dtype=np.int32)
    for part, alleles in plan.run(iterations, rng):
        out[:, :, part] = alleles[kept]
    return GeneDrop(animals=kept, alleles=out, line_animal=plan.line_animal, line_parent=plan.line_parent)


def drops(
    pedigree: Pedigree, iterations: int, *, rng: np.random.Generator, reference: ArrayLike | None = None
) -> Iterator[GeneDrop]:
    """The same in turns that fit the memory, for large pedigrees."""
    kept = positions(pedigree, pedigree.reference_set if reference is None else reference)
    plan = _Plan(pedigree)
    for _, alleles in plan.run(iterations, rng):
        yield GeneDrop(
            animals=kept, alleles=alleles[kept], line_animal=plan.line_animal, line_parent=plan.line_parent
        )


def sample_parents(pedigree: Pedigree, rng: np.random.Generator) -> Pedigree:
    """One pedigree with certain parents, drawn by the odds; children of one litter share the draw."""
    if not pedigree.odds:
        return pedigree
    dam, sire = pedigree.dam.copy(), pedigree.sire.copy()
    codes = {"dam": pedigree.dam_unknown.copy(), "sire": pedigree.sire_unknown.copy()}
    drawn: dict[tuple[str, ...], int] = {}
    for (child, role), possible in _sets(pedigree).items():
        litter = possible[0].litter
        key = (role, litter) if litter else (role, "", str(child))
        if key not in drawn:
            at = int(np.searchsorted(np.cumsum([entry.probability for entry in possible]), rng.random()))
            drawn[key] = possible[at].parent if at < len(possible) else -1
        (dam if role == "dam" else sire)[child] = drawn[key]
        if drawn[key] >= 0:
            codes[role][child] = KNOWN
    return replace(
        pedigree, dam=dam, sire=sire, dam_unknown=codes["dam"], sire_unknown=codes["sire"], odds=()
    )


def _sets(pedigree: Pedigree) -> dict[tuple[int, str], list[ParentOdds]]:
    sets: dict[tuple[int, str], list[ParentOdds]] = {}
    for entry in pedigree.odds:
        sets.setdefault((entry.child, entry.role), []).append(entry)
    return sets


class _Plan:
    """Which line or parent each allele comes from."""

    def __init__(self, pedigree: Pedigree) -> None:
        self.pedigree = pedigree
        self.order = pedigree.order().tolist()
        self.odds = _sets(pedigree)
        founders = pedigree.founders
        lines = [(int(i), "") for i in np.flatnonzero(founders)]
        for role, parents in (("dam", pedigree.dam), ("sire", pedigree.sire)):
            for i in np.flatnonzero((parents < 0) & ~founders).tolist():
                named = sum(entry.probability for entry in self.odds.get((i, role), []))
                if named < 1 - 1e-12:
                    lines.append((i, role))
        self.line = {line: k for k, line in enumerate(lines)}
        self.line_animal = np.array([animal for animal, _ in lines], dtype=np.int64)
        self.line_parent = tuple(role for _, role in lines)

    def run(self, iterations: int, rng: np.random.Generator) -> Iterator[tuple[slice, Labels]]:
        if iterations < 1:
            raise ParameterError(f"{iterations} iterations: at least 1 is needed")
        height = max(1, _CELLS // (2 * max(len(self.pedigree), 1)))
        for begin in range(0, iterations, height):
            end = min(begin + height, iterations)
            yield slice(begin, end), self._drop(end - begin, rng)

    def _drop(self, width: int, rng: np.random.Generator) -> Labels:
        pedigree = self.pedigree
        alleles = np.empty((len(pedigree), 2, width), dtype=np.int32)
        parents = (pedigree.dam, pedigree.sire)
        drawn: dict[tuple[str, ...], NDArray[np.int64]] = {}
        for animal in self.order:
            founder = self.line.get((animal, ""))
            if founder is not None:
                alleles[animal, 0] = 2 * founder
                alleles[animal, 1] = 2 * founder + 1
                continue
            for side, role in enumerate(("dam", "sire")):
                parent = int(parents[side][animal])
                second = rng.integers(0, 2, size=width, dtype=np.bool_)
                if parent >= 0:
                    alleles[animal, side] = np.where(second, alleles[parent, 1], alleles[parent, 0])
                elif (animal, role) in self.odds:
                    alleles[animal, side] = self._uncertain(animal, role, second, alleles, drawn, rng)
                else:
                    alleles[animal, side] = 2 * self.line[animal, role] + second
        return alleles

    def _uncertain(
        self,
        animal: int,
        role: str,
        second: NDArray[np.bool_],
        alleles: Labels,
        drawn: dict[tuple[str, ...], NDArray[np.int64]],
        rng: np.random.Generator,
    ) -> Labels:
        possible = self.odds[animal, role]
        litter = possible[0].litter
        key = (role, litter) if litter else (role, "", str(animal))
        if key not in drawn:
            bounds = np.cumsum([entry.probability for entry in possible])
            bounds[-1] = 1.0 if bounds[-1] > 1 - 1e-12 else bounds[-1]
            drawn[key] = np.searchsorted(bounds, rng.random(len(second)), side="right")
        choice = drawn[key]
        out = np.empty(len(second), dtype=np.int32)
        for k, entry in enumerate(possible):
            here = choice == k
            out[here] = np.where(second[here], alleles[entry.parent, 1, here], alleles[entry.parent, 0, here])
        outside = choice == len(possible)
        if outside.any():
            out[outside] = 2 * self.line[animal, role] + second[outside]
        return out
