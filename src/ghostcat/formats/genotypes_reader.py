"""Read genotypes from whatever file a laboratory sends."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ghostcat.errors import FormatError, InputError
from ghostcat.formats.encodings import decode_text
from ghostcat.formats.genotypes_genepop import genotypes_from_genepop, looks_like_genepop
from ghostcat.formats.genotypes_structure import genotypes_from_structure, looks_like_structure
from ghostcat.formats.genotypes_table import genotypes_from_table
from ghostcat.formats.tables import parse_table
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.survey.evidence import Finding

__all__ = ["GenotypeKind", "ReadGenotypes", "read_genotypes"]

#: `cervus` is a table with two columns a locus; it is read like any other table.
GenotypeKind = Literal["table", "cervus", "genepop", "structure", "vcf", "plink", "ped"]

_SUFFIXES: dict[str, GenotypeKind] = {
    ".bed": "plink",
    ".bim": "plink",
    ".fam": "plink",
    ".ped": "ped",
    ".vcf": "vcf",
    ".bcf": "vcf",
    ".gen": "genepop",
    ".genepop": "genepop",
    ".str": "structure",
    ".stru": "structure",
    ".structure": "structure",
}


@dataclass(frozen=True)
class ReadGenotypes:
    """Genotypes, what was wrong or had to be guessed, and the format they were in."""

    genotypes: Genotypes
    findings: tuple[Finding, ...]
    kind: GenotypeKind


def read_genotypes(
    path: str | Path, *, kind: GenotypeKind | None = None, population: str | None = None
) -> ReadGenotypes:
    """Read GenePop, CERVUS, STRUCTURE, allele tables, SNP matrices, VCF or PLINK.

    Parameters
    ----------
    path : the file; tables may be gzipped. Of PLINK's files any.
    kind : the format; found out from the name and the content when None.
    population : column of a table that says the population (side of the border, for example).

    Raises
    ------
    InputError : there is no such file.
    FormatError : the file is not what it should be; the message says where and what to do.
    """
    path = Path(path)
    if kind is not None and kind not in get_args(GenotypeKind):
        raise InputError(
            f"there is no genotype format {kind!r}", fix=f"Formats are {', '.join(get_args(GenotypeKind))}."
        )
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), fix="Check the path.")
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    if kind == "vcf" or (kind is None and _SUFFIXES.get(suffix) == "vcf"):
        from ghostcat.formats.genotypes_vcf import genotypes_from_vcf

        return ReadGenotypes(*genotypes_from_vcf(path), kind="vcf")
    if kind in ("plink", "ped") or (kind is None and _SUFFIXES.get(suffix) in ("plink", "ped")):
        return _read_plink(path, kind or _SUFFIXES[suffix])
    return _read_text(path, kind, suffix, population)


def _read_plink(path: Path, kind: GenotypeKind) -> ReadGenotypes:
    from ghostcat.formats.genotypes_plink import genotypes_from_bed, genotypes_from_ped

    read = genotypes_from_bed if kind == "plink" else genotypes_from_ped
    return ReadGenotypes(*read(path), kind=kind)


def _read_text(path: Path, kind: GenotypeKind | None, suffix: str, population: str | None) -> ReadGenotypes:
    content, file = _content(path), path.name
    if content.startswith(b"PK\x03\x04") or kind in ("table", "cervus"):
        table = parse_table(content, file=file)
        return ReadGenotypes(*genotypes_from_table(table, population=population), kind=kind or "table")
    text = decode_text(content, file=file).text
    if kind is None and text.startswith("##fileformat=VCF"):
        return read_genotypes(path, kind="vcf")
    if kind == "genepop" or (
        kind is None and (_SUFFIXES.get(suffix) == "genepop" or looks_like_genepop(text))
    ):
        return ReadGenotypes(*genotypes_from_genepop(text, file=file), kind="genepop")
    if kind == "structure" or (
        kind is None and (_SUFFIXES.get(suffix) == "structure" or looks_like_structure(text))
    ):
        return ReadGenotypes(*genotypes_from_structure(text, file=file), kind="structure")
    table = parse_table(content, file=file)
    return ReadGenotypes(*genotypes_from_table(table, population=population), kind="table")


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as fault:
        raise FormatError(
            f"the file cannot be read ({fault})", where=path.name, fix="Copy the file again."
        ) from None
    if not content.strip(b"\0 \r\n\t"):
        raise FormatError("the file is empty", where=path.name, fix="Give a file with genotypes.")
    return content
