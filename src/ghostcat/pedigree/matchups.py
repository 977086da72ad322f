"""Who should breed with whom this season, and who has to travel for it?

`plan_season` chooses the litters that leave the most gene diversity after the season, under limits on
pairs, litters, places, transfers and inbreeding, and proves how far any other choice could be better.
It is compared with two ways that people use: pairing at random, and pairing the lowest mean kinships.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree._season_programme import Limits, homes, places_bind
from ghostcat.pedigree._season_search import (
    greedy_pairs,
    improved_pairs,
    litters_of,
    random_pairs,
    stepwise_answer,
)
from ghostcat.pedigree._season_solver import Answer, most_litters, solve
from ghostcat.pedigree.suitability import PairScores, diversity_with_offspring, season_diversities

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Match", "PlanComparison", "SeasonPlan", "Transfer", "greedy_pairs", "plan_season", "random_pairs"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Match:
    """One pair of the plan, with what it was chosen for and the reasons in codes."""

    dam: str
    sire: str
    meet_at: str
    """Where they meet; "" where places are not known or play no part."""
    moves: tuple[str, ...]
    """Who travels to get there."""
    score: float
    offspring_inbreeding: float
    diversity_change: float
    """Change of GD if this litter alone were born."""
    dam_mean_kinship: float
    sire_mean_kinship: float
    known_share: float
    transfer_cost: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One animal to another place."""

    animal: str
    origin: str
    target: str
    cost: float


@dataclass(frozen=True, kw_only=True)
class PlanComparison:
    """Gene diversity after the season by another way of pairing, and what the plan gains over it.

    Intervals are central 95 % ranges over simulated seasons: which pairs breed and how many young live
    is chance, in the plan and in the other way alike; at random, the pairs are chance too.
    """

    name: str
    """random or greedy_mean_kinship."""
    litters: float
    """Litters it could place, on average; fewer than the plan where it gets stuck."""
    expected_diversity: float
    lower: float
    upper: float
    gain: float
    """Expected GD of the plan minus that of this way."""
    gain_lower: float
    gain_upper: float
    mean_offspring_inbreeding: float


@dataclass(frozen=True, kw_only=True)
class SeasonPlan:
    """The best set of pairs and transfers, with its proof and its comparisons."""

    scores: PairScores
    pairs: Integers
    """Positions in `scores` of the chosen pairs."""
    matches: tuple[Match, ...]
    transfers: tuple[Transfer, ...]
    litters_wanted: int
    diversity_now: float
    diversity_after: float
    """Expected, with the expected young of every litter."""
    lower: float
    upper: float
    """Central 95 % of simulated seasons."""
    diversity_bound: float
    """No plan under these limits can have more."""
    mean_offspring_inbreeding: float
    comparisons: tuple[PlanComparison, ...]
    draws: int
    breeding_chance: float
    rounds: int
    seconds: float

    @property
    def gap(self) -> float:
        """Gene diversity that the best possible plan could have more than this one, at most."""
        return max(self.diversity_bound - self.diversity_after, 0.0)

    def table(self) -> pd.DataFrame:
        """One row a match."""
        import pandas as pd

        rows = [
            {name: getattr(match, name) for name in Match.__dataclass_fields__ if name != "reasons"}
            | {"reasons": " ".join(match.reasons)}
            for match in self.matches
        ]
        return pd.DataFrame(rows, columns=list(Match.__dataclass_fields__))


def plan_season(
    scores: PairScores,
    *,
    litters: int,
    rng: np.random.Generator,
    pairs_per_female: int = 1,
    pairs_per_male: int = 1,
    transfer_budget: float | None = None,
    max_transfers: int | None = None,
    breeding_chance: float = 1.0,
    draws: int = 1000,
    seconds: float = 10.0,
) -> SeasonPlan:
    """The pairs and transfers that leave the most gene diversity after the season.

    Parameters
    ----------
    scores : every possible pair, with vetoes and limits of inbreeding already applied.
    litters : wanted by demography; fewer are planned, and said, where the limits allow fewer.
    pairs_per_female, pairs_per_male : most litters of one animal in the season.
    transfer_budget : most that all transfers may cost, in the unit of the cost table.
    max_transfers : most animals that may travel.
    breeding_chance : chance that a pair has its litter; the smaller, the wider the intervals. Expected
        young of a planned litter stay those of `scores`.
    draws : simulated seasons behind the intervals.
    seconds : after this the best plan so far is given, with its gap.

    Raises
    ------
    EstimateRefused : no pair can be made under the vetoes and limits (`no_pair`).
    ParameterError : a limit is out of range.

    References
    ----------
    Lacy (1995) Zoo Biology 14:565–578, mean kinship. The method is described in `docs/matchups.md`.
    """
    _check(litters, pairs_per_female, pairs_per_male, breeding_chance, draws, seconds)
    if (transfer_budget is not None or max_transfers is not None) and scores.institutions is None:
        raise ParameterError(
            "a limit on transfers was given, but no places", fix="Give the institutions and their costs."
        )
    if not scores.open.any():
        raise EstimateRefused(
            f"no pair can be made: all {len(scores.dam)} possible pairs are vetoed"
            if len(scores.dam)
            else "no pair can be made: there is no living female with a living male",
            code="no_pair",
            fix="Look at the vetoes, the fertile ages and the largest inbreeding allowed."
            if len(scores.dam)
            else "Add the sexes that are missing, or bring in an animal of the other sex.",
        )

    limits = Limits(
        litters=litters,
        pairs_per_female=pairs_per_female,
        pairs_per_male=pairs_per_male,
        transfer_budget=transfer_budget,
        max_transfers=max_transfers,
    )
    females = np.array([sex == "female" for sex in scores.stock.sex])
    stepwise = _stepwise(scores, limits, rng, seconds)
    hint = litters_of(scores, stepwise)
    answer = solve(scores, limits, seconds=seconds, hint=hint)
    if answer is None and len(stepwise) < litters:
        most = most_litters(scores, limits, seconds=0.5 * seconds)
        hint = most if most[females].sum() >= hint[females].sum() else hint
        limits = replace(limits, litters=int(hint[females].sum()))
        answer = solve(scores, limits, seconds=0.5 * seconds, hint=hint) if limits.litters else None
    if answer is None and len(stepwise):  # out of time: what was found step by step stands, with its gap
        limits = replace(limits, litters=len(stepwise))
        answer = stepwise_answer(scores, limits, stepwise)
    if answer is None:
        raise EstimateRefused(
            "no pair can be made under the limits on places and transfers",
            code="no_pair",
            fix="Allow a transfer, more budget, or more space.",
        )
    chosen = answer.pairs
    matches, transfers = _matches(scores, limits, answer)
    stock = scores.stock
    size = len(stock.ids) + scores.litter * limits.litters
    after = _expected(scores, chosen)
    season = _Season(scores, breeding_chance, pairs_per_female, draws, rng)
    realised = season.outcomes(chosen)
    lower, upper = np.quantile(realised, (0.025, 0.975))
    return SeasonPlan(
        scores=scores,
        pairs=chosen,
        matches=matches,
        transfers=transfers,
        litters_wanted=litters,
        diversity_now=stock.gene_diversity,
        diversity_after=after,
        lower=float(lower),
        upper=float(upper),
        diversity_bound=after + (answer.objective - answer.bound) / size**2,
        mean_offspring_inbreeding=float(scores.offspring_inbreeding[chosen].mean()),
        comparisons=(
            _against_random(season, limits, after, realised, rng),
            _against_greedy(season, limits, after, realised),
        ),
        draws=draws,
        breeding_chance=breeding_chance,
        rounds=answer.rounds,
        seconds=answer.seconds,
    )


def _check(
    litters: int,
    pairs_per_female: int,
    pairs_per_male: int,
    breeding_chance: float,
    draws: int,
    seconds: float,
) -> None:
    for name, value in (
        ("litters", litters),
        ("pairs per female", pairs_per_female),
        ("pairs per male", pairs_per_male),
    ):
        if value < 1:
            raise ParameterError(f"{name}: {value}", fix="Give a whole number of at least 1.")
    if not 0 < breeding_chance <= 1:
        raise ParameterError(f"breeding chance {breeding_chance:g} is outside 0…1")
    if draws < 100:
        raise ParameterError(f"{draws} simulated seasons are too few for an interval", fix="Use 100 or more.")
    if not seconds > 0:
        raise ParameterError(f"{seconds:g} seconds", fix="Give the time the planner may take, above 0.")


def _stepwise(scores: PairScores, limits: Limits, rng: np.random.Generator, seconds: float) -> Integers:
    """A plan that is known to be possible; a good one where places bind, since those are hard to find."""
    if not places_bind(scores, limits):
        return greedy_pairs(scores, limits)
    return improved_pairs(scores, limits, rng=rng, seconds=0.25 * seconds)


def _expected(scores: PairScores, chosen: Integers) -> float:
    pairs = np.column_stack([scores.dam[chosen], scores.sire[chosen]])
    return diversity_with_offspring(scores.stock.kinship, np.full(len(chosen), scores.litter), pairs)


class _Season:
    """Simulated seasons: which planned pairs breed, and how many young they have.

    Young of a litter are Poisson with the mean of the plan, more spread where pairs may fail. A dam's
    litter has the same luck in every plan, so that a difference between plans is one of plans.
    """

    def __init__(
        self, scores: PairScores, breeding_chance: float, most: int, draws: int, rng: np.random.Generator
    ) -> None:
        self.scores, self.draws = scores, draws
        bred = rng.random((draws, most, len(scores.stock.ids))) < breeding_chance
        young = rng.poisson(scores.litter / breeding_chance, bred.shape)
        self.young: Floats = np.where(bred, young, 0).astype(np.float64)

    def outcomes(self, chosen: Integers, draws: slice = slice(None)) -> Floats:
        """(draws,) gene diversity after the season of this plan."""
        dams = self.scores.dam[chosen]
        times = [int((dams[:k] == dam).sum()) for k, dam in enumerate(dams)]
        young = self.young[draws][:, times, dams]
        pairs = np.column_stack([dams, self.scores.sire[chosen]])
        return season_diversities(self.scores.stock.kinship, young, pairs)


def _against_random(
    season: _Season, limits: Limits, after: float, realised: Floats, rng: np.random.Generator
) -> PlanComparison:
    scores = season.scores
    plans = [random_pairs(scores, limits, rng=rng) for _ in range(min(season.draws, 500))]
    expected = np.array([_expected(scores, plan) for plan in plans])
    outcomes = np.concatenate([season.outcomes(plan, slice(k, k + 1)) for k, plan in enumerate(plans)])
    inbreeding = float(np.mean([_mean_inbreeding(scores, plan) for plan in plans]))
    drawn = float(np.mean([len(plan) for plan in plans]))
    return _comparison("random", drawn, float(expected.mean()), outcomes, after, realised, inbreeding)


def _against_greedy(season: _Season, limits: Limits, after: float, realised: Floats) -> PlanComparison:
    scores = season.scores
    plan = greedy_pairs(scores, limits)
    expected, outcomes = _expected(scores, plan), season.outcomes(plan)
    inbreeding = _mean_inbreeding(scores, plan)
    return _comparison(
        "greedy_mean_kinship", float(len(plan)), expected, outcomes, after, realised, inbreeding
    )


def _mean_inbreeding(scores: PairScores, plan: Integers) -> float:
    return float(scores.offspring_inbreeding[plan].mean()) if len(plan) else float("nan")


def _comparison(
    name: str,
    litters: float,
    expected: float,
    outcomes: Floats,
    after: float,
    realised: Floats,
    inbreeding: float,
) -> PlanComparison:
    lower, upper = np.quantile(outcomes, (0.025, 0.975))
    gain_lower, gain_upper = np.quantile(realised[: len(outcomes)] - outcomes, (0.025, 0.975))
    return PlanComparison(
        name=name,
        litters=litters,
        expected_diversity=expected,
        lower=float(lower),
        upper=float(upper),
        gain=after - expected,
        gain_lower=float(gain_lower),
        gain_upper=float(gain_upper),
        mean_offspring_inbreeding=inbreeding,
    )


def _matches(
    scores: PairScores, limits: Limits, answer: Answer
) -> tuple[tuple[Match, ...], tuple[Transfer, ...]]:
    """Matches by falling score, and the transfers they need."""
    stock = scores.stock
    home, placed = homes(stock.site, scores.institutions), places_bind(scores, limits)
    names = scores.institutions.names if scores.institutions is not None else ()
    target = dict(answer.moves) if placed else _meeting_places(scores, home, answer.pairs)
    mean = stock.mean_kinship
    matches: list[Match] = []
    for p, place in zip(answer.pairs.tolist(), answer.places.tolist(), strict=True):
        i, j = int(scores.dam[p]), int(scores.sire[p])
        movers = [k for k in (i, j) if k in target]
        if not placed:
            place = target[movers[0]] if movers else int(max(home[i], home[j]))
        matches.append(
            Match(
                dam=stock.ids[i],
                sire=stock.ids[j],
                meet_at=names[place] if place >= 0 else "",
                moves=tuple(stock.ids[k] for k in movers),
                score=float(scores.score[p]),
                offspring_inbreeding=float(scores.offspring_inbreeding[p]),
                diversity_change=float(scores.diversity_change[p]),
                dam_mean_kinship=float(mean[i]),
                sire_mean_kinship=float(mean[j]),
                known_share=float(scores.known_share[p]),
                transfer_cost=float(scores.transfer_cost[p]),
                reasons=_reasons(scores, p),
            )
        )
    matches.sort(key=lambda match: (-match.score, match.dam, match.sire))
    cost = scores.institutions.cost if scores.institutions is not None else np.zeros((0, 0))
    transfers = tuple(
        Transfer(
            animal=stock.ids[i],
            origin=names[home[i]] if home[i] >= 0 else "",
            target=names[s],
            cost=float(cost[home[i], s]) if home[i] >= 0 else float("nan"),
        )
        for i, s in sorted(target.items())
    )
    return tuple(matches), transfers


def _meeting_places(scores: PairScores, home: Integers, pairs: Integers) -> dict[int, int]:
    """Who travels where when nothing limits it: not the one with several partners, else the cheaper way."""
    institutions = scores.institutions
    if institutions is None:
        return {}
    ends = np.column_stack([scores.dam[pairs], scores.sire[pairs]])
    times = np.bincount(ends.ravel(), minlength=len(home))
    target: dict[int, int] = {}
    for i, j in ends.tolist():
        a, b = int(home[i]), int(home[j])
        if a == b or a < 0 or b < 0:
            continue
        ways = [
            (int(times[mover]), float(institutions.cost[here, there]), mover, there)
            for mover, here, there in ((i, a, b), (j, b, a))
            if np.isfinite(institutions.cost[here, there])
        ]
        _, _, mover, there = min(ways)
        target[mover] = there
    return target


def _reasons(scores: PairScores, p: int) -> tuple[str, ...]:
    """Codes for what speaks for the pair and what against it, in the order of weight."""
    stock = scores.stock
    mean = stock.mean_kinship
    middle, low = float(mean.mean()), float(np.quantile(mean, 0.25))
    both = (float(mean[scores.dam[p]]), float(mean[scores.sire[p]]))
    inbreeding = float(scores.offspring_inbreeding[p])
    reasons = ["adds_diversity" if scores.diversity_change[p] > 0 else "costs_diversity"]
    if max(both) <= low:
        reasons.append("both_rare_lines")
    elif min(both) <= low:
        reasons.append("one_rare_line")
    if inbreeding < 1e-12:
        reasons.append("unrelated")
    elif inbreeding <= 0.5 * middle:
        reasons.append("less_related_than_most")
    elif inbreeding > middle:
        reasons.append("more_related_than_most")
    if scores.known_share[p] < 0.9:
        reasons.append("ancestry_partly_unknown")
    if scores.ages_unknown[p]:
        reasons.append("age_unknown")
    windows = ((scores.dam[p], scores.female_years), (scores.sire[p], scores.male_years))
    if any(stock.age_years[k] >= window.oldest - 2 for k, window in windows):
        reasons.append("last_seasons")
    if scores.institutions is not None:
        cost = float(scores.transfer_cost[p])
        same = stock.site[int(scores.dam[p])] == stock.site[int(scores.sire[p])] != ""
        reasons.append("same_place" if same else "place_unknown" if np.isnan(cost) else "transfer_needed")
    return tuple(reasons)
