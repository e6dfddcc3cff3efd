"""The nearest features and how far they are, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from agent.api import RunResult
from asking import assert_first, assert_names, assert_order, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_scene import Route, Scene, Site
from generated_words import FACILITIES, Noun, pick

TO_NAMED = (
    "What is the nearest {kind} to {name}?",
    "Which {kind} is closest to {name}?",
    "nearest {kind} to {name}",
    "Find the {kind} nearest to {name}.",
    "Where is the closest {kind} to {name}?",
    "closest {kind} to {name}?",
    "Which {kind} lies nearest to {name}?",
)
HOW_FAR = (
    "How far is {name} from the nearest {kind}?",
    "distance from {name} to the nearest {kind}",
    "What is the distance between {name} and the closest {kind}, in {unit}?",
    "How far is it from {name} to the nearest {kind} in {unit}?",
    "distance to the closest {kind} from {name} in {unit}",
)
THREE = (
    "What are the 3 nearest {kinds} to {name}?",
    "3 closest {kinds} to {name}",
    "Find the three {kinds} nearest to {name}",
    "Give me the three closest {kinds} to {name}",
)
FOR_EACH = ("For each {kind}, find the nearest {other}", "nearest {other} to each {kind}", "What is the nearest {other} for every {kind}?")
FOR_EACH_IN_UNIT = (
    "For each {kind}, how far is the nearest {other}, in {unit}?",
    "distance from each {kind} to the nearest {other} in {unit}",
)
TO_ROUTE = (
    "Which {route_noun} is nearest to {name}?",
    "nearest {route_noun} to {name}",
    "How far is {name} from the nearest {route_noun}?",
)
TO_ROUTE_CLASS = ("How far is {name} from the nearest {route_class} {route_noun}?", "nearest {route_class} {route_noun} to {name}")


def site_to_site_cases(scene: Scene) -> list[Case]:
    rng = np.random.default_rng((scene.seed, 40))
    return [*_to_named(scene, rng), *_three(scene, rng), *_for_each(scene, rng)]


def site_to_route_cases(scene: Scene) -> list[Case]:
    return [*_to_route(scene, np.random.default_rng((scene.seed, 41)))]


def _kind(scene: Scene, rng: np.random.Generator) -> tuple[Noun, list[Site]]:
    layer = scene.sites
    value = pick(rng, layer.values(layer.class_column))
    return next(noun for noun in FACILITIES if noun.one == value.lower()), layer.where(layer.class_column, value)


def _names(features: Sequence[Any]) -> list[str]:
    return [feature.columns["name"] for feature in features]


def _is_nearest(scene: Scene, site: Site, others: Sequence[Site | Route], unit: str | None = None) -> object:
    """Check that the nearest of the others is the only one named, with its distance."""
    distance, best = truth.nearest(scene, site, others)[0]

    def check(result: RunResult) -> None:
        assert_names(result, [best.columns["name"]], _names(others))
        assert_first(result, distance, name="distance", unit=unit)

    return check


def _to_named(scene: Scene, rng: np.random.Generator) -> Iterator[Case]:
    for template in (*TO_NAMED, *HOW_FAR):
        noun, others = _kind(scene, rng)
        site = pick(rng, [site for site in scene.sites.features if site not in others])
        text, unit = pick(rng, phrases.LENGTH_UNITS)
        asked = unit if "{unit}" in template else None
        question = template.format(kind=noun.one, name=site.columns["name"], unit=text)
        yield Case(question, _is_nearest(scene, site, others, asked))


def _three(scene: Scene, rng: np.random.Generator) -> Iterator[Case]:
    for template in THREE:
        noun, others = _kind(scene, rng)
        if len(others) < 4:
            continue
        site = pick(rng, [site for site in scene.sites.features if site not in others])
        ranked = truth.nearest(scene, site, others, 3)
        best = {other.columns["name"]: distance for distance, other in ranked}

        def check(result: RunResult, best: dict[str, float] = best, others: list[Site] = others) -> None:
            assert_names(result, best, _names(others))
            assert_order(result, list(best))
            assert_reads(result, dict(best), name="distance")

        yield Case(template.format(kinds=noun.many, name=site.columns["name"]), check)


def _for_each(scene: Scene, rng: np.random.Generator) -> Iterator[Case]:
    for template in (*FOR_EACH, *FOR_EACH_IN_UNIT):
        noun, sites = _kind(scene, rng)
        other, others = _kind(scene, rng)
        if other == noun:
            continue
        text, unit = pick(rng, phrases.LENGTH_UNITS)
        pairs = {}
        for site in sites:
            distance, best = truth.nearest(scene, site, others)[0]
            pairs[site.columns["name"], best.columns["name"]] = distance
        asked = unit if "{unit}" in template else None
        question = template.format(kind=noun.one, other=other.one, unit=text)
        yield Case(question, lambda r, p=pairs, u=asked: assert_reads(r, dict(p), name="distance", unit=u))


def _to_route(scene: Scene, rng: np.random.Generator) -> Iterator[Case]:
    layer = scene.routes
    for template in (*TO_ROUTE, *TO_ROUTE_CLASS):
        site, value = pick(rng, scene.sites.features), pick(rng, layer.values(layer.class_column))
        routes = layer.where(layer.class_column, value) if "{route_class}" in template else layer.features
        question = template.format(name=site.columns["name"], route_noun=layer.noun.one, route_class=value.lower())
        yield Case(question, _is_nearest(scene, site, routes))


@each_seed
def test_nearest_points_are_right_with_their_distances(seed: int, everything: bool) -> None:
    try_cases(site_to_site_cases, seed, everything)


@each_seed
def test_nearest_lines_are_right_with_their_distances(seed: int, everything: bool) -> None:
    try_cases(site_to_route_cases, seed, everything)
