"""Words of the page of lineages: reasons, vetoes, components, assumptions, findings."""

from __future__ import annotations

from collections.abc import Mapping

from ghostcat.language import mark as N_
from ghostcat.report.findings import Meaning
from ghostcat.report.studbook_words import STUDBOOK_FINDINGS

__all__ = [
    "ASSUMPTIONS",
    "BASES",
    "COMPARISONS",
    "COMPONENT_NAMES",
    "COST_UNITS",
    "DRAWN_RULES",
    "LINEAGE_FINDINGS",
    "LINEAGE_PROVENANCE",
    "LINEAGE_REFUSALS",
    "RATES",
    "REASONS_OF_PAIRS",
    "STRATEGIES",
    "VETO_KINDS",
]

#: Why a pair was chosen, and what speaks against it.
REASONS_OF_PAIRS: Mapping[str, str] = {
    "adds_diversity": N_("adds gene diversity"),
    "costs_diversity": N_("lowers gene diversity; chosen for the number of litters"),
    "both_rare_lines": N_("both carry rare lines"),
    "one_rare_line": N_("one carries a rare line"),
    "unrelated": N_("not related as far as is known"),
    "less_related_than_most": N_("far less related than most"),
    "more_related_than_most": N_("more related than most"),
    "ancestry_partly_unknown": N_("ancestry partly unknown"),
    "age_unknown": N_("age not known"),
    "last_seasons": N_("one of its last fertile seasons"),
    "same_place": N_("already at one place"),
    "transfer_needed": N_("a transfer is needed"),
    "place_unknown": N_("place not known"),
}

VETO_KINDS: Mapping[str, str] = {
    "health": N_("health"),
    "behaviour": N_("behaviour"),
    "law": N_("law"),
    "other": N_("other veto"),
    "too_young": N_("too young"),
    "too_old": N_("too old"),
    "inbreeding": N_("young too inbred"),
    "no_way": N_("no way between their places"),
}

COMPONENT_NAMES: Mapping[str, str] = {
    "gene_diversity": N_("gene diversity"),
    "inbreeding": N_("inbreeding of the young"),
    "mean_kinship": N_("likeness of mean kinship"),
    "ancestry": N_("known ancestry"),
    "age": N_("age"),
    "transfer": N_("transfer"),
}

COMPARISONS: Mapping[str, str] = {
    "random": N_("pairs drawn at random"),
    "greedy_mean_kinship": N_("lowest mean kinships paired in turn"),
}

STRATEGIES: Mapping[str, str] = {
    "plan": N_("planned pairs"),
    "random": N_("random pairs"),
    "nothing": N_("left alone"),
}

#: Values of the demography that nobody has checked for the population at hand.
ASSUMPTIONS: Mapping[str, str] = {
    "young_survival": N_("survival of young to their first birthday"),
    "female_years": N_("breeding ages of females, years"),
    "male_years": N_("breeding ages of males, years"),
    "litter_interval_years": N_("years between two litters"),
    "longest_life_years": N_("longest life, years"),
    "capacity": N_("animals that can be kept: as many as now"),
    "lethal_equivalents": N_("inbreeding does not lower survival"),
}

#: Rates that a studbook can give itself.
RATES: Mapping[str, str] = {
    "young_survival": N_("survival of young to their first birthday"),
    "adult_survival": N_("yearly survival of older animals"),
    "litter": N_("young of a litter"),
}

BASES: Mapping[str, str] = {
    "alive": N_("those that the studbook marks as living"),
    "target": N_("the reference set of the file, taken for the living"),
    "everyone": N_("every animal of the file, taken for the living"),
}

COST_UNITS: Mapping[str, str] = {
    "given": N_("in the unit of the cost table"),
    "km": N_("kilometres, as the crow flies"),
    "transfers": "",
    "": "",
}

DRAWN_RULES: Mapping[str, str] = {
    "all": N_("Every animal of the studbook is drawn."),
    "line": N_("Drawn: one animal with all its known ancestors and descendants."),
    "pairs": N_(
        "Drawn: the animals of the season's pairs and, as far as there is room, their nearest ancestors."
    ),
    "living": N_("Drawn: living animals and, as far as there is room, their nearest ancestors."),
}

#: Keys of the provenance that only lineages have.
LINEAGE_PROVENANCE: Mapping[str, str] = {
    "studbook": N_("Studbook"),
    "studbook_fingerprint": N_("Fingerprint of the studbook"),
    "genotypes": N_("Genotypes"),
    "season": N_("Season"),
    "living_basis": N_("Who counts as living"),
}

LINEAGE_REFUSALS: Mapping[str, Meaning] = {
    "no_pair": Meaning(
        N_("No pair can be made: vetoes, ages, kinship or places forbid every one."),
        N_("Look at the vetoes, the fertile ages, the largest inbreeding allowed and the transfers."),
    ),
    "one_sex": Meaning(
        N_("Only one sex lives, so there is no pair and no future to compute."),
        N_("Check the sexes in the studbook, or bring in an animal of the other sex."),
    ),
}

LINEAGE_FINDINGS: Mapping[str, Meaning] = {
    **STUDBOOK_FINDINGS,
    "living_assumed": Meaning(
        N_("The studbook does not say who lives."), N_("Add a column of living animals, or dates of death.")
    ),
    "season_assumed": Meaning(
        N_("The year of the season was taken from the last date of the studbook."),
        N_("Give the year of the season."),
    ),
    "born_after_season": Meaning(
        N_("Living animals born after the season were left out."),
        N_("Plan a later season, or correct the dates of birth."),
    ),
    "sex_unknown": Meaning(
        N_("Living animals without a sex can be in no pair."), N_("Add the sex; DNA tells it.")
    ),
    "age_unknown": Meaning(
        N_("Living animals without a date of birth: no fertile ages are applied to them."),
        N_("Add a date or year of birth, also an estimated one."),
    ),
    "ancestry_partly_unknown": Meaning(
        N_("Living animals with unknown ancestors: their kinship is a lower bound."),
        N_("Kinship from DNA can fill the gap."),
    ),
    "veto_of_no_one": Meaning(
        N_("A veto names an animal that is not among the living: it has no effect."),
        N_("Correct the name, or delete the row."),
    ),
    "fewer_litters": Meaning(
        N_("Fewer litters can be had than are wanted."),
        N_("Allow more pairs an animal, more space or transfers, or look at the vetoes."),
    ),
    "rates_below_replacement": Meaning(
        N_("With these rates of birth and death the population shrinks even with room for all."),
        N_("Give the survival and litters of this population."),
    ),
    "place_without_row": Meaning(
        N_("A place keeps animals but has no row among the institutions: its space has no limit."),
        N_("Add a row for it."),
    ),
    "ways_without_cost": Meaning(
        N_("Ways between places without a row: no transfer on them."),
        N_("Add a row for each way that an animal may take."),
    ),
}
