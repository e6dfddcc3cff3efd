"""A disk that is full and a workspace that is read-only: answered with what was not kept, or one clear error; well again by itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from agent import Agent
from agent.result import RunResult
from fault_rooms import PAGE, Disk, read_only, small_disk
from generated_workspaces import make_scene
from memo_package import PlainCatalog, TinyPackage
from range_server import RangeServer
from tools.errors import StorageError
from tools.settings import ToolSettings
from tools.storage.downloads import Downloads
from tools.workspace import open_workspace

HOW_MANY = "How many districts are there?"
NOT_KEPT = "Follow-up questions will not know of this one"
NOT_RECORDED = "This run was not recorded"


@pytest.fixture
def districts(tmp_path: Path) -> Path:
    """Return a layer of two polygons."""
    path = tmp_path / "districts.gpkg"
    gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=[box(7, 50, 7.1, 50.1), box(7, 51, 7.1, 51.1)], crs=4326).to_file(path)
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Return a disk of 16 MiB."""
    with small_disk(tmp_path / "disk") as made:
        yield made


def agent_of(folder: Path, workers: int = 0) -> Agent:
    """Return an agent as a new process would make it."""
    return Agent(folder, engine="planner", tool_settings=ToolSettings(workers=workers))


def asked(folder: Path, question: str, *data: Path, workers: int = 0) -> RunResult | StorageError:
    """Ask in a new process, so to speak; return what came of it."""
    agent = agent_of(folder, workers)
    try:
        return agent.run(question, data=data)
    except StorageError as error:
        return error
    finally:
        agent.executor.close()


def assert_answered_or_told(got: RunResult | StorageError, answer: str) -> None:
    """The right answer, or one error that says that the disk is at fault and what to do."""
    if isinstance(got, StorageError):
        assert got.hint
        return
    if got.status == "answered":
        assert got.answer == answer
        return
    (code,) = {step["error"]["code"] for step in got.steps if "error" in step}
    assert (code, got.exit_code) == ("storage", 1)


def assert_well(folder: Path, question: str, data: tuple[Path, ...], answer: str) -> None:
    """With room on the disk all works, and nothing is left of what failed."""
    agent = agent_of(folder)
    result = agent.run(question, data=data)
    assert (result.status, result.answer) == ("answered", answer)
    assert not [warning for warning in result.warnings if NOT_KEPT in warning or NOT_RECORDED in warning or "damaged" in warning]
    assert agent.runner.verify() == {}
    assert {entry["key"] for entry in agent.runner.published_since(0)[0]} == set(agent.runner.keys())
    assert agent.ledger.run("last")["answer"] == answer
    left = [path for name in ("staging", "locks") for path in (folder / name).iterdir()]
    assert left + list(folder.glob("*/.*")) == []


def test_a_question_on_a_full_disk_is_answered_or_ends_with_one_error(districts: Path, disk: Disk, tmp_path: Path) -> None:
    answer = agent_of(tmp_path / "calm").run(HOW_MANY, data=[districts]).answer
    disk.fill(17 * PAGE)
    assert_answered_or_told(asked(disk.root / "ws", HOW_MANY, districts), answer)
    disk.relieve()
    assert_well(disk.root / "ws", HOW_MANY, (districts,), answer)


@pytest.mark.heavy
@pytest.mark.parametrize("workers", [0, 1])
def test_a_question_is_answered_or_told_wherever_the_disk_runs_full(workers: int, tmp_path: Path) -> None:
    scene = make_scene(5, tmp_path / "data")
    question, data = f"mean {scene.surface.surface.theme} by {scene.zones.noun.one}", (scene.surface.path, scene.zones.path)
    answer = agent_of(tmp_path / "calm").run(question, data=data).answer
    outcomes = set()
    with small_disk(tmp_path / "disk") as disk:
        for pages in range(0, 100, 1 if workers == 0 else 9):
            disk.fill(pages * PAGE)
            got = asked(disk.root / "ws", question, *data, workers=workers)
            assert_answered_or_told(got, answer)
            outcomes.add("error" if isinstance(got, StorageError) else got.status)
            disk.relieve()
            assert_well(disk.root / "ws", question, data, answer)
            shutil.rmtree(disk.root / "ws")
    assert outcomes == {"error", "failed", "answered"}, "the disk was never full at the place that this test is about"


def test_a_result_on_a_full_disk_is_stored_whole_or_not_at_all(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "five.txt").write_bytes(b"abcde" * 2000)
    package, catalog = TinyPackage(tmp_path / "code", monkeypatch), PlainCatalog({"five": tmp_path / "five.txt"})
    workspace = open_workspace(root=disk.root / "ws")
    package.runner(workspace, catalog).run("measure", {"source": "five"})  # the folder of analyses is there
    outcomes: list[str] = []
    hints: set[str] = set()
    for pages in range(0, 12, 2):
        call = {"source": "five", "rows": 300, "factor": 2 + pages}
        disk.fill(pages * PAGE)
        runner = package.runner(workspace, catalog)
        stored = set(runner.keys())
        try:
            outcomes.append(runner.run("measure", call).cache)
        except StorageError as error:
            hints.add(error.hint)
            outcomes.append("told")
        assert outcomes[-1] == "computed" or set(runner.keys()) == stored
        disk.relieve()
        again = package.runner(workspace, catalog).run("measure", call)
        assert again.cache == ("computed" if outcomes[-1] == "told" else "hit")
        assert len(runner.facts(again.artifact.ref)) == 300
        assert {entry["key"] for entry in runner.published_since(0)[0]} == set(runner.keys())
    assert runner.verify() == {}
    assert (outcomes[0], outcomes[-1]) == ("told", "computed")
    assert all("disk is full" in hint for hint in hints)


def test_results_are_listed_on_a_full_disk(districts: Path, disk: Disk) -> None:
    agent_of(disk.root / "ws").run(HOW_MANY, data=[districts])
    disk.fill()
    listed = agent_of(disk.root / "ws").runner.ls()
    assert [row["tool"] for row in listed] == ["query_vector"]
    disk.relieve()
    assert agent_of(disk.root / "ws").runner.ls() == listed


def test_adding_a_folder_on_a_full_disk_keeps_whole_registrations_and_goes_on_later(disk: Disk, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(6):
        frame = gpd.GeoDataFrame({f"column_{column}": [column] for column in range(60)}, geometry=[Point(number, 1)], crs=4326)
        frame.to_file(folder / f"layer{number}.gpkg")
    assert agent_of(disk.root / "ws").add(folder / "layer0.gpkg").records
    disk.fill(10 * PAGE)
    with pytest.raises(StorageError, match="full"):
        agent_of(disk.root / "ws").add(folder)
    known = agent_of(disk.root / "ws").datasets.records()
    assert 1 <= len(known) < 6
    disk.relieve()
    report = agent_of(disk.root / "ws").add(folder)
    assert (len(report.records), report.refused) == (6, ())
    assert {record["id"] for record in known} <= {record.id for record in report.records}


def test_a_read_only_workspace_answers_what_it_knows_and_says_what_it_does_not_keep(districts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    other = tmp_path / "other.geojson"
    gpd.GeoDataFrame({"name": ["East"]}, geometry=[Point(7, 50)], crs=4326).to_file(other)
    first = agent_of(folder).run(HOW_MANY, data=[districts], thread_id="t")
    with read_only(folder):
        agent = agent_of(folder)
        again = agent.run(HOW_MANY, data=[districts], thread_id="t")
        assert (again.answer, [artifact["cache"] for artifact in again.artifacts]) == (first.answer, ["hit"])
        assert [sum(said in warning for warning in again.warnings) for said in (NOT_KEPT, NOT_RECORDED)] == [1, 1]
        new = agent.run("What is the area of each district?", thread_id="t")
        assert (new.status, new.exit_code, new.steps[-1]["error"]["code"]) == ("failed", 1, "storage")
        assert "read-only" in new.steps[-1]["error"]["hint"]
        assert agent.ledger.run("last")["run_id"] == first.run_id
        assert agent.runner.verify() == {}
        assert [row["tool"] for row in agent.runner.ls()] == ["query_vector"]
        assert len(agent.add(districts).records) == 1
        with pytest.raises(StorageError, match="readonly"):
            agent.add(other)
    assert agent_of(folder).run("What is the area of each district?", thread_id="t").status == "answered"


@pytest.mark.heavy
def test_a_read_only_workspace_with_workers_answers_what_it_knows(districts: Path, tmp_path: Path) -> None:
    first = agent_of(tmp_path / "ws").run(HOW_MANY, data=[districts])
    with read_only(tmp_path / "ws"):
        again = asked(tmp_path / "ws", HOW_MANY, districts, workers=2)
    assert isinstance(again, RunResult)
    assert again.answer == first.answer


def test_a_download_for_which_the_disk_turns_out_too_small_is_told_and_fetched_once_there_is_room(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the disk says of its room, others may take it meanwhile: every place from the first byte to the last note."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, 10**12))
    table = b"name,count\n" + b"".join(b"tree %d,%d\n" % (number, number) for number in range(6000))
    outcomes = []
    with RangeServer() as server:
        server.put("/data/trees.csv", table, "text/csv")
        for pages in range(0, 40, 4):
            downloads = Downloads(disk.root / f"downloads{pages}", ToolSettings(allowed_hosts="127.0.0.1"), pause_s=0.01)
            disk.fill(pages * PAGE)
            try:
                downloads.fetch(server.url("/data/trees.csv"))
                outcomes.append("fetched")
            except StorageError:
                outcomes.append("told")
            disk.relieve()
            assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == table
            assert [path for path in (disk.root / f"downloads{pages}" / "quarantine").rglob("*") if path.is_file()] == []
    assert (outcomes[0], outcomes[-1]) == ("told", "fetched")


@pytest.mark.heavy
def test_memory_on_a_full_disk_finds_or_tells_and_leaves_no_half_made_index(districts: Path, disk: Disk) -> None:
    outcomes = []
    for turn, pages in enumerate((0, 20, 60, 100, 200, 300, 600)):
        assert agent_of(disk.root / "ws").run(f"Which districts are larger than {turn + 1} ha?", data=[districts]).status == "answered"
        known = set((disk.root / "ws" / "index" / "memory").glob("*"))
        disk.fill(pages * PAGE)
        try:
            outcomes.append(searched(disk.root / "ws"))
        except StorageError as error:
            assert error.hint  # noqa: PT017 - either is right
            assert set((disk.root / "ws" / "index" / "memory").glob("*")) <= known
            outcomes.append(-1)
        disk.relieve()
        assert searched(disk.root / "ws") == turn + 1
    assert (outcomes[0], outcomes[-1]) == (-1, len(outcomes))


@pytest.mark.heavy
def test_a_full_temporary_folder_is_told_and_costs_no_index(
    districts: Path, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_of(tmp_path / "ws").run(HOW_MANY, data=[districts])
    assert searched(tmp_path / "ws") == 1
    current = (tmp_path / "ws" / "index" / "memory" / "current.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(disk.root))
        disk.fill()
        with pytest.raises(StorageError, match="room"):
            searched(tmp_path / "ws")
    assert (tmp_path / "ws" / "index" / "memory" / "current.json").read_bytes() == current
    assert searched(tmp_path / "ws") == 1


def searched(folder: Path) -> int:
    """Return how many results a search of memory finds, in a new process, so to speak."""
    found = agent_of(folder).runner.run("search_knowledge", {"query": "districts", "limit": 50}).artifact
    return len(found.data["results"])
