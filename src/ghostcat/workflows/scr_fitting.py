"""Fit, or only evaluate, a spatial capture–recapture model that a file specifies."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ghostcat.errors import FormatError, InputError, ParameterError

__all__ = ["read_specification", "scr_fit", "scr_log_likelihood", "scr_model"]

_KEYS = ("data", "detectfn", "formulas")


def read_specification(path: str | Path) -> dict[str, Any]:
    """Read what to fit: a JSON object with at least `data`, `detectfn` and `formulas`.

    Raises
    ------
    InputError : there is no such file; FormatError : it is not JSON, or a key is missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file", where=str(path), fix="Give a specification as JSON.")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError(f"not JSON ({error})", where=str(path)) from error
    if not isinstance(found, dict):
        raise FormatError(
            "not a JSON object", where=str(path), fix="Give an object with " + ", ".join(_KEYS) + "."
        )
    missing = [key for key in _KEYS if key not in found]
    if missing:
        raise FormatError(
            f"the specification lacks {', '.join(missing)}",
            where=str(path),
            fix="It needs data, detectfn and formulas; see docs/scr.md.",
        )
    return found


def scr_model(folder: str | Path, specification: Mapping[str, Any]) -> Any:
    from ghostcat.formats.scr_problem import read_scr_problem
    from ghostcat.scr import ScrModel

    groups = specification.get("groups") or ()
    sessions = read_scr_problem(
        folder,
        str(specification["data"]),
        telemetry=_wants_telemetry(folder, specification),
        session_covariates=_listed(specification.get("session_covariates")),
    )
    return ScrModel(
        sessions=sessions,
        detectfn=specification["detectfn"],
        formulas=dict(specification["formulas"]),
        link=dict(specification.get("link") or {}),
        conditional=bool(specification.get("CL", False)),
        distribution=specification.get("distribution") or "poisson",
        hcov=specification.get("hcov") or None,
        groups=(groups,) if isinstance(groups, str) else tuple(groups),
        fixed={name: float(value) for name, value in _listed(specification.get("fixed")).items()},
        form=_form(specification, sessions),
    )


def _listed(value: Any) -> dict[str, Any]:
    """R writes an empty list where nothing is named."""
    return dict(value) if isinstance(value, Mapping) else {}


def _form(specification: Mapping[str, Any], sessions: Any) -> Any:
    """As given; by default occasions are added up where the model allows it, as the field's programs do."""
    given = specification.get("likelihood_form")
    if given in ("full", "collapsed"):
        return given
    if given is not None:
        raise ParameterError(f"likelihood_form is {given!r}", fix="Use full or collapsed.")
    varying = re.compile(r"(?<![\w.])(t|T|b|B|bk|Bk|k|K)(?![\w.])")
    plain = not any(varying.search(formula) for formula in specification["formulas"].values())
    kinds = {array.kind for session in sessions for array in session.arrays}
    return "collapsed" if plain and kinds <= {"proximity", "count"} else "full"


def _wants_telemetry(folder: str | Path, specification: Mapping[str, Any]) -> bool:
    """Whether fixes belong to the data: said outright, or told by the number of animals that were fitted."""
    if "telemetry" in specification:
        return bool(specification["telemetry"])
    given = specification.get("n")
    meta = Path(folder) / f"{specification['data']}.meta.json"
    if not given or not meta.exists():
        return True
    facts = json.loads(meta.read_text(encoding="utf-8"))["sessions"]
    known_only = sum(int(fact.get("n_telemetered_not_trapped") or 0) for fact in facts)
    return not (known_only and sum(given) == sum(int(fact["n"]) for fact in facts))


def scr_log_likelihood(folder: str | Path, specification: Mapping[str, Any]) -> dict[str, Any]:
    """Log-likelihood at every β of the list `LLat`.

    Parameters
    ----------
    folder : with the problem `data`, in the layout of `formats.scr_problem`.
    specification : what to fit, and `LLat`: [{"beta": [...]}] (or plain lists).

    Returns
    -------
    {"beta_names": [...], "loglik": [...]}, null where the likelihood is 0.
    """
    import numpy as np

    from ghostcat.scr.kernel import evaluate, prepare
    from ghostcat.scr.laying_out import lay_out

    laid = lay_out(scr_model(folder, specification))
    prepared = prepare(laid.layout)
    values = []
    for entry in specification.get("LLat") or []:
        beta = np.asarray(entry["beta"] if isinstance(entry, Mapping) else entry, dtype=np.float64)
        if beta.shape != (len(laid.names),):
            raise ParameterError(
                f"a β of LLat has {beta.size} values, the model has {len(laid.names)} coefficients",
                fix="They are " + ", ".join(laid.names) + ".",
            )
        values.append(float(evaluate(prepared, beta, derivatives=False).value))
    return {"beta_names": list(laid.names), "loglik": values}


def scr_fit(folder: str | Path, specification: Mapping[str, Any]) -> dict[str, Any]:
    """Fit the model and give everything read off it, keys and strata as the reference files have them.

    `cpu_s` is the time of laying out, fitting with the exact Hessian, and everything derived; not that of
    starting Python and reading the tables.

    Raises
    ------
    EstimateRefused : the data cannot carry the estimate.
    """
    import scipy.special  # noqa: F401  loading is not fitting

    from ghostcat.scr import centres, coarse, detection, kernel, mask_edge, newton  # noqa: F401
    from ghostcat.scr.areas import derived_density, region_numbers
    from ghostcat.scr.fitting import fit_model
    from ghostcat.scr.predicting import real_parameters

    model = scr_model(folder, specification)
    started = time.process_time()
    fit = fit_model(model)
    found: dict[str, Any] = {
        "converged": fit.converged,
        "max_gradient": fit.convergence.max_gradient,
        "loglik": fit.log_likelihood,
        "aic": fit.aic,
        "aicc": fit.aicc,
        "n": [len(session.naive_group) for session in fit.laid.layout.sessions],
        "npar": fit.parameters,
        "beta": [
            {
                "name": c.name,
                "estimate": c.estimate,
                "SE": c.standard_error,
                "lcl": c.lower,
                "ucl": c.upper,
            }
            for c in fit.coefficients()
        ],
        "vcv": fit.covariance,
        "real": [
            {
                "stratum": dict(r.stratum),
                "name": r.name,
                "link": r.link,
                "estimate": r.estimate,
                "SE": r.standard_error,
                "lcl": r.lower,
                "ucl": r.upper,
            }
            for r in real_parameters(fit)
        ],
        "derived": [row for area in derived_density(fit) for row in _derived_rows(area)],
        "region.N": [row for numbers in region_numbers(fit) for row in _number_rows(numbers)],
        "warnings": [f"{d.code}: {d.message} {d.fix}".strip() for d in fit.diagnostics],
        "convergence": {
            "reason": fit.convergence.reason,
            "iterations": fit.convergence.iterations,
            "newton_decrement": fit.convergence.newton_decrement,
            "smallest_curvature": fit.convergence.smallest_curvature,
            "condition": fit.convergence.condition,
        },
    }
    found["cpu_s"] = time.process_time() - started
    found["peak_rss_mb"] = _peak_mb()
    return found


def _derived_rows(area: Any) -> list[dict[str, Any]]:
    empty = dict.fromkeys(("SE", "lcl", "ucl", "CVn", "CVa", "CVD"), math.nan)
    return [
        {"stratum": dict(area.stratum), "name": "esa", "estimate": area.esa_ha, **empty},
        {
            "stratum": dict(area.stratum),
            "name": "D",
            "estimate": area.density_per_ha,
            "SE": area.standard_error,
            "lcl": area.lower,
            "ucl": area.upper,
            "CVn": area.cv_number,
            "CVa": area.cv_area,
            "CVD": area.cv_density,
        },
    ]


def _number_rows(numbers: Any) -> list[dict[str, Any]]:
    return [
        {
            "stratum": dict(numbers.stratum),
            "name": name,
            **dict(zip(("estimate", "SE", "lcl", "ucl"), values, strict=True)),
            "n": numbers.detected,
        }
        for name, values in (("E.N", numbers.expected), ("R.N", numbers.realised))
    ]


def _peak_mb() -> float:
    try:
        import resource
    except ImportError:  # Windows does not count
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0**2 if sys.platform == "darwin" else 1024.0)
