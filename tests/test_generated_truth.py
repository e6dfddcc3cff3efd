"""The truth of generated workspaces agrees with slow computations on the files themselves."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely

import generated_truth as truth
from generated_lattice import GEOD
from generated_scene import Layer, Scene
from generated_workspaces import make_scene

SEEDS = range(4)  # UTM north, UTM south, degrees, a national system


def read(layer: Layer) -> geopandas.GeoDataFrame:
    """Read a generated layer in EPSG:4326; all its edges are short, so they may be taken for geodesics."""
    if layer.path.suffix == ".csv":
        frame = geopandas.pd.read_csv(layer.path)
        return frame.set_geometry(geopandas.points_from_xy(frame.longitude, frame.latitude), crs="EPSG:4326")
    reader = geopandas.read_parquet if layer.path.suffix == ".parquet" else geopandas.read_file
    return reader(layer.path).to_crs("EPSG:4326")


@pytest.fixture(params=SEEDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    return make_scene(request.param, tmp_path)


def test_polygon_areas_agree_with_geodesic_areas_of_the_files(scene: Scene) -> None:
    frame = read(scene.parcels).set_index("code")
    for parcel in scene.parcels.features:
        written = abs(GEOD.geometry_area_perimeter(frame.loc[parcel.columns["code"]].geometry)[0])
        assert truth.area_m2(scene, [parcel]) == pytest.approx(written, rel=1e-4)


def test_line_lengths_agree_with_geodesic_lengths_of_the_files(scene: Scene) -> None:
    frame = read(scene.routes).set_index("name")
    for route in scene.routes.features:
        written = GEOD.geometry_length(frame.loc[route.columns["name"]].geometry)
        assert truth.length_m(scene, [route]) == pytest.approx(written, rel=1e-6)


def test_length_inside_a_zone_agrees_with_a_cut_of_the_files(scene: Scene) -> None:
    zones, routes = read(scene.zones), read(scene.routes)
    for name in scene.zone_names():
        zone = zones[zones[scene.zones.name_column] == name].union_all()
        written = sum(GEOD.geometry_length(line) for line in routes.intersection(zone) if not line.is_empty)
        assert truth.length_m(scene, scene.routes.features, truth.zone_mask(scene, name)) == pytest.approx(written, rel=1e-4, abs=1e-3)


def test_class_areas_agree_with_pixels_centred_in_fine_copies_of_the_zone(scene: Scene) -> None:
    """Cut every pixel in 8 × 8 points: a quarter-pixel edge then splits them exactly."""
    with rasterio.open(scene.cover.path) as dataset:
        codes, crs, transform = dataset.read(1), dataset.crs, dataset.transform
    fine = 8
    rows, columns = np.mgrid[0 : codes.shape[0] * fine, 0 : codes.shape[1] * fine]
    xs, ys = transform * ((columns.ravel() + 0.5) / fine, (rows.ravel() + 0.5) / fine)
    zones = read(scene.zones).to_crs(crs)
    name = scene.zone_names()[0]
    zone = zones[zones[scene.zones.name_column] == name].union_all()
    shapely.prepare(zone)
    inside = shapely.contains_xy(zone, xs, ys).reshape(codes.shape[0], fine, codes.shape[1], fine).mean(axis=(1, 3))
    for code in scene.cover.labels:
        counted = float((inside * scene.lattice.raster_pixel_area_m2)[codes == code].sum())
        assert truth.class_area_m2(scene, code, truth.zone_mask(scene, name)) == pytest.approx(counted, rel=1e-6)


def test_points_lie_in_the_zones_that_the_lattice_says(scene: Scene) -> None:
    zones, sites = read(scene.zones), read(scene.sites).set_index("name")
    for site in scene.sites.features:
        point = sites.loc[site.columns["name"]].geometry
        written = {name for name, area in zip(zones[scene.zones.name_column], zones.geometry, strict=True) if area.contains(point)}
        told = {name for name in zones[scene.zones.name_column] if truth.touches(site, truth.zone_mask(scene, name), scene)}
        assert told == written


def test_the_same_seed_gives_the_same_names_and_the_next_seed_others(tmp_path: Path) -> None:
    first, again, other = (make_scene(seed, tmp_path / str(n)) for n, seed in enumerate((7, 7, 8)))
    assert [path.name for path in first.paths] == [path.name for path in again.paths]
    assert first.zone_names() == again.zone_names() != other.zone_names()
    assert first.cover.path.read_bytes() == again.cover.path.read_bytes()
