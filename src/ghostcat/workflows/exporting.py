"""Hand a survey to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from ghostcat.errors import ParameterError
from ghostcat.survey import Survey
from ghostcat.workflows.opening import open

__all__ = ["ExportFormat", "export"]

ExportFormat = Literal["camtrap-dp", "secr", "camtrapr", "csv", "geopackage"]


def export(survey: str | Path | Survey, folder: str | Path, *, format: ExportFormat) -> Path:
    """Write a survey as it stands in another program's format.

    Parameters
    ----------
    folder : a new or empty folder; for `geopackage` the file to write.
    format : `camtrap-dp`, `secr`, `camtrapr`, `csv` or `geopackage`.

    Returns
    -------
    The folder or file written.

    Raises
    ------
    ParameterError : the format is not known, or something is already there.
    """
    from ghostcat import formats

    if format not in get_args(ExportFormat):
        raise ParameterError(f"unknown format {format!r}", fix=f"Choose from {', '.join(get_args(ExportFormat))}.")
    target = Path(folder)
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise ParameterError("there is something here already", where=str(target), fix="Name a new folder.")
    snapshot = open(survey).snapshot()
    write = {
        "camtrap-dp": formats.write_camtrap_dp,
        "secr": formats.write_secr,
        "camtrapr": formats.write_camtrapr,
        "csv": formats.write_csv,
        "geopackage": formats.write_geopackage,
    }[format]
    write(snapshot, target)
    return target
