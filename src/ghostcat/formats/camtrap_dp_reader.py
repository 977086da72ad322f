"""Read a Camtrap DP 1.x package (folder, `datapackage.json` or zip) into evidence.

Three fields that the standard lacks are read from tags, as ghostcat writes them: `camera:A` of a paired
station and `country:RU` with the deployment, `flank:left` with the observation. Failures of a camera
come from an extra table `deployment-failures` (deploymentID, start, end, cause).

References
----------
Bubnicki et al. (2023) Camtrap DP: an open standard for the FAIR exchange and archiving of camera trap
data. Remote Sensing in Ecology and Conservation. doi:10.1002/rse2.374
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ghostcat.errors import FormatError, ParameterError
from ghostcat.formats.camtrap_dp_deployments import read_package_deployments
from ghostcat.formats.camtrap_dp_descriptor import Package, find_descriptor, open_package
from ghostcat.formats.camtrap_dp_media import read_package_media
from ghostcat.formats.camtrap_dp_observations import read_package_observations
from ghostcat.formats.camtrap_dp_schema import check_descriptor, check_tables
from ghostcat.formats.reader import Reader, says_synthetic, source_id
from ghostcat.formats.zip_package import unpack
from ghostcat.survey.evidence import ColumnMatch, Evidence, Source

__all__ = ["READER", "read_camtrap_dp"]


def read_camtrap_dp(
    path: str | Path,
    *,
    prefix: str = "",
    utc_offset_minutes: int | None = None,
    extract_to: str | Path | None = None,
) -> Evidence:
    """Read a Camtrap DP package.

    Parameters
    ----------
    path : folder of the package, its `datapackage.json`, or a zip file of it.
    prefix : put before every id, for two packages that use the same ones.
    utc_offset_minutes : offset of the camera clocks where a time has none (the standard asks for one).
    extract_to : folder below which a zip file is unpacked; needed for a zip, unused otherwise.

    Returns
    -------
    Evidence. Deviations from the standard that leave the meaning clear are findings.

    Raises
    ------
    FormatError : not a package of version 1.x, unsafe paths, or rows that cannot be understood.
    ParameterError : a zip file without `extract_to`.
    """
    path = Path(path)
    root = _unpacked(path, extract_to) if path.is_file() and path.suffix.lower() == ".zip" else path
    descriptor_path = find_descriptor(root)
    if descriptor_path is None:
        raise FormatError(
            "there is no datapackage.json", where=str(path), fix="Give the folder of a Camtrap DP package."
        )
    package = open_package(descriptor_path)
    where, found_where = read_package_deployments(
        package, prefix=prefix, utc_offset_minutes=utc_offset_minutes
    )
    taken, found_media = read_package_media(
        package, where.deployments, prefix=prefix, utc_offset_minutes=utc_offset_minutes
    )
    seen, found_seen = read_package_observations(package, taken, prefix=prefix)
    fingerprint = _fingerprint(descriptor_path, package)
    name = str(package.descriptor.get("name") or package.root.resolve().name)
    return Evidence(
        source=Source(
            id=source_id("camtrap-dp", name, fingerprint, prefix=prefix),
            kind="camtrap-dp",
            name=str(package.descriptor.get("title") or name),
            location=str(path.resolve()),
            fingerprint=fingerprint,
            metadata=_metadata(package),
        ),
        stations=where.stations,
        cameras=where.cameras,
        deployments=taken.deployments,
        media=seen.media,
        detections=seen.detections,
        findings=(
            *package.findings,
            *check_descriptor(package.descriptor),
            *check_tables({name: columns.table for name, columns in package.tables.items()}),
            *found_where,
            *found_media,
            *found_seen,
        ),
        columns=_columns(package),
    )


def _unpacked(path: Path, extract_to: str | Path | None) -> Path:
    if extract_to is None:
        raise ParameterError(
            "a zip file has to be unpacked somewhere",
            where=str(path),
            fix="Say where (extract_to), or unpack it and give the folder.",
        )
    return unpack(path, into=Path(extract_to))


def _fingerprint(descriptor: Path, package: Package) -> str:
    digest = hashlib.sha256(descriptor.read_bytes())
    tables = [columns.table for columns in package.tables.values()] + list(package.extra.values())
    for table in tables:
        for row in (table.header, *table.rows):
            digest.update("\0".join(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _metadata(package: Package) -> dict[str, object]:
    kept = ("name", "title", "description", "version", "created", "licenses", "contributors", "project")
    metadata = {name: package.descriptor[name] for name in kept if name in package.descriptor}
    individuals = package.extra.get("individuals")
    if individuals is not None:
        metadata["individuals"] = [
            dict(zip(individuals.header, row, strict=True)) for row in individuals.rows
        ]
    if says_synthetic(package.descriptor):
        metadata["synthetic"] = True
    return metadata


def _columns(package: Package) -> tuple[ColumnMatch, ...]:
    """Columns outside the standard; those of the standard are what their names say."""
    return tuple(
        match for columns in package.tables.values() for match in columns.matches() if not match.used_as
    )


def _recognises(path: Path) -> bool:
    return find_descriptor(path) is not None or (path.is_file() and path.suffix.lower() == ".zip")


READER = Reader(
    kind="camtrap-dp",
    title="Camtrap DP 1.x package (folder, datapackage.json or zip)",
    recognises=_recognises,
    read=read_camtrap_dp,
    rank=10,
)
