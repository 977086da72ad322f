"""`ghostcat identify`, `review`, `decide` and `individuals`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ghostcat import workflows
from ghostcat.cli.output import json_option, print_json, print_table, progress_bars
from ghostcat.errors import DecisionError

if TYPE_CHECKING:
    from ghostcat.workflows.deciding import DecidedKind
    from ghostcat.workflows.identifying import PairQuestion
    from ghostcat.workflows.reviewing import Answer

ANY_PATH = click.Path(path_type=Path)

KEYS: dict[str, Answer] = {"s": "same", "d": "different", "n": "not_comparable", "c": "unsure"}
KINDS = ("same", "different", "clock", "exclude", "usable", "flank", "sex", "undo")
LEGEND = "s same · d different · c cannot tell · n not comparable · u undo · k skip · q quit"


@click.command("identify")
@click.argument("survey", type=ANY_PATH)
@click.option("--processes", type=click.IntRange(min=1), default=None, help="Worker processes.")
@json_option
def identify_command(survey: Path, processes: int | None, as_json: bool) -> None:
    """Find out which flanks of SURVEY show the same animal.

    Three outcomes: known, new, or ask a person (`ghostcat review`). People's decisions are kept and
    bind. An identification that was interrupted goes on; nothing is read twice.
    """
    with workflows.open(survey) as opened, progress_bars(quiet=as_json) as progress:
        found = workflows.identify(opened, processes=processes, progress=progress)
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{found.photos_read} photos read now, {found.usable} usable flanks in all; "
        f"{found.individuals} animals, {found.unresolved} flanks of passes unresolved"
    )
    for sentence in found.missing_models:
        click.secho(sentence, fg="yellow")
    if found.questions:
        click.echo(f"{found.questions} pairs wait for a person: ghostcat review {survey}")
    click.echo(f"Next: ghostcat estimate {survey}; ghostcat report {survey}")


@click.command("review")
@click.argument("survey", type=ANY_PATH)
@click.option("--reviewer", default=None, help="Name for the decision log; your login name by default.")
@click.option("--show/--no-show", default=True, help="Open each pair in the system's picture viewer.")
@click.option("--list", "only_list", is_flag=True, help="List the questions instead of asking them.")
@json_option
def review_command(survey: Path, reviewer: str | None, show: bool, only_list: bool, as_json: bool) -> None:
    """Answer the questions that identification left for a person.

    Each pair is shown as one picture with its matched spots. Keys: s same, d different, c cannot
    tell, n not comparable, u undo, k skip, q quit. Every answer is kept at once.
    """
    with workflows.open(survey) as opened:
        sitting = workflows.review(opened, reviewer=reviewer)
        if as_json or only_list:
            waiting = sitting.waiting()
            if as_json:
                print_json({"questions": waiting})
            else:
                rows = [
                    (q.photo_a, q.photo_b, q.flank, f"{q.probability:.2f}", f"{q.value:.2f}") for q in waiting
                ]
                print_table(("photo", "photo", "flank", "P(same)", "worth"), rows)
            return
        answered = _ask(sitting, show=show)
    click.echo(f"{answered} answers kept. ghostcat identify {survey} takes them into account.")


def _ask(sitting: workflows.Review, *, show: bool) -> int:
    skipped: set[tuple[str, str]] = set()
    answered = 0
    while True:
        waiting = [q for q in sitting.waiting() if (q.photo_a, q.photo_b) not in skipped]
        if not waiting:
            click.echo("No question is waiting.")
            return answered
        question = waiting[0]
        _show(sitting, question, len(waiting), show=show)
        key = _key()
        if key == "q":
            return answered
        if key == "k":
            skipped.add((question.photo_a, question.photo_b))
        elif key == "u":
            try:
                taken_back = sitting.undo()
            except DecisionError as nothing:
                click.echo(str(nothing))
                continue
            answered -= 1
            click.echo(f"Taken back: {taken_back.kind} ({taken_back.media_a}, {taken_back.media_b})")
        else:
            sitting.answer(question, KEYS[key])
            answered += 1
            click.echo(f"Kept: {KEYS[key]}")


def _show(sitting: workflows.Review, question: PairQuestion, waiting: int, *, show: bool) -> None:
    picture = sitting.picture(question)
    click.echo(
        f"\n{waiting} waiting. {question.flank} flank, {question.photo_a} and {question.photo_b}: "
        f"P(same) = {question.probability:.2f}\n{picture}"
    )
    if show:
        click.launch(str(picture))
    click.echo(LEGEND)


def _key() -> str:
    while True:
        typed: str = click.getchar() if sys.stdin.isatty() else click.prompt("", prompt_suffix="> ")
        key = typed.strip().lower()[:1]
        if key in {*KEYS, "u", "k", "q"}:
            return key
        click.echo(LEGEND)


@click.command("decide")
@click.argument("survey", type=ANY_PATH)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("target")
@click.argument("value", default="")
@click.option("--by", default=None, help="Name for the decision log; your login name by default.")
@json_option
def decide_command(
    survey: Path, kind: DecidedKind, target: str, value: str, by: str | None, as_json: bool
) -> None:
    """Tell SURVEY what you know; everything can be undone.

    \b
    same, different  ANIMAL_OR_PHOTO ANIMAL_OR_PHOTO   merge; split
    clock            DEPLOYMENT SECONDS                add to its camera clock (-- before a minus)
    exclude          PHOTO_OR_DEPLOYMENT REASON        leave out of the estimate
    usable           PHOTO yes|"no: reason"
    flank            PHOTO left|right|both
    sex              ANIMAL_OR_PHOTO female|male|unknown
    undo             NUMBER

    Run `ghostcat identify` afterwards: decisions of people bind it.
    """
    with workflows.open(survey) as opened:
        number = workflows.decide(opened, kind, target, value, by=by)
    if as_json:
        print_json({"decision": number})
    else:
        click.echo(f"Kept as decision {number}. Take it back: ghostcat decide {survey} undo {number}")


@click.command("individuals")
@click.argument("survey", type=ANY_PATH)
@click.option("--name", nargs=2, default=None, metavar="ID NAME", help="Call an animal by a name.")
@click.option("--by", default=None, help="Name for the decision log; your login name by default.")
@json_option
def individuals_command(survey: Path, name: tuple[str, str] | None, by: str | None, as_json: bool) -> None:
    """List the animals of SURVEY: names, flanks known, passes, first and last seen."""
    with workflows.open(survey) as opened:
        if name is not None:
            workflows.name_individual(opened, *name, by=by)
        entries = workflows.individuals(opened)
    if as_json:
        print_json({"individuals": entries})
        return
    rows = [
        (
            entry.individual_id,
            entry.name or "–",
            entry.sex or "?",
            {(True, True): "left + right", (True, False): "left only", (False, True): "right only"}.get(
                (bool(entry.left_photo), bool(entry.right_photo)), "–"
            ),
            entry.passes,
            len(entry.stations),
            f"{entry.first_seen:%Y-%m-%d}",
            f"{entry.last_seen:%Y-%m-%d}",
            "" if entry.counted else "may be the other side of a counted animal",
        )
        for entry in entries
    ]
    print_table(("animal", "name", "sex", "flanks", "passes", "stations", "first", "last", ""), rows)
