"""Measure processes and functions, and keep each figure with the context it was taken in."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

LIBRARIES = (
    "terracite",
    "exactextract",
    "geopandas",
    "langgraph",
    "numpy",
    "pyogrio",
    "pyproj",
    "rasterio",
    "segmentation-models-pytorch",
    "shapely",
    "torch",
    "typer",
)

Temperature = Literal["cold", "warm"]
"""Cold: nothing of it is stored yet. Warm: the result is in the store. The system's file cache is warm in both."""


@dataclass(frozen=True)
class Measurement:
    """One thing that was timed several times in one go."""

    case: str
    what: str
    seconds: tuple[float, ...]
    temperature: Temperature = "warm"
    peer: bool = False
    """Another way to the same end, or a part of ours, measured beside it for comparison."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    peak_bytes: int | None = None
    """Largest resident set of the process, where a whole process was timed."""

    @property
    def median(self) -> float:
        """Median of the runs, in seconds."""
        return statistics.median(self.seconds)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes two measurements comparable."""
        return self.case, self.what, self.temperature, json.dumps(dict(self.sizes), sort_keys=True)


SPAWN = """
import json, os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
started = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(child, 0)
print(json.dumps([time.perf_counter() - started, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)]))
"""
"""Runs a command from a small process, since Linux counts the spawner's own resident set as the child's."""


def time_process(command: Sequence[str], *, runs: int, before: Callable[[], None] | None = None) -> tuple[tuple[float, ...], int]:
    """Run a command `runs` times; return the wall seconds of each and the largest resident set in bytes.

    `before` is called ahead of each run, outside the clock. Raises RuntimeError with the command's own words where it fails.
    """
    seconds, peak = [], 0
    for _ in range(runs):
        if before is not None:
            before()
        done = subprocess.run([sys.executable, "-I", "-S", "-c", SPAWN, *command], capture_output=True, text=True, check=True)
        took, resident, code = json.loads(done.stdout)
        if code != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {code}: {done.stderr}")
        seconds.append(took)
        peak = max(peak, resident)
    return tuple(seconds), peak


def time_function(function: Callable[[], object], *, runs: int, before: Callable[[], None] | None = None) -> tuple[float, ...]:
    """Call a function `runs` times; return the wall seconds of each. `before` is called ahead of each, outside the clock."""
    seconds = []
    for _ in range(runs):
        if before is not None:
            before()
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return tuple(seconds)


def context() -> dict[str, Any]:  # Any: JSON
    """Return the machine, its load, the versions and the moment."""
    return {
        "moment": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def machine() -> dict[str, str | int | None]:
    """Return what decides whether two results may be compared."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"system": platform.system(), "processor": _processor(), "cores": os.cpu_count(), "memory_gib": round(memory / 1024**3)}


def keep(folder: Path, measurements: Iterable[Measurement]) -> Path:
    """Write the measurements with their context into a new file of `folder` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = context()
    path = folder / f"{taken['moment'].replace(':', '').replace('+0000', 'Z')}.json"
    document = {"context": taken, "measurements": [{**asdict(each), "median": each.median} for each in measurements]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def last_kept(folder: Path) -> dict[tuple[str, str, str, str], float]:
    """Return the medians of the newest result kept on a machine like this one, by identity; empty where there is none."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["context"]["machine"] == machine():
            return {_identity(each).identity: each["median"] for each in document["measurements"]}
    return {}


def report(measurements: Iterable[Measurement], earlier: Mapping[tuple[str, str, str, str], float]) -> Iterable[str]:
    """Yield one line per measurement: median, spread, memory, and the change against the last kept result."""
    for each in measurements:
        before = earlier.get(each.identity)
        change = f"{each.median / before - 1:+7.0%}" if before else "       "
        peak = f"{each.peak_bytes / 1024**2:6.0f} MiB" if each.peak_bytes else " " * 10
        spread = f"{min(each.seconds):.3f} to {max(each.seconds):.3f}"
        mark = "peer" if each.peer else each.temperature
        yield f"{each.median:8.3f} s {change} {peak}  {each.case}: {each.what} ({mark}; {spread}; {len(each.seconds)} runs)"


def _identity(data: Mapping[str, Any]) -> Measurement:  # Any: JSON
    return Measurement(data["case"], data["what"], tuple(data["seconds"]), data["temperature"], data["peer"], data["sizes"])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
