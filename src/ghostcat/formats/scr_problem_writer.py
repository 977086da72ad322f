"""Write sessions as the plain tables that `read_scr_problem` reads and `ghostcat scr fit` takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ghostcat.errors import ParameterError
from ghostcat.formats.text_output import prepare_folder, write_table

if TYPE_CHECKING:
    from ghostcat.scr import ScrSession

__all__ = ["write_scr_problem"]


def write_scr_problem(sessions: Sequence[ScrSession], folder: Path | str, name: str) -> tuple[Path, ...]:
    """Write `NAME.captures.csv`, `.traps.csv`, `.individuals.csv`, `.mask.csv`, `.meta.json` and, where
    there are any, `.fixes.csv` and `.occasions.csv`.

    Parameters
    ----------
    sessions : each with one array of detectors at points.
    folder : made when it is not there.
    name : of the problem.

    Returns
    -------
    The files.

    Raises
    ------
    ParameterError : a session with several arrays, or detectors that are no points.
    """
    target = prepare_folder(folder)
    for session in sessions:
        if len(session.arrays) != 1 or session.arrays[0].kind == "polygonX":
            raise ParameterError(
                f"session {session.name} has {len(session.arrays)} arrays, or searches of polygons",
                fix="A problem of this layout holds one array of detectors at points a session.",
            )
        areas = session.mask.cell_area_km2
        if np.ptp(areas) > 1e-9 * areas.max():
            raise ParameterError(
                f"the mask of session {session.name} has cells of different areas",
                fix="Give whole cells: a buffer, or a table of cells of one size.",
            )
    occasions = max(s.arrays[0].occasions for s in sessions)
    tables = {
        "captures": (("session", "ID", "occasion", "detector", "alive"), _captures(sessions)),
        "traps": _traps(sessions, occasions),
        "individuals": _individuals(sessions),
        "mask": _mask(sessions),
    }
    if any(s.collars is not None for s in sessions):
        tables["fixes"] = (("session", "ID", "x", "y"), _fixes(sessions))
    if any(s.occasion_covariates for s in sessions):
        tables["occasions"] = _occasions(sessions)
    written = [write_table(target / f"{name}.{what}.csv", *table) for what, table in tables.items()]
    meta = target / f"{name}.meta.json"
    facts = {"name": name, "sessions": [_facts(s) for s in sessions]}
    meta.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return (*written, meta)


_Row = tuple[str | int | float | None, ...]
_Rows = Iterable[_Row]


def _captures(sessions: Sequence[ScrSession]) -> _Rows:
    for session in sessions:
        array, last = session.arrays[0], session.last
        for animal, occasion, detector, number in zip(
            array.animal, array.occasion, array.detector, array.counts, strict=True
        ):
            alive = 0 if last[animal] == occasion else 1
            for _ in range(int(number)):
                yield (session.name, session.animals[animal], int(occasion) + 1, int(detector) + 1, alive)


def _traps(sessions: Sequence[ScrSession], occasions: int) -> tuple[tuple[str, ...], _Rows]:
    names = list(dict.fromkeys(key for s in sessions for key in s.arrays[0].covariates))
    effort = [f"o{s + 1}" for s in range(occasions)]

    def rows() -> _Rows:
        for session in sessions:
            array = session.arrays[0]
            usage = np.zeros((array.detectors, occasions))
            usage[:, : array.occasions] = array.usage
            extra = {key: np.asarray(values, dtype=object) for key, values in array.covariates.items()}
            for k, (x, y) in enumerate(array.xy_m.tolist()):
                own = [_cell(extra[key][k]) if key in extra else "NA" for key in names]
                yield (session.name, k + 1, array.detector_names[k], x, y, *usage[k].tolist(), *own)

    for session in sessions:
        for key, values in session.arrays[0].covariates.items():
            if np.ndim(np.asarray(values, dtype=object)) > 1:
                raise ParameterError(
                    f"covariate {key} of detectors varies over occasions",
                    fix="This layout has one value each.",
                )
    return ("session", "detector", "name", "x", "y", *effort, *names), rows()


def _individuals(sessions: Sequence[ScrSession]) -> tuple[tuple[str, ...], _Rows]:
    names = list(dict.fromkeys(key for s in sessions for key in s.animal_covariates))

    def rows() -> _Rows:
        for session in sessions:
            extra = {k: np.asarray(v, dtype=object) for k, v in session.animal_covariates.items()}
            for i, animal in enumerate(session.animals):
                own = [_cell(extra[key][i]) if key in extra else "NA" for key in names]
                yield (session.name, animal, *own)

    return ("session", "ID", *names), rows()


def _mask(sessions: Sequence[ScrSession]) -> tuple[tuple[str, ...], _Rows]:
    names = list(dict.fromkeys(key for s in sessions for key in s.mask_covariates))

    def rows() -> _Rows:
        for session in sessions:
            extra = {k: np.asarray(v, dtype=object) for k, v in session.mask_covariates.items()}
            for m, (x, y) in enumerate(session.mask.xy_m.tolist()):
                own = [_cell(extra[key][m]) if key in extra else "NA" for key in names]
                yield (session.name, x, y, *own)

    return ("session", "x", "y", *names), rows()


def _fixes(sessions: Sequence[ScrSession]) -> _Rows:
    for session in sessions:
        if session.collars is not None:
            for animal, (x, y) in zip(session.collars.animal, session.collars.xy_m.tolist(), strict=True):
                yield (session.name, session.animals[animal], x, y)


def _occasions(sessions: Sequence[ScrSession]) -> tuple[tuple[str, ...], _Rows]:
    names = list(dict.fromkeys(key for s in sessions for key in s.occasion_covariates))

    def rows() -> _Rows:
        for session in sessions:
            extra = {k: np.asarray(v, dtype=object) for k, v in session.occasion_covariates.items()}
            for s in range(session.arrays[0].occasions):
                own = [_cell(extra[key][s]) if key in extra else "NA" for key in names]
                yield (session.name, s + 1, *own)

    return ("session", "occasion", *names), rows()


def _facts(session: ScrSession) -> dict[str, object]:
    array = session.arrays[0]
    return {
        "session": session.name,
        "n": int(session.detected.sum()),
        "noccasions": array.occasions,
        "ndetectors": array.detectors,
        "detector": array.kind,
        "ndetections": int(array.counts.sum()),
        "usage": True,
        "mask_points": session.mask.cells,
        "mask_cell_area_ha": float(session.mask.cell_area_km2[0]) * 100.0,
        "mask_spacing_m": session.mask.cell_m,
    }


def _cell(value: object) -> str | int | float:
    """Missing values are NA, whatever they were."""
    if value is None or value == "" or (isinstance(value, float) and value != value):
        return "NA"
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return int(number) if number == int(number) else number
