"""One call that writes the report of a portrait: the page, its JSON and its CSV tables."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from ghostcat.language import Wording, wording
from ghostcat.portrait.portrait import Portrait
from ghostcat.report.crops import LoadPhoto, flank_pictures
from ghostcat.report.figures.map import RAMP
from ghostcat.report.tables import write_csv_files, write_json_file
from ghostcat.report.view import build_view, headline_decimals

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["ReportFiles", "render_page", "write_report"]


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Where the report was written."""

    html: Path
    json: Path
    csv: tuple[Path, ...]


def write_report(portrait: Portrait, folder: Path, *, lang: str = "en", load_photo: LoadPhoto) -> ReportFiles:
    """Write the report of `portrait` into `folder`, which is made when it is not there.

    The page is `portrait.<lang>.html`, one file that loads nothing from outside.
    `portrait.json` and the CSV tables hold the same numbers at full precision and are the same
    in every language, so reports in several languages share one folder.

    Parameters
    ----------
    lang : a key of `ghostcat.language.LANGUAGES`.
    load_photo : gives the upright (h, w, 3) uint8 photo of a media id. Where it raises a
        `GhostcatError`, `OSError`, `ValueError` or `KeyError`, the page says that the photo is
        not available.

    Raises
    ------
    ParameterError : ghostcat does not speak `lang`.
    """
    words = wording(lang)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = ReportFiles(
        html=folder / f"portrait.{lang}.html",
        json=folder / "portrait.json",
        csv=write_csv_files(portrait, folder),
    )
    write_json_file(portrait, written.json)
    page = render_page(portrait, words, load_photo=load_photo)
    written.html.write_text(page, encoding="utf-8", newline="\n")
    return written


def render_page(portrait: Portrait, words: Wording, *, load_photo: LoadPhoto) -> str:
    """The page as text, in the language of `words`."""
    photos = [
        photo for entry in portrait.catalogue for photo in (entry.left_photo, entry.right_photo) if photo
    ]
    view = build_view(portrait, words, flank_pictures(photos, portrait.snapshot, load_photo))
    script = _resource("portrait.js")
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    page: str = (
        _environment(words)
        .get_template("portrait.html")
        .render(
            view=view,
            portrait=portrait,
            effort=portrait.effort,
            estimate=view.estimate,
            words=words,
            number=words.number,
            headline_decimals=headline_decimals,
            ramp=RAMP,
            style=Markup(_resource("portrait.css")),
            script=Markup(script),
            script_digest=digest,
        )
    )
    return page


def css_string(text: str) -> Markup:
    """`text` as a CSS string in which nothing can end the string or the style element.

    A space is written as its number too: after another number it would be taken for its end.

    >>> css_string("a<b")
    Markup('"a\\\\00003Cb"')
    """
    safe = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):06X}" for c in text)
    return Markup(f'"{safe}"')


@cache
def _resource(name: str) -> str:
    return files("ghostcat.report").joinpath("templates", name).read_text(encoding="utf-8")


def _environment(words: Wording) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ghostcat.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["css_string"] = css_string
    return environment
