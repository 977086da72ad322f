"""Variants of a VCF file (plain, bgzipped or BCF), through cyvcf2."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ghostcat.errors import FormatError
from ghostcat.genetics.genotypes import Genotypes, Locus
from ghostcat.survey.evidence import Finding

__all__ = ["genotypes_from_vcf"]


def genotypes_from_vcf(path: Path) -> tuple[Genotypes, tuple[Finding, ...]]:
    """Read the genotypes (GT) of every variant; phase is ignored, half calls are kept as half.

    Variants are named by their id, or `chromosome:position`.

    Raises
    ------
    FormatError : not a VCF, no samples, no variants, genotypes that are not diploid.
    """
    from cyvcf2 import VCF

    try:
        reader = VCF(str(path), lazy=False)
    except (OSError, ValueError) as fault:
        raise FormatError(
            f"the file cannot be read as VCF ({fault})", where=path.name, fix="Check it with `bcftools view`."
        ) from None
    samples = tuple(reader.samples)
    if not samples:
        raise FormatError("the VCF has no samples", where=path.name, fix="Export genotypes, not sites alone.")
    loci: list[Locus] = []
    codes: list[np.ndarray] = []
    seen: set[str] = set()
    filtered = 0
    try:
        for variant in reader:
            name = variant.ID or f"{variant.CHROM}:{variant.POS}"
            if name in seen:
                name = f"{name}:{len(loci) + 1}"
            seen.add(name)
            names = tuple(dict.fromkeys([variant.REF, *variant.ALT]))
            called = np.asarray(variant.genotype.array())[:, :-1]
            if called.shape[1] != 2:
                raise FormatError(
                    f"variant {name} has genotypes of {called.shape[1]} alleles",
                    where=path.name,
                    fix="Leave haploid and polyploid variants out (sex chromosomes, organelles).",
                )
            called = np.where((called < 0) | (called >= len(names)), -1, called)
            filtered += variant.FILTER is not None
            loci.append(Locus(name, names, "snp"))
            codes.append(called.astype(np.int16))
    finally:
        reader.close()
    if not loci:
        raise FormatError("the VCF has no variants", where=path.name, fix="Give a file with variants.")
    genotypes = Genotypes(samples, tuple(loci), np.stack(codes, axis=1))
    findings = []
    if filtered:
        findings.append(
            Finding(
                code="variants_not_passed",
                severity="warning",
                message=f"{filtered} of {len(loci)} variants did not pass the filters of the caller; "
                "they are used",
                fix="Leave them out with `bcftools view -f PASS` if they should not be.",
                where=path.name,
            )
        )
    return genotypes, tuple(findings)
