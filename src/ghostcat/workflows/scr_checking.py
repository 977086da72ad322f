"""Should a fit be believed? Tests of fit and closure, overdispersion, profiles, compared models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ghostcat.errors import EstimateRefused, ParameterError

__all__ = ["scr_check", "scr_compare"]


def scr_check(
    folder: str | Path,
    specification: Mapping[str, Any],
    *,
    draws: int = 200,
    seed: int = 1,
    profiles: Sequence[str] = (),
    refits: int = 0,
    same_animals: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Fit the model of a specification and test it.

    Parameters
    ----------
    folder, specification : as in `scr_fit`.
    draws : of the Monte-Carlo tests, and surveys simulated for the table of captures.
    seed : of all random draws.
    profiles : coefficients that a profile-likelihood interval is wanted for.
    refits : surveys to simulate and refit (parametric bootstrap); 0 for none.
    same_animals : the sessions are surveys of one population whose animals cannot be matched; gives its
        number with the uncertainty that this leaves.

    Returns
    -------
    "fit" (three tests with p), "overdispersion" (ĉ by session), "captures" (observed beside expected),
    "closure" (by session), "profiles", "bootstrap". What cannot be computed has {"refused": why}.

    Raises
    ------
    EstimateRefused : the data cannot carry the model itself.
    """
    from ghostcat.scr.bootstrap import bootstrap_fits, summarise_captures
    from ghostcat.scr.closure import closure_given_fit
    from ghostcat.scr.fitting import fit_model
    from ghostcat.scr.goodness import goodness_of_fit, overdispersion
    from ghostcat.scr.profile import profile_interval
    from ghostcat.workflows.scr_fitting import scr_model

    fit = fit_model(scr_model(folder, specification))
    rng = np.random.default_rng(seed)

    def shown(task: str) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda done, total: progress(task, done, total)

    sessions = fit.model.sessions
    found: dict[str, Any] = {
        "converged": fit.converged,
        "loglik": fit.log_likelihood,
        "seed": seed,
        "fit": _tried(
            lambda: _goodness(goodness_of_fit(fit, rng=rng, draws=draws, progress=shown("tests of fit")))
        ),
        "overdispersion": [
            _tried(lambda i=i: _overdispersed(overdispersion(fit, session=i)))  # type: ignore[misc]
            for i in range(len(sessions))
        ],
        "captures": _tried(
            lambda: _captures(
                summarise_captures(fit, rng=rng, surveys=draws, progress=shown("simulated captures"))
            )
        ),
        "closure": [
            _tried(
                lambda i=i: {  # type: ignore[misc]
                    "session": sessions[i].name,
                    **_closure(closure_given_fit(fit, session=i, rng=rng, surveys=draws)),
                }
            )
            for i in range(len(sessions))
        ],
        "profiles": [_tried(lambda n=n: _profile(profile_interval(fit, n))) for n in profiles],  # type: ignore[misc]
    }
    if refits:
        found["bootstrap"] = _tried(
            lambda: _bootstrap(bootstrap_fits(fit, rng=rng, surveys=refits, progress=shown("refits")))
        )
    if same_animals:
        from ghostcat.scr.shared_population import one_population

        found["one_population"] = _tried(
            lambda: _one_population(
                one_population(fit, rng=rng, draws=draws, progress=shown("joint surveys"))
            )
        )
    return found


def scr_compare(folder: str | Path, specifications: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Fit several models to one problem and rank them by AICc.

    Parameters
    ----------
    specifications : by name.

    Raises
    ------
    ParameterError : their likelihoods must not be compared. EstimateRefused : no model could be fitted.
    """
    from ghostcat.scr.fitting import fit_model
    from ghostcat.scr.selection import compare_models
    from ghostcat.workflows.scr_fitting import scr_model

    fits, refused = {}, {}
    for name, specification in specifications.items():
        try:
            fits[name] = fit_model(scr_model(folder, specification))
        except EstimateRefused as refusal:
            refused[name] = refusal
    if not fits:
        raise next(iter(refused.values()))
    table = compare_models(fits)
    return {
        "criterion": table.criterion,
        "models": [
            {
                "name": row.name,
                "model": row.formula,
                "npar": row.parameters,
                "loglik": row.log_likelihood,
                "aic": row.aic,
                "aicc": row.aicc,
                "delta": row.difference,
                "weight": row.weight,
                "converged": row.converged,
            }
            for row in table.rows
        ],
        "refused": [{"name": name, "code": r.code, "refused": r.what} for name, r in refused.items()],
    }


def _tried(make: Callable[[], Any]) -> Any:
    """A part that the data or the model cannot carry says so; the others go on."""
    try:
        return make()
    except EstimateRefused as refusal:
        return {"refused": str(refusal), "code": refusal.code}
    except ParameterError as error:
        return {"refused": str(error), "code": "not_available"}


def _goodness(found: Any) -> dict[str, Any]:
    table = found.table()
    return {
        "draws": found.draws,
        "tests": [
            {
                "test": name,
                "of": row["of"],
                "observed": row["observed"],
                "simulated": row["simulated"],
                "p": row["p"],
            }
            for name, row in table.iterrows()
        ],
        "says": found.says(),
    }


def _overdispersed(found: Any) -> dict[str, Any]:
    return {"c_hat": found.c_hat, "pearson": found.pearson, "degrees_of_freedom": found.degrees_of_freedom}


def _captures(found: Any) -> list[dict[str, Any]]:
    table = found.table()
    keys = ("observed", "expected", "lower", "upper", "p")
    return [{"statistic": name, **{k: float(row[k]) for k in keys}} for name, row in table.iterrows()]


def _closure(found: Any) -> dict[str, Any]:
    tests = {
        test.name: {"statistic": test.statistic, "df": test.degrees_of_freedom, "p": test.p}
        for test in (found.span, found.additions, found.losses)
    }
    return {"animals": found.animals, "recaught": found.recaught, **tests, "says": found.says()}


def _profile(found: Any) -> dict[str, Any]:
    return {
        "name": found.name,
        "estimate": found.estimate,
        "lcl": found.lower,
        "ucl": found.upper,
        "wald": list(found.wald),
        "higher": found.higher,
    }


def _one_population(found: Any) -> dict[str, Any]:
    def row(value: Any) -> dict[str, float]:
        return {
            "estimate": value.estimate,
            "SE": value.standard_error,
            "lcl": value.lower,
            "ucl": value.upper,
        }

    return {"E.N": row(found.expected), "R.N": row(found.realised), "inflation": found.inflation}


def _bootstrap(found: Any) -> dict[str, Any]:
    rows = []
    for name, bias, error in zip(found.names, found.bias(), found.standard_errors(), strict=True):
        low, high = found.limits(name)
        rows.append({"name": name, "bias": float(bias), "SE": float(error), "lcl": low, "ucl": high})
    return {
        "surveys": found.surveys,
        "refits": len(found.refits),
        "refused_surveys": dict(found.refused),
        "beta": rows,
    }
