"""Places by further names, in other scripts and spellings, and namesakes that are told apart; every layer may be the gazetteer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import pytest
import shapely

from tools.catalog.datasets import Datasets
from tools.catalog.find_place import FindPlaceParams
from tools.catalog.find_place import run as find_place
from tools.contract import ToolContext, ToolOutput
from tools.geo.names import best_matches
from tools.storage.feature_names import is_alternate, listed_names

if TYPE_CHECKING:
    from tools.workspace import Workspace

CITIES: dict[str, list[Any]] = {
    "name": ["Wien", "Košice", "Bolzano / Bozen", "Springfield", "Springfield"],
    "name:en": ["Vienna", None, None, None, None],
    "alt_name": ["Bécs; Beč;Vindobona", "Kassa;Kaschau", None, None, None],
    "state": ["Wien", "Košický kraj", "Südtirol", "Illinois", "Ohio"],
    "founded": [881, 1230, 1170, 1821, 1801],
}


@pytest.fixture
def cities(workspace: Workspace, tmp_path: Path) -> Datasets:
    datasets = Datasets(workspace)
    points = [shapely.Point(10 + number, 48) for number in range(len(CITIES["name"]))]
    geopandas.GeoDataFrame(CITIES, geometry=points, crs="EPSG:4326").to_file(tmp_path / "cities.gpkg")
    datasets.add(tmp_path / "cities.gpkg")
    return datasets


def find(datasets: Datasets, name: str) -> ToolOutput:
    return find_place(FindPlaceParams(name=name), ToolContext(Path("unused"), {}, catalog=datasets))


def only(output: ToolOutput) -> dict[str, Any]:
    (candidate,) = output.data["candidates"]
    return dict(candidate)


@pytest.mark.parametrize(
    ("asked", "column", "fid", "name"),
    [
        ("Vienna", "name:en", 0, "Wien"),
        ("Vindobona", "alt_name", 0, "Wien"),  # one of a list in a cell
        ("beč", "alt_name", 0, "Wien"),
        ("Kaschau", "alt_name", 1, "Košice"),
        ("kosice", "name", 1, None),
        ("Bozen", "name", 2, None),  # two names in the name column itself
    ],
)
def test_further_names_lead_to_the_feature(cities: Datasets, asked: str, column: str, fid: int, name: str | None) -> None:
    found = only(find(cities, asked))
    assert (found["column"], found["fid"], found["exactness"], found.get("name")) == (column, fid, "exact", name)
    assert found["value"] == CITIES[column][fid]  # as a filter must name it


def test_name_column_hides_other_columns_but_not_further_names_of_other_layers(cities: Datasets) -> None:
    assert only(find(cities, "wien"))["column"] == "name"  # not the state of the same name


def test_features_of_one_name_are_told_apart_by_what_differs(cities: Datasets) -> None:
    output = find(cities, "Springfield")
    found = only(output)
    assert found["features"] == 2
    assert [(one["fid"], one["state"], one["founded"], one["bbox"][0]) for one in found["namesakes"]] == [
        (3, "Illinois", 1821, 13),
        (4, "Ohio", 1801, 14),
    ]
    assert output.warnings == ("2 features of cities are named 'Springfield'; namesakes tells them apart.",)


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ("Muenchen", "München"), ("Munchen", "München"), ("Köln", "Koeln"), ("Aarhus", "Århus"), ("Orsted", "Ørsted"), ("Lodz", "Łódź"),
        ("Kyiv", "Київ"), ("Kharkiv", "Харків"), ("Moskva", "Москва"), ("Beograd", "Београд"), ("Athina", "Αθήνα"), ("Thira", "Θήρα"),
        ("Київ", "Kyiv"),
    ],
)  # fmt: skip
def test_spelling_and_script_do_not_matter(asked: str, value: str) -> None:
    assert best_matches(asked, ["Other", value]) == ("exact", (value,))


def test_names_that_only_look_alike_stay_apart() -> None:
    assert best_matches("Kola", ["Köla", "Koela"]) == ("exact", ("Köla",))
    assert best_matches("Minsk", ["Омск"])[0] is None


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("Wien; Vienna", ("Wien", "Vienna")),
        ("Wien|Vienna", ("Wien", "Vienna")),
        ('["Wien", "Vienna, AT"]', ("Wien", "Vienna, AT")),
        ("{Wien,Vienna}", ("Wien", "Vienna")),
        ("Paris, Texas", ()),  # a comma belongs to the name
    ],
)
def test_lists_of_names_in_a_cell_are_read(cell: str, names: tuple[str, ...]) -> None:
    assert listed_names(cell) == (cell, *names)


@pytest.mark.parametrize(
    ("column", "named", "expected"),
    [
        ("name:en", "name", True), ("alt_name", "name", True), ("int_name", "name", True), ("NAMEALT", "NAME", True), ("name_local", "name", True),
        ("aliases", "title", True), ("name", "name", False), ("owner_name", "name", False), ("county_name", "name", False),
        ("city_name_de", "city_name", True), ("filename", "name", False), ("street_name", "name", False), ("population", "name", False),
    ],
)  # fmt: skip
def test_columns_of_further_names_are_told_from_names_of_other_things(column: str, named: str, expected: bool) -> None:
    assert is_alternate(column, named) is expected
