"""What data is here, and describe it, on generated workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyproj
import pytest

from agent.api import RunResult
from asking import assert_answered, is_named, readings
from generated_agents import Case, each_seed, try_cases
from generated_scene import Layer, Scene

WHAT = (
    "What data is here?", "What data do I have?", "list the datasets", "Which datasets are registered?", "what layers are available",
    "Show me the available data", "what files do you know?", "give me an overview of the data", "inventory of the datasets", "What data is available?",
)  # fmt: skip
DESCRIBE = (
    "Describe {stem}",
    "Tell me about {stem}.",
    "What is in {stem}?",
    "describe the dataset {stem}",
    "What does {stem} contain?",
    "Summarize {stem}",
    "show the metadata of {stem}",
)
COLUMNS = (
    "Which columns does {stem} have?",
    "what attributes does {stem} have",
    "List the columns of {stem}",
    "What are the attributes of {stem}?",
)
CRS = (
    "What is the CRS of {stem}?",
    "Which coordinate system does {stem} use?",
    "projection of {stem}?",
    "In which coordinate reference system is {stem}?",
)
FEATURES = ("How many features does {stem} have?", "number of features in {stem}")


def describe_cases(scene: Scene) -> list[Case]:
    return [*_what(scene), *_describe_layers(scene), *_describe_rasters(scene), *_crs(scene)]


def _layers(scene: Scene) -> list[Layer]:
    return [scene.sites, scene.routes, scene.parcels, scene.zones, scene.extent]


def _what(scene: Scene) -> Iterator[Case]:
    def names_every_file(result: RunResult) -> None:
        assert_answered(result)
        assert all(_mentions(path, result.answer) for path in scene.paths), result.answer

    for template in WHAT:
        yield Case(template, names_every_file)


def _mentions(path: Path, answer: str) -> bool:
    """Tell whether a file is named, by its stem or by an id made of it."""
    plain = "".join(letter if letter.isalnum() else " " for letter in answer.casefold())
    wanted = "".join(letter if letter.isalnum() else " " for letter in path.stem.casefold())
    return " ".join(wanted.split()) in " ".join(plain.split()) or wanted.replace(" ", "") in plain.replace(" ", "")


def _describe_layers(scene: Scene) -> Iterator[Case]:
    layers = _layers(scene)
    for n, template in enumerate((*DESCRIBE, *COLUMNS, *FEATURES)):
        layer = layers[(scene.seed + n) % len(layers)]
        question = template.format(stem=layer.path.stem)
        if template in COLUMNS:
            yield Case(question, lambda r, layer=layer: _assert_columns(r, layer))
        elif template in FEATURES:
            yield Case(question, lambda r, layer=layer: _assert_feature_count(r, layer))
        else:
            yield Case(question, lambda r, layer=layer: (_assert_columns(r, layer), _assert_feature_count(r, layer)))


def _assert_columns(result: RunResult, layer: Layer) -> None:
    assert_answered(result)
    assert all(is_named(column, result.answer) for column in layer.features[0].columns), result.answer


def _assert_feature_count(result: RunResult, layer: Layer) -> None:
    assert_answered(result)
    assert len(layer.features) in {reading.value for reading in readings(result)}, result.answer


def _describe_rasters(scene: Scene) -> Iterator[Case]:
    for n, template in enumerate(DESCRIBE):
        path = (scene.cover.path, scene.surface.path)[(scene.seed + n) % 2]
        yield Case(template.format(stem=path.stem), lambda r: _assert_raster(r, scene))


def _assert_raster(result: RunResult, scene: Scene) -> None:
    assert_answered(result)
    values = {reading.value for reading in readings(result)}
    assert {scene.lattice.width, scene.lattice.height} <= values, result.answer
    assert scene.lattice.crs in result.answer


def _crs(scene: Scene) -> Iterator[Case]:
    layers = _layers(scene)
    for n, template in enumerate(CRS):
        layer = layers[(scene.seed + n) % len(layers)]
        crs = layer.crs

        def check(result: RunResult, crs: str = crs) -> None:
            assert_answered(result)
            assert crs in result.answer or pyproj.CRS(crs).name in result.answer, result.answer

        yield Case(template.format(stem=layer.path.stem), check)


@each_seed
def test_data_is_listed_and_described(seed: int, everything: bool) -> None:
    try_cases(describe_cases, seed, everything)


@pytest.mark.parametrize("question", ["What data is here?", "list the datasets"])
def test_an_empty_workspace_is_said_to_be_empty(question: str, tmp_path: Path) -> None:
    from agent import Agent

    result = Agent(workspace=tmp_path / "ws", engine="planner").run(question)
    assert result.exit_code == 0 or result.status in ("input_needed", "refused")
    assert "add" in result.answer
