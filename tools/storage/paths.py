"""From a path that somebody named to a real local file: the only kind of name that GDAL is ever given."""

from __future__ import annotations

import os
from pathlib import Path

from tools.errors import DataError, NotFoundError


def absolute(path: Path) -> Path:
    """Return the path from the root, `~` expanded; links are kept, since side files lie beside the link."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - Path.resolve would follow links


def real_file(path: Path) -> Path:
    """Return the absolute path of an existing, non-empty file.

    GDAL would take `/vsicurl/…`, `GTIFF_DIR:…` or `PG:…` for a place of its own; only what exists on disk passes, and
    always as an absolute path, which none of those prefixes can be.
    Raises NotFoundError where there is no such file, DataError where it is empty or cannot be read.
    """
    try:
        file = absolute(path)
        if str(file).startswith("/vsi") or not file.is_file():
            raise NotFoundError(
                f"There is no file {str(path)!r}.", hint="Give the path of a file on this machine; add it again if it was moved."
            )
        if file.stat().st_size == 0:
            raise DataError(f"The file {file.name!r} is empty (0 bytes).", hint="Fetch or export it again.")
    except (OSError, ValueError) as error:
        if isinstance(error, (NotFoundError, DataError)):
            raise
        raise DataError(f"The file {str(path)!r} cannot be read ({error}).", hint="Check its name and permissions.") from error
    return file
