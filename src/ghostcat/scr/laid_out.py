"""A layout, and what its coefficients are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.formulas import Column, Design
from ghostcat.scr.layout import Layout, Predictor
from ghostcat.scr.model import ScrModel
from ghostcat.scr.parameters import to_link

__all__ = ["LaidOut"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LaidOut:
    """A layout, and what its coefficients are called."""

    model: ScrModel
    layout: Layout
    names: tuple[str, ...]
    """(P,) of the coefficients."""
    columns: Mapping[str, Ints]
    """Positions in β of each parameter's coefficients; none for a fixed parameter."""
    designs: Mapping[str, Design]
    known: Mapping[str, Column]
    """Every variable that a formula uses, with all values that occur."""
    group_levels: tuple[str, ...]
    class_levels: tuple[str, ...]
    order: tuple[Ints, ...]
    """Of each session: which animal each history is."""

    def predictor(self, parameter: str, values: Mapping[str, Column], rows: int) -> Predictor:
        """A parameter at given values of its variables."""
        link = self.model.link_of(parameter)
        if parameter in self.model.fixed:
            offset = np.full(rows, to_link(float(self.model.fixed[parameter]), link))
            empty = np.empty(0, dtype=np.int64)
            return Predictor(design=np.empty((rows, 0)), columns=empty, offset=offset, link=link)
        return Predictor(
            design=self.designs[parameter].make(values, rows),
            columns=self.columns[parameter],
            offset=np.zeros(rows),
            link=link,
        )
