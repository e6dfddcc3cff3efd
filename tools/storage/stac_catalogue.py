"""Open a catalogue of scenes: an API, a collection of one, or a static catalogue on this machine or another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.contract import Source
from tools.errors import DataError
from tools.storage.stac_api import Api, is_api
from tools.storage.stac_files import is_item
from tools.storage.stac_io import GuardedIO
from tools.storage.stac_items import usable
from tools.storage.stac_links import REMOTE, Json, absolute, links_of
from tools.storage.stac_match import implied_collections
from tools.storage.stac_static import Walk, items_in, read_local


@dataclass(frozen=True)
class Catalogue:
    """An opened catalogue: an API, or the root document of a static one."""

    address: str
    """Address, or path of a file."""
    root: Any  # Any: JSON
    io: GuardedIO
    api: Api | None = None

    def collections(self) -> tuple[tuple[Json, ...], tuple[str, ...]]:
        """Return what it holds, as collection documents, or the collections that its items name; and what could not be read."""
        if self.api is not None:
            return self.api.collections(), ()
        walk = Walk(self.read, relations=("child",))
        items = [item for _, listed in walk.items(self.address) for item in listed]
        cut = ("More documents than are read.",) if walk.is_cut else ()
        return (*walk.collections.values(), *implied_collections(usable(items))), (*walk.unread, *cut)

    def read(self, where: str) -> Any:  # Any: JSON
        """Return a document of the catalogue; its root is not read again."""
        if where == self.address:
            return self.root
        return _read_with(self.io, where)


def open_catalogue(source: Source, io: GuardedIO) -> Catalogue:
    """Read the root of a catalogue.

    Raises ServiceError, NotFoundError or DataError where it cannot be read or is no STAC, ParameterError where its host is not
    allowed.
    """
    address = source.url or str(source.path)
    root = _read_with(io, address)
    items = items_in(root)
    if items and not any(is_item(one) for one in items):
        raise DataError(f"{address} is no STAC: it holds features that are no scenes.", hint="Add it as a layer: terracite add.")
    if items is not None:
        return Catalogue(address, root, io)
    if not isinstance(root, dict) or not ("stac_version" in root or is_api(root)):
        raise DataError(
            f"{address} is no STAC: neither an API nor a catalogue, collection or items.", hint="Give the address of its landing page."
        )
    if source.url is not None and is_api(root):
        return Catalogue(address, root, io, Api(address, root, io))
    parent = next(iter(links_of(root, "root")), None)
    if source.url is not None and root.get("type") == "Collection" and links_of(root, "items") and parent is not None:
        whole = absolute(parent["href"], address)
        landing = io.read_object(whole)
        if is_api(landing):
            return Catalogue(address, root, io, Api(whole, landing, io, only=str(root.get("id"))))
    return Catalogue(address, root, io)


def _read_with(io: GuardedIO, where: str) -> Any:  # Any: JSON
    return io.read_object(where) if where.startswith(REMOTE) else read_local(where)
