"""What the likelihood sees: every model of every survey, laid out as rows, profiles and catches.

A survey with occasions, effort, behaviour, sexes and several kinds of detector comes down to four things:

- **rows** r: a detector with the parameters that hold there, h_r(m) its hazard per unit effort at cell m;
- **profiles** q: sums of hazard over rows, G_q(m) = Σ_r E_qr h_r(m), the efforts E being sparse;
- **catches** t: what one detection at a row adds, ln h, or ln(exp(u h) − 1) for a binary detector;
- **histories** i: ln Pr(w_i | m) = Σ_t Y_it φ_t(m) − Σ_q B_iq G_q(m) + Σ_q C_iq ψ(G_q(m)) + collar term.

ψ(G) = ln((exp(G) − 1)/G) is what a catch in one of many multi-catch traps adds. Animals that share their
exposure share profiles, so the work grows with mask cells and detections and not with camera-days. Classes
(sexes, finite mixtures) are further copies of rows, profiles, catches and histories on the same mask.

Every predictor is linear in one vector β that all sessions share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["ArrayLayout", "ClassLayout", "CollarLayout", "Layout", "Link", "Predictor", "SessionLayout"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Link = Literal["log", "logit", "identity"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictor:
    """One real parameter over n places: link(value) = offset + design · β[columns].

    A fixed parameter has no columns and its value, on the link scale, as offset.
    """

    design: Floats
    """(n, p)."""
    columns: Ints
    """(p,) positions in β."""
    offset: Floats
    """(n,)."""
    link: Link


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassLayout:
    """One detector array as one latent class of animals meets it."""

    detector: Ints
    """(R,) detector of each row: index into `ArrayLayout.xy_m`."""
    intercept: Predictor
    """(R,) λ0, g0 or a0."""
    sigma: Predictor
    """(R,) metres."""
    shape: Predictor | None
    """(R,) z, for hazard rate and cumulative gamma."""
    profiles: csr_array
    """(Q, R) effort E."""
    survived: csr_array
    """(n, Q) B."""
    competed: csr_array
    """(n, Q) C; no entries but for multi-catch traps. Where `crowds` is given, (n, number of crowds)."""
    catch_row: Ints
    """(T,) row of each kind of catch."""
    catch_effort: Floats
    """(T,) effort u within the exponential, for binary detectors; 1 otherwise."""
    caught: csr_array
    """(n, T) Y."""
    naive: csr_array
    """(n_groups, Q) exposure of an animal never caught: ln(1 − p.(m)) = −Σ_q N_gq G_q(m)."""
    crowds: csr_array | None = None
    """(Qc, Q) sums of profiles on which ψ acts instead: a base profile and an animal's correction to it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayLayout:
    """Detectors that share a detection function and a kind of record."""

    xy_m: Floats
    """(K, 2)."""
    detectfn: int
    """The field's number: 0 HN, 1 HR, 2 EX, 14 HHN, 15 HHR, 16 HEX, 18 HCG (hazard cumulative gamma)."""
    intercept_name: Literal["g0", "lambda0", "a0"]
    binary: bool
    """Catches count as ln(exp(u h) − 1) (binary, binomial) rather than ln h (Poisson, multi-catch)."""
    classes: tuple[ClassLayout, ...]
    """One a latent class."""
    distance_m: Floats | None = None
    """(K, M) distances where they are not Euclidean."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CollarLayout:
    """Fixes of collared animals, each an independent draw around the activity centre."""

    history: Ints
    """(A,) history of each collared animal."""
    fixes: Floats
    """(A,) number of fixes (an effective number may be a fraction)."""
    mean_xy_m: Floats
    """(A, 2)."""
    scatter_m2: Floats
    """(A,) sum of squared distances of the fixes from their mean."""
    sigma: tuple[Predictor, ...]
    """One a latent class, (A,) metres."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionLayout:
    """One population at one time. Independent surveys of one population are sessions that share β.

    n histories: first the animals detected, then those known from collars only.
    """

    cells_xy_m: Floats
    """(M, 2)."""
    cell_area_ha: Floats
    """(M,)."""
    density: tuple[Predictor, ...] | None
    """(M,) animals per hectare, one a group of `population`; None in a conditional likelihood, where the
    centres have relative density 1 (or `relative_density`)."""
    mixing: tuple[Predictor, ...]
    """(n_groups,) logit of class 2, 3 … against class 1; empty with one class."""
    arrays: tuple[ArrayLayout, ...]
    collars: CollarLayout | None
    detected: int
    """How many of the histories are of detected animals."""
    naive_group: Ints
    """(n,) row of `naive` that holds for the animal: which p. it has. 0 … n_groups − 1."""
    population: Ints
    """(n_groups,) population, index into `density`, that each naive group belongs to. Groups of animals of
    one population that differ in p. exist only under the conditional likelihood."""
    known_class: Ints
    """(n,) class of each animal, −1 where unknown."""
    class_covariate: bool
    """Classes are those of a covariate known for some animals (`hcov`): known animals add the probability
    of their class, and the Poisson mean is N n / Σ_i (1/p._i)."""
    constant: Floats
    """(n_populations,) what no parameter moves: multiplicities, binomial coefficients, 1/y!."""
    distribution: Literal["poisson", "binomial"]
    conditional: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """All sessions of a model."""

    sessions: tuple[SessionLayout, ...]
    parameters: int
    """Length of β."""
