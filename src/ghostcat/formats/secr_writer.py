"""Write captures and detectors as secr's `read.capthist` reads them.

Detector lines are `id x y usage…`: usage follows the coordinates directly, because in this format a
slash begins covariates. Usage is effort in days, so secr has to be told `binary.usage = FALSE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import InputError, ParameterError
from ghostcat.formats.left_out import write_left_out
from ghostcat.formats.text_output import prepare_folder, write_table, write_text
from ghostcat.survey.evidence import Snapshot
from ghostcat.survey.history import EncounterHistory, encounter_history

__all__ = ["plain_ids", "write_secr"]

#: What separates fields, begins comments or covariates, or quotes, in the text that R reads;
#: the underscore is forbidden in detector names by secr.
_UNSAFE = re.compile(r"[\s,/#\"'\\_]+")


def write_secr(
    snapshot: Snapshot,
    folder: Path | str,
    *,
    detector: Literal["count", "proximity"] = "count",
    occasion_days: int = 1,
    start: date | None = None,
    end: date | None = None,
    group: str | None = None,
    crs: str | None = None,
    mask_xy_m: NDArray[np.float64] | None = None,
) -> Path:
    """Write `captures.txt`, `traps.txt` and a README with the R lines that read them.

    Occasions on which no station watched, and stations that never watched, cannot be written:
    secr refuses the former, and would lay its mask around the latter. They are listed in
    `occasions.csv` and `left_out.csv`.

    Parameters
    ----------
    folder : made when it is not there.
    detector : `count` keeps every encounter, `proximity` one per animal, station and occasion.
    occasion_days, start, end, group, crs : as in `encounter_history`.
    mask_xy_m : (M, 2) centres of the habitat cells in the same coordinate system, for `mask.txt`.

    Raises
    ------
    InputError : there is no effort or no capture to write.
    ParameterError : an argument cannot be used.
    """
    if detector not in ("count", "proximity"):
        raise ParameterError(f"detector type '{detector}'", fix="Choose count or proximity.")
    history = encounter_history(
        snapshot, occasion_days=occasion_days, start=start, end=end, group=group, crs=crs
    )
    stations = np.flatnonzero(history.station_days > 0)
    occasions = np.flatnonzero(history.usage.sum(axis=0) > 0)
    if not len(stations):
        raise InputError("no station ever watched, so there is nothing to write for secr")
    if not history.captures:
        raise InputError(
            "no identified animal was captured, so there is nothing to write for secr",
            fix="Run the identification first, or look at left_out.csv of the CSV export.",
        )
    target = prepare_folder(folder)
    session = plain_ids([group or snapshot.name or "survey"])[0]
    detectors = plain_ids(history.stations)
    animals = plain_ids([name or i for name, i in zip(history.names, history.animals, strict=True)])
    _write_traps(target / "traps.txt", snapshot, history, detectors, stations, occasions)
    _write_captures(
        target / "captures.txt", snapshot, history, session, animals, detectors, occasions, detector
    )
    if mask_xy_m is not None:
        write_text(target / "mask.txt", ["# x y", *(f"{x:.2f} {y:.2f}" for x, y in mask_xy_m)])
    _write_occasions(target / "occasions.csv", history, occasions)
    pairs = [("station", *p) for p in zip(detectors, history.stations, strict=True)]
    pairs += [("animal", *p) for p in zip(animals, history.animals, strict=True)]
    write_table(target / "names.csv", ["kind", "name_in_secr", "id"], pairs)
    write_left_out(target / "left_out.csv", history.left_out)
    write_text(
        target / "README.txt", _readme(snapshot, history, len(occasions), detector, mask_xy_m is not None)
    )
    return target


def plain_ids(names: Iterable[str]) -> tuple[str, ...]:
    """Names without the characters that would end a field in R's text, still all different.

    >>> plain_ids(["North ridge", "North_ridge", "Барс", "NONE"])
    ('North-ridge', 'North-ridge-2', 'Барс', 'NONE-2')
    """
    # secr takes the animal NONE for a session without captures, and R takes NA for nothing.
    taken = {"none", "na", ""}
    plain: list[str] = []
    for name in names:
        stem = _UNSAFE.sub("-", name).strip("-")
        candidate, number = stem, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{stem}-{number}" if stem else f"x{number}"
        taken.add(candidate.casefold())
        plain.append(candidate)
    return tuple(plain)


def _write_traps(
    path: Path,
    snapshot: Snapshot,
    history: EncounterHistory,
    detectors: tuple[str, ...],
    stations: NDArray[np.intp],
    occasions: NDArray[np.intp],
) -> None:
    lines = [
        *_title(snapshot),
        f"# coordinates in metres, {history.crs}; usage in days, one value per occasion",
        "# Detector X Y usage",
    ]
    for k in stations:
        x, y = history.xy_m[k]
        usage = " ".join(f"{value:.6g}" for value in history.usage[k, occasions])
        lines.append(f"{detectors[k]} {x:.2f} {y:.2f} {usage}")
    write_text(path, lines)


def _write_captures(
    path: Path,
    snapshot: Snapshot,
    history: EncounterHistory,
    session: str,
    animals: tuple[str, ...],
    detectors: tuple[str, ...],
    occasions: NDArray[np.intp],
    detector: str,
) -> None:
    number = {int(s): i + 1 for i, s in enumerate(occasions)}
    sexes = {"female": "F", "male": "M", "": "NA"}
    rows = [(c.animal, number[c.occasion], c.station) for c in history.captures]
    if detector == "proximity":
        rows = list(dict.fromkeys(rows))
    lines = [*_title(snapshot), "# Session ID Occasion Detector sex"]
    lines += [
        f"{session} {animals[animal]} {occasion} {detectors[station]} {sexes[history.sex[animal]]}"
        for animal, occasion, station in rows
    ]
    write_text(path, lines)


def _write_occasions(path: Path, history: EncounterHistory, occasions: NDArray[np.intp]) -> None:
    number = {int(s): i + 1 for i, s in enumerate(occasions)}
    days = history.usage.sum(axis=0)
    rows = [
        (
            number.get(s),
            first.isoformat(),
            min(first + timedelta(days=history.occasion_days - 1), history.end or first).isoformat(),
            round(float(days[s]), 6),
        )
        for s, first in enumerate(history.occasions)
    ]
    write_table(path, ["occasion_in_secr", "first_day", "last_day", "station_days"], rows)


def _title(snapshot: Snapshot) -> list[str]:
    name = " ".join(snapshot.name.split()) or "survey"
    lines = [f"# {name}, exported by ghostcat from state {snapshot.fingerprint[:16]}"]
    if snapshot.synthetic:
        lines.append("# SYNTHETIC: these data were simulated, they are no field data")
    return lines


def _readme(
    snapshot: Snapshot, history: EncounterHistory, occasions: int, detector: str, with_mask: bool
) -> list[str]:
    offset = history.utc_offset_minutes
    idle = [n for n, days in zip(history.stations, history.station_days, strict=True) if days == 0]
    lines = [
        *(line.removeprefix("# ") for line in _title(snapshot)),
        "",
        f"{len(history.animals)} animals, {len(history.captures)} encounters, "
        f"{len(history.stations) - len(idle)} stations, {history.usage.sum():.1f} station-days, "
        f"{occasions} occasions of {history.occasion_days} local day(s) (UTC{offset / 60:+g} h), "
        f"{history.start} to {history.end}.",
        f"Coordinates are metres in {history.crs}. Usage is the days that a station watched.",
        f"Stations that never watched, not written: {', '.join(idle) or 'none'}.",
        "",
        "In R:",
        "",
        "  library(secr)",
        f'  ch <- read.capthist("captures.txt", "traps.txt", detector = "{detector}", fmt = "trapID",',
        f'                      noccasions = {occasions}, covnames = "sex", binary.usage = FALSE)',
        "  summary(ch)",
    ]
    if with_mask:
        lines.append('  mask <- read.mask("mask.txt")')
    lines += [
        '  fit <- secr.fit(ch, detectfn = "HHN"'
        + (", mask = mask)" if with_mask else ", buffer = 4 * RPSV(ch, CC = TRUE))"),
        "",
        "binary.usage = FALSE is needed: without it secr takes every positive usage for 1 day.",
        "occasions.csv tells which days an occasion covers, names.csv which id a name stands for,",
        "left_out.csv what of the survey is not in these files, and why.",
    ]
    return lines
