"""Find the reader for a path. Readers of ghostcat and of others are registered alike."""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from pathlib import Path

from ghostcat.errors import FormatError, InputError
from ghostcat.formats.dates import DateOrder
from ghostcat.formats.reader import Reader
from ghostcat.survey.evidence import Evidence

__all__ = ["GROUP", "installed_readers", "read_evidence"]

GROUP = "ghostcat.readers"


def installed_readers() -> tuple[tuple[Reader, ...], tuple[str, ...]]:
    """All readers in the order in which they are asked, and what could not be loaded.

    A plug-in that fails to load is told, not raised: it must not keep others from reading.
    """
    readers: dict[str, Reader] = {}
    broken = []
    for entry in entry_points(group=GROUP):
        try:
            reader = entry.load()
        except Exception as fault:  # a plug-in may fail in any way while it is imported
            broken.append(f"{entry.name} ({fault})")
            continue
        if isinstance(reader, Reader):
            readers.setdefault(reader.kind, reader)
        else:
            broken.append(f"{entry.name} (not a Reader)")
    for reader in _own():
        # Run from a source tree, nothing is registered; ours are there all the same.
        readers.setdefault(reader.kind, reader)
    return tuple(sorted(readers.values(), key=lambda reader: (reader.rank, reader.kind))), tuple(broken)


def _own() -> tuple[Reader, ...]:
    from ghostcat.formats.camtrap_dp_reader import READER as camtrap_dp
    from ghostcat.formats.folder_reader import READER as folder

    return camtrap_dp, folder


def read_evidence(
    path: str | Path,
    *,
    kind: str | None = None,
    prefix: str = "",
    crs: str | None = None,
    utc_offset_minutes: int | None = None,
    date_order: DateOrder | None = None,
    extract_to: str | Path | None = None,
    stations: str | Path | None = None,
    deployments: str | Path | None = None,
) -> Evidence:
    """Read photos and tables with whichever reader recognises them.

    Parameters
    ----------
    path : a folder, a `datapackage.json`, or a zip file.
    kind : `camtrap-dp`, `folder`, or that of a plug-in; found out when None.
    prefix : put before every id, for two sources that use the same ones.
    crs : system of projected coordinates, for example `EPSG:32652`.
    utc_offset_minutes : offset of the camera clocks where the source does not say.
    date_order : `dmy` or `mdy`, for dates such as 03/04/2025.
    extract_to : folder below which a zip file is unpacked.
    stations, deployments : tables of a folder that are not found by their names.

    Raises
    ------
    InputError : there is nothing at the path.
    FormatError : no reader recognises it, or the one that does cannot understand it.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is nothing here", where=str(path), fix="Check the path.")
    reader = _reader(path, kind)
    options = {
        "prefix": prefix,
        "crs": crs,
        "utc_offset_minutes": utc_offset_minutes,
        "date_order": date_order,
        "extract_to": extract_to,
        "stations": stations,
        "deployments": deployments,
    }
    understood = inspect.signature(reader.read).parameters
    return reader.read(path, **{name: value for name, value in options.items() if name in understood})


def _reader(path: Path, kind: str | None) -> Reader:
    readers, broken = installed_readers()
    listed = "; ".join(f"{reader.kind}: {reader.title}" for reader in readers)
    failed = f" Not loaded: {', '.join(broken)}." if broken else ""
    if kind is not None:
        for reader in readers:
            if reader.kind == kind:
                return reader
        raise FormatError(
            f"there is no reader {kind!r}", where=str(path), fix=f"Installed are: {listed}.{failed}"
        )
    if (path / "survey.db").is_file():
        raise FormatError(
            "this is a ghostcat survey, not a source of photos",
            where=str(path),
            fix="Open it, or export it as Camtrap DP and import that.",
        )
    for reader in readers:
        if reader.recognises(path):
            return reader
    hint = "Results of a detector are read with kind 'detections'. " if path.suffix.lower() == ".json" else ""
    raise FormatError(
        "no reader recognises this", where=str(path), fix=f"{hint}Installed are: {listed}.{failed}"
    )
