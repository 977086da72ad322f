"""What the page says, in the order it says it: everything worded, nothing estimated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from statistics import median_low

from markupsafe import Markup

from ghostcat.language import Wording
from ghostcat.portrait.portrait import CatalogueEntry, Estimate, Interval, Portrait, Refusal
from ghostcat.report import figures
from ghostcat.report.crops import Picture
from ghostcat.report.effort import Bar, calendar, cause_bars, pass_bars, photo_bars, reason_bars
from ghostcat.report.figures.map import AnimalMark, PopulationMap, animal_marks
from ghostcat.report.findings import REFUSALS
from ghostcat.report.natural import natural_key
from ghostcat.report.phrases import Phrase, called, in_words, station_name, value_of
from ghostcat.report.remarks import Remark, remarks
from ghostcat.report.words import PROVENANCE
from ghostcat.survey.evidence import Snapshot

__all__ = ["Animal", "EstimateRow", "View", "build_view", "decimals_of", "headline_decimals"]


@dataclass(frozen=True, kw_only=True)
class Animal:
    """One card of the catalogue."""

    entry: CatalogueEntry
    anchor: str
    name: str
    mark: AnimalMark
    badge: Markup
    """Its mark as it is drawn on the map."""
    sides: tuple[tuple[str, Picture | None], ...]
    """Left, then right: media id (empty when that flank is not known), and its picture."""
    stations: tuple[str, ...]
    first_seen: str
    last_seen: str
    strip: Markup


@dataclass(frozen=True, kw_only=True)
class EstimateRow:
    """One quantity with its interval, as written."""

    name: str
    meaning: str
    estimate: str
    lower: str
    upper: str
    standard_error: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class View:
    """All that the template shows."""

    portrait: Portrait
    words: Wording
    zone: str
    places: tuple[str, ...]
    estimate: Estimate | None
    refusal: tuple[Phrase, Phrase, str] | None
    """Why not, what would help, and the words it came with."""
    region: Phrase | None
    model: Phrase | None
    maker: str
    minimum_rule: Phrase
    animals: tuple[Animal, ...]
    map: PopulationMap | None
    strips: Mapping[str, Markup]
    photo_bars: tuple[Bar, ...]
    pass_bars: tuple[Bar, ...]
    reason_bars: tuple[Bar, ...]
    cause_bars: tuple[Bar, ...]
    calendar: Markup | None
    rows: tuple[EstimateRow, ...]
    curve: Markup | None
    diagnostics: tuple[Remark, ...]
    left_out: tuple[Remark, ...]
    findings: tuple[Remark, ...]
    provenance: tuple[tuple[Phrase, Phrase], ...]


def build_view(portrait: Portrait, words: Wording, pictures: Mapping[str, Picture | None]) -> View:
    """Word everything in `portrait`; `pictures` are by media id."""
    _ = words.gettext
    zone, zone_name = _zone(portrait.snapshot)
    estimate = portrait.estimate if isinstance(portrait.estimate, Estimate) else None
    refusal = portrait.estimate if isinstance(portrait.estimate, Refusal) else None
    animals = _animals(portrait, words, pictures, zone)
    return View(
        portrait=portrait,
        words=words,
        zone=zone_name,
        places=_places(portrait),
        estimate=estimate,
        refusal=_refusal(refusal, words) if refusal else None,
        region=_region(estimate, words) if estimate else None,
        model=in_words(estimate.model, words) if estimate else None,
        maker=_maker(portrait.provenance),
        minimum_rule=in_words(portrait.minimum_count_rule, words),
        animals=animals,
        map=figures.draw_map(
            portrait.effort.lines,
            [animal.entry for animal in animals],
            estimate.surface if estimate else None,
            words,
            label=_("Map of stations, sightings and estimated density"),
            names=[animal.name for animal in animals],
            links=[animal.anchor for animal in animals],
        ),
        strips=_strips(estimate, words) if estimate else {},
        photo_bars=photo_bars(portrait.effort, words),
        pass_bars=pass_bars(portrait.effort, words),
        reason_bars=reason_bars(portrait.effort, words),
        cause_bars=cause_bars(portrait.effort, words),
        calendar=calendar(portrait, words, zone),
        rows=_rows(estimate, words) if estimate else (),
        curve=_curve(estimate, words) if estimate else None,
        diagnostics=remarks(estimate.diagnostics, words) if estimate else (),
        left_out=remarks(portrait.left_out, words),
        findings=remarks(portrait.findings, words),
        provenance=tuple(
            (called(key, PROVENANCE, words), value_of(text, words))
            for key, text in portrait.provenance.items()
        ),
    )


def decimals_of(interval: Interval) -> int:
    """Decimals that show two digits of the standard error, no more: digits match precision.

    >>> decimals_of(Interval(estimate=0.9812, lower=0.7, upper=1.4, standard_error=0.1734))
    2
    """
    error = interval.standard_error
    if not (math.isfinite(error) and error > 0):
        error = abs(interval.upper - interval.lower) / 4
    if not (math.isfinite(error) and error > 0):
        return 1
    return min(max(1 - math.floor(math.log10(error)), 0), 6)


def headline_decimals(interval: Interval) -> int:
    """Decimals for the first numbers of the page: whole animals from ten on, else as few as can be.

    >>> headline_decimals(Interval(estimate=27.6, lower=19.1, upper=39.9, standard_error=5.2))
    0
    """
    most = 0 if interval.estimate >= 10 else 2 if interval.estimate >= 0.1 else 3
    return min(decimals_of(interval), most)


def _zone(snapshot: Snapshot) -> tuple[tzinfo, str]:
    """The clock of the field, in which days and times are shown."""
    offsets = [
        d.utc_offset_minutes for d in snapshot.deployments.values() if d.utc_offset_minutes is not None
    ]
    minutes = median_low(offsets) if offsets else 0
    hours, rest = divmod(abs(minutes), 60)
    name = f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "") if minutes else "UTC"
    return timezone(timedelta(minutes=minutes)), name


def _maker(provenance: Mapping[str, str]) -> str:
    version = provenance.get("ghostcat", "")
    return f"ghostcat {version}" if version else "ghostcat"


def _places(portrait: Portrait) -> tuple[str, ...]:
    groups = sorted({line.group for line in portrait.effort.lines if line.group}, key=natural_key)
    survey = [portrait.snapshot.name] if portrait.snapshot.name not in ("", portrait.title) else []
    return tuple(survey + groups)


def _refusal(refusal: Refusal, words: Wording) -> tuple[Phrase, Phrase, str]:
    meaning = REFUSALS.get(refusal.code)
    given = f"{refusal.reason} {refusal.fix}".strip()
    if meaning is None:
        return in_words(refusal.reason, words), in_words(refusal.fix, words), ""
    return Phrase(words.gettext(meaning.what)), Phrase(words.gettext(meaning.fix)), given


def _region(estimate: Estimate, words: Wording) -> Phrase:
    _ = words.gettext
    if estimate.region_code == "buffer":
        km = words.number(estimate.buffer_m / 1000, 0 if estimate.buffer_m >= 10_000 else 1)
        return Phrase(_("the land within %(km)s km of the stations") % {"km": km})
    if estimate.region_code == "mask":
        return Phrase(_("the whole habitat mask"))
    return Phrase(estimate.region, verbatim=True)


def _animals(
    portrait: Portrait, words: Wording, pictures: Mapping[str, Picture | None], zone: tzinfo
) -> tuple[Animal, ...]:
    effort = portrait.effort
    entries = sorted(
        portrait.catalogue, key=lambda e: (natural_key(e.name or e.individual_id), e.individual_id)
    )
    animals = []
    for i, (entry, mark) in enumerate(zip(entries, animal_marks(len(entries)), strict=True)):
        name = entry.name or entry.individual_id
        times = [time.astimezone(zone) for _, time in entry.sightings]
        dates = ", ".join(words.short_date(time.date()) for time in times[:40])
        label = words.gettext("Passes of %(name)s: %(dates)s") % {"name": name, "dates": dates}
        animals.append(
            Animal(
                entry=entry,
                anchor=f"animal-{i + 1}",
                name=name,
                mark=mark,
                badge=figures.map_badge(mark),
                sides=tuple(
                    (m, pictures.get(m) if m else None) for m in (entry.left_photo, entry.right_photo)
                ),
                stations=tuple(station_name(s, portrait.snapshot) for s in dict.fromkeys(entry.stations)),
                first_seen=words.short_date(entry.first_seen.astimezone(zone).date()),
                last_seen=words.short_date(entry.last_seen.astimezone(zone).date()),
                strip=figures.sightings_strip(
                    times,
                    words,
                    first_day=effort.first_day,
                    last_day=effort.last_day,
                    colour=mark.colour,
                    label=label,
                ),
            )
        )
    return tuple(animals)


def _strips(estimate: Estimate, words: Wording) -> Mapping[str, Markup]:
    drawn = {}
    for key, interval, decimals in (
        ("abundance", estimate.abundance, headline_decimals(estimate.abundance)),
        ("density", estimate.density_per_100km2, headline_decimals(estimate.density_per_100km2)),
    ):
        label = words.gettext("Estimate %(estimate)s, 95 %% interval %(lower)s to %(upper)s") % {
            "estimate": words.number(interval.estimate, decimals),
            "lower": words.number(interval.lower, decimals),
            "upper": words.number(interval.upper, decimals),
        }
        drawn[key] = figures.interval_strip(interval, words, decimals=decimals, label=label)
    return drawn


def _rows(estimate: Estimate, words: Wording) -> tuple[EstimateRow, ...]:
    _ = words.gettext
    km = Interval(
        estimate=estimate.sigma_m.estimate / 1000,
        lower=estimate.sigma_m.lower / 1000,
        upper=estimate.sigma_m.upper / 1000,
        standard_error=estimate.sigma_m.standard_error / 1000,
    )
    rows = (
        (
            _("Density"),
            _("animals for each piece of land, on average over the region"),
            estimate.density_per_100km2,
            _("animals per 100 km²"),
        ),
        (
            _("Abundance, expected"),
            _("animals that such a density gives this region on average"),
            estimate.abundance,
            _("animals"),
        ),
        (
            _("Abundance, realised"),
            _("animals that lived in this region during this survey"),
            estimate.realised,
            _("animals"),
        ),
        (_("Sigma (σ)"), _("how far animals move: scale of detection by distance"), km, _("km")),
        (
            _("Lambda0 (λ0)"),
            _("detections at the very centre of an animal's life"),
            estimate.lambda0,
            _("per station-day"),
        ),
    )
    return tuple(_row(name, meaning, interval, unit, words) for name, meaning, interval, unit in rows)


def _row(name: str, meaning: str, interval: Interval, unit: str, words: Wording) -> EstimateRow:
    decimals = decimals_of(interval)
    return EstimateRow(
        name=name,
        meaning=meaning,
        estimate=words.number(interval.estimate, decimals),
        lower=words.number(interval.lower, decimals),
        upper=words.number(interval.upper, decimals),
        standard_error=words.number(interval.standard_error, decimals),
        unit=unit,
    )


def _curve(estimate: Estimate, words: Wording) -> Markup:
    _ = words.gettext
    return figures.detection_curve(
        estimate.lambda0,
        estimate.sigma_m,
        words,
        x_title=_("distance from the activity centre, km"),
        y_title=_("detections per 100 station-days"),
        label=_("Curve of detections by distance from the activity centre"),
    )
