"""Hand a survey to other programs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from ghostcat.errors import ParameterError
from ghostcat.survey import Survey
from ghostcat.workflows.opening import open
from ghostcat.workflows.progress import Progress, silent

__all__ = ["ExportFormat", "export"]

ExportFormat = Literal["camtrap-dp", "secr", "camtrapr", "csv", "geopackage"]


def export(
    survey: str | Path | Survey,
    target: str | Path,
    *,
    format: ExportFormat,
    copy_photos: bool = False,
    progress: Progress = silent,
) -> Path:
    """Write a survey as it stands in another program's format.

    Parameters
    ----------
    target : a new or empty folder; for `geopackage` the file to write.
    format : `camtrap-dp`, `secr`, `camtrapr`, `csv` or `geopackage`.
    copy_photos : put the photos into a Camtrap DP package, so that it stands alone.

    Returns
    -------
    The folder or file written.

    Raises
    ------
    ParameterError : the format is not known, or something is already there.
    """
    from ghostcat import formats

    if format not in (known := get_args(ExportFormat)):
        raise ParameterError(f"unknown format {format!r}", fix=f"Choose from {', '.join(known)}.")
    target = Path(target)
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise ParameterError("there is something here already", where=str(target), fix="Name a new folder.")
    opened = open(survey)
    snapshot = opened.snapshot()
    match format:
        case "camtrap-dp":
            formats.write_camtrap_dp(
                snapshot,
                target,
                photos="copy" if copy_photos else "reference",
                survey_folder=opened.folder,
                created=datetime.now(UTC),
                progress=lambda done, total: progress("Copying photos", done, total),
            )
        case "secr":
            formats.write_secr(snapshot, target)
        case "camtrapr":
            formats.write_camtrapr(snapshot, target)
        case "csv":
            formats.write_csv(snapshot, target)
        case "geopackage":
            return formats.write_geopackage(snapshot, target)
    return target
