"""Names compare as people write them, and ids and titles are made from file names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.catalog.naming import crs_name, free_id, humanised, slug
from tools.geo.names import best_matches, fold

PLACES = ["São Paulo", "Paulo Afonso", "Newcastle upon Tyne", "New York", "York", "Łódź", "Straßburg", "Saint-Étienne", "Ö", "New York"]


@pytest.mark.parametrize(
    ("name", "exactness", "values"),
    [
        ("sao paulo", "exact", ("São Paulo",)),
        ("LODZ", "exact", ("Łódź",)),
        ("Strassburg", "exact", ("Straßburg",)),
        ("saint etienne", "exact", ("Saint-Étienne",)),
        ("York", "exact", ("York",)),  # New York is another place
        ("new", "prefix", ("Newcastle upon Tyne", "New York")),
        ("paulo", "prefix", ("Paulo Afonso",)),
        ("upon", "contains", ("Newcastle upon Tyne",)),
        ("castle", "contains", ("Newcastle upon Tyne",)),
        ("Strasburg", "close", ("Straßburg",)),
        ("o", "exact", ("Ö",)),
        ("Atlantis", None, ()),
        ("ty", None, ()),  # two letters are part of almost every name
        ("...", None, ()),
    ],
)
def test_only_the_best_class_of_match_is_returned(name: str, exactness: str | None, values: tuple[str, ...]) -> None:
    assert best_matches(name, PLACES) == (exactness, values)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(min_size=1).filter(fold))
def test_every_name_is_exactly_itself(text: str) -> None:
    assert best_matches(text, ["something else entirely", text])[0] == "exact"


@pytest.mark.parametrize(
    ("stem", "identifier", "title"),
    [
        ("observed_event_first", "observed_event_first", "observed event first"),
        ("Flood Depth (m)", "flood_depth_m", "Flood Depth (m)"),
        ("Übersicht-2020", "ubersicht_2020", "Übersicht-2020"),
        ("كتلة", "كتلة", "كتلة"),
        ("---", "dataset", "---"),
    ],
)
def test_ids_and_titles_come_from_the_stem(stem: str, identifier: str, title: str) -> None:
    assert (slug(stem), humanised(stem)) == (identifier, title)


@given(st.text())
def test_ids_are_never_empty_and_stay_ids(text: str) -> None:
    assert slug(slug(text)) == slug(text) != ""


def test_taken_ids_are_numbered() -> None:
    assert free_id("a", []) == "a"
    assert free_id("a", ["a", "a_2"]) == "a_3"


def test_a_crs_without_code_is_called_by_its_name() -> None:
    from pyproj import CRS

    assert crs_name("EPSG:4326") == "EPSG:4326"
    assert crs_name(CRS("+proj=laea +lat_0=10 +datum=WGS84").to_wkt()) == "unknown"
