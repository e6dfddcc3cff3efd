"""A run that nobody wants any more: it ends soon, leaves no trace in its thread, and the next question is answered at once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from agent import Agent
from agent.errors import RunInterruptedError
from agent.events import Event, RunFinished, RunStarted, ToolProgress, ToolStarted
from agent.settings import AgentSettings
from scripted_endpoint import Endpoint, Script, scripted
from tools.contract import Result
from tools.runner import Runner
from tools.workers.job import Check, Progress, checking, nobody_asks, nothing_told

COUNT = [("query_vector", {"layer": "districts", "measures": [{"aggregate": "count"}]})]
AREA = [("query_vector", {"layer": "districts", "measures": [{"aggregate": "area"}]})]
TWO = "There are 2 districts [1]."
HOW_MANY = "How many districts are there?"


class SlowRunner(Runner):
    """Tools that first do `before`, which is given what they tell their progress to."""

    before: Callable[[Callable[[float], None]], None] = staticmethod(lambda _: None)

    def run(self, name: str, params: Mapping[str, object], *, progress: Progress = nothing_told, check: Check = nobody_asks) -> Result:
        self.before(checking(progress, check))
        return super().run(name, params)


@contextmanager
def asking(folder: Path, script: Script) -> Iterator[tuple[Agent, SlowRunner, Endpoint]]:
    frame = gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=[box(7, 50, 7.1, 50.1), box(7, 51, 7.1, 51.1)], crs=4326)
    frame.to_file(folder / "districts.gpkg")
    with scripted(script) as endpoint:
        settings = AgentSettings(engine="model", openai_base_url=endpoint.url, openai_api_key="x", model_retries=0)
        agent = Agent(folder / "ws", settings=settings)
        agent.add(folder / "districts.gpkg")
        agent.runner = runner = SlowRunner(agent.workspace, agent.datasets)
        yield agent, runner, endpoint


def previous(request: dict[str, Any]) -> Any:
    """The question of the thread's last run, as the model was told."""
    block = str(request["messages"][1]["content"]).rpartition("<session>")[2].removesuffix("</session>")
    told = json.loads(block)["previous"]
    return told and told["question"]


def checkpoints(agent: Agent) -> int:
    with closing(sqlite3.connect(agent.workspace.threads)) as connection:
        count: int = connection.execute("SELECT count(*) FROM checkpoints").fetchone()[0]
        return count


def until(events: Iterator[Event], cancel: threading.Event, kind: type[Event]) -> list[Event]:
    """Take events, set `cancel` at the first of a kind, and return all that came before the end."""
    seen: list[Event] = []
    try:
        for event in events:
            seen.append(event)
            if isinstance(event, kind):
                cancel.set()
    except RunInterruptedError:
        return seen
    raise AssertionError("the run was not interrupted")


def test_a_run_interrupted_before_its_model_answers_leaves_the_thread_as_it_was(tmp_path: Path) -> None:
    cancel = threading.Event()

    def interrupted(_: dict[str, Any]) -> Any:
        cancel.set()
        return COUNT

    with asking(tmp_path, [COUNT, TWO, interrupted, COUNT, TWO]) as (agent, _, endpoint):
        thread = agent.thread("t")
        assert thread.run(HOW_MANY).status == "answered"
        with pytest.raises(RunInterruptedError) as error:
            list(thread.stream("How large are they?", cancel=cancel))
        assert error.value.exit_code == 130
        assert agent.ledger.run("last")["question"] == HOW_MANY
        assert thread.run("And now?").status == "answered"
        assert [previous(request) for request in endpoint.requests] == [None, None, HOW_MANY, HOW_MANY, HOW_MANY]


def test_a_tool_that_tells_its_progress_stops_there_and_leaves_nothing(tmp_path: Path) -> None:
    cancel = threading.Event()

    def crawl(progress: Callable[[float], None]) -> None:
        for step in range(10_000):
            progress(step / 10_000)
            time.sleep(0.001)

    with asking(tmp_path, [COUNT]) as (agent, runner, _):
        runner.before = crawl
        seen = until(agent.stream(HOW_MANY, cancel=cancel), cancel, ToolProgress)
        assert agent.runner.ls() == []
    told = [event for event in seen if isinstance(event, ToolProgress)]
    assert [type(event) for event in seen[:2]] == [RunStarted, ToolStarted]
    assert 1 <= len(told) <= 2
    assert told[0].tool == "query_vector"


def test_progress_is_told_no_more_often_than_a_reader_can_see(tmp_path: Path) -> None:
    def hurry(progress: Callable[[float], None]) -> None:
        for step in range(1000):
            progress(step / 1000)

    with asking(tmp_path, [COUNT, TWO]) as (agent, runner, _):
        runner.before = hurry
        events = list(agent.stream(HOW_MANY))
    assert sum(isinstance(event, ToolProgress) for event in events) <= 3
    assert isinstance(events[-1], RunFinished)


def test_a_worker_that_cannot_be_stopped_writes_nothing_into_the_thread_afterwards(tmp_path: Path) -> None:
    """As inside GDAL: the call goes on after the interrupt, and ends while the next run of the thread is done already."""
    cancel, busy, release = threading.Event(), threading.Event(), threading.Event()
    ended: list[BaseException] = []

    def deaf(_: Callable[[float], None]) -> None:
        busy.set()
        assert release.wait(20)

    def work() -> None:
        try:
            list(agent.stream("How large are they?", thread_id="t", cancel=cancel))
        except RunInterruptedError as error:
            ended.append(error)

    with asking(tmp_path, [COUNT, TWO, AREA, COUNT, TWO, COUNT, TWO]) as (agent, runner, endpoint):
        agent.run(HOW_MANY, thread_id="t")
        runner.before = deaf
        worker = threading.Thread(target=work)
        worker.start()
        assert busy.wait(20)
        cancel.set()
        runner.before = SlowRunner.before
        assert agent.run("How many, again?", thread_id="t").status == "answered"
        before = checkpoints(agent)
        release.set()
        worker.join(20)
        assert len(ended) == 1
        assert checkpoints(agent) == before
        agent.run("And now?", thread_id="t")
        assert previous(endpoint.requests[-1]) == "How many, again?"
        assert len(agent.runner.ls()) == 2, "what the abandoned call computed is there to be found"


def test_leaving_the_asynchronous_stream_interrupts_the_run(tmp_path: Path) -> None:
    stopped = threading.Event()

    def crawl(progress: Callable[[float], None]) -> None:
        try:
            for _ in range(10_000):
                progress(0.5)
                time.sleep(0.001)
        except RunInterruptedError:
            stopped.set()
            raise

    async def leave(agent: Agent) -> None:
        events = agent.astream(HOW_MANY)
        async for event in events:
            if isinstance(event, ToolProgress):
                break
        await events.aclose()

    with asking(tmp_path, [COUNT]) as (agent, runner, _):
        runner.before = crawl
        asyncio.run(leave(agent))
        assert stopped.wait(5)
