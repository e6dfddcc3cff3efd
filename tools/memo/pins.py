"""Pins: the results that answers cite, which nothing may remove; one small file per owner, so that none can harm another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from tools.drafts import replace_whole
from tools.durable import storage_errors
from tools.errors import ParameterError, StorageError
from tools.memo.key import canonical_json

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class Pins:
    """Who keeps which results, in a folder of the workspace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pin(self, keys: Iterable[str], owner: str) -> None:
        """Keep these results for an owner, e.g. a run; what it kept before is given up.

        Raises ParameterError for an owner that cannot name a file, StorageError where nothing can be written.
        """
        path = self._path(owner)
        with storage_errors("Pinning results in", path):
            self._folder.mkdir(exist_ok=True)
            replace_whole(path, canonical_json({"keys": sorted(set(keys))}), sync=True)

    def unpin(self, owner: str) -> None:
        """Give up all that an owner keeps."""
        path = self._path(owner)
        with storage_errors("Removing the pins", path):
            path.unlink(missing_ok=True)

    def owners(self) -> dict[str, tuple[str, ...]]:
        """Return key → its owners, for every result that is kept.

        Raises StorageError for a file that cannot be read, since what it keeps would be taken for free.
        """
        found: dict[str, list[str]] = {}
        with storage_errors("Reading the pins in", self._folder):
            for path in sorted(self._folder.glob("[!.]*.json")):
                for key in _keys(path):
                    found.setdefault(key, []).append(path.stem)
        return {key: tuple(owners) for key, owners in found.items()}

    def _path(self, owner: str) -> Path:
        if not _OWNER.fullmatch(owner):
            raise ParameterError(f"{owner!r} cannot own pins.", hint="Name the owner with letters, digits, - and _ only.")
        return self._folder / f"{owner}.json"


def _keys(path: Path) -> list[str]:
    try:
        keys = json.loads(path.read_bytes())["keys"]
        if not all(isinstance(key, str) for key in keys):
            raise TypeError(f"keys are text, not {keys!r:.100}")
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"The pins in {path.name} are damaged ({error}).",
            hint="Remove the file from the folder of pins: the results that this run cites are then no longer kept for it.",
        ) from error
    return list(keys)
