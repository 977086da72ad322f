"""What the page of lineages says, worded; nothing is estimated here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ghostcat.language import Wording
from ghostcat.pedigree.matchups import Match, PlanComparison, SeasonPlan
from ghostcat.pedigree.projection import GOAL, Falls, Projection
from ghostcat.pedigree.suitability import COMPONENTS
from ghostcat.report.figures.diversity_time import TimeLine, draw_time_lines
from ghostcat.report.figures.kinship_map import KinshipMap, draw_kinship_map
from ghostcat.report.figures.pedigree_drawing import PedigreeDrawing, draw_pedigree, pedigree_symbol
from ghostcat.report.lineage_data import LineagePage
from ghostcat.report.lineage_words import (
    ASSUMPTIONS,
    COMPARISONS,
    COMPONENT_NAMES,
    LINEAGE_PROVENANCE,
    LINEAGE_REFUSALS,
    RATES,
    REASONS_OF_PAIRS,
    STRATEGIES,
    VETO_KINDS,
)
from ghostcat.report.phrases import Phrase, called, in_words
from ghostcat.report.remarks import Remark, remarks
from ghostcat.report.words import PROVENANCE

__all__ = ["LineageView", "PairRow", "build_lineage_view", "decimals_between", "signed"]


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """One pair of the table, as written."""

    match: Match
    rank: int
    dam_symbol: Markup
    sire_symbol: Markup
    values: tuple[tuple[str, float], ...]
    """(component, value between 0 and 1)."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """The plan, or another way of pairing."""

    name: str
    litters: str
    expected: str
    interval: str
    gain: str
    gain_interval: str
    inbreeding: str
    certain: bool
    """The interval of the gain lies above 0."""


@dataclass(frozen=True, kw_only=True)
class ProjectionRow:
    """One way of pairing, at the end of the horizon."""

    name: str
    diversity: str
    inbreeding: str
    animals: str
    goal: str
    today: str
    died_out: str


@dataclass(frozen=True, kw_only=True)
class LineageView:
    """All that the template shows."""

    page: LineagePage
    words: Wording
    pairs: tuple[PairRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    vetoes: tuple[tuple[str, int], ...]
    refusal: tuple[Phrase, Phrase] | None
    drawing: PedigreeDrawing
    kinship: KinshipMap | None
    diversity: Markup | None
    inbreeding: Markup | None
    projections: tuple[ProjectionRow, ...]
    falls: str
    falls_detail: str
    assumptions: tuple[str, ...]
    observed: tuple[str, ...]
    weights: tuple[tuple[str, float], ...]
    findings: tuple[Remark, ...]
    provenance: tuple[tuple[Phrase, Phrase], ...]
    transfer_total: float
    symbols: tuple[tuple[Markup, str], ...]


def build_lineage_view(page: LineagePage, words: Wording) -> LineageView:
    """Word everything of `page`."""
    _ = words.gettext
    plan = page.plan
    planned = next((p for p in page.projections if p.strategy == "plan"), None)
    return LineageView(
        page=page,
        words=words,
        pairs=_pairs(page, plan, words) if plan else (),
        comparisons=_comparisons(plan, words) if plan else (),
        vetoes=_vetoes(page, words),
        refusal=_refusal(page, words),
        drawing=draw_pedigree(page.drawn, label=_("Pedigree drawing, generation by generation")),
        kinship=draw_kinship_map(
            page.kinship, list(page.kinship_names), label=_("Kinship of every two animals")
        )
        if len(page.kinship) > 1
        else None,
        diversity=_lines(page, words, "diversity") if page.projections else None,
        inbreeding=_lines(page, words, "inbreeding") if page.projections else None,
        projections=tuple(_projection(found, words) for found in page.projections),
        falls=_headline(planned.falls_under_goal, page.season, words) if planned else "",
        falls_detail=_headline_detail(planned, words) if planned else "",
        assumptions=_assumptions(page, words),
        observed=tuple(
            f"{_(RATES[rate.name])}: {words.number(rate.estimate, 2)} "
            f"({_span(words, rate.lower, rate.upper, 2)}; n = {words.number(rate.n)})"
            for rate in page.observed
            if rate.name in RATES
        ),
        weights=tuple((_(COMPONENT_NAMES[name]), float(page.scores.weights[name])) for name in COMPONENTS),
        findings=remarks(page.findings, words),
        provenance=tuple(
            (called(key, {**PROVENANCE, **LINEAGE_PROVENANCE}, words), Phrase(text, verbatim=True))
            for key, text in page.provenance.items()
        ),
        transfer_total=sum(m.cost for m in plan.transfers if math.isfinite(m.cost)) if plan else 0.0,
        symbols=(
            (pedigree_symbol("female", living=True), _("female")),
            (pedigree_symbol("male", living=True), _("male")),
            (pedigree_symbol("", living=True), _("sex not known")),
            (pedigree_symbol("male", living=False), _("dead")),
        ),
    )


def decimals_between(low: float, high: float) -> int:
    """Decimals that show two digits of an interval, at most six: digits match precision.

    >>> decimals_between(0.8162, 0.8247)
    4
    """
    reach = abs(high - low) / 4
    if not (math.isfinite(reach) and reach > 0):
        return 4
    return min(max(1 - math.floor(math.log10(reach)), 2), 6)


def _span(words: Wording, low: float, high: float, decimals: int) -> str:
    return words.gettext("%(lower)s to %(upper)s") % {
        "lower": words.number(low, decimals),
        "upper": words.number(high, decimals),
    }


def signed(words: Wording, value: float, decimals: int) -> str:
    """A change with its sign."""
    written = words.number(value, decimals)
    return f"+{written}" if round(value, decimals) > 0 else written


def _pairs(page: LineagePage, plan: SeasonPlan, words: Wording) -> tuple[PairRow, ...]:
    scores = page.scores
    ids = scores.stock.ids
    at = {(ids[int(scores.dam[p])], ids[int(scores.sire[p])]): p for p in plan.pairs.tolist()}
    return tuple(
        PairRow(
            match=match,
            rank=rank,
            dam_symbol=pedigree_symbol("female", living=True),
            sire_symbol=pedigree_symbol("male", living=True),
            values=tuple(
                (words.gettext(COMPONENT_NAMES[name]), float(scores.values[at[match.dam, match.sire], k]))
                for k, name in enumerate(COMPONENTS)
            ),
            reasons=tuple(words.gettext(REASONS_OF_PAIRS[reason]) for reason in match.reasons),
        )
        for rank, match in enumerate(plan.matches, 1)
    )


def _comparisons(plan: SeasonPlan, words: Wording) -> tuple[ComparisonRow, ...]:
    places = decimals_between(plan.lower, plan.upper)
    own = ComparisonRow(
        name=words.gettext("this plan"),
        litters=words.number(len(plan.matches)),
        expected=words.number(plan.diversity_after, places),
        interval=_span(words, plan.lower, plan.upper, places),
        gain="",
        gain_interval="",
        inbreeding=words.number(plan.mean_offspring_inbreeding, 3),
        certain=False,
    )
    return (own, *(_comparison(other, words) for other in plan.comparisons))


def _comparison(other: PlanComparison, words: Wording) -> ComparisonRow:
    places = decimals_between(other.lower, other.upper)
    finer = max(decimals_between(other.gain_lower, other.gain_upper), places)
    return ComparisonRow(
        name=words.gettext(COMPARISONS[other.name]),
        litters=words.number(other.litters, 0 if other.litters % 1 == 0 else 1),
        expected=words.number(other.expected_diversity, places),
        interval=_span(words, other.lower, other.upper, places),
        gain=signed(words, other.gain, finer),
        gain_interval=words.gettext("%(lower)s to %(upper)s")
        % {
            "lower": signed(words, other.gain_lower, finer),
            "upper": signed(words, other.gain_upper, finer),
        },
        inbreeding=words.number(other.mean_offspring_inbreeding, 3),
        certain=other.gain_lower > 0,
    )


def _vetoes(page: LineagePage, words: Wording) -> tuple[tuple[str, int], ...]:
    """How many pairs each kind of veto forbids; a pair can have several."""
    counts: dict[str, int] = {}
    for standing in page.scores.vetoes:
        for kind in {veto.kind for veto in standing}:
            counts[kind] = counts.get(kind, 0) + 1
    return tuple((words.gettext(VETO_KINDS[kind]), counts[kind]) for kind in VETO_KINDS if kind in counts)


def _refusal(page: LineagePage, words: Wording) -> tuple[Phrase, Phrase] | None:
    if page.refusal is None:
        return None
    code, reason, fix = page.refusal
    if code in LINEAGE_REFUSALS:
        meaning = LINEAGE_REFUSALS[code]
        return Phrase(words.gettext(meaning.what)), Phrase(words.gettext(meaning.fix))
    return in_words(reason, words), in_words(fix, words)


def _lines(page: LineagePage, words: Wording, what: str) -> Markup:
    _ = words.gettext
    diversity = what == "diversity"
    lines = [
        TimeLine(
            name=_(STRATEGIES[p.strategy]),
            middle=_while_most_live(p, getattr(p, what)),
            lower=_while_most_live(p, getattr(p, f"{what}_lower")),
            upper=_while_most_live(p, getattr(p, f"{what}_upper")),
        )
        for p in page.projections
    ]
    today = page.numbers.gene_diversity
    marks = []
    if diversity:
        marks.append((GOAL, _("goal: 0.90 of the founders' gene diversity")))
        if today < GOAL:
            marks = [(GOAL * today, _("nine tenths of today's"))]
    return draw_time_lines(
        page.projections[0].years + page.season,
        lines,
        words,
        x_title=_("year") if page.season else _("years from now"),
        y_title=_("gene diversity") if diversity else _("mean inbreeding coefficient F"),
        label=_("Gene diversity over time") if diversity else _("Inbreeding over time"),
        marks=marks,
        from_zero=not diversity,
    )


def _while_most_live(found: Projection, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the years in which half of the runs have died out: the rest are the lucky ones."""
    return np.where(found.animals > 0, values, np.nan)


def _projection(found: Projection, words: Wording) -> ProjectionRow:
    last = int(found.years[-1])

    def said(name: str, decimals: int) -> str:
        values = [float(getattr(found, name + end)[last]) for end in ("", "_lower", "_upper")]
        if not all(math.isfinite(value) for value in values):
            return "–"
        return f"{words.number(values[0], decimals)} ({_span(words, values[1], values[2], decimals)})"

    return ProjectionRow(
        name=words.gettext(STRATEGIES[found.strategy]),
        diversity=said("diversity", 3),
        inbreeding=said("inbreeding", 3),
        animals=said("animals", 0),
        goal=_falls(found.falls_under_goal, words),
        today=_falls(found.falls_under_nine_tenths_of_today, words),
        died_out=words.number(100 * found.extinct, 0),
    )


def _falls(falls: Falls, words: Wording) -> str:
    if falls.year == 0:
        return words.gettext("already under it")
    middle, low, high = (_year(value, words) for value in (falls.year, falls.lower, falls.upper))
    return f"{middle} ({low} – {high})"


def _year(year: float, words: Wording) -> str:
    return words.gettext("not within the horizon") if math.isinf(year) else words.number(year)


def _headline(falls: Falls, season: int, words: Wording) -> str:
    _ = words.gettext
    if falls.year == 0:
        return _("already")
    if math.isinf(falls.year):
        return _("not in sight")
    return str(season + int(falls.year)) if season else words.number(falls.year)


def _headline_detail(planned: Projection, words: Wording) -> str:
    falls = planned.falls_under_goal
    if falls.year == 0:
        falls = planned.falls_under_nine_tenths_of_today
        return words.gettext(
            "Under nine tenths of today's in year %(year)s (95 %% of runs: %(low)s – %(high)s)."
        ) % {
            "year": _year(falls.year, words),
            "low": _year(falls.lower, words),
            "high": _year(falls.upper, words),
        }
    return words.gettext("Years from now, 95 %% of runs: %(low)s – %(high)s.") % {
        "low": _year(falls.lower, words),
        "high": _year(falls.upper, words),
    }


def _assumptions(page: LineagePage, words: Wording) -> tuple[str, ...]:
    rules = page.demography
    said = []
    for name in rules.assumed:
        text = words.gettext(ASSUMPTIONS[name])
        if name in ("female_years", "male_years"):
            window = getattr(rules, name)
            text += f": {words.number(window.youngest)}–{words.number(window.oldest)}"
        elif name not in ("capacity", "lethal_equivalents"):
            value = float(getattr(rules, name))
            text += f": {words.number(value, 0 if value % 1 == 0 else 2)}"
        said.append(text)
    return tuple(said)
