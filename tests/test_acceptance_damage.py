"""Stored bytes that were damaged are noticed, computed again and said; a killed run harms no later one."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from agent import Agent
from agent.api import RunResult
from asking import assert_answered
from generated_scene import Scene
from generated_workspaces import make_scene
from terracite_process import ask, caches, start, terracite


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(5, tmp_path / "data")


def question_and_data(scene: Scene) -> tuple[str, tuple[Path, ...]]:
    return f"mean {scene.surface.surface.theme} by {scene.zones.noun.one}", (scene.surface.path, scene.zones.path)


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle of a file, keeping its size and times."""
    before = path.stat()
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def folder_of(result: RunResult) -> Path:
    """Return the folder of the zonal statistics of a run."""
    return next(Path(artifact["folder"]) for artifact in result.artifacts if artifact["tool"] == "zonal_stats")


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_one_damaged_byte_is_noticed_recomputed_and_said(which: int, scene: Scene, tmp_path: Path) -> None:
    question, data = question_and_data(scene)
    first = Agent(workspace=tmp_path / "ws", engine="planner").run(question, data=data)
    assert_answered(first)
    files = sorted(path for path in folder_of(first).rglob("*") if path.is_file())
    if which >= len(files):
        pytest.skip("the artifact has fewer files")
    flip_a_byte(files[which])
    second = Agent(workspace=tmp_path / "ws", engine="planner").run(question, data=data)
    assert second.answer == first.answer
    assert {artifact["cache"] for artifact in second.artifacts if artifact["tool"] == "zonal_stats"} == {"computed"}
    assert any("damage" in warning.lower() or "corrupt" in warning.lower() for warning in second.warnings), second.warnings
    third = Agent(workspace=tmp_path / "ws", engine="planner").run(question, data=data)
    assert {artifact["cache"] for artifact in third.artifacts if artifact["tool"] == "zonal_stats"} == {"hit"}


@pytest.mark.parametrize("how", ["truncated", "missing", "empty"])
def test_a_half_written_entry_is_never_served(how: str, scene: Scene, tmp_path: Path) -> None:
    question, data = question_and_data(scene)
    agent = Agent(workspace=tmp_path / "ws", engine="planner")
    first = agent.run(question, data=data)
    victim = max((path for path in folder_of(first).rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    victim.chmod(0o644)
    if how == "missing":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:10] if how == "truncated" else b"")
    second = agent.run(question, data=data)
    assert second.answer == first.answer
    assert {artifact["cache"] for artifact in second.artifacts if artifact["tool"] == "zonal_stats"} == {"computed"}


def test_verify_finds_the_damaged_artifact_and_no_other(scene: Scene, tmp_path: Path) -> None:
    question, data = question_and_data(scene)
    workspace = tmp_path / "ws"
    result = ask(workspace, question, *data)
    ask(workspace, f"How many {scene.sites.noun.many} are there?", scene.sites.path)
    assert terracite("artifacts", "verify", "--workspace", workspace).returncode == 0
    (artifact,) = [artifact for artifact in result["artifacts"] if artifact["tool"] == "zonal_stats"]
    flip_a_byte(
        Path(artifact["folder"]) / artifact["files"][0]["path"] if artifact["files"] else next(Path(artifact["folder"]).glob("*.parquet"))
    )
    done = terracite("artifacts", "verify", "--workspace", workspace, "--json")
    assert done.returncode == 65
    assert list(json.loads(done.stdout)) == [artifact["key"]]


def test_the_index_may_be_lost(scene: Scene, tmp_path: Path) -> None:
    """diskcache holds nothing that cannot be rebuilt."""
    import shutil

    question, data = question_and_data(scene)
    first = ask(tmp_path / "ws", question, *data)
    shutil.rmtree(tmp_path / "ws" / "index")
    second = ask(tmp_path / "ws", question, *data)
    assert set(caches(second).values()) == {"hit"}
    assert second["answer"] == first["answer"]


def test_after_a_kill_in_the_middle_of_a_run_the_next_run_is_right(scene: Scene, tmp_path: Path) -> None:
    question, data = question_and_data(scene)
    expected = ask(tmp_path / "calm", question, *data)
    workspace, options = tmp_path / "killed", [option for path in data for option in ("--data", path)]
    for delay in np.linspace(0.6, 3.0, 7):
        process = start("ask", question, "--workspace", workspace, "--engine", "planner", *options)
        time.sleep(float(delay))
        process.send_signal(signal.SIGKILL)
        process.wait()
    result = ask(workspace, question, *data)
    assert result["status"] == "answered"
    assert result["answer"] == expected["answer"]
    assert terracite("artifacts", "verify", "--workspace", workspace).returncode == 0


@pytest.mark.realdata
def test_after_a_kill_while_a_tool_computes_the_next_run_is_right(shared_data: Path, tmp_path: Path) -> None:
    """Wait for the private folder of a call that takes seconds, then kill."""
    data = (shared_data / "rasters" / "kampen_flood_depth_m.tif", shared_data / "vectors" / "kampen_landuse.parquet")
    question, workspace = "area of each landuse with a flood depth of 1 or more", tmp_path / "ws"
    process = start("ask", question, "--workspace", workspace, "--engine", "planner", "--data", data[0], "--data", data[1])
    deadline = time.monotonic() + 60
    while not any((workspace / "staging").glob("*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert was_running, "the run ended before it could be killed"
    result = ask(workspace, question, *data)
    assert result["answer"] == ask(tmp_path / "calm", question, *data)["answer"]
    assert result["status"] == "answered"


def test_two_processes_that_ask_the_same_get_the_same(scene: Scene, tmp_path: Path) -> None:
    question, data = question_and_data(scene)
    options = [option for path in data for option in ("--data", path)]
    other = start("ask", question, "--workspace", tmp_path / "ws", "--engine", "planner", *options)
    here = ask(tmp_path / "ws", question, *data)
    assert other.wait(timeout=120) == 0
    assert here["status"] == "answered"
    assert set(caches(ask(tmp_path / "ws", question, *data)).values()) == {"hit"}
