"""Read rasters in several threads: what unpacks and sums up pixels lets go of Python's lock, and most machines have cores to spare."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack
from contextvars import copy_context
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

MOST_LANES = 4
"""Most threads of one call: each holds what one piece of work takes."""
TICK_S = 0.1
"""Seconds between two looks whether anybody still waits."""

Opened = TypeVar("Opened")
Part = TypeVar("Part")
Result = TypeVar("Result")


def in_lanes(
    opened: Callable[[], AbstractContextManager[Opened]], work: Callable[[Opened, Part], Result], parts: Sequence[Part]
) -> Generator[Result]:
    """Yield `work` of every part, in order, computed in as many threads as there are cores, each with an `opened` of its own.

    They are opened and closed here, since a GDAL dataset serves one thread at a time. A thread is at most two parts ahead of what was
    taken. What `work` raises is raised here; the threads end with the iteration, or when it is closed: an error of the caller keeps it
    alive until then.
    """
    count = min(usable_cores(), MOST_LANES, len(parts))
    with ExitStack() as stack:
        datasets = [stack.enter_context(opened()) for _ in range(max(1, count))]
        if count <= 1:
            yield from (work(datasets[0], part) for part in parts)
            return
        lanes = [stack.enter_context(_Lane(dataset, work, parts[at::count])) for at, dataset in enumerate(datasets)]
        for number in range(len(parts)):
            yield lanes[number % count].take()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Lane(Generic[Opened, Part, Result]):
    """A thread that works on some of the parts, one after another."""

    def __init__(self, dataset: Opened, work: Callable[[Opened, Part], Result], parts: Sequence[Part]) -> None:
        self._dataset, self._work, self._parts = dataset, work, parts
        self._done: Queue[tuple[Result | None, BaseException | None]] = Queue(maxsize=1)
        self._is_given_up = threading.Event()
        # Side files that GDAL opens late are found through what opening left in the context of the thread that did.
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="lane", daemon=True)

    def __enter__(self) -> _Lane[Opened, Part, Result]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_given_up.set()
        self._thread.join()

    def take(self) -> Result:
        """Return the next result, or raise what came instead of it."""
        while True:
            try:
                result, error = self._done.get(timeout=TICK_S)
            except Empty:
                continue
            if error is not None:
                raise error
            return result  # type: ignore[return-value]  # it is a result where there is no error

    def _run(self) -> None:
        for part in self._parts:
            outcome: tuple[Result | None, BaseException | None]
            try:
                outcome = (self._work(self._dataset, part), None)
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is taken
                outcome = (None, error)
            if not self._delivered(outcome) or outcome[1] is not None:
                return

    def _delivered(self, outcome: tuple[Result | None, BaseException | None]) -> bool:
        while not self._is_given_up.is_set():
            try:
                self._done.put(outcome, timeout=TICK_S)
            except Full:
                continue
            return True
        return False
