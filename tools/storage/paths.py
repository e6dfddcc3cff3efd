"""From a path that somebody named to a real local file: the only kind of name that a reader is ever given.

To GDAL and its wrappers a name is a small language: `/vsicurl/…` fetches, `GTIFF_DIR:…` and `PG:…` choose a driver, `a!b`
enters an archive, `a;b` opens `a`. What passes here is an absolute path of a regular file that none of them can take for
anything else. It is asked again at every use, since a file may be replaced by a link or a pipe after it was registered.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path

from tools.contract import Source
from tools.errors import DataError, NotFoundError
from tools.settings import current_settings

SHOWN = 200
"""Characters of a name that an error shows."""
SYNTAX = "!|;\\"
"""What the readers take for the inside of an archive, for options, for parameters and for a folder."""
UNREAL = (Path("/proc"), Path("/sys"))
"""Where files are no files: they may never end, or do something when they are read."""


def absolute(path: Path) -> Path:
    """Return the path from the root, `~` expanded; links are kept, since side files lie beside the link."""
    # Two leading slashes would stay, and be taken for the name of a machine.
    return Path("/" + os.path.abspath(path.expanduser()).lstrip("/"))  # noqa: PTH100 - Path.resolve would follow links


def real_file(path: Path, *, is_ours: bool = False) -> Path:
    """Return the absolute path of an existing, regular, non-empty file that may be read, links kept.

    `is_ours` is for results of the workspace, which need not lie below the setting `allowed_roots`.
    Raises NotFoundError where there is no such file, DataError for a name that readers would take for something else, for
    what is no regular file or empty, and for a file outside the allowed roots, also where only a link leads out of them.
    """
    check_name(path)
    try:
        file = absolute(path)
        _check_regular(file)
        real = Path(os.path.realpath(file, strict=True))
        if real.stat().st_size == 0:
            raise DataError(f"The file {shown(file.name)} is empty (0 bytes).", hint="Fetch or export it again.")
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, (NotFoundError, DataError)):
            raise
        raise DataError(f"The file {shown(path)} cannot be read ({_reason(error)}).", hint="Check its name and permissions.") from error
    if not is_ours:
        _check_allowed(file, real)
    return file


def source_file(source: Source) -> Path:
    """Return the real file of a source, see `real_file`; a result of ours may lie anywhere."""
    return real_file(source.path, is_ours=source.producer is not None)


def check_name(path: Path) -> None:
    """Raise DataError for a name that a reader may take for something else than a file, or that cannot be told or be a name."""
    text = str(path)
    if any(sign in text for sign in SYNTAX):
        raise DataError(
            f"The path {shown(path)} contains one of {' '.join(SYNTAX)}, which readers take for more than a name.",
            hint="Rename the file or folder.",
        )
    # Neither can be shown or handed on: control characters, and bytes that are no UTF-8 (kept by Python as lone surrogates).
    if any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) < 0xE000 for sign in text):
        raise DataError(f"The path {shown(path)} contains characters that are no text.", hint="Rename the file or folder.")


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; False for a file, and for what `real_file` refuses. Raises DataError for what cannot be a name."""
    check_name(path)
    try:
        return absolute(path).is_dir()
    except OSError:
        return False


def _check_regular(file: Path) -> None:
    """Raise NotFoundError where there is nothing, or a folder, DataError for a pipe, a device, a socket or a file of the system."""
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = None
    if mode is None or stat.S_ISDIR(mode) or str(file).startswith("/vsi"):
        raise NotFoundError(
            f"There is no file {shown(file)}.", hint="Give the path of a file on this machine; add it again if it was moved."
        )
    real = Path(os.path.realpath(file))
    if not stat.S_ISREG(mode) or any(real.is_relative_to(unreal) or file.is_relative_to(unreal) for unreal in UNREAL):
        raise DataError(
            f"The path {shown(file)} is no regular file, but a pipe, a device or a file of the system.", hint="Copy its content to a file."
        )


def allowed_roots() -> tuple[Path, ...]:
    """Return the folders of the setting `allowed_roots`, links resolved; empty where any file may be read."""
    return _resolved(current_settings().allowed_roots)


@lru_cache(maxsize=16)
def _resolved(setting: str) -> tuple[Path, ...]:
    return tuple(Path(root).expanduser().resolve() for root in setting.split(":") if root.strip())


def _check_allowed(file: Path, real: Path) -> None:
    roots = allowed_roots()
    if roots and not any(real.is_relative_to(root) for root in roots):
        where = "is" if real == file else "leads"
        raise DataError(
            f"The file {shown(file)} {where} outside the folders that may be read.",
            hint="Move it there, or add its folder to TERRACITE_ALLOWED_ROOTS.",
        )


def side_file(candidate: Path, owner: Path) -> Path | None:
    """Return a file that would be read beside another one; None where it is not there.

    A link must stay in the folder of its owner, in the folder that a link of the owner leads to, or in an allowed root: its
    owner alone was named by somebody. Raises DataError where it leads elsewhere, and for a pipe or a device.
    """
    try:
        if not candidate.exists() or candidate.is_dir():
            return None
    except OSError:  # its name is too long, or it is a link to itself: nobody can read it
        return None
    _check_regular(candidate)
    real = Path(os.path.realpath(candidate))
    homes = (owner.parent.resolve(), Path(os.path.realpath(owner)).parent, *allowed_roots())
    if candidate.is_symlink() and not any(real.is_relative_to(home) for home in homes):
        raise DataError(
            f"The file {shown(candidate)} leads out of the folder of {shown(owner.name)}, with which it is read.",
            hint="Put the file itself there, or add the folder it lies in to TERRACITE_ALLOWED_ROOTS.",
        )
    return candidate


def is_within(file: Path, folder: Path) -> bool:
    """Whether a file of a folder is a regular file in it, or a link that stays in it or in an allowed root."""
    if not file.is_symlink():
        return file.is_file()
    real = Path(os.path.realpath(file))
    return real.is_file() and any(real.is_relative_to(root) for root in (folder.resolve(), *allowed_roots()))


def told(path: Path | str) -> str:
    """Return a name as a report lists it: as it is, with what is no text escaped."""
    text = str(path)
    return text if text.isprintable() else repr(text)[1:-1]


def shown(path: Path | str) -> str:
    """Return a name as an error shows it: quoted, escaped, and cut where it is very long."""
    text = str(path)
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)[:SHOWN]
