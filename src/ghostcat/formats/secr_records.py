"""Captures and animals of a secr problem, and what must be true of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.secr_detectors import Detectors
from ghostcat.formats.secr_text import MISSING, Row, Rows, column, whole_number

__all__ = [
    "DetectorKind",
    "Record",
    "Sex",
    "check_records",
    "detector_kind",
    "read_individuals",
    "read_records",
    "sexes",
]

DetectorKind = Literal["count", "proximity", "multi", "single", "capped"]
Sex = Literal["female", "male", ""]

_SEXES: Mapping[str, Sex] = {
    "f": "female",
    "female": "female",
    "m": "male",
    "male": "male",
    "u": "",
    "unknown": "",
}
#: ID that secr users write where a session caught nobody.
_NOBODY = "NONE"


@dataclass(frozen=True)
class Record:
    """One detection: occasion counted from 1, detector from 0, `where` for messages."""

    animal: str
    occasion: int
    detector: int
    alive: bool
    sex: str
    where: str


def read_records(rows: Rows, session: str, traps: Detectors) -> list[Record]:
    """The captures of one session, in the order of the table."""
    at = _capture_columns(rows)
    records = []
    for row in rows.rows:
        if len(row.fields) < 4 and not rows.names:
            raise FormatError(
                f"{len(row.fields)} field(s) where a capture needs session, ID, occasion and detector",
                where=rows.where(row),
            )
        if at["session"] is not None and row.fields[at["session"]] != session:
            continue
        animal = row.fields[cast("int", at["id"])]
        if animal == _NOBODY:
            continue
        if animal.lower() in MISSING:
            raise FormatError(
                "a capture has no animal", where=rows.where(row), fix="Fill ID or remove the row."
            )
        occasion = whole_number(row.fields[cast("int", at["occasion"])], rows, row, "occasion")
        alive = at["alive"] is None or row.fields[at["alive"]].lower() not in ("0", "false")
        records.append(
            Record(
                animal=animal,
                # secr marks the capture of an animal that was not released by a minus.
                occasion=abs(occasion),
                detector=_find_detector(row.fields[cast("int", at["detector"])], rows, row, traps),
                alive=alive and occasion > 0,
                sex=row.fields[at["sex"]] if at["sex"] is not None and len(row.fields) > at["sex"] else "",
                where=rows.where(row),
            )
        )
    return records


def _capture_columns(rows: Rows) -> dict[str, int | None]:
    if not rows.names:
        return {"session": 0, "id": 1, "occasion": 2, "detector": 3, "alive": None, "sex": 4}
    at = {
        "session": column(rows, "session"),
        "id": column(rows, "id", "animal", "animalid", "individual"),
        "occasion": column(rows, "occasion", "occ"),
        "detector": column(rows, "detector", "trap", "trapid", "station"),
        "alive": column(rows, "alive"),
        "sex": column(rows, "sex"),
    }
    missing = [name for name in ("id", "occasion", "detector") if at[name] is None]
    if missing:
        raise FormatError(
            f"no column {' or '.join(missing)} among {', '.join(rows.names)}",
            where=rows.path.name,
            fix="Name the columns session, ID, occasion, detector.",
        )
    return at


def _find_detector(name: str, rows: Rows, row: Row, traps: Detectors) -> int:
    if name in traps.index:
        return traps.index[name]
    raise FormatError(
        f"detector {name} is not in the table of detectors",
        where=rows.where(row),
        fix="Detectors are written exactly alike in both tables; coordinates in their place are not read.",
    )


def check_records(
    records: Sequence[Record], usage: NDArray[np.float64] | None, occasions: int, traps: Detectors
) -> None:
    """Refuse captures on occasions that are not there, at idle detectors, or of removed animals."""
    removed: dict[str, Record] = {}
    for r in records:
        if not 1 <= r.occasion <= occasions:
            raise FormatError(
                f"occasion {r.occasion} is outside 1…{occasions}",
                where=r.where,
                fix="Occasions are counted from 1; give usage for each of them.",
            )
        if usage is not None and usage[r.detector, r.occasion - 1] == 0:
            raise FormatError(
                f"animal {r.animal} was caught at detector {traps.names[r.detector]} "
                f"on occasion {r.occasion}, when its usage is 0",
                where=r.where,
                fix="Correct the usage, or the detector or occasion of the capture.",
            )
        if not r.alive:
            removed.setdefault(r.animal, r)
    for r in records:
        if r.animal in removed and r.occasion > removed[r.animal].occasion:
            raise FormatError(
                f"animal {r.animal} is caught on occasion {r.occasion}, after it was not released on "
                f"occasion {removed[r.animal].occasion}",
                where=r.where,
                fix="Correct the animal, or the sign or `alive` of the earlier capture.",
            )


def detector_kind(stated: str | None, records: Sequence[Record], captures: Path) -> DetectorKind:
    """The detector type, stated or told from the captures; refused where the captures exclude it."""
    at_detector = Counter((r.animal, r.occasion, r.detector) for r in records)
    repeated = next((r for r in records if at_detector[r.animal, r.occasion, r.detector] > 1), None)
    if stated is None:
        return "proximity" if repeated is None else "count"
    if stated not in get_args(DetectorKind):
        raise FormatError(
            f"detectors of type '{stated}' are not read",
            where=captures.name,
            fix=f"Types that are: {', '.join(get_args(DetectorKind))}.",
        )
    if stated in ("proximity", "capped") and repeated is not None:
        raise FormatError(
            f"animal {repeated.animal} occurs twice at one {stated} detector on occasion {repeated.occasion}",
            where=repeated.where,
            fix="Call the detectors `count`, or keep one row.",
        )
    if stated in ("multi", "single"):
        on_occasion = Counter((r.animal, r.occasion) for r in records)
        several = next((r for r in records if on_occasion[r.animal, r.occasion] > 1), None)
        if several is not None:
            raise FormatError(
                f"animal {several.animal} occurs twice on occasion {several.occasion}, "
                f"which detectors of type '{stated}' exclude",
                where=several.where,
                fix="Call the detectors `count` or `proximity`, or correct the rows.",
            )
    return cast("DetectorKind", stated)


def sexes(records: Sequence[Record], animals: Sequence[str]) -> dict[str, Sex]:
    """Sex from a column of the captures; in a classic file any other covariate may stand there."""
    values = {r.sex.lower() for r in records}
    sex: dict[str, Sex] = dict.fromkeys(animals, "")
    if values <= _SEXES.keys() | MISSING:
        for r in records:
            sex[r.animal] = sex[r.animal] or _SEXES.get(r.sex.lower(), "")
    return sex


def read_individuals(rows: Rows, session: str, animals: Sequence[str]) -> dict[str, Sex]:
    """Sex of each of `animals` from the table of individuals, which may list more of them."""
    i_id = column(rows, "id", "animal", "animalid", "individual")
    i_sex, i_session = column(rows, "sex"), column(rows, "session")
    if i_id is None:
        raise FormatError(
            f"no column ID among {', '.join(rows.names) or 'classic lines without names'}",
            where=rows.path.name,
            fix="Name the columns session, ID, sex.",
        )
    found: dict[str, Sex] = {}
    for row in rows.rows:
        if i_session is not None and session and row.fields[i_session] != session:
            continue
        name = row.fields[i_id]
        if name in found:
            raise FormatError(
                f"animal {name} occurs twice", where=rows.where(row), fix="Keep one row per animal."
            )
        text = row.fields[i_sex].lower() if i_sex is not None else ""
        if text not in _SEXES and text not in MISSING:
            raise FormatError(
                f"sex '{row.fields[cast('int', i_sex)]}' of animal {name}",
                where=rows.where(row),
                fix="Write F, M, or NA where it is not known.",
            )
        found[name] = _SEXES.get(text, "")
    absent = [name for name in animals if name not in found]
    if absent:
        raise FormatError(
            f"{len(absent)} animal(s) of the captures are missing, first {absent[0]}",
            where=rows.path.name,
            fix="List every animal, or leave the file out.",
        )
    return {name: found[name] for name in animals}
