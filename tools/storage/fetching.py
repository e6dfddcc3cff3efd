"""Fetch the bytes of one file on another machine into its quarantine: as often as it takes, from where it broke off."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tools.durable import storage_errors
from tools.errors import DataError, DeadlineError, LimitError, ServiceError, StorageError
from tools.settings import ToolSettings
from tools.storage.bodies import Opened
from tools.storage.download_progress import Told
from tools.storage.hosts import shown
from tools.storage.http import Remote, Request
from tools.storage.quarantine import Part
from tools.storage.signing import signer_for
from tools.storage.validators import digests, maybe_content_range

WORTH_BYTES = 65_536
"""An attempt that brought so many bytes before it broke off is worth another one."""
LEAST_BYTES_PER_S = 1_000
"""A server that sends less, over as long as its silence would be borne, is given up."""
SPARE_BYTES = 64_000_000
"""So much of the disk is left to others."""
SPACE_EVERY_BYTES = 16_000_000


class Outcome(Enum):
    """How asking for a file ended."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    """It still is what it was known to be."""


@dataclass
class Meter:
    """Counts what comes, and ends it where it is too much, too slow, or more than the disk takes."""

    url: str
    folder: Path
    limit: int
    count: int
    size: int | None
    told: Told
    silence_s: float
    _since: tuple[float, int] = field(init=False)
    _looked_at: int = field(init=False)

    def __post_init__(self) -> None:
        self._since = (time.monotonic(), self.count)
        self._looked_at = self.count
        self._check_size(max(self.count, self.size or 0))
        self._check_space((self.size or self.count) - self.count)

    def add(self, count: int) -> None:
        """Enter bytes that came; raise LimitError, ServiceError or StorageError where they end it."""
        self.count += count
        self._check_size(self.count)
        if self.size is not None and self.count > self.size:
            raise ServiceError(f"{self.url} sends more than the {self.size:,} bytes it announced.", hint="Try again later.")
        if self.count - self._looked_at >= SPACE_EVERY_BYTES:
            self._looked_at = self.count
            self._check_space(0)
        self._check_pace()
        self.told(self.count, self.size)

    def _check_size(self, count: int) -> None:
        if count > self.limit:
            raise LimitError(
                f"The file at {self.url} is larger than {self.limit:,} bytes.",
                hint="Raise TERRACITE_MAX_DOWNLOAD_BYTES, or fetch only what is needed of it yourself.",
            )

    def _check_space(self, due: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if due + SPARE_BYTES > free:
            raise StorageError(
                f"Fetching {self.url} needs {due:,} bytes more, and the disk of {self.folder} has only {free:,} free.",
                hint="Free some space, or choose another workspace with --workspace DIR.",
            )

    def _check_pace(self) -> None:
        now, (then, before) = time.monotonic(), self._since
        if now - then < self.silence_s:
            return
        if self.count - before < LEAST_BYTES_PER_S * (now - then):
            raise ServiceError(
                f"{self.url} sent only {self.count - before:,} bytes in {now - then:.0f} s.",
                hint="Try again later: what came is kept. TERRACITE_HTTP_TIMEOUT_S is how long a slow server is borne.",
            )
        self._since = (now, self.count)


@dataclass(frozen=True)
class Fetch:
    """One file to be fetched."""

    remote: Remote
    settings: ToolSettings
    url: str
    part: Part
    until: float
    """End of it all, by the monotonic clock."""
    told: Told
    named: Callable[[Opened], str]
    """Gives the name that the file will have; raises where it is of no use."""
    known: tuple[tuple[str, str], ...] = ()
    """Headers by which the server says 304 where the file is still what is here already."""
    is_proved: bool = False
    """Whether a checksum was given, by which it shows whether the file is whole."""

    def run(self) -> Outcome:
        """Ask until the file is whole, in its part; what came before is gone on with where the server still has that state.

        Raises ServiceError where it breaks off without end or does not fit what was asked, DeadlineError where the time is
        up, LimitError or StorageError where it is too large, and what `Remote.request` raises.
        """
        while True:
            had = self.part.size()
            try:
                outcome = self.remote.receive(self._request, self._take, until=self.until, alive=self._alive)
            except ServiceError as error:
                if time.monotonic() >= self.until:
                    raise self._late() from error
                if self.part.size() - had < WORTH_BYTES:
                    raise
            except (LimitError, StorageError):
                self.part.discard()
                raise
            else:
                if outcome is not None:
                    return outcome

    def _alive(self) -> None:
        self.told(self.part.size(), self.part.state.size)

    def _request(self) -> Request:
        """Ask for the rest of what is there, else for the whole; packed, it could not be gone on with."""
        headers = self.part.headers() or self.known
        return Request(self.url, headers=(*headers, ("accept-encoding", "identity")), signer=signer_for(self.url), accept=(304, 416))

    def _take(self, opened: Opened) -> Outcome | None:
        """Write what comes; None where the file must be asked for anew, from its start."""
        is_rest = bool(self.part.headers())
        if opened.status == 304 and not is_rest and self.known:
            return Outcome.UNCHANGED
        if opened.status == 416 and is_rest:
            said = maybe_content_range(opened.headers)
            if said is not None and said.size == self.part.size():
                return Outcome.FETCHED  # a process was killed between the last byte and the end
            self.part.discard()
            return None
        self._check_end(opened)
        first = self.part.begin(opened, self.named(opened)) if opened.status in (200, 206) else None
        if first is None:
            if not is_rest:
                raise ServiceError(f"{shown(self.url)} answers with status {opened.status}, out of place.", hint="Try again later.")
            return None
        self._write(opened, first)
        return Outcome.FETCHED

    def _check_end(self, opened: Opened) -> None:
        """Raise DataError where a file that breaks off could not be told from a whole one (RFC 9112, 8)."""
        is_told = "content-length" in opened.headers or "chunked" in opened.headers.get("transfer-encoding", "").lower()
        if opened.status == 200 and not (is_told or self.is_proved or digests(opened.headers, whole=True)):
            raise DataError(
                f"The server of {opened.url} does not say where the file ends, so that a part of it could pass for the whole.",
                hint="Give its digest with --checksum sha256:…, or fetch it yourself.",
            )

    def _write(self, opened: Opened, first: int) -> None:
        body, size = self.part.body, self.part.state.size
        meter = Meter(shown(self.url), body.parent, self.settings.max_download_bytes, first, size, self.told, self.settings.http_timeout_s)
        with storage_errors("Fetching a file into", body.parent), body.open("ab" if first else "wb") as stream:
            for chunk in opened.chunks:
                meter.add(len(chunk))
                stream.write(chunk)
        if size is not None and meter.count < size:
            raise ServiceError(f"{shown(self.url)} sent {meter.count:,} of {size:,} bytes.", hint="Try again later: what came is kept.")

    def _late(self) -> DeadlineError:
        return DeadlineError(
            f"{shown(self.url)} was not whole after {self.settings.download_deadline_s:g} s: {self.part.size():,} bytes have come.",
            hint="Ask again to go on from there, or raise TERRACITE_DOWNLOAD_DEADLINE_S.",
        )
