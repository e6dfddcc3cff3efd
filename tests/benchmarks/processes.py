"""Whole processes, as a user waits for them: the help, a question asked for the first time, and asked again."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from agent.interfaces.demo import QUESTIONS
from agent.interfaces.demo_scene import build_scene
from harness import Measurement, time_process

TERRACITE = str(Path(sys.executable).with_name("terracite"))

BY_HAND = """
import sys, rasterio, geopandas
from exactextract import exact_extract
with rasterio.open(sys.argv[1]) as source:
    depth, profile = source.read(1, masked=True), source.profile
    profile.update(driver="MEM", dtype="uint8", nodata=None)
    with rasterio.MemoryFile() as memory:
        with memory.open(**{**profile, "driver": "GTiff"}) as flooded:
            flooded.write((depth > 0.5).filled(False).astype("uint8"), 1)
        with memory.open() as flooded:
            zones = geopandas.read_file(sys.argv[2]).to_crs(source.crs)
            share = exact_extract(flooded, zones, ["sum"], include_cols="name", output="pandas")
print(share.assign(ha=share["sum"] * abs(source.transform.determinant) / 1e4))
"""
"""The first question by a script that knows the files: no geodesic area, no coverage, no citation, nothing kept."""


def start_up(runs: int) -> Iterator[Measurement]:
    """Time `terracite --help` beside bare Python and the imports it must not pay for."""
    seconds, peak = time_process([TERRACITE, "--help"], runs=runs)
    yield Measurement("start-up", "terracite --help", seconds, peak_bytes=peak)
    for what in ("pass", "import typer", "import langgraph.graph", "import geopandas"):
        seconds, peak = time_process([sys.executable, "-c", what], runs=runs)
        yield Measurement("start-up", f"python -c '{what}'", seconds, peer=True, peak_bytes=peak)


def question(folder: Path, runs: int) -> Iterator[Measurement]:
    """Time one question as a process, first in an empty workspace, then again in the same one, beside a script by hand."""
    files = build_scene(folder / "scene")
    workspace = folder / "workspace"
    ask = [TERRACITE, "ask", QUESTIONS[0], "--engine", "planner", "--json", "--workspace", str(workspace)]
    ask += [part for file in files for part in ("--data", str(file.path))]
    sizes = {"pixels": 1200 * 800, "zones": 6}
    seconds, peak = time_process(ask, runs=runs, before=lambda: shutil.rmtree(workspace, ignore_errors=True))
    yield Measurement("question", "terracite ask, first time", seconds, "cold", sizes=sizes, peak_bytes=peak)
    seconds, peak = time_process(ask, runs=runs)
    yield Measurement("question", "terracite ask, repeated", seconds, "warm", sizes=sizes, peak_bytes=peak)
    by_hand = [sys.executable, "-c", BY_HAND, str(files[0].path), str(files[2].path)]
    seconds, peak = time_process(by_hand, runs=runs)
    yield Measurement("question", "a script by hand", seconds, "cold", peer=True, sizes=sizes, peak_bytes=peak)
