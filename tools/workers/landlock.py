"""Landlock: a thread gives up, for good, every file and TCP port that it does not name. Linux only, needs no rights.

The system calls are made by number, which is the same on every architecture: the C library has no names for them.
Source: <linux/landlock.h> and https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from enum import IntFlag
from functools import cache
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38


class Access(IntFlag):
    """Rights on files, LANDLOCK_ACCESS_FS_…; those of a folder hold for all that is below it."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    """Move a file to another folder; ABI 2."""
    TRUNCATE = 1 << 14
    """ABI 3; before, whoever may write may truncate."""
    IOCTL_DEV = 1 << 15
    """Command a device; ABI 5."""


class Ports(IntFlag):
    """Rights on TCP, LANDLOCK_ACCESS_NET_…; ABI 4."""

    BIND = 1 << 0
    CONNECT = 1 << 1


READ = Access.READ_FILE | Access.READ_DIR
WRITE = (
    READ | Access.WRITE_FILE | Access.REMOVE_DIR | Access.REMOVE_FILE | Access.MAKE_DIR | Access.MAKE_REG | Access.REFER | Access.TRUNCATE
)
"""Make, write, move and remove plain files and folders; no links, sockets or devices."""
DEVICE = Access.READ_FILE | Access.WRITE_FILE | Access.IOCTL_DEV
_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
"""All that the kernel accepts in a rule about a file."""
_OUTSIDE = 0b11
"""LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and _SIGNAL: neither reaches a process outside; ABI 6."""

Rule = tuple[Path, Access]
"""A file, or a folder with all that is below it, and what may be done there."""


def abi() -> int:
    """Return the version that the kernel offers; 0 where it has no Landlock, has it switched off, or is no Linux."""
    try:
        return _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except OSError:
        return 0


def access_known(version: int) -> Access:
    """Return the rights on files that version 1 or later tells apart, by the kernel's documentation."""
    newer = (Access.REFER if version < 2 else 0) | (Access.TRUNCATE if version < 3 else 0) | (Access.IOCTL_DEV if version < 5 else 0)
    return Access((1 << 16) - 1) & ~Access(newer)


def restrict_thread(rules: Iterable[Rule], *, connect: bool, version: int) -> None:
    """Take from the calling thread, and from those it starts, every right of `version` that no rule gives.

    A path that cannot be reached is not granted. TCP ports are never bound; `connect` leaves connecting free. Raises
    OSError where the kernel refuses; the thread is then as free as before.
    """
    known = access_known(version)
    ports = (Ports.BIND if connect else Ports.BIND | Ports.CONNECT) if version >= 4 else 0
    # The kernel takes a longer structure than it knows as long as the rest is zero.
    handled = struct.pack("=QQQ", known, ports, _OUTSIDE if version >= 6 else 0)
    ruleset = _call(_CREATE_RULESET, handled, len(handled), 0)
    try:
        for path, access in rules:
            _grant(ruleset, path, access & known)
        give_up_new_rights()
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def give_up_new_rights() -> None:
    """Set no-new-privileges: no program that this thread starts gains rights by its set-user-id bit. Raises OSError."""
    if _library().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise _last_error("prctl")


def _grant(ruleset: int, path: Path, access: Access) -> None:
    if sys.platform != "linux":
        return
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = access if stat.S_ISDIR(os.fstat(place).st_mode) else access & _OF_FILES
        if allowed:
            _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, place), 0)
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes | None) -> int:
    if sys.platform != "linux":
        raise OSError("Landlock is a part of Linux.")
    whole = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    answer = int(_library().syscall(ctypes.c_long(number), *whole))
    if answer < 0:
        raise _last_error(f"system call {number}")
    return answer


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _last_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
