"""What stands beside areas of classes: half a pixel along their outlines, and areas corrected by a sample of places."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import shapely
from shapely.geometry import box

from tools.contract import Declared, Source, ToolContext
from tools.errors import DataError, ParameterError
from tools.raster.classify import ClassifyParams
from tools.raster.classify import run as classify
from tools.storage.cog import BandMark, write_cog
from tools.storage.rasters import raster_info
from tools.zonal.stats import ZonalStatsParams, run
from zonal_calls import BOUNDS, UTM, at, has, number, zonal

LAND = Declared(kind="categorical", classes={"1": "water", "2": "forest", "3": "rock"})
GROUND = 1 / 0.9996**2
HALF = 50 * GROUND
"""Half a pixel of 10 m on the ground."""


def sides(values: np.ndarray, label: int) -> int:
    """Sides that pixels of a class share with others, nodata (0) left out; counted one by one."""
    found = 0
    for row, col in np.ndindex(values.shape):
        for next_row, next_col in ((row, col + 1), (row + 1, col)):
            if next_row < values.shape[0] and next_col < values.shape[1]:
                pair = (values[row, col], values[next_row, next_col])
                found += label in pair and pair[0] != pair[1] and 0 not in pair
    return found


def test_an_area_is_off_by_at_most_half_a_pixel_along_its_outline(make_raster) -> None:
    codes = np.random.default_rng(2).integers(0, 4, (23, 31)).astype("uint8")
    raster = make_raster(codes, crs=UTM, bounds=(500_000, 5_000_000, 500_310, 5_000_230), nodata=0)
    output = zonal(raster, declared=LAND, classes=True)
    for code, label in enumerate(("water", "forest", "rock"), start=1):
        assert number(output, "boundary_uncertainty", class_=label) == pytest.approx(HALF * sides(codes, code), rel=1e-6)
    assert number(output, "pixel_size") == pytest.approx(10 / 0.9996, rel=1e-6)
    assert any("epsilon band" in text for text in output.method["uncertainty"])


def test_the_error_of_rasterizing_a_shape_stays_within_the_bound(make_raster) -> None:
    from rasterio.features import rasterize

    shape = shapely.Point(500_505, 5_000_495).buffer(333).union(box(500_100, 5_000_100, 500_420, 5_000_333))
    for shift in (0.0, 3.7, 8.1):
        moved = shapely.affinity.translate(shape, shift, -shift)
        raster = make_raster(np.zeros((100, 100), "uint8"), crs=UTM, bounds=(500_000, 5_000_000, 501_000, 5_001_000), name="grid.tif")
        info = raster_info(Source("r", "raster", raster, "-"))
        codes = rasterize([(moved, 1)], (100, 100), fill=2, transform=info.transform, dtype="uint8")
        output = zonal(
            make_raster(codes, crs=UTM, bounds=(500_000, 5_000_000, 501_000, 5_001_000), name="c.tif"), declared=LAND, classes=True
        )
        error = abs(number(output, "area", class_="water") - moved.area * GROUND)
        assert error < number(output, "boundary_uncertainty", class_="water")


def test_the_same_bound_comes_from_every_way_to_read(make_raster, make_layer, monkeypatch) -> None:
    from tools.zonal import survey

    codes = np.random.default_rng(3).integers(1, 4, (40, 30)).astype("uint8")
    raster = make_raster(codes, crs=UTM, bounds=(500_000, 5_000_000, 500_300, 5_000_400))
    whole = zonal(raster, declared=LAND, classes=True)
    around = zonal(raster, make_layer([at(-50, -50, 900, 900)], crs=UTM), declared=LAND, classes=True)
    monkeypatch.setattr(survey, "_block_shape", lambda _: (7, 11))
    in_blocks = zonal(raster, make_layer([at(-50, -50, 900, 900)], crs=UTM), declared=LAND, classes=True)
    for label in ("water", "forest", "rock"):
        expected = number(whole, "boundary_uncertainty", class_=label)
        assert number(around, "boundary_uncertainty", zone="fid 0", class_=label) == pytest.approx(expected, rel=1e-9)
        assert number(in_blocks, "boundary_uncertainty", zone="fid 0", class_=label) == pytest.approx(expected, rel=1e-9)


def test_the_edge_of_a_zone_and_values_of_one_label_are_no_outline(make_raster, make_layer) -> None:
    codes = np.array([[1, 1, 2, 3]] * 4, dtype="uint8")
    raster = make_raster(codes, crs=UTM, bounds=BOUNDS)
    cut = zonal(raster, make_layer([at(0, 0, 25, 40)], crs=UTM), declared=LAND, classes=True)
    # Half of the third column lies in the zone: of four sides of 10 m half each.
    assert number(cut, "boundary_uncertainty", zone="fid 0", class_="water") == pytest.approx(4 * HALF / 2, rel=1e-6)
    alike = Declared(kind="categorical", classes={"1": "wet", "2": "wet", "3": "rock"})
    assert number(zonal(raster, declared=alike, classes=True), "boundary_uncertainty", class_="wet") == pytest.approx(4 * HALF, rel=1e-6)


def test_classify_tells_the_bound_of_its_classes(make_raster, tmp_path, monkeypatch) -> None:
    from tools.raster import strips

    monkeypatch.setattr(strips, "STRIP_PX", 60)  # two rows at a time
    values = np.random.default_rng(4).random((20, 30)).astype("float32")
    raster = make_raster(values, crs=UTM, bounds=(500_000, 5_000_000, 500_300, 5_000_200))
    params = ClassifyParams(raster="r", classes=[{"label": "high", "min": 0.6}])
    output = classify(params, ToolContext(tmp_path, {"r": Source("r", "raster", raster, "-")}))
    expected = HALF * sides(np.where(values >= 0.6, 1, 2), 1)
    assert number(output, "boundary_uncertainty", class_="high") == pytest.approx(expected, rel=1e-6)
    assert number(output, "boundary_uncertainty", class_="other") == pytest.approx(expected, rel=1e-6)


TABLE = "mapped,water,forest\nwater,45,5\nforest,3,97\n"


@pytest.fixture
def halves(make_raster):
    """Water in the west, forest in the east: 800 m2 on the map each."""
    return make_raster(np.array([[1, 1, 2, 2]] * 4, dtype="uint8"), crs=UTM, bounds=BOUNDS)


def with_sample(raster, table: str, zones=None):
    path = raster.parent / "sample.csv"
    path.write_text(table)
    sources = {"r": Source("r", "raster", raster, "-", declared=LAND), "s": Source("s", "table", path, "-")}
    if zones is not None:
        sources["z"] = Source("z", "vector", zones, "-")
    params = ZonalStatsParams(raster="r", zones="z" if zones is not None else None, classes=True, confusion="s")
    return run(params, ToolContext(raster.parent, sources))


def test_a_table_of_sampled_places_gives_corrected_areas_with_their_interval(halves) -> None:
    # Rock is listed by the raster, but lies nowhere: it needs no row.
    output = with_sample(halves, TABLE)
    total = 1600 * GROUND
    water = 0.5 * 45 / 50 + 0.5 * 3 / 100
    deviation = np.sqrt(0.25 * 0.9 * 0.1 / 49 + 0.25 * 0.03 * 0.97 / 99)
    assert number(output, "adjusted_area", class_="water") == pytest.approx(total * water, rel=1e-6)
    assert number(output, "margin_95", class_="water") == pytest.approx(1.96 * total * deviation, rel=1e-6)
    assert number(output, "overall_accuracy") == pytest.approx(100 * (0.5 * 0.9 + 0.5 * 0.97))
    assert any("Olofsson" in text for text in output.method["uncertainty"])


def test_in_zones_it_is_said_that_the_sample_is_of_the_whole_map(halves, make_layer) -> None:
    output = with_sample(halves, TABLE, make_layer([at(0, 0, 40, 20), at(0, 20, 40, 40)], crs=UTM))
    assert number(output, "adjusted_area", class_="water") + number(output, "adjusted_area", class_="forest") == pytest.approx(
        1600 * GROUND, rel=1e-6
    )
    assert any("in these zones" in warning for warning in output.warnings)


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        ("mapped,water,rock\nwater,45,5\nforest,3,97\n", DataError, "not the same classes"),
        ("mapped,water,forest\nwater,45,5\nforest,3,0.97\n", DataError, "no counts"),
        ("mapped,water,rock\nwater,45,5\nrock,3,97\n", ParameterError, "no row for forest"),
        ("mapped,water,forest\nwater,1,0\nforest,3,97\n", ParameterError, "Too few places"),
    ],
)
def test_a_table_that_is_no_sample_of_the_map_is_refused(halves, table, error, said) -> None:
    with pytest.raises(error, match=said):
        with_sample(halves, table)


def test_a_matrix_travels_with_the_classes_that_it_is_of(tmp_path) -> None:
    from affine import Affine
    from pyproj import CRS

    from tools.geo.accuracy import ConfusionMatrix
    from tools.geo.grid import make_grid

    matrix = ConfusionMatrix(("water", "forest"), ((45, 5), (3, 97)))
    grid = make_grid(CRS(UTM), Affine(10, 0, 500_000, 0, -10, 5_000_040), 4, 4)
    path = tmp_path / "classes.tif"
    write_cog(
        path, np.array([[1, 1, 2, 2]] * 4, "uint8"), grid, [BandMark(classes={"1": "water", "2": "forest"}, confusion=matrix)], nodata=0
    )
    assert raster_info(Source("r", "raster", path, "-")).confusion == matrix
    assert number(zonal(path, classes=True), "adjusted_area", class_="water") == pytest.approx(1600 * GROUND * (0.45 + 0.015), rel=1e-6)
    renamed = zonal(path, declared=Declared(classes={"1": "lake"}), classes=True)
    assert not has(renamed, "adjusted_area")
    assert any("not adjusted" in warning for warning in renamed.warnings)


def test_overlapping_zones_have_no_bound(halves, make_layer) -> None:
    layer = make_layer([at(0, 0, 30, 40), at(10, 0, 40, 40)], crs=UTM)
    assert len(geopandas.read_file(layer)) == 2
    assert not has(zonal(halves, layer, declared=LAND, classes=True), "boundary_uncertainty")
