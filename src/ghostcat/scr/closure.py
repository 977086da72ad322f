"""Did animals come or go during the survey? Evidence from the order in which they were seen.

Two looks at the same question, neither of them a proof of closure:

- **Span** (Otis et al. 1978). In a closed population the occasions on which an animal was seen are a
  random draw from all occasions. Animals that came late or left early are seen over shorter spans.
- **Tables** (after Stanley & Burnham 1999). Of the animals that are seen at period i or later, those
  known before and those not yet known should be caught at i equally often; where animals arrive, new
  ones turn up later. Read backwards in time the same tables show losses.

Both take detection as equal for all animals but for effort. Animals at the edge of an array differ from
those in its middle, and to the tables this looks like movement in and out: they reject most spatial
surveys of closed populations. `closure_given_fit` therefore judges the same statistics by surveys
simulated from a fitted model, whose population is closed and whose animals differ as they do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import ScrSession

if TYPE_CHECKING:
    from ghostcat.scr.fitting import ModelFit

__all__ = ["ClosureEvidence", "ClosureTest", "closure_evidence", "closure_given_fit", "closure_of_session"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DRAWS = 999
# Where only the score is wanted.
_FEW_DRAWS = 49
_PERIODS = 6
# A table with an expected count below this is left out, as its chi-square would mean nothing.
_LEAST_EXPECTED = 2.0


@dataclass(frozen=True, kw_only=True)
class ClosureTest:
    """One test; a small p speaks against closure."""

    name: str
    statistic: float
    degrees_of_freedom: float
    """NaN for a test by normal scores."""
    p: float
    """NaN where the data cannot carry the test."""
    components: tuple[tuple[int, float], ...] = ()
    """(period from 1, chi-square) of the tables that could be used."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClosureEvidence:
    """What the captures say about closure."""

    span: ClosureTest
    """Normal score; `p` from random draws that respect effort, lower tail."""
    additions: ClosureTest
    """Against arrivals (closed to additions against fully open)."""
    losses: ClosureTest
    """Against departures (closed to losses against fully open)."""
    calibrated: bool = False
    """Whether p comes from surveys simulated from a closed spatial model."""
    animals: int
    recaught: int
    """Animals seen on two occasions or more: only they carry the span test."""
    periods: int
    period_of_occasion: Ints = field(repr=False)

    def says(self, significance: float = 0.05) -> str:
        """One sentence for a report."""
        found = [
            words
            for test, words in (
                (self.span, "animals are seen over shorter spans than chance gives"),
                (self.additions, "animals seem to arrive during the survey"),
                (self.losses, "animals seem to leave during the survey"),
            )
            if test.p < significance
        ]
        if found:
            return "Closure is in doubt: " + "; ".join(found) + "."
        if all(math.isnan(t.p) for t in (self.span, self.additions, self.losses)):
            return "There are too few recaptures to say anything about closure."
        return "No sign against closure; with few recaptures these tests see only large changes."


def closure_of_session(
    session: ScrSession, *, rng: np.random.Generator, periods: int | None = None, draws: int = _DRAWS
) -> ClosureEvidence:
    """Closure evidence from all arrays of a session together; see `closure_evidence`.

    Raises
    ------
    ParameterError : the arrays have different numbers of occasions.
    """
    lengths = {array.occasions for array in session.arrays}
    if len(lengths) != 1:
        raise ParameterError(
            f"the arrays of session {session.name} have {sorted(lengths)} occasions",
            fix="Test the arrays one by one.",
        )
    seen = np.zeros((len(session.animals), lengths.pop()), dtype=bool)
    for array in session.arrays:
        seen[array.animal, array.occasion] = True
    effort = np.sum([array.usage.sum(axis=0) for array in session.arrays], axis=0)
    return closure_evidence(seen[seen.any(axis=1)], effort, rng=rng, periods=periods, draws=draws)


def closure_given_fit(
    fit: ModelFit,
    *,
    rng: np.random.Generator,
    session: int = 0,
    periods: int | None = None,
    surveys: int = 200,
) -> ClosureEvidence:
    """Closure evidence of a session, judged by surveys of a closed population that differ as its animals do.

    The statistics are those of `closure_evidence`; p is the share of surveys simulated from the fit that
    speak as much against closure.

    Parameters
    ----------
    fit : a model of the captures; its class of models is closed.
    session : which.
    surveys : how many to simulate.

    Raises
    ------
    EstimateRefused : `too_few_occasions`. ParameterError : the model cannot be simulated.
    """
    from ghostcat.scr.simulate_fit import truth_of_fit

    found = closure_of_session(fit.model.sessions[session], rng=rng, periods=periods, draws=_FEW_DRAWS)
    truth = truth_of_fit(fit)[session]
    drawn: dict[str, list[float]] = {"span": [], "additions": [], "losses": []}
    for _ in range(surveys):
        again = truth.data(truth.draw(rng), fit.model.hcov or "class")
        other = closure_of_session(again, rng=rng, periods=periods, draws=_FEW_DRAWS)
        for name, values in drawn.items():
            values.append(_strength(getattr(other, name)))
    calibrated = {
        name: replace(test, p=_share_as_far(_strength(test), np.array(drawn[name])))
        for name, test in (("span", found.span), ("additions", found.additions), ("losses", found.losses))
    }
    return replace(
        found,
        calibrated=True,
        span=calibrated["span"],
        additions=calibrated["additions"],
        losses=calibrated["losses"],
    )


def _strength(test: ClosureTest) -> float:
    """How much a test speaks against closure; a chi-square by its degrees of freedom."""
    if math.isnan(test.p):
        return math.nan
    # −ln p of the table test is comparable between different numbers of usable tables.
    return -test.statistic if test.name == "span" else -math.log(max(test.p, 1e-300))


def _share_as_far(observed: float, drawn: Floats) -> float:
    known = drawn[np.isfinite(drawn)]
    if math.isnan(observed) or not len(known):
        return math.nan
    above = (known > observed).sum() + 0.5 * (known == observed).sum()
    return float((1 + above) / (len(known) + 1))


def closure_evidence(
    seen: ArrayLike,
    effort: ArrayLike,
    *,
    rng: np.random.Generator,
    periods: int | None = None,
    draws: int = _DRAWS,
) -> ClosureEvidence:
    """Test closure on whether each animal was seen on each occasion.

    Parameters
    ----------
    seen : (n, S) true where the animal was seen.
    effort : (S,) effort of each occasion; occasions without effort are left out.
    rng : for the random draws of the span test.
    periods : occasions are pooled into this many periods of about equal effort for the tables; by
        default 6, or S if that is less.
    draws : how many; the smallest p is 1/(draws + 1).

    Returns
    -------
    ClosureEvidence

    Raises
    ------
    EstimateRefused : fewer than three occasions with effort (`too_few_occasions`).
    ParameterError : shapes disagree.

    Notes
    -----
    Span of an animal seen k times on S equal occasions, first to last: mean (k − 1)(S + 1)/(k + 1),
    variance 2(k − 1)(S + 1)(S − k)/((k + 1)²(k + 2)) (range of a draw without replacement). The score
    is the sum over animals, standardised. With unequal effort mean and variance come from the draws,
    in which occasions are chosen without replacement in proportion to effort.

    References
    ----------
    Otis et al. (1978) Wildlife Monographs 62, p. 120; Stanley & Burnham (1999) Environmental and
    Ecological Statistics 6:197–209.
    """
    caught = np.asarray(seen, dtype=bool)
    work = np.asarray(effort, dtype=np.float64)
    if caught.ndim != 2 or work.shape != caught.shape[1:]:
        raise ParameterError(f"seen has shape {caught.shape} and effort {work.shape}")
    working = work > 0
    caught, work = caught[:, working], work[working]
    if len(work) < 3:
        raise EstimateRefused(
            f"{len(work)} occasion(s) with effort say nothing about closure",
            code="too_few_occasions",
            fix="Divide the survey into three occasions or more.",
        )
    caught = caught[caught.any(axis=1)]
    period = _periods(work, min(periods or _PERIODS, len(work)))
    count = int(period[-1]) + 1
    pooled = np.stack([caught[:, period == i].any(axis=1) for i in range(count)], axis=1)
    whole = np.full(len(working), -1, dtype=np.int64)
    whole[working] = period
    return ClosureEvidence(
        span=_span_test(caught, work, rng, draws),
        additions=_tables(pooled, "additions"),
        losses=_tables(pooled[:, ::-1], "losses"),
        animals=len(caught),
        recaught=int((caught.sum(axis=1) > 1).sum()),
        periods=count,
        period_of_occasion=whole,
    )


def _span_test(
    caught: NDArray[np.bool_], effort: Floats, rng: np.random.Generator, draws: int
) -> ClosureTest:
    times = caught.sum(axis=1)
    some = caught[(times > 1) & (times < caught.shape[1])]
    if not len(some):
        return ClosureTest(name="span", statistic=math.nan, degrees_of_freedom=math.nan, p=math.nan)
    occasions = some.shape[1]
    span = (occasions - 1 - some[:, ::-1].argmax(axis=1)) - some.argmax(axis=1)
    k = some.sum(axis=1)
    drawn = _drawn_spans(k, effort, rng, draws)
    if np.ptp(effort) <= 1e-9 * effort.max():
        mean = ((k - 1) * (occasions + 1) / (k + 1)).sum()
        variance = (2 * (k - 1) * (occasions + 1) * (occasions - k) / ((k + 1) ** 2 * (k + 2))).sum()
    else:
        mean, variance = drawn.mean(), drawn.var(ddof=1)
    # Ties count half: spans are whole numbers, and a p that is too large on average hides departures.
    below, ties = int((drawn < span.sum()).sum()), int((drawn == span.sum()).sum())
    return ClosureTest(
        name="span",
        statistic=float((span.sum() - mean) / math.sqrt(variance)) if variance > 0 else math.nan,
        degrees_of_freedom=math.nan,
        p=(1 + below + 0.5 * ties) / (draws + 1),
    )


def _drawn_spans(k: Ints, effort: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """(draws,) sums of spans: per animal k occasions without replacement, in proportion to effort."""
    total = np.zeros(draws)
    for times, animals in zip(*np.unique(k, return_counts=True), strict=True):
        # The occasions with the smallest exponential waiting times at these rates are such a draw.
        for start in range(0, draws, max(1, 2_000_000 // (animals * len(effort)))):
            stop = min(draws, start + max(1, 2_000_000 // (animals * len(effort))))
            waiting = rng.exponential(size=(stop - start, animals, len(effort))) / effort
            first = np.argpartition(waiting, times - 1, axis=2)[:, :, :times]
            total[start:stop] += (first.max(axis=2) - first.min(axis=2)).sum(axis=1)
    return total


def _tables(caught: NDArray[np.bool_], name: str) -> ClosureTest:
    """Chi-square of [known, new] × [caught at i, only later], added up over periods.

    Known animals were caught before i and are caught at i or later; new ones are first caught at i or
    later. Where no animal arrives both are caught at i with the same chance.
    """
    periods = caught.shape[1]
    components = []
    for i in range(1, periods - 1):
        before, at, after = caught[:, :i].any(axis=1), caught[:, i], caught[:, i + 1 :].any(axis=1)
        table = np.array(
            [
                [(before & at).sum(), (before & ~at & after).sum()],
                [(~before & at).sum(), (~before & ~at & after).sum()],
            ],
            dtype=np.float64,
        )
        total = table.sum()
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / max(total, 1.0)
        if expected.min() >= _LEAST_EXPECTED:
            components.append((i + 1, float(((table - expected) ** 2 / expected).sum())))
    if not components:
        return ClosureTest(name=name, statistic=math.nan, degrees_of_freedom=0.0, p=math.nan)
    from scipy.stats import chi2

    if name == "losses":
        components = [(periods + 1 - i, value) for i, value in reversed(components)]
    statistic = sum(value for _, value in components)
    return ClosureTest(
        name=name,
        statistic=statistic,
        degrees_of_freedom=float(len(components)),
        p=float(chi2.sf(statistic, len(components))),
        components=tuple(components),
    )


def _periods(effort: Floats, periods: int) -> Ints:
    """(S,) period of each occasion: consecutive, each with about the same effort and none empty."""
    middle = (np.cumsum(effort) - effort / 2.0) / effort.sum()
    period = np.minimum((middle * periods).astype(np.int64), periods - 1)
    _, dense = np.unique(period, return_inverse=True)
    return np.asarray(dense, dtype=np.int64)
