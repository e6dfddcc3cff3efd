"""Static catalogues: documents that link to documents, on this machine or on another, read one by one and checked here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.errors import DataError, LimitError, NotFoundError, ServiceError, TerraciteError
from tools.settings import current_settings
from tools.storage import formats
from tools.storage.paths import real_file
from tools.storage.stac_items import box_region, is_name
from tools.storage.stac_links import REMOTE, SHOWN, Json, absolute, links_of
from tools.storage.stac_parquet import read_items
from tools.storage.stac_query import SceneQuery, norm_instant

MOST_DOCUMENTS = 5_000
"""Most documents of one walk."""
Reader = Callable[[str], Any]
"""Address or path of a JSON document → its content."""


def read_local(path: str) -> Any:  # Any: JSON
    """Return the JSON of a file or, of a stac-geoparquet file, its items; raise NotFoundError, DataError or LimitError."""
    file = real_file(Path(path))
    limit = current_settings().max_text_bytes
    if file.stat().st_size > limit:
        raise LimitError(
            f"The catalogue {file.name!r} has more than {limit:,} bytes.",
            hint="Split it, serve it by an API, or raise TERRACITE_MAX_TEXT_BYTES.",
        )
    if file.suffix.lower() in formats.PARQUET:
        return read_items(file)
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"The file {file.name!r} is no JSON ({error}).", hint="Check that it was downloaded whole.") from error


@dataclass
class Walk:
    """A walk from a root document to its items; bounded, and never twice to the same document.

    From a root on this machine it stays in the root's folder: a catalogue is foreign text, and says what else it wants read.
    """

    read: Reader
    query: SceneQuery = field(default_factory=SceneQuery)
    """Collections that cannot hold a wanted scene are not entered."""
    relations: tuple[str, ...] = ("child", "item", "items")
    """Which links are followed."""
    unread: list[str] = field(default_factory=list)
    """Why documents below the root could not be read."""
    collections: dict[str, Json] = field(default_factory=dict)
    """Those met on the way, by id."""
    is_cut: bool = False
    """Whether it ended before everything was read."""
    _visited: set[str] = field(default_factory=set)
    _home: Path | None = None
    """The folder of a root on this machine."""

    def items(self, root: str) -> Iterator[tuple[str, list[object]]]:
        """Yield (where it was read, items) of every document below the root that holds items, the root included.

        Raises what reading the root raises.
        """
        self._home = None if root.startswith(REMOTE) else Path(root).resolve().parent
        waiting = [(root, self._document(root))]
        while waiting:
            here, document = waiting.pop()
            listed = items_in(document)
            if listed is not None:
                yield here, listed
            elif not isinstance(document, dict) or not self._may_hold(document):
                continue
            followed = links_of(document, *(self.relations if listed is None else ("next",)))
            for link in reversed(followed):
                found = self._below(link["href"].partition("#")[0], here)
                waiting += [] if found is None else [found]

    def _below(self, href: str, here: str) -> tuple[str, Any] | None:  # Any: JSON
        """Return where a link leads and what lies there; None for what was read before, or cannot be."""
        try:
            there = absolute(href, here)
            if there in self._visited:
                return None
            if len(self._visited) >= MOST_DOCUMENTS:
                self.is_cut = True
                return None
            if here.startswith(REMOTE) and not there.startswith(REMOTE):
                raise DataError("A link of a remote catalogue names a file of this machine.", hint="Tell the provider of the catalogue.")
            if not there.startswith(REMOTE) and (self._home is None or not Path(there).resolve().is_relative_to(self._home)):
                raise DataError(
                    f"The link {href[:SHOWN]!r} leads out of the catalogue's folder.", hint="Register the catalogue that it leads to."
                )
            return there, self._document(there)
        except TerraciteError as error:
            if isinstance(error, (DataError, NotFoundError, ServiceError)):
                self.unread.append(error.message)
                return None
            raise

    def _document(self, where: str) -> Any:  # Any: JSON
        self._visited.add(where)
        return self.read(where)

    def _may_hold(self, document: Json) -> bool:
        if document.get("type") != "Collection" or not is_name(document.get("id")):
            return True
        self.collections[document["id"]] = document
        is_leaf = not links_of(document, "child")
        if is_leaf and self.query.collections and document["id"] not in self.query.collections:
            return False
        return reaches(document, self.query) is not False


def items_in(document: object) -> list[object] | None:
    """Return the items of a document that holds some: an item, a FeatureCollection or a list; None for all else."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return None
    if document.get("type") == "Feature":
        return [document]
    features = document.get("features")
    return features if isinstance(features, list) else None


def reaches(collection: Mapping[str, Any], query: SceneQuery, until: datetime | None = None) -> bool | None:
    """Whether the extent that a collection states reaches the place and time asked for; None where it states none.

    An open end means `until`, where that is given.
    """
    extent = collection.get("extent")
    try:
        boxes = [box_region(box) for box in extent["spatial"]["bbox"]]  # type: ignore[index]  # anything may stand here
        intervals = [(_instant(start), _instant(end) or until) for start, end in extent["temporal"]["interval"]]  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None
    if not boxes or not intervals:
        return None
    wanted = [box_region(list(box)) for box in query.boxes if box is not None]
    is_there = not wanted or any(box.intersects(place) for box in boxes for place in wanted)
    start, end = query.span or (None, None)
    is_then = any(
        (end is None or first is None or first <= end) and (start is None or last is None or last >= start) for first, last in intervals
    )
    return is_there and is_then


def _instant(text: str | None) -> Any:  # Any: datetime or None
    return None if text is None else norm_instant(text)
