"""Areas of a class, or above, below and between thresholds, by zone or in total, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from asking import assert_first, assert_order, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_scene import Scene
from generated_words import pick

CLASS_BY_ZONE = (
    "How much {c} is there in each {zone}?",
    "area of {c} by {zone}",
    "What is the area of {c} in every {zone}?",
    "{c} area per {zone}",
    "For each {zone}, how much {c} does it have?",
    "Show me the extent of {c} by {zone}",
    "Break down the area of {c} by {zone}.",
    "Tabulate {c} area across the {zones}",
    "Could you tell me how much {c} each {zone} contains?",
    "Summarise {c} by {zone}",
    "how large is the {c} area in each of the {zones}?",
    "split the {c} area by {zone}",
)
CLASS_BY_ZONE_IN_UNIT = (
    "What is the area of {c} in every {zone}, in {unit}?",
    "Compute the area of {c} per {zone} in {unit}.",
    "{c} area per {zone}, {unit}",
    "How many {unit} of {c} are there in each {zone}?",
    "how many {unit} of {c} does each {zone} have",
    "I need the {c} area of each {zone} in {unit}",
    "Area covered by {c}, per {zone}, in {unit}",
    "Estimate the extent of {c} (in {unit}) for each {zone}",
)
CLASS_RANKED = (
    "List the {zones} by {c} area, largest first",
    "Rank the {zones} by their area of {c}",
    "rank {zones} by {c} area",
    "Sort the {zones} by area of {c}, descending",
    "order the {zones} by how much {c} they have, most first",
)
CLASS_RANKED_UP = ("{zones} by {c} area, smallest first", "Sort the {zones} by area of {c} in ascending order")
CLASS_FIRST = (
    "Which {zone} has the most {c}?",
    "Which {zone} has the largest area of {c}?",
    "which {zone} contains the most {c}?",
    "In which {zone} is there the most {c}?",
    "the {zone} with the largest {c} area",
)
CLASS_IN_ONE = (
    "How much {c} is there in {name}?",
    "area of {c} in {name}",
    "How much {c} lies inside {name}?",
    "What area of {name} is {c}?",
    "In {name}, what is the area of {c}?",
    "How big is the {c} area in {name}?",
    "what's the extent of {c} within {name}",
    "{name}: how much {c}?",
)
SHARE_IN_ONE = ("What percentage of {name} is {c}?", "share of {c} in {name}", "What proportion of {name} is covered by {c}?")
CLASS_IN_ONE_IN_UNIT = (
    "How many {unit} of {c} are in {name}?",
    "{c} in {name}, in {unit}?",
    "Tell me the area of {c} inside {name} in {unit}.",
)
CLASS_TOTAL = (
    "What is the total area of {c}?",
    "How much {c} is there overall?",
    "area of {c}",
    "How much {c} is there?",
    "How large an area does {c} cover?",
    "overall extent of {c}",
)
CLASS_TOTAL_IN_UNIT = (
    "How many {unit} of {c} are there?",
    "total {c} area in {unit}",
    "What is the area of {c} in {unit}?",
    "How many {unit} does {c} cover?",
)
ALL_CLASSES = (
    "What is the area of each {theme} class?",
    "area of every {theme} class",
    "{theme} classes by area",
    "area by {theme} class",
    "{theme} breakdown by area",
)
ALL_IN_ONE = (
    "What is the area of each {theme} class in {name}?",
    "How much of each {theme} class is there in {name}?",
    "{theme} composition of {name}",
)

VALUE_TOTAL = (
    "What area has {t} {op}?",
    "Total area with {t} {op}",
    "area where {t} is {op}",
    "How much land has a {t} {op}?",
    "extent of {t} {op}",
    "How large is the area with a {t} {op}?",
)
VALUE_TOTAL_IN_UNIT = ("How many {unit} have a {t} {op}?", "What is the area with {t} {op}, in {unit}?")
VALUE_BY_ZONE = (
    "area where the {t} is {op} by {zone}",
    "area with {t} {op} in each {zone}",
    "For each {zone}, what area has {t} {op}?",
    "Extent of {t} {op} by {zone}",
)
VALUE_BY_ZONE_IN_UNIT = ("{t} {op}: area per {zone} in {unit}", "How many {unit} of each {zone} have {t} {op}?")
VALUE_IN_ONE = ("What area of {name} has {t} {op}?", "In {name}, what area has {t} {op}?", "area with {t} {op} in {name}")
VALUE_FIRST = ("Which {zone} has the most land with {t} {op}?", "Which {zone} has the largest area with {t} {op}?")


def class_cases(scene: Scene) -> list[Case]:
    return [*_by_zone(scene), *_ranked(scene), *_in_one(scene), *_share_in_one(scene), *_total(scene), *_all_classes(scene)]


def value_cases(scene: Scene) -> list[Case]:
    rng = np.random.default_rng((scene.seed, 2))
    words = {"zone": scene.zones.noun.one, "zones": scene.zones.noun.many, "t": scene.surface.surface.theme}
    data = _focus(scene, scene.surface.path)
    return [
        *_value_total(scene, rng, words, data),
        *_value_by_zone(scene, rng, words, data),
        *_value_in_one(scene, rng, words, data),
        *_value_first(scene, rng, words, data),
    ]


def _focus(scene: Scene, raster: object) -> tuple:
    """Half of the scenes have everything registered in focus, the others just the two files that are needed."""
    return () if scene.seed % 2 else (raster, scene.zones.path)


def _words(scene: Scene, code: int) -> dict[str, str]:
    zone = scene.zones.noun
    return {"c": phrases.class_words(scene, code), "zone": zone.one, "zones": zone.many, "theme": scene.cover.theme}


def _subjects(scene: Scene, areas: dict[str, float]) -> dict[str | tuple[str, ...], float]:
    return dict(areas)


def _by_zone(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 1, 1))
    data = _focus(scene, scene.cover.path)
    for template in CLASS_BY_ZONE:
        code = phrases.present_class(scene, rng)
        areas = _subjects(scene, phrases.class_areas_by_zone(scene, code))
        yield Case(template.format(**_words(scene, code)), lambda r, areas=areas: assert_reads(r, areas, name="area"), data)
    for template in CLASS_BY_ZONE_IN_UNIT:
        code, (text, unit) = phrases.present_class(scene, rng), pick(rng, phrases.AREA_UNITS)
        areas = _subjects(scene, phrases.class_areas_by_zone(scene, code))
        question = template.format(**_words(scene, code), unit=text)
        yield Case(question, lambda r, areas=areas, unit=unit: assert_reads(r, areas, name="area", unit=unit), data)


def _ranked(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 1, 2))
    data = _focus(scene, scene.cover.path)
    for template in (*CLASS_RANKED, *CLASS_RANKED_UP):
        code = phrases.present_class(scene, rng)
        order = phrases.ranked(phrases.class_areas_by_zone(scene, code), descending=template in CLASS_RANKED)
        yield Case(template.format(**_words(scene, code)), lambda r, order=order: assert_order(r, order), data)
    for template in CLASS_FIRST:
        code = phrases.present_class(scene, rng)
        areas = phrases.class_areas_by_zone(scene, code)
        if phrases.has_clear_first(areas):
            yield Case(template.format(**_words(scene, code)), lambda r, areas=areas: _assert_first_zone(r, areas), data)


def _assert_first_zone(result, areas: dict[str, float], *, descending: bool = True) -> None:
    """The first number is about the winner and is right."""
    best = phrases.ranked(areas, descending=descending)[0]
    assert_order(result, [best, *(name for name in areas if name != best and name in result.answer)][:1])
    assert_first(result, areas[best], name="area")
    assert_reads(result, {best: areas[best]}, name="area")


def _in_one(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 1, 3))
    data = _focus(scene, scene.cover.path)
    for template in (*CLASS_IN_ONE, *CLASS_IN_ONE_IN_UNIT):
        code, (text, unit) = phrases.present_class(scene, rng), pick(rng, phrases.AREA_UNITS)
        areas = phrases.class_areas_by_zone(scene, code)
        name = pick(rng, list(areas))
        question = template.format(**_words(scene, code), name=name, unit=text)
        asked = unit if "{unit}" in template else None
        yield Case(question, lambda r, v=areas[name], u=asked: assert_first(r, v, name="area", unit=u), data)


def _share_in_one(scene: Scene) -> Iterator[Case]:
    """A share is of the part of the zone where there is data."""
    rng = np.random.default_rng((scene.seed, 1, 6))
    for template in SHARE_IN_ONE:
        code = phrases.present_class(scene, rng)
        areas = phrases.class_areas_by_zone(scene, code)
        name = pick(rng, list(areas))
        share = 100 * areas[name] / truth.classified_area_m2(scene, truth.zone_mask(scene, name))
        question = template.format(**_words(scene, code), name=name)
        yield Case(question, lambda r, v=share: assert_first(r, v, name="share", unit="%"), _focus(scene, scene.cover.path))


def _total(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 1, 4))
    data = () if scene.seed % 2 else (scene.cover.path,)
    for template in (*CLASS_TOTAL, *CLASS_TOTAL_IN_UNIT):
        code, (text, unit) = phrases.present_class(scene, rng), pick(rng, phrases.AREA_UNITS)
        value = truth.class_area_m2(scene, code)
        asked = unit if "{unit}" in template else None
        question = template.format(**_words(scene, code), unit=text)
        yield Case(question, lambda r, v=value, u=asked: assert_first(r, v, name="area", unit=u), data)
    code = phrases.present_class(scene, rng)
    value = truth.class_area_m2(scene, code)
    shouted = f"TOTAL AREA OF {phrases.class_words(scene, code).upper()} IN HECTARES"
    yield Case(shouted, lambda r, v=value: assert_first(r, v, name="area", unit="ha"), data)


def _all_classes(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 1, 5))
    present = [code for code in scene.cover.labels if (scene.cover.codes == code).any()]
    for template in ALL_CLASSES:
        areas = {scene.cover.labels[code]: truth.class_area_m2(scene, code) for code in present}
        yield Case(
            template.format(theme=scene.cover.theme), lambda r, areas=areas: assert_reads(r, areas, name="area"), (scene.cover.path,)
        )
    for template in ALL_IN_ONE:
        name = pick(rng, list(phrases.class_areas_by_zone(scene, present[0])))
        mask = truth.zone_mask(scene, name)
        areas = {label: area for code, label in scene.cover.labels.items() if (area := truth.class_area_m2(scene, code, mask)) > 0}
        question = template.format(theme=scene.cover.theme, name=name)
        yield Case(question, lambda r, areas=areas: assert_reads(r, areas, name="area"), _focus(scene, scene.cover.path))


def _value_total(scene: Scene, rng: np.random.Generator, words: dict[str, str], data: tuple) -> Iterator[Case]:
    for template in (*VALUE_TOTAL, *VALUE_TOTAL_IN_UNIT):
        limit, (text, unit) = phrases.threshold(scene, rng), pick(rng, phrases.AREA_UNITS)
        value = truth.value_area_m2(scene, limit.chosen)
        asked = unit if "{unit}" in template else None
        question = template.format(**words, op=limit.words, unit=text)
        yield Case(question, lambda r, v=value, u=asked: assert_first(r, v, name="area", unit=u), data[:1])


def _value_by_zone(scene: Scene, rng: np.random.Generator, words: dict[str, str], data: tuple) -> Iterator[Case]:
    for template in (*VALUE_BY_ZONE, *VALUE_BY_ZONE_IN_UNIT):
        limit, (text, unit) = phrases.threshold(scene, rng), pick(rng, phrases.AREA_UNITS)
        areas = _subjects(scene, phrases.value_areas_by_zone(scene, limit))
        asked = unit if "{unit}" in template else None
        question = template.format(**words, op=limit.words, unit=text)
        yield Case(question, lambda r, areas=areas, u=asked: assert_reads(r, areas, name="area", unit=u), data)


def _value_in_one(scene: Scene, rng: np.random.Generator, words: dict[str, str], data: tuple) -> Iterator[Case]:
    for template in VALUE_IN_ONE:
        limit = phrases.threshold(scene, rng)
        areas = phrases.value_areas_by_zone(scene, limit)
        name = pick(rng, list(areas))
        question = template.format(**words, op=limit.words, name=name)
        yield Case(question, lambda r, v=areas[name]: assert_first(r, v, name="area"), data)


def _value_first(scene: Scene, rng: np.random.Generator, words: dict[str, str], data: tuple) -> Iterator[Case]:
    for template in VALUE_FIRST:
        limit = phrases.threshold(scene, rng)
        areas = phrases.value_areas_by_zone(scene, limit)
        if phrases.has_clear_first(areas):
            yield Case(template.format(**words, op=limit.words), lambda r, areas=areas: _assert_first_zone(r, areas), data)


@each_seed
def test_area_of_a_class_is_right_by_zone_and_in_total(seed: int, everything: bool) -> None:
    try_cases(class_cases, seed, everything)


@each_seed
def test_area_past_a_threshold_is_right_by_zone_and_in_total(seed: int, everything: bool) -> None:
    try_cases(value_cases, seed, everything)


@each_seed
def test_a_zone_outside_the_raster_gets_no_number_but_the_others_do(seed: int, everything: bool) -> None:
    def cases(scene: Scene) -> list[Case]:
        rng = np.random.default_rng((scene.seed, 3))
        code = phrases.present_class(scene, rng)
        areas = phrases.class_areas_by_zone(scene, code)

        def outside_has_none(result) -> None:
            assert_reads(result, _subjects(scene, areas), name="area")
            cited = [fact for citation in result.citations for fact in citation["facts"]]
            assert scene.outside not in {value for fact in cited for value in fact["subject"].values()}

        return [
            Case(f"area of {phrases.class_words(scene, code)} by {scene.zones.noun.one}", outside_has_none, _focus(scene, scene.cover.path))
        ]

    try_cases(cases, seed, everything)
