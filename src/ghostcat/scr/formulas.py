"""Formulas, and the columns that they make of variables.

Sums and products of names (`~1`, `~x + y`, `~b * T`) are read here, since a first small fit should not wait
for a library to load; everything else (splines, transformations, `C(x)`, `-1`, `I(x**2)`) goes to formulaic.
Factors are coded as treatment contrasts against their first level, and columns are named as in R:
the level follows the name of its factor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError

__all__ = ["Column", "Design", "factor", "formula_names", "numeric", "read_formula"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NAME = re.compile(r"[A-Za-z_.][A-Za-z0-9_.]*\Z")
_TOKEN = re.compile(r"[A-Za-z_.][A-Za-z0-9_.]*")


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one variable: numbers, or codes of levels; NaN or −1 where it is missing."""

    values: Floats | Ints
    levels: tuple[str, ...] | None = None

    def __getitem__(self, index: Any) -> Column:
        return Column(self.values[index], self.levels)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where the variable has no value."""
        return np.asarray(self.values < 0 if self.levels is not None else ~np.isfinite(self.values))

    def of_levels(self, levels: tuple[str, ...] | None) -> Column:
        """The same values coded in other, more levels."""
        if self.levels is None or levels is None or self.levels == levels:
            return self
        place = np.array([levels.index(level) for level in self.levels] + [-1], dtype=np.int64)
        return Column(place[self.values], levels)


def numeric(values: ArrayLike) -> Column:
    """A variable of numbers."""
    return Column(np.asarray(values, dtype=np.float64))


def factor(values: Sequence[object] | NDArray[Any], levels: Sequence[str] | None = None) -> Column:
    """A variable of levels, sorted as R does: without regard to case first.

    >>> factor(["m", "f", None, "m"]).levels, factor(["m", "f", None, "m"]).values.tolist()
    (('f', 'm'), [1, 0, -1, 1])
    """
    words = ["" if _unknown(v) else str(v) for v in values]
    if levels is None:
        levels = sorted({w for w in words if w}, key=lambda w: (w.casefold(), w.swapcase()))
    code = {level: i for i, level in enumerate(levels)}
    return Column(np.array([code.get(w, -1) for w in words], dtype=np.int64), tuple(levels))


def column_of(values: ArrayLike | Sequence[object] | Column) -> Column:
    """Numbers if every known value is one, else levels."""
    if isinstance(values, Column):
        return values
    array = np.asarray(values)
    if array.dtype == np.bool_:
        return Column(array.astype(np.int64), ("FALSE", "TRUE"))
    if array.dtype.kind in "iuf":
        return numeric(array)
    flat = array.reshape(-1)
    try:
        number = np.array([np.nan if _unknown(v) else float(v) for v in flat])
    except (TypeError, ValueError):
        found = factor(list(flat))
        return Column(found.values.reshape(array.shape), found.levels)
    return numeric(number.reshape(array.shape))


def _unknown(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, str) and value.strip() in ("", "NA", "NaN", "nan"))
        or (isinstance(value, float) and value != value)
    )


def formula_names(formula: str) -> tuple[str, ...]:
    """Every word of a formula that could be a variable.

    >>> formula_names("~ b + log(d.to.shore):sex")
    ('b', 'log', 'd.to.shore', 'sex')
    """
    body = re.sub(r"\bk\s*=|\bdf\s*=|\bdegree\s*=", " ", formula)
    return tuple(dict.fromkeys(t for t in _TOKEN.findall(body) if not re.fullmatch(r"\.*", t)))


@dataclass(frozen=True, eq=False)
class Design:
    """Columns of one formula: their names, and how to make them for any values of its variables."""

    names: tuple[str, ...]
    """"" for the intercept."""
    variables: tuple[str, ...]
    make: Callable[[Mapping[str, Column], int], Floats]
    """(values of the variables, number of rows) → (rows, columns)."""


def read_formula(formula: str, known: Mapping[str, Column]) -> Design:
    """Read one formula.

    Parameters
    ----------
    formula : right side with "~", for example "~ b + T".
    known : every variable that it may use, with all values that occur: they fix levels and knots.

    Raises
    ------
    ParameterError : a name that is not known, or a formula that cannot be read.

    >>> design = read_formula("~ sex", {"sex": factor(["f", "m"])})
    >>> design.names, design.make({"sex": factor(["m"], ["f", "m"])}, 1).tolist()
    (('', 'sexm'), [[1.0, 1.0]])
    """
    body = formula.strip()
    if not body.startswith("~"):
        raise ParameterError(
            f"formula {formula!r} does not start with ~", fix='Write, for example, "~ b + T".'
        )
    terms = _plain_terms(body[1:])
    if terms is None:
        return _read_with_formulaic(formula, body[1:], known)
    for name in dict.fromkeys(n for term in terms for n in term):
        if name not in known:
            raise _unknown_name(name, formula, known)
    return _plain_design(terms, known)


def _unknown_name(name: str, formula: str, known: Mapping[str, Column]) -> ParameterError:
    return ParameterError(
        f"{name!r} in formula {formula!r} is not a variable of these data",
        fix="Known here are " + (", ".join(sorted(known)) or "no variables") + ".",
    )


def _plain_terms(body: str) -> list[tuple[str, ...]] | None:
    """Terms of a sum of products of names, by degree; None where the formula is more than that."""
    terms: list[tuple[str, ...]] = []
    for part in body.split("+"):
        if part.strip() == "1":
            continue
        star = [p.strip() for p in part.split("*")]
        pieces: list[tuple[str, ...]] = [()]
        for factor_part in star:
            names = tuple(n.strip() for n in factor_part.split(":"))
            if not all(_NAME.match(n) for n in names):
                return None
            pieces += [(*piece, *names) for piece in pieces]
        terms += [tuple(dict.fromkeys(piece)) for piece in pieces if piece] if len(star) > 1 else [pieces[-1]]
    unique = list(dict.fromkeys(terms))
    sets = {frozenset(term) for term in unique}
    for term in unique:
        # A product without its parts codes its factors in full: left to formulaic.
        if len(term) > 1 and any(frozenset(term) - {n} not in sets for n in term):
            return None
    return sorted(unique, key=len)


def _plain_design(terms: Sequence[tuple[str, ...]], known: Mapping[str, Column]) -> Design:
    levels = {name: known[name].levels for term in terms for name in term}
    names = [""]
    for term in terms:
        words = [""]
        for name in term:
            own = [name] if levels[name] is None else [name + level for level in (levels[name] or ())[1:]]
            words = [f"{w}:{o}" if w else o for o in own for w in words]
        names += words

    def make(values: Mapping[str, Column], rows: int) -> Floats:
        columns: list[Floats] = [np.ones(rows)]
        for term in terms:
            parts: list[Floats] = [np.ones(rows)]
            for name in term:
                column = values[name].of_levels(levels[name])
                own = (
                    [np.asarray(column.values, dtype=np.float64)]
                    if levels[name] is None
                    else [
                        (column.values == code).astype(np.float64)
                        for code in range(1, len(levels[name] or ()))
                    ]
                )
                parts = [p * o for o in own for p in parts]
            columns += parts
        return np.stack(columns, axis=1) if rows else np.empty((0, len(columns)))

    return Design(tuple(names), tuple(levels), make)


def _read_with_formulaic(formula: str, body: str, known: Mapping[str, Column]) -> Design:
    import pandas as pd
    from formulaic import model_matrix
    from formulaic.errors import FormulaicError

    alias = {name: "v_" + re.sub(r"\W", "_", name) for name in known}
    words = [w for w in formula_names(body) if w in known]
    # Smooths as mgcv writes them: k − 1 free columns of a cubic regression spline.
    text = re.sub(
        r"\bs\(\s*([A-Za-z_.][A-Za-z0-9_.]*)\s*(?:,\s*k\s*=\s*(\d+)\s*)?\)",
        lambda m: f"cr({m.group(1)}, df={int(m.group(2) or 5) - 1}, constraints='center')",
        body,
    )
    text = _TOKEN.sub(lambda m: alias.get(m.group(0), m.group(0)), text)
    levels = {name: known[name].levels for name in words}

    def frame(values: Mapping[str, Column], rows: int) -> pd.DataFrame:
        columns: dict[str, Any] = {}
        for name in words:
            column = values[name].of_levels(levels[name])
            if column.levels is None:
                columns[alias[name]] = column.values
            else:
                codes = column.values.astype(np.int64)
                columns[alias[name]] = pd.Categorical.from_codes(codes, pd.Index(column.levels))
        return pd.DataFrame(columns, index=range(rows))

    length = max((len(known[name].values) for name in words), default=1)
    padded = {name: known[name][np.arange(length) % max(len(known[name].values), 1)] for name in words}
    try:
        matrix = model_matrix("~" + text, frame(padded, length), na_action="ignore")
    except (FormulaicError, NameError, ValueError, TypeError, SyntaxError) as error:
        missing = next((w for w in formula_names(body) if w not in known and f"'{w}'" in str(error)), None)
        if missing:
            raise _unknown_name(missing, formula, known) from error
        raise ParameterError(
            f"formula {formula!r} cannot be read: {error}",
            fix="Known here are " + (", ".join(sorted(known)) or "no variables") + ".",
        ) from error
    spec = matrix.model_spec
    back = {short: name for name, short in alias.items()}

    def plain(column: str) -> str:
        text = re.sub(r"\[T\.([^\]]*)\]", r"\1", column)
        text = re.sub(r"\[([^\]]*)\]", r"\1", text)
        text = re.sub(r"v_\w+", lambda m: _longest(m.group(0), back), text)
        text = re.sub(r"cr\((\S+), df=\d+, constraints='center'\)", r"s(\1).", text)
        return "" if text == "Intercept" else text

    def make(values: Mapping[str, Column], rows: int) -> Floats:
        if not rows:
            return np.empty((0, len(spec.column_names)))
        return np.asarray(spec.get_model_matrix(frame(values, rows), na_action="ignore"), dtype=np.float64)

    return Design(tuple(plain(c) for c in spec.column_names), tuple(words), make)


def _longest(word: str, back: Mapping[str, str]) -> str:
    """Undo the alias at the start of a word; a level may follow it without a gap."""
    for end in range(len(word), 0, -1):
        if word[:end] in back:
            return back[word[:end]] + word[end:]
    return word
