"""Collect what is wrong with the rows of a table, so that a person mends them all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ghostcat.errors import FormatError

__all__ = ["RowFaults"]

_SHOWN = 8


class RowFaults:
    """Faults of single rows, raised together at the end of the table."""

    def __init__(self) -> None:
        self.errors: list[FormatError] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep a `FormatError` of one row and go on with the next."""
        try:
            yield
        except FormatError as error:
            self.errors.append(error)

    def raise_if_any(self) -> None:
        """Raise one error that names the first fault in full and the places of the others."""
        if not self.errors:
            return
        first, others = self.errors[0], self.errors[1:]
        if not others:
            raise first
        raise FormatError(f"{first.what.rstrip('.')}. {_listed(others)}", where=first.where, fix=first.fix)


def _listed(errors: Sequence[FormatError]) -> str:
    shown = "; ".join(f"{error.where}: {error.what.rstrip('.')}" for error in errors[:_SHOWN])
    more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    return f"{len(errors)} more rows have faults: {shown}{more}"
