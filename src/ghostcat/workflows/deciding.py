"""Tell a survey what a person knows: a wrong clock, two names for one animal, a photo that must not count."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Literal, get_args

from ghostcat.errors import DecisionError
from ghostcat.survey import Survey
from ghostcat.survey.evidence import Decision, FlankSide, Individual, Snapshot
from ghostcat.workflows.opening import open

__all__ = ["DecidedKind", "decide"]

DecidedKind = Literal["same", "different", "clock", "exclude", "usable", "flank", "sex", "undo"]

Anchor = tuple[str, FlankSide]


def decide(
    survey: str | Path | Survey, kind: DecidedKind, target: str, value: str = "", *, by: str | None = None
) -> int:
    """Append one decision of a person to the log; returns its number, by which it can be undone.

    | kind | target | value |
    |---|---|---|
    | `same`, `different` | an animal (id or name) or a photo | another animal or photo |
    | `clock` | a deployment | seconds to add to its camera clock |
    | `exclude` | a photo or a deployment | why it is left out of the estimate |
    | `usable` | a photo | `yes`, or `no: reason` |
    | `flank` | a photo | `left`, `right` or `both` |
    | `sex` | an animal or a photo | `female`, `male` or `unknown` |
    | `undo` | the number of a decision | – |

    Parameters
    ----------
    by : for the decision log; the login name by default.

    Raises
    ------
    DecisionError : target or value are not there, or cannot be read.
    """
    survey = open(survey)
    if kind not in get_args(DecidedKind):
        raise DecisionError(f"there is no decision {kind!r}", fix=f"Use {', '.join(get_args(DecidedKind))}.")
    who = by or getpass.getuser()
    (number,) = survey.append([_decision(survey.snapshot(), kind, target, value, who)])
    return number


def _decision(snapshot: Snapshot, kind: DecidedKind, target: str, value: str, who: str) -> Decision:
    if kind in ("same", "different"):
        (a, side_a), (b, side_b) = _closest(_anchors(snapshot, target), _anchors(snapshot, value))
        return Decision(
            kind=kind, actor=who, actor_kind="person", media_a=a, side_a=side_a, media_b=b, side_b=side_b
        )
    if kind == "undo":
        if not target.isdigit():
            raise DecisionError(f"{target!r} is not the number of a decision", fix="Give its number.")
        return Decision(kind="undo", actor=who, actor_kind="person", undoes=int(target))
    if kind == "clock" or (kind == "exclude" and target in snapshot.deployments):
        return Decision(kind=kind, actor=who, actor_kind="person", deployment_id=target, value=value)
    photo, side = _anchors(snapshot, target)[0]
    return Decision(kind=kind, actor=who, actor_kind="person", media_a=photo, side_a=side, value=value)


def _anchors(snapshot: Snapshot, name: str) -> list[Anchor]:
    """Photos and sides by which an animal or a photo can be spoken of."""
    for animal in snapshot.individuals.values():
        if name in (animal.id, animal.name):
            return _best_photos(animal)
    if name in snapshot.media:
        flank = snapshot.flanks.get(name)
        if flank is None or flank.side == "unknown":
            return [(name, "unknown")]
        return [(name, "left"), (name, "right")] if flank.side == "both" else [(name, flank.side)]
    raise DecisionError(
        f"there is neither an animal nor a photo {name!r}", fix="ghostcat individuals lists the animals."
    )


def _best_photos(animal: Individual) -> list[Anchor]:
    sides: tuple[tuple[FlankSide, tuple[str, ...]], ...] = (
        ("left", animal.left_media),
        ("right", animal.right_media),
    )
    return [(media[0], side) for side, media in sides if media]


def _closest(ones: list[Anchor], others: list[Anchor]) -> tuple[Anchor, Anchor]:
    """The pair on one side, where there is one; a person may also join left to right."""
    pairs = [(one, other) for one in ones for other in others]
    return next((pair for pair in pairs if pair[0][1] == pair[1][1]), pairs[0])
