"""Writing so that what was written survives: sync before rename, append whole lines, and say clearly what failed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.contract import StoredFile
from tools.errors import StorageError, TerraciteError

CHUNK_BYTES = 1 << 20
UNENDED = b" "
"""Stands where the end of a line will stand: overwriting it needs no more room on the disk."""

_HINTS = {
    errno.ENOSPC: "The disk is full: free some space, or choose another workspace with --workspace DIR.",
    errno.EDQUOT: "The quota is used up: free some space, or choose another workspace with --workspace DIR.",
    errno.EROFS: "The disk is read-only: choose another workspace with --workspace DIR.",
    errno.EACCES: "Check the permissions, or choose another workspace with --workspace DIR.",
    errno.EPERM: "Check the permissions, or choose another workspace with --workspace DIR.",
}


@contextmanager
def storage_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn an OSError of the file system into a StorageError that says what was being done, where, and what to change."""
    try:
        yield
    except TerraciteError:
        raise
    except OSError as error:
        raise storage_error(error, doing, path) from error


def storage_error(error: OSError, doing: str, path: Path) -> StorageError:
    """Return the StorageError of a failed operation."""
    hint = _HINTS.get(error.errno or 0, "Check the disk and the permissions of the workspace.")
    return StorageError(f"{doing} {path.name} failed ({error.strerror or error}).", hint=hint)


def is_full_or_readonly(error: OSError) -> bool:
    """Whether an error means that nothing can be written here, whoever tries."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def file_digest(path: Path, *, sync: bool = False) -> StoredFile:
    """Return a file's SHA-256 and size; with `sync`, its content has reached the disk before this returns."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
        if sync:
            os.fsync(stream.fileno())
    return StoredFile(path.name, digest.hexdigest(), size)


def write_synced(path: Path, content: bytes) -> None:
    """Write a new file whose content has reached the disk when this returns."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def sealed(text: str) -> str:
    """Return a text of one line with its digest behind it, by which `unsealed` notices damage that a database would not."""
    return f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}"


def unsealed(stored: str) -> str:
    """Return the text of `sealed`; raise ValueError where it is not what was stored. A text without a digest is an older one."""
    text, end, digest = stored.rpartition("\n")
    if end and hashlib.sha256(text.encode()).hexdigest() != digest:
        raise ValueError("what is stored does not match its digest")
    return text if end else digest


def replace_alone(path: Path, content: bytes) -> None:
    """Write a file in one synced step, for whoever holds it alone: a draft that a crash left is written over the next time."""
    draft = path.with_name(f".{path.name}.draft")
    write_synced(draft, content)
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of it at an offset; the system may take only a part at once, as it does when the disk has room for no more."""
    while content:
        written = os.pwrite(descriptor, content, offset)
        content, offset = content[written:], offset + written


@contextmanager
def appended_line(path: Path, line: bytes) -> Iterator[None]:
    """Append one line, which counts only once the body has ended without an error: until then it has no end.

    It has reached the disk, with the room for its end, before the body begins: a full disk is known by then, and nothing that can
    fail is left to do. Nobody else appends meanwhile. A line that a dead process left without an end is ended first, never joined
    to this one.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        start = _ended(descriptor)
        try:
            write_all(descriptor, line + UNENDED, start)
            os.fsync(descriptor)
            yield
        except BaseException:
            os.ftruncate(descriptor, start)
            raise
        with suppress(OSError):  # what was told is done; whoever writes or opens the file next ends the line
            os.pwrite(descriptor, b"\n", start + len(line))
    finally:
        os.close(descriptor)


def end_line(path: Path) -> None:
    """End the last line of a file where a dead process left it without an end; leave alone a line that somebody is writing."""
    with suppress(FileNotFoundError, BlockingIOError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _ended(descriptor)
        finally:
            os.close(descriptor)


def _ended(descriptor: int) -> int:
    """End the last line of a file, and return the file's size; whoever holds its lock may."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    last = os.pread(descriptor, 1, size - 1) if size else b"\n"
    if last == b"\n":
        return size
    end = size - len(UNENDED) if last == UNENDED else size
    write_all(descriptor, b"\n", end)
    return end + 1
