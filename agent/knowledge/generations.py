"""The generations of the index on disk: each a folder that is never changed once it is in use, and one file that names the current.

A writer copies the current folder, changes the copy and then replaces the naming file in one step. Readers copy it as well,
since Chroma writes into what it opens, even to read. So readers never wait and never see half a change, and every byte is
checked before Chroma's core sees it: over some damage that ends the whole process. Copying takes about 1 ms per megabyte.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import xxhash

from agent.knowledge.encoder_file import RECIPE
from tools.errors import StorageError

_LOG = logging.getLogger(__name__)

SCHEMA = 1
"""Version of what is stored about each entry; with the encoder's recipe it decides whether an index can be used."""
VERSION = f"{SCHEMA}-{RECIPE}"
CURRENT = "current.json"
ROOM_BYTES = 1 << 20
"""Less free space than this counts as none."""


class DamagedIndexError(Exception):
    """The index is not what was written; it never leaves this package."""


@dataclass(frozen=True)
class Generation:
    """One state of the index."""

    name: str
    """Of its folder."""
    journal: int
    """Up to where of the store's journal it knows."""
    documents: Mapping[str, str]
    """Dataset id → digest of the content whose passages it holds."""
    gaps: Mapping[str, str]
    """Dataset id → why the document could not be read."""
    entries: int
    files: Mapping[str, str]
    """File in the folder → digest."""
    version: str = VERSION


class Generations:
    """The folder `home` with its generations; whoever writes holds a lock of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def current(self) -> Generation | None:
        """Return the current generation, its files unchecked; None where there is none that can be used."""
        try:
            data = json.loads((self._home / CURRENT).read_bytes())
            found = Generation(**data)
            usable = found.version == VERSION and self.folder(found).is_dir()
        except (OSError, ValueError, TypeError) as error:  # missing, no JSON, other fields
            _LOG.info("no index in %s: %s", self._home, error)
            return None
        return found if usable else None

    def folder(self, generation: Generation) -> Path:
        """Return where a generation lies."""
        return self._home / Path(generation.name).name

    def copy(self, generation: Generation, target: Path) -> None:
        """Copy a generation into an empty folder.

        Raises DamagedIndexError where it is gone or not as it was written, StorageError where the target has no room for it.
        """
        try:
            shutil.copytree(self.folder(generation), target, dirs_exist_ok=True)
        except OSError as error:  # copytree tells the failures of all files in one error
            if not _has_room(target):
                raise StorageError(
                    f"There is no room for a copy of the index in {target}.", hint="Free some space, or set TMPDIR."
                ) from error
            raise DamagedIndexError(f"{self.folder(generation)} cannot be read: {error}") from error
        if _digests(target) != dict(generation.files):
            raise DamagedIndexError(f"{self.folder(generation)} does not match its digests")

    @contextmanager
    def lent(self, generation: Generation) -> Iterator[Path]:
        """Lend a copy of a generation to a reader; raises as `copy` does, and StorageError where no temporary folder can be made."""
        try:
            lent = tempfile.TemporaryDirectory(prefix="terracite-memory-", ignore_cleanup_errors=True)
        except OSError as error:
            raise StorageError(f"No temporary folder can be made ({error}).", hint="Free some space, or set TMPDIR.") from error
        with lent as folder:
            self.copy(generation, Path(folder))
            yield Path(folder)

    @contextmanager
    def begun(self, before: Generation | None) -> Iterator[Path]:
        """Make the folder of the next generation: a copy of the one before, or empty; it is removed where the body fails.

        Raises as `copy` does.
        """
        folder = self._home / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            if before is not None:
                self.copy(before, folder)
            yield folder
        except BaseException:
            _remove(folder)
            raise

    def publish(self, generation: Generation, before: Generation | None) -> Generation:
        """Make a closed generation the current one; only the one before is kept, for those who still read it."""
        whole = replace(generation, files=_digests(self.folder(generation)))
        draft = self._home / f".{uuid.uuid4().hex}"
        draft.write_text(json.dumps(asdict(whole)), encoding="utf-8")
        draft.replace(self._home / CURRENT)
        kept = {CURRENT, whole.name, *([before.name] if before else [])}
        for entry in self._home.iterdir():
            if entry.name not in kept:
                _remove(entry)
        return whole

    def forget(self) -> None:
        """Drop the current generation, so that the next one is made from the store and the documents alone."""
        _remove(self._home / CURRENT)


def _digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file of a folder."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): xxhash.xxh3_128_hexdigest(path.read_bytes()) for path in paths}


def _has_room(folder: Path) -> bool:
    """Whether something can be written here."""
    try:
        (folder / "room").write_bytes(bytes(ROOM_BYTES))
    except OSError:
        return False
    finally:
        _remove(folder / "room")
    return True


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("%s cannot be removed: %s", path, error)


def describe(generation: Generation) -> dict[str, Any]:  # Any: JSON
    """Return what interfaces tell of an index."""
    return {"entries": generation.entries, "documents": len(generation.documents) - len(generation.gaps), "gaps": dict(generation.gaps)}
