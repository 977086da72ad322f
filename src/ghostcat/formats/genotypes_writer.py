"""Write genotypes for other programs: GenePop, STRUCTURE, CERVUS, plain tables, counts of SNP alleles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from ghostcat.errors import FormatError, ParameterError
from ghostcat.formats.text_output import write_table, write_text
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["WrittenKind", "write_genotypes"]

#: `table`: two columns a locus; `joined`: 136/146 in one; `cervus`: ids and two columns a locus only.
WrittenKind = Literal["table", "joined", "cervus", "genepop", "structure", "dosage"]


def write_genotypes(genotypes: Genotypes, path: str | Path, *, kind: WrittenKind = "table") -> Path:
    """Write genotypes; reading the file gives the same genotypes back.

    Half genotypes stay half in tables (the other allele empty) and in GenePop (000). Formats without
    a place for other columns (date, station) leave those out.

    Parameters
    ----------
    kind : `dosage` writes counts 0/1/2 of the second allele.

    Raises
    ------
    FormatError : the format cannot say what the genotypes hold, for example alleles that are not
        numbers in GenePop.
    """
    if kind not in get_args(WrittenKind):
        raise ParameterError(
            f"there is no format {kind!r}", fix=f"Known are {', '.join(get_args(WrittenKind))}."
        )
    writers: dict[str, Callable[[Genotypes, Path], Path]] = {
        "table": _write_pairs,
        "joined": _write_joined,
        "cervus": _write_cervus,
        "genepop": _write_genepop,
        "structure": _write_structure,
        "dosage": _write_dosage,
    }
    return writers[kind](genotypes, Path(path))


def _name(genotypes: Genotypes, row: int, locus: int, side: int, missing: str = "") -> str:
    code = int(genotypes.alleles[row, locus, side])
    return genotypes.loci[locus].alleles[code] if code >= 0 else missing


def _lead(genotypes: Genotypes) -> tuple[list[str], list[tuple[str, ...]]]:
    """Columns before the genotypes: sample, population, replicate, and what else the table had."""
    columns: dict[str, tuple[str, ...]] = {"sample": genotypes.samples}
    if any(genotypes.populations):
        columns["pop"] = genotypes.populations
    if any(genotypes.replicates):
        columns["replicate"] = genotypes.replicates
    columns |= {name: values for name, values in genotypes.columns.items() if name not in columns}
    return list(columns), list(zip(*columns.values(), strict=True))


def _write_pairs(genotypes: Genotypes, path: Path) -> Path:
    headings, lead = _lead(genotypes)
    headings += [f"{name}_{side}" for name in genotypes.locus_names for side in "ab"]
    sides = [(locus, side) for locus in range(genotypes.n_loci) for side in (0, 1)]
    rows = ([*lead[r], *(_name(genotypes, r, at, side) for at, side in sides)] for r in range(len(genotypes)))
    return write_table(path, headings, rows, encoding="utf-8-sig")


def _write_cervus(genotypes: Genotypes, path: Path) -> Path:
    headings = ["ID", *(f"{name}{side}" for name in genotypes.locus_names for side in "ab")]
    sides = [(locus, side) for locus in range(genotypes.n_loci) for side in (0, 1)]
    rows = (
        [sample, *(_name(genotypes, r, at, side, "0") for at, side in sides)]
        for r, sample in enumerate(genotypes.samples)
    )
    return write_table(path, headings, rows)


def _write_joined(genotypes: Genotypes, path: Path) -> Path:
    headings, lead = _lead(genotypes)

    def cell(row: int, locus: int) -> str:
        one, two = (_name(genotypes, row, locus, side) for side in (0, 1))
        return f"{one}/{two or 0}" if one else ""

    rows = ([*lead[r], *(cell(r, at) for at in range(genotypes.n_loci))] for r in range(len(genotypes)))
    return write_table(path, [*headings, *genotypes.locus_names], rows, encoding="utf-8-sig")


def _write_dosage(genotypes: Genotypes, path: Path) -> Path:
    counts = genotypes.dosage()
    headings, lead = _lead(genotypes)
    rows = (
        [*lead[r], *("" if value < 0 else str(value) for value in counts[r].tolist())]
        for r in range(len(genotypes))
    )
    return write_table(path, [*headings, *genotypes.locus_names], rows)


def _numbers(genotypes: Genotypes) -> list[list[int]]:
    """A number above 0 for each allele: its length, or for alleles of SNPs their place."""
    found = []
    for locus in genotypes.loci:
        if all(name.isdecimal() and int(name) > 0 for name in locus.alleles):
            found.append([int(name) for name in locus.alleles])
        elif locus.marker == "snp":
            bases = {"A": 1, "C": 2, "G": 3, "T": 4}
            known = all(name in bases for name in locus.alleles)
            found.append([bases[n] if known else at + 1 for at, n in enumerate(locus.alleles)])
        else:
            strange = next(name for name in locus.alleles if not name.isdecimal() or int(name) == 0)
            raise FormatError(
                f"locus {locus.name} has the allele {strange!r}; this format needs whole numbers above 0",
                fix="Write a table instead.",
            )
    return found


def _write_genepop(genotypes: Genotypes, path: Path) -> Path:
    numbers = _numbers(genotypes)
    largest = max((max(mine, default=0) for mine in numbers), default=0)
    if largest > 999:
        raise FormatError(f"allele {largest} has more than three digits", fix="Write a table instead.")
    digits = 2 if largest <= 99 else 3

    def genotype(row: int, locus: int) -> str:
        codes = genotypes.alleles[row, locus].tolist()
        return "".join(f"{numbers[locus][code] if code >= 0 else 0:0{digits}d}" for code in codes)

    lines = ["Genotypes written by ghostcat", *genotypes.locus_names]
    for name in genotypes.population_names or ("",):
        lines.append(f"Pop {name}".rstrip())
        for row in genotypes.rows_of(name).tolist():
            sample = genotypes.samples[row].replace(",", ";")
            lines.append(f"{sample} , " + " ".join(genotype(row, locus) for locus in range(genotypes.n_loci)))
    return write_text(path, lines)


def _write_structure(genotypes: Genotypes, path: Path) -> Path:
    numbers = _numbers(genotypes)
    place = {name: at + 1 for at, name in enumerate(genotypes.population_names)}
    lines = ["\t".join(name.replace(" ", "_") for name in genotypes.locus_names)]
    for row, sample in enumerate(genotypes.samples):
        label = "_".join(sample.split())
        population = genotypes.populations[row]
        shown = "_".join(population.split()) if population else str(place[population])
        for side in (0, 1):
            codes = genotypes.alleles[row, :, side].tolist()
            cells = [str(numbers[at][code]) if code >= 0 else "-9" for at, code in enumerate(codes)]
            lines.append("\t".join([label, shown, *cells]))
    return write_text(path, lines)
