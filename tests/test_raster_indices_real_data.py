"""Water by MNDWI in a real scene at two times, against plain numpy and the ellipsoid's own formula."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
from pyproj import Geod

from raster_calls import call, fact, raster, stack
from tools.contract import Declared, Source
from tools.storage.rasters import raster_info, read_band
from tools.storage.warp import warped_band

pytestmark = pytest.mark.realdata

YEARS = (1985, 2020)
ROLES = {"swir1": 1, "nir": 2, "red": 3, "green": 4}


def row_areas_m2(transform: Any, height: int) -> np.ndarray[Any, Any]:
    """Return the area of one pixel of each row: the zone between two parallels of WGS 84 in closed form, shape (row, 1).

    Snyder, Map Projections: A Working Manual (1987), equation 3-12 and p. 16: q(lat) times b² / 2 is the area per radian of
    longitude from the equator.
    """
    geod = Geod(ellps="WGS84")
    e = math.sqrt(geod.es)
    latitudes = np.radians(transform.f + transform.e * np.arange(height + 1))
    sine = np.sin(latitudes)
    q = (1 - e**2) * (sine / (1 - e**2 * sine**2) - np.log((1 - e * sine) / (1 + e * sine)) / (2 * e))
    per_radian = geod.a**2 / 2 * q
    return (np.abs(np.diff(per_radian)) * math.radians(abs(transform.a)))[:, None]


def independent(path: Path) -> tuple[float, float]:
    """Return the water area in hectares (MNDWI above 0) and the mean MNDWI, weighted by area, with rasterio and numpy alone."""
    with rasterio.open(path) as dataset:
        swir1, green = (dataset.read(band).astype(float) for band in (ROLES["swir1"], ROLES["green"]))
        valid = (swir1 != dataset.nodata) & (green != dataset.nodata)
        area = np.broadcast_to(row_areas_m2(dataset.transform, dataset.height), swir1.shape)
    index = np.where(valid, green - swir1, 0) / np.where(valid, green + swir1, 1)
    return float(area[valid & (index > 0)].sum()) / 10_000, float(np.average(index[valid], weights=area[valid]))


def source(shared_data: Path, year: int) -> Source:
    path = shared_data / "rasters" / f"pucallpa_landsat_{year}.tif"
    return Source("r", "raster", path, "x", declared=Declared(bands=ROLES))


def water(folder: Path, scene: Source, ref: str = "r") -> Source:
    """Compute and classify the index; return the class raster."""
    index = call("spectral_index", folder / "index", {"raster": "r", "index": "MNDWI"}, scene)
    made = raster(folder / "index" / index.files[0], "index")
    ranges = [{"label": "water", "min": 0, "min_inclusive": False}]
    classes = call("classify", folder / "classes", {"raster": "index", "classes": ranges}, made)
    return raster(folder / "classes" / classes.files[0], ref)


@pytest.mark.parametrize("year", YEARS)
def test_water_of_a_year_is_that_of_an_independent_computation(tmp_path: Path, shared_data: Path, year: int) -> None:
    scene = source(shared_data, year)
    hectares, mean = independent(scene.path)
    index = call("spectral_index", tmp_path, {"raster": "r", "index": "MNDWI"}, scene)
    assert fact(index, "mean") == pytest.approx(mean, rel=1e-3)
    ranges = [{"label": "water", "min": 0, "min_inclusive": False}]
    classes = call("classify", tmp_path, {"raster": "i", "classes": ranges}, raster(tmp_path / index.files[0], "i"))
    assert fact(classes, "area", **{"class": "water"}) / 10_000 == pytest.approx(hectares, rel=1e-6)
    assert 5_000 < hectares < 20_000  # bytes that overflow would turn half the scene into water


def test_change_and_patches_agree_with_the_water_of_both_years(tmp_path: Path, shared_data: Path) -> None:
    hectares = [independent(source(shared_data, year).path)[0] for year in YEARS]
    earlier, later = (water(tmp_path / f"{year}", source(shared_data, year), f"{year}") for year in YEARS)
    output = call("change", tmp_path / "change", {"before": "1985", "after": "2020"}, earlier, later)
    about = {"class": "water"}
    net = fact(output, "net change", **about)
    assert net == pytest.approx(fact(output, "gained", **about) - fact(output, "lost", **about))
    # Fewer than 0.02 % of the pixels are valid in one year only.
    assert net / 10_000 == pytest.approx(hectares[1] - hectares[0], abs=0.001 * hectares[0])
    patches = call("polygonize", tmp_path / "patches", {"raster": "2020", "classes": ["water"]}, later)
    assert fact(patches, "area", **about) / 10_000 == pytest.approx(hectares[1], rel=1e-4)
    frame = geopandas.read_parquet(tmp_path / "patches" / patches.files[0])
    geod = Geod(ellps="WGS84")
    largest = frame.geometry[frame["area_m2"].idxmax()].segmentize(0.0005)
    assert abs(geod.geometry_area_perimeter(largest)[0]) == pytest.approx(frame["area_m2"].max(), rel=1e-4)


def test_clear_land_of_a_scene_by_its_own_quality_band(tmp_path: Path, shared_data: Path) -> None:
    """The bands of the scene lie on two grids: red is averaged onto that of the others, and all go into one stack."""
    folder = shared_data / "rasters" / "S2A_29RKH_20200219_0_L2A"

    files = {"nir08": "B8A", "scl": "SCL", "red": "B04"}
    sources = {role: raster(folder / f"{name}.tif", role) for role, name in files.items()}
    grid = raster_info(sources["scl"]).grid
    bands = {role: read_band(sources[role]) for role in ("nir08", "scl")}
    bands["red"] = warped_band(sources["red"], 1, grid, "average")
    made = stack(tmp_path / "s.tif", bands, grid)
    output = call("spectral_index", tmp_path, {"raster": "r", "index": "NDVI", "mask": "clear_land"}, made)
    nir, red, scl = (bands[role].filled(0).astype(float) for role in ("nir08", "red", "scl"))
    kept = np.isin(scl, (4, 5)) & (nir > 0) & (red > 0)
    expected = ((nir - red)[kept] / (nir + red)[kept]).mean()
    assert fact(output, "mean") == pytest.approx(expected, rel=1e-4)
    assert output.method["bands"] == {"nir": 1, "red": 3}
