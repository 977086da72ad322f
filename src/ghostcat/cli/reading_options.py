"""The options of `import` and `portrait` that say how a source is to be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from ghostcat.workflows.importing import Reading

__all__ = ["reading", "reading_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--kind", default=None, help="camtrap-dp, folder or detections; found out by default."),
    click.option("--prefix", default="", help="Put this before every id (two sources with the same ids)."),
    click.option("--crs", default=None, help="System of projected station coordinates, e.g. EPSG:32652."),
    click.option(
        "--utc-offset", type=float, default=None, metavar="HOURS", help="Offset of the camera clocks."
    ),
    click.option(
        "--date-order", type=click.Choice(["dmy", "mdy"]), default=None, help="For dates such as 03/04/2025."
    ),
    click.option("--stations", type=_PATH, default=None, help="Stations table, when it lies elsewhere."),
    click.option(
        "--deployments", type=_PATH, default=None, help="Deployments table, when it lies elsewhere."
    ),
)


def reading_options(command: Command) -> Command:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reading(options: dict[str, Any]) -> Reading:
    """What the options say, as the workflows take it."""
    hours = options.pop("utc_offset")
    return cast("Reading", options | {"utc_offset_minutes": None if hours is None else round(hours * 60)})
