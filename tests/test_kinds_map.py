"""A map of the last result, and of a dataset, on generated workspaces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import generated_phrases as phrases
from agent.api import RunResult
from generated_agents import each_seed, world
from generated_words import pick

FIRST = (
    lambda scene, rng: f"area of {phrases.class_words(scene, phrases.present_class(scene, rng))} by {scene.zones.noun.one}",
    lambda scene, _: f"mean {scene.surface.surface.theme} by {scene.zones.noun.one}",
    lambda scene, rng: f"area where {scene.surface.surface.theme} is {phrases.threshold(scene, rng).words}",
    lambda scene, _: f"area of {scene.parcels.noun.many} by {scene.zones.noun.one}",
    lambda scene, rng: f"Which {scene.routes.noun.many} cross {pick(rng, scene.zone_names())}?",
)
MAP_IT = (
    "map it",
    "Show that on a map",
    "Draw a map of the result.",
    "plot it please",
    "make a map of this",
    "Now show me a map",
    "Put it on a map!",
    "and as a map?",
    "visualise the result",
    "could you map these",
    "show me this on a map as well",
)
MAP_DATA = ("map {stem}", "Draw a map of {stem}", "show {stem} on a map")


def assert_is_a_map(result: RunResult) -> None:
    """The run ended with a picture that holds more than one colour, and says where it lies."""
    assert result.status == "answered", result.answer
    assert result.exit_code == 0
    assert not result.unsupported
    (artifact,) = [artifact for artifact in result.artifacts if artifact["tool"] == "render_map"]
    (name,) = [file["path"] for file in artifact["files"] if file["path"].endswith(".png")]
    pixels = _read_png(Path(artifact["folder"]) / name)
    assert pixels.shape[0] >= 100
    assert pixels.shape[1] >= 200
    sampled = pixels[::5, ::5].reshape(-1, pixels.shape[2])
    assert len(np.unique(sampled, axis=0)) > 8, "a map shows more than a frame"


def _read_png(path: Path) -> np.ndarray:
    import matplotlib.image

    return np.asarray(matplotlib.image.imread(path))


@each_seed
def test_the_last_result_is_drawn_on_a_map(seed: int, everything: bool) -> None:
    here = world(seed)
    rng = np.random.default_rng((seed, 60))
    phrasings = MAP_IT if everything else (MAP_IT[seed % len(MAP_IT)],)
    for phrasing in phrasings:
        thread = here.agent.thread()
        first = thread.run(FIRST[seed % len(FIRST)](here.scene, rng))
        assert first.status == "answered", first.answer
        drawn = thread.run(phrasing)
        assert_is_a_map(drawn)


@each_seed
def test_a_dataset_is_drawn_on_a_map(seed: int, everything: bool) -> None:
    here = world(seed)
    for n, phrasing in enumerate(MAP_DATA if everything else (MAP_DATA[seed % len(MAP_DATA)],)):
        path = here.scene.paths[(seed + n) % len(here.scene.paths)]
        result = here.agent.run(phrasing.format(stem=path.stem))
        assert_is_a_map(result)
        again = here.agent.run(phrasing.format(stem=path.stem))
        assert again.answer == result.answer
        assert {artifact["cache"] for artifact in again.artifacts if artifact["tool"] == "render_map"} == {"hit"}


def test_map_it_without_a_result_asks_what_to_draw(tmp_path: Path) -> None:
    from agent import Agent

    result = Agent(workspace=tmp_path / "ws", engine="planner").run("map it")
    assert result.status in ("input_needed", "refused")
    assert result.exit_code in (3, 5)
