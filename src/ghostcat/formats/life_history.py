"""Read life histories: sex, birth, death, place and parents known from the field, one row an animal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, isfinite, nan, radians
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.dates import DateOrder, find_date_order, parse_time
from ghostcat.formats.numbers import parse_number
from ghostcat.formats.spelling import id_text, name_key, nearest
from ghostcat.formats.tables import read_table
from ghostcat.genetics.parentage_candidates import LifeHistory
from ghostcat.survey.evidence import Finding, Severity

__all__ = ["ReadLifeHistory", "read_life_history"]

_COLUMNS: dict[str, Sequence[str]] = {
    "id": (
        "ID", "animal", "animal_id", "individual", "sample", "sample_id", "name", "особь", "образец", "个体",
    ),
    "sex": ("gender", "пол", "性别"),
    "birth_year": (
        "BirthYear", "birth", "born", "birth_date", "date_of_birth", "dob", "year_of_birth", "year",
        "год рождения", "дата рождения", "出生年", "出生日期",
    ),
    "birth_min": ("BY.min", "BYmin", "birth_year_min", "earliest_birth"),
    "birth_max": ("BY.max", "BYmax", "birth_year_max", "latest_birth", "first_seen", "firstseen"),
    "last_alive": (
        "Year.last", "YearLast", "death_year", "death", "died", "death_date", "год смерти", "死亡年",
    ),
    "known_dam": ("dam", "mother", "mother_id", "dam_id", "мать", "母"),
    "known_sire": ("sire", "father", "father_id", "sire_id", "отец", "父"),
    "x_m": ("x", "easting", "utm_x"),
    "y_m": ("y", "northing", "utm_y"),
    "longitude": ("lon", "long", "долгота", "经度"),
    "latitude": ("lat", "широта", "纬度"),
}  # fmt: skip
_FEMALE = {"1", "f", "female", "dam", "женский", "ж", "самка", "雌", "母", "女", "♀"}
_MALE = {"2", "m", "male", "sire", "мужской", "м", "самец", "雄", "公", "男", "♂"}
_UNSURE = {"", "3", "4", "0", "u", "unknown", "?", "nk", "na", "неизвестно", "未知"}
_YEAR = re.compile(r"-?\d{1,4}(?:[.,]0+)?")
_METRES_PER_DEGREE = 111_320.0
_YEARS = (1900, 2100)
#: A serial day of Excel before this is rather a year with a digit too many.
_FIRST_SERIAL_YEAR = 1980


@dataclass(frozen=True, eq=False)
class ReadLifeHistory:
    """Life histories of the animals asked for, in their order, and what was wrong in the file."""

    life: LifeHistory
    findings: tuple[Finding, ...]


def read_life_history(path: str | Path, animals: Sequence[str]) -> ReadLifeHistory:
    """Read the life history of these animals.

    Parameters
    ----------
    path : a table with the columns ID, Sex (1 or F female, 2 or M male, 3 unknown) and BirthYear (a year, or
        a date in any usual way; empty or negative unknown), and any of BY.min, BY.max, Year.last, Dam, Sire,
        x and y in metres or longitude and latitude.
    animals : ids of the typed animals.

    Raises
    ------
    FormatError : the file is no table, or has no column with ids.
    """
    path = Path(path)
    columns = match_columns(read_table(path), _COLUMNS, required=("id",))
    reader = _Reader(columns, animals)
    reader.read()
    return ReadLifeHistory(reader.life(), tuple(reader.findings))


class _Reader:
    """One pass over the rows; keeps values by animal and findings as they come."""

    def __init__(self, columns: Columns, animals: Sequence[str]) -> None:
        self.columns, self.animals = columns, list(animals)
        self.place = {name_key(animal): at for at, animal in enumerate(animals)}
        n = len(self.animals)
        self.findings: list[Finding] = list(columns.table.findings)
        self.female = np.full(n, 0.5)
        self.first, self.last, self.alive = np.full(n, nan), np.full(n, nan), np.full(n, nan)
        self.xy = np.full((n, 2), nan)
        self.parents = {"known_dam": np.full(n, -1), "known_sire": np.full(n, -1)}
        self.seen: dict[int, int] = {}
        self.known: set[str] = set()
        self.untyped: list[tuple[str, int]] = []
        self.untyped_parents: list[str] = []
        self.orders: dict[str, DateOrder | None] = {}

    def note(
        self, code: str, severity: Severity, message: str, fix: str, row: int, ids: tuple[str, ...]
    ) -> None:
        self.findings.append(
            Finding(
                code=code,
                severity=severity,
                message=message,
                fix=fix,
                ids=ids,
                where=self.columns.table.where(row),
            )
        )

    def read(self) -> None:
        for row in range(len(self.columns.table.rows)):
            name = id_text(self.columns.text(row, "id"))
            if not name:
                self.note(
                    "life_without_id", "warning", "the row has no animal id", "Fill in the id.", row, ()
                )
                continue
            self.known.add(name_key(name))
            at = self.place.get(name_key(name))
            if at is None:
                self.untyped.append((name, row))
                continue
            if at in self.seen:
                self._twice(name, row, at)
                continue
            self.seen[at] = row
            self._row(name, row, at)
        self._missing_columns()
        self._not_genotyped()
        self._without_life()
        self._impossible_parents()

    def life(self) -> LifeHistory:
        return LifeHistory(
            female=self.female,
            first_birth=self.first,
            last_birth=self.last,
            last_alive=self.alive,
            xy_m=self._metres(),
            known_dam=self.parents["known_dam"],
            known_sire=self.parents["known_sire"],
        )

    def _row(self, name: str, row: int, at: int) -> None:
        self.female[at] = self._sex(name, row)
        year = self._year(name, row, "birth_year")
        low, high = self._year(name, row, "birth_min"), self._year(name, row, "birth_max")
        if isfinite(low) and isfinite(high) and low > high:
            self.note(
                "birth_range_reversed",
                "warning",
                f"{name}: born between {low:.0f} and {high:.0f}",
                "Write the earlier year first; they were exchanged.",
                row,
                (name,),
            )
            low, high = high, low
        self.first[at], self.last[at] = (year, year) if isfinite(year) else (low, high)
        self.alive[at] = self._year(name, row, "last_alive")
        if isfinite(self.alive[at]) and self.alive[at] < self.first[at]:
            self.note(
                "died_before_birth",
                "error",
                f"{name} was born in {self.first[at]:.0f} and died in {self.alive[at]:.0f}",
                "Correct one of the years; the year of death was left out.",
                row,
                (name,),
            )
            self.alive[at] = nan
        self._place(name, row, at)
        for side in self.parents:
            self._parent(name, row, at, side)

    def _sex(self, name: str, row: int) -> float:
        text = self.columns.text(row, "sex").strip().casefold()
        text = text.removesuffix(".0")
        if text in _FEMALE:
            return 1.0
        if text in _MALE:
            return 0.0
        if text not in _UNSURE and self.columns.value(row, "sex"):
            self.note(
                "sex_not_understood",
                "warning",
                f"{name}: the sex {self.columns.text(row, 'sex')!r} is not known",
                "Write 1 or F for females, 2 or M for males, 3 for unknown; it was taken as unknown.",
                row,
                (name,),
            )
        return 0.5

    def _year(self, name: str, row: int, column: str) -> float:
        text = self.columns.value(row, column).strip()
        if not text:
            return nan
        if _YEAR.fullmatch(text):
            year = float(text.replace(",", "."))
            if year < 0:
                return nan
        else:
            if column not in self.orders:
                self.orders[column] = self._order(column, row)
            moment = parse_time(text, order=self.orders[column]) or parse_time(text, order="mdy")
            year = float(moment.local.year) if moment else nan
            if moment and moment.from_serial and year < _FIRST_SERIAL_YEAR:
                year = nan
        if not _YEARS[0] <= year <= _YEARS[1] and not 0 <= year <= 200:
            heading = self.columns.heading(column)
            self.note(
                "year_not_understood",
                "warning",
                f"{name}: {heading} is {text!r}",
                "Write the year with four digits, or a date as YYYY-MM-DD; it was taken as unknown.",
                row,
                (name,),
            )
            return nan
        return year

    def _order(self, column: str, row: int) -> DateOrder | None:
        texts = [self.columns.value(r, column) for r in range(len(self.columns.table.rows))]
        try:
            return find_date_order(texts, where=self.columns.table.file)
        except FormatError as fault:
            # Both orders, or nothing that tells: the year is the same in either.
            self.note(
                "date_order_unclear",
                "note",
                fault.what,
                "Only the year is used here, which both orders agree on. Write dates as YYYY-MM-DD.",
                row,
                (),
            )
            return "dmy"

    def _place(self, name: str, row: int, at: int) -> None:
        for pair in (("x_m", "y_m"), ("longitude", "latitude")):
            texts = [self.columns.value(row, column) for column in pair]
            if not any(texts):
                continue
            values = [parse_number(text) if text else None for text in texts]
            if None in values:
                self.note(
                    "place_not_understood",
                    "warning",
                    f"{name}: the place is {texts[0]!r}, {texts[1]!r}",
                    "Give both coordinates as numbers; the place was left out.",
                    row,
                    (name,),
                )
                return
            self.xy[at] = values
            return

    def _metres(self) -> NDArray[np.float64]:
        if "x_m" in self.columns.index:
            return self.xy
        middle = float(np.nanmean(self.xy[:, 1])) if np.isfinite(self.xy[:, 1]).any() else 0.0
        metres: NDArray[np.float64] = self.xy * np.array(
            [_METRES_PER_DEGREE * cos(radians(middle)), _METRES_PER_DEGREE]
        )
        return metres

    def _parent(self, name: str, row: int, at: int, side: str) -> None:
        parent = id_text(self.columns.value(row, side))
        if not parent or parent == "0":
            return
        place = self.place.get(name_key(parent))
        role = "mother" if side == "known_dam" else "father"
        if place is None:
            self.untyped_parents.append(parent)
        elif place == at:
            self.note(
                "own_parent",
                "error",
                f"{name} is written as its own {role}",
                "Correct the parent; it was left out.",
                row,
                (name,),
            )
        else:
            self.parents[side][at] = place

    def _twice(self, name: str, row: int, at: int) -> None:
        before = self.columns.table.where(self.seen[at])
        same = all(
            self.columns.text(row, c) == self.columns.text(self.seen[at], c)
            for c in self.columns.index
            if c != "id"
        )
        self.note(
            "animal_twice_in_life_history",
            "note" if same else "error",
            f"{name} is already at {before}" + ("" if same else " and they disagree"),
            "Leave one row; the first was used.",
            row,
            (name,),
        )

    def _missing_columns(self) -> None:
        has = self.columns.index
        for words, there, heading in (
            ("the sex", "sex" in has, "Sex"),
            ("the birth year", bool(has.keys() & {"birth_year", "birth_min", "birth_max"}), "BirthYear"),
        ):
            if not there:
                self.findings.append(
                    Finding(
                        code="life_history_column_missing",
                        severity="warning",
                        message=f"no column says {words}; it was taken as unknown for every animal",
                        fix=f"Name the column {heading}.",
                        where=f"{self.columns.table.file} heading",
                    )
                )

    def _not_genotyped(self) -> None:
        if not self.untyped:
            return
        ids = tuple(name for name, _ in self.untyped)
        shown = ", ".join(
            f"{name} (row {self.columns.table.numbers[row]})"
            + (f", meant {close!r}?" if (close := self._close(name)) else "")
            for name, row in self.untyped[:10]
        )
        self.note(
            "not_genotyped",
            "note",
            f"{len(ids)} animals of the life history have no genotype: {shown}"
            + (" …" if len(ids) > 10 else ""),
            "They cannot be offspring or candidates; check the spelling if they should be.",
            self.untyped[0][1],
            ids,
        )

    def _close(self, name: str) -> str:
        free = [
            a for at, a in enumerate(self.animals) if at not in self.seen and name_key(a) not in self.known
        ]
        return nearest(name, free) if 0 < len(free) <= 200 else ""

    def _without_life(self) -> None:
        missing = tuple(a for at, a in enumerate(self.animals) if at not in self.seen)
        if missing:
            self.findings.append(
                Finding(
                    code="no_life_history",
                    severity="warning",
                    message=f"{len(missing)} typed animals have no life history: {', '.join(missing[:10])}"
                    + (" …" if len(missing) > 10 else ""),
                    fix="Add their sex and birth year; unknown ones can be anybody's parent.",
                    ids=missing,
                    where=self.columns.table.file,
                )
            )
        if self.untyped_parents:
            names = tuple(dict.fromkeys(self.untyped_parents))
            self.findings.append(
                Finding(
                    code="known_parent_not_typed",
                    severity="note",
                    message=f"{len(names)} parents known from the field have no genotype: "
                    + ", ".join(names[:10]),
                    fix="Type them, or look for the parent among the others knowing that it is not there.",
                    ids=names,
                    where=self.columns.table.file,
                )
            )

    def _impossible_parents(self) -> None:
        for side, role, sex in (("known_dam", "mother", 0.0), ("known_sire", "father", 1.0)):
            for at, parent in enumerate(self.parents[side]):
                if parent < 0:
                    continue
                name, other, row = self.animals[at], self.animals[parent], self.seen[at]
                if self.last[at] < self.first[parent] or self.last[at] == self.first[parent]:
                    self.note(
                        "parent_too_young",
                        "error",
                        f"{other} (born {self.first[parent]:.0f}) is the {role} of {name} "
                        f"(born {self.last[at]:.0f})",
                        "Correct a birth year or the parent; the parent was left out.",
                        row,
                        (name, other),
                    )
                    self.parents[side][at] = -1
                elif self.female[parent] == sex:
                    self.note(
                        "parent_of_wrong_sex",
                        "error",
                        f"{other} is the {role} of {name}, but its sex says otherwise",
                        "Correct the sex or the parent; the parent was left out.",
                        row,
                        (name, other),
                    )
                    self.parents[side][at] = -1
