"""The survey: what was seen, where, when, with what effort, and who decided what.

`ghostcat.survey.evidence` holds the nouns and needs no library; the names below bring the database
along and are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcat.survey._jobs import Job
    from ghostcat.survey.identities import Identities, Node, compute_identities
    from ghostcat.survey.records import AddReport, JobRow, PairScoreRow, PhotoRecord, ResultRow
    from ghostcat.survey.store import Survey, create_survey, is_survey, open_survey

__all__ = [
    "AddReport",
    "Identities",
    "Job",
    "JobRow",
    "Node",
    "PairScoreRow",
    "PhotoRecord",
    "ResultRow",
    "Survey",
    "compute_identities",
    "create_survey",
    "is_survey",
    "open_survey",
]

_HOME = {
    "AddReport": "records",
    "Identities": "identities",
    "Job": "_jobs",
    "JobRow": "records",
    "Node": "identities",
    "PairScoreRow": "records",
    "PhotoRecord": "records",
    "ResultRow": "records",
    "Survey": "store",
    "compute_identities": "identities",
    "create_survey": "store",
    "is_survey": "store",
    "open_survey": "store",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
