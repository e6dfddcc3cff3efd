"""Damaged entries, killed processes, and processes that ask for the same at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memo_package import PlainCatalog, TinyPackage
from tools.contract import Artifact
from tools.errors import BusyError, StorageError
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workspace import Workspace, open_workspace

CALL = {"source": "five", "rows": 3}

CHILD = """
import json, sys
from pathlib import Path
sys.dont_write_bytecode = True
from memo_package import PlainCatalog, TinyPackage
from tools.memo.fingerprint import Fingerprints
from tools.memo.sources import Sources
from tools.runner import Runner
from tools.workspace import open_workspace
root = Path(sys.argv[1])
sys.path.insert(0, str(root / "code"))
exec(sys.argv[2])
runner = Runner(open_workspace(root=root / "ws"), PlainCatalog({"five": root / "five.txt"}), load=TinyPackage.load, fingerprints=Fingerprints(Sources()))
result = runner.run("measure", {"source": "five", "rows": 3})
print(json.dumps([result.cache, result.artifact.key]))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyPackage:
    (tmp_path / "code").mkdir()
    (tmp_path / "five.txt").write_bytes(b"abcde")
    return TinyPackage(tmp_path / "code", monkeypatch)


@pytest.fixture
def runner(package: TinyPackage, workspace: Workspace, tmp_path: Path) -> Runner:
    return package.runner(workspace, PlainCatalog({"five": tmp_path / "five.txt"}))


def child(root: Path, before: str = "") -> subprocess.Popen[str]:
    """Start another process that makes the call, after the statements in `before`."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(here), str(here.parent)))}
    return subprocess.Popen([sys.executable, "-c", CHILD, str(root), before], stdout=subprocess.PIPE, text=True, env=environment)


def flip_first_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Artifact], object]] = {
    "a byte of the file": lambda artifact: flip_first_byte(artifact.folder / "copy.txt"),
    "a byte of the facts": lambda artifact: flip_first_byte(artifact.folder / "facts.parquet"),
    "a digit of a number": lambda artifact: (artifact.folder / "record.json").write_text(
        (artifact.folder / "record.json").read_text().replace('"value":5.0', '"value":6.0')
    ),
    "half a record": lambda artifact: (artifact.folder / "record.json").write_bytes((artifact.folder / "record.json").read_bytes()[:99]),
    "a record that is a list": lambda artifact: (artifact.folder / "record.json").write_text("[]"),
    "no record": lambda artifact: (artifact.folder / "record.json").unlink(),
    "no file": lambda artifact: (artifact.folder / "copy.txt").unlink(),
    "a file too many": lambda artifact: (artifact.folder / "copy.txt.aux.xml").write_text("<x/>"),
    "a link in place of a file": lambda artifact: (
        (artifact.folder / "copy.txt").rename(artifact.folder.parent / "elsewhere"),
        (artifact.folder / "copy.txt").symlink_to(artifact.folder.parent / "elsewhere"),
    ),
    "an empty folder": lambda artifact: [path.unlink() for path in artifact.folder.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_entry_is_noticed_recomputed_and_said(runner: Runner, damage: str) -> None:
    whole = runner.run("measure", CALL).artifact
    DAMAGE[damage](whole)
    assert list(runner.verify()) == [whole.key]
    again = runner.run("measure", CALL)
    assert again.cache == "computed"
    assert "was damaged" in again.note
    assert (again.artifact.key, again.artifact.files, again.artifact.facts) == (whole.key, whole.files, whole.facts)
    assert runner.verify() == {}
    assert runner.run("measure", CALL).note == ""


def test_record_moved_under_another_key_is_not_served(runner: Runner) -> None:
    first, second = runner.run("measure", CALL).artifact, runner.run("measure", {"source": "five", "rows": 4}).artifact
    for path in first.folder.iterdir():
        path.unlink()
    for path in second.folder.iterdir():
        (first.folder / path.name).write_bytes(path.read_bytes())
    assert runner.run("measure", CALL).artifact.fact_count == 3


def test_record_rewritten_with_a_right_digest_but_another_spec_is_not_served(runner: Runner) -> None:
    from tools.memo.record import write_record

    artifact = runner.run("measure", CALL).artifact
    record = json.loads((artifact.folder / "record.json").read_bytes())
    record.pop("digest")
    record["spec"]["params"]["rows"] = "int1:4"
    (artifact.folder / "record.json").write_bytes(write_record(record))
    assert list(runner.verify(artifact.ref)) == [artifact.key]


def test_damaged_input_is_made_whole_and_said(runner: Runner) -> None:
    upstream = runner.run("measure", CALL).artifact
    flip_first_byte(upstream.folder / "copy.txt")
    result = runner.run("measure", {"source": upstream.ref})
    assert result.artifact.facts[0].value == 5.0
    assert f"{upstream.ref} was damaged" in result.note
    flip_first_byte(upstream.folder / "copy.txt")
    assert runner.artifact(upstream.ref).files == upstream.files


def test_damaged_input_that_cannot_be_made_again_is_an_error(runner: Runner, tmp_path: Path) -> None:
    upstream = runner.run("measure", CALL).artifact
    flip_first_byte(upstream.folder / "copy.txt")
    (tmp_path / "five.txt").write_bytes(b"other")
    with pytest.raises(StorageError, match="has changed since"):
        runner.run("measure", {"source": upstream.ref})


def test_processes_that_ask_at_once_compute_once(package: TinyPackage, tmp_path: Path) -> None:
    package.edit("measure.py", "content = context", "import time; time.sleep(1.0)\n    content = context")
    children = [child(tmp_path) for _ in range(3)]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in children]
    assert sorted(cache for cache, _ in answers) == ["computed", "hit", "hit"]
    assert len({key for _, key in answers}) == 1


def test_waiting_for_another_process_ends_with_busy(package: TinyPackage, tmp_path: Path) -> None:
    package.edit(
        "measure.py", "content = context", "import time; (context.folder / '..' / 'at-work').touch(); time.sleep(60)\n    content = context"
    )
    process = child(tmp_path)
    try:
        workspace = open_workspace(ToolSettings(lock_timeout_s=0.2), root=tmp_path / "ws")
        while not (workspace.staging / "at-work").exists():
            assert process.poll() is None
        (workspace.staging / "at-work").unlink()
        runner = package.runner(workspace, PlainCatalog({"five": tmp_path / "five.txt"}))
        with pytest.raises(BusyError, match=r"0\.2 s"):
            runner.run("measure", CALL)
        assert len([entry for entry in workspace.staging.iterdir() if entry.is_dir()]) == 1  # the other's folder is left alone
    finally:
        process.kill()
        process.communicate()
    package.edit("measure.py", "time.sleep(60)", "time.sleep(0)")
    assert package.runner(workspace, PlainCatalog({"five": tmp_path / "five.txt"})).run("measure", CALL).cache == "computed"


def test_hit_imports_nothing_heavy(runner: Runner, tmp_path: Path) -> None:
    runner.run("measure", CALL)
    heavy = "('numpy', 'pandas', 'pyarrow', 'rasterio', 'geopandas', 'pyproj', 'shapely', 'diskcache')"
    process = child(tmp_path, f"import atexit; atexit.register(lambda: print([name for name in {heavy} if name in sys.modules]))")
    cache, imported = process.communicate(timeout=60)[0].splitlines()
    assert json.loads(cache)[0] == "hit"
    assert imported == "[]"
