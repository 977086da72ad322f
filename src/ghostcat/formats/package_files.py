"""From the `filePath` of a package to a file on disk, never outside the package."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ghostcat.errors import FormatError

__all__ = ["PackageFiles", "ResolvedFile", "check_inside"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, kw_only=True)
class ResolvedFile:
    """Where a file lies. `problem` is empty, `remote`, `outside`, `absent` or `link`."""

    path: str
    problem: str = ""


def check_inside(text: str, *, where: str) -> str:
    """Return a package path with forward slashes; refuse one that is absolute or leads outside.

    Raises
    ------
    FormatError : the path is absolute, or goes up with `..`.
    """
    plain = text.strip().replace("\\", "/")
    if plain.startswith(("/", "~")) or re.match(r"[A-Za-z]:", plain):
        fault = "is absolute"
    elif ".." in plain.split("/"):
        fault = "leads out of the package"
    elif "\0" in plain:
        fault = "holds a zero character"
    else:
        return plain
    raise FormatError(
        f"the path {text!r} {fault}", where=where, fix="Paths in a package are relative and stay inside it."
    )


class PackageFiles:
    """The files below a package, found also when case or accents are stored differently.

    Each folder is listed once; a hundred thousand photos cost a few listings instead of as many lookups.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.abspath(root)
        self._real_root = os.path.realpath(root)
        self._listings: dict[str, Mapping[str, tuple[str, bool]]] = {}

    def resolve(self, text: str, *, where: str) -> ResolvedFile:
        """Find the file that a `filePath` means.

        Raises
        ------
        FormatError : the path is absolute or leads outside.
        """
        if _URL.match(text):
            return ResolvedFile(
                path=text, problem="outside" if text.casefold().startswith("file:") else "remote"
            )
        parts = [part for part in check_inside(text, where=where).split("/") if part not in ("", ".")]
        folder = self._root
        for position, part in enumerate(parts):
            found = self._listing(folder).get(part) or self._listing(folder).get(_key(part))
            if found is None:
                return ResolvedFile(path=os.path.join(self._root, *parts), problem="absent")
            name, is_link = found
            folder = os.path.join(folder, name)
            if is_link and not self._inside(folder):
                return ResolvedFile(path=os.path.join(self._root, *parts[: position + 1]), problem="link")
        return ResolvedFile(path=folder)

    def _inside(self, path: str) -> bool:
        real = os.path.realpath(path)
        return os.path.commonpath([real, self._real_root]) == self._real_root

    def _listing(self, folder: str) -> Mapping[str, tuple[str, bool]]:
        if folder not in self._listings:
            names: dict[str, tuple[str, bool]] = {}
            try:
                with os.scandir(folder) as entries:
                    for entry in sorted(entries, key=lambda entry: entry.name):
                        known = (entry.name, entry.is_symlink())
                        names[entry.name] = known
                        names.setdefault(_key(entry.name), known)
            except OSError:  # not a folder, or not ours to see: its files are absent
                pass
            self._listings[folder] = names
        return self._listings[folder]


def _key(name: str) -> str:
    # A character that cannot begin a file name keeps these keys apart from real names.
    return "\0" + unicodedata.normalize("NFC", name).casefold()
