"""What a process imports before it answers, and how long that takes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.interfaces.demo import QUESTIONS
from agent.interfaces.demo_scene import build_scene

HEAVY = (
    "exactextract",
    "geopandas",
    "langchain_core",
    "langgraph",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "rasterio",
    "shapely",
)
NEVER_WITH_PLANNER = ("chromadb", "fastapi", "langchain_openai", "openai", "torch", "transformers")

PROGRAM = """
import json, sys
from agent.interfaces.cli import main
try:
    main()
finally:
    print(json.dumps(sorted(name for name in sys.modules if "." not in name)), file=sys.stderr)
"""
"""The command line, which then tells what it has imported."""


def modules_of(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
    return set(json.loads(done.stderr.splitlines()[-1]))


def quickest(arguments: Sequence[str], runs: int) -> float:
    """Return the least seconds of several runs of the command.

    Wall seconds count; where others keep the machine busy, the processor's seconds do, which are those of an idle machine.
    """
    command = [str(Path(sys.executable).with_name("terracite")), *arguments]
    busy = os.getloadavg()[0] > 0.75 * (os.cpu_count() or 1)
    return min(_seconds(command, busy) for _ in range(runs))


def _seconds(command: Sequence[str], of_processor: bool) -> float:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime if of_processor else wall


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    """Arguments of a question that was asked once."""
    data = [part for file in build_scene(tmp_path / "scene") for part in ("--data", str(file.path))]
    arguments = ["ask", QUESTIONS[0], *data, "--engine", "planner", "--json", "--workspace", str(tmp_path / "ws")]
    modules_of(*arguments)
    return arguments


@pytest.mark.parametrize("arguments", [("--help",), ("ask", "--help"), ("tools",)])
def test_the_command_line_loads_no_heavy_library_before_it_needs_one(arguments: tuple[str, ...]) -> None:
    assert modules_of(*arguments).isdisjoint(HEAVY)


def test_the_planner_loads_no_client_of_a_model_and_no_torch(asked: list[str]) -> None:
    assert modules_of(*asked).isdisjoint(NEVER_WITH_PLANNER)


@pytest.mark.timing
def test_help_takes_at_most_three_tenths_of_a_second() -> None:
    assert quickest(["--help"], runs=5) <= 0.3


@pytest.mark.timing
def test_a_repeated_question_takes_at_most_two_and_a_half_seconds(asked: list[str]) -> None:
    assert quickest(asked, runs=3) <= 2.5
