"""A chat's state: workspace, engine, thread, data in focus, and the last answer, to which the commands refer."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agent.events import Event, RunFinished
from tools.errors import NotFoundError
from tools.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from agent.api import Agent
    from agent.result import RunResult
    from agent.settings import EngineChoice
    from tools.catalog.add_report import AddReport
    from tools.contract import Artifact


@dataclass
class Session:
    """One chat. Nothing heavy is imported before the first question or command that needs it."""

    workspace: Workspace
    engine: EngineChoice | None = None
    """None leaves it to the settings."""
    thread: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    last: RunResult | None = None
    tokens: int = 0
    """Taken by the model since the chat began, as far as its endpoint counts them; 0 with the planner."""
    _focus: list[str] = field(default_factory=list)
    """Paths given with --data and /data since; empty leaves the thread's focus as it is."""
    _focus_is_new: bool = False

    @cached_property
    def agent(self) -> Agent:
        """The agent, made when first needed."""
        from agent.api import Agent

        agent = Agent(self.workspace.root, self.engine)
        agent.executor.warm()  # while the first question is being written
        return agent

    @property
    def engine_name(self) -> str:
        """The engine as far as it is known yet."""
        return self.last.engine if self.last else self.engine or "auto"

    def ask(self, question: str, cancel: threading.Event) -> Iterator[Event]:
        """Ask in this thread, and remember the answer."""
        from agent.result import RunResult

        data = self._focus if self._focus_is_new else ()
        for event in self.agent.stream(question, data=data, thread_id=self.thread, cancel=cancel):
            if isinstance(event, RunFinished) and not cancel.is_set():
                self._focus_is_new = False
                self.last = RunResult(**event.result)
                self.tokens += sum(self.last.usage.get(part) or 0 for part in ("input_tokens", "output_tokens"))
            yield event

    def add(self, paths: Sequence[str], *, focus: bool = False) -> AddReport:
        """Register data; it comes into focus where `focus` is true or the chat keeps to what it was given."""
        report = self.agent.add(*paths)
        if report.records and (focus or self._focus):
            self._focus += [record.path for record in report.records]
            self._focus_is_new = True
        return report

    def choose_engine(self, engine: EngineChoice) -> None:
        """Let another engine answer from now on, in the same thread."""
        self.engine, self.last = engine, None
        self.__dict__.pop("agent", None)

    def choose_thread(self, thread: str | None) -> None:
        """Go on with another conversation, or a new one."""
        self.thread, self.last = thread or uuid.uuid4().hex[:12], None
        self._focus_is_new = bool(self._focus)

    def answered(self) -> RunResult:
        """Return the last answer; raise NotFoundError where there is none yet."""
        if self.last is None:
            raise NotFoundError("Nothing was answered in this chat yet.", hint="Ask something first.")
        return self.last

    def artifact(self, named: str | None) -> Artifact:
        """Return a stored result by its number in the last answer or by `a:KEY`; None means the last one of that answer.

        Raises NotFoundError where there is none of that number or key.
        """
        if named is not None and not named.isdecimal():
            return self.agent.runner.artifact(named)
        keys = {step["n"]: step["key"] for step in self.answered().steps if "key" in step}
        if not keys:
            raise NotFoundError("The last answer rests on no result.", hint="Ask for a number, or name a result: a:KEY.")
        n = int(named) if named is not None else max(keys)
        if n not in keys:
            raise NotFoundError(f"The last answer has no result [{n}].", hint=f"It has {', '.join(f'[{each}]' for each in keys)}.")
        return self.agent.runner.artifact(keys[n])


def open_session(workspace: Path | None, engine: EngineChoice | None, thread: str | None) -> Session:
    """Begin a chat in a workspace, in a new thread or an earlier one."""
    session = Session(open_workspace(root=workspace), engine)
    session.choose_thread(thread)
    return session
