"""Problems of spatial capture–recapture as plain tables: captures, traps, individuals, mask, fixes and meta.

Layout of a problem NAME, in one folder: `NAME.captures.csv`, `NAME.traps.csv`, `NAME.individuals.csv`,
`NAME.mask.csv`, `NAME.fixes.csv` (telemetry), `NAME.occasions.csv` (covariates of occasions) and
`NAME.meta.json`; any table may be gzipped. Lengths are metres, areas hectares, `NA` is missing.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, FormatError, InputError
from ghostcat.scr import Collars, DetectorArray, Mask, ScrSession

__all__ = ["read_scr_problem"]

Table = dict[str, list[str]]

_OWN = {
    "captures": ("session", "ID", "occasion", "detector", "alive", "x", "y", "signal"),
    "traps": ("session", "detector", "name", "x", "y", "polyID"),
    "individuals": ("session", "ID", "trapped", "telemetered"),
    "mask": ("session", "x", "y"),
}
_SUPPORTED = ("single", "multi", "proximity", "count", "polygonX")


def read_scr_problem(
    folder: str | Path,
    name: str,
    *,
    telemetry: bool = True,
    session_covariates: Mapping[str, Any] | None = None,
) -> tuple[ScrSession, ...]:
    """Read all sessions of one problem.

    Parameters
    ----------
    folder : where the tables lie.
    name : their common beginning.
    telemetry : whether fixes, and animals known from fixes only, are read.
    session_covariates : {covariate: value of each session}, in the order of the sessions or by their names.

    Raises
    ------
    InputError : there is no such problem; FormatError : a table is not what it should be.
    EstimateRefused : `unsupported_detector`, `caught_without_effort`, `caught_twice`.
    """
    folder = Path(folder)
    meta_path = folder / f"{name}.meta.json"
    if not meta_path.exists():
        known = sorted(p.name.removesuffix(".meta.json") for p in folder.glob("*.meta.json"))
        raise InputError(
            f"there is no problem {name!r} ({meta_path.name} is missing)",
            where=str(folder),
            fix="Problems here: " + (", ".join(known) or "none") + ".",
        )
    try:
        meta = json.loads(meta_path.read_text(encoding="utf-8"))
        facts = meta["sessions"]
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"not the meta data of a problem ({error})", where=str(meta_path)) from error
    tables = {
        what: _read(folder, name, what, needed=what in ("captures", "traps", "mask"))
        for what in ("captures", "traps", "individuals", "mask", "occasions")
    }
    tables["fixes"] = _read(folder, name, "fixes", needed=False) if telemetry else {}
    several = len(facts) > 1
    return tuple(
        _session(
            fact,
            {what: _of_session(table, str(fact["session"]), several) for what, table in tables.items()},
            _values_of(session_covariates or {}, i, str(fact["session"])),
            f"{folder.name}/{name}",
        )
        for i, fact in enumerate(facts)
    )


def _values_of(covariates: Mapping[str, Any], index: int, session: str) -> dict[str, Any]:
    if session in covariates and isinstance(covariates[session], Mapping):
        return dict(covariates[session])
    found = {}
    for key, values in covariates.items():
        if isinstance(values, Mapping):
            found[key] = values.get(session)
        elif isinstance(values, Sequence) and not isinstance(values, str):
            found[key] = values[index] if index < len(values) else None
        else:
            found[key] = values
    return found


def _read(folder: Path, name: str, what: str, *, needed: bool) -> Table:
    path = folder / f"{name}.{what}.csv"
    packed = folder / f"{name}.{what}.csv.gz"
    if path.exists():
        text = path.read_text(encoding="utf-8-sig")
    elif packed.exists():
        text = gzip.decompress(packed.read_bytes()).decode("utf-8-sig")
    elif needed:
        raise FormatError(f"{path.name} is missing", where=str(folder), fix="A problem needs this table.")
    else:
        return {}
    return _columns(text, str(path.name))


def _columns(text: str, where: str) -> Table:
    lines = text.splitlines()
    if not lines:
        raise FormatError("the table is empty", where=where, fix="It needs at least a header.")
    quoted = '"' in text
    rows = list(csv.reader(io.StringIO(text))) if quoted else [line.split(",") for line in lines if line]
    header = [h.strip() for h in rows[0]]
    body = rows[1:]
    width = len(header)
    for number, row in enumerate(body, start=2):
        if len(row) != width:
            raise FormatError(
                f"{len(row)} values under {width} headings",
                where=f"{where} row {number}",
                fix="Mend the row.",
            )
    columns = zip(*body, strict=True) if body else ([] for _ in header)
    return {h: list(c) for h, c in zip(header, columns, strict=True)}


def _of_session(table: Table, session: str, several: bool) -> Table:
    if not several or "session" not in table:
        return table
    here = [i for i, s in enumerate(table["session"]) if s == session]
    return {key: [values[i] for i in here] for key, values in table.items()}


def _numbers(table: Table, key: str, where: str, *, whole: bool = False) -> NDArray[Any]:
    if key not in table:
        raise FormatError(
            f"there is no column {key!r}", where=where, fix="Columns are " + ", ".join(table) + "."
        )
    try:
        values = np.array(table[key], dtype=np.float64)
    except ValueError:
        bad = next(i for i, v in enumerate(table[key]) if not _is_number(v))
        raise FormatError(
            f"{key} is {table[key][bad]!r}, expected a number", where=f"{where} row {bad + 2}"
        ) from None
    if whole:
        wrong = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)))
        if len(wrong):
            raise FormatError(
                f"{key} is {table[key][wrong[0]]}, expected a whole number",
                where=f"{where} row {wrong[0] + 2}",
            )
        return values.astype(np.int64)
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _session(
    fact: Mapping[str, Any], tables: Mapping[str, Table], covariates: dict[str, Any], where: str
) -> ScrSession:
    name = str(fact["session"])
    kind = fact.get("detector")
    if kind not in _SUPPORTED or fact.get("detector_by_occasion"):
        raise EstimateRefused(
            f"detectors of type {kind!r}"
            + (" that change over occasions" if kind in _SUPPORTED else "")
            + " have no likelihood here",
            code="unsupported_detector",
            where=f"{where}, session {name}",
            fix="Types that can be fitted: " + ", ".join(_SUPPORTED) + " (single as multi).",
        )
    mask_where, captures_where = f"{where}.mask.csv", f"{where}.captures.csv"
    mask_xy = np.stack([_numbers(tables["mask"], c, mask_where) for c in ("x", "y")], axis=1)
    area_km2 = np.full(len(mask_xy), float(fact["mask_cell_area_ha"]) / 100.0)
    mask = Mask(mask_xy, area_km2, cell_m=float(fact.get("mask_spacing_m") or 0.0))
    captures, individuals, fixes = tables["captures"], tables["individuals"], tables["fixes"]
    ids = captures.get("ID", [])
    names = list(dict.fromkeys([*individuals.get("ID", []), *ids]))
    caught, collared = set(ids), set(fixes.get("ID", []))
    names += [i for i in dict.fromkeys(fixes.get("ID", [])) if i not in set(names)]
    animals = [i for i in names if i in caught or i in collared]
    index = {animal: i for i, animal in enumerate(animals)}
    array = _array(fact, tables["traps"], captures, index, f"{where}.traps.csv", captures_where)
    own = {individual: row for row, individual in enumerate(individuals.get("ID", []))}
    animal_covariates = {
        key: np.array([values[own[a]] if a in own else "NA" for a in animals], dtype=object)
        for key, values in individuals.items()
        if key not in _OWN["individuals"]
    }
    collars = None
    if fixes.get("ID"):
        collars = Collars(
            animal=np.array([index[i] for i in fixes["ID"]]),
            xy_m=np.stack([_numbers(fixes, c, f"{where}.fixes.csv") for c in ("x", "y")], axis=1),
        )
    occasion_covariates = {
        key: np.array(values, dtype=object)
        for key, values in tables["occasions"].items()
        if key not in ("session", "occasion")
    }
    return ScrSession(
        name=name,
        mask=mask,
        arrays=(array,),
        animals=tuple(animals),
        animal_covariates=animal_covariates,
        mask_covariates={
            key: np.array(values, dtype=object)
            for key, values in tables["mask"].items()
            if key not in _OWN["mask"]
        },
        occasion_covariates=occasion_covariates,
        covariates=covariates,
        last_occasion=_removals(captures, index, captures_where),
        collars=collars,
    )


def _removals(captures: Table, index: Mapping[str, int], where: str) -> NDArray[np.int64] | None:
    if "alive" not in captures or all(a == "1" for a in captures["alive"]):
        return None
    last = np.full(len(index), -1, dtype=np.int64)
    occasion = _numbers(captures, "occasion", where, whole=True)
    for i, alive in enumerate(captures["alive"]):
        if alive not in ("0", "FALSE"):
            continue
        last[index[captures["ID"][i]]] = occasion[i] - 1
    for i, animal in enumerate(captures["ID"]):
        end = last[index[animal]]
        if 0 <= end < occasion[i] - 1:
            raise EstimateRefused(
                f"animal {animal} was removed on occasion {end + 1} and caught on occasion {occasion[i]}",
                code="caught_after_removal",
                where=f"{where} row {i + 2}",
                fix="Correct `alive`, the occasion or the name of the animal.",
            )
    return last


def _array(
    fact: Mapping[str, Any],
    traps: Table,
    captures: Table,
    index: Mapping[str, int],
    traps_where: str,
    captures_where: str,
) -> DetectorArray:
    kind, occasions = fact["detector"], int(fact["noccasions"])
    xy = np.stack([_numbers(traps, c, traps_where) for c in ("x", "y")], axis=1)
    polygons: tuple[NDArray[np.float64], ...] = ()
    place = None
    if kind == "polygonX":
        polygon = traps.get("polyID", ["1"] * len(xy))
        labels = list(dict.fromkeys(polygon))
        polygons = tuple(xy[[p == label for p in polygon]] for label in labels)
        xy = np.stack([p.mean(axis=0) for p in polygons])
        place = np.stack([_numbers(captures, c, captures_where) for c in ("x", "y")], axis=1)
        detector_index = {str(i + 1): i for i in range(len(labels))} | {
            label: i for i, label in enumerate(labels)
        }
        names = tuple(labels)
        first = [polygon.index(label) for label in labels]
    else:
        detector_index = {d: i for i, d in enumerate(traps["detector"])}
        names = tuple(traps["detector"])
        first = list(range(len(xy)))
    usage = np.ones((len(xy), occasions))
    if fact.get("usage"):
        usage = np.stack([_numbers(traps, f"o{s + 1}", traps_where) for s in range(occasions)], axis=1)[first]
    effort_columns = {f"o{s + 1}" for s in range(occasions)}
    unknown = [i for i, d in enumerate(captures["detector"]) if d not in detector_index]
    if unknown:
        raise FormatError(
            f"detector {captures['detector'][unknown[0]]} is not in the table of traps",
            where=f"{captures_where} row {unknown[0] + 2}",
            fix="Add the detector, or correct its number.",
        )
    return DetectorArray(
        xy_m=xy,
        kind=kind,
        usage=usage,
        animal=np.array([index[i] for i in captures["ID"]], dtype=np.int64),
        detector=np.array([detector_index[d] for d in captures["detector"]], dtype=np.int64),
        occasion=_numbers(captures, "occasion", captures_where, whole=True) - 1,
        covariates={
            key: np.array(values, dtype=object)[first]
            for key, values in traps.items()
            if key not in _OWN["traps"] and key not in effort_columns
        },
        detector_names=names,
        polygons=polygons,
        place_xy_m=place,
    )
