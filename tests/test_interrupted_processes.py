"""Ctrl-C and kill while a tool computes: the command ends at once, and so does the process that computes for it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from combs import write_combs
from terracite_process import COMMAND, environment
from waiting import wait_until


def workers_of(workspace: Path) -> list[int]:
    """Return the processes that compute for a workspace; it stands in their environment."""
    mark, found = f"TERRACITE_WORKSPACE={workspace}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_worker = b"tools.workers.serving" in (folder / "cmdline").read_bytes()
            if is_worker and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # it ended meanwhile
    return found


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, -signal.SIGTERM, marks=pytest.mark.heavy),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.heavy),
    ],
)
def test_a_command_that_is_stopped_takes_its_worker_with_it(tmp_path: Path, stop: signal.Signals, code: int) -> None:
    workspace = tmp_path / "ws"
    env = {**environment(), "TERRACITE_WORKERS": "1", "TERRACITE_WORKSPACE": str(workspace)}
    files = write_combs(tmp_path)
    subprocess.run([*COMMAND, "add", *map(str, files)], env=env, check=True, capture_output=True)
    command = [*COMMAND, "run", "overlay", "--operation", "intersection", "--layer", "comb_x", "--other", "comb_y"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        wait_until(lambda: any(cpu_seconds(pid) > 1.5 for pid in workers_of(workspace)), "a worker computes")
        running.send_signal(stop)
        wait_until(lambda: not workers_of(workspace), "the worker is gone", timeout_s=1.0)
        assert running.wait(5) == code  # Python takes a while to put its libraries away
    assert not list((workspace / "artifacts").glob("*/*"))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
