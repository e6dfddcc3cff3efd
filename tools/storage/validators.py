"""What a server says by which a file can be known again: its state, which part of it came, and digests of its content."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.storage.bodies import maybe_count

_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')
"""RFC 9110, 8.8.3, of ASCII only: what is sent back must be writable."""
_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.ASCII | re.IGNORECASE)
_DIGEST = re.compile(r"\s*(sha-256|sha-512|sha|md5)\s*=\s*:?([A-Za-z0-9+/]+={0,2}):?\s*(?:;.*)?", re.IGNORECASE)
"""One member of `Digest` (RFC 3230) or `Repr-Digest` (RFC 9530), which sets colons around it."""
_NAMES = {"sha-256": "sha256", "sha-512": "sha512", "sha": "sha1", "md5": "md5"}
_LENGTHS = {"sha256": 32, "sha512": 64, "sha1": 20, "md5": 16}


@dataclass(frozen=True)
class ContentRange:
    """Which part of a file an answer holds (RFC 9110, 14.4)."""

    first: int | None
    """Position of the first byte; None where no part is held, since the range that was asked for does not exist."""
    last: int | None
    """Position of the last byte, which is held too."""
    size: int | None
    """Size of the whole file; None where the server does not say."""


def is_strong(etag: str | None) -> bool:
    """Whether an ETag proves that bytes are equal; a weak one only says that the content means the same."""
    return etag is not None and _STRONG.fullmatch(etag) is not None


def maybe_content_range(headers: Mapping[str, str]) -> ContentRange | None:
    """Read Content-Range; None where there is none, or where it makes no sense."""
    said = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if said is None:
        return None
    first, last, size = (maybe_count(said[at] or "") for at in (1, 2, 3))
    if first is not None and last is not None and (first > last or (size is not None and last >= size)):
        return None
    return ContentRange(first, last, size)


def unless_changed(etag: str | None, modified: str | None) -> tuple[tuple[str, str], ...]:
    """Return the header by which a server says 304 where a file is still in that state (RFC 9110, 13.1); none where none can."""
    for name, value in (("if-none-match", etag), ("if-modified-since", modified)):
        if value and value.isascii() and value.isprintable():
            return ((name, value),)
    return ()


def digests(headers: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """Return what a server states of the content of the whole file: name of an algorithm in hashlib → digest in hexadecimal.

    `Repr-Digest` and `Digest` are of the whole file always, `Content-Digest` and `Content-MD5` (RFC 1864) of what was sent:
    they count only where that is `whole`. What cannot be read states nothing.
    """
    listed = [*headers.get("digest", "").split(","), *headers.get("repr-digest", "").split(",")]
    if whole:
        listed += [*headers.get("content-digest", "").split(","), f"md5={headers.get('content-md5', '')}"]
    found: dict[str, str] = {}
    for member in listed:
        match = _DIGEST.fullmatch(member)
        name = _NAMES[match[1].lower()] if match else ""
        raw = _decoded(match[2]) if match else b""
        if match and len(raw) == _LENGTHS[name]:
            found[name] = raw.hex()
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
