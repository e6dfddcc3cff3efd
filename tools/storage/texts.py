"""Whether a file is the document that its suffix says."""

from __future__ import annotations

from pathlib import Path

from tools.errors import DataError
from tools.storage.paths import real_file

HEAD_BYTES = 65_536
"""So much is looked at; binary formats show themselves within their first bytes."""
PDF_HEAD_BYTES = 1024
"""Readers accept a PDF whose mark stands within these."""


def check_document(path: Path) -> None:
    """Raise DataError where a document is empty, is no PDF though it is called so, or is no text; NotFoundError where it is not there.

    Text in UTF-16 is refused with what is binary: both hold NUL bytes, and neither can be quoted.
    """
    file = real_file(path)
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(f"The document {file.name!r} cannot be read ({error.strerror}).", hint="Check its permissions.") from error
    if file.suffix.lower() == ".pdf":
        if b"%PDF-" not in head[:PDF_HEAD_BYTES]:
            raise DataError(f"The document {file.name!r} is no PDF.", hint="Give it the suffix of its format, or fetch it again.")
    elif b"\0" in head:
        raise DataError(f"The document {file.name!r} holds binary data, no text.", hint="Save it as UTF-8 text, or fetch it again.")
