"""`ghostcat genetics`: scat DNA to diversity, individuals, parents and kin.

Every command lives in its own module, imported when it is called.
"""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["genetics_command"]

#: name → (module, name of the command there, one line of help), in the order of the work.
COMMANDS = {
    "diversity": ("genetics_diversity", "diversity_command", "Heterozygosity, F-statistics, HWE, PID."),
    "identify": ("genetics_identify", "identify_command", "Which samples are the same animal?"),
    "samples": ("genetics_samples", "samples_command", "Keep samples and their readings in a survey."),
    "link": ("genetics_samples", "link_command", "Say that a sample is, or is not, a photographed animal."),
    "history": ("genetics_samples", "history_command", "Encounters of DNA animals: place and occasion."),
    "parentage": ("genetics_parentage", "parentage_command", "Who are the parents, with what odds?"),
    "relatedness": ("genetics_kin", "relatedness_command", "Relatedness of every pair."),
    "ne": ("genetics_size", "ne_command", "Effective size, with intervals."),
    "bottleneck": ("genetics_size", "bottleneck_command", "Signs of a recent bottleneck."),
    "migrants": ("genetics_flow", "migrants_command", "First-generation migrants between populations."),
    "trend": ("genetics_flow", "trend_command", "Heterozygosity over the years."),
    "convert": ("genetics_convert", "convert_command", "Read any genotype file, write another format."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command = getattr(import_module(f"ghostcat.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group("genetics", cls=_Commands)
def genetics_command() -> None:
    """Scat DNA: how diverse, which animals, whose cubs.

    Reads GenePop, CERVUS, STRUCTURE, plain allele tables, SNP matrices, VCF and PLINK files.
    """
