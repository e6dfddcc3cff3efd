"""Change: areas that went from class to class, by label and true area; and differences of values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from odc.geo.geobox import GeoBox

from raster_calls import call, fact, lonlat_row_areas, raster, stack, written
from tools.contract import Outcome, Source
from tools.errors import ParameterError
from tools.storage.rasters import raster_info, write_class_raster, write_raster

LONLAT = GeoBox((3, 2), Affine(1, 0, 10, 0, -20, 70), "EPSG:4326")  # rows of very different area
BEFORE, AFTER = {1: "water", 2: "forest", 3: "field"}, {1: "field", 2: "water", 3: "town"}
"""The same numbers mean other classes at the two times."""


def ma(values: Any, hidden: Any = False) -> np.ma.MaskedArray[Any, Any]:
    return np.ma.MaskedArray(np.asarray(values), mask=hidden)


def classes(path: Path, ref: str, codes: Any, labels: dict[int, str]) -> Source:
    write_class_raster(path, np.asarray(codes, "uint8"), LONLAT, labels)
    return raster(path, ref)


CODES = arrays("uint8", (3, 2), elements=st.integers(0, 3))


@settings(max_examples=25)
@given(before=CODES, after=CODES)
def test_areas_between_classes_are_those_of_the_pixels_by_label(tmp_path_factory, before, after) -> None:
    folder = tmp_path_factory.mktemp("change")
    sources = classes(folder / "b.tif", "b", before, BEFORE), classes(folder / "a.tif", "a", after, AFTER)
    output = call("change", folder / "out", {"before": "b", "after": "a"}, *sources)
    area = np.broadcast_to(lonlat_row_areas(LONLAT), (3, 2))
    pairs: dict[tuple[str, str], float] = {}
    for row, col in np.ndindex(3, 2):
        if before[row, col] and after[row, col]:
            pair = BEFORE[int(before[row, col])], AFTER[int(after[row, col])]
            pairs[pair] = pairs.get(pair, 0.0) + area[row, col]
    if not pairs:
        assert (output.outcome, len(output.facts)) == (Outcome.NO_COVERAGE, 1)
        return
    told = {(f.subject["from"], f.subject["to"]): f.value for f in output.facts if f.name == "area" and "from" in f.subject}
    assert told == pytest.approx(pairs, rel=1e-6)
    valid = sum(pairs.values())
    assert fact(output, "valid_share") == pytest.approx(100 * valid / area.sum(), rel=1e-6)
    assert fact(output, "share", change="changed") == pytest.approx(100 * sum(a for (x, y), a in pairs.items() if x != y) / valid, abs=1e-4)
    for label in {label for pair in pairs for label in pair}:
        gained = sum(a for (x, y), a in pairs.items() if y == label != x)
        lost = sum(a for (x, y), a in pairs.items() if x == label != y)
        about = {"class": label}
        assert fact(output, "gained", **about) == pytest.approx(gained, rel=1e-6, abs=1e-3)
        assert fact(output, "lost", **about) == pytest.approx(lost, rel=1e-6, abs=1e-3)
        assert fact(output, "net change", **about) == pytest.approx(gained - lost, rel=1e-6, abs=1e4)
        start = sum(a for (x, _), a in pairs.items() if x == label)
        assert fact(output, "area", **about, time="before") == pytest.approx(start, rel=1e-6)
        assert fact(output, "area", **about, time="after") == pytest.approx(start + gained - lost, rel=1e-6)


def test_the_transitions_are_a_class_raster_that_names_them(tmp_path: Path) -> None:
    sources = (
        classes(tmp_path / "b.tif", "b", [[1, 1], [2, 0], [3, 3]], BEFORE),
        classes(tmp_path / "a.tif", "a", [[2, 1], [3, 1], [1, 0]], AFTER),
    )
    output = call("change", tmp_path / "out", {"before": "b", "after": "a"}, *sources)
    info = raster_info(raster(tmp_path / "out" / output.files[0]))
    made = [[None if code is None else info.name_of(code) for code in row] for row in written(tmp_path / "out", output).tolist()]
    assert made == [["water → water", "water → field"], ["forest → town", None], ["field → field", None]]


def test_where_only_one_raster_names_its_classes_numbers_mean_the_same_in_both(tmp_path: Path, make_raster) -> None:
    write_raster(tmp_path / "a.tif", np.array([[1, 1], [2, 2], [3, 3]], "uint8"), LONLAT)
    named, plain = classes(tmp_path / "b.tif", "b", [[1, 2], [2, 2], [3, 3]], BEFORE), raster(tmp_path / "a.tif", "a")
    output = call("change", tmp_path / "out", {"before": "b", "after": "a"}, named, plain)
    assert {(f.subject["from"], f.subject["to"]) for f in output.facts if "from" in f.subject} == {
        ("water", "water"),
        ("forest", "water"),
        ("forest", "forest"),
        ("field", "field"),
    }


def test_legends_without_a_common_label_are_pointed_out(tmp_path: Path) -> None:
    sources = classes(tmp_path / "b.tif", "b", np.ones((3, 2)), {1: "x"}), classes(tmp_path / "a.tif", "a", np.ones((3, 2)), {1: "y"})
    assert "share no class label" in call("change", tmp_path / "out", {"before": "b", "after": "a"}, *sources).warnings[0]


VALUES = arrays("uint8", (3, 2))
HOLES = arrays("bool", (3, 2))


@settings(max_examples=25)
@given(before=VALUES, after=VALUES, holes_before=HOLES, holes_after=HOLES)
def test_differences_of_bytes_may_be_negative_and_are_weighted_by_area(tmp_path_factory, before, after, holes_before, holes_after) -> None:
    folder = tmp_path_factory.mktemp("change")
    one = stack(folder / "b.tif", {"v": ma(before, holes_before)}, LONLAT, "b")
    two = stack(folder / "a.tif", {"v": ma(after, holes_after)}, LONLAT, "a")
    output = call("change", folder / "out", {"before": "b", "after": "a", "tolerance": 2}, one, two)
    valid = ~(holes_before | holes_after)
    if not valid.any():
        assert output.outcome is Outcome.NO_COVERAGE
        return
    area = np.broadcast_to(lonlat_row_areas(LONLAT), (3, 2))[valid]
    difference = after.astype(int)[valid] - before[valid]
    assert written(folder / "out", output).compressed().tolist() == difference.tolist()
    assert fact(output, "mean") == pytest.approx(np.average(difference, weights=area), rel=1e-6, abs=1e-6)
    assert (fact(output, "min"), fact(output, "max")) == (difference.min(), difference.max())
    assert fact(output, "mean", time="after") == pytest.approx(np.average(after[valid], weights=area), rel=1e-6)
    for change, holds in {"increased": difference > 2, "decreased": difference < -2, "unchanged": abs(difference) <= 2}.items():
        assert fact(output, "share", change=change) == pytest.approx(100 * area[holds].sum() / area.sum(), rel=1e-6, abs=1e-9)


def test_classes_against_values_is_refused(tmp_path: Path) -> None:
    cover = classes(tmp_path / "b.tif", "b", np.ones((3, 2)), BEFORE)
    heights = stack(tmp_path / "a.tif", {"v": ma(np.ones((3, 2)))}, LONLAT, "a")
    with pytest.raises(ParameterError, match="'b' is categorical and 'a' is continuous"):
        call("change", tmp_path, {"before": "b", "after": "a"}, cover, heights)
    with pytest.raises(ParameterError, match="no difference"):
        call("change", tmp_path, {"before": "b", "after": "b", "kind": "values"}, cover)


def test_other_units_and_other_grids_are_refused(tmp_path: Path) -> None:
    one, two = (stack(tmp_path / f"{ref}.tif", {"v": ma(np.ones((3, 2)))}, LONLAT, ref) for ref in "ba")
    kelvin = raster(tmp_path / "a.tif", "a", unit="K")
    with pytest.raises(ParameterError, match="in 'degC' before and in 'K' after"):
        call("change", tmp_path, {"before": "b", "after": "a"}, raster(one.path, "b", unit="degC"), kelvin)
    shifted = stack(tmp_path / "c.tif", {"v": ma(np.ones((3, 2)))}, GeoBox((3, 2), Affine(1, 0, 10, 0, -20, 60), "EPSG:4326"), "a")
    with pytest.raises(ParameterError, match="different grids"):
        call("change", tmp_path, {"before": "b", "after": "a"}, one, shifted)
    assert call("change", tmp_path / "out", {"before": "b", "after": "a"}, one, two).outcome is Outcome.VALUE


def test_what_has_data_at_one_time_only_is_told(tmp_path: Path) -> None:
    sources = (
        classes(tmp_path / "b.tif", "b", [[1, 1], [1, 1], [0, 1]], BEFORE),
        classes(tmp_path / "a.tif", "a", [[2, 2], [2, 2], [2, 2]], AFTER),
    )
    (told,) = call("change", tmp_path / "out", {"before": "b", "after": "a"}, *sources).warnings
    area = lonlat_row_areas(LONLAT)[:, 0]
    assert told.startswith(f"{100 * area[2] / (2 * area.sum()):.2g} % of the area has data at one time only")
