"""Write a survey as a Camtrap DP 1.0.2 package.

References
----------
Bubnicki et al. (2023) Camtrap DP: an open standard for the FAIR exchange and archiving of camera
trap data. Remote Sensing in Ecology and Conservation. doi:10.1002/rse2.374
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ghostcat.errors import InputError, ParameterError
from ghostcat.formats.camtrap_dp_photos import PhotoPolicy, Progress, place_photos
from ghostcat.formats.camtrap_dp_rows import (
    Row,
    covariate_rows,
    deployment_rows,
    failure_rows,
    individual_rows,
    is_complete,
    media_rows,
    observation_rows,
    station_rows,
    table_schema,
)
from ghostcat.formats.text_output import iso_utc, prepare_folder, write_table
from ghostcat.survey.evidence import Snapshot

__all__ = ["write_camtrap_dp"]

_STANDARD = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2"
_STRING, _NUMBER, _BOOLEAN = "string", "number", "boolean"
#: Tables of our own: what the standard has no place for.
_EXTRA: Mapping[str, Mapping[str, str]] = {
    "deployment-failures": {
        "deploymentID": _STRING,
        "start": "datetime",
        "end": "datetime",
        "cause": _STRING,
    },
    "individuals": {
        "individualID": _STRING,
        "ghostcatID": _STRING,
        "name": _STRING,
        "sex": _STRING,
        "counted": _BOOLEAN,
        "joined": _BOOLEAN,
        "sightings": "integer",
        "firstSeen": "datetime",
        "lastSeen": "datetime",
        "leftPhoto": _STRING,
        "rightPhoto": _STRING,
    },
    "stations": {
        "stationID": _STRING,
        "name": _STRING,
        "latitude": _NUMBER,
        "longitude": _NUMBER,
        "group": _STRING,
        "covariates": "object",
    },
    "deployment-covariates": {"deploymentID": _STRING, "name": _STRING, "value": _STRING},
}


def write_camtrap_dp(
    snapshot: Snapshot,
    folder: Path | str,
    *,
    photos: PhotoPolicy = "reference",
    survey_folder: Path | str | None = None,
    created: datetime | None = None,
    contributors: Sequence[Mapping[str, str]] | None = None,
    licenses: Sequence[Mapping[str, str]] | None = None,
    sampling_design: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write `datapackage.json`, the three standard tables, and tables of our own beside them.

    Identities are those of the survey as it stands (`individualID`, the name or else the id); the
    flank is a tag `flank:left`; failures, individuals, stations and covariates have tables of their
    own. Photos that lack what the standard requires, a time or a deployment, are listed with their
    observations in `media-incomplete.csv` and `observations-incomplete.csv`.

    Parameters
    ----------
    folder : made when it is not there.
    photos : `copy` copies every photo below `media/`: for publishing and passing on. `reference`
        writes where they lie now, `file:` addresses for photos outside the package: small, but only
        good on this computer, and it shows the names of its folders.
    survey_folder : what relative paths of photos are relative to.
    created : when the package was made, with time zone; by default the last moment that the survey
        knows of, so that one state of a survey always gives the same bytes.
    contributors, licenses : as in the standard; by default those of the imported package, if there
        was one. Licences need one of scope `data` and one of scope `media`.
    sampling_design : word of the standard; by default that of the imported package, else `targeted`.
    progress : called with (done, total) while photos are copied.

    Raises
    ------
    InputError : there is no deployment to write.
    ParameterError : an argument cannot be used.
    """
    if not snapshot.deployments:
        raise InputError(
            "the survey has no deployments, and a Camtrap DP package needs one",
            fix="Import deployments first.",
        )
    if photos not in ("reference", "copy"):
        raise ParameterError(f"photos is '{photos}'", fix="Choose reference or copy.")
    descriptor = _descriptor(snapshot, created, contributors, licenses, sampling_design)
    target = prepare_folder(folder)
    home = None if survey_folder is None else Path(survey_folder)
    media = list(snapshot.media.values())
    places = place_photos(media, target, policy=photos, survey_folder=home, progress=progress)
    complete = [m for m in media if is_complete(m, snapshot)]
    incomplete = [m for m in media if not is_complete(m, snapshot)]
    standard = {
        "deployments": deployment_rows(snapshot),
        "media": media_rows(complete, places, snapshot),
        "observations": observation_rows(snapshot, [m.id for m in complete]),
    }
    extra = {
        "deployment-failures": failure_rows(snapshot),
        "individuals": individual_rows(snapshot),
        "stations": station_rows(snapshot),
        "deployment-covariates": covariate_rows(snapshot),
    }
    resources: list[dict[str, Any]] = []
    for name, rows in standard.items():
        resources.append(_write(target, name, [f["name"] for f in table_schema(name)["fields"]], rows))
        resources[-1]["schema"] = f"{_STANDARD}/{name}-table-schema.json"
    for name, rows in extra.items():
        if rows:
            resources.append(_write(target, name, list(_EXTRA[name]), rows))
            resources[-1]["schema"] = {"fields": [{"name": n, "type": t} for n, t in _EXTRA[name].items()]}
    if incomplete:
        lacking = media_rows(incomplete, places, snapshot)
        unseen = observation_rows(snapshot, [m.id for m in incomplete])
        for name, rows in {"media": lacking, "observations": unseen}.items():
            columns = [f["name"] for f in table_schema(name)["fields"]]
            resources.append(_write(target, f"{name}-incomplete", columns, rows))
            resources[-1]["schema"] = {"fields": [{"name": n, "type": _STRING} for n in columns]}
    text = json.dumps({**descriptor, "resources": resources}, ensure_ascii=False, indent=2)
    (target / "datapackage.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return target


def _write(folder: Path, name: str, columns: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    write_table(folder / f"{name}.csv", columns, ([row.get(c) for c in columns] for row in rows))
    return {
        "name": name,
        "path": f"{name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
    }


def _descriptor(
    snapshot: Snapshot,
    created: datetime | None,
    contributors: Sequence[Mapping[str, str]] | None,
    licenses: Sequence[Mapping[str, str]] | None,
    sampling_design: str | None,
) -> dict[str, Any]:
    title = snapshot.name or "Camera-trap survey"
    people = contributors or _imported(snapshot, "contributors") or [{"title": f"Field team of {title}"}]
    terms = licenses or _imported(snapshot, "licenses")
    if terms and not {"data", "media"} <= {str(t.get("scope")) for t in terms}:
        raise ParameterError(
            "licences are needed for both data and media", fix='Give one with scope "data", one with "media".'
        )
    moment = created or _last_moment(snapshot)
    if moment.tzinfo is None:
        raise ParameterError(f"created is {moment}, without a time zone", fix="Give a moment in UTC.")
    descriptor: dict[str, Any] = {
        "profile": f"{_STANDARD}/camtrap-dp-profile.json",
        "name": re.sub(r"[^a-z0-9._-]+", "-", title.lower()).strip("-._") or "survey",
        "title": title,
        "created": iso_utc(moment.replace(microsecond=0)),
        "contributors": [dict(p) for p in people],
        "keywords": ["camera traps", "individual identification"],
        "project": _project(snapshot, title, sampling_design),
        "spatial": _spatial(snapshot),
        "temporal": _temporal(snapshot),
        "taxonomic": _taxonomic(snapshot),
        "ghostcat": {"fingerprint": snapshot.fingerprint},
    }
    if terms:
        descriptor["licenses"] = [dict(t) for t in terms]
    if snapshot.sources:
        descriptor["sources"] = [{"title": s.name or s.id} for s in snapshot.sources]
    if snapshot.synthetic:
        descriptor["synthetic"] = True
        descriptor["description"] = "Synthetic data: simulated, no field data."
        descriptor["keywords"].append("synthetic")
    return descriptor


def _imported(snapshot: Snapshot, name: str) -> list[Mapping[str, str]]:
    """What imported packages say, each once."""
    found: list[Mapping[str, str]] = []
    for source in snapshot.sources:
        values = source.metadata.get(name)
        for value in values if isinstance(values, list) else []:
            if isinstance(value, Mapping) and value not in found:
                found.append(value)
    return found


def _project(snapshot: Snapshot, title: str, sampling_design: str | None) -> dict[str, Any]:
    stated = [
        s.metadata["project"] for s in snapshot.sources if isinstance(s.metadata.get("project"), Mapping)
    ]
    project = {k: v for k, v in stated[0].items()} if len(stated) == 1 else {}  # type: ignore[attr-defined]
    return {
        **project,
        "title": title,
        "samplingDesign": sampling_design or project.get("samplingDesign") or "targeted",
        "captureMethod": project.get("captureMethod") or ["activityDetection"],
        "individualAnimals": True,
        "observationLevel": ["media"],
    }


def _last_moment(snapshot: Snapshot) -> datetime:
    moments = [d.end for d in snapshot.deployments.values()]
    moments += [d.made_at for d in snapshot.decisions if d.made_at is not None]
    return max(moments)


def _spatial(snapshot: Snapshot) -> dict[str, Any]:
    places = [snapshot.stations[d.station_id] for d in snapshot.deployments.values()]
    lon, lat = [p.lon for p in places], [p.lat for p in places]
    west, east, south, north = min(lon), max(lon), min(lat), max(lat)
    if (west, south) == (east, north):
        return {"type": "Point", "coordinates": [west, south]}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _temporal(snapshot: Snapshot) -> dict[str, str]:
    """First and last local day on which a camera stood."""

    def day(moment: datetime, offset_minutes: int | None) -> str:
        return (moment.astimezone(UTC) + timedelta(minutes=offset_minutes or 0)).date().isoformat()

    deployments = snapshot.deployments.values()
    return {
        "start": min(day(d.start, d.utc_offset_minutes) for d in deployments),
        "end": max(day(d.end, d.utc_offset_minutes) for d in deployments),
    }


def _taxonomic(snapshot: Snapshot) -> list[dict[str, str]]:
    ranks = {2: "species", 3: "subspecies"}
    taxa = []
    for name in sorted({d.species for d in snapshot.detections if d.species}):
        rank = ranks.get(len(name.split()))
        taxa.append({"scientificName": name, **({"taxonRank": rank} if rank else {})})
    return taxa
