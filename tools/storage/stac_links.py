"""Addresses that stand in documents of a catalogue: links, relative ones, and what must not be kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from tools.errors import DataError
from tools.redaction import SIGNING

Json = dict[str, Any]  # Any: JSON
REMOTE = ("http://", "https://")
SHOWN = 80
"""Characters of a link that an error shows."""


def links_of(document: object, *relations: str) -> list[Json]:
    """Return the links of these relations that have an address, whatever else stands among the links."""
    links = document.get("links") if isinstance(document, Mapping) else None
    return [
        link
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("rel") in relations and isinstance(link.get("href"), str)
    ]


def joined(base: str, href: str) -> str:
    """Return the address that a link in a document at `base` means; raise DataError for one that is none."""
    try:
        url = href if "://" in href else urljoin(base, href)
        urlsplit(url)
    except ValueError as error:
        raise DataError(f"The link {href[:SHOWN]!r} is no address.", hint="Tell the provider of the catalogue.") from error
    return url


def absolute(href: str, base: str) -> str:
    """Return an address, or a path, that stands in a document at `base`; raise DataError for one that is neither."""
    if base.startswith(REMOTE):
        return joined(base, href)
    if "://" in href:
        return href.removeprefix("file://") if href.startswith("file:///") else href
    try:
        return str((Path(base).parent / href).resolve())
    except (ValueError, OSError, RuntimeError) as error:  # a NUL; links that go round
        raise DataError(f"The link {href[:SHOWN]!r} is no path.", hint="Mend the catalogue.") from error


def unsigned(href: str) -> str:
    """Return an address without user, password and the query parameters that sign it; of what is no address, nothing."""
    if not href.startswith(REMOTE) or not ("?" in href or "@" in href):
        return href
    try:
        parts = urlsplit(href)
    except ValueError:
        return ""
    named = parse_qsl(parts.query, keep_blank_values=True)
    rest = [(name, value) for name, value in named if not SIGNING.fullmatch(name)]
    query = parts.query if len(rest) == len(named) else urlencode(rest)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, parts.fragment))
