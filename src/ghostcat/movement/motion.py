"""Continuous-time models of movement within a range: IID, OU and OUF.

A coordinate x around its mean has variance σ² and autocorrelation ρ(Δ):

    IID   no memory
    OU    ρ = exp(−Δ/τ_p)                                   τ_p: time to cross the range
    OUF   ρ = (τ_p e^{−Δ/τ_p} − τ_v e^{−Δ/τ_v})/(τ_p − τ_v)   τ_v: persistence of velocity
    OUf   OUF with τ_p = τ_v: ρ = (1 + Δ/τ) e^{−Δ/τ}

OUF is Markov in position and velocity; u = v √(τ_p τ_v)/σ is the velocity in units of its standard deviation.
Both coordinates share the time constants and have the covariance Σ. Fleming et al. (2014) The American
Naturalist 183:E154–E167.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

__all__ = ["Kind", "Motion", "Transition", "autocorrelation", "transitions"]

Floats = NDArray[np.float64]
Kind = Literal["IID", "OU", "OUF", "OUf"]

# Steps up to this many velocity persistences are integrated numerically: no digits cancel there.
_SHORT = 4.0
# Rates closer than this share are taken as equal on long steps.
_EQUAL = 1e-5


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Kind of model and its time constants, in seconds.

    Raises
    ------
    ParameterError : a time constant is missing, superfluous or not positive, or τ_v exceeds τ_p.
    """

    kind: Kind
    tau_position_s: float | None = None
    tau_velocity_s: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("IID", "OU", "OUF", "OUf"):
            raise ParameterError(f"movement model {self.kind!r} is not known", fix="Use IID, OU, OUF or OUf.")
        wanted = {"IID": (False, False), "OU": (True, False), "OUf": (True, False), "OUF": (True, True)}
        given = (self.tau_position_s, self.tau_velocity_s)
        for name, needed, value in zip(("position", "velocity"), wanted[self.kind], given, strict=True):
            if needed != (value is not None):
                verb = "needs a" if needed else "has no"
                raise ParameterError(
                    f"{self.kind} {verb} {name} time constant", fix="See --tau-position, --tau-velocity."
                )
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ParameterError(f"tau {name} is {value} s", fix="Give a positive number of seconds.")
        if self.kind == "OUF" and self.tau_velocity_s > self.tau_position_s:  # type: ignore[operator]
            raise ParameterError(
                f"tau velocity ({self.tau_velocity_s:g} s) exceeds tau position ({self.tau_position_s:g} s)",
                fix="Exchange the two; an animal forgets its velocity before it forgets its place.",
            )

    @property
    def rates_per_s(self) -> tuple[float, float]:
        """1/τ_p and 1/τ_v; kept apart by a billionth where they would be equal."""
        slow = 1.0 / float(self.tau_position_s or math.inf)
        fast = 1.0 / float(self.tau_velocity_s) if self.tau_velocity_s else slow
        return slow, max(fast, slow * (1.0 + 1e-9))


@dataclass(frozen=True, kw_only=True, eq=False)
class Transition:
    """From one state to the next over n steps, position and velocity in units of their standard deviation."""

    carry: Floats
    """(n, 2, 2) Φ."""
    noise: Floats
    """(n, 2, 2) covariance of what is added."""


def autocorrelation(motion: Motion, lag_s: Floats) -> Floats:
    """ρ at non-negative lags, seconds.

    >>> autocorrelation(Motion(kind="OU", tau_position_s=10.0), np.array([0.0, 10.0])).round(4)
    array([1.    , 0.3679])
    """
    lag = np.asarray(lag_s, dtype=np.float64)
    if motion.kind == "IID":
        return np.where(lag == 0, 1.0, 0.0)
    slow, fast = motion.rates_per_s
    if motion.kind == "OU":
        return np.exp(-slow * lag)
    if motion.kind == "OUf":
        return np.asarray((1.0 + slow * lag) * np.exp(-slow * lag))
    return np.asarray((fast * np.exp(-slow * lag) - slow * np.exp(-fast * lag)) / (fast - slow))


def transitions(motion: Motion, step_s: Floats) -> Transition:
    """Transition of OUF (or OUf) over steps of positive length, seconds.

    With r₁ = 1/τ_p and r₂ = 1/τ_v, impulse response g(s) = (e^{−r₁s} − e^{−r₂s})/(r₂ − r₁) and noise of
    strength q = 2 r₁ r₂ (r₁ + r₂), the covariance added over a step is q ∫ (g, g′)ᵀ(g, g′) ds.
    """
    slow, fast = motion.rates_per_s
    step = np.asarray(step_s, dtype=np.float64)
    unit = math.sqrt(slow * fast)  # standard deviation of velocity over that of position
    e1, e2 = np.exp(-slow * step), np.exp(-fast * step)
    gap = fast - slow
    response = e1 * -np.expm1(-gap * step) / gap
    carry = np.empty((len(step), 2, 2))
    carry[:, 0, 0] = e1 + slow * response
    carry[:, 0, 1] = unit * response
    carry[:, 1, 0] = -unit * response
    carry[:, 1, 1] = e2 - slow * response
    strength = 2.0 * slow * fast * (slow + fast)
    xx, xv, vv = _noise_integrals(slow, fast, step)
    noise = np.empty((len(step), 2, 2))
    noise[:, 0, 0] = strength * xx
    noise[:, 0, 1] = noise[:, 1, 0] = strength * xv / unit
    noise[:, 1, 1] = strength * vv / unit**2
    return Transition(carry=carry, noise=noise)


def _noise_integrals(slow: float, fast: float, step: Floats) -> tuple[Floats, Floats, Floats]:
    """∫g², ∫gg′ = g²/2 and ∫g′² over each step."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    short = fast * step < _SHORT
    xx, vv = np.empty_like(step), np.empty_like(step)
    s = 0.5 * step[short, None] * (nodes + 1.0)
    gap = fast - slow
    g = np.exp(-slow * s) * -np.expm1(-gap * s) / gap
    slope = np.exp(-fast * s) - slow * g
    half = 0.5 * step[short]
    xx[short], vv[short] = half * ((g * g) @ weights), half * ((slope * slope) @ weights)
    xx[~short], vv[~short] = _long_integrals(slow, fast, step[~short])
    response = np.exp(-slow * step) * -np.expm1(-gap * step) / gap
    return xx, 0.5 * response**2, vv


def _long_integrals(slow: float, fast: float, long: Floats) -> tuple[Floats, Floats]:
    """∫g² and ∫g′² by their antiderivatives."""
    gap = fast - slow
    if gap < _EQUAL * slow:
        rate = math.sqrt(slow * fast)
        x = rate * long
        fade = np.exp(-2.0 * x)
        xx = (1.0 - fade * (1.0 + 2.0 * x + 2.0 * x**2)) / (4.0 * rate**3)
        return xx, (1.0 - fade * (1.0 - 2.0 * x + 2.0 * x**2)) / (4.0 * rate)
    a = -np.expm1(-2.0 * slow * long) / (2.0 * slow)
    b = -np.expm1(-(slow + fast) * long) / (slow + fast)
    c = -np.expm1(-2.0 * fast * long) / (2.0 * fast)
    xx = (a - 2.0 * b + c) / gap**2
    return xx, (slow**2 * a - 2.0 * slow * fast * b + fast**2 * c) / gap**2
