"""Compare models of the same data: AIC, AICc, weights, averages over models."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.captures import ScrSession
from ghostcat.scr.fitting import ModelFit
from ghostcat.scr.results import Interval, log_link_interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AveragedEstimate",
    "LikelihoodRatio",
    "ModelComparison",
    "ModelRow",
    "compare_models",
    "fingerprint",
    "likelihood_ratio_test",
]

Floats = NDArray[np.float64]
Criterion = Literal["AIC", "AICc"]


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One model of a comparison."""

    name: str
    formula: str
    parameters: int
    log_likelihood: float
    aic: float
    aicc: float
    difference: float
    """Of the chosen criterion to the best model."""
    weight: float
    """Akaike weight; 0 for a model that did not converge."""
    converged: bool


@dataclass(frozen=True, kw_only=True)
class AveragedEstimate:
    """An estimate over several models, with the uncertainty of choosing between them."""

    value: Interval
    models: int
    between_share: float
    """Part of the variance of the logarithm that comes from the models' disagreement."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelComparison:
    """Models of one data set, best first."""

    rows: tuple[ModelRow, ...]
    criterion: Criterion
    fits: tuple[ModelFit, ...]
    """In the order of `rows`."""

    def table(self) -> pd.DataFrame:
        """One row a model."""
        import pandas as pd

        columns = ("name", "formula", "parameters", "log_likelihood", "aic", "aicc", "difference", "weight")
        found = pd.DataFrame([{c: getattr(row, c) for c in columns} for row in self.rows]).set_index("name")
        found["converged"] = [row.converged for row in self.rows]
        return found

    def average(self, value: Callable[[ModelFit], tuple[float, float]]) -> AveragedEstimate:
        """Average a positive quantity over the models, on the scale of its logarithm.

        Parameters
        ----------
        value : from a fit to (estimate, standard error) of the quantity, for example density.

        Notes
        -----
        Variance: Σ w (v_m + (ln θ_m − mean)²), the unconditional variance of Burnham & Anderson (2002,
        p. 345): models that disagree widen the interval.
        """
        used = [(row, fit) for row, fit in zip(self.rows, self.fits, strict=True) if row.weight > 0]
        weight = np.array([row.weight for row, _ in used])
        pairs = np.array([value(fit) for _, fit in used], dtype=np.float64)
        if not (np.isfinite(pairs).all() and (pairs[:, 0] > 0).all()):
            raise ParameterError(
                "a model gives no positive estimate with a standard error", fix="Leave that model out."
            )
        log, variance = np.log(pairs[:, 0]), np.log1p((pairs[:, 1] / pairs[:, 0]) ** 2)
        mean = float(weight @ log)
        between = float(weight @ (log - mean) ** 2)
        total = float(weight @ variance) + between
        return AveragedEstimate(
            value=log_link_interval(mean, total),
            models=len(used),
            between_share=between / total if total > 0 else 0.0,
        )


@dataclass(frozen=True, kw_only=True)
class LikelihoodRatio:
    """Test of a model against one that contains it."""

    statistic: float
    degrees_of_freedom: int
    p: float


def compare_models(fits: Mapping[str, ModelFit], *, criterion: Criterion = "AICc") -> ModelComparison:
    """Rank models by Akaike's criterion.

    Parameters
    ----------
    fits : models by name.
    criterion : "AICc" is corrected for few animals; "AIC" is not.

    Returns
    -------
    ModelComparison

    Raises
    ------
    ParameterError : nothing to compare, or likelihoods that must not be compared: other captures, effort
        or mask, the collapsed form with the full one, the conditional likelihood with the full one,
        other groups or another class covariate.
    """
    if not fits:
        raise ParameterError("there is no model to compare")
    _refuse_mixing(fits)
    known = [name for name, fit in fits.items() if fit.converged]
    scores = {name: fit.aicc if criterion == "AICc" else fit.aic for name, fit in fits.items()}
    # A sample too small for AICc gets no weight, rather than a wrong one.
    finite = {name: scores[name] for name in known if math.isfinite(scores[name])}
    best = min(finite.values(), default=math.nan)
    raw = {name: math.exp(-0.5 * (score - best)) for name, score in finite.items()}
    total = sum(raw.values())
    rows = [
        ModelRow(
            name=name,
            formula=_formula(fit),
            parameters=fit.parameters,
            log_likelihood=fit.log_likelihood,
            aic=fit.aic,
            aicc=fit.aicc,
            difference=scores[name] - best,
            weight=raw[name] / total if name in raw else 0.0,
            converged=fit.converged,
        )
        for name, fit in fits.items()
    ]
    order = sorted(
        range(len(rows)),
        key=lambda i: (rows[i].weight == 0.0, rows[i].difference if rows[i].weight else 0.0, rows[i].name),
    )
    every = list(fits.values())
    return ModelComparison(
        rows=tuple(rows[i] for i in order), criterion=criterion, fits=tuple(every[i] for i in order)
    )


def likelihood_ratio_test(simple: ModelFit, general: ModelFit) -> LikelihoodRatio:
    """Test a simple model against a more general one that contains it.

    Raises
    ------
    ParameterError : the likelihoods must not be compared, or the second model has no more parameters.
    """
    _refuse_mixing({"simple": simple, "general": general})
    extra = general.parameters - simple.parameters
    if extra < 1:
        raise ParameterError(
            f"the general model has {general.parameters} parameters, the simple one {simple.parameters}",
            fix="Give the model with fewer parameters first.",
        )
    from scipy.stats import chi2

    statistic = max(0.0, 2.0 * (general.log_likelihood - simple.log_likelihood))
    return LikelihoodRatio(statistic=statistic, degrees_of_freedom=extra, p=float(chi2.sf(statistic, extra)))


def fingerprint(sessions: Sequence[ScrSession]) -> str:
    """Hash of the captures, effort, collars and masks that a likelihood is made of."""
    digest = hashlib.sha256()

    def add(*values: object) -> None:
        for value in values:
            digest.update(np.ascontiguousarray(value).tobytes())

    for session in sessions:
        add(session.mask.xy_m, session.mask.cell_area_km2, session.last)
        for array in session.arrays:
            digest.update(array.kind.encode())
            add(array.xy_m, array.usage, array.animal, array.detector, array.occasion, array.counts)
        if session.collars is not None:
            add(session.collars.animal, session.collars.xy_m, session.collars.weight)
    return digest.hexdigest()


def _refuse_mixing(fits: Mapping[str, ModelFit]) -> None:
    facts: dict[str, Callable[[ModelFit], object]] = {
        "captures, effort or mask": lambda f: fingerprint(f.model.sessions),
        "form of the likelihood (full or collapsed)": lambda f: f.model.form,
        "likelihood (full or conditional)": lambda f: f.model.conditional,
        "groups": lambda f: f.model.groups,
        "class covariate": lambda f: f.model.hcov,
    }
    names = list(fits)
    for what, of in facts.items():
        first = of(fits[names[0]])
        for name in names[1:]:
            if of(fits[name]) != first:
                raise ParameterError(
                    f"models {names[0]} and {name} differ in {what}: their likelihoods cannot be compared",
                    fix="Fit all models to the same data, mask and form.",
                )


def _formula(fit: ModelFit) -> str:
    model = fit.model
    parts = []
    for name in model.parameters:
        fixed = model.fixed.get(name)
        parts.append(f"{name}={fixed:g}" if fixed is not None else f"{name}{model.formula_of(name)}")
    return " ".join(parts)
