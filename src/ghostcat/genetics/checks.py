"""Mistakes that show only in the whole: alleles out of range, loci swapped, samples that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.genotypes import Genotypes

__all__ = ["GenotypeFinding", "check_genotypes"]

#: An allele this many base pairs beyond all others of its locus is told, if few animals carry it.
_FAR_BP = 30
_FEW = 2
#: A genotype this close to the range of a locus is still taken to fit it.
_MARGIN_BP = 4.0
#: A sample or locus typed less often than this is told.
_POOR = 0.5
_SHOWN = 6


@dataclass(frozen=True)
class GenotypeFinding:
    """One thing that a check found, with its place and what to do."""

    code: str
    severity: Literal["error", "warning", "note"]
    message: str
    fix: str = ""
    where: str = ""


def check_genotypes(genotypes: Genotypes) -> tuple[GenotypeFinding, ...]:
    """Look for mistakes that only show when a table is seen as a whole. Nothing is changed.

    Alleles far outside the range of their locus; animals whose genotypes at two loci fit the other
    locus; alleles off the repeat ladder; loci without variation; samples and loci that mostly failed.
    """
    if not len(genotypes) or not genotypes.n_loci:
        return ()
    swapped, rows = _swapped(genotypes)
    return (
        *swapped,
        *_far_alleles(genotypes, rows),
        *_off_ladder(genotypes),
        *_poor(genotypes),
        *_no_variation(genotypes),
        *_same_names(genotypes),
        *_same_genotypes(genotypes),
    )


def _place(genotypes: Genotypes, row: int) -> str:
    return genotypes.origins[row] or f"sample {genotypes.samples[row]}"


def _sizes(genotypes: Genotypes) -> NDArray[np.float64]:
    """(n, L, 2) lengths in base pairs; NaN where missing or where alleles are no lengths."""
    sizes = np.full(genotypes.alleles.shape, np.nan)
    for at, locus in enumerate(genotypes.loci):
        lengths = locus.sizes
        if lengths is not None and len(lengths):
            codes = genotypes.alleles[:, at]
            sizes[:, at] = np.where(codes >= 0, lengths[np.maximum(codes, 0)], np.nan)
    return sizes


def _swapped(genotypes: Genotypes) -> tuple[list[GenotypeFinding], set[tuple[int, int]]]:
    """Rows whose lengths at two loci are each far out of their own locus and inside the other's."""
    places = [at for at, locus in enumerate(genotypes.loci) if locus.sizes is not None]
    sizes = _sizes(genotypes)[:, places]
    found: list[GenotypeFinding] = []
    taken: set[tuple[int, int]] = set()
    if len(genotypes) < 4 or len(places) < 2:
        return found, taken
    usual, others = _usual_range(sizes), _range_of_others(sizes)
    with np.errstate(invalid="ignore"):
        fits_low = sizes[:, :, None, :] >= usual[None, None, :, :1] - _MARGIN_BP
        fits_high = sizes[:, :, None, :] <= usual[None, None, :, 1:] + _MARGIN_BP
        inside = np.asarray((fits_low & fits_high).all(axis=3))
        at_home = np.diagonal(inside, axis1=1, axis2=2) & (
            (sizes >= others[:, :, :1] - _MARGIN_BP) & (sizes <= others[:, :, 1:] + _MARGIN_BP)
        ).all(axis=2)
    strange = np.asarray(~np.isnan(sizes).any(axis=2) & ~at_home)
    for row in np.flatnonzero(strange.sum(axis=1) >= 2):
        outside = np.flatnonzero(strange[row])
        for i in outside:
            for j in outside:
                if i < j and inside[row, i, j] and inside[row, j, i] and not {(row, i), (row, j)} & taken:
                    taken |= {(int(row), int(i)), (int(row), int(j))}
                    one, two = (genotypes.loci[places[at]].name for at in (i, j))
                    found.append(
                        GenotypeFinding(
                            "loci_swapped",
                            "warning",
                            f"sample {genotypes.samples[row]}: genotypes at {one} and {two} look swapped; "
                            "each fits the lengths of the other locus",
                            f"Exchange the genotypes of {one} and {two} if the laboratory agrees.",
                            _place(genotypes, int(row)),
                        )
                    )
    return found, {(row, places[at]) for row, at in taken}


def _usual_range(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L, 2) lengths between which nearly all alleles of a locus lie; NaN of few."""
    found = np.full((sizes.shape[1], 2), np.nan)
    for at in range(sizes.shape[1]):
        lengths = sizes[:, at][~np.isnan(sizes[:, at])]
        if lengths.size >= 8:
            found[at] = np.quantile(lengths, [0.02, 0.98])
    return found


def _range_of_others(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, L, 2) shortest and longest allele among all other rows; ±∞ where there is none."""
    low = np.where(np.isnan(sizes), np.inf, sizes).min(axis=2)
    high = np.where(np.isnan(sizes), -np.inf, sizes).max(axis=2)
    lows, highs = np.sort(low, axis=0)[:2], np.sort(high, axis=0)[-2:]
    without_low = np.where(low == lows[0], lows[1], lows[0])
    without_high = np.where(high == highs[1], highs[0], highs[1])
    return np.stack([without_low, without_high], axis=2)


def _far_alleles(genotypes: Genotypes, skip: set[tuple[int, int]]) -> list[GenotypeFinding]:
    found = []
    for at, locus in enumerate(genotypes.loci):
        lengths = locus.sizes
        if lengths is None or len(lengths) < 3:
            continue
        order = np.argsort(lengths)
        gaps = np.diff(lengths[order])
        carriers = [
            [
                r
                for r in np.flatnonzero((genotypes.alleles[:, at] == code).any(axis=1))
                if (int(r), at) not in skip
            ]
            for code in order
        ]
        for end, gap, codes in ((0, gaps[0], order[1:]), (-1, gaps[-1], order[:-1])):
            rows = carriers[end]
            rest = int((genotypes.alleles[:, at] >= 0).sum()) - len(rows)
            span = int(np.ptp(lengths[codes]))
            if gap >= max(_FAR_BP, span) and 0 < len(rows) <= _FEW and rest >= 10:
                name = locus.alleles[order[end]]
                found.append(
                    GenotypeFinding(
                        "allele_out_of_range",
                        "warning",
                        f"locus {locus.name}: allele {name} is {gap} bp from all others "
                        f"({lengths[codes].min()}–{lengths[codes].max()}); "
                        f"carried by {', '.join(genotypes.samples[r] for r in rows)}",
                        "Look for a typing error, or for the value of another locus.",
                        _place(genotypes, int(rows[0])),
                    )
                )
    return found


def _off_ladder(genotypes: Genotypes) -> list[GenotypeFinding]:
    """Rare odd lengths at a locus whose other alleles are all even, and the like."""
    found = []
    for at, locus in enumerate(genotypes.loci):
        lengths = locus.sizes
        if lengths is None or len(lengths) < 4:
            continue
        counts = np.bincount(genotypes.alleles[:, at][genotypes.alleles[:, at] >= 0], minlength=len(lengths))
        odd = lengths % 2 == 1
        for off in (odd, ~odd):
            genes = int(counts[off].sum())
            if off.sum() <= _FEW and 0 < genes <= _FEW and counts.sum() >= 30:
                code = int(np.flatnonzero(off & (counts > 0))[0])
                row = int(np.flatnonzero((genotypes.alleles[:, at] == code).any(axis=1))[0])
                found.append(
                    GenotypeFinding(
                        "allele_off_ladder",
                        "note",
                        f"locus {locus.name}: allele {locus.alleles[code]} lies between the steps "
                        f"of two base pairs of all others (sample {genotypes.samples[row]})",
                        "Check the binning of this allele.",
                        _place(genotypes, row),
                    )
                )
    return found


def _poor(genotypes: Genotypes) -> list[GenotypeFinding]:
    found = []
    share = genotypes.typed.mean(axis=1)
    empty = np.flatnonzero(share == 0)
    if empty.size:
        found.append(
            GenotypeFinding(
                "sample_without_genotypes",
                "warning",
                f"{empty.size} samples have no complete genotype at any locus "
                f"({', '.join(genotypes.samples[r] for r in empty[:_SHOWN])}); they count for nothing",
                "Type them again, or leave them out.",
                ", ".join(_place(genotypes, int(r)) for r in empty[:_SHOWN]),
            )
        )
    poor = np.flatnonzero((share > 0) & (share < _POOR))
    if poor.size:
        found.append(
            GenotypeFinding(
                "sample_poorly_typed",
                "warning",
                f"{poor.size} samples were typed at fewer than half of the loci "
                f"({', '.join(genotypes.samples[r] for r in poor[:_SHOWN])})",
                "Type them again; dropout is likely in the rest of their genotypes.",
                ", ".join(_place(genotypes, int(r)) for r in poor[:_SHOWN]),
            )
        )
    by_locus = genotypes.typed.mean(axis=0)
    failed = [genotypes.loci[at].name for at in np.flatnonzero(by_locus < _POOR)]
    if failed:
        found.append(
            GenotypeFinding(
                "locus_poorly_typed",
                "warning",
                f"{len(failed)} loci were typed in fewer than half of the samples "
                f"({', '.join(failed[:_SHOWN])})",
                "Leave them out, or see whether their primers work on scat.",
            )
        )
    return found


def _no_variation(genotypes: Genotypes) -> list[GenotypeFinding]:
    seen = (genotypes.allele_counts() > 0).sum(axis=1)
    fixed = [genotypes.loci[at].name for at in np.flatnonzero(seen == 1)]
    if not fixed:
        return []
    return [
        GenotypeFinding(
            "locus_without_variation",
            "note",
            f"{len(fixed)} loci have one allele in all samples ({', '.join(fixed[:_SHOWN])}); "
            "they say nothing about who is who",
            "Nothing to do; expect it where a population went through few founders.",
        )
    ]


def _same_names(genotypes: Genotypes) -> list[GenotypeFinding]:
    """Sample ids that differ in case or spaces only."""
    spelled: dict[str, set[str]] = {}
    for name in genotypes.samples:
        key = "".join(character for character in name.casefold() if character.isalnum())
        spelled.setdefault(key, set()).add(name)
    near = [sorted(names) for key, names in spelled.items() if key and len(names) > 1]
    if not near:
        return []
    shown = "; ".join(" and ".join(map(repr, names)) for names in near[:_SHOWN])
    return [
        GenotypeFinding(
            "sample_spelling",
            "note",
            f"{len(near)} sample ids differ in case, spaces or dashes only ({shown}); they are kept apart",
            "Spell them in one way if they are one sample.",
        )
    ]


def _same_genotypes(genotypes: Genotypes) -> list[GenotypeFinding]:
    """Samples that agree at every locus, with enough loci to be surprising."""
    if genotypes.n_loci < 5:
        return []
    alike: dict[bytes, list[str]] = {}
    complete = genotypes.typed.mean(axis=1) >= _POOR
    for row in np.flatnonzero(complete):
        names = alike.setdefault(genotypes.alleles[row].tobytes(), [])
        if genotypes.samples[row] not in names:
            names.append(genotypes.samples[row])
    groups = [names for names in alike.values() if len(names) > 1]
    if not groups:
        return []
    shown = "; ".join(", ".join(names) for names in groups[:_SHOWN])
    return [
        GenotypeFinding(
            "same_genotype",
            "warning",
            f"{sum(map(len, groups))} samples form {len(groups)} groups with one genotype each ({shown}); "
            "if a group is one animal, it counts more than once",
            "Find out with `ghostcat genetics identify`, and keep one sample of each animal.",
        )
    ]
