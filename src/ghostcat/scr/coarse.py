"""The same layout on fewer, larger cells: good enough to search on, never to report from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.layout import ArrayLayout, Layout, Predictor, SessionLayout

__all__ = ["coarsen"]

Floats = NDArray[np.float64]


def coarsen(layout: Layout, *, factor: float) -> Layout:
    """Merge cells into squares `factor` times as wide.

    A merged cell lies at the centre of gravity of its members, with the sum of their areas, and the mean of
    their covariates and distances. A Riemann sum over a smooth surface hardly notices while cells stay
    below about one σ of what is summed.

    Parameters
    ----------
    layout : any.
    factor : how many times as wide, above 1; a whole number keeps a regular mask regular.
    """
    return replace(layout, sessions=tuple(_coarser(s, factor) for s in layout.sessions))


def _coarser(session: SessionLayout, factor: float) -> SessionLayout:
    area = session.cell_area_ha
    if len(area) < 2:
        return session
    side_m = factor * float(np.sqrt(np.median(area) * 10_000.0))
    corner = session.cells_xy_m.min(axis=0)
    # A quarter of a cell: centres of a regular mask are far from the lines between squares.
    column, row = np.floor((session.cells_xy_m - corner) / side_m + 0.25 / factor).astype(np.int64).T
    _, group = np.unique(row * (int(column.max()) + 1) + column, return_inverse=True)
    cells = int(group.max()) + 1
    total = np.asarray(np.bincount(group, area, cells), dtype=np.float64)
    share = area / total[group]

    def mean(values: Floats) -> Floats:
        if values.ndim == 1:
            return np.asarray(np.bincount(group, share * values, cells))
        columns = [np.bincount(group, share * v, cells) for v in values.T]
        return np.array(columns, dtype=np.float64).reshape(values.shape[1], cells).T.copy()

    def merged(predictor: Predictor) -> Predictor:
        constant = not len(predictor.columns)
        design = np.zeros((cells, 0)) if constant else mean(predictor.design)
        return replace(predictor, design=design, offset=mean(predictor.offset))

    def array(laid: ArrayLayout) -> ArrayLayout:
        return laid if laid.distance_m is None else replace(laid, distance_m=mean(laid.distance_m.T).T.copy())

    return replace(
        session,
        cells_xy_m=mean(session.cells_xy_m),
        cell_area_ha=total,
        density=None if session.density is None else tuple(merged(p) for p in session.density),
        arrays=tuple(array(a) for a in session.arrays),
    )
