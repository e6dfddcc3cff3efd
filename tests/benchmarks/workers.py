"""What a worker costs: the same calls by a runner with workers and, in the same run, by one that computes in its own process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness import Measurement
from tools.catalog.datasets import Datasets
from tools.execution import executor_of
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workspace import open_workspace

SIDE = 64
FIRST = """
import sys, time
from pathlib import Path
from tools.catalog.datasets import Datasets
from tools.execution import executor_of
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workspace import open_workspace
started = time.perf_counter()
workspace = open_workspace(ToolSettings(workers=int(sys.argv[1])), root=Path(sys.argv[2]))
executor = executor_of(workspace)
datasets = Datasets(workspace, executor)
datasets.add(sys.argv[3], id="r")
Runner(workspace, datasets, executor=executor).run("zonal_stats", {"raster": "r", "statistics": ["mean"]})
print(time.perf_counter() - started)
"""
"""Register a file and compute a first result: what somebody waits for who asks one question in a new process."""


def worker_calls(folder: Path, runs: int) -> Iterator[Measurement]:
    """Time the first call of a process and warm calls of a kept one; the warm calls take turns, so that both see the same machine."""
    import rasterio
    from rasterio.transform import from_origin

    path = folder / "small.tif"
    values = np.random.default_rng(1).random((SIDE, SIDE), dtype=np.float32)
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 1, "dtype": "float32", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", **profile, transform=from_origin(500_000, 5_000_000, 10, 10)) as dataset:
        dataset.write(values, 1)
    sizes = {"pixels": SIDE * SIDE}
    for workers in (1, 0):
        seconds = tuple(_first(folder / f"first-{workers}-{run}", workers, path) for run in range(runs))
        yield Measurement("worker", f"first call of a process, {_where(workers)}", seconds, "cold", peer=not workers, sizes=sizes)
    took = _warm(folder, path, 10 * runs)
    for workers in (1, 0):
        yield Measurement("worker", f"warm call, {_where(workers)}", took[workers], "cold", peer=not workers, sizes=sizes)


def _where(workers: int) -> str:
    return "in a worker" if workers else "in this process"


def _first(root: Path, workers: int, path: Path) -> float:
    done = subprocess.run([sys.executable, "-c", FIRST, str(workers), str(root), str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _warm(folder: Path, path: Path, runs: int) -> dict[int, tuple[float, ...]]:
    """Return by number of workers the seconds of calls that each compute something new."""
    runners, took = {}, dict[int, list[float]]({0: [], 1: []})
    for workers in took:
        workspace = open_workspace(ToolSettings(workers=workers), root=folder / f"warm-{workers}")
        executor = executor_of(workspace)
        datasets = Datasets(workspace, executor)
        datasets.add(path, id="r")
        runners[workers] = (Runner(workspace, datasets, executor=executor), executor)
    for run in range(runs + 1):
        for workers, (runner, _) in runners.items():
            started = time.perf_counter()
            result = runner.run("raster_calc", {"expression": f"a + {run}", "rasters": {"a": {"raster": "r"}}})
            if run:  # the first loads what a tool needs
                took[workers].append(time.perf_counter() - started)
            assert result.cache == "computed"
    for _, executor in runners.values():
        executor.close()
    return {workers: tuple(seconds) for workers, seconds in took.items()}
