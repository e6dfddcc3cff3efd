"""`kill -9` at numbered steps of whole runs: a question in a thread, adding a folder, the index of memory catching up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from system_calls import Stepper, stepper

_LOG = logging.getLogger(__name__)
KILLED = -9
LONGEST_RESTART_S = 5.0

PROGRAM = """
import sys, time
from pathlib import Path
import geopandas, pyarrow.parquet
from agent import Agent
from tools.settings import ToolSettings
root = Path(sys.argv[1])
HOW_MANY, TOTAL = "How many districts are there?", "What is the total area of the districts?"

def agent(ws):
    return Agent(ws, engine="planner", tool_settings=ToolSettings(workers=0))

def ask(ws, question, thread):
    started = time.monotonic()
    result = agent(ws).run(question, data=[root / "districts.gpkg"], thread_id=thread)
    seconds = time.monotonic() - started
    return {"status": result.status, "answer": result.answer, "warnings": list(result.warnings), "seconds": seconds, "state": state(ws)}

def add(ws, folder):
    report = agent(ws).add(folder)
    return [sorted(record.id for record in report.records), [refusal.message for refusal in report.refused]]

def datasets(ws):
    return [[record.id, agent(ws).datasets.resolve(record.id).digest] for record in agent(ws).datasets.record_objects()]

def search(ws, query):
    started = time.monotonic()
    found = agent(ws).runner.run("search_knowledge", {"query": query, "limit": 50})
    seconds = time.monotonic() - started
    stored = [f"a:{row['key'][:12]}" for row in agent(ws).runner.ls() if row["tool"] == "query_vector"]
    return {"found": sorted(one["ref"] for one in found.artifact.data["results"]), "stored": sorted(stored), "seconds": seconds}

def rebuild(ws):
    return agent(ws).knowledge.rebuild()

def thread(ws, name):
    from agent.threads import saver
    with saver(Path(ws) / "threads.sqlite", lambda: None) as kept:
        values = kept.get_tuple({"configurable": {"thread_id": name}}).checkpoint["channel_values"]
    return {"previous": values["previous"]["question"], "history": len(values["history"])}

def state(ws):
    ws, one = Path(ws), agent(ws)
    left = [path.relative_to(ws).as_posix() for name in ("staging", "locks") for path in (ws / name).iterdir()]
    left += [path.relative_to(ws).as_posix() for path in ws.glob("*/.*")]
    left += [path.name for path in ws.iterdir() if path.name.endswith(("-journal", "-wal", "-shm"))]
    memory = ws / "index" / "memory"
    return {
        "damaged": one.runner.verify(), "left": left, "generations": len(list(memory.iterdir())) if memory.is_dir() else 0,
        "last": one.ledger.run("last")["question"] if (ws / "ledger.sqlite").exists() else "",
    }

ask(str(root / "warm"), HOW_MANY, "t")  # loads what a run needs, once, before this process is copied
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Stepper]:
    """Return a process that has an agent loaded, whose copies are killed."""
    frame = gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=[box(7, 50, 7.1, 50.1), box(7, 51, 7.2, 51.1)], crs=4326)
    frame.to_file(tmp_path / "districts.gpkg")
    with stepper(PROGRAM, tmp_path) as started:
        yield started


def telling(steps: tuple[str, ...]) -> list[int]:
    """Return the steps that are worth a kill: of writes in a row, the first."""
    return [number for number, name in enumerate(steps, 1) if not name.startswith(("write", "pwrite")) or steps[number - 2] != name]


def some(steps: list[int], most: int) -> list[int]:
    """Return at most so many of the steps, from all over the call."""
    return [steps[position * len(steps) // most] for position in range(most)] if len(steps) > most else steps


@pytest.mark.heavy
def test_a_kill_at_any_step_of_a_question_leaves_thread_and_ledger_usable(processes: Stepper, tmp_path: Path) -> None:
    question, workspace = "What is the total area of the districts?", str(tmp_path / "ws")
    whole = processes.call("ask", str(tmp_path / "calm"), question, "t")
    chosen, slowest = some(telling(whole.steps), 90), 0.0
    for turn, number in enumerate(chosen):
        if turn % 4 == 0:  # so that some are killed while they compute, others while they repeat what they know
            workspace = str(tmp_path / f"ws{turn}")
        ended = processes.call("ask", workspace, question, "t", kill_at=number)
        assert ended.code in (KILLED, 0)  # a repeated question takes fewer steps
        got = processes.call("ask", workspace, question, "t").said
        assert (got["status"], got["answer"], got["warnings"]) == ("answered", whole.said["answer"], []), f"step {number}"
        assert got["state"] == {"damaged": {}, "left": [], "last": question, "generations": 0}, f"step {number}"
        slowest = max(slowest, got["seconds"])
    assert slowest < LONGEST_RESTART_S
    _LOG.info("%s steps, %s killed; slowest answer afterwards %.2f s", len(whole.steps), len(chosen), slowest)


@pytest.mark.heavy
def test_a_kill_at_any_step_of_adding_a_folder_loses_no_dataset(processes: Stepper, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(4):
        gpd.GeoDataFrame({"n": [number]}, geometry=[Point(number, 1)], crs=4326).to_file(folder / f"layer{number}.gpkg")
    whole = processes.call("add", str(tmp_path / "calm"), str(folder))
    expected = processes.call("datasets", str(tmp_path / "calm")).said
    chosen = some(telling(whole.steps), 60)
    for number in chosen:
        workspace = str(tmp_path / f"ws{number}")
        assert processes.call("add", workspace, str(folder), kill_at=number).code == KILLED
        known = processes.call("datasets", workspace).said
        assert all(row in expected for row in known)
        assert processes.call("add", workspace, str(folder)).said == whole.said
        assert processes.call("datasets", workspace).said == expected
        assert processes.call("state", workspace).said["left"] == []
    _LOG.info("%s steps, %s killed", len(whole.steps), len(chosen))


@pytest.mark.heavy
@pytest.mark.parametrize("how", ["search", "rebuild"])
def test_a_kill_while_memory_catches_up_leaves_an_index_that_finds(how: str, processes: Stepper, tmp_path: Path) -> None:
    workspace = str(tmp_path / "ws")
    for question in ("How many districts are there?", "What is the total area of the districts?"):
        processes.call("ask", workspace, question, "t")
    processes.call("search", workspace, "area of districts")
    args = ("area of districts",) if how == "search" else ()
    processes.call("ask", workspace, "What is the area of each district?", "t")
    steps = telling(processes.call(how, workspace, *args).steps)
    chosen = some(steps, 12)
    for turn, number in enumerate(chosen):
        # a new result each time, so that there is something to catch up with
        processes.call("ask", workspace, f"Which districts are larger than {turn + 1} ha?", "t")
        ended = processes.call(how, workspace, *args, kill_at=number)
        assert ended.code in (KILLED, 0)
        got = processes.call("search", workspace, "area of districts").said
        assert got["found"] == got["stored"], f"step {number}"
    processes.call("rebuild", workspace)
    after = processes.call("state", workspace).said
    assert (after["damaged"], after["left"]) == ({}, [])
    assert after["generations"] <= 3, "more than the current one, the one before and the file that names them"
    _LOG.info("%s telling steps, %s killed", len(steps), len(chosen))
