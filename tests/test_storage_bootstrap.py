"""GDAL's and PROJ's options are set once, early, for both GDALs, and keep the network out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools.storage.drivers import kept

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


REGISTERED = """
import ctypes, json, re
from pathlib import Path
from tools.storage.bootstrap import bootstrap
bootstrap()
import pyogrio, rasterio
from tools.storage.drivers import kept
rasterio.Env().__enter__()
pyogrio.list_drivers()
for library in sorted(set(re.findall(r"/\\S*libgdal\\S*", Path("/proc/self/maps").read_text()))):
    gdal = ctypes.CDLL(library)
    gdal.GDALGetDriver.restype = ctypes.c_void_p
    gdal.GDALGetDriverShortName.argtypes, gdal.GDALGetDriverShortName.restype = [ctypes.c_void_p], ctypes.c_char_p
    names = [gdal.GDALGetDriverShortName(gdal.GDALGetDriver(at)).decode() for at in range(gdal.GDALGetDriverCount())]
    print(json.dumps(names))
"""


@pytest.mark.parametrize(("trusted", "more"), [("", set()), ("grib, netCDF", {"GRIB", "netCDF", "HDF5", "HDF5Image"})])
def test_only_the_drivers_of_our_formats_register_in_either_gdal(trusted: str, more: set[str]) -> None:
    done = run_python(REGISTERED, TERRACITE_TRUSTED_FORMATS=trusted)
    both = [set(json.loads(line)) for line in done.stdout.splitlines()]
    assert len(both) == 2, done.stderr
    for names in both:
        assert names - kept(trusted.replace(" ", "").split(",")) == set()
        assert {"GTiff", "COG", "VRT", "MEM", "GPKG", "GeoJSON", "ESRI Shapefile"} <= names
    assert more <= both[0] | both[1]
    # A driver that one of the two does not know is skipped in silence.
    assert done.stderr == ""


def test_no_option_of_the_environment_or_of_a_file_reaches_gdal(tmp_path: Path) -> None:
    code = """
from tools.storage.bootstrap import bootstrap
bootstrap()
import os, pyogrio, rasterio
from rasterio._env import get_gdal_config
with rasterio.Env():
    names = ("GDAL_NUM_THREADS", "GTIFF_HONOUR_NEGATIVE_SCALEY", "VRT_SHARED_SOURCE", "CENTER_LONG", "OSR_STRIP_TOWGS84")
    print([(get_gdal_config(name), pyogrio.get_gdal_config_option(name)) for name in names])
print(os.environ.get("AWS_PROFILE"))
"""
    settings = tmp_path / ".gdal" / "gdalrc"
    settings.parent.mkdir()
    settings.write_text("[configoptions]\nVRT_SHARED_SOURCE=7\n")
    ambient = {
        "GTIFF_HONOUR_NEGATIVE_SCALEY": "YES",
        "GDAL_NUM_THREADS": "3",
        "CENTER_LONG": "9",
        "OSR_STRIP_TOWGS84": "NO",
        "AWS_PROFILE": "own",
    }
    done = run_python(code, HOME=str(tmp_path), GDAL_CONFIG_FILE=str(settings), **ambient)
    # what is ours is set; nothing else is; keys of cloud stores belong to others
    assert done.stdout.splitlines() == ["[(1, 1), (None, None), (None, None), (None, None), (None, None)]", "own"], (
        done.stdout + done.stderr
    )


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


ADDRESSES = (
    *("/vsicurl/{}/a.tif", "/vsicurl?url={}/a.tif", "/vsicurl_streaming/{}/a.tif", "/vsizip//vsicurl/{}/a.zip/a.tif", "{}/a.tif"),
    *("/vsiswift/b/k.tif", "/vsis3/b/k.tif", "/vsiwebhdfs/{}/webhdfs/v1/a.tif", "GeoJSON:{}/a.geojson", "WFS:{}", 'ZARR:"/vsicurl/{}/a"'),
)


@pytest.mark.parametrize("name", ADDRESSES)
def test_gdal_asks_no_server_even_for_a_name_that_is_a_url(
    requests: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import pyogrio
    import rasterio

    address, asked = requests
    stores = {
        "AWS_S3_ENDPOINT": address.removeprefix("http://"),
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "NO",
        "AWS_NO_SIGN_REQUEST": "YES",
    }
    for variable, value in {**stores, "SWIFT_STORAGE_URL": address, "SWIFT_AUTH_TOKEN": "x"}.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(name.format(address))
    with pytest.raises(pyogrio.errors.DataSourceError):
        pyogrio.read_info(name.format(address))
    assert asked == []


def test_a_crs_that_is_a_url_asks_no_server(requests: tuple[str, list[str]]) -> None:
    import rasterio

    with pytest.raises(rasterio.errors.CRSError):
        rasterio.crs.CRS.from_user_input(f"{requests[0]}/crs")
    assert requests[1] == []


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


def test_reading_says_nothing_of_the_drivers_that_are_skipped(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
import numpy as np
from odc.geo.geobox import GeoBox
from tools.contract import Source
from tools.storage.rasters import raster_info, write_raster
path = Path({str(tmp_path / "x.tif")!r})
write_raster(path, np.ones((3, 3), "uint8"), GeoBox.from_bbox((0, 0, 30, 30), crs="EPSG:32631", resolution=10))
print(raster_info(Source("r", "raster", path, "d")).width)
"""
    done = run_python(code)
    assert (done.stdout.strip(), done.stderr) == ("3", "")
