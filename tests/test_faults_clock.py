"""A clock that jumps, back, far ahead or to 1970, changes no answer, no order of what was done, and no waiting time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from range_server import Fault, RangeServer
from system_calls import Stepper, stepper
from tools.catalog.datasets import Datasets
from tools.errors import BusyError
from tools.locks import hold
from tools.settings import ToolSettings
from tools.storage.http import Remote, Request
from tools.workspace import Workspace

DAY_S = 86_400.0
THEN_1970 = -56 * 365.25 * DAY_S
THEN_2100 = 74 * 365.25 * DAY_S

PROGRAM = """
import datetime, sys, time
from pathlib import Path
import geopandas, pyarrow.parquet  # pandas must know the true class

# The clock of this process, before anything else can take hold of it. File times stay the kernel's: that is what a wrong clock is.
ahead, seconds, nanoseconds, Real = [0.0], time.time, time.time_ns, datetime.datetime
time.time = lambda: seconds() + ahead[0]
time.time_ns = lambda: nanoseconds() + int(ahead[0] * 1e9)

class Shifted(Real):
    __slots__ = ()  # libraries check the size

    @classmethod
    def now(cls, tz=None):
        return Real.fromtimestamp(time.time(), tz)

datetime.datetime = Shifted
from agent import Agent
from agent.threads import saver
from tools.settings import ToolSettings
data = Path(sys.argv[1])

def agent(ws):
    return Agent(ws, engine="planner", tool_settings=ToolSettings(workers=0))

def ask(ws, question, shift):
    ahead[0] = shift
    result = agent(ws).run(question, data=[data], thread_id="t")
    with saver(Path(ws) / "threads.sqlite", lambda: None) as thread:
        kept = thread.get_tuple({"configurable": {"thread_id": "t"}}).checkpoint["channel_values"]["previous"]["question"]
    return {
        "answer": result.answer, "caches": [artifact["cache"] for artifact in result.artifacts], "status": result.status, "kept": kept,
        "last": agent(ws).ledger.run("last")["question"], "listed": [row["key"] for row in agent(ws).runner.ls()],
        "journal": [entry["key"] for entry in agent(ws).runner.published_since(0)[0]], "seconds": result.seconds,
        "year": Real.fromisoformat(agent(ws).runner.ls()[0]["created"]).year,
    }

agent(data.parent / "warm").run("How many districts are there?", data=[data])  # loads what a run needs, before this process is copied
"""
QUESTIONS = (
    "How many districts are there?",
    "What is the total area of the districts?",
    "Which district is the largest?",
    "What is the area of each district?",
)


@pytest.fixture
def shifted(tmp_path: Path) -> Iterator[Stepper]:
    """Return a process whose clock can be set."""
    frame = gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=[box(7, 50, 7.1, 50.1), box(7, 51, 7.2, 51.1)], crs=4326)
    frame.to_file(tmp_path / "districts.gpkg")
    with stepper(PROGRAM, tmp_path / "districts.gpkg") as started:
        yield started


@pytest.mark.heavy
def test_a_jumping_clock_disorders_neither_the_thread_nor_the_ledger_nor_the_list(shifted: Stepper, tmp_path: Path) -> None:
    workspace, answers = str(tmp_path / "ws"), {}
    for question, shift in zip(QUESTIONS, (0.0, -DAY_S, THEN_2100, THEN_1970), strict=True):
        got = shifted.call("ask", workspace, question, shift).said
        answers[question] = got["answer"]
        assert (got["status"], got["kept"], got["last"]) == ("answered", question, question)
        assert got["listed"] == list(reversed(got["journal"])), "the newest stands first"
        assert 0 <= got["seconds"] < 60
    assert got["year"] in (1969, 1970, 1971), "the clock of the process was not shifted"
    for question, shift in zip(QUESTIONS, (THEN_1970, THEN_2100, 0.0, -DAY_S), strict=True):
        again = shifted.call("ask", workspace, question, shift).said
        assert (again["answer"], set(again["caches"]), again["kept"]) == (answers[question], {"hit"}, question)


def test_the_state_of_a_thread_is_what_was_written_last_not_what_has_the_latest_time(tmp_path: Path) -> None:
    """The ids of checkpoints are times: after a jump of the clock the newest one is the smallest."""
    from langgraph.checkpoint.base import empty_checkpoint

    from agent.threads import saver

    where: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
    for time_of_day in ("3", "1", "2"):
        with saver(tmp_path / "threads.sqlite", lambda: None) as thread:
            thread.put(where, {**empty_checkpoint(), "id": time_of_day}, {}, {})
            kept = thread.get_tuple(where)
        assert kept is not None
        assert kept.checkpoint["id"] == time_of_day


def test_waiting_for_a_lock_does_not_follow_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    for shift in (-THEN_2100, THEN_2100):
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda shift=shift: shift)
            with hold(tmp_path / "a.lock", 0), pytest.raises(BusyError), hold(tmp_path / "a.lock", 0.05):
                pass
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("before_s", "after_s"),
    [
        (-1000 * DAY_S, -2000 * DAY_S),  # an older file took its place, as when a backup is put back
        (-1000 * DAY_S, -1000 * DAY_S),  # the same size and time: only the kernel's own time of the change differs
        (100 * DAY_S, 100 * DAY_S),  # from the future, and still from there
        (100 * DAY_S, -1000 * DAY_S),
        (THEN_1970 + 3600, THEN_2100),
    ],
)
def test_a_file_that_changed_is_noticed_whatever_its_time_says(
    before_s: float, after_s: float, workspace: Workspace, tmp_path: Path
) -> None:
    path, now = tmp_path / "t.csv", time.time()
    path.write_text("a\n1\n")
    os.utime(path, (now, now + before_s))
    datasets = Datasets(workspace)
    (record,) = datasets.add(path).records
    assert datasets.resolve(record.id).digest == record.digest
    path.write_text("a\n2\n")
    os.utime(path, (now, now + after_s))
    assert datasets.resolve(record.id).digest != record.digest


def test_a_date_to_retry_at_is_one_of_the_servers_clock() -> None:
    """By our clock it would be long past, or not come before the deadline."""
    with RangeServer() as server, Remote(ToolSettings(allowed_hosts="127.0.0.1", http_deadline_s=5), pause_s=0.001) as remote:
        server.put("/a", b"abc", "text/plain")
        for now in ("Thu, 31 Dec 2099 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:10 GMT"):
            server.fail("/a", Fault(429, {"retry-after": now, "date": now}))
            assert remote.request(Request(server.url("/a"))).body == b"abc"
