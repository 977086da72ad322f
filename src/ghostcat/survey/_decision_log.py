"""Writing to the decision log: what may be said, by whom, about what."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

from sqlalchemy import Connection, func, select

from ghostcat.errors import DecisionError
from ghostcat.survey import _schema
from ghostcat.survey._fingerprint import shift
from ghostcat.survey._judgements import find_nodes
from ghostcat.survey._loading import load_snapshot
from ghostcat.survey._rows import decision_of, decision_row, storable
from ghostcat.survey.database import fetch_by_id, fill
from ghostcat.survey.decisions import AUTHORITY, not_undone, standing, usable_verdict
from ghostcat.survey.evidence import Decision, DecisionKind, FlankSide
from ghostcat.survey.identities import compute_identities

__all__ = ["append_decisions"]

_KINDS = frozenset(get_args(DecisionKind))
_SIDES = frozenset(get_args(FlankSide))
_PAIR = frozenset({"same", "different", "not_comparable", "unsure"})
_DNA = frozenset({"dna_same", "dna_different"})
_ABOUT_A_PHOTO = frozenset({"new", "name", "flank", "usable", "sex"}) | _DNA


def append_decisions(
    connection: Connection, decisions: Sequence[Decision], *, made_at: datetime
) -> list[int]:
    """Check and append decisions in one go; see `Survey.append`."""
    last = int(connection.execute(select(func.max(_schema.decision.c.id))).scalar() or 0)
    for one in decisions:
        _check(one)
    _check_photos(connection, decisions)
    _check_deployments(connection, decisions)
    _check_samples(connection, decisions)
    if any(one.kind == "undo" for one in decisions):
        _check_undos(connection, decisions)
    if any(one.kind == "name" for one in decisions):
        decisions = _check_names(connection, decisions, last=last, made_at=made_at)
    rows = [
        decision_row(one, number_=last + 1 + place, made_at=made_at) for place, one in enumerate(decisions)
    ]
    shift(connection, _schema.decision, added=rows)
    fill(connection, _schema.decision, rows)
    return [int(row["id"]) for row in rows]


def _refuse(decision: Decision, what: str, fix: str) -> DecisionError:
    photos = " and ".join(photo for photo in (decision.media_a, decision.media_b) if photo)
    about = photos or decision.deployment_id or (f"decision {decision.undoes}" if decision.undoes else "")
    where = f"{decision.kind} by {decision.actor or 'nobody'}" + (f" on {about}" if about else "")
    return DecisionError(what, where=where, fix=fix)


def _check(one: Decision) -> None:
    """What can be told from the decision alone."""
    if one.kind not in _KINDS:
        raise _refuse(one, f"there is no decision {one.kind!r}", f"Use one of {', '.join(sorted(_KINDS))}.")
    if not one.actor.strip():
        raise _refuse(one, "nobody is named as its maker", "Say who decides.")
    if one.actor_kind not in AUTHORITY:
        raise _refuse(one, f"a maker cannot be a {one.actor_kind!r}", "Use person, model or laboratory.")
    if one.side_a not in _SIDES or one.side_b not in _SIDES:
        raise _refuse(
            one, f"sides {one.side_a!r}, {one.side_b!r}", f"Use one of {', '.join(sorted(_SIDES))}."
        )
    if one.confidence is not None and not 0 <= one.confidence <= 1:
        raise _refuse(one, f"confidence {one.confidence} is outside 0…1", "Give a probability.")
    if one.kind in _PAIR:
        _check_pair(one)
    elif one.media_b:
        raise _refuse(one, "it names two photos", "Name one photo.")
    if one.kind in _ABOUT_A_PHOTO and not one.media_a:
        raise _refuse(one, "it names no photo", "Name the photo it is about.")
    read_value = _VALUE_PROBLEMS.get(one.kind)
    problem = read_value(one) if read_value else None
    if problem:
        raise _refuse(one, *problem)


def _check_pair(one: Decision) -> None:
    if not one.media_a or not one.media_b:
        raise _refuse(one, "it needs two photos", "Name both.")
    if one.media_a == one.media_b and one.side_a == one.side_b:
        raise _refuse(one, "it compares a photo with itself", "Name two photos.")
    one_side = one.side_a == one.side_b and one.side_a in ("left", "right")
    if one.actor_kind == "model" and one.kind == "same" and not one_side:
        raise _refuse(
            one,
            f"a model joins {one.side_a} to {one.side_b}",
            "Only a person, a laboratory or one pass joins sides; give left or right, the same for both.",
        )


Problem = tuple[str, str] | None


def _problem_of_clock(one: Decision) -> Problem:
    try:
        seconds = float(one.value)
    except ValueError:
        seconds = math.nan
    if not one.deployment_id or one.media_a:
        return "a clock belongs to one deployment", "Name the deployment, and no photo."
    if not abs(seconds) < 100 * 366 * 86400:
        return f"{one.value!r} is not a number of seconds", "Give the seconds to add, for example -3600."
    return None


def _problem_of_exclude(one: Decision) -> Problem:
    if bool(one.media_a) == bool(one.deployment_id):
        return "it must name one photo or one deployment", "Name what is to be left out."
    return None if one.value.strip() else ("it gives no reason", "Say why; the report repeats it.")


def _problem_of_name(one: Decision) -> Problem:
    name = one.value.strip()
    if not name:
        return "the name is empty", "Give a name, or undo the name it has."
    if name[0] in "Gg" and name[1:].isdigit():
        return f"{name!r} looks like a running number", "Give a name that cannot be taken for one."
    return None


_VALUE_PROBLEMS: Mapping[str, Callable[[Decision], Problem]] = {
    "clock": _problem_of_clock,
    "exclude": _problem_of_exclude,
    "name": _problem_of_name,
    "flank": lambda one: (
        None if one.value in _SIDES else (f"{one.value!r} is no side", "Say left, right or both.")
    ),
    "usable": lambda one: (
        None if usable_verdict(one.value) else (f"{one.value!r} cannot be read", "Say `yes` or `no: reason`.")
    ),
    "sex": lambda one: (
        None
        if one.value in ("female", "male", "unknown")
        else (f"{one.value!r} is no sex", "Say female, male or unknown.")
    ),
    **dict.fromkeys(_DNA, lambda one: None if one.value else ("it names no sample", "Name the sample.")),
    "undo": lambda one: (
        None if one.undoes is not None else ("it names no decision", "Name the number to undo.")
    ),
}


def _check_photos(connection: Connection, decisions: Iterable[Decision]) -> None:
    named = {storable(photo): one for one in decisions for photo in (one.media_a, one.media_b) if photo}
    there = {row.id for row in fetch_by_id(connection, _schema.media, named)}
    for photo, one in named.items():
        if photo not in there:
            raise _refuse(one, f"there is no photo {photo}", "Import it first, or correct its id.")


def _check_deployments(connection: Connection, decisions: Iterable[Decision]) -> None:
    named = {storable(one.deployment_id): one for one in decisions if one.deployment_id}
    there = {row.id for row in fetch_by_id(connection, _schema.deployment, named)}
    for deployment, one in named.items():
        if deployment not in there:
            raise _refuse(one, f"there is no deployment {deployment}", "Import it first, or correct its id.")


def _check_samples(connection: Connection, decisions: Iterable[Decision]) -> None:
    named = {storable(one.value): one for one in decisions if one.kind in _DNA}
    there = {row.id for row in fetch_by_id(connection, _schema.sample, named)}
    for sample, one in named.items():
        if sample not in there:
            raise _refuse(one, f"there is no sample {sample}", "Import it first, or correct its id.")


def _check_undos(connection: Connection, decisions: Iterable[Decision]) -> None:
    log = [decision_of(row) for row in connection.execute(select(_schema.decision)).all()]
    by_id = {one.id: one for one in log}
    counting = {one.id for one in not_undone(log)}
    for one in decisions:
        if one.kind != "undo":
            continue
        target = None if one.undoes is None else by_id.get(one.undoes)
        if target is None:
            raise _refuse(one, f"there is no decision {one.undoes}", "Give the number of one that was made.")
        if target.id not in counting:
            raise _refuse(
                one, f"decision {one.undoes} has been undone already", "Undo the undo to bring it back."
            )
        if AUTHORITY[one.actor_kind] < AUTHORITY[target.actor_kind]:
            raise _refuse(
                one,
                f"a {one.actor_kind} cannot undo what a {target.actor_kind} decided",
                f"Only a {target.actor_kind} or somebody of more weight can.",
            )
        counting.discard(target.id)


def _check_names(
    connection: Connection, decisions: Sequence[Decision], *, last: int, made_at: datetime
) -> list[Decision]:
    """Refuse a name that another animal has; write into a renaming which name it replaces."""
    snapshot, _ = load_snapshot(connection, name="")
    log = list(snapshot.decisions)
    checked: list[Decision] = []
    for place, one in enumerate(decisions):
        one = replace(one, id=last + 1 + place, made_at=one.made_at or made_at)
        if one.kind == "name":
            one = replace(one, value=one.value.strip())
            before = compute_identities(log, snapshot.encounters, snapshot.flanks)
            nodes = find_nodes(snapshot.encounters, snapshot.flanks, standing([*log, one]))
            named = nodes.of(one.media_a, one.side_a)
            if not named:
                raise _refuse(
                    one, "this photo shows no usable flank", "Say which side it shows, then name it."
                )
            subject = next((before.owner[node] for node in named if node in before.owner), "")
            holder = {animal.name.casefold(): animal.id for animal in before.individuals.values()}.get(
                one.value.casefold(), subject
            )
            if holder != subject:
                raise _refuse(
                    one,
                    f"{one.value!r} is the name of {holder}",
                    "Choose another name, or decide that the two are the same animal.",
                )
            name = before.individuals[subject].name if subject else ""
            if name and name != one.value:
                one = replace(one, shown={**one.shown, "renames": name})
        log.append(one)
        checked.append(one)
    return checked
