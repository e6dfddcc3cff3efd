"""Scenes of real catalogues: a real API server on this machine, and files; the answers counted apart from the tool."""

# ruff: noqa: F811 - fixtures that are imported
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from stac_server import api_35mnm, loopback_allowed, serve_stac  # noqa: F401 - fixtures
from tools.catalog.search_stac import SearchStacParams
from tools.catalog.search_stac import run as search_stac
from tools.contract import Outcome, Source, ToolContext, ToolOutput
from tools.errors import ParameterError

pytestmark = pytest.mark.realdata
Search = Callable[..., ToolOutput]


@pytest.fixture
def search(tmp_path: Path, loopback_allowed: None) -> Search:
    """Return the tool as a function: an address or file of a catalogue, and parameters."""

    def call(where: str | Path, area: Path | None = None, /, **params: Any) -> ToolOutput:
        remote = isinstance(where, str)
        sources = {"c": Source("c", "catalogue", Path() if remote else Path(where), "d", url=str(where) if remote else None)}
        if area is not None:
            sources["area"] = Source("area", "vector", area, "d")
            params["area"] = "area"
        return search_stac(SearchStacParams(catalogue="c", **params), ToolContext(tmp_path, sources))

    return call


def listed(output: ToolOutput) -> list[str]:
    return [scene["id"] for scene in output.data["scenes"]]


def features(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = content["features"] if isinstance(content, dict) else content
    return found


def count(output: ToolOutput) -> float:
    return next(fact.value for fact in output.facts if fact.name == "count" and not fact.subject)


def test_the_five_clear_scenes_of_a_tile_in_july_are_found_through_a_real_api(api_35mnm: str, shared_data: Path, search: Search) -> None:
    items = features(shared_data / "stac" / "s2_35MNM_2020_jun_jul.geojson")
    wanted = [
        item["id"]
        for item in sorted(items, key=lambda item: item["properties"]["datetime"], reverse=True)
        if item["properties"]["datetime"].startswith("2020-07") and item["properties"]["eo:cloud_cover"] < 10
    ]
    assert len(wanted) == 5
    output = search(api_35mnm, collections=["sentinel-2-l2a"], tile="35MNM", time="2020-07", cloud_below=10)
    assert listed(output) == wanted
    assert (output.outcome, count(output)) == (Outcome.VALUE, 5)
    clouds = {fact.subject["scene"]: fact.value for fact in output.facts if fact.name == "cloud_cover"}
    assert clouds == {item["id"]: item["properties"]["eo:cloud_cover"] for item in items if item["id"] in wanted}
    assert {"tile", "cloud_below", "sort"} <= set(output.data["filters_applied_here"])


@pytest.mark.parametrize(
    ("asked", "keeps"),
    [
        ({}, lambda p: True),
        ({"cloud_below": 1}, lambda p: p["eo:cloud_cover"] < 1),
        ({"time": "2020-06-06/2020-06-26"}, lambda p: "2020-06-06" <= p["datetime"][:10] <= "2020-06-26"),
        ({"time": "2020-07-11"}, lambda p: p["datetime"][:10] == "2020-07-11"),
        ({"time": "../2020-06-11"}, lambda p: p["datetime"][:10] <= "2020-06-11"),
        ({"time": "2020-07-11T08:06:11.024Z/.."}, lambda p: p["datetime"] >= "2020-07-11"),
        ({"where": {"conditions": [{"column": "platform", "op": "=", "value": "sentinel-2a"}]}}, lambda p: p["platform"] == "Sentinel-2A"),
        ({"where": {"conditions": [{"column": "s2:water_percentage", "op": ">=", "value": 1.4}]}}, lambda p: p["s2:water_percentage"] >= 1.4),
        ({"bbox": (27.1, -8.1, 27.2, -8.0)}, lambda p: True),
        ({"bbox": (26.0, -8.1, 26.9, -8.0)}, lambda p: False),
        ({"bbox": (-180.0, -90.0, 180.0, 90.0)}, lambda p: True),
        ({"bbox": (170.0, -90.0, 27.2, 90.0)}, lambda p: True),
        ({"tile": "35MPM"}, lambda p: False),
    ],
)  # fmt: skip
def test_api_and_file_give_what_arithmetic_gives(
    asked: dict[str, Any],
    keeps: Callable[[dict[str, Any]], bool],
    api_35mnm: str,
    shared_data: Path,
    search: Search,
) -> None:
    file = shared_data / "stac" / "s2_35MNM_2020_jun_jul.geojson"
    wanted = {item["id"] for item in features(file) if keeps(item["properties"])}
    by_api, by_file = search(api_35mnm, **asked), search(file, **asked)
    assert set(listed(by_api)) == set(listed(by_file)) == wanted
    assert listed(by_api) == listed(by_file)


def test_scenes_are_ordered_and_cut_but_all_are_counted(api_35mnm: str, shared_data: Path, search: Search) -> None:
    items = features(shared_data / "stac" / "s2_35MNM_2020_jun_jul.geojson")
    clearest = [item["id"] for item in sorted(items, key=lambda item: item["properties"]["eo:cloud_cover"])]
    output = search(api_35mnm, sort="cloud", limit=3)
    assert listed(output) == clearest[:3]
    assert (count(output), output.data["returned"]) == (13, 3)
    assert any("Only 3 of 13 scenes are listed" in said for said in output.warnings)
    assert listed(search(api_35mnm, sort="-cloud")) == clearest[::-1]


def test_nothing_found_is_a_zero_only_where_the_catalogue_covers_place_and_time(api_35mnm: str, search: Search) -> None:
    empty = search(api_35mnm, collections=["sentinel-2-l2a"], time="2020-08", bbox=(27.0, -8.0, 27.5, -7.5))
    assert (empty.outcome, count(empty)) == (Outcome.TRUE_ZERO, 0)
    before = search(api_35mnm, collections=["sentinel-2-l2a"], time="2010")
    assert (before.outcome, before.facts) == (Outcome.NO_COVERAGE, ())


def test_an_area_keeps_scenes_that_touch_its_features_not_its_box(api_35mnm: str, tmp_path: Path, search: Search) -> None:
    import geopandas

    # An L around the tile: its box covers the tile, its arms do not.
    arms = [shapely.box(26.0, -9.0, 26.5, -6.0), shapely.box(26.0, -9.0, 29.0, -8.5)]
    frame = geopandas.GeoDataFrame(
        {"name": ["outside", "inside"]}, geometry=[shapely.union_all(arms), shapely.box(27.2, -8.0, 27.4, -7.8)], crs="EPSG:4326"
    )
    frame.to_crs("EPSG:32735").to_file(tmp_path / "area.gpkg")
    where = {"conditions": [{"column": "name", "op": "=", "value": "outside"}]}
    assert listed(search(api_35mnm, tmp_path / "area.gpkg", area_where=where)) == []
    assert len(listed(search(api_35mnm, tmp_path / "area.gpkg"))) == 13


def test_an_unknown_collection_or_property_names_the_nearest(api_35mnm: str, shared_data: Path, search: Search) -> None:
    for where in (api_35mnm, shared_data / "stac" / "s2_35MNM_2020_jun_jul.geojson"):
        with pytest.raises(ParameterError, match=r"no collection 'sentinel-2-l1c'.*sentinel-2-l2a"):
            search(where, collections=["sentinel-2-l1c"])
        with pytest.raises(ParameterError, match="eo:cloud_cover"):
            search(where, where={"conditions": [{"column": "eo:cloudcover", "op": "<", "value": 5}]})


def test_the_stored_items_are_whole_and_the_same_each_time(api_35mnm: str, tmp_path: Path, search: Search) -> None:
    search(api_35mnm, time="2020-07")
    first = (tmp_path / "items.json").read_bytes()
    search(api_35mnm, time="2020-07")
    assert (tmp_path / "items.json").read_bytes() == first
    stored = json.loads(first)["features"]
    assert stored[0]["assets"]["B04"]["href"].startswith("https://sentinel2l2a01.blob.core.windows.net/")
    assert search(api_35mnm, time="2020-07").data["assets"]["sentinel-2-l2a"][:5] == [
        "AOT",
        "B01=coastal",
        "B02=blue",
        "B03=green",
        "B04=red",
    ]


# places


def places(shared_data: Path, name: str) -> dict[str, shapely.Geometry]:
    """Return the outline of each item with all longitudes in 0 … 360, where these tiles do not reach the seam."""
    return {
        item["id"]: shapely.transform(shapely.geometry.shape(item["geometry"]), lambda xy: np.column_stack([xy[:, 0] % 360, xy[:, 1]]))
        for item in features(shared_data / "stac" / name)
    }


def test_a_box_around_the_earth_does_not_place_a_scene_everywhere(shared_data: Path, search: Search) -> None:
    file = shared_data / "stac" / "pc_io-lulc-annual-v02.json"
    assert all(item["bbox"][0] == -180 and item["bbox"][2] == 180 for item in features(file))
    assert listed(search(file, bbox=(-10.0, 0.0, 10.0, 80.0))) == []
    assert listed(search(file, bbox=(175.0, 5.0, 176.0, 6.0))) == ["60N-2023"]
    assert listed(search(file, bbox=(-180.0, 64.5, -179.5, 71.0))) == ["60W-2023"]


def test_a_box_across_the_antimeridian_finds_both_sides(shared_data: Path, search: Search) -> None:
    file = shared_data / "stac" / "pc_cop-dem-glo-30.json"
    query = shapely.box(179.9995, -90, 181.5, -88)  # in longitudes of 0 … 360
    outlines = places(shared_data, "pc_cop-dem-glo-30.json")
    wanted = {name for name, outline in outlines.items() if outline.intersects(query)}
    assert len(wanted) == 2
    assert set(listed(search(file, bbox=(179.9995, -90.0, -178.5, -88.0)))) == wanted
    # The first of them reaches 0.0014 degrees beyond 180.
    assert listed(search(file, bbox=(179.0, -90.0, 179.999, -88.0))) == ["Copernicus_DSM_COG_10_S90_00_W180_00_DEM"]


def test_a_scene_of_a_year_is_found_by_any_time_in_it(shared_data: Path, search: Search) -> None:
    file = shared_data / "stac" / "pc_io-lulc-annual-v02.json"
    assert all(item["properties"]["datetime"] is None for item in features(file))
    assert len(listed(search(file, time="2023-05"))) == len(listed(search(file, time="2023"))) == 4
    assert listed(search(file, time="2022")) == []
    assert search(file).data["scenes"][0]["time"] == "2023-01-01T00:00:00Z/2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("name", "collection", "number"),
    [
        ("pc_naip.json", "naip", 4),
        ("pc_landsat-c2-l2.json", "landsat-c2-l2", 4),
        ("pc_sentinel-1-rtc.json", "sentinel-1-rtc", 4),  # times with a blank instead of T
        ("pc_sentinel-2-l2a.json", "sentinel-2-l2a", 4),
        ("S2A_29RKH_20200219_0_L2A.json", "sentinel-2-l2a", 1),
        ("LE07_L2SP_044033_20210329.json", None, 1),
        ("pc_naip.parquet", "naip", 5),  # stac-geoparquet
        ("ga_ls8c_ard_3.json", None, 1),  # STAC 1.0.0-beta.2
    ],
)  # fmt: skip
def test_files_of_items_are_catalogues(name: str, collection: str | None, number: int, shared_data: Path, search: Search) -> None:
    asked = {} if collection is None else {"collections": [collection]}
    output = search(shared_data / "stac" / name, **asked)
    assert (count(output), output.data["skipped"]) == (number, 0)


def test_scenes_without_cloud_cover_never_pass_a_limit_and_are_counted(shared_data: Path, search: Search) -> None:
    output = search(shared_data / "stac" / "pc_naip.json", cloud_below=50)
    assert (output.outcome, count(output)) == (Outcome.TRUE_ZERO, 0)
    assert any("4 scenes that fit otherwise state no cloud cover" in said for said in output.warnings)


def test_a_tile_is_known_however_a_catalogue_writes_it(shared_data: Path, search: Search) -> None:
    assert len(listed(search(shared_data / "stac" / "S2A_29RKH_20200219_0_L2A.json", tile="T29rkh"))) == 1
    assert len(listed(search(shared_data / "stac" / "pc_sentinel-2-l2a.json", tile="46XES"))) == 1
