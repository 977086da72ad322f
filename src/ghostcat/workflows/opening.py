"""Make a survey, open one, or find the one that belongs to a package of photos."""

from __future__ import annotations

from pathlib import Path

from ghostcat.errors import SurveyExists, SurveyNotFound
from ghostcat.survey import Survey, create_survey, is_survey, open_survey

__all__ = ["is_survey", "new", "open", "survey_beside"]

SUFFIX = ".ghostcat"


def new(folder: str | Path, *, name: str = "", database_url: str | None = None) -> Survey:
    """Make an empty survey in a new folder and open it.

    Parameters
    ----------
    folder : where; must not exist or be empty.
    name : what people call it; the folder's name when empty.
    database_url : a PostgreSQL server to keep the tables on; SQLite inside the folder by default.

    Raises
    ------
    SurveyExists : there is one already.
    """
    folder = Path(folder)
    return create_survey(folder, name=name or folder.name.removesuffix(SUFFIX), database_url=database_url)


def open(survey: str | Path | Survey) -> Survey:
    """Open a survey folder; an open survey is handed back as it is.

    Raises
    ------
    SurveyNotFound : there is no survey in this folder.
    SurveyTooNew : it was written by a newer ghostcat.
    """
    return survey if isinstance(survey, Survey) else open_survey(Path(survey))


def survey_beside(source: Path, *, beside: Path | None = None) -> Survey:
    """The survey of a photo package: `NAME.ghostcat` in `beside` (default: the current folder).

    It is made on the first call and found again on every later one, so that work on a package
    goes on where it stopped. The package itself is never written to.

    Raises
    ------
    SurveyExists : the survey of that name holds another package.
    """
    source = source.resolve()
    folder = (beside or Path.cwd()) / f"{source.stem if source.is_file() else source.name}{SUFFIX}"
    try:
        survey = open_survey(folder)
    except SurveyNotFound:
        return new(folder)
    held = [Path(one.location).resolve() for one in survey.snapshot().sources]
    if held and not any(place in (source, *source.parents) or source in place.parents for place in held):
        survey.close()
        raise SurveyExists(
            f"this survey was made from {held[0]}",
            where=str(folder),
            fix="Choose another folder with --out, or add the package to it with ghostcat import.",
        )
    return survey
