"""How many, which, and the total area or length of features with an attribute or in a place, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from agent.api import RunResult
from asking import assert_answered, assert_first, assert_names, assert_order, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_scene import Route, Scene, Site
from generated_words import FACILITIES, Noun, pick

COUNT = ("How many {kinds} are there?", "number of {kinds}", "Count the {kinds}", "how many {kinds} do we have?")
COUNT_IN_ONE = (
    "How many {kinds} are in {name}?",
    "number of {kinds} in {name}",
    "How many {kinds} lie inside {name}?",
    "Count the {kinds} within {name}.",
)
COUNT_BY_ZONE = (
    "How many {kinds} are there in each {zone}?",
    "{kinds} per {zone}",
    "number of {kinds} by {zone}",
    "Count {kinds} by {zone}",
)
WHICH_IN_ONE = (
    "Which {kinds} are in {name}?",
    "List all {kinds} in {name}",
    "list the {kinds} inside {name}",
    "What {kinds} are located in {name}?",
)
COUNT_ALL = ("How many {sites} are there?", "number of {sites}", "How many {sites} are there in total?")
COUNT_BY_KIND = ("How many {sites} are there of each {kind_column}?", "number of {sites} by {kind_column}", "{sites} by {kind_column}")
COUNT_BY_NUMBER = ("How many {sites} have a {number} {op}?", "number of {sites} with {number} {op}", "How many {sites} have {number} {op}?")
WHICH_BY_NUMBER = ("Which {kinds} have a {number} {op}?", "List {kinds} with {number} {op}")
SUM = ("What is the total {number} of all {kinds}?", "total {number} of {kinds}", "sum of {number} of the {kinds}")
MEAN = ("What is the average {number} of the {kinds}?", "mean {number} of {kinds}")
NUMBER_OPS = (("above {v}", ">"), ("greater than {v}", ">"), ("of at least {v}", ">="), ("below {v}", "<"), ("of more than {v}", ">"))

NEAR_ROUTE = ("How many {kinds} are within {d} of {route}?", "How many {kinds} lie less than {d} from {route}?")
WHICH_NEAR_ROUTES = (
    "Which {kinds} are within {d} of a {route_class} {route_noun}?",
    "List the {kinds} within {d} of a {route_class} {route_noun}",
)
NEAR_SITE = ("Which {kinds} are within {d} of {site}?", "How many {kinds} are there within {d} of {site}?")
IN_EXTENT = ("How many {kinds} are inside the {extent}?", "How many {kinds} are in the {extent}?", "number of {kinds} within the {extent}")

LENGTH = (
    "What is the total length of the {route_class} {routes}?",
    "total length of {route_class} {routes}",
    "How long are the {route_class} {routes}?",
)
LENGTH_IN_UNIT = ("total length of {route_class} {routes} in {unit}", "How many {unit} of {route_class} {routes} are there?")
LENGTH_ALL = ("What is the total length of all {routes}?", "total {route_noun} length", "How long are the {routes} altogether?")
LENGTH_IN_ONE = (
    "How long are the {routes} in {name}?",
    "length of {routes} inside {name}",
    "total length of {routes} in {name}, in {unit}",
)
LENGTH_BY_ZONE = ("length of {routes} by {zone}", "How many {unit} of {routes} are there in each {zone}?", "{route_noun} length per {zone}")
LENGTH_BY_CLASS = ("length of {routes} by {route_column}", "total length of {routes} for each {route_column}")
CROSSING = ("Which {routes} cross {name}?", "Which {routes} intersect {name}?", "Which {routes} run through {name}?")

AREA_OF_CLASS = ("What is the total area of {value} {parcels}?", "total area of {value} {parcels}", "area of the {value} {parcels}")
AREA_OF_CLASS_IN_UNIT = ("How many {unit} of {value} {parcels} are there?", "area of {value} {parcels} in {unit}")
AREA_BY_CLASS = (
    "area of {parcels} by {class_column}",
    "total area of {parcels} for each {class_column}",
    "How large is the area of {parcels} per {class_column}?",
)
COUNT_OF_CLASS = ("How many {value} {parcels} are there?", "number of {value} {parcels}", "How many {parcels} are {value}?")
LARGER = (
    "How many {parcels} are larger than {x} ha?",
    "How many {parcels} have an area of more than {x} hectares?",
    "number of {parcels} over {x} ha",
)
LARGEST = (
    "What is the largest {parcel}?",
    "Which {parcel} is the largest?",
    "What are the 3 largest {parcels}?",
    "top 3 {parcels} by area",
)
TOUCHING = (
    "How many {parcels} intersect the {extent}?",
    "How many {parcels} overlap the {extent}?",
    "number of {parcels} intersecting the {extent}",
)


@dataclass(frozen=True)
class Words:
    """The words of a scene that questions of this kind use."""

    scene: Scene
    rng: np.random.Generator

    def facility(self) -> tuple[Noun, list[Site]]:
        """Return a kind of site that occurs, and the sites of that kind."""
        layer = self.scene.sites
        value = pick(self.rng, layer.values(layer.class_column))
        noun = next(noun for noun in FACILITIES if noun.one == value.lower())
        return noun, layer.where(layer.class_column, value)

    def zone(self) -> str:
        """Return the name of a zone inside the rasters."""
        return pick(self.rng, self.scene.zone_names())

    def ask(self, template: str, **slots: object) -> str:
        """Fill a template with the words of the scene and the slots given."""
        scene = self.scene
        return template.format(
            zone=scene.zones.noun.one,
            zones=scene.zones.noun.many,
            sites=scene.sites.noun.many,
            routes=scene.routes.noun.many,
            route_noun=scene.routes.noun.one,
            parcels=scene.parcels.noun.many,
            parcel=scene.parcels.noun.one,
            extent=scene.extent.noun.one if len(scene.extent.features) == 1 else scene.extent.noun.many,
            kind_column=scene.sites.class_column,
            class_column=scene.parcels.class_column,
            route_column=scene.routes.class_column,
            number=scene.sites.number_column,
            **slots,
        )


def site_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 20)))
    return [
        *_counts(words),
        *_counts_in_zones(words),
        *_which(words),
        *_attributes(words),
        *_sums(words),
        *_near(words),
        *_in_extent(words),
    ]


def route_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 21)))
    return [*_lengths(words), *_lengths_in_zones(words), *_crossing(words)]


def parcel_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 22)))
    return [*_parcel_areas(words), *_parcel_counts(words), *_largest(words)]


def _count_is(value: int) -> object:
    return lambda result: assert_first(result, value, name="count")


def _inside(scene: Scene, sites: list[Site], name: str) -> list[Site]:
    mask = truth.zone_mask(scene, name)
    return [site for site in sites if truth.touches(site, mask, scene)]


def _counts(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.sites
    for template in COUNT:
        noun, sites = words.facility()
        yield Case(words.ask(template, kinds=noun.many), _count_is(len(sites)))
    for template in COUNT_ALL:
        yield Case(words.ask(template), _count_is(len(layer.features)), (layer.path,) if scene.seed % 2 else ())
    by_kind = {kind: len(layer.where(layer.class_column, kind)) for kind in layer.values(layer.class_column)}
    for template in COUNT_BY_KIND:
        yield Case(words.ask(template), lambda r: assert_reads(r, dict(by_kind), name="count"), (layer.path,) if scene.seed % 2 else ())


def _counts_in_zones(words: Words) -> Iterator[Case]:
    scene = words.scene
    for template in COUNT_IN_ONE:
        (noun, sites), name = words.facility(), words.zone()
        yield Case(words.ask(template, kinds=noun.many, name=name), _count_is(len(_inside(scene, sites, name))))
    for template in COUNT_BY_ZONE:
        noun, sites = words.facility()
        counts = {name: len(inside) for name in scene.zone_names() if (inside := _inside(scene, sites, name))}
        if counts:
            yield Case(words.ask(template, kinds=noun.many), lambda r, c=counts: assert_reads(r, dict(c), name="count"))


def _which(words: Words) -> Iterator[Case]:
    scene = words.scene
    everyone = [site.columns["name"] for site in scene.sites.features]
    for template in WHICH_IN_ONE:
        noun, sites = words.facility()
        found = {name: inside for name in scene.zone_names() if (inside := _inside(scene, sites, name))}
        if not found:
            continue
        name = pick(words.rng, list(found))
        names = [site.columns["name"] for site in found[name]]
        yield Case(words.ask(template, kinds=noun.many, name=name), lambda r, n=names: assert_names(r, n, everyone))


def _holds(operator: str, value: float, limit: float) -> bool:
    return {">": value > limit, ">=": value >= limit, "<": value < limit}[operator]


def _attributes(words: Words) -> Iterator[Case]:
    layer, rng = words.scene.sites, words.rng
    everyone = [site.columns["name"] for site in layer.features]
    for template in (*COUNT_BY_NUMBER, *WHICH_BY_NUMBER):
        noun, sites = words.facility()
        among = sites if template in WHICH_BY_NUMBER else list(layer.features)
        limit = int(pick(rng, [site.columns[layer.number_column] for site in among]))
        text, operator = pick(rng, NUMBER_OPS)
        found = [site for site in among if _holds(operator, site.columns[layer.number_column], limit)]
        question = words.ask(template, kinds=noun.many, op=text.format(v=limit))
        if template in COUNT_BY_NUMBER:
            yield Case(question, _count_is(len(found)))
        elif found:
            names = [site.columns["name"] for site in found]
            yield Case(question, lambda r, n=names: assert_names(r, n, everyone))


def _sums(words: Words) -> Iterator[Case]:
    column = words.scene.sites.number_column
    for template in (*SUM, *MEAN):
        noun, sites = words.facility()
        total = sum(site.columns[column] for site in sites)
        value = total / len(sites) if template in MEAN else total
        yield Case(words.ask(template, kinds=noun.many), lambda r, v=value: assert_first(r, v))


def _spoken(distance: float) -> str:
    return f"{distance / 1000:.12g} km" if distance >= 1000 else f"{distance:.12g} m"


def _near(words: Words) -> Iterator[Case]:
    scene, rng = words.scene, words.rng
    everyone = [site.columns["name"] for site in scene.sites.features]
    for template in NEAR_ROUTE:
        (noun, sites), route = words.facility(), pick(rng, scene.routes.features)
        yield from _within_case(words, template, noun, sites, [route], everyone, route=route.columns["name"])
    for template in WHICH_NEAR_ROUTES:
        (noun, sites), value = words.facility(), pick(rng, scene.routes.values(scene.routes.class_column))
        routes = scene.routes.where(scene.routes.class_column, value)
        yield from _within_case(words, template, noun, sites, routes, everyone, route_class=value.lower())
    for template in NEAR_SITE:
        noun, sites = words.facility()
        other = pick(rng, [site for site in scene.sites.features if site not in sites])
        yield from _within_case(words, template, noun, sites, [other], everyone, site=other.columns["name"])


def _within_case(
    words: Words, template: str, noun: Noun, sites: list[Site], others: list[Site | Route], everyone: list[str], **slots: str
) -> Iterator[Case]:
    """Ask for sites within a distance at which nothing is in doubt and something is found."""
    distances = [min(truth.distances_m(words.scene, site, others)) for site in sites]
    limit = truth.clear_distance_m(distances, words.rng.uniform(0.2, 0.7))
    found = [site.columns["name"] for site, distance in zip(sites, distances, strict=True) if distance < limit]
    question = words.ask(template, kinds=noun.many, d=_spoken(limit), **slots)
    if "How many" in template:
        yield Case(question, _count_is(len(found)))
    elif found:
        candidates = [name for name in everyone if name != slots.get("site")]
        yield Case(question, lambda r: assert_names(r, found, candidates))


def _in_extent(words: Words) -> Iterator[Case]:
    scene = words.scene
    mask = truth.mask_of(scene, scene.extent.features)
    for template in IN_EXTENT:
        noun, sites = words.facility()
        count = sum(truth.touches(site, mask, scene) for site in sites)
        yield Case(words.ask(template, kinds=noun.many), _count_is(count))


def _lengths(words: Words) -> Iterator[Case]:
    scene, layer, rng = words.scene, words.scene.routes, words.rng
    for template in (*LENGTH, *LENGTH_IN_UNIT):
        value, (text, unit) = pick(rng, layer.values(layer.class_column)), pick(rng, phrases.LENGTH_UNITS)
        length = truth.length_m(scene, layer.where(layer.class_column, value))
        asked = unit if "{unit}" in template else None
        question = words.ask(template, route_class=value.lower(), unit=text)
        yield Case(question, lambda r, v=length, u=asked: assert_first(r, v, name="length", unit=u))
    everything = truth.length_m(scene, layer.features)
    for template in LENGTH_ALL:
        yield Case(words.ask(template), lambda r: assert_first(r, everything, name="length"), (layer.path,) if scene.seed % 2 else ())
    by_class = {value: truth.length_m(scene, layer.where(layer.class_column, value)) for value in layer.values(layer.class_column)}
    for template in LENGTH_BY_CLASS:
        yield Case(words.ask(template), lambda r: assert_reads(r, dict(by_class), name="length"), (layer.path,) if scene.seed % 2 else ())


def _lengths_in_zones(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.routes
    lengths = {name: truth.length_m(scene, layer.features, truth.zone_mask(scene, name)) for name in scene.zone_names()}
    crossed = {name: length for name, length in lengths.items() if length > 0}
    for template in LENGTH_IN_ONE if crossed else ():
        name, (text, unit) = pick(words.rng, list(crossed)), pick(words.rng, phrases.LENGTH_UNITS)
        asked = unit if "{unit}" in template else None
        question = words.ask(template, name=name, unit=text)
        yield Case(question, lambda r, v=crossed[name], u=asked: assert_first(r, v, name="length", unit=u))
    for template in LENGTH_BY_ZONE if crossed else ():
        text, unit = pick(words.rng, phrases.LENGTH_UNITS)
        asked = unit if "{unit}" in template else None
        yield Case(words.ask(template, unit=text), lambda r, u=asked: assert_reads(r, dict(crossed), name="length", unit=u))


def _crossing(words: Words) -> Iterator[Case]:
    scene = words.scene
    everyone = [route.columns["name"] for route in scene.routes.features]
    found = {
        name: [route for route in scene.routes.features if truth.touches(route, truth.zone_mask(scene, name), scene)]
        for name in scene.zone_names()
    }
    crossed = [name for name, routes in found.items() if routes]
    for template in CROSSING if crossed else ():
        name = pick(words.rng, crossed)
        names = [route.columns["name"] for route in found[name]]
        yield Case(words.ask(template, name=name), lambda r, n=names: assert_names(r, n, everyone))


def _parcel_areas(words: Words) -> Iterator[Case]:
    scene, layer, rng = words.scene, words.scene.parcels, words.rng
    for template in (*AREA_OF_CLASS, *AREA_OF_CLASS_IN_UNIT):
        value, (text, unit) = pick(rng, layer.values(layer.class_column)), pick(rng, phrases.AREA_UNITS)
        area = truth.area_m2(scene, layer.where(layer.class_column, value))
        asked = unit if "{unit}" in template else None
        question = words.ask(template, value=value.lower(), unit=text)
        yield Case(question, lambda r, v=area, u=asked: assert_first(r, v, name="area", unit=u))
    by_class = {value: truth.area_m2(scene, layer.where(layer.class_column, value)) for value in layer.values(layer.class_column)}
    for template in AREA_BY_CLASS:
        yield Case(words.ask(template), lambda r: assert_reads(r, dict(by_class), name="area"))


def _parcel_counts(words: Words) -> Iterator[Case]:
    scene, layer, rng = words.scene, words.scene.parcels, words.rng
    for template in COUNT_OF_CLASS:
        value = pick(rng, layer.values(layer.class_column))
        yield Case(words.ask(template, value=value.lower()), _count_is(len(layer.where(layer.class_column, value))))
    areas = [truth.area_m2(scene, [parcel]) for parcel in layer.features]
    for template in LARGER:
        limit = float(f"{np.quantile(areas, rng.uniform(0.3, 0.8)) / 1e4:.2g}")
        if all(abs(area - limit * 1e4) > 1e-3 * area for area in areas):
            yield Case(words.ask(template, x=f"{limit:.12g}"), _count_is(sum(area > limit * 1e4 for area in areas)))
    mask = truth.mask_of(scene, scene.extent.features)
    for template in TOUCHING:
        yield Case(words.ask(template), _count_is(sum(truth.touches(parcel, mask, scene) for parcel in layer.features)))


def _largest(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.parcels
    areas = {parcel.columns["code"]: truth.area_m2(scene, [parcel]) for parcel in layer.features}
    order = sorted(areas, key=lambda code: -areas[code])
    if any(areas[a] - areas[b] < 1e-3 * areas[a] for a, b in zip(order[:3], order[1:4], strict=True)):
        return
    for template in LARGEST:
        best = order[:3] if "3" in template else order[:1]

        def check(result: RunResult, best: list[str] = best) -> None:
            assert_answered(result)
            assert_names(result, best, areas)
            assert_order(result, best)
            assert_first(result, areas[best[0]], name="area")

        yield Case(words.ask(template), check)


@each_seed
def test_points_are_counted_listed_and_summed_by_attribute_and_place(seed: int, everything: bool) -> None:
    try_cases(site_cases, seed, everything)


@each_seed
def test_lines_are_measured_by_attribute_and_place(seed: int, everything: bool) -> None:
    try_cases(route_cases, seed, everything)


@each_seed
def test_polygons_are_counted_measured_and_ranked_by_attribute_and_place(seed: int, everything: bool) -> None:
    try_cases(parcel_cases, seed, everything)
