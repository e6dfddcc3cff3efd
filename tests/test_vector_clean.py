"""clean: each step on what it must mend and on what it must leave; all changes reported; cleaning twice is cleaning once."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from tools.contract import Outcome, Source
from tools.errors import DataError, ParameterError
from tools.storage.vectors import read_layer
from tools.vector.clean import CleanParams
from tools.vector.cleaning import clean, fit_to_clean
from tools.vector.text_numbers import as_numbers
from vector_calls import call, fact, value

BOWTIE = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
FLAT = Polygon([(0, 0), (1, 1), (2, 2)])


def cleaned(folder, path, *steps, **params):
    output = call("clean", folder, {"a": path}, layer="a", steps=list(steps), **params)
    number = len(list(folder.glob("call-*"))) - 1
    return output, read_layer(Source("c", "vector", folder / f"call-{number}" / output.files[0], "xxh3:0"))


def texts(column, decimal=None, chosen=True):
    return as_numbers(pd.Series(column, name="amount", dtype="str"), decimal, chosen=chosen)


# Geometry -------------------------------------------------------------------------------------------------------------


def test_features_without_geometry_go_and_are_named(tmp_path, make_layer):
    path = make_layer([Point(0, 0), None, Point()], columns={"name": ["a", "b", "c"]}, name="points.parquet")
    output, frame = cleaned(tmp_path, path, "missing_geometry")
    assert frame.name.tolist() == ["a"]
    assert value(output, "removed", step="missing_geometry") == 2
    assert [change["fid"] for change in output.data["changes"]["missing_geometry"]] == [1, 2]


def test_invalid_rings_are_repaired_alone_and_what_encloses_nothing_goes(tmp_path, make_layer):
    good = Polygon([(5, 5), (5, 6), (6, 6), (6, 5)])
    output, frame = cleaned(tmp_path, make_layer([good, BOWTIE, FLAT], name="a.parquet"), "invalid_geometry")
    assert frame.geometry.is_valid.all()
    assert shapely.equals_exact(frame.geometry[0], good, 0)
    assert (value(output, "changed", step="invalid_geometry"), value(output, "removed", step="invalid_geometry")) == (1, 1)
    assert output.data["changes"]["invalid_geometry"][0]["what"] == "Self-intersection"


def test_a_layer_in_which_nothing_is_wrong_comes_back_as_it_is(tmp_path, make_layer):
    path = make_layer([box(0, 0, 1, 1, ccw=True), box(2, 2, 3, 3)], columns={"name": [" a ", "N/A"]}, name="a.parquet")
    output = call("clean", tmp_path, {"a": path}, layer="a")
    assert output.summary.endswith("Nothing had to be changed.")
    before, after = (gpd.read_parquet(one) for one in (path, tmp_path / "call-0" / output.files[0]))
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(after))


def test_rings_are_wound_by_the_right_hand_rule_and_nothing_else_moves(tmp_path, make_layer):
    wrong = Polygon(box(0, 0, 9, 9, ccw=False).exterior, [box(1, 1, 2, 2, ccw=True).exterior])
    output, frame = cleaned(tmp_path, make_layer([wrong, box(0, 0, 1, 1)], name="a.parquet"), "winding")
    turned = frame.geometry[0]
    assert turned.exterior.is_ccw
    assert not turned.interiors[0].is_ccw
    assert turned.equals(wrong)
    assert value(output, "changed", step="winding") == 1


def test_duplicates_by_all_columns_by_some_or_by_geometry_alone(tmp_path, make_layer):
    square, same = box(0, 0, 1, 1), Polygon([(1, 1), (0, 1), (0, 0), (1, 0)])
    path = make_layer([square, same, square, Point(0, 0)], columns={"kind": ["a", "a", "b", "a"], "no": [1, 1, 1, 1]}, name="a.parquet")
    for columns, left in ((None, [0, 2, 3]), (["no"], [0, 3]), ([], [0, 3])):
        output, frame = cleaned(tmp_path, path, "duplicates", duplicate_columns=columns)
        assert len(frame) == len(left)
        assert value(output, "removed", step="duplicates") == 4 - len(left)
    assert output.data["changes"]["duplicates"][0] == {"fid": 1, "what": "repeats feature 0"}


def test_slivers_go_by_area_or_by_mean_width(tmp_path, make_layer):
    shapes = [box(0, 0, 100, 100), box(200, 0, 1200, 0.5), MultiPolygon([box(0, 200, 50, 250), box(60, 200, 60.5, 300)])]
    path = make_layer([shapely.affinity.translate(each, 500_000, 5_000_000) for each in shapes], crs="EPSG:32632", name="a.parquet")
    output, frame = cleaned(tmp_path, path, "slivers", min_width_m=1)
    assert len(frame) == 2
    assert frame.geometry[1].area == pytest.approx(2_500)
    assert value(output, "removed", step="slivers") == 1
    assert value(output, "changed", step="slivers") == 1
    assert value(output, "area", step="slivers", of="slivers") == pytest.approx(550 / 0.9996**2, rel=1e-6)
    assert len(cleaned(tmp_path, path, "slivers", min_area_m2=3_000)[1]) == 1


def test_mixed_kinds_are_told_apart_row_by_row_or_one_kind_is_kept(tmp_path, make_layer):
    collection = GeometryCollection([box(0, 0, 1, 1), Point(5, 5), LineString([(0, 0), (2, 2)])])
    path = make_layer([Point(1, 1), collection], columns={"name": ["p", "c"]}, name="a.parquet")
    output, frame = cleaned(tmp_path, path, "mixed_geometry")
    assert list(zip(frame.name, frame.geometry_kind, strict=True)) == [("p", "point"), ("c", "point"), ("c", "line"), ("c", "polygon")]
    assert value(output, "added", step="mixed_geometry") == 2
    assert output.summary == "2 features before, 4 after. 4 features got their kind in a column, 2 came from splitting collections."
    output, frame = cleaned(tmp_path, path, "mixed_geometry", keep_kind="line")
    assert frame.geometry.tolist() == [LineString([(0, 0), (2, 2)])]
    assert value(output, "removed", step="mixed_geometry") == 1


# Values ---------------------------------------------------------------------------------------------------------------


def test_text_is_tidied_and_words_for_nothing_become_null_but_not_namibia(tmp_path, make_layer):
    names = ["  Rio\u00a0 Grande ", "n/a", "-", "NA", "null", "Cafe\u0301", "ok"]
    path = make_layer([Point(i, 0) for i in range(7)], columns={"name": names}, name="a.parquet")
    output, frame = cleaned(tmp_path, path, "text")
    assert [None if pd.isna(one) else one for one in frame.name] == ["Rio Grande", None, None, "NA", None, "Caf\u00e9", "ok"]
    assert value(output, "changed", step="text", column="name") == 5
    assert output.data["changes"]["text"][1] == {"fid": 1, "what": "no value", "column": "name", "before": "n/a", "after": None}


def test_values_that_differ_in_case_get_their_most_frequent_spelling(tmp_path, make_layer):
    path = make_layer([Point(i, 0) for i in range(4)], columns={"kind": ["River", "RIVER", "River", "lake"]}, name="a.parquet")
    assert cleaned(tmp_path, path, "text", case="unify")[1].kind.tolist() == ["River", "River", "River", "lake"]


NUMBERS = [
    pytest.param(["1.234,5", "7"], [1234.5, 7], id="comma by a cell with both marks"),
    pytest.param(["1,234.5", "1,000"], [1234.5, 1000], id="point by a cell with both marks"),
    pytest.param(["12,5", "1.000"], [12.5, 1000], id="one cell settles the column"),
    pytest.param(["1 234", "5\u202f678"], [1234, 5678], id="spaces between thousands"),
    pytest.param(["1'234.50", "3"], [1234.5, 3], id="apostrophes"),
    pytest.param(["\u22125", "+3", "1e3"], [-5, 3, 1000], id="signs and powers"),
    pytest.param(["0.125", "0.250"], [0.125, 0.25], id="nought before the mark is no thousand"),
]


@pytest.mark.parametrize(("cells", "numbers"), NUMBERS)
def test_text_numbers_are_read_where_all_cells_agree_on_one_way(cells, numbers):
    column, changes, left = texts(cells)
    assert column.tolist() == numbers
    assert len(changes) == len(cells)
    assert left == ()


LEFT = [
    pytest.param(["1.234", "5.678"], "may be", id="thousands or decimals"),
    pytest.param(["1,234"], "may be", id="one number, two readings"),
    pytest.param(["1.5", "1,5"], "both kinds", id="marks of both kinds"),
    pytest.param(["1", "2", "ca. 3"], "no numbers", id="one cell is no number"),
    pytest.param(["007", "8", "9"], "no numbers", id="leading zeros are codes"),
    pytest.param(["12345678901234567"], "more than 15 digits", id="identifier"),
]


@pytest.mark.parametrize(("cells", "reason"), LEFT)
def test_what_can_be_read_two_ways_or_not_at_all_stays_text_and_is_told(cells, reason):
    column, changes, left = texts(cells)
    assert column.tolist() == cells
    assert changes == ()
    assert reason in left[0]


def test_the_decimal_mark_settles_what_is_open():
    assert texts(["1.234", "5.678"], ",")[0].tolist() == [1234, 5678]
    assert texts(["1.234", "5.678"], ".")[0].tolist() == [1.234, 5.678]


def test_identifiers_stay_text_unless_their_column_is_named(tmp_path, make_layer):
    path = make_layer([Point(0, 0)], columns={"post_code": ["10115"], "height": ["12.5"], "name": ["x"]}, name="a.parquet")
    output, frame = cleaned(tmp_path, path, "numbers")
    assert (frame.post_code[0], frame.height[0]) == ("10115", 12.5)
    assert any("identifiers" in said for said in output.warnings)
    assert cleaned(tmp_path, path, "numbers", columns=["post_code"])[1].post_code[0] == 10115


@settings(max_examples=20)
@given(st.lists(st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False), min_size=1, max_size=20), st.booleans())
def test_written_numbers_come_back_or_stay_text(numbers, german):
    cells = [f"{number:,.2f}" for number in numbers]
    if german:
        cells = [cell.translate(str.maketrans(",.", ".,")) for cell in cells]
    column, changes, _ = texts(cells)
    assert len(changes) == len(cells)
    assert column.tolist() == pytest.approx([float(number) for number in numbers])


def test_a_table_without_geometry_is_cleaned_too(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("name;people;share\n Ayr ;1.234.567;n/a\nAyr;1.234.567;n/a\nBute;7;12\n")
    output = call("clean", tmp_path, {"a": path}, layer="a", steps=["text", "duplicates", "numbers"])
    table = pd.read_parquet(tmp_path / "call-0" / output.files[0])
    assert output.kind == "table"
    assert table.people.tolist() == [1_234_567, 7]
    assert table.share.tolist()[1] == 12
    assert value(output, "removed", step="duplicates") == 1
    with pytest.raises(ParameterError, match="no geometry"):
        call("clean", tmp_path, {"a": path}, layer="a", steps=["winding"])


# What holds for every layer -------------------------------------------------------------------------------------------

CELLS = st.sampled_from(["a", " a", "A", "n/a", "-", "", "1", "1,5", "1.5", "1.234", "007", None])
SHAPES = st.sampled_from(
    [None, Point(), Point(1, 1), BOWTIE, FLAT, box(0, 0, 1, 1), box(0, 0, 1, 1, ccw=False), box(0, 0, 5, 0.00001),
     GeometryCollection([Point(0, 0), box(0, 0, 1, 1)]), LineString([(0, 0), (1, 1)])]
)  # fmt: skip
ROWS = st.lists(st.tuples(SHAPES, CELLS, CELLS), min_size=1, max_size=12)
STEPS = st.lists(
    st.sampled_from(["missing_geometry", "invalid_geometry", "mixed_geometry", "slivers", "winding", "text", "duplicates", "numbers"]),
    min_size=1,
    unique=True,
)


def layer_of(rows):
    columns = {"kind": pd.Series([row[1] for row in rows], dtype="str"), "size": pd.Series([row[2] for row in rows], dtype="str")}
    return gpd.GeoDataFrame(columns, geometry=[row[0] for row in rows], crs=4326).rename_axis("fid")


CASES = st.tuples(ROWS, STEPS, st.sampled_from([None, []]), st.sampled_from([None, "unify"]))


@settings(max_examples=25)
@given(CASES)
def test_cleaning_twice_is_cleaning_once_and_every_change_is_reported(case):
    check_cleaning(*case)


@pytest.mark.heavy
@settings(max_examples=500)
@given(CASES)
def test_cleaning_thousands_of_layers_twice_is_cleaning_them_once(case):
    check_cleaning(*case)


def check_cleaning(rows, steps, columns, case):
    options = {"min_width_m": 10} if "slivers" in steps else {}
    options |= {"duplicate_columns": columns} if "duplicates" in steps else {}
    options |= {"case": case} if "text" in steps else {}
    params = CleanParams(layer="a", steps=steps, **options)
    before = layer_of(rows)
    in_order = fit_to_clean(params, before, "a")
    once = clean(params, in_order, before)
    twice = clean(params, in_order, once.frame.reset_index(drop=True))
    assert all(done.is_nothing for done in twice.done)
    assert len(once.frame) == len(before) - sum(len(done.removed) - done.added for done in once.done)
    if any(done.added for done in once.done):
        return
    changed = {change.fid for done in once.done for change in done.changed}
    removed = {change.fid for done in once.done for change in done.removed}
    assert removed.isdisjoint(once.frame.index)
    assert removed | set(once.frame.index) == set(before.index)
    for fid in set(once.frame.index) - changed:
        assert row_of(once.frame, fid) == row_of(before, fid)


def row_of(frame, fid):
    row = frame.loc[fid]
    return [None if pd.isna(row[name]) else row[name] for name in ("kind", "size")] + [shapely.to_wkb(row.geometry)]


def test_an_unknown_column_and_a_layer_without_features_are_refused(tmp_path, make_layer, shared_data):
    path = make_layer([Point(0, 0)], columns={"name": ["a"]}, name="a.parquet")
    with pytest.raises(ParameterError, match="no column"):
        cleaned(tmp_path, path, "duplicates", duplicate_columns=["nmae"])
    with pytest.raises(DataError, match="no features"):
        cleaned(tmp_path, shared_data / "awkward/empty_collection.geojson", "winding")


def test_a_layer_of_which_nothing_is_left_has_no_file(tmp_path, make_layer):
    output = call("clean", tmp_path, {"a": make_layer([FLAT], name="a.parquet")}, layer="a")
    assert output.outcome is Outcome.TRUE_ZERO
    assert output.files == ()
    assert fact(output, "features after").value == 0


# Real data ------------------------------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_the_legacy_parcels_of_cairo_lose_duplicates_and_slivers_and_nothing_else(tmp_path, shared_data):
    path = shared_data / "awkward/cairo_parcels_invalid_dup.geojson"
    raw = gpd.read_file(path)
    oracle = raw.set_geometry(raw.make_valid(method="structure", keep_collapsed=False).normalize())
    distinct = oracle[~oracle.geometry.to_wkb().duplicated()]
    output, frame = cleaned(tmp_path, path, "invalid_geometry", "duplicates", "slivers", duplicate_columns=[], min_area_m2=1.0)
    assert value(output, "changed", step="invalid_geometry") == 20
    assert value(output, "removed", step="slivers") + value(output, "removed", step="duplicates") == len(raw) - len(frame)
    assert sorted(frame.parcel_id) == sorted(distinct[distinct.area >= 1].parcel_id)


@pytest.mark.realdata
def test_the_waterways_of_cape_town_without_geometry_go(tmp_path, shared_data):
    output, frame = cleaned(tmp_path, shared_data / "awkward/capetown_waterways_null_geometry.geojson", "missing_geometry")
    assert (len(frame), value(output, "removed", step="missing_geometry")) == (85, 15)


@pytest.mark.realdata
def test_the_buildings_of_tokyo_are_wound_right(tmp_path, shared_data):
    output, frame = cleaned(tmp_path, shared_data / "awkward/tokyo_ring_orientation.geojson", "winding", "text")
    assert value(output, "changed", step="winding") == 100
    assert all(shape.exterior.is_ccw and not any(hole.is_ccw for hole in shape.interiors) for shape in frame.geometry)
    assert frame.building_class.isna().sum() == 90


@pytest.mark.realdata
def test_the_flood_of_padova_becomes_valid_and_keeps_its_features(tmp_path, shared_data):
    output, frame = cleaned(tmp_path, shared_data / "awkward/padova_invalid/observed_event.shp", "invalid_geometry")
    assert value(output, "changed", step="invalid_geometry") == 49
    assert len(frame) == 626
    assert frame.geometry.is_valid.all()


@pytest.mark.realdata
def test_the_sites_of_cairo_are_split_by_kind(tmp_path, shared_data):
    path = shared_data / "awkward/cairo_mixed_geometry.geojson"
    _, frame = cleaned(tmp_path, path, "mixed_geometry")
    kinds = gpd.read_file(path).geom_type.str.removeprefix("Multi").str.lower().replace("linestring", "line")
    assert frame.geometry_kind.tolist() == kinds.tolist()
    assert np.isin(frame.geometry_kind, ["point", "line", "polygon"]).all()
