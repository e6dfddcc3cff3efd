"""Bad input ends in one clear sentence that says how to go on, with the right exit code, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acceptance_oracles import read, union_area_m2
from agent import Agent
from asking import assert_answered, assert_first, readings
from generated_scene import Scene
from generated_workspaces import make_scene
from terracite_process import terracite
from tools.contract import Declared
from tools.errors import ParameterError


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(7, tmp_path / "data")


@pytest.fixture
def agent(tmp_path: Path, scene: Scene) -> Agent:
    """An agent over a workspace that already holds data."""
    agent = Agent(workspace=tmp_path / "ws", engine="planner")
    agent.add(scene.zones.path, scene.sites.path, scene.surface.path)
    return agent


@pytest.fixture
def holds(agent: Agent) -> set[str]:
    """What the workspace holds before anything goes wrong."""
    return {record.id for record in agent.datasets.record_objects()}


def assert_intact(agent: Agent, holds: set[str], scene: Scene) -> None:
    """Everything registered before is still there and still answers."""
    assert holds <= {record.id for record in agent.datasets.record_objects()}
    assert not agent.runner.verify(None)
    assert_answered(agent.run(f"How many {scene.sites.noun.many} are there?", data=(scene.sites.path,)))


def is_one_clear_sentence(text: str, *needles: str) -> bool:
    """Tell whether a message is short, shows no traceback or foreign error class, and holds all the needles."""
    return len(text) < 600 and "Traceback" not in text and all(needle.lower() in text.lower() for needle in needles)


@pytest.mark.realdata
def test_a_layer_without_crs_says_how_to_supply_it_and_then_answers(agent: Agent, holds: set[str], scene: Scene, shared_data: Path) -> None:
    path = shared_data / "awkward" / "verona_no_crs" / "observed_event.shp"
    result = agent.run("What is the area of observed_event?", data=(path,))
    assert result.exit_code == 65 or result.status in ("refused", "input_needed")
    assert not readings(result)
    assert is_one_clear_sentence(result.answer, "crs"), result.answer
    assert_intact(agent, holds, scene)
    agent.add(path, declared=Declared(crs="EPSG:4326"))
    told = agent.run("What is the area of observed_event?", data=(path,))
    twin = shared_data / "vectors" / "emsr332_verona" / "observed_event_first.shp"
    assert_first(told, union_area_m2(read(twin), 0.001), name="area")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["truncated.tif", "corrupt_tiles.tif", "vrt_missing_source.vrt", "empty_file.geojson"])
def test_a_broken_file_is_reported_and_the_rest_is_registered(
    name: str, agent: Agent, holds: set[str], scene: Scene, shared_data: Path
) -> None:
    broken = shared_data / "awkward" / name
    report = agent.add(broken, scene.parcels.path)
    registered = {Path(record.path).name for record in report.records}
    assert scene.parcels.path.name in registered
    if name in registered:  # it opens, and fails where its pixels are read
        result = agent.run(f"What is the mean of {broken.stem}?", data=(broken,))
        assert result.exit_code in (3, 65)
        assert not readings(result)
        assert is_one_clear_sentence(result.answer, broken.stem), result.answer
    else:
        (failure,) = report.refused
        assert is_one_clear_sentence(f"{failure.path}: {failure.message} {failure.hint}", name)
    assert_intact(agent, holds, scene)


@pytest.mark.realdata
def test_a_broken_file_ends_the_command_with_exit_65(shared_data: Path, scene: Scene, tmp_path: Path) -> None:
    done = terracite("add", shared_data / "awkward" / "empty_file.geojson", scene.zones.path, "--workspace", tmp_path / "cli")
    assert done.returncode == 65
    assert is_one_clear_sentence(done.stderr, "empty_file.geojson")
    listed = terracite("datasets", "--workspace", tmp_path / "cli", "--json")
    assert [Path(record["path"]).name for record in json.loads(listed.stdout)] == [scene.zones.path.name]


def test_a_missing_file_ends_the_command_with_exit_66(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.tif"
    done = terracite("ask", "What is the mean of nowhere?", "--data", missing, "--workspace", tmp_path / "cli", "--json")
    assert done.returncode == 66
    result = json.loads(done.stdout)
    assert result["exit_code"] == 66
    assert is_one_clear_sentence(result["answer"], "nowhere.tif")


@pytest.mark.realdata
def test_an_empty_layer_has_no_area_and_says_so(agent: Agent, holds: set[str], scene: Scene, shared_data: Path) -> None:
    path = shared_data / "awkward" / "empty_collection.geojson"
    report = agent.add(path)
    if report.records:
        result = agent.run("What is the total area of empty_collection?", data=(path,))
        assert result.exit_code in (3, 65)
        assert not readings(result)
        assert is_one_clear_sentence(result.answer, "empty"), result.answer
    else:
        (failure,) = report.refused
        assert is_one_clear_sentence(f"{failure.path}: {failure.message} {failure.hint}", "empty_collection")
    assert_intact(agent, holds, scene)


def test_an_unknown_column_names_the_nearest_columns(agent: Agent, holds: set[str], scene: Scene) -> None:
    layer = next(record.id for record in agent.datasets.record_objects() if Path(record.path) == scene.sites.path)
    column = scene.sites.number_column
    with pytest.raises(ParameterError, match=column):
        agent.tool("query_vector")(
            layer=layer, where={"conditions": [{"column": column[:-1] + "x", "op": ">", "value": 3}]}, measures=[{"aggregate": "count"}]
        )
    assert_intact(agent, holds, scene)


def test_an_unknown_column_on_the_command_line_exits_with_2(scene: Scene, tmp_path: Path) -> None:
    workspace = tmp_path / "cli"
    added = json.loads(terracite("add", scene.sites.path, "--id", "places", "--workspace", workspace, "--json").stdout)
    assert added
    done = terracite(
        "run",
        "query_vector",
        "--layer",
        "places",
        "--group_by",
        '["nothing"]',
        "--measures",
        '[{"aggregate": "count"}]',
        "--workspace",
        workspace,
    )
    assert done.returncode == 2
    assert is_one_clear_sentence(done.stderr, "nothing", scene.sites.class_column)


@pytest.mark.parametrize(
    "question",
    [
        "Which {kinds} are within 0.5 degrees of {name}?",
        "How many {kinds} lie within 0.01 degrees of {name}?",
        "{kinds} within 2 degrees of {name}",
    ],
)
def test_degrees_where_metres_are_needed_are_declined(question: str, agent: Agent, holds: set[str], scene: Scene) -> None:
    name = scene.sites.features[0].columns["name"]
    result = agent.run(question.format(kinds=scene.sites.noun.many, name=name))
    assert result.status in ("refused", "input_needed"), result.answer
    assert not readings(result)
    assert is_one_clear_sentence(result.answer, "m"), result.answer
    assert any(word in result.answer.lower() for word in (" metre", " meter", " km", " m ")), result.answer
    assert_intact(agent, holds, scene)


def test_a_workspace_that_cannot_be_written_says_which_folder_to_choose(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = terracite("ask", "What data is here?", "--workspace", blocked)
    assert done.returncode != 0
    assert is_one_clear_sentence(done.stderr, "workspace")


def test_an_empty_question_is_a_usage_error(tmp_path: Path) -> None:
    done = terracite("ask", "  ", "--workspace", tmp_path / "cli")
    assert done.returncode == 2
    assert is_one_clear_sentence(done.stderr, "question")
