"""Statistics of a raster by zone, ranked and in total, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from agent.api import RunResult
from asking import assert_first, assert_names, assert_order, assert_reads
from generated_agents import Case, each_seed, try_cases
from generated_scene import Scene
from generated_words import pick

STATISTIC_WORDS = {
    "mean": ("mean", "average", "avg"),
    "max": ("maximum", "highest", "max", "peak"),
    "min": ("minimum", "lowest", "min"),
    "median": ("median",),
    "std": ("standard deviation of", "std of"),
}
BY_ZONE = (
    "What is the {stat} {t} in each {zone}?",
    "{stat} {t} by {zone}",
    "{stat} {t} per {zone}",
    "Compute the {stat} {t} for every {zone}.",
    "give me {stat} {t} for each {zone}",
    "By {zone}, what is the {stat} {t}?",
    "List the {stat} {t} of all {zones}",
    "compare the {stat} {t} across {zones}",
    "I want to know the {stat} {t} in every {zone}",
)
RANKED = (
    "Rank the {zones} by {stat} {t}",
    "{stat} {t} per {zone}, highest first",
    "{stat} {t} of each {zone} in descending order",
    "List the {zones} by {stat} {t}, largest first",
)
RANKED_UP = ("{stat} {t} by {zone}, lowest first", "order the {zones} from lowest to highest {stat} {t}")
BEST = (
    "Which {zone} has the highest {stat} {t}?",
    "Which {zone} has the largest {stat} {t}?",
    "Where is the {stat} {t} highest, by {zone}?",
    "the {zone} with the greatest {stat} {t}",
)
WORST = ("Which {zone} has the lowest {stat} {t}?", "which {zone} has the smallest {stat} {t}")
TOP = ("top 3 {zones} by {stat} {t}", "Which 3 {zones} have the highest {stat} {t}?")
IN_ONE = (
    "What is the {stat} {t} in {name}?",
    "{stat} {t} of {name}",
    "{stat} {t} in {name}",
    "In {name}, what is the {stat} {t}?",
    "{stat} of {t} over {name}",
    "{name}: {stat} {t}?",
    "How high is the {stat} {t} in {name}?",
)
OVERALL = ("What is the {stat} {t}?", "overall {stat} {t}", "{stat} {t}", "What is the {stat} {t} of the whole raster?")
TWO = (
    "mean and maximum {t} for every {zone}",
    "What are the maximum and the mean {t} by {zone}?",
    "max and mean {t} per {zone}",
    "{t} by {zone}: mean and max",
    "For each {zone} give the mean {t} and the max {t}",
)


def statistic_cases(scene: Scene) -> list[Case]:
    return [*_by_zone(scene), *_ranked(scene), *_first(scene), *_top(scene), *_in_one(scene), *_overall(scene), *_two(scene)]


def _focus(scene: Scene) -> tuple[Path, ...]:
    return (scene.zones.path, scene.surface.path) if scene.seed % 2 else ()


def _ask(scene: Scene, template: str, stat: str, rng: np.random.Generator, name: str = "") -> str:
    zone = scene.zones.noun
    text = pick(rng, STATISTIC_WORDS[stat])
    return template.format(stat=text, t=scene.surface.surface.theme, zone=zone.one, zones=zone.many, name=name)


def _by_zone(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 10, 1))
    for template in BY_ZONE:
        stat = phrases.definite_statistic(scene, rng, tuple(STATISTIC_WORDS))
        numbers = dict(phrases.statistics_by_zone(scene, stat))
        yield Case(_ask(scene, template, stat, rng), lambda r, n=numbers, s=stat: assert_reads(r, n, name=s), _focus(scene))


def _ranked(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 10, 2))
    for template in (*RANKED, *RANKED_UP):
        stat = phrases.definite_statistic(scene, rng, ("mean", "max", "median", "std"))
        numbers = phrases.statistics_by_zone(scene, stat)
        order = phrases.ranked(numbers, descending=template in RANKED)

        def check(result: RunResult, numbers: dict[str, float] = numbers, order: list[str] = order, stat: str = stat) -> None:
            assert_reads(result, dict(numbers), name=stat)
            assert_order(result, order)

        yield Case(_ask(scene, template, stat, rng), check, _focus(scene))


def _first(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 10, 3))
    for template in (*BEST, *WORST):
        stat = phrases.definite_statistic(scene, rng, ("mean", "median"))
        numbers = phrases.statistics_by_zone(scene, stat)
        order = phrases.ranked(numbers, descending=template in BEST)
        if not phrases.has_clear_first(numbers, descending=template in BEST):
            continue

        def check(result: RunResult, value: float = numbers[order[0]], best: str = order[0], stat: str = stat) -> None:
            assert_first(result, value, name=stat)
            assert_reads(result, {best: value}, name=stat)

        yield Case(_ask(scene, template, stat, rng), check, _focus(scene))


def _top(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 10, 4))
    for template in TOP:
        numbers = phrases.statistics_by_zone(scene, "mean")
        order = phrases.ranked(numbers)
        if len(order) < len(numbers) or len(order) < 4:
            continue

        def check(result: RunResult, order: list[str] = order, numbers: dict[str, float] = numbers) -> None:
            assert_names(result, order[:3], order)
            assert_order(result, order[:3])
            assert_reads(result, {name: numbers[name] for name in order[:3]}, name="mean")

        yield Case(_ask(scene, template, "mean", rng), check, _focus(scene))


def _in_one(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 10, 5))
    for template in IN_ONE:
        stat = phrases.definite_statistic(scene, rng, tuple(STATISTIC_WORDS))
        numbers = phrases.statistics_by_zone(scene, stat)
        name = pick(rng, list(numbers))
        question = _ask(scene, template, stat, rng, name)
        yield Case(question, lambda r, v=numbers[name], s=stat: assert_first(r, v, name=s), _focus(scene))


def _overall(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 10, 6))
    for template in OVERALL:
        stat = phrases.definite_statistic(scene, rng, tuple(STATISTIC_WORDS))
        value = truth.statistic(scene, stat)
        question = _ask(scene, template, stat, rng)
        yield Case(question, lambda r, v=value, s=stat: assert_first(r, v, name=s), (scene.surface.path,))


def _two(scene: Scene) -> Iterator[Case]:
    rng = np.random.default_rng((scene.seed, 10, 7))
    for template in TWO:

        def check(result: RunResult) -> None:
            assert_reads(result, dict(phrases.statistics_by_zone(scene, "mean")), name="mean")
            assert_reads(result, dict(phrases.statistics_by_zone(scene, "max")), name="max")

        yield Case(_ask(scene, template, "mean", rng), check, _focus(scene))


@each_seed
def test_statistics_of_a_raster_are_right_by_zone_and_ranked(seed: int, everything: bool) -> None:
    try_cases(statistic_cases, seed, everything)
