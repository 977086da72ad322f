"""Model files of the manifest, checked before they are used."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

from ghostcat.errors import ModelMissing

__all__ = ["MODEL_FOLDER", "verified_model"]

MODEL_FOLDER = Path(__file__).parent / "models"


def verified_model(name: str, folder: Path, *, required: bool) -> tuple[Path, dict[str, Any]] | None:
    """Path and manifest entry of a model; None when it is not there.

    Raises
    ------
    ModelMissing : the file is not there and `required`; or it is not the file of the manifest.
    """
    manifest = folder / "manifest.toml"
    spec: dict[str, Any] = {}
    if manifest.is_file():
        spec = tomllib.loads(manifest.read_text(encoding="utf-8")).get(name, {})
    path = folder / str(spec.get("file", name))
    if not spec or not path.is_file():
        if required:
            raise ModelMissing(f"model {name} not found", where=str(path), fix="Reinstall ghostcat.")
        return None
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != spec["sha256"]:
        raise ModelMissing(
            f"sha256 is {found[:12]}…, the manifest says {spec['sha256'][:12]}…",
            where=str(path),
            fix="The file is damaged or was replaced; reinstall ghostcat.",
        )
    return path, spec
