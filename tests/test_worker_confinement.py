"""What a confined process and thread can still reach: the files of its job and the runtime, nothing else.

Every restriction is tried in a process of its own, on real files, sockets and limits.
"""

from __future__ import annotations

import os
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from shapely.geometry import Point

from confined_python import BECOME_NOBODY, run_python
from conftest import MakeLayer, MakeRaster
from tools.workers.landlock import Access, abi, access_known
from tools.workers.namespaces import empty_network_offered

with_landlock = pytest.mark.skipif(not abi(), reason="this kernel offers no Landlock")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Return a server that listens on the loopback interface: the kernel itself accepts the connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return a folder with `a.txt` that a job may have, and one with `a.txt` that it may not."""
    folders = tmp_path / "granted", tmp_path / "secret"
    for folder in folders:
        folder.mkdir()
        (folder / "a.txt").write_text(folder.name)
    return folders


@pytest.fixture
def public() -> Iterator[tuple[Path, Path]]:
    """Return two files that every user of the machine may read; the folders of tests are their own user's."""
    with TemporaryDirectory(prefix="terracite-test-") as folder:
        Path(folder).chmod(0o755)
        paths = Path(folder) / "granted.txt", Path(folder) / "secret.txt"
        for path in paths:
            path.write_text(path.stem)
            path.chmod(0o644)
        yield paths


@with_landlock
def test_a_confined_thread_opens_its_files_and_no_others(files: tuple[Path, Path]) -> None:
    granted, secret = files
    code = """
paths = given["granted"], given["secret"]
answer = {
    "file": [job(text, path, reads=paths[:1]) for path in paths],
    "folder": [job(text, path, reads=[Path(paths[0]).parent]) for path in paths],
    "listed": [job(os.listdir, Path(path).parent, reads=[Path(paths[0]).parent]) for path in paths],
    "listed by a file alone": job(os.listdir, Path(paths[0]).parent, reads=paths[:1]),
    "missing": job(text, paths[0] + "x", reads=[paths[0] + "x"]),
}
"""
    assert run_python(code, granted=granted / "a.txt", secret=secret / "a.txt") == {
        "file": ["granted", "EACCES"],
        "folder": ["granted", "EACCES"],
        "listed": [["a.txt"], "EACCES"],
        "listed by a file alone": "EACCES",
        "missing": "ENOENT",
    }


@with_landlock
def test_a_confinement_ends_with_its_thread_and_binds_the_threads_that_it_starts(files: tuple[Path, Path]) -> None:
    code = """
def in_child(path):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(attempt(text, path)))
    thread.start()
    thread.join()
    return answers[0]

paths = given["granted"], given["secret"]
answer = [job(in_child, paths[1], reads=paths[:1]), job(in_child, paths[0], reads=paths[1:]), [text(path) for path in paths]]
"""
    assert run_python(code, granted=files[0] / "a.txt", secret=files[1] / "a.txt") == ["EACCES", "EACCES", ["granted", "secret"]]


@with_landlock
def test_a_link_in_a_granted_folder_does_not_lead_out_of_it(files: tuple[Path, Path]) -> None:
    granted, secret = files
    (granted / "link.txt").symlink_to(secret / "a.txt")
    (granted / "own.txt").symlink_to(granted / "a.txt")
    code = """answer = [job(text, Path(given["folder"]) / name, reads=[given["folder"]]) for name in ("link.txt", "own.txt")]"""
    assert run_python(code, folder=granted) == ["EACCES", "granted"]


@with_landlock
def test_nothing_of_the_user_or_the_machine_is_readable(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id").write_text("key")
    (tmp_path / "scratch.txt").write_text("of another program")
    private = [home / ".ssh" / "id", tmp_path / "scratch.txt", "/etc/passwd", "/etc/hosts", "/proc/self/environ", "/proc/1/status"]
    public = ["/proc/meminfo", "/dev/urandom", "/usr/bin/env"]
    code = """
def first(path):
    with open(path, "rb") as stream:
        return len(stream.read(1))

answer = [[job(first, path) for path in paths] for paths in (given["private"], given["public"])]
"""
    found = run_python(code, environment={"HOME": str(home)}, private=private, public=public)
    assert found == [["EACCES"] * 6, [1, 1, 1]]


@with_landlock
def test_every_library_opens_what_is_granted_and_nothing_else(tmp_path: Path, make_raster: MakeRaster, make_layer: MakeLayer) -> None:
    for folder in ("granted", "secret"):
        (tmp_path / folder).mkdir()
        make_raster(np.full((4, 4), 7, dtype="uint8"), name=f"{folder}/a.tif")
        for name in ("a.gpkg", "a.shp", "a.parquet", "a.fgb", "a.geojson"):
            make_layer([Point(0, 0), Point(1, 1)], columns={"n": [1, 2]}, name=f"{folder}/{name}")
    code = """
from tools.storage.bootstrap import bootstrap
bootstrap()
import pyogrio.errors, rasterio.errors

def raster(path):
    with rasterio.open(path) as dataset:
        return int(dataset.read().sum())

def rows(path):
    import sqlite3
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("select count(*) from a").fetchone()[0]

def layer(path):
    return len(pyogrio.read_dataframe(path))

def table(path):
    import pyarrow.parquet
    return pyarrow.parquet.read_table(path).num_rows

def refused(action, path):
    try:
        return action(path)
    except (pyogrio.errors.DataSourceError, rasterio.errors.RasterioIOError):
        return "refused"

readers = [(raster, "a.tif"), (rows, "a.gpkg"), (table, "a.parquet"), *((layer, f"a.{each}") for each in ("gpkg", "shp", "fgb", "geojson"))]
folders = Path(given["folder"]) / "granted", Path(given["folder"]) / "secret"
answer = [[job(refused, action, folder / name, reads=folders[:1]) for action, name in readers] for folder in folders]
"""
    expected = [[112, 2, 2, 2, 2, 2, 2], ["refused", "OperationalError", "EACCES", "refused", "refused", "refused", "refused"]]
    assert run_python(code, folder=tmp_path) == expected


@with_landlock
def test_a_raster_is_read_with_the_side_files_that_are_granted_with_it(make_raster: MakeRaster) -> None:
    path = make_raster(np.full((4, 4), 7, dtype="uint8"))
    side = path.with_name(path.name + ".aux.xml")
    side.write_text('<PAMDataset><PAMRasterBand band="1"><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>')
    code = """
from tools.storage.bootstrap import bootstrap
bootstrap()
import rasterio

def nodata(path):
    with rasterio.open(path) as dataset:
        return dataset.nodata

answer = [job(nodata, given["path"], reads=reads) for reads in ([given["path"], given["side"]], [given["path"]])]
"""
    assert run_python(code, path=path, side=side) == [7.0, None]


@with_landlock
def test_a_confined_thread_writes_and_moves_below_its_folders_only(files: tuple[Path, Path]) -> None:
    staging, outside = files
    code = """
inside, outside = Path(given["inside"]), Path(given["outside"])

def write_and_move():
    (inside / "sub").mkdir()
    (inside / "new.txt").write_text("abc")
    os.truncate(inside / "new.txt", 1)
    (inside / "new.txt").rename(inside / "sub" / "moved.txt")
    (inside / "a.txt").unlink()
    return (inside / "sub" / "moved.txt").read_text()

attempts = {
    "make": lambda: (outside / "new.txt").write_text("x"),
    "overwrite": lambda: (outside / "a.txt").write_text("x"),
    "truncate": lambda: os.truncate(outside / "a.txt", 0),
    "remove": lambda: (outside / "a.txt").unlink(),
    "make a folder": lambda: (outside / "sub").mkdir(),
    "move in": lambda: (outside / "a.txt").rename(inside / "stolen.txt"),
    "move out": lambda: (inside / "sub").rename(outside / "sub"),
    "link in": lambda: os.link(outside / "a.txt", inside / "stolen.txt"),
    "point out": lambda: (inside / "pointer").symlink_to(outside),
}
answer = [job(write_and_move, writes=[inside]), {name: job(act, writes=[inside]) for name, act in attempts.items()}]
"""
    written, refused = run_python(code, inside=staging, outside=outside)
    assert written == "a"
    # The kernel answers EXDEV where the two folders differ in what they allow: programs then copy instead.
    assert set(refused.values()) <= {"EACCES", "EXDEV"}, refused
    assert [path.name for path in outside.iterdir()] == ["a.txt"]
    assert (outside / "a.txt").read_text() == "secret"
    assert [path.name for path in staging.iterdir()] == ["sub"]


@with_landlock
def test_a_confined_thread_starts_no_program() -> None:
    code = """
import subprocess
start = lambda: subprocess.run(["/usr/bin/env", "true"]).returncode
answer = [start(), job(start)]
"""
    assert run_python(code) == [0, "EACCES"]


@with_landlock
def test_code_is_imported_when_first_needed_but_the_project_around_it_is_not_readable(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "lazy_package").mkdir(parents=True)
    (project / "lazy_package" / "__init__.py").write_text("")
    (project / "lazy_package" / "inner.py").write_text("value = 1")
    (project / "lazy_module.py").write_text("value = 2")
    (project / ".env").write_text("KEY=secret")
    (project / ".terracite").mkdir()
    (project / ".terracite" / "record.json").write_text("{}")
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as archive:
        archive.writestr("zipped_module.py", "value = 3")
    code = """
def imported():
    import lazy_package.inner, lazy_module, zipped_module, statistics
    return [lazy_package.inner.value, lazy_module.value, zipped_module.value, statistics.mean([4])]

project = Path(given["project"])
answer = [job(imported), job(text, project / ".env"), job(text, project / ".terracite" / "record.json")]
"""
    found = run_python(code, import_from=os.pathsep.join((str(project), str(tmp_path / "zipped.zip"))), project=project)
    assert found == [[1, 2, 3, 4], "EACCES", "EACCES"]


@with_landlock
def test_a_package_that_an_editable_install_maps_to_another_folder_is_imported_when_first_needed(tmp_path: Path) -> None:
    (tmp_path / "checkout" / "mapped").mkdir(parents=True)
    (tmp_path / "checkout" / "mapped" / "__init__.py").write_text("")
    (tmp_path / "checkout" / "mapped" / "inner.py").write_text("value = 5")
    (tmp_path / "checkout" / "private.py").write_text("")
    code = """
import importlib.machinery

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return importlib.machinery.PathFinder.find_spec(name, [given["checkout"]]) if name == "mapped" else None

sys.meta_path.insert(0, Finder)
import mapped

def imported():
    import mapped.inner
    return mapped.inner.value

answer = [job(imported), job(text, Path(given["checkout"]) / "private.py")]
"""
    assert run_python(code, checkout=tmp_path / "checkout") == [5, "EACCES"]


@pytest.mark.skipif(abi() < 4, reason="this kernel's Landlock knows no ports")
def test_a_thread_without_network_makes_no_connection_and_one_with_it_does(server: socket.socket) -> None:
    code = """
answer = [job(connect, socket.SOCK_STREAM, given["port"], network=allowed) for allowed in (False, True)]
answer.append(job(lambda: socket.create_server(("127.0.0.1", 0)).getsockname() and "listens", network=True))
"""
    assert run_python(code, port=server.getsockname()[1]) == ["EACCES", 1, "EACCES"]


@pytest.mark.skipif(not empty_network_offered(), reason="this kernel gives this user no network namespace")
@pytest.mark.parametrize("nobody", [False, True], ids=["this user", "an ordinary user"])
def test_a_process_without_network_reaches_no_machine_by_any_protocol(server: socket.socket, nobody: bool) -> None:
    code = f"""
{BECOME_NOBODY if nobody and os.geteuid() == 0 else ""}
user = os.geteuid()
confine_process(network=given["network"], memory_bytes=1 << 34, file_bytes=1 << 34)
answer = [attempt(connect, kind, given["port"]) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)] + [os.geteuid() == user]
"""
    port = server.getsockname()[1]
    assert run_python(code, port=port, network=False) == ["ENETUNREACH", "ENETUNREACH", True]
    assert run_python(code, port=port, network=True) == [1, 1, True]


@pytest.mark.skipif(not empty_network_offered(), reason="this kernel gives this user no network namespace")
def test_an_ordinary_user_without_network_gains_no_rights_over_files(public: tuple[Path, Path]) -> None:
    code = f"""
{BECOME_NOBODY if os.geteuid() == 0 else ""}
own = Path(given["folder"]) / "own.txt"
own.touch(mode=0)
confine_process(network=False, memory_bytes=1 << 34, file_bytes=1 << 34)
answer = attempt(text, own)
"""
    public[0].parent.chmod(0o777)
    assert run_python(code, folder=public[0].parent) == "EACCES"


@pytest.mark.skipif(abi() < 6, reason="this kernel's Landlock knows no scopes")
def test_a_confined_thread_signals_no_other_process_and_reaches_no_abstract_socket() -> None:
    code = """
import signal
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind("\\0terracite-test-" + str(os.getpid()))
    listening.listen()
    reach = lambda: socket.socket(socket.AF_UNIX).connect(listening.getsockname())
    answer = [job(os.kill, os.getppid(), 0), attempt(os.kill, os.getppid(), 0), job(reach), attempt(reach)]
"""
    assert run_python(code) == ["EPERM", None, "EPERM", None]


def test_a_file_over_the_limit_is_an_error_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    code = """
confine_process(network=True, memory_bytes=1 << 34, file_bytes=1000)
answer = [attempt(Path(given["path"]).write_bytes, bytes(size)) for size in (1000, 1001)]
"""
    assert run_python(code, path=tmp_path / "a") == [1000, "EFBIG"]


def test_memory_over_the_limit_is_an_error_and_not_the_end_of_the_process() -> None:
    code = """
import numpy as np
confine_process(network=True, memory_bytes=400 << 20, file_bytes=1 << 30)
answer = [attempt(lambda size: len(np.ones(size, dtype="u1")), size << 20) for size in (50, 500)]
"""
    assert run_python(code) == [50 << 20, "MemoryError"]


@with_landlock
@pytest.mark.parametrize("version", range(1, abi() + 1))
def test_every_version_of_landlock_that_kernels_offer_confines_reading_and_writing(version: int, files: tuple[Path, Path]) -> None:
    code = """
from tools.workers.landlock import READ, WRITE, restrict_thread
from tools.workers.runtime_paths import runtime_rules
granted, secret = Path(given["granted"]), Path(given["secret"])
restrict_thread([*runtime_rules(network=False), (granted, WRITE)], connect=False, version=given["version"])
attempts = [(text, granted / "a.txt"), (text, secret / "a.txt"), ((granted / "b").write_text, "b"), ((secret / "b").write_text, "b")]
answer = [attempt(*each) for each in attempts]
"""
    assert run_python(code, granted=files[0], secret=files[1], version=version) == ["granted", "EACCES", 1, "EACCES"]


def test_each_version_knows_the_rights_that_the_kernel_documents_for_it() -> None:
    # https://docs.kernel.org/userspace-api/landlock.html: REFER since ABI 2, TRUNCATE since 3, IOCTL_DEV since 5.
    expected = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF, 6: 0xFFFF, 7: 0xFFFF}
    assert {version: int(access_known(version)) for version in expected} == expected
    assert access_known(1) == Access(0x1FFF)


def test_a_kernel_without_landlock_is_said_and_the_worker_goes_on(files: tuple[Path, Path]) -> None:
    # A filter on system calls answers as such a kernel does: call 444 does not exist.
    code = """
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]

import struct
steps = ((0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050000 | errno.ENOSYS), (0x06, 0, 0, 0x7FFF0000))
program = b"".join(struct.pack("HBBI", *step) for step in steps)
library = ctypes.CDLL(None)
library.prctl(38, 1, 0, 0, 0)
assert library.prctl(22, 2, ctypes.byref(Filter(len(steps), program)), 0, 0) == 0
answer = [available()["files"], job(text, given["path"])]
"""
    said, read = run_python(code, path=files[1] / "a.txt")
    assert said == "not confined: this kernel offers no Landlock"
    assert read == "secret"


@with_landlock
def test_an_ordinary_user_is_confined_as_root_is(public: tuple[Path, Path]) -> None:
    code = f"""
{BECOME_NOBODY if os.geteuid() == 0 else ""}
confine_process(network=False, memory_bytes=1 << 34, file_bytes=1 << 34)
paths = given["granted"], given["secret"]
answer = [os.geteuid() != 0, [attempt(text, path) for path in paths], [job(text, path, reads=paths[:1]) for path in paths]]
"""
    found = run_python(code, granted=public[0], secret=public[1])
    assert found == [True, ["granted", "secret"], ["granted", "EACCES"]]


@with_landlock
def test_confining_a_thread_costs_less_than_two_milliseconds_of_processor_time() -> None:
    code = """
import time
costs = []

def measured():
    begin = time.thread_time()
    confine_thread(reads=[], writes=[], network=False)
    costs.append(time.thread_time() - begin)

for _ in range(10):
    thread = threading.Thread(target=measured)
    thread.start()
    thread.join()
answer = min(costs)
"""
    assert run_python(code) < 0.002


@with_landlock
@pytest.mark.heavy
def test_every_library_that_a_tool_uses_works_in_a_confined_thread(tmp_path: Path) -> None:
    code = """
from tools.storage.bootstrap import bootstrap
bootstrap()

def transformed():
    from pyproj import Transformer
    return round(Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(9, 45)[0])

def drawn():
    from matplotlib.figure import Figure
    figure = Figure()
    figure.add_subplot().set_title("\u00e4 \u03b1")
    figure.savefig(Path(given["folder"]) / "figure.png")
    return (Path(given["folder"]) / "figure.png").read_bytes()[1:4].decode()

def convolved():
    import torch
    return list(torch.nn.Conv2d(3, 8, 3)(torch.ones(1, 3, 64, 64)).shape)

def model():
    import segmentation_models_pytorch
    return type(segmentation_models_pytorch.Unet(encoder_weights=None)).__name__

def zones():
    import exactextract, geopandas, numpy
    from exactextract.raster import NumPyRasterSource
    from shapely.geometry import box
    frame = geopandas.GeoDataFrame(geometry=[box(0, 0, 2, 1)], crs="EPSG:3857")
    source = NumPyRasterSource(numpy.array([[1.0, 3.0]]), xmin=0, ymin=0, xmax=2, ymax=1, srs_wkt=frame.crs.to_wkt())
    return float(exactextract.exact_extract(source, frame, "mean")[0]["properties"]["mean"])

def grid():
    from odc.geo.geobox import GeoBox
    return list(GeoBox.from_bbox((0, 0, 1, 1), "EPSG:4326", resolution=0.1).shape)

answer = [job(action, writes=[given["folder"]]) for action in (transformed, drawn, convolved, model, zones, grid)]
"""
    found = run_python(code, environment={"TMPDIR": str(tmp_path), "MPLCONFIGDIR": str(tmp_path)}, folder=tmp_path)
    assert found == [500_000, "PNG", [1, 8, 62, 62], "Unet", 2.0, [10, 10]]


@with_landlock
@pytest.mark.heavy
def test_a_file_read_by_many_threads_is_opened_by_the_job_that_asks_for_it(tmp_path: Path, make_layer: MakeLayer) -> None:
    # Arrow keeps the threads that an earlier job started, and with them that job's confinement; they must open nothing.
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        make_layer([Point(0, 0)], columns={"n": [1]}, name=f"{folder}/a.parquet")
    code = """
from tools.storage.bootstrap import bootstrap
bootstrap()
import geopandas

def read(path):
    return sum(len(geopandas.read_parquet(path)) for _ in range(10))

paths = [Path(given["folder"]) / each / "a.parquet" for each in ("first", "second")]
answer = [job(read, path, reads=[path]) for path in paths]
"""
    assert run_python(code, folder=tmp_path) == [10, 10]
