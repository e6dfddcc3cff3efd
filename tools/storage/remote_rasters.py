"""Open a remote GeoTIFF: GDAL reads through our own range requests and is given a name that means nothing elsewhere."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from tools.errors import DataError
from tools.storage.bootstrap import bootstrap
from tools.storage.cog import first_line
from tools.storage.ranges import RemoteFile
from tools.storage.tiff_directories import check_tiff

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

Read = TypeVar("Read", bytes, int, list[bytes])


@contextmanager
def open_remote(file: RemoteFile, overview: int | None = None) -> Iterator[DatasetReader]:
    """Open a remote GeoTIFF, or one of its overviews (from 0, finest first); side files are not looked for.

    What goes wrong while GDAL reads is raised as it happened: an error of `RemoteFile`, else DataError. LimitError for a file that
    is larger than the published limits, as of one on this machine.
    """
    bootstrap()
    import rasterio
    from rasterio._err import CPLE_BaseError  # what GDAL signals outside reading; rasterio exports it nowhere else
    from rasterio.abc import MultiByteRangeResourceContainer
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    MultiByteRangeResourceContainer.register(_Container)
    check_tiff(file.read, file.plain_url)
    container = _Container(file)
    options = {} if overview is None else {"OVERVIEW_LEVEL": overview}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # who needs georeferencing checks, and raises
            dataset = rasterio.open(container.name, opener=container, driver="GTiff", **options)
        with dataset:
            yield dataset
    except (RasterioError, CPLE_BaseError) as error:
        if container.failure is not None:
            raise container.failure from error
        raise _unreadable(file, first_line(error).rpartition(": ")[2], container) from error
    if container.failure is not None:
        raise container.failure
    if container.is_cut_short:
        raise _unreadable(file, "", container)


def _unreadable(file: RemoteFile, reason: str, container: _Container) -> DataError:
    if container.name in reason:  # a name that GDAL alone knows: it says that the format is unknown
        reason = "it is none"
    elif container.is_cut_short:
        reason = f"it ends after {file.size:,} bytes, before its last pixels"
    return DataError(
        f"{file.plain_url} cannot be read as a GeoTIFF ({reason}).", hint="It may be damaged or of another format; choose another file."
    )


class _Container:
    """The folder that GDAL sees: one file. Methods as in rasterio.abc.MultiByteRangeResourceContainer."""

    def __init__(self, file: RemoteFile) -> None:
        self.name = f"{uuid4().hex}.tif"
        self.failure: BaseException | None = None
        """The first error; an exception that left a callback of GDAL would end up anywhere."""
        self.is_cut_short = False
        """Whether tiles were asked for that lie beyond the end."""
        self._file = file

    def open(self, path: str, *_: object, **__: object) -> _Handle:
        """Return the file with a position of its own; there is no other."""
        if not self.isfile(path):
            raise FileNotFoundError(path)
        return _Handle(self)

    def isfile(self, path: str) -> bool:
        return path.endswith(self.name)

    def isdir(self, _: str) -> bool:
        return False

    def ls(self, _: str) -> list[str]:
        return [self.name]

    def mtime(self, _: str) -> int:
        return 0

    def size(self, path: str) -> int:
        """Return the size; rasterio tries this with a name that is not there and takes KeyError for no."""
        if not self.isfile(path):
            raise KeyError(path)
        return self.end()

    def rm(self, path: str) -> None:
        raise PermissionError(path)

    def read(self, offset: int, count: int) -> bytes:
        """Return bytes; none where reading them fails, or something failed before."""
        return self._tried(lambda: self._file.read(offset, count), b"")

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of several ranges, as `read` does; zeros stand for what lies beyond the end.

        rasterio copies each body into memory that is not empty before: what a short one leaves there may look like pixels.
        """
        bodies = self._tried(lambda: self._file.read_many(ranges), [b""] * len(ranges))
        self.is_cut_short |= any(len(body) < count for body, (_, count) in zip(bodies, ranges, strict=True))
        return [body.ljust(count, b"\0") for body, (_, count) in zip(bodies, ranges, strict=True)]

    def end(self) -> int:
        """Return the size, or 0 where it cannot be had."""
        return self._tried(lambda: self._file.size, 0)

    def _tried(self, act: Callable[[], Read], otherwise: Read) -> Read:
        if self.failure is None:
            try:
                return act()
            except BaseException as error:  # noqa: BLE001 - GDAL, which called, cannot pass it on; `open_remote` raises it
                self.failure = error
        return otherwise


class _Handle(io.RawIOBase):
    """An open file as GDAL uses it."""

    def __init__(self, container: _Container) -> None:
        super().__init__()
        self._container = container
        self._at = 0

    def read(self, count: int = -1) -> bytes:
        if count < 0:
            count = self._container.end() - self._at
        body = self._container.read(self._at, count)
        self._at += len(body)
        return body

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._container.end() if whence == io.SEEK_END else 0}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def get_byte_ranges(self, offsets: Sequence[int], sizes: Sequence[int]) -> list[bytes]:
        """Return several ranges at once, as GDAL asks for the tiles of a window."""
        return self._container.read_many(list(zip(offsets, sizes, strict=True)))
