"""Which columns of a table hold the genotypes, and in which of the many ways they are laid out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ghostcat.errors import FormatError
from ghostcat.formats.columns import plain_heading
from ghostcat.formats.genotypes_cells import is_date, is_missing_allele, split_genotype
from ghostcat.formats.tables import Table

__all__ = ["MISSING_DOSAGE", "GenotypeColumns", "Layout", "genotype_columns"]

#: `joined`: `136/146` in one cell; `pairs`: two columns a locus; `dosage`: 0/1/2.
Layout = Literal["joined", "pairs", "dosage"]

_SAMPLE = {
    "sample", "sampleid", "samplename", "sampleno", "id", "ind", "indid", "indiv", "individual",
    "individualid", "animal", "animalid", "name", "specimen", "label", "code", "iid",
    "образец", "проба", "особь", "номер", "имя", "номеробразца", "样品",
    "样本", "个体", "编号", "样品编号", "样本编号",
}  # fmt: skip
_POPULATION = {
    "pop", "population", "popid", "side", "country", "group", "deme", "colony", "herd", "популяция",
    "группа", "сторона", "страна", "种群", "群体", "国家",
}  # fmt: skip
_REPLICATE = {"replicate", "rep", "repl", "replicateid", "pcr", "pcrno", "run", "повтор", "повторность",
              "пцр", "重复", "重复号"}  # fmt: skip
_OTHER = {
    "knownindividual", "sex", "date", "year", "month", "day", "time", "x", "y", "lon", "lat", "longitude",
    "latitude", "station", "site", "cell", "species", "occasion", "elevation", "collector", "quality", "age",
    "birthyear", "comment", "comments", "notes", "note", "пол", "дата", "год", "станция", "широта", "долгота",
    "вид", "примечание", "性别", "日期", "年份", "地点", "经度", "纬度", "物种", "备注", "mother", "father",
    "dam", "sire", "utmx", "utmy", "easting", "northing", "lab", "batch", "plate", "well", "track", "trail",
}  # fmt: skip
_ENDINGS = (
    (r"(.*?)[ ._-]?(?:allele|allel|аллель)[ ._-]?([12ab])", "word"),
    (r"(.*\d)n([ab])", "nab"),
    (r"(.*?)[._-]([12])", "separated digit"),
    (r"(.*?)[ ._-]([ab])", "separated letter"),
    (r"(.*[^a-z])([ab])", "letter"),
    (r"(.*[A-Za-z])([ab])", "letter"),
    (r"(.*)([12])", "digit"),
)
_DOSAGE = {"0", "1", "2", "0.0", "1.0", "2.0"}
MISSING_DOSAGE = {
    "",
    "-1",
    "-9",
    "-99",
    "na",
    "nan",
    "n/a",
    "null",
    "none",
    ".",
    "-",
    "?",
    "9",
    "#n/a",
    "нет",
}


@dataclass(frozen=True, kw_only=True)
class GenotypeColumns:
    """Places of the columns of a genotype table.

    `loci` holds (name, first column, second column); the second is the first again where a genotype
    stands in one cell. `unknown` are those of the `others` whose headings say nothing either.
    """

    layout: Layout
    loci: tuple[tuple[str, int, int], ...]
    sample: int | None
    population: int | None
    replicate: int | None
    others: tuple[int, ...]
    unknown: tuple[int, ...]


def genotype_columns(table: Table, *, population: str | None = None) -> GenotypeColumns:
    """Find samples, populations, replicates and loci.

    Parameters
    ----------
    population : heading of the column with the populations, when it is none of the usual ones.

    Raises
    ------
    FormatError : no genotypes; a locus with one column where the others have two; two columns of a name.
    """
    plain = [plain_heading(heading) for heading in table.header]
    place = _named(table, plain, population)
    left = [at for at in range(len(table.header)) if at not in place.values() and plain[at] not in _OTHER]
    if "sample" not in place and left and not _is_genotype_column(table, left[0]):
        place["sample"] = left.pop(0)
    layout, loci = _layout(table, left)
    if not loci:
        raise FormatError(
            f"no column holds genotypes; the columns are {', '.join(table.header[:30])}",
            where=f"{table.file} heading",
            fix="Give two columns a locus (fca8_a, fca8_b), one with 135/143, or counts 0/1/2 of an allele.",
        )
    used = {at for _, *both in loci for at in both} | set(place.values())
    return GenotypeColumns(
        layout=layout,
        loci=tuple(loci),
        sample=place.get("sample"),
        population=place.get("population"),
        replicate=place.get("replicate"),
        others=tuple(at for at in range(len(table.header)) if at not in used),
        unknown=tuple(at for at in left if at not in used),
    )


def _named(table: Table, plain: Sequence[str], population: str | None) -> dict[str, int]:
    place: dict[str, int] = {}
    if population is not None:
        matching = [at for at, name in enumerate(plain) if name == plain_heading(population)]
        if not matching:
            raise FormatError(
                f"there is no column {population!r}; the columns are {', '.join(table.header[:30])}",
                where=f"{table.file} heading",
                fix="Name one of them.",
            )
        place["population"] = matching[0]
    for role, names in (("sample", _SAMPLE), ("population", _POPULATION), ("replicate", _REPLICATE)):
        for at, name in enumerate(plain):
            if role not in place and at not in place.values() and name in names:
                place[role] = at
    return place


def _cells(table: Table, at: int, limit: int = 200) -> list[str]:
    return [row[at] for row in table.rows[:limit] if row[at]]


def _is_genotype_column(table: Table, at: int) -> bool:
    cells = _cells(table, at)
    return bool(cells) and all(len(split_genotype(cell)) in (0, 2) for cell in cells)


def _is_dosage_column(table: Table, at: int) -> bool:
    cells = [row[at].casefold() for row in table.rows]
    known = [cell for cell in cells if cell not in MISSING_DOSAGE]
    return all(cell in _DOSAGE for cell in known)


def _mostly_joined(table: Table, at: int) -> bool:
    """Most filled cells are two alleles: a bad cell must not turn a locus into a remark."""
    known = [split_genotype(cell) for cell in _cells(table, at) if not is_missing_allele(cell)]
    good = [parts for parts in known if len(parts) == 2 and all(_allele_like(part) for part in parts)]
    return len(good) > 0.5 * len(known) > 0


def _once_joined(table: Table, at: int) -> bool:
    """Beside joined loci: empty, or genotypes of which a spreadsheet has made dates."""
    cells = [cell for cell in _cells(table, at) if not is_missing_allele(cell)]
    if any(is_date(cell) for cell in cells):
        return True
    return not cells and not re.fullmatch(r"column \d+", table.header[at])


def _allele_like(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,4}([.,]\d+)?|[ACGTacgt]+|-?\d", text)) or is_missing_allele(text)


def _mostly_alleles(table: Table, at: int) -> bool:
    known = [cell for cell in _cells(table, at) if not is_missing_allele(cell)]
    return sum(map(_allele_like, known)) >= 0.5 * len(known)


def _layout(table: Table, left: Sequence[int]) -> tuple[Layout, list[tuple[str, int, int]]]:
    joined = [at for at in left if _mostly_joined(table, at)]
    if joined:
        # After the first locus, an empty or spoilt column is a locus nobody was typed at, not a remark.
        spoilt = [at for at in left if at > joined[0] and _once_joined(table, at)]
        return "joined", [(table.header[at], at, at) for at in sorted({*joined, *spoilt})]
    pairs = _pairs(table, left)
    dosage = [at for at in left if _is_dosage_column(table, at)]
    if len(dosage) >= max(1, 2 * len(pairs)) and not (pairs and _two_column_counts(table, pairs)):
        _refuse_strange_counts(table, left, dosage)
        return "dosage", [(table.header[at], at, at) for at in dosage]
    return "pairs", pairs


def _two_column_counts(table: Table, pairs: Sequence[tuple[str, int, int]]) -> bool:
    """Are headings such as `snp1_a`, `snp1_b` over cells 1/2 two alleles rather than two SNPs?"""
    return all(
        re.search(r"[ab]$|allele", table.header[first], re.IGNORECASE) for _, first, _ in pairs
    ) or all(re.search(r"[._][12]$", table.header[at]) for _, *both in pairs for at in both)


def _refuse_strange_counts(table: Table, left: Sequence[int], dosage: Sequence[int]) -> None:
    """A SNP column with a stray value is an error with its row, not a column that goes missing."""
    for at in left:
        if at in dosage or len(dosage) < 0.5 * len(left):
            continue
        cells = [(row, cells[at]) for row, cells in enumerate(table.rows)]
        strange = [
            (row, cell)
            for row, cell in cells
            if cell.casefold() not in MISSING_DOSAGE and cell not in _DOSAGE
        ]
        if strange and len(strange) < 0.5 * len(cells):
            row, cell = strange[0]
            raise FormatError(
                f"SNP {table.header[at]!r} has the value {cell!r}",
                where=table.where(row),
                fix="Counts of an allele are 0, 1 or 2; missing is empty, NA, −1 or −9.",
            )


def _pairs(table: Table, left: Sequence[int]) -> list[tuple[str, int, int]]:
    headings = [table.header[at] for at in left]
    last_digits = {heading[-1] for heading in headings if heading[-1:].isdigit()}
    endings = [ending for ending in _ENDINGS if ending[1] != "digit" or last_digits <= {"1", "2"}]
    pairs: list[tuple[str, int, int]] = []
    lonely: list[int] = []
    number = 0
    while number < len(left):
        name = _pair_name(headings, number, endings) if number + 1 < len(left) else None
        if name and left[number + 1] == left[number] + 1 and _mostly_alleles(table, left[number]):
            pairs.append((name, left[number], left[number + 1]))
            number += 2
        else:
            lonely.append(left[number])
            number += 1
    if not pairs and not any(_is_dosage_column(table, at) for at in lonely):
        return _unnamed_pairs(table, lonely)
    for at in lonely:
        if pairs and _mostly_alleles(table, at) and _cells(table, at) and _ending(table.header[at], endings):
            raise _odd(table, at)
    return pairs


def _pair_name(headings: Sequence[str], at: int, endings: Sequence[tuple[str, str]]) -> str | None:
    first, second = headings[at], headings[at + 1]
    if re.fullmatch(r"column \d+", second) and not re.fullmatch(r"column \d+", first):
        return first
    if first.casefold() == second.casefold():
        return first
    if second.casefold() in {f"{first}{s}{n}".casefold() for s in "._ -" for n in "12b"}:
        return first
    for pattern, _ in endings:
        one, two = (re.fullmatch(pattern, heading, re.IGNORECASE) for heading in (first, second))
        if not one or not two or not one[1] or one[1].casefold() != two[1].casefold():
            continue
        if (one[2].casefold(), two[2].casefold()) in {("a", "b"), ("1", "2")}:
            return one[1].rstrip(" ._-")
    return None


def _ending(heading: str, endings: Sequence[tuple[str, str]]) -> bool:
    return any(re.fullmatch(pattern, heading, re.IGNORECASE) for pattern, _ in endings)


def _unnamed_pairs(table: Table, columns: Sequence[int]) -> list[tuple[str, int, int]]:
    """Headings that say nothing: two columns a locus, one after the other, if the cells allow it."""
    numeric = [at for at in columns if _cells(table, at) and _mostly_alleles(table, at)]
    if len(numeric) < 2:
        return []
    if len(numeric) % 2:
        raise _odd(table, numeric[-1])
    return [(table.header[a], a, b) for a, b in zip(numeric[::2], numeric[1::2], strict=True)]


def _odd(table: Table, at: int) -> FormatError:
    return FormatError(
        f"the allele column {table.header[at]!r} has no partner: a locus needs two columns",
        where=f"{table.file} heading",
        fix="Add the missing column, or name the two of a locus alike: fca8_a and fca8_b.",
    )
