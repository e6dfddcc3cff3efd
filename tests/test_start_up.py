"""What a process imports before it answers; how long that takes is in tests/benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
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
NEVER_WITH_PLANNER = ("chromadb", "fastapi", "langchain_openai", "onnx", "onnxruntime", "openai", "tokenizers", "torch", "transformers")

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


def test_loading_every_tool_imports_no_torch() -> None:
    program = "import sys; from tools import registry; [registry.load(name) for name in registry.names()]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert {"torch", "segmentation_models_pytorch", "safetensors", "numpy", "rasterio"}.isdisjoint(done.stdout.split())
