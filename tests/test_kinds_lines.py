"""Which lines, and how long they are, by attribute and place, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from asking import assert_first, assert_names, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_questions import Words
from generated_scene import Scene
from generated_words import pick

LENGTH = (
    "What is the total length of the {route_class} {routes}?",
    "total length of {route_class} {routes}",
    "How long are the {route_class} {routes}?",
    "combined length of the {route_class} {routes}",
    "What length of {route_class} {routes} is there?",
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


def route_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 21)))
    return [*_lengths(words), *_lengths_in_zones(words), *_crossing(words)]


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


@each_seed
def test_lines_are_measured_by_attribute_and_place(seed: int, everything: bool) -> None:
    try_cases(route_cases, seed, everything)
