"""Work beside the terminal's thread: Ctrl-C ends the waiting within a second, whether the work listens or not."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from agent.errors import RunInterruptedError
from agent.interfaces.repl.background import is_left_working, work

WITHIN_S = 1.0


def press_ctrl_c(after_s: float = 0.1) -> None:
    timer = threading.Timer(after_s, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()


def test_what_the_work_yields_comes_in_order_and_its_error_after_it() -> None:
    def produce(_: threading.Event) -> Iterator[int]:
        yield from range(3)
        raise KeyError("bug")

    handed = work(produce)
    assert [next(handed) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(handed)


def test_ctrl_c_asks_the_work_to_end_and_its_own_error_is_raised() -> None:
    def listens(cancel: threading.Event) -> Iterator[int]:
        yield 1
        assert cancel.wait(20)
        raise RunInterruptedError("The work noticed.")

    press_ctrl_c()
    started = time.monotonic()
    with pytest.raises(RunInterruptedError, match="noticed"):
        list(work(listens))
    assert time.monotonic() - started < WITHIN_S


def test_ctrl_c_ends_the_waiting_for_work_that_does_not_listen() -> None:
    release = threading.Event()

    def deaf(_: threading.Event) -> Iterator[int]:
        yield 1
        release.wait(20)
        yield 2

    press_ctrl_c()
    started = time.monotonic()
    with pytest.raises(RunInterruptedError):
        list(work(deaf))
    assert time.monotonic() - started < WITHIN_S
    assert is_left_working()
    release.set()
    end = time.monotonic() + 5
    while is_left_working():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_ctrl_c_means_what_it_meant_before_once_the_work_is_over() -> None:
    before = signal.getsignal(signal.SIGINT)
    assert list(work(lambda _: [1, 2])) == [1, 2]
    assert signal.getsignal(signal.SIGINT) is before
