"""Photos of a Camtrap DP package: which file, which deployment, when."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ghostcat.errors import FormatError
from ghostcat.formats.camtrap_dp_descriptor import Package
from ghostcat.formats.columns import Columns
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.moments import moment
from ghostcat.formats.package_files import PackageFiles, ResolvedFile
from ghostcat.formats.spelling import id_text
from ghostcat.survey.evidence import Deployment, Finding, Media

__all__ = ["PackageMedia", "read_package_media"]


@dataclass(frozen=True, kw_only=True)
class PackageMedia:
    """Photos in the order of the table, and their moments in UTC.

    `deployments` are those of the package with the clock offset that their photos show.
    """

    media: tuple[Media, ...]
    utc: Mapping[str, datetime]
    deployments: tuple[Deployment, ...]


@dataclass(frozen=True, kw_only=True)
class _Row:
    id: str
    deployment_id: str
    file: ResolvedFile
    utc: datetime | None
    offset: int | None
    shown: datetime | None
    """The camera's own clock, for a photo whose time nobody knows."""
    kind: str


class _Noticed:
    """Ids of photos with something to tell, by the code of the finding."""

    def __init__(self) -> None:
        self.ids: dict[str, list[str]] = {}

    def add(self, code: str, media_id: str) -> None:
        self.ids.setdefault(code, []).append(media_id)


def read_package_media(
    package: Package, deployments: Sequence[Deployment], *, prefix: str, utc_offset_minutes: int | None
) -> tuple[PackageMedia, list[Finding]]:
    """Read the media table.

    A row whose time or deployment cannot be understood is kept without it and told; a row whose id is
    missing or taken, or whose path leads outside, stops the reading.

    Raises
    ------
    FormatError : see above; every such row is named.
    """
    noticed = _Noticed()
    known = {deployment.id: deployment for deployment in deployments}
    faults, rows = RowFaults(), list[_Row]()
    first: dict[str, tuple[Columns, int]] = {}
    for columns in package.columns_of("media"):
        for row in range(len(columns.table.rows)):
            with faults.collecting():
                if name := _new_id(columns, row, first, noticed, prefix=prefix):
                    rows.append(
                        _row(
                            columns,
                            row,
                            name,
                            known,
                            noticed,
                            files=package.files,
                            prefix=prefix,
                            default=utc_offset_minutes,
                        )
                    )
    faults.raise_if_any()
    clocks = _clocks(rows, known)
    media = tuple(_media(row, clocks, noticed) for row in rows)
    return (
        PackageMedia(
            media=media,
            utc={row.id: row.utc for row in rows if row.utc is not None},
            deployments=tuple(replace(d, utc_offset_minutes=clocks[d.id]) for d in deployments),
        ),
        _findings(noticed, package.tables["media"].table.file),
    )


def _new_id(
    columns: Columns, row: int, first: dict[str, tuple[Columns, int]], noticed: _Noticed, *, prefix: str
) -> str:
    """The id of a row; empty for a row that repeats an earlier one word for word."""
    table, name = columns.table, id_text(columns.text(row, "mediaID"))
    if not name:
        raise FormatError(
            "the row has no media id", where=table.where(row), fix="Give every row an id of its own."
        )
    if name in first:
        earlier, at = first[name]
        if earlier.table.rows[at] == table.rows[row]:
            noticed.add("media_row_repeated", prefix + name)
            return ""
        raise FormatError(
            f"the media id {name!r} is already used in {earlier.table.where(at)}",
            where=table.where(row),
            fix="Ids are unique in a table: rename one of the two.",
        )
    first[name] = (columns, row)
    return prefix + name


def _row(
    columns: Columns,
    row: int,
    name: str,
    known: Mapping[str, Deployment],
    noticed: _Noticed,
    *,
    files: PackageFiles,
    prefix: str,
    default: int | None,
) -> _Row:
    where = columns.table.where(row)
    path = columns.text(row, "filePath")
    if not path:
        raise FormatError("the row has no filePath", where=where, fix="Say which file it is.")
    file = files.resolve(path, where=where)
    deployment_id = prefix + id_text(columns.text(row, "deploymentID"))
    if deployment_id not in known:
        noticed.add("media_without_deployment", name)
        deployment_id = ""
    if deployment_id and default is None:
        default = known[deployment_id].utc_offset_minutes
    read = moment(columns.text(row, "timestamp"), default_offset=default)
    if read is None:
        noticed.add("media_time_unreadable", name)
    if file.problem:
        noticed.add(f"media_{file.problem}", name)
    kind = columns.text(row, "fileMediatype").partition("/")[0].casefold()
    if kind in ("video", "audio"):
        noticed.add("video_not_read", name)
    return _Row(
        id=name,
        deployment_id=deployment_id,
        file=file,
        utc=read[0] if read else None,
        offset=read[1] if read else None,
        shown=None if read else _shown_clock(columns.text(row, "exifData")),
        kind=kind,
    )


def _clocks(rows: Sequence[_Row], known: Mapping[str, Deployment]) -> dict[str, int | None]:
    """The offset of each deployment's clock: the one its photos agree on, else that of its start.

    Exports in UTC (`Z`) say nothing about the clock, so zero never overrules another offset.
    """
    said: dict[str, Counter[int]] = {}
    for row in rows:
        if row.offset is not None:
            said.setdefault(row.deployment_id, Counter())[row.offset] += 1
    clocks = {}
    for name, deployment in known.items():
        offsets = said.get(name, Counter())
        agreed = next(iter(offsets)) if len(offsets) == 1 else 0
        clocks[name] = agreed or deployment.utc_offset_minutes
    return clocks


def _media(row: _Row, clocks: Mapping[str, int | None], noticed: _Noticed) -> Media:
    state, reason = "pending", ""
    if row.file.problem == "remote":
        state, reason = "missing", "remote file: nothing is fetched from the network"
    elif row.file.problem == "outside":
        state, reason = "missing", "the address lies outside the package"
    elif row.file.problem == "link":
        state, reason = "missing", "a link that leads out of the package is not followed"
    elif row.kind in ("video", "audio"):
        state, reason = "not_an_image", f"{row.kind}: only photos are read"
    offset = clocks.get(row.deployment_id, row.offset) or 0
    camera_time = row.shown
    if row.utc is not None:
        camera_time = (row.utc + timedelta(minutes=offset)).replace(tzinfo=None)
    return Media(
        id=row.id,
        deployment_id=row.deployment_id,
        path=row.file.path,
        camera_time=camera_time,
        state=state,  # type: ignore[arg-type]
        reason=reason,
    )


def _shown_clock(exif_data: str) -> datetime | None:
    """`DateTimeOriginal` of the EXIF kept with a photo; None when there is none that can be read."""
    try:
        return datetime.strptime(json.loads(exif_data)["EXIF"]["DateTimeOriginal"], "%Y:%m:%d %H:%M:%S")
    except (ValueError, TypeError, KeyError):
        return None


def _findings(noticed: _Noticed, file: str) -> list[Finding]:
    told = {
        "media_row_repeated": (
            "note",
            "rows repeat an earlier row word for word and count once",
            "Delete them.",
        ),
        "media_without_deployment": (
            "warning",
            "photos name a deployment that is not in the package; they are kept without one",
            "Add the deployment, or correct deploymentID.",
        ),
        "media_time_unreadable": (
            "warning",
            "photos have a timestamp that is no time; the time in the file will be used if it has one",
            "Write timestamps as 2025-04-03T14:12:05+10:00.",
        ),
        "media_remote": (
            "warning",
            "photos lie on a server; nothing is fetched from the network",
            "Download them into the package and give paths inside it.",
        ),
        "media_outside": (
            "warning",
            "photos are named by an address outside the package, on the computer that wrote it",
            "Export it with copies of the photos, or import the survey that holds them.",
        ),
        "media_absent": (
            "warning",
            "photos are not in the package",
            "Copy them to the place that filePath names, then import again.",
        ),
        "media_link": (
            "error",
            "photos are links that lead out of the package",
            "Copy the files into the package.",
        ),
        "video_not_read": (
            "warning",
            "videos or sounds are not read",
            "Take frames from them if they matter.",
        ),
    }
    return [
        Finding(
            code=code,
            severity=severity,  # type: ignore[arg-type]
            message=f"{len(noticed.ids[code])} {message}",
            fix=fix,
            ids=tuple(noticed.ids[code]),
            where=file,
        )
        for code, (severity, message, fix) in told.items()
        if code in noticed.ids
    ]
