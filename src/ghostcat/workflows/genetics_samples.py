"""Samples in a survey: kept as evidence as a table brings them, and read back as genotypes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghostcat.errors import InputError
from ghostcat.formats.dates import find_date_order, parse_time
from ghostcat.formats.genotypes_reader import GenotypeKind
from ghostcat.survey import AddReport, Survey, is_survey
from ghostcat.survey.evidence import Evidence, Finding, Sample, Source
from ghostcat.workflows.genetics import LoadedGenotypes, load_genotypes
from ghostcat.workflows.opening import open

if TYPE_CHECKING:
    from ghostcat.genetics.genotypes import Genotypes, MarkerKind

__all__ = ["FieldFacts", "field_facts", "keep_samples", "load_samples"]

_DATE = ("date", "collected", "collection_date", "date_collected", "sampling_date", "дата", "日期")
_PLACE = (
    "station",
    "cell",
    "grid_cell",
    "search_cell",
    "grid",
    "detector",
    "trap",
    "place",
    "site",
    "станция",
)
_LON, _LAT = ("lon", "longitude", "long", "долгота", "经度"), ("lat", "latitude", "широта", "纬度")
_KIND = ("sample_type", "type", "material", "kind")


@dataclass(frozen=True)
class FieldFacts:
    """What a table says about where and when its samples were found."""

    collected: Mapping[str, date]
    place: Mapping[str, str]
    lon: Mapping[str, float]
    lat: Mapping[str, float]
    kind: Mapping[str, str]
    findings: tuple[Finding, ...]


def keep_samples(
    survey: str | Path | Survey, file: str | Path, *, kind: GenotypeKind | None = None
) -> tuple[AddReport, tuple[Finding, ...]]:
    """Store the samples of a genotype file in a survey: readings as they came, place, day, other columns.

    Importing twice changes nothing. Replicates of a sample are kept one by one.

    Raises
    ------
    EvidenceConflict : a sample id stands for something else here.
    """
    opened = open(survey)
    loaded = load_genotypes(file, kind=kind, replicates=True)
    found = field_facts(loaded.genotypes, loaded.file)
    content = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    evidence = Evidence(
        source=Source(
            id=f"genotypes:{loaded.file}",
            kind="genotypes",
            name=loaded.file,
            location=str(Path(file).resolve()),
            fingerprint=content,
        ),
        samples=tuple(_samples(loaded.genotypes, found)),
        findings=(*loaded.findings, *found.findings),
    )
    return opened.add_evidence(evidence), evidence.findings


def load_samples(
    source: str | Path, *, kind: GenotypeKind | None = None, by: str | None = None
) -> LoadedGenotypes:
    """Genotypes with replicates from a file, or from a survey that keeps samples.

    Raises
    ------
    InputError : the survey has no samples.
    """
    if is_survey(Path(source)):
        return _loaded(open(source))
    return load_genotypes(source, kind=kind, by=by, replicates=True)


def _loaded(survey: Survey) -> LoadedGenotypes:
    """The samples of a survey as genotypes."""
    from ghostcat.genetics.genotypes import Genotypes

    samples = survey.snapshot().samples
    if not samples:
        raise InputError(
            "the survey has no samples",
            where=survey.name,
            fix="Add them: ghostcat genetics samples SURVEY FILE",
        )
    loci = list(
        dict.fromkeys(
            locus for one in samples.values() for reading in one.readings for locus in _loci_of(reading)
        )
    )
    rows: list[tuple[Sample, Mapping[str, Any]]] = [
        (one, reading) for one in samples.values() for reading in one.readings
    ]
    names = list(dict.fromkeys(key for one in samples.values() for key in one.covariates))
    columns = {
        name: [_as_text(reading.get("columns"), one.covariates, name) for one, reading in rows]
        for name in names
    }
    columns["date"] = [one.collected.isoformat() if one.collected else "" for one, _ in rows]
    columns["station"] = [one.place for one, _ in rows]
    marker: MarkerKind = (
        "snp" if any(reading.get("marker") == "snp" for _, reading in rows) else "microsatellite"
    )
    genotypes = Genotypes.from_names(
        [one.id for one, _ in rows],
        loci,
        [[_pair(_loci_of(reading).get(locus)) for locus in loci] for _, reading in rows],
        marker=marker,
        replicates=[str(reading.get("replicate", "")) for _, reading in rows],
        columns=columns,
    )
    return LoadedGenotypes(genotypes, (), "table", survey.name)


def _as_text(own: object, shared: Mapping[str, Any], name: str) -> str:
    if isinstance(own, Mapping) and name in own:
        return str(own[name])
    return str(shared.get(name, ""))


def _loci_of(reading: Mapping[str, Any]) -> Mapping[str, Any]:
    loci = reading.get("loci", {})
    return loci if isinstance(loci, Mapping) else {}


def _pair(value: Any) -> tuple[str | None, str | None] | None:
    return None if not value else (value[0], value[1])


def _samples(genotypes: Genotypes, field: FieldFacts) -> Iterable[Sample]:
    rows_of: dict[str, list[int]] = {}
    for at, name in enumerate(genotypes.samples):
        rows_of.setdefault(name, []).append(at)
    for name, rows in rows_of.items():
        shared = {
            column: values[rows[0]]
            for column, values in genotypes.columns.items()
            if len({values[at] for at in rows}) == 1
        }
        yield Sample(
            id=name,
            kind=field.kind.get(name, "scat"),
            collected=field.collected.get(name),
            lon=field.lon.get(name),
            lat=field.lat.get(name),
            place=field.place.get(name, ""),
            readings=tuple(_reading(genotypes, at, shared) for at in rows),
            covariates={**shared, **_differing(genotypes, shared)},
        )


def _differing(genotypes: Genotypes, shared: Mapping[str, str]) -> dict[str, str]:
    """Columns that differ between replicates: named here, with the values beside each reading."""
    return {column: "" for column in genotypes.columns if column not in shared}


def _reading(genotypes: Genotypes, at: int, shared: Mapping[str, str]) -> dict[str, object]:
    loci: dict[str, object] = {}
    for number, locus in enumerate(genotypes.loci):
        codes = genotypes.alleles[at, number]
        loci[locus.name] = [locus.alleles[k] if k >= 0 else None for k in codes] if codes[0] >= 0 else None
    return {
        "replicate": genotypes.replicates[at],
        "marker": genotypes.loci[0].marker if genotypes.loci else "microsatellite",
        "loci": loci,
        "columns": {name: values[at] for name, values in genotypes.columns.items() if name not in shared},
    }


def field_facts(genotypes: Genotypes, file: str) -> FieldFacts:
    """Place, day and kind of each sample, from the columns of their usual names."""
    day = _column(genotypes, _DATE)
    findings: list[Finding] = []
    collected: dict[str, date] = {}
    order = find_date_order([text for text in day.values() if text], where=file) if day else None
    for name, text in day.items():
        read = parse_time(text, order=order) if text else None
        if read is not None:
            collected[name] = read.local.date()
        elif text:
            findings.append(
                Finding(
                    code="date_unreadable",
                    severity="warning",
                    message=f"sample {name}: {text!r} is no date that exists",
                    fix="Write it as YYYY-MM-DD.",
                    ids=(name,),
                    where=file,
                )
            )
    lon, lat = (_numbers(_column(genotypes, names)) for names in (_LON, _LAT))
    both = lon.keys() & lat.keys()
    return FieldFacts(
        collected=collected,
        place={name: text for name, text in _column(genotypes, _PLACE).items() if text},
        lon={name: lon[name] for name in both},
        lat={name: lat[name] for name in both},
        kind={name: text for name, text in _column(genotypes, _KIND).items() if text},
        findings=tuple(findings),
    )


def _column(genotypes: Genotypes, names: Sequence[str]) -> dict[str, str]:
    """First value that a sample has in the first of these columns."""
    there = {name.casefold().replace(" ", "_"): name for name in genotypes.columns}
    column = next((there[name] for name in names if name in there), None)
    found: dict[str, str] = {}
    if column is not None:
        for sample, value in zip(genotypes.samples, genotypes.columns[column], strict=True):
            if value.strip():
                found.setdefault(sample, value.strip())
    return found


def _numbers(texts: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for name, text in texts.items():
        try:
            found[name] = float(text.replace(",", "."))
        except ValueError:
            continue
    return found
