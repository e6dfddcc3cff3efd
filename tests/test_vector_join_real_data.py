"""Joins of real layers: the pairs of geopandas, the rows of pandas, and sums over zones that a second library shares out alike."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from vector_calls import call, value, values

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize("predicate", ["intersects", pytest.param("within", marks=pytest.mark.heavy)])
def test_places_find_their_countries_as_in_geopandas(tmp_path: Path, shared_data: Path, predicate: str) -> None:
    files = {
        "countries": shared_data / "vectors/ne_110m_admin_0_countries.json",
        "places": shared_data / "vectors/ne_110m_populated_places_simple.json",
    }
    output = call(
        "join",
        tmp_path,
        files,
        operation="spatial",
        layer="places",
        other="countries",
        predicate=predicate,
        how="inner",
        columns=["ADM0_A3"],
    )
    countries, places = gpd.read_file(files["countries"]), gpd.read_file(files["places"])
    expected = places.sjoin(countries.set_geometry(countries.geometry.make_valid()), predicate=predicate)
    found = gpd.read_parquet(next(tmp_path.glob("call-*")) / output.files[0])
    assert list(zip(found["layer_fid"], found["ADM0_A3"], strict=True)) == sorted(zip(expected.index, expected["ADM0_A3"], strict=True))
    assert value(output, "count") == expected.index.nunique() > 150


def test_damages_find_their_land_use_by_values_alone_and_each_polygon_counts_once(tmp_path: Path, shared_data: Path) -> None:
    files = {"landuse": shared_data / "vectors/kampen_landuse.parquet", "damage": shared_data / "vectors/kampen_maxdam_osm.csv"}
    output = call("join", tmp_path, files, operation="attributes", layer="landuse", other="damage")
    expected = gpd.read_parquet(files["landuse"]).merge(pd.read_csv(files["damage"]), left_on="landuse", right_on="object_type", how="left")
    found = gpd.read_parquet(next(tmp_path.glob("call-*")) / output.files[0])
    assert (output.method["key"], output.method["other_key"], output.method["cardinality"]) == ("landuse", "object_type", "many-to-one")
    assert found["damage"].fillna(-1).tolist() == expected["damage"].fillna(-1).tolist()
    assert value(output, "features without a partner") == int(expected["damage"].isna().sum())


def test_built_up_ground_is_shared_out_to_squares_as_an_overlay_in_an_equal_area_system_does(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "vectors/kampen_landuse.parquet"
    ground = gpd.read_parquet(path)
    ground = ground.set_geometry(ground.geometry.make_valid()).assign(people=np.arange(len(ground)) % 17 + 1.0)
    ground.to_parquet(tmp_path / "ground.parquet")
    west, south, east, north = ground.total_bounds
    squares = [
        box(x, y, x + (east - west) / 3, y + (north - south) / 3)
        for x in np.linspace(west, east, 4)[:3]
        for y in np.linspace(south, north, 4)[:3]
    ]
    zones = gpd.GeoDataFrame({"name": [f"z{n}" for n in range(9)]}, geometry=squares, crs=ground.crs)
    zones.to_parquet(tmp_path / "zones.parquet")
    files = {"ground": tmp_path / "ground.parquet", "zones": tmp_path / "zones.parquet"}
    output = call(
        "join", tmp_path, files, operation="zones", layer="zones", other="ground", numbers=[{"column": "people", "aggregate": "sum"}]
    )
    moved = ground.to_crs("+proj=laea +lat_0=52.5 +lon_0=5.9").assign(whole=lambda frame: frame.area)
    pieces = gpd.overlay(moved, zones.to_crs(moved.crs), how="intersection", keep_geom_type=True)
    expected = (pieces["people"] * pieces.area / pieces["whole"]).groupby(pieces["name"]).sum()
    assert values(output, "sum of people", "zone") == pytest.approx({f"z{n}": expected.get(f"z{n}", 0.0) for n in range(9)}, rel=1e-4)
    assert sum(values(output, "sum of people", "zone").values()) == pytest.approx(ground["people"].sum(), rel=1e-6)
