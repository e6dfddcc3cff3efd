"""Jobs that behave badly, by name, for the tests of workers."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.errors import DataError
from tools.workers.job import Readiness

Progress = Callable[[float], None]


def nothing_loaded() -> Readiness:
    """Prepare a worker without the libraries that these jobs do not need."""
    return Readiness()


def never_ready() -> Readiness:
    """Prepare a worker whose threads cannot get ready."""

    def stumble() -> None:
        raise RuntimeError("no database of PROJ")

    return Readiness(warm_thread=stumble)


def echo(value: Any, progress: Progress) -> dict[str, Any]:
    return {"value": value, "pid": os.getpid()}


def count_up(steps: int, progress: Progress) -> dict[str, Any]:
    for step in range(steps):
        progress((step + 1) / steps)
        time.sleep(0.06)
    return {"steps": steps}


def sleep(seconds: float, progress: Progress) -> dict[str, Any]:
    progress(0.0)
    time.sleep(seconds)
    return {}


def hold_the_interpreter(seconds: float, progress: Progress) -> dict[str, Any]:
    """Sleep in C without letting any other Python thread run, as a library does that never gives the lock back."""
    progress(0.0)
    ctypes.PyDLL(None).sleep(int(seconds))
    return {}


def allocate(mebibytes: int, progress: Progress) -> dict[str, Any]:
    held = bytearray(mebibytes << 20)
    return {"bytes": len(held)}


def crash(progress: Progress) -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def leave(code: int, progress: Progress) -> dict[str, Any]:
    os._exit(code)


def refuse(progress: Progress) -> dict[str, Any]:
    raise DataError("The file 'x' is broken.", hint="Fetch it again.")


def stumble(progress: Progress) -> dict[str, Any]:
    raise KeyError("a mistake with the password hunter2 in it")


def say_nonsense(progress: Progress) -> Any:
    return {"value": object()}


def read(path: str, progress: Progress) -> dict[str, Any]:
    return {"text": Path(path).read_text("utf-8")}


def write(path: str, size: int, progress: Progress) -> dict[str, Any]:
    Path(path).write_bytes(bytes(size))
    return {"size": size}


def connect(port: int, progress: Progress) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as wire:
        return {"peer": wire.getpeername()[1]}


def surroundings(progress: Progress) -> dict[str, Any]:
    return {"environment": dict(os.environ), "modules": sorted(sys.modules)}


def start_a_child(progress: Progress) -> dict[str, Any]:
    """Fork, so that the child would outlive a kill of the worker alone."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    Path(os.environ["TMPDIR"], "child").write_text(str(child))
    progress(0.5)
    time.sleep(60)
    return {}


def use_a_temporary_file(progress: Progress) -> dict[str, Any]:
    with tempfile.TemporaryFile() as draft:
        draft.write(b"draft")
        return {"size": draft.tell()}
