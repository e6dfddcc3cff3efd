"""Run the command line as a process of its own, from this checkout or from a copy of the packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("agent", "tools", "prompts")
COMMAND = (sys.executable, "-P", "-c", "from agent.interfaces.cli import main; main()")
"""What the console script does; `-P` keeps the working folder out of the import path."""


def copy_packages(folder: Path) -> Path:
    """Copy the product's packages into a folder, so that a test may edit them."""
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def environment(source: Path = REPOSITORY) -> dict[str, str]:
    """Return an environment that imports the packages from `source` and writes no bytecode beside them."""
    return {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}


def terracite(*args: object, source: Path = REPOSITORY, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `terracite ARGS…` and return how it ended."""
    command = [*COMMAND, *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(source), cwd=cwd, timeout=300, check=False)


def start(*args: object, source: Path = REPOSITORY) -> subprocess.Popen[bytes]:
    """Start `terracite ARGS…` without waiting for it; its output is dropped."""
    command = [*COMMAND, *(str(arg) for arg in args)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(source))


def ask(workspace: Path, question: str, *data: Path, source: Path = REPOSITORY) -> dict[str, Any]:
    """Ask with the planner and return the JSON object that is printed."""
    options = [option for path in data for option in ("--data", path)]
    done = terracite("ask", question, "--workspace", workspace, "--engine", "planner", "--json", *options, source=source)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == result["exit_code"], done.stderr
    return result


def caches(result: dict[str, Any]) -> dict[str, str]:
    """Return tool → cache state of the pure calls of a run."""
    return {artifact["tool"]: artifact["cache"] for artifact in result["artifacts"] if artifact["cache"] != "observed"}
