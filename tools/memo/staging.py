"""Private folders in which results are computed; what a dead process left behind is swept away."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.durable import storage_errors
from tools.locks import BRIEF_S, hold, hold_if_free

LOCK_SUFFIX = ".lock"


@contextmanager
def private_folder(staging: Path) -> Iterator[Path]:
    """Make a folder that is this call's alone; its lock, held meanwhile, tells sweepers that somebody is at work.

    Whatever is still in it at the end is removed. Raises StorageError where it cannot be made.
    """
    folder = staging / uuid.uuid4().hex
    with hold(_lock(folder), BRIEF_S):
        with storage_errors("Making the folder", folder):
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(staging: Path) -> None:
    """Remove the folders and locks whose process is gone; leave alone what is in use. Raises OSError where nothing may be removed."""
    folders = {entry.with_name(entry.name.removesuffix(LOCK_SUFFIX)) for entry in staging.iterdir()}
    for folder in folders:
        with hold_if_free(_lock(folder)) as is_free:
            if is_free:
                shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK_SUFFIX)
