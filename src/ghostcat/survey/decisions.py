"""Reading the decision log: what still stands, and what it says about clocks and flanks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast, get_args

from ghostcat.survey.evidence import Decision, Flank, FlankSide

__all__ = [
    "AUTHORITY",
    "JUDGEMENTS",
    "clock_shifts",
    "corrected_flanks",
    "in_order",
    "latest_run",
    "not_undone",
    "standing",
    "usable_verdict",
]

#: Who outweighs whom.
AUTHORITY: Mapping[str, int] = {"model": 0, "laboratory": 2, "person": 3}

#: Kinds that compare animals; of a model's, only those of its latest run count.
JUDGEMENTS = frozenset({"same", "different", "not_comparable", "unsure", "new"})

_SIDES = frozenset(get_args(FlankSide))
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def in_order(decision: Decision) -> tuple[datetime, int]:
    """Sort key: when it was made, then its place in the log."""
    return (decision.made_at or _LONG_AGO, -1 if decision.id is None else decision.id)


def standing(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """The decisions that count, oldest first: none that was undone, and no `undo` itself.

    An undo may be undone; what it took back then counts again.

    >>> log = [
    ...     Decision(kind="new", actor="Ana", actor_kind="person", media_a="m1", id=1),
    ...     Decision(kind="undo", actor="Ana", actor_kind="person", undoes=1, id=2),
    ... ]
    >>> standing(log)
    ()
    >>> log += [Decision(kind="undo", actor="Ana", actor_kind="person", undoes=2, id=3)]
    >>> [decision.id for decision in standing(log)]
    [1]
    """
    return tuple(sorted((one for one in not_undone(decisions) if one.kind != "undo"), key=in_order))


def not_undone(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """Every decision that nobody took back, undos among them, newest first."""
    undone: set[int | None] = set()
    # Newest first, so that an undo is judged before what it undoes.
    for one in sorted(decisions, key=lambda each: -1 if each.id is None else each.id, reverse=True):
        if one.id is not None and one.id in undone:
            continue
        if one.kind == "undo":
            undone.add(one.undoes)
        yield one


def latest_run(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Standing decisions without the judgements of earlier model runs (`shown["run"]`)."""
    log = tuple(decisions)
    runs = [one.shown.get("run") for one in log if one.actor_kind == "model" and one.kind in JUDGEMENTS]
    if not runs:
        return log
    newest = runs[-1]
    return tuple(
        one
        for one in log
        if one.actor_kind != "model" or one.kind not in JUDGEMENTS or one.shown.get("run") == newest
    )


def clock_shifts(decisions: Iterable[Decision]) -> dict[str, timedelta]:
    """Correction of each deployment's clock: the last word of the highest authority."""
    said = _last_words((one.deployment_id, one) for one in standing(decisions) if one.kind == "clock")
    return {deployment: timedelta(seconds=float(one.value)) for deployment, one in said.items()}


def usable_verdict(value: str) -> tuple[bool, str] | None:
    """Read the value of a `usable` decision; None when it cannot be read.

    >>> usable_verdict("yes"), usable_verdict("no: cut_off"), usable_verdict("perhaps")
    ((True, ''), (False, 'cut_off'), None)
    """
    word, _, reason = (part.strip() for part in value.partition(":"))
    if word == "yes":
        return True, ""
    return (False, reason or "by_decision") if word == "no" else None


def corrected_flanks(flanks: Mapping[str, Flank], decisions: Iterable[Decision]) -> dict[str, Flank]:
    """Readings of an engine with what was decided about side and usability laid over them.

    A photo whose side somebody decided is usable unless the engine or somebody says otherwise.
    """
    log = standing(decisions)
    sides = _last_words((one.media_a, one) for one in log if one.kind == "flank")
    usable = _last_words((one.media_a, one) for one in log if one.kind == "usable")
    merged = dict(flanks)
    for media_id, one in sides.items():
        if one.value not in _SIDES:
            continue
        side = cast(FlankSide, one.value)
        read = merged.get(media_id)
        if read is None:
            merged[media_id] = Flank(media_id=media_id, side=side, usable=True, engine=one.actor)
        else:
            merged[media_id] = replace(read, side=side, side_probability=one.confidence)
    for media_id, one in usable.items():
        verdict = usable_verdict(one.value)
        if verdict is None:
            continue
        unread = Flank(media_id=media_id, side="unknown", usable=False, engine=one.actor)
        merged[media_id] = replace(merged.get(media_id, unread), usable=verdict[0], reason=verdict[1])
    return merged


def _last_words(said: Iterable[tuple[str, Decision]]) -> dict[str, Decision]:
    last: dict[str, Decision] = {}
    for subject, one in said:  # oldest first
        before = last.get(subject)
        if before is None or AUTHORITY[one.actor_kind] >= AUTHORITY[before.actor_kind]:
            last[subject] = one
    return last
