"""One call that writes the page of lineages with its JSON and CSV tables."""

from __future__ import annotations

import base64
import hashlib
import math
from pathlib import Path

from markupsafe import Markup

from ghostcat.language import Wording, wording
from ghostcat.report.figures.kinship_map import KINSHIP_RAMP
from ghostcat.report.lineage_data import LineagePage
from ghostcat.report.lineage_tables import write_lineage_tables
from ghostcat.report.lineage_view import build_lineage_view, decimals_between, signed
from ghostcat.report.lineage_words import BASES, COST_UNITS, DRAWN_RULES
from ghostcat.report.write import ReportFiles, _environment, _resource

__all__ = ["lineage_style", "render_lineage_page", "write_lineage_report"]


def write_lineage_report(page: LineagePage, folder: Path, *, lang: str = "en") -> ReportFiles:
    """Write `lineages.<lang>.html`, `lineages.json` and the CSV tables into `folder`.

    Raises
    ------
    ParameterError : ghostcat does not speak `lang`.
    """
    words = wording(lang)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    html = folder / f"lineages.{lang}.html"
    html.write_text(render_lineage_page(page, words), encoding="utf-8", newline="\n")
    tables = write_lineage_tables(page, folder)
    return ReportFiles(html=html, json=tables[-1], csv=tables[:-1])


def render_lineage_page(page: LineagePage, words: Wording) -> str:
    """The page as text, in the language of `words`."""
    view = build_lineage_view(page, words)
    script = _resource("lineages.js")
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    plan = page.plan
    _ = words.gettext
    rendered: str = (
        _environment(words)
        .get_template("lineages.html")
        .render(
            view=view,
            page=page,
            portrait=page,  # what the shared parts ask whether it is synthetic
            n=page.numbers,
            words=words,
            number=words.number,
            signed=lambda value, decimals: signed(words, value, decimals),
            small=lambda value: _small(words, value),
            places=decimals_between(plan.lower, plan.upper) if plan else 4,
            places_known=page.scores.institutions is not None,
            open_pairs=int(page.scores.open.sum()),
            basis=_(BASES[page.basis]),
            cost_unit=_(COST_UNITS[page.cost_unit]) if page.cost_unit else "",
            drawn_rule=_(DRAWN_RULES[page.drawn_rule]),
            growth=page.demography.growth,
            horizon=int(page.projections[0].years[-1]) if page.projections else 0,
            maker=f"ghostcat {page.provenance.get('ghostcat', '')}".strip(),
            ramp=KINSHIP_RAMP,
            style=Markup(_resource("portrait.css") + _resource("lineages.css")),
            script=Markup(script),
            script_digest=digest,
        )
    )
    return rendered


def lineage_style() -> str:
    """CSS of the figures alone, for a drawing that stands in a file of its own."""
    style = _resource("lineages.css").split("@media")[0]
    return f"svg {{ font-family: sans-serif; background: #fff; }}\n{style}"


def _small(words: Wording, value: float) -> str:
    """A small probability with two digits, as a power of ten below one in a thousand."""
    if not (math.isfinite(value) and 0 < value < 1e-3):
        return words.number(value, 4)
    power = math.floor(math.log10(value))
    digits = words.number(value / 10.0**power, 1)
    return Markup("{} × 10<sup>−{}</sup>").format(digits, -power)
