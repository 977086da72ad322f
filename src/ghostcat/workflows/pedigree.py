"""From a studbook file to kinship, inbreeding and what is left of the founders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.formats.pedigree_reader import PedigreeKind, PedigreeTable, read_pedigree
from ghostcat.pedigree import Pedigree
from ghostcat.survey.evidence import Finding

__all__ = [
    "KinshipTable",
    "pedigree_kinship",
    "pedigree_summary",
    "read_studbook",
    "with_founders_from_dna",
]

Matrix = Literal["kinship", "A", "D", "X"]
#: Up to so many animals a table of all pairs is made for a summary.
DENSE = 5000


@dataclass(frozen=True, kw_only=True, eq=False)
class KinshipTable:
    """A square matrix of chosen animals, in the order asked for."""

    kind: Matrix
    ids: tuple[str, ...]
    matrix: NDArray[np.float64]
    findings: tuple[Finding, ...]


def read_studbook(path: str | Path, *, kind: PedigreeKind | None = None) -> PedigreeTable:
    """Read a pedigree of any kind and check it; findings of the file and of the animals together.

    Raises
    ------
    FormatError : it cannot be read as a pedigree.
    """
    from ghostcat.pedigree.checks import check_pedigree

    table = read_pedigree(Path(path), kind=kind)
    return replace(table, findings=(*table.findings, *_findings(table, check_pedigree(table.pedigree))))


def _findings(table: PedigreeTable, faults: Sequence[Any]) -> list[Finding]:
    out = []
    for fault in faults:
        row = int(table.pedigree.rows[fault.animals[0]])
        out.append(
            Finding(
                code=fault.code,
                severity=fault.severity,
                message=fault.message,
                fix=fault.fix,
                ids=tuple(table.pedigree.ids[animal] for animal in fault.animals[:20]),
                where=f"{table.file} row {row}" if row else table.file,
            )
        )
    return out


def with_founders_from_dna(
    table: PedigreeTable,
    path: str | Path,
    *,
    scale: Literal["kinship", "relatedness"] = "kinship",
    standard_error: float | None = None,
) -> PedigreeTable:
    """Let founders enter with kinship estimated from their DNA (see `read_kinship_table`).

    Animals of the table with known parents, or not in the pedigree, are left out with a finding.
    """
    from ghostcat.formats.pedigree_matrix import read_kinship_table
    from ghostcat.pedigree import enter_founders

    names, matrix = read_kinship_table(path, scale=scale)
    pedigree = table.pedigree
    known = set(pedigree.ids)
    kept = [
        i for i, name in enumerate(names) if name in known and pedigree.founders[pedigree.index([name])[0]]
    ]
    findings = [
        Finding(
            code="dna_of_no_founder",
            severity="note" if names[i] in known else "warning",
            message=f"{names[i]} "
            + (
                "has known parents; its DNA is not used for founders"
                if names[i] in known
                else "is not in the pedigree"
            ),
            fix="Use --genomic for animals with parents." if names[i] in known else "Correct the name.",
            ids=(names[i],),
            where=Path(path).name,
        )
        for i in sorted(set(range(len(names))) - set(kept))
    ]
    if not kept:
        raise ParameterError("none of the animals is a founder of the pedigree", where=Path(path).name)
    entered = enter_founders(
        pedigree, [names[i] for i in kept], matrix[np.ix_(kept, kept)], standard_error=standard_error
    )
    return replace(table, pedigree=entered, findings=(*table.findings, *findings))


def _corrected(
    table: PedigreeTable, chosen: NDArray[np.int64], path: str | Path, weight: float
) -> tuple[NDArray[np.float64], tuple[Finding, ...]]:
    """Kinship of the chosen, corrected by the DNA of those that have it."""
    from ghostcat.formats.pedigree_matrix import read_kinship_table
    from ghostcat.pedigree import genomic_kinship

    pedigree = table.pedigree
    names, matrix = read_kinship_table(path)
    known = set(pedigree.ids)
    kept = [i for i, name in enumerate(names) if name in known]
    strangers = [
        Finding(
            code="dna_of_stranger",
            severity="warning",
            message=f"{name} is not in the pedigree; its DNA is not used",
            fix="Correct the name, or add its row.",
            ids=(name,),
            where=Path(path).name,
        )
        for name in names
        if name not in known
    ]
    genotyped = pedigree.index([names[i] for i in kept])
    found = genomic_kinship(pedigree, genotyped, matrix[np.ix_(kept, kept)], animals=chosen, weight=weight)
    apart = [
        Finding(
            code="dna_disagrees",
            severity="warning",
            message=f"{pedigree.ids[a]} and {pedigree.ids[b]} have a kinship of {by_pedigree:.3f} "
            f"by pedigree and {by_dna:.3f} by DNA",
            fix="Check their parents, or the samples.",
            ids=(pedigree.ids[a], pedigree.ids[b]),
            where=Path(path).name,
        )
        for a, b, by_pedigree, by_dna in found.disagreeing
    ]
    return found.kinship, (*strangers, *apart)


def pedigree_kinship(
    table: PedigreeTable,
    *,
    kind: Matrix = "kinship",
    ids: Sequence[str] | None = None,
    family: str | None = None,
    genomic: str | Path | None = None,
    genomic_weight: float = 0.95,
) -> KinshipTable:
    """Kinship, additive (A), dominance (D) or X-chromosome relationships of a pedigree.

    Parameters
    ----------
    kind : "kinship" is A/2.
    ids : the animals, in this order; all that have a row by default.
    family : only the animals of one family, where the file has families.
    genomic : table of kinship from DNA (see `read_kinship_table`) that corrects the pedigree's.
    genomic_weight : share of the DNA for genotyped animals.

    Raises
    ------
    InputError : an animal is its own ancestor; ParameterError : a name is not there.
    """
    from ghostcat import pedigree as rooms

    pedigree = table.pedigree
    chosen = np.flatnonzero(~pedigree.implied) if ids is None else pedigree.index(ids)
    if family is not None:
        chosen = chosen[[cell == family for cell in _family(table, chosen)]]
        if not len(chosen):
            raise ParameterError(f"there is no family {family!r}", where=table.file)
    findings = table.findings
    if genomic is not None:
        if kind not in ("kinship", "A"):
            raise ParameterError(f"the matrix {kind} is not corrected by DNA", fix="Ask for kinship or A.")
        matrix, found = _corrected(table, chosen, genomic, genomic_weight)
        matrix, findings = matrix * (2.0 if kind == "A" else 1.0), (*findings, *found)
    elif kind == "D":
        matrix = rooms.dominance(pedigree, chosen)
    elif kind == "X":
        matrix = rooms.x_kinship(pedigree, chosen)
    else:
        matrix = rooms.kinship(pedigree, chosen) * (2.0 if kind == "A" else 1.0)
    names = tuple(pedigree.ids[i] for i in chosen.tolist())
    return KinshipTable(kind=kind, ids=names, matrix=matrix, findings=findings)


def _family(table: PedigreeTable, animals: NDArray[np.int64]) -> list[str]:
    if table.pedigree.family is None:
        raise ParameterError(
            "the pedigree has no column of families", where=table.file, fix="Leave out --family."
        )
    return [table.pedigree.family[i] for i in animals.tolist()]


def pedigree_summary(
    table: PedigreeTable,
    *,
    reference: Sequence[str] | None = None,
    living: bool = False,
    iterations: int | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Inbreeding, kinship and founder statistics of a pedigree, as one table of numbers.

    The reference set is the file's column `target`, else all animals of the file. Quantities that could
    not be computed are None, with the reason in `findings`.

    Parameters
    ----------
    reference : names of the reference set instead.
    living : the living animals as reference set.
    iterations : gene drops; 10,000 for small pedigrees, fewer for large ones, 0 for none.
    seed : of the gene drops.

    Raises
    ------
    InputError : an animal is its own ancestor; ParameterError : a name is not there.
    """
    from ghostcat import pedigree as rooms

    pedigree = table.pedigree
    rows = np.flatnonzero(~pedigree.implied)
    chosen, which = _reference(table, reference, living)
    findings = list(table.findings)
    f = rooms.inbreeding(pedigree)
    sums = rooms.relationship_product(pedigree, (~pedigree.implied).astype(np.float64))
    descendants = chosen[~pedigree.founders[chosen]]
    out: dict[str, Any] = {
        "id": Path(table.file).stem,
        "program": "ghostcat",
        "kind": table.kind,
        "n": len(rows),
        "n_founders": int(pedigree.founders.sum()),
        "mean_F": float(f[rows].mean()),
        "max_F": float(f[rows].max()),
        "mean_kinship_all": float(0.5 * sums[rows].mean() / len(rows)),
        "logdetA": rooms.log_determinant(pedigree),
        "sumA": float(sums[rows].sum()),
        **_dense(pedigree, rows, findings, table.file),
        "reference": which,
        "n_ref": len(chosen),
        "mean_kinship_ref": 1 - rooms.gene_diversity(pedigree, chosen),
        "GD_ref": rooms.gene_diversity(pedigree, chosen),
        "FGE_ref": rooms.founder_genome_equivalents(pedigree, chosen),
        "known_fraction_ref": float(rooms.known_fraction(pedigree)[chosen].mean()),
    }
    out["logDetA"] = out["logdetA"]
    out |= _known_part(pedigree, chosen)
    if len(descendants):
        out["FE"] = rooms.founder_equivalents(pedigree, chosen)
        out["GD_descendants"] = rooms.gene_diversity(pedigree, descendants)
        out["FGE_descendants"] = rooms.founder_genome_equivalents(pedigree, descendants)
    out["Nancestors"] = _ancestors(pedigree, chosen)
    out["Ne_all_t_gt1"] = _realised(pedigree, rows, findings, table.file)
    drop = _gene_drop(pedigree, chosen, iterations, seed)
    out |= _drop_numbers(pedigree, chosen, descendants, drop, out["Nancestors"], seed)
    out["population"] = [pedigree.ids[i] for i in chosen.tolist()]
    out["implied_founders"] = [pedigree.ids[i] for i in np.flatnonzero(pedigree.implied).tolist()]
    out["animals"] = _animals(table, f, sums, chosen, which, drop)
    out["findings"] = findings
    return out


def _known_part(pedigree: Pedigree, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """Gene diversity with genes of unknown origin left out of the pool."""
    from ghostcat import pedigree as rooms

    try:
        diversity = rooms.known_gene_diversity(pedigree, chosen)
    except EstimateRefused:
        return {"GD_known": None, "FGE_known": None}
    return {"GD_known": diversity, "FGE_known": 1 / (2 * (1 - diversity)) if diversity < 1 else None}


def _reference(
    table: PedigreeTable, reference: Sequence[str] | None, living: bool
) -> tuple[NDArray[np.int64], str]:
    pedigree = table.pedigree
    if reference is not None:
        chosen, which = pedigree.index(reference), "as given"
    elif living:
        chosen, which = np.flatnonzero(pedigree.living), "living"
    elif pedigree.reference is not None:
        chosen, which = np.flatnonzero(pedigree.reference), "target==1"
    else:
        chosen, which = np.flatnonzero(~pedigree.implied), "all"
    if not len(chosen):
        raise EstimateRefused(
            "the reference set is empty", code="no_animals", where=table.file, fix="Name its animals."
        )
    return chosen, which


def _dense(
    pedigree: Pedigree, rows: NDArray[np.int64], findings: list[Finding], file: str
) -> dict[str, float | int | None]:
    """Numbers that need all pairs."""
    from ghostcat import pedigree as rooms

    if len(rows) > DENSE:
        findings.append(
            Finding(
                code="all_pairs_left_out",
                severity="note",
                message=f"with {len(rows)} animals the table of all pairs is not made: no sumD, nnzA and g25",
                fix="Ask for the kinship of the animals that matter.",
                where=file,
            )
        )
        return {"sumD": None, "nnzA": None}
    matrix = rooms.kinship(pedigree, rows)
    return {
        "sumD": float(rooms.dominance(pedigree, rows).sum()),
        # One triangle with the diagonal, as programs store it.
        "nnzA": int((np.count_nonzero(matrix) + len(rows)) // 2),
    }


def _ancestors(pedigree: Pedigree, chosen: NDArray[np.int64]) -> dict[str, Any]:
    from ghostcat import pedigree as rooms

    lines = rooms.founder_representation(pedigree, chosen)
    # Every line takes a pass through the pedigree: quick for a studbook, hours for a national herd.
    few = len(pedigree) * int(lines.present.sum()) <= 20_000_000
    found = rooms.effective_ancestors(pedigree, chosen) if few else None
    return {
        "Nr": len(chosen),
        "Nf": int(lines.present.sum()),
        "Nfe": rooms.founder_equivalents(pedigree, chosen, descendants_only=False),
        "Na": None if found is None else found.number,
        "Nae": None if found is None else found.effective,
    }


def _realised(
    pedigree: Pedigree, rows: NDArray[np.int64], findings: list[Finding], file: str
) -> dict[str, Any]:
    from ghostcat import pedigree as rooms

    try:
        ne = rooms.realised_ne(pedigree, rows)
    except EstimateRefused as refusal:
        findings.append(
            Finding(
                code=refusal.code,
                severity="note",
                message=f"no effective size: {refusal.what}",
                fix=refusal.fix,
                where=file,
            )
        )
        return {"Ne": None, "se_Ne": None, "lower": None, "upper": None, "refused": refusal.code}
    return {
        "Ne": ne.estimate,
        "se_Ne": ne.standard_error,
        "lower": ne.lower,
        "upper": ne.upper,
        "animals": ne.n,
    }


def _gene_drop(pedigree: Pedigree, chosen: NDArray[np.int64], iterations: int | None, seed: int) -> Any:
    from ghostcat import pedigree as rooms

    if iterations is None:
        iterations = int(min(10_000, 2e7 // len(pedigree))) if len(pedigree) <= 20_000 else 0
    if not iterations:
        return None
    rng = np.random.default_rng(seed)
    return rooms.gene_drop_diversity(pedigree, rng=rng, iterations=iterations, reference=chosen)


def _drop_numbers(
    pedigree: Pedigree,
    chosen: NDArray[np.int64],
    descendants: NDArray[np.int64],
    drop: Any,
    ancestors: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    from ghostcat import pedigree as rooms

    if drop is None:
        return {"gene_drop_iterations": 0}
    ancestors |= {"Ng": drop.genomes, "se_Ng": drop.genomes_sd, "Ng_interval": list(drop.genomes_interval)}
    out: dict[str, Any] = {"gene_drop_iterations": drop.iterations, "seed": seed}
    if not len(descendants):
        return out
    of_descendants = drop
    if len(descendants) < len(chosen):  # founders in the set keep their own alleles for certain
        rng = np.random.default_rng([seed, 1])
        of_descendants = rooms.gene_drop_diversity(
            pedigree, rng=rng, iterations=drop.iterations, reference=descendants
        )
    out["FG_gene_drop"] = of_descendants.fg
    lines = zip(of_descendants.line_animal.tolist(), of_descendants.line_parent, strict=True)
    out["retention_gene_drop"] = {
        f"{role} of {pedigree.ids[animal]}" if role else pedigree.ids[animal]: float(kept)
        for (animal, role), kept in zip(lines, of_descendants.retention, strict=True)
        if kept > 0
    }
    return out


def _exact_uniqueness(pedigree: Pedigree, chosen: NDArray[np.int64], drop: Any) -> NDArray[np.float64]:
    """Exact where the pedigree is small and narrow enough, else from the gene drop."""
    from ghostcat.pedigree.exact import exact_retention

    if len(pedigree) <= 200:
        try:
            return exact_retention(pedigree, chosen, most_states=5_000).uniqueness
        except EstimateRefused:
            pass
    return np.asarray(drop.uniqueness)


def _animals(
    table: PedigreeTable,
    f: NDArray[np.float64],
    sums: NDArray[np.float64],
    chosen: NDArray[np.int64],
    which: str,
    drop: Any,
) -> list[dict[str, Any]]:
    from ghostcat import pedigree as rooms

    pedigree = table.pedigree
    n = len(pedigree)
    rows = np.flatnonzero(~pedigree.implied)
    columns: dict[str, NDArray[np.float64]] = {
        "Fi": f,
        "f": f,
        "Fa": rooms.ancestral_inbreeding(pedigree),
        "g25": np.full(n, np.nan),
        "t": rooms.equivalent_generations(pedigree),
        "MK_ref": np.full(n, np.nan),
        "A_rowsum": sums,
        "known_fraction": rooms.known_fraction(pedigree),
    }
    if n <= DENSE and not pedigree.odds:
        columns["g25"] = rooms.purged_inbreeding(pedigree, purging=0.25)
    inside = np.arange(n) if which == "all" else chosen
    columns["MK_ref"][inside] = rooms.mean_kinship(pedigree, inside, reference=chosen)
    if (columns["known_fraction"][chosen] < 1).any() and columns["known_fraction"][chosen].any():
        columns["MK_known"] = np.full(n, np.nan)
        columns["MK_known"][inside] = rooms.known_mean_kinship(pedigree, inside, reference=chosen)
    if drop is not None:
        columns["gene_uniqueness"] = np.full(n, np.nan)
        columns["gene_uniqueness"][drop.animals] = _exact_uniqueness(pedigree, chosen, drop)
    names = ("", *pedigree.ids)
    cells = {name: values[rows].tolist() for name, values in columns.items()}
    return [
        {
            "id": pedigree.ids[i],
            "dam": names[pedigree.dam[i] + 1],
            "sire": names[pedigree.sire[i] + 1],
            "sex": ("", "M", "F")[pedigree.sex[i]],
            **{name: values[k] for name, values in cells.items()},
        }
        for k, i in enumerate(rows.tolist())
    ]
