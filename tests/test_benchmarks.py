"""The benchmarks still run, and keep the context of what they measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent / "benchmarks"


@pytest.mark.heavy
def test_benchmarks_run_at_tiny_sizes_and_keep_their_context(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS), "--smoke", "--keep", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])}
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240, env=env).stdout
    kept = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    assert {"machine", "moment", "libraries", "load", "python"} <= set(kept["context"])
    cases = {(each["case"], each["temperature"], each["peer"]) for each in kept["measurements"]}
    assert {
        ("question", "cold", False),
        ("question", "warm", False),
        ("zonal", "cold", True),
        ("reproject", "cold", True),
        ("start-up", "warm", True),
        ("part of a layer", "cold", True),
        ("segment", "cold", True),
        ("remote read", "cold", True),
        ("worker", "cold", True),
    } <= cases
    assert all(each["seconds"] and min(each["seconds"]) > 0 for each in kept["measurements"])
    assert len(said.splitlines()) == len(kept["measurements"]) + 1
