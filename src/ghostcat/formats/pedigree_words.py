"""The words of studbooks: parents that are not known, sexes, fates and origins, in three languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from ghostcat.formats.spelling import name_key

__all__ = [
    "SexCoding",
    "find_sex_coding",
    "flag",
    "parent_word",
    "population_word",
    "read_sex",
    "status_word",
]

#: Nothing is known of the parent.
_UNKNOWN = {
    *("", "0", "-", "–", "—", "?", "??", ".", "*", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-1"),
    *(
        "unknown",
        "unkn",
        "unk",
        "unknow",
        "uk",
        "u/k",
        "unidentified",
        "undetermined",
        "not known",
        "missing",
    ),
    *("no data", "nd", "n.d.", "founder", "unknown dam", "unknown sire", "unknown mother", "unknown father"),
    *("mult", "multiple", "many", "#н/д", "н/д", "нет", "нет данных", "неизв", "неизв.", "неизвестно"),
    *("неизвестен", "неизвестна", "неизвестный", "не известно", "не известен", "не известна", "не уст."),
    *("未知", "不详", "不明", "不清楚", "无", "无记录", "缺失"),
}
#: The parent lived in the wild: a line of its own.
_WILD = {
    *("wild", "w", "wild born", "wild-born", "wild caught", "wild-caught", "wildborn", "wildcaught", "w.c."),
    *("дикий", "дикая", "дикое", "из природы", "природа", "дик", "дик."),
    *("野生", "野外", "野生个体", "野捕"),
}
_NUMBERED = re.compile(r"(unk|unknown|wild|mult)(?:[ _.#-]?(?:\d+|\?+)|[ _.#-][a-z]?)")

_MALE = {
    "m",
    "male",
    "males",
    "♂",
    "1.0",
    "м",
    "муж",
    "муж.",
    "мужской",
    "самец",
    "♂♂",
    "雄",
    "雄性",
    "公",
    "男",
}
_FEMALE = {
    "f",
    "female",
    "females",
    "♀",
    "0.1",
    "ж",
    "жен",
    "жен.",
    "женский",
    "самка",
    "雌",
    "雌性",
    "母",
    "女",
}
_NO_SEX = {
    *(
        "",
        "u",
        "unk",
        "unknown",
        "unsexed",
        "undetermined",
        "indeterminate",
        "?",
        "na",
        "n/a",
        "nan",
        "-",
        "3",
        "4",
        "9",
    ),
    *(
        "0.0.1",
        "н",
        "н/д",
        "неизв",
        "неизв.",
        "неизвестно",
        "неизвестен",
        "none",
        "null",
        "未知",
        "不详",
        "不明",
        "x",
        "-9",
    ),
}
_ALIVE = {
    *(
        "alive",
        "living",
        "live",
        "a",
        "yes",
        "y",
        "true",
        "1",
        "l",
        "extant",
        "жив",
        "жива",
        "живой",
        "живая",
        "да",
    ),
    *("存活", "活", "在世", "健在", "活体"),
}
_DEAD = {
    *(
        "dead",
        "died",
        "d",
        "deceased",
        "no",
        "n",
        "false",
        "0",
        "death",
        "euthanized",
        "мертв",
        "мертва",
        "мёртв",
    ),
    *("мёртва", "умер", "умерла", "погиб", "погибла", "пал", "пала", "нет", "死亡", "死", "已死", "已死亡"),
}
_YES = {"1", "true", "t", "yes", "y", "x", "да", "истина", "是", "真", "1.0"}
_NO = {"0", "false", "f", "no", "n", "", "нет", "ложь", "否", "假", "0.0", "na", "nan"}
_WILD_POPULATION = {
    *(
        "wild",
        "in situ",
        "in-situ",
        "free",
        "free ranging",
        "free-ranging",
        "nature",
        "природа",
        "дикая",
        "дикий",
    ),
    *(
        "дикие",
        "в природе",
        "вольная",
        "野生",
        "野外",
        "wild born",
        "wild-born",
        "wild caught",
        "wild-caught",
        "w",
        "wc",
    ),
}
_MANAGED_POPULATION = {
    *(
        "managed",
        "captive",
        "captivity",
        "zoo",
        "zoos",
        "ex situ",
        "ex-situ",
        "captive born",
        "captive-born",
        "c",
        "cb",
    ),
    *(
        "неволя",
        "в неволе",
        "зоопарк",
        "зоопарки",
        "圈养",
        "饲养",
        "人工",
        "动物园",
        "captive bred",
        "captive-bred",
    ),
}

SexCoding = Literal["words", "1 male, 2 female", "0 male, 1 female", "1 male, 0 female", "unclear"]


def parent_word(text: str) -> Literal["name", "unknown", "wild", "numbered"]:
    """What a parent's cell says: a name, nothing, a wild parent, or a numbered placeholder such as `WILD12`.

    >>> [parent_word(text) for text in ("17", "UNK", "Wild", "wild_3", "неизв.")]
    ['name', 'unknown', 'wild', 'numbered', 'unknown']
    """
    key = name_key(text)
    if key in _UNKNOWN or re.fullmatch(r"0+(\.0+)?", key):
        return "unknown"
    if key in _WILD:
        return "wild"
    return "numbered" if _NUMBERED.fullmatch(key) else "name"


def is_wild_placeholder(text: str) -> bool:
    """Does a numbered placeholder mean a wild parent?"""
    return name_key(text).startswith("wild")


def find_sex_coding(cells: Sequence[str], *, dams: Iterable[int], sires: Iterable[int]) -> SexCoding:
    """Which numbers are males? Decided by what the mothers and fathers of the same table carry.

    Parameters
    ----------
    cells : the sex column.
    dams, sires : rows that are somebody's mother, and somebody's father.

    >>> find_sex_coding(["0", "1", "0"], dams=[1], sires=[0])
    '0 male, 1 female'
    """
    numbers = {_number(cell) for cell in cells} & {"0", "1", "2"}
    if not numbers:
        return "words"
    if "2" in numbers:
        return "1 male, 2 female"
    mothers = [_number(cells[row]) for row in dams]
    fathers = [_number(cells[row]) for row in sires]
    # With 1 and 2 a zero is "not known"; two codes in use for parents decide the rest.
    zero_male = mothers.count("1") + fathers.count("0")
    one_male = mothers.count("0") + fathers.count("1")
    if zero_male > one_male:
        return "0 male, 1 female"
    if one_male > zero_male:
        return "1 male, 0 female" if mothers.count("0") or "0" in numbers else "1 male, 2 female"
    return "unclear"


def _number(text: str) -> str:
    key = name_key(text)
    return key[:-2] if re.fullmatch(r"\d\.0", key) and key != "1.0" else ("1" if key == "1.0" else key)


_CODES: dict[str, dict[str, int]] = {
    "1 male, 2 female": {"1": 1, "2": 2, "0": 0},
    "0 male, 1 female": {"0": 1, "1": 2},
    "1 male, 0 female": {"1": 1, "0": 2},
    "words": {},
    "unclear": {"0": 0, "1": 0},
}


def read_sex(text: str, coding: SexCoding) -> int | None:
    """0 not known, 1 male, 2 female; None when the word is none of the known ones.

    >>> [read_sex(text, "words") for text in ("F", "самец", "0.1", "雌", "blue")]
    [2, 1, 2, 2, None]
    """
    key = name_key(text)
    # Counts of a studbook (males.females.unknown) look like numbers: 1.0 is a male, 0.1 a female.
    if coding != "words" and _number(text) in _CODES[coding]:
        return _CODES[coding][_number(text)]
    if key in _MALE:
        return 1
    if key in _FEMALE:
        return 2
    return 0 if key in _NO_SEX else None


def status_word(text: str) -> int | None:
    """1 alive, 0 dead, -1 not told; None when the word is not known."""
    key = name_key(text)
    if key in {
        "",
        "na",
        "n/a",
        "unknown",
        "unk",
        "?",
        "lost",
        "lost to follow-up",
        "ltf",
        "未知",
        "неизвестно",
        "-",
    }:
        return -1
    return 1 if key in _ALIVE else 0 if key in _DEAD else None


def flag(text: str) -> bool | None:
    """Yes or no; None when it is neither."""
    key = name_key(text)
    return True if key in _YES else False if key in _NO else None


def population_word(text: str) -> str | None:
    """ "wild", "managed", or "" for an empty cell; None for any other word.

    >>> population_word("Captive Born"), population_word("野生"), population_word("Lazovsky")
    ('managed', 'wild', None)
    """
    key = name_key(text)
    if parent_word(text) == "unknown":
        return ""
    return "wild" if key in _WILD_POPULATION else "managed" if key in _MANAGED_POPULATION else None
