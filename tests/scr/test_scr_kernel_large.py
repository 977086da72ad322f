"""What makes large surveys quick changes no number: locality, merged cells, blocks, the search."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from ghostcat.scr import locality
from ghostcat.scr.centres import (
    centre_posteriors,
    class_detection_probability,
    class_posteriors,
    detection_probability,
    effective_areas,
    unseen_density,
)
from ghostcat.scr.coarse import coarsen
from ghostcat.scr.jet import variables
from ghostcat.scr.kernel import LogLikelihood, evaluate, prepare
from ghostcat.scr.layout import ArrayLayout, ClassLayout, CollarLayout, Layout, Predictor, SessionLayout
from ghostcat.scr.newton import maximise, maximise_layout
from ghostcat.scr.number import class_shares

STEP_M, CELL_M, SIGMA_M = 3000.0, 1500.0, 1500.0


def predictor(design, columns, link="log"):
    design = np.asarray(design, dtype=float)
    return Predictor(design=design, columns=np.array(columns), offset=np.zeros(len(design)), link=link)


def wide_survey(*, detectfn=14, classes=1, kind="count", far=False, collars=False, spatial=True, seed=1):
    """12 × 3 stations along 33 km: reach is a small part of the mask. β: D, x, a, s, [a2, mix]."""
    rng = np.random.default_rng(seed)
    traps = np.stack(np.meshgrid(np.arange(12), np.arange(3)), axis=-1).reshape(-1, 2) * STEP_M
    cells = np.stack(np.meshgrid(np.arange(-4, 27), np.arange(-4, 9)), axis=-1).reshape(-1, 2) * CELL_M
    homes = cells[rng.integers(0, len(cells), 120)] + rng.uniform(-500, 500, (120, 2))
    d2 = ((homes[:, None] - traps) ** 2).sum(axis=2)
    y = rng.poisson(0.9 * np.exp(-d2 / (2 * SIGMA_M**2)))
    y = y[y.sum(axis=1) > 0]
    if kind != "count":
        y = np.minimum(y, 3)
    if far:  # 22 σ from its other captures
        first = int(np.flatnonzero(y[:, 0])[0]) if y[:, 0].any() else 0
        y[first, 0] = y[first, 11] = 1
    n, k = y.shape
    x = (cells[:, :1] - cells[:, 0].mean()) / 20_000.0
    kinds = np.flatnonzero(y.sum(axis=0))
    one = np.ones((k, 1))
    laid = tuple(
        ClassLayout(
            detector=np.arange(k),
            intercept=predictor(one if u == 0 else np.hstack([one, one]), [2] if u == 0 else [2, 4],
                                "log" if detectfn >= 14 else "logit"),
            sigma=predictor(one, [3]),
            shape=None,
            profiles=csr_array(np.full((1, k), 3.0)),
            survived=csr_array(np.ones((n, 1))),
            competed=csr_array((n, 1)),
            catch_row=kinds,
            catch_effort=np.ones(len(kinds)),
            caught=csr_array(y[:, kinds].astype(float)),
            naive=csr_array(np.ones((1, 1))),
        )
        for u in range(classes)
    )  # fmt: skip
    array = ArrayLayout(
        xy_m=traps,
        detectfn=detectfn,
        intercept_name="lambda0" if detectfn >= 14 else "g0",
        binary=kind == "proximity",
        classes=laid,
    )
    fixes = None
    if collars:
        fixes = CollarLayout(
            history=np.array([1, 4]),
            fixes=np.array([8.0, 5.0]),
            mean_xy_m=traps[y[[1, 4]].argmax(axis=1)] + 700.0,
            scatter_m2=np.array([6.0, 9.0]) * SIGMA_M**2,
            sigma=(predictor(np.ones((2, 1)), [3]),) * classes,
        )
    design = np.hstack([np.ones((len(cells), 1)), x])
    session = SessionLayout(
        cells_xy_m=cells.astype(float),
        cell_area_ha=np.full(len(cells), 225.0),
        density=(predictor(design if spatial else design[:, :1], [0, 1] if spatial else [0]),),
        mixing=(predictor(np.ones((1, 1)), [5], "logit"),) * (classes - 1),
        arrays=(array,),
        collars=fixes,
        detected=n,
        naive_group=np.zeros(n, dtype=np.int64),
        population=np.zeros(1, dtype=np.int64),
        known_class=np.full(n, -1),
        class_covariate=False,
        constant=np.zeros(1),
        distribution="poisson",
        conditional=False,
    )
    beta = [-6.0, 0.3, math.log(0.3) if detectfn >= 14 else -1.0, math.log(SIGMA_M), 0.5, 0.2]
    parameters = 6 if classes == 2 else 4
    return Layout(sessions=(session,), parameters=parameters), np.array(beta[:parameters])


@pytest.fixture()
def _small_tiles(monkeypatch):
    monkeypatch.setattr(locality, "_CELLS", 30)


@pytest.mark.usefixtures("_small_tiles")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"detectfn": 0, "kind": "proximity"},
        {"kind": "proximity", "far": True},
        {"detectfn": 16},
        {"classes": 2},
        {"collars": True, "classes": 2},
        {"far": True, "seed": 2},
    ],
    ids=str,
)
def test_locality_agrees_with_all_pairs(options):
    """1e-10 is asked for; what is cut is below 1e-14, what is left is rounding."""
    layout, beta = wide_survey(**options)
    everything, local = prepare(layout, local=False), prepare(layout, local=True)
    rng = np.random.default_rng(3)
    for move in (0.0, 0.05, 0.4, 0.05):  # the third needs wider tiles, the fourth takes those
        point = beta + move * rng.normal(size=len(beta))
        a, b = evaluate(everything, point), evaluate(local, point)
        size = np.abs(a.hessian).max()
        assert b.value == pytest.approx(a.value, rel=1e-13)
        assert np.abs(a.gradient - b.gradient).max() < 1e-12 * size
        assert np.abs(a.hessian - b.hessian).max() < 1e-12 * size
    tiling = local.sessions[0].tiling.at(beta)
    if options.get("detectfn") != 16:  # an exponential reaches 41 σ
        assert tiling.elements < 0.8 * everything.sessions[0].tiling.elements


@pytest.mark.usefixtures("_small_tiles")
def test_what_is_read_off_does_not_depend_on_locality():
    layout, beta = wide_survey(classes=2, far=True)
    for function in (
        centre_posteriors,
        class_posteriors,
        detection_probability,
        class_detection_probability,
        unseen_density,
        lambda p, b: effective_areas(p, b)[1],
    ):
        whole = function(prepare(layout, local=False), beta)
        assert function(prepare(layout, local=True), beta) == pytest.approx(whole, rel=1e-9, abs=1e-14)


def test_what_is_read_off_belongs_together():
    layout, beta = wide_survey(classes=2)
    prepared = prepare(layout)
    session = layout.sessions[0]
    posterior = centre_posteriors(prepared, beta)
    assert posterior.sum(axis=1) == pytest.approx(1.0, rel=1e-12)
    assert class_posteriors(prepared, beta).sum(axis=1) == pytest.approx(1.0, rel=1e-12)
    by_class = class_detection_probability(prepared, beta)
    shares = class_shares(np.array([[beta[5]]]))
    seen = np.einsum("gu,gum->gm", shares, by_class)
    assert detection_probability(prepared, beta) == pytest.approx(seen, rel=1e-14)
    density = np.exp(session.density[0].design @ beta[:2])
    assert unseen_density(prepared, beta)[0] == pytest.approx(density * (1 - seen[0]), rel=1e-12)
    areas, gradient = effective_areas(prepared, beta)
    assert areas[0] == pytest.approx(float((density * session.cell_area_ha) @ seen[0]), rel=1e-12)
    for j in range(len(beta)):
        move = np.zeros(len(beta))
        move[j] = 1e-4
        slope = (effective_areas(prepared, beta + move)[0] - effective_areas(prepared, beta - move)[0]) / 2e-4
        assert gradient[0, j] == pytest.approx(slope[0], rel=1e-6, abs=1e-6)
    # ∂ ln L/∂ ln D at constant density: animals seen less animals expected to be seen.
    assert evaluate(prepared, beta).gradient[0] == pytest.approx(session.detected - areas[0], rel=1e-11)


def test_blocks_of_cells_change_nothing(monkeypatch):
    layout, beta = wide_survey(classes=2, kind="proximity")
    one = evaluate(prepare(layout, local=False), beta)
    monkeypatch.setattr("ghostcat.scr.tiles._BLOCK", 1000)
    monkeypatch.setattr("ghostcat.scr.summing._KEEP", 0)
    many = prepare(layout, local=False)
    assert len(many.sessions[0].tiling.at(beta).tiles) > 3
    other = evaluate(many, beta)
    assert other.value == pytest.approx(one.value, rel=1e-14)
    assert other.hessian == pytest.approx(one.hessian, rel=1e-10, abs=1e-10)


def test_distances_of_the_users_own_are_taken():
    layout, beta = wide_survey()
    session = layout.sessions[0]
    array = session.arrays[0]
    distance = np.sqrt(((array.xy_m[:, None] - session.cells_xy_m) ** 2).sum(axis=2))
    nowhere = replace(array, xy_m=array.xy_m + 1e6, distance_m=distance)
    other = replace(layout, sessions=(replace(session, arrays=(nowhere,)),))
    for local in (False, True):
        assert evaluate(prepare(other, local=local), beta).value == pytest.approx(
            evaluate(layout, beta).value, rel=1e-12
        )


def test_merged_cells_keep_area_and_centre():
    layout, _ = wide_survey()
    session, rough = layout.sessions[0], coarsen(layout, factor=2).sessions[0]
    assert len(rough.cell_area_ha) < 0.35 * len(session.cell_area_ha)
    assert rough.cell_area_ha.sum() == pytest.approx(session.cell_area_ha.sum())
    centre = session.cell_area_ha @ session.cells_xy_m / session.cell_area_ha.sum()
    assert rough.cell_area_ha @ rough.cells_xy_m / rough.cell_area_ha.sum() == pytest.approx(centre)
    assert rough.density[0].design[:, 0] == pytest.approx(1.0)


def test_search_on_merged_cells_ends_at_the_same_maximum():
    layout, beta = wide_survey()
    reach = np.full(len(beta), 10.0)
    prepared = prepare(layout)
    fine = maximise(lambda b: evaluate(prepared, b), beta + 0.3, lower=beta - reach, upper=beta + reach)
    merged = maximise_layout(layout, beta + 0.3, lower=beta - reach, upper=beta + reach)
    assert fine.convergence.converged
    assert merged.convergence.converged
    error = np.sqrt(np.diag(np.linalg.inv(-fine.at.hessian)))
    assert np.abs((merged.beta - fine.beta) / error).max() < 2e-4
    assert np.abs(merged.at.gradient).max() < 1e-3


def test_several_starts_lead_to_the_best():
    layout, beta = wide_survey()
    starts = np.stack([beta + 2.0, beta - 0.1])
    found = maximise_layout(layout, starts, lower=starts - 10.0, upper=starts + 10.0)
    assert found.convergence.converged


def surface(function):
    """A log-likelihood of two parameters with derivatives by hand: (value, gradient, Hessian)."""

    def evaluated(beta):
        value, gradient, hessian = function(beta)
        return LogLikelihood(value=value, gradient=np.array(gradient), hessian=np.array(hessian))

    return evaluated


def search(function, start, reach=8.0):
    start = np.array(start, dtype=float)
    return maximise(surface(function), start, lower=start - reach, upper=start + reach)


def test_a_saddle_is_left():
    def valley(b):  # x² − x⁴ − y²: a saddle at 0, maxima at x = ±1/√2
        x, y = b
        return x**2 - x**4 - y**2, [2 * x - 4 * x**3, -2 * y], [[2 - 12 * x**2, 0.0], [0.0, -2.0]]

    found = search(valley, [0.0, 0.5])
    assert found.convergence.converged
    assert abs(found.beta[0]) == pytest.approx(math.sqrt(0.5), abs=1e-6)


def test_a_flat_ridge_is_reached_and_said():
    def ridge(b):
        total = b[0] + b[1] - 1.0
        return -(total**2), [-2 * total, -2 * total], [[-2.0, -2.0], [-2.0, -2.0]]

    found = search(ridge, [3.0, 0.0])
    assert found.at.value == pytest.approx(0.0, abs=1e-12)
    assert not found.convergence.converged
    assert "flat" in found.convergence.reason


def test_a_parameter_that_runs_to_infinity_is_said():
    def ramp(b):  # −exp(−x): no maximum
        e = math.exp(-b[0])
        return -e - b[1] ** 2, [e, -2 * b[1]], [[-e, 0.0], [0.0, -2.0]]

    found = search(ramp, [0.0, 1.0])
    assert not found.convergence.converged
    assert found.convergence.reason


def test_steps_out_of_the_domain_are_taken_back():
    def wall(b):  # 3 ln x − x is nothing below 0
        x, y = b
        if x <= 0:
            return -math.inf, [math.nan, math.nan], [[math.nan] * 2] * 2
        return 3 * math.log(x) - x - y**2, [3 / x - 1, -2 * y], [[-3 / x**2, 0.0], [0.0, -2.0]]

    found = search(wall, [7.5, 1.0])
    assert found.convergence.converged
    assert found.beta[0] == pytest.approx(3.0, abs=1e-4)
    nowhere = search(wall, [-1.0, 0.0])
    assert not nowhere.convergence.converged
    assert "zero where the search started" in nowhere.convergence.reason


@settings(max_examples=40, deadline=None)
@given(st.floats(0.2, 3.0), st.floats(0.2, 3.0), st.floats(-1.0, 1.0))
def test_jets_carry_exact_derivatives(a, b, c):
    def formula(x, y, z):
        return (x * y + z.exp()).log() * x - y.log_gamma() * 2.0 + z * z - 1.0

    point = np.array([[a, b, c]])
    found = formula(*variables(point))
    h = 1e-5
    for j in range(3):
        move = np.zeros((1, 3))
        move[0, j] = h
        up, down = formula(*variables(point + move)), formula(*variables(point - move))
        assert found.gradient[0, j] == pytest.approx(
            (up.value[0] - down.value[0]) / (2 * h), rel=1e-6, abs=1e-7
        )
        assert found.hessian[0, j] == pytest.approx(
            (up.gradient[0] - down.gradient[0]) / (2 * h), rel=1e-5, abs=1e-6
        )
