"""Work in a thread of its own, so that Ctrl-C is obeyed at once although GDAL and a waiting socket cannot be interrupted.

The terminal's thread takes what the work hands out. Ctrl-C asks the work to end; work that does not do so within
`PATIENCE_S` is left alone: its thread goes on, what it still hands out is dropped.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

from agent.errors import RunInterruptedError

T = TypeVar("T")

PATIENCE_S = 0.4
"""Seconds that work has to end after Ctrl-C."""
POLL_S = 0.05
"""Seconds between two looks at whether Ctrl-C was pressed."""
NAME = "terracite-chat-work"


@dataclass(frozen=True)
class _End:
    """The work is over; `error` is what ended it, if anything did."""

    error: BaseException | None = None


def work(produce: Callable[[threading.Event], Iterable[T]]) -> Iterator[T]:
    """Run `produce` in a thread and yield what it yields; it is given the event that asks it to end.

    Only for the main thread, which alone receives signals. Raises whatever the work raises, and RunInterruptedError after
    Ctrl-C.
    """
    # Not a SimpleQueue: a signal at the very end of its timeout makes it wait for ever (its remaining time turns negative).
    handed: queue.Queue[T | _End] = queue.Queue()
    cancel = threading.Event()
    threading.Thread(target=_hand_out, args=(produce, cancel, handed), name=NAME, daemon=True).start()
    try:
        with _interrupt_sets(cancel):
            yield from _taken(handed, cancel)
    finally:
        cancel.set()


def is_left_working() -> bool:
    """Tell whether work that was given up still goes on."""
    return any(thread.name == NAME for thread in threading.enumerate())


def _hand_out(produce: Callable[[threading.Event], Iterable[T]], cancel: threading.Event, handed: queue.Queue[T | _End]) -> None:
    try:
        for item in produce(cancel):
            handed.put(item)
    except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits for it
        handed.put(_End(error))
    else:
        handed.put(_End())


def _taken(handed: queue.Queue[T | _End], cancel: threading.Event) -> Iterator[T]:
    given_up = float("inf")
    while True:
        if cancel.is_set() and given_up == float("inf"):
            given_up = time.monotonic() + PATIENCE_S
        try:
            item = handed.get(timeout=POLL_S)
        except queue.Empty:
            if time.monotonic() < given_up:
                continue
            raise RunInterruptedError("It was stopped.", hint="Its last step still ends in the background.") from None
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        yield item


@contextmanager
def _interrupt_sets(event: threading.Event) -> Iterator[None]:
    """Let Ctrl-C set an event meanwhile, instead of raising at any line of ours."""

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        event.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
