"""Find the photos below a folder and say from their folders which camera took them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ghostcat.errors import FormatError
from ghostcat.formats.spelling import name_key, tight_key
from ghostcat.survey.evidence import Deployment, Finding, Media

__all__ = ["PHOTO_SUFFIXES", "VIDEO_SUFFIXES", "CameraFolders", "find_photos", "photo_media"]

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"}
VIDEO_SUFFIXES = {".mp4", ".avi", ".mov", ".asf", ".wmv", ".mts", ".m4v", ".mpg", ".3gp", ".mkv"}
#: What operating systems and cameras leave behind, of no use to anybody.
_LITTER = {"thumbs.db", "desktop.ini", ".ds_store"}
_CAMERA_WORD = re.compile(r"^(camera|cam|камера|相机)(?=.)")


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file by its path below the root, with `/` between the parts."""

    path: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class PhotoTree:
    """Photos in the order of their paths, and what else lay beside them."""

    root: Path
    photos: tuple[FoundFile, ...]
    findings: tuple[Finding, ...]


class CameraFolders:
    """Which deployment a photo belongs to, judged by the names of the folders above it.

    The first folder that carries the name of a station decides, then the first below it that carries the
    name or serial number of one of its cameras. `ST01_A`, `ST01A` and the like are both at once.
    """

    def __init__(
        self, stations: Iterable[str], deployments: Sequence[Deployment], serials: Mapping[str, str]
    ):
        self._stations = {name_key(name): name for name in stations}
        self._of_station: dict[str, list[Deployment]] = {name: [] for name in self._stations.values()}
        self._cameras: dict[tuple[str, str], Deployment] = {}
        self._joined: dict[str, Deployment] = {}
        for deployment in deployments:
            station = deployment.station_id
            self._of_station[station].append(deployment)
            for name in (deployment.slot, serials.get(deployment.id, ""), deployment.id):
                if name:
                    self._cameras.setdefault((station, tight_key(name)), deployment)
            self._joined.setdefault(tight_key(station + deployment.slot), deployment)

    def deployment(self, folders: Sequence[str]) -> Deployment | None:
        """The deployment of a photo in these folders (outermost first), or None."""
        station, rest = "", 0
        for position, folder in enumerate(folders):
            if name_key(folder) in self._stations:
                station, rest = self._stations[name_key(folder)], position + 1
                break
            if (joined := self._joined.get(tight_key(folder))) is not None:
                return joined
        if not station:
            return None
        for folder in folders[rest:]:
            key = tight_key(folder)
            for form in (key, _CAMERA_WORD.sub("", key)):
                if (named := self._cameras.get((station, form))) is not None:
                    return named
        candidates = self._of_station[station]
        return candidates[0] if len(candidates) == 1 else None


def find_photos(root: Path, *, known_tables: Iterable[Path] = ()) -> PhotoTree:
    """List every photo below a folder, and tell of every file that is none.

    Links to folders are not followed (they may lead round in circles), nor are ghostcat surveys entered.

    Raises
    ------
    FormatError : the folder cannot be listed.
    """
    tables = {os.path.realpath(path) for path in known_tables}
    photos: list[FoundFile] = []
    videos: list[str] = []
    others: list[str] = []
    links: list[str] = []
    for entry, relative in _files(root, links):
        suffix = os.path.splitext(entry.name)[1].lower()
        if suffix in PHOTO_SUFFIXES:
            try:
                size = entry.stat().st_size
            except OSError:  # a link to nothing: its photo gets the state "missing" when it is opened
                size = 0
            photos.append(FoundFile(path=relative, size_bytes=size))
        elif suffix in VIDEO_SUFFIXES:
            videos.append(relative)
        elif os.path.realpath(entry.path) not in tables:
            others.append(relative)
    photos.sort(key=lambda file: file.path)
    return PhotoTree(root=root, photos=tuple(photos), findings=tuple(_findings(videos, others, links)))


def _files(root: Path, links: list[str]) -> Iterable[tuple[os.DirEntry[str], str]]:
    pending = [(str(root), "")]
    while pending:
        folder, below = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as fault:
            raise FormatError(
                f"the folder cannot be listed ({fault.strerror})",
                where=folder,
                fix="Check your rights to it, or the card reader.",
            ) from None
        if below and any(entry.name == "survey.db" for entry in entries):
            continue
        for entry in entries:
            relative = f"{below}{entry.name}"
            if entry.name.lower() in _LITTER or entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append((entry.path, f"{relative}/"))
            elif entry.is_symlink() and entry.is_dir():
                links.append(relative)
            else:
                yield entry, relative


def photo_media(
    tree: PhotoTree, folders: CameraFolders, *, prefix: str = ""
) -> tuple[tuple[Media, ...], list[Finding]]:
    """Make one Media of every photo; those of unknown cameras have no deployment and a finding."""
    media, homeless, unnameable = [], [], []
    taken = {file.path for file in tree.photos}
    for file in tree.photos:
        parts = file.path.split("/")
        deployment = folders.deployment(parts[:-1])
        name = unicodedata.normalize("NFC", file.path)
        # Two files whose names differ only in how accents are stored are two files.
        name = file.path if name in taken else name
        path, state, reason = os.path.join(os.path.abspath(tree.root), *parts), "pending", ""
        if not _is_unicode(file.path):
            name, path = _escaped(name), _escaped(path)
            state, reason = "missing", "the file's name is not valid Unicode, so it cannot be opened by name"
            unnameable.append(prefix + name)
        taken.add(name)
        if deployment is None:
            homeless.append(prefix + name)
        media.append(
            Media(
                id=prefix + name,
                deployment_id=deployment.id if deployment else "",
                path=path,
                state=state,  # type: ignore[arg-type]
                reason=reason,
            )
        )
    return tuple(media), _media_findings(homeless, unnameable, tree.root)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _escaped(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _media_findings(homeless: Sequence[str], unnameable: Sequence[str], root: Path) -> list[Finding]:
    findings = []
    if homeless:
        folders = sorted({os.path.dirname(name) or "." for name in homeless})
        shown = ", ".join(folders[:6]) + (f" and {len(folders) - 6} more" if len(folders) > 6 else "")
        findings.append(
            Finding(
                code="photo_without_deployment",
                severity="warning",
                message=f"{len(homeless)} photos lie in folders that name no camera of the tables: {shown}",
                fix="Name the folders station/camera as in the tables, or add rows to deployments. "
                "The photos are kept, but count for no station until then.",
                ids=tuple(homeless),
                where=str(root),
            )
        )
    if unnameable:
        findings.append(
            Finding(
                code="name_not_unicode",
                severity="error",
                message=f"{len(unnameable)} photos have names that are no valid Unicode and cannot be opened",
                fix="Rename them, then import again.",
                ids=tuple(unnameable),
                where=str(root),
            )
        )
    return findings


def _findings(videos: Sequence[str], others: Sequence[str], links: Sequence[str]) -> list[Finding]:
    kinds = Counter(os.path.splitext(name)[1].lower() or "without extension" for name in others)
    listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    told = (
        (
            "video_not_read",
            "warning",
            videos,
            f"{len(videos)} videos are not read",
            "Take frames from them if they matter.",
        ),
        (
            "file_not_photo",
            "note",
            others,
            f"{len(others)} files are no photos by their names: {listed}",
            "Nothing to do unless one should be.",
        ),
        (
            "link_not_followed",
            "warning",
            links,
            f"{len(links)} links to folders were not followed",
            "Import the folders they lead to.",
        ),
    )
    return [
        Finding(
            code=code,
            severity=severity,  # type: ignore[arg-type]
            message=message,
            fix=fix,
            ids=tuple(map(_escaped, names)),
        )
        for code, severity, names, message, fix in told
        if names
    ]
