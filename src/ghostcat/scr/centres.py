"""What a fitted layout says beside its likelihood: where animals live, of which class, what was missed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from ghostcat.scr.kernel import Prepared
from ghostcat.scr.layout import SessionLayout
from ghostcat.scr.summing import Summed, prepare_session, second_pass, summed

__all__ = [
    "centre_posteriors",
    "class_detection_probability",
    "class_posteriors",
    "detection_probability",
    "effective_areas",
    "unseen_density",
]

Floats = NDArray[np.float64]


def centre_posteriors(prepared: Prepared, beta: ArrayLike, session: int = 0) -> Floats:
    """(n, M) probability of each animal's activity centre, given its history; rows sum to 1."""
    state = _summed(prepared, beta, session)
    log_sums = state.log_sums
    found = np.zeros((len(log_sums), len(state.session.layout.cell_area_ha)))
    for block in state.passes():
        who, cells = block.part.histories, block.tile.cells
        weight = np.exp(block.top - log_sums[who])
        if isinstance(cells, slice):
            found[who, cells] += block.joint * weight[:, None]
        else:
            found[np.ix_(who, cells)] += block.joint * weight[:, None]
    return found


def class_posteriors(prepared: Prepared, beta: ArrayLike, session: int = 0) -> Floats:
    """(n, U) probability of each animal's class, given its history; rows sum to 1."""
    state = _summed(prepared, beta, session)
    log_sums = state.log_sums
    found = np.zeros((len(log_sums), state.session.classes))
    for block in state.passes():
        who = block.part.histories
        found[who, block.u] += block.joint.sum(axis=1) * np.exp(block.top - log_sums[who])
    return found


def class_detection_probability(prepared: Prepared, beta: ArrayLike, session: int = 0) -> Floats:
    """(n_groups, U, M) probability that an animal of the group and class in a cell is caught at all."""
    state = _summed(prepared, beta, session)
    shape = (state.session.groups, state.session.classes, len(state.session.layout.cell_area_ha))
    found = np.zeros(shape)
    for block in state.passes():
        found[:, block.u, block.tile.cells] = -np.expm1(block.log_missed)
    return found


def detection_probability(prepared: Prepared, beta: ArrayLike, session: int = 0) -> Floats:
    """(n_groups, M) probability that an animal of the group living in a cell is caught at all."""
    shares = np.exp(_summed(prepared, beta, session).log_shares)
    by_class = class_detection_probability(prepared, beta, session)
    return np.asarray(np.einsum("gu,gum->gm", shares, by_class))


def unseen_density(prepared: Prepared, beta: ArrayLike, session: int = 0) -> Floats:
    """(n_groups, M) expected animals per hectare that were never caught: D (1 − p.).

    In a full likelihood groups are populations. In a conditional one D is 1, or the relative density.
    """
    state = _summed(prepared, beta, session)
    layout = state.session.layout
    missed = 1.0 - detection_probability(prepared, beta, session)
    return np.asarray(missed * state.density.mass[layout.population] / layout.cell_area_ha)


def effective_areas(prepared: Prepared, beta: ArrayLike, session: int = 0) -> tuple[Floats, Floats]:
    """Σ_m a D p.(m) of each naive group, class-weighted, and its gradient.

    Returns
    -------
    (n_groups,) and (n_groups, P). In a conditional likelihood D is 1 and this is the effective sampling area
    in hectares; in a full one the expected number of animals caught.
    """
    laid = prepared.sessions[session]
    if len(laid.population):  # who was caught does not matter here
        bare = without_histories(laid.layout)
        laid = prepare_session(bare, laid.parameters, local=None)
    state = summed(laid, np.asarray(beta, dtype=np.float64), keep=True)
    shares = np.exp(state.log_shares)
    areas = (shares * state.areas).sum(axis=1)
    slope = second_pass(state, np.zeros_like(state.areas), curved=False).area_slope
    slope = slope + state.areas[:, :, None] * laid.density.flat[laid.layout.population][:, None, :]
    gradient = np.einsum("gu,guj->gj", shares, slope)
    # ∂ψ_u/∂η_v = ψ_u (δ_uv − ψ_v)
    pull = shares[:, 1:] * (state.areas[:, 1:] - areas[:, None])
    gradient += np.einsum("gv,gvj->gj", pull, laid.mixing_designs)
    return areas, gradient


def without_histories(session: SessionLayout) -> SessionLayout:
    """The same survey with nobody caught and no collars: what depends on exposure alone."""
    nobody = np.empty(0, dtype=np.int64)
    arrays = tuple(
        replace(
            array,
            classes=tuple(
                replace(
                    laid,
                    survived=csr_array((0, laid.survived.shape[1])),
                    competed=csr_array((0, laid.competed.shape[1])),
                    caught=csr_array((0, 0)),
                    catch_row=nobody,
                    catch_effort=np.empty(0),
                )
                for laid in array.classes
            ),
        )
        for array in session.arrays
    )
    return replace(
        session,
        arrays=arrays,
        collars=None,
        detected=0,
        naive_group=nobody,
        known_class=nobody,
        constant=np.zeros_like(session.constant),
    )


def _summed(prepared: Prepared, beta: ArrayLike, session: int) -> Summed:
    return summed(prepared.sessions[session], np.asarray(beta, dtype=np.float64), keep=False)
