"""Work through the parts of a raster with all processors, in order and with bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

Opened = TypeVar("Opened")
Part = TypeVar("Part")
Made = TypeVar("Made")

MOST_THREADS = 8
"""Parts that are held at once, whatever the machine: what one of them needs is planned for this many."""


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(
    opened: Callable[[], AbstractContextManager[Opened]], parts: Iterable[Part], make: Callable[[Opened, Part], Made]
) -> Iterator[tuple[Part, Made]]:
    """Yield what is made of every part, in their order, from several threads, at most `MOST_THREADS` of them.

    Each works with an `opened` of its own, since a GDAL dataset serves one thread at a time; they are opened and closed in the calling thread,
    in which errors of `make` come out. `make` must not touch what threads share, such as Python's warning filters.
    """
    threads = min(MOST_THREADS, processors())
    with ExitStack() as stack, ThreadPoolExecutor(threads) as pool:
        free: SimpleQueue[Opened] = SimpleQueue()
        for _ in range(threads):
            free.put(stack.enter_context(opened()))

        def work(part: Part) -> Made:
            own = free.get()
            try:
                return make(own, part)
            finally:
                free.put(own)

        waiting: deque[tuple[Part, Future[Made]]] = deque()
        try:
            for part in parts:
                # Side files that GDAL opens late are found through what opening left in this thread's context.
                waiting.append((part, pool.submit(copy_context().run, work, part)))
                if len(waiting) > threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
