"""The text of a document: read from Markdown, plain text, reStructuredText, HTML or PDF, with the places where its pages begin."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import ConfigurationError, DataError, LimitError, NotFoundError
from tools.settings import current_settings
from tools.storage.paths import real_file
from tools.workers.job import Executor, Job, Json, Progress

if TYPE_CHECKING:
    from pypdf import PdfReader


@dataclass(frozen=True)
class Document:
    """A text in which passages are counted."""

    text: str
    """Line ends are `\\n`; of HTML and PDF, what a reader sees."""
    pages: tuple[int, ...] = ()
    """Where each page of a PDF begins; empty for what has no pages."""

    def page_at(self, place: int) -> int | None:
        """Return the page on which a place lies, counted from 1; None without pages."""
        return sum(start <= place for start in self.pages) or None


def read_document(path: Path) -> Document:
    """Read a document by its suffix.

    Raises NotFoundError where it cannot be read, LimitError where it is too large, DataError where it is broken or encrypted,
    ConfigurationError where the reader of PDF is not installed.
    """
    limit = current_settings().max_document_bytes
    try:
        file = real_file(path)
        size = file.stat().st_size
        if size > limit:
            raise _too_large(path, f"has {size:,} bytes", limit)
        content = file.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"The document {path.name!r} cannot be read ({error.strerror}).", hint="Put it back, or add it again."
        ) from error
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        return _pdf(content, path)
    text = _decoded(content)
    return Document(_visible(text) if suffix in (".html", ".htm") else text)


def _too_large(path: Path, what: str, limit: int) -> LimitError:
    return LimitError(
        f"The document {path.name!r} {what}, more than {limit:,}.", hint="Split it, leave it out, or raise TERRACITE_MAX_DOCUMENT_BYTES."
    )


def read_elsewhere(path: Path, executor: Executor) -> Document:
    """Read a document where foreign files are opened; see `read_document`."""
    found = executor.run(Job("agent.knowledge.documents:document_job", {"path": path}, reads=(path,)))
    return Document(str(found["text"]), tuple(found["pages"]))


def document_job(path: Path, progress: Progress) -> Json:  # noqa: ARG001 - as of every job
    """Read a document; return its fields."""
    return asdict(read_document(path))


def _decoded(content: bytes) -> str:
    """Read UTF-8; what is no UTF-8 is taken for Windows-1252, the commonest other encoding, where every byte has a meaning or a mark."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _pdf(content: bytes, path: Path) -> Document:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        raise ConfigurationError(
            f"The document {path.name!r} is a PDF, and pypdf is not installed.", hint="Install it: pip install 'terracite[memory]'."
        ) from error
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every slip of a producer, none of which changes the text
    try:
        pages = list(_page_texts(PdfReader(BytesIO(content)), path))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        # a broken file makes pypdf stumble in its own code as well
        raise DataError(
            f"The document {path.name!r} cannot be read as a PDF ({type(error).__name__}: {error}).",
            hint="Save it again without a password.",
        ) from error
    starts = accumulate((len(page) for page in pages), initial=0)
    return Document("".join(pages), tuple(starts)[:-1])


def _page_texts(reader: PdfReader, path: Path) -> Iterator[str]:
    """Yield the text of each page; bound their number, what their contents unpack to, and the text.

    pypdf bounds what one stream unpacks to (75 MB) and how often forms draw forms.
    """
    settings, unpacked, told = current_settings(), 0, 0
    if len(reader.pages) > settings.max_document_pages:
        raise LimitError(
            f"The document {path.name!r} has {len(reader.pages):,} pages, more than {settings.max_document_pages:,}.",
            hint="Split it, or raise TERRACITE_MAX_DOCUMENT_PAGES.",
        )
    for page in reader.pages:
        content = page.get_contents()
        unpacked += 0 if content is None else len(content.get_data())
        if unpacked > settings.max_document_bytes:
            raise _too_large(path, "unpacks to many bytes", settings.max_document_bytes)
        text = page.extract_text().strip() + "\n\n"
        told += len(text)
        if told > settings.max_document_bytes:
            raise _too_large(path, "holds a text of many characters", settings.max_document_bytes)
        yield text


_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer form header hr li main nav ol p pre section table tr ul".split()
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_UNSEEN = frozenset({"script", "style", "template", "noscript", "head"})


_MARKUP = re.compile(r"<[!?][^<>]*+>?")
"""What is no element: declarations, instructions."""
_NO_TAG = re.compile(r"""<(?!(?:[^<>"']|"[^"<>]*+"|'[^'<>]*+')*+>)""")
"""A sign that begins no tag which ends before the next one begins."""


def _visible(html: str) -> str:
    """Return what a reader sees of a page; its headings as in Markdown.

    What would make Python's parser search the rest of the page again and again is taken out before: 60 kB of `<a ` took it
    two minutes. A `<` in the value of an attribute is shown instead of understood.
    """
    reader = _Page()
    reader.feed(_NO_TAG.sub("&lt;", _MARKUP.sub("", _without_comments(html))))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _without_comments(html: str) -> str:
    """Take comments out; one that does not end reaches to the end of the page, as in a browser."""
    first, *rest = html.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in rest)


class _Page(HTMLParser):
    """Collects text, with a line break at each block and none of what is not shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base class's signature
        if tag == "body":
            self._unseen = 0  # the end of a head may be left out
        elif tag in _UNSEEN:
            self._unseen += 1
        self.pieces += _opened(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in _HEADINGS or tag in _BLOCKS:
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(re.sub(r"\s+", " ", data))


def _opened(tag: str) -> Iterator[str]:
    if tag in _HEADINGS:
        yield f"\n\n{'#' * int(tag[1])} "
    elif tag in ("td", "th"):
        yield " "
    elif tag == "li":
        yield "\n\n- "
    elif tag in _BLOCKS:
        yield "\n\n"
