"""The Python API: make an `Agent` over a workspace, register data, ask questions, call tools.

from agent import Agent
agent = Agent(workspace="./.terracite")
agent.add("depth.tif", "districts.gpkg")
result = agent.run("How many hectares of each district are under more than 0.5 m of water?")
print(result.answer, result.citations)
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from agent.citations import citations_of
from agent.context import RunContext
from agent.errors import check_wanted, exit_code_for
from agent.events import Event, RunFinished, RunStarted
from agent.exporting import Exported, Wish, export
from agent.knowledge.ledger import Ledger
from agent.knowledge.memory import Knowledge
from agent.models import Decider, make_decider
from agent.result import RunResult
from agent.settings import AgentSettings, EngineChoice
from agent.state import Json, RunState
from tools.catalog.add_report import AddReport
from tools.catalog.addresses import BUILT_IN
from tools.catalog.datasets import Datasets
from tools.catalog.fetched import Told, nobody_told
from tools.contract import Declared, Result
from tools.errors import ParameterError, StorageError, error_from_json
from tools.execution import executor_of
from tools.redaction import redacted
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workspace import open_workspace

if TYPE_CHECKING:
    from agent.threads import Turns

LEFT_OUT = "A part of the question that looks like a key, a password or the query of an address was left out."


class Agent:
    """One workspace with its tools, data, memory and engine.

    `engine` is `auto`, `planner` (embedded, no language model) or `model` (an OpenAI-compatible endpoint).
    """

    def __init__(
        self,
        workspace: str | Path | None = None,
        engine: EngineChoice | None = None,
        *,
        settings: AgentSettings | None = None,
        tool_settings: ToolSettings | None = None,
    ) -> None:
        if engine is not None and engine not in get_args(EngineChoice):
            raise ParameterError(f"There is no engine {engine!r}.", hint=f"Choose one of {', '.join(get_args(EngineChoice))}.")
        chosen = settings or AgentSettings()
        self.settings = chosen.model_copy(update={"engine": engine}) if engine else chosen
        self.workspace = open_workspace(tool_settings, root=Path(workspace) if workspace else None)
        self.executor = executor_of(self.workspace)
        self.datasets = Datasets(self.workspace, self.executor)
        self.knowledge = Knowledge(self.workspace, self.datasets, self.executor)
        self.runner = Runner(self.workspace, self.datasets, memory=self.knowledge, executor=self.executor)
        self.ledger = Ledger(self.workspace.ledger)

    @cached_property
    def decider(self) -> Decider:
        """The chat model that decides, made when first needed."""
        return make_decider(self.settings, self.workspace.root / "endpoints.json")

    @cached_property
    def _turns(self) -> Turns:
        from agent.threads import Turns

        return Turns(self.runner.exclusive, self.workspace.settings.lock_timeout_s)

    def close(self) -> None:
        """End the worker processes; an agent that is forgotten, or whose process ends, does so by itself."""
        self.executor.close()

    def add(
        self,
        *paths: str | Path,
        id: str | None = None,
        title: str | None = None,
        declared: Declared | None = None,
        time: str | None = None,
        licence: str | None = None,
        attribution: str | None = None,
        checksum: str | None = None,
        progress: Told = nobody_told,
    ) -> AddReport:
        """Register files, folders and addresses; what cannot be read is reported one by one, the rest is registered.

        `time` is an ISO 8601 instant or `start/end`. A file at an https address is fetched where it is new; `checksum` is what it
        must be (`sha256:HEX`), `progress` is told how many bytes came. Raises ParameterError for an option that no file can have.
        """
        if len(paths) != 1 and (id or title or checksum):
            raise ParameterError("An id, title or checksum was given for more than one path.", hint="Add the files one at a time.")
        add = partial(self.datasets.add, id=id, title=title, time=time, licence=licence, attribution=attribution, checksum=checksum)
        report = AddReport()
        for path in paths:
            report += add(path, declared=declared or Declared(), progress=progress)
        return report

    def export(
        self,
        dataset: str,
        path: str | Path,
        *,
        format: str | None = None,
        layer: str | None = None,
        crs: str | None = None,
        columns: Mapping[str, str] | None = None,
        types: Mapping[str, str] | None = None,
        force: bool = False,
        add_layer: bool = False,
    ) -> Exported:
        """Write a dataset or result (`a:KEY`) to a file, in the format that its suffix names; see the tool `export`.

        `columns` chooses, orders and renames (name → name in the file). What is there stays unless `force`; `add_layer` adds a layer
        to the GeoPackage at `path`. Raises as the tool does, ParameterError for a path that is taken or fits no format.
        """
        wish = Wish(format, layer, crs, columns, types)
        return export(self.runner, self.datasets, dataset, Path(path), wish, force=force, add_layer=add_layer)

    def run(self, question: str, *, data: Sequence[str | Path] = (), thread_id: str | None = None) -> RunResult:
        """Answer one question; `data` registers files and puts exactly these in focus."""
        for event in self.stream(question, data=data, thread_id=thread_id):
            if isinstance(event, RunFinished):
                return RunResult(**event.result)
        raise RuntimeError("the run ended without a result")

    async def arun(self, question: str, *, data: Sequence[str | Path] = (), thread_id: str | None = None) -> RunResult:
        """Answer one question without blocking the event loop."""
        return await asyncio.to_thread(lambda: self.run(question, data=data, thread_id=thread_id))

    def stream(
        self,
        question: str,
        *,
        data: Sequence[str | Path] = (),
        thread_id: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Answer one question, yielding every event as it happens; the last is `RunFinished`.

        Where `cancel` is set meanwhile, by any thread, the run ends with RunInterruptedError at the next place where it can: before
        the next step, call or piece of text, or at once within a call that a worker computes. It is then recorded nowhere, what the
        thread remembers is what it remembered before, and it can be asked again at once, even while this run still ends.
        """
        if not question.strip():
            raise ParameterError("The question is empty.", hint='Ask something, e.g. "What data is here?".')
        question, given = redacted(question), question
        cancel = cancel or threading.Event()
        check = partial(check_wanted, cancel, question)
        focus, unreadable = self._focus(data, check)
        unreadable += [LEFT_OUT] if question != given else []
        started, clock = datetime.now(UTC).isoformat(), time.monotonic()
        run_id, thread = uuid.uuid4().hex[:12], thread_id or uuid.uuid4().hex[:12]
        decider = self.decider
        yield RunStarted(run_id=run_id, thread_id=thread, question=question, engine=decider.engine, model=decider.model, datasets=focus)
        asked: RunState = {"question": question, "run_id": run_id, **({"focus": focus} if focus else {})}
        state: RunState = {}
        with self._turns.taken(thread, cancel, check):
            for mode, part in self._steps(asked, thread, decider, check, is_new=thread_id is None):
                if mode == "custom":
                    yield part
                elif mode == "unkept":
                    unreadable.append(part)
                else:
                    state = part
        result = self._recorded(self._result(state, decider, thread, time.monotonic() - clock, unreadable), started)
        yield RunFinished(result=result.to_json())

    async def astream(
        self,
        question: str,
        *,
        data: Sequence[str | Path] = (),
        thread_id: str | None = None,
        cancel: threading.Event | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Like `stream`, for an event loop; the run works in a thread, and leaving the iterator early interrupts it."""
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[Event | None]()
        left = cancel or threading.Event()

        def work() -> None:
            try:
                for event in self.stream(question, data=data, thread_id=thread_id, cancel=left):
                    loop.call_soon_threadsafe(queue.put_nowait, event)
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

        worker = asyncio.create_task(asyncio.to_thread(work))
        try:
            while (event := await queue.get()) is not None:
                yield event
        except (GeneratorExit, asyncio.CancelledError):
            left.set()
            worker.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody is left to be told how it ended
            raise
        await worker

    def thread(self, thread_id: str | None = None) -> Thread:
        """Return a conversation; follow-up questions refer to its last answer."""
        return Thread(self, thread_id or uuid.uuid4().hex[:12])

    def tool(self, name: str) -> Callable[..., Result]:
        """Return one tool as a function of its parameters, memoized like every call."""

        def call(**params: object) -> Result:
            return self.runner.run(name, params)

        return call

    def _focus(self, data: Sequence[str | Path], check: Callable[[], None]) -> tuple[list[str], list[str]]:
        """Register `data`; return its ids and what is to be said of files that cannot be used.

        Nothing given leaves the thread's focus as it is. Where nothing could be registered, raises the error of the first.
        """
        if not data:
            return [], []
        report = self.add(*data, progress=lambda *_: check())
        if report.refused and not report.records:
            raise error_from_json(report.refused[0].to_json())
        return [record.id for record in report.records], [
            f"Not used: {refusal.message} {refusal.hint}".rstrip() for refusal in report.refused
        ]

    def _steps(
        self, asked: RunState, thread_id: str, decider: Decider, check: Callable[[], None], *, is_new: bool
    ) -> Iterator[tuple[str, Any]]:  # Any: an event of ours under "custom", the state of the graph under "values", a text under "unkept"
        """Run the graph on a question, in its thread."""
        from agent.graph import build
        from agent.threads import saver

        with saver(self.workspace.threads, check, is_new=is_new) as checkpoints:
            parts: Iterator[Any] = build(checkpoints).stream(
                asked,
                {"configurable": {"thread_id": thread_id}, "recursion_limit": 4 + 3 * self.settings.max_model_calls},
                context=RunContext(self.runner, self.datasets, self.knowledge, decider, self.settings, time.monotonic, check),
                stream_mode=["custom", "values"],
                durability="sync",
            )
            yield from parts
            if checkpoints.problem:
                yield "unkept", f"Follow-up questions will not know of this one: it could not be kept ({checkpoints.problem})."

    def _recorded(self, result: RunResult, started: str) -> RunResult:
        """Pin what an answer cites, and keep the run; an answer that cannot be kept is given all the same, and says so."""
        try:
            self.runner.pin([citation["key"] for citation in result.citations], result.run_id)
            self.ledger.record(result.to_json(), started)
        except StorageError as error:
            said = f"This run was not recorded: it cannot be replayed, and what it cites is not kept for it. {error}"
            return replace(result, warnings=[*result.warnings, said])
        return result

    def _result(self, state: RunState, decider: Decider, thread_id: str, seconds: float, unreadable: list[str]) -> RunResult:
        verdict, steps = state["verdict"], state["steps"]
        return RunResult(
            status=verdict["status"],
            outcome=verdict["outcome"],  # type: ignore[arg-type]  # a Verdict holds only these texts
            exit_code=exit_code_for(verdict["status"], steps),
            question=state["question"],
            answer=state["draft"],
            claims=state["claims"],
            citations=citations_of(
                state["cited"], state["claims"], state["results"], self.runner, (*self.datasets.record_objects(), *BUILT_IN.values())
            ),
            artifacts=[self._artifact(step) for step in steps if "key" in step],
            unsupported=state["unsupported"],
            warnings=[*unreadable, *_warnings(state)],
            steps=steps,
            engine=decider.engine,
            model=decider.model,
            usage={**state["usage"], "model_calls": state["model_calls"], "tool_calls": state["tool_calls"]},
            run_id=state["run_id"],
            thread_id=thread_id,
            seconds=round(seconds, 3),
        )

    def _artifact(self, step: Json) -> Json:
        artifact = self.runner.artifact(step["key"])
        return {
            "key": artifact.key,
            "tool": artifact.tool,
            "kind": artifact.kind,
            "folder": str(artifact.folder),
            "files": [{"path": file.path, "sha256": file.sha256, "bytes": file.bytes} for file in artifact.files],
            "cache": step["cache"],
            "seconds": step["seconds"],
        }


class Thread:
    """One conversation of an agent."""

    def __init__(self, agent: Agent, thread_id: str) -> None:
        self.agent = agent
        self.id = thread_id

    def run(self, question: str, *, data: Sequence[str | Path] = ()) -> RunResult:
        """Ask within this conversation."""
        return self.agent.run(question, data=data, thread_id=self.id)

    def stream(self, question: str, *, data: Sequence[str | Path] = (), cancel: threading.Event | None = None) -> Iterator[Event]:
        """Ask within this conversation, yielding events; see `Agent.stream`."""
        return self.agent.stream(question, data=data, thread_id=self.id, cancel=cancel)


def _warnings(state: RunState) -> list[str]:
    """What the tools warned of, each once; damage that was noticed and mended is said here too."""
    said = [warning for message in state["results"] for warning in message["warnings"]]
    notes = [step["note"] for step in state["steps"] if step.get("note")]
    return list(dict.fromkeys([*said, *notes]))
