"""Several processes at once: on one key, one conversation, one folder, one index; and any of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point, box

from agent import Agent
from agent.errors import RunInterruptedError, check_wanted
from agent.threads import Turns
from conftest import MakeRaster
from memo_package import PlainCatalog, TinyPackage
from system_calls import Stepper, stepper
from test_faults_kill_runs import PROGRAM
from tools.catalog.datasets import Datasets
from tools.errors import BusyError
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workspace import Workspace, open_workspace
from waiting import wait_until


def turns_of(workspace: Workspace, patience_s: float = 20.0) -> Turns:
    """Return the turns of a workspace as another process would have them."""
    return Turns(Runner(workspace, Datasets(workspace)).exclusive, patience_s)


def nobody_cancels() -> None:
    """Go on."""


def test_runs_of_one_conversation_follow_each_other_and_other_conversations_do_not_wait(workspace: Workspace) -> None:
    order: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with turns_of(workspace).taken("t", threading.Event(), nobody_cancels):
            begun.set()
            assert may_end.wait(20)
            order.append("first")

    def second() -> None:
        with turns_of(workspace).taken("t", threading.Event(), nobody_cancels):
            order.append("second")

    with ThreadPoolExecutor() as threads:
        running = [threads.submit(first)]
        assert begun.wait(20)
        running.append(threads.submit(second))
        with turns_of(workspace).taken("another", threading.Event(), nobody_cancels):
            order.append("another")
        may_end.set()
        for run in running:
            run.result(20)
    assert order == ["another", "first", "second"]
    assert list(workspace.locks.iterdir()) == []


def test_waiting_for_a_turn_ends_with_busy_or_when_nobody_waits_any_more(workspace: Workspace) -> None:
    cancel = threading.Event()
    cancel.set()
    with turns_of(workspace).taken("t", threading.Event(), nobody_cancels):
        with pytest.raises(BusyError, match="'t'"), turns_of(workspace, 0.0).taken("t", threading.Event(), nobody_cancels):
            pass
        with pytest.raises(RunInterruptedError), turns_of(workspace).taken("t", cancel, lambda: check_wanted(cancel, "?")):
            pass


def test_an_interrupted_run_gives_its_turn_up_while_it_still_ends(workspace: Workspace) -> None:
    turns, cancel = turns_of(workspace, 5.0), threading.Event()
    with ExitStack() as abandoned:
        abandoned.enter_context(turns.taken("t", cancel, nobody_cancels))
        cancel.set()
        with turns.taken("t", threading.Event(), nobody_cancels):
            assert len(list(workspace.locks.iterdir())) == 1
            abandoned.close()
            assert len(list(workspace.locks.iterdir())) == 1, "the end of the abandoned run took the turn of the next"


def test_where_no_lock_can_be_made_a_question_needs_no_turn(workspace: Workspace) -> None:
    workspace.locks.rmdir()
    workspace.locks.write_text("in the way")
    with turns_of(workspace).taken("t", threading.Event(), nobody_cancels):
        pass


CHILD = """
import sys
from pathlib import Path
sys.dont_write_bytecode = True
from memo_package import PlainCatalog, TinyPackage
from tools.memo.fingerprint import Fingerprints
from tools.memo.sources import Sources
from tools.runner import Runner
from tools.workspace import open_workspace
root = Path(sys.argv[1])
sys.path.insert(0, str(root / "code"))
runner = Runner(open_workspace(root=root / "ws"), PlainCatalog({"five": root / "five.txt"}), load=TinyPackage.load, fingerprints=Fingerprints(Sources()))
runner.run("measure", {"source": "five"})
"""


def test_who_waits_for_a_killed_process_computes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "five.txt").write_bytes(b"abcde")
    package = TinyPackage(tmp_path / "code", monkeypatch)
    flag = tmp_path / "at work"
    package.edit(
        "measure.py",
        "content = context",
        f"import time; __import__('pathlib').Path({str(flag)!r}).touch(); wait = SLOW\n    content = context",
    )
    package.edit("measure.py", "wait = SLOW", "time.sleep(60 if not (context.folder / '..' / '..' / 'quick').exists() else 0)")
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(here), str(here.parent)))}
    process = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], env=environment)
    workspace = open_workspace(root=tmp_path / "ws")
    with ThreadPoolExecutor() as threads:
        try:
            wait_until(flag.exists, "the call has begun")
            (workspace.root / "quick").touch()
            runner = package.runner(workspace, PlainCatalog({"five": tmp_path / "five.txt"}))
            waiting = threads.submit(runner.run, "measure", {"source": "five"})
            time.sleep(0.1)
            assert not waiting.done()
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        killed = time.monotonic()
        assert waiting.result(20).cache == "computed"
        assert time.monotonic() - killed < 5
    Runner(workspace, PlainCatalog(), load=TinyPackage.load)
    assert list(workspace.staging.iterdir()) == []


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Stepper, Stepper]]:
    """Return two processes that have an agent loaded."""
    frame = gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=[box(7, 50, 7.1, 50.1), box(7, 51, 7.2, 51.1)], crs=4326)
    frame.to_file(tmp_path / "districts.gpkg")
    with stepper(PROGRAM, tmp_path) as one, stepper(PROGRAM, tmp_path) as other:
        yield one, other


@pytest.mark.heavy
def test_two_processes_in_one_conversation_both_answer_and_the_thread_knows_both(pair: tuple[Stepper, Stepper], tmp_path: Path) -> None:
    workspace, questions = str(tmp_path / "ws"), ("How many districts are there?", "What is the total area of the districts?")
    with ThreadPoolExecutor() as threads:
        for turn in range(6):
            asked = [threads.submit(one.call, "ask", workspace, question, "t") for one, question in zip(pair, questions, strict=True)]
            answers = [run.result(120).said for run in asked]
            assert [answer["status"] for answer in answers] == ["answered", "answered"]
            assert [answer["warnings"] for answer in answers] == [[], []]
            known = pair[0].call("thread", workspace, "t").said
            assert known["history"] == 2 * (turn + 1), "one run began before the other had ended, and its results were forgotten"
            assert known["previous"] == pair[0].call("state", workspace).said["last"]


@pytest.mark.heavy
def test_two_processes_that_add_the_same_folder_register_it_once(pair: tuple[Stepper, Stepper], tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        gpd.GeoDataFrame({"n": [number]}, geometry=[Point(number, 1)], crs=4326).to_file(folder / f"layer{number}.gpkg")
    with ThreadPoolExecutor() as threads:
        for turn in range(3):
            workspace = str(tmp_path / f"ws{turn}")
            added = [threads.submit(one.call, "add", workspace, str(folder)) for one in pair]
            first, second = (run.result(120).said for run in added)
            assert first == second
            assert len(first[0]) == len(pair[0].call("datasets", workspace).said) == 12


@pytest.mark.heavy
def test_two_processes_that_make_the_index_anew_both_do(pair: tuple[Stepper, Stepper], tmp_path: Path) -> None:
    workspace = str(tmp_path / "ws")
    pair[0].call("ask", workspace, "How many districts are there?", "t")
    pair[0].call("ask", workspace, "What is the total area of the districts?", "t")
    with ThreadPoolExecutor() as threads:
        for _ in range(3):
            first, second = (run.result(120).said for run in [threads.submit(one.call, "rebuild", workspace) for one in pair])
            assert first == second
            assert first["entries"] == 2
            searched = [threads.submit(one.call, "search", workspace, "area of districts") for one in pair]
            assert len({json.dumps(run.result(120).said["found"]) for run in searched}) == 1


COMMAND = """
import sys
from agent import Agent
from tools.settings import ToolSettings
Agent(sys.argv[1], engine="planner", tool_settings=ToolSettings(workers=1)).run(sys.argv[2], data=sys.argv[3:])
"""


@pytest.mark.heavy
@pytest.mark.parametrize("victim", ["the command", "its worker"])
def test_a_kill_while_a_worker_computes_leaves_no_process_and_no_folder(victim: str, tmp_path: Path, make_raster: MakeRaster) -> None:
    raster = make_raster(
        np.random.default_rng(0).random((6000, 6000), dtype="float32"), bounds=(500_000, 5_000_000, 560_000, 5_060_000), name="depth.tif"
    )
    frame = gpd.GeoDataFrame({"name": ["North"]}, geometry=[box(501_000, 5_001_000, 559_000, 5_059_000)], crs=32631)
    frame.to_file(tmp_path / "districts.gpkg")
    question = "mean depth by district"
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(here.parent)}
    command = [sys.executable, "-P", "-c", COMMAND, str(tmp_path / "ws"), question, str(raster), str(tmp_path / "districts.gpkg")]
    process = subprocess.Popen(command, env=environment)
    staging = tmp_path / "ws" / "staging"
    wait_until(lambda: staging.is_dir() and len([entry for entry in staging.iterdir() if entry.is_dir()]) >= 2, "a call is computed", 60)
    workers = descendants(process.pid)
    assert workers, "nothing computes in a worker"
    os.kill(process.pid if victim == "the command" else workers[0], signal.SIGKILL)
    process.wait(60)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "no process is left", 5)
    agent = Agent(tmp_path / "ws", engine="planner", tool_settings=ToolSettings(workers=0))
    assert list(staging.iterdir()) == []
    assert agent.run(question, data=[raster, tmp_path / "districts.gpkg"]).status == "answered"
    assert agent.runner.verify() == {}


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    found = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return [*found, *(one for child in found for one in descendants(child))]
