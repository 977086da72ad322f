"""Species and sex readings that stand beside the genotypes in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghostcat.errors import ParameterError
from ghostcat.survey.evidence import Finding

if TYPE_CHECKING:
    from ghostcat.genetics.genotypes import Genotypes
    from ghostcat.genetics.markers import MarkerCall

__all__ = ["MarkerColumns", "call_markers", "pooled_sex"]

_SEX = ("sex_marker", "sexmarker", "sry", "amelxy", "amel", "zfxy", "zfx_zfy", "sex")
_SPECIES = ("species_marker", "speciesmarker", "species_read", "mtdna_species", "species")


@dataclass(frozen=True)
class MarkerColumns:
    """Columns with the readings; found by their usual names when empty."""

    sex: str = ""
    species: str = ""


def call_markers(
    genotypes: Genotypes, columns: MarkerColumns, file: str
) -> tuple[dict[str, MarkerCall], dict[str, MarkerCall], list[Finding]]:
    """Species and sex of each sample, by sample; empty where the table has no such column.

    Raises
    ------
    ParameterError : a named column is not there.
    """
    from ghostcat.genetics.markers import call_sex, call_species

    findings: list[Finding] = []
    species = {
        name: call_species(name, readings)
        for name, readings in _readings(genotypes, columns.species, _SPECIES).items()
    }
    sex: dict[str, MarkerCall] = {}
    for name, readings in _readings(genotypes, columns.sex, _SEX).items():
        try:
            sex[name] = call_sex(name, readings)
        except ParameterError as strange:
            findings.append(
                Finding(
                    code="sex_reading_unknown",
                    severity="warning",
                    message=f"{strange.what}; the sex of this sample is not called",
                    fix=strange.fix,
                    ids=(name,),
                    where=file,
                )
            )
    return species, sex, findings


def _readings(genotypes: Genotypes, named: str, usual: Sequence[str]) -> dict[str, list[str]]:
    there = {name.casefold(): name for name in genotypes.columns}
    if named and named.casefold() not in there:
        raise ParameterError(
            f"there is no column {named!r}", fix=f"Columns are {', '.join(genotypes.columns) or 'none'}."
        )
    column = next((there[name] for name in ((named.casefold(),) if named else usual) if name in there), None)
    if column is None:
        return {}
    read: dict[str, list[str]] = {}
    for sample, value in zip(genotypes.samples, genotypes.columns[column], strict=True):
        read.setdefault(sample, []).append(value)
    return read


def pooled_sex(animal: str, members: Sequence[str], sex: Mapping[str, MarkerCall]) -> MarkerCall | None:
    """The sex of an animal from the readings of all its samples; None where nothing was read."""
    from ghostcat.genetics.markers import call_sex

    heard = [reading for name in members if name in sex for reading in sex[name].readings]
    return call_sex(animal, heard) if heard else None
