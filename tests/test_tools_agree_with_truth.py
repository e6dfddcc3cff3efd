"""The tools themselves, without a planner, agree with the truth of generated workspaces for every zone, class and feature."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import generated_phrases as phrases
import generated_truth as truth
from generated_agents import FAST_SEEDS, HEAVY_SEEDS, World, world
from generated_scene import Scene
from tools.contract import Fact, Result

TOLERANCE = 5e-4
"""Half of what an answer may be off: the other half is for its rounding."""


SEEDS = [
    pytest.param(seed, marks=[] if seed in FAST_SEEDS[:6] else pytest.mark.heavy, id=f"seed{seed}") for seed in (*FAST_SEEDS, *HEAVY_SEEDS)
]
"""Neighbouring seeds take turns with UTM north, UTM south, degrees and national systems."""


@pytest.fixture(params=SEEDS)
def here(request: pytest.FixtureRequest) -> World:
    return world(request.param)


def call(here: World, tool: str, **params: object) -> Result:
    return here.agent.tool(tool)(**params)


def dataset(here: World, path: Path) -> str:
    return next(record.id for record in here.agent.datasets.record_objects() if Path(record.path) == path)


def facts(here: World, result: Result) -> list[Fact]:
    return list(here.agent.runner.facts(result.artifact.key))


def values(found: Iterable[Fact], name: str, *keys: str) -> dict[Any, float]:
    """Return subject → value of the facts of a name; the subject as the tuple of its values at `keys`, alone if it is one."""
    chosen = [fact for fact in found if fact.name == name and set(fact.subject) == set(keys)]
    return {tuple(fact.subject[key] for key in keys) if len(keys) > 1 else fact.subject[keys[0]]: fact.value for fact in chosen}


def agree(found: dict[Any, float], expected: dict[Any, float]) -> None:
    """Everything expected is found and right; what is found beyond that is zero."""
    for subject, value in expected.items():
        assert found[subject] == pytest.approx(value, rel=TOLERANCE, abs=1e-6), subject
    assert all(value == 0 for subject, value in found.items() if subject not in expected), found


def test_class_areas_by_zone(here: World) -> None:
    scene = here.scene
    result = call(
        here,
        "zonal_stats",
        raster=dataset(here, scene.cover.path),
        zones=dataset(here, scene.zones.path),
        zone_column=scene.zones.name_column,
        classes=True,
    )
    expected = {
        (name, label): area
        for code, label in scene.cover.labels.items()
        for name, area in phrases.class_areas_by_zone(scene, code).items()
        if area > 0
    }
    agree(values(facts(here, result), "area", "zone", "class"), expected)


def test_statistics_by_zone(here: World) -> None:
    scene, names = here.scene, ["mean", "min", "max", "median", "std"]
    result = call(
        here,
        "zonal_stats",
        raster=dataset(here, scene.surface.path),
        zones=dataset(here, scene.zones.path),
        zone_column=scene.zones.name_column,
        statistics=names,
    )
    found = facts(here, result)
    for name in names:
        if name != "median":
            agree(values(found, name, "zone"), phrases.statistics_by_zone(scene, name))
    for zone, median in values(found, "median", "zone").items():
        low, high = truth.median_bounds(scene, truth.zone_mask(scene, zone))
        assert low <= median <= high


def test_statistics_of_the_whole_raster(here: World) -> None:
    scene, names = here.scene, ["mean", "min", "max", "std"]
    found = facts(here, call(here, "zonal_stats", raster=dataset(here, scene.surface.path), statistics=names))
    for name in names:
        (value,) = [fact.value for fact in found if fact.name == name and not fact.subject]
        assert value == pytest.approx(truth.statistic(scene, name), rel=TOLERANCE)


def test_areas_above_a_threshold_by_zone(here: World) -> None:
    scene = here.scene
    limit = phrases.threshold(scene, np.random.default_rng(scene.seed))
    bounds = {
        ">": {"min": limit.low, "min_inclusive": False},
        ">=": {"min": limit.low},
        "<": {"max": limit.low},
        "<=": {"max": limit.low, "max_inclusive": True},
        "between": {"min": limit.low, "max": limit.high},
    }[limit.operator]
    classified = call(here, "classify", raster=dataset(here, scene.surface.path), classes=[{"label": "chosen", **bounds}])
    total = [fact.value for fact in facts(here, classified) if fact.name == "area" and fact.subject.get("class") == "chosen"]
    assert total == [pytest.approx(truth.value_area_m2(scene, limit.chosen), rel=TOLERANCE)]
    by_zone = call(
        here,
        "zonal_stats",
        raster=classified.artifact.ref,
        zones=dataset(here, scene.zones.path),
        zone_column=scene.zones.name_column,
        classes=True,
    )
    found = values(facts(here, by_zone), "area", "zone", "class")
    expected = {(zone, "chosen"): area for zone, area in phrases.value_areas_by_zone(scene, limit).items() if area > 0}
    agree({subject: area for subject, area in found.items() if subject[1] == "chosen"}, expected)


def test_areas_of_polygons_by_class_and_by_zone(here: World) -> None:
    scene, layer = here.scene, here.scene.parcels
    by_class = call(
        here,
        "query_vector",
        layer=dataset(here, layer.path),
        measures=[{"aggregate": "area"}, {"aggregate": "count"}],
        group_by=[layer.class_column],
    )
    chosen = {value: layer.where(layer.class_column, value) for value in layer.values(layer.class_column)}
    agree(
        values(facts(here, by_class), "area", layer.class_column), {value: truth.area_m2(scene, areas) for value, areas in chosen.items()}
    )
    agree(values(facts(here, by_class), "count", layer.class_column), {value: len(areas) for value, areas in chosen.items()})
    zones = {"layer": dataset(here, scene.zones.path), "name_column": scene.zones.name_column}
    by_zone = call(here, "query_vector", layer=dataset(here, layer.path), measures=[{"aggregate": "area"}], zones=zones)
    areas = {
        zone: truth.area_m2(scene, layer.features, truth.zone_mask(scene, zone)) for zone in scene.zones.values(scene.zones.name_column)
    }
    agree(values(facts(here, by_zone), "area", "zone"), {zone: area for zone, area in areas.items() if area > 0})


def test_lengths_of_lines_by_class_and_by_zone(here: World) -> None:
    scene, layer = here.scene, here.scene.routes
    by_class = call(
        here, "query_vector", layer=dataset(here, layer.path), measures=[{"aggregate": "length"}], group_by=[layer.class_column]
    )
    lengths = {value: truth.length_m(scene, layer.where(layer.class_column, value)) for value in layer.values(layer.class_column)}
    agree(values(facts(here, by_class), "length", layer.class_column), lengths)
    zones = {"layer": dataset(here, scene.zones.path), "name_column": scene.zones.name_column}
    by_zone = call(here, "query_vector", layer=dataset(here, layer.path), measures=[{"aggregate": "length"}], zones=zones)
    inside = {
        zone: truth.length_m(scene, layer.features, truth.zone_mask(scene, zone)) for zone in scene.zones.values(scene.zones.name_column)
    }
    agree(values(facts(here, by_zone), "length", "zone"), {zone: length for zone, length in inside.items() if length > 0})


def test_points_in_zones_and_within_a_distance(here: World) -> None:
    scene, layer = here.scene, here.scene.sites
    zones = {"layer": dataset(here, scene.zones.path), "name_column": scene.zones.name_column}
    by_zone = call(here, "query_vector", layer=dataset(here, layer.path), measures=[{"aggregate": "count"}], zones=zones)
    counts = {
        zone: sum(truth.touches(site, truth.zone_mask(scene, zone), scene) for site in layer.features)
        for zone in scene.zones.values(scene.zones.name_column)
    }
    agree(values(facts(here, by_zone), "count", "zone"), {zone: count for zone, count in counts.items() if count})
    distances = [min(truth.distances_m(scene, site, scene.routes.features)) for site in layer.features]
    limit = truth.clear_distance_m(distances, 0.4)
    near = {"predicate": "within_distance", "other": dataset(here, scene.routes.path), "distance_m": limit}
    result = call(here, "query_vector", layer=dataset(here, layer.path), measures=[{"aggregate": "count"}], spatial=[near])
    assert [fact.value for fact in facts(here, result) if fact.name == "count"] == [sum(distance < limit for distance in distances)]


def test_nearest_lines_and_points(here: World) -> None:
    scene, layer = here.scene, here.scene.sites
    for others in (scene.routes, layer):
        nearest = {"other": dataset(here, others.path)}
        if others is layer:
            nearest["where"] = {"conditions": [{"column": layer.class_column, "op": "=", "value": layer.values(layer.class_column)[0]}]}
        among = others.features if others is not layer else layer.where(layer.class_column, layer.values(layer.class_column)[0])
        asking = [site for site in layer.features if site not in among]
        where = {"conditions": [{"column": "name", "op": "in", "value": [site.columns["name"] for site in asking]}]}
        found = facts(here, call(here, "query_vector", layer=dataset(here, layer.path), where=where, nearest=nearest))
        told = {(fact.subject["feature"], fact.subject["nearest"]): fact.value for fact in found if fact.name == "distance"}
        expected = {}
        for site in asking:
            distance, best = truth.nearest(scene, site, among)[0]
            expected[site.columns["name"], best.columns["name"]] = distance
        agree(told, expected)


def test_overlay_of_polygons(here: World) -> None:
    scene, layer = here.scene, here.scene.parcels
    inside = truth.mask_of(scene, scene.extent.features)
    pair = {"layer": dataset(here, layer.path), "other": dataset(here, scene.extent.path)}
    both = facts(here, call(here, "overlay", operation="intersection", by=[layer.class_column], **pair))
    areas = {value: truth.area_m2(scene, layer.where(layer.class_column, value), inside) for value in layer.values(layer.class_column)}
    agree(values(both, "area", layer.class_column), {value: area for value, area in areas.items() if area > 0})
    for operation, expected in _totals(scene, inside).items():
        found = facts(here, call(here, "overlay", operation=operation, **pair))
        (total,) = [fact.value for fact in found if fact.name == "area" and not fact.subject]
        assert total == pytest.approx(expected, rel=TOLERANCE, abs=1e-3), operation


def _totals(scene: Scene, inside: Any) -> dict[str, float]:
    area, either = truth.area_m2(scene, scene.parcels.features, inside), truth.area_m2(scene, scene.parcels.features)
    extent = scene.lattice.area_m2(inside)
    return {
        "intersection": area,
        "difference": either - area,
        "union": either + extent - area,
        "symmetric_difference": either + extent - 2 * area,
    }
