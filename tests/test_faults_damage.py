"""Files of a workspace that were truncated, overwritten or lost: what can be made again is, what cannot is told, nothing wrong is served."""

from __future__ import annotations

import logging
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from agent import Agent
from agent.models.capabilities import Capabilities, Notes
from agent.result import RunResult
from memo_package import PlainCatalog, TinyPackage
from tools.errors import StorageError
from tools.memo.pins import Pins
from tools.settings import ToolSettings
from tools.workspace import Workspace

_LOG = logging.getLogger(__name__)
HOW_MANY = "How many districts are there?"
TOTAL = "What is the total area of the districts?"

DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 3]),
    "emptied": lambda path: path.write_bytes(b""),
    "overwritten": lambda path: path.write_bytes(random.Random(1).randbytes(max(path.stat().st_size, 64))),
    "deleted": lambda path: path.unlink(),
}


def agent_of(folder: Path) -> Agent:
    """Return an agent as a new process would make it."""
    return Agent(folder, engine="planner", tool_settings=ToolSettings(workers=0))


ANY_DAMAGE = [pytest.param(how, marks=() if how == "overwritten" else pytest.mark.heavy) for how in DAMAGE]


@pytest.fixture(scope="module")
def districts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a layer of two polygons."""
    path = tmp_path_factory.mktemp("data") / "districts.gpkg"
    gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=[box(7, 50, 7.1, 50.1), box(7, 51, 7.2, 51.1)], crs=4326).to_file(path)
    return path


@pytest.fixture(scope="module")
def answered(districts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    """Return a workspace, to be copied, and the answer that it knows, in its thread `t`."""
    folder = tmp_path_factory.mktemp("answered") / "ws"
    agent = agent_of(folder)
    agent.run(HOW_MANY, data=[districts], thread_id="t")
    result = agent.run(TOTAL, data=[districts], thread_id="t")
    assert (result.status, len(agent.runner.ls())) == ("answered", 2)
    return folder, result


@pytest.fixture
def known(answered: tuple[Path, RunResult], tmp_path: Path) -> RunResult:
    """Return the answer that the workspace `ws` knows, in its thread `t`."""
    shutil.copytree(answered[0], tmp_path / "ws")
    return answered[1]


def assert_remembered(result: RunResult, known: RunResult) -> None:
    """The same answer, without computing."""
    assert (result.answer, {artifact["cache"] for artifact in result.artifacts}) == (known.answer, {"hit"})


@pytest.mark.parametrize("how", ANY_DAMAGE)
def test_the_index_beside_the_store_is_made_again(how: str, known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    DAMAGE[how](agent.workspace.index / "cache.db")
    result = agent.run(TOTAL, data=[districts])
    assert_remembered(result, known)
    assert result.warnings == known.warnings
    assert [row["tool"] for row in agent.runner.ls()] == ["query_vector", "query_vector"]


@pytest.mark.parametrize("how", ANY_DAMAGE)
def test_the_analyses_of_our_code_are_made_again(how: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "five.txt").write_bytes(b"abcde")
    package, catalog = TinyPackage(tmp_path / "packages", monkeypatch), PlainCatalog({"five": tmp_path / "five.txt"})
    first = package.runner(workspace, catalog).run("measure", {"source": "five"})
    kept = sorted((workspace.root / "code").iterdir())
    assert len(kept) > 3
    for path in kept:
        DAMAGE[how](path)
    again = package.runner(workspace, catalog).run("measure", {"source": "five"})
    assert (again.cache, again.artifact.key) == ("hit", first.artifact.key)
    assert sorted((workspace.root / "code").iterdir()) == kept


@pytest.mark.parametrize("how", ANY_DAMAGE)
def test_what_an_endpoint_can_do_is_learned_again(how: str, tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    Notes(path).learn("http://a", "m", Capabilities(stream=False))
    DAMAGE[how](path)
    assert Notes(path).of("http://a", "m") == Capabilities()
    Notes(path).learn("http://a", "m", Capabilities(stream=False))
    assert Notes(path).of("http://a", "m") == Capabilities(stream=False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["endpoints.json"]


@pytest.mark.parametrize("how", ANY_DAMAGE)
def test_a_damaged_journal_hides_no_result_and_takes_new_ones(how: str, known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    position = agent.runner.published_since(0)[1]
    DAMAGE[how](tmp_path / "ws" / "journal.jsonl")
    assert_remembered(agent.run(TOTAL, data=[districts]), known)
    new = agent.run("Which district is the largest?", data=[districts]).artifacts[0]["key"]
    assert new in [entry["key"] for entry in agent.runner.published_since(position)[0]]
    assert len(agent.runner.ls()) == 3


def test_damaged_pins_are_told_and_harm_no_others(known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    pins = Pins(agent.workspace.root / "pins")
    path = tmp_path / "ws" / "pins" / f"{known.run_id}.json"
    for damaged in (b"", b"[]", b'{"keys": 7}', b'{"keys": [7]}', b"\xff"):
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=known.run_id):
            pins.owners()
    assert_remembered(agent.run(TOTAL, data=[districts]), known)
    path.unlink()
    assert len(pins.owners()) == 2


@pytest.mark.parametrize("how", ANY_DAMAGE[:3:2])
def test_a_damaged_ledger_is_told_and_answers_go_on(how: str, known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    DAMAGE[how](agent.workspace.ledger)
    result = agent.run(TOTAL, data=[districts])
    assert_remembered(result, known)
    assert [warning for warning in result.warnings if "not recorded" in warning]
    with pytest.raises(StorageError, match="ledger"):
        agent.ledger.run("last")


@pytest.mark.parametrize("how", ANY_DAMAGE[:3:2])
def test_damaged_conversations_are_told_and_new_ones_are_answered(how: str, known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    DAMAGE[how](agent.workspace.threads)
    result = agent.run(TOTAL, data=[districts])
    assert_remembered(result, known)
    assert [warning for warning in result.warnings if "Follow-up questions" in warning]
    with pytest.raises(StorageError, match="conversations"):
        agent.run(TOTAL, data=[districts], thread_id="t")


@pytest.mark.parametrize("how", ANY_DAMAGE[:3:2])
def test_damaged_registrations_are_told_and_the_rest_stays_usable(how: str, known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    DAMAGE[how](agent.workspace.datasets)
    with pytest.raises(StorageError, match=r"datasets\.sqlite"):
        agent.run(TOTAL, data=[districts])
    assert agent.ledger.run("last")["answer"] == known.answer
    assert agent.runner.verify() == {}
    agent.workspace.datasets.unlink()  # as the hint says
    assert_remembered(agent.run(TOTAL, data=[districts]), known)


def changed_cell(path: Path, table: str, column: str, old: str, new: str) -> None:
    """Change a text inside the rows of a table, as a failing disk might; SQLite notices nothing."""
    with closing(sqlite3.connect(path)) as connection, connection:
        changed = connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (old, new))
        assert changed.rowcount > 0


def test_a_registration_with_a_wrong_digit_is_told_and_adding_the_file_mends_it(known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    changed_cell(agent.workspace.datasets, "datasets", "record", "EPSG:4326", "EPSG:4322")
    with pytest.raises(StorageError, match="'districts' is damaged"):
        agent.datasets.get("districts")
    with pytest.raises(StorageError, match="terracite add"):
        agent.datasets.records()
    (record,) = agent.add(districts).records
    assert record.crs == "EPSG:4326"
    assert_remembered(agent.run(TOTAL), known)


def test_a_run_with_a_wrong_digit_in_the_ledger_is_told(known: RunResult, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    changed_cell(agent.workspace.ledger, "runs", "result", '"exit_code": 0', '"exit_code": 1')
    with pytest.raises(StorageError, match="damaged"):
        agent.ledger.run(known.run_id)


def test_a_conversation_with_a_wrong_digit_is_told(known: RunResult, districts: Path, tmp_path: Path) -> None:
    agent = agent_of(tmp_path / "ws")
    with closing(sqlite3.connect(agent.workspace.threads)) as connection, connection:
        for row, content in connection.execute("SELECT rowid, checkpoint FROM checkpoints").fetchall():
            connection.execute("UPDATE checkpoints SET checkpoint = ? WHERE rowid = ?", (content[:-1] + bytes([content[-1] ^ 1]), row))
    with pytest.raises(StorageError, match="damaged"):
        agent.run(TOTAL, data=[districts], thread_id="t")
    assert_remembered(agent.run(TOTAL, data=[districts], thread_id="another"), known)


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["datasets.sqlite", "ledger.sqlite", "threads.sqlite", "journal.jsonl"])
def test_random_bytes_anywhere_in_a_truth_give_the_right_answer_or_an_error(
    name: str, known: RunResult, districts: Path, tmp_path: Path
) -> None:
    path, chance, told = tmp_path / "ws" / name, random.Random(7), 0
    whole = path.read_bytes()
    for _ in range(150):
        start, length = chance.randrange(len(whole)), chance.choice((1, 8, 64, 512))
        path.write_bytes(whole[:start] + chance.randbytes(length) + whole[start + length :])
        try:
            result = agent_of(tmp_path / "ws").run(TOTAL, data=[districts], thread_id="t")
            assert_remembered(result, known)
        except StorageError:
            told += 1
        for left in path.parent.glob(f"{name}-*"):
            left.unlink()
    _LOG.info("%s: %s of 150 told", name, told)
