"""Laid-out models against the definition: every animal, occasion, detector and cell in turn.

The brute force below knows no rows, profiles or designs. It asks a function for the parameters that hold for
one animal at one detector on one occasion in one state, multiplies probabilities, and sums over cells.
"""

import math
from collections import Counter

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr import Collars, DetectorArray, Mask, ScrModel, ScrSession
from ghostcat.scr.kernel import evaluate
from ghostcat.scr.laying_out import lay_out

N, K, S, M = 7, 5, 4, 30
AREA_HA = 25.0


def expit(x):
    return 1.0 / (1.0 + math.exp(-x))


def survey(seed, kind, *, removed=False, fractional=True, name="1", method="detector", collars=False):
    """A small survey without any model behind it: the likelihood must be right for all data."""
    rng = np.random.default_rng(seed)
    usage = rng.choice([0.5, 1.0, 1.5], size=(K, S)) if fractional else np.ones((K, S))
    usage[1, 2] = 0.0
    last = np.full(N, -1)
    if removed:
        last[2] = 1
    records = []
    for i in range(N):
        for s in range(S):
            if 0 <= last[i] < s:
                continue
            on = np.flatnonzero(usage[:, s] > 0)
            if kind == "multi":
                if rng.random() < 0.5 or s == 0:
                    records.append((i, rng.choice(on), s, 1))
            else:
                for k in on:
                    if rng.random() < 0.25 or (s == 0 and k == on[i % len(on)]):
                        records.append((i, k, s, 1 if kind == "proximity" else rng.integers(1, 4)))
    animal, detector, occasion, number = np.array(records, dtype=np.int64).T
    animals = tuple(f"A{i}" for i in range(N + (2 if collars else 0)))
    fixes = None
    if collars:
        who = np.array([0, 0, 0, N, N, N + 1, N + 1, N + 1])
        fixes = Collars(animal=who, xy_m=rng.uniform(0, 4000, size=(len(who), 2)))
    sex = ["F", "M", None, "F", "M", "M", "F", "F", "M"][: len(animals)]
    return ScrSession(
        name=name,
        mask=Mask(rng.uniform(-1000, 5000, size=(M, 2)), AREA_HA / 100.0),
        arrays=(
            DetectorArray(
                xy_m=rng.uniform(0, 4000, size=(K, 2)),
                kind=kind,
                usage=usage,
                animal=animal,
                detector=detector,
                occasion=occasion,
                number=number,
                covariates={"habitat": ["wood", "open", "wood", "open", "wood"], "slope": rng.normal(size=K)},
                name=method,
            ),
        ),
        animals=animals,
        animal_covariates={"sex": sex, "age": ["old" if i % 2 else "young" for i in range(len(animals))]},
        mask_covariates={"cover": rng.normal(size=M)},
        occasion_covariates={"rain": rng.normal(size=S)},
        last_occasion=last if removed else None,
        collars=fixes,
    )


def states(array, n):
    """What each animal had learned before each occasion: b, B (n, S) and bk, Bk (n, K, S)."""
    caught = np.zeros((n, K, S), dtype=bool)
    caught[array.animal, array.detector, array.occasion] = True
    b, big_b = np.zeros((n, S), dtype=bool), np.zeros((n, S), dtype=bool)
    bk, big_bk = np.zeros((n, K, S), dtype=bool), np.zeros((n, K, S), dtype=bool)
    for s in range(1, S):
        b[:, s] = caught[:, :, :s].any(axis=(1, 2))
        big_b[:, s] = caught[:, :, s - 1].any(axis=1)
        bk[:, :, s] = caught[:, :, :s].any(axis=2)
        big_bk[:, :, s] = caught[:, :, s - 1]
    return b, big_b, bk, big_bk


def hazard(session, array, k, m, detectfn, intercept, sigma, shape):
    d = math.dist(array.xy_m[k], session.mask.xy_m[m])
    if detectfn in ("HN", "HHN"):
        fall = math.exp(-d * d / (2 * sigma * sigma))
    elif detectfn in ("EX", "HEX"):
        fall = math.exp(-d / sigma)
    else:
        fall = 1 - math.exp(-((d / sigma) ** -shape))
    return (
        intercept * fall
        if detectfn.startswith("H") and detectfn != "HN" and detectfn != "HR"
        else -math.log1p(-intercept * fall)
    )


def missed_and_seen(session, parameters, detectfn, i, u, m, *, naive):
    """(Pr of the record of animal i, or of none at all) for a centre in cell m and class u."""
    probability = 1.0
    for array in session.arrays:
        b, big_b, bk, big_bk = states(array, len(session.animals))
        for s in range(S):
            if not naive and s > session.last[i]:
                continue
            h = np.zeros(K)
            for k in range(K):
                state = {"b": False, "B": False, "bk": False, "Bk": False}
                if not naive:
                    state = {"b": b[i, s], "B": big_b[i, s], "bk": bk[i, k, s], "Bk": big_bk[i, k, s]}
                level, sigma, shape = parameters(session, array, i, k, s, u, state)
                h[k] = array.usage[k, s] * hazard(session, array, k, m, detectfn, level, sigma, shape)
            y = np.zeros(K, dtype=int)
            if not naive:
                here = (array.animal == i) & (array.occasion == s)
                np.add.at(y, array.detector[here], array.counts[here])
            if array.kind == "multi":
                total = h.sum()
                probability *= math.exp(-total) if not y.any() else -math.expm1(-total) * h[y > 0][0] / total
            elif array.kind == "proximity":
                probability *= np.prod(np.where(y > 0, -np.expm1(-h), np.exp(-h)))
            else:
                probability *= np.prod(
                    [math.exp(-a) * a**c / math.factorial(c) for a, c in zip(h, y, strict=True)]
                )
    return probability


def brute(model, parameters, density, psi=(1.0,), sigma_of_fixes=None, groups=None):
    """Log-likelihood by definition. `density` is of (session, m, g), `parameters` of (session, …, state)."""
    value = 0.0
    for session in model.sessions:
        detected = session.detected
        classes = len(psi)
        known = list(np.asarray(session.animal_covariates[model.hcov], dtype=object)) if model.hcov else None
        levels = ("F", "M")
        for g in groups(session) if groups else [None]:
            members = [
                i
                for i in range(len(session.animals))
                if g is None or session.animal_covariates[model.groups[0]][i] == g
            ]
            d = np.array([density(session, m, g) for m in range(M)])
            pi = d / d.sum()
            total = AREA_HA * d.sum()

            def seen(i, u, pi=pi, session=session):
                return sum(
                    pi[m] * (1 - missed_and_seen(session, parameters, model_name(model), i, u, m, naive=True))
                    for m in range(M)
                )

            caught = [i for i in members if detected[i]]
            p_class = [[seen(i, u) for u in range(classes)] for i in members]
            each = []
            for j, i in enumerate(members):
                by_class = []
                for u in range(classes):
                    sums = 0.0
                    for m in range(M):
                        here = missed_and_seen(session, parameters, model_name(model), i, u, m, naive=False)
                        if session.collars is not None:
                            for xy in session.collars.xy_m[session.collars.animal == i]:
                                s = sigma_of_fixes
                                here *= math.exp(
                                    -(math.dist(xy, session.mask.xy_m[m]) ** 2) / (2 * s * s)
                                ) / (2 * math.pi * s * s)
                        sums += pi[m] * here
                    by_class.append(psi[u] * sums)
                p_mixed = sum(w * p for w, p in zip(psi, p_class[j], strict=True))
                if known is not None and known[i] is not None:
                    own = levels.index(known[i])
                    value += math.log(by_class[own])
                    each.append(p_class[j][own])
                else:
                    value += math.log(sum(by_class))
                    each.append(p_mixed)
                if detected[i]:
                    value -= math.log(p_mixed)
            marks = Counter(
                (*(records_of(a, i) for a in session.arrays), int(session.last[i])) for i in caught
            )
            n = len(caught)
            value += math.lgamma(n + 1) - sum(math.lgamma(c + 1) for c in marks.values())
            if model.conditional:
                continue
            mean = total * p_mixed
            if model.hcov:
                mean = total * n / sum(1 / p for p in each)
            if model.distribution == "poisson":
                value += n * math.log(mean) - mean - math.lgamma(n + 1)
            else:
                value += math.lgamma(total + 1) - math.lgamma(n + 1) - math.lgamma(total - n + 1)
                value += n * math.log(p_mixed) + (total - n) * math.log1p(-p_mixed)
    return value


def records_of(array, i):
    here = array.animal == i
    return tuple(sorted(zip(array.detector[here], array.occasion[here], array.counts[here], strict=True)))


def model_name(model):
    from ghostcat.scr.parameters import DETECTION_FUNCTIONS

    return DETECTION_FUNCTIONS[model.function]


def agree(model, beta, *, names, **definition):
    laid = lay_out(model)
    assert laid.names == names
    found = evaluate(laid.layout, np.asarray(beta, dtype=float), derivatives=False).value
    assert found == pytest.approx(brute(model, **definition), rel=1e-11)


def constant_density(log_d):
    return lambda session, m, g: math.exp(log_d)


@pytest.mark.parametrize("kind", ["multi", "proximity", "count"])
@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("b", lambda st, a, k, s: st["b"]),
        ("B", lambda st, a, k, s: st["B"]),
        ("bk", lambda st, a, k, s: st["bk"]),
        ("Bk", lambda st, a, k, s: st["Bk"]),
        ("T", lambda st, a, k, s: s),
        ("rain", None),
        ("slope", lambda st, a, k, s: a.covariates["slope"][k]),
    ],
)
def test_one_term_of_the_rate(kind, term, value):
    session = survey(3, kind, removed=kind != "count")
    if term == "rain":
        value = lambda st, a, k, s: session.occasion_covariates["rain"][s]  # noqa: E731
    model = ScrModel(sessions=(session,), detectfn="HHN", formulas={"lambda0": f"~{term}"})
    beta = [-4.0, -1.2, 0.4, math.log(1500.0)]
    label = f"lambda0.{term}" + ("TRUE" if term in ("b", "B", "bk", "Bk") else "")

    def parameters(session, array, i, k, s, u, state):
        return math.exp(beta[1] + beta[2] * value(state, array, k, s)), 1500.0, None

    agree(
        model,
        beta,
        names=("D", "lambda0", label, "sigma"),
        parameters=parameters,
        density=constant_density(beta[0]),
    )


@pytest.mark.parametrize("kind", ["multi", "proximity"])
def test_interaction_time_and_habitat_with_every_response_at_once(kind):
    model = ScrModel(
        sessions=(survey(5, kind, removed=True),),
        detectfn="HR",
        formulas={"D": "~cover + x2", "g0": "~t + bk*B + habitat", "sigma": "~habitat", "z": "~1"},
        distribution="binomial",
    )
    laid = lay_out(model)
    assert laid.names == (
        "D", "D.cover", "D.x2", "g0", "g0.t2", "g0.t3", "g0.t4", "g0.bkTRUE", "g0.BTRUE", "g0.habitatwood",
        "g0.bkTRUE:BTRUE", "sigma", "sigma.habitatwood", "z",
    )  # fmt: skip
    b = dict(
        zip(
            laid.names,
            [-3.0, 0.3, 0.1, -1.5, 0.2, -0.3, 0.1, 0.5, -0.4, 0.3, 0.6, 7.2, -0.3, 1.1],
            strict=True,
        )
    )
    xy = model.sessions[0].mask.xy_m
    scaled = (xy - xy.mean(axis=0)) / xy.std(axis=0, ddof=1)

    def parameters(session, array, i, k, s, u, state):
        wood = array.covariates["habitat"][k] == "wood"
        eta = b["g0"] + (b[f"g0.t{s + 1}"] if s else 0.0) + b["g0.bkTRUE"] * state["bk"]
        eta += b["g0.BTRUE"] * state["B"] + b["g0.bkTRUE:BTRUE"] * (state["bk"] and state["B"])
        eta += b["g0.habitatwood"] * wood
        return expit(eta), math.exp(b["sigma"] + b["sigma.habitatwood"] * wood), math.exp(b["z"])

    agree(
        model,
        list(b.values()),
        names=laid.names,
        parameters=parameters,
        density=lambda session, m, g: math.exp(
            b["D"] + b["D.cover"] * session.mask_covariates["cover"][m] + b["D.x2"] * scaled[m, 0] ** 2
        ),
    )


def test_groups_have_densities_and_rates_of_their_own():
    model = ScrModel(
        sessions=(survey(7, "count"),),
        detectfn="HEX",
        formulas={"D": "~g", "lambda0": "~g + b", "sigma": "~1"},
        groups=("age",),
    )
    names = ("D", "D.gyoung", "lambda0", "lambda0.gyoung", "lambda0.bTRUE", "sigma")
    b = dict(zip(names, [-4.0, 0.5, -1.0, 0.3, -0.2, 6.8], strict=True))

    def parameters(session, array, i, k, s, u, state):
        young = session.animal_covariates["age"][i] == "young"
        return (
            math.exp(b["lambda0"] + b["lambda0.gyoung"] * young + b["lambda0.bTRUE"] * state["b"]),
            math.exp(b["sigma"]),
            None,
        )

    agree(
        model,
        list(b.values()),
        names=names,
        parameters=parameters,
        density=lambda session, m, g: math.exp(b["D"] + b["D.gyoung"] * (g == "young")),
        groups=lambda session: ("old", "young"),
    )


def test_conditional_likelihood_with_a_covariate_of_animals():
    model = ScrModel(
        sessions=(survey(8, "multi"),),
        detectfn="EX",
        formulas={"g0": "~age*b", "sigma": "~age"},
        conditional=True,
    )
    names = ("g0", "g0.ageyoung", "g0.bTRUE", "g0.ageyoung:bTRUE", "sigma", "sigma.ageyoung")
    b = dict(zip(names, [-1.0, 0.5, -0.3, 0.2, 6.9, -0.2], strict=True))

    def parameters(session, array, i, k, s, u, state):
        young = session.animal_covariates["age"][i] == "young"
        eta = b["g0"] + b["g0.ageyoung"] * young + b["g0.bTRUE"] * state["b"]
        eta += b["g0.ageyoung:bTRUE"] * (young and state["b"])
        return expit(eta), math.exp(b["sigma"] + b["sigma.ageyoung"] * young), None

    agree(model, list(b.values()), names=names, parameters=parameters, density=constant_density(0.0))


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("hcov", [None, "sex"])
def test_two_classes_known_for_some(conditional, hcov):
    session = survey(9, "proximity")
    model = ScrModel(
        sessions=(session,),
        detectfn="HHN",
        formulas={"lambda0": "~h2 + bk", "sigma": "~h2", "pmix": "~h2"},
        hcov=hcov,
        conditional=conditional,
    )
    second = "M" if hcov else "2"
    detection = (
        "lambda0",
        f"lambda0.h2{second}",
        "lambda0.bkTRUE",
        "sigma",
        f"sigma.h2{second}",
        f"pmix.h2{second}",
    )
    names = (*(() if conditional else ("D",)), *detection)
    values = [-1.0, -0.4, 0.3, 7.0, 0.5, -0.3]
    b = dict(zip(("l", "lh", "lbk", "s", "sh", "mix"), values, strict=True))

    def parameters(session, array, i, k, s, u, state):
        return math.exp(b["l"] + b["lh"] * u + b["lbk"] * state["bk"]), math.exp(b["s"] + b["sh"] * u), None

    share = expit(b["mix"])
    agree(
        model,
        values if conditional else [-4.1, *values],
        names=names,
        parameters=parameters,
        density=constant_density(0.0 if conditional else -4.1),
        psi=(1 - share, share),
    )


def test_collars_inside_and_outside_the_records():
    model = ScrModel(sessions=(survey(10, "proximity", collars=True),), formulas={"D": "~cover"})
    b = [-4.0, 0.3, -1.0, 7.1]
    agree(
        model,
        b,
        names=("D", "D.cover", "lambda0", "sigma"),
        parameters=lambda session, array, i, k, s, u, state: (math.exp(b[2]), math.exp(b[3]), None),
        density=lambda session, m, g: math.exp(b[0] + b[1] * session.mask_covariates["cover"][m]),
        sigma_of_fixes=math.exp(b[3]),
    )


def test_two_methods_that_know_the_same_animals():
    cameras, scats = survey(11, "proximity", method="camera"), survey(12, "count", method="scat")
    session = ScrSession(
        mask=cameras.mask, arrays=(cameras.arrays[0], scats.arrays[0]), animals=cameras.animals
    )
    model = ScrModel(sessions=(session,), formulas={"lambda0": "~method", "sigma": "~1"})
    b = [-4.0, -1.0, -0.7, 7.1]
    agree(
        model,
        b,
        names=("D", "lambda0", "lambda0.methodscat", "sigma"),
        parameters=lambda session, array, i, k, s, u, state: (
            math.exp(b[1] + b[2] * (array.name == "scat")),
            math.exp(b[3]),
            None,
        ),
        density=constant_density(b[0]),
    )


def test_sessions_share_what_the_formulas_say():
    sessions = tuple(
        survey(seed, "multi", name=name) for seed, name in ((13, "2024"), (14, "2025"), (15, "2026"))
    )
    model = ScrModel(
        sessions=sessions,
        detectfn="HN",
        formulas={"D": "~session", "g0": "~Session + slope", "sigma": "~1"},
        link={"D": "identity"},
    )
    names = ("D", "D.session2025", "D.session2026", "g0", "g0.Session", "g0.slope", "sigma")
    b = [0.02, 0.005, -0.003, -1.0, 0.2, 0.1, 7.0]
    place = {name: i for i, name in enumerate(("2024", "2025", "2026"))}
    agree(
        model,
        b,
        names=names,
        parameters=lambda session, array, i, k, s, u, state: (
            expit(b[3] + b[4] * place[session.name] + b[5] * array.covariates["slope"][k]),
            math.exp(b[6]),
            None,
        ),
        density=lambda session, m, g: b[0] + (b[place[session.name]] if place[session.name] else 0.0),
    )


def test_fixed_values_take_no_coefficient():
    model = ScrModel(sessions=(survey(16, "count"),), fixed={"sigma": 1234.0})
    b = [-4.0, -1.0]
    agree(
        model,
        b,
        names=("D", "lambda0"),
        parameters=lambda session, array, i, k, s, u, state: (math.exp(b[1]), 1234.0, None),
        density=constant_density(b[0]),
    )


def test_a0_is_the_product_that_stays_when_sigma_changes():
    model = ScrModel(
        sessions=(survey(17, "multi"),), detectfn="HN", formulas={"a0": "~1", "sigma": "~habitat"}
    )
    b = [-4.0, 4.0, 7.0, 0.3]

    def parameters(session, array, i, k, s, u, state):
        sigma = math.exp(b[2] + b[3] * (array.covariates["habitat"][k] == "wood"))
        return -math.expm1(-10_000.0 * math.exp(b[1]) / (2 * math.pi * sigma**2)), sigma, None

    agree(
        model,
        b,
        names=("D", "a0", "sigma", "sigma.habitatwood"),
        parameters=parameters,
        density=constant_density(b[0]),
    )


@pytest.mark.parametrize("kind", ["proximity", "count"])
def test_collapsed_form_is_the_full_one_but_for_a_constant(kind):
    session = survey(18, kind, fractional=False)
    values = [
        evaluate(lay_out(ScrModel(sessions=(session,), form=form)).layout, beta, derivatives=False).value
        for form in ("full", "collapsed")
        for beta in ([-4.0, -1.0, 7.0], [-3.0, -1.5, 7.3])
    ]
    assert values[0] - values[1] == pytest.approx(values[2] - values[3], rel=1e-10)
    assert values[0] != pytest.approx(values[2], abs=0.1)


def test_models_that_do_not_exist_are_named():
    session = survey(1, "count")
    cases = {
        "g0": {"formulas": {"g0": "~1"}},
        "is not a variable": {"formulas": {"lambda0": "~altitude"}},
        "covariate of animals": {"formulas": {"lambda0": "~age"}},
        "no groups": {"formulas": {"lambda0": "~g"}},
        "adds occasions up": {"formulas": {"lambda0": "~T"}, "form": "collapsed"},
        "conditional likelihood": {"formulas": {"D": "~x"}, "conditional": True},
        "detection function": {"detectfn": "HHX"},
        "does not start with ~": {"formulas": {"lambda0": "b"}},
    }
    for words, arguments in cases.items():
        with pytest.raises(ParameterError, match=words):
            lay_out(ScrModel(sessions=(session,), **arguments))


def test_records_that_contradict_the_effort_are_refused():
    one = {"animal": np.array([0]), "detector": np.array([0]), "occasion": np.array([1])}
    mask = Mask([[0.0, 0.0], [500.0, 0.0]], 0.25)
    off = DetectorArray(xy_m=[[0.0, 0.0], [900.0, 0.0]], kind="count", usage=[[1.0, 0.0], [1.0, 1.0]], **one)
    with pytest.raises(EstimateRefused, match="animal leo by detector 1 on occasion 2") as refusal:
        ScrSession(mask=mask, arrays=(off,), animals=("leo",))
    assert refusal.value.code == "caught_without_effort"
    twice = {"animal": np.array([0, 0]), "detector": np.array([0, 1]), "occasion": np.array([0, 0])}
    held = DetectorArray(xy_m=[[0.0, 0.0], [900.0, 0.0]], kind="multi", usage=np.ones((2, 1)), **twice)
    with pytest.raises(EstimateRefused, match="hold an animal") as refusal:
        ScrSession(mask=mask, arrays=(held,), animals=("leo",))
    assert refusal.value.code == "caught_twice"


@pytest.mark.parametrize("where", ["animal", "detector", "occasion", "cell"])
def test_a_missing_covariate_is_refused_with_its_place(where):
    session = survey(2, "count")
    array = session.arrays[0]
    gap = {"animal": "sex", "detector": "habitat", "occasion": "rain", "cell": "cover"}[where]
    changed = {
        "animal": (session, {}),
        "detector": (session, {"habitat": ["wood", None, "open", "open", "wood"]}),
        "occasion": (session, {}),
        "cell": (session, {}),
    }[where]
    from dataclasses import replace

    if where == "detector":
        session = replace(session, arrays=(replace(array, covariates=changed[1]),))
    elif where == "occasion":
        session = replace(session, occasion_covariates={"rain": [1.0, float("nan"), 0.0, 2.0]})
    elif where == "cell":
        session = replace(session, mask_covariates={"cover": [None, *np.ones(M - 1)]})
    formulas = {"D": "~cover"} if where == "cell" else {"lambda0": f"~{gap}"}
    with pytest.raises(EstimateRefused, match=gap) as refusal:
        lay_out(ScrModel(sessions=(session,), formulas=formulas, conditional=where == "animal"))
    assert refusal.value.code == "missing_covariate"
    assert where in refusal.value.where
