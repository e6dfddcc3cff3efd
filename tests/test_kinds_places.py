"""Features of one layer in a named feature of another: never the named feature itself, whatever columns it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest

from agent import Agent
from asking import assert_declined, assert_first, assert_names, assert_reads
from generated_agents import Case, seeds, turns
from generated_words import invent_names, pick

GEOD = pyproj.Geod(ellps="WGS84")
LAYERS = ("populated places", "registered wells", "listed buildings", "licensed quarries", "staffed lighthouses", "recorded springs")
ZONES = (("countries", "country", "NAME"), ("districts", "district", "district"), ("parishes", "parish", "parish_name"))
COUNT = (
    "How many {many} are in {zone}?",
    "How many {many} are there inside {zone}?",
    "number of {many} within {zone}",
    "Count the {many} located in {zone}.",
    "How many {many} lie inside {zone}?",
    "In {zone}, how many {many} are there?",
    "How many of the {many} are situated in {zone}?",
    "Count of {many} in {zone}",
)
LIST = (
    "Which {many} are in {zone}?",
    "List the {many} located in {zone}",
    "{many} within {zone}",
    "Which {many} lie inside {zone}?",
    "Name the {many} that are situated in {zone}.",
    "What {many} are there in {zone}?",
    "Inside {zone}, which {many} are there?",
)
NEAREST = (
    "Which of the {many} in {zone} is nearest to {site}?",
    "What is the nearest {one} in {zone} to {site}?",
    "Which {one} in {zone} is closest to {site}?",
)
HOLDER = ("Which {zone_one} is {site} in?", "In which {zone_one} does {site} lie?", "Which {zone_one} contains {site}?")
EACH = ("How many {many} are there in each {zone_one}?", "number of {many} by {zone_one}", "{many} per {zone_one}")
IN_ITSELF = ("How many {zone_many} are in {zone}?", "Which {zone_many} lie inside {zone}?")


@dataclass(frozen=True)
class Country:
    """A layer of points with a column that tells their zone, not always the one in which they lie; and the zones."""

    many: str
    zones: tuple[str, str, str]
    boxes: dict[str, tuple[float, float, float, float]]
    sites: dict[str, tuple[float, float]]
    paths: tuple[Path, Path]

    def inside(self, zone: str) -> list[str]:
        west, south, east, north = self.boxes[zone]
        return [name for name, (x, y) in self.sites.items() if west < x < east and south < y < north]

    def holder(self, site: str) -> str:
        return next(zone for zone in self.boxes if site in self.inside(zone))

    def nearest_in(self, zone: str, site: str) -> tuple[str, float]:
        others = [(GEOD.inv(*self.sites[site], *self.sites[name])[2], name) for name in self.inside(zone)]
        distance, name = min(others)
        return name, distance


def make_country(seed: int, folder: Path) -> Country:
    """Write a row of zones, each with some points, of which one in each zone tells the name of another zone."""
    rng = np.random.default_rng((seed, 90))
    names = invent_names(rng, 30)
    zones, many = pick(rng, ZONES), LAYERS[seed % len(LAYERS)]
    count = int(rng.integers(3, 6))
    boxes = {name: (10.0 + n, 45.0, 11.0 + n, 46.0) for n, name in enumerate(names[:count])}
    sites: dict[str, tuple[float, float]] = {}
    told: dict[str, str] = {}
    free = iter(names[count:])
    for n, zone in enumerate(boxes):
        for number in range(int(rng.integers(2, 5))):
            name = next(free)
            x, y = rng.uniform(0.1, 0.9, 2)
            sites[name] = (round(10.0 + n + float(x), 4), round(45.0 + float(y), 4))
            told[name] = zone if number else names[(n + 1) % count]
    folder.mkdir(parents=True, exist_ok=True)
    points = [_feature("Point", place, {"title": name, "zone": told[name], "class": "A"}) for name, place in sites.items()]
    shapes = [
        _feature(
            "Polygon", [[(w, s), (e, s), (e, n), (w, n), (w, s)]], {zones[2]: name, "TYPE": zones[1].title(), "POP_EST": k, "REG_CODE": k}
        )
        for k, (name, (w, s, e, n)) in enumerate(boxes.items(), 1)
    ]
    paths = (folder / f"{many.replace(' ', '_')}_simple.geojson", folder / f"adm_{zones[0]}.geojson")
    for path, features in zip(paths, (points, shapes), strict=True):
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return Country(many, zones, boxes, sites, paths)


def _feature(kind: str, coordinates: object, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def cases(country: Country, rng: np.random.Generator) -> Iterator[Case]:
    many, zone = country.many, pick(rng, list(country.boxes))
    inside = country.inside(zone)
    for template in COUNT:
        yield Case(template.format(many=many, zone=zone), lambda result: assert_first(result, len(inside), name="count"))
    for template in LIST:
        yield Case(template.format(many=many, zone=zone), lambda result: assert_names(result, inside, country.sites))
    start = pick(rng, [site for site in country.sites if site not in inside])
    best, distance = country.nearest_in(zone, start)
    one = f"{many.rpartition(' ')[0]} {_singular(many)}"
    for template in NEAREST:
        question = template.format(many=many, one=one, zone=zone, site=start)
        yield Case(
            question, lambda result: (assert_names(result, [best, start], country.sites), assert_first(result, distance, name="distance"))
        )
    holder = country.holder(start)
    for template in HOLDER:
        question = template.format(zone_one=country.zones[1], site=start)
        yield Case(question, lambda result: assert_names(result, [holder], country.boxes))
    counts = {name: float(len(country.inside(name))) for name in country.boxes}
    for template in EACH:
        yield Case(template.format(many=many, zone_one=country.zones[1]), lambda result: assert_reads(result, dict(counts), name="count"))
    for template in IN_ITSELF:
        yield Case(template.format(zone_many=country.zones[0], zone=zone), assert_declined)


def _singular(many: str) -> str:
    word = many.rpartition(" ")[2]
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


@pytest.mark.parametrize("seed", seeds())
def test_features_in_a_named_place_are_those_of_the_layer_asked_for(seed: int, tmp_path: Path) -> None:
    country = make_country(seed, tmp_path / "data")
    agent = Agent(workspace=tmp_path / "ws", engine="planner")
    for case in turns(list(cases(country, np.random.default_rng((seed, 91)))), seed, 5):
        case.check(agent.run(case.question, data=country.paths))


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(30, 36))
def test_every_way_to_say_in_a_place_is_understood(seed: int, tmp_path: Path) -> None:
    country = make_country(seed, tmp_path / "data")
    agent = Agent(workspace=tmp_path / "ws", engine="planner")
    for case in cases(country, np.random.default_rng((seed, 91))):
        case.check(agent.run(case.question, data=country.paths))
