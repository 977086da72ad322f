"""A model: data of all sessions, a detection function, and a formula for each parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import ScrSession
from ghostcat.scr.layout import Link
from ghostcat.scr.parameters import (
    DETECTION_FUNCTIONS,
    Intercept,
    default_link,
    detection_function,
    intercept_name,
    model_parameters,
)

__all__ = ["Form", "ScrModel"]

#: `full` works on single occasions; `collapsed` adds them up first. The maximum is the same, the constant
#: is not: never compare AIC across forms.
Form = Literal["full", "collapsed"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScrModel:
    """What is to be fitted to what.

    Parameters
    ----------
    sessions : data; sessions are independent and share the coefficients.
    detectfn : "HN", "HR", "EX" (probability g0), "HHN", "HHR", "HEX", "HCG" (hazard lambda0), or number.
    formulas : of D, g0 / lambda0 / a0, sigma, z, pmix; "~1" where none is given.
    link : of parameters, "log", "logit" or "identity", where it is not the usual one.
    conditional : the likelihood given that an animal was detected; density is derived from it.
    distribution : of the number of animals, "poisson" or "binomial" (a fixed number in the mask).
    hcov : an animal covariate that names the class of some animals, for example sex.
    groups : animal covariates whose combinations have a density each.
    fixed : values of parameters that are not estimated, on their natural scale.
    form : see `Form`.

    Raises
    ------
    ParameterError : a parameter, link or combination that does not exist.
    """

    sessions: tuple[ScrSession, ...]
    detectfn: int | str = "HHN"
    formulas: Mapping[str, str] = field(default_factory=dict)
    link: Mapping[str, Link] = field(default_factory=dict)
    conditional: bool = False
    distribution: Literal["poisson", "binomial"] = "poisson"
    hcov: str | None = None
    groups: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)
    form: Form = "full"

    def __post_init__(self) -> None:
        object.__setattr__(self, "detectfn", detection_function(self.detectfn))
        if not self.sessions:
            raise ParameterError("a model needs data of at least one session")
        names = [session.name for session in self.sessions]
        if len(set(names)) < len(names):
            raise ParameterError(f"two sessions have one name ({', '.join(names)})")
        possible = {"D", "pmix", *self.detection_parameters}
        for what, given in (("formulas", self.formulas), ("link", self.link), ("fixed", self.fixed)):
            for name in given:
                if name in possible:
                    continue
                if what != "formulas" and name in ("g0", "lambda0", "a0", "z", "sigma"):
                    continue
                raise ParameterError(
                    f"{what} names {name!r}, which is no parameter of "
                    f"{DETECTION_FUNCTIONS[self.function]} detection",
                    fix="Parameters are " + ", ".join(sorted(possible)) + ".",
                )
        if self.conditional and self.formulas.get("D", "~1").replace(" ", "") != "~1":
            raise ParameterError(
                "density has a formula, but is no parameter of a conditional likelihood",
                fix="Leave D out, or fit the full likelihood.",
            )
        if self.conditional and self.groups:
            raise ParameterError(
                "groups belong to the full likelihood",
                fix="Under the conditional likelihood use the covariate itself in the formulas.",
            )
        if self.groups and self.hcov:
            raise ParameterError("groups and a class covariate cannot be combined", fix="Use one of them.")
        if self.distribution not in ("poisson", "binomial"):
            raise ParameterError(f"distribution is {self.distribution!r}", fix="Use poisson or binomial.")
        if self.classes > 1 and any("h2" in f and "h3" in f for f in self.formulas.values()):
            raise ParameterError("h2 and h3 cannot be combined", fix="Use one of them.")

    @property
    def function(self) -> int:
        """Number of the detection function."""
        return detection_function(self.detectfn)

    @property
    def intercept(self) -> Intercept:
        """g0, lambda0 or a0."""
        return intercept_name(self.function, {**self.formulas, **self.fixed})

    @property
    def detection_parameters(self) -> tuple[str, ...]:
        """Parameters of detection."""
        return model_parameters(self.function, {**self.formulas, **self.fixed}, conditional=True)

    @property
    def parameters(self) -> tuple[str, ...]:
        """All parameters, in the order of the coefficients."""
        density = () if self.conditional else ("D",)
        return (*density, *self.detection_parameters, *(("pmix",) if self.classes > 1 else ()))

    @property
    def classes(self) -> int:
        """Number of latent classes of animals."""
        words = " ".join(self.formulas.values())
        if "h3" in words:
            return 3
        return 2 if "h2" in words or "pmix" in self.formulas or self.hcov else 1

    @property
    def class_variable(self) -> str:
        """h2 or h3."""
        return f"h{self.classes}"

    def link_of(self, parameter: str) -> Link:
        """Link of a parameter."""
        return self.link.get(parameter, default_link(parameter))

    def formula_of(self, parameter: str) -> str:
        """Formula of a parameter."""
        return self.formulas.get(parameter, "~1")

    def refuse_missing(self, what: str, where: str) -> EstimateRefused:
        """The refusal of a covariate that has no value where one is needed."""
        return EstimateRefused(
            f"covariate {what} has no value",
            code="missing_covariate",
            where=where,
            fix="Give the value, leave the covariate out, or use it as a class that may be unknown (hcov).",
        )
