"""Put the files of a result where somebody asks for them: whole or not at all, and never over what is there unasked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tools.durable import storage_errors, sync_folder
from tools.errors import NotFoundError, ParameterError

COMPANIONS = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".idm", ".ind"),
    ".gpkg": (".gpkg-wal", ".gpkg-shm", ".gpkg-journal"),
    ".tif": (".tif.aux.xml", ".tif.ovr", ".tif.msk", ".tfw"),
    ".tiff": (".tiff.aux.xml", ".tiff.ovr", ".tiff.msk", ".tfw"),
}
"""Suffix → those of the files beside it that are read with it: of an older file they would be wrong."""


def place(files: Sequence[Path], target: Path, *, overwrite: bool) -> tuple[Path, ...]:
    """Copy files, the main one first, to `target` and beside it under the same stem; return where they lie.

    Each is written under a temporary name in the same folder, reaches the disk and is then renamed, the main file last. With
    `overwrite`, what belonged to an older file of that name goes. Raises ParameterError where one is there and may not be replaced,
    NotFoundError where the folder is missing, StorageError where it cannot be written.
    """
    if not target.parent.is_dir():
        raise NotFoundError(f"There is no folder {target.parent}.", hint="Make it first, or choose another.")
    targets = [_beside(file.name, files[0], target) for file in files]
    beside = [target.with_name(f"{target.stem}{suffix}") for suffix in COMPANIONS.get(target.suffix.lower(), ())]
    there = [path.name for path in dict.fromkeys([*targets, *beside]) if os.path.lexists(path)]
    if there and not overwrite:
        raise ParameterError(
            f"{', '.join(there)} is there already in {target.parent}.", hint="Choose another name, or replace it with --force."
        )
    drafts = [path.with_name(f".{path.name}.{os.getpid()}.draft") for path in targets]
    with storage_errors("writing", target):
        try:
            for file, draft in zip(files, drafts, strict=True):
                _copy(file, draft)
            for path in beside:
                if path not in targets:
                    path.unlink(missing_ok=True)
            for draft, path in reversed(list(zip(drafts, targets, strict=True))):
                _rename(draft, path, overwrite=overwrite)
        finally:
            for draft in drafts:
                draft.unlink(missing_ok=True)
        with suppress(OSError):  # some file systems do not sync folders
            sync_folder(target.parent)
    return tuple(targets)


def _beside(name: str, main: Path, target: Path) -> Path:
    """Return where a file lies that belongs to the main one: `x.tif.aux.xml` follows the whole name, `x.dbf` the stem."""
    if name.startswith(main.name):
        return target.with_name(target.name + name.removeprefix(main.name))
    return target.with_name(target.stem + name.removeprefix(main.stem))


def _copy(file: Path, draft: Path) -> None:
    with file.open("rb") as source, draft.open("xb") as stream:
        shutil.copyfileobj(source, stream)
        stream.flush()
        os.fsync(stream.fileno())


def _rename(draft: Path, path: Path, *, overwrite: bool) -> None:
    """Give the draft its name; without `overwrite` a file that came meanwhile stays."""
    if overwrite:
        draft.replace(path)
        return
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise ParameterError(f"{path.name} is there already.", hint="Choose another name, or replace it with --force.") from error
