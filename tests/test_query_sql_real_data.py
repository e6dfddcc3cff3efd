"""query_vector with SQL on real layers: their sums are those of geopandas, their pairs those of its spatial join."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from pyproj import CRS

from sql_calls import query, rows

WORLD = CRS("+proj=eqearth")
"""Another way to true areas: an equal-area map of the world."""
FILES = [
    "us_states.parquet",
    "ne_110m_admin_0_countries.json",
    "ne_110m_populated_places_simple.json",
    "ne_110m_rivers_lake_centerlines.json",
    "sen1floods11_events.geojson",
    "london_parks.fgb",
    "slovenia_lulc.gpkg",
    "zion_points.gpkg",
    "emsr332_verona/built_up.shp",
]


@pytest.mark.realdata
@pytest.mark.heavy
@pytest.mark.parametrize("name", FILES)
def test_a_real_layer_is_counted_and_measured(tmp_path: Path, shared_data: Path, name: str) -> None:
    path = shared_data / "vectors" / name
    frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    ((count, area, length),) = rows(query(tmp_path, {"t": path}, "SELECT COUNT(*) AS n, SUM(area_m2) AS a, SUM(length_m) AS l FROM t"))
    assert count == len(frame)
    assert area == pytest.approx(
        frame.geometry.make_valid().segmentize(0.05 if frame.crs.is_geographic else 1e4).to_crs(WORLD).area.sum(), rel=2e-3
    )
    assert np.isfinite(length)
    everything = query(tmp_path, {"t": path}, "SELECT * FROM t", limit=10_000)
    assert (everything.kind, len(everything.data["rows"])) == ("vector", min(len(frame), 1_000))


@pytest.mark.realdata
def test_places_are_joined_to_their_countries_as_geopandas_does(tmp_path: Path, shared_data: Path) -> None:
    views = {
        "country": shared_data / "vectors/ne_110m_admin_0_countries.json",
        "place": shared_data / "vectors/ne_110m_populated_places_simple.json",
    }
    sql = """SELECT c.CONTINENT AS continent, COUNT(*) AS places, MAX(p.pop_max) AS largest
        FROM place p JOIN country c ON ST_Within(p.geometry, c.geometry) GROUP BY c.CONTINENT HAVING COUNT(*) > 1"""
    countries, places = gpd.read_file(views["country"]), gpd.read_file(views["place"])
    joined = places.sjoin(countries.set_geometry(countries.geometry.make_valid()), predicate="within")
    expected = joined.groupby("CONTINENT").agg(places=("pop_max", "size"), largest=("pop_max", "max"))
    found = rows(query(tmp_path, views, sql))
    assert found == [(name, row.places, row.largest) for name, row in expected[expected.places > 1].iterrows()]
    assert len(found) >= 5
