"""Home ranges: autocorrelated kernel, Gaussian, minimum convex polygon, local convex hulls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.movement.bandwidth import choose_bandwidth
from ghostcat.movement.fit import MotionFit
from ghostcat.movement.results import Estimate, chi_square_interval
from ghostcat.movement.track import Track

if TYPE_CHECKING:
    from shapely import Geometry

__all__ = ["KernelRange", "akde", "convex_polygon", "gaussian_range", "local_hulls"]

Floats = NDArray[np.float64]

# Cells across one standard deviation of the kernel, and standard deviations kept beyond the fixes.
_CELLS_PER_SD = 8.0
_MARGIN_SD = 4.5
_MAX_CELLS = 4_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelRange:
    """A utilisation distribution on a grid; areas are corrected for smoothing."""

    x_m: Floats
    y_m: Floats
    density_per_m2: Floats
    """(len(y), len(x))."""
    bandwidth_m2: Floats
    """(2, 2) covariance H of the kernels."""
    bias: float
    """How much too large the areas were before correction."""
    dof_area: float
    weights: Floats
    crs: str = ""

    @property
    def cell_m2(self) -> float:
        """Area of a grid cell."""
        return float((self.x_m[1] - self.x_m[0]) * (self.y_m[1] - self.y_m[0]))

    def area_km2(self, level: float = 0.95) -> Estimate:
        """Area that holds `level` of the use, with its 95 % interval from the effective sample size."""
        raw, _ = self._raw_area(level)
        return chi_square_interval(raw / self.bias / 1e6, 2.0 * self.dof_area)

    def contour(self, level: float = 0.95, *, limit: str = "estimate") -> Geometry:
        """Polygon of the range, or of its lower or upper limit.

        Parameters
        ----------
        level : share of use. limit : `estimate`, `lower` or `upper`.
        """
        from contourpy import contour_generator
        from shapely import MultiPolygon, Polygon
        from shapely.ops import unary_union

        wanted = getattr(self.area_km2(level), limit) * 1e6
        ordered = np.sort(self.density_per_m2, axis=None)[::-1]
        place = wanted / self.cell_m2
        cells = np.arange(1, len(ordered) + 1, dtype=np.float64)
        threshold = float(np.interp(place, cells, ordered))
        lines = contour_generator(self.x_m, self.y_m, self.density_per_m2, line_type="Separate").lines(
            threshold
        )
        rings = sorted((Polygon(line) for line in lines if len(line) > 3), key=lambda ring: -ring.area)
        shape: Geometry = MultiPolygon()
        for ring in rings:  # a ring inside another one is a hole in it
            shape = shape.symmetric_difference(ring.buffer(0))
        return unary_union(shape)

    def _raw_area(self, level: float) -> tuple[float, float]:
        if not 0 < level < 1:
            raise ParameterError(
                f"level {level} is not a share", fix="Give a number between 0 and 1, as 0.95."
            )
        ordered = np.sort(self.density_per_m2, axis=None)[::-1]
        mass = np.cumsum(ordered) * self.cell_m2
        mass /= mass[-1]
        position = float(np.interp(level, mass, np.arange(1, len(mass) + 1)))
        return position * self.cell_m2, float(ordered[min(int(position), len(ordered) - 1)])


def akde(track: Track, fit: MotionFit, *, weighted: bool = False, cell_m: float | None = None) -> KernelRange:
    """Autocorrelated kernel density estimate of a range.

    Parameters
    ----------
    track : the fixes. fit : the movement model of this track; with IID this is the ordinary kernel estimate.
    weighted : weigh fixes by what they add (irregular sampling).
    cell_m : width of the grid's cells; by default an eighth of the kernel's smaller standard deviation.

    Raises
    ------
    EstimateRefused : `no_range`: the track is so short that less than two independent crossings were seen.

    References
    ----------
    Fleming & Calabrese (2017) Methods in Ecology and Evolution 8:571–579 (area correction).
    """
    if fit.dof_area < 1.0:
        raise EstimateRefused(
            f"the track covers {fit.duration_s / 86400:.1f} days, less than one crossing of a range "
            f"(effective sample size of the area {fit.dof_area:.2f})",
            code="no_range",
            fix="Wait for more fixes. A path (occurrence) can be drawn, but not the range it belongs to.",
        )
    smoothing = choose_bandwidth(fit.motion, track.time_s, weighted=weighted)
    kernel = smoothing.squared * fit.covariance_m2
    x, y, density = _kernel_density(track.xy_m, smoothing.weights, kernel, cell_m)
    return KernelRange(
        x_m=x, y_m=y, density_per_m2=density, bandwidth_m2=kernel, bias=smoothing.bias,
        dof_area=fit.dof_area, weights=smoothing.weights, crs=track.crs,
    )  # fmt: skip


def gaussian_range(fit: MotionFit, level: float = 0.95) -> Estimate:
    """Area, km², of the Gaussian range of a model: −2 ln(1 − level) π √det Σ."""
    area = -2.0 * math.log(1.0 - level) * math.pi * math.sqrt(float(np.linalg.det(fit.covariance_m2)))
    return chi_square_interval(area / 1e6, 2.0 * fit.dof_area)


def convex_polygon(track: Track, level: float = 0.95) -> Geometry:
    """Minimum convex polygon of the share `level` of the fixes nearest to their centre.

    For comparison with old work only: it grows with the number of fixes and has no margin of error.
    """
    from shapely import MultiPoint

    away = np.linalg.norm(track.xy_m - track.xy_m.mean(axis=0), axis=1)
    kept = np.argsort(away, kind="stable")[: max(3, round(level * len(away)))]
    return MultiPoint(track.xy_m[kept]).convex_hull


def local_hulls(track: Track, level: float = 0.95, *, neighbours: int | None = None) -> Geometry:
    """Local convex hulls (k-LoCoH): the union of the smallest hulls that hold `level` of the fixes.

    Parameters
    ----------
    neighbours : k, fixes a hull; √n by default. Getz et al. (2007) PLoS ONE 2:e207.
    """
    from scipy.spatial import cKDTree
    from shapely import MultiPoint, STRtree
    from shapely.ops import unary_union

    k = min(neighbours or max(4, math.isqrt(len(track))), len(track))
    _, near = cKDTree(track.xy_m).query(track.xy_m, k=k)
    hulls = sorted((MultiPoint(track.xy_m[row]).convex_hull for row in near), key=lambda hull: hull.area)
    points = MultiPoint(track.xy_m).geoms
    inside = np.zeros(len(track), dtype=bool)
    tree = STRtree(list(points))
    taken = []
    for hull in hulls:
        taken.append(hull)
        inside[tree.query(hull, predicate="intersects")] = True
        if inside.mean() >= level:
            break
    return unary_union(taken)


def _kernel_density(
    xy_m: Floats, weights: Floats, kernel: Floats, cell_m: float | None
) -> tuple[Floats, Floats, Floats]:
    """Sum of Gaussian kernels on a grid: fixes shared among four cells, smoothed in Fourier space."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    deviation = np.sqrt(np.diag(kernel))
    smaller = math.sqrt(float(np.linalg.eigvalsh(kernel)[0]))
    low = xy_m.min(axis=0) - _MARGIN_SD * deviation
    high = xy_m.max(axis=0) + _MARGIN_SD * deviation
    cell = cell_m or smaller / _CELLS_PER_SD
    cell = max(cell, math.sqrt(float(np.prod(high - low)) / _MAX_CELLS))
    shape = np.ceil((high - low) / cell).astype(int) + 2
    nx, ny = next_fast_len(int(shape[0]), real=True), next_fast_len(int(shape[1]))
    position = (xy_m - low) / cell
    first = np.floor(position).astype(np.int64)
    part = position - first
    grid = np.zeros(nx * ny)
    for dx in (0, 1):
        for dy in (0, 1):
            share = weights * np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            grid += np.bincount((first[:, 1] + dy) * nx + first[:, 0] + dx, share, nx * ny)
    # Sharing among cells spreads each fix by p(1 − p) of a cell, a sixth on average: taken off the kernel.
    narrower = kernel - np.eye(2) * cell**2 / 6.0
    kx = 2.0 * math.pi * np.fft.rfftfreq(nx, cell)
    ky = 2.0 * math.pi * np.fft.fftfreq(ny, cell)[:, None]
    form = narrower[0, 0] * kx**2 + 2.0 * narrower[0, 1] * kx * ky + narrower[1, 1] * ky**2
    density = irfft2(rfft2(grid.reshape(ny, nx)) * np.exp(-0.5 * form), (ny, nx)) / cell**2
    density = np.maximum(density[: shape[1], : shape[0]], 0.0)
    return low[0] + cell * np.arange(shape[0]), low[1] + cell * np.arange(shape[1]), density
