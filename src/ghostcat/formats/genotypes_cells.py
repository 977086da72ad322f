"""What laboratories write into the cells of a genotype table, and what is wrong with some of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ghostcat.survey.evidence import Finding, Severity

__all__ = ["AlleleReader", "is_date", "is_missing_allele", "split_genotype"]

#: Written for "not read". "0" too: no fragment has length 0. In counts of alleles (0/1/2) it is a value.
_MISSING = {
    "", "0", "00", "000", "0000", "000000", "-1", "-9", "-99", "-999", "-9999", "?", "??", "???", "x", "xx",
    "na", "n/a", "nan", "null", "none", "-", "--", "–", "—", "#n/a", "#н/д", "н/д", "нет", "无", ".", "*",
    "fail", "failed", "n", "nn",
}  # fmt: skip
_MONTH = (
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|янв|фев|мар|апр|мая|май|июн|июл|авг|сен|окт|ноя|дек"
)
_DATE = re.compile(
    rf"\d{{1,4}}[-. /]?({_MONTH})\w*\.?|({_MONTH})\w*[-. /]\d{{1,4}}|\d{{4}}-\d\d-\d\d(T|\s|$).*"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}月\d{1,2}日",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s*[/|:;\\]\s*|\s+|(?<=\d)\s*-\s*(?=\d)")
_WHOLE = re.compile(r"\d+")
_ZERO_FRACTION = re.compile(r"(\d+)[.,]0+")
_FRACTION = re.compile(r"\d+[.,]\d+")
_BASES = re.compile(r"[ACGT]|[ACGT]+|[ID]", re.IGNORECASE)
_NUL = re.compile(r"-\s*\d+")
_SHOWN = 6


def is_missing_allele(text: str) -> bool:
    """Did somebody write that an allele was not read?

    >>> is_missing_allele("-99"), is_missing_allele("000"), is_missing_allele("208")
    (True, True, False)
    """
    return text.casefold() in _MISSING


def is_date(text: str) -> bool:
    """Has a spreadsheet made a date of this?

    >>> is_date("Mar-36"), is_date("2024-03-04 00:00:00"), is_date("136/146")
    (True, True, False)
    """
    return bool(_DATE.fullmatch(text.strip()))


def split_genotype(cell: str) -> list[str]:
    """Cut a genotype in one cell into its alleles: `136/146`, `136|146`, `136-146`, `A G`, `AG`.

    >>> split_genotype("136/146"), split_genotype("AG"), split_genotype("")
    (['136', '146'], ['A', 'G'], [])
    """
    cell = cell.strip()
    if is_missing_allele(cell):
        return []
    if is_date(cell):
        return [cell]
    if re.fullmatch(r"-?\d+\s*/\s*-?\d+", cell):
        return [part.strip() for part in cell.split("/")]
    if re.fullmatch(r"[ACGT]{2}", cell, re.IGNORECASE):
        return list(cell.upper())
    return _JOINED.split(cell)


@dataclass
class AlleleReader:
    """Reads alleles and remembers every fault with its place, to be told as findings.

    Parameters
    ----------
    zero_is_allele : in tables coded 0/1, where 0 cannot mean "missing".
    """

    zero_is_allele: bool = False
    faults: dict[tuple[str, Severity], list[tuple[str, str]]] = field(default_factory=dict)
    zeros: int = 0

    def allele(self, text: str, *, where: str, locus: str) -> str | None:
        """The name of one allele; None where it was not read or cannot be understood."""
        text = text.strip()
        if text == "0" and self.zero_is_allele:
            return "0"
        if is_missing_allele(text):
            self.zeros += bool(text) and not text.strip("0")
            return None
        if _WHOLE.fullmatch(text):
            return str(int(text))
        if whole := _ZERO_FRACTION.fullmatch(text):
            return str(int(whole[1]))
        if _BASES.fullmatch(text):
            return text.upper()
        place = f"{where}, locus {locus}"
        if _DATE.fullmatch(text):
            self._note("excel_date", "error", place, text)
        elif _FRACTION.fullmatch(text):
            self._note("allele_not_binned", "error", place, text)
        elif _NUL.fullmatch(text):
            self._note("allele_negative", "error", place, text)
        else:
            self._note("allele_not_understood", "error", place, text)
        return None

    def pair(self, cells: list[str], *, where: str, locus: str) -> tuple[str | None, str | None]:
        """The two alleles of a genotype; of three alleles none is taken."""
        if len(cells) > 2:
            self._note("three_alleles", "error", f"{where}, locus {locus}", "/".join(cells))
            return None, None
        if len(cells) == 1 and cells[0].strip():
            # One number for a genotype: a homozygote to some, a half-read one to others.
            if _DATE.fullmatch(cells[0].strip()):
                self._note("excel_date", "error", f"{where}, locus {locus}", cells[0])
                return None, None
            self._note("one_allele", "warning", f"{where}, locus {locus}", cells[0])
            return self.allele(cells[0], where=where, locus=locus), None
        if not cells:
            return None, None
        first, second = (self.allele(cell, where=where, locus=locus) for cell in cells)
        if (first is None) != (second is None):
            known = first or second
            self._note("half_genotype", "warning", f"{where}, locus {locus}", f"{known} and nothing")
        return first, second

    def _note(self, code: str, severity: Severity, place: str, text: str) -> None:
        self.faults.setdefault((code, severity), []).append((place, text))

    def findings(self, *, file: str) -> list[Finding]:
        """One finding a kind of fault, with the places."""
        found = [_finding(code, severity, at, file=file) for (code, severity), at in self.faults.items()]
        if self.zeros:
            found.append(
                Finding(
                    code="zero_as_missing",
                    severity="note",
                    message=f"{self.zeros} alleles written as 0 were taken for “not read”",
                    fix="Nothing to do; no fragment has length 0.",
                    where=file,
                )
            )
        return found


_WORDS = {
    "excel_date": (
        "{n} genotypes were turned into dates by a spreadsheet ({text}); they were taken as missing",
        "Format the columns as text and paste the laboratory's values again.",
    ),
    "allele_not_binned": (
        "{n} alleles are not whole numbers ({text}); they were taken as missing",
        "Bin the fragment lengths into allele classes first; 136.42 and 136.57 are one allele.",
    ),
    "allele_negative": (
        "{n} alleles are negative ({text}) and no usual code for missing; they were taken as missing",
        "Write missing alleles as 0, −9, −99 or leave them empty.",
    ),
    "allele_not_understood": (
        "{n} alleles are neither a length nor a base ({text}); they were taken as missing",
        "Write the length in base pairs, or leave the cell empty. Look for the letter O in place of zero.",
    ),
    "three_alleles": (
        "{n} genotypes have more than two alleles ({text}); they were taken as missing",
        "Look for contamination or a mixed sample, and type the sample again.",
    ),
    "one_allele": (
        "{n} genotypes hold one allele only ({text}); the second was taken as not read",
        "Write homozygotes with both alleles: 208/208.",
    ),
    "half_genotype": (
        "{n} genotypes have one allele read and the other missing ({text}); they are not counted as typed",
        "If they are homozygotes, write the allele twice.",
    ),
}


def _finding(code: str, severity: Severity, at: list[tuple[str, str]], *, file: str) -> Finding:
    message, fix = _WORDS[code]
    shown = "; ".join(f"{place}: {text!r}" for place, text in at[:_SHOWN])
    more = f"; and {len(at) - _SHOWN} more" if len(at) > _SHOWN else ""
    return Finding(
        code=code,
        severity=severity,
        message=message.format(n=len(at), text=shown + more),
        fix=fix,
        where=at[0][0] if len(at) == 1 else file,
        ids=tuple(place for place, _ in at),
    )
