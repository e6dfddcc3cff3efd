"""Follow-ups on the last result, on generated workspaces: another class, place or limit, the largest, another unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

import generated_phrases as phrases
import generated_truth as truth
from agent.api import RunResult
from asking import assert_first, assert_names, assert_reads
from generated_agents import each_seed, world
from generated_scene import Scene, Site
from generated_words import FACILITIES, Noun, pick

Check = Callable[[RunResult], None]

AND = ("and for {x}?", "what about {x}?", "and {x}?", "Same for {x}", "now for {x}", "And {x}?", "How about {x}?")
AND_IN = ("and in {x}?", "what about {x}?", "And for {x}?", "how about in {x}?")
IN_UNIT = ("in {unit}?", "and in {unit}?", "In {unit}, please.", "Give it in {unit}", "convert that to {unit}")
LARGEST = ("which is the largest?", "Which {zone} has the most?", "which one is the biggest?", "and the largest?")

HIGHEST = ("which is the highest?", "Which {zone} is highest?", "which one is the highest?")


@dataclass(frozen=True)
class Turn:
    """One question of a conversation and what its answer must be."""

    question: str
    check: Check


def conversations(scene: Scene) -> list[list[Turn]]:
    rng = np.random.default_rng((scene.seed, 70))
    talks = (_classes, _class_in_places, _statistics, _thresholds, _counts, _lengths, _overlaps, _nearest)
    return [turns for talk in talks if (turns := list(talk(scene, rng)))]


def _reads(numbers: dict[str, float], name: str, unit: str | None = None) -> Check:
    return lambda result: assert_reads(result, dict(numbers), name=name, unit=unit)


def _first(value: float, name: str, unit: str | None = None) -> Check:
    return lambda result: assert_first(result, value, name=name, unit=unit)


def _two_classes(scene: Scene, rng: np.random.Generator) -> tuple[int, int]:
    present = [code for code in scene.cover.labels if (scene.cover.codes == code).any()]
    first, second = rng.permutation(present)[:2]
    return int(first), int(second)


def _classes(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    zone, (one, other) = scene.zones.noun.one, _two_classes(scene, rng)
    areas, others = phrases.class_areas_by_zone(scene, one), phrases.class_areas_by_zone(scene, other)
    text, unit = pick(rng, phrases.AREA_UNITS)
    yield Turn(f"area of {phrases.class_words(scene, one)} by {zone}", _reads(areas, "area"))
    yield Turn(pick(rng, IN_UNIT).format(unit=text), _reads(areas, "area", unit))
    yield Turn(pick(rng, AND).format(x=phrases.class_words(scene, other)), _reads(others, "area"))
    if phrases.has_clear_first(others):
        best = phrases.ranked(others)[0]
        yield Turn(pick(rng, LARGEST).format(zone=zone), _first(others[best], "area"))


def _class_in_places(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    one, other = _two_classes(scene, rng)
    areas, others = phrases.class_areas_by_zone(scene, one), phrases.class_areas_by_zone(scene, other)
    if len(areas) < 2:
        return
    here, there = (str(name) for name in rng.permutation(list(areas))[:2])
    yield Turn(f"How much {phrases.class_words(scene, one)} is there in {here}?", _first(areas[here], "area"))
    yield Turn(pick(rng, AND_IN).format(x=there), _first(areas[there], "area"))
    yield Turn(pick(rng, AND).format(x=phrases.class_words(scene, other)), _first(others[there], "area"))
    text, unit = pick(rng, phrases.AREA_UNITS)
    yield Turn(pick(rng, IN_UNIT).format(unit=text), _first(others[there], "area", unit))


def _statistics(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    zone = scene.zones.noun.one
    numbers = {stat: phrases.statistics_by_zone(scene, stat) for stat in ("mean", "max")}
    yield Turn(f"mean {scene.surface.surface.theme} by {zone}", _reads(numbers["mean"], "mean"))
    if phrases.has_clear_first(numbers["mean"]):
        best = phrases.ranked(numbers["mean"])[0]
        yield Turn(pick(rng, HIGHEST).format(zone=zone), _first(numbers["mean"][best], "mean"))
    yield Turn(pick(rng, ("and the maximum?", "what about the maximum?", "And the max?")), _maximum_is_right(numbers["max"]))


def _maximum_is_right(numbers: dict[str, float]) -> Check:
    """After "which is the highest?" people may mean all zones or the winner; whichever are given must be right."""

    def check(result: RunResult) -> None:
        named = {name: value for name, value in numbers.items() if name in result.answer}
        assert named, result.answer
        assert_reads(result, dict(named), name="max")

    return check


def _thresholds(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    zone, theme, decimals = scene.zones.noun.one, scene.surface.surface.theme, scene.surface.surface.decimals
    low, high = (round(float(np.quantile(scene.surface.values.compressed(), share)), decimals) for share in (0.3, 0.6))
    above, higher, below = (phrases.Threshold("", op, limit, limit) for op, limit in ((">", low), (">", high), ("<", low)))
    yield Turn(f"area where {theme} is above {low:.12g} by {zone}", _reads(phrases.value_areas_by_zone(scene, above), "area"))
    yield Turn(
        pick(rng, ("and above {x}?", "what about above {x}?", "and over {x}?")).format(x=f"{high:.12g}"),
        _reads(phrases.value_areas_by_zone(scene, higher), "area"),
    )
    yield Turn(
        pick(rng, ("and below {x}?", "what about less than {x}?")).format(x=f"{low:.12g}"),
        _reads(phrases.value_areas_by_zone(scene, below), "area"),
    )


def _kinds(scene: Scene, rng: np.random.Generator) -> list[tuple[Noun, list[Site]]]:
    layer = scene.sites
    values = [str(value) for value in rng.permutation(layer.values(layer.class_column))]
    return [(next(noun for noun in FACILITIES if noun.one == value.lower()), layer.where(layer.class_column, value)) for value in values]


def _counts(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    (one, ones), (other, others), *_ = _kinds(scene, rng)
    here, there = (str(name) for name in rng.permutation(scene.zone_names())[:2])

    def count(sites: list[Site], name: str) -> int:
        mask = truth.zone_mask(scene, name)
        return sum(truth.touches(site, mask, scene) for site in sites)

    yield Turn(f"How many {one.many} are in {here}?", _first(count(ones, here), "count"))
    yield Turn(pick(rng, AND_IN).format(x=there), _first(count(ones, there), "count"))
    yield Turn(pick(rng, AND).format(x=other.many), _first(count(others, there), "count"))


def _lengths(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    layer = scene.routes
    one, other = (str(value) for value in rng.permutation(layer.values(layer.class_column))[:2])
    text, unit = pick(rng, phrases.LENGTH_UNITS)
    length, second = (truth.length_m(scene, layer.where(layer.class_column, value)) for value in (one, other))
    yield Turn(f"total length of {one.lower()} {layer.noun.many}", _first(length, "length"))
    yield Turn(pick(rng, IN_UNIT).format(unit=text), _first(length, "length", unit))
    yield Turn(pick(rng, AND).format(x=f"{other.lower()} {layer.noun.many}"), _first(second, "length"))


def _overlaps(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    layer, extent = scene.parcels, scene.extent
    inside = truth.mask_of(scene, extent.features)
    area, outside = truth.area_m2(scene, layer.features, inside), truth.area_m2(scene, layer.features, outside=inside)
    text, unit = pick(rng, phrases.AREA_UNITS)
    noun = extent.noun.one if len(extent.features) == 1 else extent.noun.many
    yield Turn(f"area of {layer.noun.many} inside the {noun}", _first(area, "area"))
    yield Turn(pick(rng, IN_UNIT).format(unit=text), _first(area, "area", unit))
    yield Turn(pick(rng, ("and outside?", "what about outside?", "And outside it?")), _first(outside, "area"))


def _nearest(scene: Scene, rng: np.random.Generator) -> Iterator[Turn]:
    (noun, others), *_ = _kinds(scene, rng)
    rest = [site for site in scene.sites.features if site not in others]
    here, there = (rest[int(n)] for n in rng.permutation(len(rest))[:2])

    def is_nearest(site: Site, unit: str | None = None) -> Check:
        distance, best = truth.nearest(scene, site, others)[0]

        def check(result: RunResult) -> None:
            assert_names(result, [best.columns["name"]], [other.columns["name"] for other in others])
            assert_first(result, distance, name="distance", unit=unit)

        return check

    text, unit = pick(rng, phrases.LENGTH_UNITS)
    yield Turn(f"nearest {noun.one} to {here.columns['name']}", is_nearest(here))
    yield Turn(pick(rng, ("and to {x}?", "what about {x}?", "And for {x}?")).format(x=there.columns["name"]), is_nearest(there))
    yield Turn(pick(rng, IN_UNIT).format(unit=text), is_nearest(there, unit))


@each_seed
def test_follow_ups_refer_to_the_last_result(seed: int, everything: bool) -> None:
    here = world(seed)
    talks = conversations(here.scene)
    for turns in talks if everything else (talks[seed % len(talks)],):
        thread = here.agent.thread()
        for turn in turns:
            turn.check(thread.run(turn.question))


def test_a_follow_up_without_a_last_result_asks_what_is_meant() -> None:
    result = world(0).agent.run("and in km2?")
    assert result.status in ("input_needed", "refused")
    assert result.exit_code in (3, 5)
