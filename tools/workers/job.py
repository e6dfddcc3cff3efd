"""One piece of work that may run elsewhere: a function by its name, what it may touch, and who runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]  # Any: JSON values
Progress = Callable[[float], None]
Check = Callable[[], None]


@dataclass(frozen=True)
class Job:
    """A call of a function at the top level of a module; its result is a JSON object."""

    function: str
    """`package.module:name`; called with the arguments by name, and with `progress`."""
    arguments: Mapping[str, Any]  # Any: whatever can be pickled; a worker trusts its parent, never the other way round
    reads: tuple[Path, ...] = ()
    """Files, and folders with all below them, that it may read beside the program itself."""
    writes: tuple[Path, ...] = ()
    """Folders below which it may write."""
    network: bool = False
    """Whether it may reach other machines."""
    imports: tuple[str, ...] = ()
    """Modules that are loaded before the work begins: what they keep, such as threads and caches of fonts, belongs to no job."""


def nothing_told(_: float) -> None:
    """Tell nobody."""


def nobody_asks() -> None:
    """Go on."""


def do_nothing() -> None:
    """Get nothing ready."""


@dataclass(frozen=True)
class Readiness:
    """What a worker gets ready while no job waits."""

    modules: tuple[str, ...] = ()
    """Modules that most jobs need, in the order in which they are loaded."""
    warm_thread: Callable[[], None] = do_nothing
    """Makes, in a thread that will run one job, what libraries make anew for each thread."""


class Executor(Protocol):
    """Runs jobs; safe for several threads. The seam behind which work may run in this process, in workers, or on other machines."""

    def run(self, job: Job, *, progress: Progress = nothing_told, check: Check = nobody_asks) -> Json:
        """Return the function's result; whatever error of ours it raises is raised here.

        `progress` is told the share that is done. `check` is called again and again in the caller's thread; where it, or
        `progress`, raises, the job is given up and that error passes on.
        """

    def warm(self) -> None:
        """Get ready for a first job, without waiting."""

    def close(self) -> None:
        """Give up what is held; jobs that still run are ended where that can be done."""


class InProcess:
    """Runs jobs in the caller's own thread: nothing but the function itself can end one, and an error that is not ours passes as it is."""

    def run(self, job: Job, *, progress: Progress = nothing_told, check: Check = nobody_asks) -> Json:
        """Call the function; see `Executor.run`. `check` is called whenever progress is told."""
        check()
        return called(job, checking(progress, check))

    def warm(self) -> None:
        """Do nothing: whatever a job needs is loaded when it runs."""

    def close(self) -> None:
        """Do nothing: nothing is held."""


def checking(progress: Progress, check: Check) -> Progress:
    """Return what a function in this process tells its progress to, where nobody else can ask whether it is still wanted."""

    def tell(share: float) -> None:
        check()
        progress(share)

    return tell


def called(job: Job, progress: Progress) -> Json:
    """Import the function of a job and call it."""
    module, _, name = job.function.partition(":")
    result: Json = getattr(import_module(module), name)(**job.arguments, progress=progress)
    return result
