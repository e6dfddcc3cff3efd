"""Vector tools on real layers, against Karney's geodesic areas of rings or brute force over all pairs, kept independent of our code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from pyproj import Geod

from tools.contract import Outcome
from tools.storage.bootstrap import bootstrap
from vector_calls import call, measures, value, values, where

pytestmark = pytest.mark.realdata

GEOD = Geod(ellps="WGS84")
VERONA = "vectors/emsr332_verona"
STEP_DEGREES = 0.02


def geodesic_m2(shapes: Iterable[shapely.Geometry]) -> float:
    """Sum of Karney's areas of the parts of polygons in degrees, edges straight in longitude, latitude."""
    total = 0.0
    for part in shapely.get_parts(np.array([shape for shape in shapes if shape is not None], dtype=object)):
        dense = shapely.segmentize(part, STEP_DEGREES)
        rings = [GEOD.polygon_area_perimeter(*np.array(ring.coords).T[:2])[0] for ring in (dense.exterior, *dense.interiors)]
        total += abs(rings[0]) - sum(abs(hole) for hole in rings[1:])
    return total


def polygons(path: Path, crs: int | None = None) -> geopandas.GeoSeries:
    bootstrap()
    series = geopandas.read_parquet(path).geometry if path.suffix == ".parquet" else geopandas.read_file(path).geometry
    return series if crs is None else series.to_crs(crs)


@pytest.fixture
def verona(shared_data):
    names = {"first": "observed_event_first", "monit01": "observed_event_monit01", "built": "built_up"}
    return {name: shared_data / VERONA / f"{file}.shp" for name, file in names.items()}


def test_the_first_flood_delineation_covers_what_karneys_areas_add_up_to(tmp_path, verona):
    output = call("query_vector", tmp_path, verona, layer="first", measures=measures("area", "count"))
    assert value(output, "count") == 784
    assert value(output, "area") == pytest.approx(geodesic_m2(polygons(verona["first"])), rel=1e-6)


def test_the_monitoring_product_repeats_areas_that_must_count_once(tmp_path, verona):
    output = call("query_vector", tmp_path, verona, layer="monit01", measures=measures("area"))
    shapes = polygons(verona["monit01"])
    assert value(output, "area") == pytest.approx(geodesic_m2([shapes.union_all()]), rel=1e-6)
    assert value(output, "sum of feature areas") == pytest.approx(geodesic_m2(shapes), rel=1e-6)
    assert value(output, "sum of feature areas") > 1.6 * value(output, "area")
    assert "903 features overlap" in output.warnings[0]
    assert "116 features are exact duplicates" in output.warnings[0]


def test_the_overlap_of_the_monitoring_product_is_explained_by_its_source_image(tmp_path, verona):
    output = call("query_vector", tmp_path, verona, layer="monit01", measures=measures("area"))
    frame = geopandas.read_file(verona["monit01"])
    expected = {str(source): geodesic_m2(shapes) for source, shapes in frame.groupby("dmg_src_id").geometry}
    assert values(output, "area", "dmg_src_id") == pytest.approx(expected, rel=1e-6)


def test_the_flood_did_not_grow_between_the_two_products(tmp_path, verona):
    grown = call("overlay", tmp_path, verona, operation="difference", layer="monit01", other="first")
    assert value(grown, "area") < 1
    assert any("slivers" in said for said in grown.warnings)
    shrunk = call("overlay", tmp_path, verona, operation="difference", layer="first", other="monit01")
    assert shrunk.outcome is Outcome.TRUE_ZERO
    assert value(shrunk, "area") == 0


def test_built_up_land_inside_the_flood(tmp_path, verona):
    output = call("overlay", tmp_path, verona, operation="intersection", layer="first", other="built")
    flood, built = (polygons(verona[name], 32632).make_valid().union_all() for name in ("first", "built"))
    both = geopandas.GeoSeries([flood.intersection(built)], crs=32632).to_crs(4326)
    assert value(output, "area") == pytest.approx(geodesic_m2(both), rel=1e-4)


def test_an_invalid_flood_layer_is_repaired_and_measured(tmp_path, shared_data):
    path = shared_data / "awkward/padova_invalid/observed_event.shp"
    output = call("query_vector", tmp_path, {"p": path}, layer="p", measures=measures("area"))
    assert output.warnings[0].startswith("49 of 626 features had invalid geometry")
    covered = shapely.union_all(shapely.make_valid(polygons(path).to_numpy(), method="structure", keep_collapsed=False))
    assert value(output, "area") == pytest.approx(geodesic_m2([covered]), rel=1e-4)


def test_parks_larger_than_ten_hectares(tmp_path, shared_data):
    path = shared_data / "vectors/london_parks.fgb"
    output = call(
        "query_vector", tmp_path, {"p": path}, layer="p", where=where("@area_m2", ">", 100_000), measures=measures("count", "area")
    )
    areas = [geodesic_m2([shape]) for shape in polygons(path, 4326)]
    large = [area for area in areas if area > 100_000]
    assert value(output, "count") == len(large)
    assert value(output, "area") == pytest.approx(sum(large), rel=1e-3)


def test_areas_of_countries_polar_and_split_ones_included(tmp_path, shared_data):
    path = shared_data / "vectors/ne_110m_admin_0_countries.json"
    output = call("query_vector", tmp_path, {"n": path}, layer="n", order_by="area", descending=True)
    frame = geopandas.read_file(path)
    expected = {name: geodesic_m2([shape]) for name, shape in zip(frame["NAME"], frame.geometry, strict=True) if name != "Antarctica"}
    found = values(output, "area", "feature")
    assert {name: found[name] for name in expected if name != "Sudan"} == pytest.approx(
        {name: area for name, area in expected.items() if name != "Sudan"}, rel=1e-6
    )
    assert next(iter(found)) == "Russia"
    assert found["Antarctica"] == pytest.approx(12.3e12, rel=0.02)


def test_populated_places_per_country_as_a_join_counts_them(tmp_path, shared_data):
    files = {"n": shared_data / "vectors/ne_110m_admin_0_countries.json", "c": shared_data / "vectors/ne_110m_populated_places_simple.json"}
    output = call("query_vector", tmp_path, files, layer="c", zones={"layer": "n"}, measures=measures("count"))
    countries, places = geopandas.read_file(files["n"]), geopandas.read_file(files["c"])
    countries["geometry"] = countries.make_valid()
    joined = geopandas.sjoin(places[["geometry"]], countries[["NAME", "geometry"]], predicate="intersects")
    expected = joined.groupby("NAME").size()
    assert values(output, "count", "zone") == {name: int(expected.get(name, 0)) for name in countries["NAME"]}


def test_strong_earthquakes_and_their_nearest_populated_place(tmp_path, shared_data):
    files = {"e": shared_data / "vectors/usgs_earthquakes_2017.parquet", "c": shared_data / "vectors/ne_110m_populated_places_simple.json"}
    output = call("query_vector", tmp_path, files, layer="e", where=where("mag", ">=", 6.5), nearest={"other": "c"})
    quakes = geopandas.read_parquet(files["e"])
    strong = quakes[quakes["mag"] >= 6.5].geometry
    places = geopandas.read_file(files["c"])
    found = values(output, "distance", "nearest")
    assert len([one for one in output.facts if one.name == "distance"]) == len(strong)
    for shape in strong:
        count = len(places)
        _, _, metres = GEOD.inv(np.full(count, shape.x), np.full(count, shape.y), places.geometry.x, places.geometry.y)
        assert metres.min() in [pytest.approx(one.value, abs=1e-3) for one in output.facts if one.name == "distance"]
        assert places["name"][int(metres.argmin())] in found


@pytest.mark.parametrize("name", ["across", "right-edge", "split"])
def test_boxes_at_the_antimeridian_have_their_two_by_four_degrees(tmp_path, shared_data, name):
    output = call(
        "query_vector", tmp_path, {"a": shared_data / f"awkward/antimeridian_{name}.geojson"}, layer="a", measures=measures("area")
    )
    assert value(output, "area") == pytest.approx(geodesic_m2([shapely.box(0, -20, 4, -18)]), rel=1e-6)


def test_ring_orientation_and_mixed_geometry_do_not_matter(tmp_path, shared_data):
    files = {"t": shared_data / "awkward/tokyo_ring_orientation.geojson", "m": shared_data / "awkward/cairo_mixed_geometry.geojson"}
    tokyo = call("query_vector", tmp_path, files, layer="t", measures=measures("area"))
    assert value(tokyo, "area") == pytest.approx(geodesic_m2([polygons(files["t"]).union_all()]), rel=1e-5)
    cairo = call("query_vector", tmp_path, files, layer="m", measures=measures("count", "area"))
    assert value(cairo, "count") == 50
    shapes = polygons(files["m"])
    assert value(cairo, "area") == pytest.approx(geodesic_m2([shapes[shapes.geom_type.str.endswith("Polygon")].union_all()]), rel=1e-5)


def test_null_and_empty_geometries_are_counted_but_not_measured(tmp_path, shared_data):
    path = shared_data / "awkward/capetown_waterways_null_geometry.geojson"
    output = call("query_vector", tmp_path, {"w": path}, layer="w", measures=measures("count", "length"))
    assert value(output, "count") == 100
    assert any("15 of 100 features have no geometry" in said for said in output.warnings)
    lines = polygons(path).dropna()
    assert value(output, "length") == pytest.approx(
        sum(GEOD.geometry_length(shapely.segmentize(line, STEP_DEGREES)) for line in lines), rel=1e-6
    )


def test_states_across_the_antimeridian_are_repaired_and_measured(tmp_path, shared_data):
    path = shared_data / "vectors/us_states.parquet"
    output = call("query_vector", tmp_path, {"u": path}, layer="u", measures=measures("area"))
    states = shapely.make_valid(polygons(path).to_numpy(), method="structure", keep_collapsed=False)
    assert value(output, "area") == pytest.approx(geodesic_m2([shapely.union_all(states)]), rel=1e-6)
