"""Cells of a studbook as codes: sex, fate, population and origin; a strange word is a finding."""

from __future__ import annotations

from ghostcat.formats.pedigree_columns import PedigreeColumns
from ghostcat.formats.pedigree_words import find_sex_coding, flag, population_word, read_sex, status_word
from ghostcat.survey.evidence import Finding

__all__ = ["read_origins", "read_sets", "read_sexes", "read_states"]


def read_sexes(
    columns: PedigreeColumns,
    cells: list[str],
    places: list[str],
    *,
    parents: tuple[list[str], list[str]],
    names: list[str],
) -> tuple[list[int], list[Finding]]:
    """Sexes as codes, with the coding told by the animals that are dams or sires."""
    if "sex" not in columns:
        return [0] * len(cells), []
    mothers, fathers = map(set, parents)
    coding = find_sex_coding(
        cells,
        dams=[i for i, name in enumerate(names) if name in mothers],
        sires=[i for i, name in enumerate(names) if name in fathers],
    )
    findings = []
    where = f"{columns.table.file} column {columns.heading('sex')!r}"
    if coding == "unclear":
        findings.append(
            Finding(
                code="sex_coding_unclear",
                severity="warning",
                message="the sexes 0 and 1 could mean either, and no parent tells which; "
                "they count as not known",
                fix="Write M and F.",
                where=where,
            )
        )
    elif coding in ("0 male, 1 female", "1 male, 0 female"):
        findings.append(
            Finding(
                code="sex_coding_inferred",
                severity="note",
                message=f"the sexes were read as {coding}, which is what the parents of the table are",
                fix="Write M and F if that is not so.",
                where=where,
            )
        )
    out = []
    for text, place in zip(cells, places, strict=True):
        sex = read_sex(text, coding)
        if sex is None:
            findings.append(_strange(text, "sex", "M, F or leave it empty", place))
        out.append(sex or 0)
    return out, findings


def _strange(text: str, what: str, fix: str, place: str) -> Finding:
    return Finding(
        code=f"{what}_not_read",
        severity="warning",
        message=f"{text!r} is no known word for the {what}; it counts as not known",
        fix=f"Write {fix}.",
        where=place,
    )


def read_states(cells: list[str], places: list[str]) -> tuple[list[int], list[Finding]]:
    """1 alive, 0 dead, -1 not told."""
    out, findings = [], []
    for text, place in zip(cells, places, strict=True):
        value = status_word(text)
        if value is None:
            findings.append(_strange(text, "status", "alive or dead", place))
        out.append(-1 if value is None else value)
    return out, findings


def read_sets(
    columns: PedigreeColumns, words: list[str], marks: list[str], places: list[str]
) -> tuple[list[bool] | None, list[str], list[Finding]]:
    """The reference set (None: not marked), and the population of each animal."""
    findings: list[Finding] = []
    reference: list[bool] | None = None
    read = [population_word(text) for text in words]
    if "population" in columns and any(words) and all(flag(text) is not None for text in words):
        # A column of yes and no marks a set; it names no population.
        reference = [bool(flag(text)) for text in words]
        read = [""] * len(words)
    elif None in read:
        kept = sorted({text for text, known in zip(words, read, strict=True) if known is None})
        findings.append(
            Finding(
                code="population_names",
                severity="note",
                message=f"populations are named ({', '.join(kept[:5])}); none of these says wild or managed",
                fix="Write wild or managed where the two are to be compared.",
                where=f"{columns.table.file} column {columns.heading('population')!r}",
            )
        )
    if "reference" in columns:
        reference = []
        for text, place in zip(marks, places, strict=True):
            value = flag(text)
            if value is None:
                findings.append(_strange(text, "reference set", "1 or 0", place))
            reference.append(bool(value))
    if reference is not None and not any(reference):
        findings.append(
            Finding(
                code="reference_set_empty",
                severity="warning",
                message="nobody is marked as in the reference set; all animals are taken",
                fix="Mark the living animals with 1.",
                where=columns.table.file,
            )
        )
        reference = None
    return reference, [word or "" for word in read], findings


def read_origins(
    columns: PedigreeColumns, cells: list[str], places: list[str], *, wild_parents: list[bool]
) -> tuple[list[int], list[Finding]]:
    """Born in the wild: 1 yes, 0 no, -1 not told; parents that are called WILD tell it too."""
    out, findings = [], []
    is_flag = "wild_born" in columns and "captive" not in columns.heading("wild_born").casefold()
    for text, place, both_wild in zip(cells, places, wild_parents, strict=True):
        word = population_word(text)
        yes = flag(text)
        if not text:
            out.append(1 if both_wild else -1)
        elif word in ("wild", "managed"):
            out.append(int(word == "wild"))
        elif yes is not None:
            out.append(int(yes if is_flag else not yes))
        else:
            if word is None:
                findings.append(_strange(text, "origin", "wild or captive", place))
            out.append(-1)
    return out, findings
