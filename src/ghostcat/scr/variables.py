"""What the names in formulas mean, in each session and array of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import DetectorArray, ScrSession
from ghostcat.scr.exposure import BEHAVIOURS
from ghostcat.scr.formulas import Column, column_of, factor, formula_names, numeric
from ghostcat.scr.model import ScrModel

__all__ = ["TRUTH", "Variables", "class_levels", "group_levels"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRUTH = ("FALSE", "TRUE")
_PLACE = ("x", "y", "x2", "y2", "xy")


def group_levels(model: ScrModel) -> tuple[str, ...]:
    if not model.groups:
        return ("",)
    words: set[str] = set()
    columns = [group_words(model, session) for session in model.sessions]
    for column in columns:
        words |= set(column)
    found = factor(sorted(words)).levels
    return found or ("",)


def group_words(model: ScrModel, session: ScrSession) -> list[str]:
    parts = []
    for name in model.groups:
        if name not in session.animal_covariates:
            raise ParameterError(
                f"groups name {name!r}, which is no covariate of animals in session {session.name}"
            )
        values = np.asarray(session.animal_covariates[name], dtype=object)
        column = factor(list(values))
        if column.missing.any():
            animal = session.animals[int(np.argmax(column.missing))]
            raise model.refuse_missing(name, f"session {session.name}, animal {animal}")
        parts.append([(column.levels or ())[code] for code in column.values])
    return [".".join(words) for words in zip(*parts, strict=True)]


def class_levels(model: ScrModel) -> tuple[str, ...]:
    if model.classes == 1:
        return ("1",)
    if model.hcov is None:
        return tuple(str(u + 1) for u in range(model.classes))
    values: list[object] = []
    for session in model.sessions:
        if model.hcov not in session.animal_covariates:
            raise ParameterError(
                f"hcov names {model.hcov!r}, which is no covariate of animals in session {session.name}"
            )
        values += list(np.asarray(session.animal_covariates[model.hcov], dtype=object))
    levels = factor(values).levels or ()
    if len(levels) != model.classes:
        raise EstimateRefused(
            f"class covariate {model.hcov} has {len(levels)} known levels "
            f"({', '.join(levels) or 'none'}), the model has {model.classes} classes",
            code="class_without_animals",
            fix=f"Every class needs animals whose {model.hcov} is known; otherwise leave hcov out.",
        )
    return levels


class Variables:
    """What the names in formulas mean, in each session and array."""

    def __init__(self, model: ScrModel, groups: tuple[str, ...], classes: tuple[str, ...]) -> None:
        self.model, self.groups, self.classes = model, groups, classes
        self.session_names = tuple(session.name for session in model.sessions)
        self.methods = tuple(
            dict.fromkeys(array.name for session in model.sessions for array in session.arrays)
        )
        self.detection_words = {
            word
            for parameter in (*model.detection_parameters, "pmix")
            for word in formula_names(model.formula_of(parameter))
        }
        self.density_words = set(formula_names(model.formula_of("D"))) if not model.conditional else set()
        self.known: dict[str, Column] = {}
        self._kind: dict[str, str] = {}
        self._find()
        self.place = self._place_scale() if self.density_words & set(_PLACE) else (np.zeros(2), np.ones(2))
        self._levels: dict[str, tuple[str, ...] | None] = {}

    def kind(self, name: str) -> str:
        """session, occasion, detector, detector-occasion, animal, behaviour or class."""
        return self._kind[name]

    def used(self, *kinds: str) -> list[str]:
        """Variables of detection of these kinds."""
        return sorted(n for n in self.detection_words if self._kind.get(n) in kinds)

    def _find(self) -> None:
        model = self.model
        for name in self.detection_words:
            kind = self._kind_of(name)
            if kind is not None:
                self._kind[name] = kind
                self.known[name] = self._union([c for c in self._all(name, kind)])
        if model.conditional or model.groups:
            return
        for name in self.used("animal"):
            if name != "g":
                raise ParameterError(
                    f"{name!r} is a covariate of animals, and the full likelihood must know it for animals "
                    "that were never detected",
                    fix="Use it as `groups` or as `hcov` (with h2), or fit the conditional likelihood (CL).",
                )

    def _kind_of(self, name: str) -> str | None:
        model = self.model
        if name in ("session", "Session", "method"):
            return "session"
        if name in ("h2", "h3"):
            return "class"
        if name == "g":
            return "animal"
        if name in BEHAVIOURS:
            return "behaviour"
        if name in ("t", "T"):
            return "occasion"
        if name in ("k", "K"):
            return "detector-occasion"
        if all(name in session.covariates for session in model.sessions):
            return "session"
        if all(name in session.occasion_covariates for session in model.sessions):
            return "occasion"
        arrays = [array for session in model.sessions for array in session.arrays]
        if arrays and all(name in array.covariates for array in arrays):
            varies = any(np.ndim(np.asarray(a.covariates[name], dtype=object)) == 2 for a in arrays)
            return "detector-occasion" if varies else "detector"
        if all(name in session.animal_covariates for session in model.sessions):
            return "animal"
        return None

    def _all(self, name: str, kind: str) -> Iterator[Column]:
        for index, session in enumerate(self.model.sessions):
            if kind == "animal":
                yield self.animal_column(name, index)
            elif kind in ("behaviour", "class"):
                yield self.state_column(name)
            elif kind == "session" and name != "method":
                yield self.session_column(name, index)
            else:
                for array in session.arrays:
                    yield self.column(name, index, array)

    @staticmethod
    def _union(columns: list[Column]) -> Column:
        if not columns:
            return numeric([])
        if any(c.levels is not None for c in columns):
            if any(c.levels is None for c in columns):
                columns = [c if c.levels is not None else factor(list(c.values.reshape(-1))) for c in columns]
            found = [level for c in columns for level in c.levels or ()]
            distinct = tuple(dict.fromkeys(found))
            first = columns[0].levels or ()
            levels = first if set(distinct) == set(first) else factor(list(distinct)).levels
            columns = [c.of_levels(levels) for c in columns]
            return Column(np.concatenate([c.values.reshape(-1) for c in columns]), levels)
        return numeric(np.concatenate([c.values.reshape(-1) for c in columns]))

    def state_column(self, name: str) -> Column:
        """All values of a behaviour or class."""
        levels = TRUTH if name in BEHAVIOURS else self.classes
        return Column(np.arange(len(levels)), levels)

    def animal_column(self, name: str, session: int) -> Column:
        """(animals,) values of an animal covariate, or of the group."""
        data = self.model.sessions[session]
        if name == "g":
            if not self.model.groups:
                raise ParameterError("a formula uses g, but the model has no groups", fix="Give groups.")
            return factor(group_words(self.model, data), self.groups)
        return self._coded(name, column_of(np.asarray(data.animal_covariates[name], dtype=object)))

    def session_column(self, name: str, session: int) -> Column:
        """(1,) value of a variable that only depends on the session, or on its first method."""
        data = self.model.sessions[session]
        if name == "session":
            return Column(np.array([session]), self.session_names)
        if name == "Session":
            return numeric([float(session)])
        if name == "method":
            found = self.methods.index(data.arrays[0].name) if data.arrays else -1
            return Column(np.array([found]), self.methods)
        return self._coded(name, column_of(np.asarray([data.covariates[name]], dtype=object)))

    def column(self, name: str, session: int, array: DetectorArray) -> Column:
        """Values of a variable of session (one), occasion (S,), detector (K,) or both (K, S)."""
        data = self.model.sessions[session]
        if name == "method":
            return Column(np.array([self.methods.index(array.name)]), self.methods)
        if name in ("session", "Session") or name in data.covariates:
            return self.session_column(name, session)
        if name == "t":
            most = max(a.occasions for s in self.model.sessions for a in s.arrays)
            return Column(np.arange(array.occasions), tuple(str(s + 1) for s in range(most)))
        if name == "T":
            return numeric(np.arange(array.occasions, dtype=np.float64))
        if name in ("k", "K"):
            return Column(_site_response(array, name), TRUTH)
        source = data.occasion_covariates if name in data.occasion_covariates else array.covariates
        return self._coded(name, column_of(np.asarray(source[name], dtype=object)))

    def _coded(self, name: str, column: Column) -> Column:
        """In the levels that hold for all sessions, once those are known."""
        if name not in self.known:
            return column
        known = self.known[name].levels
        if known is not None and column.levels is None:
            column = factor(list(column.values.reshape(-1)))
        return column.of_levels(known)

    def known_for(self, parameter: str) -> Mapping[str, Column]:
        """Variables that a parameter's formula may use."""
        if parameter != "D":
            if parameter == "pmix":
                return {n: c for n, c in self.known.items() if self._kind.get(n) in ("session", "animal")}
            return self.known
        known = {}
        for name in self.density_words:
            parts = [self.density_column(name, i) for i in range(len(self.model.sessions))]
            columns = [c for c in parts if c is not None]
            if len(columns) == len(parts):
                known[name] = self._union(columns)
        self.known.update({n: c for n, c in known.items() if n not in self.known})
        return known

    def density_column(self, name: str, session: int) -> Column | None:
        """(M,) or (1,) values of a variable of density; None where there is no such variable."""
        data = self.model.sessions[session]
        if name in _PLACE:
            x, y = ((data.mask.xy_m - self.place[0]) / self.place[1]).T
            return numeric({"x": x, "y": y, "x2": x * x, "y2": y * y, "xy": x * y}[name])
        if name == "session":
            return Column(np.array([session]), self.session_names)
        if name == "Session":
            return numeric([float(session)])
        if name == "g":
            return Column(np.arange(len(self.groups)), self.groups)
        if name in data.mask_covariates:
            return self._coded(name, column_of(np.asarray(data.mask_covariates[name], dtype=object)))
        if name in data.covariates:
            return self._coded(name, column_of(np.asarray([data.covariates[name]], dtype=object)))
        return None

    def _place_scale(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation (n − 1) of mask coordinates, each coordinate by its own."""
        xy = np.concatenate([session.mask.xy_m for session in self.model.sessions])
        return xy.mean(axis=0), xy.std(axis=0, ddof=1)


def _site_response(array: DetectorArray, name: str) -> Ints:
    """(K, S) 1 where any animal was caught at the detector before (k), or on the occasion before (K)."""
    caught = np.zeros(array.usage.shape, dtype=np.int64)
    caught[array.detector, array.occasion] = 1
    state = np.zeros_like(caught)
    state[:, 1:] = np.maximum.accumulate(caught, axis=1)[:, :-1] if name == "k" else caught[:, :-1]
    return state
