"""From a genotype file to relatedness, effective size, bottlenecks, migrants and trends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ghostcat.errors import EstimateRefused, InputError
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.formats.genotypes_writer import WrittenKind, write_genotypes
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.survey.evidence import Finding
from ghostcat.workflows.genetics import Files, LoadedGenotypes, load_genotypes

if TYPE_CHECKING:
    from ghostcat.genetics.bottleneck import Bottleneck
    from ghostcat.genetics.effective_size import LinkageNe
    from ghostcat.genetics.migrants import MigrantCriterion

__all__ = ["bottlenecks", "convert", "effective_size", "linkage_ne", "migrants", "relatedness", "trend"]

#: The likelihood of more pairs than this takes minutes; the moments of millions take seconds.
_LIKELIHOOD_PAIRS = 20_000
_JACKKNIFE_PAIRS = 50_000


def relatedness(
    path: Files, *, kind: GenotypeKind | None = None, likelihood: bool | None = None
) -> dict[str, Any]:
    """Relatedness of every pair, and inbreeding of every animal.

    Parameters
    ----------
    likelihood : also dyadic maximum likelihood with and without inbreeding; by default up to 20,000 pairs.
    """
    from ghostcat.genetics import relatedness as moments
    from ghostcat.genetics.relatedness_likelihood import likelihood_relatedness

    loaded = load_genotypes(path, kind=kind)
    genotypes, findings = loaded.genotypes, list(loaded.findings)
    n_pairs = len(genotypes) * (len(genotypes) - 1) // 2
    found = moments.relatedness(genotypes, jackknife=n_pairs <= _JACKKNIFE_PAIRS)
    columns: dict[str, Any] = dict(found.values)
    columns |= {f"{name}_se": values for name, values in found.standard_errors.items()}
    inbreeding = moments.moment_inbreeding(genotypes)
    per_animal: dict[str, Any] = {
        "ritland": inbreeding.ritland,
        "lynch_ritland": inbreeding.lynch_ritland,
    }
    if likelihood or (likelihood is None and n_pairs <= _LIKELIHOOD_PAIRS):
        plain = likelihood_relatedness(genotypes)
        inbred = likelihood_relatedness(genotypes, inbreeding=True)
        columns |= {
            "dyadml": inbred.relatedness,
            "dyadml_no_inbreeding": plain.relatedness,
            "dyadml_log_likelihood_ratio": inbred.log_likelihood_ratio,
        }
        per_animal["dyadml"] = _mean_by_animal(len(genotypes), found.first, found.second, inbred.inbreeding)
    elif likelihood is None:
        findings.append(
            Finding(
                code="likelihood_left_out",
                severity="note",
                message=f"{n_pairs} pairs: dyadic maximum likelihood was left out, it would take minutes",
                fix="Ask for it with --likelihood.",
            )
        )
    columns["n_loci"] = found.n_loci
    ids = np.array(genotypes.samples, dtype=object)
    rows = zip(ids[found.first], ids[found.second], *(v.tolist() for v in columns.values()), strict=True)
    names = ("pair", "id1", "id2", *columns)
    return {
        **loaded.header(),
        "findings": tuple(findings),
        "pairs": [dict(zip(names, (at, *row), strict=True)) for at, row in enumerate(rows, 1)],
        "inbreeding": [
            {"id": sample, **{name: values[at] for name, values in per_animal.items()}}
            for at, sample in enumerate(genotypes.samples)
        ],
    }


def _mean_by_animal(n: int, first: np.ndarray, second: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean over its pairs of the inbreeding that each pair gives an animal."""
    known = np.isfinite(values).all(axis=1)
    total, times = np.zeros(n), np.zeros(n)
    for side, rows in ((0, first), (1, second)):
        np.add.at(total, rows[known], values[known, side])
        np.add.at(times, rows[known], 1)
    return np.where(times > 0, total / np.maximum(times, 1), np.nan)


def _by_population(loaded: LoadedGenotypes) -> list[tuple[str, Genotypes]]:
    genotypes = loaded.genotypes
    return [(name, genotypes.select(genotypes.rows_of(name))) for name in genotypes.population_names]


def linkage_ne(genotypes: Genotypes, *, jackknife: bool = True) -> dict[str, Any]:
    """Effective size by linkage disequilibrium at the usual least frequencies of alleles.

    `minor_allele_frequency_at_least_0_05` counts copies per animal, as strataG does;
    `allele_frequency_at_least_…` are shares of genes, as LDNE and NeEstimator have them.
    """
    from ghostcat.genetics.effective_size import effective_size_linkage

    asked: dict[str, dict[str, Any]] = {
        "no_frequency_filter": {},
        "minor_allele_frequency_at_least_0_05": {"least_frequency": 0.05, "basis": "animals"},
        "allele_frequency_at_least_0_02": {"least_frequency": 0.02},
        "allele_frequency_at_least_0_05": {"least_frequency": 0.05},
    }
    found: dict[str, Any] = {}
    for name, options in asked.items():
        try:
            found[name] = _ne_row(effective_size_linkage(genotypes, jackknife=jackknife, **options))
        except EstimateRefused as refusal:
            found[name] = {"refused": refusal.what, "code": refusal.code, "fix": refusal.fix}
    return found


def _ne_row(ne: LinkageNe) -> dict[str, Any]:
    return {
        "n_pairs": ne.n_pairs,
        "mean_r2": ne.mean_r2,
        "expected_r2": ne.expected_r2,
        "Ne": ne.ne,
        "lcl": ne.lower,
        "ucl": ne.upper,
        "lcl_jackknife": ne.lower_jackknife,
        "ucl_jackknife": ne.upper_jackknife,
        "infinite": ne.infinite,
        "sample_size": ne.sample_size,
        "n_loci": ne.n_loci,
    }


def effective_size(path: Files, *, kind: GenotypeKind | None = None, by: str | None = None) -> dict[str, Any]:
    """Effective size of each population, by linkage disequilibrium and by sibship."""
    from ghostcat.genetics.sibship_size import effective_size_sibship

    loaded = load_genotypes(path, kind=kind, by=by)
    rows = []
    for name, mine in _by_population(loaded):
        try:
            sibship: object = effective_size_sibship(mine)
        except EstimateRefused as refusal:
            sibship = {"refused": refusal.what, "code": refusal.code, "fix": refusal.fix}
        rows.append({"pop": name, "n": len(mine), "ldne": linkage_ne(mine), "sibship": sibship})
    return {**loaded.header(), "findings": loaded.findings, "populations_ne": rows}


def bottlenecks(
    path: Files,
    *,
    kind: GenotypeKind | None = None,
    by: str | None = None,
    simulations: int = 1000,
    seed: int = 1,
) -> dict[str, Any]:
    """Bottleneck tests of each population; those too small say so."""
    from ghostcat.genetics.bottleneck import bottleneck

    loaded = load_genotypes(path, kind=kind, by=by)
    rng = np.random.default_rng(seed)
    rows: list[Bottleneck | dict[str, Any]] = []
    for name, mine in _by_population(loaded):
        try:
            rows.append(bottleneck(mine, rng, population=name, simulations=simulations))
        except EstimateRefused as refusal:
            rows.append(
                {"population": name, "refused": refusal.what, "code": refusal.code, "fix": refusal.fix}
            )
    return {
        **loaded.header(),
        "findings": loaded.findings,
        "bottlenecks": rows,
        "settings": {"simulations": simulations, "seed": seed},
    }


def migrants(
    path: Files,
    *,
    kind: GenotypeKind | None = None,
    by: str | None = None,
    criterion: MigrantCriterion = "ratio",
    simulations: int = 10_000,
    seed: int = 1,
    threshold: float = 0.01,
) -> dict[str, Any]:
    """First-generation migrants between populations, and the flow that they make.

    Parameters
    ----------
    threshold : p below which an animal is called a migrant.
    """
    from ghostcat.genetics.equilibrium import benjamini_hochberg
    from ghostcat.genetics.migrants import detect_migrants

    loaded = load_genotypes(path, kind=kind, by=by)
    found = detect_migrants(
        loaded.genotypes, np.random.default_rng(seed), criterion=criterion, simulations=simulations
    )
    adjusted = benjamini_hochberg(np.array([item.p for item in found]))
    tested = {item.home for item in found}
    skipped = [name for name in loaded.genotypes.population_names if name not in tested]
    findings = loaded.findings
    if skipped:
        findings += (
            Finding(
                code="population_too_small",
                severity="warning",
                message=f"{len(skipped)} populations have fewer than four animals and were left out "
                f"({', '.join(map(repr, skipped[:6]))})",
                fix="Join them with a neighbour, or sample more.",
                where=loaded.file,
            ),
        )
    called = [item for item in found if item.p < threshold]
    flow: dict[tuple[str, str], int] = {}
    for item in called:
        flow[item.likeliest, item.home] = flow.get((item.likeliest, item.home), 0) + 1
    return {
        **loaded.header(),
        "findings": findings,
        "criterion": criterion,
        "threshold": threshold,
        "expected_false": threshold * len(found),
        "n_migrants": len(called),
        "flow": [{"from": a, "to": b, "animals": n} for (a, b), n in sorted(flow.items())],
        "animals": [
            {
                "sample": item.sample,
                "home": item.home,
                "likeliest": item.likeliest,
                "p": item.p,
                "p_bh": p,
                "statistic": item.statistic,
                "migrant": item.p < threshold,
                "n_loci": item.n_loci,
                "log10_likelihood": item.log10_likelihood,
            }
            for item, p in zip(found, adjusted, strict=True)
        ],
        "settings": {"simulations": simulations, "seed": seed},
    }


def trend(
    path: Files,
    *,
    year: str,
    kind: GenotypeKind | None = None,
    by: str | None = None,
    generation_years: float | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Heterozygosity over time, all animals together and per population.

    Parameters
    ----------
    year : column with the year (or a date that begins or ends with the year).
    """
    from ghostcat.genetics.trend import heterozygosity_trend

    loaded = load_genotypes(path, kind=kind, by=by)
    genotypes = loaded.genotypes
    if year not in genotypes.columns:
        raise InputError(
            f"there is no column {year!r}; further columns are {', '.join(genotypes.columns) or 'none'}",
            where=loaded.file,
            fix="Name the column with the year of sampling or birth.",
        )
    years, findings = _years(genotypes.columns[year], genotypes, year)
    rng = np.random.default_rng(seed)
    rows = []
    groups = [("", np.arange(len(genotypes)))]
    if len(genotypes.population_names) > 1:
        groups += [(name, genotypes.rows_of(name)) for name in genotypes.population_names]
    for name, mine in groups:
        try:
            found = heterozygosity_trend(
                genotypes.select(mine), years[mine], rng, generation_years=generation_years
            )
            rows.append({"pop": name or "all", "trend": found})
        except EstimateRefused as refusal:
            if not name:
                raise
            rows.append({"pop": name, "refused": refusal.what, "code": refusal.code, "fix": refusal.fix})
    return {**loaded.header(), "findings": (*loaded.findings, *findings), "trends": rows}


def _years(cells: Sequence[str], genotypes: Genotypes, column: str) -> tuple[np.ndarray, tuple[Finding, ...]]:
    import re

    found, strange = np.full(len(cells), np.nan), []
    for at, cell in enumerate(cells):
        matched = re.search(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)", cell)
        if matched:
            found[at] = float(matched[1])
        elif cell:
            strange.append(at)
    missing = [at for at, cell in enumerate(cells) if not cell]
    findings = []
    for code, rows, what in (
        ("year_not_understood", strange, "is not a year"),
        ("year_missing", missing, "is empty"),
    ):
        if rows:
            findings.append(
                Finding(
                    code=code,
                    severity="warning",
                    message=f"column {column!r} {what} in {len(rows)} rows; these animals are left out",
                    fix="Write the year with four digits.",
                    where=", ".join(genotypes.origins[at] for at in rows[:6]),
                )
            )
    return found, tuple(findings)


def convert(
    path: Files,
    target: str | Path,
    *,
    to: WrittenKind,
    kind: GenotypeKind | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Read any genotype file and write another format; replicates are kept."""
    loaded = load_genotypes(path, kind=kind, by=by, replicates=True)
    written = write_genotypes(loaded.genotypes, target, kind=to)
    return {**loaded.header(), "findings": loaded.findings, "written": written, "to": to}
