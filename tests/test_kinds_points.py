"""How many, which, and the sum of points with an attribute or in a place, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import generated_truth as truth
from asking import assert_first, assert_names, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_questions import Words, count_is
from generated_scene import Route, Scene, Site
from generated_words import Noun, pick

COUNT = (
    "How many {kinds} are there?",
    "number of {kinds}",
    "Count the {kinds}",
    "how many {kinds} do we have?",
    "total number of {kinds}",
    "What is the number of {kinds}?",
)
COUNT_IN_ONE = (
    "How many {kinds} are in {name}?",
    "number of {kinds} in {name}",
    "How many {kinds} lie inside {name}?",
    "Count the {kinds} within {name}.",
    "Number of {kinds} located in {name}?",
    "{kinds} in {name}: how many?",
    "What is the number of {kinds} inside {name}?",
)
COUNT_BY_ZONE = (
    "How many {kinds} are there in each {zone}?",
    "{kinds} per {zone}",
    "number of {kinds} by {zone}",
    "Count {kinds} by {zone}",
    "What is the count of {kinds} per {zone}?",
    "For each {zone}, how many {kinds} does it have?",
)
WHICH_IN_ONE = (
    "Which {kinds} are in {name}?",
    "List all {kinds} in {name}",
    "list the {kinds} inside {name}",
    "What {kinds} are located in {name}?",
    "Name the {kinds} in {name}",
    "Show the {kinds} within {name}",
)
COUNT_ALL = ("How many {sites} are there?", "number of {sites}", "How many {sites} are there in total?")
COUNT_BY_KIND = ("How many {sites} are there of each {kind_column}?", "number of {sites} by {kind_column}", "{sites} by {kind_column}")
COUNT_BY_NUMBER = ("How many {sites} have a {number} {op}?", "number of {sites} with {number} {op}", "How many {sites} have {number} {op}?")
WHICH_BY_NUMBER = ("Which {kinds} have a {number} {op}?", "List {kinds} with {number} {op}", "Show all {kinds} whose {number} is {op}")
SUM = (
    "What is the total {number} of all {kinds}?",
    "total {number} of {kinds}",
    "sum of {number} of the {kinds}",
    "Add up the {number} of all {kinds}",
)
MEAN = ("What is the average {number} of the {kinds}?", "mean {number} of {kinds}", "average {number} across all {kinds}")
NUMBER_OPS = (("above {v}", ">"), ("greater than {v}", ">"), ("of at least {v}", ">="), ("below {v}", "<"), ("of more than {v}", ">"))

NEAR_ROUTE = (
    "How many {kinds} are within {d} of {route}?",
    "How many {kinds} lie less than {d} from {route}?",
    "number of {kinds} closer than {d} to {route}",
)
WHICH_NEAR_ROUTES = (
    "Which {kinds} are within {d} of {article} {route_class} {route_noun}?",
    "List the {kinds} within {d} of {article} {route_class} {route_noun}",
)
NEAR_SITE = (
    "Which {kinds} are within {d} of {site}?",
    "How many {kinds} are there within {d} of {site}?",
    "How many {kinds} are there in a radius of {d} around {site}?",
)
IN_EXTENT = (
    "How many {kinds} are inside the {extent}?",
    "How many {kinds} are in the {extent}?",
    "number of {kinds} within the {extent}",
    "How many {kinds} fall within the {extent}?",
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


def _inside(scene: Scene, sites: list[Site], name: str) -> list[Site]:
    mask = truth.zone_mask(scene, name)
    return [site for site in sites if truth.touches(site, mask, scene)]


def _counts(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.sites
    for template in COUNT:
        noun, sites = words.facility()
        yield Case(words.ask(template, kinds=noun.many), count_is(len(sites)))
    for template in COUNT_ALL:
        yield Case(words.ask(template), count_is(len(layer.features)), (layer.path,) if scene.seed % 2 else ())
    by_kind = {kind: len(layer.where(layer.class_column, kind)) for kind in layer.values(layer.class_column)}
    for template in COUNT_BY_KIND:
        yield Case(words.ask(template), lambda r: assert_reads(r, dict(by_kind), name="count"), (layer.path,) if scene.seed % 2 else ())


def _counts_in_zones(words: Words) -> Iterator[Case]:
    scene = words.scene
    for template in COUNT_IN_ONE:
        (noun, sites), name = words.facility(), words.zone()
        yield Case(words.ask(template, kinds=noun.many, name=name), count_is(len(_inside(scene, sites, name))))
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
            yield Case(question, count_is(len(found)))
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
        yield from _within_case(
            words, template, noun, sites, routes, everyone, route_class=value.lower(), article="an" if value[0] in "aeiouAEIOU" else "a"
        )
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
    if template.startswith(("How many", "number")):
        yield Case(question, count_is(len(found)))
    elif found:
        candidates = [name for name in everyone if name != slots.get("site")]
        yield Case(question, lambda r: assert_names(r, found, candidates))


def _in_extent(words: Words) -> Iterator[Case]:
    scene = words.scene
    mask = truth.mask_of(scene, scene.extent.features)
    for template in IN_EXTENT:
        noun, sites = words.facility()
        count = sum(truth.touches(site, mask, scene) for site in sites)
        yield Case(words.ask(template, kinds=noun.many), count_is(count))


@each_seed
def test_points_are_counted_listed_and_summed_by_attribute_and_place(seed: int, everything: bool) -> None:
    try_cases(site_cases, seed, everything)
