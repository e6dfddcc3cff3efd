"""Which files a path means: the file itself, or the supported files of a folder without what belongs to them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import DataError
from tools.storage import formats
from tools.storage.identity import NETWORK_PARTS, RASTER_APPENDED, SHAPEFILE_PARTS, SQLITE_APPENDED, world_suffixes
from tools.storage.paths import absolute, is_folder, is_within, real_file
from tools.storage.stac_files import without_linked

MOST_FILES = 20_000
"""Most files of a folder; a larger one is more likely a mistake than a wish."""
(CARD,) = NETWORK_PARTS
APPENDED = (*RASTER_APPENDED, *SQLITE_APPENDED, "-shm")


@dataclass(frozen=True)
class Scan:
    """The files behind a path, sorted."""

    files: tuple[Path, ...]
    skipped: tuple[Path, ...] = ()
    """Files of a folder that are no supported data, or only links out of it; side files and hidden files are not mentioned."""


def scan(path: Path, *, without: Path) -> Scan:
    """Return the files to register; `without` is a folder that is never entered (the workspace).

    Of a folder, links to folders are not entered, and links to files count only where they stay in the folder or in an
    allowed root: who unpacks a foreign archive does not know where its links lead. A link that is named itself is followed.

    Raises NotFoundError where there is nothing, DataError for a folder without supported files, with more than
    MOST_FILES, or for a file that is only part of another.
    """
    start = absolute(path)
    if not is_folder(start):
        _check_whole(real_file(path))
        return Scan((start,))
    everything = [file for file in _walk(start, without) if not is_side_file(file)]
    files = tuple(sorted(file for file in everything if file.suffix.lower() in formats.BY_SUFFIX and is_within(file, start)))
    if not files:
        raise DataError(
            f"The folder {str(path)!r} holds no supported file.", hint="Rasters, vector layers, tables and documents are supported."
        )
    return Scan(without_linked(files), tuple(sorted(set(everything) - set(files))))


def _walk(start: Path, without: Path) -> Iterator[Path]:
    count = 0
    for folder, names, files in os.walk(start):
        here = Path(folder)
        names[:] = sorted(name for name in names if not name.startswith(".") and here / name != without)
        for name in files:
            if not name.startswith("."):
                yield here / name
                count += 1
        if count > MOST_FILES:
            raise DataError(f"The folder {str(start)!r} holds more than {MOST_FILES} files.", hint="Name the files or a smaller folder.")


def is_side_file(file: Path) -> bool:
    """Whether a file only belongs to another one beside it: part of a Shapefile, mask, overviews, world file, journal."""
    return owner(file) is not None


def owner(file: Path) -> Path | None:
    """Return the file that a side file belongs to, or None where it stands for itself."""
    name = file.name.lower()
    appended = next((suffix for suffix in APPENDED if name.endswith(suffix) and len(name) > len(suffix)), None)
    if appended is not None:
        whole = file.with_name(file.name[: -len(appended)])
        return whole if whole.is_file() else None
    if name.endswith(CARD):
        weights = file.with_name(file.name[: -len(CARD)] + formats.NETWORK[0])
        return weights if weights.is_file() else None
    suffix = file.suffix.lower()
    if suffix in (*SHAPEFILE_PARTS, ".sbn", ".sbx", ".qix", ".qmd", ".fix"):
        return next((shape for spelling in (".shp", ".SHP") if (shape := file.with_suffix(spelling)).is_file()), None)
    if suffix.endswith("w") and len(suffix) in (4, 5):
        return next(
            (raster for bare in formats.RASTER if suffix in world_suffixes(bare) and (raster := file.with_suffix(bare)).is_file()), None
        )
    return None


def _check_whole(file: Path) -> None:
    if file.suffix.lower() in formats.ARCHIVE:
        raise DataError(f"The file {file.name!r} is an archive.", hint="Unpack it, and add the files or the folder.")
    if file.suffix.lower() in formats.PICKLED:
        raise DataError(
            f"The file {file.name!r} is a pickle, which may hold any program.",
            hint="Save its weights with safetensors.torch.save_file, and add that file with its card.",
        )
    whole = owner(file)
    if whole is not None:
        raise DataError(
            f"The file {file.name!r} is only a part of {whole.name!r}.", hint=f"Add {whole.name!r}; its parts are read with it."
        )
