"""Maps: the frame and scale bar are right on the ground, what is drawn is where it belongs, bytes repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from pyproj import CRS, Geod

from tools.contract import Source, ToolContext, ToolOutput
from tools.errors import DataError, ParameterError
from tools.render.frame import frame_around, map_crs, scale_bar_m
from tools.render.map import MapLayer, RenderMapParams, resolve, run
from tools.storage.rasters import write_class_raster
from tools.storage.vectors import write_layer


@pytest.mark.parametrize(
    ("width_m", "bar_m"),
    [(1000, 200), (799, 100), (800, 200), (2_000, 500), (40_000_000, 10_000_000), (30, 5)],
)
def test_the_scale_bar_is_a_round_length_of_at_most_a_quarter_of_the_map(width_m: float, bar_m: float) -> None:
    assert scale_bar_m(width_m) == bar_m


def test_a_local_map_is_true_to_scale_at_its_centre_to_a_part_in_ten_thousand() -> None:
    crs = map_crs((7.0, 49.0, 7.2, 49.1))
    assert not crs.is_geographic
    from pyproj import Transformer

    lonlat = Transformer.from_crs(crs, 4326, always_xy=True)
    (west, south), (east, north) = lonlat.transform(-5000, 0), lonlat.transform(5000, 0)
    assert Geod(ellps="WGS84").inv(west, south, east, north)[2] == pytest.approx(10_000, rel=1e-4)


def test_a_world_map_is_drawn_in_degrees_and_knows_the_length_of_one_at_its_centre() -> None:
    frame = frame_around(map_crs((-180, -90, 180, 84)), (-180, -90, 180, 84), 1000)
    assert frame.crs == CRS.from_epsg(4326)
    assert frame.metres_per_unit == pytest.approx(111_320 * np.cos(np.radians(3)), rel=2e-3)


def test_a_single_point_gets_surroundings_and_no_map_is_more_than_twice_as_high_as_wide() -> None:
    crs = map_crs((7, 49, 7, 49))
    left, _, right, _ = frame_around(crs, (0, 0, 0, 0), 500).bounds
    assert right - left >= 100
    tall = frame_around(crs, (0, 0, 10, 10_000), 500)
    assert tall.height_px <= 2 * tall.width_px + 1


@pytest.fixture
def halves(tmp_path: Path) -> Source:
    """A class raster in UTM 32N: west half water, east half land."""
    from odc.geo.geobox import GeoBox

    array = np.ones((50, 100), "uint8")
    array[:, 50:] = 2
    write_class_raster(
        tmp_path / "halves.tif",
        array,
        GeoBox.from_bbox((500000, 5400000, 510000, 5405000), "EPSG:32632", shape=(50, 100)),
        {1: "water", 2: "land"},
    )
    return Source("halves", "raster", tmp_path / "halves.tif", "x", title="Halves", attribution="© Somebody")


def draw(folder: Path, *sources: Source, **params: object) -> ToolOutput:
    folder.mkdir(exist_ok=True)
    known = {source.ref: source for source in sources}
    layers = params.pop("layers", [MapLayer(source=ref) for ref in known])
    return run(resolve(RenderMapParams(layers=layers, **params), known), ToolContext(folder, known))  # type: ignore[arg-type]


def test_classes_are_drawn_where_they_are_in_different_colours(tmp_path: Path, halves: Source) -> None:
    output = draw(tmp_path / "out", halves)
    picture = imread(tmp_path / "out" / output.files[0])
    height = picture.shape[0]
    west, east = picture[height // 2, 300, :3], picture[height // 2, 700, :3]
    assert not np.allclose(west, east, atol=0.1)
    assert not np.allclose(west, 1)
    assert not np.allclose(east, 1)


def test_the_same_map_has_the_same_bytes(tmp_path: Path, halves: Source) -> None:
    first, second = draw(tmp_path / "a", halves, title="T"), draw(tmp_path / "b", halves, title="T")
    assert (tmp_path / "a" / first.files[0]).read_bytes() == (tmp_path / "b" / second.files[0]).read_bytes()


def test_label_and_credit_line_come_from_the_dataset_unless_given(halves: Source) -> None:
    known = {"halves": halves}
    filled = resolve(RenderMapParams(layers=[MapLayer(source="halves")]), known)
    assert (filled.layers[0].label, filled.attribution) == ("Halves", "© Somebody")
    given = resolve(RenderMapParams(layers=[MapLayer(source="halves", label="L")], attribution="mine"), known)
    assert (given.layers[0].label, given.attribution) == ("L", "mine")


def layer_of(tmp_path: Path, frame: object) -> Source:
    write_layer(tmp_path / "layer.parquet", frame)  # type: ignore[arg-type]
    return Source("layer", "vector", tmp_path / "layer.parquet", "x", title="$dollars_and_more$")


def test_text_that_looks_like_mathematics_is_drawn_as_text(tmp_path: Path) -> None:
    import geopandas as gpd
    from shapely.geometry import Point

    source = layer_of(tmp_path, gpd.GeoDataFrame({"kind": ["a$\\frac$", "_b"]}, geometry=[Point(7, 50), Point(8, 51)], crs=4326))
    output = draw(tmp_path / "out", source, layers=[MapLayer(source="layer", column="kind")], title="$x_{$")
    assert (tmp_path / "out" / output.files[0]).stat().st_size > 1000


def test_an_unknown_column_is_refused_with_the_columns_there_are(tmp_path: Path) -> None:
    import geopandas as gpd
    from shapely.geometry import Point

    source = layer_of(tmp_path, gpd.GeoDataFrame({"kind": ["a"]}, geometry=[Point(7, 50)], crs=4326))
    with pytest.raises(ParameterError, match="kind"):
        draw(tmp_path / "out", source, layers=[MapLayer(source="layer", column="sort")])


def test_a_layer_without_features_cannot_be_drawn(tmp_path: Path) -> None:
    import geopandas as gpd

    source = layer_of(tmp_path, gpd.GeoDataFrame({"kind": []}, geometry=[], crs=4326))
    with pytest.raises(DataError, match="no layer has a place"):
        draw(tmp_path / "out", source)


def test_a_layer_may_be_named_by_its_source_alone() -> None:
    from tools.render.map import RenderMapParams

    assert RenderMapParams.model_validate({"layers": ["a", {"source": "b"}]}) == RenderMapParams.model_validate(
        {"layers": [{"source": "a"}, {"source": "b"}]}
    )


def test_of_too_many_classes_the_least_common_share_a_colour_and_are_counted() -> None:
    from tools.render.draw import MAX_CLASSES, RasterLayer, _shown_classes

    values = np.ma.MaskedArray(np.repeat(np.arange(1, MAX_CLASSES + 4), np.arange(1, MAX_CLASSES + 4)).astype(float))
    shown, rest = _shown_classes(RasterLayer("l", values, {float(n): str(n) for n in range(1, 99)}, ""))
    assert (shown, rest) == ([float(n) for n in range(4, MAX_CLASSES + 4)], [1, 2, 3])
