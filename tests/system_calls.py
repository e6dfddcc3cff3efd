"""Stop a process before its N-th change of any file, or let its disk be full from there on, at the border of the kernel.

A process that has loaded what it needs is forked for each call. The kernel asks its parent about every system call that changes
files (seccomp's user notification), so that steps inside SQLite, Arrow and GDAL count as well, and nothing has to be patched.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import platform
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
# Numbers of x86_64's system calls, from the kernel's arch/x86/entry/syscalls/syscall_64.tbl.
WRITES = {1: "write", 18: "pwrite64", 20: "writev", 77: "ftruncate", 285: "fallocate", 296: "pwritev", 326: "copy_file_range"}
NAMES = {82: "rename", 84: "rmdir", 87: "unlink", 263: "unlinkat", 264: "renameat", 316: "renameat2"}
MAKES = {83: "mkdir", 85: "creat", 86: "link", 88: "symlink", 258: "mkdirat"}
SYNCS = {73: "flock", 74: "fsync", 75: "fdatasync"}
OPENS = {2: ("open", 1), 257: ("openat", 2)}
"""Number → name and position of the flags; counted where they write or create."""
CALLS = {**WRITES, **NAMES, **MAKES, **SYNCS, **{number: name for number, (name, _) in OPENS.items()}}
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SECCOMP, NEW_LISTENER, NO_NEW_PRIVS = 317, 1 << 3, 38
ASK, ALLOW = 0x7FC00000, 0x7FFF0000
RECEIVE, ANSWER, CONTINUE = 0xC0502100, 0xC0182101, 1


@dataclass(frozen=True)
class Ended:
    """How a call in a process of its own ended."""

    steps: tuple[str, ...]
    """The changes of files it was about to make, in order; the last one was not made where it was killed."""
    code: int
    """As of `subprocess`: the negative number of the signal that killed it."""
    said: Any
    """What the call returned, as JSON; None where it was killed."""


class Stepper:
    """Calls functions of a program, each in a fresh copy of its process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(
        self, function: str, *args: object, kill_at: int | None = None, full_from: int | None = None, kill_after_s: float | None = None
    ) -> Ended:
        """Call a function with JSON arguments; kill it before step `kill_at` (from 1), or some seconds after it began.

        From step `full_from` on, whatever needs space on a disk fails with ENOSPC.
        """
        asked = {"function": function, "args": args, "kill_at": kill_at, "full_from": full_from, "kill_after_s": kill_after_s}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        ended = json.loads(self._process.stdout.readline())
        return Ended(tuple(ended["steps"]), ended["code"], ended["said"])


@contextlib.contextmanager
def stepper(program: str, *args: object) -> Generator[Stepper]:
    """Start a process that has run `program`, whose functions can then be called; `args` are its `sys.argv[1:]`."""
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of system calls are known for x86_64 only")
    source = f"{program}\nfrom system_calls import serve\nserve(globals())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent))), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-c", source, *(str(arg) for arg in args)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield Stepper(process)
    finally:
        process.kill()
        process.communicate()


def serve(functions: dict[str, Callable[..., Any]]) -> None:
    """Answer calls until the other side has gone; the program's side of `Stepper`."""
    for line in sys.stdin:
        asked = json.loads(line)
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            ours.close()
            _work(functions[asked["function"]], asked["args"], theirs)
        theirs.close()
        _, (listener, *_), _, _ = socket.recv_fds(ours, 1, 1)
        steps = _watched(pid, listener, ours, asked)
        os.close(listener)
        _, status = os.waitpid(pid, 0)
        with ours, ours.makefile("rb") as stream:
            said = stream.read()
        ended = {"steps": steps, "code": os.waitstatus_to_exitcode(status), "said": json.loads(said) if said else None}
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


def _work(function: Callable[..., Any], args: Sequence[Any], border: socket.socket) -> None:
    """Call the function behind the border, and end; what it returns goes through a socket, which counts as no step."""
    code = 1
    try:
        socket.send_fds(border, [b"x"], [_listener()])
        border.sendall(json.dumps(function(*args)).encode())
        code = 0
    except Exception:  # noqa: BLE001 - told to whoever reads the test's output
        traceback.print_exc()
    finally:
        os._exit(code)


def _listener() -> int:
    """Let the kernel ask about this process's changes of files from now on; return where it asks."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = _filter()
    lines = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(lines))
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or (listener := libc.syscall(SECCOMP, 1, NEW_LISTENER, header)) < 0:
        raise OSError(ctypes.get_errno(), "no seccomp listener")
    return int(listener)


def _filter() -> bytes:
    """Return the BPF program: ask about these calls, of opening only where it writes or creates; allow all others."""
    load, equal, any_bit, give = 0x20, 0x15, 0x45, 0x06
    lines = [(load, 0, 0, 0)]
    for number, (_, position) in OPENS.items():
        lines += [(equal, 0, 4, number), (load, 0, 0, 16 + 8 * position), (any_bit, 0, 1, CHANGING), (give, 0, 0, ASK), (give, 0, 0, ALLOW)]
    for number in (*WRITES, *NAMES, *MAKES, *SYNCS):
        lines += [(equal, 0, 1, number), (give, 0, 0, ASK)]
    return b"".join(struct.pack("HBBI", *line) for line in [*lines, (give, 0, 0, ALLOW)])


def _watched(pid: int, listener: int, said: socket.socket, asked: dict[str, Any]) -> list[str]:
    """Answer the kernel's questions until the process has ended; return the names of the calls."""
    steps: list[str] = []
    process, poll = os.pidfd_open(pid), select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(process, select.POLLIN)
    deadline = time.monotonic() + (asked["kill_after_s"] or 600)
    while True:
        ready = dict(poll.poll(max(0, (deadline - time.monotonic()) * 1000)))
        if not ready:
            os.kill(pid, signal.SIGKILL)
        if process in ready or not ready:
            break
        question = bytearray(80)
        try:
            fcntl.ioctl(listener, RECEIVE, question)
        except FileNotFoundError:  # it ended between the question and our look
            continue
        identity, caller, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", question)
        steps.append(CALLS[number])
        if len(steps) == asked["kill_at"]:
            os.kill(pid, signal.SIGKILL)
            break
        is_full = asked["full_from"] is not None and len(steps) >= asked["full_from"] and _needs_space(number, arguments, caller)
        answer = struct.pack("Qqii", identity, 0, -errno.ENOSPC, 0) if is_full else struct.pack("Qqii", identity, 0, 0, CONTINUE)
        with contextlib.suppress(FileNotFoundError):
            fcntl.ioctl(listener, ANSWER, answer)
    os.close(process)
    return steps


def _needs_space(number: int, arguments: Sequence[int], caller: int) -> bool:
    """Whether a call needs room on a disk: making a name, or writing to a file."""
    if number in MAKES:
        return True
    if number in OPENS:
        return bool(arguments[OPENS[number][1]] & os.O_CREAT)
    if number not in WRITES:
        return False
    target = str(Path(f"/proc/{caller}/fd/{arguments[0]}").readlink())
    return target.startswith("/") and not target.startswith("/dev/")
