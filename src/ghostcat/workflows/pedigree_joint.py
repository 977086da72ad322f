"""Wild and managed animals of one studbook together: founder lines, releases and captures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.formats.pedigree_reader import PedigreeTable
from ghostcat.pedigree import Pedigree
from ghostcat.survey.evidence import Finding

__all__ = ["joint_populations"]


def joint_populations(
    table: PedigreeTable,
    *,
    release: Sequence[str] = (),
    capture: Sequence[str] = (),
    cub: Sequence[str] | None = None,
    iterations: int = 2000,
    seed: int = 1,
) -> dict[str, Any]:
    """Founder lines of the wild and the managed population, and what an exchange would add.

    Parameters
    ----------
    release : managed animals that would be released.
    capture : wild animals that would be brought in.
    cub : dam and sire of a wild cub that is in no table yet, as names, "" not known; it is brought in.
    iterations : gene drops.
    seed : of everything random.

    Raises
    ------
    EstimateRefused : `no_members`, nobody living is called wild or managed.
    ParameterError : a released animal is not managed, or a captured one not wild.
    """
    from ghostcat import pedigree as rooms

    pedigree = table.pedigree
    wild = rooms.population_members(pedigree, "wild")
    managed = rooms.population_members(pedigree, "managed")
    lines = rooms.founder_lines(
        pedigree, wild=wild, managed=managed, rng=np.random.default_rng([seed, 0]), iterations=iterations
    )
    out: dict[str, Any] = {
        "id": table.file,
        "n_wild": len(wild),
        "n_managed": len(managed),
        "GD_wild": rooms.gene_diversity(pedigree, wild),
        "GD_managed": rooms.gene_diversity(pedigree, managed),
        "GD_together": rooms.gene_diversity(pedigree, np.concatenate([wild, managed])),
        "mean_kinship_between": float(rooms.kinship(pedigree, wild, others=managed).mean()),
        "lines": [_line(pedigree, line) for line in lines],
        "lines_only_wild": sum(line.only_in == "wild" for line in lines),
        "lines_only_managed": sum(line.only_in == "managed" for line in lines),
        "iterations": iterations,
        "seed": seed,
    }
    if release:
        moved = _members(pedigree, release, managed, "managed")
        rng = np.random.default_rng([seed, 1])
        effect = rooms.exchange_effect(
            pedigree, moved, receiving=wild, giving=managed, rng=rng, iterations=iterations
        )
        out["release"] = _exchange(pedigree, effect)
    if capture:
        moved = _members(pedigree, capture, wild, "wild")
        rng = np.random.default_rng([seed, 2])
        effect = rooms.exchange_effect(
            pedigree, moved, receiving=managed, giving=wild, rng=rng, iterations=iterations
        )
        out["capture"] = _exchange(pedigree, effect)
    if cub is not None:
        grown = _with_cub(pedigree, cub)
        rng = np.random.default_rng([seed, 3])
        effect = rooms.exchange_effect(
            grown, [len(grown) - 1], receiving=managed, rng=rng, iterations=iterations
        )
        out["cub"] = _exchange(grown, effect)
    out["findings"] = [*table.findings, *_assumptions(table)]
    return out


def _assumptions(table: PedigreeTable) -> list[Finding]:
    """Without DNA nobody knows how the founders of the two populations are related."""
    if table.pedigree.founder_kinship is not None:
        return []
    return [
        Finding(
            code="founders_taken_unrelated",
            severity="warning",
            message="founders count as unrelated, in the wild too; true gains are at most those shown",
            fix="Give the kinship of founders from their DNA (--founder-kinship).",
            where=table.file,
        )
    ]


def _with_cub(pedigree: Pedigree, parents: Sequence[str]) -> Pedigree:
    if len(parents) != 2:
        raise ParameterError("a cub has a dam and a sire", fix="Give both, empty where not known.")
    dam, sire = (int(pedigree.index([name])[0]) if name else -1 for name in parents)
    return pedigree.with_offspring([dam], [sire], ids=["wild cub"], population=["wild"])


def _members(
    pedigree: Pedigree, names: Sequence[str], members: NDArray[np.int64], population: str
) -> NDArray[np.int64]:
    found = pedigree.index(names)
    for animal in found.tolist():
        if animal not in members:
            raise ParameterError(
                f"{pedigree.place_of(animal)} is not a living animal of the {population} population",
                fix="Name living members.",
            )
    return found


def _line(pedigree: Pedigree, line: Any) -> dict[str, Any]:
    name = pedigree.ids[line.animal]
    cells = asdict(line)
    del cells["animal"], cells["parent"]
    return {"line": f"unknown {line.parent} of {name}" if line.parent else name, **cells}


def _exchange(pedigree: Pedigree, effect: Any) -> dict[str, Any]:
    def measured(value: Any) -> dict[str, Any] | None:
        return None if value is None else asdict(value)

    return {
        "animals": [pedigree.ids[animal] for animal in effect.moved.tolist()],
        "GD_receiving_before": effect.receiving_before,
        "GD_receiving_after": effect.receiving_after,
        "GD_gain": measured(effect.gain),
        "GD_giving_before": effect.giving_before,
        "GD_giving_after": effect.giving_after,
        "GD_giving_change": measured(effect.giving_change),
        "next_F_before": effect.inbreeding_before,
        "next_F_after": effect.inbreeding_after,
        "next_F_change": measured(effect.inbreeding_change),
        "F_of_offspring_with_residents": effect.inbreeding_with_residents,
        "mean_kinship_with_residents": effect.mean_kinship.tolist(),
        "new_lines": [
            f"unknown {parent} of {pedigree.ids[animal]}" if parent else pedigree.ids[animal]
            for animal, parent in effect.new_lines
        ],
    }
