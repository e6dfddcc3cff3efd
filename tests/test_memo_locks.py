"""Locks, private folders, lines that are appended, and what is known of installed libraries."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from tools.errors import BusyError, ConfigurationError, StorageError
from tools.locks import hold, hold_if_free
from tools.memo import journal
from tools.memo.environment import environment, files_digest
from tools.memo.staging import private_folder, sweep


def test_lock_excludes_and_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "key.lock"
    with hold(path, 0):
        with pytest.raises(BusyError, match=r"0\.1 s"), hold(path, 0.1):
            pass
        with hold_if_free(path) as is_free:
            assert not is_free
    assert not path.exists()
    with hold_if_free(path) as is_free:
        assert is_free


def test_lock_is_held_by_one_thread_at_a_time(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(5):
            with hold(tmp_path / "key.lock", 30):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.001)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert list(tmp_path.iterdir()) == []


def test_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "key.lock"
    program = f"import time\nfrom pathlib import Path\nfrom tools.locks import hold\nwith hold(Path({str(path)!r}), 0):\n    print('held', flush=True)\n    time.sleep(60)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with hold_if_free(path) as is_free:
        assert not is_free
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert path.exists()
    with hold(path, 0):
        pass


def test_lock_in_a_folder_that_is_missing_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError), hold(tmp_path / "none" / "key.lock", 0):
        pass


def test_sweep_removes_what_nobody_holds_and_nothing_else(tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    (dead / "deep").mkdir(parents=True)
    (tmp_path / "old.lock").touch()
    with private_folder(tmp_path) as live:
        (live / "file").touch()
        sweep(tmp_path)
        assert (live / "file").exists()
        assert {entry.name for entry in tmp_path.iterdir()} == {live.name, f"{live.name}.lock"}
    assert list(tmp_path.iterdir()) == []


def test_line_after_a_half_written_one_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with journal.entry(path, {"n": 1}):
        pass
    with path.open("ab") as stream:
        stream.write(b'{"n": 2, "torn')
    with journal.entry(path, {"n": 3}):
        pass
    assert path.read_bytes().splitlines() == [b'{"n":1}', b'{"n": 2, "torn', b'{"n":3}']


def test_library_is_known_by_version_and_content_without_importing_it() -> None:
    found = environment(("rasterio", "pyogrio"))
    assert found["rasterio"].startswith(f"{distribution('rasterio').version} (")
    assert len({identity.partition("(")[2] for identity in found.values()}) == 2


def test_library_that_is_not_installed_says_how_to_install_it() -> None:
    with pytest.raises(ConfigurationError, match="pip install no-such-library"):
        environment(("no-such-library",))


def test_identity_of_a_library_leaves_out_what_differs_between_machines(tmp_path: Path) -> None:
    def digest(*lines: str) -> str:
        info = tmp_path / f"{uuid.uuid4().hex}.dist-info"
        info.mkdir()
        (info / "RECORD").write_text("\n".join(lines))
        return files_digest(Distribution.at(info))

    plain = digest("lib/core.so,sha256=AAA,10", "lib.libs/libgdal.so,sha256=BBB,20")
    assert plain == digest("lib.libs/libgdal.so,sha256=BBB,20", "lib/core.so,sha256=AAA,10")
    installer = ("../../../bin/lib,sha256=CCC,1", "lib-1.0.dist-info/INSTALLER,sha256=DDD,4", "lib/__pycache__/x.pyc,,")
    assert plain == digest("lib/core.so,sha256=AAA,10", "lib.libs/libgdal.so,sha256=BBB,20", *installer)
    assert plain != digest("lib/core.so,sha256=AAA,10", "lib.libs/libgdal.so,sha256=EEE,20")  # another GDAL in the same version
    assert digest() == ""
