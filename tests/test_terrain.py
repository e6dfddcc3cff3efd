"""Terrain: a plane has its own slope on every grid, real heights agree with gdaldem, units and edges are never guessed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS, Geod, Proj, Transformer
from scipy.stats import circmean

from tools.contract import Declared, Outcome, Source, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geo.grid import make_grid
from tools.geo.ground import ground_steps
from tools.geo.pixels import pixel_area_m2
from tools.geo.terrain import aspect_degrees, horn_gradient, slope_degrees
from tools.raster import filter_raster, histogram, reproject, sample
from tools.raster.directions import Directions
from tools.raster.filter_raster import FilterRasterParams
from tools.raster.heights import US_FOOT_M, height_unit
from tools.raster.histogram import HistogramParams
from tools.raster.neighbourhood import read_around
from tools.raster.reproject import ReprojectParams
from tools.raster.sample import SampleParams
from tools.raster.terrain import TerrainParams, run
from tools.storage.rasters import raster_info
from tools.zonal.request import check_request
from tools.zonal.stats import ZonalStatsParams

UTM = "EPSG:32632"
METRES = Declared(unit="m")


def source_of(path: Path, declared: Declared = METRES) -> Source:
    return Source("r", "raster", path, "x", declared=declared)


def derive(folder: Path, path: Path, operation: str, *, declared: Declared = METRES, **more: Any) -> tuple[ToolOutput, np.ndarray]:
    output = run(TerrainParams(raster="r", operation=operation, **more), ToolContext(folder, {"r": source_of(path, declared)}))
    with rasterio.open(folder / output.files[0]) as dataset:
        return output, dataset.read(1)


def facts(output: ToolOutput) -> dict[tuple[str, ...], float]:
    return {(fact.name, *fact.subject.values()): fact.value for fact in output.facts}


def pixel_places(transform: Affine, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    col, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return transform * (col, row)


@pytest.mark.parametrize(
    "transform",
    [
        pytest.param(Affine(10, 0, 412_000, 0, -10, 5_108_000), id="north-up"),
        pytest.param(Affine(10, 0, 412_000, 0, 10, 5_108_000), id="south-up"),
        pytest.param(Affine(8, 6, 412_000, 6, -8, 5_108_000), id="rotated"),
        pytest.param(Affine(10, 3, 412_000, 0, -20, 5_108_000), id="sheared, oblong pixels"),
    ],
)
def test_a_plane_falls_as_it_does_however_its_rows_run(transform: Affine) -> None:
    x, y = pixel_places(transform, 12, 12)
    heights = 0.3 * (x - 412_000) - 0.4 * (y - 5_108_000)
    grid = make_grid(CRS(UTM), transform, 12, 12)[1:-1, 1:-1]
    east, north = horn_gradient(heights, ground_steps(grid))
    lon, lat = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True).transform(x[1:-1, 1:-1], y[1:-1, 1:-1])
    factors = Proj(UTM).get_factors(lon, lat)
    assert slope_degrees(east, north) == pytest.approx(np.degrees(np.arctan(0.5 * factors.meridional_scale)), abs=1e-4)
    grid_aspect = np.degrees(np.arctan2(-0.3, 0.4)) % 360
    assert aspect_degrees(east, north) == pytest.approx(grid_aspect + factors.meridian_convergence, abs=1e-3)


@pytest.mark.parametrize("lat", [-72.0, 0.5, 84.0])
def test_degrees_of_longitude_are_as_long_as_they_are_at_the_latitude(lat: float, tmp_path: Path, make_raster) -> None:
    lon = 7 + 0.01 * np.arange(9)
    geod = Geod(ellps="WGS84")
    path = make_raster(np.tile(100 * lon, (9, 1)), crs="EPSG:4326", transform=Affine(0.01, 0, 6.995, 0, -0.01, lat + 0.045))
    _, slopes = derive(tmp_path, path, "slope")
    east_m = geod.inv(7 - 5e-4, lat, 7 + 5e-4, lat)[2]
    assert slopes[4, 1:-1] == pytest.approx(np.degrees(np.arctan(100 * 1e-3 / east_m)), rel=1e-6)

    falling = np.tile((100 * (lat + 0.04 - 0.01 * np.arange(9)))[:, None], (1, 9))
    path = make_raster(falling, crs="EPSG:4326", transform=Affine(0.01, 0, 6.995, 0, -0.01, lat + 0.045))
    _, slopes = derive(tmp_path, path, "slope", slope_unit="percent")
    north_m = geod.inv(7, lat - 5e-4, 7, lat + 5e-4)[2]
    assert slopes[4, 1:-1] == pytest.approx(100 * 100 * 1e-3 / north_m, rel=1e-6)


def test_web_mercator_metres_are_not_taken_for_metres(tmp_path: Path, make_raster) -> None:
    y = Proj("EPSG:3857")(0, 60)[1]
    heights = np.tile(10.0 * np.arange(9), (9, 1))
    path = make_raster(heights, crs="EPSG:3857", transform=Affine(10, 0, 0, 0, -10, y + 45))
    output, _ = derive(tmp_path, path, "slope")
    metres = Geod(ellps="WGS84").inv(0, 60, np.degrees(10 / 6_378_137), 60)[2]
    assert metres == pytest.approx(5, abs=0.02)
    assert facts(output)[("mean",)] == pytest.approx(np.degrees(np.arctan(10 / metres)), abs=1e-3)


STEPS = [
    ("EPSG:4326", Affine(0.01, 0, 7, 0, 0.01, 46)),
    ("EPSG:4326", Affine(0.01, 0.004, 7, 0.003, -0.01, 46)),
    ("EPSG:32601", Affine(100, 0, 166_000, 0, -100, 5_100_000)),
    ("EPSG:2263", Affine(80, 60, 900_000, 60, -80, 200_000)),
    ("EPSG:27572", Affine(1000, 0, 600_000, 0, -1000, 2_400_000)),
    ("EPSG:3413", Affine(1000, 0, -20_500, 0, -1000, 20_500)),
]


@pytest.mark.parametrize(("crs", "transform"), STEPS)
def test_the_steps_of_a_pixel_span_its_area(crs: str, transform: Affine) -> None:
    grid = make_grid(CRS(crs), transform, 40, 30)
    steps = ground_steps(grid)
    spanned = np.abs(steps.east_per_col * steps.north_per_row - steps.north_per_col * steps.east_per_row)
    assert np.broadcast_to(spanned, grid.shape) == pytest.approx(np.broadcast_to(pixel_area_m2(grid), grid.shape), rel=3e-5)


@pytest.mark.realdata
@pytest.mark.parametrize("operation", ["slope", "aspect", "hillshade", "roughness", "tpi", "tri"])
def test_real_heights_give_what_gdaldem_gives(operation: str, tmp_path: Path, shared_data: Path) -> None:
    if not shutil.which("gdaldem"):
        pytest.skip("gdaldem is not installed")
    path = shared_data / "rasters/alexandria_dtm.tif"
    _, ours = derive(tmp_path, path, operation)
    mode = {"tpi": "TPI", "tri": "TRI"}.get(operation, operation)
    subprocess.run(["gdaldem", mode, str(path), str(tmp_path / "gdal.tif"), "-q"], check=True)
    with rasterio.open(tmp_path / "gdal.tif") as dataset:
        theirs, grid = dataset.read(1, masked=True), dataset
        lon, lat = Transformer.from_crs(grid.crs, "EPSG:4269", always_xy=True).transform(*grid.xy(grid.height // 2, grid.width // 2))
        convergence = Proj(grid.crs).get_factors(lon, lat).meridian_convergence
    known, both = ~np.ma.getmaskarray(theirs), ~np.isnan(ours) & ~np.ma.getmaskarray(theirs)
    assert both.sum() > 0.999 * known.sum()
    difference = ours[both] - theirs.data[both].astype(float)
    if operation == "aspect":  # of nearly flat ground it hangs on gdaldem's single precision
        difference = (difference - convergence + 180) % 360 - 180
        assert np.quantile(np.abs(difference), 0.99) < 0.02
    elif operation == "hillshade":  # gdaldem lights by grid north
        assert np.abs(difference).max() <= 4
        assert (np.abs(difference) <= 1).mean() > 0.99
    else:
        assert np.abs(difference).max() < (1e-3 if operation == "slope" else 1e-4)


def test_a_pixel_without_all_its_neighbours_has_no_slope(tmp_path: Path, make_raster) -> None:
    heights = np.tile(np.arange(8.0), (8, 1))
    heights[4, 4] = -9
    path = make_raster(heights, crs=UTM, bounds=(412_000, 5_108_000, 412_080, 5_108_080), nodata=-9)
    for operation in ("slope", "hillshade", "tpi"):
        output, values = derive(tmp_path, path, operation)
        expected = np.zeros((8, 8), bool)
        expected[1:-1, 1:-1] = True
        expected[3:6, 3:6] = False
        assert (~np.isnan(values) == expected).all(), operation
        assert facts(output)[("valid_share",)] == pytest.approx(100 * 27 / 64, rel=1e-4)


def test_heights_that_are_infinite_are_no_heights(tmp_path: Path, make_raster) -> None:
    heights = np.full((4, 4), np.inf)
    output, _ = derive(tmp_path, make_raster(heights, crs=UTM, bounds=(412_000, 5_108_000, 412_040, 5_108_040)), "roughness")
    assert output.outcome == Outcome.NO_COVERAGE
    assert facts(output) == {("valid_share",): 0.0}


def test_a_raster_around_the_earth_has_no_edge_at_the_antimeridian(tmp_path: Path, make_raster) -> None:
    lon = -180 + 10 * (np.arange(36) + 0.5)
    wave = np.tile(1e5 * np.sin(np.radians(lon)), (9, 1))
    path = make_raster(wave, crs="EPSG:4326", bounds=(-180, -45, 180, 45))
    _, slopes = derive(tmp_path, path, "slope")
    assert not np.isnan(slopes[1:-1]).any()
    assert np.isnan(slopes[[0, -1]]).all()
    assert slopes[4, 0] == pytest.approx(slopes[4, 18], rel=1e-5)  # half a turn on, the wave is as steep


def test_the_surroundings_of_a_strip_are_those_in_the_whole(tmp_path: Path, make_raster) -> None:
    values = np.random.default_rng(1).normal(size=(23, 11))
    source = source_of(make_raster(values, crs=UTM, bounds=(412_000, 5_108_000, 412_110, 5_108_230)))
    info = raster_info(source)
    whole = read_around(source, 1, info, (0, 0, 23, 11), 3)
    for row, height in ((0, 4), (4, 1), (5, 13), (18, 5)):
        part = read_around(source, 1, info, (row, 0, height, 11), 3)
        np.testing.assert_array_equal(part, whole[row : row + height + 6])


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("ft", 0.3048), ("US survey foot", US_FOOT_M), ("cm", 0.01)])
def test_heights_are_in_the_unit_that_the_band_states(unit: str, metres: float, tmp_path: Path, make_raster) -> None:
    path = make_raster(np.tile(np.arange(5.0), (5, 1)), crs=UTM, bounds=(412_000, 5_108_000, 412_050, 5_108_050))
    with rasterio.open(path, "r+") as dataset:
        dataset.units = (unit,)
    output, values = derive(tmp_path, path, "tri", declared=Declared())
    assert values[2, 2] == pytest.approx(np.sqrt(6) * metres, rel=1e-6)
    assert not output.warnings


def test_heights_of_a_compound_crs_are_in_the_unit_of_its_vertical_axis(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.tile(np.arange(5.0), (5, 1)), crs="EPSG:32617+6360", bounds=(412_000, 3_108_000, 412_050, 3_108_050))
    info = raster_info(source_of(path, Declared()))
    assert height_unit(info, None).metres == pytest.approx(1200 / 3937, rel=1e-12)  # NAVD88 height (ftUS)


def test_a_unit_that_nobody_states_is_said_to_be_assumed_and_one_that_is_no_length_is_refused(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.tile(np.arange(5.0), (5, 1)), crs=UTM, bounds=(412_000, 5_108_000, 412_050, 5_108_050))
    output, _ = derive(tmp_path, path, "slope", declared=Declared())
    assert any("metres were taken" in warning for warning in output.warnings)
    assert not derive(tmp_path, path, "slope", declared=Declared(), height_unit="ft")[0].warnings
    with pytest.raises(ParameterError, match="no length"):
        derive(tmp_path, path, "slope", declared=Declared(unit="degC"))
    with pytest.raises(ParameterError, match="the file says"):
        derive(tmp_path, path, "slope", height_unit="ft")
    with pytest.raises(ParameterError, match="classes"):
        derive(tmp_path, path, "slope", declared=Declared(kind="categorical"))


def test_the_brightness_of_an_image_is_no_height(tmp_path: Path, make_raster) -> None:
    bands = np.tile(np.arange(5.0), (2, 5, 1))
    path = make_raster(bands, crs=UTM, bounds=(412_000, 5_108_000, 412_050, 5_108_050), descriptions=["B03", "elevation"])
    with pytest.raises(ParameterError, match="green"):
        derive(tmp_path, path, "slope", declared=Declared())
    with pytest.raises(ParameterError, match="nir"):
        derive(tmp_path, path, "slope", declared=Declared(bands={"nir": 2}), band=2)
    assert derive(tmp_path, path, "slope", declared=Declared(), band=2)[0].outcome == Outcome.VALUE


def test_directions_have_a_circular_mean_and_their_shares_make_the_whole() -> None:
    rng = np.random.default_rng(2)
    degrees, area = rng.normal(5, 40, (20, 30)) % 360, rng.uniform(1, 2, (20, 1))
    degrees[:2, :5] = np.nan
    is_flat = np.zeros_like(degrees, bool)
    is_flat[0, :5] = True
    directions = Directions()
    for part in (slice(0, 7), slice(7, 20)):
        directions.add(degrees[part], is_flat[part], area[part])
    found = {(fact.name, *fact.subject.values()): fact.value for fact in directions.facts()}
    weights = np.broadcast_to(area, degrees.shape)
    vectors = np.nansum(np.exp(1j * np.radians(degrees)) * weights)
    assert found[("mean",)] == pytest.approx(np.degrees(np.angle(vectors)) % 360, abs=1e-9)
    assert sum(value for (name, *_), value in found.items() if name == "share") == pytest.approx(100)
    assert found[("share", "flat")] == pytest.approx(100 * weights[is_flat].sum() / (weights.sum() - weights[1, :5].sum()))
    assert found[("valid_share",)] == pytest.approx(100 - 100 * weights[1, :5].sum() / weights.sum())
    even = Directions()
    even.add(degrees, is_flat, np.ones((1, 1)))
    (mean,) = [fact.value for fact in even.facts() if fact.name == "mean"]
    assert mean == pytest.approx(circmean(degrees, high=360, low=0, nan_policy="omit"), abs=1e-9)


def test_ground_that_falls_to_opposite_sides_alike_has_no_mean_direction(tmp_path: Path, make_raster) -> None:
    roof = -np.abs(np.arange(-6.0, 7.0))
    path = make_raster(np.tile(roof[:, None], (1, 5)), crs="EPSG:4326", transform=Affine(0.01, 0, 0, 0, -0.01, 0.065))
    output, values = derive(tmp_path, path, "aspect")
    found = facts(output)
    assert ("mean",) not in found
    assert found[("share", "N")] == pytest.approx(found[("share", "S")])
    assert np.isnan(values[6, 2])
    assert found[("share", "flat")] == pytest.approx(100 / 11, rel=1e-3)


def test_no_tool_averages_directions(tmp_path: Path, make_raster) -> None:
    roof = -np.abs(np.arange(-6.0, 7.0))
    path = make_raster(np.tile(roof, (5, 1)), crs=UTM, bounds=(500_000, 5_108_000, 500_130, 5_108_050))
    derive(tmp_path, path, "aspect")
    sources = {"r": Source("r", "raster", tmp_path / "aspect.tif", "x"), "p": Source("p", "vector", path, "x")}
    assert {"mean", "std"}.isdisjoint(
        fact.name for fact in histogram.run(HistogramParams(raster="r"), ToolContext(tmp_path, sources)).facts
    )
    assert reproject.resolve(ReprojectParams(source="r", crs="EPSG:4326"), sources).resampling == "nearest"
    refused = [
        lambda: reproject.resolve(ReprojectParams(source="r", crs="EPSG:4326", resampling="bilinear"), sources),
        lambda: filter_raster.resolve(FilterRasterParams(raster="r", operation="mean"), sources),
        lambda: sample.resolve(SampleParams(raster="r", points="p", method="bilinear"), sources),
        lambda: check_request(ZonalStatsParams(raster="r", statistics=["mean"]), raster_info(sources["r"])),
    ]
    for call in refused:
        with pytest.raises(ParameterError, match="directions"):
            call()


def test_ground_in_the_sun_is_bright_and_level_ground_is_lit_by_its_height(tmp_path: Path, make_raster) -> None:
    slope = np.tile(-10.0 * np.arange(5), (5, 1))  # 45 degrees, falling to the east
    level = make_raster(np.zeros((5, 5)), crs=UTM, bounds=(500_000, 5_108_000, 500_050, 5_108_050), name="level.tif")
    falling = make_raster(slope, crs=UTM, bounds=(500_000, 5_108_000, 500_050, 5_108_050), name="falling.tif")
    assert derive(tmp_path, level, "hillshade", altitude=30)[1][2, 2] == 1 + 254 / 2
    assert derive(tmp_path, falling, "hillshade", azimuth=90, altitude=45)[1][2, 2] == 255
    assert derive(tmp_path, falling, "hillshade", azimuth=270, altitude=45)[1][2, 2] == 1
