"""The log-likelihood of one session, in two passes over blocks of cells.

The first pass sums the centres out: S_i = ln Σ_u ψ_u Σ_m a D exp f_imu for every history i, and
A_gu = Σ_m a D p.(m) for every naive group g and class u. A short formula (`number`) joins them and tells
what each A is worth. The second pass goes through the same blocks with weights: for a history its
posterior over classes and cells, for a naive group the animals expected there and never caught, times what
its A is worth. With F = ∂f the Hessian is

    Σ weights (F Fᵀ + ∂²f) − Σ_i E_i[F] E_i[F]ᵀ + Σ c ∂²(a D) + terms of the formula

so a naive group is handled as one more history that was never caught.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.block import Entered, curvature, enter, slopes
from ghostcat.scr.collars import CollarValues, add_collars, collar_curvature, collar_slopes, collar_values
from ghostcat.scr.density import (
    DensityDesign,
    DensityValues,
    density_design,
    density_values,
    number_of_animals,
)
from ghostcat.scr.layout import SessionLayout
from ghostcat.scr.locality import LocalTiling, local_tiling
from ghostcat.scr.number import class_shares, number_term
from ghostcat.scr.rows import RowValues, row_values
from ghostcat.scr.tiles import Part, Tile, Tiling, whole_parts, whole_tiling, work

__all__ = ["PreparedSession", "SessionValue", "Summed", "prepare_session", "session_value"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Beyond this many elements it pays to leave out what is too far to matter.
_LOCAL = 4_000_000
# Elements of blocks that one evaluation keeps between its two passes (about 100 MB).
_KEEP = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedSession:
    """A session with everything that does not depend on β laid out."""

    layout: SessionLayout
    parameters: int
    classes: int
    groups: int
    density: DensityDesign
    tiling: Tiling | LocalTiling
    mixing_designs: Floats
    """(n_groups, U − 1, P) slopes of the class logits."""
    population: Ints
    """(n,) of each history."""


def prepare_session(session: SessionLayout, parameters: int, *, local: bool | None) -> PreparedSession:
    """Lay a session out.

    Raises
    ------
    ParameterError : a full likelihood with several kinds of naive animal in one population.
    """
    groups = len(session.population)
    classes = len(session.mixing) + 1
    if not session.conditional and len(np.unique(session.population)) < groups:
        raise ParameterError(
            "animals of one population differ in their chance of being caught, and how many of each kind "
            "there are is not part of the model",
            fix="Use the conditional likelihood, groups, or a class covariate (hcov).",
        )
    mixing = np.zeros((groups, classes - 1, parameters))
    for u, p in enumerate(session.mixing):
        np.add.at(mixing[:, u, :].T, p.columns, p.design.T)
    density = density_design(session, parameters)
    parts = whole_parts(session, density.columns)
    if local is None:
        local = work(session, parts) > _LOCAL
    return PreparedSession(
        layout=session,
        parameters=parameters,
        classes=classes,
        groups=groups,
        density=density,
        tiling=local_tiling(session, density, parts) if local else whole_tiling(session, parts),
        mixing_designs=mixing,
        population=session.population[session.naive_group],
    )


@dataclass(frozen=True, eq=False)
class SessionValue:
    """Log-likelihood of a session, with derivatives where they were asked for."""

    value: float
    gradient: Floats
    hessian: Floats


@dataclass(frozen=True, eq=False)
class _Block:
    """One class over one tile, after the first pass."""

    tile: Tile
    u: int
    part: Part
    entered: tuple[Entered, ...]
    everyone: Floats
    """(X, m) histories exp(f − top), then naive groups −Σ N G; overwritten by the second pass."""
    top: Floats
    """(n,)."""

    @property
    def joint(self) -> Floats:
        """(n, m) exp(f − top)."""
        return self.everyone[: len(self.top)]

    @property
    def log_missed(self) -> Floats:
        """(n_groups, m) ln(1 − p.)."""
        return self.everyone[len(self.top) :]


@dataclass(frozen=True, eq=False)
class Summed:
    """The first pass: what is left when the centres are summed out."""

    session: PreparedSession
    beta: Floats
    tiling: Tiling
    density: DensityValues
    log_shares: Floats
    """(n_groups, U) ln ψ."""
    logits: Floats
    top: Floats
    total: Floats
    """(n,) S = top + ln total."""
    areas: Floats
    """(n_groups, U) A."""
    blocks: list[_Block] | None
    possible: bool
    values: dict[int, RowValues]

    @property
    def log_sums(self) -> Floats:
        """(n,) S."""
        return self.top + np.log(self.total)

    def passes(self) -> Iterator[_Block]:
        """The blocks, again."""
        yield from self.blocks if self.blocks is not None else _blocks(self)


def summed(session: PreparedSession, beta: Floats, *, keep: bool) -> Summed:
    """Sum the centres out."""
    density = density_values(session.density, beta)
    logits = np.zeros((session.groups, session.classes - 1))
    for u, p in enumerate(session.layout.mixing):
        logits[:, u] = p.offset + (p.design @ beta[p.columns] if len(p.columns) else 0.0)
    n = len(session.layout.naive_group)
    with np.errstate(divide="ignore"):
        log_shares = np.log(class_shares(logits))
    blank = Summed(
        session,
        beta,
        session.tiling.at(beta),
        density,
        log_shares,
        logits,
        np.full(n, -np.inf),
        np.zeros(n),
        np.zeros((session.groups, session.classes)),
        None,
        density.possible,
        {},
    )
    if not density.possible or not _possible(blank):
        return Summed(**{**blank.__dict__, "possible": False})
    keep = keep and blank.tiling.elements <= _KEEP
    kept: list[_Block] = []
    top, total, areas = blank.top, blank.total, blank.areas
    for block in _blocks(blank):
        mass = density.mass[:, block.tile.cells][session.layout.population]
        areas[:, block.u] -= np.vecdot(mass, np.expm1(block.log_missed))
        if len(block.joint):
            who = block.part.histories
            higher = np.maximum(top[who], block.top)
            total[who] = total[who] * np.exp(top[who] - higher)
            total[who] += block.joint.sum(axis=1) * np.exp(block.top - higher)
            top[who] = higher
        if keep:
            kept.append(block)
    return Summed(**{**blank.__dict__, "blocks": kept if keep else None})


def _possible(state: Summed) -> bool:
    return all(
        _row_values(state, rows).possible
        for tile in state.tiling.tiles
        for part in tile.parts
        for rows in part.arrays
    )


def _row_values(state: Summed, rows: object) -> RowValues:
    found = state.values.get(id(rows))
    if found is None:
        found = state.values[id(rows)] = row_values(rows, state.beta)  # type: ignore[arg-type]
    return found


def _blocks(state: Summed) -> Iterator[_Block]:
    """The first pass over one class and one tile after the other."""
    session = state.session
    log_mass = state.density.log_mass
    group = session.layout.naive_group
    for tile in state.tiling.tiles:
        apart = tile.apart(session.layout)
        like: list[Entered | None] = [None] * len(apart)
        for u, part in enumerate(tile.parts):
            who = part.histories
            entered = [
                enter(rows, _row_values(state, rows), d, other, alone=session.classes == 1)
                for rows, d, other in zip(part.arrays, apart, like, strict=True)
            ]
            like = list(entered)
            log_probability = entered[0].log_probability
            for more in entered[1:]:
                log_probability += more.log_probability
            joint = log_probability[: len(who)]
            prior = log_mass[:, tile.cells]
            joint += prior if len(prior) == 1 else prior[session.population[who]]
            if session.classes > 1:
                joint += state.log_shares[group[who], u][:, None]
            if part.collars is not None:
                add_collars(_collars(state, tile, u), joint, part.collar_places)
            top = joint.max(axis=1) if joint.size else np.empty(0)
            joint -= top[:, None]
            np.exp(joint, out=joint)
            yield _Block(tile, u, part, tuple(entered), log_probability, top)


def _collars(state: Summed, tile: Tile, u: int) -> CollarValues:
    layout = state.session.layout
    part = tile.parts[u]
    assert layout.collars is not None and part.collars is not None
    return collar_values(layout.collars, part.collars, layout.cells_xy_m[tile.cells], u, state.beta)


def session_value(session: PreparedSession, beta: Floats, *, derivatives: bool) -> SessionValue:
    """Log-likelihood of one session; −∞ with NaN derivatives outside the domain of the parameters."""
    state = summed(session, beta, keep=derivatives)
    parameters = session.parameters
    nothing = SessionValue(-np.inf, np.full(parameters, np.nan), np.full((parameters, parameters), np.nan))
    if not state.possible:
        return nothing
    layout = session.layout
    numbers = state.density.mass.sum(axis=1)
    term = number_term(layout, state.areas, state.logits, numbers[layout.population])
    if term is None:
        return nothing
    collared = session.population[layout.detected :]
    value = float(layout.constant.sum() + state.log_sums.sum() + term.value.sum())
    value -= float(np.log(numbers)[collared].sum())
    if not np.isfinite(value):
        return nothing
    if not derivatives:
        return SessionValue(value, np.empty(0), np.empty((0, 0)))
    return SessionValue(value, *_derivatives(state, term, collared))


def _derivatives(state: Summed, term: object, collared: Ints) -> tuple[Floats, Floats]:
    from ghostcat.scr.jet import Jet

    assert isinstance(term, Jet)
    session = state.session
    classes = session.classes
    worth = term.gradient[:, :classes]
    second = second_pass(state, worth)
    shares, flat = _flat(state)
    # Histories: E[F], with the flat coefficients that move whole classes.
    mean = second.mean + second.share[:, :, None] * flat
    total = mean.sum(axis=0)
    gradient = total.sum(axis=0)
    hessian = second.hessian - total.T @ total
    for u in range(classes):
        cross = flat[u].T @ second.mean[u]
        hessian += cross + cross.T + (flat[u].T * second.share[u]) @ flat[u]
    # Naive groups: ∂A, each with the flat density of its population.
    flat_density = session.density.flat[session.layout.population]
    slope = second.area_slope
    weighted = np.einsum("gu,guj->gj", worth, slope)
    amount = (worth * state.areas).sum(axis=1)
    cross = flat_density.T @ weighted
    hessian += cross + cross.T + (flat_density.T * amount) @ flat_density
    slope = slope + state.areas[:, :, None] * flat_density[:, None, :]
    gradient += np.einsum("gu,guj->j", worth, slope)
    # The formula's own curvature, in (A, logits, N).
    per_group = [slope, session.mixing_designs]
    number_gradient = np.zeros((session.groups, 1, session.parameters))
    moved = term.gradient[:, -1].any() or len(collared)
    if moved:
        for g, population in enumerate(session.layout.population):
            first, bend = number_of_animals(session.density, state.density, int(population))
            number_gradient[g, 0] = first
            gradient += term.gradient[g, -1] * first
            hessian += term.gradient[g, -1] * bend
    gradient += np.einsum("gv,gvj->j", term.gradient[:, classes:-1], session.mixing_designs)
    jacobian = np.concatenate([*per_group, number_gradient], axis=1)
    bent = np.matmul(term.hessian, jacobian)
    hessian += jacobian.reshape(-1, session.parameters).T @ bent.reshape(-1, session.parameters)
    hessian += _share_curvature(session, shares, term)
    for population in np.unique(collared):
        first, bend = number_of_animals(session.density, state.density, int(population))
        number = float(state.density.mass[population].sum())
        times = float((collared == population).sum())
        gradient -= times * first / number
        hessian -= times * (bend / number - np.outer(first, first) / number**2)
    return gradient, 0.5 * (hessian + hessian.T)


def _flat(state: Summed) -> tuple[Floats, Floats]:
    """(n_groups, U) ψ, and (U, n, P) slopes of ln D and ln ψ that are the same for all cells."""
    session = state.session
    shares = np.exp(state.log_shares)
    flat = np.broadcast_to(
        session.density.flat[session.population],
        (session.classes, len(session.population), session.parameters),
    )
    if session.classes == 1:
        return shares, flat
    flat = flat.copy()
    group = session.layout.naive_group
    pulled = np.einsum("gv,gvj->gj", shares[:, 1:], session.mixing_designs)
    flat -= pulled[group]
    for v in range(session.classes - 1):
        flat[v + 1] += session.mixing_designs[group, v]
    return shares, flat


def _share_curvature(session: PreparedSession, shares: Floats, term: object) -> Floats | float:
    """∂² ln ψ, which is the same for every class, once a history."""
    if session.classes == 1:
        return 0.0
    histories = np.bincount(session.layout.naive_group, minlength=session.groups).astype(np.float64)
    psi = shares[:, 1:]
    inner = psi[:, :, None] * psi[:, None, :]
    inner[:, np.arange(session.classes - 1), np.arange(session.classes - 1)] -= psi
    designs = session.mixing_designs
    bent = np.matmul(inner, designs) * histories[:, None, None]
    return np.asarray(designs.reshape(-1, session.parameters).T @ bent.reshape(-1, session.parameters))


@dataclass(frozen=True, eq=False)
class SecondPass:
    """Sums over cells of first and second derivatives."""

    share: Floats
    """(U, n) posterior of the classes."""
    mean: Floats
    """(U, n, P) Σ_m w ∂f of the spatial coefficients."""
    area_slope: Floats
    """(n_groups, U, P) ∂A, spatial coefficients."""
    hessian: Floats
    """(P, P)."""


def second_pass(state: Summed, worth: Floats, *, curved: bool = True) -> SecondPass:
    """Go through the blocks again, weighted.

    Parameters
    ----------
    worth : (n_groups, U) derivative of the log-likelihood in A.
    curved : also second derivatives; `hessian` is 0 otherwise.
    """
    session = state.session
    layout = session.layout
    n, parameters = len(layout.naive_group), session.parameters
    log_sums = state.log_sums
    share = np.zeros((session.classes, n))
    mean = np.zeros((session.classes, n, parameters))
    area_slope = np.zeros((session.groups, session.classes, parameters))
    hessian = np.zeros((parameters, parameters))
    for block in state.passes():
        part, u, cells = block.part, block.u, block.tile.cells
        who = part.histories
        w = block.joint
        if len(who):
            w *= np.exp(block.top - log_sums[who])[:, None]
            share[u, who] += w.sum(axis=1)
        if not len(part.columns):
            continue
        weights = block.everyone
        missed = block.log_missed
        np.exp(missed, out=missed)
        missed *= state.density.mass[:, cells][layout.population]
        found: list[Floats | None] = [None] * len(part.columns)
        kept = [
            slopes(entered, found, place) for entered, place in zip(block.entered, part.places, strict=True)
        ]
        collars = _collars(state, block.tile, u) if part.collars is not None else None
        first = [np.zeros(weights.shape) if f is None else f for f in found]
        if collars is not None:
            collar_slopes(collars, first, part)
        _add_density_slopes(state, block, first)
        for f, column in zip(first, part.columns, strict=True):
            area_slope[:, u, column] -= np.vecdot(f[len(who) :], missed)
        missed *= -worth[:, u][:, None]
        if not curved:
            _add_density_curvature(
                state, block, weights, worth[:, u], np.zeros((len(first), len(first))), area_slope[:, u]
            )
            continue
        local = np.empty((len(first), len(first)))
        for j, f in enumerate(first):
            weighted = f * weights
            mean[u, who, part.columns[j]] += np.vecdot(f[: len(who)], w)
            for k in range(j, len(first)):
                local[j, k] = local[k, j] = np.vdot(weighted, first[k])
        for entered, place, slope in zip(block.entered, part.places, kept, strict=True):
            local[np.ix_(place, place)] += curvature(entered, slope, weights)
        if collars is not None:
            collar_curvature(collars, local, part, weights)
        _add_density_curvature(state, block, weights, worth[:, u], local, area_slope[:, u])
        hessian[np.ix_(part.columns, part.columns)] += local
    return SecondPass(share, mean, area_slope, hessian)


def _add_density_slopes(state: Summed, block: _Block, into: list[Floats]) -> None:
    slopes_of = state.density.slopes
    if slopes_of is None:
        return
    session, part = state.session, block.part
    population = np.concatenate([session.population[part.histories], session.layout.population])
    for k, slope in enumerate(slopes_of):
        rows = population == k
        for place, row in zip(part.density_places, slope, strict=True):
            into[place][rows] += row[block.tile.cells]


def _add_density_curvature(
    state: Summed, block: _Block, weights: Floats, worth: Floats, local: Floats, area_slope: Floats
) -> None:
    """Terms of spatial density: c Σ a D p. beside the groups' −c Σ a D exp(−G), and curved links."""
    slopes_of = state.density.slopes
    if slopes_of is None:
        return
    session, part, cells = state.session, block.part, block.tile.cells
    places = np.ix_(part.density_places, part.density_places)
    population = np.concatenate([session.population[part.histories], session.layout.population])
    for k, slope in enumerate(slopes_of):
        here = slope[:, cells]
        mass = state.density.mass[k, cells]
        groups = np.flatnonzero(session.layout.population == k)
        area_slope[np.ix_(groups, session.density.columns)] += here @ mass
        amount = float(worth[groups].sum())
        local[places] += amount * ((here * mass) @ here.T)
        bend = state.density.bends[k]
        if bend is not None:
            design = session.density.designs[k][:, cells]
            load = weights[population == k].sum(axis=0) + amount * mass
            local[places] += (design * (load * bend[cells])) @ design.T
