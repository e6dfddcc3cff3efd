"""Lines along which a surface has a level, and the polygons between levels, traced strip by strip and joined.

Values belong to pixel centres, between which the surface is bilinear (contourpy's marching squares); from the outermost centres to the edge
of the raster it goes on as it is there, as gdal_contour has it. A square of four centres of which one is not valid has no surface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.errors import LimitError
from tools.geo.band_math import MaskedArray
from tools.geo.frame import Floats
from tools.geo.grid import Window
from tools.geo.rings import Geometries

SNAP_PX = 2.0**-20
"""To this, in pixels, vertices are rounded: two strips then have the same ones on the row that they share."""
MOST_VERTICES = 20_000_000
"""Most vertices of all lines together, some 1 GB with everything around them."""
Reader = Callable[[Window], MaskedArray]


@dataclass(frozen=True)
class Strip:
    """Some rows of a surface: pixel centres, and the raster's edge where they reach it."""

    x: Floats
    """Columns, in pixels from the outer edge of the first."""
    y: Floats
    values: np.ma.MaskedArray[Any, np.dtype[np.float64]]
    """`(row, col)` at these."""


def contour_lines(read: Reader, shape: tuple[int, int], levels: Sequence[float], rows: int) -> tuple[Floats, Geometries]:
    """Return the level of every line, and the lines in pixel coordinates (x = column, y = row from the upper left corner).

    `read` gives a window of the raster; `rows` are read at once. Lines are whole, by level and then from the first row and column on.
    Raises LimitError for too many vertices.
    """
    found: list[list[shapely.Geometry]] = [[] for _ in levels]
    vertices = 0
    for strip in _strips(read, shape, rows):
        generator = _generator(strip, line_type="ChunkCombinedOffset")
        for number, level in enumerate(levels):
            for points, offsets in zip(*generator.lines(level), strict=True):
                if points is not None:
                    vertices = _checked(vertices + len(points))
                    found[number].append(_lines(points, offsets))
    merged = [_whole(pieces) for pieces in found]
    return np.repeat(np.asarray(levels, dtype=float), [len(lines) for lines in merged]), _joined(merged)


def contour_bands(read: Reader, shape: tuple[int, int], edges: Sequence[float], rows: int) -> Geometries:
    """Return, for each pair of edges that follow each other, the places with a value above the lower one and up to the upper one.

    Polygons in pixel coordinates as `contour_lines` has them, None where there is none. Raises LimitError for too many vertices.
    """
    found: list[list[shapely.Geometry]] = [[] for _ in edges[1:]]
    vertices = 0
    for strip in _strips(read, shape, rows):
        generator = _generator(strip, fill_type="OuterOffset")
        for number, (lower, upper) in enumerate(pairwise(edges)):
            for points, offsets in zip(*generator.filled(lower, upper), strict=True):
                vertices = _checked(vertices + len(points))
                found[number].append(_polygon(points, offsets))
    bands: Geometries = np.full(len(found), None, dtype=object)
    for number, pieces in enumerate(found):
        whole = shapely.union_all(_valid(pieces)) if pieces else None
        bands[number] = None if whole is None or whole.is_empty else whole
    return bands


def _strips(read: Reader, shape: tuple[int, int], rows: int) -> Iterator[Strip]:
    """Yield strips that share a row of centres, the first and last one with the raster's edge."""
    height, width = shape
    x = np.concatenate([[0.0], np.arange(width) + 0.5, [float(width)]])
    for first in range(0, max(1, height - 1), max(1, rows)):
        last = min(first + max(1, rows), height - 1)
        above, below = int(first == 0), int(last == height - 1)
        part = np.ma.masked_invalid(read((first, 0, last - first + 1, width)).astype(np.float64))
        y = np.concatenate([[0.0] * above, np.arange(first, last + 1) + 0.5, [float(height)] * below])
        around = ((above, below), (1, 1))
        values = np.pad(part.data, around, mode="edge")
        hidden = np.pad(np.ma.getmaskarray(part), around, mode="edge")
        yield Strip(x, y, np.ma.MaskedArray(values, mask=hidden))


def _generator(strip: Strip, *, line_type: str | None = None, fill_type: str | None = None) -> Any:  # Any: contourpy's have no common type
    from contourpy import contour_generator

    return contour_generator(strip.x, strip.y, strip.values, name="serial", corner_mask=False, line_type=line_type, fill_type=fill_type)


def _checked(vertices: int) -> int:
    if vertices > MOST_VERTICES:
        raise LimitError(
            f"The contours have more than {MOST_VERTICES:,} vertices.",
            hint="Ask for fewer levels, or make the raster coarser or smoother first (reproject, filter_raster).",
        )
    return vertices


def _snapped(points: Floats) -> Floats:
    snapped: Floats = np.round(points / SNAP_PX) * SNAP_PX
    return snapped


def _lines(points: Floats, offsets: NDArray[np.uint32]) -> shapely.Geometry:
    return shapely.from_ragged_array(
        shapely.GeometryType.MULTILINESTRING, _snapped(points), (offsets.astype(np.int64), np.array([0, len(offsets) - 1]))
    )[0]


def _polygon(points: Floats, offsets: NDArray[np.uint32]) -> shapely.Geometry:
    rings = (offsets.astype(np.int64), np.array([0, len(offsets) - 1]))
    return shapely.from_ragged_array(shapely.GeometryType.POLYGON, _snapped(points), rings)[0]


def _valid(pieces: list[shapely.Geometry]) -> Geometries:
    """Mend rings that touch themselves, as they do in saddles and where a corner has just the level."""
    polygons: Geometries = np.asarray(pieces, dtype=object)
    broken = ~shapely.is_valid(polygons)
    polygons[broken] = shapely.make_valid(polygons[broken], method="structure", keep_collapsed=False)
    return polygons


def _whole(pieces: list[shapely.Geometry]) -> Geometries:
    """Join the lines of one level that end where another begins, and put them in order."""
    if not pieces:
        return np.zeros(0, object)
    lines = shapely.get_parts(
        shapely.line_merge(shapely.multilinestrings(shapely.get_parts(np.asarray(pieces, dtype=object))), directed=True)
    )
    lines = lines[shapely.length(lines) > 0]
    left, top, _, _ = shapely.bounds(lines).reshape(-1, 4).T
    ordered: Geometries = lines[np.lexsort((left, top))]
    return ordered


def _joined(parts: list[Geometries]) -> Geometries:
    return np.concatenate([np.zeros(0, object), *parts])
