"""Which column of a studbook is which: SPARKS, ZIMS, PMx, R packages and tables kept by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ghostcat.errors import FormatError
from ghostcat.formats.columns import plain_heading
from ghostcat.formats.tables import Table
from ghostcat.survey.evidence import ColumnMatch

__all__ = ["PedigreeColumns", "find_pedigree_columns"]

#: Our name → headings, the most telling first. Where two columns fit, the earlier heading is taken and the
#: other is kept as written (a studbook has an id, a studbook number and a house name).
_HEADINGS: dict[str, str] = {
    "id": (
        "id|animal id|individual id|ind id|indiv id|unique id|iid|stud id|studbook id|"
        "studbook number|studbook no|studbook|studbook #|stud no|stud num|stud number|sb no|"
        "sb|sb number|gan|global accession number|accession number|accession|animal number|"
        "animal no|animal|individual|ind|indiv|ego|subject|progeny|calf|cub|offspring|name|"
        "ring number|tag|номер по племенной книге|племенной номер|номер животного|"
        "id животного|идентификатор|номер|№|животное|особь|ид|имя|кличка|谱系号|谱系编号|"
        "个体编号|个体号|个体id|编号|个体|动物编号|动物|名称|名字|呼名"
    ),
    "dam": (
        "dam|dam id|dam studbook|dam number|dam no|dam sb|dam studbook number|dam gan|"
        "dam accession|mother|mother id|mother number|mother no|mum|mom|mat|maternal id|"
        "maternal|female parent|parent female|мать|id матери|номер матери|матери|матка|"
        "мать id|мать №|母亲|母本|母号|母亲编号|母亲id|母|母兽|母兽编号|母谱系号|母亲谱系号|"
        "母体"
    ),
    "sire": (
        "sire|sire id|sire studbook|sire number|sire no|sire sb|sire studbook number|"
        "sire gan|sire accession|father|father id|father number|father no|dad|pat|"
        "paternal id|paternal|male parent|parent male|отец|id отца|номер отца|отца|отец id|"
        "отец №|父亲|父本|父号|父亲编号|父亲id|父|父兽|父兽编号|父谱系号|父亲谱系号|父体"
    ),
    "sex": "sex|gender|sx|sex code|пол|性别",
    "birth": (
        "birth date|date of birth|birthdate|birthday|dob|bdate|birth|born|date birth|"
        "hatch date|hatched|birth year|year of birth|yob|year born|byear|year|дата рождения|"
        "рождение|родился|родилась|день рождения|год рождения|г р|рожд|出生日期|出生年月|"
        "出生时间|出生年份|出生年|出生|生日"
    ),
    "birth_estimate": (
        "birth est|birth estimate|bdate est|birth date estimate|birthdate estimate|bdateest|birth date est"
    ),
    "death": (
        "death date|date of death|deathdate|dod|ddate|death|died|date death|death year|"
        "year of death|yod|дата смерти|смерть|погиб|погибла|дата гибели|год смерти|"
        "дата падежа|死亡日期|死亡时间|死亡年份|死亡"
    ),
    "death_estimate": "death est|death estimate|ddate est|death date estimate|ddateest|death date est",
    "alive": (
        "alive|living|is alive|live|status|vital status|life status|жив|живой|статус|"
        "состояние|存活|状态|是否存活|在世"
    ),
    "place": (
        "location|current location|place|institution|holder|zoo|facility|site|last location|"
        "current holder|место|место содержания|зоопарк|учреждение|местонахождение|地点|单位|"
        "机构|动物园|饲养单位|所在地|现所在地"
    ),
    "population": (
        "population|pop|subpopulation|managed or wild|wild or managed|популяция|население|种群|群体"
    ),
    "wild_born": (
        "birth type|origin|birth origin|wild born|wildborn|born in wild|captive born|source|"
        "рождён в природе|рожден в природе|происхождение|出生类型|来源|野生出生|是否野生"
    ),
    "reference": ("target|reference|reference set|ref|in reference|целевой|целевая|эталон|目标|参考|参考群"),
    "family": "ped|family id|famid|fid|family|pedigree|pedigree id|семья|家系|家系号",
    "known": ("known fraction|known|percent known|pct known|pedigree known|% known|доля известных|已知比例"),
    "dam_odds": ("dam probability|dam prob|mother probability|p dam|dam odds|вероятность матери|母亲概率"),
    "sire_odds": ("sire probability|sire prob|father probability|p sire|sire odds|вероятность отца|父亲概率"),
}


def _synonyms(text: str) -> list[str]:
    return [plain_heading(" ".join(part.split())) for part in text.split("|")]


_PLAIN = {name: _synonyms(text) for name, text in _HEADINGS.items()}


@dataclass(frozen=True, kw_only=True)
class PedigreeColumns:
    """Positions of the columns that are understood; the others are kept as written."""

    table: Table
    index: dict[str, int]

    def cells(self, name: str) -> list[str]:
        """A column; empty cells when there is none."""
        position = self.index.get(name)
        if position is None:
            return [""] * len(self.table.rows)
        return [row[position] for row in self.table.rows]

    def __contains__(self, name: str) -> bool:
        return name in self.index

    def heading(self, name: str) -> str:
        """What the file calls a column."""
        return self.table.header[self.index[name]]

    @property
    def others(self) -> list[int]:
        """Columns that mean nothing to us."""
        used = set(self.index.values())
        return [position for position in range(len(self.table.header)) if position not in used]

    def matches(self) -> tuple[ColumnMatch, ...]:
        """What each column of the file was taken for."""
        names = {position: name for name, position in self.index.items()}
        return tuple(
            ColumnMatch(file=self.table.file, column=heading, used_as=names.get(position, ""))
            for position, heading in enumerate(self.table.header)
        )


def find_pedigree_columns(table: Table) -> PedigreeColumns:
    """Match the headings of a studbook.

    Raises
    ------
    FormatError : no column for the animal, or none for a parent.
    """
    plain = [_words(heading) for heading in table.header]
    index: dict[str, int] = {}
    for name, headings in _PLAIN.items():
        for wanted in headings:
            found = [i for i, heading in enumerate(plain) if heading == wanted and i not in index.values()]
            if found:
                index[name] = found[0]
                break
    if {"id", "dam", "sire"} <= index.keys():
        index["id"] = _column_that_parents_use(table, plain, index)
    columns = PedigreeColumns(table=table, index=index)
    for name, example in (("id", "id"), ("dam", "dam"), ("sire", "sire")):
        if name not in index:
            raise FormatError(
                f"there is no column for the {name}; the columns are {', '.join(table.header)}",
                where=f"{table.file} heading",
                fix=f"Name the column {example!r}; also understood, in three languages: mother, мать, 母亲, "
                "father, отец, 父亲, studbook id, номер, 编号.",
            )
    return columns


def _column_that_parents_use(table: Table, plain: list[str], index: dict[str, int]) -> int:
    """Of all columns that may be the id, the one in which the parents are found again."""
    taken = {position for name, position in index.items() if name != "id"}
    candidates = [
        position
        for wanted in _PLAIN["id"]
        for position, heading in enumerate(plain)
        if heading == wanted and position not in taken
    ]
    parents = {row[index[role]] for row in table.rows for role in ("dam", "sire")} - {"", "0"}
    scores = [len(parents & {row[position] for row in table.rows}) for position in candidates]
    return candidates[max(range(len(candidates)), key=lambda i: (scores[i], -i))]


def _words(heading: str) -> str:
    """A heading without camel case and punctuation: `DamID`, `dam_id`, `Dam ID` are one."""
    return plain_heading(re.sub(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])", " ", heading))
