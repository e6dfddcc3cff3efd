"""Zonal statistics on real rasters and zones, against coverage cut pixel by pixel and geodesic pixel areas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from acceptance_oracles import coverage, in_crs, pixel_areas_m2, read, read_band
from tools.contract import Declared, Outcome
from tools.errors import DataError, MissingCrsError
from zonal_calls import number, zonal

pytestmark = pytest.mark.realdata


def inside_m2(raster: Path, zone: shapely.Geometry, crs: object) -> tuple[np.ma.MaskedArray, np.ndarray]:
    """Return the values of a raster and the ground area of every pixel inside a zone."""
    values, transform, raster_crs = read_band(raster)
    fraction = coverage(in_crs(zone, crs, raster_crs, 50.0), transform, values.shape)
    return values, fraction * pixel_areas_m2(transform, values.shape, raster_crs)


def test_area_of_every_flood_depth_in_every_land_use_is_right(shared_data: Path, tmp_path: Path) -> None:
    raster, layer = shared_data / "rasters/kampen_flood_depth_m.tif", shared_data / "vectors/kampen_landuse.parquet"
    output = zonal(raster, layer, declared=Declared(kind="categorical"), zone_column="landuse", classes=True, folder=tmp_path)
    frame = read(layer)
    for name in ("residential", "farmyard", "cemetery", "industrial"):
        zone = shapely.union_all(shapely.make_valid(frame.geometry[frame["landuse"] == name].values))
        values, area = inside_m2(raster, zone, frame.crs)
        for depth in range(4):
            expected = float(area[values.data == depth].sum())
            assert number(output, "area", zone=name, class_=str(depth)) == pytest.approx(expected, rel=1e-4, abs=1)


def test_elevation_in_a_park_is_weighted_by_pixel_area(shared_data: Path, tmp_path: Path) -> None:
    raster, layer = shared_data / "rasters/zion_srtm.tif", shared_data / "vectors/zion_boundary.gpkg"
    output = zonal(raster, layer, merge_zones=True, statistics=["mean", "std", "median", "p90"], folder=tmp_path)
    frame = read(layer)
    values, area = inside_m2(raster, frame.geometry.iloc[0], frame.crs)
    heights, weights = values.data.astype(float).ravel(), area.ravel()
    mean = np.average(heights, weights=weights)
    assert number(output, "mean") == pytest.approx(mean, rel=1e-6)
    assert number(output, "std") == pytest.approx(np.sqrt(np.average((heights - mean) ** 2, weights=weights)), rel=1e-5)
    order = np.argsort(heights)
    for name, q in (("median", 0.5), ("p90", 0.9)):
        expected = heights[order][np.searchsorted(np.cumsum(weights[order]), q * weights.sum())]
        assert number(output, name) == pytest.approx(expected, abs=1)
    assert number(output, "valid_area") == pytest.approx(weights.sum(), rel=1e-6)
    assert output.method["weighting"] == "coverage fraction x true pixel area"
    assert [record["to"] for record in output.method["transformations"]] == ["WGS 84"]


def test_land_cover_in_a_park_is_right_across_reference_systems(shared_data: Path, tmp_path: Path) -> None:
    raster, layer = shared_data / "rasters/zion_nlcd.tif", shared_data / "vectors/zion_boundary.gpkg"
    output = zonal(raster, layer, merge_zones=True, classes=True, folder=tmp_path)
    frame = read(layer)
    values, area = inside_m2(raster, frame.geometry.iloc[0], frame.crs)
    for code in np.unique(values.data[area > 0]):
        assert number(output, "area", class_=str(code)) == pytest.approx(float(area[values.data == code].sum()), rel=1e-4, abs=10)
    shares = [fact.value for fact in output.facts if fact.name == "share"]
    assert sum(shares) == pytest.approx(100)


def test_awkward_rasters_are_right_or_refused(shared_data: Path, tmp_path: Path) -> None:
    awkward, countries = shared_data / "awkward", shared_data / "vectors/ne_110m_admin_0_countries.json"
    rotated = zonal(awkward / "rotated_au_3577.tif", countries, zone_column="NAME", statistics=["mean"], folder=tmp_path)
    assert [row["zone"] for row in rotated.data["rows"]] == ["Australia"]
    assert zonal(awkward / "south_up_all_nodata.tif", statistics=["mean"], folder=tmp_path).outcome is Outcome.NO_COVERAGE
    for name, kind in [("no_crs_float.tif", MissingCrsError), ("gcps_only_au.tif", DataError), ("truncated.tif", DataError)]:
        with pytest.raises(kind) as refusal:
            zonal(awkward / name, statistics=["variety"], folder=tmp_path)
        assert refusal.value.hint
