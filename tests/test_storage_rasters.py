"""Rasters are read with every mask honoured and everything declared laid over them, or refused with a way to go on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from tools.contract import Declared, Source
from tools.errors import DataError, MissingCrsError, NotFoundError, ParameterError
from tools.storage.rasters import iter_strips, open_raster, raster_info, read_band

if TYPE_CHECKING:
    from conftest import MakeRaster

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # of the rasters made here

COUNTING = np.arange(12, dtype="uint8").reshape(3, 4)
"""3 rows, 4 columns; a value is row × 4 + column."""


def source(path: Path, **declared: Any) -> Source:
    return Source("x", "raster", path, "xxh3:0", declared=Declared(**declared))


def test_whole_band_keeps_type_and_values(make_raster: MakeRaster) -> None:
    values = read_band(source(make_raster(COUNTING)))
    assert values.dtype == "uint8"
    assert values.mask.shape == (3, 4)
    assert not values.mask.any()
    np.testing.assert_array_equal(values.data, COUNTING)


def test_window_is_row_column_height_width(make_raster: MakeRaster) -> None:
    np.testing.assert_array_equal(read_band(source(make_raster(COUNTING)), 1, (1, 2, 2, 1)), [[6], [10]])


def test_second_band_is_read_as_such(make_raster: MakeRaster) -> None:
    np.testing.assert_array_equal(read_band(source(make_raster(np.stack([COUNTING, COUNTING + 100]))), 2), COUNTING + 100)


@pytest.mark.parametrize("band", [0, 3, -1])
def test_missing_band_is_named_with_those_there_are(make_raster: MakeRaster, band: int) -> None:
    path = make_raster(np.stack([COUNTING, COUNTING]))
    for read in (raster_info, read_band):
        with pytest.raises(ParameterError, match=f"no band {band}; it has bands 1 to 2"):
            read(source(path), band)


def test_nodata_is_masked(make_raster: MakeRaster) -> None:
    values = read_band(source(make_raster(COUNTING, nodata=5)))
    assert np.argwhere(values.mask).tolist() == [[1, 1]]


def test_nan_is_masked_beside_another_nodata(make_raster: MakeRaster) -> None:
    array = np.array([[1.0, np.nan], [-9999.0, 4.0]], dtype="float32")
    assert read_band(source(make_raster(array, nodata=-9999))).mask.tolist() == [[False, True], [True, False]]


def test_nan_as_nodata_is_masked(make_raster: MakeRaster) -> None:
    array = np.array([[1.0, np.nan]], dtype="float64")
    info = raster_info(source(make_raster(array, nodata=np.nan)))
    assert info.nodata is not None
    assert np.isnan(info.nodata)
    assert read_band(source(make_raster(array, nodata=np.nan))).mask.tolist() == [[False, True]]


def with_mask(path: Path, mask: np.ndarray[Any, Any], *, internal: bool) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)


@pytest.mark.parametrize("internal", [True, False])
def test_mask_inside_and_beside_the_file_is_honoured(make_raster: MakeRaster, internal: bool) -> None:
    path = make_raster(COUNTING)
    with_mask(path, COUNTING % 2 == 0, internal=internal)
    assert path.with_name(path.name + ".msk").exists() is not internal
    np.testing.assert_array_equal(read_band(source(path)).mask, COUNTING % 2 == 1)


def test_nodata_is_masked_also_where_a_mask_says_valid(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING, nodata=5)
    with_mask(path, np.ones((3, 4), dtype=bool), internal=False)
    assert read_band(source(path)).mask[1, 1]


def alpha_raster(path: Path, nodata: float | None) -> Path:
    """Bands: COUNTING, and an alpha band that is 0 in the first row."""
    alpha = np.full((3, 4), 255, dtype="uint8")
    alpha[0] = 0
    grid: dict[str, Any] = {"crs": "EPSG:32631", "transform": Affine(1, 0, 0, 0, -1, 3), "width": 4, "height": 3}
    with rasterio.open(path, "w", driver="GTiff", count=2, dtype="uint8", nodata=nodata, ALPHA="YES", **grid) as dataset:
        dataset.write(np.stack([COUNTING, alpha]))
    return path


def test_transparent_pixels_are_masked(tmp_path: Path) -> None:
    mask = read_band(source(alpha_raster(tmp_path / "a.tif", None))).mask
    assert mask[0].all()
    assert not mask[1:].any()


def test_nodata_wins_over_alpha_as_in_gdal(tmp_path: Path) -> None:
    # Aerial images carry near infrared in the band that their format calls alpha.
    mask = read_band(source(alpha_raster(tmp_path / "a.tif", 5))).mask
    assert np.argwhere(mask).tolist() == [[1, 1]]


def test_scale_and_offset_are_applied_after_nodata(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING, nodata=5)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.5,), (100.0,)
    values = read_band(source(path))
    assert values.dtype == "float64"
    assert (values[0, 3], values.mask[1, 1], values.mask.sum()) == (101.5, True, 1)


def test_everything_declared_wins_over_the_file(make_raster: MakeRaster) -> None:
    path = make_raster(np.stack([COUNTING, COUNTING]), nodata=5, crs="EPSG:4326", bounds=(1, 2, 3, 4))
    declared = source(
        path,
        crs="EPSG:32632",
        bounds=(0.0, 0.0, 40.0, 30.0),
        nodata=7,
        scale=2.0,
        offset=1.0,
        kind="categorical",
        unit="mm",
        classes={"3": "three"},
    )
    info = raster_info(declared, 2)
    assert (info.crs.to_epsg(), info.transform, info.nodata) == (32632, Affine(10, 0, 0, 0, -10, 30), 7)
    assert (info.value_kind, info.unit, info.classes, info.name_of(3.0), info.name_of(4)) == (
        "categorical",
        "mm",
        {"3": "three"},
        "three",
        "4",
    )
    values = read_band(declared, 2)
    assert np.argwhere(values.mask).tolist() == [[1, 3]]
    assert values[1, 1] == 11.0


def test_declared_values_keep_a_mask_of_the_file(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING)
    with_mask(path, COUNTING > 3, internal=True)
    np.testing.assert_array_equal(read_band(source(path, crs="EPSG:32632")).mask, COUNTING <= 3)


@pytest.mark.parametrize("nodata", [-9999, 256, 1.5, np.nan])
def test_declared_nodata_must_fit_the_type(make_raster: MakeRaster, nodata: float) -> None:
    with pytest.raises(ParameterError, match=f"nodata value {nodata:g} does not fit the band's type uint8"):
        read_band(source(make_raster(COUNTING), nodata=nodata))


def test_declared_view_leaves_nothing_behind(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING)
    before = sorted(path.parent.iterdir())
    with open_raster(source(path, crs="EPSG:32632")) as view:
        name = view.name
    with pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(name)
    assert sorted(path.parent.iterdir()) == before


def test_missing_crs_says_how_to_declare_it(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING, crs=None)
    with pytest.raises(MissingCrsError, match="terracite add PATH --crs EPSG:"):
        raster_info(source(path))
    assert raster_info(source(path, crs="EPSG:32631")).crs.to_epsg() == 32631


def test_missing_position_says_how_to_declare_it(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING, crs=None, bounds=None, name="picture.tif")
    with pytest.raises(MissingCrsError, match="--bounds LEFT BOTTOM RIGHT TOP"):
        raster_info(source(path))
    with pytest.raises(MissingCrsError, match="no georeferencing"):
        raster_info(source(path, crs="EPSG:32631"))
    assert raster_info(source(path, crs="EPSG:32631", bounds=(0.0, 0.0, 4.0, 3.0))).transform == Affine(1, 0, 0, 0, -1, 3)


def test_ground_control_points_alone_are_refused(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING, crs=None, bounds=None)
    points = [rasterio.control.GroundControlPoint(row, col, x=col * 10, y=-row * 10) for row in (0, 3) for col in (0, 4)]
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (points, rasterio.crs.CRS.from_epsg(32631))
    with pytest.raises(DataError, match="control points"):
        raster_info(source(path))


@pytest.mark.parametrize(
    ("transform", "rotated", "south_up"),
    [(Affine(1, 0, 0, 0, -1, 0), False, False), (Affine(1, 0, 9, 0, 1, 0), False, True), (Affine(1, 0.5, 0, 0.5, -1, 0), True, False)],
)
def test_orientation_is_flagged(make_raster: MakeRaster, transform: Affine, rotated: bool, south_up: bool) -> None:
    info = raster_info(source(make_raster(COUNTING, transform=transform)))
    assert (info.is_rotated, info.is_south_up) == (rotated, south_up)
    assert info.grid == GeoBox((3, 4), transform, "EPSG:32631")


@pytest.mark.parametrize(("dtype", "kind"), [("uint8", "unknown"), ("int32", "unknown"), ("float32", "continuous")])
def test_kind_of_values_follows_the_type(make_raster: MakeRaster, dtype: str, kind: str) -> None:
    assert raster_info(source(make_raster(COUNTING.astype(dtype)))).value_kind == kind


def test_palette_makes_values_categorical(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {1: (255, 0, 0, 255)})
    assert raster_info(source(path)).value_kind == "categorical"


CATEGORIES = "<CategoryNames><Category></Category><Category>water</Category><Category>wood</Category></CategoryNames>"
TABLE = """<GDALRasterAttributeTable>
<FieldDefn index="0"><Name>VALUE</Name><Type>0</Type><Usage>5</Usage></FieldDefn><FieldDefn index="1"><Name>N</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
<Row index="0"><F>1</F><F>water</F></Row><Row index="1"><F>2</F><F>wood</F></Row></GDALRasterAttributeTable>"""


@pytest.mark.parametrize("content", [CATEGORIES, TABLE])
def test_labels_of_gdals_side_file_are_read(make_raster: MakeRaster, content: str) -> None:
    path = make_raster(COUNTING)
    path.with_name(path.name + ".aux.xml").write_text(f'<PAMDataset><PAMRasterBand band="1">{content}</PAMRasterBand></PAMDataset>')
    info = raster_info(source(path, classes={"2": "forest"}))
    assert info.classes == {"1": "water", "2": "forest"}
    assert info.value_kind == "categorical"


def test_reading_writes_nothing_next_to_the_data(make_raster: MakeRaster) -> None:
    path = make_raster(COUNTING, nodata=5)
    read_band(source(path))
    raster_info(source(path, nodata=3))
    assert [file.name for file in path.parent.glob(f"{path.name}*")] == [path.name]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("cut.tif", lambda content: content[: len(content) // 2]),
        ("text.tif", lambda _: b"not a raster at all"),
        ("web.tif", lambda _: b"<GDAL_WMS></GDAL_WMS>"),
    ],
)
def test_broken_rasters_are_refused_with_the_reason(
    make_raster: MakeRaster, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    whole = make_raster(np.arange(64 * 64, dtype="float32").reshape(64, 64), name="whole.tif")
    broken = tmp_path / name
    broken.write_bytes(damage(whole.read_bytes()))
    with pytest.raises(DataError, match=name):
        read_band(source(broken))


def test_missing_raster_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.tif"):
        raster_info(source(tmp_path / "gone.tif"))


def test_virtual_raster_reads_its_source_where_its_format_is_trusted(
    make_raster: MakeRaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rasterio.shutil.copy(make_raster(COUNTING), tmp_path / "v.vrt", driver="VRT")
    with pytest.raises(DataError, match="TERRACITE_TRUSTED_FORMATS=vrt"):
        read_band(source(tmp_path / "v.vrt"))
    monkeypatch.setenv("TERRACITE_TRUSTED_FORMATS", "netcdf, VRT")
    np.testing.assert_array_equal(read_band(source(tmp_path / "v.vrt")), COUNTING)


@pytest.mark.parametrize(("height", "width", "most"), [(10, 3, 7), (1, 1, 1), (5, 100, 10), (7, 2, 1000)])
def test_strips_cover_every_row_once(height: int, width: int, most: int) -> None:
    strips = list(iter_strips(height, width, most))
    assert [row for row0, _, rows, _ in strips for row in range(row0, row0 + rows)] == list(range(height))
    assert all(column == 0 and columns == width and (rows == 1 or rows * columns <= most) for _, column, rows, columns in strips)


@pytest.mark.parametrize("text", ["{broken", "[1, 2]", '{"1": 5}', "[" * 100_000])
def test_a_tag_of_another_program_that_looks_like_ours_names_no_classes(tmp_path: Path, make_raster, text: str) -> None:
    path = make_raster(np.ones((2, 2), "uint8"))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(1, TERRACITE_CLASSES=text)
    assert raster_info(Source("r", "raster", path, "x")).classes == {}


def test_threads_read_declared_and_plain_rasters_side_by_side(make_raster: MakeRaster) -> None:
    values = np.arange(600 * 600, dtype="uint16").reshape(600, 600)
    plain = source(make_raster(values))
    declared = source(plain.path, nodata=7)

    def read(raster: Source) -> int:
        return sum(int(read_band(raster, 1, (row, 0, 5, 600)).count()) for row in range(0, 100, 5))

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(read, [declared, plain] * 10, timeout=60))
    assert counts == [100 * 600 - 1, 100 * 600] * 10
