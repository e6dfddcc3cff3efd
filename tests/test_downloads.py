"""Whole files of other machines: fetched in as many pieces as it takes, checked in quarantine, and fetched once."""

from __future__ import annotations

import base64
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from range_server import Fault, RangeServer
from raw_server import RawServer, drips, says
from tools.errors import DataError, DeadlineError, LimitError, NotFoundError, ParameterError, ServiceError, StorageError
from tools.settings import ToolSettings
from tools.storage.download_names import safe_name
from tools.storage.downloads import Downloads
from waiting import wait_until

TABLE = b"name,height\n" + b"".join(b"tree %d,%d\n" % (n, n % 40) for n in range(20_000))
"""Some 300 KB."""


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer() as running:
        running.put("/data/trees.csv", TABLE, "text/csv")
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


@pytest.fixture
def downloads(server: RangeServer, folder: Path) -> Downloads:
    return Downloads(folder, ToolSettings(allowed_hosts="127.0.0.1"), pause_s=0.01)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def left_over(folder: Path) -> list[Path]:
    """Return the files that are neither whole nor a note of what is."""
    return [path for path in (folder / "quarantine").rglob("*") if path.is_file()]


def test_a_file_is_fetched_into_a_folder_named_by_its_content(server: RangeServer, downloads: Downloads, folder: Path) -> None:
    found = downloads.fetch(server.url("/data/trees.csv"))
    assert found.path.read_bytes() == TABLE
    assert found.pieces[0].sha256 == sha256(TABLE)
    assert (folder / "quarantine").stat().st_mode & 0o777 == 0o700
    assert found.path == folder / sha256(f"{sha256(TABLE)}  trees.csv\n".encode())[:32] / "trees.csv"
    assert left_over(folder) == []


def test_a_file_that_did_not_change_is_asked_for_but_not_fetched_again(server: RangeServer, downloads: Downloads) -> None:
    first = downloads.fetch(server.url("/data/trees.csv"))
    assert downloads.fetch(server.url("/data/trees.csv")) == first
    assert [each.status for each in server.seen] == [200, 304]
    assert server.sent() == len(TABLE)


def test_a_file_that_changed_is_fetched_again_and_the_former_stays(server: RangeServer, downloads: Downloads) -> None:
    first = downloads.fetch(server.url("/data/trees.csv"))
    server.put("/data/trees.csv", b"name\nnew\n")
    second = downloads.fetch(server.url("/data/trees.csv"))
    assert (first.path.read_bytes(), second.path.read_bytes()) == (TABLE, b"name\nnew\n")


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_file_that_was_harmed_here_is_fetched_again(server: RangeServer, downloads: Downloads, harm: str) -> None:
    path = downloads.fetch(server.url("/data/trees.csv")).path
    path.unlink() if harm == "gone" else path.write_bytes(b"x" * len(TABLE))
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE


def test_a_broken_connection_is_gone_on_with_where_it_broke(server: RangeServer, downloads: Downloads) -> None:
    server.fail("/data/trees.csv", Fault(cut_at=100_000), Fault(cut_at=50_000))
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE
    assert [each.headers.get("range") for each in server.seen] == [None, "bytes=100000-", "bytes=150000-"]
    assert server.sent() == len(TABLE)


def test_connections_that_break_again_and_again_end_in_the_whole_file_as_long_as_each_brings_some(
    server: RangeServer, downloads: Downloads
) -> None:
    server.fail("/data/trees.csv", *[Fault(cut_at=40_000)] * 7)  # more than the four attempts of one request
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE


def test_a_file_that_changes_between_two_parts_starts_over(server: RangeServer, downloads: Downloads) -> None:
    server.fail("/data/trees.csv", Fault(cut_at=100_000))
    new = TABLE.replace(b"tree", b"bush")

    def change(count: int, _: int | None) -> None:
        if count == 100_000:
            server.put("/data/trees.csv", new)

    assert downloads.fetch(server.url("/data/trees.csv"), told=change).path.read_bytes() == new
    assert [each.status for each in server.seen] == [200, 200]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(headers={"content-range": f"bytes 50000-{len(TABLE) - 1}/{len(TABLE)}"}),  # another range than was asked for
        Fault(headers={"content-range": f"bytes 100000-{len(TABLE) - 1}/{len(TABLE) + 5}"}),  # of a file of another size
        Fault(headers={"content-range": "nonsense"}),
        Fault(headers={"etag": '"other"'}),
        Fault(416),
        Fault(ignores_range=True),
    ],
)
def test_a_rest_that_does_not_fit_what_came_before_is_never_joined_to_it(server: RangeServer, downloads: Downloads, fault: Fault) -> None:
    server.fail("/data/trees.csv", Fault(cut_at=100_000), fault)
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE
    assert server.sent() >= 100_000 + len(TABLE)  # it was fetched from its start


def test_without_a_strong_mark_of_its_state_a_file_is_fetched_from_its_start(server: RangeServer, downloads: Downloads) -> None:
    server.fail("/data/trees.csv", Fault(cut_at=100_000, headers={"etag": 'W/"weak"'}))
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE
    assert all("range" not in each.headers for each in server.seen)


def test_the_time_of_its_last_change_marks_a_state_where_it_is_long_ago(server: RangeServer, downloads: Downloads) -> None:
    long_ago = "Wed, 01 Jan 2020 00:00:00 GMT"
    server.fail("/data/trees.csv", Fault(cut_at=100_000, headers={"etag": "", "last-modified": long_ago}))
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE
    assert server.seen[1].headers["if-range"] == long_ago


FETCH = """
import sys
from pathlib import Path
from tools.settings import ToolSettings
from tools.storage.downloads import Downloads
told = lambda count, size: print(count, flush=True)
print(Downloads(Path(sys.argv[1]), ToolSettings(allowed_hosts="127.0.0.1")).fetch(sys.argv[2], told=told).path)
"""


def test_what_a_killed_process_fetched_is_gone_on_with_by_another(server: RangeServer, downloads: Downloads, folder: Path) -> None:
    big = b"name\n" + bytes(range(1, 256)) * 4_000
    url = server.put("/big.csv", big)
    server.fail("/big.csv", Fault(stall_at=600_000))
    with subprocess.Popen([sys.executable, "-c", FETCH, str(folder), url], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        while int(other.stdout.readline()) < 600_000:
            pass
        other.kill()
    assert other.returncode == -signal.SIGKILL
    kept = max(path.stat().st_size for path in left_over(folder))
    assert 500_000 <= kept <= 600_000  # the last piece is told before it is written
    assert not (folder / "receipts").exists() or not list((folder / "receipts").iterdir())
    assert downloads.fetch(url).path.read_bytes() == big
    assert server.seen[1].headers["range"] == f"bytes={kept}-"
    assert left_over(folder) == []


@pytest.mark.heavy
def test_two_processes_that_want_one_address_fetch_it_once(server: RangeServer, downloads: Downloads, folder: Path) -> None:
    server.fail("/data/trees.csv", Fault(pause_s=0.3))
    command = [sys.executable, "-c", FETCH, str(folder), server.url("/data/trees.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        wait_until(lambda: server.seen != [], "the other process asks")
        mine = downloads.fetch(server.url("/data/trees.csv")).path
        theirs = other.communicate()[0].splitlines()[-1]
    assert str(mine) == theirs
    assert len(server.seen) == 1


STEPS = """
import os, pathlib, shutil, signal, sys
from tools.storage import downloads, receipts
left = int(sys.argv[3])

def step(function):
    def counted(*args, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **named)
    return counted

for owner, name in ((os, "fsync"), (os, "link"), (shutil, "rmtree"), (pathlib.Path, "rename"), (pathlib.Path, "replace"), (pathlib.Path, "mkdir"), (pathlib.Path, "unlink")):
    setattr(owner, name, step(getattr(owner, name)))
"""


@pytest.mark.heavy
def test_a_process_killed_at_any_step_leaves_no_wrong_byte_and_loses_no_finished_work(server: RangeServer, folder: Path) -> None:
    """Each step that reaches the disk is the last of one process; the next one ends with the whole file, and sends what came but once."""
    url, ends = server.url("/data/trees.csv"), []
    for step in range(1, 60):
        shutil.rmtree(folder, ignore_errors=True)
        server.seen.clear()
        command = [sys.executable, "-c", STEPS + FETCH, str(folder), url, str(step)]
        ends.append(subprocess.run(command, capture_output=True, check=False).returncode)
        there = [*folder.glob("*/trees.csv"), *folder.glob("quarantine/*/body")]
        was_whole = any(path.stat().st_size == len(TABLE) for path in there)
        assert all(path.read_bytes() == TABLE for path in folder.glob("*/trees.csv"))
        found = Downloads(folder, ToolSettings(allowed_hosts="127.0.0.1")).fetch(url)
        assert found.path.read_bytes() == TABLE
        assert server.sent() == len(TABLE) or not was_whole, step
        if ends[-1] == 0:
            break
    assert set(ends[:-1]) == {-signal.SIGKILL}
    assert len(ends) > 10


def test_a_caller_who_gives_up_leaves_what_came_for_the_next(server: RangeServer, downloads: Downloads) -> None:
    def give_up(count: int, _: int | None) -> None:
        if count > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        downloads.fetch(server.url("/data/trees.csv"), told=give_up)
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE
    assert server.seen[1].headers["range"].startswith("bytes=")


def test_a_caller_is_asked_whether_to_go_on_also_while_the_server_says_nothing(server: RangeServer, downloads: Downloads) -> None:
    started = time.monotonic()

    def give_up_after_a_while(*_: object) -> None:
        if time.monotonic() - started > 0.1:
            raise KeyboardInterrupt

    server.fail("/data/trees.csv", Fault(stall_at=1000), Fault(503, {"retry-after": "9"}))
    for _ in range(2):  # a silent server, and a pause that it asks for
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            downloads.fetch(server.url("/data/trees.csv"), told=give_up_after_a_while)
        assert time.monotonic() - started < 2.0


def test_a_pause_longer_than_a_request_may_take_is_not_waited_for(server: RangeServer, downloads: Downloads) -> None:
    server.fail("/data/trees.csv", Fault(503, {"retry-after": "3600"}))
    with pytest.raises(ServiceError, match="503"):
        downloads.fetch(server.url("/data/trees.csv"))


def test_a_file_larger_than_the_limit_is_refused_whether_it_is_announced_or_not(server: RangeServer, folder: Path) -> None:
    small = Downloads(folder, ToolSettings(allowed_hosts="127.0.0.1", max_download_bytes=10_000))
    with pytest.raises(LimitError, match="TERRACITE_MAX_DOWNLOAD_BYTES"):
        small.fetch(server.url("/data/trees.csv"))
    with RawServer(says(CHUNKED + b"40000\r\n" + TABLE)) as endless, pytest.raises(LimitError, match="larger than 10,000 bytes"):
        small.fetch(f"http://{endless.host}/trees.csv")
    assert left_over(folder) == []


def test_a_file_for_which_the_disk_has_no_room_is_refused_before_it_comes(
    server: RangeServer, downloads: Downloads, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(StorageError, match="only 1,000 free"):
        downloads.fetch(server.url("/data/trees.csv"))
    assert left_over(folder) == []


def test_a_server_that_drips_is_stopped_and_what_came_is_kept(folder: Path) -> None:
    settings = ToolSettings(allowed_hosts="127.0.0.1", http_timeout_s=0.3, http_attempts=1)
    with RawServer(drips(CHUNKED, b"1\r\na\r\n", pause_s=0.02)) as slow, pytest.raises(ServiceError, match="sent only"):
        Downloads(folder, settings).fetch(f"http://{slow.host}/trees.csv")
    settings = ToolSettings(allowed_hosts="127.0.0.1", download_deadline_s=0.3)
    with RawServer(drips(CHUNKED, b"1\r\na\r\n", pause_s=0.02)) as slow, pytest.raises(DeadlineError, match="DOWNLOAD_DEADLINE"):
        Downloads(folder, settings).fetch(f"http://{slow.host}/trees.csv")
    assert sum(path.stat().st_size for path in left_over(folder) if path.name == "body") > 0


@pytest.mark.parametrize(
    "stated",
    [f"sha256:{sha256(TABLE)}", f"SHA-256:{sha256(TABLE).upper()}", f"1220{sha256(TABLE)}", f"md5:{hashlib.md5(TABLE).hexdigest()}"],
)
def test_a_file_with_the_checksum_that_was_given_is_taken(server: RangeServer, downloads: Downloads, stated: str) -> None:
    for _ in range(2):  # also where it is here already
        assert downloads.fetch(server.url("/data/trees.csv"), checksum=stated).path.read_bytes() == TABLE


def test_a_file_with_another_checksum_is_refused_and_dropped(server: RangeServer, downloads: Downloads, folder: Path) -> None:
    with pytest.raises(DataError, match=sha256(TABLE)):
        downloads.fetch(server.url("/data/trees.csv"), checksum=f"sha256:{sha256(b'other')}")
    assert left_over(folder) == []
    downloads.fetch(server.url("/data/trees.csv"))
    with pytest.raises(DataError, match="checksum that was given"):
        downloads.fetch(server.url("/data/trees.csv"), checksum=f"sha256:{sha256(b'other')}")


@pytest.mark.parametrize("text", ["sha256:12", "sha256:" + "g" * 64, "crc32:00000000", "12" * 32, "1220" + "0" * 63, ""[:0] or "sha256:"])
def test_a_checksum_that_is_none_is_refused_before_anything_is_asked(server: RangeServer, downloads: Downloads, text: str) -> None:
    with pytest.raises(ParameterError, match="cannot be read"):
        downloads.fetch(server.url("/data/trees.csv"), checksum=text)
    assert not server.seen


def test_a_file_whose_end_nobody_tells_is_taken_only_with_a_checksum(downloads: Downloads) -> None:
    with RawServer(says(b"HTTP/1.1 200 OK\r\n\r\n" + TABLE)) as old:
        with pytest.raises(DataError, match="--checksum"):
            downloads.fetch(f"http://{old.host}/trees.csv")
        assert downloads.fetch(f"http://{old.host}/trees.csv", checksum=f"sha256:{sha256(TABLE)}").path.read_bytes() == TABLE
    with RawServer(says(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(TABLE), TABLE))) as new:
        assert downloads.fetch(f"http://{new.host}/trees.csv").path.read_bytes() == TABLE


@pytest.mark.parametrize("header", ["digest", "repr-digest", "content-md5"])
def test_a_digest_that_the_server_states_is_checked(server: RangeServer, downloads: Downloads, header: str) -> None:
    def stated(content: bytes) -> str:
        packed = base64.b64encode(hashlib.new("md5" if header == "content-md5" else "sha256", content).digest()).decode()
        return {"digest": f"sha-256={packed}", "repr-digest": f"sha-256=:{packed}:", "content-md5": packed}[header]

    server.fail("/data/trees.csv", Fault(headers={header: stated(b"other")}), Fault(headers={header: stated(TABLE)}))
    with pytest.raises(DataError, match="its server says"):
        downloads.fetch(server.url("/data/trees.csv"))
    assert downloads.fetch(server.url("/data/trees.csv")).path.read_bytes() == TABLE


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("/a.tif", b"no TIFF at all, but long enough", "first bytes are not those of GTiff"),
        ("/a.gpkg", b"SQLite format 2\0", "first bytes are not those of GPKG"),
        ("/a.csv", b"\xef\xbb\xbf\n<!DOCTYPE html><title>Please log in</title>", "a web page, not the file"),
        ("/a.tif", b"<html><body>404</body></html>", "a web page, not the file"),
        ("/a.md", b"", "is empty"),
    ],
)
def test_content_that_is_not_what_its_name_says_never_leaves_quarantine(
    server: RangeServer, downloads: Downloads, folder: Path, path: str, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        downloads.fetch(server.put(path, content))
    assert left_over(folder) == []
    assert not list((folder / "receipts").iterdir())


@pytest.mark.parametrize("path", ["/a.zip", "/a.tar.gz", "/a.TGZ", "/a.7z", "/a.kmz", "/model.pt"])
def test_an_archive_or_a_pickle_is_refused_by_its_address_with_what_to_do(server: RangeServer, downloads: Downloads, path: str) -> None:
    with pytest.raises(DataError, match=r"Fetch and unpack it|safetensors"):
        downloads.fetch(server.put(path, b"PK"))
    assert not server.seen


@pytest.mark.parametrize(
    ("path", "content_type", "disposition", "name"),
    [
        ("/x/my%20trees.CSV", "text/plain", "", "my_trees.csv"),
        ("/get", "text/csv; charset=utf-8", "", "get.csv"),
        ("/get", "application/octet-stream", 'attachment; filename="../../etc/trees.csv"', "trees.csv"),
        ("/get", "application/octet-stream", "attachment; filename*=UTF-8''B%C3%A4ume.csv", "Bäume.csv"),
        ("/get.php", "text/csv", "inline; filename=trees", "trees.csv"),
        ("/get", "text/csv", "attachment; filename*=idna''%80.csv", "get.csv"),  # a character set that is none for text
    ],
)
def test_a_file_is_named_by_its_address_or_else_by_what_its_server_says(
    server: RangeServer, downloads: Downloads, path: str, content_type: str, disposition: str, name: str
) -> None:
    url = server.put(path, TABLE, content_type)
    server.fail(path, Fault(headers={"content-disposition": disposition}))
    assert downloads.fetch(url).path.name == name


@pytest.mark.parametrize(
    ("content_type", "disposition", "message"),
    [
        ("application/zip", "", "is an archive"),
        ("application/octet-stream", "attachment; filename=a.zip", "is an archive"),
        ("application/octet-stream", "", "no supported format"),
        ("text/html", "", "no supported format"),
    ],
)
def test_what_is_no_data_by_its_headers_is_not_fetched(
    server: RangeServer, downloads: Downloads, content_type: str, disposition: str, message: str
) -> None:
    url = server.put("/get", TABLE, content_type)
    server.fail("/get", Fault(headers={"content-disposition": disposition}))
    with pytest.raises(DataError, match=message):
        downloads.fetch(url)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.tif", "a.tif"),
        ("../../.ssh/id.csv", "id.csv"),
        ("..\\..\\a.csv", "a.csv"),
        (".csv", "csv"),
        ("a\0b\r\n;rm -rf.csv", "a_b_rm_-rf.csv"),
        ("-rf.csv", "rf.csv"),
        ("\u202etxt.csv", "txt.csv"),
        ("/vsicurl/x.tif", "x.tif"),
        ("Flächen 2020 (final).gpkg", "Flächen_2020_final.gpkg"),
        ("ä" * 300 + ".tif", "ä" * 58 + ".tif"),
    ],
)
def test_a_name_becomes_one_plain_file_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_the_parts_of_a_shapefile_come_with_it_and_what_is_not_there_is_not_made_up(server: RangeServer, downloads: Downloads) -> None:
    head = b"\x00\x00\x27\x0a" + bytes(96)
    for suffix, content in ((".shp", head), (".shx", head), (".dbf", b"\x03" + bytes(40)), (".cpg", b"<html>not found</html>")):
        server.put(f"/roads{suffix}", content)
    found = downloads.fetch(server.url("/roads.shp"))
    assert sorted(path.name for path in found.folder.iterdir()) == ["roads.dbf", "roads.shp", "roads.shx"]
    server.put("/roads.prj", b'GEOGCS["x"]')
    again = downloads.fetch(server.url("/roads.shp"))
    assert sorted(path.name for path in again.folder.iterdir()) == ["roads.dbf", "roads.prj", "roads.shp", "roads.shx"]
    assert server.sent("/roads.shp") == len(head)


def test_a_host_that_is_not_allowed_is_refused_with_what_would_allow_it(folder: Path) -> None:
    with pytest.raises(ParameterError, match=r"TERRACITE_ALLOWED_HOSTS=default,files\.example\.org"):
        Downloads(folder, ToolSettings()).fetch("https://files.example.org/a.tif")


def test_a_redirect_to_a_host_that_is_not_allowed_fetches_nothing(server: RangeServer, downloads: Downloads) -> None:
    server.fail("/data/trees.csv", Fault(302, {"location": "https://evil.example/a.csv"}))
    with pytest.raises(ParameterError, match=r"evil\.example"):
        downloads.fetch(server.url("/data/trees.csv"))


def test_a_file_that_is_not_there_is_not_found(server: RangeServer, downloads: Downloads) -> None:
    with pytest.raises(NotFoundError):
        downloads.fetch(server.url("/none.tif"))


def test_a_packed_file_is_refused_since_it_could_not_be_gone_on_with(server: RangeServer, downloads: Downloads) -> None:
    server.always_fail("/data/trees.csv", Fault(headers={"content-encoding": "gzip"}))
    with pytest.raises(ServiceError, match="packed as 'gzip'"):
        downloads.fetch(server.url("/data/trees.csv"))
