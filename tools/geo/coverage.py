"""Exact share of every pixel that a polygon covers, for all polygons of a layer at once.

Polygons are taken to pixel coordinates first: an affine map changes no share of a pixel, so that rotated, sheared and
south-up grids need no care of their own. There the edges are cut at the lines between pixels, and every piece adds to its
pixel, and to all pixels right of it, what it encloses: the accumulation of signed areas by which fonts are drawn without
jagged edges (FreeType's and AGG's scanline rasterizers), in double precision. Between two pixels that edges cross the share
of a row is constant, so that a polygon costs what its outline costs, not its area. exactextract, which finds the same shares
(tests/test_exact_coverage.py), visits every pixel of every polygon, one polygon at a time, and took most of the time of a call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from odc.geo.geobox import GeoBox

from tools.geo.frame import Floats, geodetic_frame
from tools.geo.grid import Window, crs_of
from tools.geo.rings import Geometries, Indexes, polygon_rings
from tools.geo.spans import laid_out

BLOCK_PX = 2048
"""Side of the blocks in which a raster is walked: 4 million pixels, 32 MB as float64."""
LEAST_SHARE = 1e-9
"""A smaller share of a pixel is rounding of coordinates along a border that follows the pixels, not ground."""


@dataclass(frozen=True)
class Block:
    """A part of a raster to read at once, and the polygons that reach into it."""

    window: Window
    members: Indexes
    """Positions of the polygons, ascending."""


@dataclass(frozen=True)
class Runs:
    """Wholly covered pixels, as pieces of rows of a window; in the order of the window's pixels, all of shape (run,)."""

    member: Indexes
    """Whose they are: position among the block's members."""
    row: Indexes
    start: Indexes
    """First column."""
    end: Indexes
    """The column after the last."""


@dataclass(frozen=True)
class Cells:
    """Partly covered pixels of a window (some wholly, where an edge only touches them); all of shape (cell,)."""

    member: Indexes
    row: Indexes
    col: Indexes
    share: Floats
    """Covered share, above 0 and at most 1."""


@dataclass(frozen=True)
class Covered:
    """What polygons cover of a window."""

    runs: Runs
    cells: Cells

    def by_member(self, members: int) -> Iterator[Cells]:
        """Yield all pixels of one member after another, the wholly covered ones first."""
        runs, cells = self.runs, self.cells
        run_order, cell_order = np.argsort(runs.member, kind="stable"), np.argsort(cells.member, kind="stable")
        run_from = np.searchsorted(runs.member[run_order], np.arange(members + 1))
        cell_from = np.searchsorted(cells.member[cell_order], np.arange(members + 1))
        for member in range(members):
            own, parts = run_order[run_from[member] : run_from[member + 1]], cell_order[cell_from[member] : cell_from[member + 1]]
            run, col = laid_out(runs.start[own], runs.end[own])
            row, col = np.concatenate([runs.row[own][run], cells.row[parts]]), np.concatenate([col, cells.col[parts]])
            yield Cells(np.full(len(row), member), row, col, np.concatenate([np.ones(len(run)), cells.share[parts]]))

    def total(self, height: int, width: int) -> Floats:
        """Return the share of every pixel of the window that is covered, summed over the members, as `(row, col)`."""
        runs, cells, size = self.runs, self.cells, height * (width + 1)
        steps = np.bincount(runs.row * (width + 1) + runs.start, minlength=size) - np.bincount(
            runs.row * (width + 1) + runs.end, minlength=size
        )
        whole = np.cumsum(steps.reshape(height, width + 1), axis=1)[:, :-1]
        parts = np.bincount(cells.row * width + cells.col, weights=cells.share, minlength=height * width)
        return np.asarray(whole + parts.reshape(height, width), dtype=float)


def to_pixels(geometries: Geometries, grid: GeoBox) -> Geometries:
    """Return geometries, given in the grid's CRS, in pixel coordinates: x = column, y = height - row, so that y grows upwards.

    On a longitude, latitude grid that reaches beyond -180 or 180 degrees they appear at every turn that reaches the grid.
    Missing geometries stay None.
    """
    height = grid.shape[0]
    inverse = ~grid.transform

    def move(xy: Floats) -> Floats:
        col = inverse.a * xy[:, 0] + inverse.b * xy[:, 1] + inverse.c
        row = inverse.d * xy[:, 0] + inverse.e * xy[:, 1] + inverse.f
        return np.column_stack([col, height - row])

    return np.asarray(shapely.transform(_at_every_turn(np.asarray(geometries, dtype=object), grid), move), dtype=object)


def blocks(pixel_geometries: Geometries, grid: GeoBox, block_shape: tuple[int, int] = (BLOCK_PX, BLOCK_PX)) -> Iterator[Block]:
    """Yield the blocks into which geometries in pixel coordinates reach, row by row, each trimmed to what they need.

    `block_shape` is the (height, width) of the largest.
    """
    (height, width), (rows, cols) = grid.shape, block_shape
    extents = _pixel_extents(pixel_geometries, height, width)
    for row in range(0, height, rows):
        in_rows = np.flatnonzero((extents[:, 0] < row + rows) & (extents[:, 2] > row))
        for col in range(0, width, cols) if len(in_rows) else ():
            low = np.maximum(extents[in_rows, :2], (row, col))
            high = np.minimum(extents[in_rows, 2:], (min(row + rows, height), min(col + cols, width)))
            reach = (low < high).all(axis=1)
            if reach.any():
                (top, left), (bottom, right) = low[reach].min(axis=0), high[reach].max(axis=0)
                yield Block((int(top), int(left), int(bottom - top), int(right - left)), in_rows[reach])


class Outlines:
    """The edges of polygons, none of them along a row; made once, asked block by block."""

    def __init__(self, pixel_polygons: Geometries, grid: GeoBox) -> None:
        """Take polygons as `to_pixels` gives them; whatever is no polygon covers nothing."""
        rings = polygon_rings(pixel_polygons)
        xy = np.column_stack([rings.xy[:, 0], grid.shape[0] - rings.xy[:, 1]])  # y downwards, as rows count
        starts = rings.edges
        begin, end, ring = xy[starts], xy[starts + 1], rings.path[starts]
        origin = xy[np.flatnonzero(np.diff(rings.path, prepend=-1))][ring]
        cross = (begin[:, 0] - origin[:, 0]) * (end[:, 1] - origin[:, 1]) - (end[:, 0] - origin[:, 0]) * (begin[:, 1] - origin[:, 1])
        turn = np.sign(np.bincount(ring, weights=cross, minlength=len(rings.owner))) * rings.sign
        upward = begin[:, 1] > end[:, 1]
        owner = rings.owner[ring]
        kept = np.flatnonzero(begin[:, 1] != end[:, 1])
        kept = kept[np.argsort(owner[kept], kind="stable")]
        self._upper = np.where(upward[:, None], end, begin)[kept]
        self._lower = np.where(upward[:, None], begin, end)[kept]
        self._sign = (np.where(upward, 1.0, -1.0) * turn[ring])[kept]
        """+1 where the polygon lies right of the edge, -1 where it lies left."""
        self._first = np.searchsorted(owner[kept], np.arange(len(pixel_polygons) + 1))

    def covered(self, block: Block) -> Covered:
        """Return what the block's members cover of its window; its rows and columns count from the window's corner."""
        row, col, height, width = block.window
        members, edges = laid_out(self._first[block.members], self._first[block.members + 1])
        upper, lower = self._upper[edges] - (col, row), self._lower[edges] - (col, row)
        near = (upper[:, 1] < height) & (lower[:, 1] > 0) & (upper[:, 1] < lower[:, 1])  # the last by rounding, far from the corner
        members, signs = members[near], self._sign[edges[near]]
        pieces = _cut_by_rows(upper[near], lower[near], height)
        tall = _Tall(members[pieces.edge], pieces.row, pieces.x0, pieces.x1, pieces.height * signs[pieces.edge])
        return _accumulated(tall, height, width)


@dataclass(frozen=True)
class _Pieces:
    """Pieces of edges, each within one row; shape (piece,)."""

    edge: Indexes
    row: Indexes
    x0: Floats
    x1: Floats
    height: Floats


@dataclass(frozen=True)
class _Tall:
    """Pieces of edges within one row, with what lies right of them counted positive or negative."""

    member: Indexes
    row: Indexes
    x0: Floats
    x1: Floats
    height: Floats


def _cut_by_rows(upper: Floats, lower: Floats, height: int) -> _Pieces:
    first = np.maximum(np.floor(upper[:, 1]), 0).astype(np.intp)
    last = np.minimum(np.ceil(lower[:, 1]), height).astype(np.intp)
    edge, row = laid_out(first, np.maximum(first, last))
    (x0, y0), (x1, y1) = upper[edge].T, lower[edge].T
    top, bottom = np.maximum(y0, row), np.minimum(y1, row + 1)
    left, right, tall = np.minimum(x0, x1), np.maximum(x0, x1), y1 - y0
    begin = np.clip(x0 + (x1 - x0) * ((top - y0) / tall), left, right)  # rounding must lead no piece out of its edge
    end = np.clip(x0 + (x1 - x0) * ((bottom - y0) / tall), left, right)
    return _Pieces(edge, row, begin, end, bottom - top)


def _accumulated(tall: _Tall, height: int, width: int) -> Covered:
    """Cut pieces at the columns, sum them in their pixels, and read the shares off along each row.

    What lies left of the window counts in column -1, what lies right of it in column `width`, so that every row sums to nothing.
    """
    left, right = np.minimum(tall.x0, tall.x1), np.maximum(tall.x0, tall.x1)
    first = np.clip(np.floor(left), -1, width).astype(np.intp)
    last = np.clip(np.ceil(right) - 1, first, width).astype(np.intp)
    piece, col = laid_out(first, last + 1)
    begin = np.where(col == first[piece], left[piece], col)
    end = np.where(col == last[piece], right[piece], col + 1)
    span = (right - left)[piece]
    part = np.divide(end - begin, span, out=np.ones(len(piece)), where=span > 0)
    enclosed = tall.height[piece] * part
    inside = enclosed * (1 - np.clip((begin + end) / 2 - col, 0, 1))
    line = tall.member[piece] * height + tall.row[piece]
    place = line * (width + 2) + (col + 1)
    order = np.argsort(place, kind="stable")
    place = place[order]
    fresh = np.flatnonzero(np.diff(place, prepend=-1))
    if not len(fresh):
        nothing = np.zeros(0, dtype=np.intp)
        return Covered(Runs(nothing, nothing, nothing, nothing), Cells(nothing, nothing, nothing, np.zeros(0)))
    place, enclosed, inside = place[fresh], np.add.reduceat(enclosed[order], fresh), np.add.reduceat(inside[order], fresh)
    line, col = np.divmod(place, width + 2)
    after = np.cumsum(enclosed)
    return _read_off(line, col - 1, after, after - enclosed + inside, height, width)


def _read_off(line: Indexes, col: Indexes, after: Floats, share: Floats, height: int, width: int) -> Covered:
    """Return runs and cells, given the shares of the pixels that edges cross and the constant share `after` each of them.

    That share is neither all nor nothing where an edge runs along the row, inside it.
    """
    is_gap = (line[:-1] == line[1:]) & (col[:-1] + 1 < col[1:])
    full = np.flatnonzero(is_gap & (after[:-1] > 1 - LEAST_SHARE))
    partial = np.flatnonzero(is_gap & (after[:-1] > LEAST_SHARE) & (after[:-1] <= 1 - LEAST_SHARE))
    gap, between = laid_out(col[partial] + 1, col[partial + 1])
    crossed = np.flatnonzero((share > LEAST_SHARE) & (col >= 0) & (col < width))
    member, row = np.divmod(np.concatenate([line[crossed], line[partial][gap]]), height)
    shares = np.minimum(np.concatenate([share[crossed], after[partial][gap]]), 1.0)
    cells = Cells(member, row, np.concatenate([col[crossed], between]), shares)
    member, row = np.divmod(line[full], height)
    start, end = col[full] + 1, col[full + 1]
    order = np.lexsort((start, row))
    return Covered(Runs(member[order], row[order], start[order], end[order]), cells)


def _pixel_extents(geometries: Geometries, height: int, width: int) -> Indexes:
    """Return first row, first column, end row, end column of each geometry, clipped to the grid; empty for missing ones."""
    left, bottom, right, top = np.nan_to_num(shapely.bounds(geometries), nan=-1.0).T
    extents = np.stack([np.floor(height - top), np.floor(left), np.ceil(height - bottom), np.ceil(right)], axis=1)
    extents[shapely.is_missing(geometries)] = 0
    clipped: Indexes = np.clip(extents, 0, (height, width, height, width)).astype(np.intp)
    return clipped


def _at_every_turn(geometries: Geometries, grid: GeoBox) -> Geometries:
    frame = geodetic_frame(crs_of(grid))
    left, _, right, _ = grid.boundingbox
    half = np.pi / frame.radians_per_unit
    if not frame.is_lonlat or (left >= -half and right <= half):
        return geometries
    turns = [number * 2 * half for number in range(int(np.floor((left + half) / (2 * half))), int(np.ceil((right + half) / (2 * half))))]
    return np.array([_repeated(geometry, turns) for geometry in geometries], dtype=object)


def _repeated(geometry: shapely.Geometry | None, turns: list[float]) -> shapely.Geometry | None:
    if geometry is None:
        return None
    copies = [shapely.transform(geometry, lambda xy, turn=turn: xy + np.array([turn, 0.0])) for turn in turns]
    parts = [part for copy in copies for part in shapely.get_parts(copy)]
    return (shapely.MultiPoint, shapely.MultiLineString, shapely.MultiPolygon)[shapely.get_dimensions(geometry)](parts)
