"""Posterior odds of parent pairs, with the parents that nobody typed.

For each family the mother is one of: a typed candidate; an untyped animal that is a full sibling, a parent
or offspring, or a half sibling of somebody typed; an untyped stranger. The same holds for the father. The
joint likelihood over both is exact given the family; how common each kind is (the sampling fraction, the
share of relatives among the typed, the ages of parents) is estimated from all families together.

References
----------
Nielsen, Mattila, Clapham & Palsbøll (2001) Genetics 157:1673–1682 (posterior with unsampled parents);
Huisman (2017) Mol. Ecol. Resour. 17:1009–1024 (the relatives a parent must be told from).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.parentage_families import ParentStates, log_total, one_parent, without_family
from ghostcat.genetics.parentage_model import MarkerModel, one_hot, pair_log_ratios

__all__ = ["FamilyCandidates", "Hypotheses", "Posterior", "Shares", "compare_parents", "weigh"]

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: How the hidden parent can be related to a typed animal: identical by descent shares of 0, 1, 2 alleles.
RELATIONS = {
    "full sib": (0.25, 0.5, 0.25),
    "parent or offspring": (0.0, 1.0, 0.0),
    "half sib": (0.5, 0.5, 0.0),
}
_SELF, _UNKNOWN = 0, -1
_TINY = 1e-30
#: Parents that the belief in no influence of age is worth, per age class.
_AGE_PRIOR = 4.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Hypotheses:
    """Log likelihoods of each family under every pair of short-listed parents.

    Parameters
    ----------
    animals : (F, C) rows of short-listed animals, −1 where the list is shorter.
    log_pair : (F, 1 + 4C, 1 + 4C) log likelihood over that with two strangers as parents; column 0 is the
        stranger, 1 + c + C·k is short-listed animal c as itself (k = 0) or as a relative of kind k.
    log_sib : (F, C) log likelihood if the animal is a full sibling of the family.
    rest : (F, 3) mean likelihood ratio of relatives that are not short-listed, per kind.
    dam_weight, sire_weight : (F, C) weight of the animal as the mother, the father: 0 impossible, 1 possible,
        between them while its sex is uncertain.
    log_offspring : (F, C) log likelihood if the animal is an offspring of a member; −inf where ages forbid.
    dam_known, sire_known : (F,) is the mother, the father a fact from the field?
    dam_gap, sire_gap : (F, C) age class of the animal as a parent.
    dam_gaps, sire_gaps : (F, G) number of candidates per age class.
    others : (F,) number of typed animals that could be relatives.
    sizes : (F,) offspring per family.
    """

    animals: Ints
    log_pair: Floats32
    log_sib: Floats
    rest: Floats
    dam_weight: Floats
    sire_weight: Floats
    log_offspring: Floats
    dam_known: Bools
    sire_known: Bools
    dam_gap: Ints
    sire_gap: Ints
    dam_gaps: Floats
    sire_gaps: Floats
    others: Floats
    sizes: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class Shares:
    """What is estimated from all families together."""

    dam_sampled: float
    sire_sampled: float
    dam_related: Floats
    sire_related: Floats
    sib: float
    dam_ages: Floats
    sire_ages: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """Probabilities of the hypotheses.

    `pair` is (F, C + 1, C + 1): dam, sire; the last entry is untyped. `joint` is (F, H, H) in the order of
    `Hypotheses.log_pair`; what it lacks to 1 are typed full siblings outside the family.
    """

    pair: Floats
    joint: Floats
    shares: Shares

    @property
    def dam(self) -> Floats:
        """(F, C + 1) probability of each dam, the last one untyped."""
        share: Floats = self.pair.sum(axis=2)
        return share

    @property
    def sire(self) -> Floats:
        """(F, C + 1) probability of each sire, the last one untyped."""
        share: Floats = self.pair.sum(axis=1)
        return share


def parent_messages(states: ParentStates) -> Floats32:
    """(4, L, K, S): what the typing of an animal says about a parent that is itself or its relative."""
    step = np.einsum("lkg,lgh->lkh", states.typed, states.steps, optimize=True)
    prior = np.broadcast_to(states.prior[:, None, :], states.typed.shape)
    kinds = [states.typed]
    kinds += [k0 * prior + k1 * step + k2 * states.typed for k0, k1, k2 in RELATIONS.values()]
    return np.stack(kinds).astype(np.float32)


def screen(model: MarkerModel, states: ParentStates, tables: Floats32, messages: Floats32) -> Floats32:
    """(4, F, n): log likelihood of each family with each animal as one parent (or the parent's relative)."""
    said, _ = one_parent(tables, states)
    said /= np.maximum(np.einsum("fls,ls->fl", said, states.prior), 1e-35)[:, :, None]
    n_classes = model.base.shape[1]
    hot = one_hot(model.classes, n_classes)
    out = np.empty((len(messages), len(tables), model.n_animals), dtype=np.float32)
    for kind, message in enumerate(messages):
        weight = np.log(np.maximum(np.einsum("flg,lkg->flk", said, message[:, 1:], optimize=True), _TINY))
        out[kind] = weight.reshape(len(tables), hot.shape[1]) @ hot.T
    return out


def short_list(one: Floats32, dam_ok: Bools, sire_ok: Bools, outside: Bools, *, length: int) -> Ints:
    """(F, C) animals worth comparing exactly: the best mothers, fathers and relatives of each family."""
    each = max(length // 3, 1)
    score = np.full(dam_ok.shape, -np.inf, dtype=np.float32)
    tops = [
        np.where(dam_ok, one[_SELF], -np.inf),
        np.where(sire_ok, one[_SELF], -np.inf),
        np.where(outside, one[1:].max(axis=0), -np.inf),
    ]
    n = dam_ok.shape[1]
    rows = np.arange(len(score))[:, None]
    for top in tops:
        take = min(each, n)
        best = np.argpartition(-top, take - 1, axis=1)[:, :take]
        values = top[rows, best]
        rank = np.argsort(np.argsort(-values, axis=1), axis=1)
        bonus = np.where(np.isfinite(values), 1e6 - rank, -np.inf)
        score[rows, best] = np.maximum(score[rows, best], bonus)
    take = min(length, n)
    chosen = np.argsort(-score, axis=1, kind="stable")[:, :take]
    found = np.isfinite(score[rows, chosen])
    return np.where(found, chosen, _UNKNOWN).astype(np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class FamilyCandidates:
    """Possible parents of families.

    Parameters
    ----------
    dam, sire : (F, n) weights.
    gap : (F, n) age classes.
    reverse : (n, n) may the column animal be the offspring of the row animal as well as its parent?
    dam_known, sire_known : (F,) facts from the field.
    n_gaps : number of age classes.
    """

    dam: Floats32
    sire: Floats32
    gap: NDArray[np.int8]
    reverse: Bools
    dam_known: Bools
    sire_known: Bools
    n_gaps: int


def compare_parents(
    model: MarkerModel,
    states: ParentStates,
    tables: Floats32,
    *,
    family: Ints,
    candidates: FamilyCandidates,
    length: int = 6,
) -> Hypotheses:
    """Screen all animals for all families, then compare the short lists exactly.

    Parameters
    ----------
    tables : (F, L, S·S) joint tables of the families.
    family : (n,) family of each animal, −1 for those that are only candidates here.
    candidates : who may be a parent of which family.
    length : animals on each short list.
    """
    count = len(tables)
    outside = family[None, :] != np.arange(count)[:, None]
    dam = np.where(outside, candidates.dam, np.float32(0.0))
    sire = np.where(outside, candidates.sire, np.float32(0.0))
    # Families nobody could be the parent of are founders: nothing to compare.
    some = np.flatnonzero((dam > 0).any(axis=1) | (sire > 0).any(axis=1))
    one = screen(model, states, tables[some], parent_messages(states))
    found = short_list(one, dam[some] > 0, sire[some] > 0, outside[some], length=length)
    animals = np.full((count, found.shape[1]), _UNKNOWN)
    animals[some] = found
    log_pair = np.zeros((count, *[1 + 4 * found.shape[1]] * 2), dtype=np.float32)
    log_pair[some] = _exact(model, states, tables[some], _renumbered(family, some, count), found)
    rows = np.arange(count)[:, None]
    there = animals >= 0
    safe = np.maximum(animals, 0)
    others = np.maximum(outside.sum(axis=1), 1).astype(np.float64)
    sizes = np.bincount(family[family >= 0], minlength=count)
    rest = np.zeros((count, len(RELATIONS)))
    rest[some] = _unlisted(one[1:], outside[some], found) / others[some, None]
    gap = candidates.gap
    return Hypotheses(
        animals=animals,
        log_pair=log_pair,
        log_sib=_sib(model, states, tables, animals),
        rest=rest,
        dam_weight=np.where(there, dam[rows, safe], 0.0),
        sire_weight=np.where(there, sire[rows, safe], 0.0),
        log_offspring=_offspring(model, family, animals, candidates.reverse),
        dam_known=candidates.dam_known,
        sire_known=candidates.sire_known,
        dam_gap=gap[rows, safe].astype(np.int64),
        sire_gap=gap[rows, safe].astype(np.int64),
        dam_gaps=_count_gaps(gap, dam, candidates.n_gaps),
        sire_gaps=_count_gaps(gap, sire, candidates.n_gaps),
        others=others,
        sizes=sizes,
    )


def _renumbered(family: Ints, some: Ints, count: int) -> Ints:
    place = np.full(count + 1, -1)
    place[some] = np.arange(len(some))
    renumbered: Ints = place[family]
    return renumbered


def _unlisted(one: Floats32, outside: Bools, animals: Ints) -> Floats:
    """(F, 3) sum of the likelihood ratios of relatives that are not on the short lists."""
    rows = np.arange(len(animals))[:, None]
    sums = np.empty((len(animals), len(one)))
    for kind, logs in enumerate(one):
        ratio = np.exp(np.minimum(logs, np.float32(40.0)))
        listed = np.where(animals >= 0, ratio[rows, np.maximum(animals, 0)], 0.0).sum(
            axis=1, dtype=np.float64
        )
        sums[:, kind] = np.where(outside, ratio, np.float32(0.0)).sum(axis=1, dtype=np.float64) - listed
    return np.maximum(sums, 0.0)


def _count_gaps(gap: NDArray[np.int8], weight: Floats32, n_gaps: int) -> Floats:
    """(F, n_gaps) number of candidates of each age class, uncertain ones by their weight."""
    counts = np.zeros((len(gap), n_gaps))
    for g in np.unique(gap[weight > 0]):
        counts[:, g] = np.where(gap == g, weight, 0.0).sum(axis=1)
    return counts


def _exact(
    model: MarkerModel, states: ParentStates, tables: Floats32, family: Ints, animals: Ints
) -> Floats32:
    """(F, H, H) log likelihood of both parents at once, over two strangers. H = 1 + 4C."""
    count, length = animals.shape
    n_loci, n_states = states.prior.shape
    kinds = list(RELATIONS.values())
    hypotheses = 1 + (1 + len(kinds)) * length
    out = np.empty((count, hypotheses, hypotheses), dtype=np.float32)
    locus = np.arange(n_loci)
    step = max(1, 6_000_000 // (hypotheses * hypotheses * 8 + hypotheses * n_loci * n_states))
    safe = np.maximum(animals, 0)
    for at in range(0, count, step):
        part = safe[at : at + step]
        table = tables[at : at + step]
        top = table.max(axis=-1, keepdims=True)
        split = np.exp(table - top).reshape(len(part), n_loci, n_states, n_states)
        here = np.where((family >= at) & (family < at + len(part)), family - at, -1)
        prior, steps = without_family(model, states, here, len(part))
        own = states.typed[locus[None, :, None], model.classes[part].transpose(0, 2, 1)]  # F, L, C, S
        stepped = own @ steps
        beliefs = np.empty((len(part), n_loci, hypotheses, n_states), dtype=np.float32)
        beliefs[:, :, 0] = prior
        beliefs[:, :, 1 : 1 + length] = own
        for kind, (k0, k1, k2) in enumerate(kinds):
            place = 1 + (kind + 1) * length
            beliefs[:, :, place : place + length] = k0 * prior[:, :, None] + k1 * stepped + k2 * own
        sire_side = beliefs @ split.transpose(0, 1, 3, 2)  # F, L, H(sire), S(dam)
        total = np.zeros((len(part), hypotheses, hypotheses), dtype=np.float32)
        block = 8
        for first in range(0, n_loci, block):
            product = np.ones((len(part), hypotheses, hypotheses), dtype=np.float32)
            for at_locus in range(first, min(first + block, n_loci)):
                value = beliefs[:, at_locus] @ sire_side[:, at_locus].transpose(0, 2, 1)
                value /= value[:, :1, :1].copy()
                np.maximum(value, 1e-4, out=value)
                product *= value
            total += np.log(product)
        out[at : at + step] = total
    return out


def _sib(model: MarkerModel, states: ParentStates, tables: Floats32, animals: Ints) -> Floats:
    own = states.child[np.arange(model.n_loci)[None, :], model.classes]
    alone = log_total(tables, states)
    out = np.full(animals.shape, -np.inf)
    for c in range(animals.shape[1]):
        rows = np.flatnonzero(animals[:, c] >= 0)
        joined = tables[rows] + own[animals[rows, c]]
        out[rows, c] = log_total(joined, states) - alone[rows]
    return out


def _offspring(model: MarkerModel, family: Ints, animals: Ints, reverse: Bools) -> Floats:
    """(F, C) log likelihood if the animal is the offspring of one member, and so a nephew of the others."""
    out = np.full(animals.shape, -np.inf)
    if not reverse.any():
        return out
    members = np.flatnonzero(family >= 0)
    near = pair_log_ratios(model, 1.0, offspring=members).astype(np.float64)
    far = pair_log_ratios(model, 0.5, offspring=members).astype(np.float64)
    all_far = np.zeros((len(animals), model.n_animals))
    np.add.at(all_far, family[members], far)
    one_near = np.where(reverse[members], near - far, -np.inf)
    best = np.full((len(animals), model.n_animals), -np.inf)
    for row, k in enumerate(family[members]):
        best[k] = np.logaddexp(best[k], one_near[row])
    rows = np.arange(len(animals))[:, None]
    return np.where(animals >= 0, (best + all_far)[rows, np.maximum(animals, 0)], -np.inf)


def weigh(hypotheses: Hypotheses, *, rounds: int = 40, known: Shares | None = None) -> Posterior:
    """Posterior of the parents; shares by expectation and maximisation unless `known`."""
    h = hypotheses
    count, length = h.animals.shape
    n_gaps = h.dam_gaps.shape[1]
    shares = known or Shares(
        dam_sampled=0.5,
        sire_sampled=0.5,
        dam_related=np.array([0.05, 0.05, 0.1]),
        sire_related=np.array([0.05, 0.05, 0.1]),
        sib=0.02,
        dam_ages=np.ones(n_gaps),
        sire_ages=np.ones(n_gaps),
    )
    same = (h.animals[:, :, None] == h.animals[:, None, :]) & (h.animals[:, :, None] >= 0)
    clash = np.zeros((count, 1 + 4 * length, 1 + 4 * length), dtype=bool)
    clash[:, 1:, 1:] = np.tile(same, (1, 4, 4))
    shift = np.maximum(h.log_pair.max(axis=(1, 2)), h.log_sib.max(axis=1, initial=-np.inf)).astype(np.float64)
    shift = np.maximum(shift, 0.0)
    likelihood = np.where(clash, 0.0, np.exp(h.log_pair - shift[:, None, None]))
    sib_likelihood = np.exp(h.log_sib - shift[:, None])
    reversed_likelihood = np.exp(np.minimum(h.log_offspring, 60.0))
    some_reversed = bool((reversed_likelihood > 0).any())
    for _ in range(1 if known else rounds):
        dam, dam_mass = _prior(h, _DAM, shares)
        sire, sire_mass = _prior(h, _SIRE, shares)
        joint = likelihood * dam[:, :, None] * sire[:, None, :]
        hidden = (dam_mass * sire_mass / h.others)[:, None]
        sib = np.where(h.animals >= 0, sib_likelihood * shares.sib * hidden, 0.0)
        if some_reversed:
            # An animal has on average as many typed offspring as an animal has typed parents; being
            # somebody's parent says nothing about one's own parents, unless they are the same animal.
            rate = (shares.dam_sampled + shares.sire_sampled) / h.others
            odds = rate[:, None] * reversed_likelihood
            on_side = np.concatenate([np.zeros((count, 1)), np.tile(odds, (1, 4))], axis=1)
            every = 1.0 + odds.sum(axis=1)[:, None, None]
            joint *= np.maximum(every - on_side[:, :, None] - on_side[:, None, :], 1e-12)
        total = joint.sum(axis=(1, 2)) + sib.sum(axis=1)
        joint /= total[:, None, None]
        sib /= total[:, None]
        if known is None:
            revised = _update(h, joint, sib, shares)
            settled = _change(shares, revised) < 2e-4
            shares = revised
            if settled:
                break
    return Posterior(pair=_by_animal(joint, length), joint=joint, shares=shares)


def _change(old: Shares, new: Shares) -> float:
    return max(
        abs(new.dam_sampled - old.dam_sampled),
        abs(new.sire_sampled - old.sire_sampled),
        float(np.abs(new.dam_related - old.dam_related).max()),
        float(np.abs(new.sire_related - old.sire_related).max()),
        abs(new.sib - old.sib),
        0.01 * float(np.abs(new.dam_ages - old.dam_ages).max()),
        0.01 * float(np.abs(new.sire_ages - old.sire_ages).max()),
    )


_DAM, _SIRE = 0, 1


def _side(h: Hypotheses, side: int) -> tuple[Floats, Ints, Floats, Bools]:
    if side == _DAM:
        return h.dam_weight, h.dam_gap, h.dam_gaps, h.dam_known
    return h.sire_weight, h.sire_gap, h.sire_gaps, h.sire_known


def _prior(h: Hypotheses, side: int, shares: Shares) -> tuple[Floats, Floats]:
    """(F, H) prior of each hypothesis on one side, and (F,) the mass of untyped parents."""
    weight, gap, gaps, fact = _side(h, side)
    sampled, related, ages = (
        (shares.dam_sampled, shares.dam_related, shares.dam_ages)
        if side == _DAM
        else (shares.sire_sampled, shares.sire_related, shares.sire_ages)
    )
    count, length = h.animals.shape
    prior = np.zeros((count, 1 + 4 * length))
    room = gaps @ ages
    share = np.where(fact, 1.0 - 1e-9, sampled)
    share = np.where(room > 0, share, 0.0)
    prior[:, 1 : 1 + length] = (share / np.where(room > 0, room, 1.0))[:, None] * ages[gap] * weight
    untyped = 1.0 - share
    there = h.animals >= 0
    for kind in range(3):
        at = 1 + (kind + 1) * length
        prior[:, at : at + length] = np.where(there, (untyped * related[kind] / h.others)[:, None], 0.0)
    prior[:, 0] = untyped * (1.0 - related.sum() + h.rest @ related)
    return prior, untyped


def _update(h: Hypotheses, joint: Floats, sib: Floats, old: Shares) -> Shares:
    sib_total = sib.sum(axis=1)
    found = []
    for side, belief, related_before, ages in (
        (_DAM, joint.sum(axis=2), old.dam_related, old.dam_ages),
        (_SIRE, joint.sum(axis=1), old.sire_related, old.sire_ages),
    ):
        _, gap, gaps, fact = _side(h, side)
        some = (gaps.sum(axis=1) > 0) & ~fact
        length = h.animals.shape[1]
        typed = belief[:, 1 : 1 + length]
        sampled = (typed.sum(axis=1)[some].sum() + 1.0) / (some.sum() + 2.0)
        kinds = belief[:, 1 + length :].reshape(len(belief), 3, length).sum(axis=2)
        rest = h.rest * related_before
        of_rest = rest / (1.0 - related_before.sum() + rest.sum(axis=1))[:, None] * belief[:, :1]
        weight = (kinds + of_rest)[some].sum(axis=0)
        hidden = (belief[:, 0] + kinds.sum(axis=1))[some].sum()
        related = (weight + 0.1) / (hidden + 2.0)
        seen = np.bincount(gap.ravel(), weights=typed.ravel(), minlength=len(ages)).astype(np.float64)
        found.append((float(sampled), related, _per_candidate(seen, typed.sum(axis=1), gaps, ages)))
    hidden_pairs = max(float((joint[:, 0, 0] + sib_total).sum()), 1.0)
    return Shares(
        dam_sampled=found[0][0],
        sire_sampled=found[1][0],
        dam_related=found[0][1],
        sire_related=found[1][1],
        sib=min(float((sib_total.sum() + 0.1) / (hidden_pairs + 5.0)), 0.5),
        dam_ages=found[0][2],
        sire_ages=found[1][2],
    )


def _per_candidate(seen: Floats, typed: Floats, gaps: Floats, ages: Floats) -> Floats:
    """Weight of one candidate of each age class: parents found there over those expected, drawn towards 1.

    The prior is worth a few parents in each class, so that a handful of families cannot rule an age out.
    """
    room = gaps @ ages
    expected = ((typed / np.where(room > 0, room, 1.0))[:, None] * gaps).sum(axis=0)
    weight: Floats = (seen + _AGE_PRIOR) / (expected + _AGE_PRIOR)
    return weight


def _by_animal(joint: Floats, length: int) -> Floats:
    count = len(joint)
    pair = np.empty((count, length + 1, length + 1))
    pair[:, :length, :length] = joint[:, 1 : 1 + length, 1 : 1 + length]
    untyped_dam = joint[:, :1].sum(axis=1) + joint[:, 1 + length :].sum(axis=1)
    untyped_sire = joint[:, :, 0] + joint[:, :, 1 + length :].sum(axis=2)
    pair[:, length, :length] = untyped_dam[:, 1 : 1 + length]
    pair[:, :length, length] = untyped_sire[:, 1 : 1 + length]
    rest = 1.0 - pair[:, :length].sum(axis=(1, 2)) - pair[:, length, :length].sum(axis=1)
    pair[:, length, length] = np.maximum(rest, 0.0)
    return pair
