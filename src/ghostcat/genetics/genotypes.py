"""Genotypes: samples × loci × two alleles, microsatellites and SNPs alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

__all__ = ["MISSING", "Genotypes", "Locus", "MarkerKind"]

MISSING = -1
"""Code of an allele that was not read."""

MarkerKind = Literal["microsatellite", "snp"]


@dataclass(frozen=True)
class Locus:
    """One marker and the names of its alleles; code k stands for `alleles[k]`.

    Microsatellite alleles are named by their length ("139"), those of a SNP by their base, or by
    "0" and "1" where the file gives only counts of the second allele.
    """

    name: str
    alleles: tuple[str, ...]
    marker: MarkerKind = "microsatellite"

    @property
    def sizes(self) -> NDArray[np.int64] | None:
        """Lengths of the alleles (n_alleles,), or None where they are not numbers."""
        if self.marker == "snp" or not all(name.isdecimal() for name in self.alleles):
            return None
        return np.array([int(name) for name in self.alleles], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Genotypes:
    """What a laboratory read: one row per typing (sample, or replicate of a sample).

    Parameters
    ----------
    samples : (n,) sample ids. An id that occurs twice has replicates.
    loci : (L,) markers.
    alleles : (n, L, 2) integer codes into `loci[l].alleles`, −1 missing. The two alleles of a
        genotype have no order; they are kept sorted, a missing one last, so that equal genotypes
        are equal arrays.
    populations : (n,) names, empty where none was given.
    replicates : (n,) names of the replicates, empty where none was given.
    origins : (n,) where each row came from (`scats.csv row 14`), for messages.
    columns : further columns of the table as text, name → (n,), for example date, station, sex.

    Raises
    ------
    ParameterError : shapes that disagree, a code without an allele, two loci of one name.

    >>> cats = Genotypes.from_names(["a", "b"], ["fca8"], [[("135", "143")], [("143", "143")]])
    >>> cats.alleles.tolist(), cats.loci[0].alleles
    ([[[0, 1]], [[1, 1]]], ('135', '143'))
    """

    samples: tuple[str, ...]
    loci: tuple[Locus, ...]
    alleles: NDArray[np.int16]
    populations: tuple[str, ...] = ()
    replicates: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, n_loci = len(self.samples), len(self.loci)
        codes = np.asarray(self.alleles)
        if codes.shape != (n, n_loci, 2):
            raise ParameterError(
                f"alleles have the shape {codes.shape}, {n} samples and {n_loci} loci need ({n}, {n_loci}, 2)"
            )
        _check_names(self.loci)
        _check_codes(codes, self.loci)
        set_ = object.__setattr__
        set_(self, "alleles", _sorted(codes))
        for name in ("samples", "populations", "replicates", "origins"):
            given = tuple(getattr(self, name)) or ("",) * n
            if len(given) != n:
                raise ParameterError(f"{name} has {len(given)} entries for {n} samples")
            set_(self, name, given)
        for name, values in self.columns.items():
            if len(values) != n:
                raise ParameterError(f"column {name!r} has {len(values)} entries for {n} samples")
        set_(self, "columns", MappingProxyType({k: tuple(v) for k, v in self.columns.items()}))

    @classmethod
    def from_names(
        cls,
        samples: Sequence[str],
        loci: Sequence[str],
        genotypes: Iterable[Sequence[tuple[str | None, str | None] | None]],
        *,
        marker: MarkerKind = "microsatellite",
        populations: Sequence[str] = (),
        replicates: Sequence[str] = (),
        origins: Sequence[str] = (),
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> Genotypes:
        """Build from allele names; None (or an empty name) is missing.

        Parameters
        ----------
        genotypes : n rows of L pairs of allele names.
        """
        rows = [list(row) for row in genotypes]
        for sample, row in zip(samples, rows, strict=True):
            if len(row) != len(loci):
                raise ParameterError(f"sample {sample!r} has {len(row)} genotypes for {len(loci)} loci")
        codes = np.full((len(rows), len(loci), 2), MISSING, dtype=np.int16)
        built = []
        for at, name in enumerate(loci):
            pairs = [row[at] or (None, None) for row in rows]
            known = sorted({allele for pair in pairs for allele in pair if allele}, key=_allele_order)
            code = {allele: k for k, allele in enumerate(known)}
            codes[:, at] = [[code.get(a or "", MISSING) for a in pair] for pair in pairs] or np.empty((0, 2))
            built.append(Locus(name, tuple(known), marker))
        return cls(
            tuple(samples),
            tuple(built),
            codes,
            populations=tuple(populations),
            replicates=tuple(replicates),
            origins=tuple(origins),
            columns={k: tuple(v) for k, v in (columns or {}).items()},
        )

    @classmethod
    def from_dosage(
        cls,
        samples: Sequence[str],
        loci: Sequence[str],
        dosage: NDArray[np.integer],
        *,
        allele_names: Sequence[tuple[str, str]] = (),
        populations: Sequence[str] = (),
        replicates: Sequence[str] = (),
        origins: Sequence[str] = (),
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> Genotypes:
        """Build SNPs from (n, L) counts of the second allele: 0, 1, 2, or −1 missing."""
        counts = np.asarray(dosage)
        if not np.isin(counts, (-1, 0, 1, 2)).all():
            strange = counts[~np.isin(counts, (-1, 0, 1, 2))].flat[0]
            raise ParameterError(
                f"a SNP genotype is {strange}", fix="Counts are 0, 1, 2, or −1 where missing."
            )
        codes = np.stack(
            [np.where(counts < 0, -1, counts == 2), np.where(counts < 0, -1, counts >= 1)], axis=2
        )
        names = list(allele_names) or [("0", "1")] * len(loci)
        return cls(
            tuple(samples),
            tuple(Locus(n, tuple(a), "snp") for n, a in zip(loci, names, strict=True)),
            codes.astype(np.int16),
            populations=tuple(populations),
            replicates=tuple(replicates),
            origins=tuple(origins),
            columns={k: tuple(v) for k, v in (columns or {}).items()},
        )

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def n_loci(self) -> int:
        """Number of loci."""
        return len(self.loci)

    @property
    def locus_names(self) -> tuple[str, ...]:
        """(L,) names of the loci."""
        return tuple(locus.name for locus in self.loci)

    @cached_property
    def typed(self) -> NDArray[np.bool_]:
        """(n, L): were both alleles read?"""
        complete = np.asarray((self.alleles >= 0).all(axis=2))
        complete.flags.writeable = False
        return complete

    @property
    def heterozygous(self) -> NDArray[np.bool_]:
        """(n, L): were two different alleles read?"""
        return np.asarray(self.typed & (self.alleles[:, :, 0] != self.alleles[:, :, 1]))

    @property
    def n_alleles(self) -> NDArray[np.int64]:
        """(L,) how many alleles each locus names."""
        return np.array([len(locus.alleles) for locus in self.loci], dtype=np.int64)

    @property
    def population_names(self) -> tuple[str, ...]:
        """The populations, in the order in which they first occur."""
        return tuple(dict.fromkeys(self.populations))

    @property
    def replicated(self) -> bool:
        """Does any sample have more than one row?"""
        return len(set(self.samples)) < len(self.samples)

    @property
    def is_biallelic(self) -> bool:
        """Has no locus more than two alleles?"""
        return bool((self.n_alleles <= 2).all())

    def rows_of(self, population: str) -> NDArray[np.intp]:
        """Row numbers of one population."""
        return np.flatnonzero(np.array(self.populations, dtype=object) == population)

    def select(self, rows: Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]) -> Genotypes:
        """These rows only; allele codes stay comparable with the whole."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.intp)

        def pick(values: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(values[i] for i in index)

        return replace(
            self,
            samples=pick(self.samples),
            alleles=self.alleles[index],
            populations=pick(self.populations),
            replicates=pick(self.replicates),
            origins=pick(self.origins),
            columns={name: pick(values) for name, values in self.columns.items()},
        )

    def select_loci(self, loci: Sequence[str | int]) -> Genotypes:
        """These loci only, by name or number, in this order."""
        place = {name: at for at, name in enumerate(self.locus_names)}
        unknown = [name for name in loci if isinstance(name, str) and name not in place]
        if unknown:
            raise ParameterError(
                f"there is no locus {unknown[0]!r}", fix=f"The loci are {', '.join(self.locus_names[:20])}."
            )
        at = [place[name] if isinstance(name, str) else int(name) for name in loci]
        return replace(self, loci=tuple(self.loci[i] for i in at), alleles=self.alleles[:, at])

    def dosage(self) -> NDArray[np.int8]:
        """(n, L) copies of the second allele of each locus: 0, 1, 2, or −1 missing.

        Raises
        ------
        ParameterError : a locus has more than two alleles.
        """
        if not self.is_biallelic:
            many = next(locus for locus in self.loci if len(locus.alleles) > 2)
            raise ParameterError(
                f"locus {many.name} has {len(many.alleles)} alleles; counts of one allele need at most two",
                fix="Leave the locus out, or use a method for microsatellites.",
            )
        counts = np.where(self.typed, (self.alleles == 1).sum(axis=2), MISSING)
        return counts.astype(np.int8)

    def allele_counts(self) -> NDArray[np.int64]:
        """(L, A) how often each allele was read, A the largest number of alleles; half genotypes count."""
        width = int(self.n_alleles.max(initial=0))
        counts = np.zeros((self.n_loci, width), dtype=np.int64)
        locus = np.broadcast_to(np.arange(self.n_loci)[None, :, None], self.alleles.shape)
        seen = self.alleles >= 0
        np.add.at(counts, (locus[seen], self.alleles[seen]), 1)
        return counts


def _allele_order(name: str) -> tuple[int, float, str]:
    return (0, float(name), name) if name.isdecimal() else (1, 0.0, name)


def _check_names(loci: Sequence[Locus]) -> None:
    seen: set[str] = set()
    for locus in loci:
        if locus.name in seen:
            raise ParameterError(f"two loci are named {locus.name!r}", fix="Rename one of them.")
        seen.add(locus.name)
        if len(set(locus.alleles)) < len(locus.alleles):
            raise ParameterError(f"locus {locus.name!r} names an allele twice")


def _check_codes(codes: NDArray[np.integer], loci: Sequence[Locus]) -> None:
    if not codes.size:
        return
    if not np.issubdtype(codes.dtype, np.integer):
        raise ParameterError(f"allele codes are {codes.dtype}, not integers")
    highest, lowest = codes.max(axis=(0, 2)), codes.min()
    known = np.array([len(locus.alleles) for locus in loci])
    if lowest < MISSING or (highest >= known).any():
        at = int(np.argmax(highest >= known))
        raise ParameterError(
            f"locus {loci[at].name!r} has the allele code {highest[at] if lowest >= MISSING else lowest} "
            f"and {known[at]} alleles"
        )


def _sorted(codes: NDArray[np.integer]) -> NDArray[np.int16]:
    """Smaller code first, a missing allele last; read-only."""
    low, high = codes.min(axis=2), codes.max(axis=2)
    half = low < 0
    ordered = np.stack([np.where(half, high, low), np.where(half, low, high)], axis=2).astype(np.int16)
    ordered.flags.writeable = False
    return ordered
