"""Where a chat's lines come from: a person at a terminal, or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from agent.interfaces.repl.commands import BY_NAME
from agent.interfaces.repl.session import Session
from tools.redaction import redacted
from tools.workspace import owners_file

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

HISTORY = "chat_history"
"""File in the workspace that keeps what was typed."""


def is_person() -> bool:
    """Tell whether somebody sits at a terminal and sees what is written."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def lines(session: Session) -> Iterator[str]:
    """Yield what is typed or piped in, blank lines left out, until Ctrl-D or the end of the pipe."""
    for line in _typed(session) if is_person() else sys.stdin:
        if line.strip():
            yield line.strip()


def _typed(session: Session) -> Iterator[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory

    class Kept(FileHistory):
        def store_string(self, string: str) -> None:
            super().store_string(redacted(string))

    prompt: PromptSession[str] = PromptSession(
        history=Kept(owners_file(session.workspace.root / HISTORY)),
        completer=_completer(session),
        complete_while_typing=False,
        key_bindings=_new_line_keys(),
        prompt_continuation="… ",
        bottom_toolbar=lambda: _status(session),
    )
    while True:
        try:
            yield prompt.prompt("> ")
        except KeyboardInterrupt:  # Ctrl-C at the prompt: the line is given up
            continue
        except EOFError:
            return


def _status(session: Session) -> str:
    tokens = f" · {session.tokens} tokens" if session.tokens else ""
    return f"engine {session.engine_name} · thread {session.thread}{tokens} · /help"


def _new_line_keys() -> KeyBindings:
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _completer(session: Session) -> Completer:
    """Complete commands at the beginning of a line, names of tools after /tools, and ids of datasets anywhere else."""
    from prompt_toolkit.completion import Completer, Completion

    class Words(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002 - the base class gives it
            before = document.text_before_cursor
            word = document.get_word_before_cursor(WORD=True)
            for candidate in _candidates(session, before, word):
                yield Completion(candidate, start_position=-len(word))

    return Words()


def _candidates(session: Session, before: str, word: str) -> list[str]:
    """Return what the word before the cursor may become, given the whole line before it."""
    if before.startswith("/") and " " not in before:
        return [f"/{name}" for name in BY_NAME if f"/{name}".startswith(word)]
    if before.startswith("/tools "):
        from tools import registry

        return [name for name in registry.names() if name.startswith(word)]
    return [dataset for dataset in _dataset_ids(session) if word and dataset.startswith(word.casefold())]


def _dataset_ids(session: Session) -> list[str]:
    from tools.catalog.datasets import Datasets

    return [record["id"] for record in Datasets(session.workspace).records()]
