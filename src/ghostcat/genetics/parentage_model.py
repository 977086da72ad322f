"""Parents, alleles and laboratory errors: what one locus says about one parent or two.

Everything in parentage rests on one small fact. Whatever is believed about a parent (its own typing, an
unsampled animal, the unsampled sister of somebody typed) enters an offspring's likelihood only through
the probability with which it passes on each allele. A parent that is related to a typed animal by r
passes on u = (1 − r)·p + r·t, where p are the allele frequencies and t is what the typed animal itself
would pass on.

References
----------
Meagher & Thompson (1986) Theor. Popul. Biol. 29:87–106; Marshall et al. (1998) Mol. Ecol. 7:639–655;
Kalinowski, Taper & Marshall (2007) Mol. Ecol. 16:1099–1106 (likelihoods with error in all three typings);
Wang (2004) Genetics 166:1963–1979 (allelic dropout and false alleles).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["MarkerModel", "TypingErrors", "build_model", "expected_parent_lod", "pair_log_ratios"]

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TypingErrors:
    """How a laboratory goes wrong, per genotype.

    Parameters
    ----------
    false_allele : probability that a genotype holds a wrongly read allele (each of its two alleles is
        misread with half of it, to any other allele of the locus alike).
    dropout : probability that a heterozygote shows only one of its two alleles.
    """

    false_allele: float = 0.01
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("false_allele", "dropout"):
            value = getattr(self, name)
            if not 0.0 <= value < 0.5:
                raise ParameterError(
                    f"the {name.replace('_', ' ')} rate is {value}",
                    fix="Give a share between 0 and 0.5, for example 0.01.",
                )


@dataclass(frozen=True, eq=False, kw_only=True)
class MarkerModel:
    """Typings as classes per locus, and what each class says.

    Parameters
    ----------
    classes : (n, L) class of each typing; 0 is missing.
    frequencies : (L, A) allele frequencies, 0 beyond a locus's own alleles.
    reading : (L, K, A, A) probability of reading class k from the ordered true alleles (a, b).
    passes : (L, K, A) probability that an animal read as class k passes on each allele.
    base : (L, K) probability of class k in an animal drawn at random; 1 for missing.
    copies : (L, K, A) copies of each allele that a class shows.
    counts : (L, A) copies behind the frequencies.
    errors : the laboratory errors assumed.
    """

    classes: NDArray[np.int16]
    frequencies: Floats
    reading: Floats
    passes: Floats
    base: Floats
    copies: Floats
    counts: Floats
    errors: TypingErrors

    @property
    def n_animals(self) -> int:
        """Number of typed animals."""
        return int(self.classes.shape[0])

    @property
    def n_loci(self) -> int:
        """Number of loci."""
        return int(self.classes.shape[1])


def build_model(
    genotypes: Genotypes, errors: TypingErrors, *, frequencies: Floats | None = None
) -> MarkerModel:
    """Turn typings (one row an animal) into classes with their likelihoods.

    Parameters
    ----------
    genotypes : one row per animal. Half genotypes count as missing.
    errors : laboratory errors.
    frequencies : (L, A) allele frequencies; from the animals themselves when not given.

    Returns
    -------
    MarkerModel.

    Raises
    ------
    ParameterError : no animal or no locus.
    """
    n, n_loci = len(genotypes), genotypes.n_loci
    if n == 0 or n_loci == 0:
        raise ParameterError(f"there are {n} animals and {n_loci} loci", fix="Give at least one of each.")
    counted = count_alleles(genotypes)
    freq = counted / counted.sum(axis=1, keepdims=True) if frequencies is None else frequencies
    width = freq.shape[1]
    pairs = np.where(
        genotypes.typed, genotypes.alleles[:, :, 0].astype(np.int64) * width + genotypes.alleles[:, :, 1], -1
    )
    classes = np.zeros((n, n_loci), dtype=np.int16)
    kinds: list[Ints] = []
    for at in range(n_loci):
        seen, code = np.unique(pairs[:, at], return_inverse=True)
        has_gap = bool(seen[0] < 0)
        classes[:, at] = code + (0 if has_gap else 1)
        kinds.append(seen[1:] if has_gap else seen)
    n_classes = 1 + max(len(kind) for kind in kinds)
    reading = np.zeros((n_loci, n_classes, width, width))
    reading[:, 0] = 1.0
    copies = np.zeros((n_loci, n_classes, width))
    counts = np.maximum(genotypes.n_alleles, 1)
    for n_alleles in np.unique(counts).tolist():
        table = _reading_table(int(n_alleles), errors)
        for at in np.flatnonzero(counts == n_alleles).tolist():
            i, j = kinds[at] // width, kinds[at] % width
            reading[at, 1 : len(i) + 1, :n_alleles, :n_alleles] = table[i, j]
            np.add.at(copies[at], (np.arange(1, len(i) + 1), i), 1.0)
            np.add.at(copies[at], (np.arange(1, len(j) + 1), j), 1.0)
    joint = reading * (freq[:, None, :, None] * freq[:, None, None, :])
    base = joint.sum(axis=(2, 3))
    passes = joint.sum(axis=3)
    total = np.where(base > 0, base, 1.0)
    passes = np.where(base[:, :, None] > 0, passes / total[:, :, None], freq[:, None, :])
    return MarkerModel(
        classes=classes,
        frequencies=freq,
        reading=reading,
        passes=passes,
        base=total,
        copies=copies,
        counts=counted,
        errors=errors,
    )


def count_alleles(genotypes: Genotypes) -> Floats:
    """(L, A) copies of the alleles, with half a copy of each added so that none is impossible."""
    counts = genotypes.allele_counts().astype(np.float64)
    width = max(counts.shape[1], 1)
    counts = counts.reshape(genotypes.n_loci, width) if counts.size else np.zeros((genotypes.n_loci, width))
    own = np.arange(width)[None, :] < np.maximum(genotypes.n_alleles, 1)[:, None]
    counted: Floats = np.where(own, counts + 0.5, 0.0)
    return counted


def _reading_table(n_alleles: int, errors: TypingErrors) -> Floats:
    """(A, A, A, A): probability of reading the genotype {i, j}, i ≤ j, from the true alleles a, b."""
    identity = np.eye(n_alleles)
    others = (1.0 - identity) / max(n_alleles - 1, 1)
    slip = errors.false_allele / 2.0 if n_alleles > 1 else 0.0
    misread = (1.0 - slip) * identity + slip * others
    ordered = np.einsum("ai,bj->ijab", misread, misread)
    whole = ordered + np.where(
        identity[:, :, None, None] > 0, 0.0, np.einsum("aj,bi->ijab", misread, misread)
    )
    own = np.einsum("ijaa->ija", whole)
    dropped = 0.5 * (own[:, :, :, None] + own[:, :, None, :])
    het = 1.0 - identity
    table: Floats = whole + errors.dropout * het[None, None] * (dropped - whole)
    return table


def pair_log_ratios(
    model: MarkerModel,
    relatedness: float,
    *,
    offspring: NDArray[np.integer] | None = None,
    candidates: NDArray[np.integer] | None = None,
) -> Floats32:
    """log of P(offspring | a parent related to the candidate by r) / P(offspring), for all pairs at once.

    r = 1 is the parent itself; r = ½ stands for a full sibling, a parent or an offspring of the true
    parent (so the candidate is a full aunt, a grandparent or a half sib of the offspring); r = ¼ for a half
    sibling of the true parent. Sums over loci are matrix products of typing classes.

    Parameters
    ----------
    model : typings of everyone.
    relatedness : r in 0…1.
    offspring, candidates : rows to use, all when not given.

    Returns
    -------
    (n_offspring, n_candidates) natural logarithms.
    """
    with_p = np.einsum("lkab,lb->lka", model.reading, model.frequencies)
    ratio = np.einsum("lxa,lya->lxy", with_p, model.passes) / model.base[:, :, None]
    return sum_over_loci(
        model, _log((1.0 - relatedness) + relatedness * ratio), offspring=offspring, candidates=candidates
    )


def expected_parent_lod(model: MarkerModel) -> float:
    """Mean LOD (natural log, against strangers) that a true parent will have with these markers.

    Over all pairs of readings that a parent and its offspring can show, weighed by how often both are
    typed. To be told from N candidates by itself a parent needs more than about log N.
    """
    freq = model.frequencies
    with_p = np.einsum("lkab,lb->lka", model.reading, freq)
    ratio = np.einsum("lxa,lya->lxy", with_p, model.passes) / model.base[:, :, None]
    there = model.copies.sum(axis=2) > 0
    weight = np.where(there, model.base, 0.0)
    chance = weight[:, :, None] * weight[:, None, :] * ratio
    typed = (model.classes > 0).mean(axis=0) ** 2
    return float((typed * (chance * _log(ratio)).sum(axis=(1, 2))).sum())


def full_sib_log_ratios(
    model: MarkerModel,
    *,
    offspring: NDArray[np.integer] | None = None,
    candidates: NDArray[np.integer] | None = None,
    shares: tuple[float, float, float] = (0.25, 0.5, 0.25),
) -> Floats32:
    """log of P(pair | relatives) / P(pair | strangers); `shares` of 0, 1, 2 alleles identical by descent."""
    freq = model.frequencies
    with_p = np.einsum("lkab,lb->lka", model.reading, freq)
    one = np.einsum("lxa,lya->lxy", with_p, model.passes) / model.base[:, :, None]
    n_loci, n_classes, width, _ = model.reading.shape
    flat = model.reading.reshape(n_loci, n_classes, width * width)
    weight = (freq[:, :, None] * freq[:, None, :]).reshape(n_loci, 1, width * width)
    same = (flat * weight) @ flat.transpose(0, 2, 1)
    two = same / (model.base[:, :, None] * model.base[:, None, :])
    return sum_over_loci(
        model,
        _log(shares[0] + shares[1] * one + shares[2] * two),
        offspring=offspring,
        candidates=candidates,
    )


def _log(values: Floats) -> Floats:
    """log, with a floor for classes that a locus does not have."""
    logs: Floats = np.log(np.maximum(values, 1e-12))
    return logs


def sum_over_loci(
    model: MarkerModel,
    table: Floats,
    *,
    offspring: NDArray[np.integer] | None = None,
    candidates: NDArray[np.integer] | None = None,
) -> Floats32:
    """Σ over loci of table[l, class of the offspring, class of the candidate], as one matrix product.

    `table` is (L, K, K); entries of missing classes count as 0.
    """
    weights = table.astype(np.float32)
    weights[:, 0, :] = 0.0
    weights[:, :, 0] = 0.0
    rows = model.classes if offspring is None else model.classes[offspring]
    columns = model.classes if candidates is None else model.classes[candidates]
    n_loci, n_classes = table.shape[0], table.shape[1]
    locus = np.arange(n_loci)
    hot = one_hot(rows, n_classes)
    # (candidates, L·K): what each class of the offspring would add, given this candidate's typing
    gathered = weights.transpose(0, 2, 1)[locus[None, :], columns][:, :, 1:]
    sums: Floats32 = hot @ gathered.reshape(len(columns), n_loci * (n_classes - 1)).T
    return sums


def one_hot(classes: NDArray[np.integer], n_classes: int) -> Floats32:
    """(n, L·(K − 1)) indicator of each typing's class, without a column for missing."""
    hot = classes[:, :, None] == np.arange(1, n_classes, dtype=classes.dtype)
    flat: Floats32 = hot.reshape(len(classes), classes.shape[1] * (n_classes - 1)).astype(np.float32)
    return flat
