"""Files on other machines, fetched whole: into quarantine, checked there, and only then into a folder named by their content.

downloads/quarantine/ADDRESS/…   what is being fetched, private; gone on with after a broken connection or a killed process
downloads/DIGEST/NAME            whole and checked; DIGEST is the SHA-256 of a list of names and SHA-256, as sha256sum writes it
downloads/receipts/ADDRESS.json  what an address held when it was last fetched, so that it need not be fetched again

ADDRESS is a digest of the address. GDAL never sees an address: it is given the file.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from tools.durable import file_digest, storage_errors
from tools.errors import BusyError, CredentialError, DataError, NotFoundError
from tools.locks import hold
from tools.settings import ToolSettings, current_settings
from tools.storage import formats
from tools.storage.bodies import Opened
from tools.storage.checksums import Checksum, check_digests, file_digests, parse_checksum
from tools.storage.download_names import check_supported, file_name, suffix_of
from tools.storage.download_progress import Told, nobody_told
from tools.storage.fetching import Fetch, Outcome
from tools.storage.hosts import AllowedHosts, shown
from tools.storage.http import Remote
from tools.storage.identity import NETWORK_PARTS, SHAPEFILE_PARTS
from tools.storage.quarantine import Part
from tools.storage.receipts import Download, Piece, is_page, publish, read_receipt, write_receipt
from tools.storage.validators import unless_changed

ALIVE_S = 0.25
"""Seconds between two looks whether another process has finished with the same address."""
BESIDE: Mapping[str, tuple[str, ...]] = {".shp": SHAPEFILE_PARTS, ".dbf": (".cpg",), **dict.fromkeys(formats.NETWORK, NETWORK_PARTS)}
"""Suffix of a file → suffixes of the files that are fetched with it, where they exist: without them it means nothing."""


class Downloads:
    """The fetched files of a workspace; safe for several threads and processes, of which only one fetches an address."""

    def __init__(self, folder: Path, settings: ToolSettings | None = None, *, pause_s: float = 0.5) -> None:
        """`pause_s` is the first pause between two attempts, doubled each time."""
        self._pause_s = pause_s
        self._folder = folder
        self._settings = settings or current_settings()

    def fetch(self, url: str, *, checksum: str | None = None, told: Told = nobody_told) -> Download:
        """Return what an address holds now; nothing is fetched where its server says that it did not change.

        `checksum` is what the file must be: `sha256:HEX`, or a multihash; `told` may raise to give up, and what came is kept.
        Raises ParameterError for a host that is not allowed or a checksum that is none; DataError for an archive, an
        unsupported format, content that is not what its name or a checksum says; DeadlineError, LimitError, StorageError,
        BusyError, and what `Remote.request` raises.
        """
        url = str(AllowedHosts.parse(self._settings.allowed_hosts).check_url(url))
        check_supported(shown(url), suffix_of(url))
        wanted = parse_checksum(checksum) if checksum else None
        until = time.monotonic() + self._settings.download_deadline_s
        ident = hashlib.sha256(url.encode()).hexdigest()[:32]
        place, receipt = self._folder / "quarantine" / ident, self._folder / "receipts" / f"{ident}.json"
        with storage_errors("Making the folder", place):
            receipt.parent.mkdir(parents=True, exist_ok=True)
            place.parent.mkdir(exist_ok=True, mode=0o700)
        before = read_receipt(receipt, self._folder)
        with _alone(place.with_suffix(".lock"), url, until, told), Remote(self._settings, pause_s=self._pause_s) as remote:
            known = read_receipt(receipt, self._folder)
            if known is not None and known != before:  # another process fetched it while this one waited
                _check_wanted(known.path, wanted)
                return known
            fetching = _Fetching(remote, self._settings, url, place, until, told, known)
            return self._kept(fetching, wanted, receipt)

    def _kept(self, fetching: _Fetching, wanted: Checksum | None, receipt: Path) -> Download:
        """Fetch what is new, publish it, and note what the address holds."""
        with storage_errors("Making the folder", fetching.place):
            fetching.place.mkdir(exist_ok=True)
        try:
            pieces = fetching.pieces(wanted)
            found = fetching.known
            if found is None or found.pieces != tuple(piece for piece, _ in pieces):
                found = publish(pieces, fetching.place / "whole", self._folder, shown(fetching.url))
                write_receipt(receipt, found)
        except DataError:
            shutil.rmtree(fetching.place, ignore_errors=True)  # what is wrong would be wrong again
            raise
        shutil.rmtree(fetching.place, ignore_errors=True)
        return found


@dataclass(frozen=True)
class _Fetching:
    """An address that is being fetched, with what belongs to it."""

    remote: Remote
    settings: ToolSettings
    url: str
    place: Path
    until: float
    told: Told
    known: Download | None

    def pieces(self, wanted: Checksum | None) -> list[tuple[Piece, Path]]:
        """Return the file itself and what is fetched with it, each with where it lies now."""
        main = self._piece("", self.url, partial(file_name, self.url), is_proved=wanted is not None)
        _check_wanted(main[1], wanted)
        found = [main]
        for role in BESIDE.get(suffix_of(self.url), ()):
            name = str(PurePosixPath(main[0].name).with_suffix(role))
            with suppress(NotFoundError, CredentialError, _NotThereError):  # stores of objects say 403 for what they do not have
                found.append(self._piece(role, _beside(self.url, role), partial(_always, name)))
        return found

    def _piece(self, role: str, url: str, named: Callable[[Opened], str], *, is_proved: bool = False) -> tuple[Piece, Path]:
        """Fetch one file, unless it is still what it was, and check it against what its server states."""
        part, before = Part(self.place, role), self.known.piece(role) if self.known else None
        headers = unless_changed(before.etag, before.modified) if before else ()
        outcome = Fetch(self.remote, self.settings, url, part, self.until, self.told, named, headers, is_proved).run()
        if outcome is Outcome.UNCHANGED and self.known and before:
            return before, self.known.folder / before.name
        stored, state = file_digest(part.body, sync=True), part.state
        if role and (stored.bytes == 0 or is_page(part.body)):
            part.discard()
            raise _NotThereError
        stated = [Checksum(name, digest) for name, digest in state.digests.items()]
        check_digests(file_digests(part.body, state.digests), stated, f"The file at {shown(url)}", "its server")
        mtime_ns = part.body.stat().st_mtime_ns
        return Piece(role, state.name, stored.sha256, stored.bytes, mtime_ns, state.etag, state.modified), part.body


class _NotThereError(Exception):
    """A server answers with success for a file beside another one that it does not have."""


def _always(name: str, _: Opened) -> str:
    return name


def _check_wanted(file: Path, wanted: Checksum | None) -> None:
    if wanted is not None:
        check_digests(file_digests(file, (wanted.algorithm,)), (wanted,), "The fetched file", "the checksum that was given")


def _beside(url: str, suffix: str) -> str:
    """Return the address of a file beside another one, its suffix in capitals where that of the other is."""
    parts = urlsplit(url)
    stem, _, old = parts.path.rpartition(".")
    return urlunsplit(parts._replace(path=f"{stem}{suffix.upper() if old.isupper() else suffix}"))


@contextmanager
def _alone(lock: Path, url: str, until: float, told: Told) -> Iterator[None]:
    """Hold the lock of an address; whoever waits for it can give up meanwhile."""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(hold(lock, ALIVE_S))
                break
            except BusyError as error:
                told(0, None)
                if time.monotonic() >= until:
                    raise BusyError(f"Another process is still fetching {shown(url)}.", hint="Wait for it, then try again.") from error
        yield
