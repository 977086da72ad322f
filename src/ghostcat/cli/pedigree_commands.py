"""`ghostcat pedigree …`: studbooks read, checked and summarised."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ghostcat.cli.output import json_option, print_findings, print_json, print_table

if TYPE_CHECKING:
    from ghostcat.formats.pedigree_reader import PedigreeTable
    from ghostcat.workflows.pedigree import KinshipTable

ANY_PATH = click.Path(path_type=Path)

#: name → (module, one line of help) of the commands that live elsewhere.
LAZY = {
    "matchups": ("pedigree_matchups", "The best pairings and transfers for a season."),
    "project": ("pedigree_matchups", "Gene diversity over the next 100 years under a plan."),
    "draw": ("pedigree_matchups", "Draw the pedigree, kinship and diversity."),
    "report": ("pedigree_matchups", "One page of it all, in three languages."),
}

kind_option = click.option(
    "--kind",
    type=click.Choice(["table", "sparks", "gedcom", "fam"]),
    default=None,
    help="What the file is; told from its content by default.",
)


founders_option = click.option(
    "--founder-kinship",
    type=ANY_PATH,
    default=None,
    help="Kinship of founders from their DNA: a square table, or pairs id1, id2, kinship.",
)
founders_error_option = click.option(
    "--founder-kinship-se", type=float, default=None, help="Standard error of that kinship."
)


class _PedigreeCommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *LAZY]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in LAZY:
            return super().get_command(ctx, name)
        command = getattr(import_module(f"ghostcat.cli.{LAZY[name][0]}"), f"{name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = [(name, command.get_short_help_str(60)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl([*own, *((name, line) for name, (_, line) in LAZY.items())])


@click.group("pedigree", cls=_PedigreeCommands)
def pedigree_command() -> None:
    """Lineages: kinship, inbreeding, founders, match-ups.

    A pedigree is a table with the columns id, dam and sire in any usual spelling (English, Russian,
    Chinese), a SPARKS .dbf, a ZIMS or PMx export, a GEDCOM file or a PLINK .fam.
    """


@pedigree_command.command("check")
@click.argument("pedigree", type=ANY_PATH)
@kind_option
@json_option
def check_command(pedigree: Path, kind: Any, as_json: bool) -> None:
    """Look for what is wrong with a studbook. Exit code 1: there are errors."""
    from ghostcat.workflows.pedigree import read_studbook

    table = read_studbook(pedigree, kind=kind)
    errors = sum(finding.severity == "error" for finding in table.findings)
    if as_json:
        found = table.pedigree
        print_json(
            {
                "id": pedigree.stem,
                "kind": table.kind,
                "n": int((~found.implied).sum()),
                "errors": errors,
                "columns": table.columns,
                "findings": table.findings,
            }
        )
    else:
        print_findings(table.findings)
        click.echo(f"{int((~table.pedigree.implied).sum())} animals, {len(table.findings)} findings.")
    if errors:
        raise click.exceptions.Exit(1)


@pedigree_command.command("kinship")
@click.argument("pedigree", type=ANY_PATH)
@click.option(
    "--matrix",
    type=click.Choice(["kinship", "A", "D", "X"]),
    default="kinship",
    show_default=True,
    help="Kinship, additive (A = 2 × kinship), dominance, or X-chromosome kinship.",
)
@click.option("--animals", default=None, help="Only these animals: ids joined by commas.")
@click.option("--family", default=None, help="Only the animals of one family.")
@click.option(
    "--genomic",
    type=ANY_PATH,
    default=None,
    help="Correct by this table of kinship from DNA (square, or pairs id1, id2, kinship).",
)
@click.option("--genomic-weight", type=float, default=0.95, show_default=True, help="Share of the DNA.")
@founders_option
@kind_option
@json_option
def kinship_command(
    pedigree: Path,
    matrix: Any,
    animals: str | None,
    family: str | None,
    genomic: Path | None,
    genomic_weight: float,
    founder_kinship: Path | None,
    kind: Any,
    as_json: bool,
) -> None:
    """Kinship of every pair, in the order of the file."""
    from ghostcat.workflows.pedigree import pedigree_kinship

    table = read(pedigree, kind=kind, founder_kinship=founder_kinship)
    found = pedigree_kinship(
        table,
        kind=matrix,
        ids=names_of(animals),
        family=family,
        genomic=genomic,
        genomic_weight=genomic_weight,
    )
    if as_json:
        print_matrix(pedigree.stem, found)
        return
    rows = found.matrix.round(6).tolist()
    click.echo("\t".join(["id", *found.ids]))
    for name, row in zip(found.ids, rows, strict=True):
        click.echo("\t".join([name, *(f"{value:g}" for value in row)]))
    print_warnings(found.findings)


@pedigree_command.command("summary")
@click.argument("pedigree", type=ANY_PATH)
@click.option("--reference", default=None, help="The reference set: ids joined by commas.")
@click.option("--living", is_flag=True, help="The living animals as reference set.")
@click.option("--iterations", type=click.IntRange(min=0), default=None, help="Gene drops; 0 for none.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the gene drops.")
@founders_option
@kind_option
@json_option
def summary_command(
    pedigree: Path,
    reference: str | None,
    living: bool,
    iterations: int | None,
    seed: int,
    founder_kinship: Path | None,
    kind: Any,
    as_json: bool,
) -> None:
    """Inbreeding, gene diversity, founders and effective size.

    The reference set is the file's column `target`, or all animals.
    """
    from ghostcat.workflows.pedigree import pedigree_summary

    found = pedigree_summary(
        read(pedigree, kind=kind, founder_kinship=founder_kinship),
        reference=names_of(reference),
        living=living,
        iterations=iterations,
        seed=seed,
    )
    if as_json:
        print_json(found)
        return
    print_summary(found)
    print_warnings(found["findings"])


@pedigree_command.command("joint")
@click.argument("pedigree", type=ANY_PATH)
@click.option("--release", default=None, help="Managed animals to release: ids joined by commas.")
@click.option("--capture", default=None, help="Wild animals to bring in: ids joined by commas.")
@click.option(
    "--cub",
    default=None,
    metavar="DAM,SIRE",
    help="A wild cub to bring in, by its parents; a comma alone where neither is known.",
)
@click.option(
    "--iterations", type=click.IntRange(min=100), default=2000, show_default=True, help="Gene drops."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything random.")
@founders_option
@founders_error_option
@kind_option
@json_option
def joint_command(
    pedigree: Path,
    release: str | None,
    capture: str | None,
    cub: str | None,
    iterations: int,
    seed: int,
    founder_kinship: Path | None,
    founder_kinship_se: float | None,
    kind: Any,
    as_json: bool,
) -> None:
    """Wild and managed together: founder lines of each, and what a release or a capture adds.

    The column `population` says wild or managed.
    """
    from ghostcat.workflows.pedigree_joint import joint_populations

    table = read(pedigree, kind=kind, founder_kinship=founder_kinship, standard_error=founder_kinship_se)
    found = joint_populations(
        table,
        release=names_of(release) or (),
        capture=names_of(capture) or (),
        cub=None if cub is None else [name.strip() for name in cub.split(",")],
        iterations=iterations,
        seed=seed,
    )
    if as_json:
        print_json(found)
        return
    print_joint(found)
    print_warnings(found["findings"])


def read(
    pedigree: Path,
    *,
    kind: Any,
    founder_kinship: Path | None = None,
    standard_error: float | None = None,
) -> PedigreeTable:
    """The studbook, with founders related by their DNA where it is given."""
    from ghostcat.workflows.pedigree import read_studbook, with_founders_from_dna

    table = read_studbook(pedigree, kind=kind)
    if founder_kinship is None:
        return table
    return with_founders_from_dna(table, founder_kinship, standard_error=standard_error)


def names_of(text: str | None) -> list[str] | None:
    """Names joined by commas."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def print_joint(found: dict[str, Any]) -> None:
    """Lines of each population, and the exchanges."""
    click.echo(
        f"gene diversity: wild {found['GD_wild']:.4f} ({found['n_wild']} animals), "
        f"managed {found['GD_managed']:.4f} ({found['n_managed']}), together {found['GD_together']:.4f}"
    )
    rows = [
        (
            line["line"],
            line["only_in"],
            f"{100 * line['share_wild']:.1f} %",
            f"{100 * line['share_managed']:.1f} %",
            f"{line['kept_wild']:.2f}",
            f"{line['kept_managed']:.2f}",
        )
        for line in found["lines"]
    ]
    print_table(["line", "in", "share wild", "share managed", "alleles wild", "alleles managed"], rows)
    for name in ("release", "capture", "cub"):
        if name in found:
            print_exchange(name, found[name])


def print_exchange(name: str, effect: dict[str, Any]) -> None:
    """What one exchange changes."""
    gain, change = effect["GD_gain"], effect["next_F_change"]
    click.echo(f"\n{name} of {', '.join(effect['animals'])}")
    loci = (
        ""
        if gain["loci"][0] != gain["loci"][0]
        else (f"; single loci {gain['loci'][0]:+.4f} to {gain['loci'][1]:+.4f}")
    )
    low, high = gain["uncertainty"]
    margin = f"uncertain {low:+.4f} to {high:+.4f}" if high > low else "nothing told as uncertain"
    click.echo(
        f"  gene diversity of those who receive {effect['GD_receiving_before']:.4f} → "
        f"{effect['GD_receiving_after']:.4f} ({gain['value']:+.4f}, {margin}{loci})"
    )
    click.echo(
        f"  inbreeding of the next generation {effect['next_F_before']:.4f} → {effect['next_F_after']:.4f} "
        f"({change['value']:+.4f}); offspring with residents {effect['F_of_offspring_with_residents']:.4f}"
    )
    if effect["GD_giving_change"] is not None:
        click.echo(
            f"  gene diversity of those who give {effect['GD_giving_before']:.4f} → "
            f"{effect['GD_giving_after']:.4f}"
        )
    if effect["new_lines"]:
        click.echo(f"  new founder lines: {', '.join(effect['new_lines'])}")


def print_matrix(name: str, found: KinshipTable) -> None:
    """JSON of a matrix, a line in all: with a number a line, a thousand animals would be a million lines."""
    matrix = found.matrix.astype(object)
    matrix[found.matrix != found.matrix] = None  # strict JSON has no NaN
    document = {
        "id": name,
        "kind": found.kind,
        "ids": found.ids,
        "matrix": matrix.tolist(),
        "findings": [asdict(finding) for finding in found.findings],
    }
    click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))


def print_summary(found: dict[str, Any]) -> None:
    """The numbers of a summary that a person asks for."""
    ancestors, ne = found["Nancestors"], found["Ne_all_t_gt1"]
    lines = [
        ("animals", found["n"]),
        ("mean inbreeding F", f"{found['mean_F']:.4f} (highest {found['max_F']:.4f})"),
        ("reference set", f"{found['n_ref']} animals ({found['reference']})"),
        ("gene diversity", f"{found['GD_ref']:.4f}"),
        ("mean kinship", f"{found['mean_kinship_ref']:.4f}"),
        ("founder genome equivalents", f"{found['FGE_ref']:.2f}"),
        ("founder lines", f"{ancestors['Nf']} (effective {ancestors['Nfe']:.2f})"),
    ]
    if ancestors.get("Nae"):
        lines.append(("effective ancestors", f"{ancestors['Nae']:.2f} of {ancestors['Na']}"))
    if "Ng" in ancestors:
        low, high = ancestors["Ng_interval"]
        lines.append(("founder genomes, gene drop", f"{ancestors['Ng']:.2f} (95 % {low:.2f}–{high:.2f})"))
    if ne["Ne"] is None:
        lines.append(("effective size", f"not given ({ne['refused']})"))
    else:
        upper = "no upper limit" if ne["upper"] == float("inf") else f"{ne['upper']:.1f}"
        lines.append(("effective size", f"{ne['Ne']:.1f} (95 % {ne['lower']:.1f}–{upper})"))
    lines.append(("ancestry known", f"{100 * found['known_fraction_ref']:.1f} %"))
    print_table(["", ""], lines)


def print_warnings(findings: Any) -> None:
    """Warnings and errors of the file, after the result."""
    serious = [finding for finding in findings if finding.severity != "note"]
    if serious:
        click.echo()
        print_findings(serious)
