"""What commands print: tables and findings for people, JSON for programs, progress on stderr."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from ghostcat.survey.evidence import Finding
from ghostcat.workflows.progress import Progress, silent

__all__ = ["json_option", "print_findings", "print_json", "print_table", "progress_bars"]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text.")


def print_json(value: object) -> None:
    """One JSON document on stdout: UTF-8, dates as ISO 8601, no NaN (null instead)."""
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return _plain(value.item())
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table on stdout, as wide as it needs."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)


def print_findings(findings: Sequence[Finding]) -> None:
    """Findings, one paragraph each, with what to do."""
    colours = {"error": "red", "warning": "yellow", "note": "blue"}
    for finding in findings:
        click.secho(f"{finding.severity} {finding.code}", fg=colours[finding.severity], nl=False)
        place = f" {finding.where}:" if finding.where else ":"
        click.echo(f"{place} {finding.message}")
        if finding.fix:
            click.echo(f"    → {finding.fix}")


@contextmanager
def progress_bars(*, quiet: bool = False) -> Iterator[Progress]:
    """Bars on stderr, one a task, with the time that is left; silent when nobody is looking."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield silent if quiet else _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:<26}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console) as bars:
        known: dict[str, Any] = {}

        def show(task: str, done: int, total: int) -> None:
            if task not in known:
                known[task] = bars.add_task(task, total=total)
            bars.update(known[task], completed=done, total=total)

        yield show


class _Lines:
    """Progress in a log file: a line when a task starts, and a line when it ends."""

    def __init__(self) -> None:
        self._started: set[str] = set()

    def __call__(self, task: str, done: int, total: int) -> None:
        if task not in self._started and total:
            self._started.add(task)
            click.echo(f"{task}: {total}", err=True)
        if done == total and total:
            click.echo(f"{task}: done", err=True)
