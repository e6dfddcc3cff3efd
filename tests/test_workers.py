"""Worker processes: limits, cancelling, crashes, what they may touch, and that the parent is never harmed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.catalog.datasets import Datasets
from tools.errors import CrashError, DataError, DeadlineError, InternalError, MemoryLimitError, StorageError, TerraciteError
from tools.settings import ToolSettings
from tools.workers.confinement import available
from tools.workers.job import InProcess, Job
from tools.workers.pool import Pool
from tools.workspace import open_workspace
from waiting import wait_until

needs_landlock = pytest.mark.skipif("Landlock, ABI" not in available()["files"], reason=f"files are {available()['files']}")


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def pool_of(**settings: Any) -> Pool:
    return Pool(ToolSettings(**{"workers": 1, **settings}), prepare="worker_jobs:nothing_loaded", scratch=scratch)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with pool_of(tool_deadline_s=20) as made:
        yield made


def job(name: str, *, reads: tuple[Path, ...] = (), writes: tuple[Path, ...] = (), network: bool = False, **arguments: Any) -> Job:
    return Job(f"worker_jobs:{name}", arguments, reads=reads, writes=writes, network=network)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pid_of(pool: Pool) -> int:
    return int(pool.run(job("echo", value=0))["pid"])


def test_a_job_runs_in_another_process_which_is_kept_for_the_next(pool: Pool) -> None:
    first = pool.run(job("echo", value={"a": [1, 2.5, None, "ü"]}))
    assert first["value"] == {"a": [1, 2.5, None, "ü"]}
    assert first["pid"] != os.getpid()
    assert pid_of(pool) == first["pid"]


def test_progress_arrives_while_the_job_runs(pool: Pool) -> None:
    told: list[float] = []
    pool.run(job("count_up", steps=5), progress=told.append)
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


@pytest.mark.parametrize("name", ["sleep", "hold_the_interpreter"])
def test_a_job_that_takes_too_long_is_killed_and_the_next_one_finds_a_fresh_worker(name: str) -> None:
    with pool_of(tool_deadline_s=0.5) as pool:
        before = pid_of(pool)
        started = time.monotonic()
        with pytest.raises(DeadlineError, match=r"0\.5 s.*TERRACITE_TOOL_DEADLINE_S"):
            pool.run(job(name, seconds=30))
        assert time.monotonic() - started < 2
        assert not is_running(before)
        assert pid_of(pool) != before


@pytest.mark.parametrize("name", ["sleep", "hold_the_interpreter"])
def test_a_job_that_nobody_wants_any_more_is_gone_at_once(pool: Pool, name: str) -> None:
    class UnwantedError(Exception):
        pass

    before, begun = pid_of(pool), threading.Event()

    def check() -> None:
        if begun.is_set():
            raise UnwantedError

    started = time.monotonic()
    with pytest.raises(UnwantedError):
        pool.run(job(name, seconds=30), progress=lambda _: begun.set(), check=check)
    assert time.monotonic() - started < 1
    assert not is_running(before)


def test_an_error_raised_while_progress_is_told_ends_the_job_too(pool: Pool) -> None:
    before = pid_of(pool)
    with pytest.raises(KeyboardInterrupt):
        pool.run(job("sleep", seconds=30), progress=interrupted)
    assert not is_running(before)


def interrupted(_: float) -> None:
    raise KeyboardInterrupt


def test_a_killed_worker_takes_what_it_started_with_it() -> None:
    folder = Path(tempfile.mkdtemp())

    @contextmanager
    def kept() -> Iterator[Path]:
        yield folder

    with Pool(ToolSettings(workers=1), prepare="worker_jobs:nothing_loaded", scratch=kept) as pool:
        with pytest.raises(KeyboardInterrupt):
            pool.run(job("start_a_child", writes=(folder,)), progress=interrupted)
        child = int((folder / "child").read_text())
        wait_until(lambda: not is_running(child), "the child is gone")


def test_memory_beyond_the_limit_is_one_failed_job(pool: Pool) -> None:
    with pool_of(worker_memory_mb=512) as small:
        assert small.run(job("allocate", mebibytes=100)) == {"bytes": 100 << 20}
        with pytest.raises(MemoryLimitError, match=r"512 MiB.*TERRACITE_WORKER_MEMORY_MB"):
            small.run(job("allocate", mebibytes=2000))
        assert small.run(job("echo", value=1))["value"] == 1


@pytest.mark.parametrize(("name", "how"), [("crash", "SIGSEGV"), ("leave", "code 3")])
def test_a_crash_is_one_failed_job_and_a_fresh_worker_follows(pool: Pool, name: str, how: str) -> None:
    before = pid_of(pool)
    with pytest.raises(CrashError, match=how):
        pool.run(job(name, **({"code": 3} if name == "leave" else {})))
    assert pid_of(pool) != before


def test_an_error_of_ours_comes_back_as_it_was_and_the_worker_lives(pool: Pool) -> None:
    before = pid_of(pool)
    with pytest.raises(DataError) as raised:
        pool.run(job("refuse"))
    assert (raised.value.message, raised.value.hint) == ("The file 'x' is broken.", "Fetch it again.")
    assert pid_of(pool) == before


@pytest.mark.parametrize("name", ["stumble", "say_nonsense"])
def test_a_mistake_of_ours_is_logged_whole_and_told_without_details(pool: Pool, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InternalError) as raised:
        pool.run(job(name))
    assert "hunter2" not in str(raised.value)
    assert "Traceback" in caplog.text


def test_a_worker_knows_no_key_of_any_service(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "SLACK_BOT_TOKEN", "AWS_SECRET_ACCESS_KEY", "GDAL_HTTP_HEADERS", "TERRACITE_OPENAI_API_KEY"):
        monkeypatch.setenv(name, "hunter2")
    with pool_of() as fresh:
        seen = fresh.run(job("surroundings"))
    assert "hunter2" not in seen["environment"].values()
    assert seen["environment"]["TERRACITE_WORKERS"] == "1"


@needs_landlock
def test_a_job_reads_what_it_names_and_nothing_else(pool: Pool, tmp_path: Path) -> None:
    named, other = tmp_path / "named.txt", tmp_path / "other.txt"
    named.write_text("mine")
    other.write_text("secret")
    assert pool.run(job("read", path=str(named), reads=(named,))) == {"text": "mine"}
    with pytest.raises(InternalError):
        pool.run(job("read", path=str(other), reads=(named,)))


@needs_landlock
def test_a_job_writes_into_its_folder_only(pool: Pool, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    pool.run(job("write", path=str(mine / "x"), size=10, writes=(mine,)))
    assert (mine / "x").stat().st_size == 10
    with pytest.raises(InternalError):
        pool.run(job("write", path=str(other / "x"), size=10, writes=(mine,)))
    assert list(other.iterdir()) == []


def test_a_job_has_a_place_for_temporary_files(pool: Pool) -> None:
    assert pool.run(job("use_a_temporary_file")) == {"size": 5}


def test_only_a_job_that_says_so_reaches_the_network(pool: Pool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert pool.run(job("connect", port=port, network=True)) == {"peer": port}
        with pytest.raises(InternalError):
            pool.run(job("connect", port=port))


def test_more_callers_than_workers_wait_for_their_turn(pool: Pool) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(pool.run(job("echo", value=n))["value"])) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(8))


def test_while_one_caller_waits_for_a_long_job_another_gets_its_result() -> None:
    with pool_of(workers=2) as pool:
        ended = threading.Event()

        def check() -> None:
            if ended.is_set():
                raise KeyboardInterrupt

        begun = threading.Event()
        thread = threading.Thread(
            target=lambda: ignoring(lambda: pool.run(job("sleep", seconds=60), progress=lambda _: begun.set(), check=check))
        )
        thread.start()
        assert begun.wait(20)
        assert pool.run(job("echo", value=1))["value"] == 1
        ended.set()
        thread.join(5)
        assert not thread.is_alive()


def ignoring(call: Callable[[], object]) -> None:
    try:
        call()
    except (KeyboardInterrupt, TerraciteError):
        return


def test_a_worker_that_cannot_get_ready_is_a_crash_at_once(caplog: pytest.LogCaptureFixture) -> None:
    settings = ToolSettings(workers=1, tool_deadline_s=30)
    with Pool(settings, prepare="worker_jobs:never_ready", scratch=scratch) as pool, pytest.raises(CrashError):
        pool.run(job("echo", value=1))
    assert "no database of PROJ" in caplog.text


def test_a_closed_pool_leaves_no_process_behind() -> None:
    with pool_of() as pool:
        pid = pid_of(pool)
    assert not is_running(pid)


def test_a_forgotten_pool_leaves_no_process_behind() -> None:
    pool = pool_of()
    pid = pid_of(pool)
    del pool
    wait_until(lambda: not is_running(pid), "the worker is gone")


PARENT = """
import sys
sys.path[:0] = {path!r}
from test_workers import job, pool_of
pool = pool_of(tool_deadline_s=60)
print(pool.run(job("echo", value=0))["pid"], flush=True)
pool.run(job({name!r}, seconds=60))
"""


@pytest.mark.parametrize("name", ["sleep", "hold_the_interpreter"])
def test_a_parent_that_is_killed_leaves_no_worker_behind(name: str) -> None:
    program = PARENT.format(path=sys.path, name=name)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.2)
        assert is_running(pid)
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_running(pid), "the worker is gone", timeout_s=1.0)


def test_a_file_whose_reading_takes_too_long_is_one_refusal_and_the_others_are_registered(tmp_path: Path, make_raster: Any) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    endless = folder / "endless.csv"
    endless.write_text("name,wkt\nx,POINT (1 1)\n")
    workspace = open_workspace(root=tmp_path / "ws")

    class Slow:
        """An executor whose first file takes longer than a call may."""

        def run(self, job: Job, **_: Any) -> dict[str, Any]:
            if "endless" in str(job.arguments):
                raise DeadlineError("The call took longer than 1 s and was stopped.", hint="Raise it.")
            return InProcess().run(job)

        def warm(self) -> None: ...

        def close(self) -> None: ...

    make_raster(np.ones((3, 3), "uint8"), name="data/fine.tif")
    datasets = Datasets(workspace, Slow())
    report = datasets.add(folder)
    assert [record.id for record in report.records] == ["fine"]
    assert [refusal.code for refusal in report.refused] == ["deadline"]
    again = Datasets(workspace).add(folder)
    assert [record.id for record in again.records] == ["endless", "fine"], again.refused


def test_an_idle_worker_that_was_killed_from_outside_is_replaced_before_the_next_job(pool: Pool) -> None:
    before = pid_of(pool)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not is_running(before), "the worker is dead")
    time.sleep(0.2)  # until its last thread is gone, the system does not tell its parent
    assert pid_of(pool) != before


def test_closing_a_pool_ends_the_jobs_that_still_run() -> None:
    with pool_of() as pool:
        errors: list[BaseException] = []
        begun = threading.Event()

        def work() -> None:
            try:
                pool.run(job("sleep", seconds=60), progress=lambda _: begun.set())
            except CrashError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        assert begun.wait(20)
        pool.close()
        thread.join(5)
    assert len(errors) == 1


def test_a_worker_whose_folder_cannot_be_made_hides_no_result() -> None:
    folders = [tempfile.mkdtemp()]

    @contextmanager
    def once() -> Iterator[Path]:
        if not folders:
            raise StorageError("Making the folder failed.", hint="Free some space.")
        yield Path(folders.pop())

    with Pool(ToolSettings(workers=1), prepare="worker_jobs:nothing_loaded", scratch=once) as pool:
        with pytest.raises(CrashError):
            pool.run(job("leave", code=1))
        with pytest.raises(StorageError, match="Free some space"):
            pool.run(job("echo", value=1))
