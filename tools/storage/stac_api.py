"""A STAC API: its landing page, what it says it can do, its collections, and the pages of a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

from pystac_client import ItemSearch

from tools.errors import NotFoundError, ServiceError
from tools.geo.footprint import Bounds
from tools.storage.stac_io import GuardedIO, RejectedError
from tools.storage.stac_items import is_name
from tools.storage.stac_links import Json, joined, links_of
from tools.storage.stac_query import CLOUD, Order, SceneQuery, cql2, rfc3339

Method = Literal["GET", "POST"]
PAGE_ITEMS = 100
MOST_COLLECTIONS = 2_000
SORT_FIELDS: Mapping[Order, tuple[str, Literal["asc", "desc"]]] = {
    "time": ("properties.datetime", "asc"),
    "-time": ("properties.datetime", "desc"),
    "cloud": (f"properties.{CLOUD}", "asc"),
    "-cloud": (f"properties.{CLOUD}", "desc"),
}


@dataclass(frozen=True)
class Api:
    """One API, as its landing page describes it; `only` narrows it to one collection."""

    url: str
    landing: Mapping[str, Any]
    io: GuardedIO
    only: str | None = None

    @cached_property
    def conforms_to(self) -> tuple[str, ...]:
        """The conformance classes that it declares."""
        declared = self.landing.get("conformsTo")
        return _texts(declared if isinstance(declared, list) else self._conformance())

    def _conformance(self) -> object:
        """Return what stands behind the link of that name, as in versions before 1.0; nothing where it cannot be read."""
        link = next(iter(links_of(self.landing, "conformance")), None)
        try:
            return self.io.read_object(joined(self._base, link["href"])).get("conformsTo") if link else []
        except (NotFoundError, ServiceError):
            return []

    @property
    def filters(self) -> bool:
        """Whether it declares filters in CQL2 JSON that compare properties."""
        return self._declares("item-search#filter") and self._declares("cql2-json") and self._declares("basic-cql2")

    @property
    def queries(self) -> bool:
        """Whether it declares the older comparison of single properties."""
        return self._declares("item-search#query")

    @property
    def sorts(self) -> bool:
        """Whether it declares sorting."""
        return self._declares("item-search#sort")

    def _declares(self, ending: str) -> bool:
        return any(text.rstrip("/").endswith(ending) for text in self.conforms_to)

    def collections(self) -> tuple[Json, ...]:
        """Return its collections, all pages; where it has no list of them, those that its landing page links to."""
        try:
            found = list(self._listed())
        except (NotFoundError, RejectedError):
            found = []
        if not found:
            links = links_of(self.landing, "child")[:MOST_COLLECTIONS]
            found = [self.io.read_object(joined(self._base, link["href"])) for link in links]
        return tuple(one for one in found if is_name(one.get("id")) and self.only in (None, one["id"]))

    def collection(self, name: str) -> Json | None:
        """Return one collection; None where there is none of that id."""
        if self.only not in (None, name):
            return None
        try:
            found = self.io.read_object(f"{self._collections_url}/{quote(name, safe='')}")
        except (NotFoundError, RejectedError):
            return next((one for one in self.collections() if one["id"] == name), None)
        return found if found.get("id") == name else None

    def pages(self, box: Bounds | None, parameters: Json, method: Method) -> Iterator[tuple[str, Json]]:
        """Yield (address, page) of everything that answers the parameters within a box.

        Raises RejectedError where the server does not understand them, ServiceError for pages that are no lists of scenes.
        """
        search = ItemSearch(self._search_url, method=method, stac_io=self.io, bbox=box, limit=PAGE_ITEMS, **parameters)
        for page in self.io.get_pages(search.url, search.method, search.get_parameters()):
            if not isinstance(page.get("features"), list):
                raise ServiceError(
                    f"The catalogue {self.url} answers a search with something that is no list of scenes.",
                    hint="It may be too old, or no STAC API; give the address of a current one.",
                )
            yield search.url, page

    def parameters(self, query: SceneQuery, *, plain: bool = False) -> Json:
        """Return what to tell the server: place and time as every API understands them, filter and sorting where it does.

        `plain` leaves filter and sorting out.
        """
        told: Json = {
            "collections": list(query.collections) or ([self.only] if self.only else None),
            "ids": list(query.ids) or None,
            "datetime": None if query.span is None else rfc3339(query.span),
        }
        if plain:
            return told
        if self.filters and self.method == "POST" and (condition := cql2(query)) is not None:
            told |= {"filter": condition, "filter_lang": "cql2-json"}
        elif not self.filters and self.queries and query.cloud_below is not None:
            told |= {"query": {CLOUD: {"lt": query.cloud_below}}}
        if self.sorts and len(query.boxes) == 1:
            name, direction = SORT_FIELDS[query.order]
            told |= {"sortby": [{"field": name, "direction": direction}]}
        return told

    @property
    def _base(self) -> str:
        return self.url if self.url.endswith("/") else f"{self.url}/"

    @property
    def _collections_url(self) -> str:
        link = next(iter(links_of(self.landing, "data")), None)
        return joined(self._base, str(link["href"]) if link else "collections").rstrip("/")

    @property
    def _search_url(self) -> str:
        link = next(iter(links_of(self.landing, "search")), None)
        return joined(self._base, str(link["href"]) if link else "search")

    @property
    def method(self) -> Method:
        """POST, unless the landing page names only GET."""
        methods = {str(link["method"]).upper() for link in links_of(self.landing, "search") if "method" in link}
        return "GET" if methods == {"GET"} else "POST"

    def _listed(self) -> Iterator[Json]:
        count = 0
        for page in self.io.get_pages(self._collections_url):
            listed = page.get("collections")
            fresh = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            yield from fresh
            count += len(fresh)
            if not fresh or count >= MOST_COLLECTIONS:
                return


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def is_api(document: Mapping[str, Any]) -> bool:
    """Whether a document is the landing page of an API that can be searched."""
    declared = document.get("conformsTo")
    declares = isinstance(declared, list) and any("item-search" in str(text) for text in declared)
    return declares or bool(links_of(document, "search"))
