"""ghostcat: from camera cards to a population portrait with honest margins of error.

Every command of the command line has a twin here:

>>> import ghostcat
>>> survey = ghostcat.new("khasan-2026.ghostcat")                 # doctest: +SKIP
>>> ghostcat.import_evidence(survey, "cards/autumn")              # doctest: +SKIP
>>> ghostcat.identify(survey)                                     # doctest: +SKIP
>>> ghostcat.estimate(survey).abundance                           # doctest: +SKIP
Interval(estimate=31.2, lower=22.4, upper=43.5, standard_error=5.3)

Nothing heavy is imported until it is used.
"""

from importlib import import_module

from ghostcat._version import __version__

_TWINS = {
    "check": "ghostcat.workflows.checking",
    "decide": "ghostcat.workflows.deciding",
    "demo": "ghostcat.workflows.demonstrating",
    "estimate": "ghostcat.workflows.estimating",
    "estimate_tables": "ghostcat.workflows.estimating",
    "export": "ghostcat.workflows.exporting",
    "identify": "ghostcat.workflows.identifying",
    "import_evidence": "ghostcat.workflows.importing",
    "individuals": "ghostcat.workflows.identifying",
    "new": "ghostcat.workflows.opening",
    "open": "ghostcat.workflows.opening",
    "portrait": "ghostcat.workflows.portraying",
    "report": "ghostcat.workflows.portraying",
    "review": "ghostcat.workflows.reviewing",
}

__all__ = ["__version__", *sorted(_TWINS)]


def __getattr__(name: str) -> object:
    if name in _TWINS:
        return getattr(import_module(_TWINS[name]), name)
    raise AttributeError(f"module 'ghostcat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
