"""Which column names the features: by its name and its values; better none than types or codes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tools.errors import ParameterError
from tools.storage.feature_names import name_column_of, words

TOWNS = ["Aldorf", "Bergen", "Cadiz", "Dover", "Essen"]
TYPES = ["wood", "water", "wood", "wood", "wood"]
CODES = ["A1", "B2", "C3", "D4", "E5"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"name": TOWNS}, "name"),
        ({"NAAM": TOWNS}, "NAAM"),
        ({"nombre": TOWNS}, "nombre"),
        ({"parkname": TOWNS}, "parkname"),
        ({"zoneName": TOWNS}, "zoneName"),
        ({"title": TOWNS}, "title"),
        ({"district": TOWNS}, "district"),
        ({"school_district": TOWNS}, "school_district"),
        ({"remarks": TOWNS}, None),  # says that it is something else
        ({"gebied_x": TOWNS}, "gebied_x"),  # says nothing, but the values look like names
        ({"gebied_x": [town.lower() for town in TOWNS]}, None),
        ({"gebied_x": TYPES}, None),
        ({"gebied_x": ["Built in 1931", "Sold 2020", "A", "Flooded twice", "Old"]}, None),
        ({"gebied_x": ["東京", "大阪", "京都", "神戸", "奈良"]}, "gebied_x"),  # a script without capitals
        ({"gebied_x": TOWNS, "canton": TOWNS}, "canton"),
        ({"name": [1, 2, 3, 4, 5]}, None),  # numbers name nothing
        ({"name": TYPES}, "name"),  # called just that: features of one name belong together
        ({"class_name": TYPES}, None),  # few distinct values: types
        ({"district": TYPES}, None),
        ({"name": ["x"] * 5}, None),  # one value for all
        ({"filename": TOWNS, "label": TOWNS}, "label"),
        ({"name_local": TOWNS, "name": TOWNS}, "name"),
        ({"label": TOWNS, "name_en": TOWNS}, "name_en"),
        ({"region_code": CODES}, None),
        ({"name": CODES, "label": TOWNS}, "label"),  # codes only where there is nothing better
        ({"name": CODES}, "name"),
        ({"economy": TYPES, "nom": TYPES}, "nom"),  # holds "nom", but is another word
        ({"name_a": TYPES, "name_b": TOWNS}, "name_b"),
    ],
)
def test_name_column_is_found(columns: dict[str, list[Any]], expected: str | None) -> None:
    assert name_column_of(pd.DataFrame(columns), None) == expected


def test_a_single_feature_may_have_a_name() -> None:
    assert name_column_of(pd.DataFrame({"unit_name": ["Old Park"]}), None) == "unit_name"


def test_missing_names_do_not_count_against_a_column() -> None:
    assert name_column_of(pd.DataFrame({"park_name": ["Old Park", "New Park", None, None, None]}), None) == "park_name"


def test_declared_column_wins_and_must_be_there() -> None:
    frame = pd.DataFrame({"name": TOWNS, "code": CODES})
    assert name_column_of(frame, "code") == "code"
    with pytest.raises(ParameterError, match="no column 'cod'"):
        name_column_of(frame, "cod")


@pytest.mark.parametrize(
    ("name", "expected"), [("zoneName", ("zone", "name")), ("ADM2_NAME", ("adm", "name")), ("næm-Ø", ("næm", "ø")), ("12", ())]
)
def test_column_names_split_into_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected
