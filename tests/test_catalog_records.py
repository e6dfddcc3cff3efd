"""A record says what a file is without reading it again, and warns of what has to be known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from catalog_files import BOXES, GREY, NAMES, only
from tools.catalog.datasets import Datasets
from tools.contract import Declared

if TYPE_CHECKING:
    from conftest import MakeLayer, MakeRaster
    from tools.workspace import Workspace


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def test_raster_record_says_what_the_file_is(datasets: Datasets, make_raster: MakeRaster) -> None:
    record = only(datasets, make_raster(np.stack([GREY, GREY + 50]), nodata=0, name="Flood depth.tif", descriptions=["red", "nir"]))
    assert (record.id, record.title, record.kind, record.driver) == ("flood_depth", "Flood depth", "raster", "GTiff")
    assert (record.crs, record.bounds, record.width, record.height) == ("EPSG:32631", (0.0, 0.0, 100.0, 100.0), 4, 3)
    assert record.resolution == pytest.approx((25.0, 100 / 3))
    assert [(band.index, band.name, band.nodata, band.minimum, band.maximum) for band in record.bands] == [
        (1, "red", 0, 1, 11),
        (2, "nir", 0, 50, 61),
    ]
    assert record.bbox is not None
    west, south, east, north = record.bbox  # near the equator, 4.5° west of the central meridian at 3° east
    assert west == pytest.approx(-1.4887, abs=1e-3)
    assert south == pytest.approx(0, abs=1e-6)
    assert east - west == pytest.approx(100 / 111_320, rel=5e-3)
    assert north - south == pytest.approx(100 / 110_574, rel=5e-3)


def test_layer_record_says_what_the_file_is(datasets: Datasets, make_layer: MakeLayer) -> None:
    columns = {**NAMES, "depth": [1.5, None, 2.5], "day": ["2020-01-01", "2020-01-02", None]}
    record = only(datasets, make_layer([*BOXES[:2], None], columns=columns, name="zones.geojson"))
    assert (record.kind, record.driver, record.geometry_type, record.feature_count, record.name_column) == (
        "vector",
        "GeoJSON",
        "Polygon",
        3,
        "name",
    )
    assert (record.crs, record.bbox, record.bounds) == ("EPSG:4326", (0, 0, 2, 1), (0, 0, 2, 1))
    described = {
        column.name: (column.type, column.distinct, column.nulls, column.values, column.minimum, column.maximum)
        for column in record.columns
    }
    assert described == {
        "name": ("text", 3, 0, ("Alpha", "Beta", "Gamma"), None, None),
        "n": ("integer", 3, 0, (1, 2, 3), 1, 3),
        "depth": ("real", 2, 1, (1.5, 2.5), 1.5, 2.5),
        "day": ("date", 2, 1, ("2020-01-01", "2020-01-02"), "2020-01-01", "2020-01-02"),
    }
    assert record.warnings == ("1 of 3 features have no geometry.",)


def test_many_values_are_shown_as_the_first_twelve(datasets: Datasets, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("few,many\n" + "".join(f"{row % 60},{row}\n" for row in range(100)))
    few, many = only(datasets, tmp_path / "t.csv").columns
    assert (few.distinct, few.values) == (60, tuple(range(60)))
    assert (many.distinct, many.values, many.minimum, many.maximum) == (100, tuple(range(12)), 0, 99)


def test_empty_layer_and_missing_crs_are_registered_with_a_warning(datasets: Datasets, make_layer: MakeLayer) -> None:
    empty = only(datasets, make_layer([], columns={"name": []}, name="empty.fgb"))
    assert (empty.feature_count, empty.warnings, empty.bbox) == (0, ("Empty: there are no features.",), None)
    path = make_layer(BOXES, name="lost.shp")
    path.with_suffix(".prj").unlink()
    lost = only(datasets, path)
    assert (lost.crs, lost.bbox, lost.bounds) == (None, None, (0, 0, 3, 1))
    assert "declare --crs" in lost.warnings[0]
    assert only(datasets, path, declared=Declared(crs="EPSG:4326")).bbox == (0, 0, 3, 1)


def test_coordinates_beyond_the_earth_are_doubted(datasets: Datasets, make_layer: MakeLayer) -> None:
    record = only(datasets, make_layer([shapely.box(500_000, 5_000_000, 500_001, 5_000_001)], crs="EPSG:4326"))
    assert record.bbox is None
    assert "probably not theirs" in record.warnings[0]


@pytest.mark.parametrize(
    ("west", "east", "expected"), [(178, 182, (178, -178)), (-182, -178, (178, -178)), (-180, 180, (-180, 180)), (170, 180, (170, 180))]
)
def test_extent_across_the_antimeridian_has_west_greater_than_east(
    datasets: Datasets, make_layer: MakeLayer, west: float, east: float, expected: tuple[float, float]
) -> None:
    bbox = only(datasets, make_layer([shapely.box(west, -20, east, -18)])).bbox
    assert bbox is not None
    assert (bbox[0], bbox[2]) == expected


def test_broken_overview_does_not_hide_a_truncated_raster(datasets: Datasets, tmp_path: Path) -> None:
    from affine import Affine
    from odc.geo.geobox import GeoBox

    from tools.storage.rasters import write_raster

    path = tmp_path / "a.tif"
    noise = np.random.default_rng(1).random((1500, 1500)).astype("float32")
    write_raster(path, noise, GeoBox((1500, 1500), Affine(1, 0, 0, 0, -1, 0), "EPSG:32631"))
    path.write_bytes(path.read_bytes()[:-100_000])  # overviews come first, the last rows last
    (refusal,) = datasets.add(path).refused
    assert "cannot be read" in refusal.message


def test_documents_are_registered_unparsed(datasets: Datasets, tmp_path: Path) -> None:
    (tmp_path / "Read me.md").write_text("# Title")
    record = only(datasets, tmp_path / "Read me.md")
    assert (record.id, record.kind, record.driver, record.crs) == ("read_me", "document", "Markdown", None)


def test_longitude_and_latitude_by_name_are_said_to_be_assumed(datasets: Datasets, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("name,lon,lat\nA,5,52\nB,6,53\n")
    record = only(datasets, tmp_path / "p.csv")
    assert (record.kind, record.crs, record.bbox) == ("vector", "EPSG:4326", (5, 52, 6, 53))
    assert "assumed" in record.warnings[0]


def test_band_roles_and_classes_are_kept(datasets: Datasets, make_raster: MakeRaster) -> None:
    declared = Declared(bands={"green": 2}, classes={"1": "wet"}, kind="categorical")
    record = only(datasets, make_raster(np.stack([GREY, GREY])), declared=declared)
    assert [(band.role, band.value_kind, band.classes) for band in record.bands] == [
        (None, "categorical", {"1": "wet"}),
        ("green", "categorical", {"1": "wet"}),
    ]
    assert datasets.resolve(record.id).declared == declared
