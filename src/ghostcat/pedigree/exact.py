"""Retention of founder alleles and gene uniqueness exactly, for pedigrees that are narrow enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.pedigree.kinship import positions
from ghostcat.pedigree.pedigree import Pedigree

__all__ = ["ExactRetention", "exact_retention"]

#: Who holds the allele: nobody so far, one animal (its place in the set, with copies), or several.
_NOBODY, _SEVERAL = -1, -2


@dataclass(frozen=True, kw_only=True, eq=False)
class ExactRetention:
    """Exact counterparts of a gene drop.

    Attributes
    ----------
    animals : (m,) the reference set; `uniqueness` (m,) chance that a gene of each is in no other.
    line_animal, line_parent : founder lines as in `GeneDrop`; `retention` (lines,) chance that an allele
        of the line is still in the set.
    """

    animals: NDArray[np.int64]
    uniqueness: NDArray[np.float64]
    line_animal: NDArray[np.int64]
    line_parent: tuple[str, ...]
    retention: NDArray[np.float64]


def exact_retention(
    pedigree: Pedigree, reference: ArrayLike | None = None, *, most_states: int = 50_000
) -> ExactRetention:
    """Follow one allele of each founder through the pedigree, all ways at once.

    Animals are taken parents first. At any time only those that still have offspring to come matter; the
    chances of every combination of their copies, and of who holds the allele so far, are carried on. Both
    alleles of a line have the same chances.

    Parameters
    ----------
    reference : the set; the marked one or all animals with rows by default.
    most_states : combinations at which it is given up.

    Raises
    ------
    EstimateRefused : `too_wide`, too many combinations; `uncertain_parents`. Use gene drops then.
    """
    if pedigree.odds:
        raise EstimateRefused(
            "parents are uncertain",
            code="uncertain_parents",
            fix="Use gene_drop_diversity, which draws them.",
        )
    chosen = positions(pedigree, pedigree.reference_set if reference is None else reference)
    lines = [(int(i), "") for i in np.flatnonzero(pedigree.founders)]
    for role, parents in (("dam", pedigree.dam), ("sire", pedigree.sire)):
        lines += [(int(i), role) for i in np.flatnonzero((parents < 0) & ~pedigree.founders)]
    walk = _Walk(pedigree, chosen, most_states)
    retention = np.zeros(len(lines))
    uniqueness = np.zeros(len(chosen))
    for k, (animal, parent) in enumerate(lines):
        held = walk.follow(animal, parent)
        retention[k] = sum(held.values()) - held.get((_NOBODY, 0), 0.0)
        for (holder, copies), chance in held.items():
            if holder >= 0:
                # Two alleles of the line; an animal with both copies has both of its genes unique.
                uniqueness[holder] += 2 * chance * copies / 2
    return ExactRetention(
        animals=chosen,
        uniqueness=uniqueness,
        line_animal=np.array([animal for animal, _ in lines], dtype=np.int64),
        line_parent=tuple(parent for _, parent in lines),
        retention=retention,
    )


class _Walk:
    def __init__(self, pedigree: Pedigree, chosen: NDArray[np.int64], most_states: int) -> None:
        self.most_states = most_states
        self.member = {animal: k for k, animal in enumerate(chosen.tolist())}
        lineage = pedigree.lineage
        wanted = np.zeros(len(lineage), dtype=bool)
        wanted[lineage.ancestors(lineage.node[chosen].astype(np.int64))] = True
        #: Animals on the way to the set; the others cannot matter.
        self.order = [animal for animal in pedigree.order().tolist() if wanted[lineage.node[animal]]]
        self.parents = {
            animal: (int(pedigree.dam[animal]), int(pedigree.sire[animal])) for animal in self.order
        }

    def follow(self, origin: int, parent: str) -> dict[tuple[int, int], float]:
        """Chances of who holds one allele of the origin, or of its unknown parent, in the end."""
        carriers = {origin}
        path = []
        for animal in self.order:
            if animal == origin or carriers & set(self.parents[animal]):
                carriers.add(animal)
                path.append(animal)
        if origin not in self.parents:
            return {(_NOBODY, 0): 1.0}
        last = {p: k for k, animal in enumerate(path) for p in self.parents[animal] if p in carriers}
        active: list[int] = []
        states: dict[tuple[tuple[int, ...], int, int], float] = {((), _NOBODY, 0): 1.0}
        for k, animal in enumerate(path):
            before = active
            active = [a for a in [*before, animal] if last.get(a, -1) > k]
            keep = [i for i, a in enumerate([*before, animal]) if last.get(a, -1) > k]
            sides = [before.index(p) if p in before else -1 for p in self.parents[animal]]
            place = self.member.get(animal, -1)
            new: dict[tuple[tuple[int, ...], int, int], float] = {}
            for (copies, holder, held), chance in states.items():
                for own, likely in self._copies(animal == origin, parent, copies, sides):
                    everyone = (*copies, own)
                    now = (holder, held)
                    if own and place >= 0 and holder != _SEVERAL:
                        now = (place, own) if holder == _NOBODY else (_SEVERAL, 0)
                    key = (tuple(everyone[i] for i in keep), *now)
                    new[key] = new.get(key, 0.0) + chance * likely
            if len(new) > self.most_states:
                raise EstimateRefused(
                    f"more than {self.most_states} combinations of carriers",
                    code="too_wide",
                    fix="Use gene_drop_diversity.",
                )
            states = new
        out: dict[tuple[int, int], float] = {}
        for (_, holder, held), chance in states.items():
            out[holder, held] = out.get((holder, held), 0.0) + chance
        return out

    @staticmethod
    def _copies(
        is_origin: bool, parent: str, copies: tuple[int, ...], sides: list[int]
    ) -> list[tuple[int, float]]:
        """Copies of the allele in an animal, with their chances."""
        if is_origin:
            # A founder has it; the unknown parent of an animal hands it down in half the cases.
            return [(1, 1.0)] if not parent else [(0, 0.5), (1, 0.5)]
        one, two = (copies[i] / 2 if i >= 0 else 0.0 for i in sides)
        ways = [(0, (1 - one) * (1 - two)), (1, one * (1 - two) + two * (1 - one)), (2, one * two)]
        return [(number, chance) for number, chance in ways if chance > 0]
