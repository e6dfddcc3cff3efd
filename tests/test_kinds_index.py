"""Questions for an index, for water by an index, and for change between two times, on generated rasters with band roles."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from agent import Agent
from agent.api import RunResult
from asking import assert_answered, assert_declined, assert_first, assert_order, assert_reads, assert_repeats, readings
from generated_agents import FAST_SEEDS, Case, seeds, turns
from generated_bands import COVER, INDICES, Place, declared, make_place
from generated_words import pick

MEAN = (
    "What is the mean {i} of {stem}?", "mean {i} of {stem}", "average {i} in {stem}", "Compute the mean {i} for {stem}.",
    "What is the average {i} in {year}?", "What was the mean {i} in {year}?",
)  # fmt: skip
BY_ZONE = (
    "mean {i} of {stem} by {zone}", "What is the mean {i} of {stem} in each {zone}?", "For each {zone}, what is the average {i} of {stem}?",
    "average {i} per {zone} in {year}", "mean {i} by {zone} in {year}", "What was the mean {i} by {zone} in {year}?",
)  # fmt: skip
IN_PLACE = ("What is the mean {i} of {stem} in {name}?", "mean {i} in {name} in {year}", "What was the average {i} in {name} in {year}?")
HIGHEST = ("Which {zone} has the highest mean {i} in {stem}?", "Which {zone} had the highest average {i} in {year}?")
ABOVE = (
    "What area has an {i} above {v} in {stem}?", "area with {i} above {v} of {stem}", "What area of {stem} has {i} over {v}?",
    "How many hectares had an {i} above {v} in {year}?", "area where {i} of {stem} is greater than {v}",
)  # fmt: skip
ABOVE_BY_ZONE = (
    "area with {i} above {v} by {zone} in {year}",
    "What area has an {i} above {v} in {stem} by {zone}?",
    "area with {i} above {v} of {stem} per {zone}",
)
WATER = (
    "How many hectares of water are there in {stem}?", "area of water in {stem}", "water area of {stem}", "How much water was there in {year}?",
    "What was the water area in {year}?", "area of open water in {stem}",
)  # fmt: skip
WATER_BY_ZONE = (
    "water area of {stem} by {zone}", "How many hectares of water are there in each {zone} in {year}?", "area of water by {zone} in {year}",
    "For each {zone}, how much water was there in {year}?",
)  # fmt: skip
AGAINST = (
    "How many hectares of water were there in {theme} in {a} against {b}?", "How many hectares of water were there in {a} compared to {b}?",
    "Compare the water area of {a} and {b}", "water area in {a} versus {b}", "What was the area of water in {a} and in {b}?",
    "What is the difference in water area between {a} and {b}?", "How many hectares of water were there in {name} in {a} against {b}?",
)  # fmt: skip
LOST = (
    "How much {c} was lost between {x} and {y}?", "What area of {c} was lost between {x} and {y}?", "{c} loss between {x} and {y}",
    "How many hectares of {c} were lost between {x} and {y}?", "How much {c} was lost from {x} to {y}?", "How many hectares of {c} were lost between {a} and {b}?",
)  # fmt: skip
GAINED = (
    "How much {c} was gained between {x} and {y}?",
    "How many hectares of {c} were gained between {x} and {y}?",
    "gain of {c} between {x} and {y}",
)
NET = (
    "What is the net change of {c} between {x} and {y}?",
    "How much did {c} change between {x} and {y}?",
    "net change in {c} between {a} and {b}",
)
INTO = (
    "How much {c} became {d} between {x} and {y}?",
    "How much {c} was converted to {d} between {x} and {y}?",
    "How much {c} turned into {d} from {x} to {y}?",
)
ALL = (
    "How did land cover change between {x} and {y}?", "What changed between {x} and {y}?", "land cover change between {x} and {y}",
    "How has the land cover changed between {a} and {b}?", "What are the changes in land cover between {x} and {y}?",
)  # fmt: skip
ALL_BY_ZONE = (
    "How did land cover change between {x} and {y} by {zone}?",
    "How did the land cover change between {a} and {b} in each {zone}?",
)
LOST_BY_ZONE = (
    "How much {c} was lost between {x} and {y} by {zone}?",
    "How many hectares of {c} were lost between {a} and {b} in each {zone}?",
    "{c} loss between {x} and {y} per {zone}",
)
INDEX_CHANGE = ("How did {i} change between {sa} and {sb}?", "How did the {i} change between {a} and {b}?")


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="terracite-bands-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def registered(seed: int) -> tuple[Place, Agent]:
    """Return the registered place of a seed; tests share it, as asking changes nothing but memory."""
    place = make_place(seed, _root() / f"{seed}" / "data")
    agent = Agent(workspace=_root() / f"{seed}" / "ws", engine="planner")
    for path in sorted(place.folder.iterdir()):
        assert not agent.add(path, declared=declared(place, path)).refused
    return place, agent


class Asked:
    """One draw of the words of a question, with what is true of them."""

    def __init__(self, place: Place, rng: np.random.Generator) -> None:
        self.place, self.year = place, int(pick(rng, list(place.years)))
        self.index, self.name = pick(rng, list(INDICES)), pick(rng, list(place.districts))
        before, after = place.years
        self.code, self.other = (int(code) for code in rng.permutation(list(COVER))[:2])
        values = place.index(self.index, self.year)
        self.limit = round(float(np.nanquantile(values, 0.6)), 2)
        self.words = {
            "i": self.index, "stem": place.stem(self.year), "year": self.year, "zone": place.zone.one, "name": self.name, "v": f"{self.limit:.12g}",
            "theme": place.theme, "a": before, "b": after, "x": place.cover_stem(before), "y": place.cover_stem(after), "c": COVER[self.code],
            "d": COVER[self.other], "sa": place.stem(before), "sb": place.stem(after),
        }  # fmt: skip

    def values(self, name: str | None = None) -> npt.NDArray[np.float64]:
        values = self.place.index(self.index, self.year)
        return values[self.place.window(name)] if name else values

    def water(self, year: int, name: str | None = None) -> float:
        wet = self.place.index("MNDWI", year) > 0
        return self.place.area(wet[self.place.window(name)] if name else wet)

    def moved(self, code: int | None, into: int | None, name: str | None = None) -> float:
        """Return the area that went from one class (None: any other) to another (None: any other)."""
        before, after = (self.place.cover[year] for year in self.place.years)
        chosen = ((before == code) if code else (before != into)) & ((after == into) if into else (after != code))
        return self.place.area(chosen[self.place.window(name)] if name else chosen)


def cases(place: Place, rng: np.random.Generator) -> Iterator[Case]:
    yield from _index_cases(place, rng)
    yield from _water_cases(place, rng)
    yield from _change_cases(place, rng)


def _index_cases(place: Place, rng: np.random.Generator) -> Iterator[Case]:
    for template in MEAN:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(float(np.nanmean(asked.values())), "mean"))
    for template in BY_ZONE:
        asked = Asked(place, rng)
        yield Case(
            template.format(**asked.words), _reads({name: float(np.nanmean(asked.values(name))) for name in place.districts}, "mean")
        )
    for template in IN_PLACE:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(float(np.nanmean(asked.values(asked.name))), "mean"))
    for template in HIGHEST:
        asked = Asked(place, rng)
        means = {name: float(np.nanmean(asked.values(name))) for name in place.districts}
        best = max(means, key=lambda name: means[name])
        yield Case(template.format(**asked.words), partial(_is_best, best, means[best], [name for name in means if name != best]))
    for template in ABOVE:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(place.area(asked.values() > asked.limit), "area"))
    for template in ABOVE_BY_ZONE:
        asked = Asked(place, rng)
        areas = {name: place.area(asked.values(name) > asked.limit) for name in place.districts}
        yield Case(template.format(**asked.words), _reads(areas, "area"))


def _water_cases(place: Place, rng: np.random.Generator) -> Iterator[Case]:
    for template in WATER:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(asked.water(asked.year), "area"))
    for template in WATER_BY_ZONE:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _reads({name: asked.water(asked.year, name) for name in place.districts}, "area"))
    for template in AGAINST:
        asked = Asked(place, rng)
        areas = [asked.water(year, asked.name if "{name}" in template else None) for year in place.years]
        yield Case(template.format(**asked.words), partial(_has_both, areas))


def _change_cases(place: Place, rng: np.random.Generator) -> Iterator[Case]:
    for template in LOST:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(asked.moved(asked.code, None), "lost"))
    for template in GAINED:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(asked.moved(None, asked.code), "gained"))
    for template in NET:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(asked.moved(None, asked.code) - asked.moved(asked.code, None), "net change"))
    for template in INTO:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _first(asked.moved(asked.code, asked.other), "area"))
    for template in ALL:
        asked = Asked(place, rng)
        net = {label: asked.moved(None, code) - asked.moved(code, None) for code, label in COVER.items()}
        yield Case(template.format(**asked.words), _reads(net, "net change"))
    for template in ALL_BY_ZONE:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), partial(_tells_transitions, asked))
    for template in LOST_BY_ZONE:
        asked = Asked(place, rng)
        yield Case(template.format(**asked.words), _reads({name: asked.moved(asked.code, None, name) for name in place.districts}, "area"))
    for template in INDEX_CHANGE:
        asked = Asked(place, rng)
        before, after = (place.index(asked.index, year) for year in place.years)
        yield Case(template.format(**asked.words), _first(float(np.nanmean(after - before)), "mean"))


def _first(value: float, name: str) -> Callable[[RunResult], None]:
    return lambda result: assert_first(result, value, name=name)


def _reads(numbers: dict[str, float], name: str) -> Callable[[RunResult], None]:
    return lambda result: assert_reads(result, dict(numbers), name=name)


def _tells_transitions(asked: Asked, result: RunResult) -> None:
    """What is told of zones and transitions is right, and every zone is told of or it is said that there is more."""
    assert_answered(result)
    codes = {label: code for code, label in COVER.items()}
    told = [reading for reading in readings(result) if reading.name == "area"]
    assert told
    for reading in told:
        before, _, after = reading.subject["class"].partition(" → ")
        assert reading.value == pytest.approx(asked.moved(codes[before], codes[after], reading.subject["zone"]), rel=1e-3)
    assert {reading.subject["zone"] for reading in told} == set(asked.place.districts) or "Only the first" in result.answer


def _is_best(best: str, value: float, others: list[str], result: RunResult) -> None:
    assert_order(result, [best])
    assert_first(result, value, name="mean")
    assert not any(name in result.answer for name in others)


def _has_both(areas: list[float], result: RunResult) -> None:
    """Both areas are told, and what they differ by."""
    assert_answered(result)
    told = [reading.value for reading in readings(result) if reading.name == "area"]
    assert told == pytest.approx(areas, rel=1e-3)
    differences = [abs(reading.value) for reading in readings(result) if reading.name == "difference"]
    assert differences == pytest.approx([abs(areas[0] - areas[1])], rel=1e-3, abs=place_noise(areas))


def place_noise(areas: list[float]) -> float:
    """Rounding of two areas in their difference."""
    return 1e-4 * max(areas)


@pytest.mark.parametrize("seed", seeds())
def test_indices_water_and_change_are_right(seed: int) -> None:
    place, agent = registered(seed)
    for number, case in enumerate(turns(list(cases(place, np.random.default_rng((seed, 96)))), seed, 4)):
        result = agent.run(case.question)
        case.check(result)
        if number == 0:
            assert_repeats(agent, result)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(30, 34))
def test_every_way_to_ask_for_an_index_is_understood(seed: int) -> None:
    place, agent = registered(seed)
    for case in cases(place, np.random.default_rng((seed, 96))):
        case.check(agent.run(case.question))


@pytest.mark.parametrize("seed", FAST_SEEDS[:6])
def test_follow_ups_keep_the_index_and_change_one_thing(seed: int) -> None:
    place, agent = registered(seed)
    year, other = place.years
    thread = agent.thread()
    means = {
        one: {name: float(np.nanmean(place.index("NDVI", one)[place.window(name)])) for name in place.districts} for one in place.years
    }
    assert_first(thread.run(f"mean NDVI of {place.stem(year)}"), float(np.nanmean(place.index("NDVI", year))), name="mean")
    assert_reads(thread.run(f"and by {place.zone.one}?"), dict(means[year]), name="mean")
    assert_reads(thread.run(f"and of {place.stem(other)}?"), dict(means[other]), name="mean")
    ndwi = {name: float(np.nanmean(place.index("NDWI", other)[place.window(name)])) for name in place.districts}
    assert_reads(thread.run("and NDWI?"), dict(ndwi), name="mean")
    best = max(ndwi.values())
    assert_first(thread.run(f"Which {place.zone.one} has the highest?"), best, name="mean")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("mean NBR of {stem}", "swir2"),  # no such band
        ("mean clear-land NDVI of {stem}", "scl"),  # no band of quality
        ("mean NDVI", ""),  # of which raster?
        ("mean NDVI in 1950", ""),  # no raster of that year
        ("How many hectares of lava are there in {stem}?", "lava"),
        ("How much lava was lost between {x} and {y}?", "lava"),
        ("How much forest was lost between {x} and {stem}?", ""),  # classes against reflectance
        ("mean NDVI of {stem} by colour", ""),
    ],
)
def test_what_the_bands_cannot_tell_is_declined(question: str, words: str) -> None:
    place, agent = registered(2)
    before, after = place.years
    result = agent.run(question.format(stem=place.stem(after), x=place.cover_stem(before), y=place.cover_stem(after)))
    assert_declined(result)
    assert words in result.answer


def test_water_says_by_which_index_bands_and_threshold() -> None:
    place, agent = registered(1)
    answer = agent.run(f"area of water in {place.stem(place.years[0])}").answer
    assert all(word in answer for word in ("MNDWI", "green", "swir1", "above 0"))
