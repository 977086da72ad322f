"""Read what a detector saw: result files of MegaDetector (batch) and SpeciesNet (predictions).

File names in such results are relative to whatever folder the detector was started in, on whatever
system. A result belongs to the photo whose path shares the longest end with it, and to none when two
photos share the same.

References
----------
Beery, Morris & Yang (2019) Efficient pipeline for camera trap image review, arXiv:1907.06772 (format 1.x).
Gadot et al. (2024) To crop or not to crop, IET Computer Vision (SpeciesNet).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ghostcat.errors import FormatError
from ghostcat.formats.reader import source_id
from ghostcat.formats.spelling import name_key
from ghostcat.survey.evidence import Box, Detection, Evidence, Finding, Media, Source

__all__ = ["read_detections"]

Category = Literal["animal", "person", "vehicle", "empty", "unknown"]
_CATEGORIES: Mapping[str, Category] = {
    "animal": "animal",
    "person": "person",
    "human": "person",
    "vehicle": "vehicle",
    "empty": "empty",
    "blank": "empty",
}
_MEGADETECTOR_CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}
_ROUNDING = 0.01


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One line of a result: a box, or the word that there is none."""

    category: Category
    confidence: float | None = None
    box: Box | None = None
    species: str = ""


@dataclass(frozen=True, kw_only=True)
class _Result:
    file: str
    seen: tuple[_Seen, ...]
    failure: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Results:
    origin: str
    kind: str
    images: tuple[_Result, ...]


def read_detections(path: str | Path, media: Mapping[str, Media], *, prefix: str = "") -> Evidence:
    """Read a MegaDetector or SpeciesNet result file as detections on photos that are known.

    Parameters
    ----------
    path : the JSON file.
    media : photos by id, as `{media.id: media for media in survey.media()}`.
    prefix : put before the ids of the detections.

    Returns
    -------
    Evidence with detections alone. A photo in which nothing was found has one detection `empty`.
    Results for unknown photos, failures of the detector and odd boxes are findings.

    Raises
    ------
    FormatError : no JSON (with line and column), or neither of the two formats.
    """
    path = Path(path)
    content = _read(path)
    results = _results(_parse(content, file=path.name), file=path.name)
    fingerprint = hashlib.sha256(content).hexdigest()
    match = _Matcher(media)
    detections: list[Detection] = []
    told: dict[str, list[str]] = {}
    used: set[str] = set()
    for image in results.images:
        owners = match.find(image.file)
        for fault in image.faults:
            told.setdefault("detection_unusable", []).append(f"{image.file}: {fault}")
        if len(owners) != 1:
            told.setdefault("result_ambiguous" if owners else "result_without_photo", []).append(image.file)
            continue
        if owners[0] in used:
            told.setdefault("result_repeated", []).append(image.file)
            continue
        used.add(owners[0])
        if image.failure:
            told.setdefault("detector_failed", []).append(f"{image.file}: {image.failure}")
            continue
        detections += [
            Detection(
                id=f"{prefix}{fingerprint[:12]}:{owners[0]}:{number}",
                media_id=owners[0],
                category=seen.category,
                origin=results.origin,
                species=seen.species,
                box=seen.box,
                confidence=seen.confidence,
            )
            for number, seen in enumerate(image.seen)
        ]
    return Evidence(
        source=Source(
            id=source_id("detections", path.stem, fingerprint, prefix=prefix),
            kind=results.kind,
            name=path.name,
            location=str(path.resolve()),
            fingerprint=fingerprint,
            metadata={"origin": results.origin, "images": len(results.images)},
        ),
        detections=tuple(detections),
        findings=tuple(_findings(told, len(results.images), path.name)),
    )


class _Matcher:
    """Photos by the end of their path, read from the file name upwards."""

    def __init__(self, media: Mapping[str, Media]) -> None:
        self._by_name: dict[str, list[tuple[list[str], str]]] = {}
        for photo in media.values():
            parts = _parts(photo.path)
            if parts:
                self._by_name.setdefault(parts[0], []).append((parts, photo.id))

    def find(self, file: str) -> list[str]:
        """The photos that share the longest end of their path with this one."""
        wanted = _parts(file)
        candidates = self._by_name.get(wanted[0], []) if wanted else []
        if len(candidates) == 1:
            # With every folder named in the result and at hand, one that contradicts is another photo.
            parts, owner = candidates[0]
            return [owner] if _shared(wanted, parts) >= min(2, len(wanted), len(parts)) else []
        scores = [(_shared(wanted, parts), owner) for parts, owner in candidates]
        best = max((score for score, _ in scores), default=0)
        found = [owner for score, owner in scores if score == best]
        return found if best >= min(2, len(wanted)) else []


def _parts(path: str) -> list[str]:
    """Folders and file name, last first, as they compare on any system."""
    return [name_key(part) for part in reversed(path.replace("\\", "/").split("/")) if part not in ("", ".")]


def _shared(a: Sequence[str], b: Sequence[str]) -> int:
    count = 0
    for first, second in zip(a, b, strict=False):
        if first != second:
            break
        count += 1
    return count


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise FormatError(
            f"the file cannot be read ({fault.strerror})",
            where=str(path),
            fix="Check the path and your rights to it.",
        ) from None


def _parse(content: bytes, *, file: str) -> dict[str, object]:
    if not content.strip():
        raise FormatError(
            "the file is empty", where=file, fix="Run the detector again; it was perhaps interrupted."
        )
    try:
        text = content.decode(
            "utf-8-sig" if content[:3] == b"\xef\xbb\xbf" else json.detect_encoding(content)
        )
        parsed = json.loads(text)
    except json.JSONDecodeError as fault:
        raise FormatError(
            f"this is no valid JSON: {fault.msg}",
            where=f"{file} line {fault.lineno} column {fault.colno}",
            fix="The file was perhaps cut off while it was written; run the detector again.",
        ) from None
    except (UnicodeDecodeError, RecursionError, ValueError) as fault:
        raise FormatError(
            f"this is no readable JSON ({fault})", where=file, fix="Give the detector's own file."
        ) from None
    if not isinstance(parsed, dict):
        raise _unknown(file)
    return parsed


def _unknown(file: str) -> FormatError:
    return FormatError(
        "this is JSON, but no result of MegaDetector (with a list “images”) or SpeciesNet (“predictions”)",
        where=file,
        fix="Give the batch results of MegaDetector or the predictions JSON of SpeciesNet.",
    )


def _results(parsed: Mapping[str, object], *, file: str) -> _Results:
    if isinstance(images := parsed.get("images"), list):
        return _megadetector(parsed, images, file=file)
    if isinstance(predictions := parsed.get("predictions"), list):
        return _speciesnet(predictions, file=file)
    raise _unknown(file)


def _entries(
    entries: Sequence[object], name: str, *, file: str
) -> Iterator[tuple[Mapping[str, object], str]]:
    for number, entry in enumerate(entries, start=1):
        found = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(found, str) or not found.strip():
            raise FormatError(
                f"the result names no {name}",
                where=f"{file} entry {number}",
                fix="Give the detector's own file; this entry was changed or cut.",
            )
        yield entry, found


def _megadetector(parsed: Mapping[str, object], images: Sequence[object], *, file: str) -> _Results:
    said = parsed.get("detection_categories")
    names = {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else _MEGADETECTOR_CATEGORIES
    classes_said = parsed.get("classification_categories")
    classes = {str(k): str(v) for k, v in classes_said.items()} if isinstance(classes_said, dict) else {}
    info = parsed.get("info")
    detector = str(info.get("detector") or "") if isinstance(info, dict) else ""
    results = []
    for entry, name in _entries(images, "file", file=file):
        seen, faults = _boxes(entry.get("detections"), names, classes)
        failure = str(entry.get("failure") or "")
        if entry.get("detections") is None and not failure:
            failure = "no detections were written"
        results.append(_Result(file=name, seen=seen, failure=failure, faults=faults))
    return _Results(
        origin=f"megadetector {detector.removesuffix('.pt')}".strip(),
        kind="megadetector",
        images=tuple(results),
    )


def _speciesnet(predictions: Sequence[object], *, file: str) -> _Results:
    results, versions = [], set()
    for entry, name in _entries(predictions, "filepath", file=file):
        seen, faults = _boxes(entry.get("detections") or [], _MEGADETECTOR_CATEGORIES, {})
        failures = entry.get("failures")
        species, category = _taxon(str(entry.get("prediction") or ""))
        score = _fraction(entry.get("prediction_score"))
        failed = isinstance(failures, list) and bool(failures) and "prediction" not in entry
        results.append(
            _Result(
                file=name,
                seen=_with_species(seen, species, category, score),
                failure=", ".join(map(str, failures)) if failed and isinstance(failures, list) else "",
                faults=faults,
            )
        )
        versions.add(str(entry.get("model_version") or ""))
    version = ", ".join(sorted(versions - {""}))
    return _Results(origin=f"speciesnet {version}".strip(), kind="speciesnet", images=tuple(results))


def _boxes(
    entries: object, names: Mapping[str, str], classes: Mapping[str, str]
) -> tuple[tuple[_Seen, ...], tuple[str, ...]]:
    seen, faults = [], []
    listed = entries if isinstance(entries, list) else []
    for number, entry in enumerate(listed, start=1):
        if not isinstance(entry, dict):
            faults.append(f"detection {number} is no record")
            continue
        code = str(entry.get("category", ""))
        name = str(entry.get("label") or names.get(code, code)).casefold()
        confidence = _fraction(entry.get("conf"))
        if confidence is None:
            faults.append(f"detection {number} has the confidence {entry.get('conf')!r}, not one from 0 to 1")
        box = _box(entry.get("bbox"))
        if box is None:
            faults.append(f"detection {number} has the box {entry.get('bbox')!r}, not fractions of the frame")
        seen.append(
            _Seen(
                category=_CATEGORIES.get(name, "unknown"),
                confidence=confidence,
                box=box,
                species=_best_class(entry.get("classifications"), classes),
            )
        )
    return (tuple(seen) or (_Seen(category="empty"),)), tuple(faults)


def _best_class(entries: object, classes: Mapping[str, str]) -> str:
    scored = [
        (score, str(entry[0]))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, list) and len(entry) == 2 and (score := _fraction(entry[1])) is not None
    ]
    return classes.get(max(scored)[1], max(scored)[1]) if scored else ""


def _taxon(prediction: str) -> tuple[str, Category | None]:
    """Species name and category of `uuid;class;order;family;genus;species;common name`."""
    parts = [part.strip() for part in prediction.split(";")]
    if len(parts) != 7:
        return prediction, _CATEGORIES.get(prediction.casefold())
    genus, species, common = parts[4], parts[5], parts[6]
    name = f"{genus.capitalize()} {species}".strip() if genus else common
    category = _CATEGORIES.get(common.casefold())
    return ("" if category in ("empty", "animal") and not genus else name), category


def _with_species(
    seen: Sequence[_Seen], species: str, category: Category | None, score: float | None
) -> tuple[_Seen, ...]:
    """The name given to the whole picture goes to its surest animal, as SpeciesNet classifies that crop."""
    from dataclasses import replace

    animals = [one for one in seen if one.category == "animal"]
    if animals and species:
        surest = max(animals, key=lambda one: one.confidence or 0.0)
        return tuple(replace(one, species=species) if one is surest else one for one in seen)
    if [one.category for one in seen] == ["empty"]:
        return (
            _Seen(category=category or ("animal" if species else "empty"), species=species, confidence=score),
        )
    return tuple(seen)


def _fraction(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= 1 else None


def _box(value: object) -> Box | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in value):
        return None
    x, y, width, height = map(float, value)
    low, high = -_ROUNDING, 1 + _ROUNDING
    if not (low <= x and low <= y and width > 0 and height > 0 and x + width <= high and y + height <= high):
        return None
    if x >= 0 and y >= 0 and x + width <= 1 and y + height <= 1:
        return (x, y, width, height)
    left, top = max(x, 0.0), max(y, 0.0)
    return (left, top, min(x + width, 1.0) - left, min(y + height, 1.0) - top)


def _findings(told: Mapping[str, Sequence[str]], total: int, file: str) -> list[Finding]:
    texts = {
        "result_without_photo": (
            "results are for files that are no photos of this survey",
            "Import the photos first; their folders must have the names they had when the detector ran.",
        ),
        "result_ambiguous": (
            "results could belong to several photos",
            "Run the detector on the folder above the stations, so that names hold station and camera.",
        ),
        "result_repeated": (
            "results are for a photo that has one already; the first counts",
            "Remove the repeats.",
        ),
        "detector_failed": (
            "photos could not be read by the detector",
            "Look at them; run the detector again.",
        ),
        "detection_unusable": (
            "detections have an odd confidence or box; they are kept without it",
            "Give the detector's own file; boxes are fractions of the frame.",
        ),
    }
    return [
        Finding(
            code=code,
            severity="warning",
            message=f"{len(told[code])} of {total} results: {message}",
            fix=fix,
            ids=tuple(told[code]),
            where=file,
        )
        for code, (message, fix) in texts.items()
        if code in told
    ]
