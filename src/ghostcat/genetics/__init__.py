"""Scat DNA: which samples are the same animal, who are the parents, how diverse are they?"""

from ghostcat.genetics.frequencies import AlleleFrequencies, allele_frequencies
from ghostcat.genetics.genotypes import MISSING, Genotypes, Locus

__all__ = ["MISSING", "AlleleFrequencies", "Genotypes", "Locus", "allele_frequencies"]
