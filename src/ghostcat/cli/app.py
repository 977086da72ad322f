"""The `ghostcat` command: its list of commands, and how errors reach a person.

A command's module is imported when it is called, so that `ghostcat --help` is instant.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from ghostcat._version import __version__
from ghostcat.errors import EstimateRefused, GhostcatError

__all__ = ["cli", "main"]

#: name → (module, one line of help), in the order of the work.
COMMANDS = {
    "demo": ("portrait_commands", "The whole way on a synthetic survey: photos in, portrait out."),
    "portrait": ("portrait_commands", "The whole way on your survey or package, without questions."),
    "new": ("survey_commands", "Make an empty survey."),
    "import": ("survey_commands", "Import photos with their tables, or detector results."),
    "check": ("survey_commands", "Look for what is wrong with a survey."),
    "identify": ("identity_commands", "Find out which flanks show the same animal."),
    "review": ("identity_commands", "Answer the questions that identification left for a person."),
    "decide": (
        "identity_commands",
        "Merge, split, undo; correct a clock, a flank, a sex; leave something out.",
    ),
    "individuals": ("identity_commands", "List the animals; give one a name."),
    "estimate": ("portrait_commands", "Density and abundance, with intervals."),
    "scr": ("scr_commands", "Fit spatial capture–recapture models; plan surveys."),
    "report": ("portrait_commands", "Write the portrait of a survey as it stands."),
    "export": ("survey_commands", "Write a survey for Camtrap DP, secr, camtrapR, CSV or GIS."),
    "genetics": ("genetics_commands", "Scat DNA: diversity, individuals, parents, relatedness."),
    "pedigree": ("pedigree_commands", "Studbooks: kinship, inbreeding, founders, match-ups."),
    "movement": ("movement_commands", "Collared animals: models, ranges, crossings."),
    "landscape": ("landscape_commands", "The land: circuits, as Circuitscape and Omniscape have them."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"ghostcat.cli.{COMMANDS[name][0]}")
        command = getattr(module, f"{name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ghostcat")
def cli() -> None:
    """From camera cards to a population portrait with honest margins of error.

    Everything happens on this computer; no network is used.
    Start with `ghostcat demo`, or `ghostcat portrait FOLDER` on your own photos.
    """


def main() -> None:
    """Run the command line. Exit code 1: an error, said in a line; 2: the data cannot carry the estimate."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names in any script, on any console
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = cli(standalone_mode=False)
        if isinstance(code, int):  # a command that asked for an exit code of its own
            sys.exit(code)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except EstimateRefused as refusal:
        if "--json" in sys.argv:
            from ghostcat.cli.output import print_json

            print_json({"refused": refusal.what, "code": refusal.code, "fix": refusal.fix})
        click.secho(f"No estimate: {refusal}", fg="yellow", err=True)
        sys.exit(2)
    except GhostcatError as error:
        click.secho(f"ghostcat: {error}", fg="red", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.secho("\nStopped. Nothing is lost: the same command goes on from here.", err=True)
        sys.exit(130)
