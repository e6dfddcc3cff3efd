"""Files on other machines, read by byte ranges: just the bytes needed, and every one of the same state of the file.

The first answer pins the file: its size and its ETag. Every later answer must be of that state; one that is not, one that is
shorter than asked, and a server that knows no ranges are noticed. GDAL reads through `tools.storage.remote_rasters` and never
sees an address.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from tools.errors import BusyError, DataError, LimitError, ServiceError
from tools.storage.checksums import maybe_multihash
from tools.storage.hosts import shown
from tools.storage.http import Answer, Remote, Request, Signer
from tools.storage.validators import is_strong, maybe_content_range

HEAD_BYTES = 4096
"""First read of a file: enough for the header of a COG of some 3,000² pixels; one of 10,980² takes a second read."""
MOST_AHEAD_BYTES = 65_536
"""Small reads that follow each other fetch twice as much each time, up to this."""
SMALL_BYTES = 4096
"""Reads up to this are of the header: libtiff reads tile tables in pages of 4096 bytes. Tiles are read exactly."""
GAP_BYTES = 64
"""Ranges this near are fetched as one; the tiles of a COG stand 8 bytes apart."""
PIECE_BYTES = 8_000_000
"""Longer ranges are fetched in pieces of this, side by side."""
WHOLE_BYTES = 64_000_000
"""Largest file that is taken whole: where a server knows no ranges, and where nearly all of it is needed."""
ALIVE_S = 0.25
"""Seconds between two questions whether anybody still waits for what is being fetched."""
AT_ONCE = 8
"""Requests side by side, as browsers do."""


def _nobody_waits() -> None:
    """Go on."""


@dataclass
class Budget:
    """What one tool call fetched and may fetch; shared by its files, safe for several threads."""

    limit: int
    """Most bytes."""
    spent: int = 0
    """Bytes of bodies fetched."""
    requests: int = 0
    alive: Callable[[], None] = _nobody_waits
    """Called in the caller's thread before and while something is fetched; raises where nobody wants it any more."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, count: int) -> None:
        """Enter bytes that are about to be fetched; raise LimitError where they are too many."""
        with self._lock:
            if self.spent + count > self.limit:
                raise LimitError(
                    f"More than {self.limit:,} bytes would be fetched from remote machines.",
                    hint="Ask for a smaller area or a coarser resolution, or raise TERRACITE_MAX_READ_BYTES.",
                )
            self.spent += count
            self.requests += 1


@dataclass(frozen=True)
class Pin:
    """What a remote file must be: what is None is not known."""

    size: int | None = None
    etag: str | None = None
    """Or, of a server that states none, when the file was last modified."""
    checksum: str | None = None
    """Multihash in hexadecimal (the `file:checksum` of STAC), checked where the file is read whole."""


class RemoteFile:
    """One remote file. Reads return what is there: fewer bytes only at its end.

    Raises BusyError where the file changes while it is read, DataError where it is not the pinned one, is empty or has another
    checksum, ServiceError where the server answers nonsense, LimitError at the budget, and what `Remote.request` raises.
    """

    def __init__(self, remote: Remote, url: str, budget: Budget, *, pin: Pin = Pin(), signer: Signer | None = None) -> None:
        self._remote = remote
        self._url = url
        self._budget = budget
        self._pin = pin
        self._signer = signer
        self._kept: list[tuple[int, bytes]] = []
        self._ahead = HEAD_BYTES
        self._lock = threading.Lock()

    @property
    def plain_url(self) -> str:
        """The address for messages, without query."""
        return shown(self._url)

    @property
    def size(self) -> int:
        """The size in bytes, asked for with the header where it is not known."""
        if self._pin.size is None or not self._kept:
            self.read(0, 1)
        return self._pin.size or 0

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`; small reads fetch some more, and keep it."""
        with self._lock:
            kept = self._found(offset, count)
            if kept is not None:
                return kept
            if count > SMALL_BYTES:
                return self._fetched_all([(offset, count)])[0]
            ahead, self._ahead = self._ahead, min(2 * self._ahead, MOST_AHEAD_BYTES)
            (body,) = self._fetched_all([(offset, max(count, ahead))])
            self._kept.append((offset, body))
            return body[:count]

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each (offset, count); what is near each other is fetched at once, the rest side by side."""
        joined = joined_ranges([each for each in ranges if self._found(*each) is None])
        pieces = [(at, min(PIECE_BYTES, end - at)) for start, end in joined for at in range(start, end, PIECE_BYTES)]
        bodies = self._fetched_all(pieces)
        fetched = dict(zip((at for at, _ in pieces), bodies, strict=True))
        runs = [(start, b"".join(fetched[at] for at in range(start, end, PIECE_BYTES))) for start, end in joined]
        return [self._cut(runs, *each) for each in ranges]

    def fetch_whole(self) -> None:
        """Take the whole file, and check it against its checksum; later reads fetch nothing."""
        body = b"".join(self.read_many([(0, self.size)]))
        _check(body, self._pin.checksum, self.plain_url)
        self._kept = [(0, body)]

    def _fetched_all(self, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
        """Fetch ranges side by side, and ask meanwhile whether anybody still waits; if not, what is under way is left to itself."""
        self._budget.alive()
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            under_way = [pool.submit(self._fetched, *piece) for piece in pieces]
            done, left = wait(under_way, ALIVE_S, FIRST_EXCEPTION)
            while left:
                for each in done:
                    each.result()  # raises what went wrong, while others are still under way
                self._budget.alive()
                done, left = wait(under_way, ALIVE_S, FIRST_EXCEPTION)
            return [each.result() for each in under_way]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _found(self, offset: int, count: int) -> bytes | None:
        end = offset + count if self._pin.size is None else min(offset + count, self._pin.size)
        if self._pin.size is not None and self._kept and offset >= self._pin.size:
            return b""
        return next((body[offset - at : end - at] for at, body in self._kept if at <= offset and end <= at + len(body)), None)

    def _cut(self, runs: Sequence[tuple[int, bytes]], offset: int, count: int) -> bytes:
        kept = self._found(offset, count)
        if kept is not None:
            return kept
        return next(body[offset - at : offset - at + count] for at, body in runs if at <= offset < at + max(len(body), 1))

    def _fetched(self, offset: int, count: int) -> bytes:
        """Fetch a range; where the server knows none, the whole file, which is kept."""
        if self._pin.size is not None:
            count = min(count, self._pin.size - offset)
        if count <= 0:
            return b""
        self._budget.take(count)
        answer = self._asked(offset, count)
        if answer.status in (412, 416):
            raise self._changed() if self._kept or answer.status == 412 else self._empty()
        self._pin_to(answer)
        if answer.status == 200:
            self._budget.take(max(0, len(answer.body) - count))
            _check(answer.body, self._pin.checksum, self.plain_url)
            self._kept = [(0, answer.body)]
            return answer.body[offset : offset + count]
        due = min(count, (self._pin.size or 0) - offset)
        if len(answer.body) != due:
            raise ServiceError(f"{self.plain_url} sent {len(answer.body)} bytes where {due} were asked for.", hint="Try again later.")
        return answer.body

    def _asked(self, offset: int, count: int) -> Answer:
        headers = [("range", f"bytes={offset}-{offset + count - 1}"), ("accept-encoding", "identity")]
        if is_strong(self._pin.etag):  # If-Match never holds for a weak one (RFC 9110, 13.1.1)
            headers.append(("if-match", self._pin.etag or ""))
        request = Request(self._url, headers=tuple(headers), signer=self._signer, accept=(412, 416), max_bytes=max(count, WHOLE_BYTES))
        try:
            return self._remote.request(request)
        except LimitError as error:
            raise ServiceError(
                f"The server of {self.plain_url} knows no byte ranges, and the file is larger than {WHOLE_BYTES:,} bytes.",
                hint="Download the file and register it with terracite add.",
            ) from error

    def _pin_to(self, answer: Answer) -> None:
        """Hold the file to what the first answer says of it; raise where this one says something else."""
        if answer.status == 200:
            size = len(answer.body)
        else:
            said = maybe_content_range(answer.headers)
            if answer.status != 206 or said is None or said.size is None:
                raise ServiceError(f"{self.plain_url} answers a range with status {answer.status}.", hint="Try again later.")
            size = said.size
        etag = answer.headers.get("etag") or answer.headers.get("last-modified")
        if self._pin.size not in (None, size) or (self._pin.etag and etag and self._pin.etag != etag):
            raise self._changed()
        self._pin = Pin(size, self._pin.etag or etag, self._pin.checksum)

    def _changed(self) -> BusyError | DataError:
        if self._kept:
            return BusyError(f"{self.plain_url} changed while it was read.", hint="Read it again.")
        return DataError(
            f"{self.plain_url} is not the file that was found: size or ETag differ.", hint="Search again, then read what is found."
        )

    def _empty(self) -> DataError:
        return DataError(f"{self.plain_url} is empty.", hint="Check the address; the file may be damaged at its source.")


def joined_ranges(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return (start, end) of ranges (offset, count), sorted, with those at most `GAP_BYTES` apart made one."""
    joined: list[tuple[int, int]] = []
    for offset, count in sorted(ranges):
        if joined and offset <= joined[-1][1] + GAP_BYTES:
            joined[-1] = (joined[-1][0], max(joined[-1][1], offset + count))
        else:
            joined.append((offset, offset + count))
    return joined


def _check(body: bytes, checksum: str | None, plain_url: str) -> None:
    """Raise DataError where a whole file is not what its multihash says; what is no multihash of a known kind checks nothing."""
    stated = maybe_multihash(checksum)
    if stated is not None and hashlib.new(stated.algorithm, body, usedforsecurity=False).hexdigest() != stated.digest:
        raise DataError(
            f"{plain_url} is not what its catalogue says: the checksum differs.",
            hint="It may be damaged; tell the provider, or try again.",
        )
