"""Means of rates are those of the whole: weighted by their base where data or names tell it, refused where several may be."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely.geometry import Point, box

from tools.contract import ToolOutput
from tools.errors import ParameterError
from tools.registry import load
from tools.vector.rates import bases, is_rate
from vector_calls import call, value, values


def ask(folder: Path, columns: dict[str, list[object]], *, polygons: bool = False, **params: object) -> ToolOutput:
    """Query points, or squares of 1, 2, 3 … km², with these columns."""
    size = len(next(iter(columns.values())))
    shapes = [box(500_000, 5_000_000 + 2e3 * n, 501_000 * 1.0 + 1e3 * n, 5_001_000 + 2e3 * n) for n in range(size)]
    geometry = shapes if polygons else [Point(500_000 + n, 5_000_000) for n in range(size)]
    gpd.GeoDataFrame(columns, geometry=geometry, crs=32632).to_parquet(folder / "l.parquet")
    return call("query_vector", folder, {"l": folder / "l.parquet"}, layer="l", **params)


def mean_of(column: str | None = None, **more: str) -> list[dict[str, str]]:
    return [{"aggregate": "mean", **({"column": column} if column else {}), **more}]


TOWNS: dict[str, list[object]] = {"town": ["a", "b", "c"], "active_population": [1000, 1000, 98000], "jobless_share": [20.0, 20.0, 1.0]}


def test_a_rate_is_weighted_by_the_only_column_that_counts_people(tmp_path) -> None:
    output = ask(tmp_path, TOWNS, measures=mean_of("jobless_share"))
    assert value(output, "mean of jobless_share") == pytest.approx(1.38)
    assert output.method["weights"] == {"mean of jobless_share": "active_population"}
    assert "the mean of 'jobless_share' is weighted by 'active_population': a rate of the whole is a ratio of totals" in output.warnings


def test_the_plain_mean_is_there_when_it_is_asked_for(tmp_path) -> None:
    output = ask(tmp_path, TOWNS, measures=mean_of("jobless_share", weight="@none"))
    assert value(output, "mean of jobless_share") == pytest.approx(41 / 3)


def test_each_group_is_weighted_by_itself(tmp_path) -> None:
    output = ask(tmp_path, {**TOWNS, "part": ["x", "y", "y"]}, measures=mean_of("jobless_share"), group_by=["part"])
    assert values(output, "mean of jobless_share", "part") == {"x": 20.0, "y": pytest.approx((200 + 980) / 99_000 * 100)}


def test_several_bases_are_named_and_not_guessed(tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"'residents', 'households' may each be its base.*weight"):
        ask(tmp_path, {"residents": [10, 20], "households": [4, 9], "rate": [0.5, 0.1]}, measures=mean_of("rate"))
    given = ask(tmp_path, {"residents": [10, 30], "households": [4, 9], "rate": [0.5, 0.1]}, measures=mean_of("rate", weight="residents"))
    assert value(given, "mean of rate") == pytest.approx(0.2)


def test_the_data_show_which_of_several_is_the_base(tmp_path) -> None:
    people, active, jobless = np.array([900, 500, 700]), np.array([400, 210, 330]), np.array([40, 30, 11])
    columns = {
        "population": people.tolist(),
        "workforce": active.tolist(),
        "x": jobless.tolist(),
        "rate": (100 * jobless / active).round(2).tolist(),
    }
    output = ask(tmp_path, columns, measures=mean_of("rate"))
    assert value(output, "mean of rate") == pytest.approx(100 * jobless.sum() / active.sum(), abs=0.01)
    assert output.method["weights"] == {"mean of rate": "workforce"}


def test_a_rate_without_any_base_is_averaged_and_said_to_be_plain(tmp_path) -> None:
    output = ask(tmp_path, {"slope_pct": [1.0, 3.0], "height": [100, 900]}, measures=mean_of("slope_pct"))
    assert value(output, "mean of slope_pct") == 2.0
    assert any("plain mean of the features" in warning for warning in output.warnings)


def test_what_is_no_rate_is_averaged_as_it_is(tmp_path) -> None:
    output = ask(tmp_path, {"beds": [1, 3], "population": [10, 1000]}, measures=mean_of("beds"))
    assert (value(output, "mean of beds"), output.warnings) == (2.0, ())


def test_a_density_is_weighted_by_the_ground_it_was_divided_by(tmp_path) -> None:
    output = ask(tmp_path, {"density": [30.0, 60.0, 90.0], "population": [1, 1, 1]}, polygons=True, measures=mean_of("density"))
    assert value(output, "mean of density") == pytest.approx((30 * 1 + 60 * 2 + 90 * 3) / 6, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("unemployment_rate_pct", True), ("UnemploymentRate", True), ("Arbeitslosenquote", True), ("% over 65", True), ("tasa2020", True),
        ("gdp_per_head", True), ("avg_income", True), ("corporate", False), ("substrate", False), ("population", False), ("perimeter", False),
    ],
)  # fmt: skip
def test_rates_are_known_by_words_of_their_names(name: str, rate: bool) -> None:
    assert is_rate(name) is rate


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 10_000)), min_size=4, max_size=20, unique_by=lambda pair: pair[1] / pair[0]),
    st.sampled_from([1.0, 100.0, 1000.0]),
    st.integers(2, 6),
)
@settings(max_examples=20, deadline=None)
def test_a_base_is_found_whatever_it_is_called(pairs: list[tuple[int, int]], factor: float, digits: int) -> None:
    import pandas

    below, above = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    frame = pandas.DataFrame({"q": above, "z": below, "rate": (factor * above / below).round(digits)})
    assert "z" in bases(frame, "rate")


def test_a_column_may_be_left_out_where_only_one_fits(tmp_path) -> None:
    assert value(ask(tmp_path, TOWNS, measures=[{"aggregate": "sum"}]), "sum of active_population") == 100_000
    assert value(ask(tmp_path, TOWNS, measures=mean_of()), "mean of jobless_share") == pytest.approx(1.38)
    with pytest.raises(ParameterError, match="Several fit"):
        ask(tmp_path, {"a": [1], "b": [2]}, measures=[{"aggregate": "sum"}])
    with pytest.raises(ParameterError, match="None fits"):
        ask(tmp_path, {"name": ["x"]}, measures=[{"aggregate": "sum"}])


def test_a_weight_must_be_numbers_that_are_not_negative(tmp_path) -> None:
    with pytest.raises(ParameterError, match="below 0"):
        ask(tmp_path, {"v": [1, 2], "w": [-1, 2]}, measures=mean_of("v", weight="w"))
    with pytest.raises(ParameterError, match="no column 'ww'"):
        ask(tmp_path, {"v": [1, 2], "w": [1, 2]}, measures=mean_of("v", weight="ww"))
    with pytest.raises(ParameterError, match="does not hold numbers"):
        ask(tmp_path, {"v": [1, 2], "w": ["a", "b"]}, measures=mean_of("v", weight="w"))
    with pytest.raises(ValidationError, match="goes with mean only"):
        load("query_vector").params(layer="l", measures=[{"aggregate": "sum", "column": "v", "weight": "w"}])
