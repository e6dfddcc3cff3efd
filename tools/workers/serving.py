"""The worker's side: get ready, then run one job after another, each in a thread that may touch only what its job names.

Started by `tools.workers.process`, in a session of its own, so that Ctrl-C in a terminal reaches the parent alone. A pipe of
which only the parent holds the other end is its lifeline: the kernel kills the worker when the parent is gone, however it
went, and whatever the worker is doing.
"""

from __future__ import annotations

import faulthandler
import fcntl
import logging
import os
import queue
import select
import signal
import socket
import threading
import time
from importlib import import_module

from tools.errors import TerraciteError
from tools.workers.confinement import confine_process, confine_thread
from tools.workers.job import Job, Readiness, called
from tools.workers.wire import BrokenWireError, encoded, receive_job, send

_LOG = logging.getLogger(__name__)
PROGRESS_S = 0.05
"""Seconds between two reports of progress."""


def serve(wire: int, lifeline: int, *, prepare: str, network: bool, memory_bytes: int, file_bytes: int) -> None:
    """Run jobs that come over the socket `wire` until the parent is gone.

    `prepare` names a function that gets the process ready and returns its `Readiness`; the modules are loaded one by one while
    no job waits. All that runs confined like the process, not like a job.
    """
    _die_with(lifeline)
    faulthandler.enable()
    threading.excepthook = _end_with_thread
    confine_process(network=network, memory_bytes=memory_bytes, file_bytes=file_bytes)
    module, _, name = prepare.partition(":")
    ready: Readiness = getattr(import_module(module), name)()
    ahead = [*ready.modules]
    with socket.socket(fileno=wire) as parent:
        try:
            send(parent, encoded({"ready": True}))
            while ahead and not select.select([parent], [], [], 0)[0]:
                import_module(ahead.pop(0))
            while True:
                seat = _Seat(parent, ready)
                job = receive_job(parent)
                for each in job.imports:
                    import_module(each)
                send(parent, seat.answer(job))
        except BrokenWireError:
            os._exit(0)  # nobody is left to be told; threads of libraries must not keep the process


def _die_with(lifeline: int) -> None:
    """Ask the kernel for SIGKILL as soon as the other end of a pipe is closed; no code of ours must run for that."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # it was closed before the kernel was asked
        os._exit(1)


def _end_with_thread(error: threading.ExceptHookArgs) -> None:
    """End the process when a thread dies of an error: the parent sees a crash at once, where it would wait until the deadline."""
    _LOG.error("a thread of a worker died", exc_info=error.exc_value)
    os._exit(1)


class _Seat:
    """A thread that gets ready and then runs one job, confined for good."""

    def __init__(self, parent: socket.socket, ready: Readiness) -> None:
        self._jobs, self._answers = queue.SimpleQueue[Job](), queue.SimpleQueue[bytes]()

        def work() -> None:
            ready.warm_thread()
            self._answers.put(_answer(parent, self._jobs.get()))

        threading.Thread(target=work, name="job", daemon=True).start()

    def answer(self, job: Job) -> bytes:
        """Run the job and return its answer as it is sent."""
        self._jobs.put(job)
        return self._answers.get()


def _answer(parent: socket.socket, job: Job) -> bytes:
    """Run a job in this thread, confined for good; return its result, or its error, as it is sent."""
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= PROGRESS_S:
            told = now
            send(parent, encoded({"progress": float(share)}))

    try:
        confine_thread(reads=job.reads, writes=job.writes, network=job.network)
        return encoded({"result": called(job, tell)})
    except TerraciteError as error:
        return encoded({"error": error.to_json()})
    except MemoryError:
        return encoded({"out_of_memory": True})
    except BaseException as error:  # noqa: BLE001 - the edge of the process: the parent, which has the log, raises it as a bug
        _LOG.error("a job failed function=%s", job.function, exc_info=error)
        return encoded({"bug": type(error).__name__})
