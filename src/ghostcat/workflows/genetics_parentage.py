"""From a genotype file and a life history to parents with odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ghostcat.errors import InputError, ParameterError
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.survey.evidence import Finding
from ghostcat.workflows.genetics import load_genotypes

if TYPE_CHECKING:
    from ghostcat.genetics.parentage import Assignment, Parentage
    from ghostcat.genetics.parentage_candidates import LifeHistory

__all__ = ["ParentageOptions", "parentage"]

#: Typed at fewer loci than this share, an animal is named in a finding.
_FEW_LOCI = 0.5
_MANY_MISMATCHES = 0.1


@dataclass(frozen=True, kw_only=True)
class ParentageOptions:
    """What a user can choose; None where the data should tell."""

    confidence: float = 0.99
    error_rate: float | None = None
    dropout_rate: float | None = None
    min_age_dam: float = 1.0
    min_age_sire: float = 1.0
    max_age_dam: float | None = None
    max_age_sire: float | None = None
    max_distance_m: float | None = None
    families: bool = True
    replicates: int | None = None
    seed: int = 1


def parentage(
    path: str | Path,
    life_history: str | Path | None = None,
    *,
    kind: GenotypeKind | None = None,
    options: ParentageOptions | None = None,
) -> dict[str, Any]:
    """Find the parents of every animal in a genotype file.

    Parameters
    ----------
    path : genotypes, any format that `read_genotypes` knows.
    life_history : table with ID, Sex and BirthYear; without it everybody can be anybody's parent.
    kind : format of the genotypes; found out when None.
    options : confidence, errors, limits.

    Returns
    -------
    A plain mapping, as `ghostcat genetics parentage --json` prints it.

    Raises
    ------
    InputError, FormatError : a file cannot be read.
    EstimateRefused : fewer than two animals, or no variation.
    """
    from ghostcat.formats.life_history import read_life_history
    from ghostcat.genetics.parentage import assign_parents
    from ghostcat.genetics.parentage_candidates import CandidateRules, LifeHistory

    options = options or ParentageOptions()
    loaded = load_genotypes(path, kind=kind, replicates=True)
    findings = list(loaded.findings)
    genotypes = _one_row_each(loaded.genotypes, findings, loaded.file)
    findings += _poorly_typed(genotypes, loaded.file)
    if life_history is None:
        life = LifeHistory.unknown(len(genotypes))
        findings.append(
            Finding(
                code="no_life_history",
                severity="warning",
                message="no sex and no birth year is known, so parents cannot be told from offspring",
                fix="Give a table with ID, Sex and BirthYear (--life-history).",
                where=loaded.file,
            )
        )
    else:
        if not Path(life_history).is_file():
            raise InputError("there is no such file", where=str(life_history), fix="Check the path.")
        read = read_life_history(life_history, genotypes.samples)
        life = read.life
        findings += read.findings
    found = assign_parents(
        genotypes,
        life,
        rng=np.random.default_rng(options.seed),
        rules=CandidateRules(
            min_age_dam=options.min_age_dam,
            min_age_sire=options.min_age_sire,
            max_age_dam=options.max_age_dam,
            max_age_sire=options.max_age_sire,
            max_distance_m=options.max_distance_m,
        ),
        errors=_errors(options),
        confidence=options.confidence,
        families=options.families,
        replicates=options.replicates,
    )
    findings += _contradictions(found, life, genotypes.samples)
    findings += _weak_markers(found, loaded.file)
    return {**loaded.header(), "n_samples": len(genotypes), **_plain(found, options), "findings": findings}


def _errors(options: ParentageOptions) -> Any:
    from ghostcat.genetics.parentage_model import TypingErrors

    if options.error_rate is None and options.dropout_rate is None:
        return None
    if options.error_rate is None:
        raise ParameterError(
            "a dropout rate was given without an error rate",
            fix="Give both, or neither to have them estimated.",
        )
    return TypingErrors(false_allele=options.error_rate, dropout=options.dropout_rate or 0.0)


def _one_row_each(genotypes: Genotypes, findings: list[Finding], file: str) -> Genotypes:
    """One row an animal; loci at which its rows disagree become missing, and are named."""
    rows: dict[str, list[int]] = {}
    for at, sample in enumerate(genotypes.samples):
        rows.setdefault(sample, []).append(at)
    if len(rows) == len(genotypes):
        return genotypes
    alleles, typed = np.array(genotypes.alleles), genotypes.typed
    for sample, places in rows.items():
        if len(places) == 1:
            continue
        first = places[0]
        disagree = np.zeros(genotypes.n_loci, dtype=bool)
        have = typed[first].copy()
        for other in places[1:]:
            both = have & typed[other]
            disagree |= both & (alleles[first] != alleles[other]).any(axis=1)
            fill = ~have & typed[other]
            alleles[first, fill] = alleles[other, fill]
            have |= fill
        alleles[first, disagree] = -1
        where = " and ".join(genotypes.origins[at] for at in places if genotypes.origins[at]) or file
        names = [genotypes.locus_names[at] for at in np.flatnonzero(disagree)]
        findings.append(
            Finding(
                code="animal_twice_with_different_genotypes" if names else "animal_twice",
                severity="error" if len(names) > 0.1 * genotypes.n_loci else "warning" if names else "note",
                message=f"{sample} is listed {len(places)} times"
                + (f" and differs at {len(names)} loci: {', '.join(names[:8])}" if names else ", alike"),
                fix="Two animals under one id? Give them different ids. Until then loci that differ count as "
                "missing." if names else "Nothing is lost: the rows were joined.",
                ids=(sample,),
                where=where,
            )
        )  # fmt: skip
    keep = [places[0] for places in rows.values()]
    joined = Genotypes(genotypes.samples, genotypes.loci, alleles.astype(np.int16), origins=genotypes.origins)
    return joined.select(keep)


def _poorly_typed(genotypes: Genotypes, file: str) -> list[Finding]:
    share = genotypes.typed.mean(axis=1) if genotypes.n_loci else np.zeros(len(genotypes))
    poor = tuple(genotypes.samples[i] for i in np.flatnonzero(share < _FEW_LOCI))
    if not poor:
        return []
    return [
        Finding(
            code="typed_at_few_loci",
            severity="note",
            message=f"{len(poor)} animals are typed at fewer than half of the loci: {', '.join(poor[:10])}"
            + (" …" if len(poor) > 10 else ""),
            fix="They are kept, but will seldom get a parent; type them again if you can.",
            ids=poor,
            where=file,
        )
    ]


def _contradictions(found: Parentage, life: LifeHistory, samples: Sequence[str]) -> list[Finding]:
    """Parents known from the field that the genotypes contradict."""
    out = []
    for at, row in enumerate(found.assignments):
        for known, best, clash, loci, role in (
            (life.known_dam[at], row.best_dam, row.oh_dam, row.loci_dam, "mother"),
            (life.known_sire[at], row.best_sire, row.oh_sire, row.loci_sire, "father"),
        ):
            if known < 0 or best is None or best != samples[known] or not loci or clash is None:
                continue
            if clash > max(2, _MANY_MISMATCHES * loci):
                out.append(
                    Finding(
                        code="known_parent_contradicted",
                        severity="warning",
                        message=f"{best}, known as the {role} of {row.id}, shares no allele with it "
                        f"at {clash} of {loci} loci",
                        fix="Check the field record, or whether a sample was exchanged.",
                        ids=(row.id, best),
                    )
                )
    return out


def _weak_markers(found: Parentage, file: str) -> list[Finding]:
    if found.expected_lod >= found.needed_lod:
        return []
    return [
        Finding(
            code="markers_too_weak",
            severity="warning",
            message=f"a true parent has a LOD of {found.expected_lod:.1f} with these markers on average; to "
            f"stand out among its candidates it needs about {found.needed_lod:.1f}",
            fix="Few parents can be given, and the share of parents that were typed cannot be told. Type "
            "more or more variable loci, or narrow the candidates by age, sex and place.",
            where=file,
        )
    ]


def _plain(found: Parentage, options: ParentageOptions) -> dict[str, Any]:
    rates = {c.side: c for c in found.critical if c.confidence == found.confidence}
    return {
        "confidence": found.confidence,
        "assignments": [_assignment(row, rates) for row in found.assignments],
        "estimated": {
            "dam_sampling_fraction": _fraction(found.dams_sampled),
            "sire_sampling_fraction": _fraction(found.sires_sampled),
        },
        "error_rate": {
            "false_allele": found.errors.false_allele,
            "dropout": found.errors.dropout,
            "estimated": found.errors_estimated,
            "animals": found.errors_animals,
        },
        "critical_values": [
            {
                "parent": c.side,
                "confidence": c.confidence,
                "used": c.confidence == found.confidence,
                "probability": c.probability if c.probability <= 1 else None,
                "delta": c.delta,
                "false_assignment_rate": c.false_assignment_rate,
                "false_assignment_rate_95": c.interval,
                "simulated_parents": c.simulated,
            }
            for c in found.critical
        ],
        "expected_lod": found.expected_lod,
        "needed_lod": found.needed_lod,
        "simulated_data_sets": found.replicates,
        "seed": options.seed,
        "sibships": [
            {
                "members": list(group.members),
                "surety": list(group.surety),
                "dam": group.dam,
                "sire": group.sire,
                "dam_typed": group.dam_typed,
                "sire_typed": group.sire_typed,
                "dam_probability": group.dam_surety,
                "sire_probability": group.sire_surety,
                "sides_known": group.sides_known,
            }
            for group in found.groups
        ],
        "dummies": _dummies(found),
    }


def _dummies(found: Parentage) -> list[dict[str, Any]]:
    offspring: dict[tuple[str, str], list[str]] = {}
    for group in found.groups:
        for name, typed, role in (
            (group.dam, group.dam_typed, "dam"),
            (group.sire, group.sire_typed, "sire"),
        ):
            if name is not None and not typed:
                offspring.setdefault((name, role), []).extend(group.members)
    return [{"id": name, "role": role, "offspring": members} for (name, role), members in offspring.items()]


def _fraction(fraction: Any) -> dict[str, Any] | None:
    if fraction is None:
        return None
    return {
        "estimate": fraction.estimate,
        "lower_95": fraction.interval[0],
        "upper_95": fraction.interval[1],
        "families": fraction.families,
    }


def _assignment(row: Assignment, rates: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "dam": row.dam,
        "sire": row.sire,
        "LLRdam": row.llr_dam,
        "LLRsire": row.llr_sire,
        "LLRpair": row.llr_pair,
        "OHdam": row.oh_dam if row.dam else None,
        "OHsire": row.oh_sire if row.sire else None,
        "MEpair": row.me_pair if row.dam and row.sire else None,
        "probabilities": {
            "dam": row.dam_probability if row.dam else None,
            "sire": row.sire_probability if row.sire else None,
            "pair": row.pair_probability if row.dam and row.sire else None,
        },
        "false_assignment_rate": {
            "dam": rates["dam"].false_assignment_rate if row.dam else None,
            "sire": rates["sire"].false_assignment_rate if row.sire else None,
        },
        "LODdam": row.lod_dam if row.dam else None,
        "LODsire": row.lod_sire if row.sire else None,
        "LODpair": row.lod_pair if row.dam and row.sire else None,
        "delta_dam": row.delta_dam if row.dam else None,
        "delta_sire": row.delta_sire if row.sire else None,
        "likeliest": {
            "dam": row.best_dam,
            "dam_probability": row.dam_probability,
            "sire": row.best_sire,
            "sire_probability": row.sire_probability,
        },
    }
