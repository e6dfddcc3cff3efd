"""contour: lines where a surface has a level, polygons between levels, the same in whatever strips it is read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from odc.geo.geobox import GeoBox

from raster_calls import call, fact, raster, stack
from tools.contract import Outcome
from tools.errors import ParameterError
from tools.geo.contours import contour_bands, contour_lines

UTM = GeoBox((60, 80), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32631")
ROW, COL = np.mgrid[0:60, 0:80] + 0.5
SURFACES = arrays("float64", st.tuples(st.integers(1, 9), st.integers(1, 7)), elements=st.floats(0, 10).map(lambda v: round(v, 3)))


def drawn(folder: Path, values: Any, params: dict[str, Any], grid: GeoBox = UTM) -> tuple[Any, gpd.GeoDataFrame]:
    source = stack(folder / "r.tif", {"height": np.ma.masked_invalid(values)}, grid)
    output = call("contour", folder / "out", {"raster": "r", **params}, source)
    return output, gpd.read_parquet(folder / "out" / output.files[0])


def test_the_contours_of_a_tilted_plane_are_straight_and_where_it_has_the_level(tmp_path: Path) -> None:
    output, frame = drawn(tmp_path, COL, {"interval": 10})
    assert frame["level"].tolist() == [10, 20, 30, 40, 50, 60, 70]
    for level, line in zip(frame["level"], frame.geometry, strict=True):
        assert line.length == pytest.approx(600)
        np.testing.assert_allclose(shapely.get_coordinates(line)[:, 0], 500_000 + 10 * level, atol=1e-4)
    assert fact(output, "length", level="30") == pytest.approx(600, rel=1e-3)
    assert (fact(output, "count"), fact(output, "max")) == (7, 79.5)


def test_the_contours_of_a_cone_are_closed_circles(tmp_path: Path) -> None:
    _, frame = drawn(tmp_path, np.hypot(ROW - 30, COL - 40), {"levels": [5, 10, 20]})
    assert frame["level"].tolist() == [5, 10, 20]
    assert all(shapely.is_closed(line) for line in frame.geometry)
    np.testing.assert_allclose(frame.geometry.length, 2 * np.pi * 10 * frame["level"], rtol=5e-3)


@settings(max_examples=60)
@given(surface=SURFACES, rows=st.integers(1, 4), holes=st.booleans())
def test_lines_and_areas_are_the_same_in_whatever_strips_the_surface_is_read(surface, rows, holes) -> None:
    whole = np.ma.MaskedArray(surface, mask=(surface > 8) & holes)

    def read(window: Any) -> Any:
        row, col, height, width = window
        return whole[row : row + height, col : col + width]

    levels = [2.5, 5.0, 7.5]
    one, many = (contour_lines(read, surface.shape, levels, step) for step in (100, rows))
    for level in levels:
        a, b = (shapely.multilinestrings(lines[at == level]) for at, lines in (one, many))
        assert shapely.length(a) == pytest.approx(shapely.length(b), abs=1e-4)
        assert shapely.hausdorff_distance(a, b) < 1e-4 or shapely.is_empty(a)
    edges = [-1.0, *levels, 11.0]
    one, many = (contour_bands(read, surface.shape, edges, step) for step in (100, rows))
    np.testing.assert_allclose(shapely.area(one), shapely.area(many), atol=1e-4)
    if not holes:
        assert np.nansum(shapely.area(one)) == pytest.approx(surface.size, rel=1e-6)


def test_areas_between_levels_add_up_to_the_raster_and_lie_on_the_right_side(tmp_path: Path) -> None:
    output, frame = drawn(tmp_path, COL, {"interval": 20, "shape": "polygons"})
    assert list(zip(frame["minimum"], frame["maximum"], strict=True)) == [(0.5, 20), (20, 40), (40, 60), (60, 79.5)]
    np.testing.assert_allclose(frame.geometry.area, 120_000, rtol=1e-6)
    assert frame.geometry.bounds.minx.tolist() == pytest.approx([500_000, 500_200, 500_400, 500_600])
    assert fact(output, "area") == pytest.approx(480_000, rel=1e-3)
    assert fact(output, "share", **{"from": "20", "to": "40"}) == pytest.approx(25, rel=1e-4)


def test_no_contour_runs_through_nodata(tmp_path: Path) -> None:
    values = COL.copy()
    values[20:40] = np.nan
    _, frame = drawn(tmp_path, values, {"levels": [30]})
    assert len(frame) == 2
    hole = shapely.box(500_000, 5_000_000 - 395, 500_800, 5_000_000 - 205)
    assert not frame.geometry.intersects(hole).any()


@pytest.mark.parametrize("transform", [Affine(0.1, 0, 170, 0, -0.1, 10), Affine(0.1, 0, 5, 0, 0.1, 40)], ids=["antimeridian", "south up"])
def test_degrees_across_the_antimeridian_and_south_up_grids_are_placed_right(tmp_path: Path, transform: Affine) -> None:
    grid = GeoBox((20, 200), transform, "EPSG:4326")
    _, frame = drawn(tmp_path, np.broadcast_to(np.arange(200) + 0.5, (20, 200)), {"levels": [50, 150]}, grid)
    x = (transform.c + np.array([5.0, 15.0]) + 180) % 360 - 180
    assert frame.geometry.bounds.minx.tolist() == pytest.approx(x.tolist())
    assert frame.geometry.bounds.miny.tolist() == pytest.approx([min(transform.f, transform.f + 20 * transform.e)] * 2)


def test_what_has_no_contours_is_refused_or_told(tmp_path: Path) -> None:
    output, frame = drawn(tmp_path, COL, {"levels": [500]})
    assert (output.outcome, len(frame)) == (Outcome.TRUE_ZERO, 0)
    with pytest.raises(ParameterError, match="levels, more than"):
        drawn(tmp_path, COL, {"interval": 0.01})
    nothing = raster(tmp_path / "n.tif", "n")
    stack(tmp_path / "n.tif", {"v": np.ma.MaskedArray(COL, mask=True)}, UTM)
    assert call("contour", tmp_path / "out", {"raster": "n", "interval": 1}, nothing).outcome is Outcome.NO_COVERAGE
    classes = stack(tmp_path / "c.tif", {"c": np.ma.MaskedArray(np.ones((60, 80), "uint8"))}, UTM, "c", c={1: "a"})
    with pytest.raises(ParameterError, match="holds classes"):
        call("contour", tmp_path / "out", {"raster": "c", "interval": 1}, classes)


@pytest.mark.realdata
@pytest.mark.skipif(shutil.which("gdal_contour") is None, reason="GDAL's programs are not installed")
def test_contours_of_real_ground_run_where_gdal_draws_them(tmp_path: Path, shared_data: Path) -> None:
    elevation = shared_data / "rasters" / "olinda_dem.tif"
    output = call("contour", tmp_path, {"raster": "r", "levels": [20.5, 40.5, 60.5]}, raster(elevation))
    ours = gpd.read_parquet(tmp_path / output.files[0])
    theirs = tmp_path / "gdal.gpkg"
    # Whole numbers lie on no such level; where a pixel has just the level, gdal_contour moves it a little, and plateaus differ.
    subprocess.run(["gdal_contour", "-q", "-a", "level", "-fl", "20.5", "40.5", "60.5", elevation, theirs], check=True)
    gdal = gpd.read_file(theirs)
    for level in (20.5, 40.5, 60.5):
        a, b = (shapely.union_all(frame.geometry[frame["level"] == level]) for frame in (ours, gdal))
        assert shapely.hausdorff_distance(a, b) < 0.01
        assert a.length == pytest.approx(b.length, rel=0.03)  # in a saddle the two choose another pair of corners to join
