"""Model tables: weights, averages, and what must not be compared."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.scr.fitting import fit_model
from ghostcat.scr.mask import make_mask
from ghostcat.scr.model import ScrModel
from ghostcat.scr.selection import compare_models, fingerprint, likelihood_ratio_test
from ghostcat.scr.simulate_survey import ArrayTruth, Population, simulate_survey

TRAPS = 2000.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
MASK = make_mask(TRAPS, buffer_m=8000.0, cell_m=1250.0)


@pytest.fixture(scope="module")
def session():
    cameras = ArrayTruth(
        xy_m=TRAPS,
        usage=np.full((36, 5), 12.0),
        lambda0=(0.006,),
        sigma_m=(2000.0,),
        detector="proximity",
        behaviour="bk",
        behaviour_effect=2.0,
    )
    where = Population(mask=MASK, density_per_100km2=10.0)
    return simulate_survey(where, [cameras], rng=np.random.default_rng(5)).session()


@pytest.fixture(scope="module")
def fits(session):
    formulas = {"null": {}, "bk": {"lambda0": "~bk"}, "b": {"lambda0": "~b"}}
    return {name: fit_model(ScrModel(sessions=(session,), formulas=f)) for name, f in formulas.items()}


def test_table_by_hand(fits):
    found = compare_models(fits)
    assert found.rows[0].name == "bk"
    scores = {row.name: row.aicc for row in found.rows}
    raw = {name: math.exp(-0.5 * (s - min(scores.values()))) for name, s in scores.items()}
    for row in found.rows:
        assert row.weight == pytest.approx(raw[row.name] / sum(raw.values()))
        fit = fits[row.name]
        n, p = len(fit.model.sessions[0].animals), len(fit.beta)
        assert row.aicc == pytest.approx(-2 * fit.log_likelihood + 2 * p + 2 * p * (p + 1) / (n - p - 1))
    assert found.rows[0].difference == 0
    assert [f is fits[r.name] for f, r in zip(found.fits, found.rows, strict=True)] == [True] * 3
    assert list(found.table().index) == [r.name for r in found.rows]
    assert "lambda0~bk" in found.rows[0].formula
    assert compare_models(fits, criterion="AIC").rows[0].difference == 0


def test_average_holds_the_disagreement_of_models(fits):
    found = compare_models(fits, criterion="AIC")
    values = {"null": (10.0, 1.0), "bk": (10.0, 1.0), "b": (10.0, 1.0)}
    of = {id(fit): values[name] for name, fit in fits.items()}
    same = found.average(lambda fit: of[id(fit)])
    assert same.value.estimate == pytest.approx(10.0)
    assert same.value.standard_error == pytest.approx(1.0)
    assert same.between_share == pytest.approx(0.0, abs=1e-12)
    equal = replace(found, rows=tuple(replace(r, weight=1 / 3) for r in found.rows))
    spread = dict(zip((id(f) for f in equal.fits), ((8.0, 0.8), (10.0, 1.0), (12.5, 1.25)), strict=True))
    wide = equal.average(lambda fit: spread[id(fit)])
    logs = np.log([8.0, 10.0, 12.5])
    variance = math.log1p(0.01) + logs.var()
    assert wide.value.estimate == pytest.approx(10.0)
    assert wide.value.upper / wide.value.estimate == pytest.approx(math.exp(1.959964 * math.sqrt(variance)))
    with pytest.raises(ParameterError):
        found.average(lambda fit: (math.nan, 1.0))


def test_a_model_that_did_not_converge_has_no_weight(fits):
    broken = replace(fits["bk"], convergence=replace(fits["bk"].convergence, converged=False))
    found = compare_models({**fits, "bk": broken})
    assert found.rows[-1].name == "bk" and found.rows[-1].weight == 0.0
    assert sum(r.weight for r in found.rows) == pytest.approx(1.0)


def test_likelihood_ratio(fits):
    found = likelihood_ratio_test(fits["null"], fits["bk"])
    assert found.degrees_of_freedom == 1
    assert found.statistic == pytest.approx(2 * (fits["bk"].log_likelihood - fits["null"].log_likelihood))
    assert found.p == pytest.approx(math.erfc(math.sqrt(found.statistic / 2)))
    with pytest.raises(ParameterError, match="fewer parameters"):
        likelihood_ratio_test(fits["bk"], fits["null"])


def test_what_must_not_be_compared(session, fits):
    null = fits["null"]
    array = session.arrays[0]
    other_effort = replace(session, arrays=(replace(array, usage=array.usage * 2.0),))
    other_mask = replace(session, mask=make_mask(TRAPS, buffer_m=9000.0, cell_m=1250.0))
    others = {
        "effort": fit_model(ScrModel(sessions=(other_effort,))),
        "mask": fit_model(ScrModel(sessions=(other_mask,))),
        "conditional": fit_model(ScrModel(sessions=(session,), conditional=True)),
        "collapsed": replace(null, laid=replace(null.laid, model=replace(null.model, form="collapsed"))),
    }
    for name, other in others.items():
        with pytest.raises(ParameterError, match="cannot be compared"):
            compare_models({"null": null, name: other})
    with pytest.raises(ParameterError):
        compare_models({})


def test_the_fingerprint_is_of_content(session):
    assert fingerprint([session]) == fingerprint([replace(session, name="other name")])
    array = session.arrays[0]
    moved = replace(session, arrays=(replace(array, detector=(array.detector + 1) % 36),))
    assert fingerprint([session]) != fingerprint([moved])
