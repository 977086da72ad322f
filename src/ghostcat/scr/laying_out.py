"""From a model to the layout that the likelihood sees, with the names of its coefficients."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.formulas import Design, read_formula
from ghostcat.scr.laid_out import LaidOut
from ghostcat.scr.layout import Layout
from ghostcat.scr.model import ScrModel
from ghostcat.scr.session_building import SessionBuilder
from ghostcat.scr.variables import Variables, class_levels, group_levels

__all__ = ["LaidOut", "lay_out"]

Ints = NDArray[np.int64]


def lay_out(model: ScrModel) -> LaidOut:
    """Lay a model out for the likelihood.

    Raises
    ------
    ParameterError : a formula names what the data do not have.
    EstimateRefused : `missing_covariate`, `empty_level`, `caught_without_effort`.
    """
    groups = group_levels(model)
    classes = class_levels(model)
    variables = Variables(model, groups, classes)
    designs: dict[str, Design] = {}
    names: list[str] = []
    columns: dict[str, Ints] = {}
    for parameter in model.parameters:
        if parameter in model.fixed:
            continue
        known = variables.known_for(parameter)
        formula = model.formula_of(parameter)
        if parameter == "pmix":
            formula = _without_classes(formula)
        design = read_formula(formula, known)
        designs[parameter] = design
        words = _coefficient_names(parameter, design, model, classes)
        columns[parameter] = np.arange(len(names), len(names) + len(words))
        names += words
    laid = LaidOut(
        model=model,
        layout=Layout(sessions=(), parameters=len(names)),
        names=tuple(names),
        columns=columns,
        designs=designs,
        known=variables.known,
        group_levels=groups,
        class_levels=classes,
        order=(),
    )
    sessions, orders = [], []
    for index in range(len(model.sessions)):
        session, order = SessionBuilder(laid, variables, index).build()
        sessions.append(session)
        orders.append(order)
    return replace(laid, layout=Layout(sessions=tuple(sessions), parameters=len(names)), order=tuple(orders))


def _coefficient_names(
    parameter: str, design: Design, model: ScrModel, classes: tuple[str, ...]
) -> list[str]:
    if parameter != "pmix":
        return [f"{parameter}.{name}" if name else parameter for name in design.names]
    found = []
    for level in classes[1:]:
        own = f"pmix.{model.class_variable}{level}"
        for name in design.names:
            found.append(own if not name else f"pmix.{name}" if len(classes) == 2 else f"{own}:{name}")
    return found


def _without_classes(formula: str) -> str:
    terms = [t.strip() for t in formula.strip().lstrip("~").split("+")]
    kept = [t for t in terms if t not in ("h2", "h3", "1", "")]
    if any(re.search(r"\bh[23]\b", t) for t in kept):
        raise ParameterError(
            f"formula {formula!r} of the mixing proportion cannot be read",
            fix="Write, for example, ~h2 or ~h2 + session.",
        )
    return "~" + " + ".join(["1", *kept])
