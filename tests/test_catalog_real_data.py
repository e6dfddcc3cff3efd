"""Every file of the real data registers as what it is, or is refused in one clear sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.catalog.add_report import AddReport
from tools.catalog.datasets import Datasets

if TYPE_CHECKING:
    from tools.workspace import Workspace

pytestmark = pytest.mark.realdata

REFUSED = {
    "corrupt_tiles.tif": "cannot be read",
    "empty_file.geojson": "is empty",
    "sentinel1_productInfo.json": "is not GeoJSON",
    "truncated.tif": "cannot be read",
    "vrt_missing_source.vrt": "which is not a file here",
}
"""File of awkward/ → part of the sentence."""

WARNED = {
    "all_nodata": "nodata",
    "cairo_parcels_invalid_dup": "20 of 290 geometries are invalid",
    "capetown_waterways_null_geometry": "15 of 100 features have no geometry",
    "empty_collection": "Empty",
    "gcps_only_au": "control points only",
    "no_crs_float": "No coordinate reference system",
    "padova_invalid": "49 of 626 geometries are invalid",
    "rotated_au_3577": "Rotated",
    "rotated_geomatrix": "Rotated",
    "rotated_no_crs": "No coordinate reference system",
    "sentinel1_gcps_vh": "control points only",
    "south_up_all_nodata": "South up",
    "verona_no_crs": "No coordinate reference system",
}
"""Registered, with what has to be known; a layer in a folder of its own is called by its folder."""

RASTERS = {
    # id: CRS, width, height, bands, nodata, pixel size
    "kampen_flood_depth_m": ("EPSG:28992", 3476, 2269, 1, None, 5),
    "kampen_landuse": ("EPSG:28992", 3476, 2269, 1, 32767, 5),
    "zion_nlcd": ("EPSG:26912", 1073, 1359, 1, 255, 31.5303),
    "zion_srtm": ("EPSG:4326", 465, 457, 1, 65535, 0.000833333),
    "alexandria_dsm": ("EPSG:26918", 283, 259, 1, -9999, 2),
    "naip_nd_20140720_west": ("EPSG:26914", 467, 723, 4, 0, 5),
    "b04": ("EPSG:32629", 1098, 1098, 1, 0, 100),
}

LAYERS = {
    # id: CRS, features, geometry, name column
    "alexandria_buildings": ("EPSG:4326", 84, "Polygon", None),
    "london_parks": ("EPSG:27700", 317, "Polygon", "name"),
    "ne_110m_admin_0_countries": ("EPSG:4326", 177, "Polygon", "NAME"),
    "ne_110m_populated_places_simple": ("EPSG:4326", 243, "Point", "name"),
    "ne_110m_rivers_lake_centerlines": ("EPSG:4326", 13, "LineString", "name"),
    "observed_event_first": ("EPSG:4326", 784, "Polygon", None),
    "observed_event_monit01": ("EPSG:4326", 903, "Polygon", None),
    "slovenia_lulc": ("EPSG:32633", 88, "Polygon", None),
    "us_states": ("EPSG:4326", 50, "Polygon", "name"),
    "usgs_earthquakes_2017": ("OGC:CRS84", 6107, "Point", None),
    "zion_boundary": (None, 1, "Polygon", "UNIT_NAME"),  # a CRS of its own
    "zion_points": ("EPSG:4326", 30, "Point", None),
    "kampen_maxdam": (None, 52, None, None),  # a table
}


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def called(record_id: str, path: str, awkward: AddReport) -> str:
    stems = [Path(record.path).stem for record in awkward.records]
    return Path(path).parent.name if stems.count(Path(path).stem) > 1 else record_id


def test_awkward_files_are_registered_with_a_warning_or_refused_with_a_reason(datasets: Datasets, shared_data: Path) -> None:
    report = datasets.add(shared_data / "awkward")
    reasons = {Path(refusal.path).name: refusal.message for refusal in report.refused}
    assert set(reasons) == set(REFUSED)
    for name, part in REFUSED.items():
        assert part in reasons[name]
        assert name in reasons[name]
    warned = {called(record.id, record.path, report): " ".join(record.warnings) for record in report.records if record.warnings}
    assert set(warned) == set(WARNED)
    for name, part in WARNED.items():
        assert part in warned[name]
    assert len(report.records) == 22  # 27 files with their side files, less 5


def test_rasters_are_what_their_index_says(datasets: Datasets, shared_data: Path) -> None:
    report = datasets.add(shared_data / "rasters")
    assert not report.refused
    records = {record.id: record for record in report.records}
    for name, (crs, width, height, bands, nodata, pixel) in RASTERS.items():
        record = records[name]
        assert (record.crs, record.width, record.height, len(record.bands), record.bands[0].nodata) == (crs, width, height, bands, nodata)
        assert record.resolution is not None
        assert record.resolution[0] == pytest.approx(pixel, rel=1e-5)
    assert records["zion_nlcd"].bands[0].value_kind == "categorical"
    assert records["zion_srtm"].bands[0].value_kind == "unknown"


def test_layers_and_tables_are_what_their_index_says(datasets: Datasets, shared_data: Path) -> None:
    report = datasets.add(shared_data / "vectors")
    assert not report.refused
    assert not report.skipped
    records = {record.id: record for record in report.records}
    for name, (crs, features, geometry, name_column) in LAYERS.items():
        record = records[name]
        assert (record.feature_count, record.geometry_type, record.name_column) == (features, geometry, name_column), name
        assert record.crs == crs or (crs is None and (record.crs is None) is (record.kind == "table")), name


def test_documents_and_chips_register(datasets: Datasets, shared_data: Path) -> None:
    documents = datasets.add(shared_data / "documents")
    assert (len(documents.records), {record.kind for record in documents.records}, documents.refused) == (12, {"document"}, ())
    chips = datasets.add(shared_data / "chips" / "slovenia_landcover")
    assert not chips.refused


def test_reading_leaves_the_folders_of_data_as_they_were(datasets: Datasets, shared_data: Path) -> None:
    before = sorted(shared_data.rglob("*"))
    datasets.add(shared_data / "rasters")
    assert sorted(shared_data.rglob("*")) == before
