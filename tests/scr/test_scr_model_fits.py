"""Fits of models: the maximum is proven, and every number read off it is what it says."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr import (
    Collars,
    DetectorArray,
    Mask,
    ScrModel,
    ScrSession,
    activity_centres,
    class_shares,
    density_map,
    derived_density,
    evidence_account,
    fit_model,
    make_mask,
    predict,
    real_parameters,
    region_abundance,
    region_numbers,
)
from ghostcat.scr.kernel import evaluate

GRID = 2000.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
MASK = make_mask(GRID, buffer_m=8000.0, cell_m=1000.0)
SIGMA = 1800.0


def population(rng, *, density_per_100km2=12.0, east=0.0):
    """Cells of the centres; density grows by exp(east) for each standard deviation of x."""
    x = (MASK.xy_m[:, 0] - MASK.xy_m[:, 0].mean()) / MASK.xy_m[:, 0].std(ddof=1)
    mean = density_per_100km2 / 100.0 * MASK.cell_area_km2 * np.exp(east * x)
    return np.repeat(np.arange(MASK.cells), rng.poisson(mean))


def caught(
    rng, cells, *, kind="count", lambda0=0.02, occasions=5, days=18.0, sigma=SIGMA, response=0.0, traps=GRID
):
    """(animal, detector, occasion, number) of every record; animals numbered as `cells`."""
    distance = np.hypot(*(MASK.xy_m[cells][:, None] - traps[None]).transpose(2, 0, 1))
    base = days * np.asarray(lambda0) * np.exp(-(distance**2) / (2 * np.asarray(sigma) ** 2))
    records = []
    seen = np.zeros(distance.shape, dtype=bool)
    for s in range(occasions):
        hazard = base * np.exp(response * seen)
        number = (
            rng.poisson(hazard)
            if kind == "count"
            else (rng.random(hazard.shape) < -np.expm1(-hazard)).astype(int)
        )
        animal, detector = np.nonzero(number)
        records.append(np.stack([animal, detector, np.full(len(animal), s), number[animal, detector]]))
        seen |= number > 0
    return np.concatenate(records, axis=1)


def array_of(records, place, *, kind="count", occasions=5, days=18.0, name="camera", traps=GRID, **more):
    animal, detector, occasion, number = records
    return DetectorArray(
        xy_m=traps,
        kind=kind,
        usage=np.full((len(traps), occasions), days),
        animal=place[animal],
        detector=detector,
        occasion=occasion,
        number=number,
        name=name,
        **more,
    )


def session_of(*pieces, fixes=None, name="1", covariates=None, **more):
    """A session of the animals that any piece knows; pieces are (records, options)."""
    known = set()
    for records, _ in pieces:
        known |= set(records[0].tolist())
    if fixes is not None:
        known |= set(fixes[0].tolist())
    ids = sorted(known)
    place = np.full(max(ids) + 1, -1)
    place[ids] = np.arange(len(ids))
    return ScrSession(
        mask=MASK,
        arrays=tuple(array_of(records, place, **options) for records, options in pieces),
        animals=tuple(f"A{i}" for i in ids),
        name=name,
        animal_covariates={k: np.asarray(v, dtype=object)[ids] for k, v in (covariates or {}).items()},
        collars=None if fixes is None else Collars(animal=place[fixes[0]], xy_m=fixes[1]),
        **more,
    )


@pytest.fixture(scope="module")
def trend():
    rng = np.random.default_rng(4)
    session = session_of((caught(rng, population(rng, east=0.6)), {}))
    return fit_model(ScrModel(sessions=(session,), formulas={"D": "~x", "lambda0": "~1"}))


def test_convergence_is_proven_and_nothing_nearby_is_better(trend):
    assert trend.converged
    assert trend.convergence.max_gradient < 1e-3
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = rng.multivariate_normal(trend.beta, trend.covariance)
        assert evaluate(trend.laid.layout, other, derivatives=False).value < trend.log_likelihood


def test_the_truth_lies_within_three_standard_errors(trend):
    found = {c.name: c for c in trend.coefficients()}
    for name, truth in {"D.x": 0.6, "lambda0": math.log(0.02), "sigma": math.log(SIGMA)}.items():
        assert abs(found[name].estimate - truth) < 3 * found[name].standard_error


def test_criteria(trend):
    assert trend.aic == pytest.approx(8 - 2 * trend.log_likelihood)
    assert trend.aicc == pytest.approx(trend.aic + 40 / (trend.animals - 5))


@pytest.mark.parametrize("link", ["log", "identity"])
def test_slope_of_a_realised_number_is_its_derivative(link):
    """The score trick against central differences of the number itself."""
    from ghostcat.scr.surfaces import realised_slope

    rng = np.random.default_rng(6)
    session = session_of((caught(rng, population(rng)), {}))
    fit = fit_model(ScrModel(sessions=(session,), formulas={"D": "~x"}, link={"D": link}))
    share = (MASK.xy_m[:, 1] > 4000.0).astype(float)
    slope = realised_slope(fit, 0, share)
    for j in range(4):
        step = np.zeros(4)
        step[j] = 1e-5 * (abs(fit.beta[j]) if j < 2 and link == "identity" else 1.0)
        up, down = (
            region_abundance(replace(fit, beta=fit.beta + s), share > 0).realised.estimate
            for s in (step, -step)
        )
        assert (up - down) / (2 * step[j]) == pytest.approx(slope[j], rel=1e-4)


def test_density_map_holds_everybody_and_follows_the_trend(trend):
    surface = density_map(trend)
    whole = region_abundance(trend)
    area = MASK.cell_area_km2 / 100.0
    assert surface.expected @ area == pytest.approx(whole.expected.estimate, rel=1e-9)
    assert surface.realised @ area == pytest.approx(whole.realised.estimate, rel=1e-9)
    assert np.corrcoef(np.log(surface.expected), MASK.xy_m[:, 0])[0, 1] > 0.999
    assert (surface.lower < surface.expected).all()
    # The delta method of one cell against the interval of predicted D at the same x.
    cell = 17
    x = (MASK.xy_m[cell, 0] - MASK.xy_m[:, 0].mean()) / MASK.xy_m[:, 0].std(ddof=1)
    there = predict(trend, {"x": x})[0]
    assert surface.expected[cell] == pytest.approx(there.estimate * 10_000)
    linear = surface.standard_error[cell] / surface.expected[cell]
    assert there.standard_error / there.estimate == pytest.approx(math.sqrt(math.expm1(linear**2)))


def test_whole_mask_agrees_with_the_numbers_of_the_field(trend):
    numbers = region_numbers(trend)[0]
    whole = region_abundance(trend)
    assert numbers.expected[0] == pytest.approx(whole.expected.estimate)
    assert numbers.realised[0] == pytest.approx(whole.realised.estimate, rel=1e-6)
    derived = derived_density(trend)[0]
    assert derived.cv_number == pytest.approx(1 / math.sqrt(trend.animals))


def test_parts_of_the_mask_add_up_to_it(trend):
    west = MASK.xy_m[:, 0] < 5000.0
    parts = [region_abundance(trend, where) for where in (west, ~west)]
    whole = region_abundance(trend)
    assert sum(p.expected.estimate for p in parts) == pytest.approx(whole.expected.estimate)
    assert sum(p.realised.estimate for p in parts) == pytest.approx(whole.realised.estimate)
    assert parts[0].realised.lower <= parts[0].realised.estimate <= parts[0].realised.upper


def test_centres_are_where_animals_were_seen(trend):
    names, centres = activity_centres(trend)
    assert names == trend.model.sessions[0].animals
    assert centres.sum(axis=1) == pytest.approx(np.ones(len(names)))


def test_a_held_coefficient_stays_and_the_rest_is_the_maximum(trend):
    held = fit_model(trend.laid, held={"D.x": 0.0})
    assert held.beta[1] == 0.0
    assert held.parameters == 3
    assert held.covariance[1, 1] == 0.0
    plain = fit_model(ScrModel(sessions=trend.model.sessions))
    assert held.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-10)


def test_scale_and_origin_of_a_covariate_do_not_matter(trend):
    """Elevations of 2,000 ± 10 m: nearly collinear with the intercept, and of odd scale."""
    session = replace(
        trend.model.sessions[0],
        mask_covariates={"elevation": 2000.0 + 10.0 * (MASK.xy_m[:, 0] - MASK.xy_m[:, 0].mean()) / 5000.0},
    )
    fit = fit_model(ScrModel(sessions=(session,), formulas={"D": "~elevation"}))
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(trend.log_likelihood, rel=1e-10)


def test_smooths_and_transformations_of_density(trend):
    session = trend.model.sessions[0]
    smooth = fit_model(ScrModel(sessions=(session,), formulas={"D": "~s(x, k=4)"}))
    assert smooth.converged
    assert smooth.names[:4] == ("D", "D.s(x).1", "D.s(x).2", "D.s(x).3")
    curve = fit_model(ScrModel(sessions=(session,), formulas={"D": "~x + I(x**2)"}))
    assert curve.log_likelihood >= trend.log_likelihood
    assert fit_model(
        ScrModel(sessions=(session,), formulas={"D": "~x + x2"})
    ).log_likelihood == pytest.approx(curve.log_likelihood, rel=1e-10)


def test_sessions_share_detection_and_have_densities_of_their_own():
    rng = np.random.default_rng(8)
    sessions = tuple(
        session_of((caught(rng, population(rng, density_per_100km2=d)), {}), name=name)
        for name, d in (("2024", 6.0), ("2025", 14.0))
    )
    fit = fit_model(ScrModel(sessions=sessions, formulas={"D": "~session"}))
    assert fit.converged
    reals = {(r.stratum["session"], r.name): r for r in real_parameters(fit)}
    assert reals["2024", "sigma"].estimate == reals["2025", "sigma"].estimate
    for name, truth in (("2024", 6.0), ("2025", 14.0)):
        density = reals[name, "D"]
        assert density.lower < truth / 10_000 < density.upper
        own = region_abundance(fit, session=("2024", "2025").index(name))
        assert own.expected.estimate == pytest.approx(density.estimate * MASK.area_km2 * 100)
    assert {tuple(n.stratum.items()) for n in region_numbers(fit)} == {
        (("session", "2024"),),
        (("session", "2025"),),
    }


def test_sexes_known_for_most():
    rng = np.random.default_rng(9)
    cells = population(rng, density_per_100km2=20.0)
    male = rng.random(len(cells)) < 0.4
    sigma = np.where(male, 2600.0, 1400.0)[:, None]
    sex = np.where(male, "M", "F").astype(object)
    sex[rng.random(len(cells)) < 0.25] = None
    session = session_of((caught(rng, cells, sigma=sigma, lambda0=0.03), {}), covariates={"sex": sex})
    fit = fit_model(ScrModel(sessions=(session,), formulas={"sigma": "~h2"}, hcov="sex"))
    assert fit.converged
    by = {(r.stratum["h2"], r.name): r for r in real_parameters(fit)}
    assert by["F", "sigma"].lower < 1400.0 < by["F", "sigma"].upper
    assert by["M", "sigma"].lower < 2600.0 < by["M", "sigma"].upper
    assert by["F", "pmix"].estimate + by["M", "pmix"].estimate == pytest.approx(1.0)
    _, shares = class_shares(fit)
    known = np.array([s == "M" for s in session.animal_covariates["sex"]])
    named = np.array([s is not None for s in session.animal_covariates["sex"]])
    assert shares[named & known, 1] == pytest.approx(1.0)
    assert shares[named & ~known, 0] == pytest.approx(1.0)


def test_latent_classes_that_are_not_there_are_said_to_be_missing():
    rng = np.random.default_rng(2)
    session = session_of((caught(rng, population(rng), kind="proximity"), {"kind": "proximity"}))
    one = fit_model(ScrModel(sessions=(session,)))
    two = fit_model(ScrModel(sessions=(session,), formulas={"lambda0": "~h2", "sigma": "~h2"}))
    assert two.log_likelihood >= one.log_likelihood - 1e-6
    if abs(two.beta[-1]) > 6 or not two.converged:
        assert "mixture_not_identified" in {d.code for d in two.diagnostics}


@pytest.fixture(scope="module")
def joint():
    """Cameras and scats that know the same animals, collars on three of them and on two that nobody saw."""
    rng = np.random.default_rng(21)
    cells = population(rng, density_per_100km2=10.0)
    cameras = caught(rng, cells, lambda0=0.01)
    scats = caught(rng, cells, lambda0=0.03, occasions=1, days=6.0, traps=GRID[::2] + 500.0)
    seen = sorted(set(cameras[0].tolist()) | set(scats[0].tolist()))
    unseen = sorted(set(range(len(cells))) - set(seen))
    wearers = np.repeat([*seen[:3], *unseen[:2]], 30)
    fixes = MASK.xy_m[cells[wearers]] + SIGMA * rng.normal(size=(len(wearers), 2))
    session = session_of(
        (cameras, {}),
        (scats, {"name": "scat", "occasions": 1, "days": 6.0, "traps": GRID[::2] + 500.0}),
        fixes=(wearers, fixes),
    )
    return fit_model(ScrModel(sessions=(session,), formulas={"lambda0": "~method"}))


def test_every_line_of_evidence_narrows_the_same_interval(joint):
    assert joint.converged
    account = evidence_account(joint)
    assert [p.name for p in account.pieces] == ["camera", "scat", "collars"]
    for piece in account.pieces:
        assert piece.without is not None, piece.reason
        assert 0.0 < piece.narrows < 1.0
        assert piece.without.relative_standard_error > account.everything.relative_standard_error
    assert account.pieces[2].records == 150
    assert account.pieces[2].animals == 5


def test_collars_steady_sigma(joint):
    from ghostcat.scr.evidence import without_piece

    bare = fit_model(without_piece(joint.model, 0, None))
    error = {fit: fit.coefficients()[-1].standard_error for fit in (joint, bare)}
    assert joint.names[-1] == "sigma"
    assert error[joint] < 0.8 * error[bare]


def test_independent_surveys_of_one_population_share_density():
    rng = np.random.default_rng(31)
    cells = population(rng)
    cameras = session_of((caught(rng, cells), {}), name="camera")
    scats = session_of(
        (caught(rng, cells, lambda0=0.05, occasions=1), {"name": "scat", "occasions": 1}), name="scat"
    )
    fit = fit_model(ScrModel(sessions=(cameras, scats), formulas={"lambda0": "~session"}))
    alone = fit_model(ScrModel(sessions=(cameras,)))
    assert fit.converged
    assert fit.coefficients()[0].standard_error < alone.coefficients()[0].standard_error
    account = evidence_account(fit)
    assert {p.session for p in account.pieces} == {"camera", "scat"}
    assert all(0 < p.narrows < 1 for p in account.pieces)


def test_collars_alone_are_a_session_that_tells_sigma():
    """Collared animals that no photograph can be matched with."""
    rng = np.random.default_rng(13)
    cells = population(rng)
    seen = session_of((caught(rng, cells), {}), name="cameras")
    wearers = np.repeat([0, 1, 2], 60)
    fixes = Collars(animal=wearers, xy_m=MASK.xy_m[cells[wearers]] + SIGMA * rng.normal(size=(180, 2)))
    collars = ScrSession(mask=MASK, arrays=(), animals=("a", "b", "c"), name="collars", collars=fixes)
    alone = fit_model(ScrModel(sessions=(seen,)))
    both = fit_model(ScrModel(sessions=(seen, collars)))
    assert both.converged
    assert both.coefficients()[2].standard_error < 0.8 * alone.coefficients()[2].standard_error
    assert both.coefficients()[0].standard_error < alone.coefficients()[0].standard_error


def test_processes_change_nothing():
    rng = np.random.default_rng(8)
    sessions = tuple(
        session_of((caught(rng, population(rng, density_per_100km2=6.0)), {}), name=name)
        for name in ("1", "2")
    )
    model = ScrModel(sessions=sessions)
    one, two = fit_model(model), fit_model(model, processes=2)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
    assert two.beta == pytest.approx(one.beta, abs=1e-5)
    assert "surveys_share_animals" in {d.code for d in one.diagnostics}


def test_sessions_that_share_density_have_honest_realised_numbers():
    """Each session's realised number varies at least as a Poisson number of its unseen animals, and for one
    session alone the formula is that of the field."""
    rng = np.random.default_rng(41)
    sessions = tuple(session_of((caught(rng, population(rng)), {}), name=name) for name in ("1", "2", "3"))
    shared = fit_model(ScrModel(sessions=sessions))
    for index, numbers in enumerate(region_numbers(shared)):
        unseen = numbers.realised[0] - numbers.detected
        assert numbers.realised[1] > math.sqrt(unseen)
        whole = region_abundance(shared, session=index)
        assert numbers.realised[1] == pytest.approx(whole.realised.standard_error, rel=1e-3)
    apart = fit_model(ScrModel(sessions=sessions, formulas={"D": "~session", "lambda0": "~session"}))
    own = region_numbers(apart)[0]
    assert own.realised[1] ** 2 == pytest.approx(own.expected[1] ** 2 - own.expected[0], rel=0.03)


def test_conditional_likelihood_derives_the_same_density(trend):
    session = trend.model.sessions[0]
    full = fit_model(ScrModel(sessions=(session,)))
    conditional = fit_model(ScrModel(sessions=(session,), conditional=True))
    assert conditional.names == ("lambda0", "sigma")
    assert conditional.beta == pytest.approx(full.beta[1:], abs=1e-6)
    a, b = derived_density(full)[0], derived_density(conditional)[0]
    assert a.density_per_ha == pytest.approx(b.density_per_ha, rel=1e-6)
    assert a.density_per_ha == pytest.approx(math.exp(full.beta[0]), rel=1e-6)
    assert a.standard_error == pytest.approx(b.standard_error, rel=1e-4)
    assert region_numbers(conditional) == ()
    with pytest.raises(ParameterError, match="conditional"):
        density_map(conditional)


def test_table_has_every_number(trend):
    table = trend.table()
    assert list(table.columns) == ["unit", "estimate", "standard_error", "lower", "upper"]
    assert {"D", "lambda0", "sigma", "esa", "derived D", "expected N", "realised N"} == set(table.index)


def test_map_shows_what_it_says(trend):
    figure = trend.plot()
    axes = figure.axes[0]
    assert axes.get_title() == "Where do the animals live?"
    squares = axes.collections[0]
    assert np.asarray(squares.get_array()) == pytest.approx(density_map(trend).realised)
    assert "95 % interval" in figure.get_supxlabel()


def plain(records, *, kind="count", traps=GRID, covariates=None, **more):
    animal, detector, occasion = np.array(records, dtype=np.int64).T
    return ScrSession(
        mask=MASK,
        arrays=(
            DetectorArray(
                xy_m=traps,
                kind=kind,
                usage=np.full((len(traps), 3), 20.0),
                animal=animal,
                detector=detector,
                occasion=occasion,
                covariates=covariates or {},
            ),
        ),
        animals=tuple(f"A{i}" for i in range(int(animal.max()) + 1)),
        **more,
    )


MOVED = [
    (0, 0, 0),
    (0, 1, 1),
    (1, 7, 0),
    (1, 8, 1),
    (1, 8, 2),
    (2, 20, 0),
    (2, 21, 1),
    (3, 30, 1),
    (3, 30, 2),
]
LAST = ["swamp" if k == 35 else "wood" if k % 2 else "open" for k in range(36)]
ONCE = [(0, 0, 0), (0, 1, 1), (1, 7, 0), (1, 8, 1), (2, 20, 0), (2, 21, 1), (3, 30, 1), (3, 31, 2)]
HABITAT = ["marsh" if k == 35 else "wood" if k % 2 else "open" for k in range(36)]

REFUSED = {
    "one_animal": (plain([(0, 0, 0), (0, 1, 1)]), {}),
    "no_recaptures": (plain([(0, 0, 0), (1, 1, 1)]), {}),
    "all_at_one_station": (plain([(0, 3, 0), (0, 3, 1), (1, 3, 1)]), {}),
    "no_spatial_recaptures": (plain([(0, 3, 0), (0, 3, 1), (1, 4, 1)]), {}),
    "separation": (plain(MOVED, covariates={"habitat": HABITAT}), {"lambda0": "~habitat"}),
    "separation of a level": (plain(MOVED, covariates={"habitat": LAST}), {"lambda0": "~habitat"}),
    "separation of a response": (plain(ONCE), {"lambda0": "~bk"}),
    "collinear": (
        plain(MOVED, covariates={"u": np.arange(36.0), "v": 2 * np.arange(36.0) + 1}),
        {"lambda0": "~u + v"},
    ),
    "missing_covariate": (plain(MOVED, covariates={"a": [None, *range(35)]}), {"lambda0": "~a"}),
}


@pytest.mark.parametrize("code", REFUSED)
def test_hopeless_data_are_refused_with_reason_and_way_out(code):
    session, formulas = REFUSED[code]
    with pytest.raises(EstimateRefused) as refusal:
        fit_model(ScrModel(sessions=(session,), formulas=formulas))
    assert refusal.value.code == code.partition(" ")[0]
    assert refusal.value.what
    assert refusal.value.fix


def test_movement_without_bound_is_refused():
    """Everybody is seen everywhere: nothing says where detection ends."""
    with pytest.raises(EstimateRefused) as refusal:
        fit_model(ScrModel(sessions=(plain([(i, k, 0) for i in range(4) for k in range(36)]),)))
    assert refusal.value.code == "not_identified"


def test_a_mask_that_ends_too_soon_is_noticed():
    rng = np.random.default_rng(5)
    session = session_of((caught(rng, population(rng)), {}))
    near = MASK.xy_m[(MASK.xy_m > -1500).all(axis=1) & (MASK.xy_m < 11500).all(axis=1)]
    small = fit_model(ScrModel(sessions=(replace(session, mask=Mask(near, 1.0)),)))
    assert "buffer_too_small" in {d.code for d in small.diagnostics}
    assert "buffer_too_small" not in {d.code for d in fit_model(ScrModel(sessions=(session,))).diagnostics}


def test_collars_make_up_for_missing_spatial_recaptures():
    records = [(0, 3, 0), (0, 3, 1), (1, 10, 1), (2, 20, 0), (2, 20, 2), (3, 28, 1)]
    rng = np.random.default_rng(1)
    fixes = Collars(
        animal=np.repeat([0, 2], 40),
        xy_m=np.repeat(GRID[[3, 20]], 40, axis=0) + SIGMA * rng.normal(size=(80, 2)),
    )
    fit = fit_model(ScrModel(sessions=(plain(records, collars=fixes),)))
    assert fit.converged
    assert math.exp(fit.beta[2]) == pytest.approx(SIGMA, rel=0.2)
