"""Disks that are really full and folders that are really read-only: mounts in a namespace that this test alone sees.

Nothing leaks: the kernel takes the namespace and its mounts away with the last process in it, however that ends.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CLONE_FS, CLONE_NEWNS = 0x200, 0x20000
PAGE = 4096
"""A tmpfs counts its space in pages."""


def mount(*args: object) -> None:
    """Run mount, which is quiet where all is well."""
    subprocess.run(["mount", *(str(arg) for arg in args)], check=True, capture_output=True)


@contextmanager
def private_mounts() -> Generator[None]:
    """Give this thread, and what it starts from now on, mounts of its own; skip the test where that is not allowed."""
    libc, working = ctypes.CDLL(None, use_errno=True), Path.cwd()
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNS):
            pytest.skip(f"no mount namespace of our own: {os.strerror(ctypes.get_errno())}")
        try:
            mount("--make-rprivate", "/")
            yield
        finally:
            libc.unshare(CLONE_FS)  # threads that were started meanwhile share our root folder, and nobody who shares it may move
            if libc.setns(before, CLONE_NEWNS):
                raise OSError(ctypes.get_errno(), "the mount namespace cannot be left")
            os.chdir(working)
    finally:
        os.close(before)


@dataclass(frozen=True)
class Disk:
    """A file system of its own, in memory."""

    root: Path

    def free(self) -> int:
        """Return the free bytes."""
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Use up all space but `leave` bytes, rounded down to pages."""
        taken = self.free() - leave
        with (self.root / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(taken // PAGE * PAGE, PAGE))

    def relieve(self) -> None:
        """Free the space again."""
        (self.root / "ballast").unlink()


@contextmanager
def small_disk(where: Path, megabytes: int = 16) -> Generator[Disk]:
    """Mount an empty disk of that size at a folder, which is made."""
    with private_mounts():
        where.mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", where)
        yield Disk(where)


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Make a folder and all below it read-only, for root as well."""
    with private_mounts():
        mount("--bind", folder, folder)
        mount("-o", "remount,bind,ro", folder)
        yield
