"""Closure evidence: exact moments, the right error rate when closed, and power when open."""

import itertools
import math

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused
from ghostcat.scr.closure import _drawn_spans, closure_evidence, closure_given_fit, closure_of_session
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.mask import make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.simulate_survey import ArrayTruth, Population, simulate_survey


def test_moments_of_the_span_are_those_of_all_draws():
    """Every choice of k of 7 occasions, written out."""
    for k in (2, 3, 5):
        spans = np.array([c[-1] - c[0] for c in itertools.combinations(range(7), k)])
        mean = (k - 1) * 8 / (k + 1)
        variance = 2 * (k - 1) * 8 * (7 - k) / ((k + 1) ** 2 * (k + 2))
        assert spans.mean() == pytest.approx(mean)
        assert spans.var() == pytest.approx(variance)


def test_weighted_draws_follow_effort():
    """Two of three occasions with effort 1, 1, 2: chances by hand."""
    effort = np.array([1.0, 1.0, 2.0])
    chance = {}
    for pair in itertools.permutations(range(3), 2):
        p = effort[pair[0]] / 4 * effort[pair[1]] / (4 - effort[pair[0]])
        chance[max(pair) - min(pair)] = chance.get(max(pair) - min(pair), 0) + p
    drawn = _drawn_spans(np.array([2]), effort, np.random.default_rng(1), 40_000)
    assert (drawn == 2).mean() == pytest.approx(chance[2], abs=0.01)


def test_one_animal_by_hand():
    """Seen on the first and second of five equal occasions: span 1, of which chance gives 4 pairs of 10."""
    found = closure_evidence([[1, 1, 0, 0, 0]], np.ones(5), rng=np.random.default_rng(2), draws=9999)
    assert found.span.statistic == pytest.approx((1 - 2.0) / math.sqrt(2 * 6 * 3 / (9 * 4)))
    assert found.span.p == pytest.approx(0.2, abs=0.02)  # half of the four tenths that tie
    assert math.isnan(found.additions.p)


def drawn(rng, n, occasions, p, *, arrive=0.0, leave=0.0):
    """Histories of n animals of which some arrive and some leave in the middle."""
    there = np.ones((n, occasions), dtype=bool)
    half = occasions // 2
    late = rng.random(n) < arrive
    early = rng.random(n) < leave
    there[late, :half] = False
    there[early & ~late, half:] = False
    seen = there & (rng.random((n, occasions)) < p)
    return seen[seen.any(axis=1)]


def test_error_rate_in_a_closed_population():
    rng = np.random.default_rng(3)
    effort = np.linspace(1.0, 3.0, 20)
    p = 0.06 * effort / effort.mean()
    found = [closure_evidence(drawn(rng, 60, 20, p), effort, rng=rng, draws=199) for _ in range(200)]
    for test in ("span", "additions", "losses"):
        ps = np.array([getattr(f, test).p for f in found])
        ps = ps[~np.isnan(ps)]
        assert len(ps) > 150
        assert (ps < 0.05).mean() < 0.11
        assert 0.35 < ps.mean() < 0.65


def test_arrivals_and_departures_are_told_apart():
    rng = np.random.default_rng(4)
    arriving = [
        closure_evidence(drawn(rng, 150, 20, 0.12, arrive=0.5), np.ones(20), rng=rng, draws=99)
        for _ in range(20)
    ]
    leaving = [
        closure_evidence(drawn(rng, 150, 20, 0.12, leave=0.5), np.ones(20), rng=rng, draws=99)
        for _ in range(20)
    ]
    assert np.mean([f.additions.p < 0.05 for f in arriving]) > 0.7
    assert np.mean([f.losses.p < 0.05 for f in leaving]) > 0.7
    assert np.mean([f.losses.p < 0.05 for f in arriving]) < 0.4
    assert np.mean([f.span.p < 0.05 for f in arriving + leaving]) > 0.6
    assert "arrive" in next(f for f in arriving if f.additions.p < 0.05).says()


def test_losses_are_additions_read_backwards():
    rng = np.random.default_rng(5)
    seen = drawn(rng, 120, 12, 0.15, arrive=0.4)
    forth = closure_evidence(seen, np.ones(12), rng=rng, draws=9)
    back = closure_evidence(seen[:, ::-1], np.ones(12), rng=rng, draws=9)
    assert forth.additions.statistic == pytest.approx(back.losses.statistic)
    assert [(7 - i, pytest.approx(v)) for i, v in reversed(forth.additions.components)] == list(
        back.losses.components
    )


def test_occasions_without_effort_do_not_count():
    rng = np.random.default_rng(6)
    seen = drawn(rng, 50, 9, 0.2)
    gap = np.insert(seen, 4, False, axis=1)
    plain = closure_evidence(seen, np.ones(9), rng=np.random.default_rng(1))
    with_gap = closure_evidence(gap, np.insert(np.ones(9), 4, 0.0), rng=np.random.default_rng(1))
    assert with_gap.span == plain.span
    assert with_gap.period_of_occasion[4] == -1


def test_of_a_session():
    traps = 2000.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    where = Population(mask=make_mask(traps, sigma_m=2000.0), density_per_100km2=12.0)
    cameras = ArrayTruth(xy_m=traps, usage=np.ones((25, 30)), lambda0=(0.03,), sigma_m=(2000.0,))
    survey = simulate_survey(where, [cameras], rng=np.random.default_rng(7))
    found = closure_of_session(survey.session(), rng=np.random.default_rng(8))
    assert found.animals == len(survey.seen)
    assert found.periods == 6
    assert 0.0 < found.span.p <= 1.0


def test_too_few_occasions():
    with pytest.raises(EstimateRefused) as refusal:
        closure_evidence([[1, 1]], np.ones(2), rng=np.random.default_rng(1))
    assert refusal.value.code == "too_few_occasions"


def test_spatial_surveys_of_closed_populations_are_judged_by_their_like():
    """The tables alone reject them: animals at the edge differ. Simulated surveys set that right."""
    traps = 2500.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
    where = Population(mask=make_mask(traps, buffer_m=8000.0, cell_m=1250.0), density_per_100km2=30.0)
    cameras = ArrayTruth(xy_m=traps, usage=np.full((36, 6), 5.0), lambda0=(0.07,), sigma_m=(2000.0,))
    plain, calibrated = [], []
    for seed in range(6):
        survey = simulate_survey(where, [cameras], rng=np.random.default_rng([seed, 1]))
        fit = fit_model(ScrModel(sessions=(survey.session(),)))
        rng = np.random.default_rng(seed)
        plain.append(closure_of_session(fit.model.sessions[0], rng=rng))
        calibrated.append(closure_given_fit(fit, rng=rng, surveys=30))
        assert calibrated[-1].calibrated
        assert calibrated[-1].additions.statistic == plain[-1].additions.statistic
    smallest = np.array([min(c.additions.p, c.losses.p) for c in plain])
    judged = np.array([min(c.additions.p, c.losses.p, c.span.p) for c in calibrated])
    assert (smallest < 0.05).mean() > 0.5
    assert (judged < 0.05).mean() < 0.5
