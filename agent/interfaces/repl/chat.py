"""The loop of a chat: take a line, answer it or do what it orders, survive whatever goes wrong."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import RunInterruptedError
from agent.interfaces import terminal
from agent.interfaces.logs import FULL, OwnersFileHandler, log_to, stop_logging
from agent.interfaces.repl import background, typed
from agent.interfaces.repl.commands import LeaveError, run_command
from agent.interfaces.repl.rendering import Screen
from agent.interfaces.repl.session import Session, open_session
from tools.errors import InternalError, TerraciteError, exit_code_of

if TYPE_CHECKING:
    from agent.settings import EngineChoice

_LOG = logging.getLogger(__name__)
LOG_FILE = "chat.log"
"""File in the workspace that takes warnings and the tracebacks of bugs, which have no place on a screen."""


def run_chat(workspace: Path | None, engine: EngineChoice | None, thread: str | None, data: Sequence[str]) -> int:
    """Chat until the user leaves or the pipe ends; return the exit code of the last answer.

    Where nothing of `data` can be used, return the code of why not, at once.
    """
    session, screen = open_session(workspace, engine, thread), Screen()
    with _log_in(session.workspace.root / LOG_FILE):
        code = _keep_to(data, session, screen) or _converse(session, screen)
    if background.is_left_working():
        # Python would wait for the thread, and GDAL for nobody; what it may still publish is whole or absent.
        sys.stdout.flush()
        os._exit(code)
    return code


@contextmanager
def _log_in(path: Path) -> Iterator[None]:
    """Let warnings and the tracebacks of bugs go into a file: between question and answer they have no place."""
    handler = OwnersFileHandler(path)
    log_to(handler, FULL)
    try:
        yield
    finally:
        stop_logging(handler)


def _keep_to(data: Sequence[str], session: Session, screen: Screen) -> int:
    """Register `data` and keep to it; return the exit code of why nothing of it can be used, else 0."""
    if not data:
        return 0
    report = session.add(data, focus=True)
    for line in (*terminal.added_lines(report), *terminal.refused_lines(report)):
        screen.show(line)
    return exit_code_of(report.refused[0].code) if report.refused and not report.records else 0


def _converse(session: Session, screen: Screen) -> int:
    if screen.is_live:
        screen.show(f"Terracite · workspace {session.workspace.root} · thread {session.thread}", "dim")
        screen.show("Ask in plain words. /help lists the commands, Ctrl-D leaves.", "dim")
    code = 0
    for text in typed.lines(session):
        try:
            ended = _turn(text, session, screen)
        except LeaveError:
            break
        code = code if ended is None else ended
        if ended == RunInterruptedError.exit_code and not typed.is_person():  # nobody is there to go on
            break
    return code


def _turn(text: str, session: Session, screen: Screen) -> int | None:
    """Do what a line asks for, survive what goes wrong, and return the exit code; None where it was a command."""
    is_command = text.startswith("/")
    try:
        if not is_command:
            return _answer(text, session, screen)
        _order(text, session, screen)
    except RunInterruptedError as error:
        screen.show("Stopped. The thread goes on: ask again, or something else.")
        return error.exit_code
    except TerraciteError as error:
        screen.problem(error)
        return None if is_command else error.exit_code
    except LeaveError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost handler of this interface: the chat survives our own bugs
        _LOG.exception("a bug of ours at %r", text)
        screen.problem(InternalError.of(error, hint=f"The details are in {LOG_FILE} of the workspace."))
        return None if is_command else InternalError.exit_code
    return None


def _order(text: str, session: Session, screen: Screen) -> None:
    with screen.working(text):
        for shown in background.work(lambda _: run_command(text, session)):
            screen.show(shown)


def _answer(question: str, session: Session, screen: Screen) -> int:
    result = None
    with screen.working("thinking") as take:
        for event, ended in terminal.finished(background.work(lambda cancel: session.ask(question, cancel))):
            take(event)
            result = ended
    if result is None:
        raise RuntimeError("the run ended without a result")
    for line in terminal.result_lines(result):
        screen.show(line)
    screen.show("")
    return result.exit_code
