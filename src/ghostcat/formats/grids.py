"""Read and write rasters: ESRI ASCII grids and everything rasterio reads, also gzipped."""

from __future__ import annotations

import gzip
import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.landscape.grid import Grid

__all__ = ["read_grid", "write_ascii_grid", "write_geotiff"]

Floats = NDArray[np.float64]

_HEADER = re.compile(
    rb"\s*(ncols|nrows|xllcorner|yllcorner|xllcenter|yllcenter|cellsize|nodata_value)\s+(\S+)", re.I
)
NODATA = -9999.0


def read_grid(path: str | Path, *, band: int = 1) -> Grid:
    """Read one band of a raster as floating point numbers, NaN where there are no data.

    Parameters
    ----------
    path : .asc (also .asc.gz), GeoTIFF (also .tif.gz) or anything GDAL knows.

    Raises
    ------
    FormatError : not a raster, fewer numbers than its header promises, cells that are not square.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise FormatError(
            f"the raster cannot be read ({fault.strerror})", where=str(path), fix="Check the path."
        ) from None
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if _HEADER.match(content):
        return _read_ascii(content, path)
    return _read_gdal(content, path, band)


def _read_ascii(content: bytes, path: Path) -> Grid:
    header: dict[str, float] = {}
    position = 0
    while found := _HEADER.match(content, position):
        try:
            header[found[1].decode().lower()] = float(found[2])
        except ValueError:
            raise FormatError(
                f"the header says {found[0].decode(errors='replace').strip()!r}",
                where=path.name,
                fix="Write a number.",
            ) from None
        position = found.end()
    missing = {"ncols", "nrows", "cellsize"} - header.keys()
    if missing:
        raise FormatError(
            f"the header lacks {', '.join(sorted(missing))}",
            where=path.name,
            fix="An ASCII grid starts with it.",
        )
    rows, columns, cell = int(header["nrows"]), int(header["ncols"]), header["cellsize"]
    try:
        values = np.array(content[position:].split(), dtype=np.float64)
    except ValueError as fault:
        raise FormatError(
            f"a cell is not a number ({fault})", where=path.name, fix="Export the grid again."
        ) from None
    if values.size != rows * columns:
        raise FormatError(
            f"the header promises {rows} × {columns} cells, the file holds {values.size}",
            where=path.name,
            fix="The file may be cut off; export it again.",
        )
    nodata = header.get("nodata_value", NODATA)
    values[values == nodata] = math.nan
    half = 0.5 * cell
    return Grid(
        values=values.reshape(rows, columns),
        left=header.get("xllcorner", header.get("xllcenter", half) - half),
        bottom=header.get("yllcorner", header.get("yllcenter", half) - half),
        cell=cell,
    )


def _read_gdal(content: bytes, path: Path, band: int) -> Grid:
    import rasterio
    from rasterio.io import MemoryFile

    try:
        with MemoryFile(content) as memory, memory.open() as source:
            if not 1 <= band <= source.count:
                raise FormatError(
                    f"there is no band {band} of {source.count}", where=path.name, fix="Choose another."
                )
            values = source.read(band).astype(np.float64)
            mask = source.read_masks(band) == 0
            place, crs = source.transform, source.crs
    except rasterio.errors.RasterioIOError as fault:
        raise FormatError(
            f"not a raster that can be read ({fault})",
            where=path.name,
            fix="Give a GeoTIFF or an ASCII grid.",
        ) from None
    values[mask | (values == NODATA)] = math.nan
    if abs(place.a + place.e) > 1e-6 * abs(place.a) or place.b or place.d:
        raise FormatError(
            f"cells are {place.a:g} × {-place.e:g} and turned by {place.b:g}",
            where=path.name,
            fix="Bring the raster to square cells that point north (gdalwarp, or rasterio.warp).",
        )
    return Grid(
        values=values,
        left=place.c,
        bottom=place.f + place.e * values.shape[0],
        cell=place.a,
        crs=crs.to_string() if crs else "",
    )


def write_ascii_grid(grid: Grid, path: Path) -> Path:
    """Write an ESRI ASCII grid; no-data as −9999."""
    values = np.where(np.isnan(grid.values), NODATA, grid.values)
    lines = [
        f"ncols         {values.shape[1]}",
        f"nrows         {values.shape[0]}",
        f"xllcorner     {grid.left:.10g}",
        f"yllcorner     {grid.bottom:.10g}",
        f"cellsize      {grid.cell:.10g}",
        f"NODATA_value  {NODATA:.0f}",
    ]
    lines += [" ".join(map("{:.10g}".format, row)) for row in values.tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def write_geotiff(grid: Grid, path: Path) -> Path:
    """Write a GeoTIFF of 32-bit floating point numbers; no-data as NaN."""
    import rasterio
    from rasterio.transform import from_origin

    rows, columns = grid.values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype="float32", nodata=math.nan,
        crs=grid.crs or None, transform=from_origin(grid.left, grid.top, grid.cell, grid.cell),
        compress="deflate",
    ) as target:  # fmt: skip
        target.write(grid.values.astype(np.float32), 1)
    return path
