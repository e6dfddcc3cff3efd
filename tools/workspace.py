"""The workspace: one folder that holds everything that lasts, and the paths inside it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools.errors import StorageError
from tools.settings import ToolSettings


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace; the folders are made when the workspace is opened."""

    root: Path
    settings: ToolSettings

    @property
    def artifacts(self) -> Path:
        """Published results, one folder per key."""
        return self.root / "artifacts"

    @property
    def staging(self) -> Path:
        """Private folders of calls that are still running; on the same file system as `artifacts`."""
        return self.root / "staging"

    @property
    def locks(self) -> Path:
        """One flock file per key."""
        return self.root / "locks"

    @property
    def index(self) -> Path:
        """The diskcache index: rebuildable, never the truth, never a lock."""
        return self.root / "index"

    @property
    def journal(self) -> Path:
        """Append-only list of publishes, one JSON object a line."""
        return self.root / "journal.jsonl"

    @property
    def datasets(self) -> Path:
        """SQLite file of the dataset registrations."""
        return self.root / "datasets.sqlite"

    @property
    def downloads(self) -> Path:
        """Files that were fetched from other machines, one folder per content."""
        return self.root / "downloads"

    @property
    def ledger(self) -> Path:
        """SQLite file of the agent: runs."""
        return self.root / "ledger.sqlite"

    @property
    def threads(self) -> Path:
        """SQLite file of the agent: checkpoints of threads."""
        return self.root / "threads.sqlite"


def owners_file(path: Path) -> Path:
    """Return the path of a file that only its owner may read; it is made where it is missing. For what people ask and are told.

    It is made without being opened: closing a file drops every lock that this process holds on it, those of SQLite too. What
    the file system refuses is left to whoever opens the file.
    """
    with suppress(OSError):
        os.mknod(path, 0o600)
    with suppress(OSError):
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    return path


def open_workspace(settings: ToolSettings | None = None, *, root: Path | None = None) -> Workspace:
    """Open (and make) the workspace at `root`, else at `settings.workspace`.

    Raises StorageError where the folder cannot be made or written.
    """
    settings = settings or ToolSettings()
    workspace = Workspace((root or settings.workspace).expanduser().resolve(), settings)
    try:
        for folder in (workspace.artifacts, workspace.staging, workspace.locks, workspace.index):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The workspace {workspace.root} cannot be made or written ({error.strerror}).",
            hint="Choose another with --workspace DIR or TERRACITE_WORKSPACE.",
        ) from error
    return workspace
