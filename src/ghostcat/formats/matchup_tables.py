"""Tables that a studbook keeper adds for a season: vetoes, institutions with their space, transfer costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ghostcat.errors import FormatError
from ghostcat.formats.columns import match_columns
from ghostcat.formats.numbers import parse_degrees, parse_number
from ghostcat.formats.pedigree_words import flag
from ghostcat.formats.tables import read_table
from ghostcat.pedigree.suitability import Institutions, PairVeto
from ghostcat.survey.evidence import Finding

__all__ = ["InstitutionTable", "VetoTable", "read_institutions", "read_vetoes"]

_VETO_COLUMNS = {
    "animal": ("id", "ego", "individual", "dam", "animal id", "животное", "особь", "个体", "动物", "编号"),
    "partner": ("with", "other", "sire", "mate", "partner id", "партнёр", "партнер", "с кем", "配偶", "对方"),
    "kind": ("type", "category", "тип", "вид", "类型", "类别"),
    "reason": ("why", "note", "comment", "причина", "почему", "原因", "理由", "备注"),
}
_KINDS = {
    "health": {"health", "medical", "disease", "здоровье", "болезнь", "健康", "疾病"},
    "behaviour": {"behaviour", "behavior", "поведение", "行为"},
    "law": {"law", "legal", "permit", "cites", "закон", "право", "разрешение", "法律", "许可"},
}
_PLACE_COLUMNS = {
    "name": (
        "institution", "zoo", "place", "location", "facility", "holder",
        "зоопарк", "место", "учреждение", "机构", "地点", "动物园",
    ),
    "space": ("spaces", "capacity", "places", "room", "мест", "места", "вместимость", "容量", "空位", "名额"),
    "lat": ("latitude", "широта", "纬度"),
    "lon": ("longitude", "lng", "долгота", "经度"),
}  # fmt: skip
_WAY_COLUMNS = {
    "from": ("origin", "source", "откуда", "из", "起点", "来自"),
    "to": ("target", "destination", "куда", "в", "终点", "去往"),
    "cost": ("price", "distance", "km", "стоимость", "цена", "расстояние", "费用", "成本", "距离"),
    "allowed": ("permitted", "possible", "разрешено", "можно", "允许", "可否"),
}
_EARTH_KM = 6371.0


@dataclass(frozen=True, kw_only=True)
class VetoTable:
    """Vetoes as read, with the place of each, and what was found on the way."""

    vetoes: tuple[PairVeto, ...]
    where: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class InstitutionTable:
    """Institutions, the unit of their transfer costs, and what was found on the way."""

    institutions: Institutions
    cost_unit: str
    """`given`, `km` (great circle), or `transfers` (1 each)."""
    findings: tuple[Finding, ...]


def read_vetoes(path: Path) -> VetoTable:
    """Read vetoes: columns animal, partner (empty: nobody), kind (health, behaviour, law), reason.

    Raises
    ------
    FormatError : no column of animals, or a row without an animal.
    """
    table = read_table(path)
    columns = match_columns(table, _VETO_COLUMNS, required=("animal",))
    vetoes, places = [], []
    for row in range(len(table.rows)):
        animal = columns.text(row, "animal").strip()
        if not animal:
            raise FormatError(
                "a veto without an animal", where=table.where(row), fix="Name the animal, or delete the row."
            )
        written = columns.value(row, "kind").strip()
        kind = next((k for k, words in _KINDS.items() if written.casefold() in words), "other")
        reason = columns.value(row, "reason").strip() or (written if kind == "other" else "")
        vetoes.append(
            PairVeto(animal=animal, partner=columns.value(row, "partner").strip(), kind=kind, reason=reason)
        )
        places.append(table.where(row))
    return VetoTable(vetoes=tuple(vetoes), where=tuple(places), findings=table.findings)


def read_institutions(
    institutions: Path | None, transfers: Path | None, *, sites: Sequence[str]
) -> InstitutionTable:
    """Read where animals may be kept and what moving one costs.

    Parameters
    ----------
    institutions : columns name, space (animals that fit), lat, lon; None: the sites of the pedigree.
    transfers : columns from, to, cost, allowed (yes/no), one row a way, the way back the same unless it
        has a row; None: great-circle km where all places have coordinates, else 1 for each transfer.
    sites : places named in the pedigree; those without a row are added without limits.

    Raises
    ------
    FormatError : a name twice, a number that is none, a way to a place that nobody named.
    """
    findings: list[Finding] = []
    names, space, spots = _places(institutions, findings)
    for site in dict.fromkeys(sites):
        if site and site not in names:
            names.append(site)
            space.append(math.inf)
            spots.append((math.nan, math.nan))
            if institutions is not None:
                findings.append(
                    Finding(
                        code="place_without_row",
                        severity="warning",
                        message=f"{site} keeps animals but has no row among the institutions: no limit",
                        fix=f"Add a row for {site}.",
                        where=institutions.name,
                    )
                )
    places = np.radians(np.array(spots, dtype=np.float64).reshape(-1, 2))
    unit = "transfers"
    cost = 1.0 - np.eye(len(names))
    if transfers is not None:
        unit, cost = "given", _ways(transfers, names, findings)
    elif len(names) and np.isfinite(places).all():
        unit, cost = "km", _great_circle_km(places)
    found = Institutions(names=tuple(names), cost=cost, space=np.array(space, dtype=np.float64))
    return InstitutionTable(institutions=found, cost_unit=unit, findings=tuple(findings))


def _places(
    path: Path | None, findings: list[Finding]
) -> tuple[list[str], list[float], list[tuple[float, float]]]:
    names: list[str] = []
    space: list[float] = []
    spots: list[tuple[float, float]] = []
    if path is None:
        return names, space, spots
    table = read_table(path)
    findings += table.findings
    columns = match_columns(table, _PLACE_COLUMNS, required=("name",))
    for row in range(len(table.rows)):
        name = columns.text(row, "name").strip()
        if not name or name in names:
            raise FormatError(
                f"institution {name!r} is listed twice" if name else "an institution without a name",
                where=table.where(row),
                fix="Give each institution one row with its name.",
            )
        names.append(name)
        written = columns.value(row, "space")
        room = parse_number(written) if written else math.inf
        if room is None or room < 0:
            raise FormatError(
                f"space {written!r} is no number of animals", where=table.where(row), fix="Give 0 or more."
            )
        space.append(room)
        spot = [parse_degrees(columns.value(row, key)) for key in ("lat", "lon")]
        spots.append((math.nan if spot[0] is None else spot[0], math.nan if spot[1] is None else spot[1]))
    return names, space, spots


def _ways(path: Path, names: Sequence[str], findings: list[Finding]) -> np.ndarray:
    table = read_table(path)
    findings += table.findings
    columns = match_columns(table, _WAY_COLUMNS, required=("from", "to"))
    at = {name: k for k, name in enumerate(names)}
    cost = np.full((len(names), len(names)), np.inf)
    np.fill_diagonal(cost, 0.0)
    written: set[tuple[int, int]] = set()
    for row in range(len(table.rows)):
        ends = []
        for key in ("from", "to"):
            name = columns.text(row, key).strip()
            if name not in at:
                raise FormatError(
                    f"{name!r} is neither an institution nor a place of the pedigree",
                    where=table.where(row),
                    fix=f"Known are: {', '.join(names)}.",
                )
            ends.append(at[name])
        text = columns.value(row, "cost")
        value = parse_number(text) if text else 1.0
        if value is None or value < 0:
            raise FormatError(
                f"cost {text!r} is no number of 0 or more", where=table.where(row), fix="Correct the cell."
            )
        if columns.value(row, "allowed") and flag(columns.value(row, "allowed")) is False:
            value = math.inf
        a, b = ends
        cost[a, b] = value
        written.add((a, b))
        if (b, a) not in written:
            cost[b, a] = value
    silent = [
        f"{names[a]} – {names[b]}"
        for a in range(len(names))
        for b in range(a + 1, len(names))
        if (a, b) not in written and (b, a) not in written
    ]
    if silent:
        findings.append(
            Finding(
                code="ways_without_cost",
                severity="warning",
                message=f"{len(silent)} ways between places have no row: no transfer on them",
                fix="Add a row for each way that an animal may take.",
                ids=tuple(silent[:20]),
                where=path.name,
            )
        )
    return cost


def _great_circle_km(places: np.ndarray) -> np.ndarray:
    lat, lon = places[:, 0], places[:, 1]
    half = (
        np.sin((lat[:, None] - lat[None]) / 2) ** 2
        + np.cos(lat[:, None]) * np.cos(lat[None]) * np.sin((lon[:, None] - lon[None]) / 2) ** 2
    )
    return np.asarray(2 * _EARTH_KM * np.arcsin(np.sqrt(half.clip(0.0, 1.0))))
