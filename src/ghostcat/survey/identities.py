"""Individuals, computed from decisions. Nothing here is stored; undo a decision and they change.

Half-identities (one flank in one encounter) are the nodes. `same` decisions, and the fact that
one pass showed both flanks, link them; `different` and `new` decisions keep them apart. Links are
taken in order of authority (person, laboratory, the pass itself, model), then of confidence; one
that would bring a pair together which somebody of no less authority holds to be different is
refused and reported. A model never joins left to right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ghostcat.survey._individuals import describe_individuals
from ghostcat.survey._judgements import (
    Closure,
    Node,
    Nodes,
    Order,
    Pair,
    Verdict,
    closures,
    find_nodes,
    judge_pairs,
)
from ghostcat.survey.decisions import AUTHORITY, in_order, latest_run, standing
from ghostcat.survey.evidence import Decision, Detection, Encounter, Finding, Flank, Individual

__all__ = ["Identities", "Node", "compute_identities"]

#: Between a laboratory (2) and a model (0): one pass showed both flanks.
_ONE_PASS = 1
#: A detector's box counts as an animal of its own from this confidence on.
_SURE_BOX = 0.5


@dataclass(frozen=True, kw_only=True)
class Identities:
    """Who is who, as the decisions have it."""

    individuals: Mapping[str, Individual]
    """By id, `G001` being the one seen first."""
    owner: Mapping[Node, str]
    """Individual of each half-identity (encounter id, side)."""
    unresolved: tuple[Node, ...]
    """Half-identities of which nobody has said who they are: they wait for a person."""
    conflicts: tuple[Finding, ...]
    """Decisions that contradict each other, and animals held together by one link of a model."""


@dataclass(frozen=True)
class _Link:
    a: Node
    b: Node
    rank: int
    confidence: float
    decision: Decision | None
    """None for the two flanks of one pass."""


def compute_identities(
    decisions: Iterable[Decision],
    encounters: Mapping[str, Encounter],
    flanks: Mapping[str, Flank],
    detections: Iterable[Detection] = (),
) -> Identities:
    """Compute the individuals of a survey.

    Parameters
    ----------
    decisions : the whole log, in any order.
    flanks : readings by photo, with people's corrections laid over them
        (`decisions.corrected_flanks`).
    detections : for the sex noted in the field and for passes of several animals.
    """
    everything = standing(decisions)
    log = latest_run(everything)
    seen: dict[str, list[Detection]] = defaultdict(list)
    for one in detections:
        seen[one.media_id].append(one)
    nodes = find_nodes(encounters, flanks, log)
    verdicts, findings = judge_pairs(nodes, log)
    closed, known = closures(nodes, everything)
    links = _links(verdicts, nodes, encounters, seen)
    groups = _Groups(nodes.photos, closed, known)
    findings += _agglomerate(groups, links, verdicts)
    findings += _weak_links(links, groups)
    resolved = _resolved(nodes, log)
    animals = [members for members in groups.all() if not resolved.isdisjoint(members)]
    waiting = sorted(node for members in groups.all() if resolved.isdisjoint(members) for node in members)
    individuals, owner, name_findings = describe_individuals(animals, nodes, encounters, log, seen)
    return Identities(
        individuals=individuals,
        owner=owner,
        unresolved=tuple(waiting),
        conflicts=(*findings, *name_findings),
    )


def _links(
    verdicts: Mapping[Pair, Verdict],
    nodes: Nodes,
    encounters: Mapping[str, Encounter],
    seen: Mapping[str, list[Detection]],
) -> list[_Link]:
    links = []
    for (a, b), verdict in verdicts.items():
        if verdict.same:
            default = 0.5 if verdict.rank == 0 else 1.0
            said = verdict.decision.confidence
            links.append(_Link(a, b, verdict.rank, default if said is None else said, verdict.decision))
    for encounter in encounters.values():
        left, right = Node(encounter.id, "left"), Node(encounter.id, "right")
        word = verdicts.get((left, right))
        apart = word is not None and not word.same and word.rank > _ONE_PASS
        if nodes.photos.get(left) and nodes.photos.get(right) and not apart and not _company(encounter, seen):
            links.append(_Link(left, right, _ONE_PASS, 1.0, None))
    # Highest authority first, then the surest, then the newest; names last, to be deterministic.
    newest = [(in_order(link.decision) if link.decision else None) for link in links]
    order = sorted(range(len(links)), key=lambda i: (links[i].a, links[i].b))
    order.sort(key=lambda i: (newest[i] is not None, newest[i] or ()), reverse=True)
    order.sort(key=lambda i: (-links[i].rank, -links[i].confidence))
    return [links[i] for i in order]


def _company(encounter: Encounter, seen: Mapping[str, list[Detection]]) -> bool:
    """Whether more than one animal passed: then its two flanks need not be one animal's."""
    for photo in encounter.media_ids:
        boxes: Counter[str] = Counter()
        for one in seen.get(photo, ()):
            if one.category in ("animal", "unknown"):
                if (one.count or 1) > 1:
                    return True
                if one.box is not None and (one.confidence is None or one.confidence >= _SURE_BOX):
                    boxes[one.origin] += 1
        if any(number > 1 for number in boxes.values()):
            return True
    return False


@dataclass
class _Groups:
    """Nodes that belong together so far, and what keeps groups apart."""

    nodes: Iterable[Node]
    closed: Sequence[Closure]
    known: Mapping[Node, Order]
    group_of: dict[Node, int] = field(default_factory=dict)
    members: dict[int, list[Node]] = field(default_factory=dict)
    apart: dict[Node, dict[Node, Decision]] = field(default_factory=lambda: defaultdict(dict))
    by_decision: set[int] = field(default_factory=set)
    """Groups that a person or a laboratory put together."""

    def __post_init__(self) -> None:
        for number, node in enumerate(sorted(self.nodes)):
            self.group_of[node] = number
            self.members[number] = [node]

    def all(self) -> list[list[Node]]:
        return [sorted(members) for members in self.members.values()]

    def keep_apart(self, a: Node, b: Node, decision: Decision) -> None:
        self.apart[a][b] = decision
        self.apart[b][a] = decision

    def join(self, a: Node, b: Node, *, by_decision: bool) -> None:
        keep, gone = self.group_of[a], self.group_of[b]
        if len(self.members[keep]) < len(self.members[gone]):
            keep, gone = gone, keep
        for node in self.members[gone]:
            self.group_of[node] = keep
        self.members[keep] += self.members.pop(gone)
        if by_decision or gone in self.by_decision:
            self.by_decision.add(keep)

    def obstacle(self, a: Node, b: Node, rank: int) -> Decision | None:
        """The decision that forbids one group out of those of `a` and `b`."""
        first, second = sorted((self.group_of[a], self.group_of[b]), key=lambda g: len(self.members[g]))
        merged_by_decision = not self.by_decision.isdisjoint((first, second))
        for node in self.members[first]:
            for enemy, decision in self.apart.get(node, {}).items():
                weight = AUTHORITY[decision.actor_kind]
                # Who merged two animals has overruled the models that held them apart.
                overruled = weight == 0 and merged_by_decision
                if self.group_of[enemy] == second and weight >= rank and not overruled:
                    return decision
        return self._closing(first, second, rank) or self._closing(second, first, rank)

    def _closing(self, own: int, other: int, rank: int) -> Decision | None:
        for closure in self.closed:
            if closure.rank < rank or self.group_of[closure.node] != own:
                continue
            for node in self.members[other]:
                same_flank = node.side == closure.node.side and node.encounter_id != closure.node.encounter_id
                if same_flank and node in self.known and self.known[node] < closure.order:
                    return closure.decision
        return None


def _agglomerate(groups: _Groups, links: Sequence[_Link], verdicts: Mapping[Pair, Verdict]) -> list[Finding]:
    blockers: dict[int, tuple[Decision, list[_Link]]] = {}
    for rank in sorted({AUTHORITY[kind] for kind in AUTHORITY} | {_ONE_PASS}, reverse=True):
        for (a, b), verdict in verdicts.items():
            if not verdict.same and verdict.rank == rank:
                groups.keep_apart(a, b, verdict.decision)
        for link in links:
            if link.rank != rank or groups.group_of[link.a] == groups.group_of[link.b]:
                continue
            obstacle = groups.obstacle(link.a, link.b, rank)
            if obstacle is None:
                groups.join(link.a, link.b, by_decision=rank > _ONE_PASS)
            else:
                blockers.setdefault(id(obstacle), (obstacle, []))[1].append(link)
    findings = [finding for one, held in blockers.values() for finding in _refusals(one, held)]
    for (a, b), verdict in verdicts.items():
        if not verdict.same and verdict.rank > _ONE_PASS and groups.group_of[a] == groups.group_of[b]:
            findings.append(_overruled(verdict.decision))
    return findings


def _refusals(obstacle: Decision, held: Sequence[_Link]) -> Iterator[Finding]:
    """What to tell a person about links that were refused because of one decision."""
    heavy = [link for link in held if link.rank > 0]
    if not heavy and (obstacle.actor_kind == "model" or obstacle.kind == "new"):
        return  # a model that contradicts itself, or what a person has answered already
    told = heavy or held
    numbers = sorted({link.decision.id for link in told if link.decision and link.decision.id is not None})
    one_pass = sum(link.decision is None for link in told)
    what = f"decision {', '.join(map(str, numbers))}" if numbers else ""
    if one_pass:
        what += (" and " if what else "") + f"{one_pass} pass(es) showing both flanks"
    photos = dict.fromkeys(
        photo
        for link in told
        for photo in (
            (link.a.encounter_id, link.b.encounter_id)
            if link.decision is None
            else (link.decision.media_a, link.decision.media_b)
        )
    )
    yield Finding(
        code="identity_conflict" if heavy else "model_link_refused",
        severity="warning" if heavy else "note",
        message=(
            f"{what} would join animals that {obstacle.actor} holds apart "
            f"(decision {obstacle.id}, {obstacle.kind}): not joined"
        ),
        fix="Review these photos once more and undo the decision that is wrong.",
        ids=tuple(photo for photo in (*photos, obstacle.media_a, obstacle.media_b) if photo),
        where=f"decision {obstacle.id}",
    )


def _overruled(decision: Decision) -> Finding:
    return Finding(
        code="identity_conflict",
        severity="warning",
        message=(
            f"{decision.actor} holds {decision.media_a} and {decision.media_b} apart "
            f"(decision {decision.id}), but decisions of higher authority join them"
        ),
        fix="Find out who is right and undo the other decision.",
        ids=(decision.media_a, decision.media_b),
        where=f"decision {decision.id}",
    )


def _weak_links(links: Sequence[_Link], groups: _Groups) -> list[Finding]:
    """Animals that fall apart if one link of a model is wrong: the places to look first."""
    kept = {(link.a, link.b): link for link in links if groups.group_of[link.a] == groups.group_of[link.b]}
    near: dict[Node, list[Node]] = defaultdict(list)
    for a, b in kept:
        near[a].append(b)
        near[b].append(a)
    findings = []
    for a, b, beyond in _bridges(near):
        link = kept.get((a, b)) or kept[(b, a)]
        single = min(beyond, len(groups.members[groups.group_of[a]]) - beyond) < 2
        if single or link.rank or link.decision is None:
            continue
        here, there = _side_of(near, a, b), _side_of(near, b, a)
        if min(len(here), len(there)) > 1:
            findings.append(
                Finding(
                    code="weak_link",
                    severity="note",
                    message=(
                        f"one link of a model ({link.decision.media_a} and {link.decision.media_b}) "
                        f"holds {len(here)} and {len(there)} passes together as one animal"
                    ),
                    fix="Compare the two photos: if they show two animals, say so.",
                    ids=(link.decision.media_a, link.decision.media_b),
                    where=f"decision {link.decision.id}",
                )
            )
    return findings


def _bridges(near: Mapping[Node, Sequence[Node]]) -> Iterator[tuple[Node, Node, int]]:
    """Links whose loss would split a group, and how many nodes lie beyond (Tarjan 1974, no recursion)."""
    order: dict[Node, int] = {}
    low: dict[Node, int] = {}
    beyond: dict[Node, int] = defaultdict(lambda: 1)
    for root in near:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        stack: list[tuple[Node, Node | None, Iterator[Node]]] = [(root, None, iter(near[root]))]
        while stack:
            node, parent, rest = stack[-1]
            for other in rest:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append((other, node, iter(near[other])))
                    break
                if other != parent:
                    low[node] = min(low[node], order[other])
            else:
                stack.pop()
                if parent is not None:
                    low[parent] = min(low[parent], low[node])
                    beyond[parent] += beyond[node]
                    if low[node] > order[parent]:
                        yield parent, node, beyond[node]


def _side_of(near: Mapping[Node, Sequence[Node]], start: Node, without: Node) -> set[str]:
    """Encounters still connected to `start` when its link to `without` is cut."""
    reached, todo = {start}, [start]
    while todo:
        node = todo.pop()
        for other in near[node]:
            if other not in reached and not (node == start and other == without):
                reached.add(other)
                todo.append(other)
    return {node.encounter_id for node in reached}


def _resolved(nodes: Nodes, log: Iterable[Decision]) -> set[Node]:
    """Nodes of which somebody said who they are, or that they are new."""
    resolved: set[Node] = set()
    for one in log:
        if one.kind == "same":
            resolved.update(node for pair in nodes.pairs(one) for node in pair)
        elif one.kind == "new" or (one.kind == "name" and one.actor_kind != "model"):
            resolved.update(nodes.of(one.media_a, one.side_a))
    return resolved
