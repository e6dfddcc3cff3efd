"""What was fetched from an address: the files in their folder, and the note that stands for them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.durable import file_digest, replace_alone, storage_errors, sync_folder
from tools.errors import DataError
from tools.storage import formats

PAGE_STARTS = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class Piece:
    """One file of what was fetched."""

    role: str
    """Empty for the file itself, else the suffix of a file beside it, such as `.dbf`."""
    name: str
    sha256: str
    bytes: int
    mtime_ns: int
    etag: str | None
    modified: str | None
    """When it was last changed, as its server wrote it."""


@dataclass(frozen=True)
class Download:
    """What an address held."""

    url: str
    folder: Path
    pieces: tuple[Piece, ...]
    """The file itself first."""

    @property
    def path(self) -> Path:
        """The file itself; what belongs to it lies beside it."""
        return self.folder / self.pieces[0].name

    def piece(self, role: str) -> Piece | None:
        """Return the file of a role."""
        return next((piece for piece in self.pieces if piece.role == role), None)

    def is_whole(self) -> bool:
        """Whether every file is there and was not written since."""
        try:
            found = [(self.folder / piece.name).stat() for piece in self.pieces]
        except OSError:
            return False
        return [(stat.st_size, stat.st_mtime_ns) for stat in found] == [(piece.bytes, piece.mtime_ns) for piece in self.pieces]


def publish(pieces: Sequence[tuple[Piece, Path]], draft: Path, into: Path, url: str) -> Download:
    """Move files, each with where it lies now, into a folder named by their content: by one rename, after all were checked.

    `draft` is a folder of the same file system that is used meanwhile. Raises DataError where the first bytes of a file are
    not those of its format, StorageError where nothing can be written.
    """
    listed = "".join(f"{piece.sha256}  {piece.name}\n" for piece, _ in pieces)
    found = Download(url, into / hashlib.sha256(listed.encode()).hexdigest()[:32], tuple(piece for piece, _ in pieces))
    with storage_errors("Keeping a fetched file in", into):
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        for piece, path in pieces:
            _link(path, draft / piece.name)
            check_content(draft / piece.name)
        sync_folder(draft)
        if found.folder.exists() and not _is_same(found):
            shutil.rmtree(found.folder)  # damaged, or changed by hand
        try:
            draft.rename(found.folder)
        except OSError:
            if not found.folder.exists():
                raise
            shutil.rmtree(draft)  # the same was fetched from elsewhere
        sync_folder(into)
    times = [(found.folder / piece.name).stat().st_mtime_ns for piece in found.pieces]
    return Download(url, found.folder, tuple(Piece(**{**asdict(p), "mtime_ns": ns}) for p, ns in zip(found.pieces, times, strict=True)))


def check_content(file: Path) -> None:
    """Raise DataError for an empty file, a web page in place of data, and first bytes that are not those of the format."""
    form = formats.BY_SUFFIX.get(file.suffix.lower())
    if file.stat().st_size == 0:
        raise DataError(f"The file {file.name!r} is empty (0 bytes).", hint="Check the address.")
    if is_page(file) and (form is None or form.name != "HTML"):
        raise DataError(
            f"The address of {file.name!r} gives a web page, not the file.",
            hint="Give the address of the file itself; the page may ask for a log-in or a click.",
        )
    if form is not None:
        formats.check_magic(file, form)


def is_page(file: Path) -> bool:
    """Whether a file is HTML: servers are known to answer so, with success, for what they do not have."""
    with file.open("rb") as stream:
        head = stream.read(formats.HEAD_BYTES)
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGE_STARTS)


def read_receipt(file: Path, downloads: Path) -> Download | None:
    """Return what an address held, if all of it is still there; None for no note, or one that cannot be read."""
    try:
        data = json.loads(file.read_bytes())
        found = Download(data["url"], downloads / Path(data["folder"]).name, tuple(Piece(**piece) for piece in data["pieces"]))
        return found if found.pieces and found.is_whole() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_receipt(file: Path, found: Download) -> None:
    """Note what an address held."""
    data = {"url": found.url, "folder": found.folder.name, "pieces": [asdict(piece) for piece in found.pieces]}
    with storage_errors("Noting a download in", file):
        replace_alone(file, json.dumps(data).encode())


def _is_same(found: Download) -> bool:
    """Whether a folder holds what its name says."""
    files = [found.folder / piece.name for piece in found.pieces]
    return all(file.is_file() and file_digest(file).sha256 == piece.sha256 for file, piece in zip(files, found.pieces, strict=True))


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system knows no second names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
