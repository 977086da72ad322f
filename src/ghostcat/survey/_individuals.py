"""From groups of half-identities to individuals with photos, a name, a sex and a place in the count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

from ghostcat.survey._judgements import Node, Nodes
from ghostcat.survey.decisions import in_order
from ghostcat.survey.evidence import Decision, Detection, Encounter, Finding, Individual

__all__ = ["describe_individuals"]

Sex = Literal["female", "male", ""]


def describe_individuals(
    animals: list[list[Node]],
    nodes: Nodes,
    encounters: Mapping[str, Encounter],
    log: Sequence[Decision],
    seen: Mapping[str, list[Detection]],
) -> tuple[dict[str, Individual], dict[Node, str], list[Finding]]:
    """Number the animals by first sighting and give each its photos, name and sex.

    Parameters
    ----------
    animals : nodes of each animal.
    log : standing decisions, oldest first.

    Returns
    -------
    Individuals by id, the individual of each node, and what is wrong with the names.
    """

    def first_seen(node: Node) -> tuple[object, str, str]:
        return (encounters[node.encounter_id].start, node.encounter_id, node.side)

    animals = [sorted(members, key=first_seen) for members in animals]
    animals.sort(key=lambda members: first_seen(members[0]))
    number_of = {node: number for number, members in enumerate(animals) for node in members}
    names, findings = _names(number_of, nodes, log)
    sexes = _decided_sexes(number_of, nodes, log)
    counted = _counted(animals)
    individuals: dict[str, Individual] = {}
    for number, members in enumerate(animals):
        left, right = (_photos(members, side, nodes) for side in ("left", "right"))
        animal = f"G{number + 1:03d}"
        individuals[animal] = Individual(
            id=animal,
            name=names.get(number, ""),
            encounter_ids=tuple(dict.fromkeys(node.encounter_id for node in members)),
            left_media=left,
            right_media=right,
            sex=sexes[number] if number in sexes else _noted_sex({*left, *right}, seen),
            joined=len({node.side for node in members}) == 2,
            counted=counted[number],
        )
    owner = {node: f"G{number + 1:03d}" for node, number in number_of.items()}
    return individuals, owner, findings


def _photos(members: Sequence[Node], side: str, nodes: Nodes) -> tuple[str, ...]:
    photos = [photo for node in members if node.side == side for photo in nodes.photos[node]]
    return tuple(sorted(photos, key=lambda photo: (-nodes.flanks[photo].quality, photo)))


def _counted(animals: Sequence[Sequence[Node]]) -> list[bool]:
    """Who enters the minimum count.

    A left half may be the other side of any right half: of the halves that nothing joins, only
    those of the more frequent side are surely different animals.
    """
    sides = [{node.side for node in members} for members in animals]
    lefts, rights = sides.count({"left"}), sides.count({"right"})
    side = "left" if lefts >= rights else "right"
    return [len(own) == 2 or own == {side} for own in sides]


def _subject(decision: Decision, number_of: Mapping[Node, int], nodes: Nodes) -> tuple[int, Node] | None:
    """The animal a decision about one photo speaks of."""
    for node in nodes.of(decision.media_a, decision.side_a):
        if node in number_of:
            return number_of[node], node
    return None


def _names(
    number_of: Mapping[Node, int], nodes: Nodes, log: Sequence[Decision]
) -> tuple[dict[int, str], list[Finding]]:
    """Names by animal: the latest of a renaming, the earlier when two named animals were merged."""
    holding: dict[int, tuple[Decision, Node]] = {}
    findings: list[Finding] = []
    for one in log:
        subject = _subject(one, number_of, nodes) if one.kind == "name" else None
        if subject is None:
            continue
        number, node = subject
        before = holding.get(number)
        renamed = before is None or before[1] == node or one.shown.get("renames") == before[0].value
        if before is None or renamed or before[0].value.casefold() == one.value.casefold():
            holding[number] = (one, node)
        else:
            findings.append(_two_names(before[0], one))
    names: dict[int, str] = {}
    taken: dict[str, Decision] = {}
    for number, (one, _) in sorted(holding.items(), key=lambda item: in_order(item[1][0])):
        name = one.value.strip()
        if name.casefold() in taken:  # one animal was named and then split: the older holder keeps it
            findings.append(_name_twice(taken[name.casefold()], one))
        else:
            taken[name.casefold()] = one
            names[number] = name
    return names, findings


def _two_names(kept: Decision, lost: Decision) -> Finding:
    return Finding(
        code="two_names",
        severity="warning",
        message=f"one animal was called {kept.value!r} and {lost.value!r}; the earlier name is shown",
        fix="Undo the name that should go, or look whether the two were merged by mistake.",
        ids=(kept.media_a, lost.media_a),
        where=f"decision {lost.id}",
    )


def _name_twice(kept: Decision, lost: Decision) -> Finding:
    return Finding(
        code="name_taken_twice",
        severity="warning",
        message=f"two animals are called {lost.value!r}; only the one named first keeps it",
        fix="Give one of them another name.",
        ids=(kept.media_a, lost.media_a),
        where=f"decision {lost.id}",
    )


def _decided_sexes(number_of: Mapping[Node, int], nodes: Nodes, log: Sequence[Decision]) -> dict[int, Sex]:
    sexes: dict[int, Sex] = {}
    for kind in ("model", "laboratory", "person"):  # later ones outweigh
        for one in log:
            if one.kind != "sex" or one.actor_kind != kind:
                continue
            subject = _subject(one, number_of, nodes)
            if subject is not None:
                sexes[subject[0]] = cast(Sex, one.value) if one.value in ("female", "male") else ""
    return sexes


def _noted_sex(photos: Iterable[str], seen: Mapping[str, list[Detection]]) -> Sex:
    """What most of the field notes on the animal's photos say; nothing when they balance."""
    votes = Counter(one.sex for photo in photos for one in seen.get(photo, ()) if one.sex)
    if votes["female"] == votes["male"]:
        return ""
    return "female" if votes["female"] > votes["male"] else "male"
