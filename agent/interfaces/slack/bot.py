"""The bot itself, of any platform: questions come in, messages go out.

A question is claimed before it is worked on, and lined up behind the others of its conversation: one run at a time per
thread, a few at a time in all. What a stopped process left unanswered is taken up again by the next.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.events import RunFinished, RunStarted
from agent.interfaces.slack import wording
from agent.interfaces.slack.claims import Begun, Claims
from agent.interfaces.slack.outlet import Asked, Outlet
from tools.errors import BusyError, CrashError, InternalError, ServiceError, TerraciteError
from tools.redaction import redacted

if TYPE_CHECKING:
    from agent.api import Agent
    from agent.result import RunResult

_LOG = logging.getLogger(__name__)
AT_ONCE = 4
"""Runs that work at the same time."""
WAITING = 5
"""Questions that may wait in one conversation behind the one that is being answered."""
ATTEMPTS = 3
"""How often a question is taken up before it is given up: one that kills the process must not do so for ever."""


class Bot:
    """Answers the questions of one workspace. All its methods belong to one event loop."""

    def __init__(self, agent: Agent, claims: Claims, outlet: Outlet, *, edit_every_s: float = 1.2) -> None:
        """Make a bot; `edit_every_s` bounds how often a message is edited (Slack allows some fifty edits a minute)."""
        self._agent = agent
        self._claims = claims
        self._outlet = outlet
        self._edit_every_s = edit_every_s
        self._lines: dict[str, deque[Asked]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    def take(self, asked: Asked) -> bool:
        """Claim a question and line it up, at once; False for one that was taken before, which is left alone."""
        kept = replace(asked, text=redacted(asked.text))
        if not self._claims.take(kept):
            return False
        self._line_up(kept)
        return True

    def resume(self) -> None:
        """Line up what an earlier process took and did not answer."""
        for asked in self._claims.unfinished():
            self._line_up(asked)

    async def idle(self) -> None:
        """Wait until every question that was taken is answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop working; what is unanswered stays claimed for the next process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._claims.close()

    def _line_up(self, asked: Asked) -> None:
        line = self._lines.get(asked.place)
        if line is None:
            self._lines[asked.place] = deque([asked])
            self._start(self._serve(asked.place))
        elif len(line) > WAITING:
            self._start(self._turn_away(asked, len(line) - 1))
        else:
            line.append(asked)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the event loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, place: str) -> None:
        """Answer the questions of a conversation in order, until none waits."""
        line = self._lines[place]
        try:
            while line:
                async with self._slots:
                    await self._attend(line[0])
                line.popleft()
        finally:
            del self._lines[place]

    async def _turn_away(self, asked: Asked, waiting: int) -> None:
        try:
            full = BusyError(f"{waiting} questions of this thread wait already.", hint="Ask again when they are answered.")
            await self._outlet.post(asked.place, wording.problem_text(full))
            self._claims.end(asked.event)
        except TerraciteError as error:
            _LOG.error("a question could not be turned away event=%s: %s", asked.event, error)

    async def _attend(self, asked: Asked) -> None:
        """Answer one question and deliver the answer; what cannot be delivered stays unanswered for the next process."""
        try:
            begun = self._claims.begin(asked.event)
            handle = begun.handle or await self._outlet.post(asked.place, wording.WORKING)
            self._claims.answers_in(asked.event, handle)
            await self._deliver(asked, handle, *await self._answer(asked, handle, begun))
            self._claims.end(asked.event)
        except TerraciteError as error:
            _LOG.error("an answer could not be delivered event=%s: %s", asked.event, error)
        except Exception:  # noqa: BLE001 - those that wait behind this question are to be answered all the same
            _LOG.exception("a bug of ours at the delivery event=%s", asked.event)

    async def _answer(self, asked: Asked, handle: str, begun: Begun) -> tuple[str, RunResult | None]:
        """Return what to say, and the result where there is one."""
        if begun.attempt > ATTEMPTS:
            given_up = CrashError(
                f"The bot was stopped {begun.attempt - 1} times while working on this.", hint="Ask for less at once, or tell the operator."
            )
            return wording.problem_text(given_up), None
        run = _Run()
        try:
            result = await self._run(asked, handle, run)
        except TerraciteError as error:
            _LOG.warning("a run failed run=%s code=%s: %s", run.id, error.code, error)
            return wording.problem_text(error, run.id), None
        except Exception as error:  # noqa: BLE001 - the outermost handler of this interface: one question's bug stops no other
            _LOG.exception("a bug of ours run=%s", run.id)
            told = InternalError.of(error, hint="Ask again, or tell the operator, whose log has the details.")
            return wording.problem_text(told, run.id), None
        return wording.answer_text(result), result

    async def _run(self, asked: Asked, handle: str, run: _Run) -> RunResult:
        from agent.result import RunResult

        progress, edited, result = wording.Progress(), time.monotonic(), None
        async with aclosing(self._agent.astream(asked.text, thread_id=thread_of(asked.place))) as events:
            async for event in events:
                match event:
                    case RunStarted():
                        run.id = event.run_id
                        _LOG.info("run begins run=%s thread=%s event=%s", event.run_id, event.thread_id, asked.event)
                    case RunFinished():
                        result = RunResult(**event.result)
                progress.take(event)
                if result is None and time.monotonic() - edited >= self._edit_every_s:
                    await self._show(asked, handle, progress)
                    edited = time.monotonic()
        if result is None:
            raise RuntimeError("the run ended without a result")
        return result

    async def _show(self, asked: Asked, handle: str, progress: wording.Progress) -> None:
        try:
            await self._outlet.edit(asked.place, handle, progress.text())
        except ServiceError as error:  # the answer matters, its progress does not
            _LOG.warning("progress could not be shown event=%s: %s", asked.event, error)

    async def _deliver(self, asked: Asked, handle: str, text: str, result: RunResult | None) -> None:
        await self._outlet.finish(asked.place, handle, text)
        for artifact in result.artifacts if result else ():
            if artifact["kind"] == "map":
                file = self._agent.runner.artifact(artifact["key"]).main_file
                if file is not None:
                    await self._outlet.send(asked.place, file, f"Map a:{artifact['key'][:12]}")


@dataclass
class _Run:
    """What is known of a run before it ends."""

    id: str = ""


def thread_of(place: str) -> str:
    """Return the thread of a conversation: always the same, and telling nothing of where it takes place."""
    return f"slack-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
