"""What a reader of identified samples must be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from ghostcat.genetics.error_rates import ErrorRates
    from ghostcat.genetics.individuals import Individuals
    from ghostcat.genetics.markers import MarkerCall
    from ghostcat.genetics.panel import Confusion, Panel

__all__ = ["remarks"]

_SHOWN = 6


def remarks(
    found: Individuals,
    panel: Panel,
    confused: Confusion,
    rates: ErrorRates,
    profile: Sequence[Mapping[str, int]],
    states: Mapping[str, tuple[str, str]],
    sex: Mapping[str, MarkerCall],
    *,
    file: str,
    theta: float,
) -> list[Finding]:
    """Findings about the panel, the error rates, the samples and the number, worst first."""
    told = [
        *_about_panel(panel, confused, found, file),
        *_about_rates(rates, file),
        *_about_samples(states, file),
        *_about_number(found, profile, file),
        *_about_sex(found, sex, file),
    ]
    told.append(
        Finding(
            code="assumptions",
            severity="note",
            message=f"Assumed: background kinship of strangers {theta:g}; {panel.sibs_sampled:g} full sibs "
            "of an animal among the sampled (for the expected wrong merges).",
            fix="Give --theta and --sibs if you know better.",
            where=file,
        )
    )
    rank = {"error": 0, "warning": 1, "note": 2}
    return sorted(told, key=lambda one: rank[one.severity])


def _about_panel(panel: Panel, confused: Confusion, found: Individuals, file: str) -> Iterator[Finding]:
    needed = panel.loci_of_this_kind_needed
    n = found.number
    if not panel.tells_strangers:
        yield Finding(
            code="panel_cannot_tell_strangers",
            severity="error",
            message=(
                f"PID is {panel.pid:.2g}: among {panel.n_animals} animals {panel.wrong_unrelated_merges:.2g} "
                "pairs of unrelated animals are expected to share a genotype. The panel cannot carry a "
                f"number of individuals; the interval {n.lower} to {n.upper} holds only under the stated "
                "assumptions."
            ),
            fix="Type more loci.",
            where=file,
        )
    if not panel.tells_sibs:
        yield Finding(
            code="panel_cannot_tell_siblings",
            severity="warning",
            message=(
                f"PIDsib is {panel.pid_sib:.3g}, above 0.01: one pair of full sibs in "
                f"{1 / panel.pid_sib:,.0f} shares its genotype, and samples read as these were are taken "
                f"for one animal in {confused.taken_for_one:.1%} of pairs of sibs. The panel cannot carry "
                "an exact number of individuals where sibs were sampled: quote "
                f"{n.lower} to {n.upper}, not {n.estimate:.0f}."
            ),
            fix=f"About {needed} loci like these would do." if needed else "Type loci that vary.",
            where=file,
        )
    yield Finding(
        code="expected_wrong_merges",
        severity="note",
        message=(
            f"Wrongly merged animals to be expected by a shared genotype: {panel.wrong_sib_merges:.2g} "
            f"pairs of full sibs and {panel.wrong_unrelated_merges:.2g} of strangers among "
            f"{panel.n_animals} animals (PIDsib {panel.pid_sib:.3g}, PID {panel.pid:.2g}). The count of "
            f"{n.count} does not correct for this; the estimate does."
        ),
        where=file,
    )


def _about_rates(rates: ErrorRates, file: str) -> Iterator[Finding]:
    for name, rate in (("allelic dropout", rates.dropout), ("false alleles", rates.false_allele)):
        if rate.origin == "assumed":
            yield Finding(
                code="error_rate_assumed",
                severity="warning",
                message=f"The rate of {name} is an assumption ({rate.value:g}): too few readings of one "
                f"animal ({rate.readings:.0f}) tell it.",
                fix="Give replicates, or the laboratory's own rates with --dropout and --false-allele.",
                where=file,
            )


def _about_samples(states: Mapping[str, tuple[str, str]], file: str) -> Iterator[Finding]:
    why = {
        "too_few_loci": "have too few loci to be told from a stranger",
        "nothing_read": "gave no reading",
        "other_species": "are not called as the species asked for",
    }
    for state, words in why.items():
        names = [name for name, (own, _) in states.items() if own == state]
        if names:
            shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
            yield Finding(
                code=f"samples_{state}",
                severity="warning",
                message=f"{len(names)} samples {words} and are left out of the animals: {shown}",
                fix="See `rerun` for the reactions that would tell most.",
                ids=tuple(names),
                where=file,
            )


def _about_number(found: Individuals, profile: Sequence[Mapping[str, int]], file: str) -> Iterator[Finding]:
    counts = [row["n_unique"] for row in profile[:4]]
    if len(set(counts)) > 1:
        told = ", ".join(f"{row['n_unique']} at {row['allele_mismatch']}" for row in profile[:4])
        yield Finding(
            code="mismatch_count_decides",
            severity="note",
            message=f"A fixed number of allowed mismatches would decide the answer: unique genotypes {told}.",
            where=file,
        )
    n = found.number
    if n.upper - n.lower > 0.2 * n.estimate:
        yield Finding(
            code="wide_number",
            severity="warning",
            message=f"Between {n.lower} and {n.upper} animals fit the samples (95 %): the grouping is "
            "uncertain.",
            fix="Run the reactions listed under `rerun`, or add loci.",
            where=file,
        )
    if len(found.chain_means) > 1:
        apart = max(found.chain_means) - min(found.chain_means)
        if apart > max(1.0, 0.05 * n.estimate):
            yield Finding(
                code="chains_disagree",
                severity="warning",
                message=f"Two independent chains differ by {apart:.1f} animals; the interval spans both.",
                fix="Run again with another seed; more loci or replicates would settle it.",
                where=file,
            )
    unsure = [a.id for a in found.animals if a.probability < 0.5]
    if unsure:
        shown = ", ".join(unsure[:_SHOWN]) + (" …" if len(unsure) > _SHOWN else "")
        yield Finding(
            code="groups_unsure",
            severity="note",
            message=f"{len(unsure)} of {len(found.animals)} groups have less than an even chance of being "
            f"exactly right: {shown}",
            ids=tuple(unsure),
            where=file,
        )


def _about_sex(found: Individuals, sex: Mapping[str, MarkerCall], file: str) -> Iterator[Finding]:
    for animal in found.animals:
        called = {name: sex[name].value for name in animal.members if name in sex and sex[name].called}
        if len(set(called.values())) > 1:
            told = ", ".join(f"{name} {value}" for name, value in called.items())
            yield Finding(
                code="sexes_disagree",
                severity="warning",
                message=f"{animal.id} holds samples of both sexes: {told}",
                fix="Look for two animals with one genotype, or for contamination.",
                ids=animal.members,
                where=file,
            )
