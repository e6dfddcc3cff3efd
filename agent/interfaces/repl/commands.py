"""The commands of a chat, each begun with a slash; everything else that is typed is a question."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from agent.interfaces import terminal
from agent.interfaces.repl import evidence
from agent.interfaces.repl.rendering import Shown
from agent.interfaces.repl.session import Session
from tools.errors import ParameterError

Run = Callable[[Session, list[str]], Iterator[Shown]]


@dataclass(frozen=True)
class Command:
    """One command: how it is written, what it does."""

    usage: str
    summary: str
    run: Run
    most: int | None = None
    """How many words it takes; None for any number."""

    @property
    def name(self) -> str:
        """The word after the slash."""
        return self.usage.split()[0].removeprefix("/")


class LeaveError(Exception):
    """The user wants to leave the chat."""


def run_command(text: str, session: Session) -> Iterator[Shown]:
    """Run what was typed, e.g. `/show 2`, and yield what it has to show.

    Raises ParameterError for an unknown command, naming the nearest one, or too many words.
    """
    name, *arguments = _words(text.removeprefix("/"))
    command = BY_NAME.get(name)
    if command is None:
        near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.4)
        raise ParameterError(f"There is no command /{name}.", hint=f"Nearest: /{near[0]}. All: /help." if near else "All: /help.")
    if command.most is not None and len(arguments) > command.most:
        raise ParameterError(f"/{name} was given {len(arguments)} words.", hint=f"Write it like this: {command.usage}")
    yield from command.run(session, arguments)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text) or [""]
    except ValueError:  # an apostrophe that opens no quotation
        return text.split() or [""]


def _help(_session: Session, _arguments: list[str]) -> Iterator[Shown]:
    yield "Type a question in plain words. A follow-up refers to the last answer. Commands:"
    width = max(len(command.usage) for command in COMMANDS)
    yield from (f"  {command.usage:<{width}}  {command.summary}" for command in COMMANDS)
    yield "Ctrl-C stops an answer, or clears the line. Ctrl-D leaves. Tab completes. Alt-Enter begins a new line."


def _tools(_session: Session, arguments: list[str]) -> Iterator[Shown]:
    return terminal.tool_lines(*arguments)


def _data(session: Session, arguments: list[str]) -> Iterator[Shown]:
    if arguments:
        report = session.add(arguments)
        yield from (*terminal.added_lines(report), *terminal.refused_lines(report))
        return
    records = session.agent.datasets.record_objects()
    yield from (terminal.dataset_line(record) for record in records)
    if not records:
        yield "No data is registered. Add some: /data PATH"


def _thread(session: Session, arguments: list[str]) -> Iterator[Shown]:
    if arguments:
        session.choose_thread(None if arguments[0] == "new" else arguments[0])
    yield f"thread {session.thread}"


def _engine(session: Session, arguments: list[str]) -> Iterator[Shown]:
    from agent.settings import EngineChoice

    if arguments and arguments[0] not in get_args(EngineChoice):
        raise ParameterError(f"There is no engine {arguments[0]!r}.", hint=f"Choose one of: {', '.join(get_args(EngineChoice))}.")
    if arguments:
        session.choose_engine(arguments[0])  # type: ignore[arg-type]  # checked above
    yield f"engine {session.engine_name}"


def _quit(_session: Session, _arguments: list[str]) -> Iterator[Shown]:
    raise LeaveError


COMMANDS = (
    Command("/help", "show this", _help, 0),
    Command("/tools [NAME]", "list the tools, or show the parameters of one", _tools, 1),
    Command("/data [PATH or URL …]", "list the data, or register some", _data),
    Command("/show [N or a:KEY] [PAGE]", "show a result of the last answer, or any other: its facts and files", evidence.show, 2),
    Command("/cite [N]", "say where the numbers of the last answer come from", evidence.cite, 1),
    Command("/map [N or a:KEY]", "draw a result on a map", evidence.draw, 1),
    Command("/thread [ID or new]", "show the conversation's id, or change to another", _thread, 1),
    Command("/engine [NAME]", "show who answers, or let auto, planner or model do so", _engine, 1),
    Command("/quit", "leave", _quit, 0),
)
BY_NAME = {command.name: command for command in COMMANDS}
