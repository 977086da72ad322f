"""Read the first filled sheet of an .xlsx workbook as text."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time, timedelta

from ghostcat.errors import FormatError
from ghostcat.survey.evidence import Finding

__all__ = ["read_workbook"]

_LARGEST_CONTENT = 2**30
_ERRORS = ("#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!")


def read_workbook(content: bytes, *, file: str) -> tuple[list[tuple[int, list[str]]], list[Finding]]:
    """Return the numbered rows of the first sheet that holds anything, and what was noticed.

    Raises
    ------
    FormatError : damaged, not a workbook, unreasonably large, or with a formula that failed.
    """
    _check_archive(content, file=file)
    import openpyxl

    try:
        # Not read-only: that mode trusts the sheet's own claim of its size, which some write wrongly.
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(content))
    except Exception as fault:  # openpyxl raises whatever the damaged part leads to
        raise FormatError(
            f"the workbook cannot be opened ({fault})",
            where=file,
            fix="Save it again as .xlsx or as CSV UTF-8.",
        ) from None
    sheets = [
        sheet for sheet in book.worksheets if any(any(row) for row in sheet.iter_rows(values_only=True))
    ]
    if not sheets:
        raise FormatError(
            "the workbook holds no filled sheet", where=file, fix="Give a sheet with a heading and rows."
        )
    sheet = sheets[0]
    findings = []
    if len(sheets) > 1:
        others = ", ".join(other.title for other in sheets[1:])
        findings.append(
            Finding(
                code="sheet_chosen",
                severity="warning",
                message=f"only the sheet {sheet.title!r} was read; not read: {others}",
                fix="Keep one table in one file if the other sheets hold survey data.",
                where=file,
            )
        )
    lines = []
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        lines.append((number, [_text(value, where=f"{file} row {number}") for value in row]))
        for column, value in enumerate(row, start=1):
            asked = formulas[sheet.title].cell(number, column).value if value is None else None
            if isinstance(asked, str) and asked.startswith("="):
                raise FormatError(
                    f"the formula {asked!r} has no stored result",
                    where=f"{file} row {number}",
                    fix="Open the workbook in the spreadsheet program, save it, and import it again.",
                )
    return lines, findings


def _check_archive(content: bytes, *, file: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError) as fault:
        raise FormatError(
            f"the workbook is damaged ({fault})", where=file, fix="Copy it again, or save it as CSV UTF-8."
        ) from None
    if total > _LARGEST_CONTENT:
        raise FormatError(
            f"the workbook unpacks to {total / 2**30:.1f} GiB: more than a table of stations can need",
            where=file,
            fix="Do not open files from people you do not know; save the table as CSV UTF-8.",
        )
    if "xl/workbook.xml" not in names:
        raise FormatError(
            "this archive is no .xlsx workbook",
            where=file,
            fix="Save the table as .xlsx or CSV and give that file.",
        )


def _text(value: object, *, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") if value.time() != time(0) else value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    text = str(value).strip("\ufeff\u200b\xa0 \t\r\n")
    if text in _ERRORS:
        raise FormatError(
            f"a formula gives {text}", where=where, fix="Correct the formula or write the value."
        )
    return text
