"""The covered share of every pixel, beside exactextract and beside the intersection of polygon and pixel."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import CRS

from tools.geo.coverage import Block, Covered, Outlines, blocks, to_pixels
from tools.geo.grid import make_grid

SHAPE = (12, 9)


def dense(covered: Covered, members: int, shape: tuple[int, int]) -> np.ndarray:
    """The shares as (member, row, col)."""
    shares = np.zeros((members, *shape))
    np.add.at(shares, (covered.cells.member, covered.cells.row, covered.cells.col), covered.cells.share)
    runs = covered.runs
    for member, row, start, end in zip(runs.member, runs.row, runs.start, runs.end, strict=True):
        shares[member, row, start:end] += 1
    return shares


def shares(polygons: list[shapely.Geometry], shape: tuple[int, int] = SHAPE, window: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """The shares by the product, of a window or of all."""
    block = Block(window or (0, 0, *shape), np.arange(len(polygons)))
    return dense(outlines(polygons, shape).covered(block), len(polygons), block.window[2:])


def outlines(polygons: list[shapely.Geometry], shape: tuple[int, int]) -> Outlines:
    """Of polygons whose y is the row, downwards."""
    grid = unit_grid(shape)
    return Outlines(to_pixels(np.array(polygons, dtype=object), grid), grid)


def unit_grid(shape: tuple[int, int]) -> GeoBox:
    """A grid whose coordinates are column and row."""
    return make_grid(CRS("EPSG:32632"), Affine.identity(), *shape)


def by_overlap(polygon: shapely.Geometry, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """The area of the intersection with each pixel."""
    rows, cols = np.indices(shape)
    pixels = shapely.box(cols, rows, cols + 1, rows + 1)
    return shapely.area(shapely.intersection(pixels, polygon))


coordinates = st.one_of(st.floats(-4, 16), st.integers(-4, 16).map(float))  # whole numbers: vertices and edges on the lines between pixels


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9))
def test_shares_of_any_polygon_are_the_areas_of_its_overlaps_with_the_pixels(points) -> None:
    polygon = shapely.make_valid(shapely.Polygon(points), method="structure")
    if shapely.get_dimensions(polygon) != 2 or shapely.area(polygon) < 1e-6:
        return
    np.testing.assert_allclose(shares([polygon])[0], by_overlap(polygon), atol=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9), st.integers(0, 8), st.integers(0, 6))
def test_a_window_has_its_part_of_the_shares(points, row, col) -> None:
    polygon = shapely.make_valid(shapely.Polygon(points), method="structure")
    if shapely.get_dimensions(polygon) != 2:
        return
    part = shares([polygon], window=(row, col, SHAPE[0] - row, SHAPE[1] - col))[0]
    np.testing.assert_allclose(part, shares([polygon])[0][row:, col:], atol=1e-9)


def test_holes_islands_and_winding_do_not_matter() -> None:
    outer, hole, island = shapely.box(0.5, 0.5, 8.5, 11.5), shapely.box(2.25, 2, 7, 9.5), shapely.box(3, 3.3, 5.5, 8)
    expected = by_overlap(outer) - by_overlap(hole) + by_overlap(island)
    for reverse in (False, True):
        rings = [shapely.get_exterior_ring(box).coords[:: -1 if reverse else 1] for box in (outer, hole, island)]
        parts = shapely.MultiPolygon([shapely.Polygon(rings[0], [rings[1]]), shapely.Polygon(rings[2])])
        np.testing.assert_allclose(shares([parts])[0], expected, atol=1e-12)
    same_winding = shapely.Polygon(outer.exterior.coords, [hole.exterior.coords])
    np.testing.assert_allclose(shares([same_winding])[0], by_overlap(outer) - by_overlap(hole), atol=1e-12)


def test_a_polygon_along_pixel_borders_covers_whole_pixels_and_touches_no_others() -> None:
    (found,) = shares([shapely.box(2, 3, 7, 9)])
    assert set(np.unique(found)) == {0.0, 1.0}
    assert found.sum() == 30


def test_what_is_no_polygon_covers_nothing() -> None:
    polygons = [None, shapely.Point(3, 3), shapely.LineString([(0, 0), (5, 5)]), shapely.Polygon(), shapely.box(20, 20, 30, 30)]
    assert not shares(polygons).any()
    assert not list(blocks(np.array(polygons[:1], dtype=object), unit_grid(SHAPE)))


def test_shares_are_those_of_exactextract() -> None:
    # exactextract keeps them in single precision.
    rng = np.random.default_rng(4)
    centres = rng.uniform(0, 60, (25, 2))
    polygons = [shapely.Point(x, y).buffer(r) for (x, y), r in zip(centres, rng.uniform(0.05, 15, 25), strict=True)]
    shape = (60, 50)
    found = shares(polygons, shape)
    source = NumPyRasterSource(np.zeros(shape), 0, 0, shape[1], shape[0])
    flip = Affine(1, 0, 0, 0, -1, shape[0])
    for polygon, ours in zip(polygons, found, strict=True):
        upright = shapely.transform(polygon, lambda xy: np.column_stack(flip * tuple(xy.T)))
        features = [{"type": "Feature", "geometry": shapely.geometry.mapping(upright), "properties": {}}]
        (told,) = exact_extract(source, features, ["cell_id", "coverage"])
        theirs = np.zeros(shape)
        theirs.ravel()[told["properties"]["cell_id"]] = told["properties"]["coverage"]
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_summed_shares_are_those_of_all_polygons_together() -> None:
    polygons = [shapely.Point(3, 4).buffer(2.5), shapely.Point(5, 6).buffer(3), shapely.box(0, 0, 20, 20)]
    covered = outlines(polygons, SHAPE).covered(Block((2, 1, 9, 7), np.arange(3)))
    np.testing.assert_allclose(covered.total(9, 7), sum(by_overlap(polygon)[2:11, 1:8] for polygon in polygons), atol=1e-9)


def test_blocks_cover_every_share_once() -> None:
    rng = np.random.default_rng(5)
    polygons = np.array([shapely.Point(x, y).buffer(rng.uniform(1, 8)) for x, y in rng.uniform(0, 40, (12, 2))], dtype=object)
    shape = (37, 41)
    grid = unit_grid(shape)
    placed, known = to_pixels(polygons, grid), outlines(list(polygons), shape)
    total = np.zeros((len(polygons), *shape))
    for block in blocks(placed, grid, (8, 16)):
        row, col, height, width = block.window
        total[block.members, row : row + height, col : col + width] += dense(known.covered(block), len(block.members), (height, width))
    np.testing.assert_allclose(total, shares(list(polygons), shape), atol=1e-9)


@pytest.mark.parametrize(
    "transform",
    [Affine(10, 0, 500_000, 0, 10, 5_000_000), Affine.translation(500_000, 5_000_000) * Affine.rotation(25) * Affine.scale(10, -7)],
)
def test_slanted_and_south_up_grids_have_the_shares_of_their_pixels_on_the_map(transform) -> None:
    grid = make_grid(CRS("EPSG:32632"), transform, 6, 7)
    polygon = shapely.Point(transform * (3.2, 2.9)).buffer(22)
    pixels = Outlines(to_pixels(np.array([polygon], dtype=object), grid), grid)
    (found,) = dense(pixels.covered(Block((0, 0, 6, 7), np.arange(1))), 1, (6, 7))
    for row, col in np.ndindex(6, 7):
        corners = [transform * corner for corner in ((col, row), (col + 1, row), (col + 1, row + 1), (col, row + 1))]
        pixel = shapely.Polygon(corners)
        assert found[row, col] == pytest.approx(pixel.intersection(polygon).area / pixel.area, abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.integers(3, 60))
def test_the_shares_of_a_polygon_add_up_to_its_area(shift, radius, corners) -> None:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    ring = np.column_stack([np.cos(angles), np.sin(angles)]) * radius + shift
    polygon = shapely.Polygon(ring)
    left, top, right, bottom = np.floor(polygon.bounds[:2]).tolist() + np.ceil(polygon.bounds[2:]).tolist()
    window = (int(top), int(left), int(bottom - top), int(right - left))
    block = Block(window, np.arange(1))
    covered = outlines([polygon], window[2:]).covered(block)
    total = covered.cells.share.sum() + (covered.runs.end - covered.runs.start).sum()
    assert total == pytest.approx(polygon.area, rel=1e-6, abs=1e-6)
