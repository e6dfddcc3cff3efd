"""Tiles of the military grid and footprints of scenes: against published corners and real records."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

from tools.errors import DataError, ParameterError
from tools.geo.footprint import bounds_region, boxes_of, footprint
from tools.geo.mgrs import norm_tile, tile_bounds


@pytest.mark.parametrize(
    ("tile", "inside"),
    [
        ("31UFU", (5.5, 52.7)),  # central Netherlands
        ("18TWL", (-74.0, 40.7)),  # New York
        ("56HLH", (151.2, -33.9)),  # Sydney
        ("19HCD", (-70.7, -33.4)),  # Santiago de Chile
        ("43PGQ", (77.6, 13.0)),  # Bengaluru
        ("33XWG", (16.0, 78.2)),  # Svalbard
        ("01KBB", (-179.5, -17.0)),  # Fiji
    ],
)  # fmt: skip
def test_tile_lies_where_the_place_is(tile: str, inside: tuple[float, float]) -> None:
    region = bounds_region(tile_bounds(tile))
    assert region.covers(shapely.Point(inside))
    assert region.area < 8


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["s2_35MNM_2020_jun_jul.geojson", "pc_sentinel-2-l2a.json", "S2A_29RKH_20200219_0_L2A.json"])
def test_a_real_granule_lies_within_its_tile(name: str, shared_data: Path) -> None:
    content = json.loads((shared_data / "stac" / name).read_text(encoding="utf-8"))
    items = content if isinstance(content, list) else content.get("features", [content])
    for item in items:
        tile = norm_tile(item["properties"].get("s2:mgrs_tile") or item["properties"]["grid:code"].removeprefix("MGRS-"))
        outline = shapely.geometry.shape(item["geometry"])
        # The record's outline is that of the pixels, drawn with straight edges in degrees.
        assert bounds_region(tile_bounds(tile)).buffer(0.05).covers(outline)


@pytest.mark.parametrize(("text", "tile"), [("35mnm", "35MNM"), ("T1CCV", "01CCV"), (" 29RKH ", "29RKH")])
def test_a_tile_is_written_in_many_ways(text: str, tile: str) -> None:
    assert norm_tile(text) == tile


@pytest.mark.parametrize("text", ["", "35M", "61MNM", "35INM", "35MOM", "35MNW", "35MAM", "00MNM", "35MNM1"])
def test_what_is_no_tile_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="no tile"):
        norm_tile(text)


# footprints


def polygon(*corners: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[*map(list, corners), list(corners[0])]]}


def test_a_ring_that_jumps_crosses_the_antimeridian() -> None:
    shape = footprint(polygon((179, 0), (-179, 0), (-179, 1), (179, 1)))
    assert shape.area == pytest.approx(2)
    assert shape.equals(shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)]))
    assert not shape.intersects(shapely.Point(0, 0.5))


@pytest.mark.parametrize("shift", [-360.0, 0.0, 360.0])
def test_longitudes_beyond_the_antimeridian_are_shifted(shift: float) -> None:
    shape = footprint(polygon((178 + shift, 0), (179 + shift, 0), (179 + shift, 1), (178 + shift, 1)))
    assert shape.bounds == pytest.approx((178, 0, 179, 1))


def test_a_bow_tie_is_repaired_and_what_is_no_place_refused() -> None:
    assert footprint(polygon((0, 0), (1, 1), (1, 0), (0, 1))).is_valid
    with pytest.raises(ValueError, match="empty"):
        footprint({"type": "Polygon", "coordinates": []})
    with pytest.raises(ValueError, match="GeoJSON"):
        footprint({"type": "Circle", "coordinates": [0, 0]})
    with pytest.raises(DataError):
        footprint({"type": "Point", "coordinates": [4000, 0]})


@example(180.0, 1.0, 0.0, 1.0)
@given(st.floats(-180, 180), st.floats(0.01, 170), st.floats(-80, 80), st.floats(0.1, 9))
def test_boxes_hold_the_region_and_never_cross_the_antimeridian(west: float, width: float, south: float, height: float) -> None:
    east = west + width if west + width <= 180 else west + width - 360
    region = bounds_region((west, south, east, south + height))
    boxes = boxes_of(region)
    assert all(-180 <= box[0] <= box[2] <= 180 for box in boxes)
    joined = shapely.union_all([shapely.box(*box) for box in boxes])
    assert joined.buffer(1e-9).covers(region)
    # As large as the region itself: nothing is asked for that is not wanted.
    assert joined.area == pytest.approx(region.area, abs=1e-6)
    assert np.isfinite(joined.area)
