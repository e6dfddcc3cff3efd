"""What answers say of extremes and their places, of values at points and of slopes, as people write them."""

from __future__ import annotations

import pytest

from grounding_results import Case

PLACE = {"of": "maximum"}
HEIGHTS = Case("Where is the highest point, and how steep is it around?").with_result(
    "histogram",
    {"raster": "dem"},
    [
        ("mean", 812.4, "m", {}),
        ("minimum", 406.5, "m", {"place": "x 321499, y 4297981"}), ("x", 321499.0, "m", {"of": "minimum"}),
        ("longitude", -77.0558, "degree", {"of": "minimum"}), ("latitude", 38.8125, "degree", {"of": "minimum"}),
        ("maximum", 1122.1, "m", {"place": "x 321997, y 4297927"}), ("x", 321997.0, "m", PLACE),
        ("longitude", -77.0502, "degree", PLACE), ("latitude", 38.8121, "degree", PLACE),
    ],
).with_result("terrain", {"raster": "dem", "operation": "slope"}, [("mean", 14.68, "degree", {}), ("max", 61.2, "degree", {})])  # fmt: skip
POINTS = Case("What is the elevation at the clinics?").with_result(
    "sample",
    {"raster": "dem", "points": "clinics"},
    [
        ("count", 2, "count", {}), ("mean", 450.5, "m", {}),
        ("value", 401.25, "m", {"feature": "Oxby"}), ("value", 499.75, "m", {"feature": "Fenby"}),
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        (HEIGHTS, "The maximum of dem is 1,122.1 m [1]."),
        (HEIGHTS, "The highest point is 1,122.1 m high, at longitude -77.0502° and latitude 38.8121° [1]."),
        (HEIGHTS, "The highest point lies at 38.8121° N, 77.0502° W [1]."),
        (HEIGHTS, "The maximum, 1,122.1 m, is at 77.0502° West [1]."),
        (HEIGHTS, "The lowest point is at x 321,499 m: 406.5 m [1]."),
        (HEIGHTS, "The slope is 14.68 degrees on average (maximum 61.2°) [2]."),
        (HEIGHTS, "The slope is 14.68 degrees on average and 61.2° at most [2]."),
        (POINTS, "Oxby lies at 401.25 m and Fenby at 499.75 m [1]."),
        (POINTS, "The mean elevation at the clinics is 450.5 m [1]."),
    ],
)
def test_a_true_sentence_is_supported(case: Case, answer: str) -> None:
    grounding = case.check(answer)
    assert not grounding.unsupported, grounding.unsupported
    assert grounding.claims


@pytest.mark.parametrize(
    ("case", "answer", "wrong"),
    [
        (HEIGHTS, "The maximum of dem is 406.5 m [1].", ["406.5"]),
        (HEIGHTS, "The lowest point is 1,122.1 m high [1].", ["1,122.1"]),
        (HEIGHTS, "The highest point lies at 77.0502° E [1].", ["77.0502"]),
        (HEIGHTS, "The lowest point lies at 77.0502° W [1].", ["77.0502"]),
        (POINTS, "Fenby lies at 401.25 m [1].", ["401.25"]),
    ],
)
def test_another_place_or_side_of_the_earth_is_not_supported(case: Case, answer: str, wrong: list[str]) -> None:
    assert case.unsupported(answer) == wrong


MADE = (
    Case("Clean the parcels, simplify them by 2 m and draw contours every 10 m; buffer them by 0.5 km.")
    .with_result(
        "clean",
        {"layer": "parcels"},
        [
            ("features before", 290, "count", {}), ("features after", 240, "count", {}),
            ("changed", 20, "count", {"step": "invalid_geometry"}), ("removed", 0, "count", {"step": "invalid_geometry"}),
            ("changed", 33, "count", {"step": "winding"}), ("removed", 50, "count", {"step": "duplicates"}),
        ],
    )
    .with_result(
        "shapes",
        {"operation": "simplify", "layer": "a:000000000001", "tolerance_m": 2.0},
        [("count", 240, "count", {}), ("vertices before", 1410, "count", {}), ("vertices after", 1380, "count", {})],
    )
    .with_result("contour", {"raster": "dem", "interval": 10.0}, [("count", 43, "count", {}), ("length", 2532.0, "m", {})])
    .with_result("overlay", {"operation": "buffer", "layer": "parcels", "distance_m": 500.0}, [("area", 81_000.0, "m2", {})])
)  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        "Of 290 parcels, 20 invalid geometries were repaired and 50 duplicates were removed; 240 are left [1].",
        "The 240 features that remain were simplified by 2 m: 1,380 vertices instead of 1,410 [2].",
        "There are 290 features before and 240 after cleaning [1].",
        "33 features had their winding changed [1].",
        "Simplified with a tolerance of 2 m, the layer has 1,380 vertices after and 1,410 before [2].",
        "Contours every 10 m: 43 lines of 2.532 km in all [3].",
        "The buffer of 500 m covers 8.1 ha [4].",
        "Buffered by 0.5 km, they cover 8.1 ha [4].",
    ],
)
def test_what_was_made_may_be_told_in_natural_words(answer: str) -> None:
    grounding = MADE.check(answer)
    assert not grounding.unsupported, [(claim.text, claim.reason) for claim in grounding.unsupported]
    assert grounding.claims


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("20 duplicates were removed [1].", ["20"]),
        ("50 invalid geometries were repaired [1].", ["50"]),
        ("Contours every 20 m were drawn [3].", ["20"]),
        ("240 features were removed [1].", ["240"]),
    ],
)
def test_counts_of_other_steps_are_not_supported(answer: str, wrong: list[str]) -> None:
    assert MADE.unsupported(answer) == wrong


def test_the_value_from_which_distances_are_measured_may_be_named() -> None:
    case = (
        Case("How far is it to developed land?")
        .with_result("raster_distance", {"raster": "cover", "targets": [2]}, [("mean", 1672.4, "m", {})])
        .with_result("zonal_stats", {"raster": "a:000000000001", "zones": "park"}, [("mean", 2405.4, "m", {"zone": "Park"})])
    )
    assert not case.unsupported(
        "In the Park the nearest pixel of value 2 is 2.405 km away on average [2]; value 2 was taken as developed [1]."
    )
    assert case.unsupported("In the Park the nearest pixel of value 3 is 2.405 km away on average [2].") == ["3"]


SURE = Case("How much forest is there?").with_result(
    "zonal_stats",
    {"raster": "cover", "classes": True},
    [
        ("area", 12_340_000.0, "m2", {"class": "forest"}), ("area", 5_000_000.0, "m2", {"class": "water"}),
        ("boundary_uncertainty", 421_300.0, "m2", {"class": "forest"}), ("boundary_uncertainty", 80_000.0, "m2", {"class": "water"}),
        ("overall_accuracy", 91.2, "%", {}), ("adjusted_area", 11_870_000.0, "m2", {"class": "forest"}),
        ("margin_95", 650_000.0, "m2", {"class": "forest"}), ("pixel_size", 10.0, "m", {}), ("valid_share", 99.1, "%", {}),
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        "The forest covers 1,234 ± 42 ha, half a pixel along its outline [1].",
        "The forest covers 1,234 ha with a boundary uncertainty of 42.1 ha [1].",
        "Adjusted for map errors the forest covers 1,187 ± 65 ha (95 % confidence interval) [1].",
        "Adjusted for map errors, forest has 1,187 ha; the 95 % margin is 65 ha [1].",
        "The map has an overall accuracy of 91.2 % and pixels of 10 m [1].",
    ],
)
def test_what_stands_beside_a_number_may_be_told_with_it(answer: str) -> None:
    grounding = SURE.check(answer)
    assert not grounding.unsupported, [(claim.text, claim.reason) for claim in grounding.unsupported]
    assert grounding.claims


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("The forest covers 1,187 ha [1].", ["1,187"]),  # adjusted, which is not said
        ("The forest covers 42.13 ha [1].", ["42.13"]),
        ("The forest covers 1,234 ± 8 ha [1].", ["8"]),  # that of the water
        ("The forest covers 1,200 ± 42 ha [1].", ["1,200"]),
    ],
)
def test_a_margin_is_no_area_and_an_adjusted_area_is_not_the_mapped_one(answer: str, wrong: list[str]) -> None:
    assert SURE.unsupported(answer) == wrong
