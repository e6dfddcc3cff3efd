"""What a process imports: help without the heavy libraries, a repeated question without the model's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from generated_workspaces import make_scene
from terracite_process import ask, environment

DUMP = """
import json, sys
from pathlib import Path
from agent.interfaces.cli import main
dump = Path(sys.argv.pop(1))
try:
    main()
finally:
    dump.write_text(json.dumps(sorted(sys.modules)))
"""

MODEL_LIBRARIES = {"torch", "transformers", "langchain_openai", "openai"}
HEAVY_LIBRARIES = MODEL_LIBRARIES | {
    "rasterio",
    "geopandas",
    "pandas",
    "shapely",
    "pyproj",
    "numpy",
    "langgraph",
    "langchain_core",
    "matplotlib",
    "exactextract",
    "pyogrio",
    "pyarrow",
}


def modules_of(dump: Path, *args: object) -> set[str]:
    """Run `terracite ARGS…` and return the top-level packages that it imported."""
    command = [sys.executable, "-P", "-c", DUMP, str(dump), *(str(arg) for arg in args)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(dump.read_text())}


def test_help_imports_no_heavy_library(tmp_path: Path) -> None:
    assert not modules_of(tmp_path / "modules.json", "--help") & HEAVY_LIBRARIES


def test_help_of_every_command_imports_no_model_library(tmp_path: Path) -> None:
    for command in ("ask", "run", "add", "artifacts"):
        assert not modules_of(tmp_path / "modules.json", command, "--help") & HEAVY_LIBRARIES


def test_a_repeated_question_imports_no_model_library(tmp_path: Path) -> None:
    scene = make_scene(6, tmp_path / "data")
    question, data = f"mean {scene.surface.surface.theme} by {scene.zones.noun.one}", (scene.surface.path, scene.zones.path)
    first = ask(tmp_path / "ws", question, *data)
    assert first["status"] == "answered"
    options = [option for path in data for option in ("--data", path)]
    modules = modules_of(tmp_path / "modules.json", "ask", question, "--workspace", tmp_path / "ws", "--engine", "planner", *options)
    assert not modules & MODEL_LIBRARIES
