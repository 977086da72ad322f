"""From a genotype file to animals: which samples are one, how many there are, how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.workflows.genetics import LoadedGenotypes
from ghostcat.workflows.genetics_markers import MarkerColumns, call_markers
from ghostcat.workflows.genetics_remarks import remarks
from ghostcat.workflows.genetics_samples import load_samples

if TYPE_CHECKING:
    from ghostcat.genetics.consensus import Consensus
    from ghostcat.genetics.error_rates import ErrorRates, Rate
    from ghostcat.genetics.individuals import Individuals
    from ghostcat.genetics.markers import MarkerCall
    from ghostcat.genetics.panel import Panel
    from ghostcat.genetics.reactions import Reactions

__all__ = ["IdentifyOptions", "identify_samples"]

#: A sample is left out when two strangers would agree at its typed loci more often than this.
_SAMPLE_PID = 0.05
#: A sample belongs to its animal from this probability; below it is uncertain.
_SURE = 0.9
#: Samples × loci × genotypes beyond which fewer draws do: so many alleles leave little in doubt.
_MANY_GENOTYPES = 200_000
#: What the check of a table asks about, and what is answered here.
_ASKED_HERE = "same_genotype"


@dataclass(frozen=True, kw_only=True)
class IdentifyOptions:
    """What the user may say.

    Parameters
    ----------
    dropout, false_allele : rates to hold instead of estimating them.
    theta : background kinship of strangers. sibs_sampled : full sibs that an animal has among the
        sampled, for the expected number of wrong merges.
    species : only samples called as this species are used.
    """

    dropout: float | None = None
    false_allele: float | None = None
    theta: float = 0.01
    sibs_sampled: float = 1.0
    species: str = ""
    columns: MarkerColumns = field(default_factory=MarkerColumns)
    seed: int = 1


def identify_samples(
    path: str | Path,
    *,
    kind: GenotypeKind | None = None,
    by: str | None = None,
    options: IdentifyOptions | None = None,
) -> dict[str, Any]:
    """Consensus genotypes, animals, their number, error rates and what the panel can carry.

    Parameters
    ----------
    path : a genotype file, or a survey that keeps samples.

    Raises
    ------
    EstimateRefused : nothing was read (`no_readings`), or fewer than two samples are left
        (`one_sample`).
    """
    return identify_loaded(load_samples(path, kind=kind, by=by), options=options or IdentifyOptions())


def identify_loaded(loaded: LoadedGenotypes, *, options: IdentifyOptions) -> dict[str, Any]:
    """The same of genotypes that are read; see `identify_samples`."""
    from ghostcat.genetics.consensus import call_consensus
    from ghostcat.genetics.grouping import GroupingSettings, group_samples
    from ghostcat.genetics.individuals import find_individuals
    from ghostcat.genetics.panel import confusion, judge_panel
    from ghostcat.genetics.reactions import arrange

    rng = np.random.default_rng(options.seed)
    species, sex, findings = call_markers(loaded.genotypes, options.columns, loaded.file)
    everything = arrange(loaded.genotypes)
    if not everything.typed.any():
        raise EstimateRefused(
            "no locus of any sample was read", code="no_readings", where=loaded.file, fix="Check the file."
        )
    start = _starting_rates(everything, options)
    states = _states(everything, species, options)
    used = [name for name in everything.samples if name not in states]
    if len(used) < 2:
        raise EstimateRefused(
            f"{len(used)} of {len(everything)} samples can be used",
            code="one_sample",
            where=loaded.file,
            fix="Individuals are told apart between samples: two with enough loci are the least.",
        )
    chosen = set(used)
    rows = [at for at, name in enumerate(loaded.genotypes.samples) if name in chosen]
    kept = arrange(loaded.genotypes.select(rows))
    fixed = options.dropout is not None or options.false_allele is not None
    settings = GroupingSettings(theta=options.theta)
    if fixed:
        settings = replace(settings, error_weight=np.inf)
    if len(kept) * len(kept.loci) * len(kept.table) > _MANY_GENOTYPES:
        settings = replace(settings, epochs=10, burn_in=4)
    grouping = group_samples(kept, rates=start, rng=rng, settings=settings)
    found = find_individuals(grouping)
    rates = _final_rates(kept, found, start, fixed=fixed)
    frequencies = grouping.population.frequencies
    consensus = call_consensus(everything, rates, frequencies=frequencies)
    animals = _animal_reactions(kept, found)
    panel = judge_panel(
        animals.raw_frequencies(),
        kept.loci,
        n_animals=max(round(found.number.estimate), found.number.count),
        sibs_sampled=options.sibs_sampled,
    )
    confused = confusion(kept, grouping.population, rates, rng=rng)
    profile = _profile(loaded, everything, consensus)
    findings = [
        *(one for one in loaded.findings if one.code != _ASKED_HERE),
        *findings,
        *remarks(found, panel, confused, rates, profile, states, sex, file=loaded.file, theta=options.theta),
    ]
    return {
        **loaded.header(),
        "n_samples": len(everything),
        "n_readings": len(loaded.genotypes),
        "mismatch_profile": profile,
        "n_individuals": _number(found, panel),
        "pid": panel.pid,
        "pidsib": panel.pid_sib,
        "expected_wrong_merges": panel.wrong_merges,
        "panel": _panel(panel, confused, options),
        "error_rates": _rates(rates, kept),
        "individuals": _animals(found, call_consensus(animals, rates, frequencies=frequencies), loaded, sex),
        "pairs": list(found.pairs),
        "samples": _samples(everything, consensus, found, kept, states, species, sex),
        "rerun": list(consensus.reruns()),
        "settings": {
            "seed": options.seed,
            "theta": options.theta,
            "draws": len(grouping.labels),
            "chain_means": found.chain_means,
            "kin_shares": dict(
                zip(
                    ("stranger", "half_sib", "parent_offspring", "full_sib", "offspring_of_two"),
                    grouping.shares.tolist(),
                    strict=True,
                )
            ),
        },
        "findings": findings,
    }


def _starting_rates(reactions: Reactions, options: IdentifyOptions) -> ErrorRates:
    from ghostcat.genetics.error_rates import (
        ASSUMED_DROPOUT,
        ASSUMED_FALSE_ALLELE,
        ErrorRates,
        estimate_error_rates,
    )

    assumed = ErrorRates.assumed(
        len(reactions.loci),
        dropout=ASSUMED_DROPOUT if options.dropout is None else options.dropout,
        false_allele=ASSUMED_FALSE_ALLELE if options.false_allele is None else options.false_allele,
    )
    given = options.dropout is not None or options.false_allele is not None
    return assumed if given or not reactions.replicated else estimate_error_rates(reactions, start=assumed)


def _final_rates(kept: Reactions, found: Individuals, start: ErrorRates, *, fixed: bool) -> ErrorRates:
    """Rates given who is who: samples of one animal are replicates of each other."""
    from ghostcat.genetics.error_rates import estimate_error_rates

    if fixed or start.dropout.origin == "estimated":
        return start
    return estimate_error_rates(kept, unit_of=found.label[kept.sample_of], start=start)


def _animal_reactions(kept: Reactions, found: Individuals) -> Reactions:
    return replace(
        kept, samples=tuple(one.id for one in found.animals), sample_of=found.label[kept.sample_of]
    )


def _states(
    reactions: Reactions, species: Mapping[str, MarkerCall], options: IdentifyOptions
) -> dict[str, tuple[str, str]]:
    """(state, reason) of the samples that are left out."""
    from ghostcat.genetics.identity_probability import locus_pid

    wanted = options.species.strip().casefold()
    if wanted and not species:
        raise ParameterError(
            f"species {options.species!r} was asked for, and the file has no species readings",
            fix="Name their column with --species-column, or leave --species out.",
        )
    by_locus = np.log(locus_pid(reactions.first_frequencies()))
    typed = reactions.typed
    out: dict[str, tuple[str, str]] = {}
    for at, name in enumerate(reactions.samples):
        chance = float(np.exp((by_locus * typed[at]).sum()))
        call = species.get(name)
        if not typed[at].any():
            out[name] = ("nothing_read", "no locus was read")
        elif wanted and (call is None or not call.called or call.value.casefold() != wanted):
            told = "not called" if call is None or not call.called else call.value
            out[name] = ("other_species", f"species marker: {told}")
        elif chance > _SAMPLE_PID:
            out[name] = (
                "too_few_loci",
                f"{int(typed[at].sum())} of {typed.shape[1]} loci were read: two strangers would agree "
                f"there in {chance:.0%} of cases",
            )
    return out


def _profile(loaded: LoadedGenotypes, reactions: Reactions, consensus: Consensus) -> list[dict[str, int]]:
    """Unique genotypes by allowed mismatches, of genotypes as read, or of the consensus of replicates."""
    from dataclasses import asdict

    from ghostcat.genetics.mismatch_profile import mismatch_profile

    once = np.bincount(reactions.sample_of, minlength=len(reactions)) == 1
    row_of = np.zeros(len(reactions), dtype=np.intp)
    row_of[reactions.sample_of] = np.arange(len(reactions.sample_of))
    alleles = np.where(once[:, None, None], loaded.genotypes.alleles[row_of], consensus.alleles)
    return [asdict(one) for one in mismatch_profile(alleles)]


def _number(found: Individuals, panel: Panel) -> dict[str, Any]:
    n = found.number
    return {
        "count": n.count,
        "estimate": n.estimate,
        "lower": n.lower,
        "upper": n.upper,
        "carried_by_panel": panel.tells_sibs and panel.tells_strangers,
    }


def _panel(panel: Panel, confused: Any, options: IdentifyOptions) -> dict[str, Any]:
    return {
        "loci": [
            {"locus": name, "pid": pid, "pidsib": sib}
            for name, pid, sib in zip(panel.loci, panel.pid_by_locus, panel.pid_sib_by_locus, strict=True)
        ],
        "pid": panel.pid,
        "pidsib": panel.pid_sib,
        "expected_wrong_merges_of_siblings": panel.wrong_sib_merges,
        "expected_wrong_merges_of_strangers": panel.wrong_unrelated_merges,
        "sibs_sampled_per_animal_assumed": options.sibs_sampled,
        "sibs_taken_for_one_animal": confused.taken_for_one,
        "one_animal_taken_for_sibs": confused.taken_for_two,
        "tells_siblings": panel.tells_sibs,
        "tells_strangers": panel.tells_strangers,
        "loci_of_this_kind_needed": panel.loci_of_this_kind_needed,
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "value": rate.value,
        "lower": rate.lower,
        "upper": rate.upper,
        "origin": rate.origin,
        "readings": rate.readings,
    }


def _rates(rates: ErrorRates, kept: Reactions) -> dict[str, Any]:
    return {
        "dropout": _rate(rates.dropout),
        "false_allele": _rate(rates.false_allele),
        "from": "replicates" if kept.replicated else "samples of one animal",
        "loci": [
            {"locus": name, "dropout": _rate(drop), "false_allele": _rate(false)}
            for name, drop, false in zip(
                kept.loci, rates.dropout_by_locus, rates.false_allele_by_locus, strict=True
            )
        ],
    }


def _animals(
    found: Individuals, consensus: Consensus, loaded: LoadedGenotypes, sex: Mapping[str, MarkerCall]
) -> list[dict[str, Any]]:
    from ghostcat.workflows.genetics_markers import pooled_sex

    names = [locus.alleles for locus in loaded.genotypes.loci]
    told = []
    for at, animal in enumerate(found.animals):
        call = pooled_sex(animal.id, animal.members, sex)
        told.append(
            {
                "id": animal.id,
                "members": [
                    {"sample": name, "probability": p}
                    for name, p in zip(animal.members, animal.member_probability, strict=True)
                ],
                "samples": list(animal.members),
                "n_samples": len(animal.members),
                "probability": animal.probability,
                "distinct": animal.distinct,
                "sex": call.value if call is not None and call.called else "",
                "sex_probability": None if call is None else call.probability,
                "genotype": {
                    name: [names[locus][k] if k >= 0 else "" for k in consensus.alleles[at, locus]]
                    for locus, name in enumerate(consensus.loci)
                },
                "genotype_probability": {
                    name: float(consensus.probability[at, locus]) for locus, name in enumerate(consensus.loci)
                },
            }
        )
    return told


def _samples(
    reactions: Reactions,
    consensus: Consensus,
    found: Individuals,
    kept: Reactions,
    states: Mapping[str, tuple[str, str]],
    species: Mapping[str, MarkerCall],
    sex: Mapping[str, MarkerCall],
) -> list[dict[str, Any]]:
    place = {name: at for at, name in enumerate(kept.samples)}
    attempts, typed, quality = reactions.attempts()[:, 0], reactions.typed, consensus.quality
    told = []
    for at, name in enumerate(reactions.samples):
        state, reason, animal, probability = _state_of(name, place, found, states)
        told.append(
            {
                "sample": name,
                "state": state,
                "reason": reason,
                "individual": animal,
                "probability": probability,
                "reactions": int(attempts[at]),
                "typed_loci": int(typed[at].sum()),
                "called_loci": int(consensus.called[at].sum()),
                "quality": float(quality[at]),
                "mean_genotype_probability": _mean(consensus.probability[at]),
                "success": float(consensus.success[at]),
                **_marker("species", species.get(name)),
                **_marker("sex", sex.get(name)),
            }
        )
    return told


def _mean(values: Sequence[float] | Any) -> float | None:
    known = [float(x) for x in values if x == x]
    return sum(known) / len(known) if known else None


def _marker(what: str, call: MarkerCall | None) -> dict[str, Any]:
    if call is None:
        return {}
    return {
        what: call.value if call.called else "",
        f"{what}_odds": call.odds,
        f"{what}_reason": call.reason,
    }


def _state_of(
    name: str, place: Mapping[str, int], found: Individuals, states: Mapping[str, tuple[str, str]]
) -> tuple[str, str, str, float | None]:
    if name in states:
        return (*states[name], "", None)
    animal = found.animals[int(found.label[place[name]])]
    probability = animal.member_probability[animal.members.index(name)]
    probability = min(probability, animal.distinct) if len(animal.members) == 1 else probability
    if probability >= _SURE:
        return "assigned", "", animal.id, probability
    return (
        "uncertain",
        f"one animal with the others of {animal.id} with probability {probability:.2f}"
        if len(animal.members) > 1
        else f"an animal of its own with probability {probability:.2f}",
        animal.id,
        probability,
    )
