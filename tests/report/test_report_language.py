"""Is every word there in Russian and in Chinese?"""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

import ghostcat
from ghostcat.language import LANGUAGES, Wording, catalogue, translator, wording
from ghostcat.portrait.portrait import MINIMUM_COUNT_RULE
from ghostcat.report import words
from ghostcat.report.findings import FINDINGS, REFUSALS
from ghostcat.report.write import render_page

SOURCE = Path(ghostcat.__file__).parent
OTHERS = [lang for lang in LANGUAGES if lang != "en"]


@pytest.fixture(scope="module")
def messages() -> set[tuple[str, ...]]:
    """Every message of the source: (singular,) or (singular, plural)."""
    with SOURCE.joinpath("locale", "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = {
        message if isinstance(message, tuple) else (message,)
        for _, _, message, _, _ in extract_from_dir(SOURCE, methods, options)
    }
    assert len(found) > 200
    return found


@pytest.mark.parametrize("lang", OTHERS)
def test_no_message_is_missing_fuzzy_or_left_over(messages, lang):
    known = {}
    for entry in catalogue(lang):
        if entry.id:
            assert not entry.fuzzy, f"{lang}: fuzzy: {entry.id}"
            strings = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
            known[entry.id if isinstance(entry.id, tuple) else (entry.id,)] = tuple(strings)
    assert set(known) == messages
    forms = {"ru": 3, "zh": 1}[lang]
    for ids, strings in known.items():
        assert len(strings) == (forms if len(ids) == 2 else 1)
        assert all(string.strip() for string in strings), f"{lang}: not translated: {ids}"


PLACES = re.compile(r"%\(\w+\)s|%%|\{\w+\}")


@pytest.mark.parametrize("lang", OTHERS)
def test_translations_keep_every_placeholder(lang):
    for entry in catalogue(lang):
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        strings = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
        for string in strings:
            assert sorted(PLACES.findall(string)) == sorted(PLACES.findall(ids[-1])), string


@pytest.mark.parametrize(("lang", "letters"), [("ru", r"[А-Яа-яё]"), ("zh", r"[\u4e00-\u9fff]")])
def test_translations_are_in_their_language(lang, letters):
    same = {"{shown} of {all}", "Sigma (σ)", "Lambda0 (λ0)"}
    for entry in catalogue(lang):
        strings = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
        if entry.id and entry.id not in same:
            assert all(re.search(letters, string) for string in strings), entry.id


def test_russian_counts_in_three_ways():
    count = translator("ru").ngettext
    forms = [count("%(n)s pass", "%(n)s passes", n) % {"n": n} for n in (1, 2, 5, 11, 21, 104, 112)]
    assert forms == [
        "1 проход",
        "2 прохода",
        "5 проходов",
        "11 проходов",
        "21 проход",
        "104 прохода",
        "112 проходов",
    ]


class Brackets(gettext.NullTranslations):
    """A language that puts every translated text into brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


FREE = re.compile(r"AIC|UTC(\+10)?|λ0|[a-z_]+\.(csv|json)|\{shown\}|\{all\}")


@pytest.mark.parametrize("kind", ["rich", "refused", "empty"])
def test_no_text_of_the_page_escapes_translation(samples, parse_page, kind):
    portrait = getattr(samples, f"{kind}_portrait")()
    # Dates come from Babel. In Chinese they have no Latin letters, which leaves those of the template.
    pseudo = Wording(lang="xx", translations=Brackets(), locale=Locale("zh", script="Hans"))
    page = parse_page(render_page(portrait, pseudo, load_photo=samples.photograph))
    names = sorted(
        {e.name for e in portrait.catalogue} | {e.individual_id for e in portrait.catalogue}, key=len
    )

    def left_over(text: str) -> str:
        while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
            text = shorter
        for name in reversed(names):
            text = text.replace(name, "")
        return FREE.sub("", text)

    def needs_none(node) -> bool:
        return node.inherits("translate", "no") or node.tag in ("script", "style")

    for node in page.nodes:
        for name in ("aria-label", "alt", "title", "placeholder", "data-of"):
            text = node.attributes.get(name, "")
            assert needs_none(node) or not re.search("[A-Za-z]", left_over(text)), (name, text)
    for text, node in page.pieces:
        if not needs_none(node) and node.tag != "title":
            assert not re.search("[A-Za-z]", left_over(text)), (node.tag, text)


def test_english_that_nobody_translated_is_marked_as_english(reports, read_page):
    page = read_page(reports["rich", "ru"].html)
    foreign = [node for node in page.nodes if node.attributes.get("lang") == "en"]
    assert any("an invented fault that no catalogue knows" in "".join(node.text) for node in foreign)


def test_the_report_translates_the_rule_of_the_minimum_count():
    assert MINIMUM_COUNT_RULE in words.PHRASES
    assert wording("ru").knows(MINIMUM_COUNT_RULE) and wording("zh").knows(MINIMUM_COUNT_RULE)


@pytest.mark.parametrize("room", ["survey", "scr"])
def test_every_code_that_reaches_the_report_has_words(room):
    used = {
        code
        for path in SOURCE.joinpath(room).rglob("*.py")
        for line in re.findall(r"\bcode=(\".*)", path.read_text("utf-8"))
        for code in re.findall(r'"([a-z_]+)"', line)
    }
    assert len(used) > 10
    assert used - set(FINDINGS) - set(REFUSALS) == set()
