"""GDAL's and PROJ's options are set once, early, for both GDALs, and keep the network out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GDAL", "PROJ_NETWORK", "CPL"))}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env={**clean, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("library", ["rasterio", "pyogrio"])
def test_bootstrap_says_too_late_when_a_reader_was_imported_before(library: str) -> None:
    code = f"""
import {library}
from tools.storage.bootstrap import bootstrap
from tools.errors import ConfigurationError
try:
    bootstrap()
except ConfigurationError as error:
    print(error)
"""
    done = run_python(code)
    assert f"too late: {library} was imported" in done.stdout, done.stderr


def test_bootstrap_reaches_both_gdals_and_changes_nothing_the_second_time() -> None:
    code = """
import os
from tools.storage.bootstrap import bootstrap
os.environ["TERRACITE_GDAL_CACHE_MB"] = "64"
bootstrap()
import pyogrio, rasterio
from rasterio._env import get_gdal_config
before = dict(os.environ)
os.environ["TERRACITE_GDAL_CACHE_MB"] = "128"
before["TERRACITE_GDAL_CACHE_MB"] = "128"
bootstrap()
assert dict(os.environ) == before
print(get_gdal_config("GDAL_CACHEMAX"), pyogrio.get_gdal_config_option("GDAL_CACHEMAX"), pyogrio.get_gdal_config_option("PROJ_NETWORK"))
"""
    # 67108864 bytes, where rasterio turns the text into bytes; off, where pyogrio reads a switch
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["64", "False"], done.stdout


def test_bootstrap_wins_over_the_environment_and_turns_off_the_network_of_pyproj() -> None:
    code = """
import pyproj
from tools.storage.bootstrap import bootstrap
bootstrap()
import os
print(pyproj.network.is_network_enabled(), os.environ["GDAL_DISABLE_READDIR_ON_OPEN"])
"""
    done = run_python(code, PROJ_NETWORK="ON", GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
    assert done.stdout.split() == ["False", "FALSE"], done.stderr


@pytest.fixture
def requests() -> Iterator[tuple[str, list[str]]]:
    """Serve on the loopback interface; yield the address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_gdal_asks_no_server_even_for_a_name_that_is_a_url(requests: tuple[str, list[str]]) -> None:
    import pyogrio
    import rasterio

    address, asked = requests
    for name in (f"/vsicurl/{address}/a.tif", f"/vsicurl_streaming/{address}/a.tif"):
        with pytest.raises(rasterio.errors.RasterioIOError):
            rasterio.open(name)
        with pytest.raises(pyogrio.errors.DataSourceError):
            pyogrio.read_info(name)
    assert asked == []


def test_files_that_point_at_a_server_are_refused_unasked(requests: tuple[str, list[str]], tmp_path: Path) -> None:
    from tools.contract import Source
    from tools.errors import DataError
    from tools.storage.rasters import raster_info

    address, asked = requests
    vrt = f'<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>/vsicurl/{address}/a.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
    wms = f'<GDAL_WMS><Service name="TMS"><ServerUrl>{address}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service></GDAL_WMS>'
    local = vrt.replace(f"/vsicurl/{address}/a.tif", str(tmp_path / "c.tif"))  # a virtual raster over a file that points away
    for name, text in {
        "c.tif": wms,
        "f.vrt": local,
        "a.vrt": vrt,
        "b.tif": vrt,
        "d.vrt": wms,
        "e.tif": '{"type": "gdal_streamed_alg"}',
    }.items():
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(DataError):
            raster_info(Source("x", "raster", path, ""))
    assert asked == []
