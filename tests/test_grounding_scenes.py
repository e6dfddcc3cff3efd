"""A number measured in a scene is about that scene: its name may stand with it, that of another scene may not."""

from __future__ import annotations

import pytest

from grounding_results import Case, ref

EAST, WEST = "S2A_29RKH_20200219_0_L2A", "S2B_29RKH_20200224_0_L2A"
FOUND = Case(f"mean NDVI of {EAST} and {WEST}").with_result(
    "search_stac",
    {"catalogue": "scenes", "ids": [EAST, WEST]},
    [("count", 2, "count", {}), ("cloud_cover", 4.05, "%", {"scene": EAST}), ("cloud_cover", 9.5, "%", {"scene": WEST})],
    data={"scenes": [{"n": 0, "id": EAST}, {"n": 1, "id": WEST}]},
)
BOTH = (
    FOUND.with_result("read_asset", {"assets": [f"{ref(1)}#items/0/red", f"{ref(1)}#items/0/nir"]}, [])
    .with_result("read_asset", {"assets": [f"{ref(1)}#items/1/red", f"{ref(1)}#items/1/nir"]}, [])
    .with_result("spectral_index", {"raster": ref(2), "index": "NDVI"}, [("mean", 0.0577, "1", {})])
    .with_result("spectral_index", {"raster": ref(3), "index": "NDVI"}, [("mean", 0.3021, "1", {})])
)


def test_a_measure_may_name_the_scene_that_it_was_read_from() -> None:
    assert BOTH.unsupported(f"The mean NDVI of {EAST} is 0.0577 [4].") == []
    assert BOTH.unsupported(f"- {EAST}: 0.0577 [4]\n- {WEST}: 0.3021 [5]") == []


@pytest.mark.parametrize("answer", [f"The mean NDVI of {WEST} is 0.0577 [4].", f"- {EAST}: 0.3021 [5]"])
def test_a_measure_of_another_scene_is_not_supported(answer: str) -> None:
    assert BOTH.unsupported(answer) != []


def test_cloud_cover_belongs_to_its_scene() -> None:
    assert FOUND.unsupported(f"{EAST} has 4.05 % cloud [1], {WEST} has 9.5 % [1].") == []
    assert FOUND.unsupported(f"{EAST} has 9.5 % cloud [1].") != []


def test_a_year_before_another_year_is_no_quantity() -> None:
    years = Case("water in 1985 and 2020").with_result(
        "calculate", {"expression": "b - a", "name": "difference", "unit": "ha"}, [("difference", -25_583_279.0, "m2", {})]
    )
    assert years.unsupported("- Difference of water area, 2020 minus 1985: -2,558 ha [1].") == []
    assert years.unsupported("The difference is 2020 to 1985 ha [1].") != []
