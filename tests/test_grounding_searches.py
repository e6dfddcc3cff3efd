"""What a person writes about scenes: dates of scenes, the limits of a search, the bands of an index."""

from __future__ import annotations

import pytest

from grounding_results import Case

SCENES = Case("Which Sentinel-2 scenes of tile 35MNM from July 2020 have less than 10 % cloud?").with_result(
    "search_stac",
    {"catalogue": "c", "time": "2020-07", "tile": "35MNM", "cloud_below": 10},
    [("count", 2, "count", {}), ("cloud_cover", 4.25, "%", {"scene": "S2A_0731"}), ("cloud_cover", 7.5, "%", {"scene": "S2B_0726"})],
    data={"scenes": [{"id": "S2A_0731", "time": "2020-07-31T08:06:11.024Z"}, {"id": "S2B_0726", "time": "2020-07-26T08:06:09.024Z"}]},
)
INDEX = (
    Case("What is its mean clear-land NDVI?")
    .with_result("read_asset", {"assets": ["a:1#items/0/red"]}, [("valid_share", 100.0, "%", {"band": band}) for band in ("red", "nir08")])
    .with_result("spectral_index", {"raster": "a:000000000001", "index": "NDVI"}, [("mean", 0.25, "1", {}), ("valid_share", 90.0, "%", {})])
)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("- S2A_0731, 31 July 2020: 4.25 % [1]", id="the day within the month of the question"),
        pytest.param("2 Sentinel-2 scenes of tile 35MNM from July 2020 have less than 10 % cloud [1].", id="the question's own comparison"),
        pytest.param("There are 2 scenes with less than 10 % cloud [1].", id="a condition"),
    ],
)
def test_dates_and_limits_of_a_search_state_nothing(answer: str) -> None:
    assert not SCENES.unsupported(answer)


@pytest.mark.parametrize(
    "answer", ["- S2A_0731, 30 July 2020: 4.25 % [1]", "2 scenes have less than 8 % cloud [1].", "S2A_0731 has 10 % cloud [1]."]
)
def test_other_dates_limits_and_values_are_caught(answer: str) -> None:
    assert SCENES.unsupported(answer)


def test_the_bands_of_an_index_may_be_named() -> None:
    assert not INDEX.unsupported("Its mean NDVI over clear land, from the bands red and nir08, is 0.25 [2].")


def test_a_number_of_one_band_is_not_that_of_another() -> None:
    bands = Case("How much is valid?").with_result(
        "read_asset",
        {"assets": ["a:1#items/0/red"]},
        [("valid_share", 80.0, "%", {"band": "red"}), ("valid_share", 90.0, "%", {"band": "nir08"})],
    )
    assert not bands.unsupported("The valid share of red is 80 % and that of nir08 is 90 % [1].")
    assert bands.unsupported("The valid share of red is 90 % [1].")


CHANGE = (
    Case("By how many hectares did the water area change between 1985 and 2020?")
    .with_result(
        "segment",
        {"raster": "old"},
        [("area", 1_186_900.0, "m2", {"class": "water"}), ("area", 19_000_000.0, "m2", {"class": "other"})],
        summary="Divided the raster into water (MNDWI above 0) and other.",
    )
    .with_result(
        "change",
        {"before": "a:000000000001", "after": "new"},
        [
            ("area", 1_428_500.0, "m2", {"change": "changed"}),
            ("net change", -256_230.0, "m2", {"class": "water"}),
            ("gained", 586_170.0, "m2", {"class": "water"}),
            ("lost", 842_400.0, "m2", {"class": "water"}),
        ],
    )
)


@pytest.mark.parametrize(
    "answer",
    [
        "The water area (MNDWI above 0) changed by −25.62 ha between 1985 and 2020 [2].",
        "The water area shrank by 25.62 ha [2].",
        "Water (MNDWI > 0): net change −25.62 ha, gained 58.62 ha, lost 84.24 ha [2].",
        "In all, 142.9 ha changed [2].",
    ],
)
def test_a_change_may_be_told_with_its_verb_and_the_limit_of_its_index(answer: str) -> None:
    assert CHANGE.unsupported(answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        "The water area decreased to 25.62 ha [2].",
        "The water area (MNDWI above 0.1) shrank by 25.62 ha [2].",
        "Water gained 84.24 ha [2].",
    ],
)
def test_a_change_is_no_state_and_a_limit_is_not_any_limit(answer: str) -> None:
    assert CHANGE.unsupported(answer) != []
