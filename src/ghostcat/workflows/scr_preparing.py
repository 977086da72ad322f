"""From the tables that others keep to a problem that `ghostcat scr fit` takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ghostcat.errors import InputError, ParameterError
from ghostcat.formats.capture_tables import CaptureRows, CaptureTables, Kind, build_tables
from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from ghostcat.scr import Mask

__all__ = ["Prepared", "SourceKind", "prepare_scr"]

SourceKind = Literal["secr", "oscr", "camtrapr", "survey"]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The problem that was written."""

    name: str
    files: tuple[Path, ...]
    specification: Path
    """A first model: everything constant."""
    sessions: int
    animals: int
    detections: int
    mask_cells: int
    findings: tuple[Finding, ...]


def prepare_scr(
    source: SourceKind,
    paths: Sequence[Path | str],
    *,
    out: Path | str,
    name: str,
    buffer_m: float | None = None,
    cell_m: float | None = None,
    mask: Path | str | None = None,
    kind: Kind | None = None,
    crs: str | None = None,
    unit_m: float = 1.0,
    species: str | None = None,
    occasion_days: int = 1,
    session: str | None = None,
) -> Prepared:
    """Read captures and effort, lay a mask around the detectors, and write a problem folder.

    Parameters
    ----------
    source, paths : "secr": captures (and traps); "oscr": edf, then one tdf a session; "camtrapr":
        stations, then records; "survey": a ghostcat survey.
    out, name : folder and name of the problem.
    buffer_m, cell_m : of the mask; by default from the spread of the captures (5 and 0.6 times the root
        pooled spatial variance), or from the spacing of the detectors where nothing was caught twice.
    mask : table of habitat cells of one size, in place of a buffer.
    kind : of the detectors, where the tables do not tell.
    unit_m : metres in a unit of oSCR coordinates.
    species, occasion_days, session : see the readers.

    Raises
    ------
    InputError, FormatError : a file that cannot be used; it names file and row.
    """
    from ghostcat.formats.scr_problem_writer import write_scr_problem

    found = _read(source, [Path(p) for p in paths], kind, crs, unit_m, species, occasion_days, session)
    sessions = [t.session(_mask(t, buffer_m, cell_m, mask)) for t in found]
    files = write_scr_problem(sessions, out, name)
    first: dict[str, Any] = {
        "data": name,
        "detectfn": 14,
        "formulas": {"D": "~1", "lambda0": "~1", "sigma": "~1"},
    }
    specification = Path(out) / f"{name}.null.json"
    specification.write_text(json.dumps(first, indent=1) + "\n", encoding="utf-8")
    return Prepared(
        name=name,
        files=files,
        specification=specification,
        sessions=len(sessions),
        animals=sum(len(s.animals) for s in sessions),
        detections=sum(int(s.arrays[0].counts.sum()) for s in sessions),
        mask_cells=sum(s.mask.cells for s in sessions),
        findings=tuple(f for t in found for f in t.findings),
    )


def _read(
    source: str,
    paths: list[Path],
    kind: Kind | None,
    crs: str | None,
    unit_m: float,
    species: str | None,
    occasion_days: int,
    session: str | None,
) -> tuple[CaptureTables, ...]:
    needed = {"secr": (1, 2), "oscr": (2, 10_000), "camtrapr": (2, 2), "survey": (1, 1)}
    if source not in needed:
        raise ParameterError(f"source is {source!r}", fix=f"Use {', '.join(needed)}.")
    least, most = needed[source]
    if not least <= len(paths) <= most:
        raise InputError(
            f"{len(paths)} file(s) for {source}",
            fix="secr: captures, traps; oscr: edf, tdf …; camtrapr: stations, records; survey: its folder.",
        )
    if source == "oscr":
        from ghostcat.formats.oscr_reader import read_oscr

        return read_oscr(paths[0], paths[1:], kind=kind, unit_m=unit_m, crs=crs or "")
    if source == "camtrapr":
        from ghostcat.formats.camtrapr_reader import read_camtrapr

        options: dict[str, Any] = {"species": species, "occasion_days": occasion_days, "session": session}
        return (read_camtrapr(paths[0], paths[1], kind=kind or "proximity", crs=crs, **options),)
    if source == "secr":
        return (_from_secr(paths, kind, session),)
    return (_from_survey(paths[0], kind, crs),)


def _from_secr(paths: list[Path], kind: Kind | None, session: str | None) -> CaptureTables:
    from ghostcat.formats.secr_reader import read_secr

    tables = read_secr(*paths, detector=kind, session=session)
    animal, occasion, detector = tables.captures.T
    rows = CaptureRows(
        animal=tuple(tables.animals[a] for a in animal),
        detector=tuple(detector.tolist()),
        occasion=tuple(occasion.tolist()),
        where=(paths[0].name,) * len(animal),
    )
    return build_tables(
        rows,
        name=tables.session or "1",
        detector_names=tables.detector_names,
        xy_m=tables.traps_xy_m,
        usage=tables.usage,
        kind=tables.detector_kind,  # type: ignore[arg-type]
        sex=dict(zip(tables.animals, tables.sex, strict=True)) if any(tables.sex) else {},
        findings=tables.findings,
    )


def _from_survey(path: Path, kind: Kind | None, crs: str | None) -> CaptureTables:
    from ghostcat import workflows
    from ghostcat.survey.history import encounter_history

    with workflows.open(path) as survey:
        history = encounter_history(survey.snapshot(), crs=crs)
    rows = CaptureRows(
        animal=tuple(history.animals[c.animal] for c in history.captures),
        detector=tuple(c.station for c in history.captures),
        occasion=tuple(c.occasion for c in history.captures),
        where=tuple(f"encounter {c.encounter_id}" for c in history.captures),
    )
    sexes = dict(zip(history.animals, history.sex, strict=True))
    return build_tables(
        rows,
        name="1",
        detector_names=history.stations,
        xy_m=history.xy_m,
        usage=history.usage,
        kind=kind or "count",
        sex=sexes if any(history.sex) else {},
        crs=history.crs,
        findings=history.left_out,
    )


def _mask(
    tables: CaptureTables, buffer_m: float | None, cell_m: float | None, mask: Path | str | None
) -> Mask:
    from ghostcat.scr import Mask, make_mask
    from ghostcat.scr.captures import captures_scale_m

    xy = tables.array.xy_m
    if mask is not None:
        from ghostcat.workflows.regions import read_region

        where = read_region(mask, survey_crs=tables.crs or "EPSG:32631")
        if where.cells_xy_m is None or where.cell_area_km2 is None:
            raise ParameterError(
                "the mask is no table of cells", where=str(mask), fix="Give x and y of cells."
            )
        return Mask(where.cells_xy_m, where.cell_area_km2)
    spread = captures_scale_m(tables.session(Mask(xy.mean(axis=0, keepdims=True), np.ones(1))))
    sigma = 1.2 * spread if spread > 0 else None
    buffer = buffer_m or (5.0 * spread if spread > 0 else None)
    return make_mask(
        xy[np.asarray(tables.array.usage.sum(axis=1) > 0)], buffer_m=buffer, cell_m=cell_m, sigma_m=sigma
    )
