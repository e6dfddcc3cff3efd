"""An empty network: a namespace of the kernel in which no machine is reachable, this one included. Linux only.

Run as a script, it exits with 0 where the kernel grants one.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITIES_64_BIT = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3: three sets of two 32-bit words."""


def enter_empty_network() -> bool:
    """Leave the network for good, with all that is started later; return False where the kernel refuses.

    Only root may do so directly. Anybody else needs a user namespace as well, in which they stay who they are; the kernel
    gives one only to a process of a single thread, and many machines give none.
    """
    if sys.platform != "linux":
        return False
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None).unshare(_CLONE_NEWNET if user == 0 else _CLONE_NEWUSER | _CLONE_NEWNET):
        return False
    if user:
        # Where a security module forbids the map, the process is shown as "nobody" but keeps its rights on files.
        with suppress(OSError):
            Path("/proc/self/setgroups").write_bytes(b"deny")
            Path("/proc/self/uid_map").write_bytes(b"%d %d 1" % (user, user))
            Path("/proc/self/gid_map").write_bytes(b"%d %d 1" % (group, group))
        _give_up_capabilities()
    return True


def _give_up_capabilities() -> None:
    """Give up what the maker of a user namespace is given in it: to read and write own files whatever their mode says."""
    header = struct.pack("=Ii", _CAPABILITIES_64_BIT, 0)
    ctypes.CDLL(None).capset(header, bytes(24))


def empty_network_offered() -> bool:
    """Return whether a process of this user may leave the network; tried in a process of its own."""
    tried = subprocess.run([sys.executable, "-I", "-S", __file__], capture_output=True, check=False, timeout=30)  # noqa: S603
    return tried.returncode == 0


if __name__ == "__main__":
    sys.exit(0 if enter_empty_network() else 1)
