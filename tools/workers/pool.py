"""A few workers that are lent to one caller at a time; one that dies, or grows, is replaced by a fresh one."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Self

from tools.settings import ToolSettings
from tools.workers.job import Check, Job, Json, Progress, nobody_asks, nothing_told
from tools.workers.process import TICK_S, Setup, Worker

MOST_JOBS = 500
"""Jobs after which a worker is replaced: libraries keep a little memory of each."""
GROWN_SHARE = 0.5
"""Share of its memory limit above which an idle worker is replaced."""

Scratch = Callable[[], AbstractContextManager[Path]]


class Pool:
    """Up to `settings.workers` processes for work without network, and as many for work with it; satisfies `Executor`.

    `prepare` names the function that a new worker runs first; `scratch` makes a folder of temporary files for one worker and
    removes it on leaving. Processes start when first needed. Close the pool, or use it in a `with` block; what is forgotten is
    ended with it, and what its process leaves behind by dying, by the kernel.
    """

    def __init__(self, settings: ToolSettings, *, prepare: str, scratch: Scratch) -> None:
        self._settings = settings
        self._prepare = prepare
        self._scratch = scratch
        self._changed = threading.Condition()
        self._idle: dict[bool, list[_Lent]] = {False: [], True: []}
        self._started = Counter[bool]()
        self._all: set[_Lent] = set()
        self._finalizer = weakref.finalize(self, _end, self._all)

    def warm(self) -> None:
        """Start all workers for work without network, and do not wait for them."""
        with self._changed:
            while self._started[False] < self._settings.workers:
                self._idle[False].append(self._start(False))

    def run(self, job: Job, *, progress: Progress = nothing_told, check: Check = nobody_asks) -> Json:
        """Run a job in a worker, waiting until one is free; see `Executor.run` and `Worker.run`."""
        lent = self._lend(job.network, check)
        try:
            lent.jobs += 1
            return lent.worker.run(job, progress, check)
        finally:
            self._give_back(job.network, lent)

    def close(self) -> None:
        """End all workers; a job that runs meanwhile ends with CrashError."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lend(self, network: bool, check: Check) -> _Lent:
        while True:
            check()
            with self._changed:
                lent = self._taken(network)
                if lent is not None:
                    lent.is_lent = True
                    return lent
                self._changed.wait(TICK_S)

    def _taken(self, network: bool) -> _Lent | None:
        """Return an idle worker, or a new one where there may be one more; the lock is held."""
        while self._idle[network]:
            lent = self._idle[network].pop()
            if lent.worker.is_running:
                return lent
            self._forget(network, lent)  # killed from outside, e.g. by a system that runs out of memory
        return self._start(network) if self._started[network] < self._settings.workers else None

    def _give_back(self, network: bool, lent: _Lent) -> None:
        """Keep a worker for the next job, or start a fresh one in its place, so that the next caller need not wait for it."""
        with self._changed:
            lent.is_lent = False
            if lent.worker.is_running and not lent.is_worn and self._finalizer.alive:
                self._idle[network].append(lent)
            else:
                self._forget(network, lent)
                with suppress(OSError):  # without room for one now, the next caller tries, and is told
                    if self._finalizer.alive:
                        self._idle[network].append(self._start(network))
            self._changed.notify()

    def _forget(self, network: bool, lent: _Lent) -> None:
        lent.end()
        self._all.discard(lent)
        self._started[network] -= 1

    def _start(self, network: bool) -> _Lent:
        lent = _Lent(Setup(self._settings, self._prepare, network), self._scratch)
        self._all.add(lent)
        self._started[network] += 1
        return lent


class _Lent:
    """A worker with the folder that is its own."""

    def __init__(self, setup: Setup, scratch: Scratch) -> None:
        self.jobs = 0
        self.is_lent = False
        self._limit = setup.settings.worker_memory_mb << 20
        with ExitStack() as failing:
            self.worker = Worker(setup, failing.enter_context(scratch()))
            failing.callback(self.worker.kill)
            self._leave = failing.pop_all()

    @property
    def is_worn(self) -> bool:
        """Whether a fresh one should take its place."""
        return self.jobs >= MOST_JOBS or self.worker.memory_bytes > GROWN_SHARE * self._limit

    def end(self) -> None:
        """Kill it, and remove its folder."""
        self._leave.close()


def _end(workers: set[_Lent]) -> None:
    for lent in tuple(workers):
        with suppress(OSError):  # one whose folder cannot be removed must not keep the others alive
            if lent.is_lent:
                lent.worker.stop()  # whoever runs a job in it puts the rest away
            else:
                lent.end()
