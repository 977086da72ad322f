"""Genotype tables: two columns a locus (also CERVUS), `136/146` in one cell, or counts 0/1/2 of an allele."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ghostcat.errors import FormatError
from ghostcat.formats.genotypes_cells import AlleleReader, split_genotype
from ghostcat.formats.genotypes_columns import MISSING_DOSAGE, GenotypeColumns, genotype_columns
from ghostcat.formats.spelling import id_text, name_key, tight_key
from ghostcat.formats.tables import Table
from ghostcat.genetics.genotypes import Genotypes, Locus, MarkerKind
from ghostcat.survey.evidence import Finding

__all__ = ["genotypes_from_table", "marker_of", "with_markers"]

Pair = tuple[str | None, str | None]


def genotypes_from_table(
    table: Table, *, population: str | None = None
) -> tuple[Genotypes, tuple[Finding, ...]]:
    """Read genotypes from a table, with everything that is wrong with it as findings.

    Parameters
    ----------
    population : heading of the column with the populations; found by its name when None.

    Raises
    ------
    FormatError : no samples, no genotypes, an allele column without a partner, a locus twice.
    """
    columns = genotype_columns(table, population=population)
    if not table.rows:
        raise FormatError("the table has a heading and no samples", where=table.file, fix="Add the samples.")
    _check_locus_names(table, columns)
    findings = list(table.findings)
    samples = _sample_ids(table, columns, findings)
    described = {
        "populations": _texts(table, columns.population),
        "replicates": _texts(table, columns.replicate),
        "origins": [table.where(row) for row in range(len(table.rows))],
        "columns": {table.header[at]: _texts(table, at) for at in columns.others},
    }
    if columns.layout == "dosage":
        genotypes = Genotypes.from_dosage(
            samples,
            [name for name, *_ in columns.loci],
            _counts(table, columns),
            **described,  # type: ignore[arg-type]
        )
    else:
        reader = AlleleReader(zero_is_allele=_zero_is_allele(table, columns))
        rows = [_row(table, row, columns, reader) for row in range(len(table.rows))]
        names = [name for name, *_ in columns.loci]
        genotypes = with_markers(Genotypes.from_names(samples, names, rows, **described))  # type: ignore[arg-type]
        findings += reader.findings(file=table.file)
        if reader.zero_is_allele:
            findings.append(_zero_note(table.file))
    findings += _replicate_findings(table, genotypes, has_column=columns.replicate is not None)
    findings += _population_findings(table, genotypes, columns)
    findings += _columns_kept(table, columns)
    return genotypes, tuple(findings)


def marker_of(alleles: Sequence[str]) -> MarkerKind:
    """Bases, or codes up to 4, are a SNP; lengths are a microsatellite."""
    if not alleles or len(alleles) > 4:
        return "microsatellite"
    if all(name.isalpha() and len(name) == 1 for name in alleles) or set(alleles) <= set("01234"):
        return "snp"
    return "microsatellite"


def with_markers(genotypes: Genotypes) -> Genotypes:
    """The same genotypes with the kind of each locus told by its alleles."""
    loci = tuple(Locus(item.name, item.alleles, marker_of(item.alleles)) for item in genotypes.loci)
    return Genotypes(
        genotypes.samples,
        loci,
        genotypes.alleles,
        populations=genotypes.populations,
        replicates=genotypes.replicates,
        origins=genotypes.origins,
        columns=genotypes.columns,
    )


def _check_locus_names(table: Table, columns: GenotypeColumns) -> None:
    seen: dict[str, str] = {}
    for name, at, _ in columns.loci:
        if name_key(name) in seen:
            raise FormatError(
                f"locus {name!r} is in the table twice",
                where=f"{table.file} heading, column {at + 1}",
                fix="Rename one, or remove it.",
            )
        seen[name_key(name)] = name


def _sample_ids(table: Table, columns: GenotypeColumns, findings: list[Finding]) -> list[str]:
    if columns.sample is None:
        findings.append(
            Finding(
                code="no_sample_ids",
                severity="warning",
                message="no column names the samples; they are numbered by row",
                fix="Add a column `id` with the sample ids.",
                where=f"{table.file} heading",
            )
        )
        return [f"row {number}" for number in table.numbers]
    ids = [id_text(row[columns.sample]) for row in table.rows]
    nameless = [row for row, name in enumerate(ids) if not name]
    if nameless:
        findings.append(
            Finding(
                code="sample_without_id",
                severity="warning",
                message=f"{len(nameless)} rows have no sample id; they are named by their row",
                fix="Write the id of the sample into the row.",
                where=", ".join(table.where(row) for row in nameless[:6]),
            )
        )
    return [name or f"row {table.numbers[row]}" for row, name in enumerate(ids)]


def _texts(table: Table, at: int | None) -> list[str]:
    return [] if at is None else [row[at] for row in table.rows]


def _row(table: Table, row: int, columns: GenotypeColumns, reader: AlleleReader) -> list[Pair]:
    cells, where = table.rows[row], table.where(row)
    if columns.layout == "pairs":
        return [
            reader.pair([cells[first], cells[second]], where=where, locus=name)
            for name, first, second in columns.loci
        ]
    return [reader.pair(split_genotype(cells[at]), where=where, locus=name) for name, at, _ in columns.loci]


def _counts(table: Table, columns: GenotypeColumns) -> np.ndarray:
    code = {"0": 0, "1": 1, "2": 2, "0.0": 0, "1.0": 1, "2.0": 2} | dict.fromkeys(MISSING_DOSAGE, -1)
    places = [at for _, at, _ in columns.loci]
    return np.array([[code[cells[at].casefold()] for at in places] for cells in table.rows], dtype=np.int8)


def _zero_is_allele(table: Table, columns: GenotypeColumns) -> bool:
    """Are all alleles of the table 0 or 1, both seen? Then 0 is the first allele of a SNP."""
    if columns.layout == "pairs":
        seen = {row[at] for row in table.rows for _, *both in columns.loci for at in both}
    else:
        seen = {part for row in table.rows for _, at, _ in columns.loci for part in split_genotype(row[at])}
    return {"0", "1"} == {text for text in seen if text.isdecimal()}


def _zero_note(file: str) -> Finding:
    return Finding(
        code="zero_is_allele",
        severity="note",
        message="all alleles are 0 or 1, so 0 was taken for an allele and not for “not read”",
        fix="If 0 means missing, write −9 or leave the cells empty.",
        where=file,
    )


def _replicate_findings(table: Table, genotypes: Genotypes, *, has_column: bool) -> list[Finding]:
    times = Counter(genotypes.samples)
    many = [name for name, count in times.items() if count > 1]
    if many and not has_column:
        first = many[0]
        rows = [genotypes.origins[at] for at, name in enumerate(genotypes.samples) if name == first]
        return [
            Finding(
                code="duplicate_sample",
                severity="warning",
                message=f"{len(many)} sample ids occur more than once; their rows are taken as replicates of "
                f"one sample (for example {first!r}: {', '.join(rows[:6])})",
                fix="Add a column `replicate`, or give different samples different ids.",
                where=table.file,
                ids=tuple(many),
            )
        ]
    if not has_column:
        return []
    labels = Counter(zip(genotypes.samples, genotypes.replicates, strict=True))
    twice = [f"{sample} {label}".strip() for (sample, label), count in labels.items() if count > 1]
    if not twice:
        return []
    return [
        Finding(
            code="duplicate_replicate",
            severity="warning",
            message=f"{len(twice)} replicates are in the table twice ({', '.join(twice[:6])}); both are used",
            fix="Remove the copy, or number the replicates.",
            where=table.file,
            ids=tuple(twice),
        )
    ]


def _columns_kept(table: Table, columns: GenotypeColumns) -> list[Finding]:
    """Columns that are neither genotypes nor anything with a usual name."""
    names = [table.header[at] for at in columns.unknown if any(row[at] for row in table.rows)]
    if not names:
        return []
    return [
        Finding(
            code="columns_kept_aside",
            severity="note",
            message=f"{len(names)} columns hold no genotypes and were kept as they are "
            f"({', '.join(names[:12])})",
            fix="If one is a locus, write its genotypes as in the other columns.",
            where=f"{table.file} heading",
        )
    ]


def _population_findings(table: Table, genotypes: Genotypes, columns: GenotypeColumns) -> list[Finding]:
    if columns.population is None:
        return []
    findings = []
    nowhere = [at for at, name in enumerate(genotypes.populations) if not name]
    if nowhere:
        findings.append(
            Finding(
                code="sample_without_population",
                severity="warning",
                message=f"{len(nowhere)} samples have no population; they form one without a name",
                fix="Fill in the population.",
                where=", ".join(genotypes.origins[at] for at in nowhere[:6]),
            )
        )
    spellings: dict[str, set[str]] = {}
    for name in genotypes.population_names:
        spellings.setdefault(tight_key(name), set()).add(name)
    for names in spellings.values():
        if len(names) > 1:
            findings.append(
                Finding(
                    code="population_spelling",
                    severity="warning",
                    message=f"the populations {', '.join(map(repr, sorted(names)))} may be one",
                    fix="Spell the name in one way if they are; they are kept apart.",
                    where=table.file,
                )
            )
    return findings
