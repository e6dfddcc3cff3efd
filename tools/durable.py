"""Writing so that what was written survives: sync before rename, append whole lines, and say clearly what failed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.contract import StoredFile
from tools.errors import StorageError, TerraciteError

CHUNK_BYTES = 1 << 20

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
    return StorageError(f"{doing} {path} failed ({error.strerror or error}).", hint=hint)


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


def replace_whole(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file in one step: whoever reads it sees the old content or the new, never a part.

    With `sync` the new content survives a crash of the machine.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        if sync:
            write_synced(draft, content)
        else:
            draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    if sync:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, line: bytes) -> None:
    """Append one line and sync; a line that a crash left half-written stays alone and is never joined to this one."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        end = os.lseek(descriptor, 0, os.SEEK_END)
        broken = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
        os.write(descriptor, (b"\n" if broken else b"") + line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
