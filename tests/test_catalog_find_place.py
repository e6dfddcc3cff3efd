"""A name in the registered layers gives candidates with their extents, never a guess."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import pytest
import shapely

from tools.catalog.datasets import Datasets
from tools.catalog.find_place import FindPlaceParams
from tools.catalog.find_place import run as find_place
from tools.contract import Fact, Outcome, Source, ToolContext, ToolOutput

if TYPE_CHECKING:
    from conftest import MakeLayer
    from tools.workspace import Workspace

BOXES = [shapely.box(x, 0, x + 1, 1) for x in range(3)]


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def context(datasets: Datasets, **sources: Source) -> ToolContext:
    return ToolContext(Path("unused"), sources, catalog=datasets)


def towns(path: Path, names: list[str | None], *, column: str = "name", crs: str | None = "EPSG:4326") -> Path:
    points = [shapely.Point(10 + number, 50) for number in range(len(names))]
    geopandas.GeoDataFrame({column: names}, geometry=points, crs=crs).to_file(path, engine="pyogrio")
    return path


def found(output: ToolOutput) -> list[tuple[str, str, str, int, int, str]]:
    names = ("dataset", "column", "value", "fid", "features", "exactness")
    return [tuple(candidate[name] for name in names) for candidate in output.data["candidates"]]


def find(datasets: Datasets, name: str, **params: Any) -> ToolOutput:
    return find_place(FindPlaceParams(name=name, **params), context(datasets))


def test_one_candidate_comes_with_its_extent(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "towns.geojson", ["Łódź", "Warszawa", None]))
    output = find(datasets, "lodz")
    assert found(output) == [("towns", "name", "Łódź", 0, 1, "exact")]
    assert (output.facts, output.bbox, output.outcome) == ((Fact("count", 1, "count"),), (10, 50, 10, 50), Outcome.VALUE)


def test_several_places_of_one_name_are_all_candidates(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "a.geojson", ["Springfield", "Shelby"]))
    datasets.add(towns(tmp_path / "b.geojson", ["Shelby", "Springfield", "Springfield"]))
    output = find(datasets, "springfield")
    assert found(output) == [("a", "name", "Springfield", 0, 1, "exact"), ("b", "name", "Springfield", 1, 2, "exact")]
    assert output.data["candidates"][1]["bbox"] == [11, 50, 12, 50]
    assert (output.facts[0].value, output.bbox) == (2, None)


def test_exact_match_hides_longer_names(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "a.geojson", ["York", "New York", "Yorkton"]))
    assert [candidate[2] for candidate in found(find(datasets, "YORK"))] == ["York"]
    assert [candidate[2] for candidate in found(find(datasets, "yor"))] == ["York", "Yorkton"]


def test_name_column_hides_other_columns_of_its_layer(datasets: Datasets, make_layer: MakeLayer) -> None:
    datasets.add(
        make_layer(BOXES, columns={"name": ["Alpha", "Beta", "Gamma"], "owner": ["Alpha", "Alpha", "Gamma"], "note": ["x", "Beta", "y"]})
    )
    assert [candidate[1:3] for candidate in found(find(datasets, "alpha"))] == [("name", "Alpha")]


def test_same_feature_is_one_candidate(datasets: Datasets, make_layer: MakeLayer) -> None:
    datasets.add(make_layer(BOXES, columns={"remark": ["Alpha", "b", "c"], "note": ["Alpha", "b", "c"]}))
    assert len(found(find(datasets, "alpha"))) == 1


def test_nothing_found_is_a_count_of_zero_and_says_where_it_was_sought(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "a.geojson", ["York"]))
    output = find(datasets, "Atlantis")
    assert (found(output), output.facts, output.data["searched"]) == ([], (Fact("count", 0, "count"),), ["a"])
    assert output.summary == "No feature named 'Atlantis' was found; 1 layer searched."
    assert output.outcome is Outcome.VALUE


def test_search_can_be_narrowed_to_layers_also_results(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "a.geojson", ["York"]))
    result = Source("a:0123456789ab", "vector", towns(tmp_path / "r.gpkg", ["York"], column="place"), "xxh3:0", producer="0123456789ab")
    output = find_place(FindPlaceParams(name="york", layers=[result.ref]), context(datasets, **{result.ref: result}))
    assert found(output) == [(result.ref, "place", "York", 0, 1, "exact")]


def test_many_values_are_searched_in_the_file(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "a.geojson", [f"Place {number:03}" for number in range(100)]))
    assert found(find(datasets, "place 099")) == [("a", "name", "Place 099", 99, 1, "exact")]


def test_more_candidates_than_the_limit_are_counted_and_said(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "a.geojson", [f"Place {number:03}" for number in range(100)]))
    output = find(datasets, "place", limit=5)
    assert (len(found(output)), output.facts[0].value, output.warnings) == (5, 100, ("Only 5 of 100 candidates are shown.",))


def test_layer_without_crs_gives_candidates_without_extent(datasets: Datasets, tmp_path: Path) -> None:
    path = towns(tmp_path / "a.shp", ["York"])
    path.with_suffix(".prj").unlink()
    datasets.add(path)
    assert find(datasets, "york").data["candidates"][0]["bbox"] is None


def test_layer_that_vanished_is_a_warning(datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(towns(tmp_path / "a.geojson", ["York"]))
    datasets.add(towns(tmp_path / "b.geojson", ["York"]))
    (tmp_path / "b.geojson").unlink()
    output = find(datasets, "york")
    assert [candidate[0] for candidate in found(output)] == ["a"]
    assert "b was not searched" in output.warnings[0]
