"""Words in the language of the page, or marked as those of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ghostcat.language import Wording
from ghostcat.report.words import PHRASES
from ghostcat.survey.evidence import Snapshot

__all__ = ["Phrase", "called", "in_words", "station_name", "value_of"]


@dataclass(frozen=True)
class Phrase:
    """Words in the language of the page, or in `lang` where no translation is known."""

    text: str
    lang: str = ""
    verbatim: bool = False
    """A name or key that is the same in every language."""


def in_words(text: str, words: Wording) -> Phrase:
    """`text`, which is an English sentence, translated where the catalogue has it."""
    return Phrase(words.gettext(text), "" if words.knows(text) else "en")


def called(code: str, names: Mapping[str, str], words: Wording) -> Phrase:
    """What `code` is called, or `code` itself."""
    if code in names:
        return Phrase(words.gettext(names[code]))
    if code.casefold() in names:
        return Phrase(words.gettext(names[code.casefold()]))
    return Phrase(code, verbatim=True)


def value_of(text: str, words: Wording) -> Phrase:
    """A value of the provenance: one of the few known phrases, or what it is."""
    return Phrase(words.gettext(text)) if text in PHRASES else Phrase(text, verbatim=True)


def station_name(station_id: str, snapshot: Snapshot) -> str:
    """The name people use for a station; its id when it has none."""
    station = snapshot.stations.get(station_id)
    return station.name if station is not None and station.name else station_id
