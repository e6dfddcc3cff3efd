"""Run the benchmarks: `make bench`, or `PYTHONPATH=tests python tests/benchmarks [--smoke] [--runs N] [--keep DIR]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import Measurement, keep, last_kept, report
from joins import join
from layers import part_of_layer
from processes import question, start_up
from reads import remote_window
from segments import segment
from tools.storage.bootstrap import bootstrap
from warps import warp
from workers import worker_calls
from zones import zonal


def measurements(folder: Path, runs: int, *, side: int, zones_per_side: int, scene_side: int) -> Iterator[Measurement]:
    """Run every case in `folder`, in this order."""
    yield from start_up(runs)
    yield from question(folder, runs)
    yield from zonal(folder, runs, side=side, zones_per_side=zones_per_side)
    yield from join(folder, runs, points=side * side // 100, polygons=zones_per_side**2)
    yield from part_of_layer(folder, runs, features=side * side // 100)
    yield from warp(folder, runs, side=side)
    yield from segment(folder, runs, side=scene_side)
    yield from remote_window(folder, runs, side=scene_side)
    yield from worker_calls(folder, runs)


def main(arguments: list[str]) -> None:
    """Measure, compare with the last kept result, keep this one."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one run: only to see that everything works")
    parser.add_argument("--runs", type=int, default=5, help="how often each thing is timed")
    parser.add_argument("--keep", type=Path, default=Path(".benchmarks"), help="folder of kept results")
    options = parser.parse_args(arguments)
    bootstrap()
    runs, side, zones_per_side, scene_side = (1, 64, 2, 64) if options.smoke else (options.runs, 10_980, 45, 2048)
    with tempfile.TemporaryDirectory(prefix="terracite-bench-") as folder:
        taken = list(measurements(Path(folder), runs, side=side, zones_per_side=zones_per_side, scene_side=scene_side))
    for line in report(taken, last_kept(options.keep)):
        print(line)
    print(f"kept in {keep(options.keep, taken)}")


if __name__ == "__main__":
    main(sys.argv[1:])
