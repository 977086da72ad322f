"""GenePop files: a title, the loci, and after each `Pop` one line an animal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ghostcat.errors import FormatError
from ghostcat.formats.genotypes_cells import AlleleReader
from ghostcat.formats.genotypes_table import with_markers
from ghostcat.formats.spelling import id_text
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.survey.evidence import Finding

__all__ = ["genotypes_from_genepop", "looks_like_genepop"]

_POP = re.compile(r"\s*pop\b[\s,:]*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class _Line:
    number: int
    population: int
    sample: str
    genotypes: tuple[str, ...]


def looks_like_genepop(text: str) -> bool:
    """Is there a line that says `Pop`, and after it one with a comma and digits?

    >>> looks_like_genepop("cats\\nfca8\\nPop\\na, 135143\\n")
    True
    """
    return bool(re.search(r"^[ \t]*pop[ \t]*\r?\n[^\n]*,[ \t]*\d+", text, re.IGNORECASE | re.MULTILINE))


def genotypes_from_genepop(text: str, *, file: str) -> tuple[Genotypes, tuple[Finding, ...]]:
    """Read a GenePop file with two- or three-digit alleles.

    Populations are named by what stands behind `Pop`, by the id that all their animals share, or
    else `pop1`, `pop2` and so on.

    Raises
    ------
    FormatError : no loci, no `Pop`, a line with too few or too many genotypes, two- and
        three-digit alleles mixed, haploid data.

    References
    ----------
    Raymond & Rousset (1995) Journal of Heredity 86:248–249; Rousset (2008), GenePop 4 manual.
    """
    loci, names, lines = _parse(text.splitlines(), file=file)
    digits = _digits(lines, loci, file=file)
    reader = AlleleReader()
    rows = [
        [
            reader.pair([cell[:digits], cell[digits:]], where=f"{file} line {line.number}", locus=locus)
            for locus, cell in zip(loci, line.genotypes, strict=True)
        ]
        for line in lines
    ]
    samples, names, findings = _names(lines, names, file=file)
    genotypes = Genotypes.from_names(
        samples,
        loci,
        rows,
        populations=[names[line.population] for line in lines],
        origins=[f"{file} line {line.number}" for line in lines],
    )
    # 000000 is how GenePop writes missing: nothing to tell about it.
    reader.zeros = 0
    return with_markers(genotypes), (*findings, *reader.findings(file=file))


def _parse(lines: list[str], *, file: str) -> tuple[list[str], list[str], list[_Line]]:
    loci: list[str] = []
    names: list[str] = []
    found: list[_Line] = []
    for number, line in enumerate(lines, 1):
        if number == 1 or not line.strip():
            continue
        pop = _POP.fullmatch(line)
        if pop and ("," not in line or not re.search(r",\s*\d", line)):
            names.append(id_text(pop[1]))
        elif not names:
            loci += [id_text(name) for name in line.split(",") if name.strip()]
        else:
            found.append(_animal(line, number, len(names) - 1, loci, file=file))
    if not names or not found:
        raise FormatError("no animals after a line `Pop`", where=file, fix="Is this a GenePop file?")
    if not loci:
        raise FormatError("no loci between the title and `Pop`", where=file, fix="List the loci, one a line.")
    twice = [name for name, count in Counter(loci).items() if count > 1]
    if twice:
        raise FormatError(f"locus {twice[0]!r} is listed twice", where=file, fix="Rename one of them.")
    return loci, names, found


def _animal(line: str, number: int, population: int, loci: list[str], *, file: str) -> _Line:
    sample, comma, rest = line.rpartition(",")
    where = f"{file} line {number}"
    if not comma:
        raise FormatError(
            "an animal's line has no comma after its id", where=where, fix="Write: id , 135143 136146 …"
        )
    cells = tuple(rest.split())
    if len(cells) != len(loci):
        raise FormatError(
            f"animal {sample.strip()!r} has {len(cells)} genotypes, the file lists {len(loci)} loci",
            where=where,
            fix="Write every locus, 000000 where it was not read.",
        )
    return _Line(number, population, id_text(sample), cells)


def _digits(lines: list[_Line], loci: list[str], *, file: str) -> int:
    """Digits of an allele: those of most cells, and then of all."""
    widths = Counter(len(cell) for line in lines for cell in line.genotypes)
    usual = widths.most_common(1)[0][0]
    if usual not in (4, 6):
        raise FormatError(
            f"genotypes have {usual} digits",
            where=file,
            fix="Diploid genotypes have 4 or 6: two alleles of two or of three digits.",
        )
    for line in lines:
        for locus, cell in zip(loci, line.genotypes, strict=True):
            if len(cell) != usual or not cell.isdecimal():
                raise FormatError(
                    f"genotype {cell!r} at locus {locus} has {len(cell)} characters, most have {usual}",
                    where=f"{file} line {line.number}",
                    fix=f"Write every allele with {usual // 2} digits, for example "
                    f"{'091105' if usual == 6 else '0105'}; do not mix two and three digits.",
                )
    return usual // 2


def _names(lines: list[_Line], names: list[str], *, file: str) -> tuple[list[str], list[str], list[Finding]]:
    """Ids of samples and names of populations, where all animals of a population share one id."""
    samples = [line.sample for line in lines]
    findings: list[Finding] = []
    named = list(names)
    for at in range(len(names)):
        mine = [i for i, line in enumerate(lines) if line.population == at]
        shared = {samples[i] for i in mine}
        if len(mine) > 1 and len(shared) == 1:
            name = shared.pop()
            named[at] = named[at] or name or f"pop{at + 1}"
            for order, i in enumerate(mine, 1):
                samples[i] = f"{named[at]}_{order}"
            findings.append(
                Finding(
                    code="samples_numbered",
                    severity="note",
                    message=f"all {len(mine)} animals of population {at + 1} are called {name!r}; "
                    "they were numbered, and the population has that name",
                    fix="Give every animal its id if they are to be told apart.",
                    where=file,
                )
            )
        named[at] = named[at] or f"pop{at + 1}"
    nameless = [i for i, sample in enumerate(samples) if not sample]
    for i in nameless:
        samples[i] = f"line {lines[i].number}"
    twice = [name for name, count in Counter(samples).items() if count > 1]
    if twice:
        findings.append(
            Finding(
                code="duplicate_sample",
                severity="warning",
                message=f"{len(twice)} sample ids occur more than once ({', '.join(twice[:6])}); their lines "
                "are taken as replicates of one sample",
                fix="Give different samples different ids.",
                where=file,
                ids=tuple(twice),
            )
        )
    repeated = {name for name, count in Counter(named).items() if count > 1}
    named = [f"{name} ({at + 1})" if name in repeated else name for at, name in enumerate(named)]
    return samples, named, findings
