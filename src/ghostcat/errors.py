"""Every error that ghostcat raises on purpose.

GhostcatError
├── InputError            what a user gave cannot be used as it is
│   ├── FormatError       a file or table of another program is not what it should be
│   └── ParameterError    an argument is outside its range
├── SurveyError           the survey on disk
│   ├── SurveyNotFound
│   ├── SurveyExists
│   ├── SurveyTooNew      written by a newer ghostcat
│   └── EvidenceConflict  two sources say different things under one id
├── DecisionError         a decision that cannot be recorded (unknown photo, name taken …)
├── EstimateRefused       the data cannot carry the estimate that was asked for
└── ModelMissing          a model file that was asked for is not there
"""

from __future__ import annotations

__all__ = [
    "DecisionError",
    "EstimateRefused",
    "EvidenceConflict",
    "FormatError",
    "GhostcatError",
    "InputError",
    "ModelMissing",
    "ParameterError",
    "SurveyError",
    "SurveyExists",
    "SurveyNotFound",
    "SurveyTooNew",
]


class GhostcatError(Exception):
    """What went wrong, where, and what to do about it.

    Parameters
    ----------
    what : the fault, with value and unit.
    where : file, row, id; empty when there is no place.
    fix : what the user can do; empty when nothing can be advised.

    >>> str(GhostcatError("latitude 112.4 is outside −90…90", where="row 14", fix="Swap the columns."))
    'row 14: latitude 112.4 is outside −90…90. Swap the columns.'
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        place = f"{where}: " if where else ""
        advice = f"{'' if what.endswith(('.', '?', '!')) else '.'} {fix}" if fix else ""
        super().__init__(f"{place}{what}{advice}")

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments must survive the trip back from a worker process.
        return (_rebuild, (type(self), self.what, self.where, self.fix, self.__dict__))


def _rebuild(
    kind: type[GhostcatError], what: str, where: str, fix: str, state: dict[str, object]
) -> GhostcatError:
    error = kind.__new__(kind)
    GhostcatError.__init__(error, what, where=where, fix=fix)
    error.__dict__.update(state)
    return error


class InputError(GhostcatError):
    """What a user gave cannot be used as it is."""


class FormatError(InputError):
    """A file or table of another program is not what it should be."""


class ParameterError(InputError):
    """An argument is outside its range."""


class SurveyError(GhostcatError):
    """The survey on disk cannot do what was asked."""


class SurveyNotFound(SurveyError):
    """There is no survey at this place."""


class SurveyExists(SurveyError):
    """A new survey would overwrite one that is there."""


class SurveyTooNew(SurveyError):
    """The survey was written by a newer ghostcat."""


class EvidenceConflict(SurveyError):
    """Two sources say different things under one id."""


class DecisionError(GhostcatError):
    """A decision that cannot be recorded."""


class EstimateRefused(GhostcatError):
    """The data cannot carry the estimate that was asked for.

    `code` is a stable word for screens and scripts, for example `one_animal`
    or `no_spatial_recaptures`.
    """

    def __init__(self, what: str, *, code: str, where: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.code = code


class ModelMissing(GhostcatError):
    """A model file that was asked for is not there."""
