"""What is left of a log-likelihood once the centres are summed out: the distribution of how many were caught.

Per naive group g and class u let A_gu = Σ_m a D p.(m), ψ_gu the share of the class, M_g = Σ_u ψ_gu A_gu, and
N the expected number of animals of the population. With S_i = ln Σ_u ψ_u Σ_m a D Pr(w_i | m, u) the
log-likelihood is Σ_i S_i plus

- conditional: −Σ_g n_g ln M_g;
- Poisson: −Λ − ln n! with Λ = M;
- Poisson with a class covariate: n ln Λ − n ln M − Λ − ln n!, Λ = n / Σ_i (1/A_i), where A_i is A_u for the
  animals of known class u and M for the others;
- binomial: ln Γ(N+1) − ln n! − ln Γ(N−n+1) + n ln(Λ/N) − n ln M + (N−n) ln(1 − Λ/N).

Borchers & Efford (2008) Biometrics 64:377–385; mixtures as in the conventions of docs/scr-engine.md.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.jet import Jet, variables
from ghostcat.scr.layout import SessionLayout

__all__ = ["class_shares", "number_term"]

Floats = NDArray[np.float64]


def number_term(session: SessionLayout, areas: Floats, logits: Floats, numbers: Floats) -> Jet | None:
    """The part of the log-likelihood that depends on A, ψ and N, one number a naive group.

    Parameters
    ----------
    areas : (n_groups, U) A_gu.
    logits : (n_groups, U − 1) linear predictors of the classes after the first.
    numbers : (n_groups,) N of each group's population.

    Returns
    -------
    Jet : n_groups values with derivatives in (A_g1 … A_gU, logits …, N_g); None where N < n − 1 or Λ ≥ N,
        which no binomial allows.
    """
    classes = areas.shape[1]
    inputs = variables(np.concatenate([areas, logits, numbers[:, None]], axis=1))
    area, logit, number = inputs[:classes], inputs[classes:-1], inputs[-1]
    mixed = _mixed(area, logit)
    groups = len(areas)
    group = session.naive_group[: session.detected]
    n = np.bincount(group, minlength=groups).astype(np.float64)
    if session.conditional:
        return mixed.log() * -n if n.any() else mixed * 0.0
    log_factorial = np.array([math.lgamma(v + 1.0) for v in n])
    if session.class_covariate and classes > 1:
        mean = _covariate_mean(session, area, mixed, n)
        caught = mixed.log() * -n + mean.log() * n
    else:
        mean, caught = mixed, mixed * 0.0
    if session.distribution == "poisson":
        return caught - mean - log_factorial
    if (numbers - n + 1.0 <= 0).any() or (mean.value >= numbers).any():
        return None
    rest = number - n
    missed = (number - mean).log() - number.log()
    caught = caught - number.log() * n
    return caught + (number + 1.0).log_gamma() - (rest + 1.0).log_gamma() - log_factorial + rest * missed


def class_shares(logits: Floats) -> Floats:
    """(n_groups, U) ψ from the (n_groups, U − 1) logits: softmax with 0 for the first class.

    >>> class_shares(np.array([[0.0]])).tolist()
    [[0.5, 0.5]]
    """
    padded = np.concatenate([np.zeros((len(logits), 1)), logits], axis=1)
    padded = padded - padded.max(axis=1, keepdims=True)
    share = np.exp(padded)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _mixed(area: tuple[Jet, ...], logit: tuple[Jet, ...]) -> Jet:
    if not logit:
        return area[0]
    odds = [x.exp() for x in logit]
    total = odds[0] + 1.0
    mixed = area[0] + odds[0] * area[1]
    for x, a in zip(odds[1:], area[2:], strict=True):
        total, mixed = total + x, mixed + x * a
    return mixed * total.apply(1.0 / total.value, -1.0 / total.value**2, 2.0 / total.value**3)


def _covariate_mean(session: SessionLayout, area: tuple[Jet, ...], mixed: Jet, n: Floats) -> Jet:
    """n / Σ_i (1/A_i); M where nobody was caught."""
    group = session.naive_group[: session.detected]
    known = session.known_class[: session.detected]
    unknown = np.bincount(group[known < 0], minlength=len(n)).astype(np.float64)
    total = _reciprocal(mixed) * np.where(n > 0, unknown, 1.0)
    for u, a in enumerate(area):
        total = total + _reciprocal(a) * np.bincount(group[known == u], minlength=len(n)).astype(np.float64)
    return _reciprocal(total) * np.maximum(n, 1.0)


def _reciprocal(x: Jet) -> Jet:
    return x.apply(1.0 / x.value, -1.0 / x.value**2, 2.0 / x.value**3)
