"""Several conditions at once, superlatives, exclusions and sums of features, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from agent.api import RunResult
from asking import assert_answered, assert_first, assert_names, assert_reads, readings
from generated_agents import Case, each_seed, try_cases
from generated_questions import Words, count_is
from generated_scene import Scene, Site
from generated_words import pick

BOTH = (
    "How many {kinds} in {name} have a {number} above {v}?",
    "How many {kinds} with {number} above {v} are in {name}?",
    "number of {kinds} inside {name} with {number} greater than {v}",
)
BOTH_IN_EXTENT = (
    "How many {kinds} with a {number} of at least {v} lie inside the {extent}?",
    "number of {kinds} in the {extent} with {number} >= {v}",
)
NEAR_IN_ZONE = (
    "How many {kinds} in {name} are within {d} of a {route_class} {route_noun}?",
    "How many {kinds} are in {name} and within {d} of a {route_class} {route_noun}?",
)
OUTSIDE = (
    "How many {kinds} are outside the {extent}?",
    "number of {kinds} not inside the {extent}",
    "How many {kinds} lie outside the {extent}?",
)
NOT_OF_KIND = ("How many {sites} are not {kinds}?", "How many {sites} other than {kinds} are there?")
TWO_KINDS = ("How many {kinds} and {others} are there in {name}?", "How many {kinds} or {others} are in {name}?")
HIGHEST = ("Which {kind} has the highest {number}?", "the {kind} with the largest {number}", "Which {kind} has the most {number}?")
LOWEST = ("Which {kind} has the lowest {number}?", "{kind} with the smallest {number}")
EXTREME = ("What is the maximum {number} of the {kinds}?", "highest {number} among the {kinds}")
MEAN_BY_KIND = (
    "average {number} by {kind_column}",
    "mean {number} of the {sites} for each {kind_column}",
    "What is the average {number} per {kind_column}?",
)
SUM_BY_ZONE = (
    "total {number} of the {kinds} by {zone}",
    "sum of {number} of {kinds} in each {zone}",
    "What is the total {number} of {kinds} per {zone}?",
)
MOST = ("Which {zone} has the most {kinds}?", "In which {zone} are the most {kinds}?", "the {zone} with the largest number of {kinds}")
NONE = ("Which {zones} have no {kinds}?", "{zones} without {kinds}")

PARCEL_NUMBER = (
    "How many {value} {parcels} have a {parcel_number} above {v}?",
    "number of {value} {parcels} with {parcel_number} over {v}",
)
PARCEL_SUM = ("total {parcel_number} of the {value} {parcels}", "What is the sum of {parcel_number} of all {value} {parcels}?")
INSIDE_COMPLETELY = ("How many {parcels} lie completely inside the {extent}?", "number of {parcels} entirely within the {extent}")
SHARE_INSIDE = ("What share of the {value} {parcels} is inside the {extent}?", "percentage of {value} {parcels} within the {extent}")
LONGEST = ("Which {route_noun} is the longest?", "longest {route_noun}", "What is the longest {route_noun}?")
LONGER = (
    "How many {routes} are longer than {x} km?",
    "number of {routes} with a length above {x} km",
    "How many {routes} are over {x} km long?",
)
ROUTES_INSIDE = (
    "What length of {routes} lies inside the {extent}?",
    "length of {routes} within the {extent}",
    "How many km of {routes} are inside the {extent}?",
)


def site_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 90)))
    return [*_both(words), *_near(words), *_excluded(words), *_extremes(words), *_by_zone(words)]


def other_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 91)))
    return [*_parcels(words), *_routes(words)]


def _inside(scene: Scene, sites: list[Site], name: str) -> list[Site]:
    mask = truth.zone_mask(scene, name)
    return [site for site in sites if truth.touches(site, mask, scene)]


def _both(words: Words) -> Iterator[Case]:
    scene, column = words.scene, words.scene.sites.number_column
    extent = truth.mask_of(scene, scene.extent.features)
    for template in (*BOTH, *BOTH_IN_EXTENT):
        (noun, sites), name = words.facility(), words.zone()
        limit = int(np.median([site.columns[column] for site in sites])) + (template in BOTH_IN_EXTENT)
        big = [site for site in sites if site.columns[column] > limit or (template in BOTH_IN_EXTENT and site.columns[column] == limit)]
        found = [site for site in big if truth.touches(site, extent, scene)] if template in BOTH_IN_EXTENT else _inside(scene, big, name)
        yield Case(words.ask(template, kinds=noun.many, name=name, v=limit), count_is(len(found)))


def _near(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.routes
    for template in NEAR_IN_ZONE:
        (noun, sites), name = words.facility(), words.zone()
        value = pick(words.rng, [value for value in layer.values(layer.class_column) if value[0].lower() not in "aeiou"])
        routes = layer.where(layer.class_column, value)
        distances = [min(truth.distances_m(scene, site, routes)) for site in sites]
        limit = truth.clear_distance_m(distances, 0.6)
        near = [site for site, distance in zip(sites, distances, strict=True) if distance < limit]
        question = words.ask(template, kinds=noun.many, name=name, d=f"{limit:.12g} m", route_class=value.lower())
        yield Case(question, count_is(len(_inside(scene, near, name))))


def _excluded(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.sites
    extent = truth.mask_of(scene, scene.extent.features)
    for template in OUTSIDE:
        noun, sites = words.facility()
        yield Case(words.ask(template, kinds=noun.many), count_is(sum(not truth.touches(site, extent, scene) for site in sites)))
    for template in NOT_OF_KIND:
        noun, sites = words.facility()
        yield Case(words.ask(template, kinds=noun.many), count_is(len(layer.features) - len(sites)))
    for template in TWO_KINDS:
        (noun, sites), (other, others), name = words.facility(), words.facility(), words.zone()
        if noun != other:
            count = len(_inside(scene, sites, name)) + len(_inside(scene, others, name))
            question = words.ask(template, kinds=noun.many, others=other.many, name=name)
            yield Case(question, lambda r, c=count: _assert_sum_or_parts(r, c))


def _assert_sum_or_parts(result: RunResult, count: int) -> None:
    """Two kinds may be counted together or one by one; the numbers must add up."""
    assert_answered(result)
    counts = [reading.value for reading in readings(result) if reading.name == "count" and "searched" not in reading.subject]
    assert count in (counts[0], sum(counts[:2])), result.answer


def _extremes(words: Words) -> Iterator[Case]:
    column = words.scene.sites.number_column
    for template in (*HIGHEST, *LOWEST, *EXTREME):
        noun, sites = words.facility()
        order = sorted(sites, key=lambda site: site.columns[column], reverse=template not in LOWEST)
        if order[0].columns[column] == order[1].columns[column]:
            continue
        best, names = order[0].columns["name"], [site.columns["name"] for site in sites]
        question = words.ask(template, kind=noun.one, kinds=noun.many)
        if template in EXTREME:
            yield Case(question, lambda r, v=order[0].columns[column]: assert_first(r, v))
        else:
            yield Case(question, lambda r, best=best, names=names: assert_names(r, [best], names))


def _by_zone(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.sites
    means = {
        kind: float(np.mean([site.columns[layer.number_column] for site in layer.where(layer.class_column, kind)]))
        for kind in layer.values(layer.class_column)
    }
    for template in MEAN_BY_KIND:
        yield Case(words.ask(template), lambda r: assert_reads(r, dict(means)))
    for template in (*SUM_BY_ZONE, *MOST, *NONE):
        noun, sites = words.facility()
        inside = {name: _inside(scene, sites, name) for name in (*scene.zone_names(), scene.outside)}
        sums = {name: sum(site.columns[layer.number_column] for site in found) for name, found in inside.items() if found}
        counts = {name: float(len(found)) for name, found in inside.items()}
        question = words.ask(template, kinds=noun.many)
        if template in SUM_BY_ZONE and sums:
            yield Case(question, lambda r, s=sums: assert_reads(r, dict(s)))
        elif template in MOST and phrases.has_clear_first(counts):
            best = phrases.ranked(counts)[0]
            yield Case(question, lambda r, v=counts[best], best=best: (assert_first(r, v, name="count"), assert_names(r, [best], [best])))
        elif template in NONE and 0 in counts.values() and len(inside) == len(scene.zones.features):
            none = [name for name, count in counts.items() if count == 0]
            yield Case(question, lambda r, none=none, inside=inside: assert_names(r, none, inside))


def _parcels(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.parcels
    extent = truth.mask_of(scene, scene.extent.features)
    for template in (*PARCEL_NUMBER, *PARCEL_SUM, *SHARE_INSIDE):
        value = pick(words.rng, layer.values(layer.class_column))
        parcels = layer.where(layer.class_column, value)
        numbers = [number for parcel in parcels if (number := parcel.columns[layer.number_column]) is not None]
        if not numbers:
            continue
        limit = int(np.median(numbers))
        question = words.ask(template, value=value.lower(), parcel_number=layer.number_column, v=limit)
        if template in PARCEL_NUMBER:
            yield Case(question, count_is(sum(number > limit for number in numbers)))
        elif template in PARCEL_SUM:
            yield Case(question, lambda r, numbers=numbers: assert_first(r, sum(numbers)))
        elif area := truth.area_m2(scene, parcels, extent):
            share = 100 * area / truth.area_m2(scene, parcels)
            yield Case(question, lambda r, v=share: assert_first(r, v, unit="%", name="share"))
    for template in INSIDE_COMPLETELY:
        yield Case(words.ask(template), count_is(sum(truth.lies_inside(parcel, extent, scene) for parcel in layer.features)))


def _routes(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.routes
    lengths = {route.columns["name"]: truth.length_m(scene, [route]) for route in layer.features}
    for template in LONGEST if phrases.has_clear_first(lengths) else ():
        best = phrases.ranked(lengths)[0]
        yield Case(
            words.ask(template), lambda r, best=best: (assert_names(r, [best], lengths), assert_first(r, lengths[best], name="length"))
        )
    for template in LONGER:
        limit = float(f"{np.quantile(list(lengths.values()), 0.5) / 1e3:.2g}")
        if all(abs(length - limit * 1e3) > 1e-3 * length for length in lengths.values()):
            yield Case(words.ask(template, x=f"{limit:.12g}"), count_is(sum(length > limit * 1e3 for length in lengths.values())))
    inside = truth.length_m(scene, layer.features, truth.mask_of(scene, scene.extent.features))
    for template in ROUTES_INSIDE if inside else ():
        yield Case(words.ask(template), lambda r: assert_first(r, inside, name="length"))


@each_seed
def test_points_under_several_conditions_are_right(seed: int, everything: bool) -> None:
    try_cases(site_cases, seed, everything)


@each_seed
def test_polygons_and_lines_under_several_conditions_are_right(seed: int, everything: bool) -> None:
    try_cases(other_cases, seed, everything)
