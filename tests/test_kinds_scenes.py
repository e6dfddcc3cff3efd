"""Questions about scenes of a catalogue, on generated catalogues: which, how many, the least cloudy, by place, tile, time and cloud."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from agent import Agent
from agent.api import RunResult
from asking import assert_answered, assert_declined, assert_first, assert_names, assert_reads
from generated_agents import FAST_SEEDS, Case, seeds, turns
from generated_catalogue import Catalogue, Scene, make_catalogue
from generated_words import pick

MONTHS = {6: "June", 7: "July", 8: "August"}
TIMES = (
    ("in {month} 2020", None), ("from {month} 2020", None), ("of {month} 2020", None), ("taken in {month} 2020", None),
    ("between 2020-{m:02d}-05 and 2020-{m:02d}-25", (5, 25)), ("from 3 to 20 {month} 2020", (3, 20)), ("acquired between 2 and 28 {month} 2020", (2, 28)),
    ("between {month} 4, 2020 and {month} 22, 2020", (4, 22)),
)  # fmt: skip
CLOUDS = (
    "with less than {v} % cloud", "under {v}% cloud cover", "with cloud cover below {v} percent", "with under {v} % clouds",
    "that have less than {v} % cloud cover", "with a cloud cover of less than {v}%",
)  # fmt: skip
WHICH = (
    "Which {mission} scenes {place} {time} have less than {v} % cloud?", "Which {mission} images {place} {time} are there {cloud}?",
    "List the {mission} images {place} {time} {cloud}", "List all scenes of {id} {place} {time} {cloud}.", "Find {mission} scenes {place} {time} {cloud}",
    "Show me the {mission} imagery {place} {time} {cloud}", "Give me the ids of the {mission} scenes {place} {time} {cloud}.",
    "{mission} scenes {place} {time} {cloud}", "What {mission} scenes are there {place} {time} {cloud}?",
)  # fmt: skip
COUNT = (
    "How many {mission} scenes {place} {time} have less than {v} % cloud?", "How many {mission} images are there {place} {time} {cloud}?",
    "number of {mission} scenes {place} {time} {cloud}", "Count the {mission} scenes {place} {time} {cloud}.",
    "How many scenes of {id} are there {place} {time} {cloud}?",
)  # fmt: skip
LEAST = (
    "What is the least cloudy {mission} scene {place} {time}?", "Which {mission} image {place} {time} has the lowest cloud cover?",
    "Which is the clearest {mission} scene {place} {time}?", "the least cloudy {mission} image {place} {time}",
    "Find the {mission} scene {place} {time} with the least cloud cover.",
)  # fmt: skip
CLOUD_OF = (
    "What is the cloud cover of scene {id}?",
    "How cloudy is {id}?",
    "cloud cover of {id}",
    "What is the cloud cover of the image {id}?",
)


def the_scenes(expected: list[Scene], catalogue: Catalogue) -> Callable[[RunResult], None]:
    """The answer names exactly these scenes, each with its cloud cover, and how many they are."""

    def check(result: RunResult) -> None:
        assert_answered(result)
        assert_first(result, len(expected), name="count")
        assert_names(result, [scene.id for scene in expected], [scene.id for scene in catalogue.scenes])
        assert_reads(result, {scene.id: scene.cloud for scene in expected}, name="cloud_cover")
        assert result.outcome == ("value" if expected else "true_zero")
        assert [step["tool"] for step in result.steps if step.get("tool")] == ["search_stac"]

    return check


def a_scene(scene: Scene, catalogue: Catalogue) -> Callable[[RunResult], None]:
    """The answer names this scene alone, with its cloud cover."""

    def check(result: RunResult) -> None:
        assert_names(result, [scene.id], [one.id for one in catalogue.scenes])
        assert_first(result, scene.cloud, name="cloud_cover")

    return check


def _place(rng: np.random.Generator, catalogue: Catalogue) -> tuple[str, dict[str, object]]:
    """Return how a question says where, and what holds of the scenes there."""
    kind = int(rng.integers(0, 4))
    if kind == 0:
        scene = pick(rng, list(catalogue.scenes))
        return pick(rng, ("of tile {t}", "for tile {t}", "of MGRS tile {t}", "in tile T{t}")).format(t=scene.tile), {"tile": scene.tile}
    column = int(rng.integers(0, 4))
    if kind == 1:
        west = 10 + column
        return f"in the box {west}.2, 45.2, {west}.8, 45.8", {"column": column}
    name = catalogue.districts[column]
    return pick(rng, ("over {n}", "covering {n}", "of {n}", "over the district {n}", "that cover {n}")).format(n=name), {"column": column}


def _slots(rng: np.random.Generator, catalogue: Catalogue) -> tuple[dict[str, object], dict[str, object]]:
    """Return the words of a question, and what holds of the scenes that it asks for."""
    mission = pick(rng, list(catalogue.collections))
    place, wanted = _place(rng, catalogue)
    month, (time, days), value = pick(rng, list(MONTHS)), pick(rng, TIMES), pick(rng, (20, 45.5, 60, 75))
    first, last = days or (1, 31 if month != 6 else 30)
    words = {
        "mission": mission[2], "id": mission[0], "place": place, "time": time.format(month=MONTHS[month], m=month), "v": f"{value:g}",
        "cloud": pick(rng, CLOUDS).format(v=f"{value:g}"),
    }  # fmt: skip
    limits = {"first": date(2020, month, first), "last": date(2020, month, last), "below": value, "collection": mission[0]}
    return words, {**wanted, **limits}


def cases(catalogue: Catalogue, rng: np.random.Generator) -> Iterator[Case]:
    for template in WHICH:
        words, wanted = _slots(rng, catalogue)
        yield Case(template.format(**words), the_scenes(catalogue.where(**wanted), catalogue))
    for template in COUNT:
        words, wanted = _slots(rng, catalogue)
        count = len(catalogue.where(**wanted))
        yield Case(template.format(**words), lambda result, count=count: assert_first(result, count, name="count"))
    for template in LEAST:
        words, wanted = _slots(rng, catalogue)
        fitting = catalogue.where(**{**wanted, "below": 101})
        if fitting:
            best = min(fitting, key=lambda scene: scene.cloud)
            yield Case(template.format(**words), a_scene(best, catalogue))
    for template in CLOUD_OF:
        scene = pick(rng, list(catalogue.scenes))
        yield Case(template.format(id=scene.id), a_scene(scene, catalogue))


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="terracite-catalogues-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def registered(seed: int, collections: int) -> tuple[Catalogue, Agent]:
    """Return the registered catalogue of a seed; tests share it, as asking changes nothing but memory."""
    folder = _root() / f"{seed}-{collections}"
    catalogue = make_catalogue(seed, folder / "data", collections)
    agent = Agent(workspace=folder / "ws", engine="planner")
    for path in catalogue.paths:
        assert not agent.add(path).refused
    return catalogue, agent


@pytest.mark.parametrize("seed", seeds())
def test_scenes_are_found_counted_and_ranked(seed: int) -> None:
    catalogue, agent = registered(seed, 1 + seed % 2)
    for case in turns(list(cases(catalogue, np.random.default_rng((seed, 96)))), seed, 4):
        case.check(agent.run(case.question))


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(30, 36))
def test_every_way_to_ask_for_scenes_is_understood(seed: int) -> None:
    catalogue, agent = registered(seed, 1 + seed % 2)
    for case in cases(catalogue, np.random.default_rng((seed, 96))):
        case.check(agent.run(case.question))


@pytest.mark.parametrize("seed", FAST_SEEDS[:8])
def test_follow_ups_go_on_from_the_scenes_before(seed: int) -> None:
    catalogue, agent = registered(seed, 1)
    mission, name = catalogue.collections[0], catalogue.districts[seed % 4]
    thread = agent.thread()
    july, august = (catalogue.where(column=seed % 4, first=date(2020, m, 1), last=date(2020, m, 31), below=80) for m in (7, 8))
    there = catalogue.where(column=(seed + 1) % 4, first=date(2020, 8, 1), last=date(2020, 8, 31), below=80)
    first = thread.run(f"Which {mission[2]} scenes over {name} in July 2020 have less than 80 % cloud?")
    the_scenes(july, catalogue)(first)
    the_scenes(august, catalogue)(thread.run("and in August?"))
    assert_first(thread.run("how many are there?"), len(august), name="count")
    if august:
        a_scene(min(august, key=lambda one: one.cloud), catalogue)(thread.run("which of them is the least cloudy?"))
        a_scene(max(august, key=lambda one: one.cloud), catalogue)(thread.run("and the cloudiest?"))
    the_scenes(there, catalogue)(thread.run(f"and over {catalogue.districts[(seed + 1) % 4]}?"))
    tighter = [scene for scene in there if scene.cloud < 50]
    the_scenes(tighter, catalogue)(thread.run("and under 50 %?"))


@pytest.mark.parametrize("seed", FAST_SEEDS[:6])
def test_a_new_question_takes_nothing_over_from_the_scenes_before(seed: int) -> None:
    catalogue, agent = registered(seed, 1)
    mission = catalogue.collections[0]
    thread = agent.thread()
    thread.run(f"Which {mission[2]} scenes over {catalogue.districts[0]} in July 2020 have less than 30 % cloud?")
    assert_first(
        thread.run(f"How many {mission[2]} scenes are there in August 2020?"),
        len(catalogue.where(first=date(2020, 8, 1), last=date(2020, 8, 31))),
        name="count",
    )
    assert_first(thread.run("How many districts are there?"), 4, name="count")
    assert_first(thread.run(f"How cloudy is {catalogue.scenes[0].id}?"), catalogue.scenes[0].cloud, name="cloud_cover")


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        ("How many {other} scenes are there in July 2020?", "refused"),  # no such collection
        ("Which {mission} scenes of July 2012 are there?", "no_coverage"),  # before the collection begins
        ("Which {mission} scenes over Quixborough in July 2020 are there?", "refused"),  # no such place
        ("Which {mission} scenes in summer 2020 are there?", None),  # which months?
        ("cloud-free {mission} scenes of July 2020", None),  # how much cloud?
        ("Which {mission} scenes show a volcano?", "refused"),  # nothing tells
        ("Which purple {mission} scenes are there?", "refused"),
        ("How many {mission} scenes per week are there?", "refused"),
        ("Which {mission} scenes were taken on 05/07/2020?", None),  # day or month first?
        ("Which {mission} scenes in the box 10, 46, 11, 45 are there?", None),  # south above north
        ("What is the cloud cover of the {mission} scenes with the most snow?", "refused"),
        ("Which scenes of Landsat 17 in June and August 2020 are there?", None),
    ],
)
def test_what_a_catalogue_cannot_tell_is_declined(question: str, outcome: str | None) -> None:
    catalogue, agent = registered(3, 1)
    mission = catalogue.collections[0]
    other = next(name for name in ("Landsat", "Sentinel-1", "MODIS") if name != mission[2])
    result = agent.run(question.format(mission=mission[2], other=other))
    assert_declined(result)
    assert outcome is None or result.outcome == outcome


def test_the_collection_is_asked_for_where_several_fit() -> None:
    catalogue, agent = registered(1, 2)
    result = agent.run(f"Which scenes over {catalogue.districts[0]} in July 2020 are there?")
    assert result.status == "input_needed"
    assert all(ident in result.answer for ident, *_ in catalogue.collections)


def test_without_a_catalogue_it_is_said_how_to_add_one(tmp_path: Path) -> None:
    result = Agent(workspace=tmp_path / "ws", engine="planner").run("Which Sentinel-2 scenes of July 2020 have less than 10 % cloud?")
    assert_declined(result, outcome="refused")
    assert "terracite add" in result.answer


def test_a_scene_that_is_not_there_has_no_cloud() -> None:
    _, agent = registered(0, 1)
    result = agent.run("How cloudy is S2A_99ZZZ_20200101_0_L2A?")
    assert result.outcome in ("true_zero", "no_coverage", "refused")
    assert not [claim for claim in result.claims if claim["unit"] == "%"]


@pytest.mark.parametrize(
    "question",
    [
        "How many {mission} scenes of July 2020 are there by district?", "Which district has the most {mission} scenes in July 2020?",
        "Which tile has the most {mission} scenes?", "{mission} scenes of July 2020 not over {name}", "{mission} scenes outside {name}",
        "cloudy {mission} scenes of July 2020", "Which {mission} scenes of July 2020 have clouds?", "least cloudy {mission} scene of each month of 2020",
        "{mission} scenes with less than 10 % snow", "How many {mission} scenes were taken on Mondays in 2020?",
        "{mission} scenes of 2020 with less than 10 % cloud or more than 90 % cloud", "What is the average cloud cover of {mission} scenes in July 2020?",
    ],
)  # fmt: skip
def test_no_word_of_a_question_about_scenes_is_left_out(question: str) -> None:
    catalogue, agent = registered(3, 1)
    assert_declined(agent.run(question.format(mission=catalogue.collections[0][2], name=catalogue.districts[0])))
