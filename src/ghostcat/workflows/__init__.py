"""The use cases: what the command line, a web page or a notebook can ask of a survey.

Names are imported when they are used, so that a small question does not load the whole house.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcat.workflows.checking import check
    from ghostcat.workflows.deciding import DecidedKind, decide
    from ghostcat.workflows.demonstrating import DemoResult, demo
    from ghostcat.workflows.estimating import estimate, estimate_tables
    from ghostcat.workflows.exporting import export
    from ghostcat.workflows.identifying import (
        IdentifyReport,
        identify,
        individuals,
        name_individual,
        questions,
    )
    from ghostcat.workflows.importing import ImportReport, import_evidence
    from ghostcat.workflows.opening import is_survey, new, open
    from ghostcat.workflows.portraying import PortraitResult, estimate_summary, portrait, report, summary
    from ghostcat.workflows.reviewing import Review, review

_MODULE_OF = {
    "DecidedKind": "deciding",
    "DemoResult": "demonstrating",
    "IdentifyReport": "identifying",
    "ImportReport": "importing",
    "PortraitResult": "portraying",
    "Review": "reviewing",
    "check": "checking",
    "decide": "deciding",
    "demo": "demonstrating",
    "estimate": "estimating",
    "estimate_summary": "portraying",
    "estimate_tables": "estimating",
    "export": "exporting",
    "identify": "identifying",
    "import_evidence": "importing",
    "individuals": "identifying",
    "is_survey": "opening",
    "name_individual": "identifying",
    "new": "opening",
    "open": "opening",
    "portrait": "portraying",
    "questions": "identifying",
    "report": "portraying",
    "review": "reviewing",
    "summary": "portraying",
}

__all__ = [
    "DecidedKind",
    "DemoResult",
    "IdentifyReport",
    "ImportReport",
    "PortraitResult",
    "Review",
    "check",
    "decide",
    "demo",
    "estimate",
    "estimate_summary",
    "estimate_tables",
    "export",
    "identify",
    "import_evidence",
    "individuals",
    "is_survey",
    "name_individual",
    "new",
    "open",
    "portrait",
    "questions",
    "report",
    "review",
    "summary",
]


def __getattr__(name: str) -> object:
    if name in _MODULE_OF:
        return getattr(import_module(f"ghostcat.workflows.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'ghostcat.workflows' has no attribute {name!r}")
