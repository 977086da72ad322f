"""PLINK: binary bed/bim/fam through bed-reader, and the text files ped/map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ghostcat.errors import FormatError
from ghostcat.formats.encodings import decode_text
from ghostcat.formats.genotypes_cells import AlleleReader
from ghostcat.formats.genotypes_table import with_markers
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.survey.evidence import Finding

__all__ = ["genotypes_from_bed", "genotypes_from_ped"]

_SEX = {"1": "male", "2": "female"}


def genotypes_from_bed(path: Path) -> tuple[Genotypes, tuple[Finding, ...]]:
    """Read PLINK binary genotypes; `path` is any of the three files bed, bim and fam.

    The family becomes the population; father, mother, sex and phenotype are kept as columns.

    Raises
    ------
    FormatError : one of the three files is missing or they do not fit together.
    """
    bed, bim, fam = (path.with_suffix(suffix) for suffix in (".bed", ".bim", ".fam"))
    for needed in (bed, bim, fam):
        if not needed.is_file():
            raise FormatError(
                f"{needed.name} is not beside {path.name}",
                where=str(path),
                fix="Keep the .bed, .bim and .fam files of one name together.",
            )
    animals = [line.split() for line in _lines(fam)]
    markers = [line.split() for line in _lines(bim)]
    _check_widths(animals, 6, fam.name)
    _check_widths(markers, 6, bim.name)
    counts = _bed_counts(bed, len(animals), len(markers))
    names, findings = _unique([marker[1] for marker in markers], bim.name)
    genotypes = Genotypes.from_dosage(
        [animal[1] for animal in animals],
        names,
        counts,
        # bed-reader counts the first allele of the bim file; our dosage counts the second name.
        allele_names=[_two_names(marker[5], marker[4]) for marker in markers],
        populations=[animal[0] for animal in animals],
        origins=[f"{fam.name} line {at + 1}" for at in range(len(animals))],
        columns=_family_columns(animals),
    )
    return genotypes, tuple(findings)


def genotypes_from_ped(path: Path) -> tuple[Genotypes, tuple[Finding, ...]]:
    """Read PLINK text genotypes; `path` is the ped or the map file. Without a map, SNPs are numbered.

    Raises
    ------
    FormatError : a line with an odd number of alleles, or with another number than the map has.
    """
    ped, map_file = path.with_suffix(".ped"), path.with_suffix(".map")
    if not ped.is_file():
        raise FormatError(f"{ped.name} is not there", where=str(path), fix="Give the .ped file.")
    animals = [line.split() for line in _lines(ped)]
    if not animals:
        raise FormatError("the file has no animals", where=ped.name, fix="Give the .ped file.")
    width = len(animals[0])
    for number, cells in enumerate(animals, 1):
        if len(cells) != width or (len(cells) - 6) % 2 or len(cells) < 8:
            raise FormatError(
                f"the line has {len(cells)} columns; six and two a SNP are needed, as in the other lines",
                where=f"{ped.name} line {number}",
                fix="Write every SNP, 0 0 where it was not read.",
            )
    n_loci = (width - 6) // 2
    findings: list[Finding] = []
    names = [f"snp{at + 1}" for at in range(n_loci)]
    if map_file.is_file():
        mapped = [line.split() for line in _lines(map_file)]
        if len(mapped) != n_loci:
            raise FormatError(
                f"{map_file.name} has {len(mapped)} SNPs and {ped.name} {n_loci}",
                where=map_file.name,
                fix="Keep the files of one export together.",
            )
        names, findings = _unique([cells[1] for cells in mapped], map_file.name)
    reader = AlleleReader()
    rows = [
        [
            reader.pair(cells[at : at + 2], where=f"{ped.name} line {number}", locus=names[(at - 6) // 2])
            for at in range(6, width, 2)
        ]
        for number, cells in enumerate(animals, 1)
    ]
    genotypes = Genotypes.from_names(
        [cells[1] for cells in animals],
        names,
        rows,
        populations=[cells[0] for cells in animals],
        origins=[f"{ped.name} line {at + 1}" for at in range(len(animals))],
        columns=_family_columns(animals),
    )
    reader.zeros = 0  # 0 is how PLINK writes missing
    return with_markers(genotypes), (*findings, *reader.findings(file=ped.name))


def _bed_counts(bed: Path, n_animals: int, n_markers: int) -> np.ndarray:
    from bed_reader import open_bed

    try:
        with open_bed(bed, iid_count=n_animals, sid_count=n_markers) as opened:
            counts = np.asarray(opened.read(dtype="int8", num_threads=1))
    except (ValueError, OSError) as fault:
        raise FormatError(
            f"the genotypes cannot be read ({fault})",
            where=bed.name,
            fix="Make the files again with `plink --make-bed`; the three must be of one export.",
        ) from None
    return np.where(counts < 0, -1, counts)


def _lines(path: Path) -> list[str]:
    text = decode_text(path.read_bytes(), file=path.name).text
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _check_widths(rows: list[list[str]], width: int, file: str) -> None:
    for number, cells in enumerate(rows, 1):
        if len(cells) < width:
            raise FormatError(
                f"the line has {len(cells)} columns, {width} are needed",
                where=f"{file} line {number}",
                fix="Make the file again with PLINK.",
            )


def _two_names(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first != second else (first, f"{second}'")


def _family_columns(animals: list[list[str]]) -> dict[str, list[str]]:
    def known(cell: str) -> str:
        return "" if cell == "0" else cell

    return {
        "sire": [known(cells[2]) for cells in animals],
        "dam": [known(cells[3]) for cells in animals],
        "sex": [_SEX.get(cells[4], "") for cells in animals],
        "phenotype": [cells[5] for cells in animals],
    }


def _unique(names: list[str], file: str) -> tuple[list[str], list[Finding]]:
    """SNPs of one name (often `.`) get their number, and that is told."""
    seen: set[str] = set()
    found: list[str] = []
    renamed = 0
    for at, name in enumerate(names, 1):
        if name in seen or name == ".":
            name, renamed = f"{name}:{at}", renamed + 1
        seen.add(name)
        found.append(name)
    if not renamed:
        return found, []
    note = Finding(
        code="markers_renamed",
        severity="note",
        message=f"{renamed} markers without a name of their own got their number in the file",
        fix="Nothing to do, unless names must agree with another file.",
        where=file,
    )
    return found, [note]
