"""Locks between processes and threads, by `flock` on a file: the system frees them when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.durable import storage_errors
from tools.errors import BusyError

FIRST_WAIT_S = 0.005
LONGEST_WAIT_S = 0.1
"""Waiting doubles from the first to the longest; a blocking `flock` could not be given a time limit inside a thread."""
BRIEF_S = 10.0
"""Patience for a file that is ours alone: a sweeper may look at it between our making and our locking it."""


@contextmanager
def hold(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock of this name; the file is made, and removed again when the lock is given back.

    Raises BusyError where somebody else holds it for longer than `timeout_s`, StorageError where no file can be made.
    """
    with storage_errors("Making the lock", path):
        descriptor = acquire(path, timeout_s)
    try:
        yield
    finally:
        with suppress(OSError):  # a disk that became read-only meanwhile; the file is swept away later
            path.unlink(missing_ok=True)  # still ours: whoever opened the file meanwhile sees that it is gone and makes a new one
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing would not do where a fork has copied the descriptor
        os.close(descriptor)


@contextmanager
def hold_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock if nobody does; yield whether it is held."""
    try:
        with hold(path, 0):
            yield True
    except BusyError:
        yield False


def acquire(path: Path, timeout_s: float) -> int:
    """Make and lock the file of this name, and return its descriptor, which holds the lock until it is closed.

    Raises BusyError where somebody else holds it for longer than `timeout_s`, OSError where no file can be made.
    """
    deadline, wait = time.monotonic() + timeout_s, FIRST_WAIT_S
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            if _is_same_file(descriptor, path):
                return descriptor
            os.close(descriptor)  # its former holder removed the file between our two calls
            continue
        if time.monotonic() >= deadline:
            raise BusyError(
                f"Another process has been computing the same result for more than {timeout_s:g} s.",
                hint="Wait for it, or raise TERRACITE_LOCK_TIMEOUT_S.",
            )
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_S)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
