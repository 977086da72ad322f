"""Real parameters of a fit at given values of their variables, and the table of all results."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.exposure import BEHAVIOURS
from ghostcat.scr.formulas import Column, factor
from ghostcat.scr.layout import Link
from ghostcat.scr.parameters import from_link, link_slope
from ghostcat.scr.results import Z95

if TYPE_CHECKING:
    import pandas as pd

    from ghostcat.scr.fitting import ModelFit

__all__ = ["RealParameter", "predict", "real_parameters", "results_table"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RealParameter:
    """A parameter on its natural scale, for stated values of what it depends on."""

    stratum: Mapping[str, str]
    name: str
    link: Link
    estimate: float
    standard_error: float
    lower: float
    upper: float


def real_parameters(fit: ModelFit) -> tuple[RealParameter, ...]:
    """Every parameter for every session, group, class and level of a factor.

    Numbers are at their mean, occasions at the first, behaviours at "never caught"; coordinates at the middle
    of the mask. SE of a value on the log link: value √(exp(var) − 1); on the logit link by the delta method;
    limits are those of the link scale, carried back.
    """
    found = []
    strata = _strata(fit)
    for stratum in strata:
        shown = {} if len(strata) == 1 else stratum
        for parameter in fit.model.parameters:
            if parameter == "pmix":
                found.append(_share(fit, stratum, shown))
            else:
                found.append(_real(fit, parameter, stratum, shown))
    return tuple(found)


def predict(fit: ModelFit, values: Mapping[str, object]) -> tuple[RealParameter, ...]:
    """Every parameter of density and detection at values that the caller gives.

    Parameters
    ----------
    fit : of a model.
    values : {variable: value}; those that are not given are at their base (see `real_parameters`).

    Raises
    ------
    ParameterError : a variable that the model does not use, or a level that did not occur.
    """
    used = {name for design in fit.laid.designs.values() for name in design.variables}
    used.add(fit.model.class_variable)
    for name in values:
        if name not in used:
            raise ParameterError(
                f"{name!r} is no variable of this model",
                fix="It uses " + (", ".join(sorted(used)) or "none") + ".",
            )
    stratum = {**_strata(fit)[0], **{name: str(value) for name, value in values.items()}}
    return tuple(
        _real(fit, parameter, stratum, dict(stratum), given=values)
        for parameter in fit.model.parameters
        if parameter != "pmix"
    )


def _strata(fit: ModelFit) -> list[dict[str, str]]:
    axes: dict[str, Sequence[str]] = {"session": [s.name for s in fit.model.sessions]}
    if fit.model.groups:
        axes["g"] = fit.laid.group_levels
    used = {name for p, design in fit.laid.designs.items() if p != "pmix" for name in design.variables}
    for name in sorted(used - {"session", "g", "t", "h2", "h3", *BEHAVIOURS, "k", "K"}):
        column = fit.laid.known[name]
        if column.levels is not None and not any(name in s.covariates for s in fit.model.sessions):
            axes[name] = column.levels
    if fit.model.classes > 1:
        axes[fit.model.class_variable] = fit.laid.class_levels
    return [dict(zip(axes, combination, strict=True)) for combination in itertools.product(*axes.values())]


def _values(
    fit: ModelFit, parameter: str, stratum: Mapping[str, str], given: Mapping[str, object]
) -> dict[str, Column]:
    names = [session.name for session in fit.model.sessions]
    index = names.index(str(stratum["session"])) if str(stratum["session"]) in names else 0
    session = fit.model.sessions[index]
    found = {}
    for name in fit.laid.designs[parameter].variables:
        column = fit.laid.known[name]
        value: object
        if name in given:
            value = given[name]
        elif name == "Session":
            value = float(index)
        elif name in session.covariates:
            value = session.covariates[name]
        elif name in stratum:
            value = stratum[name]
        elif name in ("x", "y", "x2", "y2", "xy", "T"):
            value = 0.0
        else:
            value = column.levels[0] if column.levels is not None else float(np.nanmean(column.values))
        if column.levels is None:
            found[name] = Column(np.array([float(value)]))  # type: ignore[arg-type]
            continue
        if isinstance(value, bool):
            value = str(value).upper()
        found[name] = factor([value], column.levels)
        if found[name].missing.any():
            raise ParameterError(
                f"{value!r} is no level of {name}", fix="Levels are " + ", ".join(column.levels) + "."
            )
    return found


def _real(
    fit: ModelFit,
    parameter: str,
    stratum: Mapping[str, str],
    shown: Mapping[str, str],
    *,
    given: Mapping[str, object] | None = None,
) -> RealParameter:
    link = fit.model.link_of(parameter)
    if parameter in fit.model.fixed:
        value = float(fit.model.fixed[parameter])
        return RealParameter(
            stratum=shown,
            name=parameter,
            link=link,
            estimate=value,
            standard_error=0.0,
            lower=value,
            upper=value,
        )
    values = _values(fit, parameter, stratum, given or {})
    columns = fit.laid.columns[parameter]
    row = fit.laid.designs[parameter].make(values, 1)[0]
    linked = float(row @ fit.beta[columns])
    variance = float(row @ fit.covariance[np.ix_(columns, columns)] @ row)
    return _back(parameter, link, linked, variance, shown)


def _back(
    parameter: str, link: Link, linked: float, variance: float, stratum: Mapping[str, str]
) -> RealParameter:
    value = from_link(linked, link)
    error = math.sqrt(variance) if variance >= 0 else math.nan
    if link == "log":
        spread = value * math.sqrt(math.expm1(variance)) if 0 <= variance < 700 else math.nan
    else:
        spread = abs(link_slope(value, link)) * error
    ends = (linked - Z95 * error, linked + Z95 * error)
    lower, upper = (from_link(e, link) if math.isfinite(e) else math.nan for e in ends)
    return RealParameter(
        stratum=stratum,
        name=parameter,
        link=link,
        estimate=value,
        standard_error=spread,
        lower=lower,
        upper=upper,
    )


def _share(fit: ModelFit, stratum: Mapping[str, str], shown: Mapping[str, str]) -> RealParameter:
    """Proportion of a class: logit of it by the delta method, from the logits against class 1."""
    model = fit.model
    own = fit.laid.class_levels.index(stratum[model.class_variable])
    classes = len(fit.laid.class_levels)
    if "pmix" in model.fixed:
        second = float(model.fixed["pmix"])
        value = second if own == 1 else 1.0 - second
        return RealParameter(
            stratum=shown,
            name="pmix",
            link="logit",
            estimate=value,
            standard_error=0.0,
            lower=value,
            upper=value,
        )
    row = fit.laid.designs["pmix"].make(_values(fit, "pmix", stratum, {}), 1)[0]
    columns = fit.laid.columns["pmix"]
    width = len(row)
    logits = np.array(
        [0.0] + [float(row @ fit.beta[columns[u * width : (u + 1) * width]]) for u in range(classes - 1)]
    )
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    # d logit(psi_c) / d eta_u = [u = c] − psi_u [u ≠ c] / (1 − psi_c) for the classes after the first.
    others = max(1.0 - shares[own], 1e-300)
    slope = np.array([1.0 if u == own else -shares[u] / others for u in range(1, classes)])
    gradient = np.concatenate([s * row for s in slope])
    variance = float(gradient @ fit.covariance[np.ix_(columns, columns)] @ gradient)
    linked = math.log(max(shares[own], 1e-300)) - math.log(others)
    return _back("pmix", "logit", linked, variance, shown)


def results_table(fit: ModelFit) -> pd.DataFrame:
    """Real parameters, derived density and numbers of animals, one row each."""
    import pandas as pd

    from ghostcat.scr.areas import derived_density, region_numbers

    rows: list[tuple[str, str, float, float, float, float]] = []
    units = {"D": "animals / ha", "sigma": "m", "a0": "ha", "pmix": "share", "z": ""}
    for real in real_parameters(fit):
        words = ", ".join(f"{k} {v}" for k, v in real.stratum.items())
        unit = units.get(real.name, "per unit of effort")
        name = f"{real.name} ({words})" if words else real.name
        rows.append((name, unit, real.estimate, real.standard_error, real.lower, real.upper))
    for area in derived_density(fit):
        words = " ".join(area.stratum.values())
        rows.append(
            (f"esa {words}".strip(), "ha", area.esa_ha, area.esa_ha * area.cv_area, math.nan, math.nan)
        )
        rows.append(
            (
                f"derived D {words}".strip(),
                "animals / ha",
                area.density_per_ha,
                area.standard_error,
                area.lower,
                area.upper,
            )
        )
    for numbers in region_numbers(fit):
        words = " ".join(numbers.stratum.values())
        rows.append((f"expected N {words}".strip(), "animals", *numbers.expected))
        rows.append((f"realised N {words}".strip(), "animals", *numbers.realised))
    names = ["quantity", "unit", "estimate", "standard_error", "lower", "upper"]
    return pd.DataFrame(rows, columns=names).set_index("quantity")
