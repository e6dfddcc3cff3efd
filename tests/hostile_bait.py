"""What a hostile file is after: files of somebody else and a host on this machine, and how it shows that they were reached.

The bait lies in `elsewhere`, outside every folder that a case names to the tools. Its content is a text and a pixel value that
occur nowhere else, so that whatever shows one of them has read the bait.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TEXT = "KEEPOUTKEEPOUT"
"""Stands in every file of the bait that holds text."""
PIXEL = 0xC7C7
"""Every pixel of a raster of the bait, as 16 bits; its bytes are all `BYTE`."""
BYTE = 0xC7
SIZE = 16
"""Rows and columns of every raster here."""
LEFT, BOTTOM, RIGHT, TOP = 500_000.0, 4_999_840.0, 500_160.0, 5_000_000.0
CRS = "EPSG:32631"
OWN = 7
"""Every pixel of a raster that is not of the bait."""
NAMES, PEOPLE = ("Adam", "Berta", "Carl"), (10, 20, 30)
"""The columns of every layer that is not of the bait."""


@dataclass(frozen=True)
class Bait:
    """The files to be kept out of, and the address to be kept from."""

    folder: Path
    url: str
    """Ends in a slash; below it lie the same files."""

    def file(self, name: str) -> Path:
        """Return the path of a file of the bait, e.g. `secret.tif`."""
        return self.folder / name


@dataclass(frozen=True)
class FileCase:
    """A file that reaches for the bait, and the nearest one that does not."""

    name: str
    write: Callable[[Path, Bait], Path]
    """Write the hostile file into an empty folder and return the path that somebody would add."""
    twin: Callable[[Path], Path]
    """Write the harmless one."""
    trusted: str = ""
    """Formats that must be trusted for the twin; the hostile file meets both, these and none."""


def write_raster(path: Path, value: int = OWN, *, dtype: str = "uint16", count: int = 1, **options: object) -> Path:
    """Write a raster of one value over the ground of all rasters here."""
    import numpy as np
    import rasterio
    from rasterio.transform import from_bounds

    shape = {"height": SIZE, "width": SIZE, "count": count, "dtype": dtype}
    place = {"crs": CRS, "transform": from_bounds(LEFT, BOTTOM, RIGHT, TOP, SIZE, SIZE)}
    with rasterio.open(path, "w", **{"driver": "GTiff", **shape, **place, **options}) as dataset:
        dataset.write(np.full((count, SIZE, SIZE), value, dtype))
    return path


def features(names: tuple[str, ...] = NAMES) -> dict[str, object]:
    """Return GeoJSON of one square per name, in longitude and latitude."""

    def square(west: float) -> list[list[list[float]]]:
        return [[[west, 45.0], [west + 0.0005, 45.0], [west + 0.0005, 45.0005], [west, 45.0005], [west, 45.0]]]

    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": name, "people": people},
                "geometry": {"type": "Polygon", "coordinates": square(3.0 + 0.0006 * place)},
            }
            for place, (name, people) in enumerate(zip(names, PEOPLE, strict=True))
        ],
    }


def write_layer(path: Path, names: tuple[str, ...] = NAMES, **options: object) -> Path:
    """Write a layer of three squares in the format of the suffix."""
    if path.suffix in (".geojson", ".json"):
        path.write_text(json.dumps(features(names)))
        return path
    import geopandas

    frame = geopandas.GeoDataFrame.from_features(features(names)["features"], crs="EPSG:4326")
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, engine="pyogrio", **options)
    return path


def write_bait(folder: Path) -> None:
    """Write every kind of file that a case may reach for."""
    folder.mkdir(parents=True)
    write_raster(folder / "secret.tif", PIXEL)
    write_raster(folder / "secret.png", PIXEL, driver="PNG")
    (folder / "secret.raw").write_bytes(bytes([BYTE]) * 4096)
    (folder / "secret.ige").write_bytes(b"ERDAS_IMG_EXTERNAL_RASTER\0".ljust(4096, bytes([BYTE])))
    (folder / "secret.txt").write_text(f"{TEXT}\n" * 300)
    (folder / "secret.csv").write_text(f"name,people,lon,lat\n{TEXT},1,3.0,45.0\n")
    (folder / "secret.wkt").write_text(f'GEOGCS["{TEXT}"]')
    for suffix in ("geojson", "gpkg", "shp", "parquet"):
        write_layer(folder / f"secret.{suffix}", (TEXT, TEXT, TEXT))
    with zipfile.ZipFile(folder / "secret.zip", "w") as archive:
        for name in ("secret.tif", "secret.csv", "secret.geojson"):
            archive.write(folder / name, name)


class CanaryHost:
    """Serves the bait on a free port and keeps the first line of every request, and every connection even without one."""

    def __init__(self, folder: Path) -> None:
        self.contacts: list[str] = []
        self._folder = folder
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def close(self) -> None:
        """Stop listening."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        place = len(self.contacts)
        self.contacts.append("(connected)")
        with connection:
            connection.settimeout(5)
            try:
                asked = connection.recv(8192).decode("latin-1").partition("\r\n")[0]
                self.contacts[place] = asked
                method, _, rest = asked.partition(" ")
                file = self._folder / Path(rest.partition(" ")[0].partition("?")[0]).name
                body = file.read_bytes() if file.is_file() else json.dumps(features((TEXT, TEXT, TEXT))).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + (b"" if method == "HEAD" else body))
            except OSError:
                return


@contextmanager
def canary_host(folder: Path) -> Iterator[CanaryHost]:
    """Serve a folder while the block runs."""
    host = CanaryHost(folder)
    try:
        yield host
    finally:
        host.close()


def settle(folder: Path) -> None:
    """Make what lies in a folder an hour old: what was written just now is described anew at each use, since it may still change."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (path.stat().st_atime - 3600, path.stat().st_mtime - 3600))


Listing = dict[str, tuple[object, ...]]


def listing(root: Path, without: Path | None = None) -> Listing:
    """Return what lies below a folder, with time and digest of each file: equal listings mean that nothing was touched."""
    found: Listing = {}
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = [name for name in names if here / name != without]
        for name in (*names, *files):
            path = here / name
            state = path.lstat()
            regular = path.is_file() and not path.is_symlink()
            found[str(path.relative_to(root))] = (
                (state.st_mode, state.st_size, state.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
                if regular
                else (state.st_mode,)
            )
    return found


def changes(before: Listing, after: Listing) -> list[str]:
    """Return the paths that were created, removed or changed."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
