"""Points in polygons by cells: the same pairs as GEOS asked one by one, on edges and corners too, wherever the grid falls."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.geo import pairs
from tools.geo.pairs import related_pairs
from tools.geo.points_in_polygons import points_in_polygons


def asked_one_by_one(points: np.ndarray, polygons: np.ndarray, relation: str) -> list[tuple[int, int]]:
    point, polygon = shapely.STRtree(polygons).query(shapely.points(points), predicate=relation)
    return sorted(zip(point.tolist(), polygon.tolist(), strict=True))


def by_cells(points: np.ndarray, polygons: np.ndarray, relation: str) -> list[tuple[int, int]]:
    point, polygon = points_in_polygons(points, polygons, relation)
    return sorted(zip(point.tolist(), polygon.tolist(), strict=True))


def rugged(random: np.random.Generator, scale: float, origin: float) -> np.ndarray:
    """Return polygons with holes and parts, of vertices that lie on a lattice or anywhere, some overlapping."""
    made = []
    for _ in range(int(random.integers(1, 12))):
        centre, angles = random.uniform(0, 10, 2), np.sort(random.uniform(0, 2 * np.pi, int(random.integers(3, 30))))
        ring = centre + (random.uniform(0.2, 3, len(angles)) * np.array([np.cos(angles), np.sin(angles)])).T
        shape = shapely.Polygon(np.round(ring) if random.random() < 0.5 else ring)
        hole = shapely.Point(centre).buffer(random.uniform(0.05, 1))
        made.append(shapely.difference(shapely.make_valid(shape), hole))
    shapes = np.array([shapely.buffer(shape, 0) for shape in made], dtype=object)
    shapes = shapely.transform(shapes[~shapely.is_empty(shapes)], lambda xy: xy * scale + origin)
    return shapely.make_valid(shapes)


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-4, 1.0, 1e4]), origin=st.sampled_from([0.0, 6e6, -170.0]))
@settings(max_examples=25, deadline=None)
def test_pairs_are_those_of_geos(seed: int, scale: float, origin: float) -> None:
    random = np.random.default_rng(seed)
    polygons = rugged(random, scale, origin)
    if not len(polygons):
        return
    corners = shapely.get_coordinates(polygons)
    middles = (corners[:-1] + corners[1:]) / 2
    anywhere = random.uniform(-2, 12, (300, 2)) * scale + origin
    lattice = random.integers(-1, 12, (100, 2)) * scale + origin
    points = np.concatenate([corners, middles, anywhere, lattice])
    for relation in ("intersects", "within"):
        assert by_cells(points, polygons, relation) == asked_one_by_one(points, polygons, relation)


def test_a_far_off_polygon_and_thin_ones_change_nothing() -> None:
    random = np.random.default_rng(3)
    near = shapely.box(*random.uniform(0, 10, (2, 40)), 11, 11)
    far = np.array([shapely.box(1e7, 1e7, 1e7 + 1, 1e7 + 1), shapely.box(-1e6, 5, 1e6, 5 + 1e-6), shapely.box(3, -1e6, 3 + 1e-6, 1e6)])
    polygons = np.concatenate([near, far])
    points = np.concatenate([random.uniform(0, 11, (2000, 2)), [[1e7 + 0.5, 1e7 + 1], [0, 5], [3, 0], [1e9, 1e9], [-1e9, 0]]])
    assert by_cells(points, polygons, "intersects") == asked_one_by_one(points, polygons, "intersects")


@pytest.mark.parametrize("relation", ["intersects", "within", "covered_by", "contains", "covers", "touches"])
def test_many_points_take_the_faster_way_to_the_same_pairs(relation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    polygons = np.array([shapely.box(x, y, x + 2, y + 2) for x, y in random.integers(0, 8, (20, 2))] + [None], dtype=object)
    points = np.array([*shapely.points(random.integers(0, 10, (200, 2))), None, shapely.Point()], dtype=object)
    sides = (polygons, points) if relation in ("contains", "covers") else (points, polygons)
    slow = related_pairs(*sides, relation)
    monkeypatch.setattr(pairs, "MANY", 1)
    fast = related_pairs(*sides, relation)
    assert [side.tolist() for side in fast] == [side.tolist() for side in slow]
    assert len(fast[0])


@pytest.mark.heavy
def test_a_million_points_find_the_polygons_that_geopandas_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).with_name("benchmarks"))
    from joins import joined, scattered

    points, zones = scattered(1_000_000, 2_000)
    found, expected = joined(points, zones), gpd.sjoin(points, zones)
    assert sorted(zip(found["id"], found["zone"], strict=True)) == sorted(zip(expected["id"], expected["zone"], strict=True))
