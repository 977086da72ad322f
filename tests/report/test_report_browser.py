"""Does the page work for a person, in a browser?"""

from __future__ import annotations

import os
import shutil

import pytest

from ghostcat.language import LANGUAGES

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = os.environ.get("GHOSTCAT_REQUIRE_BROWSER") == "1"


@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        if REQUIRED:
            raise
        pytest.skip("playwright is not installed")
    if CHROMIUM is None:
        if REQUIRED:
            pytest.fail("GHOSTCAT_REQUIRE_BROWSER=1, but there is no Chromium on the path")
        pytest.skip("no Chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a report; afterwards nothing may have been complained of or asked from outside."""
    complaints: list[str] = []
    pages = []

    def opened(path, *, width=1280, height=900, scripts=True):
        page = browser.new_page(viewport={"width": width, "height": height}, java_script_enabled=scripts)
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("file:", "data:"))
                else complaints.append(f"request: {request.url}")
            ),
        )
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["rich", "refused", "empty", "hostile"])
def test_nothing_sticks_out_on_a_phone(open_page, reports, kind, lang):
    assert open_page(reports[kind, lang].html, width=390, height=844).evaluate(OVERFLOW) == 0


@pytest.mark.parametrize("width", [320, 768, 1280, 2000])
def test_nothing_sticks_out_at_other_widths(open_page, reports, width):
    assert open_page(reports["rich", "ru"].html, width=width).evaluate(OVERFLOW) == 0


def test_cards_are_found_and_ordered_by_keyboard(open_page, reports):
    page = open_page(reports["rich", "en"].html)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "filter"
    page.keyboard.type("LEO 9m")
    shown = page.locator("#cards > li:visible .name")
    assert shown.all_text_contents() == ["Leo 9M"]
    assert page.locator("#found").text_content() == "1 of 20"
    page.keyboard.press("Escape")
    assert page.locator("#cards > li:visible").count() == 20
    page.locator("#order").select_option("passes")
    passes = page.eval_on_selector_all("#cards > li", "cards => cards.map(card => +card.dataset.passes)")
    assert passes == sorted(passes, reverse=True)


def test_photos_enlarge_and_are_leafed_through_by_keyboard(open_page, reports):
    page = open_page(reports["rich", "en"].html)
    page.locator("button.look").first.focus()
    page.keyboard.press("Enter")
    box = page.locator("#lightbox")
    assert box.is_visible()
    first = box.locator("p").text_content()
    page.keyboard.press("ArrowRight")
    assert box.locator("p").text_content() != first
    page.keyboard.press("Escape")
    assert not box.is_visible()


def test_an_animal_on_the_map_leads_to_its_card(open_page, reports):
    page = open_page(reports["rich", "en"].html)
    link = page.locator("svg.map a").first
    anchor = link.get_attribute("href")
    link.focus()
    assert page.locator("svg.map.one").count() == 1
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == anchor
    assert page.locator(anchor).count() == 1


def test_the_page_works_without_scripts(open_page, reports):
    page = open_page(reports["rich", "zh"].html, scripts=False)
    assert page.locator(".card:visible").count() == 20
    assert page.locator(".tools:visible").count() == 0


def test_every_letter_of_the_map_is_on_the_map(open_page, reports):
    page = open_page(reports["rich", "en"].html)
    outside = page.evaluate(
        """() => {
          const map = document.querySelector("svg.map").getBoundingClientRect();
          return [...document.querySelectorAll("svg.map text")].filter((text) => {
            const box = text.getBoundingClientRect();
            return box.left < map.left - 1 || box.right > map.right + 1
              || box.top < map.top - 1 || box.bottom > map.bottom + 1;
          }).map((text) => text.textContent);
        }"""
    )
    assert outside == []


def test_it_prints_on_a4_in_few_pages(open_page, reports):
    pdf = open_page(reports["rich", "en"].html).pdf(prefer_css_page_size=True, print_background=True)
    pages = pdf.count(b"/Type /Page\n") or pdf.count(b"/Type /Page ") or pdf.count(b"/Type/Page/")
    assert 5 <= pages <= 12
    assert b"/MediaBox [0 0 594.95996 841.91998]" in pdf or b"/MediaBox [0 0 595" in pdf
