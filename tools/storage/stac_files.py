"""Which files on this machine are catalogues of scenes: told by what stands in them, since their names say nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tools.errors import DataError
from tools.settings import current_settings
from tools.storage import formats
from tools.storage.stac_links import absolute, links_of

HEAD_BYTES = 1 << 20
MARKS = (b'"stac_version"', b'"assets"')
"""One of these stands in the first megabyte of every catalogue; a vector layer without them is not read whole to find out."""


def is_stac(path: Path) -> bool:
    """Whether a file is a STAC catalogue, collection, item, or holds items; a vector layer never is."""
    if path.suffix.lower() in formats.PARQUET and path.is_file():
        from tools.storage.stac_parquet import holds_items

        return holds_items(path)
    return _document(path) is not None


def without_linked(files: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files of a folder without the documents that belong to a catalogue in it: they are reached from its root."""
    documents = {file: document for file in files if (document := _document(file)) is not None}
    linked = {there for file, document in documents.items() for there in _targets(document, file, "child", "item") if there != file}
    linked |= {
        file for file, document in documents.items() if any(there in documents for there in _targets(document, file, "root", "parent"))
    }
    linked -= {file for file, document in documents.items() if file in _targets(document, file, "root")}
    return tuple(file for file in files if file not in linked)


def _targets(document: object, file: Path, *relations: str) -> list[Path]:
    found = []
    for link in links_of(document, *relations):
        with suppress(DataError):  # a link that is no path leads to no file of the folder
            found.append(Path(absolute(str(link["href"]), str(file))))
    return found


def _document(path: Path) -> object | None:
    """Return the content of a file where it is STAC."""
    if path.suffix.lower() not in formats.JSON or not path.is_file() or path.stat().st_size > current_settings().max_text_bytes:
        return None
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not any(mark in head for mark in MARKS):
        return None
    try:
        document: object = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    return document if _is_stac(document) else None


def _is_stac(document: object) -> bool:
    if isinstance(document, list):
        return bool(document) and all(is_item(one) for one in document)
    if not isinstance(document, dict):
        return False
    if isinstance(document.get("features"), list):
        return bool(document["features"]) and is_item(document["features"][0])
    return is_item(document) or ("stac_version" in document and isinstance(document.get("links"), list))


def is_item(value: object) -> bool:
    """Whether a value looks like a scene: a feature whose assets stand beside its properties, not among them."""
    return isinstance(value, dict) and value.get("type") == "Feature" and isinstance(value.get("assets"), dict)
