"""The kernel against brute force: every animal, occasion, detector, cell and class in loops, in 40 digits.

The brute force knows occasions, states and probabilities and nothing of rows, profiles and catches; the
layouts are built in the plainest way, a profile for each animal and occasion. Derivatives of the brute force
are differences with a step of 1e-12, which 40 digits leave exact to about 1e-16.
"""

import math
from dataclasses import dataclass, replace

import mpmath as mp
import numpy as np
import pytest
from scipy.sparse import csr_array

from ghostcat.errors import ParameterError
from ghostcat.scr.kernel import evaluate, prepare
from ghostcat.scr.layout import (
    ArrayLayout,
    ClassLayout,
    CollarLayout,
    Layout,
    Predictor,
    SessionLayout,
)

K, S, M = 3, 3, 5
FAMILY = {0: "HN", 1: "HR", 2: "EX", 14: "HN", 15: "HR", 16: "EX", 18: "CG"}


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(40):
        yield


@dataclass(frozen=True)
class Case:
    """A survey and a model. `terms` move the intercept, `sigma_terms` σ: t, T, b, bk, class, group."""

    detector: str = "proximity"
    detectfn: int = 14
    intercept: str = "lambda0"
    link: str = "log"
    terms: tuple[str, ...] = ()
    sigma_terms: tuple[str, ...] = ()
    density: str = "log"  # log, identity, spatial
    classes: int = 1
    hcov: bool = False
    known: bool = False
    groups: bool = False
    conditional: bool = False
    distribution: str = "poisson"
    collars: bool = False
    removed: bool = False
    trials: int = 1
    individual: bool = False  # p. differs by animal (conditional only)
    arrays: int = 1
    seed: int = 1


def survey(case):
    rng = np.random.default_rng(case.seed)
    data = {
        "traps": rng.uniform(0, 3000, (K, 2)),
        "cells": rng.uniform(-1000, 4000, (M, 2)),
        "areas": rng.uniform(50, 150, M),
        "usage": rng.choice([0.5, 1.0, 2.0], (K, S)),
        "x": rng.normal(size=M),
    }
    data["usage"][1, 2] = 0.0
    n, only_collars = 4, 1 if case.collars else 0
    shape = (n, S, K)
    if case.detector == "count":
        w = rng.poisson(0.7, shape)
    elif case.detector == "multi":
        w = np.zeros(shape, dtype=int)
        for i in range(n):
            for s in range(S):
                k = rng.integers(0, K + 2)
                if k < K:
                    w[i, s, k] = 1
    else:
        w = rng.binomial(case.trials, 0.4, shape)
    w = w * (data["usage"].T > 0)
    w[0] = 0
    w[0, 0, 0] = 1
    w[n - 1] = w[n - 2]
    for i in range(n):
        if w[i].sum() == 0:
            w[i, 1, 0] = 1
    alive = np.ones((n + only_collars, S), dtype=bool)
    if case.removed:
        alive[1, int(np.flatnonzero(w[1].sum(axis=1))[0]) + 1 :] = False
        w[1, ~alive[1]] = 0
    data["w"] = np.concatenate([w, np.zeros((only_collars, S, K), dtype=int)])
    data["alive"], data["detected"] = alive, n
    total = n + only_collars
    data["group"] = np.arange(total) % 2 if case.groups or case.individual else np.zeros(total, dtype=int)
    data["known"] = np.full(total, -1)
    if case.hcov or case.known:
        data["known"][:n] = [0, 1, -1, 1]
    data["collared"] = [(2, 3.0, np.array([900.0, 1200.0]), 5e5), (4, 2.0, np.array([2000.0, 100.0]), 2e5)]
    return data


def coefficients(case):
    """Names of β, and a random β."""
    names = []
    if not case.conditional:
        names += ["D"] + (["D.x"] if case.density == "spatial" else []) + (["D.g"] if case.groups else [])
    names += ["a"] + [f"a.{t}" for t in case.terms] + ["s"] + [f"s.{t}" for t in case.sigma_terms]
    if case.detectfn in (1, 15, 18):
        names.append("z")
    if case.arrays == 2:
        names.append("a.second")
    names += [f"mix.{u}" for u in range(1, case.classes)]
    start = {"D": -4.0, "a": -0.8, "s": math.log(900.0), "z": 1.1}
    if case.density == "identity":
        start["D"] = 0.02
    if case.link == "identity":
        start["a"] = 0.3
    if case.intercept == "a0":
        start["a"] = math.log(60.0)
    rng = np.random.default_rng(100 + case.seed)
    values = []
    for name in names:
        wobble = rng.normal() * (0.3 if not (name == "D" and case.density == "identity") else 0.002)
        if name == "a" and case.link == "identity":
            wobble *= 0.1
        values.append(start.get(name, 0.0) + wobble)
    return names, np.array(values)


def state(term, *, s, b, bk, u, group):
    return {
        "t": float(s == 1),
        "T": float(s),
        "b": float(b),
        "bk": float(bk),
        "class": float(u),
        "group": group,
    }[term]


# ---------------------------------------------------------------- brute force


def real(link, eta):
    return {"log": mp.exp, "logit": lambda x: 1 / (1 + mp.exp(-x)), "identity": lambda x: x}[link](eta)


def shape_of_detection(detectfn, d, sigma, z):
    family = FAMILY[detectfn]
    if family == "HN":
        return mp.exp(-(d**2) / (2 * sigma**2))
    if family == "EX":
        return mp.exp(-d / sigma)
    if family == "HR":
        return 1 - mp.exp(-((d / sigma) ** (-z)))
    return mp.gammainc(z, z * d / sigma, mp.inf, regularized=True)


def hazard(case, data, value, k, m, second, **at):
    """Of one detector at one cell; kept in `value`, for many animals share it."""
    key = (k, m, second, *(float(v) for v in at.values()))
    if key not in value:
        d = mp.sqrt(
            sum((mp.mpf(float(data["traps"][k][c])) - float(data["cells"][m][c])) ** 2 for c in (0, 1))
        )
        value[key] = _hazard(case, value, d, second, **at)
    return value[key]


def _hazard(case, value, d, second, **at):
    eta = value["a"] + sum(value[f"a.{t}"] * state(t, **at) for t in case.terms)
    if second:
        eta += value["a.second"]
    log_sigma = value["s"] + sum(value[f"s.{t}"] * state(t, **at) for t in case.sigma_terms)
    sigma = mp.exp(log_sigma)
    intercept = real(case.link, eta)
    z = mp.exp(value["z"]) if "z" in value else None
    if case.intercept == "a0":
        intercept = 10000 * intercept / (2 * mp.pi * sigma**2)
        if case.detectfn < 14:
            intercept = 1 - mp.exp(-intercept)
    fall = intercept * shape_of_detection(case.detectfn, d, sigma, z)
    return -mp.log(1 - fall) if case.detectfn < 14 else fall


def history_probability(case, data, value, i, m, u):
    w, usage, alive = data["w"][i], data["usage"], data["alive"][i]
    group = float(data["group"][i])
    result = mp.mpf(1)
    for second in range(case.arrays):
        caught, caught_at = False, [False] * K
        for s in range(S):
            if not alive[s]:
                break
            h = []
            for k in range(K):
                rate = hazard(
                    case, data, value, k, m, second, s=s, b=caught, bk=caught_at[k], u=u, group=group
                )
                h.append(usage[k, s] * rate)
            if case.detector == "multi":
                total = sum(h)
                where = np.flatnonzero(w[s])
                if len(where):
                    result *= (1 - mp.exp(-total)) * h[where[0]] / total
                else:
                    result *= mp.exp(-total)
            else:
                for k in range(K):
                    y, p = int(w[s, k]), 1 - mp.exp(-h[k])
                    if case.detector == "count":
                        result *= mp.exp(-h[k]) * h[k] ** y / mp.factorial(y) if usage[k, s] > 0 else 1
                    elif usage[k, s] > 0:
                        result *= mp.binomial(case.trials, y) * p**y * (1 - p) ** (case.trials - y)
            for k in range(K):
                if w[s, k]:
                    caught = caught_at[k] = True
    for who, number, mean, scatter in data["collared"]:
        if case.collars and who == i:
            at = {"s": 0, "b": 0, "bk": 0, "u": u, "group": group}
            log_sigma = value["s"] + sum(
                value[f"s.{t}"] * state(t, **at) for t in case.sigma_terms if t == "class"
            )
            sigma = mp.exp(log_sigma)
            d2 = sum((mp.mpf(float(mean[c])) - float(data["cells"][m][c])) ** 2 for c in (0, 1))
            result *= mp.exp(-(number * d2 + scatter) / (2 * sigma**2)) / (2 * mp.pi * sigma**2) ** number
    return result


def p_dot(case, data, value, m, u, group):
    total = mp.mpf(0)
    for second in range(case.arrays):
        for s in range(S):
            for k in range(K):
                rate = hazard(case, data, value, k, m, second, s=s, b=0, bk=0, u=u, group=float(group))
                total += case.trials * data["usage"][k, s] * rate
    return 1 - mp.exp(-total)


def brute_force(case, data, beta):
    """Items 5 to 13 of the conventions, word for word."""
    names, _ = coefficients(case)
    value = {name: mp.mpf(b) for name, b in zip(names, beta, strict=True)}
    shares = [mp.mpf(1)] + [mp.exp(value[f"mix.{u}"]) for u in range(1, case.classes)]
    shares = [s / sum(shares) for s in shares]
    groups = [0, 1] if case.groups else [0]
    result = mp.mpf(0)
    caught_p = {
        (m, u, g): p_dot(case, data, value, m, u, g)
        for m in range(M)
        for u in range(case.classes)
        for g in set(data["group"].tolist())
    }
    for g in groups:
        if case.conditional:
            density = [mp.mpf(1)] * M
        elif case.density == "identity":
            density = [value["D"]] * M
        else:
            density = [
                mp.exp(value["D"] + value.get("D.x", 0) * float(data["x"][m]) + value.get("D.g", 0) * g)
                for m in range(M)
            ]
        mass = [float(data["areas"][m]) * density[m] for m in range(M)]
        number = sum(mass)
        members = [i for i in range(len(data["w"])) if not case.groups or data["group"][i] == g]
        caught = [i for i in members if i < data["detected"]]
        p_bar = {
            (u, h): sum(mass[m] * caught_p[m, u, h] for m in range(M)) / number
            for u in range(case.classes)
            for h in set(data["group"][members].tolist())
        }
        p_of = []
        for i in members:
            own = data["group"][i]
            by_class = [
                sum(mass[m] * history_probability(case, data, value, i, m, u) for m in range(M)) / number
                for u in range(case.classes)
            ]
            known = data["known"][i]
            if known >= 0:
                result += mp.log(shares[known] * by_class[known])
            else:
                result += mp.log(sum(s * p for s, p in zip(shares, by_class, strict=True)))
            if i in caught:
                mixed = sum(shares[u] * p_bar[u, own] for u in range(case.classes))
                result -= mp.log(mixed)
                p_of.append(p_bar[known, own] if known >= 0 and case.hcov else mixed)
        n = len(caught)
        _, copies = np.unique(data["w"][caught].reshape(n, -1), axis=0, return_counts=True)
        result += mp.log(mp.factorial(n)) - sum(mp.log(mp.factorial(int(c))) for c in copies)
        if case.conditional:
            continue
        p = n / sum(1 / q for q in p_of)
        if case.distribution == "poisson":
            result += n * mp.log(number * p) - number * p - mp.log(mp.factorial(n))
        else:
            result += mp.loggamma(number + 1) - mp.loggamma(n + 1) - mp.loggamma(number - n + 1)
            result += n * mp.log(p) + (number - n) * mp.log(1 - p)
    return result


# ---------------------------------------------------------------- layout


def lay_out(case, data):
    """A row for each detector, occasion and state; a profile for each animal and occasion."""
    names, _ = coefficients(case)
    column = {name: j for j, name in enumerate(names)}
    n, detected = len(data["w"]), data["detected"]
    groups = sorted(set(data["group"].tolist()))
    arrays = tuple(_array(case, data, column, second) for second in range(case.arrays))
    populations = groups if case.groups else [0]
    constant = []
    for g in populations:
        members = [i for i in range(detected) if not case.groups or data["group"][i] == g]
        w = data["w"][members]
        _, copies = np.unique(w.reshape(len(w), -1), axis=0, return_counts=True)
        value = math.lgamma(len(w) + 1) - sum(math.lgamma(c + 1) for c in copies)
        for _, s, k in zip(*np.nonzero(w), strict=True):
            y = w[_, s, k]
            if case.detector != "proximity":
                value += case.arrays * y * math.log(data["usage"][k, s])
            if case.detector == "count":
                value -= case.arrays * math.lgamma(y + 1)
            if case.detector == "proximity":
                value += case.arrays * math.log(math.comb(case.trials, y))
        constant.append(value)
    density = None
    if not case.conditional:
        density = tuple(_density(case, data, column, g) for g in populations)
    mixing = tuple(
        predictor({f"mix.{u}": np.ones(len(groups))}, column, "logit", len(groups))
        for u in range(1, case.classes)
    )
    collars = None
    if case.collars:
        collars = CollarLayout(
            history=np.array([c[0] for c in data["collared"]]),
            fixes=np.array([c[1] for c in data["collared"]]),
            mean_xy_m=np.array([c[2] for c in data["collared"]]),
            scatter_m2=np.array([c[3] for c in data["collared"]]),
            sigma=tuple(
                predictor(
                    {"s": np.ones(2)}
                    | ({"s.class": np.full(2, float(u))} if "class" in case.sigma_terms else {}),
                    column,
                    "log",
                    2,
                )
                for u in range(case.classes)
            ),
        )
    session = SessionLayout(
        cells_xy_m=data["cells"],
        cell_area_ha=data["areas"],
        density=density,
        mixing=mixing,
        arrays=arrays,
        collars=collars,
        detected=detected,
        naive_group=data["group"],
        population=np.array(groups if case.groups else [0] * len(groups)),
        known_class=data["known"],
        class_covariate=case.hcov,
        constant=np.array(constant),
        distribution=case.distribution,
        conditional=case.conditional,
    )
    assert n == len(session.naive_group)
    return Layout(sessions=(session,), parameters=len(names))


def predictor(parts, column, link, size):
    used = [p for p in parts if p in column]
    return Predictor(
        design=np.stack([parts[p] for p in used], axis=1) if used else np.zeros((size, 0)),
        columns=np.array([column[p] for p in used], dtype=np.int64),
        offset=np.zeros(size),
        link=link,
    )


def _density(case, data, column, g):
    parts = {"D": np.ones(M)}
    if case.density == "spatial":
        parts["D.x"] = data["x"]
    if case.groups:
        parts["D.g"] = np.full(M, float(g))
    return predictor(parts, column, "identity" if case.density == "identity" else "log", M)


def _array(case, data, column, second):
    rows, row_of = [], {}

    def row(k, s, b, bk, group):
        key = (k, s, int(b), int(bk), group)
        if key not in row_of:
            row_of[key] = len(rows)
            rows.append(key)
        return row_of[key]

    profiles, survived, competed, caught, kinds = [], [], [], [], {}
    for i, w in enumerate(data["w"]):
        seen, seen_at = False, [False] * K
        for s in range(S):
            if not data["alive"][i, s]:
                break
            here = [row(k, s, seen, seen_at[k], int(data["group"][i])) for k in range(K)]
            survived.append((i, len(profiles), 1.0))
            if case.detector == "multi" and w[s].any():
                competed.append((i, len(profiles), 1.0))
            profiles.append(
                [(here[k], case.trials * data["usage"][k, s]) for k in range(K) if data["usage"][k, s]]
            )
            for k in range(K):
                if w[s, k]:
                    effort = data["usage"][k, s] if case.detector == "proximity" else 1.0
                    kind = kinds.setdefault((here[k], effort), len(kinds))
                    caught.append((i, kind, float(w[s, k])))
            for k in range(K):
                if w[s, k]:
                    seen = seen_at[k] = True
    groups = sorted(set(data["group"].tolist()))
    naive = []
    for at, g in enumerate(groups):
        for s in range(S):
            naive.append((at, len(profiles), 1.0))
            profiles.append(
                [
                    (row(k, s, 0, 0, g), case.trials * data["usage"][k, s])
                    for k in range(K)
                    if data["usage"][k, s]
                ]
            )
    n, q = len(data["w"]), len(profiles)
    effort = sparse([(a, r, e) for a, p in enumerate(profiles) for r, e in p], (q, len(rows)))

    def values(u, which):
        def of(term):
            return np.array([state(term, s=s, b=b, bk=bk, u=u, group=float(g)) for _, s, b, bk, g in rows])

        terms = case.terms if which == "a" else case.sigma_terms
        parts = {which: np.ones(len(rows))} | {f"{which}.{t}": of(t) for t in terms}
        if which == "a" and second:
            parts["a.second"] = np.ones(len(rows))
        return parts

    classes = tuple(
        ClassLayout(
            detector=np.array([r[0] for r in rows]),
            intercept=predictor(values(u, "a"), column, case.link, len(rows)),
            sigma=predictor(values(u, "s"), column, "log", len(rows)),
            shape=predictor({"z": np.ones(len(rows))}, column, "log", len(rows)) if "z" in column else None,
            profiles=effort,
            survived=sparse(survived, (n, q)),
            competed=sparse(competed, (n, q)),
            catch_row=np.array([r for r, _ in kinds]),
            catch_effort=np.array([e for _, e in kinds]),
            caught=sparse(caught, (n, len(kinds))),
            naive=sparse(naive, (len(groups), q)),
        )
        for u in range(case.classes)
    )
    return ArrayLayout(
        xy_m=data["traps"],
        detectfn=case.detectfn,
        intercept_name=case.intercept,
        binary=case.detector == "proximity",
        classes=classes,
    )


def sparse(entries, shape):
    if not entries:
        return csr_array(shape)
    row, column, value = zip(*entries, strict=True)
    return csr_array((np.array(value), (np.array(row), np.array(column))), shape=shape)


# ---------------------------------------------------------------- tests

CASES = {
    "plain": Case(),
    "count": Case(detector="count", terms=("t", "T")),
    "multi": Case(detector="multi", terms=("b",)),
    "binomial detections": Case(trials=3, terms=("T",)),
    "hn": Case(detectfn=0, intercept="g0", link="logit"),
    "hn multi": Case(detector="multi", detectfn=0, intercept="g0", link="logit", terms=("bk", "T"), seed=2),
    "hn count": Case(detector="count", detectfn=0, intercept="g0", link="logit", terms=("b",)),
    "hr": Case(detectfn=1, intercept="g0", link="logit", terms=("b",)),
    "ex multi": Case(detector="multi", detectfn=2, intercept="g0", link="logit"),
    "hhr": Case(detectfn=15, detector="count", seed=3),
    "hhr binary": Case(detectfn=15, terms=("b",), sigma_terms=("t",)),
    "hex multi": Case(detectfn=16, detector="multi", terms=("bk",)),
    "hcg": Case(detectfn=18, seed=4),
    "a0": Case(intercept="a0", sigma_terms=("t",)),
    "a0 hn": Case(detectfn=0, intercept="a0", sigma_terms=("b",), terms=("t",)),
    "a0 hn multi": Case(detectfn=0, intercept="a0", detector="multi"),
    "identity links": Case(link="identity", density="identity", terms=("b",)),
    "sigma by behaviour": Case(detector="count", sigma_terms=("b", "T")),
    "density trend": Case(density="spatial", detector="count"),
    "conditional": Case(conditional=True, detector="multi", terms=("b", "T")),
    "conditional individual": Case(
        conditional=True, individual=True, terms=("group",), sigma_terms=("group",)
    ),
    "binomial n": Case(
        distribution="binomial", density="spatial", detector="multi", detectfn=0, intercept="g0", link="logit"
    ),
    "removal": Case(removed=True, detector="multi", terms=("b",)),
    "groups": Case(groups=True, terms=("group",), density="spatial"),
    "h2": Case(classes=2, terms=("class",), detectfn=0, intercept="g0", link="logit", density="spatial"),
    "h3": Case(classes=3, terms=("class",), sigma_terms=("class",), detector="multi"),
    "h2 conditional": Case(classes=2, terms=("class",), conditional=True, detector="count"),
    "hcov": Case(classes=2, hcov=True, terms=("class",), sigma_terms=("class",), density="spatial"),
    "hcov conditional": Case(classes=2, hcov=True, terms=("class", "b"), conditional=True, detector="multi"),
    "hcov binomial": Case(classes=2, hcov=True, terms=("class",), distribution="binomial"),
    "known class": Case(classes=2, known=True, sigma_terms=("class",), detector="count"),
    "telemetry": Case(collars=True, detector="count"),
    "telemetry conditional": Case(collars=True, conditional=True, classes=2, sigma_terms=("class",)),
    "telemetry density": Case(collars=True, density="spatial", detector="multi"),
    "two arrays": Case(arrays=2, detector="count", density="spatial"),
}  # fmt: skip


def random_points(case):
    _, beta = coefficients(case)
    rng = np.random.default_rng(case.seed)
    wobble = rng.normal(size=len(beta)) * 0.1
    if case.density == "identity" or case.link == "identity":
        wobble *= np.minimum(1.0, np.abs(beta))
    return beta, beta + wobble


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_against_brute_force(name):
    """The gradient in two directions that no coefficient escapes."""
    case = CASES[name]
    data = survey(case)
    prepared = prepare(lay_out(case, data))
    first, second = random_points(case)
    assert evaluate(prepared, second, derivatives=False).value == pytest.approx(
        float(brute_force(case, data, second)), rel=1e-11
    )
    found = evaluate(prepared, first)
    assert found.value == pytest.approx(float(brute_force(case, data, first)), rel=1e-11)
    assert found.value == evaluate(prepared, first, derivatives=False).value
    step = mp.mpf("1e-12")
    for direction in np.random.default_rng(7).normal(size=(2, len(first))):
        up, down = (
            [mp.mpf(b) + sign * step * v for b, v in zip(first, direction, strict=True)] for sign in (1, -1)
        )
        slope = (brute_force(case, data, up) - brute_force(case, data, down)) / (2 * step)
        assert found.gradient @ direction == pytest.approx(float(slope), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_hessian_is_the_slope_of_the_gradient(name):
    """Richardson's extrapolated differences of the gradient, which the test above proves."""
    case = CASES[name]
    data = survey(case)
    prepared = prepare(lay_out(case, data))
    beta, _ = random_points(case)
    hessian = np.empty((len(beta), len(beta)))
    for j in range(len(beta)):
        h = 1e-3 * max(min(1.0, abs(beta[j])), 1e-2)
        estimates = []
        for step in (h, 0.5 * h):
            move = np.zeros(len(beta))
            move[j] = step
            up, down = evaluate(prepared, beta + move).gradient, evaluate(prepared, beta - move).gradient
            estimates.append((up - down) / (2 * step))
        hessian[j] = (4 * estimates[1] - estimates[0]) / 3
    found = evaluate(prepared, beta).hessian
    scale = np.sqrt(np.outer(np.abs(np.diag(found)), np.abs(np.diag(found)))).max()
    assert np.abs(found - hessian).max() < 1e-8 * max(scale, 1.0)
    assert (found == found.T).all()


def test_sessions_add_up_and_share_coefficients():
    case = Case(detector="count", density="spatial")
    layouts = [lay_out(replace(case, seed=s), survey(replace(case, seed=s))) for s in (1, 2)]
    _, beta = coefficients(case)
    both = Layout(sessions=(*layouts[0].sessions, *layouts[1].sessions), parameters=len(beta))
    parts = [evaluate(x, beta) for x in layouts]
    whole = evaluate(both, beta)
    threads = evaluate(prepare(both, workers=2), beta)
    assert threads.value == whole.value
    assert (threads.hessian == whole.hessian).all()
    assert whole.value == pytest.approx(parts[0].value + parts[1].value, rel=1e-14)
    assert whole.hessian == pytest.approx(parts[0].hessian + parts[1].hessian, rel=1e-13)


def test_shared_profiles_and_crowds_say_the_same():
    """bk in multi-catch traps: a base profile with corrections and crowds, against a profile an occasion."""
    case = Case(detector="multi", detectfn=0, intercept="g0", link="logit", terms=("bk",))
    data = survey(case)
    plain = lay_out(case, data)
    session = plain.sessions[0]
    laid = session.arrays[0].classes[0]
    base = laid.profiles.toarray()[-S:]
    difference = laid.profiles.toarray()
    difference[:-S] -= np.tile(base, (len(data["w"]), 1))
    q = len(difference)
    crowds = np.eye(q)
    for at in range(q - S):
        crowds[at, q - S + at % S] = 1.0
    competed = laid.competed
    survived = laid.survived.toarray()
    survived[:, -S:] += survived[:, :-S].reshape(len(survived), -1, S).sum(axis=1)
    sparser = replace(
        laid,
        profiles=csr_array(difference),
        survived=csr_array(survived),
        competed=competed,
        crowds=csr_array(crowds),
    )
    array = replace(session.arrays[0], classes=(sparser,))
    layout = replace(plain, sessions=(replace(session, arrays=(array,)),))
    _, beta = coefficients(case)
    one, other = evaluate(plain, beta), evaluate(layout, beta)
    assert other.value == pytest.approx(one.value, rel=1e-13)
    assert other.gradient == pytest.approx(one.gradient, rel=1e-11, abs=1e-12)
    assert other.hessian == pytest.approx(one.hessian, rel=1e-11, abs=1e-12)


def test_nobody_caught_is_minus_the_expected_number():
    case = Case(density="spatial")
    data = survey(case)
    layout = lay_out(case, data)
    session = layout.sessions[0]
    laid = session.arrays[0].classes[0]
    nobody = replace(
        laid,
        survived=laid.survived[:0],
        competed=laid.competed[:0],
        caught=csr_array((0, 0)),
        catch_row=np.empty(0, dtype=np.int64),
        catch_effort=np.empty(0),
    )
    none = np.empty(0, dtype=np.int64)
    empty = replace(
        session,
        arrays=(replace(session.arrays[0], classes=(nobody,)),),
        detected=0,
        naive_group=none,
        known_class=none,
        constant=np.zeros(1),
    )
    names, beta = coefficients(case)
    value = dict(zip(names, [mp.mpf(b) for b in beta], strict=True))
    expected = sum(
        data["areas"][m]
        * mp.exp(value["D"] + value["D.x"] * data["x"][m])
        * p_dot(case, data, value, m, 0, 0)
        for m in range(M)
    )
    found = evaluate(Layout(sessions=(empty,), parameters=len(beta)), beta)
    assert found.value == pytest.approx(-float(expected), rel=1e-13)
    assert found.gradient[0] == pytest.approx(-float(expected), rel=1e-13)


def test_outside_the_domain_is_minus_infinity():
    case = CASES["identity links"]
    prepared = prepare(lay_out(case, survey(case)))
    _, beta = coefficients(case)
    for j in (0, 1):
        outside = beta.copy()
        outside[j] = -0.1
        found = evaluate(prepared, outside)
        assert found.value == -math.inf
        assert np.isnan(found.gradient).all()
    few = CASES["binomial n"]
    _, beta = coefficients(few)
    beta[0] = -9.0
    assert evaluate(lay_out(few, survey(few)), beta).value == -math.inf


def test_layouts_that_contradict_themselves_are_refused():
    case = Case()
    layout = lay_out(case, survey(case))
    with pytest.raises(ParameterError, match=r"β has shape \(1,\), expected \(3,\)"):
        evaluate(layout, [0.0])
    session = layout.sessions[0]
    for changes, words in (
        ({"detectfn": 7}, "detection function 7 is not known"),
        ({"detectfn": 0}, "has an intercept lambda0"),
        ({"detectfn": 15}, "has no shape z"),
    ):
        broken = replace(session, arrays=(replace(session.arrays[0], **changes),))
        with pytest.raises(ParameterError, match=words):
            prepare(replace(layout, sessions=(broken,)))
    individual = Case(conditional=True, individual=True, terms=("group",))
    mixed = lay_out(individual, survey(individual))
    full = replace(mixed.sessions[0], conditional=False, density=session.density)
    with pytest.raises(ParameterError, match="animals of one population differ"):
        prepare(replace(mixed, sessions=(full,)))
