"""Area of one layer inside or outside another, by class or zone, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from asking import assert_first, assert_order, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_scene import Area, Scene
from generated_words import pick

INSIDE = (
    "How much of the {parcels} lies inside the {extent}?",
    "What area of {parcels} is inside the {extent}?",
    "area of {parcels} within the {extent}",
    "What is the overlap area between {parcels} and the {extent}?",
    "How many {unit} of {parcels} are inside the {extent}?",
    "area of {parcels} that overlaps the {extent}, in {unit}",
    "What area is shared by the {parcels} and the {extent}?",
    "How many {unit} of {parcels} fall inside the {extent}?",
)
CLASS_INSIDE = (
    "How much of the {value} {parcels} lies inside the {extent}?",
    "area of {value} {parcels} inside the {extent}",
    "How many {unit} of {value} {parcels} are within the {extent}?",
    "What area of {value} {parcels} intersects the {extent}?",
)
INSIDE_BY_CLASS = (
    "area of {parcels} inside the {extent} by {class_column}",
    "For each {class_column}, what area of {parcels} lies inside the {extent}?",
    "How much of the {parcels} is within the {extent}, by {class_column}?",
)
OUTSIDE = (
    "What area of {parcels} is outside the {extent}?",
    "area of {parcels} outside the {extent}",
    "How much of the {parcels} is not inside the {extent}?",
    "area of {parcels} not covered by the {extent} in {unit}",
    "How many {unit} of {parcels} lie outside the {extent}?",
)
BY_ZONE = (
    "area of {parcels} by {zone}",
    "What is the area of {parcels} in each {zone}?",
    "How many {unit} of {parcels} are there in each {zone}?",
    "{parcels} area per {zone}",
    "For each {zone}, what is the area of {parcels}?",
)
CLASS_BY_ZONE = (
    "area of {value} {parcels} by {zone}",
    "How much {value} is there in the {parcels} of each {zone}?",
    "How many {unit} of {value} {parcels} does each {zone} have?",
)
CLASS_IN_ONE = (
    "area of {value} {parcels} in {name}",
    "How many {unit} of {value} {parcels} are in {name}?",
    "How much of the {value} {parcels} lies inside {name}?",
)
EXTENT_BY_ZONE = (
    "area of the {extent} in each {zone}",
    "How many {unit} of each {zone} are inside the {extent}?",
    "{extent} area by {zone}",
)
EXTENT_IN_ONE = ("What area of {name} lies inside the {extent}?", "How much of {name} is covered by the {extent}?")
RANKED = ("Rank the {zones} by area of {value} {parcels}", "area of {value} {parcels} by {zone}, largest first")


@dataclass(frozen=True)
class Words:
    """The words of a scene that questions of this kind use."""

    scene: Scene
    rng: np.random.Generator

    def ask(self, template: str, **slots: str) -> str:
        """Fill a template with the words of the scene and the slots given."""
        scene = self.scene
        return template.format(
            zone=scene.zones.noun.one,
            zones=scene.zones.noun.many,
            parcels=scene.parcels.noun.many,
            extent=scene.extent.noun.one if len(scene.extent.features) == 1 else scene.extent.noun.many,
            class_column=scene.parcels.class_column,
            **slots,
        )

    def unit(self, template: str) -> tuple[str, str | None]:
        """Return a unit as people write it, and as the answer must give it: nothing where the question names none."""
        text, unit = pick(self.rng, phrases.AREA_UNITS)
        return text, unit if "{unit}" in template else None

    def some_class(self) -> tuple[str, list[Area]]:
        """Return a class of the polygons as people write it, and its polygons."""
        layer = self.scene.parcels
        value = pick(self.rng, layer.values(layer.class_column))
        return value.lower(), layer.where(layer.class_column, value)

    def by_zone(self, areas: list[Area]) -> dict[str, float]:
        """Return zone → area of the polygons inside it, for zones that hold some of it."""
        found = {
            name: truth.area_m2(self.scene, areas, truth.zone_mask(self.scene, name))
            for name in (*self.scene.zone_names(), self.scene.outside)
        }
        return {name: area for name, area in found.items() if area > 0}


def inside_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 30)))
    return [*_inside(words), *_class_inside(words), *_outside(words)]


def zone_cases(scene: Scene) -> list[Case]:
    words = Words(scene, np.random.default_rng((scene.seed, 31)))
    return [*_by_zone(words), *_in_one(words), *_extent_by_zone(words)]


def _focus(scene: Scene, *paths: Path) -> tuple[Path, ...]:
    return paths if scene.seed % 2 else ()


def _inside(words: Words) -> Iterator[Case]:
    scene = words.scene
    area = truth.area_m2(scene, scene.parcels.features, truth.mask_of(scene, scene.extent.features))
    for template in INSIDE:
        text, unit = words.unit(template)
        question = words.ask(template, unit=text)
        yield Case(
            question, lambda r, u=unit: assert_first(r, area, name="area", unit=u), _focus(scene, scene.parcels.path, scene.extent.path)
        )


def _class_inside(words: Words) -> Iterator[Case]:
    scene, layer = words.scene, words.scene.parcels
    inside = truth.mask_of(scene, scene.extent.features)
    for template in CLASS_INSIDE:
        (value, areas), (text, unit) = words.some_class(), words.unit(template)
        area = truth.area_m2(scene, areas, inside)
        yield Case(words.ask(template, value=value, unit=text), lambda r, v=area, u=unit: assert_first(r, v, name="area", unit=u))
    by_class = {value: truth.area_m2(scene, layer.where(layer.class_column, value), inside) for value in layer.values(layer.class_column)}
    found = {value: area for value, area in by_class.items() if area > 0}
    for template in INSIDE_BY_CLASS if found else ():
        yield Case(words.ask(template), lambda r: assert_reads(r, dict(found), name="area"), _focus(scene, layer.path, scene.extent.path))


def _outside(words: Words) -> Iterator[Case]:
    scene = words.scene
    area = truth.area_m2(scene, scene.parcels.features, outside=truth.mask_of(scene, scene.extent.features))
    for template in OUTSIDE:
        text, unit = words.unit(template)
        yield Case(words.ask(template, unit=text), lambda r, u=unit: assert_first(r, area, name="area", unit=u))


def _by_zone(words: Words) -> Iterator[Case]:
    scene = words.scene
    everything = words.by_zone(list(scene.parcels.features))
    for template in BY_ZONE:
        text, unit = words.unit(template)
        question = words.ask(template, unit=text)
        yield Case(
            question,
            lambda r, u=unit: assert_reads(r, dict(everything), name="area", unit=u),
            _focus(scene, scene.parcels.path, scene.zones.path),
        )
    for template in (*CLASS_BY_ZONE, *RANKED):
        (value, areas), (text, unit) = words.some_class(), words.unit(template)
        found = words.by_zone(areas)
        question = words.ask(template, value=value, unit=text)
        if template in RANKED and found:
            yield Case(question, lambda r, f=found: assert_order(r, phrases.ranked(f)))
        elif found:
            yield Case(question, lambda r, f=found, u=unit: assert_reads(r, dict(f), name="area", unit=u))


def _in_one(words: Words) -> Iterator[Case]:
    for template in CLASS_IN_ONE:
        (value, areas), (text, unit) = words.some_class(), words.unit(template)
        found = words.by_zone(areas)
        if found:
            name = pick(words.rng, list(found))
            question = words.ask(template, value=value, unit=text, name=name)
            yield Case(question, lambda r, v=found[name], u=unit: assert_first(r, v, name="area", unit=u))


def _extent_by_zone(words: Words) -> Iterator[Case]:
    found = words.by_zone(list(words.scene.extent.features))
    for template in EXTENT_BY_ZONE:
        text, unit = words.unit(template)
        yield Case(words.ask(template, unit=text), lambda r, u=unit: assert_reads(r, dict(found), name="area", unit=u))
    for template in EXTENT_IN_ONE:
        name = pick(words.rng, list(found))
        yield Case(words.ask(template, name=name), lambda r, v=found[name]: assert_first(r, v, name="area"))


@each_seed
def test_area_of_a_layer_inside_and_outside_another_is_right_by_class(seed: int, everything: bool) -> None:
    try_cases(inside_cases, seed, everything)


@each_seed
def test_area_of_a_layer_is_right_by_zone(seed: int, everything: bool) -> None:
    try_cases(zone_cases, seed, everything)
