"""Unpack a zip of photos and tables without trusting it.

Refused are: names that lead out of the folder, links, encrypted or damaged entries, and archives that
unpack to far more than photos and tables can. Unpacking goes to a folder named after the content and is
renamed at the end, so a killed import leaves nothing half done under the final name.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ghostcat.errors import FormatError
from ghostcat.formats.encodings import decode_text

__all__ = ["unpack"]

#: JPEGs do not shrink and tables shrink to a twentieth; zeros shrink to a thousandth.
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 10 * 2**20
_MOST_ENTRIES = 5_000_000
_CHUNK = 2**20
#: Kept free on the disk, for the survey's own tables and thumbnails.
_KEPT_FREE = 512 * 2**20


def unpack(archive: Path, *, into: Path) -> Path:
    """Unpack a zip file below a folder and return where; a second call finds it and does nothing.

    Raises
    ------
    FormatError : not a zip file, damaged, encrypted, hostile, or larger than the disk's free space.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            names = _names(entries, archive)
            _check_sizes(entries, archive, into)
            target = into / f"{_plain(archive.stem)}-{_fingerprint(entries)}"
            if target.is_dir():
                return target
            unfinished = target.with_name(f"{target.name}.part")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            try:
                _write(opened, names, unfinished)
                unfinished.replace(target)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
            return target
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as fault:
        raise FormatError(
            f"the zip file is damaged or of a kind that is not read ({fault})",
            where=archive.name,
            fix="Download or copy it again; nothing was imported.",
        ) from None
    except OSError as fault:
        raise FormatError(
            f"the zip file cannot be unpacked ({fault.strerror or fault})",
            where=archive.name,
            fix="Check the disk and your rights; nothing was imported.",
        ) from None


def _names(entries: list[zipfile.ZipInfo], archive: Path) -> dict[zipfile.ZipInfo, PurePosixPath]:
    if len(entries) > _MOST_ENTRIES:
        raise _refused(f"it holds {len(entries):,} entries", archive)
    names, seen = {}, dict[str, str]()
    for entry in entries:
        if entry.is_dir():
            continue
        text = _entry_name(entry, archive)
        path = PurePosixPath(text)
        if text.startswith("/") or re.match(r"[A-Za-z]:", text):
            raise _refused(f"the entry {text!r} has an absolute path", archive)
        if ".." in path.parts:
            raise _refused(f"the entry {text!r} leads out of its folder", archive)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _refused(f"the entry {text!r} is a link", archive)
        if entry.flag_bits & 0x1:
            raise FormatError(
                f"the entry {text!r} is encrypted",
                where=archive.name,
                fix="Unpack it with its password, then import the folder.",
            )
        # On Windows and macOS two such names are one file: the second would overwrite the first.
        key = text.casefold()
        if key in seen:
            raise _refused(f"the entries {seen[key]!r} and {text!r} would be one file", archive)
        seen[key] = text
        names[entry] = path
    if not names:
        raise FormatError(
            "the zip file is empty", where=archive.name, fix="Pack the folder of the package again."
        )
    return names


def _entry_name(entry: zipfile.ZipInfo, archive: Path) -> str:
    """The name as its maker meant it: old zip programs write the letters of their own country."""
    name = entry.filename
    if not entry.flag_bits & 0x800 and not name.isascii():
        try:
            name = decode_text(name.encode("cp437"), file=archive.name).text
        except (FormatError, UnicodeEncodeError):
            name = entry.filename
    return name.replace("\\", "/")


def _check_sizes(entries: Iterable[zipfile.ZipInfo], archive: Path, into: Path) -> None:
    total = packed = 0
    for entry in entries:
        total += entry.file_size
        packed += entry.compress_size
        if entry.file_size > _RATIO_FROM_BYTES and entry.file_size > _MOST_RATIO * max(
            entry.compress_size, 1
        ):
            raise _refused(
                f"{entry.filename!r} unpacks from {entry.compress_size:,} to {entry.file_size:,} bytes",
                archive,
            )
    if packed > archive.stat().st_size:
        raise _refused("its entries overlap, so that a small file unpacks to a huge one", archive)
    existing = next(folder for folder in (into, *into.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free - _KEPT_FREE
    if total > free:
        raise FormatError(
            f"the package unpacks to {total / 2**30:.1f} GiB and {max(free, 0) / 2**30:.1f} GiB are free",
            where=archive.name,
            fix="Free some space, or unpack it elsewhere and import the folder.",
        )


def _write(opened: zipfile.ZipFile, names: dict[zipfile.ZipInfo, PurePosixPath], folder: Path) -> None:
    for entry, name in names.items():
        target = folder.joinpath(*name.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(entry) as source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink, _CHUNK)


def _fingerprint(entries: Iterable[zipfile.ZipInfo]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(
            f"{entry.filename}\0{entry.CRC}\0{entry.file_size}\n".encode("utf-8", "backslashreplace")
        )
    return digest.hexdigest()[:12]


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "package"


def _refused(what: str, archive: Path) -> FormatError:
    return FormatError(
        f"the zip file is not safe to unpack: {what}",
        where=archive.name,
        fix="Do not import it; ask its sender for a package made again. Nothing was unpacked.",
    )
