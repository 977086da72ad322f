"""Genotypes of several laboratories or years as one table, and whether they speak of the same loci."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.genetics.checks import GenotypeFinding
from ghostcat.genetics.genotypes import Genotypes, MarkerKind

__all__ = ["combine_genotypes"]

_SHOWN = 8
#: Genes of a locus in each file from which its alleles are compared between files.
_ENOUGH = 10
_SHIFTS = range(-6, 7)


def combine_genotypes(
    parts: Sequence[Genotypes], names: Sequence[str]
) -> tuple[Genotypes, tuple[GenotypeFinding, ...]]:
    """Put tables under each other; a locus that one of them lacks is missing there.

    Loci are the same if their names agree without case, spaces and dashes. Nothing is renamed or
    shifted: what looks like a renamed or swapped locus, or like another calibration of lengths, is told.

    Parameters
    ----------
    names : what the parts are called in findings, for example their file names.
    """
    if len(parts) != len(names) or not parts:
        raise ParameterError(f"{len(parts)} tables and {len(names)} names")
    if len(parts) == 1:
        return parts[0], ()
    order, places, findings = _match_loci(parts, names)
    genotypes = [
        [_pair(part, row, places[number].get(key)) for key in order]
        for number, part in enumerate(parts)
        for row in range(len(part))
    ]
    columns = list(dict.fromkeys(name for part in parts for name in part.columns))
    combined = Genotypes.from_names(
        [sample for part in parts for sample in part.samples],
        list(order.values()),
        genotypes,
        populations=[name for part in parts for name in part.populations],
        replicates=[name for part in parts for name in part.replicates],
        origins=[origin for part in parts for origin in part.origins],
        columns={
            name: [cell for part in parts for cell in part.columns.get(name, ("",) * len(part))]
            for name in columns
        },
    )
    markers = {
        name: locus.marker
        for part in parts
        for name, locus in zip(map(_key, part.locus_names), part.loci, strict=True)
    }
    combined = _with_markers(combined, [markers[key] for key in order])
    findings += _samples_in_two(parts, names)
    for number in range(1, len(parts)):
        findings += _compare(parts[0], parts[number], names[0], names[number])
    return combined, tuple(findings)


def _key(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum()) or name


def _pair(part: Genotypes, row: int, at: int | None) -> tuple[str | None, str | None] | None:
    if at is None:
        return None
    names = part.loci[at].alleles
    one, two = part.alleles[row, at].tolist()
    return (names[one] if one >= 0 else None, names[two] if two >= 0 else None)


def _with_markers(genotypes: Genotypes, markers: Sequence[MarkerKind]) -> Genotypes:
    loci = tuple(replace(item, marker=kind) for item, kind in zip(genotypes.loci, markers, strict=True))
    return replace(genotypes, loci=loci)


def _match_loci(
    parts: Sequence[Genotypes], names: Sequence[str]
) -> tuple[dict[str, str], list[dict[str, int]], list[GenotypeFinding]]:
    """Loci in the order of their first file (key → name), their places in each file, what differs."""
    places = [{_key(name): at for at, name in enumerate(part.locus_names)} for part in parts]
    order: dict[str, str] = {}
    findings = []
    for part, file in zip(parts, names, strict=True):
        respelled = [
            f"{name} for {order[_key(name)]}"
            for name in part.locus_names
            if order.setdefault(_key(name), name) != name
        ]
        if respelled:
            findings.append(
                GenotypeFinding(
                    "locus_spelling",
                    "note",
                    f"{file} spells {len(respelled)} loci in another way ({', '.join(respelled[:_SHOWN])}); "
                    "they were taken for the same",
                    "Nothing to do if they are.",
                    file,
                )
            )
    for file, mine in zip(names, places, strict=True):
        lacking = [name for key, name in order.items() if key not in mine]
        if lacking:
            findings.append(
                GenotypeFinding(
                    "loci_differ",
                    "warning",
                    f"{file} lacks {len(lacking)} loci of the other files ({', '.join(lacking[:_SHOWN])}); "
                    f"its samples are missing there{_perhaps(lacking, mine, places, order)}",
                    "Rename loci that are the same, or compare at shared loci only.",
                    file,
                )
            )
    return order, places, findings


def _perhaps(
    lacking: Sequence[str], mine: dict[str, int], places: Sequence[dict[str, int]], order: dict[str, str]
) -> str:
    """Names of its own that only this file has and that are near to a lacking one."""
    own = [key for key in mine if sum(key in other for other in places) == 1]
    hints = []
    for name in lacking:
        near = difflib.get_close_matches(_key(name), own, n=1, cutoff=0.75)
        hints += [f"{order[key]} may be {name}" for key in near]
    return f"; {', '.join(hints[:_SHOWN])}" if hints else ""


def _samples_in_two(parts: Sequence[Genotypes], names: Sequence[str]) -> list[GenotypeFinding]:
    where: dict[str, set[str]] = {}
    for part, file in zip(parts, names, strict=True):
        for sample in part.samples:
            where.setdefault(sample, set()).add(file)
    shared = [sample for sample, files in where.items() if len(files) > 1]
    if not shared:
        return []
    return [
        GenotypeFinding(
            "sample_in_two_files",
            "warning",
            f"{len(shared)} sample ids are in more than one file ({', '.join(shared[:_SHOWN])}); "
            "their rows are taken as replicates of one sample",
            "Put the name of the laboratory before the ids if they are different samples.",
            ", ".join(names),
        )
    ]


def _shares(part: Genotypes, at: int) -> dict[int, float]:
    """Share of each length at a locus; empty where alleles are no lengths or few."""
    lengths = part.loci[at].sizes
    codes = part.alleles[:, at]
    codes = codes[codes >= 0]
    if lengths is None or codes.size < _ENOUGH:
        return {}
    counts = np.bincount(codes, minlength=len(lengths)) / codes.size
    return {int(length): float(share) for length, share in zip(lengths, counts, strict=True) if share > 0}


def _overlap(one: dict[int, float], two: dict[int, float], shift: int = 0) -> float:
    return sum(min(share, two.get(length + shift, 0.0)) for length, share in one.items())


def _compare(first: Genotypes, second: Genotypes, one: str, two: str) -> list[GenotypeFinding]:
    """Loci whose lengths do not agree between two files: swapped, or calibrated in another way."""
    places = {_key(name): at for at, name in enumerate(second.locus_names)}
    shared = [(at, places[_key(name)]) for at, name in enumerate(first.locus_names) if _key(name) in places]
    mine = [_shares(first, at) for at, _ in shared]
    other = [_shares(second, at) for _, at in shared]
    use = [k for k in range(len(shared)) if mine[k] and other[k]]
    agree: NDArray[np.float64] = np.array([[_overlap(mine[i], other[j]) for j in use] for i in use])
    findings = []
    swapped: set[int] = set()
    for i in range(len(use)):
        for j in range(i):
            if max(agree[i, i], agree[j, j]) < 0.1 and min(agree[i, j], agree[j, i]) > 0.3:
                swapped |= {i, j}
                names = [first.loci[shared[use[k]][0]].name for k in (j, i)]
                findings.append(
                    GenotypeFinding(
                        "loci_swapped_between_files",
                        "warning",
                        f"the lengths at {names[0]} and {names[1]} of {two} are those of {names[1]} "
                        f"and {names[0]} of {one}",
                        "Exchange the two headings in one of the files if the laboratory agrees.",
                        two,
                    )
                )
    for i, k in enumerate(use):
        if i in swapped:
            continue
        best = max(_SHIFTS, key=lambda shift, k=k: (_overlap(mine[k], other[k], shift), -abs(shift)))  # type: ignore[misc]
        gain = _overlap(mine[k], other[k], best) - agree[i, i]
        if best and gain > 0.35 and agree[i, i] < 0.3:
            findings.append(
                GenotypeFinding(
                    "lengths_shifted",
                    "warning",
                    f"at {first.loci[shared[k][0]].name} the lengths of {two} are those of {one} "
                    f"{best:+d} bp; the laboratories may have calibrated in different ways",
                    "Type some samples in both, and bring the lengths to one scale before comparing.",
                    two,
                )
            )
    return findings
