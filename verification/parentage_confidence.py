"""Is the stated confidence kept? Simulate populations with known parents, give parents, count.

Populations are bred for ten years from thirty founders: litters of one to four, generations that overlap,
a few busy males. Forty per cent of the animals are never typed, so parents are missing while their
brothers, sisters, parents and older cubs stand among the candidates. Every simulated set goes the whole
way of `assign_parents`: errors, sampling fraction and critical values are estimated from it.

    python verification/parentage_confidence.py [--sets 200] [--out verification/parentage_confidence.csv]

One process; about 4 minutes a panel for 200 sets.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.parentage import assign_parents
from ghostcat.genetics.parentage_candidates import CandidateRules, LifeHistory, find_candidates
from ghostcat.genetics.simulate_families import breed_population, drop_genes, type_animals

RULES = CandidateRules(min_age_dam=2, min_age_sire=2)


@dataclass(frozen=True)
class Panel:
    """Markers, laboratory, and how many animals were typed."""

    name: str
    loci: int
    alleles: int
    false_allele: float
    dropout: float
    missing: float
    confidence: float
    typed: float = 0.6
    unknown: float = 0.0
    """Share of animals without a birth year, and of animals without a sex."""


PANELS = (
    Panel("snp40", 40, 2, 0.01, 0.0, 0.2, 0.95),
    Panel("snp60", 60, 2, 0.01, 0.0, 0.2, 0.95),
    Panel("snp96", 96, 2, 0.01, 0.0, 0.2, 0.95),
    Panel("snp96_99", 96, 2, 0.01, 0.0, 0.2, 0.99),
    Panel("str15", 15, 7, 0.01, 0.05, 0.1, 0.95),
    Panel("snp96_ages_unknown", 96, 2, 0.01, 0.0, 0.2, 0.95, unknown=0.4),
)


def simulate(panel: Panel, rng: np.random.Generator) -> tuple[Genotypes, LifeHistory, np.ndarray, np.ndarray]:
    """Typed animals, what is known of them, and the rows of their true parents (−1 never typed)."""
    bred = breed_population(rng=rng, founders=30, years=10)
    if panel.alleles == 2:
        minor = rng.uniform(0.2, 0.5, panel.loci)
        freq = np.c_[1 - minor, minor]
    else:
        freq = rng.dirichlet(np.full(panel.alleles, 2.0), size=panel.loci)
    alleles = drop_genes(bred.dam, bred.sire, freq, rng=rng)
    n = len(bred.dam)
    keep = np.sort(rng.choice(n, int(panel.typed * n), replace=False))
    genotypes = type_animals(
        alleles[keep],
        [f"a{i}" for i in keep],
        rng=rng,
        marker="snp" if panel.alleles == 2 else "microsatellite",
        n_alleles=panel.alleles,
        false_allele=panel.false_allele,
        dropout=panel.dropout,
        missing=panel.missing,
    )
    birth = bred.birth_year[keep].astype(float)
    birth[rng.random(len(keep)) < panel.unknown] = np.nan
    female = bred.female[keep].astype(float)
    female[rng.random(len(keep)) < panel.unknown] = 0.5
    life = replace(LifeHistory.unknown(len(keep)), female=female, first_birth=birth, last_birth=birth.copy())
    place = np.full(n + 1, -1)
    place[keep] = np.arange(len(keep))
    return genotypes, life, place[bred.dam[keep]], place[bred.sire[keep]]


def run(panel: Panel, sets: int) -> dict[str, object]:
    """Counts over all simulated sets of one panel."""
    typed = given = right = covered = fractions = 0
    shares, animals, estimates, truths = [], [], [], []
    start = time.process_time()
    for number in range(sets):
        rng = np.random.default_rng([number, 20260])
        genotypes, life, dams, sires = simulate(panel, rng)
        found = assign_parents(genotypes, life, rng=rng, rules=RULES, confidence=panel.confidence)
        animals.append(len(genotypes))
        here = hits = 0
        for row, dam, sire in zip(found.assignments, dams, sires, strict=True):
            for claimed, true in ((row.dam, dam), (row.sire, sire)):
                typed += bool(true >= 0)
                if claimed is not None:
                    here += 1
                    hits += bool(true >= 0 and genotypes.samples[true] == claimed)
        given, right = given + here, right + hits
        if here:
            shares.append(hits / here)
        candidates = find_candidates(life, RULES)
        for fraction, weight, true in (
            (found.dams_sampled, candidates.dam, dams),
            (found.sires_sampled, candidates.sire, sires),
        ):
            if fraction is None:
                continue
            share = float((true[weight.sum(axis=1) > 0] >= 0).mean())
            fractions += 1
            covered += fraction.interval[0] <= share <= fraction.interval[1]
            estimates.append(fraction.estimate)
            truths.append(share)
    share_right = right / given if given else float("nan")
    return {
        "panel": panel.name,
        "sets": sets,
        "confidence": panel.confidence,
        "mean_animals": round(float(np.mean(animals)), 1),
        "true_parents_typed": typed,
        "parents_given": given,
        "right": right,
        "share_right": round(share_right, 4),
        # between sets, since parents of one set are not independent
        "share_right_se": round(float(np.std(shares, ddof=1) / np.sqrt(len(shares))), 4) if shares else None,
        "share_of_typed_found": round(right / typed, 3),
        "sampled_true": round(float(np.mean(truths)), 3) if truths else None,
        "sampled_estimate": round(float(np.mean(estimates)), 3) if estimates else None,
        "sampled_coverage": round(covered / fractions, 3) if fractions else None,
        "cpu_s_per_set": round((time.process_time() - start) / sets, 2),
    }


def main() -> None:
    """Run every panel and write the table after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--panels", nargs="*", default=[p.name for p in PANELS])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    chosen = parser.parse_args()
    rows: list[dict[str, object]] = []
    for panel in PANELS:
        if panel.name not in chosen.panels:
            continue
        rows.append(run(panel, chosen.sets))
        print(rows[-1], flush=True)
        with chosen.out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
