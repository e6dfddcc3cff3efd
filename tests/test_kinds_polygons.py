"""How many, which, and the area of polygons by attribute, size and place, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from agent.api import RunResult
from asking import assert_answered, assert_first, assert_names, assert_order, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_questions import Words, count_is
from generated_scene import Scene
from generated_words import pick

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


def parcel_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 22)))
    return [*_parcel_areas(words), *_parcel_counts(words), *_largest(words)]


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
        yield Case(words.ask(template, value=value.lower()), count_is(len(layer.where(layer.class_column, value))))
    areas = [truth.area_m2(scene, [parcel]) for parcel in layer.features]
    for template in LARGER:
        limit = float(f"{np.quantile(areas, rng.uniform(0.3, 0.8)) / 1e4:.2g}")
        if all(abs(area - limit * 1e4) > 1e-3 * area for area in areas):
            yield Case(words.ask(template, x=f"{limit:.12g}"), count_is(sum(area > limit * 1e4 for area in areas)))
    mask = truth.mask_of(scene, scene.extent.features)
    for template in TOUCHING:
        yield Case(words.ask(template), count_is(sum(truth.touches(parcel, mask, scene) for parcel in layer.features)))


def _largest(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.parcels
    areas = {parcel.columns["code"]: truth.area_m2(scene, [parcel]) for parcel in layer.features}
    order = sorted(areas, key=lambda code: -areas[code])
    if any(areas[a] - areas[b] < 1e-3 * areas[a] for a, b in pairwise(order[:4])):
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
def test_polygons_are_counted_measured_and_ranked_by_attribute_and_place(seed: int, everything: bool) -> None:
    try_cases(parcel_cases, seed, everything)
