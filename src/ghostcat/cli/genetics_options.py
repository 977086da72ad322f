"""Options that the commands of `ghostcat genetics` share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from ghostcat.formats.genotypes_reader import GenotypeKind

__all__ = ["file_argument", "genotype_files", "genotype_options", "kind_option", "number", "seed_option"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

file_argument = click.argument("file", type=click.Path(path_type=Path))
kind_option = click.option(
    "--format", "kind", type=click.Choice(get_args(GenotypeKind)), default=None, help="Found out by default."
)
seed_option = click.option(
    "--seed", type=int, default=1, show_default=True, help="Seed of the random numbers."
)


def genotype_options(command: _Command) -> _Command:
    """FILE, its format, and the column that says the population."""
    by = click.option(
        "--by", default=None, metavar="COLUMN", help="Column with the populations or the side of the border."
    )
    return file_argument(kind_option(by(command)))


def genotype_files(command: _Command) -> _Command:
    """The same for commands that take several files: `file` is then all of them."""

    @wraps(command)
    def with_files(file: Path, also: tuple[Path, ...], **options: Any) -> Any:
        return command(file=(file, *also) if also else file, **options)

    also = click.option(
        "--also",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="Another file whose samples belong to these; may be given again.",
    )
    return genotype_options(also(with_files))  # type: ignore[return-value]


def number(value: float | None, digits: int = 4) -> str:
    """A number for people; a dash where there is none.

    >>> number(0.62987), number(4.1323e-11), number(float("nan"))
    ('0.6299', '4.132e-11', '–')
    """
    if value is None or value != value:
        return "–"
    if value in (float("inf"), float("-inf")):
        return "∞"
    return f"{value:.{digits}f}" if value == 0 or abs(value) >= 10.0**-digits else f"{value:.{digits}g}"
