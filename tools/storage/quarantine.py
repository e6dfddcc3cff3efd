"""A file while it is fetched: what has come of it, of which state of the remote file, and what may be asked for next.

It lies apart until it is whole and checked. What a killed process left is gone on with, unless the machine itself stopped
meanwhile: then the file may be longer than what reached the disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from tools.durable import replace_alone, storage_errors
from tools.storage.bodies import Opened
from tools.storage.validators import digests, is_strong, maybe_content_range

BOOT = Path("/proc/sys/kernel/random/boot_id")
SETTLED = timedelta(seconds=60)
"""A file that was modified so long before its server answered is told apart by that time (RFC 9110, 8.8.2.2)."""


@dataclass(frozen=True)
class State:
    """What is known of the remote file whose bytes are being fetched."""

    etag: str | None = None
    modified: str | None = None
    """As the server wrote it."""
    is_settled: bool = False
    """Whether `modified` tells this state of the file from any other."""
    size: int | None = None
    name: str = ""
    """What the file will be called."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What the server says of the content: name in hashlib → digest in hexadecimal."""
    boot: str = ""

    @property
    def validator(self) -> str | None:
        """What If-Range is asked with; None where nothing proves that the file is still the same."""
        return self.etag if is_strong(self.etag) else self.modified if self.is_settled else None


class Part:
    """The file on disk and its state; owned by one process at a time."""

    def __init__(self, folder: Path, role: str) -> None:
        """`role` is the suffix of a part of a Shapefile, empty for the file itself."""
        self.body = folder / f"body{role}"
        self._state_file = folder / f"state{role}.json"
        self.state = self._read()

    def size(self) -> int:
        """Return how many bytes there are."""
        return self.body.stat().st_size if self.body.exists() else 0

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return what to ask with so that only the rest is sent; nothing where the file must be fetched from its start."""
        have, validator = self.size(), self.state.validator
        return (("range", f"bytes={have}-"), ("if-range", validator)) if have and validator else ()

    def begin(self, opened: Opened, name: str) -> int | None:
        """Take note of what an answer (200 or 206) is; return where its bytes belong, None where it does not fit what was asked.

        Bytes that came before of another state of the file are dropped.
        """
        have = self.size()
        if opened.status == 206 and self._goes_on(opened):
            stated = digests(opened.headers, whole=False)
            self.state = replace(self.state, digests={**self.state.digests, **stated})
            return have
        self.discard()
        if opened.status == 206:
            return None
        self._write(_state(opened, name))
        return 0

    def _goes_on(self, opened: Opened) -> bool:
        """Whether part of a file is the rest of this one, of the same state."""
        said, etag = maybe_content_range(opened.headers), opened.headers.get("etag")
        if said is None or said.first != self.size() or etag not in (None, self.state.etag):
            return False
        return said.size == self.state.size or None in (said.size, self.state.size)

    def discard(self) -> None:
        """Drop what has come."""
        self.body.unlink(missing_ok=True)
        self._state_file.unlink(missing_ok=True)
        self.state = State()

    def _read(self) -> State:
        try:
            state = State(**json.loads(self._state_file.read_text()))
        except (OSError, ValueError, TypeError):
            return State()
        return state if state.boot == _boot() else State()

    def _write(self, state: State) -> None:
        with storage_errors("Fetching a file into", self.body.parent):
            replace_alone(self._state_file, json.dumps(asdict(state)).encode())
        self.state = state


def _state(opened: Opened, name: str) -> State:
    headers = opened.headers
    stated = digests(headers, whole=True)
    return State(headers.get("etag"), headers.get("last-modified"), _is_settled(headers), opened.size, name, stated, _boot())


def _is_settled(headers: Mapping[str, str]) -> bool:
    try:
        modified, now = (parsedate_to_datetime(headers[name]) for name in ("last-modified", "date"))
        return now - modified >= SETTLED
    except (KeyError, ValueError, TypeError, OverflowError):
        return False


def _boot() -> str:
    """Return what differs after each start of the machine."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""
