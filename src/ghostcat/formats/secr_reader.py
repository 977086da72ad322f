"""Read capture-recapture tables in the layouts that secr users keep.

Two layouts are told apart by their content:

* named columns: `NAME.captures.csv` (session, ID, occasion, detector, alive), `NAME.traps.csv`
  (detector, name, x, y, o1 … oS), `NAME.individuals.csv` (ID, sex), `NAME.mask.csv` (x, y) and
  `NAME.meta.json`; each may be gzipped;
* classic text: captures `session ID occasion detector [covariates]`, detectors
  `ID x y [usage …] [/ covariates]`, `#` comments, as secr and DENSITY read them. Usage may also
  stand between two slashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.secr_detectors import Detectors, read_detectors, settle_usage
from ghostcat.formats.secr_mask import read_mask
from ghostcat.formats.secr_records import (
    DetectorKind,
    Record,
    Sex,
    check_records,
    detector_kind,
    read_individuals,
    read_records,
    sexes,
)
from ghostcat.formats.secr_text import Rows, column, read_rows
from ghostcat.survey.evidence import Finding

__all__ = ["DetectorKind", "SecrTables", "read_secr"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SecrTables:
    """One session of captures; n animals, K detectors, S occasions, M mask cells."""

    name: str
    session: str
    animals: tuple[str, ...]
    """Animals that were detected, in order of their ids in the table."""
    sex: tuple[Sex, ...]
    """Of each animal; empty when unknown."""
    removed: tuple[str, ...]
    """Animals that were not released after their last capture."""
    detector_names: tuple[str, ...]
    traps_xy_m: NDArray[np.float64]
    """(K, 2) metres."""
    usage: NDArray[np.float64]
    """(K, S) effort; ones where the tables give none. 0 = not operating."""
    usage_known: bool
    captures: NDArray[np.int64]
    """(C, 3) animal, occasion, detector of each detection, all counted from 0."""
    detector_kind: DetectorKind
    mask_xy_m: NDArray[np.float64] | None
    mask_cell_area_ha: float | None
    findings: tuple[Finding, ...] = ()

    @property
    def effort(self) -> NDArray[np.float64]:
        """(K,) usage of each detector, occasions added up."""
        return np.asarray(self.usage.sum(axis=1), dtype=np.float64)

    def counts(self) -> NDArray[np.int64]:
        """(n, K) detections of each animal at each detector, occasions added up."""
        counts = np.zeros((len(self.animals), len(self.detector_names)), dtype=np.int64)
        np.add.at(counts, (self.captures[:, 0], self.captures[:, 2]), 1)
        return counts


def read_secr(
    captures: Path | str,
    traps: Path | str | None = None,
    *,
    mask: Path | str | None = None,
    individuals: Path | str | None = None,
    meta: Path | str | None = None,
    detector: str | None = None,
    session: str | None = None,
) -> SecrTables:
    """Read captures, detectors and, where there are, mask, individuals and metadata.

    Parameters
    ----------
    captures : captures table; or the common prefix of `PREFIX.captures.csv`, `PREFIX.traps.csv` …;
        or a folder with `captures.txt` and `traps.txt`. With a prefix, a folder or a
        `….captures.csv` the other files are found by their names.
    traps, mask, individuals, meta : the other files where they are not found by name.
    detector : `count`, `proximity`, `multi`, `single` or `capped`; by default what the metadata say,
        else `count` when an animal occurs twice at one detector on one occasion, else `proximity`.
    session : which session to read where the tables hold several.

    Raises
    ------
    FormatError : something is missing or contradicts itself; it names file and row.
    """
    files = _find_files(Path(captures))
    for kind, given in {"traps": traps, "mask": mask, "individuals": individuals, "meta": meta}.items():
        if given is not None:
            files[kind] = Path(given)
    if "traps" not in files:
        raise FormatError(
            "no table of detectors beside it",
            where=str(captures),
            fix="Give the traps file as second argument.",
        )
    rows = read_rows(files["captures"])
    chosen = _session(rows, session)
    facts = _metadata(files.get("meta"), chosen)
    traps_m = read_detectors(read_rows(files["traps"]), chosen, metres_stated=facts.get("unit_x") == "m")
    records = read_records(rows, chosen, traps_m)
    occasions = _occasion_count(records, traps_m, facts, files)
    usage = settle_usage(traps_m, occasions, files["traps"].name)
    check_records(records, usage, occasions, traps_m)
    kind = detector_kind(detector or cast("str | None", facts.get("detector")), records, files["captures"])
    animals = tuple(dict.fromkeys(r.animal for r in records))
    sex = sexes(records, animals)
    if "individuals" in files:
        sex = {**sex, **read_individuals(read_rows(files["individuals"]), chosen, animals)}
    mask_xy_m, area_ha = None, None
    if "mask" in files:
        stated = cast("float | None", facts.get("mask_cell_area_ha"))
        mask_xy_m, area_ha = read_mask(files["mask"], traps_m.xy_m, session=chosen, cell_area_ha=stated)
    index = {name: i for i, name in enumerate(animals)}
    removed = tuple(dict.fromkeys(r.animal for r in records if not r.alive))
    return SecrTables(
        name=str(facts.get("name") or _stem(files["captures"])),
        session=chosen,
        animals=animals,
        sex=tuple(sex[name] for name in animals),
        removed=removed,
        detector_names=traps_m.names,
        traps_xy_m=traps_m.xy_m,
        usage=np.ones((len(traps_m.names), occasions)) if usage is None else usage,
        usage_known=usage is not None,
        captures=np.array(
            [(index[r.animal], r.occasion - 1, r.detector) for r in records], dtype=np.int64
        ).reshape(-1, 3),
        detector_kind=kind,
        mask_xy_m=mask_xy_m,
        mask_cell_area_ha=area_ha,
        findings=_findings(usage, removed, files["traps"].name),
    )


def _find_files(given: Path) -> dict[str, Path]:
    if given.is_dir():
        named = sorted(given.glob("*.captures.csv*"))
        if len(named) == 1:
            return _find_files(named[0])
        if named:
            raise FormatError(
                f"{len(named)} problems lie here: {', '.join(_stem(p) for p in named)}",
                where=str(given),
                fix="Name the captures file of one of them.",
            )
        return _existing(
            {"captures": given / "captures.txt", "traps": given / "traps.txt", "mask": given / "mask.txt"}
        )
    if given.is_file():
        match = re.fullmatch(r"(.+)\.captures\.csv(\.gz)?", given.name)
        return _with_prefix(given.parent / match[1]) if match else {"captures": given}
    found = _with_prefix(given)
    if "captures" not in found:
        raise FormatError(
            "there is neither such a file nor a table with this prefix",
            where=str(given),
            fix="Give the captures table, or the prefix of PREFIX.captures.csv and PREFIX.traps.csv.",
        )
    return found


def _with_prefix(prefix: Path) -> dict[str, Path]:
    names = {kind: f"{kind}.csv" for kind in ("captures", "traps", "individuals", "mask")}
    plain = {kind: prefix.parent / f"{prefix.name}.{name}" for kind, name in names.items()}
    packed = {kind: path.with_name(path.name + ".gz") for kind, path in plain.items()}
    plain["meta"] = prefix.parent / f"{prefix.name}.meta.json"
    return {**_existing(packed), **_existing(plain)}


def _existing(files: Mapping[str, Path]) -> dict[str, Path]:
    return {kind: path for kind, path in files.items() if path.is_file()}


def _stem(path: Path) -> str:
    return path.name.split(".captures")[0].removesuffix(path.suffix)


def _session(rows: Rows, wanted: str | None) -> str:
    at = column(rows, "session") if rows.names else 0
    if at is None:
        return wanted or ""
    present = list(dict.fromkeys(row.fields[at] for row in rows.rows if len(row.fields) > at))
    if wanted is not None:
        if wanted not in present:
            raise FormatError(
                f"no session '{wanted}'", where=rows.path.name, fix=f"Sessions here: {', '.join(present)}."
            )
        return wanted
    if len(present) > 1:
        raise FormatError(
            f"{len(present)} sessions: {', '.join(present)}", where=rows.path.name, fix="Choose one of them."
        )
    return present[0]


def _metadata(path: Path | None, session: str) -> dict[str, object]:
    if path is None:
        return {}
    try:
        loaded = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormatError(
            f"not readable as JSON ({error})", where=path.name, fix="Mend or remove it."
        ) from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("sessions", []), list):
        raise FormatError("not an object with a list of sessions", where=path.name, fix="Mend or remove it.")
    sessions = [s for s in loaded.get("sessions", []) if isinstance(s, dict)]
    own = [s for s in sessions if s.get("session") == session] or (sessions if not session else [])
    if sessions and not own:
        raise FormatError(
            f"it does not describe session '{session}'", where=path.name, fix="Correct the session name."
        )
    facts: dict[str, object] = {"name": loaded.get("name"), **(own[0] if own else {})}
    units = loaded.get("units")
    if isinstance(units, dict):
        facts["unit_x"] = units.get("x")
    for key in ("noccasions", "mask_cell_area_ha"):
        if facts.get(key) is not None and not (
            isinstance(facts[key], int | float) and float(str(facts[key])) > 0
        ):
            raise FormatError(f"{key} is {facts[key]!r}, not a positive number", where=path.name)
    return facts


def _occasion_count(
    records: Sequence[Record], traps: Detectors, facts: Mapping[str, object], files: Mapping[str, Path]
) -> int:
    last = max((r.occasion for r in records), default=1)
    stated = int(cast("float", facts["noccasions"])) if facts.get("noccasions") else None
    if traps.usage is not None:
        count = int(traps.usage.shape[1])
        if stated is not None and stated != count:
            raise FormatError(
                f"usage is given for {count} occasion(s), but noccasions says {stated}",
                where=files["traps"].name,
                fix=f"Correct {files['meta'].name} or the usage columns.",
            )
        return count
    if traps.codes is not None and (last > 1 or (stated or 1) > 1 or traps.codes[0].startswith("0")):
        return len(traps.codes[0])
    return stated or last


def _findings(
    usage: NDArray[np.float64] | None, removed: tuple[str, ...], traps_file: str
) -> tuple[Finding, ...]:
    findings = []
    if usage is None:
        findings.append(
            Finding(
                code="usage_not_given",
                severity="warning",
                message="no usage is given: every detector counts as working one unit on every occasion",
                fix="Add the days that each detector worked as columns o1, o2, …",
                where=traps_file,
            )
        )
    if removed:
        findings.append(
            Finding(
                code="animals_removed",
                severity="warning",
                message=f"{len(removed)} animal(s) were not released and could not be caught again",
                ids=removed,
            )
        )
    return tuple(findings)
