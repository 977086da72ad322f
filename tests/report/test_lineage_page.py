"""Does the page of lineages say what was found, to everyone, and in three languages?"""

from __future__ import annotations

import csv
import gettext
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from babel import Locale

from ghostcat.language import LANGUAGES, Wording, wording
from ghostcat.report import lineage_words
from ghostcat.report.lineage_tables import LINEAGE_CSV
from ghostcat.workflows.lineage_page import draw, lineage_report


@pytest.fixture(scope="module")
def lineage() -> ModuleType:
    """`sample_lineage.py`, which is no test and is on no path."""
    spec = importlib.util.spec_from_file_location(
        "ghostcat_sample_lineage", Path(__file__).with_name("sample_lineage.py")
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


QUICK = {"runs": 20, "years": 30}
PLANNING = {"litters": 5, "seconds": 5.0}


@pytest.fixture(scope="module")
def genotypes(tmp_path_factory) -> Path:
    """Twelve simulated animals at six loci in two populations, one too small for Ne."""
    import numpy as np

    rng = np.random.default_rng(2)
    path = tmp_path_factory.mktemp("dna") / "scats.csv"
    rows = ["sample,population," + ",".join(f"L{k}a,L{k}b" for k in range(6))]
    for i in range(33):
        alleles = 100 + 2 * rng.integers(0, 4, 12)
        rows.append(f"S{i},{'Nord' if i < 30 else 'Ost'}," + ",".join(map(str, alleles)))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pages(lineage, genotypes, tmp_path_factory):
    """The page of a simulated studbook of 120 in every language, in one folder."""
    folder = tmp_path_factory.mktemp("lineages")
    book = lineage.write_studbook(folder / "leo.csv", animals=120)
    return {
        lang: lineage_report(
            book, folder / "out", lang=lang, synthetic=True, title="Leo", planning=PLANNING,
            genotypes=genotypes, **QUICK,
        )
        for lang in LANGUAGES
    }  # fmt: skip


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A studbook without dates, places or a word on who lives, in which no pair can be made."""
    folder = tmp_path_factory.mktemp("plain")
    book = folder / "kin.csv"
    book.write_text("id,dam,sire,sex\nma,,,F\npa,,,M\nson,ma,pa,M\n<b>&x</b>,ma,pa,F\n", encoding="utf-8")
    (folder / "no.csv").write_text("animal,kind\nma,health\n<b>&x</b>,law\n", encoding="utf-8")
    planning = {"litters": 2, "vetoes": folder / "no.csv"}
    return lineage_report(book, folder / "out", planning=planning, lang="en", **QUICK)


def test_the_page_is_one_file_that_asks_for_nothing(pages, read_page):
    for lang, files in pages.items():
        page = read_page(files.html)
        assert files.html.name == f"lineages.{lang}.html"
        for node in page.nodes:
            for name in ("src", "href"):
                address = node.attributes.get(name, "")
                assert address.startswith(("data:", "#")) or re.fullmatch(r"[a-z_]*(\.csv|\.json)?", address)
        ids = [node.attributes["id"] for node in page.nodes if "id" in node.attributes]
        assert len(ids) == len(set(ids))
        for node in page.find("svg"):
            named = node.attributes.get("role") == "img" and node.attributes.get("aria-label")
            assert named or node.attributes.get("aria-hidden") == "true"
        assert page.find("html")[0].attributes["lang"].startswith(lang)


def test_every_file_that_the_page_names_is_there(pages, read_page):
    files = pages["en"]
    named = {
        node.attributes["href"]
        for node in read_page(files.html).find("a")
        if not node.attributes["href"].startswith("#")
    }
    assert named == {*LINEAGE_CSV, "lineages.json"}
    for name in named:
        assert (files.html.parent / name).stat().st_size > 20


def test_numbers_are_the_same_in_every_language(pages, read_page):
    def numbers(lang: str) -> list[str]:
        page = read_page(pages[lang].html)
        cells = [node for node in page.find("td", class_="n")]
        return ["".join(node.text).strip().replace(",", ".") for node in cells]

    assert numbers("en") == numbers("ru") == numbers("zh")
    assert len(numbers("en")) >= 20


def test_the_table_of_pairs_is_the_plan(pages, read_page):
    files = pages["en"]
    saved = json.loads(files.json.read_text("utf-8"))
    with (files.html.parent / "matchups.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(m["dam"], m["sire"]) for m in saved["plan"]["matches"]] == [(r["dam"], r["sire"]) for r in table]
    names = {"".join(node.text) for node in read_page(files.html).find("span", translate="no")}
    assert {r["dam"] for r in table} | {r["sire"] for r in table} <= names
    assert {r["synthetic"] for r in table} == {"yes"}
    assert len(table) == 5
    now, after = saved["plan"]["gene_diversity_now"], saved["plan"]["gene_diversity_after"]
    assert saved["numbers"]["gene_diversity"] == now < after


@pytest.mark.parametrize(("lang", "word"), [("en", "synthetic"), ("ru", "смоделировано"), ("zh", "模拟数据")])
def test_what_is_simulated_says_so_everywhere(pages, read_page, lang, word):
    page = read_page(pages[lang].html)
    assert len(page.find("div", class_="banner")) == 1
    for tag in ("h2", "figcaption"):
        for node in page.find(tag):
            assert word in "".join(node.text)
    for name in LINEAGE_CSV:
        header = (pages[lang].html.parent / name).read_text("utf-8-sig").splitlines()[0]
        assert header.split(",")[-1] == "synthetic"


def test_what_is_assumed_is_said_to_be(pages, plain, read_page):
    text = read_page(plain.html).text()
    assert "Assumed, not measured in this population" in text
    assert "survival of young to their first birthday: 0.45" in text
    assert "inbreeding does not lower survival" in text
    text = read_page(pages["en"].html).text()
    assert "From this studbook, with 95 % intervals" in text and "n = " in text


def test_a_season_without_a_pair_says_why_and_the_rest_stands(plain, read_page):
    page = read_page(plain.html)
    text = page.text()
    assert "No pair can be made" in text
    assert "taken for the living" in text
    assert page.find("svg", class_="pedigree") and page.find("svg", class_="kinship")
    assert "health" in text and "law" in text
    saved = json.loads(plain.json.read_text("utf-8"))
    assert saved["plan"] is None and saved["refusal"][0] == "no_pair"
    assert "synthetic" not in text.casefold()


def test_hostile_names_stay_text(plain, read_page):
    page = read_page(plain.html)
    assert not page.find("b")
    assert "<b>&x</b>" in {"".join(node.text).split(":")[0] for node in page.find("title")} | {
        "".join(node.text) for node in page.find("span", translate="no")
    }
    assert len(page.find("script")) == 1


def test_dna_is_there_with_its_refusal(pages, read_page):
    text = read_page(pages["en"].html).text()
    assert "What does the DNA say?" in text and "PIDsib" in text
    assert "refused" in text  # three animals carry no effective size
    with (pages["en"].html.parent / "genetics.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["population"] for row in rows] == ["Nord", "Ost"] and rows[1]["Ne"] == ""


class Brackets(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


FREE = re.compile(r"FIS|Ho|He|PIDsib|PID|UTC|[a-z_]+\.(csv|json)|\bn\b")


def test_no_text_of_the_page_escapes_translation(
    pages, parse_page, monkeypatch, tmp_path, lineage, genotypes
):
    pseudo = Wording(lang="xx", translations=Brackets(), locale=Locale("zh", script="Hans"))
    monkeypatch.setattr("ghostcat.report.lineage_write.wording", lambda lang: pseudo)
    book = lineage.write_studbook(tmp_path / "leo.csv", animals=60)
    files = lineage_report(
        book, tmp_path / "out", synthetic=True, planning=PLANNING, genotypes=genotypes, lang="en", **QUICK
    )
    page = parse_page(files.html.read_text("utf-8"))

    def left_over(text: str) -> str:
        while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
            text = shorter
        return FREE.sub("", re.sub(r"SB\d+", "", text))

    def needs_none(node) -> bool:
        return node.inherits("translate", "no") or node.tag in ("script", "style")

    for node in page.nodes:
        for name in ("aria-label", "alt", "title", "placeholder"):
            text = node.attributes.get(name, "")
            assert needs_none(node) or not re.search("[A-Za-z]", left_over(text)), (name, text)
    for text, node in page.pieces:
        if not needs_none(node) and node.tag != "title":
            assert not re.search("[A-Za-z]", left_over(text)), (node.tag, text)


def test_every_reason_and_veto_that_can_come_has_words():
    source = Path(lineage_words.__file__).parents[1] / "pedigree"
    matchups = (source / "matchups.py").read_text("utf-8")
    reasons = set(re.findall(r'"([a-z_]+)"', matchups.split("def _reasons")[1]))
    assert len(reasons) >= 10 and reasons <= set(lineage_words.REASONS_OF_PAIRS)
    vetoes = set(re.findall(r'kind="([a-z_]+)"|which = "([a-z_]+)"', (source / "suitability.py").read_text()))
    kinds = {a or b for a, b in vetoes} - {"stable"}  # a way of sorting
    assert len(kinds) >= 3 and kinds <= set(lineage_words.VETO_KINDS)
    for lang in ("ru", "zh"):
        assert all(wording(lang).knows(text) for text in lineage_words.REASONS_OF_PAIRS.values())


def test_findings_of_a_season_have_words():
    workflow = Path(lineage_words.__file__).parents[1] / "workflows" / "lineages.py"
    tables = Path(lineage_words.__file__).parents[1] / "formats" / "matchup_tables.py"
    codes = {
        code
        for path in (workflow, tables)
        for code in re.findall(r'(?:code=|^            )"([a-z]+_[a-z_]+)",$', path.read_text(), re.M)
    }
    assert len(codes) >= 8
    known = {*lineage_words.LINEAGE_FINDINGS, *lineage_words.LINEAGE_REFUSALS, "no_animals"}
    assert codes <= known


def test_the_drawing_stands_alone(lineage, tmp_path):
    book = lineage.write_studbook(tmp_path / "leo.csv", animals=80)
    found = draw(book, tmp_path / "leo.svg", line="SB20")
    text = (tmp_path / "leo.svg").read_text("utf-8")
    assert text.startswith("<svg") and 'xmlns="http://www.w3.org/2000/svg"' in text and "<style>" in text
    assert found["animals"] == found["of"] and text.count("<title>") == found["animals"]
    assert 'class="pedigree line"' in text


def test_large_studbooks_are_drawn_in_part_and_say_so(lineage, tmp_path):
    book = lineage.write_studbook(tmp_path / "leo.csv", animals=400)
    found = draw(book, tmp_path / "leo.svg")
    assert found["animals"] <= 220 < found["of"] and found["rule"] == "living"
    assert 'class="hidden"' in (tmp_path / "leo.svg").read_text("utf-8")
    assert draw(book, tmp_path / "all.svg", everyone=True)["animals"] == found["of"]
