"""Everything that the page of lineages shows, before it is worded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.pedigree.matchups import SeasonPlan
from ghostcat.pedigree.projection import Demography, Projection
from ghostcat.pedigree.suitability import BreedingStock, PairScores
from ghostcat.pedigree.vital_rates import ObservedRate
from ghostcat.report.figures.pedigree_drawing import DrawnAnimal
from ghostcat.survey.evidence import Finding

__all__ = ["GeneticsPart", "LineageNumbers", "LineagePage", "PopulationRow"]


@dataclass(frozen=True, kw_only=True)
class LineageNumbers:
    """The population in a few numbers, from the pedigree."""

    animals: int
    """In the studbook."""
    living: int
    founders: int
    """Founders with descendants, or themselves, among the living."""
    gene_diversity: float
    founder_genome_equivalents: float
    mean_kinship: float
    mean_inbreeding: float
    highest_inbreeding: float
    known_share: float


@dataclass(frozen=True, kw_only=True)
class PopulationRow:
    """Diversity of one population from genotypes."""

    name: str
    animals: int
    ho: float
    he: float
    he_error: float
    fis: float
    richness: float
    private: int
    pid: float
    pid_sib: float
    ne: float
    """NaN where refused; inf where drift cannot be told from sampling."""
    ne_lower: float
    ne_upper: float
    ne_refused: str


@dataclass(frozen=True, kw_only=True)
class GeneticsPart:
    """What genotypes say, when they are given."""

    file: str
    loci: int
    richness_genes: float
    populations: tuple[PopulationRow, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class LineagePage:
    """The page in one language-free piece."""

    title: str
    synthetic: bool
    made_at: datetime
    season: int
    """0 where the studbook has no dates."""
    basis: str
    numbers: LineageNumbers
    stock: BreedingStock
    scores: PairScores
    plan: SeasonPlan | None
    refusal: tuple[str, str, str] | None
    """Code, reason and fix when no pair can be planned."""
    cost_unit: str
    projections: tuple[Projection, ...]
    demography: Demography
    observed: tuple[ObservedRate, ...]
    """Rates that the studbook itself gave."""
    drawn: tuple[DrawnAnimal, ...]
    drawn_rule: str
    kinship: NDArray[np.float64]
    """Of the animals of the map."""
    kinship_names: tuple[str, ...]
    genetics: GeneticsPart | None
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]
    provenance: Mapping[str, str]
