"""The bodies of answers, taken as they come: counted, and unpacked within limits, in no other coding than was asked for.

Codings are undone here and not by httpx, which undoes whatever a server names, several on top of each other, a whole piece at
a time: 64 KB of two layers of gzip are 64 GB.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tools.errors import LimitError, ServiceError

PIECE_BYTES = 1 << 20
"""Most bytes that are unpacked at once."""
MOST_RATIO = 250
"""How many times longer than what was sent an unpacked body may be; JSON of catalogues unpacks to 5 to 30 times."""
RATIO_FROM_BYTES = 4 << 20
"""Shorter bodies may unpack to any ratio: deflate has no more than 1,032."""
GZIP = 16 + zlib.MAX_WBITS
"""The window of zlib that stands for gzip's header and checksum."""


@dataclass(frozen=True)
class Opened:
    """An answer whose body is still to be read, once."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    url: str
    """Where it came from after redirects, without query."""
    chunks: Iterator[bytes]
    """The body, unpacked. Reading raises ServiceError for a coding that was not asked for or a damaged one, LimitError for a bomb."""

    @property
    def size(self) -> int | None:
        """The size of the body in bytes as announced; None where nothing is, or where it is packed."""
        return None if _coding(self.headers) else maybe_count(self.headers.get("content-length", ""))

    def read(self, max_bytes: int) -> bytes:
        """Return the whole body; raise LimitError as soon as it is too large."""
        body = bytearray()
        if (self.size or 0) > max_bytes:
            raise too_large(self.url, max_bytes)
        for chunk in self.chunks:
            body += chunk
            if len(body) > max_bytes:
                raise too_large(self.url, max_bytes)
        return bytes(body)


def too_large(url: str, limit: int) -> LimitError:
    """Return the error of a body that is longer than somebody wants."""
    return LimitError(f"The answer of {url} is larger than {limit:,} bytes.", hint="Ask for less at once: a smaller area or fewer items.")


def maybe_count(text: str) -> int | None:
    """Return a number of bytes that stands in a header; None for what is no number, or one that no file has."""
    return int(text) if len(text) <= 18 and text.isascii() and text.isdecimal() else None


def unpacked(raw: Iterable[bytes], headers: Mapping[str, str], url: str, *, whole: bool, asked: str) -> Iterator[bytes]:
    """Yield a body without its content coding.

    `headers` are those of the answer, `asked` is what the request's Accept-Encoding held; part of a file (`whole` false) is
    never unpacked, since a range of a packed file is nothing that can be. Raises as `Opened.chunks` says.
    """
    coding = _coding(headers)
    if not coding:
        yield from raw
    elif coding in ("gzip", "x-gzip") and "gzip" in asked and whole:
        yield from _gunzipped(raw, url)
    else:
        raise ServiceError(
            f"The answer of {url} is packed as {coding[:40]!r}, which was not asked for.",
            hint="Give the address of the file itself, not packed; or fetch and unpack it yourself.",
        )


def _coding(headers: Mapping[str, str]) -> str:
    """Return the content coding in lower case, `gzip, br` where there are several; empty where there is none."""
    named = (each.strip().lower() for each in headers.get("content-encoding", "").split(","))
    return ", ".join(each for each in named if each not in ("", "identity"))


def _gunzipped(raw: Iterable[bytes], url: str) -> Iterator[bytes]:
    """Yield what one gzip stream or several in a row hold."""
    taken = made = 0
    stream, is_complete = zlib.decompressobj(GZIP), True
    try:
        for packed in raw:
            taken += len(packed)
            rest, piece = packed, b""
            while rest or len(piece) == PIECE_BYTES:
                piece = stream.decompress(rest, PIECE_BYTES)
                made += len(piece)
                _check_ratio(taken, made, url)
                yield piece
                rest, is_complete = (stream.unused_data, True) if stream.eof else (stream.unconsumed_tail, False)
                if stream.eof:
                    stream, piece = zlib.decompressobj(GZIP), b""
    except zlib.error as error:
        raise _damaged(url) from error
    if not is_complete:
        raise _damaged(url)


def _check_ratio(taken: int, made: int, url: str) -> None:
    if made > max(RATIO_FROM_BYTES, MOST_RATIO * taken):
        raise LimitError(
            f"The answer of {url} unpacks to more than {MOST_RATIO} times its size.", hint="Fetch and unpack it yourself if you trust it."
        )


def _damaged(url: str) -> ServiceError:
    return ServiceError(f"The answer of {url} is damaged: its compression cannot be undone.", hint="Try again later.")
