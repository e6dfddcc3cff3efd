"""Numbers that no file means: infinite georeferencing, scales and coordinates that overflow, columns of several kinds."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from pyproj import CRS
from shapely.geometry import Point, box

from conftest import MakeLayer, MakeRaster
from tools.catalog.datasets import Datasets
from tools.catalog.describing import extent_degrees
from tools.contract import Declared, Source
from tools.errors import DataError
from tools.geo.frame import transformer
from tools.runner import Runner
from tools.storage.rasters import read_band
from tools.storage.vectors import read_layer
from tools.workspace import Workspace

UTM_WKT = (
    'PROJCS["zone",GEOGCS["degrees",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000],'
    'PARAMETER["False_Northing",0],PARAMETER["Central_Meridian",9],PARAMETER["Scale_Factor",0.9996],'
    'PARAMETER["Latitude_Of_Origin",0],UNIT["Meter",1.0]]'
)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # the factory's
@pytest.mark.parametrize("line", [0, 3, 4])  # pixel width, minus pixel height, x of the first pixel
@pytest.mark.parametrize("text", ["inf", "nan", "1e308", "1e13"])
def test_a_raster_whose_place_is_no_number_is_refused_and_the_others_stay_readable(
    make_raster: MakeRaster, workspace: Workspace, line: int, text: str
) -> None:
    datasets = Datasets(workspace)
    sound = make_raster(np.ones((4, 4), dtype="uint8"), name="sound.tif")
    damaged = make_raster(np.ones((4, 4), dtype="uint8"), bounds=None, name="damaged.tif")
    numbers = ["10", "0", "0", "-10", "500000", "5000000"]
    numbers[line] = text
    damaged.with_suffix(".tfw").write_text("\n".join(numbers))
    assert [len(datasets.add(path).records) for path in (sound, damaged)] == [1, 0]
    assert [record.id for record in datasets.record_objects()] == ["sound"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # the factory's
def test_a_raster_with_a_usual_world_file_is_placed(make_raster: MakeRaster, workspace: Workspace) -> None:
    path = make_raster(np.ones((4, 4), dtype="uint8"), bounds=None)
    path.with_suffix(".tfw").write_text("10\n0\n0\n-10\n500005\n4999995")
    (record,) = Datasets(workspace).add(path).records
    assert record.bounds == (500_000, 4_999_960, 500_040, 5_000_000)


def test_values_that_overflow_with_their_scale_are_refused_unless_they_are_masked(make_raster: MakeRaster) -> None:
    values = np.array([[1.0, 2.0], [3.0, -1.7e308]])
    source = Source("r", "raster", make_raster(values, nodata=-1.7e308), "-", declared=Declared(scale=10.0))
    assert read_band(source).compressed().tolist() == [10.0, 20.0, 30.0]
    bare = Source("r", "raster", make_raster(values, name="bare.tif"), "-", declared=Declared(scale=10.0))
    with pytest.raises(DataError, match=r"with its scale 10 .* too large"):
        read_band(bare)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([{"a": 1}, {"a": "x"}], ['{"a": 1}', '{"a": "x"}']),  # objects
        ([[[5.0]], "b"], ["[[5.0]]", "b"]),  # nested lists and text
        ([True, "b"], ["true", "b"]),
    ],
)
def test_a_column_of_several_kinds_is_text_that_every_tool_can_read(
    tmp_path: Path, workspace: Workspace, values: list[object], text: list[str]
) -> None:
    point = {"type": "Point", "coordinates": [9.0, 45.0]}
    features = [{"type": "Feature", "properties": {"value": value}, "geometry": point} for value in values]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    datasets = Datasets(workspace)
    (record,) = datasets.add(path).records
    assert [column.type for column in record.columns] == ["text"]
    frame = read_layer(Source("a", "vector", path, "-"))
    assert [json.dumps(json.loads(cell)) if cell[0] in "{[" else cell for cell in frame["value"]] == text
    found = Runner(workspace, datasets).run("query_vector", {"layer": record.id, "measures": [{"aggregate": "count"}]})
    assert found.artifact.facts[0].value == 2


def test_coordinates_beyond_the_earth_are_refused_and_the_largest_on_it_are_not(make_layer: MakeLayer) -> None:
    far = make_layer([Point(0, 0), Point(1e15, 0)], crs="EPSG:3857", name="far.gpkg")
    with pytest.raises(DataError, match=r"1 of 2 features of 'far\.gpkg' are no place on the Earth, first of feature 1"):
        read_layer(Source("a", "vector", far, "-"))
    edge = make_layer([Point(20_037_508.34, 0)], crs="EPSG:3857", name="edge.gpkg")
    assert read_layer(Source("a", "vector", edge, "-")).geometry.x.tolist() == [20_037_508.34]


def test_a_map_is_drawn_of_degrees_beyond_the_poles(make_layer: MakeLayer, workspace: Workspace) -> None:
    datasets = Datasets(workspace)
    layer = make_layer([box(-100, 80, 100, 150), Point()], columns={"n": [1, 2]})
    (record,) = datasets.add(layer).records
    assert Runner(workspace, datasets).run("render_map", {"layers": [{"source": record.id}]}).artifact.kind == "map"


def test_a_column_with_infinite_numbers_has_the_range_of_the_others(make_layer: MakeLayer, workspace: Workspace) -> None:
    layer = make_layer([Point(0, 0)] * 3, columns={"n": [1.5, np.inf, 2.5]}, name="a.parquet")
    (record,) = Datasets(workspace).add(layer).records
    assert (record.columns[0].minimum, record.columns[0].maximum) == (1.5, 2.5)


@pytest.mark.parametrize("repeated", [False, True])  # also in a dictionary, as text that repeats is written
def test_text_of_a_geoparquet_file_that_is_no_utf8_is_refused(make_layer: MakeLayer, repeated: bool) -> None:
    path = make_layer([Point(0, 0)] * 3, columns={"name": ["north"] * 3 if repeated else ["north", "south", "west"]}, name="a.parquet")
    path.write_bytes(path.read_bytes().replace(b"north", b"nor\xffh", 1))
    with pytest.raises(DataError, match=r"(?i)utf-?8"):
        read_layer(Source("a", "vector", path, "-"))


def test_an_overview_that_claims_to_be_larger_than_its_raster_ends_in_an_error_or_an_answer_of_ours(
    make_raster: MakeRaster, workspace: Workspace
) -> None:
    import rasterio

    path = make_raster(np.ones((64, 64), dtype="uint8"))
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2])
    body = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", body, 4)[0]
    entries = struct.unpack_from("<H", body, first)[0]
    overview = struct.unpack_from("<I", body, first + 2 + 12 * entries)[0]
    width = next(at for at in range(overview + 2, len(body), 12) if struct.unpack_from("<H", body, at)[0] == 256)
    struct.pack_into("<HIH", body, width + 2, 3, 1, 65_535)
    path.write_bytes(body)
    report = Datasets(workspace).add(path)
    assert len(report.records) + len(report.refused) == 1


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [
        ("Transverse_Mercator", "Transverse_Mercatur"),  # a method that nobody knows
        ("0.9996", "0"),  # a scale of nothing
        ('"Meter",1.0', '"Meter",0'),
        ("298.257223563", "0.5"),  # an ellipsoid inside out
        ('Origin",0', 'Origin",999'),  # a latitude of origin beyond the pole
    ],
)
def test_a_crs_that_cannot_be_transformed_is_a_warning_at_adding_and_an_error_where_it_is_needed(sound: str, damaged: str) -> None:
    assert UTM_WKT.count(sound) == 1
    bounds = (500_000.0, 5_000_000.0, 500_100.0, 5_000_100.0)
    broken = CRS.from_wkt(UTM_WKT.replace(sound, damaged))
    bbox, doubts = extent_degrees(bounds, broken)
    assert bbox is None
    assert "No transformation is known" in doubts[0]
    with pytest.raises(DataError, match="No transformation is known"):
        transformer(broken, CRS.from_epsg(4326))
    assert extent_degrees(bounds, CRS.from_wkt(UTM_WKT)) == (pytest.approx((9.0, 45.153, 9.0013, 45.154), abs=1e-3), ())
