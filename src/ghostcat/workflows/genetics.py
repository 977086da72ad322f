"""From a genotype file to what it says about diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ghostcat.formats.genotypes_reader import GenotypeKind, read_genotypes
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from ghostcat.genetics.diversity import Diversity
    from ghostcat.genetics.equilibrium import HweTest
    from ghostcat.genetics.frequencies import AlleleFrequencies
    from ghostcat.genetics.identity_probability import IdentityProbability

__all__ = ["LoadedGenotypes", "diversity", "load_genotypes"]

Files = str | Path | Sequence[str | Path]

#: The bound for printing tests of linkage disequilibrium one by one.
_PAIRS_SHOWN = 200
#: Beyond so many animals the slower intervals of Ne are left to `ghostcat genetics ne`.
_JACKKNIFE_ANIMALS = 200


@dataclass(frozen=True)
class LoadedGenotypes:
    """Genotypes with one row a sample, and everything that reading and checking found."""

    genotypes: Genotypes
    findings: tuple[Finding, ...]
    kind: GenotypeKind
    file: str

    def header(self) -> dict[str, Any]:
        """What was read, for the head of every result."""
        return {
            "file": self.file,
            "format": self.kind,
            "n_samples": len(self.genotypes),
            "n_loci": self.genotypes.n_loci,
            "populations": list(self.genotypes.population_names),
        }


def load_genotypes(
    path: Files, *, kind: GenotypeKind | None = None, by: str | None = None, replicates: bool = False
) -> LoadedGenotypes:
    """Read, check and, unless `replicates` are wanted, bring to one row a sample.

    Parameters
    ----------
    path : a file, or several whose rows belong together.
    by : column with the populations: colony, patch, side of the border.
    replicates : keep the rows of replicates; otherwise each sample gets their majority.
    """
    from ghostcat.genetics.checks import check_genotypes
    from ghostcat.genetics.combining import combine_genotypes
    from ghostcat.genetics.replicates import majority_genotypes

    paths = [Path(path)] if isinstance(path, str | Path) else [Path(each) for each in path]
    reads = [read_genotypes(each, kind=kind, population=by) for each in paths]
    name = ", ".join(each.name for each in paths)
    genotypes, combined = combine_genotypes([read.genotypes for read in reads], [each.name for each in paths])
    findings = [finding for read in reads for finding in read.findings]
    findings += [
        Finding(
            code=check.code,
            severity=check.severity,
            message=check.message,
            fix=check.fix,
            where=check.where or name,
        )
        for check in (*combined, *check_genotypes(genotypes))
    ]
    if genotypes.replicated and not replicates:
        rows, genotypes = len(genotypes), majority_genotypes(genotypes)
        findings.append(
            Finding(
                code="replicates_by_majority",
                severity="warning",
                message=f"{rows} rows of {len(genotypes)} samples: each sample got the genotype that most of "
                "its replicates show, and none where they disagree evenly",
                fix="Majority hides allelic dropout; `ghostcat genetics identify` weighs the replicates.",
                where=name,
            )
        )
    return LoadedGenotypes(genotypes, tuple(findings), reads[0].kind, name)


def diversity(
    path: Files,
    *,
    kind: GenotypeKind | None = None,
    by: str | None = None,
    permutations: int = 20_000,
    seed: int = 1,
) -> dict[str, Any]:
    """Heterozygosity, richness, F-statistics, private alleles, HWE, linkage and PID of a file.

    Keys are those of the field's R packages where they have one (`Ho`, `Hs`, `Fst`, `PIDsib` …).

    Parameters
    ----------
    by : column of a table that says the population.
    permutations : of the exact Hardy–Weinberg tests; those of linkage take a tenth.
    seed : of all random numbers; the same seed gives the same result.
    """
    loaded = load_genotypes(path, kind=kind, by=by)
    return diversity_of(loaded, permutations=permutations, seed=seed)


def diversity_of(loaded: LoadedGenotypes, *, permutations: int = 20_000, seed: int = 1) -> dict[str, Any]:
    """The same of genotypes that are already read; see `diversity`."""
    from ghostcat.genetics import diversity as measures
    from ghostcat.genetics.frequencies import allele_frequencies
    from ghostcat.genetics.identity_probability import identity_probability

    genotypes = loaded.genotypes
    rng = np.random.default_rng(seed)
    frequencies = allele_frequencies(genotypes)
    pooled = frequencies.pooled()
    found = measures.diversity(frequencies)
    nei = measures.nei_statistics(frequencies)
    private = measures.private_alleles(frequencies)
    return {
        **loaded.header(),
        "findings": loaded.findings,
        "overall": nei.overall(),
        "perloc": [
            {"locus": name, **{key: values[at] for key, values in nei.per_locus().items()}}
            for at, name in enumerate(nei.loci)
        ],
        **_differentiation(frequencies, rng),
        "perpop": _per_population(genotypes, found, [item.population for item in private]),
        "AR_min_n_genes": found.richness_genes,
        **{
            key: _locus_by_population(found, values)
            for key, values in (
                ("Ho", found.ho),
                ("Hs", found.hs),
                ("Fis", found.fis),
                ("AR", found.richness),
            )
        },
        "adegenet_summary": _pooled_summary(genotypes, measures.diversity(pooled)),
        "private_alleles": private,
        "pid_all": _pid(identity_probability(pooled)[0], per_locus=True),
        "pid_perpop": {item.population: _pid(item) for item in identity_probability(frequencies)},
        **_equilibrium(genotypes, rng, permutations),
        **_linkage(genotypes, rng, max(200, permutations // 10)),
        **_linkage_ne(genotypes),
        "settings": {"permutations": permutations, "seed": seed},
    }


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _per_population(genotypes: Genotypes, found: Diversity, private: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for at, name in enumerate(found.populations):
        ho, hs = _mean(found.ho[at]), _mean(found.hs[at])
        both = np.isfinite(found.hs[at])
        rows.append(
            {
                "pop": name,
                "n": len(genotypes.rows_of(name)),
                "Ho": ho,
                "Ho_se": _standard_error(found.ho[at]),
                "Hs_unbiased": hs,
                "He_unbiased": _mean(found.he[at]),
                "He_se": _standard_error(found.he[at]),
                "He_biased": _mean(found.he_biased[at]),
                # adegenet counts a locus that was not typed as diverse to the full, 1 − Σ 0.
                "He_adegenet_biased": float(
                    np.where(np.isnan(found.he_biased[at]), 1, found.he_biased[at]).mean()
                ),
                "Fis_mean": _mean(found.fis[at]),
                "Fis_ratio": 1 - _mean(found.ho[at][both]) / hs if hs > 0 else float("nan"),
                "AR_mean": _mean(found.richness[at]),
                "n_alleles": int(found.alleles[at].sum()),
                "n_private": sum(item == name for item in private),
                "loci_typed": int((found.n_typed[at] > 0).sum()),
                "loci_varying": int((found.alleles[at] > 1).sum()),
            }
        )
    return rows


def _standard_error(values: np.ndarray) -> float:
    """Standard error of the mean over loci."""
    finite = values[np.isfinite(values)]
    return float(finite.std(ddof=1) / np.sqrt(finite.size)) if finite.size > 1 else float("nan")


def _locus_by_population(found: Diversity, values: np.ndarray) -> list[dict[str, Any]]:
    return [
        {"locus": locus, **{name: values[p, at] for p, name in enumerate(found.populations)}}
        for at, locus in enumerate(found.loci)
    ]


def _pooled_summary(genotypes: Genotypes, all_as_one: Diversity) -> dict[str, Any]:
    def named(values: np.ndarray) -> dict[str, Any]:
        return dict(zip(all_as_one.loci, values[0], strict=True))

    return {
        "Hobs": named(all_as_one.ho),
        "Hexp": named(all_as_one.he_biased),
        "Hexp_unbiased": named(all_as_one.he),
        "nall": named(all_as_one.alleles),
        "NA.perc": 100 * float(1 - genotypes.typed.mean()) if genotypes.typed.size else float("nan"),
    }


def _differentiation(frequencies: AlleleFrequencies, rng: np.random.Generator) -> dict[str, Any]:
    from ghostcat.genetics.differentiation import pairwise_nei_fst, pairwise_weir_cockerham, weir_cockerham

    wc = weir_cockerham(frequencies)
    lower, upper = wc.fst_interval(rng)
    return {
        "wc": {"FST": wc.fst, "FIS": wc.fis, "FIT": wc.fit, "FST_lower": lower, "FST_upper": upper},
        "wc_perloc": [
            {"locus": name, "FST": wc.fst_per_locus[at], "FIS": wc.fis_per_locus[at]}
            for at, name in enumerate(wc.loci)
        ],
        # As hierfstat has it: a locus typed in one of two populations adds to the variance within.
        "pairwise_WCfst": _square(frequencies, pairwise_weir_cockerham(frequencies, unshared="within")),
        "pairwise_WCfst_shared_loci": _square(frequencies, pairwise_weir_cockerham(frequencies)),
        "pairwise_Neifst": _square(frequencies, pairwise_nei_fst(frequencies)),
    }


def _square(frequencies: AlleleFrequencies, values: np.ndarray) -> list[dict[str, Any]]:
    names = frequencies.populations
    return [
        {"locus": one, **{two: values[i, j] for j, two in enumerate(names)}} for i, one in enumerate(names)
    ]


def _pid(item: IdentityProbability, *, per_locus: bool = False) -> dict[str, Any]:
    products: dict[str, Any] = {
        "PID": item.pid,
        "PIDsib": item.pid_sib,
        "PID_unbiased": item.pid_unbiased,
        "loci_left_out": list(item.left_out),
    }
    if not per_locus:
        return products
    rows = zip(
        item.loci, item.per_locus, item.per_locus_sib, item.per_locus_unbiased, item.n_typed, strict=True
    )
    return products | {
        "perlocus": [
            {"locus": name, "PID": pid, "PIDsib": sib, "PIDu": unbiased, "n": n}
            for name, pid, sib, unbiased, n in rows
        ],
        "locus": list(item.loci),
        "loci_needed_for_PIDsib_0.01": item.loci_needed(0.01),
    }


def _equilibrium(genotypes: Genotypes, rng: np.random.Generator, permutations: int) -> dict[str, Any]:
    from ghostcat.genetics.equilibrium import hardy_weinberg

    tests = hardy_weinberg(genotypes, rng, permutations=permutations)
    pooled = hardy_weinberg(genotypes, rng, permutations=min(permutations, 10_000), pooled=True)
    return {"hwe_overall": _hwe_rows(pooled), "hwe_perpop": _hwe_rows(tests)}


def _hwe_rows(tests: Sequence[HweTest]) -> list[Mapping[str, Any]]:
    from ghostcat.genetics.equilibrium import benjamini_hochberg, holm

    # Only tests that could have failed count towards the correction.
    p = np.array([test.p_exact if test.method != "none" else np.nan for test in tests])
    return [
        {
            "pop": test.population,
            "locus": test.locus,
            "n": test.n,
            "chi^2": test.chi2,
            "df": test.df,
            "Pr(chi^2 >)": test.p_chi2,
            "Pr.exact": test.p_exact,
            "Pr.exact_strict": test.p_exact_strict,
            "Pr.exact_error": test.p_exact_error,
            "Pr.holm": adjusted,
            "Pr.bh": discovery,
            "method": test.method,
        }
        for test, adjusted, discovery in zip(tests, holm(p), benjamini_hochberg(p), strict=True)
    ]


def _linkage_ne(genotypes: Genotypes) -> dict[str, Any]:
    """Effective size of a file that holds one population; of several it would mean nothing."""
    from ghostcat.workflows.genetics_kin import linkage_ne

    if len(genotypes.population_names) != 1:
        return {}
    return {"ldne": linkage_ne(genotypes, jackknife=len(genotypes) <= _JACKKNIFE_ANIMALS)}


def _linkage(genotypes: Genotypes, rng: np.random.Generator, permutations: int) -> dict[str, Any]:
    from ghostcat.genetics.equilibrium import benjamini_hochberg, holm
    from ghostcat.genetics.linkage import linkage_tests

    tests = linkage_tests(genotypes, rng, permutations=permutations)
    p = np.array([test.p for test in tests])
    adjusted, discovery = holm(p), benjamini_hochberg(p)
    shown = np.argsort(p, kind="stable")[:_PAIRS_SHOWN] if len(p) > _PAIRS_SHOWN else np.arange(len(p))
    return {
        "ld_summary": {
            "pairs": len(p),
            "p_below_0.05": int((p < 0.05).sum()),
            "holm_below_0.05": int((adjusted < 0.05).sum()),
            "bh_below_0.05": int((discovery < 0.05).sum()),
            "shown": len(shown),
        },
        "ld": [
            {
                "locus1": tests[at].locus1,
                "locus2": tests[at].locus2,
                "n": tests[at].n,
                "statistic": tests[at].statistic,
                "p": tests[at].p,
                "p_holm": adjusted[at],
                "p_bh": discovery[at],
                "method": tests[at].method,
            }
            for at in shown
        ],
    }
