"""Findings as they are shown: those of one code together, the grave ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ghostcat.language import Wording
from ghostcat.report.findings import FINDINGS
from ghostcat.report.lineage_words import LINEAGE_FINDINGS
from ghostcat.report.phrases import Phrase, in_words
from ghostcat.report.words import SEVERITIES
from ghostcat.survey.evidence import Finding

__all__ = ["Remark", "remarks"]

_SHOWN_IDS = 12
_SHOWN_MESSAGES = 30


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Findings of one code, together."""

    severity: str
    severity_word: str
    what: Phrase
    fix: Phrase | None
    count: int
    ids: tuple[str, ...]
    more_ids: int
    messages: tuple[str, ...]
    more_messages: int


_ORDER = ("error", "warning", "note")


def remarks(findings: Sequence[Finding], words: Wording) -> tuple[Remark, ...]:
    """Findings of one code and severity as one remark, the grave ones first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.code), []).append(finding)
    return tuple(
        _remark(group, words)
        for _, group in sorted(groups.items(), key=lambda item: _ORDER.index(item[0][0]))
    )


def _remark(group: Sequence[Finding], words: Wording) -> Remark:
    first = group[0]
    meaning = FINDINGS.get(first.code) or LINEAGE_FINDINGS.get(first.code)
    if meaning is not None:
        what, fix = Phrase(words.gettext(meaning.what)), Phrase(words.gettext(meaning.fix))
    else:
        what, fix = in_words(first.message, words), in_words(first.fix, words)
    if not fix.text and first.fix:
        fix = in_words(first.fix, words)
    ids = list(dict.fromkeys(name for finding in group for name in finding.ids))
    messages = [
        f"{finding.where}: {finding.message}" if finding.where else finding.message
        for finding in group
        if meaning is not None or len(group) > 1 or finding.where
    ]
    return Remark(
        severity=first.severity,
        severity_word=words.gettext(SEVERITIES[first.severity]),
        what=what,
        fix=fix if fix.text else None,
        count=len(group),
        ids=tuple(ids[:_SHOWN_IDS]),
        more_ids=max(len(ids) - _SHOWN_IDS, 0),
        messages=tuple(messages[:_SHOWN_MESSAGES]),
        more_messages=max(len(messages) - _SHOWN_MESSAGES, 0),
    )
