"""Memory: found by meaning, kept up with documents and results whoever made them, made anew when its folder is lost or garbage."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from agent import Agent
from agent.interfaces.cli import app
from tools.contract import Result
from tools.errors import NotFoundError
from tools.workspace import Workspace

RAIN = "# Rain\n\nIn one night 250 mm of rain fell on the hills, and the river left its bed.\n"
BRIDGE = "# Bridges\n\nThe old stone bridge was closed to lorries for the whole summer.\n"
QUERY = "How much did it rain?"


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent with two documents."""
    for name, text in (("rain.md", RAIN), ("bridge.md", BRIDGE)):
        (tmp_path / name).write_text(text)
    agent = Agent(tmp_path / "ws")
    agent.add(tmp_path / "rain.md", tmp_path / "bridge.md")
    return agent


def search(agent: Agent, query: str = QUERY, **more: Any) -> dict[str, Any]:
    return dict(agent.runner.run("search_knowledge", {"query": query, **more}).artifact.data)


def documents(agent: Agent, query: str = QUERY, **more: Any) -> list[str]:
    return [passage["document"] for passage in search(agent, query, **more)["passages"]]


def test_the_passage_that_means_the_query_comes_first_word_for_word(agent: Agent) -> None:
    first = search(agent)["passages"][0]
    assert (first["document"], first["title"], first["heading"]) == ("rain", "rain", "Rain")
    assert first["text"] == "In one night 250 mm of rain fell on the hills, and the river left its bed."
    assert documents(agent, "closing of a bridge")[0] == "bridge"


def test_the_search_is_an_observation_without_facts_that_says_when_nothing_is_there(agent: Agent, tmp_path: Path) -> None:
    result: Result = agent.runner.run("search_knowledge", {"query": QUERY})
    assert (result.cache, str(result.artifact.outcome), result.artifact.fact_count) == ("observed", "value", 0)
    empty = Agent(tmp_path / "other").runner.run("search_knowledge", {"query": QUERY})
    assert str(empty.artifact.outcome) == "no_coverage"


def test_new_changed_and_removed_documents_are_noticed(agent: Agent, tmp_path: Path) -> None:
    assert documents(agent)[0] == "rain"
    (tmp_path / "snow.txt").write_text("Twelve centimetres of rain fell in the valley on Monday.")
    agent.add(tmp_path / "snow.txt")
    assert "snow" in documents(agent)
    (tmp_path / "rain.md").write_text("# Cats\n\nThe cat slept on the roof.")
    assert documents(agent)[0] == "snow"
    assert search(agent, "a sleeping cat")["passages"][0]["document"] == "rain"
    agent.datasets.remove("snow")
    (tmp_path / "bridge.md").unlink()
    assert set(documents(agent, "rain, cats and bridges")) == {"rain"}


def test_a_document_that_cannot_be_read_is_told_and_the_rest_is_searched(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 garbage")
    agent.add(tmp_path / "broken.pdf")
    artifact = agent.runner.run("search_knowledge", {"query": QUERY}).artifact
    assert artifact.data["passages"][0]["document"] == "rain"
    assert any("broken" in warning for warning in artifact.warnings)


@pytest.fixture
def mapped(agent: Agent, make_raster: Any) -> Agent:
    """The agent with two rasters, west and east in 2019 and 2021, classified; so with two results in memory."""
    for name, west, year in (("west", 0.0, "2019-06-01"), ("east", 50.0, "2021-06-01")):
        path = make_raster(np.eye(4, dtype="float32"), crs="EPSG:4326", bounds=(west, 0.0, west + 1, 1.0), name=f"{name}.tif")
        agent.add(path, title=f"Depth of water, {name}", time=year)
        agent.runner.run("classify", {"raster": name, "classes": [{"label": "deep", "min": 0.5}]})
    return agent


def results(agent: Agent, query: str = "area of deep water", **more: Any) -> list[str]:
    return [result["params"]["raster"] for result in search(agent, query, **more)["results"]]


def test_results_are_found_with_what_is_needed_to_call_again(mapped: Agent) -> None:
    found = search(mapped, "deep water in the west", kinds=["result"])
    assert found["passages"] == []
    first = found["results"][0]
    again = mapped.runner.run(first["tool"], first["params"])
    assert (again.cache, again.artifact.ref) == ("hit", first["ref"])
    assert first["datasets"] == ["west"]


def test_place_and_time_keep_what_they_touch_and_documents_without_either(mapped: Agent) -> None:
    assert set(results(mapped)) == {"west", "east"}
    assert results(mapped, bbox=[-10, -10, 10, 10]) == ["west"]
    assert results(mapped, bbox=[40, -10, 5, 10]) == results(mapped)  # across the antimeridian, so both
    assert results(mapped, bbox=[5, -10, 40, 10]) == []
    assert results(mapped, time="2021") == ["east"]
    assert results(mapped, time="../2020-01") == ["west"]
    assert documents(mapped, bbox=[5, -10, 40, 10])[0] == "rain"


def test_a_search_keeps_to_the_data_it_is_given(mapped: Agent) -> None:
    assert set(documents(mapped, "rain and bridges", within=["bridge", "west"])) == {"bridge"}
    assert results(mapped, within=["bridge", "west"]) == ["west"]
    assert results(mapped, within=["bridge"]) == []
    with pytest.raises(NotFoundError, match="brigde"):
        search(mapped, within=["brigde"])


def test_a_removed_result_is_found_no_more(mapped: Agent) -> None:
    assert len(results(mapped)) == 2
    key = mapped.runner.artifact(search(mapped, "deep water in the west", kinds=["result"])["results"][0]["ref"]).key
    shutil.rmtree(mapped.runner.artifact(key).folder)
    assert results(mapped) == ["east"]


def test_the_order_is_the_same_each_time_and_kinds_are_kept(mapped: Agent) -> None:
    assert search(mapped, limit=50) == search(mapped, limit=50)
    assert search(mapped, kinds=["passage"])["results"] == []


def index_files(workspace: Workspace) -> list[Path]:
    return [path for path in workspace.index.rglob("*") if path.is_file()]


def garbage(workspace: Workspace) -> None:
    for path in index_files(workspace):
        path.write_bytes(os.urandom(max(path.stat().st_size, 100)))


def no_graph(workspace: Workspace) -> None:
    for path in index_files(workspace):
        if path.suffix != ".json":
            path.unlink()


def truncated(workspace: Workspace) -> None:
    for path in index_files(workspace):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def no_text(workspace: Workspace) -> None:
    """Bytes that are no text where Chroma's core expects it: it panics."""
    for path in workspace.index.rglob("chroma.sqlite3"):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE migrations SET filename = CAST(x'FF' AS TEXT)")


DAMAGES: list[Callable[[Workspace], None]] = [lambda workspace: shutil.rmtree(workspace.index), garbage, no_graph, truncated, no_text]


@pytest.mark.parametrize("damage", DAMAGES, ids=["deleted", "random bytes", "files missing", "cut in half", "no text"])
def test_everything_is_back_after_the_index_was_damaged(mapped: Agent, damage: Callable[[Workspace], None]) -> None:
    before, kept = search(mapped, limit=50), mapped.runner.keys()
    damage(mapped.workspace)
    assert search(mapped, limit=50) == before
    assert set(kept) <= set(mapped.runner.keys())


def test_the_command_line_makes_the_index_anew(mapped: Agent, tmp_path: Path) -> None:
    before = search(mapped, limit=50)
    garbage(mapped.workspace)
    done = CliRunner().invoke(app, ["artifacts", "rebuild", "--json", "--workspace", str(tmp_path / "ws")])
    assert json.loads(done.stdout) == {"entries": 4, "documents": 2, "gaps": {}}
    assert search(mapped, limit=50) == before


def test_an_index_of_another_version_is_made_anew(agent: Agent) -> None:
    before = search(agent)
    current = agent.workspace.index / "memory" / "current.json"
    current.write_text(json.dumps({**json.loads(current.read_text()), "version": "0-other"}))
    assert search(agent) == before
    assert json.loads(current.read_text())["version"] != "0-other"


def _searched_elsewhere(root: Path, count: int, found: Any) -> None:
    agent = Agent(root)
    for number in range(count):
        found.put(documents(agent, f"{QUERY} {number}")[0])


def test_processes_search_and_write_at_once(agent: Agent, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    workers = [context.Process(target=_searched_elsewhere, args=(tmp_path / "ws", 4, found)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(6):
        (tmp_path / f"more{number}.txt").write_text(f"Cattle grazed on meadow number {number}.")
        agent.add(tmp_path / f"more{number}.txt")
        assert documents(agent)[0] == "rain"
    first = [found.get(timeout=60) for _ in range(8)]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert set(first) == {"rain"}
    assert len(search(agent, "cattle on meadows", limit=50, kinds=["passage"])["passages"]) >= 6


def test_threads_search_at_once(agent: Agent) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(documents(agent)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["rain"] * 4


def test_an_index_of_many_passages_survives_damage_to_any_of_its_files(tmp_path: Path) -> None:
    """From a thousand entries on, Chroma keeps the graph of vectors in files of its own, some of which it reads without any check."""
    from agent.knowledge.generations import DamagedIndexError, Generation, Generations
    from agent.knowledge.vectors import make_entry, nearest, opened, write

    vectors = np.random.default_rng(1).normal(size=(1100, 384)).astype("float32")
    generations = Generations(tmp_path)
    with generations.begun(None) as folder, opened(folder) as collection:
        write(collection, [make_entry(f"text {number}", {"kind": "passage"}) for number in range(1100)], vectors)
    made = generations.publish(Generation(folder.name, 0, {}, {}, 1100, {}), None)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 5
    for path in files:
        content = path.read_bytes()
        path.write_bytes(os.urandom(len(content)))
        with pytest.raises(DamagedIndexError), generations.lent(made):
            pass
        path.write_bytes(content)
    for _ in range(2):  # reading changes nothing
        with generations.lent(made) as copy, opened(copy) as collection:
            assert len(list(nearest(collection, vectors[:1], (), 1100))) == 1100
