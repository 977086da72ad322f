"""What a reader of an outside format is: the shape that plug-ins fill.

A package registers one with an entry point in the group `ghostcat.readers`:

    [project.entry-points."ghostcat.readers"]
    my-format = "my_package.my_module:READER"
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ghostcat.survey.evidence import Evidence

__all__ = ["Reader", "says_synthetic", "source_id"]

_SYNTHETIC = re.compile(
    r"\b(simulat\w*|synthetic\w*|симулир\w*|синтетич\w*|искусствен\w*)\b|模拟|合成", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A way in.

    `recognises` looks at a path quickly, without reading tables. `read` takes the path and the keyword
    arguments of `read_evidence` that its signature names. Readers are asked in the order of `rank`.
    """

    kind: str
    title: str
    recognises: Callable[[Path], bool]
    read: Callable[..., Evidence]
    rank: int = 50


def source_id(kind: str, name: str, fingerprint: str, *, prefix: str = "") -> str:
    """An id for a source that changes with its content and can be a folder name anywhere."""
    plain = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", name)).strip("-.")[:60] or "unnamed"
    return f"{prefix}{kind}-{plain}-{fingerprint[:12]}"


def says_synthetic(descriptor: Path | Mapping[str, object]) -> bool:
    """Does a package description say that its data were simulated?"""
    if isinstance(descriptor, Path):
        try:
            content = json.loads(descriptor.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):
            return False
        return isinstance(content, dict) and says_synthetic(content)
    if descriptor.get("synthetic") is True:
        return True
    keywords = descriptor.get("keywords")
    words = [descriptor.get("title"), descriptor.get("description"), descriptor.get("name")]
    words += keywords if isinstance(keywords, list) else []
    return any(_SYNTHETIC.search(word) for word in words if isinstance(word, str))
