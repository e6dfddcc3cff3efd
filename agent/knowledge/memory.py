"""Memory: search by meaning over documents and earlier results; an index that catches up, and is made anew where it is damaged.

Light to import: Chroma, onnxruntime and the encoder load at the first search that has something to look through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tools.catalog.datasets import Datasets
from tools.contract import Found
from tools.errors import BusyError, StorageError
from tools.runner import Runner
from tools.workers.job import Executor, InProcess
from tools.workspace import Workspace

if TYPE_CHECKING:
    from agent.knowledge.catching_up import Library
    from agent.knowledge.extents import Box, Span
    from agent.knowledge.generations import Generation, Generations
    from agent.knowledge.vectors import Hit

_LOG = logging.getLogger(__name__)
LOCK = "memory"
PATIENCE_S = 5.0
"""How long a search waits for another process that is catching up, where there is an older state to search."""
LEAST_SCORE = 0.12
"""Cosine below which a text has nothing to do with the query: unrelated English sentences mostly lie between -0.1 and 0.1."""
RETRIES = 3
"""Readings of an index that others may replace meanwhile."""
Progress = Callable[[float], None]


def _tell_nobody(share: float) -> None:
    """Take the share that is done."""


class Knowledge:
    """What a workspace knows; satisfies `tools.contract.Memory`. Safe for several threads and processes."""

    def __init__(self, workspace: Workspace, datasets: Datasets, executor: Executor | None = None) -> None:
        """`executor` opens documents, in this process where none is given."""
        self._executor = executor or InProcess()
        self._workspace = workspace
        self._datasets = datasets
        self._is_behind = False

    def search(
        self,
        query: str,
        *,
        kinds: tuple[str, ...] = (),
        within: tuple[str, ...] = (),
        bbox: Box | None = None,
        time: Span | None = None,
        limit: int = 8,
        progress: Progress = _tell_nobody,
    ) -> tuple[Found, ...]:
        """Return what is nearest in meaning, best first; see `tools.contract.Memory`.

        The index first catches up with the store and the documents. Raises ConfigurationError where the libraries of memory
        are missing, BusyError where another process makes the index for too long, StorageError where it cannot be made.
        """
        if self.is_empty():
            return ()
        from agent.knowledge.generations import DamagedIndexError
        from agent.knowledge.joining import Joining, Wanted
        from agent.knowledge.ranking import CANDIDATES, ranked

        joining = Joining(self._library.runner, self._datasets, Wanted(within, bbox, time))
        vector = self._library.embedder.embed([query])
        problem: DamagedIndexError | None = None
        for _ in range(RETRIES):
            generation = self._caught_up(progress)
            try:
                with closing(self._hits(generation, vector, kinds)) as hits:
                    candidates = list(joining.found(hits, max(limit, CANDIDATES)))
            except DamagedIndexError as error:
                problem = error
                self._forget(generation, error)
            else:
                return tuple(ranked(query, candidates)[:limit])
        raise StorageError(
            f"The index of memory in {self._workspace.index} cannot be read ({problem}).",
            hint="Check the disk; then: terracite artifacts rebuild.",
        )

    def gaps(self) -> tuple[str, ...]:
        """Say which documents could not be read and why, and whether the index was behind."""
        if self.is_empty():
            return ()
        generation = self._generations.current()
        unread = [f"The document {name!r} could not be searched: {why}" for name, why in (generation.gaps if generation else {}).items()]
        behind = ["Another process was just writing the index: what is newest may be missing."] if self._is_behind else []
        return (*unread, *behind)

    def is_empty(self) -> bool:
        """Whether there is nothing to search: no document and no result."""
        has_document = any(record["kind"] == "document" for record in self._datasets.records())
        return not has_document and not self._runner.keys()

    def rebuild(self) -> dict[str, Any]:  # Any: JSON
        """Make the index anew, of the store and the documents alone; return how many entries and documents it has, and its gaps."""
        from agent.knowledge.generations import describe

        with self._library.runner.exclusive(LOCK, self._workspace.settings.lock_timeout_s):
            return describe(self._written(None))

    @cached_property
    def _runner(self) -> Runner:
        """A runner of its own, only to look into the store: the one whose calls search memory is made with this object."""
        return Runner(self._workspace, self._datasets)

    @cached_property
    def _library(self) -> Library:
        from agent.knowledge.catching_up import Library
        from agent.knowledge.embedder import Embedder

        return Library(self._runner, self._datasets, Embedder(), self._executor)

    @cached_property
    def _generations(self) -> Generations:
        from agent.knowledge.generations import Generations

        return Generations(self._workspace.index / "memory")

    def _caught_up(self, progress: Progress) -> Generation:
        """Return a generation that knows all there is, or an older one while another process writes for long."""
        self._is_behind = False
        before = self._generations.current()
        if before is not None and not self._library.news(before):
            return before
        patience = self._workspace.settings.lock_timeout_s if before is None else PATIENCE_S
        try:
            with self._library.runner.exclusive(LOCK, patience):
                return self._written(self._generations.current(), progress)
        except BusyError as error:
            if before is None:
                raise BusyError(
                    f"Another process has been making the index of memory for more than {patience:g} s.",
                    hint="Wait for it, or raise TERRACITE_LOCK_TIMEOUT_S.",
                ) from error
            self._is_behind = True
            return before

    def _written(self, before: Generation | None, progress: Progress = _tell_nobody) -> Generation:
        """Write what a generation lacks, or all anew where it cannot be used; the lock is held."""
        from agent.knowledge.generations import DamagedIndexError

        news = self._library.news(before)
        if before is not None and not news:
            return before
        try:
            return self._library.write(self._generations, before, news, progress)
        except StorageError:
            raise
        except (DamagedIndexError, OSError) as error:
            if before is not None:
                _LOG.warning("the index of memory is damaged and made anew: %s", error)
                return self._written(None, progress)
            raise StorageError(
                f"The index of memory in {self._workspace.index} cannot be written ({error}).",
                hint="Free some space, or check the permissions of the workspace.",
            ) from error

    def _hits(self, generation: Generation, vector: Any, kinds: Sequence[str]) -> Generator[Hit]:  # Any: numpy, imported late
        from agent.knowledge.vectors import nearest, opened

        with self._generations.lent(generation) as folder, opened(folder) as collection:
            for hit in nearest(collection, vector, kinds, generation.entries):
                if hit.score < LEAST_SCORE:
                    return
                yield hit

    def _forget(self, generation: Generation, error: Exception) -> None:
        """Drop a damaged generation, unless another process has replaced it meanwhile."""
        _LOG.warning("the index of memory cannot be read: %s", error)
        current = self._generations.current()
        if current is not None and current.name == generation.name:
            self._generations.forget()
