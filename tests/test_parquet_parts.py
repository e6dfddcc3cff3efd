"""A part of a GeoParquet is what filtering the whole gives, and what cannot matter is never unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tools.contract import Source
from tools.errors import ParameterError
from tools.geotypes import EVERYTHING, Condition, Where
from tools.storage.conditions import matching
from tools.storage.vectors import read_features, read_layer

ROWS = 60


def source(path: Path) -> Source:
    return Source("", "vector", path, "")


def frame(seed: int) -> gpd.GeoDataFrame:
    """Return boxes in order of longitude, some without geometry, with columns of every kind, some of them with gaps."""
    draw = np.random.default_rng(seed)
    west, south = np.sort(draw.uniform(0, 10, ROWS)), draw.uniform(0, 10, ROWS)
    shapes = shapely.box(west, south, west + 0.5, south + 0.5)
    shapes[draw.random(ROWS) < 0.1] = None
    columns = {
        "n": np.where(draw.random(ROWS) < 0.2, None, draw.integers(0, 5, ROWS)),
        "kind": draw.choice(["Park", "park", "Lake", "Straße", None], ROWS),
        "name": [f"feature {number}" for number in range(ROWS)],
        "when": pd.to_datetime(draw.choice(["2020-01-01", "2021-06-01"], ROWS)),
    }
    made = gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)
    return made.astype({"n": "float64"})


CONDITIONS = st.sampled_from(
    [
        Condition(column="n", op="<", value=3),
        Condition(column="n", op="is null"),
        Condition(column="kind", op="=", value="PARK"),
        Condition(column="kind", op="not in", value=["lake", "strasse"]),
        Condition(column="kind", op="contains", value="a"),
        Condition(column="name", op="contains", value="7"),
        Condition(column="when", op=">=", value="2021"),
    ]
)
WHERE = st.builds(Where, conditions=st.lists(CONDITIONS, max_size=2), match=st.sampled_from(["all", "any"]))
CORNER = st.floats(-1, 11)
BOXES = st.none() | st.tuples(CORNER, CORNER, CORNER, CORNER).map(
    lambda four: (min(four[::2]), min(four[1::2]), max(four[::2]), max(four[1::2]))
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, bool], Path]:
    folder, written = tmp_path_factory.mktemp("parts"), {}
    for seed in range(3):
        for covered in (True, False):
            path = folder / f"{seed}-{covered}.parquet"
            frame(seed).to_parquet(path, write_covering_bbox=covered, schema_version="1.1.0", row_group_size=20, index=False)
            written[seed, covered] = path
    return written


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2), covered=st.booleans(), bbox=BOXES, where=WHERE, columns=st.none() | st.permutations(["n", "kind", "name"]))
def test_a_part_is_what_filtering_the_whole_gives(
    files: dict[tuple[int, bool], Path], seed: int, covered: bool, bbox: Any, where: Where, columns: list[str] | None
) -> None:
    path = files[seed, covered]
    whole = read_features(source(path))
    keep = matching(whole, where)
    if bbox is not None:
        left, bottom, right, top = whole.geometry.bounds.to_numpy().T
        keep &= (left <= bbox[2]) & (right >= bbox[0]) & (bottom <= bbox[3]) & (top >= bbox[1])
    expected = whole[keep] if columns is None else whole[keep][[*columns, "geometry"]]
    part = read_layer(source(path), bbox=bbox, where=where, columns=columns)
    assert_frame_equal(pd.DataFrame(part), pd.DataFrame(expected), check_dtype=False, check_index_type=False)
    assert part.crs == expected.crs


def test_row_groups_beside_the_box_are_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    frame(1).dropna(subset=["geometry"]).to_parquet(path, write_covering_bbox=True, schema_version="1.1.0", row_group_size=10, index=False)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)  # the first row groups are rubbish now
    path.write_bytes(content)
    assert len(read_layer(source(path), bbox=(9, 0, 11, 11)))
    with pytest.raises(ValueError, match="cannot be read"):
        read_layer(source(path), bbox=(0, 0, 1, 11))


@pytest.mark.parametrize(("where", "columns"), [(EVERYTHING, ["gone"]), (Where(conditions=[Condition(column="gone", op="is null")]), None)])
def test_unknown_columns_are_named(files: dict[tuple[int, bool], Path], where: Where, columns: list[str] | None) -> None:
    with pytest.raises(ParameterError, match="'gone'"):
        read_layer(source(files[0, True]), where=where, columns=columns)


def test_a_value_that_does_not_fit_is_told_also_where_nothing_is_near(files: dict[tuple[int, bool], Path]) -> None:
    where = Where(conditions=[Condition(column="n", op="<", value="many")])
    with pytest.raises(ParameterError, match="'many'"):
        read_layer(source(files[0, True]), where=where, bbox=(80, 80, 81, 81))
