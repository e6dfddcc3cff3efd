"""Conditions on columns: text without case, nulls never, dates and codes as people write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tools.errors import ParameterError
from tools.geotypes import Condition, Where
from tools.storage.conditions import matching

FRAME = pd.DataFrame(
    {
        "name": ["Straße", "STRASSE", "Åre", None, "are"],
        "code": ["007", "7", "12", "x", None],
        "depth": [1.0, 2.0, np.nan, 4.0, 5.0],
        "floors": [1, 2, 3, 4, 5],
        "open": [True, False, True, False, True],
        "day": pd.to_datetime(["2020-01-01", "2020-06-01", None, "2021-01-01", "2022-01-01"]),
        "instant": pd.to_datetime(["2020-01-01T00:00Z", "2020-01-01T12:00Z", None, "2020-01-02T00:00Z", "2020-01-03T00:00Z"]),
    }
)


def rows(*conditions: tuple[str, str, Any], match: str = "all") -> list[int]:
    where = Where(conditions=[Condition(column=column, op=op, value=value) for column, op, value in conditions], match=match)
    return np.flatnonzero(matching(FRAME, where)).tolist()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("name", "=", "strasse"), [0, 1]),  # ß is ss without case
        (("name", "!=", "ÅRE"), [0, 1, 4]),  # a null is not unequal; accents count
        (("name", "in", ["åre", "are", "nowhere"]), [2, 4]),
        (("name", "not in", ["åre"]), [0, 1, 4]),
        (("name", "contains", "RE"), [2, 4]),
        (("name", "is null", None), [3]),
        (("name", "is not null", None), [0, 1, 2, 4]),
        (("name", "<", "b"), [4]),  # text is ordered as text
        (("code", "=", "007"), [0]),
        (("code", "=", 7), [1]),  # a number is compared with text as it is written
        (("code", "=", 7.0), [1]),
        (("code", "in", [12, "X"]), [2, 3]),
        (("code", "contains", "7"), [0, 1]),
        (("depth", ">=", 2), [1, 3, 4]),
        (("depth", "<", 2), [0]),
        (("depth", "!=", 4), [0, 1, 4]),
        (("depth", "not in", [1, 2]), [3, 4]),
        (("depth", "is null", None), [2]),
        (("floors", "=", "3"), [2]),  # text that is a number
        (("floors", ">", 2.5), [2, 3, 4]),
        (("open", "=", True), [0, 2, 4]),
        (("open", "=", "No"), [1, 3]),
        (("open", "in", [False]), [1, 3]),
        (("day", ">=", "2020-06-01"), [1, 3, 4]),
        (("day", "=", "2021-01-01"), [3]),
        (("instant", "<", "2020-01-01T12:00:01Z"), [0, 1]),
        (("instant", ">", "2020-01-01T13:00+01:00"), [3, 4]),
        (("instant", ">=", "2020-01-02"), [3, 4]),  # without a zone, that of the column
    ],
)
def test_condition_keeps_the_rows_it_says(condition: tuple[str, str, Any], expected: list[int]) -> None:
    assert rows(condition) == expected


def test_all_and_any_combine() -> None:
    both = ("floors", ">", 1), ("open", "=", True)
    assert rows(*both) == [2, 4]
    assert rows(*both, match="any") == [0, 1, 2, 3, 4]
    assert rows() == [0, 1, 2, 3, 4]
    assert rows(match="any") == [0, 1, 2, 3, 4]


def test_unknown_column_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"no column 'Dept'\. Nearest: depth"):
        rows(("Dept", "=", 1))
    with pytest.raises(ParameterError, match="The columns are: name, code"):
        rows(("zzz", "=", 1))


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        (("depth", ">", "deep"), "numeric"),
        (("name", ">", 3), "text"),
        (("open", "=", "perhaps"), "boolean"),
        (("day", "<", "soon"), "a date"),
    ],
)
def test_value_that_does_not_fit_the_column_is_refused(condition: tuple[str, str, Any], kind: str) -> None:
    with pytest.raises(ParameterError, match=f"the column is {kind}"):
        rows(condition)


def test_empty_table_keeps_nothing() -> None:
    where = Where(conditions=[Condition(column="name", op="=", value="a")])
    assert matching(FRAME.iloc[:0], where).tolist() == []
