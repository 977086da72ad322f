"""Does the page say what it must, to everyone, and nothing that it must not?"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ghostcat.errors import ParameterError
from ghostcat.language import LANGUAGES, wording
from ghostcat.report import write_report
from ghostcat.report.write import render_page

KINDS = ("rich", "refused", "empty", "hostile")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_page_is_whole_and_needs_nothing_from_outside(reports, read_page, kind, lang):
    page = read_page(reports[kind, lang].html)
    html = page.find("html")[0]
    assert html.attributes["lang"].split("-")[0] == lang
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.find(landmark)) == 1
    for node in page.nodes:
        for name in ("src", "srcset", "data", "action", "poster", "background"):
            assert node.attributes.get(name, "data:").startswith("data:"), (node.tag, node.attributes)
        link = node.attributes.get("href", "#answer")
        assert node.tag != "link"
        assert re.fullmatch(r"#[\w-]+|data:image/png;base64,\S+|[a-z_]+\.(csv|json)", link), link
    styles = "".join("".join(node.text) for node in page.find("style"))
    assert "@import" not in styles and "url(" not in styles.replace("url(#", "")
    assert "default-src 'none'" in page.source
    assert not re.search(r"https?://", page.source)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_reader_finds_its_way(reports, read_page, kind, lang):
    page = read_page(reports[kind, lang].html)
    ids = [node.attributes["id"] for node in page.nodes if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    for node in page.nodes:
        if node.attributes.get("href", "").startswith("#"):
            assert node.attributes["href"][1:] in ids
        if "aria-labelledby" in node.attributes:
            assert node.attributes["aria-labelledby"] in ids
        if node.tag == "img" and not node.inherits("id", "lightbox"):
            assert node.attributes["alt"].strip()
        if node.tag == "svg" and node.attributes.get("aria-hidden") != "true":
            assert node.attributes["role"] == "img" and node.attributes["aria-label"].strip()
    levels = [int(node.tag[1]) for node in page.nodes if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_interval_goes_with_the_estimate_in_words_and_picture(reports, read_page, samples):
    page = read_page(reports["rich", "en"].html)
    estimate = samples.rich_portrait().estimate
    panels = [node for node in page.find("div", class_="panel") if "count" not in node.classes]
    assert len(panels) == 2
    for panel, interval in zip(panels, (estimate.abundance, estimate.density_per_100km2), strict=True):
        text = " ".join("".join(panel.text).split())
        decimals = 0 if interval.estimate >= 10 else 2
        for number in (interval.estimate, interval.lower, interval.upper):
            assert f"{number:.{decimals}f}" in text
        assert "95 % interval" in text
        drawn = [node for node in page.find("svg", class_="interval") if panel in node.parents]
        assert len(drawn) == 1
    assert "the land within 14 km of the stations" in "".join(panels[0].text)


@pytest.mark.parametrize("kind", KINDS)
def test_the_minimum_count_stays_apart_and_says_its_rule(reports, read_page, samples, kind):
    page = read_page(reports[kind, "en"].html)
    portrait = getattr(samples, f"{kind}_portrait")()
    (count,) = page.find("div", class_="count")
    text = " ".join("".join(count.text).split())
    assert "a count, not an estimate" in text
    assert re.search(rf"at least {portrait.minimum_count} animal", text)
    assert portrait.minimum_count_rule in text
    assert not [node for node in page.nodes if node.tag == "svg" and count in node.parents]


@pytest.mark.parametrize(("lang", "word"), [("en", "synthetic"), ("ru", "смоделировано"), ("zh", "模拟数据")])
def test_what_is_simulated_says_so_everywhere(reports, read_page, lang, word):
    page = read_page(reports["rich", lang].html)
    assert len(page.find("div", class_="banner")) == 1
    for heading in page.find("h2"):
        assert word in "".join(heading.text)
    for caption in page.find("figcaption"):
        if "unknown" not in caption.classes:
            assert word in "".join(caption.text)
    for image in page.find("img"):
        if not image.inherits("id", "lightbox"):
            assert word in image.attributes["alt"]
    assert "@top-center" in page.source.split("</style>")[0].split("@page")[-1]


def test_what_is_real_does_not_say_synthetic(samples, parse_page):
    real = replace(samples.rich_portrait(animals=2), synthetic=False)
    page = parse_page(render_page(real, wording("en"), load_photo=samples.photograph))
    assert "synthetic" not in page.text().casefold()
    assert "Keep it among those who protect them" in page.text()


def test_refusal_is_kind_and_says_what_would_help(reports, read_page):
    page = read_page(reports["refused", "en"].html)
    text = page.text()
    assert "No estimate can be given yet" in text
    assert "No animal was photographed at two different stations" in text
    assert "Place stations closer together" in text
    assert "4 animals were photographed, none of them at two stations" in text
    assert not page.find("svg", class_="interval") and not page.find("table", class_="numbers")
    assert "Отказ" in read_page(reports["refused", "ru"].html).text()


def test_a_refusal_nobody_knows_is_shown_in_its_own_words(samples, parse_page):
    portrait = samples.refused_portrait()
    portrait = replace(portrait, estimate=replace(portrait.estimate, code="new_code"))
    page = parse_page(render_page(portrait, wording("ru"), load_photo=samples.photograph))
    (why,) = page.find("p", class_="why")
    assert portrait.estimate.reason in "".join(why.text)
    assert any(why in node.parents and node.attributes.get("lang") == "en" for node in page.find("span"))


def test_nothing_found_is_not_nothing_there(reports, read_page):
    text = read_page(reports["empty", "en"].html).text()
    assert "No animal has been identified in this survey. That is not evidence that none live here." in text


def test_hostile_names_stay_text(reports, read_page, samples):
    page = read_page(reports["hostile", "en"].html)
    assert {node.tag for node in page.nodes} & {"b", "i", "u", "em"} == set()
    assert len(page.find("script")) == 1
    assert len(page.find("style")) == 1
    assert not [name for node in page.nodes for name in node.attributes if name.startswith("on")]
    names = {"".join(node.text) for node in page.find("span", class_="name")}
    assert names == set(samples.HOSTILE)
    assert "".join(page.find("h1")[0].text) == samples.hostile_portrait().title


def test_a_flank_that_is_not_known_is_said_and_drawn(reports, read_page, samples):
    page = read_page(reports["rich", "en"].html)
    entries = samples.rich_portrait().catalogue
    missing = [page_side for e in entries for page_side in (e.left_photo, e.right_photo) if not page_side]
    assert len(page.find("figcaption", class_="unknown")) == len(missing) > 0
    assert len(page.find("svg", class_="unknown")) == len(missing)
    halves = [node for node in page.find("p", class_="half") if "Half identity" in "".join(node.text)]
    assert len(halves) == sum(not e.joined for e in entries)
    assert len(page.find("li", class_="uncounted")) == sum(not e.counted for e in entries)


def test_catalogue_counts_as_people_do(reports, read_page):
    page = read_page(reports["rich", "en"].html)
    names = ["".join(node.text) for node in page.find("span", class_="name")]
    assert names.index("Leo 9M") < names.index("Leo 41M") < names.index("Leo 102F") < names.index("Leo 133F")


def test_a_photo_that_cannot_be_read_does_not_stop_the_report(samples, parse_page):
    def broken(media_id: str) -> np.ndarray:
        raise OSError(f"{media_id}: truncated")

    page = parse_page(render_page(samples.rich_portrait(animals=3), wording("en"), load_photo=broken))
    assert page.text().count("photo not available") == 5


def test_not_sampled_is_not_zero(reports, read_page):
    page = read_page(reports["rich", "en"].html)
    drawn = [node for node in page.find("circle", class_="not-sampled") if node.inherits("class", "map")]
    assert len(drawn) == 2
    assert "never worked: not sampled, which is not “no animals”" in page.text()


def test_each_station_has_a_row_in_the_calendar(reports, read_page, samples):
    page = read_page(reports["rich", "en"].html)
    rows = [node for node in page.find("text", class_="name") if node.inherits("class", "calendar")]
    assert len(rows) == len(samples.rich_portrait().effort.lines)
    assert len(page.find("rect", class_="failed")) - 1 == len(samples.rich_portrait().effort.failures)


def test_too_many_stations_leave_the_calendar_out(samples, parse_page):
    many = samples.rich_portrait(animals=2, columns=11, rows=11)
    page = parse_page(render_page(many, wording("en"), load_photo=samples.photograph))
    assert not page.find("svg", class_="calendar") and page.find("svg", class_="map")


def test_page_of_25_animals_with_the_worst_photos_stays_under_5_mb(samples, tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (600, 900, 3), dtype=np.uint8)
    files = write_report(samples.rich_portrait(animals=25), tmp_path, load_photo=lambda media_id: noise)
    assert files.html.stat().st_size < 5_000_000


def test_same_portrait_gives_the_same_page(samples):
    portrait = samples.rich_portrait(animals=3)
    pages = {render_page(portrait, wording("zh"), load_photo=samples.photograph) for _ in range(2)}
    assert len(pages) == 1


def test_unknown_language_names_those_there_are(samples, tmp_path: Path):
    with pytest.raises(ParameterError, match="ru"):
        write_report(samples.empty_portrait(), tmp_path, lang="fr", load_photo=samples.photograph)
    assert not list(tmp_path.iterdir())


def test_letters_stand_out_from_what_is_behind_them():
    """WCAG 2 contrast of at least 4.5 for text."""
    style = (Path(render_page.__code__.co_filename).parent / "templates" / "portrait.css").read_text("utf-8")
    colours = dict(re.findall(r"--(\w[\w-]*): (#[0-9a-f]{6})", style))

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        high, low = sorted((light(one), light(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for letters in ("ink", "soft", "deep", "warn"):
        for behind in ("paper", "card", "faint"):
            assert contrast(colours[letters], colours[behind]) >= 4.5, (letters, behind)
    for letters, behind in (("#4a1a02", "#ffd9a8"), ("#6b2a06", "#ffe6c6"), ("#5c6361", "#fdfcf9")):
        assert letters in style and behind in style
        assert contrast(letters, behind) >= 4.5
