"""What was surveyed, as it is shown: tables with bars, and the calendar of the cameras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from markupsafe import Markup

from ghostcat.language import Wording
from ghostcat.portrait.portrait import Effort, Portrait
from ghostcat.report import figures
from ghostcat.report.figures.calendar import CalendarRow
from ghostcat.report.natural import natural_key
from ghostcat.report.phrases import Phrase, called, station_name
from ghostcat.report.words import CAUSES, MEDIA_STATES, REASONS

__all__ = ["Bar", "calendar", "cause_bars", "pass_bars", "photo_bars", "reason_bars"]

_CALENDAR_STATIONS = 120


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One row of a table with a bar; `share` is 0…1 of the widest."""

    label: Phrase
    number: str
    share: float
    level: str = ""


def photo_bars(effort: Effort, words: Wording) -> tuple[Bar, ...]:
    """From all photos to those that show an animal, and what could not be read."""
    _ = words.gettext
    faulty = [
        (called(state, MEDIA_STATES, words), float(count), "lost")
        for state, count in sorted(effort.photos_by_state.items(), key=lambda item: -item[1])
        if state != "ok" and count
    ]
    return _bars(
        [
            (Phrase(_("photos on the cards")), effort.photos, "all"),
            (Phrase(_("photos that can be read")), effort.photos_by_state.get("ok", 0), "kept"),
            (Phrase(_("photos that show an animal")), effort.photos_with_animal, "kept"),
            *faulty,
        ],
        words,
    )


def pass_bars(effort: Effort, words: Wording) -> tuple[Bar, ...]:
    """From all passes to those with usable flanks. Bars are not stacked: both flanks count in either."""
    _ = words.gettext
    return _bars(
        [
            (Phrase(_("passes, all photos of one visit together")), effort.passes, "all"),
            (Phrase(_("with a usable left flank")), effort.passes_usable_left, "kept"),
            (Phrase(_("with a usable right flank")), effort.passes_usable_right, "kept"),
            (Phrase(_("with both flanks usable")), effort.passes_usable_both, "kept"),
            (Phrase(_("without a usable flank")), effort.passes_not_usable, "lost"),
        ],
        words,
    )


def reason_bars(effort: Effort, words: Wording) -> tuple[Bar, ...]:
    """Photos by the reason why no flank could be read."""
    return _counted(effort.unusable_reasons, REASONS, words)


def cause_bars(effort: Effort, words: Wording) -> tuple[Bar, ...]:
    """Camera-days lost, by cause."""
    days: Counter[str] = Counter()
    for _deployment, cause, start, end in effort.failures:
        days[cause.strip()] += (end - start).total_seconds() / 86400  # type: ignore[assignment]
    return _counted(days, CAUSES, words)


def _bars(rows: Iterable[tuple[Phrase, float, str]], words: Wording) -> tuple[Bar, ...]:
    found = list(rows)
    widest = max((count for _, count, _ in found), default=0) or 1
    return tuple(
        Bar(label=label, number=words.number(count), share=count / widest, level=level)
        for label, count, level in found
    )


def _counted(counts: Mapping[str, float], names: Mapping[str, str], words: Wording) -> tuple[Bar, ...]:
    """Counts by code, codes of one name together, the largest first."""
    totals: Counter[Phrase] = Counter()
    for code, count in counts.items():
        totals[called(code, names, words)] += count  # type: ignore[assignment]
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0].text))
    return _bars([(label, count, "lost") for label, count in ordered if count], words)


def calendar(portrait: Portrait, words: Wording, zone: tzinfo) -> Markup | None:
    """When each camera worked; None for more stations than a page can show one by one."""
    effort, snapshot = portrait.effort, portrait.snapshot
    if not 0 < len(effort.lines) <= _CALENDAR_STATIONS:
        return None
    failures: dict[str, list[tuple[str, datetime, datetime]]] = {}
    for deployment, cause, start, end in effort.failures:
        failures.setdefault(deployment, []).append((cause, start, end))
    rows = []
    for line in sorted(effort.lines, key=lambda line: natural_key(line.station_id)):
        here = sorted(
            (d for d in snapshot.deployments.values() if d.station_id == line.station_id),
            key=lambda d: (d.slot, d.start, d.id),
        )
        rows.append(
            CalendarRow(
                name=station_name(line.station_id, snapshot),
                lanes=tuple((d.start.astimezone(zone), d.end.astimezone(zone)) for d in here),
                failures=tuple(
                    (
                        k,
                        called(cause.strip(), CAUSES, words).text,
                        (start.astimezone(zone), end.astimezone(zone)),
                    )
                    for k, d in enumerate(here)
                    for cause, start, end in failures.get(d.id, [])
                ),
                passes=tuple(
                    e.start.astimezone(zone)
                    for e in snapshot.encounters.values()
                    if e.station_id == line.station_id
                ),
                sampled=line.station_days > 0,
            )
        )
    _ = words.gettext
    return figures.effort_calendar(
        rows,
        words,
        first_day=effort.first_day,
        last_day=effort.last_day,
        label=_("Calendar of the work of each camera, with failures and passes"),
        never=_("not sampled"),
    )
