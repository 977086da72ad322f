"""Critical values by simulation: how sure must a parent be so that the stated share of parents is right?

A pedigree is drawn from the posterior, with the parents that nobody typed and their relatives among the
typed; genes are dropped through it, read with the same errors and the same gaps, and the very same
inference is run on the result, where the truth is known.

References
----------
Marshall et al. (1998) Mol. Ecol. 7:639–655 (critical values of Δ by simulation at stated confidence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.parentage_candidates import Candidates, LifeHistory
from ghostcat.genetics.parentage_inference import Inference, infer, typed_share
from ghostcat.genetics.simulate_families import drop_genes, type_animals

__all__ = ["CriticalValue", "SimulatedParents", "critical_value", "simulate_parents"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: A parent less likely than this is never given, whatever the stated confidence.
LEAST_PROBABILITY = 0.5
#: Parents of simulated animals that a critical value should rest on.
_ENOUGH = 1500
_MOST_REPLICATES = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedParents:
    """What the inference said about parents that are known, per side (`dam`, `sire`).

    Parameters
    ----------
    probability, delta : (m,) posterior probability of the likeliest candidate and its lead in LOD.
    right : (m,) was it the true parent?
    typed_share : (replicates,) share of parents typed in truth, less the share estimated.
    replicates : simulated data sets.
    """

    probability: dict[str, Floats]
    delta: dict[str, Floats]
    right: dict[str, Bools]
    typed_share: dict[str, Floats]
    replicates: int


@dataclass(frozen=True, kw_only=True)
class CriticalValue:
    """The rule by which parents of one side are given.

    Parameters
    ----------
    side : "dam" or "sire".
    confidence : share of given parents that is right, as stated.
    probability : least posterior probability; 1.01 where no value keeps the confidence.
    delta : least lead in LOD (natural log) over the next candidate that would keep it by itself.
    false_assignment_rate : share wrong that is expected above `probability`.
    interval : 95 % interval of the share wrong in simulation (Wilson), stretched to include the rate.
    simulated : simulated parents above `probability`.
    """

    side: str
    confidence: float
    probability: float
    delta: float | None
    false_assignment_rate: float | None
    interval: tuple[float, float] | None
    simulated: int


def simulate_parents(
    genotypes: Genotypes,
    life: LifeHistory,
    candidates: Candidates,
    inference: Inference,
    *,
    rng: np.random.Generator,
    replicates: int | None = None,
    families: bool = True,
) -> SimulatedParents:
    """Draw pedigrees from the posterior, simulate typings, run the inference, keep how it did.

    Parameters
    ----------
    inference : what was inferred from `genotypes`.
    rng : source of randomness.
    replicates : simulated data sets; as many as give about 1,500 parents when None.
    families : use full sibs together, as in `inference`.
    """
    n = len(genotypes)
    rounds = replicates or int(np.clip(np.ceil(_ENOUGH / max(2 * n, 1)), 1, _MOST_REPLICATES))
    kept: dict[str, list[tuple[Floats, Floats, Bools]]] = {"dam": [], "sire": []}
    missed: dict[str, list[float]] = {"dam": [], "sire": []}
    chances = {
        side: (weight.sum(axis=1) > 0) & (fact < 0)
        for side, weight, fact in (
            ("dam", candidates.dam, life.known_dam),
            ("sire", candidates.sire, life.known_sire),
        )
    }
    for _ in range(rounds):
        parents, typed = _simulate_once(genotypes, candidates, inference, rng)
        again = infer(typed, life, candidates, errors=inference.model.errors, families=families)
        for side, best, probability, truth in (
            ("dam", again.dam, again.dam_probability, parents[0]),
            ("sire", again.sire, again.sire_probability, parents[1]),
        ):
            offered = np.flatnonzero((best >= 0) & (probability >= LEAST_PROBABILITY))
            kept[side].append(
                (probability[offered], lead(again, side)[offered], best[offered] == truth[offered])
            )
            share = typed_share(again, side)
            if share is not None and chances[side].any():
                true = truth[chances[side]]
                missed[side].append(float(((true >= 0) & (true < n)).mean()) - share)
    return SimulatedParents(
        probability={s: np.concatenate([k[0] for k in kept[s]]) for s in kept},
        delta={s: np.concatenate([k[1] for k in kept[s]]) for s in kept},
        right={s: np.concatenate([k[2] for k in kept[s]]) for s in kept},
        typed_share={s: np.array(missed[s]) for s in missed},
        replicates=rounds,
    )


def lead(inference: Inference, side: str) -> Floats:
    """(n,) Δ: LOD of the likeliest candidate less that of the next, each with its best partner."""
    belief = inference.main
    h = belief.hypotheses
    length = h.animals.shape[1]
    table = h.log_pair if side == "dam" else h.log_pair.transpose(0, 2, 1)
    weight = h.dam_weight if side == "dam" else h.sire_weight
    other = h.sire_weight if side == "dam" else h.dam_weight
    partner = np.concatenate([np.ones((len(other), 1), dtype=bool), other > 0], axis=1)
    own = table[:, 1 : 1 + length, : 1 + length].astype(np.float64)
    same = np.eye(length, dtype=bool)[None]
    own[:, :, 1:] = np.where(same, -np.inf, own[:, :, 1:])
    best = np.where(partner[:, None, :], own, -np.inf).max(axis=2)
    lod = np.where(weight > 0, best, -np.inf)
    ranked = -np.sort(-lod, axis=1)
    second = np.maximum(ranked[:, 1], 0.0) if length > 1 else np.zeros(len(lod))
    delta = np.where(np.isfinite(ranked[:, 0]), ranked[:, 0] - second, 0.0)
    return delta[belief.family]


def critical_value(
    simulated: SimulatedParents, side: str, confidence: float, *, real: Floats | None = None
) -> CriticalValue:
    """Least probability above which at least the stated share of parents is expected to be right.

    The expected share wrong is that of the simulation. Where the posterior of the real animals expects
    more, it is halfway between: a pedigree drawn from the posterior lacks some of the structure that
    misleads in a real one (busy parents, hidden half sibs), and is a little too easy.

    Parameters
    ----------
    simulated : from `simulate_parents`.
    side : "dam" or "sire".
    confidence : share that should be right.
    real : (n,) posterior probabilities of the likeliest candidates of the real animals.
    """
    probability, right = simulated.probability[side], simulated.right[side]
    expected = np.zeros(0) if real is None else -np.sort(-real[real >= LEAST_PROBABILITY])
    least, given, rate = _least(probability, right, confidence, floor=LEAST_PROBABILITY, expected=expected)
    if not given:
        return CriticalValue(
            side=side,
            confidence=confidence,
            probability=1.01,
            delta=None,
            false_assignment_rate=None,
            interval=None,
            simulated=0,
        )
    wrong = int((~right[probability >= least]).sum())
    delta, enough, _ = _least(simulated.delta[side], right, confidence, floor=0.0)
    low, high = wilson(wrong, given)
    return CriticalValue(
        side=side,
        confidence=confidence,
        probability=least,
        delta=delta if enough else None,
        false_assignment_rate=rate,
        interval=(min(low, rate), max(high, rate)),
        simulated=given,
    )


def _least(
    score: Floats, right: Bools, confidence: float, *, floor: float, expected: Floats | None = None
) -> tuple[float, int, float]:
    """Least score that keeps the share right, how many simulated parents lie above it, and the share wrong.

    `expected` are posterior probabilities of real animals, falling.
    """
    order = np.argsort(-score, kind="stable")
    if not order.size:
        return float("inf"), 0, 0.0
    wrong, above = np.cumsum(~right[order]), np.arange(1, order.size + 1)
    simulated = wrong / above
    # Half an error more than was seen: a handful of right ones does not show 95 %.
    careful = (wrong + 0.5) / (above + 1.0)
    posterior = np.zeros(order.size)
    if expected is not None and expected.size:
        running = np.cumsum(1.0 - expected) / np.arange(1, expected.size + 1)
        reached = np.searchsorted(-expected, -score[order], side="right")
        posterior = np.where(reached > 0, running[np.maximum(reached, 1) - 1], 0.0)
    kept = np.flatnonzero((careful + np.maximum(careful, posterior)) / 2.0 <= 1.0 - confidence)
    if not kept.size:
        return float("inf"), 0, 0.0
    last = int(kept[-1])
    rate = float((simulated[last] + max(simulated[last], posterior[last])) / 2.0)
    if last == order.size - 1:
        # Everything offered is good enough; the floor of what is ever given is the rule.
        return min(float(score[order[last]]), floor), order.size, rate
    return float(score[order[last]]), last + 1, rate


def wilson(hits: float, trials: float, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    share = hits / trials
    centre = share + z * z / (2 * trials)
    half = z * float(np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)))
    scale = 1 + z * z / trials
    low = 0.0 if hits == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if hits == trials else min(1.0, (centre + half) / scale)
    return low, high


def _simulate_once(
    genotypes: Genotypes, candidates: Candidates, inference: Inference, rng: np.random.Generator
) -> tuple[tuple[Ints, Ints], Genotypes]:
    drawn = draw_pedigree(candidates, inference, rng)
    order = drawn.order()
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    dams, sires = np.array(drawn.dam)[order], np.array(drawn.sire)[order]
    moved = [np.where(p >= 0, place[np.maximum(p, 0)], -1) for p in (dams, sires)]
    alleles = drop_genes(moved[0], moved[1], inference.model.frequencies, rng=rng)
    n = len(genotypes)
    errors = inference.model.errors
    typed = type_animals(
        alleles[place[:n]],
        genotypes.samples,
        rng=rng,
        marker="microsatellite",
        n_alleles=np.maximum(genotypes.n_alleles, 1),
        false_allele=errors.false_allele,
        dropout=errors.dropout,
    )
    read = np.where(genotypes.typed[:, :, None], typed.alleles, -1).astype(np.int16)
    dam, sire = (np.array(p[:n]) for p in (drawn.dam, drawn.sire))
    return (dam, sire), Genotypes(genotypes.samples, genotypes.loci, read)


@dataclass
class DrawnPedigree:
    """Typed animals first, then the parents that were made up for them; −1 is a founder's side."""

    dam: list[int] = field(default_factory=list)
    sire: list[int] = field(default_factory=list)

    def add(self, dam: int = -1, sire: int = -1) -> int:
        """A new animal; its row."""
        self.dam.append(dam)
        self.sire.append(sire)
        return len(self.dam) - 1

    def parents_of(self, animal: int) -> tuple[int, int]:
        """Both parents of an animal, made up where it has none."""
        if self.dam[animal] < 0:
            self.dam[animal] = self.add()
        if self.sire[animal] < 0:
            self.sire[animal] = self.add()
        return self.dam[animal], self.sire[animal]

    def reaches(self, start: int, goal: int) -> bool:
        """Is `goal` the animal `start` or one of its ancestors?"""
        todo, seen = [start], set()
        while todo:
            animal = todo.pop()
            if animal == goal:
                return True
            if animal < 0 or animal in seen:
                continue
            seen.add(animal)
            todo += [self.dam[animal], self.sire[animal]]
        return False

    def order(self) -> Ints:
        """Rows, parents before offspring."""
        depth = np.zeros(len(self.dam), dtype=np.int64)
        dam, sire = np.array(self.dam), np.array(self.sire)
        for _ in range(len(depth)):
            above = np.maximum(np.where(dam >= 0, depth[dam], -1), np.where(sire >= 0, depth[sire], -1)) + 1
            if (above == depth).all():
                break
            depth = above
        return np.argsort(depth, kind="stable")


def draw_pedigree(candidates: Candidates, inference: Inference, rng: np.random.Generator) -> DrawnPedigree:
    """One pedigree from the posterior, family by family."""
    belief = inference.main
    h, joint = belief.hypotheses, belief.posterior.joint
    count, width, _ = joint.shape
    length = h.animals.shape[1]
    drawn = DrawnPedigree()
    for _ in range(inference.model.n_animals):
        drawn.add()
    flat = joint.reshape(count, -1).cumsum(axis=1)
    pick: Ints = (rng.random((count, 1)) > flat).sum(axis=1)
    members: list[list[int]] = [[] for _ in range(count)]
    for animal, k in enumerate(belief.family):
        members[int(k)].append(animal)
    hidden: list[tuple[int, int, int]] = []
    for k in range(count):
        choice = (0, 0) if pick[k] >= width * width else divmod(int(pick[k]), width)
        for side, hypothesis in zip((drawn.dam, drawn.sire), choice, strict=True):
            kind, at = (-1, 0) if hypothesis == 0 else divmod(hypothesis - 1, length)
            animal = int(h.animals[k, at]) if kind >= 0 else -1
            if kind == 0 and not any(drawn.reaches(animal, m) for m in members[k]):
                parent = animal
            else:
                parent = drawn.add()
                if kind > 0:
                    hidden.append((parent, animal, kind))
            for member in members[k]:
                side[member] = parent
    for parent, animal, kind in hidden:
        _relate(drawn, parent, animal, kind)
    return drawn


def _relate(drawn: DrawnPedigree, parent: int, animal: int, kind: int) -> None:
    """Make the untyped `parent` a full sib (1), an offspring (2) or a half sib (3) of a typed animal.

    A parent and an offspring share the same, so an offspring stands for both. A loop in the pedigree
    leaves the parent a stranger.
    """
    if kind == 2:
        made = (animal, drawn.add())
    else:
        dam, sire = drawn.parents_of(animal)
        made = (dam, sire) if kind == 1 else (dam, drawn.add())
    if any(drawn.reaches(new, parent) for new in made):
        return
    drawn.dam[parent], drawn.sire[parent] = made


def confidences(stated: float) -> Sequence[float]:
    """The stated confidence, and the two of the field's custom for comparison."""
    return tuple(sorted({stated, 0.95, 0.80}, reverse=True))
