"""Where conversations are kept: LangGraph's checkpoints in the workspace, and a run that nobody wants any more adds none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver


class RunSaver(SqliteSaver):
    """The checkpoints of one run; `check` raises where the run was interrupted, and then nothing is written.

    A checkpoint takes its id, which holds the time, before it comes here: one that is still written while the run is being
    interrupted is older than every checkpoint of the next run, and so can never become the state of the thread again.
    """

    def __init__(self, connection: sqlite3.Connection, check: Callable[[], None]) -> None:
        # Strict: a checkpoint that holds anything but plain data and messages is refused, not unpickled.
        super().__init__(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self._check = check

    def put(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        """Save a checkpoint, unless the run was interrupted."""
        self._check()
        return super().put(config, checkpoint, metadata, new_versions)

    def put_writes(self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = "") -> None:
        """Save what a node wrote, unless the run was interrupted."""
        self._check()
        super().put_writes(config, writes, task_id, task_path)


@contextmanager
def saver(path: Path, check: Callable[[], None]) -> Iterator[RunSaver]:
    """Open the threads of a workspace for one run."""
    with closing(sqlite3.connect(path, timeout=60, check_same_thread=False)) as connection:
        yield RunSaver(connection, check)
