"""One worker process as its parent sees it: start, hand over a job, watch the clock, kill."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tools.errors import CrashError, DeadlineError, InternalError, MemoryLimitError, error_from_json
from tools.redaction import redacted
from tools.settings import ToolSettings
from tools.workers.job import Check, Job, Json, Progress
from tools.workers.wire import BrokenWireError, receive_answer, send_job

_LOG = logging.getLogger(__name__)
START_S = 120.0
"""Longest time until a new worker is ready."""
WIRE_S = 60.0
"""Longest time for one message to pass once it has begun."""
TICK_S = 0.05
"""Seconds between two questions whether the caller still wants the result."""
LOG_BYTES = 4_000
"""How much of the end of a worker's standard error is logged when it fails."""
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "MPLCONFIGDIR")
"""What a worker's environment keeps of its parent's, beside the settings that begin with TERRACITE_; no key of any service is among it."""
PROGRAM = "import json, sys; options = json.loads(sys.argv[1]); sys.path[:] = options.pop('path'); from tools.workers.serving import serve; serve(**options)"


@dataclass(frozen=True)
class Setup:
    """How workers are started."""

    settings: ToolSettings
    prepare: str
    """Function that loads what most jobs need, as `package.module:name`."""
    network: bool


class Worker:
    """A running process; used by one thread at a time, but for `kill`."""

    def __init__(self, setup: Setup, scratch: Path) -> None:
        """Start it, without waiting until it is ready; `scratch` is its folder for temporary files, which the owner removes.

        Raises StorageError where there is no room for it.
        """
        self._setup = setup
        self._scratch = scratch
        self._is_ready = False
        self._is_closed = False
        self._errors: IO[bytes] = tempfile.TemporaryFile(dir=scratch, buffering=0)  # noqa: SIM115 - closed in `kill`
        self._wire, theirs = socket.socketpair()
        self._wire.settimeout(WIRE_S)
        held, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [
                    sys.executable,
                    "-I",
                    *(["-B"] if sys.dont_write_bytecode else []),
                    "-c",
                    PROGRAM,
                    json.dumps(_options(setup, theirs.fileno(), held)),
                ],
                env=_environment(setup.settings, scratch),
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                pass_fds=(theirs.fileno(), held),
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(held)

    @property
    def memory_bytes(self) -> int:
        """Memory that it holds now; 0 where that cannot be told."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def run(self, job: Job, progress: Progress, check: Check) -> Json:
        """Run a job; see `Executor.run`. After any error but one of ours that the job itself raised, the worker is dead.

        Raises DeadlineError and MemoryLimitError at the limits, CrashError where the process dies, InternalError for a bug.
        """
        try:
            self._await_ready(check)
            send_job(self._wire, replace(job, writes=(*job.writes, self._scratch)))
            answer = self._answer(progress, check)
        except BrokenWireError as error:
            raise self._crashed(job) from error
        except BaseException:
            self.kill()
            raise
        if "result" in answer:
            result: Json = answer["result"]
            return result
        raise self._failed(job, answer)

    @property
    def is_running(self) -> bool:
        """Whether it can take a job."""
        return not self._is_closed and self._process.poll() is None

    def stop(self) -> None:
        """End its process and all that it started, at once; whoever uses it sees it die."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it at once, and give up all that it holds; calling it again does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self.stop()
            self._process.wait()
            self._wire.close()
            os.close(self._lifeline)
            self._errors.close()

    def _await_ready(self, check: Check) -> None:
        if self._is_ready:
            return
        until = time.monotonic() + START_S
        while not self._is_readable(TICK_S):
            check()
            if time.monotonic() > until:
                raise CrashError(f"A worker process was not ready after {START_S:g} s.", hint="The machine may be too busy: try again.")
        self._is_ready = receive_answer(self._wire) == {"ready": True}

    def _answer(self, progress: Progress, check: Check) -> Json:
        """Wait for the result, passing progress on; raise DeadlineError when it takes too long."""
        limit = self._setup.settings.tool_deadline_s
        until = time.monotonic() + limit
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise DeadlineError(
                    f"The call took longer than {limit:g} s and was stopped.",
                    hint="Ask for less at once: a smaller area or a coarser grid; or raise TERRACITE_TOOL_DEADLINE_S.",
                )
            if self._is_readable(min(TICK_S, left)):
                answer = receive_answer(self._wire)
                if "progress" not in answer:
                    return answer
                progress(float(answer["progress"]))
            check()

    def _is_readable(self, timeout_s: float) -> bool:
        waiting = select.poll()  # select.select cannot watch more than the first 1,024 open files
        waiting.register(self._wire, select.POLLIN)
        return bool(waiting.poll(timeout_s * 1000))

    def _crashed(self, job: Job) -> CrashError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        code = self._process.returncode
        _LOG.error("worker died function=%s code=%s: %s", job.function, code, self._last_words())
        self.kill()
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"code {code}"
        return CrashError(
            f"The process that computed this died ({how}); nothing was stored.",
            hint="A file may be damaged, or too little memory be left; try a smaller area, or check the file.",
        )

    def _failed(self, job: Job, answer: Mapping[str, object]) -> Exception:
        if answer.get("out_of_memory"):
            limit = self._setup.settings.worker_memory_mb
            self.kill()  # what the libraries still hold after a failed allocation is not known
            return MemoryLimitError(
                f"The call needs more memory than {limit:,} MiB.",
                hint="Ask for a smaller area or a coarser grid, or raise TERRACITE_WORKER_MEMORY_MB.",
            )
        told = answer.get("error")
        if isinstance(told, dict):
            return error_from_json(told)
        _LOG.error("worker failed function=%s: %s", job.function, self._last_words())
        self.kill()
        return InternalError(
            f"The call failed inside Terracite ({answer.get('bug', 'no answer')}).", hint="The log has the details; please report it."
        )

    def _last_words(self) -> str:
        end = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, end - LOG_BYTES))
        return redacted(self._errors.read().decode("utf-8", "replace").strip())


def _options(setup: Setup, wire: int, lifeline: int) -> Json:
    settings = setup.settings
    return {
        "path": sys.path,
        "wire": wire,
        "lifeline": lifeline,
        "prepare": setup.prepare,
        "network": setup.network,
        "memory_bytes": settings.worker_memory_mb << 20,
        "file_bytes": settings.max_output_bytes,
    }


def _environment(settings: ToolSettings, scratch: Path) -> dict[str, str]:
    """Return a worker's environment: what it needs, our settings as they hold here, and folders of its own."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    ours = {f"TERRACITE_{name.upper()}": str(value) for name, value in settings.model_dump(mode="json").items()}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")  # of fonts, which take a second to be listed anew
    return kept | ours | {"HOME": str(scratch), "TMPDIR": str(scratch), "CPL_TMPDIR": str(scratch), "XDG_CACHE_HOME": cache}
