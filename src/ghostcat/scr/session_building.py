"""One session of a model, on its way to what the likelihood sees."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import DetectorArray, captures_scale_m
from ghostcat.scr.exposure import BEHAVIOURS, Exposure, Situation, expose
from ghostcat.scr.formulas import Column, factor, formula_names, numeric
from ghostcat.scr.laid_out import LaidOut
from ghostcat.scr.layout import ArrayLayout, ClassLayout, CollarLayout, Predictor, SessionLayout
from ghostcat.scr.search import log_search_effort, search_as_points
from ghostcat.scr.variables import TRUTH, Variables

__all__ = ["SessionBuilder"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class SessionBuilder:
    """One session of a model, on its way to a `SessionLayout`."""

    def __init__(self, laid: LaidOut, variables: Variables, index: int) -> None:
        self.laid, self.model, self.variables, self.index = laid, laid.model, variables, index
        self.data = self.model.sessions[index]
        detected = self.data.detected
        collared = np.zeros(len(detected), dtype=bool)
        if self.data.collars is not None:
            collared[self.data.collars.animal] = True
        self.order = np.concatenate([np.flatnonzero(detected), np.flatnonzero(collared & ~detected)])
        self.detected = int(detected.sum())
        self.n = len(self.order)
        self.place = np.full(len(detected), -1, dtype=np.int64)
        self.place[self.order] = np.arange(self.n)
        self.collapsed = (
            self.model.form == "collapsed" and self.data.collars is None and self.data.last_occasion is None
        )
        self._find_animal_keys()

    def _find_animal_keys(self) -> None:
        names = self.variables.used("animal")
        self.animal_values: dict[str, Column] = {}
        if self.model.groups:
            groups = self.variables.animal_column("g", self.index)[self.order].values
            self.animal_key = np.asarray(groups, dtype=np.int64)
            self.animal_keys = len(self.laid.group_levels)
            self.population = np.arange(self.animal_keys)
            self.animal_values = {"g": Column(self.population, self.laid.group_levels)}
            for name in names:
                if name != "g":
                    self.animal_values[name] = self._group_constant(name)
            return
        if not names or not self.n:
            self.animal_key, self.animal_keys = np.zeros(self.n, dtype=np.int64), 1
            self.population = np.zeros(1, dtype=np.int64)
            return
        columns = [self.variables.animal_column(name, self.index)[self.order] for name in names]
        for name, column in zip(names, columns, strict=True):
            if column.missing.any():
                animal = self.data.animals[self.order[int(np.argmax(column.missing))]]
                raise self.model.refuse_missing(name, f"session {self.data.name}, animal {animal}")
        stacked = np.stack([c.values.astype(np.float64) for c in columns], axis=1)
        _, first, inverse = np.unique(stacked, axis=0, return_index=True, return_inverse=True)
        self.animal_key, self.animal_keys = inverse.reshape(-1), len(first)
        self.population = np.zeros(len(first), dtype=np.int64)
        self.animal_values = {name: c[first] for name, c in zip(names, columns, strict=True)}

    def _group_constant(self, name: str) -> Column:
        """A covariate of animals that is the same for all animals of a group."""
        if name not in self.model.groups:
            raise ParameterError(f"{name!r} is not one of the groups", fix="Add it to groups, or use g.")
        levels = self.variables.known[name].levels
        part = self.model.groups.index(name)
        words = [level.split(".")[part] for level in self.laid.group_levels]
        return factor(words, levels) if levels is not None else numeric([float(w) for w in words])

    def build(self) -> tuple[SessionLayout, Ints]:
        arrays, constants = [], np.zeros(max(int(self.population.max()) + 1, 1))
        population = self.population[self.animal_key]
        marks: list[list[object]] = [[] for _ in range(self.detected)]
        for array in self.data.arrays or (self._idle_array(),):
            used = self._prepared(array)
            exposure = expose(used, self.n, self._situation(used))
            arrays.append(self._array(used, exposure))
            weights = exposure.log_effort + _count_constants(used, self.n)
            if array.kind == "polygonX":
                animal = self.place[array.animal]
                weights += np.bincount(animal, weights=log_search_effort(array), minlength=self.n)
            constants += np.bincount(population, weights=weights, minlength=len(constants))
            last = self.data.last[self.order]
            _add_marks(marks, used, last)
        # Places of detection make every history its own: the field's programs count none of them.
        if not any(array.kind == "polygonX" for array in self.data.arrays):
            constants += self._multiplicity(marks, population)
        mask = self.data.mask
        known_class = np.full(self.n, -1, dtype=np.int64)
        if self.model.hcov is not None:
            values = list(np.asarray(self.data.animal_covariates[self.model.hcov], dtype=object)[self.order])
            known_class = np.asarray(factor(values, self.laid.class_levels).values)
        session = SessionLayout(
            cells_xy_m=mask.xy_m,
            cell_area_ha=mask.cell_area_km2 * 100.0,
            density=None if self.model.conditional else self._density(),
            mixing=self._mixing(),
            arrays=tuple(arrays),
            collars=self._collars(),
            detected=self.detected,
            naive_group=self.animal_key,
            population=self.population,
            known_class=known_class,
            class_covariate=self.model.hcov is not None,
            constant=constants,
            distribution=self.model.distribution,
            # Without detectors nothing is said about the number of animals.
            conditional=self.model.conditional or not self.data.arrays,
        )
        return session, self.order

    def _idle_array(self) -> DetectorArray:
        """One detector that never operated, where collars are all there is."""
        nothing = np.empty(0, dtype=np.int64)
        return DetectorArray(
            xy_m=self.data.mask.xy_m[:1],
            kind="count",
            usage=np.zeros((1, 1)),
            animal=nothing,
            detector=nothing,
            occasion=nothing,
        )

    def _multiplicity(self, marks: list[list[object]], population: Ints) -> Floats:
        """(populations,) ln n! − Σ ln n_c! over the distinct histories of each population."""
        found = np.zeros(max(int(self.population.max()) + 1, 1))
        for group in range(len(found)):
            number = Counter(tuple(mark) for i, mark in enumerate(marks) if population[i] == group)
            found[group] = math.lgamma(sum(number.values()) + 1)
            found[group] -= sum(math.lgamma(c + 1) for c in number.values() if c > 1)
        return found

    def _prepared(self, array: DetectorArray) -> DetectorArray:
        """Records by number of history, and occasions added up where the form says so."""
        own = replace(array, animal=self.place[array.animal])
        if array.kind == "polygonX":
            return self._searched(own)
        if not self.collapsed or array.exclusive:
            return own
        if self.variables.used("occasion", "detector-occasion", "behaviour"):
            raise ParameterError(
                "the collapsed form adds occasions up, but a formula distinguishes them",
                fix='Use the "full" form of the likelihood.',
            )
        first = np.zeros(len(own.animal), dtype=np.int64)
        effort = array.usage.sum(axis=1, keepdims=True)
        if array.kind == "count":
            return replace(own, occasion=first, usage=effort)
        trials = (
            np.floor(effort + 1e-9).astype(np.int64)
            if array.trials is None
            else np.asarray(array.trials).sum(axis=1, keepdims=True)
        )
        each = (trials > 0).astype(np.float64)
        return replace(own, kind="binomial", trials=trials, occasion=first, usage=each)

    def _searched(self, array: DetectorArray) -> DetectorArray:
        if self.model.function not in (14, 16) or self.model.intercept != "lambda0":
            raise EstimateRefused(
                "a search of polygons needs a detection function that integrates to 1 over the plane",
                code="unsupported_detector",
                fix="Use the hazard half-normal (HHN) or the hazard exponential (HEX).",
            )
        local = {"bk", "Bk", "k", "K"} & self.variables.detection_words
        if local:
            raise ParameterError(
                f"{sorted(local)[0]} is the response to a trap, and a search has none", fix="Use b or B."
            )
        return search_as_points(array, captures_scale_m(self.data))

    def _situation(self, array: DetectorArray) -> Situation:
        names = self.variables.used("occasion", "detector-occasion")
        key = np.zeros(array.usage.shape, dtype=np.int64)
        if names:
            values = [
                np.broadcast_to(
                    np.asarray(self.variables.column(n, self.index, array).values, dtype=np.float64),
                    key.shape,
                )
                for n in names
            ]
            stacked = np.stack([v.reshape(-1) for v in values], axis=1)
            _, inverse = np.unique(np.nan_to_num(stacked, nan=-1e300), axis=0, return_inverse=True)
            key = inverse.reshape(key.shape)
        return Situation(
            occasion_key=key,
            animal_key=self.animal_key,
            animal_keys=self.animal_keys,
            last=self.data.last[self.order],
            behaviours=tuple(b for b in BEHAVIOURS if b in self.variables.detection_words),
        )

    def _array(self, array: DetectorArray, exposure: Exposure) -> ArrayLayout:
        classes = []
        for code in range(self.model.classes):
            values = self._row_values(array, exposure, code)
            rows = len(exposure.detector)
            own = {p: self.laid.predictor(p, values, rows) for p in self.model.detection_parameters}
            classes.append(
                ClassLayout(
                    detector=exposure.detector,
                    intercept=own[self.model.intercept],
                    sigma=own["sigma"],
                    shape=own.get("z"),
                    profiles=exposure.profiles,
                    survived=exposure.survived,
                    competed=exposure.competed,
                    catch_row=exposure.catch_row,
                    catch_effort=exposure.catch_effort,
                    caught=exposure.caught,
                    naive=exposure.naive,
                    crowds=exposure.crowds,
                )
            )
        return ArrayLayout(
            xy_m=array.xy_m,
            detectfn=self.model.function,
            intercept_name="a0" if array.kind == "points" else self.model.intercept,
            binary=array.kind in ("proximity", "binomial"),
            classes=tuple(classes),
            distance_m=array.distance_m,
        )

    def _row_values(self, array: DetectorArray, exposure: Exposure, class_code: int) -> dict[str, Column]:
        values: dict[str, Column] = {}
        rows = len(exposure.detector)
        used = [b for b in BEHAVIOURS if b in self.variables.detection_words]
        for name in self.variables.used(
            "session", "occasion", "detector", "detector-occasion", "animal", "behaviour", "class"
        ):
            kind = self.variables.kind(name)
            if kind == "class":
                values[name] = Column(np.full(rows, class_code), self.laid.class_levels)
                continue
            if kind == "behaviour":
                values[name] = Column(exposure.state >> used.index(name) & 1, TRUTH)
                continue
            if kind == "animal":
                values[name] = self.animal_values[name][exposure.animal_key]
                continue
            column = self.variables.column(name, self.index, array)
            if kind == "session":
                values[name] = column[np.zeros(rows, dtype=np.int64)]
            elif kind == "occasion":
                values[name] = column[exposure.occasion]
            elif kind == "detector" or column.values.ndim == 1:
                values[name] = column[exposure.detector]
            else:
                values[name] = column[exposure.detector, exposure.occasion]
            if values[name].missing.any():
                r = int(np.argmax(values[name].missing))
                raise self.model.refuse_missing(
                    name,
                    f"session {self.data.name}, detector {array.detector_names[exposure.detector[r]]}, "
                    f"occasion {exposure.occasion[r] + 1}",
                )
        return values

    def _density(self) -> tuple[Predictor, ...]:
        cells = self.data.mask.cells
        found = []
        for group in range(len(self.laid.group_levels)):
            values: dict[str, Column] = {}
            design = self.laid.designs.get("D")
            for name in design.variables if design else ():
                column = self.variables.density_column(name, self.index)
                assert column is not None  # the formula could not have been read
                if name == "g":
                    column = column[np.full(cells, group)]
                elif len(column.values) == 1:
                    column = column[np.zeros(cells, dtype=np.int64)]
                if column.missing.any():
                    cell = int(np.argmax(column.missing))
                    x, y = self.data.mask.xy_m[cell]
                    raise self.model.refuse_missing(
                        name, f"session {self.data.name}, mask cell {cell + 1} at {x:.0f}, {y:.0f}"
                    )
                values[name] = column
            found.append(self.laid.predictor("D", values, cells))
        return tuple(found)

    def _mixing(self) -> tuple[Predictor, ...]:
        if self.model.classes == 1:
            return ()
        if "pmix" in self.model.fixed:
            return (self.laid.predictor("pmix", {}, self.animal_keys),)
        design = self.laid.designs["pmix"]
        values: dict[str, Column] = {}
        for name in design.variables:
            if self.variables.kind(name) == "animal":
                values[name] = self.animal_values[name]
            else:
                column = self.variables.session_column(name, self.index)
                values[name] = column[np.zeros(self.animal_keys, dtype=np.int64)]
        whole = self.laid.predictor("pmix", values, self.animal_keys)
        width = len(design.names)
        return tuple(
            replace(whole, columns=whole.columns[u * width : (u + 1) * width])
            for u in range(self.model.classes - 1)
        )

    def _collars(self) -> CollarLayout | None:
        collars = self.data.collars
        if collars is None:
            return None
        for name in formula_names(self.model.formula_of("sigma")):
            if self.variables._kind.get(name) in ("occasion", "detector", "detector-occasion", "behaviour"):
                raise ParameterError(
                    f"sigma depends on {name!r}, but the fixes of collars have no {name}",
                    fix="Leave it out of the formula of sigma, or leave the collars out.",
                )
        history = self.place[collars.animal]
        who, start = np.unique(history, return_inverse=True)
        start = start.reshape(-1)
        number = np.bincount(start).astype(np.float64)
        mean = np.stack([np.bincount(start, weights=collars.xy_m[:, j]) / number for j in (0, 1)], axis=1)
        scatter = np.asarray(
            np.bincount(start, weights=((collars.xy_m - mean[start]) ** 2).sum(axis=1)), dtype=np.float64
        )
        sigmas = []
        for code in range(self.model.classes):
            values: dict[str, Column] = {}
            for name in self.laid.designs["sigma"].variables if "sigma" in self.laid.designs else ():
                kind = self.variables.kind(name)
                if kind == "class":
                    values[name] = Column(np.full(len(who), code), self.laid.class_levels)
                elif kind == "animal":
                    values[name] = self.animal_values[name][self.animal_key[who]]
                elif name == "method" and "collar" in self.variables.methods:
                    values[name] = Column(
                        np.full(len(who), self.variables.methods.index("collar")), self.variables.methods
                    )
                elif name == "method":
                    raise ParameterError(
                        "sigma depends on the method, and collars have none",
                        fix="Let all methods share sigma.",
                    )
                else:
                    column = self.variables.session_column(name, self.index)
                    values[name] = column[np.zeros(len(who), dtype=np.int64)]
            sigmas.append(self.laid.predictor("sigma", values, len(who)))
        return CollarLayout(
            history=who,
            fixes=number * collars.weight,
            mean_xy_m=mean,
            scatter_m2=scatter * collars.weight,
            sigma=tuple(sigmas),
        )


def _count_constants(array: DetectorArray, n: int) -> Floats:
    """(n,) Σ −ln y! of counts, or binomial coefficients."""
    from scipy.special import gammaln

    number = array.counts.astype(np.float64)
    if array.kind == "count":
        each = -gammaln(number + 1)
    elif array.kind == "binomial":
        size = np.asarray(array.trials, dtype=np.float64)[array.detector, array.occasion]
        each = gammaln(size + 1) - gammaln(number + 1) - gammaln(size - number + 1)
    else:
        return np.zeros(n)
    return np.asarray(np.bincount(array.animal, weights=each, minlength=n), dtype=np.float64)


def _add_marks(marks: list[list[object]], array: DetectorArray, last: Ints) -> None:
    """Add what makes one animal's history differ from another's."""
    if not len(array.animal):
        for mark in marks:
            mark.append(b"")
        return
    order = np.lexsort((array.occasion, array.detector, array.animal))
    removed = np.where(last[array.animal] == array.occasion, -1, 1)
    record = np.stack([array.detector, array.occasion, array.counts * removed], axis=1)[order]
    animal = array.animal[order]
    start = np.searchsorted(animal, np.arange(len(marks) + 1))
    raw = np.ascontiguousarray(record)
    for i, mark in enumerate(marks):
        mark.append(raw[start[i] : start[i + 1]].tobytes())
