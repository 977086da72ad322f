"""From a survey, or straight from a package of photos, to the population portrait."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from ghostcat._version import __version__
from ghostcat.errors import EstimateRefused
from ghostcat.portrait import Estimate, Portrait, Refusal, compose_portrait
from ghostcat.survey import Survey, is_survey
from ghostcat.survey.evidence import Finding
from ghostcat.survey.history import EncounterHistory, encounter_history
from ghostcat.workflows.checking import check
from ghostcat.workflows.estimating import estimate_history
from ghostcat.workflows.identifying import identify, questions
from ghostcat.workflows.importing import Reading, import_evidence
from ghostcat.workflows.opening import open, survey_beside
from ghostcat.workflows.progress import Progress, silent
from ghostcat.workflows.regions import Region, read_region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ghostcat.report import ReportFiles

__all__ = ["PortraitResult", "portrait", "report", "summary"]


@dataclass(frozen=True, kw_only=True)
class PortraitResult:
    """A portrait, where its report lies, and the survey it came from."""

    portrait: Portrait
    report: ReportFiles
    survey: Path


def portrait(
    source: str | Path | Survey,
    *,
    out: str | Path | None = None,
    region: str | Path | None = None,
    region_crs: str | None = None,
    lang: str = "en",
    processes: int | None = None,
    progress: Progress = silent,
    **reading: Unpack[Reading],
) -> PortraitResult:
    """The whole way without a person: import, identify, estimate, report.

    Parameters
    ----------
    source : a survey folder, or a package of photos with its tables. A package gets a survey of
        its own, `NAME.ghostcat` in `out`, which the next call goes on with.
    out : folder for that survey; the current folder by default.
    region : polygons or mask cells that the abundance is for (see `read_region`).
    lang : of the report: `en`, `ru` or `zh`.
    reading : what the package does not say itself, see `import_evidence`.

    Raises
    ------
    FormatError, EvidenceConflict : the package cannot be imported. An estimate that the data
        cannot carry is not an error here: the portrait says why there is none.
    """
    survey = _survey_of(source, out, reading, processes=processes, progress=progress)
    identify(survey, processes=processes, progress=progress)
    files, drawn = _write(survey, lang=lang, region=region, region_crs=region_crs, folder=None)
    return PortraitResult(portrait=drawn, report=files, survey=survey.folder)


def report(
    survey: str | Path | Survey,
    *,
    folder: str | Path | None = None,
    region: str | Path | None = None,
    region_crs: str | None = None,
    lang: str = "en",
) -> PortraitResult:
    """Write the portrait of a survey as it stands, without identifying anew.

    Parameters
    ----------
    folder : where to; `results/portrait` in the survey by default.
    """
    opened = open(survey)
    target = None if folder is None else Path(folder)
    files, drawn = _write(opened, lang=lang, region=region, region_crs=region_crs, folder=target)
    return PortraitResult(portrait=drawn, report=files, survey=opened.folder)


def summary(result: PortraitResult) -> dict[str, object]:
    """The portrait in a few keys, for programs. An interval goes with every estimate."""
    drawn = result.portrait
    shared: dict[str, object] = {
        "title": drawn.title,
        "synthetic": drawn.synthetic,
        "individuals": sum(entry.counted for entry in drawn.catalogue),
        "half_identities_not_counted": sum(not entry.counted for entry in drawn.catalogue),
        "minimum_count": drawn.minimum_count,
        "questions": drawn.questions,
    }
    ending: dict[str, object] = {
        "report": str(result.report.html),
        "survey": str(result.survey),
        "warnings": [f"{f.code}: {f.message}" for f in _warnings(drawn)],
    }
    if isinstance(drawn.estimate, Refusal):
        refusal = {"code": drawn.estimate.code, "reason": drawn.estimate.reason, "fix": drawn.estimate.fix}
        nothing = dict.fromkeys(("abundance", "density_per_100km2", "sigma_m", "lambda0"))
        return shared | nothing | {"refused": refusal} | ending
    return shared | estimate_summary(drawn.estimate) | ending


def estimate_summary(estimate: Estimate) -> dict[str, object]:
    """An estimate in a few keys. `abundance` is the expected N of `abundance_is_for`."""
    return {
        "abundance": _interval(estimate.abundance),
        "abundance_is_for": estimate.region,
        "region_area_km2": estimate.region_area_km2,
        "realised_abundance": _interval(estimate.realised),
        "density_per_100km2": _interval(estimate.density_per_100km2),
        "sigma_m": estimate.sigma_m.estimate,
        "lambda0": estimate.lambda0.estimate,
        "intervals": {"sigma_m": _interval(estimate.sigma_m), "lambda0": _interval(estimate.lambda0)},
        "effective_area_km2": estimate.effective_area_km2,
        "animals": estimate.animals,
        "detections": estimate.detections,
        "spatial_recaptures": estimate.spatial_recaptures,
        "log_likelihood": estimate.log_likelihood,
        "aic": estimate.aic,
        "converged": estimate.converged,
    }


def _interval(interval: object) -> dict[str, float]:
    return {name: getattr(interval, name) for name in ("estimate", "lower", "upper", "standard_error")}


def _warnings(drawn: Portrait) -> list[Finding]:
    diagnostics = () if isinstance(drawn.estimate, Refusal) else drawn.estimate.diagnostics
    return [f for f in (*diagnostics, *drawn.left_out, *drawn.findings) if f.severity != "note"]


def _survey_of(
    source: str | Path | Survey,
    out: str | Path | None,
    reading: Reading,
    *,
    processes: int | None,
    progress: Progress,
) -> Survey:
    if isinstance(source, Survey) or is_survey(Path(source)):
        return open(source)
    survey = survey_beside(Path(source), beside=None if out is None else Path(out))
    import_evidence(survey, source, processes=processes, progress=progress, **reading)
    return survey


def _write(
    survey: Survey,
    *,
    lang: str,
    region: str | Path | None,
    region_crs: str | None,
    folder: Path | None,
) -> tuple[ReportFiles, Portrait]:
    from ghostcat.report import write_report

    snapshot = survey.snapshot()
    history = encounter_history(snapshot)
    where = None if region is None else read_region(region, survey_crs=history.crs, region_crs=region_crs)
    drawn = compose_portrait(
        snapshot,
        history,
        _estimate_or_refusal(history, where),
        made_at=datetime.now(UTC),
        questions=len(questions(survey)),
        findings=check(survey),
        provenance=_provenance(survey, snapshot.fingerprint, region),
        title=snapshot.sources[0].name if len(snapshot.sources) == 1 else "",
    )
    media = snapshot.media

    def load_photo(media_id: str) -> NDArray[np.uint8]:
        from ghostcat.photos import load_rgb

        return load_rgb(survey.photo_path(media[media_id]))

    target = folder or survey.folder / "results" / "portrait"
    return write_report(drawn, target, lang=lang, load_photo=load_photo), drawn


def _estimate_or_refusal(history: EncounterHistory, region: Region | None) -> Estimate | Refusal:
    try:
        return estimate_history(history, region=region)
    except EstimateRefused as refused:
        return Refusal(code=refused.code, reason=refused.what, fix=refused.fix)


def _provenance(survey: Survey, fingerprint: str, region: str | Path | None) -> Mapping[str, str]:
    import numpy
    import scipy

    return {
        "ghostcat": __version__,
        "survey": survey.name,
        "evidence_and_decisions": fingerprint,
        "identification": str(survey.setting("identification_engine", "not identified")),
        "pass_gap_minutes": str(survey.setting("gap_minutes", 30)),
        "region": "chosen by ghostcat" if region is None else Path(region).name,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
    }
