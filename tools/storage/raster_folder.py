"""The folder that GDAL sees when it opens a raster: the file and what belongs to its identity, under plain names, and nothing else.

What lies beside a file but is no part of it (RPC and IMD notes, `.aux`, spilled pixels, another raster of the same stem) cannot be
found, and no name inside a file leads out of the folder: what is read is what is in the key, in whichever process. Files are
opened by us and read through us; GDAL never gets a path of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from tools.storage.identity import place_in_name

STEM = "raster"
_SUFFIX = re.compile(r"\.[a-z0-9]{1,12}", re.ASCII)


class RasterFolder:
    """One raster with its side files; methods as in rasterio.abc.FileContainer."""

    def __init__(self, parts: Sequence[tuple[str, Path]]) -> None:
        """Take (role, file) of every part, the file itself first, as from `tools.storage.identity.parts`."""
        main = parts[0][1]
        suffix = main.suffix.lower()
        stem = place_in_name(main) or STEM
        name = stem + (suffix if _SUFFIX.fullmatch(suffix) else ".dat")
        self.path = f"{uuid4().hex}/{name}"
        """How GDAL is to call the raster; each opening by another name, since its caches go by names."""
        self._files = {_beside(role, stem, name): file for role, file in parts}

    @contextmanager
    def shown_to_gdal(self) -> Iterator[str]:
        """Yield the name by which GDAL can open the raster meanwhile.

        rasterio offers such a folder to its own `open` only, which leaves GDAL without a sense of the end of a text: world files
        and .prj would read as empty. GDAL's cache around it has one.
        """
        from rasterio._vsiopener import _opener_registration  # rasterio exports it nowhere else
        from rasterio.abc import FileContainer

        FileContainer.register(type(self))
        with _opener_registration(self.path, self) as name:
            yield f"/vsicached?file={name}"

    def open(self, path: str, *_: object, **__: object) -> BinaryIO:
        """Return a file of its own position, read without a buffer of ours: GDAL has one."""
        return self._found(path, FileNotFoundError).open("rb", buffering=0)

    def isfile(self, path: str) -> bool:
        """Tell whether a name is that of a part."""
        return _name(path) in self._files

    def isdir(self, _: str) -> bool:
        """There are no folders in it."""
        return False

    def ls(self, _: str) -> list[str]:
        """Return the names of all parts."""
        return list(self._files)

    def mtime(self, _: str) -> int:
        """Return no time: nothing depends on one."""
        return 0

    def size(self, path: str) -> int:
        """Return the size; rasterio tries this with a name that is not there and takes KeyError for no."""
        return self._found(path, KeyError).stat().st_size

    def rm(self, path: str) -> None:
        """Refuse to delete."""
        raise PermissionError(path)

    def _found(self, path: str, missing: type[Exception]) -> Path:
        if not self.isfile(path):
            raise missing(path)
        return self._files[_name(path)]


def plain_reason(reason: str) -> str:
    """Return GDAL's words without the names that only this folder knows."""
    return re.sub(r"(?:(?:/vsicached\?file=)?/vsiriopener_\w+/)?[0-9a-f]{32}/", "", reason)


def _beside(role: str, stem: str, name: str) -> str:
    if not role:
        return name
    return name + role[1:] if role.startswith("+") else stem + role


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
