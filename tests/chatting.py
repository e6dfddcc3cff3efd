"""Chat with Terracite from a test: line by line within this process, or in a real terminal kept by tmux."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.interfaces.repl.chat import run_chat
from terracite_process import COMMAND, environment


@dataclass(frozen=True)
class Said:
    """What a chat wrote, and how it ended."""

    code: int
    out: str
    err: str


Chat = Callable[..., Said]


def piped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: Path) -> Chat:
    """Return a function that pipes lines into a chat of the planner."""

    def chat(*lines: str, data: Sequence[str] = (), thread: str | None = None) -> Said:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        code = run_chat(workspace, "planner", thread, data)
        written = capsys.readouterr()
        return Said(code, written.out, written.err)

    return chat


class Terminal:
    """A terminal of tmux in which a chat runs."""

    def __init__(self, server: str) -> None:
        self._server = server

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-L", self._server, *arguments], capture_output=True, text=True, check=True, timeout=10)
        return done.stdout

    def keys(self, *keys: str) -> None:
        """Press keys by their tmux names, e.g. `Enter`, `C-c`; a text is typed."""
        self.tmux("send-keys", *keys)

    def ask(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)
        self.keys("Enter")

    def screen(self) -> str:
        """Return what stands on the screen and above it, without colours."""
        return self.tmux("capture-pane", "-p", "-S", "-500")

    def wait_for(self, *texts: str, timeout_s: float = 30) -> str:
        """Wait until the screen holds all of these, and return it."""
        end = time.monotonic() + timeout_s
        while True:
            screen = self.screen()
            if all(text in screen for text in texts):
                return screen
            assert time.monotonic() < end, f"{texts} not within {timeout_s} s on\n{screen}"
            time.sleep(0.03)

    def wait_without(self, text: str, timeout_s: float = 30) -> str:
        end = time.monotonic() + timeout_s
        while text in (screen := self.screen()):
            assert time.monotonic() < end, f"{text!r} still stands after {timeout_s} s on\n{screen}"
            time.sleep(0.03)
        return screen


@contextmanager
def terminal(
    *options: object, cwd: Path, variables: Mapping[str, str] | None = None, columns: int = 100, lines: int = 40
) -> Iterator[Terminal]:
    """Start `terracite chat OPTIONS…` in a real terminal; when it ends, `ended with CODE` stands there."""
    if shutil.which("tmux") is None:
        pytest.skip("no real terminal: tmux is not installed")
    command = shlex.join([*COMMAND, "chat", *map(str, options)])
    kept = {**environment(), "TERM": "screen-256color", "LC_ALL": "C.UTF-8", **(variables or {})}
    server = f"terracite-test-{uuid.uuid4().hex[:8]}"
    shell = f"{command}; echo ended with $?; sleep 600"
    start = ["tmux", "-f", os.devnull, "-L", server, "new-session", "-d", "-x", str(columns), "-y", str(lines), shell]
    subprocess.run(start, env=kept, cwd=cwd, check=True, timeout=10)
    shown = Terminal(server)
    try:
        yield shown
    finally:
        shown.tmux("kill-server")
