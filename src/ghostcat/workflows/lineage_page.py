"""From a studbook to the page of lineages, or to the drawing alone."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ghostcat._version import __version__
from ghostcat.errors import EstimateRefused
from ghostcat.pedigree.projection import Demography
from ghostcat.survey.evidence import Finding
from ghostcat.workflows.lineages import Season, SeasonResult, matchups, project, rates_of, season_of
from ghostcat.workflows.pedigree import read_studbook

if TYPE_CHECKING:
    from ghostcat.formats.pedigree_reader import PedigreeKind, PedigreeTable
    from ghostcat.pedigree import Pedigree
    from ghostcat.pedigree.matchups import SeasonPlan
    from ghostcat.pedigree.vital_rates import ObservedRate
    from ghostcat.report import ReportFiles
    from ghostcat.report.figures.pedigree_drawing import DrawnAnimal
    from ghostcat.report.lineage_data import GeneticsPart, LineageNumbers, LineagePage, PopulationRow

__all__ = ["draw", "lineage_report"]

#: Animals that a drawing holds and stays readable.
_DRAWN = 220

#: Animals of the kinship map; beyond, those of the season's pairs and the most distinct others.
_MAPPED = 400


def lineage_report(
    studbook: str | Path,
    folder: str | Path,
    *,
    kind: PedigreeKind | None = None,
    season: int | None = None,
    rates: Mapping[str, Any] | None = None,
    planning: Mapping[str, Any] | None = None,
    years: int = 100,
    runs: int = 200,
    line: str | None = None,
    genotypes: str | Path | None = None,
    title: str | None = None,
    synthetic: bool = False,
    lang: str = "en",
    seed: int = 1,
) -> ReportFiles:
    """Write the page of lineages: pedigree, kinship, match-ups, diversity over time, with JSON and CSV.

    Parameters
    ----------
    rates : arguments of `rates_of`.
    planning : arguments of `matchups`; a season without a possible pair is said on the page.
    line : an animal whose ancestors and descendants are lit up.
    genotypes : file for the section on DNA.
    synthetic : the animals are simulated: every part of the page says so.

    Raises
    ------
    EstimateRefused : nobody lives (`no_animals`).
    """
    from ghostcat.report.lineage_write import write_lineage_report

    path = Path(studbook)
    table = read_studbook(path, kind=kind)
    rules, observed = rates_of(table, season=season, **dict(rates or {}))
    now = season_of(table, year=season)
    result, refusal = _planned(table, season, rules, dict(planning or {}), seed)
    plan = None if result is None else result.plan
    future = _projected(table, season, rules, years, runs, plan, seed)
    chosen = _pairs_of(plan)
    drawn, rule = drawn_animals(
        table.pedigree, now, chosen=frozenset(table.pedigree.index(sorted(chosen)).tolist()), line=line
    )
    shown = _mapped(now, chosen)
    dna = None if genotypes is None else _genetics(Path(genotypes), seed)
    found = _page(
        table,
        now,
        result,
        refusal,
        rules,
        observed,
        title=title or path.stem,
        synthetic=synthetic,
        projections=future[0],
        findings=(
            *(result.findings if result else (*table.findings, *now.findings)),
            *future[1],
            *(dna.findings if dna else ()),
        ),
        drawn=(drawn, rule),
        shown=shown,
        genetics=dna,
        provenance=_provenance(path, now, genotypes, seed),
    )
    return write_lineage_report(found, Path(folder), lang=lang)


def draw(
    studbook: str | Path,
    target: Path,
    *,
    kind: PedigreeKind | None = None,
    line: str | None = None,
    everyone: bool = False,
    lang: str = "en",
) -> dict[str, object]:
    """Draw a pedigree into an SVG that stands alone; how many of how many animals are on it."""
    from ghostcat.language import wording
    from ghostcat.report.figures.pedigree_drawing import draw_pedigree
    from ghostcat.report.lineage_write import lineage_style

    table = read_studbook(studbook, kind=kind)
    pedigree = table.pedigree
    now = season_of(table)
    drawn, rule = drawn_animals(pedigree, now, line=line, most=len(pedigree) if everyone else _DRAWN)
    label = wording(lang).gettext("Pedigree drawing, generation by generation")
    drawing = draw_pedigree(drawn, label=label, style=lineage_style())
    target.write_text(str(drawing.svg) + "\n", encoding="utf-8", newline="\n")
    return {
        "file": str(target),
        "animals": len(drawn),
        "of": len(pedigree),
        "rule": rule,
        "generations": 1 + max(drawing.layout.generation, default=0),
        "crossings": drawing.layout.crossings,
    }


def drawn_animals(
    pedigree: Pedigree,
    season: Season,
    *,
    chosen: frozenset[int] = frozenset(),
    line: str | None = None,
    most: int = _DRAWN,
) -> tuple[tuple[DrawnAnimal, ...], str]:
    """The animals of the drawing, and the rule by which they were taken (a key of `DRAWN_RULES`)."""
    from ghostcat.pedigree import FEMALE, MALE
    from ghostcat.report.figures.pedigree_drawing import DrawnAnimal

    lit: set[int] = set()
    if line is not None:
        start = int(pedigree.index([line])[0])
        lit = _reach(start, _parents(pedigree)) | _reach(start, _young(pedigree))
    if len(pedigree) <= most:
        members, rule = list(range(len(pedigree))), "all"
    elif line is not None:
        members, rule = sorted(lit), "line"
    else:
        start_set = sorted(chosen) or season.animals.tolist()
        members, rule = _with_ancestors(pedigree, start_set, most), "pairs" if chosen else "living"
    at = {animal: k for k, animal in enumerate(members)}
    living = set(season.animals.tolist())
    words = {FEMALE: "female", MALE: "male"}

    def drawn(animal: int) -> DrawnAnimal:
        parents = [int(pedigree.dam[animal]), int(pedigree.sire[animal])]
        born = pedigree.birth[animal]
        return DrawnAnimal(
            name=pedigree.ids[animal],
            sex=words.get(int(pedigree.sex[animal]), ""),
            living=animal in living,
            dam=at.get(parents[0], -1),
            sire=at.get(parents[1], -1),
            hidden_parents=any(p >= 0 and p not in at for p in parents),
            chosen=animal in chosen,
            lit=animal in lit,
            note=f"* {int(born)}" if np.isfinite(born) else "",
        )

    return tuple(drawn(animal) for animal in members), rule


def _parents(pedigree: Pedigree) -> list[list[int]]:
    pairs = zip(pedigree.dam.tolist(), pedigree.sire.tolist(), strict=True)
    return [[p for p in pair if p >= 0] for pair in pairs]


def _young(pedigree: Pedigree) -> list[list[int]]:
    young: list[list[int]] = [[] for _ in range(len(pedigree))]
    for child, parents in enumerate(_parents(pedigree)):
        for parent in parents:
            young[parent].append(child)
    return young


def _reach(start: int, following: list[list[int]]) -> set[int]:
    seen, waiting = {start}, [start]
    while waiting:
        for other in following[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def _with_ancestors(pedigree: Pedigree, start: list[int], most: int) -> list[int]:
    """`start` (as many as fit) and their ancestors, a generation at a time while there is room."""
    parents = _parents(pedigree)
    members = dict.fromkeys(start[:most])
    front = list(members)
    while front and len(members) < most:
        above = dict.fromkeys(p for animal in front for p in parents[animal] if p not in members)
        front = list(above)[: most - len(members)]
        members |= dict.fromkeys(front)
    return sorted(members)


def _planned(
    table: PedigreeTable, season: int | None, rules: Demography, planning: dict[str, Any], seed: int
) -> tuple[SeasonResult | None, tuple[str, str, str] | None]:
    try:
        return matchups(table, season=season, demography=rules, seed=seed, **planning), None
    except EstimateRefused as refused:
        return None, (refused.code, refused.what, refused.fix)


def _projected(
    table: PedigreeTable,
    season: int | None,
    rules: Demography,
    years: int,
    runs: int,
    plan: SeasonPlan | None,
    seed: int,
) -> tuple[tuple[Any, ...], tuple[Finding, ...]]:
    try:
        _, found, findings = project(
            table, season=season, demography=rules, years=years, runs=runs, plan=plan, seed=seed
        )
    except EstimateRefused as refused:
        note = Finding(code=refused.code, severity="warning", message=refused.what, fix=refused.fix)
        return (), (note,)
    return found, findings


def _pairs_of(plan: SeasonPlan | None) -> frozenset[str]:
    return frozenset() if plan is None else frozenset(n for m in plan.matches for n in (m.dam, m.sire))


def _mapped(season: Season, chosen: frozenset[str]) -> list[int]:
    """Positions in the stock that the kinship map shows."""
    stock = season.stock
    if len(stock.ids) <= _MAPPED:
        return list(range(len(stock.ids)))
    order = sorted(range(len(stock.ids)), key=lambda k: (stock.ids[k] not in chosen, stock.mean_kinship[k]))
    return sorted(order[:_MAPPED])


def _numbers(table: PedigreeTable, season: Season) -> LineageNumbers:
    from ghostcat.report.lineage_data import LineageNumbers

    pedigree, stock = table.pedigree, season.stock
    mean = 1.0 - stock.gene_diversity
    founders = np.flatnonzero(pedigree.founders)
    ancestors: set[int] = set()
    parents = _parents(pedigree)
    waiting = season.animals.tolist()
    while waiting:
        animal = waiting.pop()
        if animal not in ancestors:
            ancestors.add(animal)
            waiting += parents[animal]
    return LineageNumbers(
        animals=int((~pedigree.implied).sum()),
        living=len(stock.ids),
        founders=sum(int(f) in ancestors for f in founders),
        gene_diversity=stock.gene_diversity,
        founder_genome_equivalents=0.5 / mean if mean > 0 else float("inf"),
        mean_kinship=mean,
        mean_inbreeding=float(stock.inbreeding.mean()),
        highest_inbreeding=float(stock.inbreeding.max()),
        known_share=float(stock.known.mean()),
    )


def _page(
    table: PedigreeTable,
    season: Season,
    result: SeasonResult | None,
    refusal: tuple[str, str, str] | None,
    rules: Demography,
    observed: tuple[ObservedRate, ...],
    *,
    title: str,
    synthetic: bool,
    projections: tuple[Any, ...],
    findings: tuple[Finding, ...],
    drawn: tuple[tuple[DrawnAnimal, ...], str],
    shown: list[int],
    genetics: GeneticsPart | None,
    provenance: Mapping[str, str],
) -> LineagePage:
    from ghostcat.pedigree.suitability import score_pairs
    from ghostcat.report.lineage_data import LineagePage

    scores = result.scores if result is not None else score_pairs(season.stock)
    return LineagePage(
        title=title,
        synthetic=synthetic,
        made_at=datetime.now(UTC),
        season=season.year,
        basis=season.basis,
        numbers=_numbers(table, season),
        stock=season.stock,
        scores=scores,
        plan=None if result is None else result.plan,
        refusal=refusal,
        cost_unit=result.cost_unit if result is not None else "",
        projections=projections,
        demography=rules,
        observed=observed,
        drawn=drawn[0],
        drawn_rule=drawn[1],
        kinship=season.stock.kinship[np.ix_(shown, shown)],
        kinship_names=tuple(season.stock.ids[k] for k in shown),
        genetics=genetics,
        findings=tuple(dict.fromkeys(findings)),
        settings=result.settings if result is not None else {},
        provenance=provenance,
    )


def _provenance(path: Path, season: Season, genotypes: str | Path | None, seed: int) -> dict[str, str]:
    import numpy
    import scipy

    return {
        "ghostcat": __version__,
        "studbook": path.name,
        "studbook_fingerprint": hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        **({"genotypes": Path(genotypes).name} if genotypes is not None else {}),
        "season": str(season.year),
        "seed": str(seed),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
    }


def _genetics(path: Path, seed: int) -> GeneticsPart:
    """Diversity per population, PID of the panel, and Ne, through the functions of the genetics room."""
    from ghostcat.genetics import diversity as measures
    from ghostcat.genetics.frequencies import allele_frequencies
    from ghostcat.genetics.identity_probability import identity_probability
    from ghostcat.report.lineage_data import GeneticsPart, PopulationRow
    from ghostcat.workflows.genetics import load_genotypes

    loaded = load_genotypes(path)
    genotypes = loaded.genotypes
    frequencies = allele_frequencies(genotypes)
    found = measures.diversity(frequencies)
    private = [item.population for item in measures.private_alleles(frequencies)]
    panels = {item.population: item for item in identity_probability(frequencies)}
    rows: list[PopulationRow] = []
    for at, name in enumerate(found.populations):
        ho, hs, he = (np.asarray(values[at], dtype=np.float64) for values in (found.ho, found.hs, found.he))
        both = np.isfinite(hs) & np.isfinite(ho)
        ne, low, high, refused = _effective_size(genotypes.select(genotypes.rows_of(name)))
        mean_hs = float(hs[both].mean()) if both.any() else float("nan")
        known = he[np.isfinite(he)]
        rows.append(
            PopulationRow(
                name=name,
                animals=len(genotypes.rows_of(name)),
                ho=float(ho[np.isfinite(ho)].mean()) if np.isfinite(ho).any() else float("nan"),
                he=float(known.mean()) if len(known) else float("nan"),
                he_error=float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan"),
                fis=1.0 - float(ho[both].mean()) / mean_hs if mean_hs > 0 else float("nan"),
                richness=float(np.nanmean(found.richness[at])),
                private=sum(item == name for item in private),
                pid=float(panels[name].pid),
                pid_sib=float(panels[name].pid_sib),
                ne=ne,
                ne_lower=low,
                ne_upper=high,
                ne_refused=refused,
            )
        )
    return GeneticsPart(
        file=path.name,
        loci=genotypes.n_loci,
        richness_genes=float(found.richness_genes),
        populations=tuple(rows),
        findings=loaded.findings,
    )


def _effective_size(genotypes: Any) -> tuple[float, float, float, str]:
    """Ne by linkage disequilibrium without alleles below 0.02; its jackknife interval where it has one."""
    from ghostcat.genetics.effective_size import effective_size_linkage

    try:
        found = effective_size_linkage(genotypes, least_frequency=0.02)
    except EstimateRefused as refused:
        return float("nan"), float("nan"), float("nan"), refused.what
    low, high = found.lower_jackknife, found.upper_jackknife
    if not np.isfinite(low):
        low, high = found.lower, found.upper
    return float(found.ne), float(low), float(high), ""
