"""STRUCTURE files: two lines an animal, or one line with two columns a locus; −9 missing."""

from __future__ import annotations

import re

from ghostcat.errors import FormatError
from ghostcat.formats.genotypes_cells import AlleleReader
from ghostcat.formats.genotypes_table import with_markers
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.survey.evidence import Finding

__all__ = ["genotypes_from_structure", "looks_like_structure"]

Numbered = tuple[int, list[str]]


def looks_like_structure(text: str) -> bool:
    """A heading of loci alone, with fewer words than the lines below, which come in twos of one id?

    >>> looks_like_structure("fca8 fca23\\na 1 135 136\\na 1 143 146\\n")
    True
    """
    lines = [line.split() for line in text.splitlines()[:5] if line.strip()]
    if len(lines) < 3 or "," in text.splitlines()[0]:
        return False
    head, first, second = lines[0], lines[1], lines[2]
    return len(head) < len(first) == len(second) and first[0] == second[0] and _numeric(first[-len(head) :])


def _numeric(cells: list[str]) -> bool:
    return all(re.fullmatch(r"-?\d+", cell) for cell in cells)


def genotypes_from_structure(text: str, *, file: str) -> tuple[Genotypes, tuple[Finding, ...]]:
    """Read a STRUCTURE file with a heading of locus names.

    The first column is the label, the second (where there is one more than label and loci need) the
    population; further columns before the genotypes are kept as `extra1`, `extra2` …

    Raises
    ------
    FormatError : no heading; lines that do not come in twos; lines of different length.

    References
    ----------
    Pritchard, Stephens & Donnelly (2000) Genetics 155:945–959; manual of STRUCTURE 2.3, section 2.
    """
    lines: list[Numbered] = [
        (number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()
    ]
    if len(lines) < 2:
        raise FormatError("the file has no animals", where=file, fix="Is this a STRUCTURE file?")
    (_, loci), body = lines[0], lines[1:]
    if _numeric(loci):
        raise FormatError(
            "the first line is not a heading with the names of the loci",
            where=f"{file} line 1",
            fix="Put the names of the loci in the first line (option MARKERNAMES).",
        )
    body = [(number, cells) for number, cells in body if len(cells) > len(loci)]
    skipped = [number for number, cells in lines[1:] if len(cells) <= len(loci)]
    if not body:
        raise FormatError(
            f"the heading names {len(loci)} loci and no line has a label and that many genotypes",
            where=file,
            fix="Name every locus once in the heading, and nothing else.",
        )
    animals, lead = _animals(body, len(loci), file=file)
    reader = AlleleReader()
    rows = [
        [
            reader.pair([a, b], where=f"{file} line {number}", locus=locus)
            for locus, a, b in zip(loci, one, two, strict=True)
        ]
        for number, _, one, two in animals
    ]
    genotypes = Genotypes.from_names(
        [before[0] for _, before, _, _ in animals],
        loci,
        rows,
        populations=[before[1] for _, before, _, _ in animals] if lead > 1 else (),
        origins=[f"{file} line {number}" for number, *_ in animals],
        columns={f"extra{at - 1}": [before[at] for _, before, _, _ in animals] for at in range(2, lead)},
    )
    findings = reader.findings(file=file)
    if skipped:
        findings.append(
            Finding(
                code="lines_passed_over",
                severity="note",
                message=f"lines {', '.join(map(str, skipped[:6]))} are shorter than a genotype line and were "
                "taken for map distances or the like",
                fix="Nothing to do if they are.",
                where=file,
            )
        )
    return with_markers(genotypes), tuple(findings)


_Animal = tuple[int, list[str], list[str], list[str]]


def _animals(body: list[Numbered], n_loci: int, *, file: str) -> tuple[list[_Animal], int]:
    widths = {len(cells) for _, cells in body}
    if len(widths) > 1:
        usual = len(body[0][1])
        number, cells = next((number, cells) for number, cells in body if len(cells) != usual)
        raise FormatError(
            f"the line has {len(cells)} columns, the first animal's {usual}",
            where=f"{file} line {number}",
            fix="Write every locus, −9 where it was not read.",
        )
    width = widths.pop()
    if width >= 2 * n_loci + 1 and not _in_twos(body):
        lead = width - 2 * n_loci
        return [(n, c[:lead], c[lead::2], c[lead + 1 :: 2]) for n, c in body], lead
    lead = width - n_loci
    animals: list[_Animal] = []
    for at in range(0, len(body), 2):
        number, first = body[at]
        second = body[at + 1][1] if at + 1 < len(body) else None
        if second is None or second[0] != first[0]:
            raise FormatError(
                f"animal {first[0]!r} has one line; diploid animals have two",
                where=f"{file} line {number}",
                fix="Write both alleles, on two lines of one label.",
            )
        animals.append((number, first[:lead], first[lead:], second[lead:]))
    return animals, lead


def _in_twos(body: list[Numbered]) -> bool:
    labels = [cells[0] for _, cells in body]
    return len(labels) % 2 == 0 and labels[::2] == labels[1::2]
