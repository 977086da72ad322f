"""In which language a person reads: translated words, and how numbers and dates are written.

Catalogues are gettext `.po` files beside this module. They are compiled in memory when a
language is first asked for, so there is no compiled copy that could be out of date, and an
installed wheel needs no build step. English is the language of the source and needs no file.
"""

from __future__ import annotations

import gettext
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

from ghostcat.errors import ParameterError

if TYPE_CHECKING:
    from babel import Locale
    from babel.messages.catalog import Catalog

__all__ = ["LANGUAGES", "Wording", "catalogue", "mark", "translator", "wording"]

#: Each language that ghostcat speaks, by code, with its own name.
LANGUAGES: Mapping[str, str] = {"en": "English", "ru": "Русский", "zh": "简体中文"}

_LOCALES = {"en": "en_GB", "ru": "ru_RU", "zh": "zh_Hans_CN"}


def mark(message: str) -> str:
    """Mark `message` for the catalogue where it is written, to be translated where it is shown.

    >>> mark("flank too dark")
    'flank too dark'
    """
    return message


@cache
def translator(lang: str) -> gettext.NullTranslations:
    """Translations of one language.

    Parameters
    ----------
    lang : a key of `LANGUAGES`.

    Raises
    ------
    ParameterError : ghostcat does not speak this language.

    >>> translator("en").ngettext("%(n)s animal", "%(n)s animals", 2) % {"n": 2}
    '2 animals'
    """
    if lang not in LANGUAGES:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        raise ParameterError(f"language {lang!r} is not known", fix=f"Choose one of: {known}.")
    if lang == "en":
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, catalogue(lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def catalogue(lang: str) -> Catalog:
    """Everything that is translated into `lang`: one `.po` file a room."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    whole = Catalog(locale=lang)
    folder = files("ghostcat").joinpath("locale", lang, "LC_MESSAGES")
    for file in sorted(folder.iterdir(), key=lambda path: path.name):
        if file.name.endswith(".po"):
            for message in read_po(BytesIO(file.read_bytes()), locale=lang):
                if message.id:
                    whole[message.id] = message
    return whole


def wording(lang: str) -> Wording:
    """Words, numbers and dates as a reader of `lang` expects them."""
    from babel import Locale

    translations = translator(lang)
    return Wording(lang=lang, translations=translations, locale=Locale.parse(_LOCALES[lang]))


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How one language says things. The numbers are the same in all; only their dress differs."""

    lang: str
    translations: gettext.NullTranslations
    locale: Locale

    def gettext(self, message: str) -> str:
        """`message` in this language, or as it is when no translation is known."""
        return self.translations.gettext(message) if message else ""

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """The form that goes with `n`; Russian has three."""
        return self.translations.ngettext(singular, plural, n)

    def knows(self, message: str) -> bool:
        """Whether `message` reads as this language: it is English, or the catalogue has it."""
        return self.lang == "en" or self.gettext(message) != message

    def number(self, value: float, decimals: int = 0) -> str:
        """`value` with exactly `decimals` decimals and this language's separators."""
        from babel.numbers import format_decimal

        if not math.isfinite(value):
            return "–" if math.isnan(value) else "∞"
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        written = str(format_decimal(value, format=pattern, locale=self.locale))
        return written.replace("-", "−")

    def date(self, day: Day) -> str:
        """A day in full, for example *1 November 2025*."""
        from babel.dates import format_date

        return _unbroken(format_date(day, format="long", locale=self.locale))

    def short_date(self, day: Day) -> str:
        """A day in short, for example *1 Nov 2025*."""
        from babel.dates import format_date

        return _unbroken(format_date(day, format="medium", locale=self.locale))

    def days(self, first: Day, last: Day) -> str:
        """A span of days, for example *1 November 2025 – 31 January 2026*."""
        from babel.dates import format_interval

        if first == last:
            return self.date(first)
        return str(format_interval(first, last, skeleton="yMMMd", locale=self.locale))

    def month(self, day: Day) -> str:
        """The month alone, short, for axes."""
        from babel.dates import format_date

        return str(format_date(day, format="LLL", locale=self.locale))

    def moment(self, when: datetime) -> str:
        """Day and time of day, in the time zone of `when`."""
        from babel.dates import format_datetime

        return str(format_datetime(when, format="medium", tzinfo=when.tzinfo, locale=self.locale))


def _unbroken(text: str) -> str:
    """A date or time that stays on one line."""
    return text.replace(" ", "\u00a0")
