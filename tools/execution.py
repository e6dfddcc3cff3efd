"""Carrying out one call, in this process or in a worker: the same function, the same bytes.

A worker gets the tool by the name of its module, the parameters as they were understood, and the inputs as they were resolved;
it may read the files of the inputs, which are those whose content is in the key, and write the folder of the call.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tools.contract import Catalog, Fact, Memory, Source, Tool, ToolContext
from tools.durable import is_full_or_readonly, storage_error
from tools.errors import DataError, LimitError, NotFoundError, StaleCodeError, StorageError, TerraciteError
from tools.memo.computed import Computed, computed
from tools.memo.fingerprint import process_fingerprints
from tools.memo.staging import private_folder
from tools.settings import ToolSettings
from tools.storage.identity import parts
from tools.workers.job import Check, Executor, InProcess, Job, Json, Progress, Readiness, checking, nobody_asks, nothing_told
from tools.workspace import Workspace

PREPARE = "tools.execution:prepare_worker"
PRELOADED = ("numpy", "rasterio", "pyogrio", "pyproj", "shapely", "geopandas", "odc.geo.geobox")
"""What most tools import; a worker does so while it waits for its first call."""


def executor_of(workspace: Workspace) -> Executor:
    """Return what runs the calls of a workspace: workers, or this process where the setting TERRACITE_WORKERS is 0."""
    if workspace.settings.workers == 0:
        return InProcess()
    from tools.workers.pool import Pool

    return Pool(workspace.settings, prepare=PREPARE, scratch=partial(_scratch, workspace.staging))


@contextmanager
def _scratch(staging: Path) -> Iterator[Path]:
    """Lend a folder for temporary files: in the workspace, or, where nothing can be written there, where the system keeps such."""
    with ExitStack() as held:
        try:
            folder = held.enter_context(private_folder(staging))
        except StorageError:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="terracite-worker-", ignore_cleanup_errors=True)))
        yield folder


def prepare_worker() -> Readiness:
    """Take the snapshot of the code and set GDAL's options; return what most tools need, in the order in which it helps most."""
    from tools.storage.bootstrap import bootstrap
    from tools.storage.warming import warm_thread

    process_fingerprints()
    bootstrap()
    return Readiness(PRELOADED, warm_thread)


def nothing(progress: Progress) -> Json:  # noqa: ARG001 - as of every job
    """Show that a worker answers."""
    return {}


@dataclass(frozen=True)
class Sight:
    """What an observation sees of the registered datasets; satisfies `Catalog`, also in another process."""

    seen: tuple[Mapping[str, Any], ...]
    sources: Mapping[str, Source | TerraciteError]
    """Dataset id → its source, or why it has none."""

    def records(self) -> tuple[Mapping[str, Any], ...]:
        """Return every dataset record; see `Catalog`."""
        return self.seen

    def resolve(self, ref: str) -> Source:
        """Return the source of a vector layer; raise what resolving it raised."""
        found = self.sources.get(ref) or NotFoundError(f"There is no layer {ref!r}.", hint="See list_datasets.")
        if isinstance(found, TerraciteError):
            raise found
        return found


@dataclass(frozen=True)
class Task:
    """One call, ready to be carried out anywhere."""

    tool: Tool
    params: BaseModel
    sources: Mapping[str, Source]
    facts: Mapping[str, Fact]
    folder: Path
    """Private folder of the call."""
    modules: tuple[str, ...]
    """Modules of our code that the result depends on."""
    code: str
    """Digest of their files, as they were when the key was made."""
    catalog: Catalog | None = None
    """For observations."""

    @property
    def job(self) -> Job:
        """The task as a worker gets it."""
        seen = self.catalog.sources.values() if isinstance(self.catalog, Sight) else ()
        sources = (*self.sources.values(), *(source for source in seen if isinstance(source, Source)))
        return Job(
            "tools.execution:run_task",
            {"task": self},
            reads=_reads(sources),
            writes=(self.folder,),
            network=self.tool.place == "network" or (self.tool.goes_online is not None and self.tool.goes_online()),
            imports=_imports(self.tool),
        )


def carried_out(
    task: Task, executor: Executor, *, memory: Memory | None = None, progress: Progress = nothing_told, check: Check = nobody_asks
) -> Computed:
    """Carry a task out where its tool belongs; raise what the tool raises, and what `Executor.run` does."""
    if task.tool.place != "here" and not isinstance(executor, InProcess):
        return Computed.from_json(executor.run(task.job, progress=progress, check=check))
    check()
    return Computed.from_json(_computed(task, memory, checking(progress, check)).to_json())  # as it would come from elsewhere


def completed(tool: Tool, params: BaseModel, sources: Mapping[str, Source], executor: Executor, check: Check) -> BaseModel:
    """Return parameters completed by the tool's `resolve`, which reads the inputs."""
    if tool.resolve is None:
        return params
    if isinstance(executor, InProcess):
        done: BaseModel = tool.resolve(params, sources)
        return done
    arguments = {"tool": tool, "params": params, "sources": sources}
    job = Job("tools.execution:resolve_params", arguments, reads=_reads(sources.values()), imports=_imports(tool))
    return tool.params.model_validate(executor.run(job, check=check))


def run_task(task: Task, progress: Progress) -> Json:
    """Carry a task out in a worker. Raises StaleCodeError where the worker has other code than the key was made of."""
    if process_fingerprints().state(task.modules) != task.code:
        raise StaleCodeError("The code was changed while a worker started, so the result would carry a wrong key.", hint="Start again.")
    return _computed(task, None, progress).to_json()


def resolve_params(tool: Tool, params: BaseModel, sources: Mapping[str, Source], progress: Progress) -> Json:  # noqa: ARG001 - as of every job
    """Complete parameters in a worker."""
    assert tool.resolve is not None  # `completed` asks only then
    found: Json = tool.resolve(params, sources).model_dump(mode="json")
    return found


def _computed(task: Task, memory: Memory | None, progress: Progress) -> Computed:
    """Run the tool and write its facts; an error that is not ours is a bug and passes through."""
    context = ToolContext(task.folder, task.sources, task.facts, task.catalog, memory, progress)
    try:
        output = task.tool.run(task.params, context)
    except OSError as error:
        if isinstance(error, TerraciteError):
            raise
        if is_full_or_readonly(error):
            raise storage_error(error, "Writing a result in", task.folder) from error
        if error.errno == errno.EFBIG:
            limit = ToolSettings().max_output_bytes
            raise LimitError(
                f"{task.tool.name} would write a file of more than {limit:,} bytes.",
                hint="Ask for a smaller area or a coarser grid, or raise TERRACITE_MAX_OUTPUT_BYTES.",
            ) from error
        raise
    return computed(output, task.tool.name, task.folder)


def _reads(sources: Iterable[Source]) -> tuple[Path, ...]:
    """Return what a call may read of its inputs: of a file just what is in its identity, of a result or a catalogue its folder."""
    found: dict[Path, None] = {}
    for source in sources:
        if source.path == Path():
            continue
        if source.kind == "catalogue" or (source.producer is not None and source.kind != "asset"):
            found[source.path.parent] = None
            continue
        with suppress(NotFoundError, DataError):  # the tool says so in its own words
            found.update(dict.fromkeys(file for _, file in parts(source.path)))
    return tuple(found)


def _imports(tool: Tool) -> tuple[str, ...]:
    # It lists the machine's fonts when first loaded, and keeps the list in a cache folder that no job may write.
    return ("matplotlib.font_manager",) if "matplotlib" in tool.libraries else ()
