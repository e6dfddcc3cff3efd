"""A worker gives up what its job does not need: memory, file size, the network, every other file.

What a kernel does not offer is left out: the worker goes on with what there is, and `available` says what that is. The
bounds hold against what a library does with a hostile file or name; they are no prison for foreign machine code, since
threads share their memory. Sockets that have a path can still be connected to: Landlock cannot forbid that yet.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.errors import ConfigurationError
from tools.workers.landlock import READ, WRITE, abi, give_up_new_rights, restrict_thread
from tools.workers.namespaces import empty_network_offered, enter_empty_network
from tools.workers.runtime_paths import runtime_rules


def confine_process(*, network: bool, memory_bytes: int, file_bytes: int) -> None:
    """Bound this process, and all that it starts, for good: memory of its own, size of a file it writes, no network.

    To be called early, in the main thread, before a library starts threads: to an ordinary user the kernel gives an empty
    network only then. More memory is a MemoryError, a larger file an OSError (EFBIG); neither ends the process by itself.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _lower(resource.RLIMIT_DATA, memory_bytes)
    _lower(resource.RLIMIT_FSIZE, file_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    if sys.platform != "linux":
        return
    give_up_new_rights()
    if not network:
        enter_empty_network()


def confine_thread(*, reads: Sequence[Path], writes: Sequence[Path], network: bool) -> None:
    """Bound the calling thread, and the threads it starts, for good: it opens `reads`, `writes` and the runtime only.

    A file grants itself, a folder what is below it; what does not exist is not granted. Other threads stay as they are, so
    that each job has a thread of its own. No program can be started. Without `network`, nor can a TCP connection be made.
    Does nothing where the kernel has no Landlock. Raises ConfigurationError where it has one and refuses.
    """
    version = abi()
    if not version:
        return
    rules = (*runtime_rules(network=network), *((path, READ) for path in reads), *((path, WRITE) for path in writes))
    try:
        restrict_thread(rules, connect=network, version=version)
    except OSError as error:
        raise ConfigurationError(
            f"The kernel offers Landlock (ABI {version}) but refused to confine a job ({error.strerror}).",
            hint="At most 16 layers of it can be stacked: start Terracite under fewer sandboxes, or set TERRACITE_WORKERS=0.",
        ) from error


def available() -> Mapping[str, str]:
    """Return what this kernel offers to confine a worker, in words: files, network, memory."""
    version = abi()
    return {
        "files": f"Landlock, ABI {version}" if version else "not confined: this kernel offers no Landlock",
        "network": "an empty network namespace" if empty_network_offered() else _network_without_namespace(version),
        "memory": "limited by RLIMIT_DATA, as is the size of files by RLIMIT_FSIZE",
    }


def _network_without_namespace(version: int) -> str:
    return "no TCP, by Landlock; no namespace is granted" if version >= 4 else "not confined: no namespace is granted"


def _lower(limit: int, value: int) -> None:
    """Set both limits; an ordinary user can only lower the hard one."""
    _, hard = resource.getrlimit(limit)
    lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (lowest, lowest))
