"""Zonal statistics beside exactextract, rasterstats and shapely; zones add up to the whole; large rasters within a memory bound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from exactextract import exact_extract
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from rasterio.transform import from_bounds

from tools.contract import Declared, Source, ToolContext
from tools.geo.measure import local_equal_area
from tools.zonal.stats import ZonalStatsParams, run
from zonal_calls import number, zonal

GRIDS = {
    "EPSG:32632": (500_000.0, 5_000_000.0, 500_300.0, 5_000_200.0),
    "EPSG:4326": (-30.0, 20.0, 30.0, 75.0),
    "EPSG:3857": (-3_000_000.0, 3_000_000.0, 3_000_000.0, 11_000_000.0),
    "EPSG:3035": (2_000_000.0, 1_500_000.0, 6_000_000.0, 5_000_000.0),
}


def partition(bounds: tuple[float, float, float, float], seeds: int, rng: np.random.Generator) -> list[shapely.Polygon]:
    """Cells that cover a box without overlap: nearest to random places."""
    left, bottom, right, top = bounds
    points = shapely.MultiPoint(np.column_stack([rng.uniform(left, right, seeds), rng.uniform(bottom, top, seeds)]))
    extent = shapely.box(*bounds)
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=extent))
    return [cell for cell in shapely.intersection(cells, extent) if not cell.is_empty]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(GRIDS)), st.integers(2, 9), st.integers(0, 10_000))
def test_zones_that_share_a_raster_out_add_up_to_the_whole(make_raster, make_layer, crs, seeds, seed) -> None:
    rng, bounds = np.random.default_rng(seed), GRIDS[crs]
    codes = rng.integers(0, 4, (17, 23)).astype("uint8")
    raster = make_raster(codes, crs=crs, bounds=bounds, nodata=0, name=f"{seed}-{seeds}.tif")
    layer = make_layer(partition(bounds, seeds, rng), crs=crs, name=f"{seed}-{seeds}.gpkg")
    kind = Declared(kind="categorical")
    whole, parts = zonal(raster, declared=kind, classes=True), zonal(raster, layer, declared=kind, classes=True)
    for code in ("1", "2", "3"):
        shares = [
            fact.value for fact in parts.facts if fact.name == "area" and fact.subject.get("class") == code and "zone" in fact.subject
        ]
        assert sum(shares) == pytest.approx(number(whole, "area", class_=code), rel=1e-9)
    measured = Declared(kind="continuous")
    total = number(zonal(raster, declared=measured, statistics=["sum"]), "sum")
    sums = [fact.value for fact in zonal(raster, layer, declared=measured, statistics=["sum"]).facts if fact.name == "sum"]
    assert sum(sums) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(
    ("crs", "bounds"),
    [
        ("EPSG:4326", (7.0, 45.0, 10.0, 48.0)),
        ("EPSG:3857", (770_000, 5_600_000, 1_120_000, 6_120_000)),
        ("EPSG:32632", (330_000, 4_980_000, 590_000, 5_330_000)),
        ("EPSG:3035", (4_070_000, 2_430_000, 4_340_000, 2_770_000)),
    ],
)
def test_the_ground_of_a_zone_is_the_same_whatever_the_raster_lies_in(make_raster, make_layer, crs, bounds) -> None:
    zone = shapely.Polygon([(7.8, 45.6), (9.3, 45.9), (9.1, 47.2), (8.4, 46.6), (7.7, 47.0)])
    output = zonal(make_raster(np.ones((90, 70), "uint8"), crs=crs, bounds=bounds), make_layer([zone], crs="EPSG:4326"), classes=True)
    lon, lat = np.asarray(zone.segmentize(0.001).exterior.coords).T
    expected = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0])
    assert number(output, "area", zone="fid 0", class_="1") == pytest.approx(expected, rel=2e-5)
    assert number(output, "valid_share", zone="fid 0") == 100


def source(name: str, path: Path, kind: str, declared: Declared | None = None) -> Source:
    return Source(name, kind, path, "-", declared=declared or Declared())


CODES = Declared(kind="categorical")


@pytest.mark.realdata
def test_heights_of_buildings_are_those_of_exactextract_and_near_those_of_rasterstats(shared_data, tmp_path) -> None:
    from rasterstats import zonal_stats

    raster = shared_data / "rasters/alexandria_hag.tif"
    frame = geopandas.read_file(shared_data / "vectors/alexandria_buildings.geojson").to_crs(26918)
    with rasterio.open(raster) as dataset:
        inside = frame[frame.within(shapely.box(*dataset.bounds)) & frame.is_valid].reset_index(drop=True)
        theirs = exact_extract(dataset, inside, ["mean", "max", "stdev", "median", "count"], output="pandas")
    layer = tmp_path / "buildings.gpkg"
    inside[["geometry"]].to_file(layer)
    asked = ["mean", "max", "std"]
    context = ToolContext(tmp_path, {"r": source("r", raster, "raster"), "z": source("z", layer, "vector")})
    output = run(ZonalStatsParams(raster="r", zones="z", statistics=asked), context)
    found = geopandas.read_parquet(tmp_path / output.files[0]).set_index("zone")
    theirs.index = [f"fid {position}" for position in range(len(inside))]
    expected = theirs[theirs["count"] > 0]
    assert list(found.index) == list(expected.index)
    for ours, name in (("mean", "mean"), ("max", "max"), ("std", "stdev")):
        np.testing.assert_allclose(found[ours], expected[name], rtol=1e-5, atol=2e-4)  # its shares are in single precision
    by_centres = zonal_stats(str(layer), str(raster), stats=["mean", "count"])
    large = [position for position, stat in enumerate(by_centres) if stat["count"] >= 100 and f"fid {position}" in found.index]
    ours = np.array([found.loc[f"fid {position}", "mean"] for position in large])
    assert np.median(np.abs(ours - [by_centres[position]["mean"] for position in large])) < 0.1


@pytest.mark.realdata
def test_areas_of_land_cover_are_those_of_its_pixels_as_polygons_in_an_equal_area_plane(shared_data, tmp_path) -> None:
    raster = shared_data / "rasters/zion_nlcd.tif"
    with rasterio.open(raster) as dataset:
        window = rasterio.windows.Window(500, 600, 40, 30)
        codes, transform = dataset.read(1, window=window), dataset.window_transform(window)
        crs = dataset.crs.to_wkt()
    middle = transform @ (20, 15)
    zone = shapely.Point(middle).buffer(350)
    layer = tmp_path / "zone.gpkg"
    geopandas.GeoDataFrame(geometry=[zone], crs=crs).to_file(layer)
    context = ToolContext(tmp_path, {"r": source("r", raster, "raster", CODES), "z": source("z", layer, "vector")})
    output = run(ZonalStatsParams(raster="r", zones="z", classes=True), context)
    rows, cols = np.indices(codes.shape)
    corners = [transform @ (cols + right, rows + down) for right, down in ((0, 0), (1, 0), (1, 1), (0, 1))]
    pixels = shapely.polygons(np.stack([np.stack(corner, axis=-1) for corner in corners], axis=-2))
    parts = geopandas.GeoSeries(shapely.intersection(pixels, zone).ravel(), crs=crs)
    lon, lat = geopandas.GeoSeries([shapely.Point(middle)], crs=crs).to_crs(4326).iloc[0].coords[0]
    areas = parts.to_crs(local_equal_area((lon, lat, lon, lat))).area.to_numpy().reshape(codes.shape)
    for code in np.unique(codes[areas > 0]):
        expected = areas[codes == code].sum()
        assert number(output, "area", zone="fid 0", class_=label_of(code, raster)) == pytest.approx(expected, rel=1e-6)


def label_of(code: int, raster: Path) -> str:
    """The label of a code as the raster names it."""
    from tools.storage.rasters import raster_info

    return raster_info(source("r", raster, "raster", CODES)).name_of(float(code))


def test_the_numbers_do_not_depend_on_the_number_of_threads(make_raster, make_layer, monkeypatch) -> None:
    from tools.storage import lanes
    from tools.zonal import survey

    rng = np.random.default_rng(6)
    raster = make_raster(rng.normal(50, 9, (60, 70)).astype("float32"), crs="EPSG:32632", bounds=(500_000, 5_000_000, 500_700, 5_000_600))
    layer = make_layer(partition((500_000, 5_000_000, 500_700, 5_000_600), 12, rng), crs="EPSG:32632")
    monkeypatch.setattr(survey, "_block_shape", lambda _: (16, 16))
    told = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(lanes, "usable_cores", lambda cores=cores: cores)
        output = zonal(raster, layer, statistics=["mean", "std", "median", "min", "max", "sum"])
        told.append([(fact.name, dict(fact.subject), fact.value) for fact in output.facts])
    assert told[0] == told[1] == told[2]


def test_an_error_in_a_thread_reaches_the_caller_and_ends_the_others(make_raster) -> None:
    from threading import enumerate as threads

    from tools.storage.lanes import in_lanes
    from tools.storage.rasters import open_raster

    raster = make_raster(np.ones((4, 4), "float32"), crs="EPSG:32632", bounds=(500_000, 5_000_000, 500_040, 5_000_040))

    def opened() -> AbstractContextManager[object]:
        return open_raster(source("r", raster, "raster"))

    def work(_: object, part: int) -> int:
        if part == 5:
            raise ValueError("the sixth")
        return part

    taken = []
    with pytest.raises(ValueError, match="the sixth"):
        taken.extend(in_lanes(opened, work, range(40)))
    unfinished = in_lanes(opened, lambda _, part: part, range(40))
    assert next(unfinished) == 0
    unfinished.close()
    assert not [thread for thread in threads() if thread.name == "lane"]


LARGE = """
import json, sys
from pathlib import Path
from tools.contract import Source, ToolContext
from tools.storage import lanes
from tools.zonal.stats import ZonalStatsParams, run
folder = Path(sys.argv[1])
lanes.usable_cores = lambda: 8  # as many threads as there ever are
sources = {"r": Source("r", "raster", folder / "large.tif", "-"), "z": Source("z", "vector", folder / "zones.gpkg", "-")}
output = run(ZonalStatsParams(raster="r", zones="z", statistics=["mean", "std", "max"]), ToolContext(folder, sources))
# Not the maximum that getrusage tells, which a process takes over from the one that started it.
held = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps([{f.name: f.value for f in output.facts}, int(held.split()[1])]))
"""


@pytest.mark.heavy
@pytest.mark.parametrize("tiled", [True, False])
def test_a_raster_of_40_000_by_40_000_pixels_takes_less_than_a_gigabyte(tmp_path, tiled) -> None:
    side, bounds = 40_000, (500_000, 4_600_000, 900_000, 5_000_000)
    options = {"count": 1, "width": side, "height": side, "dtype": "float32", "tiled": tiled, "sparse_ok": True, "compress": "deflate"}
    if tiled:
        options |= {"blockxsize": 512, "blockysize": 512}
    with rasterio.open(
        tmp_path / "large.tif", "w", driver="GTiff", crs="EPSG:32632", transform=from_bounds(*bounds, side, side), **options
    ) as dataset:
        dataset.write(np.full((1, 1000, side), 8, "float32"), window=rasterio.windows.Window(0, 20_000, side, 1000))
    zone = shapely.transform(shapely.box(0, 0, 1, 1), lambda xy: np.array(bounds[:2]) + xy * 400_000)
    geopandas.GeoDataFrame(geometry=[zone], crs=32632).to_file(tmp_path / "zones.gpkg")
    command = [sys.executable, "-c", LARGE, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    facts, kilobytes = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)
    assert facts["mean"] == pytest.approx(8 * 1000 / side, rel=1e-6)  # weighted by area, which varies a little
    assert facts["max"] == 8
    assert kilobytes < 1_000_000, kilobytes


def test_who_no_longer_waits_ends_the_threads(make_raster, monkeypatch) -> None:
    from threading import enumerate as threads

    from tools.storage import lanes
    from tools.zonal import survey

    class GivenUpError(Exception):
        pass

    def give_up(_: float) -> None:
        raise GivenUpError

    monkeypatch.setattr(survey, "BLOCK_PIXELS", 50)
    monkeypatch.setattr(lanes, "usable_cores", lambda: 3)
    raster = make_raster(np.ones((60, 50), "float32"), crs="EPSG:32632", bounds=(500_000, 5_000_000, 500_500, 5_000_600))
    context = ToolContext(raster.parent, {"r": source("r", raster, "raster")}, progress=give_up)
    with pytest.raises(GivenUpError) as raised:
        run(ZonalStatsParams(raster="r", statistics=["mean"]), context)
    assert raised.value.__traceback__ is not None  # the frames are still held here
    assert not [thread for thread in threads() if thread.name == "lane"]
