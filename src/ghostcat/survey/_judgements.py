"""From decisions about photos to judgements about half-identities.

A half-identity (`Node`) is one flank in one encounter. Decisions are anchored to photos; here they
are carried over to nodes, and where several speak about one pair the one that counts is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from ghostcat.survey.decisions import AUTHORITY, in_order
from ghostcat.survey.evidence import Decision, Encounter, Finding, Flank, FlankSide

__all__ = ["Closure", "Node", "NodeSide", "Nodes", "Pair", "Verdict", "closures", "find_nodes", "judge_pairs"]

NodeSide = Literal["left", "right"]


class Node(NamedTuple):
    """A half-identity: one side of the animal of one encounter."""

    encounter_id: str
    side: NodeSide


Pair = tuple[Node, Node]


@dataclass(frozen=True)
class Nodes:
    """The half-identities of a survey and the way from a photo to them."""

    photos: Mapping[Node, tuple[str, ...]]
    """Usable photos of each node, best first; none where only a decision knows the side."""
    encounter_of: Mapping[str, str]
    flanks: Mapping[str, Flank]

    def of(self, media_id: str, side: FlankSide) -> tuple[Node, ...]:
        """The nodes that a decision about this side of this photo speaks of."""
        encounter = self.encounter_of.get(media_id)
        if encounter is None:
            return ()
        if side in ("left", "right"):
            node = Node(encounter, side)
            return (node,) if node in self.photos else ()
        read = self.flanks.get(media_id)
        sides = _sides(read.side) if read is not None else ()
        found = tuple(Node(encounter, one) for one in (sides or _sides("both")))
        return tuple(node for node in found if node in self.photos)

    def pairs(self, decision: Decision) -> list[Pair]:
        """The pairs of nodes that a decision compares: side by side, across only if nothing else."""
        first = self.of(decision.media_a, decision.side_a)
        second = self.of(decision.media_b, decision.side_b)
        pairs = [(a, b) for a in first for b in second if a.side == b.side]
        if not pairs and decision.actor_kind != "model":  # a model may never join left to right
            pairs = [(a, b) for a in first for b in second]
        return [(min(a, b), max(a, b)) for a, b in pairs if a != b]


def _sides(side: FlankSide) -> tuple[NodeSide, ...]:
    if side == "both":
        return ("left", "right")
    return () if side == "unknown" else (side,)


def find_nodes(
    encounters: Mapping[str, Encounter], flanks: Mapping[str, Flank], log: Iterable[Decision]
) -> Nodes:
    """Nodes stand where a usable flank was read, or where a person or laboratory recognised a side."""
    encounter_of = {photo: one.id for one in encounters.values() for photo in one.media_ids}
    photos: dict[Node, list[str]] = defaultdict(list)
    for flank in flanks.values():
        encounter = encounter_of.get(flank.media_id)
        if flank.usable and encounter is not None:
            for own in _sides(flank.side):
                photos[Node(encounter, own)].append(flank.media_id)
    best_first = {
        node: tuple(sorted(usable, key=lambda photo: (-flanks[photo].quality, photo)))
        for node, usable in photos.items()
    }
    for one in log:
        if one.actor_kind == "model" or one.kind not in ("same", "new", "name"):
            continue
        for photo, side in ((one.media_a, one.side_a), (one.media_b, one.side_b)):
            if photo in encounter_of and side in ("left", "right"):
                best_first.setdefault(Node(encounter_of[photo], side), ())
    return Nodes(photos=best_first, encounter_of=encounter_of, flanks=flanks)


@dataclass(frozen=True)
class Verdict:
    """What counts about one pair of nodes."""

    same: bool
    decision: Decision

    @property
    def rank(self) -> int:
        """Authority of who said it."""
        return AUTHORITY[self.decision.actor_kind]


def judge_pairs(nodes: Nodes, log: Iterable[Decision]) -> tuple[dict[Pair, Verdict], list[Finding]]:
    """The word that counts about each pair, and the pairs on which people disagree.

    A person outweighs a laboratory, a laboratory a model. Everybody's latest word counts; if two
    of equal authority differ, the newer one is followed and the disagreement reported. Who looked
    and could not tell silences the models, not the others.
    """
    said: dict[Pair, list[Decision]] = defaultdict(list)
    for one in log:
        if one.kind in ("same", "different", "not_comparable", "unsure"):
            for pair in nodes.pairs(one):
                said[pair].append(one)
    verdicts: dict[Pair, Verdict] = {}
    disagreements: list[Finding] = []
    for pair, words in said.items():
        latest = {(one.actor_kind, one.actor): one for one in words}  # oldest first: the last one stays
        heard: set[str] = set()
        for kind in ("person", "laboratory", "model"):
            of_kind = sorted((one for one in latest.values() if one.actor_kind == kind), key=in_order)
            clear = [one for one in of_kind if one.kind in ("same", "different")]
            if kind == "model" and heard:
                break
            if clear:
                verdicts[pair] = Verdict(same=clear[-1].kind == "same", decision=clear[-1])
                if kind != "model" and len({one.kind for one in clear}) > 1:
                    disagreements.append(_disagreement(clear))
                break
            heard.update(one.kind for one in of_kind)
    return verdicts, disagreements


def _disagreement(words: Sequence[Decision]) -> Finding:
    last = words[-1]
    voices = ", ".join(f"{one.actor} says {one.kind} (decision {one.id})" for one in words)
    return Finding(
        code="reviewers_disagree",
        severity="warning",
        message=f"photos {last.media_a} and {last.media_b}: {voices}; the newest is followed",
        fix="Look at the pair together and undo the decision that is wrong.",
        ids=(last.media_a, last.media_b),
        where=f"decision {last.id}",
    )


Order = tuple[datetime, int]


@dataclass(frozen=True)
class Closure:
    """Somebody said that a node is nobody known then: it joins none that was known before."""

    node: Node
    order: Order
    rank: int
    decision: Decision


def closures(nodes: Nodes, log: Sequence[Decision]) -> tuple[list[Closure], dict[Node, Order]]:
    """Standing `new` decisions of people and laboratories, and since when each node has been known.

    A later `same` about the node, by somebody of no less authority, takes the `new` back.
    """
    known: dict[Node, Order] = {}
    closed: dict[Node, Closure] = {}
    for one in sorted(log, key=in_order):
        if one.kind == "new":
            touched: Iterable[Node] = nodes.of(one.media_a, one.side_a)
        elif one.kind == "same":
            touched = [node for pair in nodes.pairs(one) for node in pair]
        else:
            continue
        rank = AUTHORITY[one.actor_kind]
        for node in touched:
            known.setdefault(node, in_order(one))
            if one.kind == "new" and one.actor_kind != "model":
                closed[node] = Closure(node, in_order(one), rank, one)
            elif one.kind == "same" and node in closed and rank >= closed[node].rank:
                del closed[node]
    return list(closed.values()), known
