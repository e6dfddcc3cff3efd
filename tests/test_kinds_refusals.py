"""What cannot be answered is declined without a number, and its twin one word away is answered, on generated workspaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

import generated_phrases as phrases
import generated_truth as truth
from agent.api import RunResult
from asking import assert_answered, assert_declined, readings
from generated_agents import FAST_SEEDS, each_seed, world
from generated_scene import Scene
from generated_words import COVER_CLASSES, FACILITIES, SURFACES, ZONE_NOUNS, pick

UNANSWERABLE = (
    "What will the {t} be next year?",
    "Why is there so little {c} in {name}?",
    "Write a poem about {name}.",
    "Who is the mayor of {name}?",
    "What is the weather in {name} today?",
    "Should we buy land in {name}?",
    "Predict the area of {c} in 2050",
)


@dataclass(frozen=True)
class Twins:
    """Two questions that differ in a word or two: the first is declined, the second answered."""

    declined: str
    answered: str
    outcome: str | None = None


def twins(scene: Scene) -> list[Twins]:
    rng = np.random.default_rng((scene.seed, 80))
    return [*_classes_and_zones(scene, rng), *_rasters(scene, rng), *_features(scene, rng)]


def _absent(words: list[str], scene: Scene, rng: np.random.Generator) -> str:
    """Return a word that occurs nowhere in the scene: in no file name, column, class or name."""
    held = " ".join(
        [
            *(path.stem.replace("_", " ").replace("-", " ") for path in scene.paths),
            *scene.cover.labels.values(),
            *(
                str(value)
                for layer in (scene.sites, scene.parcels, scene.routes, scene.zones)
                for f in layer.features
                for value in f.columns.values()
            ),
            *(column for layer in (scene.sites, scene.parcels, scene.routes, scene.zones) for column in layer.features[0].columns),
        ]
    ).lower()
    return pick(rng, [word for word in words if not any(part in held for part in word.lower().split())])


def _classes_and_zones(scene: Scene, rng: np.random.Generator) -> Iterator[Twins]:
    zone, code = scene.zones.noun, phrases.present_class(scene, rng)
    known = phrases.class_words(scene, code)
    name = pick(rng, list(phrases.class_areas_by_zone(scene, code)))
    unknown_class = _absent(list(COVER_CLASSES), scene, rng)
    unknown_zone = _absent([noun.one for noun in ZONE_NOUNS], scene, rng)
    yield Twins(f"How much {unknown_class} is there in each {zone.one}?", f"How much {known} is there in each {zone.one}?", "refused")
    yield Twins(f"area of {unknown_class} in {name}", f"area of {known} in {name}", "refused")
    yield Twins(f"area of {known} by {unknown_zone}", f"area of {known} by {zone.one}", "refused")
    yield Twins(f"area of {known} in Quixborough", f"area of {known} in {name}", "refused")
    yield Twins(f"area of {known} in {scene.outside}", f"area of {known} in {name}", "no_coverage")
    yield Twins(f"How many hectares of {known} are in {scene.outside}?", f"How many hectares of {known} are in {name}?", "no_coverage")


def _rasters(scene: Scene, rng: np.random.Generator) -> Iterator[Twins]:
    zone, theme = scene.zones.noun, scene.surface.surface.theme
    stem = scene.surface.path.stem
    other = _absent([surface.theme for surface in SURFACES], scene, rng)
    name = next(name for name in scene.zone_names() if truth.statistic(scene, "mean", truth.zone_mask(scene, name)) is not None)
    yield Twins(f"mean {other} by {zone.one}", f"mean {theme} by {zone.one}", "refused")
    yield Twins(f"What is the maximum {other} in {name}?", f"What is the maximum {theme} in {name}?", "refused")
    yield Twins(f"mean {theme} in {scene.outside}", f"mean {theme} in {name}", "no_coverage")
    yield Twins(f"What is the mean of band 7 of {stem}?", f"What is the mean of band 1 of {stem}?", "refused")
    yield Twins(f"mean of band 4 of {stem} by {zone.one}", f"mean of band 1 of {stem} by {zone.one}", "refused")


def _features(scene: Scene, rng: np.random.Generator) -> Iterator[Twins]:
    layer, zone = scene.sites, scene.zones.noun.one
    value = pick(rng, layer.values(layer.class_column))
    noun = next(noun for noun in FACILITIES if noun.one == value.lower())
    name = pick(rng, [site.columns["name"] for site in layer.features if site.columns[layer.class_column] != value])
    unknown = _absent([noun.one for noun in FACILITIES], scene, rng)
    many = next(noun.many for noun in FACILITIES if noun.one == unknown)
    number, missing = layer.number_column, _absent(["altitude", "turnover", "wattage"], scene, rng)
    yield Twins(f"How many {many} are there?", f"How many {noun.many} are there?", "refused")
    yield Twins(f"How many {many} are there in each {zone}?", f"How many {noun.many} are there in each {zone}?", "refused")
    yield Twins(f"nearest {unknown} to {name}", f"nearest {noun.one} to {name}", "refused")
    yield Twins(f"nearest {noun.one} to Quixborough", f"nearest {noun.one} to {name}", "refused")
    yield Twins(f"total {missing} of {noun.many}", f"total {number} of {noun.many}", "refused")
    yield Twins(f"nearest {noun.one}", f"nearest {noun.one} to {name}", None)


def ask_both(pair: Twins, run: Callable[[str], RunResult]) -> None:
    """The first twin is declined with its outcome (or a missing part is asked for), the second answered with numbers."""
    declined = run(pair.declined)
    assert_declined(declined)
    if declined.status == "refused" and pair.outcome:
        assert declined.outcome == pair.outcome, declined
    if pair.outcome == "no_coverage":
        assert declined.exit_code == 3
    answered = run(pair.answered)
    assert_answered(answered)
    assert readings(answered), answered.answer


@each_seed
def test_what_the_data_does_not_hold_is_declined_and_its_twin_is_answered(seed: int, everything: bool) -> None:
    here = world(seed)
    pairs = twins(here.scene)
    chosen = pairs if everything else [pairs[(3 * seed + n) % len(pairs)] for n in range(3)]
    for pair in chosen:
        ask_both(pair, here.agent.run)


@pytest.mark.parametrize("template", UNANSWERABLE)
@pytest.mark.parametrize("seed", FAST_SEEDS[:4])
def test_a_question_that_no_tool_can_answer_is_refused_without_a_number(template: str, seed: int) -> None:
    here = world(seed)
    rng = np.random.default_rng((seed, 81))
    code = phrases.present_class(here.scene, rng)
    name = pick(rng, here.scene.zone_names())
    result = here.agent.run(template.format(t=here.scene.surface.surface.theme, c=phrases.class_words(here.scene, code), name=name))
    assert_declined(result, outcome="refused")
    assert result.exit_code == 3


@each_seed
def test_a_covered_place_with_nothing_in_it_is_a_cited_zero(seed: int, everything: bool) -> None:
    here = world(seed)
    scene, rng = here.scene, np.random.default_rng((seed, 82))
    if scene.cover.label_style == "none":
        pytest.skip("a class without name and pixels is unknown to the file")
    code = phrases.present_class(scene, rng)
    name = pick(rng, list(phrases.class_areas_by_zone(scene, code)))
    for question in (
        f"How much {scene.cover.labels[scene.cover.absent].lower()} is there in {name}?",
        f"area of {scene.cover.labels[scene.cover.absent].lower()}",
    ):
        result = here.agent.run(question)
        assert_answered(result)
        assert result.outcome == "true_zero"
        assert [reading.value for reading in readings(result) if reading.name == "area"] == [0.0]
        facts = [fact for citation in result.citations for fact in here.agent.runner.facts(citation["key"])]
        proof = [fact.value for fact in facts if fact.name == "valid_share"]
        assert proof, "the citation shows how much of the place is covered by data"
        assert all(share > 0 for share in proof)
