"""Surveys with known truth: any detection function, detectors, effort, behaviour, sexes, collars.

One population is drawn; every array of detectors meets the same animals. `SimulatedSurvey` keeps the
truth beside what the survey would have recorded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.captures import Collars, DetectorArray, ScrSession
from ghostcat.scr.checks import check_metres
from ghostcat.scr.detection import DetectionFunction, detection_hazard
from ghostcat.scr.mask import Mask

__all__ = [
    "ArrayCaptures",
    "ArrayTruth",
    "CollarTruth",
    "Memory",
    "Population",
    "SimulatedSurvey",
    "distances_m",
    "draw_captures",
    "simulate_survey",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["count", "proximity", "multi", "single", "binomial"]
_ON_PROBABILITY = ("HN", "HR", "EX")

# Animals whose summed hazard stays below this are never detected; they are not drawn for.
_UNREACHABLE = 1e-7
_BEHAVIOURS = ("b", "B", "bk", "Bk", "k", "K")


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """Where the animals are, how many, and of which classes."""

    mask: Mask
    density_per_100km2: ArrayLike
    """One number, or (M,) by cell."""
    classes: tuple[str, ...] = ("",)
    """Names of the latent classes, for example ("female", "male")."""
    shares: tuple[float, ...] = (1.0,)
    class_known: float = 1.0
    """Chance that the class of a detected animal is recorded."""
    number: int | None = None
    """A fixed number of animals; by default Poisson with the mean of the density."""
    spread_in_cells: bool = True
    """Activity centres anywhere in their cells; False puts them on the cells, as the likelihood has it."""

    def __post_init__(self) -> None:
        density = np.array(
            np.broadcast_to(np.asarray(self.density_per_100km2, dtype=np.float64), (self.mask.cells,))
        )
        if not (np.isfinite(density) & (density >= 0)).all() or not density.sum() > 0:
            raise ParameterError("density is missing, negative or 0 everywhere")
        share = np.asarray(self.shares, dtype=np.float64)
        if len(share) != len(self.classes) or (share < 0).any() or abs(share.sum() - 1.0) > 1e-9:
            raise ParameterError(f"shares {self.shares} of {len(self.classes)} classes do not add up to 1")
        object.__setattr__(self, "density_per_100km2", density)

    @property
    def expected(self) -> float:
        """Expected number of animals."""
        return float(np.asarray(self.density_per_100km2) @ self.mask.cell_area_km2 / 100.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayTruth:
    """Detectors of one kind, and how animals are detected by them."""

    xy_m: Floats
    """(K, 2)."""
    usage: Floats
    """(K, S) effort; 0 = not operated."""
    lambda0: tuple[ArrayLike, ...]
    """One a class (or one for all): a number, or an array that broadcasts to (S, K); g0 for HN, HR, EX.
    (states, S, K) where `behaviour` names what the states are."""
    sigma_m: tuple[ArrayLike, ...]
    """One a class (or one for all), as `lambda0`."""
    detector: Kind = "count"
    detectfn: DetectionFunction = "HHN"
    shape: ArrayLike | tuple[ArrayLike, ...] = math.nan
    """z, one a class or one for all."""
    behaviour: tuple[str, ...] | str = ()
    """b: after the animal's first detection; B: after the occasion before; bk, Bk: the same at one detector;
    k, K: at a detector where any animal was detected before. Of several the first is the lowest bit of
    the state."""
    behaviour_effect: float = 0.0
    """Added to ln λ0 (logit g0) in state 1, where `lambda0` does not have the states itself."""
    name: str = "cameras"
    trials: NDArray[np.int64] | None = None
    """(K, S), for binomial detectors."""
    distance_m: Floats | None = None
    """(K, M) distances to the cells of the population's mask, where they are not Euclidean."""

    def __post_init__(self) -> None:
        xy = check_metres(self.xy_m, what="detectors")
        usage = np.array(self.usage, dtype=np.float64, ndmin=2)
        if usage.shape[0] != len(xy) or not (np.isfinite(usage) & (usage >= 0)).all():
            raise ParameterError(
                f"usage has shape {usage.shape}, expected ({len(xy)}, occasions) of numbers ≥ 0"
            )
        behaviour = (self.behaviour,) if isinstance(self.behaviour, str) else tuple(self.behaviour)
        behaviour = tuple(b for b in behaviour if b)
        unknown = [b for b in behaviour if b not in _BEHAVIOURS]
        if unknown:
            raise ParameterError(
                f"behaviour {unknown[0]!r} is not known", fix=f"Known: {', '.join(_BEHAVIOURS)}."
            )
        object.__setattr__(self, "xy_m", xy)
        object.__setattr__(self, "usage", usage)
        object.__setattr__(self, "behaviour", behaviour)

    @property
    def states(self) -> int:
        """States of behaviour that are told apart."""
        return int(1 << len(self.behaviour))

    def parameters(self, kind: int) -> tuple[Floats, Floats, Floats]:
        """(states, S, K) intercept, sigma and z of a class."""
        shapes = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        top, sigma, z = (
            self._by_state(v[min(kind, len(v) - 1)]) for v in (self.lambda0, self.sigma_m, shapes)
        )
        given = np.ndim(self.lambda0[min(kind, len(self.lambda0) - 1)])
        if self.states == 2 and given < 3 and self.behaviour_effect:
            top = top.copy()
            top[1] = _shifted(top[1], self)
        return top, sigma, z

    def _by_state(self, value: ArrayLike) -> Floats:
        whole = (self.states, *self.usage.T.shape)
        return np.asarray(np.broadcast_to(np.asarray(value, dtype=np.float64), whole))


@dataclass(frozen=True, kw_only=True)
class CollarTruth:
    """Collared animals: fixes are independent bivariate normal draws about the activity centre."""

    animals: int
    fixes: int
    sigma_m: tuple[float, ...]
    """One a class, or one for all."""
    within: Callable[[Floats], NDArray[np.bool_]] | None = None
    """Which activity centres (N, 2) can be collared; by default all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayCaptures:
    """What one array recorded. Animals are numbered as in the population."""

    array: ArrayTruth
    captures: Ints
    """(C, 3) animal, occasion, detector of each detection; a count of 2 makes two rows."""

    @property
    def seen(self) -> Ints:
        """Animals that were detected, in order."""
        return np.unique(self.captures[:, 0])

    @property
    def recaptures(self) -> int:
        """Detections after an animal's first."""
        return len(self.captures) - len(self.seen)

    def detectors(self, row: Ints, covariates: Mapping[str, ArrayLike]) -> DetectorArray:
        """The array with its records; `row` turns an animal of the population into one of the session."""
        return DetectorArray(
            xy_m=self.array.xy_m,
            kind=self.array.detector,
            usage=self.array.usage,
            animal=row[self.captures[:, 0]],
            occasion=self.captures[:, 1],
            detector=self.captures[:, 2],
            covariates=dict(covariates),
            name=self.array.name,
            trials=self.array.trials,
            distance_m=self.array.distance_m,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedSurvey:
    """The truth, and what each array recorded of it."""

    population: Population
    centres_xy_m: Floats
    """(N, 2) of all animals."""
    cells: Ints
    """(N,) mask cell of each."""
    classes: Ints
    """(N,) true class."""
    recorded_class: Ints
    """(N,) class as recorded, −1 where nobody could tell."""
    arrays: tuple[ArrayCaptures, ...]
    collared: Ints
    """(A,) animals with a collar."""
    fixes_xy_m: Floats
    """(A, F, 2)."""

    @property
    def animals(self) -> int:
        """All animals of the population, seen or not."""
        return len(self.centres_xy_m)

    @property
    def seen(self) -> Ints:
        """Animals that any array detected."""
        return np.unique(np.concatenate([a.captures[:, 0] for a in self.arrays]))

    def session(
        self,
        arrays: Sequence[int] | None = None,
        *,
        name: str = "1",
        collars: bool = True,
        mask: Mask | None = None,
        mask_covariates: Mapping[str, ArrayLike] | None = None,
        detector_covariates: Sequence[Mapping[str, ArrayLike]] = (),
        class_name: str = "sex",
    ) -> ScrSession:
        """What the survey would hand in for estimation: the truth is left behind.

        Parameters
        ----------
        arrays : which arrays, all by default; animals are recognised across them.
        collars : whether the collared animals and their fixes are part of it.
        mask : to estimate with; by default that of the population.
        mask_covariates, detector_covariates : of the mask, and of each chosen array.
        class_name : animal covariate that holds the recorded class, empty where unknown.
        """
        chosen = [self.arrays[i] for i in (range(len(self.arrays)) if arrays is None else arrays)]
        none = np.empty(0, dtype=np.int64)
        seen = np.unique(np.concatenate([none, *(a.captures[:, 0] for a in chosen)]))
        only = np.setdiff1d(self.collared, seen) if collars else np.empty(0, dtype=np.int64)
        ids = np.concatenate([seen, only])
        row = np.full(max(self.animals, 1), -1, dtype=np.int64)
        row[ids] = np.arange(len(ids))
        covariates = tuple(detector_covariates) or ({},) * len(chosen)
        recorded = self.recorded_class[ids]
        names = self.population.classes
        return ScrSession(
            name=name,
            mask=mask or self.population.mask,
            mask_covariates=dict(mask_covariates or {}),
            arrays=tuple(a.detectors(row, c) for a, c in zip(chosen, covariates, strict=True)),
            animals=tuple(f"A{i + 1}" for i in ids),
            animal_covariates={class_name: [names[c] if c >= 0 else "" for c in recorded]}
            if len(names) > 1
            else {},
            collars=Collars(
                animal=np.repeat(row[self.collared], self.fixes_xy_m.shape[1]),
                xy_m=self.fixes_xy_m.reshape(-1, 2),
            )
            if collars and len(self.collared)
            else None,
        )


def simulate_survey(
    population: Population,
    arrays: Sequence[ArrayTruth],
    *,
    rng: np.random.Generator,
    collars: CollarTruth | None = None,
) -> SimulatedSurvey:
    """Draw one population and what every array of detectors records of it.

    Parameters
    ----------
    population : density, classes, and how often the class is known.
    arrays : detectors; all meet the same animals, and keep their own memory of behaviour.
    rng : source of randomness.
    collars : animals that carry a collar besides.

    Returns
    -------
    SimulatedSurvey

    Raises
    ------
    ParameterError : more collars than animals within reach.

    >>> from ghostcat.scr.mask import make_mask
    >>> traps = 2000.0 * np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=-1).reshape(-1, 2)
    >>> where = Population(mask=make_mask(traps, sigma_m=2000.0), density_per_100km2=5.0)
    >>> cameras = ArrayTruth(xy_m=traps, usage=np.ones((16, 30)), lambda0=(0.05,), sigma_m=(2000.0,))
    >>> drawn = simulate_survey(where, [cameras], rng=np.random.default_rng(3))
    >>> bool(0 < len(drawn.seen) <= drawn.animals)
    True
    """
    centres, classes, cell = _draw_animals(population, rng)
    known = rng.random(len(centres)) < population.class_known
    recorded = np.where(known & (len(population.classes) > 1), classes, -1)
    found = tuple(
        ArrayCaptures(
            array=array, captures=draw_captures(array, distances_m(array, centres, cell), classes, rng)
        )
        for array in arrays
    )
    collared, fixes = _draw_collars(collars, centres, classes, rng)
    return SimulatedSurvey(
        population=population,
        centres_xy_m=centres,
        cells=cell,
        classes=classes,
        recorded_class=recorded,
        arrays=found,
        collared=collared,
        fixes_xy_m=fixes,
    )


def _draw_animals(population: Population, rng: np.random.Generator) -> tuple[Floats, Ints, Ints]:
    mask = population.mask
    mean = np.asarray(population.density_per_100km2) * mask.cell_area_km2 / 100.0
    number = population.number if population.number is not None else int(rng.poisson(mean.sum()))
    cell = rng.choice(mask.cells, size=number, p=mean / mean.sum())
    centres = mask.xy_m[cell]
    if population.spread_in_cells:
        side = 1000.0 * np.sqrt(mask.cell_area_km2[cell])[:, None]
        centres = centres + side * rng.uniform(-0.5, 0.5, size=(number, 2))
    classes = rng.choice(len(population.shares), size=number, p=np.asarray(population.shares))
    return centres, classes.astype(np.int64), cell.astype(np.int64)


def distances_m(array: ArrayTruth, centres: Floats, cell: Ints) -> Floats:
    """(n, K) distances of activity centres to detectors."""
    if array.distance_m is not None:
        return np.asarray(array.distance_m.T[cell])
    return np.asarray(np.hypot(centres[:, :1] - array.xy_m[:, 0], centres[:, 1:] - array.xy_m[:, 1]))


def draw_captures(array: ArrayTruth, distance: Floats, classes: Ints, rng: np.random.Generator) -> Ints:
    """(C, 3) animal, occasion and detector of each detection of animals at known distances.

    Parameters
    ----------
    array : detectors.
    distance : (n, K) metres.
    classes : (n,).
    """
    parameters = [array.parameters(kind) for kind in range(int(classes.max(initial=0)) + 1)]
    near = _within_reach(array, distance, classes, parameters)
    distance, of = distance[near], classes[near]
    memory = Memory(array, len(near))
    column = np.arange(len(array.xy_m))
    rows = [np.empty((0, 3), dtype=np.int64)]
    for occasion in range(array.usage.shape[1]):
        effort = array.usage[:, occasion]
        counts = np.zeros(distance.shape, dtype=np.int64)
        if effort.any():
            hazard = np.empty_like(distance)
            state = memory.state()
            for kind, values in enumerate(parameters):
                members = of == kind
                top, sigma, z = (v[state[members], occasion, column] for v in values)
                hazard[members] = detection_hazard(
                    distance[members], top, sigma, detectfn=array.detectfn, shape=z
                )
            trials = None if array.trials is None else array.trials[:, occasion]
            counts = _draw(array.detector, hazard * effort, trials, rng)
        if counts.any():
            animal, place = np.nonzero(counts)
            one = np.stack([near[animal], np.full(len(animal), occasion), place], axis=1)
            rows.append(np.repeat(one, counts[animal, place], axis=0))
        memory.learn(counts > 0)
    return np.concatenate(rows)


class Memory:
    """What animals and detectors remember; `state` tells how each animal now meets each detector."""

    def __init__(self, array: ArrayTruth, animals: int) -> None:
        self.behaviour = array.behaviour
        self.ever = np.zeros((animals, len(array.xy_m)), dtype=bool)
        self.last = np.zeros_like(self.ever)

    def state(self) -> Ints:
        """(n, K) number of the state."""
        state = np.zeros(self.ever.shape, dtype=np.int64)
        for bit, word in enumerate(self.behaviour):
            caught = self.last if word in ("B", "Bk", "K") else self.ever
            changed = caught
            if word in ("b", "B"):
                changed = np.asarray(caught.any(axis=1))[:, None]
            elif word in ("k", "K"):
                changed = np.asarray(caught.any(axis=0))[None, :]
            state |= np.where(changed, 1 << bit, 0)
        return state

    def learn(self, caught: NDArray[np.bool_]) -> None:
        self.last = caught
        self.ever = self.ever | caught


def _within_reach(
    array: ArrayTruth, distance: Floats, classes: Ints, parameters: Sequence[tuple[Floats, Floats, Floats]]
) -> Ints:
    """Animals that could be detected at all; with k, K everyone shares the detectors' memory anyway."""
    most = np.zeros(len(distance))
    effort = array.usage.sum(axis=1) * (1 if array.trials is None else array.trials.max(initial=1))
    for kind, (top, sigma, z) in enumerate(parameters):
        members = classes == kind
        flat = [v.reshape(-1, len(effort)) for v in (top, sigma, z)]
        # z changes the reach either way: both ends are tried.
        for shape in (flat[2].min(axis=0), flat[2].max(axis=0)):
            hazard = detection_hazard(
                distance[members],
                flat[0].max(axis=0),
                flat[1].max(axis=0),
                detectfn=array.detectfn,
                shape=shape,
            )
            most[members] = np.maximum(most[members], hazard @ effort)
    return np.flatnonzero(most > _UNREACHABLE)


def _shifted(top: Floats, array: ArrayTruth) -> Floats:
    effect = array.behaviour_effect
    if array.detectfn in _ON_PROBABILITY:
        odds = top / (1.0 - top) * math.exp(effect)
        return np.asarray(odds / (1.0 + odds))
    return np.asarray(top * math.exp(effect))


def _draw(
    detector: str, exposure: Floats, trials: NDArray[np.int64] | None, rng: np.random.Generator
) -> Ints:
    if detector == "binomial":
        if trials is None:
            raise ParameterError("binomial detectors need the number of trials", fix="Give trials.")
        return np.asarray(rng.binomial(trials, -np.expm1(-exposure)), dtype=np.int64)
    return _DRAW[detector](exposure, rng)


def _draw_count(exposure: Floats, rng: np.random.Generator) -> Ints:
    return np.asarray(rng.poisson(exposure), dtype=np.int64)


def _draw_proximity(exposure: Floats, rng: np.random.Generator) -> Ints:
    return (rng.random(exposure.shape) < -np.expm1(-exposure)).astype(np.int64)


def _draw_multi(exposure: Floats, rng: np.random.Generator) -> Ints:
    """The first of competing events: one trap at most an animal."""
    counts = np.zeros(exposure.shape, dtype=np.int64)
    waiting = rng.exponential(size=exposure.shape) / np.maximum(exposure, 1e-300)
    if exposure.size:
        first = waiting.argmin(axis=1)
        animals = np.flatnonzero(waiting[np.arange(len(waiting)), first] < 1.0)
        counts[animals, first[animals]] = 1
    return counts


def _draw_single(exposure: Floats, rng: np.random.Generator) -> Ints:
    """Competing events in the order of time: one trap an animal, one animal a trap."""
    counts = np.zeros(exposure.shape, dtype=np.int64)
    waiting = rng.exponential(size=exposure.shape) / np.maximum(exposure, 1e-300)
    events = np.argwhere(waiting < 1.0)
    order = np.argsort(waiting[events[:, 0], events[:, 1]])
    caught = np.zeros(len(exposure), dtype=bool)
    filled = np.zeros(exposure.shape[1], dtype=bool)
    for animal, trap in events[order]:
        if not caught[animal] and not filled[trap]:
            counts[animal, trap] = 1
            caught[animal] = filled[trap] = True
    return counts


_DRAW: dict[str, Callable[[Floats, np.random.Generator], Ints]] = {
    "count": _draw_count,
    "proximity": _draw_proximity,
    "multi": _draw_multi,
    "single": _draw_single,
}


def _draw_collars(
    collars: CollarTruth | None, centres: Floats, classes: Ints, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    if collars is None or collars.animals == 0:
        return np.empty(0, dtype=np.int64), np.empty((0, 0, 2))
    eligible = np.flatnonzero(collars.within(centres)) if collars.within else np.arange(len(centres))
    if len(eligible) < collars.animals:
        raise ParameterError(f"{collars.animals} collars for {len(eligible)} animals that could carry one")
    chosen = np.sort(rng.choice(eligible, size=collars.animals, replace=False))
    sigma = np.asarray(collars.sigma_m)[np.minimum(classes[chosen], len(collars.sigma_m) - 1)]
    spread = rng.normal(size=(collars.animals, collars.fixes, 2)) * sigma[:, None, None]
    return chosen, centres[chosen][:, None, :] + spread
