"""Encounter data of any kind: detectors, occasions, effort, animals, collars and covariates of a session."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.checks import check_metres, checked_ids
from ghostcat.scr.mask import Mask

__all__ = ["Collars", "DetectorArray", "DetectorKind", "ScrSession", "captures_scale_m"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Covariates = Mapping[str, ArrayLike]

#: `multi`: the animal stays in the trap, at most one trap an occasion. `single`: so does the trap, fitted as
#: multi. `proximity`: at most one record per animal, detector and occasion. `count`: any number, Poisson.
#: `binomial`: up to `trials`. `polygonX`: a search of polygons that finds an animal at most once an occasion
#: (`points` is what the engine makes of it).
DetectorKind = Literal["multi", "single", "proximity", "count", "binomial", "polygonX", "points"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectorArray:
    """Detectors of one kind, what they recorded, and with how much effort.

    Parameters
    ----------
    xy_m : (K, 2) coordinates, metres.
    kind : see `DetectorKind`.
    usage : (K, S) effort of each detector on each occasion, 0 = not operating; per trial for `binomial`.
    animal, detector, occasion : (C,) indices from 0, one a detection; `animal` in `ScrSession.animals`.
    number : (C,) detections behind each record; 1 by default.
    trials : (K, S) number of trials, `binomial` only.
    covariates : of detectors, each (K,), or (K, S) where it varies over occasions.
    name : of the method, for example "camera" or "scat"; the variable `method` of formulas.
    detector_names : used in messages.
    polygons : one (v, 2) ring a detector, and place_xy_m : (C, 2) places of detection; `polygonX` only.
    distance_m : (K, M) distances to the mask cells where they are not Euclidean.

    Raises
    ------
    ParameterError : shapes disagree, an index is outside its range, effort is missing or negative.
    EstimateRefused : `unsupported_detector`: a kind that has no likelihood here.
    """

    xy_m: Floats
    kind: DetectorKind
    usage: Floats
    animal: Ints
    detector: Ints
    occasion: Ints
    number: Ints | None = None
    trials: Ints | None = None
    covariates: Covariates = field(default_factory=dict)
    name: str = "detector"
    detector_names: tuple[str, ...] = ()
    polygons: tuple[Floats, ...] = ()
    place_xy_m: Floats | None = None
    distance_m: Floats | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(DetectorKind):
            raise EstimateRefused(
                f"detectors of kind {self.kind!r} cannot be estimated",
                code="unsupported_detector",
                fix="Supported are " + ", ".join(get_args(DetectorKind)[:-1]) + ".",
            )
        xy = check_metres(self.xy_m, what="detectors")
        usage = np.array(self.usage, dtype=np.float64)
        detectors = len(self.polygons) if self.kind == "polygonX" else len(xy)
        if usage.ndim != 2 or len(usage) != detectors:
            raise ParameterError(f"usage has shape {usage.shape}, expected ({detectors}, occasions)")
        names = checked_ids(self.detector_names, detectors, "detector")
        bad = np.argwhere(~(np.isfinite(usage) & (usage >= 0)))
        if len(bad):
            k, s = bad[0]
            raise ParameterError(
                f"usage is {usage[k, s]}, expected effort ≥ 0",
                where=f"detector {names[k]}, occasion {s + 1}",
                fix="Use 0 for a detector that did not operate.",
            )
        frozen = {"xy_m": xy, "usage": usage, "detector_names": names, **self._checked_records(usage.shape)}
        for key, value in frozen.items():
            object.__setattr__(self, key, value)
        self._add_up()

    def _checked_records(self, shape: tuple[int, int]) -> dict[str, object]:
        given = (self.animal, self.detector, self.occasion)
        found = [np.array(v, dtype=np.int64).reshape(-1) for v in given]
        sizes = (None, *shape)
        for values, size, what in zip(found, sizes, ("animal", "detector", "occasion"), strict=True):
            if len(values) != len(found[0]):
                raise ParameterError("animal, detector and occasion differ in length")
            if len(values) and (values.min() < 0 or (size is not None and values.max() >= size)):
                row = int(np.flatnonzero((values < 0) | (values >= (size or values.max() + 1)))[0])
                raise ParameterError(
                    f"{what} {values[row] + 1} is outside 1…{size or 'n'}", where=f"detection {row + 1}"
                )
        number = np.ones(len(found[0]), dtype=np.int64) if self.number is None else np.array(self.number)
        if len(number) != len(found[0]) or (number < 1).any():
            raise ParameterError("number needs one count of at least 1 for each record")
        return {"animal": found[0], "detector": found[1], "occasion": found[2], "number": number}

    def _add_up(self) -> None:
        """One record per animal, detector and occasion, in order; places of detection stay with theirs."""
        if self.kind == "polygonX" or self.kind == "points":
            place = self.place_xy_m
            if self.kind == "polygonX" and (place is None or np.shape(place) != (len(self.animal), 2)):
                raise ParameterError("a search needs the place of every detection", fix="Give place_xy_m.")
            return
        occasions, detectors = self.usage.shape[1], len(self.usage)
        flat = (self.animal * detectors + self.detector) * occasions + self.occasion
        if not (np.diff(flat) <= 0).any():
            return
        unique, inverse = np.unique(flat, return_inverse=True)
        number = np.bincount(inverse.reshape(-1), weights=self.counts, minlength=len(unique))
        object.__setattr__(self, "number", number.astype(np.int64))
        object.__setattr__(self, "animal", unique // (detectors * occasions))
        object.__setattr__(self, "detector", unique // occasions % detectors)
        object.__setattr__(self, "occasion", unique % occasions)

    @property
    def occasions(self) -> int:
        """Number of occasions S."""
        return int(self.usage.shape[1])

    @property
    def detectors(self) -> int:
        """Number of detectors K."""
        return int(self.usage.shape[0])

    @property
    def exclusive(self) -> bool:
        """Whether an animal can be recorded by one detector only on an occasion."""
        return self.kind in ("multi", "single", "polygonX", "points")

    @property
    def counts(self) -> Ints:
        """(C,) detections behind each record."""
        assert self.number is not None  # set in __post_init__
        return self.number

    @property
    def places_xy_m(self) -> Floats:
        """(C, 2) where each record was made."""
        return self.xy_m[self.detector] if self.place_xy_m is None else self.place_xy_m


@dataclass(frozen=True, kw_only=True, eq=False)
class Collars:
    """Fixes of collared animals, thinned until they are nearly independent draws of the range.

    Parameters
    ----------
    animal : (F,) index into `ScrSession.animals` of each fix.
    xy_m : (F, 2) metres.
    weight : effective number of independent fixes per fix, ≤ 1, for tracks that are autocorrelated.
    """

    animal: Ints
    xy_m: Floats
    weight: float = 1.0

    def __post_init__(self) -> None:
        animal = np.array(self.animal, dtype=np.int64).reshape(-1)
        xy = check_metres(self.xy_m, what="fixes")
        if len(animal) != len(xy):
            raise ParameterError(f"{len(animal)} animals for {len(xy)} fixes")
        if not 0.0 < self.weight <= 1.0:
            raise ParameterError(f"weight of a fix is {self.weight}, expected above 0 and at most 1")
        object.__setattr__(self, "animal", animal)
        object.__setattr__(self, "xy_m", xy)


@dataclass(frozen=True, kw_only=True, eq=False)
class ScrSession:
    """One population at one time.

    Parameters
    ----------
    mask : habitat cells.
    arrays : detector arrays that met the same animals; several when animals were recognised by all of them.
    animals : names of all animals that were detected or wore a collar.
    name : of the session.
    animal_covariates : sex, age …, each (animals,); None, NaN or "" where unknown.
    mask_covariates : each (cells,); occasion_covariates : each (occasions,).
    covariates : one value each, of the session.
    last_occasion : (animals,) last occasion on which the animal was there, from 0; −1 = never removed.
    collars : fixes of animals.

    Raises
    ------
    ParameterError : numbers of values or indices that disagree.
    EstimateRefused : `caught_without_effort`, `caught_twice`: records contradict effort or kind of detector.
    """

    mask: Mask
    arrays: tuple[DetectorArray, ...]
    animals: tuple[str, ...]
    name: str = "1"
    animal_covariates: Covariates = field(default_factory=dict)
    mask_covariates: Covariates = field(default_factory=dict)
    occasion_covariates: Covariates = field(default_factory=dict)
    covariates: Mapping[str, object] = field(default_factory=dict)
    last_occasion: Ints | None = None
    collars: Collars | None = None

    def __post_init__(self) -> None:
        if not self.arrays and self.collars is None:
            raise ParameterError(f"session {self.name} has neither detectors nor collars")
        animals = checked_ids(self.animals, len(self.animals), "animal")
        object.__setattr__(self, "animals", animals)
        for array in self.arrays:
            if len(array.animal) and array.animal.max() >= len(animals):
                raise ParameterError(
                    f"a detection names animal {array.animal.max() + 1} of {len(animals)}",
                    where=f"session {self.name}",
                )
            check_records(array, animals, self.name)
        for what, covariates, size in (
            ("animal", self.animal_covariates, len(animals)),
            ("mask", self.mask_covariates, self.mask.cells),
        ):
            for key, values in covariates.items():
                if np.shape(np.asarray(values, dtype=object)) != (size,):
                    raise ParameterError(f"{what} covariate {key} of session {self.name} needs {size} values")

    @property
    def detected(self) -> NDArray[np.bool_]:
        """(animals,) which of them were detected by an array."""
        found = np.zeros(len(self.animals), dtype=bool)
        for array in self.arrays:
            found[array.animal] = True
        return found

    @property
    def last(self) -> Ints:
        """(animals,) last occasion of each, a large number where it was never removed."""
        none = np.iinfo(np.int64).max
        if self.last_occasion is None:
            return np.full(len(self.animals), none, dtype=np.int64)
        last = np.asarray(self.last_occasion, dtype=np.int64)
        return np.where(last < 0, none, last)


def check_records(array: DetectorArray, animals: Sequence[str], session: str) -> None:
    """Refuse records that the effort or the kind of detector rules out."""
    where = f"session {session}"

    def record(c: int) -> str:
        return (
            f"animal {animals[array.animal[c]]} by detector {array.detector_names[array.detector[c]]} on "
            f"occasion {array.occasion[c] + 1}"
        )

    off = np.flatnonzero(array.usage[array.detector, array.occasion] == 0)
    if len(off) and array.kind != "points":
        raise EstimateRefused(
            f"{len(off)} detections contradict the effort: {record(int(off[0]))}, when its effort is 0",
            code="caught_without_effort",
            where=where,
            fix="Correct the effort of the detector or the occasion of the capture.",
        )
    most = np.ones(len(array.animal)) if array.kind == "proximity" else np.full(len(array.animal), np.inf)
    if array.kind == "binomial":
        most = np.asarray(array.trials, dtype=np.float64)[array.detector, array.occasion]
    over = np.flatnonzero(array.counts > most)
    if len(over):
        c = int(over[0])
        raise EstimateRefused(
            f"{array.counts[c]} detections of {record(c)}, but these detectors record an animal at most "
            f"{most[c]:.0f} times",
            code="caught_twice",
            where=where,
            fix="Keep one record an occasion, or say that the detectors count.",
        )
    if array.exclusive and len(array.animal):
        moment, times = np.unique(array.animal * array.occasions + array.occasion, return_counts=True)
        if (times > 1).any() or (array.counts > 1).any():
            c = int(np.argmax(array.counts)) if not (times > 1).any() else -1
            again = array.animal[c] * array.occasions + array.occasion[c]
            twice = moment[np.argmax(times)] if c < 0 else again
            raise EstimateRefused(
                f"animal {animals[twice // array.occasions]} was caught more than once on occasion "
                f"{twice % array.occasions + 1}, but these detectors hold an animal until the occasion ends",
                code="caught_twice",
                where=where,
                fix="Keep one capture an occasion, or say that the detectors are of kind proximity or count.",
            )


def captures_scale_m(session: ScrSession) -> float:
    """Root pooled spatial variance of captures and fixes about each animal's mean place, metres.

    √(Σ_i Σ_j |x_ij − x̄_i|² / 2 Σ_i (n_i − 1)), after Calhoun & Casby (1958); 0 without recaptures.
    """
    animal: list[Ints] = []
    places: list[Floats] = []
    weights: list[Floats] = []
    for array in session.arrays:
        animal.append(array.animal)
        places.append(array.places_xy_m)
        weights.append(array.counts.astype(np.float64))
    if session.collars is not None:
        animal.append(session.collars.animal)
        places.append(session.collars.xy_m)
        weights.append(np.ones(len(session.collars.animal)))
    who, xy, weight = np.concatenate(animal), np.concatenate(places), np.concatenate(weights)
    if not len(who):
        return 0.0
    number = np.bincount(who, weights=weight)
    seen = np.maximum(number, 1e-300)
    mean = np.stack([np.bincount(who, weights=weight * xy[:, j]) / seen for j in (0, 1)], axis=1)
    squares = float(weight @ ((xy - mean[who]) ** 2).sum(axis=1))
    recaptures = float(np.maximum(number - 1.0, 0.0).sum())
    return math.sqrt(squares / (2.0 * recaptures)) if recaptures > 0 else 0.0
