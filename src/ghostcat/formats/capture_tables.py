"""Captures of one session as any outside format has them, before anyone says where animals can live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.tables import is_missing
from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from ghostcat.scr import DetectorArray, Mask, ScrSession

__all__ = ["CaptureRows", "CaptureTables", "Kind", "build_tables", "one_sex", "read_sex", "settle_kind"]

#: Kinds that a table of detections can be.
Kind = Literal["count", "proximity", "multi", "single"]

_SEXES: Mapping[str, str] = {
    "f": "female", "female": "female", "0": "female", "самка": "female", "雌": "female",
    "m": "male", "male": "male", "1": "male", "самец": "male", "雄": "male",
    "u": "", "unknown": "", "?": "",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CaptureRows:
    """Detections of one session: names and numbers as read, occasions from 0; `where` for messages."""

    animal: tuple[str, ...]
    detector: tuple[int, ...]
    occasion: tuple[int, ...]
    where: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptureTables:
    """One session: detectors, effort, detections and animals; `session` adds the mask."""

    name: str
    animals: tuple[str, ...]
    sex: tuple[str, ...]
    """"female", "male" or empty; () when the table has no sexes."""
    array: DetectorArray
    crs: str = ""
    """Projected system of the coordinates; empty where the table does not tell."""
    animal_covariates: Mapping[str, ArrayLike] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def session(self, mask: Mask, *, mask_covariates: Mapping[str, ArrayLike] | None = None) -> ScrSession:
        """The data as the estimation takes them.

        Raises
        ------
        EstimateRefused : `caught_without_effort`, `caught_twice`: records contradict effort or kind.
        """
        from ghostcat.scr import ScrSession

        sexes = {"sex": list(self.sex)} if self.sex else {}
        return ScrSession(
            name=self.name,
            mask=mask,
            arrays=(self.array,),
            animals=self.animals,
            animal_covariates={**sexes, **self.animal_covariates},
            mask_covariates=dict(mask_covariates or {}),
        )


def build_tables(
    rows: CaptureRows,
    *,
    name: str,
    detector_names: Sequence[str],
    xy_m: NDArray[np.float64],
    usage: NDArray[np.float64],
    kind: Kind | None,
    sex: Mapping[str, str],
    crs: str = "",
    detector_covariates: Mapping[str, ArrayLike] | None = None,
    method: str = "camera",
    findings: Sequence[Finding] = (),
) -> CaptureTables:
    """Check detections against effort and put a session together.

    Raises
    ------
    FormatError : an occasion that does not exist, or a detection while the detector did not work; it
        names the row.
    """
    from ghostcat.scr import DetectorArray

    occasions = usage.shape[1]
    for animal, detector, occasion, where in zip(
        rows.animal, rows.detector, rows.occasion, rows.where, strict=True
    ):
        if not 0 <= occasion < occasions:
            raise FormatError(
                f"animal {animal} was detected on occasion {occasion + 1} of {occasions}",
                where=where,
                fix="Correct the occasion, or the number of occasions.",
            )
        if not usage[detector, occasion] > 0:
            raise FormatError(
                f"animal {animal} was detected by {detector_names[detector]} on occasion {occasion + 1}, "
                "when it did not work",
                where=where,
                fix="Correct the dates of the detector or of the detection.",
            )
    animals = tuple(dict.fromkeys(rows.animal))
    index = {animal: i for i, animal in enumerate(animals)}
    chosen, notes = settle_kind(kind, rows, name)
    return CaptureTables(
        name=name,
        animals=animals,
        sex=tuple(sex.get(animal, "") for animal in animals) if sex else (),
        array=DetectorArray(
            xy_m=xy_m,
            kind=chosen,
            usage=usage,
            animal=np.array([index[a] for a in rows.animal], dtype=np.int64),
            detector=np.array(rows.detector, dtype=np.int64),
            occasion=np.array(rows.occasion, dtype=np.int64),
            covariates=dict(detector_covariates or {}),
            name=method,
            detector_names=tuple(detector_names),
        ),
        crs=crs,
        findings=(*findings, *notes),
    )


def settle_kind(kind: Kind | None, rows: CaptureRows, session: str) -> tuple[Kind, tuple[Finding, ...]]:
    """The kind of detectors: as said, else counts when an animal repeats at one place and occasion."""
    if kind is not None:
        return kind, ()
    keys = list(zip(rows.animal, rows.detector, rows.occasion, strict=True))
    found: Kind = "count" if len(set(keys)) < len(keys) else "proximity"
    words = {
        "count": "an animal occurs more than once at one detector on one occasion: every record counts",
        "proximity": "no animal occurs twice at one detector on one occasion: records are yes or no",
    }
    return found, (
        Finding(
            code="detector_kind_guessed",
            severity="note",
            message=f"{words[found]} (detectors of kind {found})",
            fix="Say the kind of detectors if it is another one.",
            where=f"session {session}" if session else "",
        ),
    )


def read_sex(text: str, *, where: str) -> str:
    """female, male or empty.

    Raises
    ------
    FormatError : a word that is neither.

    >>> read_sex("F", where=""), read_sex("NA", where="")
    ('female', '')
    """
    if is_missing(text):
        return ""
    found = _SEXES.get(text.strip().casefold())
    if found is None:
        raise FormatError(
            f"sex is {text!r}", where=where, fix="Write F, M or NA (0 = female and 1 = male are read too)."
        )
    return found


def one_sex(pairs: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Sex by animal from (animal, sex, where) of each row; unknown where no row tells.

    Raises
    ------
    FormatError : one animal has two sexes.
    """
    known: dict[str, str] = {}
    for animal, sex, where in pairs:
        if sex and known.get(animal, sex) != sex:
            raise FormatError(
                f"animal {animal} is {sex} here and {known[animal]} before",
                where=where,
                fix="Correct the sex, or the identity: this may be two animals.",
            )
        if sex:
            known[animal] = sex
    return known
