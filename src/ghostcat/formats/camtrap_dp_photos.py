"""Where the photos of an exported package lie: copied into it, or referred to where they are."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Literal
from urllib.parse import quote

from ghostcat.errors import ParameterError
from ghostcat.survey.evidence import Media

__all__ = ["PhotoPolicy", "Progress", "media_type", "place_photos"]

PhotoPolicy = Literal["reference", "copy"]
Progress = Callable[[int, int], None]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
#: What the standard allows as `filePath`: no leading dot, slash or tilde, and nowhere two dots.
_ALLOWED = re.compile(r"[^./~](?:(?!\.\.)[^\r\n])*\Z")
_UNSAFE = re.compile(r"[^\w.-]+")
_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}


def media_type(path: str) -> str:
    """Media type by suffix. The standard knows images, videos and sounds only.

    >>> media_type("IMG_1.JPG"), media_type("notes.txt")
    ('image/jpeg', 'image/x-unknown')
    """
    return _TYPES.get(PurePath(path).suffix.lower(), "image/x-unknown")


def place_photos(
    media: Iterable[Media],
    folder: Path,
    *,
    policy: PhotoPolicy,
    survey_folder: Path | None,
    progress: Progress | None = None,
) -> Mapping[str, str]:
    """`filePath` of each photo; with `copy` the photos are copied below `media/` of the package.

    `reference` writes a path relative to the package for photos that lie in it, and an absolute
    `file:` address for all others, since the standard forbids paths that lead out of a package.

    Raises
    ------
    ParameterError : a path is relative to a survey folder that was not named.
    """
    photos = list(media)
    root = folder.resolve()
    taken: set[str] = set()
    places: dict[str, str] = {}
    for done, photo in enumerate(photos):
        if _URL.match(photo.path):
            places[photo.id] = photo.path
            continue
        source = _locate(photo, survey_folder, policy)
        if policy == "copy":
            places[photo.id] = _copy(photo, source, folder, taken)
            if progress is not None:
                progress(done + 1, len(photos))
        else:
            places[photo.id] = _refer(source, root)
    return places


def _locate(photo: Media, survey_folder: Path | None, policy: PhotoPolicy) -> PurePath:
    path = Path(photo.path)
    if path.is_absolute():
        return path
    if PureWindowsPath(photo.path).is_absolute():
        return PureWindowsPath(photo.path)
    if survey_folder is not None:
        return survey_folder.resolve() / path
    if policy == "reference" and _ALLOWED.match(path.as_posix()):
        return path
    raise ParameterError(
        f"the path {photo.path} is relative, but to which folder is not known",
        where=f"photo {photo.id}",
        fix="Name the survey folder.",
    )


def _refer(source: PurePath, root: Path) -> str:
    if not source.is_absolute():
        return source.as_posix()
    if source.is_relative_to(root):
        inside = source.relative_to(root).as_posix()
        if _ALLOWED.match(inside):
            return inside
    address = source.as_posix()
    # Dots are escaped where the standard would take two of them for a way out.
    escaped = quote(address, safe="/:").replace("..", "%2E%2E")
    return f"file://{escaped}" if escaped.startswith("/") else f"file:///{escaped}"


def _copy(photo: Media, source: PurePath, folder: Path, taken: set[str]) -> str:
    name = PurePath(source).name
    stem, suffix = (_UNSAFE.sub("-", part) for part in (PurePath(name).stem, PurePath(name).suffix))
    place = _UNSAFE.sub("-", photo.deployment_id).strip(".-") or "unknown"
    stem = re.sub(r"\.{2,}", ".", stem).strip(".") or "photo"
    path, number = f"media/{place}/{stem}{suffix}", 1
    # Two names that differ by case only would be one file on Windows and macOS.
    while path.casefold() in taken:
        number += 1
        path = f"media/{place}/{stem}-{number}{suffix}"
    taken.add(path.casefold())
    if Path(source).is_file():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    return path
