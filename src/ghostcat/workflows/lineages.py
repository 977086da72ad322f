"""From a studbook to the pairs of a season, the gene diversity of a century, and the page that shows both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, InputError
from ghostcat.pedigree.projection import Demography, Projection, Strategy
from ghostcat.pedigree.suitability import BreedingStock, FertileYears, Institutions, PairScores, PairVeto
from ghostcat.survey.evidence import Finding
from ghostcat.workflows.pedigree import read_studbook

if TYPE_CHECKING:
    from ghostcat.formats.pedigree_reader import PedigreeKind, PedigreeTable
    from ghostcat.pedigree.matchups import SeasonPlan
    from ghostcat.pedigree.vital_rates import ObservedRate

__all__ = [
    "Season",
    "SeasonResult",
    "matchups",
    "matchups_summary",
    "project",
    "project_summary",
    "rates_of",
    "season_of",
]

STRATEGIES: tuple[Strategy, ...] = ("plan", "random", "nothing")

#: Loci dropped beside the kinship to count founder genes.
_LOCI = 50


@dataclass(frozen=True, kw_only=True)
class Season:
    """The living of a studbook in one year, ready for pairing."""

    table: PedigreeTable
    animals: NDArray[np.int64]
    """Positions in the pedigree, in the order of `stock`."""
    stock: BreedingStock
    year: int
    basis: str
    """Who counts as living: `alive` (the file says), `target` (its marked set), `everyone`."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class SeasonResult:
    """Everything a season's planning found."""

    season: Season
    scores: PairScores
    plan: SeasonPlan
    demography: Demography
    cost_unit: str
    findings: tuple[Finding, ...]
    settings: dict[str, Any]


def season_of(table: PedigreeTable, *, year: int | None = None) -> Season:
    """Who lives in the year of the season, how old they are and how related.

    Parameters
    ----------
    year : of the season; by default the last year in which the studbook has a birth or a death.

    Raises
    ------
    EstimateRefused : nobody lives (`no_animals`).
    """
    from ghostcat import pedigree as rooms

    pedigree = table.pedigree
    findings: list[Finding] = []
    told = bool((pedigree.alive >= 0).any() or np.isfinite(pedigree.death).any())
    if told:
        basis, chosen = "alive", np.flatnonzero(pedigree.living & ~pedigree.implied)
    elif pedigree.reference is not None:
        basis, chosen = "target", np.flatnonzero(pedigree.reference)
    else:
        basis, chosen = "everyone", np.flatnonzero(~pedigree.implied)
    if basis != "alive":
        who = "the marked reference set is" if basis == "target" else "every animal of the file is"
        findings.append(
            Finding(
                code="living_assumed",
                severity="warning",
                message=f"the studbook does not say who lives: {who} taken for the living",
                fix="Add a column `alive` (yes/no) or dates of death.",
                where=table.file,
            )
        )
    if not len(chosen):
        raise EstimateRefused(
            "no living animal is in the studbook",
            code="no_animals",
            where=table.file,
            fix="Mark who is alive in a column `alive`.",
        )
    when = _year_of(table, year, findings)
    # Calendar years: a birth known to the year alone stands in its middle.
    age = when - np.floor(pedigree.birth[chosen])
    if (age < 0).any():
        young = chosen[age < 0]
        findings.append(
            Finding(
                code="born_after_season",
                severity="warning",
                message=f"{len(young)} living animals are born after {when}: they are left out",
                fix="Plan a later season, or correct the dates of birth.",
                ids=tuple(pedigree.ids[i] for i in young[:20].tolist()),
                where=table.file,
            )
        )
        chosen, age = chosen[~(age < 0)], age[~(age < 0)]
    words = {rooms.FEMALE: "female", rooms.MALE: "male"}
    stock = BreedingStock(
        ids=tuple(pedigree.ids[i] for i in chosen.tolist()),
        sex=tuple(words.get(int(pedigree.sex[i]), "") for i in chosen),
        kinship=rooms.kinship(pedigree, chosen),
        age_years=age,
        known=rooms.known_fraction(pedigree)[chosen],
        site=tuple(pedigree.place[i] for i in chosen.tolist()),
    )
    findings += _gaps(stock, table.file)
    return Season(table=table, animals=chosen, stock=stock, year=when, basis=basis, findings=tuple(findings))


def _year_of(table: PedigreeTable, year: int | None, findings: list[Finding]) -> int:
    if year is not None:
        return year
    dates = np.concatenate([table.pedigree.birth, table.pedigree.death])
    dates = dates[np.isfinite(dates)]
    when = math.floor(float(dates.max())) if len(dates) else 0
    findings.append(
        Finding(
            code="season_assumed",
            severity="note",
            message=f"season {when}: the last year in which the studbook has a birth or a death"
            if len(dates)
            else "the studbook has no dates: ages are not known",
            fix="Give the year of the season with --season.",
            where=table.file,
        )
    )
    return when


def _gaps(stock: BreedingStock, file: str) -> list[Finding]:
    found = []
    for code, what, fix, gap in (
        (
            "sex_unknown",
            "have no sex and can be in no pair",
            "Add the sex; DNA tells it.",
            [sex == "" for sex in stock.sex],
        ),
        (
            "age_unknown",
            "have no date of birth: no window of fertile ages is applied to them",
            "Add a date or year of birth, also an estimated one.",
            np.isnan(stock.age_years).tolist(),
        ),
        (
            "ancestry_partly_unknown",
            "have unknown ancestors: their kinship is a lower bound",
            "Kinship from DNA can fill the gap.",
            (stock.known < 1.0 - 1e-9).tolist(),
        ),
    ):
        ids = [name for name, missing in zip(stock.ids, gap, strict=True) if missing]
        if ids:
            found.append(
                Finding(
                    code=code,
                    severity="warning",
                    message=f"{len(ids)} of {len(stock.ids)} living animals {what}",
                    fix=fix,
                    ids=tuple(ids[:20]),
                    where=file,
                )
            )
    return found


def matchups(
    studbook: str | Path | PedigreeTable,
    *,
    kind: PedigreeKind | None = None,
    season: int | None = None,
    litters: int | None = None,
    vetoes: str | Path | None = None,
    institutions: str | Path | None = None,
    transfers: str | Path | None = None,
    transfer_budget: float | None = None,
    max_transfers: int | None = None,
    pairs_per_female: int = 1,
    pairs_per_male: int = 1,
    max_inbreeding: float | None = None,
    demography: Demography | None = None,
    breeding_chance: float = 1.0,
    lethal_equivalents: float | None = None,
    seconds: float = 10.0,
    seed: int = 1,
) -> SeasonResult:
    """Score every possible pair of the living, and choose the best pairs and transfers of a season.

    Parameters
    ----------
    studbook : a pedigree file of any kind, or one already read.
    season : year; see `season_of`.
    litters : wanted; by default as many as replace the animals expected to die, with the demography.
    vetoes, institutions, transfers : tables; see `formats.matchup_tables`.
    lethal_equivalents : diploid, for the score; 6.29 by default.
    seed : of the simulated seasons and random plans.

    Raises
    ------
    EstimateRefused : nobody lives, or no pair can be made.
    """
    from ghostcat.pedigree.matchups import plan_season
    from ghostcat.pedigree.suitability import LETHAL_EQUIVALENTS_DIPLOID, score_pairs

    table = _read(studbook, kind)
    year = season_of(table, year=season)
    rules = demography or Demography()
    findings = [*table.findings, *year.findings]
    standing = _vetoes(None if vetoes is None else Path(vetoes), year, findings)
    places, unit = _institutions(year, institutions, transfers, transfer_budget, max_transfers, findings)
    young = rules.litter * rules.young_survival
    scores = score_pairs(
        year.stock,
        litter=young,
        lethal_equivalents=LETHAL_EQUIVALENTS_DIPLOID if lethal_equivalents is None else lethal_equivalents,
        female_years=rules.female_years,
        male_years=rules.male_years,
        max_inbreeding=max_inbreeding,
        vetoes=standing,
        institutions=places,
    )
    wanted = litters if litters is not None else _replacement_litters(year.stock, rules)
    plan = plan_season(
        scores,
        litters=wanted,
        rng=np.random.default_rng(seed),
        pairs_per_female=pairs_per_female,
        pairs_per_male=pairs_per_male,
        transfer_budget=transfer_budget,
        max_transfers=max_transfers,
        breeding_chance=breeding_chance,
        seconds=seconds,
    )
    if len(plan.matches) < wanted:
        findings.append(
            Finding(
                code="fewer_litters",
                severity="warning",
                message=f"{wanted} litters are wanted, {len(plan.matches)} can be had under the limits",
                fix="Allow more pairs an animal, more space or transfers, or look at the vetoes.",
                where=table.file,
            )
        )
    settings = {
        "season": year.year,
        "litters_wanted": wanted,
        "litters_chosen_by": "replacement" if litters is None else "given",
        "pairs_per_female": pairs_per_female,
        "pairs_per_male": pairs_per_male,
        "max_inbreeding": max_inbreeding,
        "transfer_budget": transfer_budget,
        "max_transfers": max_transfers,
        "breeding_chance": breeding_chance,
        "lethal_equivalents": scores.lethal_equivalents,
        "seed": seed,
    }
    return SeasonResult(
        season=year,
        scores=scores,
        plan=plan,
        demography=rules,
        cost_unit=unit,
        findings=tuple(findings),
        settings=settings,
    )


def project(
    studbook: str | Path | PedigreeTable,
    *,
    kind: PedigreeKind | None = None,
    season: int | None = None,
    demography: Demography | None = None,
    years: int = 100,
    runs: int = 200,
    strategies: Sequence[Strategy] = STRATEGIES,
    plan: SeasonPlan | None = None,
    seed: int = 1,
) -> tuple[Season, tuple[Projection, ...], tuple[Finding, ...]]:
    """Gene diversity, inbreeding and numbers over the years, under each way of pairing.

    Parameters
    ----------
    plan : the first season of the strategy `plan`; without it that year is planned as the others are.
    seed : the same for every strategy.
    """
    from ghostcat.pedigree import drop_genes
    from ghostcat.pedigree.projection import project_diversity

    table = _read(studbook, kind)
    year = season_of(table, year=season)
    rules = demography or Demography()
    genes = drop_genes(table.pedigree, _LOCI, rng=np.random.default_rng(seed), reference=year.animals)
    dropped = np.asarray(genes.alleles)
    order = np.searchsorted(np.asarray(genes.animals), year.animals)
    first = _first_pairs(plan)
    found = tuple(
        project_diversity(
            year.stock,
            strategy=strategy,
            rng=np.random.default_rng([seed, k]),
            demography=rules,
            years=years,
            runs=runs,
            first_pairs=first,
            genes=dropped[order] if len(order) == len(dropped) else dropped,
        )
        for k, strategy in enumerate(strategies)
    )
    return year, found, _of_demography(rules, table.file)


def _of_demography(rules: Demography, file: str) -> tuple[Finding, ...]:
    growth = rules.growth
    if growth >= 0.9999:
        return ()
    return (
        Finding(
            code="rates_below_replacement",
            severity="warning",
            message=f"with these rates of birth and death numbers change by {100 * (growth - 1):+.1f} % a "
            "year even with room for all: the projection is one of a shrinking population",
            fix="Give the survival and litters of this population (--young-survival, --adult-survival).",
            where=file,
        ),
    )


def _first_pairs(plan: SeasonPlan | None) -> list[tuple[int, int]]:
    if plan is None:
        return []
    scores = plan.scores
    return [(int(scores.dam[p]), int(scores.sire[p])) for p in plan.pairs.tolist()]


def _read(studbook: str | Path | PedigreeTable, kind: PedigreeKind | None) -> PedigreeTable:
    if isinstance(studbook, str | Path):
        return read_studbook(studbook, kind=kind)
    return studbook


def _replacement_litters(stock: BreedingStock, rules: Demography) -> int:
    """Litters that replace the animals expected to die in a year, at least one."""
    places = len(stock.ids) if rules.capacity is None else rules.capacity
    missing = places - rules.adult_survival * len(stock.ids)
    return max(1, math.ceil(missing / (rules.litter * rules.young_survival) - 1e-9))


def _vetoes(path: Path | None, season: Season, findings: list[Finding]) -> tuple[PairVeto, ...]:
    """Vetoes that concern the living; others are said, not silently dropped."""
    if path is None:
        return ()
    from ghostcat.formats.matchup_tables import read_vetoes

    read = read_vetoes(path)
    findings += read.findings
    living, known = set(season.stock.ids), set(season.table.pedigree.ids)
    kept = []
    for veto, where in zip(read.vetoes, read.where, strict=True):
        strangers = [name for name in (veto.animal, veto.partner) if name and name not in living]
        if not strangers:
            kept.append(veto)
            continue
        why = "not among the living" if strangers[0] in known else "not in the studbook"
        findings.append(
            Finding(
                code="veto_of_no_one",
                severity="warning" if strangers[0] in known else "error",
                message=f"the veto names {strangers[0]!r}, which is {why}: it has no effect",
                fix="Correct the name, or delete the row.",
                ids=(strangers[0],),
                where=where,
            )
        )
    return tuple(kept)


def _institutions(
    season: Season,
    institutions: str | Path | None,
    transfers: str | Path | None,
    budget: float | None,
    most: int | None,
    findings: list[Finding],
) -> tuple[Institutions | None, str]:
    sites = season.stock.site
    if institutions is None and transfers is None and not any(sites):
        if budget is not None or most is not None:
            raise InputError(
                "a limit on transfers was given, but the studbook names no places",
                where=season.table.file,
                fix="Add a column `location` to the studbook.",
            )
        return None, ""
    from ghostcat.formats.matchup_tables import read_institutions

    read = read_institutions(
        None if institutions is None else Path(institutions),
        None if transfers is None else Path(transfers),
        sites=sites,
    )
    findings += read.findings
    return read.institutions, read.cost_unit


def assumptions(rules: Demography) -> list[dict[str, object]]:
    """Values of the demography that are assumptions nobody has checked for this population."""
    values = {
        "young_survival": rules.young_survival,
        "female_years": f"{rules.female_years.youngest:g}–{rules.female_years.oldest:g}",
        "male_years": f"{rules.male_years.youngest:g}–{rules.male_years.oldest:g}",
        "litter_interval_years": rules.litter_interval_years,
        "longest_life_years": rules.longest_life_years,
        "capacity": rules.capacity,
        "lethal_equivalents": rules.lethal_equivalents,
    }
    return [{"name": name, "value": values[name]} for name in rules.assumed]


def matchups_summary(
    result: SeasonResult, *, pairs: int | None = None, observed: Sequence[ObservedRate] = ()
) -> dict[str, Any]:
    """A season as plain values; `pairs` limits the list of all scored pairs (None: every one)."""
    plan, stock = result.plan, result.season.stock
    table = result.scores.table()
    scored = table if pairs is None else table.head(pairs)
    return {
        "id": Path(result.season.table.file).stem,
        "season": result.season.year,
        "living": len(stock.ids),
        "living_basis": result.season.basis,
        "possible_pairs": len(result.scores.dam),
        "open_pairs": int(result.scores.open.sum()),
        "gene_diversity": {
            "now": plan.diversity_now,
            "after": plan.diversity_after,
            "lower": plan.lower,
            "upper": plan.upper,
            "bound": plan.diversity_bound,
            "gap": plan.gap,
        },
        "mean_offspring_inbreeding": plan.mean_offspring_inbreeding,
        "litters_wanted": plan.litters_wanted,
        "litters_planned": len(plan.matches),
        "pairs": [
            {name: getattr(match, name) for name in match.__dataclass_fields__} for match in plan.matches
        ],
        "transfers": [
            {name: getattr(move, name) for name in move.__dataclass_fields__} for move in plan.transfers
        ],
        "transfer_cost": sum(move.cost for move in plan.transfers if math.isfinite(move.cost)),
        "transfer_cost_unit": result.cost_unit,
        "comparisons": [
            {name: getattr(other, name) for name in other.__dataclass_fields__} for other in plan.comparisons
        ],
        "weights": dict(result.scores.weights),
        "scores": scored.to_dict(orient="records"),
        "rates_from_studbook": list(observed),
        "assumptions": assumptions(result.demography),
        "settings": result.settings | {"seconds": round(plan.seconds, 2), "rounds": plan.rounds},
        "findings": list(result.findings),
    }


def project_summary(
    season: Season,
    projections: Sequence[Projection],
    rules: Demography,
    findings: Sequence[Finding],
    *,
    observed: Sequence[ObservedRate] = (),
) -> dict[str, Any]:
    """Projections as plain values; the rows of every tenth year, and the crossing of the goal."""
    return {
        "id": Path(season.table.file).stem,
        "season": season.year,
        "living": len(season.stock.ids),
        "gene_diversity_now": season.stock.gene_diversity,
        "growth_rate": rules.growth,
        "projections": [
            {
                "strategy": found.strategy,
                "runs": found.runs,
                "extinct_share": found.extinct,
                "falls_under_90_percent": _falls(found.falls_under_goal, season.year),
                "falls_under_90_percent_of_today": _falls(
                    found.falls_under_nine_tenths_of_today, season.year
                ),
                "years": [
                    {
                        "year": int(year),
                        "gene_diversity": _interval(found, "diversity", k),
                        "mean_inbreeding": _interval(found, "inbreeding", k),
                        "animals": _interval(found, "animals", k),
                        "founder_genes_left": float(found.founder_genes[k]),
                    }
                    for k, year in enumerate(found.years)
                    if year % 10 == 0 or k == len(found.years) - 1
                ],
            }
            for found in projections
        ],
        "rates_from_studbook": list(observed),
        "assumptions": assumptions(rules),
        "findings": [*season.table.findings, *season.findings, *findings],
    }


def _interval(found: Projection, name: str, k: int) -> dict[str, float]:
    return {
        "median": float(getattr(found, name)[k]),
        "lower": float(getattr(found, f"{name}_lower")[k]),
        "upper": float(getattr(found, f"{name}_upper")[k]),
    }


def _falls(falls: Any, year: int) -> dict[str, object]:
    return {
        "threshold": falls.threshold,
        "years_from_now": falls.year,
        "lower": falls.lower,
        "upper": falls.upper,
        "calendar_year": year + falls.year if year and math.isfinite(falls.year) else None,
        "share_of_runs": falls.share_of_runs,
    }


def rates_of(
    table: PedigreeTable, *, season: int | None = None, from_studbook: bool = True, **given: Any
) -> tuple[Demography, tuple[ObservedRate, ...]]:
    """Births and deaths: as given, else as the studbook shows them, else the defaults of the leopard.

    Parameters
    ----------
    from_studbook : False leaves the studbook's own rates aside.
    given : fields of `Demography` that are not None; windows of ages as (youngest, oldest).
    """
    from ghostcat.pedigree.vital_rates import observed_rates

    changes = {name: value for name, value in given.items() if value is not None}
    observed: tuple[ObservedRate, ...] = ()
    if from_studbook:
        found = observed_rates(table.pedigree, season_of(table, year=season).year)
        litters_given = {"litter", "largest_litter"} & set(changes)
        observed = tuple(
            rate
            for rate in found
            if rate.name not in changes and not (litters_given and rate.name in ("litter", "largest_litter"))
        )
    for rate in observed:
        whole = rate.name == "largest_litter"
        changes[rate.name] = int(rate.estimate) if whole else max(rate.estimate, 0.01)
    for name in ("female_years", "male_years"):
        if name in changes:
            youngest, oldest = changes[name]
            changes[name] = FertileYears(youngest=youngest, oldest=oldest)
    return Demography(**changes), observed
