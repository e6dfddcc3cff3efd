"""The store: results in folders named by their keys, published in one step and checked whenever they are read.

An entry is made in a private folder; its files are digested and synced, its record is written last, and the folder's rename
is the only commit. A process that is killed at any moment leaves either the whole entry or none.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.contract import Artifact
from tools.drafts import sweep_drafts
from tools.durable import file_digest, storage_error, storage_errors, sync_folder, write_synced
from tools.locks import hold
from tools.memo import journal
from tools.memo.facts import FACTS_FILE
from tools.memo.key import Json, canonical_json
from tools.memo.pins import Pins
from tools.memo.record import RECORD_FILE, DamagedError, artifact_of, read_record, stored_files, write_record
from tools.memo.staging import private_folder, sweep
from tools.workspace import Workspace

_LOG = logging.getLogger(__name__)
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Found:
    """What was found under a key."""

    artifact: Artifact | None
    damage: str = ""
    """What is wrong with the entry that lies there; empty where there is none."""


class Store:
    """The artifacts of one workspace; safe for several processes and threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.pins = Pins(workspace.root / "pins")
        _mend(workspace)

    @property
    def workspace(self) -> Workspace:
        """Return the workspace in which the store lies."""
        return self._workspace

    def get(self, key: str) -> Found:
        """Return the entry of a key, every byte of it checked.

        Raises StorageError where it may not be read; what is damaged is reported, never returned.
        """
        folder = self._folder(key)
        if not folder.is_dir():
            return Found(None)
        try:
            record = read_record(folder)
            _check_files(folder, record)
        except PermissionError as error:
            raise storage_error(error, "Reading", folder) from error
        except (DamagedError, OSError) as error:
            _LOG.warning("damaged entry key=%s: %s", key, error)
            return Found(None, str(error))
        return Found(artifact_of(record, folder))

    def record(self, key: str) -> Json | None:
        """Return the record of a key without looking at its files; None where there is no readable one."""
        try:
            return read_record(self._folder(key))
        except (DamagedError, OSError):
            return None

    def stored_keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with `prefix`, sorted; whether their entries are whole is not checked."""
        shelves = (
            [self._workspace.artifacts / prefix[:2]] if len(prefix) >= 2 else sorted(self._workspace.artifacts.glob("[0-9a-f][0-9a-f]"))
        )
        for shelf in shelves:
            names = sorted(entry.name for entry in shelf.iterdir()) if shelf.is_dir() else []
            yield from (name for name in names if name.startswith(prefix) and _KEY.fullmatch(name))

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Return the lock of a key: who holds it computes, the others wait and then find the result.

        Entering raises BusyError after `lock_timeout_s`, StorageError where no lock can be made.
        """
        return hold(self._workspace.locks / f"{key}.lock", self._workspace.settings.lock_timeout_s)

    def staging(self) -> AbstractContextManager[Path]:
        """Return a private folder for one call; see `private_folder`."""
        return private_folder(self._workspace.staging)

    def publish(self, folder: Path, record: Mapping[str, Any]) -> Artifact:  # Any: JSON values
        """Publish a private folder under the key of its record, and return the artifact; the caller holds the key's lock.

        `record["files"]` are the names of the tool's files, the main one first. An entry that is there already and whole is
        kept; a damaged one is moved to quarantine. Raises ValueError where the folder does not hold exactly the files named,
        StorageError where the disk is full or read-only; then nothing is published.
        """
        sealed = _sealed(folder, record)
        entry = {"key": record["key"], "tool": record["tool"], "time": record["created"]}
        with storage_errors("Storing a result in", self._workspace.artifacts):
            write_synced(folder / RECORD_FILE, write_record(sealed))
            sync_folder(folder)
            with journal.entry(self._workspace.journal, entry):
                return self.get(record["key"]).artifact or self._commit(folder, sealed)

    def _commit(self, folder: Path, record: Json) -> Artifact:
        target = self._folder(record["key"])
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            quarantine = self._workspace.root / "quarantine"
            quarantine.mkdir(exist_ok=True)
            target.rename(quarantine / f"{target.name}-{uuid.uuid4().hex[:8]}")
        folder.rename(target)
        sync_folder(target.parent)
        sync_folder(target.parent.parent)
        return artifact_of(record, target)

    def _folder(self, key: str) -> Path:
        return self._workspace.artifacts / key[:2] / key


def _mend(workspace: Workspace) -> None:
    """Put in order what dead processes left behind; a workspace that cannot be written is left as it is, and can still be read."""
    try:
        journal.mend(workspace.journal)
        sweep(workspace.staging)
        sweep(workspace.locks)
        sweep_drafts((workspace.root, workspace.root / "pins", workspace.root / "code"))
    except OSError as error:
        _LOG.info("leftovers not swept: %s", error)


def _sealed(folder: Path, record: Mapping[str, Any]) -> Json:  # Any: JSON values
    """Return the record as it will be read back, with the digest of every file, each of which has reached the disk."""
    named, present = list(record["files"]), {entry.name for entry in folder.iterdir()}
    if len(set(named)) != len(named) or set(named) != present - {FACTS_FILE}:
        raise ValueError(f"{record['tool']} named the files {sorted(named)}, but wrote {sorted(present - {FACTS_FILE})}")
    if any((folder / name).is_symlink() or not (folder / name).is_file() for name in present):
        raise ValueError(f"{record['tool']} wrote something else than plain files: {sorted(present)}")
    with storage_errors("Storing a result in", folder):
        files = [asdict(file_digest(folder / name, sync=True)) for name in named]
        facts = asdict(file_digest(folder / FACTS_FILE, sync=True)) if FACTS_FILE in present else None
    sealed: Json = json.loads(canonical_json({**record, "files": files, "facts_file": facts}))
    return sealed


def _check_files(folder: Path, record: Mapping[str, Any]) -> None:  # Any: JSON values
    """Raise DamagedError unless the folder holds exactly the files of the record, byte for byte.

    A file too many counts as well: beside a raster, a side file would change how it is read.
    """
    expected = {file.path: file for file in stored_files(record)}
    present = {entry.name for entry in folder.iterdir()} - {RECORD_FILE}
    if missing := sorted(expected.keys() - present):
        raise DamagedError(f"{missing[0]} is missing")
    if strange := sorted(present - expected.keys()):
        raise DamagedError(f"{strange[0]} does not belong to it")
    for name, file in expected.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or file_digest(path) != file:
            raise DamagedError(f"{name} does not match its digest")
