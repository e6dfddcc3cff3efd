"""Files that change in one step, by a draft beside them; a draft that nobody holds is a dead process's, and is swept away."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tools.durable import sync_folder, write_all
from tools.locks import BRIEF_S, acquire, hold_if_free

_DRAFT = re.compile(r"\..+\.[0-9a-f]{32}")


def replace_whole(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file in one step: whoever reads it sees the old content or the new, never a part.

    With `sync` the new content survives a crash of the machine. Raises OSError where it cannot be written; then nothing changed.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = acquire(draft, BRIEF_S)
    try:
        write_all(descriptor, content, 0)
        if sync:
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    if sync:
        sync_folder(path.parent)


def sweep_drafts(folders: Iterable[Path]) -> None:
    """Remove the drafts whose process is gone. Raises OSError where nothing may be removed."""
    for folder in folders:
        if not folder.is_dir():
            continue
        for draft in [entry for entry in folder.iterdir() if _DRAFT.fullmatch(entry.name)]:
            with hold_if_free(draft):  # which removes the file when it is given back
                pass
