"""`kill -9` at numbered steps and at random times of a publish: nothing wrong is served, nothing finished is lost, nothing stays behind."""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from system_calls import Stepper, stepper

_LOG = logging.getLogger(__name__)
LONGEST_RESTART_S = 5.0
KILLED = -9

PROGRAM = """
import hashlib, importlib, sys, time
from pathlib import Path
from memo_package import PlainCatalog
from tools.errors import TerraciteError
from tools.memo.fingerprint import Fingerprints
from tools.memo.sources import Sources
from tools.runner import Runner
from tools.workspace import open_workspace
root = Path(sys.argv[1])
sys.path.insert(0, str(root / "code"))

fingerprints = Fingerprints(Sources())

def load(name):
    return importlib.import_module(f"tinytools.{name}").TOOL

def runner(ws):
    return Runner(open_workspace(root=Path(ws)), PlainCatalog({"five": root / "five.txt"}), load=load, fingerprints=fingerprints)

def publish(ws, factor):
    result = runner(ws).run("measure", {"source": "five", "rows": 3, "factor": factor})
    return [result.cache, result.artifact.key]

def tried(ws, factor):
    try:
        return publish(ws, factor)[0]
    except TerraciteError as error:
        return error.code

def state(ws):
    ws = Path(ws)
    store = runner(ws)
    content = {path.relative_to(ws).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in ws.glob("artifacts/*/*/*")}
    listed = {entry["key"] for entry in store.published_since(0)[0]}
    left = [path.relative_to(ws).as_posix() for name in ("staging", "locks") for path in (ws / name).iterdir()]
    left += [path.name for name in ("pins", "code") if (ws / name).is_dir() for path in (ws / name).glob(".*")]
    return {"content": content, "damaged": store.verify(), "unlisted": sorted(set(store.keys()) - listed), "left": left}

def again(ws, factor):
    started = time.monotonic()
    result = runner(ws).run("measure", {"source": "five", "rows": 3, "factor": factor})
    seconds = time.monotonic() - started
    facts = [fact.value for fact in result.artifact.facts]
    copy = (result.artifact.folder / "copy.txt").read_text()
    return {"cache": result.cache, "note": result.note, "facts": facts, "copy": copy, "seconds": seconds, "state": state(ws)}

publish(root / "warm", 1)  # loads what a call needs, once, before this process is copied
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Stepper]:
    """Return a process over the tiny package, whose copies are killed."""
    from memo_package import FILES

    folder = tmp_path / "code" / "tinytools"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (tmp_path / "five.txt").write_bytes(b"abcde")
    with stepper(PROGRAM, tmp_path) as started:
        yield started


class Workshop:
    """A workspace with one finished result, and what must hold in it after every kill."""

    def __init__(self, processes: Stepper, folder: Path) -> None:
        self.processes, self.folder = processes, str(folder)
        self.finished = processes.call("publish", self.folder, 1).said[1]
        self.before = processes.call("state", self.folder).said["content"]

    def check(self, factor: int) -> dict[str, Any]:
        """Ask for the result of the killed call, and check all that is stored; return what came."""
        got: dict[str, Any] = self.processes.call("again", self.folder, factor).said
        assert got["facts"] == expected(factor)
        assert (got["copy"], got["note"]) == ("abcde", "")
        assert got["seconds"] < LONGEST_RESTART_S
        state = got["state"]
        assert {path: state["content"].get(path) for path in self.before} == self.before, "finished work was lost or changed"
        assert (state["damaged"], state["unlisted"], state["left"]) == ({}, [], [])
        return got


def expected(factor: int) -> list[float]:
    """Return the facts of the tiny tool over five bytes."""
    return [5.0 * factor + row for row in range(3)]


def commit(steps: tuple[str, ...]) -> int:
    """Return the step (from 1) that makes the result visible: the only renaming of a folder."""
    return max(number for number, name in enumerate(steps, 1) if name.startswith("rename"))


def test_a_kill_at_numbered_steps_of_a_publish_leaves_all_right(processes: Stepper, tmp_path: Path) -> None:
    shop = Workshop(processes, tmp_path / "ws")
    steps = processes.call("publish", shop.folder, 2).steps
    telling = [number for number, name in enumerate(steps, 1) if name != "write" or steps[number - 2] != "write"]
    for factor, number in enumerate(telling[4:][::2], 3):
        ended = processes.call("publish", shop.folder, factor, kill_at=number)
        assert ended.code == KILLED
        assert shop.check(factor)["cache"] == ("hit" if number > commit(steps) else "computed"), steps[number - 1]


@pytest.mark.heavy
def test_two_hundred_kills_of_publishes_lose_nothing_and_leave_nothing(processes: Stepper, tmp_path: Path) -> None:
    shop, chance = Workshop(processes, tmp_path / "ws"), random.Random(4)
    started = time.monotonic()
    steps = processes.call("publish", shop.folder, 2).steps
    whole, kills, factor, slowest = time.monotonic() - started, 0, 2, 0.0
    while kills < 200:
        factor += 1
        at: dict[str, Any] = {"kill_at": kills + 1} if kills < len(steps) else {"kill_after_s": chance.uniform(0.0, whole)}
        kills += processes.call("publish", shop.folder, factor, **at).code == KILLED
        slowest = max(slowest, restart(tmp_path, factor) if factor % 10 == 0 else 0.0)
        shop.check(factor)
    assert slowest < LONGEST_RESTART_S
    _LOG.info("%s steps, of which %s is the commit; slowest restart %.2f s", len(steps), commit(steps), slowest)


def restart(root: Path, factor: int) -> float:
    """Return the seconds in which a process that starts from nothing answers the killed call."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(here), str(here.parent))), "PYTHONDONTWRITEBYTECODE": "1"}
    program = f"{PROGRAM}\nimport json\nprint(json.dumps(again({str(root / 'ws')!r}, {factor})['facts']))"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-P", "-c", program, root], capture_output=True, text=True, env=environment, check=True)
    seconds = time.monotonic() - started
    assert json.loads(done.stdout) == expected(factor)
    return seconds


def test_a_kill_while_a_damaged_result_is_replaced_leaves_all_right(processes: Stepper, tmp_path: Path) -> None:
    shop = Workshop(processes, tmp_path / "ws")

    def damaged(factor: int) -> None:
        key = processes.call("publish", shop.folder, factor).said[1]
        (Path(shop.folder) / "artifacts" / key[:2] / key / "copy.txt").write_text("wrong")

    damaged(2)
    steps = processes.call("publish", shop.folder, 2).steps
    renames = [number for number, name in enumerate(steps, 1) if name.startswith("rename")]
    for factor, number in enumerate([*renames, renames[-1] + 1, len(steps)], 3):
        damaged(factor)
        assert processes.call("publish", shop.folder, factor, kill_at=number).code == KILLED
        got = processes.call("again", shop.folder, factor).said
        assert (got["copy"], got["facts"]) == ("abcde", expected(factor))
        assert got["state"]["damaged"] == {}


@pytest.mark.heavy
def test_a_disk_that_is_full_from_any_step_on_tells_and_stores_nothing_half(processes: Stepper, tmp_path: Path) -> None:
    """As the small disks of other tests, but full at each step by its number, not where a page happens to end."""
    shop = Workshop(processes, tmp_path / "ws")
    steps = processes.call("publish", shop.folder, 2).steps
    told = 0
    for factor, number in enumerate(range(1, len(steps) + 1), 3):
        ended = processes.call("tried", shop.folder, factor, full_from=number)
        assert ended.code == 0
        told += ended.said != "computed"
        assert ended.said in ("computed", "storage"), f"step {number}"
        assert shop.check(factor)["cache"] == ("hit" if ended.said == "computed" else "computed"), f"step {number}"
    _LOG.info("%s of %s steps told", told, len(steps))
