"""Where conversations are kept: LangGraph's checkpoints in the workspace, and a run that nobody wants any more adds none.

A run that cannot be kept, because the disk is full or read-only, is still answered; `RunSaver.problem` then says why.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from tools.errors import BusyError, StorageError
from tools.workspace import owners_file

TICK_S = 0.2
"""How long a question waits for its turn before it looks whether it is still wanted."""
DAMAGED = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises over a file that it cannot use; the latter where its message would quote what is damaged."""
CHECKED = "sha256+"
"""Mark of what is stored behind its digest."""


class CheckedSerializer(JsonPlusSerializer):
    """Puts a digest before what is stored, so that damage inside a row is noticed, which SQLite would not.

    Strict: a checkpoint that holds anything but plain data and messages is refused, not unpickled.
    """

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return the type and the bytes of a value."""
        kind, content = super().dumps_typed(obj)
        return CHECKED + kind, hashlib.sha256(content).digest() + content

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return a stored value; raise StorageError where it is not what was stored."""
        kind, content = data
        if kind.startswith(CHECKED):
            kind, digest, content = kind.removeprefix(CHECKED), content[:32], content[32:]
            if hashlib.sha256(content).digest() != digest:
                raise StorageError("What is stored of this conversation is damaged.", hint="Begin a new one: leave out the thread's id.")
        return super().loads_typed((kind, content))


class RunSaver(SqliteSaver):
    """The checkpoints of one run; `check` raises where the run was interrupted, and then nothing is written.

    The state of a thread is what was written last, not what carries the latest time: clocks go backwards. A run that is being
    interrupted cannot write behind the next one, since `check` is called while the file is held for writing.
    """

    def __init__(self, connection: sqlite3.Connection, check: Callable[[], None], *, is_new: bool = False) -> None:
        """`is_new`: the thread has no past, which then need not be readable."""
        super().__init__(connection, serde=CheckedSerializer())
        self._check = check
        self._is_new = is_new
        self._one_at_a_time = threading.RLock()
        self.problem = ""
        """Why what happens in this run is not kept any more; empty where it is."""

    def setup(self) -> None:
        """Make the tables where there are none.

        LangGraph would choose the write-ahead log each time, which cannot be read where nothing can be written.
        """
        if self.is_setup:
            return
        if not self._is_made():
            super().setup()
        if self.conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            self.conn.execute("PRAGMA journal_mode = DELETE")
        self.is_setup = True

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that was written last in a thread, or None. Raises StorageError where it cannot be read."""
        if self._is_new:
            return None
        where = config["configurable"]
        thread = str(where["thread_id"]), where.get("checkpoint_ns", "")
        query = "SELECT checkpoint_id, max(rowid) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ?"
        try:
            with self._one_at_a_time:
                last = self.conn.execute(query, thread).fetchone()[0] if self._is_made() else None
                if last is None:
                    return None
                return super().get_tuple({"configurable": {"thread_id": thread[0], "checkpoint_ns": thread[1], "checkpoint_id": last}})
        except DAMAGED as error:
            raise StorageError(
                f"The conversations of this workspace cannot be read ({error}).",
                hint="Check the disk, or move threads.sqlite away: only what follow-up questions refer to is lost.",
            ) from error

    def put(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        """Save a checkpoint, unless the run was interrupted."""
        self._write(lambda: super(RunSaver, self).put(config, checkpoint, metadata, new_versions))
        where = config["configurable"]
        said = {"thread_id": where["thread_id"], "checkpoint_ns": where.get("checkpoint_ns", ""), "checkpoint_id": checkpoint["id"]}
        return {"configurable": said}

    def put_writes(self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = "") -> None:
        """Save what a node wrote, unless the run was interrupted."""
        self._write(lambda: super(RunSaver, self).put_writes(config, writes, task_id, task_path))

    def _write(self, write: Callable[[], object]) -> None:
        """Write while the file is held; where that fails, keep nothing more of this run, so that no later part lacks an earlier one."""
        with self._one_at_a_time:
            try:
                if not self.problem:
                    self.setup()
                    self.conn.execute("BEGIN IMMEDIATE")
                self._check()
                if not self.problem:
                    write()
            except DAMAGED as error:
                self.problem = str(error)
            finally:
                if self.conn.in_transaction:
                    self.conn.rollback()

    def _is_made(self) -> bool:
        return self.conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'writes'").fetchone() is not None


@dataclass(frozen=True)
class _Turn:
    cancel: threading.Event
    held: ExitStack


class Turns:
    """Whose turn it is in each conversation: runs of one thread follow each other, in all processes, so that each knows the one before.

    `exclusive` is `Runner.exclusive`.
    """

    def __init__(self, exclusive: Callable[[str, float], AbstractContextManager[None]], patience_s: float) -> None:
        self._exclusive = exclusive
        self._patience_s = patience_s
        self._taken: dict[str, _Turn] = {}
        """By thread id, the last run of this process."""

    @contextmanager
    def taken(self, thread_id: str, cancel: threading.Event, check: Callable[[], None]) -> Iterator[None]:
        """Wait for the turn of a run, and hold it; an interrupted run of this process gives its turn up at once, while it still ends.

        Without a place for locks there is nothing to write, and so nothing to hold. Raises what `check` raises, and BusyError
        where the run before takes longer than the patience.
        """
        with ExitStack() as held:
            with suppress(StorageError):
                self._wait(thread_id, held, check)
            self._taken[thread_id] = turn = _Turn(cancel, held)
            try:
                yield
            finally:
                if self._taken.get(thread_id) is turn:
                    del self._taken[thread_id]

    def _wait(self, thread_id: str, held: ExitStack, check: Callable[[], None]) -> None:
        name = f"thread-{hashlib.sha256(thread_id.encode()).hexdigest()[:32]}"
        deadline = time.monotonic() + self._patience_s
        while True:
            check()
            before = self._taken.get(thread_id)
            if before is not None and before.cancel.is_set():
                before.held.close()
            try:
                held.enter_context(self._exclusive(name, TICK_S))
            except BusyError as error:
                if time.monotonic() >= deadline:
                    raise BusyError(
                        f"Another run of the conversation {thread_id!r} has been going on for more than {self._patience_s:g} s.",
                        hint="Wait for it, or begin a new conversation: leave out the thread's id.",
                    ) from error
            else:
                return


@contextmanager
def saver(path: Path, check: Callable[[], None], *, is_new: bool = False) -> Iterator[RunSaver]:
    """Open the threads of a workspace for one run; `is_new` as of `RunSaver`."""
    with closing(sqlite3.connect(owners_file(path), timeout=60, check_same_thread=False)) as connection:
        yield RunSaver(connection, check, is_new=is_new)
